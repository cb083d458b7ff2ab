//! What happens when a request reaches the venue.

use rust_decimal::Decimal;

use super::bar::MOST_ADMITTED;
use super::desk::{Desk, Feed};
use super::execute::no_fee;
use super::ledger::Booking;
use super::order::{OpenOrder, Queue, Start};
use super::path::Stage;
use super::{MarketFill, SimVenue};
use crate::engine::Command;
use crate::types::{
    Amount, Instrument, InstrumentId, InstrumentKind, Intent, Offset, Order, OrderId, OrderKind,
    OrderReport, OrderUpdate, Price, Qty, RejectReason, Side, TimeInForce, Timestamp,
    small::{self, is_above_zero},
};

/// How a request came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// At once, as the answer to a report.
    Direct,
    /// After its way.
    Delayed,
}

/// A change of a working order.
#[derive(Clone, Copy)]
struct Change {
    id: OrderId,
    quantity: Qty,
    price: Price,
}

impl SimVenue {
    /// Carries out a request that has arrived.
    pub(super) fn receive(&mut self, at: Timestamp, command: &Command, arrival: Arrival) {
        match command {
            Command::Place(order) => {
                let outcome = self.place(at, order, arrival);
                if let Err(reason) = outcome {
                    self.refuse(at, order, OrderReport::Rejected(reason));
                }
            }
            Command::Cancel { order, instrument } => self.cancel(at, *order, *instrument),
            Command::Amend { order, instrument, quantity, price } => {
                let change = Change { id: *order, quantity: *quantity, price: *price };
                self.amend(at, *instrument, &change);
            }
            Command::Alert(_) => {}
        }
    }

    #[cold]
    fn refuse(&mut self, at: Timestamp, order: &Order, report: OrderReport) {
        let intent = &order.intent;
        let update = OrderUpdate {
            order: order.id,
            instrument: intent.instrument,
            side: intent.side,
            leg: intent.leg,
            report,
        };
        self.reports.push_back((at, update));
    }

    fn place(
        &mut self,
        at: Timestamp,
        order: &Order,
        arrival: Arrival,
    ) -> Result<(), RejectReason> {
        let intent = &order.intent;
        let instrument = self.instruments.get(intent.instrument).ok_or(RejectReason::NotTrading)?;
        let desk = self.desks.get(intent.instrument.index()).ok_or(RejectReason::NotTrading)?;
        if desk.position(order.id).is_some() {
            return Err(RejectReason::DuplicateId);
        }
        check_order(at, instrument, order)?;
        let expires_at = match intent.time_in_force {
            TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => Timestamp::MAX,
            TimeInForce::Gtd(end) if end <= at => return Err(RejectReason::InvalidOrder),
            TimeInForce::Gtd(end) => end,
            TimeInForce::Day => self.config.day_end.after(at),
        };
        let sequence = self.sequence.wrapping_add(1);
        let mut open = OpenOrder::new(order, at, expires_at, sequence);
        let market = self.market_price(&open, desk);
        let takes = would_take(&open, desk, market);
        if open.flags.post_only && takes == Some(true) {
            return Err(RejectReason::WouldTake);
        }
        open.rested = takes == Some(false);
        let shrunk = if open.is_reduce_only() { self.fit_to_position(&mut open)? } else { None };
        check_size(instrument, &open, market)?;
        self.check_funds(instrument, &open, market)?;
        open.trail(market);
        self.sequence = sequence;
        self.next_expiry = self.next_expiry.min(expires_at);
        self.admit(&mut open, arrival);
        self.reports.push_back((at, open.update(OrderReport::Accepted)));
        if let Some(quantity) = shrunk {
            self.tell_shrunk(at, &open, quantity);
        }
        if let Some(desk) = self.desks.get_mut(intent.instrument.index()) {
            desk.orders.push(open);
        }
        let closes = self.config.market_fill == MarketFill::SameClose;
        if closes && self.session.is_none() {
            self.fill_at_close(at, &mut open);
        }
        Ok(())
    }

