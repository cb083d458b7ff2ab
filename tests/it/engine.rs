//! The engine through its public door: policies, brackets, groups, quotes, halts, failures.

use tradewright::backtest::Digest;
use tradewright::engine::{Control, Engine, EngineError, Input, Policy, SlotConfig, SlotStatus};
use tradewright::metrics::Tee;
use tradewright::prelude::*;
use tradewright::strategy::QuoteSize;
use tradewright::types::{
    Acknowledgement, Bracket, DataError, Halt, HaltCause, HaltLevel, HaltScope, Label, OrderKind,
    OrderStatus, Purpose, Signal,
};

use crate::engine_world::{
    A, B, ONE, TWO, bar, boxed, conserved, flat, minute, net, position, scripted, ten, world,
};

fn price(text: &str) -> Price {
    Price::new(text.parse().unwrap()).unwrap()
}

/// A signal at one close fills at the next open, and closes again.
#[test]
fn a_round_trip_at_the_next_open() {
    let strategy = scripted("TRIP", |bar, _, advice| match bar {
        1 => advice.buy(Confidence::FULL),
        3 => advice.sell(Confidence::FULL),
        _ => {}
    });
    let mut world = world(|engine| engine.slot(ten(strategy)));
    for (number, price) in [100.0, 101.0, 105.0, 104.0].into_iter().enumerate() {
        world.run(&[flat(A, number as i64 + 1, price)]).unwrap();
        conserved(&world);
    }
    let [trade] = world.sink().trades[..] else { panic!("one trade") };
    assert_eq!((trade.entry, trade.exit), (Decimal::from(101), Decimal::from(104)));
    assert_eq!((trade.opened_at, trade.closed_at), (minute(1), minute(3)));
    assert_eq!(trade.net().unwrap(), Decimal::from(30));
    assert_eq!(world.engine().account().book().equity(), 100_030.0);
}

/// Both exits of a bracket are placed at the fill; within one bar the stop comes first, and its
/// fill ends the target.
#[test]
fn a_bracket_protects_from_its_first_bar() {
    let strategy = scripted("BRACKET", |bar, _, advice| {
        if bar == 1 {
            let (side, confidence) = (Side::Buy, Confidence::FULL);
            let (tag, reason) = (Label::new("b"), Label::default());
            let signal = Signal { instrument: A, side, confidence, tag, reason };
            let exits = Bracket { take_profit: Some(price("110")), stop_loss: Some(price("95")) };
            advice.enter(signal, OrderKind::Market, Some(exits));
        }
    });
    let mut world = world(|engine| engine.slot(ten(strategy)));
    world.run(&[flat(A, 1, 100.0), bar(A, 2, [100.0, 112.0, 94.0, 108.0])]).unwrap();
    conserved(&world);
    let [trade] = world.sink().trades[..] else { panic!("one trade") };
    assert_eq!(trade.exit, Decimal::from(95), "the worse exit happens first");
    assert_eq!(trade.tag.as_str(), "b");
    assert!(world.engine().orders().live().is_empty(), "the target went with the stop");
    let statuses: Vec<_> = world.sink().orders.iter().map(|row| row.status).collect();
    assert_eq!(statuses, [OrderStatus::Filled, OrderStatus::Filled, OrderStatus::Cancelled]);
}

/// An exit signal takes the protective orders back before it closes: never twice the position.
#[test]
fn an_exit_signal_replaces_the_bracket() {
    let strategy = scripted("BRACKET", |bar, _, advice| match bar {
        1 => {
            let signal = Signal {
                instrument: A,
                side: Side::Buy,
                confidence: Confidence::FULL,
                tag: Label::default(),
                reason: Label::default(),
            };
            let exits = Bracket { take_profit: Some(price("150")), stop_loss: Some(price("50")) };
            advice.enter(signal, OrderKind::Market, Some(exits));
        }
        3 => advice.sell(Confidence::FULL),
        _ => {}
    });
    let mut world = world(|engine| engine.slot(ten(strategy)));
    for number in 1..=5 {
        world.run(&[flat(A, number, 100.0)]).unwrap();
        conserved(&world);
    }
    assert_eq!(net(&world, A), Decimal::ZERO);
    assert!(world.engine().orders().live().is_empty());
    assert_eq!(world.sink().trades.len(), 1);
}

