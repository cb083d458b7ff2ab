//! Controls, halts, alerts and the audit inside the engine, from the first order to the last.

use core::time::Duration;
use std::collections::BTreeMap;

use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};
use tradewright::alert::{AlertBoard, AlertChange, Condition, Measure};
use tradewright::backtest::{Digest, Simulation, Timed};
use tradewright::engine::{ActionPolicy, Command, Control, Engine, EngineError, Input, SlotConfig};
use tradewright::metrics::Tee;
use tradewright::order::InFlight;
use tradewright::order::audit::*;
use tradewright::prelude::*;
use tradewright::risk::*;
use tradewright::sim::SimVenue;
use tradewright::strategy::QuoteSize;
use tradewright::types::{
    Acknowledgement, ActionRequest, Adjustment, AdjustmentCause, AdjustmentKind, AlertAction,
    AlertLevel, FillReport, Halt, HaltCause, HaltLevel, HaltScope, Label, LimitChange, LimitKey,
    Liquidity, Money, OperatingMode, Order, OrderId, OrderReport, OrderStatus, OrderUpdate,
    Purpose, RejectReason, SlotId, State, TradeId,
};

use crate::engine_world::{
    A, B, ONE, TWO, USD, World, boxed, flat, instruments, minute, net, scripted, ten, world,
};

fn price(text: &str) -> Price {
    Price::new(text.parse().unwrap()).unwrap()
}

fn control(world: &mut World, at: i64, control: Control) -> Result<(), EngineError> {
    world.input(minute(at), &Input::Control(control))
}

fn limit(name: &str, value: i64, until: Option<i64>) -> Control {
    let (key, actor) = (LimitKey::all(name), Label::new("anna"));
    let until = until.map(minute);
    Control::Limit(LimitChange { key, value: Decimal::from(value), until, actor })
}

const CAUSES: [HaltCause; 14] = [
    HaltCause::CircuitBreaker,
    HaltCause::DailyLoss,
    HaltCause::StaleData,
    HaltCause::Drawdown,
    HaltCause::Operator,
    HaltCause::FillAnomaly,
    HaltCause::Reconciliation,
    HaltCause::StrategyFailure,
    HaltCause::KillSwitch,
    HaltCause::Custom(Label::new("own")),
    HaltCause::Disconnected,
    HaltCause::RepeatedExecution,
    HaltCause::ParentBreach,
    HaltCause::Degradation,
];

/// Under every cause and scope: what opens is refused, what closes passes in full, and another
/// strategy's opposite position does not matter to a strategy that is stopped alone.
#[test]
fn no_halt_blocks_closing() {
    let scopes =
        [HaltScope::Strategy(ONE), HaltScope::Symbol(A), HaltScope::Account, HaltScope::Everything];
    for (cause, scope) in CAUSES.iter().flat_map(|cause| scopes.map(|scope| (*cause, scope))) {
        let strategy = scripted("S", |bar, _, advice| match bar {
            1 => advice.target(A, Qty::from(10)),
            3 => advice.target(A, Qty::from(15)),
            4 => advice.target(A, Qty::from(0)),
            _ => {}
        });
        let other = scripted("OTHER", move |bar, _, advice| {
            if bar == 1 && scope == HaltScope::Strategy(ONE) {
                advice.target(A, Qty::from(-10));
            }
        });
        let mut world =
            world(|engine| engine.slot(SlotConfig::new(strategy)).slot(SlotConfig::new(other)));
        world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0)]).unwrap();
        control(&mut world, 2, Control::Halt(Halt::new(cause, scope))).unwrap();
        world.run(&[flat(A, 3, 100.0), flat(A, 4, 100.0), flat(A, 5, 100.0)]).unwrap();
        let held = world.engine().account().book().position(ONE, A).quantity;
        assert_eq!(held, Decimal::ZERO, "{cause:?} {scope:?}");
        assert_eq!(world.sink().refusals.len(), 1, "{cause:?} {scope:?}");
    }
}

/// A halt that asks for less than its cause takes resting entries back all the same.
#[test]
fn a_kill_switch_takes_entries_back_and_waits_for_an_acknowledgement() {
    let strategy = scripted("Q", |bar, _, advice| {
        if bar == 1 {
            advice.quote(1, Side::Buy, price("50"), QuoteSize::Resting(Qty::from(5)));
        }
    });
    let mut world = world(|engine| engine.slot(SlotConfig::new(strategy)));
    world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0)]).unwrap();
    let (cause, level) = (HaltCause::KillSwitch, HaltLevel::ReduceOnly);
    let kill = Control::Halt(Halt { cause, level, scope: HaltScope::Everything });
    control(&mut world, 3, kill).unwrap();
    assert!(world.engine().orders().live().is_empty());
    let build = || {
        let strategy: Box<dyn Strategy> = Box::new(Stateful);
        Engine::builder(instruments(), USD).slot(ten(strategy)).build().unwrap()
    };
    let mut killed = build();
    killed.handle(minute(3), &Input::Control(kill), &mut Vec::new()).unwrap();
    let mut engine = build();
    engine.restore(&killed.save().unwrap()).unwrap();
    assert_eq!(engine.halts().overall(), HaltLevel::Halted, "it survives a restart");
    for (acknowledgement, level) in [
        (Acknowledgement::None, HaltLevel::Halted),
        (Acknowledgement::Emergency, HaltLevel::Active),
    ] {
        let resume = Control::Resume { scope: HaltScope::Everything, acknowledgement };
        engine.handle(minute(9), &Input::Control(resume), &mut Vec::new()).unwrap();
        assert_eq!(engine.halts().overall(), level);
    }
}

/// An engine with a venue made of hands.
struct Hands {
    engine: Engine,
    out: Vec<Command>,
    trade: u128,
}

