//! A quote is read and an order is written and signed without a single allocation, once the
//! buffers have their size.
//!
//! A binary of its own, because the counting allocator is the process's and counts every thread.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tradewright::types::{
    Decimal, Instrument, InstrumentId, Instruments, Intent, Order, OrderId, OrderKind, Price, Qty,
    Side, SlotId, Timestamp,
};
use tradewright::venue::Symbols;
use tradewright::venue::binance::BinanceMarket::{self, Spot, UsdFutures};
use tradewright::venue::binance::{
    Credentials, MarketDecoder, OrderRoute, Request, Requests, SecretString, Signing,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FRAMES: [&str; 6] = [
    r#"{"stream":"btcusdt@bookTicker","data":{"u":50093240419,"s":"BTCUSDT","b":"61826.01000000",
    "B":"0.00009000","a":"61826.02000000","A":"1.41956000"}}"#,
    r#"{"u":50093240420,"s":"BTCUSDT","b":"61826.01","B":"0.00009","a":"61826.02","A":"1.41"}"#,
    r#"{"e":"aggTrade","E":1633998288468,"s":"BTCUSDT","a":425086,"p":"13.80760000",
    "q":"105.82000000","f":439578,"l":439578,"T":1633998288467,"m":false,"M":true}"#,
    // As the venue writes them, without white space.
    concat!(
        r#"{"stream":"btcusdt@bookTicker","data":{"u":50093240419,"s":"BTCUSDT","#,
        r#""b":"61826.01000000","B":"0.00009000","a":"61826.02000000","A":"1.41956000"}}"#
    ),
    concat!(
        r#"{"e":"aggTrade","E":1633998288468,"s":"BTCUSDT","a":425086,"p":"13.80760000","#,
        r#""q":"105.82000000","f":439578,"l":439578,"T":1633998288467,"m":false,"M":true}"#
    ),
    concat!(
        r#"{"e":"kline","E":1633998290610,"s":"BTCUSDT","k":{"t":1633998240000,"#,
        r#""T":1633998299999,"s":"BTCUSDT","i":"1m","f":439572,"L":439579,"o":"13.72120000","#,
        r#""c":"13.80040000","h":"13.80760000","l":"13.72120000","v":"319.42000000","n":8,"#,
        r#""x":true,"q":"4396.50655900","V":"231.60000000","Q":"3187.75743000","B":"0"}}"#
    ),
];

fn table(market: BinanceMarket) -> Instruments {
    let mut table = Instruments::new();
    let builder = match market {
        Spot => Instrument::spot("BTCUSDT", "BTC", "USDT"),
        UsdFutures => Instrument::linear_perpetual("BTCUSDT", "BTC", "USDT"),
    };
    table.add(builder.tick("0.01").step("0.00001")).unwrap();
    table
}

fn order(sequence: u64, kind: OrderKind) -> Order {
    let quantity = Qty::new(Decimal::new(2_500 + i64::try_from(sequence).unwrap(), 5));
    let mut intent = Intent::market(SlotId(1), InstrumentId(0), Side::Buy, quantity);
    intent.kind = kind;
    Order { id: OrderId::new(7, SlotId(1), 1_000 + sequence), intent, created_at: Timestamp::EPOCH }
}

/// One round: every frame is read; a limit and a stop are placed and cancelled, each over HTTP
/// and over the WebSocket API. Returns what was written.
fn round(
    sequence: u64,
    requests: &Requests,
    signing: &Signing,
    (request, text): (&mut Request, &mut String),
) -> usize {
    let at = Timestamp::from_secs(1_700_000_000).unwrap();
    let price = Price::new(Decimal::new(6_182_601, 2)).unwrap();
    let mut written = 0;
    for kind in [OrderKind::Limit { price }, OrderKind::StopLimit { trigger: price, price }] {
        let order = order(sequence, kind);
        let route = OrderRoute::of(requests.market(), kind);
        for step in 0..2 {
            match step {
                0 => requests.place(&order, request).unwrap(),
                _ => requests.cancel(route, InstrumentId(0), order.id, request).unwrap(),
            }
            signing.write_query(at, request, text).unwrap();
            written += text.len();
            signing.write_message(at, sequence, request, text).unwrap();
            written += text.len();
        }
    }
    written
}

#[test]
fn codecs_allocate_nothing_after_warm_up() {
    let secret = SecretString::from("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fA");
    let signing = Signing::new(Credentials::hmac("vmPUZE6mv9SD5VNH", &secret).unwrap());
    let mut decoder = MarketDecoder::new(Symbols::of(&table(Spot)));
    let mut news = Vec::with_capacity(FRAMES.len());
    let makers = [Spot, UsdFutures].map(|market| {
        let table = table(market);
        Requests::new(market, &table, Symbols::of(&table))
    });
    let (mut request, mut text) = (Request::new(), String::new());
    for requests in &makers {
        // The longest texts: buffers have their size from now on.
        round(999, requests, &signing, (&mut request, &mut text));
    }
    decoder.decode(FRAMES[0].as_bytes(), &mut news).unwrap();

    let mut written = 0;
    let mut rounds = || {
        let region = Region::new(ALLOCATOR);
        for sequence in 1..1_000 {
            news.clear();
            for frame in FRAMES {
                decoder.decode(frame.as_bytes(), &mut news).unwrap();
            }
            for requests in &makers {
                written += round(sequence, requests, &signing, (&mut request, &mut text));
            }
        }
        let Stats { allocations, reallocations, deallocations, .. } = region.change();
        (allocations, reallocations, deallocations)
    };
    // The thread that has started this one may still allocate a little; what codecs would allocate
    // they would allocate every time.
    let mut seen = rounds();
    for _ in 0..4 {
        seen = seen.min(rounds());
    }
    assert_eq!((news.len(), decoder.counts().foreign), (FRAMES.len(), 0));
    assert!(written > 999 * 2 * 8 * 100, "{written}");
    assert_eq!(seen, (0, 0, 0));
}
