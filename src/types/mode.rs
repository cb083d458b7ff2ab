use core::fmt;

use serde::{Deserialize, Serialize};

use super::HaltLevel;

/// How much of its work a running system still does. The order is the severity.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperatingMode {
    /// Everything works.
    #[default]
    Normal,
    /// No new entries; what rests in the market stays.
    Degraded,
    /// Reduce only: resting entries are taken back too.
    Emergency,
    /// Nothing can be reached. What the engine would send has to wait.
    Offline,
}

impl OperatingMode {
    /// Every mode, the best first.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Degraded, Self::Emergency, Self::Offline];

    /// The mode's word: NORMAL, DEGRADED, EMERGENCY, OFFLINE.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::Degraded => "DEGRADED",
            Self::Emergency => "EMERGENCY",
            Self::Offline => "OFFLINE",
        }
    }

    /// How far the mode stops an engine: Degraded to ReduceOnly, Emergency and Offline to
    /// Halted. No mode ever blocks what closes a position.
    pub const fn halt_level(self) -> HaltLevel {
        match self {
            Self::Normal => HaltLevel::Active,
            Self::Degraded => HaltLevel::ReduceOnly,
            Self::Emergency | Self::Offline => HaltLevel::Halted,
        }
    }
}

impl fmt::Display for OperatingMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
