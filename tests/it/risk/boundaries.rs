//! Where a limit, a name or a memory begins and ends.

use core::time::Duration;

use tradewright::math::{ReturnWindow, TailModel, VolatilityEstimator};
use tradewright::risk::{
    BuyingPower, Ceiling, Concentration, ConfidenceScaled, DeadManGuard, DrawdownSchedule,
    EnhancedRiskManager, Fact, GrossExposure, GroupExposure, Guard, Kelly, KellyEdge, KellyWindow,
    Leverage, Limit, MarketAge, MaxOrderNotional, MaxOrderQuantity, NetExposure, OpenOrders,
    PortfolioGuard, PortfolioHeat, PortfolioRisk, PortfolioRiskSettings, PositionCount,
    PositionRiskCalculator, PositionSize, RiskChain, RiskManager, RiskRule, RiskWork, Sizer,
    StopAction, StopGauge, StopPlan, StopReading, StopTracker, StopVolatility, StopWidth,
    SymbolExposure, SymbolQuantity, UnstoppedRisk, VolatilitySource, VolatilityTarget,
};
use tradewright::types::{
    Bar, Decimal, InstrumentId, Label, LimitKey, LimitSubject, Period, Side, SlotId, StopFact,
};

use super::chain::review;
use super::guards::trade;
use super::{COIN, LINEAR, SHARE, SLOT, World, dec, market, price, secs, signal};

type Named = (Box<dyn RiskRule>, LimitKey, &'static str);

fn rules() -> Vec<Named> {
    fn of(rule: impl RiskRule + 'static, key: LimitKey, value: &'static str) -> Named {
        (Box::new(rule), key, value)
    }
    let (all, hundred) = (LimitKey::all, Ceiling::Amount(100.0));
    let pair = GroupExposure::new("pair", [SHARE, COIN], hundred).unwrap();
    let age = MarketAge::new(Duration::from_secs(100)).unwrap();
    let (symbols, symbol) = (SymbolExposure::each(hundred), SymbolExposure::of(COIN, hundred));
    let (units, unit) = (SymbolQuantity::each(dec("9")), SymbolQuantity::of(COIN, dec("9")));
    let (orders, order) = (MaxOrderQuantity::each(dec("9")), MaxOrderQuantity::of(COIN, dec("9")));
    let quantity = MaxOrderQuantity::LIMIT;
    vec![
        of(BuyingPower::new(dec("100")).unwrap(), all(BuyingPower::LIMIT), "100"),
        of(Concentration::new(0.5).unwrap(), all("concentration"), "0.5"),
        of(GrossExposure::new(hundred).unwrap(), all("gross_exposure"), "100"),
        of(NetExposure::new(hundred).unwrap(), all("net_exposure"), "100"),
        of(pair, LimitKey::named("group_exposure", "pair"), "100"),
        of(PortfolioHeat::new(0.5).unwrap(), all("portfolio_heat"), "0.5"),
        of(Leverage::new(2.0).unwrap(), all("leverage"), "2"),
        of(age, all(MarketAge::LIMIT), "100"),
        of(OpenOrders::new(2, 3), all(OpenOrders::PER_SYMBOL), "2"),
        of(OpenOrders::new(2, 3), all(OpenOrders::TOTAL), "3"),
        of(MaxOrderNotional::new(hundred).unwrap(), all(MaxOrderNotional::LIMIT), "100"),
        of(orders.unwrap(), all(quantity), "9"),
        of(order.unwrap(), LimitKey::of(quantity, COIN), "9"),
        of(PositionCount::new(3), all("position_count"), "3"),
        of(PositionSize::new(0.5).unwrap(), all("position_size"), "0.5"),
        of(symbols.unwrap(), all("symbol_exposure"), "100"),
        of(symbol.unwrap(), LimitKey::of("symbol_exposure", COIN), "100"),
        of(units.unwrap(), all("symbol_quantity"), "9"),
        of(unit.unwrap(), LimitKey::of("symbol_quantity", COIN), "9"),
    ]
}

/// A limit answers to its own name and subject alone, tells the value before, and stays as it is
/// when the new value cannot be.
#[test]
fn a_limit_answers_to_its_own_name_and_subject() {
    for (mut rule, key, before) in rules() {
        let strange = LimitKey { name: Label::new("nobody's"), ..key };
        let strategy = LimitKey { subject: LimitSubject::Strategy(SlotId(9)), ..key };
        let other = LimitKey { subject: LimitSubject::Instrument(InstrumentId(9)), ..key };
        for wrong in [strange, strategy, other] {
            assert_eq!(rule.set_limit(&wrong, Decimal::ONE), Ok(None), "{key:?} {wrong:?}");
        }
        let before = dec(before);
        assert_eq!(rule.set_limit(&key, Decimal::ONE), Ok(Some(before)), "{key:?}");
        assert!(rule.set_limit(&key, dec("-1")).is_err(), "{key:?}");
        assert_eq!(rule.set_limit(&key, before), Ok(Some(Decimal::ONE)), "{key:?}");
    }
}

/// The reserve is in hundredths of a percent of what is bought, and only just fits.
#[test]
fn the_reserve_is_kept_out_of_the_buying_power() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let rule = BuyingPower::new(Decimal::ZERO).unwrap().reserve_bps(2_500);
    let chain = RiskChain::new().with_rule(Box::new(rule));
    let granted =
        |quantity| review(&chain, &[market(SHARE, Side::Buy, quantity)], &facts).granted[0].value();
    assert_eq!(granted("800"), dec("800"), "80,000 and a quarter of it");
    assert_eq!(granted("900"), dec("800"));
}

