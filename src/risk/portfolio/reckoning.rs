use serde::{Deserialize, Serialize};

use super::calculator::dot;
use super::relations::Relations;
use super::{PortfolioFigures, PortfolioRiskSettings, RiskFigureError, RiskWork};
use crate::math::{ReturnWindow, TailEstimator, decaying_weights};
use crate::types::Timestamp;

/// The figures of a portfolio, which fall due with a row or fill and are computed when somebody
/// asks.
#[derive(Clone, Debug)]
pub(super) struct Reckoning {
    /// What they are computed of; `None` when they have been.
    due: Option<Result<Timestamp, RiskFigureError>>,
    /// Signed values of the positions when they fell due, one per series.
    pub(super) exposures: Vec<f64>,
    pub(super) figures: Result<PortfolioFigures, RiskFigureError>,
    pub(super) series: Vec<SeriesRisk>,
    pub(super) relations: Relations,
    weights: Vec<f64>,
    work: RiskWork,
}

/// What is known of one series when the figures are computed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::risk) struct SeriesRisk {
    /// Signed value of the position.
    pub(in crate::risk) exposure: f64,
    /// Deviation of its returns per row; NaN while there are too few.
    pub(in crate::risk) deviation: f64,
    /// Covariance of its return with the portfolio's result; NaN while there are too few common
    /// rows.
    pub(in crate::risk) covariance: f64,
}

impl SeriesRisk {
    const UNKNOWN: Self = Self { exposure: 0.0, deviation: f64::NAN, covariance: f64::NAN };
}

impl Reckoning {
    /// Of so many series, nothing is known.
    pub(super) fn new(count: usize, minimum: usize) -> Self {
        let figures = Err(RiskFigureError::TooFewRows { rows: 0, minimum });
        Self::of(figures, vec![SeriesRisk::UNKNOWN; count])
    }

    /// As they were computed.
    pub(super) fn of(
        figures: Result<PortfolioFigures, RiskFigureError>,
        series: Vec<SeriesRisk>,
    ) -> Self {
        Self {
            due: None,
            exposures: vec![0.0; series.len()],
            figures,
            series,
            relations: Relations::new(),
            weights: Vec::new(),
            work: RiskWork::default(),
        }
    }

    /// New figures, of positions that were valued at a time, or could not be.
    pub(super) fn fall_due(
        &mut self,
        valued: Result<Timestamp, RiskFigureError>,
        exposures: Vec<f64>,
    ) {
        self.due = Some(valued);
        self.exposures = exposures;
    }

    /// Computes what is due.
    #[inline]
    pub(super) fn settle(&mut self, settings: &PortfolioRiskSettings, returns: &ReturnWindow) {
        if let Some(valued) = self.due.take() {
            self.figures = valued.and_then(|at| self.compute(at, settings, returns));
        }
    }

    #[inline(never)]
    fn compute(
        &mut self,
        at: Timestamp,
        settings: &PortfolioRiskSettings,
        returns: &ReturnWindow,
    ) -> Result<PortfolioFigures, RiskFigureError> {
        let calculator = settings.calculator();
        let tail = calculator.portfolio(&self.exposures, returns, &mut self.work)?;
        let deviation = self.spread(settings, returns, tail.rows);
        Ok(PortfolioFigures { at, tail, deviation })
    }

    /// Deviations and covariances of all series; the answer is the portfolio's deviation. Its
    /// results of `rows` rows are in the work space.
    fn spread(
        &mut self,
        settings: &PortfolioRiskSettings,
        returns: &ReturnWindow,
        rows: usize,
    ) -> f64 {
        let estimator = settings.model.estimator();
        let results = &mut self.work.series;
        let scale = weigh(estimator, rows, &mut self.weights);
        let centre = dot(results, &self.weights);
        let mut variance = 0.0;
        for (result, weight) in results.iter_mut().zip(&self.weights) {
            let from_mean = *result - centre;
            variance += weight * from_mean * from_mean;
            // From here on what a series' return is multiplied with.
            *result = weight * from_mean;
        }
        let mut weighted = (rows, scale);
        let columns = self.series.iter_mut().zip(&self.exposures).enumerate();
        for (column, (series, exposure)) in columns {
            *series = SeriesRisk { exposure: *exposure, ..SeriesRisk::UNKNOWN };
            let known = returns.known(column);
            if known < settings.minimum_rows {
                continue;
            }
            let own_rows = if rows > 0 { rows.min(known) } else { known };
            if own_rows != weighted.0 {
                weighted = (own_rows, weigh(estimator, own_rows, &mut self.weights));
            }
            let own = returns.newest(column, own_rows).unwrap_or_default();
            series.deviation = deviation(own, &self.weights) * weighted.1.sqrt();
            series.covariance = match rows {
                0 => 0.0,
                _ if rows == own_rows => dot(results, own) * scale,
                _ => f64::NAN,
            };
        }
        (variance * scale).sqrt()
    }
}

/// Writes the estimator's weights of so many rows; the answer makes a sample's variance of the
/// weighted one.
fn weigh(estimator: TailEstimator, rows: usize, weights: &mut Vec<f64>) -> f64 {
    let count = rows as f64;
    match estimator {
        TailEstimator::Ewma { decay } | TailEstimator::FilteredHistorical { decay } => {
            decaying_weights(rows, decay, weights);
            1.0
        }
        TailEstimator::Historical | TailEstimator::Gaussian | TailEstimator::CornishFisher => {
            weights.clear();
            weights.resize(rows, 1.0 / count);
            if rows > 1 { count / (count - 1.0) } else { 1.0 }
        }
    }
}

fn deviation(returns: &[f64], weights: &[f64]) -> f64 {
    let centre = dot(returns, weights);
    let mut variance = 0.0;
    for (value, weight) in returns.iter().zip(weights) {
        variance += weight * (value - centre) * (value - centre);
    }
    variance.sqrt()
}
