//! The strategies that come with the crate, one file each.

mod arithmetic;
mod per_instrument;

mod breakout;
mod mean_reversion;
mod vwap;

mod donchian;
mod ema_cross;
mod grid;
mod macd;
mod market_maker;
mod pairs;
mod rsi_reversion;

pub use arithmetic::Arithmetic;
pub use breakout::{Breakout, BreakoutParameters};
pub use donchian::{DonchianParameters, DonchianTurtle, TradeDirection};
pub use ema_cross::{EmaCross, EmaCrossParameters};
pub use grid::{GridParameters, GridTrader};
pub use macd::{MacdCross, MacdParameters};
pub use market_maker::{MarketMaker, MarketMakerParameters};
pub use mean_reversion::{BandConfidence, MeanReversion, MeanReversionParameters};
pub use pairs::{Pairs, PairsParameters};
pub use rsi_reversion::{RsiReversion, RsiReversionParameters};
pub use vwap::{Vwap, VwapAnchor, VwapParameters};

use serde::{Deserialize, Serialize};

use crate::math::ParameterError;
use crate::math::exact::Crossing;
use crate::strategy::{Advice, BadParameter, BuildError, StrategyRegistry};
use crate::types::Confidence;

/// When a condition is a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalForm {
    /// On the bar on which it begins to hold.
    #[default]
    Cross,
    /// On every bar on which it holds.
    Level,
}

impl SignalForm {
    const WORDS: &'static [&'static str] = &["cross", "level"];
}

/// Tells when one line comes above or below another; at equality it still is where it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct LineCross {
    /// Where the line was last; unknown before the first difference.
    last: Crossing,
}

impl LineCross {
    #[inline]
    fn update(&mut self, line: f64, other: f64) -> Crossing {
        let now = if line > other {
            Crossing::Above
        } else if line < other {
            Crossing::Below
        } else {
            return Crossing::None;
        };
        let last = core::mem::replace(&mut self.last, now);
        if last != Crossing::None && last != now { now } else { Crossing::None }
    }
}

/// The first of two counts has to be the smaller one.
fn below(smaller: &str, value: usize, larger: &str, limit: usize) -> Result<(), BadParameter> {
    if value < limit {
        return Ok(());
    }
    let allowed = format!("whole numbers below `{larger}`, which is {limit}");
    Err(BadParameter::new(smaller, value, allowed))
}

/// A kernel's refusal of what the parameters' own ranges have let through.
fn refused(error: ParameterError) -> BuildError {
    BuildError::Refused(error.to_string())
}

/// Reversion: BUY below the lower line, SELL above the upper one.
#[inline]
fn revert(crossing: Crossing, sureness: Confidence, advice: &mut Advice) {
    match crossing {
        Crossing::Below => advice.buy(sureness),
        Crossing::Above => advice.sell(sureness),
        Crossing::None => {}
    }
}

/// Trend: BUY above the upper line, SELL below the lower one.
#[inline]
fn follow(crossing: Crossing, sureness: Confidence, advice: &mut Advice) {
    match crossing {
        Crossing::Above => advice.buy(sureness),
        Crossing::Below => advice.sell(sureness),
        Crossing::None => {}
    }
}

/// Adds the built-in strategies to an empty registry.
pub(super) fn register(registry: &mut StrategyRegistry) {
    let results = [
        registry.register(
            MeanReversion::NAME,
            "Buys below the lower Bollinger band, sells above the upper one",
            |parameters, context| Ok(Box::new(MeanReversion::new(parameters, context)?)),
        ),
        registry.register(
            Breakout::NAME,
            "Follows a close beyond the range of the last bars on high volume",
            |parameters, context| Ok(Box::new(Breakout::new(parameters, context)?)),
        ),
        registry.register(
            Vwap::NAME,
            "Trades back towards the volume-weighted average price",
            |parameters, context| Ok(Box::new(Vwap::new(parameters, context)?)),
        ),
        registry.register(
            EmaCross::NAME,
            "Follows the cross of two exponential averages",
            |parameters, context| Ok(Box::new(EmaCross::new(parameters, context)?)),
        ),
        registry.register(
            RsiReversion::NAME,
            "Buys oversold and sells overbought markets by the relative strength index",
            |parameters, context| Ok(Box::new(RsiReversion::new(parameters, context)?)),
        ),
        registry.register(
            DonchianTurtle::NAME,
            "Follows breakouts of the entry range, leaves at the exit range (turtles)",
            |parameters, context| Ok(Box::new(DonchianTurtle::new(parameters, context)?)),
        ),
        registry.register(
            MacdCross::NAME,
            "Follows the cross of the MACD and its signal line",
            |parameters, context| Ok(Box::new(MacdCross::new(parameters, context)?)),
        ),
        registry.register(
            Pairs::NAME,
            "Trades the spread of two instruments back to its mean, both legs or neither",
            |parameters, context| Ok(Box::new(Pairs::new(parameters, context)?)),
        ),
        registry.register(
            GridTrader::NAME,
            "Rests buys below and sells above the first price, each turned round when filled",
            |parameters, context| Ok(Box::new(GridTrader::new(parameters, context)?)),
        ),
        registry.register(
            MarketMaker::NAME,
            "Quotes both sides around an inventory-aware price (Avellaneda-Stoikov)",
            |parameters, context| Ok(Box::new(MarketMaker::new(parameters, context)?)),
        ),
    ];
    debug_assert_eq!(results.into_iter().find_map(Result::err), None);
}
