//! Naive recomputation of every window, and the inputs that break textbook code. The laws of the
//! trait are in the testkit: see conformance.rs.

use proptest::prelude::*;
use tradewright::math::*;

/// A random walk with flat stretches at very different price levels and step sizes.
fn walk(length: usize) -> impl Strategy<Value = Vec<f64>> {
    let level = prop::sample::select(vec![1e-4, 1.0, 6e4, 1e6]);
    let step = prop::sample::select(vec![1e-6, 1e-3, 0.05]);
    let moves = prop::collection::vec(prop_oneof![4 => -1.0..1.0, 1 => Just(0.0)], length);
    (level, step, moves).prop_map(|(level, step, moves): (f64, f64, Vec<f64>)| {
        let mut price = level;
        let prices = moves.iter().map(|change| {
            price *= 1.0 + step * change;
            price
        });
        prices.collect()
    })
}

fn bars(length: usize) -> impl Strategy<Value = Vec<Ohlcv>> {
    let shapes = prop::collection::vec((0.0..1.0, 0.0..1.0, 0.0..1.0, 0.0..1e6), length);
    (walk(length), shapes).prop_map(|(prices, shapes)| {
        let bar = |(&price, &(range, open, close, volume)): (&f64, &(f64, f64, f64, f64))| {
            let (low, high) = (price, price * (1.0 + 0.01 * range));
            let place = |share: f64| (low + share * (high - low)).clamp(low, high);
            Ohlcv { open: place(open), high, low, close: place(close), volume }
        };
        prices.iter().zip(&shapes).map(bar).collect()
    })
}

