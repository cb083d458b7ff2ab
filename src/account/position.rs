use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::arithmetic::{Adder, add, share};
use super::{Holding, LedgerError};
use crate::types::{
    Instrument, Label, Leg, Money, Qty, Side, SlotId, Timestamp, Trade, exact, small,
};

/// Which part of a position a reduction closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LotMethod {
    /// The oldest lot first.
    Fifo,
    /// The newest lot first.
    Lifo,
    /// An equal part of everything, at the average cost: what most venues show.
    #[default]
    Average,
}

/// A quantity that was opened at one price, or a whole position at its average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lot {
    /// Signed.
    #[serde(with = "exact")]
    pub(super) quantity: Decimal,
    /// Signed, in the settlement currency.
    #[serde(with = "exact")]
    pub(super) cost: Decimal,
    /// Entry fees that no trade has taken yet.
    #[serde(with = "exact")]
    pub(super) fees: Decimal,
    /// Funding received that no trade has taken yet.
    #[serde(with = "exact")]
    pub(super) funding: Decimal,
    pub(super) opened_at: Timestamp,
    pub(super) tag: Label,
}

/// One position of one owner: the sum, and its lots unless the method is the average.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) total: Lot,
    pub(super) lots: VecDeque<Lot>,
}

/// What is booked on one position: signed quantity, price, and the fee in the settlement
/// currency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Booking<'a> {
    pub(super) at: Timestamp,
    pub(super) slot: SlotId,
    pub(super) leg: Leg,
    pub(super) instrument: &'a Instrument,
    /// Decimals of the settlement asset's ledger.
    pub(super) digits: u32,
    pub(super) method: LotMethod,
    pub(super) quantity: Decimal,
    /// In the quote currency, zero or more.
    pub(super) price: Decimal,
    pub(super) fee: Decimal,
    pub(super) tag: Label,
}

/// What a booking will do; nothing has changed yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) realised: Decimal,
    /// Change of the position's cost.
    pub(super) cost_change: Decimal,
    /// Whether all of its numbers fit: to be asked before it is carried out.
    pub(super) adder: Adder,
    total: Lot,
    /// Lots that go entirely, from the end that the method takes first.
    gone: usize,
    /// What stays of the next lot.
    rest: Option<Lot>,
    /// A lot that is new.
    new: Option<Lot>,
}

impl Position {
    /// The position as others see it.
    pub(super) fn holding(&self) -> Holding {
        let Lot { quantity, cost, opened_at, .. } = self.total;
        Holding { quantity, cost, opened_at }
    }

    /// True when the lots of a saved position make up the position; at the average there are none.
    pub(super) fn is_sound(&self, method: LotMethod) -> bool {
        if method == LotMethod::Average {
            return self.lots.is_empty();
        }
        let side = Side::of(self.total.quantity);
        let is_part = |lot: &Lot| Side::of(lot.quantity).is_some_and(|own| Some(own) == side);
        let adds_up = |amount: fn(&Lot) -> Decimal| {
            let sum = |sum, lot| add(sum, amount(lot), "lots");
            self.lots.iter().try_fold(Decimal::ZERO, sum) == Ok(amount(&self.total))
        };
        self.lots.iter().all(is_part)
            && adds_up(|lot| lot.quantity)
            && adds_up(|lot| lot.cost)
            && adds_up(|lot| lot.fees)
            && adds_up(|lot| lot.funding)
    }

    /// Computes a booking; closed pieces are appended to `closed`. Where a number does not fit,
    /// the plan's adder says so, and neither `plan` nor `closed` are of use.
    ///
    /// The plan is written where it is used: it is large, and moving it costs more than most
    /// of its sums.
    pub(super) fn plan(&self, booking: &Booking<'_>, plan: &mut Plan, closed: &mut Vec<Trade>) {
        let held = self.total.quantity;
        let change = booking.quantity;
        if held.is_zero() || held.is_sign_negative() == change.is_sign_negative() {
            plan.enlarge(&self.total, booking);
        } else if change.abs() <= held.abs() {
            self.reduce(booking, plan, closed);
        } else {
            self.flip(booking, plan, closed);
        }
    }

    /// Closes what there is and opens the rest; the fee goes by quantity.
    #[inline(never)]
    fn flip(&self, booking: &Booking<'_>, plan: &mut Plan, closed: &mut Vec<Trade>) {
        let held = self.total.quantity;
        let shared = share(booking.fee, held.abs(), booking.quantity.abs(), booking.digits);
        let adder = &mut plan.adder;
        let closing_fee = adder.take(shared);
        let closing = Booking { quantity: -held, fee: closing_fee, ..*booking };
        let opening = Booking {
            quantity: adder.add(&booking.quantity, &held, "quantity"),
            fee: adder.sub(&booking.fee, &closing_fee, "fee"),
            ..*booking
        };
        self.reduce(&closing, plan, closed);
        plan.enlarge(&Lot::default(), &opening);
    }

