//! What the system does when something around it fails.

mod breaker;
mod history;
mod modes;
mod rate_limits;
mod retries;

use tradewright::types::{Classification, ErrorCategory, RetryAdvice, Severity, Timestamp};

/// Milliseconds after some instant.
fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis).unwrap()
}

fn network(advice: RetryAdvice) -> Classification {
    Classification::new(ErrorCategory::Network, Severity::Medium).retry(advice)
}
