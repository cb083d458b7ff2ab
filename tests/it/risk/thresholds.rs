//! What happens exactly at a threshold, and what a figure is worth when it is not zero or one.

use core::time::Duration;

use tradewright::risk::{
    BreakerLimits, Ceiling, CircuitBreaker, Concentration, CorrelationEstimator, DailyLimit,
    DailyLossGuard, DataLimits, DataQualityGuard, DrawdownGuard, EnhancedRiskManager,
    ExecutionLimits, ExecutionRate, Fact, Guard, InstrumentList, Kelly, KellyEdge, KellyWindow,
    Limit, MaxDrawdownTracker, MaxOrderNotional, OpenOrders, OtherPrices, PeakReset,
    PortfolioGuard, PortfolioHeat, PortfolioRisk, PortfolioRiskSettings, PositionCount,
    RealtimeRiskManager, RepeatedExecution, RiskChain, RiskManager, RiskRule, Sizer, StopAction,
    StopPlan, StopReading, StopTracker, StopWidth, StressScenario, UnstoppedRisk, VarLimit,
    rule_from_fn,
};
use tradewright::types::{
    DayBoundary, Decimal, FactBook, FactBookBuilder, Facts, Fill, HaltCause, HaltScope, Instrument,
    InstrumentId, Instruments, LimitKey, MarkFact, Price, Purpose, Qty, Reason, ReasonCode, Side,
    State, StopFact,
};

use super::chain::review;
use super::guards::{fill, trade};
use super::{COIN, INVERSE, SHARE, SLOT, World, dec, market, price, secs};

fn cash(world: &World, amount: &str) -> FactBook {
    world.book().cash(world.usd, dec(amount)).build()
}

fn filled(instrument: InstrumentId, quantity: Decimal, at: Price) -> Fill {
    let mut fill = fill(1, SLOT, Purpose::Entry);
    fill.instrument = instrument;
    (fill.execution.quantity, fill.execution.price) = (Qty::new(quantity), at);
    fill
}

fn rate(limits: ExecutionLimits, scope: HaltScope) -> ExecutionRate {
    ExecutionRate::new(limits, Duration::from_secs(60), scope).unwrap()
}

/// As many fills as are allowed are the last ones.
#[test]
fn a_rate_of_fills_is_full_at_its_limit() {
    let world = World::new();
    let book = world.book().build();
    let limits = ExecutionLimits { fills: Some(2), ..ExecutionLimits::default() };
    let mut guard = rate(limits, HaltScope::Account);
    let mut is_open = Vec::new();
    for _ in 0..2 {
        let entry = fill(1, SLOT, Purpose::Entry);
        guard.watch(&Fact::Fill(&entry), &world.facts(&book));
        is_open.push(matches!(guard.verdict(&world.facts(&book)), Limit::Allow(_)));
    }
    assert_eq!(is_open, [true, false]);
}

/// Each of the three limits may be zero and no less.
#[test]
fn a_rate_is_not_negative() {
    let minute = Duration::from_secs(60);
    let with = |quantity: &str, value: &str| {
        let (quantity, value) = (Some(dec(quantity)), Some(dec(value)));
        let limits = ExecutionLimits { quantity, value, ..ExecutionLimits::default() };
        ExecutionRate::new(limits, minute, HaltScope::Symbol(SHARE)).is_ok()
    };
    assert!(with("0", "0"));
    assert!(!with("-1", "0"));
    assert!(!with("0", "-1"));
}

/// Members may be given in any order, and twice.
#[test]
fn a_list_finds_its_members_in_any_order() {
    let ids = [INVERSE, SHARE, COIN, SHARE];
    for id in [SHARE, COIN, INVERSE] {
        assert!(InstrumentList::allow(ids).permits(id), "{id:?}");
        assert!(!InstrumentList::deny(ids).permits(id), "{id:?}");
    }
}

/// Two contracts of 100 USD, settled in bitcoin at 40,000, are 200 USD.
#[test]
fn a_rate_of_value_is_in_the_reporting_currency() {
    let world = World::new();
    let book = world.book().build();
    let is_open = |most: &str| {
        let limits = ExecutionLimits { value: Some(dec(most)), ..ExecutionLimits::default() };
        let mut guard = rate(limits, HaltScope::Account);
        let fill = filled(INVERSE, dec("2"), price("40000"));
        guard.watch(&Fact::Fill(&fill), &world.facts(&book));
        matches!(guard.verdict(&world.facts(&book)), Limit::Allow(_))
    };
    assert_eq!(["199", "200", "201"].map(is_open), [false, false, true]);
}

