use core::fmt;

use crate::types::{Classification, Classify};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use twox_hash::XxHash3_128;

/// A stable 64-bit hash of a strategy's name and its complete parameters, defaults included.
///
/// It is saved with a strategy's state: a state is taken over only by the strategy and parameters
/// that wrote it. It does not depend on the order in which parameters were given, on the platform
/// or on the format they came in. Its text has 16 hexadecimal digits.
///
/// ```
/// use tradewright::strategy::{BreakoutParameters, Fingerprint};
///
/// let parameters = BreakoutParameters { lookback: 55, ..Default::default() };
/// let one = Fingerprint::of("BREAKOUT", &parameters);
/// assert_ne!(one, Fingerprint::of("BREAKOUT", &BreakoutParameters::default()));
/// assert_eq!(one.to_string().parse(), Ok(one));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of a name with parameters; a part that has no JSON form counts as null.
    pub fn of<P: Serialize>(name: &str, parameters: &P) -> Self {
        let value = serde_json::to_value(parameters).unwrap_or_default();
        Self::with_members(name, &value, &[])
    }

    /// The hash.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The fingerprint of a strategy that is composed of others.
    pub(super) fn with_members(name: &str, parameters: &Value, members: &[Self]) -> Self {
        let mut text = String::new();
        text.push_str(name);
        text.push('\n');
        write_canonical(parameters, &mut text);
        for member in members {
            text.push('\n');
            text.push_str(&member.to_string());
        }
        // The lower half of the 128-bit form is a 64-bit hash as good as any.
        Self(XxHash3_128::oneshot(text.as_bytes()) as u64)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}

impl core::str::FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads the 16 hexadecimal digits of its text.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let refused = || FingerprintError { text: text.chars().take(40).collect() };
        if text.len() != 16 || text.starts_with('+') {
            return Err(refused());
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| refused())
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, FingerprintError> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

/// A text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no fingerprint of 16 hexadecimal digits")]
pub struct FingerprintError {
    text: String,
}

impl Classify for FingerprintError {
    fn classification(&self) -> Classification {
        Classification::STORED
    }
}

/// JSON with sorted keys: whether maps keep their order is a cargo feature of a dependency that
/// any crate of the host's tree may turn on.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => write_sorted(map, out),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
    }
}

fn write_sorted(map: &Map<String, Value>, out: &mut String) {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort_unstable();
    out.push('{');
    for (index, key) in keys.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&Value::from(key.as_str()).to_string());
        out.push(':');
        write_canonical(map.get(key).unwrap_or(&Value::Null), out);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_stable_across_versions_and_platforms() {
        // A change here makes every saved state of every user unreadable.
        let parameters =
            serde_json::json!({"window": 20, "factor": 2.5, "form": {"b": 1, "a": []}});
        let fingerprint = Fingerprint::with_members("NAME", &parameters, &[]);
        assert_eq!(fingerprint.to_string(), "71c7e4ca1876a8da");
        let swapped = serde_json::json!({"form": {"a": [], "b": 1}, "factor": 2.5, "window": 20});
        assert_eq!(Fingerprint::with_members("NAME", &swapped, &[]), fingerprint);
    }

    #[test]
    fn text_that_is_no_fingerprint_is_refused() {
        for text in ["", "12", "+123456789abcdef", "g123456789abcdef", "0123456789abcdef0"] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
        assert!("0123456789abcdef".parse::<Fingerprint>().is_ok());
    }
}
