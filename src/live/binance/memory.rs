use crate::live::remembered::Remembered;
use crate::types::OrderId;

/// What a client remembers of its orders: whose the venue's numbers are, and which orders wait
/// for a trigger. It is bounded: what is forgotten is asked for again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    owners: Remembered<u64, OrderId>,
    conditional: Remembered<OrderId, bool>,
}

impl Memory {
    /// The venue's number belongs to this order.
    pub(super) fn owns(&mut self, number: u64, order: OrderId) {
        self.owners.insert(number, order);
    }

    pub(super) fn owner(&self, number: u64) -> Option<OrderId> {
        self.owners.get(&number).copied()
    }

    /// An order is about to be sent.
    pub(super) fn placed(&mut self, order: OrderId, is_conditional: bool) {
        self.conditional.insert(order, is_conditional);
    }

    /// Whether an order waits for a trigger; none when it is not remembered.
    pub(super) fn is_conditional(&self, order: OrderId) -> Option<bool> {
        self.conditional.get(&order).copied()
    }
}
