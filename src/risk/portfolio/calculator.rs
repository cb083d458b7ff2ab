use serde::{Deserialize, Serialize};

use super::RiskFigureError;
use crate::math::{ReturnWindow, Tail, TailMeasure, TailModel, TailWork, mean, standard_deviation};
use crate::risk::RiskConfigError;

/// Value at risk and expected shortfall of a portfolio and of its positions.
///
/// The portfolio as it stands now is carried through the returns of the past: the result of a row
/// is Σ exposure · return. Exposures are signed values in the reporting currency (negative for
/// short positions), returns are simple; for contracts and shares that is exact, for options it is
/// the history of the option's own price.
///
/// All figures are **positive losses** in the reporting currency, over the model's horizon.
///
/// ```
/// use tradewright::math::{ReturnWindow, TailEstimator, TailModel};
/// use tradewright::risk::{PositionRiskCalculator, RiskWork};
///
/// let mut returns = ReturnWindow::new(2, 4)?;
/// for row in [[0.01, 0.02], [-0.02, 0.00], [0.00, -0.01], [0.01, 0.01]] {
///     returns.push(&row)?;
/// }
/// let model = TailModel::new(TailEstimator::Gaussian, 0.95, 1.0)?;
/// let calculator = PositionRiskCalculator::new(model, 4)?;
/// let mut positions = Vec::new();
/// let portfolio = calculator.positions(
///     &[1_000.0, -500.0], &returns, &mut RiskWork::default(), &mut positions)?;
/// let sum: f64 = positions.iter().map(|position| position.component).sum();
/// assert!((sum - portfolio.tail.value_at_risk).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionRiskCalculator {
    model: TailModel,
    measure: TailMeasure,
    minimum_rows: usize,
}

/// Memory that calculations reuse; after the first one nothing is allocated.
#[derive(Clone, Debug, Default)]
pub struct RiskWork {
    pub(super) series: Vec<f64>,
    other: Vec<f64>,
    gradient: Vec<f64>,
    pub(super) tail: TailWork,
}

/// The figures of a whole portfolio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PortfolioTail {
    /// Both tail figures.
    pub tail: Tail,
    /// Rows that they rest on: those in which every position was known. 0 without positions.
    pub rows: usize,
    /// Mean result over its sample deviation, per row (Sharpe, 1966, without a risk-free return);
    /// `None` where the results do not vary.
    pub sharpe: Option<f64>,
}

/// What one position adds, measured by the calculator's figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionRisk {
    /// The position's place among the exposures.
    pub series: usize,
    /// Its signed value.
    pub exposure: f64,
    /// The figure of this position alone; `None` where the estimator is not valid for it.
    pub standalone: Option<f64>,
    /// By how much the portfolio's figure rises per unit of further exposure: its derivative.
    pub marginal: f64,
    /// Exposure times marginal figure (Euler's allocation). Components sum to the portfolio's
    /// figure; a negative one hedges.
    pub component: f64,
    /// The portfolio's figure less that of the portfolio without this position; `None` where the
    /// estimator is not valid for the rest.
    pub incremental: Option<f64>,
    /// The position's mean result over the portfolio's deviation. These sum to the portfolio's
    /// Sharpe ratio; `None` where that is not defined.
    pub sharpe_contribution: Option<f64>,
    /// The portfolio's Sharpe ratio less that of the portfolio without this position.
    pub sharpe_increment: Option<f64>,
}

impl PositionRiskCalculator {
    /// A calculator that measures positions by value at risk and refuses to say anything on fewer
    /// rows than `minimum_rows`.
    ///
    /// # Errors
    /// [`RiskConfigError::Parameter`] for less than 2 rows.
    pub fn new(model: TailModel, minimum_rows: usize) -> Result<Self, RiskConfigError> {
        super::figures::check_rows(minimum_rows)?;
        Ok(Self::with(model, TailMeasure::ValueAtRisk, minimum_rows))
    }

    /// The caller has checked the number of rows.
    pub(super) const fn with(model: TailModel, measure: TailMeasure, minimum_rows: usize) -> Self {
        Self { model, measure, minimum_rows }
    }

    /// The same, with positions measured by this figure.
    #[must_use]
    pub const fn measured_by(self, measure: TailMeasure) -> Self {
        Self { measure, ..self }
    }

    /// Estimator, confidence and horizon.
    pub const fn model(&self) -> &TailModel {
        &self.model
    }

    /// The figure that positions are measured by.
    pub const fn measure(&self) -> TailMeasure {
        self.measure
    }

    /// Rows below which there are no figures.
    pub const fn minimum_rows(&self) -> usize {
        self.minimum_rows
    }

    /// The figures of the portfolio; zero without positions, whatever the history.
    ///
    /// # Errors
    /// [`RiskFigureError`]: too few rows, or the estimator is not valid.
    pub fn portfolio(
        &self,
        exposures: &[f64],
        returns: &ReturnWindow,
        work: &mut RiskWork,
    ) -> Result<PortfolioTail, RiskFigureError> {
        let rows = self.results(exposures, returns, work)?;
        if rows == 0 {
            return Ok(PortfolioTail::default());
        }
        let tail = self.model.tail(&work.series, &mut work.tail)?;
        Ok(PortfolioTail { tail, rows, sharpe: sharpe(&work.series) })
    }

