//! Limits of guards that change while the engine runs: by name, with the value before, without
//! letting go of what has latched, through a restart, and all or nothing.

use tradewright::risk::{
    BreakerGuard, BreakerLimits, Ceiling, CircuitBreaker, DailyLimit, DailyLossGuard,
    DrawdownGuard, DrawdownSchedule, EnhancedRiskManager, Fact, GrossExposure, Guard, Limit,
    MaxDrawdownTracker, Opening, PeakReset, PortfolioGuard, PortfolioRisk, PortfolioRiskSettings,
    RealtimeRiskManager, RiskChain, RiskConfigError, RiskManager, RiskRule, RiskSummary,
    TripReason, rule_from_fn,
};
use tradewright::types::{
    DayBoundary, Decimal, FactBook, Facts, HaltCause, LimitKey, LimitSubject, Side, SlotId, State,
};

use super::chain::review;
use super::{COIN, SHARE, SLOT, World, dec, market, secs};

fn manager() -> RealtimeRiskManager {
    let portfolio = PortfolioRisk::new(PortfolioRiskSettings::default(), [SHARE, COIN]).unwrap();
    let portfolio = PortfolioGuard::new(portfolio)
        .var_limit(Ceiling::OfEquity(0.02))
        .unwrap()
        .correlated_exposure(0.8, Ceiling::Amount(50_000.0))
        .unwrap();
    RealtimeRiskManager::builder()
        .daily_loss(DailyLimit::Fraction(dec("0.05")), DayBoundary::UTC)
        .scaled_by_drawdown(DrawdownSchedule::default())
        .with_guard(Box::new(portfolio))
        .build()
        .unwrap()
}

/// Every guard's limit has a name; a value that cannot be is refused, and the old one stays.
#[test]
fn every_guard_has_its_names() {
    let mut manager = manager();
    for (name, before, after, refused) in [
        ("max_drawdown", "0.25", "0.1", "1.01"),
        ("max_consecutive_losses", "5", "3", "0"),
        ("max_consecutive_losses", "5", "3", "1.5"),
        ("breaker_cooldown_s", "3600", "0.5", "0"),
        ("max_trades_per_hour", "20", "0", "-1"),
        ("daily_loss", "0.05", "0.01", "0"),
        ("daily_loss", "0.05", "1", "1.01"),
        ("drawdown_scaling", "0.1", "0.2", "-0.1"),
        ("value_at_risk", "0.02", "0.5", "-1"),
        ("correlated_exposure", "50000", "0", "-1"),
    ] {
        let key = LimitKey::all(name);
        assert_eq!(manager.set_limit(&key, dec(after)), Ok(Some(dec(before))), "{name}");
        assert!(manager.set_limit(&key, dec(refused)).is_err(), "{name}");
        assert_eq!(manager.set_limit(&key, dec(before)), Ok(Some(dec(after))), "{name}");
        let narrow = LimitKey { subject: LimitSubject::Instrument(SHARE), ..key };
        assert_eq!(manager.set_limit(&narrow, dec(after)), Ok(None), "{name} of one symbol");
    }
    let mut enhanced = EnhancedRiskManager::default();
    let threshold = LimitKey::all(DrawdownGuard::LIMIT);
    assert_eq!(enhanced.set_limit(&threshold, dec("0.5")), Ok(Some(dec("0.25"))));
    assert_eq!(enhanced.drawdown().threshold(), dec("0.5"));
    let losses = LimitKey::all(BreakerGuard::LOSSES);
    assert_eq!(enhanced.set_limit(&losses, Decimal::ONE), Ok(Some(Decimal::from(5))));
    // A ceiling that was never set is no limit that could be changed.
    let bare = PortfolioRisk::new(PortfolioRiskSettings::default(), [SHARE]).unwrap();
    let mut bare = PortfolioGuard::new(bare);
    for name in ["value_at_risk", "correlated_exposure"] {
        assert_eq!(bare.set_limit(&LimitKey::all(name), Decimal::ONE), Ok(None));
    }
}

fn cash(world: &World, amount: &str) -> FactBook {
    world.book().cash(world.usd, dec(amount)).build()
}

