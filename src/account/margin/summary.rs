use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{MarginError, MarginTerms};
use crate::types::{Instrument, exact, to_f64};

/// A position on margin at a price.
#[derive(Clone, Copy, Debug)]
pub struct MarginPosition<'a> {
    /// In what.
    pub instrument: &'a Instrument,
    /// Under which terms.
    pub terms: &'a MarginTerms,
    /// Signed quantity.
    pub quantity: Decimal,
    /// Signed cost in the settlement currency, as the ledger has it.
    pub cost: Decimal,
    /// The price that values it.
    pub mark: Decimal,
}

impl MarginPosition<'_> {
    /// Value without sign, in the settlement currency: what brackets go by.
    ///
    /// # Errors
    /// [`MarginError::Overflow`]; all methods alike.
    pub fn notional(&self) -> Result<Decimal, MarginError> {
        self.value().map(|value| value.abs())
    }

    /// Profit that closing at the mark would realise, fees not included.
    ///
    /// # Errors
    /// [`MarginError::Overflow`].
    pub fn unrealised(&self) -> Result<Decimal, MarginError> {
        self.value()?.checked_sub(self.cost).ok_or(MarginError::Overflow)
    }

    /// Margin below which the venue closes the position.
    ///
    /// # Errors
    /// [`MarginError::Overflow`].
    pub fn maintenance(&self) -> Result<Decimal, MarginError> {
        self.terms.tiers.maintenance(self.notional()?).ok_or(MarginError::Overflow)
    }

    /// Margin that opening it at the mark would take.
    ///
    /// # Errors
    /// [`MarginError::Overflow`].
    pub fn initial(&self) -> Result<Decimal, MarginError> {
        self.terms.initial(self.notional()?).ok_or(MarginError::Overflow)
    }

    /// What stands behind it while it is isolated: the initial margin of its cost.
    ///
    /// # Errors
    /// [`MarginError::Overflow`].
    pub fn collateral(&self) -> Result<Decimal, MarginError> {
        self.terms.initial(self.cost.abs()).ok_or(MarginError::Overflow)
    }

    fn value(&self) -> Result<Decimal, MarginError> {
        self.instrument.value(self.quantity, self.mark).ok_or(MarginError::Overflow)
    }
}

/// Margin of positions that stand together behind one collateral, in their settlement
/// currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarginSummary {
    /// Collateral and unrealised profit: what is there.
    #[serde(with = "exact")]
    pub balance: Decimal,
    /// What the positions take to be opened.
    #[serde(with = "exact")]
    pub initial: Decimal,
    /// What they take to be kept.
    #[serde(with = "exact")]
    pub maintenance: Decimal,
}

impl MarginSummary {
    /// Adds positions of one settlement currency up; an isolated position is a list of one.
    ///
    /// # Errors
    /// [`MarginError::Overflow`].
    ///
    /// ```
    /// use tradewright::account::{MarginPosition, MarginSummary, MarginTerms, MarginTiers};
    /// use tradewright::types::{Decimal, Instrument, Instruments};
    ///
    /// let mut table = Instruments::new();
    /// let perp = table.add(Instrument::linear_perpetual("PERP", "BTC", "USDT"))?;
    /// let tiers = MarginTiers::flat(Decimal::new(1, 1), Decimal::new(5, 2))?;
    /// let terms = MarginTerms::new(tiers);
    /// let position = MarginPosition {
    ///     instrument: &table[perp],
    ///     terms: &terms,
    ///     quantity: Decimal::from(2),
    ///     cost: Decimal::from(200),
    ///     mark: Decimal::from(95),
    /// };
    /// let summary = MarginSummary::of(Decimal::from(20), &[position])?;
    /// // 20 of collateral, 10 lost; 5 % of 190 keep it.
    /// assert_eq!(summary.balance, Decimal::from(10));
    /// assert_eq!(summary.maintenance, Decimal::new(95, 1));
    /// assert_eq!(summary.free(), Decimal::from(-9));
    /// assert!(!summary.is_breached());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(collateral: Decimal, positions: &[MarginPosition<'_>]) -> Result<Self, MarginError> {
        let mut sum = Self { balance: collateral, ..Self::default() };
        let add = |a: Decimal, b| a.checked_add(b).ok_or(MarginError::Overflow);
        for position in positions {
            sum.balance = add(sum.balance, position.unrealised()?)?;
            sum.initial = add(sum.initial, position.initial()?)?;
            sum.maintenance = add(sum.maintenance, position.maintenance()?)?;
        }
        Ok(sum)
    }

    /// What is left for further positions; below zero none can be opened.
    pub fn free(&self) -> Decimal {
        self.balance.checked_sub(self.initial).unwrap_or(Decimal::MIN)
    }

    /// Maintenance over balance: at 1 the venue closes. 0 without positions, infinite where
    /// nothing is left.
    pub fn ratio(&self) -> f64 {
        if self.maintenance.is_zero() {
            return 0.0;
        }
        if self.balance <= Decimal::ZERO {
            return f64::INFINITY;
        }
        to_f64(self.maintenance) / to_f64(self.balance)
    }

    /// True when the balance has come down to the maintenance margin: the venue closes.
    pub fn is_breached(&self) -> bool {
        !self.maintenance.is_zero() && self.balance <= self.maintenance
    }
}
