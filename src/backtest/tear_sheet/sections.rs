//! The tables of a tear sheet. Each is empty where there is nothing to show.

use core::fmt::{self, Formatter};

use crate::account::TradeStatistics;
use crate::backtest::report::figures::{NONE, cut, date, money, number, percent, span};
use crate::types::Label;

use super::charts::bars;
use super::page::{escape, table};
use crate::backtest::{Analysis, Report};

/// Rows of a table, at most.
const MOST_ROWS: usize = 50;

/// Title, span of time, hashes, and the figures that are read first.
pub(super) fn head(report: &Report, out: &mut Formatter<'_>) -> fmt::Result {
    writeln!(out, "<header>\n<h1>{}</h1>", escape(&report.title()))?;
    for line in report.subtitle() {
        writeln!(out, "<p>{}</p>", escape(&line))?;
    }
    let (hash, data) = (report.hash, report.tape_hash);
    writeln!(out, "<p>run hash <code>{hash}</code>, data <code>{data}</code></p>\n</header>")?;
    let statistics = report.statistics();
    let cards = [
        ("equity at the end", money(report.run.final_equity)),
        ("total return", percent(statistics.returns.total_return)),
        ("Sharpe, per year", number(statistics.returns.sharpe, 2)),
        ("max drawdown", percent(statistics.drawdown.depth)),
        ("trades closed", number(statistics.trades.closed as f64, 0)),
        ("win rate", percent(statistics.trades.win_rate)),
    ];
    writeln!(out, r#"<div class="cards">"#)?;
    for (name, value) in cards {
        writeln!(out, "<div><b>{value}</b><span>{name}</span></div>")?;
    }
    writeln!(out, "</div>")
}

/// All figures in two columns.
pub(super) fn figures(
    report: &Report,
    analysis: &Analysis,
    out: &mut Formatter<'_>,
) -> fmt::Result {
    writeln!(out, "<section>\n<h2>Figures</h2>\n<div class=\"columns\">")?;
    for column in [report.return_figures(analysis), report.trade_figures(analysis)] {
        let rows: Vec<Vec<String>> =
            column.into_iter().map(|(name, value)| vec![name, value]).collect();
        writeln!(out, "{}", table(&["", ""], 1, &rows))?;
    }
    writeln!(out, "</div>\n</section>")
}

pub(super) fn drawdowns(analysis: &Analysis) -> String {
    if analysis.worst_drawdowns.is_empty() {
        return String::new();
    }
    let row = |found: &crate::account::Drawdown| {
        vec![
            date(found.peak_at),
            date(found.trough_at),
            found.recovered_at.map_or("never".to_owned(), date),
            percent(found.depth),
            span(found.duration_secs()),
            span(found.recovery_secs()),
        ]
    };
    let rows: Vec<Vec<String>> = analysis.worst_drawdowns.iter().map(row).collect();
    table(&["Peak", "Trough", "Recovered", "Depth", "Lasted", "Trough to recovery"], 3, &rows)
}

pub(super) fn by_tag(analysis: &Analysis) -> String {
    let named = |tag: &Label| if tag.is_empty() { "(none)" } else { tag.as_str() }.to_owned();
    groups("Tag", analysis.by_tag.iter().map(|row| (named(&row.tag), &row.trades)).collect())
}

pub(super) fn by_strategy(analysis: &Analysis) -> String {
    if analysis.by_strategy.len() < 2 {
        return String::new();
    }
    let rows = analysis.by_strategy.iter().map(|row| (row.name.clone(), &row.trades));
    groups("Strategy", rows.collect())
}

fn groups(first: &str, rows: Vec<(String, &TradeStatistics)>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let row = |(name, trades): &(String, &TradeStatistics)| {
        vec![
            name.clone(),
            number(trades.closed as f64, 0),
            percent(trades.win_rate),
            money(trades.net),
            money(trades.expectancy),
            number(trades.profit_factor, 2),
            money(trades.best),
            money(trades.worst),
        ]
    };
    let cells: Vec<Vec<String>> = rows.iter().take(MOST_ROWS).map(row).collect();
    let heads = [first, "Closed", "Won", "Net", "Mean", "Profit factor", "Best", "Worst"];
    table(&heads, 1, &cells) + &more(rows.len())
}

pub(super) fn costs(report: &Report) -> String {
    let costs = &report.costs;
    let currency = report.run.currency;
    let row = |name: &str, value: f64, bps: Option<f64>| {
        let bps = bps.map_or(String::new(), |bps| format!(" ({} bp)", number(bps, 2)));
        (name.to_owned(), value, format!("{} {currency}{bps}", money(value)))
    };
    let mut rows = vec![
        row("fees", costs.fees, costs.fees_bps),
        row("slippage", costs.slippage, costs.slippage_bps),
        row("funding paid", 0.0 - costs.funding, None),
    ];
    if let Some(shortfall) = costs.shortfall {
        rows.push(row("shortfall to the arrival price", shortfall, costs.shortfall_bps));
    }
    let mut out = bars("Costs", &rows);
    out.push_str(&format!(
        "<p>Basis points of {} {currency} that were traded; fees are not part of the \
         shortfall, slippage is.</p>",
        money(costs.traded)
    ));
    if costs.unrated > 0 {
        let count = costs.unrated;
        out.push_str(&format!("<p>{count} bookings had no rate and are in no sum.</p>"));
    }
    out
}

pub(super) fn refusals(report: &Report) -> String {
    let rows = report.refusals_by_rule();
    if rows.is_empty() { "<p>none</p>".to_owned() } else { counts("Refusals by rule", &rows) }
}

pub(super) fn passed(report: &Report) -> String {
    if report.passed.is_empty() {
        return String::new();
    }
    counts("Signals without an order, by reason", &report.passed)
}

fn counts(label: &str, rows: &[(Label, u64)]) -> String {
    let row = |(code, count): &(Label, u64)| {
        (code.as_str().to_owned(), *count as f64, number(*count as f64, 0))
    };
    bars(label, &rows.iter().take(MOST_ROWS).map(row).collect::<Vec<_>>())
}

pub(super) fn open(report: &Report) -> String {
    if report.open.is_empty() {
        return String::new();
    }
    let row = |open: &crate::backtest::OpenPosition| {
        vec![
            report.strategy_name(open.slot).to_owned(),
            report.symbol(open.instrument).to_owned(),
            date(open.opened_at),
            open.quantity.normalize().to_string(),
            number(open.entry, 4),
            number(open.mark, 4),
            money(open.unrealised),
        ]
    };
    let rows: Vec<Vec<String>> = report.open.iter().take(MOST_ROWS).map(row).collect();
    let heads = ["Strategy", "Symbol", "Since", "Quantity", "Entry", "Mark", "Unrealised"];
    table(&heads, 3, &rows) + &more(report.open.len())
}

/// What a person should look at, in order of time.
pub(super) fn events(report: &Report) -> String {
    let mut rows: Vec<(crate::types::Timestamp, [String; 2])> = Vec::new();
    for row in &report.halts {
        let text = format!("{:?} of {:?}", row.halt.cause, row.halt.scope);
        rows.push((row.at, [format!("halt: {:?}", row.level), text]));
    }
    for (at, slot, error) in &report.failures {
        let text = format!("{}: {}", report.strategy_name(*slot), cut(error, 200));
        rows.push((*at, ["failed".to_owned(), text]));
    }
    for (at, anomaly, order) in &report.anomalies {
        rows.push((*at, ["anomaly".to_owned(), format!("{anomaly:?}, {order}")]));
    }
    for issue in &report.issues {
        let line = if issue.line == 0 { NONE.to_owned() } else { format!("line {}", issue.line) };
        let text = format!("{}: {:?}, {line}", report.symbol(issue.instrument), issue.kind);
        rows.push((issue.at, ["data".to_owned(), text]));
    }
    if rows.is_empty() {
        return String::new();
    }
    rows.sort_by_key(|(at, _)| *at);
    let count = rows.len();
    let cells: Vec<Vec<String>> = rows
        .into_iter()
        .take(MOST_ROWS)
        .map(|(at, [kind, text])| vec![at.to_string(), kind, text])
        .collect();
    table(&["At", "What", ""], 3, &cells) + &more(count)
}

fn more(count: usize) -> String {
    match count.checked_sub(MOST_ROWS) {
        Some(rest) if rest > 0 => format!("<p>and {rest} more</p>"),
        Some(_) | None => String::new(),
    }
}
