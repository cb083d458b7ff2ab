//! The catalogue of pre-trade controls: each at its boundary, closed for what is unknown,
//! monotone in its limit, and saved and restored without a difference.

use core::time::Duration;

use proptest::prelude::*;
use tradewright::engine::AuditGate;
use tradewright::risk::*;
use tradewright::types::{
    Amount, Bar, FactBook, Fill, FillReport, HaltCause, HaltLevel, HaltScope, Intent, Label, Leg,
    LimitKey, Liquidity, Mark, MarketEvent, Money, Order, OrderId, OrderKind, Period, Purpose,
    Quote, ReasonCode, Side, State, Timestamp, TradeId,
};
use tradewright::types::{Decimal, FactBookBuilder, InstrumentId, MarkFact, Qty, SlotId};

use super::{COIN, INVERSE, SHARE, SLOT, World, dec, market, price, secs};

type Book = fn(FactBookBuilder<'_>) -> FactBookBuilder<'_>;

/// The code that a rule refuses an intent with; `None` when it is granted in full.
fn verdict(rule: impl RiskRule + 'static, intent: Intent, book: Book) -> Option<ReasonCode> {
    let world = World::new();
    let book = book(world.book()).build();
    let mut out = Assessment::default();
    RiskChain::new().with_rule(Box::new(rule)).review(&[intent], &world.facts(&book), &mut out);
    assert_eq!(out.approved, out.findings.is_empty());
    out.findings.first().map(|finding| finding.reason.code)
}

fn plain(book: FactBookBuilder<'_>) -> FactBookBuilder<'_> {
    book
}

fn long_ten(book: FactBookBuilder<'_>) -> FactBookBuilder<'_> {
    book.position(SLOT, SHARE, Decimal::TEN, price("100"))
}

fn order(sequence: u64, intent: Intent) -> Order {
    Order { id: OrderId::new(1, intent.slot, sequence), created_at: Timestamp::EPOCH, intent }
}

fn limit(side: Side, quantity: &str, at: &str) -> Intent {
    Intent { kind: OrderKind::Limit { price: price(at) }, ..market(SHARE, side, quantity) }
}

fn buy(quantity: &str) -> Intent {
    market(SHARE, Side::Buy, quantity)
}

fn sell(quantity: &str) -> Intent {
    market(SHARE, Side::Sell, quantity)
}

fn no_mark(book: FactBookBuilder<'_>) -> FactBookBuilder<'_> {
    book.rated_mark(SHARE, MarkFact { price: f64::NAN, at: Timestamp::EPOCH, rate: 1.0 })
}

#[test]
fn an_order_is_as_large_as_it_may_be() {
    let rule = || MaxOrderQuantity::each(dec("10")).unwrap();
    assert_eq!(verdict(rule(), buy("10"), plain), None);
    let code = Some(ReasonCode::MaxOrderQuantity);
    assert_eq!(verdict(rule(), buy("11"), plain), code);
    assert_eq!(rule().largest(), 10.into());
    let small = || MaxOrderQuantity::of(SHARE, dec("1")).unwrap();
    assert_eq!(verdict(small(), sell("10"), long_ten), None, "closing is free");
    assert_eq!(verdict(small(), sell("11"), long_ten), None, "one share is opened");
    assert_eq!(verdict(small(), sell("12"), long_ten), code);
    assert_eq!(verdict(small(), market(COIN, Side::Buy, "50"), plain), None, "another symbol");
}

#[test]
fn an_order_is_worth_as_much_as_it_may_be() {
    let rule = || MaxOrderNotional::new(Ceiling::Amount(1_000.0)).unwrap();
    let code = Some(ReasonCode::MaxOrderNotional);
    assert_eq!(verdict(rule(), buy("10"), plain), None);
    assert_eq!(verdict(rule(), buy("11"), plain), code);
    assert_eq!(verdict(rule(), limit(Side::Buy, "10", "100.01"), plain), code);
    assert_eq!(verdict(rule(), market(INVERSE, Side::Buy, "10"), plain), None, "100 each");
    assert_eq!(verdict(rule(), market(INVERSE, Side::Buy, "11"), plain), code);
    assert_eq!(verdict(rule(), buy("1"), no_mark), code, "an unknown value is too much");
    let none = MaxOrderNotional::new(Ceiling::Amount(0.0)).unwrap();
    assert_eq!(verdict(none, sell("10"), long_ten), None, "closing is free");
    assert!(MaxOrderNotional::new(Ceiling::Amount(f64::NAN)).is_err());
}

#[test]
fn working_orders_are_counted() {
    let two: Book = |book| {
        book.working(SLOT, SHARE, Side::Buy, Decimal::ONE).working(SLOT, COIN, Side::Buy, dec("1"))
    };
    let code = Some(ReasonCode::OpenOrders);
    assert_eq!(verdict(OpenOrders::new(2, 3), buy("1"), two), None);
    assert_eq!(verdict(OpenOrders::new(1, 3), buy("1"), two), code);
    assert_eq!(verdict(OpenOrders::new(2, 2), buy("1"), two), code);
    assert_eq!(verdict(OpenOrders::new(0, 0), sell("10"), long_ten), None, "closing is free");
}

#[test]
fn what_is_opened_can_be_paid_for() {
    let rule = || BuyingPower::new(Decimal::ZERO).unwrap();
    let code = Some(ReasonCode::BuyingPower);
    assert_eq!(verdict(rule(), buy("1000"), plain), None);
    assert_eq!(verdict(rule(), buy("1001"), plain), code);
    assert_eq!(verdict(rule().reserve_bps(1), buy("1000"), plain), code, "fees are kept");
    let credit = BuyingPower::new(dec("100")).unwrap();
    assert_eq!(verdict(credit, buy("1001"), plain), None);
    let busy: Book = |book| book.working(SLOT, COIN, Side::Buy, dec("100"));
    assert_eq!(verdict(rule(), buy("950"), busy), None);
    assert_eq!(verdict(rule(), buy("951"), busy), code, "the working coins cost 5,000");
    let broke: Book = |book| {
        let book = book.position(SLOT, SHARE, Decimal::TEN, price("100"));
        book.cash(tradewright::types::AssetId(1), dec("-5"))
    };
    assert_eq!(verdict(rule(), sell("10"), broke), None, "closing is free");
    assert_eq!(verdict(rule(), buy("1"), no_mark), Some(ReasonCode::InvalidInput));
    assert_eq!(verdict(rule(), market(INVERSE, Side::Buy, "999999"), plain), None, "on margin");
}

#[test]
fn an_old_mark_opens_nothing() {
    let world = World::new();
    let book = world.book().position(SLOT, SHARE, Decimal::TEN, price("100")).build();
    let approved = |at, intent| {
        let rule = MarketAge::new(Duration::from_secs(5)).unwrap();
        let mut out = Assessment::default();
        let chain = RiskChain::new().with_rule(Box::new(rule));
        chain.review(&[intent], &world.facts_at(at, &book), &mut out);
        out.approved
    };
    assert!(approved(secs(5), buy("1")));
    assert!(!approved(secs(5).after(Duration::from_nanos(1)), buy("1")));
    assert!(approved(secs(99), sell("10")), "closing is free");
    let code = Some(ReasonCode::StaleData);
    assert_eq!(verdict(MarketAge::new(Duration::MAX).unwrap(), buy("1"), no_mark), code);
    assert!(MarketAge::new(Duration::ZERO).is_err());
}

#[test]
fn lists_say_what_may_be_opened() {
    let code = Some(ReasonCode::NotAllowed);
    assert_eq!(verdict(InstrumentList::allow([SHARE]), buy("1"), plain), None);
    assert_eq!(verdict(InstrumentList::allow([COIN]), buy("1"), plain), code);
    assert_eq!(verdict(InstrumentList::allow([]), sell("10"), long_ten), None, "closing is free");
    assert_eq!(verdict(InstrumentList::deny([COIN]), buy("1"), plain), None);
    assert_eq!(verdict(InstrumentList::deny([SHARE]), buy("1"), plain), code);
    let unknown = market(InstrumentId(77), Side::Buy, "1");
    for list in [InstrumentList::deny([]), InstrumentList::allow([InstrumentId(77)])] {
        assert_eq!(verdict(list, unknown, plain), Some(ReasonCode::UnknownInstrument));
    }
}

/// New York from half past nine to four, across the change to daylight saving, on a holiday,
/// and a session over midnight.
#[test]
fn sessions_follow_the_wall_clock() {
    use chrono::Weekday::*;
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let day = Session::new([Mon, Tue, Wed, Thu, Fri], "09:30", "16:00").unwrap();
    let holiday = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    let hours = TradingHours::new(chrono_tz::America::New_York);
    let hours = hours.session(day).holiday(holiday);
    for (time, open) in [
        ("2026-03-06T14:29:59Z", false),
        ("2026-03-06T14:30:00Z", true),
        ("2026-03-06T20:59:59Z", true),
        ("2026-03-06T21:00:00Z", false),
        ("2026-03-09T13:30:00Z", true),
        ("2026-03-09T20:00:00Z", false),
        ("2026-03-07T15:00:00Z", false),
        ("2026-01-01T15:00:00Z", false),
        ("2026-01-02T15:00:00Z", true),
    ] {
        assert_eq!(hours.is_open(at(time)), open, "{time}");
    }
    let days = [2, 1].map(|day| chrono::NaiveDate::from_ymd_opt(2026, 1, day).unwrap());
    let long = TradingHours::new(chrono_tz::America::New_York).session(day);
    let long = days.into_iter().fold(long, TradingHours::holiday);
    for day in ["2026-01-01T15:00:00Z", "2026-01-02T15:00:00Z"] {
        assert!(!long.is_open(at(day)), "{day}");
    }
    let night = Session::new([Sun], "18:00", "17:00").unwrap();
    let night = TradingHours::new(chrono_tz::UTC).session(night);
    assert!(night.is_open(at("2026-03-08T18:00:00Z")));
    assert!(night.is_open(at("2026-03-09T16:59:00Z")));
    assert!(!night.is_open(at("2026-03-09T17:00:00Z")));
    assert!(!night.is_open(at("2026-03-08T17:59:59Z")));
    let closed = || TradingHours::new(chrono_tz::UTC);
    assert_eq!(verdict(closed(), buy("1"), plain), Some(ReasonCode::TradingHours));
    assert_eq!(verdict(closed(), sell("10"), long_ten), None, "closing is free");
    assert_eq!(verdict(closed().only([COIN]), buy("1"), plain), None, "another symbol's hours");
    // The reason tells the wall clock: half past four in New York.
    let world = World::new();
    let book = world.book().build();
    let (mut out, facts) =
        (Assessment::default(), world.facts_at(at("2026-03-06T21:30:00Z"), &book));
    RiskChain::new().with_rule(Box::new(hours)).review(&[buy("1")], &facts, &mut out);
    assert_eq!(out.findings[0].reason.observed, 16.5);
    let whole = Session::new([Mon], "09:30", "09:30").unwrap();
    let whole = TradingHours::new(chrono_tz::UTC).session(whole);
    assert!(whole.is_open(at("2026-03-09T09:30:00Z")), "from a time to the same: all day");
    assert!(whole.is_open(at("2026-03-10T09:29:59Z")));
    assert!(!whole.is_open(at("2026-03-10T09:30:00Z")));
    assert!(Session::new([Mon], "25:00", "16:00").is_err());
}

fn gate_code(gate: &dyn OrderGate, order: &Order, at: Timestamp, book: Book) -> Option<ReasonCode> {
    let world = World::new();
    let book = book(world.book()).build();
    let answer = gate.check(order, &world.facts_at(at, &book));
    answer.err().map(|refusal| refusal.reason.code)
}

fn tell(gate: &mut dyn OrderGate, at: Timestamp, event: &GateEvent<'_>) {
    let world = World::new();
    let book = world.book().build();
    gate.observe(event, &world.facts_at(at, &book));
}

#[test]
fn prices_stay_near_the_reference() {
    let gate = PriceCollar::new(0.05, Duration::from_secs(10)).unwrap();
    let code = |side, at: &str| gate_code(&gate, &order(1, limit(side, "1", at)), secs(0), plain);
    let far = Some(ReasonCode::PriceCollar);
    for (price, expected) in [("105", None), ("105.01", far), ("95", None), ("94.99", far)] {
        assert_eq!(code(Side::Buy, price), expected, "buy at {price}");
        assert_eq!(code(Side::Sell, price), expected, "sell at {price}");
    }
    let at = |book: Book, at: i64, intent| gate_code(&gate, &order(1, intent), secs(at), book);
    let stale = Some(ReasonCode::StaleReference);
    assert_eq!(at(plain, 10, limit(Side::Buy, "1", "100")), None);
    assert_eq!(at(plain, 11, limit(Side::Buy, "1", "100")), stale);
    assert_eq!(at(no_mark, 0, limit(Side::Buy, "1", "100")), stale);
    assert_eq!(at(plain, 99, buy("1")), None, "a market order has no price");
    assert_eq!(at(long_ten, 0, limit(Side::Sell, "10", "150")), None, "an exit may rest far away");
    assert_eq!(at(long_ten, 0, limit(Side::Sell, "10", "94.99")), far, "but not give away");
    let wide = gate.clone().passive(0.5).unwrap();
    assert_eq!(gate_code(&wide, &order(1, limit(Side::Buy, "1", "50")), secs(0), plain), None);
    assert_eq!(gate_code(&wide, &order(1, limit(Side::Buy, "1", "49.99")), secs(0), plain), far);
    let trigger = price("200");
    let stop = |limit| OrderKind::StopLimit { trigger, price: price(limit) };
    let stopped = |limit| at(plain, 99, Intent { kind: stop(limit), ..buy("1") });
    assert_eq!((stopped("210"), stopped("210.01")), (None, far), "against its own trigger");
}

/// Each kind of reference listens to its own events alone.
#[test]
fn a_collar_knows_its_reference() {
    let ten = Duration::from_secs(10);
    let quote =
        Quote { instrument: SHARE, bid: 199.0, bid_quantity: 1.0, ask: 201.0, ask_quantity: 1.0 };
    let bar = Bar::new(SHARE, Period::MINUTE, [300.0; 4], 1.0).unwrap();
    let mark = Mark { instrument: SHARE, price: 400.0 };
    let events = [MarketEvent::Bar(bar), MarketEvent::Quote(quote), MarketEvent::Mark(mark)];
    for (reference, at) in
        [(Reference::Last, "300"), (Reference::Mid, "200"), (Reference::Mark, "400")]
    {
        let mut gate = PriceCollar::new(0.01, ten).unwrap().against(reference);
        assert!(gate.watches_market());
        let order = order(1, limit(Side::Buy, "1", at));
        let unknown = gate_code(&gate, &order, secs(0), plain);
        assert_eq!(unknown, Some(ReasonCode::StaleReference));
        events.iter().for_each(|event| tell(&mut gate, secs(1), &GateEvent::Market(event)));
        assert_eq!(gate_code(&gate, &order, secs(11), plain), None);
        assert!(gate_code(&gate, &order, secs(12), plain).is_some());
        let mut restored = PriceCollar::new(0.01, ten).unwrap().against(reference);
        restored.restore(&gate.save().unwrap()).unwrap();
        assert_eq!(restored, gate);
    }
}

#[test]
fn the_same_order_is_sent_once() {
    let mut gate = DuplicateOrders::within(Duration::from_secs(2)).unwrap();
    let first = order(1, limit(Side::Buy, "5", "99"));
    tell(&mut gate, secs(10), &GateEvent::Placed(&first));
    let code = |intent, id, at: i64| gate_code(&gate, &order(id, intent), secs(at), plain);
    let twice = Some(ReasonCode::DuplicateOrder);
    assert_eq!(code(first.intent, 2, 11), twice);
    assert_eq!(code(first.intent, 2, 12), None, "exactly two seconds ago");
    assert_eq!(code(limit(Side::Sell, "1", "7"), 1, 99), twice, "the same id at any time");
    for other in [
        limit(Side::Buy, "5", "98"),
        limit(Side::Buy, "6", "99"),
        limit(Side::Sell, "5", "99"),
        Intent { slot: SlotId(2), ..first.intent },
        Intent { instrument: COIN, ..first.intent },
    ] {
        assert_eq!(code(other, 2, 11), None);
    }
    for id in 2..3_000 {
        tell(&mut gate, secs(20), &GateEvent::Placed(&order(id, buy("1"))));
    }
    assert_eq!(gate.remembered(), 1_024);
}

/// Entries stop at their share, reducing orders and cancels at the whole budget, and room comes
/// back when the oldest message leaves the window.
#[test]
fn the_last_messages_are_for_getting_out() {
    let span = Duration::from_secs(10);
    let mut gate = MessageThrottle::new(4, span).unwrap().reserve(2).unwrap();
    let (entry, exit) = (order(9, buy("1")), order(9, sell("10")));
    let world = World::new();
    let book = world.book().position(SLOT, SHARE, Decimal::TEN, price("100")).build();
    let mut seen = Vec::new();
    for second in 0..4 {
        let facts = world.facts_at(secs(second), &book);
        let open = [gate.check(&entry, &facts), gate.check(&exit, &facts)];
        seen.push((open.map(|answer| answer.is_ok()), gate.check_cancel(&entry, &facts).is_ok()));
        let event =
            if second == 2 { GateEvent::Cancelling(&entry) } else { GateEvent::Placed(&exit) };
        gate.observe(&event, &facts);
    }
    let (free, last) = (([true; 2], true), ([false, true], true));
    assert_eq!(seen, [free, free, last, last]);
    let facts = world.facts_at(secs(9), &book);
    assert!(gate.check(&exit, &facts).is_err() && gate.check_cancel(&exit, &facts).is_err());
    assert_eq!(gate.free_at(&facts), Some(secs(10)));
    let facts = world.facts_at(secs(10), &book);
    assert!(gate.check(&exit, &facts).is_ok(), "the first message is exactly one span old");
    let turned = gate.check(&order(9, sell("15")), &facts).unwrap_err();
    assert_eq!(turned.granted, 10.into(), "the reducing part may use the reserve");
    let mut restored = MessageThrottle::new(4, span).unwrap().reserve(2).unwrap();
    restored.restore(&gate.save().unwrap()).unwrap();
    assert_eq!(restored, gate);
    assert!(
        MessageThrottle::new(0, span).is_err() && MessageThrottle::new(3, Duration::ZERO).is_err()
    );
}

#[test]
fn children_are_no_larger_than_their_parent() {
    let mut gate = ParentCheck::new();
    let child = |id, quantity| order(id, Intent { tag: Label::new("twap"), ..buy(quantity) });
    let code = |gate: &ParentCheck, order: &Order| gate_code(gate, order, secs(0), plain);
    assert_eq!(code(&gate, &child(1, "99")), None, "no such parent is known");
    let key = LimitKey::named(ParentCheck::LIMIT, "twap");
    assert_eq!(gate.set_limit(&key, Decimal::TEN), Ok(Some(Decimal::ZERO)));
    assert_eq!(code(&gate, &child(1, "10")), None);
    tell(&mut gate, secs(0), &GateEvent::Placed(&child(1, "6")));
    assert_eq!(code(&gate, &child(2, "4")), None, "exactly the parent");
    let refusal = gate.check(&child(2, "5"), &{
        let world = Box::leak(Box::new(World::new()));
        let book = Box::leak(Box::new(world.book().build()));
        world.facts(book)
    });
    let refusal = refusal.unwrap_err();
    assert_eq!(refusal.reason.code, ReasonCode::ParentQuantity);
    assert_eq!(refusal.halt.unwrap().cause, HaltCause::ParentBreach);
    let (order, filled) = (child(1, "6").id, Qty::from(2));
    for _ in 0..2 {
        tell(&mut gate, secs(1), &GateEvent::Ended { order, filled });
    }
    assert_eq!(gate.out("twap"), Some(Decimal::TWO), "what was not filled comes back");
    assert_eq!(code(&gate, &child(2, "8")), None);
    let mut cash = child(2, "1");
    cash.intent.amount = Amount::Cash(Money::new(Decimal::ONE, tradewright::types::AssetId(1)));
    assert_eq!(code(&gate, &cash), Some(ReasonCode::ParentQuantity), "nobody knows how much");
    let mut restored = ParentCheck::new();
    restored.restore(&gate.save().unwrap()).unwrap();
    assert_eq!(restored, gate);
    for number in 0..255 {
        let key = LimitKey::named(ParentCheck::LIMIT, &format!("p{number}"));
        gate.set_limit(&key, Decimal::ONE).unwrap();
    }
    let more = LimitKey::named(ParentCheck::LIMIT, "more");
    assert!(gate.set_limit(&more, Decimal::ONE).is_err(), "256 parents are kept");
    gate.set_limit(&LimitKey::named(ParentCheck::LIMIT, "p7"), Decimal::ZERO).unwrap();
    assert!(gate.set_limit(&more, Decimal::ONE).is_ok(), "one that is over makes room");
}

#[test]
fn nobody_trades_with_himself() {
    let mut gate = SelfMatch::new();
    let resting = order(1, Intent { slot: SlotId(2), ..limit(Side::Sell, "5", "101") });
    tell(&mut gate, secs(0), &GateEvent::Placed(&resting));
    let code = |gate: &SelfMatch, intent| gate_code(gate, &order(2, intent), secs(0), plain);
    let own = Some(ReasonCode::SelfMatch);
    assert_eq!(code(&gate, limit(Side::Buy, "1", "100.99")), None);
    assert_eq!(code(&gate, limit(Side::Buy, "1", "101")), own);
    assert_eq!(code(&gate, buy("1")), own);
    assert_eq!(code(&gate, sell("1")), None);
    let mut bidding = SelfMatch::new();
    let bid = order(1, Intent { slot: SlotId(2), ..limit(Side::Buy, "5", "99") });
    tell(&mut bidding, secs(0), &GateEvent::Placed(&bid));
    assert_eq!(code(&bidding, limit(Side::Sell, "1", "99.01")), None);
    assert_eq!(code(&bidding, limit(Side::Sell, "1", "99")), own);
    let short: Book = |book| book.position(SLOT, SHARE, dec("-3"), price("100"));
    assert_eq!(gate_code(&gate, &order(2, buy("3")), secs(0), short), None, "closing is free");
    assert_eq!(gate_code(&gate, &order(2, buy("4")), secs(0), short), own);
    let mut restored = SelfMatch::new();
    restored.restore(&gate.save().unwrap()).unwrap();
    assert_eq!(restored, gate);
    let (id, quantity) = (resting.id, Qty::from(5));
    let moved = GateEvent::Amended { order: id, quantity, price: Some(price("103")) };
    tell(&mut gate, secs(1), &moved);
    assert_eq!(code(&gate, limit(Side::Buy, "1", "102.99")), None);
    tell(&mut gate, secs(1), &GateEvent::Cancelling(&resting));
    assert_eq!(code(&gate, buy("1")), None, "its cancel is ahead");
}

fn fill(number: u64, purpose: Purpose, quantity: &str) -> Fill {
    let execution = FillReport {
        trade: TradeId(u128::from(number)),
        price: price("100"),
        quantity: Qty::new(dec(quantity)),
        fee: Money::zero(tradewright::types::AssetId(1)),
        liquidity: Liquidity::Taker,
        before_slippage: price("100"),
    };
    Fill {
        at: Timestamp::EPOCH,
        order: OrderId::new(1, SLOT, number),
        slot: SLOT,
        instrument: SHARE,
        side: Side::Buy,
        leg: Leg::Net,
        execution,
        arrival: 100.0,
        purpose,
        tag: Label::default(),
    }
}

fn watch(
    guard: &mut dyn Guard,
    at: Timestamp,
    fact: &Fact<'_>,
) -> Option<(HaltCause, HaltLevel, HaltScope)> {
    let world = World::new();
    let book = world.book().build();
    let halt = guard.watch(fact, &world.facts_at(at, &book))?;
    Some((halt.cause, halt.level, halt.scope))
}

fn denies(guard: &dyn Guard, at: Timestamp) -> bool {
    let world = World::new();
    let book = world.book().build();
    matches!(guard.verdict(&world.facts_at(at, &book)), Limit::Deny(_))
}

#[test]
fn a_strategy_runs_so_often_until_a_person_looks() {
    let mut guard = RepeatedExecution::for_strategy(2, SLOT).unwrap();
    for event in
        [fill(1, Purpose::Entry, "1"), fill(1, Purpose::Entry, "1"), fill(9, Purpose::Exit, "1")]
    {
        assert_eq!(watch(&mut guard, secs(1), &Fact::Fill(&event)), None);
    }
    let scope = HaltScope::Strategy(SLOT);
    let wanted = Some((HaltCause::RepeatedExecution, HaltLevel::Halted, scope));
    assert!(!denies(&guard, secs(2)), "once more is allowed");
    assert_eq!(watch(&mut guard, secs(2), &Fact::Fill(&fill(2, Purpose::Entry, "1"))), wanted);
    assert!(denies(&guard, secs(2)));
    assert_eq!(watch(&mut guard, secs(9_999_999), &Fact::Time), wanted, "time does not end it");
    let mut restored = RepeatedExecution::for_strategy(2, SLOT).unwrap();
    restored.restore(&guard.save().unwrap()).unwrap();
    assert_eq!(restored, guard);
    let world = World::new();
    let book = world.book().build();
    guard.release(HaltCause::Operator, &world.facts(&book));
    assert_eq!(guard.count(), 2);
    guard.release(HaltCause::RepeatedExecution, &world.facts(&book));
    assert_eq!(watch(&mut guard, secs(3), &Fact::Time), None);
    assert!(RepeatedExecution::new(0).is_err());
}

#[test]
fn executions_have_a_rate() {
    let limits =
        ExecutionLimits { fills: Some(3), quantity: Some(dec("10")), value: Some(dec("900")) };
    let span = Duration::from_secs(60);
    let scope = HaltScope::Symbol(SHARE);
    let mut guard = ExecutionRate::new(limits, span, scope).unwrap();
    assert!(!denies(&guard, secs(0)));
    watch(&mut guard, secs(0), &Fact::Fill(&fill(1, Purpose::Exit, "4")));
    watch(&mut guard, secs(1), &Fact::Fill(&fill(2, Purpose::Entry, "4")));
    let world = World::new();
    let book = world.book().working(SLOT, SHARE, Side::Buy, Decimal::ONE).build();
    let limit = guard.verdict(&world.facts_at(secs(1), &book));
    let Limit::Cap(left, reason) = limit else { panic!("a cap: {limit:?}") };
    assert_eq!((left, reason.code), (1.into(), ReasonCode::VolumeRate), "8 filled, 1 works");
    assert!(!denies(&guard, secs(1)), "800 of 900");
    watch(&mut guard, secs(2), &Fact::Fill(&fill(3, Purpose::Entry, "1")));
    assert!(denies(&guard, secs(59)), "900 of 900, and three fills");
    assert!(!denies(&guard, secs(60)), "the first is exactly one span old");
    let mut restored = ExecutionRate::new(limits, span, scope).unwrap();
    restored.restore(&guard.save().unwrap()).unwrap();
    assert_eq!(restored, guard);
    assert!(ExecutionRate::new(limits, span, HaltScope::Account).is_err(), "which quantity?");
}

#[test]
fn bad_data_open_nothing_until_they_are_good_again() {
    let silence = Some(Duration::from_secs(10));
    let limits = DataLimits { silence, jump: Some(0.1), sound_events: 2 };
    let mut guard = DataQualityGuard::new(SHARE, limits).unwrap();
    let at = |price: f64| MarketEvent::Mark(Mark { instrument: SHARE, price });
    let mut see = |second: i64, price: f64| {
        let wanted = watch(&mut guard, secs(second), &Fact::Market(&at(price)));
        (wanted.is_some(), guard.trouble())
    };
    assert_eq!(see(0, 100.0), (false, None));
    assert_eq!(see(1, 110.0), (false, None), "exactly ten percent");
    assert_eq!(see(2, 125.0), (true, Some(DataTrouble::Jump)));
    assert!(see(3, 124.0).0, "one sound event");
    assert_eq!(see(4, 124.0), (false, None), "two");
    assert_eq!(guard.deadline(), Some(secs(14)));
    assert_eq!(watch(&mut guard, secs(13), &Fact::Time), None);
    let stale = Some((HaltCause::StaleData, HaltLevel::ReduceOnly, HaltScope::Symbol(SHARE)));
    assert_eq!(watch(&mut guard, secs(14), &Fact::Time), stale);
    assert_eq!(guard.deadline(), None, "it has been told");
    let mut restored = DataQualityGuard::new(SHARE, limits).unwrap();
    restored.restore(&guard.save().unwrap()).unwrap();
    assert_eq!(restored, guard);
    for (second, open) in [(15, true), (16, false)] {
        let wanted = watch(&mut guard, secs(second), &Fact::Market(&at(124.0)));
        assert_eq!(wanted.is_some(), open, "fresh data end it");
    }
    assert_eq!(watch(&mut guard, secs(17), &Fact::Distrusted(COIN)), None);
    assert_eq!(watch(&mut guard, secs(17), &Fact::Distrusted(SHARE)), stale);
    let fresh = DataQualityGuard::new(SHARE, limits).unwrap();
    assert!(denies(&fresh, secs(0)), "nothing was seen yet");
    let jump = Some(f64::NAN);
    assert!(DataQualityGuard::new(SHARE, DataLimits { jump, ..limits }).is_err());
}

#[test]
fn a_late_heartbeat_stops_entries() {
    let mut guard = DeadManGuard::new(Duration::from_secs(5)).unwrap();
    assert!(denies(&guard, secs(0)), "a host that never says it is there is not there");
    assert_eq!(watch(&mut guard, secs(1), &Fact::Heartbeat), None);
    assert_eq!(guard.deadline(), Some(secs(6)));
    assert!(!denies(&guard, secs(5)) && denies(&guard, secs(6)));
    let late = Some((HaltCause::Disconnected, HaltLevel::Halted, HaltScope::Account));
    assert_eq!(watch(&mut guard, secs(6), &Fact::Time), late);
    let mut restored = DeadManGuard::new(Duration::from_secs(5)).unwrap();
    restored.restore(&guard.save().unwrap()).unwrap();
    assert_eq!(restored, guard);
    assert_eq!(watch(&mut guard, secs(7), &Fact::Heartbeat), None);
}

/// Take-profit and stop-loss lie on their sides of the entry, and the market has not passed
/// them.
#[test]
fn exits_lie_on_their_sides() {
    let code = |side, profit: &str, stop: &str| {
        let exits = [profit, stop].map(|text| Some(price(text)));
        let [take_profit, stop_loss] = exits;
        let bracket = Some(tradewright::types::Bracket { take_profit, stop_loss });
        let intent = Intent { bracket, reference: 100.0, ..market(SHARE, side, "1") };
        gate_code(&AuditGate, &order(1, intent), secs(0), plain)
    };
    let word = |text: &str| Some(ReasonCode::Custom(Label::new(text)));
    assert_eq!(code(Side::Buy, "100.01", "99.99"), None);
    assert_eq!(code(Side::Buy, "100", "99"), word("take_profit_side"));
    assert_eq!(code(Side::Buy, "101", "100"), word("stop_loss_side"));
    assert_eq!(code(Side::Sell, "99.99", "100.01"), None);
    assert_eq!(code(Side::Sell, "101", "100.01"), word("take_profit_side"));
    assert_eq!(code(Side::Sell, "99", "99"), word("stop_loss_side"));
}

/// Every rule that can be tightened, with its limit as the parameter.
fn rules(limit: u32) -> Vec<Box<dyn RiskRule>> {
    let value = f64::from(limit);
    vec![
        Box::new(MaxOrderQuantity::each(Decimal::from(limit.max(1))).unwrap()),
        Box::new(MaxOrderNotional::new(Ceiling::Amount(value * 100.0)).unwrap()),
        Box::new(OpenOrders::new(limit, limit)),
        Box::new(MarketAge::new(Duration::from_secs(u64::from(limit) + 1)).unwrap()),
        Box::new(GrossExposure::new(Ceiling::Amount(value * 100.0)).unwrap()),
    ]
}

fn chain(rules: impl IntoIterator<Item = Box<dyn RiskRule>>) -> RiskChain {
    rules.into_iter().fold(RiskChain::new(), RiskChain::with_rule)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Tightening a limit never turns a refusal into an approval, the order of rules never
    /// changes the verdict, and closing always passes.
    #[test]
    fn controls_are_monotone_and_know_no_order(
        tight in 0_u32..30,
        more in 0_u32..30,
        quantity in 1_i64..40,
        held in -20_i64..20,
        working in 0_i64..10,
        age in 0_i64..40,
        is_buy: bool,
    ) {
        let world = World::new();
        let side = if is_buy { Side::Buy } else { Side::Sell };
        let book = world
            .book()
            .position(SLOT, SHARE, Decimal::from(held), price("100"))
            .working(SLOT, SHARE, side, Decimal::from(working))
            .build();
        let facts = world.facts_at(secs(age), &book);
        let intent = market(SHARE, side, &quantity.to_string());
        let granted = |chain: &RiskChain| {
            let mut out = Assessment::default();
            chain.review(&[intent], &facts, &mut out);
            (out.approved, out.granted[0])
        };
        let strict = granted(&chain(rules(tight)));
        let loose = granted(&chain(rules(tight + more)));
        prop_assert!(strict.1 <= loose.1 && (loose.0 || !strict.0));
        let turned = granted(&chain(rules(tight).into_iter().rev()));
        prop_assert_eq!(strict, turned);
        let reducing = split(&intent, &facts).reducing;
        prop_assert!(strict.1.value() >= reducing, "closing passes");
    }

    /// The throttle equals a list of all messages.
    #[test]
    fn the_throttle_equals_the_list(
        steps in prop::collection::vec((0_i64..4, any::<bool>()), 1..60),
        budget in 2_u32..8,
    ) {
        let mut gate = MessageThrottle::new(budget, Duration::from_secs(6)).unwrap();
        let world = World::new();
        let book = world.book().build();
        let (mut now, mut sent) = (0, Vec::new());
        for (number, (pause, is_cancel)) in steps.into_iter().enumerate() {
            now += pause;
            let facts = world.facts_at(secs(now), &book);
            let order = order(number as u64 + 1, buy("1"));
            let used = sent.iter().filter(|at| now - **at < 6).count();
            let most = if is_cancel { budget } else { gate.for_entries() };
            let answer = match is_cancel {
                true => gate.check_cancel(&order, &facts),
                false => gate.check(&order, &facts),
            };
            prop_assert_eq!(answer.is_ok(), used < most as usize);
            if answer.is_ok() {
                sent.push(now);
                let event = match is_cancel {
                    true => GateEvent::Cancelling(&order),
                    false => GateEvent::Placed(&order),
                };
                gate.observe(&event, &facts);
            }
        }
    }
}

/// Limits change under their names and say what they were; what cannot be changes nothing.
#[test]
fn limits_change_by_name() {
    let mut chain = chain(rules(10));
    let key = LimitKey::all("max_order_quantity");
    assert_eq!(chain.set_limit(&key, Decimal::from(3)), Ok(Some(Decimal::from(10))));
    assert!(chain.set_limit(&key, Decimal::ZERO).is_err());
    assert_eq!(chain.set_limit(&key, Decimal::from(4)), Ok(Some(Decimal::from(3))));
    assert_eq!(chain.set_limit(&LimitKey::all("nothing"), Decimal::ONE), Ok(None));
    let gross = LimitKey::all("gross_exposure");
    assert_eq!(chain.set_limit(&gross, dec("0.5")), Ok(Some(Decimal::from(1_000))));
    assert_eq!(chain.set_limit(&gross, Decimal::ONE), Ok(Some(dec("0.5"))));
    let age = LimitKey::all("market_age_s");
    assert_eq!(chain.set_limit(&age, dec("0.25")), Ok(Some(Decimal::from(11))));
    let mut throttle = MessageThrottle::new(10, Duration::from_secs(1)).unwrap();
    let budget = LimitKey::all(MessageThrottle::BUDGET);
    assert!(throttle.set_limit(&budget, Decimal::TWO).is_err(), "two are reserved");
    assert_eq!(throttle.set_limit(&budget, Decimal::from(3)), Ok(Some(Decimal::TEN)));
    assert_eq!(throttle.set_limit(&budget, Decimal::from(4)), Ok(Some(Decimal::from(3))));
    let reserve = LimitKey::all(MessageThrottle::RESERVE);
    assert!(throttle.set_limit(&reserve, Decimal::from(4)).is_err(), "nothing would be left");
    assert!(throttle.set_limit(&reserve, Decimal::from(3)).is_ok(), "of four one is left");
    assert!(throttle.set_limit(&budget, dec("3.5")).is_err());
}

/// A limit of one symbol or one strategy changes under its own subject alone.
#[test]
fn narrow_limits_change_for_their_subject_alone() {
    let one = |name: &str| LimitKey::of(name, SHARE);
    let other = |name: &str| LimitKey::of(name, COIN);
    let mut symbol = SymbolExposure::of(SHARE, Ceiling::Amount(5.0)).unwrap();
    assert_eq!(symbol.set_limit(&other("symbol_exposure"), Decimal::ONE), Ok(None));
    assert_eq!(symbol.set_limit(&one("order_notional"), Decimal::ONE), Ok(None));
    assert_eq!(symbol.set_limit(&LimitKey::all("symbol_exposure"), Decimal::ONE), Ok(None));
    assert_eq!(symbol.set_limit(&one("symbol_exposure"), Decimal::ONE), Ok(Some(dec("5"))));
    assert_eq!(symbol.set_limit(&one("symbol_exposure"), Decimal::TWO), Ok(Some(dec("1"))));
    let mut repeated = RepeatedExecution::new(3).unwrap();
    let key = LimitKey::all(RepeatedExecution::LIMIT);
    assert_eq!(repeated.set_limit(&one(RepeatedExecution::LIMIT), Decimal::ONE), Ok(None));
    assert_eq!(repeated.set_limit(&LimitKey::all("nothing"), Decimal::ONE), Ok(None));
    assert_eq!(repeated.set_limit(&key, Decimal::from(7)), Ok(Some(dec("3"))));
    assert_eq!(repeated.set_limit(&key, Decimal::from(8)), Ok(Some(dec("7"))));
    let most = Duration::from_secs(9);
    let limits = DataLimits { silence: Some(most), jump: Some(0.5), sound_events: 3 };
    let mut quality = DataQualityGuard::new(SHARE, limits).unwrap();
    assert!(quality.is_timed(), "silence ends by time");
    assert_eq!(quality.set_limit(&other(DataQualityGuard::SILENCE), Decimal::ONE), Ok(None));
    let silence = one(DataQualityGuard::SILENCE);
    assert_eq!(quality.set_limit(&silence, Decimal::ONE), Ok(Some(dec("9"))));
    let jump = one(DataQualityGuard::JUMP);
    assert_eq!(quality.set_limit(&jump, dec("0.25")), Ok(Some(dec("0.5"))));
    assert!(quality.set_limit(&jump, Decimal::ZERO).is_err());
    assert_eq!(quality.set_limit(&jump, dec("0.5")), Ok(Some(dec("0.25"))));
}

/// The usage of a symbol's limit is that symbol's; that of net exposure has a sign: the larger of
/// what is long and what is short.
#[test]
fn usage_says_what_is_used() {
    let world = World::new();
    let (short, long) = (Decimal::from(-7), Decimal::from(2));
    let held = world.book().position(SLOT, SHARE, short, price("100"));
    let book = held.position(SLOT, COIN, long, price("50")).build();
    let facts = world.facts(&book);
    let value = |id| facts.book.reach(id).worst_value();
    let of = |id| {
        let rule = SymbolExposure::of(id, Ceiling::Amount(1e9)).unwrap();
        rule.usage(&facts).unwrap().observed
    };
    assert!(value(SHARE) > value(COIN) && value(COIN) > 0.0);
    assert_eq!((of(SHARE), of(COIN)), (value(SHARE), value(COIN)));
    let net = NetExposure::new(Ceiling::Amount(1e9)).unwrap().usage(&facts).unwrap().observed;
    assert_eq!(net, value(SHARE) - value(COIN), "short of all");
}

/// Facts without a book: nothing panics on extreme numbers.
#[test]
fn extreme_numbers_are_refused() {
    for value in [f64::NAN, f64::INFINITY, -1.0, 0.0, 5e-324, 1e308] {
        let world = World::new();
        let mark = MarkFact { price: value, at: Timestamp::EPOCH, rate: value };
        let book: FactBook = world.book().rated_mark(SHARE, mark).build();
        let facts = world.facts(&book);
        let mut out = Assessment::default();
        for quantity in [Decimal::MAX, Decimal::ONE] {
            let intent = Intent::market(SLOT, SHARE, Side::Buy, Qty::new(quantity));
            chain(rules(10)).review(&[intent], &facts, &mut out);
            let collar = PriceCollar::new(0.05, Duration::from_secs(1)).unwrap();
            let intent = Intent { kind: OrderKind::Limit { price: price("1") }, ..intent };
            assert!(collar.check(&order(1, intent), &facts).is_err(), "{value}");
        }
    }
}

/// Parents of the engine's own are known by number: a child of an unknown one is refused, a fill
/// after a child's end counts, and children beyond the list stay in the sum.
#[test]
fn numbered_parents_count_what_leaves_for_them() {
    let mut gate = ParentCheck::new();
    let parent = tradewright::types::ParentId(3);
    let child = |id, quantity| {
        let linkage = tradewright::types::Linkage::Child(parent);
        order(id, Intent { linkage, ..buy(quantity) })
    };
    let code = |gate: &ParentCheck, order: &Order| gate_code(gate, order, secs(0), plain);
    let breach = Some(ReasonCode::ParentQuantity);
    assert_eq!(code(&gate, &child(1, "1")), breach, "nobody announced it");
    let quantity = Qty::from(4_000);
    tell(&mut gate, secs(0), &GateEvent::Parent { parent, quantity });
    assert_eq!(code(&gate, &child(1, "4000")), None);
    assert_eq!(code(&gate, &child(1, "4001")), breach);
    for id in 0..2_000 {
        tell(&mut gate, secs(0), &GateEvent::Placed(&child(id, "2")));
        let (order, filled) = (child(id, "2").id, Qty::from(1));
        tell(&mut gate, secs(0), &GateEvent::Ended { order, filled });
    }
    assert_eq!(gate.out_of(parent), Some(Decimal::from(2_000)));
    // A late fill: the end is told again with more.
    let (order, filled) = (child(1_999, "2").id, Qty::from(2));
    tell(&mut gate, secs(0), &GateEvent::Ended { order, filled });
    assert_eq!(gate.out_of(parent), Some(Decimal::from(2_001)));
    assert_eq!(code(&gate, &child(5_000, "2000")), breach);
    assert_eq!(code(&gate, &child(5_000, "1999")), None);
    let mut restored = ParentCheck::new();
    restored.restore(&gate.save().unwrap()).unwrap();
    assert_eq!(restored, gate);
    tell(&mut gate, secs(0), &GateEvent::Parent { parent, quantity: Qty::ZERO });
    assert_eq!(code(&gate, &child(5_000, "1")), breach, "it is over");
}

/// A rate of value alone denies at its limit, and its limit has a name of its own.
#[test]
fn a_rate_of_value_stands_alone() {
    let limits = ExecutionLimits { fills: None, quantity: None, value: Some(dec("900")) };
    let scope = HaltScope::Symbol(SHARE);
    let mut guard = ExecutionRate::new(limits, Duration::from_secs(60), scope).unwrap();
    watch(&mut guard, secs(0), &Fact::Fill(&fill(1, Purpose::Entry, "8")));
    assert!(!denies(&guard, secs(0)), "800 of 900");
    watch(&mut guard, secs(0), &Fact::Fill(&fill(2, Purpose::Entry, "1")));
    assert!(denies(&guard, secs(0)), "900 of 900");
    let key = LimitKey::of(ExecutionRate::VALUE, SHARE);
    assert_eq!(guard.set_limit(&key, dec("901")), Ok(Some(dec("900"))));
    assert!(!denies(&guard, secs(0)), "900 of 901");
    let quantity = LimitKey::of(ExecutionRate::QUANTITY, SHARE);
    assert_eq!(guard.set_limit(&quantity, dec("5")), Ok(None), "no limit was set on it");
    assert_eq!(guard.set_limit(&LimitKey::all(ExecutionRate::VALUE), dec("5")), Ok(None));
}

/// The limits of a rate are changed by their names and in their scope alone, and a value that is
/// not known is none that is left.
#[test]
fn limits_of_a_rate_have_a_scope() {
    let build = |scope| {
        let (quantity, value) = (Some(dec("10")), Some(dec("900")));
        let limits = ExecutionLimits { fills: Some(3), quantity, value };
        ExecutionRate::new(limits, Duration::from_secs(60), scope).unwrap()
    };
    let mut guard = build(HaltScope::Symbol(SHARE));
    for (name, before) in [(ExecutionRate::FILLS, "3"), (ExecutionRate::QUANTITY, "10")] {
        assert_eq!(guard.set_limit(&LimitKey::all(name), dec("5")), Ok(None), "{name}");
        assert_eq!(guard.set_limit(&LimitKey::of(name, COIN), dec("5")), Ok(None), "{name}");
        let own = LimitKey::of(name, SHARE);
        assert_eq!(guard.set_limit(&own, dec("5")), Ok(Some(dec(before))), "{name}");
    }
    let world = World::new();
    let blind = FactBookBuilder::new(&world.table, world.usd).build();
    let mut guard = build(HaltScope::Symbol(INVERSE));
    let mut filled = fill(1, Purpose::Entry, "1");
    filled.instrument = INVERSE;
    guard.watch(&Fact::Fill(&filled), &world.facts(&blind));
    let verdict = guard.verdict(&world.facts(&world.book().build()));
    assert!(matches!(verdict, Limit::Deny(reason) if reason.observed.is_nan()), "{verdict:?}");
}

/// What no longer has a place of its own counts with the youngest, from its own time on.
#[test]
fn a_full_window_counts_with_the_youngest() {
    let limits = ExecutionLimits { fills: Some(2), ..ExecutionLimits::default() };
    let mut guard =
        ExecutionRate::new(limits, Duration::from_secs(60), HaltScope::Account).unwrap();
    let (world, filled) = (World::new(), fill(1, Purpose::Entry, "1"));
    let book = world.book().build();
    for _ in 0..4_096 {
        guard.watch(&Fact::Fill(&filled), &world.facts_at(secs(0), &book));
    }
    guard.watch(&Fact::Fill(&filled), &world.facts_at(secs(30), &book));
    let denies = |at| matches!(guard.verdict(&world.facts_at(secs(at), &book)), Limit::Deny(_));
    assert_eq!([59, 60, 89, 90].map(denies), [true, true, true, false]);
}

/// A rate tells how much of it is used, what works included, and a rate of zero makes no value.
#[test]
fn a_rate_tells_what_is_used() {
    let world = World::new();
    let rate = |quantity: Option<&str>, value: Option<&str>, instrument| {
        let (quantity, value) = (quantity.map(dec), value.map(dec));
        let limits = ExecutionLimits { fills: None, quantity, value };
        let scope = HaltScope::Symbol(instrument);
        ExecutionRate::new(limits, Duration::from_secs(60), scope).unwrap()
    };
    let book = world.book().working(SLOT, SHARE, Side::Buy, dec("2"));
    let book = book.working(SLOT, SHARE, Side::Sell, dec("1")).build();
    let four = fill(1, Purpose::Entry, "4");
    let told = |mut guard: ExecutionRate| {
        guard.watch(&Fact::Fill(&four), &world.facts(&book));
        guard.verdict(&world.facts(&book))
    };
    let Limit::Cap(left, reason) = told(rate(Some("10"), None, SHARE)) else { panic!() };
    assert_eq!((left.value(), reason.limit, reason.observed), (dec("3"), 10.0, 7.0));
    let Limit::Allow(Some(reason)) = told(rate(None, Some("900"), SHARE)) else { panic!() };
    assert_eq!((reason.code, reason.observed), (ReasonCode::NotionalRate, 400.0));
    let fills = ExecutionLimits { fills: Some(3), ..ExecutionLimits::default() };
    let fills = ExecutionRate::new(fills, Duration::from_secs(60), HaltScope::Account).unwrap();
    let Limit::Allow(Some(reason)) = told(fills) else { panic!() };
    assert_eq!((reason.code, reason.observed), (ReasonCode::ExecutionRate, 1.0));
    let worthless = MarkFact { price: 40_000.0, at: Timestamp::EPOCH, rate: 0.0 };
    let worthless = world.book().rated_mark(INVERSE, worthless).build();
    let mut guard = rate(None, Some("900"), INVERSE);
    let filled = Fill { instrument: INVERSE, ..four };
    guard.watch(&Fact::Fill(&filled), &world.facts(&worthless));
    assert!(matches!(guard.verdict(&world.facts(&worthless)), Limit::Deny(_)));
}

/// Who cannot remember a further resting order lets none pass that could meet it.
#[test]
fn a_full_memory_of_resting_orders_lets_nothing_pass() {
    let world = World::new();
    let book = world.book().build();
    let mut gate = SelfMatch::new();
    let place = |gate: &mut SelfMatch, sequence| {
        let resting = order(sequence, limit(Side::Buy, "1", "50"));
        gate.observe(&GateEvent::Placed(&resting), &world.facts(&book));
    };
    (1..4_096).for_each(|sequence| place(&mut gate, sequence));
    let code = |gate: &SelfMatch| gate_code(gate, &order(9_999, buy("1")), secs(0), plain);
    assert_eq!(code(&gate), None);
    place(&mut gate, 4_096);
    assert_eq!(code(&gate), Some(ReasonCode::SelfMatch));
    place(&mut gate, 4_097);
    assert_eq!(SelfMatch::new().restore(&gate.save().unwrap()), Ok(()));
}