/// A sum that does not fit is taken apart again when what was too large has left the window.
#[test]
fn a_window_recovers_from_a_sum_that_did_not_fit() {
    let world = World::new();
    let book = world.book().build();
    let limits = ExecutionLimits { quantity: Some(dec("9")), ..ExecutionLimits::default() };
    let mut guard = rate(limits, HaltScope::Symbol(SHARE));
    for (second, quantity) in [(0, Decimal::MAX), (30, dec("2"))] {
        let fill = filled(SHARE, quantity, price("0.01"));
        guard.watch(&Fact::Fill(&fill), &world.facts_at(secs(second), &book));
    }
    let verdict = |second| guard.verdict(&world.facts_at(secs(second), &book));
    assert!(matches!(verdict(59), Limit::Deny(_)));
    assert!(matches!(verdict(60), Limit::Cap(left, _) if left == Qty::from(7)));
}

/// Releasing a drawdown begins with the equity of that moment, not with that of the last mark.
#[test]
fn a_released_drawdown_begins_with_the_equity_of_the_moment() {
    let world = World::new();
    let mut guard =
        DrawdownGuard::new(MaxDrawdownTracker::new(dec("0.25")).unwrap(), PeakReset::Restart);
    for equity in ["100000", "70000"] {
        guard.watch(&Fact::Mark, &world.facts(&cash(&world, equity)));
    }
    assert!(guard.is_halted());
    guard.release(HaltCause::Drawdown, &world.facts(&cash(&world, "65000")));
    assert!(!guard.is_halted());
    assert_eq!(guard.peak(), Some(dec("65000")));
}

/// What is released at the manager of a day's loss is released at the manager beneath it.
#[test]
fn a_realtime_manager_releases_its_base() {
    let world = World::new();
    let builder = RealtimeRiskManager::builder();
    let builder = builder.daily_loss(DailyLimit::Fraction(Decimal::ONE), DayBoundary::UTC);
    let mut manager = builder.build().unwrap();
    for equity in ["100000", "70000"] {
        let book = cash(&world, equity);
        manager.observe(&Fact::Mark, &world.facts(&book), &mut Vec::new());
    }
    let (mut halts, book) = (Vec::new(), cash(&world, "70000"));
    manager.release(HaltCause::Drawdown, &world.facts(&book));
    let before = manager.save().unwrap();
    manager.observe(&Fact::Mark, &world.facts(&book), &mut halts);
    assert_eq!(halts, [], "nothing is halted that was released");
    let mut again = RealtimeRiskManager::builder()
        .daily_loss(DailyLimit::Fraction(Decimal::ONE), DayBoundary::UTC)
        .build()
        .unwrap();
    again.restore(&before).unwrap();
    assert_eq!(again.drawdown(&world.facts(&book)), manager.drawdown(&world.facts(&book)));
    assert_eq!(manager.drawdown(&world.facts(&book)), 0.0, "it begins anew");
}

/// A threshold that is made tighter is judged by at the next mark, at which nothing has moved.
#[test]
fn a_tighter_threshold_is_judged_by_without_a_move() {
    let world = World::new();
    let builder = EnhancedRiskManager::builder().max_drawdown(dec("0.2"));
    let mut manager = builder.build().unwrap();
    let halts = |manager: &mut EnhancedRiskManager, equity: &str| {
        let (mut changes, book) = (Vec::new(), cash(&world, equity));
        manager.observe(&Fact::Mark, &world.facts(&book), &mut changes);
        changes.len()
    };
    for equity in ["100000", "95000", "95000"] {
        assert_eq!(halts(&mut manager, equity), 0);
    }
    manager.set_limit(&LimitKey::all(DrawdownGuard::LIMIT), dec("0.02")).unwrap();
    assert_eq!(halts(&mut manager, "95000"), 1);
}

