//! Value at risk and expected shortfall: laws, naive references, and figures that were computed
//! elsewhere.

use proptest::prelude::*;
use tradewright::math::{
    ParameterError, ShortfallRule, TailError, TailEstimator, TailMeasure, TailModel, TailWork,
    cornish_fisher_quantile, historical_shortfall, kurtosis, mean, norm_inverse_cdf, quantile,
    skewness, standard_deviation,
};

const MEASURES: [TailMeasure; 2] = [TailMeasure::ValueAtRisk, TailMeasure::ExpectedShortfall];
const ESTIMATORS: [TailEstimator; 5] = [
    TailEstimator::Historical,
    TailEstimator::Gaussian,
    TailEstimator::CornishFisher,
    TailEstimator::Ewma { decay: 0.94 },
    TailEstimator::FilteredHistorical { decay: 0.94 },
];

/// The daily returns of the S&P 500, 1999 to 2018.
pub fn index_returns() -> Vec<f64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let closes: Vec<f64> = reader.records().map(|row| row.unwrap()[4].parse().unwrap()).collect();
    closes.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect()
}

fn model(estimator: TailEstimator, confidence: f64, horizon: f64) -> TailModel {
    TailModel::new(estimator, confidence, horizon).unwrap()
}

fn figures(model: &TailModel, results: &[f64]) -> Result<[f64; 2], TailError> {
    let tail = model.tail(results, &mut TailWork::default())?;
    Ok([tail.value_at_risk, tail.expected_shortfall])
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
}

/// What empyrical (historical), quantstats (Gaussian) and the raw Cornish-Fisher expansion give.
#[test]
fn the_sp500_of_1999_to_2018_has_the_published_figures() {
    let returns = index_returns();
    let of = |estimator, confidence| figures(&model(estimator, confidence, 1.0), &returns).unwrap();
    let [at_95, shortfall] = of(TailEstimator::Historical, 0.95);
    close(at_95, 0.018643, 5e-7);
    close(shortfall, 0.028609, 5e-7);
    close(of(TailEstimator::Historical, 0.99)[0], 0.03306, 5e-6);
    let [at_95, shortfall] = of(TailEstimator::Gaussian, 0.95);
    close(at_95, 0.019575, 5e-7);
    close(shortfall, 0.024602, 5e-7);
    close(of(TailEstimator::Gaussian, 0.99)[0], 0.02777, 5e-6);

    let mut sorted = returns.clone();
    sorted.sort_by(f64::total_cmp);
    let rule = |rule| historical_shortfall(&sorted, 0.05, rule).unwrap();
    close(rule(ShortfallRule::Whole), 0.028609, 5e-7);
    close(rule(ShortfallRule::AcerbiTasche), 0.028629, 5e-7);

    // Twenty years have an excess kurtosis of 8.3: the expansion has a figure, and no meaning.
    let (skewness, kurtosis) = (skewness(&returns).unwrap(), kurtosis(&returns).unwrap());
    let raw = |tail: f64| {
        let z = norm_inverse_cdf(tail).unwrap();
        let quantile = cornish_fisher_quantile(z, skewness, kurtosis);
        -mean(&returns).unwrap() - standard_deviation(&returns, 1).unwrap() * quantile
    };
    close(raw(0.05), 0.017621, 5e-7);
    close(raw(0.01), 0.05140, 5e-6);
    let refused = figures(&model(TailEstimator::CornishFisher, 0.95, 1.0), &returns);
    assert!(matches!(refused, Err(TailError::OutsideRegion { kurtosis, .. }) if kurtosis > 8.0));
}

/// The last four years and the last year, computed by an independent program from the textbook
/// sums (the Cornish-Fisher shortfall by integrating its quantiles).
#[test]
fn recent_years_of_the_sp500_have_the_figures_of_another_program() {
    let returns = index_returns();
    let years = &returns[returns.len() - 1_000..];
    let year = &returns[returns.len() - 250..];
    let check = |results: &[f64], (estimator, confidence, horizon), expected: [f64; 2], within| {
        let found = figures(&model(estimator, confidence, horizon), results).unwrap();
        close(found[0], expected[0], 1e-12);
        close(found[1], expected[1], within);
    };
    let exact = 1e-12;
    let historical = TailEstimator::Historical;
    check(years, (historical, 0.95, 1.0), [0.014478665068560681, 0.022074845990113355], exact);
    check(year, (historical, 0.99, 1.0), [0.03261955918575611, 0.03712662454949175], exact);
    let ewma = TailEstimator::Ewma { decay: 0.94 };
    check(years, (ewma, 0.95, 1.0), [0.03099451714968068, 0.03834722273733457], exact);
    check(year, (ewma, 0.99, 1.0), [0.04298618454931381, 0.04894892226582651], exact);
    let filtered = TailEstimator::FilteredHistorical { decay: 0.94 };
    check(years, (filtered, 0.99, 1.0), [0.058183504755750716, 0.08954183043200974], exact);
    check(year, (filtered, 0.95, 1.0), [0.02958893329219929, 0.05269188233558771], exact);
    let corrected = TailEstimator::CornishFisher;
    check(years, (corrected, 0.95, 1.0), [0.014189272072551615, 0.024133932106391573], 1e-7);
    check(year, (corrected, 0.99, 1.0), [0.03550017086551843, 0.04822871937520495], 1e-7);
    check(years, (corrected, 0.99, 10.0), [0.0657146690038817, 0.07859084156259724], 1e-7);
    check(year, (corrected, 0.95, 10.0), [0.05929298757458378, 0.07634780613384266], 1e-7);
}

