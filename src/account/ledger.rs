use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::arithmetic::{add, sub};
use super::position::{Booking, Plan, Position};
use super::{AssetSums, Holding, LedgerError, LotMethod, PnlCalculator};
use crate::types::{
    Adjustment, AdjustmentKind, AssetId, Fill, Funding, Grid, Instrument, InstrumentId,
    InstrumentKind, Instruments, Leg, Money, Price, SlotId, State, StateError, Timestamp, Trade,
};

/// How positions are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PositionMode {
    /// One position per owner and instrument; the leg of a fill is ignored.
    #[default]
    Netting,
    /// A long and a short position at once, by the leg of the fill; fills and adjustments
    /// without a leg have a third one of their own. A fill that is larger than its leg turns
    /// that leg round: it is booked in full, as the venue did it.
    Hedging,
}

/// How the ledger keeps its books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LedgerConfig {
    /// What a reduction closes.
    pub lots: LotMethod,
    /// One position, or a long and a short one.
    pub positions: PositionMode,
}

/// The built-in [`PnlCalculator`]: exact books in each asset.
///
/// Every product is rounded once to the digits of its asset, half to even, and cash, cost and
/// realised profit move by that same number. A part of a position takes its share of the
/// cost, rounded once; the remainder stays in the cost.
///
/// A spot fee that is charged in the base asset lowers what was bought: the position grows by
/// the rest, and the fee is booked at the fill price in the quote asset. A fee in a third
/// asset is paid from that asset and appears in its sums, not in the trade.
///
/// ```
/// use tradewright::account::{Ledger, LedgerConfig, PnlCalculator};
/// use tradewright::types::{
///     Adjustment, AdjustmentCause, AdjustmentKind, Decimal, Instrument, Instruments, Money,
///     Timestamp,
/// };
///
/// let mut instruments = Instruments::new();
/// let share = instruments.add(Instrument::stock("ACME", "USD"))?;
/// let usd = instruments[share].quote;
/// let mut ledger = Ledger::new(&instruments, 1, LedgerConfig::default());
/// let capital = Adjustment {
///     cause: AdjustmentCause::Deposit,
///     kind: AdjustmentKind::Capital(Money::new(Decimal::from(1_000), usd)),
/// };
/// ledger.adjust(Timestamp::EPOCH, &instruments, &capital)?;
/// assert_eq!(ledger.sums(usd).cash, Decimal::from(1_000));
/// assert_eq!(ledger.sums(usd).deposits, Decimal::from(1_000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    config: LedgerConfig,
    slots: usize,
    instruments: usize,
    digits: Vec<u32>,
    /// By instrument, then slot, then leg.
    positions: Vec<Position>,
    /// By asset.
    sums: Vec<AssetSums>,
    scratch: Vec<Trade>,
    payments: Vec<(usize, Decimal)>,
}

impl Ledger {
    /// Empty books for so many slots, the house included, and the table's instruments and
    /// assets; both numbers stay as they are.
    pub fn new(instruments: &Instruments, slots: usize, config: LedgerConfig) -> Self {
        let digits: Vec<u32> =
            instruments.assets().iter().map(|asset| asset.ledger_digits).collect();
        let positions = instruments.len() * slots * legs(config.positions);
        Self {
            config,
            slots,
            instruments: instruments.len(),
            positions: vec![Position::default(); positions],
            sums: vec![AssetSums::default(); digits.len()],
            digits,
            scratch: Vec::new(),
            payments: Vec::new(),
        }
    }

    /// How the books are kept.
    pub const fn config(&self) -> LedgerConfig {
        self.config
    }

    /// Where a position is kept.
    fn place(
        &self,
        slot: SlotId,
        instrument: InstrumentId,
        leg: Leg,
    ) -> Result<usize, LedgerError> {
        if instrument.index() >= self.instruments {
            return Err(LedgerError::UnknownInstrument { instrument });
        }
        if slot.index() >= self.slots {
            return Err(LedgerError::UnknownSlot { slot });
        }
        let owner = instrument.index() * self.slots + slot.index();
        Ok(owner * legs(self.config.positions) + self.leg(leg).1)
    }

