use core::time::Duration;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AuditEntry, AuditEvent, AuditFault};
use crate::types::{OrderId, OrderStatus, Timestamp};

/// What happened within a period, from the entries of an audit log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditReport {
    /// Entries in the period.
    pub entries: u64,
    /// Orders that left.
    pub placed: u64,
    /// Orders that ended, by their last status.
    pub outcomes: BTreeMap<OrderStatus, u64>,
    /// Fills that were booked.
    pub fills: u64,
    /// Refusals, by the code of their reason.
    pub refusals: BTreeMap<String, u64>,
    /// Halts that began.
    pub halts: u64,
    /// Limits that were changed.
    pub limit_changes: u64,
    /// What must not be, with the number of its entry.
    pub violations: Vec<(u64, AuditFault)>,
    /// Orders that lived unusually long, were long without an answer, or still live at the end
    /// of the period and have done so for too long.
    pub unusual: Vec<Lifetime>,
}

/// An order's life in the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetime {
    /// Which.
    pub order: OrderId,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// How long it waited for the venue's first word.
    pub unanswered: Duration,
    /// How long it lived, until its end or the end of the period.
    pub lived: Duration,
    /// Its last status.
    pub status: OrderStatus,
}

/// What is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifetimeBounds {
    /// The longest usual wait for the venue's first word.
    pub unanswered: Duration,
    /// The longest usual life.
    pub lived: Duration,
}

impl Default for LifetimeBounds {
    /// Ten seconds to an answer, which is longer than any venue needs while it is well, and a
    /// day of life, after which a forgotten order has become a danger.
    fn default() -> Self {
        Self { unanswered: Duration::from_secs(10), lived: Duration::from_secs(86_400) }
    }
}

impl AuditReport {
    /// Reports on the entries of `[from, to)`; orders that were placed before are left out of
    /// lifetimes.
    pub fn over<'a>(
        entries: impl IntoIterator<Item = &'a AuditEntry>,
        (from, to): (Timestamp, Timestamp),
        bounds: LifetimeBounds,
    ) -> Self {
        let mut report = Self::default();
        let mut lives: BTreeMap<OrderId, Life> = BTreeMap::new();
        for entry in entries.into_iter().filter(|entry| from <= entry.at && entry.at < to) {
            report.count(entry);
            match &entry.event {
                AuditEvent::Placed(order) => {
                    let status = OrderStatus::Pending;
                    let life = Life { placed: entry.at, answered: None, ended: None, status };
                    lives.insert(order.id, life);
                }
                AuditEvent::Transition { order, to, .. } => {
                    if let Some(life) = lives.get_mut(order) {
                        life.status = *to;
                        life.answered.get_or_insert(entry.at);
                        if to.is_terminal() {
                            life.ended.get_or_insert(entry.at);
                        }
                    }
                }
                _ => {}
            }
        }
        for (order, life) in lives {
            let lifetime = life.at(order, to);
            if lifetime.lived > bounds.lived || lifetime.unanswered > bounds.unanswered {
                report.unusual.push(lifetime);
            }
        }
        report
    }

    fn count(&mut self, entry: &AuditEntry) {
        self.entries += 1;
        match &entry.event {
            AuditEvent::Placed(_) => self.placed += 1,
            AuditEvent::Transition { to, .. } if to.is_terminal() => {
                *self.outcomes.entry(*to).or_default() += 1;
            }
            AuditEvent::Filled(..) => self.fills += 1,
            AuditEvent::Refused { .. } => {
                let code = entry.reason.map(|reason| reason.code.as_str().to_owned());
                *self.refusals.entry(code.unwrap_or_default()).or_default() += 1;
            }
            AuditEvent::Halted(_, _, crate::types::HaltStep::Began) => self.halts += 1,
            AuditEvent::LimitChanged(_) => self.limit_changes += 1,
            _ => {}
        }
        let faults = entry.faults.iter().map(|fault| (entry.sequence, *fault));
        self.violations.extend(faults);
    }
}

struct Life {
    placed: Timestamp,
    answered: Option<Timestamp>,
    ended: Option<Timestamp>,
    status: OrderStatus,
}

impl Life {
    fn at(&self, order: OrderId, end: Timestamp) -> Lifetime {
        Lifetime {
            order,
            placed_at: self.placed,
            unanswered: self.answered.unwrap_or(end).since(self.placed),
            lived: self.ended.unwrap_or(end).since(self.placed),
            status: self.status,
        }
    }
}
