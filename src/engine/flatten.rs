//! Halts at work: what they cancel, what they close, and when they end.

use core::mem;

use crate::metrics::MetricsSink;
use crate::risk::{Fact, HaltChange};
use crate::strategy::Strategy;
use crate::types::{
    Acknowledgement, DataError, Facts, Halt, HaltCause, HaltLevel, HaltScope, HaltStep,
    InstrumentId, Intent, OperatingMode, Order, OrderId, Purpose, Qty, Record, Side, SlotId,
    Timestamp,
};

use super::desk::{Desk, alert, opens};
use super::{AlertLevel, Command, Control, Engine, EngineError, SlotStatus};

impl<S: Strategy, M: MetricsSink> Engine<S, M> {
    /// Carries out what a person or program says.
    pub(super) fn control(
        &mut self,
        at: Timestamp,
        control: &Control,
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        match control {
            Control::Halt(halt) => {
                if halt.level == HaltLevel::Flat {
                    return Err(EngineError::FlatIsNoOrder);
                }
                self.desk.raise(at, *halt, out);
                Ok(())
            }
            Control::Resume { scope, acknowledgement } => {
                self.desk.resume(at, *scope, *acknowledgement);
                Ok(())
            }
            Control::Pause(slot) => self.set_status(at, *slot, SlotStatus::Paused),
            Control::Unpause(slot) => {
                self.set_status(at, *slot, SlotStatus::Running)?;
                let scope = HaltScope::Strategy(*slot);
                self.desk.resume(at, scope, Acknowledgement::None);
                Ok(())
            }
            Control::Limit(change) => self.desk.change_limit(at, change),
            Control::Heartbeat => {
                self.desk.observe(at, &Fact::Heartbeat, out);
                Ok(())
            }
            Control::Distrust(instrument) => {
                let instrument = *instrument;
                if self.desk.instruments.get(instrument).is_none() {
                    return Err(DataError::UnknownInstrument { instrument }.into());
                }
                self.desk.observe(at, &Fact::Distrusted(instrument), out);
                Ok(())
            }
            Control::Uncertain(id) => self.desk.doubt(at, *id),
            Control::Act(request) => {
                self.desk.act(at, request, out);
                Ok(())
            }
            Control::Mode(mode) => {
                self.desk.set_mode(at, *mode, out);
                Ok(())
            }
        }
    }

    fn set_status(
        &mut self,
        at: Timestamp,
        id: SlotId,
        status: SlotStatus,
    ) -> Result<(), EngineError> {
        let index = id.index().checked_sub(1);
        let slot = index.and_then(|index| self.slots.get_mut(index));
        let slot = slot.ok_or(EngineError::UnknownSlot { slot: id })?;
        if slot.memory.status != status {
            slot.memory.status = status;
            self.desk.sink.record(at, &Record::Status { slot: id, status });
        }
        Ok(())
    }
}

impl<M: MetricsSink> Desk<M> {
    /// Carries out what the guards asked for.
    #[cold]
    pub(super) fn apply_halt_changes(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        let changes = mem::take(&mut self.changes);
        for change in &changes {
            match change {
                HaltChange::Raise(halt) => self.raise(at, *halt, out),
                HaltChange::Lift { cause, scope } => {
                    if let Some(halt) = self.halts.lift(*cause, *scope) {
                        self.record_halt(at, &halt, HaltStep::Ended);
                    }
                }
            }
        }
        self.changes = changes;
        self.changes.clear();
    }

    /// A halt begins or grows.
    pub(super) fn raise(&mut self, at: Timestamp, halt: Halt, out: &mut Vec<Command>) {
        if self.halts.raise(at, halt).is_none() {
            return;
        }
        self.record_halt(at, &halt, HaltStep::Began);
        // A cause may ask for more than the halt does.
        let reached = halt.level.max(halt.cause.level());
        let level = match reached {
            HaltLevel::Active | HaltLevel::ReduceOnly => AlertLevel::Error,
            HaltLevel::Halted | HaltLevel::Flattening | HaltLevel::Flat => AlertLevel::Critical,
        };
        out.push(alert(level, "halted", ""));
        if reached >= HaltLevel::Halted {
            let covered = |slot, instrument| halt.scope.covers(slot, instrument);
            let all = reached >= HaltLevel::Flattening;
            self.cancel_where(
                at,
                |order| {
                    let intent = &order.intent;
                    covered(intent.slot, intent.instrument)
                        && (all || opens(intent.purpose))
                        && intent.purpose != Purpose::Flatten
                },
                out,
            );
        }
    }

    /// The one halt of degradation follows the mode, down as well as up.
    fn set_mode(&mut self, at: Timestamp, mode: OperatingMode, out: &mut Vec<Command>) {
        let (cause, scope) = (HaltCause::Degradation, HaltScope::Account);
        let is_ours = |halt: &Halt| halt.cause == cause && halt.scope == scope;
        let held = self.halts.halts().iter().find(|active| is_ours(&active.halt));
        let held = held.map_or(HaltLevel::Active, |active| active.halt.level);
        let level = mode.halt_level();
        if level < held
            && let Some(ended) = self.halts.lift(cause, scope)
        {
            self.record_halt(at, &ended, HaltStep::Ended);
        }
        if level > HaltLevel::Active {
            self.raise(at, Halt { cause, level, scope }, out);
        }
    }

    /// An operator resumes: what waits for it ends, and latched guards let go.
    fn resume(&mut self, at: Timestamp, scope: HaltScope, acknowledgement: Acknowledgement) {
        for halt in self.halts.resume(scope, acknowledgement) {
            let facts = Facts::new(at, SlotId::HOUSE, &self.instruments, self.account.book());
            self.risk.release(halt.cause, &facts);
            self.touch_risk();
            self.record_halt(at, &halt, HaltStep::Ended);
        }
    }

