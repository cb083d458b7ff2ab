//! The manager of everything: alone, its limits readable, saved and restored.

use proptest::prelude::*;
use tradewright::risk::{
    Assessment, BreakerLimits, Ceiling, DailyLimit, DrawdownSchedule, Fact, HaltChange, LimitUse,
    PortfolioHeat, RealtimeRiskManager, RiskManager, RiskSummary, rule_from_fn,
};
use tradewright::types::{
    DayBoundary, Decimal, FactBook, HaltCause, HaltEnd, LimitKey, ReasonCode, Side, State,
    StateError, StopFact,
};

use super::{COIN, SHARE, SLOT, World, dec, market, price, secs};

fn manager() -> RealtimeRiskManager {
    RealtimeRiskManager::builder()
        .max_drawdown(dec("0.2"))
        .max_position_fraction(0.3)
        .scaled_by_drawdown(DrawdownSchedule::default())
        .daily_loss(DailyLimit::Fraction(dec("0.05")), DayBoundary::UTC)
        .position_count(5)
        .symbol_quantity(dec("100000"))
        .symbol_exposure(Ceiling::OfEquity(0.5))
        .group_exposure("pair", [SHARE, COIN], Ceiling::OfEquity(0.8))
        .gross_exposure(Ceiling::OfEquity(1.5))
        .net_exposure(Ceiling::OfEquity(1.0))
        .leverage(2.0)
        .concentration(0.5)
        .portfolio_heat(0.4)
        .build()
        .unwrap()
}

fn observe(
    manager: &mut RealtimeRiskManager,
    world: &World,
    at: i64,
    book: &FactBook,
) -> Vec<HaltChange> {
    let mut changes = Vec::new();
    manager.observe(&Fact::Mark, &world.facts_at(secs(at), book), &mut changes);
    changes
}

fn cash(world: &World, amount: i64) -> FactBook {
    world.book().cash(world.usd, Decimal::from(amount)).build()
}

/// Every limit tells its use, the most used first, and a summary survives JSON.
#[test]
fn every_limit_is_readable() {
    let world = World::new();
    let mut manager = manager();
    let book = world
        .book()
        .cash(world.usd, Decimal::from(80_000))
        .position(SLOT, SHARE, dec("200"), price("100"))
        .stop(SLOT, SHARE, StopFact { level: 90.0, covered: 200.0, distance: 0.0 })
        .build();
    observe(&mut manager, &world, 0, &book);
    let facts = world.facts(&book);
    let limits = manager.utilisation(&facts);
    let of = |name: &str| -> LimitUse {
        *limits.iter().find(|limit| limit.name.as_str() == name).unwrap()
    };
    let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-9, "{found}");
    close(of("position_size").utilisation, 20.0 / 30.0);
    close(of("symbol_exposure").utilisation, 0.4);
    close(of("pair").utilisation, 0.25);
    close(of("gross_exposure").utilisation, 20.0 / 150.0);
    close(of("net_exposure").utilisation, 0.2);
    close(of("leverage").observed, 0.2);
    close(of("concentration").observed, 0.2);
    close(of("position_count").observed, 1.0);
    close(of("symbol_quantity").observed, 200.0);
    close(of("portfolio_heat").observed, 0.02);
    close(of("drawdown_scaling").utilisation, 20.0 / 30.0);
    close(of("daily_loss").utilisation, 0.0);
    assert_eq!(limits.len(), manager.names().count());
    assert!(limits.is_sorted_by(|one, next| one.utilisation >= next.utilisation));

    let summary = manager.summary(&facts);
    close(summary.risk_score, 20.0 / 30.0);
    close(summary.heat, 0.02);
    close(manager.heat(&facts), 0.02);
    let position = summary.positions[0];
    assert_eq!((position.quantity, position.value, position.stop), (200.0, 20_000.0, 90.0));
    close(position.risk, 2_000.0);
    let text = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<RiskSummary>(&text).unwrap(), summary);
}

