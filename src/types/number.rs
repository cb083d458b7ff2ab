use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{AssetId, exact, small, to_f64};
use super::{Classification, Classify};

/// A price in the instrument's quote currency, above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "ExactNumber", into = "ExactNumber")]
pub struct Price(Decimal);

impl Price {
    /// A price.
    ///
    /// # Errors
    /// [`NumberError::NotPositive`] at zero and below.
    pub fn new(value: Decimal) -> Result<Self, NumberError> {
        if !small::is_above_zero(value) {
            return Err(NumberError::NotPositive { what: "price", value });
        }
        Ok(Self(value))
    }

    /// The number.
    #[inline]
    pub const fn value(self) -> Decimal {
        self.0
    }

    /// The nearest `f64`.
    #[inline]
    pub fn to_f64(self) -> f64 {
        to_f64(self.0)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A signed quantity in the instrument's units (shares, coins, contracts).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(from = "ExactNumber", into = "ExactNumber")]
pub struct Qty(Decimal);

impl Qty {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// A quantity; sellers' positions are negative, order quantities are positive.
    #[inline]
    pub const fn new(value: Decimal) -> Self {
        Self(value)
    }

    /// The number.
    #[inline]
    pub const fn value(self) -> Decimal {
        self.0
    }

    /// The nearest `f64`.
    #[inline]
    pub fn to_f64(self) -> f64 {
        to_f64(self.0)
    }

    /// True for zero.
    #[inline]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl fmt::Display for Qty {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl From<i64> for Qty {
    fn from(value: i64) -> Self {
        Self(Decimal::from(value))
    }
}

/// An amount of one asset. Sums of different assets are refused: nobody adds BTC to USD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// How much, in units of the asset.
    #[serde(with = "exact")]
    pub amount: Decimal,
    /// Of what.
    pub asset: AssetId,
}

impl Money {
    /// An amount.
    #[inline]
    pub const fn new(amount: Decimal, asset: AssetId) -> Self {
        Self { amount, asset }
    }

    /// Nothing of an asset.
    #[inline]
    pub const fn zero(asset: AssetId) -> Self {
        Self { amount: Decimal::ZERO, asset }
    }

    /// The sum.
    ///
    /// # Errors
    /// [`NumberError::OtherAsset`] or [`NumberError::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, NumberError> {
        if self.asset != other.asset {
            return Err(NumberError::OtherAsset { left: self.asset.0, right: other.asset.0 });
        }
        let amount = self.amount.checked_add(other.amount).ok_or(NumberError::Overflow)?;
        Ok(Self { amount, asset: self.asset })
    }

    /// The same amount with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { amount: -self.amount, asset: self.asset }
    }
}

/// How sure a strategy is: 0 (not at all) to 1 (entirely).
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Confidence(f64);

impl Confidence {
    /// Entirely sure.
    pub const FULL: Self = Self(1.0);

    /// A confidence.
    ///
    /// # Errors
    /// [`NumberError::NotAFraction`] outside 0..=1 and for NaN.
    pub fn new(value: f64) -> Result<Self, NumberError> {
        if !(0.0..=1.0).contains(&value) {
            return Err(NumberError::NotAFraction { what: "confidence", value });
        }
        Ok(Self(value))
    }

    /// Cuts to 0..=1; NaN becomes 0.
    pub fn clamped(value: f64) -> Self {
        if value >= 1.0 {
            Self(1.0)
        } else if value > 0.0 {
            Self(value)
        } else {
            Self(0.0)
        }
    }

    /// The number in 0..=1.
    #[inline]
    pub const fn value(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Confidence {
    type Error = NumberError;
    fn try_from(value: f64) -> Result<Self, NumberError> {
        Self::new(value)
    }
}

impl From<Confidence> for f64 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

/// Why a number was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// The value must be above zero.
    #[error("{what} {value} is not above zero")]
    NotPositive {
        /// What the number stands for.
        what: &'static str,
        /// The refused value.
        value: Decimal,
    },
    /// The value must lie in 0..=1.
    #[error("{what} {value} is not within 0 and 1")]
    NotAFraction {
        /// What the number stands for.
        what: &'static str,
        /// The refused value.
        value: f64,
    },
    /// Amounts of two assets cannot be added.
    #[error("asset {left} cannot be added to asset {right}")]
    OtherAsset {
        /// Asset of the left amount.
        left: u16,
        /// Asset of the right amount.
        right: u16,
    },
    /// The result has more than 28 digits.
    #[error("number overflow: the result has more than 28 digits")]
    Overflow,
}

impl Classify for NumberError {
    fn classification(&self) -> Classification {
        match self {
            Self::Overflow => Classification::COMPUTATION,
            _ => Classification::INPUT,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct ExactNumber(#[serde(with = "exact")] Decimal);

impl TryFrom<ExactNumber> for Price {
    type Error = NumberError;
    fn try_from(number: ExactNumber) -> Result<Self, NumberError> {
        Self::new(number.0)
    }
}

impl From<Price> for ExactNumber {
    fn from(price: Price) -> Self {
        Self(price.0)
    }
}

impl From<ExactNumber> for Qty {
    fn from(number: ExactNumber) -> Self {
        Self(number.0)
    }
}

impl From<Qty> for ExactNumber {
    fn from(quantity: Qty) -> Self {
        Self(quantity.0)
    }
}
