//! One bar through `Box<dyn Strategy>` for the three named strategies: `cargo bench --bench
//! strategies`. The figure is the time for [`BARS`] bars; it includes dispatch, conversion to ticks
//! and the advice, not the engine.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tradewright::strategy::{Advice, Event, Strategy, StrategyContext, StrategyRegistry};
use tradewright::types::{
    Bar, FactBook, Facts, Instrument, InstrumentId, Instruments, MarketEvent, Period, SlotId,
    Timestamp,
};

const BARS: u64 = 100_000;

fn strategies(criterion: &mut Criterion) {
    let mut table = Instruments::new();
    let instrument = Instrument::spot("BTCUSDT", "BTC", "USDT").volume_digits(5);
    let universe = [table.add(instrument).expect("a sound instrument")];
    let context = StrategyContext::new(&table, &universe);
    let registry = StrategyRegistry::new();
    let events = walk();
    let mut group = criterion.benchmark_group("bars");
    group.throughput(Throughput::Elements(BARS));
    for (label, name, parameters) in [
        ("MEAN_REVERSION", "MEAN_REVERSION", "{}"),
        ("MEAN_REVERSION float", "MEAN_REVERSION", r#"{"arithmetic": "float"}"#),
        ("BREAKOUT", "BREAKOUT", "{}"),
        ("VWAP cumulative", "VWAP", "{}"),
        ("VWAP session", "VWAP", r#"{"anchor": {"session": {"zone": "UTC", "reset": "00:00"}}}"#),
        ("VWAP rolling", "VWAP", r#"{"anchor": {"rolling": {"bars": 390}}}"#),
    ] {
        let built = registry.build_json(name, parameters, &context).expect("sound parameters");
        let mut strategy = built.strategy;
        group.bench_function(label, |bencher| {
            bencher.iter(|| run(black_box(&mut *strategy), &table, &events));
        });
    }
    group.finish();
}

fn run(
    strategy: &mut dyn Strategy,
    table: &Instruments,
    events: &[(Timestamp, MarketEvent)],
) -> usize {
    let (book, mut advice, mut said) = (FactBook::default(), Advice::new(), 0);
    for (at, event) in events {
        let facts = Facts::new(*at, SlotId(1), table, &book);
        advice.begin(event.instrument());
        strategy.on_event(&Event::Market(event), &facts, &mut advice);
        said += advice.items().len();
    }
    said
}

/// A random walk of minute bars in cents.
fn walk() -> Vec<(Timestamp, MarketEvent)> {
    let mut seed = 7_u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut close = 6_000_000_i64;
    (0..BARS)
        .map(|index| {
            let open = close;
            close += random(401) as i64 - 200;
            let high = open.max(close) + random(500) as i64;
            let low = open.min(close) - random(500) as i64;
            let ohlc = [open, high, low, close].map(|cents| cents as f64 / 100.0);
            let volume = random(5_000_000) as f64 / 1e5;
            let bar = Bar::new(InstrumentId(0), Period::MINUTE, ohlc, volume).expect("a bar");
            let at = Timestamp::from_secs(1_700_000_000 + 60 * index as i64).expect("in range");
            (at, MarketEvent::Bar(bar))
        })
        .collect()
}

criterion_group!(benches, strategies);
criterion_main!(benches);
