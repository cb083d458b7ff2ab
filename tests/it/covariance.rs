//! Matrices of many series against naive sums: exact after any number of rows.

use proptest::prelude::*;
use tradewright::math::{
    ExponentialCovariance, MOST_SERIES, ReturnWindow, RollingCovariance, RowError, correlation,
    covariance,
};
use tradewright::types::State;

/// Returns as markets have them: mostly small, often none, now and then absurd or unknown.
fn change() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-400_i32..400).prop_map(|steps| f64::from(steps) * 1e-4 / 3.0),
        3 => Just(0.0),
        1 => prop_oneof![Just(5.0), Just(-0.99), Just(7.5), Just(1e6)],
        1 => Just(f64::NAN),
    ]
}

fn rows() -> impl Strategy<Value = (usize, Vec<Vec<f64>>)> {
    (1_usize..5).prop_flat_map(|series| {
        // Stretches of one row repeated make flat series and windows without news.
        let row = prop::collection::vec(change(), series);
        let stretch = (row, 1_usize..9).prop_map(|(row, times)| vec![row; times]);
        let rows = prop::collection::vec(stretch, 1..30).prop_map(|all| all.concat());
        (Just(series), rows)
    })
}

/// What the matrix rounds and cuts a return to.
fn counted(value: f64) -> f64 {
    let units = 2.0_f64.powi(49);
    (value.clamp(-8.0, 8.0) * units).round_ties_even() / units
}

/// The last `window` values of a series, when all of them are known.
fn column(rows: &[Vec<f64>], series: usize, window: usize) -> Option<Vec<f64>> {
    let rows = &rows[rows.len().checked_sub(window)?..];
    let values: Vec<f64> = rows.iter().map(|row| counted(row[series])).collect();
    values.iter().all(|value| !value.is_nan()).then_some(values)
}

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance
}

