//! Executions at work: parent orders that the engine splits into children, one for a slot and
//! an instrument at a time.

use core::mem;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::metrics::MetricsSink;
use crate::order::{Execution, ExecutionStep, OrderState, Progress};
use crate::risk::GateEvent;
use crate::strategy::Strategy;
use crate::types::{
    AdjustmentKind, ExecutionEnd, ExecutionPlan, HaltLevel, Instrument, InstrumentId, Intent,
    Label, Linkage, MarketEvent, OrderId, OrderKind, OrderReport, OrderStatus, OrderUpdate,
    ParentId, ParentOrder, ParentStep, Period, Purpose, Qty, Record, Side, SlotId, Timestamp,
    exact, to_f64,
};

use super::desk::Desk;
use super::{Command, Engine};

/// Parents at work at one time; a wish beyond is passed over.
const MOST_PARENTS: usize = 1_024;

/// Children of a parent that are listed by themselves; what older ones filled is a sum.
const MOST_LISTED: usize = 256;

/// The parents at work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Executions {
    /// The number of the last parent.
    last: u64,
    active: Vec<Parent>,
}

/// One parent order and its children.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Parent {
    id: ParentId,
    pub(super) slot: SlotId,
    pub(super) instrument: InstrumentId,
    side: Side,
    wish: Wish,
    /// The bars whose volume counts; `None` for all.
    period: Option<Period>,
    /// Prints were seen: bars would count them twice.
    has_prints: bool,
    begun_at: Timestamp,
    #[serde(deserialize_with = "exact::f64_or_nan")]
    arrival: f64,
    execution: Execution,
    children: Vec<Child>,
    /// What children have filled that are not listed any more.
    #[serde(with = "exact")]
    done: Decimal,
    /// What replaces it once its children are over.
    then: Option<Wish>,
}

/// A position that is wanted, and the way to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Wish {
    pub(super) target: Qty,
    pub(super) plan: ExecutionPlan,
    pub(super) tag: Label,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Child {
    order: OrderId,
    #[serde(with = "exact")]
    quantity: Decimal,
    #[serde(with = "exact")]
    filled: Decimal,
    is_over: bool,
}

impl Executions {
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// True while one is being carried out for the slot in the instrument.
    pub(super) fn is_active(&self, slot: SlotId, instrument: InstrumentId) -> bool {
        self.active.iter().any(|one| one.slot == slot && one.instrument == instrument)
    }

    /// True when one follows the market's volume.
    pub(super) fn follows_volume(&self) -> bool {
        let mut wishes = self.active.iter().flat_map(|one| [Some(&one.wish), one.then.as_ref()]);
        wishes.any(|wish| wish.is_some_and(|wish| wish.plan.follows_volume()))
    }

    /// When the next of them has to be looked at.
    pub(super) fn deadline(&self, after: Timestamp) -> Option<Timestamp> {
        self.active.iter().filter_map(|one| one.execution.deadline(after)).min()
    }

    /// True when nothing of a saved state contradicts itself.
    pub(super) fn is_sound(&self) -> bool {
        self.active.iter().all(|one| {
            // More than was ordered may be filled: the venue's fault, and kept.
            let is_child =
                |child: &Child| child.quantity > Decimal::ZERO && child.filled >= Decimal::ZERO;
            one.execution.is_sound()
                && one.done >= Decimal::ZERO
                && one.id.0 <= self.last
                && one.children.iter().all(is_child)
        })
    }

    /// Takes the market's volume in.
    pub(super) fn see(&mut self, at: Timestamp, id: InstrumentId, event: &MarketEvent) {
        let own = self.active.iter_mut().filter(|one| one.instrument == id && one.begun_at < at);
        for one in own {
            match event {
                MarketEvent::Print(print) => {
                    one.has_prints = true;
                    one.execution.on_volume(print.quantity);
                }
                MarketEvent::Bar(bar)
                    if !one.has_prints && one.period.is_none_or(|period| period == bar.period) =>
                {
                    one.execution.on_volume(bar.volume);
                }
                _ => {}
            }
        }
    }
}

impl Parent {
    fn progress(&self) -> Progress {
        let add = |sum: Decimal, part: Decimal| sum.checked_add(part).unwrap_or(Decimal::MAX);
        let mut progress = Progress { filled: self.done, working: Decimal::ZERO };
        for child in &self.children {
            progress.filled = add(progress.filled, child.filled);
            if !child.is_over {
                let open = child.quantity.checked_sub(child.filled).unwrap_or_default();
                progress.working = add(progress.working, open.max(Decimal::ZERO));
            }
        }
        progress
    }

