//! The close against its mean and both bands, for rules that need more than the cross.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::Deviation;
use super::moments::{Moments, MomentsState, Place, Pushed};
use crate::math::{ParameterError, Ratio};

/// How a close compares with the mean and the bands of its window, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BandPlace {
    /// The close against the mean.
    pub to_mean: Ordering,
    /// The close against mean - factor * deviation.
    pub to_lower: Ordering,
    /// The close against mean + factor * deviation.
    pub to_upper: Ordering,
}

/// Orders every close against mean and mean -+ factor * deviation of its window, exactly.
///
/// Serves rules such as "in below the lower band, out above the mean". On a flat window the close
/// equals all three.
///
/// ```
/// use std::cmp::Ordering;
/// use tradewright::math::Ratio;
/// use tradewright::math::exact::{Deviation, MeanBand};
///
/// let one = Ratio { numerator: 1, denominator: 1 };
/// let mut band = MeanBand::new(2, one, Deviation::Population)?;
/// assert_eq!(band.update(100), None);
/// let place = band.update(104).unwrap(); // mean 102, deviation 2
/// assert_eq!(place.to_mean, Ordering::Greater);
/// assert_eq!(place.to_upper, Ordering::Equal);
/// # Ok::<(), tradewright::math::ParameterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "MomentsState", into = "MomentsState")]
pub struct MeanBand {
    moments: Moments,
}

impl MeanBand {
    /// A kernel over `window` closes with bands `factor` deviations away from the mean.
    ///
    /// # Errors
    /// [`ParameterError`] when the window is not in 2 to
    /// [`LONGEST_EXACT_WINDOW`](super::LONGEST_EXACT_WINDOW) or a term of the factor is
    /// out of its range.
    pub fn new(window: usize, factor: Ratio, deviation: Deviation) -> Result<Self, ParameterError> {
        Ok(Self { moments: Moments::new(window, factor, deviation)? })
    }

    /// Takes the next close, in ticks; `None` until the window is full.
    #[inline(always)]
    pub fn update(&mut self, close_ticks: i64) -> Option<BandPlace> {
        match self.moments.push(close_ticks) {
            Pushed::Settled(place) => Some(band_place(place)),
            Pushed::Unsettled { oldest } => {
                self.moments.settle(close_ticks, oldest).map(band_place)
            }
        }
    }

    /// (close - mean) / deviation of the last close; `None` before the window is full or when it is
    /// flat.
    pub fn z_score(&self) -> Option<f64> {
        self.moments.z_score()
    }

    /// Whether the window is full.
    pub fn is_ready(&self) -> bool {
        self.moments.is_full()
    }

    /// Forgets all closes; afterwards the kernel equals a new one.
    pub fn reset(&mut self) {
        self.moments.reset();
    }
}

/// A band on the other side of the mean is further off than the mean; for the one on this side,
/// and at the mean, the reach of the close decides.
#[inline(always)]
fn band_place(Place { to_mean, reach }: Place) -> BandPlace {
    BandPlace {
        to_mean,
        to_lower: if to_mean.is_gt() { Ordering::Greater } else { reach.reverse() },
        to_upper: if to_mean.is_lt() { Ordering::Less } else { reach },
    }
}

impl From<MeanBand> for MomentsState {
    fn from(kernel: MeanBand) -> Self {
        kernel.moments.into()
    }
}

impl TryFrom<MomentsState> for MeanBand {
    type Error = String;

    fn try_from(state: MomentsState) -> Result<Self, String> {
        Ok(Self { moments: Moments::try_from(state)? })
    }
}