/// Long, short and back by one signal each.
#[test]
fn a_reversal_closes_and_opens_in_one_order() {
    let strategy = scripted("TURN", |bar, _, advice| match bar {
        1 | 5 => advice.buy(Confidence::FULL),
        3 => advice.sell(Confidence::FULL),
        _ => {}
    });
    let mut world = world(|engine| engine.slot(ten(strategy).policy(Policy::Reverse)));
    let mut held = Vec::new();
    for number in 1..=6 {
        world.run(&[flat(A, number, 100.0)]).unwrap();
        conserved(&world);
        held.push(position(&world, ONE, A));
    }
    let ten = Decimal::TEN;
    assert_eq!(held, [Decimal::ZERO, ten, ten, -ten, -ten, ten]);
    assert_eq!(world.sink().fills.len(), 3);
}

/// A pyramid adds as often as it may, counted anew after it was flat.
#[test]
fn a_pyramid_has_so_many_steps() {
    let strategy = scripted("PYRAMID", |_, _, advice| advice.buy(Confidence::FULL));
    let mut world = world(|engine| engine.slot(ten(strategy).policy(Policy::Pyramid(3))));
    for number in 1..=8 {
        world.run(&[flat(A, number, 100.0)]).unwrap();
    }
    assert_eq!(position(&world, ONE, A), Decimal::from(30));
    conserved(&world);
}

/// Targets are differences: what is on its way counts, and nothing happens at the target.
#[test]
fn a_target_is_reached_once() {
    let strategy = scripted("TARGET", |bar, _, advice| {
        advice.target(A, Qty::from(if bar < 4 { 25 } else { -5 }));
    });
    let mut world = world(|engine| engine.slot(SlotConfig::new(strategy)));
    let mut held = Vec::new();
    for number in 1..=6 {
        world.run(&[flat(A, number, 100.0)]).unwrap();
        conserved(&world);
        held.push(position(&world, ONE, A));
    }
    let [long, short] = [25, -5].map(Decimal::from);
    assert_eq!(held, [Decimal::ZERO, long, long, long, short, short]);
    assert_eq!(world.sink().orders.len(), 2);
}

/// Both legs or neither: a rule that refuses one leg refuses the group.
#[test]
fn a_group_stands_or_falls_together() {
    struct NoB;
    impl RiskRule for NoB {
        fn name(&self) -> &'static str {
            "no_b"
        }
        fn limit(&self, opening: &Opening<'_>, _: &Facts<'_>) -> Limit {
            if opening.intent.instrument == B {
                let code = tradewright::types::ReasonCode::Custom(Label::new("no_b"));
                return Limit::Deny(tradewright::types::Reason::new(code, 0.0, 1.0));
            }
            Limit::Allow(None)
        }
    }
    let pair = || {
        scripted("PAIR", |bar, _, advice| {
            if bar == 1 {
                advice.together(|legs| {
                    legs.target(A, Qty::from(10));
                    legs.target(B, Qty::from(-7));
                });
            }
        })
    };
    let bars = [flat(A, 1, 100.0), flat(B, 1, 50.0), flat(A, 2, 100.0), flat(B, 2, 50.0)];
    let free = {
        let mut world = world(|engine| engine.slot(SlotConfig::new(pair())));
        world.run(&bars).unwrap();
        conserved(&world);
        (net(&world, A), net(&world, B))
    };
    assert_eq!(free, (Decimal::from(10), Decimal::from(-7)));
    let mut world = world(|engine| engine.slot(SlotConfig::new(pair())).rule(NoB));
    world.run(&bars).unwrap();
    assert!(world.sink().orders.is_empty(), "no leg was sent");
    assert_eq!(world.sink().refusals.len(), 2);
}

/// A quote is replaced when it changes, left alone when it does not, and taken back.
#[test]
fn quotes_are_kept_under_their_key() {
    let strategy = scripted("QUOTE", |bar, _, advice| match bar {
        1 | 2 => advice.quote(7, Side::Buy, price("90"), QuoteSize::Resting(Qty::from(5))),
        3 => advice.quote(7, Side::Buy, price("91"), QuoteSize::Resting(Qty::from(5))),
        4 => advice.pull(7),
        _ => {}
    });
    let mut world = world(|engine| engine.slot(SlotConfig::new(strategy)));
    let mut resting = Vec::new();
    for number in 1..=4 {
        world.run(&[flat(A, number, 100.0)]).unwrap();
        let live = world.engine().orders().live();
        resting.push(live.iter().map(|state| state.order.intent.kind.limit()).collect::<Vec<_>>());
    }
    let at = |text| vec![Some(price(text))];
    assert_eq!(resting, [at("90"), at("90"), at("91"), vec![]]);
    assert_eq!(world.sink().orders.len(), 2, "the same quote is not sent again");
}

