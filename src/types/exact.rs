//! Serde for [`Decimal`] fields as exact text: `#[serde(with = "tradewright::types::exact")]`.
//!
//! The decimal library's own serde changes with cargo features that any crate of the host's
//! tree may turn on (floats lose digits), so that snapshots and recordings use this module.

use core::fmt;
use core::str::FromStr;

use rust_decimal::Decimal;
use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;

/// Writes the number as text, every digit kept.
///
/// # Errors
/// The serializer's own errors.
pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads a number from text; plain numbers are taken by their shortest text, so that
/// `0.1` in a configuration file means one tenth.
///
/// # Errors
/// The deserializer's own errors, and text that is no decimal number or does not fit one.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    deserializer.deserialize_any(DecimalText)
}

/// Reads an `f64` for which NaN is a legal value: formats that know no NaN, such as JSON, write
/// it as nothing.
///
/// # Errors
/// The deserializer's own errors.
pub(crate) fn f64_or_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value: Option<f64> = serde::Deserialize::deserialize(deserializer)?;
    Ok(value.unwrap_or(f64::NAN))
}

struct DecimalText;

impl Visitor<'_> for DecimalText {
    type Value = Decimal;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a decimal number as text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        let read = Decimal::from_str_exact(text);
        let mut value = read.map_err(|error| E::custom(format!("`{text}`: {error}")))?;
        // The library drops the sign of zero; a restored run must equal the other to the bit.
        if value.is_zero() && text.starts_with('-') {
            value.set_sign_negative(true);
        }
        Ok(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Decimal, E> {
        Ok(Decimal::from(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Decimal, E> {
        Ok(Decimal::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Decimal, E> {
        Decimal::from_str(&value.to_string())
            .map_err(|error| E::custom(format!("{value}: {error}")))
    }
}

/// The same for optional fields.
pub mod option {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Exact(#[serde(with = "super")] Decimal);

    /// Writes `None` or the number as text.
    ///
    /// # Errors
    /// The serializer's own errors.
    pub fn serialize<S: Serializer>(value: &Option<Decimal>, to: S) -> Result<S::Ok, S::Error> {
        value.map(Exact).serialize(to)
    }

    /// Reads `None` or a number.
    ///
    /// # Errors
    /// As [`deserialize`](super::deserialize).
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Decimal>, D::Error> {
        Ok(Option::<Exact>::deserialize(from)?.map(|exact| exact.0))
    }
}

/// The same for vectors.
pub mod vec {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    struct Exact(#[serde(with = "super")] Decimal);

    /// Writes each number as text.
    ///
    /// # Errors
    /// The serializer's own errors.
    pub fn serialize<S: Serializer>(values: &[Decimal], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(ToString::to_string))
    }

    /// Reads a list of numbers.
    ///
    /// # Errors
    /// As [`deserialize`](super::deserialize).
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Decimal>, D::Error> {
        Ok(Vec::<Exact>::deserialize(from)?.into_iter().map(|exact| exact.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_to_the_bit() {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Exact(#[serde(with = "super")] Decimal);

        let mut negative_zero = Decimal::new(0, 3);
        negative_zero.set_sign_negative(true);
        for value in [negative_zero, Decimal::ZERO, Decimal::new(-150, 2), Decimal::MAX] {
            let bytes = rmp_serde::to_vec(&Exact(value)).unwrap();
            let Exact(read) = rmp_serde::from_slice(&bytes).unwrap();
            assert_eq!(read.serialize(), value.serialize(), "{value}");
        }
    }
}