/// The best price since the entry is split like the entry: what breaks even does not at once.
#[test]
fn a_split_moves_the_best_price() {
    let plan = StopPlan::new(StopWidth::Fraction(0.2)).unwrap();
    let plan = plan.trailing(StopWidth::Fraction(0.1)).unwrap();
    let calm = StopReading::default();
    let mut stop = StopTracker::new(plan, Side::Buy, 100.0, secs(0));
    stop.on_mark(secs(0), 100.0, calm);
    assert_eq!(stop.on_mark(secs(1), 120.0, calm), Some(StopAction::Move(108.0)));
    stop.split(2.0);
    assert_eq!(stop.level(), Some(54.0));
    assert_eq!(stop.on_mark(secs(2), 59.0, calm), None, "below the best of 60");
    assert_eq!(stop.on_mark(secs(3), 70.0, calm), Some(StopAction::Move(63.0)));
}

/// A streak of losses that is as long as its new limit trips at once.
#[test]
fn a_streak_as_long_as_its_new_limit_trips() {
    let tripped = |losses: u32| {
        let mut breaker = CircuitBreaker::default();
        (0..losses).for_each(|_| breaker.on_trade(secs(1), Decimal::NEGATIVE_ONE));
        let limits = BreakerLimits { max_consecutive_losses: 3, ..breaker.limits() };
        breaker.set_limits(limits).unwrap();
        !breaker.allowed(secs(2))
    };
    assert_eq!([2, 3, 4].map(tripped), [false, true, true]);
}

/// The width that a stop began with is split like the prices: a higher entry raises it by that.
#[test]
fn a_split_moves_the_initial_width() {
    let plan = StopPlan::new(StopWidth::Fraction(0.1)).unwrap();
    let mut stop = StopTracker::new(plan, Side::Buy, 100.0, secs(0));
    stop.on_mark(secs(0), 100.0, StopReading::default());
    stop.split(2.0);
    stop.set_entry(60.0);
    let raised = stop.on_mark(secs(1), 60.0, StopReading::default());
    assert_eq!(raised, Some(StopAction::Move(55.0)));
}

/// The largest order that a ceiling lets pass is on the step, and none where not one step is.
#[test]
fn the_largest_order_is_on_the_step() {
    let world = World::new();
    let book = world.book().build();
    for (ceiling, largest) in [(5_000.0, Some("30")), (1_050.0, Some("10")), (50.0, None)] {
        let probe = rule_from_fn("probe", move |opening, facts| {
            let rule = MaxOrderNotional::new(Ceiling::Amount(ceiling)).unwrap();
            let expected = largest.map(|largest| Qty::new(dec(largest)));
            assert_eq!(rule.largest(opening, facts), expected, "{ceiling}");
            Limit::Allow(None)
        });
        let chain = RiskChain::new().with_rule(Box::new(probe));
        review(&chain, &[market(SHARE, Side::Buy, "30")], &world.facts(&book));
    }
}

/// A day that has lost too much stays halted through a restart, wherever its end was written.
#[test]
fn a_day_that_is_over_its_limit_stays_halted_through_a_restart() {
    let world = World::new();
    let make = || DailyLossGuard::new(DailyLimit::Fraction(dec("0.1")), DayBoundary::UTC).unwrap();
    let mut guard = make();
    for (second, equity) in [(0, "100000"), (60, "80000")] {
        guard.watch(&Fact::Mark, &world.facts_at(secs(second), &cash(&world, equity)));
    }
    assert!(guard.is_halted());
    let state = rmpv::decode::read_value(&mut &guard.save().unwrap()[..]).unwrap();
    let rmpv::Value::Map(mut fields) = state else { panic!() };
    for (name, value) in &mut fields {
        if name.as_str() == Some("until") {
            *value = 0.into();
        }
    }
    let mut state = Vec::new();
    rmpv::encode::write_value(&mut state, &rmpv::Value::Map(fields)).unwrap();
    let mut restored = make();
    restored.restore(&state).unwrap();
    assert_eq!(restored.deadline(), None, "the next fact tells when the day ends");
    restored.watch(&Fact::Mark, &world.facts_at(secs(120), &cash(&world, "90000")));
    assert_eq!(restored.deadline(), Some(secs(86_400)));
    assert!(restored.is_halted(), "it is the same day");
    restored.watch(&Fact::Mark, &world.facts_at(secs(86_400), &cash(&world, "90000")));
    assert!(!restored.is_halted());
}

