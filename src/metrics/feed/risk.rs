use super::Names;
use super::lazy::{Dense, Keyed};
use crate::metrics::catalogue::{market, risk, strategy};
use crate::metrics::{CounterHandle, GaugeHandle, Meter, OTHER};
use crate::types::{
    ActionOutcome, ActionRequest, AlertAction, Halt, HaltCause, HaltLevel, HaltScope, HaltStep,
    Intent, Label, LimitUse, Qty, Reason, ReasonCode, SlotId,
};

/// Checks, refusals, halts, the use of limits.
pub(super) struct RiskFeed<M: Meter> {
    approved: M::Counter,
    rejected: M::Counter,
    refusals: Keyed<(usize, ReasonCode), M::Counter>,
    reductions: Keyed<(usize, ReasonCode), M::Counter>,
    passed: Keyed<(usize, ReasonCode), M::Counter>,
    breaches: Keyed<ReasonCode, M::Counter>,
    halts: Halts<M>,
    limits: Keyed<Label, [M::Gauge; 3]>,
    limit_changes: Keyed<Label, M::Counter>,
    actions: Dense<M::Counter>,
    heat: M::Gauge,
    value_at_risk: M::Gauge,
    expected_shortfall: M::Gauge,
    score: M::Gauge,
}

impl<M: Meter> RiskFeed<M> {
    pub(super) fn new(meter: &M) -> Self {
        let gauge = |spec| meter.gauge(spec, &[]);
        Self {
            approved: meter.counter(&risk::RISK_CHECKS, &["approved"]),
            rejected: meter.counter(&risk::RISK_CHECKS, &["rejected"]),
            refusals: Keyed::default(),
            reductions: Keyed::default(),
            passed: Keyed::default(),
            breaches: Keyed::default(),
            halts: Halts::new(meter),
            limits: Keyed::default(),
            limit_changes: Keyed::default(),
            actions: Dense::default(),
            heat: gauge(&risk::HEAT),
            value_at_risk: gauge(&risk::VALUE_AT_RISK),
            expected_shortfall: gauge(&risk::EXPECTED_SHORTFALL),
            score: gauge(&risk::RISK_SCORE),
        }
    }

    pub(super) fn approved(&self) {
        self.approved.increment();
    }

    /// Risk or a gate refused an intent, or granted a part of it.
    pub(super) fn refused(
        &mut self,
        intent: &Intent,
        granted: Qty,
        reason: &Reason,
        (names, meter): (&Names, &M),
    ) {
        let slot = names.slot(intent.slot);
        let is_whole = granted.value().is_zero();
        let spec = if is_whole { &risk::REFUSALS } else { &risk::REDUCTIONS };
        let make = |is_rest: bool| {
            let word = if is_rest { OTHER } else { reason.code.as_str() };
            meter.counter(spec, &[names.strategy(slot), word])
        };
        if is_whole {
            self.rejected.increment();
            self.refusals.with((slot, reason.code), make, CounterHandle::increment);
        } else {
            self.reductions.with((slot, reason.code), make, CounterHandle::increment);
        }
        let make = |is_rest: bool| {
            let word = if is_rest { OTHER } else { reason.code.as_str() };
            meter.counter(&risk::LIMIT_BREACHES, &[word])
        };
        self.breaches.with(reason.code, make, CounterHandle::increment);
    }

    /// A signal led to nothing.
    pub(super) fn passed(&mut self, id: SlotId, reason: &Reason, names: &Names, meter: &M) {
        let slot = names.slot(id);
        let make = |is_rest: bool| {
            let word = if is_rest { OTHER } else { reason.code.as_str() };
            meter.counter(&strategy::PASSED, &[names.strategy(slot), word])
        };
        self.passed.with((slot, reason.code), make, CounterHandle::increment);
    }

    pub(super) fn halted(&mut self, halt: &Halt, level: HaltLevel, step: HaltStep, meter: &M) {
        self.halts.take(halt, level, step, meter);
    }

    pub(super) fn limit_changed(&mut self, name: Label, meter: &M) {
        let make = |is_rest: bool| {
            let word = if is_rest { OTHER } else { name.as_str() };
            meter.counter(&risk::LIMIT_CHANGES, &[word])
        };
        self.limit_changes.with(name, make, CounterHandle::increment);
    }

    pub(super) fn acted(&mut self, request: &ActionRequest, outcome: ActionOutcome, meter: &M) {
        let (index, action) = match request.action {
            AlertAction::None => (0, "none"),
            AlertAction::ReducePosition => (1, "reduce_position"),
            AlertAction::ClosePosition => (2, "close_position"),
            AlertAction::HaltTrading => (3, "halt_trading"),
            AlertAction::TightenStops => (4, "tighten_stops"),
            AlertAction::Notify => (5, "notify"),
        };
        let (result, word) = match outcome {
            ActionOutcome::Done => (0, "done"),
            ActionOutcome::NotAllowed => (1, "not_allowed"),
        };
        let make = || meter.counter(&risk::ALERT_ACTIONS, &[action, word]);
        self.actions.with(index * 2 + result, make, CounterHandle::increment);
    }

