//! Guards, gates and sizers with planted faults, one for each law.

use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use tradewright::prelude::*;
use tradewright::risk::{
    Fact, FactKinds, GateEvent, Guard, OrderGate, Refusal, RiskConfigError, Sizer,
};
use tradewright::testkit::Suite;
use tradewright::types::{
    Amount, Bar, Halt, HaltCause, HaltScope, Instrument, LimitKey, Order, Reason, Signal, State,
    StateError, Trade,
};

use super::{REASON, breaks};

/// Halts after three fills, with one fault of its own.
#[derive(Serialize, Deserialize)]
struct Counter {
    fault: u8,
    fills: u32,
    #[serde(skip)]
    unsaved: u32,
}

impl Guard for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn watch(&mut self, fact: &Fact<'_>, _: &Facts<'_>) -> Option<Halt> {
        let counts = matches!(fact, Fact::Fill(_)) || self.fault == 0 && matches!(fact, Fact::Time);
        self.fills += u32::from(counts);
        self.unsaved += u32::from(counts);
        (self.fills >= 3).then(|| Halt::new(HaltCause::Operator, HaltScope::Account))
    }

    fn wants(&self) -> FactKinds {
        FactKinds::FILL
    }

    fn verdict(&self, facts: &Facts<'_>) -> Limit {
        let is_over = match self.fault {
            1 => self.unsaved >= 2,
            2 => facts.equity() < 200_000.0,
            _ => self.fills >= 3,
        };
        if is_over { Limit::Deny(REASON) } else { Limit::Allow(None) }
    }

    fn release(&mut self, cause: HaltCause, _: &Facts<'_>) {
        if cause == HaltCause::Operator || self.fault == 3 {
            self.fills = 0;
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        (self.fault == 4).then_some(Timestamp::MAX)
    }

    fn set_limit(&mut self, _: &LimitKey, _: Decimal) -> Result<Option<Decimal>, RiskConfigError> {
        Ok((self.fault == 5).then_some(Decimal::ONE))
    }
}

#[test]
fn guards_with_faults_are_found() {
    let laws = [
        "only what it wants",
        "restored guard",
        "unknown equity",
        "release of another",
        "timed guard alone",
        "limit of another name",
    ];
    for (fault, law) in (0..).zip(laws) {
        breaks(Suite::new().guard(|| Counter { fault, fills: 0, unsaved: 0 }), law);
    }
    Suite::new().guard(|| Counter { fault: 9, fills: 0, unsaved: 0 }).unwrap();
    let calls = AtomicU32::new(0);
    breaks(Suite::new().guard(|| Moody { calls: &calls }), "pure");
}

/// Halts after a price that has jumped by a fiftieth, and says with which moves it need not be
/// troubled.
#[derive(Serialize, Deserialize)]
struct Jumpy {
    calm: f64,
    jumps: u32,
}

impl Guard for Jumpy {
    fn name(&self) -> &'static str {
        "jumpy"
    }

    fn watch(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) -> Option<Halt> {
        if let Fact::Market(event) = fact
            && let Some(price) = event.mark()
            && let Some(last) = facts.book.quoted(event.instrument())
        {
            self.jumps += u32::from((price - last.price).abs() >= last.price * 0.02);
        }
        (self.jumps > 0).then(|| Halt::new(HaltCause::Operator, HaltScope::Account))
    }

    fn wants(&self) -> FactKinds {
        FactKinds::MARKET
    }

    fn watches_market(&self) -> bool {
        true
    }

    fn calm_move(&self) -> f64 {
        self.calm
    }

    fn verdict(&self, _: &Facts<'_>) -> Limit {
        if self.jumps > 0 { Limit::Deny(REASON) } else { Limit::Allow(None) }
    }

    fn release(&mut self, cause: HaltCause, _: &Facts<'_>) {
        if cause == HaltCause::Operator {
            self.jumps = 0;
        }
    }
}

#[test]
fn guards_that_sleep_through_the_market_are_found() {
    for calm in [0.03, f64::INFINITY] {
        breaks(Suite::new().guard(|| Jumpy { calm, jumps: 0 }), "only what it wants");
    }
    for calm in [0.02, 0.0, -1.0] {
        Suite::new().guard(|| Jumpy { calm, jumps: 0 }).unwrap();
    }
}

/// Says something else each time, as a guard and as a gate.
struct Moody<'a> {
    calls: &'a AtomicU32,
}

impl Moody<'_> {
    fn is_cross(&self) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(2)
    }
}

impl State for Moody<'_> {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        Ok(Vec::new())
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}

impl Guard for Moody<'_> {
    fn name(&self) -> &'static str {
        "moody"
    }

    fn watch(&mut self, _: &Fact<'_>, _: &Facts<'_>) -> Option<Halt> {
        None
    }

    fn verdict(&self, _: &Facts<'_>) -> Limit {
        if self.is_cross() { Limit::Deny(REASON) } else { Limit::Allow(None) }
    }

    fn release(&mut self, _: HaltCause, _: &Facts<'_>) {}
}

