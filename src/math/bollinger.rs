//! Bollinger bands in floating point.

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, ParameterError, check_factor, check_price};
use super::moments::{DeviationKind, RollingMoments};

/// Largest factor of a band's width; beyond it the band is no band.
const LARGEST_BAND_FACTOR: f64 = 1e6;

/// The bands after one bar, in the unit of the price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BollingerBands {
    /// Mean of the window.
    pub middle: f64,
    /// Standard deviation of the window, exactly 0 when the window is flat.
    pub deviation: f64,
    /// Mean + factor · deviation.
    pub upper: f64,
    /// Mean - factor · deviation.
    pub lower: f64,
}

/// Bollinger bands of the last `window` closes, the current one included.
///
/// The population form equals TA-Lib's `BBANDS`. Source: Bollinger, Bollinger on Bollinger Bands
/// (2001).
///
/// ```
/// use tradewright::math::{Bollinger, DeviationKind, Indicator};
///
/// let mut bollinger = Bollinger::new(2, 2.0, DeviationKind::Population)?;
/// bollinger.update(10.0)?;
/// let bands = bollinger.update(14.0)?.ok_or("two closes fill the window")?;
/// assert_eq!((bands.lower, bands.middle, bands.upper), (8.0, 12.0, 16.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bollinger {
    moments: RollingMoments,
    kind: DeviationKind,
    factor: f64,
}

impl Bollinger {
    /// Bands `factor` deviations wide on each side, over `window` closes.
    ///
    /// # Errors
    /// [`ParameterError`] unless `window` is 1 (sample: 2) to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW) and `factor` is above 0 and up to 1e6.
    pub fn new(window: usize, factor: f64, kind: DeviationKind) -> Result<Self, ParameterError> {
        check_factor("factor", factor, LARGEST_BAND_FACTOR)?;
        Ok(Self { moments: RollingMoments::new(window, kind)?, kind, factor })
    }
}

impl Indicator for Bollinger {
    type Input = f64;
    type Output = BollingerBands;

    #[inline]
    fn update(&mut self, input: f64) -> Result<Option<BollingerBands>, InputError> {
        check_price("close", input)?;
        self.moments.push(input);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<BollingerBands> {
        let (middle, variance) = self.moments.mean_and_variance(self.kind)?;
        let deviation = variance.sqrt();
        let half_width = self.factor * deviation;
        Some(BollingerBands {
            middle,
            deviation,
            upper: middle + half_width,
            lower: middle - half_width,
        })
    }

    fn warmup(&self) -> usize {
        self.moments.length()
    }

    fn reset(&mut self) {
        self.moments.reset();
    }
}
