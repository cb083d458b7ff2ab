use tradewright::risk::{
    Ceiling, Exposure, GrossExposure, GroupExposure, Leverage, Limit, NetExposure, PositionSize,
    RiskChain, RiskConfigError, RiskRule, SymbolExposure, rule_from_fn,
};
use tradewright::types::{
    FactBook, InstrumentId, Intent, MarkFact, OrderKind, Qty, Reason, ReasonCode, Side, Timestamp,
};

use super::chain::review;
use super::{COIN, INVERSE, LINEAR, SHARE, SLOT, World, dec, market, price};

/// What a rule grants of an opening, and the reason's numbers.
fn ask(rule: impl RiskRule + 'static, world: &World, book: &FactBook, intent: Intent) -> Answer {
    let rule_name = rule.name();
    let chain = RiskChain::new().with_rule(Box::new(rule));
    let verdict = review(&chain, &[intent], &world.facts(book));
    let finding = verdict.findings.first();
    if let Some(finding) = finding {
        assert_eq!(finding.rule, rule_name);
    }
    Answer {
        granted: verdict.granted[0],
        score: verdict.risk_score,
        reason: finding.map(|finding| finding.reason),
    }
}

struct Answer {
    granted: Qty,
    score: f64,
    reason: Option<Reason>,
}

impl Answer {
    fn is(&self, granted: &str, reason: Option<(ReasonCode, f64, f64)>) {
        assert_eq!(self.granted, Qty::new(dec(granted)));
        let reason = reason.map(|(code, limit, observed)| Reason::new(code, limit, observed));
        assert_eq!(self.reason, reason);
    }
}

#[test]
fn position_size_counts_position_and_working_orders() {
    let world = World::new();
    let rule = PositionSize::default;
    let empty = world.book().build();
    let full = ask(rule(), &world, &empty, market(SHARE, Side::Buy, "100"));
    full.is("100", None);
    assert_eq!(full.score, 1.0, "exactly at the limit");
    assert_eq!(ask(rule(), &world, &empty, market(SHARE, Side::Buy, "25")).score, 0.25);
    let code = ReasonCode::PositionSize;
    let over = ask(rule(), &world, &empty, market(SHARE, Side::Sell, "101"));
    over.is("100", Some((code, 10_000.0, 10_100.0)));

    let builder = world.book().position(SLOT, SHARE, dec("40"), price("100"));
    let held = builder
        .working(SLOT, SHARE, Side::Buy, dec("30"))
        .working(SLOT, SHARE, Side::Sell, dec("5"))
        .build();
    let equity = held.equity();
    assert_eq!(equity, 104_000.0);
    let more = ask(rule(), &world, &held, market(SHARE, Side::Buy, "50"));
    more.is("34", Some((code, 10_400.0, 12_000.0)));
    // 35 close what is left of the position, 104 more open a short one.
    let turn = ask(rule(), &world, &held, market(SHARE, Side::Sell, "200"));
    turn.is("139", Some((code, 10_400.0, 16_500.0)));
}

#[test]
fn values_respect_multiplier_inverse_and_rate() {
    let world = World::new();
    let book = world.book().build();
    let code = ReasonCode::PositionSize;
    let rule = || PositionSize::new(0.01).unwrap();
    ask(rule(), &world, &book, market(LINEAR, Side::Buy, "9")).is("5", Some((code, 1e3, 1_800.0)));
    let coin = ask(rule(), &world, &book, market(COIN, Side::Buy, "21.5"));
    coin.is("20", Some((code, 1e3, 1_075.0)));
    let inverse = ask(rule(), &world, &book, market(INVERSE, Side::Sell, "11"));
    assert_eq!(inverse.granted, Qty::from(10));
    let half = MarkFact { price: 40_000.0, at: Timestamp::EPOCH, rate: 20_000.0 };
    let book = world.book().rated_mark(INVERSE, half).build();
    let inverse = ask(rule(), &world, &book, market(INVERSE, Side::Buy, "99"));
    assert_eq!(inverse.granted, Qty::from(20));
}

