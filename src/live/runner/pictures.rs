//! A picture of the account is compared with the books, and every difference explained.

use rust_decimal::Decimal;

use crate::engine::{Control, Input};
use crate::metrics::MetricsSink;
use crate::order::{InFlight, OrderState as OwnOrder};
use crate::strategy::Strategy;
use crate::types::{
    Acknowledgement, Adjustment, AdjustmentCause, AdjustmentKind, AlertLevel, AssetId, Halt,
    HaltCause, HaltScope, Instrument, InstrumentId, InstrumentKind, Label, Money, OrderReport,
    Price, Qty, RejectReason, SlotId, Timestamp, to_f64,
};
use crate::venue::OrderState;

use super::bot::{Phase, STARTING};
use super::orders::update;
use super::reconcile::{Holding, TOLD_FAILURES, holdings, ours};
use super::{Bot, BotAction, Difference, Explained, NoticeKind, Resolution, UnknownOrders};
use crate::live::{Picture, Request};

/// Pictures in a row that have to show the same difference of a holding before it counts: what
/// was traded a moment ago may be in one number already and not yet in another.
const CONFIRMATIONS: u32 = 2;

/// Explanations that are kept.
const MOST_EXPLAINED: usize = 1_000;

impl<S: Strategy, M: MetricsSink> Bot<S, M> {
    /// Asks for pictures that are due, and gives up those that do not come.
    pub(super) fn watch_pictures(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        let config = self.config.reconcile;
        if self.reconciler.is_overdue(at, &config) {
            self.picture_failed(at, "no answer", out);
        }
        if self.reconciler.is_due(at) || self.has_open_change(at) {
            self.take_picture(at, out);
        }
    }

    /// True when a cancel or change has waited for its answer for too long.
    fn has_open_change(&self, at: Timestamp) -> bool {
        let timeout = self.config.orders.timeout;
        self.may_send() && self.changes.values().any(|since| since.after(timeout) <= at)
    }

    /// When the first cancel or change has waited for too long.
    pub(super) fn change_deadline(&self) -> Option<Timestamp> {
        let timeout = self.config.orders.timeout;
        let first = self.changes.values().min()?;
        (self.may_send() && !self.reconciler.is_asking()).then(|| first.after(timeout))
    }

    pub(super) fn take_picture(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        let Some(number) = self.reconciler.ask(at.max(self.last)) else { return };
        let fills = self.reconciler.cursors(self.engine.instruments());
        out.push(BotAction::Request(Request::Picture { number, fills }));
    }

    fn picture_failed(&mut self, at: Timestamp, why: &str, out: &mut Vec<BotAction>) {
        let failures = self.reconciler.failed(at.after(self.config.reconcile.settle));
        if failures.is_multiple_of(TOLD_FAILURES) {
            self.counts.unreconciled += 1;
            let text = format!("the account could not be asked {failures} times in a row: {why}");
            let kind = NoticeKind::ReconciliationFailed;
            self.tell(at, kind, AlertLevel::Error, &text, out);
        }
    }

    /// Takes the answer to a picture that was asked for.
    pub(super) fn on_picture(
        &mut self,
        at: Timestamp,
        (number, picture): (u64, Result<Box<Picture>, String>),
        out: &mut Vec<BotAction>,
    ) {
        let Some(asked) = self.reconciler.answered(number) else { return };
        let picture = match picture {
            Ok(picture) => picture,
            Err(why) => return self.picture_failed(at, &why, out),
        };
        self.take_fills(at, &picture, out);
        self.compare_orders((at, asked), &picture, out);
        self.run_talk(at, out);
        let config = self.config.reconcile;
        let is_settled = self.reconciler.is_quiet(asked)
            && self.compare_holdings(at, &picture, out)
            && (self.phase != Phase::Starting || self.talk.is_empty());
        if !is_settled {
            let waits = self.reconciler.is_halted();
            self.counts.unreconciled += u64::from(waits);
            self.reconciler.soon(at.after(if waits { config.every } else { config.settle }));
            return;
        }
        if self.news.is_there() {
            self.counts.reconciled += 1;
            self.reconciler.succeeded(at, at.after(config.every));
            self.release(at, out);
        }
    }

