//! The whole engine against independent engines: every trade bar exactly; trades, equity and
//! figures within 1e-9, on real data, in both sizing modes.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;
use tradewright::backtest::{Backtest, CsvBars, Report, Tape};
use tradewright::prelude::*;
use tradewright::types::to_f64;

struct Set {
    name: &'static str,
    bars: &'static str,
    intraday: bool,
}

/// The sets whose licence allows bundling.
const BUNDLED: [Set; 2] = [
    Set { name: "sp500_1d", bars: "sp500_1d.csv", intraday: false },
    Set { name: "aapl_1d", bars: "aapl_1d.csv", intraday: false },
];

/// The sets that are checked where the data lie beside the project.
const BESIDE: [Set; 4] = [
    Set { name: "eurusd_1h", bars: "packages/eurusd_1h.csv", intraday: true },
    Set { name: "kraken_xbtusdt_1m", bars: "packages/kraken_xbtusdt_1m.csv", intraday: true },
    Set { name: "btc_perp_1m_202201", bars: "fetched/btc_perp_1m_202201.csv.gz", intraday: true },
    Set { name: "ethbtc_5m_201801", bars: "fetched/ethbtc_5m_201801.csv.gz", intraday: true },
];

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn open(path: &Path) -> Box<dyn Read> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_some_and(|end| end == "gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    }
}

fn tape(path: &Path) -> Tape {
    let asset = Instrument::spot("ASSET", "ASSET", "CASH").step("0.0000000001");
    let bars = CsvBars::from_reader(open(path), &path.display().to_string());
    // Two sets carry binary noise in their last decimals.
    let digits = [("btc_perp_1m_202201.csv.gz", 3, 7), ("ethbtc_5m_201801.csv.gz", 8, 8)];
    if let Some((_, price, volume)) = digits.iter().find(|(name, ..)| path.ends_with(name)) {
        let asset = asset.tick("0.00000001").price_digits(*price).volume_digits(*volume);
        return bars.snap().load(asset).unwrap();
    }
    bars.load(asset).unwrap()
}

#[test]
fn bundled_sets_equal_the_reference_answers() {
    for set in &BUNDLED {
        let bars = here().join("examples/data").join(set.bars);
        check(set, &bars, &here().join("tests/data/reference").join(set.name));
    }
}

