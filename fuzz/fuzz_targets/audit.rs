//! Lines of an audit log may be anything: they are read or refused, and folding them never panics.

#![no_main]

mod support;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tradewright::backtest::{Backtest, synthetic};
use tradewright::order::audit::{AuditEntry, AuditLog, AuditState};

/// The log of a short run.
static LOG: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let tape = synthetic(30, 1);
    let log = AuditLog::new(Vec::new(), tape.instruments().clone());
    let backtest = Backtest::new(&tape)
        .strategy_with("MEAN_REVERSION", r#"{"window": 3, "std_dev_factor": 0.5}"#);
    let (_, log) = backtest.run_with(log).expect("a sound backtest");
    log.into_writer()
});

fuzz_target!(|bytes: &[u8]| {
    let log = support::raw_or_edited(&LOG, bytes);
    let lines = log.split(|byte| *byte == b'\n');
    let entries: Vec<AuditEntry> =
        lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let (state, _) = AuditState::fold(&entries);
    assert!(state.live().all(|order| !order.status.is_terminal()));
    for entry in &entries {
        let line = serde_json::to_vec(entry).expect("what was read can be written");
        let again: AuditEntry = serde_json::from_slice(&line).expect("and read again");
        assert_eq!(format!("{again:?}"), format!("{entry:?}"));
    }
});