/// Of nothing, nothing is concentrated.
#[test]
fn an_empty_account_is_not_concentrated() {
    let world = World::new();
    let book = world.book().build();
    let rule = Concentration::new(0.5).unwrap().with_floor(Ceiling::Amount(0.0)).unwrap();
    assert_eq!(rule.usage(&world.facts(&book)).unwrap().observed, 0.0);
    let held = world.book().position(SLOT, SHARE, dec("10"), price("100")).build();
    assert_eq!(rule.usage(&world.facts(&held)).unwrap().observed, 1.0);
}

/// A stop at zero covers nothing of a position, whatever it says that it covers.
#[test]
fn a_held_position_with_a_stop_at_zero_is_unstopped() {
    let world = World::new();
    let heat = |level| {
        let stop = StopFact { level, covered: 10.0, ..StopFact::default() };
        let book = world.book().position(SLOT, SHARE, dec("10"), price("100"));
        let book = book.stop(SLOT, SHARE, stop).build();
        let rule = PortfolioHeat::new(1.0).unwrap().unstopped(UnstoppedRisk::Fraction(0.5));
        rule.unwrap().heat(&world.facts(&book)) * book.equity()
    };
    assert!((heat(90.0) - 100.0).abs() < 1e-9, "ten times 10");
    assert!((heat(0.0) - 500.0).abs() < 1e-9, "half of it");
}

/// A working order against a position closes it first: what it opens is the rest.
#[test]
fn a_working_order_against_a_position_opens_the_rest() {
    let world = World::new();
    let stop = StopFact { distance: 10.0, level: 110.0, covered: 20.0 };
    let heat = |working: &str| {
        let book = world.book().position(SLOT, SHARE, dec("-20"), price("100"));
        let book = book.working(SLOT, SHARE, Side::Buy, dec(working));
        let book = book.stop(SLOT, SHARE, stop).build();
        PortfolioHeat::new(1.0).unwrap().heat(&world.facts(&book)) * book.equity()
    };
    let (held, turned) = (heat("20"), heat("25"));
    assert!((held - 200.0).abs() < 1e-9, "twenty times 10: {held}");
    assert!((turned - 250.0).abs() < 1e-9, "and five times 10: {turned}");
}

/// An account that loses all of its money to the cent has no leverage, and one without a loss no
/// drawdown.
#[test]
fn leverage_is_not_defined_without_equity() {
    let world = World::new();
    let apply = |shock| {
        let book = world.book().cash(world.usd, Decimal::ZERO);
        let book = book.position(SLOT, SHARE, dec("10"), price("100"));
        let book = book.position(SLOT, COIN, dec("10"), price("50")).build();
        let scenario = StressScenario::builder("fall").others(OtherPrices::Same(shock));
        scenario.build().unwrap().apply(&world.facts(&book)).unwrap()
    };
    assert_eq!((apply(-1.0).equity, apply(-1.0).leverage), (0.0, None));
    assert_eq!(apply(-0.5).leverage, Some(1.0));
}

fn moving(settings: PortfolioRiskSettings, price_of: impl Fn(i32) -> [f64; 2]) -> PortfolioRisk {
    let world = World::new();
    let mut portfolio = PortfolioRisk::new(settings, [SHARE, COIN]).unwrap();
    for row in 0..12 {
        let (at, [share, coin]) = (secs(60 * i64::from(row)), price_of(row));
        let book = world.book().position(SLOT, SHARE, dec("100"), price("100"));
        let book = book.position(SLOT, COIN, dec("100"), price("50"));
        let book = book.mark(SHARE, at, share).mark(COIN, at, coin).build();
        portfolio.observe(&Fact::Mark, &world.facts_at(at, &book));
    }
    portfolio
}

fn short() -> PortfolioRiskSettings {
    let correlation = CorrelationEstimator::Rolling { window: 4 };
    PortfolioRiskSettings {
        window: 8,
        minimum_rows: 4,
        correlation,
        ..PortfolioRiskSettings::default()
    }
}

/// Returns that are always the same deviate by nothing, however large they are.
#[test]
fn deviations_are_from_the_mean() {
    let doubling = moving(short(), |row| [100.0 * f64::from(1 << row), 50.0]);
    assert_eq!(doubling.figures().unwrap().deviation, 0.0);
    let swinging = moving(short(), |row| [100.0 * f64::from(1 + row % 2), 50.0]);
    assert!(swinging.figures().unwrap().deviation > 0.0);
}