/// A drawdown halt refuses what would open, cancels resting entries, lets exits pass, and ends
/// only by an explicit resume.
#[test]
fn a_drawdown_halt_blocks_openings_alone() {
    let strategy = scripted("BIG", |bar, _, advice| match bar {
        1 => advice.target(A, Qty::from(500)),
        3 => {
            advice.quote(1, Side::Buy, price("10"), QuoteSize::Resting(Qty::from(1)));
            advice.target(A, Qty::from(600));
        }
        4 => advice.target(A, Qty::from(0)),
        6 => advice.target(A, Qty::from(10)),
        8 => advice.target(A, Qty::from(10)),
        _ => {}
    });
    let manager = EnhancedRiskManager::builder().max_position_fraction(10.0).build().unwrap();
    let mut world = world(|engine| engine.slot(SlotConfig::new(strategy)).risk(manager));
    // 500 bought at 100 lose 30,000 of 100,000 at 40 and then some.
    for (number, price) in [100.0, 100.0, 40.0, 40.0, 40.0, 40.0].into_iter().enumerate() {
        world.run(&[flat(A, number as i64 + 1, price)]).unwrap();
        conserved(&world);
    }
    let halts = world.engine().halts();
    assert_eq!(halts.overall(), HaltLevel::Halted);
    assert_eq!(world.sink().halts[0].halt.cause, HaltCause::Drawdown);
    assert_eq!(net(&world, A), Decimal::ZERO, "the exit passed");
    assert!(world.engine().orders().live().is_empty(), "nothing rests");
    assert!(world.sink().refusals.len() >= 2);
    assert_eq!(
        world.sink().refusals[0].reason.code.to_string(),
        "Max drawdown exceeded",
        "the refusal says why"
    );
    let resume =
        Control::Resume { scope: HaltScope::Account, acknowledgement: Acknowledgement::None };
    world.input(minute(7), &Input::Control(resume)).unwrap();
    assert_eq!(world.engine().halts().overall(), HaltLevel::Active);
    for number in 8..=10 {
        world.run(&[flat(A, number, 40.0)]).unwrap();
        conserved(&world);
    }
    assert_eq!(net(&world, A), Decimal::TEN, "trading goes on");
}

/// Flattening cancels first, crosses opposite virtual positions inside, closes the rest at the
/// venue, and is Flat only when the venue has filled.
#[test]
fn flattening_ends_flat() {
    let long = scripted("LONG", |bar, _, advice| {
        if bar == 1 {
            advice.target(A, Qty::from(10));
        }
        if bar == 2 {
            advice.quote(1, Side::Buy, price("50"), QuoteSize::Resting(Qty::from(3)));
        }
    });
    let short = scripted("SHORT", |bar, _, advice| {
        if bar == 1 {
            advice.target(A, Qty::from(-4));
        }
    });
    let mut world = world(|engine| engine.slot(SlotConfig::new(long)).slot(SlotConfig::new(short)));
    world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0)]).unwrap();
    assert_eq!((position(&world, ONE, A), position(&world, TWO, A)), (10.into(), (-4).into()));
    let halt = Halt {
        cause: HaltCause::KillSwitch,
        level: HaltLevel::Flattening,
        scope: HaltScope::Everything,
    };
    world.input(minute(2), &Input::Control(Control::Halt(halt))).unwrap();
    assert_eq!(world.engine().halts().overall(), HaltLevel::Flattening);
    assert_eq!(net(&world, A), 6.into(), "the venue has not filled yet");
    world.run(&[flat(A, 3, 99.0)]).unwrap();
    conserved(&world);
    assert_eq!((position(&world, ONE, A), position(&world, TWO, A)), (0.into(), 0.into()));
    assert_eq!(world.engine().halts().overall(), HaltLevel::Flat);
    let flatten: Vec<_> = world
        .sink()
        .orders
        .iter()
        .filter(|row| row.order.intent.purpose == Purpose::Flatten)
        .map(|row| row.order.intent.amount)
        .collect();
    assert_eq!(flatten, [tradewright::types::Amount::Quantity(Qty::from(6))], "crossed inside");
    let resume =
        Control::Resume { scope: HaltScope::Everything, acknowledgement: Acknowledgement::None };
    world.input(minute(4), &Input::Control(resume)).unwrap();
    assert_eq!(world.engine().halts().overall(), HaltLevel::Flat, "a kill must be acknowledged");
}