    /// Carries a plan of this position out.
    pub(super) fn commit(&mut self, plan: &Plan, method: LotMethod) {
        self.total = plan.total;
        match method {
            LotMethod::Average => {}
            LotMethod::Fifo => {
                self.lots.drain(..plan.gone.min(self.lots.len()));
                if let (Some(rest), Some(lot)) = (plan.rest, self.lots.front_mut()) {
                    *lot = rest;
                }
                self.lots.extend(plan.new);
            }
            LotMethod::Lifo => {
                self.lots.truncate(self.lots.len().saturating_sub(plan.gone));
                if let (Some(rest), Some(lot)) = (plan.rest, self.lots.back_mut()) {
                    *lot = rest;
                }
                self.lots.extend(plan.new);
            }
        }
    }

    fn reduce(&self, booking: &Booking<'_>, plan: &mut Plan, closed: &mut Vec<Trade>) {
        let value = plan.adder.take(value(booking, booking.quantity));
        let left = booking.quantity.abs();
        plan.total = self.total;
        let mut closing = Closing { booking, value, fee: booking.fee, left, plan };
        match booking.method {
            LotMethod::Average => closing.take(&self.total, closed),
            LotMethod::Fifo => closing.take_all(self.lots.iter(), closed),
            LotMethod::Lifo => closing.take_all(self.lots.iter().rev(), closed),
        }
    }
}

impl Plan {
    /// Nothing is planned.
    pub(super) fn new() -> Self {
        Self {
            realised: Decimal::ZERO,
            cost_change: Decimal::ZERO,
            adder: Adder::new(),
            total: Lot::default(),
            gone: 0,
            rest: None,
            new: None,
        }
    }

    /// Adds an entry to what is planned already; `held` is the position before the entry.
    fn enlarge(&mut self, held: &Lot, booking: &Booking<'_>) {
        let adder = &mut self.adder;
        let lot = Lot {
            quantity: booking.quantity,
            cost: adder.take(value(booking, booking.quantity)),
            fees: booking.fee,
            funding: Decimal::ZERO,
            opened_at: booking.at,
            tag: booking.tag,
        };
        self.cost_change = adder.add(&self.cost_change, &lot.cost, "cost");
        self.total = if held.quantity.is_zero() {
            lot
        } else {
            Lot {
                quantity: adder.add(&held.quantity, &lot.quantity, "quantity"),
                cost: adder.add(&held.cost, &lot.cost, "cost"),
                fees: adder.add(&held.fees, &lot.fees, "fees"),
                ..*held
            }
        };
        if booking.method != LotMethod::Average {
            self.new = Some(lot);
        }
    }
}

impl Lot {
    /// The part of this lot that has `closing` units (without sign), of `whole`.
    #[inline(never)]
    fn part(&self, [closing, whole]: [Decimal; 2], digits: u32, adder: &mut Adder) -> Self {
        let mut part = |of: Decimal| adder.take(share(of, closing, whole, digits));
        Self {
            quantity: Side::of(self.quantity).map_or(closing, |side| side.signed(closing)),
            cost: part(self.cost),
            fees: part(self.fees),
            funding: part(self.funding),
            ..*self
        }
    }

    /// What stays when a part is gone.
    #[inline(never)]
    fn without(&self, part: &Self, adder: &mut Adder) -> Self {
        Self {
            quantity: adder.sub(&self.quantity, &part.quantity, "quantity"),
            cost: adder.sub(&self.cost, &part.cost, "cost"),
            fees: adder.sub(&self.fees, &part.fees, "fees"),
            funding: adder.sub(&self.funding, &part.funding, "funding"),
            ..*self
        }
    }
}

/// A reduction in progress: what of its quantity, value and fee no piece has taken yet.
struct Closing<'a> {
    booking: &'a Booking<'a>,
    value: Decimal,
    fee: Decimal,
    left: Decimal,
    plan: &'a mut Plan,
}