/// A planned stop that no price can have is no stop: what it would guard counts in whole.
#[test]
fn a_planned_stop_at_zero_is_no_stop() {
    let world = World::new();
    let unstopped = UnstoppedRisk::Fraction(0.5);
    let granted = |distance| {
        let stop = StopFact { distance, ..StopFact::default() };
        let book = world.book().stop(SLOT, SHARE, stop).build();
        let heat = PortfolioHeat::new(0.01).unwrap().unstopped(unstopped).unwrap();
        let chain = RiskChain::new().with_rule(Box::new(heat));
        let all = [market(SHARE, Side::Buy, "1000")];
        review(&chain, &all, &world.facts(&book)).granted[0].value()
    };
    assert_eq!(granted(80.0), dec("12"), "80 of risk a unit, 1,000 in all");
    assert_eq!(granted(100.0), dec("20"), "half of 100, as without a stop");
    assert_eq!(granted(f64::NAN), dec("20"));
    let nothing = UnstoppedRisk::Fraction(0.0);
    assert!(PortfolioHeat::new(0.01).unwrap().unstopped(nothing).is_err());
}

/// Points of a schedule rise; their scales may stay, and may not rise.
#[test]
fn scales_of_a_schedule_may_stay() {
    assert!(DrawdownSchedule::new([(0.1, 0.5), (0.2, 0.5)]).is_ok());
    assert!(DrawdownSchedule::new([(0.1, 0.5), (0.2, 0.6)]).is_err());
    assert!(DrawdownSchedule::new([(0.1, 0.5), (0.1, 0.4)]).is_err());
    assert!(DrawdownSchedule::new([(0.0, 1.0), (1.0, 0.0)]).is_ok(), "both ends count");
}

/// A manager with a timed guard tells the guard's deadline as its own.
#[test]
fn a_manager_tells_the_deadline_of_its_guards() {
    let world = World::new();
    let book = world.book().build();
    let dead_man = DeadManGuard::new(Duration::from_secs(7)).unwrap();
    let builder = EnhancedRiskManager::builder().with_guard(Box::new(dead_man));
    let mut manager = builder.build().unwrap();
    assert!(manager.is_timed() && manager.deadline().is_none());
    manager.observe(&Fact::Heartbeat, &world.facts_at(secs(3), &book), &mut Vec::new());
    assert_eq!(manager.deadline(), Some(secs(10)));
}

