//! The strategies that come with the crate, one file each.

mod arithmetic;
mod per_instrument;

mod breakout;
mod mean_reversion;
mod vwap;

pub use arithmetic::Arithmetic;
pub use breakout::{Breakout, BreakoutParameters};
pub use mean_reversion::{BandConfidence, MeanReversion, MeanReversionParameters};
pub use vwap::{Vwap, VwapAnchor, VwapParameters};

use serde::{Deserialize, Serialize};

use crate::math::exact::Crossing;
use crate::strategy::{Advice, StrategyRegistry};
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
    ];
    debug_assert_eq!(results.into_iter().find_map(Result::err), None);
}
