use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{AlertConfigError, Condition};
use crate::metrics::MetricsSink;
use crate::risk::RiskSummary;
use crate::types::{
    ActionOutcome, ActionRequest, ActiveAlert, AlertAction, AlertLevel, Facts, Halt, HaltLevel,
    HaltScope, HaltStep, Label, Record, Timestamp,
};

/// The alerts that are active, and a bounded history of what was raised, updated and cleared.
///
/// Without a word it watches halts, failed strategies, anomalies, changed limits and actions
/// that were not allowed; conditions on numbers are added. Each (code, scope) is active at most
/// once.
///
/// - A condition is raised beyond its limit, updated when its value becomes worse, and cleared
///   only beyond its second value, so that a number on the edge does not flicker.
/// - A halt is active, as `halt.` and its cause, until it ends.
/// - Events (anomalies, failures) stay active until they are acknowledged with
///   [`clear`](Self::clear).
///
/// An action is asked for when an alert is raised or becomes worse in level. The host takes
/// requests with [`take_requests`](Self::take_requests) and hands them to the engine as
/// inputs, so that a replay does the same.
///
/// ```
/// use tradewright::alert::{AlertBoard, Condition, Measure};
/// use tradewright::metrics::MetricsSink;
/// use tradewright::types::{
///     Decimal, FactBookBuilder, Facts, Instrument, Instruments, SlotId, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// table.add(Instrument::stock("SPY", "USD"))?;
/// let usd = table.find_asset("USD").unwrap();
/// let mut board = AlertBoard::new();
/// board.watch(Condition::below("equity", Measure::Equity, 9_000.0, 9_500.0)?)?;
/// for (cash, active) in [(10_000, 0), (8_999, 1), (9_400, 1), (9_500, 0)] {
///     let book = FactBookBuilder::new(&table, usd).cash(usd, Decimal::from(cash)).build();
///     board.on_mark(&Facts::new(Timestamp::EPOCH, SlotId(1), &table, &book));
///     assert_eq!(board.active().len(), active, "{cash}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct AlertBoard {
    conditions: Vec<Condition>,
    active: Vec<ActiveAlert>,
    history: VecDeque<AlertEvent>,
    requests: VecDeque<ActionRequest>,
    peak: f64,
    raised: u64,
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertChange {
    /// It is new.
    Raised,
    /// It is worse than before, or happened again.
    Updated,
    /// It is over.
    Cleared,
}

/// One line of the history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub change: AlertChange,
    /// The alert after it.
    pub alert: ActiveAlert,
}

/// Everything about alerts in one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertSummary {
    /// The worst level that is active.
    pub worst: Option<AlertLevel>,
    /// What is active, the worst first, the oldest of equals first.
    pub active: Vec<ActiveAlert>,
    /// Alerts raised since the board was made.
    pub raised: u64,
}

/// Active alerts that are kept: a code and scope is there once, so this many means that scopes
/// without end were made up. Milder ones make room for worse ones.
const MOST_ACTIVE: usize = 256;
const MOST_HISTORY: usize = 1_024;
const MOST_REQUESTS: usize = 256;

impl AlertBoard {
    /// A board without conditions on numbers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition on a number.
    ///
    /// # Errors
    /// [`AlertConfigError::Repeated`] for a code that is there already.
    pub fn watch(&mut self, condition: Condition) -> Result<(), AlertConfigError> {
        let code = condition.code;
        if self.conditions.iter().any(|known| known.code == code) {
            return Err(AlertConfigError::Repeated { code });
        }
        self.conditions.push(condition);
        Ok(())
    }

    /// What is active, in the order in which it was raised.
    pub fn active(&self) -> &[ActiveAlert] {
        &self.active
    }

