//! The desk: everything of the engine but the strategies. It turns intents into orders.

use rust_decimal::Decimal;

use crate::account::Account;
use crate::metrics::MetricsSink;
use crate::order::{InFlight, OrderLifecycle};
use crate::risk::{
    Assessment, Fact, Finding, HaltChange, HaltMachine, OrderGate, RiskManager, split,
};
use crate::types::{
    Amount, Facts, Fill, GroupId, HaltLevel, InstrumentId, Instruments, Intent, Money, Order,
    OrderId, Purpose, Qty, Reason, ReasonCode, Record, RejectReason, SlotId, Timestamp, Trade,
};

use super::group::Groups;
use super::stops::Stops;
use super::{Alert, AlertLevel, Command, EngineError};

pub(super) struct Desk<M> {
    pub(super) instruments: Instruments,
    pub(super) account: Account,
    pub(super) orders: Box<dyn OrderLifecycle>,
    pub(super) risk: Box<dyn RiskManager>,
    pub(super) gates: Vec<Box<dyn OrderGate>>,
    pub(super) halts: HaltMachine,
    pub(super) sink: M,
    pub(super) groups: Groups,
    pub(super) stops: Stops,
    pub(super) epoch: u32,
    pub(super) sequence: u64,
    pub(super) now: Timestamp,
    pub(super) notices: Vec<Notice>,
    pub(super) closed: Vec<Trade>,
    pub(super) paid: Vec<(SlotId, Money)>,
    pub(super) changes: Vec<HaltChange>,
    pub(super) verdict: Assessment,
    pub(super) group: Vec<Intent>,
}

/// Something that a strategy has to be told.
#[derive(Clone, Copy, Debug)]
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

    /// Guards and rules look at what happened; halts follow.
    #[inline]
    pub(super) fn observe(&mut self, at: Timestamp, fact: &Fact<'_>, out: &mut Vec<Command>) {
        let facts = Facts::new(at, SlotId::HOUSE, &self.instruments, self.account.book());
        self.risk.observe(fact, &facts, &mut self.changes);
        if !self.changes.is_empty() {
            self.apply_halt_changes(at, out);
        }
    }

    /// The same for a mark, which every event of the market brings.
    #[inline(always)]
    pub(super) fn observe_mark(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        let facts = Facts::new(at, SlotId::HOUSE, &self.instruments, self.account.book());
        self.risk.observe(&Fact::Mark, &facts, &mut self.changes);
        if !self.changes.is_empty() {
            self.apply_halt_changes(at, out);
        }
    }

    /// Sends the group in `self.group`: all of it or, with a group id, nothing.
    pub(super) fn submit(&mut self, at: Timestamp, id: Option<GroupId>, out: &mut Vec<Command>) {
        let group = core::mem::take(&mut self.group);
        if self.stops.is_on() {
            self.yield_stops(at, &group, out);
        }
        self.judge(at, &group);
        let whole = self.verdict.approved;
        for (index, intent) in group.iter().enumerate() {
            let granted = self.verdict.granted.get(index).copied().unwrap_or_default();
            let reason = self.reason_for(index);
            if let Some(reason) = reason {
                let granted = if id.is_some() { Qty::ZERO } else { granted };
                self.sink.record(at, &Record::Refused { intent, granted, reason: &reason });
                self.notices.push(Notice::Refused { intent: *intent, group: id, reason });
            }
            if (id.is_some() && !whole) || granted.value() <= Decimal::ZERO {
                continue;
            }
            self.place(at, intent, granted, id, out);
        }
        self.group = group;
        self.group.clear();
    }

    /// Review by risk, then by the halts in force: they take what would open.
    fn judge(&mut self, at: Timestamp, group: &[Intent]) {
        let facts = Facts::new(at, SlotId::HOUSE, &self.instruments, self.account.book());
        self.verdict.clear();
        self.risk.review(group, &facts, &mut self.verdict);
        for (index, intent) in group.iter().enumerate() {
            let level = self.halts.level(intent.slot, intent.instrument);
            if level == HaltLevel::Active {
                continue;
            }
            let parts = split(intent, &facts);
            let cash = matches!(intent.amount, Amount::Cash(_));
            if let Some(granted) = self.verdict.granted.get_mut(index) {
                let reducing = if cash { Decimal::ZERO } else { parts.reducing };
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

    fn reason_for(&self, index: usize) -> Option<Reason> {
        let mut findings = self.verdict.findings.iter();
        findings.find(|finding| finding.intent == index).map(|finding| finding.reason)
    }

    /// Makes an order of a granted intent, passes the gates, and sends it.
    fn place(
        &mut self,
        at: Timestamp,
        intent: &Intent,
        granted: Qty,
        group: Option<GroupId>,
        out: &mut Vec<Command>,
    ) {
        let mut intent = *intent;
        if let Amount::Quantity(quantity) = &mut intent.amount {
            *quantity = granted;
        }
        let sequence = self.sequence + 1;
        let id = OrderId::new(self.epoch, intent.slot, sequence);
        let order = Order { id, created_at: at, intent };
        if let Err(refusal) = self.pass_gates(at, &order) {
            let reason = reason_of(refusal);
            self.sink.record(
                at,
                &Record::Refused { intent: &intent, granted: Qty::ZERO, reason: &reason },
            );
            self.notices.push(Notice::Refused { intent, group, reason });
            return;
        }
        if self.orders.open(at, &order).is_err() {
            return;
        }
        self.sequence = sequence;
        if let Some(group) = group {
            self.groups.join(group, &order);
        }
        self.reserve(intent.slot, intent.instrument);
        if intent.purpose == Purpose::StopLoss {
            self.note_protection(intent.slot, intent.instrument);
        }
        self.sink.record(at, &Record::Placed { order: &order });
        out.push(Command::Place(order));
    }

    fn pass_gates(&mut self, at: Timestamp, order: &Order) -> Result<(), RejectReason> {
        let facts = Facts::new(at, order.intent.slot, &self.instruments, self.account.book());
        self.gates.iter_mut().try_for_each(|gate| gate.check(order, &facts))
    }

    /// Copies what an owner's working orders reserve into the facts.
    pub(super) fn reserve(&mut self, slot: SlotId, instrument: InstrumentId) {
        let reserved = self.orders.reserved(slot, instrument);
        // A sum that does not fit keeps the old reservation, which is the stricter one: the
        // new order's own quantity passed the same sums in the review.
        let _ =
            self.account.reserve(slot, instrument, reserved.buy, reserved.sell, reserved.orders);
    }

    /// Asks the venue to take an order back, once.
    pub(super) fn cancel(&mut self, at: Timestamp, id: OrderId, out: &mut Vec<Command>) {
        let Some(state) = self.orders.find(id) else { return };
        if state.status.is_terminal() || state.in_flight == InFlight::Cancel {
            return;
        }
        let intent = state.order.intent;
        let instrument = intent.instrument;
        if self.orders.request(at, id, InFlight::Cancel).is_ok() {
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
