use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CallOutcome, OrderRetry};
use crate::types::{Classification, OrderId, RetryAdvice, Timestamp};

/// When to ask again: exponential backoff with full jitter, a limit of attempts and a deadline.
///
/// The pause before the n-th repetition is drawn evenly between zero and
/// `first_pause · 2^(n-1)`, at most `longest_pause` ("full jitter"; M. Brooker, AWS Architecture
/// Blog, 2015). Chance is a number that the host draws evenly from all of `u64`.
///
/// ```
/// use std::time::Duration;
/// use tradewright::resilience::{GaveUp, RetryBudget, RetryPolicy};
/// use tradewright::types::{Classification, ErrorCategory, RetryAdvice, Severity, Timestamp};
///
/// let at = Timestamp::from_secs(1_700_000_000)?;
/// let busy = Classification::new(ErrorCategory::Network, Severity::Medium)
///     .retry(RetryAdvice::Backoff);
/// let mut budget = RetryBudget::default();
/// let mut retry = RetryPolicy::default().idempotent(at);
///
/// let half = u64::MAX / 2;
/// let again = retry.on_failure(at, &busy, half, &mut budget);
/// assert_eq!(again, Ok(at.after(Duration::from_nanos(249_999_999))));
/// let refused = retry.on_failure(at, &Classification::INPUT, half, &mut budget);
/// assert_eq!(refused, Err(GaveUp::Refused));
/// # Ok::<(), tradewright::types::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// The longest pause before the first repetition.
    pub first_pause: Duration,
    /// The longest pause of all, but for what the other side asks for.
    pub longest_pause: Duration,
    /// So many attempts, the first included.
    pub attempts: u32,
    /// Nothing is begun later than so long after the first attempt.
    pub within: Duration,
    /// For so long after it was sent, a venue may still take an order that it does not know yet.
    pub order_window: Duration,
}

impl Default for RetryPolicy {
    /// Half a second, doubled up to 30 s; five attempts within two minutes; an order may arrive
    /// for 20 s, as in [`ConversationConfig`](crate::venue::ConversationConfig).
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            attempts: 5,
            within: Duration::from_secs(120),
            order_window: Duration::from_secs(20),
        }
    }
}

impl RetryPolicy {
    /// For an operation that does no harm when it is done twice: a question, a cancel, setting a
    /// value.
    pub const fn idempotent(self, at: Timestamp) -> Retry {
        Retry { policy: self, started: at, attempts: 1 }
    }

    /// For an order that was sent at `at` with a client id by which it can be looked up.
    pub const fn order(self, at: Timestamp, id: OrderId) -> OrderRetry {
        OrderRetry::new(id, at, self.idempotent(at))
    }
}

/// Why nothing is tried any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GaveUp {
    /// The same would be refused again.
    Refused,
    /// So many attempts were made as the policy allows.
    Attempts,
    /// The next attempt would begin after the deadline.
    Deadline,
    /// All operations together have used up their repetitions.
    Budget,
}

/// The attempts of one operation that does no harm when it is done twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    policy: RetryPolicy,
    started: Timestamp,
    attempts: u32,
}

impl Retry {
    /// An attempt has failed at `at`: when to make the next one.
    ///
    /// An outcome that is unknown counts as a failure here, since a repetition does no harm.
    ///
    /// # Errors
    /// [`GaveUp`] when there is no next one; nothing was taken from the budget.
    pub fn on_failure(
        &mut self,
        at: Timestamp,
        error: &Classification,
        chance: u64,
        budget: &mut RetryBudget,
    ) -> Result<Timestamp, GaveUp> {
        let least = match error.retry {
            RetryAdvice::Never => return Err(GaveUp::Refused),
            RetryAdvice::After(span) => span,
            RetryAdvice::Backoff | RetryAdvice::Resynchronise | RetryAdvice::LookUp => {
                Duration::ZERO
            }
        };
        if self.attempts >= self.policy.attempts {
            return Err(GaveUp::Attempts);
        }
        let next = at.after(least.saturating_add(self.pause(chance)));
        if next > self.started.after(self.policy.within) {
            return Err(GaveUp::Deadline);
        }
        if !budget.take() {
            return Err(GaveUp::Budget);
        }
        self.attempts += 1;
        Ok(next)
    }

    /// Attempts that were made or are due, the first included.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) const fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// The pause after as many attempts as were made.
    fn pause(&self, chance: u64) -> Duration {
        jittered(&self.policy, self.attempts - 1, chance)
    }
}

/// A pause drawn evenly from zero to the policy's longest after `failures` earlier ones.
pub(super) fn jittered(policy: &RetryPolicy, failures: u32, chance: u64) -> Duration {
    let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
    let most = policy.first_pause.saturating_mul(factor).min(policy.longest_pause);
    let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    let drawn = (u128::from(most) * u128::from(chance)) >> 64;
    Duration::from_nanos(u64::try_from(drawn).unwrap_or(most))
}

/// What all operations on one dependency may repeat together, so that repetitions do not bring
/// down what has just come back.
///
/// Each success pays in a fraction of a repetition, each repetition takes a whole one.
///
/// ```
/// use tradewright::resilience::RetryBudget;
///
/// let mut budget = RetryBudget::new(1, 10);
/// assert!(budget.take());
/// assert!(!budget.take());
/// for _ in 0..10 {
///     budget.on_success();
/// }
/// assert!(budget.take());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryBudget {
    /// In hundredths of a repetition.
    left: u64,
    most: u64,
    percent: u8,
}

impl Default for RetryBudget {
    /// Twenty repetitions at once, and one more for every five successes.
    fn default() -> Self {
        Self::new(20, 20)
    }
}

impl RetryBudget {
    /// `reserve` repetitions to begin with and at most, and `percent` of a repetition for each
    /// success.
    pub fn new(reserve: u32, percent: u8) -> Self {
        let most = u64::from(reserve) * 100;
        Self { left: most, most, percent }
    }

    /// An operation has succeeded.
    #[inline]
    pub fn on_success(&mut self) {
        self.left = self.left.saturating_add(u64::from(self.percent)).min(self.most);
    }

    /// Takes one repetition; false when none is left.
    pub fn take(&mut self) -> bool {
        match self.left.checked_sub(100) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// Whole repetitions that are left.
    pub const fn left(&self) -> u64 {
        self.left / 100
    }

    /// Counts a call's outcome: only successes pay in.
    pub fn on_outcome(&mut self, outcome: CallOutcome) {
        if outcome == CallOutcome::Success {
            self.on_success();
        }
    }
}
