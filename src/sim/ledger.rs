use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{
    AssetId, Grid, Instrument, InstrumentId, InstrumentKind, Instruments, Leg, Money, Side, exact,
    small,
};

/// The venue's own books: positions, and cash where it is limited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ledger {
    positions: Vec<[Holding; 3]>,
    /// Decimals of each asset's ledger.
    digits: Vec<u32>,
    balances: Vec<Option<Cash>>,
    tracked: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cash(#[serde(with = "exact")] Decimal);

/// One position and what it cost, both signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holding {
    #[serde(with = "exact")]
    pub(super) quantity: Decimal,
    #[serde(with = "exact")]
    pub(super) cost: Decimal,
}

/// A trade about to be booked.
#[derive(Clone, Copy)]
pub(super) struct Booking<'a> {
    pub(super) instrument: &'a Instrument,
    pub(super) leg: Leg,
    pub(super) side: Side,
    pub(super) quantity: Decimal,
    pub(super) price: Decimal,
    pub(super) fee: Money,
}

impl Ledger {
    pub(super) fn new(instruments: &Instruments) -> Self {
        Self {
            positions: vec![[Holding::default(); 3]; instruments.len()],
            digits: instruments.assets().iter().map(|asset| asset.ledger_digits).collect(),
            balances: vec![None; instruments.assets().len()],
            tracked: false,
        }
    }

    /// Cash of an asset; `None` when it is on unlimited credit.
    pub(super) fn balance(&self, asset: AssetId) -> Option<Decimal> {
        self.balances.get(asset.index()).copied().flatten().map(|cash| cash.0)
    }

    /// Adds cash, and limits the asset from now on. `None` on overflow or an unknown asset.
    pub(super) fn deposit(&mut self, money: Money) -> Option<()> {
        let slot = self.balances.get_mut(money.asset.index())?;
        let sum = slot.unwrap_or_default().0.checked_add(money.amount)?;
        *slot = Some(Cash(sum));
        self.tracked = true;
        Some(())
    }

    pub(super) fn is_tracked(&self) -> bool {
        self.tracked
    }

    pub(super) fn position(&self, instrument: InstrumentId, leg: Leg) -> Decimal {
        self.holding(instrument, leg).quantity
    }

    /// What a reduce-only order of this side can close.
    pub(super) fn reducible(&self, instrument: InstrumentId, leg: Leg, side: Side) -> Decimal {
        let position = self.position(instrument, leg);
        if Side::of(position) == Some(side.opposite()) { position.abs() } else { Decimal::ZERO }
    }

    /// Takes over a position that was not traded here. `None` on overflow or when unknown.
    pub(super) fn adjust(&mut self, id: InstrumentId, leg: Leg, change: Decimal) -> Option<()> {
        let holding = self.positions.get_mut(id.index())?.get_mut(leg_index(leg))?;
        holding.quantity = holding.quantity.checked_add(change)?;
        if holding.quantity.is_zero() {
            holding.cost = Decimal::ZERO;
        }
        Some(())
    }

    /// True when the listed assets suffice for the trade.
    #[inline]
    pub(super) fn affords(&self, booking: &Booking<'_>) -> Option<bool> {
        if self.tracked { self.has_cash_for(booking) } else { Some(true) }
    }

    #[inline(never)]
    fn has_cash_for(&self, booking: &Booking<'_>) -> Option<bool> {
        let instrument = booking.instrument;
        let value = instrument.value(booking.quantity, booking.price)?.abs();
        let fee_in = |asset| if booking.fee.asset == asset { booking.fee.amount } else { ZERO };
        let (asset, need) = if !instrument.kind.is_paid_in_full() {
            (instrument.settlement, fee_in(instrument.settlement))
        } else {
            match booking.side {
                Side::Buy => {
                    let asset = instrument.settlement;
                    (asset, value.checked_add(fee_in(asset))?)
                }
                Side::Sell if instrument.kind == InstrumentKind::Spot => {
                    let units = booking.quantity.checked_mul(instrument.multiplier)?;
                    (instrument.base, units.checked_add(fee_in(instrument.base))?)
                }
                Side::Sell => return Some(true),
            }
        };
        Some(self.balance(asset).is_none_or(|cash| need <= cash))
    }

    /// Books a trade. `None` on overflow; then nothing has changed.
    pub(super) fn book(&mut self, booking: &Booking<'_>) -> Option<()> {
        let signed = booking.side.signed(booking.quantity);
        if self.tracked {
            return self.book_tracked(booking, signed);
        }
        let legs = self.positions.get_mut(booking.instrument.id.index())?;
        let holding = legs.get_mut(leg_index(booking.leg))?;
        holding.quantity = small::plus(holding.quantity, signed)?;
        holding.cost = Decimal::ZERO;
        Some(())
    }

    /// The same where assets are listed: cash moves, too.
    #[inline(never)]
    fn book_tracked(&mut self, booking: &Booking<'_>, signed: Decimal) -> Option<()> {
        let id = booking.instrument.id;
        let holding = *self.positions.get(id.index())?.get(leg_index(booking.leg))?;
        let quantity = small::plus(holding.quantity, signed)?;
        let cost = self.settle_or_undo(booking, holding, signed)?;
        self.put(id, booking.leg, Holding { quantity, cost });
        Some(())
    }

