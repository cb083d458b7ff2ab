use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::{Fact, FactKinds, Guard, Limit, RiskConfigError, gate::seconds, limits};
use crate::types::{
    Facts, Halt, HaltCause, HaltScope, LimitKey, Reason, ReasonCode, State, StateError, Timestamp,
};

/// The dead-man timer: while the host's heartbeat is late, resting entries are cancelled and
/// nothing is opened.
///
/// The host sends a heartbeat while it is connected to its venue and its operators. A heartbeat
/// that is exactly the limit old is late. Before the first one nothing is opened, either: a
/// host that never says it is there is not there. The next heartbeat ends it, so a host that
/// was away reconciles before it says that it is back. Reducing orders are free.
///
/// It wants [`HaltCause::Disconnected`] for the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadManGuard {
    most: Duration,
    last: Option<Timestamp>,
    is_late: bool,
}

impl DeadManGuard {
    /// The name of its limit for changes at run time, in seconds.
    pub const LIMIT: &'static str = "heartbeat_s";

    /// A heartbeat must come within this span of the one before.
    ///
    /// # Errors
    /// [`RiskConfigError::NoSpan`] for zero.
    pub fn new(most: Duration) -> Result<Self, RiskConfigError> {
        Ok(Self { most: limits::span(Self::LIMIT, most)?, last: None, is_late: false })
    }

    fn is_late(&self, at: Timestamp) -> bool {
        self.last.is_some_and(|last| at.since(last) >= self.most)
    }
}

impl Guard for DeadManGuard {
    fn name(&self) -> &'static str {
        "dead_man"
    }

    fn watch(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) -> Option<Halt> {
        if matches!(fact, Fact::Heartbeat) {
            self.last = Some(facts.at);
        }
        self.is_late = self.is_late(facts.at);
        self.is_late.then(|| Halt::new(HaltCause::Disconnected, HaltScope::Account))
    }

    /// A limit that was changed may end its lateness with any fact.
    fn wants(&self) -> FactKinds {
        if self.is_late { FactKinds::ALL } else { FactKinds::HEARTBEAT }
    }

    fn verdict(&self, facts: &Facts<'_>) -> Limit {
        let age = self.last.map_or(f64::NAN, |last| seconds(facts.at.since(last)));
        let reason = Reason::new(ReasonCode::Disconnected, seconds(self.most), age);
        if self.last.is_some() && !self.is_late(facts.at) {
            Limit::Allow(Some(reason))
        } else {
            Limit::Deny(reason)
        }
    }

    fn release(&mut self, _cause: HaltCause, _facts: &Facts<'_>) {}

    fn is_timed(&self) -> bool {
        true
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.last.filter(|_| !self.is_late).map(|last| last.after(self.most))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all(Self::LIMIT) {
            return Ok(None);
        }
        limits::set_span(Self::LIMIT, &mut self.most, value).map(Some)
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    last: Option<Timestamp>,
    is_late: bool,
}

/// The last heartbeat is its state; the limit is configuration.
impl State for DeadManGuard {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        State::save(&Saved { last: self.last, is_late: self.is_late })
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved = Saved { last: None, is_late: false };
        State::restore(&mut saved, state)?;
        if saved.is_late && saved.last.is_none() {
            return Err(StateError::Unreadable("late before the first heartbeat".to_owned()));
        }
        self.last = saved.last;
        self.is_late = saved.is_late;
        Ok(())
    }
}
