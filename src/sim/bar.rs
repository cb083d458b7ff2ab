//! Matching against bars: one step per report, so that what the engine places in between is
//! matched within the same bar.

use rust_decimal::Decimal;

use super::desk::Desk;
use super::execute::Deal;
use super::order::{OpenOrder, Start};
use super::path::{Act, Hit, Session, Stage};
use super::{MarketFill, SimVenue};
use crate::types::{Bar, Grid, Instrument, Liquidity, OrderReport, Price, Timestamp};

/// Orders that may be placed and matched within one bar. A strategy that answers each fill
/// with another order would otherwise trade for ever at one instant.
pub(super) const MOST_ADMITTED: u32 = 1_024;

impl SimVenue {
    /// The way of a bar that orders or requests are waiting for.
    pub(super) fn open_session(&mut self, at: Timestamp, bar: &Bar) {
        let Some(desk) = self.desks.get_mut(bar.instrument.index()) else { return };
        if !desk.is_driven_by(bar) || at < desk.seen_at || bar.check().is_err() {
            return;
        }
        let open_at = match bar.period.span() {
            Some(span) => at.before(span).max(desk.seen_at),
            None if desk.last.is_nan() => at,
            None => desk.seen_at,
        };
        // Requests that arrive before the open must not know anything of the bar.
        self.run_requests(open_at);
        let share = self.config.volume_share;
        let capacity = share.and_then(|share| self.capacity_of(bar, share));
        let Some(desk) = self.desks.get_mut(bar.instrument.index()) else { return };
        desk.see_bar(at, bar);
        desk.capacity = capacity;
        if desk.is_idle() && self.requests.is_empty() {
            return;
        }
        self.sessions = self.sessions.wrapping_add(1);
        self.session = Some(Session::new(self.sessions, [open_at, at], bar, &self.config));
        self.expire(open_at);
    }

    fn capacity_of(&self, bar: &Bar, share: f64) -> Option<Decimal> {
        let instrument = self.instruments.get(bar.instrument)?;
        let units = floor(instrument, bar.volume * share);
        Some(units.unwrap_or_default())
    }

    /// Goes on with the bar until there is something to report or the bar is over.
    pub(super) fn advance(&mut self) {
        while self.reports.is_empty() {
            let Some(session) = &self.session else { return };
            let close_at = session.close_at;
            if self.is_spent(session) {
                self.session = None;
                return;
            }
            match session.stage {
                Stage::Open => match self.next_hit() {
                    Some(hit) => self.act(&hit),
                    None => self.enter(Stage::Between),
                },
                Stage::Between => {
                    let before = Timestamp::from_nanos(close_at.nanos().saturating_sub(1));
                    self.run_requests(before);
                    self.expire(before);
                    self.enter(Stage::Inside);
                }
                Stage::Inside => match self.next_hit() {
                    Some(hit) => self.act(&hit),
                    None => self.enter(Stage::Close),
                },
                Stage::Close => self.close_session(),
            }
        }
    }

    /// True when the rest of the bar can bring nothing: no order works in its instrument, none is
    /// on its way, and none of another instrument ends before the close.
    fn is_spent(&self, session: &Session) -> bool {
        let desk = self.desks.get(session.instrument().index());
        self.requests.is_empty()
            && desk.is_none_or(Desk::is_idle)
            && session.close_at < self.next_expiry
    }

    fn enter(&mut self, stage: Stage) {
        if let Some(session) = &mut self.session {
            session.stage = stage;
        }
    }

    /// The first thing that happens in the rest of this stage.
    fn next_hit(&self) -> Option<Hit> {
        let session = self.session.as_ref()?;
        let desk = self.desks.get(session.instrument().index())?;
        let full = desk.capacity.is_some_and(|capacity| capacity.is_zero());
        let mut first = if desk.at_risk { self.next_liquidation(session) } else { None };
        for order in &desk.orders {
            let hit = match session.stage {
                Stage::Open => session.at_open(order, full),
                Stage::Inside => session.inside(order, full),
                Stage::Between | Stage::Close => None,
            };
            if let Some(hit) = hit
                && first.as_ref().is_none_or(|other| hit.is_before(other))
            {
                first = Some(hit);
            }
        }
        first
    }

