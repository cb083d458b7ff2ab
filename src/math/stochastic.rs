//! Oscillators that place the close within the range of the last bars.

use serde::{Deserialize, Serialize};

use super::extrema::RollingRange;
use super::indicator::{Indicator, InputError, Ohlcv, ParameterError, check_window};
use super::moving_average::Sma;

/// The two lines of a stochastic oscillator after one bar, each 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StochasticLines {
    /// The faster line.
    pub k: f64,
    /// Simple average of `k`.
    pub d: f64,
}

/// Slow stochastic oscillator: %K is smoothed, %D smooths it again.
///
/// 0 where the range is empty. Both lines begin once %D does: with 14, 3 and 3 at the 18th bar.
/// Equals TA-Lib's `STOCH` with simple averages. Source: Lane, Lane's Stochastics (1984).
///
/// ```
/// use tradewright::math::{Indicator, Ohlcv, Stochastic};
///
/// let mut stochastic = Stochastic::new(2, 1, 1)?;
/// stochastic.update(Ohlcv { open: 9.0, high: 10.0, low: 8.0, close: 9.0, volume: 1.0 })?;
/// let bar = Ohlcv { open: 9.0, high: 12.0, low: 9.0, close: 11.0, volume: 1.0 };
/// assert_eq!(stochastic.update(bar)?.map(|lines| lines.k), Some(75.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stochastic {
    fast: StochasticFast,
    d: Sma,
    latest: Option<StochasticLines>,
}

impl Stochastic {
    /// Lines from a window of bars and two smoothing windows (usual: 14, 3, 3).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless all are 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize, k_average: usize, d_average: usize) -> Result<Self, ParameterError> {
        check_window("k_average", k_average, 1)?;
        check_window("d_average", d_average, 1)?;
        Ok(Self {
            fast: StochasticFast::new(window, k_average)?,
            d: Sma::new(d_average)?,
            latest: None,
        })
    }
}

impl Indicator for Stochastic {
    type Input = Ohlcv;
    type Output = StochasticLines;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<StochasticLines>, InputError> {
        // The fast oscillator's %D is the slow one's %K.
        if let Some(fast) = self.fast.update(input)? {
            let k = fast.d;
            self.latest = self.d.update(k)?.map(|d| StochasticLines { k, d });
        }
        Ok(self.latest)
    }

    fn value(&self) -> Option<StochasticLines> {
        self.latest
    }

    fn warmup(&self) -> usize {
        self.fast.warmup().saturating_add(self.d.warmup()).saturating_sub(1)
    }

    fn reset(&mut self) {
        self.fast.reset();
        self.d.reset();
        self.latest = None;
    }
}

/// Fast stochastic oscillator: %K as it is, %D its simple average.
///
/// 0 where the range is empty. Both lines begin once %D does: with 14 and 3 at the 16th bar. Equals
/// TA-Lib's `STOCHF` with a simple average.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StochasticFast {
    range: RollingRange,
    d: Sma,
    latest: Option<StochasticLines>,
}

impl StochasticFast {
    /// Lines from a window of bars and a smoothing window (usual: 14, 3).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless both are 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize, d_average: usize) -> Result<Self, ParameterError> {
        check_window("d_average", d_average, 1)?;
        let range = RollingRange::new("window", window)?;
        Ok(Self { range, d: Sma::new(d_average)?, latest: None })
    }
}

impl Indicator for StochasticFast {
    type Input = Ohlcv;
    type Output = StochasticLines;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<StochasticLines>, InputError> {
        input.validate()?;
        self.range.push(&input);
        if let Some((high, low)) = self.range.high_and_low() {
            let k = percent_of_range(input.close - low, high - low);
            self.latest = self.d.update(k)?.map(|d| StochasticLines { k, d });
        }
        Ok(self.latest)
    }

    fn value(&self) -> Option<StochasticLines> {
        self.latest
    }

    fn warmup(&self) -> usize {
        self.range.length().saturating_add(self.d.warmup()).saturating_sub(1)
    }

    fn reset(&mut self) {
        self.range.reset();
        self.d.reset();
        self.latest = None;
    }
}

/// Williams %R: how far the close lies below the highest high, 0 to -100.
///
/// 0 where the range is empty. Equals TA-Lib's `WILLR`. Source: Williams, How I Made One Million
/// Dollars Last Year Trading Commodities (1973).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WilliamsR {
    range: RollingRange,
    latest: Option<f64>,
}

impl WilliamsR {
    /// An oscillator over `window` bars (usual: 14).
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize) -> Result<Self, ParameterError> {
        Ok(Self { range: RollingRange::new("window", window)?, latest: None })
    }
}

impl Indicator for WilliamsR {
    type Input = Ohlcv;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<f64>, InputError> {
        input.validate()?;
        self.range.push(&input);
        let below = |(high, low)| -percent_of_range(high - input.close, high - low);
        self.latest = self.range.high_and_low().map(below);
        Ok(self.latest)
    }

    fn value(&self) -> Option<f64> {
        self.latest
    }

    fn warmup(&self) -> usize {
        self.range.length()
    }

    fn reset(&mut self) {
        self.range.reset();
        self.latest = None;
    }
}

#[inline]
fn percent_of_range(distance: f64, range: f64) -> f64 {
    if range > 0.0 { 100.0 * (distance / range) } else { 0.0 }
}
