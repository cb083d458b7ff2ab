use rust_decimal::Decimal;

use super::arithmetic::sub;
use super::{Ledger, LedgerError};
use crate::types::{Fill, Instrument, InstrumentKind, Money};

/// How a fill's fee is booked, and what is left of its quantity.
pub(super) struct Charge {
    /// Signed change of the position.
    pub(super) quantity: Decimal,
    /// Fee in the settlement currency.
    pub(super) fee: Decimal,
    /// Fee in a third asset.
    pub(super) other: Option<Money>,
}

impl Charge {
    pub(super) fn of(
        ledger: &Ledger,
        instrument: &Instrument,
        fill: &Fill,
    ) -> Result<Self, LedgerError> {
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
