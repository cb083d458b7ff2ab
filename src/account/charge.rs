use rust_decimal::Decimal;

use super::arithmetic::{add, sub};
use super::{AssetSums, Ledger, LedgerError};
use crate::types::{Fill, Instrument, InstrumentKind, Money, small};

/// How a fill's fee is booked, and what is left of its quantity.
pub(super) struct Charge {
    /// Signed change of the position.
    pub(super) quantity: Decimal,
    /// Fee in the settlement currency.
    pub(super) fee: Decimal,
    /// Fee in a third asset.
    pub(super) other: Option<Money>,
    /// The third asset was sold for the fee in the settlement currency.
    pub(super) is_sold: bool,
}

impl Charge {
    #[inline(always)]
    pub(super) fn of(
        ledger: &Ledger,
        instrument: &Instrument,
        fill: &Fill,
        worth: Option<Money>,
    ) -> Result<Self, LedgerError> {
        let Money { amount, asset } = fill.execution.fee;
        let fee = if amount.is_zero() {
            Decimal::ZERO
        } else if asset == instrument.settlement {
            small::rounded(amount, ledger.digits(asset)?)
        } else {
            return Self::in_another(ledger, instrument, fill, worth);
        };
        Ok(Self { quantity: fill.signed_quantity(), fee, other: None, is_sold: false })
    }

    /// A fee that is not in the settlement currency.
    #[inline(never)]
    fn in_another(
        ledger: &Ledger,
        instrument: &Instrument,
        fill: &Fill,
        worth: Option<Money>,
    ) -> Result<Self, LedgerError> {
        let quantity = fill.signed_quantity();
        let Money { amount, asset } = fill.execution.fee;
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
            return Ok(Self { quantity: rest, fee, other: None, is_sold: false });
        }
        let other = Some(Money::new(amount.round_dp(ledger.digits(asset)?), asset));
        match worth.filter(|worth| worth.asset == instrument.settlement) {
            Some(worth) => {
                let fee = worth.amount.round_dp(ledger.digits(worth.asset)?);
                Ok(Self { quantity, fee, other, is_sold: true })
            }
            None => Ok(Self { quantity, fee: Decimal::ZERO, other, is_sold: false }),
        }
    }
}

impl Ledger {
    /// A third asset pays a fee: by a sale, whose proceeds are in the settlement currency's sums
    /// then, or as it is.
    #[inline(never)]
    pub(super) fn charge_elsewhere(
        &mut self,
        fee: Money,
        charge: &Charge,
        settlement: &mut AssetSums,
    ) -> Result<(), LedgerError> {
        let mut sums = self.sums_of(fee.asset)?;
        sums.cash = sub(sums.cash, fee.amount, "cash")?;
        if charge.is_sold {
            sums.deposits = sub(sums.deposits, fee.amount, "deposits")?;
            settlement.cash = add(settlement.cash, charge.fee, "cash")?;
            settlement.deposits = add(settlement.deposits, charge.fee, "deposits")?;
        } else {
            sums.fees = add(sums.fees, fee.amount, "fees")?;
        }
        self.put_sums(fee.asset, sums);
        Ok(())
    }
}