#[test]
fn missing_or_invalid_inputs_deny() {
    let world = World::new();
    let rules: [fn() -> Box<dyn RiskRule>; 5] = [
        || Box::new(PositionSize::default()),
        || Box::new(GrossExposure::new(Ceiling::OfEquity(1.0)).unwrap()),
        || Box::new(NetExposure::new(Ceiling::OfEquity(1.0)).unwrap()),
        || Box::new(SymbolExposure::each(Ceiling::OfEquity(1.0)).unwrap()),
        || Box::new(Leverage::new(1.0).unwrap()),
    ];
    let unmarked = MarkFact::default();
    let bad_rate = MarkFact { price: 4e4, at: Timestamp::EPOCH, rate: f64::NAN };
    let books = [
        (SHARE, world.book().equity(f64::NAN).build()),
        (SHARE, world.book().equity(0.0).build()),
        (SHARE, world.book().equity(-1.0).build()),
        (SHARE, world.book().rated_mark(SHARE, unmarked).build()),
        (INVERSE, world.book().rated_mark(INVERSE, bad_rate).build()),
        (INVERSE, world.book().rated_mark(INVERSE, MarkFact { rate: 0.0, ..bad_rate }).build()),
    ];
    for (instrument, book) in &books {
        for rule in rules {
            let chain = RiskChain::new().with_rule(rule());
            let intent = market(*instrument, Side::Buy, "1");
            let verdict = review(&chain, &[intent], &world.facts(book));
            assert_eq!(verdict.granted, [Qty::ZERO], "{}", rule().name());
            assert_eq!(verdict.findings[0].reason.code, ReasonCode::InvalidInput);
        }
    }
}

#[test]
fn limits_that_are_no_limits_are_refused() {
    for value in [-0.1, f64::NAN, f64::INFINITY] {
        let errors = [
            ("position size", PositionSize::new(value).err()),
            ("gross exposure", GrossExposure::new(Ceiling::Amount(value)).err()),
            ("net exposure", NetExposure::new(Ceiling::OfEquity(value)).err()),
            ("symbol exposure", SymbolExposure::of(SHARE, Ceiling::Amount(value)).err()),
            ("group exposure", GroupExposure::new("all", [], Ceiling::Amount(value)).err()),
            ("leverage", Leverage::new(value).err()),
        ];
        for (what, error) in errors {
            let expected = RiskConfigError::LimitOutOfRange { what, value };
            assert_eq!(error.map(|error| error.to_string()), Some(expected.to_string()));
        }
    }
    assert!(Leverage::new(0.0).is_ok());
}

#[test]
fn symbol_exposure_is_for_each_or_for_one() {
    let world = World::new();
    let book = world.book().build();
    let each = SymbolExposure::each(Ceiling::Amount(1_000.0)).unwrap();
    let reason = Some((ReasonCode::SymbolExposure, 1e3, 1_500.0));
    ask(each, &world, &book, market(SHARE, Side::Buy, "15")).is("10", reason);
    let one = SymbolExposure::of(COIN, Ceiling::OfEquity(0.01)).unwrap();
    ask(one, &world, &book, market(SHARE, Side::Buy, "15")).is("15", None);
    let reason = Some((ReasonCode::SymbolExposure, 1e3, 1_500.0));
    ask(one, &world, &book, market(COIN, Side::Buy, "30")).is("20", reason);
}

/// SHARE +100 (10,000), COIN −60 (−3,000), a working sale of 250 SHARE (worst 15,000).
fn mixed(world: &World) -> FactBook {
    world
        .book()
        .position(SLOT, SHARE, dec("100"), price("100"))
        .position(SLOT, COIN, dec("-60"), price("50"))
        .working(SLOT, SHARE, Side::Sell, dec("250"))
        .build()
}

