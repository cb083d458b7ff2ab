//! Statistics against published figures and a quadratic reference.

use proptest::prelude::*;
use tradewright::account::{
    Conventions, DrawdownStatistics, EquitySeries, RelativeStatistics, RiskFree, Statistics,
    TradeResult, TradeStatistics, drawdowns, period_returns, underwater,
};
use tradewright::types::Timestamp;

fn close(found: Option<f64>, expected: f64, tolerance: f64) {
    let found = found.expect("a figure");
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
}

fn points(values: impl IntoIterator<Item = f64>) -> Vec<(Timestamp, f64)> {
    let stamp = |index: usize| Timestamp::from_secs(86_400 * (index as i64 + 1)).unwrap();
    values.into_iter().enumerate().map(|(index, value)| (stamp(index), value)).collect()
}

fn judged(points: &[(Timestamp, f64)], initial: f64, conventions: Conventions) -> Statistics {
    let series = EquitySeries { start: Timestamp::EPOCH, initial, points };
    Statistics::new(&series, &[], &conventions)
}

/// The figures that empyrical and quantstats print for the index, 252 days a year.
#[test]
fn the_sp500_of_1999_to_2018_has_the_published_figures() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let closes: Vec<f64> = reader.records().map(|row| row.unwrap()[4].parse().unwrap()).collect();
    let (first, points) = (closes[0], points(closes));
    let with = |risk_free| {
        judged(&points, first, Conventions { risk_free, ..Conventions::daily() }).returns
    };
    let plain = with(RiskFree::PerPeriod(0.0));
    close(plain.sharpe, 0.28274, 5e-6);
    close(plain.sortino, 0.39861, 5e-6);
    close(plain.value_at_risk, 0.018643, 5e-7);
    close(plain.expected_shortfall, 0.028609, 5e-7);
    close(with(RiskFree::AnnualGeometric(0.03)).sharpe, 0.12796, 5e-6);
    close(with(RiskFree::PerPeriod(0.03 / 252.0)).sharpe, 0.12566, 5e-6);
    let one_percent = Conventions { tail: 0.01, ..Conventions::daily() };
    close(judged(&points, first, one_percent).returns.value_at_risk, 0.03306, 5e-6);
    // The fall from October 2007 to March 2009.
    close(judged(&points, first, one_percent).drawdown.depth, 0.567_753_8, 1e-6);
}

