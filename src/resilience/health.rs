use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::monitor::{ComponentHealth, HealthStatus};
use crate::types::{Label, OperatingMode, Timestamp};

/// Watches the parts of a system by what they do: last success, latency, failures in a row.
///
/// A component is unhealthy after several failures in a row, or when it has not succeeded for
/// too long; it is degraded after one failure or when it is slow. A component that has never
/// succeeded is unhealthy, so that a system is not ready before everything has worked once.
///
/// ```
/// use std::time::Duration;
/// use tradewright::monitor::HealthStatus;
/// use tradewright::resilience::{ComponentRole, HealthBoard, HealthBoardConfig};
/// use tradewright::types::{Label, OperatingMode, Timestamp};
///
/// let at = |seconds: i64| Timestamp::from_secs(1_700_000_000 + seconds).unwrap();
/// let mut board = HealthBoard::new(HealthBoardConfig::default());
/// let orders = Label::new("orders");
/// board.add(orders, ComponentRole::Essential);
/// assert!(!board.verdict(at(0), OperatingMode::Normal).is_ready);
///
/// board.on_success(at(0), orders, Duration::from_millis(20));
/// let verdict = board.check(at(0), OperatingMode::Normal).unwrap();
/// assert!(verdict.is_ready && verdict.status == HealthStatus::Healthy);
/// // Nothing has changed, and the next check is due after 30 seconds.
/// assert!(board.check(at(29), OperatingMode::Normal).is_none());
/// assert!(board.check(at(30), OperatingMode::Normal).is_some());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthBoard {
    config: HealthBoardConfig,
    components: Vec<ComponentState>,
    /// When the loop that drives the system was last seen.
    beat: Option<Timestamp>,
    last: Option<Checked>,
}

/// What counts as healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthBoardConfig {
    /// A check is due after so long, and on every change.
    pub check_every: Duration,
    /// A component that has not succeeded for so long is unhealthy.
    pub silent_after: Duration,
    /// A component that takes longer is degraded.
    pub slow_after: Duration,
    /// So many failures in a row make it unhealthy.
    pub failures: u32,
    /// The system is alive while its loop was seen within this span.
    pub alive_within: Duration,
}

impl Default for HealthBoardConfig {
    /// Checked every 30 s; silent after a minute; slow above a second; three failures; alive
    /// within a minute.
    fn default() -> Self {
        Self {
            check_every: Duration::from_secs(30),
            silent_after: Duration::from_secs(60),
            slow_after: Duration::from_secs(1),
            failures: 3,
            alive_within: Duration::from_secs(60),
        }
    }
}

/// What the system needs a component for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentRole {
    /// Without it there is no trading: market data, order entry, the store.
    Essential,
    /// Without it there is: metrics, a dashboard.
    Supporting,
}

/// One component.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentState {
    /// Which.
    pub name: Label,
    /// What it is needed for.
    pub role: ComponentRole,
    /// When it last did what it should.
    pub last_success: Option<Timestamp>,
    /// How long that took.
    pub latency: Option<Duration>,
    /// When it last failed.
    pub last_failure: Option<Timestamp>,
    /// Failures since the last success.
    pub failures: u32,
}

/// The system at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemVerdict {
    /// When.
    pub at: Timestamp,
    /// The worst of all essential components; supporting ones make it degraded at most.
    pub status: HealthStatus,
    /// How much of its work the system does.
    pub mode: OperatingMode,
    /// True when every essential component works and the mode is not OFFLINE: orders may be
    /// sent here.
    pub is_ready: bool,
    /// True while the loop that drives the system was seen lately: if not, start it anew.
    pub is_live: bool,
    /// All components, in the order in which they were added.
    pub components: Vec<ComponentHealth>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Checked {
    at: Timestamp,
    seen: (HealthStatus, OperatingMode, bool, bool),
    each: Vec<HealthStatus>,
}

const MOST_COMPONENTS: usize = 256;

impl HealthBoard {
    /// A board without components.
    pub const fn new(config: HealthBoardConfig) -> Self {
        Self { config, components: Vec::new(), beat: None, last: None }
    }