/// A review reads the correlations of the last row, also when it has read those of one before.
#[test]
fn a_review_reads_the_correlations_of_the_last_row() {
    let world = World::new();
    let guard = PortfolioGuard::new(PortfolioRisk::new(short(), [SHARE, COIN]).unwrap());
    let guard = guard.correlated_exposure(0.8, Ceiling::Amount(1.0)).unwrap();
    let mut chain = RiskChain::new().with_guard(Box::new(guard));
    let mut exposures = Vec::new();
    for row in 0..13 {
        let (at, up) = (secs(60 * i64::from(row)), f64::from(row % 2));
        // First the coin moves with the share, then against it.
        let coin = if row < 7 { 50.0 + up } else { 51.0 - up };
        let book = world.book().position(SLOT, SHARE, dec("100"), price("100"));
        let book = book.mark(SHARE, at, 100.0 + 2.0 * up).mark(COIN, at, coin).build();
        let facts = world.facts_at(at, &book);
        chain.observe(&Fact::Mark, &facts, &mut Vec::new());
        let verdict = review(&chain, &[market(COIN, Side::Buy, "10")], &facts);
        exposures.push(verdict.findings[0].reason.observed);
    }
    assert_eq!(exposures[6], 10_000.0 + 500.0, "together");
    assert_eq!(exposures[12], 510.0, "against one another");
}

/// Rows are made by marks, also by those that do not move the price.
#[test]
fn a_mark_without_a_move_makes_a_row() {
    let still = moving(short(), |_| [100.0, 50.0]);
    assert_eq!(still.figures().unwrap().deviation, 0.0);
}

/// A day that begins without money has no loss that it may have.
#[test]
fn a_day_without_money_has_no_limit() {
    let world = World::new();
    let limit = |equity: &str| {
        let limit = DailyLimit::Amount(dec("100"));
        let mut guard = DailyLossGuard::new(limit, DayBoundary::UTC).unwrap();
        let book = cash(&world, equity);
        guard.watch(&Fact::Mark, &world.facts(&book));
        guard.status(&world.facts(&book)).limit
    };
    assert_eq!(limit("0.01"), 100.0);
    assert!(limit("0").is_nan());
}

/// Who has only lost has no payoff, who has only won an endless one.
#[test]
fn an_edge_needs_wins() {
    let edge = |gross: &str| {
        let window = KellyWindow { trades: 4, least: 2, until_then: 0.1 };
        let mut kelly = Kelly::observed(window, 0.5, dec("0.3")).unwrap();
        assert_eq!((kelly.edge(), kelly.fraction()), (None, 0.05));
        (0..2).for_each(|_| kelly.on_trade(&trade(SLOT, gross)));
        (kelly.edge().unwrap(), kelly.fraction())
    };
    assert_eq!(edge("-500"), (KellyEdge { win_rate: 0.0, payoff: 0.0 }, 0.0));
    assert_eq!(edge("500"), (KellyEdge { win_rate: 1.0, payoff: f64::INFINITY }, 0.3));
}

/// What is paid in another currency returns with its rate too: a pair whose price stands still
/// is as risky as its currency.
#[test]
fn a_return_is_of_the_value() {
    let mut table = Instruments::new();
    let share = table.add(Instrument::stock("SHARE", "USD")).unwrap();
    let pair = table.add(Instrument::spot("ETHBTC", "ETH", "BTC")).unwrap();
    let usd = table.find_asset("USD").unwrap();
    let deviation = |id: InstrumentId, mark: fn(f64) -> (f64, f64)| {
        let mut portfolio = PortfolioRisk::new(short(), [id]).unwrap();
        for row in 0..12 {
            let at = secs(60 * i64::from(row));
            let (mark, rate) = mark([40_000.0, 41_000.0, 52_000.0][row as usize % 3]);
            let book = FactBookBuilder::new(&table, usd).cash(usd, dec("100000"));
            let book = book.position(SLOT, id, dec("100"), price("1"));
            let book = book.rated_mark(id, MarkFact { price: mark, at, rate }).build();
            portfolio.observe(&Fact::Mark, &Facts::new(at, SLOT, &table, &book));
        }
        portfolio.figures().unwrap().deviation
    };
    let in_dollars = deviation(share, |bitcoin| (0.05 * bitcoin, 1.0));
    let in_bitcoin = deviation(pair, |bitcoin| (0.05, bitcoin));
    assert!(in_dollars > 1_000.0 && (in_dollars / in_bitcoin - 1.0).abs() < 1e-9, "{in_bitcoin}");
}

