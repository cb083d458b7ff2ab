use serde::{Deserialize, Serialize};

use crate::math::{ExponentialCovariance, ParameterError, RollingCovariance, RowError};

/// How correlations are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[serde(deny_unknown_fields)]
pub enum CorrelationEstimator {
    /// Over the last rows, all with the same weight; see [`RollingCovariance`].
    Rolling {
        /// Rows of the window, 2 to 1,024.
        window: usize,
    },
    /// With exponentially falling weights; see [`ExponentialCovariance`].
    Exponential {
        /// Weight of a row over that of its successor, between 0 and 1.
        decay: f64,
        /// Rows before the first answer, at least 2.
        warmup: usize,
    },
}

impl Default for CorrelationEstimator {
    /// Exponential with RiskMetrics' decay for days, from 20 rows on.
    fn default() -> Self {
        Self::Exponential { decay: 0.94, warmup: 20 }
    }
}

/// Correlations of all watched series, updated row by row.
///
/// Symmetric, 1 on the diagonal, within -1 to 1; `None` before there are enough rows and for a
/// series that does not move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CorrelationMatrix {
    /// See [`CorrelationEstimator::Rolling`].
    Rolling(RollingCovariance),
    /// See [`CorrelationEstimator::Exponential`].
    Exponential(ExponentialCovariance),
}

impl CorrelationMatrix {
    /// A matrix of so many series.
    ///
    /// # Errors
    /// [`ParameterError`] for a window, decay or number of series out of range.
    pub fn new(series: usize, estimator: CorrelationEstimator) -> Result<Self, ParameterError> {
        Ok(match estimator {
            CorrelationEstimator::Rolling { window } => {
                Self::Rolling(RollingCovariance::new(series, window)?)
            }
            CorrelationEstimator::Exponential { decay, warmup } => {
                Self::Exponential(ExponentialCovariance::new(series, decay, warmup)?)
            }
        })
    }

    /// Takes the returns of one bar; NaN for a series without a return.
    ///
    /// # Errors
    /// [`RowError`]; nothing has changed.
    pub fn update(&mut self, row: &[f64]) -> Result<(), RowError> {
        match self {
            Self::Rolling(matrix) => matrix.update(row),
            Self::Exponential(matrix) => matrix.update(row),
        }
    }

    /// Number of series.
    pub const fn series(&self) -> usize {
        match self {
            Self::Rolling(matrix) => matrix.series(),
            Self::Exponential(matrix) => matrix.series(),
        }
    }

    pub(super) fn is_of(&self, estimator: CorrelationEstimator) -> bool {
        match self {
            Self::Rolling(matrix) => {
                estimator == CorrelationEstimator::Rolling { window: matrix.window() }
            }
            Self::Exponential(matrix) => {
                let (decay, warmup) = (matrix.decay(), matrix.warmup());
                estimator == CorrelationEstimator::Exponential { decay, warmup }
            }
        }
    }

    /// Correlation of two series.
    pub fn correlation(&self, one: usize, other: usize) -> Option<f64> {
        match self {
            Self::Rolling(matrix) => matrix.correlation(one, other),
            Self::Exponential(matrix) => matrix.correlation(one, other),
        }
    }

    /// Covariance of two series per row; of a series with itself its variance.
    pub fn covariance(&self, one: usize, other: usize) -> Option<f64> {
        match self {
            Self::Rolling(matrix) => matrix.covariance(one, other),
            Self::Exponential(matrix) => matrix.covariance(one, other),
        }
    }

    /// Writes all correlations, row after row, NaN where one is not known: the values of
    /// [`CorrelationMatrix::correlation`], but for the last digit.
    pub fn write(&self, out: &mut Vec<f64>) {
        match self {
            Self::Rolling(matrix) => matrix.write_correlations(out),
            Self::Exponential(matrix) => matrix.write_correlations(out),
        }
    }

    /// Beta of a series against another: covariance over the other's variance. `None` where the
    /// other has no variance.
    pub fn beta(&self, series: usize, against: usize) -> Option<f64> {
        let variance = self.covariance(against, against).filter(|variance| *variance > 0.0)?;
        Some(self.covariance(series, against)? / variance)
    }

    /// What a position of this direction (1 long, -1 short) in a series would share with the
    /// exposures (signed, one per series): the mean of the correlations, weighted by exposure and
    /// counted negative against it.
    ///
    /// 1 is more of the same bet, 0 something else, -1 a hedge of all that is held. A pair whose
    /// correlation is not known counts as the same bet. `None` where nothing is held.
    pub fn score(&self, series: usize, direction: f64, exposures: &[f64]) -> Option<f64> {
        let (mut shared, mut total) = (0.0, 0.0);
        for (other, exposure) in exposures.iter().enumerate() {
            if *exposure == 0.0 {
                continue;
            }
            let share = match self.correlation(series, other) {
                Some(correlation) => correlation * direction * exposure,
                None => exposure.abs(),
            };
            shared += share;
            total += exposure.abs();
        }
        let score = shared / total;
        score.is_finite().then(|| score.clamp(-1.0, 1.0))
    }
}
