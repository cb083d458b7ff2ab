//! Orders of several strategies that meet inside the engine.

use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};
use tradewright::backtest::{Backtest, Run, replay, synthetic};
use tradewright::engine::{Command, Control, Input, Netting};
use tradewright::metrics::Tee;
use tradewright::prelude::*;
use tradewright::risk::{PositionSize, StopPlan, StopWidth};
use tradewright::types::{
    Bracket, Halt, HaltCause, HaltLevel, HaltScope, Label, OrderKind, OrderStatus, Signal, SlotId,
};

use crate::engine_world::{
    A, B, ONE, TWO, World, conserved, flat, minute, net, position, scripted, ten, world,
};

const THREE: SlotId = SlotId(3);
const NAMES: [&str; 3] = ["FIRST", "SECOND", "THIRD"];

/// A strategy that wants these positions in A, one bar after the other.
fn targets(name: &'static str, wanted: Vec<i64>) -> Box<dyn Strategy> {
    scripted(name, move |bar, _, advice| {
        if let Some(wanted) = wanted.get(bar as usize - 1) {
            advice.target(A, Qty::from(*wanted));
        }
    })
}

fn netted(netting: Netting, slots: &[Vec<i64>]) -> World {
    world(|mut engine| {
        for (name, wanted) in NAMES.into_iter().zip(slots) {
            engine = engine.slot(ten(targets(name, wanted.clone())));
        }
        engine.netting(netting)
    })
}

fn bars(world: &mut World, first: i64, prices: &[f64]) {
    for (number, price) in (first..).zip(prices) {
        world.run(&[flat(A, number, *price)]).unwrap();
        conserved(world);
    }
}

fn commands(world: &World) -> Vec<Command> {
    world.decisions().unwrap().rows().iter().map(|(_, command)| *command).collect()
}

fn crossed(world: &World) -> Vec<(SlotId, Decimal, Decimal)> {
    let fills = world.sink().fills.iter().map(|(fill, _)| fill);
    let inside = fills.filter(|fill| fill.execution.trade.is_crossed());
    inside.map(|fill| (fill.slot, fill.signed_quantity(), fill.execution.price.value())).collect()
}

fn number(number: i64) -> Decimal {
    Decimal::from(number)
}

/// Equal and opposite: the venue hears nothing, both strategies have their position at the mark
/// of that instant, and what one of them loses the other one wins.
#[test]
fn equal_and_opposite_orders_never_reach_the_venue() {
    let mut world = netted(Netting::AtMark, &[vec![10, 10, 0], vec![-10, -10, 0]]);
    bars(&mut world, 1, &[100.0]);
    assert_eq!((position(&world, ONE, A), position(&world, TWO, A)), (number(10), number(-10)));
    assert_eq!(net(&world, A), Decimal::ZERO);
    bars(&mut world, 2, &[103.0, 104.0]);
    assert_eq!(commands(&world), []);
    let (hundred, later) = (number(100), number(104));
    let expected = [
        (ONE, number(10), hundred),
        (TWO, number(-10), hundred),
        (TWO, number(10), later),
        (ONE, number(-10), later),
    ];
    assert_eq!(crossed(&world), expected);
    assert!(world.sink().fills.iter().all(|(fill, _)| fill.execution.fee.amount.is_zero()));
    let trades = world.sink().trades.iter();
    let gains: Vec<_> = trades.map(|trade| (trade.slot, trade.gross.amount)).collect();
    assert_eq!(gains, [(TWO, number(-40)), (ONE, number(40))]);
    assert!(world.engine().orders().live().is_empty());
    assert!(world.sink().orders.iter().all(|row| row.status == OrderStatus::Filled));
}

