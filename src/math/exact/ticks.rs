//! Ticks from `f64` and the powers of ten that lead to them.

/// Ticks of market data lie strictly between -2^51 and 2^51.
pub const TICK_LIMIT: i64 = 1 << 51;

/// Most decimal digits a tick grid may have; 10^22 is the last power of ten that `f64` holds.
pub const MOST_DIGITS: u8 = 22;

/// How far from the grid a value may lie, relative to the value: 2^-49.
///
/// A decimal text becomes `f64` with an error of at most 2^-53, the multiplication by the scale
/// adds as much, and feeds that computed a price themselves (`0.09946999000000001`) are a few
/// units in the last place off, 2^-52 each. Eight units cover these; everything that lies further
/// off is on another grid and is refused. At 10^9 ticks that is two millionths of a tick. From 2^48
/// ticks on the tolerance is half a tick, so there every value counts as on the grid.
const TOLERANCE: f64 = 1.0 / (1u64 << 49) as f64;

/// 1.5 * 2^52: its neighbours are whole numbers for 2^51 to either side, so adding it rounds to the
/// nearest whole number and leaves that number in the lowest bits of the sum.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// 10^digits as the scale for [`ticks`], `None` above [`MOST_DIGITS`].
///
/// ```
/// use tradewright::math::exact::scale_of;
///
/// assert_eq!(scale_of(2), Some(100.0));
/// assert_eq!(scale_of(23), None);
/// ```
pub fn scale_of(digits: u8) -> Option<f64> {
    // Every step up to 10^22 is exact, so is the product.
    (digits <= MOST_DIGITS).then(|| (0..digits).fold(1.0, |scale, _| scale * 10.0))
}

/// How many ticks of 1/`scale` a value is, exactly; `scale` is a power of ten, see [`scale_of`].
///
/// `None` when the value is not finite, is 2^51 ticks or more, or lies off the grid: further from a
/// whole number of ticks than eight units in the last place.
///
/// Below 2^51 ticks the scaled value is within half a tick of the true number, so rounding finds
/// exactly the number that the decimal text named. It costs an addition and a subtraction instead
/// of a rounding call; both checks are one comparison each, which NaN fails.
///
/// ```
/// use tradewright::math::exact::ticks;
///
/// assert_eq!(ticks(0.29, 100.0), Some(29)); // 0.29 * 100.0 is 28.999999999999996
/// assert_eq!(ticks(0.295, 100.0), None);
/// assert_eq!(ticks(f64::NAN, 100.0), None);
/// ```
#[inline(always)]
pub fn ticks(value: f64, scale: f64) -> Option<i64> {
    ticks_of([value], scale).map(|[ticks]| ticks)
}

/// [`ticks`] of several values on one grid, such as the prices of a bar; `None` when one has none.
///
/// All checks end in one branch, so three values cost little more than one.
///
/// ```
/// use tradewright::math::exact::ticks_of;
///
/// assert_eq!(ticks_of([1.25, 1.0], 100.0), Some([125, 100]));
/// assert_eq!(ticks_of([1.25, 1.001], 100.0), None);
/// ```
#[inline(always)]
pub fn ticks_of<const N: usize>(values: [f64; N], scale: f64) -> Option<[i64; N]> {
    ticks_on(values, [scale; N])
}

/// [`ticks`] of several values, each on a grid of its own, such as the prices and the volume of a
/// bar; `None` when one has none.
///
/// ```
/// use tradewright::math::exact::ticks_on;
///
/// assert_eq!(ticks_on([1.25, 0.5], [100.0, 1_000.0]), Some([125, 500]));
/// assert_eq!(ticks_on([1.25, 0.0005], [100.0, 1_000.0]), None);
/// ```
#[inline(always)]
pub fn ticks_on<const N: usize>(values: [f64; N], scales: [f64; N]) -> Option<[i64; N]> {
    let mut is_on_grid = true;
    let mut ticks = [0; N];
    for ((value, scale), ticks) in values.into_iter().zip(scales).zip(&mut ticks) {
        let scaled = value * scale;
        let shifted = scaled + ROUNDER;
        let error = (scaled - (shifted - ROUNDER)).abs();
        let magnitude = scaled.abs();
        is_on_grid &= (error <= magnitude * TOLERANCE) & (magnitude < TICK_LIMIT as f64);
        *ticks = shifted.to_bits().wrapping_sub(ROUNDER.to_bits()).cast_signed();
    }
    is_on_grid.then_some(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_no_tick() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 0.005, 1e-300] {
            assert_eq!(ticks(value, 100.0), None, "{value}");
        }
        let limit = TICK_LIMIT as f64;
        assert_eq!(ticks(limit, 1.0), None);
        assert_eq!(ticks(-limit, 1.0), None);
        assert_eq!(ticks(limit - 1.0, 1.0), Some(TICK_LIMIT - 1));
        assert_eq!(ticks(1.0 - limit, 1.0), Some(1 - TICK_LIMIT));
        assert_eq!(ticks(1.0, f64::NAN), None);
    }

    #[test]
    fn forgives_noise_in_the_last_places() {
        assert_eq!(ticks(0.09946999000000001, 1e8), Some(9_946_999));
        assert_eq!(ticks(0.1 + 0.2, 10.0), Some(3));
        assert_eq!(ticks(-0.0, 10.0), Some(0));
        assert_eq!(ticks(0.3 + 1e-12, 10.0), None);
    }

    #[test]
    fn scales_are_exact() {
        for digits in 0..=MOST_DIGITS {
            let text = format!("1e{digits}");
            assert_eq!(scale_of(digits), text.parse().ok());
        }
    }

    proptest! {
        #[test]
        fn decimal_text_comes_back(number in 1 - TICK_LIMIT..TICK_LIMIT, digits in 0u8..=12) {
            let value: f64 = format!("{number}e-{digits}").parse().unwrap();
            prop_assert_eq!(ticks(value, scale_of(digits).unwrap()), Some(number));
        }

        #[test]
        fn the_next_digit_is_off_the_grid(number in -(1i64 << 45)..1i64 << 45, digit in 1i64..10) {
            let value: f64 = format!("{}e-3", number * 10 + digit).parse().unwrap();
            prop_assert_eq!(ticks(value, 100.0), None);
        }
    }
}
