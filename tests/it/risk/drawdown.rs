use proptest::prelude::*;
use tradewright::risk::{DrawdownState, MaxDrawdownTracker, PeakReset, RiskConfigError};
use tradewright::types::{Decimal, State, Timestamp};

use super::{dec, secs};

const AT: Timestamp = Timestamp::EPOCH;

fn tracker(threshold: &str) -> MaxDrawdownTracker {
    MaxDrawdownTracker::new(dec(threshold)).unwrap()
}

fn cents() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(1_i64..2_000_000, 1..60)
}

proptest! {
    /// Equity in another unit leads to the same drawdowns and the same halts.
    #[test]
    fn does_not_depend_on_scale(values in cents(), factor in 1_i64..1_000) {
        let (mut one, mut other) = (tracker("0.1"), tracker("0.1"));
        for value in values {
            let state = one.update(AT, Decimal::from(value));
            prop_assert_eq!(state, other.update(AT, Decimal::from(value * factor)));
            prop_assert_eq!(one.drawdown(), other.drawdown());
        }
    }

    /// A saved tracker goes on like the one it was saved from.
    #[test]
    fn survives_a_restart(values in cents(), cut in 0_usize..60) {
        let mut whole = tracker("0.2");
        let mut restored = tracker("0.2");
        for (index, value) in values.iter().enumerate() {
            if index == cut {
                restored.restore(&whole.save().unwrap()).unwrap();
            }
            whole.update(secs(index as i64), Decimal::new(*value, 2));
            if index >= cut {
                restored.update(secs(index as i64), Decimal::new(*value, 2));
                prop_assert_eq!(&restored, &whole);
            }
        }
    }

    /// No equity panics, and whatever cannot be compared stops trading.
    #[test]
    fn extreme_equity_never_panics(mantissas in prop::collection::vec(any::<i128>(), 1..20)) {
        let mut tracker = MaxDrawdownTracker::default();
        for mantissa in mantissas {
            let equity = Decimal::from_i128_with_scale(mantissa >> 32, 0);
            tracker.update(AT, equity);
            tracker.shift(equity);
            tracker.drawdown();
        }
    }
}

#[test]
fn the_default_threshold_is_a_quarter_and_strict() {
    let mut tracker = MaxDrawdownTracker::default();
    assert_eq!(tracker.threshold(), dec("0.25"));
    assert_eq!(tracker.update(AT, dec("1000")), DrawdownState::Within);
    assert_eq!(tracker.update(secs(1), dec("750")), DrawdownState::Within);
    assert_eq!(tracker.drawdown(), Some(dec("0.25")));
    assert_eq!(tracker.update(secs(2), dec("749.99999999")), DrawdownState::Halted);
    assert_eq!(tracker.halted_at(), Some(secs(2)));
    assert_eq!(tracker.update(secs(3), dec("5000")), DrawdownState::Halted, "latched");
    assert_eq!(tracker.halted_at(), Some(secs(2)), "the first breach counts");
    assert_eq!(tracker.equity(), Some(dec("5000")));
}

#[test]
fn thresholds_outside_of_zero_and_one_are_refused() {
    for text in ["0", "-0.1", "1.01"] {
        let value = dec(text);
        let refused = Err(RiskConfigError::ThresholdOutOfRange { value });
        assert_eq!(MaxDrawdownTracker::new(value), refused);
    }
    assert!(MaxDrawdownTracker::new(Decimal::ONE).is_ok());
}

#[test]
fn negative_equity_halts_at_any_threshold() {
    let mut tracker = tracker("1");
    tracker.update(AT, dec("10"));
    assert_eq!(tracker.update(AT, dec("0")), DrawdownState::Within);
    assert_eq!(tracker.update(AT, dec("-1")), DrawdownState::Halted);
    assert_eq!(tracker.drawdown(), Some(dec("1.1")));
    assert_eq!(tracker.deepest(), dec("1.1"));
}

#[test]
fn without_a_positive_peak_nothing_is_defined() {
    let mut tracker = MaxDrawdownTracker::default();
    assert_eq!(tracker.state(), DrawdownState::Undefined);
    for text in ["0", "-5"] {
        assert_eq!(tracker.update(AT, dec(text)), DrawdownState::Undefined);
        assert_eq!((tracker.peak(), tracker.equity(), tracker.drawdown()), (None, None, None));
        assert!(!tracker.allows_entries() && !tracker.is_halted());
    }
    assert_eq!(tracker.update(AT, dec("0.01")), DrawdownState::Within);
}

