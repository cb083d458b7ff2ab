use rust_decimal::Decimal;

use crate::math::ParameterError;
use crate::types::Label;
use crate::types::{Classification, Classify};

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
    /// The limit must be above zero.
    #[error("{what} {value} is not above zero")]
    NotPositive {
        /// Which limit.
        what: &'static str,
        /// The refused value.
        value: Decimal,
    },
    /// The limit must be zero or above.
    #[error("{what} {value} is negative")]
    Negative {
        /// Which limit.
        what: &'static str,
        /// The refused value.
        value: Decimal,
    },
    /// The limit must be a whole number from zero to 4,294,967,295.
    #[error("{what} {value} is no whole number from zero to 4,294,967,295")]
    NotACount {
        /// Which limit.
        what: &'static str,
        /// The refused value.
        value: Decimal,
    },
    /// A span of time must be above zero.
    #[error("{what} needs a span of time above zero")]
    NoSpan {
        /// Which limit.
        what: &'static str,
    },
    /// The reserved share leaves nothing of the budget.
    #[error("of {budget} messages {reserved} are reserved: nothing is left for entries")]
    NothingLeft {
        /// The whole budget.
        budget: u32,
        /// The reserved share.
        reserved: u32,
    },
    /// A limit on quantity needs one instrument: shares and coins do not add up.
    #[error("a limit on executed quantity needs one instrument")]
    NoInstrument,
    /// More entries than are kept; end some first.
    #[error("{what}: more than {most} are not kept")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are kept.
        most: usize,
    },
    /// The text is no time of day.
    #[error("`{text}` is no time of day such as 09:30")]
    BadTime {
        /// The refused text, its first 31 bytes.
        text: Label,
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

impl Classify for RiskConfigError {
    fn classification(&self) -> Classification {
        match self {
            Self::InvalidState { .. } => Classification::STORED,
            _ => Classification::SETTINGS,
        }
    }
}
