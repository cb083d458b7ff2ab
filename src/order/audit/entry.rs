use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{AuditFault, PositionState};
use crate::types::{
    ActionOutcome, ActionRequest, Adjustment, AdjustmentCause, Anomaly, Fill, Halt, HaltCause,
    HaltLevel, HaltStep, InstrumentId, Intent, Label, LimitChange, Money, Order, OrderId,
    OrderReport, OrderStatus, ParentOrder, ParentStep, Price, Qty, Reason, Record, Signal, SlotId,
    SlotStatus, Timestamp, Trade, exact,
};

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// Its number, from 1, without gaps.
    pub sequence: u64,
    /// When it happened, in the engine's time.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// What happened.
    pub event: AuditEvent,
    /// What was changed, as it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<AuditValue>,
    /// The same after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<AuditValue>,
    /// Why, where a limit or rule decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What must not be, and was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<AuditFault>,
}

/// Who caused an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A strategy.
    Strategy(SlotId),
    /// Rules, guards, gates and halts.
    Risk,
    /// The venue.
    Venue,
    /// A person or a supervising program, by name where it gave one.
    Operator(Label),
    /// An alert, by its code.
    Alert(Label),
}

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditValue {
    /// The status of an order.
    Status(OrderStatus),
    /// A position and its state.
    Position(Qty, PositionState),
    /// The level of a halt's scope.
    Level(HaltLevel),
    /// A limit.
    Limit(#[serde(with = "exact")] Decimal),
}

/// A [`Record`] that owns what it tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditEvent {
    /// A strategy gave an opinion.
    Signal(SlotId, Signal),
    /// It led to nothing.
    Passed(SlotId, InstrumentId),
    /// An intent was refused, or granted in part.
    Refused {
        /// What was asked.
        intent: Intent,
        /// What was granted.
        granted: Qty,
    },
    /// An order left.
    Placed(Order),
    /// An order moved.
    Transition {
        /// Which.
        order: OrderId,
        /// From where.
        from: OrderStatus,
        /// To where.
        to: OrderStatus,
        /// By which report.
        report: OrderReport,
    },
    /// The venue changed an order and left its status, or refused a change.
    Reported(OrderId, OrderReport),
    /// The outcome of an order's submission is unknown.
    Doubted(OrderId),
    /// A fill was booked.
    Filled(Fill, Money),
    /// A piece of position was closed.
    Closed(Trade),
    /// Cash or position changed without a fill.
    Adjusted(Adjustment),
    /// An exercise or assignment changed the position in the underlying.
    Delivered(SlotId, InstrumentId, Qty),
    /// Funding.
    Funded(InstrumentId, SlotId, Money),
    /// A dividend or a borrow fee.
    Paid(InstrumentId, SlotId, Money, AdjustmentCause),
    /// A protective order was placed or moved.
    StopMoved {
        /// Whose position.
        slot: SlotId,
        /// In what.
        instrument: InstrumentId,
        /// The stop order.
        order: OrderId,
        /// The trigger before.
        from: Option<Price>,
        /// The trigger that was asked for.
        to: Price,
    },
    /// A halt began, was raised, was confirmed or ended.
    Halted(Halt, HaltLevel, HaltStep),
    /// Something that must not happen.
    Anomaly(Anomaly, OrderId, InstrumentId),
    /// A strategy failed.
    Failed(SlotId, String),
    /// A parent order began, or is over.
    Parent(ParentOrder, ParentStep),
    /// A strategy was paused or goes on.
    Status(SlotId, SlotStatus),
    /// A limit was changed.
    LimitChanged(LimitChange),
    /// An alert asked for an action.
    Acted(ActionRequest, ActionOutcome),
    /// A kind of record that this version does not know.
    Other,
}

impl AuditEvent {
    pub(super) fn of(record: &Record<'_>) -> Self {
        match *record {
            Record::Signal { slot, signal } => Self::Signal(slot, *signal),
            Record::Passed { slot, instrument, .. } => Self::Passed(slot, instrument),
            Record::Refused { intent, granted, .. } => Self::Refused { intent: *intent, granted },
            Record::Placed { order } => Self::Placed(*order),
            Record::Transition { order, from, to, report } => {
                Self::Transition { order, from, to, report: *report }
            }
            Record::Reported { order, report } => Self::Reported(order, *report),
            Record::Doubted { order } => Self::Doubted(order),
            Record::Filled { fill, realised } => Self::Filled(*fill, realised),
            Record::Closed { trade } => Self::Closed(*trade),
            Record::Adjusted { adjustment } => Self::Adjusted(*adjustment),
            Record::Delivered { slot, instrument, change } => {
                Self::Delivered(slot, instrument, change)
            }
            Record::Funded { instrument, slot, payment } => Self::Funded(instrument, slot, payment),
            Record::Paid { instrument, slot, payment, cause } => {
                Self::Paid(instrument, slot, payment, cause)
            }
            Record::StopMoved { slot, instrument, order, from, to } => {
                Self::StopMoved { slot, instrument, order, from, to }
            }
            Record::Halted { halt, level, step } => Self::Halted(*halt, level, step),
            Record::Anomaly { anomaly, order, instrument } => {
                Self::Anomaly(anomaly, order, instrument)
            }
            Record::Failed { slot, error } => Self::Failed(slot, error.to_owned()),
            Record::Status { slot, status } => Self::Status(slot, status),
            Record::LimitChanged { change, .. } => Self::LimitChanged(*change),
            Record::Parent { order, step } => Self::Parent(*order, step),
            Record::Acted { request, outcome } => Self::Acted(*request, outcome),
        }
    }
}

/// The actor behind a record.
pub(super) fn actor_of(record: &Record<'_>) -> Actor {
    match *record {
        Record::Signal { slot, .. } | Record::Passed { slot, .. } | Record::Failed { slot, .. } => {
            Actor::Strategy(slot)
        }
        Record::Placed { order } => Actor::Strategy(order.intent.slot),
        Record::Parent { order, .. } => Actor::Strategy(order.slot),
        Record::StopMoved { .. } => Actor::Risk,
        Record::Refused { .. } => Actor::Risk,
        Record::Halted { halt, .. } => match halt.cause {
            HaltCause::Operator | HaltCause::KillSwitch => Actor::Operator(Label::default()),
            _ => Actor::Risk,
        },
        Record::Transition { .. }
        | Record::Reported { .. }
        | Record::Filled { .. }
        | Record::Closed { .. }
        | Record::Adjusted { .. }
        | Record::Delivered { .. }
        | Record::Funded { .. }
        | Record::Paid { .. }
        | Record::Anomaly { .. } => Actor::Venue,
        Record::Status { .. } | Record::Doubted { .. } => Actor::Operator(Label::default()),
        Record::LimitChanged { change, .. } => Actor::Operator(change.actor),
        Record::Acted { request, .. } => Actor::Alert(request.alert),
    }
}

/// The reason that a record tells.
pub(super) fn reason_of(record: &Record<'_>) -> Option<Reason> {
    match *record {
        Record::Passed { reason, .. } | Record::Refused { reason, .. } => Some(*reason),
        _ => None,
    }
}
