use core::fmt;

use serde::{Deserialize, Serialize};

use crate::types::{AlertLevel, Label, Timestamp};

/// Something that a person should hear of a bot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// The bot's name.
    pub bot: Label,
    /// What kind of news.
    pub kind: NoticeKind,
    /// How bad.
    pub level: AlertLevel,
    /// In words.
    pub text: String,
}

/// What a [`Notice`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoticeKind {
    /// The bot is reconciled and trades from now on.
    Started,
    /// The bot has stopped.
    Stopped,
    /// A halt has begun.
    Halted,
    /// A halt has ended.
    HaltEnded,
    /// The circuit breaker has tripped.
    BreakerTripped,
    /// A strategy or the engine failed.
    BotError,
    /// Books and venue differ by more than the tolerance, or the venue cannot be asked.
    ReconciliationFailed,
    /// A difference between books and venue, and what became of it.
    Difference,
    /// The venue's news or data have been away for long.
    Disconnected,
    /// They are back after that.
    Reconnected,
    /// An alert of the engine.
    Alert,
    /// The recording or the snapshot could not be written.
    Storage,
}

impl NoticeKind {
    /// Its stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Halted => "halted",
            Self::HaltEnded => "halt_ended",
            Self::BreakerTripped => "breaker_tripped",
            Self::BotError => "bot_error",
            Self::ReconciliationFailed => "reconciliation_failed",
            Self::Difference => "difference",
            Self::Disconnected => "disconnected",
            Self::Reconnected => "reconnected",
            Self::Alert => "alert",
            Self::Storage => "storage",
        }
    }
}

impl fmt::Display for Notice {
    /// One line: time, level, bot, kind, words.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, bot, kind, level, text } = self;
        let (level, kind) = (level.as_str(), kind.as_str());
        write!(formatter, "{at} {level} {bot} {kind}: {text}")
    }
}
