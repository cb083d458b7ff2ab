use rust_decimal::Decimal;

use crate::live::remembered::Remembered;
use crate::types::{InstrumentId, OrderId, OrderReport, Side};
use crate::venue::OrderNews;
use crate::venue::dydx::ChainLife;

/// What a client remembers of its orders. It is bounded: what is forgotten is asked for again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    placed: Remembered<OrderId, Placed>,
    /// Whose the venue's ids are, in 64 bits.
    owners: Remembered<u64, OrderId>,
    /// How many orders of the short term were placed.
    shorts: u64,
}

/// What is needed besides where news change what is remembered.
impl<K: Ord, V> Remembered<K, V> {
    fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.values.get_mut(key)
    }

    fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.values.iter()
    }
}

/// An order that was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) life: ChainLife,
    pub(super) clob_pair: u32,
    pub(super) client: u32,
    pub(super) quantity: Decimal,
    /// What is filled, as far as the user stream has told.
    pub(super) filled: Decimal,
    /// The chain's height when it was sent.
    pub(super) height: u64,
    /// It was refused, or the stream has told its end.
    pub(super) is_over: bool,
    /// Its number among the orders of the short term, from 1; zero for others.
    pub(super) short: u64,
}

impl Placed {
    /// The last block in which an order of the short term may fill.
    pub(super) const fn last_block(&self) -> Option<u64> {
        match self.life {
            ChainLife::ShortTerm { last_block } => Some(last_block as u64),
            ChainLife::LongTerm { .. } | ChainLife::Conditional { .. } => None,
        }
    }
}

impl Memory {
    /// An order is about to be sent.
    pub(super) fn place(&mut self, order: OrderId, number: u64, mut placed: Placed) {
        if !placed.life.is_stateful() {
            self.shorts += 1;
            placed.short = self.shorts;
        }
        self.placed.insert(order, placed);
        self.owners.insert(number, order);
    }

    pub(super) fn get(&self, order: OrderId) -> Option<Placed> {
        self.placed.get(&order).copied()
    }

    /// It was refused: nothing of it can come any more.
    pub(super) fn end(&mut self, order: OrderId) {
        if let Some(placed) = self.placed.get_mut(&order) {
            placed.is_over = true;
        }
    }

    /// It was replaced by one of another end and quantity.
    pub(super) fn replace(&mut self, order: OrderId, life: ChainLife, quantity: Decimal) {
        if let Some(placed) = self.placed.get_mut(&order) {
            (placed.life, placed.quantity) = (life, quantity);
        }
    }

    /// Takes in what the stream says.
    pub(super) fn note(&mut self, news: &OrderNews) {
        let Some(placed) = self.placed.get_mut(&news.update.order) else { return };
        placed.filled = placed.filled.max(news.filled);
        let is_end = matches!(
            news.update.report,
            OrderReport::Cancelled | OrderReport::Expired | OrderReport::Rejected(_)
        );
        placed.is_over |= is_end || placed.filled >= placed.quantity;
    }

    /// The venue's id belongs to this order.
    pub(super) fn owns(&mut self, number: u64, order: OrderId) {
        self.owners.insert(number, order);
    }

    pub(super) fn owner(&self, number: u64) -> Option<OrderId> {
        self.owners.get(&number).copied()
    }

    /// Orders of the short term that were placed after this many of them.
    pub(super) fn shorts_after(&self, number: u64) -> Vec<(OrderId, Placed)> {
        if self.shorts == number {
            return Vec::new();
        }
        let later = self.placed.iter().filter(|(_, placed)| placed.short > number);
        later.map(|(order, placed)| (*order, *placed)).collect()
    }

    /// How many orders of the short term were placed.
    pub(super) const fn shorts(&self) -> u64 {
        self.shorts
    }

    /// Orders of the short term in an instrument that may still work at this height.
    pub(super) fn working(&self, instrument: InstrumentId, height: u64) -> Vec<Placed> {
        let works = |placed: &&Placed| {
            placed.instrument == instrument
                && !placed.is_over
                && placed.last_block().is_some_and(|last| last >= height)
        };
        self.placed.iter().map(|(_, placed)| placed).filter(works).copied().collect()
    }
}
