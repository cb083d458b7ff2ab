//! What the risk manager is told, and what it need not be told because it changes nothing.

use crate::metrics::MetricsSink;
use crate::risk::{CalmRange, Fact, GateEvent};
use crate::types::{FactBook, Facts, InstrumentId, MarketEvent, SlotId, Timestamp};

use super::Command;
use super::desk::Desk;

/// What need not be told, as the risk manager said with the last fact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quiet {
    /// Where a mark changes nothing; nowhere once something else was told.
    marks: CalmRange,
    /// An event of the market that moves a price by less than this fraction changes nothing.
    moves: f64,
    /// From then on everything is told.
    pub(super) until: Timestamp,
}

impl Quiet {
    /// Nothing was said yet: marks and prices are told.
    pub(super) const UNKNOWN: Self =
        Self { marks: CalmRange::NONE, moves: -1.0, until: Timestamp::MAX };
}

/// What rounding may take from a move that is compared with a limit.
const NEARLY: f64 = 1.0 - 1e-9;

impl<M: MetricsSink> Desk<M> {
    /// Something else than a fact has touched the risk manager: the next mark has to be told.
    pub(super) const fn touch_risk(&mut self) {
        self.quiet = Quiet { until: Timestamp::from_nanos(i64::MIN), ..Quiet::UNKNOWN };
    }

    /// Guards and rules look at what happened; halts follow.
    #[inline]
    pub(super) fn observe(&mut self, at: Timestamp, fact: &Fact<'_>, out: &mut Vec<Command>) {
        let facts = Facts::new(at, SlotId::HOUSE, &self.instruments, self.account.book());
        self.risk.observe(fact, &facts, &mut self.changes);
        self.listen(at, out);
    }

    /// What the risk manager wants to be told next, and the halts that it wants.
    #[inline]
    fn listen(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        let due = if self.watching.timer { self.risk.deadline() } else { None };
        self.quiet.marks = CalmRange::NONE;
        self.quiet.until = due.unwrap_or(Timestamp::MAX);
        if self.watching.risk {
            self.quiet.moves = self.risk.calm_move() * NEARLY;
        }
        if !self.changes.is_empty() {
            self.apply_halt_changes(at, out);
        }
    }

    /// The books before something moves them, where the risk manager wants to see them first.
    #[inline]
    pub(super) fn due_before(&self, at: Timestamp) -> Option<Box<FactBook>> {
        (at >= self.quiet.until).then(|| Box::new(self.account.book().clone()))
    }

    /// Tells that time has passed, with the books as they were before what moved them.
    #[inline]
    pub(super) fn tell_due(
        &mut self,
        at: Timestamp,
        before: Option<Box<FactBook>>,
        out: &mut Vec<Command>,
    ) {
        if let Some(book) = before {
            let facts = Facts::new(at, SlotId::HOUSE, &self.instruments, &book);
            self.risk.observe(&Fact::Time, &facts, &mut self.changes);
            self.listen(at, out);
        }
    }

    /// Tells of a mark, which nearly every event of the market brings, unless it changes nothing
    /// for sure. The caller knows that no deadline has come.
    #[inline(always)]
    pub(super) fn observe_mark(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        let book = self.account.book();
        if !self.quiet.marks.holds(book.equity(), book.gross()) {
            self.tell_mark(at, out);
        }
    }

    /// Tells of a mark, whatever it changes.
    #[inline(never)]
    pub(super) fn tell_mark(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        self.observe(at, &Fact::Mark, out);
        self.quiet.marks = self.risk.calm();
    }

    /// Shows an event that brings a price to guards that watch the market, unless it changes
    /// nothing for sure.
    #[inline(always)]
    pub(super) fn show_price(
        &mut self,
        at: Timestamp,
        event: &MarketEvent,
        (id, price): (InstrumentId, f64),
        out: &mut Vec<Command>,
    ) {
        let is_calm = self.account.book().is_near_quoted(id, price, self.quiet.moves);
        if !is_calm || at >= self.quiet.until {
            self.show_risk(at, event, out);
        }
        self.account.quote(at, id, price);
    }

    #[inline(never)]
    fn show_risk(&mut self, at: Timestamp, event: &MarketEvent, out: &mut Vec<Command>) {
        self.observe(at, &Fact::Market(event), out);
    }

    /// Shows the market to the gates and guards that watch it.
    #[inline(never)]
    pub(super) fn show(&mut self, at: Timestamp, event: &MarketEvent, out: &mut Vec<Command>) {
        if self.watching.gates {
            self.tell_gates(at, &GateEvent::Market(event));
        }
        if self.watching.risk {
            match event.mark() {
                Some(price) => self.show_price(at, event, (event.instrument(), price), out),
                None => self.show_risk(at, event, out),
            }
        }
    }
}
