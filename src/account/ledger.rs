use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::arithmetic::{add, sub};
use super::charge::Charge;
use super::position::{Booking, Plan, Position};
use super::{AdjustmentEffects, AssetSums, Holding, LedgerError, LotMethod, PnlCalculator};
use crate::types::{
    Adjustment, AssetId, Fill, Funding, Instrument, InstrumentId, Instruments, Leg, Money, Price,
    SlotId, Timestamp, Trade, small,
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
#[serde(deny_unknown_fields)]
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
/// the rest, and the fee is booked at the fill price in the quote asset.
///
/// A fee in a third asset is a sale of that asset at the rate of the moment, and a fee of the
/// proceeds in the settlement currency: the trade carries it like any other fee. What was
/// sold leaves the third asset's deposits and joins those of the settlement currency, so that
/// the law holds in both. Without a rate the fee stays in the third asset's own sums and in no
/// trade.
///
/// ```
/// use tradewright::account::{AdjustmentEffects, Ledger, LedgerConfig, PnlCalculator};
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
/// ledger.adjust(Timestamp::EPOCH, &instruments, &capital, &mut AdjustmentEffects::default())?;
/// assert_eq!(ledger.sums(usd).cash, Decimal::from(1_000));
/// assert_eq!(ledger.sums(usd).deposits, Decimal::from(1_000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(super) config: LedgerConfig,
    pub(super) slots: usize,
    pub(super) instruments: usize,
    pub(super) digits: Vec<u32>,
    /// By instrument, then slot, then leg.
    pub(super) positions: Vec<Position>,
    /// By asset.
    pub(super) sums: Vec<AssetSums>,
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
            payments: Vec::new(),
        }
    }

    /// How the books are kept.
    pub const fn config(&self) -> LedgerConfig {
        self.config
    }

    /// Positions of one owner in one instrument.
    pub(super) const fn legs(&self) -> usize {
        legs(self.config.positions)
    }

    /// Where a position is kept.
    pub(super) fn place(
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
        Ok(owner * self.legs() + self.leg(leg).1)
    }

    /// The leg that books a fill, and its place among the legs.
    pub(super) fn leg(&self, leg: Leg) -> (Leg, usize) {
        match (self.config.positions, leg) {
            (PositionMode::Netting, _) | (PositionMode::Hedging, Leg::Net) => (Leg::Net, 0),
            (PositionMode::Hedging, Leg::Long) => (Leg::Long, 1),
            (PositionMode::Hedging, Leg::Short) => (Leg::Short, 2),
        }
    }

    pub(super) fn digits(&self, asset: AssetId) -> Result<u32, LedgerError> {
        self.digits.get(asset.index()).copied().ok_or(LedgerError::UnknownAsset { asset })
    }

    pub(super) fn sums_of(&self, asset: AssetId) -> Result<AssetSums, LedgerError> {
        self.sums.get(asset.index()).copied().ok_or(LedgerError::UnknownAsset { asset })
    }

    pub(super) fn put_sums(&mut self, asset: AssetId, sums: AssetSums) {
        if let Some(place) = self.sums.get_mut(asset.index()) {
            *place = sums;
        }
    }

    pub(super) fn plan(
        &self,
        place: usize,
        booking: &Booking<'_>,
        plan: &mut Plan,
        closed: &mut Vec<Trade>,
    ) -> Result<(), LedgerError> {
        let position = self.positions.get(place);
        let position = position.ok_or(LedgerError::UnknownSlot { slot: booking.slot })?;
        position.plan(booking, plan, closed);
        plan.adder.outcome()
    }

    pub(super) fn commit(&mut self, place: usize, plan: &Plan) {
        if let Some(position) = self.positions.get_mut(place) {
            position.commit(plan, self.config.lots);
        }
    }

    #[inline]
    fn fill(
        &mut self,
        instruments: &Instruments,
        fill: &Fill,
        worth: Option<Money>,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        let quantity = fill.execution.quantity.value();
        if !small::is_above_zero(quantity) {
            return Err(LedgerError::BadQuantity { quantity });
        }
        let instrument = instruments
            .get(fill.instrument)
            .ok_or(LedgerError::UnknownInstrument { instrument: fill.instrument })?;
        let before = closed.len();
        let booked = self.book(instrument, fill, worth, closed);
        if booked.is_err() {
            closed.truncate(before);
        }
        booked
    }

    fn book(
        &mut self,
        instrument: &Instrument,
        fill: &Fill,
        worth: Option<Money>,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        let asset = instrument.settlement;
        let charge = Charge::of(self, instrument, fill, worth);
        let charge = charge.as_ref().map_err(|error| *error)?;
        let place = self.place(fill.slot, fill.instrument, fill.leg)?;
        let booking = Booking {
            at: fill.at,
            slot: fill.slot,
            leg: self.leg(fill.leg).0,
            instrument,
            digits: self.digits(asset)?,
            method: self.config.lots,
            quantity: charge.quantity,
            price: fill.execution.price.value(),
            fee: charge.fee,
            tag: fill.tag,
        };
        let mut plan = Plan::new();
        let is_change = !booking.quantity.is_zero();
        if is_change {
            let position = self.positions.get(place);
            let position = position.ok_or(LedgerError::UnknownSlot { slot: fill.slot })?;
            position.plan(&booking, &mut plan, closed);
        }
        let sums = self.sums.get(asset.index()).ok_or(LedgerError::UnknownAsset { asset })?;
        let (realised, adder) = (plan.realised, &mut plan.adder);
        let paid = if instrument.kind.is_paid_in_full() {
            adder.sub(&realised, &plan.cost_change, "cash")
        } else {
            realised
        };
        let cash = adder.add(&sums.cash, &paid, "cash");
        let cash = adder.sub(&cash, &charge.fee, "cash");
        let gains = adder.add(&sums.realised, &realised, "realised");
        let fees = adder.add(&sums.fees, &charge.fee, "fees");
        adder.outcome()?;
        if let Some(fee) = charge.other {
            let mut next = AssetSums { cash, realised: gains, fees, ..*sums };
            self.charge_elsewhere(fee, charge, &mut next)?;
            self.put_sums(asset, next);
        } else if let Some(sums) = self.sums.get_mut(asset.index()) {
            (sums.cash, sums.realised, sums.fees) = (cash, gains, fees);
        }
        if is_change {
            self.commit(place, &plan);
        }
        Ok(Money::new(realised, asset))
    }

    /// The positions of one instrument, all slots and legs.
    pub(super) fn range(&self, instrument: InstrumentId) -> core::ops::Range<usize> {
        let width = self.slots * self.legs();
        let start = instrument.index() * width;
        start..start + width
    }
}

