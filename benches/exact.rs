//! Nanoseconds per bar of the exact kernels, from `f64` bars to the decision.
//!
//! Each figure includes the recovery of ticks from `f64` and counts the answers; the bars are in
//! memory. Criterion reports bars per second (elements); its time is for [`BARS`] bars.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradewright::math::Ratio;
use tradewright::math::exact::{
    Anchor, BandCross, BandForm, Crossing, Deviation, MeanBand, VolumeBreakout, VwapDeviation,
    ticks, ticks_of,
};

const BARS: usize = 100_000;

struct Bar {
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

/// A random walk on a 0.01 grid with volumes on a 0.001 grid; the same on every machine.
fn bars() -> Vec<Bar> {
    let mut state = 20_240_101_u64;
    let mut uniform = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) >> 11
    };
    let mut close_ticks = 100_000_i64;
    (0..BARS)
        .map(|_| {
            let open = close_ticks;
            let mut step = |range: u64| (uniform() % range).cast_signed();
            close_ticks = (open + step(71) + step(71) - 70).max(1_000);
            let high = open.max(close_ticks) + step(40);
            let low = open.min(close_ticks) - step(40);
            let volume = 1_000 + step(20_000) + step(200) * step(200);
            let price = |ticks: i64| ticks as f64 / 100.0;
            Bar {
                high: price(high),
                low: price(low),
                close: price(close_ticks),
                volume: volume as f64 / 1_000.0,
            }
        })
        .collect()
}

fn ratio(numerator: u64, denominator: u64) -> Ratio {
    Ratio { numerator, denominator }
}

fn price_ticks(price: f64) -> i64 {
    ticks(price, 100.0).unwrap_or_default()
}

fn volume_ticks(volume: f64) -> i64 {
    ticks(volume, 1_000.0).unwrap_or_default()
}

/// How many answers of either kind, so that no work can be left out.
fn count(answers: impl Iterator<Item = Crossing>) -> (u32, u32) {
    answers.fold((0, 0), |(below, above), answer| {
        (below + u32::from(answer == Crossing::Below), above + u32::from(answer == Crossing::Above))
    })
}

fn kernels(criterion: &mut Criterion) {
    let bars = bars();
    let mut group = criterion.benchmark_group("exact");
    group.throughput(Throughput::Elements(BARS as u64));
    let population = Deviation::Population;
    for (name, factor) in
        [("band_cross", ratio(2, 1)), ("band_cross_1.9599", ratio(19_599, 10_000))]
    {
        let new = BandCross::new(20, factor, population, BandForm::Cross).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut kernel = new.clone();
                count(black_box(&bars).iter().map(|bar| kernel.update(price_ticks(bar.close))))
            });
        });
    }
    group.bench_function("band_cross_outliers", |bencher| {
        let new = BandCross::new(20, ratio(2, 1), population, BandForm::Cross).unwrap();
        bencher.iter(|| {
            let mut kernel = new.clone();
            // Every close needs 256 bits: what the widening costs when it never ends.
            let closes = black_box(&bars).iter().map(|bar| price_ticks(bar.close) << 24);
            count(closes.map(|close| kernel.update(close)))
        });
    });
    group.bench_function("mean_band", |bencher| {
        let new = MeanBand::new(20, ratio(2, 1), population).unwrap();
        bencher.iter(|| {
            let mut kernel = new.clone();
            let closes = black_box(&bars).iter().map(|bar| price_ticks(bar.close));
            closes
                .filter(|&close| kernel.update(close).is_some_and(|at| at.to_mean.is_gt()))
                .count()
        });
    });
    group.bench_function("volume_breakout", |bencher| {
        let new = VolumeBreakout::new(20, ratio(3, 2)).unwrap();
        bencher.iter(|| {
            let mut kernel = new.clone();
            count(
                black_box(&bars).iter().map(|bar| {
                    kernel.update(bar.high, bar.low, bar.close, volume_ticks(bar.volume))
                }),
            )
        });
    });
    for (name, anchor) in
        [("vwap_cumulative", Anchor::Cumulative), ("vwap_rolling", Anchor::Rolling(20))]
    {
        let new = VwapDeviation::new(ratio(1, 50), anchor).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut kernel = new.clone();
                count(black_box(&bars).iter().map(|bar| {
                    let prices = ticks_of([bar.high, bar.low, bar.close], 100.0);
                    let [high, low, close] = prices.unwrap_or_default();
                    kernel.update(high, low, close, volume_ticks(bar.volume))
                }))
            });
        });
    }
    group.bench_function("ticks_alone", |bencher| {
        bencher.iter(|| black_box(&bars).iter().map(|bar| price_ticks(bar.close)).sum::<i64>());
    });
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
