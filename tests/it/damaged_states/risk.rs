//! Guards, gates, managers, halts, sizers and stops.

use core::time::Duration;

use tradewright::math::{TailEstimator, TailModel};
use tradewright::risk::{
    BreakerGuard, BreakerLimits, Ceiling, CircuitBreaker, CorrelationEstimator, DailyLimit,
    DailyLossGuard, DataLimits, DataQualityGuard, DeadManGuard, DrawdownGuard, DuplicateOrders,
    EnhancedRiskManager, EquityFraction, ExecutionLimits, ExecutionRate, Fact, GateEvent, Guard,
    HaltMachine, Kelly, KellyWindow, MaxDrawdownTracker, MessageThrottle, OrderGate, ParentCheck,
    PeakReset, PortfolioGuard, PortfolioRisk, PortfolioRiskSettings, PriceCollar,
    RealtimeRiskManager, Reference, RepeatedExecution, RiskChain, RiskManager, SelfMatch, Sizer,
    Smallest, StopPlan, StopReading, StopTracker, StopWidth,
};
use tradewright::types::{
    Bar, DayBoundary, Decimal, Facts, Halt, HaltCause, HaltLevel, HaltScope, InstrumentId, Intent,
    Label, LimitKey, Linkage, MarketEvent, Order, OrderId, OrderKind, ParentId, Period, Print,
    Purpose, Side, SlotId, State, StateError, Timestamp,
};

use super::{Subject, hold, holds_at_most, subject};
use crate::risk::guards::{fill, trade};
use crate::risk::{COIN, SHARE, SLOT, World, dec, market, price, secs};

/// The facts of a step at a pace: time, an equity, and prices that move.
fn at_step(step: usize, pace: i64, look: impl FnOnce(&Facts<'_>)) {
    let world = World::new();
    let at = secs(1 + pace * step as i64);
    let equity = ["100000", "103000", "98000", "90000", "104000", "70000", "71000"][step % 7];
    let moved = (step % 5) as f64;
    let book = world.book().cash(world.usd, dec(equity));
    let book = book.mark(SHARE, at, 100.0 + moved).mark(COIN, at, 50.0 - moved * moved).build();
    look(&world.facts_at(at, &book));
}

/// Tells the words of a story to whoever listens to facts.
fn words(step: usize, pace: i64, mut hear: impl FnMut(&Fact<'_>, &Facts<'_>)) {
    at_step(step, pace, |facts| {
        hear(&Fact::Mark, facts);
        let price = if step % 13 == 11 { 130.0 } else { 100.0 };
        let print =
            MarketEvent::Print(Print { instrument: SHARE, price, quantity: 1.0, taker: None });
        let entry = fill(step as u64 / 2, SLOT, Purpose::Entry);
        match step % 6 {
            0 => hear(&Fact::Heartbeat, facts),
            1 => hear(&Fact::Market(&print), facts),
            2 => hear(&Fact::Fill(&entry), facts),
            3 => hear(&Fact::Trade(&trade(SLOT, "-500")), facts),
            4 => hear(&Fact::Distrusted(SHARE), facts),
            _ => hear(&Fact::Capital(dec("1000")), facts),
        }
    });
}

fn guard<G: Guard + 'static>(
    name: &'static str,
    pace: i64,
    make: impl Fn() -> G + 'static,
    points: &[usize],
) -> Subject {
    let tell = move |guard: &mut G, step| {
        words(step, pace, |fact, facts| {
            guard.watch(fact, facts);
            let _ = (guard.verdict(facts), guard.deadline());
        });
    };
    subject(name, make, tell, points)
}

fn manager<M: RiskManager + 'static>(
    name: &'static str,
    make: impl Fn() -> M + 'static,
    points: &[usize],
) -> Subject {
    let tell = |manager: &mut M, step| {
        words(step, 600, |fact, facts| manager.observe(fact, facts, &mut Vec::new()));
    };
    subject(name, make, tell, points)
}

fn breaker() -> BreakerGuard {
    let limits = BreakerLimits { max_consecutive_losses: 2, ..BreakerLimits::default() };
    BreakerGuard::new(CircuitBreaker::new(limits).unwrap())
}

fn daily() -> DailyLossGuard {
    DailyLossGuard::new(DailyLimit::Fraction(dec("0.05")), DayBoundary::UTC).unwrap()
}

fn repeated() -> RepeatedExecution {
    RepeatedExecution::new(3).unwrap()
}

fn rate() -> ExecutionRate {
    let limits = ExecutionLimits { fills: Some(3), quantity: None, value: Some(dec("900")) };
    ExecutionRate::new(limits, Duration::from_secs(7_200), HaltScope::Account).unwrap()
}

