//! What the venue and the host tell of orders, money and positions.

use core::mem;

use rust_decimal::Decimal;

use crate::account::LedgerError;
use crate::metrics::MetricsSink;
use crate::order::{Applied, InFlight, OrderError, OrderState, Step};
use crate::risk::{Fact, GateEvent};
use crate::types::{
    Amount, Anomaly, Bracket, Fill, FillReport, Funding, Halt, HaltCause, HaltScope, InstrumentId,
    Intent, Label, Linkage, Money, Order, OrderFlags, OrderId, OrderKind, OrderReport, OrderStatus,
    OrderUpdate, Purpose, Qty, Reason, ReasonCode, Record, RejectReason, Signal, SlotId, Timestamp,
    Trade, to_f64,
};

use super::desk::{Desk, Notice, alert, reason_of};
use super::{AlertLevel, Command, EngineError};

/// The reason when a policy has nothing to do.
pub(super) const POLICY: Reason = Reason::new(ReasonCode::Policy, 0.0, 0.0);

impl<M: MetricsSink> Desk<M> {
    /// A signal or target led to nothing.
    pub(super) fn pass(&mut self, at: Timestamp, slot: SlotId, id: InstrumentId, reason: Reason) {
        self.sink.record(at, &Record::Passed { slot, instrument: id, reason: &reason });
    }

    /// The intent of a signal before it has a size.
    pub(super) fn draft(&self, slot: SlotId, signal: &Signal) -> Intent {
        let mut intent = Intent::market(slot, signal.instrument, signal.side, Qty::ZERO);
        let mark = self.account.book().mark(signal.instrument);
        intent.reference = mark.map_or(f64::NAN, |mark| mark.price);
        intent.tag = signal.tag;
        intent.reason = signal.reason;
        intent
    }

    /// Closes a slot's position: its working orders go first, so that none of them can close
    /// it a second time.
    pub(super) fn close(
        &mut self,
        at: Timestamp,
        slot: SlotId,
        instrument: InstrumentId,
        (quantity, mut intent): (Decimal, Intent),
        out: &mut Vec<Command>,
    ) {
        let closing = |state: &OrderState| {
            let own = &state.order.intent;
            own.slot == slot
                && own.instrument == instrument
                && own.side == intent.side
                && own.kind == OrderKind::Market
                && own.purpose != Purpose::Entry
                // A slice closes a part alone.
                && own.linkage.parent().is_none()
        };
        if self.orders.live().iter().any(closing) {
            return self.pass(at, slot, instrument, POLICY);
        }
        self.drop_executions(at, (slot, instrument), out);
        self.cancel_where(
            at,
            |order| order.intent.slot == slot && order.intent.instrument == instrument,
            out,
        );
        intent.amount = Amount::Quantity(Qty::new(quantity));
        if intent.purpose == Purpose::Entry {
            intent.purpose = Purpose::Exit;
        }
        self.group.clear();
        self.group.push(intent);
        self.submit(at, None, out);
    }

    /// Applies the venue's word on one of our orders.
    pub(super) fn apply_update(
        &mut self,
        at: Timestamp,
        update: &OrderUpdate,
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        // Whoever looks at them after this report finds what it closed, and nothing older.
        self.closed.clear();
        match &update.report {
            OrderReport::Fill(execution) => return self.apply_fill(at, update, execution, out),
            OrderReport::Liquidated(execution) => {
                return self.liquidated(at, update, execution, out);
            }
            _ => {}
        }
        // While the outcome of a submission is unknown, only its cancel can have been asked for.
        let is_refused_cancel = matches!(update.report, OrderReport::ChangeRefused(_))
            && self.orders.find(update.order).is_some_and(|state| {
                matches!(state.in_flight, InFlight::Cancel | InFlight::Unknown)
            });
        let answer = self.orders.apply(at, update.order, &update.report);
        let applied = match &answer {
            Ok(applied) => applied,
            Err(OrderError::Unknown { .. }) => {
                self.anomaly(at, Anomaly::UnknownOrder, update);
                return Ok(());
            }
            Err(error) => return Err((*error).into()),
        };
        if is_refused_cancel {
            self.note_refused_cancel(at, update.order);
        }
        self.record_steps(at, update, applied);
        // An order that works from now on reserves what it did, and nothing is over.
        let is_news = applied.step.is_none_or(|step| step.to != OrderStatus::Open);
        if is_news || !matches!(update.report, OrderReport::Accepted) {
            self.after_report(at, update, out);
        }
        Ok(())
    }

