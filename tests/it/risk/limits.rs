//! Position count, quantity, concentration, heat and drawdown scaling against naive answers.

use proptest::prelude::*;
use tradewright::risk::{
    Assessment, Ceiling, Concentration, DrawdownSchedule, Limit, PortfolioHeat, PositionCount,
    RiskChain, RiskManager, RiskRule, SymbolQuantity, UnstoppedRisk,
};
use tradewright::types::{
    Bracket, Decimal, FactBook, InstrumentId, Intent, ReasonCode, Side, StopFact,
};

use super::{COIN, INVERSE, LINEAR, SHARE, SLOT, World, dec, market, price};

fn review(
    rule: impl RiskRule + 'static,
    world: &World,
    book: &FactBook,
    group: &[Intent],
) -> Assessment {
    let mut verdict = Assessment::default();
    RiskChain::new().with_rule(Box::new(rule)).review(group, &world.facts(book), &mut verdict);
    verdict
}

fn stop(level: f64, covered: f64) -> StopFact {
    StopFact { level, covered, distance: 0.0 }
}

/// A held symbol may grow, a new one counts, working orders and earlier legs count as well.
#[test]
fn positions_are_counted() {
    let world = World::new();
    let book = world
        .book()
        .position(SLOT, SHARE, Decimal::TEN, price("100"))
        .working(SLOT, COIN, Side::Buy, Decimal::ONE)
        .build();
    let verdict = |most: u32, group: &[Intent]| {
        review(PositionCount::new(most), &world, &book, group).approved
    };
    assert!(verdict(0, &[market(SHARE, Side::Buy, "1")]), "held already");
    assert!(verdict(2, &[market(COIN, Side::Buy, "1")]), "working already");
    assert!(!verdict(2, &[market(LINEAR, Side::Buy, "1")]));
    assert!(verdict(3, &[market(LINEAR, Side::Buy, "1")]));
    let pair = [market(LINEAR, Side::Buy, "1"), market(INVERSE, Side::Sell, "1")];
    assert!(!verdict(3, &pair));
    assert!(verdict(4, &pair));
    let again = [market(LINEAR, Side::Buy, "1"), market(LINEAR, Side::Buy, "1")];
    assert!(verdict(3, &again), "one symbol counts once");
    let usage = PositionCount::new(4).usage(&world.facts(&book)).unwrap();
    assert_eq!((usage.observed, usage.utilisation()), (2.0, 0.5));
}

/// The quantity is cut to the room that is left, on the step.
#[test]
fn quantities_are_capped_exactly() {
    let world = World::new();
    let book = world
        .book()
        .position(SLOT, COIN, dec("1.2"), price("50"))
        .working(SLOT, COIN, Side::Buy, dec("0.3"))
        .build();
    let rule = SymbolQuantity::each(dec("2.05")).unwrap();
    let verdict = review(rule, &world, &book, &[market(COIN, Side::Buy, "1")]);
    assert_eq!(verdict.largest.unwrap().value(), dec("0.5"));
    assert_eq!(verdict.findings[0].reason.code, ReasonCode::SymbolQuantity);
    let other = SymbolQuantity::of(SHARE, Decimal::ZERO).unwrap();
    assert!(review(other, &world, &book, &[market(COIN, Side::Buy, "1")]).approved);
    assert_eq!(rule.usage(&world.facts(&book)).unwrap().observed, 1.5);
}

/// A share of the gross exposure, of the equity while that is larger; unknown values deny.
#[test]
fn concentration_is_a_share() {
    let world = World::new();
    let rule = Concentration::new(0.25).unwrap();
    let empty = world.book().build();
    let verdict = review(rule, &world, &empty, &[market(SHARE, Side::Buy, "300")]);
    assert_eq!(verdict.largest.unwrap().value(), dec("250"), "a quarter of the equity");
    // 200,000 of gross exposure elsewhere: 66,666 of 266,666 are a quarter.
    let book = world.book().position(SLOT, LINEAR, dec("1000"), price("20")).build();
    let verdict = review(rule, &world, &book, &[market(SHARE, Side::Buy, "700")]);
    assert_eq!(verdict.largest.unwrap().value(), dec("666"));
    let lost = world.book().position(SLOT, COIN, Decimal::ONE, price("50"));
    let lost = lost.mark(COIN, super::secs(0), f64::NAN).build();
    assert!(!review(rule, &world, &lost, &[market(SHARE, Side::Buy, "1")]).approved);
    let floored = rule.with_floor(Ceiling::Amount(1_000_000.0)).unwrap();
    assert!(review(floored, &world, &empty, &[market(SHARE, Side::Buy, "2500")]).approved);
}