/// Two buy, one sells more than either: each meets it in turn, and the venue gets the rest in
/// one order, under the id of the one that is not done.
#[test]
fn only_the_rest_goes_to_the_venue() {
    let mut world = netted(Netting::AtMark, &[vec![4], vec![3], vec![-20]]);
    bars(&mut world, 1, &[50.0]);
    let [Command::Place(order)] = commands(&world)[..] else { panic!("one order") };
    assert_eq!((order.id.slot(), order.intent.side), (THREE, Side::Sell));
    assert_eq!(order.intent.amount, tradewright::types::Amount::Quantity(Qty::from(13)));
    let held = [ONE, TWO, THREE].map(|slot| position(&world, slot, A));
    assert_eq!(held, [number(4), number(3), number(-7)]);
    let state = world.engine().orders().find(order.id).unwrap();
    assert_eq!((state.status, state.filled), (OrderStatus::PartiallyFilled, number(7)));
    bars(&mut world, 2, &[51.0]);
    assert_eq!((position(&world, THREE, A), net(&world, A)), (number(-20), number(-13)));
    let state = world.engine().orders().find(order.id).unwrap();
    assert_eq!((state.status, state.notional), (OrderStatus::Filled, number(7 * 50 + 13 * 51)));
}

/// Entries meet exits, and a strategy never meets itself.
#[test]
fn exits_meet_entries_of_others_only() {
    let mut pair = netted(Netting::AtMark, &[vec![10, 0], vec![0, 10]]);
    bars(&mut pair, 1, &[20.0, 21.0]);
    assert_eq!(commands(&pair).len(), 1, "the second strategy takes what the first one gives");
    assert_eq!((position(&pair, ONE, A), position(&pair, TWO, A)), (number(0), number(10)));
    let alone = |netting| {
        let mut world = world(|engine| engine.slot(ten(both_ways())).netting(netting));
        bars(&mut world, 1, &[20.0, 21.0, 22.0]);
        assert_eq!(crossed(&world), []);
        world.hash()
    };
    assert_eq!(alone(Netting::AtMark), alone(Netting::Off));
}

fn both_ways() -> Box<dyn Strategy> {
    scripted("BOTH", |_, _, advice| {
        advice.target(A, Qty::from(5));
        advice.target(A, Qty::from(-5));
    })
}

/// What goes to the venue although it has an opposite: limits, other instruments, groups.
#[test]
fn only_plain_market_orders_are_crossed() {
    let limit = Price::new(number(100)).unwrap();
    let seller = || targets("SECOND", vec![-10]);
    let signal = Signal {
        instrument: A,
        side: Side::Buy,
        confidence: Confidence::FULL,
        tag: Label::default(),
        reason: Label::default(),
    };
    let buyers = [
        scripted("LIMIT", move |_, _, advice| {
            advice.enter(signal, OrderKind::Limit { price: limit }, None);
        }),
        scripted("ELSEWHERE", |_, _, advice| advice.target(B, Qty::from(10))),
        scripted("GROUP", |_, _, advice| {
            advice.together(|legs| {
                legs.target(A, Qty::from(10));
                legs.target(B, Qty::from(-10));
            });
        }),
    ];
    for buyer in buyers {
        let name = buyer.name().to_owned();
        let mut world =
            world(|engine| engine.slot(ten(buyer)).slot(ten(seller())).netting(Netting::AtMark));
        world.run(&[flat(B, 1, 100.0), flat(A, 1, 100.0)]).unwrap();
        assert_eq!(crossed(&world), [], "{name}");
        assert!(commands(&world).len() >= 2, "{name}");
    }
}