    pub(super) fn limits(&mut self, limits: &[LimitUse], meter: &M) {
        let mut score: f64 = 0.0;
        for limit in limits {
            score = score.max(limit.utilisation);
            let make = |is_rest: bool| {
                let name = if is_rest { OTHER } else { limit.name.as_str() };
                [&risk::LIMIT_USE, &risk::LIMIT_VALUE, &risk::LIMIT_OBSERVED]
                    .map(|spec| meter.gauge(spec, &[name]))
            };
            self.limits.with(limit.name, make, |[used, bound, observed]| {
                used.set(limit.utilisation);
                bound.set(limit.limit);
                observed.set(limit.observed);
            });
            match limit.name.as_str() {
                "portfolio_heat" => self.heat.set(limit.observed),
                "value_at_risk" => self.value_at_risk.set(limit.observed),
                "expected_shortfall" => self.expected_shortfall.set(limit.observed),
                _ => {}
            }
        }
        self.score.set(score);
    }

    pub(super) fn new_day(&mut self) {
        self.halts.today = 0.0;
        self.halts.today_gauge.set(0.0);
    }
}

/// Halts in force and what they add up to.
struct Halts<M: Meter> {
    active: Vec<(HaltCause, HaltScope, HaltLevel)>,
    trips: M::Counter,
    is_active: M::Gauge,
    triggers: Keyed<Label, M::Counter>,
    today: f64,
    today_gauge: M::Gauge,
    began: Keyed<(Label, usize), M::Counter>,
    ended: Keyed<(Label, usize), M::Counter>,
    in_force: [M::Gauge; 4],
    states: [M::Gauge; 5],
    stale: M::Gauge,
}

const SCOPES: [&str; 4] = ["strategy", "symbol", "account", "everything"];
const STATES: [&str; 5] = ["active", "reduce_only", "halted", "flattening", "flat"];
/// Halts that are told apart: one per cause and scope, so this many are made up.
const MOST: usize = 1_024;

impl<M: Meter> Halts<M> {
    fn new(meter: &M) -> Self {
        let gauge = |spec| meter.gauge(spec, &[]);
        let halts = Self {
            active: Vec::new(),
            trips: meter.counter(&risk::BREAKER_TRIPS, &[]),
            is_active: gauge(&risk::BREAKER_ACTIVE),
            triggers: Keyed::default(),
            today: 0.0,
            today_gauge: gauge(&risk::BREAKER_TODAY),
            began: Keyed::default(),
            ended: Keyed::default(),
            in_force: SCOPES.map(|scope| meter.gauge(&risk::HALTS_ACTIVE, &[scope])),
            states: STATES.map(|state| meter.gauge(&risk::HALT_STATE, &[state])),
            stale: gauge(&market::DATA_STALE),
        };
        halts.today_gauge.set(0.0);
        halts.show();
        halts
    }

    fn take(&mut self, halt: &Halt, level: HaltLevel, step: HaltStep, meter: &M) {
        let place = self
            .active
            .iter()
            .position(|(cause, scope, _)| *cause == halt.cause && *scope == halt.scope);
        match (step, place) {
            (HaltStep::Ended, Some(place)) => {
                self.active.remove(place);
            }
            (HaltStep::Ended | HaltStep::Flat, None) => {}
            (HaltStep::Began | HaltStep::Flat, Some(place)) => {
                if let Some(entry) = self.active.get_mut(place) {
                    entry.2 = level;
                }
            }
            (HaltStep::Began, None) => {
                if self.active.len() < MOST {
                    self.active.push((halt.cause, halt.scope, level));
                }
                self.trigger(halt.cause, meter);
            }
        }
        match step {
            HaltStep::Began => count(&mut self.began, &risk::HALTS, halt, meter),
            HaltStep::Ended => count(&mut self.ended, &risk::HALTS_ENDED, halt, meter),
            HaltStep::Flat => {}
        }
        self.show();
    }

    fn trigger(&mut self, cause: HaltCause, meter: &M) {
        if cause == HaltCause::CircuitBreaker {
            self.trips.increment();
        }
        let word = Label::new(cause.as_str());
        let make = |is_rest: bool| {
            let word = if is_rest { OTHER } else { word.as_str() };
            meter.counter(&risk::BREAKER_TRIGGERS, &[word])
        };
        self.triggers.with(word, make, CounterHandle::increment);
        self.today += 1.0;
        self.today_gauge.set(self.today);
    }

    fn show(&self) {
        let flag = |is_set: bool| if is_set { 1.0 } else { 0.0 };
        let has = |wanted: HaltCause| self.active.iter().any(|(cause, ..)| *cause == wanted);
        self.is_active.set(flag(!self.active.is_empty()));
        self.stale.set(flag(has(HaltCause::StaleData)));
        for (place, gauge) in self.in_force.iter().enumerate() {
            let of_scope = self.active.iter().filter(|(_, scope, _)| scope_place(*scope) == place);
            gauge.set(of_scope.count() as f64);
        }
        let level = self.active.iter().map(|(.., level)| *level).max().unwrap_or_default();
        for (place, gauge) in (0..).zip(&self.states) {
            gauge.set(flag(level as usize == place));
        }
    }
}

fn count<M: Meter>(
    counters: &mut Keyed<(Label, usize), M::Counter>,
    spec: &'static crate::metrics::MetricSpec,
    halt: &Halt,
    meter: &M,
) {
    let (cause, place) = (Label::new(halt.cause.as_str()), scope_place(halt.scope));
    let make = |is_rest: bool| {
        let word = if is_rest { OTHER } else { cause.as_str() };
        meter.counter(spec, &[word, SCOPES.get(place).copied().unwrap_or(OTHER)])
    };
    counters.with((cause, place), make, CounterHandle::increment);
}

const fn scope_place(scope: HaltScope) -> usize {
    match scope {
        HaltScope::Strategy(_) => 0,
        HaltScope::Symbol(_) => 1,
        HaltScope::Account => 2,
        HaltScope::Everything => 3,
    }
}