    /// The leg that books a fill, and its place among the legs.
    fn leg(&self, leg: Leg) -> (Leg, usize) {
        match (self.config.positions, leg) {
            (PositionMode::Netting, _) | (PositionMode::Hedging, Leg::Net) => (Leg::Net, 0),
            (PositionMode::Hedging, Leg::Long) => (Leg::Long, 1),
            (PositionMode::Hedging, Leg::Short) => (Leg::Short, 2),
        }
    }

    fn digits(&self, asset: AssetId) -> Result<u32, LedgerError> {
        self.digits.get(asset.index()).copied().ok_or(LedgerError::UnknownAsset { asset })
    }

    fn sums_of(&self, asset: AssetId) -> Result<AssetSums, LedgerError> {
        self.sums.get(asset.index()).copied().ok_or(LedgerError::UnknownAsset { asset })
    }

    fn put_sums(&mut self, asset: AssetId, sums: AssetSums) {
        if let Some(place) = self.sums.get_mut(asset.index()) {
            *place = sums;
        }
    }

    fn plan(
        &self,
        place: usize,
        booking: &Booking<'_>,
        closed: &mut Vec<Trade>,
    ) -> Result<Plan, LedgerError> {
        match self.positions.get(place) {
            Some(position) => position.plan(booking, closed),
            None => Err(LedgerError::UnknownSlot { slot: booking.slot }),
        }
    }

    fn commit(&mut self, place: usize, plan: Plan) {
        if let Some(position) = self.positions.get_mut(place) {
            position.commit(plan, self.config.lots);
        }
    }

    fn book(
        &mut self,
        instrument: &Instrument,
        fill: &Fill,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        let asset = instrument.settlement;
        let charge = Charge::of(self, instrument, fill)?;
        let place = self.place(fill.slot, fill.instrument, fill.leg)?;
        let booking = Booking {
            at: fill.at,
            slot: fill.slot,
            leg: self.leg(fill.leg).0,
            instrument,
            digits: self.digits(asset)?,
            method: self.config.lots,
            quantity: charge.quantity,
            price: fill.execution.price,
            fee: charge.fee,
            tag: fill.tag,
        };
        let plan = if booking.quantity.is_zero() {
            None
        } else {
            Some(self.plan(place, &booking, closed)?)
        };
        let (realised, cost_change) = plan
            .as_ref()
            .map_or((Decimal::ZERO, Decimal::ZERO), |plan| (plan.realised, plan.cost_change));
        let mut sums = self.sums_of(asset)?;
        let paid = if instrument.kind.is_paid_in_full() {
            sub(realised, cost_change, "cash")?
        } else {
            realised
        };
        sums.cash = sub(add(sums.cash, paid, "cash")?, charge.fee, "cash")?;
        sums.realised = add(sums.realised, realised, "realised")?;
        sums.fees = add(sums.fees, charge.fee, "fees")?;
        let other = charge.other.map(|fee| self.charged(fee).map(|sums| (fee.asset, sums)));
        if let Some((asset, sums)) = other.transpose()? {
            self.put_sums(asset, sums);
        }
        self.put_sums(asset, sums);
        if let Some(plan) = plan {
            self.commit(place, plan);
        }
        Ok(Money::new(realised, asset))
    }

