//! The built-in rules, one per file. Each judges what would result with all working orders
//! filled, caps an opening at the largest quantity that passes, and denies on NaN.

mod buying_power;
mod concentration;
mod correlated;
mod drawdown_scaling;
mod from_fn;
mod gross;
mod group;
mod heat;
mod instrument_list;
mod leverage;
mod market_age;
mod net;
mod open_orders;
mod order_notional;
mod order_quantity;
mod position_count;
mod position_size;
mod symbol;
mod symbol_quantity;
mod trading_hours;
mod usage;
mod value_at_risk;

pub use buying_power::BuyingPower;
pub use concentration::Concentration;
pub use correlated::CorrelatedExposure;
pub(super) use correlated::checked as checked_correlation;
pub use drawdown_scaling::DrawdownScaling;
pub use from_fn::{RuleFn, rule_from_fn};
pub use gross::GrossExposure;
pub use group::GroupExposure;
pub use heat::{PortfolioHeat, UnstoppedRisk};
pub use instrument_list::InstrumentList;
pub use leverage::Leverage;
pub use market_age::MarketAge;
pub use net::NetExposure;
pub use open_orders::OpenOrders;
pub use order_notional::MaxOrderNotional;
pub use order_quantity::MaxOrderQuantity;
pub use position_count::PositionCount;
pub use position_size::PositionSize;
pub use symbol::SymbolExposure;
pub use symbol_quantity::SymbolQuantity;
pub use trading_hours::{Session, TradingHours};
pub use value_at_risk::VarLimit;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Limit, Opening, RiskConfigError};
use crate::types::{Facts, Grid, Qty, Reason, ReasonCode, to_f64};

/// A limit on a value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ceiling {
    /// An amount of the reporting currency.
    Amount(f64),
    /// A fraction of equity: 0.5 is half, 2 is twice.
    OfEquity(f64),
}

impl Ceiling {
    /// The amount at this moment; NaN while equity is not a number above zero.
    pub fn amount(self, facts: &Facts<'_>) -> f64 {
        match self {
            Self::Amount(amount) => amount,
            Self::OfEquity(fraction) => fraction * sound_equity(facts),
        }
    }

    fn checked(self, what: &'static str) -> Result<Self, RiskConfigError> {
        let (Self::Amount(value) | Self::OfEquity(value)) = self;
        if value >= 0.0 && value.is_finite() {
            Ok(self)
        } else {
            Err(RiskConfigError::LimitOutOfRange { what, value })
        }
    }
}

impl Ceiling {
    /// Changes the number, not its kind; the answer is the number before.
    pub(super) fn set(
        &mut self,
        what: &'static str,
        value: Decimal,
    ) -> Result<Decimal, RiskConfigError> {
        let number = to_f64(value);
        let new = match self {
            Self::Amount(_) => Self::Amount(number),
            Self::OfEquity(_) => Self::OfEquity(number),
        };
        let new = new.checked(what)?;
        let (Self::Amount(before) | Self::OfEquity(before)) = core::mem::replace(self, new);
        Ok(Grid::recover(before).unwrap_or(Decimal::MAX))
    }
}

/// Equity where a limit can be measured by it: a number above zero; NaN otherwise. A mark beyond
/// all measure makes equity infinite, and no limit of an infinite equity would ever bind.
fn sound_equity(facts: &Facts<'_>) -> f64 {
    let equity = facts.equity();
    if equity > 0.0 && equity <= f64::MAX { equity } else { f64::NAN }
}

/// A value at its limit is within it even when `f64` has rounded it upwards: twelve digits
/// decide.
const ROUNDING: f64 = 1e-12;

fn is_within(observed: f64, limit: f64) -> bool {
    observed <= limit + limit * ROUNDING
}

/// Holds what would result against a limit and finds the largest quantity that passes;
/// `resulting` must not decrease.
fn capped(
    opening: &Opening<'_>,
    facts: &Facts<'_>,
    code: ReasonCode,
    limit: f64,
    resulting: impl Fn(f64) -> f64,
) -> Limit {
    let observed = resulting(opening.units);
    let reason = Reason::new(code, limit, observed);
    if is_within(observed, limit) {
        return Limit::Allow(Some(reason));
    }
    if !observed.is_finite() || !limit.is_finite() {
        return Limit::Deny(Reason { code: ReasonCode::InvalidInput, ..reason });
    }
    let passes = |quantity: Decimal| is_within(resulting(to_f64(quantity)), limit);
    let step = facts.instruments.get(opening.intent.instrument).map(|instrument| instrument.step);
    match step.and_then(|step| largest(opening.quantity, step, passes)) {
        Some(quantity) => Limit::Cap(Qty::new(quantity), reason),
        None => Limit::Deny(reason),
    }
}

/// More steps than this are not told apart by `f64`.
const MOST_STEPS: i64 = 1 << 53;

/// The largest multiple of the step that passes, below what was asked; `None` for none. Only
/// refusals pay for the search.
fn largest(asked: Decimal, step: Decimal, passes: impl Fn(Decimal) -> bool) -> Option<Decimal> {
    let steps = to_f64(asked) / to_f64(step);
    let (mut good, mut bad) = (0, MOST_STEPS);
    if steps < MOST_STEPS as f64 {
        bad = steps as i64 + 2;
    }
    // `good` passes or is zero, `bad` does not pass or is too much.
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        let quantity = Decimal::from(middle).checked_mul(step);
        if quantity.is_some_and(|quantity| quantity <= asked && passes(quantity)) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Decimal::from(good).checked_mul(step).filter(|quantity| *quantity > Decimal::ZERO)
}