    /// Hands in the fills that the news have not told. Those from before a new bot are in the
    /// balances that it takes over.
    fn take_fills(&mut self, at: Timestamp, picture: &Picture, out: &mut Vec<BotAction>) {
        for fill in &picture.fills {
            let (instrument, trade) = (fill.instrument, fill.fill.trade);
            if !self.reconciler.is_fresh() && !self.engine.account().is_repeated(instrument, trade)
            {
                let difference = Difference::Fill { order: fill.order, instrument, trade };
                self.explain(at, difference, Resolution::Booked, out);
                self.talk.on_report(fill.order, &OrderReport::Fill(fill.fill));
                self.report(at, fill.update(), out);
            }
            self.reconciler.told(instrument, trade);
        }
    }

    fn compare_orders(
        &mut self,
        (at, asked): (Timestamp, Timestamp),
        picture: &Picture,
        out: &mut Vec<BotAction>,
    ) {
        let live: Vec<OwnOrder> = self.engine.orders().live().to_vec();
        for own in live {
            let id = own.order.id;
            // Younger than the list, or asked for already.
            let is_sent = self.sent.contains_key(&id) && own.order.created_at < asked;
            if !is_sent || self.talk.order(id).is_some() {
                continue;
            }
            match picture.orders.iter().find(|theirs| theirs.order == id) {
                Some(theirs) => self.compare_order((at, asked), &own, theirs, out),
                None if own.changed_at < asked => {
                    self.changes.remove(&id);
                    self.explain(at, Difference::Missing { order: id }, Resolution::Asked, out);
                    self.talk.recall(at, &own.order, &mut self.todo);
                }
                None => {}
            }
        }
        self.changes.retain(|id, _| self.sent.contains_key(id));
        // What this picture has not cleared up is looked at again after another time-out.
        let timeout = self.config.orders.timeout;
        for since in self.changes.values_mut().filter(|since| since.after(timeout) <= asked) {
            *since = at;
        }
        for theirs in &picture.orders {
            self.meet_stranger((at, asked), theirs, out);
        }
    }

    /// Compares an order that works at the venue and in the books.
    fn compare_order(
        &mut self,
        (at, asked): (Timestamp, Timestamp),
        own: &OwnOrder,
        theirs: &OrderState,
        out: &mut Vec<BotAction>,
    ) {
        let id = own.order.id;
        let changed = Difference::Changed { order: id };
        if theirs.filled > own.filled && own.changed_at < asked {
            self.explain(at, changed, Resolution::Asked, out);
            return self.talk.recall(at, &own.order, &mut self.todo);
        }
        let requested = self.changes.get(&id).copied();
        if requested.is_some_and(|since| since >= asked) || own.changed_at >= asked {
            return;
        }
        let kind = own.order.intent.kind;
        let price = theirs.price.or(theirs.trigger);
        let is_priced = price.is_none() || price == kind.limit().or(kind.trigger());
        if own.quantity.is_some_and(|quantity| quantity != theirs.quantity) || !is_priced {
            self.explain(at, changed, Resolution::Booked, out);
            let report = OrderReport::Amended { quantity: theirs.quantity, price };
            self.report(at, update(&own.order, report), out);
        }
        let timeout = self.config.orders.timeout;
        if requested.is_some_and(|since| since.after(timeout) <= asked) {
            self.changes.remove(&id);
            let now = self.engine.orders().find(id).map(|state| state.in_flight);
            if matches!(now, Some(InFlight::Cancel | InFlight::Amend)) {
                // The request has not arrived, or was not carried out.
                let why = RejectReason::Other(Label::new("unanswered"));
                self.report(at, update(&own.order, OrderReport::ChangeRefused(why)), out);
            }
        }
    }

    /// An order works at the venue: is it one that works for the engine?
    fn meet_stranger(
        &mut self,
        (at, asked): (Timestamp, Timestamp),
        theirs: &OrderState,
        out: &mut Vec<BotAction>,
    ) {
        let (order, instrument) = (theirs.order, theirs.instrument);
        if order.slot() == SlotId::HOUSE {
            if self.reconciler.is_new_stranger(theirs.venue_order) {
                let venue_order = theirs.venue_order;
                let difference = Difference::Foreign { venue_order, instrument };
                self.explain(at, difference, Resolution::Left, out);
            }
            return;
        }
        let is_known = self.talk.order(order).is_some()
            || self
                .engine
                .orders()
                .find(order)
                .is_some_and(|own| !own.status.is_terminal() || own.changed_at >= asked);
        if is_known {
            return;
        }
        let difference = Difference::Unknown { order, instrument };
        match self.config.reconcile.unknown_orders {
            UnknownOrders::Cancel => {
                self.explain(at, difference, Resolution::Cancelled, out);
                out.push(BotAction::Request(Request::Cancel { order, instrument }));
            }
            UnknownOrders::Leave => {
                if self.reconciler.is_new_stranger(theirs.venue_order) {
                    self.explain(at, difference, Resolution::Left, out);
                }
            }
        }
    }

