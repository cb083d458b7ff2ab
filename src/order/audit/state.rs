use std::collections::{BTreeMap, VecDeque};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{AuditEntry, AuditEvent, AuditValue, PositionEvent, PositionState};
use crate::types::{
    Adjustment, AdjustmentKind, Amount, Fill, Halt, HaltLevel, HaltStep, InstrumentId, LimitKey,
    Order, OrderId, OrderStatus, Purpose, Qty, SlotId, Timestamp, Trade, exact,
};

/// The state of orders, positions, halts and limits, rebuilt from the audit log alone.
///
/// It keeps every live order and the last 1,024 that ended. What it meets that must not be is
/// told as [`AuditFault`]s; it goes on with what the log says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditState {
    orders: BTreeMap<OrderId, AuditedOrder>,
    ended: VecDeque<OrderId>,
    positions: BTreeMap<(SlotId, InstrumentId), AuditedPosition>,
    halts: Vec<Halt>,
    overall: HaltLevel,
    limits: BTreeMap<LimitKey, Decimal>,
    /// What the fill before has still to be told closed.
    closing: Option<(SlotId, InstrumentId, Decimal)>,
    sequence: u64,
    at: Timestamp,
}

/// An order as the log has it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditedOrder {
    /// What was sent.
    pub order: Order,
    /// Where it stands.
    pub status: OrderStatus,
    /// Sum of its fills.
    #[serde(with = "exact")]
    pub filled: Decimal,
    /// Sum of price times quantity of its fills.
    #[serde(with = "exact")]
    pub notional: Decimal,
    /// When it last moved.
    pub changed_at: Timestamp,
}

/// A position as the log has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditedPosition {
    /// Signed quantity.
    #[serde(with = "exact")]
    pub quantity: Decimal,
    /// Where it stands.
    pub state: PositionState,
}

/// Something that must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditFault {
    /// An order was placed under an id that was used before.
    RepeatedId(OrderId),
    /// An entry is about an order that was not placed.
    UnknownOrder(OrderId),
    /// A step that the table of orders does not have, such as a cancel of what is over.
    IllegalStep(OrderId, OrderStatus, OrderStatus),
    /// A step from a status that the order does not have.
    WrongStatus(OrderId, OrderStatus),
    /// A fill of zero or less.
    EmptyFill(OrderId),
    /// More was filled than ordered.
    Overfill(OrderId),
    /// The order breaks this.
    InvalidOrder(OrderId, super::Violation),
    /// A step that the table of positions does not have.
    IllegalPosition(SlotId, InstrumentId, PositionState, PositionEvent),
    /// Sums that do not fit.
    Overflow,
    /// An entry is missing, or out of order.
    Gap(u64),
    /// Time goes back.
    TimeGoesBack,
}

/// Ended orders that are remembered.
const MEMORY: usize = 1_024;

