use core::cmp::Ordering;

use crate::types::{BookLevel, Side};

/// A level and the number of the update that last changed it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rung {
    pub level: BookLevel,
    pub stamp: u64,
}

/// One side of a book, the worst price first, so that changes near the best price move little.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    side: Side,
    rungs: Vec<Rung>,
    /// The worst price up to which every level is known; `None` when all are.
    reach: Option<f64>,
}

impl Ladder {
    pub(super) const fn new(side: Side) -> Self {
        Self { side, rungs: Vec::new(), reach: None }
    }

    pub(super) fn clear(&mut self) {
        self.rungs.clear();
        self.reach = None;
    }

    /// Takes over the levels of a snapshot, which are sound.
    pub(super) fn load(
        &mut self,
        levels: &[BookLevel],
        stamp: u64,
        is_complete: bool,
        most: usize,
    ) {
        self.clear();
        for level in levels {
            self.set(level, stamp);
        }
        if !is_complete {
            self.reach = self.rungs.first().map(|rung| rung.level.price);
        }
        self.trim(most);
    }

    /// Puts the quantity at a price; zero removes the level, which need not be there.
    pub(super) fn set(&mut self, level: &BookLevel, stamp: u64) {
        let found = self.rungs.binary_search_by(|rung| self.order(rung.level.price, level.price));
        match (found, level.quantity > 0.0) {
            (Ok(index), true) => {
                if let Some(rung) = self.rungs.get_mut(index) {
                    *rung = Rung { level: *level, stamp };
                }
            }
            (Ok(index), false) => {
                self.rungs.remove(index);
            }
            (Err(index), true) => self.rungs.insert(index, Rung { level: *level, stamp }),
            (Err(_), false) => {}
        }
    }

    /// Drops the worst levels beyond `most`, and remembers that they are not known any more.
    pub(super) fn trim(&mut self, most: usize) {
        let Some(excess) = self.rungs.len().checked_sub(most.max(1)).filter(|excess| *excess > 0)
        else {
            return;
        };
        self.rungs.drain(..excess);
        if let Some(worst) = self.rungs.first() {
            let price = worst.level.price;
            let known = self.reach.filter(|reach| self.order(*reach, price).is_gt());
            self.reach = Some(known.unwrap_or(price));
        }
    }

    pub(super) fn best(&self) -> Option<&Rung> {
        self.rungs.last()
    }

    pub(super) fn best_mut(&mut self) -> Option<&mut Rung> {
        self.rungs.last_mut()
    }

    pub(super) fn drop_best(&mut self) {
        self.rungs.pop();
    }

    /// Levels, the best first, as far as all of them are known.
    pub(super) fn known(&self) -> impl Iterator<Item = &BookLevel> {
        let levels = self.rungs.iter().rev().map(|rung| &rung.level);
        levels.take_while(|level| self.is_known(level.price))
    }

    /// True when every level at this price or a better one is known.
    pub(super) fn is_known(&self, price: f64) -> bool {
        self.reach.is_none_or(|reach| self.order(price, reach).is_ge())
    }

    /// True when nothing is left of what is known.
    pub(super) fn is_exhausted(&self) -> bool {
        self.reach.is_some() && self.known().next().is_none()
    }

    /// Worse prices are smaller. Prices are finite, so that they have an order.
    fn order(&self, left: f64, right: f64) -> Ordering {
        match self.side {
            Side::Buy => left.total_cmp(&right),
            Side::Sell => right.total_cmp(&left),
        }
    }
}
