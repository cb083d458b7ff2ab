//! The HTML pages: nothing loaded, nothing executed, nothing that a name could break.

use tradewright::backtest::tear_sheet::{Comparison, TearSheet};
use tradewright::prelude::*;

use crate::report::{costly, index, short, tagged};
use crate::support;

const HOSTILE: &str = "<script>alert('1')</script>";

#[test]
fn hostile_names_stay_text() {
    let tape = short(60);
    let strategy = tagged(HOSTILE, ["<img src=x onerror=y>", "\"><b>&amp;"]);
    let report = Backtest::new(&tape).with(strategy).run().unwrap();
    assert!(!report.trades.is_empty());
    let comparison = Comparison::new([(HOSTILE, &report), ("a & b", &report)]).to_string();
    for page in [TearSheet::new(&report, &tape).to_string(), comparison] {
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("\"><b>"));
        assert!(page.contains("&lt;script&gt;"));
        check(&page);
    }
}

/// Every tag is closed in order, and nothing points outside.
fn check(page: &str) {
    for outside in ["http:", "https:", "url(", "@import", "<script", "NaN", "inf\""] {
        assert!(!page.contains(outside), "`{outside}` in the page");
    }
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
        let is_void = ["meta", "link", "!DOCTYPE"].contains(&name) || tag.ends_with('/');
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "closed out of order");
        } else if !is_void {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn a_page_has_every_section_and_says_the_same_twice() {
    let tape = index();
    let mut venue = SimConfig::default();
    venue.fees = FeeSchedule::flat("0.001".parse().unwrap(), "0.001".parse().unwrap());
    let risk = EnhancedRiskManager::builder().max_position_fraction(0.05).build().unwrap();
    let backtest = Backtest::new(&tape).venue(venue).risk(risk).strategy("MEAN_REVERSION");
    let report = backtest.run().unwrap();
    let page = TearSheet::new(&report, &tape).to_string();
    check(&page);
    for section in [
        "Figures",
        "Equity",
        "Drawdown",
        "Returns by month, %",
        "Rolling Sharpe ratio",
        "Profit and loss per trade",
        "Price and fills: SPX",
        "Worst drawdowns",
        "Trades by tag",
        "Costs",
        "Refused intents by rule",
        "Open at the end",
    ] {
        assert!(page.contains(&format!("<h2>{section}</h2>")), "no section `{section}`");
    }
    assert!(page.contains(&report.hash.to_string()));
    assert_eq!(page, TearSheet::new(&report, &tape).to_string());
}

#[test]
fn an_empty_run_is_a_page_too() {
    let tape = short(1);
    let report = Backtest::new(&tape).with(from_fn("SILENT", |_, _, _| {})).run().unwrap();
    check(&TearSheet::new(&report, &tape).to_string());
    check(&Comparison::new([("silent", &report)]).to_string());
    check(&Comparison::new([]).to_string());
}

#[test]
fn a_month_of_minutes_stays_small() {
    let tape = support::workload(40_000);
    let strategy = tagged("TURNS", ["a", "b"]);
    let report = Backtest::new(&tape).with(strategy).run().unwrap();
    let page = TearSheet::new(&report, &tape).to_string();
    check(&page);
    assert!(report.fills.len() > 10_000 && page.len() < 600_000, "{} bytes", page.len());
}

#[test]
fn costs_are_shown_apart() {
    let tape = short(60);
    let page = TearSheet::new(&costly(&tape), &tape).to_string();
    assert!(page.contains(">fees<") && page.contains(">slippage<"));
}
