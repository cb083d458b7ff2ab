use rust_decimal::Decimal;

use super::exercise::Delivery;
use super::{Account, AdjustmentEffects, LedgerError};
use crate::types::{
    Adjustment, AdjustmentKind, AssetId, Instrument, InstrumentId, Instruments, Leg, Money, SlotId,
    Timestamp,
};

/// Adjustments, and what fees in other assets are worth.
impl Account {
    /// Books a change of cash or position that is no fill; closed pieces and payments are
    /// appended to `effects`. A split changes the mark too, so that equity stays.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing changed.
    pub fn adjust(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        adjustment: &Adjustment,
        effects: &mut AdjustmentEffects,
    ) -> Result<(), LedgerError> {
        match adjustment.kind {
            AdjustmentKind::Capital(_)
            | AdjustmentKind::Income(_)
            | AdjustmentKind::Dividend { .. }
            | AdjustmentKind::BorrowFee { .. } => {
                self.pnl.adjust(at, instruments, adjustment, effects)?;
            }
            AdjustmentKind::Position { slot, instrument, change, price } => {
                let instrument = self.known(instruments, instrument, slot)?;
                self.check_net(instrument.id, slot, change.value())?;
                let before = self.legs(slot, instrument.id);
                self.pnl.adjust(at, instruments, adjustment, effects)?;
                self.first_mark(instruments, instrument.id, at, price);
                self.refresh(instrument, slot, before);
            }
            AdjustmentKind::Split { instrument: id, numerator, denominator } => {
                let instrument = self.known(instruments, id, SlotId::HOUSE)?;
                let before = self.all_legs(id);
                self.pnl.adjust(at, instruments, adjustment, effects)?;
                if let Some(fact) = self.book.marks.get_mut(id.index()) {
                    fact.price *= f64::from(denominator) / f64::from(numerator);
                }
                self.refresh_rates(instruments);
                self.refresh_all(instrument, before);
            }
            AdjustmentKind::Settlement { instrument: id, .. } => {
                let instrument = self.known(instruments, id, SlotId::HOUSE)?;
                let before = self.all_legs(id);
                self.pnl.adjust(at, instruments, adjustment, effects)?;
                self.refresh_all(instrument, before);
            }
            AdjustmentKind::Exercise { slot, option, underlying, contracts, price } => {
                let option = self.known(instruments, option, slot)?;
                let underlying = self.known(instruments, underlying, slot)?;
                let held = self.pnl.holding(slot, option.id, Leg::Net).quantity;
                let asked = (contracts.value(), price.value());
                let delivery = Delivery::of([option, underlying], held, asked)?;
                self.check_net(underlying.id, slot, delivery.units)?;
                let before = [option, underlying].map(|it| (it, self.legs(slot, it.id)));
                self.pnl.adjust(at, instruments, adjustment, effects)?;
                self.first_mark(instruments, underlying.id, at, price);
                for (instrument, legs) in before {
                    self.refresh(instrument, slot, legs);
                }
            }
        }
        self.refresh_cash();
        self.sum_up(instruments);
        Ok(())
    }

    /// What a fee in a third asset is worth in the settlement currency at the marks; `None`
    /// for no fee, a fee in the base asset of a spot instrument, and without a rate.
    #[cold]
    pub(super) fn fee_worth(
        &self,
        instruments: &Instruments,
        instrument: &Instrument,
        fee: Money,
    ) -> Option<Money> {
        let is_base = fee.asset == instrument.base && instrument.kind.is_paid_in_full();
        if fee.amount.is_zero() || is_base {
            return None;
        }
        let asset = instrument.settlement;
        let value = fee.amount.checked_mul(self.exact_rate(instruments, fee.asset)?)?;
        let worth = value.checked_div(self.exact_rate(instruments, asset)?)?;
        Some(Money::new(worth, asset))
    }

    /// Reporting currency per unit of an asset, on the grid of the mark that tells it.
    fn exact_rate(&self, instruments: &Instruments, asset: AssetId) -> Option<Decimal> {
        let source = self.rates.get(asset.index())?.source;
        let mark = source.instrument().and_then(|id| self.book.mark(id)).map(|fact| fact.price);
        let rate = source.exact(instruments, mark)?;
        (rate > Decimal::ZERO).then_some(rate)
    }

    fn all_legs(&self, id: InstrumentId) -> Vec<(SlotId, [Decimal; 2])> {
        self.slot_ids().map(|slot| (slot, self.legs(slot, id))).collect()
    }

    fn refresh_all(&mut self, instrument: &Instrument, before: Vec<(SlotId, [Decimal; 2])>) {
        for (slot, legs) in before {
            self.refresh(instrument, slot, legs);
        }
    }
}
