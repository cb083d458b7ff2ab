//! No bytes may make the reader of recordings panic; what it reads, it writes back the same.
//!
//! Each input stands in a frame with its length and checksum, so that bytes which are not nearly a
//! recording never come past the header. The inside of a frame is what `inputs` tries.

#![no_main]

mod support;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tradewright::backtest::{Backtest, Recording, Run, synthetic};

/// A short run with its orders, as it is written.
static WRITTEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let tape = synthetic(12, 1);
    let backtest = Backtest::new(&tape)
        .strategy_with("MEAN_REVERSION", r#"{"window": 3, "std_dev_factor": 0.5}"#);
    let run: Run = backtest.prepare(()).expect("a sound backtest").1;
    let mut run = run.recorded();
    run.run(tape.events()).expect("sound events");
    let mut written = Vec::new();
    run.recording().expect("it is recorded").write(&mut written).expect("memory takes everything");
    written
});

fn same(one: &Recording, other: &Recording) {
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}

fuzz_target!(|bytes: &[u8]| {
    // The first byte cuts the end off, as a power failure does.
    let Some((&cut, bytes)) = bytes.split_first() else { return };
    let mut edited = support::raw_or_edited(&WRITTEN, bytes);
    edited.truncate(edited.len().saturating_sub(usize::from(cut)));
    let whole = Recording::read(&edited[..]);
    if let Ok(recording) = &whole {
        let mut written = Vec::new();
        recording.write(&mut written).expect("memory takes everything");
        same(recording, &Recording::read(&written[..]).expect("what was written is sound"));
    }
    if let Ok((recording, end)) = Recording::read_interrupted(&edited[..]) {
        match (&whole, end) {
            (Ok(whole), None) => same(whole, &recording),
            (Err(_), Some(end)) => assert!(end <= edited.len()),
            (whole, end) => panic!("two readers differ: {whole:?} {end:?}"),
        }
    }
});