    /// What happened, the oldest first; the last 1,024 changes.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &AlertEvent> + ExactSizeIterator {
        self.history.iter()
    }

    /// Alerts raised since the board was made.
    pub const fn raised(&self) -> u64 {
        self.raised
    }

    /// Takes the actions that alerts have asked for since the last call.
    pub fn take_requests(&mut self) -> impl Iterator<Item = ActionRequest> + '_ {
        self.requests.drain(..)
    }

    /// Ends an alert by hand; false when it was not active.
    pub fn clear(&mut self, at: Timestamp, code: Label, scope: HaltScope) -> bool {
        let Some(index) = self.find(code, scope) else { return false };
        let alert = self.active.remove(index);
        self.tell(at, AlertChange::Cleared, alert);
        true
    }

    /// Everything in one value.
    pub fn summary(&self) -> AlertSummary {
        let mut active = self.active.clone();
        active.sort_by(|one, other| other.level.cmp(&one.level).then(one.since.cmp(&other.since)));
        let worst = active.first().map(|alert| alert.level);
        AlertSummary { worst, active, raised: self.raised }
    }

    /// Adds the active alerts to a risk summary, the worst first.
    pub fn add_to(&self, summary: &mut RiskSummary) {
        summary.alerts = self.summary().active;
    }

    /// Raises an alert of the host's own, or updates it when it is active.
    pub fn raise(&mut self, at: Timestamp, request: &ActionRequest, value: f64) {
        let ActionRequest { action, scope, alert: code, level } = *request;
        let Some(index) = self.find(code, scope) else {
            let alert = ActiveAlert {
                code,
                scope,
                level,
                action,
                value,
                since: at,
                updated_at: at,
                count: 1,
            };
            return self.begin(at, alert);
        };
        let Some(alert) = self.active.get_mut(index) else { return };
        let is_worse = level > alert.level;
        alert.level = alert.level.max(level);
        alert.action = action;
        alert.value = value;
        alert.updated_at = at;
        alert.count = alert.count.saturating_add(1);
        let alert = *alert;
        self.tell(at, AlertChange::Updated, alert);
        if is_worse {
            self.request(&alert);
        }
    }

    fn begin(&mut self, at: Timestamp, alert: ActiveAlert) {
        if self.active.len() >= MOST_ACTIVE {
            let mildest = (0..self.active.len()).min_by_key(|index| self.active[*index].level);
            let Some(mildest) = mildest else { return };
            if self.active[mildest].level >= alert.level {
                return;
            }
            let gone = self.active.remove(mildest);
            self.tell(at, AlertChange::Cleared, gone);
        }
        self.active.push(alert);
        self.raised = self.raised.saturating_add(1);
        self.tell(at, AlertChange::Raised, alert);
        self.request(&alert);
    }

    fn request(&mut self, alert: &ActiveAlert) {
        if alert.action == AlertAction::None {
            return;
        }
        if self.requests.len() >= MOST_REQUESTS {
            self.requests.pop_front();
        }
        let ActiveAlert { action, scope, code, level, .. } = *alert;
        self.requests.push_back(ActionRequest { action, scope, alert: code, level });
    }

    fn tell(&mut self, at: Timestamp, change: AlertChange, alert: ActiveAlert) {
        if self.history.len() >= MOST_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(AlertEvent { at, change, alert });
    }

    fn find(&self, code: Label, scope: HaltScope) -> Option<usize> {
        self.active.iter().position(|alert| alert.code == code && alert.scope == scope)
    }

    /// An event without a number.
    fn event(&mut self, at: Timestamp, code: &str, scope: HaltScope, level: AlertLevel) {
        let (action, alert) = (AlertAction::Notify, Label::new(code));
        self.raise(at, &ActionRequest { action, scope, alert, level }, f64::NAN);
    }

    fn on_halt(&mut self, at: Timestamp, halt: &Halt, step: HaltStep) {
        let code = format!("halt.{}", halt.cause.as_str());
        if step == HaltStep::Ended {
            self.clear(at, Label::new(&code), halt.scope);
            return;
        }
        let level = match halt.level.max(halt.cause.level()) {
            HaltLevel::Active | HaltLevel::ReduceOnly => AlertLevel::Error,
            HaltLevel::Halted | HaltLevel::Flattening | HaltLevel::Flat => AlertLevel::Critical,
        };
        self.event(at, &code, halt.scope, level);
    }

    fn judge(&mut self, condition: &Condition, at: Timestamp, value: f64) {
        let (code, scope) = (condition.code, condition.scope);
        let Some(index) = self.find(code, scope) else {
            if condition.is_raised_by(value) {
                let Condition { action, level, .. } = *condition;
                self.raise(at, &ActionRequest { action, scope, alert: code, level }, value);
            }
            return;
        };
        if condition.is_cleared_by(value) {
            self.clear(at, code, scope);
        } else if let Some(alert) = self.active.get_mut(index)
            && condition.is_worse(value, alert.value)
        {
            alert.value = value;
            alert.updated_at = at;
            alert.count = alert.count.saturating_add(1);
            let alert = *alert;
            self.tell(at, AlertChange::Updated, alert);
        }
    }
}

