use serde::{Deserialize, Serialize};

use super::{Tail, TailError, TailMeasure, TailWork, empirical, parametric};
use crate::math::indicator::{ParameterError, check_factor, check_fraction};

/// How the tail is estimated.
///
/// | estimator | looks at | weak where |
/// |---|---|---|
/// | historical | the worst results as they were | few results: the tail is a handful of them |
/// | Gaussian | mean and deviation | fat tails: it understates them |
/// | Cornish-Fisher | also skewness and kurtosis | strong ones: it is refused there |
/// | EWMA | mean and deviation, the newest results most | fat tails |
/// | filtered historical | the worst results, scaled to the volatility of now | after flat stretches |
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TailEstimator {
    /// The quantile of the results, by linear interpolation (type 7, as numpy's); the shortfall is
    /// the mean of the lowest floor((n - 1) · tail) + 1 results (as empyrical's).
    #[default]
    Historical,
    /// A normal distribution with the results' mean and sample deviation.
    Gaussian,
    /// The normal quantile corrected by skewness and excess kurtosis (population moments; Cornish
    /// and Fisher, 1938), the shortfall as the mean of the corrected quantile over the tail
    /// (Maillard, 2012). Refused outside of the region in which it is monotone.
    CornishFisher,
    /// A normal distribution with exponentially weighted mean and deviation (after RiskMetrics,
    /// 1996, whose mean is zero).
    Ewma {
        /// Weight of a result over that of its successor, between 0 and 1: 0.94 for days.
        decay: f64,
    },
    /// The historical estimator on results that were divided by the exponentially weighted
    /// deviation before them and multiplied by that of now (Hull and White, 1998; Barone-Adesi,
    /// Giannopoulos and Vosper, 1999).
    FilteredHistorical {
        /// As of [`TailEstimator::Ewma`].
        decay: f64,
    },
}

/// An estimator with confidence and horizon.
///
/// Over a horizon of h bars the mean grows with h and the deviation from it with √h, skewness
/// falls with √h and excess kurtosis with h: results of different bars count as independent and
/// alike. At a horizon of one bar nothing is scaled.
///
/// Laws: figures do not fall as the confidence rises; k times the results have k times the
/// figures (k at least 0); results plus c have figures less c for each bar of the horizon; the
/// shortfall is not below the value at risk.
///
/// ```
/// use tradewright::math::{TailEstimator, TailModel, TailWork};
///
/// let results = [-3.0, 1.0, 2.0, -1.0, 0.0];
/// let model = TailModel::new(TailEstimator::Historical, 0.75, 1.0)?;
/// let tail = model.tail(&results, &mut TailWork::default())?;
/// assert_eq!((tail.value_at_risk, tail.expected_shortfall), (1.0, 2.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct TailModel {
    estimator: TailEstimator,
    confidence: f64,
    horizon_bars: f64,
}

impl Default for TailModel {
    /// Historical, 99 %, one bar.
    fn default() -> Self {
        Self { estimator: TailEstimator::default(), confidence: 0.99, horizon_bars: 1.0 }
    }
}

impl TailModel {
    /// A model; the horizon is in bars and need not be whole.
    ///
    /// # Errors
    /// [`ParameterError`] unless confidence and decay lie between 0 and 1 and the horizon is above
    /// zero and at most 1e6.
    pub fn new(
        estimator: TailEstimator,
        confidence: f64,
        horizon_bars: f64,
    ) -> Result<Self, ParameterError> {
        check_fraction("confidence", confidence)?;
        check_factor("horizon", horizon_bars, 1e6)?;
        match estimator {
            TailEstimator::Ewma { decay } | TailEstimator::FilteredHistorical { decay } => {
                check_fraction("decay", decay)?;
            }
            TailEstimator::Historical | TailEstimator::Gaussian | TailEstimator::CornishFisher => {}
        }
        Ok(Self { estimator, confidence, horizon_bars })
    }

    /// How the tail is estimated.
    pub const fn estimator(&self) -> TailEstimator {
        self.estimator
    }

    /// The confidence, 0 to 1: 0.99 looks at the worst hundredth.
    pub const fn confidence(&self) -> f64 {
        self.confidence
    }

    /// The horizon in bars.
    pub const fn horizon_bars(&self) -> f64 {
        self.horizon_bars
    }

    /// Both figures of a series of results, the oldest first.
    ///
    /// # Errors
    /// [`TailError`]: too few results, one that is not finite, or moments for which the estimator
    /// is not valid.
    pub fn tail(&self, results: &[f64], work: &mut TailWork) -> Result<Tail, TailError> {
        check(results)?;
        match self.estimator {
            TailEstimator::Historical | TailEstimator::FilteredHistorical { .. } => {
                empirical::tail(self, results, work)
            }
            TailEstimator::Gaussian | TailEstimator::CornishFisher | TailEstimator::Ewma { .. } => {
                parametric::tail(self, results, work)
            }
        }
    }

    /// How much the figure changes with each result: its partial derivatives, written into
    /// `gradient`. The answer is both figures.
    ///
    /// Figures are homogeneous, so that Σ gradient · result is the figure itself (Euler). With
    /// the returns of a position in place of the results, the sum is the position's marginal
    /// figure. For the filtered historical estimator the scales are held, which keeps the sum.
    ///
    /// # Errors
    /// As [`TailModel::tail`].
    pub fn gradient(
        &self,
        results: &[f64],
        measure: TailMeasure,
        work: &mut TailWork,
        gradient: &mut Vec<f64>,
    ) -> Result<Tail, TailError> {
        check(results)?;
        gradient.clear();
        gradient.resize(results.len(), 0.0);
        match self.estimator {
            TailEstimator::Historical | TailEstimator::FilteredHistorical { .. } => {
                empirical::gradient(self, (results, measure), work, gradient)
            }
            TailEstimator::Gaussian | TailEstimator::CornishFisher | TailEstimator::Ewma { .. } => {
                parametric::gradient(self, (results, measure), work, gradient)
            }
        }
    }

    /// How many deviations the figure lies from the mean of a normal distribution, over the
    /// horizon.
    pub fn normal_multiple(&self, measure: TailMeasure) -> f64 {
        parametric::normal_factor(self.confidence, measure) * self.horizon_bars.sqrt()
    }
}

/// Magnitudes above this would overflow in fourth powers.
const LARGEST_RESULT: f64 = 1e70;

fn check(results: &[f64]) -> Result<(), TailError> {
    if results.len() < 2 {
        return Err(TailError::TooFew { count: results.len() });
    }
    if results.iter().all(|result| result.abs() <= LARGEST_RESULT) {
        Ok(())
    } else {
        Err(TailError::NotFinite)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    estimator: TailEstimator,
    confidence: f64,
    horizon_bars: f64,
}

impl TryFrom<Stored> for TailModel {
    type Error = ParameterError;

    fn try_from(stored: Stored) -> Result<Self, ParameterError> {
        Self::new(stored.estimator, stored.confidence, stored.horizon_bars)
    }
}
