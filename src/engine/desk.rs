//! The desk: everything of the engine but the strategies. It turns intents into orders.

use rust_decimal::Decimal;

use crate::account::Account;
use crate::metrics::MetricsSink;
use crate::order::{InFlight, OrderLifecycle};
use crate::risk::{
    Assessment, Finding, GateEvent, HaltChange, HaltMachine, OrderGate, Refusal, RiskManager,
    split_after,
};
use crate::types::{
    Amount, Facts, Fill, GroupId, HaltLevel, InstrumentId, Instruments, Intent, Leg, LimitUse,
    Linkage, Money, Order, OrderId, Purpose, Qty, Reason, ReasonCode, Record, RejectReason, SlotId,
    Timestamp, Trade, small::is_above_zero,
};

use super::execute::Executions;
use super::group::Groups;
use super::limits::LimitBook;
use super::pauses::Pauses;
use super::stops::Stops;
use super::telling::Quiet;
use super::{ActionPolicy, Alert, AlertLevel, Command, EngineError, Netting};

pub(super) struct Desk<M> {
    pub(super) instruments: Instruments,
    pub(super) account: Account,
    pub(super) orders: Box<dyn OrderLifecycle>,
    pub(super) risk: Box<dyn RiskManager>,
    pub(super) quiet: Quiet,
    pub(super) gates: Vec<Box<dyn OrderGate>>,
    pub(super) watching: Watching,
    pub(super) actions: ActionPolicy,
    pub(super) limits: LimitBook,
    /// Cancels that found no room in the message budget, or were refused a moment ago.
    pub(super) waiting: Vec<OrderId>,
    /// Orders whose cancel the venue has refused, and when it may be asked again.
    pub(super) refused: Vec<(OrderId, Timestamp)>,
    pub(super) pauses: Pauses,
    /// When the next thing that was put off is due.
    pub(super) chore_at: Timestamp,
    pub(super) halts: HaltMachine,
    pub(super) sink: M,
    pub(super) groups: Groups,
    pub(super) stops: Stops,
    pub(super) executions: Executions,
    pub(super) epoch: u32,
    pub(super) sequence: u64,
    pub(super) now: Timestamp,
    pub(super) notices: Vec<Notice>,
    /// Room for the notices that are being delivered.
    pub(super) delivery: Vec<Notice>,
    pub(super) closed: Vec<Trade>,
    pub(super) paid: Vec<(SlotId, Money)>,
    pub(super) changes: Vec<HaltChange>,
    pub(super) verdict: Assessment,
    pub(super) group: Vec<Intent>,
    pub(super) netting: Netting,
    /// Orders of this input that may still be crossed; empty between inputs.
    pub(super) fresh: Vec<OrderId>,
    pub(super) usage: Vec<LimitUse>,
}

/// Who wants more than marks; asked once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watching {
    pub(super) gates: bool,
    pub(super) risk: bool,
    pub(super) timer: bool,
}

/// Something that a strategy has to be told.
#[derive(Debug)]
pub(super) enum Notice {
    Fill(Fill),
    Refused { intent: Intent, group: Option<GroupId>, reason: Reason },
}

impl Notice {
    pub(super) const fn slot(&self) -> SlotId {
        match self {
            Self::Fill(fill) => fill.slot,
            Self::Refused { intent, .. } => intent.slot,
        }
    }

    pub(super) const fn instrument(&self) -> InstrumentId {
        match self {
            Self::Fill(fill) => fill.instrument,
            Self::Refused { intent, .. } => intent.instrument,
        }
    }
}