/// A tighter threshold is judged by with the next mark, a looser one lets go of nothing.
#[test]
fn a_new_drawdown_threshold_holds_from_the_next_mark() {
    let world = World::new();
    let mut guard = DrawdownGuard::default();
    let watch = |guard: &mut DrawdownGuard, amount| {
        let book = cash(&world, amount);
        guard.watch(&Fact::Mark, &world.facts(&book)).is_some()
    };
    let set = |guard: &mut DrawdownGuard, value| {
        guard.set_limit(&LimitKey::all(DrawdownGuard::LIMIT), dec(value)).unwrap()
    };
    assert!(!watch(&mut guard, "100000"));
    assert!(!watch(&mut guard, "85000"));
    assert_eq!(set(&mut guard, "0.1"), Some(dec("0.25")));
    assert!(watch(&mut guard, "85000"), "fifteen percent are more than ten");
    set(&mut guard, "0.9");
    assert!(watch(&mut guard, "100000"), "what has latched stays latched");
    let book = cash(&world, "100000");
    guard.release(HaltCause::Drawdown, &world.facts(&book));
    assert!(!watch(&mut guard, "15000"), "85 of 90 percent");
    assert!(watch(&mut guard, "9999"));
}

/// A streak beyond its new limit trips as if the last event had reached it; a window that has
/// become narrower is full at once, and one that has become wider is not.
#[test]
fn new_breaker_limits_hold_at_once() {
    let mut breaker = CircuitBreaker::default();
    for second in 0..3 {
        breaker.on_trade(secs(second), Decimal::NEGATIVE_ONE);
        breaker.on_entry_fill(secs(second));
    }
    let limits = breaker.limits();
    assert!(breaker.allowed(secs(3)));
    let mut tight = breaker.clone();
    tight.set_limits(BreakerLimits { max_consecutive_losses: 2, ..limits }).unwrap();
    assert_eq!(tight.status(secs(3)).reason, Some(TripReason::Losses));
    assert!(!tight.allowed(secs(2 + 3_599)));
    assert!(tight.allowed(secs(2 + 3_600)));
    tight.set_limits(limits).unwrap();
    assert!(!tight.allowed(secs(3)), "a running trip keeps its end");

    let mut few = breaker.clone();
    few.set_limits(BreakerLimits { max_trades_per_hour: 2, ..limits }).unwrap();
    assert_eq!((few.allowed(secs(3)), few.remembered()), (false, 2));
    assert_eq!(few.status(secs(3)).reason, Some(TripReason::TradeRate));
    assert!(few.allowed(secs(1 + 3_600)), "the second newest is an hour old");
    few.set_limits(limits).unwrap();
    assert!(few.allowed(secs(3)));
    let none = BreakerLimits { max_consecutive_losses: 0, ..limits };
    assert_eq!(breaker.set_limits(none), Err(RiskConfigError::NoLosses { value: 0 }));
    assert_eq!(breaker.limits(), limits);
    let saved = tight.save().unwrap();
    let mut restored = CircuitBreaker::default();
    restored.restore(&saved).unwrap();
    assert_eq!(restored, tight);
}

/// The breaker of one strategy has its limits under the strategy, not under all.
#[test]
fn a_strategys_breaker_is_named_by_the_strategy() {
    let mut guard = BreakerGuard::for_strategy(CircuitBreaker::default(), SLOT);
    let all = LimitKey::all(BreakerGuard::LOSSES);
    assert_eq!(guard.set_limit(&all, Decimal::TWO), Ok(None));
    let other = LimitKey { subject: LimitSubject::Strategy(SlotId(2)), ..all };
    assert_eq!(guard.set_limit(&other, Decimal::TWO), Ok(None));
    let own = LimitKey { subject: LimitSubject::Strategy(SLOT), ..all };
    assert_eq!(guard.set_limit(&own, Decimal::TWO), Ok(Some(Decimal::from(5))));
}

/// A day that has lost too much stays halted whatever its limit becomes, a tighter limit is
/// judged by with the next mark.
#[test]
fn a_new_daily_limit_holds_from_the_next_mark() {
    let world = World::new();
    let limit = DailyLimit::Amount(dec("1000"));
    let mut guard = DailyLossGuard::new(limit, DayBoundary::UTC).unwrap();
    let mut watch = |change: Option<&str>, second, amount| {
        if let Some(value) = change {
            guard.set_limit(&LimitKey::all(DailyLossGuard::LIMIT), dec(value)).unwrap();
        }
        let book = cash(&world, amount);
        guard.watch(&Fact::Mark, &world.facts_at(secs(second), &book)).is_some()
    };
    assert!(!watch(None, 0, "100000"));
    assert!(!watch(None, 1, "99500"));
    assert!(watch(Some("400"), 2, "99500"));
    assert!(watch(Some("5000"), 3, "99500"), "lost is lost");
    assert!(!watch(None, 86_400, "99500"));
    assert!(!watch(None, 86_401, "95000"), "5,000 may be lost now");
}

