//! Decimals as the protocol writes them, and sums that end at the largest number instead of
//! panicking: the exchange serves tests and must outlive any request.

use rust_decimal::{Decimal, RoundingStrategy};

/// Eight decimals, as the spot API writes prices and quantities.
pub(super) fn text(value: Decimal) -> String {
    format!("{:.8}", value.round_dp_with_strategy(8, RoundingStrategy::ToZero))
}

pub(super) fn times(a: Decimal, b: Decimal) -> Decimal {
    a.checked_mul(b).unwrap_or(Decimal::MAX)
}

pub(super) fn plus(a: Decimal, b: Decimal) -> Decimal {
    a.checked_add(b).unwrap_or(Decimal::MAX)
}

pub(super) fn minus(a: Decimal, b: Decimal) -> Decimal {
    a.checked_sub(b).unwrap_or(Decimal::MIN)
}

/// Zero where the divisor is zero.
pub(super) fn over(a: Decimal, b: Decimal) -> Decimal {
    a.checked_div(b).unwrap_or_default()
}

/// So many units of a step.
pub(super) fn units(count: i64, step: Decimal) -> Decimal {
    times(Decimal::from(count), step)
}

/// Whole steps in a value, rounded towards zero; none where they do not fit.
pub(super) fn count(value: Decimal, step: Decimal) -> Option<i64> {
    let whole = value.checked_div(step)?.trunc();
    i64::try_from(whole).ok()
}
