use crate::risk::{BreakerLimits, TripReason};

const HOUR_S: i64 = 3_600;

/// One thing that a circuit breaker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerStep {
    /// A trade was closed with this sign of its net result.
    Trade(i64),
    /// An entry was filled.
    Entry,
    /// An operator trips it.
    Trip,
    /// An operator resets it.
    Reset,
    /// An operator overrides it for so many seconds.
    Override(i64),
}

/// A circuit breaker as lists of everything that ever happened, scanned anew for every question.
/// Times are whole seconds.
#[derive(Clone, Debug)]
pub struct NaiveBreaker {
    /// Its limits.
    pub limits: BreakerLimits,
    /// When entries were filled.
    pub entries: Vec<i64>,
    /// When and why it tripped.
    pub trips: Vec<(i64, TripReason)>,
    /// End of the cooldown, until it is over or reset.
    pub until: Option<i64>,
    /// Losses in a row.
    pub losses: u32,
    /// End of the operator's override.
    pub override_until: i64,
    /// The latest time that it was told; time never goes back.
    pub latest: i64,
}

impl NaiveBreaker {
    /// A breaker that knows nothing.
    pub const fn new(limits: BreakerLimits) -> Self {
        Self {
            limits,
            entries: Vec::new(),
            trips: Vec::new(),
            until: None,
            losses: 0,
            override_until: i64::MIN,
            latest: 0,
        }
    }

    /// Entries within the hour that ends now; one that is exactly an hour old is out.
    pub fn count(&self, now: i64) -> usize {
        self.entries.iter().filter(|entry| **entry > now - HOUR_S && **entry <= now).count()
    }

    /// Whether a cooldown runs.
    pub fn is_tripped(&self, now: i64) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Whether an entry may be made.
    pub fn allowed(&self, at: i64) -> bool {
        let now = at.max(self.latest);
        let rate = self.limits.max_trades_per_hour as usize;
        now < self.override_until || (!self.is_tripped(now) && self.count(now) < rate)
    }

    /// Takes a step.
    pub fn apply(&mut self, at: i64, step: BreakerStep) {
        let now = at.max(self.latest);
        self.latest = now;
        if self.until.is_some() && !self.is_tripped(now) {
            self.until = None;
            self.losses = 0;
        }
        match step {
            BreakerStep::Trade(0) => {}
            BreakerStep::Trade(1..) => self.losses = 0,
            BreakerStep::Trade(_) => {
                self.losses += 1;
                if self.losses == self.limits.max_consecutive_losses {
                    self.trip(now, TripReason::Losses);
                }
            }
            BreakerStep::Entry => {
                let before = self.count(now);
                self.entries.push(now);
                let rate = self.limits.max_trades_per_hour as usize;
                if before < rate && self.count(now) >= rate {
                    self.trip(now, TripReason::TradeRate);
                }
            }
            BreakerStep::Trip => self.trip(now, TripReason::Manual),
            BreakerStep::Reset => {
                (self.until, self.losses, self.override_until) = (None, 0, i64::MIN);
            }
            BreakerStep::Override(span) => self.override_until = now + span,
        }
    }

    fn trip(&mut self, now: i64, reason: TripReason) {
        let end = now.saturating_add_unsigned(self.limits.cooldown.as_secs());
        self.until = Some(self.until.unwrap_or(end).max(end));
        self.trips.push((now, reason));
    }
}
