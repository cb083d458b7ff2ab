use serde::{Deserialize, Serialize};

use crate::math::exact::Crossing;
use crate::math::{Indicator, Rsi};
use crate::strategy::parameter::parameters;
use crate::strategy::saved::Identity;
use crate::strategy::{
    Advice, BadParameter, BuildError, ParameterKind, Parameters, StrategyContext,
};
use crate::types::{Bar, Confidence, Timestamp};

use super::per_instrument::{BarError, BarKernel, PerInstrument, bar_strategy, dispatch};
use super::{SignalForm, refused, revert};

parameters! {
    /// Parameters of [`RsiReversion`].
    pub struct RsiReversionParameters {
        /// Changes that the relative strength index smooths over.
        pub period: usize = 14, ParameterKind::Count { minimum: 2, maximum: 100_000 };
        /// Below this index the market is oversold; below `overbought`.
        pub oversold: f64 = 30.0, ParameterKind::Positive { maximum: 99.0 };
        /// Above this index the market is overbought.
        pub overbought: f64 = 70.0, ParameterKind::Number { minimum: 1.0, maximum: 99.9 };
        /// Signal on the bar that enters the zone (cross) or on every bar inside (level).
        pub form: SignalForm = SignalForm::Cross,
            ParameterKind::Choice { choices: SignalForm::WORDS };
    }
}

/// `RSI_REVERSION`: buys when the relative strength index falls below `oversold`, sells when it
/// rises above `overbought`.
///
/// The confidence is the depth inside of the zone: 0 at its border, 1 at an index of 0 or 100.
/// Source: Wilder (1978).
#[derive(Clone, Debug)]
pub struct RsiReversion {
    identity: Identity,
    warmup: usize,
    lanes: PerInstrument<Lane>,
}

impl RsiReversion {
    /// Its name in the registry.
    pub const NAME: &'static str = "RSI_REVERSION";

    /// A strategy for the instruments of the context's universe.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed;
    /// [`BuildError::Universe`] without an instrument.
    pub fn new(
        parameters: RsiReversionParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        let RsiReversionParameters { period, oversold, overbought, form } = parameters;
        if !(oversold < overbought) {
            let allowed = format!("numbers below `overbought`, which is {overbought}");
            return Err(BadParameter::new("oversold", oversold, allowed).into());
        }
        let identity = Identity::of(Self::NAME, &parameters);
        let rsi = Rsi::new(period).map_err(refused)?;
        let warmup = rsi.warmup() + usize::from(form == SignalForm::Cross);
        let lane = Lane { rsi, oversold, overbought, form, zone: None };
        let lanes = PerInstrument::new(context, |_| Ok(lane.clone()))?;
        Ok(Self { identity, warmup, lanes })
    }
}

bar_strategy!(RsiReversion, Self::NAME, |self| self.warmup);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lane {
    rsi: Rsi,
    oversold: f64,
    overbought: f64,
    form: SignalForm,
    /// In which zone the last bar was, once there was an index.
    zone: Option<Crossing>,
}

impl BarKernel for Lane {
    #[inline]
    fn on_bar(&mut self, _: Timestamp, bar: &Bar, advice: &mut Advice) -> Result<(), BarError> {
        let Some(index) = self.rsi.update(bar.close)? else { return Ok(()) };
        let (zone, depth) = if index < self.oversold {
            (Crossing::Below, (self.oversold - index) / self.oversold)
        } else if index > self.overbought {
            (Crossing::Above, (index - self.overbought) / (100.0 - self.overbought))
        } else {
            (Crossing::None, 0.0)
        };
        let previous = self.zone.replace(zone);
        let is_signal = match self.form {
            SignalForm::Cross => previous.is_some_and(|previous| previous != zone),
            SignalForm::Level => true,
        };
        if is_signal {
            revert(zone, Confidence::clamped(depth), advice);
        }
        Ok(())
    }
}