fn flat_bar(price: f64) -> Ohlcv {
    Ohlcv { open: price, high: price, low: price, close: price, volume: 1.0 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn windows_of_numbers_equal_naive_recomputation(prices in walk(120), window in 2_usize..40) {
        let population = DeviationKind::Population;
        let sample = DeviationKind::Sample;
        let naive_mean = |w: &[f64]| Some(w.iter().sum::<f64>() / w.len() as f64);
        let weighted = |w: &[f64]| {
            let weights = (1..=w.len()).map(|weight| weight as f64);
            let sum: f64 = w.iter().zip(weights.clone()).map(|(x, weight)| x * weight).sum();
            Some(sum / weights.sum::<f64>())
        };
        let days: Vec<f64> = (0..window).map(|day| day as f64).collect();
        let slope = |w: &[f64]| linear_regression(&days, w).map(|fit| fit.slope);
        let upper = |w: &[f64]| Some(mean(w)? + 2.0 * exact_deviation(w, 0)?);
        let price = prices[0];
        let check = Check { window, slack: 0.0 };
        check.numbers(Sma::new(window).unwrap(), &prices, naive_mean);
        check.numbers(Wma::new(window).unwrap(), &prices, weighted);
        check.numbers(RollingMaximum::new(window).unwrap(), &prices, |w| {
            w.iter().copied().reduce(f64::max)
        });
        check.numbers(RollingMinimum::new(window).unwrap(), &prices, |w| {
            w.iter().copied().reduce(f64::min)
        });
        check.numbers(Roc::new(window - 1).unwrap(), &prices, |w| {
            Some((w[w.len() - 1] - w[0]) / w[0] * 100.0)
        });
        let bollinger = Bollinger::new(window, 2.0, population).unwrap();
        check.windows(bollinger, &prices, |bands| bands.upper, upper);
        let deviation = RollingStandardDeviation::new(window, sample).unwrap();
        check.numbers(deviation, &prices, |w| exact_deviation(w, 1));
        let variance = RollingVariance::new(window, population).unwrap();
        check.numbers(variance, &prices, |w| exact_deviation(w, 0).map(|s| s * s));
        check_z_scores(window, &prices);
        let line = LinearRegressionSlope::new(window).unwrap();
        Check { window, slack: 1e-14 * price }.numbers(line, &prices, slope);
    }

    #[test]
    fn the_correlation_equals_naive_recomputation(
        x in walk(80),
        y in walk(80),
        window in 2_usize..30,
    ) {
        let pairs: Vec<_> = x.into_iter().zip(y).collect();
        let naive = |w: &[(f64, f64)]| {
            let (x, y): (Vec<f64>, Vec<f64>) = w.iter().copied().unzip();
            if is_flat(&x) || is_flat(&y) { Some(0.0) } else { correlation(&x, &y) }
        };
        let rolling = RollingCorrelation::new(window).unwrap();
        Check { window, slack: 1e-7 }.windows(rolling, &pairs, |value| value, naive);
    }

    #[test]
    fn windows_of_bars_equal_naive_recomputation(bars in bars(100), window in 2_usize..30) {
        let check = Check { window, slack: 0.0 };
        let high = |w: &[Ohlcv]| w.iter().map(|bar| bar.high).fold(f64::MIN, f64::max);
        let low = |w: &[Ohlcv]| w.iter().map(|bar| bar.low).fold(f64::MAX, f64::min);
        let last_close = |w: &[Ohlcv]| w[w.len() - 1].close;
        let donchian = Donchian::new(window).unwrap();
        check.windows(donchian, &bars, |channel| channel.middle, |w| {
            Some((high(w) + low(w)) / 2.0)
        });
        check.windows(RollingVwap::new(window).unwrap(), &bars, |value| value, |w| {
            let money: f64 = w.iter().map(|bar| bar.typical_price() * bar.volume).sum();
            let volume: f64 = w.iter().map(|bar| bar.volume).sum();
            (volume > 0.0).then(|| money / volume)
        });
        let percent = Check { window, slack: 1e-9 };
        percent.windows(WilliamsR::new(window).unwrap(), &bars, |value| value, |w| {
            let range = high(w) - low(w);
            Some(if range > 0.0 { -100.0 * (high(w) - last_close(w)) / range } else { 0.0 })
        });
        percent.windows(StochasticFast::new(window, 1).unwrap(), &bars, |lines| lines.k, |w| {
            let range = high(w) - low(w);
            Some(if range > 0.0 { 100.0 * (last_close(w) - low(w)) / range } else { 0.0 })
        });
        for estimator in ESTIMATORS {
            let needs_previous = matches!(
                estimator,
                VolatilityEstimator::CloseToClose | VolatilityEstimator::YangZhang
            );
            let length = window + usize::from(needs_previous);
            let volatility = RealisedVolatility::new(estimator, window, 1.0).unwrap();
            let naive = |w: &[Ohlcv]| naive_volatility(estimator, w);
            // A price of 1 has returns exact to 1e-16, so a flat market's noise stays below this.
            let check = Check { window: length, slack: 1e-14 };
            check.windows(volatility, &bars, |value| value, naive);
        }
    }
}

const ESTIMATORS: [VolatilityEstimator; 4] = [
    VolatilityEstimator::CloseToClose,
    VolatilityEstimator::Parkinson,
    VolatilityEstimator::GarmanKlass,
    VolatilityEstimator::YangZhang,
];

fn naive_volatility(estimator: VolatilityEstimator, w: &[Ohlcv]) -> Option<f64> {
    let ln2 = std::f64::consts::LN_2;
    let gap = |pair: &[Ohlcv]| (pair[1].open / pair[0].close).ln();
    let bodies: Vec<f64> = w.iter().map(|bar| (bar.close / bar.open).ln()).collect();
    let ranges: Vec<f64> = w.iter().map(|bar| (bar.high / bar.low).ln()).collect();
    match estimator {
        VolatilityEstimator::CloseToClose => {
            let change = |pair: &[Ohlcv]| (pair[1].close / pair[0].close).ln();
            standard_deviation(&w.windows(2).map(change).collect::<Vec<_>>(), 1)
        }
        VolatilityEstimator::Parkinson => {
            let squares: Vec<f64> = ranges.iter().map(|range| range * range).collect();
            Some((mean(&squares)? / (4.0 * ln2)).sqrt())
        }
        VolatilityEstimator::GarmanKlass => {
            let term =
                |(range, body): (&f64, &f64)| 0.5 * range * range - (2.0 * ln2 - 1.0) * body * body;
            Some(mean(&ranges.iter().zip(&bodies).map(term).collect::<Vec<_>>())?.max(0.0).sqrt())
        }
        VolatilityEstimator::YangZhang => {
            let count = w.len() as f64 - 1.0;
            let gaps: Vec<f64> = w.windows(2).map(gap).collect();
            let rogers_satchell = |bar: &Ohlcv| {
                let ratio = |a: f64, b: f64| (a / b).ln();
                ratio(bar.high, bar.close) * ratio(bar.high, bar.open)
                    + ratio(bar.low, bar.close) * ratio(bar.low, bar.open)
            };
            let terms: Vec<f64> = w[1..].iter().map(rogers_satchell).collect();
            let k = 0.34 / (1.34 + (count + 1.0) / (count - 1.0));
            let bodies = variance(&bodies[1..], 1)?;
            Some((variance(&gaps, 1)? + k * bodies + (1.0 - k) * mean(&terms)?).sqrt())
        }
    }
}

/// Compares a stream with a function of each full window, to 1e-9 relative plus `slack`.
struct Check {
    window: usize,
    slack: f64,
}

impl Check {
    fn windows<I: Indicator>(
        &self,
        mut indicator: I,
        inputs: &[I::Input],
        part: impl Fn(I::Output) -> f64,
        naive: impl Fn(&[I::Input]) -> Option<f64>,
    ) {
        for (index, &input) in inputs.iter().enumerate() {
            let actual = indicator.update(input).unwrap().map(&part);
            let start = (index + 1).checked_sub(self.window);
            let expected = start.and_then(|start| naive(&inputs[start..=index]));
            match (actual, expected) {
                (None, None) => {}
                (Some(actual), Some(expected)) => {
                    let allowed = 1e-9 * expected.abs() + self.slack;
                    let difference = (actual - expected).abs();
                    assert!(difference <= allowed, "bar {index}: {actual} is not {expected}");
                }
                (actual, expected) => panic!("bar {index}: {actual:?} is not {expected:?}"),
            }
        }
    }

    fn numbers<I: Indicator<Input = f64, Output = f64>>(
        &self,
        indicator: I,
        inputs: &[f64],
        naive: impl Fn(&[f64]) -> Option<f64>,
    ) {
        self.windows(indicator, inputs, |value| value, naive);
    }
}

/// A window that hardly moves keeps few digits of its deviation: what may differ grows with the
/// price over the deviation.
fn check_z_scores(window: usize, prices: &[f64]) {
    let mut score = ZScore::new(window, DeviationKind::Sample).unwrap();
    for (index, &price) in prices.iter().enumerate() {
        let actual = score.update(price).unwrap();
        let start = (index + 1).checked_sub(window);
        let Some(w) = start.map(|start| &prices[start..=index]).filter(|w| !is_flat(w)) else {
            assert_eq!(actual, None, "bar {index}");
            continue;
        };
        // Differences of neighbours are exact.
        let moves: Vec<f64> = w.iter().map(|price| price - w[0]).collect();
        let deviation = standard_deviation(&moves, 1).unwrap();
        let expected = (moves[window - 1] - mean(&moves).unwrap()) / deviation;
        let actual = actual.unwrap_or_else(|| panic!("bar {index}: no score"));
        let allowed = 1e-9 + 1e-14 * price.abs() / deviation;
        let difference = (actual - expected).abs();
        assert!(difference <= allowed, "bar {index}: {actual} is not {expected}");
    }
}

fn is_flat(values: &[f64]) -> bool {
    values.iter().all(|value| *value == values[0])
}

/// Two passes, with what a mean rounded to `f64` leaves in a flat window taken out.
fn exact_deviation(values: &[f64], ddof: usize) -> Option<f64> {
    if is_flat(values) { Some(0.0) } else { standard_deviation(values, ddof) }
}

/// Uniform numbers from -1 to 1 (xorshift).
fn noise() -> impl FnMut() -> f64 {
    let mut state: u64 = 88_172_645_463_325_252;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

/// Largest relative error of the rolling variance, window 20, at sampled positions.
fn worst_variance_error(count: usize, level: f64, spread: f64) -> f64 {
    let mut random = noise();
    let values: Vec<f64> = (0..count).map(|_| level + spread * random()).collect();
    let mut rolling = RollingVariance::new(20, DeviationKind::Population).unwrap();
    let mut worst: f64 = 0.0;
    for (index, &value) in values.iter().enumerate() {
        let actual = rolling.update(value).unwrap();
        if index % 97 == 96 {
            let expected = variance(&values[index - 19..=index], 0).unwrap();
            worst = worst.max((actual.unwrap() / expected - 1.0).abs());
        }
    }
    worst
}

#[test]
fn the_rolling_variance_is_exact_at_every_price_level() {
    for (count, level, spread) in
        [(1_000_000, 6e4, 5.0), (200_000, 6e4, 0.05), (200_000, 1e5, 0.01), (200_000, 1e9, 1.0)]
    {
        let worst = worst_variance_error(count, level, spread);
        assert!(worst <= 1e-11, "{count} x {level} ± {spread}: {worst:e}");
    }
}

#[test]
fn a_flat_market_has_exactly_no_deviation_whatever_came_before() {
    for noisy in 0..45 {
        let mut random = noise();
        let mut bands = Bollinger::new(20, 2.0, DeviationKind::Population).unwrap();
        let mut score = ZScore::new(20, DeviationKind::Sample).unwrap();
        let mut cci = Cci::new(20).unwrap();
        for _ in 0..noisy {
            let price = 43_000.0 + random();
            bands.update(price).unwrap();
            score.update(price).unwrap();
            cci.update(flat_bar(price)).unwrap();
        }
        for _ in 0..20 {
            bands.update(43_210.37).unwrap();
            score.update(43_210.37).unwrap();
            cci.update(flat_bar(43_210.37)).unwrap();
        }
        let answer = bands.value().unwrap();
        assert_eq!(answer.deviation, 0.0, "after {noisy} noisy prices");
        assert_eq!((answer.middle, answer.upper, answer.lower), (43_210.37, 43_210.37, 43_210.37));
        assert_eq!(score.value(), None);
        assert_eq!(cci.value(), Some(0.0));
    }
}

#[test]
fn an_outlier_has_no_influence_once_it_left_the_window() {
    for clean in 20..45 {
        let mut random = noise();
        let mut average = Sma::new(20).unwrap();
        let mut deviation = RollingStandardDeviation::new(20, DeviationKind::Population).unwrap();
        for _ in 0..clean {
            let price = 100.0 + 0.01 * random();
            average.update(price).unwrap();
            deviation.update(price).unwrap();
        }
        average.update(1e12).unwrap();
        assert!(deviation.update(1e12).unwrap().unwrap() > 1e11);
        let after: Vec<f64> = (0..20).map(|_| 100.0 + 0.01 * random()).collect();
        for &price in &after {
            average.update(price).unwrap();
            deviation.update(price).unwrap();
        }
        let relative = |actual: Option<f64>, expected: Option<f64>| {
            (actual.unwrap() / expected.unwrap() - 1.0).abs()
        };
        assert!(relative(average.value(), mean(&after)) <= 1e-15);
        assert!(relative(deviation.value(), standard_deviation(&after, 0)) <= 1e-11);
    }
}

#[test]
fn the_cumulative_vwap_is_exact_over_a_million_bars() {
    let mut vwap = CumulativeVwap::new();
    let mut random = noise();
    // Hundredths of the price and whole volumes are exact as integers.
    let (mut tripled_money, mut volume) = (0_i128, 0_i128);
    let mut worst: f64 = 0.0;
    for index in 0..1_000_000 {
        let low = 5_000_000 + (random() * 1e6) as i128;
        let (close, high) = (low + (random().abs() * 50.0) as i128, low + 60);
        let size = 1 + (random().abs() * 1e9) as i128;
        tripled_money += (high + low + close) * size;
        volume += size;
        let price = |hundredths: i128| hundredths as f64 / 100.0;
        let (open, high, low, close) = (price(low), price(high), price(low), price(close));
        let bar = Ohlcv { open, high, low, close, volume: size as f64 };
        let actual = vwap.update(bar).unwrap().unwrap();
        if index % 1000 == 999 {
            let expected = tripled_money as f64 / (300 * volume) as f64;
            worst = worst.max((actual / expected - 1.0).abs());
        }
    }
    assert!(worst <= 1e-15, "{worst:e}");
}

#[test]
fn impossible_parameters_are_refused_by_name_and_value() {
    let sample = DeviationKind::Sample;
    let errors = [
        (Sma::new(0).unwrap_err(), "window is 0, allowed are whole numbers from 1 to 1000000"),
        (Ema::new(1_000_001).unwrap_err(), "period is 1000001"),
        (
            RollingVariance::new(1, sample).unwrap_err(),
            "window is 1, allowed are whole numbers from 2",
        ),
        (Bollinger::new(20, 0.0, sample).unwrap_err(), "factor is 0, allowed are numbers above 0"),
        (Bollinger::new(20, f64::NAN, sample).unwrap_err(), "factor is NaN"),
        (Bollinger::new(20, f64::INFINITY, sample).unwrap_err(), "factor is inf"),
        (Macd::new(26, 12, 9).unwrap_err(), "fast is 26, it must be below slow, which is 12"),
        (Stochastic::new(14, 0, 3).unwrap_err(), "k_average is 0"),
        (Stochastic::new(14, 3, 0).unwrap_err(), "d_average is 0"),
        (Keltner::new(20, 0, 2.0).unwrap_err(), "range_period is 0"),
        (Supertrend::new(10, -1.0).unwrap_err(), "factor is -1"),
        (
            RealisedVolatility::new(VolatilityEstimator::YangZhang, 1, 252.0).unwrap_err(),
            "window is 1",
        ),
        (
            RealisedVolatility::new(VolatilityEstimator::Parkinson, 5, 0.0).unwrap_err(),
            "bars_per_year is 0",
        ),
    ];
    for (error, expected) in errors {
        let text = error.to_string();
        assert!(text.starts_with(expected), "{text:?} does not start with {expected:?}");
    }
}

#[test]
fn refused_inputs_are_named_with_their_value() {
    let good = Ohlcv { open: 2.0, high: 3.0, low: 1.0, close: 2.0, volume: 1.0 };
    let mut channel = Donchian::new(2).unwrap();
    let mut text = |bar| channel.update(bar).unwrap_err().to_string();
    assert_eq!(text(Ohlcv { close: 0.0, ..good }), "close is 0, a price must be above zero");
    assert_eq!(text(Ohlcv { high: f64::NAN, ..good }), "high is NaN, it must be a finite number");
    assert_eq!(text(Ohlcv { volume: -2.0, ..good }), "volume is -2, it must be zero or more");
    assert_eq!(text(Ohlcv { high: 1.0, low: 3.0, ..good }), "high 1 is below low 3");
    assert_eq!(text(Ohlcv { open: 4.0, ..good }), "open 4 is outside of the bar's range 1 to 3");
    assert!(text(Ohlcv { low: 1e-200, ..good }).starts_with("low is 1e-200, outside"));
}

#[test]
fn the_extremes_of_accepted_inputs_stay_finite() {
    let tiny = flat_bar(SMALLEST_PRICE);
    let huge = Ohlcv { volume: LARGEST_INPUT, ..flat_bar(LARGEST_INPUT) };
    let inputs: Vec<_> = [tiny, huge, tiny, huge, huge, tiny].repeat(5);
    fn answers<I: Indicator<Input = Ohlcv>>(mut indicator: I, inputs: &[Ohlcv]) -> Vec<I::Output> {
        let mut out = Vec::new();
        indicator.batch(inputs, &mut out).unwrap();
        out.into_iter().flatten().collect()
    }
    let vwap = answers(CumulativeVwap::new(), &inputs);
    let volatility = RealisedVolatility::new(VolatilityEstimator::YangZhang, 3, 252.0).unwrap();
    let adx: Vec<f64> =
        answers(Adx::new(3).unwrap(), &inputs).iter().map(|lines| lines.adx).collect();
    let cci = answers(Cci::new(3).unwrap(), &inputs);
    for values in [vwap, answers(volatility, &inputs), adx, cci] {
        assert!(!values.is_empty() && values.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn a_supertrend_turns_when_the_close_crosses_its_line() {
    let bar = |price: f64| Ohlcv { high: price + 1.0, low: price - 1.0, ..flat_bar(price) };
    let mut trend = Supertrend::new(2, 1.0).unwrap();
    let mut direction = |price| trend.update(bar(price)).unwrap().map(|line| line.direction);
    assert_eq!(direction(100.0), None);
    assert_eq!(direction(100.0), None);
    assert_eq!(direction(100.0), Some(TrendDirection::Down));
    assert_eq!(direction(110.0), Some(TrendDirection::Up));
    assert_eq!(direction(112.0), Some(TrendDirection::Up));
    assert_eq!(direction(90.0), Some(TrendDirection::Down));
}
