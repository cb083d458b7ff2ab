//! No bytes may make a strategy's restore panic, nor its next bars.

#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use tradewright::backtest::{drive, synthetic};
use tradewright::strategy::{StrategyContext, StrategyRegistry};

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, rest)) = bytes.split_first() else { return };
    let registry = StrategyRegistry::new();
    let names: Vec<_> = registry.names().collect();
    let name = names[usize::from(which) % names.len()];
    let tape = synthetic(40, 1);
    let universe: Vec<_> = tape.instruments().iter().map(|instrument| instrument.id).collect();
    let context = StrategyContext::new(tape.instruments(), &universe);
    let Ok(built) = registry.build_default(name, &context) else { return };
    let mut strategy = built.strategy;
    drive(&mut strategy, &tape);
    let saved = strategy.save().expect("built-ins have a state");
    if strategy.restore(&support::raw_or_edited(&saved, rest)).is_ok() {
        drive(&mut strategy, &tape);
        strategy.save().expect("what was read can be written");
    }
});
