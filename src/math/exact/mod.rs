//! The named strategies decided exactly, on whole ticks.
//!
//! `f64` moments decide ties at random: on a price grid a close is often exactly on its mean or
//! band, and every formulation rounds such a tie its own way. These kernels take prices and volumes
//! as whole [`ticks`] and compare integers: no division, no root, no drift, so the answer is the
//! one that exact arithmetic gives, on every bar and every machine, at the speed of the `f64` form.
//!
//! | kernel | decides | memory |
//! |---|---|---|
//! | [`BandCross`] | crosses of mean -+ factor * deviation | a window of closes |
//! | [`MeanBand`] | the close against mean and both bands | a window of closes |
//! | [`VolumeBreakout`] | close beyond the last extremes on high volume | a window of bars |
//! | [`VwapDeviation`] | distance to the volume-weighted average price | two sums |
//!
//! No update can fail, panic or allocate: every `i64` is a valid tick count, and what does not fit
//! into 64 bits is decided in 128 or 256. Factors are exact [`Ratio`]s. A stored state is checked
//! when it is read.

mod band_cross;
mod mean_band;
mod moments;
mod ticks;
mod volume_breakout;
mod vwap_deviation;
mod wide;

pub use super::DeviationKind as Deviation;
pub use band_cross::{BandCross, BandForm};
pub use mean_band::{BandPlace, MeanBand};
pub use ticks::{MOST_DIGITS, TICK_LIMIT, scale_of, ticks, ticks_of, ticks_on};
pub use volume_breakout::VolumeBreakout;
pub use vwap_deviation::{Anchor, VwapDeviation};

use serde::{Deserialize, Serialize};

use super::{ParameterError, Ratio};

/// Longest window of an exact kernel, in bars.
pub const LONGEST_EXACT_WINDOW: usize = 1 << 16;

/// What a kernel says about the bar it was just given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Crossing {
    /// Neither, or not enough history.
    #[default]
    None,
    /// The close is, or has just come, above the upper line.
    Above,
    /// The close is, or has just come, below the lower line.
    Below,
}

/// Bits of a code for [`crossing_of`].
const ABOVE: u8 = 1;
const BELOW: u8 = 2;

/// The crossing of a code; a table, because prices are what no branch predictor predicts.
#[inline]
fn crossing_of(code: u8) -> Crossing {
    const TABLE: [Crossing; 4] = [Crossing::None, Crossing::Above, Crossing::Below, Crossing::None];
    TABLE[usize::from(code & (ABOVE | BELOW))]
}

/// The ratio when its terms are in range; its fields are public, so it may have been built by hand.
fn check_ratio(ratio: Ratio) -> Result<Ratio, ParameterError> {
    const LARGEST_TERM: u64 = 1 << 32;
    let Ratio { numerator, denominator } = ratio;
    if numerator <= LARGEST_TERM && (1..=LARGEST_TERM).contains(&denominator) {
        Ok(ratio)
    } else {
        Err(ParameterError::NoExactRatio { value: ratio.to_f64() })
    }
}

/// A window length from `minimum` to [`LONGEST_EXACT_WINDOW`].
fn check_length(name: &'static str, value: usize, minimum: usize) -> Result<(), ParameterError> {
    let maximum = LONGEST_EXACT_WINDOW;
    if (minimum..=maximum).contains(&value) {
        Ok(())
    } else {
        Err(ParameterError::Count { name, value, minimum, maximum })
    }
}
