//! The result of a run: figures, calendar, costs, text, JSON and CSV.

use std::collections::BTreeMap;

use serde_json::Value;
use tradewright::account::{Conventions, EquitySeries, RiskFree, Statistics};
use tradewright::backtest::{Backtest, CsvBars, Report, Tape};
use tradewright::prelude::*;
use tradewright::sim::Slippage;
use tradewright::types::to_f64;

fn data(name: &str) -> String {
    format!("{}/examples/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[cfg_attr(not(feature = "report"), allow(dead_code))]
pub fn index() -> Tape {
    let share = Instrument::stock("SPX", "USD").step("0.001");
    CsvBars::open(data("sp500_1d.csv")).load(share).unwrap()
}

/// Thirty rising days of one share, from Monday.
#[cfg_attr(not(feature = "report"), allow(dead_code))]
pub fn short(days: i32) -> Tape {
    let mut tape = Tape::new(Instruments::new());
    let share = tape.add(Instrument::stock("ACME", "USD")).unwrap();
    for day in 1..=days {
        let price = 100.0 + f64::from(day);
        let bar = Bar::new(share, Period::DAY, [price, price + 1.0, price - 1.0, price], 1e6);
        let at = Timestamp::from_secs(1_767_571_200 + 86_400 * i64::from(day)).unwrap();
        tape.push(at, MarketEvent::Bar(bar.unwrap())).unwrap();
    }
    tape
}

/// In and out by turns, under tags that change.
#[cfg_attr(not(feature = "report"), allow(dead_code))]
pub fn tagged(name: &'static str, tags: [&'static str; 2]) -> impl Strategy + 'static {
    let mut count = 0_usize;
    from_fn(name, move |event, _, advice| {
        if event.bar().is_none() {
            return;
        }
        count += 1;
        let tag = tags[count / 4 % 2];
        match count % 4 {
            1 => advice.tag(tag).buy(Confidence::FULL),
            3 => advice.tag(tag).sell(Confidence::FULL),
            _ => {}
        }
    })
}

#[cfg_attr(not(feature = "report"), allow(dead_code))]
pub fn costly(tape: &Tape) -> Report {
    let mut venue = SimConfig::default();
    venue.fees = FeeSchedule::flat("0.001".parse().unwrap(), "0.001".parse().unwrap());
    venue.slippage = Slippage::Fixed(0.05);
    let strategy = tagged("TURNS", ["odd", "even"]);
    let sizer = FixedQuantity::new(Decimal::TEN).unwrap();
    Backtest::new(tape).venue(venue).sizer(sizer).with(strategy).run().unwrap()
}

#[track_caller]
fn near(found: Option<f64>, expected: f64, tolerance: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() <= tolerance, "{found}, expected {expected}");
}

/// Figures of the index itself as other libraries give them: Sharpe, Sortino and historical
/// tails by empyrical, the annual risk-free rate as quantstats and empyrical take it.
#[test]
fn the_index_as_other_libraries_see_it() {
    let tape = index();
    let closes = tape.events().iter().map(|timed| (timed.at, timed.event.mark().unwrap()));
    let points: Vec<(Timestamp, f64)> = closes.collect();
    let series = EquitySeries { start: points[0].0, initial: points[0].1, points: &points };
    let of = |risk_free| {
        let conventions = Conventions { risk_free, ..Conventions::daily() };
        Statistics::new(&series, &[], &conventions).returns
    };
    let plain = of(RiskFree::PerPeriod(0.0));
    near(plain.sharpe, 0.28274, 5e-6);
    near(plain.sortino, 0.39861, 5e-6);
    near(plain.value_at_risk, 0.018_643, 5e-7);
    near(plain.expected_shortfall, 0.028_609, 5e-7);
    near(of(RiskFree::AnnualGeometric(0.03)).sharpe, 0.12796, 5e-6);
    near(of(RiskFree::PerPeriod(0.03 / 252.0)).sharpe, 0.12566, 5e-6);
}

