use rust_decimal::Decimal;

use crate::risk::{Limit, Opening, RiskConfigError, RiskRule, limits};
use crate::types::{Facts, InstrumentId, LimitKey, Reason, ReasonCode};

/// At most so many symbols are held at a time, those with working orders counted as held.
///
/// An opening in a symbol that counts already passes; the other legs of a group count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionCount {
    most: u32,
}

impl PositionCount {
    /// At most `most` symbols; 0 never lets anything open.
    pub const fn new(most: u32) -> Self {
        Self { most }
    }

    fn reason(self, observed: usize) -> Reason {
        Reason::new(ReasonCode::PositionCount, f64::from(self.most), observed as f64)
    }
}

impl RiskRule for PositionCount {
    fn name(&self) -> &'static str {
        "position_count"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let own = opening.intent.instrument;
        let legs = opening.earlier.iter().map(|leg| leg.instrument);
        let is_new = |id: InstrumentId| !is_held(id, facts);
        let mut fresh = usize::from(is_new(own));
        for (index, id) in legs.clone().enumerate() {
            let is_counted = id == own || legs.clone().take(index).any(|earlier| earlier == id);
            fresh += usize::from(!is_counted && is_new(id));
        }
        let count = held(facts) + fresh;
        let reason = self.reason(count);
        if !is_new(own) || count <= self.most as usize {
            Limit::Allow(Some(reason))
        } else {
            Limit::Deny(reason)
        }
    }

    fn usage(&self, facts: &Facts<'_>) -> Option<Reason> {
        Some(self.reason(held(facts)))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all("position_count") {
            return Ok(None);
        }
        limits::set_count("position count", &mut self.most, value).map(Some)
    }
}

fn held(facts: &Facts<'_>) -> usize {
    facts.book.reaches().iter().filter(|reach| reach.can_be_held()).count()
}

#[inline]
fn is_held(id: InstrumentId, facts: &Facts<'_>) -> bool {
    facts.book.reach(id).can_be_held()
}
