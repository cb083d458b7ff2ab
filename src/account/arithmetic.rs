//! Decimal arithmetic that refuses instead of losing digits.
//!
//! The library's checked sums answer a rounded number when the exact one does not fit; books
//! that must balance to the last digit cannot take that.

use rust_decimal::Decimal;

use super::LedgerError;
use crate::types::small;

/// The exact sum. Zero never gets a sign here, so that texts of equal sums are equal.
#[inline(always)]
pub(super) fn add(a: Decimal, b: Decimal, what: &'static str) -> Result<Decimal, LedgerError> {
    if b.is_zero() {
        return Ok(a);
    }
    if a.is_zero() {
        return Ok(b);
    }
    match small::sum(a, b) {
        Some(sum) => Ok(sum),
        None => add_large(&a, &b).ok_or(LedgerError::Overflow { what }),
    }
}

/// The sum of any numbers; `None` when the exact one does not fit.
#[inline(never)]
fn add_large(a: &Decimal, b: &Decimal) -> Option<Decimal> {
    // A sum that does not fit is answered rounded, with fewer decimals than its parts.
    let exact = |a: Decimal, b: Decimal| {
        a.checked_add(b).filter(|sum| sum.scale() >= a.scale().max(b.scale()))
    };
    // Trailing zeros may have taken the room.
    exact(*a, *b).or_else(|| exact(a.normalize(), b.normalize()))
}

/// The exact difference.
#[inline(always)]
pub(super) fn sub(a: Decimal, b: Decimal, what: &'static str) -> Result<Decimal, LedgerError> {
    if b.is_zero() {
        return Ok(a);
    }
    if a.is_zero() {
        return Ok(-b);
    }
    match small::difference(a, b) {
        Some(difference) => Ok(difference),
        None => add_large(&a, &-b).ok_or(LedgerError::Overflow { what }),
    }
}

/// Exact sums that belong together: the first that does not fit is kept, so that one look at the
/// end tells of all of them, and none of them has a way out of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adder {
    outcome: Result<(), LedgerError>,
}

impl Adder {
    pub(super) const fn new() -> Self {
        Self { outcome: Ok(()) }
    }

    /// The exact sum; zero where it does not fit.
    #[inline(always)]
    pub(super) fn add(&mut self, a: &Decimal, b: &Decimal, what: &'static str) -> Decimal {
        match add(*a, *b, what) {
            Ok(sum) => sum,
            Err(error) => self.refuse(error),
        }
    }

    /// The exact difference; zero where it does not fit.
    #[inline(always)]
    pub(super) fn sub(&mut self, a: &Decimal, b: &Decimal, what: &'static str) -> Decimal {
        match sub(*a, *b, what) {
            Ok(difference) => difference,
            Err(error) => self.refuse(error),
        }
    }

    /// What another way has computed; zero where it could not.
    pub(super) fn take(&mut self, computed: Result<Decimal, LedgerError>) -> Decimal {
        computed.unwrap_or_else(|error| self.refuse(error))
    }

    /// An error when any of the sums did not fit: the first.
    pub(super) const fn outcome(&self) -> Result<(), LedgerError> {
        self.outcome
    }

    #[cold]
    fn refuse(&mut self, error: LedgerError) -> Decimal {
        self.outcome = self.outcome.and(Err(error));
        Decimal::ZERO
    }
}

/// `total * part / whole`, rounded once, half to even; `whole` is not zero and `part` is no
/// larger than it.
pub(super) fn share(
    total: Decimal,
    part: Decimal,
    whole: Decimal,
    digits: u32,
) -> Result<Decimal, LedgerError> {
    if total.is_zero() {
        return Ok(Decimal::ZERO);
    }
    let exact = match total.checked_mul(part) {
        Some(product) => product.checked_div(whole),
        // The product does not fit, the result does.
        None => part.checked_div(whole).and_then(|ratio| ratio.checked_mul(total)),
    };
    Ok(exact.ok_or(LedgerError::Overflow { what: "share" })?.round_dp(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn sums_are_exact_or_refused() {
        let overflow = LedgerError::Overflow { what: "x" };
        for (a, b, sum) in [
            ("1.5", "2.25", "3.75"),
            ("-1.5", "1.5", "0.0"),
            ("0", "-2.50", "-2.50"),
            ("-2.50", "0", "-2.50"),
            ("0.0000", "-2.50", "-2.50"),
            ("-2.50", "0.0000", "-2.50"),
            ("1", "0.000000000000000001", "1.000000000000000001"),
            ("1", "-0.0000000000000000001", "0.9999999999999999999"),
            ("-9223372036854775808", "-9223372036854775808", "-18446744073709551616"),
            ("9223372036854775807", "0.000000001", "9223372036854775807.000000001"),
            ("12345678901234567890123", "0.5", "12345678901234567890123.5"),
            ("7922816251426433759354395033", "1.000", "7922816251426433759354395034"),
        ] {
            assert_eq!(add(dec(a), dec(b), "x"), Ok(dec(sum)), "{a} + {b}");
            assert_eq!(sub(dec(a), -dec(b), "x"), Ok(dec(sum)), "{a} - -{b}");
            assert_eq!(add(dec(a), dec(b), "x").unwrap().to_string(), sum);
        }
        for (a, b) in [
            ("79228162514264337593543950335", "1"),
            ("79228162514264337593543950335", "0.4"),
            ("7922816251426433759354395033.5", "0.01"),
            ("10", "0.0000000000000000000000000001"),
            // Both are small; the sum has 37 digits.
            ("9223372036854775807", "0.000000000000000001"),
            // Its lowest 32 bits are zero.
            ("4611686018427387904", "0.000000004294967296"),
        ] {
            assert_eq!(add(dec(a), dec(b), "x"), Err(overflow), "{a} + {b}");
        }
    }

    #[test]
    fn an_adder_keeps_the_first_that_does_not_fit() {
        let mut adder = Adder::new();
        assert_eq!(adder.add(&dec("1.5"), &dec("2.25"), "a"), dec("3.75"));
        assert_eq!(adder.sub(&dec("1.5"), &dec("2.25"), "b"), dec("-0.75"));
        assert_eq!(adder.outcome(), Ok(()));
        assert_eq!(adder.add(&Decimal::MAX, &dec("1"), "c"), Decimal::ZERO);
        assert_eq!(adder.sub(&Decimal::MIN, &dec("1"), "d"), Decimal::ZERO);
        assert_eq!(adder.take(share(dec("1"), dec("1"), dec("0"), 2)), Decimal::ZERO);
        assert_eq!(adder.add(&dec("1"), &dec("1"), "e"), dec("2"));
        assert_eq!(adder.outcome(), Err(LedgerError::Overflow { what: "c" }));
    }

    #[test]
    fn shares_are_rounded_once() {
        let share = |total, part, whole, digits| {
            share(dec(total), dec(part), dec(whole), digits).unwrap().to_string()
        };
        assert_eq!(share("10", "1", "3", 4), "3.3333");
        assert_eq!(share("-10", "2", "3", 4), "-6.6667");
        assert_eq!(share("0.25", "1", "2", 2), "0.12");
        assert_eq!(share("0", "1", "0", 2), "0");
        // The product has 31 digits, the result has 15.
        assert_eq!(
            share("1000000000000000", "1000000000000000", "2000000000000000", 2),
            "500000000000000.00"
        );
        assert!(super::share(dec("1"), dec("1"), dec("0"), 2).is_err());
    }
}
