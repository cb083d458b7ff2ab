//! Stop plans at work in the engine: one protective order per position, wherever the price goes.

use std::time::Duration;

use proptest::prelude::*;
use tradewright::backtest::{Backtest, CsvBars, Report, Tape, Timed};
use tradewright::engine::{ActionPolicy, Control, SlotConfig};
use tradewright::prelude::*;
use tradewright::risk::{
    BreakEven, DailyLimit, DrawdownSchedule, FixedFractional, Kelly, KellyWindow, MessageThrottle,
    RealtimeRiskManager, Smallest, StopDistance, StopPlan, StopVolatility, StopWidth,
    VolatilitySource, VolatilityTarget,
};
use tradewright::types::{
    ActionRequest, AlertAction, AlertLevel, DayBoundary, Halt, HaltCause, HaltLevel, HaltScope,
    Label, OrderKind, OrderReport, OrderStatus, OrderUpdate, Purpose, RejectReason, SlotId,
};

use tradewright::strategy::Strategy;

use super::engine_world::{
    A, ONE, World, bar, conserved, flat, instruments, minute, position, scripted, ten, world,
};

fn percent(width: f64) -> StopPlan {
    StopPlan::new(StopWidth::Fraction(width)).unwrap()
}

fn buy_once() -> Box<dyn Strategy> {
    scripted("BUY_ONCE", |seen, _, advice| {
        if seen == 1 {
            advice.buy(Confidence::FULL);
        }
    })
}

/// The triggers that were asked for, in order.
fn triggers(world: &World) -> Vec<String> {
    world.sink().stops.iter().map(|row| row.to.to_string()).collect()
}

/// The live stop orders: trigger and quantity.
fn working(world: &World) -> Vec<(String, Decimal)> {
    let live = world.engine().orders().live().iter();
    let stops = live.filter(|state| state.order.intent.kind.trigger().is_some());
    stops
        .map(|state| {
            assert!(state.order.intent.flags.reduce_only);
            let trigger = state.order.intent.kind.trigger().unwrap();
            (trigger.value().normalize().to_string(), state.remaining())
        })
        .collect()
}

/// The stop is placed at the fill, follows the plan by amendments, and closes the position.
#[test]
fn a_stop_is_placed_moved_and_hit() {
    let plan = percent(0.05).trailing(StopWidth::Fraction(0.1)).unwrap();
    let mut world = world(|builder| builder.slot(ten(buy_once()).trades([A]).stop(plan)));
    world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0)]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::TEN);
    assert_eq!(working(&world), [("95".to_owned(), Decimal::TEN)]);
    let fact = world.engine().account().book().stop(ONE, A);
    assert_eq!((fact.level, fact.covered), (95.0, 10.0));

    world.run(&[flat(A, 3, 120.0), flat(A, 4, 115.0)]).unwrap();
    assert_eq!(working(&world), [("108".to_owned(), Decimal::TEN)]);
    assert_eq!(world.engine().account().book().stop(ONE, A).level, 108.0);
    world.run(&[bar(A, 5, [112.0, 112.0, 100.0, 104.0]), flat(A, 6, 104.0)]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::ZERO);
    assert!(working(&world).is_empty());
    assert_eq!(triggers(&world), ["95", "108"]);
    let trade = world.sink().trades.last().unwrap();
    assert_eq!(trade.exit, Decimal::from(108));
    assert_eq!(world.engine().account().book().stop(ONE, A).covered, 0.0);
    conserved(&world);
}

