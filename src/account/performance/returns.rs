use serde::{Deserialize, Serialize};

use super::{Conventions, EquitySeries, finite, ratio};
use crate::math::{kurtosis, mean, quantile_of_sorted, skewness, standard_deviation};

/// Statistics of an equity curve and its period returns r(i) = e(i) / e(i-1) - 1, from the
/// second point on. Fractions, not percent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReturnStatistics {
    /// Points of equity.
    pub periods: usize,
    /// Final over initial equity, less one.
    pub total_return: Option<f64>,
    /// Compound annual growth: (final / initial)^(periods per year / periods) - 1, where the
    /// initial money stands one period before the first point.
    pub cagr: Option<f64>,
    /// Mean of the period returns.
    pub mean_per_period: Option<f64>,
    /// Standard deviation of the period returns.
    pub volatility_per_period: Option<f64>,
    /// The same per year: times the root of the periods.
    pub volatility: Option<f64>,
    /// Mean excess return over standard deviation (Sharpe, 1966).
    pub sharpe_per_period: Option<f64>,
    /// The same per year: times the root of the periods.
    pub sharpe: Option<f64>,
    /// Mean excess return over downside deviation, which is the root of the mean over **all**
    /// periods of min(r, 0)², r being the excess return (Sortino and van der Meer, 1991).
    pub sortino_per_period: Option<f64>,
    /// The same per year: times the root of the periods.
    pub sortino: Option<f64>,
    /// Annual growth over the deepest drawdown (Young, 1991).
    pub calmar: Option<f64>,
    /// Gains over losses against the risk-free return (Keating and Shadwick, 2002).
    pub omega: Option<f64>,
    /// Skewness with population moments.
    pub skewness: Option<f64>,
    /// Excess kurtosis with population moments.
    pub kurtosis: Option<f64>,
    /// Historical value at risk as a **positive loss**: less the quantile of the returns, by
    /// linear interpolation. Negative when even the tail earned money.
    pub value_at_risk: Option<f64>,
    /// Historical expected shortfall as a **positive loss**: less the mean of the lowest
    /// floor((n - 1) · tail) + 1 returns.
    pub expected_shortfall: Option<f64>,
    /// The best period.
    pub best: Option<f64>,
    /// The worst period.
    pub worst: Option<f64>,
}

impl ReturnStatistics {
    /// Computes the statistics; the drawdown's depth is needed for Calmar's ratio.
    pub fn new(
        series: &EquitySeries<'_>,
        max_drawdown: Option<f64>,
        conventions: &Conventions,
    ) -> Self {
        let returns = period_returns(series);
        let mut sorted = returns.clone();
        sorted.sort_by(f64::total_cmp);
        let curve = Curve {
            periods: series.points.len(),
            initial: series.initial,
            last: series.points.last().map(|(_, equity)| *equity),
            max_drawdown,
        };
        let sums = ReturnSums::of(&returns, &sorted, conventions);
        Self::of_sums(&curve, &sums, TailFigures::of_sorted(&sorted, conventions), conventions)
    }

    /// The one place where the ratios are formed, of a whole series and of a running one.
    pub(super) fn of_sums(
        curve: &Curve,
        sums: &ReturnSums,
        tail: TailFigures,
        conventions: &Conventions,
    ) -> Self {
        let root = conventions.periods_per_year.map(f64::sqrt);
        let annual = |value: Option<f64>| finite(value? * root?);
        let cagr = growth(curve, conventions);
        let sharpe_per_period = sums.sharpe();
        let sortino_per_period = sums.sortino();
        let total = curve.last.and_then(|last| ratio(last, curve.initial));
        Self {
            periods: curve.periods,
            total_return: total.map(|end| end - 1.0),
            cagr,
            mean_per_period: sums.mean,
            volatility_per_period: sums.deviation,
            volatility: annual(sums.deviation),
            sharpe_per_period,
            sharpe: annual(sharpe_per_period),
            sortino_per_period,
            sortino: annual(sortino_per_period),
            calmar: cagr.zip(curve.max_drawdown).and_then(|(growth, depth)| ratio(growth, depth)),
            omega: sums.above.zip(sums.below).and_then(|(above, below)| ratio(above, below)),
            skewness: sums.skewness,
            kurtosis: sums.kurtosis,
            value_at_risk: tail.value_at_risk,
            expected_shortfall: tail.expected_shortfall,
            best: sums.best,
            worst: sums.worst,
        }
    }
}