/// Results of a day, in money, some of them equal, now and then a large loss.
fn results() -> impl Strategy<Value = Vec<f64>> {
    let usual = (-1_000_i32..1_000).prop_map(|steps| f64::from(steps) / 7.0);
    let one = prop_oneof![8 => usual, 2 => Just(0.0), 1 => Just(-900.0)];
    prop::collection::vec(one, 2..120)
}

fn setting() -> impl Strategy<Value = (TailEstimator, f64, f64)> {
    let estimator = prop::sample::select(ESTIMATORS.to_vec());
    (estimator, 0.5..0.999, prop::sample::select(vec![1.0, 0.5, 10.0]))
}

/// The largest magnitude, for tolerances.
fn size(results: &[f64]) -> f64 {
    results.iter().fold(1.0, |most: f64, result| most.max(result.abs()))
}

proptest! {
    /// Figures do not fall as the confidence rises, and the shortfall is not below the value at
    /// risk.
    #[test]
    fn figures_rise_with_the_confidence(
        results in results(), setting in setting(), more in 0.0..1.0,
    ) {
        let (estimator, low, horizon) = setting;
        let high = low + more * (0.9995 - low);
        let lower = figures(&model(estimator, low, horizon), &results);
        let higher = figures(&model(estimator, high, horizon), &results);
        prop_assert_eq!(lower.is_ok(), higher.is_ok());
        let (Ok(lower), Ok(higher)) = (lower, higher) else { return Ok(()) };
        // Filtered results can be many times the plain ones.
        let slack = 1e-9 * size(&results) * size(&higher);
        for (lower, higher) in lower.iter().zip(&higher) {
            prop_assert!(lower <= &(higher + slack), "{} {}", lower, higher);
        }
        prop_assert!(lower[0] <= lower[1] + slack);
    }

    /// k times the results have k times the figures; c more in each bar is c less to lose in each.
    #[test]
    fn figures_scale_and_shift(
        results in results(), setting in setting(), k in 0.0..50.0, c in -100.0..100.0,
    ) {
        let (estimator, confidence, horizon) = setting;
        let model = model(estimator, confidence, horizon);
        let Ok(plain) = figures(&model, &results) else { return Ok(()) };
        let scaled: Vec<f64> = results.iter().map(|result| k * result).collect();
        let shifted: Vec<f64> = results.iter().map(|result| c + result).collect();
        let slack = 1e-8 * (1.0 + k) * (size(&results) + 100.0) * size(&plain) * horizon.max(1.0);
        let scaled = figures(&model, &scaled).unwrap();
        let shifted = figures(&model, &shifted).unwrap();
        for index in 0..2 {
            prop_assert!(f64::abs(scaled[index] - k * plain[index]) <= slack);
            prop_assert!(f64::abs(shifted[index] - (plain[index] - horizon * c)) <= slack);
        }
    }

    /// The historical figures are those of the sorted results.
    #[test]
    fn historical_figures_equal_the_sorted_reference(results in results(), tail in 0.001..0.5) {
        let [value, shortfall] =
            figures(&model(TailEstimator::Historical, 1.0 - tail, 1.0), &results).unwrap();
        let expected = -quantile(&results, tail).unwrap();
        prop_assert!((value - expected).abs() <= 1e-9 * size(&results));
        let mut sorted = results.clone();
        sorted.sort_by(f64::total_cmp);
        let expected = historical_shortfall(&sorted, tail, ShortfallRule::Whole).unwrap();
        prop_assert!((shortfall - expected).abs() <= 1e-9 * size(&results));
        // Exactly the worst share, by cutting every result into a thousand equal pieces.
        let pieces: Vec<f64> = sorted.iter().flat_map(|result| [*result; 1_000]).collect();
        let count = (tail * pieces.len() as f64).ceil() as usize;
        let whole = -pieces[..count].iter().sum::<f64>() / count as f64;
        let exact = historical_shortfall(&sorted, tail, ShortfallRule::AcerbiTasche).unwrap();
        prop_assert!((exact - whole).abs() <= 3e-3 / tail * size(&results));
    }

    /// Σ gradient · result is the figure; where it is smooth, the gradient is the slope.
    #[test]
    fn gradients_are_derivatives(
        results in results(), setting in setting(), at in any::<prop::sample::Index>(),
    ) {
        let (estimator, confidence, horizon) = setting;
        let model = model(estimator, confidence, horizon);
        let mut work = TailWork::default();
        let mut gradient = Vec::new();
        for measure in MEASURES {
            let found = model.gradient(&results, measure, &mut work, &mut gradient);
            prop_assert_eq!(found, model.tail(&results, &mut work));
            let Ok(found) = found else { return Ok(()) };
            let figure = found.measure(measure);
            let sum: f64 = gradient.iter().zip(&results).map(|(slope, one)| slope * one).sum();
            let slack = 1e-8 * size(&results) * (1.0 + figure.abs()) * horizon.max(1.0);
            prop_assert!((sum - figure).abs() <= slack, "{} {}", sum, figure);
            let is_smooth = matches!(estimator, TailEstimator::Gaussian
                | TailEstimator::CornishFisher | TailEstimator::Ewma { .. });
            let spread = standard_deviation(&results, 0).unwrap();
            if !is_smooth || spread < 1.0 {
                continue;
            }
            let index = at.index(results.len());
            let step = 1e-4 * spread;
            let moved = |by: f64| {
                let mut moved = results.clone();
                moved[index] += by;
                figures(&model, &moved)
                    .map(|found| found[usize::from(measure == TailMeasure::ExpectedShortfall)])
            };
            if let (Ok(up), Ok(down)) = (moved(step), moved(-step)) {
                let slope = (up - down) / (2.0 * step);
                let slack = 1e-5 * (1.0 + slope.abs()) * horizon.max(1.0);
                let found = gradient[index];
                prop_assert!((slope - found).abs() <= slack, "{} {}", slope, found);
            }
        }
    }
}