#[test]
fn exposure_counts_working_orders_at_worst() {
    let world = World::new();
    let book = mixed(&world);
    assert_eq!(book.gross(), 13_000.0);
    let exposure = Exposure::of(&world.facts(&book));
    assert_eq!(exposure, Exposure { gross: 18_000.0, up: 7_000.0, down: -18_000.0 });
    let unknown = world
        .book()
        .position(SLOT, SHARE, dec("1"), price("1"))
        .rated_mark(SHARE, MarkFact::default())
        .build();
    let exposure = Exposure::of(&world.facts(&unknown));
    assert!(exposure.gross.is_nan() && exposure.up.is_nan() && exposure.down.is_nan());
}

#[test]
fn gross_exposure_grows_only_beyond_the_worst_side() {
    let world = World::new();
    let book = mixed(&world);
    let rule = || GrossExposure::new(Ceiling::Amount(20_000.0)).unwrap();
    // Long 100 + 50 = 150 is no more than the short 150 that the working sale may bring.
    let code = ReasonCode::GrossExposure;
    ask(rule(), &world, &book, market(SHARE, Side::Buy, "50")).is("50", None);
    ask(rule(), &world, &book, market(SHARE, Side::Buy, "70")).is("70", None);
    let over = ask(rule(), &world, &book, market(SHARE, Side::Buy, "71"));
    over.is("70", Some((code, 20_000.0, 20_100.0)));
    let linear = ask(rule(), &world, &book, market(LINEAR, Side::Sell, "30"));
    linear.is("10", Some((code, 20_000.0, 24_000.0)));
    let tight = GrossExposure::new(Ceiling::Amount(17_000.0)).unwrap();
    let none = ask(tight, &world, &book, market(SHARE, Side::Buy, "1"));
    none.is("0", Some((code, 17_000.0, 18_000.0)));
}

#[test]
fn net_exposure_looks_in_the_direction_of_the_opening() {
    let world = World::new();
    let book = mixed(&world);
    let rule = || NetExposure::new(Ceiling::Amount(9_000.0)).unwrap();
    let code = ReasonCode::NetExposure;
    let buy = ask(rule(), &world, &book, market(LINEAR, Side::Buy, "30"));
    buy.is("10", Some((code, 9_000.0, 13_000.0)));
    let sell = ask(rule(), &world, &book, market(LINEAR, Side::Sell, "1"));
    sell.is("0", Some((code, 9_000.0, 18_200.0)));
    let short = world.book().position(SLOT, COIN, dec("-400"), price("50")).build();
    let towards_zero = ask(rule(), &world, &short, market(LINEAR, Side::Buy, "90"));
    towards_zero.is("90", None);
    assert_eq!(towards_zero.score, 0.0);
    let beyond = ask(rule(), &world, &short, market(LINEAR, Side::Buy, "109"));
    assert!((beyond.score - 0.2).abs() < 1e-12);
}

#[test]
fn leverage_is_gross_over_equity() {
    let world = World::new();
    let book = world.book().position(SLOT, LINEAR, dec("-250"), price("20")).build();
    assert_eq!(book.equity(), 100_000.0);
    let rule = || Leverage::new(2.0).unwrap();
    let code = ReasonCode::Leverage;
    let share = ask(rule(), &world, &book, market(SHARE, Side::Buy, "1600"));
    share.is("1500", Some((code, 2.0, 2.1)));
    assert_eq!(ask(rule(), &world, &book, market(SHARE, Side::Buy, "500")).score, 0.5);
}