impl AuditState {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self { at: Timestamp::from_nanos(i64::MIN), ..Self::default() }
    }

    /// Rebuilds the state from a log; the faults that the fold meets come with it.
    pub fn fold<'a>(entries: impl IntoIterator<Item = &'a AuditEntry>) -> (Self, Vec<AuditFault>) {
        let (mut state, mut faults) = (Self::new(), Vec::new());
        for entry in entries {
            state.check_order(entry.sequence, entry.at, &mut faults);
            state.apply(entry.at, &entry.event, &mut faults);
        }
        (state, faults)
    }

    /// An order that is live or ended lately.
    pub fn order(&self, id: OrderId) -> Option<&AuditedOrder> {
        self.orders.get(&id)
    }

    /// The orders that are not over, as they were created.
    pub fn live(&self) -> impl Iterator<Item = &AuditedOrder> {
        self.orders.values().filter(|order| !order.status.is_terminal())
    }

    /// A strategy's position.
    pub fn position(&self, slot: SlotId, instrument: InstrumentId) -> AuditedPosition {
        self.positions.get(&(slot, instrument)).copied().unwrap_or_default()
    }

    /// The halts in force, in the order in which they began.
    pub fn halts(&self) -> &[Halt] {
        &self.halts
    }

    /// The level that holds for the whole account.
    pub const fn overall(&self) -> HaltLevel {
        self.overall
    }

    /// A limit that was changed.
    pub fn limit(&self, key: &LimitKey) -> Option<Decimal> {
        self.limits.get(key).copied()
    }

    /// The number of the last entry.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(super) fn check_order(
        &mut self,
        sequence: u64,
        at: Timestamp,
        faults: &mut Vec<AuditFault>,
    ) {
        if sequence != self.sequence.saturating_add(1) {
            faults.push(AuditFault::Gap(sequence));
        }
        if at < self.at {
            faults.push(AuditFault::TimeGoesBack);
        }
        self.sequence = sequence;
        self.at = self.at.max(at);
    }

    pub(super) fn apply(
        &mut self,
        at: Timestamp,
        event: &AuditEvent,
        faults: &mut Vec<AuditFault>,
    ) {
        match event {
            AuditEvent::Placed(order) => self.place(at, order, faults),
            AuditEvent::Transition { order, from, to, .. } => {
                self.step(at, *order, (*from, *to), faults);
            }
            AuditEvent::Filled(fill, _) => self.fill(fill, faults),
            AuditEvent::Closed(trade) => self.close(trade, faults),
            AuditEvent::Adjusted(adjustment) => self.adjust(adjustment, faults),
            AuditEvent::Delivered(slot, instrument, change) => {
                self.trade((*slot, *instrument), change.value(), faults);
            }
            AuditEvent::Halted(halt, level, step) => self.halt(halt, *level, *step),
            AuditEvent::LimitChanged(change) => {
                self.limits.insert(change.key, change.value);
            }
            AuditEvent::Signal(..)
            | AuditEvent::Passed(..)
            | AuditEvent::Refused { .. }
            | AuditEvent::Funded(..)
            | AuditEvent::Paid(..)
            | AuditEvent::StopMoved { .. }
            | AuditEvent::Parent(..)
            | AuditEvent::Anomaly(..)
            | AuditEvent::Failed(..)
            | AuditEvent::Reported(..)
            | AuditEvent::Doubted(..)
            | AuditEvent::Status(..)
            | AuditEvent::Acted(..)
            | AuditEvent::Other => {}
        }
    }

    /// What an event is about to change, or has changed.
    pub(super) fn value(&self, event: &AuditEvent) -> Option<AuditValue> {
        let position = |slot, instrument| {
            let found = self.position(slot, instrument);
            Some(AuditValue::Position(Qty::new(found.quantity), found.state))
        };
        match event {
            AuditEvent::Placed(order) => self.status(order.id),
            AuditEvent::Transition { order, .. } => self.status(*order),
            AuditEvent::Filled(fill, _) => position(fill.slot, fill.instrument),
            AuditEvent::Closed(trade) => position(trade.slot, trade.instrument),
            AuditEvent::Delivered(slot, instrument, _) => position(*slot, *instrument),
            AuditEvent::Halted(..) => Some(AuditValue::Level(self.overall)),
            AuditEvent::LimitChanged(change) => self.limit(&change.key).map(AuditValue::Limit),
            _ => None,
        }
    }

    fn status(&self, id: OrderId) -> Option<AuditValue> {
        self.order(id).map(|order| AuditValue::Status(order.status))
    }

    fn place(&mut self, at: Timestamp, order: &Order, faults: &mut Vec<AuditFault>) {
        if self.orders.contains_key(&order.id) {
            return faults.push(AuditFault::RepeatedId(order.id));
        }
        let (status, zero) = (OrderStatus::Pending, Decimal::ZERO);
        let entry =
            AuditedOrder { order: *order, status, filled: zero, notional: zero, changed_at: at };
        self.orders.insert(order.id, entry);
        if is_entry(order) {
            let key = (order.intent.slot, order.intent.instrument);
            self.advance(key, PositionEvent::EntrySent, faults);
        }
    }

    fn step(
        &mut self,
        at: Timestamp,
        id: OrderId,
        (from, to): (OrderStatus, OrderStatus),
        faults: &mut Vec<AuditFault>,
    ) {
        let Some(order) = self.orders.get_mut(&id) else {
            return faults.push(AuditFault::UnknownOrder(id));
        };
        if order.status != from {
            faults.push(AuditFault::WrongStatus(id, from));
        }
        let is_partial = from == to && from == OrderStatus::PartiallyFilled;
        if !is_partial && !from.may_become(to) {
            faults.push(AuditFault::IllegalStep(id, from, to));
        }
        let was_live = !order.status.is_terminal();
        order.status = to;
        order.changed_at = order.changed_at.max(at);
        if was_live && to.is_terminal() {
            let (sent, filled) = (order.order, to == OrderStatus::Filled);
            self.remember(id);
            // The fill that ends an entry is booked after this step.
            if !filled {
                self.entry_over(&sent, faults);
            }
        }
    }

    /// The last working entry of a position is over.
    fn entry_over(&mut self, order: &Order, faults: &mut Vec<AuditFault>) {
        let key = (order.intent.slot, order.intent.instrument);
        let is_same = |other: &AuditedOrder| {
            let own = (other.order.intent.slot, other.order.intent.instrument);
            own == key && is_entry(&other.order)
        };
        if !is_entry(order) || self.live().any(is_same) {
            return;
        }
        let is_held = !self.position(key.0, key.1).quantity.is_zero();
        let event = if is_held { PositionEvent::EntryOver } else { PositionEvent::EntryVoid };
        self.advance(key, event, faults);
    }

    fn remember(&mut self, id: OrderId) {
        if self.ended.len() >= MEMORY
            && let Some(oldest) = self.ended.pop_front()
        {
            self.orders.remove(&oldest);
        }
        self.ended.push_back(id);
    }

    fn fill(&mut self, fill: &Fill, faults: &mut Vec<AuditFault>) {
        let (id, quantity) = (fill.order, fill.execution.quantity.value());
        if quantity <= Decimal::ZERO {
            faults.push(AuditFault::EmptyFill(id));
        }
        let mut over = None;
        match self.orders.get_mut(&id) {
            // A venue that liquidates needs no order of ours.
            None if fill.purpose == Purpose::Liquidation => {}
            None => faults.push(AuditFault::UnknownOrder(id)),
            Some(order) => {
                let sums = || {
                    let value = quantity.checked_mul(fill.execution.price.value())?;
                    let filled = order.filled.checked_add(quantity)?;
                    Some((filled, order.notional.checked_add(value)?))
                };
                match sums() {
                    Some((filled, notional)) => (order.filled, order.notional) = (filled, notional),
                    None => faults.push(AuditFault::Overflow),
                }
                if let Amount::Quantity(most) = order.order.intent.amount
                    && order.filled > most.value()
                {
                    faults.push(AuditFault::Overfill(id));
                }
                over = (order.status == OrderStatus::Filled).then_some(order.order);
            }
        }
        let change = fill.signed_quantity();
        let key = (fill.slot, fill.instrument);
        self.trade(key, change, faults);
        if let Some(order) = over {
            self.entry_over(&order, faults);
        }
    }

    /// Moves a position; the trades that this closes are told next and move nothing more.
    fn trade(
        &mut self,
        key: (SlotId, InstrumentId),
        change: Decimal,
        faults: &mut Vec<AuditFault>,
    ) {
        let before = self.position(key.0, key.1).quantity;
        self.change(key, change, faults);
        let is_opposite =
            !before.is_zero() && before.is_sign_positive() != change.is_sign_positive();
        let closed = if is_opposite { before.abs().min(change.abs()) } else { Decimal::ZERO };
        self.closing = Some((key.0, key.1, closed));
    }

    /// A closed trade is the other side of a fill that was told before; one without a fill (an
    /// internal crossing, a settlement) moves the position itself.
    fn close(&mut self, trade: &Trade, faults: &mut Vec<AuditFault>) {
        let quantity = trade.quantity.value();
        if let Some((slot, instrument, left)) = &mut self.closing
            && (*slot, *instrument) == (trade.slot, trade.instrument)
            && *left >= quantity
        {
            *left = left.saturating_sub(quantity);
            return;
        }
        let change = trade.side.opposite().signed(quantity);
        self.change((trade.slot, trade.instrument), change, faults);
    }

    fn adjust(&mut self, adjustment: &Adjustment, faults: &mut Vec<AuditFault>) {
        match adjustment.kind {
            AdjustmentKind::Position { slot, instrument, change, .. } => {
                self.trade((slot, instrument), change.value(), faults);
            }
            AdjustmentKind::Split { instrument, numerator, denominator } => {
                for ((_, own), position) in &mut self.positions {
                    let split = position.quantity.checked_mul(Decimal::from(numerator));
                    let split = split.and_then(|it| it.checked_div(Decimal::from(denominator)));
                    if *own == instrument {
                        position.quantity = split.unwrap_or(position.quantity).normalize();
                    }
                }
            }
            // What these close is told by the trades that follow, and what an exercise delivers
            // by an entry of its own.
            AdjustmentKind::Settlement { .. } | AdjustmentKind::Exercise { .. } => {
                self.closing = None;
            }
            AdjustmentKind::Capital(_)
            | AdjustmentKind::Income(_)
            | AdjustmentKind::Dividend { .. }
            | AdjustmentKind::BorrowFee { .. } => {}
        }
    }

    /// Moves a position by a signed quantity, through its table.
    fn change(
        &mut self,
        key: (SlotId, InstrumentId),
        change: Decimal,
        faults: &mut Vec<AuditFault>,
    ) {
        let before = self.position(key.0, key.1).quantity;
        let Some(after) = before.checked_add(change) else {
            return faults.push(AuditFault::Overflow);
        };
        let turned = !before.is_zero()
            && !after.is_zero()
            && before.is_sign_positive() != after.is_sign_positive();
        let grown = after.abs() > before.abs();
        let events = match (turned, after.is_zero(), grown) {
            (true, ..) => [Some(PositionEvent::Closed), Some(PositionEvent::Increased)],
            (false, true, _) if before.is_zero() => [None, None],
            (false, true, _) => [Some(PositionEvent::Closed), None],
            (false, false, true) => [Some(PositionEvent::Increased), None],
            (false, false, false) if after == before => [None, None],
            (false, false, false) => [Some(PositionEvent::Reduced), None],
        };
        for event in events.into_iter().flatten() {
            self.advance(key, event, faults);
        }
        self.positions.entry(key).or_default().quantity = after;
    }

    fn advance(
        &mut self,
        key: (SlotId, InstrumentId),
        event: PositionEvent,
        faults: &mut Vec<AuditFault>,
    ) {
        let position = self.positions.entry(key).or_default();
        match position.state.after(event) {
            Some(next) => position.state = next,
            None => {
                faults.push(AuditFault::IllegalPosition(key.0, key.1, position.state, event));
            }
        }
    }

    fn halt(&mut self, halt: &Halt, level: HaltLevel, step: HaltStep) {
        let is_same = |own: &Halt| own.cause == halt.cause && own.scope == halt.scope;
        let reached = match step {
            HaltStep::Began => Some(halt.level.max(halt.cause.level())),
            HaltStep::Flat => Some(HaltLevel::Flat),
            HaltStep::Ended => None,
        };
        match (reached, self.halts.iter_mut().find(|own| is_same(own))) {
            (Some(reached), Some(known)) => known.level = reached,
            (Some(reached), None) => self.halts.push(Halt { level: reached, ..*halt }),
            (None, _) => self.halts.retain(|own| !is_same(own)),
        }
        if matches!(
            halt.scope,
            crate::types::HaltScope::Account | crate::types::HaltScope::Everything
        ) {
            self.overall = level;
        }
    }
}

const fn is_entry(order: &Order) -> bool {
    match order.intent.purpose {
        Purpose::Entry | Purpose::Quote => true,
        Purpose::Exit
        | Purpose::StopLoss
        | Purpose::TakeProfit
        | Purpose::Flatten
        | Purpose::Liquidation => false,
    }
}
