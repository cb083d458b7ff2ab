use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::types::{BookLevel, Timestamp};
use crate::venue::DecodeError;
use crate::venue::read::{float, instant, level};

/// A value of a stream's event. One letter means different things in different events, so that
/// its kind is only known once the whole event was read.
#[derive(Debug, Default)]
pub(super) enum Field<'a> {
    /// Absent, `null`, or of no use.
    #[default]
    None,
    Text(&'a str),
    Number(u64),
    Flag(bool),
    Levels(Vec<BookLevel>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

impl Field<'_> {
    /// The text as a number.
    #[inline]
    pub(super) fn float(
        &self,
        what: &'static str,
        field: &'static str,
    ) -> Result<f64, DecodeError> {
        match self {
            Self::Text(text) => float(what, field, text),
            _ => Err(DecodeError::Missing { what, field }),
        }
    }

    /// The text as a number, where there is one.
    pub(super) fn optional_float(
        &self,
        what: &'static str,
        field: &'static str,
    ) -> Result<Option<f64>, DecodeError> {
        match self {
            Self::Text(text) => float(what, field, text).map(Some),
            _ => Ok(None),
        }
    }

    #[inline]
    pub(super) fn number(
        &self,
        what: &'static str,
        field: &'static str,
    ) -> Result<u64, DecodeError> {
        match self {
            Self::Number(value) => Ok(*value),
            _ => Err(DecodeError::Missing { what, field }),
        }
    }

    /// The number as a time, where there is one.
    #[inline]
    pub(super) fn instant(
        &self,
        what: &'static str,
        field: &'static str,
    ) -> Result<Option<Timestamp>, DecodeError> {
        match self {
            Self::Number(value) => instant(what, field, *value).map(Some),
            _ => Ok(None),
        }
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text, a number of zero or more, a flag or levels of a book")
    }

    #[inline]
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Text(text))
    }

    /// Text with escapes: no number and no symbol of these venues has any.
    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Field::None)
    }

    #[inline]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Field::Number(value))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Field::None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Field::None)
    }

    #[inline]
    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Field::Flag(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Field::None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut levels: A) -> Result<Self::Value, A::Error> {
        let mut read = Vec::new();
        while let Some(next) = levels.next_element::<WireLevel>()? {
            read.push(next.0);
        }
        Ok(Field::Levels(read))
    }

    /// An object under a letter that means a plain value elsewhere.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::None)
    }
}

/// `["price", "quantity"]`; what follows is left aside.
pub(super) struct WireLevel(pub(super) BookLevel);

impl<'de> Deserialize<'de> for WireLevel {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(LevelVisitor)
    }
}

struct LevelVisitor;

impl<'de> Visitor<'de> for LevelVisitor {
    type Value = WireLevel;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a price and a quantity as texts")
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<WireLevel, A::Error> {
        let price: Option<&str> = values.next_element()?;
        let quantity: Option<&str> = values.next_element()?;
        let (Some(price), Some(quantity)) = (price, quantity) else {
            return Err(A::Error::custom("a level without a price or a quantity"));
        };
        while values.next_element::<IgnoredAny>()?.is_some() {}
        level("level", price, quantity).map(WireLevel).map_err(A::Error::custom)
    }
}
