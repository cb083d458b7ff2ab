use tradewright::risk::{
    Assessment, BreakerAction, BreakerLimits, Ceiling, EnhancedRiskManager, Fact, HaltChange,
    Limit, MaxDrawdownTracker, PeakReset, RiskConfigError, RiskManager, TripReason, rule_from_fn,
};
use tradewright::types::{
    Facts, Halt, HaltCause, HaltScope, Purpose, Qty, Reason, ReasonCode, Side, State, StateError,
};

use super::chain::review;
use super::guards::{fill, trade};
use super::{COIN, SHARE, SLOT, World, dec, market, minutes, secs};

fn observe(
    manager: &mut EnhancedRiskManager,
    fact: &Fact<'_>,
    facts: &Facts<'_>,
) -> Vec<HaltChange> {
    let mut changes = Vec::new();
    manager.observe(fact, facts, &mut changes);
    changes
}

fn raise(cause: HaltCause) -> Vec<HaltChange> {
    vec![HaltChange::Raise(Halt::new(cause, HaltScope::Account))]
}

fn sentences(verdict: &Assessment) -> Vec<String> {
    verdict.findings.iter().map(|finding| finding.reason.code.to_string()).collect()
}

#[test]
fn the_three_classic_refusals_read_as_always() {
    let world = World::new();
    let rich = world.book().build();
    let rich = world.facts(&rich);
    let poor = world.book().cash(world.usd, dec("74999")).build();
    let poor = world.facts(&poor);
    let mut manager = EnhancedRiskManager::default();
    assert!(manager.names().eq(["drawdown", "breaker", "position_size"]));
    assert_eq!(observe(&mut manager, &Fact::Mark, &rich), []);
    let buy = market(SHARE, Side::Buy, "200");
    assert_eq!(sentences(&review(&manager, &[buy], &rich)), ["Position too large"]);
    assert_eq!(observe(&mut manager, &Fact::Mark, &poor), raise(HaltCause::Drawdown));
    for _ in 0..4 {
        assert_eq!(observe(&mut manager, &Fact::Trade(&trade(SLOT, "-9")), &poor), []);
    }
    let fifth = observe(&mut manager, &Fact::Trade(&trade(SLOT, "-9")), &poor);
    assert_eq!(fifth, raise(HaltCause::CircuitBreaker));
    let verdict = review(&manager, &[buy], &poor);
    assert_eq!(
        sentences(&verdict),
        ["Circuit breaker active", "Max drawdown exceeded", "Position too large"]
    );
    assert_eq!(verdict.granted, [Qty::ZERO]);
    assert_eq!(
        verdict.findings[1].reason.to_string(),
        "Max drawdown exceeded: 0.25001, limit 0.25"
    );
    assert!(manager.drawdown().is_halted());
    assert_eq!(manager.breaker(poor.at).reason, Some(TripReason::Losses));

    let later = world.book().cash(world.usd, dec("74999")).build();
    let later = world.facts_at(secs(3_600), &later);
    let (cause, scope) = (HaltCause::CircuitBreaker, HaltScope::Account);
    assert_eq!(observe(&mut manager, &Fact::Time, &later), [HaltChange::Lift { cause, scope }]);
    manager.release(HaltCause::Drawdown, &later);
    assert_eq!(observe(&mut manager, &Fact::Mark, &later), []);
    assert!(review(&manager, &[market(SHARE, Side::Buy, "74")], &later).approved);
    assert_eq!(manager.drawdown().peak(), Some(dec("74999")));
}

#[test]
fn twenty_entries_within_an_hour_are_the_default_limit() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut manager = EnhancedRiskManager::default();
    for order in 1..20 {
        let entry = fill(order, SLOT, Purpose::Entry);
        assert_eq!(observe(&mut manager, &Fact::Fill(&entry), &facts), []);
    }
    let last = fill(20, SLOT, Purpose::Entry);
    let changes = observe(&mut manager, &Fact::Fill(&last), &facts);
    assert_eq!(changes, raise(HaltCause::CircuitBreaker));
    let verdict = review(&manager, &[market(SHARE, Side::Buy, "1")], &facts);
    assert_eq!(verdict.findings[0].reason.code.as_str(), "trade_rate");
}

#[test]
fn the_score_is_the_highest_of_guards_and_rules() {
    let world = World::new();
    let top = world.book().build();
    let low = world.book().cash(world.usd, dec("90000")).build();
    let mut manager = EnhancedRiskManager::default();
    observe(&mut manager, &Fact::Mark, &world.facts(&top));
    observe(&mut manager, &Fact::Mark, &world.facts(&low));
    let facts = world.facts(&low);
    let verdict = review(&manager, &[market(SHARE, Side::Buy, "9")], &facts);
    assert_eq!(verdict.risk_score, 0.4, "a tenth of a quarter is lost");
    let verdict = review(&manager, &[market(SHARE, Side::Buy, "45")], &facts);
    assert_eq!(verdict.risk_score, 0.5, "half a position");
}

#[test]
fn operators_trip_reset_and_override() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut manager = EnhancedRiskManager::default();
    observe(&mut manager, &Fact::Mark, &facts);
    let buy = [market(SHARE, Side::Buy, "1")];
    assert_eq!(manager.trip(facts.at).action, BreakerAction::Trip);
    assert!(!review(&manager, &buy, &facts).approved, "at once");
    assert_eq!(observe(&mut manager, &Fact::Time, &facts), raise(HaltCause::CircuitBreaker));
    let record = manager.override_for(facts.at, minutes(1));
    assert_eq!(record.action, BreakerAction::Override(secs(60)));
    assert!(review(&manager, &buy, &facts).approved);
    let after = world.facts_at(secs(60), &book);
    assert!(!review(&manager, &buy, &after).approved);
    assert_eq!(manager.reset(secs(60)).action, BreakerAction::Reset);
    assert!(review(&manager, &buy, &after).approved);
    assert_eq!(observe(&mut manager, &Fact::Time, &after).len(), 1, "the halt is lifted");
    manager.trip(secs(60));
    observe(&mut manager, &Fact::Time, &after);
    manager.release(HaltCause::CircuitBreaker, &after);
    assert_eq!(observe(&mut manager, &Fact::Time, &after), []);
}

