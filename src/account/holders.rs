use rust_decimal::Decimal;

use super::arithmetic::add;
use super::{Ledger, LedgerError};
use crate::types::{Funding, Grid, Instrument, InstrumentId, Money, SlotId};

/// Funding and splits: what reaches every position of an instrument.
impl Ledger {
    pub(super) fn fund(
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
            let payment = funding_payment(instrument, total.quantity, mark, rate)
                .ok_or(LedgerError::Overflow { what: "funding" })?
                .round_dp(digits);
            add(total.funding, payment, "funding")?;
            sums.cash = add(sums.cash, payment, "cash")?;
            sums.funding = add(sums.funding, payment, "funding")?;
            payments.push((place, payment));
            let owner = place / self.legs() % self.slots;
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

    pub(super) fn split(
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

/// What a signed position receives in the settlement currency, exact: longs pay at a rate
/// above zero. The payment is quantity · multiplier · mark · rate, for inverse contracts
/// quantity · multiplier / mark · rate. `None` on overflow and at mark zero.
///
/// ```
/// use tradewright::account::funding_payment;
/// use tradewright::types::{Decimal, Instrument, Instruments};
///
/// let mut table = Instruments::new();
/// let perp = table.add(Instrument::linear_perpetual("XRPUSDT", "XRP", "USDT"))?;
/// let (mark, rate) = (Decimal::new(10_959, 4), Decimal::new(1, 4));
/// let paid = funding_payment(&table[perp], Decimal::from(1_000), mark, rate);
/// assert_eq!(paid, Some(Decimal::new(-10_959, 5)));
/// # Ok::<(), tradewright::types::InstrumentError>(())
/// ```
pub fn funding_payment(
    instrument: &Instrument,
    quantity: Decimal,
    mark: Decimal,
    rate: Decimal,
) -> Option<Decimal> {
    let payment = instrument.value(quantity, mark)?.checked_mul(rate)?;
    // The inverse value falls as the position grows.
    Some(if instrument.kind.is_inverse() { payment } else { -payment })
}
