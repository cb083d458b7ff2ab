//! Executions: from a price in the market to booked money and reports.

use rust_decimal::Decimal;

use super::SimVenue;
use super::fees::{FeeSchedule, Traded};
use super::ledger::Booking;
use super::margin::Market;
use super::order::OpenOrder;
use super::slippage::{Scene, Slippage, Taker};
use crate::types::{
    FillReport, Instrument, InstrumentId, Instruments, Liquidity, Money, OrderReport, Price, Qty,
    RejectReason, TimeInForce, Timestamp, TradeId,
    small::{self, is_above_zero},
    to_f64,
};

/// A chance to trade.
#[derive(Clone, Copy)]
pub(super) struct Deal {
    pub(super) at: Timestamp,
    /// The price before slippage.
    pub(super) raw: Price,
    pub(super) liquidity: Liquidity,
    /// How much there is; `None` for no bound.
    pub(super) available: Option<Decimal>,
    pub(super) scene: Scene,
}

impl SimVenue {
    /// Trades as much of the order as the deal allows and reports it; gives the quantity.
    pub(super) fn fill(&mut self, order: &mut OpenOrder, deal: &Deal) -> Decimal {
        let slips = deal.liquidity == Liquidity::Taker && self.config.slippage != Slippage::None;
        let slipped = if slips { self.slipped(order, deal) } else { None };
        let price = match &slipped {
            Some(price) => price,
            None if slips => return Decimal::ZERO,
            None => &deal.raw,
        };
        if order.quantity.is_none() && !self.resolve(order, deal, *price) {
            return Decimal::ZERO;
        }
        if order.is_reduce_only() && !self.shrink(order, deal.at) {
            return Decimal::ZERO;
        }
        let remaining = order.remaining();
        let (quantity, is_whole) = match deal.available {
            Some(most) if most < remaining => (most, false),
            Some(_) | None => (remaining, true),
        };
        let killed = order.time_in_force == TimeInForce::Fok && !is_whole;
        if killed || !is_above_zero(quantity) {
            if order.is_immediate() {
                self.end(deal.at, order, OrderReport::Cancelled);
            } else {
                self.store(order);
            }
            return Decimal::ZERO;
        }
        match self.book(order, deal, price, quantity) {
            Ok(()) if is_whole => self.finish(order, deal.at),
            Ok(()) => self.apply(order, deal.at, quantity),
            Err(reason) => {
                self.end(deal.at, order, OrderReport::Rejected(reason));
                return Decimal::ZERO;
            }
        }
        quantity
    }

    /// The price that takers get.
    #[inline(never)]
    fn slipped(&self, order: &OpenOrder, deal: &Deal) -> Option<Price> {
        let instrument = self.instruments.get(order.instrument)?;
        let wanted = match order.cash {
            Some(cash) if order.quantity.is_none() => {
                (to_f64(cash.amount) / instrument.value_f64(1.0, deal.raw.to_f64())).abs()
            }
            Some(_) | None => to_f64(order.remaining()),
        };
        let most = deal.available.map_or(f64::INFINITY, to_f64);
        let taker = Taker {
            side: order.side,
            price: deal.raw,
            quantity: wanted.min(most),
            limit: order.kind.limit(),
            scene: deal.scene,
        };
        Some(self.config.slippage.apply(instrument, &taker))
    }

    /// Turns a cash amount into a quantity; false when the order is over instead.
    #[inline(never)]
    fn resolve(&mut self, order: &mut OpenOrder, deal: &Deal, price: Price) -> bool {
        let rate = self.config.fees.rate(self.traded, deal.liquidity);
        let quantity = self.instruments.get(order.instrument).and_then(|instrument| {
            let cash = order.cash?.amount;
            let pricing = Pricing { instruments: &self.instruments, instrument, price, rate };
            let quantity = pricing.affordable(&self.config.fees, cash)?;
            let enough = quantity > Decimal::ZERO && quantity >= instrument.min_quantity;
            enough.then_some(quantity)
        });
        let Some(quantity) = quantity else {
            let reason = RejectReason::InsufficientFunds;
            self.end(deal.at, order, OrderReport::Rejected(reason));
            return false;
        };
        let quantity = Qty::new(quantity);
        order.quantity = Some(quantity);
        self.reports.push_back((deal.at, order.update(OrderReport::Resolved { quantity })));
        true
    }

