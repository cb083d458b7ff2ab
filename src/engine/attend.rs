//! What follows the market and the orders beside the strategies: stops, and sizers that
//! remember.

use crate::metrics::MetricsSink;
use crate::strategy::{Event, Strategy};
use crate::types::{
    Adjustment, AdjustmentKind, InstrumentId, MarketEvent, OrderReport, OrderUpdate, Timestamp,
};

use super::slot::Follower;
use super::{Command, Engine};

impl<S: Strategy, M: MetricsSink> Engine<S, M> {
    /// Before the strategies see an event: what they are sized and stopped by takes it in.
    #[inline(never)]
    pub(super) fn attend_before(&mut self, at: Timestamp, id: InstrumentId, event: &MarketEvent) {
        if let MarketEvent::Bar(bar) = event {
            for slot in &mut self.slots {
                if slot.universe.contains(&id) && slot.wants(bar.period) {
                    slot.sizer.on_bar(bar);
                }
            }
        }
        self.desk.gauge_stops(at, id, event);
        self.desk.executions.see(at, id, event);
    }

    /// After the strategies have seen an event: stops and participations follow it.
    #[inline(never)]
    pub(super) fn attend_after(
        &mut self,
        at: Timestamp,
        id: InstrumentId,
        event: &MarketEvent,
        out: &mut Vec<Command>,
    ) {
        self.desk.follow_stops(at, id, event, out);
        if self.desk.executions.follows_volume() {
            self.desk.step_executions(at, |one| one.instrument == id, out);
        }
    }

    /// After the venue's word on an order.
    pub(super) fn attend_order(
        &mut self,
        at: Timestamp,
        update: &OrderUpdate,
        out: &mut Vec<Command>,
    ) {
        self.attend_trades();
        if !self.desk.executions.is_empty() {
            self.desk.follow_children(at, update, out);
        }
        if self.desk.stops.is_on() {
            let is_refusal = matches!(update.report, OrderReport::ChangeRefused(_));
            let refused = is_refusal.then_some(update.order);
            self.desk.settle_stops(at, update.instrument, refused, out);
        }
    }

    /// Tells the strategies of what happened to an instrument that they trade.
    pub(super) fn tell_adjusted(
        &mut self,
        at: Timestamp,
        adjustment: &Adjustment,
        out: &mut Vec<Command>,
    ) {
        for id in adjustment.kind.instruments().into_iter().flatten() {
            let followers = self.routes.get(id.index()).map_or(0, Vec::len);
            for place in 0..followers {
                let route = self.routes.get(id.index());
                if let Some(&Follower { slot, .. }) = route.and_then(|route| route.get(place)) {
                    self.ask_apart(at, slot, id, &Event::Adjusted(adjustment), out);
                }
            }
        }
    }

    /// After a change of cash or position that is no fill.
    pub(super) fn attend_adjustment(
        &mut self,
        at: Timestamp,
        adjustment: &Adjustment,
        out: &mut Vec<Command>,
    ) {
        self.attend_trades();
        if !self.desk.executions.is_empty() {
            self.desk.adjust_executions(at, &adjustment.kind, out);
        }
        if !self.desk.stops.is_on() {
            return;
        }
        match adjustment.kind {
            AdjustmentKind::Split { instrument, numerator, denominator } => {
                self.desk.split_stops(instrument, numerator, denominator);
                self.desk.settle_stops(at, instrument, None, out);
            }
            AdjustmentKind::Position { instrument, .. }
            | AdjustmentKind::Settlement { instrument, .. } => {
                self.desk.settle_stops(at, instrument, None, out);
            }
            AdjustmentKind::Exercise { option, underlying, .. } => {
                self.desk.settle_stops(at, option, None, out);
                self.desk.settle_stops(at, underlying, None, out);
            }
            AdjustmentKind::Capital(_)
            | AdjustmentKind::Income(_)
            | AdjustmentKind::Dividend { .. }
            | AdjustmentKind::BorrowFee { .. } => {}
        }
    }

    /// Sizers hear of the trades that the last report or adjustment has closed.
    fn attend_trades(&mut self) {
        for trade in &self.desk.closed {
            let index = trade.slot.index().checked_sub(1);
            if let Some(slot) = index.and_then(|index| self.slots.get_mut(index)) {
                slot.sizer.on_trade(trade);
            }
        }
    }
}
