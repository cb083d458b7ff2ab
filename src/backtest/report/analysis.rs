use serde::Serialize;

use crate::account::{
    Conventions, Drawdown, EquitySeries, RelativeStatistics, Statistics, TradeResult,
    TradeStatistics, drawdowns, period_returns, signal_effectiveness, turnover,
};
use crate::types::{InstrumentId, Label, SlotId, Timestamp};

use super::calendar::{MonthReturn, YearReturn, months, years};
use super::{EquityPoint, Report, Tape};

/// Drawdowns that are kept.
const WORST: usize = 10;

/// What the rows of a report amount to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// Of the whole run.
    pub statistics: Statistics,
    /// Against the benchmark; `None` without one.
    pub relative: Option<RelativeStatistics>,
    /// The ten worst drawdowns, the deepest first.
    pub worst_drawdowns: Vec<Drawdown>,
    /// Returns by month.
    pub months: Vec<MonthReturn>,
    /// Returns by calendar year.
    pub years: Vec<YearReturn>,
    /// Trades by the tag of their entry, in the order of tags; the empty tag is none.
    pub by_tag: Vec<TagStatistics>,
    /// Trades by strategy, in the order of slots.
    pub by_strategy: Vec<StrategyStatistics>,
    /// Winning trades over signals.
    pub signal_effectiveness: Option<f64>,
    /// Traded value over mean equity: how often the money was turned over.
    pub turnover: Option<f64>,
    /// The same per year.
    pub turnover_per_year: Option<f64>,
}

/// The trades of one tag.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TagStatistics {
    /// The tag.
    pub tag: Label,
    /// Its trades.
    pub trades: TradeStatistics,
}

/// The trades of one strategy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StrategyStatistics {
    /// The slot.
    pub slot: SlotId,
    /// The strategy's name.
    pub name: String,
    /// Its trades.
    pub trades: TradeStatistics,
}

impl Analysis {
    /// Computes everything under conventions that differ from the report's own.
    pub fn new(report: &Report, conventions: &Conventions) -> Self {
        let points = report.points();
        let series = report.series(&points);
        let results = report.trade_results();
        let statistics = Statistics::new(&series, &results, conventions);
        let mut worst_drawdowns = drawdowns(&series);
        worst_drawdowns.sort_by(|left, right| right.depth.total_cmp(&left.depth));
        worst_drawdowns.truncate(WORST);
        let equity: Vec<f64> = points.iter().map(|(_, equity)| *equity).collect();
        let mean_equity = crate::math::mean(&equity);
        let turnover = mean_equity.and_then(|mean| turnover(report.costs.traded, mean));
        let periods = conventions.periods_per_year;
        let per_year = |turns: f64| Some(turns * periods? / points.len() as f64);
        Self {
            relative: report.benchmark.as_ref().map(|held| held.against(&series, conventions)),
            worst_drawdowns,
            months: months(&series),
            years: years(&series),
            by_tag: by_tag(report, &results),
            by_strategy: by_strategy(report, &results),
            signal_effectiveness: signal_effectiveness(
                statistics.trades.wins as u64,
                report.signals.len() as u64,
            ),
            turnover,
            turnover_per_year: turnover.and_then(per_year),
            statistics,
        }
    }
}

fn by_tag(report: &Report, results: &[TradeResult]) -> Vec<TagStatistics> {
    let mut tags: Vec<Label> = report.trades.iter().map(|trade| trade.tag).collect();
    tags.sort_unstable();
    tags.dedup();
    let of = |tag: Label| {
        let own = report.trades.iter().zip(results).filter(|(trade, _)| trade.tag == tag);
        let own: Vec<TradeResult> = own.map(|(_, result)| *result).collect();
        TagStatistics { tag, trades: TradeStatistics::new(&own) }
    };
    tags.into_iter().map(of).collect()
}

fn by_strategy(report: &Report, results: &[TradeResult]) -> Vec<StrategyStatistics> {
    let mut slots: Vec<SlotId> = report.trades.iter().map(|trade| trade.slot).collect();
    slots.extend((1..=report.run.strategies.len()).map(|slot| SlotId(slot as u16)));
    slots.sort_unstable();
    slots.dedup();
    let of = |slot: SlotId| {
        let own = report.trades.iter().zip(results).filter(|(trade, _)| trade.slot == slot);
        let own: Vec<TradeResult> = own.map(|(_, result)| *result).collect();
        let name = report.strategy_name(slot).to_owned();
        StrategyStatistics { slot, name, trades: TradeStatistics::new(&own) }
    };
    slots.into_iter().map(of).collect()
}

/// Buy and hold: all the money in one instrument at its first mark, without costs, in the
/// instrument's own quote currency.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Benchmark {
    /// Of what.
    pub instrument: InstrumentId,
    /// What the money would be worth at each point of the equity curve.
    pub values: Vec<f64>,
    /// Last over first, less one.
    pub total_return: Option<f64>,
}

impl Benchmark {
    /// `None` where the tape has no mark of the instrument.
    pub(super) fn hold(
        tape: &Tape,
        instrument: Option<InstrumentId>,
        money: f64,
        equity: &[EquityPoint],
    ) -> Option<Self> {
        let instrument = instrument?;
        let mut marks = tape
            .events()
            .iter()
            .filter(|timed| timed.event.instrument() == instrument)
            .filter_map(|timed| Some((timed.at, timed.event.mark()?)))
            .peekable();
        let first = marks.peek()?.1;
        let mut held = money;
        let mut values = Vec::with_capacity(equity.len());
        for point in equity {
            while let Some((_, mark)) = marks.next_if(|(at, _)| *at <= point.at) {
                held = money * (mark / first);
            }
            values.push(held);
        }
        let total_return = values.last().map(|last| last / money - 1.0);
        let total_return = total_return.filter(|value| value.is_finite());
        Some(Self { instrument, values, total_return })
    }

    fn against(&self, series: &EquitySeries<'_>, conventions: &Conventions) -> RelativeStatistics {
        let points: Vec<(Timestamp, f64)> =
            series.points.iter().zip(&self.values).map(|((at, _), value)| (*at, *value)).collect();
        let own = period_returns(series);
        let other = period_returns(&EquitySeries { points: &points, ..*series });
        RelativeStatistics::new(&own, &other, conventions)
    }
}
