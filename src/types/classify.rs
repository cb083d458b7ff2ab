use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Where an error comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCategory {
    /// Connections: refused, lost, timed out.
    Network,
    /// Stores: saved state, journals, databases.
    Database,
    /// The other side's protocol: unreadable messages, refused requests.
    Api,
    /// Too many requests.
    RateLimit,
    /// Values that were refused before anything was done with them.
    Validation,
    /// Work that could not be completed: overflow, no solution, a failed strategy.
    Processing,
    /// The machine: files, memory, clocks.
    System,
    /// Nobody knows.
    Unknown,
}

impl ErrorCategory {
    /// Every category.
    pub const ALL: [Self; 8] = [
        Self::Network,
        Self::Database,
        Self::Api,
        Self::RateLimit,
        Self::Validation,
        Self::Processing,
        Self::System,
        Self::Unknown,
    ];

    /// The category's word, such as `RATE_LIMIT`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "NETWORK",
            Self::Database => "DATABASE",
            Self::Api => "API",
            Self::RateLimit => "RATE_LIMIT",
            Self::Validation => "VALIDATION",
            Self::Processing => "PROCESSING",
            Self::System => "SYSTEM",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for ErrorCategory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// How bad an error is. The order is the severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Part of every day.
    Low,
    /// Something was lost; the rest goes on.
    Medium,
    /// A part does not work.
    High,
    /// Money or the truth of the books is at stake.
    Critical,
}

impl Severity {
    /// Every severity, the mildest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The severity's word: LOW, MEDIUM, HIGH, CRITICAL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// Whether to do the same again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RetryAdvice {
    /// The same will be refused again.
    Never,
    /// It was not carried out; later it may be.
    Backoff,
    /// It was not carried out; not before so much time has passed.
    After(Duration),
    /// Our time, session or view is wrong: bring it up to date first, then do it again.
    Resynchronise,
    /// It may have been carried out: ask what became of it. What cannot be asked about may be
    /// done again only if doing it twice does no harm.
    LookUp,
}

/// What an error means for whoever goes on after it.
///
/// ```
/// use tradewright::types::{Classification, ErrorCategory, RetryAdvice, Severity};
///
/// let lost = Classification::new(ErrorCategory::Network, Severity::Medium)
///     .retry(RetryAdvice::LookUp);
/// assert!(lost.is_recoverable);
/// assert!(!Classification::SETTINGS.is_recoverable);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Classification {
    /// Where it comes from.
    pub category: ErrorCategory,
    /// How bad it is.
    pub severity: Severity,
    /// True when the program can go on by itself; false when a person has to act first.
    pub is_recoverable: bool,
    /// Whether to do the same again.
    pub retry: RetryAdvice,
}

impl Classification {
    /// One value was refused and nothing has changed: go on with the next.
    pub const INPUT: Self = Self::new(ErrorCategory::Validation, Severity::Low);
    /// What was set up is wrong: a person has to change it.
    pub const SETTINGS: Self = Self::new(ErrorCategory::Validation, Severity::High).fatal();
    /// A figure could not be computed; whoever wanted it does without.
    pub const COMPUTATION: Self = Self::new(ErrorCategory::Processing, Severity::Medium);
    /// A part of the work has failed and is stopped; the rest goes on.
    pub const FAILURE: Self = Self::new(ErrorCategory::Processing, Severity::High);
    /// Our books and the truth may differ: compare with the venue before trading goes on.
    pub const BOOKS: Self = Self::new(ErrorCategory::Processing, Severity::Critical).fatal();
    /// What was saved cannot be used.
    pub const STORED: Self = Self::new(ErrorCategory::Database, Severity::High).fatal();
    /// A file or device does not answer.
    pub const MACHINE: Self = Self::new(ErrorCategory::System, Severity::High).fatal();
    /// A message of the other side was unreadable and is lost.
    pub const MESSAGE: Self = Self::new(ErrorCategory::Api, Severity::Medium);

    /// Recoverable, and not worth a repetition.
    pub const fn new(category: ErrorCategory, severity: Severity) -> Self {
        Self { category, severity, is_recoverable: true, retry: RetryAdvice::Never }
    }

    /// The same with this advice.
    #[must_use]
    pub const fn retry(self, retry: RetryAdvice) -> Self {
        Self { retry, ..self }
    }

    /// The same for an error that a person has to deal with.
    #[must_use]
    pub const fn fatal(self) -> Self {
        Self { is_recoverable: false, ..self }
    }
}

/// An error that says what it means for whoever goes on after it.
///
/// Every error of this crate does. A host says it of its own, and they count, trip breakers and
/// are retried like those of the crate.
///
/// ```
/// use tradewright::types::{Classification, Classify, ErrorCategory, RetryAdvice, Severity};
///
/// struct PoolIsEmpty;
///
/// impl Classify for PoolIsEmpty {
///     fn classification(&self) -> Classification {
///         Classification::new(ErrorCategory::Database, Severity::Medium)
///             .retry(RetryAdvice::Backoff)
///     }
/// }
/// assert_eq!(PoolIsEmpty.category(), ErrorCategory::Database);
/// assert!(PoolIsEmpty.is_retryable());
/// ```
pub trait Classify {
    /// What the error means.
    fn classification(&self) -> Classification;

    /// Where it comes from.
    fn category(&self) -> ErrorCategory {
        self.classification().category
    }

    /// How bad it is.
    fn severity(&self) -> Severity {
        self.classification().severity
    }

    /// True when the program can go on by itself.
    fn is_recoverable(&self) -> bool {
        self.classification().is_recoverable
    }

    /// True when it certainly was not carried out and later may be. False for an unknown
    /// outcome, which has to be looked up.
    fn is_retryable(&self) -> bool {
        match self.classification().retry {
            RetryAdvice::Backoff | RetryAdvice::After(_) | RetryAdvice::Resynchronise => true,
            RetryAdvice::Never | RetryAdvice::LookUp => false,
        }
    }
}

impl Classify for Classification {
    fn classification(&self) -> Classification {
        *self
    }
}

impl<E: Classify + ?Sized> Classify for &E {
    fn classification(&self) -> Classification {
        (**self).classification()
    }
}

impl<E: Classify + ?Sized> Classify for Box<E> {
    fn classification(&self) -> Classification {
        (**self).classification()
    }
}

impl Classify for std::io::Error {
    /// By its kind. A connection that is lost in the middle leaves the outcome open; one that
    /// was refused does not.
    fn classification(&self) -> Classification {
        use std::io::ErrorKind;
        let network = Classification::new(ErrorCategory::Network, Severity::Medium);
        match self.kind() {
            ErrorKind::ConnectionRefused
            | ErrorKind::AddrNotAvailable
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown => network.retry(RetryAdvice::Backoff),
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected
            | ErrorKind::BrokenPipe
            | ErrorKind::TimedOut
            | ErrorKind::UnexpectedEof => network.retry(RetryAdvice::LookUp),
            ErrorKind::Interrupted | ErrorKind::WouldBlock => {
                Classification::new(ErrorCategory::System, Severity::Low)
                    .retry(RetryAdvice::Backoff)
            }
            ErrorKind::InvalidInput | ErrorKind::InvalidData => Classification::INPUT,
            _ => Classification::MACHINE,
        }
    }
}
