use core::mem;

use crate::account::Account;
use crate::metrics::MetricsSink;
use crate::order::OrderLifecycle;
use crate::risk::{Fact, HaltMachine, RiskManager, RiskSummary};
use crate::strategy::{Advice, Advised, Event, Strategy};
use crate::types::{
    AssetId, Facts, InstrumentId, Instruments, Intent, OrderUpdate, Record, Signal, SlotId,
    Timestamp,
};

use super::desk::{Desk, Notice, alert};
use super::policy::Action;
use super::slot::{Follower, Slot};
use super::{AlertLevel, Command, EngineBuilder, EngineError, Input, SlotStatus};

/// Notices that one input may cause before strategies are no longer asked: a strategy that
/// answers every refusal with the same wish would otherwise turn in circles at one instant.
const MOST_NOTICES: usize = 256;

/// The trading engine: a pure function with memory. Inputs go in, commands come out.
///
/// It opens no socket, reads no clock, draws no random number and spawns nothing. What it does
/// depends on its past inputs alone, to the bit.
///
/// `S` is the type of its strategies, boxed unless all slots hold the same type; `M` is the
/// reader of its records.
///
/// ```
/// use tradewright::engine::{Command, Engine, Input, SlotConfig};
/// use tradewright::strategy::{Strategy, from_fn};
/// use tradewright::types::{
///     Adjustment, AdjustmentCause, AdjustmentKind, Bar, Confidence, Instrument, Instruments,
///     MarketEvent, Money, Period, Timestamp,
/// };
///
/// let mut instruments = Instruments::new();
/// let spy = instruments.add(Instrument::stock("SPY", "USD"))?;
/// let usd = instruments.asset("USD")?;
///
/// let strategy: Box<dyn Strategy> = Box::new(from_fn("LONG", |event, _, advice| {
///     if event.bar().is_some() {
///         advice.buy(Confidence::FULL);
///     }
/// }));
/// let mut engine = Engine::builder(instruments, usd).slot(SlotConfig::new(strategy)).build()?;
///
/// let (start, mut commands) = (Timestamp::from_secs(1_700_000_000)?, Vec::new());
/// let deposit = AdjustmentKind::Capital(Money::new(10_000.into(), usd));
/// let deposit = Adjustment { cause: AdjustmentCause::Deposit, kind: deposit };
/// engine.handle(start, &Input::Adjustment(deposit), &mut commands)?;
///
/// let bar = Bar::new(spy, Period::DAY, [100.0, 101.0, 99.0, 100.0], 1e6)?;
/// engine.handle(start, &Input::Market(MarketEvent::Bar(bar)), &mut commands)?;
/// let Some(Command::Place(order)) = commands.first() else { panic!("an order") };
/// assert_eq!(order.id.to_string(), "tw-1-1-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Engine<S = Box<dyn Strategy>, M = ()> {
    pub(super) desk: Desk<M>,
    pub(super) slots: Vec<Slot<S>>,
    /// Slots by instrument, so that an event reaches only who trades it.
    pub(super) routes: Vec<Vec<Follower>>,
    pub(super) advice: Advice,
    /// The earliest wake-up of any slot.
    pub(super) next_wake: Timestamp,
    /// Some slot has a stop plan, or a sizer that looks at bars.
    pub(super) is_attended: bool,
    /// No gate looks at the market.
    pub(super) is_ungated: bool,
}

impl<S: Strategy> Engine<S, ()> {
    /// Starts building an engine over a table of instruments, with equity in `reporting`.
    pub fn builder(instruments: Instruments, reporting: AssetId) -> EngineBuilder<S, ()> {
        EngineBuilder::new(instruments, reporting)
    }
}

