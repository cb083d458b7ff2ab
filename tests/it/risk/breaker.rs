use core::time::Duration;

use proptest::prelude::*;
use tradewright::risk::{
    BreakerAction, BreakerLimits, CircuitBreaker, RiskConfigError, TripReason,
};
use tradewright::types::{Decimal, Timestamp};

use super::{minutes, secs};

fn limits(losses: u32, cooldown_s: u64, rate: u32) -> BreakerLimits {
    BreakerLimits {
        max_consecutive_losses: losses,
        cooldown: Duration::from_secs(cooldown_s),
        max_trades_per_hour: rate,
    }
}

fn breaker(losses: u32, cooldown_s: u64, rate: u32) -> CircuitBreaker {
    CircuitBreaker::new(limits(losses, cooldown_s, rate)).unwrap()
}

proptest! {
    /// Times at the ends of the range never panic and never open a trip early.
    #[test]
    fn extreme_times_never_panic(times in prop::collection::vec(any::<i64>(), 1..20)) {
        let mut breaker = breaker(1, 3_600, 2);
        for time in times {
            let at = Timestamp::from_nanos(time);
            breaker.on_trade(at, Decimal::NEGATIVE_ONE);
            prop_assert!(!breaker.allowed(at));
            breaker.on_entry_fill(at);
            breaker.status(at);
        }
    }
}

#[test]
fn defaults_are_five_losses_an_hour_and_twenty_entries() {
    let expected = limits(5, 3_600, 20);
    assert_eq!(CircuitBreaker::default().limits(), expected);
    assert_eq!(BreakerLimits::default(), expected);
    assert_eq!(CircuitBreaker::new(limits(0, 1, 1)), Err(RiskConfigError::NoLosses { value: 0 }));
}

#[test]
fn the_fifth_loss_trips_until_the_cooldown_is_over_exactly() {
    let mut breaker = CircuitBreaker::default();
    for _ in 0..4 {
        breaker.on_trade(secs(0), Decimal::NEGATIVE_ONE);
    }
    breaker.on_trade(secs(5), Decimal::ZERO);
    assert_eq!(breaker.status(secs(5)).consecutive_losses, 4, "break-even does neither");
    assert!(breaker.allowed(secs(5)));
    breaker.on_trade(secs(10), Decimal::NEGATIVE_ONE);
    let status = breaker.status(secs(10));
    assert!(status.tripped && !breaker.allowed(secs(10)));
    assert_eq!(status.reason, Some(TripReason::Losses));
    assert_eq!((status.consecutive_losses, status.triggers_today), (5, 1));
    assert_eq!(status.cooldown_remaining_s, 3_600);
    let almost = secs(3_610).before(Duration::from_nanos(1));
    assert!(!breaker.allowed(almost));
    assert_eq!(breaker.status(almost).cooldown_remaining_s, 1, "rounded up");
    assert!(breaker.allowed(secs(3_610)));
    let status = breaker.status(secs(3_610));
    assert_eq!((status.tripped, status.reason, status.consecutive_losses), (false, None, 0));
    assert!(!breaker.allowed(secs(20)), "asking has not changed it");
    breaker.on_trade(secs(3_610), Decimal::NEGATIVE_ONE);
    assert_eq!(breaker.status(secs(3_610)).consecutive_losses, 1, "the streak starts at zero");
}

#[test]
fn a_win_ends_the_streak_but_not_a_trip() {
    let mut breaker = breaker(2, 60, 20);
    breaker.on_trade(secs(0), Decimal::NEGATIVE_ONE);
    breaker.on_trade(secs(0), Decimal::ONE);
    breaker.on_trade(secs(0), Decimal::NEGATIVE_ONE);
    assert!(breaker.allowed(secs(0)));
    breaker.on_trade(secs(0), Decimal::NEGATIVE_ONE);
    assert!(!breaker.allowed(secs(0)));
    breaker.on_trade(secs(1), Decimal::ONE);
    assert!(!breaker.allowed(secs(59)));
    assert!(breaker.allowed(secs(60)));
}

#[test]
fn the_hour_is_half_open() {
    let mut breaker = breaker(5, 60, 2);
    breaker.on_entry_fill(secs(0));
    breaker.on_entry_fill(secs(100));
    let status = breaker.status(secs(100));
    assert_eq!(status.reason, Some(TripReason::TradeRate));
    assert_eq!((status.trades_last_hour, status.triggers_today), (2, 1));
    assert_eq!(status.cooldown_remaining_s, 3_500, "the window outlasts the cooldown");
    assert!(!breaker.allowed(secs(3_600).before(Duration::from_nanos(1))));
    assert!(breaker.allowed(secs(3_600)), "exactly an hour old is out");
    assert_eq!(breaker.status(secs(3_600)).trades_last_hour, 1);
    let late = breaker.status(secs(200));
    assert_eq!((late.tripped, late.reason), (true, Some(TripReason::TradeRate)));
}