/// An alert that may tighten stops takes the stop half the way to the mark, and again; the plan
/// never takes it back.
#[test]
fn an_alert_tightens_the_stop() {
    let allowed = ActionPolicy::new().allow(AlertAction::TightenStops);
    let mut world = world(|builder| {
        builder.slot(ten(buy_once()).trades([A]).stop(percent(0.1))).alert_actions(allowed)
    });
    world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0)]).unwrap();
    let ask = |scope| {
        Input::Control(Control::Act(ActionRequest {
            action: AlertAction::TightenStops,
            scope,
            alert: Label::new("heat"),
            level: AlertLevel::Warning,
        }))
    };
    let elsewhere = HaltScope::Strategy(SlotId(9));
    world.input(minute(2), &ask(elsewhere)).unwrap();
    assert_eq!(working(&world), [("90".to_owned(), Decimal::TEN)]);
    world.input(minute(2), &ask(HaltScope::Account)).unwrap();
    assert_eq!(working(&world), [("95".to_owned(), Decimal::TEN)]);
    world.run(&[flat(A, 3, 101.0)]).unwrap();
    world.input(minute(3), &ask(HaltScope::Symbol(A))).unwrap();
    assert_eq!(working(&world), [("98".to_owned(), Decimal::TEN)]);
    world.run(&[flat(A, 4, 100.0)]).unwrap();
    assert_eq!(triggers(&world), ["90", "95", "98"]);
}

/// Moves of a stop use the message budget as cancels do, and wait while there is none.
#[test]
fn moves_of_a_stop_wait_for_the_message_budget() {
    let throttle = MessageThrottle::new(3, Duration::from_secs(600)).unwrap();
    let plan = percent(0.1).trailing(StopWidth::Fraction(0.1)).unwrap();
    let mut world =
        world(|builder| builder.slot(ten(buy_once()).trades([A]).stop(plan)).gate(throttle));
    world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0), flat(A, 3, 110.0)]).unwrap();
    assert_eq!(triggers(&world), ["90", "99"], "an entry, a stop and a move are three");
    world.run(&[flat(A, 4, 120.0)]).unwrap();
    assert_eq!(working(&world), [("99".to_owned(), Decimal::TEN)], "the budget is used up");
    world.run(&[flat(A, 12, 120.0)]).unwrap();
    assert_eq!(working(&world), [("108".to_owned(), Decimal::TEN)], "it has room again");
}

/// A signal against the position and a target replace the stop; no order is left behind.
#[test]
fn exits_take_the_place_of_the_stop() {
    let strategy = scripted("IN_AND_OUT", |seen, _, advice| match seen {
        1 => advice.buy(Confidence::FULL),
        3 => advice.target(A, Qty::from(4)),
        6 => advice.sell(Confidence::FULL),
        _ => {}
    });
    let mut world = world(|builder| builder.slot(ten(strategy).trades([A]).stop(percent(0.05))));
    let bars: Vec<Timed> = (1..=5).map(|number| flat(A, number, 100.0)).collect();
    world.run(&bars).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::from(4));
    assert_eq!(working(&world), [("95".to_owned(), Decimal::from(4))], "cut to the position");
    world.run(&[flat(A, 6, 100.0), flat(A, 7, 100.0), flat(A, 8, 90.0)]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::ZERO);
    assert!(world.engine().orders().live().is_empty());
    assert!(world.sink().refusals.is_empty(), "{:?}", world.sink().refusals);
    conserved(&world);
}

/// Law 25: with every opening forbidden, an exit passes although its stop works on its side.
#[test]
fn a_halt_does_not_block_the_exit_of_a_stopped_position() {
    let strategy = scripted("OUT", |seen, _, advice| match seen {
        1 => advice.buy(Confidence::FULL),
        4 => advice.sell(Confidence::FULL),
        _ => {}
    });
    let mut world = world(|builder| builder.slot(ten(strategy).trades([A]).stop(percent(0.05))));
    world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0)]).unwrap();
    let halt = Halt::new(HaltCause::Operator, HaltScope::Account);
    let control = Control::Halt(halt);
    world.input(minute(2), &Input::Control(control)).unwrap();
    world.run(&[flat(A, 3, 100.0)]).unwrap();
    assert_eq!(working(&world).len(), 1, "a halt leaves what protects");
    world.run(&[flat(A, 4, 100.0), flat(A, 5, 100.0)]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::ZERO);
    assert!(world.sink().refusals.is_empty(), "{:?}", world.sink().refusals);
}

/// Flattening cancels the stop and none comes back.
#[test]
fn flattening_needs_no_stop() {
    let mut world = world(|builder| builder.slot(ten(buy_once()).trades([A]).stop(percent(0.05))));
    world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0)]).unwrap();
    let halt = Halt { level: HaltLevel::Flattening, ..kill() };
    let control = Control::Halt(halt);
    world.input(minute(2), &Input::Control(control)).unwrap();
    world.run(&[flat(A, 3, 99.0), flat(A, 4, 98.0), flat(A, 5, 80.0)]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::ZERO);
    assert!(world.engine().orders().live().is_empty());
    assert_eq!(triggers(&world), ["95"]);
}

