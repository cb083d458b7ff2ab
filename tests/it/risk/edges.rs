//! Risk exactly at a limit, and where a price, a rate or the equity is missing.

use core::time::Duration;

use tradewright::risk::{
    BreakerGuard, BreakerLimits, Ceiling, CircuitBreaker, ConfidenceScaled, DrawdownGuard,
    DrawdownState, EnhancedRiskManager, EquityFraction, Exposure, Fact, FixedCash, FixedQuantity,
    GridGate, GroupExposure, Guard, HaltChange, HaltMachine, Leverage, Limit, MaxDrawdownTracker,
    NetExposure, OrderGate, PeakReset, PositionSize, RiskChain, RiskManager, RiskRule, Sizer,
    SizerError, rule_from_fn, valuation_price,
};
use tradewright::types::{
    Amount, Decimal, FactBook, FactBookBuilder, Facts, Halt, HaltCause, HaltLevel, HaltScope,
    Instrument, InstrumentId, Instruments, Intent, MarkFact, Money, Order, OrderId, OrderKind,
    Purpose, Qty, Reason, ReasonCode, Side, SlotId, State, StateError, Timestamp,
};

use super::chain::review;
use super::guards::fill;
use super::{COIN, INVERSE, LINEAR, SHARE, SLOT, World, dec, market, minutes, price, secs, signal};

/// A guard that says what it was told by the fact: a halt for a mark, another for the time.
struct Turning {
    on_mark: Option<Halt>,
    on_time: Option<Halt>,
}

impl State for Turning {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        Ok(Vec::new())
    }

    fn restore(&mut self, _state: &[u8]) -> Result<(), StateError> {
        Ok(())
    }
}

impl Guard for Turning {
    fn name(&self) -> &'static str {
        "turning"
    }

    fn watch(&mut self, fact: &Fact<'_>, _facts: &Facts<'_>) -> Option<Halt> {
        if matches!(fact, Fact::Mark) { self.on_mark } else { self.on_time }
    }

    fn release(&mut self, _cause: HaltCause, _facts: &Facts<'_>) {}
}

fn turning(on_mark: Halt, on_time: Halt) -> Box<Turning> {
    Box::new(Turning { on_mark: Some(on_mark), on_time: Some(on_time) })
}

fn observe(manager: &mut dyn RiskManager, fact: &Fact<'_>, facts: &Facts<'_>) -> Vec<HaltChange> {
    let mut changes = Vec::new();
    manager.observe(fact, facts, &mut changes);
    changes
}

/// A halt that moves to another scope or cause ends where it was; one that is only raised to
/// a higher level does not end.
#[test]
fn a_halt_that_moves_is_lifted_where_it_was() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let narrow = Halt::new(HaltCause::StaleData, HaltScope::Symbol(SHARE));
    let wide = Halt::new(HaltCause::StaleData, HaltScope::Account);
    let other = Halt::new(HaltCause::DailyLoss, HaltScope::Symbol(SHARE));
    let higher = Halt { level: HaltLevel::Flattening, ..narrow };
    // Another guard holds the same cause elsewhere all the time.
    let elsewhere = Halt::new(HaltCause::StaleData, HaltScope::Symbol(COIN));
    let lift = HaltChange::Lift { cause: narrow.cause, scope: narrow.scope };
    for (next, told) in [
        (wide, vec![lift, HaltChange::Raise(wide)]),
        (other, vec![lift, HaltChange::Raise(other)]),
        (higher, vec![HaltChange::Raise(higher)]),
    ] {
        let mut chain = RiskChain::new()
            .with_guard(turning(narrow, next))
            .with_guard(turning(elsewhere, elsewhere));
        let raised = observe(&mut chain, &Fact::Mark, &facts);
        assert_eq!(raised, [HaltChange::Raise(narrow), HaltChange::Raise(elsewhere)]);
        assert_eq!(observe(&mut chain, &Fact::Time, &facts), told);
    }
}

/// What is granted in full is granted as it was asked: steps are the gate's business.
#[test]
fn a_full_grant_is_never_rounded() {
    let world = World::new();
    let book = world.book().build();
    let buy = market(SHARE, Side::Buy, "10.5");
    let verdict = review(&RiskChain::new(), &[buy], &world.facts(&book));
    assert!(verdict.approved);
    assert_eq!(verdict.granted, [Qty::new(dec("10.5"))]);
}

