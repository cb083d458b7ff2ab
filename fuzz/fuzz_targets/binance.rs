//! Whatever Binance may send is read or refused: nothing panics, a refused frame says nothing,
//! and what an engine takes as an input is sound.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tradewright::types::{Instrument, InstrumentId, Instruments};
use tradewright::venue::binance::{MarketDecoder, UserDecoder, VenueError, decode_depth};
use tradewright::venue::{MarketNews, Symbols};

fuzz_target!(|bytes: &[u8]| {
    let mut table = Instruments::new();
    table.add(Instrument::spot("BTCUSDT", "BTC", "USDT")).expect("a sound instrument");
    let symbols = Symbols::of(&table);
    let mut news = Vec::new();
    if MarketDecoder::new(symbols.clone()).decode(bytes, &mut news).is_err() {
        assert!(news.is_empty());
    }
    for item in &news {
        if let MarketNews::Event(sighting) = item {
            assert_eq!(sighting.event.check(), Ok(()));
        }
    }
    let mut news = Vec::new();
    if UserDecoder::new(symbols).decode(bytes, &mut news).is_err() {
        assert!(news.is_empty());
    }
    let _ = decode_depth(InstrumentId(0), bytes);
    let _ = VenueError::decode(bytes).map(|error| error.banned_until_millis());
});