proptest! {
    /// Every pair equals the two-pass figures of its window, after every row.
    #[test]
    fn rolling_figures_equal_the_naive_ones((series, rows) in rows(), window in 2_usize..20) {
        let mut matrix = RollingCovariance::new(series, window).unwrap();
        for (index, row) in rows.iter().enumerate() {
            matrix.update(row).unwrap();
            let seen = &rows[..=index];
            for one in 0..series {
                for other in 0..series {
                    let pair = column(seen, one, window).zip(column(seen, other, window));
                    let found = matrix.covariance(one, other);
                    prop_assert_eq!(found.is_some(), pair.is_some());
                    let Some((left, right)) = pair else {
                        prop_assert_eq!(matrix.correlation(one, other), None);
                        continue;
                    };
                    let largest =
                        |values: &[f64]| values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
                    let scale = largest(&left) * largest(&right);
                    let expected = covariance(&left, &right, 1).unwrap();
                    prop_assert!(close(found.unwrap(), expected, 1e-14 * scale));
                    let is_flat = |values: &[f64]| values.windows(2).all(|pair| pair[0] == pair[1]);
                    let found = matrix.correlation(one, other);
                    if is_flat(&left) || is_flat(&right) {
                        prop_assert_eq!(found, None);
                    } else if one == other {
                        prop_assert_eq!(found, Some(1.0));
                    } else {
                        let expected = correlation(&left, &right).unwrap();
                        prop_assert!(close(found.unwrap(), expected, 1e-9), "{:?}", found);
                    }
                }
            }
        }
    }

    /// What has left the window leaves no trace: a matrix with a past equals a new one, bit for
    /// bit.
    #[test]
    fn rolling_figures_have_no_memory_beyond_the_window(
        (series, rows) in rows(), window in 2_usize..20,
    ) {
        let mut long = RollingCovariance::new(series, window).unwrap();
        rows.iter().for_each(|row| long.update(row).unwrap());
        let mut fresh = RollingCovariance::new(series, window).unwrap();
        rows[rows.len().saturating_sub(window)..].iter().for_each(|row| fresh.update(row).unwrap());
        for one in 0..series {
            for other in 0..series {
                prop_assert_eq!(long.covariance(one, other), fresh.covariance(one, other));
                prop_assert_eq!(long.correlation(one, other), fresh.correlation(one, other));
            }
        }
        long.reset();
        prop_assert_eq!(long, RollingCovariance::new(series, window).unwrap());
    }

    /// All correlations written at once are those of the pairs, and NaN where there is none.
    #[test]
    fn written_correlations_are_those_of_the_pairs(
        (series, rows) in rows(), window in 2_usize..20, decay in 0.5..0.99,
    ) {
        let mut rolling = RollingCovariance::new(series, window).unwrap();
        let mut fading = ExponentialCovariance::new(series, decay, 3).unwrap();
        let (mut all, mut faded) = (Vec::new(), Vec::new());
        for row in &rows {
            rolling.update(row).unwrap();
            fading.update(row).unwrap();
            rolling.write_correlations(&mut all);
            fading.write_correlations(&mut faded);
            prop_assert_eq!((all.len(), faded.len()), (series * series, series * series));
            for one in 0..series {
                for other in 0..series {
                    let place = one * series + other;
                    let pairs = [
                        (all[place], rolling.correlation(one, other)),
                        (faded[place], fading.correlation(one, other)),
                    ];
                    for (found, expected) in pairs {
                        prop_assert_eq!(found.is_nan(), expected.is_none());
                        let expected = expected.unwrap_or(0.0);
                        prop_assert!(found.is_nan() || close(found, expected, 1e-12));
                    }
                }
            }
        }
    }

    /// Exponential figures equal the weighted sums of all rows since a series was last unknown.
    #[test]
    fn exponential_figures_equal_the_weighted_sums(
        (series, rows) in rows(), decay in 0.5..0.99, warmup in 2_usize..6,
    ) {
        let mut matrix = ExponentialCovariance::new(series, decay, warmup).unwrap();
        rows.iter().for_each(|row| matrix.update(row).unwrap());
        let known = |one: usize| rows.iter().rev().take_while(|row| !row[one].is_nan()).count();
        for one in 0..series {
            for other in 0..series {
                let count = known(one).min(known(other));
                let found = matrix.covariance(one, other);
                prop_assert_eq!(found.is_some(), count >= warmup);
                let Some(found) = found else { continue };
                let (mut sum, mut weights, mut weight, mut scale) = (0.0, 0.0, 1.0, 0.0_f64);
                for row in rows.iter().rev().take(count) {
                    sum += weight * row[one] * row[other];
                    scale += weight * (row[one] * row[other]).abs();
                    weights += weight;
                    weight *= decay;
                }
                prop_assert!(close(found, sum / weights, 1e-12 * scale + 1e-190));
                prop_assert_eq!(matrix.covariance(other, one), Some(found));
            }
        }
    }

    /// Symmetric, one on the diagonal, within -1 to 1, nothing for a series that does not move.
    #[test]
    fn correlations_are_correlations((series, rows) in rows()) {
        let mut rolling = RollingCovariance::new(series, 4).unwrap();
        let mut fading = ExponentialCovariance::new(series, 0.9, 2).unwrap();
        for row in &rows {
            rolling.update(row).unwrap();
            fading.update(row).unwrap();
            for one in 0..series {
                for other in 0..series {
                    let both = |one, other| [
                        rolling.correlation(one, other), fading.correlation(one, other),
                    ];
                    prop_assert_eq!(both(one, other), both(other, one));
                    for found in both(one, other).into_iter().flatten() {
                        prop_assert!((-1.0..=1.0).contains(&found));
                        prop_assert!(one != other || found == 1.0);
                    }
                    let still = |found: Option<f64>| found.is_none_or(|found| !(found > 0.0));
                    if still(rolling.variance(one)) {
                        prop_assert_eq!(rolling.correlation(one, other), None);
                    }
                    if still(fading.variance(one)) {
                        prop_assert_eq!(fading.correlation(one, other), None);
                    }
                }
            }
        }
    }

    /// Saved and restored they are the same and go on the same.
    #[test]
    fn a_restored_matrix_is_the_same((series, rows) in rows(), window in 2_usize..9) {
        let mut rolling = RollingCovariance::new(series, window).unwrap();
        let mut fading = ExponentialCovariance::new(series, 0.9, 2).unwrap();
        let mut returns = ReturnWindow::new(series, window).unwrap();
        let (before, after) = rows.split_at(rows.len() / 2);
        for row in before {
            rolling.update(row).unwrap();
            fading.update(row).unwrap();
            returns.push(row).unwrap();
        }
        let mut others = (
            RollingCovariance::new(1, 2).unwrap(),
            ExponentialCovariance::new(1, 0.5, 2).unwrap(),
            ReturnWindow::new(1, 2).unwrap(),
        );
        let saved = (rolling.clone(), fading.clone(), returns.clone()).save().unwrap();
        others.restore(&saved).unwrap();
        prop_assert_eq!((&others.0, &others.1, &others.2), (&rolling, &fading, &returns));
        for row in after {
            rolling.update(row).unwrap();
            fading.update(row).unwrap();
            returns.push(row).unwrap();
            others.0.update(row).unwrap();
            others.1.update(row).unwrap();
            others.2.push(row).unwrap();
        }
        prop_assert_eq!((&others.0, &others.1, &others.2), (&rolling, &fading, &returns));
    }
}

