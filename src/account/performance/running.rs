use serde::{Deserialize, Serialize};

use super::drawdown::RunningDrawdown;
use super::returns::{
    Curve, ReturnStatistics, ReturnSums, TailFigures, downside_square, gain, loss, period_return,
};
use super::trades::{RunningTrades, TradeResult};
use super::{Conventions, MOST_COUNT, Statistics, finite};
use crate::math::CompensatedSum;
use crate::types::Timestamp;

/// All statistics while points of equity and trades come in: a fixed size, some tens of
/// nanoseconds per point. Equal to [`Statistics::new`] over the same data, but for rounding.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunningStatistics {
    conventions: Conventions,
    returns: RunningReturns,
    drawdown: RunningDrawdown,
    pub(crate) trades: RunningTrades,
}

impl RunningStatistics {
    /// The initial money counts as a peak, and as the base of the total return.
    pub(crate) fn new(start: Timestamp, initial: f64, conventions: &Conventions) -> Self {
        Self {
            conventions: *conventions,
            returns: RunningReturns::new(initial, conventions),
            drawdown: RunningDrawdown::new(start, initial),
            trades: RunningTrades::default(),
        }
    }

    /// Takes a finite point of equity; points come in order of time.
    #[inline]
    pub(crate) fn push(&mut self, at: Timestamp, equity: f64) {
        self.returns.push(equity);
        self.drawdown.push(at, equity);
    }

    /// The statistics so far. What needs the values themselves is taken from recent ones: the
    /// tail from `returns`, the medians from `trades`.
    pub(crate) fn statistics(&self, returns: &[f64], trades: &[TradeResult]) -> Statistics {
        let drawdown = self.drawdown.statistics();
        let mut sorted = returns.to_vec();
        sorted.sort_by(f64::total_cmp);
        let tail = TailFigures::of_sorted(&sorted, &self.conventions);
        let curve = self.returns.curve(drawdown.depth);
        let sums = self.returns.sums(self.conventions.ddof);
        Statistics {
            conventions: self.conventions,
            returns: ReturnStatistics::of_sums(&curve, &sums, tail, &self.conventions),
            drawdown,
            trades: self.trades.statistics(trades),
        }
    }

    pub(crate) const fn periods(&self) -> u64 {
        self.returns.periods
    }

    /// Why it cannot have come from equity and trades.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        self.returns.fault().or_else(|| self.drawdown.fault()).or_else(|| self.trades.fault())
    }
}

/// Sums over the returns from point to point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct RunningReturns {
    risk_free: Option<f64>,
    initial: f64,
    last: f64,
    periods: u64,
    /// Returns that were taken; of the periods, the first has none.
    count: u64,
    /// A return was not defined (equity at zero or below): neither is what is made of all.
    is_undefined: bool,
    is_flat: bool,
    /// Moments are taken from the first return, so that a quiet series loses no digits.
    origin: f64,
    previous: f64,
    sum: CompensatedSum,
    moments: Moments,
    downside: CompensatedSum,
    above: CompensatedSum,
    below: CompensatedSum,
    best: Option<f64>,
    worst: Option<f64>,
}

impl RunningReturns {
    fn new(initial: f64, conventions: &Conventions) -> Self {
        Self {
            risk_free: conventions.risk_free_per_period(),
            initial,
            last: initial,
            periods: 0,
            count: 0,
            is_undefined: false,
            is_flat: true,
            origin: 0.0,
            previous: 0.0,
            sum: CompensatedSum::default(),
            moments: Moments::default(),
            downside: CompensatedSum::default(),
            above: CompensatedSum::default(),
            below: CompensatedSum::default(),
            best: None,
            worst: None,
        }
    }

    #[inline]
    fn push(&mut self, equity: f64) {
        let from = core::mem::replace(&mut self.last, equity);
        self.periods += 1;
        if self.periods > 1 {
            self.take(period_return(from, equity));
        }
    }

    #[inline]
    fn take(&mut self, value: f64) {
        if !value.is_finite() {
            self.is_undefined = true;
            return;
        }
        if self.count == 0 {
            self.origin = value;
        } else if value != self.previous {
            self.is_flat = false;
        }
        self.previous = value;
        self.count += 1;
        self.sum.add(value);
        self.moments.add(value - self.origin, self.count as f64);
        if let Some(rate) = self.risk_free {
            self.downside.add(downside_square(value - rate));
            self.above.add(gain(value - rate));
            self.below.add(loss(value - rate));
        }
        self.best = Some(self.best.map_or(value, |best| best.max(value)));
        self.worst = Some(self.worst.map_or(value, |worst| worst.min(value)));
    }