    /// Carries out what happens next.
    fn act(&mut self, hit: &Hit) {
        let Some(session) = &mut self.session else { return };
        let (number, stage) = (session.number, session.stage);
        let stage_at = if stage == Stage::Open { session.open_at } else { session.close_at };
        let Some(desk) = self.desks.get_mut(session.instrument().index()) else { return };
        session.arrive(hit, &mut desk.orders);
        if hit.act == Act::Liquidate {
            return self.liquidate_at(stage_at, hit.market());
        }
        let Some(mut order) =
            desk.index_of(hit.sequence).and_then(|index| desk.orders.get(index)).copied()
        else {
            return;
        };
        let at = stage_at.max(order.accepted_at);
        match hit.act {
            Act::Kill => self.end(at, &order, OrderReport::Cancelled),
            Act::Trigger(price) => {
                order.triggered = true;
                order.rested = false;
                order.session = number;
                order.start = match stage {
                    Stage::Open => Start::Open,
                    Stage::Between | Stage::Inside | Stage::Close => Start::Price(price),
                };
                self.reports.push_back((at, order.update(OrderReport::Triggered)));
                self.store(&order);
                if order.is_market() {
                    self.bar_fill(at, &mut order, (price, Liquidity::Taker));
                }
            }
            Act::FillAt(price) => {
                let makes = order.rested && !order.is_market();
                let liquidity = if makes { Liquidity::Maker } else { Liquidity::Taker };
                self.bar_fill(at, &mut order, (price, liquidity));
            }
            Act::Liquidate => {}
            Act::FillAtLimit => {
                let limit = order.limit;
                self.bar_fill(at, &mut order, (limit, Liquidity::Maker));
            }
        }
    }

    fn bar_fill(
        &mut self,
        at: Timestamp,
        order: &mut OpenOrder,
        (price, liquidity): (f64, Liquidity),
    ) {
        let Some(instrument) = self.instruments.get(order.instrument) else { return };
        let Some(raw) = exact_price(instrument, order, price) else {
            self.defer(order);
            return;
        };
        let Some(desk) = self.desks.get(order.instrument.index()) else { return };
        let deal = Deal { at, raw, liquidity, available: desk.capacity, scene: desk.scene() };
        let filled = self.fill(order, &deal);
        if filled.is_zero() {
            self.defer(order);
        } else if let Some(desk) = self.desks.get_mut(order.instrument.index())
            && let Some(capacity) = &mut desk.capacity
        {
            *capacity = capacity.checked_sub(filled).unwrap_or_default().max(Decimal::ZERO);
        }
    }

    /// An order that could do nothing waits for the next bar.
    #[cold]
    fn defer(&mut self, order: &OpenOrder) {
        let sessions = self.sessions;
        if let Some(desk) = self.desks.get_mut(order.instrument.index())
            && let Some(index) = desk.index_of(order.sequence)
            && let Some(order) = desk.orders.get_mut(index)
        {
            order.session = sessions;
            order.start = Start::Next;
        }
    }

    #[inline(never)]
    fn close_session(&mut self) {
        let Some(session) = self.session.take() else { return };
        let close_at = session.close_at;
        if let Some(desk) = self.desks.get_mut(session.instrument().index()) {
            for order in &mut desk.orders {
                session.outlast(order);
            }
        }
        self.run_requests(close_at);
        if self.config.market_fill == MarketFill::SameClose {
            let mut sequence = 0;
            while let Some(mut order) = self.next_order(session.instrument(), sequence) {
                sequence = order.sequence;
                if order.is_market() {
                    let at = close_at.max(order.accepted_at);
                    self.bar_fill(at, &mut order, (session.bar.close, Liquidity::Taker));
                }
            }
        }
        self.expire(close_at);
    }

    /// Fills a market order at the close that has just been seen.
    #[inline(never)]
    pub(super) fn fill_at_close(&mut self, at: Timestamp, order: &mut OpenOrder) {
        let Some(desk) = self.desks.get_mut(order.instrument.index()) else { return };
        let close = desk.last;
        if order.is_market() && desk.seen_at == at && !close.is_nan() {
            self.bar_fill(at, order, (close, Liquidity::Taker));
        }
    }
}

impl Desk {
    /// True when bars of this period match orders; adopts the finest when none was chosen.
    fn is_driven_by(&mut self, bar: &Bar) -> bool {
        if self.feed != super::desk::Feed::Bars {
            return false;
        }
        if self.period == Some(bar.period) {
            return true;
        }
        if self.chosen {
            return false;
        }
        let finer = match (self.period, bar.period.span()) {
            (None, _) => true,
            (Some(current), Some(span)) => current.span().is_some_and(|current| span < current),
            (Some(_), None) => false,
        };
        if finer {
            self.period = Some(bar.period);
        }
        finer
    }

    #[inline]
    pub(super) fn see_bar(&mut self, at: Timestamp, bar: &Bar) {
        self.seen_at = at;
        self.last = bar.close;
        self.range = bar.high - bar.low;
        self.volume = bar.volume;
        self.capacity = None;
    }
}

/// The market's price as an exact number: the order's own where it is the same.
fn exact_price(instrument: &Instrument, order: &OpenOrder, price: f64) -> Option<Price> {
    if price == order.limit {
        return order.kind.limit();
    }
    if price == order.trigger {
        return order.kind.trigger();
    }
    Price::new(instrument.price_grid.nearest(price)?).ok()
}

/// A quantity rounded down to the step.
pub(super) fn floor(instrument: &Instrument, units: f64) -> Option<Decimal> {
    let digits = instrument.volume_grid.digits().max(8);
    let exact =
        Grid::new(digits).ok()?.nearest(units).or_else(|| instrument.volume_grid.nearest(units))?;
    let floored = instrument.floor_to_step(exact)?;
    Some(floored.max(Decimal::ZERO))
}
