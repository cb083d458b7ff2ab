use proptest::prelude::*;
use tradewright::risk::{HaltMachine, halt_reason};
use tradewright::types::{
    Acknowledgement, Halt, HaltCause, HaltEnd, HaltLevel, HaltScope, InstrumentId, Label,
    ReasonCode, SlotId, State, Timestamp,
};

use super::secs;

const AT: Timestamp = Timestamp::EPOCH;

const CAUSES: [HaltCause; 9] = [
    HaltCause::CircuitBreaker,
    HaltCause::DailyLoss,
    HaltCause::StaleData,
    HaltCause::Drawdown,
    HaltCause::Operator,
    HaltCause::FillAnomaly,
    HaltCause::Reconciliation,
    HaltCause::StrategyFailure,
    HaltCause::KillSwitch,
];

const LEVELS: [HaltLevel; 5] = [
    HaltLevel::Active,
    HaltLevel::ReduceOnly,
    HaltLevel::Halted,
    HaltLevel::Flattening,
    HaltLevel::Flat,
];

#[derive(Clone, Copy, Debug)]
enum Step {
    Raise(Halt),
    Lift(HaltCause, HaltScope),
    Resume(HaltScope, Acknowledgement),
    ConfirmFlat(HaltScope),
}

fn scope() -> impl Strategy<Value = HaltScope> {
    prop_oneof![
        (0_u16..3).prop_map(|slot| HaltScope::Strategy(SlotId(slot))),
        (0_u32..3).prop_map(|id| HaltScope::Symbol(InstrumentId(id))),
        Just(HaltScope::Account),
        Just(HaltScope::Everything),
    ]
}

