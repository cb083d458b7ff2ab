use rust_decimal::Decimal;

use super::arithmetic::{add, sub};
use super::position::{Booking, Plan};
use super::{AdjustmentEffects, AssetSums, Ledger, LedgerError};
use crate::types::{
    Adjustment, AdjustmentKind, Instrument, InstrumentId, Instruments, Label, Leg, Money, SlotId,
    Timestamp, Trade,
};

/// Changes of cash and position that are no fills.
impl Ledger {
    pub(super) fn carry_out(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        adjustment: &Adjustment,
        effects: &mut AdjustmentEffects,
    ) -> Result<(), LedgerError> {
        match adjustment.kind {
            AdjustmentKind::Capital(money) => self.move_cash(money, Cause::Capital),
            AdjustmentKind::Income(money) => self.move_cash(money, Cause::Income),
            AdjustmentKind::Position { slot, instrument, change, price } => {
                let instrument = self.listed(instruments, instrument)?;
                if change.is_zero() {
                    return self.place(slot, instrument.id, Leg::Net).map(|_| ());
                }
                let booking = self.booking(at, instrument, (change.value(), price.value()))?;
                self.take_over(&Booking { slot, ..booking }, &mut effects.closed)
            }
            AdjustmentKind::Split { instrument, numerator, denominator } => {
                let instrument = self.listed(instruments, instrument)?;
                self.split(instrument.id, numerator, denominator)
            }
            AdjustmentKind::Settlement { instrument, price } => {
                let instrument = self.listed(instruments, instrument)?;
                self.settle(at, instrument, price, &mut effects.closed)
            }
            AdjustmentKind::Dividend { instrument, amount } => {
                let instrument = self.listed(instruments, instrument)?;
                not_negative("dividend", amount)?;
                self.pay_holders(instrument, &mut effects.paid, |quantity| {
                    quantity.checked_mul(instrument.multiplier)?.checked_mul(amount)
                })
            }
            AdjustmentKind::BorrowFee { instrument, price, rate } => {
                let instrument = self.listed(instruments, instrument)?;
                not_negative("borrow fee", rate)?;
                self.pay_holders(instrument, &mut effects.paid, |quantity| {
                    let owed = quantity.min(Decimal::ZERO);
                    let value = instrument.value(owed, price.value())?.abs();
                    value.checked_mul(rate).map(|fee| -fee)
                })
            }
            AdjustmentKind::Exercise { .. } => {
                self.exercise(at, instruments, &adjustment.kind, &mut effects.closed)
            }
        }
    }