impl OrderGate for Moody<'_> {
    fn name(&self) -> &'static str {
        "moody"
    }

    fn check(&self, _: &Order, _: &Facts<'_>) -> Result<(), Refusal> {
        if self.is_cross() { Err(Refusal::new(REASON.code, 0.0, 0.0)) } else { Ok(()) }
    }
}

/// Lets three orders pass, with one fault of its own.
#[derive(Serialize, Deserialize)]
struct Turnstile {
    fault: u8,
    placed: u32,
    #[serde(skip)]
    unsaved: u32,
}

impl OrderGate for Turnstile {
    fn name(&self) -> &'static str {
        "turnstile"
    }

    fn check(&self, order: &Order, facts: &Facts<'_>) -> Result<(), Refusal> {
        let Amount::Quantity(quantity) = order.intent.amount else { return Ok(()) };
        let refused = Refusal::new(REASON.code, 3.0, f64::from(self.placed));
        match self.fault {
            0 if self.placed >= 3 => Err(refused.leaving(quantity)),
            // Written the wrong way round: without a mark nothing is far from it.
            1 if facts.mark(order.intent.instrument).is_some_and(|mark| mark > 30.0) => {
                Err(refused)
            }
            2 if self.unsaved >= 1 => Err(refused),
            _ if self.placed >= 3 => Err(refused),
            _ => Ok(()),
        }
    }

    fn check_cancel(&self, _: &Order, _: &Facts<'_>) -> Result<(), Refusal> {
        if self.fault == 3 { Err(Refusal::new(REASON.code, 0.0, 0.0)) } else { Ok(()) }
    }

    fn observe(&mut self, event: &GateEvent<'_>, _: &Facts<'_>) {
        let counts = u32::from(matches!(event, GateEvent::Placed(_)));
        self.placed += counts;
        self.unsaved += counts;
    }

    fn free_at(&self, facts: &Facts<'_>) -> Option<Timestamp> {
        Some(facts.at)
    }

    fn set_limit(&mut self, _: &LimitKey, _: Decimal) -> Result<Option<Decimal>, RiskConfigError> {
        Ok((self.fault == 4).then_some(Decimal::ONE))
    }
}

#[test]
fn gates_with_faults_are_found() {
    let laws =
        ["at most what reduces", "without a mark", "restored gate", "a cancel", "limit of another"];
    for (fault, law) in (0..).zip(laws) {
        breaks(Suite::new().gate(|| Turnstile { fault, placed: 0, unsaved: 0 }), law);
    }
    Suite::new().gate(|| Turnstile { fault: 9, placed: 0, unsaved: 0 }).unwrap();
    let calls = AtomicU32::new(0);
    breaks(Suite::new().gate(|| Moody { calls: &calls }), "pure");
}

/// Three units, with one fault of its own.
struct Three<'a> {
    fault: u8,
    calls: &'a AtomicU32,
    bars: u32,
    trades: u32,
}

impl Sizer for Three<'_> {
    fn size(&self, _: &Signal, _: &Instrument, facts: &Facts<'_>) -> Result<Amount, Reason> {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        let units = match self.fault {
            0 if calls.is_multiple_of(2) => "4",
            1 => "0",
            2 => "3.25",
            // Written the wrong way round: an unknown equity is not below the floor.
            3 if facts.equity() < 1e6 => return Err(REASON),
            4 if self.bars > 0 => "4",
            5 if self.trades > 0 => "4",
            _ => "3",
        };
        Ok(Amount::Quantity(Qty::new(units.parse().unwrap())))
    }

    fn on_bar(&mut self, _: &Bar) {
        self.bars += 1;
    }

    fn on_trade(&mut self, _: &Trade) {
        self.trades += 1;
    }
}

#[test]
fn sizers_with_faults_are_found() {
    let calls = AtomicU32::new(0);
    let build = |fault| Three { fault, calls: &calls, bars: 0, trades: 0 };
    let laws = [
        "above zero",
        "instrument's step",
        "unknown number",
        "takes nothing from bars",
        "restored",
    ];
    for (fault, law) in (1..).zip(laws) {
        breaks(Suite::new().sizer("three", || build(fault)), law);
    }
    Suite::new().sizer("three", || build(9)).unwrap();
    // Attentive, so that what it says after the bars may differ.
    struct Attentive<'a>(Three<'a>);
    impl Sizer for Attentive<'_> {
        fn size(&self, a: &Signal, b: &Instrument, c: &Facts<'_>) -> Result<Amount, Reason> {
            self.0.size(a, b, c)
        }

        fn is_attentive(&self) -> bool {
            true
        }
    }
    breaks(Suite::new().sizer("three", || Attentive(build(0))), "pure");
}
