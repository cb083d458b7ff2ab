//! Rolling variance, standard deviation and z-score.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, ParameterError, check_number, check_window};
use super::window::{BlockWindow, Summary};

/// What the sum of squared deviations is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviationKind {
    /// Divided by n: the values are all there is.
    Population,
    /// Divided by n - 1: the values are a sample of something larger (Bessel's correction).
    Sample,
}

impl DeviationKind {
    /// What is subtracted from n: 0 or 1.
    pub fn degrees_of_freedom_lost(self) -> usize {
        match self {
            Self::Population => 0,
            Self::Sample => 1,
        }
    }

    /// The smallest window over which the deviation is defined.
    fn shortest_window(self) -> usize {
        1 + self.degrees_of_freedom_lost()
    }
}

/// Variance of the last `window` values.
///
/// Takes any finite number. A flat window answers exactly 0, and an outlier has no influence once
/// it has left the window. The relative error is at most a small multiple of window² · 2⁻⁵³, in
/// practice about 1e-15, at any price level. The population form equals TA-Lib's `VAR`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollingVariance {
    moments: RollingMoments,
    kind: DeviationKind,
}

impl RollingVariance {
    /// A variance over `window` values.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 1 (sample: 2) to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize, kind: DeviationKind) -> Result<Self, ParameterError> {
        Ok(Self { moments: RollingMoments::new(window, kind)?, kind })
    }
}

impl Indicator for RollingVariance {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: f64) -> Result<Option<f64>, InputError> {
        check_number("value", input)?;
        self.moments.push(input);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.moments.mean_and_variance(self.kind).map(|(_, variance)| variance)
    }

    fn warmup(&self) -> usize {
        self.moments.length()
    }

    fn reset(&mut self) {
        self.moments.reset();
    }
}

/// Standard deviation of the last `window` values, in the unit of the values.
///
/// The square root of [`RollingVariance`], with the same guarantees. The population form equals
/// TA-Lib's `STDDEV`.
///
/// ```
/// use tradewright::math::{DeviationKind, Indicator, RollingStandardDeviation};
///
/// let mut deviation = RollingStandardDeviation::new(2, DeviationKind::Population)?;
/// deviation.update(10.0)?;
/// assert_eq!(deviation.update(14.0)?, Some(2.0));
/// assert_eq!(deviation.update(14.0)?, Some(0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollingStandardDeviation {
    variance: RollingVariance,
}

impl RollingStandardDeviation {
    /// A deviation over `window` values.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 1 (sample: 2) to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize, kind: DeviationKind) -> Result<Self, ParameterError> {
        Ok(Self { variance: RollingVariance::new(window, kind)? })
    }
}

impl Indicator for RollingStandardDeviation {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: f64) -> Result<Option<f64>, InputError> {
        Ok(self.variance.update(input)?.map(f64::sqrt))
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.variance.value().map(f64::sqrt)
    }

    fn warmup(&self) -> usize {
        self.variance.warmup()
    }

    fn reset(&mut self) {
        self.variance.reset();
    }
}

/// How many standard deviations the newest value lies above the mean of its window.
///
/// Takes any finite number. The newest value is part of the window. A flat window has no deviation
/// to measure with, so its answer is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZScore {
    moments: RollingMoments,
    kind: DeviationKind,
    newest: f64,
}

impl ZScore {
    /// A score within a window of `window` values.
    ///
    /// # Errors
    /// [`ParameterError::Count`] unless `window` is 2 to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW).
    pub fn new(window: usize, kind: DeviationKind) -> Result<Self, ParameterError> {
        check_window("window", window, 2)?;
        Ok(Self { moments: RollingMoments::new(window, kind)?, kind, newest: 0.0 })
    }
}

impl Indicator for ZScore {
    type Input = f64;
    type Output = f64;

    #[inline]
    fn update(&mut self, input: f64) -> Result<Option<f64>, InputError> {
        check_number("value", input)?;
        self.moments.push(input);
        self.newest = input;
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        let (mean, variance) = self.moments.mean_and_variance(self.kind)?;
        (variance > 0.0).then(|| (self.newest - mean) / variance.sqrt())
    }

    fn warmup(&self) -> usize {
        self.moments.length()
    }

    fn reset(&mut self) {
        self.moments.reset();
        self.newest = 0.0;
    }
}

/// Mean and variance of a window; what the public indicators are made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RollingMoments {
    window: BlockWindow<ShiftedMoments>,
    reciprocal: f64,
}

impl RollingMoments {
    pub(super) fn new(window: usize, kind: DeviationKind) -> Result<Self, ParameterError> {
        check_window("window", window, kind.shortest_window())?;
        Ok(Self { window: BlockWindow::new(window), reciprocal: 1.0 / window as f64 })
    }

    #[inline]
    pub(super) fn push(&mut self, value: f64) {
        self.window.push(value);
    }

    #[inline]
    pub(super) fn mean_and_variance(&self, kind: DeviationKind) -> Option<(f64, f64)> {
        let total = self.window.total()?;
        let mean_difference = total.sum * self.reciprocal;
        let mean = self.window.origin() + mean_difference;
        let squares = total.sum_of_squares - total.sum * mean_difference;
        let variance = match kind {
            DeviationKind::Population => squares * self.reciprocal,
            DeviationKind::Sample => squares / (self.window.length() as f64 - 1.0),
        };
        // The true value is not negative, so a negative one is rounding noise around zero.
        Some((mean, if variance > 0.0 { variance } else { 0.0 }))
    }

    #[inline]
    pub(super) fn length(&self) -> usize {
        self.window.length()
    }

    pub(super) fn reset(&mut self) {
        self.window.reset();
    }
}

/// Sums of the differences from the origin and of their squares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct ShiftedMoments {
    sum: f64,
    sum_of_squares: f64,
}

impl Summary for ShiftedMoments {
    type Item = f64;
    const EMPTY: Self = Self { sum: 0.0, sum_of_squares: 0.0 };
    const BLANK: f64 = 0.0;

    #[inline]
    fn of(item: f64, origin: f64) -> Self {
        let difference = item - origin;
        Self { sum: difference, sum_of_squares: difference * difference }
    }

    #[inline]
    fn join(older: Self, newer: Self) -> Self {
        Self {
            sum: older.sum + newer.sum,
            sum_of_squares: older.sum_of_squares + newer.sum_of_squares,
        }
    }
}
