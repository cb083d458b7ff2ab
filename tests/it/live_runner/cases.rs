//! Single cases: starts, halts, tolerances, panics, stops.

use std::time::Duration;

use rust_decimal::Decimal;
use tradewright::backtest::Digest;
use tradewright::engine::{Control, Engine, SlotConfig};
use tradewright::live::{
    Bot, BotAction, BotConfig, BotPlan, BotStatus, Difference, GatewayEvent, Notice, NoticeKind,
    Picture, Request, Resolution, StopOrders, StopPolicy,
};
use tradewright::metrics::Tee;
use tradewright::prelude::*;
use tradewright::types::{
    Acknowledgement, AlertLevel, AssetId, Halt, HaltCause, HaltScope, OrderId, OrderReport,
    OrderUpdate, Quote, SlotId,
};
use tradewright::venue::{Answer, Balance, Found, OrderNews, PositionState, UserNews};

use super::venue::{BTC, PERP, SPOT, USDT};
use super::world::instruments;

type World = Bot<Box<dyn Strategy>, ()>;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds).unwrap()
}

fn plan(
    strategy: impl Fn() -> Box<dyn Strategy> + Send + Sync + 'static,
) -> BotPlan<Box<dyn Strategy>, ()> {
    BotPlan::new("case", move |epoch| {
        let size = FixedQuantity::new(Decimal::ONE).unwrap();
        let slot = SlotConfig::new(strategy()).sizer(size);
        let builder = Engine::builder(instruments(), USDT).epoch(epoch).slot(slot);
        builder.sink(Tee(Digest::new(), ())).build()
    })
}

/// Buys at each quote.
fn eager() -> Box<dyn Strategy> {
    Box::new(from_fn("EAGER", |event, _, advice| {
        if matches!(event, Event::Market(_)) {
            advice.buy(Confidence::FULL);
        }
    }))
}

fn quote(instrument: InstrumentId) -> MarketEvent {
    let (bid, ask, bid_quantity, ask_quantity) = (99.0, 101.0, 1.0, 1.0);
    MarketEvent::Quote(Quote { instrument, bid, ask, bid_quantity, ask_quantity })
}

fn picture(cash: i64, position: i64) -> Picture {
    let balance =
        |asset, total: i64| Balance { asset, total: Decimal::from(total), locked: Decimal::ZERO };
    let (leg, entry) = (Default::default(), Decimal::ONE_HUNDRED);
    let quantity = Decimal::from(position);
    Picture {
        balances: vec![balance(USDT, cash)],
        positions: vec![PositionState { instrument: PERP, leg, quantity, entry }],
        assets: vec![BTC, USDT],
        instruments: vec![PERP],
        ..Picture::default()
    }
}

/// Answers the picture that the bot asks for last.
fn show(bot: &mut World, at: Timestamp, picture: &Picture, out: &mut Vec<BotAction>) {
    let asked = out.iter().rev().find_map(|action| match action {
        BotAction::Request(Request::Picture { number, .. }) => Some(*number),
        _ => None,
    });
    let number = asked.expect("a picture that was asked for");
    out.clear();
    let picture = Ok(Box::new(picture.clone()));
    bot.gateway(at, GatewayEvent::Picture { number, picture }, out);
}

/// A bot that has taken over 10,000 and nothing else.
fn running(plan: &BotPlan<Box<dyn Strategy>, ()>) -> World {
    let mut out = Vec::new();
    let mut bot = plan.begin(at(0), &[], &mut out).unwrap();
    bot.gateway(at(0), GatewayEvent::Started, &mut out);
    show(&mut bot, at(1), &picture(10_000, 0), &mut out);
    assert_eq!(bot.status(), BotStatus::Running);
    bot
}

fn placed(out: &[BotAction]) -> Vec<OrderId> {
    let order = |action: &BotAction| match action {
        BotAction::Request(Request::Place(order)) => Some(order.id),
        _ => None,
    };
    out.iter().filter_map(order).collect()
}

fn notices(out: &[BotAction], kind: NoticeKind) -> Vec<&Notice> {
    let notice = |action: &'_ BotAction| matches!(action, BotAction::Notify(it) if it.kind == kind);
    let found = out.iter().filter(|action| notice(action));
    found.filter_map(|it| if let BotAction::Notify(it) = it { Some(it) } else { None }).collect()
}

