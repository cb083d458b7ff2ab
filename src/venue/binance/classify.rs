use super::{BinanceMarket, ErrorClass, VenueError};
use crate::types::{Classification, Classify, ErrorCategory, RetryAdvice, Severity};

impl Classify for ErrorClass {
    fn classification(&self) -> Classification {
        let api = Classification::new(ErrorCategory::Api, Severity::Low);
        let worse = Classification { severity: Severity::Medium, ..api };
        match self {
            Self::UnknownOutcome => {
                Classification { severity: Severity::High, ..api }.retry(RetryAdvice::LookUp)
            }
            Self::Retryable => worse.retry(RetryAdvice::Backoff),
            Self::RateLimited => Classification::new(ErrorCategory::RateLimit, Severity::Medium)
                .retry(RetryAdvice::Backoff),
            Self::Clock => worse.retry(RetryAdvice::Resynchronise),
            Self::Unauthorized => {
                Classification::new(ErrorCategory::Api, Severity::Critical).fatal()
            }
            Self::NotFound | Self::Rejected => api,
        }
    }
}

impl Classify for VenueError {
    /// Without the market that it came from, a number that leaves the outcome open on one of
    /// them counts as open. [`VenueError::class`] knows better.
    fn classification(&self) -> Classification {
        let classes = [BinanceMarket::Spot, BinanceMarket::UsdFutures].map(|it| self.class(it));
        let [spot, _] = classes;
        let is_open = classes.contains(&ErrorClass::UnknownOutcome);
        if is_open { ErrorClass::UnknownOutcome } else { spot }.classification()
    }
}
