//! A summary as a page for a terminal.

use core::fmt::{self, Display, Formatter};

use super::{
    GroupPerformance, MetricsSnapshot, PerformanceSummary, PeriodPerformance, QualitySummary,
};
use crate::types::figures::{NONE, cut, money, number, one_line, percent, span};
use crate::types::{Label, Timestamp};

/// Rows of a table, at most.
const MOST_ROWS: usize = 12;

impl Display for PerformanceSummary {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.figures(out)?;
        self.tables(&[], &[], out)
    }
}

impl Display for MetricsSnapshot {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.performance.figures(out)?;
        self.performance.tables(&self.strategies, &self.symbols, out)?;
        self.positions(out)?;
        write!(out, "\n{}", self.quality)?;
        self.health(out)
    }
}

impl MetricsSnapshot {
    fn positions(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let portfolio = &self.portfolio;
        let currency = portfolio.currency;
        writeln!(
            out,
            "\npositions, {currency:<9} {:>8} {:>10} {:>14} {:>8}",
            "quantity", "mark", "unrealised", "weight"
        )?;
        for row in portfolio.positions.iter().take(MOST_ROWS) {
            writeln!(
                out,
                "{:<20} {:>8} {:>10} {:>14} {:>8}",
                cut(row.symbol.as_str(), 20),
                row.quantity,
                number(row.mark, 2),
                money(row.unrealised),
                percent(row.weight),
            )?;
        }
        more(portfolio.positions.len(), out)?;
        let halt = portfolio.halt;
        let (gross, leverage) = (money(portfolio.gross), number(portfolio.leverage, 2));
        writeln!(out, "gross {gross}, leverage {leverage}, halt {halt:?}")
    }

    fn health(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "\nhealth {:?}", self.health.status)?;
        for row in self.health.components.iter().take(MOST_ROWS) {
            let (name, detail) = (cut(row.name.as_str(), 20), one_line(&row.detail));
            writeln!(out, "{name:<20} {:>10} {detail}", format!("{:?}", row.status))?;
        }
        more(self.health.components.len(), out)
    }
}

impl PerformanceSummary {
    fn figures(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let moment = |at: Option<Timestamp>| {
            at.map_or(NONE.to_owned(), |at| at.to_utc().format("%Y-%m-%d %H:%M").to_string())
        };
        writeln!(out, "{} to {}", moment(self.since), moment(self.at))?;
        for ((name, value), (other, figure)) in self.left().iter().zip(&self.right()) {
            writeln!(out, "{name:<20} {value:>19}   {other:<20} {figure:>24}")?;
        }
        Ok(())
    }

    fn tables(
        &self,
        strategies: &[Label],
        symbols: &[Label],
        out: &mut Formatter<'_>,
    ) -> fmt::Result {
        let named = |names: &[Label], place: Option<usize>, other: String| {
            let name = place.and_then(|place| names.get(place));
            name.map_or(other, |name| cut(name.as_str(), 20))
        };
        groups("trades by strategy", &self.by_strategy, out, |slot| {
            named(strategies, slot.index().checked_sub(1), format!("strategy {}", slot.0))
        })?;
        groups("trades by symbol", &self.by_symbol, out, |id| {
            named(symbols, Some(id.index()), format!("symbol {}", id.0))
        })?;
        groups("trades by tag", &self.by_tag, out, |tag| cut(tag.as_str(), 20))?;
        months(&self.months, out)
    }

    fn left(&self) -> Vec<(&'static str, String)> {
        let (returns, drawdown) = (&self.statistics.returns, &self.statistics.drawdown);
        let now = self.drawdown_now.map_or(0.0, |now| now.depth);
        vec![
            ("equity", money(self.equity)),
            ("total return", percent(returns.total_return)),
            ("annual growth", percent(returns.cagr)),
            ("volatility", percent(returns.volatility)),
            ("Sharpe", number(returns.sharpe, 3)),
            ("Sortino", number(returns.sortino, 3)),
            ("Calmar", number(returns.calmar, 3)),
            ("Omega", number(returns.omega, 3)),
            ("max drawdown", percent(drawdown.depth)),
            ("drawdown now", percent(now)),
            ("longest drawdown", span(drawdown.longest_secs)),
            ("exposure", percent(self.exposure)),
        ]
    }