/// Heat by hand: a stopped, a half stopped, a locked-in and a bare position.
#[test]
fn heat_is_what_would_be_lost_down_to_the_stops() {
    let world = World::new();
    let base = || world.book().position(SLOT, SHARE, Decimal::TEN, price("100"));
    let heat = PortfolioHeat::new(0.06).unwrap();
    let risk = |book: &FactBook| heat.open_risk(&world.facts(book));
    assert_eq!(risk(&world.book().build()), 0.0);
    assert_eq!(risk(&base().build()), 1_000.0, "bare: the whole value");
    assert_eq!(risk(&base().stop(SLOT, SHARE, stop(95.0, 10.0)).build()), 50.0);
    assert_eq!(risk(&base().stop(SLOT, SHARE, stop(95.0, 4.0)).build()), 20.0 + 600.0);
    assert_eq!(risk(&base().stop(SLOT, SHARE, stop(101.0, 10.0)).build()), 0.0);
    let half = heat.unstopped(UnstoppedRisk::Fraction(0.5)).unwrap();
    assert_eq!(half.open_risk(&world.facts(&base().build())), 500.0);
    // A contract of ten units, short, stopped above.
    let short = world.book().position(SLOT, LINEAR, dec("-3"), price("20"));
    assert_eq!(risk(&short.stop(SLOT, LINEAR, stop(22.0, 3.0)).build()), 60.0);
}

/// An opening counts with its bracket's stop, else with the plan's, else bare; the largest
/// quantity is what the limit leaves.
#[test]
fn an_opening_counts_with_its_stop() {
    let world = World::new();
    let heat = PortfolioHeat::new(0.01).unwrap();
    let bare = world.book().build();
    let buy = market(SHARE, Side::Buy, "500");
    let largest = |book: &FactBook, intent: Intent| {
        review(heat, &world, book, &[intent]).largest.map(|quantity| quantity.to_string())
    };
    assert_eq!(largest(&bare, buy).as_deref(), Some("10"));
    let bracket = Bracket { take_profit: None, stop_loss: Some(price("96")) };
    let stopped = Intent { bracket: Some(bracket), ..buy };
    assert_eq!(largest(&bare, stopped).as_deref(), Some("250"));
    let wrong = Bracket { take_profit: None, stop_loss: Some(price("104")) };
    let wrong = Intent { bracket: Some(wrong), ..buy };
    assert_eq!(largest(&bare, wrong).as_deref(), Some("10"), "a stop on the wrong side is none");
    let planned = StopFact { distance: 8.0, ..StopFact::default() };
    let planned = world.book().stop(SLOT, SHARE, planned).build();
    assert_eq!(largest(&planned, buy).as_deref(), Some("125"));
    // The first leg has used all of it.
    let pair = [market(COIN, Side::Buy, "20"), Intent { bracket: Some(bracket), ..buy }];
    assert!(!review(heat, &world, &bare, &pair).approved);
}

fn any_book() -> impl Strategy<Value = Vec<(u32, i64, i64, i64)>> {
    prop::collection::vec((0_u32..3, -50_i64..50, 1_i64..200, 0_i64..200), 0..4)
}

fn heated(world: &World, positions: &[(u32, i64, i64, i64)]) -> f64 {
    let mut book = world.book();
    for (id, quantity, entry, level) in positions {
        let (id, quantity) = (InstrumentId(*id), Decimal::from(*quantity));
        let entry = price(&entry.to_string());
        let size = tradewright::types::to_f64(quantity.abs());
        book = book.position(SLOT, id, quantity, entry).stop(SLOT, id, stop(*level as f64, size));
    }
    let book = book.build();
    PortfolioHeat::new(1.0).unwrap().open_risk(&world.facts(&book))
}

