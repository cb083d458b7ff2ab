use serde::{Deserialize, Serialize};

use crate::math::{Donchian, Indicator};
use crate::strategy::parameter::parameters;
use crate::strategy::saved::Identity;
use crate::strategy::{
    Advice, BuildError, Event, ParameterKind, Parameters, Strategy, StrategyContext,
};
use crate::types::{Bar, Confidence, Facts, Qty, State, StateError};

use super::arithmetic::ohlcv;
use super::per_instrument::{BarError, PerInstrument};
use super::refused;

parameters! {
    /// Parameters of [`DonchianTurtle`].
    pub struct DonchianParameters {
        /// Bars before the current one whose range has to be left to enter.
        pub entry: usize = 20, ParameterKind::Count { minimum: 1, maximum: 100_000 };
        /// Bars before the current one whose range has to be left the other way to exit.
        pub exit: usize = 10, ParameterKind::Count { minimum: 1, maximum: 100_000 };
        /// Which positions are opened: long, short or both.
        pub direction: TradeDirection = TradeDirection::Both,
            ParameterKind::Choice { choices: &["long", "short", "both"] };
    }
}

/// Which positions a strategy opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeDirection {
    /// Long only.
    Long,
    /// Short only.
    Short,
    /// Long and short.
    #[default]
    Both,
}

impl TradeDirection {
    const fn is_long(self) -> bool {
        matches!(self, Self::Long | Self::Both)
    }

    const fn is_short(self) -> bool {
        matches!(self, Self::Short | Self::Both)
    }
}

/// `DONCHIAN`: the turtles' system. It enters when the close leaves the range of the last `entry`
/// bars and exits when it leaves the range of the last `exit` bars the other way.
///
/// Entries are signals (confidence 1: a breakout of this kind has no strength), which policy and
/// sizer turn into orders; exits ask for a position of zero, so they hold under every policy. A
/// close that leaves the entry range against the position is a signal the other way. Both ranges
/// are of the bars before the current one. Entries repeat while the close stays outside and there
/// is no position. Shorts need a policy that opens them. Source: Dennis and Eckhardt (1983), after
/// Donchian.
#[derive(Clone, Debug)]
pub struct DonchianTurtle {
    identity: Identity,
    parameters: DonchianParameters,
    lanes: PerInstrument<Lane>,
}

impl DonchianTurtle {
    /// Its name in the registry.
    pub const NAME: &'static str = "DONCHIAN";

    /// A strategy for the instruments of the context's universe.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed;
    /// [`BuildError::Universe`] without an instrument.
    pub fn new(
        parameters: DonchianParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        let identity = Identity::of(Self::NAME, &parameters);
        let lane = Lane {
            entry: Donchian::new(parameters.entry).map_err(refused)?,
            exit: Donchian::new(parameters.exit).map_err(refused)?,
            direction: parameters.direction,
        };
        let lanes = PerInstrument::new(context, |_| Ok(lane.clone()))?;
        Ok(Self { identity, parameters, lanes })
    }
}

impl State for DonchianTurtle {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.identity.save(&self.lanes)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.lanes.take_over(self.identity.read(state)?)
    }
}

impl Strategy for DonchianTurtle {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn warmup(&self) -> usize {
        self.parameters.entry.max(self.parameters.exit) + 1
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        let Some(bar) = event.bar() else { return };
        let Some(lane) = self.lanes.find(bar.instrument) else { return };
        if let Err(error) = lane.on_bar(bar, facts, advice) {
            advice.fail(error.explain(facts, bar.instrument));
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lane {
    entry: Donchian,
    exit: Donchian,
    direction: TradeDirection,
}

impl Lane {
    fn on_bar(
        &mut self,
        bar: &Bar,
        facts: &Facts<'_>,
        advice: &mut Advice,
    ) -> Result<(), BarError> {
        let (entry, exit) = (self.entry.value(), self.exit.value());
        self.entry.update(ohlcv(bar))?;
        self.exit.update(ohlcv(bar))?;
        let (Some(entry), Some(exit)) = (entry, exit) else { return Ok(()) };
        let position = facts.position(bar.instrument);
        let is_exit = (position.is_long() && bar.close < exit.lower)
            || (position.is_short() && bar.close > exit.upper);
        if bar.close > entry.upper && self.direction.is_long() && !position.is_long() {
            advice.buy(Confidence::FULL);
        } else if bar.close < entry.lower && self.direction.is_short() && !position.is_short() {
            advice.sell(Confidence::FULL);
        } else if is_exit {
            advice.target(bar.instrument, Qty::ZERO);
        }
        Ok(())
    }
}