/// Warm-up and market before the first picture send nothing; what the venue holds is taken over
/// and told; then orders leave.
#[test]
fn nothing_leaves_before_the_first_reconciliation() {
    let (plan, mut out) = (plan(eager), Vec::new());
    let bars: Vec<_> = (-5..0)
        .map(|minute| {
            let ohlc = [100.0, 101.0, 99.0, 100.0];
            (at(60 * minute), Bar::new(SPOT, Period::MINUTE, ohlc, 10.0).unwrap())
        })
        .collect();
    let mut bot = plan.begin(at(0), &bars, &mut out).unwrap();
    bot.market(at(1), &quote(SPOT), None, &mut out);
    bot.market(at(1), &quote(PERP), None, &mut out);
    assert_eq!(placed(&out), [], "held by a halt");
    assert_eq!(bot.engine().orders().live().len(), 0);
    assert_eq!(bot.status(), BotStatus::Starting);

    bot.gateway(at(2), GatewayEvent::Started, &mut out);
    show(&mut bot, at(3), &picture(10_000, -4), &mut out);
    assert_eq!(bot.status(), BotStatus::Running);
    assert_eq!(notices(&out, NoticeKind::Started).len(), 1);
    let book = bot.engine().account().book();
    assert_eq!(book.cash(USDT), Decimal::from(10_000));
    assert_eq!(book.position(SlotId::HOUSE, PERP).quantity, Decimal::from(-4));
    assert!(bot.explained().all(|it| it.resolution == Resolution::Adjusted));
    assert_eq!(bot.explained().len(), 2);

    out.clear();
    bot.market(at(4), &quote(SPOT), None, &mut out);
    assert_eq!(placed(&out), [OrderId::new(1, SlotId(1), 1)]);
}

/// An order whose answer is lost is asked for and not sent again, and a late refusal of the same
/// id counts as evidence that it arrived.
#[test]
fn an_order_in_doubt_is_asked_for() {
    let plan = plan(eager);
    let (mut bot, mut out) = (running(&plan), Vec::new());
    bot.market(at(2), &quote(SPOT), None, &mut out);
    let order = placed(&out)[0];
    out.clear();
    bot.gateway(
        at(3),
        GatewayEvent::Placed { order, answer: Answer::Unknown, fills: vec![] },
        &mut out,
    );
    let instrument = SPOT;
    assert_eq!(out, [BotAction::Request(Request::Find { order, instrument })]);
    assert_eq!(bot.doubts(), 1);
    for second in 4..60 {
        bot.on_time(at(second), &mut out);
    }
    assert_eq!(placed(&out), [], "never sent again");
    let found = Found::Nothing { asked: at(50) };
    bot.gateway(at(60), GatewayEvent::Found { order, found }, &mut out);
    assert_eq!(bot.doubts(), 0);
    let status = bot.engine().orders().find(order).unwrap().status;
    assert_eq!(status, tradewright::types::OrderStatus::Rejected);
}

/// A difference above the tolerance halts and changes nothing; a person accepts and resumes.
#[test]
fn what_is_above_the_tolerance_waits_for_a_person() {
    let plan = plan(|| Box::new(from_fn("IDLE", |_, _, _| {})));
    let (mut bot, mut out) = (running(&plan), Vec::new());
    bot.market(at(2), &quote(PERP), None, &mut out);
    let look = |bot: &mut World, second: i64, out: &mut Vec<BotAction>| {
        bot.on_time(at(second), out);
        show(bot, at(second), &picture(9_000, 0), out);
    };
    look(&mut bot, 40, &mut out);
    assert_eq!(bot.status(), BotStatus::Running, "one picture is none");
    look(&mut bot, 43, &mut out);
    assert_eq!(bot.status(), BotStatus::HaltedRisk);
    assert_eq!(notices(&out, NoticeKind::ReconciliationFailed).len(), 1);
    assert_eq!(bot.engine().account().book().cash(USDT), Decimal::from(10_000));
    let (asset, ours, theirs) = (USDT, Decimal::from(10_000), Decimal::from(9_000));
    let explained = bot.explained().last().copied().unwrap();
    assert_eq!(explained.difference, Difference::Balance { asset, ours, theirs });
    assert_eq!(explained.resolution, Resolution::Halted);

    look(&mut bot, 100, &mut out);
    assert_eq!(notices(&out, NoticeKind::ReconciliationFailed).len(), 0, "told once");
    bot.accept_differences(at(101), &mut out);
    show(&mut bot, at(101), &picture(9_000, 0), &mut out);
    assert_eq!(bot.engine().account().book().cash(USDT), Decimal::from(9_000));
    let (scope, acknowledgement) = (HaltScope::Account, Acknowledgement::None);
    bot.control(at(102), Control::Resume { scope, acknowledgement }, &mut out).unwrap();
    assert_eq!(bot.status(), BotStatus::Running);
}