    /// Compares what is held. True when nothing is open: every difference was adjusted.
    fn compare_holdings(
        &mut self,
        at: Timestamp,
        picture: &Picture,
        out: &mut Vec<BotAction>,
    ) -> bool {
        let book = self.engine.account().book();
        let found = holdings(picture, book, self.engine.instruments());
        let differing: Vec<Holding> = found.iter().map(|(holding, ..)| *holding).collect();
        self.reconciler.keep(&differing);
        let takes_over = self.reconciler.takes_over();
        let needed = if self.reconciler.is_fresh() { 1 } else { CONFIRMATIONS };
        let mut is_settled = true;
        for (holding, ours, theirs) in found {
            let Some(change) = theirs.checked_sub(ours) else {
                is_settled = false;
                continue;
            };
            if self.reconciler.see(holding, change) < needed {
                is_settled = false;
                continue;
            }
            let difference = holding.difference(ours, theirs);
            let worth = self.worth(holding, change);
            // A worth that is not known is above every tolerance.
            let may_adjust = takes_over || worth <= self.config.reconcile.tolerance;
            let cause = AdjustmentCause::Reconciliation;
            if may_adjust && self.adjust(at, holding, (change, cause), out) {
                self.explain(at, difference, Resolution::Adjusted, out);
                continue;
            }
            is_settled = false;
            if !may_adjust && self.reconciler.halt(holding) {
                self.explain(at, difference, Resolution::Halted, out);
                self.halt(at, holding, out);
            }
        }
        is_settled
    }

    /// What a difference is worth in the reporting currency, without its sign; NaN when a mark or
    /// rate is missing.
    fn worth(&self, holding: Holding, change: Decimal) -> f64 {
        let facts = self.engine.facts(SlotId::HOUSE);
        let size = to_f64(change).abs();
        let of_instrument = |instrument: &Instrument| {
            let mark = facts.mark(instrument.id).unwrap_or(f64::NAN);
            let rate = facts.rate(instrument.settlement).unwrap_or(f64::NAN);
            let units = match holding {
                Holding::Asset(_) => size / to_f64(instrument.multiplier),
                Holding::Instrument(_) => size,
            };
            instrument.value_f64(units, mark).abs() * rate
        };
        let instruments = self.engine.instruments();
        match holding {
            Holding::Asset(asset) => match self.spot_of(asset) {
                Some(spot) => instruments.get(spot).map_or(f64::NAN, of_instrument),
                None => size * facts.rate(asset).unwrap_or(f64::NAN),
            },
            Holding::Instrument(instrument) => {
                instruments.get(instrument).map_or(f64::NAN, of_instrument)
            }
        }
    }

    /// The spot instrument whose position stands for what is held of an asset; `None` for what
    /// is held as cash.
    fn spot_of(&self, asset: AssetId) -> Option<InstrumentId> {
        let instruments = self.engine.instruments();
        let is_cash = asset == self.engine.account().book().reporting()
            || instruments.iter().any(|instrument| instrument.settlement == asset);
        let is_spot = |own: &&Instrument| own.kind == InstrumentKind::Spot && own.base == asset;
        instruments.iter().find(is_spot).filter(|_| !is_cash).map(|instrument| instrument.id)
    }

