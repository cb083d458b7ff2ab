use serde::{Deserialize, Serialize};

use crate::math::{Atr, DeviationKind, Indicator, Ohlcv, ParameterError, RollingStandardDeviation};
use crate::types::Bar;

/// Which size of a usual move widths are multiples of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum StopVolatility {
    /// Average true range over so many bars (Wilder, 1978).
    Atr {
        /// Bars, 1 or more.
        period: usize,
    },
    /// Sample deviation of the change from close to close over so many changes.
    Deviation {
        /// Changes, 2 or more.
        window: usize,
    },
}

impl Default for StopVolatility {
    /// Wilder's 14 bars.
    fn default() -> Self {
        Self::Atr { period: 14 }
    }
}

/// The size of a usual move of one instrument, in the quote currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopGauge {
    meter: Meter,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Meter {
    Range(Atr),
    Change { last: Option<f64>, deviation: RollingStandardDeviation },
}

impl StopGauge {
    /// A gauge that has seen nothing.
    ///
    /// # Errors
    /// [`ParameterError`] for a window that is too short or too long.
    pub fn new(volatility: StopVolatility) -> Result<Self, ParameterError> {
        let meter = match volatility {
            StopVolatility::Atr { period } => Meter::Range(Atr::new(period)?),
            StopVolatility::Deviation { window } => {
                let deviation = RollingStandardDeviation::new(window, DeviationKind::Sample)?;
                Meter::Change { last: None, deviation }
            }
        };
        Ok(Self { meter })
    }

    /// Takes a bar. One that no market can have changes nothing.
    pub fn on_bar(&mut self, bar: &Bar) {
        match &mut self.meter {
            Meter::Range(range) => {
                let (open, high, low, close) = (bar.open, bar.high, bar.low, bar.close);
                let _ = range.update(Ohlcv { open, high, low, close, volume: bar.volume });
            }
            Meter::Change { last, deviation } => {
                let before = last.replace(bar.close);
                if let Some(before) = before {
                    let _ = deviation.update(bar.close - before);
                }
            }
        }
    }

    /// The usual move, above zero; `None` before it is known and while the market is flat.
    pub fn value(&self) -> Option<f64> {
        let value = match &self.meter {
            Meter::Range(range) => range.value(),
            Meter::Change { deviation, .. } => deviation.value(),
        };
        value.filter(|value| *value > 0.0 && value.is_finite())
    }

    /// Forgets everything, as after a split of the shares.
    pub fn reset(&mut self) {
        match &mut self.meter {
            Meter::Range(range) => range.reset(),
            Meter::Change { last, deviation } => {
                *last = None;
                deviation.reset();
            }
        }
    }
}
