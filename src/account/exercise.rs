use rust_decimal::Decimal;

use super::adjustments::moved;
use super::position::{Booking, Plan};
use super::{Ledger, LedgerError};
use crate::types::{
    AdjustmentKind, Instrument, InstrumentKind, Instruments, Leg, OptionRight, Timestamp, Trade,
};

/// What an exercise does to the underlying, as signed units and the price of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Signed change of the option position.
    pub contracts: Decimal,
    /// What one unit of the option is closed at.
    pub worth: Decimal,
    /// Signed change of the underlying position.
    pub units: Decimal,
    /// What one unit of the underlying is booked at: worth and price together make cash move
    /// by the strike.
    pub price: Decimal,
}

impl Delivery {
    /// The delivery for `contracts` out of a position of `held`, at a price of the underlying.
    ///
    /// # Errors
    /// [`LedgerError::NotDeliverable`] for no option, or an underlying that is not the spot
    /// instrument of the option's base and settlement currency; [`LedgerError::BadQuantity`]
    /// unless 0 < contracts ≤ held without sign; [`LedgerError::Overflow`].
    pub fn of(
        [option, underlying]: [&Instrument; 2],
        held: Decimal,
        (contracts, price): (Decimal, Decimal),
    ) -> Result<Self, LedgerError> {
        let InstrumentKind::Option { strike, right, .. } = option.kind else {
            return Err(LedgerError::NotDeliverable { instrument: option.id });
        };
        let is_spot = matches!(underlying.kind, InstrumentKind::Spot);
        let is_same = (underlying.base, underlying.settlement) == (option.base, option.settlement);
        if !is_spot || !is_same {
            return Err(LedgerError::NotDeliverable { instrument: underlying.id });
        }
        if contracts <= Decimal::ZERO || contracts > held.abs() {
            return Err(LedgerError::BadQuantity { quantity: contracts });
        }
        let closing = if held.is_sign_negative() { contracts } else { -contracts };
        let delivery = || {
            let worth = match right {
                OptionRight::Call => price.checked_sub(strike)?,
                OptionRight::Put => strike.checked_sub(price)?,
            };
            let worth = worth.max(Decimal::ZERO);
            let units = closing.checked_mul(option.multiplier)?;
            let units = units.checked_div(underlying.multiplier)?;
            // Who holds a call buys, who holds a put sells; who wrote it does the opposite.
            let (units, price) = match right {
                OptionRight::Call => (-units, strike.checked_add(worth)?),
                OptionRight::Put => (units, strike.checked_sub(worth)?),
            };
            Some(Self { contracts: closing, worth, units, price })
        };
        delivery().ok_or(LedgerError::Overflow { what: "delivery" })
    }
}

impl Ledger {
    /// Closes option contracts at what they are worth and books what is delivered.
    pub(super) fn exercise(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        kind: &AdjustmentKind,
        closed: &mut Vec<Trade>,
    ) -> Result<(), LedgerError> {
        let AdjustmentKind::Exercise { slot, option, underlying, contracts, price } = *kind else {
            return Ok(());
        };
        let option = self.listed(instruments, option)?;
        let underlying = self.listed(instruments, underlying)?;
        let places =
            [self.place(slot, option.id, Leg::Net)?, self.place(slot, underlying.id, Leg::Net)?];
        let [written, _] = places;
        let held = self.positions.get(written).map(|position| position.total.quantity);
        let asked = (contracts.value(), price.value());
        let delivery = Delivery::of([option, underlying], held.unwrap_or_default(), asked)?;
        let mut sums = self.sums_of(option.settlement)?;
        let bookings = [
            (option, (delivery.contracts, delivery.worth)),
            (underlying, (delivery.units, delivery.price)),
        ];
        let mut plans = Vec::with_capacity(bookings.len());
        for (place, (instrument, change)) in places.into_iter().zip(bookings) {
            let booking = self.booking(at, instrument, change)?;
            let mut plan = Plan::new();
            self.plan(place, &Booking { slot, ..booking }, &mut plan, closed)?;
            sums = moved(sums, instrument, [plan.realised, plan.cost_change])?;
            plans.push((place, plan));
        }
        self.put_sums(option.settlement, sums);
        for (place, plan) in &plans {
            self.commit(*place, plan);
        }
        Ok(())
    }
}