#[test]
fn months_and_years_compound_to_the_total() {
    let tape = index();
    let report = Backtest::new(&tape).strategy("MEAN_REVERSION").run().unwrap();
    let analysis = report.analysis();
    let total = 1.0 + analysis.statistics.returns.total_return.unwrap();
    let months: f64 = analysis.months.iter().map(|row| 1.0 + row.value).product();
    let years: f64 = analysis.years.iter().map(|row| 1.0 + row.value).product();
    assert!((months - total).abs() < 1e-9 && (years - total).abs() < 1e-9);
    assert_eq!(analysis.years.len(), 20);
    assert_eq!((analysis.months.len(), analysis.months[0].month), (240, 1));
    assert_eq!(report.run.periods_per_year.value, Some(252.0));
    assert_eq!(report.run.periods_per_year.how, "daily, no Saturdays");
}

#[test]
fn the_benchmark_is_the_index_from_its_first_close() {
    let tape = index();
    let report = Backtest::new(&tape).strategy("BREAKOUT").run().unwrap();
    let mark = |index: usize| tape.events()[index].event.mark().unwrap();
    let held = report.benchmark.as_ref().unwrap();
    near(held.total_return, mark(tape.len() - 1) / mark(0) - 1.0, 1e-12);
    assert_eq!(held.values.len(), report.equity.len());
    // A run that always holds everything is its own benchmark: beta one.
    let long = from_fn("LONG", |event, _, advice| {
        if event.bar().is_some() {
            advice.buy(Confidence::FULL);
        }
    });
    let long = Backtest::new(&tape).sizer(AllIn).with(long).run().unwrap();
    near(long.analysis().relative.as_ref().unwrap().beta, 1.0, 0.01);
    let none = Backtest::new(&tape).benchmark(None).strategy("BREAKOUT").run().unwrap();
    assert!(none.benchmark.is_none() && none.analysis().relative.is_none());
    assert_eq!(none.hash, report.hash, "what only the report reads is not in the hash");
}

#[test]
fn costs_are_fees_and_slippage() {
    let report = costly(&short(30));
    let fees: f64 = report.fills.iter().map(|(fill, _)| to_f64(fill.execution.fee.amount)).sum();
    assert!(report.fills.len() > 10 && fees > 0.0);
    assert!((report.costs.fees - fees).abs() < 1e-9);
    // Ten shares, five cents each.
    let slippage = 0.5 * report.fills.len() as f64;
    assert!((report.costs.slippage - slippage).abs() < 1e-9, "{}", report.costs.slippage);
    near(report.costs.fees_bps, 10.0, 1e-9);
    assert_eq!((report.costs.funding, report.costs.unrated), (0.0, 0));
    // Without slippage the same orders fill at the open.
    let arrivals = report.fills.iter().all(|(fill, _)| fill.arrival > 0.0);
    assert!(arrivals && report.costs.shortfall.is_some());
}

#[test]
fn fees_in_coins_are_counted_in_the_reporting_currency() {
    let mut tape = Tape::new(Instruments::new());
    let coin = tape.add(Instrument::inverse_perpetual("XBTUSD", "BTC", "USD")).unwrap();
    for hour in 1..=60 {
        let price = 20_000.0 + 100.0 * f64::from(hour % 5);
        let bar = Bar::new(coin, Period::HOUR, [price; 4], 1e6).unwrap();
        let at = Timestamp::from_secs(1_767_571_200 + 3_600 * i64::from(hour)).unwrap();
        tape.push(at, MarketEvent::Bar(bar)).unwrap();
    }
    let fees = FeeSchedule::flat("0.001".parse().unwrap(), "0.001".parse().unwrap());
    let sizer = FixedQuantity::new(Decimal::from(1_000)).unwrap();
    let backtest = Backtest::new(&tape).fees(fees).sizer(sizer);
    let report = backtest.with(tagged("TURNS", ["a", "b"])).run().unwrap();
    assert!(report.fills.len() > 4);
    // A contract of one dollar: a thousand of them trade a thousand dollars.
    let traded = 1_000.0 * report.fills.len() as f64;
    assert!((report.costs.traded / traded - 1.0).abs() < 0.03, "{}", report.costs.traded);
    near(report.costs.fees_bps, 10.0, 0.1);
}

