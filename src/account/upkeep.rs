use rust_decimal::Decimal;

use super::arithmetic::{Adder, add, sub};
use super::facts::{Account, MARKS_PER_SUM, Rate, Terms};
use super::rates::RateSource;
use super::{Holding, LedgerError};
use crate::types::{
    AssetId, Fill, Instrument, InstrumentId, Instruments, Leg, Money, PositionFacts, Price, Reach,
    SlotId, Timestamp, Trade, small, to_f64,
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
        let fee = fill.execution.fee;
        let worth = if fee.asset == instrument.settlement {
            None
        } else {
            self.fee_worth(instruments, instrument, fee)
        };
        let realised = match worth {
            None => self.pnl.on_fill(instruments, fill, closed)?,
            Some(worth) => self.pnl.on_charged_fill(instruments, fill, worth, closed)?,
        };
        self.first_mark(instruments, fill.instrument, fill.at, fill.execution.price);
        self.refresh(instrument, fill.slot, before);
        self.refresh_cash_of(instrument.settlement);
        if fee.asset != instrument.settlement {
            self.refresh_cash_of(fee.asset);
        }
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
        let net = self.book.net(instrument).quantity;
        let own = self.book.position(slot, instrument).quantity;
        // Mostly the whole position is one owner's, and the books add the same.
        if small::is_same(net, own) && !self.has_legs {
            return Ok(());
        }
        let mut adder = Adder::new();
        adder.add(&net, &change, "net quantity");
        adder.add(&own, &change, "quantity");
        adder.outcome()
    }

    pub(super) fn legs(&self, slot: SlotId, instrument: InstrumentId) -> [Decimal; 2] {
        if !self.has_legs {
            return [Decimal::ZERO; 2];
        }
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

        // Mostly the whole position is this owner's.
        let is_alone =
            small::is_same(net.quantity, own.quantity) && small::is_same(net.cost, own.cost);
        let total = if is_alone { None } else { Some(with_others(net, own, &holding)?) };
        if self.has_legs {
            terms.move_legs(legs_before, legs_after)?;
        }
        let opened_at = if net.quantity.is_zero() { holding.opened_at } else { net.opened_at };
        write(own, instrument, &holding, terms.multiplier);
        if let Some(total) = total {
            write(net, instrument, &total, terms.multiplier);
        } else {
            let PositionFacts { working_buy, working_sell, buying, selling, .. } = *net;
            *net = PositionFacts { working_buy, working_sell, buying, selling, ..*own };
        }
        net.opened_at = opened_at;
        terms.settle(net.size);
        self.book.settle_reach(instrument.id);
        Ok(())
    }

    /// A slot's position over all legs.
    pub(super) fn holding(
        &self,
        slot: SlotId,
        instrument: InstrumentId,
    ) -> Result<Holding, LedgerError> {
        let own = self.pnl.holding(slot, instrument, Leg::Net);
        if self.has_legs { self.over_legs(slot, instrument, own) } else { Ok(own) }
    }

    #[inline(never)]
    fn over_legs(
        &self,
        slot: SlotId,
        instrument: InstrumentId,
        mut total: Holding,
    ) -> Result<Holding, LedgerError> {
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
        self.derive_reaches();
        for (rate, cash) in self.rates.iter_mut().zip(&self.book.cash) {
            rate.is_held = !cash.is_zero();
        }
        self.choose_rates();
        Ok(())
    }

    fn derive_reaches(&mut self) {
        self.book.reaches = vec![Reach::default(); self.terms.len()];
        let ids = (0..self.terms.len()).map_while(|index| u32::try_from(index).ok());
        for (id, terms) in ids.map(InstrumentId).zip(&self.terms) {
            let rate = self.book.marks.get(id.index()).map_or(f64::NAN, |mark| mark.rate);
            let scale = if terms.is_inverse { -terms.multiplier } else { terms.multiplier };
            self.book.set_units(id, scale, rate);
            self.book.settle_reach(id);
        }
    }

    pub(super) fn slot_ids(&self) -> impl Iterator<Item = SlotId> + use<> {
        (0..self.book.slots.len()).map_while(|slot| u16::try_from(slot).ok()).map(SlotId)
    }

    /// What marks need to know, from the table alone.
    pub(super) fn settle_terms(&mut self, instruments: &Instruments) {
        let assets = (0..instruments.assets().len()).map_while(|asset| u16::try_from(asset).ok());
        self.rates = assets
            .map(AssetId)
            .map(|asset| Rate {
                source: RateSource::of(instruments, asset, self.book.reporting),
                settles: instruments.iter().any(|instrument| instrument.settlement == asset),
                is_held: false,
            })
            .collect();
        self.terms = instruments
            .iter()
            .map(|instrument| Terms {
                multiplier: to_f64(instrument.multiplier),
                size: 0.0,
                gross_size: 0.0,
                is_inverse: instrument.kind.is_inverse(),
                is_rate: false,
                is_live: false,
                legs: [Decimal::ZERO; 2],
            })
            .collect();
        self.choose_rates();
        self.refresh_rates(instruments);
    }

    /// Which marks are rates of currencies that matter now.
    pub(super) fn choose_rates(&mut self) {
        for terms in &mut self.terms {
            terms.is_rate = false;
        }
        for rate in self.rates.iter().filter(|rate| rate.settles || rate.is_held) {
            let source = rate.source.instrument();
            if let Some(terms) = source.and_then(|id| self.terms.get_mut(id.index())) {
                terms.is_rate = true;
            }
        }
        for terms in &mut self.terms {
            terms.is_live = terms.is_rate || terms.is_held();
        }
    }

    /// What one unit of a source's asset is worth in the reporting currency now.
    fn rate(&self, source: RateSource) -> f64 {
        let mark = source.instrument().and_then(|id| self.book.mark(id));
        source.rate(mark.map(|fact| fact.price))
    }

    /// Writes the rates of the settlement currencies beside the marks.
    pub(super) fn refresh_rates(&mut self, instruments: &Instruments) {
        for instrument in instruments.iter() {
            let rate = self.rates.get(instrument.settlement.index());
            let rate = rate.map_or(f64::NAN, |rate| self.rate(rate.source));
            if let Some(fact) = self.book.marks.get_mut(instrument.id.index()) {
                fact.rate = rate;
            }
            self.book.set_units(instrument.id, instrument.price_scale(), rate);
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
            self.refresh_rates(instruments);
        }
    }

    pub(super) fn refresh_cash(&mut self) {
        for index in 0..self.book.cash.len() {
            if let Ok(asset) = u16::try_from(index) {
                self.refresh_cash_of(AssetId(asset));
            }
        }
    }

    pub(super) fn refresh_cash_of(&mut self, asset: AssetId) {
        let amount = self.pnl.sums(asset).cash;
        let index = asset.index();
        if let (Some(cash), Some(rate)) = (self.book.cash.get_mut(index), self.rates.get_mut(index))
        {
            *cash = amount;
            if rate.is_held == amount.is_zero() {
                rate.is_held = !amount.is_zero();
                self.choose_rates();
            }
        }
    }

    /// Sums equity and gross value anew. What is not held needs no rate and no mark.
    pub(super) fn sum_up(&mut self, instruments: &Instruments) {
        self.marks_left = MARKS_PER_SUM;
        let (mut equity, mut gross) = if self.is_sound { (0.0, 0.0) } else { (f64::NAN, f64::NAN) };
        for (cash, rate) in self.book.cash.iter().zip(&self.rates) {
            if !cash.is_zero() {
                equity += to_f64(*cash) * self.rate(rate.source);
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
    /// One owner's legs were `before` and are `after`.
    #[inline(never)]
    fn move_legs(&mut self, before: [Decimal; 2], after: [Decimal; 2]) -> Result<(), LedgerError> {
        for ((leg, before), after) in self.legs.iter_mut().zip(before).zip(after) {
            if before != after {
                *leg = add(sub(*leg, before, "net quantity")?, after, "net quantity")?;
            }
        }
        Ok(())
    }

    /// Takes in the net size; the legs are set.
    fn settle(&mut self, size: f64) {
        self.size = size;
        self.gross_size = if self.legs.iter().all(Decimal::is_zero) {
            size.abs()
        } else {
            let [long, short] = self.legs.map(to_f64);
            (size - long - short).abs() + long.abs() + short.abs()
        };
        self.is_live = self.is_rate || self.is_held();
    }

    fn is_held(&self) -> bool {
        self.size != 0.0 || self.gross_size != 0.0
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

/// The net position after the part of one of its owners has become `holding`.
#[inline(never)]
fn with_others(
    net: &PositionFacts,
    own: &PositionFacts,
    holding: &Holding,
) -> Result<Holding, LedgerError> {
    let quantity = sub(net.quantity, own.quantity, "net quantity")?;
    let cost = sub(net.cost, own.cost, "net cost")?;
    Ok(Holding {
        quantity: add(quantity, holding.quantity, "net quantity")?,
        cost: add(cost, holding.cost, "net cost")?,
        opened_at: holding.opened_at,
    })
}

fn write(facts: &mut PositionFacts, instrument: &Instrument, holding: &Holding, multiplier: f64) {
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
