//! Nanoseconds per bar of every indicator's streaming update, input checks included.
//!
//! 100,000 one-minute bars on a 0.01 grid from a fixed seed, already in memory; one thread. Every
//! value is consumed, so nothing is optimised away. "signal" rows include the comparison that makes
//! a strategy of the indicator.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tradewright::math::*;

const BARS: usize = 100_000;

/// A random walk from a linear congruential generator (constants of Knuth's MMIX).
fn bars() -> Vec<Ohlcv> {
    let mut state: u64 = 42;
    let mut random = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let grid = |price: f64| (price * 100.0).round() / 100.0;
    let mut close = 400.0;
    let mut bar = || {
        let open = close;
        close = grid(open * (1.0 + (random() - 0.5) * 0.002)).max(1.0);
        let high = grid(f64::max(open, close) + random() * 0.2);
        let low = grid(f64::min(open, close) - random() * 0.2);
        Ohlcv { open, high, low, close, volume: grid(10.0 + random() * 1000.0) }
    };
    (0..BARS).map(|_| bar()).collect()
}

struct Suite<'a> {
    criterion: &'a mut Criterion,
    bars: Vec<Ohlcv>,
}

impl Suite<'_> {
    fn row<T>(&mut self, name: &str, new: impl Fn() -> T, mut pass: impl FnMut(&mut T, &[Ohlcv])) {
        let mut group = self.criterion.benchmark_group("indicators");
        group.throughput(Throughput::Elements(BARS as u64));
        group.warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(1));
        group.bench_function(name, |bencher| {
            let mut indicator = new();
            bencher.iter(|| pass(&mut indicator, black_box(&self.bars)));
        });
    }

    fn updates<I: Indicator + Clone>(
        &mut self,
        name: &str,
        new: I,
        input: impl Fn(&Ohlcv) -> I::Input,
    ) {
        self.row(
            name,
            || new.clone(),
            |indicator, bars| {
                for bar in bars {
                    let _ = black_box(indicator.update(input(bar)));
                }
            },
        );
    }

    fn closes<I: Indicator<Input = f64> + Clone>(&mut self, name: &str, new: I) {
        self.updates(name, new, |bar| bar.close);
    }

    fn whole<I: Indicator<Input = Ohlcv> + Clone>(&mut self, name: &str, new: I) {
        self.updates(name, new, |bar| *bar);
    }
}

/// Bollinger bands and the two crossings of the mean-reversion strategy.
fn bollinger_signal(bollinger: &mut Bollinger, bars: &[Ohlcv]) {
    let (mut longs, mut shorts) = (0_u32, 0_u32);
    let mut was_above_lower = false;
    let mut was_below_upper = false;
    for bar in bars {
        if let Ok(Some(bands)) = bollinger.update(bar.close) {
            let (above, below) = (bar.close >= bands.lower, bar.close <= bands.upper);
            longs += u32::from(was_above_lower & !above);
            shorts += u32::from(was_below_upper & !below);
            (was_above_lower, was_below_upper) = (above, below);
        }
    }
    black_box((longs, shorts));
}

/// Breakout of the channel of the bars before, on volume above 1.5 times its average.
fn donchian_signal((donchian, volume): &mut (Donchian, Sma), bars: &[Ohlcv]) {
    let (mut longs, mut shorts) = (0_u32, 0_u32);
    for bar in bars {
        if let (Some(channel), Some(average)) = (donchian.value(), volume.value()) {
            if bar.close > channel.upper {
                longs += u32::from(bar.volume > 1.5 * average);
            } else if bar.close < channel.lower {
                shorts += u32::from(bar.volume > 1.5 * average);
            }
        }
        let _ = donchian.update(*bar);
        let _ = volume.update(bar.volume);
    }
    black_box((longs, shorts));
}

