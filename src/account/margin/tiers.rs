use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{Classification, Classify};
use crate::types::{InstrumentId, exact};

/// One bracket of a venue's margin table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarginTier {
    /// Notional above which the bracket holds, in the settlement currency; zero for the first.
    #[serde(with = "exact")]
    pub from: Decimal,
    /// Smallest initial margin as a fraction of the notional: one over the highest leverage.
    #[serde(with = "exact")]
    pub initial: Decimal,
    /// Maintenance margin as a fraction of the notional.
    #[serde(with = "exact")]
    pub maintenance: Decimal,
    /// What is taken off `notional * maintenance`, so that the maintenance margin does not jump
    /// where the bracket begins: the cumulated amount that venues publish.
    #[serde(with = "exact")]
    pub amount: Decimal,
}

/// The brackets of one instrument: the larger the position, the more of it must be covered.
///
/// A notional at the very border belongs to the lower bracket.
///
/// ```
/// use tradewright::account::MarginTiers;
/// use tradewright::types::Decimal;
///
/// let percent = |value: i64| Decimal::new(value, 3);
/// let tiers = MarginTiers::new(&[
///     [Decimal::ZERO, percent(10), percent(5)],
///     [Decimal::from(10_000), percent(20), percent(10)],
/// ])?;
/// assert_eq!(tiers.maintenance(Decimal::from(10_000)), Some(Decimal::from(50)));
/// assert_eq!(tiers.maintenance(Decimal::from(20_000)), Some(Decimal::from(150)));
/// # Ok::<(), tradewright::account::MarginError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<MarginTier>", into = "Vec<MarginTier>")]
pub struct MarginTiers {
    tiers: Vec<MarginTier>,
}

impl MarginTiers {
    /// One bracket for every size: fractions of initial and maintenance margin.
    ///
    /// # Errors
    /// [`MarginError::BadTier`] unless 0 < maintenance < initial ≤ 1.
    pub fn flat(initial: Decimal, maintenance: Decimal) -> Result<Self, MarginError> {
        Self::new(&[[Decimal::ZERO, initial, maintenance]])
    }

    /// Brackets of `[from, initial, maintenance]`; the amounts follow from them.
    ///
    /// # Errors
    /// As [`MarginTiers::published`].
    pub fn new(rates: &[[Decimal; 3]]) -> Result<Self, MarginError> {
        let mut tiers: Vec<MarginTier> = Vec::with_capacity(rates.len());
        for [from, initial, maintenance] in rates.iter().copied() {
            let amount = match tiers.last() {
                None => Decimal::ZERO,
                Some(last) => last.amount_at(from, maintenance).ok_or(MarginError::Overflow)?,
            };
            tiers.push(MarginTier { from, initial, maintenance, amount });
        }
        Self::published(tiers)
    }

    /// Brackets as a venue publishes them, amounts included.
    ///
    /// # Errors
    /// [`MarginError::BadTier`] with the bracket that does not fit: the first must start at 0
    /// with amount 0, `from` must rise, fractions must satisfy 0 < maintenance < initial ≤ 1
    /// and not fall, and each amount must keep the maintenance margin without a jump.
    pub fn published(tiers: Vec<MarginTier>) -> Result<Self, MarginError> {
        if tiers.is_empty() {
            return Err(MarginError::BadTier { index: 0, what: "there is none" });
        }
        let mut last: Option<&MarginTier> = None;
        for (index, tier) in tiers.iter().enumerate() {
            if let Some(what) = tier.fault(last) {
                return Err(MarginError::BadTier { index, what });
            }
            last = Some(tier);
        }
        Ok(Self { tiers })
    }

    /// The brackets, the smallest first; never empty.
    pub fn tiers(&self) -> &[MarginTier] {
        &self.tiers
    }

    /// Maintenance margin of a notional without sign; `None` on overflow.
    pub fn maintenance(&self, notional: Decimal) -> Option<Decimal> {
        let tier = self.tier(notional)?;
        notional.checked_mul(tier.maintenance)?.checked_sub(tier.amount)
    }

    /// Smallest initial margin of a notional without sign, all of it at its bracket's rate;
    /// `None` on overflow.
    pub fn initial(&self, notional: Decimal) -> Option<Decimal> {
        notional.checked_mul(self.tier(notional)?.initial)
    }

    fn tier(&self, notional: Decimal) -> Option<&MarginTier> {
        let above = self.tiers.partition_point(|tier| tier.from < notional);
        self.tiers.get(above.saturating_sub(1))
    }
}

impl TryFrom<Vec<MarginTier>> for MarginTiers {
    type Error = MarginError;
    fn try_from(tiers: Vec<MarginTier>) -> Result<Self, MarginError> {
        Self::published(tiers)
    }
}

impl From<MarginTiers> for Vec<MarginTier> {
    fn from(tiers: MarginTiers) -> Self {
        tiers.tiers
    }
}

impl MarginTier {
    /// The amount of a bracket that follows this one at `from`.
    fn amount_at(&self, from: Decimal, maintenance: Decimal) -> Option<Decimal> {
        let step = maintenance.checked_sub(self.maintenance)?;
        self.amount.checked_add(from.checked_mul(step)?)
    }

    fn fault(&self, last: Option<&Self>) -> Option<&'static str> {
        let is_sound = Decimal::ZERO < self.maintenance
            && self.maintenance < self.initial
            && self.initial <= Decimal::ONE;
        if !is_sound {
            return Some("not 0 < maintenance < initial <= 1");
        }
        let Some(last) = last else {
            let is_first = self.from.is_zero() && self.amount.is_zero();
            return (!is_first).then_some("the first does not start at 0 with amount 0");
        };
        if self.from <= last.from {
            return Some("its start does not rise");
        }
        if self.initial < last.initial || self.maintenance < last.maintenance {
            return Some("its rates fall");
        }
        let is_smooth = last.amount_at(self.from, self.maintenance) == Some(self.amount);
        (!is_smooth).then_some("its amount lets the maintenance margin jump")
    }
}

/// Why margin cannot be computed or its terms were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarginError {
    /// A bracket does not fit; correct the table.
    #[error("margin bracket {index}: {what}")]
    BadTier {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A parameter lies outside of its range.
    #[error("{what} {value} is outside of its range")]
    BadNumber {
        /// Which parameter.
        what: &'static str,
        /// The refused value.
        value: Decimal,
    },
    /// The instrument is unknown, or is paid in full and has no margin.
    #[error("instrument number {} has no margin", .instrument.0)]
    NoMargin {
        /// The refused id.
        instrument: InstrumentId,
    },
    /// A position has no mark that could value it.
    #[error("instrument number {} has no mark", .instrument.0)]
    MissingMark {
        /// Which instrument.
        instrument: InstrumentId,
    },
    /// A sum or product has more than 28 digits.
    #[error("margin overflows 28 digits")]
    Overflow,
}

impl Classify for MarginError {
    fn classification(&self) -> Classification {
        match self {
            Self::BadTier { .. } | Self::BadNumber { .. } => Classification::SETTINGS,
            Self::NoMargin { .. } | Self::MissingMark { .. } | Self::Overflow => {
                Classification::COMPUTATION
            }
        }
    }
}
