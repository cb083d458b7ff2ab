//! Whatever Binance may send is read or refused: nothing panics, a refused frame says nothing,
//! and what an engine takes as an input is sound.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tradewright::types::{
    Instrument, InstrumentId, Instruments, Intent, Order, OrderId, Period, Qty, Side, SlotId,
    Timestamp,
};
use tradewright::venue::binance::{
    ExchangeInfo, MarketDecoder, ReplyDecoder, Signature, UserDecoder, VenueError, WsParams,
    WsReply, decode_aggregate_trades, decode_depth, decode_klines, decode_listen_key,
    decode_server_time,
};
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
    if UserDecoder::new(symbols.clone()).decode(bytes, &mut news).is_err() {
        assert!(news.is_empty());
    }
    replies(bytes, symbols);
    history(bytes);
    let _ = decode_depth(InstrumentId(0), bytes);
    let _ = VenueError::decode(bytes).map(|error| error.banned_until_millis());
});

/// Answers to requests: what is refused appends nothing.
fn replies(bytes: &[u8], symbols: Symbols) {
    let mut decoder = ReplyDecoder::new(symbols);
    let intent = Intent::market(SlotId(1), InstrumentId(0), Side::Buy, Qty::new(1.into()));
    let id = OrderId::new(1, SlotId(2), 3);
    let order = Order { id, intent, created_at: Timestamp::EPOCH };
    let _ = (decoder.submitted(&order, bytes), decoder.replaced(&order, bytes));
    let _ = (decoder.order(bytes), decoder.conditional(bytes));
    let mut orders = Vec::new();
    if decoder.orders(bytes, &mut orders).is_err() {
        assert!(orders.is_empty());
    }
    let mut fills = Vec::new();
    if decoder.trades(bytes, |_| None, &mut fills).is_err() {
        assert!(fills.is_empty());
    }
    for fill in &fills {
        assert!(fill.fill.quantity.value() > 0.into());
    }
    let mut balances = Vec::new();
    if decoder.balances(bytes, &mut balances).is_err() {
        assert!(balances.is_empty());
    }
    let mut positions = Vec::new();
    if decoder.positions(bytes, &mut positions).is_err() {
        assert!(positions.is_empty());
    }
    // A request is verified from the bytes that a stranger has sent.
    if let Ok(params) = WsParams::read(bytes) {
        let _ = params.get("signature").map(Signature::parse);
        assert!(!params.payload().starts_with('&'));
    }
    let _ = WsReply::read(bytes);
}

/// Rules and the past: every instrument that is made can be added to a table.
fn history(bytes: &[u8]) {
    if let Ok(info) = ExchangeInfo::decode(bytes) {
        for listing in info.listings(20).listings {
            let mut table = Instruments::new();
            let _ = table.add(listing.instrument);
        }
    }
    let of = (InstrumentId(0), Period::MINUTE);
    let mut news = Vec::new();
    let at = Timestamp::from_secs(1_700_000_000).expect("a sound time");
    if decode_klines(at, of, bytes, &mut news).is_err() {
        assert!(news.is_empty());
    }
    if decode_aggregate_trades(InstrumentId(0), bytes, &mut news).is_ok() {
        for item in &news {
            if let MarketNews::Event(sighting) = item {
                assert_eq!(sighting.event.check(), Ok(()));
            }
        }
    }
    let _ = (decode_server_time(bytes), decode_listen_key(bytes));
}