/// When a group falls, each leg that loses something has one finding: its own where it has
/// one, else the group's; a leg that only reduces has none.
#[test]
fn a_fallen_group_explains_each_leg_once() {
    let world = World::new();
    let book = world.book().position(SLOT, INVERSE, dec("4"), price("40000")).build();
    let rule = rule_from_fn("some", |opening, _facts| {
        let reason = Reason::new(ReasonCode::TradingHours, 1.0, 5.0);
        match opening.intent.instrument {
            SHARE => Limit::Cap(Qty::from(3), reason),
            COIN => Limit::Deny(reason),
            _ => Limit::Allow(None),
        }
    });
    let legs = [
        market(SHARE, Side::Buy, "5"),
        market(COIN, Side::Buy, "5"),
        market(LINEAR, Side::Buy, "5"),
        market(INVERSE, Side::Sell, "4"),
    ];
    let chain = RiskChain::new().with_rule(Box::new(rule));
    let verdict = review(&chain, &legs, &world.facts(&book));
    assert_eq!(verdict.granted, [0, 0, 0, 4].map(Qty::from));
    let found: Vec<_> =
        verdict.findings.iter().map(|it| (it.intent, it.rule, it.reason.code)).collect();
    let hours = ReasonCode::TradingHours;
    let expected = [(1, "some", hours), (0, "some", hours), (2, "chain", ReasonCode::Group)];
    assert_eq!(found, expected);
}

/// A fresh table with no marks at all, and 100,000 USD.
fn unmarked(world: &World) -> FactBookBuilder<'_> {
    FactBookBuilder::new(&world.table, world.usd).cash(world.usd, dec("100000"))
}

fn limited(instrument: InstrumentId, quantity: &str, at: &str) -> Intent {
    let mut intent = market(instrument, Side::Buy, quantity);
    intent.kind = OrderKind::Limit { price: price(at) };
    intent
}

/// A limit tells the value of an order whose instrument has no mark yet, and instruments that
/// nobody holds need none.
#[test]
fn what_is_not_held_needs_no_mark() {
    let world = World::new();
    let book = unmarked(&world).build();
    let facts = world.facts(&book);
    assert_eq!(Exposure::of(&facts), Exposure::default());
    let amount = Ceiling::Amount(1_000.0);
    let rules: [Box<dyn RiskRule>; 4] = [
        Box::new(PositionSize::new(0.01).unwrap()),
        Box::new(NetExposure::new(amount).unwrap()),
        Box::new(Leverage::new(0.01).unwrap()),
        Box::new(GroupExposure::new("pair", [SHARE, COIN, LINEAR], amount).unwrap()),
    ];
    for rule in rules {
        let name = rule.name();
        let chain = RiskChain::new().with_rule(rule);
        let verdict = review(&chain, &[limited(SHARE, "25", "50")], &facts);
        assert_eq!(verdict.granted, [Qty::from(20)], "{name}");
    }
    // One mark alone: the others stay unknown and unneeded.
    let some = unmarked(&world).mark(SHARE, Timestamp::EPOCH, 100.0);
    let book = some.position(SLOT, SHARE, dec("3"), price("100")).build();
    let exposure = Exposure::of(&world.facts(&book));
    assert_eq!(exposure, Exposure { gross: 300.0, up: 300.0, down: 300.0 });
}

/// A currency whose rate is no number above zero has none, and what is paid in it no value.
#[test]
fn a_rate_is_above_zero() {
    let world = World::new();
    for rate in [-40_000.0, 0.0, f64::NAN, f64::INFINITY] {
        let mark = MarkFact { price: 40_000.0, at: Timestamp::EPOCH, rate };
        let held = world.book().rated_mark(INVERSE, mark);
        let book = held.position(SLOT, INVERSE, dec("3"), price("40000")).build();
        assert!(book.reach(INVERSE).unit_value().is_nan(), "{rate}");
        assert!(Exposure::of(&world.facts(&book)).gross.is_nan(), "{rate}");
    }
}

