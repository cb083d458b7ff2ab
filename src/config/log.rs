use core::fmt;
use core::str::FromStr;
use std::path::PathBuf;

use crate::types::{Classification, Classify};

/// Logs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogSettings {
    /// The least that is told.
    pub level: LogLevel,
    /// Modules with a level of their own, each once; a longer name wins over a shorter one.
    pub modules: Vec<(LogModule, LogLevel)>,
    /// For people or for programs.
    pub format: LogFormat,
    /// Where the host's terminal is.
    pub console: LogConsole,
    /// Where files are written; none for the console alone.
    pub directory: Option<PathBuf>,
    /// Bytes at which a file is full.
    pub file_bytes: u64,
    /// Full files that are kept beside the one that is written.
    pub files_kept: u32,
}

impl Default for LogSettings {
    /// Those of development: what happens, for people, on the console alone. Files would be full
    /// at 10 MB, which an editor still opens, and 5 of them be kept, some days of a calm bot.
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            modules: Vec::new(),
            format: LogFormat::Human,
            console: LogConsole::Stderr,
            directory: None,
            file_bytes: 10_000_000,
            files_kept: 5,
        }
    }
}

/// The least that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Errors.
    Error,
    /// And warnings.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// Every level, the quietest first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The word that names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for LogLevel {
    type Err = LogLevelError;

    fn from_str(word: &str) -> Result<Self, LogLevelError> {
        let found = Self::ALL.into_iter().find(|level| level.as_str() == word);
        found.ok_or_else(|| LogLevelError { word: word.to_owned() })
    }
}

/// A word that names no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of error, warn, info, debug, trace")]
pub struct LogLevelError {
    /// What was given.
    pub word: String,
}

impl Classify for LogLevelError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

/// For people or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// JSON, an object a line.
    Json,
}

/// Where the host's terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogConsole {
    /// The standard error, which leaves the output to the program.
    Stderr,
    /// The standard output, which some containers collect alone.
    Stdout,
    /// Nowhere: files alone.
    Off,
}

impl LogConsole {
    /// Every place.
    pub const ALL: [Self; 3] = [Self::Stderr, Self::Stdout, Self::Off];

    /// The word that names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stderr => "stderr",
            Self::Stdout => "stdout",
            Self::Off => "off",
        }
    }
}

/// A module that has a level of its own, with all that is below it: one of this crate's that
/// logs, or a path of the host's.
///
/// ```
/// use tradewright::config::{LogModule, LogModuleError};
///
/// assert!(LogModule::new("tradewright::live::net").is_ok());
/// assert!(LogModule::new("my_bot::orders").is_ok());
/// // Nothing would ever come of this one.
/// let typo = LogModule::new("tradewright::life");
/// assert!(matches!(typo, Err(LogModuleError::Unknown { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogModule(String);

/// Why a module was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogModuleError {
    /// This crate has no such module, or it does not log; [`LogModule::KNOWN`] has those that do.
    #[error("`{module}` is no module of this crate that logs")]
    Unknown {
        /// What was given.
        module: String,
    },
    /// It cannot be the path of a module: names of letters, digits and underscores with `::`
    /// between them.
    #[error("`{module}` is no path of a module")]
    NoPath {
        /// What was given.
        module: String,
    },
}

impl Classify for LogModuleError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

impl LogModule {
    /// The modules of this crate that log.
    pub const KNOWN: &[&str] = &[
        "tradewright",
        "tradewright::live",
        "tradewright::live::binance",
        "tradewright::live::net",
        "tradewright::live::requests",
        "tradewright::live::runner",
        "tradewright::live::stream",
        "tradewright::live::supervisor",
        "tradewright::live::turns",
        "tradewright::local_exchange",
        "tradewright::runtime",
    ];

    /// A module by its path.
    ///
    /// # Errors
    /// [`LogModuleError`].
    pub fn new(path: &str) -> Result<Self, LogModuleError> {
        let is_name = |name: &str| {
            let is_sound = name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
            is_sound && name.starts_with(|first: char| !first.is_ascii_digit())
        };
        if !path.split("::").all(is_name) {
            return Err(LogModuleError::NoPath { module: path.to_owned() });
        }
        let is_ours = path.split("::").next() == Some("tradewright");
        if is_ours && !Self::KNOWN.contains(&path) {
            return Err(LogModuleError::Unknown { module: path.to_owned() });
        }
        Ok(Self(path.to_owned()))
    }

    /// Its path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogModule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}
