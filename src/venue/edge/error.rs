use crate::types::{
    Classification, Classify, ErrorCategory, Label, RejectReason, RetryAdvice, Severity, Timestamp,
};
use crate::venue::{Answer, DecodeError};

/// Why a request to a venue brought no answer that can be used.
///
/// The variants part what a caller has to tell apart: whether the request may have been carried
/// out. [`ExchangeError::Unknown`] alone says that it may; every other variant says that the
/// venue's state is unchanged. Requests that change something ([`submit`], [`amend`], [`cancel`])
/// never come back with another variant once their first byte may have left.
///
/// [`submit`]: super::ExchangeClient::submit
/// [`amend`]: super::ExchangeClient::amend
/// [`cancel`]: super::ExchangeClient::cancel
///
/// ```
/// use tradewright::types::RejectReason;
/// use tradewright::venue::{Answer, ExchangeError};
///
/// let lost = ExchangeError::Unknown { message: "no answer within 10 s".to_owned() };
/// assert!(lost.is_outcome_unknown());
/// assert_eq!(lost.answer(), Answer::Unknown);
///
/// let reason = RejectReason::InsufficientFunds;
/// let refused = ExchangeError::Refused { reason, code: -2010, message: String::new() };
/// assert!(!refused.is_outcome_unknown());
/// assert_eq!(refused.answer(), Answer::Refused(reason));
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The venue has refused: the same request will be refused again. An order that a change or
    /// a cancel was for, and that the venue does not know or has ended, is
    /// [`RejectReason::NotFound`].
    #[error("refused by the venue: {message} ({code})")]
    Refused {
        /// Why, in the engine's words.
        reason: RejectReason,
        /// The venue's number of the error; zero where it gives none.
        code: i64,
        /// The venue's text.
        message: String,
    },
    /// The request may have been carried out: a time-out, a lost connection, HTTP 5xx, an answer
    /// that cannot be read. Ask for the order by its client id before anything else is done;
    /// never send it again.
    #[error("outcome unknown: {message}")]
    Unknown {
        /// What happened.
        message: String,
    },
    /// Too many requests; this one was not carried out. Nothing may be sent until the venue's
    /// hour, by our wall clock.
    #[error("too many requests; nothing may be sent until {until}")]
    Throttled {
        /// When the next request may be sent.
        until: Timestamp,
    },
    /// The venue cannot serve now, and has not carried it out: the same request may succeed
    /// later.
    #[error("not served for now: {message} ({code})")]
    Unavailable {
        /// The venue's number of the error, or the HTTP status.
        code: i64,
        /// The venue's text.
        message: String,
    },
    /// No connection, or none that lasted; the request has not left, or was a question.
    #[error("transport: {message}")]
    Transport {
        /// What happened.
        message: String,
    },
    /// Key, signature or permission is wrong: a person has to act.
    #[error("not authorised: {message} ({code})")]
    Authentication {
        /// The venue's number of the error.
        code: i64,
        /// The venue's text.
        message: String,
    },
    /// The answer to a question cannot be read.
    #[error("unreadable answer: {0}")]
    Decode(#[from] DecodeError),
    /// The venue has no such order or question, or the host has not set up what it needs;
    /// nothing was sent.
    #[error("not possible here: {what}")]
    Unsupported {
        /// What was asked for, and why not.
        what: String,
    },
    /// The client was closed; nothing was sent.
    #[error("the client is closed")]
    Closed,
}

impl ExchangeError {
    /// True when the request may have been carried out.
    pub const fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// True when the same request may succeed later, and cannot do anything twice.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Unavailable { .. } | Self::Transport { .. } => true,
            Self::Refused { .. }
            | Self::Unknown { .. }
            | Self::Authentication { .. }
            | Self::Decode(_)
            | Self::Unsupported { .. }
            | Self::Closed => false,
        }
    }

    /// True when the venue does not know what was asked about, or it is over.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { reason: RejectReason::NotFound, .. })
    }

    /// When the next request may be sent, where the venue has said so.
    pub const fn retry_at(&self) -> Option<Timestamp> {
        match self {
            Self::Throttled { until } => Some(*until),
            _ => None,
        }
    }

    /// What the failed submission of an order is to a [`Conversation`](crate::venue::Conversation).
    pub fn answer(&self) -> Answer {
        let word = match self {
            Self::Refused { reason, .. } => return Answer::Refused(*reason),
            // An unreadable answer proves that the request arrived.
            Self::Unknown { .. } | Self::Decode(_) => return Answer::Unknown,
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::Transport { .. } => "not_sent",
            Self::Authentication { .. } => "not_authorised",
            Self::Unsupported { .. } => "unsupported",
            Self::Closed => "closed",
        };
        Answer::Refused(RejectReason::Other(Label::new(word)))
    }
}

impl Classify for ExchangeError {
    /// How long to wait after too many requests is said by [`ExchangeError::retry_at`].
    fn classification(&self) -> Classification {
        let api = |severity| Classification::new(ErrorCategory::Api, severity);
        match self {
            Self::Refused { .. } | Self::Unsupported { .. } => api(Severity::Low),
            Self::Unknown { .. } => api(Severity::High).retry(RetryAdvice::LookUp),
            Self::Throttled { .. } => {
                Classification::new(ErrorCategory::RateLimit, Severity::Medium)
                    .retry(RetryAdvice::Backoff)
            }
            Self::Unavailable { .. } => api(Severity::Medium).retry(RetryAdvice::Backoff),
            Self::Transport { .. } => Classification::new(ErrorCategory::Network, Severity::Medium)
                .retry(RetryAdvice::Backoff),
            Self::Authentication { .. } => api(Severity::Critical).fatal(),
            Self::Decode(error) => error.classification(),
            Self::Closed => Classification::new(ErrorCategory::System, Severity::Low),
        }
    }
}
