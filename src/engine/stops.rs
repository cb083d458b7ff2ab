//! Stops at work: for each position of a slot that has a stop plan, one protective,
//! reduce-only order, placed when the position opens, amended as the plan moves it, cancelled
//! when the position is over. The same in a backtest and live.

mod exit;
mod time;

use core::mem;
use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::metrics::MetricsSink;
use crate::order::{InFlight, OrderState};
use crate::risk::{GateEvent, StopAction, StopExit, StopGauge, StopPlan, StopReading, StopTracker};
use crate::types::{
    HaltLevel, HaltScope, InstrumentId, Intent, Label, MarketEvent, OrderFlags, OrderId, OrderKind,
    OrderStatus, Period, Price, Purpose, Qty, Record, Side, SlotId, StateError, StopFact,
    Timestamp,
};

use super::Command;
use super::desk::Desk;
use super::trigger::{is_behind, trigger_at};

/// The pause after a refused stop or exit; it doubles with every further one, up to about an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Before all times.
const NEVER: Timestamp = Timestamp::from_nanos(i64::MIN);

/// The seats of all plans, by instrument; empty when no slot has a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Stops {
    seats: Vec<Vec<Seat>>,
}

/// One slot's plan in one instrument, and the position that it protects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Seat {
    slot: SlotId,
    /// The bars that the plan follows; `None` for all.
    period: Option<Period>,
    plan: StopPlan,
    gauge: StopGauge,
    tracker: Option<StopTracker>,
    order: Option<OrderId>,
    /// The market order that closes the position in the stop's place.
    exit: Option<OrderId>,
    /// The trigger that was asked for last.
    trigger: Option<Price>,
    placed_at: Timestamp,
    /// Refused stops and exits in a row; none is tried again before the pause is over.
    refusals: u32,
    pause_until: Timestamp,
    /// False once the venue has refused to amend: the order is then replaced.
    is_amendable: bool,
}

impl Stops {
    /// Adds a slot's plan in an instrument.
    pub(super) fn add(
        &mut self,
        slot: SlotId,
        instrument: InstrumentId,
        period: Option<Period>,
        plan: &StopPlan,
    ) {
        if self.seats.len() <= instrument.index() {
            self.seats.resize(instrument.index() + 1, Vec::new());
        }
        let is_new = |seat: &Seat| seat.slot != slot;
        // The plan was made with the same window, which was accepted then.
        if let (Some(seats), Ok(gauge)) =
            (self.seats.get_mut(instrument.index()), StopGauge::new(plan.volatility()))
            && seats.iter().all(is_new)
        {
            seats.push(Seat {
                slot,
                period,
                plan: plan.clone(),
                gauge,
                tracker: None,
                order: None,
                exit: None,
                trigger: None,
                placed_at: NEVER,
                refusals: 0,
                pause_until: NEVER,
                is_amendable: true,
            });
        }
    }

    /// True where the engine keeps a stop for a slot's position.
    pub(super) fn covers(&self, slot: SlotId, instrument: InstrumentId) -> bool {
        let seats = self.seats.get(instrument.index());
        seats.is_some_and(|seats| seats.iter().any(|seat| seat.slot == slot))
    }

    #[inline]
    pub(super) const fn is_on(&self) -> bool {
        !self.seats.is_empty()
    }

    /// Refuses saved stops of other plans.
    pub(super) fn check(&self, saved: &Self) -> Result<(), StateError> {
        let plans = |stops: &Self| {
            let seats = stops.seats.iter().flatten();
            let plans = seats.map(|seat| format!("{:?} {:?}", seat.slot, seat.plan));
            plans.collect::<Vec<_>>().join(", ")
        };
        let (expected, found) = (plans(self), plans(saved));
        if self.seats.len() == saved.seats.len() && expected == found {
            Ok(())
        } else {
            Err(StateError::Mismatch { expected, found })
        }
    }

    fn of(&self, slot: SlotId, instrument: InstrumentId) -> Option<&Seat> {
        self.seats.get(instrument.index())?.iter().find(|seat| seat.slot == slot)
    }
}

