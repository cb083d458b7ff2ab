//! Short ways for decimals whose digits fit 63 bits, as nearly all do: the same value, sign and
//! scale as the library's general ways, several times as fast.
//!
//! Each short way either gives the exact answer or none; the caller then takes the general way.

use rust_decimal::Decimal;

/// 10^0 to 10^18: every power of ten below 2^63.
const POWERS: [i64; 19] = {
    let mut powers = [1; 19];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// True above zero; comparing with zero goes through the general order of decimals.
#[inline]
pub(crate) const fn is_above_zero(value: Decimal) -> bool {
    !value.is_zero() && value.is_sign_positive()
}

/// True when two numbers have the same digits, sign and scale.
#[inline]
pub(crate) const fn is_same(a: Decimal, b: Decimal) -> bool {
    let (a, b) = (a.unpack(), b.unpack());
    let differs = (a.lo ^ b.lo) | (a.mid ^ b.mid) | (a.hi ^ b.hi) | (a.scale ^ b.scale);
    differs == 0 && a.negative == b.negative
}

/// True when one number is less than another; of one scale, as mostly, they are compared at once.
#[inline]
pub(crate) fn is_below(a: Decimal, b: Decimal) -> bool {
    match (units(a), units(b)) {
        (Some(left), Some(right)) if a.scale() == b.scale() => left < right,
        _ => is_less(&a, &b),
    }
}

#[inline(never)]
fn is_less(a: &Decimal, b: &Decimal) -> bool {
    a < b
}

/// The sum at the finer scale; zero has no sign.
#[inline(always)]
pub(crate) fn sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    aligned(a, b, i64::checked_add)
}

/// The difference at the finer scale; zero has no sign.
#[inline(always)]
pub(crate) fn difference(a: Decimal, b: Decimal) -> Option<Decimal> {
    aligned(a, b, i64::checked_sub)
}

#[inline(always)]
fn aligned(a: Decimal, b: Decimal, combine: impl Fn(i64, i64) -> Option<i64>) -> Option<Decimal> {
    let (mut left, mut right) = (units(a)?, units(b)?);
    let (left_scale, right_scale) = (a.scale(), b.scale());
    let scale = left_scale.max(right_scale);
    if left_scale != right_scale {
        left = finer(left, scale - left_scale)?;
        right = finer(right, scale - right_scale)?;
    }
    let result = combine(left, right)?;
    let size = result.unsigned_abs();
    Some(Decimal::from_parts(size as u32, (size >> 32) as u32, 0, result < 0, scale))
}

/// The sum, as [`Decimal::checked_add`] gives it.
#[inline(always)]
pub(crate) fn plus(a: Decimal, b: Decimal) -> Option<Decimal> {
    if a.is_zero() {
        return Some(b);
    }
    if b.is_zero() {
        return Some(a);
    }
    match sum(a, b) {
        Some(sum) => Some(sum),
        None => large_sum(&a, &b),
    }
}

#[inline(never)]
fn large_sum(a: &Decimal, b: &Decimal) -> Option<Decimal> {
    a.checked_add(*b)
}

/// The product, as [`Decimal::checked_mul`] gives it.
#[inline(always)]
pub(crate) fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    match small_product(a, b) {
        Some(product) => Some(product),
        None => large_product(&a, &b),
    }
}

#[inline(always)]
fn small_product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let product = units(a)?.checked_mul(units(b)?)?;
    let (size, scale) = (product.unsigned_abs(), a.scale() + b.scale());
    // A product of zero loses its scale there, one of too many decimals is rounded.
    let is_small = size != 0 && scale <= Decimal::MAX_SCALE;
    is_small.then(|| Decimal::from_parts(size as u32, (size >> 32) as u32, 0, product < 0, scale))
}

/// Kept apart, so that the short way does not prepare for the long one.
#[inline(never)]
fn large_product(a: &Decimal, b: &Decimal) -> Option<Decimal> {
    a.checked_mul(*b)
}

/// The number with at most so many decimals, rounded half to even, as [`Decimal::round_dp`]
/// gives it.
#[inline]
pub(crate) fn rounded(value: Decimal, digits: u32) -> Decimal {
    if value.scale() <= digits { value } else { value.round_dp(digits) }
}

/// True when a number is a whole multiple of a unit; false for a unit of zero.
#[inline]
pub(crate) fn is_multiple(value: Decimal, unit: Decimal) -> bool {
    // Most units are one of their last decimal, which divides all that has no more decimals.
    (units(unit) == Some(1) && value.scale() <= unit.scale()) || has_whole_units(&value, &unit)
}

