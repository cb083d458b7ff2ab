use serde::{Deserialize, Serialize};

use crate::types::{BookLevel, InstrumentId};

/// A change of an order book as a venue tells it, in a form that is common to all venues.
///
/// A level's quantity is the new total at its price; zero removes the level. The numbers order
/// the updates of one book; what they promise is said by the book's
/// [`SyncRule`](super::SyncRule).
///
/// ```
/// use tradewright::types::{BookLevel, InstrumentId};
/// use tradewright::venue::DepthUpdate;
///
/// // {"U":157,"u":160,"b":[["0.0024","10"]],"a":[]}
/// let level = BookLevel { price: 0.0024, quantity: 10.0 };
/// let update = DepthUpdate {
///     bids: vec![level],
///     ..DepthUpdate::new(InstrumentId(0), 157, 160)
/// };
/// assert_eq!(update.previous, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DepthUpdate {
    /// Whose book.
    pub instrument: InstrumentId,
    /// Number of the first change within (Binance `U`; dYdX `message_id`).
    pub first: u64,
    /// Number of the last change within (Binance `u`; dYdX `message_id`).
    pub last: u64,
    /// The last number of the update before this one, where the venue says it (Binance
    /// futures `pu`).
    pub previous: Option<u64>,
    /// Changed bids, in the venue's order.
    pub bids: Vec<BookLevel>,
    /// Changed asks, in the venue's order.
    pub asks: Vec<BookLevel>,
}

impl DepthUpdate {
    /// An update without levels.
    pub const fn new(instrument: InstrumentId, first: u64, last: u64) -> Self {
        Self { instrument, first, last, previous: None, bids: Vec::new(), asks: Vec::new() }
    }
}

/// A whole order book at one moment, as a venue tells it.
///
/// The levels may come in any order; a level without quantity is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DepthSnapshot {
    /// Whose book.
    pub instrument: InstrumentId,
    /// Number of the last change that it contains (Binance `lastUpdateId`; dYdX `message_id`).
    pub last: u64,
    /// True when it holds all levels that there are; false when it was cut off at a number of
    /// levels, so that nothing is known beyond the worst of them.
    pub is_complete: bool,
    /// Buyers.
    pub bids: Vec<BookLevel>,
    /// Sellers.
    pub asks: Vec<BookLevel>,
}
