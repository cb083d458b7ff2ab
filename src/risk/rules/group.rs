use rust_decimal::Decimal;

use super::usage::sum_of_values;
use super::{Ceiling, capped};
use crate::risk::reach::reach_after;
use crate::risk::{Limit, Opening, RiskConfigError, RiskRule};
use crate::types::{Facts, InstrumentId, LimitKey, Reason, ReasonCode};

/// The gross exposure of some symbols taken together (a sector, one coin's contracts) stays
/// below a ceiling.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupExposure {
    name: &'static str,
    members: Vec<InstrumentId>,
    ceiling: Ceiling,
}

impl GroupExposure {
    /// A ceiling for these symbols together; the name tells several groups apart.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite ceiling.
    pub fn new(
        name: &'static str,
        members: impl IntoIterator<Item = InstrumentId>,
        ceiling: Ceiling,
    ) -> Result<Self, RiskConfigError> {
        let mut members: Vec<InstrumentId> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        Ok(Self { name, members, ceiling: ceiling.checked("group exposure")? })
    }

    /// Worst value of the members but the opening's own instrument.
    fn others(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> f64 {
        let others = self.members.iter().filter(|member| **member != opening.intent.instrument);
        match opening.earlier {
            [] => others.map(|member| facts.book.reach(*member).worst_value()).sum(),
            legs => others.map(|member| reach_after(*member, legs, facts).worst_value()).sum(),
        }
    }
}

impl RiskRule for GroupExposure {
    fn name(&self) -> &'static str {
        self.name
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        if self.members.binary_search(&opening.intent.instrument).is_err() {
            return Limit::Allow(None);
        }
        let limit = self.ceiling.amount(facts);
        let others = self.others(opening, facts);
        let worst = opening.worst_value;
        capped(opening, facts, ReasonCode::GroupExposure, limit, |quantity| {
            let resulting = opening.resulting_value(quantity);
            // An unknown worst value must not pass for a small one.
            others + if worst.is_nan() || resulting <= worst { worst } else { resulting }
        })
    }

    fn usage(&self, facts: &Facts<'_>) -> Option<Reason> {
        let is_member = |id| self.members.binary_search(&id).is_ok();
        let value = sum_of_values(facts, |instrument| is_member(instrument.id));
        Some(Reason::new(ReasonCode::GroupExposure, self.ceiling.amount(facts), value))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if *key != LimitKey::named("group_exposure", self.name) {
            return Ok(None);
        }
        self.ceiling.set("group exposure", value).map(Some)
    }
}
