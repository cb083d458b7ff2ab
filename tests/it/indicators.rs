//! Every indicator against reference answers on real bars.
//!
//! The answers come from exact integer arithmetic (bands, channels, volume-weighted prices) and
//! from TA-Lib 0.8.2 (everything else) and carry 12 significant digits. Two sets are bundled; four
//! more are compared when the shared folder is there.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use tradewright::math::*;

const BUNDLED: [&str; 2] = ["aapl_1d", "sp500_1d"];
const SHARED: [&str; 4] =
    ["eurusd_1h", "kraken_xbtusdt_1m", "btc_perp_1m_202201", "ethbtc_5m_201801"];

/// Agreement that is demanded relative to the reference value.
const RELATIVE: f64 = 1e-9;

/// What a difference may additionally be because the value is what is left of a cancellation.
#[derive(Clone, Copy)]
enum Slack {
    /// The value is no difference of larger ones.
    None,
    /// A difference of prices: roundings of the price remain.
    Price,
    /// A percentage that is 0 by cancellation: roundings of 100 remain.
    Percent,
}

impl Slack {
    fn absolute(self, close: f64) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Price => 1e-14 * close,
            Self::Percent => 1e-11,
        }
    }
}

struct Bars {
    timed: Vec<TimedOhlcv>,
}

impl Bars {
    fn read(text: &str) -> Self {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let timed = reader.records().map(|record| {
            let record = record.unwrap();
            let number = |column: usize| record[column].parse::<f64>().unwrap();
            let bar = Ohlcv {
                open: number(1),
                high: number(2),
                low: number(3),
                close: number(4),
                volume: number(5),
            };
            TimedOhlcv { at_ns: record[0].parse::<i64>().unwrap() * 1_000_000, bar }
        });
        Self { timed: timed.collect() }
    }

    fn run<I: Indicator>(
        &self,
        mut indicator: I,
        input: impl Fn(&TimedOhlcv) -> I::Input,
    ) -> Vec<Option<I::Output>> {
        let inputs: Vec<_> = self.timed.iter().map(input).collect();
        let mut out = Vec::new();
        indicator.batch(&inputs, &mut out).unwrap();
        out
    }

    fn on_closes<I: Indicator<Input = f64>>(&self, indicator: I) -> Vec<Option<I::Output>> {
        self.run(indicator, |timed| timed.bar.close)
    }

    fn on_bars<I: Indicator<Input = Ohlcv>>(&self, indicator: I) -> Vec<Option<I::Output>> {
        self.run(indicator, |timed| timed.bar)
    }
}

type Column = Vec<Option<f64>>;

fn pick<T: Copy>(values: &[Option<T>], part: impl Fn(T) -> f64) -> Column {
    values.iter().map(|value| value.map(&part)).collect()
}

/// What was known before each bar.
fn before(mut column: Column) -> Column {
    column.pop();
    column.insert(0, None);
    column
}

fn window_columns(bars: &Bars) -> Vec<(&'static str, Slack, Column)> {
    let bands = bars.on_closes(Bollinger::new(20, 2.0, DeviationKind::Population).unwrap());
    let channel = bars.on_bars(Donchian::new(20).unwrap());
    let volume = bars.run(Sma::new(20).unwrap(), |timed| timed.bar.volume);
    let session = SessionVwap::new(SessionAnchor::utc_midnight());
    vec![
        ("bb_mid", Slack::None, pick(&bands, |bands| bands.middle)),
        ("bb_std", Slack::None, pick(&bands, |bands| bands.deviation)),
        ("bb_upper", Slack::None, pick(&bands, |bands| bands.upper)),
        ("bb_lower", Slack::None, pick(&bands, |bands| bands.lower)),
        ("don_high_prev20", Slack::None, before(pick(&channel, |channel| channel.upper))),
        ("don_low_prev20", Slack::None, before(pick(&channel, |channel| channel.lower))),
        ("vol_avg20", Slack::None, volume.clone()),
        ("vol_avg_prev20", Slack::None, before(volume)),
        ("vwap_cum", Slack::None, bars.on_bars(CumulativeVwap::new())),
        ("vwap_day", Slack::None, bars.run(session, |timed| *timed)),
        ("typical", Slack::None, bars.on_bars(TypicalPrice::new())),
        ("sma50", Slack::None, bars.on_closes(Sma::new(50).unwrap())),
    ]
}

fn smoothed_columns(bars: &Bars) -> Vec<(&'static str, Slack, Column)> {
    let ema = |period| bars.on_closes(Ema::new(period).unwrap());
    let macd = bars.on_closes(Macd::new(12, 26, 9).unwrap());
    let adx = bars.on_bars(Adx::new(14).unwrap());
    let movement = bars.on_bars(DirectionalMovement::new(14).unwrap());
    vec![
        ("atr14", Slack::None, bars.on_bars(Atr::new(14).unwrap())),
        ("natr14", Slack::None, bars.on_bars(Natr::new(14).unwrap())),
        ("rsi14", Slack::None, bars.on_closes(Rsi::new(14).unwrap())),
        ("ema12", Slack::None, ema(12)),
        ("ema20", Slack::None, ema(20)),
        ("ema26", Slack::None, ema(26)),
        ("ema50", Slack::None, ema(50)),
        ("macd", Slack::Price, pick(&macd, |lines| lines.macd)),
        ("macd_signal", Slack::Price, pick(&macd, |lines| lines.signal)),
        ("macd_hist", Slack::Price, pick(&macd, |lines| lines.histogram)),
        ("adx14", Slack::None, pick(&adx, |lines| lines.adx)),
        ("plus_di14", Slack::None, pick(&movement, |lines| lines.plus)),
        ("minus_di14", Slack::None, pick(&movement, |lines| lines.minus)),
    ]
}