    /// Adds a component, or changes its role; false when 256 are there.
    pub fn add(&mut self, name: Label, role: ComponentRole) -> bool {
        if let Some(known) = self.components.iter_mut().find(|known| known.name == name) {
            known.role = role;
            return true;
        }
        let has_room = self.components.len() < MOST_COMPONENTS;
        if has_room {
            self.components.push(ComponentState {
                name,
                role,
                last_success: None,
                latency: None,
                last_failure: None,
                failures: 0,
            });
        }
        has_room
    }

    /// A component has done what it should, and took so long; false when it is not known.
    pub fn on_success(&mut self, at: Timestamp, name: Label, latency: Duration) -> bool {
        self.change(name, |component| {
            component.last_success = Some(at);
            component.latency = Some(latency);
            component.failures = 0;
        })
    }

    /// A component has failed; false when it is not known.
    pub fn on_failure(&mut self, at: Timestamp, name: Label) -> bool {
        self.change(name, |component| {
            component.last_failure = Some(at);
            component.failures = component.failures.saturating_add(1);
        })
    }

    fn change(&mut self, name: Label, change: impl FnOnce(&mut ComponentState)) -> bool {
        let known = self.components.iter_mut().find(|component| component.name == name);
        known.map(change).is_some()
    }

    /// The loop that drives the system is at work.
    pub const fn beat(&mut self, at: Timestamp) {
        self.beat = Some(at);
    }

    /// The components.
    pub fn components(&self) -> &[ComponentState] {
        &self.components
    }

    /// When the next check is due even if nothing changes; at once before the first.
    pub fn deadline(&self) -> Timestamp {
        let due = |last: &Checked| last.at.after(self.config.check_every);
        self.last.as_ref().map_or(Timestamp::EPOCH, due)
    }

    /// The verdict, when one is due: after `check_every`, and whenever a component, the mode,
    /// readiness or liveness has changed. It counts as a beat.
    pub fn check(&mut self, at: Timestamp, mode: OperatingMode) -> Option<SystemVerdict> {
        let is_due = at >= self.deadline();
        self.beat(at);
        let verdict = self.verdict(at, mode);
        let seen = (verdict.status, verdict.mode, verdict.is_ready, verdict.is_live);
        let statuses = || verdict.components.iter().map(|component| component.status);
        let is_same =
            |last: &Checked| last.seen == seen && statuses().eq(last.each.iter().copied());
        if !is_due && self.last.as_ref().is_some_and(is_same) {
            return None;
        }
        self.last = Some(Checked { at, seen, each: statuses().collect() });
        Some(verdict)
    }

    /// The system as it stands at `at`.
    pub fn verdict(&self, at: Timestamp, mode: OperatingMode) -> SystemVerdict {
        let mut status = HealthStatus::Healthy;
        let mut components = Vec::with_capacity(self.components.len());
        for component in &self.components {
            let health = self.judge(at, component);
            let weight = match component.role {
                ComponentRole::Essential => health.status,
                ComponentRole::Supporting => health.status.min(HealthStatus::Degraded),
            };
            status = status.max(weight);
            components.push(health);
        }
        let works = status < HealthStatus::Unhealthy;
        SystemVerdict {
            at,
            status,
            mode,
            is_ready: works && mode < OperatingMode::Offline,
            is_live: self.beat.is_some_and(|beat| at.since(beat) <= self.config.alive_within),
            components,
        }
    }

    fn judge(&self, at: Timestamp, component: &ComponentState) -> ComponentHealth {
        let config = &self.config;
        let is_stale =
            component.last_success.is_some_and(|success| at.since(success) > config.silent_after);
        let is_slow = component.latency.is_some_and(|latency| latency > config.slow_after);
        let (status, detail) = if component.last_success.is_none() {
            (HealthStatus::Unhealthy, "has not worked yet".to_owned())
        } else if component.failures >= config.failures.max(1) {
            (HealthStatus::Unhealthy, format!("{} failures in a row", component.failures))
        } else if is_stale {
            (HealthStatus::Unhealthy, "silent for too long".to_owned())
        } else if component.failures > 0 {
            (HealthStatus::Degraded, format!("{} failures in a row", component.failures))
        } else if is_slow {
            let millis = component.latency.unwrap_or_default().as_millis();
            (HealthStatus::Degraded, format!("took {millis} ms"))
        } else {
            (HealthStatus::Healthy, String::new())
        };
        let at = component.last_success.max(component.last_failure).unwrap_or(Timestamp::EPOCH);
        ComponentHealth { name: component.name, status, detail, at, is_stale }
    }
}
