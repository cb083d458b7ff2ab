//! The plots of a tear sheet. Each is empty where there is nothing to show.

use core::fmt::Write;

use crate::account::{TradeResult, TradeStatistics};
use crate::backtest::report::figures::number;
use crate::math::{mean, standard_deviation};
use crate::types::{InstrumentId, Side, Timestamp};

use super::axis::{Scale, Unit};
use super::page::escape;
use super::plot::{Arrow, Axis, Plot};
use crate::backtest::{Analysis, Report, Tape};

/// Instruments whose prices are shown.
const MOST_PRICES: usize = 4;

/// Fills that are drawn into one plot.
const MOST_FILLS: usize = 1_500;

/// Years of the table of months; earlier ones are in the text and the JSON.
const MOST_YEARS: usize = 40;

/// Seconds since 1970.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.nanos() as f64 / 1e9
}

/// The equity curve and buy and hold.
pub(super) fn equity(report: &Report) -> String {
    let own: Vec<(f64, f64)> =
        report.equity.iter().map(|point| (seconds(point.at), point.equity)).collect();
    let held = report.benchmark.as_ref().map(|held| held.values.as_slice()).unwrap_or_default();
    let held: Vec<(f64, f64)> =
        report.equity.iter().zip(held).map(|(point, value)| (seconds(point.at), *value)).collect();
    let values = own.iter().chain(&held).map(|(_, value)| *value);
    let Some((x, y)) = ranges(&own, values) else { return String::new() };
    let mut plot = Plot::new("Equity curve", 340.0, (x, Axis::Time), (y, Unit::Plain));
    let mut legend = vec![("run", "this run".to_owned())];
    if let Some(benchmark) = &report.benchmark {
        plot.line(&held, "hold");
        let symbol = report.symbol(benchmark.instrument);
        legend.push(("hold", format!("buy and hold {symbol}, same money")));
    }
    plot.line(&own, "run");
    let legend: Vec<(&str, &str)> = legend.iter().map(|(c, name)| (*c, name.as_str())).collect();
    plot.finish(&legend)
}

/// How far equity stands below its peak.
pub(super) fn underwater(report: &Report) -> String {
    let depths = report.underwater();
    let points: Vec<(f64, f64)> =
        report.equity.iter().zip(depths).map(|(point, depth)| (seconds(point.at), depth)).collect();
    let values = points.iter().map(|(_, depth)| *depth).chain([0.0]);
    let Some((x, y)) = ranges(&points, values) else { return String::new() };
    let y = (y.0, 0.0_f64.max(y.0 + f64::EPSILON));
    let mut plot = Plot::new("Drawdown", 190.0, (x, Axis::Time), (y, Unit::Percent));
    plot.area(&points, 0.0, "below");
    plot.finish(&[])
}

fn ranges(
    points: &[(f64, f64)],
    values: impl Iterator<Item = f64>,
) -> Option<((f64, f64), (f64, f64))> {
    if points.len() < 2 {
        return None;
    }
    Scale::range(points.iter().map(|(x, _)| *x)).zip(Scale::range(values))
}

const MONTHS: [&str; 13] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Year"];

