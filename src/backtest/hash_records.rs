//! The byte form of records in the run hash.

use rust_decimal::Decimal;

use crate::metrics::MetricsSink;
use crate::types::{
    ActionOutcome, ActionRequest, Adjustment, AdjustmentKind, Amount, Fill, HaltCause, HaltScope,
    InstrumentId, Intent, LimitChange, LimitSubject, Linkage, Money, Offset, Order, OrderId,
    OrderKind, OrderReport, OrderStatus, ParentOrder, ParentStep, Price, Qty, Reason, Record,
    RejectReason, Signal, SlotId, TimeInForce, Timestamp, Trade,
};

use super::Digest;
use super::hash_fields::{Fields, LABEL};

/// A digest reads records like any other sink.
impl MetricsSink for Digest {
    // Inlined, so that whoever makes a record calls its form directly.
    #[inline(always)]
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        match record {
            Record::Signal { slot, signal } => self.signal(at, *slot, signal),
            Record::Placed { order } => self.placed(at, order),
            Record::Transition { order, from, to, report } => {
                self.transition(at, *order, [*from, *to], report);
            }
            Record::Filled { fill, realised } => self.filled(at, fill, realised),
            Record::Closed { trade } => self.closed(at, trade),
            Record::Passed { .. } | Record::Refused { .. } => self.unsent(at, record),
            Record::Adjusted { .. }
            | Record::Delivered { .. }
            | Record::Funded { .. }
            | Record::Paid { .. }
            | Record::Halted { .. }
            | Record::Anomaly { .. }
            | Record::StopMoved { .. }
            | Record::Failed { .. }
            | Record::Reported { .. }
            | Record::Doubted { .. }
            | Record::Status { .. }
            | Record::LimitChanged { .. }
            | Record::Parent { .. }
            | Record::Acted { .. } => self.rare(at, record),
        }
    }
}

/// Records of every order's life.
impl Digest {
    fn signal(&mut self, at: Timestamp, slot: SlotId, signal: &Signal) {
        self.whole::<{ 26 + LABEL }>(|fields| {
            fields.at(at).u8(0).u32(u32::from(slot.0)).u32(signal.instrument.0);
            fields.u8(signal.side as u8).f64(signal.confidence.value()).label(&signal.tag);
        });
    }

    fn placed(&mut self, at: Timestamp, order: &Order) {
        self.whole::<{ 25 + INTENT }>(|fields| {
            fields.at(at).u8(3).id(order.id);
            fields.intent(&order.intent);
        });
    }

    fn transition(
        &mut self,
        at: Timestamp,
        order: OrderId,
        [from, to]: [OrderStatus; 2],
        report: &OrderReport,
    ) {
        self.whole::<{ 27 + REPORT }>(|fields| {
            fields.at(at).u8(4).id(order).u8(from as u8).u8(to as u8);
            fields.report(report);
        });
    }

    fn filled(&mut self, at: Timestamp, fill: &Fill, realised: &Money) {
        self.whole::<141>(|fields| {
            fields.at(at).u8(5).id(fill.order);
            fields.u32(u32::from(fill.slot.0)).u32(fill.instrument.0);
            fields.u8(fill.side as u8).u8(fill.leg as u8);
            let execution = &fill.execution;
            fields.put(execution.trade.0.to_le_bytes()).decimal(execution.price.value());
            fields.decimal(execution.quantity.value()).money(&execution.fee);
            fields.u8(execution.liquidity as u8).decimal(execution.before_slippage.value());
            fields.u8(fill.purpose as u8).money(realised);
        });
    }

    fn closed(&mut self, at: Timestamp, trade: &Trade) {
        self.whole::<{ 127 + LABEL }>(|fields| {
            fields.at(at).u8(6).u32(u32::from(trade.slot.0)).u32(trade.instrument.0);
            fields.u8(trade.leg as u8).u8(trade.side as u8);
            fields.decimal(trade.quantity.value()).at(trade.opened_at);
            fields.decimal(trade.entry).decimal(trade.exit).money(&trade.gross);
            fields.decimal(trade.fees).decimal(trade.funding).label(&trade.tag);
        });
    }
}

