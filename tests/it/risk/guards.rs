use proptest::prelude::*;
use tradewright::risk::{
    BreakerGuard, BreakerLimits, CircuitBreaker, DrawdownGuard, Fact, Guard, Limit,
    MaxDrawdownTracker, PeakReset, RiskChain, RiskManager,
};
use tradewright::types::{
    Decimal, Facts, Fill, FillReport, Halt, HaltCause, HaltLevel, HaltScope, Leg, Liquidity,
    MarkFact, Money, OrderId, Purpose, Qty, Reason, ReasonCode, Side, SlotId, State, StateError,
    Timestamp, Trade, TradeId,
};

use super::chain::review;
use super::{LINEAR, SHARE, SLOT, World, dec, market, minutes, price, secs};

const DRAWDOWN: Option<Halt> =
    Some(Halt { cause: HaltCause::Drawdown, level: HaltLevel::Halted, scope: HaltScope::Account });

pub fn fill(order: u64, slot: SlotId, purpose: Purpose) -> Fill {
    Fill {
        at: Timestamp::EPOCH,
        order: OrderId::new(1, slot, order),
        slot,
        instrument: SHARE,
        side: Side::Buy,
        leg: Leg::Net,
        execution: FillReport {
            trade: TradeId(1),
            price: price("100"),
            quantity: Qty::from(1),
            fee: Money::zero(Default::default()),
            liquidity: Liquidity::Taker,
            before_slippage: price("100"),
        },
        arrival: f64::NAN,
        purpose,
        tag: Default::default(),
    }
}

pub fn trade(slot: SlotId, gross: &str) -> Trade {
    Trade {
        slot,
        instrument: SHARE,
        leg: Leg::Net,
        side: Side::Buy,
        quantity: Qty::from(1),
        opened_at: Timestamp::EPOCH,
        closed_at: Timestamp::EPOCH,
        entry: dec("100"),
        exit: dec("100"),
        gross: Money::new(dec(gross), Default::default()),
        fees: dec("1"),
        funding: dec("0"),
        tag: Default::default(),
    }
}

fn guard(threshold: &str, reset: PeakReset) -> DrawdownGuard {
    DrawdownGuard::new(MaxDrawdownTracker::new(dec(threshold)).unwrap(), reset)
}

proptest! {
    /// The guard's fast way decides as the tracker does on every exact equity.
    #[test]
    fn drawdown_in_floats_decides_like_decimals(
        marks in prop::collection::vec(1_i64..40_000, 1..60),
        near in prop::collection::vec(-2_i64..=2, 60),
        hundredths in 1_i64..=60,
        size in -40_i64..40,
    ) {
        let world = World::new();
        let threshold = Decimal::new(hundredths, 2);
        let mut guard = DrawdownGuard::new(
            MaxDrawdownTracker::new(threshold).unwrap(),
            PeakReset::Restart,
        );
        let mut tracker = MaxDrawdownTracker::new(threshold).unwrap();
        let mut last = 10_000;
        for (mark, near) in marks.iter().zip(near) {
            // Every second mark stays within two cents of the one before.
            let cents = if near == 0 { *mark } else { (last + near).max(1) };
            last = cents;
            let book = world
                .book()
                .cash(world.usd, dec("1000"))
                .position(SLOT, LINEAR, Decimal::from(size), price("100"))
                .mark(LINEAR, Timestamp::EPOCH, cents as f64 / 100.0)
                .build();
            let facts = world.facts(&book);
            tracker.update(Timestamp::EPOCH, facts.equity_exact().unwrap());
            let wanted = guard.watch(&Fact::Mark, &facts);
            prop_assert_eq!(wanted.is_some(), tracker.is_halted());
            prop_assert_eq!(guard.peak(), tracker.peak());
            prop_assert_eq!(guard.is_halted(), tracker.is_halted());
        }
    }
}

#[test]
fn the_limit_is_decided_exactly_however_the_float_is_rounded() {
    let world = World::new();
    let facts_of = |mark: f64, float: f64| {
        let builder = world.book().cash(world.usd, dec("0"));
        let builder = builder.position(SLOT, SHARE, dec("10"), price("100"));
        builder.mark(SHARE, Timestamp::EPOCH, mark).equity(float).build()
    };
    let mut guard = guard("0.25", PeakReset::Keep);
    let peak = facts_of(100.0, 1_000.0);
    assert_eq!(guard.watch(&Fact::Mark, &world.facts(&peak)), None);
    let below_by_rounding = facts_of(75.0, 749.999_999_9);
    assert_eq!(guard.watch(&Fact::Mark, &world.facts(&below_by_rounding)), None);
    assert_eq!(guard.peak(), Some(dec("1000")));
    let breach = facts_of(74.99, 750.000_000_1);
    assert_eq!(guard.watch(&Fact::Mark, &world.facts(&breach)), DRAWDOWN);
    assert_eq!(guard.watch(&Fact::Mark, &world.facts(&peak)), DRAWDOWN, "latched");
}

