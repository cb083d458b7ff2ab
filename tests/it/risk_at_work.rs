//! Risk inside the engine, where strategies meet: crossed exits, forced closes, timers, panics,
//! required limits, and configuration that nobody knows.

use core::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tradewright::backtest::Digest;
use tradewright::engine::{Command, Control, Engine, EngineError, Input, LIVE_LIMITS, SlotConfig};
use tradewright::metrics::{ContainedSink, Tee};
use tradewright::order::audit::AuditState;
use tradewright::prelude::*;
use tradewright::risk::*;
use tradewright::strategy::Contained;
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, AssetId, Bracket, DayBoundary, FillReport, Halt,
    HaltCause, HaltLevel, HaltScope, Label, Leg, Liquidity, Money, OptionRight, OrderId, OrderKind,
    OrderReport, OrderUpdate, Record, Signal, TradeId,
};

use crate::engine_world::{
    A, ONE, TWO, USD, World, boxed, conserved, flat, instruments, minute, net, position, scripted,
    ten, world,
};

fn price(text: &str) -> Price {
    Price::new(text.parse().unwrap()).unwrap()
}

fn halt(world: &mut World, at: i64, halt: Halt) {
    world.input(minute(at), &Input::Control(Control::Halt(halt))).unwrap();
}

/// Two strategies with opposite positions of ten; the first gets out at its fifth bar.
fn opposite() -> World {
    let long = scripted("LONG", |bar, _, advice| match bar {
        1 => advice.target(A, Qty::from(10)),
        5 => advice.target(A, Qty::from(0)),
        _ => {}
    });
    let short = scripted("SHORT", |bar, _, advice| {
        if bar == 1 {
            advice.target(A, Qty::from(-10));
        }
    });
    let mut world = world(|engine| engine.slot(SlotConfig::new(long)).slot(SlotConfig::new(short)));
    world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0), flat(A, 3, 100.0)]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::TEN);
    assert_eq!(position(&world, TWO, A), -Decimal::TEN);
    world
}

/// In a halt of the account an exit that the venue's position cannot take is crossed with the
/// strategy that holds the opposite: nothing goes to the venue, and nothing is refused.
#[test]
fn an_exit_in_a_halt_is_crossed_inside() {
    let mut world = opposite();
    let orders = world.sink().orders.len();
    halt(&mut world, 3, Halt::new(HaltCause::DailyLoss, HaltScope::Account));
    world.run(&[flat(A, 4, 110.0), flat(A, 5, 110.0), flat(A, 6, 110.0)]).unwrap();
    assert_eq!((position(&world, ONE, A), position(&world, TWO, A)), Default::default());
    assert_eq!(net(&world, A), Decimal::ZERO);
    assert_eq!(world.sink().orders.len(), orders, "the venue has seen no order");
    assert!(world.sink().refusals.is_empty());
    let exits: Vec<Decimal> = world.sink().trades.iter().map(|trade| trade.exit).collect();
    assert_eq!(exits, [Decimal::from(110); 2], "both at the mark");
    conserved(&world);
}

/// Without a halt the same exit goes to the venue and leaves the other strategy alone.
#[test]
fn an_exit_without_a_halt_is_the_venues() {
    let mut world = opposite();
    world.run(&[flat(A, 4, 110.0), flat(A, 5, 110.0), flat(A, 6, 110.0)]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::ZERO);
    assert_eq!(position(&world, TWO, A), -Decimal::TEN);
}

/// A strategy that is flattened while the whole account is halted becomes flat although another
/// one balances it at the venue.
#[test]
fn flattening_one_strategy_ends_under_a_wider_halt() {
    let mut world = opposite();
    halt(&mut world, 3, Halt::new(HaltCause::Operator, HaltScope::Account));
    let (cause, scope) = (HaltCause::KillSwitch, HaltScope::Strategy(ONE));
    halt(&mut world, 3, Halt { cause, level: HaltLevel::Flattening, scope });
    assert_eq!(position(&world, ONE, A), Decimal::ZERO);
    assert_eq!(net(&world, A), Decimal::ZERO, "nothing was opened at the venue");
    let level = world.engine().halts().severest(ONE, A).unwrap().level;
    assert_eq!(level, HaltLevel::Flat);
    conserved(&world);
}