    /// The sums of a third asset after it paid a fee.
    fn charged(&self, fee: Money) -> Result<AssetSums, LedgerError> {
        let mut sums = self.sums_of(fee.asset)?;
        sums.cash = sub(sums.cash, fee.amount, "cash")?;
        sums.fees = add(sums.fees, fee.amount, "fees")?;
        Ok(sums)
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

    /// Books a change of position whose value comes in or leaves as capital; see
    /// [`PnlCalculator::adjust`].
    fn take_over(&mut self, booking: &Booking<'_>) -> Result<(), LedgerError> {
        let instrument = booking.instrument;
        let place = self.place(booking.slot, instrument.id, Leg::Net)?;
        let mut unreported = core::mem::take(&mut self.scratch);
        unreported.clear();
        let plan = self.plan(place, booking, &mut unreported);
        self.scratch = unreported;
        let plan = plan?;
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
        self.commit(place, plan);
        Ok(())
    }

    /// The positions of one instrument, all slots and legs.
    fn range(&self, instrument: InstrumentId) -> core::ops::Range<usize> {
        let width = self.slots * legs(self.config.positions);
        let start = instrument.index() * width;
        start..start + width
    }
}

impl PnlCalculator for Ledger {
    fn on_fill(
        &mut self,
        instruments: &Instruments,
        fill: &Fill,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        let quantity = fill.execution.quantity.value();
        if quantity <= Decimal::ZERO {
            return Err(LedgerError::BadQuantity { quantity });
        }
        let instrument = instruments
            .get(fill.instrument)
            .ok_or(LedgerError::UnknownInstrument { instrument: fill.instrument })?;
        let before = closed.len();
        let booked = self.book(instrument, fill, closed);
        if booked.is_err() {
            closed.truncate(before);
        }
        booked
    }

    fn on_funding(
        &mut self,
        _at: Timestamp,
        instruments: &Instruments,
        funding: &Funding,
        paid: &mut Vec<(SlotId, Money)>,
    ) -> Result<(), LedgerError> {
        let id = funding.instrument;
        let unknown = LedgerError::UnknownInstrument { instrument: id };
        let instrument = instruments.get(id).filter(|_| id.index() < self.instruments);
        let instrument = instrument.ok_or(unknown)?;
        let before = paid.len();
        let mut payments = core::mem::take(&mut self.payments);
        payments.clear();
        let outcome = self.fund(instrument, funding, &mut payments, paid);
        self.payments = payments;
        if outcome.is_err() {
            paid.truncate(before);
        }
        outcome
    }

    /// Books a change of cash or position that is no fill.
    ///
    /// A position that comes in is worth its value (spot, options) or nothing (margined
    /// kinds) at the given price, and that is the deposit. A position that leaves is closed
    /// at the price, which realises its profit, and what it was worth leaves as a negative
    /// deposit; cash does not move. No trade is reported, and entry fees and funding that
    /// the closed part had carried appear in the asset's sums only. In hedging mode the leg
    /// without a name is changed.
    ///
    /// A split keeps the cost; quantities are rounded to 12 decimals, half to even.
    fn adjust(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        adjustment: &Adjustment,
    ) -> Result<(), LedgerError> {
        match adjustment.kind {
            AdjustmentKind::Capital(money) => self.move_cash(money, Cause::Capital),
            AdjustmentKind::Income(money) => self.move_cash(money, Cause::Income),
            AdjustmentKind::Position { slot, instrument: id, change, price } => {
                let instrument =
                    instruments.get(id).ok_or(LedgerError::UnknownInstrument { instrument: id })?;
                if change.is_zero() {
                    return self.place(slot, id, Leg::Net).map(|_| ());
                }
                self.take_over(&Booking {
                    at,
                    slot,
                    leg: Leg::Net,
                    instrument,
                    digits: self.digits(instrument.settlement)?,
                    method: self.config.lots,
                    quantity: change.value(),
                    price,
                    fee: Decimal::ZERO,
                    tag: crate::types::Label::default(),
                })
            }
            AdjustmentKind::Split { instrument, numerator, denominator } => {
                if instrument.index() >= self.instruments {
                    return Err(LedgerError::UnknownInstrument { instrument });
                }
                self.split(instrument, numerator, denominator)
            }
        }
    }

