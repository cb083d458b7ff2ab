use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::strategy::parameter::parameters;
use crate::strategy::saved::Identity;
use crate::strategy::{
    Advice, BadParameter, BuildError, Event, ParameterKind, Parameters, QuoteKey, QuoteSize,
    Strategy, StrategyContext,
};
use crate::types::{
    Facts, Fill, Grid, Instrument, Price, Purpose, Qty, Side, State, StateError, Timestamp, exact,
};

use super::per_instrument::PerInstrument;

parameters! {
    /// Parameters of [`GridTrader`].
    pub struct GridParameters {
        /// Levels below the first price, each a resting buy.
        pub levels_below: usize = 5, ParameterKind::Count { minimum: 0, maximum: 200 };
        /// Levels above the first price, each a resting sell; 0 for long only.
        pub levels_above: usize = 5, ParameterKind::Count { minimum: 0, maximum: 200 };
        /// Distance of neighbouring levels as a fraction of the price.
        pub spacing: f64 = 0.01, ParameterKind::Positive { maximum: 0.5 };
        /// Quantity of each level.
        #[serde(with = "exact")]
        pub quantity: Decimal = Decimal::ONE, ParameterKind::Quantity;
    }
}

/// `GRID`: rests buys below and sells above the first price it sees; each level that has filled
/// turns round and rests on the other side, one level nearer to the first price.
///
/// A level below rests a buy at first * (1 + spacing)^-k; filled, it rests a sell one level up, and
/// so on: every turn earns one spacing less fees. Levels above are the same with the sides
/// swapped. Levels rest as quotes, so nothing is resent when nothing has filled. It earns while the
/// price stays within the grid; beyond its last level it holds the whole position at a loss, and
/// the loss has no end: give its slot a stop.
#[derive(Clone, Debug)]
pub struct GridTrader {
    identity: Identity,
    quantity: Decimal,
    book: LevelBook,
}

impl GridTrader {
    /// Its name in the registry.
    pub const NAME: &'static str = "GRID";

    /// A strategy for the instruments of the context's universe, one grid for each.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed;
    /// [`BuildError::Universe`] without an instrument.
    pub fn new(
        parameters: GridParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        let GridParameters { levels_below, levels_above, spacing, quantity } = parameters;
        if levels_below + levels_above == 0 {
            let allowed = "whole numbers from 1 to 200 while `levels_above` is 0";
            return Err(BadParameter::new("levels_below", levels_below, allowed).into());
        }
        let identity = Identity::of(Self::NAME, &parameters);
        let lanes = PerInstrument::new(context, |instrument| {
            if !instrument.is_on_step(quantity) {
                let allowed =
                    format!("multiples of {}'s step {}", instrument.symbol, instrument.step);
                return Err(BadParameter::new("quantity", quantity, allowed).into());
            }
            Ok(Lane {
                levels: Vec::new(),
                below: levels_below,
                above: levels_above,
                spacing,
                said_at: Timestamp::EPOCH,
            })
        })?;
        Ok(Self { identity, quantity, book: LevelBook { lanes, next_key: 0 } })
    }
}

impl State for GridTrader {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.identity.save(&self.book)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let saved: LevelBook = self.identity.read(state)?;
        self.book.lanes.take_over(saved.lanes)?;
        self.book.next_key = saved.next_key;
        Ok(())
    }
}

