use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::{Classification, Classify, ErrorCategory, RetryAdvice, Timestamp};

/// Stops asking a dependency that does not answer, and tries carefully whether it is back.
///
/// Closed, every call passes. When too many fail it opens, and no call passes for a time. Then
/// it is half-open: a few calls pass as probes. When all of them succeed it closes; one that
/// fails, or is not answered in time, opens it for twice as long.
///
/// It is named apart from [`risk::CircuitBreaker`](crate::risk::CircuitBreaker), which stops
/// trading after losses.
///
/// ```
/// use tradewright::resilience::{CallOutcome, DependencyBreaker, DependencyBreakerConfig};
/// use tradewright::types::Timestamp;
///
/// let at = |seconds: i64| Timestamp::from_secs(1_700_000_000 + seconds).unwrap();
/// let mut breaker = DependencyBreaker::new(DependencyBreakerConfig::default())?;
/// for second in 0..5 {
///     let ticket = breaker.enter(at(second)).unwrap();
///     breaker.leave(at(second), ticket, CallOutcome::Failure);
/// }
/// assert_eq!(breaker.enter(at(5)).unwrap_err(), at(4 + 10));
/// let probe = breaker.enter(at(14)).unwrap();
/// breaker.leave(at(14), probe, CallOutcome::Success);
/// assert!(breaker.enter(at(14)).is_ok());
/// # Ok::<(), tradewright::resilience::BreakerConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyBreaker {
    config: DependencyBreakerConfig,
    state: State,
    /// Counts changes of state, so that late answers can be told.
    epoch: u64,
    /// Openings without a recovery in between.
    openings: u32,
}

/// When a [`DependencyBreaker`] opens and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DependencyBreakerConfig {
    /// What opens it.
    pub trip: Trip,
    /// How long it stays open at first; it doubles with each failed probing.
    pub open_for: Duration,
    /// The longest that it stays open.
    pub longest_open: Duration,
    /// So many probes have to succeed, and no more are on their way at once.
    pub probes: u32,
    /// A probing that has not ended after so long has failed.
    pub probe_within: Duration,
}

/// What opens a [`DependencyBreaker`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trip {
    /// So many failures without a success in between; from 1.
    Consecutive(u32),
    /// The share of failures among the last calls, once so many were made.
    Rate {
        /// Per cent that are too many; 1 to 100.
        percent: u8,
        /// How many calls are looked at; 1 to 64.
        calls: u8,
    },
}

impl Default for DependencyBreakerConfig {
    /// Five failures in a row open it for 10 s, up to 5 min; one probe, which has 30 s.
    fn default() -> Self {
        Self {
            trip: Trip::Consecutive(5),
            open_for: Duration::from_secs(10),
            longest_open: Duration::from_secs(300),
            probes: 1,
            probe_within: Duration::from_secs(30),
        }
    }
}

/// Why a [`DependencyBreakerConfig`] was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BreakerConfigError {
    /// A threshold that can never or always be met.
    #[error("the breaker's {what} is {value}, allowed are {least} to {most}")]
    OutOfRange {
        /// Which setting.
        what: &'static str,
        /// The refused value.
        value: u32,
        /// The smallest that is allowed.
        least: u32,
        /// The largest that is allowed.
        most: u32,
    },
    /// A span that has to last.
    #[error("the breaker's {what} is no time at all")]
    NoSpan {
        /// Which setting.
        what: &'static str,
    },
}

impl Classify for BreakerConfigError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

/// How a call went, as far as the dependency is to be judged by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It has answered. A refusal is an answer.
    Success,
    /// It has not, or not with sense.
    Failure,
}

impl CallOutcome {
    /// By what the error means: values that were refused say nothing against whoever refuses
    /// them.
    #[inline]
    pub const fn of(error: &Classification) -> Self {
        match (error.category, error.retry) {
            (_, RetryAdvice::LookUp) => Self::Failure,
            (ErrorCategory::Api, RetryAdvice::Backoff) => Self::Failure,
            (ErrorCategory::Validation | ErrorCategory::Api | ErrorCategory::Processing, _) => {
                Self::Success
            }
            (
                ErrorCategory::Network
                | ErrorCategory::Database
                | ErrorCategory::RateLimit
                | ErrorCategory::System
                | ErrorCategory::Unknown,
                _,
            ) => Self::Failure,
        }
    }
}

/// The right to one call; it is handed in with the call's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Ticket(u64);

/// Where a [`DependencyBreaker`] stands, for whoever looks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerPhase {
    /// Calls pass.
    Closed,
    /// No call passes before this time.
    Open(Timestamp),
    /// Probes are on their way.
    HalfOpen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { outcomes: u64, seen: u8, streak: u32 },
    Open { until: Timestamp },
    HalfOpen { since: Timestamp, sent: u32, succeeded: u32 },
}

const CLOSED: State = State::Closed { outcomes: 0, seen: 0, streak: 0 };