impl<S: Strategy, M: MetricsSink> Engine<S, M> {
    /// Takes one input; the commands that follow from it are appended to `out`.
    ///
    /// # Errors
    /// [`EngineError`]; the engine is as it was before the call.
    pub fn handle(
        &mut self,
        at: Timestamp,
        input: &Input,
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        match input {
            Input::Market(event) => return self.market(at, event, out),
            Input::Order(update) => return self.order(at, update, out),
            Input::Adjustment(adjustment) => {
                self.desk.check_time(at)?;
                self.desk.adjust(at, adjustment, out)?;
                self.attend_adjustment(at, adjustment, out);
                self.tell_adjusted(at, adjustment, out);
            }
            Input::Control(control) => {
                self.desk.check_time(at)?;
                self.control(at, control, out)?;
            }
            Input::Time => {
                self.desk.check_time(at)?;
                self.desk.observe(at, &Fact::Time, out);
                if self.desk.stops.is_on() {
                    self.desk.end_overdue(at, out);
                }
            }
        }
        self.round_off(at, out);
        Ok(())
    }

    /// Takes the venue's word on one of our orders: [`Engine::handle`] without the wrapping, for
    /// drivers in a hurry.
    ///
    /// # Errors
    /// As [`Engine::handle`].
    #[inline]
    pub fn order(
        &mut self,
        at: Timestamp,
        update: &OrderUpdate,
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        self.desk.check_time(at)?;
        self.desk.apply_update(at, update, out)?;
        self.attend_order(at, update, out);
        self.round_off(at, out);
        Ok(())
    }

    /// What follows every input but the market's: what is due, and what is to be told.
    #[inline]
    fn round_off(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        self.desk.now = at;
        if at >= self.desk.chore_at {
            self.desk.chores(at, out);
        }
        if at >= self.next_wake {
            self.wake(at, out);
        }
        if !(self.desk.notices.is_empty() && self.desk.fresh.is_empty()) {
            self.deliver(at, out);
        }
        // Pauses end with the last halt.
        let is_calm = self.desk.halts.is_clear()
            && self.desk.pauses.is_empty()
            && self.desk.executions.is_empty();
        if !is_calm {
            self.desk.manage_halts(at, out);
        }
        let facts = Facts::new(at, SlotId::HOUSE, &self.desk.instruments, self.desk.account.book());
        self.desk.sink.on_settled(&facts);
    }

    /// The next time at which the engine wants an [`Input::Time`], where it wants one.
    pub fn deadline(&self) -> Option<Timestamp> {
        let mut next = self.next_wake.min(self.desk.chore_at);
        if self.desk.watching.timer
            // What is due already has been asked at this time.
            && let Some(due) = self.desk.risk.deadline_by(&self.facts(SlotId::HOUSE))
            && due > self.desk.now
        {
            next = next.min(due);
        }
        if self.desk.stops.is_on()
            && let Some(end) = self.desk.stops.next_end_after(self.desk.now)
        {
            next = next.min(end);
        }
        (next < Timestamp::MAX).then_some(next)
    }

    /// The account, to read.
    pub const fn account(&self) -> &Account {
        &self.desk.account
    }

    /// The orders, to read.
    pub fn orders(&self) -> &dyn OrderLifecycle {
        &*self.desk.orders
    }

    /// The halts in force, to read.
    pub const fn halts(&self) -> &HaltMachine {
        &self.desk.halts
    }

    /// The risk manager, to read.
    pub fn risk(&self) -> &dyn RiskManager {
        &*self.desk.risk
    }

    /// The account's risk in one serialisable value: what the risk manager tells of limits and
    /// positions, and the halts in force. An alert board adds its alerts with
    /// [`AlertBoard::add_to`](crate::alert::AlertBoard::add_to).
    pub fn risk_summary(&self) -> RiskSummary {
        let summary = self.desk.risk.summary(&self.facts(SlotId::HOUSE));
        RiskSummary { halts: self.desk.halts.halts().to_vec(), ..summary }
    }

    /// The instruments of the run.
    pub const fn instruments(&self) -> &Instruments {
        &self.desk.instruments
    }

