//! Moving averages: simple, exponential, weighted.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, ParameterError, check_number, check_window};
use super::window::{BlockWindow, ShiftedSum, WeightedSums};

/// Simple moving average: the mean of the last `window` values.
///
/// Takes any finite number (prices, volumes, spreads). Equals TA-Lib's `SMA`.
///
/// ```
/// use tradewright::math::{Indicator, Sma};
///
/// let mut average = Sma::new(2)?;
/// average.update(10.0)?;
/// assert_eq!(average.update(13.0)?, Some(11.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sma {
    window: BlockWindow<ShiftedSum>,
}

/// The rolling mean, under the name that statistics gives it.
pub type RollingMean = Sma;

impl Sma {
    /// An average over `window` values.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize) -> Result<Self, ParameterError> {
        check_window("window", window, 1)?;
        Ok(Self { window: BlockWindow::new(window) })
    }
}

impl Indicator for Sma {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: f64) -> Result<Option<f64>, InputError> {
        check_number("value", input)?;
        self.window.push(input);
        Ok(self.window.mean())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.window.mean()
    }

    fn warmup(&self) -> usize {
        self.window.length()
    }

    fn reset(&mut self) {
        self.window.reset();
    }
}

/// Exponential moving average with weight 2 / (period + 1).
///
/// The seed is the simple average of the first `period` values, so the first value equals the
/// [`Sma`]'s. Takes any finite number. Equals TA-Lib's `EMA` (unstable period 0).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ema {
    smoothing: SeededAverage,
    weight: f64,
}

impl Ema {
    /// An average with weight 2 / (`period` + 1).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `period` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(period: usize) -> Result<Self, ParameterError> {
        check_window("period", period, 1)?;
        let weight = 2.0 / (period as f64 + 1.0);
        Ok(Self { smoothing: SeededAverage::new(period), weight })
    }
}

impl Indicator for Ema {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: f64) -> Result<Option<f64>, InputError> {
        check_number("value", input)?;
        let weight = self.weight;
        self.smoothing.push(input, |level| (input - level) * weight + level);
        Ok(self.smoothing.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.smoothing.value()
    }

    fn warmup(&self) -> usize {
        self.smoothing.period
    }

    fn reset(&mut self) {
        self.smoothing.reset();
    }
}

/// Weighted moving average: the oldest of the last `window` values weighs 1, the newest `window`.
///
/// Takes any finite number. Equals TA-Lib's `WMA`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wma {
    window: BlockWindow<WeightedSums>,
}

impl Wma {
    /// An average over `window` values.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize) -> Result<Self, ParameterError> {
        check_window("window", window, 1)?;
        Ok(Self { window: BlockWindow::new(window) })
    }
}

impl Indicator for Wma {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: f64) -> Result<Option<f64>, InputError> {
        check_number("value", input)?;
        self.window.push(input);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        let sums = self.window.total()?;
        let weights = sums.count * (sums.count + 1.0) / 2.0;
        Some(self.window.origin() + sums.weighted / weights)
    }

    fn warmup(&self) -> usize {
        self.window.length()
    }

    fn reset(&mut self) {
        self.window.reset();
    }
}

/// Wilder's average: the seed is a simple average, then each value weighs 1 / period.
///
/// Source: Wilder, New Concepts in Technical Trading Systems (1978).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WilderAverage {
    smoothing: SeededAverage,
}

impl WilderAverage {
    pub(super) fn new(period: usize) -> Self {
        Self { smoothing: SeededAverage::new(period) }
    }

    #[inline]
    pub(super) fn push(&mut self, input: f64) {
        let period = self.smoothing.period as f64;
        self.smoothing.push(input, |level| (level * (period - 1.0) + input) / period);
    }

    #[inline]
    pub(super) fn value(&self) -> Option<f64> {
        self.smoothing.value()
    }

    pub(super) fn period(&self) -> usize {
        self.smoothing.period
    }

    pub(super) fn reset(&mut self) {
        self.smoothing.reset();
    }
}

/// A recursion that starts at the simple average of its first `period` inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SeededAverage {
    period: usize,
    seen: usize,
    /// The sum while seeding, the average afterwards.
    level: f64,
}

impl SeededAverage {
    fn new(period: usize) -> Self {
        Self { period, seen: 0, level: 0.0 }
    }

    #[inline]
    fn push(&mut self, input: f64, recursion: impl FnOnce(f64) -> f64) {
        if self.seen >= self.period {
            self.level = recursion(self.level);
            return;
        }
        self.level += input;
        self.seen += 1;
        if self.seen == self.period {
            self.level /= self.period as f64;
        }
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        (self.seen >= self.period).then_some(self.level)
    }

    fn reset(&mut self) {
        self.seen = 0;
        self.level = 0.0;
    }
}