    /// The outcome of a submission is unknown; a word that comes late, or twice, changes nothing
    /// and leaves no record.
    pub(super) fn doubt(&mut self, at: Timestamp, id: OrderId) -> Result<(), EngineError> {
        let was_doubted = self.is_doubted(id);
        match self.orders.request(at, id, InFlight::Unknown) {
            Ok(()) | Err(OrderError::NotLive { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if !was_doubted && self.is_doubted(id) {
            self.sink.record(at, &Record::Doubted { order: id });
        }
        Ok(())
    }

    fn is_doubted(&self, id: OrderId) -> bool {
        self.orders.find(id).is_some_and(|state| state.in_flight == InFlight::Unknown)
    }

    pub(super) fn record_steps(&mut self, at: Timestamp, update: &OrderUpdate, applied: &Applied) {
        let (order, report) = (update.order, &update.report);
        let mut tell = |step: Step| {
            let record = Record::Transition { order, from: step.from, to: step.to, report };
            self.sink.record(at, &record);
        };
        if let Some(step) = applied.implied {
            tell(step);
        }
        if let Some(step) = applied.step {
            tell(step);
        }
        if let Some(anomaly) = applied.anomaly {
            self.anomaly(at, anomaly, update);
        } else if is_news(report) && applied.step.is_none() {
            self.sink.record(at, &Record::Reported { order, report });
        }
    }

    #[cold]
    pub(super) fn anomaly(&mut self, at: Timestamp, anomaly: Anomaly, update: &OrderUpdate) {
        let (order, instrument) = (update.order, update.instrument);
        self.sink.record(at, &Record::Anomaly { anomaly, order, instrument });
    }

    /// Reservations, groups and refusals after a report.
    pub(super) fn after_report(
        &mut self,
        at: Timestamp,
        update: &OrderUpdate,
        out: &mut Vec<Command>,
    ) {
        let Some(state) = self.orders.find(update.order) else { return };
        let is_over = state.status.is_terminal();
        let (intent, filled) = (&state.order.intent, Qty::new(state.filled));
        let (slot, instrument, purpose) = (intent.slot, intent.instrument, intent.purpose);
        self.reserve(slot, instrument);
        if purpose == Purpose::StopLoss {
            self.note_protection(slot, instrument);
        }
        let order = update.order;
        if is_over {
            self.tell_gates(at, &GateEvent::Ended { order, filled });
        }
        match update.report {
            OrderReport::Amended { quantity, price } if !is_over => {
                self.tell_gates(at, &GateEvent::Amended { order, quantity, price });
            }
            OrderReport::ChangeRefused(_) if !is_over => {
                self.cancel_again(at, (slot, instrument), purpose, order);
            }
            OrderReport::Rejected(_) if purpose == Purpose::Flatten => {
                self.pause(at, slot, instrument);
            }
            _ => {}
        }
        if let OrderReport::Rejected(refusal) = &update.report {
            self.tell_rejected(at, order, *refusal, out);
        }
        if is_over && !self.groups.is_empty() {
            let orders = &self.orders;
            self.groups.over(update.order, |leg| {
                orders.find(leg).is_some_and(|state| !state.status.is_terminal())
            });
        }
    }

    /// The venue has refused an order: its strategy is told, its group falls.
    #[cold]
    fn tell_rejected(
        &mut self,
        at: Timestamp,
        order: OrderId,
        refusal: RejectReason,
        out: &mut Vec<Command>,
    ) {
        let Some(intent) = self.orders.find(order).map(|state| state.order.intent) else { return };
        let (group, reason) = (self.groups.of(order), reason_of(refusal));
        let granted = Qty::ZERO;
        self.sink.record(at, &Record::Refused { intent: &intent, granted, reason: &reason });
        self.notices.push(Notice::Refused { intent, group, reason });
        if let Some(group) = group {
            self.unwind(at, group, out);
        }
    }

    fn apply_fill(
        &mut self,
        at: Timestamp,
        update: &OrderUpdate,
        execution: &FillReport,
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        if self.account.is_repeated(update.instrument, execution.trade) {
            self.anomaly(at, Anomaly::RepeatedFill, update);
            return Ok(());
        }
        let known = self.orders.find(update.order).map(|state| &state.order);
        let fill = self.fill_of(at, update, execution, known);
        let bracket = known.and_then(|order| order.intent.bracket);
        // Only what belongs to a group may have to be traded back.
        let leg = known.filter(|_| !self.groups.is_empty()).copied();
        let mut closed = mem::take(&mut self.closed);
        closed.clear();
        let before = self.due_before(at);
        let booked = self.book(at, &fill, &mut closed);
        // Looked at where it was written, without a copy.
        let realised = match &booked {
            Ok(realised) => realised,
            Err(error) => {
                self.closed = closed;
                return Err((*error).into());
            }
        };
        let applied = self
            .orders
            .apply(at, update.order, &update.report)
            .unwrap_or(Applied { anomaly: Some(Anomaly::UnknownOrder), ..Applied::default() });
        self.record_steps(at, update, &applied);
        self.tell_due(at, before, out);
        self.tell_booked(at, (&fill, realised), &closed, out);
        self.closed = closed;
        self.after_report(at, update, out);
        self.after_fill(at, &fill, applied.anomaly, out);
        match (leg, bracket) {
            (Some(order), _) if self.groups.has_fallen(order.id) => {
                self.trade_back(at, &order, fill.execution.quantity.value(), out);
            }
            (_, Some(bracket)) => self.protect(at, &fill, bracket, out),
            (_, None) => {}
        }
        Ok(())
    }

    /// Tells everybody of a fill that was booked, and of what it closed.
    pub(super) fn tell_booked(
        &mut self,
        at: Timestamp,
        (fill, realised): (&Fill, &Money),
        closed: &[Trade],
        out: &mut Vec<Command>,
    ) {
        self.sink.record(at, &Record::Filled { fill, realised: *realised });
        self.tell_gates(at, &GateEvent::Filled(fill));
        self.observe(at, &Fact::Fill(fill), out);
        self.tell_closed(at, closed, out);
    }

    /// Tells everybody of trades that a booking closed.
    pub(super) fn tell_closed(&mut self, at: Timestamp, closed: &[Trade], out: &mut Vec<Command>) {
        for trade in closed {
            self.sink.record(at, &Record::Closed { trade });
            self.observe(at, &Fact::Trade(trade), out);
        }
    }

    /// The market traded at this price: positions are marked there before the fill is booked,
    /// so that a gap is not a profit of the new position.
    pub(super) fn book(
        &mut self,
        at: Timestamp,
        fill: &Fill,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        let booked = self.account.on_fill(&self.instruments, fill, closed);
        if booked.is_ok() {
            let price = fill.execution.before_slippage.to_f64();
            self.account.mark(at, &self.instruments, fill.instrument, price);
        }
        booked
    }

    /// The fill as it is booked: with the owner that its order names.
    pub(super) fn fill_of(
        &self,
        at: Timestamp,
        update: &OrderUpdate,
        execution: &FillReport,
        known: Option<&Order>,
    ) -> Fill {
        let intent = known.map(|order| &order.intent);
        let named = update.order.slot();
        let slots = self.account.book().slots();
        let slot = if named.index() < slots { named } else { SlotId::HOUSE };
        Fill {
            at,
            order: update.order,
            slot,
            instrument: update.instrument,
            side: update.side,
            leg: update.leg,
            execution: *execution,
            arrival: intent.map_or(f64::NAN, |intent| intent.reference),
            purpose: intent.map_or(Purpose::Exit, |intent| intent.purpose),
            tag: intent.map_or(Label::default(), |intent| intent.tag),
        }
    }

    pub(super) fn after_fill(
        &mut self,
        at: Timestamp,
        fill: &Fill,
        anomaly: Option<Anomaly>,
        out: &mut Vec<Command>,
    ) {
        if anomaly.is_some() {
            self.halt_after(at, fill.instrument, out);
        }
        if fill.slot != SlotId::HOUSE {
            note(fill, &mut self.notices);
        }
    }

    /// A fill was not as it must be: its instrument is halted.
    #[cold]
    fn halt_after(&mut self, at: Timestamp, instrument: InstrumentId, out: &mut Vec<Command>) {
        let symbol = self.instruments.get(instrument).map(|found| found.symbol);
        let subject = symbol.unwrap_or_default();
        out.push(alert(AlertLevel::Critical, "fill_anomaly", subject.as_str()));
        let scope = HaltScope::Symbol(instrument);
        self.raise(at, Halt::new(HaltCause::FillAnomaly, scope), out);
    }

    /// Places the exits of an entry as soon as it has filled, linked so that one ends the other.
    #[inline(never)]
    pub(super) fn protect(
        &mut self,
        at: Timestamp,
        fill: &Fill,
        bracket: Bracket,
        out: &mut Vec<Command>,
    ) {
        let linkage = Linkage::OneCancelsOther(self.sequence + 1);
        let exits = [
            bracket.stop_loss.map(|trigger| (OrderKind::StopMarket { trigger }, Purpose::StopLoss)),
            bracket.take_profit.map(|price| (OrderKind::Limit { price }, Purpose::TakeProfit)),
        ];
        self.group.clear();
        for (kind, purpose) in exits.into_iter().flatten() {
            let side = fill.side.opposite();
            self.group.push(Intent {
                kind,
                purpose,
                linkage,
                leg: fill.leg,
                flags: OrderFlags { reduce_only: true, ..OrderFlags::default() },
                reference: fill.execution.price.to_f64(),
                tag: fill.tag,
                ..Intent::market(fill.slot, fill.instrument, side, fill.execution.quantity)
            });
        }
        if !self.group.is_empty() {
            self.submit(at, None, out);
        }
    }

    /// Books a funding payment on every open position of the instrument.
    pub(super) fn pay_funding(
        &mut self,
        at: Timestamp,
        funding: &Funding,
    ) -> Result<(), EngineError> {
        let mut paid = mem::take(&mut self.paid);
        paid.clear();
        let booked = self.account.on_funding(at, &self.instruments, funding, &mut paid);
        if booked.is_ok() {
            for (slot, payment) in &paid {
                let (slot, payment, instrument) = (*slot, *payment, funding.instrument);
                self.sink.record(at, &Record::Funded { instrument, slot, payment });
            }
        }
        self.paid = paid;
        Ok(booked?)
    }
}

/// Kept apart, so that the notice is made where it stays.
#[inline(never)]
fn note(fill: &Fill, notices: &mut Vec<Notice>) {
    notices.push(Notice::Fill(*fill));
}

/// True for what changes an order or a request without changing a status.
const fn is_news(report: &OrderReport) -> bool {
    match report {
        OrderReport::Amended { .. }
        | OrderReport::Resolved { .. }
        | OrderReport::Triggered
        | OrderReport::ChangeRefused(_) => true,
        OrderReport::Accepted
        | OrderReport::Rejected(_)
        | OrderReport::Fill(_)
        | OrderReport::Cancelled
        | OrderReport::Expired
        | OrderReport::Liquidated(_) => false,
    }
}

/// The amount of a reversal: what is held is closed first. Cash amounts grow by the value held.
pub(super) fn enlarged(amount: Amount, held: Decimal, price: f64) -> Amount {
    match amount {
        Amount::Quantity(quantity) => {
            Amount::Quantity(Qty::new(quantity.value().checked_add(held).unwrap_or(held)))
        }
        Amount::Cash(money) => {
            // A reversal by cash is turned into a quantity here: the venue's conversion knows
            // no position.
            let units = to_f64(money.amount) / price;
            let opened = crate::types::Grid::new(8)
                .ok()
                .and_then(|grid| grid.nearest(units))
                .unwrap_or_default();
            Amount::Quantity(Qty::new(opened.checked_add(held).unwrap_or(held)))
        }
    }
}