/// Ledgers are equal when their books are; the room for intermediate results does not count.
impl PartialEq for Ledger {
    fn eq(&self, other: &Self) -> bool {
        let shape = |ledger: &Self| (ledger.config, ledger.slots, ledger.instruments);
        shape(self) == shape(other)
            && self.digits == other.digits
            && self.positions == other.positions
            && self.sums == other.sums
    }
}

impl PnlCalculator for Ledger {
    fn on_fill(
        &mut self,
        instruments: &Instruments,
        fill: &Fill,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        self.fill(instruments, fill, None, closed)
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

    fn on_charged_fill(
        &mut self,
        instruments: &Instruments,
        fill: &Fill,
        worth: Money,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        self.fill(instruments, fill, Some(worth), closed)
    }

    /// Books a change of cash or position that is no fill.
    ///
    /// A position that comes in is worth its value (spot, options) or nothing (margined
    /// kinds) at the given price, and that is the deposit. A position that leaves is closed
    /// at the price, which realises its profit and reports its trades, and what it was worth
    /// leaves as a negative deposit; cash does not move. In hedging mode the leg without a
    /// name is changed.
    ///
    /// A settlement closes every position and moves cash as fills would. Dividends and fees
    /// for borrowed units are paid by position, rounded once for each, and count as realised.
    /// A split keeps the cost; quantities are rounded to 12 decimals, half to even.
    fn adjust(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        adjustment: &Adjustment,
        effects: &mut AdjustmentEffects,
    ) -> Result<(), LedgerError> {
        let (closed, paid) = (effects.closed.len(), effects.paid.len());
        let outcome = self.carry_out(at, instruments, adjustment, effects);
        if outcome.is_err() {
            effects.closed.truncate(closed);
            effects.paid.truncate(paid);
        }
        outcome
    }

    fn has_legs(&self) -> bool {
        self.config.positions == PositionMode::Hedging
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

const fn legs(mode: PositionMode) -> usize {
    match mode {
        PositionMode::Netting => 1,
        PositionMode::Hedging => 3,
    }
}