/// The figure that a limit on the value at risk judges by can be asked for before an order is.
#[test]
fn a_limit_tells_the_figure_that_results() {
    let world = World::new();
    let portfolio = moving(short(), |row| [100.0 * f64::from(1 + row % 2), 50.0]);
    let guard = PortfolioGuard::new(portfolio.clone()).var_limit(Ceiling::Amount(0.0)).unwrap();
    let judged = RiskChain::new().with_guard(Box::new(guard));
    let asked = rule_from_fn("asked", move |opening, facts| {
        let limit = VarLimit::new(&portfolio, Ceiling::Amount(0.0)).unwrap();
        let figure = limit.resulting(opening, 10.0, facts);
        Limit::Deny(Reason::new(ReasonCode::ValueAtRisk, 0.0, figure))
    });
    let asked = RiskChain::new().with_rule(Box::new(asked));
    let book = world.book().build();
    let ten = [market(SHARE, Side::Buy, "10")];
    let figures = [judged, asked]
        .map(|chain| review(&chain, &ten, &world.facts(&book)).findings[0].reason.observed);
    assert!(figures[0] > 1.0 && figures[0] == figures[1], "{figures:?}");
}

/// Of the two limits on open orders the one that is used more is told.
#[test]
fn the_fuller_count_of_orders_is_told() {
    let world = World::new();
    let book = world.book().build();
    for (per_symbol, total) in [(2, 10), (10, 2)] {
        let chain = RiskChain::new().with_rule(Box::new(OpenOrders::new(per_symbol, total)));
        let verdict = review(&chain, &[market(SHARE, Side::Buy, "1")], &world.facts(&book));
        assert_eq!(verdict.risk_score, 0.5, "{per_symbol} in one, {total} in all");
    }
}

/// Figures need two rows, and a chain hears the market for the sake of a guard that watches it.
#[test]
fn what_a_portfolio_and_a_chain_need() {
    let rows = |minimum_rows| {
        PortfolioRisk::new(PortfolioRiskSettings { minimum_rows, ..short() }, [SHARE]).is_ok()
    };
    assert_eq!([1, 2].map(rows), [false, true]);
    assert!(!RiskChain::new().watches_market());
    let data = DataQualityGuard::new(SHARE, DataLimits::default()).unwrap();
    assert!(RiskChain::new().with_guard(Box::new(data)).watches_market());
}

/// Every guard of a chain hears what it wants, however many there are.
#[test]
fn the_last_of_many_guards_is_heard() {
    let world = World::new();
    for others in [0, 62, 63, 64, 70] {
        let mut chain = RiskChain::new();
        for _ in 0..others {
            chain = chain.with_guard(Box::new(RepeatedExecution::new(9).unwrap()));
        }
        let tracker = MaxDrawdownTracker::new(dec("0.1")).unwrap();
        let last = DrawdownGuard::new(tracker, PeakReset::Keep);
        let mut chain = chain.with_guard(Box::new(last));
        let mut changes = Vec::new();
        for equity in ["100000", "50000"] {
            chain.observe(&Fact::Mark, &world.facts(&cash(&world, equity)), &mut changes);
        }
        assert_eq!(changes.len(), 1, "after {others} others");
    }
}

/// Of an equity that is not known no share can be told, not even that of nothing.
#[test]
fn a_share_of_the_unknown_is_unknown() {
    let world = World::new();
    let share = |equity: f64| {
        let book = world.book().equity(equity).build();
        Concentration::new(0.5).unwrap().usage(&world.facts(&book)).unwrap().observed
    };
    assert_eq!(share(100_000.0), 0.0);
    assert!(share(f64::NAN).is_nan());
}