/// A value beyond the numbers is not known, and neither is a limit without equity.
#[test]
fn values_that_are_no_numbers_deny() {
    let world = World::new();
    let denied = |rule: Box<dyn RiskRule>, book: &FactBook, intent: Intent| {
        let verdict = review(&RiskChain::new().with_rule(rule), &[intent], &world.facts(book));
        assert_eq!(verdict.granted, [Qty::ZERO]);
        verdict.findings[0].reason
    };
    let endless = world.book().mark(LINEAR, Timestamp::EPOCH, f64::MAX).build();
    let rule = Box::new(PositionSize::default());
    let reason = denied(rule, &endless, market(LINEAR, Side::Buy, "1"));
    assert_eq!(reason.code, ReasonCode::InvalidInput);
    assert!(reason.observed.is_nan());
    let poor = world.book().cash(world.usd, Decimal::ZERO).build();
    let rule = Box::new(Leverage::new(2.0).unwrap());
    let reason = denied(rule, &poor, market(SHARE, Side::Buy, "1"));
    assert_eq!(reason, Reason::new(ReasonCode::InvalidInput, 0.0, 0.0));
}

/// Where not one step passes the answer is a denial and no cap of nothing; what ends exactly
/// at a limit of zero is within it.
#[test]
fn zero_is_denied_as_a_quantity_and_kept_as_a_limit() {
    let world = World::new();
    let book = world.book().position(SLOT, SHARE, dec("10"), price("100")).build();
    let facts = world.facts(&book);
    let closer = rule_from_fn("closer", |opening, facts| {
        let size = PositionSize::new(0.0001).unwrap().limit(opening, facts);
        assert!(matches!(size, Limit::Deny(_)), "{size:?}");
        let flat = NetExposure::new(Ceiling::Amount(0.0)).unwrap();
        flat.limit(opening, facts)
    });
    let chain = RiskChain::new().with_rule(Box::new(closer));
    // 1,000 long against 1,000 short.
    let even = review(&chain, &[market(LINEAR, Side::Sell, "5")], &facts);
    assert!(even.approved);
    assert_eq!(even.risk_score, 1.0, "nothing is left of a limit of zero");
    assert!(!review(&chain, &[market(LINEAR, Side::Sell, "6")], &facts).approved);
}

/// A reference of zero is no price: the mark values the order, and without any price a
/// minimum value cannot be reached.
#[test]
fn a_reference_of_zero_is_no_price() {
    let world = World::new();
    let marked = world.book().build();
    let bare = unmarked(&world).build();
    let mut intent = market(COIN, Side::Buy, "1");
    intent.reference = 0.0;
    let coin = &world.table[COIN];
    assert_eq!(valuation_price(&intent, coin, &world.facts(&marked)), 50.0);
    assert!(valuation_price(&intent, coin, &world.facts(&bare)).is_nan());
    let order = Order { id: OrderId::new(1, SLOT, 1), created_at: Timestamp::EPOCH, intent };
    let check = |order: &Order, book: &FactBook| {
        GridGate.check(order, &world.facts(book)).map_err(|refusal| refusal.reason.code)
    };
    assert_eq!(check(&order, &marked), Ok(()));
    assert_eq!(check(&order, &bare), Err(ReasonCode::InvalidOrder));
    let none = Order { intent: market(SHARE, Side::Buy, "0"), ..order };
    assert_eq!(check(&none, &marked), Err(ReasonCode::InvalidOrder));
}

/// The minimum value is reached by what equals it, counted in the quote currency: with the
/// multiplier, and without the price for inverse contracts.
#[test]
fn the_minimum_value_is_in_the_quote_currency() {
    let mut table = Instruments::new();
    let linear = Instrument::linear_perpetual("LINEAR", "ETH", "USD").multiplier("10");
    let linear = table.add(linear.min_notional("600")).unwrap();
    let inverse = Instrument::inverse_perpetual("INVERSE", "BTC", "USD").multiplier("100");
    let inverse = table.add(inverse.min_notional("300")).unwrap();
    let usd = table.find_asset("USD").unwrap();
    let book = FactBookBuilder::new(&table, usd)
        .mark(linear, Timestamp::EPOCH, 20.0)
        .mark(inverse, Timestamp::EPOCH, 40_000.0)
        .build();
    let facts = Facts::new(Timestamp::EPOCH, SLOT, &table, &book);
    for id in [linear, inverse] {
        let size = |quantity: &str| {
            let sizer = FixedQuantity::new(dec(quantity)).unwrap();
            sizer.size(&signal(id, 1.0), &table[id], &facts)
        };
        let limit = table[id].min_notional;
        let value = limit * dec("2") / dec("3");
        let [limit, value] = [limit, value].map(tradewright::types::to_f64);
        assert_eq!(size("3"), Ok(Amount::Quantity(Qty::from(3))));
        assert_eq!(size("2"), Err(Reason::new(ReasonCode::MinNotional, limit, value)));
    }
    let scaled = |amount: &str| {
        let sizer = ConfidenceScaled::new(FixedCash::new(dec(amount)).unwrap());
        sizer.size(&signal(linear, 0.5), &table[linear], &facts)
    };
    assert_eq!(scaled("1200"), Ok(Amount::Cash(Money::new(dec("600"), usd))));
    assert!(scaled("1199").is_err());
}