impl Hands {
    fn new(build: impl FnOnce(Builder) -> Builder) -> Self {
        let engine = build(Engine::builder(instruments(), USD)).build().unwrap();
        let mut hands = Self { engine, out: Vec::new(), trade: 0 };
        let money = AdjustmentKind::Capital(Money::new(Decimal::from(100_000), USD));
        let deposit = Adjustment { cause: AdjustmentCause::Deposit, kind: money };
        hands.input(0, &Input::Adjustment(deposit));
        hands
    }

    fn input(&mut self, at: i64, input: &Input) -> Vec<Command> {
        self.out.clear();
        self.engine.handle(minute(at), input, &mut self.out).unwrap();
        self.out.clone()
    }

    fn bar(&mut self, at: i64, instrument: InstrumentId, volume: f64) -> Vec<Command> {
        let bar = Bar::new(instrument, Period::MINUTE, [100.0; 4], volume).unwrap();
        self.input(at, &Input::Market(MarketEvent::Bar(bar)))
    }

    fn report(&mut self, at: i64, order: &Order, report: OrderReport) -> Vec<Command> {
        let intent = &order.intent;
        let (instrument, side, leg) = (intent.instrument, intent.side, intent.leg);
        let update = OrderUpdate { order: order.id, instrument, side, leg, report };
        self.input(at, &Input::Order(update))
    }

    fn fill(&mut self, at: i64, order: &Order, quantity: Decimal) -> Vec<Command> {
        self.trade += 1;
        let fill = FillReport {
            trade: TradeId(self.trade),
            price: price("100"),
            quantity: Qty::new(quantity),
            fee: Money::zero(USD),
            liquidity: Liquidity::Taker,
            before_slippage: price("100"),
        };
        self.report(at, order, OrderReport::Fill(fill))
    }

    fn live(&self) -> Vec<Order> {
        self.engine.orders().live().iter().map(|state| state.order).collect()
    }
}

type Builder = tradewright::engine::EngineBuilder<Box<dyn Strategy>, ()>;

fn placed(commands: &[Command]) -> Vec<Order> {
    let place = |command: &Command| match command {
        Command::Place(order) => Some(*order),
        _ => None,
    };
    commands.iter().filter_map(place).collect()
}

fn cancelled(commands: &[Command]) -> usize {
    commands.iter().filter(|command| matches!(command, Command::Cancel { .. })).count()
}

/// What a bar's volume tells a strategy to do.
fn obedient(instrument: InstrumentId) -> Box<dyn Strategy> {
    boxed(from_fn("OBEDIENT", move |event, _, advice| {
        let Some(bar) = event.bar().filter(|bar| bar.instrument == instrument) else { return };
        let quote = |advice: &mut Advice, side, at: &str| {
            advice.quote(1, side, price(at), QuoteSize::Resting(Qty::from(3)));
        };
        match bar.volume as i64 {
            1 => advice.target(instrument, Qty::from(10)),
            2 => advice.target(instrument, Qty::from(-10)),
            3 => advice.target(instrument, Qty::from(0)),
            4 => quote(advice, Side::Buy, "90"),
            5 => quote(advice, Side::Sell, "110"),
            6 => advice.buy(Confidence::FULL),
            7 => advice.sell(Confidence::FULL),
            _ => {}
        }
    }))
}

/// Flattening: cancel first, close when that is confirmed, pause when the venue refuses, Flat
/// when it is filled, and once more when a late fill opens it again.
#[test]
fn flattening_ends_when_the_venue_says_so() {
    let mut hands = Hands::new(|engine| engine.slot(SlotConfig::new(obedient(A))));
    let [entry] = placed(&hands.bar(1, A, 1.0))[..] else { panic!("an entry") };
    hands.fill(1, &entry, Decimal::TEN);
    let [quote] = placed(&hands.bar(2, A, 4.0))[..] else { panic!("a quote") };
    hands.report(2, &quote, OrderReport::Accepted);
    let (cause, level, scope) = (HaltCause::KillSwitch, HaltLevel::Flattening, HaltScope::Account);
    let kill = Control::Halt(Halt { cause, level, scope });
    let commands = hands.input(3, &Input::Control(kill));
    assert_eq!((cancelled(&commands), placed(&commands).len()), (1, 0), "cancel first");
    let refused = OrderReport::ChangeRefused(RejectReason::NotTrading);
    assert_eq!(cancelled(&hands.report(3, &quote, refused)), 0, "no circle at one instant");
    assert_eq!(cancelled(&hands.input(4, &Input::Time)), 1, "taken back again");
    let commands = hands.report(4, &quote, OrderReport::Cancelled);
    let [close] = placed(&commands)[..] else { panic!("a close: {commands:?}") };
    assert_eq!((close.intent.purpose, close.intent.side), (Purpose::Flatten, Side::Sell));
    let refused = OrderReport::Rejected(RejectReason::NotTrading);
    let commands = hands.report(4, &close, refused);
    assert!(placed(&commands).is_empty(), "no circle at one instant");
    assert_eq!(hands.engine.deadline(), Some(minute(4).after(Duration::from_secs(1))));
    let [again] = placed(&hands.input(5, &Input::Time))[..] else { panic!("once more") };
    assert_eq!(hands.engine.halts().overall(), HaltLevel::Flattening);
    hands.fill(5, &again, Decimal::from(4));
    assert_eq!(hands.engine.halts().overall(), HaltLevel::Flattening, "a part is left");
    hands.fill(5, &again, Decimal::from(6));
    assert_eq!(hands.engine.halts().overall(), HaltLevel::Flat);
    let commands = hands.fill(6, &quote, Decimal::ONE);
    let [late] = placed(&commands)[..] else { panic!("a late fill is closed: {commands:?}") };
    hands.fill(6, &late, Decimal::ONE);
    assert_eq!(hands.engine.halts().overall(), HaltLevel::Flat);
}

