use serde::{Deserialize, Serialize};

use crate::math::exact::{Crossing, VolumeBreakout};
use crate::math::{Donchian, Indicator, Sma};
use crate::strategy::parameter::parameters;
use crate::strategy::saved::Identity;
use crate::strategy::{Advice, BuildError, ParameterKind, Parameters, StrategyContext};
use crate::types::{Bar, Confidence, Grid, Instrument, Timestamp};

use super::arithmetic::{Arithmetic, ohlcv, ratio, volume_ticks};
use super::per_instrument::{BarError, BarKernel, PerInstrument, bar_strategy, dispatch};
use super::{follow, refused};

parameters! {
    /// Parameters of [`Breakout`].
    pub struct BreakoutParameters {
        /// Bars before the current one that make the range and the average volume.
        pub lookback: usize = 20, ParameterKind::Count { minimum: 1, maximum: 65_536 };
        /// The volume must exceed so many average volumes.
        pub volume_factor: f64 = 1.5, ParameterKind::Positive { maximum: 1e6 };
        /// Exact whole ticks, or floating point for series without a grid.
        pub arithmetic: Arithmetic = Arithmetic::Ticks,
            ParameterKind::Choice { choices: Arithmetic::WORDS };
    }
}

/// `BREAKOUT`: buys when the close leaves the range of the bars before it on high volume, sells
/// when it falls out of it.
///
/// Resistance and support are the highest high and the lowest low of the `lookback` bars before
/// the current one; the average volume is over the same bars. BUY: close > resistance and volume >
/// factor * average; SELL: close < support with the same volume. It is a state and not a cross: it
/// repeats while it holds. Without average volume it holds. Confidence is
/// clamp(10 * distance beyond the level as a fraction of it + 0.3 * (volume / average - 1), 0, 1).
///
/// Prices are compared as they came: two equal texts are equal numbers. Volumes are summed, in
/// ticks unless `float` is asked for.
#[derive(Clone, Debug)]
pub struct Breakout {
    identity: Identity,
    warmup: usize,
    lanes: PerInstrument<Lane>,
}

impl Breakout {
    /// Its name in the registry.
    pub const NAME: &'static str = "BREAKOUT";

    /// A strategy for the instruments of the context's universe.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed;
    /// [`BuildError::Universe`] without an instrument.
    pub fn new(
        parameters: BreakoutParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        let identity = Identity::of(Self::NAME, &parameters);
        let lanes = PerInstrument::new(context, |instrument| Lane::new(&parameters, instrument))?;
        Ok(Self { identity, warmup: parameters.lookback + 1, lanes })
    }
}

bar_strategy!(Breakout, Self::NAME, |self| self.warmup);

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Lane {
    Ticks { kernel: VolumeBreakout, grid: Grid },
    Float { range: Donchian, volume: Sma, factor: f64 },
}

impl Lane {
    fn new(parameters: &BreakoutParameters, instrument: &Instrument) -> Result<Self, BuildError> {
        let &BreakoutParameters { lookback, volume_factor, arithmetic } = parameters;
        Ok(match arithmetic {
            Arithmetic::Ticks => {
                let factor = ratio("volume_factor", volume_factor)?;
                let kernel = VolumeBreakout::new(lookback, factor).map_err(refused)?;
                Self::Ticks { kernel, grid: instrument.volume_grid }
            }
            Arithmetic::Float => Self::Float {
                range: Donchian::new(lookback).map_err(refused)?,
                volume: Sma::new(lookback).map_err(refused)?,
                factor: volume_factor,
            },
        })
    }
}

impl BarKernel for Lane {
    #[inline]
    fn on_bar(&mut self, _: Timestamp, bar: &Bar, advice: &mut Advice) -> Result<(), BarError> {
        match self {
            Self::Ticks { kernel, grid } => {
                bar.check()?;
                let volume = volume_ticks(bar.volume, *grid)?;
                let crossing = kernel.update(bar.high, bar.low, bar.close, volume);
                if crossing != Crossing::None {
                    let sureness = Confidence::clamped(kernel.confidence().unwrap_or(0.0));
                    follow(crossing, sureness, advice);
                }
            }
            Self::Float { range, volume, factor } => {
                if let Some((crossing, sureness)) = judge(range, volume, *factor, bar) {
                    follow(crossing, sureness, advice);
                }
                range.update(ohlcv(bar))?;
                volume.update(bar.volume)?;
            }
        }
        Ok(())
    }
}

/// The rule in floating point, before range and average take the bar.
fn judge(range: &Donchian, volume: &Sma, factor: f64, bar: &Bar) -> Option<(Crossing, Confidence)> {
    let range = range.value()?;
    let average = volume.value().filter(|average| *average > 0.0)?;
    if !(bar.volume > factor * average) {
        return None;
    }
    let (crossing, level) = if bar.close > range.upper {
        (Crossing::Above, range.upper)
    } else if bar.close < range.lower {
        (Crossing::Below, range.lower)
    } else {
        return None;
    };
    let fraction = ((bar.close - level) / level).abs();
    let sureness = fraction * 10.0 + (bar.volume / average - 1.0) * 0.3;
    Some((crossing, Confidence::clamped(sureness)))
}
