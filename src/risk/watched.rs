//! A guard in a chain: what it wants to be told, and what it wants.

use super::chain::Word;
use super::{FactKinds, Guard, HaltChange};
use crate::types::{Facts, Halt, HaltCause, HaltEnd, Timestamp};

/// A guard and its last answer.
pub(super) struct Watched {
    pub(super) guard: Box<dyn Guard>,
    pub(super) wanted: Option<Halt>,
    pub(super) hearing: Hearing,
    pub(super) is_timed: bool,
}

/// Which facts are told: those of some kinds, and all at and after a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hearing {
    pub(super) kinds: FactKinds,
    pub(super) due: Timestamp,
}

impl Hearing {
    pub(super) const NOTHING: Self = Self { kinds: FactKinds::NONE, due: Timestamp::MAX };

    #[inline]
    pub(super) fn takes(&self, kind: FactKinds, at: Timestamp) -> bool {
        self.kinds.contains(kind) || at >= self.due
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { kinds: self.kinds.and(other.kinds), due: self.due.min(other.due) }
    }
}

impl Default for Hearing {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl Watched {
    /// Finds out what the guard wants to be told next; true when that has changed.
    #[inline]
    pub(super) fn listen(&mut self) -> bool {
        let hearing = Hearing { kinds: self.guard.wants(), due: self.due() };
        core::mem::replace(&mut self.hearing, hearing) != hearing
    }

    #[inline]
    pub(super) fn due(&self) -> Timestamp {
        let due = if self.is_timed { self.guard.deadline() } else { None };
        due.unwrap_or(Timestamp::MAX)
    }

    pub(super) fn word(&self, facts: &Facts<'_>) -> Word {
        Word::of(&*self.guard, self.wanted, facts)
    }
}

/// Turns a guard's new answer into changes for the halt machine; `others` tells whether
/// another guard still wants a halt of the same cause and scope.
pub(super) fn tell(
    before: Option<Halt>,
    now: Option<Halt>,
    others: impl Fn(&Halt) -> bool,
    changes: &mut Vec<HaltChange>,
) {
    if let Some(old) = before
        && !now.is_some_and(|new| is_same(&new, &old))
        && old.cause.end() == HaltEnd::OwnRule
        && !others(&old)
    {
        changes.push(HaltChange::Lift { cause: old.cause, scope: old.scope });
    }
    if let Some(new) = now
        && before != now
    {
        changes.push(HaltChange::Raise(new));
    }
}

/// Lets a guard go and forgets its answer, so that a breach that goes on is raised again.
pub(super) fn release(
    guard: &mut dyn Guard,
    wanted: &mut Option<Halt>,
    cause: HaltCause,
    facts: &Facts<'_>,
) {
    guard.release(cause, facts);
    if wanted.is_some_and(|halt| halt.cause == cause) {
        *wanted = None;
    }
}

pub(super) fn is_same(one: &Halt, other: &Halt) -> bool {
    one.cause == other.cause && one.scope == other.scope
}