    /// Takes over what the order book says of a child; true when it has just ended.
    fn follow(&mut self, state: &OrderState) -> bool {
        let own = self.children.iter_mut().find(|child| child.order == state.order.id);
        let Some(child) = own else { return false };
        child.filled = state.filled;
        let was_over = mem::replace(&mut child.is_over, state.status.is_terminal());
        child.is_over && !was_over
    }

    fn list(&mut self, child: Child) {
        if self.children.len() >= MOST_LISTED
            && let Some(place) = self.children.iter().position(|child| child.is_over)
        {
            let over = self.children.remove(place);
            self.done = self.done.checked_add(over.filled).unwrap_or(Decimal::MAX);
        }
        self.children.push(child);
    }

    fn report(&self) -> ParentOrder {
        ParentOrder {
            id: self.id,
            slot: self.slot,
            instrument: self.instrument,
            side: self.side,
            quantity: Qty::new(self.execution.quantity()),
            filled: Qty::new(self.progress().filled),
            arrival: self.arrival,
            tag: self.wish.tag,
        }
    }
}

impl<S: Strategy, M: MetricsSink> Engine<S, M> {
    /// A strategy wants a position on the way of a plan.
    pub(super) fn execute(
        &mut self,
        at: Timestamp,
        index: usize,
        (instrument, wish): (InstrumentId, Wish),
        out: &mut Vec<Command>,
    ) {
        let slot = self.slots.get(index).filter(|slot| slot.universe.contains(&instrument));
        let Some(slot) = slot else { return };
        self.is_attended |= wish.plan.follows_volume();
        let (id, period) = (slot.id, slot.periods.first().copied());
        self.desk.execute(at, (id, instrument), (wish, period), out);
    }

    /// The plan by which a target of the slot is reached; `None` when it is sent at once.
    pub(super) fn plan_of(&self, index: usize, instrument: InstrumentId) -> Option<ExecutionPlan> {
        let slot = self.slots.get(index)?;
        let is_active = self.desk.executions.is_active(slot.id, instrument);
        // What is on its way has to be taken back first, even for a target at once.
        slot.execution.clone().or_else(|| is_active.then(ExecutionPlan::at_once))
    }
}

impl<M: MetricsSink> Desk<M> {
    fn execute(
        &mut self,
        at: Timestamp,
        (slot, instrument): (SlotId, InstrumentId),
        (wish, period): (Wish, Option<Period>),
        out: &mut Vec<Command>,
    ) {
        let is_own = |one: &Parent| one.slot == slot && one.instrument == instrument;
        let Some(one) = self.executions.active.iter_mut().find(|one| is_own(one)) else {
            self.begin(at, (slot, instrument), (wish, period), out);
            return;
        };
        let is_same = one.wish.target == wish.target && one.wish.plan == wish.plan;
        if is_same && !one.execution.is_ending() {
            one.then = None;
            return;
        }
        one.execution.end(ExecutionEnd::Cancelled);
        one.then = Some(wish);
        self.step_executions(at, is_own, out);
    }

    /// A parent order for what is missing to the target.
    fn begin(
        &mut self,
        at: Timestamp,
        (slot, instrument): (SlotId, InstrumentId),
        (wish, period): (Wish, Option<Period>),
        out: &mut Vec<Command>,
    ) {
        let Some((side, quantity)) = self.gap(at, slot, instrument, wish.target) else { return };
        let Some(found) = self.instruments.get(instrument) else { return };
        let execution = Execution::new(at, wish.plan.clone(), quantity.value(), found);
        let (Ok(execution), true) = (execution, self.executions.active.len() < MOST_PARENTS) else {
            return self.pass(at, slot, instrument, super::report::POLICY);
        };
        self.executions.last += 1;
        let parent = Parent {
            id: ParentId(self.executions.last),
            slot,
            instrument,
            side,
            wish,
            period,
            has_prints: false,
            begun_at: at,
            arrival: self.account.book().mark(instrument).map_or(f64::NAN, |mark| mark.price),
            execution,
            children: Vec::new(),
            done: Decimal::ZERO,
            then: None,
        };
        let (id, order) = (parent.id, parent.report());
        self.tell_gates(at, &GateEvent::Parent { parent: id, quantity });
        self.sink.record(at, &Record::Parent { order: &order, step: ParentStep::Began });
        self.executions.active.push(parent);
        self.step_executions(at, |one| one.id == id, out);
    }