    fn right(&self) -> Vec<(&'static str, String)> {
        let trades = &self.statistics.trades;
        let streaks = format!("{} / {}", trades.longest_win_streak, trades.longest_loss_streak);
        let held = format!("{} / {}", span(trades.held.mean_secs), span(trades.held.median_secs));
        vec![
            ("start", money(self.initial)),
            ("trades", number(trades.closed as f64, 0)),
            ("win rate", percent(trades.win_rate)),
            ("profit factor", number(trades.profit_factor, 3)),
            ("payoff", number(trades.payoff, 3)),
            ("expectancy", money(trades.expectancy)),
            ("longest streaks", streaks),
            ("streak now", format!("{:+}", self.streak)),
            ("held, mean / median", held),
            ("wins per signal", percent(self.signal_effectiveness)),
            ("turnover a year", number(self.turnover_per_year, 2)),
            ("recent Sharpe", number(self.recent.returns.sharpe, 3)),
        ]
    }
}

fn groups<K>(
    title: &str,
    rows: &[GroupPerformance<K>],
    out: &mut Formatter<'_>,
    name: impl Fn(&K) -> String,
) -> fmt::Result {
    if rows.len() < 2 {
        return Ok(());
    }
    writeln!(out, "\n{title:<20} {:>8} {:>10} {:>14} {:>8}", "closed", "won", "net", "factor")?;
    for row in rows.iter().take(MOST_ROWS) {
        let name = Some(name(&row.key)).filter(|name| !name.is_empty());
        writeln!(
            out,
            "{:<20} {:>8} {:>10} {:>14} {:>8}",
            name.unwrap_or_else(|| "(none)".to_owned()),
            row.trades.closed,
            percent(row.trades.win_rate),
            money(row.trades.net),
            number(row.trades.profit_factor, 2),
        )?;
    }
    more(rows.len(), out)
}

fn months(rows: &[PeriodPerformance], out: &mut Formatter<'_>) -> fmt::Result {
    if rows.len() < 2 {
        return Ok(());
    }
    writeln!(out, "\n{:<20} {:>8} {:>10} {:>14} {:>8}", "month", "closed", "won", "net", "return")?;
    for row in rows.iter().skip(rows.len().saturating_sub(MOST_ROWS)) {
        writeln!(
            out,
            "{:<20} {:>8} {:>10} {:>14} {:>8}",
            row.period.to_string(),
            row.closed,
            percent(row.win_rate),
            money(row.net),
            percent(row.returned),
        )?;
    }
    Ok(())
}

fn more(count: usize, out: &mut Formatter<'_>) -> fmt::Result {
    match count.checked_sub(MOST_ROWS) {
        Some(rest) if rest > 0 => writeln!(out, "… and {rest} more"),
        Some(_) | None => Ok(()),
    }
}

impl Display for QualitySummary {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let all = &self.all;
        let cost = |sum: f64, bps: Option<f64>| match bps {
            Some(bps) => format!("{} ({} bp)", money(sum), number(bps, 1)),
            None => money(sum),
        };
        let rows = [
            ("orders, filled", format!("{} / {}", all.orders, all.filled_orders)),
            ("filled of ordered", percent(all.fill_ratio)),
            ("slippage", number(all.slippage_bps, 2) + " bp"),
            ("delay", cost(all.costs.delay, all.bps(all.costs.delay))),
            ("execution", cost(all.costs.execution, all.bps(all.costs.execution))),
            ("fees", cost(all.costs.fees, all.bps(all.costs.fees))),
            ("opportunity", cost(all.costs.opportunity, all.bps(all.costs.opportunity))),
            ("shortfall", cost(all.costs.total(), all.bps(all.costs.total()))),
            ("time to fill, mean", span(all.mean_secs_to_fill)),
        ];
        for (name, value) in rows {
            writeln!(out, "{name:<20} {value:>26}")?;
        }
        Ok(())
    }
}