/// The largest position shrinks with the drawdown, and grows again with the recovery.
#[test]
fn sizes_shrink_with_the_drawdown() {
    let world = World::new();
    let mut manager = RealtimeRiskManager::builder()
        .max_position_fraction(0.5)
        .scaled_by_drawdown(DrawdownSchedule::default())
        .build()
        .unwrap();
    let mut largest = |amount: i64| {
        let book = cash(&world, amount);
        observe(&mut manager, &world, 0, &book);
        let mut verdict = Assessment::default();
        let group = [market(SHARE, Side::Buy, "10000")];
        manager.review(&group, &world.facts(&book), &mut verdict);
        (verdict.largest.unwrap().to_string(), verdict.findings[0].rule)
    };
    assert_eq!(largest(100_000).0, "500");
    // 12.5 % below the peak: five eighths of half of 87,500.
    assert_eq!(largest(87_500), ("273".to_owned(), "drawdown_scaling"));
    assert_eq!(largest(80_000).0, "100");
    assert_eq!(largest(100_000).0, "500");
}

/// The day's loss stops openings, is lifted by the next day and by no resume.
#[test]
fn a_lost_day_ends_by_itself() {
    let world = World::new();
    let mut manager = manager();
    assert!(observe(&mut manager, &world, 0, &cash(&world, 100_000)).is_empty());
    let lost = cash(&world, 94_000);
    let changes = observe(&mut manager, &world, 60, &lost);
    let [HaltChange::Raise(halt)] = changes[..] else { panic!("{changes:?}") };
    assert_eq!((halt.cause, halt.cause.end()), (HaltCause::DailyLoss, HaltEnd::OwnRule));
    let mut verdict = Assessment::default();
    let group = [market(SHARE, Side::Buy, "1")];
    manager.release(HaltCause::DailyLoss, &world.facts_at(secs(70), &lost));
    manager.review(&group, &world.facts_at(secs(80), &lost), &mut verdict);
    assert!(!verdict.approved);
    assert_eq!(verdict.findings[0].reason.code, ReasonCode::DailyLoss);
    let again = observe(&mut manager, &world, 90, &lost);
    assert!(matches!(again[..], [HaltChange::Raise(_)]), "{again:?}");
    let changes = observe(&mut manager, &world, 86_400, &lost);
    assert!(matches!(changes[..], [HaltChange::Lift { cause: HaltCause::DailyLoss, .. }]));
    manager.review(&group, &world.facts_at(secs(86_401), &lost), &mut verdict);
    assert!(verdict.approved, "{verdict:?}");
}

/// What a resume lets go is let go in the guards below, too, and both halves of a saved state
/// have to fit.
#[test]
fn a_resume_and_a_restore_reach_every_guard() {
    let world = World::new();
    let mut manager = manager();
    observe(&mut manager, &world, 0, &cash(&world, 100_000));
    let fallen = cash(&world, 79_000);
    let changes = observe(&mut manager, &world, 60, &fallen);
    let causes = |changes: &[HaltChange]| -> Vec<HaltCause> {
        let raised = changes.iter().filter_map(|change| match change {
            HaltChange::Raise(halt) => Some(halt.cause),
            HaltChange::Lift { .. } => None,
        });
        raised.collect()
    };
    assert_eq!(causes(&changes), [HaltCause::Drawdown, HaltCause::DailyLoss]);
    manager.release(HaltCause::Drawdown, &world.facts_at(secs(70), &fallen));
    // The next day only the released drawdown could still stop it.
    let next = observe(&mut manager, &world, 86_400, &fallen);
    assert!(matches!(next[..], [HaltChange::Lift { cause: HaltCause::DailyLoss, .. }]), "{next:?}");
    let saved = manager.save().unwrap();
    let mut without = RealtimeRiskManager::builder()
        .max_drawdown(dec("0.2"))
        .max_position_fraction(0.3)
        .build()
        .unwrap();
    assert!(matches!(without.restore(&saved), Err(StateError::Mismatch { .. })));
    assert!(matches!(manager.restore(&without.save().unwrap()), Err(StateError::Mismatch { .. })));
    assert_eq!(manager.save().unwrap(), saved, "a refused restore changes nothing");
}

/// Rules and guards of others stand beside its own.
#[test]
fn it_is_open_for_others() {
    let never = rule_from_fn("never", |opening, _| {
        let code = ReasonCode::Custom("never".into());
        tradewright::risk::Limit::Deny(tradewright::types::Reason::new(code, 0.0, opening.value()))
    });
    let mut manager = RealtimeRiskManager::builder().with_rule(Box::new(never)).build().unwrap();
    let world = World::new();
    let book = world.book().build();
    observe(&mut manager, &world, 0, &book);
    let mut verdict = Assessment::default();
    manager.review(&[market(SHARE, Side::Buy, "1")], &world.facts(&book), &mut verdict);
    assert_eq!(verdict.findings[0].rule, "never");
    assert!(manager.names().any(|name| name == "never"));
}

