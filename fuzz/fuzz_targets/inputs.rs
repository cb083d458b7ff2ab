//! Whatever comes in at the engine's door, it answers or refuses; nothing makes it panic.

#![no_main]

mod support;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tradewright::backtest::{Backtest, Recording, Run, Tape, replay, synthetic};
use tradewright::engine::{Input, Policy};
use tradewright::risk::EnhancedRiskManager;
use tradewright::types::Timestamp;

fn simulation(tape: &Tape) -> Option<Run> {
    let backtest = Backtest::new(tape)
        .risk(EnhancedRiskManager::default())
        .policy(Policy::Reverse)
        .strategy_with("MEAN_REVERSION", r#"{"window": 3, "std_dev_factor": 0.5}"#);
    backtest.prepare(()).ok().map(|(_, simulation)| simulation)
}

/// The inputs of a short run, each in its written form.
static RECORDED: LazyLock<(Tape, Vec<u8>)> = LazyLock::new(|| {
    let tape = synthetic(30, 1);
    let mut first = simulation(&tape).expect("a sound backtest").recorded();
    first.run(tape.events()).expect("sound events");
    let inputs = first.recording().expect("it is recorded").inputs();
    (tape, rmp_serde::to_vec_named(inputs).expect("a written form"))
});

fuzz_target!(|bytes: &[u8]| {
    let (tape, recorded) = &*RECORDED;
    let edited = support::raw_or_edited(recorded, bytes);
    let Ok(inputs) = rmp_serde::from_slice::<Vec<(Timestamp, Input)>>(&edited) else { return };
    let Some(simulation) = simulation(tape) else { return };
    let mut engine = simulation.into_engine();
    for (at, input) in inputs {
        let mut one = Recording::new();
        one.push(at, input);
        // What is refused changes nothing, so that the next one is taken.
        let _ = replay(&mut engine, &one);
    }
});