    /// Books a change of what is held; false when it cannot be booked (yet).
    pub(super) fn adjust(
        &mut self,
        at: Timestamp,
        holding: Holding,
        (change, cause): (Decimal, AdjustmentCause),
        out: &mut Vec<BotAction>,
    ) -> bool {
        let kind = match holding {
            Holding::Instrument(instrument) => self.position_change(instrument, change),
            Holding::Asset(asset) => match self.spot_of(asset) {
                Some(spot) => {
                    let multiplier = self.engine.instruments().get(spot).map(|it| it.multiplier);
                    let units = multiplier.and_then(|units| change.checked_div(units));
                    units.and_then(|units| self.position_change(spot, units))
                }
                None => {
                    let money = Money::new(change, asset);
                    // What is missing without a cause is a loss, so that risk sees it.
                    let is_lost = cause == AdjustmentCause::Reconciliation
                        && change < Decimal::ZERO
                        && !self.reconciler.takes_over();
                    let income = AdjustmentKind::Income(money);
                    Some(if is_lost { income } else { AdjustmentKind::Capital(money) })
                }
            },
        };
        let Some(kind) = kind else { return false };
        let adjustment = Adjustment { cause, kind };
        match self.feed(at, Input::Adjustment(adjustment), out) {
            Ok(()) => true,
            Err(error) => {
                let kind = NoticeKind::ReconciliationFailed;
                self.tell(at, kind, AlertLevel::Error, &error, out);
                false
            }
        }
    }

    /// The position of the house changes, at the mark; `None` before the first mark.
    fn position_change(&self, instrument: InstrumentId, change: Decimal) -> Option<AdjustmentKind> {
        let found = self.engine.instruments().get(instrument)?;
        let mark = self.engine.account().book().mark(instrument)?.price;
        let price = Price::new(found.price_grid.nearest(mark)?).ok()?;
        let change = Qty::new(change);
        Some(AdjustmentKind::Position { slot: SlotId::HOUSE, instrument, change, price })
    }

    /// A difference above the tolerance: trading stops until a person has looked at it.
    fn halt(&mut self, at: Timestamp, holding: Holding, out: &mut Vec<BotAction>) {
        let scope = match holding {
            Holding::Asset(asset) => {
                self.spot_of(asset).map_or(HaltScope::Account, HaltScope::Symbol)
            }
            Holding::Instrument(instrument) => HaltScope::Symbol(instrument),
        };
        let text = "books and venue differ by more than the tolerance";
        self.tell(at, NoticeKind::ReconciliationFailed, AlertLevel::Critical, &text, out);
        let halt = Control::Halt(Halt::new(HaltCause::Reconciliation, scope));
        if let Err(error) = self.feed(at, Input::Control(halt), out) {
            self.tell(at, NoticeKind::BotError, AlertLevel::Critical, &error, out);
        }
    }

    /// Notes what became of a difference, and tells it.
    pub(super) fn explain(
        &mut self,
        at: Timestamp,
        difference: Difference,
        resolution: Resolution,
        out: &mut Vec<BotAction>,
    ) {
        if self.explained.len() >= MOST_EXPLAINED {
            self.explained.pop_front();
        }
        let explained = Explained { at, difference, resolution };
        self.explained.push_back(explained);
        self.tell(at, NoticeKind::Difference, AlertLevel::Warning, &explained, out);
    }

    /// The first reconciliation has succeeded: trading begins.
    fn release(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        if self.phase != Phase::Starting {
            return;
        }
        self.phase = Phase::Running;
        for slot in self.slots() {
            let scope = HaltScope::Strategy(slot);
            let active = self.engine.halts().halts().iter();
            let mut own = active.map(|active| active.halt).filter(|halt| halt.scope == scope);
            let is_held = own.clone().any(|halt| halt.cause == STARTING);
            // A resume would end what else waits for one, too.
            if is_held && own.all(|halt| halt.cause == STARTING) {
                let acknowledgement = Acknowledgement::None;
                let resume = Control::Resume { scope, acknowledgement };
                if let Err(error) = self.feed(at, Input::Control(resume), out) {
                    self.tell(at, NoticeKind::BotError, AlertLevel::Error, &error, out);
                }
            }
        }
        self.beat(at, out);
        let text = format!("reconciled with the venue, run {}", self.epoch);
        self.tell(at, NoticeKind::Started, AlertLevel::Info, &text, out);
    }

    /// What the engine holds, as the venue would count it.
    pub(super) fn ours(&self, holding: Holding) -> Option<Decimal> {
        let facts = (self.engine.account().book(), self.engine.instruments());
        ours(holding, facts, &[])
    }

    /// A person takes the venue's word for the differences that are above the tolerance: they are
    /// adjusted by the next pictures, as money or positions that came in or went out. The halts
    /// for them end by [`Control::Resume`].
    pub fn accept_differences(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        if self.is_over() {
            return;
        }
        self.reconciler.accept();
        self.take_picture(at, out);
        self.settle(at, out);
    }
}
