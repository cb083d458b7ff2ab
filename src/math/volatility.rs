//! Realised volatility by four estimators.

use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};

use super::indicator::{Indicator, InputError, Ohlcv, ParameterError, check_factor, check_window};
use super::moments::{DeviationKind, RollingMoments};
use super::window::{BlockWindow, ShiftedSum};

/// One-second bars of a year are 3e7; nothing sensible is far above.
const MOST_BARS_PER_YEAR: f64 = 1e12;

/// How volatility is estimated from bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolatilityEstimator {
    /// Sample deviation of the log returns from close to close.
    CloseToClose,
    /// √(mean ln(H/L)² / (4 ln 2)); no drift, no gaps. Source: Parkinson (1980).
    Parkinson,
    /// √ mean(½ ln(H/L)² - (2 ln 2 - 1) ln(C/O)²); no drift, no gaps. Source: Garman and Klass
    /// (1980).
    GarmanKlass,
    /// √(σ²(gap) + k σ²(open to close) + (1 - k) Rogers-Satchell); drift and gaps are allowed.
    /// Source: Yang and Zhang (2000).
    YangZhang,
}

/// Realised volatility over the last `window` bars, as a fraction per year (0.2 is 20 %).
///
/// Estimators that need the previous close (close to close, Yang-Zhang) have their first value one
/// bar later than the others.
///
/// ```
/// use tradewright::math::{Indicator, Ohlcv, RealisedVolatility, VolatilityEstimator};
///
/// let mut volatility = RealisedVolatility::new(VolatilityEstimator::Parkinson, 1, 252.0)?;
/// let bar = Ohlcv { open: 100.0, high: 102.0, low: 100.0, close: 101.0, volume: 1.0 };
/// let yearly = volatility.update(bar)?.ok_or("one bar is enough")?;
/// assert!((yearly - 0.1888).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RealisedVolatility {
    state: State,
    bars_per_year: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum State {
    CloseToClose { previous_close: Option<f64>, returns: RollingMoments },
    Parkinson { terms: BlockWindow<ShiftedSum> },
    GarmanKlass { terms: BlockWindow<ShiftedSum> },
    YangZhang(YangZhang),
}

impl RealisedVolatility {
    /// A volatility over `window` bars; 252 daily bars make a year of shares, 365 one of crypto.
    ///
    /// # Errors
    /// [`ParameterError`] unless `window` is 1 (close to close, Yang-Zhang: 2) to
    /// [`LONGEST_WINDOW`](super::LONGEST_WINDOW) and `bars_per_year` is above 0 and up to 1e12.
    pub fn new(
        estimator: VolatilityEstimator,
        window: usize,
        bars_per_year: f64,
    ) -> Result<Self, ParameterError> {
        check_factor("bars_per_year", bars_per_year, MOST_BARS_PER_YEAR)?;
        check_window("window", window, 1)?;
        let state = match estimator {
            VolatilityEstimator::CloseToClose => State::CloseToClose {
                previous_close: None,
                returns: RollingMoments::new(window, DeviationKind::Sample)?,
            },
            VolatilityEstimator::Parkinson => State::Parkinson { terms: BlockWindow::new(window) },
            VolatilityEstimator::GarmanKlass => {
                State::GarmanKlass { terms: BlockWindow::new(window) }
            }
            VolatilityEstimator::YangZhang => State::YangZhang(YangZhang::new(window)?),
        };
        Ok(Self { state, bars_per_year })
    }

    fn variance_per_bar(&self) -> Option<f64> {
        match &self.state {
            State::CloseToClose { returns, .. } => {
                returns.mean_and_variance(DeviationKind::Sample).map(|(_, variance)| variance)
            }
            State::Parkinson { terms } | State::GarmanKlass { terms } => terms.mean(),
            State::YangZhang(state) => state.variance(),
        }
    }
}

impl Indicator for RealisedVolatility {
    type Input = Ohlcv;
    type Output = f64;

    fn update(&mut self, input: Ohlcv) -> Result<Option<f64>, InputError> {
        input.validate()?;
        match &mut self.state {
            State::CloseToClose { previous_close, returns } => {
                if let Some(previous) = previous_close.replace(input.close) {
                    returns.push(libm::log(input.close / previous));
                }
            }
            State::Parkinson { terms } => {
                let range = libm::log(input.high / input.low);
                terms.push(range * range / (4.0 * LN_2));
            }
            State::GarmanKlass { terms } => {
                let range = libm::log(input.high / input.low);
                let body = libm::log(input.close / input.open);
                terms.push(0.5 * range * range - (2.0 * LN_2 - 1.0) * body * body);
            }
            State::YangZhang(state) => state.push(&input),
        }
        Ok(self.value())
    }

    fn value(&self) -> Option<f64> {
        // The mean of a shifted sum can lie a rounding below zero.
        let variance = self.variance_per_bar()?.max(0.0);
        Some((variance * self.bars_per_year).sqrt())
    }

    fn warmup(&self) -> usize {
        match &self.state {
            State::CloseToClose { returns, .. } => returns.length().saturating_add(1),
            State::Parkinson { terms } | State::GarmanKlass { terms } => terms.length(),
            State::YangZhang(state) => state.gaps.length().saturating_add(1),
        }
    }

    fn reset(&mut self) {
        match &mut self.state {
            State::CloseToClose { previous_close, returns } => {
                *previous_close = None;
                returns.reset();
            }
            State::Parkinson { terms } | State::GarmanKlass { terms } => terms.reset(),
            State::YangZhang(state) => {
                state.previous_close = None;
                state.gaps.reset();
                state.bodies.reset();
                state.rogers_satchell.reset();
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct YangZhang {
    previous_close: Option<f64>,
    gaps: RollingMoments,
    bodies: RollingMoments,
    rogers_satchell: BlockWindow<ShiftedSum>,
}

impl YangZhang {
    fn new(window: usize) -> Result<Self, ParameterError> {
        let moments = RollingMoments::new(window, DeviationKind::Sample)?;
        Ok(Self {
            previous_close: None,
            gaps: moments.clone(),
            bodies: moments,
            rogers_satchell: BlockWindow::new(window),
        })
    }

    fn push(&mut self, bar: &Ohlcv) {
        let Some(previous_close) = self.previous_close.replace(bar.close) else {
            return;
        };
        let up = libm::log(bar.high / bar.open);
        let down = libm::log(bar.low / bar.open);
        let body = libm::log(bar.close / bar.open);
        self.gaps.push(libm::log(bar.open / previous_close));
        self.bodies.push(body);
        self.rogers_satchell.push(up * (up - body) + down * (down - body));
    }

    fn variance(&self) -> Option<f64> {
        let (_, gaps) = self.gaps.mean_and_variance(DeviationKind::Sample)?;
        let (_, bodies) = self.bodies.mean_and_variance(DeviationKind::Sample)?;
        let rogers_satchell = self.rogers_satchell.mean()?;
        // The weight that makes the estimator's own variance smallest (Yang and Zhang, eq. 10).
        let count = self.gaps.length() as f64;
        let weight = 0.34 / (1.34 + (count + 1.0) / (count - 1.0));
        Some(gaps + weight * bodies + (1.0 - weight) * rogers_satchell)
    }
}