    /// The facts as a slot sees them now.
    pub fn facts(&self, slot: SlotId) -> Facts<'_> {
        self.desk.facts(self.desk.now, slot)
    }

    /// The reader of records.
    pub const fn sink(&self) -> &M {
        &self.desk.sink
    }

    /// The reader of records, to drain or reset it; it cannot change the engine.
    pub const fn sink_mut(&mut self) -> &mut M {
        &mut self.desk.sink
    }

    /// Ends the engine and hands the reader of records back.
    pub fn into_sink(self) -> M {
        self.desk.sink
    }

    /// A slot's strategy and status.
    pub fn slot(&self, id: SlotId) -> Option<(&S, SlotStatus)> {
        let slot = self.slots.get(id.index().checked_sub(1)?)?;
        Some((&slot.strategy, slot.memory.status))
    }

    /// Calls one strategy and carries out what it says.
    #[inline(always)]
    pub(super) fn ask(
        &mut self,
        at: Timestamp,
        index: usize,
        instrument: InstrumentId,
        event: &Event<'_>,
        out: &mut Vec<Command>,
    ) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        if slot.memory.status != SlotStatus::Running {
            return;
        }
        self.advice.turn_to(instrument);
        let facts = Facts::new(at, slot.id, &self.desk.instruments, self.desk.account.book());
        slot.strategy.on_event(event, &facts, &mut self.advice);
        if !self.advice.is_empty() {
            self.carry_out(at, index, out);
        }
    }

    /// The same, out of the hot path: strategies are inlined once and not at every caller.
    #[inline(never)]
    pub(super) fn ask_apart(
        &mut self,
        at: Timestamp,
        index: usize,
        instrument: InstrumentId,
        event: &Event<'_>,
        out: &mut Vec<Command>,
    ) {
        self.ask(at, index, instrument, event, out);
    }

    /// Tells strategies of fills and refusals, and carries out what they answer.
    #[inline(never)]
    pub(super) fn deliver(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        let mut notices = mem::take(&mut self.desk.delivery);
        let mut told = 0;
        // What meets inside is known once every strategy has been heard.
        while told <= MOST_NOTICES && self.has_notices(at, out) {
            // Strategies answer, and more is to be told after all of these.
            mem::swap(&mut notices, &mut self.desk.notices);
            for notice in &notices {
                told += 1;
                if told > MOST_NOTICES {
                    out.push(alert(AlertLevel::Error, "strategy_turns_in_circles", ""));
                    break;
                }
                self.tell(at, notice, out);
            }
            notices.clear();
        }
        self.desk.delivery = notices;
        self.desk.notices.clear();
        self.desk.fresh.clear();
    }

    /// True when something is to be told, or what meets inside brings it about.
    fn has_notices(&mut self, at: Timestamp, out: &mut Vec<Command>) -> bool {
        if self.desk.notices.is_empty() {
            self.cross_one(at, out);
        }
        !self.desk.notices.is_empty()
    }

    /// Tells one strategy of a fill or refusal.
    fn tell(&mut self, at: Timestamp, notice: &Notice, out: &mut Vec<Command>) {
        let Some(index) = notice.slot().index().checked_sub(1) else { return };
        let event = match notice {
            Notice::Fill(fill) => Event::Fill(fill),
            Notice::Refused { intent, group, reason } => {
                Event::Refused { intent, group: *group, reason }
            }
        };
        self.ask_apart(at, index, notice.instrument(), &event, out);
    }

    /// Calls the strategies whose time has come.
    #[cold]
    pub(super) fn wake(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(index) else { return };
            let due = slot.memory.wake_at.is_some_and(|time| time <= at);
            let first = slot.universe.first().copied().unwrap_or_default();
            if due {
                slot.memory.wake_at = None;
                self.ask_apart(at, index, first, &Event::Wake, out);
            }
        }
        self.plan_wake();
    }

    pub(super) fn plan_wake(&mut self) {
        let times = self.slots.iter().filter_map(|slot| slot.memory.wake_at);
        self.next_wake = times.min().unwrap_or(Timestamp::MAX);
    }

    /// Turns what a strategy said into intents and orders.
    #[inline(never)]
    fn carry_out(&mut self, at: Timestamp, index: usize, out: &mut Vec<Command>) {
        if let Some(error) = self.advice.error() {
            let error = error.to_string();
            self.advice.begin(InstrumentId::default());
            return self.fail(at, index, &error, out);
        }
        let items = self.advice.take_items();
        for item in &items {
            self.carry_out_one(at, index, item, out);
        }
        self.advice.give_back(items);
    }

    fn carry_out_one(
        &mut self,
        at: Timestamp,
        index: usize,
        item: &Advised,
        out: &mut Vec<Command>,
    ) {
        match item {
            Advised::Signal(signal) => self.on_signal(at, index, signal, |_| {}, out),
            Advised::Entry { signal, kind, bracket } => {
                let shape = |intent: &mut Intent| {
                    intent.kind = *kind;
                    intent.bracket = *bracket;
                };
                self.on_signal(at, index, signal, shape, out);
            }
            Advised::Target { .. } | Advised::Execute { .. } | Advised::Together(..) => {
                self.on_target(at, index, item, out);
            }
            Advised::Quote { .. } | Advised::Pull(_) | Advised::CancelAll => {
                self.on_quote(at, index, item, out);
            }
            Advised::WakeAt(time) => {
                if let Some(slot) = self.slots.get_mut(index) {
                    slot.memory.wake_at = Some(*time);
                }
                self.plan_wake();
            }
        }
    }

    /// Policy, then sizer, then desk.
    fn on_signal(
        &mut self,
        at: Timestamp,
        index: usize,
        signal: &Signal,
        shape: impl Fn(&mut Intent),
        out: &mut Vec<Command>,
    ) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        let desk = &mut self.desk;
        desk.sink.record(at, &Record::Signal { slot: slot.id, signal });
        if !slot.universe.contains(&signal.instrument) {
            return desk.pass(at, slot.id, signal.instrument, super::report::POLICY);
        }
        let book = desk.account.book();
        let position = book.position(slot.id, signal.instrument);
        let entries = slot.entries(signal.instrument);
        let action = slot.policy.decide(signal.side, position, entries);
        let from_flat = position.is_flat();
        let mut intent = desk.draft(slot.id, signal);
        match action {
            Action::Pass => {
                return desk.pass(at, slot.id, signal.instrument, super::report::POLICY);
            }
            Action::Close(quantity) => {
                let (id, instrument) = (slot.id, signal.instrument);
                return desk.close(at, id, instrument, (quantity, intent), out);
            }
            Action::Open | Action::Reverse(_) => {}
        }
        let facts = Facts::new(at, slot.id, &desk.instruments, desk.account.book());
        let Some(instrument) = desk.instruments.get(signal.instrument) else { return };
        match slot.sizer.size(signal, instrument, &facts) {
            Ok(amount) => intent.amount = amount,
            Err(reason) => return desk.pass(at, slot.id, signal.instrument, reason),
        }
        if let Action::Reverse(held) = action {
            desk.drop_executions(at, (slot.id, signal.instrument), out);
            desk.cancel_where(at, |order| is_of(order.intent, slot.id, signal.instrument), out);
            intent.amount = super::report::enlarged(intent.amount, held, intent.valuation_price());
        }
        shape(&mut intent);
        slot.count_entry(signal.instrument, from_flat);
        desk.group.clear();
        desk.group.push(intent);
        desk.submit(at, None, out);
    }

    /// A strategy failed: its slot stops, its resting entries go, the others go on.
    #[cold]
    fn fail(&mut self, at: Timestamp, index: usize, error: &str, out: &mut Vec<Command>) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        slot.memory.status = SlotStatus::Failed;
        let id = slot.id;
        self.desk.sink.record(at, &Record::Failed { slot: id, error });
        self.desk.stop_strategy(at, id, out);
    }
}

fn is_of(intent: Intent, slot: SlotId, instrument: InstrumentId) -> bool {
    intent.slot == slot && intent.instrument == instrument
}