/// What a sizer inside another remembers, it is told, and it is saved.
#[test]
fn an_inner_sizer_hears_bars_and_is_saved() {
    let estimator = VolatilityEstimator::CloseToClose;
    let window = |window, bars_per_year| {
        let source = VolatilitySource::Measured { estimator, window, bars_per_year, period: None };
        VolatilityTarget::new(0.1, Decimal::ONE, source)
    };
    assert!(window(0, 252.0).is_err() && window(5, f64::NAN).is_err());
    let make = || ConfidenceScaled::new(window(5, 252.0).unwrap());
    let world = World::new();
    let book = world.book().build();
    let size = |sizer: &ConfidenceScaled<VolatilityTarget>| {
        sizer.size(&signal(COIN, 1.0), &world.table[COIN], &world.facts(&book))
    };
    let mut sizer = make();
    assert!(sizer.is_attentive() && size(&sizer).is_err(), "nothing is measured yet");
    for step in 0..10 {
        let close = 50.0 + f64::from(step % 2);
        sizer.on_bar(&Bar::new(COIN, Period::DAY, [close; 4], 1.0).unwrap());
    }
    assert!(size(&sizer).is_ok());
    let mut restored = make();
    restored.restore_memory(&sizer.save_memory().unwrap()).unwrap();
    assert_eq!(size(&restored), size(&sizer));
}

/// What a position adds to the Sharpe ratio is the ratio with it less the ratio without it.
#[test]
fn the_sharpe_increment_is_a_difference() {
    let rows: Vec<[f64; 2]> = (0..24)
        .map(|row| [f64::from(row % 3) * 0.01 - 0.008, f64::from(row % 5) * 0.01 - 0.015])
        .collect();
    let mut returns = ReturnWindow::new(2, rows.len()).unwrap();
    rows.iter().for_each(|row| returns.push(row).unwrap());
    let calculator = PositionRiskCalculator::new(TailModel::default(), 2).unwrap();
    let (mut work, mut positions) = (RiskWork::default(), Vec::new());
    let all = calculator.positions(&[100.0, 50.0], &returns, &mut work, &mut positions).unwrap();
    let without = [[0.0, 50.0], [100.0, 0.0]];
    for (position, rest) in positions.iter().zip(without) {
        let rest = calculator.portfolio(&rest, &returns, &mut work).unwrap().sharpe.unwrap();
        let step = position.sharpe_increment.unwrap();
        assert!((step - (all.sharpe.unwrap() - rest)).abs() < 1e-9, "{step}");
    }
}

/// The highest price since the entry is split like the entry: a stop that hangs from it stays
/// where it was against the market.
#[test]
fn a_split_moves_the_highest_price() {
    let plan = StopPlan::new(StopWidth::Fraction(0.25)).unwrap();
    let plan = plan.chandelier(StopWidth::Fraction(0.125)).unwrap();
    let mut stop = StopTracker::new(plan, Side::Buy, 100.0, secs(0));
    let bar =
        |high, low, close| Bar::new(SHARE, Period::MINUTE, [close, high, low, close], 1.0).unwrap();
    let calm = StopReading::default();
    stop.on_mark(secs(1), 100.0, calm);
    let raised = stop.on_bar(secs(120), &bar(110.0, 100.0, 108.0), calm);
    assert_eq!(raised, Some(StopAction::Move(96.25)));
    stop.split(2.0);
    assert_eq!(stop.on_bar(secs(180), &bar(55.0, 53.0, 54.0), calm), None, "still at 48.125");
    assert_eq!(stop.on_bar(secs(240), &bar(60.0, 54.0, 60.0), calm), Some(StopAction::Move(52.5)));
}

/// An order that reaches a limit exactly passes; of one unit more the limit is left, and nothing
/// where the limit is on the order itself.
#[test]
fn a_limit_that_is_exactly_reached_is_kept() {
    let world = World::new();
    let book = world.book().build();
    let ten = [market(SHARE, Side::Buy, "10")];
    let thousand = Ceiling::Amount(1_000.0);
    let exact: Vec<Box<dyn RiskRule>> = vec![
        Box::new(GrossExposure::new(thousand).unwrap()),
        Box::new(NetExposure::new(thousand).unwrap()),
        Box::new(SymbolExposure::each(thousand).unwrap()),
        Box::new(MaxOrderNotional::new(thousand).unwrap()),
        Box::new(GroupExposure::new("one", [SHARE], thousand).unwrap()),
        Box::new(Leverage::new(0.01).unwrap()),
        Box::new(PositionSize::new(0.01).unwrap()),
        Box::new(SymbolQuantity::each(dec("10")).unwrap()),
        Box::new(MaxOrderQuantity::each(dec("10")).unwrap()),
        Box::new(PositionCount::new(1)),
        Box::new(OpenOrders::new(1, 1)),
    ];
    for rule in exact {
        let name = rule.name();
        let chain = RiskChain::new().with_rule(rule);
        let verdict = review(&chain, &ten, &world.facts(&book));
        assert!(verdict.approved, "{name}: {verdict:?}");
        let eleven = [market(SHARE, Side::Buy, "11")];
        let more = review(&chain, &eleven, &world.facts(&book)).granted[0].value();
        let expected = match name {
            "position_count" | "open_orders" => "11",
            MaxOrderQuantity::LIMIT | MaxOrderNotional::LIMIT => "0",
            _ => "10",
        };
        assert_eq!(more, dec(expected), "{name}");
    }
}

