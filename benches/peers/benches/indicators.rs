//! Time per 100,000 bars of every answerer, after a table of their answers.
//!
//! The table also has the fastest of many short passes, in nanoseconds per bar: on a machine that
//! has other work to do it is steadier than a mean.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradewright_peers::{Answerer, Bar, Count, bands, bars, breakout, vwap};

const BARS: usize = 100_000;
const SHORT: usize = 10_000;
const PASSES: usize = 1_000;

fn questions() -> [(&'static str, &'static [Answerer]); 4] {
    [
        ("bands", bands::ANSWERERS),
        ("breakout", breakout::ANSWERERS),
        ("vwap_cumulative", vwap::CUMULATIVE),
        ("vwap_rolling", vwap::ROLLING),
    ]
}

fn fastest_ns_per_bar(answer: fn(&[Bar]) -> Count, bars: &[Bar]) -> f64 {
    let pass = || {
        let start = Instant::now();
        black_box(answer(black_box(bars)));
        start.elapsed()
    };
    let fastest = (0..PASSES).map(|_| pass()).min().unwrap_or_default();
    fastest.as_nanos() as f64 / bars.len() as f64
}

fn peers(criterion: &mut Criterion) {
    let bars = bars(BARS);
    for (question, answerers) in questions() {
        for (name, answer) in answerers {
            let Count { below, above } = answer(&bars);
            let fastest = fastest_ns_per_bar(*answer, &bars[..SHORT]);
            println!("{question:16} {name:40} below {below:6} above {above:6} {fastest:6.2} ns");
        }
    }
    for (question, answerers) in questions() {
        let mut group = criterion.benchmark_group(question);
        group.throughput(Throughput::Elements(BARS as u64));
        group.warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(2));
        for (name, answer) in answerers {
            group.bench_function(*name, |bencher| {
                bencher.iter(|| answer(black_box(&bars)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, peers);
criterion_main!(benches);
