use super::Fact;

/// A set of kinds of facts: what a guard wants to be told.
///
/// ```
/// use tradewright::risk::{Fact, FactKinds};
///
/// let kinds = FactKinds::FILL.and(FactKinds::TRADE);
/// assert!(kinds.contains(FactKinds::FILL));
/// assert!(!kinds.contains(FactKinds::of(&Fact::Mark)));
/// assert_eq!(FactKinds::ALL.without(FactKinds::ALL), FactKinds::NONE);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FactKinds(u16);

impl FactKinds {
    /// No fact.
    pub const NONE: Self = Self(0);
    /// [`Fact::Mark`].
    pub const MARK: Self = Self(1);
    /// [`Fact::Fill`].
    pub const FILL: Self = Self(1 << 1);
    /// [`Fact::Trade`].
    pub const TRADE: Self = Self(1 << 2);
    /// [`Fact::Capital`].
    pub const CAPITAL: Self = Self(1 << 3);
    /// [`Fact::Time`].
    pub const TIME: Self = Self(1 << 4);
    /// [`Fact::Market`] with an event that marks its instrument: [`Fact::Mark`] was told before.
    pub const MARKET: Self = Self(1 << 5);
    /// [`Fact::Market`] with an event that brings no mark.
    pub const UNMARKED: Self = Self(1 << 6);
    /// [`Fact::Heartbeat`].
    pub const HEARTBEAT: Self = Self(1 << 7);
    /// [`Fact::Distrusted`].
    pub const DISTRUSTED: Self = Self(1 << 8);
    /// [`Fact::TightenStops`].
    pub const TIGHTEN_STOPS: Self = Self(1 << 9);
    /// Every fact, those of later versions too.
    pub const ALL: Self = Self(u16::MAX);

    /// So many bits there are.
    pub(super) const COUNT: usize = 16;

    /// The bit of a single kind.
    #[inline]
    pub(super) const fn index(self) -> usize {
        self.0.trailing_zeros() as usize
    }

    /// True when the kind of this bit is among these.
    pub(super) const fn has(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }

    /// The kind of a fact.
    #[inline]
    pub fn of(fact: &Fact<'_>) -> Self {
        match fact {
            Fact::Mark => Self::MARK,
            Fact::Fill(_) => Self::FILL,
            Fact::Trade(_) => Self::TRADE,
            Fact::Capital(_) => Self::CAPITAL,
            Fact::Time => Self::TIME,
            Fact::Market(event) if event.mark().is_some() => Self::MARKET,
            Fact::Market(_) => Self::UNMARKED,
            Fact::Heartbeat => Self::HEARTBEAT,
            Fact::Distrusted(_) => Self::DISTRUSTED,
            Fact::TightenStops(_) => Self::TIGHTEN_STOPS,
        }
    }

    /// These kinds and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These kinds but not those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True when one of those kinds is among these.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}