#[test]
fn everything_can_be_set_and_extended() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let never = rule_from_fn("never", |_opening, _facts| {
        Limit::Deny(Reason::new(ReasonCode::TradingHours, 0.0, 1.0))
    });
    let limits = BreakerLimits { max_trades_per_hour: 1, ..BreakerLimits::default() };
    let mut manager = EnhancedRiskManager::builder()
        .max_drawdown(dec("0.1"))
        .on_resume(PeakReset::Keep)
        .max_position_fraction(0.5)
        .breaker(limits)
        .gross_exposure(Ceiling::OfEquity(0.4))
        .net_exposure(Ceiling::OfEquity(0.3))
        .symbol_exposure(Ceiling::Amount(20_000.0))
        .group_exposure("metals", [SHARE, COIN], Ceiling::Amount(10_000.0))
        .leverage(0.35)
        .with_rule(Box::new(never))
        .build()
        .unwrap();
    observe(&mut manager, &Fact::Mark, &facts);
    let verdict = review(&manager, &[market(SHARE, Side::Buy, "600")], &facts);
    let told: Vec<_> =
        verdict.findings.iter().map(|finding| (finding.rule, finding.granted)).collect();
    let expected = [
        ("never", 0),
        ("metals", 100),
        ("symbol_exposure", 200),
        ("net_exposure", 300),
        ("leverage", 350),
        ("gross_exposure", 400),
        ("position_size", 500),
    ];
    assert_eq!(told, expected.map(|(rule, granted)| (rule, Qty::from(granted))));
    let poor = world.book().cash(world.usd, dec("89999")).build();
    let poor = world.facts(&poor);
    assert_eq!(observe(&mut manager, &Fact::Mark, &poor), raise(HaltCause::Drawdown));
    manager.release(HaltCause::Drawdown, &poor);
    assert_eq!(observe(&mut manager, &Fact::Mark, &poor), raise(HaltCause::Drawdown), "kept peak");
    let entry = fill(1, SLOT, Purpose::Entry);
    assert_eq!(observe(&mut manager, &Fact::Fill(&entry), &poor), raise(HaltCause::CircuitBreaker));
}

#[test]
fn the_first_bad_limit_is_told() {
    let build = EnhancedRiskManager::builder;
    let error = build().leverage(-1.0).gross_exposure(Ceiling::Amount(-2.0)).build().err();
    let expected = RiskConfigError::LimitOutOfRange { what: "leverage", value: -1.0 };
    assert_eq!(error, Some(expected));
    let value = dec("2");
    let error = build().max_drawdown(value).build().err();
    assert_eq!(error, Some(RiskConfigError::ThresholdOutOfRange { value }));
    let limits = BreakerLimits { max_consecutive_losses: 0, ..BreakerLimits::default() };
    assert_eq!(build().breaker(limits).build().err(), Some(RiskConfigError::NoLosses { value: 0 }));
    assert!(build().max_position_fraction(f64::NAN).build().is_err());
}

#[test]
fn a_host_adds_its_own_guard() {
    let world = World::new();
    let book = world.book().cash(world.usd, dec("84999")).build();
    let facts = world.facts(&book);
    let strict = tradewright::risk::DrawdownGuard::new(
        MaxDrawdownTracker::new(dec("0.15")).unwrap(),
        PeakReset::Restart,
    );
    let mut manager = EnhancedRiskManager::builder().with_guard(Box::new(strict)).build().unwrap();
    let rich = world.book().build();
    observe(&mut manager, &Fact::Mark, &world.facts(&rich));
    assert_eq!(observe(&mut manager, &Fact::Mark, &facts), raise(HaltCause::Drawdown));
    assert!(!review(&manager, &[market(SHARE, Side::Buy, "1")], &facts).approved);
    manager.release(HaltCause::Drawdown, &facts);
    assert!(review(&manager, &[market(SHARE, Side::Buy, "1")], &facts).approved);
}

#[test]
fn its_state_survives_a_restart_or_is_refused_whole() {
    let world = World::new();
    let rich = world.book().build();
    let poor = world.book().cash(world.usd, dec("70000")).build();
    let mut manager = EnhancedRiskManager::default();
    observe(&mut manager, &Fact::Mark, &world.facts(&rich));
    observe(&mut manager, &Fact::Mark, &world.facts(&poor));
    observe(&mut manager, &Fact::Trade(&trade(SLOT, "-9")), &world.facts(&poor));
    let saved = manager.save().unwrap();
    let mut restored = EnhancedRiskManager::default();
    restored.restore(&saved).unwrap();
    assert_eq!(restored.save().unwrap(), saved);
    assert_eq!(observe(&mut restored, &Fact::Mark, &world.facts(&rich)), [], "raised before");
    assert!(restored.drawdown().is_halted());
    assert_eq!(restored.breaker(secs(0)).consecutive_losses, 1);

    let limits = BreakerLimits { max_consecutive_losses: 9, ..BreakerLimits::default() };
    let mut other = EnhancedRiskManager::builder().breaker(limits).build().unwrap();
    let before = other.save().unwrap();
    assert!(matches!(other.restore(&saved), Err(StateError::Mismatch { .. })));
    assert_eq!(other.save().unwrap(), before, "the drawdown was not taken over");
    assert!(other.restore(b"?").is_err());
}
