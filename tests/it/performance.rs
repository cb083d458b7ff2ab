//! Statistics against published figures and a quadratic reference.

use proptest::prelude::*;
use tradewright::account::{Conventions, EquitySeries, RiskFree, Statistics};
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
}