#[test]
fn guards() {
    let second = Duration::from_secs(1);
    let data = DataLimits { silence: Some(second * 900), jump: Some(0.2), sound_events: 2 };
    let subjects = [
        guard("breaker", 600, breaker, &[3, 10, 16]),
        guard("daily loss", 7_200, daily, &[1, 4, 14]),
        guard(
            "data quality",
            600,
            move || DataQualityGuard::new(SHARE, data).unwrap(),
            &[2, 5, 12],
        ),
        guard("dead man", 600, move || DeadManGuard::new(second * 1_500).unwrap(), &[0, 1, 6]),
        guard("drawdown", 600, DrawdownGuard::default, &[0, 4, 6]),
        guard("execution rate", 600, rate, &[3, 9]),
        guard("repeated execution", 600, repeated, &[3, 9]),
    ];
    hold("guards", include_str!("guards.txt"), &subjects);
    holds_at_most(&subjects[5], &["0", "entries"], 4_096);
    holds_at_most(&subjects[6], &["counted"], 64);
}

fn figures() -> PortfolioRisk {
    let settings = PortfolioRiskSettings {
        model: TailModel::new(TailEstimator::Historical, 0.5, 1.0).unwrap(),
        window: 4,
        minimum_rows: 3,
        correlation: CorrelationEstimator::Exponential { decay: 0.9, warmup: 2 },
        ..PortfolioRiskSettings::default()
    };
    PortfolioRisk::new(settings, [SHARE, COIN]).unwrap()
}

#[test]
fn figures_of_a_portfolio() {
    let rolling = || {
        let correlation = CorrelationEstimator::Rolling { window: 3 };
        let settings = PortfolioRiskSettings { correlation, ..*figures().settings() };
        PortfolioGuard::new(PortfolioRisk::new(settings, [SHARE, COIN]).unwrap())
    };
    let limited = || PortfolioGuard::new(figures()).var_limit(Ceiling::OfEquity(0.1)).unwrap();
    let own = &[".settings", ".sampler", ".figures", ".series"];
    let subjects = [
        guard("portfolio", 600, limited, &[0, 7]).only(own),
        guard("portfolio with rolling correlations", 600, rolling, &[5]).only(own),
    ];
    hold("figures", include_str!("figures.txt"), &subjects);
}

fn order(sequence: u64, intent: Intent) -> Order {
    Order { id: OrderId::new(1, intent.slot, sequence), created_at: Timestamp::EPOCH, intent }
}

fn limit(side: Side, at: &str) -> Intent {
    Intent { kind: OrderKind::Limit { price: price(at) }, ..market(SHARE, side, "5") }
}

fn gate<G: OrderGate + 'static>(
    name: &'static str,
    make: impl Fn() -> G + 'static,
    points: &[usize],
) -> Subject {
    let tell = |gate: &mut G, step| {
        at_step(step, 1, |facts| {
            let sequence = step as u64;
            let child = Intent { linkage: Linkage::Child(ParentId(7)), ..limit(Side::Buy, "99") };
            let tagged = Intent { tag: Label::new("twap"), ..limit(Side::Sell, "101") };
            let print = Print { instrument: COIN, price: 50.0, quantity: 1.0, taker: None };
            let print = MarketEvent::Print(print);
            let (child, tagged) = (order(sequence, child), order(sequence, tagged));
            let before = OrderId::new(1, SLOT, sequence.saturating_sub(2));
            let events: &[GateEvent<'_>] = match step % 5 {
                0 => &[
                    GateEvent::Parent { parent: ParentId(7), quantity: 20.into() },
                    GateEvent::Market(&print),
                ],
                1 => &[GateEvent::Placed(&child)],
                2 => &[GateEvent::Placed(&tagged)],
                3 => &[
                    GateEvent::Amended { order: before, quantity: 4.into(), price: None },
                    GateEvent::Cancelling(&child),
                ],
                _ => &[GateEvent::Ended { order: before, filled: 2.into() }],
            };
            events.iter().for_each(|event| gate.observe(event, facts));
            let _ = (gate.check(&child, facts), gate.check(&tagged, facts), gate.free_at(facts));
            let _ = gate.check_cancel(&child, facts);
        });
    };
    subject(name, make, tell, points)
}

#[test]
fn gates() {
    let ten = Duration::from_secs(10);
    let collar = move || PriceCollar::new(0.05, ten).unwrap().against(Reference::Last);
    let parents = || {
        let mut gate = ParentCheck::new();
        let key = LimitKey::named(ParentCheck::LIMIT, "twap");
        gate.set_limit(&key, Decimal::TEN).unwrap();
        gate
    };
    let subjects = [
        gate("price collar", collar, &[0, 1]),
        gate("duplicates", move || DuplicateOrders::within(ten).unwrap(), &[3]),
        gate("parents", parents, &[0, 3, 5]),
        gate("self match", SelfMatch::new, &[3]),
        gate("throttle", move || MessageThrottle::new(4, ten).unwrap(), &[2, 4]),
    ];
    hold("gates", include_str!("gates.txt"), &subjects);
    holds_at_most(&subjects[1], &[], 1_024);
    holds_at_most(&subjects[2], &["0", "children"], 1_024);
    holds_at_most(&subjects[2], &[], 256 + 2_048);
    holds_at_most(&subjects[3], &[], 4_096);
    holds_at_most(&subjects[4], &["entries"], 4);
}

