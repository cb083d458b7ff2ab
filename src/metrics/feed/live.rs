use crate::types::{InstrumentId, OrderId, Side, SlotId, Timestamp};

/// Orders that are not over, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Live(Vec<LiveOrder>);

/// What a later record does not say again.
#[derive(Clone, Copy, Debug)]
pub(super) struct LiveOrder {
    pub(super) id: OrderId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) created_at: Timestamp,
}

/// Orders that are remembered; beyond, the oldest is forgotten.
const MOST: usize = 65_536;

impl LiveOrder {
    pub(super) const fn slot(&self) -> SlotId {
        self.id.slot()
    }
}

impl Live {
    /// Takes an order in; the answer is one that had to be forgotten for it.
    pub(super) fn insert(&mut self, order: LiveOrder) -> Option<LiveOrder> {
        let forgotten = if self.0.len() >= MOST { Some(self.0.remove(0)) } else { None };
        let place = self.0.binary_search_by_key(&order.id, |own| own.id);
        // Ids rise, so that the vector mostly grows at its end.
        if let Err(place) = place {
            self.0.insert(place, order);
        }
        forgotten
    }

    pub(super) fn find(&self, id: OrderId) -> Option<LiveOrder> {
        let place = self.0.binary_search_by_key(&id, |own| own.id).ok()?;
        self.0.get(place).copied()
    }

    pub(super) fn remove(&mut self, id: OrderId) {
        if let Ok(place) = self.0.binary_search_by_key(&id, |own| own.id) {
            self.0.remove(place);
        }
    }
}