#[test]
fn the_other_sets_equal_the_reference_answers() {
    let shared = std::env::var_os("TRADEWRIGHT_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| here().join("../shared"));
    if !shared.join("reference").exists() {
        eprintln!("skipped: no reference data beside the project (TRADEWRIGHT_SHARED)");
        return;
    }
    for set in &BESIDE {
        let bars = shared.join("market-data").join(set.bars);
        check(set, &bars, &shared.join("reference").join(set.name));
    }
}

fn check(set: &Set, bars: &Path, answers: &Path) {
    let tape = tape(bars);
    let metrics: Value = serde_json::from_reader(open(&answers.join("backtests.json"))).unwrap();
    let vwap = if set.intraday {
        r#"{"anchor": {"session": {"zone": "UTC", "reset": "00:00"}}}"#
    } else {
        "{}"
    };
    let strategies =
        [("mr", "MEAN_REVERSION", "{}"), ("bo", "BREAKOUT", "{}"), ("vwap", "VWAP", vwap)];
    for (short, name, parameters) in strategies {
        for mode in ["allin", "fixed"] {
            let answer = &metrics[format!("{short}_{mode}")];
            let report = run(&tape, name, parameters, mode, answer);
            let what = format!("{} {short} {mode}", set.name);
            let stem = format!("{short}_{mode}");
            check_trades(&what, &report, &tape, &answers.join(format!("trades_{stem}.csv")));
            check_equity(&what, &report, &answers.join(format!("equity_{stem}.csv.gz")));
            check_figures(&what, &report, answer);
        }
    }
}

fn run(tape: &Tape, name: &str, parameters: &str, mode: &str, answer: &Value) -> Report {
    let cash = answer["initial_cash"].as_f64().unwrap();
    let fees = FeeSchedule::flat("0.001".parse().unwrap(), "0.001".parse().unwrap());
    let backtest = Backtest::new(tape).cash(&cash.to_string()).fees(fees);
    let periods = answer["periods_per_year"].as_f64().unwrap();
    let backtest = backtest.periods_per_year(periods);
    let backtest = match mode {
        "allin" => backtest.sizer(AllIn),
        _ => backtest.sizer(FixedQuantity::new(Decimal::ONE).unwrap()),
    };
    backtest.strategy_with(name, parameters).run().unwrap()
}

#[track_caller]
fn near(what: &str, found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(error <= 1e-9 * expected.abs().max(1e-300), "{what}: {found}, expected {expected}");
}

/// The bar whose open is at this time.
fn bar_at(tape: &Tape, at: Timestamp) -> usize {
    let opens = |timed: &tradewright::backtest::Timed| match &timed.event {
        MarketEvent::Bar(bar) => timed.at.before(bar.period.span().unwrap()),
        _ => unreachable!("a tape of bars"),
    };
    tape.events().binary_search_by_key(&at, opens).unwrap()
}

fn check_trades(what: &str, report: &Report, tape: &Tape, path: &Path) {
    let mut rows = csv::Reader::from_reader(open(path));
    let rows: Vec<Vec<String>> =
        rows.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    let closed: Vec<_> = rows.iter().filter(|row| row[11] == "0").collect();
    assert_eq!(report.trades.len(), closed.len(), "{what}: closed trades");
    assert_eq!(report.fills.len(), rows.len() + closed.len(), "{what}: fills");
    for (number, (trade, row)) in report.trades.iter().zip(&closed).enumerate() {
        let what = format!("{what} trade {number}");
        let value = |column: usize| row[column].parse::<f64>().unwrap();
        assert_eq!(bar_at(tape, trade.opened_at), value(0) as usize, "{what}: entry bar");
        assert_eq!(bar_at(tape, trade.closed_at), value(5) as usize, "{what}: exit bar");
        near(&format!("{what} entry"), to_f64(trade.entry), value(2));
        near(&format!("{what} size"), trade.quantity.to_f64(), value(3));
        near(&format!("{what} exit"), to_f64(trade.exit), value(7));
        near(&format!("{what} fees"), to_f64(trade.fees), value(4) + value(8));
        // A profit is a difference of large numbers: its scale is the traded value.
        let (net, scale) = (to_f64(trade.net().unwrap()), value(2) * value(3));
        assert!((net - value(9)).abs() <= 1e-9 * scale, "{what} net: {net}, {}", value(9));
    }
    for row in rows.iter().filter(|row| row[11] == "1") {
        let (fill, _) = report.fills.last().unwrap();
        assert_eq!(bar_at(tape, fill.at), row[0].parse::<usize>().unwrap(), "{what}: open trade");
        near(
            &format!("{what} open size"),
            fill.execution.quantity.to_f64(),
            row[3].parse().unwrap(),
        );
    }
}

fn check_equity(what: &str, report: &Report, path: &Path) {
    let mut rows = csv::Reader::from_reader(open(path));
    let expected: Vec<f64> = rows.records().map(|row| row.unwrap()[1].parse().unwrap()).collect();
    assert_eq!(report.equity.len(), expected.len(), "{what}: points of equity");
    for (index, (point, expected)) in report.equity.iter().zip(&expected).enumerate() {
        near(&format!("{what} equity {index}"), point.equity, *expected);
    }
}

fn check_figures(what: &str, report: &Report, answer: &Value) {
    let (returns, trades) = (&report.statistics().returns, &report.statistics().trades);
    let figures = [
        ("final_equity", Some(report.run.final_equity)),
        ("total_return", returns.total_return),
        ("max_drawdown", report.statistics().drawdown.depth),
        ("sharpe_per_bar", returns.sharpe_per_period),
        ("sharpe_annual", returns.sharpe),
        ("sortino_per_bar", returns.sortino_per_period),
        ("periods_per_year", report.run.periods_per_year.value),
        ("win_rate", trades.win_rate),
        ("profit_factor", trades.profit_factor),
        ("gross_profit", Some(trades.gross_profit)),
        ("gross_loss", Some(trades.gross_loss)),
        ("exposure", report.exposure),
        ("total_fees", Some(report.costs.fees)),
    ];
    for (name, found) in figures {
        let what = format!("{what} {name}");
        match (found, answer[name].as_f64()) {
            (Some(found), Some(expected)) => near(&what, found, expected),
            (found, expected) => assert_eq!(found, expected, "{what}"),
        }
    }
    let count = |name: &str| answer[name].as_u64().unwrap() as usize;
    assert_eq!(trades.closed, count("closed_trades"), "{what}: closed trades");
    assert_eq!(trades.wins, count("wins"), "{what}: wins");
    assert_eq!(report.open.len(), count("open_at_end"), "{what}: open at the end");
}