    fn record_halt(&mut self, at: Timestamp, halt: &Halt, step: HaltStep) {
        self.account.set_halt(self.halts.overall());
        let level = self.halts.scope_level(halt.scope);
        self.sink.record(at, &Record::Halted { halt, level, step });
    }

    /// A failed strategy opens nothing more.
    pub(super) fn stop_strategy(&mut self, at: Timestamp, slot: SlotId, out: &mut Vec<Command>) {
        out.push(alert(AlertLevel::Error, "strategy_failed", ""));
        let scope = HaltScope::Strategy(slot);
        self.raise(at, Halt::new(HaltCause::StrategyFailure, scope), out);
    }

    /// Flattening in progress: cancel first, close then, and say Flat once nothing is open.
    #[cold]
    pub(super) fn manage_halts(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        self.reopen(at);
        if !self.executions.is_empty() {
            self.step_executions(at, |_| true, out);
        }
        if !self.halts.halts().iter().any(|active| active.halt.level == HaltLevel::Flattening) {
            if self.pauses.clear() {
                self.plan_chores(at);
            }
            return;
        }
        for index in 0..self.instruments.len() {
            let Ok(index) = u32::try_from(index) else { break };
            let instrument = InstrumentId(index);
            self.cross_opposites(at, instrument, out);
            for slot in 0..self.account.book().slots() {
                let Ok(slot) = u16::try_from(slot) else { break };
                self.flatten_one(at, SlotId(slot), instrument, out);
            }
        }
        self.confirm_flat(at);
    }

    /// A fill that came after a scope was flat has opened it again: what was asked for still
    /// holds, so that it is flattened once more.
    fn reopen(&mut self, at: Timestamp) {
        for index in 0..self.halts.halts().len() {
            let Some(active) = self.halts.halts().get(index) else { return };
            let halt = Halt { level: HaltLevel::Flattening, ..active.halt };
            if active.halt.level == HaltLevel::Flat && self.is_open(halt.scope) {
                self.halts.raise(at, halt);
                self.record_halt(at, &halt, HaltStep::Began);
            }
        }
    }

    /// A cancel was refused by the venue: an order that must not rest is taken back again, a
    /// little later.
    #[cold]
    pub(super) fn cancel_again(
        &mut self,
        at: Timestamp,
        (slot, instrument): (SlotId, InstrumentId),
        purpose: Purpose,
        order: OrderId,
    ) {
        let level = self.halts.level(slot, instrument);
        let must_go = match level {
            HaltLevel::Active | HaltLevel::ReduceOnly => false,
            HaltLevel::Halted => opens(purpose),
            HaltLevel::Flattening | HaltLevel::Flat => purpose != Purpose::Flatten,
        };
        if must_go {
            self.wait_with(at, order);
        }
    }

    /// The venue's reports have brought a scope to nothing: its flattening has ended.
    fn confirm_flat(&mut self, at: Timestamp) {
        while let Some(halt) = self
            .halts
            .halts()
            .iter()
            .map(|active| active.halt)
            .find(|halt| halt.level == HaltLevel::Flattening && !self.is_open(halt.scope))
        {
            self.halts.confirm_flat(halt.scope);
            self.record_halt(at, &halt, HaltStep::Flat);
        }
    }

    /// True while a position or a live order exists in the scope.
    fn is_open(&self, scope: HaltScope) -> bool {
        let book = self.account.book();
        let held = |slot: SlotId| {
            self.instruments.iter().any(|instrument| {
                scope.covers(slot, instrument.id) && !book.position(slot, instrument.id).is_flat()
            })
        };
        let slots = (0..book.slots()).filter_map(|slot| u16::try_from(slot).ok().map(SlotId));
        let covered = |intent: &Intent| scope.covers(intent.slot, intent.instrument);
        self.orders.live().iter().any(|state| covered(&state.order.intent))
            || slots.into_iter().any(held)
    }

    pub(super) fn is_flattening(&self, slot: SlotId, instrument: InstrumentId) -> bool {
        self.halts.level(slot, instrument) == HaltLevel::Flattening
    }

    /// Brings one position nearer to zero.
    fn flatten_one(
        &mut self,
        at: Timestamp,
        slot: SlotId,
        instrument: InstrumentId,
        out: &mut Vec<Command>,
    ) {
        if !self.is_flattening(slot, instrument) || self.pauses.holds(at, slot, instrument) {
            return;
        }
        let of_this = |intent: &Intent| intent.slot == slot && intent.instrument == instrument;
        let working = self.orders.live().iter().any(|state| of_this(&state.order.intent));
        if working {
            let cancel =
                |order: &Order| of_this(&order.intent) && order.intent.purpose != Purpose::Flatten;
            return self.cancel_where(at, cancel, out);
        }
        let position = *self.account.book().position(slot, instrument);
        let Some(held) = Side::of(position.quantity) else { return };
        let mark = self.account.book().mark(instrument).map_or(f64::NAN, |mark| mark.price);
        let quantity = Qty::new(position.quantity.abs());
        let intent = Intent {
            purpose: Purpose::Flatten,
            reference: mark,
            ..Intent::market(slot, instrument, held.opposite(), quantity)
        };
        self.group.clear();
        self.group.push(intent);
        let before = self.sequence;
        self.submit(at, None, out);
        let is_flat = self.account.book().position(slot, instrument).is_flat();
        if self.sequence == before && !is_flat {
            self.pause(at, slot, instrument);
        }
    }

    /// A closing order was refused: the next one waits.
    #[cold]
    pub(super) fn pause(&mut self, at: Timestamp, slot: SlotId, instrument: InstrumentId) {
        self.pauses.refused(at, slot, instrument);
        self.plan_chores(at);
    }
}
