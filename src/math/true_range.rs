//! Average true range, in price and in percent of the close.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, Ohlcv, ParameterError, check_window};
use super::moving_average::WilderAverage;

/// Average true range by Wilder's smoothing, in the unit of the price.
///
/// The true range needs the previous close, so the first bar only starts it and the first value
/// comes with bar `period` + 1. Equals TA-Lib's `ATR`. Source: Wilder (1978).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Atr {
    average: WilderAverage,
    previous_close: Option<f64>,
}

impl Atr {
    /// An average over `period` true ranges (Wilder: 14).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `period` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(period: usize) -> Result<Self, ParameterError> {
        check_window("period", period, 1)?;
        Ok(Self { average: WilderAverage::new(period), previous_close: None })
    }

    /// Takes a bar that has been validated.
    #[inline]
    pub(super) fn push(&mut self, bar: &Ohlcv) -> Option<f64> {
        if let Some(previous_close) = self.previous_close {
            self.average.push(true_range(bar, previous_close));
        }
        self.previous_close = Some(bar.close);
        self.average.value()
    }
}

impl Indicator for Atr {
    type Input = Ohlcv;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<f64>, InputError> {
        input.validate()?;
        Ok(self.push(&input))
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.average.value()
    }

    fn warmup(&self) -> usize {
        self.average.period().saturating_add(1)
    }

    fn reset(&mut self) {
        self.average.reset();
        self.previous_close = None;
    }
}

/// Average true range in percent of the close; equals TA-Lib's `NATR`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Natr {
    range: Atr,
}

impl Natr {
    /// An average over `period` true ranges (usual: 14).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `period` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(period: usize) -> Result<Self, ParameterError> {
        Ok(Self { range: Atr::new(period)? })
    }
}

impl Indicator for Natr {
    type Input = Ohlcv;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<f64>, InputError> {
        self.range.update(input)?;
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        Some(self.range.value()? / self.range.previous_close? * 100.0)
    }

    fn warmup(&self) -> usize {
        self.range.warmup()
    }

    fn reset(&mut self) {
        self.range.reset();
    }
}

/// The largest of the bar's range and its extremes' distances from the previous close.
#[inline]
pub(super) fn true_range(bar: &Ohlcv, previous_close: f64) -> f64 {
    let range = bar.high - bar.low;
    let up = (bar.high - previous_close).abs();
    let down = (bar.low - previous_close).abs();
    range.max(up).max(down)
}