impl DependencyBreaker {
    /// A closed breaker.
    ///
    /// # Errors
    /// [`BreakerConfigError`] for thresholds that can never or always be met, and for spans of
    /// no length.
    pub fn new(config: DependencyBreakerConfig) -> Result<Self, BreakerConfigError> {
        let within = |what, value: u32, least, most| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err(BreakerConfigError::OutOfRange { what, value, least, most }),
        };
        match config.trip {
            Trip::Consecutive(failures) => within("failures in a row", failures, 1, u32::MAX)?,
            Trip::Rate { percent, calls } => {
                within("failure rate in per cent", percent.into(), 1, 100)?;
                within("number of calls", calls.into(), 1, 64)?;
            }
        }
        within("number of probes", config.probes, 1, u32::MAX)?;
        let spans = [("open time", config.open_for), ("time for probes", config.probe_within)];
        match spans.iter().find(|(_, span)| span.is_zero()) {
            Some((what, _)) => Err(BreakerConfigError::NoSpan { what }),
            None => Ok(Self { config, state: CLOSED, epoch: 0, openings: 0 }),
        }
    }

    /// Asks for a call.
    ///
    /// # Errors
    /// When to ask again, if no call may pass now.
    #[inline]
    pub fn enter(&mut self, at: Timestamp) -> Result<Ticket, Timestamp> {
        match &mut self.state {
            State::Closed { .. } => Ok(Ticket(self.epoch)),
            State::Open { .. } | State::HalfOpen { .. } => self.probe(at),
        }
    }

    #[cold]
    fn probe(&mut self, at: Timestamp) -> Result<Ticket, Timestamp> {
        self.on_time(at);
        let DependencyBreakerConfig { probes, probe_within, .. } = self.config;
        match &mut self.state {
            State::Closed { .. } => Ok(Ticket(self.epoch)),
            State::Open { until } if at < *until => Err(*until),
            State::Open { .. } => {
                self.change(State::HalfOpen { since: at, sent: 1, succeeded: 0 });
                Ok(Ticket(self.epoch))
            }
            State::HalfOpen { sent, .. } if *sent < probes => {
                *sent += 1;
                Ok(Ticket(self.epoch))
            }
            State::HalfOpen { since, .. } => Err(since.after(probe_within)),
        }
    }

    /// Hands in how a call went. Answers to calls of a former state say nothing of this one.
    #[inline]
    pub fn leave(&mut self, at: Timestamp, ticket: Ticket, outcome: CallOutcome) {
        if ticket.0 != self.epoch {
            return;
        }
        let is_failure = outcome == CallOutcome::Failure;
        match (&mut self.state, outcome) {
            (State::Closed { outcomes, seen, streak }, _) => {
                *outcomes = *outcomes << 1 | u64::from(is_failure);
                *seen = seen.saturating_add(1).min(64);
                *streak = if is_failure { streak.saturating_add(1) } else { 0 };
                let has_tripped = match self.config.trip {
                    Trip::Consecutive(most) => *streak >= most,
                    Trip::Rate { percent, calls } => {
                        *seen >= calls && share_reached(*outcomes, calls, percent)
                    }
                };
                if has_tripped && is_failure {
                    self.open(at);
                }
            }
            // No call of this epoch was let through.
            (State::Open { .. }, _) => {}
            (State::HalfOpen { .. }, CallOutcome::Failure) => self.open(at),
            (State::HalfOpen { succeeded, .. }, CallOutcome::Success) => {
                *succeeded += 1;
                if *succeeded >= self.config.probes {
                    self.openings = 0;
                    self.change(CLOSED);
                }
            }
        }
    }

    /// Gives up a probing that takes too long. [`DependencyBreaker::enter`] does the same; this
    /// is for whoever wants to see the phase change without a call.
    pub fn on_time(&mut self, at: Timestamp) {
        if let State::HalfOpen { since, .. } = self.state
            && at >= since.after(self.config.probe_within)
        {
            self.open(at);
        }
    }

    /// Closes it: a person knows that the dependency is back.
    pub fn reset(&mut self) {
        self.openings = 0;
        self.change(CLOSED);
    }

    /// Where it stands.
    pub const fn phase(&self) -> BreakerPhase {
        match self.state {
            State::Closed { .. } => BreakerPhase::Closed,
            State::Open { until } => BreakerPhase::Open(until),
            State::HalfOpen { .. } => BreakerPhase::HalfOpen,
        }
    }

    /// How often it has opened since it was last closed.
    pub const fn openings(&self) -> u32 {
        self.openings
    }

    #[cold]
    fn open(&mut self, at: Timestamp) {
        let factor = 1_u32.checked_shl(self.openings).unwrap_or(u32::MAX);
        let span = self.config.open_for.saturating_mul(factor);
        self.openings = self.openings.saturating_add(1);
        let longest = self.config.longest_open.max(self.config.open_for);
        self.change(State::Open { until: at.after(span.min(longest)) });
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.epoch = self.epoch.wrapping_add(1);
    }
}

/// True when failures make up the share among the last `calls` outcomes.
#[inline]
fn share_reached(outcomes: u64, calls: u8, percent: u8) -> bool {
    let mask = u64::MAX >> (64 - u32::from(calls.clamp(1, 64)));
    let failures = (outcomes & mask).count_ones();
    failures * 100 >= u32::from(percent) * u32::from(calls)
}