fn kill() -> Halt {
    Halt::new(HaltCause::KillSwitch, HaltScope::Account)
}

/// A position that has lived as long as its plan lets it is closed at the market.
#[test]
fn a_time_stop_closes() {
    let plan = percent(0.05).time(Duration::from_secs(180)).unwrap();
    let mut world = world(|builder| builder.slot(ten(buy_once()).trades([A]).stop(plan)));
    let bars: Vec<Timed> = (1..=7).map(|number| flat(A, number, 100.0)).collect();
    world.run(&bars).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::ZERO);
    let exit = world.sink().orders.last().unwrap();
    assert_eq!(exit.order.intent.kind, OrderKind::Market);
    assert_eq!(exit.order.intent.reason.as_str(), "time stop");
    assert!(world.engine().orders().live().is_empty());
}

/// A short position is stopped above, the trailing stop comes down.
#[test]
fn a_short_position_is_stopped_above() {
    let strategy = scripted("SHORT", |seen, _, advice| {
        if seen == 1 {
            advice.sell(Confidence::FULL);
        }
    });
    let plan = percent(0.05).trailing(StopWidth::Fraction(0.05)).unwrap();
    let mut world = world(|builder| {
        builder.slot(ten(strategy).trades([A]).policy(Policy::LongShort).stop(plan))
    });
    world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0), flat(A, 3, 80.0)]).unwrap();
    assert_eq!(triggers(&world), ["105", "84"]);
    world.run(&[bar(A, 4, [82.0, 90.0, 82.0, 88.0])]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::ZERO);
    conserved(&world);
}

/// A venue that refuses to amend gets a new order instead, once the old one is gone.
#[test]
fn a_refused_amendment_is_replaced() {
    let plan = percent(0.05).trailing(StopWidth::Fraction(0.05)).unwrap();
    let table = instruments();
    let slot = ten(buy_once()).trades([A]).stop(plan);
    let mut engine = Engine::builder(table, super::engine_world::USD).slot(slot).build().unwrap();
    let mut out = Vec::new();
    let mut tell = |engine: &mut Engine, at: i64, input: Input| -> Vec<Command> {
        out.clear();
        engine.handle(minute(at), &input, &mut out).unwrap();
        out.clone()
    };
    let market = |number: i64, price: f64| Input::Market(flat(A, number, price).event);
    let placed = |commands: &[Command]| match commands {
        [Command::Place(order)] => *order,
        other => panic!("one order, not {other:?}"),
    };
    let entry = placed(&tell(&mut engine, 1, market(1, 100.0)));
    let report = |order: tradewright::types::OrderId, side: Side, report: OrderReport| {
        let leg = tradewright::types::Leg::Net;
        Input::Order(OrderUpdate { order, instrument: A, side, leg, report })
    };
    let fill = ten_at_100();
    let stop = placed(&tell(&mut engine, 1, report(entry.id, Side::Buy, fill)));
    assert_eq!(stop.intent.kind.trigger(), Some(price("95")));
    assert!(tell(&mut engine, 1, report(stop.id, Side::Sell, OrderReport::Accepted)).is_empty());
    let amended = tell(&mut engine, 2, market(2, 110.0));
    assert!(matches!(amended[..], [Command::Amend { order, .. }] if order == stop.id));
    let refused = OrderReport::ChangeRefused(RejectReason::InvalidOrder);
    let cancel = tell(&mut engine, 2, report(stop.id, Side::Sell, refused));
    assert!(matches!(cancel[..], [Command::Cancel { order, .. }] if order == stop.id));
    let next = tell(&mut engine, 2, report(stop.id, Side::Sell, OrderReport::Cancelled));
    assert_eq!(placed(&next).intent.kind.trigger(), Some(price("104.5")));
}

