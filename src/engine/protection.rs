//! What the working exits of a position protect: written into the facts, and not counted twice.

use rust_decimal::Decimal;

use crate::metrics::MetricsSink;
use crate::order::{InFlight, OrderState};
use crate::types::{
    Amount, InstrumentId, Intent, Leg, Linkage, OrderKind, Purpose, Side, SlotId, StopFact,
    Timestamp, to_f64,
};

use super::Command;
use super::desk::Desk;

impl<M: MetricsSink> Desk<M> {
    /// Copies what limits the loss of a position into the facts, from its working stop orders.
    #[inline(never)]
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

    /// What the working exits that protect a position would trade, signed, as the facts count
    /// them: a target counts on the position without them.
    pub(super) fn resting_exits(&self, slot: SlotId, instrument: InstrumentId) -> Decimal {
        let own = || {
            let live = self.orders.live().iter();
            live.filter(|state| protects(&state.order.intent, slot, instrument))
                // What is being cancelled is in no working sum any more.
                .filter(|state| state.in_flight != InFlight::Cancel)
        };
        let counted = own().filter(|state| !own().any(|other| stands_for(other, state)));
        counted.fold(Decimal::ZERO, |sum, state| {
            sum.saturating_add(state.order.intent.side.signed(state.remaining()))
        })
    }

    /// A market order that ends a position takes the place of the exits that protect it: left
    /// alone, they would reduce the next one.
    pub(super) fn yield_exits(&mut self, at: Timestamp, group: &[Intent], out: &mut Vec<Command>) {
        if self.orders.live().is_empty() {
            return;
        }
        for intent in group {
            let Amount::Quantity(quantity) = intent.amount else { continue };
            let held = self.account.book().position(intent.slot, intent.instrument).quantity;
            let is_exit = intent.kind == OrderKind::Market
                && intent.leg == Leg::Net
                && Side::of(held) == Some(intent.side.opposite());
            if is_exit && quantity.value() >= held.abs() {
                let (slot, instrument) = (intent.slot, intent.instrument);
                self.cancel_where(at, |order| protects(&order.intent, slot, instrument), out);
            }
        }
    }
}

/// True for a resting exit of a slot's position.
fn protects(intent: &Intent, slot: SlotId, instrument: InstrumentId) -> bool {
    intent.slot == slot
        && intent.instrument == instrument
        && intent.kind != OrderKind::Market
        && matches!(intent.purpose, Purpose::StopLoss | Purpose::TakeProfit)
}

/// True when the first of two linked orders is the one that reserves for both.
fn stands_for(other: &OrderState, state: &OrderState) -> bool {
    let (one, two) = (&other.order, &state.order);
    let are_linked = one.intent.linkage != Linkage::None
        && one.intent.linkage == two.intent.linkage
        && one.intent.side == two.intent.side
        && one.id.epoch() == two.id.epoch()
        && one.id != two.id;
    let (theirs, own) = (other.remaining(), state.remaining());
    are_linked && (theirs > own || (theirs == own && one.id < two.id))
}