#[test]
fn tags_and_strategies_share_the_trades() {
    let tape = short(60);
    let report = Backtest::new(&tape)
        .with(tagged("ONE", ["left", "right"]))
        .with(tagged("TWO", ["right", "other"]))
        .run()
        .unwrap();
    let analysis = report.analysis();
    let tags: Vec<&str> = analysis.by_tag.iter().map(|row| row.tag.as_str()).collect();
    assert_eq!(tags, ["left", "other", "right"]);
    let names: Vec<&str> = analysis.by_strategy.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["ONE", "TWO"]);
    let all = &analysis.statistics.trades;
    let closed = |parts: Vec<usize>| parts.into_iter().sum::<usize>();
    assert_eq!(closed(analysis.by_tag.iter().map(|row| row.trades.closed).collect()), all.closed);
    let strategies = analysis.by_strategy.iter().map(|row| row.trades.closed).collect();
    assert_eq!(closed(strategies), all.closed);
    assert!(report.to_string().contains("Trades by strategy"));
}

#[test]
fn a_run_without_trades_has_no_figures_and_says_so() {
    let tape = short(1);
    let silent = from_fn("SILENT", |_, _, _| {});
    let report = Backtest::new(&tape).with(silent).run().unwrap();
    let statistics = report.statistics();
    assert_eq!(statistics.returns.total_return, Some(0.0));
    assert_eq!((statistics.returns.sharpe, statistics.returns.cagr), (None, None));
    assert_eq!((statistics.trades.win_rate, statistics.trades.profit_factor), (None, None));
    assert_eq!((statistics.drawdown.depth, report.exposure), (Some(0.0), Some(0.0)));
    assert_eq!(report.analysis().signal_effectiveness, None);
    let text = report.to_string();
    let is_number = |word: &str| !["NaN", "inf", "-inf"].contains(&word);
    assert!(text.split_whitespace().all(is_number), "{text}");
    assert!(text.contains("periods per year not known"), "{text}");
}

#[test]
fn the_text_ends_with_the_hash_whatever_a_strategy_is_called() {
    let tape = short(40);
    let name = "X\nrun hash 00000000000000000000000000000000";
    let backtest = || Backtest::new(&tape).with(tagged(name, ["\r\nrun hash 1", "b"]));
    let report = backtest().run().unwrap();
    let text = report.to_string();
    let hashes: Vec<&str> = text.lines().filter(|line| line.starts_with("run hash")).collect();
    assert_eq!(hashes, [format!("run hash {}", report.hash)]);
    assert_eq!(text.lines().last(), Some(hashes[0]));
    assert_eq!(text, backtest().run().unwrap().to_string());
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
}

#[test]
fn the_tear_sheet_fits_on_two_screens() {
    let tape = index();
    let report = Backtest::new(&tape).strategy("MEAN_REVERSION").run().unwrap();
    let text = report.to_string();
    let lines = text.lines().count();
    assert!((30..=55).contains(&lines), "{lines} lines\n{text}");
    for word in ["Sharpe", "max drawdown", "win rate", "fees", "hold SPX", "refused by risk"] {
        assert!(text.contains(word), "no `{word}` in\n{text}");
    }
}

