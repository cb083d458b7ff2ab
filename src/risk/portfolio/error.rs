use serde::{Deserialize, Serialize};

use crate::math::TailError;
use crate::types::InstrumentId;
use crate::types::{Classification, Classify};

/// Why the portfolio has no figures at this moment. Rules that need them refuse every opening.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum RiskFigureError {
    /// Too little history; wait, or warm up with older marks.
    #[error("{rows} rows of returns are too few, at least {minimum} are needed")]
    TooFewRows {
        /// Rows in which every open position was known.
        rows: usize,
        /// Rows that the settings ask for.
        minimum: usize,
    },
    /// A position is open in an instrument whose returns are not watched; add it to the list.
    #[error("instrument {} has a position and its returns are not watched", .instrument.0)]
    Untracked {
        /// Which.
        instrument: InstrumentId,
    },
    /// A position is open in an instrument without a mark, or whose rate is not known.
    #[error("instrument {} has a position and no mark", .instrument.0)]
    NoMark {
        /// Which.
        instrument: InstrumentId,
    },
    /// Exposures and returns do not belong together.
    #[error("{found} exposures for {expected} series of returns")]
    Exposures {
        /// Series of the returns.
        expected: usize,
        /// Exposures that were given.
        found: usize,
    },
    /// The estimator has no figure for these results.
    #[error(transparent)]
    Tail(#[from] TailError),
}

impl Classify for RiskFigureError {
    fn classification(&self) -> Classification {
        Classification::COMPUTATION
    }
}