/// The most bytes of an intent: ids and side, amount, kind, time in force, flags to purpose,
/// bracket, linkage, reference, tag and reason.
const INTENT: usize = 9 + 21 + 33 + 9 + 3 + 32 + 9 + 8 + 2 * LABEL;

/// The most bytes of a report.
const REPORT: usize = 2 + LABEL;

impl Fields<'_> {
    fn intent(&mut self, intent: &Intent) {
        self.u32(u32::from(intent.slot.0)).u32(intent.instrument.0).u8(intent.side as u8);
        match &intent.amount {
            Amount::Quantity(quantity) => self.u8(0).decimal(quantity.value()),
            Amount::Cash(money) => self.u8(1).money(money),
        };
        self.kind(&intent.kind);
        match intent.time_in_force {
            TimeInForce::Gtc => self.u8(0),
            TimeInForce::Ioc => self.u8(1),
            TimeInForce::Fok => self.u8(2),
            TimeInForce::Gtd(until) => self.u8(3).at(until),
            TimeInForce::Day => self.u8(4),
        };
        let flags = u8::from(intent.flags.post_only) | (u8::from(intent.flags.reduce_only) << 1);
        self.put([flags, intent.leg as u8, intent.purpose as u8]);
        for price in intent.bracket.iter().flat_map(|exits| [exits.take_profit, exits.stop_loss]) {
            self.decimal(price.map_or(Decimal::ZERO, Price::value));
        }
        match intent.linkage {
            Linkage::None => self.u8(0),
            Linkage::OneCancelsOther(group) => self.u8(1).u64(group),
            Linkage::Child(parent) => self.u8(2).u64(parent.0),
        };
        self.f64(intent.reference).label(&intent.tag).label(&intent.reason);
    }

    #[inline]
    fn kind(&mut self, kind: &OrderKind) {
        match kind {
            OrderKind::Market => self.u8(0),
            OrderKind::Limit { price } => self.u8(1).decimal(price.value()),
            OrderKind::StopMarket { trigger } => self.u8(2).decimal(trigger.value()),
            OrderKind::StopLimit { trigger, price } => {
                self.u8(3).decimal(trigger.value()).decimal(price.value())
            }
            OrderKind::TakeProfit { trigger } => self.u8(4).decimal(trigger.value()),
            OrderKind::TrailingStop { offset: Offset::Price(price) } => {
                self.u8(5).decimal(price.value())
            }
            OrderKind::TrailingStop { offset: Offset::BasisPoints(points) } => {
                self.u8(6).u32(u32::from(*points))
            }
        };
    }

    fn report(&mut self, report: &OrderReport) {
        match report {
            OrderReport::Accepted => self.u8(0),
            OrderReport::Rejected(reason) => self.u8(1).reject(reason),
            // The execution itself is in the record of the fill.
            OrderReport::Fill(execution) => self.u8(2).put(execution.trade.0.to_le_bytes()),
            OrderReport::Cancelled => self.u8(3),
            OrderReport::Expired => self.u8(4),
            OrderReport::Amended { quantity, price } => {
                let price = price.map_or(Decimal::ZERO, Price::value);
                self.u8(5).decimal(quantity.value()).decimal(price)
            }
            OrderReport::Resolved { quantity } => self.u8(6).decimal(quantity.value()),
            OrderReport::Triggered => self.u8(7),
            OrderReport::ChangeRefused(reason) => self.u8(8).reject(reason),
            OrderReport::Liquidated(execution) => self.u8(9).put(execution.trade.0.to_le_bytes()),
        };
    }

    #[inline(never)]
    fn reject(&mut self, reason: &RejectReason) -> &mut Self {
        match reason {
            RejectReason::InvalidOrder => self.u8(0),
            RejectReason::InsufficientFunds => self.u8(1),
            RejectReason::WouldTake => self.u8(2),
            RejectReason::NothingToReduce => self.u8(3),
            RejectReason::NoLiquidity => self.u8(4),
            RejectReason::DuplicateId => self.u8(5),
            RejectReason::NotFound => self.u8(6),
            RejectReason::NotTrading => self.u8(7),
            RejectReason::Other(label) => self.u8(8).label(label),
        }
    }
}

