//! Orders on their way: what the engine decides becomes requests, what the venue answers becomes
//! reports.

use core::mem;

use crate::engine::{Alert, Command, Control, EngineError, Input};
use crate::metrics::MetricsSink;
use crate::strategy::Strategy;
use crate::types::{
    AlertLevel, FillReport, Halt, HaltCause, HaltScope, InstrumentId, Intent, Label, Order,
    OrderId, OrderReport, OrderUpdate, Price, Purpose, Qty, RejectReason, Side, Timestamp,
};
use crate::venue::{Answer, OrderChange, TalkAction};

use super::bot::Phase;
use super::{Bot, BotAction, NoticeKind};
use crate::live::Request;

/// An order that was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) instrument: InstrumentId,
    /// It may open or enlarge a position.
    pub(super) opens: bool,
}

impl Sent {
    pub(super) const fn of(order: &Order) -> Self {
        let intent = &order.intent;
        Self { instrument: intent.instrument, opens: opens(intent.purpose) }
    }
}

/// True for what opens or enlarges a position.
pub(super) const fn opens(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Entry | Purpose::Quote)
}

impl<S: Strategy, M: MetricsSink> Bot<S, M> {
    /// Turns what the engine has decided into requests.
    pub(super) fn carry_out(&mut self, at: Timestamp, command: Command, out: &mut Vec<BotAction>) {
        match command {
            Command::Place(order) => self.place(at, &order, out),
            Command::Cancel { order, instrument } => {
                if self.may_change(order, instrument) {
                    self.changes.insert(order, at);
                    out.push(BotAction::Request(Request::Cancel { order, instrument }));
                }
            }
            Command::Amend { order, instrument, quantity, price } => {
                if self.may_change(order, instrument) {
                    self.amend(at, order, (quantity, price), out);
                }
            }
            Command::Alert(alert) => self.tell_alert(at, &alert, out),
        }
    }

    fn place(&mut self, at: Timestamp, order: &Order, out: &mut Vec<BotAction>) {
        if let Some(why) = self.block(&order.intent) {
            let report = OrderReport::Rejected(RejectReason::Other(Label::new(why)));
            self.answers.push_back(update(order, report));
            return;
        }
        self.sent.insert(order.id, Sent::of(order));
        self.talk.place(at, order, &mut self.todo);
        self.run_talk(at, out);
    }