/// What the earlier legs of a group pay for is not there for the later ones.
#[test]
fn legs_of_a_group_share_the_buying_power() {
    let world = World::new();
    let book = world.book().build();
    let rule = BuyingPower::new(Decimal::ZERO).unwrap();
    let chain = RiskChain::new().with_rule(Box::new(rule));
    let approved = |first, second| {
        let group = [market(SHARE, Side::Buy, first), market(COIN, Side::Buy, second)];
        review(&chain, &group, &world.facts(&book)).approved
    };
    assert!(approved("500", "1000"), "50,000 and 50,000 of 100,000");
    assert!(!approved("500", "1001") && !approved("501", "1000"));
}

/// Working orders count with the risk to the stop that is planned for them.
#[test]
fn working_orders_count_with_their_planned_stop() {
    let world = World::new();
    let stop = StopFact { distance: 10.0, ..StopFact::default() };
    let book = world.book().stop(SLOT, SHARE, stop);
    let book = book.working(SLOT, SHARE, Side::Buy, dec("20")).build();
    let heat = PortfolioHeat::new(1.0).unwrap().heat(&world.facts(&book));
    assert!((heat - 0.002).abs() < 1e-12, "twenty times 10 of 100,000: {heat}");
}

/// Reasons tell limit and observation of a span in seconds.
#[test]
fn spans_are_told_in_seconds() {
    let world = World::new();
    let book = world.book().build();
    let mut guard = DeadManGuard::new(Duration::from_secs(7)).unwrap();
    guard.watch(&Fact::Heartbeat, &world.facts_at(secs(3), &book));
    let Limit::Allow(Some(reason)) = guard.verdict(&world.facts_at(secs(5), &book)) else {
        panic!("not late yet")
    };
    assert_eq!((reason.limit, reason.observed), (7.0, 2.0));
}

/// A portfolio's limits are checked where they are set.
#[test]
fn limits_of_a_portfolio_are_numbers() {
    let guard = || {
        let portfolio = PortfolioRisk::new(PortfolioRiskSettings::default(), [SHARE, COIN]);
        PortfolioGuard::new(portfolio.unwrap())
    };
    for ceiling in [Ceiling::Amount(-1.0), Ceiling::OfEquity(f64::NAN)] {
        assert!(guard().var_limit(ceiling).is_err(), "{ceiling:?}");
        assert!(guard().correlated_exposure(0.5, ceiling).is_err(), "{ceiling:?}");
    }
    assert!(guard().var_limit(Ceiling::Amount(0.0)).is_ok());
    assert!(guard().correlated_exposure(1.1, Ceiling::Amount(1.0)).is_err());
}

/// Two legs of a group in one instrument are two orders in it.
#[test]
fn legs_of_a_group_are_orders() {
    let world = World::new();
    let book = world.book().build();
    let approved = |per_symbol, total, second| {
        let chain = RiskChain::new().with_rule(Box::new(OpenOrders::new(per_symbol, total)));
        let group = [market(SHARE, Side::Buy, "1"), market(second, Side::Buy, "1")];
        review(&chain, &group, &world.facts(&book)).approved
    };
    assert!(approved(2, 2, SHARE) && approved(1, 2, COIN));
    assert!(!approved(1, 2, SHARE), "the second in one symbol");
    assert!(!approved(2, 1, COIN), "the second of all");
}

