use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{MarginError, MarginTiers};
use crate::types::exact;

/// What stands behind a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MarginMode {
    /// All free cash of the settlement currency and the unrealised profit of the other cross
    /// positions that settle in it.
    #[default]
    Cross,
    /// The initial margin of its own cost alone: no other position is touched by its end.
    Isolated,
}

/// Under which terms an instrument may be held on margin.
///
/// ```
/// use tradewright::account::{MarginMode, MarginTerms, MarginTiers};
/// use tradewright::types::Decimal;
///
/// let tiers = MarginTiers::flat(Decimal::new(1, 2), Decimal::new(5, 3))?;
/// let terms = MarginTerms::new(tiers)
///     .isolated()
///     .with_leverage(Decimal::from(20))?
///     .with_liquidation_fee(Decimal::new(5, 3))?;
/// assert_eq!(terms.mode, MarginMode::Isolated);
/// assert_eq!(terms.initial(Decimal::from(1_000)), Some(Decimal::from(50)));
/// # Ok::<(), tradewright::account::MarginError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MarginTerms {
    /// What stands behind the position.
    pub mode: MarginMode,
    /// The venue's brackets.
    pub tiers: MarginTiers,
    /// The leverage that was chosen; `None` for the highest that the bracket allows.
    #[serde(default, with = "exact::option")]
    pub leverage: Option<Decimal>,
    /// Fraction of the closed value that a liquidation costs, 0 to below 1.
    #[serde(default, with = "exact")]
    pub liquidation_fee: Decimal,
    /// The largest notional that may be opened, in the settlement currency; `None` for any.
    #[serde(default, with = "exact::option")]
    pub max_notional: Option<Decimal>,
}

impl MarginTerms {
    /// Cross margin at the highest leverage, no liquidation fee, no largest notional.
    pub const fn new(tiers: MarginTiers) -> Self {
        Self {
            mode: MarginMode::Cross,
            tiers,
            leverage: None,
            liquidation_fee: Decimal::ZERO,
            max_notional: None,
        }
    }

    /// Isolates the position.
    #[must_use]
    pub const fn isolated(mut self) -> Self {
        self.mode = MarginMode::Isolated;
        self
    }

    /// Chooses a leverage; a bracket that allows less wins.
    ///
    /// # Errors
    /// [`MarginError::BadNumber`] below 1.
    pub fn with_leverage(mut self, leverage: Decimal) -> Result<Self, MarginError> {
        self.leverage = Some(leverage);
        self.check()?;
        Ok(self)
    }

    /// Sets what a liquidation costs, as a fraction of the closed value.
    ///
    /// # Errors
    /// [`MarginError::BadNumber`] below 0 and from 1 on.
    pub fn with_liquidation_fee(mut self, rate: Decimal) -> Result<Self, MarginError> {
        self.liquidation_fee = rate;
        self.check()?;
        Ok(self)
    }

    /// Sets the largest notional that may be opened, in the settlement currency.
    ///
    /// # Errors
    /// [`MarginError::BadNumber`] at zero and below.
    pub fn with_max_notional(mut self, notional: Decimal) -> Result<Self, MarginError> {
        self.max_notional = Some(notional);
        self.check()?;
        Ok(self)
    }

    /// Margin that a notional without sign takes to be opened; `None` on overflow.
    pub fn initial(&self, notional: Decimal) -> Option<Decimal> {
        let least = self.tiers.initial(notional)?;
        match self.leverage {
            Some(leverage) => Some(notional.checked_div(leverage)?.max(least)),
            None => Some(least),
        }
    }

    /// Refuses what no terms can be, after they were read from elsewhere.
    ///
    /// # Errors
    /// [`MarginError::BadNumber`].
    pub fn check(&self) -> Result<(), MarginError> {
        let bad = |what, value| Err(MarginError::BadNumber { what, value });
        match (self.leverage, self.max_notional) {
            (Some(leverage), _) if leverage < Decimal::ONE => return bad("leverage", leverage),
            (_, Some(most)) if most <= Decimal::ZERO => return bad("largest notional", most),
            (_, _) => {}
        }
        if self.liquidation_fee < Decimal::ZERO || self.liquidation_fee >= Decimal::ONE {
            return bad("liquidation fee", self.liquidation_fee);
        }
        Ok(())
    }
}