/// Distance of the close from a volume-weighted average beyond 2 %.
fn vwap_signal<I: Indicator<Input = Ohlcv, Output = f64>>(vwap: &mut I, bars: &[Ohlcv]) {
    let (mut longs, mut shorts) = (0_u32, 0_u32);
    for bar in bars {
        if let Ok(Some(average)) = vwap.update(*bar) {
            let deviation = (bar.close - average) / average;
            longs += u32::from(deviation < -0.02);
            shorts += u32::from(deviation > 0.02);
        }
    }
    black_box((longs, shorts));
}

fn all(criterion: &mut Criterion) {
    let mut suite = Suite { criterion, bars: bars() };
    let population = DeviationKind::Population;
    let bollinger = || Bollinger::new(20, 2.0, population).unwrap();
    let donchian_and_volume = || (Donchian::new(20).unwrap(), Sma::new(20).unwrap());
    suite.row("signal: bollinger cross", bollinger, bollinger_signal);
    suite.row("signal: donchian and volume", donchian_and_volume, donchian_signal);
    suite.row("signal: vwap cumulative", CumulativeVwap::new, vwap_signal);
    suite.row("signal: vwap rolling", || RollingVwap::new(20).unwrap(), vwap_signal);

    suite.closes("sma 20", Sma::new(20).unwrap());
    suite.closes("ema 20", Ema::new(20).unwrap());
    suite.closes("wma 20", Wma::new(20).unwrap());
    suite.closes("variance 20", RollingVariance::new(20, population).unwrap());
    suite.closes("deviation 20", RollingStandardDeviation::new(20, population).unwrap());
    suite.closes("z-score 20", ZScore::new(20, population).unwrap());
    suite.closes("bollinger 20", bollinger());
    suite.closes("maximum 20", RollingMaximum::new(20).unwrap());
    suite.closes("minimum 20", RollingMinimum::new(20).unwrap());
    suite.closes("rsi 14", Rsi::new(14).unwrap());
    suite.closes("macd 12 26 9", Macd::new(12, 26, 9).unwrap());
    suite.closes("roc 10", Roc::new(10).unwrap());
    suite.closes("slope 20", LinearRegressionSlope::new(20).unwrap());
    suite.updates("correlation 20", RollingCorrelation::new(20).unwrap(), |bar| {
        (bar.close, bar.volume)
    });

    suite.whole("typical price", TypicalPrice::new());
    suite.whole("donchian 20", Donchian::new(20).unwrap());
    suite.whole("vwap cumulative", CumulativeVwap::new());
    suite.whole("vwap rolling 20", RollingVwap::new(20).unwrap());
    let session = SessionVwap::new(SessionAnchor::utc_midnight());
    // One pass is one instant, so the calendar is asked once: the cost of every other bar.
    suite.updates("vwap session", session, |bar| TimedOhlcv { at_ns: 0, bar: *bar });
    suite.whole("atr 14", Atr::new(14).unwrap());
    suite.whole("natr 14", Natr::new(14).unwrap());
    suite.whole("adx 14", Adx::new(14).unwrap());
    suite.whole("stochastic 14 3 3", Stochastic::new(14, 3, 3).unwrap());
    suite.whole("stochastic fast 14 3", StochasticFast::new(14, 3).unwrap());
    suite.whole("obv", Obv::new());
    suite.whole("cci 20", Cci::new(20).unwrap());
    suite.whole("mfi 14", Mfi::new(14).unwrap());
    suite.whole("williams %r 14", WilliamsR::new(14).unwrap());
    suite.whole("keltner 20 10 2", Keltner::new(20, 10, 2.0).unwrap());
    suite.whole("supertrend 10 3", Supertrend::new(10, 3.0).unwrap());
    for (name, estimator) in [
        ("volatility close to close 20", VolatilityEstimator::CloseToClose),
        ("volatility parkinson 20", VolatilityEstimator::Parkinson),
        ("volatility garman-klass 20", VolatilityEstimator::GarmanKlass),
        ("volatility yang-zhang 20", VolatilityEstimator::YangZhang),
    ] {
        suite.whole(name, RealisedVolatility::new(estimator, 20, 525_600.0).unwrap());
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
