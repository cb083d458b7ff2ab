//! Limits that are changed while the engine runs: who, from what, to what, until when.

use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::metrics::MetricsSink;
use crate::risk::{RiskConfigError, set_in_all};
use crate::types::{Label, LimitChange, LimitKey, OrderId, Record, Timestamp, exact};

use super::desk::{Desk, alert};
use super::{AlertLevel, Command, EngineError};

/// Changed limits that are kept.
const MOST: usize = 1_024;

/// How long to wait with what has no known time.
pub(super) const PACE: Duration = Duration::from_secs(1);

/// The limits that differ from how the engine was built.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LimitBook {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    key: LimitKey,
    /// What holds without a temporary change.
    #[serde(with = "exact")]
    base: Decimal,
    /// True when the base is not the value that the engine was built with.
    is_changed: bool,
    temporary: Option<Temporary>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Temporary {
    #[serde(with = "exact")]
    value: Decimal,
    until: Timestamp,
    actor: Label,
}

impl LimitBook {
    fn note(&mut self, change: &LimitChange, before: Decimal) {
        let found = self.entries.iter().position(|entry| entry.key == change.key);
        let index = found.unwrap_or_else(|| {
            let (key, temporary) = (change.key, None);
            self.entries.push(Entry { key, base: before, is_changed: false, temporary });
            self.entries.len() - 1
        });
        let Some(entry) = self.entries.get_mut(index) else { return };
        let (value, actor) = (change.value, change.actor);
        match change.until {
            Some(until) => entry.temporary = Some(Temporary { value, until, actor }),
            None => (entry.base, entry.is_changed, entry.temporary) = (value, true, None),
        }
    }

    fn has_room_for(&self, key: &LimitKey) -> bool {
        self.entries.len() < MOST || self.entries.iter().any(|entry| entry.key == *key)
    }

    /// When the next temporary change ends.
    fn next_end(&self) -> Option<Timestamp> {
        let ends = self.entries.iter().filter_map(|entry| entry.temporary);
        ends.map(|temporary| temporary.until).min()
    }

    /// Takes a temporary change that is over out of the book.
    fn pop_ended(&mut self, at: Timestamp) -> Option<(LimitKey, Decimal, Label)> {
        let is_over = |entry: &Entry| entry.temporary.is_some_and(|it| it.until <= at);
        let index = self.entries.iter().position(is_over)?;
        let entry = self.entries.get_mut(index)?;
        let ended = entry.temporary.take()?;
        let (key, base) = (entry.key, entry.base);
        if !entry.is_changed {
            self.entries.remove(index);
        }
        Some((key, base, ended.actor))
    }

    /// What holds now.
    fn in_force(&self) -> impl Iterator<Item = (LimitKey, Decimal)> {
        let value = |entry: &Entry| entry.temporary.map_or(entry.base, |it| it.value);
        self.entries.iter().map(move |entry| (entry.key, value(entry)))
    }
}

impl<M: MetricsSink> Desk<M> {
    /// Changes a limit, for good or until a time.
    pub(super) fn change_limit(
        &mut self,
        at: Timestamp,
        change: &LimitChange,
    ) -> Result<(), EngineError> {
        let key = change.key;
        if let Some(until) = change.until
            && until <= at
        {
            return Err(EngineError::OverrideOver { until });
        }
        if !self.limits.has_room_for(&key) {
            return Err(RiskConfigError::TooMany { what: "changed limits", most: MOST }.into());
        }
        let before = self.set_limit(&key, change.value)?;
        let before = before.ok_or(EngineError::UnknownLimit { key })?;
        self.limits.note(change, before);
        self.sink.record(at, &Record::LimitChanged { change, before, after: change.value });
        self.plan_chores(at);
        Ok(())
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        self.touch_risk();
        let Self { risk, gates, .. } = self;
        set_in_all(gates.len() + 1, value, |part, value| match part.checked_sub(1) {
            None => risk.set_limit(key, value),
            Some(gate) => gates[gate].set_limit(key, value),
        })
    }

    /// After a restart: the limits as they had been changed.
    pub(super) fn apply_limits(&mut self) -> Result<(), RiskConfigError> {
        let in_force: Vec<(LimitKey, Decimal)> = self.limits.in_force().collect();
        in_force.into_iter().try_for_each(|(key, value)| self.set_limit(&key, value).map(drop))
    }

    /// What was put off and is due: temporary limits end, waiting cancels leave, slices of
    /// parent orders too.
    #[cold]
    #[inline(never)]
    pub(super) fn chores(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        while let Some((key, base, actor)) = self.limits.pop_ended(at) {
            match self.set_limit(&key, base) {
                Ok(before) => {
                    let change = LimitChange { key, value: base, until: None, actor };
                    let before = before.unwrap_or(base);
                    let record = Record::LimitChanged { change: &change, before, after: base };
                    self.sink.record(at, &record);
                }
                // Another limit was changed since, and the two do not go together.
                Err(_) => out.push(alert(AlertLevel::Error, "limit_stays", key.name.as_str())),
            }
        }
        let waiting: Vec<OrderId> = core::mem::take(&mut self.waiting);
        for order in waiting {
            self.cancel(at, order, out);
        }
        if !self.executions.is_empty() {
            self.step_executions(at, |_| true, out);
        }
        self.plan_chores(at);
    }

    /// A cancel that cannot leave now is tried again later.
    pub(super) fn wait_with(&mut self, at: Timestamp, order: OrderId) {
        if !self.waiting.contains(&order) {
            self.waiting.push(order);
        }
        self.plan_chores(at);
    }

    /// The venue has refused to cancel an order, whose end may be on its way: whoever wants it
    /// cancelled again waits, so that engine and venue do not turn in circles at one instant.
    #[cold]
    pub(super) fn note_refused_cancel(&mut self, at: Timestamp, order: OrderId) {
        self.refused.retain(|(other, until)| *other != order && at < *until);
        self.refused.push((order, at.after(PACE)));
    }

    /// When the venue may be asked again to cancel an order; `None` for now.
    pub(super) fn refused_until(&self, at: Timestamp, order: OrderId) -> Option<Timestamp> {
        let found = self.refused.iter().find(|(refused, _)| *refused == order);
        found.map(|(_, until)| *until).filter(|until| at < *until)
    }

    /// Sets the time of the next chore.
    pub(super) fn plan_chores(&mut self, at: Timestamp) {
        let mut next = self.limits.next_end().unwrap_or(Timestamp::MAX);
        if !self.waiting.is_empty() {
            let facts = self.facts(at, crate::types::SlotId::HOUSE);
            let free = self.gates.iter().filter_map(|gate| gate.free_at(&facts)).max();
            let pauses = self.waiting.iter().map(|order| self.refused_until(at, *order));
            let pause = pauses.min().flatten();
            next = next.min(free.or(pause).unwrap_or_else(|| at.after(PACE)));
        }
        let pause = self.pauses.next_end_after(at);
        for until in [pause, self.executions.deadline(at)].into_iter().flatten() {
            next = next.min(until);
        }
        // Later than now, so that a timer that serves it always gets on.
        self.chore_at = next.max(at.after(Duration::from_nanos(1)));
    }
}
