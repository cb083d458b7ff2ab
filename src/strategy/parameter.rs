use core::fmt;

use crate::types::{Classification, Classify};
use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The typed parameters of a strategy, with what a user interface or a sweep has to know.
///
/// Defaults come from [`Default`]. Derive `Serialize` and `Deserialize`; unknown names are refused
/// by the registry, whatever serde attributes the type has.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tradewright::strategy::{ParameterKind, ParameterSpec, Parameters};
///
/// #[derive(Serialize, Deserialize)]
/// struct Momentum { bars: usize }
///
/// impl Default for Momentum {
///     fn default() -> Self { Self { bars: 3 } }
/// }
///
/// impl Parameters for Momentum {
///     const SPECS: &'static [ParameterSpec] = &[ParameterSpec {
///         name: "bars",
///         kind: ParameterKind::Count { minimum: 1, maximum: 100 },
///         description: "Rising closes in a row that are a reason to buy.",
///     }];
/// }
///
/// let refused = Momentum { bars: 0 }.check().unwrap_err();
/// assert_eq!(refused.to_string(), "`bars` is 0, allowed are whole numbers from 1 to 100");
/// ```
pub trait Parameters: Serialize + DeserializeOwned + Default {
    /// One entry per field, in the order in which a user should see them.
    const SPECS: &'static [ParameterSpec];

    /// Compares every parameter with its range.
    ///
    /// # Errors
    /// [`BadParameter`] names the first one that is out of range and what is allowed.
    fn check(&self) -> Result<(), BadParameter> {
        let values = to_map(self)?;
        for spec in Self::SPECS {
            spec.check(values.get(spec.name).unwrap_or(&Value::Null))?;
        }
        Ok(())
    }
}

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ParameterSpec {
    /// Its name in configuration files.
    pub name: &'static str,
    /// Its type and range.
    #[serde(flatten)]
    pub kind: ParameterKind,
    /// What it does, in one line.
    pub description: &'static str,
}

/// The type of a parameter and its range; bounds are inclusive unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ParameterKind {
    /// A whole number.
    Count {
        /// Smallest value.
        minimum: u64,
        /// Largest value.
        maximum: u64,
    },
    /// A number.
    Number {
        /// Smallest value.
        minimum: f64,
        /// Largest value.
        maximum: f64,
    },
    /// A number above zero.
    Positive {
        /// Largest value.
        maximum: f64,
    },
    /// An exact decimal above zero, best given as text.
    Quantity,
    /// One of these words; a word with details is a map with that one key.
    Choice {
        /// The words.
        choices: &'static [&'static str],
    },
    /// A list of these words, at least one.
    Choices {
        /// The words.
        choices: &'static [&'static str],
    },
    /// A strategy: a map of `name` and `parameters`.
    Strategy,
    /// A list of strategies, each with a `weight`.
    Strategies,
    /// Anything that the strategy itself understands; it checks the value when it is built.
    Other,
}

impl ParameterSpec {
    fn check(&self, value: &Value) -> Result<(), BadParameter> {
        if self.kind.allows(value) {
            return Ok(());
        }
        Err(BadParameter {
            parameter: self.name.to_owned(),
            value: text_of(value),
            allowed: self.kind.to_string(),
        })
    }
}

impl ParameterKind {
    fn allows(&self, value: &Value) -> bool {
        match *self {
            Self::Count { minimum, maximum } => {
                value.as_u64().is_some_and(|count| minimum <= count && count <= maximum)
            }
            Self::Number { minimum, maximum } => {
                value.as_f64().is_some_and(|number| minimum <= number && number <= maximum)
            }
            Self::Positive { maximum } => {
                value.as_f64().is_some_and(|number| 0.0 < number && number <= maximum)
            }
            Self::Quantity => decimal_of(value).is_some_and(|quantity| quantity > Decimal::ZERO),
            Self::Choice { choices } => word_of(value).is_some_and(|word| choices.contains(&word)),
            Self::Choices { choices } => value.as_array().is_some_and(|words| {
                !words.is_empty()
                    && words.iter().all(|word| word_of(word).is_some_and(|w| choices.contains(&w)))
            }),
            Self::Strategy => value.is_object(),
            Self::Strategies => value.as_array().is_some_and(|members| !members.is_empty()),
            Self::Other => true,
        }
    }
}

impl fmt::Display for ParameterKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { minimum, maximum } => {
                write!(out, "whole numbers from {minimum} to {maximum}")
            }
            Self::Number { minimum, maximum } => write!(out, "numbers from {minimum} to {maximum}"),
            Self::Positive { maximum } => write!(out, "numbers above 0 and up to {maximum}"),
            Self::Quantity => out.write_str("exact decimals above 0"),
            Self::Choice { choices } => write!(out, "the words {}", choices.join(", ")),
            Self::Choices { choices } => write!(out, "lists of {}", choices.join(", ")),
            Self::Strategy => out.write_str("maps of name and parameters"),
            Self::Strategies => {
                out.write_str("lists of at least one map of name, weight and parameters")
            }
            Self::Other => out.write_str("what its description says"),
        }
    }
}

/// A parameter that a strategy cannot work with; the configuration has to be corrected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{parameter}` is {value}, allowed are {allowed}")]
pub struct BadParameter {
    /// Which parameter.
    pub parameter: String,
    /// Its refused value.
    pub value: String,
    /// What is allowed.
    pub allowed: String,
}

impl Classify for BadParameter {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

impl BadParameter {
    /// A refusal of `value` for the named parameter, with what is allowed in the plural.
    pub fn new(parameter: &str, value: impl fmt::Display, allowed: impl fmt::Display) -> Self {
        let (value, allowed) = (value.to_string(), allowed.to_string());
        Self { parameter: parameter.to_owned(), value, allowed }
    }
}

/// The parameters as a JSON object; NaN and the infinities become null there.
pub(super) fn to_map<P: Serialize>(parameters: &P) -> Result<Map<String, Value>, BadParameter> {
    match serde_json::to_value(parameters) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(other) => Err(BadParameter::new("parameters", other, "structs with named fields")),
        Err(error) => Err(BadParameter::new("parameters", error, "what JSON can express")),
    }
}

/// How a refused value is shown: what JSON cannot express was a number that is not finite.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "not a finite number".to_owned(),
        other => {
            let text = other.to_string();
            if text.chars().count() <= 80 { text } else { text.chars().take(80).collect() }
        }
    }
}

fn word_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(word) => Some(word),
        Value::Object(map) if map.len() == 1 => map.keys().next().map(String::as_str),
        _ => None,
    }
}

fn decimal_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => Decimal::from_str_exact(text).ok(),
        Value::Number(number) => Decimal::from_str_exact(&number.to_string()).ok(),
        _ => None,
    }
}

/// Defines a parameter struct: fields, defaults, ranges and descriptions stand in one place.
macro_rules! parameters {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                #[doc = $text:literal]
                $(#[$more:meta])*
                pub $field:ident: $type:ty = $default:expr, $kind:expr;
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(#[doc = $text] $(#[$more])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::strategy::Parameters for $name {
            const SPECS: &'static [$crate::strategy::ParameterSpec] = &[
                $($crate::strategy::ParameterSpec {
                    name: stringify!($field),
                    kind: $kind,
                    description: $text.trim_ascii(),
                },)*
            ];
        }
    };
}
pub(super) use parameters;
