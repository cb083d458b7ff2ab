//! The way of a market event through the engine: a short one for the bar at which nothing else
//! is due, which almost every event of a backtest is, and a long one for all others.

use crate::metrics::MetricsSink;
use crate::risk::Fact;
use crate::strategy::{Event, Strategy};
use crate::types::{Bar, DataError, Facts, InstrumentId, MarketEvent, SlotId, Timestamp};

use super::desk::Desk;
use super::slot::{Bars, Follower};
use super::{Command, Engine, EngineError};

impl<S: Strategy, M: MetricsSink> Engine<S, M> {
    /// Takes one market event: [`Engine::handle`] without the wrapping, for tight loops.
    ///
    /// # Errors
    /// As [`Engine::handle`].
    #[inline]
    pub fn market(
        &mut self,
        at: Timestamp,
        event: &MarketEvent,
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        match event {
            MarketEvent::Bar(bar) if self.is_plain(at, bar) => {
                self.plain_bar(at, (event, bar), out);
                Ok(())
            }
            _ => self.any_event(at, event, out),
        }
    }

    /// True when a bar is sound and brings nothing but itself: no timer is due, no gate, stop or
    /// sizer watches the market.
    #[inline]
    pub(crate) fn is_plain(&self, at: Timestamp, bar: &Bar) -> bool {
        self.is_ungated
            && !self.is_attended
            && at >= self.desk.now
            && at < self.desk.chore_at
            && at < self.desk.quiet.until
            && at < self.next_wake
            && bar.is_sound()
            && self.knows(bar.instrument)
    }

    /// The short way: [`Engine::any_event`] without what a plain bar cannot bring about.
    #[inline(always)]
    pub(crate) fn plain_bar(
        &mut self,
        at: Timestamp,
        (event, bar): (&MarketEvent, &Bar),
        out: &mut Vec<Command>,
    ) {
        self.desk.now = at;
        self.desk.account.mark_sound(at, &self.desk.instruments, bar.instrument, bar.close);
        self.desk.observe_mark(at, out);
        self.desk.sink.on_market(at, event);
        if self.desk.watching.risk {
            self.desk.show_price(at, event, (bar.instrument, bar.close), out);
        }
        match self.routes.get(bar.instrument.index()).map(Vec::as_slice) {
            // Nowhere else is the strategy inlined: here it is called for nearly every bar.
            Some(&[only]) => {
                if self.takes(only, bar) {
                    self.ask(at, only.slot, bar.instrument, &Event::Market(event), out);
                }
            }
            None | Some([]) => {}
            Some(_) => self.show(at, bar.instrument, event, out),
        }
        self.close_event(at, out);
    }

    /// The long way.
    #[inline(never)]
    pub(crate) fn any_event(
        &mut self,
        at: Timestamp,
        event: &MarketEvent,
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        self.desk.check_time(at)?;
        event.check()?;
        let instrument = event.instrument();
        if !self.knows(instrument) {
            return Err(DataError::UnknownInstrument { instrument }.into());
        }
        if let MarketEvent::Funding(funding) = event {
            let before = self.desk.due_before(at);
            self.desk.pay_funding(at, funding)?;
            self.desk.tell_due(at, before, out);
        } else if at >= self.desk.quiet.until {
            self.desk.observe(at, &Fact::Time, out);
        }
        self.desk.now = at;
        if let Some(price) = event.mark() {
            self.desk.account.mark(at, &self.desk.instruments, instrument, price);
            if at >= self.desk.quiet.until {
                self.desk.tell_mark(at, out);
            } else {
                self.desk.observe_mark(at, out);
            }
        }
        self.desk.sink.on_market(at, event);
        if at >= self.desk.chore_at {
            self.desk.chores(at, out);
        }
        if self.desk.watching.gates | self.desk.watching.risk {
            self.desk.show(at, event, out);
        }
        if at >= self.next_wake {
            self.wake(at, out);
        }
        if self.is_attended {
            self.attend_before(at, instrument, event);
        }
        self.show(at, instrument, event, out);
        if self.is_attended {
            self.attend_after(at, instrument, event, out);
        }
        self.close_event(at, out);
        Ok(())
    }

    #[inline]
    fn knows(&self, instrument: InstrumentId) -> bool {
        instrument.index() < self.routes.len()
    }

    /// Shows a market event to every slot that trades its instrument.
    #[inline(never)]
    fn show(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        event: &MarketEvent,
        out: &mut Vec<Command>,
    ) {
        let mut next = 0;
        while let Some(follower) = self.follower(instrument, next) {
            next += 1;
            if self.is_for(follower, event) {
                self.ask_apart(at, follower.slot, instrument, &Event::Market(event), out);
            }
        }
    }

    /// Who is at a place of an instrument's route.
    fn follower(&self, id: InstrumentId, place: usize) -> Option<Follower> {
        self.routes.get(id.index())?.get(place).copied()
    }

    /// True when a slot on the route of an event's instrument is to see it.
    fn is_for(&self, follower: Follower, event: &MarketEvent) -> bool {
        match event {
            MarketEvent::Bar(bar) => self.takes(follower, bar),
            _ => true,
        }
    }

    /// True when a slot is to see bars of such a period.
    #[inline(always)]
    fn takes(&self, Follower { slot, bars }: Follower, bar: &Bar) -> bool {
        match bars {
            Bars::All => true,
            Bars::Of(period) => bar.period == period,
            Bars::Several => self.slots.get(slot).is_some_and(|slot| slot.wants(bar.period)),
        }
    }

    /// What strategies are to be told, what halts want, and the readers' look at the facts.
    #[inline(always)]
    fn close_event(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        // Asked for together: mostly all three are empty.
        let Desk { notices, fresh, halts, .. } = &self.desk;
        if !(notices.is_empty() & fresh.is_empty() & halts.is_clear()) {
            self.follow_up(at, out);
        }
        let facts = Facts::new(at, SlotId::HOUSE, &self.desk.instruments, self.desk.account.book());
        self.desk.sink.on_mark(&facts);
        if self.desk.sink.wants_limits(at) {
            self.desk.tell_limits(at);
        }
    }

    #[inline(never)]
    fn follow_up(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        if !(self.desk.notices.is_empty() && self.desk.fresh.is_empty()) {
            self.deliver(at, out);
        }
        if !self.desk.halts.is_clear() {
            self.desk.manage_halts(at, out);
        }
    }
}
