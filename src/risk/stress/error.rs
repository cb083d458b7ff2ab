use crate::types::{AssetId, InstrumentId};
use crate::types::{Classification, Classify};

/// Why a scenario cannot be, or cannot be applied to these facts.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StressError {
    /// A shock is a fraction of -1 (everything is lost) or above.
    #[error("shock {value} is not a finite number of -1 or above")]
    ShockOutOfRange {
        /// The refused value.
        value: f64,
    },
    /// A beta is a finite number.
    #[error("beta {value} is not a finite number")]
    BetaNotFinite {
        /// The refused value.
        value: f64,
    },
    /// Equity is not known or not above zero, so that there is nothing to measure against.
    #[error("equity {equity} is not a finite number above zero")]
    NoEquity {
        /// The equity of the facts.
        equity: f64,
    },
    /// A position has no mark, or its currency no rate.
    #[error("instrument {} has a position and no mark", .instrument.0)]
    NoMark {
        /// Of which instrument.
        instrument: InstrumentId,
    },
    /// Cash is held in an asset whose rate no mark tells.
    #[error("asset {} is held and has no rate", .asset.0)]
    NoRate {
        /// Which asset.
        asset: AssetId,
    },
    /// The other symbols move by beta, and a position's beta is missing.
    #[error("instrument {} has a position and no beta", .instrument.0)]
    NoBeta {
        /// Of which instrument.
        instrument: InstrumentId,
    },
    /// The stressed value is no number: a price below zero, or an inverse contract at price zero.
    #[error("instrument {} has no value at the stressed price {price}", .instrument.0)]
    NoValue {
        /// Of which instrument.
        instrument: InstrumentId,
        /// The price.
        price: f64,
    },
}

impl Classify for StressError {
    fn classification(&self) -> Classification {
        Classification::COMPUTATION
    }
}
