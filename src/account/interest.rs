use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How many days a year has for interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DayCount {
    /// Actual/360: money markets, margin loans in most currencies.
    #[default]
    Actual360,
    /// Actual/365 (fixed): sterling, and venues that never close.
    Actual365,
}

/// Simple interest on a signed balance for the time that it stood: balance · rate · days /
/// days of the year, exact but for one division. Booked as income of cause
/// [`Interest`](crate::types::AdjustmentCause::Interest), a debt costs and a credit earns.
///
/// `None` on overflow.
///
/// ```
/// use std::time::Duration;
/// use tradewright::account::{DayCount, accrued_interest};
/// use tradewright::types::Decimal;
///
/// let day = Duration::from_secs(86_400);
/// let (debt, rate) = (Decimal::from(-36_000), Decimal::new(5, 2));
/// let cost = accrued_interest(debt, rate, day, DayCount::Actual360);
/// assert_eq!(cost, Some(Decimal::from(-5)));
/// ```
pub fn accrued_interest(
    balance: Decimal,
    annual_rate: Decimal,
    stood: Duration,
    year: DayCount,
) -> Option<Decimal> {
    let days = match year {
        DayCount::Actual360 => 360_u64,
        DayCount::Actual365 => 365,
    };
    let nanos = Decimal::from(stood.as_nanos().try_into().unwrap_or(u64::MAX));
    let year = Decimal::from(days * 86_400 * 1_000_000_000);
    balance.checked_mul(annual_rate)?.checked_mul(nanos)?.checked_div(year)
}