/// What is known of an equity curve beside its returns.
pub(super) struct Curve {
    pub(super) periods: usize,
    pub(super) initial: f64,
    pub(super) last: Option<f64>,
    pub(super) max_drawdown: Option<f64>,
}

/// What the ratios are made of. All but the extremes and the plain moments are measured from
/// the risk-free return, and undefined where that is not known.
pub(super) struct ReturnSums {
    pub(super) risk_free: Option<f64>,
    pub(super) mean: Option<f64>,
    pub(super) deviation: Option<f64>,
    /// All returns are one: what their deviation shows then is rounding.
    pub(super) is_flat: bool,
    /// Mean of the squares of what is below the risk-free return, over all periods.
    pub(super) downside: Option<f64>,
    /// Mean of what is above it, over all periods.
    pub(super) above: Option<f64>,
    /// Mean of what is below it, positive, over all periods.
    pub(super) below: Option<f64>,
    pub(super) skewness: Option<f64>,
    pub(super) kurtosis: Option<f64>,
    pub(super) best: Option<f64>,
    pub(super) worst: Option<f64>,
}

impl ReturnSums {
    fn of(returns: &[f64], sorted: &[f64], conventions: &Conventions) -> Self {
        let risk_free = conventions.risk_free_per_period();
        let over = |part: fn(f64) -> f64| {
            let rate = risk_free?;
            mean(&returns.iter().map(|value| part(value - rate)).collect::<Vec<f64>>())
        };
        Self {
            risk_free,
            mean: mean(returns),
            deviation: standard_deviation(returns, conventions.ddof),
            is_flat: is_flat(returns),
            downside: over(downside_square),
            above: over(gain),
            below: over(loss),
            skewness: skewness(returns),
            kurtosis: kurtosis(returns),
            best: sorted.last().copied().and_then(finite),
            worst: sorted.first().copied().and_then(finite),
        }
    }

    fn sharpe(&self) -> Option<f64> {
        let deviation = self.deviation.filter(|_| !self.is_flat)?;
        ratio(self.mean? - self.risk_free?, deviation)
    }

    fn sortino(&self) -> Option<f64> {
        ratio(self.mean? - self.risk_free?, self.downside?.sqrt())
    }
}

/// The square of an excess return below zero.
pub(super) fn downside_square(excess: f64) -> f64 {
    excess.min(0.0) * excess.min(0.0)
}

/// An excess return above zero. Not a number stays so: `max` would hide it.
pub(super) fn gain(excess: f64) -> f64 {
    if excess < 0.0 { 0.0 } else { excess }
}

/// An excess return below zero, positive.
pub(super) fn loss(excess: f64) -> f64 {
    if excess > 0.0 { 0.0 } else { -excess }
}

/// The tail of a row of returns: historical, as positive losses.
#[derive(Clone, Copy, Default)]
pub(super) struct TailFigures {
    value_at_risk: Option<f64>,
    expected_shortfall: Option<f64>,
}

impl TailFigures {
    /// Of returns in rising order.
    pub(super) fn of_sorted(sorted: &[f64], conventions: &Conventions) -> Self {
        Self {
            value_at_risk: quantile_of_sorted(sorted, conventions.tail).map(|value| -value),
            expected_shortfall: shortfall(sorted, conventions.tail),
        }
    }
}

/// The returns from point to point. One that is not defined (equity at zero or below) is NaN,
/// and leaves the statistics of the whole series undefined.
pub fn period_returns(series: &EquitySeries<'_>) -> Vec<f64> {
    let pairs = series.points.iter().zip(series.points.iter().skip(1));
    pairs.map(|((_, from), (_, to))| period_return(*from, *to)).collect()
}

/// The return of one period; NaN where there was nothing to begin with.
pub(super) fn period_return(from: f64, to: f64) -> f64 {
    if from > 0.0 { to / from - 1.0 } else { f64::NAN }
}

fn growth(curve: &Curve, conventions: &Conventions) -> Option<f64> {
    let total = ratio(curve.last?, curve.initial).filter(|total| *total >= 0.0)?;
    let years = curve.periods as f64 / conventions.periods_per_year?;
    finite(libm::pow(total, 1.0 / years) - 1.0)
}