impl Closing<'_> {
    /// Closes what is left against lots, the first first.
    #[inline(never)]
    fn take_all<'b>(&mut self, lots: impl Iterator<Item = &'b Lot>, closed: &mut Vec<Trade>) {
        for lot in lots {
            if self.left.is_zero() {
                break;
            }
            self.take(lot, closed);
        }
    }

    /// Closes what is left against a lot. The last piece takes the remainders, so that the
    /// pieces' sums are the reduction's own numbers, whatever the method.
    fn take(&mut self, lot: &Lot, closed: &mut Vec<Trade>) {
        let whole = lot.quantity.abs();
        let part;
        let piece = if self.left >= whole {
            lot
        } else {
            part = lot.part([self.left, whole], self.booking.digits, &mut self.plan.adder);
            &part
        };
        let units = piece.quantity.abs();
        let (value, fee) =
            if units == self.left { self.last() } else { self.share_of(piece.quantity, units) };
        let plan = &mut *self.plan;
        let adder = &mut plan.adder;
        // Closing sells the cost: what comes in is the negative of the booked value.
        let gross = adder.sub(&-value, &piece.cost, "realised");
        plan.realised = adder.add(&plan.realised, &gross, "realised");
        plan.cost_change = adder.sub(&plan.cost_change, &piece.cost, "cost");
        // What is closed whole leaves nothing, not even the scale of its numbers.
        plan.total = if plan.total.quantity == piece.quantity {
            Lot::default()
        } else {
            plan.total.without(piece, adder)
        };
        if piece.quantity == lot.quantity {
            plan.gone += 1;
        } else if self.booking.method != LotMethod::Average {
            plan.rest = Some(lot.without(piece, adder));
        }
        let instrument = self.booking.instrument;
        closed.push(Trade {
            slot: self.booking.slot,
            instrument: instrument.id,
            leg: self.booking.leg,
            side: Side::of(piece.quantity).unwrap_or(Side::Buy),
            quantity: Qty::new(units),
            opened_at: piece.opened_at,
            closed_at: self.booking.at,
            entry: average(instrument, piece),
            exit: self.booking.price,
            gross: Money::new(gross, instrument.settlement),
            fees: adder.add(&piece.fees, &fee, "fees"),
            funding: piece.funding,
            tag: piece.tag,
        });
    }

    /// Value and fee of the last piece: all that is left.
    fn last(&mut self) -> (Decimal, Decimal) {
        self.left = Decimal::ZERO;
        (self.value, self.fee)
    }

    /// Value and fee of a piece that leaves something for others.
    #[inline(never)]
    fn share_of(&mut self, piece: Decimal, units: Decimal) -> (Decimal, Decimal) {
        let (adder, digits) = (&mut self.plan.adder, self.booking.digits);
        let value = adder.take(value(self.booking, -piece));
        let fee = adder.take(share(self.fee, units, self.left, digits));
        self.left = adder.sub(&self.left, &units, "quantity");
        self.value = adder.sub(&self.value, &value, "value");
        self.fee = adder.sub(&self.fee, &fee, "fee");
        (value, fee)
    }
}

/// The signed value of a signed quantity at the booking's price, rounded once.
fn value(booking: &Booking<'_>, quantity: Decimal) -> Result<Decimal, LedgerError> {
    let value = booking.instrument.value(quantity, booking.price);
    let value = value.ok_or(LedgerError::Overflow { what: "value" })?;
    Ok(small::rounded(value, booking.digits))
}

/// Average entry price; a quotient for display, zero where there is none.
pub(super) fn average(instrument: &Instrument, lot: &Lot) -> Decimal {
    let quotient = || {
        let units = instrument.units(lot.quantity)?;
        if instrument.kind.is_inverse() {
            units.checked_div(-lot.cost)
        } else {
            lot.cost.checked_div(units)
        }
    };
    quotient().unwrap_or_default()
}

/// What reaches a whole position.
impl Position {
    /// Adds a funding payment; lots get it by quantity, the last one the remainder.
    ///
    /// The caller has checked that the position's sum takes it, and lots hold parts of it.
    pub(super) fn fund(&mut self, payment: Decimal, digits: u32) {
        let whole = self.total.quantity.abs();
        self.total.funding = self.total.funding.checked_add(payment).unwrap_or(payment);
        let mut left = payment;
        let last = self.lots.len().saturating_sub(1);
        for (place, lot) in self.lots.iter_mut().enumerate() {
            let part = if place == last {
                left
            } else {
                share(payment, lot.quantity.abs(), whole, digits).unwrap_or_default()
            };
            left = left.checked_sub(part).unwrap_or_default();
            lot.funding = lot.funding.checked_add(part).unwrap_or(part);
        }
    }

    /// The position after every unit became `numerator / denominator` units.
    pub(super) fn split(
        &self,
        [numerator, denominator]: [Decimal; 2],
    ) -> Result<Self, LedgerError> {
        let split = |lot: &Lot| {
            let quantity = lot
                .quantity
                .checked_mul(numerator)
                .and_then(|units| units.checked_div(denominator))
                .ok_or(LedgerError::Overflow { what: "quantity" })?
                .round_dp(SPLIT_DIGITS);
            if quantity.is_zero() && !lot.quantity.is_zero() {
                let value = lot.quantity;
                return Err(LedgerError::BadValue { what: "split of quantity", value });
            }
            Ok(Lot { quantity, ..*lot })
        };
        let mut total = split(&self.total)?;
        let lots: VecDeque<Lot> = self.lots.iter().map(split).collect::<Result<_, _>>()?;
        if !lots.is_empty() {
            total.quantity = lots
                .iter()
                .try_fold(Decimal::ZERO, |sum, lot| add(sum, lot.quantity, "quantity"))?;
        }
        Ok(Self { total, lots })
    }
}

/// Decimals of a quantity after a split.
const SPLIT_DIGITS: u32 = 12;
