//! The files of docs/monitoring: boards are written from tables here, and every query of boards and
//! rules asks for metrics and labels that the catalogue has.

#![allow(clippy::disallowed_methods, reason = "the boards are written anew when it is asked for")]

mod grafana;
mod operations;
mod overview;
mod panel;
mod promql;
mod risk;
mod rules;
mod trading;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tradewright::metrics::catalogue;

use panel::{Board, Kind};

/// Metrics that the engine feeds and no board shows, with the reason.
const NOT_SHOWN: [(&str, &str); 1] =
    [("trading_capital_total", "it is trading_capital under an older name")];

fn boards() -> [Board; 4] {
    [overview::board(), trading::board(), risk::board(), operations::board()]
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring").join(name)
}

fn file_of(board: &Board) -> String {
    format!("{}.json", board.uid.trim_start_matches("tradewright-"))
}

#[test]
fn the_boards_in_docs_are_those_of_the_tables() {
    for board in boards() {
        let path = path(&file_of(&board));
        let made = grafana::dashboard(&board);
        if std::env::var_os("WRITE_DOCS").is_some() {
            let text = serde_json::to_string_pretty(&made).unwrap();
            fs::write(&path, text + "\n").unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        let found: Value = serde_json::from_str(&found).unwrap_or_default();
        assert!(found == made, "{} differs: run this test with WRITE_DOCS=1", file_of(&board));
    }
}

#[test]
fn every_query_asks_for_what_the_catalogue_has() {
    let mut faults = Vec::new();
    for board in boards() {
        for panel in &board.panels {
            assert!(!panel.targets.is_empty(), "{}: no query", panel.title);
            for target in &panel.targets {
                let (found, labels) = promql::judge(&target.expr(), &[]);
                faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", panel.title)));
                for word in target.legend.split("{{").skip(1) {
                    let label = word.split("}}").next().unwrap_or_default();
                    if !labels.contains(label) {
                        faults.push(format!("{}: no label `{label}` to show", panel.title));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn planted_faults_in_queries_are_found() {
    let faulty = [
        ("trading_trade_total", "no metric"),
        ("rate(trading_trade_total[1m])", "no metric"),
        ("sum(rate(trading_fills_total{venue=\"x\"}[1m]))", "has no label"),
        ("trading_fills_total{side=\"buy\"}", "is never"),
        ("trading_halt_state{state=~\"halted|dead\"}", "is never"),
        ("rate(trading_daily_pnl[5m])", "no counter"),
        ("rate(trading_trade_pnl_sum[5m])", "may fall"),
        ("sum by (venue) (trading_fills_total)", "nothing has"),
        ("histogram_quantile(0.5, sum(rate(trading_trade_pnl_bucket[5m])))", "without `le`"),
        ("sum(trading_fills_total", "trading_fills_total"),
    ];
    for (expr, fault) in faulty {
        let (found, _) = promql::judge(expr, &[]);
        assert!(found.iter().any(|found| found.contains(fault)), "{expr}: {found:?}");
    }
    assert!(promql::judge("sum by (side) (rate(trading_fills_total[1m]))", &[]).0.is_empty());
}

#[test]
fn every_metric_that_the_engine_feeds_is_shown() {
    let mut shown = BTreeSet::new();
    for board in boards() {
        let targets = board.panels.iter().flat_map(|panel| &panel.targets);
        let specs = targets.flat_map(|target| promql::metrics(&target.expr()));
        shown.extend(specs.map(|spec| spec.name));
    }
    let hidden: BTreeSet<&str> = catalogue()
        .filter(|spec| !spec.is_pending() && !shown.contains(spec.name))
        .map(|spec| spec.name)
        .collect();
    assert_eq!(hidden, NOT_SHOWN.iter().map(|(name, _)| *name).collect());
}

#[test]
fn boards_have_the_panels_that_are_asked_for() {
    let [overview, trading, ..] = boards();
    assert_eq!((overview.panels.len(), trading.panels.len()), (10, 16));
    let kinds = |kind| trading.panels.iter().filter(|panel| panel.kind == kind).count();
    assert_eq!((kinds(Kind::TimeSeries), kinds(Kind::Stat), kinds(Kind::Gauge)), (5, 3, 2));
    assert_eq!((kinds(Kind::Pie), kinds(Kind::BarGauge), kinds(Kind::Heatmap)), (2, 2, 2));
}

#[test]
fn panels_have_places_and_names_of_their_own() {
    for board in boards() {
        let dashboard = grafana::dashboard(&board);
        let (mut taken, mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut bottom = 0;
        for panel in dashboard["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64()), "{panel}");
            assert!(titles.insert(panel["title"].as_str()), "{}", panel["title"]);
            assert!(panel["description"].as_str().is_some_and(|text| text.len() > 15), "{panel}");
            let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
            assert!(side("x") + side("w") <= 24);
            bottom = bottom.max(side("y") + side("h"));
            for x in side("x")..side("x") + side("w") {
                for y in side("y")..side("y") + side("h") {
                    assert!(taken.insert((x, y)), "{} lies over another", panel["title"]);
                }
            }
        }
        assert_eq!(taken.len() as u64, 24 * bottom, "{}: the grid has a hole", board.title);
    }
}
