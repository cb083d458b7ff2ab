//! Performance statistics with explicit conventions.

mod drawdown;
mod relative;
mod returns;
mod running;
mod trades;

mod activity;
mod execution;

use serde::{Deserialize, Serialize};

pub(crate) use activity::{Exposure, signal_effectiveness, turnover};
pub(crate) use drawdown::RunningDrawdown;
pub use drawdown::{Drawdown, DrawdownStatistics, drawdowns, underwater};
pub(crate) use execution::{basis_points, worse_than};
pub use relative::RelativeStatistics;
pub use returns::{ReturnStatistics, period_returns};
pub(crate) use running::RunningStatistics;
pub(crate) use trades::RunningTrades;
pub use trades::{HoldingTimes, TradeResult, TradeStatistics};

use crate::types::Timestamp;

/// What a person would want to know about a run: returns, drawdown, trades.
///
/// Whatever is not defined (no trade, one point of equity, no loss to divide by) is `None`;
/// nothing here is ever NaN or infinite.
///
/// ```
/// use tradewright::account::{Conventions, EquitySeries, Statistics};
/// use tradewright::types::Timestamp;
///
/// let day = |n: i64| Timestamp::from_secs(86_400 * n).unwrap();
/// let points = [(day(1), 101.0), (day(2), 99.0), (day(3), 110.0)];
/// let series = EquitySeries { start: day(0), initial: 100.0, points: &points };
/// let statistics = Statistics::new(&series, &[], &Conventions::daily());
/// assert_eq!(statistics.returns.total_return, Some(110.0 / 100.0 - 1.0));
/// assert_eq!(statistics.drawdown.depth, Some(1.0 - 99.0 / 101.0));
/// assert_eq!(statistics.trades.win_rate, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// What the figures assume.
    pub conventions: Conventions,
    /// Of the equity curve.
    pub returns: ReturnStatistics,
    /// The deepest drawdown, and the longest.
    pub drawdown: DrawdownStatistics,
    /// Of the closed trades.
    pub trades: TradeStatistics,
}

impl Statistics {
    /// Computes everything. Trades come in the order in which they were closed.
    pub fn new(
        series: &EquitySeries<'_>,
        trades: &[TradeResult],
        conventions: &Conventions,
    ) -> Self {
        let drawdown = DrawdownStatistics::new(series);
        Self {
            conventions: *conventions,
            returns: ReturnStatistics::new(series, drawdown.depth, conventions),
            drawdown,
            trades: TradeStatistics::new(trades),
        }
    }
}

/// An equity curve and the money that it began with.
#[derive(Clone, Copy, Debug)]
pub struct EquitySeries<'a> {
    /// When the money was there, before the first point.
    pub start: Timestamp,
    /// The money at the start: the first peak of the drawdown.
    pub initial: f64,
    /// Equity at the end of each period, in order of time.
    pub points: &'a [(Timestamp, f64)],
}

/// What statistics assume. The defaults are those of empyrical: sample deviations (`ddof` 1),
/// no risk-free return, tails of 5 %; nothing is annualised until the periods are set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conventions {
    /// Points of equity in a year: 252 for trading days, 365 for days of a market that never
    /// closes. `None` leaves every annual figure undefined.
    pub periods_per_year: Option<f64>,
    /// What money earns without risk.
    pub risk_free: RiskFree,
    /// Subtracted from the count in the divisor of deviations: 1 for a sample, 0 for a
    /// population.
    pub ddof: usize,
    /// Share of the worst returns that value at risk and expected shortfall look at, 0 to 1.
    pub tail: f64,
}

impl Default for Conventions {
    fn default() -> Self {
        let risk_free = RiskFree::PerPeriod(0.0);
        Self { periods_per_year: None, risk_free, ddof: 1, tail: 0.05 }
    }
}

impl Conventions {
    /// The defaults with so many periods in a year; a number that is not above zero counts as
    /// not known.
    pub fn per_year(periods: f64) -> Self {
        let known = periods.is_finite() && periods > 0.0;
        Self { periods_per_year: known.then_some(periods), ..Self::default() }
    }

    /// The defaults for trading days: 252 a year.
    pub fn daily() -> Self {
        Self::per_year(252.0)
    }

    /// The risk-free return of one period; `None` when it is annual and the periods are not
    /// known.
    pub fn risk_free_per_period(&self) -> Option<f64> {
        let rate = match self.risk_free {
            RiskFree::PerPeriod(rate) => rate,
            RiskFree::AnnualGeometric(rate) => {
                libm::expm1(libm::log1p(rate) / self.periods_per_year?)
            }
        };
        finite(rate)
    }
}

/// The risk-free return. The same number means different things: empyrical takes a rate per
/// period, quantstats and ffn an annual one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RiskFree {
    /// Subtracted from each period's return as it is.
    PerPeriod(f64),
    /// Per year; each period takes (1 + rate)^(1 / periods) - 1.
    AnnualGeometric(f64),
}

/// No count of a running statistic can come to more, and sums of counts still fit.
pub(crate) const MOST_COUNT: u64 = 1 << 53;

/// The value where it can be used.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// The quotient where it is defined.
fn ratio(numerator: f64, denominator: f64) -> Option<f64> {
    if denominator == 0.0 { None } else { finite(numerator / denominator) }
}