impl<M: MetricsSink> Desk<M> {
    /// Before the strategies see an event: usual moves take it in, and the facts tell how far
    /// away a stop would be.
    pub(super) fn gauge_stops(&mut self, at: Timestamp, id: InstrumentId, event: &MarketEvent) {
        let Some(mut seats) = self.stops.seats.get_mut(id.index()).map(mem::take) else { return };
        for seat in &mut seats {
            if let MarketEvent::Bar(bar) = event
                && seat.period.is_none_or(|period| period == bar.period)
            {
                seat.gauge.on_bar(bar);
            }
            let facts = self.facts(at, seat.slot);
            let mark = facts.mark(id).unwrap_or(f64::NAN);
            let scale = seat.plan.scale(self.risk.drawdown(&facts));
            let width = seat.plan.width(mark, seat.gauge.value());
            let distance = width.map_or(0.0, |width| width * scale);
            let fact = StopFact { distance, ..facts.stop(id) };
            self.account.note_stop(seat.slot, id, fact);
        }
        self.seat_again(id, seats);
    }

    /// After the strategies have seen an event: the stops follow it.
    pub(super) fn follow_stops(
        &mut self,
        at: Timestamp,
        id: InstrumentId,
        event: &MarketEvent,
        out: &mut Vec<Command>,
    ) {
        let Some(mut seats) = self.stops.seats.get_mut(id.index()).map(mem::take) else { return };
        for seat in &mut seats {
            self.meet_position(at, id, seat, out);
            let now = self.reading(at, seat);
            let action = seat.tracker.as_mut().and_then(|tracker| match event {
                MarketEvent::Bar(bar) if seat.period.is_none_or(|own| own == bar.period) => {
                    tracker.on_bar(at, bar, now)
                }
                other => tracker.on_mark(at, other.mark()?, now),
            });
            self.carry_out_stop(at, id, seat, action, out);
        }
        self.seat_again(id, seats);
    }

    /// After the venue or the host has said something that may have changed positions or
    /// orders; `refused` is an order whose amendment the venue refused.
    #[inline(never)]
    pub(super) fn settle_stops(
        &mut self,
        at: Timestamp,
        id: InstrumentId,
        refused: Option<OrderId>,
        out: &mut Vec<Command>,
    ) {
        let Some(mut seats) = self.stops.seats.get_mut(id.index()).map(mem::take) else { return };
        for seat in &mut seats {
            if refused.is_some() && seat.order == refused {
                seat.is_amendable = false;
            }
            self.meet_position(at, id, seat, out);
            self.carry_out_stop(at, id, seat, None, out);
        }
        self.seat_again(id, seats);
    }

    /// Every share became several: prices shrink, usual moves are measured anew.
    pub(super) fn split_stops(&mut self, id: InstrumentId, numerator: u32, denominator: u32) {
        let factor = f64::from(numerator) / f64::from(denominator);
        for seat in self.stops.seats.get_mut(id.index()).into_iter().flatten() {
            seat.gauge.reset();
            seat.trigger = None;
            if let Some(tracker) = &mut seat.tracker {
                tracker.split(factor);
            }
        }
    }

    /// An alert wants less risk: the stops in its scope go half the way to the mark.
    pub(super) fn tighten_stops(
        &mut self,
        at: Timestamp,
        scope: HaltScope,
        out: &mut Vec<Command>,
    ) {
        for id in (0..self.stops.seats.len()).map_while(|index| u32::try_from(index).ok()) {
            let id = InstrumentId(id);
            let mark = self.account.book().mark(id).map_or(f64::NAN, |mark| mark.price);
            let Some(mut seats) = self.stops.seats.get_mut(id.index()).map(mem::take) else {
                return;
            };
            for seat in seats.iter_mut().filter(|seat| scope.covers(seat.slot, id)) {
                if seat.tracker.as_mut().is_some_and(|tracker| tracker.tighten(mark)) {
                    self.carry_out_stop(at, id, seat, None, out);
                }
            }
            self.seat_again(id, seats);
        }
    }