#[test]
fn new_peaks_are_exact() {
    let world = World::new();
    let mut guard = DrawdownGuard::default();
    assert_eq!(guard.threshold(), dec("0.25"));
    let watch = |guard: &mut DrawdownGuard, cash: &str| {
        let book = world.book().cash(world.usd, dec(cash)).build();
        guard.watch(&Fact::Mark, &world.facts(&book))
    };
    watch(&mut guard, "100");
    watch(&mut guard, "100.000000000001");
    assert_eq!(guard.peak(), Some(dec("100.000000000001")));
    watch(&mut guard, "90");
    watch(&mut guard, "100.000000000002");
    assert_eq!(guard.peak(), Some(dec("100.000000000002")));
    assert_eq!(watch(&mut guard, "75.0000000000015"), None, "exactly the threshold");
    assert_eq!(watch(&mut guard, "75.0000000000014"), DRAWDOWN);
}

#[test]
fn unknown_equity_refuses_without_latching() {
    let world = World::new();
    let mut guard = DrawdownGuard::default();
    let good = world.book().build();
    let good = world.facts(&good);
    let denied = |guard: &DrawdownGuard, facts: &Facts<'_>| {
        let Limit::Deny(reason) = guard.verdict(facts) else { return false };
        reason.code == ReasonCode::MaxDrawdown
    };
    assert!(denied(&guard, &good), "nothing was seen yet");
    guard.watch(&Fact::Mark, &good);
    assert!(!denied(&guard, &good));
    let bad = world.book().equity(f64::NAN).build();
    let bad = world.facts(&bad);
    assert!(denied(&guard, &bad), "even before it was told");
    assert_eq!(guard.watch(&Fact::Mark, &bad), None);
    assert!(denied(&guard, &good));
    assert_eq!(guard.peak(), Some(dec("100000")));
    // A position without a mark has no exact equity.
    let unmarked = world
        .book()
        .position(SLOT, SHARE, dec("1"), price("100"))
        .rated_mark(SHARE, MarkFact::default())
        .equity(100_000.0)
        .build();
    assert_eq!(guard.watch(&Fact::Mark, &world.facts(&unmarked)), None);
    assert!(denied(&guard, &world.facts(&unmarked)));
    assert_eq!(guard.watch(&Fact::Mark, &good), None);
    assert!(!denied(&guard, &good));
}

#[test]
fn converted_books_are_judged_by_their_float() {
    let world = World::new();
    let book = |equity: f64| {
        let mark = MarkFact { price: 4e4, at: Timestamp::EPOCH, rate: 4e4 };
        let builder = world.book().rated_mark(super::INVERSE, mark);
        builder.position(SLOT, super::INVERSE, dec("10"), price("40000")).equity(equity).build()
    };
    let mut guard = DrawdownGuard::default();
    let watch = |guard: &mut DrawdownGuard, equity: f64| {
        let book = book(equity);
        assert_eq!(world.facts(&book).equity_exact(), None);
        guard.watch(&Fact::Mark, &world.facts(&book))
    };
    assert_eq!(watch(&mut guard, 1_000.123_456_78), None);
    assert_eq!(guard.peak(), Some(dec("1000.12345678")));
    assert_eq!(watch(&mut guard, 750.2), None);
    assert_eq!(watch(&mut guard, 749.0), DRAWDOWN);
    let mut huge = DrawdownGuard::default();
    watch(&mut huge, 1e15);
    assert_eq!(huge.peak(), Some(dec("1000000000000000")));
}

#[test]
fn the_verdict_tells_how_much_is_used() {
    let world = World::new();
    let mut guard = DrawdownGuard::default();
    let of = |cash: &str| world.book().cash(world.usd, dec(cash)).build();
    let (top, low, broken) = (of("1000"), of("900"), of("700"));
    guard.watch(&Fact::Mark, &world.facts(&top));
    guard.watch(&Fact::Mark, &world.facts(&low));
    let reason = |observed| Reason::new(ReasonCode::MaxDrawdown, 0.25, observed);
    assert_eq!(guard.verdict(&world.facts(&low)), Limit::Allow(Some(reason(0.1))));
    let above = of("1001");
    assert_eq!(guard.verdict(&world.facts(&above)), Limit::Allow(Some(reason(0.0))));
    guard.watch(&Fact::Mark, &world.facts(&broken));
    assert_eq!(guard.verdict(&world.facts(&top)), Limit::Deny(reason(0.0)));
    assert_eq!(guard.drawdown(&world.facts(&broken)), 0.3);
}

