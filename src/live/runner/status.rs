use core::fmt;

use serde::{Deserialize, Serialize};

use crate::metrics::BotState;
use crate::types::HaltCause;

/// What a bot does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BotStatus {
    /// It warms up, or has not been reconciled with its venue yet. Nothing is sent.
    Starting,
    /// It trades.
    Running,
    /// A person has paused all of its strategies.
    Paused,
    /// All that it trades is halted for a drawdown.
    HaltedDrawdown,
    /// All that it trades is halted by the circuit breaker.
    HaltedCircuitBreaker,
    /// All that it trades is halted for another reason.
    HaltedRisk,
    /// It opens nothing more, and waits until the venue has answered.
    Stopping,
    /// It was stopped.
    Stopped,
    /// It failed: all of its strategies, until a person lets one go on, or the engine itself,
    /// until it is started anew. Other bots go on.
    Error,
}

impl BotStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Starting,
        Self::Running,
        Self::Paused,
        Self::HaltedDrawdown,
        Self::HaltedCircuitBreaker,
        Self::HaltedRisk,
        Self::Stopping,
        Self::Stopped,
        Self::Error,
    ];

    /// Its word, as it is shown and written: `HALTED_DRAWDOWN`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::HaltedDrawdown => "HALTED_DRAWDOWN",
            Self::HaltedCircuitBreaker => "HALTED_CIRCUIT_BREAKER",
            Self::HaltedRisk => "HALTED_RISK",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
            Self::Error => "ERROR",
        }
    }

    /// The coarser state that the metric `bot_status` shows; a halt counts as a pause.
    pub const fn state(self) -> BotState {
        match self {
            Self::Starting => BotState::Starting,
            Self::Running => BotState::Running,
            Self::Paused | Self::HaltedDrawdown | Self::HaltedCircuitBreaker | Self::HaltedRisk => {
                BotState::Paused
            }
            Self::Stopping | Self::Stopped => BotState::Stopped,
            Self::Error => BotState::Failed,
        }
    }

    /// The status of a bot that is halted for this cause.
    pub(super) const fn halted(cause: HaltCause) -> Self {
        match cause {
            HaltCause::Drawdown => Self::HaltedDrawdown,
            HaltCause::CircuitBreaker => Self::HaltedCircuitBreaker,
            _ => Self::HaltedRisk,
        }
    }
}

impl fmt::Display for BotStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