/// The heat map of months, the latest years.
pub(super) fn months(analysis: &Analysis) -> String {
    let first = analysis.years.len().saturating_sub(MOST_YEARS);
    let years = analysis.years.get(first..).unwrap_or_default();
    if analysis.months.is_empty() {
        return String::new();
    }
    let values = || analysis.months.iter().map(|row| row.value.abs());
    let most = values().max_by(f64::total_cmp).unwrap_or(0.0).max(1e-9);
    let height = 26 * years.len() + 28;
    let mut svg = format!(
        r#"<svg viewBox="0 0 1000 {height}" role="img" aria-label="Returns by month in percent">"#
    );
    for (column, name) in MONTHS.iter().enumerate() {
        let x = column_centre(column);
        let _ = write!(
            svg,
            r#"<text class="axis" x="{x:.1}" y="16" text-anchor="middle">{name}</text>"#
        );
    }
    for (index, year) in years.iter().enumerate() {
        let top = 26.0 * index as f64 + 24.0;
        let _ =
            write!(svg, r#"<text class="axis" x="4" y="{:.1}">{}</text>"#, top + 17.5, year.year);
        for row in analysis.months.iter().filter(|row| row.year == year.year) {
            cell(
                &mut svg,
                (row.month as usize).saturating_sub(1),
                top,
                row.value,
                row.value / most,
            );
        }
        // Years are coloured by their sign alone: their scale is another.
        let strength = if year.value == 0.0 { 0.0 } else { year.value.signum() * 0.25 };
        cell(&mut svg, 12, top, year.value, strength);
    }
    svg.push_str("</svg>");
    svg
}

fn column_centre(column: usize) -> f64 {
    let gap = if column == 12 { 14.0 } else { 0.0 };
    88.0 + 70.0 * column as f64 + gap
}

fn cell(svg: &mut String, column: usize, top: f64, value: f64, strength: f64) {
    let class = if value >= 0.0 { "gain" } else { "loss" };
    let centre = column_centre(column);
    let opacity = 0.06 + 0.64 * strength.abs().min(1.0);
    let _ = write!(
        svg,
        r#"<rect class="{class}" x="{:.1}" y="{top:.1}" width="67" height="24" rx="3"
fill-opacity="{opacity:.2}"/><text x="{centre:.1}" y="{:.1}"
text-anchor="middle">{}</text>"#,
        centre - 33.5,
        top + 17.0,
        number(value * 100.0, 1),
    );
}

/// Sharpe's ratio over a window that moves: half a year, less on short runs.
pub(super) fn rolling_sharpe(report: &Report) -> String {
    let Some(rolling) = Rolling::new(report) else { return String::new() };
    let points = rolling.points();
    let values = points.iter().map(|(_, value)| *value).chain([0.0]);
    let Some((x, y)) = ranges(&points, values) else { return String::new() };
    let mut plot = Plot::new("Rolling Sharpe ratio", 220.0, (x, Axis::Time), (y, Unit::Plain));
    plot.line(&points, "run");
    let what = if rolling.is_daily { "days" } else { "points" };
    let note = format!("over {} {what}, per year", rolling.window);
    plot.finish(&[("run", &note)])
}

/// Returns by day, or by point where points are days or longer or the days are few.
struct Rolling {
    returns: Vec<(f64, f64)>,
    window: usize,
    per_year: f64,
    is_daily: bool,
}

impl Rolling {
    fn new(report: &Report) -> Option<Self> {
        let per_year = report.conventions.periods_per_year?;
        let points: Vec<(Timestamp, f64)> =
            report.equity.iter().map(|point| (point.at, point.equity)).collect();
        let mut days: Vec<(Timestamp, f64)> = Vec::new();
        for (at, equity) in &points {
            let day = |at: Timestamp| Timestamp::from_nanos(at.nanos() - 1).utc_day();
            match days.last_mut() {
                Some(last) if day(last.0) == day(*at) => *last = (*at, *equity),
                Some(_) | None => days.push((*at, *equity)),
            }
        }
        let a_day = points.len() as f64 / days.len().max(1) as f64;
        let is_daily = a_day > 1.5 && days.len() > 60;
        let (points, per_year) =
            if is_daily { (days, per_year / a_day) } else { (points, per_year) };
        let longest = points.len() / 3;
        // Half a year, which fits in the range of counts.
        let window = ((per_year / 2.0).round().clamp(2.0, 1e6) as usize).min(longest);
        let pairs = points.iter().zip(points.iter().skip(1));
        let returns = pairs.map(|((_, from), (at, to))| (seconds(*at), to / from - 1.0)).collect();
        (window >= 10).then_some(Self { returns, window, per_year, is_daily })
    }

    /// At most as many places as a plot can show.
    fn points(&self) -> Vec<(f64, f64)> {
        let values: Vec<f64> = self.returns.iter().map(|(_, value)| *value).collect();
        let places = values.len().saturating_sub(self.window);
        let stride = places.div_ceil(super::sample::MOST_POINTS).max(1);
        let at = |start: usize| {
            let window = values.get(start..start + self.window)?;
            let deviation = standard_deviation(window, 1).filter(|spread| *spread > 1e-12)?;
            let (time, _) = self.returns.get(start + self.window - 1)?;
            Some((*time, mean(window)? / deviation * self.per_year.sqrt()))
        };
        (0..=places).step_by(stride).filter_map(at).collect()
    }
}

/// How many trades earned how much.
pub(super) fn trades(report: &Report) -> String {
    let results = report.trade_results();
    let nets: Vec<f64> =
        results.iter().map(|trade| trade.net).filter(|net| net.is_finite()).collect();
    let Some((low, high)) = Scale::range(nets.iter().copied().chain([0.0])) else {
        return String::new();
    };
    if nets.is_empty() {
        return String::new();
    }
    let bins = bins(&nets, low, high);
    let most = bins.iter().map(|(_, _, count)| *count).max().unwrap_or(1) as f64;
    let x = ((low, high), Axis::Values(Unit::Plain));
    let mut plot = Plot::new("Trades by profit", 230.0, x, ((0.0, most), Unit::Plain));
    for (from, to, count) in bins {
        let class = if f64::midpoint(from, to) >= 0.0 { "gain" } else { "loss" };
        plot.bar((from, to), count as f64, class);
    }
    plot.mark(0.0);
    let names = names(report, &results);
    plot.finish(&[("gain", &names.0), ("loss", &names.1)])
}

fn names(report: &Report, results: &[TradeResult]) -> (String, String) {
    let trades = TradeStatistics::new(results);
    let currency = report.run.currency;
    let gains = format!("{} trades won {} {currency}", trades.wins, number(trades.gross_profit, 2));
    let losses =
        format!("{} trades lost {} {currency}", trades.losses, number(trades.gross_loss, 2));
    (gains, losses)
}

/// Bins of one width that meet at zero, so that none holds wins and losses.
fn bins(nets: &[f64], low: f64, high: f64) -> Vec<(f64, f64, usize)> {
    let width = (high - low) / 40.0;
    let first = (low / width).floor() as i64;
    let last = (high / width).floor() as i64;
    let count = |index: i64| {
        let is_in = |net: &&f64| ((**net / width).floor() as i64) == index;
        nets.iter().filter(is_in).count()
    };
    let edges = |index: i64| (index as f64 * width, (index + 1) as f64 * width);
    (first..=last)
        .map(|index| (edges(index).0.max(low), edges(index).1.min(high), count(index)))
        .filter(|(from, to, count)| to > from || *count > 0)
        .collect()
}

/// Prices with the fills in them, of the instruments that were traded most often.
pub(super) fn prices(report: &Report, tape: &Tape) -> Vec<(String, String)> {
    let mut counts: Vec<(usize, InstrumentId)> = report
        .instruments
        .iter()
        .map(|found| found.id)
        .map(|id| (report.fills.iter().filter(|(fill, _)| fill.instrument == id).count(), id))
        .filter(|(count, _)| *count > 0)
        .collect();
    counts.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(&right.1)));
    let chart =
        |(_, id): &(usize, InstrumentId)| (report.symbol(*id).to_owned(), price(report, tape, *id));
    counts.iter().take(MOST_PRICES).map(chart).collect()
}

