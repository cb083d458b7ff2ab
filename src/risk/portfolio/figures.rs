use serde::{Deserialize, Serialize};

use super::calculator::dot;
use super::relations::Relations;
use super::sampler::MarkSampler;
use super::{
    CorrelationMatrix, PortfolioRiskSettings, PortfolioTail, PositionRisk, PositionRiskCalculator,
    RiskFigureError, RiskWork,
};
use crate::math::{ParameterError, ReturnWindow, TailEstimator, decaying_weights};
use crate::risk::{Fact, RiskConfigError};
use crate::types::{Facts, InstrumentId, Side, StateError, Timestamp};

/// The figures of the open portfolio, kept up to date as marks and fills come in.
///
/// Feed it every fact with [`PortfolioRisk::observe`], as a [`Guard`](crate::risk::Guard) does.
/// Rows of returns follow the marks: a row is closed by the first fact after its time, so during
/// the events of one instant all strategies see the same figures, those of the rows before.
/// Nothing is allocated after construction but the first growth of its work space.
///
/// It watches the instruments that it is given. A position in any other, or one without a mark,
/// leaves it without figures, and rules that need them refuse.
///
/// ```
/// use tradewright::math::{TailEstimator, TailModel};
/// use tradewright::risk::{Fact, PortfolioRisk, PortfolioRiskSettings};
/// use tradewright::types::{
///     Decimal, FactBookBuilder, Facts, Instrument, Instruments, Price, SlotId, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let spy = table.add(Instrument::stock("SPY", "USD"))?;
/// let usd = table.find_asset("USD").unwrap();
/// let model = TailModel::new(TailEstimator::Historical, 0.75, 1.0)?;
/// let settings = PortfolioRiskSettings { model, minimum_rows: 3, ..Default::default() };
/// let mut portfolio = PortfolioRisk::new(settings, [spy])?;
/// for (day, close) in [100.0, 98.0, 98.98, 99.0, 99.0].into_iter().enumerate() {
///     let at = Timestamp::from_secs(86_400 * day as i64).unwrap();
///     let entry = Price::new(Decimal::from(100)).unwrap();
///     let book = FactBookBuilder::new(&table, usd)
///         .mark(spy, at, close)
///         .position(SlotId(1), spy, Decimal::from(10), entry)
///         .build();
///     portfolio.observe(&Fact::Mark, &Facts::new(at, SlotId::HOUSE, &table, &book));
/// }
/// let figures = portfolio.figures()?;
/// assert_eq!(figures.tail.rows, 3);
/// // 990 USD, and a fall of 2 % is the worst of three days.
/// assert!((figures.tail.tail.expected_shortfall - 19.8).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct PortfolioRisk {
    settings: PortfolioRiskSettings,
    sampler: MarkSampler,
    returns: ReturnWindow,
    correlations: CorrelationMatrix,
    figures: Result<PortfolioFigures, RiskFigureError>,
    series: Vec<SeriesRisk>,
    #[serde(skip)]
    exposures: Vec<f64>,
    #[serde(skip)]
    weights: Vec<f64>,
    #[serde(skip)]
    work: RiskWork,
    #[serde(skip)]
    relations: Relations,
}

/// The portfolio's figures at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortfolioFigures {
    /// When they were computed.
    pub at: Timestamp,
    /// Value at risk and expected shortfall over the horizon, in the reporting currency.
    pub tail: PortfolioTail,
    /// Deviation of the portfolio's result per row, in the reporting currency, with the weights
    /// of the estimator; 0 without positions.
    pub deviation: f64,
}

/// One position's figures, by instrument.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstrumentRisk {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// Its figures.
    pub risk: PositionRisk,
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

impl PortfolioRisk {
    /// Watches these instruments.
    ///
    /// # Errors
    /// [`RiskConfigError::Parameter`] for a window, minimum or decay out of range, a minimum above
    /// the window, and for no instruments or more than [`MOST_SERIES`](crate::math::MOST_SERIES).
    pub fn new(
        settings: PortfolioRiskSettings,
        instruments: impl IntoIterator<Item = InstrumentId>,
    ) -> Result<Self, RiskConfigError> {
        let mut instruments: Vec<InstrumentId> = instruments.into_iter().collect();
        instruments.sort_unstable();
        instruments.dedup();
        let count = instruments.len();
        check_rows(settings.minimum_rows)?;
        if settings.minimum_rows > settings.window {
            let (smaller, larger) = ("minimum_rows", "window + 1");
            let (value, limit) = (settings.minimum_rows, settings.window + 1);
            return Err(ParameterError::Order { smaller, value, larger, limit }.into());
        }
        let minimum = settings.minimum_rows;
        let relations = Relations::of(&instruments);
        Ok(Self {
            settings,
            returns: ReturnWindow::new(count, settings.window)?,
            correlations: CorrelationMatrix::new(count, settings.correlation)?,
            sampler: MarkSampler::new(instruments, settings.row_spacing),
            figures: Err(RiskFigureError::TooFewRows { rows: 0, minimum }),
            series: vec![SeriesRisk::UNKNOWN; count],
            exposures: vec![0.0; count],
            weights: Vec::new(),
            work: RiskWork::default(),
            relations,
        })
    }