/// A hundred thousand rows with outliers and flat stretches end where the last window alone ends.
#[test]
fn a_long_run_does_not_drift() {
    const SERIES: usize = 6;
    const WINDOW: usize = 50;
    let mut state = 1_u64;
    let mut random = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2.0_f64.powi(53) - 0.5
    };
    let mut long = RollingCovariance::new(SERIES, WINDOW).unwrap();
    let mut fading = ExponentialCovariance::new(SERIES, 0.94, 20).unwrap();
    let mut last = Vec::new();
    for row in 0..100_000 {
        let shared = random() * 0.02;
        let mut values: Vec<f64> = (0..SERIES).map(|_| shared + random() * 0.01).collect();
        if row % 1_000 == 3 {
            values[row / 1_000 % SERIES] = 7.0;
        }
        if row % 700 < 80 {
            values[1] = 0.0;
        }
        long.update(&values).unwrap();
        fading.update(&values).unwrap();
        last.push(values);
        if last.len() > 2_000 {
            last.drain(..1_000);
        }
    }
    let mut fresh = RollingCovariance::new(SERIES, WINDOW).unwrap();
    last[last.len() - WINDOW..].iter().for_each(|row| fresh.update(row).unwrap());
    let mut young = ExponentialCovariance::new(SERIES, 0.94, 20).unwrap();
    last.iter().for_each(|row| young.update(row).unwrap());
    for one in 0..SERIES {
        for other in 0..SERIES {
            assert_eq!(long.correlation(one, other), fresh.correlation(one, other));
            let (old, new) = (fading.correlation(one, other), young.correlation(one, other));
            assert!(close(old.unwrap(), new.unwrap(), 1e-12), "{old:?} {new:?}");
        }
    }
}

#[test]
fn a_flat_series_fades_to_nothing() {
    let mut matrix = ExponentialCovariance::new(2, 0.9, 2).unwrap();
    matrix.update(&[0.01, 0.02]).unwrap();
    matrix.update(&[0.01, -0.01]).unwrap();
    assert!(matrix.correlation(0, 1).is_some());
    (0..10_000).for_each(|_| matrix.update(&[0.0, 0.01]).unwrap());
    assert_eq!(matrix.variance(0), Some(0.0));
    assert_eq!(matrix.correlation(0, 1), None);
    assert_eq!(matrix.correlation(1, 1), Some(1.0));
}

#[test]
fn refused_rows_change_nothing() {
    let mut rolling = RollingCovariance::new(2, 2).unwrap();
    let mut fading = ExponentialCovariance::new(2, 0.9, 2).unwrap();
    for row in [[0.01, 0.02], [0.03, -0.01]] {
        rolling.update(&row).unwrap();
        fading.update(&row).unwrap();
    }
    let before = (rolling.clone(), fading.clone());
    let bad: [(&[f64], RowError); 3] = [
        (&[0.1], RowError::Length { expected: 2, found: 1 }),
        (&[0.1, f64::INFINITY], RowError::Value { series: 1, value: f64::INFINITY }),
        (&[-1e101, 0.1], RowError::Value { series: 0, value: -1e101 }),
    ];
    for (row, error) in bad {
        assert_eq!(rolling.update(row), Err(error));
        assert_eq!(fading.update(row), Err(error));
    }
    assert_eq!((rolling, fading), before);
}

#[test]
fn parameters_and_stored_states_are_checked() {
    assert!(RollingCovariance::new(0, 10).is_err());
    assert!(RollingCovariance::new(MOST_SERIES + 1, 10).is_err());
    assert!(RollingCovariance::new(2, 1).is_err());
    assert!(RollingCovariance::new(2, 1_025).is_err());
    for decay in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(ExponentialCovariance::new(2, decay, 2).is_err());
    }
    assert!(ExponentialCovariance::new(2, 0.9, 1).is_err());
    assert!(ReturnWindow::new(2, 1).is_err());

    let broken = |text: String, from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        text.replacen(from, to, 1)
    };
    let text = serde_json::to_string(&RollingCovariance::new(2, 2).unwrap()).unwrap();
    for (from, to) in
        [("\"oldest\":0", "\"oldest\":2"), ("[0,0,0,0]", "[0,0,0]"), ("[0,0]", "[3,0]")]
    {
        let text = broken(text.clone(), from, to);
        assert!(serde_json::from_str::<RollingCovariance>(&text).is_err(), "{text}");
    }
    let text = serde_json::to_string(&ExponentialCovariance::new(1, 0.9, 2).unwrap()).unwrap();
    for (from, to) in [("\"decay\":0.9", "\"decay\":1.5"), ("[0]", "[9]"), ("[0.0]", "[2.0]")] {
        let text = broken(text.clone(), from, to);
        assert!(serde_json::from_str::<ExponentialCovariance>(&text).is_err(), "{text}");
    }
    let text = serde_json::to_string(&ReturnWindow::new(1, 2).unwrap()).unwrap();
    for (from, to) in [("[0.0,0.0,", "[1.0,0.0,"), ("\"position\":0", "\"position\":2")] {
        let text = broken(text.clone(), from, to);
        assert!(serde_json::from_str::<ReturnWindow>(&text).is_err(), "{text}");
    }
}