impl MetricsSink for AlertBoard {
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        match record {
            Record::Halted { halt, step, .. } => self.on_halt(at, halt, *step),
            Record::Anomaly { instrument, .. } => {
                self.event(at, "anomaly", HaltScope::Symbol(*instrument), AlertLevel::Error);
            }
            Record::Failed { slot, .. } => {
                self.event(at, "strategy_failed", HaltScope::Strategy(*slot), AlertLevel::Error);
            }
            Record::LimitChanged { .. } => {
                self.event(at, "limit_changed", HaltScope::Account, AlertLevel::Info);
            }
            Record::Acted { request, outcome: ActionOutcome::NotAllowed } => {
                let alert = Label::new("action_not_allowed");
                let action = AlertAction::None;
                let (scope, level) = (request.scope, AlertLevel::Warning);
                self.raise(at, &ActionRequest { action, scope, alert, level }, f64::NAN);
            }
            _ => {}
        }
    }

    fn on_mark(&mut self, facts: &Facts<'_>) {
        if self.conditions.is_empty() {
            return;
        }
        // NaN is no peak.
        if facts.equity() > self.peak {
            self.peak = facts.equity();
        }
        for index in 0..self.conditions.len() {
            let condition = self.conditions[index];
            let value = condition.measure.of(facts, self.peak);
            self.judge(&condition, facts.at, value);
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    conditions: Vec<Condition>,
    active: Vec<ActiveAlert>,
    history: VecDeque<AlertEvent>,
    requests: VecDeque<ActionRequest>,
    peak: f64,
    raised: u64,
}

impl From<AlertBoard> for Saved {
    fn from(board: AlertBoard) -> Self {
        let AlertBoard { conditions, active, history, requests, peak, raised } = board;
        Self { conditions, active, history, requests, peak, raised }
    }
}

impl TryFrom<Saved> for AlertBoard {
    type Error = &'static str;

    fn try_from(saved: Saved) -> Result<Self, Self::Error> {
        if saved.active.len() > MOST_ACTIVE
            || saved.history.len() > MOST_HISTORY
            || saved.requests.len() > MOST_REQUESTS
        {
            return Err("more alerts than the board keeps");
        }
        if !saved.peak.is_finite() {
            return Err("the peak is not a number");
        }
        let mut board = Self { peak: saved.peak, raised: saved.raised, ..Self::default() };
        for alert in saved.active {
            if board.find(alert.code, alert.scope).is_some() {
                return Err("an alert is active twice");
            }
            board.active.push(alert);
        }
        for condition in saved.conditions {
            board.watch(condition).map_err(|_| "two conditions have the same code")?;
        }
        board.history = saved.history;
        board.requests = saved.requests;
        Ok(board)
    }
}
