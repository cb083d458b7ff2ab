use core::time::Duration;

use crate::types::Timestamp;

/// What goes wrong. Probabilities are 0 to 1 per message or request and drawn from the
/// exchange's seed, so that the same seed and the same requests meet the same faults; nothing
/// goes wrong by default.
///
/// ```
/// use tradewright::local_exchange::Chaos;
///
/// let rough = Chaos { gap: 0.05, duplicate: 0.05, ..Chaos::default() };
/// assert_eq!(rough.cut, 0.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chaos {
    /// An event of a market stream is left out: a gap in the sequence.
    pub gap: f64,
    /// An event is sent twice, also one of user data.
    pub duplicate: f64,
    /// An event of a market stream is held back and sent after the next one of its connection.
    pub reorder: f64,
    /// A connection is cut without a farewell when something is sent on it.
    pub cut: f64,
    /// Streams whose name contains one of these words are silent; the connection stays alive.
    pub muted: Vec<String>,
    /// A change of a book comes with a bid above the best offer, which no snapshot has: the book
    /// that is made of it is crossed.
    pub crossed: f64,
    /// A request to subscribe to market streams is answered by an error, and nothing comes of it.
    pub refused_subscription: f64,
    /// A request over HTTP is not carried out and its connection is closed.
    pub lost_request: f64,
    /// A request over HTTP is carried out and its connection is closed without an answer.
    pub lost_answer: f64,
    /// An order, a cancel or an amendment is carried out and answered by 503 with -1007.
    pub unknown_outcome: f64,
    /// An order, a cancel or an amendment is not carried out and answered by 503 with -1007:
    /// the client cannot tell it from one that was.
    pub unknown_and_lost: f64,
    /// Answers over HTTP and the WebSocket API come so much later.
    pub slow: Duration,
    /// All requests are refused.
    pub refusal: Option<Refusal>,
    /// The exchange's clock is ahead of the time that it is given (below zero: behind), in
    /// milliseconds.
    pub clock_skew_millis: i64,
}

/// A refusal of all requests over HTTP and the WebSocket API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// 429 (too many requests) or 418 (banned, with the hour in the text); 403 and 5xx work, too.
    pub status: u16,
    /// Until when. `Retry-After` tells the seconds.
    pub until: Timestamp,
}

/// Something that goes wrong once, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strike {
    /// All WebSocket connections are cut without a farewell.
    Cut,
    /// All WebSocket connections are told `serverShutdown`; ten seconds later they are closed
    /// with code 1012.
    Shutdown,
    /// All listen keys of futures expire; their streams say so.
    ExpireListenKeys,
    /// All subscriptions to spot user data end with `eventStreamTerminated`.
    EndUserStreams,
}