#[test]
fn equal_times_count_each_and_zero_allows_none() {
    let mut two = breaker(5, 60, 2);
    two.on_entry_fill(secs(7));
    two.on_entry_fill(secs(7));
    assert_eq!(two.status(secs(7)).trades_last_hour, 2);
    assert!(!two.allowed(secs(7)));
    let mut none = breaker(5, 60, 0);
    assert!(!none.allowed(secs(0)));
    assert_eq!(none.status(secs(0)).cooldown_remaining_s, u64::MAX);
    none.on_entry_fill(secs(0));
    assert_eq!((none.remembered(), none.status(secs(0)).triggers_today), (0, 0));
}

#[test]
fn manual_acts_are_audited() {
    let mut breaker = CircuitBreaker::default();
    let record = breaker.trip(secs(10));
    assert_eq!((record.at, record.action), (secs(10), BreakerAction::Trip));
    assert!(!record.before.tripped);
    assert_eq!(breaker.status(secs(10)).reason, Some(TripReason::Manual));

    let record = breaker.override_for(secs(20), minutes(5));
    assert_eq!(record.action, BreakerAction::Override(secs(320)));
    assert!(record.before.tripped);
    assert!(breaker.allowed(secs(319)) && breaker.status(secs(319)).tripped);
    assert_eq!(breaker.status(secs(319)).override_until, Some(secs(320)));
    assert!(!breaker.allowed(secs(320)));
    assert_eq!(breaker.status(secs(320)).override_until, None);

    let record = breaker.reset(secs(400));
    assert_eq!((record.at, record.action), (secs(400), BreakerAction::Reset));
    assert!(record.before.tripped && breaker.allowed(secs(400)));
    assert_eq!(TripReason::TradeRate.as_str(), "trade_rate");
    assert_eq!(TripReason::Losses.as_str(), "losses");
    assert_eq!(TripReason::Manual.as_str(), "manual");
}

#[test]
fn a_reset_keeps_the_window_and_ends_the_override() {
    let mut breaker = breaker(5, 60, 1);
    breaker.on_entry_fill(secs(0));
    breaker.override_for(secs(0), minutes(10));
    breaker.reset(secs(1));
    assert!(!breaker.allowed(secs(1)));
    assert!(breaker.allowed(secs(3_600)));
}

#[test]
fn a_cooldown_beyond_the_end_of_time_never_ends() {
    let mut breaker = breaker(1, u64::MAX / 4, 20);
    breaker.on_trade(secs(0), Decimal::NEGATIVE_ONE);
    assert!(!breaker.allowed(Timestamp::MAX));
    assert_eq!(breaker.status(secs(0)).cooldown_remaining_s, u64::MAX);
}

#[test]
fn triggers_are_counted_by_utc_day() {
    let mut breaker = breaker(5, 0, 20);
    breaker.trip(secs(86_399));
    breaker.trip(secs(86_399));
    assert_eq!(breaker.status(secs(86_399)).triggers_today, 2);
    assert_eq!(breaker.status(secs(86_400)).triggers_today, 0);
    breaker.trip(secs(86_400));
    assert_eq!(breaker.status(secs(86_400)).triggers_today, 1);
}

#[test]
fn saved_states_that_contradict_themselves_are_refused() {
    let mut breaker = breaker(2, 60, 2);
    breaker.on_entry_fill(secs(1));
    breaker.on_entry_fill(secs(2));
    let good = serde_json::to_value(&breaker).unwrap();
    assert_eq!(serde_json::from_value::<CircuitBreaker>(good.clone()).unwrap(), breaker);
    let second = 1_000_000_000_i64;
    let faults = [
        ("entries", serde_json::json!([1, 2, 3]), "number of entries 3"),
        ("entries", serde_json::json!([2 * second, second]), "order of entries 2"),
        ("entries", serde_json::json!([3 * second]), "order of entries 1"),
    ];
    for (field, value, text) in faults {
        let mut bad = good.clone();
        bad[field] = value;
        let error = serde_json::from_value::<CircuitBreaker>(bad).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    let mut bad = good.clone();
    bad["trip"] = serde_json::Value::Null;
    bad["losses"] = serde_json::json!(2);
    let error = serde_json::from_value::<CircuitBreaker>(bad).unwrap_err().to_string();
    assert!(error.contains("losses without a trip 2"), "{error}");
    let mut bad = good;
    bad["limits"]["max_consecutive_losses"] = serde_json::json!(0);
    assert!(serde_json::from_value::<CircuitBreaker>(bad).is_err());
}