/// Whoever asks: a cancel that the venue has refused is asked for again a second later, and not
/// on every report. Here a stop's exit wants a quote gone that fills all that a halt lets close.
#[test]
fn a_refused_cancel_is_asked_again_a_little_later() {
    let strategy = scripted("HELD_AND_QUOTED", |seen, _, advice| match seen {
        1 => advice.target(A, Qty::from(10)),
        2 => advice.quote(1, Side::Sell, price("110"), QuoteSize::Resting(Qty::from(10))),
        _ => {}
    });
    let plan = StopPlan::new(StopWidth::Fraction(0.05)).unwrap();
    let mut hands = Hands::new(|engine| engine.slot(SlotConfig::new(strategy).stop(plan)));
    let bar = |at, price| Input::Market(flat(A, at, price).event);
    let [entry] = placed(&hands.input(1, &bar(1, 100.0)))[..] else { panic!("an entry") };
    let [stop] = placed(&hands.fill(1, &entry, Decimal::TEN))[..] else { panic!("a stop") };
    let [quote] = placed(&hands.input(2, &bar(2, 100.0)))[..] else { panic!("a quote") };
    hands.report(2, &quote, OrderReport::Accepted);
    let (cause, level) = (HaltCause::StaleData, HaltLevel::ReduceOnly);
    let halt = Halt { cause, level, scope: HaltScope::Strategy(ONE) };
    assert_eq!(cancelled(&hands.input(2, &Input::Control(Control::Halt(halt)))), 0);
    hands.report(2, &stop, OrderReport::Rejected(RejectReason::NotTrading));
    let commands = hands.input(3, &bar(3, 90.0));
    assert_eq!((cancelled(&commands), placed(&commands).len()), (1, 0), "{commands:?}");
    for _ in 0..3 {
        let refused = OrderReport::ChangeRefused(RejectReason::NotFound);
        assert_eq!(cancelled(&hands.report(3, &quote, refused)), 0, "no circle at one instant");
    }
    assert_eq!(hands.engine.deadline(), Some(minute(3).after(Duration::from_secs(1))));
    assert_eq!(cancelled(&hands.input(4, &Input::Time)), 1, "asked again");
    let [exit] = placed(&hands.report(4, &quote, OrderReport::Cancelled))[..] else {
        panic!("the exit")
    };
    assert_eq!((exit.intent.side, exit.intent.purpose), (Side::Sell, Purpose::StopLoss));
}

/// A message budget: entries stop first, and cancels that find no room leave when there is some.
#[test]
fn cancels_wait_for_room_in_the_budget() {
    let throttle = MessageThrottle::new(2, Duration::from_secs(60)).unwrap().reserve(1).unwrap();
    let mut hands = Hands::new(|engine| engine.slot(SlotConfig::new(obedient(A))).gate(throttle));
    let [quote] = placed(&hands.bar(1, A, 4.0))[..] else { panic!("a quote") };
    hands.report(1, &quote, OrderReport::Accepted);
    assert!(placed(&hands.bar(1, A, 1.0)).is_empty(), "one message was for entries");
    let commands = hands.bar(1, A, 5.0);
    assert_eq!((cancelled(&commands), placed(&commands).len()), (1, 0), "the reserve");
    hands.report(1, &quote, OrderReport::ChangeRefused(RejectReason::NotTrading));
    let halt = Control::Halt(Halt::new(HaltCause::Operator, HaltScope::Account));
    assert_eq!(cancelled(&hands.input(1, &Input::Control(halt))), 0, "no room");
    assert_eq!(hands.engine.deadline(), Some(minute(2)));
    let saved = hands.engine.save();
    assert!(saved.is_err(), "a closure has no state");
    assert_eq!(cancelled(&hands.input(2, &Input::Time)), 1, "room again");
    hands.report(2, &quote, OrderReport::Cancelled);
    assert!(hands.live().is_empty());
}

/// Limits change while the engine runs, for good or for a time, and unknown ones are refused.
#[test]
fn limits_change_with_a_record() {
    let rule = MaxOrderQuantity::each(Decimal::from(5)).unwrap();
    let mut world = world(|engine| {
        engine.slot(ten(scripted("S", |_, _, advice| advice.buy(Confidence::FULL)))).rule(rule)
    });
    world.run(&[flat(A, 1, 100.0)]).unwrap();
    assert!(world.sink().orders.is_empty(), "ten are too many");
    control(&mut world, 2, limit("max_order_quantity", 10, Some(4))).unwrap();
    assert_eq!(world.engine().deadline(), Some(minute(4)));
    world.run(&[flat(A, 3, 100.0)]).unwrap();
    assert_eq!(world.sink().orders.len(), 1);
    let over = control(&mut world, 4, limit("max_order_quantity", 10, Some(4)));
    assert!(matches!(over, Err(EngineError::OverrideOver { .. })));
    let unknown = control(&mut world, 4, limit("nothing", 1, None));
    assert!(matches!(unknown, Err(EngineError::UnknownLimit { .. })));
    assert!(matches!(
        control(&mut world, 4, limit("max_order_quantity", 0, None)),
        Err(EngineError::Limit(_))
    ));
}