/// Small differences become adjustments with their cause, once two pictures agree; what is
/// missing counts as a loss.
#[test]
fn small_differences_are_adjusted() {
    let mut plan = plan(|| Box::new(from_fn("IDLE", |_, _, _| {})));
    plan.config.reconcile.tolerance = 5.0;
    let (mut bot, mut out) = (running(&plan), Vec::new());
    for second in [40, 43] {
        bot.on_time(at(second), &mut out);
        show(&mut bot, at(second), &picture(9_997, 0), &mut out);
    }
    assert_eq!(bot.engine().account().sums(USDT).realised, Decimal::from(-3));
    assert_eq!(bot.engine().account().book().cash(USDT), Decimal::from(9_997));
    assert_eq!(bot.status(), BotStatus::Running);
}

/// Lost news stop entries until a picture has been compared; the reconnect asks for one.
#[test]
fn lost_news_stop_entries() {
    let plan = plan(eager);
    let (mut bot, mut out) = (running(&plan), Vec::new());
    let reason = "reset".to_owned();
    bot.gateway(at(2), GatewayEvent::Lost { reason }, &mut out);
    bot.market(at(3), &quote(SPOT), None, &mut out);
    assert_eq!(placed(&out), []);
    out.clear();
    bot.on_time(at(63), &mut out);
    let told = notices(&out, NoticeKind::Disconnected);
    assert!(told.iter().any(|notice| notice.level == AlertLevel::Error), "lasts too long");
    bot.gateway(at(70), GatewayEvent::Started, &mut out);
    assert_eq!(notices(&out, NoticeKind::Reconnected).len(), 1);
    // The picture from before was given up, and another one is on its way.
    bot.on_time(at(110), &mut out);
    show(&mut bot, at(111), &picture(10_000, 0), &mut out);
    bot.market(at(112), &quote(SPOT), None, &mut out);
    assert_eq!(placed(&out).len(), 1);
}

/// Without market data nothing is opened; the first event after the feed is whole again ends that.
#[test]
fn lost_market_data_stop_entries() {
    let plan = plan(eager);
    let (mut bot, mut out) = (running(&plan), Vec::new());
    bot.market_lost(at(2), SPOT, &mut out);
    bot.market(at(3), &quote(SPOT), None, &mut out);
    assert_eq!(placed(&out), [], "another channel's event does not make it whole");
    bot.market_started(SPOT);
    out.clear();
    bot.market(at(4), &quote(SPOT), None, &mut out);
    assert_eq!(placed(&out).len(), 1);
}

/// A panic in the engine ends the bot, takes entries back, and passes no further.
#[test]
fn a_panic_ends_one_bot() {
    let mut calls = 0;
    let plan = plan(move || {
        Box::new(from_fn("FRAGILE", move |_, _, advice| {
            calls += 1;
            assert!(calls < 3, "the third call fails");
            advice.buy(Confidence::FULL);
        }))
    });
    let (mut bot, mut out) = (running(&plan), Vec::new());
    bot.market(at(2), &quote(SPOT), None, &mut out);
    let order = placed(&out)[0];
    out.clear();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for second in 3..8 {
        bot.market(at(second), &quote(SPOT), None, &mut out);
    }
    std::panic::set_hook(hook);
    assert_eq!(bot.status(), BotStatus::Error);
    assert_eq!(notices(&out, NoticeKind::BotError).len(), 1);
    let instrument = SPOT;
    assert!(out.contains(&BotAction::Request(Request::Cancel { order, instrument })));
    assert!(out.contains(&BotAction::Status(BotStatus::Error)));
}