proptest! {
    /// The drawdown equals the quadratic reference, and scale changes nothing.
    #[test]
    fn drawdown_equals_the_quadratic_reference(
        equity in prop::collection::vec(1u32..200, 1..40), initial in 1u32..200,
    ) {
        let series: Vec<f64> =
            std::iter::once(initial).chain(equity.iter().copied()).map(f64::from).collect();
        let mut deepest = 0.0f64;
        for (index, value) in series.iter().enumerate() {
            let peak = series[..=index].iter().copied().fold(0.0, f64::max);
            deepest = deepest.max(1.0 - value / peak);
        }
        let at_scale = |scale: f64| {
            let points = points(series[1..].iter().map(|value| value * scale));
            judged(&points, series[0] * scale, Conventions::daily()).drawdown
        };
        prop_assert_eq!(at_scale(1.0).depth, Some(deepest));
        prop_assert_eq!(at_scale(2.0), at_scale(1.0));
    }

    /// Mean depth and ulcer index equal the quadratic reference; the deepest drawdown begins
    /// at the first of equals and stands lowest where it first did.
    #[test]
    fn depths_equal_the_quadratic_reference(
        equity in prop::collection::vec(1u32..30, 1..40), initial in 1u32..30,
    ) {
        let all: Vec<f64> =
            std::iter::once(initial).chain(equity.iter().copied()).map(f64::from).collect();
        let depth = |index: usize| {
            let peak = all[..=index].iter().copied().fold(0.0, f64::max);
            1.0 - all[index] / peak
        };
        let depths: Vec<f64> = (1..all.len()).map(depth).collect();
        let points = points(all[1..].iter().copied());
        let series = EquitySeries { start: Timestamp::EPOCH, initial: all[0], points: &points };
        for (below, depth) in underwater(&series).iter().zip(&depths) {
            prop_assert!((below + depth).abs() < 1e-12);
        }
        let found = judged(&points, all[0], Conventions::daily()).drawdown;
        close(found.average_depth, average(&depths), 1e-12);
        let squares: Vec<f64> = depths.iter().map(|depth| depth * depth).collect();
        close(found.ulcer, average(&squares).sqrt(), 1e-12);
        let deepest = depths.iter().copied().fold(0.0, f64::max);
        let place = depths.iter().position(|depth| *depth == deepest).unwrap();
        if deepest > 0.0 {
            prop_assert_eq!(found.deepest.unwrap().trough_at, points[place].0);
        }
        for stretch in drawdowns(&series) {
            prop_assert!(stretch.peak_at < stretch.trough_at);
            prop_assert!(stretch.trough_at <= stretch.end_at);
        }
    }

    /// The ratios equal their formulas, written out, with a risk-free return that is not zero.
    #[test]
    fn ratios_equal_their_formulas(
        equity in prop::collection::vec(50.0_f64..150.0, 3..30),
        rate in -0.01_f64..0.01,
        tail in 0.0_f64..=1.0,
        per_year in 2.0_f64..300.0,
    ) {
        let points = points(equity.iter().copied());
        let risk_free = RiskFree::PerPeriod(rate);
        let conventions = Conventions { risk_free, tail, ..Conventions::per_year(per_year) };
        let found = judged(&points, 80.0, conventions).returns;
        let mut returns: Vec<f64> =
            equity.iter().zip(&equity[1..]).map(|(from, to)| to / from - 1.0).collect();
        let count = returns.len() as f64;
        let of = |value: fn(f64) -> f64| -> Vec<f64> {
            returns.iter().map(|one| value(one - rate)).collect()
        };
        let excess = average(&of(|it| it));
        let downside = average(&of(|it| it.min(0.0) * it.min(0.0))).sqrt();
        let (gains, losses) = (average(&of(|it| it.max(0.0))), average(&of(|it| (-it).max(0.0))));
        let spread = average(&of(|it| it * it)) - excess * excess;
        if downside > 1e-3 && spread > 1e-6 {
            let deviation = (spread * count / (count - 1.0)).sqrt();
            close_by(found.sharpe_per_period, excess / deviation);
            close_by(found.sharpe, excess / deviation * per_year.sqrt());
            close_by(found.sortino_per_period, excess / downside);
            close_by(found.sortino, excess / downside * per_year.sqrt());
            close_by(found.omega, gains / losses);
        }
        let years = equity.len() as f64 / per_year;
        let total: f64 = equity[equity.len() - 1] / 80.0;
        close_by(found.cagr, total.powf(1.0 / years) - 1.0);
        returns.sort_by(f64::total_cmp);
        let worst = ((count - 1.0) * tail).floor() as usize + 1;
        close_by(found.expected_shortfall, -average(&returns[..worst]));
    }

    /// Beta, alpha and the information ratio equal their formulas, written out.
    #[test]
    fn relative_figures_equal_their_formulas(
        pairs in prop::collection::vec((-0.1_f64..0.1, -0.1_f64..0.1), 3..30),
        rate in -0.01_f64..0.01,
        per_year in 2.0_f64..60.0,
    ) {
        let (returns, market): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let risk_free = RiskFree::PerPeriod(rate);
        let conventions = Conventions { risk_free, ..Conventions::per_year(per_year) };
        let found = RelativeStatistics::new(&returns, &market, &conventions);
        let (own, its) = (average(&returns), average(&market));
        let products = |left: &[f64], right: &[f64]| -> f64 {
            let (one, two) = (average(left), average(right));
            left.iter().zip(right).map(|(a, b)| (a - one) * (b - two)).sum()
        };
        let variance = products(&market, &market);
        let ahead: Vec<f64> = returns.iter().zip(&market).map(|(a, b)| a - b).collect();
        let degrees = returns.len() as f64 - 1.0;
        let spread = (products(&ahead, &ahead) / degrees).sqrt();
        prop_assume!(variance > 1e-4 && spread > 1e-3);
        let beta = products(&returns, &market) / variance;
        close_by(found.beta, beta);
        let jensen = own - rate - beta * (its - rate);
        close_by(found.alpha, (1.0 + jensen).powf(per_year) - 1.0);
        close_by(found.tracking_error, spread * per_year.sqrt());
        close_by(found.information_ratio, (own - its) / spread * per_year.sqrt());
    }
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Nine digits: the references are summed plainly.
fn close_by(found: Option<f64>, expected: f64) {
    close(found, expected, 1e-9 * expected.abs().max(1.0));
}

/// Money that never was above zero has no drawdown and no returns.
#[test]
fn without_money_there_is_no_depth() {
    let points = points([0.0, -5.0, 0.0]);
    let series = EquitySeries { start: Timestamp::EPOCH, initial: 0.0, points: &points };
    assert_eq!(underwater(&series), [0.0; 3]);
    assert!(period_returns(&series).iter().all(|value| value.is_nan()));
}

/// Of drawdowns of one depth the first is told.
#[test]
fn the_first_of_equal_depths_is_the_deepest() {
    let found = judged(&points([100.0, 50.0, 200.0, 100.0]), 100.0, Conventions::daily());
    let deepest = found.drawdown.deepest.unwrap();
    assert_eq!((deepest.depth, deepest.recovered_at.is_some()), (0.5, true));
}

/// Losing everything is a growth of minus one, not an unknown one.
#[test]
fn ruin_is_a_growth_of_minus_one() {
    let ruined = judged(&points([90.0, 0.0]), 100.0, Conventions::per_year(2.0)).returns;
    assert_eq!((ruined.cagr, ruined.total_return), (Some(-1.0), Some(-1.0)));
    let owing = judged(&points([90.0, -1.0]), 100.0, Conventions::per_year(2.0)).returns;
    assert_eq!(owing.cagr, None);
}

/// A year of no, negative or unknown length annualises nothing, and a tail that is no share
/// has no shortfall.
#[test]
fn conventions_that_cannot_be_leave_figures_out() {
    for periods in [0.0, -252.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Conventions::per_year(periods).periods_per_year, None, "{periods}");
    }
    let curve = points([100.0, 110.0, 99.0, 120.0]);
    for tail in [-0.5, 1.5, f64::NAN] {
        let conventions = Conventions { tail, ..Conventions::daily() };
        let found = judged(&curve, 100.0, conventions).returns;
        assert_eq!((found.expected_shortfall, found.value_at_risk), (None, None), "{tail}");
    }
    // One return that is not defined hides in no tail.
    let broken = points([100.0, 90.0, 0.0, 80.0, 70.0]);
    let found = judged(&broken, 100.0, Conventions { tail: 0.1, ..Conventions::daily() });
    assert_eq!(found.returns.expected_shortfall, None);
}