/// A refused stop is told to a person and tried again later, not at once.
#[test]
fn a_refused_stop_pauses() {
    let table = instruments();
    let slot = ten(buy_once()).trades([A]).stop(percent(0.05));
    let mut engine = Engine::builder(table, super::engine_world::USD).slot(slot).build().unwrap();
    let mut out = Vec::new();
    engine.handle(minute(1), &Input::Market(flat(A, 1, 100.0).event), &mut out).unwrap();
    let Command::Place(entry) = out[0] else { panic!("the entry") };
    let leg = tradewright::types::Leg::Net;
    let fill = ten_at_100();
    out.clear();
    let update = OrderUpdate { order: entry.id, instrument: A, side: Side::Buy, leg, report: fill };
    engine.handle(minute(1), &Input::Order(update), &mut out).unwrap();
    let Command::Place(stop) = out[0] else { panic!("the stop") };
    out.clear();
    let report = OrderReport::Rejected(RejectReason::InvalidOrder);
    let update = OrderUpdate { order: stop.id, instrument: A, side: Side::Sell, leg, report };
    engine.handle(minute(1), &Input::Order(update), &mut out).unwrap();
    assert!(matches!(out[..], [Command::Alert(_)]), "{out:?}");
    out.clear();
    engine.handle(minute(2), &Input::Market(flat(A, 2, 100.0).event), &mut out).unwrap();
    assert!(matches!(out[..], [Command::Place(_)]), "{out:?}");
}

/// A refused exit is told to a person and tried again after a pause that grows, which the engine's
/// deadline announces; never on the report that refused it.
#[test]
fn a_refused_exit_pauses() {
    let table = instruments();
    let plan = percent(0.05).time(Duration::from_secs(3_600)).unwrap();
    let slot = ten(buy_once()).trades([A]).stop(plan);
    let mut engine = Engine::builder(table, super::engine_world::USD).slot(slot).build().unwrap();
    let mut tell = |at: Timestamp, input: Input| -> (Vec<Command>, Option<Timestamp>) {
        let mut out = Vec::new();
        engine.handle(at, &input, &mut out).unwrap();
        (out, engine.deadline())
    };
    let leg = tradewright::types::Leg::Net;
    let report = |order: tradewright::types::OrderId, side: Side, report: OrderReport| {
        Input::Order(OrderUpdate { order, instrument: A, side, leg, report })
    };
    let (out, _) = tell(minute(1), Input::Market(flat(A, 1, 100.0).event));
    let [Command::Place(entry)] = out[..] else { panic!("the entry: {out:?}") };
    let fill = ten_at_100();
    let (out, _) = tell(minute(1), report(entry.id, Side::Buy, fill));
    let [Command::Place(stop)] = out[..] else { panic!("the stop: {out:?}") };
    let refused = || OrderReport::Rejected(RejectReason::InvalidOrder);
    let (out, deadline) = tell(minute(1), report(stop.id, Side::Sell, refused()));
    assert!(matches!(out[..], [Command::Alert(_)]), "{out:?}");
    assert_eq!(deadline, Some(minute(1).after(Duration::from_secs(1))));
    let (out, _) = tell(minute(2), Input::Market(flat(A, 2, 90.0).event));
    let [Command::Place(mut exit)] = out[..] else { panic!("the exit: {out:?}") };
    assert_eq!(exit.intent.kind, OrderKind::Market);
    let mut at = minute(2);
    for seconds in [2, 4, 8] {
        let (out, deadline) = tell(at, report(exit.id, Side::Sell, refused()));
        assert!(out.is_empty(), "{out:?}");
        let later = at.after(Duration::from_secs(seconds));
        assert_eq!(deadline, Some(later));
        let (out, _) = tell(later.after(Duration::from_millis(1)), Input::Time);
        let [Command::Place(next)] = out[..] else { panic!("the next exit: {out:?}") };
        exit = next;
        at = later.after(Duration::from_millis(1));
    }
}

/// The venue fills an entry of ten.
fn ten_at_100() -> OrderReport {
    OrderReport::Fill(tradewright::types::FillReport {
        trade: tradewright::types::TradeId(1),
        price: price("100"),
        quantity: Qty::from(10),
        fee: tradewright::types::Money::zero(super::engine_world::USD),
        liquidity: tradewright::types::Liquidity::Taker,
        before_slippage: price("100"),
    })
}

