use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{AssetId, InstrumentId, OrderId, Timestamp, TradeId, exact};

/// A place where the venue's account and the engine's books differed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Difference {
    /// A fill that the engine had not heard of.
    Fill {
        /// Of which order.
        order: OrderId,
        /// In what.
        instrument: InstrumentId,
        /// Which.
        trade: TradeId,
    },
    /// An order that works for the engine, and that the venue does not list.
    Missing {
        /// Which.
        order: OrderId,
    },
    /// An order that works at the venue by an id of this engine's, which knows none such, or
    /// knows that it is over.
    Unknown {
        /// Which.
        order: OrderId,
        /// In what.
        instrument: InstrumentId,
    },
    /// An order of somebody else on the account.
    Foreign {
        /// The venue's number.
        venue_order: u64,
        /// In what.
        instrument: InstrumentId,
    },
    /// An order whose quantity or price is another one, or of which more was filled.
    Changed {
        /// Which.
        order: OrderId,
    },
    /// A position.
    Position {
        /// In what.
        instrument: InstrumentId,
        /// What the engine has.
        #[serde(with = "exact")]
        ours: Decimal,
        /// What the venue has.
        #[serde(with = "exact")]
        theirs: Decimal,
    },
    /// What is held of an asset.
    Balance {
        /// Of what.
        asset: AssetId,
        /// What the engine has.
        #[serde(with = "exact")]
        ours: Decimal,
        /// What the venue has.
        #[serde(with = "exact")]
        theirs: Decimal,
    },
}

/// What became of a [`Difference`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Resolution {
    /// The venue's word was handed to the engine.
    Booked,
    /// The engine's books were adjusted, with the cause Reconciliation.
    Adjusted,
    /// The venue was asked for the order.
    Asked,
    /// The order was taken back.
    Cancelled,
    /// It was left as it is.
    Left,
    /// It is above the tolerance: trading is halted until a person has looked at it.
    Halted,
}

/// A difference and its explanation, as they are kept for the exit report.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// When it was resolved.
    pub at: Timestamp,
    /// What differed.
    pub difference: Difference,
    /// What became of it.
    pub resolution: Resolution,
}

impl fmt::Display for Explained {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.resolution {
            Resolution::Booked => "booked",
            Resolution::Adjusted => "adjusted",
            Resolution::Asked => "the venue is asked",
            Resolution::Cancelled => "cancelled",
            Resolution::Left => "left as it is",
            Resolution::Halted => "above the tolerance, halted",
        };
        write!(formatter, "{}: {what}", self.difference)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fill { order, instrument, trade } => {
                let (instrument, trade) = (instrument.0, trade.0);
                write!(formatter, "fill {trade} of {order} in instrument {instrument} was missing")
            }
            Self::Missing { order } => write!(formatter, "{order} is not listed by the venue"),
            Self::Unknown { order, instrument } => {
                write!(formatter, "{order} works in instrument {}, unknown to us", instrument.0)
            }
            Self::Foreign { venue_order, instrument } => {
                let instrument = instrument.0;
                write!(formatter, "order {venue_order} in instrument {instrument} is not ours")
            }
            Self::Changed { order } => write!(formatter, "{order} is another one at the venue"),
            Self::Position { instrument, ours, theirs } => {
                write!(formatter, "position in {}: ours {ours}, theirs {theirs}", instrument.0)
            }
            Self::Balance { asset, ours, theirs } => {
                write!(formatter, "asset {}: ours {ours}, theirs {theirs}", asset.0)
            }
        }
    }
}
