//! Mean and deviation times a factor: Gaussian, Cornish-Fisher, exponentially weighted.

use super::cornish_fisher::{Expansion, cornish_fisher_is_monotone};
use super::{Tail, TailError, TailEstimator, TailMeasure, TailModel, TailWork, decaying_weights};
use crate::math::{norm_inverse_cdf, norm_pdf};

pub(super) fn tail(
    model: &TailModel,
    results: &[f64],
    work: &mut TailWork,
) -> Result<Tail, TailError> {
    let moments = Moments::of(model.estimator(), results, work);
    let shape = Shape::of(model, &moments, results)?;
    Ok(shape.tail(model, &moments))
}

pub(super) fn gradient(
    model: &TailModel,
    (results, measure): (&[f64], TailMeasure),
    work: &mut TailWork,
    gradient: &mut [f64],
) -> Result<Tail, TailError> {
    let moments = Moments::of(model.estimator(), results, work);
    let shape = Shape::of(model, &moments, results)?;
    let horizon = model.horizon_bars();
    for (slope, weight) in gradient.iter_mut().zip(&work.weights) {
        *slope = -horizon * weight;
    }
    // Without any deviation only the mean moves the figure.
    if moments.deviation > 0.0 {
        let root = horizon.sqrt();
        let factor = shape.factor(measure);
        let (by_skewness, by_kurtosis) = shape.slopes(measure);
        let (skewness, kurtosis) = (moments.skewness, moments.kurtosis);
        let population = moments.population;
        let rows = gradient.iter_mut().zip(results).zip(&work.weights);
        for ((slope, result), weight) in rows {
            let u = (result - moments.mean) / population;
            let square = u * u;
            // Derivatives of deviation, skewness and kurtosis by this result, over the weight.
            let of_deviation = u * moments.correction;
            let of_skewness = (3.0 * (square - 1.0) - 3.0 * skewness * u) / population;
            let of_kurtosis =
                (4.0 * (square * u - skewness) - 4.0 * (kurtosis + 3.0) * u) / population;
            let of_shape = by_skewness * of_skewness / root + by_kurtosis * of_kurtosis / horizon;
            *slope += weight * root * (factor * of_deviation + moments.deviation * of_shape);
        }
    }
    Ok(shape.tail(model, &moments))
}

/// The loss in deviations of a normal distribution at this confidence.
pub(super) fn normal_factor(confidence: f64, measure: TailMeasure) -> f64 {
    // The model keeps the confidence between 0 and 1, where the quantile is known.
    let z = norm_inverse_cdf(confidence).unwrap_or(f64::NAN);
    match measure {
        TailMeasure::ValueAtRisk => z,
        TailMeasure::ExpectedShortfall => norm_pdf(z) / (1.0 - confidence),
    }
}

/// Weighted moments; the weights are left in the work space.
struct Moments {
    mean: f64,
    /// Root of the weighted mean of squares.
    population: f64,
    /// The deviation that counts: the sample's where weights are equal.
    deviation: f64,
    /// Deviation over population deviation.
    correction: f64,
    skewness: f64,
    kurtosis: f64,
}

impl Moments {
    fn of(estimator: TailEstimator, results: &[f64], work: &mut TailWork) -> Self {
        let count = results.len() as f64;
        let correction = match estimator {
            TailEstimator::Ewma { decay } => {
                decaying_weights(results.len(), decay, &mut work.weights);
                1.0
            }
            _ => {
                work.weights.clear();
                work.weights.resize(results.len(), 1.0 / count);
                (count / (count - 1.0)).sqrt()
            }
        };
        if super::empirical::is_flat(results) {
            // What a flat series shows as deviation is the rounding of its mean.
            let mean = results.first().copied().unwrap_or(0.0);
            let (population, deviation, skewness, kurtosis) = (0.0, 0.0, 0.0, 0.0);
            return Self { mean, population, deviation, correction, skewness, kurtosis };
        }
        let weighted = || results.iter().zip(&work.weights);
        let mean: f64 = weighted().map(|(result, weight)| weight * result).sum();
        let [mut second, mut third, mut fourth] = [0.0; 3];
        for (result, weight) in weighted() {
            let from_mean = result - mean;
            let square = from_mean * from_mean;
            second += weight * square;
            third += weight * square * from_mean;
            fourth += weight * square * square;
        }
        let population = second.sqrt();
        Self {
            mean,
            population,
            deviation: population * correction,
            correction,
            skewness: third / (second * population),
            kurtosis: fourth / (second * second) - 3.0,
        }
    }
}

/// The figures in deviations below the mean, over the horizon.
struct Shape {
    skewness: f64,
    kurtosis: f64,
    expansions: [Expansion; 2],
    is_normal: bool,
}

impl Shape {
    fn of(model: &TailModel, moments: &Moments, results: &[f64]) -> Result<Self, TailError> {
        let tail = 1.0 - model.confidence();
        let z = -norm_inverse_cdf(model.confidence()).unwrap_or(f64::NAN);
        let expansions = [TailMeasure::ValueAtRisk, TailMeasure::ExpectedShortfall]
            .map(|measure| Expansion::new(measure, z, tail));
        let normal = Self { skewness: 0.0, kurtosis: 0.0, expansions, is_normal: true };
        if !matches!(model.estimator(), TailEstimator::CornishFisher) {
            return Ok(normal);
        }
        if super::empirical::is_flat(results) {
            return Ok(normal);
        }
        let horizon = model.horizon_bars();
        let (skewness, kurtosis) = (moments.skewness / horizon.sqrt(), moments.kurtosis / horizon);
        if !cornish_fisher_is_monotone(skewness, kurtosis) {
            return Err(TailError::OutsideRegion { skewness, kurtosis });
        }
        Ok(Self { skewness, kurtosis, expansions, is_normal: false })
    }

    fn expansion(&self, measure: TailMeasure) -> &Expansion {
        let [value_at_risk, expected_shortfall] = &self.expansions;
        match measure {
            TailMeasure::ValueAtRisk => value_at_risk,
            TailMeasure::ExpectedShortfall => expected_shortfall,
        }
    }

    fn factor(&self, measure: TailMeasure) -> f64 {
        self.expansion(measure).value(self.skewness, self.kurtosis)
    }

    fn slopes(&self, measure: TailMeasure) -> (f64, f64) {
        if self.is_normal { (0.0, 0.0) } else { self.expansion(measure).slopes(self.skewness) }
    }

    fn tail(&self, model: &TailModel, moments: &Moments) -> Tail {
        let horizon = model.horizon_bars();
        let figure = |measure| {
            -horizon * moments.mean + horizon.sqrt() * moments.deviation * self.factor(measure)
        };
        Tail {
            value_at_risk: figure(TailMeasure::ValueAtRisk),
            expected_shortfall: figure(TailMeasure::ExpectedShortfall),
        }
    }
}