/// A changed limit survives a restart, and a temporary one still ends.
#[test]
fn changed_limits_survive_a_restart() {
    let build = || {
        let rule = MaxOrderQuantity::each(Decimal::from(5)).unwrap();
        let strategy: Box<dyn Strategy> = Box::new(Stateful);
        Engine::builder(instruments(), USD).slot(ten(strategy)).rule(rule).build().unwrap()
    };
    let (mut engine, mut out) = (build(), Vec::new());
    for change in [limit("max_order_quantity", 7, None), limit("max_order_quantity", 9, Some(5))] {
        engine.handle(minute(1), &Input::Control(change), &mut out).unwrap();
    }
    let mut restored = build();
    restored.restore(&engine.save().unwrap()).unwrap();
    assert_eq!(restored.deadline(), Some(minute(5)));
    let mut audit = Vec::new();
    for engine in [&mut engine, &mut restored] {
        engine.handle(minute(5), &Input::Time, &mut out).unwrap();
        assert_eq!(engine.deadline(), None);
        audit.push(engine.save().unwrap());
    }
    assert_eq!(audit[0], audit[1]);
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Stateful;

impl Strategy for Stateful {
    fn name(&self) -> &str {
        "STATEFUL"
    }

    fn on_event(&mut self, _: &Event<'_>, _: &Facts<'_>, _: &mut Advice) {}
}

/// A drawdown threshold that was changed holds after a restart, although the engine was built with
/// another one.
#[test]
fn a_changed_drawdown_threshold_survives_a_restart() {
    let build = || {
        let strategy: Box<dyn Strategy> = Box::new(Stateful);
        let builder = Engine::builder(instruments(), USD).slot(ten(strategy));
        builder.risk(EnhancedRiskManager::default()).build().unwrap()
    };
    let mut engine = build();
    let key = LimitKey::all(DrawdownGuard::LIMIT);
    let (value, actor) = ("0.1".parse().unwrap(), Label::new("anna"));
    let change = LimitChange { key, value, until: None, actor };
    engine.handle(minute(1), &Input::Control(Control::Limit(change)), &mut Vec::new()).unwrap();
    let mut restored = build();
    restored.restore(&engine.save().unwrap()).unwrap();
    assert_eq!(restored.save().unwrap(), engine.save().unwrap());
    let drawdown = |engine: &Engine| {
        let summary = engine.risk_summary();
        summary.limits.iter().find(|limit| limit.name.as_str() == "drawdown").unwrap().limit
    };
    assert_eq!((drawdown(&engine), drawdown(&restored)), (0.1, 0.1));
}

/// Limits, positions, halts and alerts in one value, from the engine itself.
#[test]
fn the_engine_sums_up_its_risk() {
    let strategy = scripted("LONG", |bar, _, advice| {
        if bar == 1 {
            advice.target(A, Qty::from(10));
        }
    });
    let mut world =
        world(|engine| engine.slot(SlotConfig::new(strategy)).risk(RealtimeRiskManager::default()));
    world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0)]).unwrap();
    assert!(world.engine().risk_summary().halts.is_empty());
    let halt = Halt::new(HaltCause::Operator, HaltScope::Symbol(B));
    control(&mut world, 2, Control::Halt(halt)).unwrap();
    let mut summary = world.engine().risk_summary();
    let limits: Vec<&str> = summary.limits.iter().map(|limit| limit.name.as_str()).collect();
    assert_eq!(limits, ["position_size", "breaker", "drawdown"]);
    assert_eq!(summary.risk_score, 0.1, "1,000 of 10,000");
    assert_eq!((summary.positions.len(), summary.positions[0].value), (1, 1_000.0));
    assert_eq!(summary.halts[0].halt, halt);
    assert_eq!(world.engine().risk().summary(&world.engine().facts(SlotId::HOUSE)).halts, []);
    let mut board = AlertBoard::new();
    for (code, level) in [("mild", AlertLevel::Info), ("bad", AlertLevel::Critical)] {
        let (alert, scope) = (Label::new(code), HaltScope::Account);
        let request = ActionRequest { action: AlertAction::Notify, scope, alert, level };
        board.raise(minute(2), &request, 1.0);
    }
    board.add_to(&mut summary);
    let codes: Vec<&str> = summary.alerts.iter().map(|alert| alert.code.as_str()).collect();
    assert_eq!(codes, ["bad", "mild"]);
    let text = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<RiskSummary>(&text).unwrap(), summary);
}

/// A late heartbeat cancels what rests, in time, and the next one ends it; distrusted data stop
/// their symbol alone.
#[test]
fn the_host_is_heard_or_nothing_rests() {
    let data = DataLimits { silence: None, ..DataLimits::default() };
    let mut hands = Hands::new(|engine| {
        engine
            .slot(SlotConfig::new(obedient(A)))
            .guard(DeadManGuard::new(Duration::from_secs(90)).unwrap())
            .guard(DataQualityGuard::new(A, data).unwrap())
    });
    let heartbeat = Input::Control(Control::Heartbeat);
    assert!(placed(&hands.bar(1, A, 4.0)).is_empty(), "never heard");
    hands.input(1, &heartbeat);
    let [quote] = placed(&hands.bar(1, A, 4.0))[..] else { panic!("a quote") };
    let late = minute(2).after(Duration::from_secs(30));
    assert_eq!(hands.engine.deadline(), Some(late));
    let mut out = Vec::new();
    hands.engine.handle(late, &Input::Time, &mut out).unwrap();
    assert_eq!(cancelled(&out), 1);
    assert_eq!(hands.engine.halts().overall(), HaltLevel::Halted);
    hands.report(3, &quote, OrderReport::Cancelled);
    hands.input(3, &heartbeat);
    assert_eq!(hands.engine.halts().overall(), HaltLevel::Active);
    hands.input(3, &Input::Control(Control::Distrust(A)));
    assert_eq!(hands.engine.halts().level(ONE, A), HaltLevel::ReduceOnly);
    assert_eq!(hands.engine.halts().level(ONE, B), HaltLevel::Active);
    (0..3).for_each(|_| drop(hands.bar(3, A, 9.0)));
    assert!(hands.engine.halts().is_clear(), "three sound events");
    let unknown = Input::Control(Control::Distrust(InstrumentId(9)));
    assert!(hands.engine.handle(minute(3), &unknown, &mut out).is_err());
}