/// The statuses of halts, in words that are shown.
#[test]
fn halts_show_in_the_status() {
    let plan = plan(|| Box::new(from_fn("IDLE", |_, _, _| {})));
    let cases = [
        (HaltCause::Drawdown, "HALTED_DRAWDOWN", NoticeKind::Halted),
        (HaltCause::CircuitBreaker, "HALTED_CIRCUIT_BREAKER", NoticeKind::BreakerTripped),
        (HaltCause::Operator, "HALTED_RISK", NoticeKind::Halted),
    ];
    for (cause, word, kind) in cases {
        let (mut bot, mut out) = (running(&plan), Vec::new());
        let halt = Control::Halt(Halt::new(cause, HaltScope::Account));
        bot.control(at(2), halt, &mut out).unwrap();
        assert_eq!(bot.status().as_str(), word);
        assert_eq!(notices(&out, kind).len(), 1);
    }
    let (mut bot, mut out) = (running(&plan), Vec::new());
    bot.control(
        at(2),
        Control::Halt(Halt::new(HaltCause::Operator, HaltScope::Symbol(SPOT))),
        &mut out,
    )
    .unwrap();
    assert_eq!(bot.status(), BotStatus::Running, "it still trades the other instrument");
    bot.control(at(3), Control::Pause(SlotId(1)), &mut out).unwrap();
    assert_eq!(bot.status(), BotStatus::Paused);
}

/// A stop opens nothing more, takes entries back, waits for the venue's word, and reports.
#[test]
fn a_stop_waits_for_the_venue() {
    let plan = plan(eager);
    let (mut bot, mut out) = (running(&plan), Vec::new());
    bot.market(at(2), &quote(SPOT), None, &mut out);
    let order = placed(&out)[0];
    out.clear();
    let policy = StopPolicy { orders: StopOrders::CancelEntries, within: Duration::from_secs(15) };
    bot.stop(at(3), policy, &mut out);
    assert_eq!(bot.status(), BotStatus::Stopping);
    let instrument = SPOT;
    assert!(out.contains(&BotAction::Request(Request::Cancel { order, instrument })));
    bot.market(at(4), &quote(PERP), None, &mut out);
    assert_eq!(placed(&out), []);
    for report in [OrderReport::Accepted, OrderReport::Cancelled] {
        let (side, leg) = (Side::Buy, Default::default());
        let update = OrderUpdate { order, instrument, side, leg, report };
        let news = OrderNews { at: at(5), update, venue_order: 1, filled: Decimal::ZERO };
        bot.gateway(at(5), GatewayEvent::News(UserNews::Order(news)), &mut out);
    }
    assert_eq!(bot.status(), BotStatus::Stopped);
    let report = bot.report_exit(at(5));
    assert_eq!((report.working.len(), report.unresolved.len()), (0, 0));
    assert_eq!(notices(&out, NoticeKind::Stopped)[0].level, AlertLevel::Info);

    // Without the venue's word the deadline ends it, and says so.
    let (mut bot, mut out) = (running(&plan), Vec::new());
    bot.market(at(2), &quote(SPOT), None, &mut out);
    bot.stop(at(3), policy, &mut out);
    bot.on_time(at(18), &mut out);
    assert_eq!(bot.status(), BotStatus::Stopped);
    assert_eq!(notices(&out, NoticeKind::Stopped)[0].level, AlertLevel::Error);
    assert_eq!(bot.report_exit(at(18)).unresolved.len(), 1);
}

/// A deposit that the venue tells is capital with its cause, and no difference.
#[test]
fn a_transfer_is_booked_once() {
    let plan = plan(|| Box::new(from_fn("IDLE", |_, _, _| {})));
    let (mut bot, mut out) = (running(&plan), Vec::new());
    let (asset, change): (AssetId, _) = (USDT, Decimal::from(500));
    bot.gateway(at(2), GatewayEvent::News(UserNews::Transfer { asset, change }), &mut out);
    assert_eq!(bot.engine().account().book().cash(USDT), Decimal::from(10_500));
    bot.on_time(at(5), &mut out);
    show(&mut bot, at(5), &picture(10_500, 0), &mut out);
    assert_eq!(notices(&out, NoticeKind::Difference).len(), 0);
    assert_eq!(BotConfig::default().heartbeat, None);
}