    /// A reduce-only order was cut to what can be closed.
    #[inline(never)]
    pub(super) fn tell_shrunk(&mut self, at: Timestamp, order: &OpenOrder, quantity: Qty) {
        let report = OrderReport::Amended { quantity, price: order.kind.limit() };
        self.reports.push_back((at, order.update(report)));
    }

    /// The price at which the market stands, NaN when unknown.
    fn market_price(&self, order: &OpenOrder, desk: &Desk) -> f64 {
        match &self.session {
            Some(session) if session.instrument() == order.instrument => session.cursor,
            Some(_) | None => match (desk.feed, order.side) {
                (Feed::Bars | Feed::Prints, _) => desk.last,
                (Feed::Quotes | Feed::Book, Side::Buy) => desk.ask,
                (Feed::Quotes | Feed::Book, Side::Sell) => desk.bid,
            },
        }
    }

    /// Cuts a reduce-only order to the position; gives the new quantity when it was cut.
    #[inline(never)]
    fn fit_to_position(&self, order: &mut OpenOrder) -> Result<Option<Qty>, RejectReason> {
        let position = self.ledger.reducible(order.instrument, order.leg, order.side);
        if position.is_zero() {
            return Err(RejectReason::NothingToReduce);
        }
        if order.quantity.is_none_or(|quantity| quantity.value() <= position) {
            return Ok(None);
        }
        order.quantity = Some(Qty::new(position));
        Ok(order.quantity)
    }

    /// Refuses what the listed assets do not pay for, working orders of the same side counted.
    fn check_funds(
        &self,
        instrument: &Instrument,
        order: &OpenOrder,
        market: f64,
    ) -> Result<(), RejectReason> {
        if !self.ledger.is_tracked() || order.is_reduce_only() {
            return Ok(());
        }
        self.check_cash(instrument, order, market)
    }

    #[inline(never)]
    fn check_cash(
        &self,
        instrument: &Instrument,
        order: &OpenOrder,
        market: f64,
    ) -> Result<(), RejectReason> {
        if self.is_on_margin(instrument.id) {
            return self.check_margin(instrument, order, market);
        }
        let poor = RejectReason::InsufficientFunds;
        if let Some(cash) = order.cash
            && order.side == Side::Buy
            && self.ledger.balance(cash.asset).is_some_and(|balance| balance < cash.amount)
        {
            return Err(poor);
        }
        let Some(price) = valuation(instrument, order, market) else { return Ok(()) };
        let mut quantity = order.remaining();
        if let Some(desk) = self.desks.get(order.instrument.index()) {
            let same_side = desk
                .orders
                .iter()
                .filter(|other| other.side == order.side && !other.is_linked_with(order));
            for other in same_side {
                quantity = quantity.checked_add(other.remaining()).ok_or(poor)?;
            }
        }
        let booking = Booking {
            instrument,
            leg: order.leg,
            side: order.side,
            quantity,
            price: price.value(),
            fee: no_fee(instrument),
        };
        if self.ledger.affords(&booking).ok_or(poor)? { Ok(()) } else { Err(poor) }
    }

    /// Decides what the order sees of a bar that is being matched right now.
    fn admit(&mut self, order: &mut OpenOrder, arrival: Arrival) {
        let Some(session) = &mut self.session else { return };
        if arrival == Arrival::Delayed || session.instrument() != order.instrument {
            return;
        }
        order.session = session.number;
        let waits = order.is_market() || !order.is_exit() || session.admitted >= MOST_ADMITTED;
        order.start = match session.stage {
            _ if waits => Start::Next,
            Stage::Open => Start::Open,
            Stage::Between | Stage::Inside => Start::Price(session.cursor),
            Stage::Close => Start::Next,
        };
        session.admitted = session.admitted.saturating_add(1);
    }