impl<M: MetricsSink> Desk<M> {
    #[inline]
    pub(super) fn facts(&self, at: Timestamp, slot: SlotId) -> Facts<'_> {
        Facts::new(at, slot, &self.instruments, self.account.book())
    }

    /// Sends the group in `self.group`: all of it or, with a group id, nothing.
    pub(super) fn submit(&mut self, at: Timestamp, id: Option<GroupId>, out: &mut Vec<Command>) {
        let mut group = core::mem::take(&mut self.group);
        if !self.halts.is_clear() && id.is_none() {
            self.cross_exits(at, &mut group, out);
        }
        if self.stops.is_on() {
            self.yield_stops(at, &group, out);
        }
        self.yield_exits(at, &group, out);
        self.judge(at, &group);
        let whole = self.verdict.approved;
        for (index, intent) in group.iter().enumerate() {
            let granted = self.verdict.granted.get(index).copied().unwrap_or_default();
            if !self.verdict.findings.is_empty() {
                let told = if id.is_some() { Qty::ZERO } else { granted };
                self.tell_refused(at, (index, intent), told, id);
            }
            if (id.is_some() && !whole) || !is_above_zero(granted.value()) {
                continue;
            }
            let is_sent = self.place(at, intent, granted, id, out);
            if let (false, Some(id)) = (is_sent, id) {
                // A gate has refused a leg: the group falls, and what was sent is taken back.
                self.unwind(at, id, out);
                break;
            }
        }
        self.group = group;
        self.group.clear();
    }

    /// Review by risk, then by the halts in force.
    fn judge(&mut self, at: Timestamp, group: &[Intent]) {
        let facts = Facts::new(at, SlotId::HOUSE, &self.instruments, self.account.book());
        self.verdict.clear();
        self.risk.review(group, &facts, &mut self.verdict);
        if !self.halts.is_clear() {
            self.judge_by_halts(at, group);
        }
    }

    /// Halts take what would open.
    #[cold]
    fn judge_by_halts(&mut self, at: Timestamp, group: &[Intent]) {
        let facts = Facts::new(at, SlotId::HOUSE, &self.instruments, self.account.book());
        for (index, intent) in group.iter().enumerate() {
            let level = self.halts.level(intent.slot, intent.instrument);
            if level == HaltLevel::Active {
                continue;
            }
            let cash = matches!(intent.amount, Amount::Cash(_));
            let reducing = match (cash, self.halts.venue_level(intent.instrument)) {
                (true, _) => Decimal::ZERO,
                // Only the strategy is stopped: what it holds itself may be closed, whatever
                // the others hold.
                (false, HaltLevel::Active) => own_reducing(intent, &group[..index], &facts),
                (false, _) => split_after(intent, &group[..index], &facts).reducing,
            };
            if let Some(granted) = self.verdict.granted.get_mut(index) {
                let left = granted.value().min(reducing);
                if left < granted.value() {
                    *granted = Qty::new(left);
                    let halted = self.halts.reason(intent.slot, intent.instrument);
                    let reason = halted.unwrap_or(Reason::new(ReasonCode::Halted, 0.0, 1.0));
                    let finding =
                        Finding { intent: index, rule: "halt", granted: *granted, reason };
                    self.verdict.findings.insert(0, finding);
                    self.verdict.approved = false;
                    self.verdict.risk_score = 1.0;
                }
            }
        }
    }

    /// Tells what the verdict has to object to an intent.
    #[cold]
    fn tell_refused(
        &mut self,
        at: Timestamp,
        (index, intent): (usize, &Intent),
        granted: Qty,
        group: Option<GroupId>,
    ) {
        let mut findings = self.verdict.findings.iter();
        let found = findings.find(|finding| finding.intent == index);
        if let Some(reason) = found.map(|finding| finding.reason) {
            self.sink.record(at, &Record::Refused { intent, granted, reason: &reason });
            self.notices.push(Notice::Refused { intent: *intent, group, reason });
        }
    }

    /// Makes an order of a granted intent, passes the gates, and sends it.
    fn place(
        &mut self,
        at: Timestamp,
        intent: &Intent,
        granted: Qty,
        group: Option<GroupId>,
        out: &mut Vec<Command>,
    ) -> bool {
        let sequence = self.sequence + 1;
        let id = OrderId::new(self.epoch, intent.slot, sequence);
        let mut order = Order { id, created_at: at, intent: *intent };
        if let Amount::Quantity(quantity) = &mut order.intent.amount {
            *quantity = granted;
        }
        if !self.passes_gates(at, &mut order, group, out) || self.orders.open(at, &order).is_err() {
            return false;
        }
        self.sequence = sequence;
        if let Some(group) = group {
            self.groups.join(group, &order);
        }
        self.reserve(intent.slot, intent.instrument);
        if intent.purpose == Purpose::StopLoss {
            self.note_protection(intent.slot, intent.instrument);
        }
        self.tell_gates(at, &GateEvent::Placed(&order));
        self.sink.record(at, &Record::Placed { order: &order });
        send(&order, out);
        if self.netting == Netting::AtMark && group.is_none() {
            self.may_meet(&order);
        }
        true
    }

    /// Shows an order to every gate: what passes is all of it, its reducing part, which it is
    /// cut to, or nothing.
    fn passes_gates(
        &mut self,
        at: Timestamp,
        order: &mut Order,
        group: Option<GroupId>,
        out: &mut Vec<Command>,
    ) -> bool {
        loop {
            let facts = self.facts(at, order.intent.slot);
            let refusal = self.gates.iter().find_map(|gate| gate.check(order, &facts).err());
            let Some(refusal) = refusal else { return true };
            if !self.is_cut(at, order, (&refusal, group), out) {
                return false;
            }
        }
    }

    /// Cuts an order to what a gate has left of it; false when that is nothing.
    #[cold]
    fn is_cut(
        &mut self,
        at: Timestamp,
        order: &mut Order,
        (refusal, group): (&Refusal, Option<GroupId>),
        out: &mut Vec<Command>,
    ) -> bool {
        let (intent, reason) = (order.intent, refusal.reason);
        let asked = match intent.amount {
            Amount::Quantity(quantity) => quantity.value(),
            Amount::Cash(_) => Decimal::ZERO,
        };
        let left = refusal.granted.value();
        // Always less than before, so that this comes to an end.
        let is_less = left > Decimal::ZERO && left < asked && group.is_none();
        let granted = if is_less { refusal.granted } else { Qty::ZERO };
        self.sink.record(at, &Record::Refused { intent: &intent, granted, reason: &reason });
        self.notices.push(Notice::Refused { intent, group, reason });
        if let Some(halt) = refusal.halt {
            self.raise(at, halt, out);
        }
        if is_less {
            order.intent.amount = Amount::Quantity(granted);
        }
        is_less
    }

    /// Tells every gate what left or came back.
    pub(super) fn tell_gates(&mut self, at: Timestamp, event: &GateEvent<'_>) {
        let facts = Facts::new(at, SlotId::HOUSE, &self.instruments, self.account.book());
        for gate in &mut self.gates {
            gate.observe(event, &facts);
        }
    }

    /// Tells the reader of records how much of every limit is used.
    #[cold]
    #[inline(never)]
    pub(super) fn tell_limits(&mut self, at: Timestamp) {
        let facts = Facts::new(at, SlotId::HOUSE, &self.instruments, self.account.book());
        self.usage.clear();
        self.risk.usage(&facts, &mut self.usage);
        self.sink.on_limits(&facts, &self.usage);
    }

    /// Copies what an owner's working orders reserve into the facts.
    pub(super) fn reserve(&mut self, slot: SlotId, instrument: InstrumentId) {
        let reserved = self.orders.reserved(slot, instrument);
        // A sum that does not fit keeps the old reservation, which is the stricter one: the
        // new order's own quantity passed the same sums in the review.
        let _ =
            self.account.reserve(slot, instrument, reserved.buy, reserved.sell, reserved.orders);
    }

    /// Asks the venue to take an order back, once; what it has just refused, a little later.
    #[inline(never)]
    pub(super) fn cancel(&mut self, at: Timestamp, id: OrderId, out: &mut Vec<Command>) {
        // What waits has its time.
        if at < self.chore_at && self.waiting.contains(&id) {
            return;
        }
        let Some(state) = self.orders.find(id) else { return };
        if state.status.is_terminal() || state.in_flight == InFlight::Cancel {
            return;
        }
        let order = state.order;
        let (intent, instrument) = (order.intent, order.intent.instrument);
        let facts = self.facts(at, order.intent.slot);
        let mut answers = self.gates.iter().map(|gate| gate.check_cancel(&order, &facts));
        if self.refused_until(at, id).is_some() || answers.any(|answer| answer.is_err()) {
            return self.wait_with(at, id);
        }
        if self.orders.request(at, id, InFlight::Cancel).is_ok() {
            self.tell_gates(at, &GateEvent::Cancelling(&order));
            out.push(Command::Cancel { order: id, instrument });
            if intent.flags.reduce_only {
                self.reserve(intent.slot, instrument);
            }
        }
    }

    /// Cancels the live orders that `which` names.
    pub(super) fn cancel_where(
        &mut self,
        at: Timestamp,
        which: impl Fn(&Order) -> bool,
        out: &mut Vec<Command>,
    ) {
        let mut index = 0;
        while let Some(state) = self.orders.live().get(index) {
            let (id, wanted) = (state.order.id, which(&state.order));
            index += 1;
            if wanted {
                self.cancel(at, id, out);
            }
        }
    }

    pub(super) fn check_time(&self, at: Timestamp) -> Result<(), EngineError> {
        if at < self.now {
            return Err(EngineError::TimeGoesBack { previous: self.now, at });
        }
        Ok(())
    }
}

