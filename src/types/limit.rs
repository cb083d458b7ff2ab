use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{InstrumentId, Label, SlotId, Timestamp, exact};

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