    /// Takes note of a fact: marks make rows, rows and fills make new figures.
    #[inline]
    pub fn observe(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) {
        let is_row = self.sampler.observe(facts);
        if is_row || matches!(fact, Fact::Fill(_)) {
            self.refresh(is_row, facts);
        }
    }

    /// The figures as they were computed last.
    ///
    /// # Errors
    /// [`RiskFigureError`]: why there are none.
    pub fn figures(&self) -> Result<PortfolioFigures, RiskFigureError> {
        self.figures
    }

    /// What it computes.
    pub const fn settings(&self) -> &PortfolioRiskSettings {
        &self.settings
    }

    /// The instruments that it watches, in the order of the series of returns.
    pub fn instruments(&self) -> &[InstrumentId] {
        self.sampler.instruments()
    }

    /// The returns that the figures rest on.
    pub const fn returns(&self) -> &ReturnWindow {
        &self.returns
    }

    /// Correlation of two instruments; `None` while it is not known or one of them is flat.
    pub fn correlation(&self, one: InstrumentId, other: InstrumentId) -> Option<f64> {
        self.correlation_of(self.column(one)?, self.column(other)?)
    }

    pub(in crate::risk) fn correlation_of(&self, one: usize, other: usize) -> Option<f64> {
        self.correlations.correlation(one, other)
    }

    /// Beta of an instrument against another; `None` while it is not known.
    pub fn beta(&self, instrument: InstrumentId, against: InstrumentId) -> Option<f64> {
        self.correlations.beta(self.column(instrument)?, self.column(against)?)
    }

    /// How much of the same bet a further position would be, from the positions and marks of now:
    /// 1 the same, 0 something else, -1 a hedge of all that is held. See
    /// [`CorrelationMatrix::score`].
    ///
    /// `None` where nothing is held, for an instrument that is not watched, and while the value of
    /// a position is not known.
    pub fn correlation_score(
        &self,
        instrument: InstrumentId,
        side: Side,
        facts: &Facts<'_>,
    ) -> Option<f64> {
        let mut exposures = vec![0.0; self.series.len()];
        self.value(facts, &mut exposures).ok()?;
        let direction = match side {
            Side::Buy => 1.0,
            Side::Sell => -1.0,
        };
        self.correlations.score(self.column(instrument)?, direction, &exposures)
    }

    /// What each open position adds, from the positions and marks of now. Allocates; for reports.
    ///
    /// # Errors
    /// [`RiskFigureError`]: why there are no figures.
    pub fn positions(&self, facts: &Facts<'_>) -> Result<Vec<InstrumentRisk>, RiskFigureError> {
        let mut exposures = vec![0.0; self.series.len()];
        self.value(facts, &mut exposures)?;
        let mut found = Vec::new();
        let calculator = self.calculator();
        calculator.positions(&exposures, &self.returns, &mut RiskWork::default(), &mut found)?;
        let named = |risk: PositionRisk| {
            self.instruments().get(risk.series).map(|id| InstrumentRisk { instrument: *id, risk })
        };
        Ok(found.into_iter().filter_map(named).collect())
    }

    /// The calculator with these settings.
    pub const fn calculator(&self) -> PositionRiskCalculator {
        self.settings.calculator()
    }

    /// The instrument's place in the rows.
    #[inline]
    pub(in crate::risk) fn column(&self, instrument: InstrumentId) -> Option<usize> {
        self.relations.column(instrument)
    }

    /// Keeps the correlations of the last row ready to be read.
    pub(in crate::risk) fn keep_correlations(&mut self) {
        self.relations.keep(&self.correlations);
    }

    /// Correlations of a column with all others as of the last row, NaN where one is not known;
    /// empty where they are not kept.
    #[inline]
    pub(in crate::risk) fn related(&self, column: usize) -> &[f64] {
        self.relations.row(column, self.series.len())
    }

    pub(in crate::risk) fn series(&self, column: usize) -> Option<&SeriesRisk> {
        self.series.get(column)
    }

    /// Takes over another's state, when both watch and compute the same.
    pub(in crate::risk) fn take_over(&mut self, other: Self) -> Result<(), StateError> {
        let text = |it: &Self| format!("{:?} of {:?}", it.settings, it.instruments());
        if self.settings != other.settings || self.instruments() != other.instruments() {
            return Err(StateError::Mismatch { expected: text(self), found: text(&other) });
        }
        let is_kept = self.relations.is_kept();
        *self = other;
        if is_kept {
            self.keep_correlations();
        }
        Ok(())
    }
}

