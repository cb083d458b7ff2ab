use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::SimError;
use crate::types::{Instrument, InstrumentKind, Instruments, Liquidity, Money, exact, small};

/// What trading costs, as fractions of the traded value.
///
/// The tier follows the value traded since the start of the run, over all instruments, each in
/// its own settlement currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeSchedule {
    /// The tiers, from zero upwards.
    pub tiers: Vec<FeeTier>,
    /// What the fee is paid in.
    pub paid_in: FeeAsset,
}

impl FeeSchedule {
    /// One rate for makers and one for takers; a negative rate is a rebate.
    ///
    /// ```
    /// use tradewright::sim::FeeSchedule;
    /// use tradewright::types::Decimal;
    ///
    /// let fees = FeeSchedule::flat(Decimal::new(-1, 4), Decimal::new(5, 4));
    /// assert_eq!(fees.tiers[0].taker, Decimal::new(5, 4));
    /// ```
    pub fn flat(maker: Decimal, taker: Decimal) -> Self {
        let tiers = vec![FeeTier { from: Decimal::ZERO, maker, taker }];
        Self { tiers, paid_in: FeeAsset::Settlement }
    }

    /// No fees.
    pub fn free() -> Self {
        Self::flat(Decimal::ZERO, Decimal::ZERO)
    }

    /// Adds a tier that holds from a traded value on.
    #[must_use]
    pub fn with_tier(mut self, tier: FeeTier) -> Self {
        self.tiers.push(tier);
        self
    }

    /// Sets what the fee is paid in.
    #[must_use]
    pub fn paid_in(mut self, asset: FeeAsset) -> Self {
        self.paid_in = asset;
        self
    }

    /// The rate after so much was traded.
    pub fn rate(&self, traded: Decimal, liquidity: Liquidity) -> Decimal {
        // The first tier starts at zero: mostly it is the only one, and asks for no comparison.
        let reached = |tier: &&FeeTier| tier.from.is_zero() || tier.from <= traded;
        let tier = self.tiers.iter().rev().find(reached);
        tier.map_or(Decimal::ZERO, |tier| match liquidity {
            Liquidity::Maker => tier.maker,
            Liquidity::Taker => tier.taker,
        })
    }

    pub(super) fn check(&self) -> Result<(), SimError> {
        let mut next = Decimal::ZERO;
        for (index, tier) in self.tiers.iter().enumerate() {
            let in_order = if index == 0 { tier.from == next } else { tier.from > next };
            if !in_order {
                return Err(SimError::BadFeeTiers { from: tier.from });
            }
            next = tier.from;
            for rate in [tier.maker, tier.taker] {
                if rate.abs() >= Decimal::ONE {
                    return Err(SimError::BadFeeRate { rate });
                }
            }
        }
        Ok(())
    }

    /// The fee of a trade of `quantity` units that is worth `value`, rounded to the digits of
    /// its asset's ledger, half to even. `None` on overflow.
    pub(super) fn fee(
        &self,
        instruments: &Instruments,
        instrument: &Instrument,
        rate: Decimal,
        traded: Traded,
    ) -> Option<Money> {
        let (amount, asset) = if self.is_in_base(instrument) {
            (traded.quantity, instrument.base)
        } else {
            (traded.value, instrument.settlement)
        };
        if rate.is_zero() {
            return Some(Money::zero(asset));
        }
        let digits = instruments.asset_of(asset).map_or(12, |asset| asset.ledger_digits);
        let fee = small::product(amount, rate)?;
        Some(Money::new(small::rounded(fee, digits), asset))
    }

    /// True where the fee is taken from what is traded rather than from cash.
    pub(super) fn is_in_base(&self, instrument: &Instrument) -> bool {
        match self.paid_in {
            FeeAsset::Settlement => false,
            FeeAsset::Base => matches!(instrument.kind, InstrumentKind::Spot),
        }
    }
}

impl Default for FeeSchedule {
    fn default() -> Self {
        Self::free()
    }
}

/// Quantity and value of a trade, both without sign.
#[derive(Clone, Copy)]
pub(super) struct Traded {
    pub(super) quantity: Decimal,
    pub(super) value: Decimal,
}

/// Rates that hold from a traded value on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeTier {
    /// The value traded since the start from which the rates hold.
    #[serde(with = "exact")]
    pub from: Decimal,
    /// Fraction of the value that makers pay, negative for a rebate.
    #[serde(with = "exact")]
    pub maker: Decimal,
    /// Fraction of the value that takers pay.
    #[serde(with = "exact")]
    pub taker: Decimal,
}

/// What fees are paid in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeeAsset {
    /// The settlement currency; for spot instruments the quote currency.
    #[default]
    Settlement,
    /// The asset that is traded, on spot instruments; others pay in the settlement currency.
    Base,
}
