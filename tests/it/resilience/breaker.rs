use core::time::Duration;
use std::collections::BTreeSet;

use proptest::prelude::*;
use tradewright::resilience::{
    BreakerConfigError, BreakerPhase, CallOutcome, DependencyBreaker, DependencyBreakerConfig,
    Ticket, Trip,
};
use tradewright::types::{Classification, ErrorCategory, RetryAdvice, Severity, Timestamp};

use super::at;

const SECOND: Duration = Duration::from_secs(1);

/// The same breaker, written as the documentation tells it: from the list of all that happened.
struct Model {
    config: DependencyBreakerConfig,
    /// What failed, of the calls since it was last closed.
    outcomes: Vec<bool>,
    opened: Vec<Timestamp>,
    open_until: Option<Timestamp>,
    probing_since: Option<Timestamp>,
    probes: (u32, u32),
    era: u32,
}

impl Model {
    fn new(config: DependencyBreakerConfig) -> Self {
        Self {
            config,
            outcomes: Vec::new(),
            opened: Vec::new(),
            open_until: None,
            probing_since: None,
            probes: (0, 0),
            era: 0,
        }
    }

    fn open(&mut self, at: Timestamp) {
        let mut span = self.config.open_for;
        for _ in &self.opened {
            span = span.saturating_mul(2).min(self.config.longest_open.max(self.config.open_for));
        }
        self.opened.push(at);
        self.open_until = Some(at.after(span));
        self.probing_since = None;
        self.era += 1;
    }

    fn enter(&mut self, at: Timestamp) -> Result<u32, Timestamp> {
        if let Some(since) = self.probing_since
            && at >= since.after(self.config.probe_within)
        {
            self.open(at);
        }
        if let Some(until) = self.open_until {
            if at < until {
                return Err(until);
            }
            (self.open_until, self.probing_since, self.probes) = (None, Some(at), (0, 0));
            self.era += 1;
        }
        if let Some(since) = self.probing_since {
            if self.probes.0 == self.config.probes {
                return Err(since.after(self.config.probe_within));
            }
            self.probes.0 += 1;
        }
        Ok(self.era)
    }

    fn leave(&mut self, at: Timestamp, era: u32, failed: bool) {
        if era != self.era || self.open_until.is_some() {
            return;
        }
        if self.probing_since.is_some() {
            self.probes.1 += u32::from(!failed);
            if failed {
                self.open(at);
            } else if self.probes.1 == self.config.probes {
                (self.probing_since, self.era) = (None, self.era + 1);
                self.outcomes.clear();
                self.opened.clear();
            }
            return;
        }
        self.outcomes.push(failed);
        let trips = match self.config.trip {
            Trip::Consecutive(most) => {
                let streak = self.outcomes.iter().rev().take_while(|failed| **failed).count();
                streak >= most as usize
            }
            Trip::Rate { percent, calls } => {
                let calls = usize::from(calls);
                let last = &self.outcomes[self.outcomes.len().saturating_sub(calls)..];
                let failures = last.iter().filter(|failed| **failed).count();
                last.len() == calls && failures * 100 >= usize::from(percent) * calls
            }
        };
        if failed && trips {
            self.open(at);
            self.outcomes.clear();
        }
    }
}

fn configs() -> impl Strategy<Value = DependencyBreakerConfig> {
    let trips = prop_oneof![
        (1_u32..5).prop_map(Trip::Consecutive),
        (1_u8..=100, 1_u8..=12).prop_map(|(percent, calls)| Trip::Rate { percent, calls }),
    ];
    (trips, 1_u64..5, 1_u64..20, 1_u32..4, 1_u64..6).prop_map(
        |(trip, open, longest, probes, within)| DependencyBreakerConfig {
            trip,
            open_for: SECOND * open as u32,
            longest_open: SECOND * longest as u32,
            probes,
            probe_within: SECOND * within as u32,
        },
    )
}

