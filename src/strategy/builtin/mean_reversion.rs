use core::f64::consts::FRAC_1_SQRT_2;

use serde::{Deserialize, Serialize};

use crate::math::exact::{BandCross, BandForm, Crossing, Deviation};
use crate::math::{Bollinger, DeviationKind, Indicator, erfc};
use crate::strategy::parameter::parameters;
use crate::strategy::saved::Identity;
use crate::strategy::{Advice, BuildError, ParameterKind, Parameters, StrategyContext};
use crate::types::{Bar, Confidence, Grid, Instrument, Timestamp};

use super::arithmetic::{Arithmetic, price_ticks, ratio};
use super::per_instrument::{BarError, BarKernel, PerInstrument, bar_strategy, dispatch};
use super::{SignalForm, refused, revert};

parameters! {
    /// Parameters of [`MeanReversion`].
    pub struct MeanReversionParameters {
        /// Closes in the window, the current one included.
        pub window: usize = 20, ParameterKind::Count { minimum: 2, maximum: 65_536 };
        /// Half width of the bands in standard deviations.
        pub std_dev_factor: f64 = 2.0, ParameterKind::Positive { maximum: 1e6 };
        /// Standard deviation over n (population) or over n - 1 (sample).
        pub deviation: DeviationKind = DeviationKind::Population,
            ParameterKind::Choice { choices: &["population", "sample"] };
        /// Signal on the bar that leaves the bands (cross) or on every bar outside (level).
        pub form: SignalForm = SignalForm::Cross,
            ParameterKind::Choice { choices: SignalForm::WORDS };
        /// Confidence by the position in the band (band) or by the normal tail (normal_tail).
        pub confidence: BandConfidence = BandConfidence::Band,
            ParameterKind::Choice { choices: &["band", "normal_tail"] };
        /// Exact whole ticks, or floating point for series without a grid.
        pub arithmetic: Arithmetic = Arithmetic::Ticks,
            ParameterKind::Choice { choices: Arithmetic::WORDS };
    }
}

/// How sure a close outside of its bands is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BandConfidence {
    /// min(|close - mean| / (factor * deviation), 1). A close beyond its band has 1 by
    /// construction, so this ranks nothing: fine for a yes or no, useless for sizing.
    #[default]
    Band,
    /// 2 * Phi(|z|) - 1: the probability that a normal variable lies nearer to the mean. It grows
    /// with the distance (0.954 at two deviations, 0.997 at three): scale sizes with this one.
    NormalTail,
}

/// `MEAN_REVERSION`: buys when the close falls below its lower Bollinger band, sells when it rises
/// above the upper one.
///
/// The bands are mean -+ factor * deviation of the last closes, the current one included. In the
/// cross form the previous close is compared with the previous bar's band. A flat window never
/// signals. See [`BandConfidence`] for what the confidence is worth. Source: Bollinger (2001).
///
/// ```
/// use tradewright::strategy::{MeanReversion, MeanReversionParameters, StrategyContext};
/// use tradewright::types::{Instrument, Instruments};
///
/// let mut table = Instruments::new();
/// let universe = [table.add(Instrument::stock("AAPL", "USD"))?];
/// let context = StrategyContext::new(&table, &universe);
/// let parameters = MeanReversionParameters { window: 10, ..Default::default() };
/// let strategy = MeanReversion::new(parameters, &context)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MeanReversion {
    identity: Identity,
    warmup: usize,
    lanes: PerInstrument<Lane>,
}

impl MeanReversion {
    /// Its name in the registry.
    pub const NAME: &'static str = "MEAN_REVERSION";

    /// A strategy for the instruments of the context's universe, one window for each.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed;
    /// [`BuildError::Universe`] without an instrument.
    pub fn new(
        parameters: MeanReversionParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        let warmup = match parameters.form {
            SignalForm::Cross => parameters.window + 1,
            SignalForm::Level => parameters.window,
        };
        let identity = Identity::of(Self::NAME, &parameters);
        let lanes = PerInstrument::new(context, |instrument| Lane::new(&parameters, instrument))?;
        Ok(Self { identity, warmup, lanes })
    }
}

