use serde::{Deserialize, Serialize};

use crate::math::exact::Crossing;
use crate::math::{Ema, Indicator};
use crate::strategy::parameter::parameters;
use crate::strategy::saved::Identity;
use crate::strategy::{Advice, BuildError, ParameterKind, Parameters, StrategyContext};
use crate::types::{Bar, Confidence, Timestamp};

use super::per_instrument::{BarError, BarKernel, PerInstrument, bar_strategy, dispatch};
use super::{LineCross, below, follow, refused};

parameters! {
    /// Parameters of [`EmaCross`].
    pub struct EmaCrossParameters {
        /// Period of the fast average, below that of the slow one.
        pub fast: usize = 12, ParameterKind::Count { minimum: 1, maximum: 100_000 };
        /// Period of the slow average.
        pub slow: usize = 26, ParameterKind::Count { minimum: 2, maximum: 100_000 };
    }
}

/// `EMA_CROSS`: buys when the fast exponential average of the closes rises above the slow one,
/// sells when it falls below.
///
/// A cross has no strength: the confidence is 1.
#[derive(Clone, Debug)]
pub struct EmaCross {
    identity: Identity,
    warmup: usize,
    lanes: PerInstrument<Lane>,
}

impl EmaCross {
    /// Its name in the registry.
    pub const NAME: &'static str = "EMA_CROSS";

    /// A strategy for the instruments of the context's universe.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed;
    /// [`BuildError::Universe`] without an instrument.
    pub fn new(
        parameters: EmaCrossParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        below("fast", parameters.fast, "slow", parameters.slow)?;
        let identity = Identity::of(Self::NAME, &parameters);
        let lanes = PerInstrument::new(context, |_| {
            Ok(Lane {
                fast: Ema::new(parameters.fast).map_err(refused)?,
                slow: Ema::new(parameters.slow).map_err(refused)?,
                cross: LineCross::default(),
            })
        })?;
        Ok(Self { identity, warmup: parameters.slow + 1, lanes })
    }
}

bar_strategy!(EmaCross, Self::NAME, |self| self.warmup);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lane {
    fast: Ema,
    slow: Ema,
    cross: LineCross,
}

impl BarKernel for Lane {
    #[inline]
    fn on_bar(&mut self, _: Timestamp, bar: &Bar, advice: &mut Advice) -> Result<(), BarError> {
        let (fast, slow) = (self.fast.update(bar.close)?, self.slow.update(bar.close)?);
        let (Some(fast), Some(slow)) = (fast, slow) else { return Ok(()) };
        let crossing = self.cross.update(fast, slow);
        if crossing != Crossing::None {
            follow(crossing, Confidence::FULL, advice);
        }
        Ok(())
    }
}
