//! The decimal grid of a data series and the only two bridges between `f64` and [`Decimal`].

use super::{Classification, Classify, small};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// 10^0 to 10^15: all exact as `f64`.
const SCALES: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Adding and taking away 1.5 * 2^52 rounds to the nearest integer, ties to even.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// Beyond 2^51 the rounder's trick ends.
const MOST_TICKS: f64 = 2_251_799_813_685_248.0;

/// The decimal grid of a data **series** (not the venue's tick: a mid price lies between
/// ticks): prices are whole multiples of 10^-digits.
///
/// ```
/// use tradewright::types::Grid;
///
/// let cents = Grid::new(2).unwrap();
/// assert_eq!(cents.ticks(0.29), Some(29));      // 0.29 * 100.0 truncates to 28
/// assert_eq!(cents.nearest(10.004).unwrap().to_string(), "10.00");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Grid {
    digits: u8,
}

impl Grid {
    /// The finest grid, 10^-15.
    pub const MAX_DIGITS: u8 = 15;

    /// Whole numbers.
    pub const UNITS: Self = Self { digits: 0 };
    /// Hundredths.
    pub const CENTS: Self = Self { digits: 2 };

    /// A grid with this many decimals.
    ///
    /// # Errors
    /// [`GridError::TooFine`] above 15 digits.
    pub const fn new(digits: u8) -> Result<Self, GridError> {
        if digits > Self::MAX_DIGITS {
            return Err(GridError::TooFine { digits });
        }
        Ok(Self { digits })
    }

    /// The number of decimals.
    pub const fn digits(self) -> u8 {
        self.digits
    }

    /// Ticks per unit, 10^digits.
    #[inline]
    pub fn scale(self) -> f64 {
        // `digits` is below 16; saying so spares the check.
        SCALES.get(usize::from(self.digits & 15)).copied().unwrap_or(1e15)
    }

    /// The nearest whole number of ticks: exact for every value that was read from text with
    /// at most this grid's decimals. `None` when not finite or at 2^51 ticks and beyond.
    #[inline]
    pub fn ticks(self, value: f64) -> Option<i64> {
        let scaled = value * self.scale();
        if !(scaled.abs() < MOST_TICKS) {
            return None;
        }
        // Both lie in [2^52, 2^53), where neighbours differ by one and so do their bits.
        let distance = (scaled + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits());
        Some(distance.cast_signed())
    }

    /// The value of a number of ticks, correctly rounded.
    #[inline]
    pub fn value(self, ticks: i64) -> f64 {
        ticks as f64 / self.scale()
    }

    /// Bridge from `f64`: the nearest point of the grid as a decimal.
    #[inline]
    pub fn nearest(self, value: f64) -> Option<Decimal> {
        let ticks = self.ticks(value)?;
        Some(Decimal::from_parts(
            (ticks.unsigned_abs() & 0xFFFF_FFFF) as u32,
            (ticks.unsigned_abs() >> 32) as u32,
            0,
            ticks < 0,
            u32::from(self.digits),
        ))
    }

    /// Bridge from `f64` where the grid is not known: the decimal on the finest grid that holds
    /// the value. Text of up to 15 significant digits and 15 decimals comes back exactly.
    ///
    /// `None` when not finite or at 2^51 and beyond.
    ///
    /// ```
    /// use tradewright::types::Grid;
    ///
    /// assert_eq!(Grid::recover(43210.12345678).unwrap().to_string(), "43210.12345678");
    /// assert_eq!(Grid::recover(f64::NAN), None);
    /// ```
    pub fn recover(value: f64) -> Option<Decimal> {
        (0..=Self::MAX_DIGITS)
            .rev()
            .find_map(|digits| Self { digits }.nearest(value))
            .map(|found| found.normalize())
    }

    /// True when the value lies on the grid: its nearest point is the very same `f64`.
    pub fn holds(self, value: f64) -> bool {
        self.ticks(value).is_some_and(|ticks| self.value(ticks) == value)
    }
}

impl TryFrom<u8> for Grid {
    type Error = GridError;
    fn try_from(digits: u8) -> Result<Self, GridError> {
        Self::new(digits)
    }
}

impl From<Grid> for u8 {
    fn from(grid: Grid) -> Self {
        grid.digits
    }
}

/// Bridge to `f64`: the decimal's value, correctly rounded below 2^53 units of its last digit
/// and within two roundings above.
#[inline]
pub fn to_f64(value: Decimal) -> f64 {
    let scale = value.scale();
    // The conversion of wide integers is a slow call: only where the value needs it.
    let units = match small::units(value) {
        Some(small) => small as f64,
        None => wide_to_f64(value.mantissa()),
    };
    match SCALES.get(scale as usize) {
        Some(scale) => units / scale,
        // 10^16 to 10^28: two exact-by-table divisions, each rounded once.
        None => units / 1e15 / SCALES.get(scale as usize - 15).copied().unwrap_or(1e13),
    }
}

/// Kept apart so that the compiler does not take this slow call for small numbers, too.
#[cold]
#[inline(never)]
const fn wide_to_f64(mantissa: i128) -> f64 {
    mantissa as f64
}

/// Why a grid cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GridError {
    /// More decimals than an `f64` can hold for any price.
    #[error("a grid of {digits} decimals is too fine, at most 15 are possible")]
    TooFine {
        /// The refused number of decimals.
        digits: u8,
    },
}

impl Classify for GridError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}
