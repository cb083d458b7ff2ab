//! How requests to a venue have gone, for the log. What each was is told by the span around it.

use core::time::Duration;

use crate::venue::ExchangeError;

/// Tells of an answer, or of the lack of one.
pub(super) fn log_answer(latency: Duration, error: Option<&ExchangeError>) {
    let latency_ms = latency.as_secs_f64() * 1e3;
    let Some(error) = error else {
        tracing::debug!(latency_ms, "answered");
        return;
    };
    let (code, reason) = (code(error), error.to_string());
    match error {
        // A question for what is not there any more is asked every day.
        _ if error.is_not_found() => tracing::debug!(latency_ms, code, reason, "not found"),
        // A person has to act.
        ExchangeError::Authentication { .. } => {
            tracing::error!(latency_ms, code, reason, "not authorised");
        }
        ExchangeError::Refused { .. } => tracing::warn!(latency_ms, code, reason, "refused"),
        ExchangeError::Unknown { .. } => {
            tracing::warn!(latency_ms, reason, "nobody knows whether it was carried out");
        }
        ExchangeError::Throttled { .. }
        | ExchangeError::Unavailable { .. }
        | ExchangeError::Transport { .. }
        | ExchangeError::Decode(_)
        | ExchangeError::Unsupported { .. }
        | ExchangeError::Closed => tracing::warn!(latency_ms, code, reason, "failed"),
    }
}

/// The venue's number, where it gave one.
const fn code(error: &ExchangeError) -> Option<i64> {
    match error {
        ExchangeError::Refused { code, .. }
        | ExchangeError::Unavailable { code, .. }
        | ExchangeError::Authentication { code, .. } => Some(*code),
        ExchangeError::Unknown { .. }
        | ExchangeError::Throttled { .. }
        | ExchangeError::Transport { .. }
        | ExchangeError::Decode(_)
        | ExchangeError::Unsupported { .. }
        | ExchangeError::Closed => None,
    }
}
