//! Volume-weighted average price since the start and over the last bars; the session form is a
//! neighbour.

use serde::{Deserialize, Serialize};

use super::compensated::CompensatedSum;
use super::indicator::{Indicator, InputError, Ohlcv, ParameterError, check_window};
use super::window::{BlockWindow, TwoSums};

/// Volume-weighted average of the typical price since the first bar.
///
/// Bars without volume change nothing; until there is any volume the answer is `None`. On a long
/// series the average hardly moves any more and says little about the current price: use
/// [`SessionVwap`](super::SessionVwap) or [`RollingVwap`] there. The sums are compensated, so the
/// answer after a million bars is as exact as after one.
///
/// ```
/// use tradewright::math::{CumulativeVwap, Indicator, Ohlcv};
///
/// let bar = |price, volume| {
///     Ohlcv { open: price, high: price, low: price, close: price, volume }
/// };
/// let mut vwap = CumulativeVwap::new();
/// assert_eq!(vwap.update(bar(10.0, 0.0))?, None);
/// assert_eq!(vwap.update(bar(10.0, 1.0))?, Some(10.0));
/// assert_eq!(vwap.update(bar(14.0, 3.0))?, Some(13.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CumulativeVwap {
    tripled_money: CompensatedSum,
    volume: CompensatedSum,
    /// What the last few bars add to the two.
    recent: (f64, f64),
    /// How many bars that are, below [`RECENT_BARS`].
    recent_bars: u32,
}

/// Bars that are summed plainly before the sums take them in: compensating every single one costs
/// more than all the rest, and so few lose less than the last digit.
const RECENT_BARS: u32 = 16;

impl CumulativeVwap {
    /// An average over everything that will come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a bar that has been validated.
    #[inline]
    pub(super) fn push(&mut self, bar: &Ohlcv) {
        self.recent.0 += tripled_money(bar);
        self.recent.1 += bar.volume;
        self.recent_bars += 1;
        if self.recent_bars >= RECENT_BARS {
            self.tripled_money.add(self.recent.0);
            self.volume.add(self.recent.1);
            (self.recent, self.recent_bars) = ((0.0, 0.0), 0);
        }
    }
}

impl Indicator for CumulativeVwap {
    type Input = Ohlcv;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<f64>, InputError> {
        input.validate()?;
        self.push(&input);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        let (tripled_money, volume) = self.recent;
        average_price(self.tripled_money.total_with(tripled_money), self.volume.total_with(volume))
    }

    fn warmup(&self) -> usize {
        1
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Volume-weighted average of the typical price over the last `window` bars.
///
/// `None` before the window is full and while its bars have no volume at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollingVwap {
    window: BlockWindow<TwoSums>,
}

impl RollingVwap {
    /// An average over `window` bars.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 1 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize) -> Result<Self, ParameterError> {
        check_window("window", window, 1)?;
        Ok(Self { window: BlockWindow::new(window) })
    }
}

impl Indicator for RollingVwap {
    type Input = Ohlcv;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: Ohlcv) -> Result<Option<f64>, InputError> {
        input.validate()?;
        self.window.push((tripled_money(&input), input.volume));
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        let TwoSums(tripled_money, volume) = self.window.total()?;
        average_price(tripled_money, volume)
    }

    fn warmup(&self) -> usize {
        self.window.length()
    }

    fn reset(&mut self) {
        self.window.reset();
    }
}

/// Three times typical price · volume: the sums are divided by 3 once, not every bar.
#[inline]
fn tripled_money(bar: &Ohlcv) -> f64 {
    (bar.high + bar.low + bar.close) * bar.volume
}

#[inline]
fn average_price(tripled_money: f64, volume: f64) -> Option<f64> {
    (volume > 0.0).then(|| tripled_money / (3.0 * volume))
}