    /// Nothing more is sent for the parents that `which` names, nor for what was to replace
    /// them.
    pub(super) fn end_executions(&mut self, which: impl Fn(&Parent) -> bool, why: ExecutionEnd) {
        for one in self.executions.active.iter_mut().filter(|one| which(one)) {
            one.execution.end(why);
            one.then = None;
        }
    }

    /// What a slot has under way in an instrument is over: something else takes its place.
    pub(super) fn drop_executions(
        &mut self,
        at: Timestamp,
        (slot, instrument): (SlotId, InstrumentId),
        out: &mut Vec<Command>,
    ) {
        if !self.executions.is_empty() {
            let is_own = |one: &Parent| one.slot == slot && one.instrument == instrument;
            self.end_executions(is_own, ExecutionEnd::Cancelled);
            self.step_executions(at, is_own, out);
        }
    }

    /// Does what is due of the parents that `which` names.
    pub(super) fn step_executions(
        &mut self,
        at: Timestamp,
        which: impl Fn(&Parent) -> bool,
        out: &mut Vec<Command>,
    ) {
        let mut active = mem::take(&mut self.executions.active);
        let mut next = Vec::new();
        active.retain_mut(|one| {
            let is_over = which(one) && self.step_execution(at, one, out);
            if is_over && let Some(wish) = one.then.take() {
                next.push(((one.slot, one.instrument), (wish, one.period)));
            }
            !is_over
        });
        self.executions.active = active;
        for (owner, wish) in next {
            self.begin(at, owner, wish, out);
        }
        self.plan_chores(at);
    }

    /// Does what is due of one parent; true when it is over.
    fn step_execution(&mut self, at: Timestamp, one: &mut Parent, out: &mut Vec<Command>) -> bool {
        self.obey_halts(one);
        let Some(instrument) = self.instruments.get(one.instrument) else { return true };
        let price = one.wish.plan.limit().map(|limit| limit.to_f64());
        let mark = self.account.book().mark(one.instrument).map(|mark| mark.price);
        let minimum = smallest(instrument, price.or(mark));
        match one.execution.next(at, one.progress(), minimum) {
            ExecutionStep::Wait => {}
            ExecutionStep::Send { quantity, kind } => self.send(at, one, (quantity, kind), out),
            ExecutionStep::Withdraw => {
                for child in one.children.iter().filter(|child| !child.is_over) {
                    self.cancel(at, child.order, out);
                }
            }
            ExecutionStep::Over(end) => {
                let (id, order) = (one.id, one.report());
                self.tell_gates(at, &GateEvent::Parent { parent: id, quantity: Qty::ZERO });
                let step = ParentStep::Ended(end);
                self.sink.record(at, &Record::Parent { order: &order, step });
                return true;
            }
        }
        false
    }

    /// A quantity of an instrument that was split, settled or exercised means something else
    /// now: its parents end, and their strategies are told of the change. A position that was
    /// put right leaves another way to the same target.
    pub(super) fn adjust_executions(
        &mut self,
        at: Timestamp,
        kind: &AdjustmentKind,
        out: &mut Vec<Command>,
    ) {
        let changed = match *kind {
            AdjustmentKind::Split { instrument, .. }
            | AdjustmentKind::Settlement { instrument, .. } => instrument,
            AdjustmentKind::Exercise { option, .. } => option,
            AdjustmentKind::Position { slot, instrument, .. } => {
                let is_own = |one: &Parent| one.slot == slot && one.instrument == instrument;
                for one in self.executions.active.iter_mut().filter(|one| is_own(one)) {
                    if !one.execution.is_ending() {
                        one.execution.end(ExecutionEnd::Adjusted);
                        one.then = Some(one.wish.clone());
                    }
                }
                return self.step_executions(at, is_own, out);
            }
            AdjustmentKind::Capital(_)
            | AdjustmentKind::Income(_)
            | AdjustmentKind::Dividend { .. }
            | AdjustmentKind::BorrowFee { .. } => return,
        };
        self.end_executions(|one| one.instrument == changed, ExecutionEnd::Adjusted);
        self.step_executions(at, |one| one.instrument == changed, out);
    }

