//! Parameters from outside build a strategy or are refused in words; what is built works.

#![no_main]

mod support;

use libfuzzer_sys::fuzz_target;
use tradewright::backtest::{drive, synthetic};
use tradewright::strategy::{StrategyContext, StrategyRegistry};

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, rest)) = bytes.split_first() else { return };
    let registry = StrategyRegistry::new();
    let list = registry.list();
    let info = &list[usize::from(which) % list.len()];
    let defaults = info.parameters.iter();
    let defaults: serde_json::Map<_, _> = defaults
        .map(|parameter| (parameter.spec.name.to_owned(), parameter.default.clone()))
        .collect();
    let valid = serde_json::to_vec(&defaults).expect("defaults have a written form");
    let text = support::raw_or_edited(&valid, rest);
    let Ok(text) = core::str::from_utf8(&text) else { return };
    let tape = synthetic(30, 1);
    let universe: Vec<_> = tape.instruments().iter().map(|instrument| instrument.id).collect();
    let context = StrategyContext::new(tape.instruments(), &universe);
    match registry.build_json(&info.name, text, &context) {
        Ok(mut built) => {
            drive(&mut built.strategy, &tape);
        }
        Err(error) => assert!(error.to_string().contains(&info.name), "{error}"),
    }
});