    /// Moves cash or, where a sum does not fit, nothing; gives the position's new cost.
    fn settle_or_undo(
        &mut self,
        booking: &Booking<'_>,
        held: Holding,
        signed: Decimal,
    ) -> Option<Decimal> {
        let before = self.balances_of(booking);
        let cost = self.settle(booking, held, signed);
        if cost.is_none() {
            self.restore(booking, before);
        }
        cost
    }

    /// Moves cash; gives the position's new cost.
    fn settle(&mut self, booking: &Booking<'_>, held: Holding, signed: Decimal) -> Option<Decimal> {
        let instrument = booking.instrument;
        let value = instrument.value(signed, booking.price)?;
        self.pay(booking.fee.asset, -booking.fee.amount)?;
        if instrument.kind.is_paid_in_full() {
            self.pay(instrument.settlement, -value)?;
            if instrument.kind == InstrumentKind::Spot {
                self.pay(instrument.base, signed.checked_mul(instrument.multiplier)?)?;
            }
            return Some(Decimal::ZERO);
        }
        let digits = self.digits.get(instrument.settlement.index()).copied()?;
        let opposite = !held.quantity.is_zero()
            && held.quantity.is_sign_negative() != signed.is_sign_negative();
        if !opposite {
            return held.cost.checked_add(value.round_dp(digits));
        }
        // The part that closes takes its share of the cost with it, rounded once.
        let closing = signed.abs().min(held.quantity.abs());
        let closed = if signed.is_sign_negative() { -closing } else { closing };
        let share = held.cost.checked_mul(closing)?.checked_div(held.quantity.abs())?;
        let share = if closing == held.quantity.abs() { held.cost } else { share.round_dp(digits) };
        let proceeds = instrument.value(closed, booking.price)?.round_dp(digits);
        self.pay(instrument.settlement, -(proceeds.checked_add(share)?))?;
        let opened = signed.checked_sub(closed)?;
        let rest = instrument.value(opened, booking.price)?.round_dp(digits);
        held.cost.checked_sub(share)?.checked_add(rest)
    }

    /// Books a funding payment on each leg: longs pay when the rate is positive. Gives what
    /// each leg received.
    pub(super) fn fund(&mut self, instrument: &Instrument, rate: f64, mark: f64) -> Option<Paid> {
        if !self.tracked {
            return Some(Paid::default());
        }
        let digits = self.digits.get(instrument.settlement.index()).copied()?;
        let rate = Grid::recover(rate)?;
        let mark = Grid::recover(mark)?;
        let mut paid = Paid::default();
        for (leg, paid) in LEGS.into_iter().zip(&mut paid) {
            let value = instrument.value(self.position(instrument.id, leg), mark)?;
            let payment = value.checked_mul(rate)?.round_dp(digits);
            // The inverse value falls as the position grows.
            *paid = if instrument.kind.is_inverse() { payment } else { -payment };
            self.pay(instrument.settlement, *paid)?;
        }
        Some(paid)
    }

    /// What a trade is about to change.
    pub(super) fn before(&self, booking: &Booking<'_>) -> Before {
        let holding = self.holding(booking.instrument.id, booking.leg);
        Before { holding, cash: self.balances_of(booking) }
    }

    /// Takes a trade back.
    pub(super) fn undo(&mut self, booking: &Booking<'_>, before: Before) {
        self.restore(booking, before.cash);
        self.put(booking.instrument.id, booking.leg, before.holding);
    }

    pub(super) fn put(&mut self, id: InstrumentId, leg: Leg, holding: Holding) {
        let legs = self.positions.get_mut(id.index());
        if let Some(place) = legs.and_then(|legs| legs.get_mut(leg_index(leg))) {
            *place = holding;
        }
    }

    pub(super) fn digits_of(&self, asset: AssetId) -> u32 {
        self.digits.get(asset.index()).copied().unwrap_or_default()
    }

    pub(super) fn pay(&mut self, asset: AssetId, amount: Decimal) -> Option<()> {
        if let Some(Some(cash)) = self.balances.get_mut(asset.index()) {
            cash.0 = cash.0.checked_add(amount)?;
        }
        Some(())
    }

    fn balances_of(&self, booking: &Booking<'_>) -> [Option<Decimal>; 3] {
        assets(booking).map(|asset| self.balance(asset))
    }

    fn restore(&mut self, booking: &Booking<'_>, before: [Option<Decimal>; 3]) {
        for (asset, cash) in assets(booking).into_iter().zip(before) {
            if let Some(slot) = self.balances.get_mut(asset.index()) {
                *slot = cash.map(Cash);
            }
        }
    }

    pub(super) fn holding(&self, instrument: InstrumentId, leg: Leg) -> Holding {
        let legs = self.positions.get(instrument.index());
        legs.and_then(|legs| legs.get(leg_index(leg))).copied().unwrap_or_default()
    }
}

/// What each leg received, in the order of [`LEGS`].
pub(super) type Paid = [Decimal; 3];

/// All legs, in the order in which positions are kept.
pub(super) const LEGS: [Leg; 3] = [Leg::Net, Leg::Long, Leg::Short];

/// What a trade changes, as it was.
#[derive(Clone, Copy)]
pub(super) struct Before {
    holding: Holding,
    cash: [Option<Decimal>; 3],
}

const ZERO: Decimal = Decimal::ZERO;

fn assets(booking: &Booking<'_>) -> [AssetId; 3] {
    [booking.instrument.base, booking.instrument.settlement, booking.fee.asset]
}

pub(super) const fn leg_index(leg: Leg) -> usize {
    match leg {
        Leg::Net => 0,
        Leg::Long => 1,
        Leg::Short => 2,
    }
}