    fn holding(&self, slot: SlotId, instrument: InstrumentId, leg: Leg) -> Holding {
        // In netting mode there is no long and no short leg beside the one position.
        if self.leg(leg).0 != leg {
            return Holding::default();
        }
        let place = self.place(slot, instrument, leg).ok();
        let position = place.and_then(|place| self.positions.get(place));
        position.map_or_else(Holding::default, Position::holding)
    }

    fn unrealized(
        &self,
        instrument: &Instrument,
        slot: SlotId,
        mark: Price,
    ) -> Result<Money, LedgerError> {
        let digits = self.digits(instrument.settlement)?;
        self.place(slot, instrument.id, Leg::Net)?;
        let (mut quantity, mut cost) = (Decimal::ZERO, Decimal::ZERO);
        for leg in [Leg::Net, Leg::Long, Leg::Short] {
            let holding = self.holding(slot, instrument.id, leg);
            quantity = add(quantity, holding.quantity, "quantity")?;
            cost = add(cost, holding.cost, "cost")?;
        }
        let value = instrument
            .value(quantity, mark.value())
            .ok_or(LedgerError::Overflow { what: "value" })?
            .round_dp(digits);
        Ok(Money::new(sub(value, cost, "unrealised")?, instrument.settlement))
    }

    fn sums(&self, asset: AssetId) -> AssetSums {
        self.sums.get(asset.index()).copied().unwrap_or_default()
    }
}

/// What moves cash without a position.
#[derive(Clone, Copy)]
enum Cause {
    Capital,
    Income,
}

/// How a fill's fee is booked, and what is left of its quantity.
struct Charge {
    /// Signed change of the position.
    quantity: Decimal,
    /// Fee in the settlement currency.
    fee: Decimal,
    /// Fee in a third asset.
    other: Option<Money>,
}

impl Charge {
    fn of(ledger: &Ledger, instrument: &Instrument, fill: &Fill) -> Result<Self, LedgerError> {
        let quantity = fill.signed_quantity();
        let Money { amount, asset } = fill.execution.fee;
        if amount.is_zero() {
            return Ok(Self { quantity, fee: Decimal::ZERO, other: None });
        }
        if asset == instrument.settlement {
            let fee = amount.round_dp(ledger.digits(asset)?);
            return Ok(Self { quantity, fee, other: None });
        }
        if asset == instrument.base && matches!(instrument.kind, InstrumentKind::Spot) {
            let rest = sub(quantity, amount, "quantity")?;
            let digits = ledger.digits(instrument.settlement)?;
            let price = fill.execution.price.value();
            let value = |quantity: Decimal| {
                let value = instrument.value(quantity, price);
                Ok(value.ok_or(LedgerError::Overflow { what: "value" })?.round_dp(digits))
            };
            // Cash moves by the fill's whole value: the fee is the difference of two values.
            let fee = sub(value(quantity)?, value(rest)?, "fee")?;
            return Ok(Self { quantity: rest, fee, other: None });
        }
        let fee = Money::new(amount.round_dp(ledger.digits(asset)?), asset);
        Ok(Self { quantity, fee: Decimal::ZERO, other: Some(fee) })
    }
}

/// Funding and splits: what reaches every position of an instrument.
impl Ledger {
    fn fund(
        &mut self,
        instrument: &Instrument,
        funding: &Funding,
        payments: &mut Vec<(usize, Decimal)>,
        paid: &mut Vec<(SlotId, Money)>,
    ) -> Result<(), LedgerError> {
        let asset = instrument.settlement;
        let digits = self.digits(asset)?;
        let bad = |what| LedgerError::BadValue { what, value: Decimal::ZERO };
        let rate = Grid::recover(funding.rate).ok_or(bad("funding rate"))?;
        let mark = Grid::recover(funding.mark)
            .filter(|mark| *mark > Decimal::ZERO)
            .ok_or(bad("funding mark"))?;
        let mut sums = self.sums_of(asset)?;
        for place in self.range(instrument.id) {
            let Some(total) = self.positions.get(place).map(|position| position.total) else {
                continue;
            };
            if total.quantity.is_zero() {
                continue;
            }
            let payment = payment(instrument, total.quantity, mark, rate)
                .ok_or(LedgerError::Overflow { what: "funding" })?
                .round_dp(digits);
            add(total.funding, payment, "funding")?;
            sums.cash = add(sums.cash, payment, "cash")?;
            sums.funding = add(sums.funding, payment, "funding")?;
            payments.push((place, payment));
            let owner = place / legs(self.config.positions) % self.slots;
            let slot = SlotId(u16::try_from(owner).unwrap_or(u16::MAX));
            paid.push((slot, Money::new(payment, asset)));
        }
        self.put_sums(asset, sums);
        for (place, payment) in payments.drain(..) {
            if let Some(position) = self.positions.get_mut(place) {
                position.fund(payment, digits);
            }
        }
        Ok(())
    }

