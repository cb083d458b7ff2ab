use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::CorrelationEstimator;
use crate::math::{TailMeasure, TailModel};

/// What a [`PortfolioRisk`](super::PortfolioRisk) computes and from how much history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortfolioRiskSettings {
    /// Estimator, confidence and horizon (historical, 99 %, one row).
    pub model: TailModel,
    /// The figure that positions and limits are measured by (value at risk).
    pub measure: TailMeasure,
    /// Rows of returns that the figures look at (250: a year of trading days).
    pub window: usize,
    /// Rows below which there are no figures (100: one result beyond the confidence of 99 %).
    pub minimum_rows: usize,
    /// How correlations are estimated (exponentially, decay 0.94, from 20 rows on).
    pub correlation: CorrelationEstimator,
    /// Time between rows; zero makes one row of each instant at which anything was marked, which
    /// is right for bars that all come at the same times.
    pub row_spacing: Duration,
}

impl Default for PortfolioRiskSettings {
    fn default() -> Self {
        Self {
            model: TailModel::default(),
            measure: TailMeasure::default(),
            window: 250,
            minimum_rows: 100,
            correlation: CorrelationEstimator::default(),
            row_spacing: Duration::ZERO,
        }
    }
}
