//! A monitor is restored only from what events can have made.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::PerformanceMonitor;
use super::groups::GroupSums;
use super::performance::MOST_PENDING;
use crate::types::Timestamp;

impl Serialize for PerformanceMonitor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for PerformanceMonitor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = Self::deserialize(deserializer)?;
        if let Some(fault) = found.fault() {
            return Err(de::Error::custom(fault));
        }
        found.hours.reserve();
        found.days.reserve();
        found.months.reserve();
        Ok(found)
    }
}

impl PerformanceMonitor {
    /// Why it cannot have come from events.
    fn fault(&self) -> Option<&'static str> {
        let groups = self.config.groups;
        if self.config.check().is_err() || self.clock.days() != self.config.days {
            return Some("the configuration is out of range");
        }
        let rooms = [self.samples.capacity(), self.trades.capacity()];
        if rooms != [self.config.samples, self.config.trades] || self.pending.len() > MOST_PENDING {
            return Some("a history has other room than configured");
        }
        if self.samples.next() != self.running.periods()
            || self.trades.next() != self.running.trades.closed()
            || self.whole.trades != self.running.trades
        {
            return Some("histories and sums do not belong together");
        }
        let numbers = [self.initial, self.equity, self.factor, self.base.1];
        if numbers.iter().any(|it| !it.is_finite()) || !(self.factor > 0.0) {
            return Some("a number is not finite");
        }
        if !self.are_kept_sound() {
            return Some("a kept sample or trade is not in order");
        }
        if self.open.is_some() != self.is_marked || self.exposure.is_broken() {
            return Some("there are marks without a sample");
        }
        if self.is_marked && self.start.is_none() {
            return Some("there are marks without a start");
        }
        (self.running.fault())
            .or_else(|| self.marks.fault())
            .or_else(|| self.whole.fault())
            .or_else(|| self.by_strategy.fault(groups, GroupSums::fault))
            .or_else(|| self.by_symbol.fault(groups, GroupSums::fault))
            .or_else(|| self.by_tag.fault(groups, GroupSums::fault))
            .or_else(|| self.hours.fault(self.config.hours_kept))
            .or_else(|| self.days.fault(self.config.days_kept))
            .or_else(|| self.months.fault(self.config.months_kept))
    }

    fn are_kept_sound(&self) -> bool {
        let open = self.open.iter().map(|open| &open.sample);
        let mut last = Timestamp::from_nanos(i64::MIN);
        let are_samples = self.samples.iter().chain(open).all(|sample| {
            let is_later = sample.at >= last && sample.at <= self.now;
            last = sample.at;
            is_later && sample.equity.is_finite() && sample.level.is_finite()
        });
        are_samples && self.trades.iter().all(|trade| trade.net.is_finite())
    }
}