    fn split(
        &mut self,
        instrument: InstrumentId,
        numerator: u32,
        denominator: u32,
    ) -> Result<(), LedgerError> {
        for (what, value) in [("split numerator", numerator), ("split denominator", denominator)] {
            if value == 0 {
                return Err(LedgerError::BadValue { what, value: Decimal::ZERO });
            }
        }
        let ratio = [Decimal::from(numerator), Decimal::from(denominator)];
        let range = self.range(instrument);
        let mut split = Vec::with_capacity(range.len());
        for position in self.positions.get(range.clone()).unwrap_or_default() {
            split.push(position.split(ratio)?);
        }
        for (position, split) in self.positions.get_mut(range).into_iter().flatten().zip(split) {
            *position = split;
        }
        Ok(())
    }
}

/// What a position receives: longs pay at a rate above zero.
fn payment(
    instrument: &Instrument,
    quantity: Decimal,
    mark: Decimal,
    rate: Decimal,
) -> Option<Decimal> {
    let payment = instrument.value(quantity, mark)?.checked_mul(rate)?;
    // The inverse value falls as the position grows.
    Some(if instrument.kind.is_inverse() { payment } else { -payment })
}

const fn legs(mode: PositionMode) -> usize {
    match mode {
        PositionMode::Netting => 1,
        PositionMode::Hedging => 3,
    }
}

/// The written form.
#[derive(Serialize, Deserialize)]
struct SavedLedger {
    config: LedgerConfig,
    slots: usize,
    instruments: usize,
    digits: Vec<u32>,
    positions: Vec<Position>,
    sums: Vec<AssetSums>,
}

impl State for Ledger {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let saved = SavedLedger {
            config: self.config,
            slots: self.slots,
            instruments: self.instruments,
            digits: self.digits.clone(),
            positions: self.positions.clone(),
            sums: self.sums.clone(),
        };
        State::save(&saved)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved = SavedLedger {
            config: self.config,
            slots: 0,
            instruments: 0,
            digits: Vec::new(),
            positions: Vec::new(),
            sums: Vec::new(),
        };
        State::restore(&mut saved, state)?;
        let describe = |config: LedgerConfig, slots: usize, instruments: usize, digits: &[u32]| {
            format!("{config:?}, {slots} slots, {instruments} instruments, digits {digits:?}")
        };
        let expected = describe(self.config, self.slots, self.instruments, &self.digits);
        let found = describe(saved.config, saved.slots, saved.instruments, &saved.digits);
        if expected != found {
            return Err(StateError::Mismatch { expected, found });
        }
        if saved.positions.len() != self.positions.len() || saved.sums.len() != self.sums.len() {
            return Err(StateError::Unreadable("the ledger's tables have another size".into()));
        }
        self.positions = saved.positions;
        self.sums = saved.sums;
        Ok(())
    }
}