/// A restored drawdown guard looks at the very next mark, also at one that was calm before.
#[test]
fn a_restored_drawdown_has_no_calm() {
    let world = World::new();
    let make = || DrawdownGuard::new(MaxDrawdownTracker::new(dec("0.1")).unwrap(), PeakReset::Keep);
    let watch = |guard: &mut DrawdownGuard, equity: &str| {
        guard.watch(&Fact::Mark, &world.facts(&cash(&world, equity))).is_some()
    };
    let (mut high, mut guard) = (make(), make());
    assert!(!watch(&mut high, "200000"));
    assert!(!watch(&mut guard, "100000"));
    assert!(!watch(&mut guard, "99000"));
    guard.restore(&high.save().unwrap()).unwrap();
    assert!(watch(&mut guard, "99000"), "half of the saved peak");
}

/// Capital moves the beginning of the day also where it brings no danger: what is lost of it is
/// a loss.
#[test]
fn capital_that_came_in_can_be_lost() {
    let world = World::new();
    let limit = DailyLimit::Fraction(dec("0.1"));
    let mut guard = DailyLossGuard::new(limit, DayBoundary::UTC).unwrap();
    let mut tell = |second, fact: Fact<'_>, equity: &str| {
        guard.watch(&fact, &world.facts_at(secs(second), &cash(&world, equity))).is_some()
    };
    assert!(!tell(0, Fact::Mark, "100000"));
    assert!(!tell(60, Fact::Capital(dec("100000")), "200000"));
    assert!(!tell(120, Fact::Mark, "181000"));
    assert!(tell(180, Fact::Mark, "179000"), "21,000 of 200,000");
}

/// What the earlier legs of a group risk is not there for the later ones.
#[test]
fn legs_of_a_group_share_the_heat() {
    let world = World::new();
    let book = world.book().build();
    let approved = |coins: &str| {
        let chain = RiskChain::new().with_rule(Box::new(PortfolioHeat::new(0.01).unwrap()));
        let group = [market(SHARE, Side::Buy, "4"), market(COIN, Side::Buy, coins)];
        review(&chain, &group, &world.facts(&book)).approved
    };
    assert!(approved("12"), "400 and 600 of 1,000 USD");
    assert!(!approved("12.1"));
}

/// A symbol that several legs of a group open counts once.
#[test]
fn legs_in_one_symbol_are_one_position() {
    let world = World::new();
    let book = world.book().build();
    let approved = |most| {
        let chain = RiskChain::new().with_rule(Box::new(PositionCount::new(most)));
        let twice = market(COIN, Side::Buy, "1");
        let group = [twice, twice, market(SHARE, Side::Buy, "1")];
        review(&chain, &group, &world.facts(&book)).approved
    };
    assert!(approved(2) && !approved(1));
}

/// What is left beside a stop risks the stated part of its value, and nothing has a beta against
/// what never moves.
#[test]
fn what_is_left_beside_a_stop_risks_a_part() {
    let world = World::new();
    let stop = StopFact { level: 95.0, covered: 4.0, distance: 0.0 };
    let book = world.book().position(SLOT, SHARE, Decimal::TEN, price("100"));
    let book = book.stop(SLOT, SHARE, stop).build();
    let heat = PortfolioHeat::new(1.0).unwrap().unstopped(UnstoppedRisk::Fraction(0.5)).unwrap();
    assert_eq!(heat.open_risk(&world.facts(&book)), 20.0 + 300.0);
    let portfolio = moving(short(), |row| [100.0 + f64::from(row % 2), 50.0]);
    assert_eq!(portfolio.beta(SHARE, COIN), None);
    assert_eq!(portfolio.beta(COIN, SHARE), Some(0.0));
}

/// Working sales are stopped above the mark, and what has no stop risks the stated part.
#[test]
fn working_sales_are_stopped_above() {
    let world = World::new();
    let heat = |side, distance, part| {
        let stop = StopFact { distance, ..StopFact::default() };
        let book = world.book().stop(SLOT, SHARE, stop);
        let book = book.working(SLOT, SHARE, side, dec("20")).build();
        let rule = PortfolioHeat::new(1.0).unwrap();
        rule.unstopped(UnstoppedRisk::Fraction(part)).unwrap().open_risk(&world.facts(&book))
    };
    assert_eq!(heat(Side::Sell, 10.0, 1.0), 200.0);
    assert_eq!(heat(Side::Buy, 10.0, 1.0), 200.0);
    assert_eq!(heat(Side::Buy, 0.0, 0.5), 1_000.0);
}
