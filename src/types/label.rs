use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes that a label holds.
const CAPACITY: usize = 31;

/// A short text that is copied like a number: tags, reasons, symbols and asset codes.
///
/// It holds up to 31 bytes of UTF-8 and never allocates; longer text is cut at the last whole
/// character that fits.
///
/// ```
/// use tradewright::types::Label;
///
/// let tag = Label::new("breakout");
/// assert_eq!(tag.as_str(), "breakout");
/// assert!(Label::default().is_empty());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    bytes: [u8; CAPACITY],
    length: u8,
}

impl Label {
    /// Copies the text, cut to 31 bytes at a character boundary.
    pub const fn new(text: &str) -> Self {
        let source = text.as_bytes();
        let mut length = if source.len() < CAPACITY { source.len() } else { CAPACITY };
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        let mut bytes = [0; CAPACITY];
        let mut index = 0;
        while index < length {
            bytes[index] = source[index];
            index += 1;
        }
        Self { bytes, length: length as u8 }
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The text as bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// True for the empty label, which stands for "none".
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl Default for Label {
    #[inline]
    fn default() -> Self {
        Self { bytes: [0; CAPACITY], length: 0 }
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.as_str())
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Label;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a short text")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Label, E> {
                Ok(Label::new(text))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
