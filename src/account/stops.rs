use super::Account;
use crate::types::{InstrumentId, SlotId, StopFact};

impl Account {
    /// Notes what limits the loss of a slot's position: its working stops, and how far away a
    /// new one would be.
    pub fn note_stop(&mut self, slot: SlotId, instrument: InstrumentId, fact: StopFact) {
        self.book.set_stop(slot, instrument, fact);
    }
}