    /// Market orders against a position take the place of its stop: together they could close
    /// it twice.
    #[inline(never)]
    pub(super) fn yield_stops(&mut self, at: Timestamp, group: &[Intent], out: &mut Vec<Command>) {
        for intent in group.iter().filter(|intent| intent.kind == OrderKind::Market) {
            let order = self.stops.of(intent.slot, intent.instrument).and_then(|seat| seat.order);
            let state = order.and_then(|order| self.orders.find(order)).copied();
            if let Some(state) = state.filter(|state| state.order.intent.side == intent.side) {
                self.cancel(at, state.order.id, out);
            }
        }
    }

    fn seat_again(&mut self, id: InstrumentId, seats: Vec<Seat>) {
        if let Some(place) = self.stops.seats.get_mut(id.index()) {
            *place = seats;
        }
    }

    fn reading(&self, at: Timestamp, seat: &Seat) -> StopReading {
        let drawdown = self.risk.drawdown(&self.facts(at, seat.slot));
        StopReading { volatility: seat.gauge.value(), drawdown }
    }

    /// Begins to track a position that was opened, ends with one that is over.
    fn meet_position(
        &mut self,
        at: Timestamp,
        id: InstrumentId,
        seat: &mut Seat,
        out: &mut Vec<Command>,
    ) {
        let position = *self.account.book().position(seat.slot, id);
        let side = Side::of(position.quantity);
        let tracked = seat.tracker.as_ref().map(StopTracker::side);
        if tracked.is_some() && tracked != side {
            // What protected the old position would only disturb the next one.
            let protects = |order: &crate::types::Order| {
                let intent = &order.intent;
                let exits = matches!(intent.purpose, Purpose::StopLoss | Purpose::TakeProfit);
                intent.slot == seat.slot
                    && intent.instrument == id
                    && exits
                    && tracked != Some(intent.side)
            };
            self.cancel_where(at, protects, out);
            seat.tracker = None;
            seat.order = None;
            seat.exit = None;
            seat.trigger = None;
            seat.refusals = 0;
            seat.pause_until = NEVER;
            seat.is_amendable = true;
        }
        let Some(side) = side else { return };
        if let Some(tracker) = &mut seat.tracker {
            tracker.set_entry(position.average);
            return;
        }
        let mut tracker = StopTracker::new(seat.plan.clone(), side, position.average, at);
        // The first look gives the first level, where the usual move is known.
        let _ = tracker.on_mark(at, position.average, self.reading(at, seat));
        seat.tracker = Some(tracker);
    }

    /// Brings the stop order to where the tracker wants it.
    fn carry_out_stop(
        &mut self,
        at: Timestamp,
        id: InstrumentId,
        seat: &mut Seat,
        action: Option<StopAction>,
        out: &mut Vec<Command>,
    ) {
        let Some((side, level)) = seat.tracker.as_ref().map(|it| (it.side(), it.level())) else {
            return;
        };
        let position = *self.account.book().position(seat.slot, id);
        let is_flattening = self.halts.level(seat.slot, id) >= HaltLevel::Flattening;
        if is_flattening || self.is_closing(seat.slot, id, side.opposite()) {
            return;
        }
        self.settle_exit(at, id, seat, out);
        let standing = self.standing(at, id, seat, out);
        let Some(instrument) = self.instruments.get(id) else { return };
        let wanted = level.and_then(|level| trigger_at(instrument, level, seat.trigger, position));
        let works = standing.is_some_and(|state| state.order.intent.kind.trigger() == wanted);
        let mark = self.account.book().mark(id).map_or(f64::NAN, |mark| mark.price);
        let is_crossed = wanted.is_some_and(|wanted| is_behind(mark, wanted, side));
        match action {
            Some(StopAction::Exit(StopExit::Time)) => {
                return self.exit_now(at, id, seat, (position.quantity, "time stop"), out);
            }
            // A stop that works at the venue is the venue's to trigger.
            Some(StopAction::Exit(StopExit::Crossed)) if !works => {
                return self.exit_now(at, id, seat, (position.quantity, "stop crossed"), out);
            }
            _ if is_crossed && !works => {
                return self.exit_now(at, id, seat, (position.quantity, "stop crossed"), out);
            }
            Some(StopAction::Exit(_) | StopAction::Move(_)) | None => {}
        }
        let quantity = instrument.floor_to_step(position.quantity.abs()).unwrap_or_default();
        if let Some(wanted) = wanted.filter(|_| !quantity.is_zero()) {
            let stop = Wanted { trigger: wanted, quantity, mark };
            self.bring_stop(at, id, seat, (standing, stop), out);
        }
    }

