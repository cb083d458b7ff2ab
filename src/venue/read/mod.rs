//! The words that decoders share: text to numbers and times, each refusal with its place.

use rust_decimal::Decimal;

#[cfg(feature = "binance")]
mod instant;
mod plain;

#[cfg(feature = "binance")]
pub(super) use instant::instant;
#[cfg(feature = "binance")]
pub(super) use plain::eight_digits;
pub(super) use plain::plain;

use super::DecodeError;
use crate::types::BookLevel;

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
    if let Some(value) = plain(text.as_bytes()) {
        return Ok(value);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) | Err(_) => Err(number(what, field, text)),
    }
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