/// One strategy fails, the other goes on; the failed one is called no more.
#[test]
fn a_failing_strategy_stops_alone() {
    let failing = scripted("FAILS", |bar, _, advice| {
        advice.buy(Confidence::FULL);
        if bar == 2 {
            advice.fail("the model is gone");
        }
    });
    let sound = scripted("GOES_ON", |bar, _, advice| {
        if bar == 3 {
            advice.buy(Confidence::FULL);
        }
    });
    let mut world = world(|engine| engine.slot(ten(failing)).slot(ten(sound)));
    for number in 1..=5 {
        world.run(&[flat(A, number, 100.0)]).unwrap();
        conserved(&world);
    }
    assert_eq!(world.engine().slot(ONE).unwrap().1, SlotStatus::Failed);
    assert_eq!(world.engine().slot(TWO).unwrap().1, SlotStatus::Running);
    assert_eq!(position(&world, TWO, A), Decimal::TEN);
    let [(at, slot, ref error)] = world.sink().failures[..] else { panic!("one failure") };
    assert_eq!((at, slot, error.as_str()), (minute(2), ONE, "the model is gone"));
    assert_eq!(world.engine().halts().level(ONE, A), HaltLevel::Halted);
    assert_eq!(world.engine().halts().level(TWO, A), HaltLevel::Active);
}

/// A strategy that answers every refusal with the same wish is stopped from turning in circles.
#[test]
fn circles_end() {
    let strategy = boxed(from_fn("STUBBORN", |_, _, advice| {
        advice.target(A, Qty::from(1_000_000));
    }));
    let rule = tradewright::risk::PositionSize::new(0.1).unwrap();
    struct Nothing;
    impl RiskRule for Nothing {
        fn name(&self) -> &'static str {
            "nothing"
        }
        fn limit(&self, _: &Opening<'_>, _: &Facts<'_>) -> Limit {
            let code = tradewright::types::ReasonCode::Custom(Label::new("nothing"));
            Limit::Deny(tradewright::types::Reason::new(code, 0.0, 1.0))
        }
    }
    let mut world = world(|engine| engine.slot(SlotConfig::new(strategy)).rule(rule).rule(Nothing));
    world.run(&[flat(A, 1, 100.0)]).unwrap();
    assert!(world.sink().orders.is_empty());
    assert!(world.sink().refusals.len() <= 300);
}

/// Refused inputs leave the engine as it was.
#[test]
fn a_refused_input_changes_nothing() {
    let table = crate::engine_world::instruments();
    let strategy = scripted("IDLE", |_, _, _| {});
    let mut engine = Engine::builder(table, crate::engine_world::USD)
        .slot(SlotConfig::new(strategy))
        .sink(Tee(Digest::new(), ()))
        .build()
        .unwrap();
    let mut out = Vec::new();
    let good = flat(A, 5, 100.0);
    engine.market(good.at, &good.event, &mut out).unwrap();
    let before = (engine.sink().0.value(), engine.account().book().clone());
    let early = flat(A, 4, 100.0);
    let refused = engine.market(early.at, &early.event, &mut out);
    assert_eq!(refused, Err(EngineError::TimeGoesBack { previous: minute(5), at: minute(4) }));
    let MarketEvent::Bar(mut bad) = good.event.clone() else { panic!("a bar") };
    bad.close = f64::NAN;
    let refused = engine.market(minute(6), &MarketEvent::Bar(bad), &mut out);
    assert!(matches!(refused, Err(EngineError::Data(DataError::NotFinite { what: "close", .. }))));
    let unknown = flat(InstrumentId(9), 6, 100.0);
    let refused = engine.market(unknown.at, &unknown.event, &mut out);
    let instrument = InstrumentId(9);
    assert_eq!(refused, Err(EngineError::Data(DataError::UnknownInstrument { instrument })));
    let flat_order = Control::Halt(Halt {
        cause: HaltCause::Operator,
        level: HaltLevel::Flat,
        scope: HaltScope::Account,
    });
    let refused = engine.handle(minute(6), &Input::Control(flat_order), &mut out);
    assert_eq!(refused, Err(EngineError::FlatIsNoOrder));
    assert_eq!((engine.sink().0.value(), engine.account().book().clone()), before);
    assert!(out.is_empty());
}

/// A timer that a strategy asked for comes at its time, between the bars.
#[test]
fn timers_are_kept() {
    use std::sync::{Arc, Mutex};
    let woken = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&woken);
    let strategy = boxed(from_fn("CLOCK", move |event, facts, advice| match event {
        Event::Wake => seen.lock().unwrap().push(facts.at),
        _ => advice.wake_at(facts.at.after(std::time::Duration::from_secs(90))),
    }));
    let mut world = world(|engine| engine.slot(SlotConfig::new(strategy)));
    world.run(&[flat(A, 1, 100.0)]).unwrap();
    world.run(&[flat(A, 10, 100.0)]).unwrap();
    let expected = minute(1).after(std::time::Duration::from_secs(90));
    assert_eq!(*woken.lock().unwrap(), [expected]);
}
