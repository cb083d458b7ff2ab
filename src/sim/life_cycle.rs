//! What an instrument's life does at the venue: splits, dividends, expiries, exercises.

use rust_decimal::Decimal;

use super::SimVenue;
use super::ledger::{Booking, LEGS};
use crate::account::Delivery;
use crate::types::{
    Adjustment, AdjustmentKind, Instrument, InstrumentId, InstrumentKind, Leg, Money, OrderReport,
    Qty, Side, Timestamp,
};

impl SimVenue {
    /// Carries out at the venue what the account books as an adjustment. Orders in an
    /// instrument that is split are cancelled, those in one that is settled expire. Capital is
    /// moved by [`SimVenue::deposit`] and nothing here; an unknown instrument changes nothing.
    pub fn adjust(&mut self, at: Timestamp, adjustment: &Adjustment) {
        match adjustment.kind {
            AdjustmentKind::Capital(_) => {}
            AdjustmentKind::Income(money) => self.receive_cash(money),
            AdjustmentKind::Position { instrument, change, price, .. } => {
                self.take_over(instrument, change, price.value());
            }
            AdjustmentKind::Split { instrument, numerator, denominator } => {
                self.cancel_all(at, |order| order.instrument == instrument);
                self.split(instrument, [numerator, denominator].map(Decimal::from));
            }
            AdjustmentKind::Settlement { instrument, price } => self.settle(at, instrument, price),
            AdjustmentKind::Dividend { instrument, amount } => {
                self.pay_legs(instrument, |found, held| {
                    held.checked_mul(found.multiplier)?.checked_mul(amount)
                });
            }
            AdjustmentKind::BorrowFee { instrument, price, rate } => {
                self.pay_legs(instrument, |found, held| {
                    let value = found.value(held.min(Decimal::ZERO), price.value())?.abs();
                    value.checked_mul(rate).map(|fee| -fee)
                });
            }
            AdjustmentKind::Exercise { option, underlying, contracts, price, .. } => {
                self.deliver([option, underlying], contracts, price.value());
            }
        }
    }

    fn receive_cash(&mut self, money: Money) {
        let digits = self.ledger.digits_of(money.asset);
        // On overflow cash stays as it was.
        let _ = self.ledger.pay(money.asset, money.amount.round_dp(digits));
    }

    /// A position comes in or leaves at a price; cash does not move.
    fn take_over(&mut self, id: InstrumentId, change: Qty, price: Decimal) {
        let Some(instrument) = self.instruments.get(id) else { return };
        let held = self.ledger.holding(id, Leg::Net);
        let Some(side) = Side::of(change.value()) else { return };
        let booking = Booking {
            instrument,
            leg: Leg::Net,
            side,
            quantity: change.value().abs(),
            price,
            fee: Money::zero(instrument.settlement),
        };
        let cash = self.ledger.balance(instrument.settlement);
        if self.ledger.book(&booking).is_none() {
            return;
        }
        // What the booking moved in cash is moved back.
        if let (Some(before), Some(after)) = (cash, self.ledger.balance(instrument.settlement)) {
            let moved = before.checked_sub(after).unwrap_or_default();
            let _ = self.ledger.pay(instrument.settlement, moved);
        }
        self.after_change(id, (Leg::Net, held.quantity));
    }

    fn split(&mut self, id: InstrumentId, [numerator, denominator]: [Decimal; 2]) {
        let Some(instrument) = self.instruments.get(id) else { return };
        let (base, is_spot) = (instrument.base, instrument.kind == InstrumentKind::Spot);
        let scaled = |units: Decimal| {
            let units = units.checked_mul(numerator)?.checked_div(denominator)?;
            Some(units.round_dp(12))
        };
        for leg in LEGS {
            let mut holding = self.ledger.holding(id, leg);
            let Some(quantity) = scaled(holding.quantity) else { return };
            holding.quantity = quantity;
            self.ledger.put(id, leg, holding);
        }
        if let Some(units) = self.ledger.balance(base).filter(|_| is_spot)
            && let Some(more) = scaled(units).and_then(|next| next.checked_sub(units))
        {
            let _ = self.ledger.pay(base, more);
        }
    }

    fn settle(&mut self, at: Timestamp, id: InstrumentId, price: Decimal) {
        loop {
            let order = self.open_orders().find(|order| order.instrument == id).copied();
            let Some(order) = order else { break };
            self.end(at, &order, OrderReport::Expired);
        }
        for leg in LEGS {
            let held = self.ledger.position(id, leg);
            self.book_at((id, leg), -held, price);
        }
    }

    /// Books a signed change at a price, without a fee.
    fn book_at(&mut self, (id, leg): (InstrumentId, Leg), change: Decimal, price: Decimal) {
        let Some(instrument) = self.instruments.get(id) else { return };
        let Some(side) = Side::of(change) else { return };
        let before = self.ledger.position(id, leg);
        let booking = Booking {
            instrument,
            leg,
            side,
            quantity: change.abs(),
            price,
            fee: Money::zero(instrument.settlement),
        };
        // On overflow the position stays as it was.
        let _ = self.ledger.book(&booking);
        self.after_change(id, (leg, before));
    }

    fn after_change(&mut self, id: InstrumentId, (leg, before): (Leg, Decimal)) {
        let Some(margin) = &mut self.margin else { return };
        margin.release(&self.ledger, (id, leg), before);
        let at_risk = margin.is_at_risk(&self.ledger, id);
        if let Some(desk) = self.desks.get_mut(id.index()) {
            desk.at_risk = at_risk;
        }
    }

    fn pay_legs(
        &mut self,
        id: InstrumentId,
        payment: impl Fn(&Instrument, Decimal) -> Option<Decimal>,
    ) {
        let Some(instrument) = self.instruments.get(id) else { return };
        let asset = instrument.settlement;
        for leg in LEGS {
            let held = self.ledger.position(id, leg);
            if let Some(amount) = payment(instrument, held) {
                let amount = amount.round_dp(self.ledger.digits_of(asset));
                let _ = self.ledger.pay(asset, amount);
            }
        }
    }

    fn deliver(&mut self, ids: [InstrumentId; 2], contracts: Qty, price: Decimal) {
        let [option, underlying] = ids;
        let found = (self.instruments.get(option), self.instruments.get(underlying));
        let (Some(first), Some(second)) = found else { return };
        let held = self.ledger.position(option, Leg::Net);
        let asked = (contracts.value(), price);
        let Ok(delivery) = Delivery::of([first, second], held, asked) else { return };
        self.book_at((option, Leg::Net), delivery.contracts, delivery.worth);
        self.book_at((underlying, Leg::Net), delivery.units, delivery.price);
    }
}
