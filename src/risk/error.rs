use rust_decimal::Decimal;

use crate::math::ParameterError;

/// Why a limit, or the saved state of one, was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RiskConfigError {
    /// A drawdown threshold must be above 0 and at most 1.
    #[error("drawdown threshold {value} is not above 0 and at most 1")]
    ThresholdOutOfRange {
        /// The refused value.
        value: Decimal,
    },
    /// A breaker that trips at zero losses would never let anything through.
    #[error("{value} consecutive losses are no limit, at least 1 is needed")]
    NoLosses {
        /// The refused value.
        value: u32,
    },
    /// A limit must be a finite number, zero or above.
    #[error("{what} limit {value} is not a finite number of zero or above")]
    LimitOutOfRange {
        /// Which limit.
        what: &'static str,
        /// The refused value.
        value: f64,
    },
    /// A window, decay, confidence or another parameter of a figure is out of its range.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Drawdowns must rise from 0 to 1 and scales must fall from 1 to 0.
    #[error("schedule point ({drawdown}, {scale}) does not rise in drawdown and fall in scale")]
    BadSchedule {
        /// The refused drawdown.
        drawdown: f64,
        /// The refused scale.
        scale: f64,
    },
    /// A saved state contradicts itself.
    #[error("saved state is not valid: {what} {value}")]
    InvalidState {
        /// Which part.
        what: &'static str,
        /// The refused value.
        value: Decimal,
    },
}
