//! Rolling highest and lowest values, and the Donchian channel made of them.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, Ohlcv, ParameterError, check_number, check_window};
use super::window::{BlockWindow, Summary};

/// The highest of the last `window` values.
///
/// Takes any finite number. Equals TA-Lib's `MAX`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollingMaximum {
    window: BlockWindow<Highest>,
}

impl RollingMaximum {
    /// A maximum over `window` values.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize) -> Result<Self, ParameterError> {
        check_window("window", window, 1)?;
        Ok(Self { window: BlockWindow::new(window) })
    }
}

impl Indicator for RollingMaximum {
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
        self.window.total().map(|highest| highest.0)
    }

    fn warmup(&self) -> usize {
        self.window.length()
    }

    fn reset(&mut self) {
        self.window.reset();
    }
}

/// The lowest of the last `window` values.
///
/// Takes any finite number. Equals TA-Lib's `MIN`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollingMinimum {
    /// The lowest value is the highest of the negated ones, and negation is exact.
    negated: BlockWindow<Highest>,
}

impl RollingMinimum {
    /// A minimum over `window` values.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize) -> Result<Self, ParameterError> {
        check_window("window", window, 1)?;
        Ok(Self { negated: BlockWindow::new(window) })
    }
}

impl Indicator for RollingMinimum {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: f64) -> Result<Option<f64>, InputError> {
        check_number("value", input)?;
        self.negated.push(-input);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.negated.total().map(|highest| -highest.0)
    }

    fn warmup(&self) -> usize {
        self.negated.length()
    }

    fn reset(&mut self) {
        self.negated.reset();
    }
}

/// The channel after one bar, in the unit of the price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DonchianChannel {
    /// Highest high of the window.
    pub upper: f64,
    /// Halfway between the two.
    pub middle: f64,
    /// Lowest low of the window.
    pub lower: f64,
}

/// Donchian channel: highest high and lowest low of the last `window` bars.
///
/// The current bar is included. A breakout compares with the bars before the current one: read
/// [`value`](Indicator::value) before [`update`](Indicator::update).
///
/// ```
/// use tradewright::math::{Donchian, Indicator, Ohlcv};
///
/// let bar = |low, high| Ohlcv { open: low, high, low, close: high, volume: 1.0 };
/// let mut donchian = Donchian::new(2)?;
/// donchian.update(bar(9.0, 11.0))?;
/// donchian.update(bar(10.0, 12.0))?;
/// let before = donchian.value().ok_or("two bars fill the window")?;
/// assert_eq!((before.lower, before.middle, before.upper), (9.0, 10.5, 12.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Donchian {
    range: RollingRange,
}

impl Donchian {
    /// A channel over `window` bars.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize) -> Result<Self, ParameterError> {
        Ok(Self { range: RollingRange::new("window", window)? })
    }
}

impl Indicator for Donchian {
    type Input = Ohlcv;
    type Output = DonchianChannel;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<DonchianChannel>, InputError> {
        input.validate()?;
        self.range.push(&input);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<DonchianChannel> {
        let (upper, lower) = self.range.high_and_low()?;
        Some(DonchianChannel { upper, middle: (upper + lower) / 2.0, lower })
    }

    fn warmup(&self) -> usize {
        self.range.length()
    }

    fn reset(&mut self) {
        self.range.reset();
    }
}

/// Highest high and lowest low of a window of bars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RollingRange {
    window: BlockWindow<HighLow>,
}

impl RollingRange {
    pub(super) fn new(name: &'static str, window: usize) -> Result<Self, ParameterError> {
        check_window(name, window, 1)?;
        Ok(Self { window: BlockWindow::new(window) })
    }

    #[inline]
    pub(super) fn push(&mut self, bar: &Ohlcv) {
        self.window.push((bar.high, bar.low));
    }

    #[inline]
    pub(super) fn high_and_low(&self) -> Option<(f64, f64)> {
        self.window.total().map(|range| (range.high, range.low))
    }

    pub(super) fn length(&self) -> usize {
        self.window.length()
    }

    pub(super) fn reset(&mut self) {
        self.window.reset();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Highest(f64);

impl Summary for Highest {
    type Item = f64;
    // Finite, because the state must survive formats that have no infinity.
    const EMPTY: Self = Self(f64::MIN);
    const BLANK: f64 = 0.0;
    const IN_HALVES: bool = false;

    #[inline]
    fn of(item: f64, _origin: f64) -> Self {
        Self(item)
    }

    #[inline]
    fn join(older: Self, newer: Self) -> Self {
        Self(if older.0 > newer.0 { older.0 } else { newer.0 })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct HighLow {
    high: f64,
    low: f64,
}

impl Summary for HighLow {
    type Item = (f64, f64);
    const EMPTY: Self = Self { high: f64::MIN, low: f64::MAX };
    const BLANK: (f64, f64) = (0.0, 0.0);
    const IN_HALVES: bool = false;

    #[inline]
    fn of((high, low): (f64, f64), _origin: (f64, f64)) -> Self {
        Self { high, low }
    }

    #[inline]
    fn join(older: Self, newer: Self) -> Self {
        // Not f64::max, whose treatment of NaN costs extra instructions; inputs are finite.
        Self {
            high: if older.high > newer.high { older.high } else { newer.high },
            low: if older.low < newer.low { older.low } else { newer.low },
        }
    }
}