/// A quotient that rounds up to a whole step does not overspend.
#[test]
fn a_rounded_quotient_does_not_overspend() {
    let world = World::new();
    let cash = dec("2.9999999999999999999999999999");
    let book = world.book().cash(world.usd, cash).mark(SHARE, Timestamp::EPOCH, 3.0).build();
    let sizer = EquityFraction::new(Decimal::ONE).unwrap();
    let sized = sizer.size(&signal(SHARE, 1.0), &world.table[SHARE], &world.facts(&book));
    assert_eq!(sized.map_err(|reason| reason.code), Err(ReasonCode::SizeZero));
    let twice = book.cash(world.usd) * dec("2");
    let book = world.book().cash(world.usd, twice).mark(SHARE, Timestamp::EPOCH, 3.0).build();
    let sized = sizer.size(&signal(SHARE, 1.0), &world.table[SHARE], &world.facts(&book));
    assert_eq!(sized, Ok(Amount::Quantity(Qty::from(1))));
}

/// A sizer refuses a price that its grid takes for zero, an equity that a rate of zero makes
/// worthless, and an amount of nothing.
#[test]
fn prices_rates_and_amounts_of_zero_give_no_size() {
    let world = World::new();
    let book = world.book().mark(SHARE, Timestamp::EPOCH, 0.001).build();
    let one = FixedQuantity::new(Decimal::ONE).unwrap();
    let sized = one.size(&signal(SHARE, 1.0), &world.table[SHARE], &world.facts(&book));
    assert_eq!(sized, Err(Reason::new(ReasonCode::InvalidInput, 0.0, 0.001)));
    let mark = MarkFact { price: 40_000.0, at: Timestamp::EPOCH, rate: 0.0 };
    let book = world.book().position(SLOT, INVERSE, dec("2"), price("40000"));
    let book = book.rated_mark(INVERSE, mark).build();
    assert!(book.equity().is_finite());
    let sizer = EquityFraction::default();
    let sized = sizer.size(&signal(SHARE, 1.0), &world.table[SHARE], &world.facts(&book));
    assert_eq!(sized, Err(Reason::new(ReasonCode::InvalidInput, 0.0, book.equity())));
    let value = Decimal::ZERO;
    let refused = SizerError::NotPositive { what: "cash amount", value };
    assert_eq!(FixedCash::new(value), Err(refused));
}

/// What is done by hand, and an override that runs out, reach the halt machine with the next
/// mark, however quiet the market is.
#[test]
fn a_mark_tells_what_became_of_the_breaker() {
    let world = World::new();
    let book = world.book().cash(world.usd, dec("100000")).build();
    let limits = BreakerLimits {
        max_trades_per_hour: 2,
        cooldown: Duration::from_secs(1),
        ..BreakerLimits::default()
    };
    let mut manager = EnhancedRiskManager::builder().breaker(limits).build().unwrap();
    let at = |manager: &mut EnhancedRiskManager, second: i64, fact: &Fact<'_>| {
        observe(manager, fact, &world.facts_at(secs(second), &book))
    };
    let raise = [HaltChange::Raise(Halt::new(HaltCause::CircuitBreaker, HaltScope::Account))];
    let lift = [HaltChange::Lift { cause: HaltCause::CircuitBreaker, scope: HaltScope::Account }];
    assert_eq!(at(&mut manager, 0, &Fact::Mark), []);
    manager.trip(secs(1));
    assert_eq!(at(&mut manager, 1, &Fact::Mark), raise, "tripped by hand");
    assert_eq!(at(&mut manager, 2, &Fact::Mark), lift, "cooled down");
    let first = fill(1, SLOT, Purpose::Entry);
    let second = fill(2, SLOT, Purpose::Entry);
    assert_eq!(at(&mut manager, 3, &Fact::Fill(&first)), []);
    assert_eq!(at(&mut manager, 3, &Fact::Fill(&second)), raise, "the hour is full");
    manager.override_for(secs(9), minutes(10));
    assert_eq!(at(&mut manager, 9, &Fact::Mark), lift, "overridden");
    assert_eq!(at(&mut manager, 10, &Fact::Mark), []);
    assert_eq!(at(&mut manager, 609, &Fact::Mark), raise, "the override is over");
}