/// True when all values are one: what their deviation shows then is rounding.
pub(super) fn is_flat(values: &[f64]) -> bool {
    values.iter().zip(values.iter().skip(1)).all(|(left, right)| left == right)
}

fn shortfall(sorted: &[f64], tail: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&tail) || sorted.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let last = sorted.len().checked_sub(1)?;
    // The product lies between 0 and `last`, so the cast cuts and nothing else.
    let count = (last as f64 * tail) as usize + 1;
    mean(sorted.get(..count)?).map(|value| -value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::RiskFree;
    use crate::types::Timestamp;

    fn statistics(equity: &[f64], conventions: &Conventions) -> ReturnStatistics {
        let points: Vec<_> = equity.iter().map(|equity| (Timestamp::EPOCH, *equity)).collect();
        let series = EquitySeries { start: Timestamp::EPOCH, initial: 100.0, points: &points };
        ReturnStatistics::new(&series, Some(0.5), conventions)
    }

    #[track_caller]
    fn near(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
    }

    #[test]
    fn a_worked_example() {
        // Returns +10 %, -20 %, +25 %; mean 5 %.
        let found = statistics(&[100.0, 110.0, 88.0, 110.0], &Conventions::per_year(4.0));
        near(found.total_return, 0.1);
        near(found.cagr, 0.1);
        near(found.mean_per_period, 0.05);
        let deviation = ((0.0025 + 0.0625 + 0.04) / 2.0_f64).sqrt();
        near(found.volatility_per_period, deviation);
        near(found.volatility, deviation * 2.0);
        near(found.sharpe, 0.05 / deviation * 2.0);
        near(found.sortino_per_period, 0.05 / (0.04_f64 / 3.0).sqrt());
        near(found.omega, 0.35 / 0.2);
        near(found.calmar, 0.2);
        near(found.value_at_risk, 0.2 - 0.1 * 0.3);
        near(found.expected_shortfall, 0.2);
        near(found.best, 0.25);
        near(found.worst, -0.2);
    }

    #[test]
    fn risk_free_kinds_differ() {
        let conventions = |risk_free| Conventions { risk_free, ..Conventions::per_year(4.0) };
        let annual = conventions(RiskFree::AnnualGeometric(0.03));
        near(annual.risk_free_per_period(), 1.03_f64.sqrt().sqrt() - 1.0);
        let equity = [100.0, 110.0, 88.0, 110.0];
        let plain = statistics(&equity, &conventions(RiskFree::PerPeriod(0.0))).sharpe.unwrap();
        let excess = statistics(&equity, &annual).sharpe.unwrap();
        assert!(excess < plain, "{excess}, {plain}");
        let unknown = Conventions { periods_per_year: None, ..annual };
        assert_eq!(statistics(&equity, &unknown).sharpe_per_period, None);
    }

    #[test]
    fn what_is_undefined_is_none() {
        let empty = statistics(&[], &Conventions::daily());
        assert_eq!(empty, ReturnStatistics::default());
        let one = statistics(&[101.0], &Conventions::daily());
        assert_eq!((one.sharpe, one.volatility, one.value_at_risk), (None, None, None));
        let flat = statistics(&[100.0; 9], &Conventions::daily());
        assert_eq!((flat.sharpe, flat.sortino, flat.omega), (None, None, None));
        assert_eq!(flat.total_return, Some(0.0));
        let steady = statistics(&[100.0, 110.0, 121.0], &Conventions::daily());
        assert_eq!((steady.sortino, steady.omega), (None, None));
        let ruin = statistics(&[100.0, 0.0, 0.0], &Conventions::daily());
        assert_eq!((ruin.total_return, ruin.sharpe, ruin.worst), (Some(-1.0), None, Some(-1.0)));
        let unknown = statistics(&[100.0, f64::NAN, 90.0], &Conventions::daily());
        assert_eq!((unknown.sharpe, unknown.omega, unknown.best), (None, None, None));
        let not_annual = statistics(&[100.0, 110.0, 88.0], &Conventions::default());
        assert_eq!((not_annual.sharpe, not_annual.cagr, not_annual.volatility), (None, None, None));
        assert!(not_annual.sharpe_per_period.is_some());
    }
}