/// Exits of a bracket are no sales that a target has to make up for, and a target of nothing
/// takes them away with the position.
#[test]
fn targets_do_not_count_what_protects() {
    let strategy = scripted("MIXED", |bar, _, advice| match bar {
        1 => {
            let bracket = Bracket { stop_loss: Some(price("90")), take_profit: Some(price("120")) };
            let signal = Signal {
                instrument: A,
                side: Side::Buy,
                confidence: Confidence::FULL,
                tag: Label::default(),
                reason: Label::default(),
            };
            advice.enter(signal, OrderKind::Market, Some(bracket));
        }
        4 => advice.target(A, Qty::from(10)),
        5 => advice.target(A, Qty::from(4)),
        7 => advice.target(A, Qty::from(0)),
        _ => {}
    });
    let mut world = world(|engine| engine.slot(ten(strategy).trades([A])));
    let bars: Vec<_> = (1..=4).map(|number| flat(A, number, 100.0)).collect();
    world.run(&bars).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::TEN);
    world.run(&[flat(A, 5, 100.0)]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::TEN, "ten are held and ten are wanted");
    world.run(&[flat(A, 6, 100.0), flat(A, 7, 100.0)]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::from(4));
    world.run(&[flat(A, 8, 100.0), flat(A, 9, 100.0)]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::ZERO);
    assert!(world.engine().orders().live().is_empty(), "no exit is left behind");
}

fn perpetual() -> (Instruments, AssetId) {
    let mut table = Instruments::new();
    table.add(Instrument::linear_perpetual("PERP", "BTC", "USDT")).unwrap();
    let usdt = table.find_asset("USDT").unwrap();
    (table, usdt)
}

fn adjust(kind: AdjustmentKind) -> Input {
    Input::Adjustment(Adjustment { cause: AdjustmentCause::Liquidation, kind })
}

/// A forced close of several strategies' positions of which the last cannot be booked changes
/// nothing at all.
#[test]
fn a_forced_close_is_booked_whole_or_not_at_all() {
    let (table, usdt) = perpetual();
    let idle = || boxed(from_fn("IDLE", |_, _, _| {}));
    let mut engine = Engine::builder(table, usdt)
        .slot(SlotConfig::new(idle()))
        .slot(SlotConfig::new(idle()))
        .build()
        .unwrap();
    let mut out = Vec::new();
    for slot in [ONE, TWO] {
        let kind = AdjustmentKind::Position {
            slot,
            instrument: A,
            change: Qty::from(10),
            price: price("100"),
        };
        engine.handle(minute(1), &adjust(kind), &mut out).unwrap();
    }
    // So much is realised already that the first part's profit still fits and the second's not.
    let almost = Decimal::MAX.checked_sub(Decimal::from(100)).unwrap();
    let income = AdjustmentKind::Income(Money::new(almost, usdt));
    engine.handle(minute(1), &adjust(income), &mut out).unwrap();
    let liquidated = |trade, quantity: i64| {
        Input::Order(OrderUpdate {
            order: OrderId::default(),
            instrument: A,
            side: Side::Sell,
            leg: Leg::Net,
            report: OrderReport::Liquidated(FillReport {
                trade: TradeId(trade),
                price: price("107"),
                quantity: Qty::from(quantity),
                fee: Money::zero(usdt),
                liquidity: Liquidity::Taker,
                before_slippage: price("107"),
            }),
        })
    };
    let strategies = |engine: &Engine| {
        let book = engine.account().book();
        [ONE, TWO].map(|slot| book.position(slot, A).quantity)
    };
    let (before, sums) = (engine.account().book().clone(), engine.account().sums(usdt));
    out.clear();
    let refused = engine.handle(minute(2), &liquidated(1, 20), &mut out);
    assert!(matches!(refused, Err(EngineError::Ledger(_))), "{refused:?}");
    assert_eq!(strategies(&engine), [Decimal::TEN; 2]);
    assert_eq!((engine.account().book(), engine.account().sums(usdt)), (&before, sums));
    assert!(out.is_empty());
    // The same execution in a size that fits is not taken for a repetition.
    engine.handle(minute(2), &liquidated(1, 10), &mut out).unwrap();
    assert_eq!(strategies(&engine), [Decimal::ZERO, Decimal::TEN]);
}

/// What a liquidation that came as an adjustment has closed is a trade for everybody: records
/// and breaker.
#[test]
fn an_adjusted_liquidation_is_a_trade() {
    let (table, usdt) = perpetual();
    let limits = BreakerLimits { max_consecutive_losses: 1, ..BreakerLimits::default() };
    let risk = EnhancedRiskManager::builder().breaker(limits).build().unwrap();
    let mut engine = Engine::builder(table, usdt)
        .slot(SlotConfig::new(boxed(from_fn("IDLE", |_, _, _| {}))))
        .risk(risk)
        .sink(Trades::default())
        .build()
        .unwrap();
    let mut step = |change: i64, at| {
        let (change, price) = (Qty::from(change), price(at));
        let kind = AdjustmentKind::Position { slot: ONE, instrument: A, change, price };
        engine.handle(minute(1), &adjust(kind), &mut Vec::new()).unwrap();
        (engine.sink().0, engine.halts().is_clear())
    };
    assert_eq!(step(10, "100"), (0, true));
    assert_eq!(step(-10, "90"), (1, false), "one loss is the limit");
}

