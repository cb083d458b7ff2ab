//! Just enough 256-bit arithmetic to decide a comparison that does not fit into 128 bits.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// A signed 256-bit integer in two's complement; all arithmetic wraps at 2^256.
///
/// The kernels never come near the end: their largest intermediate is below 2^240. It is stored as
/// four 64-bit limbs, lowest first, because not every format can carry 128-bit numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u64; 4]", into = "[u64; 4]")]
pub(super) struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    /// Zero.
    pub(super) const ZERO: Self = Self { high: 0, low: 0 };

    /// The exact product of two signed numbers.
    pub(super) fn product(a: i128, b: i128) -> Self {
        let magnitude = Self::unsigned_product(a.unsigned_abs(), b.unsigned_abs());
        if (a < 0) == (b < 0) { magnitude } else { Self::ZERO.minus(magnitude) }
    }

    /// The exact product of two unsigned numbers below 2^128; it must stay below 2^255.
    pub(super) fn unsigned_product(a: u128, b: u128) -> Self {
        let half = |number: u128| (number >> 64, number & u128::from(u64::MAX));
        let ((a_high, a_low), (b_high, b_low)) = (half(a), half(b));
        let bottom = a_low * b_low;
        let (cross, carry_of_cross) = (a_low * b_high).overflowing_add(a_high * b_low);
        let (low, carry_of_low) = bottom.overflowing_add(cross << 64);
        let carries = (u128::from(carry_of_cross) << 64) + u128::from(carry_of_low);
        Self { high: (a_high * b_high).wrapping_add(cross >> 64).wrapping_add(carries), low }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high.wrapping_add(other.high).wrapping_add(u128::from(carry));
        Self { high, low }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        let high = self.high.wrapping_sub(other.high).wrapping_sub(u128::from(borrow));
        Self { high, low }
    }

    /// The product with an unsigned factor.
    pub(super) fn times(self, factor: u128) -> Self {
        let mut product = Self::unsigned_product(self.low, factor);
        product.high = product.high.wrapping_add(self.high.wrapping_mul(factor));
        product
    }

    /// Less than, equal to or greater than zero.
    pub(super) fn sign(self) -> Ordering {
        self.cmp(&Self::ZERO)
    }

    /// The same number in 128 bits, if it fits.
    pub(super) fn to_i128(self) -> Option<i128> {
        let number = self.low.cast_signed();
        (Self::from(number) == self).then_some(number)
    }

    /// A close `f64`: at most three roundings away.
    pub(super) fn to_f64(self) -> f64 {
        const TWO_TO_128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
        if self.sign() == Ordering::Less {
            return -Self::ZERO.minus(self).to_f64();
        }
        self.high as f64 * TWO_TO_128 + self.low as f64
    }
}

impl Ord for Wide {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.high.cast_signed(), self.low).cmp(&(other.high.cast_signed(), other.low))
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i128> for Wide {
    fn from(number: i128) -> Self {
        let sign = if number < 0 { u128::MAX } else { 0 };
        Self { high: sign, low: number.cast_unsigned() }
    }
}

impl From<[u64; 4]> for Wide {
    fn from([a, b, c, d]: [u64; 4]) -> Self {
        let join = |low, high| u128::from(low) | (u128::from(high) << 64);
        Self { high: join(c, d), low: join(a, b) }
    }
}

impl From<Wide> for [u64; 4] {
    fn from(number: Wide) -> Self {
        let Wide { high, low } = number;
        // Each cast keeps the lower half, which is the limb.
        [low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wide(number: i128) -> Wide {
        Wide::from(number)
    }

    #[test]
    fn known_products() {
        let all = u128::MAX >> 1;
        // (2^127 - 1)^2 = 2^254 - 2^128 + 1
        let square = Wide::unsigned_product(all, all);
        assert_eq!(<[u64; 4]>::from(square), [1, 0, u64::MAX, u64::MAX >> 2]);
        assert_eq!(Wide::product(-3, 5), wide(-15));
        assert_eq!(Wide::product(i128::MIN, -1).minus(wide(1)), wide(i128::MAX));
        assert_eq!(wide(-7).times(6), wide(-42));
        assert_eq!(wide(-7).to_f64(), -7.0);
        assert_eq!(Wide::product(1 << 100, 1 << 100).to_f64(), libm::ldexp(1.0, 200));
    }

    proptest! {
        #[test]
        fn agrees_with_128_bits_where_those_suffice(a in any::<i64>(), b in any::<i64>(),
                                                    c in any::<i64>(), d in any::<i64>()) {
            let (a, b, c, d) = (i128::from(a), i128::from(b), i128::from(c), i128::from(d));
            let (left, right) = (Wide::product(a, b), Wide::product(c, d));
            prop_assert_eq!(left, wide(a * b));
            prop_assert_eq!(left.cmp(&right), (a * b).cmp(&(c * d)));
            prop_assert_eq!(left.plus(right), wide(a * b + c * d));
            prop_assert_eq!(left.minus(right), wide(a * b - c * d));
            prop_assert_eq!(Wide::from(<[u64; 4]>::from(left)), left);
        }

        #[test]
        fn product_is_commutative_and_distributes(a in any::<u128>(), b in any::<u128>(),
                                                  c in any::<u64>()) {
            let (a, b, c) = (a >> 2, b >> 2, u128::from(c));
            prop_assert_eq!(Wide::unsigned_product(a, b), Wide::unsigned_product(b, a));
            let split = Wide::unsigned_product(a, b).plus(Wide::unsigned_product(a, c));
            prop_assert_eq!(Wide::unsigned_product(a, b + c), split);
        }
    }
}