impl Strategy for GridTrader {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        let LevelBook { lanes, next_key } = &mut self.book;
        match event {
            Event::Market(market) => {
                let Some(lane) = lanes.find(market.instrument()) else { return };
                if !lane.levels.is_empty() {
                    // What a halt or a refusal has taken from the market rests again in time.
                    if facts.at >= lane.said_at.after(REPEAT_AFTER) {
                        lane.rest_all(facts.at, self.quantity, advice);
                    }
                    return;
                }
                let instrument = facts.instruments.get(market.instrument());
                let (Some(instrument), Some(first)) = (instrument, market.mark()) else { return };
                match lane.levels_around(first, instrument, next_key) {
                    Some(levels) => lane.levels = levels,
                    None => advice.fail(format!(
                        "{}: levels {} apart around {first} are no different prices above zero",
                        instrument.symbol, lane.spacing
                    )),
                }
                lane.rest_all(facts.at, self.quantity, advice);
            }
            Event::Fill(fill) if fill.purpose == Purpose::Quote => {
                let Some(lane) = lanes.find(fill.instrument) else { return };
                lane.on_fill(fill, self.quantity, next_key, advice);
            }
            Event::Fill(_) | Event::Refused { .. } | Event::Wake | Event::Adjusted(_) => {}
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct LevelBook {
    lanes: PerInstrument<Lane>,
    /// A new key for each order that is to rest, so that a level's next turn is never taken for
    /// the one that has filled.
    next_key: QuoteKey,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lane {
    levels: Vec<Level>,
    below: usize,
    above: usize,
    spacing: f64,
    said_at: Timestamp,
}

/// Every level is said again after this time; saying what rests already changes nothing.
const REPEAT_AFTER: Duration = Duration::from_secs(60);

/// Two neighbouring prices: a buy rests at the lower one or a sell at the upper one.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Level {
    buy: Price,
    sell: Price,
    side: Side,
    #[serde(with = "exact")]
    filled: Decimal,
    key: QuoteKey,
}

impl Lane {
    fn rest_all(&mut self, at: Timestamp, quantity: Decimal, advice: &mut Advice) {
        self.said_at = at;
        for level in &self.levels {
            level.rest(quantity, advice);
        }
    }

    fn levels_around(
        &self,
        first: f64,
        instrument: &Instrument,
        next_key: &mut QuoteKey,
    ) -> Option<Vec<Level>> {
        let tick_digits = u8::try_from(instrument.tick.scale()).ok()?;
        let grid = Grid::new(tick_digits.min(Grid::MAX_DIGITS)).ok()?;
        let ratio = 1.0 + self.spacing;
        let line = |value: f64| Price::new(instrument.round_to_tick(grid.nearest(value)?)?).ok();
        let mut levels = Vec::with_capacity(self.below + self.above);
        let mut add = |side: Side, near: f64, far: f64| {
            let (low, high) = if near < far { (near, far) } else { (far, near) };
            let (buy, sell) = (line(low)?, line(high)?);
            let key = *next_key;
            *next_key = next_key.wrapping_add(1);
            levels.push(Level { buy, sell, side, filled: Decimal::ZERO, key });
            (buy < sell).then_some(())
        };
        let (mut under, mut over) = (first, first);
        for _ in 0..self.below {
            add(Side::Buy, under, under / ratio)?;
            under /= ratio;
        }
        for _ in 0..self.above {
            add(Side::Sell, over, over * ratio)?;
            over *= ratio;
        }
        Some(levels)
    }

    /// Books a fill on the level that a venue fills first, the one with the best price, and turns
    /// round what is full.
    fn on_fill(
        &mut self,
        fill: &Fill,
        quantity: Decimal,
        next_key: &mut QuoteKey,
        advice: &mut Advice,
    ) {
        let mut rest = fill.execution.quantity.value();
        while rest > Decimal::ZERO {
            let Some(level) = self.best(fill.side, fill.execution.price) else { return };
            let open = quantity.checked_sub(level.filled).unwrap_or_default();
            let taken = rest.min(open);
            rest = rest.checked_sub(taken).unwrap_or_default();
            if taken < open {
                level.filled = level.filled.checked_add(taken).unwrap_or(quantity);
                return;
            }
            advice.pull(level.key);
            level.filled = Decimal::ZERO;
            level.side = level.side.opposite();
            level.key = *next_key;
            *next_key = next_key.wrapping_add(1);
            level.rest(quantity, advice);
        }
    }

    fn best(&mut self, side: Side, at: Price) -> Option<&mut Level> {
        let resting = self.levels.iter_mut().filter(|level| level.side == side);
        match side {
            Side::Buy => resting.filter(|level| level.buy >= at).max_by_key(|level| level.buy),
            Side::Sell => resting.filter(|level| level.sell <= at).min_by_key(|level| level.sell),
        }
    }
}

impl Level {
    fn rest(&self, quantity: Decimal, advice: &mut Advice) {
        let price = match self.side {
            Side::Buy => self.buy,
            Side::Sell => self.sell,
        };
        advice.quote(self.key, self.side, price, QuoteSize::Total(Qty::new(quantity)));
    }
}