/// An order in doubt stays in doubt until the venue speaks; a late doubt changes nothing.
#[test]
fn a_submission_without_an_answer_is_uncertain() {
    let buyer = scripted("BUY", |seen, _, advice| {
        if seen == 1 {
            advice.buy(Confidence::FULL);
        }
    });
    let mut hands = Hands::new(|builder| builder.slot(ten(buyer)));
    let [order] = placed(&hands.bar(0, A, 100.0))[..] else { panic!("an order") };
    hands.input(1, &Input::Control(Control::Uncertain(order.id)));
    let in_flight = |hands: &Hands| hands.engine.orders().find(order.id).unwrap().in_flight;
    assert_eq!(in_flight(&hands), InFlight::Unknown);
    hands.report(2, &order, OrderReport::ChangeRefused(RejectReason::NotFound));
    assert_eq!(in_flight(&hands), InFlight::Unknown);
    hands.report(3, &order, OrderReport::Accepted);
    assert_eq!(in_flight(&hands), InFlight::None);
    hands.report(4, &order, OrderReport::Cancelled);
    hands.input(5, &Input::Control(Control::Uncertain(order.id)));
    assert_eq!(hands.engine.orders().find(order.id).unwrap().status, OrderStatus::Cancelled);
    let unknown = Control::Uncertain(OrderId::new(9, SlotId(1), 9));
    let unknown = hands.engine.handle(minute(6), &Input::Control(unknown), &mut Vec::new());
    assert!(matches!(unknown, Err(EngineError::Order(_))));
}

/// A doubt that takes hold is a record; one that is told twice, or too late, is none.
#[test]
fn a_doubt_leaves_one_record() {
    let buyer = scripted("BUY", |_, _, advice| {
        advice.buy(Confidence::FULL);
    });
    let log = AuditLog::new(Vec::new(), instruments());
    let builder = Engine::builder(instruments(), USD).slot(ten(buyer)).sink(log);
    let (mut engine, mut out) = (builder.build().unwrap(), Vec::new());
    let money = AdjustmentKind::Capital(Money::new(Decimal::from(100_000), USD));
    let deposit = Adjustment { cause: AdjustmentCause::Deposit, kind: money };
    engine.handle(minute(0), &Input::Adjustment(deposit), &mut out).unwrap();
    let bar = Bar::new(A, Period::MINUTE, [100.0; 4], 9.0).unwrap();
    engine.handle(minute(0), &Input::Market(MarketEvent::Bar(bar)), &mut out).unwrap();
    let [order] = placed(&out)[..] else { panic!("an order") };
    let doubt = Input::Control(Control::Uncertain(order.id));
    let mut records = |at, input: &Input| {
        let before = engine.sink().state().sequence();
        engine.handle(minute(at), input, &mut out).unwrap();
        engine.sink().state().sequence() - before
    };
    assert_eq!((records(1, &doubt), records(2, &doubt)), (1, 0), "once");
    let intent = &order.intent;
    let (instrument, side, leg) = (intent.instrument, intent.side, intent.leg);
    let report = OrderReport::Accepted;
    let update = OrderUpdate { order: order.id, instrument, side, leg, report };
    assert_eq!((records(3, &Input::Order(update)), records(4, &doubt)), (1, 0), "too late");
}

/// A breach of a parent's quantity halts its symbol and tells a person.
#[test]
fn a_parent_breach_halts_the_symbol() {
    let tagged = scripted("ALGO", |_, _, advice| {
        advice.enter(
            tradewright::types::Signal {
                instrument: A,
                side: Side::Buy,
                confidence: Confidence::FULL,
                tag: Label::new("twap"),
                reason: Label::default(),
            },
            tradewright::types::OrderKind::Market,
            None,
        );
    });
    let mut hands = Hands::new(|engine| engine.slot(ten(tagged)).gate(ParentCheck::new()));
    let (key, value) = (LimitKey::named(ParentCheck::LIMIT, "twap"), Decimal::from(9));
    let actor = Label::new("algo");
    let parent = Control::Limit(LimitChange { key, value, until: None, actor });
    hands.input(1, &Input::Control(parent));
    let commands = hands.bar(1, A, 1.0);
    assert!(placed(&commands).is_empty());
    assert!(commands.iter().any(|it| matches!(it, Command::Alert(_))));
    let halts = hands.engine.halts().halts();
    assert_eq!(halts[0].halt, Halt::new(HaltCause::ParentBreach, HaltScope::Symbol(A)));
}

/// An alert's action is carried out only where the policy allows it.
#[test]
fn alerts_act_as_far_as_they_may() {
    let request = |action| {
        let (scope, alert) = (HaltScope::Symbol(A), Label::new("heat"));
        Input::Control(Control::Act(ActionRequest {
            action,
            scope,
            alert,
            level: AlertLevel::Error,
        }))
    };
    for allowed in AlertAction::ALL {
        let mut hands = Hands::new(|engine| {
            engine
                .slot(SlotConfig::new(obedient(A)))
                .alert_actions(ActionPolicy::new().allow(allowed))
        });
        let [entry] = placed(&hands.bar(1, A, 1.0))[..] else { panic!("an entry") };
        hands.fill(1, &entry, Decimal::TEN);
        for action in AlertAction::ALL {
            let orders = placed(&hands.input(2, &request(action)));
            let sold: Decimal = orders
                .iter()
                .map(|it| match it.intent.amount {
                    tradewright::types::Amount::Quantity(quantity) => quantity.value(),
                    tradewright::types::Amount::Cash(_) => Decimal::ZERO,
                })
                .sum();
            let expected = match action {
                _ if action != allowed => 0,
                AlertAction::ReducePosition => 5,
                AlertAction::ClosePosition => 10,
                _ => 0,
            };
            assert_eq!(sold, Decimal::from(expected), "{action} while {allowed} is allowed");
        }
        let halted = hands.engine.halts().level(ONE, A) == HaltLevel::Halted;
        assert_eq!(halted, allowed == AlertAction::HaltTrading);
    }
}