#[test]
fn capital_is_no_result() {
    let world = World::new();
    let mut guard = DrawdownGuard::default();
    let of = |cash: &str| world.book().cash(world.usd, dec(cash)).build();
    let (before, after) = (of("1000"), of("300"));
    guard.watch(&Fact::Mark, &world.facts(&before));
    assert_eq!(guard.watch(&Fact::Capital(dec("-700")), &world.facts(&after)), None);
    assert_eq!(guard.peak(), Some(dec("300")));
    let loss = of("224");
    assert_eq!(guard.watch(&Fact::Mark, &world.facts(&loss)), DRAWDOWN);
}

#[test]
fn a_resume_does_with_the_peak_what_was_set() {
    let world = World::new();
    let of = |cash: &str| world.book().cash(world.usd, dec(cash)).build();
    let (top, low) = (of("1000"), of("600"));
    let (top, low) = (world.facts(&top), world.facts(&low));
    for (reset, after) in [(PeakReset::Keep, DRAWDOWN), (PeakReset::Restart, None)] {
        let mut guard = guard("0.25", reset);
        guard.watch(&Fact::Mark, &top);
        guard.watch(&Fact::Mark, &low);
        guard.release(HaltCause::Operator, &low);
        assert!(guard.is_halted(), "another cause");
        guard.release(HaltCause::Drawdown, &low);
        assert!(!guard.is_halted());
        assert_eq!(guard.watch(&Fact::Mark, &low), after);
    }
}

#[test]
fn drawdown_state_belongs_to_its_threshold() {
    let world = World::new();
    let book = world.book().build();
    let mut quarter = DrawdownGuard::default();
    quarter.watch(&Fact::Mark, &world.facts(&book));
    let saved = quarter.save().unwrap();
    let mut restored = DrawdownGuard::default();
    restored.restore(&saved).unwrap();
    assert_eq!(restored.peak(), quarter.peak());
    let poor = world.book().cash(world.usd, dec("74999")).build();
    assert_eq!(restored.watch(&Fact::Mark, &world.facts(&poor)), DRAWDOWN);
    let error = guard("0.2", PeakReset::Keep).restore(&saved).unwrap_err();
    let (expected, found) = ("drawdown threshold 0.2".into(), "drawdown threshold 0.25".into());
    assert_eq!(error, StateError::Mismatch { expected, found });
}

fn breaker(losses: u32, rate: u32) -> CircuitBreaker {
    CircuitBreaker::new(BreakerLimits {
        max_consecutive_losses: losses,
        cooldown: minutes(10),
        max_trades_per_hour: rate,
    })
    .unwrap()
}

const BREAKER: Option<Halt> = Some(Halt {
    cause: HaltCause::CircuitBreaker,
    level: HaltLevel::ReduceOnly,
    scope: HaltScope::Account,
});

#[test]
fn losing_trades_trip_net_of_fees() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut guard = BreakerGuard::new(breaker(2, 20));
    for gross in ["0.5", "1", "5", "0"] {
        let closed = trade(SLOT, gross);
        assert_eq!(guard.watch(&Fact::Trade(&closed), &facts), None);
    }
    assert_eq!(guard.status(facts.at).consecutive_losses, 1, "the fee of 1 decides");
    let unknown = Trade { fees: Decimal::MIN, gross: trade(SLOT, "1").gross, ..trade(SLOT, "1") };
    assert_eq!(unknown.net(), None);
    assert_eq!(guard.watch(&Fact::Trade(&unknown), &facts), BREAKER);
    let reason = Reason::new(ReasonCode::CircuitBreaker, 2.0, 2.0);
    assert_eq!(guard.verdict(&facts), Limit::Deny(reason));
    let later = world.facts_at(secs(600), &book);
    assert_eq!(guard.watch(&Fact::Mark, &later), None, "ends by its own rule");
    assert_eq!(guard.verdict(&later).allowed(dec("1")), dec("1"));
}

#[test]
fn an_entry_order_counts_once() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut guard = BreakerGuard::new(breaker(5, 3));
    let mut count = |fill: Fill| {
        let halt = guard.watch(&Fact::Fill(&fill), &facts);
        (guard.status(facts.at).trades_last_hour, halt)
    };
    assert_eq!(count(fill(1, SLOT, Purpose::Entry)), (1, None));
    assert_eq!(count(fill(1, SLOT, Purpose::Entry)), (1, None));
    assert_eq!(count(fill(2, SLOT, Purpose::Entry)), (2, None));
    assert_eq!(count(fill(1, SLOT, Purpose::Entry)), (2, None));
    for purpose in [Purpose::Exit, Purpose::StopLoss, Purpose::Flatten, Purpose::Quote] {
        assert_eq!(count(fill(3, SLOT, purpose)), (2, None));
    }
    assert_eq!(count(fill(4, SlotId(9), Purpose::Entry)), (3, BREAKER));
    let reason = Reason::new(ReasonCode::TradeRate, 3.0, 3.0);
    assert_eq!(guard.verdict(&facts), Limit::Deny(reason));
}