#[test]
fn managers_and_halts() {
    let enhanced = || {
        let builder = EnhancedRiskManager::builder().max_drawdown(dec("0.2"));
        builder.with_guard(Box::new(repeated())).build().unwrap()
    };
    let realtime = || {
        let day = DailyLimit::Amount(dec("5000"));
        RealtimeRiskManager::builder().daily_loss(day, DayBoundary::UTC).build().unwrap()
    };
    let halts = |machine: &mut HaltMachine, step: usize| {
        let at = secs(step as i64);
        let scope = [HaltScope::Account, HaltScope::Strategy(SLOT), HaltScope::Symbol(SHARE)];
        let scope = scope[step % 3];
        let level = HaltLevel::Flattening;
        match step % 4 {
            0 | 1 => drop(machine.raise(at, Halt::new(HaltCause::StaleData, scope))),
            2 => drop(machine.raise(at, Halt { level, ..Halt::new(HaltCause::Operator, scope) })),
            _ => drop(machine.lift(HaltCause::StaleData, scope)),
        }
        let _ = machine.level(SLOT, SHARE);
    };
    let subjects = [
        manager("chain", || RiskChain::new().with_guard(Box::new(repeated())), &[0, 9]),
        manager("enhanced manager", enhanced, &[0, 6]),
        manager("realtime manager", realtime, &[6]),
        subject("halts", HaltMachine::new, halts, &[0, 1, 3]),
    ];
    hold("managers", include_str!("managers.txt"), &subjects);
}

/// What a sizer remembers, as a state.
struct Memory<S>(S);

impl<S: Sizer> State for Memory<S> {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.0.save_memory()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.0.restore_memory(state)
    }
}

fn bar(step: usize) -> Bar {
    let close = 100.0 + (step % 4) as f64;
    Bar::new(SHARE, Period::MINUTE, [close, close + 2.0, close - 2.0, close], 1.0).unwrap()
}

fn sizer<S: Sizer + 'static>(
    name: &'static str,
    make: impl Fn() -> S + 'static,
    points: &[usize],
) -> Subject {
    let tell = |memory: &mut Memory<S>, step: usize| {
        memory.0.on_trade(&trade(SLOT, ["900", "-500"][step % 2]));
    };
    subject(name, move || Memory(make()), tell, points)
}

#[test]
fn sizers_and_stops() {
    let kelly = || {
        let window = KellyWindow { trades: 5, least: 2, until_then: 0.1 };
        Kelly::observed(window, 0.5, dec("0.3")).unwrap()
    };
    let smallest = move || Smallest::new(kelly()).and(EquityFraction::default());
    let tracker = || {
        let plan = StopPlan::new(StopWidth::Fraction(0.05)).unwrap();
        let plan = plan.chandelier(StopWidth::Fraction(0.04)).unwrap();
        StopTracker::new(plan, Side::Buy, 100.0, secs(0))
    };
    let stop = |stop: &mut StopTracker, step: usize| {
        let reading = StopReading { volatility: Some(2.0), drawdown: 0.0 };
        stop.on_bar(secs(60 + 60 * step as i64), &bar(step), reading);
    };
    let subjects = [
        sizer("Kelly", kelly, &[0, 3]),
        sizer("smallest", smallest, &[2]),
        subject("stop", tracker, stop, &[0, 2]),
    ];
    hold("sizers", include_str!("sizers.txt"), &subjects);
    holds_at_most(&subjects[0], &[], 5);
}

#[test]
fn other_thresholds_make_another_guard() {
    let built = |threshold: &str| {
        let tracker = MaxDrawdownTracker::new(dec(threshold)).unwrap();
        DrawdownGuard::new(tracker, PeakReset::Keep)
    };
    let saved = built("0.2").save().unwrap();
    assert!(matches!(built("0.3").restore(&saved), Err(StateError::Mismatch { .. })));
    let data = |id| DataQualityGuard::new(id, DataLimits::default()).unwrap();
    let saved = data(SHARE).save().unwrap();
    assert!(matches!(data(COIN).restore(&saved), Err(StateError::Mismatch { .. })));
    let repeated = |slot| RepeatedExecution::for_strategy(2, slot).unwrap();
    assert!(repeated(SLOT).restore(&repeated(SlotId(2)).save().unwrap()).is_ok());
    assert!(PortfolioRisk::new(*figures().settings(), [InstrumentId(0)]).is_ok());
}