    #[inline(never)]
    fn cancel(&mut self, at: Timestamp, id: OrderId, instrument: InstrumentId) {
        match self.find(id, instrument) {
            Some(order) => self.end(at, &order, OrderReport::Cancelled),
            None => self.refuse_change(at, id, instrument, RejectReason::NotFound),
        }
    }

    #[inline(never)]
    fn amend(&mut self, at: Timestamp, instrument: InstrumentId, change: &Change) {
        let Some(order) = self.find(change.id, instrument) else {
            self.refuse_change(at, change.id, instrument, RejectReason::NotFound);
            return;
        };
        match self.amended(&order, change) {
            Ok(amended) => {
                let price = amended.kind.limit().or(amended.kind.trigger());
                let report = OrderReport::Amended { quantity: change.quantity, price };
                self.reports.push_back((at, amended.update(report)));
                self.store(&amended);
            }
            Err(reason) => {
                let report = OrderReport::ChangeRefused(reason);
                self.reports.push_back((at, order.update(report)));
            }
        }
    }

    /// The order after a change: the price is the limit, or the trigger where there is no
    /// limit. A new price or a larger quantity loses the place in the queue.
    fn amended(&self, order: &OpenOrder, change: &Change) -> Result<OpenOrder, RejectReason> {
        let invalid = RejectReason::InvalidOrder;
        let instrument = self.instruments.get(order.instrument).ok_or(invalid)?;
        let desk = self.desks.get(order.instrument.index()).ok_or(invalid)?;
        let old = order.quantity.ok_or(invalid)?;
        let quantity = change.quantity.value();
        if quantity <= order.filled || !instrument.is_on_step(quantity) {
            return Err(invalid);
        }
        if !instrument.is_on_tick(change.price.value()) {
            return Err(invalid);
        }
        let mut amended = *order;
        amended.quantity = Some(change.quantity);
        let price = change.price;
        amended.kind = match order.kind {
            OrderKind::Limit { .. } => OrderKind::Limit { price },
            OrderKind::StopLimit { trigger, .. } => OrderKind::StopLimit { trigger, price },
            OrderKind::StopMarket { .. } => OrderKind::StopMarket { trigger: price },
            OrderKind::TakeProfit { .. } => OrderKind::TakeProfit { trigger: price },
            OrderKind::TrailingStop { offset } => OrderKind::TrailingStop { offset },
            OrderKind::Market => return Err(invalid),
        };
        amended.cache_prices();
        if amended.kind != order.kind || quantity > old.value() {
            amended.queue = Queue::UNKNOWN;
        }
        if amended.kind != order.kind {
            let market = self.market_price(&amended, desk);
            let takes = would_take(&amended, desk, market);
            if amended.flags.post_only && takes == Some(true) {
                return Err(RejectReason::WouldTake);
            }
            amended.rested = takes == Some(false);
            if let Some(session) = &self.session
                && session.instrument() == order.instrument
            {
                amended.session = session.number;
                amended.start =
                    if order.is_exit() { Start::Price(session.cursor) } else { Start::Next };
            }
        }
        Ok(amended)
    }

    fn find(&self, id: OrderId, instrument: InstrumentId) -> Option<OpenOrder> {
        let desk = self.desks.get(instrument.index())?;
        desk.orders.get(desk.position(id)?).copied()
    }

    /// A refusal about an order that the venue does not know: its side is unknown too.
    fn refuse_change(
        &mut self,
        at: Timestamp,
        order: OrderId,
        instrument: InstrumentId,
        reason: RejectReason,
    ) {
        let update = OrderUpdate {
            order,
            instrument,
            side: Side::Buy,
            leg: crate::types::Leg::Net,
            report: OrderReport::ChangeRefused(reason),
        };
        self.reports.push_back((at, update));
    }
}

