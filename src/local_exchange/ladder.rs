use std::collections::BTreeMap;

use crate::sim::SplitMix64;
use crate::types::Side;

/// The book of one symbol, in ticks and steps: levels around the last price, with quantities
/// that stay while the price does. What an order takes from a level is missing until the price
/// has left the level and comes back, or the market trades again.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
    /// Number of the last change.
    pub(super) last_update: u64,
    /// Ticks between two levels behind the best.
    spacing: i64,
    /// A usual quantity of a level.
    usual: i64,
    random: SplitMix64,
}

/// A level that has changed, zero steps for one that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// `Buy` for a bid.
    pub(super) side: Side,
    pub(super) price: i64,
    pub(super) steps: i64,
}

/// Levels on each side.
const LEVELS: usize = 100;

impl Ladder {
    /// An empty book; `price` is where the market will be.
    pub(super) fn new(price: i64, usual: i64, seed: u64) -> Self {
        Self {
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            last_update: 1_000,
            spacing: (price / 20_000).max(1),
            usual: usual.max(1),
            random: SplitMix64::new(seed),
        }
    }

    /// Best first: prices and quantities.
    pub(super) fn levels(&self, side: Side) -> Vec<(i64, i64)> {
        match side {
            Side::Buy => self.bids.iter().rev().map(|(price, steps)| (*price, *steps)).collect(),
            Side::Sell => self.asks.iter().map(|(price, steps)| (*price, *steps)).collect(),
        }
    }

    pub(super) fn best(&self, side: Side) -> Option<(i64, i64)> {
        let best = match side {
            Side::Buy => self.bids.last_key_value(),
            Side::Sell => self.asks.first_key_value(),
        };
        best.map(|(price, steps)| (*price, *steps))
    }

    /// The market has traded at `price`: a buyer has met the best offer, a seller the best bid.
    pub(super) fn centre(&mut self, price: i64, taker: Side) -> Vec<Change> {
        let (bid, ask) = match taker {
            Side::Buy => (price - 1, price),
            Side::Sell => (price, price + 1),
        };
        let spacing = self.spacing;
        let below = (0..).map(|index| (bid.div_euclid(spacing) - index) * spacing);
        let bids = core::iter::once(bid).chain(below.filter(|level| *level < bid));
        let bids: Vec<i64> = bids.take_while(|level| *level > 0).take(LEVELS).collect();
        let above = (0..).map(|index| (ask.div_euclid(spacing) + index) * spacing);
        let asks = core::iter::once(ask).chain(above.filter(|level| *level > ask));
        let asks: Vec<i64> = asks.take(LEVELS).collect();
        let mut changes = Vec::new();
        for (side, wanted) in [(Side::Buy, bids), (Side::Sell, asks)] {
            let mut next = BTreeMap::new();
            for price in wanted {
                let known = self.side(side).get(&price).copied();
                let steps = known.unwrap_or_else(|| self.draw());
                next.insert(price, steps);
                if known.is_none() {
                    changes.push(Change { side, price, steps });
                }
            }
            let gone = self.side(side).keys().filter(|price| !next.contains_key(*price));
            changes.extend(gone.map(|price| Change { side, price: *price, steps: 0 }));
            *self.side(side) = next;
        }
        self.number(&changes);
        changes
    }

    /// An order has taken so many steps from a level; it stood against the taker's side.
    pub(super) fn take(&mut self, taker: Side, price: i64, steps: i64) -> Option<Change> {
        let side = taker.opposite();
        let left = self.side(side).get_mut(&price)?;
        *left = (*left - steps).max(0);
        let change = Change { side, price, steps: *left };
        if change.steps == 0 {
            self.side(side).remove(&price);
        }
        self.number(&[change]);
        Some(change)
    }

    fn number(&mut self, changes: &[Change]) {
        self.last_update += u64::try_from(changes.len()).unwrap_or_default();
    }

    fn side(&mut self, side: Side) -> &mut BTreeMap<i64, i64> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn draw(&mut self) -> i64 {
        let part = 2.0 + 8.0 * self.random.fraction();
        ((self.usual as f64 * part) as i64).max(1)
    }
}