fn oscillator_columns(bars: &Bars) -> Vec<(&'static str, Slack, Column)> {
    let slow = bars.on_bars(Stochastic::new(14, 3, 3).unwrap());
    let fast = bars.on_bars(StochasticFast::new(14, 3).unwrap());
    vec![
        ("stoch_k_14_3", Slack::Percent, pick(&slow, |lines| lines.k)),
        ("stoch_d_3", Slack::Percent, pick(&slow, |lines| lines.d)),
        ("stochf_k14", Slack::None, pick(&fast, |lines| lines.k)),
        ("stochf_d3", Slack::Percent, pick(&fast, |lines| lines.d)),
        ("obv", Slack::None, bars.on_bars(Obv::new())),
        ("cci20", Slack::None, bars.on_bars(Cci::new(20).unwrap())),
        ("willr14", Slack::None, bars.on_bars(WilliamsR::new(14).unwrap())),
        ("mfi14", Slack::Percent, bars.on_bars(Mfi::new(14).unwrap())),
        ("roc10", Slack::Percent, bars.on_closes(Roc::new(10).unwrap())),
    ]
}

fn read_gz(path: &Path) -> String {
    let file = std::fs::File::open(path).unwrap();
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

/// The columns of a reference file by name; an empty cell is a value that is not defined.
fn read_reference(path: &Path) -> BTreeMap<String, Column> {
    let text = read_gz(path);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(String::from).collect();
    let mut columns: Vec<Column> = vec![Vec::new(); names.len()];
    for record in reader.records() {
        for (column, cell) in columns.iter_mut().zip(record.unwrap().iter()) {
            column.push((!cell.is_empty()).then(|| cell.parse().unwrap()));
        }
    }
    names.into_iter().zip(columns).collect()
}

fn compare(set: &str, bars: &Bars, reference: &BTreeMap<String, Column>) {
    let mut columns = window_columns(bars);
    columns.extend(smoothed_columns(bars));
    columns.extend(oscillator_columns(bars));
    assert_eq!(columns.len() + 1, reference.len(), "{set}: every column but the time is compared");
    let mut failures = Vec::new();
    for (name, slack, column) in &columns {
        let expected = &reference[*name];
        assert_eq!(column.len(), expected.len(), "{set} {name}");
        let first = |column: &Column| column.iter().position(Option::is_some);
        assert_eq!(first(column), first(expected), "{set} {name}: first defined bar");
        let differs = |index: &usize| match (column[*index], expected[*index]) {
            (None, None) => false,
            (Some(actual), Some(expected)) => {
                let absolute = slack.absolute(bars.timed[*index].bar.close);
                !((actual - expected).abs() <= RELATIVE * expected.abs() + absolute)
            }
            (Some(_), None) | (None, Some(_)) => true,
        };
        let wrong: Vec<usize> = (0..column.len()).filter(differs).collect();
        if let Some(&index) = wrong.first() {
            failures.push(format!(
                "{name}: {} bars differ, first {index}: {:?} instead of {:?}",
                wrong.len(),
                column[index],
                expected[index]
            ));
        }
    }
    assert!(failures.is_empty(), "{set}:\n{}", failures.join("\n"));
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn bundled_sets_give_the_reference_answers() {
    for set in BUNDLED {
        let text = std::fs::read_to_string(project(&format!("examples/data/{set}.csv"))).unwrap();
        let path = project(&format!("tests/data/reference/{set}/indicators.csv.gz"));
        compare(set, &Bars::read(&text), &read_reference(&path));
    }
}

#[test]
fn shared_sets_give_the_reference_answers() {
    let shared = std::env::var_os("TRADEWRIGHT_SHARED")
        .map_or_else(|| project("../shared"), |folder| project("").join(folder));
    for set in SHARED {
        let reference = shared.join(format!("reference/{set}/indicators.csv.gz"));
        let packaged = shared.join(format!("market-data/packages/{set}.csv"));
        let fetched = shared.join(format!("market-data/fetched/{set}.csv.gz"));
        let text = if packaged.exists() {
            std::fs::read_to_string(&packaged).unwrap()
        } else if fetched.exists() {
            read_gz(&fetched)
        } else {
            eprintln!("skipped {set}: its bars are not in {}", shared.display());
            continue;
        };
        if !reference.exists() {
            eprintln!("skipped {set}: its answers are not in {}", shared.display());
            continue;
        }
        compare(set, &Bars::read(&text), &read_reference(&reference));
    }
}
