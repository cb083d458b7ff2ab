use core::fmt;

use serde::{Deserialize, Serialize};

use super::{HaltScope, Label, Timestamp, exact};

/// How bad an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlertLevel {
    /// For information.
    Info,
    /// Worth a look.
    Warning,
    /// Something does not work.
    Error,
    /// Act now.
    Critical,
}

impl AlertLevel {
    /// Every level, the mildest first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The level's word: INFO, WARNING, ERROR, CRITICAL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }

    /// The word of the severity scale: LOW, MEDIUM, HIGH, CRITICAL.
    pub const fn severity(self) -> &'static str {
        match self {
            Self::Info => "LOW",
            Self::Warning => "MEDIUM",
            Self::Error => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for AlertLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What an alert asks for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlertAction {
    /// Nothing.
    #[default]
    None,
    /// Positions in the scope are made smaller.
    ReducePosition,
    /// Positions in the scope are closed.
    ClosePosition,
    /// Trading in the scope is halted until it is resumed.
    HaltTrading,
    /// Stops in the scope are drawn nearer to the market.
    TightenStops,
    /// A person is told.
    Notify,
}

impl AlertAction {
    /// Every action.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::ReducePosition,
        Self::ClosePosition,
        Self::HaltTrading,
        Self::TightenStops,
        Self::Notify,
    ];

    /// The action's word, such as `REDUCE_POSITION`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::ReducePosition => "REDUCE_POSITION",
            Self::ClosePosition => "CLOSE_POSITION",
            Self::HaltTrading => "HALT_TRADING",
            Self::TightenStops => "TIGHTEN_STOPS",
            Self::Notify => "NOTIFY",
        }
    }
}

impl fmt::Display for AlertAction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// An alert's wish that the engine does something; the engine's policy says whether it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionRequest {
    /// What.
    pub action: AlertAction,
    /// Where.
    pub scope: HaltScope,
    /// The code of the alert that asks.
    pub alert: Label,
    /// How bad the alert is.
    pub level: AlertLevel,
}

/// An alert whose condition lasts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActiveAlert {
    /// Its stable word.
    pub code: Label,
    /// Where.
    pub scope: HaltScope,
    /// How bad.
    pub level: AlertLevel,
    /// What it asks for.
    pub action: AlertAction,
    /// The worst value so far; NaN where there is no number.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub value: f64,
    /// When it was raised.
    pub since: Timestamp,
    /// When it was last updated.
    pub updated_at: Timestamp,
    /// How often it was raised or updated.
    pub count: u64,
}