    fn curve(&self, max_drawdown: Option<f64>) -> Curve {
        Curve {
            periods: self.periods as usize,
            initial: self.initial,
            last: (self.periods > 0).then_some(self.last),
            max_drawdown,
        }
    }

    fn sums(&self, ddof: usize) -> ReturnSums {
        let count = self.count as f64;
        let is_known = self.count > 0 && !self.is_undefined;
        let mean = |sum: CompensatedSum| finite(sum.total() / count).filter(|_| is_known);
        let rated = |sum: CompensatedSum| self.risk_free.and_then(|_| mean(sum));
        let Moments { second, third, fourth, .. } = self.moments;
        let spread = (is_known && !self.is_flat && second > 0.0).then_some(second / count);
        let divisor = count - ddof as f64;
        let variance = if divisor > 0.0 { finite(second / divisor) } else { None };
        ReturnSums {
            risk_free: self.risk_free,
            mean: mean(self.sum),
            deviation: variance.filter(|_| is_known).map(f64::sqrt),
            is_flat: self.is_flat,
            downside: rated(self.downside),
            above: rated(self.above),
            below: rated(self.below),
            skewness: spread.and_then(|spread| finite(third / count / (spread * spread.sqrt()))),
            kurtosis: spread.and_then(|spread| finite(fourth / count / (spread * spread) - 3.0)),
            best: self.best.filter(|_| is_known),
            worst: self.worst,
        }
    }

    fn fault(&self) -> Option<&'static str> {
        let returns = self.periods.saturating_sub(1);
        let is_counted = self.count == returns || (self.is_undefined && self.count < returns);
        if !is_counted || self.best.is_some() != (self.count > 0) {
            return Some("the returns do not belong to the points of equity");
        }
        if self.periods > MOST_COUNT {
            return Some("more points of equity than can be");
        }
        let is_number = self.last.is_finite() && self.initial.is_finite();
        (!is_number || self.moments.second < 0.0).then_some("a sum of returns is not a number")
    }
}

/// Sums of the powers of the deviations from the mean, updated value by value. Source: Pébay,
/// Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order
/// Statistical Moments (2008).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    mean: f64,
    second: f64,
    third: f64,
    fourth: f64,
}

impl Moments {
    /// Adds a value; `count` is how many there are with it.
    #[inline]
    fn add(&mut self, value: f64, count: f64) {
        let delta = value - self.mean;
        let step = delta / count;
        let square = step * step;
        let term = delta * step * (count - 1.0);
        self.mean += step;
        self.fourth += term * square * (count * count - 3.0 * count + 3.0)
            + 6.0 * square * self.second
            - 4.0 * step * self.third;
        self.third += term * step * (count - 2.0) - 3.0 * step * self.second;
        self.second += term;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::EquitySeries;

    fn running(equity: &[f64], conventions: &Conventions) -> Statistics {
        let mut found = RunningStatistics::new(Timestamp::EPOCH, 100.0, conventions);
        equity.iter().for_each(|value| found.push(Timestamp::EPOCH, *value));
        assert_eq!(found.fault(), None);
        let points: Vec<_> = equity.iter().map(|value| (Timestamp::EPOCH, *value)).collect();
        let series = EquitySeries { start: Timestamp::EPOCH, initial: 100.0, points: &points };
        found.statistics(&super::super::period_returns(&series), &[])
    }

    #[test]
    fn what_is_undefined_is_none_as_in_a_batch() {
        let rows: [&[f64]; 6] = [
            &[],
            &[101.0],
            &[100.0; 9],
            &[100.0, 110.0, 121.0],
            &[100.0, 0.0, 0.0],
            &[100.0, 110.0, 88.0],
        ];
        for equity in rows {
            for conventions in [Conventions::daily(), Conventions::default()] {
                let points: Vec<_> = equity.iter().map(|it| (Timestamp::EPOCH, *it)).collect();
                let start = Timestamp::EPOCH;
                let series = EquitySeries { start, initial: 100.0, points: &points };
                let batch = Statistics::new(&series, &[], &conventions);
                let found = running(equity, &conventions);
                let is_known = |of: &ReturnStatistics| {
                    let json = serde_json::to_value(of).unwrap();
                    let fields = json.as_object().unwrap().clone();
                    fields.into_iter().map(|(name, it)| (name, it.is_null())).collect::<Vec<_>>()
                };
                assert_eq!(is_known(&found.returns), is_known(&batch.returns), "{equity:?}");
                assert_eq!(found.drawdown, batch.drawdown);
            }
        }
    }
}