#[test]
fn unknown_equity_refuses_entries_and_keeps_the_state() {
    let mut tracker = MaxDrawdownTracker::default();
    tracker.update(AT, dec("100"));
    tracker.update(AT, dec("90"));
    assert_eq!(tracker.update_unknown(), DrawdownState::Undefined);
    assert_eq!((tracker.peak(), tracker.equity()), (Some(dec("100")), Some(dec("90"))));
    assert_eq!(tracker.update(AT, dec("75")), DrawdownState::Within);
    tracker.update(AT, dec("74"));
    assert_eq!(tracker.update_unknown(), DrawdownState::Halted, "a halt stays a halt");
}

#[test]
fn capital_moves_peak_and_equity() {
    let mut tracker = MaxDrawdownTracker::default();
    tracker.shift(dec("50"));
    assert_eq!(tracker.peak(), None, "capital before the first equity is no peak");
    tracker.update(AT, dec("100"));
    tracker.shift(dec("900"));
    assert_eq!((tracker.peak(), tracker.equity()), (Some(dec("1000")), Some(dec("1000"))));
    assert_eq!(tracker.drawdown(), Some(Decimal::ZERO), "a deposit at the peak is no drawdown");
    assert_eq!(tracker.update(AT, dec("800")), DrawdownState::Within);
    tracker.shift(dec("-500"));
    assert_eq!((tracker.peak(), tracker.equity()), (Some(dec("500")), Some(dec("300"))));
    assert_eq!(tracker.state(), DrawdownState::Within, "the next update judges");
    assert_eq!(tracker.update(AT, dec("300")), DrawdownState::Halted);
    tracker.shift(dec("-500"));
    assert_eq!((tracker.peak(), tracker.equity()), (None, None));
    assert!(tracker.is_halted(), "a withdrawal ends no halt");
}

#[test]
fn a_reset_says_what_becomes_of_the_peak() {
    let halted = || {
        let mut tracker = MaxDrawdownTracker::default();
        tracker.update(AT, dec("100"));
        tracker.update(AT, dec("60"));
        tracker
    };
    let mut kept = halted();
    let record = kept.reset(secs(9), PeakReset::Keep);
    assert_eq!((record.at, record.reset, record.was_halted), (secs(9), PeakReset::Keep, true));
    assert_eq!(record.drawdown, Some(dec("0.4")));
    assert_eq!((record.peak_before, record.peak_after), (Some(dec("100")), Some(dec("100"))));
    assert!(kept.allows_entries());
    assert_eq!(kept.update(AT, dec("60")), DrawdownState::Halted, "still too deep");

    let mut restarted = halted();
    let record = restarted.reset(secs(9), PeakReset::Restart);
    assert_eq!((record.peak_before, record.peak_after), (Some(dec("100")), Some(dec("60"))));
    assert_eq!(restarted.update(AT, dec("45")), DrawdownState::Within);
    assert!(!restarted.reset(secs(9), PeakReset::Keep).was_halted);

    let mut broke = tracker("0.5");
    broke.update(AT, dec("10"));
    broke.update(AT, dec("-1"));
    assert_eq!(broke.reset(AT, PeakReset::Restart).peak_after, None);
    assert_eq!(broke.state(), DrawdownState::Undefined);
    assert_eq!(broke.equity(), None);
}

#[test]
fn saved_states_that_contradict_themselves_are_refused() {
    let good = serde_json::json!({
        "threshold": "0.25", "peak": "100", "equity": "90", "is_known": true,
        "halted_at": null, "deepest": "0.1",
    });
    assert!(serde_json::from_value::<MaxDrawdownTracker>(good.clone()).is_ok());
    let faults = [
        ("threshold", serde_json::json!("1.5"), "drawdown threshold 1.5"),
        ("peak", serde_json::json!("0"), "peak 0"),
        ("peak", serde_json::json!("80"), "equity 90"),
        ("peak", serde_json::json!(null), "equity without a peak 90"),
        ("equity", serde_json::json!(null), "not valid: equity"),
        ("deepest", serde_json::json!("-0.1"), "deepest drawdown -0.1"),
    ];
    for (field, value, text) in faults {
        let mut bad = good.clone();
        bad[field] = value;
        let error = serde_json::from_value::<MaxDrawdownTracker>(bad).unwrap_err().to_string();
        assert!(error.contains(text), "{field}: {error}");
    }
    let mut unknown = good;
    unknown["is_known"] = serde_json::json!(false);
    unknown["equity"] = serde_json::json!(null);
    assert!(serde_json::from_value::<MaxDrawdownTracker>(unknown).is_ok());
}
