//! Whatever dYdX's indexer may send is read or refused: nothing panics, a refused frame says
//! nothing, and what an engine takes as an input is sound.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tradewright::types::{Decimal, Instrument, InstrumentId, Instruments, Timestamp};
use tradewright::venue::dydx::{
    IndexerDecoder, decode_account, decode_broadcast, decode_candles, decode_fills,
    decode_funding, decode_height, decode_holdings, decode_markets, decode_orderbook,
    decode_orders, decode_time, decode_trades,
};
use tradewright::venue::{MarketNews, Symbols};

fuzz_target!(|bytes: &[u8]| {
    let mut table = Instruments::new();
    let bitcoin = Instrument::linear_perpetual("BTC-USD", "BTC", "USDC");
    table.add(bitcoin).expect("a sound instrument");
    let symbols = Symbols::of(&table);
    let mut decoder = IndexerDecoder::new(symbols.clone());
    let at = Timestamp::EPOCH;
    // Several frames of one connection, a line each.
    for frame in bytes.split(|byte| *byte == b'\n') {
        let (mut news, mut own) = (Vec::new(), Vec::new());
        if decoder.decode(at, frame, &mut news, &mut own).is_err() {
            assert!(news.is_empty() && own.is_empty());
        }
        for item in &news {
            if let MarketNews::Event(sighting) = item {
                assert_eq!(sighting.event.check(), Ok(()));
            }
        }
    }
    let mut own = Vec::new();
    let _ = decoder.fills(at, bytes, &mut own);
    let _ = decoder.positions(at, bytes, &mut own);
    let _ = decoder.subaccount(at, bytes, &mut own);
    let id = InstrumentId(0);
    let _ = decode_orderbook(id, 1, bytes);
    let _ = decode_trades(id, bytes);
    let _ = decode_candles(at, id, bytes);
    let _ = decode_funding(id, bytes);
    let _ = decode_height(bytes);
    let _ = decode_time(bytes);
    let listed = decode_fills(&symbols, bytes).unwrap_or_default();
    assert!(listed.fills.len() <= listed.count);
    for order in decode_orders(bytes).unwrap_or_default() {
        let _ = order.stands(&symbols, order.own(), u64::MAX);
    }
    if let Ok(holdings) = decode_holdings(bytes) {
        let _ = (holdings.wallet(), holdings.bound());
    }
    if let Ok(Err(refusal)) = decode_broadcast(bytes) {
        let _ = refusal.expected_sequence();
    }
    let _ = decode_account(bytes);
    for market in decode_markets(bytes).unwrap_or_default() {
        let _ = market.quantums(market.step);
        let _ = market.subticks(Decimal::MAX);
        let _ = market.price(u64::MAX);
        let _ = Instruments::new().add(market.instrument());
    }
});
