use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::budget::{affordable, fraction_down, positive_equity, unit_value};
use super::{Sizer, SizerError, mark, on_grid};
use crate::math::{Indicator, Ohlcv, ParameterError, RealisedVolatility, VolatilityEstimator};
use crate::types::{
    Amount, Bar, Facts, Instrument, InstrumentId, Period, Reason, ReasonCode, Signal, State,
    StateError, to_f64,
};

/// Positions whose yearly volatility is a given fraction of equity: calm markets get more.
///
/// The value is `equity * target / volatility`, at most `equity * cap`, rounded down to the
/// step. Nothing is opened while the volatility is zero or not known.
#[derive(Clone, Debug, PartialEq)]
pub struct VolatilityTarget {
    target: f64,
    cap: Decimal,
    source: VolatilitySource,
    measured: Vec<(InstrumentId, RealisedVolatility)>,
}

/// Where a sizer takes the volatility from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum VolatilitySource {
    /// A fraction per year, the same for all instruments.
    Given(f64),
    /// Measured over bars of one period.
    Measured {
        /// How.
        estimator: VolatilityEstimator,
        /// Over so many bars.
        window: usize,
        /// Bars in a year: 252 for daily bars of shares.
        bars_per_year: f64,
        /// Of which bars; `None` for all that the slot is shown.
        period: Option<Period>,
    },
}

impl VolatilityTarget {
    /// A yearly volatility (0.1 is ten percent, above 0 and at most 100) and the largest value
    /// as a fraction of equity (above 0 and at most 100).
    ///
    /// # Errors
    /// [`SizerError`] for a number out of its range.
    pub fn new(target: f64, cap: Decimal, source: VolatilitySource) -> Result<Self, SizerError> {
        let is_sound = |value: f64| value > 0.0 && value <= 100.0;
        if !is_sound(target) {
            return Err(SizerError::BadNumber { what: "volatility target", value: target });
        }
        if cap <= Decimal::ZERO || cap > Decimal::ONE_HUNDRED {
            return Err(SizerError::BadFraction { value: cap });
        }
        match source {
            VolatilitySource::Given(value) if !is_sound(value) => {
                return Err(SizerError::BadNumber { what: "volatility", value });
            }
            VolatilitySource::Measured { .. } => {
                meter(&source).ok_or(SizerError::BadWindow)?.map_err(|_| SizerError::BadWindow)?;
            }
            VolatilitySource::Given(_) => {}
        }
        Ok(Self { target, cap, source, measured: Vec::new() })
    }

    /// The volatility of an instrument, a fraction per year; `None` while it is not known.
    pub fn volatility(&self, instrument: InstrumentId) -> Option<f64> {
        match self.source {
            VolatilitySource::Given(value) => Some(value),
            VolatilitySource::Measured { .. } => {
                let meter = self.measured.iter().find(|(own, _)| *own == instrument)?;
                meter.1.value()
            }
        }
    }
}

impl Sizer for VolatilityTarget {
    fn size(
        &self,
        signal: &Signal,
        instrument: &Instrument,
        facts: &Facts<'_>,
    ) -> Result<Amount, Reason> {
        let equity = positive_equity(facts)?;
        let price = mark(instrument, facts)?;
        let volatility = self.volatility(signal.instrument).unwrap_or(0.0);
        let unknown = Reason::new(ReasonCode::Volatility, self.target, volatility);
        if !(volatility > 0.0 && volatility.is_finite()) {
            return Err(unknown);
        }
        let share = (self.target / volatility).min(to_f64(self.cap));
        let share = fraction_down(share).ok_or(unknown)?.min(self.cap);
        let unit = unit_value(instrument, price, facts)?;
        let budget = equity.checked_mul(share).ok_or(unknown)?;
        let wanted = affordable(budget, unit, instrument).ok_or(unknown)?;
        on_grid(instrument, wanted, price).map(Amount::Quantity)
    }

    fn is_attentive(&self) -> bool {
        matches!(self.source, VolatilitySource::Measured { .. })
    }

    fn on_bar(&mut self, bar: &Bar) {
        let VolatilitySource::Measured { period, .. } = self.source else { return };
        if period.is_some_and(|period| period != bar.period) {
            return;
        }
        let place = self.measured.iter().position(|(own, _)| *own == bar.instrument);
        let place = place.unwrap_or_else(|| {
            // The same parameters were accepted when this sizer was made.
            if let Some(Ok(meter)) = meter(&self.source) {
                self.measured.push((bar.instrument, meter));
            }
            self.measured.len().saturating_sub(1)
        });
        if let Some((_, meter)) = self.measured.get_mut(place) {
            // A bar that no market can have leaves the meter as it was.
            let (open, high, low, close) = (bar.open, bar.high, bar.low, bar.close);
            let _ = meter.update(Ohlcv { open, high, low, close, volume: bar.volume });
        }
    }

    fn save_memory(&self) -> Result<Vec<u8>, StateError> {
        self.measured.save()
    }

    fn restore_memory(&mut self, memory: &[u8]) -> Result<(), StateError> {
        let mut saved: Vec<(InstrumentId, RealisedVolatility)> = Vec::new();
        saved.restore(memory)?;
        let warmup = match meter(&self.source) {
            Some(Ok(meter)) => meter.warmup(),
            Some(Err(_)) | None => 0,
        };
        if let Some((_, other)) = saved.iter().find(|(_, meter)| meter.warmup() != warmup) {
            let text = |bars: usize| format!("a volatility over {bars} bars");
            let (expected, found) = (text(warmup), text(other.warmup()));
            return Err(StateError::Mismatch { expected, found });
        }
        self.measured = saved;
        Ok(())
    }
}

fn meter(source: &VolatilitySource) -> Option<Result<RealisedVolatility, ParameterError>> {
    match *source {
        VolatilitySource::Given(_) => None,
        VolatilitySource::Measured { estimator, window, bars_per_year, .. } => {
            Some(RealisedVolatility::new(estimator, window, bars_per_year))
        }
    }
}