/// Computing the figures.
impl PortfolioRisk {
    #[inline(never)]
    fn refresh(&mut self, is_row: bool, facts: &Facts<'_>) {
        if is_row {
            // The sampler's rows have the right length and no value beyond its largest move.
            let _ = self.returns.push(self.sampler.row());
            let _ = self.correlations.update(self.sampler.row());
            if self.relations.is_kept() {
                self.keep_correlations();
            }
        }
        self.figures = self.compute(facts);
    }

    fn compute(&mut self, facts: &Facts<'_>) -> Result<PortfolioFigures, RiskFigureError> {
        let mut exposures = core::mem::take(&mut self.exposures);
        let valued = self.value(facts, &mut exposures);
        self.exposures = exposures;
        valued?;
        let calculator = self.calculator();
        let tail = calculator.portfolio(&self.exposures, &self.returns, &mut self.work)?;
        let deviation = self.spread(tail.rows);
        Ok(PortfolioFigures { at: facts.at, tail, deviation })
    }

    /// Signed values of the positions of now, one per series.
    fn value(&self, facts: &Facts<'_>, exposures: &mut [f64]) -> Result<(), RiskFigureError> {
        exposures.fill(0.0);
        for (index, position) in facts.book.nets().iter().enumerate() {
            if position.is_flat() {
                continue;
            }
            let instrument = InstrumentId(index as u32);
            let column = self.column(instrument);
            let Some(exposure) = column.and_then(|column| exposures.get_mut(column)) else {
                return Err(RiskFigureError::Untracked { instrument });
            };
            *exposure = position.size * facts.book.reach(instrument).unit_value();
            if !exposure.is_finite() {
                return Err(RiskFigureError::NoMark { instrument });
            }
        }
        Ok(())
    }

    /// Deviations and covariances of all series; the answer is the portfolio's deviation. Its
    /// results of `rows` rows are in the work space.
    fn spread(&mut self, rows: usize) -> f64 {
        let estimator = self.settings.model.estimator();
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
            let known = self.returns.known(column);
            if known < self.settings.minimum_rows {
                continue;
            }
            let own_rows = if rows > 0 { rows.min(known) } else { known };
            if own_rows != weighted.0 {
                weighted = (own_rows, weigh(estimator, own_rows, &mut self.weights));
            }
            let returns = self.returns.newest(column, own_rows).unwrap_or_default();
            series.deviation = deviation(returns, &self.weights) * weighted.1.sqrt();
            series.covariance = match rows {
                0 => 0.0,
                _ if rows == own_rows => dot(results, returns) * scale,
                _ => f64::NAN,
            };
        }
        (variance * scale).sqrt()
    }
}

impl PortfolioRiskSettings {
    const fn calculator(&self) -> PositionRiskCalculator {
        PositionRiskCalculator::with(self.model, self.measure, self.minimum_rows)
    }
}

pub(super) fn check_rows(minimum: usize) -> Result<(), RiskConfigError> {
    if minimum >= 2 {
        return Ok(());
    }
    let (name, maximum) = ("minimum_rows", crate::math::LONGEST_WINDOW);
    Err(ParameterError::Count { name, value: minimum, minimum: 2, maximum }.into())
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

#[derive(Deserialize)]
struct Stored {
    settings: PortfolioRiskSettings,
    sampler: MarkSampler,
    returns: ReturnWindow,
    correlations: CorrelationMatrix,
    figures: Result<PortfolioFigures, RiskFigureError>,
    series: Vec<SeriesRisk>,
}

impl TryFrom<Stored> for PortfolioRisk {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let Stored { settings, sampler, returns, correlations, figures, series } = stored;
        let new = Self::new(settings, sampler.instruments().iter().copied());
        let new = new.map_err(|error| error.to_string())?;
        let count = series.len();
        let counts = [returns.series(), correlations.series(), sampler.instruments().len()];
        let is_sound = sampler.is_sound()
            && sampler.instruments() == new.instruments()
            && returns.length() == settings.window
            && correlations.is_of(settings.correlation)
            && counts.iter().all(|other| *other == count);
        if !is_sound {
            return Err(format!("stored figures of {count} series are not sound"));
        }
        Ok(Self { sampler, returns, correlations, figures, series, ..new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_contradict_themselves_are_refused() {
        let with = |window, minimum_rows| {
            let settings = PortfolioRiskSettings { window, minimum_rows, ..Default::default() };
            PortfolioRisk::new(settings, [InstrumentId(0)]).is_ok()
        };
        assert!(with(10, 10));
        assert!(!with(10, 11));
        assert!(!with(10, 1));
        assert!(!with(1, 2));
        assert!(PortfolioRisk::new(PortfolioRiskSettings::default(), []).is_err());
    }
}