#[test]
fn sixty_four_orders_are_remembered() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut guard = BreakerGuard::new(breaker(5, 1_000));
    for order in 0..65 {
        guard.watch(&Fact::Fill(&fill(order, SLOT, Purpose::Entry)), &facts);
    }
    guard.watch(&Fact::Fill(&fill(1, SLOT, Purpose::Entry)), &facts);
    assert_eq!(guard.status(facts.at).trades_last_hour, 65);
    guard.watch(&Fact::Fill(&fill(0, SLOT, Purpose::Entry)), &facts);
    assert_eq!(guard.status(facts.at).trades_last_hour, 66, "the oldest was forgotten");
}

#[test]
fn a_strategy_can_have_its_own_breaker() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let guard = BreakerGuard::for_strategy(breaker(1, 20), SLOT);
    let mut chain = RiskChain::new().with_guard(Box::new(guard));
    let mut changes = Vec::new();
    let other = trade(SlotId(2), "-5");
    chain.observe(&Fact::Trade(&other), &facts, &mut changes);
    chain.observe(&Fact::Fill(&fill(1, SlotId(2), Purpose::Entry)), &facts, &mut changes);
    assert!(changes.is_empty());
    let own = trade(SLOT, "-5");
    chain.observe(&Fact::Trade(&own), &facts, &mut changes);
    assert_eq!(changes.len(), 1);
    let mut buy = market(SHARE, Side::Buy, "1");
    let verdict = review(&chain, &[buy], &facts);
    assert_eq!(verdict.findings[0].reason.code.to_string(), "Circuit breaker active");
    buy.slot = SlotId(2);
    assert!(review(&chain, &[buy], &facts).approved);
}

#[test]
fn the_breakers_verdict_tells_the_fuller_limit() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut guard = BreakerGuard::new(breaker(4, 10));
    let used = |guard: &BreakerGuard| match guard.verdict(&facts) {
        Limit::Allow(Some(reason)) => (reason.code, reason.utilisation()),
        other => panic!("{other:?}"),
    };
    assert_eq!(used(&guard), (ReasonCode::CircuitBreaker, 0.0));
    guard.watch(&Fact::Fill(&fill(1, SLOT, Purpose::Entry)), &facts);
    assert_eq!(used(&guard), (ReasonCode::TradeRate, 0.1));
    guard.watch(&Fact::Trade(&trade(SLOT, "-5")), &facts);
    assert_eq!(used(&guard), (ReasonCode::CircuitBreaker, 0.25));
    guard.breaker_mut().trip(facts.at);
    assert_eq!(guard.watch(&Fact::Time, &facts), BREAKER);
    let manual = Reason::new(ReasonCode::CircuitBreaker, 0.0, 1.0);
    assert_eq!(guard.verdict(&facts), Limit::Deny(manual));
    guard.release(HaltCause::Drawdown, &facts);
    assert_eq!(guard.watch(&Fact::Time, &facts), BREAKER);
    guard.release(HaltCause::CircuitBreaker, &facts);
    assert_eq!(guard.watch(&Fact::Time, &facts), None);
}

#[test]
fn breaker_state_belongs_to_its_limits_and_strategy() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut guard = BreakerGuard::new(breaker(2, 3));
    guard.watch(&Fact::Fill(&fill(1, SLOT, Purpose::Entry)), &facts);
    guard.watch(&Fact::Trade(&trade(SLOT, "-5")), &facts);
    let saved = guard.save().unwrap();
    let mut same = BreakerGuard::new(breaker(2, 3));
    same.restore(&saved).unwrap();
    assert_eq!(same.status(facts.at), guard.status(facts.at));
    same.watch(&Fact::Fill(&fill(1, SLOT, Purpose::Entry)), &facts);
    assert_eq!(same.status(facts.at).trades_last_hour, 1, "the order is remembered");
    for mut other in
        [BreakerGuard::new(breaker(2, 4)), BreakerGuard::for_strategy(breaker(2, 3), SLOT)]
    {
        let error = other.restore(&saved).unwrap_err();
        assert!(matches!(error, StateError::Mismatch { .. }), "{error}");
    }
    assert_eq!(
        (BreakerGuard::default().name(), DrawdownGuard::default().name()),
        ("breaker", "drawdown")
    );
}