fn cause() -> impl Strategy<Value = HaltCause> {
    prop_oneof![
        5 => prop::sample::select(CAUSES.to_vec()),
        1 => Just(HaltCause::Custom(Label::new("mine"))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let level = prop::sample::select(LEVELS.to_vec());
    let acknowledgement =
        prop::sample::select(vec![Acknowledgement::None, Acknowledgement::Emergency]);
    prop_oneof![
        4 => (cause(), level, scope())
            .prop_map(|(cause, level, scope)| Step::Raise(Halt { cause, level, scope })),
        2 => (cause(), scope()).prop_map(|(cause, scope)| Step::Lift(cause, scope)),
        2 => (scope(), acknowledgement).prop_map(|(scope, how)| Step::Resume(scope, how)),
        1 => scope().prop_map(Step::ConfirmFlat),
    ]
}

/// All pairs of a small world.
fn levels(machine: &HaltMachine) -> Vec<HaltLevel> {
    let pairs = (0..3).flat_map(|slot| (0..3).map(move |id| (SlotId(slot), InstrumentId(id))));
    pairs.map(|(slot, id)| machine.level(slot, id)).collect()
}

proptest! {
    /// Only lifts, resumes and a restarted flattening lower a level, each only what it may;
    /// Flat comes by confirmation alone; levels are the highest of what covers them; a saved
    /// machine is the same machine.
    #[test]
    fn keeps_its_laws(steps in prop::collection::vec(step(), 1..60)) {
        let mut machine = HaltMachine::new();
        for step in steps {
            let before = machine.clone();
            match step {
                Step::Raise(halt) => raise(&mut machine, &before, halt)?,
                Step::Lift(cause, scope) => {
                    let ended = machine.lift(cause, scope);
                    if let Some(halt) = ended {
                        prop_assert_eq!((halt.cause, halt.scope), (cause, scope));
                        prop_assert_eq!(cause.end(), HaltEnd::OwnRule);
                        prop_assert!(halt.level < HaltLevel::Flattening);
                    }
                    let gone = before.halts().len() - machine.halts().len();
                    prop_assert_eq!(gone, usize::from(ended.is_some()));
                }
                Step::Resume(scope, how) => {
                    let ended: Vec<Halt> = machine.resume(scope, how).collect();
                    for halt in &ended {
                        prop_assert_eq!(halt.scope, scope);
                        let own = halt.cause.end() == HaltEnd::OwnRule;
                        prop_assert!(!own || halt.level >= HaltLevel::Flattening);
                        let kill = halt.cause == HaltCause::KillSwitch;
                        prop_assert!(!kill || how == Acknowledgement::Emergency);
                    }
                    prop_assert_eq!(before.halts().len() - machine.halts().len(), ended.len());
                    let stays = machine.halts().iter().filter(|active| {
                        active.halt.scope == scope && active.halt.cause.end() == HaltEnd::Resume
                    });
                    prop_assert_eq!(stays.count(), 0);
                }
                Step::ConfirmFlat(scope) => {
                    let flattening = before.halts().iter().any(|active| {
                        active.halt.scope == scope && active.halt.level == HaltLevel::Flattening
                    });
                    prop_assert_eq!(machine.confirm_flat(scope), flattening);
                    prop_assert!(levels(&machine) >= levels(&before));
                }
            }
            check(&machine)?;
        }
    }
}

fn raise(machine: &mut HaltMachine, before: &HaltMachine, halt: Halt) -> Result<(), TestCaseError> {
    let told = machine.raise(secs(7), halt);
    prop_assert_eq!(told.is_some(), machine != before, "an answer exactly on a change");
    let restarts = halt.level >= HaltLevel::Flattening;
    if !restarts {
        for (old, new) in levels(before).into_iter().zip(levels(machine)) {
            prop_assert!(new >= old);
        }
    }
    if let Some(level) = told {
        prop_assert_eq!(level, machine.scope_level(halt.scope));
        prop_assert!(level >= halt.cause.level());
    }
    Ok(())
}

fn check(machine: &HaltMachine) -> Result<(), TestCaseError> {
    for slot in (0..3).map(SlotId) {
        for id in (0..3).map(InstrumentId) {
            let covering = machine.halts().iter().map(|active| active.halt);
            let highest = covering
                .filter(|halt| halt.scope.covers(slot, id))
                .map(|halt| halt.level)
                .max()
                .unwrap_or(HaltLevel::Active);
            prop_assert_eq!(machine.level(slot, id), highest);
            prop_assert!(machine.level(slot, id) >= machine.overall());
            prop_assert_eq!(machine.reason(slot, id).is_some(), highest > HaltLevel::Active);
        }
    }
    prop_assert_eq!(machine.overall(), machine.scope_level(HaltScope::Account));
    prop_assert_eq!(machine.is_clear(), machine.halts().is_empty());
    let mut restored = HaltMachine::new();
    restored.restore(&machine.save().unwrap()).unwrap();
    prop_assert_eq!(&restored, machine);
    Ok(())
}

fn halt(cause: HaltCause, scope: HaltScope, level: HaltLevel) -> Halt {
    Halt { cause, level, scope }
}

#[test]
fn every_cause_ends_as_it_should() {
    for cause in CAUSES {
        let mut machine = HaltMachine::new();
        assert_eq!(machine.raise(AT, Halt::new(cause, HaltScope::Account)), Some(cause.level()));
        assert_eq!(machine.halts()[0].since, AT);
        let lifted = machine.lift(cause, HaltScope::Account).is_some();
        assert_eq!(lifted, cause.end() == HaltEnd::OwnRule, "{cause:?}");
        let resumed = machine.resume(HaltScope::Account, Acknowledgement::None).count();
        assert_eq!(resumed == 1, cause.end() == HaltEnd::Resume, "{cause:?}");
        let ended = machine.resume(HaltScope::Account, Acknowledgement::Emergency).count();
        assert_eq!(ended == 1, cause == HaltCause::KillSwitch, "{cause:?}");
        assert!(machine.is_clear() && machine.overall() == HaltLevel::Active);
    }
}

#[test]
fn scopes_cover_what_they_name() {
    let mut machine = HaltMachine::new();
    let strategy = HaltScope::Strategy(SlotId(1));
    machine.raise(AT, Halt::new(HaltCause::StrategyFailure, strategy));
    let symbol = HaltScope::Symbol(InstrumentId(2));
    assert_eq!(
        machine.raise(AT, Halt::new(HaltCause::StaleData, symbol)),
        Some(HaltLevel::ReduceOnly)
    );
    assert_eq!(machine.level(SlotId(1), InstrumentId(0)), HaltLevel::Halted);
    assert_eq!(machine.level(SlotId(2), InstrumentId(2)), HaltLevel::ReduceOnly);
    assert_eq!(machine.level(SlotId(1), InstrumentId(2)), HaltLevel::Halted);
    assert_eq!(machine.level(SlotId(2), InstrumentId(0)), HaltLevel::Active);
    assert_eq!(machine.overall(), HaltLevel::Active);
    assert_eq!(machine.severest(SlotId(2), InstrumentId(0)), None);
    assert_eq!(machine.resume(HaltScope::Account, Acknowledgement::None).count(), 0);
    assert_eq!(machine.resume(strategy, Acknowledgement::None).count(), 1);
    machine.raise(AT, Halt::new(HaltCause::Operator, HaltScope::Everything));
    assert_eq!(machine.overall(), HaltLevel::Halted);
    assert_eq!(machine.scope_level(symbol), HaltLevel::Halted);
}

#[test]
fn flat_comes_by_confirmation_and_goes_by_resume() {
    let scope = HaltScope::Account;
    let mut machine = HaltMachine::new();
    let flatten = halt(HaltCause::CircuitBreaker, scope, HaltLevel::Flat);
    assert_eq!(machine.raise(AT, flatten), Some(HaltLevel::Flattening), "only the venue says Flat");
    assert_eq!(machine.lift(HaltCause::CircuitBreaker, scope), None, "closing is not taken back");
    assert!(!machine.confirm_flat(HaltScope::Everything));
    assert!(machine.confirm_flat(scope));
    assert_eq!(machine.overall(), HaltLevel::Flat);
    assert!(!machine.confirm_flat(scope));
    let lower = Halt::new(HaltCause::CircuitBreaker, scope);
    assert_eq!(machine.raise(AT, lower), None);
    assert_eq!(machine.raise(AT, flatten), Some(HaltLevel::Flattening), "asked again");
    assert_eq!(machine.raise(AT, flatten), None);
    assert!(machine.confirm_flat(scope));
    assert_eq!(machine.resume(scope, Acknowledgement::None).count(), 1);
}

#[test]
fn too_many_halts_stop_the_account() {
    let mut machine = HaltMachine::new();
    let stale = |id| Halt::new(HaltCause::StaleData, HaltScope::Symbol(InstrumentId(id)));
    for id in 0..HaltMachine::MOST as u32 {
        assert_eq!(machine.raise(AT, stale(id)), Some(HaltLevel::ReduceOnly));
    }
    assert_eq!(machine.overall(), HaltLevel::Active);
    assert_eq!(machine.raise(AT, stale(0)), None, "what is there stays what it is");
    let kill = Halt::new(HaltCause::KillSwitch, HaltScope::Account);
    assert_eq!(machine.raise(AT, kill), Some(HaltLevel::Halted));
    assert_eq!(machine.resume(HaltScope::Account, Acknowledgement::Emergency).count(), 1);
    assert_eq!(machine.raise(AT, stale(9_999)), Some(HaltLevel::Halted));
    assert_eq!(machine.overall(), HaltLevel::Halted);
    assert_eq!(machine.raise(AT, stale(9_998)), None, "one entry for all the rest");
    let narrow_kill = Halt::new(HaltCause::KillSwitch, HaltScope::Strategy(SlotId(4)));
    assert!(machine.raise(AT, narrow_kill).is_some());
    let mine = Halt::new(HaltCause::Custom(Label::new("mine")), HaltScope::Everything);
    assert!(machine.raise(AT, mine).is_some());
    let wide: Vec<Halt> =
        machine.halts()[HaltMachine::MOST..].iter().map(|active| active.halt).collect();
    assert_eq!(
        wide,
        [
            Halt::new(HaltCause::Operator, HaltScope::Account),
            Halt::new(HaltCause::KillSwitch, HaltScope::Account),
            Halt::new(HaltCause::Operator, HaltScope::Everything),
        ]
    );
}

#[test]
fn saved_machines_that_contradict_themselves_are_refused() {
    let read = |halts: serde_json::Value| {
        let saved = serde_json::json!({ "halts": halts });
        serde_json::from_value::<HaltMachine>(saved).map_err(|error| error.to_string())
    };
    let entry = |level: &str| {
        serde_json::json!({
            "halt": { "cause": "Drawdown", "level": level, "scope": "Account" }, "since": 0,
        })
    };
    assert!(read(serde_json::json!([entry("Halted")])).is_ok());
    assert!(read(serde_json::json!([entry("Flat")])).is_ok());
    let low = read(serde_json::json!([entry("ReduceOnly")])).unwrap_err();
    assert!(low.contains("cannot have the level ReduceOnly"), "{low}");
    let twice = read(serde_json::json!([entry("Halted"), entry("Halted")])).unwrap_err();
    assert!(twice.contains("there twice"), "{twice}");
    let many: Vec<_> = (0..=HaltMachine::MOST)
        .map(|id| {
            serde_json::json!({
                "halt": { "cause": "Operator", "level": "Halted", "scope": { "Symbol": id } },
                "since": 0,
            })
        })
        .collect();
    assert!(read(serde_json::json!(many[1..])).is_ok());
    let many = read(serde_json::json!(many)).unwrap_err();
    assert!(many.contains("257 halts"), "{many}");
}

#[test]
fn refusals_name_the_cause() {
    let code = |cause| halt_reason(&Halt::new(cause, HaltScope::Account)).code;
    for cause in CAUSES {
        let expected = match cause {
            HaltCause::Drawdown => ReasonCode::MaxDrawdown,
            HaltCause::CircuitBreaker => ReasonCode::CircuitBreaker,
            HaltCause::DailyLoss => ReasonCode::DailyLoss,
            _ => ReasonCode::Halted,
        };
        assert_eq!(code(cause), expected);
    }
    let reason = halt_reason(&Halt::new(HaltCause::Operator, HaltScope::Account));
    assert_eq!((reason.limit, reason.observed), (0.0, 2.0));
}
