//! The exact kernels against plain big-integer arithmetic and against the reference signals.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use num_bigint::BigInt;
use proptest::prelude::*;
use tradewright::math::Ratio;
use tradewright::math::exact::{
    Anchor, BandCross, BandForm, BandPlace, Crossing, Deviation, MeanBand, VolumeBreakout,
    VwapDeviation, scale_of, ticks, ticks_of,
};

fn ratio(numerator: u64, denominator: u64) -> Ratio {
    Ratio { numerator, denominator }
}

fn big(number: impl Into<BigInt>) -> BigInt {
    number.into()
}

/// Closes that hit every path: ties, flat stretches, walks, outliers and the ends of the range.
fn closes() -> impl Strategy<Value = Vec<i64>> {
    let piece = prop_oneof![
        (any::<i32>(), 1usize..12).prop_map(|(close, bars)| vec![close.into(); bars]),
        prop::collection::vec(-3i64..=3, 1..40),
        prop::collection::vec(6_000_000i64..6_000_300, 1..40),
        prop::collection::vec(-(1i64 << 51)..1 << 51, 1..4),
        prop::collection::vec(any::<i64>(), 1..3),
        prop::collection::vec(prop_oneof![Just(i64::MIN), Just(i64::MAX)], 1..3),
    ];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn ratios() -> impl Strategy<Value = Ratio> {
    prop_oneof![
        3 => (0u64..6, 1u64..4).prop_map(|(above, below)| ratio(above, below)),
        1 => (0u64..=1 << 32, 1u64..=1 << 32).prop_map(|(above, below)| ratio(above, below)),
        1 => Just(ratio(1 << 32, 1 << 32)),
        1 => Just(ratio(4_294_967_295, 4_294_967_296)),
    ]
}

fn deviations() -> impl Strategy<Value = Deviation> {
    prop_oneof![Just(Deviation::Population), Just(Deviation::Sample)]
}

/// Mean and variance by the book, from nothing but the window.
fn naive_place(window: &[i64], factor: Ratio, deviation: Deviation) -> BandPlace {
    let count = big(window.len());
    let sum: BigInt = window.iter().map(|&close| big(close)).sum();
    let distance = &count * big(*window.last().unwrap()) - &sum;
    // n^2 times the sum of squared distances to the mean, each exact.
    let spread: BigInt = window.iter().map(|&close| (&count * big(close) - &sum).pow(2)).sum();
    // (n * k * deviation)^2 = k^2 * spread / divisor.
    let divisor = match deviation {
        Deviation::Population => count.clone(),
        Deviation::Sample => &count - 1,
    };
    let reach = big(factor.denominator).pow(2) * distance.pow(2) * divisor;
    let half_width = big(factor.numerator).pow(2) * spread;
    let zero = big(0);
    // distance against +-half width, by sign and square.
    let to_upper =
        if distance > zero { reach.cmp(&half_width) } else { zero.cmp(&(&reach + &half_width)) };
    let to_lower =
        if distance < zero { half_width.cmp(&reach) } else { (&reach + &half_width).cmp(&zero) };
    BandPlace { to_mean: distance.cmp(&zero), to_lower, to_upper }
}

fn naive_cross(places: &[Option<BandPlace>], bar: usize, form: BandForm) -> Crossing {
    let outside = |place: Option<BandPlace>| match place {
        Some(place) if place.to_lower.is_lt() => Crossing::Below,
        Some(place) if place.to_upper.is_gt() => Crossing::Above,
        _ => Crossing::None,
    };
    let now = outside(places[bar]);
    let before = bar.checked_sub(1).and_then(|previous| places[previous]);
    match form {
        BandForm::Level => now,
        BandForm::Cross if before.is_none() || outside(before) == now => Crossing::None,
        BandForm::Cross => now,
    }
}

proptest! {
    #[test]
    fn bands_equal_big_integer_arithmetic(
        closes in closes(), window in 2usize..9, factor in ratios(), deviation in deviations(),
    ) {
        let mut band = MeanBand::new(window, factor, deviation).unwrap();
        let new = |form| BandCross::new(window, factor, deviation, form).unwrap();
        let (mut cross, mut level) = (new(BandForm::Cross), new(BandForm::Level));
        let places: Vec<_> = (0..closes.len())
            .map(|bar| {
                let start = (bar + 1).checked_sub(window)?;
                Some(naive_place(&closes[start..=bar], factor, deviation))
            })
            .collect();
        for (bar, &close) in closes.iter().enumerate() {
            prop_assert_eq!(band.update(close), places[bar], "bar {}", bar);
            let expected = naive_cross(&places, bar, BandForm::Cross);
            prop_assert_eq!(cross.update(close), expected, "bar {}", bar);
            let expected = naive_cross(&places, bar, BandForm::Level);
            prop_assert_eq!(level.update(close), expected, "bar {}", bar);
            if expected != Crossing::None {
                prop_assert_eq!(level.position_in_band(), Some(1.0));
            }
            let is_flat = closes[..=bar].iter().rev().take(window).all(|&other| other == close);
            prop_assert_eq!(band.z_score().is_none(), bar + 1 < window || is_flat);
        }
        band.reset();
        prop_assert_eq!(band, MeanBand::new(window, factor, deviation).unwrap());
    }

    #[test]
    fn z_scores_are_those_of_two_passes(
        closes in prop::collection::vec(1i64..1 << 40, 5..60), deviation in deviations(),
    ) {
        let mut cross = BandCross::new(5, ratio(2, 1), deviation, BandForm::Cross).unwrap();
        for (bar, &close) in closes.iter().enumerate() {
            cross.update(close);
            let Some(start) = (bar + 1).checked_sub(5) else { continue };
            let window = &closes[start..=bar];
            let mean = window.iter().map(|&close| i128::from(close)).sum::<i128>() as f64 / 5.0;
            let squares: f64 = window.iter().map(|&close| (close as f64 - mean).powi(2)).sum();
            let divisor = if deviation == Deviation::Population { 5.0 } else { 4.0 };
            let expected = (close as f64 - mean) / (squares / divisor).sqrt();
            let answer = cross.z_score();
            if squares > 0.0 {
                prop_assert!((answer.unwrap() - expected).abs() < 1e-6, "{answer:?} {expected}");
                let position = (expected.abs() / 2.0).min(1.0);
                prop_assert!((cross.position_in_band().unwrap() - position).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn breakouts_equal_a_scan_of_the_window(
        bars in prop::collection::vec((0i32..12, 0i32..12, 0i32..14, volumes()), 1..120),
        lookback in 1usize..8, factor in ratios(),
    ) {
        let mut kernel = VolumeBreakout::new(lookback, factor).unwrap();
        for (bar, &(high, low, close, volume)) in bars.iter().enumerate() {
            let ready = kernel.is_ready();
            let answer = kernel.update(high.into(), low.into(), close.into(), volume);
            let Some(start) = bar.checked_sub(lookback) else {
                prop_assert!(!ready && answer == Crossing::None);
                continue;
            };
            prop_assert!(ready);
            let before = &bars[start..bar];
            let sum: BigInt = before.iter().map(|bar| big(bar.3)).sum();
            let is_loud = sum > big(0)
                && big(volume) * lookback * factor.denominator > &sum * factor.numerator;
            let resistance = before.iter().map(|bar| bar.0).max().unwrap();
            let support = before.iter().map(|bar| bar.1).min().unwrap();
            let expected = match (close > resistance, close < support) {
                (true, _) | (_, true) if !is_loud => Crossing::None,
                // Above and below at once needs a low above a high, which is no bar.
                (true, true) => continue,
                (true, false) => Crossing::Above,
                (false, true) => Crossing::Below,
                (false, false) => Crossing::None,
            };
            prop_assert_eq!(answer, expected, "bar {}", bar);
            let level = if answer == Crossing::Above { resistance } else { support };
            prop_assert_eq!(kernel.level(), (answer != Crossing::None).then_some(level.into()));
        }
        kernel.reset();
        prop_assert_eq!(kernel, VolumeBreakout::new(lookback, factor).unwrap());
    }

    #[test]
    fn averages_equal_big_integer_arithmetic(
        bars in prop::collection::vec((ticks_of_any_size(), volumes()), 1..60),
        threshold in ratios(), window in prop::option::of(1usize..7),
    ) {
        let anchor = window.map_or(Anchor::Cumulative, Anchor::Rolling);
        let mut kernel = VwapDeviation::new(threshold, anchor).unwrap();
        for (bar, &([high, low, close], volume)) in bars.iter().enumerate() {
            let answer = kernel.update(high, low, close, volume);
            let start = window.map_or(0, |window| (bar + 1).saturating_sub(window));
            let money: BigInt = bars[start..=bar]
                .iter()
                .map(|&([high, low, close], volume)| (big(high) + low + close) * volume)
                .sum();
            let volume: BigInt = bars[start..=bar].iter().map(|bar| big(bar.1)).sum();
            let expected = naive_deviation(&money, &(volume * 3), close, threshold);
            prop_assert_eq!(answer, expected, "bar {}", bar);
        }
        kernel.reset();
        prop_assert_eq!(kernel, VwapDeviation::new(threshold, anchor).unwrap());
    }

    #[test]
    fn a_stored_kernel_goes_on_as_if_nothing_had_happened(
        closes in closes(), cut in 0usize..60, window in 2usize..7,
    ) {
        let cut = cut.min(closes.len());
        let factor = ratio(3, 2);
        let mut cross =
            BandCross::new(window, factor, Deviation::Sample, BandForm::Cross).unwrap();
        let mut breakout = VolumeBreakout::new(window, factor).unwrap();
        let anchor = if cut % 2 == 0 { Anchor::Cumulative } else { Anchor::Rolling(window) };
        let mut vwap = VwapDeviation::new(factor, anchor).unwrap();
        let mut rounds = 0;
        for (bar, &close) in closes.iter().enumerate() {
            if bar == cut {
                rounds += 1;
                let text = rmp_serde::to_vec(&(&cross, &breakout, &vwap)).unwrap();
                let others = rmp_serde::from_slice(&text).unwrap();
                let (other_cross, other_breakout, other_vwap) = others;
                prop_assert!(cross == other_cross);
                prop_assert!(breakout == other_breakout);
                prop_assert!(vwap == other_vwap);
                let (mut a, mut b, mut c): (BandCross, VolumeBreakout, VwapDeviation) =
                    (other_cross, other_breakout, other_vwap);
                let (mut d, mut e, mut f) = (cross.clone(), breakout.clone(), vwap.clone());
                for &close in &closes[cut..] {
                    let price = close as f64;
                    prop_assert_eq!(a.update(close), d.update(close));
                    prop_assert_eq!(a.z_score(), d.z_score());
                    prop_assert_eq!(
                        b.update(price, price, price, close),
                        e.update(price, price, price, close)
                    );
                    prop_assert_eq!(b.confidence(), e.confidence());
                    prop_assert_eq!(
                        c.update(close, 1, close, close),
                        f.update(close, 1, close, close)
                    );
                    prop_assert_eq!(c.deviation(), f.deviation());
                }
            }
            cross.update(close);
            let price = close as f64;
            breakout.update(price, price, price, close);
            vwap.update(close, 1, close, close);
        }
        prop_assert!(rounds == usize::from(cut < closes.len()));
    }
}

fn volumes() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 0i64..20, 2 => 0i64..1 << 51, 1 => any::<i64>()]
}

fn ticks_of_any_size() -> impl Strategy<Value = [i64; 3]> {
    prop_oneof![
        4 => prop::array::uniform3(95i64..106),
        2 => prop::array::uniform3(0i64..1 << 51),
        1 => prop::array::uniform3(any::<i64>()),
    ]
}

/// (close - m / w) / (m / w) against the threshold, as a fraction with a positive denominator.
fn naive_deviation(money: &BigInt, volume: &BigInt, close: i64, threshold: Ratio) -> Crossing {
    let zero = big(0);
    if *volume <= zero || *money == zero {
        return Crossing::None;
    }
    let sign = if *money > zero { 1 } else { -1 };
    let above = (volume * close - money) * sign * threshold.denominator;
    let limit: BigInt = money * sign * threshold.numerator;
    if above > limit {
        Crossing::Above
    } else if above < -limit {
        Crossing::Below
    } else {
        Crossing::None
    }
}

#[test]
fn the_longest_window_and_the_largest_ticks_stay_exact() {
    let window = 1 << 16;
    let factor = ratio(1 << 32, (1 << 32) - 1);
    let mut band = MeanBand::new(window, factor, Deviation::Sample).unwrap();
    let mut closes = Vec::new();
    for bar in 0..window + 3 {
        let close = if bar % 2 == 0 { i64::MAX - bar as i64 } else { i64::MIN + bar as i64 };
        closes.push(close);
        let answer = band.update(close);
        if let Some(start) = closes.len().checked_sub(window) {
            let expected = naive_place(&closes[start..], factor, Deviation::Sample);
            assert_eq!(answer, Some(expected), "bar {bar}");
        }
    }
}

// ---- reference signals -------------------------------------------------------------------------

struct Row {
    at_ms: i64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The optional folder of development data beside the project.
fn shared() -> PathBuf {
    std::env::var_os("TRADEWRIGHT_SHARED")
        .map_or_else(|| project().join("../shared"), PathBuf::from)
}

fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text
}

/// Every column of a file by its name.
fn columns(path: &Path) -> BTreeMap<String, Vec<String>> {
    let text = read(path);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in reader.records() {
        for (name, cell) in names.iter().zip(record.unwrap().iter()) {
            columns.entry(name.clone()).or_default().push(cell.to_owned());
        }
    }
    columns
}

fn rows(path: &Path) -> Vec<Row> {
    let columns = columns(path);
    let number = |name: &str, row: usize| columns[name][row].parse::<f64>().unwrap();
    (0..columns["close"].len())
        .map(|row| Row {
            at_ms: columns["timestamp_ms"][row].parse().unwrap(),
            high: number("high", row),
            low: number("low", row),
            close: number("close", row),
            volume: number("volume", row),
        })
        .collect()
}

/// The coarsest decimal grid that holds all values.
fn scale_of_all(values: impl Iterator<Item = f64> + Clone) -> f64 {
    (0..=12)
        .filter_map(scale_of)
        .find(|&scale| values.clone().all(|value| ticks(value, scale).is_some()))
        .unwrap()
}

fn word(crossing: Crossing) -> &'static str {
    match crossing {
        Crossing::Below => "BUY",
        Crossing::Above => "SELL",
        Crossing::None => "HOLD",
    }
}

/// A breakout buys above and sells below.
fn breakout_word(crossing: Crossing) -> &'static str {
    match crossing {
        Crossing::Above => "BUY",
        Crossing::Below => "SELL",
        Crossing::None => "HOLD",
    }
}

fn assert_close(answer: Option<f64>, cell: &str, what: &str, row: usize) {
    match (answer, cell) {
        (answer, "") => assert_eq!(answer, None, "{what} in row {row}"),
        (answer, cell) => {
            let (answer, expected) = (answer.unwrap_or_default(), cell.parse::<f64>().unwrap());
            // The files carry twelve digits.
            let tolerance = 1e-9 * expected.abs() + 1e-15;
            assert!((answer - expected).abs() <= tolerance, "{what} in row {row}: {answer} {cell}");
        }
    }
}

fn check_set(bars: &Path, signals: &Path) {
    let (rows, signals) = (rows(bars), columns(signals));
    let price_scale = scale_of_all(rows.iter().flat_map(|row| [row.high, row.low, row.close]));
    let volume_scale = scale_of_all(rows.iter().map(|row| row.volume));
    let two = Ratio::from_decimal_text_of(2.0).unwrap();
    let mut band = BandCross::new(20, two, Deviation::Population, BandForm::Cross).unwrap();
    let mut breakout = VolumeBreakout::new(20, Ratio::from_decimal_text_of(1.5).unwrap()).unwrap();
    let threshold = Ratio::from_decimal_text_of(0.02).unwrap();
    let mut cumulative = VwapDeviation::new(threshold, Anchor::Cumulative).unwrap();
    let mut session = cumulative.clone();
    let mut day = None;
    let mut found = BTreeMap::new();
    assert_eq!(rows.len(), signals["mr"].len());
    for (index, row) in rows.iter().enumerate() {
        let [high, low, close] = ticks_of([row.high, row.low, row.close], price_scale).unwrap();
        let volume = ticks(row.volume, volume_scale).unwrap();
        let today = row.at_ms.div_euclid(86_400_000);
        if day.replace(today) != Some(today) {
            session.reset();
        }
        let answers = [
            ("mr", word(band.update(close))),
            ("bo", breakout_word(breakout.update(row.high, row.low, row.close, volume))),
            ("vwap_cum", word(cumulative.update(high, low, close, volume))),
            ("vwap_day", word(session.update(high, low, close, volume))),
        ];
        for (column, answer) in answers {
            assert_eq!(answer, signals[column][index], "{column} of {bars:?} in row {index}");
            *found.entry((column, answer)).or_insert(0) += 1;
        }
        assert_close(band.position_in_band(), &signals["mr_band_pos"][index], "band", index);
        let confidence = Some(breakout.confidence().unwrap_or(0.0));
        assert_close(confidence, &signals["bo_conf"][index], "confidence", index);
        assert_close(cumulative.deviation(), &signals["vwap_cum_dev"][index], "vwap", index);
        assert_close(session.deviation(), &signals["vwap_day_dev"][index], "session", index);
    }
    assert!(found[&("mr", "BUY")] > 0 && found[&("bo", "SELL")] > 0);
}

#[test]
fn bundled_sets_get_their_reference_signals() {
    for name in ["aapl_1d", "sp500_1d"] {
        check_set(
            &project().join(format!("examples/data/{name}.csv")),
            &project().join(format!("tests/data/reference/{name}/signals.csv.gz")),
        );
    }
}

#[test]
fn all_sets_get_their_reference_signals() {
    let shared = shared();
    if !shared.join("reference").is_dir() {
        eprintln!("skipped: no reference data in {}", shared.display());
        return;
    }
    for bars in [
        "packages/aapl_1d.csv",
        "packages/sp500_1d.csv",
        "packages/eurusd_1h.csv",
        "packages/kraken_xbtusdt_1m.csv",
        "fetched/btc_perp_1m_202201.csv.gz",
        "fetched/ethbtc_5m_201801.csv.gz",
    ] {
        let name = bars.split(['/', '.']).nth(1).unwrap();
        check_set(
            &shared.join("market-data").join(bars),
            &shared.join(format!("reference/{name}/signals.csv.gz")),
        );
    }
}

/// In below the lower band, out above the mean, both at the next open, with 0.1 % fees, in
/// hundred-thousandths: a million generated bars whose exact answer is known.
#[test]
fn a_million_bars_end_at_the_known_equity() {
    let Some(folder) = std::env::var_os("TRADEWRIGHT_BARS").map(PathBuf::from) else {
        eprintln!("skipped: TRADEWRIGHT_BARS names no folder with open.f64 and close.f64");
        return;
    };
    let column = |name: &str| -> Vec<i64> {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let numbers =
            bytes.chunks_exact(8).map(|eight| f64::from_le_bytes(eight.try_into().unwrap()));
        numbers.map(|price| ticks(price, 100.0).unwrap()).collect()
    };
    let (open, close) = (column("open.f64"), column("close.f64"));
    let mut band = MeanBand::new(20, ratio(2, 1), Deviation::Population).unwrap();
    // A thousandth of a cent is the unit: 0.1 % of a cent.
    let (mut cash, mut fees, mut trades, mut ties) = (1_000_000 * 100_000_i64, 0, 0, 0);
    let (mut is_long, mut wants_long) = (false, false);
    for (open, close) in open.iter().zip(&close) {
        if is_long != wants_long {
            let notional = open * 1_000;
            fees += open;
            cash += if wants_long { -notional } else { notional } - open;
            trades += u32::from(is_long);
            is_long = wants_long;
        }
        if let Some(place) = band.update(*close) {
            ties += u32::from(place.to_mean.is_eq());
            wants_long = if is_long { place.to_mean.is_le() } else { place.to_lower.is_lt() };
        }
    }
    let equity = cash + if is_long { close[close.len() - 1] * 1_000 } else { 0 };
    let cents = |amount: i64| (amount + 500) / 1_000;
    assert_eq!((trades, ties), (18_566, 396));
    assert_eq!((cents(equity), cents(fees)), (98_315_835, 1_663_457));
}
