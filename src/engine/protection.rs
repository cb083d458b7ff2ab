//! What the working stop orders of a position protect, written into the facts.

use crate::metrics::MetricsSink;
use crate::types::{InstrumentId, Purpose, Side, SlotId, StopFact, to_f64};

use super::desk::Desk;

impl<M: MetricsSink> Desk<M> {
    /// Copies what limits the loss of a position into the facts, from its working stop orders.
    pub(super) fn note_protection(&mut self, slot: SlotId, instrument: InstrumentId) {
        let (mut covered, mut weighted) = (0.0, 0.0);
        let held = Side::of(self.account.book().position(slot, instrument).quantity);
        for state in self.orders.live() {
            let intent = &state.order.intent;
            if intent.slot != slot
                || intent.instrument != instrument
                || intent.purpose != Purpose::StopLoss
                || held == Some(intent.side)
            {
                continue;
            }
            if let Some(trigger) = intent.kind.trigger() {
                let open = to_f64(state.remaining());
                covered += open;
                weighted += open * trigger.to_f64();
            }
        }
        let level = if covered > 0.0 { weighted / covered } else { 0.0 };
        let distance = self.account.book().stop(slot, instrument).distance;
        self.account.note_stop(slot, instrument, StopFact { level, covered, distance });
    }
}
