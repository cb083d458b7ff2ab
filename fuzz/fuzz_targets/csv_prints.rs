//! A file of prints may hold anything: it is read or refused, and what was read is sound.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tradewright::backtest::CsvPrints;
use tradewright::types::{Instrument, InstrumentId, Period};

fuzz_target!(|bytes: &[u8]| {
    let coin = Instrument::spot("XY", "X", "Y");
    let Ok(tape) = CsvPrints::from_reader(bytes, "fuzz").lenient().load(coin) else { return };
    let id = InstrumentId(0);
    for period in [Period::MINUTE, Period::prints(3), Period::volume(10), Period::value(10)] {
        let made = tape.clone().with_resampled(id, period).expect("prints make bars");
        assert!(made.events().is_sorted_by_key(|timed| timed.at));
        assert!(made.events().iter().all(|timed| timed.event.check().is_ok()));
    }
});
