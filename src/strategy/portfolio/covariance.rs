use serde::{Deserialize, Serialize};

use crate::math::{ExponentialCovariance, ParameterError, RollingCovariance, RowError};

/// How covariances of returns are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CovarianceSpec {
    /// Sample covariances over the last rows: see [`RollingCovariance`].
    Rolling {
        /// Rows of returns, 2 to 1,024.
        window: usize,
    },
    /// Exponentially falling weights: see [`ExponentialCovariance`].
    Exponential {
        /// What each row keeps of the ones before, between 0 and 1.
        decay: f64,
        /// Rows before the first answer, at least 2.
        warmup: usize,
    },
}

impl CovarianceSpec {
    pub(super) const WORDS: &'static [&'static str] = &["rolling", "exponential"];

    /// Rows of returns before there are figures.
    pub(super) const fn rows(self) -> usize {
        match self {
            Self::Rolling { window } => window,
            Self::Exponential { warmup, .. } => warmup,
        }
    }
}

/// The covariances as they stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum CovarianceEstimate {
    Rolling(RollingCovariance),
    Exponential(ExponentialCovariance),
}

impl CovarianceEstimate {
    pub(super) fn new(spec: CovarianceSpec, series: usize) -> Result<Self, ParameterError> {
        Ok(match spec {
            CovarianceSpec::Rolling { window } => {
                Self::Rolling(RollingCovariance::new(series, window)?)
            }
            CovarianceSpec::Exponential { decay, warmup } => {
                Self::Exponential(ExponentialCovariance::new(series, decay, warmup)?)
            }
        })
    }

    pub(super) fn update(&mut self, row: &[f64]) -> Result<(), RowError> {
        match self {
            Self::Rolling(matrix) => matrix.update(row),
            Self::Exponential(matrix) => matrix.update(row),
        }
    }

    pub(super) fn covariance(&self, one: usize, other: usize) -> Option<f64> {
        match self {
            Self::Rolling(matrix) => matrix.covariance(one, other),
            Self::Exponential(matrix) => matrix.covariance(one, other),
        }
    }

    /// True when a saved estimate is of the same form.
    pub(super) fn is_like(&self, saved: &Self) -> bool {
        match (self, saved) {
            (Self::Rolling(own), Self::Rolling(other)) => {
                own.series() == other.series() && own.window() == other.window()
            }
            (Self::Exponential(own), Self::Exponential(other)) => {
                own.series() == other.series() && own.warmup() == other.warmup()
            }
            (Self::Rolling(_), Self::Exponential(_)) | (Self::Exponential(_), Self::Rolling(_)) => {
                false
            }
        }
    }
}
