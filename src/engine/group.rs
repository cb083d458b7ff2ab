//! Groups of legs: both or neither, and a refused leg unwinds the others.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::metrics::MetricsSink;
use crate::strategy::{Advised, Strategy};
use crate::types::{
    GroupId, InstrumentId, Intent, Label, Order, OrderId, Purpose, Qty, Side, SlotId, Timestamp,
};

use super::desk::Desk;
use super::execute::Wish;
use super::{Command, Engine};

/// The groups whose legs are on their way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Groups {
    next: u64,
    legs: Vec<(GroupId, OrderId)>,
    /// Legs of groups that fell, until they are over: what they still fill is traded back.
    fallen: Vec<OrderId>,
}

impl Groups {
    /// A fresh id.
    pub(super) const fn begin(&mut self) -> GroupId {
        self.next += 1;
        GroupId(self.next)
    }

    pub(super) fn join(&mut self, group: GroupId, order: &Order) {
        self.legs.push((group, order.id));
    }

    /// The group of a leg.
    pub(super) fn of(&self, order: OrderId) -> Option<GroupId> {
        self.legs.iter().find(|(_, leg)| *leg == order).map(|(group, _)| *group)
    }

    /// Moves the group's legs to the fallen ones.
    fn fall(&mut self, group: GroupId) -> Vec<OrderId> {
        let legs: Vec<OrderId> =
            self.legs.iter().filter(|(own, _)| *own == group).map(|(_, leg)| *leg).collect();
        self.legs.retain(|(own, _)| *own != group);
        self.fallen.extend_from_slice(&legs);
        legs
    }

    /// True for a leg whose group fell.
    pub(super) fn has_fallen(&self, order: OrderId) -> bool {
        self.fallen.contains(&order)
    }

    /// An order is over: its group is forgotten once none of its legs is live.
    pub(super) fn over(&mut self, order: OrderId, is_live: impl Fn(OrderId) -> bool) {
        self.fallen.retain(|leg| *leg != order);
        if let Some(group) = self.of(order) {
            self.settle(group, is_live);
        }
    }

    /// True while no group is on its way.
    pub(super) const fn is_empty(&self) -> bool {
        self.legs.is_empty() && self.fallen.is_empty()
    }

    /// Forgets a group once none of its legs is live.
    fn settle(&mut self, group: GroupId, is_live: impl Fn(OrderId) -> bool) {
        if !self.legs.iter().any(|(own, leg)| *own == group && is_live(*leg)) {
            self.legs.retain(|(own, _)| *own != group);
        }
    }
}

impl<M: MetricsSink> Desk<M> {
    /// What is missing from a slot's position, with its working orders, to a target: on the
    /// step, `None` when that is nothing.
    pub(super) fn gap(
        &self,
        at: Timestamp,
        slot: SlotId,
        instrument: InstrumentId,
        target: Qty,
    ) -> Option<(Side, Qty)> {
        let facts = self.facts(at, slot);
        let position = facts.position(instrument);
        let expected = position
            .quantity
            .checked_add(position.working_buy)?
            .checked_sub(position.working_sell)?
            .checked_sub(self.resting_exits(slot, instrument))?;
        let (side, quantity) = towards(target.value(), expected)?;
        let rounded = facts.instruments.get(instrument)?.floor_to_step(quantity.value())?;
        (!rounded.is_zero()).then_some((side, Qty::new(rounded)))
    }

    /// A leg was refused by the venue: the others are cancelled, and what they have filled is
    /// traded back at the market.
    #[cold]
    pub(super) fn unwind(&mut self, at: Timestamp, group: GroupId, out: &mut Vec<Command>) {
        for leg in self.groups.fall(group) {
            self.cancel(at, leg, out);
            let Some(state) = self.orders.find(leg).copied() else { continue };
            self.trade_back(at, &state.order, state.filled, out);
        }
    }

    /// Trades a fallen leg's fills back at the market, late ones too.
    #[cold]
    pub(super) fn trade_back(
        &mut self,
        at: Timestamp,
        order: &Order,
        filled: Decimal,
        out: &mut Vec<Command>,
    ) {
        if filled <= Decimal::ZERO {
            return;
        }
        let (intent, side) = (order.intent, order.intent.side.opposite());
        let back = Intent {
            purpose: Purpose::Exit,
            tag: intent.tag,
            reason: Label::new("unwind"),
            reference: intent.reference,
            ..Intent::market(intent.slot, intent.instrument, side, Qty::new(filled))
        };
        self.group.clear();
        self.group.push(back);
        self.submit(at, None, out);
    }
}

/// The market intent that brings a position to a target; `None` when it is there already.
pub(super) fn towards(target: Decimal, expected: Decimal) -> Option<(Side, Qty)> {
    let difference = target.checked_sub(expected)?;
    let side = Side::of(difference)?;
    Some((side, Qty::new(difference.abs())))
}

impl<S: Strategy, M: MetricsSink> Engine<S, M> {
    /// Carries out what a strategy wants to hold.
    #[inline(never)]
    pub(super) fn on_target(
        &mut self,
        at: Timestamp,
        index: usize,
        item: &Advised,
        out: &mut Vec<Command>,
    ) {
        match item {
            Advised::Execute { instrument, quantity, plan, tag } => {
                let (target, plan, tag) = (*quantity, (**plan).clone(), *tag);
                self.execute(at, index, (*instrument, Wish { target, plan, tag }), out);
            }
            Advised::Target { instrument, quantity, tag } => {
                let (target, tag) = (*quantity, *tag);
                if let Some(plan) = self.plan_of(index, *instrument) {
                    self.execute(at, index, (*instrument, Wish { target, plan, tag }), out);
                } else if let Some(intent) =
                    self.target_intent(at, index, (*instrument, target), tag)
                {
                    self.desk.group.clear();
                    self.desk.group.push(intent);
                    self.desk.submit(at, None, out);
                }
            }
            Advised::Together(legs, tag) => self.on_together(at, index, (legs, *tag), out),
            Advised::Signal(_)
            | Advised::Entry { .. }
            | Advised::Quote { .. }
            | Advised::Pull(_)
            | Advised::CancelAll
            | Advised::WakeAt(_) => {}
        }
    }

    fn on_together(
        &mut self,
        at: Timestamp,
        index: usize,
        (legs, tag): (&[(InstrumentId, Qty)], Label),
        out: &mut Vec<Command>,
    ) {
        let Some(slot) = self.slots.get(index).map(|slot| slot.id) else { return };
        for (instrument, _) in legs {
            self.desk.drop_executions(at, (slot, *instrument), out);
        }
        let intents: Vec<Intent> =
            legs.iter().filter_map(|leg| self.target_intent(at, index, *leg, tag)).collect();
        if intents.is_empty() {
            return;
        }
        self.desk.group.clear();
        self.desk.group.extend(intents);
        let group = self.desk.groups.begin();
        self.desk.submit(at, Some(group), out);
    }

    /// The market intent that brings a slot's position to a target.
    fn target_intent(
        &self,
        at: Timestamp,
        index: usize,
        (instrument, target): (InstrumentId, Qty),
        tag: Label,
    ) -> Option<Intent> {
        let slot = self.slots.get(index).filter(|slot| slot.universe.contains(&instrument))?;
        let (side, quantity) = self.desk.gap(at, slot.id, instrument, target)?;
        let facts = self.desk.facts(at, slot.id);
        let mut intent = Intent::market(slot.id, instrument, side, quantity);
        intent.reference = facts.mark(instrument).unwrap_or(f64::NAN);
        intent.tag = tag;
        Some(intent)
    }
}