proptest! {
    /// Whatever calls are made and answered, late, twice or never, it does what the model does.
    #[test]
    fn it_is_the_breaker_of_its_documentation(
        config in configs(),
        steps in prop::collection::vec(
            (0_i64..3_000, 0_u8..5, any::<prop::sample::Index>()), 1..200,
        ),
    ) {
        let mut breaker = DependencyBreaker::new(config).unwrap();
        let mut model = Model::new(config);
        let mut calls: Vec<(Ticket, u32)> = Vec::new();
        let mut now = 0;
        for (pause, what, which) in steps {
            now += pause;
            match what {
                0 | 1 => match (breaker.enter(at(now)), model.enter(at(now))) {
                    (Ok(ticket), Ok(era)) => calls.push((ticket, era)),
                    (left, right) => prop_assert_eq!(left.err(), right.err()),
                },
                _ if calls.is_empty() => {}
                _ => {
                    let (ticket, era) = calls[which.index(calls.len())];
                    let failed = what != 2;
                    let outcome = match failed {
                        true => CallOutcome::Failure,
                        false => CallOutcome::Success,
                    };
                    breaker.leave(at(now), ticket, outcome);
                    model.leave(at(now), era, failed);
                }
            }
            let phase = match (model.open_until, model.probing_since) {
                (Some(until), _) => BreakerPhase::Open(until),
                (None, Some(_)) => BreakerPhase::HalfOpen,
                (None, None) => BreakerPhase::Closed,
            };
            prop_assert_eq!(breaker.phase(), phase);
        }
    }
}

/// While it is open nothing passes, and no more probes than are configured.
#[test]
fn a_dead_dependency_is_asked_ever_more_rarely() {
    let mut breaker = DependencyBreaker::new(DependencyBreakerConfig::default()).unwrap();
    let mut asked = BTreeSet::new();
    for second in 0..3_600 {
        let now = at(second * 1_000);
        if let Ok(ticket) = breaker.enter(now) {
            asked.insert(second);
            assert!(breaker.enter(now).is_err() || asked.len() < 6, "one probe at a time");
            breaker.leave(now, ticket, CallOutcome::Failure);
        }
    }
    // Five in a row, then after 10, 20, 40, 80, 160 and at last 300 seconds each.
    let first: Vec<i64> = asked.iter().copied().take(11).collect();
    assert_eq!(first, [0, 1, 2, 3, 4, 14, 34, 74, 154, 314, 614]);
    assert_eq!(asked.len(), 20);
    breaker.reset();
    assert_eq!((breaker.phase(), breaker.openings()), (BreakerPhase::Closed, 0));
}

#[test]
fn refusals_say_nothing_against_whoever_refuses() {
    let of = |error: &Classification| CallOutcome::of(error);
    assert_eq!(of(&Classification::INPUT), CallOutcome::Success);
    assert_eq!(of(&Classification::STORED), CallOutcome::Failure);
    let api = Classification::new(ErrorCategory::Api, Severity::Low);
    assert_eq!(of(&api), CallOutcome::Success);
    assert_eq!(of(&api.retry(RetryAdvice::Backoff)), CallOutcome::Failure);
    assert_eq!(of(&api.retry(RetryAdvice::LookUp)), CallOutcome::Failure);
}

#[test]
fn senseless_settings_are_refused() {
    let with = |trip, probes| {
        DependencyBreaker::new(DependencyBreakerConfig {
            trip,
            probes,
            ..DependencyBreakerConfig::default()
        })
    };
    let text = |trip, probes| with(trip, probes).unwrap_err().to_string();
    assert_eq!(
        text(Trip::Rate { percent: 50, calls: 65 }, 1),
        "the breaker's number of calls is 65, allowed are 1 to 64"
    );
    assert!(text(Trip::Rate { percent: 0, calls: 9 }, 1).contains("rate"));
    assert!(text(Trip::Consecutive(0), 1).contains("in a row"));
    assert!(text(Trip::Consecutive(1), 0).contains("probes"));
    let config = DependencyBreakerConfig { open_for: Duration::ZERO, ..Default::default() };
    let refused = DependencyBreaker::new(config);
    assert_eq!(refused, Err(BreakerConfigError::NoSpan { what: "open time" }));
}
