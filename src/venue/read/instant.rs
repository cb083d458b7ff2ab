use super::number;
use crate::types::Timestamp;
use crate::venue::DecodeError;

/// Milliseconds since 1970, or microseconds where the number is too large for them: the streams
/// can be asked for either.
#[inline]
pub(in crate::venue) fn instant(
    what: &'static str,
    field: &'static str,
    value: u64,
) -> Result<Timestamp, DecodeError> {
    const FIRST_MICROS: u64 = 100_000_000_000_000;
    let refused = || number(what, field, &value.to_string());
    let number = i64::try_from(value).map_err(|_| refused())?;
    let read = match value < FIRST_MICROS {
        true => Timestamp::from_millis(number),
        false => Timestamp::from_micros(number),
    };
    read.map_err(|_| refused())
}
