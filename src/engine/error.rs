use rust_decimal::Decimal;

use crate::account::LedgerError;
use crate::order::OrderError;
use crate::risk::RiskConfigError;
use crate::types::{Classification, Classify};
use crate::types::{DataError, InstrumentError, LimitKey, SlotId, StateError, Timestamp};

/// Why the engine refused an input or could not be built; its state did not change.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Inputs must come in order of time; sort the data or raise the epoch after a restart.
    #[error("time goes back from {previous} to {at}")]
    TimeGoesBack {
        /// Time of the last accepted input.
        previous: Timestamp,
        /// The refused time.
        at: Timestamp,
    },
    /// A piece of market data is not sound; drop it and look at the feed.
    #[error("market data refused: {0}")]
    Data(#[from] DataError),
    /// The books cannot take it, such as sums beyond 28 digits.
    #[error("booking refused: {0}")]
    Ledger(#[from] LedgerError),
    /// The order is not known or cannot be changed.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// An instrument cannot be registered.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// A slot that does not exist.
    #[error("slot {} does not exist", .slot.0)]
    UnknownSlot {
        /// The refused slot.
        slot: SlotId,
    },
    /// A strategy without an instrument to trade.
    #[error("strategy `{strategy}` has an empty universe")]
    EmptyUniverse {
        /// Its name.
        strategy: String,
    },
    /// More slots than ids.
    #[error("{slots} strategies are too many, at most 65,534 are possible")]
    TooManySlots {
        /// The refused number.
        slots: usize,
    },
    /// A halt cannot ask for the level Flat: only the venue brings it about.
    #[error("a halt cannot ask for Flat, ask for Flattening")]
    FlatIsNoOrder,
    /// No rule, guard or gate of this engine has such a limit.
    #[error("no limit `{key}` is known")]
    UnknownLimit {
        /// The refused name.
        key: LimitKey,
    },
    /// A limit cannot have this value.
    #[error("limit refused: {0}")]
    Limit(#[from] RiskConfigError),
    /// A temporary limit would be over before it begins.
    #[error("a temporary limit until {until} would be over already")]
    OverrideOver {
        /// The refused time.
        until: Timestamp,
    },
    /// Limits that were required are not there; set them, or do not start.
    #[error("required limits are missing: {}", .missing.join(", "))]
    MissingLimits {
        /// Their names.
        missing: Vec<String>,
    },
    /// A fraction must be above 0 and at most 1.
    #[error("fraction {value} is not above 0 and at most 1")]
    BadFraction {
        /// The refused value.
        value: Decimal,
    },
    /// A part of a snapshot cannot be written or taken over.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Classify for EngineError {
    fn classification(&self) -> Classification {
        match self {
            Self::Data(error) => error.classification(),
            Self::Ledger(error) => error.classification(),
            Self::Order(error) => error.classification(),
            Self::Instrument(error) => error.classification(),
            Self::Limit(error) => error.classification(),
            Self::State(error) => error.classification(),
            Self::TimeGoesBack { .. }
            | Self::UnknownSlot { .. }
            | Self::FlatIsNoOrder
            | Self::UnknownLimit { .. }
            | Self::OverrideOver { .. } => Classification::INPUT,
            Self::EmptyUniverse { .. }
            | Self::TooManySlots { .. }
            | Self::MissingLimits { .. }
            | Self::BadFraction { .. } => Classification::SETTINGS,
        }
    }
}