    /// Shrinks a reduce-only order to the position; false when there is none any more.
    #[inline(never)]
    fn shrink(&mut self, order: &mut OpenOrder, at: Timestamp) -> bool {
        let position = self.ledger.reducible(order.instrument, order.leg, order.side);
        if position.is_zero() {
            self.end(at, order, OrderReport::Cancelled);
            return false;
        }
        if position < order.remaining()
            && let Some(total) = order.filled.checked_add(position)
        {
            let quantity = Qty::new(total);
            order.quantity = Some(quantity);
            self.tell_shrunk(at, order, quantity);
        }
        true
    }

    /// Books the trade and reports it.
    fn book(
        &mut self,
        order: &OpenOrder,
        deal: &Deal,
        price: &Price,
        quantity: Decimal,
    ) -> Result<(), RejectReason> {
        let overflow = RejectReason::InvalidOrder;
        let instrument = self.instruments.get(order.instrument).ok_or(RejectReason::NotTrading)?;
        let mut value = instrument.value(quantity, price.value()).ok_or(overflow)?;
        // Of inverse contracts, and at a price below zero.
        if value.is_sign_negative() {
            value = value.abs();
        }
        let rate = self.config.fees.rate(self.traded, deal.liquidity);
        let traded = Traded { quantity, value };
        let fee = self.config.fees.fee(&self.instruments, instrument, rate, traded);
        let booking = Booking {
            instrument,
            leg: order.leg,
            side: order.side,
            quantity,
            price: price.value(),
            fee: fee.ok_or(overflow)?,
        };
        if let Some(margin) = &mut self.margin {
            let market = Market {
                instruments: &self.instruments,
                desks: &self.desks,
                session: self.session.as_ref(),
                now: Some((instrument.id, deal.raw.value())),
            };
            margin.book_trade(&mut self.ledger, &market, &booking)?;
            let at_risk = margin.is_at_risk(&self.ledger, instrument.id);
            if let Some(desk) = self.desks.get_mut(instrument.id.index()) {
                desk.at_risk = at_risk;
            }
        } else {
            if !self.ledger.affords(&booking).ok_or(overflow)? {
                return Err(RejectReason::InsufficientFunds);
            }
            self.ledger.book(&booking).ok_or(overflow)?;
        }
        self.traded = small::plus(self.traded, value).unwrap_or(self.traded);
        self.trades = self.trades.wrapping_add(1);
        let report = FillReport {
            trade: TradeId(u128::from(self.trades)),
            price: *price,
            quantity: Qty::new(quantity),
            fee: booking.fee,
            liquidity: deal.liquidity,
            before_slippage: deal.raw,
        };
        self.reports.push_back((deal.at, order.update(OrderReport::Fill(report))));
        Ok(())
    }

    /// All that was left has filled.
    fn finish(&mut self, order: &OpenOrder, at: Timestamp) {
        self.remove(order);
        if order.is_linked() {
            self.cancel_siblings(at, order);
        }
    }

    /// A part has filled; what follows from it for the order and its siblings.
    #[inline(never)]
    fn apply(&mut self, order: &mut OpenOrder, at: Timestamp, quantity: Decimal) {
        // The sum cannot overflow: it is at most the order's total.
        order.filled = order.filled.checked_add(quantity).unwrap_or(order.filled);
        self.reduce_siblings(at, order, quantity);
        if order.is_immediate() {
            self.end(at, order, OrderReport::Cancelled);
        } else {
            self.store(order);
        }
    }

