//! No bytes may make the reader of recordings panic; what it reads, it writes back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tradewright::backtest::Recording;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(recording) = Recording::read(bytes) {
        let mut written = Vec::new();
        recording.write(&mut written).expect("memory takes everything");
        let again = Recording::read(&written[..]).expect("what was written is sound");
        assert_eq!(format!("{recording:?}"), format!("{again:?}"));
    }
});
