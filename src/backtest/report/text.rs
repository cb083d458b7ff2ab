//! The tear sheet as text.

use core::fmt::{self, Display, Formatter};

use crate::account::TradeStatistics;

use super::chart::area;
use super::figures::{NONE, cut, date, money, number, one_line, percent, span};
use super::{Analysis, MonthReturn, Report};

/// Years of the table of months; earlier years stand before it, six in a line.
const YEARS_BY_MONTH: usize = 5;

/// Rows of a table of tags or strategies.
const MOST_ROWS: usize = 6;

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let analysis = self.analysis();
        self.head(out)?;
        self.curve(out)?;
        self.figures(analysis, out)?;
        drawdowns(analysis, out)?;
        calendar(analysis, out)?;
        let tags = analysis.by_tag.iter().map(|row| (row.tag.as_str(), &row.trades));
        groups("Trades by tag", tags.collect(), out)?;
        let strategies = analysis.by_strategy.iter().map(|row| (row.name.as_str(), &row.trades));
        groups("Trades by strategy", strategies.collect(), out)?;
        writeln!(out)?;
        self.positions(out)?;
        self.events(out)?;
        // The last line is for machines: other programs look for it at the line's beginning.
        write!(out, "\nrun hash {}", self.hash)
    }
}

impl Report {
    /// Strategies and symbols of the run.
    pub(in crate::backtest) fn title(&self) -> String {
        let names: Vec<&str> = self.run.strategies.iter().map(|(name, _)| name.as_str()).collect();
        let symbols: Vec<&str> =
            self.instruments.iter().map(|found| found.symbol.as_str()).take(5).collect();
        let more = if self.instruments.len() > symbols.len() { ", …" } else { "" };
        cut(&format!("{} on {}{more}", names.join(", "), symbols.join(", ")), 90)
    }

    /// Time, size of the data, and what the annual figures are based on.
    pub(in crate::backtest) fn subtitle(&self) -> [String; 2] {
        let run = &self.run;
        let (from, to) = (run.from.to_utc().format("%Y-%m-%d"), date(run.to));
        let points = grouped(self.equity.len());
        let length = span(run.to.since(run.from).as_secs_f64());
        let events = grouped(run.events);
        let periods = &run.periods_per_year;
        let annual = match periods.value {
            Some(value) => {
                format!("annual figures by {} periods ({})", trimmed(value), periods.how)
            }
            None => format!("no annual figures: periods per year {}", periods.how),
        };
        [format!("{from} to {to}, {length}, {events} events, {points} points of equity"), annual]
    }