impl Digest {
    fn parent(&mut self, order: &ParentOrder, step: ParentStep) {
        self.u8(21);
        self.u64(order.id.0);
        self.u32(u32::from(order.slot.0));
        self.u32(order.instrument.0);
        self.u8(order.side as u8);
        self.decimal(order.quantity.value());
        self.decimal(order.filled.value());
        self.f64(order.arrival);
        self.label(&order.tag);
        match step {
            ParentStep::Began => self.u8(0),
            ParentStep::Ended(end) => {
                self.u8(1);
                self.u8(end as u8);
            }
        }
    }

    /// Records that are not part of every order's life.
    #[inline(never)]
    fn rare(&mut self, at: Timestamp, record: &Record<'_>) {
        self.at(at);
        match record {
            Record::Adjusted { adjustment } => {
                self.u8(7);
                self.adjustment(adjustment);
            }
            Record::Delivered { slot, instrument, change } => {
                self.delivered(*slot, *instrument, *change);
            }
            Record::Funded { instrument, slot, payment } => {
                self.u8(8);
                self.u32(instrument.0);
                self.u32(u32::from(slot.0));
                self.money(payment);
            }
            Record::Paid { instrument, slot, payment, cause } => {
                self.u8(14);
                self.u32(instrument.0);
                self.u32(u32::from(slot.0));
                self.money(payment);
                self.u8(*cause as u8);
            }
            Record::Halted { halt, level, .. } => {
                self.u8(9);
                self.cause(halt.cause);
                self.u8(halt.level as u8);
                self.scope(halt.scope);
                self.u8(*level as u8);
            }
            Record::Anomaly { anomaly, order, instrument } => {
                self.u8(10);
                self.u8(*anomaly as u8);
                self.id(*order);
                self.u32(instrument.0);
            }
            Record::StopMoved { slot, instrument, order, from, to } => {
                self.u8(20);
                self.u32(u32::from(slot.0));
                self.u32(instrument.0);
                self.id(*order);
                self.decimal(from.map_or(Decimal::ZERO, Price::value));
                self.decimal(to.value());
            }
            Record::Failed { slot, error } => {
                self.u8(11);
                self.u32(u32::from(slot.0));
                self.text(error);
            }
            Record::Reported { order, report } => self.reported(*order, report),
            Record::Doubted { order } => self.doubted(*order),
            Record::Status { slot, status } => {
                self.u8(22);
                self.u32(u32::from(slot.0));
                self.u8(*status as u8);
            }
            Record::LimitChanged { change, before, after } => self.limit(change, *before, *after),
            Record::Parent { order, step } => self.parent(order, *step),
            Record::Acted { request, outcome } => self.acted(request, *outcome),
            Record::Signal { .. }
            | Record::Passed { .. }
            | Record::Refused { .. }
            | Record::Placed { .. }
            | Record::Transition { .. }
            | Record::Filled { .. }
            | Record::Closed { .. } => {}
        }
        self.end();
    }

    /// What was wanted and not sent.
    #[inline(never)]
    fn unsent(&mut self, at: Timestamp, record: &Record<'_>) {
        self.at(at);
        if let Record::Passed { slot, instrument, reason } = record {
            self.u8(1);
            self.u32(u32::from(slot.0));
            self.u32(instrument.0);
            self.reason(reason);
        } else if let Record::Refused { intent, granted, reason } = record {
            self.u8(2);
            self.fields::<INTENT>(|fields| fields.intent(intent));
            self.decimal(granted.value());
            self.reason(reason);
        }
        self.end();
    }

    fn delivered(&mut self, slot: SlotId, instrument: InstrumentId, change: Qty) {
        self.u8(24);
        self.u32(u32::from(slot.0));
        self.u32(instrument.0);
        self.decimal(change.value());
    }

    fn acted(&mut self, request: &ActionRequest, outcome: ActionOutcome) {
        self.u8(13);
        self.u8(request.action as u8);
        self.scope(request.scope);
        self.label(&request.alert);
        self.u8(request.level as u8);
        self.u8(outcome as u8);
    }

    fn reported(&mut self, order: OrderId, report: &OrderReport) {
        self.u8(23);
        self.id(order);
        self.fields::<REPORT>(|fields| fields.report(report));
    }

    fn doubted(&mut self, order: OrderId) {
        self.u8(25);
        self.id(order);
    }

