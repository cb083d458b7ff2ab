use crate::risk::{Limit, Opening, RiskRule};
use crate::types::{Facts, InstrumentId, Reason, ReasonCode};

/// Which instruments may be opened: only those of an allow list, or all but those of a deny
/// list. An instrument that is not in the table is refused by both.
///
/// What is held in an instrument that is not allowed can be closed: reducing orders are free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentList {
    members: Vec<InstrumentId>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Allow,
    Deny,
}

impl InstrumentList {
    /// Only these; an empty list allows nothing.
    pub fn allow(members: impl IntoIterator<Item = InstrumentId>) -> Self {
        Self::of(members, Kind::Allow)
    }

    /// All but these.
    pub fn deny(members: impl IntoIterator<Item = InstrumentId>) -> Self {
        Self::of(members, Kind::Deny)
    }

    fn of(members: impl IntoIterator<Item = InstrumentId>, kind: Kind) -> Self {
        let mut members: Vec<InstrumentId> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        Self { members, kind }
    }

    /// True when the instrument may be opened, as far as the list goes.
    pub fn permits(&self, instrument: InstrumentId) -> bool {
        let is_member = self.members.binary_search(&instrument).is_ok();
        match self.kind {
            Kind::Allow => is_member,
            Kind::Deny => !is_member,
        }
    }
}

impl RiskRule for InstrumentList {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Allow => "allow_list",
            Kind::Deny => "deny_list",
        }
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let instrument = opening.intent.instrument;
        let number = f64::from(instrument.0);
        if facts.instruments.get(instrument).is_none() {
            return Limit::Deny(Reason::new(ReasonCode::UnknownInstrument, 0.0, number));
        }
        if self.permits(instrument) {
            Limit::Allow(None)
        } else {
            Limit::Deny(Reason::new(ReasonCode::NotAllowed, 0.0, number))
        }
    }
}