    /// A halt ends what would open exposure; what reduces the position goes on.
    fn obey_halts(&mut self, one: &mut Parent) {
        let level = self.halts.level(one.slot, one.instrument);
        if level == HaltLevel::Active || one.execution.is_ending() {
            return;
        }
        let held = self.account.book().position(one.slot, one.instrument).quantity;
        let against = (-one.side.signed(held)).max(Decimal::ZERO);
        let filled = one.progress().filled;
        if filled >= one.execution.quantity() {
            return;
        }
        let most = filled.checked_add(against).unwrap_or(Decimal::MAX);
        if level >= HaltLevel::Flattening || most <= filled {
            one.then = None;
            one.execution.end(ExecutionEnd::Halted);
        } else if most < one.execution.quantity() {
            one.then = None;
            one.execution.cut(most);
        }
    }

    /// Sends a child; risk and gates judge it as every other order.
    fn send(
        &mut self,
        at: Timestamp,
        one: &mut Parent,
        (quantity, kind): (Decimal, OrderKind),
        out: &mut Vec<Command>,
    ) {
        let position = self.account.book().position(one.slot, one.instrument);
        let against = (-one.side.signed(position.quantity)).max(Decimal::ZERO);
        let reduces = quantity <= against;
        let mark = self.account.book().mark(one.instrument);
        let intent = Intent {
            kind,
            purpose: if reduces { Purpose::Exit } else { Purpose::Entry },
            linkage: Linkage::Child(one.id),
            reference: mark.map_or(f64::NAN, |mark| mark.price),
            tag: one.wish.tag,
            reason: Label::new("execution"),
            ..Intent::market(one.slot, one.instrument, one.side, Qty::new(quantity))
        };
        let before = self.sequence;
        self.group.clear();
        self.group.push(intent);
        self.submit(at, None, out);
        let sent = (self.sequence > before)
            .then(|| OrderId::new(self.epoch, one.slot, self.sequence))
            .and_then(|order| self.orders.find(order));
        let granted = sent.and_then(|state| state.quantity).unwrap_or_default().value();
        if let Some(state) = sent {
            let (order, filled) = (state.order.id, state.filled);
            one.list(Child { order, quantity: granted, filled, is_over: false });
        }
        if granted < quantity {
            one.execution.refused(at);
        }
    }

    /// After the venue's word on an order: children move on, and what has closed a position by
    /// itself ends what was to be done with it.
    #[inline(never)]
    pub(super) fn follow_children(
        &mut self,
        at: Timestamp,
        update: &OrderUpdate,
        out: &mut Vec<Command>,
    ) {
        let instrument = update.instrument;
        if let OrderReport::Liquidated(_) = update.report {
            self.end_executions(|one| one.instrument == instrument, ExecutionEnd::Cancelled);
            return self.step_executions(at, |one| one.instrument == instrument, out);
        }
        let Some(state) = self.orders.find(update.order).copied() else { return };
        let intent = &state.order.intent;
        if let OrderReport::Fill(_) = update.report
            && matches!(intent.purpose, Purpose::StopLoss | Purpose::Flatten)
        {
            let is_own = |one: &Parent| one.slot == intent.slot && one.instrument == instrument;
            self.end_executions(is_own, ExecutionEnd::Cancelled);
            return self.step_executions(at, is_own, out);
        }
        let Some(parent) = intent.linkage.parent() else { return };
        let Some(one) = self.executions.active.iter_mut().find(|one| one.id == parent) else {
            return;
        };
        let is_news = one.follow(&state);
        match state.status {
            OrderStatus::Rejected | OrderStatus::Cancelled | OrderStatus::Expired if is_news => {
                one.execution.refused(at);
            }
            OrderStatus::PartiallyFilled | OrderStatus::Filled => one.execution.advanced(),
            OrderStatus::Pending
            | OrderStatus::Open
            | OrderStatus::Rejected
            | OrderStatus::Cancelled
            | OrderStatus::Expired => {}
        }
        self.step_executions(at, |one| one.id == parent, out);
    }
}

/// The smallest quantity that the venue takes at a price, on the step.
fn smallest(instrument: &Instrument, price: Option<f64>) -> Decimal {
    let least = instrument.min_quantity.max(instrument.step);
    if instrument.min_notional.is_zero() {
        return least;
    }
    let price = if instrument.kind.is_inverse() { Some(1.0) } else { price };
    let unit = price.map(|price| price * to_f64(instrument.multiplier));
    let steps = unit.map(|unit| {
        (to_f64(instrument.min_notional) / (unit * to_f64(instrument.step)) - 1e-9).ceil()
    });
    let steps = steps.and_then(|steps| crate::types::Grid::UNITS.nearest(steps));
    let needed = steps.and_then(|steps| steps.checked_mul(instrument.step));
    // Without a price nobody can tell: the venue will.
    needed.map_or(least, |needed| needed.max(least))
}