#[test]
fn what_has_no_figure_is_an_error() {
    for estimator in ESTIMATORS {
        let model = model(estimator, 0.95, 1.0);
        assert_eq!(figures(&model, &[]), Err(TailError::TooFew { count: 0 }));
        assert_eq!(figures(&model, &[1.0]), Err(TailError::TooFew { count: 1 }));
        assert_eq!(figures(&model, &[1.0, f64::NAN]), Err(TailError::NotFinite));
        assert_eq!(figures(&model, &[1.0, f64::NEG_INFINITY]), Err(TailError::NotFinite));
        assert_eq!(figures(&model, &[1e71, 0.0]), Err(TailError::NotFinite));
        // Nothing varies: what is lost is certain.
        assert_eq!(figures(&model, &[0.1; 7]), Ok([-0.1; 2]));
        assert_eq!(figures(&model, &[0.0; 7]), Ok([0.0; 2]));
    }
    assert_eq!(historical_shortfall(&[], 0.1, ShortfallRule::Whole), None);
    assert_eq!(historical_shortfall(&[1.0], 0.0, ShortfallRule::AcerbiTasche), None);
    assert_eq!(historical_shortfall(&[1.0], 1.5, ShortfallRule::Whole), None);
    assert_eq!(historical_shortfall(&[f64::NAN], 0.5, ShortfallRule::Whole), None);
}

#[test]
fn models_are_checked_when_they_are_made_and_read() {
    for confidence in [0.0, 1.0, -0.1, f64::NAN] {
        let error = TailModel::new(TailEstimator::Gaussian, confidence, 1.0).unwrap_err();
        assert!(matches!(error, ParameterError::Fraction { name: "confidence", .. }));
    }
    for horizon in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        assert!(TailModel::new(TailEstimator::Gaussian, 0.95, horizon).is_err());
    }
    assert!(TailModel::new(TailEstimator::Ewma { decay: 1.0 }, 0.95, 1.0).is_err());
    let text =
        serde_json::to_string(&model(TailEstimator::Ewma { decay: 0.9 }, 0.95, 2.0)).unwrap();
    let read: TailModel = serde_json::from_str(&text).unwrap();
    assert_eq!(read, model(TailEstimator::Ewma { decay: 0.9 }, 0.95, 2.0));
    assert!(serde_json::from_str::<TailModel>(&text.replace("0.95", "1.5")).is_err());
}