fn price(text: &str) -> Price {
    Price::new(Decimal::from_str_exact(text).unwrap()).unwrap()
}

/// A plan of everything, sized by risk, volatility and Kelly, under a manager of everything.
fn full_plan() -> StopPlan {
    StopPlan::new(StopWidth::Multiple(2.0))
        .and_then(|plan| plan.measured_by(StopVolatility::Atr { period: 5 }))
        .and_then(|plan| plan.trailing(StopWidth::Multiple(3.0)))
        .and_then(|plan| plan.chandelier(StopWidth::Multiple(3.5)))
        .and_then(|plan| {
            plan.break_even(BreakEven { after: StopWidth::Multiple(2.0), lock: 0.001 })
        })
        .and_then(|plan| plan.time(Duration::from_secs(40 * 86_400)))
        .and_then(|plan| plan.tightened(DrawdownSchedule::default()))
        .unwrap()
}

fn full_sizer() -> Smallest {
    let risk = FixedFractional::new(Decimal::new(1, 2), StopDistance::Plan).unwrap();
    let source = VolatilitySource::Measured {
        estimator: tradewright::math::VolatilityEstimator::CloseToClose,
        window: 10,
        bars_per_year: 252.0,
        period: None,
    };
    let volatility = VolatilityTarget::new(0.1, Decimal::ONE, source).unwrap();
    let window = KellyWindow { trades: 50, least: 50, until_then: 0.5 };
    let kelly = Kelly::observed(window, 1.0, Decimal::new(5, 1)).unwrap();
    Smallest::new(risk).and(volatility).and(kelly)
}

fn full_manager() -> RealtimeRiskManager {
    let boundary = DayBoundary::new("America/New_York", 17 * 3_600).unwrap();
    RealtimeRiskManager::builder()
        .max_position_fraction(0.5)
        .scaled_by_drawdown(DrawdownSchedule::default())
        .daily_loss(DailyLimit::Fraction(Decimal::new(4, 3)), boundary)
        .portfolio_heat(0.03)
        .concentration(0.5)
        .build()
        .unwrap()
}

fn spx() -> Tape {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    CsvBars::open(file).load(Instrument::stock("SPX", "USD").step("0.001")).unwrap()
}

fn full(tape: &Tape) -> Backtest<'_> {
    let strategy = StrategyRegistry::new();
    let ids: Vec<InstrumentId> = tape.instruments().iter().map(|found| found.id).collect();
    let context = tradewright::strategy::StrategyContext::new(tape.instruments(), &ids);
    let built = strategy.build_json("EMA_CROSS", "{}", &context).unwrap();
    let slot = SlotConfig::new(built.strategy)
        .fingerprint(built.fingerprint.value())
        .trades(ids)
        .sizer(full_sizer())
        .stop(full_plan());
    Backtest::new(tape).slot(slot).risk(full_manager())
}

/// What the whole layer does to a known strategy on known data, so that a change is seen.
#[test]
fn the_layer_at_work_is_as_it_was() {
    let tape = spx();
    let report: Report = full(&tape).run().unwrap();
    let count = |purpose: Purpose| {
        let orders = report.orders.iter().filter(|row| row.order.intent.purpose == purpose);
        orders.filter(|row| row.status == OrderStatus::Filled).count()
    };
    let daily = report.halts.iter().filter(|row| row.halt.cause == HaltCause::DailyLoss);
    let found = (
        report.trades.len(),
        report.stops.len(),
        count(Purpose::StopLoss),
        count(Purpose::Exit),
        daily.count(),
        report.equity.last().map(|point| (point.equity * 100.0).round()),
    );
    assert!(report.anomalies.is_empty() && report.failures.is_empty());
    assert_eq!(found, GOLDEN);
}