    /// The figures of the portfolio and of each position that is not zero, which are written into
    /// `out` in the order of the exposures.
    ///
    /// # Errors
    /// As [`PositionRiskCalculator::portfolio`].
    pub fn positions(
        &self,
        exposures: &[f64],
        returns: &ReturnWindow,
        work: &mut RiskWork,
        out: &mut Vec<PositionRisk>,
    ) -> Result<PortfolioTail, RiskFigureError> {
        out.clear();
        let rows = self.results(exposures, returns, work)?;
        if rows == 0 {
            return Ok(PortfolioTail::default());
        }
        let RiskWork { series, gradient, tail, .. } = work;
        let figures = self.model.gradient(series, self.measure, tail, gradient)?;
        let portfolio = PortfolioTail { tail: figures, rows, sharpe: sharpe(series) };
        for (index, exposure) in exposures.iter().enumerate() {
            if *exposure != 0.0
                && let Some(own) = returns.newest(index, rows)
            {
                out.push(self.position((index, *exposure), own, &portfolio, work));
            }
        }
        Ok(portfolio)
    }

    /// By how much the figure rises when the exposure in one series changes by an amount.
    ///
    /// # Errors
    /// As [`PositionRiskCalculator::portfolio`], for the portfolio before and after.
    pub fn incremental(
        &self,
        exposures: &[f64],
        returns: &ReturnWindow,
        (series, change): (usize, f64),
        work: &mut RiskWork,
    ) -> Result<f64, RiskFigureError> {
        let before = self.portfolio(exposures, returns, work)?.tail.measure(self.measure);
        let mut changed = exposures.to_vec();
        if let Some(exposure) = changed.get_mut(series) {
            *exposure += change;
        }
        Ok(self.portfolio(&changed, returns, work)?.tail.measure(self.measure) - before)
    }

    fn position(
        &self,
        (series, exposure): (usize, f64),
        own: &[f64],
        portfolio: &PortfolioTail,
        work: &mut RiskWork,
    ) -> PositionRisk {
        let RiskWork { series: results, other, gradient, tail } = work;
        let marginal = dot(gradient, own);
        let mut alone = |results: &[f64]| {
            self.model.tail(results, tail).ok().map(|found| found.measure(self.measure))
        };
        other.clear();
        other.extend(own.iter().map(|change| exposure * change));
        let standalone = alone(other);
        let deviation = standard_deviation(results, 1).filter(|_| portfolio.sharpe.is_some());
        let sharpe_contribution = mean(other).zip(deviation).map(|(mean, spread)| mean / spread);
        for (rest, result) in other.iter_mut().zip(results.iter()) {
            *rest = result - *rest;
        }
        let total = portfolio.tail.measure(self.measure);
        PositionRisk {
            series,
            exposure,
            standalone,
            marginal,
            component: exposure * marginal,
            incremental: alone(other).map(|rest| total - rest),
            sharpe_contribution,
            sharpe_increment: portfolio.sharpe.zip(sharpe(other)).map(|(all, rest)| all - rest),
        }
    }

    /// The portfolio's result in each row in which all positions were known, the oldest first;
    /// the answer is their number, 0 without positions.
    fn results(
        &self,
        exposures: &[f64],
        returns: &ReturnWindow,
        work: &mut RiskWork,
    ) -> Result<usize, RiskFigureError> {
        if exposures.len() != returns.series() {
            let (expected, found) = (returns.series(), exposures.len());
            return Err(RiskFigureError::Exposures { expected, found });
        }
        work.series.clear();
        let open = || exposures.iter().enumerate().filter(|(_, exposure)| **exposure != 0.0);
        let Some(rows) = open().map(|(index, _)| returns.known(index)).min() else {
            return Ok(0);
        };
        if rows < self.minimum_rows {
            return Err(RiskFigureError::TooFewRows { rows, minimum: self.minimum_rows });
        }
        work.series.resize(rows, 0.0);
        for (index, exposure) in open() {
            let column = returns.newest(index, rows).unwrap_or_default();
            for (result, change) in work.series.iter_mut().zip(column) {
                *result += exposure * change;
            }
        }
        Ok(rows)
    }
}

/// Mean over sample deviation; `None` for results that are all equal.
fn sharpe(results: &[f64]) -> Option<f64> {
    let is_flat = results.windows(2).all(|pair| pair[0] == pair[1]);
    let deviation = standard_deviation(results, 1).filter(|spread| *spread > 0.0 && !is_flat)?;
    let ratio = mean(results)? / deviation;
    ratio.is_finite().then_some(ratio)
}

/// The sum of products, in four strands that the processor adds at the same time.
pub(super) fn dot(one: &[f64], other: &[f64]) -> f64 {
    let mut strands = [0.0; 4];
    let (left, right) = (one.chunks_exact(4), other.chunks_exact(4));
    let rest = left.remainder().iter().zip(right.remainder());
    let last: f64 = rest.map(|(one, other)| one * other).sum();
    for (left, right) in left.zip(right) {
        for (strand, (one, other)) in strands.iter_mut().zip(left.iter().zip(right)) {
            *strand += one * other;
        }
    }
    let [a, b, c, d] = strands;
    ((a + b) + (c + d)) + last
}
