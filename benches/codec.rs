//! What it costs to read a frame of Binance.

#![allow(missing_docs, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradewright::types::{Instrument, Instruments};
use tradewright::venue::Symbols;
use tradewright::venue::binance::MarketDecoder;

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
    let mut group = criterion.benchmark_group("decode");
    for (name, frame) in FRAMES {
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

criterion_group!(benches, decode);
criterion_main!(benches);
