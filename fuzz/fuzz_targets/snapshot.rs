//! No bytes may make a restore panic, nor the run that follows it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tradewright::backtest::{Backtest, synthetic};
use tradewright::risk::EnhancedRiskManager;

fuzz_target!(|bytes: &[u8]| {
    let tape = synthetic(40, 1);
    let backtest = Backtest::new(&tape).risk(EnhancedRiskManager::default());
    let Ok((_, mut simulation)) = backtest.strategy("MEAN_REVERSION").prepare(()) else { return };
    if simulation.restore(bytes).is_ok() {
        let _ = simulation.run(tape.events());
    }
});