#[derive(Default)]
struct Trades(usize);

impl MetricsSink for Trades {
    fn record(&mut self, _at: Timestamp, record: &Record<'_>) {
        self.0 += usize::from(matches!(record, Record::Closed { .. }));
    }
}

/// What an exercise delivers is in the audit log's fold, beside what was held before and beyond
/// a position that it turns.
#[test]
fn a_delivery_is_in_the_audits_fold() {
    use tradewright::order::audit::{AuditEntry, AuditLog};
    for held in [0_i64, 7, -15, -40] {
        let mut table = Instruments::new();
        table.add(Instrument::stock("ACME", "USD")).unwrap();
        let kind = (OptionRight::Call, "100");
        let option = Instrument::option("C100", ["ACME", "USD"], kind, Timestamp::MAX);
        let option = table.add(option.multiplier("10")).unwrap();
        let usd = table.find_asset("USD").unwrap();
        let log = AuditLog::new(Vec::new(), table.clone());
        let mut engine = Engine::builder(table, usd)
            .slot(SlotConfig::new(boxed(from_fn("IDLE", |_, _, _| {}))))
            .sink(log)
            .build()
            .unwrap();
        let take = |instrument, change: i64, at| {
            let (change, price) = (Qty::from(change), price(at));
            adjust(AdjustmentKind::Position { slot: ONE, instrument, change, price })
        };
        let contracts = Qty::from(2);
        let exercise = AdjustmentKind::Exercise {
            slot: ONE,
            option,
            underlying: A,
            contracts,
            price: price("120"),
        };
        for input in [take(option, 3, "5"), take(A, held, "110"), adjust(exercise)] {
            engine.handle(minute(1), &input, &mut Vec::new()).unwrap();
        }
        let found = [A, option].map(|id| engine.account().book().position(ONE, id).quantity);
        assert_eq!(found, [Decimal::from(held + 20), Decimal::ONE]);
        let text = String::from_utf8(engine.into_sink().into_writer()).unwrap();
        let entries: Vec<AuditEntry> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (state, faults) = AuditState::fold(&entries);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!([A, option].map(|id| state.position(ONE, id).quantity), found, "{held}");
    }
}

/// The engine asks for a timer when a position's time is over and when the trading day ends, and
/// serves it without any event of the market.
#[test]
fn timers_end_positions_and_days() {
    let buy = scripted("BUY", |bar, _, advice| {
        if bar == 1 {
            advice.buy(Confidence::FULL);
        }
    });
    let plan = StopPlan::new(StopWidth::Fraction(0.1)).unwrap();
    let plan = plan.time(Duration::from_secs(600)).unwrap();
    let daily = DailyLimit::Fraction("0.001".parse().unwrap());
    let risk = RealtimeRiskManager::builder().daily_loss(daily, DayBoundary::UTC).build().unwrap();
    let mut world = world(|engine| engine.slot(ten(buy).trades([A]).stop(plan)).risk(risk));
    world.run(&[flat(A, 1, 100.0), flat(A, 2, 100.0)]).unwrap();
    let opened = world.engine().account().book().position(ONE, A).opened_at;
    let due = opened.after(Duration::from_secs(600));
    assert_eq!(world.engine().deadline(), Some(due));
    world.input(due, &Input::Time).unwrap();
    let live = world.engine().orders().live().iter();
    let exits = live.filter(|state| state.order.intent.kind == OrderKind::Market).count();
    assert_eq!(exits, 1, "it is on its way out");
    world.run(&[flat(A, 30, 80.0), flat(A, 31, 80.0)]).unwrap();
    assert_eq!(position(&world, ONE, A), Decimal::ZERO);
    assert!(!world.engine().halts().is_clear(), "the day has lost too much");
    let midnight = world.engine().deadline().expect("the end of the day");
    assert_eq!(midnight.nanos() % 86_400_000_000_000, 0);
    world.input(midnight, &Input::Time).unwrap();
    assert!(world.engine().halts().is_clear(), "a new day");
}