/// Kept apart, so that the command is made where it stays.
#[inline(never)]
fn send(order: &Order, out: &mut Vec<Command>) {
    out.push(Command::Place(*order));
}

/// What of an intent closes the strategy's own position, with its working orders and the legs
/// before it filled.
pub(super) fn own_reducing(intent: &Intent, earlier: &[Intent], facts: &Facts<'_>) -> Decimal {
    let position = facts.book.position(intent.slot, intent.instrument);
    let Amount::Quantity(quantity) = intent.amount else { return Decimal::ZERO };
    if intent.leg != Leg::Net {
        return split_after(intent, earlier, facts).reducing;
    }
    let against = (-intent.side.signed(position.quantity)).max(Decimal::ZERO);
    let legs = earlier.iter().filter(|leg| {
        let is_same = leg.slot == intent.slot && leg.instrument == intent.instrument;
        let is_linked =
            matches!(leg.linkage, Linkage::OneCancelsOther(_)) && leg.linkage == intent.linkage;
        is_same && leg.side == intent.side && !is_linked
    });
    let taken = legs.fold(position.working(intent.side), |sum, leg| match leg.amount {
        Amount::Quantity(quantity) => sum.saturating_add(quantity.value()),
        Amount::Cash(_) => Decimal::MAX,
    });
    let taken = if intent.flags.reduce_only { Decimal::ZERO } else { taken };
    quantity.value().min(against.saturating_sub(taken).max(Decimal::ZERO))
}

