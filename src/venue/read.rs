//! The words that decoders share: text to numbers and times, each refusal with its place.

use rust_decimal::Decimal;

use super::DecodeError;
use crate::types::{BookLevel, Timestamp};

#[cold]
pub(super) fn malformed(what: &'static str, error: &serde_json::Error) -> DecodeError {
    DecodeError::Malformed { what, message: error.to_string() }
}

#[cold]
pub(super) fn number(what: &'static str, field: &'static str, text: &str) -> DecodeError {
    DecodeError::Number { what, field, text: text.chars().take(40).collect() }
}

#[cold]
pub(super) fn word(what: &'static str, field: &'static str, text: &str) -> DecodeError {
    DecodeError::Word { what, field, text: text.chars().take(40).collect() }
}

/// Text to the nearest `f64`; what is not finite is refused.
#[inline]
pub(super) fn float(
    what: &'static str,
    field: &'static str,
    text: &str,
) -> Result<f64, DecodeError> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) | Err(_) => Err(number(what, field, text)),
    }
}

/// Milliseconds since 1970, or microseconds where the number is too large for them: the streams
/// can be asked for either.
#[inline]
pub(super) fn instant(
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

/// A level of a book: a price above zero and a quantity of zero or more.
#[inline]
pub(super) fn level(
    what: &'static str,
    price: &str,
    quantity: &str,
) -> Result<BookLevel, DecodeError> {
    let level =
        BookLevel { price: float(what, "price", price)?, quantity: float(what, "size", quantity)? };
    if !(level.price > 0.0) {
        return Err(number(what, "price", price));
    }
    if !(level.quantity >= 0.0) {
        return Err(number(what, "size", quantity));
    }
    Ok(level)
}

/// Text to the very same decimal.
#[inline]
pub(super) fn decimal(
    what: &'static str,
    field: &'static str,
    text: &str,
) -> Result<Decimal, DecodeError> {
    Decimal::from_str_exact(text).map_err(|_| number(what, field, text))
}
