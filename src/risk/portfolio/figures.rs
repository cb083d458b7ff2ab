use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::reckoning::{Reckoning, SeriesRisk};
use super::relations::Columns;
use super::sampler::MarkSampler;
use super::{
    CorrelationMatrix, PortfolioRiskSettings, PortfolioTail, PositionRisk, PositionRiskCalculator,
    RiskFigureError, RiskWork,
};
use crate::math::{ParameterError, ReturnWindow};
use crate::risk::{Fact, RiskConfigError};
use crate::types::{Facts, InstrumentId, Side, StateError, Timestamp};

/// The figures of the open portfolio, kept up to date as marks and fills come in.
///
/// Feed it every fact with [`PortfolioRisk::observe`], as a [`Guard`](crate::risk::Guard) does.
/// Rows of returns follow the marks: a row is closed by the first fact after its time, so during
/// the events of one instant all strategies see the same figures, those of the rows before.
///
/// A row or a fill makes new figures fall due, with the positions and marks of that moment. They
/// are computed when somebody asks, so a bar on which nothing is opened costs a row of returns and
/// no more. Nothing is allocated after construction but the first growth of the work space.
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
#[derive(Debug, Deserialize)]
#[serde(try_from = "Stored")]
pub struct PortfolioRisk {
    settings: PortfolioRiskSettings,
    sampler: MarkSampler,
    returns: ReturnWindow,
    correlations: CorrelationMatrix,
    columns: Columns,
    /// Readers have it computed, so it is behind a lock; no two of them ever wait in an engine.
    reckoning: Mutex<Reckoning>,
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
        let columns = Columns::of(&instruments);
        Ok(Self {
            settings,
            returns: ReturnWindow::new(count, settings.window)?,
            correlations: CorrelationMatrix::new(count, settings.correlation)?,
            sampler: MarkSampler::new(instruments, settings.row_spacing),
            columns,
            reckoning: Mutex::new(Reckoning::new(count, minimum)),
        })
    }

    /// Takes note of a fact: marks make rows, rows and fills make new figures.
    ///
    /// Where rows have spans, the fact that ends one is best [`Fact::Time`], told before anything
    /// is marked after it, as engines do; then no mark within the row needs to be told.
    #[inline]
    pub fn observe(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) {
        let is_row = self.sampler.observe(facts);
        if is_row || matches!(fact, Fact::Fill(_)) {
            self.refresh(is_row, facts);
        }
    }

    /// True where rows are wider than an instant.
    pub(in crate::risk) const fn has_spans(&self) -> bool {
        !self.settings.row_spacing.is_zero()
    }

    /// The first time after the open row, where rows have spans; `None` while none is open.
    pub(in crate::risk) fn row_due(&self) -> Option<Timestamp> {
        self.sampler.due()
    }

    /// The figures as of the last row or fill.
    ///
    /// # Errors
    /// [`RiskFigureError`]: why there are none.
    pub fn figures(&self) -> Result<PortfolioFigures, RiskFigureError> {
        self.reckoned().figures
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
        self.correlations.correlation(self.column(one)?, self.column(other)?)
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
        let mut exposures = vec![0.0; self.instruments().len()];
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
        let mut exposures = vec![0.0; self.instruments().len()];
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
        self.columns.get(instrument.index())
    }

    /// The same by the instrument's index, past the end of every row where it is not watched.
    #[inline]
    pub(in crate::risk) fn column_at(&self, index: usize) -> usize {
        self.columns.at(index)
    }

    /// Correlations of a column with every instrument as of the last row, by id; NaN where one is
    /// not known.
    pub(in crate::risk) fn with_related<T>(
        &self,
        column: usize,
        read: impl FnOnce(&[f64]) -> T,
    ) -> T {
        let mut reckoning = self.lock();
        read(reckoning.relations.row(&self.correlations, &self.columns, column))
    }

    /// What is known of these series as of the last row or fill, with the figures.
    pub(in crate::risk) fn with_series<T>(
        &self,
        read: impl FnOnce(&PortfolioFigures, &[SeriesRisk]) -> T,
    ) -> Result<T, RiskFigureError> {
        let reckoned = self.reckoned();
        reckoned.figures.map(|figures| read(&figures, &reckoned.series))
    }

    /// Takes over another's state, when both watch and compute the same.
    pub(in crate::risk) fn take_over(&mut self, other: Self) -> Result<(), StateError> {
        let text = |it: &Self| format!("{:?} of {:?}", it.settings, it.instruments());
        if self.settings != other.settings || self.instruments() != other.instruments() {
            return Err(StateError::Mismatch { expected: text(self), found: text(&other) });
        }
        *self = other;
        Ok(())
    }
}

/// What the figures rest on.
impl PortfolioRisk {
    #[inline(never)]
    fn refresh(&mut self, is_row: bool, facts: &Facts<'_>) {
        if is_row {
            // The sampler's rows have the right length and no value beyond its largest move.
            let _ = self.returns.push(self.sampler.row());
            let _ = self.correlations.update(self.sampler.row());
            self.reckoning_mut().relations.fall_due();
        }
        let mut exposures = core::mem::take(&mut self.reckoning_mut().exposures);
        let valued = self.value(facts, &mut exposures).map(|()| facts.at);
        self.reckoning_mut().fall_due(valued, exposures);
    }

    /// The figures, computed if they are due.
    fn reckoned(&self) -> MutexGuard<'_, Reckoning> {
        let mut reckoning = self.lock();
        reckoning.settle(&self.settings, &self.returns);
        reckoning
    }

    fn lock(&self) -> MutexGuard<'_, Reckoning> {
        self.reckoning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reckoning_mut(&mut self) -> &mut Reckoning {
        self.reckoning.get_mut().unwrap_or_else(PoisonError::into_inner)
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
}

impl Clone for PortfolioRisk {
    fn clone(&self) -> Self {
        let reckoning = Mutex::new(self.reckoned().clone());
        let Self { settings, sampler, returns, correlations, columns, .. } = self;
        Self {
            settings: *settings,
            sampler: sampler.clone(),
            returns: returns.clone(),
            correlations: correlations.clone(),
            columns: columns.clone(),
            reckoning,
        }
    }
}

impl PortfolioRiskSettings {
    pub(super) const fn calculator(&self) -> PositionRiskCalculator {
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
        let reckoning = Mutex::new(Reckoning::of(figures, series));
        Ok(Self { sampler, returns, correlations, reckoning, ..new })
    }
}

/// What is due is computed first, so that the state does not tell who has asked.
impl Serialize for PortfolioRisk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reckoned = self.reckoned();
        let mut fields = serializer.serialize_struct("PortfolioRisk", 6)?;
        fields.serialize_field("settings", &self.settings)?;
        fields.serialize_field("sampler", &self.sampler)?;
        fields.serialize_field("returns", &self.returns)?;
        fields.serialize_field("correlations", &self.correlations)?;
        fields.serialize_field("figures", &reckoned.figures)?;
        fields.serialize_field("series", &reckoned.series)?;
        fields.end()
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