/// A group is judged by each member's worst side: an opening on the better side neither adds
/// to it nor lowers it.
#[test]
fn the_better_side_of_a_group_changes_nothing() {
    let world = World::new();
    let book = world.book().working(SLOT, SHARE, Side::Sell, dec("150")).build();
    let granted = |limit: f64| {
        let rule = GroupExposure::new("pair", [SHARE, COIN], Ceiling::Amount(limit)).unwrap();
        let chain = RiskChain::new().with_rule(Box::new(rule));
        review(&chain, &[market(SHARE, Side::Buy, "20")], &world.facts(&book)).granted[0]
    };
    assert_eq!(granted(15_000.0), Qty::from(20));
    assert_eq!(granted(14_999.0), Qty::ZERO);
}

/// Of a snapshot with more orders than are remembered the newest stay, and two entries of
/// one instant are no contradiction.
#[test]
fn a_restored_breaker_remembers_the_newest_orders() {
    #[derive(serde::Serialize)]
    struct Saved {
        breaker: CircuitBreaker,
        built: BreakerLimits,
        slot: Option<SlotId>,
        counted: Vec<OrderId>,
    }
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut breaker = CircuitBreaker::default();
    for _ in 0..2 {
        breaker.on_entry_fill(facts.at);
    }
    let counted = (1..=70).map(|order| OrderId::new(1, SLOT, order)).collect();
    let saved = Saved { built: breaker.limits(), breaker, slot: None, counted };
    let mut guard = BreakerGuard::default();
    guard.restore(&rmp_serde::to_vec_named(&saved).unwrap()).unwrap();
    let mut counts = |order| {
        guard.watch(&Fact::Fill(&fill(order, SLOT, Purpose::Entry)), &facts);
        guard.status(facts.at).trades_last_hour
    };
    assert_eq!((counts(7), counts(70)), (2, 2), "the 64 newest are remembered");
    assert_eq!(counts(6), 3, "the oldest six are not");
}

/// The breaker keeps the entries of the last hour and no others.
#[test]
fn the_breaker_forgets_what_is_an_hour_old() {
    let mut breaker = CircuitBreaker::default();
    for second in [0, 10, 20] {
        breaker.on_entry_fill(secs(second));
    }
    assert_eq!(breaker.remembered(), 3);
    breaker.on_entry_fill(secs(3_610));
    assert_eq!(breaker.remembered(), 2, "those of 20 and of now");
}

fn watch(guard: &mut DrawdownGuard, world: &World, book: FactBook) -> Option<Halt> {
    guard.watch(&Fact::Mark, &world.facts(&book))
}

fn drawdown(threshold: &str) -> DrawdownGuard {
    DrawdownGuard::new(MaxDrawdownTracker::new(dec(threshold)).unwrap(), PeakReset::Keep)
}

/// Sums of huge positions are rounded by more than a small account can lose: the exact equity
/// decides.
#[test]
fn rounding_of_a_large_gross_does_not_hide_a_breach() {
    let world = World::new();
    let cash = |amount: &str| world.book().cash(world.usd, dec(amount));
    let mut guard = drawdown("0.25");
    assert_eq!(watch(&mut guard, &world, cash("100002").build()), None);
    // Worth 75,001.2, below the limit of 75,001.5; the float says 75,002.
    let large = cash("-9999999999924998.8");
    let book = large.position(SLOT, SHARE, dec("100000000000000"), price("100")).build();
    assert_eq!(book.equity(), 75_002.0);
    assert!(watch(&mut guard, &world, book).is_some());
}

