//! No bytes may make a restore panic, nor the run that follows it.

#![no_main]

mod support;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tradewright::backtest::{Backtest, Run, Tape, synthetic};
use tradewright::engine::{Netting, Policy};
use tradewright::risk::EnhancedRiskManager;

const BARS: usize = 60;

fn simulation(tape: &Tape) -> Option<Run> {
    let backtest = Backtest::new(tape)
        .risk(EnhancedRiskManager::default())
        .policy(Policy::LongShort)
        .netting(Netting::AtMark)
        .strategy_with("MEAN_REVERSION", r#"{"window": 5, "std_dev_factor": 1.0}"#)
        .strategy_with("EMA_CROSS", r#"{"fast": 2, "slow": 4}"#);
    backtest.prepare(()).ok().map(|(_, simulation)| simulation)
}

static SAVED: LazyLock<(Tape, Vec<u8>)> = LazyLock::new(|| {
    let tape = synthetic(BARS, 1);
    let mut first = simulation(&tape).expect("a sound backtest");
    first.run(&tape.events()[..BARS / 2]).expect("sound events");
    let saved = first.save().expect("a state");
    (tape, saved)
});

fuzz_target!(|bytes: &[u8]| {
    let (tape, saved) = &*SAVED;
    let Some(mut simulation) = simulation(tape) else { return };
    if simulation.restore(&support::raw_or_edited(saved, bytes)).is_ok() {
        let _ = simulation.run(&tape.events()[BARS / 2..]);
        let _ = simulation.save();
    }
});