/// What protects an entry is an order that reduces the position at the venue. An entry that was
/// crossed would have none, so one with a bracket or a stop goes to the venue; its exit may meet
/// others.
#[test]
fn protected_entries_go_to_the_venue() {
    let exits = Bracket {
        take_profit: Some(Price::new(number(110)).unwrap()),
        stop_loss: Some(Price::new(number(90)).unwrap()),
    };
    let entry = scripted("BRACKET", move |bar, _, advice| {
        if bar == 1 {
            let (tag, reason) = (Label::new("mine"), Label::default());
            let (side, confidence) = (Side::Buy, Confidence::FULL);
            let signal = Signal { instrument: A, side, confidence, tag, reason };
            advice.enter(signal, OrderKind::Market, Some(exits));
        }
    });
    let stop = StopPlan::new(StopWidth::Fraction(0.1)).unwrap();
    let stopped = ten(targets("STOPPED", vec![10])).stop(stop);
    for (name, slot) in [("bracket", ten(entry)), ("stop", stopped)] {
        let mut world = world(|engine| {
            engine.slot(slot).slot(ten(targets("SECOND", vec![-10]))).netting(Netting::AtMark)
        });
        bars(&mut world, 1, &[100.0]);
        assert_eq!(crossed(&world), [], "{name}");
        assert_eq!(commands(&world).len(), 2, "{name}");
    }
}

/// Crossing lets nothing through that a rule or a halt refuses.
#[test]
fn what_is_refused_is_not_crossed() {
    let most = PositionSize::new(0.006).unwrap();
    let mut world = world(|engine| {
        let engine = engine.slot(ten(targets("FIRST", vec![10]))).rule(most);
        engine.slot(ten(targets("SECOND", vec![-10, -10]))).netting(Netting::AtMark)
    });
    bars(&mut world, 1, &[100.0]);
    assert_eq!(crossed(&world).len(), 2);
    assert_eq!(position(&world, ONE, A), number(6), "the rule allows that much");
    assert_eq!(position(&world, TWO, A), number(-6));
    assert_eq!(commands(&world), []);

    let mut halted = netted(Netting::AtMark, &[vec![0, 10], vec![0, -10]]);
    bars(&mut halted, 1, &[100.0]);
    let scope = HaltScope::Strategy(TWO);
    let halt = Halt { cause: HaltCause::Operator, level: HaltLevel::Halted, scope };
    halted.input(minute(1), &Input::Control(Control::Halt(halt))).unwrap();
    bars(&mut halted, 2, &[100.0]);
    assert_eq!(crossed(&halted), []);
    assert_eq!(position(&halted, TWO, A), number(0));
}

/// Nothing is crossed where the venue would not take what is left.
#[test]
fn a_rest_that_is_too_small_prevents_the_crossing() {
    let mut table = Instruments::new();
    let coin = Instrument::spot("A", "A", "USD").step("0.01").min_notional("10");
    table.add(coin).unwrap();
    let usd = table.find_asset("USD").unwrap();
    let run = |sold: &str| {
        let sold = Qty::new(sold.parse().unwrap());
        let target =
            |name, quantity| scripted(name, move |_, _, advice| advice.target(A, quantity));
        let mut engine = Engine::builder(table.clone(), usd)
            .slot(ten(target("FIRST", Qty::from(1))))
            .slot(ten(target("SECOND", Qty::new(-sold.value()))))
            .netting(Netting::AtMark)
            .build()
            .unwrap();
        let mut out = Vec::new();
        let timed = flat(A, 1, 100.0);
        engine.market(timed.at, &timed.event, &mut out).unwrap();
        out.len()
    };
    assert_eq!(run("1"), 0, "nothing is left");
    assert_eq!(run("0.5"), 1, "half of the first order is left");
    assert_eq!(run("0.95"), 2, "what is left is worth 5, and the venue takes 10");
}

/// Two strategies that answer every fill by turning round do not hold the engine for ever.
#[test]
fn circles_end() {
    let turning = |name, side: Side| {
        let mut side = side;
        Box::new(from_fn(name, move |event, _, advice| {
            let is_start = event.bar().is_some();
            if is_start || matches!(event, Event::Fill(_)) {
                advice.target(A, Qty::new(side.signed(Decimal::TEN)));
                side = side.opposite();
            }
        })) as Box<dyn Strategy>
    };
    let mut world = world(|engine| {
        let engine = engine.slot(ten(turning("FIRST", Side::Buy)));
        engine.slot(ten(turning("SECOND", Side::Sell))).netting(Netting::AtMark)
    });
    world.run(&[flat(A, 1, 100.0)]).unwrap();
    conserved(&world);
    let alerts = commands(&world).iter().filter(|c| matches!(c, Command::Alert(_))).count();
    assert_eq!(alerts, 1);
}

