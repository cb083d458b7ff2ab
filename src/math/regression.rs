//! Rolling straight-line slope and rolling correlation.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, ParameterError, check_number, check_window};
use super::window::{BlockWindow, Summary, WeightedSums};

/// Slope of the least-squares line through the last `window` values, in value units per bar.
///
/// Takes any finite number. Equals TA-Lib's `LINEARREG_SLOPE`.
///
/// ```
/// use tradewright::math::{Indicator, LinearRegressionSlope};
///
/// let mut slope = LinearRegressionSlope::new(3)?;
/// slope.update(1.0)?;
/// slope.update(3.0)?;
/// assert_eq!(slope.update(5.0)?, Some(2.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearRegressionSlope {
    window: BlockWindow<WeightedSums>,
}

impl LinearRegressionSlope {
    /// A slope over `window` values.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 2 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize) -> Result<Self, ParameterError> {
        check_window("window", window, 2)?;
        Ok(Self { window: BlockWindow::new(window) })
    }
}

impl Indicator for LinearRegressionSlope {
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
        let WeightedSums { count, sum, weighted } = self.window.total()?;
        // Σ (t - mean t) x over Σ (t - mean t)², with t = 1 to n.
        let covariation = weighted - (count + 1.0) / 2.0 * sum;
        Some(covariation / (count * (count * count - 1.0) / 12.0))
    }

    fn warmup(&self) -> usize {
        self.window.length()
    }

    fn reset(&mut self) {
        self.window.reset();
    }
}

/// Pearson correlation of the last `window` pairs, -1 to 1.
///
/// Takes any finite numbers; returns usually say more than prices. 0 when one of the two is flat in
/// the window, where the correlation is undefined. Equals TA-Lib's `CORREL`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollingCorrelation {
    window: BlockWindow<PairMoments>,
}

impl RollingCorrelation {
    /// A correlation over `window` pairs.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 2 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize) -> Result<Self, ParameterError> {
        check_window("window", window, 2)?;
        Ok(Self { window: BlockWindow::new(window) })
    }
}

impl Indicator for RollingCorrelation {
    type Input = (f64, f64);
    type Output = f64;

    #[inline]
    fn update(&mut self, input: (f64, f64)) -> Result<Option<f64>, InputError> {
        check_number("first value", input.0)?;
        check_number("second value", input.1)?;
        self.window.push(input);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        let PairMoments { x, y, xx, yy, xy } = self.window.total()?;
        let count = self.window.length() as f64;
        let x_spread = (xx - x * x / count).sqrt();
        let y_spread = (yy - y * y / count).sqrt();
        // The product of roots, not the root of the product, which could overflow. A spread that
        // rounds below zero is NaN here and fails the comparison as a flat one does.
        let spread = x_spread * y_spread;
        Some(if spread > 0.0 { ((xy - x * y / count) / spread).clamp(-1.0, 1.0) } else { 0.0 })
    }

    fn warmup(&self) -> usize {
        self.window.length()
    }

    fn reset(&mut self) {
        self.window.reset();
    }
}

/// Sums of differences from the origin, their squares and their products.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct PairMoments {
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Summary for PairMoments {
    type Item = (f64, f64);
    const EMPTY: Self = Self { x: 0.0, y: 0.0, xx: 0.0, yy: 0.0, xy: 0.0 };
    const BLANK: (f64, f64) = (0.0, 0.0);

    #[inline]
    fn of(item: (f64, f64), origin: (f64, f64)) -> Self {
        let (x, y) = (item.0 - origin.0, item.1 - origin.1);
        Self { x, y, xx: x * x, yy: y * y, xy: x * y }
    }

    #[inline]
    fn join(older: Self, newer: Self) -> Self {
        Self {
            x: older.x + newer.x,
            y: older.y + newer.y,
            xx: older.xx + newer.xx,
            yy: older.yy + newer.yy,
            xy: older.xy + newer.xy,
        }
    }
}
