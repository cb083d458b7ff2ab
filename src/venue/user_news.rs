use rust_decimal::Decimal;

use crate::types::{AssetId, InstrumentId, Leg, OrderUpdate, Timestamp};

/// One piece of news about one's own account, in a form that is common to all venues.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum UserNews {
    /// The venue's word on an order.
    Order(OrderNews),
    /// What an account holds of an asset from now on.
    Balance {
        /// Of what.
        asset: AssetId,
        /// How much, what orders have locked included.
        total: Decimal,
    },
    /// A deposit, a withdrawal or a transfer.
    Transfer {
        /// Of what.
        asset: AssetId,
        /// How much came in; negative when it went out.
        change: Decimal,
    },
    /// A position as it is from now on.
    Position {
        /// In what.
        instrument: InstrumentId,
        /// Which position.
        leg: Leg,
        /// How much; negative when short.
        quantity: Decimal,
        /// The average price that it was entered at; zero without a position, and where the
        /// venue does not say it.
        entry: Decimal,
    },
    /// The stream is over: get a new one, and compare open orders, fills and balances.
    Ended,
    /// The server will close: open a new connection now.
    Shutdown,
}

/// The venue's word on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderNews {
    /// When, by the venue's clock.
    pub at: Timestamp,
    /// What the engine takes as an input. An order that is not the engine's own belongs to the
    /// house: epoch 0, and the venue's number as its sequence.
    pub update: OrderUpdate,
    /// The venue's number of the order.
    pub venue_order: u64,
    /// What the order has filled so far; it never falls.
    pub filled: Decimal,
}