fn real_strategies(tape: &Tape, netting: Netting) -> Run {
    let backtest = Backtest::new(tape)
        .policy(Policy::LongShort)
        .fees(FeeSchedule::flat(Decimal::new(1, 3), Decimal::new(1, 3)))
        .strategy("MEAN_REVERSION")
        .strategy_with("RSI_REVERSION", r#"{"period": 5}"#)
        .strategy_with("EMA_CROSS", r#"{"fast": 3, "slow": 8}"#)
        .netting(netting);
    backtest.prepare(()).unwrap().1
}

/// Netting is part of the engine: its runs are saved, restored and replayed like all others.
#[test]
fn saved_restored_and_replayed() {
    let tape = synthetic(3_000, 7);
    let mut whole = real_strategies(&tape, Netting::AtMark).recorded();
    whole.run(tape.events()).unwrap();
    let Tee(collector, ()) = whole.sink();
    let inside = collector.fills.iter().filter(|(fill, _)| fill.execution.trade.is_crossed());
    assert!(inside.count() >= 10, "the strategies do meet");

    let (first, second) = tape.events().split_at(1_234);
    let mut before = real_strategies(&tape, Netting::AtMark);
    before.run(first).unwrap();
    let mut after = real_strategies(&tape, Netting::AtMark);
    after.restore(&before.save().unwrap()).unwrap();
    after.run(second).unwrap();
    assert_eq!(after.hash(), whole.hash());

    let mut engine = real_strategies(&tape, Netting::AtMark).into_engine();
    let decisions = replay(&mut engine, whole.recording().unwrap()).unwrap();
    assert_eq!(decisions.diff(whole.decisions().unwrap()), []);
    assert_eq!(engine.sink().0.value(), whole.hash());

    let mut apart = real_strategies(&tape, Netting::Off);
    apart.run(tape.events()).unwrap();
    assert_ne!(apart.hash(), whole.hash());
}

/// What the working orders of one instrument can bring the position to, at most, on either side.
fn reach(world: &World) -> Decimal {
    let net = world.engine().account().book().net(A);
    let up = net.quantity + net.working_buy;
    let down = net.quantity - net.working_sell;
    up.abs().max(down.abs()).max(net.quantity.abs())
}

proptest! {
    /// With and without netting every strategy is headed for the same position, the venue for
    /// the same sum, money is conserved, and netting never lets the account reach further.
    #[test]
    fn netting_changes_where_orders_fill_and_nothing_else(
        wanted in prop::collection::vec(prop::collection::vec(-20_i64..20, 8), 1..=3),
        prices in prop::collection::vec(90_u32..110, 8),
    ) {
        let mut worlds = [Netting::Off, Netting::AtMark].map(|netting| netted(netting, &wanted));
        for (bar, price) in (1..).zip(&prices) {
            for world in &mut worlds {
                world.run(&[flat(A, bar, f64::from(*price))]).unwrap();
                conserved(world);
            }
            let headed = worlds.each_ref().map(|world| {
                let book = world.engine().account().book();
                let slots = (0..=3).map(|slot| *book.position(SlotId(slot), A));
                slots.map(|p| p.quantity + p.working_buy - p.working_sell).collect::<Vec<_>>()
            });
            prop_assert_eq!(&headed[0], &headed[1]);
            prop_assert!(reach(&worlds[1]) <= reach(&worlds[0]));
        }
        if wanted.len() == 1 {
            prop_assert_eq!(worlds[0].hash(), worlds[1].hash());
        }
    }
}