/// The rules that do not depend on the market.
fn check_order(at: Timestamp, instrument: &Instrument, order: &Order) -> Result<(), RejectReason> {
    let invalid = RejectReason::InvalidOrder;
    let intent = &order.intent;
    match instrument.kind {
        InstrumentKind::Future { expiry } | InstrumentKind::Option { expiry, .. }
            if expiry <= at =>
        {
            return Err(RejectReason::NotTrading);
        }
        InstrumentKind::Spot
        | InstrumentKind::LinearPerpetual
        | InstrumentKind::InversePerpetual
        | InstrumentKind::Future { .. }
        | InstrumentKind::Option { .. } => {}
    }
    let is_plain = intent.kind == OrderKind::Market && !intent.flags.post_only;
    let is_sound = match intent.amount {
        Amount::Quantity(quantity) => {
            let units = quantity.value();
            is_above_zero(units) && instrument.is_on_step(units)
        }
        // Only what fills as a market order can be resolved at its fill.
        Amount::Cash(cash) => {
            cash.amount > Decimal::ZERO
                && cash.asset == instrument.settlement
                && intent.kind.limit().is_none()
        }
    };
    let is_priced = is_plain || has_sound_prices(instrument, intent);
    if is_sound && is_priced { Ok(()) } else { Err(invalid) }
}

/// What an order with prices of its own, or for makers only, has to keep to.
#[inline(never)]
fn has_sound_prices(instrument: &Instrument, intent: &Intent) -> bool {
    let is_off_tick = |price: Price| !instrument.is_on_tick(price.value());
    if intent.kind.limit().is_some_and(is_off_tick)
        || intent.kind.trigger().is_some_and(is_off_tick)
    {
        return false;
    }
    if let OrderKind::TrailingStop { offset: Offset::BasisPoints(points) } = intent.kind
        && !(1..=9_999).contains(&points)
    {
        return false;
    }
    let immediate = matches!(intent.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
    !(intent.flags.post_only && (immediate || intent.kind.limit().is_none()))
}

/// Smallest quantity and value. Orders that only reduce may be smaller.
fn check_size(instrument: &Instrument, order: &OpenOrder, market: f64) -> Result<(), RejectReason> {
    let Some(quantity) = order.quantity.filter(|_| !order.is_reduce_only()) else {
        return Ok(());
    };
    if small::is_below(quantity.value(), instrument.min_quantity) {
        return Err(RejectReason::InvalidOrder);
    }
    if instrument.min_notional.is_zero() || instrument.kind.is_inverse() {
        return Ok(());
    }
    check_notional(instrument, order, quantity, market)
}

#[inline(never)]
fn check_notional(
    instrument: &Instrument,
    order: &OpenOrder,
    quantity: Qty,
    market: f64,
) -> Result<(), RejectReason> {
    let invalid = RejectReason::InvalidOrder;
    let Some(price) = valuation(instrument, order, market) else { return Ok(()) };
    let value = instrument.value(quantity.value(), price.value()).ok_or(invalid)?;
    if value < instrument.min_notional { Err(invalid) } else { Ok(()) }
}

/// The price that an order is valued at: its own, else the market's.
pub(super) fn valuation(instrument: &Instrument, order: &OpenOrder, market: f64) -> Option<Price> {
    let own = order.kind.limit().or(order.kind.trigger());
    own.or_else(|| Price::new(instrument.price_grid.nearest(market)?).ok())
}

/// True when the limit order would trade at once; `None` when that is unknown or no limit
/// order works. A quote is an offer, so that its price itself trades; a last price is not.
fn would_take(order: &OpenOrder, desk: &Desk, market: f64) -> Option<bool> {
    if market.is_nan() || !matches!(order.kind, OrderKind::Limit { .. }) {
        return None;
    }
    match desk.feed {
        Feed::Bars | Feed::Prints => Some(order.prefers(market)),
        Feed::Quotes | Feed::Book => Some(order.accepts(market)),
    }
}