/// A strategy that panics stops alone, with what it has said in that call; a sink that panics is
/// told nothing more; the run goes on as it would have gone without both.
#[test]
fn panics_are_contained() {
    struct Broken;
    impl MetricsSink for Broken {
        fn record(&mut self, _at: Timestamp, _record: &Record<'_>) {
            panic!("broken sink");
        }
    }
    let run = |with_panics: bool| {
        let steady = scripted("STEADY", |bar, _, advice| match bar {
            1 => advice.target(A, Qty::from(5)),
            4 => advice.target(A, Qty::from(0)),
            _ => {}
        });
        let risky = boxed(Contained::new(scripted("RISKY", move |bar, _, advice| {
            if bar == 2 && with_panics {
                advice.target(A, Qty::from(1_000));
                panic!("index out of bounds");
            }
        })));
        let sink = Tee(Digest::new(), ContainedSink::new(Broken));
        let mut engine = Engine::builder(instruments(), USD)
            .slot(SlotConfig::new(steady))
            .slot(SlotConfig::new(risky))
            .sink(sink)
            .build()
            .unwrap();
        let mut orders = Vec::new();
        for number in 1..=5 {
            let timed = flat(A, number, 100.0);
            engine.handle(timed.at, &Input::Market(timed.event), &mut orders).unwrap();
        }
        orders.retain(|command| matches!(command, Command::Place(_)));
        let status = [ONE, TWO].map(|slot| engine.slot(slot).unwrap().1);
        assert_eq!(engine.sink().1.panic(), Some("broken sink"));
        (orders, status)
    };
    use tradewright::engine::SlotStatus::{Failed, Running};
    let (with, without) = (run(true), run(false));
    assert_eq!(with.0, without.0, "what was said before the panic is not carried out");
    assert_eq!((with.1, without.1), ([Running, Failed], [Running, Running]));
}

/// A live engine without its limits is not built, and the error lists what is missing.
#[test]
fn missing_limits_are_listed() {
    let build = |required: &[&str]| {
        let idle = boxed(from_fn("IDLE", |_, _, _| {}));
        let ids = instruments().iter().map(|instrument| instrument.id).collect::<Vec<_>>();
        let portfolio = PortfolioRisk::new(PortfolioRiskSettings::default(), ids).unwrap();
        let portfolio = PortfolioGuard::new(portfolio).var_limit(Ceiling::OfEquity(0.1)).unwrap();
        let risk = RealtimeRiskManager::builder()
            .daily_loss(DailyLimit::Amount(Decimal::TEN), DayBoundary::UTC)
            .with_rule(Box::new(MaxOrderQuantity::each(Decimal::TEN).unwrap()))
            .with_guard(Box::new(portfolio))
            .build()
            .unwrap();
        Engine::builder(instruments(), USD)
            .slot(SlotConfig::new(idle))
            .risk(risk)
            .gate(PriceCollar::new(0.05, Duration::from_secs(10)).unwrap())
            .require_limits(required.iter().copied())
            .build()
    };
    assert!(build(&[]).is_ok());
    let present = ["drawdown", "breaker", "daily_loss", "price_collar", "grid", "value_at_risk"];
    assert!(build(&present).is_ok());
    let Err(EngineError::MissingLimits { missing }) = build(&LIVE_LIMITS) else {
        panic!("limits are missing")
    };
    assert_eq!(missing, ["max_order_notional", "duplicate_order", "message_throttle"]);
}

/// A key that nobody knows is an error wherever limits and settings are read.
#[test]
fn unknown_keys_are_errors() {
    fn refuses<T: Serialize + DeserializeOwned>(name: &str, value: &T) {
        let good = serde_json::to_value(value).unwrap();
        assert!(serde_json::from_value::<T>(good.clone()).is_ok(), "{name}");
        let mut bad = good;
        // Variants with fields are a map of one map.
        let inner = match bad.as_object_mut() {
            Some(map) if map.len() == 1 && map.values().all(serde_json::Value::is_object) => {
                map.values_mut().next().and_then(serde_json::Value::as_object_mut)
            }
            other => other,
        };
        inner.unwrap().insert("max_los".to_owned(), serde_json::Value::from(1));
        assert!(serde_json::from_value::<T>(bad).is_err(), "{name} takes a key it does not know");
    }
    refuses("breaker", &BreakerLimits::default());
    refuses("portfolio", &PortfolioRiskSettings::default());
    refuses("correlation", &CorrelationEstimator::default());
    refuses("data", &DataLimits::default());
    refuses("volatility", &StopVolatility::Atr { period: 14 });
    refuses("plan", &StopPlan::new(StopWidth::Fraction(0.1)).unwrap());
    refuses("break even", &BreakEven { after: StopWidth::Fraction(0.1), lock: 0.0 });
    refuses("tail", &tradewright::math::TailModel::default());
    refuses("venue", &SimConfig::default());
    refuses("ledger", &tradewright::account::LedgerConfig::default());
    refuses("statistics", &tradewright::account::Conventions::default());
    refuses("halt", &Halt::new(HaltCause::Operator, HaltScope::Account));
    refuses("instrument", instruments().iter().next().unwrap());
}