/// The defaults are those of the enhanced manager; a wrong limit is refused when it is built.
#[test]
fn defaults_and_faults() {
    let manager = RealtimeRiskManager::default();
    assert!(manager.names().eq(["drawdown", "breaker", "position_size"]));
    assert_eq!(manager.drawdown_guard().threshold(), dec("0.25"));
    assert_eq!(manager.breaker(secs(0)).consecutive_losses, 0);
    let builder = RealtimeRiskManager::builder;
    assert!(builder().portfolio_heat(f64::NAN).build().is_err());
    assert!(builder().concentration(-1.0).build().is_err());
    assert!(builder().max_drawdown(Decimal::ZERO).build().is_err());
    assert!(builder().leverage(f64::INFINITY).build().is_err());
    assert!(builder().symbol_quantity(dec("-1")).build().is_err());
    let none = BreakerLimits { max_consecutive_losses: 0, ..BreakerLimits::default() };
    assert!(builder().breaker(none).build().is_err());
    let lost = DailyLimit::Fraction(Decimal::TWO);
    assert!(builder().daily_loss(lost, DayBoundary::UTC).build().is_err());
    assert!(PortfolioHeat::new(-0.1).is_err());
}

proptest! {
    /// Saved and restored anywhere it answers as before; another configuration refuses.
    #[test]
    fn it_is_restored(
        cut in 0_usize..30,
        amounts in prop::collection::vec(82_000_i64..110_000, 30),
        hours in prop::collection::vec(1_i64..9, 30),
    ) {
        let world = World::new();
        let (mut whole, mut parts) = (manager(), manager());
        let mut now = 0;
        for (index, (amount, hours)) in amounts.iter().zip(&hours).enumerate() {
            if index == cut {
                let saved = parts.save().unwrap();
                parts = manager();
                parts.restore(&saved).unwrap();
            }
            now += hours * 3_600;
            let book = cash(&world, *amount);
            let expected = observe(&mut whole, &world, now, &book);
            prop_assert_eq!(observe(&mut parts, &world, now, &book), expected);
            let facts = world.facts_at(secs(now), &book);
            prop_assert_eq!(parts.summary(&facts), whole.summary(&facts));
            let (mut one, mut other) = (Assessment::default(), Assessment::default());
            let group = [market(SHARE, Side::Buy, "400")];
            whole.review(&group, &facts, &mut one);
            parts.review(&group, &facts, &mut other);
            prop_assert_eq!(one, other);
        }
        let mut default = RealtimeRiskManager::default();
        let refused = default.restore(&whole.save().unwrap());
        let is_mismatch = matches!(refused, Err(StateError::Mismatch { .. }));
        prop_assert!(is_mismatch);
    }
}

/// The limits of positions change by name while the engine runs: the answer is the value before,
/// a value that cannot be is refused, and the old one stays.
#[test]
fn limits_of_positions_change_at_run_time() {
    let mut manager = RealtimeRiskManager::builder()
        .position_count(3)
        .symbol_quantity(dec("50"))
        .concentration(0.5)
        .portfolio_heat(0.06)
        .build()
        .unwrap();
    for (name, before, after, refused) in [
        ("position_count", "3", "2", "1.5"),
        ("symbol_quantity", "50", "40", "-1"),
        ("concentration", "0.5", "0.4", "-0.1"),
        ("portfolio_heat", "0.06", "0.05", "-1"),
    ] {
        let key = LimitKey::all(name);
        assert_eq!(manager.set_limit(&key, dec(after)), Ok(Some(dec(before))), "{name}");
        assert!(manager.set_limit(&key, dec(refused)).is_err(), "{name}");
        assert_eq!(manager.set_limit(&key, dec(before)), Ok(Some(dec(after))), "{name}");
    }
    assert_eq!(manager.set_limit(&LimitKey::all("no_such_limit"), Decimal::ONE), Ok(None));
}