bar_strategy!(MeanReversion, Self::NAME, |self| self.warmup);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lane {
    confidence: BandConfidence,
    kernel: Kernel,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Kernel {
    Ticks { band: BandCross, grid: Grid },
    Float { bands: FloatBands },
}

impl Lane {
    fn new(
        parameters: &MeanReversionParameters,
        instrument: &Instrument,
    ) -> Result<Self, BuildError> {
        let &MeanReversionParameters { window, std_dev_factor, deviation, form, .. } = parameters;
        let kernel = match parameters.arithmetic {
            Arithmetic::Ticks => {
                let factor = ratio("std_dev_factor", std_dev_factor)?;
                let deviation = match deviation {
                    DeviationKind::Population => Deviation::Population,
                    DeviationKind::Sample => Deviation::Sample,
                };
                let form = match form {
                    SignalForm::Cross => BandForm::Cross,
                    SignalForm::Level => BandForm::Level,
                };
                let band = BandCross::new(window, factor, deviation, form).map_err(refused)?;
                Kernel::Ticks { band, grid: instrument.price_grid }
            }
            Arithmetic::Float => {
                let bollinger =
                    Bollinger::new(window, std_dev_factor, deviation).map_err(refused)?;
                let bands = FloatBands { bollinger, form, beyond: None, last: None };
                Kernel::Float { bands }
            }
        };
        Ok(Self { confidence: parameters.confidence, kernel })
    }
}

impl BarKernel for Lane {
    #[inline]
    fn on_bar(&mut self, _: Timestamp, bar: &Bar, advice: &mut Advice) -> Result<(), BarError> {
        let crossing = match &mut self.kernel {
            Kernel::Ticks { band, grid } => band.update(price_ticks("close", bar.close, *grid)?),
            Kernel::Float { bands } => bands.update(bar.close)?,
        };
        if crossing != Crossing::None {
            revert(crossing, self.sureness(), advice);
        }
        Ok(())
    }
}

impl Lane {
    fn sureness(&self) -> Confidence {
        let (position, z_score) = match &self.kernel {
            Kernel::Ticks { band, .. } => (band.position_in_band(), band.z_score()),
            Kernel::Float { bands } => (bands.position(), bands.z_score()),
        };
        Confidence::clamped(match self.confidence {
            BandConfidence::Band => position.unwrap_or(0.0),
            BandConfidence::NormalTail => {
                z_score.map_or(0.0, |z| 1.0 - erfc(z.abs() * FRAC_1_SQRT_2))
            }
        })
    }
}

/// The same rule in floating point.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct FloatBands {
    bollinger: Bollinger,
    form: SignalForm,
    /// Beyond which band the last close was, once there was a band.
    beyond: Option<Crossing>,
    last: Option<Last>,
}

/// Distance to the mean, deviation and half width of the last bar.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Last {
    distance: f64,
    deviation: f64,
    half_width: f64,
}

impl FloatBands {
    fn update(&mut self, close: f64) -> Result<Crossing, BarError> {
        let Some(bands) = self.bollinger.update(close)? else { return Ok(Crossing::None) };
        let beyond = match bands.deviation > 0.0 {
            true if close < bands.lower => Crossing::Below,
            true if close > bands.upper => Crossing::Above,
            _ => Crossing::None,
        };
        self.last = Some(Last {
            distance: close - bands.middle,
            deviation: bands.deviation,
            half_width: bands.upper - bands.middle,
        });
        let previous = self.beyond.replace(beyond);
        Ok(match self.form {
            SignalForm::Level => beyond,
            SignalForm::Cross if previous.is_some_and(|previous| previous != beyond) => beyond,
            SignalForm::Cross => Crossing::None,
        })
    }

    fn position(&self) -> Option<f64> {
        let last = self.last.filter(|last| last.half_width > 0.0)?;
        Some((last.distance.abs() / last.half_width).min(1.0))
    }

    fn z_score(&self) -> Option<f64> {
        let last = self.last.filter(|last| last.deviation > 0.0)?;
        Some(last.distance / last.deviation)
    }
}
