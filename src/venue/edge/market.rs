use core::fmt::Debug;

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::{ConnectionCounts, DataQuality, ExchangeError};
use crate::types::{InstrumentId, Period, Timestamp};
use crate::venue::{BookFault, MarketNews, SessionState};

/// A venue's market data: one shared service for all who want to read them.
///
/// Each call of [`MarketDataStream::subscribe`] gives a stream of its own; the venue is asked
/// once for what several of them want. The service keeps its connections up by itself: it
/// reconnects, subscribes again, drops what came twice, fetches what is missing, makes books of
/// snapshots and updates, and asks by HTTP while no connection can be had.
///
/// Each reader has a bounded queue. Of quotes, tickers, marks and books only the newest waits
/// ([`Channel::keeps_latest`]); nothing else is dropped, but of a reader that is too far behind:
/// it loses its place and is told so ([`VenueEvent::Lagged`]).
#[async_trait]
pub trait MarketDataStream: Send + Sync + Debug {
    /// Asks for these, and gives a stream of what they say from now on. The stream ends when the
    /// service is closed; dropping it gives the subscriptions up.
    ///
    /// # Errors
    /// [`ExchangeError::Unsupported`] for what the venue does not have, [`ExchangeError::Closed`]
    /// when the service was closed. A connection that fails is told by the stream.
    async fn subscribe(
        &self,
        subscriptions: &[Subscription],
    ) -> Result<MarketStream, ExchangeError>;

    /// Where the service stands: that of its connections which is worst off.
    fn status(&self) -> SessionState;

    /// The changes of [`MarketDataStream::status`], beginning with the present one. Of several
    /// changes that nobody has read, the last is told.
    fn watch_status(&self) -> BoxStream<'static, SessionState>;

    /// How old and how whole the data of each subscription are, at this moment.
    fn quality(&self) -> Vec<DataQuality>;

    /// What all connections have seen since the service was made.
    fn counts(&self) -> ConnectionCounts;

    /// Closes all connections. What was received before is still in the streams, which end after
    /// it. It comes back when everything is closed; a second call does nothing.
    async fn close(&self);
}

/// What a subscription's reader gets, until the service is closed.
pub type MarketStream = BoxStream<'static, VenueEvent>;

/// Which data of which instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subscription {
    /// Of what.
    pub instrument: InstrumentId,
    /// Which data.
    pub channel: Channel,
}

impl Subscription {
    /// Asks for a channel of an instrument.
    pub const fn new(instrument: InstrumentId, channel: Channel) -> Self {
        Self { instrument, channel }
    }
}

/// A kind of market data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// Best bid and ask.
    Quotes,
    /// Every trade, numbered, once and in order.
    Trades,
    /// Bars of this length; closed ones as events, the forming one as
    /// [`MarketNews::Forming`].
    Bars(Period),
    /// Whole books of at most so many levels a side, each vouched for when it is told.
    Book {
        /// Levels of each side.
        levels: u16,
    },
    /// The changes of the book and the snapshots they follow on, for a book of one's own
    /// ([`BookSync`](crate::venue::BookSync)).
    Depth,
    /// The last 24 hours.
    Ticker,
    /// The mark price and the funding to come.
    Marks,
}

impl Channel {
    /// True when a newer value makes the one before it worthless, so that only the newest is kept
    /// for a reader that is behind.
    pub const fn keeps_latest(self) -> bool {
        match self {
            Self::Quotes | Self::Book { .. } | Self::Ticker | Self::Marks => true,
            Self::Trades | Self::Bars(_) | Self::Depth => false,
        }
    }
}

/// One piece of what a market stream says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VenueEvent {
    /// The venue's word. Books come as [`MarketEvent::Book`](crate::types::MarketEvent::Book).
    News {
        /// When it was received, by our wall clock.
        at: Timestamp,
        /// What it says.
        news: MarketNews,
    },
    /// The subscription is current from now on.
    Started {
        /// Since when, by our wall clock.
        at: Timestamp,
        /// Which.
        subscription: Subscription,
    },
    /// Nothing of the subscription is to be trusted until it is started again: hand
    /// [`Control::Distrust`](crate::engine::Control::Distrust) to the engine.
    Lost {
        /// Since when, by our wall clock.
        at: Timestamp,
        /// Which.
        subscription: Subscription,
        /// Why, where it is a book that cannot be vouched for.
        fault: Option<BookFault>,
    },
    /// These trades cannot be had: bars that span them are not whole.
    Missed {
        /// When that was known, by our wall clock.
        at: Timestamp,
        /// Of what.
        instrument: InstrumentId,
        /// The first number that is missing.
        from: u64,
        /// The last number that is missing.
        to: u64,
    },
    /// The reader was too slow: so many events that may not be dropped were dropped.
    Lagged {
        /// How many.
        events: u64,
    },
}
