use std::collections::{BTreeMap, VecDeque};

use crate::types::OrderId;

/// What a client remembers of its orders: whose the venue's numbers are, and which orders wait
/// for a trigger. It is bounded: what is forgotten is asked for again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    owners: BTreeMap<u64, OrderId>,
    /// The venue's numbers in the order in which they were learnt.
    numbers: VecDeque<u64>,
    conditional: BTreeMap<OrderId, bool>,
    placed: VecDeque<OrderId>,
}

const MOST: usize = 16_384;

impl Memory {
    /// The venue's number belongs to this order.
    pub(super) fn owns(&mut self, number: u64, order: OrderId) {
        if self.owners.insert(number, order).is_none() {
            self.numbers.push_back(number);
        }
        if self.numbers.len() > MOST
            && let Some(oldest) = self.numbers.pop_front()
        {
            self.owners.remove(&oldest);
        }
    }

    pub(super) fn owner(&self, number: u64) -> Option<OrderId> {
        self.owners.get(&number).copied()
    }

    /// An order is about to be sent.
    pub(super) fn placed(&mut self, order: OrderId, is_conditional: bool) {
        if self.conditional.insert(order, is_conditional).is_none() {
            self.placed.push_back(order);
        }
        if self.placed.len() > MOST
            && let Some(oldest) = self.placed.pop_front()
        {
            self.conditional.remove(&oldest);
        }
    }

    /// Whether an order waits for a trigger; none when it is not remembered.
    pub(super) fn is_conditional(&self, order: OrderId) -> Option<bool> {
        self.conditional.get(&order).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SlotId;

    #[test]
    fn the_oldest_are_forgotten() {
        let id = |sequence| OrderId::new(1, SlotId(1), sequence);
        let mut memory = Memory::default();
        for number in 0..=MOST as u64 {
            memory.owns(number, id(number));
            memory.placed(id(number), number % 2 == 0);
        }
        assert_eq!((memory.owner(0), memory.owner(1)), (None, Some(id(1))));
        assert_eq!(memory.is_conditional(id(0)), None);
        assert_eq!(memory.is_conditional(id(2)), Some(true));
    }
}