    /// Why this order does not leave; `None` when it may.
    fn block(&self, intent: &Intent) -> Option<&'static str> {
        if !self.may_send() {
            return Some("not_reconciled");
        }
        if !opens(intent.purpose) {
            return None;
        }
        if !self.is_reconciled() {
            return Some("not_reconciled");
        }
        if matches!(self.phase, Phase::Stopping(_)) {
            return Some("stopping");
        }
        (!self.has_market(intent.instrument)).then_some("no_market_data")
    }

    /// False until the account was reconciled for the first time.
    pub(super) const fn may_send(&self) -> bool {
        match self.phase {
            Phase::Starting | Phase::Stopped | Phase::Failed => false,
            Phase::Running | Phase::Stopping(_) => true,
        }
    }

    /// True when changes may be sent; otherwise this one is refused in the venue's place.
    fn may_change(&mut self, order: OrderId, instrument: InstrumentId) -> bool {
        if self.may_send() {
            return true;
        }
        let report = OrderReport::ChangeRefused(RejectReason::Other(Label::new("not_reconciled")));
        self.answers.push_back(self.word_on(order, instrument, report));
        false
    }

    fn amend(
        &mut self,
        at: Timestamp,
        id: OrderId,
        (quantity, price): (Qty, Price),
        out: &mut Vec<BotAction>,
    ) {
        let Some(state) = self.engine.orders().find(id) else { return };
        let (order, kind) = (state.order, state.order.intent.kind);
        let quantity_now = state.quantity.unwrap_or(quantity);
        let price_now = kind.limit().or(kind.trigger());
        let change = OrderChange { order, quantity, price, price_now, quantity_now };
        self.changes.insert(id, at);
        out.push(BotAction::Request(Request::Amend(change)));
    }

    fn tell_alert(&self, at: Timestamp, alert: &Alert, out: &mut Vec<BotAction>) {
        // Halts are told by themselves, with their cause.
        if !matches!(alert.code.as_str(), "halted" | "strategy_failed") {
            let text = format!("{} {}", alert.code, alert.subject);
            self.tell(at, NoticeKind::Alert, alert.level, &text.trim(), out);
        }
    }

    /// Does what the conversation about orders asks for.
    pub(super) fn run_talk(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        while !self.todo.is_empty() {
            for action in mem::take(&mut self.todo) {
                self.act(at, action, out);
            }
        }
    }

    fn act(&mut self, at: Timestamp, action: TalkAction, out: &mut Vec<BotAction>) {
        let instrument = |order| self.talk.order(order).map(|order| order.intent.instrument);
        match action {
            TalkAction::Send(order) => {
                if let Some(order) = self.talk.send(at, order) {
                    out.push(BotAction::Request(Request::Place(order)));
                }
            }
            TalkAction::Query(order) => {
                if let Some(instrument) = instrument(order) {
                    out.push(BotAction::Request(Request::Find { order, instrument }));
                }
            }
            TalkAction::FetchFills(order) => {
                if let Some(instrument) = instrument(order) {
                    out.push(BotAction::Request(Request::Fills { order, instrument }));
                }
            }
            TalkAction::Uncertain(order) => {
                let input = Input::Control(Control::Uncertain(order));
                if let Err(error) = self.feed(at, input, out) {
                    self.tell(at, NoticeKind::BotError, AlertLevel::Error, &error, out);
                }
            }
            TalkAction::Report(update) => self.report(at, update, out),
        }
    }

    /// Hands the engine a word on an order; a fill that it has booked already is left out.
    pub(super) fn report(&mut self, at: Timestamp, update: OrderUpdate, out: &mut Vec<BotAction>) {
        let (instrument, report) = (update.instrument, update.report);
        if let OrderReport::Fill(fill) | OrderReport::Liquidated(fill) = &report {
            if self.engine.account().is_repeated(instrument, fill.trade) {
                return;
            }
            self.reconciler.booked(at.max(self.last));
        }
        if let Err(error) = self.feed(at, Input::Order(update), out) {
            self.not_booked(at, instrument, &error, out);
        }
    }

    /// A word of the venue's could not be taken: its instrument is halted, and a person told.
    #[cold]
    fn not_booked(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        error: &EngineError,
        out: &mut Vec<BotAction>,
    ) {
        let text = format!("a report in instrument {} was not booked: {error}", instrument.0);
        self.tell(at, NoticeKind::BotError, AlertLevel::Critical, &text, out);
        let scope = HaltScope::Symbol(instrument);
        let halt = Control::Halt(Halt::new(HaltCause::FillAnomaly, scope));
        if let Err(error) = self.feed(at, Input::Control(halt), out) {
            self.tell(at, NoticeKind::BotError, AlertLevel::Critical, &error, out);
        }
    }

    /// Takes the answer to an order that was sent.
    pub(super) fn on_placed(
        &mut self,
        at: Timestamp,
        (id, answer): (OrderId, Answer),
        fills: &[FillReport],
        out: &mut Vec<BotAction>,
    ) {
        // Each order is sent once: an id that is in use says that it has arrived.
        let answer = match answer {
            Answer::Refused(RejectReason::DuplicateId) => Answer::Unknown,
            Answer::Accepted | Answer::Refused(_) | Answer::Unknown => answer,
        };
        self.talk.on_answer(at, id, answer, &mut self.todo);
        self.run_talk(at, out);
        for fill in fills {
            let order = self.engine.orders().find(id).map(|state| state.order);
            if let Some(order) = order {
                self.report(at, update(&order, OrderReport::Fill(*fill)), out);
            }
        }
    }

    /// Takes the answer to a cancel or an amendment.
    pub(super) fn on_changed(
        &mut self,
        at: Timestamp,
        (id, answer): (OrderId, Answer),
        out: &mut Vec<BotAction>,
    ) {
        let Some(state) = self.engine.orders().find(id).copied() else { return };
        if state.status.is_terminal() {
            return;
        }
        match answer {
            // The news tell what it has become. Should they be lost, the next picture does.
            Answer::Accepted => return,
            Answer::Refused(reason) => {
                self.changes.remove(&id);
                let refused = OrderReport::ChangeRefused(reason);
                if reason == RejectReason::NotFound {
                    self.talk.recall(at, &state.order, &mut self.todo);
                }
                self.report(at, update(&state.order, refused), out);
            }
            Answer::Unknown => self.talk.recall(at, &state.order, &mut self.todo),
        }
        self.run_talk(at, out);
    }

    /// An order that is over is no longer waited for.
    pub(super) fn forget_ended(&mut self, id: OrderId) {
        let state = self.engine.orders().find(id);
        if state.is_none_or(|state| state.status.is_terminal()) {
            self.sent.remove(&id);
            self.changes.remove(&id);
        }
    }

    /// A report on an order in the engine's form, where only its id may be known.
    pub(super) fn word_on(
        &self,
        order: OrderId,
        instrument: InstrumentId,
        report: OrderReport,
    ) -> OrderUpdate {
        match self.engine.orders().find(order) {
            Some(state) => update(&state.order, report),
            None => {
                let leg = Default::default();
                OrderUpdate { order, instrument, side: Side::Buy, leg, report }
            }
        }
    }
}

/// A report on an order in the engine's form.
pub(super) const fn update(order: &Order, report: OrderReport) -> OrderUpdate {
    let intent = &order.intent;
    let (instrument, side, leg) = (intent.instrument, intent.side, intent.leg);
    OrderUpdate { order: order.id, instrument, side, leg, report }
}
