//! What it costs to read a frame of Binance, and to write and sign an order.

#![allow(missing_docs, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradewright::types::{
    Decimal, Grid, Instrument, Instruments, Intent, MarketEvent, Order, OrderId, OrderKind, Price,
    Qty, Side, SlotId, Timestamp,
};
use tradewright::venue::binance::{
    BinanceMarket, Credentials, Ed25519Key, MarketDecoder, Request, Requests, SecretString, Signing,
};
use tradewright::venue::{MarketNews, Symbols};

const FRAMES: [(&str, &str); 4] = [
    (
        "bookTicker",
        concat!(
            r#"{"stream":"btcusdt@bookTicker","data":{"u":50093240419,"s":"BTCUSDT","#,
            r#""b":"61826.01000000","B":"0.00009000","a":"61826.02000000","A":"1.41956000"}}"#
        ),
    ),
    (
        "aggTrade",
        concat!(
            r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1633998288468,"#,
            r#""s":"BTCUSDT","a":425086,"p":"13.80760000","q":"105.82000000","f":439578,"#,
            r#""l":439578,"T":1633998288467,"m":false,"M":true}}"#
        ),
    ),
    (
        "kline",
        concat!(
            r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1633998290610,"s":"BTCUSDT","#,
            r#""k":{"t":1633998240000,"T":1633998299999,"s":"BTCUSDT","i":"1m","f":439572,"#,
            r#""L":439579,"o":"13.72120000","c":"13.80040000","h":"13.80760000","#,
            r#""l":"13.72120000","v":"319.42000000","n":8,"x":true,"q":"4396.50655900","#,
            r#""V":"231.60000000","Q":"3187.75743000","B":"0"}}}"#
        ),
    ),
    (
        "depthUpdate",
        concat!(
            r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161611579,"#,
            r#""s":"BTCUSDT","U":35346677833,"u":35346677840,"b":[["2683.51000000","#,
            r#""3.72530000"],["2681.10000000","0.01770000"]],"a":[["2683.54000000","#,
            r#""2.14600000"],["2683.87000000","0.00000000"],["2683.93000000","3.72470000"],"#,
            r#"["2684.29000000","0.00500000"],["2685.19000000","4.49570000"]]}}"#
        ),
    ),
];

fn decode(criterion: &mut Criterion) {
    let mut table = Instruments::new();
    table.add(Instrument::spot("BTCUSDT", "BTC", "USDT")).expect("a sound instrument");
    let mut decoder = MarketDecoder::new(Symbols::of(&table));
    let mut news = Vec::with_capacity(4);
    // White space behind a frame means nothing, but the venue writes none: such a frame is read
    // by the reader that knows all of JSON, as are rarer events.
    for (title, behind) in [("decode", ""), ("decode with all of JSON in mind", " ")] {
        let mut group = criterion.benchmark_group(title);
        for (name, frame) in FRAMES {
            let frame = format!("{frame}{behind}");
            group.throughput(Throughput::Bytes(frame.len() as u64));
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    news.clear();
                    decoder.decode(black_box(frame.as_bytes()), &mut news).expect("a sound frame")
                });
            });
        }
        group.finish();
    }
}

/// The documentation's example key, and a key of Ed25519 that nobody uses.
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n\
    -----END PRIVATE KEY-----\n";

fn table() -> Instruments {
    let mut table = Instruments::new();
    let spot = Instrument::spot("BTCUSDT", "BTC", "USDT").tick("0.01").step("0.00001");
    table.add(spot).expect("a sound instrument");
    table
}

fn order(table: &Instruments, price: Decimal) -> Order {
    let instrument = table.iter().next().expect("an instrument").id;
    let quantity = Qty::new(Decimal::new(2_500, 5));
    let mut intent = Intent::market(SlotId(1), instrument, Side::Buy, quantity);
    intent.kind = OrderKind::Limit { price: Price::new(price).expect("above zero") };
    Order { id: OrderId::new(7, SlotId(1), 1_234), intent, created_at: Timestamp::EPOCH }
}

fn encode(criterion: &mut Criterion) {
    let table = table();
    let requests = Requests::new(BinanceMarket::Spot, &table, Symbols::of(&table));
    let secret = SecretString::from(SECRET);
    let hmac = Signing::new(Credentials::hmac("key", &secret).expect("a sound key"));
    let pem = SecretString::from(PEM);
    Ed25519Key::from_pem(&pem).expect("a sound key");
    let ed25519 = Signing::new(Credentials::ed25519("key", &pem).expect("a sound key"));
    let order = order(&table, Decimal::new(6_182_601, 2));
    let at = Timestamp::from_secs(1_700_000_000).expect("a sound time");
    let (mut request, mut text) = (Request::new(), String::new());

    let mut group = criterion.benchmark_group("order");
    group.bench_function("request", |bencher| {
        bencher.iter(|| requests.place(black_box(&order), &mut request).expect("a sound order"));
    });
    for (name, signing) in [("query, HMAC", &hmac), ("query, Ed25519", &ed25519)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                requests.place(black_box(&order), &mut request).expect("a sound order");
                signing.write_query(at, &request, &mut text).expect("a signature");
            });
        });
    }
    group.bench_function("message, HMAC", |bencher| {
        bencher.iter(|| {
            requests.place(black_box(&order), &mut request).expect("a sound order");
            hmac.write_message(at, 12, &request, &mut text).expect("a signature");
        });
    });
    // The library's own part of the way from a quote to an order: without strategy and risk.
    let mut decoder = MarketDecoder::new(Symbols::of(&table));
    let mut news = Vec::with_capacity(4);
    group.bench_function("bookTicker to signed order", |bencher| {
        bencher.iter(|| {
            news.clear();
            decoder.decode(black_box(FRAMES[0].1.as_bytes()), &mut news).expect("a sound frame");
            let [MarketNews::Event(sighting)] = &news[..] else { return };
            let MarketEvent::Quote(quote) = sighting.event else { return };
            let price = Grid::CENTS.nearest(quote.bid).expect("a price");
            let order = self::order(&table, price);
            requests.place(black_box(&order), &mut request).expect("a sound order");
            hmac.write_query(at, &request, &mut text).expect("a signature");
        });
    });
    group.finish();
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
