use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::SimError;
use crate::types::{Instrument, Price, Side, to_f64};

/// How much worse than the market a taker is filled. It is always to the taker's disadvantage,
/// rounded to the tick in that direction, and never goes beyond the order's limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Slippage {
    /// Not at all.
    #[default]
    None,
    /// By a distance in the quote currency.
    Fixed(f64),
    /// By a fraction of the price, in basis points.
    BasisPoints(f64),
    /// By a fraction of the quoted spread; where no quote was seen, one tick is the spread.
    Spread(f64),
    /// By `price * impact * quantity / volume`: the share of the bar's (or level's) volume,
    /// at most the whole of it.
    VolumeShare {
        /// Fraction of the price that taking the whole volume costs.
        impact: f64,
    },
    /// By `coefficient * (high - low) * sqrt(quantity / volume)`: the square-root law of
    /// market impact with the bar's range for the volatility (Almgren et al., "Direct
    /// estimation of equity market impact", 2005). Without a bar the spread is the range.
    SquareRoot {
        /// About 1 in most studies.
        coefficient: f64,
    },
}

impl Slippage {
    pub(super) fn check(&self) -> Result<(), SimError> {
        let (what, value) = match *self {
            Self::None => return Ok(()),
            Self::Fixed(value) => ("slippage", value),
            Self::BasisPoints(value) => ("slippage in basis points", value),
            Self::Spread(value) => ("slippage as a fraction of the spread", value),
            Self::VolumeShare { impact } => ("impact", impact),
            Self::SquareRoot { coefficient } => ("coefficient", coefficient),
        };
        if (0.0..f64::INFINITY).contains(&value) {
            Ok(())
        } else {
            Err(SimError::BadNumber { what, value })
        }
    }

    /// The price after slippage.
    pub(super) fn apply(&self, instrument: &Instrument, taker: &Taker) -> Price {
        let distance = self.distance(instrument, taker);
        if !(distance > 0.0) {
            return taker.price;
        }
        let slipped = match taker.side {
            Side::Buy => taker.price.to_f64() + distance,
            Side::Sell => taker.price.to_f64() - distance,
        };
        let Some(price) = to_tick(instrument.tick, slipped, taker.side) else {
            return taker.price;
        };
        // The tick's rounding must not give back more than the slippage took.
        let price = match taker.side {
            Side::Buy => price.max(taker.price),
            Side::Sell => price.min(taker.price),
        };
        match (taker.limit, taker.side) {
            (Some(limit), Side::Buy) => price.min(limit.max(taker.price)),
            (Some(limit), Side::Sell) => price.max(limit.min(taker.price)),
            (None, _) => price,
        }
    }

    fn distance(&self, instrument: &Instrument, taker: &Taker) -> f64 {
        let share = || {
            let share = taker.quantity / taker.scene.volume;
            if share <= 1.0 { share } else { 1.0 }
        };
        match *self {
            Self::None => 0.0,
            Self::Fixed(distance) => distance,
            Self::BasisPoints(points) => taker.price.to_f64() * points / 10_000.0,
            Self::Spread(fraction) if taker.scene.spread > 0.0 => fraction * taker.scene.spread,
            Self::Spread(fraction) => fraction * to_f64(instrument.tick),
            Self::VolumeShare { impact } => taker.price.to_f64() * impact * share(),
            Self::SquareRoot { coefficient } => coefficient * taker.scene.range * share().sqrt(),
        }
    }
}

/// What slippage depends on.
#[derive(Clone, Copy)]
pub(super) struct Taker {
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) quantity: f64,
    pub(super) limit: Option<Price>,
    pub(super) scene: Scene,
}

/// The market around a fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Scene {
    /// Volume of the bar, print or level.
    pub(super) volume: f64,
    /// High less low.
    pub(super) range: f64,
    /// Ask less bid, zero when unknown.
    pub(super) spread: f64,
}

/// The tick at or beyond a price, upwards for buyers, at least one tick.
fn to_tick(tick: Decimal, price: f64, side: Side) -> Option<Price> {
    let ticks = price / to_f64(tick);
    let nearest = ticks.round();
    // The division may miss a whole number by a rounding error, which is no tick's worth.
    let whole = if (ticks - nearest).abs() <= 1e-9 * nearest.abs().max(1.0) {
        nearest
    } else {
        match side {
            Side::Buy => ticks.ceil(),
            Side::Sell => ticks.floor(),
        }
    };
    if !(whole.abs() < 9e15) {
        return None;
    }
    let count = Decimal::from((whole as i64).max(1));
    Price::new(count.checked_mul(tick)?).ok()
}
