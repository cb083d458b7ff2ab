//! Checks that limits share, when they are built and when they are changed.

use core::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::RiskConfigError;

/// A limit above zero.
pub(super) fn positive(what: &'static str, value: Decimal) -> Result<Decimal, RiskConfigError> {
    if value > Decimal::ZERO {
        Ok(value)
    } else {
        Err(RiskConfigError::NotPositive { what, value })
    }
}

/// A limit of zero or above.
pub(super) fn not_negative(what: &'static str, value: Decimal) -> Result<Decimal, RiskConfigError> {
    if value >= Decimal::ZERO { Ok(value) } else { Err(RiskConfigError::Negative { what, value }) }
}

/// A span above zero.
pub(super) const fn span(what: &'static str, span: Duration) -> Result<Duration, RiskConfigError> {
    if span.is_zero() { Err(RiskConfigError::NoSpan { what }) } else { Ok(span) }
}

/// Changes a limit in each of `count` parts that has it; the answer is the first one's value
/// before. When a part refuses the value, those before it get back what they had.
pub(crate) fn set_in_all(
    count: usize,
    value: Decimal,
    mut set: impl FnMut(usize, Decimal) -> Result<Option<Decimal>, RiskConfigError>,
) -> Result<Option<Decimal>, RiskConfigError> {
    let mut changed: Vec<(usize, Decimal)> = Vec::new();
    for part in 0..count {
        match set(part, value) {
            Ok(before) => changed.extend(before.map(|before| (part, before))),
            Err(refused) => {
                for (part, before) in changed {
                    // It held this value a moment ago, so that it cannot refuse it.
                    let _ = set(part, before);
                }
                return Err(refused);
            }
        }
    }
    Ok(changed.first().map(|(_, before)| *before))
}

/// Changes a count; the answer is the one before.
pub(super) fn set_count(
    what: &'static str,
    limit: &mut u32,
    value: Decimal,
) -> Result<Decimal, RiskConfigError> {
    let whole = value.is_integer().then(|| value.to_u32()).flatten();
    let new = whole.ok_or(RiskConfigError::NotACount { what, value })?;
    Ok(Decimal::from(core::mem::replace(limit, new)))
}

/// Changes a span that is given in seconds; the answer is the one before.
pub(super) fn set_span(
    what: &'static str,
    limit: &mut Duration,
    seconds: Decimal,
) -> Result<Decimal, RiskConfigError> {
    let refused = RiskConfigError::NotPositive { what, value: seconds };
    if seconds <= Decimal::ZERO {
        return Err(refused);
    }
    let nanos = seconds.checked_mul(Decimal::from(1_000_000_000_u64));
    let nanos = nanos.and_then(|nanos| nanos.to_u64()).filter(|nanos| *nanos > 0);
    let new = Duration::from_nanos(nanos.ok_or(refused)?);
    let before = core::mem::replace(limit, new);
    let nanos = Decimal::from(u64::try_from(before.as_nanos()).unwrap_or(u64::MAX));
    Ok(nanos.checked_div(Decimal::from(1_000_000_000_u64)).unwrap_or(Decimal::MAX).normalize())
}