    fn head(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.title())?;
        self.subtitle().iter().try_for_each(|line| writeln!(out, "{line}"))
    }

    fn curve(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let values: Vec<f64> = self.equity.iter().map(|point| point.equity).collect();
        let Some(rows) = area(&values, 60, 6) else { return Ok(()) };
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let (high, low) = (finite().max_by(f64::total_cmp), finite().min_by(f64::total_cmp));
        let last = rows.len() - 1;
        writeln!(out)?;
        for (index, row) in rows.iter().enumerate() {
            let label = match index {
                0 => money(high),
                index if index == last => money(low),
                _ => String::new(),
            };
            writeln!(out, "{label:>16} │{row}")?;
        }
        Ok(())
    }

    fn figures(&self, analysis: &Analysis, out: &mut Formatter<'_>) -> fmt::Result {
        let left = self.return_figures(analysis);
        let right = self.trade_figures(analysis);
        writeln!(out)?;
        let empty = (String::new(), String::new());
        for index in 0..left.len().max(right.len()) {
            let (name, value) = left.get(index).unwrap_or(&empty);
            let (other, figure) = right.get(index).unwrap_or(&empty);
            let line = format!("{name:<20} {value:>19}   {other:<20} {figure:>24}");
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// Figures of the equity curve and the benchmark: name and value.
    pub(in crate::backtest) fn return_figures(&self, analysis: &Analysis) -> Vec<(String, String)> {
        let (returns, drawdown) = (&analysis.statistics.returns, &analysis.statistics.drawdown);
        let mut rows = vec![
            (format!("equity, {}", self.run.currency), money(self.run.final_equity)),
            row("total return", percent(returns.total_return)),
            row("annual growth", percent(returns.cagr)),
            row("volatility", percent(returns.volatility)),
            row("Sharpe", number(returns.sharpe, 3)),
            row("Sortino", number(returns.sortino, 3)),
            row("Calmar", number(returns.calmar, 3)),
            row("Omega", number(returns.omega, 3)),
            row("skew / kurtosis", pair(number(returns.skewness, 2), number(returns.kurtosis, 2))),
            row("VaR 95 %", percent(returns.value_at_risk)),
            row("shortfall 95 %", percent(returns.expected_shortfall)),
            row("max drawdown", percent(drawdown.depth)),
            row("longest drawdown", span(drawdown.longest_secs)),
            row("exposure", percent(self.exposure)),
        ];
        if let (Some(held), Some(relative)) = (&self.benchmark, &analysis.relative) {
            let name = format!("hold {}", cut(self.symbol(held.instrument), 14));
            rows.push((name, percent(held.total_return)));
            rows.push(row("alpha", percent(relative.alpha)));
            rows.push(row("beta", number(relative.beta, 3)));
            rows.push(row("information ratio", number(relative.information_ratio, 3)));
            rows.push(row("tracking error", percent(relative.tracking_error)));
        }
        rows
    }

    /// Figures of trades and costs: name and value.
    pub(in crate::backtest) fn trade_figures(&self, analysis: &Analysis) -> Vec<(String, String)> {
        let trades = &analysis.statistics.trades;
        let costs = &self.costs;
        let streaks = pair(trades.longest_win_streak, trades.longest_loss_streak);
        let with_bps = |sum: f64, bps: Option<f64>| match bps {
            Some(bps) => format!("{} ({} bp)", money(sum), number(bps, 1)),
            None => money(sum),
        };
        vec![
            row("start", money(self.run.initial_equity)),
            row("trades, open", pair(trades.closed, self.open.len())),
            row("win rate", percent(trades.win_rate)),
            row("profit factor", number(trades.profit_factor, 3)),
            row("payoff", number(trades.payoff, 3)),
            row("expectancy", money(trades.expectancy)),
            row("average win", money(trades.average_win)),
            row("average loss", money(trades.average_loss)),
            row("best trade", money(trades.best)),
            row("worst trade", money(trades.worst)),
            row("longest streaks", streaks),
            row("held, mean", span(trades.held.mean_secs)),
            row("held, wins / losses", {
                pair(span(trades.held.wins_mean_secs), span(trades.held.losses_mean_secs))
            }),
            row("wins per signal", percent(analysis.signal_effectiveness)),
            row("turnover a year", number(analysis.turnover_per_year, 2)),
            row("fees", with_bps(costs.fees, costs.fees_bps)),
            row("slippage", with_bps(costs.slippage, costs.slippage_bps)),
            row("funding", money(costs.funding)),
            row(
                "shortfall to arrival",
                match costs.shortfall {
                    Some(sum) => with_bps(sum, costs.shortfall_bps),
                    None => NONE.to_owned(),
                },
            ),
        ]
    }

    fn positions(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for open in self.open.iter().take(MOST_ROWS) {
            let (name, symbol) = (self.strategy_name(open.slot), self.symbol(open.instrument));
            let mark = open.mark.map_or(NONE.to_owned(), |mark| mark.to_string());
            writeln!(
                out,
                "open: {} holds {} {} since {} at {}, mark {mark}, unrealised {}",
                one_line(name),
                open.quantity.normalize(),
                one_line(symbol),
                date(open.opened_at),
                number(open.entry, 4),
                money(open.unrealised),
            )?;
        }
        more(self.open.len(), "open positions", out)
    }

    /// One line for each kind of event that is worth a look; none where nothing happened.
    fn events(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let counts = |rows: &[(crate::types::Label, u64)]| {
            let each = rows.iter().map(|(code, count)| format!("{code} {}", grouped(*count)));
            one_line(&each.collect::<Vec<_>>().join(", "))
        };
        if self.refusals.is_empty() {
            writeln!(out, "refused by risk: none")?;
        } else {
            writeln!(out, "refused by risk: {}", counts(&self.refusals_by_rule()))?;
        }
        if !self.passed.is_empty() {
            writeln!(out, "signals without an order: {}", counts(&self.passed))?;
        }
        for halt in self.halts.iter().take(MOST_ROWS) {
            let text = format!("{:?} of {:?}", halt.halt.cause, halt.halt.scope);
            writeln!(out, "halt: {} {:?} by {}", halt.at, halt.level, one_line(&text))?;
        }
        more(self.halts.len(), "changes of halts", out)?;
        for (at, slot, error) in self.failures.iter().take(MOST_ROWS) {
            let name = one_line(self.strategy_name(*slot));
            writeln!(out, "failed: {at} {name}: {}", cut(error, 60))?;
        }
        more(self.failures.len(), "failures", out)?;
        if !self.anomalies.is_empty() {
            writeln!(out, "anomalies: {}", self.anomalies.len())?;
        }
        if !self.issues.is_empty() {
            writeln!(out, "remarks on the data: {}", grouped(self.issues.len()))?;
        }
        if self.costs.unrated > 0 {
            writeln!(out, "without a rate, in no sum: {} bookings", self.costs.unrated)?;
        }
        Ok(())
    }
}

fn drawdowns(analysis: &Analysis, out: &mut Formatter<'_>) -> fmt::Result {
    if analysis.worst_drawdowns.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nworst drawdowns       peak     trough  recovered           lasted")?;
    for found in analysis.worst_drawdowns.iter().take(3) {
        let recovered = found.recovered_at.map_or("never".to_owned(), date);
        writeln!(
            out,
            "{:>15} {:>10} {:>10} {recovered:>10} {:>16}",
            percent(found.depth),
            date(found.peak_at),
            date(found.trough_at),
            span(found.duration_secs()),
        )?;
    }
    Ok(())
}

fn calendar(analysis: &Analysis, out: &mut Formatter<'_>) -> fmt::Result {
    if analysis.months.len() < 2 {
        return Ok(());
    }
    let cell = |value: Option<f64>| value.map_or(String::new(), |value| number(value * 100.0, 1));
    let early = analysis.years.len().saturating_sub(YEARS_BY_MONTH);
    let (early, late) = analysis.years.split_at_checked(early).unwrap_or_default();
    writeln!(out, "\nreturns in %")?;
    for line in early.chunks(6) {
        let each = line.iter().map(|row| format!("{} {:>7}", row.year, cell(Some(row.value))));
        writeln!(out, "{}", each.collect::<Vec<_>>().join("   "))?;
    }
    writeln!(
        out,
        "        Jan    Feb    Mar    Apr    May    Jun    Jul    Aug    Sep    Oct    Nov    \
         Dec    Year"
    )?;
    for year in late {
        write!(out, "{:<4}", year.year)?;
        let of = |month: u32| {
            let is_it = |row: &&MonthReturn| row.year == year.year && row.month == month;
            cell(analysis.months.iter().find(is_it).map(|row| row.value))
        };
        for month in 1..=12 {
            write!(out, " {:>6}", of(month))?;
        }
        writeln!(out, " {:>7}", cell(Some(year.value)))?;
    }
    Ok(())
}

fn groups(
    title: &str,
    rows: Vec<(&str, &TradeStatistics)>,
    out: &mut Formatter<'_>,
) -> fmt::Result {
    if rows.len() < 2 {
        return Ok(());
    }
    writeln!(out, "\n{title:<24} {:>8} {:>10} {:>14} {:>8}", "closed", "won", "net", "factor")?;
    for (name, trades) in rows.iter().take(MOST_ROWS) {
        let name = if name.is_empty() { "(none)".to_owned() } else { cut(name, 24) };
        writeln!(
            out,
            "{name:<24} {:>8} {:>10} {:>14} {:>8}",
            trades.closed,
            percent(trades.win_rate),
            money(trades.net),
            number(trades.profit_factor, 2),
        )?;
    }
    more(rows.len(), "rows", out)
}

fn more(count: usize, what: &str, out: &mut Formatter<'_>) -> fmt::Result {
    match count.checked_sub(MOST_ROWS) {
        Some(rest) if rest > 0 => writeln!(out, "… and {rest} more {what}"),
        Some(_) | None => Ok(()),
    }
}

fn row(name: &str, value: String) -> (String, String) {
    (name.to_owned(), value)
}

fn pair(left: impl Display, right: impl Display) -> String {
    format!("{left} / {right}")
}

fn grouped(count: impl TryInto<u64>) -> String {
    number(count.try_into().unwrap_or(u64::MAX) as f64, 0)
}

/// A number with the decimals that it needs, four at most.
fn trimmed(value: f64) -> String {
    if value.fract() == 0.0 { number(value, 0) } else { number(value, 4) }
}