proptest! {
    /// Law 27: heat is never negative, adds up over disjoint books, and is zero exactly when
    /// nothing is at risk.
    #[test]
    fn heat_adds_up(positions in any_book()) {
        let world = World::new();
        let mut distinct = positions;
        distinct.sort_by_key(|(id, ..)| *id);
        distinct.dedup_by_key(|(id, ..)| *id);
        let whole = heated(&world, &distinct);
        let parts: f64 = distinct.iter().map(|one| heated(&world, &[*one])).sum();
        prop_assert!(whole >= 0.0);
        prop_assert!((whole - parts).abs() <= 1e-9 * whole.max(1.0));
        let multiplier = |id: u32| if id == 2 { 10.0 } else { 1.0 };
        let marks = [100.0, 50.0, 20.0];
        let naive: f64 = distinct.iter().map(|&(id, quantity, entry, level)| {
            let size = quantity as f64;
            if level == 0 { return size.abs() * marks[id as usize] * multiplier(id) }
            let loss = size * (entry as f64 - level as f64);
            loss.max(0.0) * multiplier(id)
        }).sum();
        prop_assert!((whole - naive).abs() <= 1e-9 * naive.max(1.0), "{} {}", whole, naive);
    }

    /// Laws 22 to 24 and 26: whatever is granted passes each rule alone, a stricter limit never
    /// lets more through, and unknown equity lets nothing through.
    #[test]
    fn stricter_limits_grant_less_and_unknown_equity_nothing(
        held in -200_i64..200,
        working in 0_i64..100,
        asked in 1_i64..2_000,
        buys in any::<bool>(),
        limit in 0.01_f64..2.0,
        stricter in 0.1_f64..1.0,
        distance in 0.5_f64..50.0,
    ) {
        let world = World::new();
        let side = if buys { Side::Buy } else { Side::Sell };
        let planned = StopFact { distance, ..StopFact::default() };
        let build = || world.book()
            .position(SLOT, SHARE, Decimal::from(held), price("100"))
            .working(SLOT, SHARE, side, Decimal::from(working))
            .stop(SLOT, SHARE, planned);
        let book = build().build();
        let intent = market(SHARE, side, &asked.to_string());
        let chain = |scale: f64| RiskChain::new()
            .with_rule(Box::new(Concentration::new(limit * scale).unwrap()))
            .with_rule(Box::new(PortfolioHeat::new(limit * scale).unwrap()))
            .with_rule(Box::new(PositionCount::new(1)))
            .with_rule(Box::new(
                SymbolQuantity::each(Decimal::from((600.0 * limit * scale) as i64)).unwrap(),
            ));
        let granted = |chain: &RiskChain, book: &FactBook| {
            let mut verdict = Assessment::default();
            chain.review(&[intent], &world.facts(book), &mut verdict);
            verdict.granted[0].value()
        };
        let (loose, strict) = (granted(&chain(1.0), &book), granted(&chain(stricter), &book));
        prop_assert!(strict <= loose);
        let reducing = tradewright::risk::split(&intent, &world.facts(&book)).reducing;
        prop_assert!(strict >= reducing, "what reduces is never blocked");
        let rest = Intent { amount: tradewright::types::Amount::Quantity(
            tradewright::types::Qty::new(loose)), ..intent };
        if loose > Decimal::ZERO {
            let mut verdict = Assessment::default();
            chain(1.0).review(&[rest], &world.facts(&book), &mut verdict);
            prop_assert!(verdict.approved, "what was granted is approved: {verdict:?}");
        }
        let unknown = build().equity(f64::NAN).build();
        prop_assert_eq!(granted(&chain(1.0), &unknown), reducing);
    }

    /// The schedule is a falling line: never above its first scale, never below its last.
    #[test]
    fn schedules_fall(drawdown in -0.5_f64..1.5, more in 0.0_f64..1.0) {
        let schedule = DrawdownSchedule::default();
        let (here, later) = (schedule.scale(drawdown), schedule.scale(drawdown + more));
        prop_assert!(later <= here && (0.25..=1.0).contains(&here));
    }
}

/// Points that do not rise and fall are refused.
#[test]
fn bad_schedules_are_refused() {
    for points in [
        vec![],
        vec![(0.1, 0.5), (0.2, 0.6)],
        vec![(0.2, 0.5), (0.1, 0.4)],
        vec![(-0.1, 1.0)],
        vec![(0.1, f64::NAN)],
    ] {
        assert!(DrawdownSchedule::new(points.clone()).is_err(), "{points:?}");
    }
}

/// A rule that cannot know says no: a missing mark, a missing rate.
#[test]
fn what_is_unknown_is_denied() {
    let world = World::new();
    let book = world.book().mark(SHARE, super::secs(0), f64::NAN).build();
    let verdict =
        review(PortfolioHeat::new(10.0).unwrap(), &world, &book, &[market(SHARE, Side::Buy, "1")]);
    assert!(!verdict.approved);
    let limit = Limit::Deny(verdict.findings[0].reason);
    assert_eq!(limit.allowed(Decimal::ONE), Decimal::ZERO);
    assert_eq!(verdict.findings[0].reason.code, ReasonCode::InvalidInput);
}