    /// Places, amends or replaces the order.
    fn bring_stop(
        &mut self,
        at: Timestamp,
        id: InstrumentId,
        seat: &mut Seat,
        (standing, stop): (Option<OrderState>, Wanted),
        out: &mut Vec<Command>,
    ) {
        let Some(state) = standing else { return self.place_stop(at, id, seat, stop, out) };
        let is_met = state.order.intent.kind.trigger() == Some(stop.trigger)
            && state.remaining() == stop.quantity;
        let is_busy = state.in_flight != InFlight::None || state.status == OrderStatus::Pending;
        if is_met || is_busy {
            return;
        }
        let order = state.order.id;
        if !seat.is_amendable {
            // The new one is placed when the venue has confirmed the end of this one.
            return self.cancel(at, order, out);
        }
        let Some(total) = state.filled.checked_add(stop.quantity) else { return };
        // A move takes risk away, as a cancel does; without budget it waits for the next event.
        let facts = self.facts(at, seat.slot);
        if self.gates.iter().any(|gate| gate.check_cancel(&state.order, &facts).is_err()) {
            return;
        }
        if self.orders.request(at, order, InFlight::Amend).is_ok() {
            let (quantity, price) = (Qty::new(total), stop.trigger);
            self.tell_gates(at, &GateEvent::Amending(&state.order));
            out.push(Command::Amend { order, instrument: id, quantity, price });
            self.record_stop(at, id, seat, (order, stop.trigger));
        }
    }

    fn place_stop(
        &mut self,
        at: Timestamp,
        id: InstrumentId,
        seat: &mut Seat,
        stop: Wanted,
        out: &mut Vec<Command>,
    ) {
        let Some(tracker) = &seat.tracker else { return };
        // One that ended in the instant of its placement is tried again later.
        let is_repeated = seat.placed_at == at && seat.trigger == Some(stop.trigger);
        if is_repeated || at < seat.pause_until {
            return;
        }
        let side = tracker.side().opposite();
        self.group.clear();
        self.group.push(Intent {
            kind: OrderKind::StopMarket { trigger: stop.trigger },
            purpose: Purpose::StopLoss,
            flags: OrderFlags { reduce_only: true, ..OrderFlags::default() },
            reference: stop.mark,
            reason: Label::new("stop plan"),
            ..Intent::market(seat.slot, id, side, Qty::new(stop.quantity))
        });
        let before = self.sequence;
        self.submit(at, None, out);
        if self.sequence > before {
            let order = OrderId::new(self.epoch, seat.slot, self.sequence);
            seat.order = Some(order);
            seat.placed_at = at;
            self.record_stop(at, id, seat, (order, stop.trigger));
        }
    }

    fn record_stop(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        seat: &mut Seat,
        (order, to): (OrderId, Price),
    ) {
        let from = seat.trigger.replace(to);
        if from != Some(to) {
            let slot = seat.slot;
            self.sink.record(at, &Record::StopMoved { slot, instrument, order, from, to });
        }
    }

    /// The stop order that works; one that the venue has refused is told to a person.
    fn standing(
        &mut self,
        at: Timestamp,
        id: InstrumentId,
        seat: &mut Seat,
        out: &mut Vec<Command>,
    ) -> Option<OrderState> {
        let state = self.orders.find(seat.order?).copied();
        let live = state.filter(|state| !state.status.is_terminal());
        match (live, state) {
            (Some(live), _) => {
                if live.status != OrderStatus::Pending {
                    seat.refusals = 0;
                }
            }
            (None, Some(state)) if state.status == OrderStatus::Rejected => {
                seat.order = None;
                self.note_refusal(at, id, seat, out);
            }
            (None, _) => seat.order = None,
        }
        live
    }
}

/// Where a stop is to be.
#[derive(Clone, Copy)]
struct Wanted {
    trigger: Price,
    quantity: Decimal,
    mark: f64,
}
