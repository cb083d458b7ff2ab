use serde::{Deserialize, Serialize};

use super::{FactBook, InstrumentId, SlotId};

/// What limits the loss of one strategy's position in one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StopFact {
    /// Trigger of its working stop orders, weighted by their open quantities; 0 without one.
    pub level: f64,
    /// Open quantity of its working stop orders.
    pub covered: f64,
    /// How far from the price the slot's stop plan would put the stop of a new position, in
    /// the quote currency; 0 without a plan or while that is not known.
    pub distance: f64,
}

impl FactBook {
    /// What limits the loss of a strategy's position; nothing where no stop works.
    pub fn stop(&self, slot: SlotId, instrument: InstrumentId) -> StopFact {
        if self.stops.is_empty() {
            return StopFact::default();
        }
        let place = self.stop_place(slot, instrument);
        place.and_then(|place| self.stops.get(place)).copied().unwrap_or_default()
    }

    /// The same of one strategy's positions, by instrument; empty where no stop has worked yet.
    pub(crate) fn stops_of(&self, slot: SlotId) -> &[StopFact] {
        let width = self.net.len();
        let start = slot.index() * width;
        self.stops.get(start..start + width).unwrap_or_default()
    }

    /// Notes what limits the loss of a position; slots and instruments that are not there are
    /// left out.
    pub(crate) fn set_stop(&mut self, slot: SlotId, instrument: InstrumentId, fact: StopFact) {
        let Some(place) = self.stop_place(slot, instrument) else { return };
        if self.stops.is_empty() {
            // Runs without stops pay nothing for the table.
            if fact == StopFact::default() {
                return;
            }
            self.stops = vec![StopFact::default(); self.slots.len() * self.net.len()];
        }
        if let Some(own) = self.stops.get_mut(place) {
            *own = fact;
        }
    }

    fn stop_place(&self, slot: SlotId, instrument: InstrumentId) -> Option<usize> {
        let is_known = slot.index() < self.slots.len() && instrument.index() < self.net.len();
        is_known.then(|| slot.index() * self.net.len() + instrument.index())
    }
}
