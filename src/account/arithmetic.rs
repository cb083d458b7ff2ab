//! Decimal arithmetic that refuses instead of losing digits.
//!
//! The library's checked sums answer a rounded number when the exact one does not fit; books
//! that must balance to the last digit cannot take that.

use rust_decimal::Decimal;

use super::LedgerError;

/// The exact sum. Zero never gets a sign here, so that texts of equal sums are equal.
#[inline]
pub(super) fn add(a: Decimal, b: Decimal, what: &'static str) -> Result<Decimal, LedgerError> {
    if b.is_zero() {
        return Ok(a);
    }
    if a.is_zero() {
        return Ok(b);
    }
    let sum = a.checked_add(b).ok_or(LedgerError::Overflow { what })?;
    // A sum that does not fit is answered rounded, with fewer decimals than its parts.
    if sum.scale() < a.scale().max(b.scale()) {
        return add_shortened(a, b, what);
    }
    Ok(sum)
}

/// The exact sum of numbers whose trailing zeros took the room.
#[cold]
fn add_shortened(a: Decimal, b: Decimal, what: &'static str) -> Result<Decimal, LedgerError> {
    let (a, b) = (a.normalize(), b.normalize());
    let sum = a.checked_add(b).filter(|sum| sum.scale() >= a.scale().max(b.scale()));
    sum.ok_or(LedgerError::Overflow { what })
}

/// The exact difference.
#[inline]
pub(super) fn sub(a: Decimal, b: Decimal, what: &'static str) -> Result<Decimal, LedgerError> {
    add(a, -b, what)
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