#[test]
fn group_exposure_sums_its_members_alone() {
    let world = World::new();
    let book = mixed(&world);
    let rule =
        |limit| GroupExposure::new("pair", [COIN, SHARE, COIN], Ceiling::Amount(limit)).unwrap();
    let code = ReasonCode::GroupExposure;
    ask(rule(1.0), &world, &book, market(LINEAR, Side::Buy, "5")).is("5", None);
    let coin = ask(rule(20_000.0), &world, &book, market(COIN, Side::Sell, "60"));
    coin.is("40", Some((code, 20_000.0, 21_000.0)));
    let share = ask(rule(20_000.0), &world, &book, market(SHARE, Side::Buy, "80"));
    share.is("70", Some((code, 20_000.0, 21_000.0)));
    let within = ask(rule(18_000.0), &world, &book, market(SHARE, Side::Buy, "50"));
    within.is("50", None);
    // Earlier legs of the intents' group count.
    let chain = RiskChain::new().with_rule(Box::new(rule(20_000.0)));
    let legs = [market(SHARE, Side::Buy, "60"), market(COIN, Side::Sell, "21")];
    let verdict = review(&chain, &legs, &world.facts(&book));
    assert_eq!(verdict.findings[0].reason, Reason::new(code, 20_000.0, 20_050.0));
    let legs = [market(SHARE, Side::Buy, "60"), market(COIN, Side::Sell, "20")];
    assert!(review(&chain, &legs, &world.facts(&book)).approved);
}

#[test]
fn limit_orders_are_valued_at_their_limit() {
    let world = World::new();
    let book = world.book().build();
    let mut buy = market(SHARE, Side::Buy, "150");
    buy.kind = OrderKind::Limit { price: price("80") };
    let capped = ask(PositionSize::default(), &world, &book, buy);
    capped.is("125", Some((ReasonCode::PositionSize, 10_000.0, 12_000.0)));
    buy.side = Side::Sell;
    let sale = ask(PositionSize::default(), &world, &book, buy);
    sale.is("100", Some((ReasonCode::PositionSize, 10_000.0, 15_000.0)));
}

#[test]
fn huge_quantities_are_cut_like_any_other() {
    let world = World::new();
    let book = world.book().build();
    let intent = market(SHARE, Side::Buy, "79228162514264337593543950335");
    let answer = ask(PositionSize::default(), &world, &book, intent);
    assert_eq!(answer.granted, Qty::from(100));
}

#[test]
fn a_closure_is_a_rule_and_sees_the_opening() {
    let world = World::new();
    let book = mixed(&world);
    let rule = rule_from_fn("mine", |opening, facts| {
        assert_eq!(opening.quantity, dec("3"));
        assert_eq!((opening.unit_value, opening.value()), (200.0, 600.0));
        assert_eq!(opening.resulting_value(1.0), 200.0);
        assert_eq!(facts.slot, SLOT);
        Limit::Cap(Qty::from(2), Reason::new(ReasonCode::TradingHours, 2.0, 3.0))
    });
    let answer = ask(rule, &world, &book, market(LINEAR, Side::Buy, "3"));
    answer.is("2", Some((ReasonCode::TradingHours, 2.0, 3.0)));
    assert_eq!(InstrumentId::default(), SHARE);
}

#[test]
fn the_least_answer_is_a_total_order() {
    let reason = |code| Reason::new(code, 1.0, 2.0);
    let deny = Limit::Deny(reason(ReasonCode::Leverage));
    let one = Limit::Cap(Qty::from(1), reason(ReasonCode::Leverage));
    let two = Limit::Cap(Qty::from(2), reason(ReasonCode::Leverage));
    let other = Limit::Cap(Qty::from(1), reason(ReasonCode::GroupExposure));
    let allow = Limit::Allow(Some(reason(ReasonCode::Leverage)));
    let ordered = [deny, other, one, two, Limit::Allow(None), allow];
    for (index, left) in ordered.iter().enumerate() {
        for right in &ordered[index..] {
            assert_eq!(left.least(*right), *left);
            assert_eq!(right.least(*left), *left);
        }
    }
    assert_eq!(one.allowed(dec("5")), dec("1"));
    assert_eq!(two.allowed(dec("1.5")), dec("1.5"));
    assert_eq!(Limit::Cap(Qty::from(-1), reason(ReasonCode::Leverage)).allowed(dec("5")), dec("0"));
    assert_eq!(deny.allowed(dec("5")), dec("0"));
    assert_eq!(allow.allowed(dec("5")), dec("5"));
}