/// Changed limits are part of a saved state; what was built otherwise is refused as before.
#[test]
fn changed_limits_are_saved() {
    let world = World::new();
    let mut changed = manager();
    let book = cash(&world, "100000");
    changed.observe(&Fact::Mark, &world.facts(&book), &mut Vec::new());
    for (name, value) in
        [("max_drawdown", "0.1"), ("max_trades_per_hour", "7"), ("daily_loss", "0.01")]
    {
        changed.set_limit(&LimitKey::all(name), dec(value)).unwrap();
    }
    let saved = changed.save().unwrap();
    let mut restored = manager();
    restored.restore(&saved).unwrap();
    assert_eq!(restored.save().unwrap(), saved);
    assert_eq!(restored.drawdown_guard().threshold(), dec("0.1"));
    assert_eq!(restored.daily_loss().unwrap().limit(), DailyLimit::Fraction(dec("0.01")));
    let mut other = RealtimeRiskManager::builder().max_drawdown(dec("0.1")).build().unwrap();
    assert!(other.restore(&saved).is_err(), "built with another threshold");
    let mut guard = DrawdownGuard::default();
    let tight = MaxDrawdownTracker::new(dec("0.1")).unwrap();
    let tight = DrawdownGuard::new(tight, PeakReset::Keep);
    assert!(guard.restore(&tight.save().unwrap()).is_err());
}

/// A rule with a limit of its own under a name that another part has too, and a smaller range.
struct Picky(Decimal);

impl RiskRule for Picky {
    fn name(&self) -> &'static str {
        "picky"
    }

    fn limit(&self, _opening: &Opening<'_>, _facts: &Facts<'_>) -> Limit {
        Limit::Allow(None)
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all("gross_exposure") {
            return Ok(None);
        }
        if value > Decimal::TEN {
            return Err(RiskConfigError::Negative { what: "picky", value });
        }
        Ok(Some(core::mem::replace(&mut self.0, value)))
    }
}

/// Where several parts have a limit, one that refuses the value keeps all of them as they were.
#[test]
fn a_change_is_all_or_nothing() {
    let world = World::new();
    let gross = GrossExposure::new(Ceiling::Amount(10_000.0)).unwrap();
    let mut chain =
        RiskChain::new().with_rule(Box::new(gross)).with_rule(Box::new(Picky(Decimal::ONE)));
    let key = LimitKey::all("gross_exposure");
    assert!(chain.set_limit(&key, dec("50000")).is_err());
    let book = world.book().build();
    let verdict = review(&chain, &[market(SHARE, Side::Buy, "200")], &world.facts(&book));
    assert_eq!(verdict.largest.unwrap().value(), dec("100"), "10,000 as before");
    assert_eq!(chain.set_limit(&key, Decimal::TWO), Ok(Some(dec("10000"))));
}

/// What the host sees of the managers: every limit in one value, whichever manager it is.
#[test]
fn every_manager_sums_up() {
    let world = World::new();
    let book = world.book().position(SLOT, SHARE, Decimal::TEN, super::price("100")).build();
    let facts = world.facts(&book);
    let rule = rule_from_fn("own", |_, _| Limit::Allow(None));
    let chain = RiskChain::new().with_rule(Box::new(rule));
    let summary = chain.summary(&facts);
    assert_eq!((summary.breaker, summary.day, summary.limits.len()), (None, None, 0));
    assert_eq!((summary.positions.len(), summary.gross), (1, 1_000.0));
    let mut enhanced = EnhancedRiskManager::default();
    enhanced.observe(&Fact::Mark, &facts, &mut Vec::new());
    let names = |manager: &dyn RiskManager| -> Vec<String> {
        manager.summary(&facts).limits.iter().map(|limit| limit.name.to_string()).collect()
    };
    assert_eq!(names(&enhanced).len(), 3);
    assert_eq!(enhanced.summary(&facts).breaker, Some(enhanced.breaker(facts.at)));
    let mut realtime = RealtimeRiskManager::default();
    realtime.observe(&Fact::Mark, &facts, &mut Vec::new());
    assert_eq!(names(&realtime), names(&enhanced));
    // Nothing is known of equity: the summary says so, and is readable all the same.
    let unknown = world.book().equity(f64::NAN).build();
    let summary = realtime.summary(&world.facts(&unknown));
    let text = serde_json::to_string(&summary).unwrap();
    let back: RiskSummary = serde_json::from_str(&text).unwrap();
    assert!(back.equity.is_nan() && back.drawdown.is_nan());
}
