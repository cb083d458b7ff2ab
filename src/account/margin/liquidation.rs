use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::{MarginError, MarginPosition};
use crate::types::exact;

/// The prices at which the positions of one instrument are closed by the venue.
///
/// A long position has one below, a short one above, a hedged pair may have both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiquidationPrices {
    /// At this price and below.
    #[serde(with = "exact::option")]
    pub below: Option<Decimal>,
    /// At this price and above; zero when nothing is left at any price.
    #[serde(with = "exact::option")]
    pub above: Option<Decimal>,
}

impl LiquidationPrices {
    /// Solves balance = maintenance for the price of the instrument that all `legs` are of.
    ///
    /// `collateral` is what else stands behind them: for an isolated position its collateral;
    /// for cross positions the cash, and of the others at their marks the unrealised profit
    /// less the maintenance margin.
    ///
    /// With units u = quantity · multiplier, rate m and amount a of the bracket, collateral W
    /// and cost C the closed form is p = (C − W − a) / (u − |u|·m) for linear contracts and
    /// p = (u + |u|·m) / (W − C + a) for inverse ones. The maintenance margin is the largest
    /// of all brackets' lines, so that the first price at which any line is touched is the
    /// answer, and no bracket has to be guessed.
    ///
    /// # Errors
    /// [`MarginError::Overflow`].
    pub fn of(collateral: Decimal, legs: &[MarginPosition<'_>]) -> Result<Self, MarginError> {
        let mut lines = vec![Line { constant: collateral, slope: Decimal::ZERO }];
        let mut is_inverse = false;
        for leg in legs {
            is_inverse = leg.instrument.kind.is_inverse();
            let mut next = Vec::new();
            for line in &lines {
                for tier in leg.terms.tiers.tiers() {
                    let rates = (tier.maintenance, tier.amount);
                    next.push(line.with(leg, rates).ok_or(MarginError::Overflow)?);
                }
            }
            lines = next;
        }
        let mut prices = Self::default();
        if legs.iter().all(|leg| leg.quantity.is_zero()) {
            return Ok(prices);
        }
        for line in &lines {
            let touched = if is_inverse { line.inverse() } else { line.linear() };
            prices = prices.or(touched.ok_or(MarginError::Overflow)?);
        }
        Ok(prices)
    }

    /// The same as the first prices of a grid with so many decimals at which it happens.
    #[must_use]
    pub fn on_grid(self, digits: u32) -> Self {
        let round = |price: Decimal, strategy| price.round_dp_with_strategy(digits, strategy);
        let down = |price| round(price, RoundingStrategy::ToNegativeInfinity);
        let up = |price| round(price, RoundingStrategy::ToPositiveInfinity);
        let below = self.below.map(down).filter(|price| *price > Decimal::ZERO);
        Self { below, above: self.above.map(up) }
    }

    /// True where the venue closes at this price.
    pub fn reached(&self, price: Decimal) -> bool {
        self.below.is_some_and(|below| price <= below)
            || self.above.is_some_and(|above| price >= above)
    }

    /// Whichever comes first on either side.
    fn or(self, other: Self) -> Self {
        let pick = |a: Option<Decimal>,
                    b: Option<Decimal>,
                    pick: fn(Decimal, Decimal) -> Decimal| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (a, b) => a.or(b),
        };
        Self {
            below: pick(self.below, other.below, Decimal::max),
            above: pick(self.above, other.above, Decimal::min),
        }
    }
}

/// Balance less maintenance margin by one choice of brackets: `constant + slope * x`, where x
/// is the price, or one over the price for inverse contracts. The venue closes at zero.
#[derive(Clone, Copy)]
struct Line {
    constant: Decimal,
    slope: Decimal,
}

impl Line {
    fn with(self, leg: &MarginPosition<'_>, (rate, amount): (Decimal, Decimal)) -> Option<Self> {
        let units = leg.quantity.checked_mul(leg.instrument.multiplier)?;
        let value = if leg.instrument.kind.is_inverse() { -units } else { units };
        let kept = value.checked_sub(units.abs().checked_mul(rate)?)?;
        Some(Self {
            constant: self.constant.checked_sub(leg.cost)?.checked_add(amount)?,
            slope: self.slope.checked_add(kept)?,
        })
    }

    /// Where the line is at zero or below, as prices; `None` on overflow.
    fn linear(self) -> Option<LiquidationPrices> {
        let mut prices = LiquidationPrices::default();
        if self.slope > Decimal::ZERO {
            let price = (-self.constant).checked_div(self.slope)?;
            prices.below = Some(price).filter(|price| *price > Decimal::ZERO);
        } else if self.slope < Decimal::ZERO {
            let price = self.constant.checked_div(-self.slope)?;
            prices.above = Some(price.max(Decimal::ZERO));
        } else if self.constant <= Decimal::ZERO {
            prices.above = Some(Decimal::ZERO);
        }
        Some(prices)
    }

    fn inverse(self) -> Option<LiquidationPrices> {
        let mut prices = LiquidationPrices::default();
        if self.slope > Decimal::ZERO {
            if self.constant < Decimal::ZERO {
                prices.above = Some(self.slope.checked_div(-self.constant)?);
            }
        } else if self.constant > Decimal::ZERO {
            if self.slope < Decimal::ZERO {
                prices.below = Some((-self.slope).checked_div(self.constant)?);
            }
        } else {
            prices.above = Some(Decimal::ZERO);
        }
        Some(prices)
    }
}