/// A command to tell a person.
pub(super) fn alert(level: AlertLevel, code: &str, subject: &str) -> Command {
    Command::Alert(Alert { level, code: code.into(), subject: subject.into() })
}

/// True for orders that would open or enlarge: a halt cancels them, exits stay.
pub(super) const fn opens(purpose: Purpose) -> bool {
    match purpose {
        Purpose::Entry | Purpose::Quote => true,
        Purpose::Exit
        | Purpose::StopLoss
        | Purpose::TakeProfit
        | Purpose::Flatten
        | Purpose::Liquidation => false,
    }
}

/// A venue's or gate's refusal in the words of reasons.
pub(super) fn reason_of(refusal: RejectReason) -> Reason {
    let code = match refusal {
        RejectReason::InsufficientFunds => ReasonCode::BuyingPower,
        RejectReason::NotTrading => ReasonCode::TradingHours,
        RejectReason::Other(label) => ReasonCode::Custom(label),
        RejectReason::WouldTake => ReasonCode::Custom("would_take".into()),
        RejectReason::NothingToReduce => ReasonCode::Custom("nothing_to_reduce".into()),
        RejectReason::NoLiquidity => ReasonCode::Custom("no_liquidity".into()),
        RejectReason::InvalidOrder | RejectReason::DuplicateId | RejectReason::NotFound => {
            ReasonCode::InvalidOrder
        }
    };
    Reason::new(code, f64::NAN, f64::NAN)
}