/// Raised once, updated while it gets worse, cleared beyond its second value; halts last until
/// they end; what is saved comes back.
#[test]
fn alerts_do_not_flicker() {
    let mut board = AlertBoard::new();
    let condition = Condition::above("drawdown", Measure::Drawdown, 0.10, 0.05).unwrap();
    board.watch(condition.action(AlertAction::HaltTrading).level(AlertLevel::Critical)).unwrap();
    assert!(board.watch(condition).is_err(), "the code is taken");
    assert!(Condition::above("x", Measure::Equity, 1.0, 2.0).is_err());
    assert!(Condition::below("x", Measure::Equity, f64::NAN, 2.0).is_err());
    let table = instruments();
    let mark = |board: &mut AlertBoard, equity: f64| {
        let book = tradewright::types::FactBookBuilder::new(&table, USD).equity(equity).build();
        MetricsSink::on_mark(board, &Facts::new(minute(1), ONE, &table, &book));
    };
    for (equity, active) in
        [(100.0, 0), (90.0, 0), (89.0, 1), (89.0, 1), (88.0, 1), (94.0, 1), (95.0, 0), (89.5, 1)]
    {
        mark(&mut board, equity);
        assert_eq!(board.active().len(), active, "{equity}");
    }
    let changes: Vec<AlertChange> = board.history().map(|event| event.change).collect();
    use AlertChange::{Cleared, Raised, Updated};
    assert_eq!(changes, [Raised, Updated, Cleared, Raised]);
    assert_eq!(board.summary().worst, Some(AlertLevel::Critical));
    let mut restored = AlertBoard::new();
    restored.restore(&State::save(&board).unwrap()).unwrap();
    assert_eq!(restored, board);
    let wanted: Vec<AlertAction> = board.take_requests().map(|request| request.action).collect();
    assert_eq!(wanted, [AlertAction::HaltTrading; 2]);
    mark(&mut board, f64::NAN);
    assert_eq!(board.active().len(), 1, "an unknown value clears nothing");
    (0..5_000).for_each(|number| mark(&mut board, if number % 2 == 0 { 80.0 } else { 99.0 }));
    assert_eq!(board.history().len(), 1_024);
}

/// Every pair of the table of positions; what is not listed cannot happen.
#[test]
fn the_table_of_positions() {
    use PositionEvent as E;
    use PositionState as S;
    let table: BTreeMap<S, Vec<(E, S)>> = BTreeMap::from([
        (
            S::Flat,
            vec![(E::EntrySent, S::Opening), (E::Increased, S::Opening), (E::EntryVoid, S::Flat)],
        ),
        (
            S::Closed,
            vec![(E::EntrySent, S::Opening), (E::Increased, S::Opening), (E::EntryVoid, S::Closed)],
        ),
        (
            S::Opening,
            vec![
                (E::EntrySent, S::Opening),
                (E::Increased, S::Opening),
                (E::EntryOver, S::Open),
                (E::EntryVoid, S::Flat),
                (E::Reduced, S::Reducing),
                (E::Closed, S::Closed),
            ],
        ),
        (
            S::Open,
            vec![
                (E::EntrySent, S::Open),
                (E::EntryOver, S::Open),
                (E::Increased, S::Open),
                (E::Reduced, S::Reducing),
                (E::Closed, S::Closed),
            ],
        ),
        (
            S::Reducing,
            vec![
                (E::EntrySent, S::Reducing),
                (E::EntryOver, S::Reducing),
                (E::Reduced, S::Reducing),
                (E::Increased, S::Open),
                (E::Closed, S::Closed),
            ],
        ),
    ]);
    for state in S::ALL {
        for event in E::ALL {
            let expected = table[&state].iter().find(|(own, _)| *own == event).map(|(_, to)| *to);
            assert_eq!(state.after(event), expected, "{state:?} {event:?}");
        }
    }
}

type Audited = Simulation<Box<dyn Strategy>, Tee<AuditLog<Vec<u8>>, AlertBoard>>;