    fn limit(&mut self, change: &LimitChange, before: Decimal, after: Decimal) {
        self.u8(12);
        self.label(&change.key.name);
        match change.key.subject {
            LimitSubject::All => self.u8(0),
            LimitSubject::Instrument(instrument) => {
                self.u8(1);
                self.u32(instrument.0);
            }
            LimitSubject::Strategy(slot) => {
                self.u8(2);
                self.u32(u32::from(slot.0));
            }
            LimitSubject::Named(name) => {
                self.u8(3);
                self.label(&name);
            }
        }
        self.at(change.until.unwrap_or(Timestamp::MAX));
        self.label(&change.actor);
        self.decimal(before);
        self.decimal(after);
    }

    fn reason(&mut self, reason: &Reason) {
        self.text(reason.code.as_str());
        self.f64(reason.limit);
        self.f64(reason.observed);
    }

    fn adjustment(&mut self, adjustment: &Adjustment) {
        self.u8(adjustment.cause as u8);
        match &adjustment.kind {
            AdjustmentKind::Capital(money) => {
                self.u8(0);
                self.money(money);
            }
            AdjustmentKind::Income(money) => {
                self.u8(1);
                self.money(money);
            }
            AdjustmentKind::Position { slot, instrument, change, price } => {
                self.u8(2);
                self.u32(u32::from(slot.0));
                self.u32(instrument.0);
                self.decimal(change.value());
                self.decimal(price.value());
            }
            AdjustmentKind::Split { instrument, numerator, denominator } => {
                self.u8(3);
                self.u32(instrument.0);
                self.u32(*numerator);
                self.u32(*denominator);
            }
            AdjustmentKind::Settlement { .. }
            | AdjustmentKind::Dividend { .. }
            | AdjustmentKind::BorrowFee { .. }
            | AdjustmentKind::Exercise { .. } => self.life_cycle(&adjustment.kind),
        }
    }

    /// Adjustments that an instrument's life brings about.
    fn life_cycle(&mut self, kind: &AdjustmentKind) {
        match kind {
            AdjustmentKind::Settlement { instrument, price } => {
                self.u8(4);
                self.u32(instrument.0);
                self.decimal(*price);
            }
            AdjustmentKind::Dividend { instrument, amount } => {
                self.u8(5);
                self.u32(instrument.0);
                self.decimal(*amount);
            }
            AdjustmentKind::BorrowFee { instrument, price, rate } => {
                self.u8(6);
                self.u32(instrument.0);
                self.decimal(price.value());
                self.decimal(*rate);
            }
            AdjustmentKind::Exercise { slot, option, underlying, contracts, price } => {
                self.u8(7);
                self.u32(u32::from(slot.0));
                self.u32(option.0);
                self.u32(underlying.0);
                self.decimal(contracts.value());
                self.decimal(price.value());
            }
            AdjustmentKind::Capital(_)
            | AdjustmentKind::Income(_)
            | AdjustmentKind::Position { .. }
            | AdjustmentKind::Split { .. } => {}
        }
    }

    fn cause(&mut self, cause: HaltCause) {
        match cause {
            HaltCause::CircuitBreaker => self.u8(0),
            HaltCause::DailyLoss => self.u8(1),
            HaltCause::StaleData => self.u8(2),
            HaltCause::Drawdown => self.u8(3),
            HaltCause::Operator => self.u8(4),
            HaltCause::FillAnomaly => self.u8(5),
            HaltCause::Reconciliation => self.u8(6),
            HaltCause::StrategyFailure => self.u8(7),
            HaltCause::KillSwitch => self.u8(8),
            HaltCause::Custom(label) => {
                self.u8(9);
                self.label(&label);
            }
            HaltCause::Disconnected => self.u8(10),
            HaltCause::RepeatedExecution => self.u8(11),
            HaltCause::ParentBreach => self.u8(12),
            HaltCause::Degradation => self.u8(13),
        }
    }

    fn scope(&mut self, scope: HaltScope) {
        match scope {
            HaltScope::Strategy(slot) => {
                self.u8(0);
                self.u32(u32::from(slot.0));
            }
            HaltScope::Symbol(instrument) => {
                self.u8(1);
                self.u32(instrument.0);
            }
            HaltScope::Account => self.u8(2),
            HaltScope::Everything => self.u8(3),
        }
    }
}
