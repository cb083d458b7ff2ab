use core::cmp::Ordering;
use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{InstrumentId, Label, Reason, ReasonCode, SlotId, Timestamp, exact};

/// Which limit is meant: the name of a rule, gate or guard, and what it is narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitKey {
    /// The limit's stable name, such as `max_order_quantity`.
    pub name: Label,
    /// Where it holds.
    pub subject: LimitSubject,
}

/// What a limit is narrowed to.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum LimitSubject {
    /// Everything that the limit judges.
    #[default]
    All,
    /// One instrument.
    Instrument(InstrumentId),
    /// One strategy.
    Strategy(SlotId),
    /// Something with a name: a group of symbols, a parent order.
    Named(Label),
}

impl LimitKey {
    /// A limit without a narrower subject.
    pub const fn all(name: &str) -> Self {
        Self { name: Label::new(name), subject: LimitSubject::All }
    }

    /// A limit of one instrument.
    pub const fn of(name: &str, instrument: InstrumentId) -> Self {
        Self { name: Label::new(name), subject: LimitSubject::Instrument(instrument) }
    }

    /// A limit of something with a name.
    pub const fn named(name: &str, subject: &str) -> Self {
        Self { name: Label::new(name), subject: LimitSubject::Named(Label::new(subject)) }
    }

    /// True for this name without a narrower subject.
    pub fn is_all(&self, name: &str) -> bool {
        self.name.as_str() == name && self.subject == LimitSubject::All
    }
}

impl fmt::Display for LimitKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(formatter)?;
        match self.subject {
            LimitSubject::All => Ok(()),
            LimitSubject::Instrument(instrument) => write!(formatter, " of {}", instrument.0),
            LimitSubject::Strategy(slot) => write!(formatter, " of strategy {}", slot.0),
            LimitSubject::Named(name) => write!(formatter, " of {name}"),
        }
    }
}

/// A limit that a person changes while the engine runs, for good or until a stated time.
///
/// ```
/// use tradewright::types::{Decimal, Label, LimitChange, LimitKey, Timestamp};
///
/// let tonight = Timestamp::from_secs(1_700_000_000)?;
/// let change = LimitChange {
///     key: LimitKey::all("max_order_quantity"),
///     value: Decimal::from(500),
///     until: Some(tonight),
///     actor: Label::new("desk.anna"),
/// };
/// assert_eq!(change.key.to_string(), "max_order_quantity");
/// # Ok::<(), tradewright::types::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitChange {
    /// Which limit.
    pub key: LimitKey,
    /// Its new value, in the limit's own unit.
    #[serde(with = "exact")]
    pub value: Decimal,
    /// A temporary override ends at this time; `None` changes the limit for good.
    pub until: Option<Timestamp>,
    /// Who changes it.
    pub actor: Label,
}

/// How much of one limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitUse {
    /// The rule or guard.
    pub name: Label,
    /// The code of its refusals.
    pub code: ReasonCode,
    /// The limit.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub limit: f64,
    /// What was observed; NaN while it is not known.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub observed: f64,
    /// observed / limit, cut to 0..=1; 1 while it is not defined.
    pub utilisation: f64,
}

impl LimitUse {
    /// A rule's use of its limit.
    pub fn new(name: &str, reason: &Reason) -> Self {
        // Nothing of an empty limit is used, and a gain uses nothing of a loss limit.
        let is_unused = reason.observed <= 0.0 && reason.limit >= 0.0;
        Self {
            name: Label::new(name),
            code: reason.code,
            limit: reason.limit,
            observed: reason.observed,
            utilisation: if is_unused { 0.0 } else { reason.utilisation() },
        }
    }

    /// The order of summaries: the most used first, equals by name.
    pub(crate) fn most_used_first(&self, other: &Self) -> Ordering {
        let by_use = other.utilisation.total_cmp(&self.utilisation);
        by_use.then_with(|| self.name.cmp(&other.name))
    }
}
