//! The market order that closes a position in its stop's place, and what follows a refusal.

use rust_decimal::Decimal;

use super::{FIRST_PAUSE, Seat};
use crate::engine::desk::{Desk, alert};
use crate::engine::{AlertLevel, Command};
use crate::metrics::MetricsSink;
use crate::types::{
    InstrumentId, Intent, Label, OrderId, OrderKind, OrderStatus, Purpose, Qty, Side, SlotId,
    Timestamp,
};

impl<M: MetricsSink> Desk<M> {
    /// True while a market order that closes the position is on its way.
    pub(super) fn is_closing(&self, slot: SlotId, instrument: InstrumentId, side: Side) -> bool {
        self.orders.live().iter().any(|state| {
            let intent = &state.order.intent;
            intent.slot == slot
                && intent.instrument == instrument
                && intent.side == side
                && intent.kind == OrderKind::Market
        })
    }

    /// An exit that the venue has refused is tried again after a pause.
    pub(super) fn settle_exit(
        &mut self,
        at: Timestamp,
        id: InstrumentId,
        seat: &mut Seat,
        out: &mut Vec<Command>,
    ) {
        let Some(exit) = seat.exit else { return };
        let status = self.orders.find(exit).map(|state| state.status);
        if status == Some(OrderStatus::Rejected) {
            self.note_refusal(at, id, seat, out);
        }
        if status.is_none_or(OrderStatus::is_terminal) {
            seat.exit = None;
        }
    }

    pub(super) fn note_refusal(
        &self,
        at: Timestamp,
        id: InstrumentId,
        seat: &mut Seat,
        out: &mut Vec<Command>,
    ) {
        let pause = FIRST_PAUSE.saturating_mul(1 << seat.refusals.min(12));
        seat.pause_until = at.after(pause);
        if seat.refusals == 0 {
            let symbol = self.instruments.get(id).map(|found| found.symbol).unwrap_or_default();
            out.push(alert(AlertLevel::Critical, "stop_refused", symbol.as_str()));
        }
        seat.refusals = seat.refusals.saturating_add(1);
    }

    /// Closes the position at the market.
    pub(super) fn exit_now(
        &mut self,
        at: Timestamp,
        id: InstrumentId,
        seat: &mut Seat,
        (held, reason): (Decimal, &str),
        out: &mut Vec<Command>,
    ) {
        let Some(side) = Side::of(held).filter(|_| at >= seat.pause_until) else { return };
        let mark = self.account.book().mark(id).map_or(f64::NAN, |mark| mark.price);
        let quantity = held.abs();
        let intent = Intent {
            purpose: Purpose::StopLoss,
            reference: mark,
            reason: Label::new(reason),
            ..Intent::market(seat.slot, id, side.opposite(), Qty::new(quantity))
        };
        let before = self.sequence;
        self.close(at, seat.slot, id, (quantity, intent), out);
        if self.sequence > before {
            seat.exit = Some(OrderId::new(self.epoch, seat.slot, self.sequence));
        }
    }
}