#[inline(never)]
fn has_whole_units(value: &Decimal, unit: &Decimal) -> bool {
    match small_rest(*value, *unit) {
        Some(rest) => rest == 0,
        None => value.checked_rem(*unit).is_some_and(|rest| rest.is_zero()),
    }
}

#[inline]
fn small_rest(value: Decimal, unit: Decimal) -> Option<i64> {
    let scale = value.scale().max(unit.scale());
    let finest = |number: Decimal| finer(units(number)?, scale - number.scale());
    finest(value)?.checked_rem(finest(unit)?)
}

/// The digits with their sign, without the point.
#[inline(always)]
pub(crate) const fn units(value: Decimal) -> Option<i64> {
    let parts = value.unpack();
    if parts.hi != 0 || parts.mid >> 31 != 0 {
        return None;
    }
    let size = ((parts.mid as i64) << 32) | parts.lo as i64;
    Some(if parts.negative { -size } else { size })
}

/// The same number in units that are finer by so many digits.
#[inline]
fn finer(units: i64, digits: u32) -> Option<i64> {
    units.checked_mul(*POWERS.get(digits as usize)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::Instrument;

    /// Decimals of every size, sign and scale, many of them at the edges of 32, 63 and 64 bits.
    fn decimals() -> impl Strategy<Value = Decimal> {
        let edges = [0, 1, 10, 1 << 31, 1 << 32, 1 << 62, 1 << 63, 1 << 64, (1 << 96) - 1];
        let near = (prop::sample::select(edges.to_vec()), 0_u128..3)
            .prop_map(|(edge, off): (u128, u128)| edge.saturating_sub(off));
        let spread = (0_u32..97, any::<u128>()).prop_map(|(bits, raw)| raw & ((1 << bits) - 1));
        let size = prop_oneof![near, spread, 0_u128..1_000_000];
        (size, any::<bool>(), prop_oneof![Just(0), Just(2), 0_u32..=28]).prop_map(
            |(size, is_negative, scale)| {
                let word = |shift: u32| (size >> shift) as u32;
                let mut value = Decimal::from_parts(word(0), word(32), word(64), false, scale);
                value.set_sign_negative(is_negative);
                value
            },
        )
    }

    /// The library's answer, where no digit was lost.
    fn exact_sum(a: Decimal, b: Decimal) -> Option<Decimal> {
        a.checked_add(b).filter(|sum| sum.scale() == a.scale().max(b.scale()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn short_ways_lead_where_the_general_ways_do(a in decimals(), b in decimals()) {
            let bits = |value: Option<Decimal>| value.map(|value| value.serialize());
            prop_assert_eq!(bits(product(a, b)), bits(a.checked_mul(b)), "{} * {}", a, b);
            prop_assert_eq!(bits(plus(a, b)), bits(a.checked_add(b)), "{} + {}", a, b);
            if let Some(short) = sum(a, b).filter(|_| !a.is_zero() && !b.is_zero()) {
                prop_assert_eq!(bits(Some(short)), bits(exact_sum(a, b)), "{} + {}", a, b);
            }
            prop_assert_eq!(bits(difference(a, b)), bits(sum(a, -b)), "{} - {}", a, b);
            let rest = a.checked_rem(b).is_some_and(|rest| rest.is_zero());
            prop_assert_eq!(is_multiple(a, b), rest, "{} of {}", a, b);
            prop_assert_eq!(bits(Some(rounded(a, 8))), bits(Some(a.round_dp(8))), "{}", a);
            prop_assert_eq!(is_above_zero(a), a > Decimal::ZERO);
            prop_assert_eq!(is_below(a, b), a < b, "{} < {}", a, b);
            prop_assert_eq!(is_same(a, b), a == b && a.serialize() == b.serialize());
        }
    }

    #[test]
    fn a_multiplier_of_one_changes_no_digit() {
        let (plain, _) = Instrument::spot("A", "A", "B").build().unwrap();
        for text in ["0", "-0.000", "1", "-12.50", "0.0000000001", "79228162514264337593543950335"]
        {
            let quantity: Decimal = text.parse().unwrap();
            let units = plain.units(quantity).unwrap();
            assert!(is_same(units, quantity.checked_mul(Decimal::ONE).unwrap()), "{text}");
        }
    }

    #[test]
    fn ordinary_numbers_take_the_short_way() {
        let dec = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(sum(dec("983158.35"), dec("-16.63457")), Some(dec("983141.71543")));
        assert_eq!(sum(dec("1.5"), dec("-1.50")).unwrap().to_string(), "0.00");
        assert_eq!(sum(dec("9223372036854775807"), dec("1")), None);
        assert_eq!(product(dec("0.00"), dec("-2")).unwrap().to_string(), "0");
    }
}