    /// Ends an order for another reason than being filled.
    #[inline(never)]
    pub(super) fn end(&mut self, at: Timestamp, order: &OpenOrder, report: OrderReport) {
        self.remove(order);
        self.reports.push_back((at, order.update(report)));
        if order.is_linked() {
            self.cancel_siblings(at, order);
        }
    }

    /// An end of one ends all.
    #[inline(never)]
    fn cancel_siblings(&mut self, at: Timestamp, order: &OpenOrder) {
        for desk in &mut self.desks {
            let reports = &mut self.reports;
            desk.orders.retain(|other| {
                let linked = other.is_linked_with(order);
                if linked {
                    reports.push_back((at, other.update(OrderReport::Cancelled)));
                }
                !linked
            });
        }
    }

    /// A fill of one reduces the others by as much.
    fn reduce_siblings(&mut self, at: Timestamp, order: &OpenOrder, quantity: Decimal) {
        if !order.is_linked() {
            return;
        }
        for desk in &mut self.desks {
            let reports = &mut self.reports;
            desk.orders.retain_mut(|other| {
                let Some(total) = other.quantity.filter(|_| other.is_linked_with(order)) else {
                    return true;
                };
                let reduced = total.value().checked_sub(quantity).unwrap_or_default();
                if reduced <= other.filled {
                    reports.push_back((at, other.update(OrderReport::Cancelled)));
                    return false;
                }
                let quantity = Qty::new(reduced);
                other.quantity = Some(quantity);
                let report = OrderReport::Amended { quantity, price: other.kind.limit() };
                reports.push_back((at, other.update(report)));
                true
            });
        }
    }

    pub(super) fn store(&mut self, order: &OpenOrder) {
        if let Some(desk) = self.desks.get_mut(order.instrument.index()) {
            desk.put(order);
        }
    }

    fn remove(&mut self, order: &OpenOrder) {
        if let Some(desk) = self.desks.get_mut(order.instrument.index()) {
            desk.remove(order.sequence);
        }
    }

    pub(super) fn next_order(&self, instrument: InstrumentId, sequence: u64) -> Option<OpenOrder> {
        self.desks.get(instrument.index())?.next_after(sequence)
    }
}

/// What one unit costs.
#[derive(Clone, Copy)]
pub(super) struct Pricing<'a> {
    pub(super) instruments: &'a Instruments,
    pub(super) instrument: &'a Instrument,
    pub(super) price: Price,
    pub(super) rate: Decimal,
}

impl Pricing<'_> {
    /// The most units, in whole steps, that so much cash pays for, fee included.
    pub(super) fn affordable(&self, fees: &FeeSchedule, cash: Decimal) -> Option<Decimal> {
        let instrument = self.instrument;
        let rate = if fees.is_in_base(instrument) { Decimal::ZERO } else { self.rate };
        let factor = Decimal::ONE.checked_add(rate)?;
        let unit = instrument.value(Decimal::ONE, self.price.value())?.abs();
        let quantity = instrument.floor_to_step(cash.checked_div(unit.checked_mul(factor)?)?)?;
        // The quotient and the fee are rounded: together they may be a step too much.
        if self.cost(fees, quantity)? <= cash {
            Some(quantity)
        } else {
            quantity.checked_sub(instrument.step)
        }
    }

    /// What so many units cost, with the fee as far as it is paid from cash.
    pub(super) fn cost(&self, fees: &FeeSchedule, quantity: Decimal) -> Option<Decimal> {
        let value = self.instrument.value(quantity, self.price.value())?.abs();
        let traded = Traded { quantity, value };
        let fee = fees.fee(self.instruments, self.instrument, self.rate, traded)?;
        let paid_in_cash = fee.asset == self.instrument.settlement;
        if paid_in_cash { value.checked_add(fee.amount) } else { Some(value) }
    }
}

/// Money that an order would move.
pub(super) fn no_fee(instrument: &Instrument) -> Money {
    Money::zero(instrument.settlement)
}