    pub(super) fn listed<'a>(
        &self,
        instruments: &'a Instruments,
        id: InstrumentId,
    ) -> Result<&'a Instrument, LedgerError> {
        let known = instruments.get(id).filter(|_| id.index() < self.instruments);
        known.ok_or(LedgerError::UnknownInstrument { instrument: id })
    }

    /// A booking without fee on the house's own position.
    pub(super) fn booking<'a>(
        &self,
        at: Timestamp,
        instrument: &'a Instrument,
        (quantity, price): (Decimal, Decimal),
    ) -> Result<Booking<'a>, LedgerError> {
        Ok(Booking {
            at,
            slot: SlotId::HOUSE,
            leg: Leg::Net,
            instrument,
            digits: self.digits(instrument.settlement)?,
            method: self.config.lots,
            quantity,
            price,
            fee: Decimal::ZERO,
            tag: Label::default(),
        })
    }

    fn move_cash(&mut self, money: Money, cause: Cause) -> Result<(), LedgerError> {
        let amount = money.amount.round_dp(self.digits(money.asset)?);
        let mut sums = self.sums_of(money.asset)?;
        sums.cash = add(sums.cash, amount, "cash")?;
        match cause {
            Cause::Capital => sums.deposits = add(sums.deposits, amount, "deposits")?,
            Cause::Income => sums.realised = add(sums.realised, amount, "realised")?,
        }
        self.put_sums(money.asset, sums);
        Ok(())
    }

    /// Books a change of position whose value comes in or leaves as capital.
    fn take_over(
        &mut self,
        booking: &Booking<'_>,
        closed: &mut Vec<Trade>,
    ) -> Result<(), LedgerError> {
        let instrument = booking.instrument;
        let place = self.place(booking.slot, instrument.id, Leg::Net)?;
        let mut plan = Plan::new();
        self.plan(place, booking, &mut plan, closed)?;
        let mut sums = self.sums_of(instrument.settlement)?;
        sums.realised = add(sums.realised, plan.realised, "realised")?;
        // Cash stays: what would have been paid came in with the position, or left with it.
        let paid = if instrument.kind.is_paid_in_full() {
            sub(plan.realised, plan.cost_change, "deposits")?
        } else {
            plan.realised
        };
        sums.deposits = sub(sums.deposits, paid, "deposits")?;
        self.put_sums(instrument.settlement, sums);
        self.commit(place, &plan);
        Ok(())
    }

    /// Closes every position at a price.
    fn settle(
        &mut self,
        at: Timestamp,
        instrument: &Instrument,
        price: Decimal,
        closed: &mut Vec<Trade>,
    ) -> Result<(), LedgerError> {
        not_negative("settlement price", price)?;
        let mut sums = self.sums_of(instrument.settlement)?;
        let mut plans = Vec::new();
        for place in self.range(instrument.id) {
            let held = self.positions.get(place).map(|position| position.total.quantity);
            let Some(held) = held.filter(|held| !held.is_zero()) else { continue };
            let (slot, leg) = self.owner(place);
            let booking = self.booking(at, instrument, (-held, price))?;
            let mut plan = Plan::new();
            self.plan(place, &Booking { slot, leg, ..booking }, &mut plan, closed)?;
            sums = moved(sums, instrument, [plan.realised, plan.cost_change])?;
            plans.push((place, plan));
        }
        self.put_sums(instrument.settlement, sums);
        for (place, plan) in &plans {
            self.commit(*place, plan);
        }
        Ok(())
    }

    /// Pays every position what `payment` says of its quantity, as income.
    fn pay_holders(
        &mut self,
        instrument: &Instrument,
        paid: &mut Vec<(SlotId, Money)>,
        payment: impl Fn(Decimal) -> Option<Decimal>,
    ) -> Result<(), LedgerError> {
        let asset = instrument.settlement;
        let digits = self.digits(asset)?;
        let mut sums = self.sums_of(asset)?;
        for place in self.range(instrument.id) {
            let held = self.positions.get(place).map(|position| position.total.quantity);
            let Some(held) = held.filter(|held| !held.is_zero()) else { continue };
            let amount = payment(held).ok_or(LedgerError::Overflow { what: "payment" })?;
            let amount = amount.round_dp(digits);
            if amount.is_zero() {
                continue;
            }
            sums.cash = add(sums.cash, amount, "cash")?;
            sums.realised = add(sums.realised, amount, "realised")?;
            paid.push((self.owner(place).0, Money::new(amount, asset)));
        }
        self.put_sums(asset, sums);
        Ok(())
    }

    /// Whose position is kept at a place, and which leg it is.
    pub(super) fn owner(&self, place: usize) -> (SlotId, Leg) {
        let slot = place / self.legs() % self.slots;
        let leg = match place % self.legs() {
            0 => Leg::Net,
            1 => Leg::Long,
            _ => Leg::Short,
        };
        (SlotId(u16::try_from(slot).unwrap_or(u16::MAX)), leg)
    }
}

/// What moves cash without a position.
#[derive(Clone, Copy)]
enum Cause {
    Capital,
    Income,
}

/// The settlement currency's sums after a booking that moves cash as a fill does.
pub(super) fn moved(
    mut sums: AssetSums,
    instrument: &Instrument,
    [realised, cost_change]: [Decimal; 2],
) -> Result<AssetSums, LedgerError> {
    let paid = if instrument.kind.is_paid_in_full() {
        sub(realised, cost_change, "cash")?
    } else {
        realised
    };
    sums.cash = add(sums.cash, paid, "cash")?;
    sums.realised = add(sums.realised, realised, "realised")?;
    Ok(sums)
}

fn not_negative(what: &'static str, value: Decimal) -> Result<(), LedgerError> {
    if value < Decimal::ZERO { Err(LedgerError::BadValue { what, value }) } else { Ok(()) }
}