/// Without any position a digit beyond the sixteenth can be the breach, and an account of
/// cents has the same limit as one of millions.
#[test]
fn the_limit_is_exact_for_cash_and_for_cents() {
    let world = World::new();
    let cash = |amount: &str| world.book().cash(world.usd, dec(amount)).build();
    for (threshold, peak, kept, breach) in [
        ("0.07", "1", "0.95", "0.92999999999999999"),
        ("0.25", "0.5", "0.375", "0.374"),
        ("0.25", "0.5", "0.4", "0.3"),
    ] {
        let mut guard = drawdown(threshold);
        assert_eq!(watch(&mut guard, &world, cash(peak)), None);
        assert_eq!(watch(&mut guard, &world, cash(kept)), None, "{kept}");
        assert!(watch(&mut guard, &world, cash(breach)).is_some(), "{breach}");
    }
}

/// A booking can be a breach that the sums of `f64` do not show: after a fill the exact equity
/// is looked at again.
#[test]
fn a_fill_below_the_last_digit_of_a_float_is_a_breach() {
    let world = World::new();
    let cash = |amount: &str| world.book().cash(world.usd, dec(amount)).build();
    let mut guard = drawdown("0.1");
    watch(&mut guard, &world, cash("3"));
    let [limit, below] = ["2.7", "2.69999999999999995"].map(cash);
    assert_eq!(limit.equity().to_bits(), below.equity().to_bits());
    assert_eq!(watch(&mut guard, &world, limit), None);
    let entry = fill(1, SLOT, Purpose::Entry);
    assert!(guard.watch(&Fact::Fill(&entry), &world.facts(&below)).is_some());
}

/// Equity that is known again lets entries through again, wherever it stands.
#[test]
fn entries_return_with_the_equity() {
    let world = World::new();
    let mut guard = DrawdownGuard::default();
    let cash = |amount: &str| world.book().cash(world.usd, dec(amount)).build();
    watch(&mut guard, &world, cash("100000"));
    watch(&mut guard, &world, world.book().equity(f64::NAN).build());
    let back = cash("90000");
    assert!(matches!(guard.verdict(&world.facts(&back)), Limit::Deny(_)));
    watch(&mut guard, &world, back.clone());
    assert!(matches!(guard.verdict(&world.facts(&back)), Limit::Allow(_)));
}

/// A loss that does not fit the numbers is a breach, and equity of zero is no peak.
#[test]
fn losses_beyond_the_numbers_are_breaches() {
    let at = Timestamp::EPOCH;
    let mut tracker = MaxDrawdownTracker::new(Decimal::ONE).unwrap();
    tracker.update(at, Decimal::MAX);
    assert_eq!(tracker.update(at, Decimal::MIN), DrawdownState::Halted);
    let mut broke = MaxDrawdownTracker::default();
    broke.update(at, dec("10"));
    broke.update(at, Decimal::ZERO);
    assert_eq!(broke.reset(at, PeakReset::Restart).peak_after, None);
    assert_eq!(broke.state(), DrawdownState::Undefined);
}

/// Of halts of one level the oldest is the reason, and wide halts of built-in causes take no
/// place from narrow ones.
#[test]
fn the_oldest_of_equals_binds_and_wide_halts_are_not_counted() {
    let at = Timestamp::EPOCH;
    let mut machine = HaltMachine::new();
    let first = Halt::new(HaltCause::Drawdown, HaltScope::Account);
    let second = Halt::new(HaltCause::Operator, HaltScope::Account);
    machine.raise(at, first);
    machine.raise(at, second);
    assert_eq!(machine.severest(SlotId(1), SHARE), Some(&first));
    for id in 0..HaltMachine::MOST as u32 {
        let scope = HaltScope::Symbol(InstrumentId(id));
        machine.raise(at, Halt::new(HaltCause::StaleData, scope));
    }
    assert_eq!(machine.halts().len(), HaltMachine::MOST + 2);
    assert!(machine.halts().iter().skip(2).all(|it| it.halt.cause == HaltCause::StaleData));
}
