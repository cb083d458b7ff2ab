use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::{Label, Timestamp, exact};

/// How a part of the system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// It does what it should.
    Healthy,
    /// It works, but not as it should.
    Degraded,
    /// It does not work, or has not been heard of for too long.
    Unhealthy,
}

/// The health of the system as the host tells it: statuses of components and plain numbers.
///
/// The library measures nothing itself: it reads no clock and knows no connection. A component
/// that has not reported for longer than the greatest age counts as unhealthy, so that a check
/// which has died is not taken for a good one.
///
/// ```
/// use core::time::Duration;
/// use tradewright::monitor::{HealthStatus, SystemHealth};
/// use tradewright::types::Timestamp;
///
/// let at = |secs| Timestamp::from_secs(secs).unwrap();
/// let mut health = SystemHealth::new(Duration::from_secs(30));
/// health.report(at(0), "binance.socket", HealthStatus::Healthy, "");
/// health.gauge(at(0), "queue_depth", 3.0);
/// assert_eq!(health.snapshot(at(30)).status, HealthStatus::Healthy);
/// assert_eq!(health.snapshot(at(31)).status, HealthStatus::Unhealthy);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct SystemHealth {
    max_age: Duration,
    components: Vec<ComponentHealth>,
    gauges: Vec<Gauge>,
    refused: u64,
}

/// The last word of one component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentHealth {
    /// Which.
    pub name: Label,
    /// How it is.
    pub status: HealthStatus,
    /// In a few words; empty when there is nothing to say.
    pub detail: String,
    /// When it said so.
    pub at: Timestamp,
    /// It has said nothing for too long; its status is unhealthy then.
    pub is_stale: bool,
}

/// A number that the host measures: a depth, a latency in `_ms`, a size in `_bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gauge {
    /// Its name, the unit last.
    pub name: Label,
    /// The number; NaN when it could not be measured.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub value: f64,
    /// When it was measured.
    pub at: Timestamp,
}

/// Health at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthSnapshot {
    /// The worst of all components; healthy without any.
    pub status: HealthStatus,
    /// All components, in the order in which they first reported.
    pub components: Vec<ComponentHealth>,
    /// All numbers, in the order in which they were first measured.
    pub gauges: Vec<Gauge>,
    /// Reports that found no room: 256 components and as many numbers are kept.
    pub refused: u64,
}

const MOST_NAMES: usize = 256;

/// Characters of a detail that are kept.
const LONGEST_DETAIL: usize = 200;

impl Default for SystemHealth {
    /// A component may be silent for a minute.
    fn default() -> Self {
        Self::new(Duration::from_secs(60))
    }
}

impl SystemHealth {
    /// Health without any component; one that is silent for longer than `max_age` counts as
    /// unhealthy.
    pub const fn new(max_age: Duration) -> Self {
        Self { max_age, components: Vec::new(), gauges: Vec::new(), refused: 0 }
    }

    /// A component says how it is, with a detail of up to 200 characters.
    pub fn report(&mut self, at: Timestamp, name: &str, status: HealthStatus, detail: &str) {
        let name = Label::new(name);
        let detail: String = detail.chars().take(LONGEST_DETAIL).collect();
        let component = ComponentHealth { name, status, detail, at, is_stale: false };
        let has_room = self.components.len() < MOST_NAMES;
        match self.components.iter_mut().find(|known| known.name == name) {
            Some(known) => *known = component,
            None if has_room => self.components.push(component),
            None => self.refused = self.refused.saturating_add(1),
        }
    }

    /// A number was measured.
    pub fn gauge(&mut self, at: Timestamp, name: &str, value: f64) {
        let gauge = Gauge { name: Label::new(name), value, at };
        let has_room = self.gauges.len() < MOST_NAMES;
        match self.gauges.iter_mut().find(|known| known.name == gauge.name) {
            Some(known) => *known = gauge,
            None if has_room => self.gauges.push(gauge),
            None => self.refused = self.refused.saturating_add(1),
        }
    }

    /// A component is gone for good; false when it was not known.
    pub fn forget(&mut self, name: &str) -> bool {
        let before = self.components.len();
        self.components.retain(|known| known.name != Label::new(name));
        self.components.len() < before
    }

    /// Health at `at`.
    pub fn snapshot(&self, at: Timestamp) -> HealthSnapshot {
        let seen = |component: &ComponentHealth| {
            let is_stale = at.since(component.at) > self.max_age;
            let status = if is_stale { HealthStatus::Unhealthy } else { component.status };
            ComponentHealth { status, is_stale, ..component.clone() }
        };
        let components: Vec<ComponentHealth> = self.components.iter().map(seen).collect();
        let worst = components.iter().map(|component| component.status).max();
        HealthSnapshot {
            status: worst.unwrap_or(HealthStatus::Healthy),
            components,
            gauges: self.gauges.clone(),
            refused: self.refused,
        }
    }
}

#[derive(Deserialize)]
struct Saved {
    max_age: Duration,
    components: Vec<ComponentHealth>,
    gauges: Vec<Gauge>,
    refused: u64,
}

impl TryFrom<Saved> for SystemHealth {
    type Error = &'static str;

    fn try_from(saved: Saved) -> Result<Self, Self::Error> {
        let Saved { max_age, components, gauges, refused } = saved;
        if components.len() > MOST_NAMES || gauges.len() > MOST_NAMES {
            return Err("more components than are kept");
        }
        let are_once = |mut names: Vec<Label>| {
            names.sort_unstable();
            names.iter().zip(names.iter().skip(1)).all(|(one, next)| one != next)
        };
        if !are_once(components.iter().map(|component| component.name).collect())
            || !are_once(gauges.iter().map(|gauge| gauge.name).collect())
        {
            return Err("a component is there twice");
        }
        Ok(Self { max_age, components, gauges, refused })
    }
}