/// What a perpetual's working order opens is margined, not paid in full.
#[test]
fn working_perpetuals_take_no_buying_power() {
    let world = World::new();
    let granted = |instrument| {
        let book = world.book().working(SLOT, instrument, Side::Buy, dec("100")).build();
        let rule = BuyingPower::new(Decimal::ZERO).unwrap();
        let chain = RiskChain::new().with_rule(Box::new(rule));
        let all = [market(SHARE, Side::Buy, "1000")];
        review(&chain, &all, &world.facts(&book)).granted[0].value()
    };
    assert_eq!(granted(COIN), dec("950"), "100 coins at 50 are paid");
    assert_eq!(granted(LINEAR), dec("1000"));
}

/// Kelly bets its fraction times the caution, at most the cap, and nothing without an edge.
#[test]
fn kelly_bets_a_cautious_part() {
    let of = |win_rate, payoff, caution| {
        Kelly::given(KellyEdge { win_rate, payoff }, caution, dec("0.25"))
    };
    let third = of(0.6, 1.5, 0.5).unwrap().fraction();
    assert!((third - (0.6 - 0.4 / 1.5) / 2.0).abs() < 1e-12, "{third}");
    assert_eq!(of(0.9, 10.0, 1.0).unwrap().fraction(), 0.25, "the cap");
    assert_eq!(of(0.5, 1.0, 1.0).unwrap().fraction(), 0.0, "no edge");
    assert!(of(0.6, 1.5, 0.0).is_err() && of(0.6, 1.5, 1.01).is_err());
    assert!(of(0.6, 1.5, 1.0).is_ok());
}

/// A sizer in a box hears, remembers and restores like the one inside.
#[test]
fn a_boxed_sizer_is_the_sizer() {
    let window = KellyWindow { trades: 4, least: 2, until_then: 0.1 };
    let kelly = || Kelly::observed(window, 1.0, Decimal::ONE).unwrap();
    let world = World::new();
    let book = world.book().build();
    let size =
        |sizer: &dyn Sizer| sizer.size(&signal(COIN, 1.0), &world.table[COIN], &world.facts(&book));
    let mut boxed = ConfidenceScaled::new(Box::new(kelly()) as Box<dyn Sizer>);
    let mut plain = ConfidenceScaled::new(kelly());
    let first = size(&boxed);
    for profit in ["30", "-10", "20"] {
        boxed.on_trade(&trade(SLOT, profit));
        plain.on_trade(&trade(SLOT, profit));
    }
    assert_ne!(size(&boxed), first, "trades were heard");
    assert_eq!(size(&boxed), size(&plain));
    let mut restored = ConfidenceScaled::new(Box::new(kelly()) as Box<dyn Sizer>);
    restored.restore_memory(&boxed.save_memory().unwrap()).unwrap();
    assert_eq!(size(&restored), size(&plain));
    let estimator = VolatilityEstimator::CloseToClose;
    let source =
        VolatilitySource::Measured { estimator, window: 5, bars_per_year: 252.0, period: None };
    let measured = VolatilityTarget::new(0.1, Decimal::ONE, source).unwrap();
    let boxed: Box<dyn Sizer> = Box::new(measured);
    assert!(ConfidenceScaled::new(boxed).is_attentive());
}

/// After a reset a gauge knows nothing, the last close neither.
#[test]
fn a_gauge_forgets_its_last_close() {
    let deviation = StopVolatility::Deviation { window: 2 };
    let mut gauge = StopGauge::new(deviation).unwrap();
    let mut fresh = gauge.clone();
    let bar = |close: f64| Bar::new(SHARE, Period::MINUTE, [close; 4], 1.0).unwrap();
    for close in [100.0, 101.0, 103.0] {
        gauge.on_bar(&bar(close));
    }
    assert!(gauge.value().is_some());
    gauge.reset();
    for close in [50.0, 51.0, 50.5] {
        gauge.on_bar(&bar(close));
        fresh.on_bar(&bar(close));
        assert_eq!(gauge.value(), fresh.value(), "{close}");
    }
}

/// A chain's summary tells how much of each limit is used.
#[test]
fn a_chain_sums_up_its_limits() {
    let world = World::new();
    let book = world.book().position(SLOT, SHARE, dec("100"), price("100")).build();
    let rule = GrossExposure::new(Ceiling::Amount(20_000.0)).unwrap();
    let chain = RiskChain::new().with_rule(Box::new(rule));
    let summary = chain.summary(&world.facts(&book));
    assert!((summary.risk_score - 0.5).abs() < 1e-12, "{summary:?}");
}