fn audited() -> Audited {
    let sink = Tee(Digest::new(), Tee(AuditLog::new(Vec::new(), instruments()), AlertBoard::new()));
    let engine = Engine::builder(instruments(), USD)
        .slot(ten(obedient(A)).policy(Policy::Reverse))
        .slot(SlotConfig::new(obedient(B)))
        .slot(SlotConfig::new(obedient(A)))
        .gate(MessageThrottle::new(30, Duration::from_secs(600)).unwrap())
        .sink(sink)
        .build()
        .unwrap();
    let venue = SimVenue::new(&instruments(), SimConfig::default()).unwrap();
    let mut world = Simulation::new(engine, venue);
    let deposit = AdjustmentKind::Capital(Money::new(Decimal::from(100_000), USD));
    let deposit = Adjustment { cause: AdjustmentCause::Deposit, kind: deposit };
    world.input(minute(0), &Input::Adjustment(deposit)).unwrap();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// fold(audit) = state, on random runs with halts: orders, positions, the overall level;
    /// the lines come back, the numbers have no gaps, and nothing is found that must not be.
    #[test]
    fn the_audit_log_folds_to_the_state(
        steps in prop::collection::vec((0_u8..10, 0_u8..2, 95_i64..106), 1..60),
    ) {
        let mut world = audited();
        for (number, (order, symbol, price)) in steps.into_iter().enumerate() {
            let number = number as i64 + 1;
            let instrument = if symbol == 0 { A } else { B };
            let ohlc = [price as f64; 4];
            let bar = Bar::new(instrument, Period::MINUTE, ohlc, f64::from(order)).unwrap();
            let event = MarketEvent::Bar(bar);
            world.run(&[Timed { at: minute(number), event }]).unwrap();
            if order >= 8 {
                let (cause, scope) = (HaltCause::Operator, HaltScope::Account);
                let level = if order == 8 { HaltLevel::Halted } else { HaltLevel::Flattening };
                let halt = Control::Halt(Halt { cause, level, scope });
                let resume = Control::Resume { scope, acknowledgement: Acknowledgement::None };
                let control = if symbol == 0 { halt } else { resume };
                world.input(minute(number), &Input::Control(control)).unwrap();
            }
            let (engine, state) = (world.engine(), world.sink().0.state());
            prop_assert_eq!(state.live().count(), engine.orders().live().len());
            for known in engine.orders().live() {
                let found = state.order(known.order.id).unwrap();
                prop_assert_eq!(found.status, known.status);
                prop_assert_eq!((found.filled, found.notional), (known.filled, known.notional));
            }
            for slot in (0..4).map(SlotId) {
                for instrument in [A, B] {
                    let held = engine.account().book().position(slot, instrument).quantity;
                    let found = state.position(slot, instrument);
                    prop_assert_eq!(found.quantity, held);
                    let over = matches!(found.state, PositionState::Flat | PositionState::Closed);
                    prop_assert!(!over || held.is_zero(), "{:?}", found);
                }
            }
            prop_assert_eq!(state.overall(), engine.halts().overall());
            let own: Vec<Halt> = engine.halts().halts().iter().map(|it| it.halt).collect();
            prop_assert_eq!(state.halts(), own);
            let halts = world.sink().1.active().iter();
            let halts = halts.filter(|alert| alert.code.as_str().starts_with("halt."));
            prop_assert_eq!(halts.count(), engine.halts().halts().len());
        }
        let log = world.into_sink().0;
        prop_assert_eq!(log.faults(), 0);
        prop_assert!(log.error().is_none());
        let state = log.state().clone();
        let text = String::from_utf8(log.into_writer()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let entries: Vec<AuditEntry> = lines.collect();
        let (folded, faults) = AuditState::fold(&entries);
        prop_assert!(faults.is_empty());
        prop_assert_eq!(&folded, &state);
        let all = (minute(-1), Timestamp::MAX);
        let report = AuditReport::over(&entries, all, LifetimeBounds::default());
        prop_assert_eq!(report.entries, state.sequence());
        let ended: u64 = report.outcomes.values().sum();
        prop_assert_eq!(report.placed, ended + state.live().count() as u64);
        if let Some((_, less)) = entries.split_first().filter(|(_, less)| !less.is_empty()) {
            prop_assert!(!AuditState::fold(less).1.is_empty(), "a gap is found");
        }
    }

    /// While a scope is not Active nothing leaves that opens exposure in it, whatever comes in:
    /// signals, fills in parts, late and repeated answers, refusals, halts and resumes.
    #[test]
    fn no_sequence_opens_exposure_while_halted(
        steps in prop::collection::vec((0_u8..16, 0_usize..6, any::<bool>()), 1..120),
    ) {
        let mut hands = Hands::new(|engine| {
            engine
                .slot(SlotConfig::new(obedient(A)).policy(Policy::LongShort))
                .slot(ten(obedient(A)).policy(Policy::Reverse))
                .slot(SlotConfig::new(obedient(B)))
        });
        let scopes = [
            HaltScope::Account,
            HaltScope::Symbol(A),
            HaltScope::Strategy(ONE),
            HaltScope::Strategy(TWO),
            HaltScope::Everything,
            HaltScope::Symbol(B),
        ];
        let mut known: Vec<Order> = Vec::new();
        for (number, (step, which, flag)) in steps.into_iter().enumerate() {
            let at = number as i64;
            let before = hands.engine.halts().clone();
            let order = known.iter().rev().nth(which).copied();
            let commands = match (step, order) {
                (0..=7, _) => hands.bar(at, if flag { A } else { B }, f64::from(step)),
                (8, Some(order)) => hands.report(at, &order, OrderReport::Accepted),
                (9, Some(order)) => hands.report(at, &order, OrderReport::Cancelled),
                (10, Some(order)) => {
                    let refused = RejectReason::NotTrading;
                    let report = [OrderReport::ChangeRefused, OrderReport::Rejected];
                    hands.report(at, &order, report[usize::from(flag)](refused))
                }
                (11 | 12, Some(order)) => {
                    let left = hands.engine.orders().find(order.id).map(|state| state.remaining());
                    let left = left.unwrap_or_default();
                    let part = if flag || left <= Decimal::ONE { left } else { Decimal::ONE };
                    if part.is_zero() { continue }
                    hands.fill(at, &order, part)
                }
                (13, _) => {
                    let levels = [HaltLevel::ReduceOnly, HaltLevel::Halted, HaltLevel::Flattening];
                    let (cause, scope) = (CAUSES[which], scopes[which]);
                    let halt = Halt { cause, level: levels[which % 3], scope };
                    hands.input(at, &Input::Control(Control::Halt(halt)))
                }
                (14, _) => {
                    let acknowledgement = Acknowledgement::Emergency;
                    let resume = Control::Resume { scope: scopes[which], acknowledgement };
                    hands.input(at, &Input::Control(resume))
                }
                _ => hands.input(at, &Input::Time),
            };
            let orders = placed(&commands);
            let book = hands.engine.account().book();
            let mut sold: BTreeMap<(InstrumentId, bool), Decimal> = BTreeMap::new();
            for order in &orders {
                let intent = &order.intent;
                let quantity = match intent.amount {
                    tradewright::types::Amount::Quantity(quantity) => quantity.value(),
                    tradewright::types::Amount::Cash(_) => Decimal::MAX,
                };
                let after = hands.engine.halts();
                let venue = |halts: &HaltMachine| halts.venue_level(intent.instrument);
                let own = |halts: &HaltMachine| halts.level(intent.slot, intent.instrument);
                let key = (intent.instrument, intent.side == Side::Buy);
                let sum = sold.entry(key).or_default();
                *sum += quantity;
                let active = HaltLevel::Active;
                if venue(&before) > active && venue(after) > active {
                    let net = book.net(intent.instrument).quantity;
                    prop_assert!(*sum <= -intent.side.signed(net), "{:?} at net {}", intent, net);
                } else if own(&before) > active && own(after) > active {
                    let held = book.position(intent.slot, intent.instrument).quantity;
                    prop_assert!(quantity <= -intent.side.signed(held), "{:?} at {}", intent, held);
                }
            }
            known.extend(orders);
        }
        // Whatever happened, a venue that answers brings every flattening to its end.
        for minute in 0..40 {
            let at = 1_000 + minute;
            hands.input(at, &Input::Time);
            for order in hands.live() {
                let state = *hands.engine.orders().find(order.id).unwrap();
                let closes = order.intent.purpose == Purpose::Flatten;
                if state.status == OrderStatus::Pending && closes {
                    hands.fill(at, &order, state.remaining());
                } else {
                    hands.report(at, &order, OrderReport::Cancelled);
                }
            }
        }
        let halts = hands.engine.halts();
        let is_stopped = [A, B].iter().any(|id| halts.venue_level(*id) > HaltLevel::Active);
        for active in halts.halts() {
            // Beside a halt of the venue's position a strategy whose position others balance
            // cannot close it without opening the venue's.
            let waits = is_stopped && matches!(active.halt.scope, HaltScope::Strategy(_));
            prop_assert!(waits || active.halt.level != HaltLevel::Flattening, "{:?}", active);
        }
    }
}

/// A run under controls has one state, saved and restored or not.
#[test]
fn positions_and_alerts_are_the_same_in_two_runs() {
    let run = || {
        let mut world = audited();
        for number in 1..40 {
            let bar = Bar::new(A, Period::MINUTE, [100.0; 4], (number % 8) as f64).unwrap();
            let event = MarketEvent::Bar(bar);
            world.run(&[Timed { at: minute(number), event }]).unwrap();
        }
        (world.hash(), world.into_sink().0.into_writer())
    };
    let (first, second) = (run(), run());
    assert_eq!(first.0, second.0);
    assert_eq!(first.1, second.1, "byte for byte");
    assert!(!first.1.is_empty());
}

/// A group falls as a whole when a gate refuses one of its legs.
#[test]
fn a_gate_takes_the_whole_group_down() {
    let pair = scripted("PAIR", |bar, _, advice| {
        if bar == 1 {
            advice.together(|legs| {
                legs.target(A, Qty::from(10));
                legs.target(B, Qty::from(-7));
            });
        }
    });
    let throttle = MessageThrottle::new(2, Duration::from_secs(60)).unwrap().reserve(1).unwrap();
    let mut world = world(|engine| engine.slot(SlotConfig::new(pair)).gate(throttle));
    world.run(&[flat(B, 1, 50.0), flat(A, 1, 100.0), flat(A, 2, 100.0)]).unwrap();
    assert_eq!(net(&world, B), Decimal::ZERO);
    assert!(world.engine().orders().live().is_empty(), "the first leg was taken back");
}

/// The halt of degradation follows the mode of the system down and up, cancels resting entries
/// from EMERGENCY on, and leaves every other halt alone.
#[test]
fn modes_of_operation_halt_and_let_go() {
    let mut hands = Hands::new(|engine| engine.slot(SlotConfig::new(obedient(A))));
    let mode = |hands: &mut Hands, mode| hands.input(1, &Input::Control(Control::Mode(mode)));
    let level = |hands: &Hands| hands.engine.halts().overall();
    let [quote] = placed(&hands.bar(0, A, 4.0))[..] else { panic!("a quote") };
    assert_eq!(cancelled(&mode(&mut hands, OperatingMode::Degraded)), 0);
    assert_eq!(level(&hands), HaltLevel::ReduceOnly);
    assert!(mode(&mut hands, OperatingMode::Degraded).is_empty(), "said once");
    assert_eq!(cancelled(&mode(&mut hands, OperatingMode::Emergency)), 1);
    assert_eq!(level(&hands), HaltLevel::Halted);
    assert!(mode(&mut hands, OperatingMode::Offline).is_empty());
    hands.report(1, &quote, OrderReport::Cancelled);
    mode(&mut hands, OperatingMode::Degraded);
    assert_eq!(level(&hands), HaltLevel::ReduceOnly);
    assert_eq!(hands.engine.halts().halts().len(), 1);
    let operator = Halt::new(HaltCause::Operator, HaltScope::Account);
    hands.input(1, &Input::Control(Control::Halt(operator)));
    mode(&mut hands, OperatingMode::Normal);
    let [left] = hands.engine.halts().halts() else { panic!("the operator's") };
    assert_eq!(left.halt.cause, HaltCause::Operator);
    let resume =
        Control::Resume { scope: HaltScope::Account, acknowledgement: Acknowledgement::None };
    mode(&mut hands, OperatingMode::Emergency);
    hands.input(1, &Input::Control(resume));
    assert_eq!(level(&hands), HaltLevel::Halted, "a resume does not make the system whole");
}
