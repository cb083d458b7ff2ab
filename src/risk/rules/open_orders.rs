use rust_decimal::Decimal;

use crate::risk::{Limit, Opening, RiskConfigError, RiskRule, limits};
use crate::types::{Facts, InstrumentId, LimitKey, Reason, ReasonCode};

/// How many orders may work at the same time, in one instrument and in all of them.
///
/// An order that would be one too many opens nothing; reducing orders are free, so that a
/// position can always be protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrders {
    per_symbol: u32,
    total: u32,
}

impl OpenOrders {
    /// The name of the limit per instrument for changes at run time.
    pub const PER_SYMBOL: &'static str = "open_orders_per_symbol";
    /// The name of the limit of all instruments for changes at run time.
    pub const TOTAL: &'static str = "open_orders";

    /// At most so many per instrument and so many together; zero opens nothing.
    pub const fn new(per_symbol: u32, total: u32) -> Self {
        Self { per_symbol, total }
    }
}

impl RiskRule for OpenOrders {
    fn name(&self) -> &'static str {
        Self::TOTAL
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let own = opening.intent.instrument;
        let working = |instrument: InstrumentId| u64::from(facts.book.working(instrument).orders);
        // The earlier legs of the group are as good as sent, and this order is one more.
        let legs = |wanted: &dyn Fn(InstrumentId) -> bool| {
            opening.earlier.iter().filter(|leg| wanted(leg.instrument)).count() as u64
        };
        let symbol = working(own) + legs(&|instrument| instrument == own) + 1;
        let all = facts.book.working.iter().map(|working| u64::from(working.orders));
        let total = all.sum::<u64>() + legs(&|_| true) + 1;
        let reason = |limit: u32, count: u64| {
            Reason::new(ReasonCode::OpenOrders, f64::from(limit), count as f64)
        };
        let (one, both) = (reason(self.per_symbol, symbol), reason(self.total, total));
        if symbol > u64::from(self.per_symbol) {
            Limit::Deny(one)
        } else if total > u64::from(self.total) {
            Limit::Deny(both)
        } else if one.utilisation() >= both.utilisation() {
            Limit::Allow(Some(one))
        } else {
            Limit::Allow(Some(both))
        }
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        let limit = if key.is_all(Self::PER_SYMBOL) {
            &mut self.per_symbol
        } else if key.is_all(Self::TOTAL) {
            &mut self.total
        } else {
            return Ok(None);
        };
        limits::set_count("open orders", limit, value).map(Some)
    }
}
