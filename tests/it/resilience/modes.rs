use core::time::Duration;

use proptest::prelude::*;
use tradewright::engine::Control;
use tradewright::monitor::HealthStatus;
use tradewright::resilience::{
    ComponentRole, Degradation, HealthBoard, HealthBoardConfig, Measure, ModeRule, ModeRuleError,
    ModeSigns,
};
use tradewright::types::{Label, OperatingMode};

use super::at;

const LOAD: Label = Label::new("load");
const SECOND: Duration = Duration::from_secs(1);

fn rule(mode: OperatingMode, enter: f64, leave: f64) -> ModeRule {
    ModeRule {
        leave,
        enter_after: SECOND * 2,
        leave_after: SECOND * 3,
        ..ModeRule::new(mode.as_str(), mode, Measure::Value(LOAD), enter)
    }
}

proptest! {
    /// At each second, a rule holds exactly if its value was high for the last stretch of
    /// `enter_after` since it last let go, told from the list of all values.
    #[test]
    fn modes_follow_their_rules_with_hysteresis(
        values in prop::collection::vec(prop_oneof![0_u8..10, 4_u8..8], 1..100),
    ) {
        let rules = vec![
            rule(OperatingMode::Degraded, 5.0, 3.0),
            rule(OperatingMode::Emergency, 8.0, 6.0),
        ];
        let mut degradation = Degradation::new(rules.clone()).unwrap();
        let mut held = [false; 2];
        let mut runs = [0_u32; 2];
        for (second, value) in values.iter().enumerate() {
            let value = f64::from(*value);
            for ((rule, held), run) in rules.iter().zip(&mut held).zip(&mut runs) {
                let turns = if *held { value < rule.leave } else { value >= rule.enter };
                *run = if turns { *run + 1 } else { 0 };
                let seconds = if *held { 3 } else { 2 };
                // A stretch of n seconds has n + 1 ends.
                if *run > seconds {
                    (*held, *run) = (!*held, 0);
                }
            }
            let expected = match held {
                [_, true] => OperatingMode::Emergency,
                [true, false] => OperatingMode::Degraded,
                [false, false] => OperatingMode::Normal,
            };
            let before = degradation.mode();
            let signs = ModeSigns { values: &[(LOAD, value)], ..Default::default() };
            let change = degradation.observe(at(second as i64 * 1_000), &signs);
            prop_assert_eq!(degradation.mode(), expected);
            prop_assert_eq!(change.is_some(), before != expected);
            if let Some(change) = change {
                prop_assert_eq!((change.from, change.to), (before, expected));
                prop_assert_eq!(change.control(), Control::Mode(expected));
            }
        }
    }
}

#[test]
fn what_cannot_be_measured_counts_as_reached() {
    let at_once =
        ModeRule { enter_after: Duration::ZERO, ..rule(OperatingMode::Offline, 5.0, 5.0) };
    for values in [&[][..], &[(LOAD, f64::NAN)]] {
        let mut degradation = Degradation::new(vec![at_once]).unwrap();
        let signs = ModeSigns { values, ..Default::default() };
        assert_eq!(degradation.observe(at(0), &signs).unwrap().to, OperatingMode::Offline);
        assert_eq!(degradation.holding().count(), 1);
    }
}

#[test]
fn a_person_can_make_it_worse_and_not_better() {
    let at_once =
        ModeRule { enter_after: Duration::ZERO, ..rule(OperatingMode::Emergency, 5.0, 5.0) };
    let mut degradation = Degradation::new(vec![at_once]).unwrap();
    let asked = degradation.ask(at(0), OperatingMode::Degraded).unwrap();
    assert_eq!((asked.to, asked.rule.is_empty()), (OperatingMode::Degraded, true));
    let high = ModeSigns { values: &[(LOAD, 9.0)], ..Default::default() };
    let change = degradation.observe(at(1), &high).unwrap();
    assert_eq!((change.to, change.rule.as_str()), (OperatingMode::Emergency, "EMERGENCY"));
    assert_eq!(degradation.ask(at(2), OperatingMode::Normal), None);
    assert_eq!(degradation.mode(), OperatingMode::Emergency);
    assert_eq!(degradation.since(), Some(at(1)));
}

#[test]
fn senseless_rules_are_refused() {
    let sound = rule(OperatingMode::Degraded, 5.0, 3.0);
    let refused = |rules| Degradation::new(rules).unwrap_err();
    let backwards = ModeRule { leave: 6.0, ..sound };
    assert!(matches!(refused(vec![backwards]), ModeRuleError::BadValues { .. }));
    let no_number = ModeRule { enter: f64::NAN, ..sound };
    assert!(matches!(refused(vec![no_number]), ModeRuleError::BadValues { .. }));
    assert!(matches!(refused(vec![sound, sound]), ModeRuleError::BadName { .. }));
    let normal = ModeRule { mode: OperatingMode::Normal, ..sound };
    assert!(matches!(refused(vec![normal]), ModeRuleError::ToNormal { .. }));
}

#[test]
fn components_fail_slow_down_fall_silent_and_come_back() {
    let [data, orders, metrics] = ["data", "orders", "metrics"].map(Label::new);
    let mut board = HealthBoard::new(HealthBoardConfig::default());
    for (name, role) in [
        (data, ComponentRole::Essential),
        (orders, ComponentRole::Essential),
        (metrics, ComponentRole::Supporting),
    ] {
        assert!(board.add(name, role));
    }
    let status =
        |board: &HealthBoard, millis| board.verdict(at(millis), OperatingMode::Normal).status;
    let works = |board: &mut HealthBoard, name, millis| {
        assert!(board.on_success(at(millis), name, Duration::from_millis(5)));
    };
    works(&mut board, data, 0);
    assert_eq!(status(&board, 0), HealthStatus::Unhealthy, "orders have never worked");
    works(&mut board, orders, 0);
    assert_eq!(status(&board, 0), HealthStatus::Degraded, "metrics alone make it no worse");
    works(&mut board, metrics, 0);
    assert_eq!(status(&board, 0), HealthStatus::Healthy);

    let checked = |board: &mut HealthBoard, millis| board.check(at(millis), OperatingMode::Normal);
    assert!(checked(&mut board, 0).is_some_and(|it| it.is_ready && it.is_live));
    assert!(checked(&mut board, 1).is_none());
    board.on_failure(at(2), orders);
    let verdict = checked(&mut board, 2).expect("a change is told at once");
    assert_eq!((verdict.status, verdict.is_ready), (HealthStatus::Degraded, true));
    board.on_failure(at(3), orders);
    assert!(checked(&mut board, 3).is_none(), "still degraded");
    board.on_failure(at(4), orders);
    let verdict = checked(&mut board, 4).expect("a change is told at once");
    assert_eq!((verdict.status, verdict.is_ready), (HealthStatus::Unhealthy, false));
    assert_eq!(verdict.components[1].detail, "3 failures in a row");
    works(&mut board, orders, 5);
    board.on_success(at(5), data, SECOND * 2);
    let verdict = checked(&mut board, 5).unwrap();
    assert_eq!(verdict.components[0].detail, "took 2000 ms");
    let offline = board.verdict(at(5), OperatingMode::Offline);
    assert!(!offline.is_ready, "nothing can be reached");

    let verdict = board.verdict(at(60_006), OperatingMode::Normal);
    assert!(
        verdict.components.iter().all(|it| it.is_stale && it.status == HealthStatus::Unhealthy)
    );
    assert!(!verdict.is_live, "no beat for longer than a minute");
    assert!(!board.on_failure(at(0), Label::new("unknown")));
}