/// Streaks and holding times are those of their own kind; a trade that breaks even is of
/// neither.
#[test]
fn wins_and_losses_are_told_apart() {
    let nets = [5.0, 6.0, 7.0, 0.0, -1.0, 8.0, -2.0, -3.0];
    let result = |(index, net)| TradeResult { net, held_secs: f64::from(1 << index) };
    let trades: Vec<TradeResult> = nets.into_iter().enumerate().map(result).collect();
    let found = TradeStatistics::new(&trades);
    assert_eq!((found.longest_win_streak, found.longest_loss_streak), (3, 2));
    let held = found.held;
    assert_eq!(held.wins_mean_secs, Some((1.0 + 2.0 + 4.0 + 32.0) / 4.0));
    assert_eq!(held.losses_mean_secs, Some((16.0 + 64.0 + 128.0) / 3.0));
    assert_eq!((held.wins_median_secs, held.losses_median_secs), (Some(3.0), Some(64.0)));
}

/// The best and the worst trade are those of all, whatever order they come in.
#[test]
fn the_best_and_the_worst_trade_are_of_all() {
    for nets in [[1.0, -3.0, 5.0, -1.0], [-1.0, 5.0, -3.0, 1.0], [5.0, -1.0, 1.0, -3.0]] {
        let trades = nets.map(|net| TradeResult { net, held_secs: 60.0 });
        let found = TradeStatistics::new(&trades);
        assert_eq!((found.best, found.worst), (Some(5.0), Some(-3.0)), "{nets:?}");
    }
}

/// One point that is no number leaves a curve without figures of its depth.
#[test]
fn a_point_that_is_no_number_has_no_depth() {
    for broken in [f64::NAN, f64::INFINITY] {
        let points = points([100.0, broken, 90.0]);
        let series = EquitySeries { start: Timestamp::EPOCH, initial: 100.0, points: &points };
        assert_eq!(DrawdownStatistics::new(&series), DrawdownStatistics::default(), "{broken}");
    }
}

/// Nothing follows a benchmark that never moves: what its mean leaves of it is rounding.
#[test]
fn a_flat_benchmark_has_no_relatives() {
    let found = RelativeStatistics::new(&[0.1, 0.3, 0.2], &[0.1; 3], &Conventions::daily());
    assert_eq!(found, RelativeStatistics::default());
}

/// The longest drawdown stays the longest when shorter ones follow.
#[test]
fn the_longest_drawdown_is_of_all() {
    let curve = points([110.0, 90.0, 95.0, 111.0, 110.0, 112.0]);
    let longest = |points: &[(Timestamp, f64)]| {
        let series = EquitySeries { start: Timestamp::EPOCH, initial: 100.0, points };
        DrawdownStatistics::new(&series).longest_secs
    };
    assert_eq!(longest(&curve[..4]), Some(3.0 * 86_400.0));
    assert_eq!(longest(&curve), longest(&curve[..4]));
}