#[test]
fn refusals_are_counted_by_rule() {
    let tape = short(40);
    let risk = EnhancedRiskManager::builder().max_position_fraction(0.000_1).build().unwrap();
    let report = Backtest::new(&tape).risk(risk).with(tagged("X", ["a", "b"])).run().unwrap();
    let by_rule = report.refusals_by_rule();
    assert!(!by_rule.is_empty() && report.fills.is_empty());
    let sum: u64 = by_rule.iter().map(|(_, count)| count).sum();
    assert_eq!(sum as usize, report.refusals.len());
    assert!(report.to_string().contains(&format!("{} {}", by_rule[0].0, by_rule[0].1)));
}

#[test]
fn json_holds_every_defined_number() {
    let report = costly(&short(60));
    let json: Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(json["hash"], report.hash.to_string());
    let statistics = &json["analysis"]["statistics"];
    let returns = &report.statistics().returns;
    assert_eq!(statistics["returns"]["sharpe"].as_f64(), returns.sharpe);
    assert_eq!(statistics["returns"]["total_return"].as_f64(), returns.total_return);
    assert_eq!(json["equity"].as_array().unwrap().len(), report.equity.len());
    assert_eq!(json["underwater"].as_array().unwrap().len(), report.equity.len());
    assert!(json["equity"].as_array().unwrap().iter().all(|point| point["equity"].is_number()));
    for (name, rows) in [
        ("trades", report.trades.len()),
        ("fills", report.fills.len()),
        ("orders", report.orders.len()),
        ("signals", report.signals.len()),
        ("open", report.open.len()),
    ] {
        assert_eq!(json[name].as_array().unwrap().len(), rows, "{name}");
    }
    assert!(json["costs"]["slippage"].as_f64().unwrap() > 0.0);
    assert_eq!(json["run"]["currency"], "USD");
}

#[test]
fn csv_rows_read_back() {
    let report = costly(&short(60));
    let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    report.write_trades_csv(files.entry("trades").or_default()).unwrap();
    report.write_equity_csv(files.entry("equity").or_default()).unwrap();
    report.write_fills_csv(files.entry("fills").or_default()).unwrap();
    report.write_orders_csv(files.entry("orders").or_default()).unwrap();
    report.write_signals_csv(files.entry("signals").or_default()).unwrap();
    let rows = |name: &str| -> Vec<csv::StringRecord> {
        csv::Reader::from_reader(files[name].as_slice()).records().map(Result::unwrap).collect()
    };
    assert_eq!(rows("trades").len(), report.trades.len());
    assert_eq!(rows("fills").len(), report.fills.len());
    assert_eq!(rows("orders").len(), report.orders.len());
    assert_eq!(rows("signals").len(), report.signals.len());
    let equity = rows("equity");
    let last = equity.last().unwrap();
    assert_eq!(last[1].parse::<f64>().unwrap(), report.run.final_equity);
    let first = &rows("trades")[0];
    assert_eq!((&first[0], &first[1], &first[2]), ("TURNS", "ACME", "BUY"));
    assert_eq!(first[11].parse::<Decimal>().unwrap(), report.trades[0].net().unwrap());
    assert_eq!(first[4].parse::<Timestamp>().unwrap(), report.trades[0].opened_at);
}

#[test]
fn what_is_open_at_the_end_is_marked() {
    let tape = short(30);
    let long = from_fn("LONG", |event, _, advice| {
        if event.bar().is_some() {
            advice.buy(Confidence::FULL);
        }
    });
    let sizer = FixedQuantity::new(Decimal::TEN).unwrap();
    let report = Backtest::new(&tape).sizer(sizer).with(long).run().unwrap();
    let open = report.open[0];
    assert_eq!((report.open.len(), open.quantity), (1, Decimal::TEN));
    // Bought at the second open, 102, and marked at the last close, 130.
    assert_eq!((open.entry, open.mark), (102.0, Some(130.0)));
    near(open.unrealised, 280.0, 1e-9);
    assert_eq!(report.run.final_equity, report.run.initial_equity + 280.0);
    assert_eq!(report.statistics().trades.closed, 0);
}
