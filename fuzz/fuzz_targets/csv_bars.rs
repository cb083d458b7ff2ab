//! A file of bars may hold anything: it is read or refused, and what was read is sound.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tradewright::backtest::{CsvBars, Tape};
use tradewright::types::{Instrument, InstrumentId, Period};

fuzz_target!(|bytes: &[u8]| {
    let share = || Instrument::stock("X", "USD");
    let strict = CsvBars::from_reader(bytes, "fuzz").load(share());
    let lenient = CsvBars::from_reader(bytes, "fuzz").lenient().load(share());
    if let Ok(tape) = &strict {
        assert!(lenient.is_ok(), "what a strict reader takes, a lenient one takes");
        check(tape);
    }
    if let Ok(tape) = &lenient {
        check(tape);
    }
    let snapped = CsvBars::from_reader(bytes, "fuzz").adjusted_by("adj_close").lenient().snap();
    if let Ok(tape) = snapped.load(share()) {
        check(&tape);
        let week = Period::minutes(7 * 24 * 60);
        let _ = tape.with_resampled(InstrumentId(0), week).map(|tape| check(&tape));
    }
});

fn check(tape: &Tape) {
    assert!(!tape.is_empty());
    assert!(tape.events().is_sorted_by_key(|timed| timed.at));
    assert!(tape.events().iter().all(|timed| timed.event.check().is_ok()));
}
