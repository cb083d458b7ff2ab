//! Value at risk and expected shortfall of a series of results, and what each result adds to them.
//!
//! Results are profits (money or returns), one per bar, the oldest first. Both figures are
//! **positive losses**: 3.0 means that 3.0 is lost; a negative figure means that even the tail
//! earned.

mod cornish_fisher;
mod empirical;
mod model;
mod parametric;

pub use cornish_fisher::{
    cornish_fisher_is_monotone, cornish_fisher_quantile, cornish_fisher_tail_mean,
};
pub use empirical::{ShortfallRule, historical_shortfall};
pub use model::{TailEstimator, TailModel};

use crate::types::{Classification, Classify};
use serde::{Deserialize, Serialize};

/// Value at risk and expected shortfall, as positive losses in the unit of the results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// The loss that is not exceeded with the model's confidence.
    pub value_at_risk: f64,
    /// The mean loss in the cases beyond.
    pub expected_shortfall: f64,
}

impl Tail {
    /// One of the two.
    pub const fn measure(&self, measure: TailMeasure) -> f64 {
        match measure {
            TailMeasure::ValueAtRisk => self.value_at_risk,
            TailMeasure::ExpectedShortfall => self.expected_shortfall,
        }
    }
}

/// Which figure of the tail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TailMeasure {
    /// The loss at the edge of the tail.
    #[default]
    ValueAtRisk,
    /// The mean loss within the tail: it does not hide how bad the tail is.
    ExpectedShortfall,
}

/// Why a series has no tail figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum TailError {
    /// Fewer than two results say nothing about their spread; wait for more.
    #[error("{count} results are too few, at least 2 are needed")]
    TooFew {
        /// How many there are.
        count: usize,
    },
    /// A result is NaN or infinite, or so large that sums overflow.
    #[error("the results are not finite numbers of a sane size")]
    NotFinite,
    /// The Cornish-Fisher expansion is not monotone for these moments: its quantiles would fall
    /// where they should rise. Use another estimator.
    #[error(
        "skewness {skewness} and excess kurtosis {kurtosis} lie outside of the region \
         in which the Cornish-Fisher expansion is monotone"
    )]
    OutsideRegion {
        /// Skewness over the horizon.
        skewness: f64,
        /// Excess kurtosis over the horizon.
        kurtosis: f64,
    },
}

impl Classify for TailError {
    fn classification(&self) -> Classification {
        Classification::COMPUTATION
    }
}

/// Memory that the estimators reuse: after the first call with the longest series nothing more is
/// allocated.
#[derive(Clone, Debug, Default)]
pub struct TailWork {
    weights: Vec<f64>,
    values: Vec<f64>,
    scales: Vec<f64>,
    ranked: Vec<(f64, u32)>,
}

/// Weights of exponential decay for so many results, the newest (last) the largest, summing to 1.
pub(crate) fn decaying_weights(count: usize, decay: f64, weights: &mut Vec<f64>) {
    weights.clear();
    weights.resize(count, 0.0);
    let total = -libm::expm1(libm::log(decay) * count as f64);
    let mut weight = (1.0 - decay) / total;
    for place in weights.iter_mut().rev() {
        // Far below the smallest share that a sum of this size could notice.
        if weight < 1e-300 {
            break;
        }
        *place = weight;
        weight *= decay;
    }
}
