use super::OrderState;
use crate::types::OrderId;

/// The orders that ended last, in a ring of fixed size.
///
/// The ids lie apart from the states, so that a search touches few cache lines.
#[derive(Clone, Debug)]
pub(super) struct EndedOrders {
    ids: Vec<OrderId>,
    states: Vec<OrderState>,
    capacity: usize,
    /// Where the next state goes once the ring is full: the place of the oldest.
    next: usize,
}

impl EndedOrders {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            ids: Vec::with_capacity(capacity),
            states: Vec::with_capacity(capacity),
            capacity,
            next: 0,
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Takes in an order; the oldest is forgotten when there is no room.
    pub(super) fn push(&mut self, state: &OrderState) {
        if self.states.len() < self.capacity {
            self.ids.push(state.order.id);
            self.states.push(*state);
            return;
        }
        if let (Some(id), Some(place)) =
            (self.ids.get_mut(self.next), self.states.get_mut(self.next))
        {
            *id = state.order.id;
            *place = *state;
            self.next = if self.next + 1 < self.capacity { self.next + 1 } else { 0 };
        }
    }

    pub(super) fn find(&self, id: OrderId) -> Option<&OrderState> {
        self.states.get(self.place_of(id)?)
    }

    pub(super) fn find_mut(&mut self, id: OrderId) -> Option<&mut OrderState> {
        let place = self.place_of(id)?;
        self.states.get_mut(place)
    }

    pub(super) fn into_oldest_first(mut self) -> Vec<OrderState> {
        self.states.rotate_left(self.next);
        self.states
    }

    fn place_of(&self, id: OrderId) -> Option<usize> {
        // The newest lies before `next`: late reports are mostly of orders that just ended.
        let (newer, older) = self.ids.split_at_checked(self.next)?;
        let place = newer.iter().rposition(|known| *known == id);
        place.or_else(|| Some(self.next + older.iter().rposition(|known| *known == id)?))
    }

    fn oldest_first(&self) -> impl Iterator<Item = &OrderState> {
        let (newer, older) = self.states.split_at(self.next);
        older.iter().chain(newer)
    }
}

/// Two rings are equal when they hold the same orders in the same order of age, wherever the
/// ring happens to begin.
impl PartialEq for EndedOrders {
    fn eq(&self, other: &Self) -> bool {
        self.capacity == other.capacity && self.oldest_first().eq(other.oldest_first())
    }
}