/// Trades, moves of stops, stops hit, exits by signal, changes of the daily halt, cents.
const GOLDEN: (usize, usize, usize, usize, usize, Option<f64>) =
    (82, 621, 76, 6, 126, Some(10_659_305.0));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// A run that is saved and restored anywhere ends with the same hash, stops, daily loss
    /// and remembering sizers included.
    #[test]
    fn a_restored_run_goes_on_as_if_nothing_had_happened(cut in 1_usize..1_500) {
        let tape = spx();
        let events = &tape.events()[..1_600];
        let (_, mut whole) = full(&tape).prepare(()).unwrap();
        whole.run(events).unwrap();
        let (_, mut first) = full(&tape).prepare(()).unwrap();
        first.run(&events[..cut]).unwrap();
        let saved = first.save().unwrap();
        let (_, mut second) = full(&tape).prepare(()).unwrap();
        second.restore(&saved).unwrap();
        prop_assert_eq!(second.save().unwrap(), saved);
        second.run(&events[cut..]).unwrap();
        prop_assert_eq!(whole.hash(), second.hash());
    }

    /// Whatever the market does: at most one stop order works per position, on its losing side
    /// at the start, never further away later, never for more than is held; and money is
    /// conserved.
    #[test]
    fn one_stop_per_position_and_it_never_moves_away(
        moves in prop::collection::vec(-0.04_f64..0.04, 30..80),
        wick in 0.0_f64..0.02,
        rhythm in 2_i64..9,
        short in any::<bool>(),
    ) {
        let strategy = scripted("RHYTHM", move |seen, _, advice| {
            if seen % rhythm == 1 {
                let first = (seen / rhythm) % 2 == 0;
                if first == short {
                    advice.sell(Confidence::FULL);
                } else {
                    advice.buy(Confidence::FULL);
                }
            }
        });
        let plan = StopPlan::new(StopWidth::Multiple(1.5)).unwrap()
            .measured_by(StopVolatility::Deviation { window: 3 }).unwrap()
            .chandelier(StopWidth::Multiple(2.0)).unwrap()
            .break_even(BreakEven { after: StopWidth::Fraction(0.03), lock: 0.001 }).unwrap();
        let slot = ten(strategy).trades([A]).policy(Policy::LongShort).stop(plan);
        let mut world = world(|builder| builder.slot(slot));
        let mut price: f64 = 100.0;
        for (number, change) in moves.iter().enumerate() {
            let cents = |value: f64| (value * 100.0).round() / 100.0;
            let (open, close) = (price, cents(price * (1.0 + change)));
            let (high, low) = (open.max(close), open.min(close));
            let ohlc = [open, cents(high * (1.0 + wick)), cents(low * (1.0 - wick)), close];
            world.run(&[bar(A, number as i64 + 1, ohlc)]).unwrap();
            price = close;
            let held = position(&world, ONE, A);
            let live = working(&world);
            prop_assert!(live.len() <= 1, "{live:?}");
            if let Some((_, quantity)) = live.first() {
                prop_assert!(*quantity <= held.abs(), "{quantity} of {held}");
            }
            conserved(&world);
        }
        check_monotone(&world)?;
    }
}

/// Within one position every move of the stop is towards the price.
fn check_monotone(world: &World) -> Result<(), TestCaseError> {
    let sink = world.sink();
    for row in &sink.stops {
        let entry = sink
            .fills
            .iter()
            .rev()
            .find(|(fill, _)| fill.at <= row.at && fill.purpose == Purpose::Entry);
        let (fill, _) = entry.unwrap();
        let is_long = fill.side == Side::Buy;
        match row.from {
            Some(from) if is_long => prop_assert!(row.to > from, "{row:?}"),
            Some(from) => prop_assert!(row.to < from, "{row:?}"),
            None if is_long => prop_assert!(row.to < fill.execution.price, "{row:?}"),
            None => prop_assert!(row.to > fill.execution.price, "{row:?}"),
        }
    }
    Ok(())
}

/// Another plan refuses the snapshot.
#[test]
fn a_snapshot_of_another_plan_is_refused() {
    let tape = spx();
    let registered = |width: f64| {
        let slot = Backtest::new(&tape).stop(percent(width)).strategy("EMA_CROSS");
        slot.prepare(()).unwrap().1
    };
    let saved = registered(0.05).save().unwrap();
    assert!(registered(0.05).restore(&saved).is_ok());
    assert!(registered(0.06).restore(&saved).is_err());
}
