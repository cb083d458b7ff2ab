use rust_decimal::Decimal;

use super::arithmetic::{add, sub};
use super::facts::{Account, MARKS_PER_SUM, Rate, Terms};
use super::rates::RateSource;
use super::{Holding, LedgerError};
use crate::types::{
    AssetId, Fill, Instrument, InstrumentId, Instruments, Leg, Money, PositionFacts, Price, SlotId,
    Timestamp, Trade, to_f64,
};

/// Keeping the facts equal to the books.
impl Account {
    pub(super) fn book_fill(
        &mut self,
        instruments: &Instruments,
        fill: &Fill,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        let instrument = self.known(instruments, fill.instrument, fill.slot)?;
        self.check_net(fill.instrument, fill.slot, fill.signed_quantity())?;
        let before = self.legs(fill.slot, fill.instrument);
        let realised = self.pnl.on_fill(instruments, fill, closed)?;
        self.first_mark(instruments, fill.instrument, fill.at, fill.execution.price);
        self.refresh(instrument, fill.slot, before);
        self.refresh_cash_of(instrument.settlement);
        self.refresh_cash_of(fill.execution.fee.asset);
        Ok(realised)
    }

    /// The instrument, when both it and the slot are this account's.
    pub(super) fn known<'a>(
        &self,
        instruments: &'a Instruments,
        instrument: InstrumentId,
        slot: SlotId,
    ) -> Result<&'a Instrument, LedgerError> {
        if slot.index() >= self.book.slots.len() {
            return Err(LedgerError::UnknownSlot { slot });
        }
        let known = instruments.get(instrument).filter(|_| instrument.index() < self.terms.len());
        known.ok_or(LedgerError::UnknownInstrument { instrument })
    }

    /// Refuses a change that would not fit the net position, before anything is booked.
    pub(super) fn check_net(
        &self,
        instrument: InstrumentId,
        slot: SlotId,
        change: Decimal,
    ) -> Result<(), LedgerError> {
        add(self.book.net(instrument).quantity, change, "net quantity")?;
        add(self.book.position(slot, instrument).quantity, change, "quantity")?;
        Ok(())
    }

    pub(super) fn legs(&self, slot: SlotId, instrument: InstrumentId) -> [Decimal; 2] {
        [Leg::Long, Leg::Short].map(|leg| self.pnl.holding(slot, instrument, leg).quantity)
    }

    /// Writes a slot's position, as the books have it, into the facts of slot and net.
    pub(super) fn refresh(
        &mut self,
        instrument: &Instrument,
        slot: SlotId,
        legs_before: [Decimal; 2],
    ) {
        if self.written(instrument, slot, legs_before).is_err() {
            self.is_sound = false;
        }
    }

    pub(super) fn written(
        &mut self,
        instrument: &Instrument,
        slot: SlotId,
        legs_before: [Decimal; 2],
    ) -> Result<(), LedgerError> {
        let index = instrument.id.index();
        let holding = self.holding(slot, instrument.id)?;
        let legs_after = self.legs(slot, instrument.id);
        let unknown = LedgerError::UnknownInstrument { instrument: instrument.id };
        let positions = self.book.slots.get_mut(slot.index()).and_then(|all| all.get_mut(index));
        let own = positions.ok_or(LedgerError::UnknownSlot { slot })?;
        let net = self.book.net.get_mut(index).ok_or(unknown)?;
        let terms = self.terms.get_mut(index).ok_or(unknown)?;

        let quantity = sub(net.quantity, own.quantity, "net quantity")?;
        let cost = sub(net.cost, own.cost, "net cost")?;
        let total = Holding {
            quantity: add(quantity, holding.quantity, "net quantity")?,
            cost: add(cost, holding.cost, "net cost")?,
            opened_at: if net.quantity.is_zero() { holding.opened_at } else { net.opened_at },
        };
        for ((leg, before), after) in terms.legs.iter_mut().zip(legs_before).zip(legs_after) {
            if before != after {
                *leg = add(sub(*leg, before, "net quantity")?, after, "net quantity")?;
            }
        }
        write(own, instrument, holding, terms.multiplier);
        write(net, instrument, total, terms.multiplier);
        terms.settle(net.size);
        Ok(())
    }

    /// A slot's position over all legs.
    pub(super) fn holding(
        &self,
        slot: SlotId,
        instrument: InstrumentId,
    ) -> Result<Holding, LedgerError> {
        let mut total = self.pnl.holding(slot, instrument, Leg::Net);
        for leg in [Leg::Long, Leg::Short] {
            let holding = self.pnl.holding(slot, instrument, leg);
            if holding.quantity.is_zero() {
                continue;
            }
            total.opened_at = if total.quantity.is_zero() {
                holding.opened_at
            } else {
                total.opened_at.min(holding.opened_at)
            };
            total.quantity = add(total.quantity, holding.quantity, "quantity")?;
            total.cost = add(total.cost, holding.cost, "cost")?;
        }
        Ok(total)
    }

    /// Derives sizes and rates from facts and books that were restored.
    pub(super) fn derive_terms(&mut self) -> Result<(), LedgerError> {
        let slots = || self.slot_ids();
        let mut all_legs = Vec::with_capacity(self.terms.len());
        for id in (0..self.terms.len()).map_while(|index| u32::try_from(index).ok()) {
            let mut legs = [Decimal::ZERO; 2];
            for slot in slots() {
                for (sum, leg) in legs.iter_mut().zip(self.legs(slot, InstrumentId(id))) {
                    *sum = add(*sum, leg, "net quantity")?;
                }
            }
            all_legs.push(legs);
        }
        let facts = self.book.net.iter().zip(all_legs);
        for (terms, (net, legs)) in self.terms.iter_mut().zip(facts) {
            terms.legs = legs;
            terms.settle(net.size);
        }
        for rate in &mut self.rates {
            let mark = rate.source.instrument().and_then(|id| self.book.mark(id));
            rate.value = rate.source.rate(mark.map(|fact| fact.price));
        }
        Ok(())
    }

    pub(super) fn slot_ids(&self) -> impl Iterator<Item = SlotId> + use<> {
        (0..self.book.slots.len()).map_while(|slot| u16::try_from(slot).ok()).map(SlotId)
    }

    /// What marks need to know, from the table alone.
    pub(super) fn settle_terms(&mut self, instruments: &Instruments) {
        let assets = 0..instruments.assets().len();
        self.rates = assets
            .map_while(|asset| u16::try_from(asset).ok())
            .map(|asset| RateSource::of(instruments, AssetId(asset), self.book.reporting))
            .map(|source| Rate { source, value: source.rate(None) })
            .collect();
        self.terms.clear();
        for instrument in instruments.iter() {
            let is_rate =
                self.rates.iter().any(|rate| rate.source.instrument() == Some(instrument.id));
            self.terms.push(Terms {
                multiplier: to_f64(instrument.multiplier),
                size: 0.0,
                gross_size: 0.0,
                is_inverse: instrument.kind.is_inverse(),
                is_rate,
                is_live: is_rate,
                legs: [Decimal::ZERO; 2],
            });
            let rate = self.rate(instrument.settlement);
            if let Some(fact) = self.book.marks.get_mut(instrument.id.index()) {
                fact.rate = rate;
            }
        }
    }

    pub(super) fn rate(&self, asset: AssetId) -> f64 {
        self.rates.get(asset.index()).map_or(f64::NAN, |rate| rate.value)
    }

    /// Renews the rates that come from this instrument's mark.
    pub(super) fn refresh_rates(&mut self, instruments: &Instruments, id: InstrumentId) {
        let mark = self.book.mark(id).map(|fact| fact.price);
        for rate in self.rates.iter_mut().filter(|rate| rate.source.instrument() == Some(id)) {
            rate.value = rate.source.rate(mark);
        }
        for (instrument, fact) in instruments.iter().zip(&mut self.book.marks) {
            if let Some(rate) = self.rates.get(instrument.settlement.index()) {
                fact.rate = rate.value;
            }
        }
    }

    /// Before the first price of the market, a price of our own stands in.
    pub(super) fn first_mark(
        &mut self,
        instruments: &Instruments,
        id: InstrumentId,
        at: Timestamp,
        price: Price,
    ) {
        if self.book.mark(id).is_none()
            && let Some(fact) = self.book.marks.get_mut(id.index())
        {
            fact.price = price.to_f64();
            fact.at = at;
            self.refresh_rates(instruments, id);
        }
    }

    pub(super) fn refresh_cash(&mut self) {
        for (index, cash) in self.book.cash.iter_mut().enumerate() {
            if let Ok(asset) = u16::try_from(index) {
                *cash = self.pnl.sums(AssetId(asset)).cash;
            }
        }
    }

    pub(super) fn refresh_cash_of(&mut self, asset: AssetId) {
        if let Some(cash) = self.book.cash.get_mut(asset.index()) {
            *cash = self.pnl.sums(asset).cash;
        }
    }

    /// Sums equity and gross value anew. What is not held needs no rate and no mark.
    pub(super) fn sum_up(&mut self, instruments: &Instruments) {
        self.marks_left = MARKS_PER_SUM;
        let (mut equity, mut gross) = if self.is_sound { (0.0, 0.0) } else { (f64::NAN, f64::NAN) };
        for (cash, rate) in self.book.cash.iter().zip(&self.rates) {
            if !cash.is_zero() {
                equity += to_f64(*cash) * rate.value;
            }
        }
        let facts = self.book.net.iter().zip(&self.book.marks).zip(&self.terms);
        for (instrument, ((net, mark), terms)) in instruments.iter().zip(facts) {
            if terms.gross_size == 0.0 && net.cost.is_zero() {
                continue;
            }
            let unit = unit_value(terms, mark.price);
            if instrument.kind.is_paid_in_full() {
                equity += net.size * unit * mark.rate;
            } else {
                equity += (net.size * unit - to_f64(net.cost)) * mark.rate;
            }
            gross += terms.gross_size * unit.abs() * mark.rate;
        }
        self.book.equity = equity;
        self.book.gross = gross;
    }
}

impl Terms {
    /// Takes in the net size; the legs are set.
    fn settle(&mut self, size: f64) {
        let [long, short] = self.legs.map(to_f64);
        self.size = size;
        self.gross_size = (size - long - short).abs() + long.abs() + short.abs();
        self.is_live = self.is_rate || self.size != 0.0 || self.gross_size != 0.0;
    }
}

/// The value of one unit at a price, in the settlement currency; falls with the price where
/// the contract is inverse.
fn unit_value(terms: &Terms, price: f64) -> f64 {
    if !(price > 0.0) {
        f64::NAN
    } else if terms.is_inverse {
        -terms.multiplier / price
    } else {
        terms.multiplier * price
    }
}

fn write(facts: &mut PositionFacts, instrument: &Instrument, holding: Holding, multiplier: f64) {
    facts.quantity = holding.quantity;
    facts.size = to_f64(holding.quantity);
    facts.cost = holding.cost;
    facts.opened_at = holding.opened_at;
    let units = facts.size * multiplier;
    let cost = to_f64(holding.cost);
    facts.average = if holding.quantity.is_zero() {
        0.0
    } else if instrument.kind.is_inverse() {
        -units / cost
    } else {
        cost / units
    };
}
