//! Bytes from outside that are nearly right: what is read is lived with, the rest is refused, and
//! nothing panics. The fuzz targets do the same with a fuzzer's patience.

use std::sync::LazyLock;

use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};
use tradewright::backtest::{Backtest, Recording, Run, drive, replay, synthetic};
use tradewright::engine::{Input, Netting};
use tradewright::order::audit::{AuditEntry, AuditLog, AuditState};
use tradewright::prelude::*;
use tradewright::strategy::StrategyContext;

const BARS: usize = 60;

static TAPE: LazyLock<Tape> = LazyLock::new(|| synthetic(BARS, 1));

fn simulation() -> Run {
    let backtest = Backtest::new(&TAPE)
        .risk(EnhancedRiskManager::default())
        .policy(Policy::LongShort)
        .netting(Netting::AtMark)
        .strategy_with("MEAN_REVERSION", r#"{"window": 5, "std_dev_factor": 1.0}"#)
        .strategy_with("EMA_CROSS", r#"{"fast": 2, "slow": 4}"#);
    backtest.prepare(()).unwrap().1
}

/// Bytes to overwrite: where, as a share of the length, and with what.
type Edits = Vec<(f64, u8)>;

fn edits() -> impl proptest::strategy::Strategy<Value = Edits> {
    prop::collection::vec((0.0..1.0, proptest::num::u8::ANY), 1..6)
}

fn edited(valid: &[u8], edits: &Edits) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for (place, value) in edits {
        let place = (place * bytes.len() as f64) as usize;
        if let Some(byte) = bytes.get_mut(place) {
            *byte = *value;
        }
    }
    bytes
}

/// A state in the middle of a run.
static SAVED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut first = simulation();
    first.run(&TAPE.events()[..BARS / 2]).unwrap();
    first.save().unwrap()
});

/// The inputs of a run, in their written form.
static INPUTS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut first = simulation().recorded();
    first.run(TAPE.events()).unwrap();
    rmp_serde::to_vec_named(first.recording().unwrap().inputs()).unwrap()
});

/// The audit log of a run.
static LOG: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let log = AuditLog::new(Vec::new(), TAPE.instruments().clone());
    let backtest = Backtest::new(&TAPE).strategy_with("EMA_CROSS", r#"{"fast": 2, "slow": 4}"#);
    backtest.run_with(log).unwrap().1.into_writer()
});

fn with_context<T>(run: impl FnOnce(&StrategyRegistry, &StrategyContext<'_>) -> T) -> T {
    let universe: Vec<_> = TAPE.instruments().iter().map(|instrument| instrument.id).collect();
    run(&StrategyRegistry::new(), &StrategyContext::new(TAPE.instruments(), &universe))
}

#[test]
fn what_is_not_damaged_goes_through() {
    let mut second = simulation();
    second.restore(&SAVED).unwrap();
    second.run(&TAPE.events()[BARS / 2..]).unwrap();
    let inputs: Vec<(Timestamp, Input)> = rmp_serde::from_slice(&INPUTS).unwrap();
    assert!(inputs.iter().any(|(_, input)| matches!(input, Input::Order(_))));
    let lines = LOG.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let entries: Vec<AuditEntry> =
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    assert_eq!(AuditState::fold(&entries).1, []);
    assert!(entries.len() > 10);
}

proptest! {
    #[test]
    fn a_damaged_snapshot(edits in edits()) {
        let mut simulation = simulation();
        if simulation.restore(&edited(&SAVED, &edits)).is_ok() {
            let _ = simulation.run(&TAPE.events()[BARS / 2..]);
            let _ = simulation.save();
        }
    }

    #[test]
    fn damaged_inputs(edits in edits()) {
        let inputs = rmp_serde::from_slice::<Vec<(Timestamp, Input)>>(&edited(&INPUTS, &edits));
        let mut engine = simulation().into_engine();
        for (at, input) in inputs.unwrap_or_default() {
            let mut one = Recording::new();
            one.push(at, input);
            // What is refused changes nothing, so that the next one is taken.
            let _ = replay(&mut engine, &one);
        }
    }

    #[test]
    fn a_damaged_state_of_a_strategy(which in 0_usize..64, edits in edits()) {
        with_context(|registry, context| {
            let names: Vec<_> = registry.names().collect();
            // One instrument is too few for some.
            let built = registry.build_default(names[which % names.len()], context);
            let Ok(built) = built else { return Ok(()) };
            let mut strategy = built.strategy;
            drive(&mut strategy, &TAPE);
            let saved = strategy.save().unwrap();
            if strategy.restore(&edited(&saved, &edits)).is_ok() {
                drive(&mut strategy, &TAPE);
                prop_assert!(strategy.save().is_ok());
            }
            Ok(())
        })?;
    }

    #[test]
    fn damaged_parameters(which in 0_usize..64, edits in edits()) {
        with_context(|registry, context| {
            let list = registry.list();
            let info = &list[which % list.len()];
            let defaults = info.parameters.iter();
            let defaults: serde_json::Map<_, _> = defaults
                .map(|parameter| (parameter.spec.name.to_owned(), parameter.default.clone()))
                .collect();
            let text = edited(&serde_json::to_vec(&defaults).unwrap(), &edits);
            let text = String::from_utf8_lossy(&text);
            match registry.build_json(&info.name, &text, context) {
                Ok(mut built) => {
                    drive(&mut built.strategy, &TAPE);
                }
                Err(error) => prop_assert!(error.to_string().contains(&info.name), "{}", error),
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_damaged_audit_log(edits in edits()) {
        let log = edited(&LOG, &edits);
        let lines = log.split(|byte| *byte == b'\n');
        let entries: Vec<AuditEntry> =
            lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let (state, _) = AuditState::fold(&entries);
        prop_assert!(state.live().all(|order| !order.status.is_terminal()));
        for entry in &entries {
            let line = serde_json::to_vec(entry).unwrap();
            let again: AuditEntry = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(format!("{again:?}"), format!("{entry:?}"));
        }
    }
}