fn price(report: &Report, tape: &Tape, instrument: InstrumentId) -> String {
    let own = tape.events().iter().filter(|timed| timed.event.instrument() == instrument);
    let marks: Vec<(f64, f64)> =
        own.filter_map(|timed| Some((seconds(timed.at), timed.event.mark()?))).collect();
    let fills: Vec<_> =
        report.fills.iter().filter(|(fill, _)| fill.instrument == instrument).collect();
    let paid = fills.iter().map(|(fill, _)| fill.execution.price.to_f64());
    let values = marks.iter().map(|(_, price)| *price).chain(paid);
    let Some((x, y)) = ranges(&marks, values) else { return String::new() };
    let name = format!("Price of {} and fills", report.symbol(instrument));
    let mut plot = Plot::new(&name, 340.0, (x, Axis::Time), (y, Unit::Plain));
    plot.line(&marks, "hold");
    let stride = fills.len().div_ceil(MOST_FILLS).max(1);
    for (fill, _) in fills.iter().step_by(stride) {
        let place = (seconds(fill.at).clamp(x.0, x.1), fill.execution.price.to_f64());
        match fill.side {
            Side::Buy => plot.arrow(place, Arrow::Up, "gain"),
            Side::Sell => plot.arrow(place, Arrow::Down, "loss"),
        }
    }
    let shown = if stride == 1 { String::new() } else { format!(", one in {stride} shown") };
    let count = |side: Side| fills.iter().filter(|(fill, _)| fill.side == side).count();
    let buys = format!("{} bought{shown}", count(Side::Buy));
    let sells = format!("{} sold{shown}", count(Side::Sell));
    plot.finish(&[("hold", "price"), ("gain", &buys), ("loss", &sells)])
}

/// Horizontal bars with their names and values.
pub(super) fn bars(label: &str, rows: &[(String, f64, String)]) -> String {
    let most = rows.iter().map(|(_, size, _)| size.abs()).max_by(f64::total_cmp).unwrap_or(0.0);
    let height = 30 * rows.len() + 6;
    let mut svg =
        format!(r#"<svg viewBox="0 0 1000 {height}" role="img" aria-label="{}">"#, escape(label));
    for (index, (name, size, value)) in rows.iter().enumerate() {
        let top = 30.0 * index as f64 + 4.0;
        let width = if most > 0.0 { size.abs() / most * 480.0 } else { 0.0 };
        let _ = write!(
            svg,
            r#"<text x="4" y="{:.1}">{}</text><rect class="bar" x="290" y="{top:.1}"
width="{width:.1}" height="20" rx="3"/><text x="{:.1}" y="{:.1}">{}</text>"#,
            top + 15.0,
            escape(name),
            298.0 + width,
            top + 15.0,
            escape(value),
        );
    }
    svg.push_str("</svg>");
    svg
}
