use serde::{Deserialize, Serialize};

use crate::math::exact::Crossing;
use crate::math::{Indicator, Macd};
use crate::strategy::parameter::parameters;
use crate::strategy::saved::Identity;
use crate::strategy::{Advice, BuildError, ParameterKind, Parameters, StrategyContext};
use crate::types::{Bar, Confidence, Timestamp};

use super::per_instrument::{BarError, BarKernel, PerInstrument, bar_strategy, dispatch};
use super::{LineCross, below, follow, refused};

parameters! {
    /// Parameters of [`MacdCross`].
    pub struct MacdParameters {
        /// Period of the fast average, below that of the slow one.
        pub fast: usize = 12, ParameterKind::Count { minimum: 2, maximum: 100_000 };
        /// Period of the slow average.
        pub slow: usize = 26, ParameterKind::Count { minimum: 3, maximum: 100_000 };
        /// Period of the signal line, an average of the difference.
        pub signal: usize = 9, ParameterKind::Count { minimum: 1, maximum: 100_000 };
    }
}

/// `MACD`: buys when the difference of two averages rises above its own average (the signal
/// line), sells when it falls below.
///
/// A cross has no strength: the confidence is 1. Source: Appel (1979).
#[derive(Clone, Debug)]
pub struct MacdCross {
    identity: Identity,
    warmup: usize,
    lanes: PerInstrument<Lane>,
}

impl MacdCross {
    /// Its name in the registry.
    pub const NAME: &'static str = "MACD";

    /// A strategy for the instruments of the context's universe.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed;
    /// [`BuildError::Universe`] without an instrument.
    pub fn new(
        parameters: MacdParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        let MacdParameters { fast, slow, signal } = parameters;
        below("fast", fast, "slow", slow)?;
        let identity = Identity::of(Self::NAME, &parameters);
        let macd = Macd::new(fast, slow, signal).map_err(refused)?;
        let warmup = macd.warmup() + 1;
        let lanes = PerInstrument::new(context, |_| {
            Ok(Lane { macd: macd.clone(), cross: LineCross::default() })
        })?;
        Ok(Self { identity, warmup, lanes })
    }
}

bar_strategy!(MacdCross, Self::NAME, |self| self.warmup);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lane {
    macd: Macd,
    cross: LineCross,
}

impl BarKernel for Lane {
    #[inline]
    fn on_bar(&mut self, _: Timestamp, bar: &Bar, advice: &mut Advice) -> Result<(), BarError> {
        let Some(lines) = self.macd.update(bar.close)? else { return Ok(()) };
        let crossing = self.cross.update(lines.macd, lines.signal);
        if crossing != Crossing::None {
            follow(crossing, Confidence::FULL, advice);
        }
        Ok(())
    }
}
