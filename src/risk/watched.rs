//! A guard in a chain: what it wants to be told, and what it wants.

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
    /// The largest move of a price that nobody has to be told of.
    pub(super) calm_move: f64,
}

impl Hearing {
    pub(super) const NOTHING: Self =
        Self { kinds: FactKinds::NONE, due: Timestamp::MAX, calm_move: f64::INFINITY };

    /// Everything, until it says more.
    pub(super) const fn everything(due: Timestamp) -> Self {
        Self { kinds: FactKinds::ALL, due, calm_move: -1.0 }
    }

    #[inline]
    pub(super) fn takes(&self, kind: FactKinds, at: Timestamp) -> bool {
        self.kinds.contains(kind) || at >= self.due
    }

    fn and(self, other: Self) -> Self {
        Self {
            kinds: self.kinds.and(other.kinds),
            due: self.due.min(other.due),
            calm_move: self.calm_move.min(other.calm_move),
        }
    }
}

/// Who of a chain's guards has to be told what, so that a fact costs those alone who want it.
#[derive(Default)]
pub(super) struct Audience {
    /// What any of them wants to be told.
    hearing: Hearing,
    /// By kind, one bit per guard.
    listeners: [u64; FactKinds::COUNT],
}

/// What became of one guard's wishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moved {
    #[default]
    Nothing,
    /// The earliest deadline of all may be another.
    Deadline,
    Kinds,
}

impl Audience {
    /// Nobody.
    pub(super) const NOBODY: Self =
        Self { hearing: Hearing::NOTHING, listeners: [0; FactKinds::COUNT] };

    pub(super) fn of(guards: &[Watched]) -> Self {
        let all = guards.iter().map(|watched| watched.hearing);
        let mut audience =
            Self { hearing: all.fold(Hearing::NOTHING, Hearing::and), ..Self::NOBODY };
        for (index, watched) in guards.iter().enumerate() {
            for (kind, listeners) in audience.listeners.iter_mut().enumerate() {
                if watched.hearing.kinds.has(kind) {
                    *listeners |= bit(index);
                }
            }
        }
        audience
    }

    /// True when one of them has to be told.
    #[inline]
    pub(super) fn takes(&self, kind: FactKinds, at: Timestamp) -> bool {
        self.hearing.takes(kind, at)
    }

    /// True when one of them has to be told whatever has this kind, at a time before its deadline.
    pub(super) const fn wants(&self, kind: FactKinds) -> bool {
        self.hearing.kinds.contains(kind)
    }

    /// The largest move of a price that nobody has to be told of; below zero for none.
    pub(super) const fn calm_move(&self) -> f64 {
        self.hearing.calm_move
    }

    /// One bit per guard that may have to be told, the guard itself knows. All guards from the
    /// 64th on share the last bit.
    #[inline]
    pub(super) fn listeners(&self, kind: FactKinds, at: Timestamp) -> u64 {
        if at >= self.hearing.due {
            return u64::MAX;
        }
        self.listeners.get(kind.index()).copied().unwrap_or(u64::MAX)
    }

    /// The earliest deadline of all; [`Timestamp::MAX`] for none.
    pub(super) const fn due(&self) -> Timestamp {
        self.hearing.due
    }

    /// What a guard's new wishes mean for the rest.
    #[inline]
    pub(super) fn moved(&self, before: Hearing, now: Hearing) -> Moved {
        if before.kinds != now.kinds || before.calm_move != now.calm_move {
            Moved::Kinds
        } else if before.due != now.due
            && (before.due <= self.hearing.due || now.due < self.hearing.due)
        {
            Moved::Deadline
        } else {
            Moved::Nothing
        }
    }

    /// Takes in what has moved.
    #[inline]
    pub(super) fn follow(&mut self, moved: Moved, guards: &[Watched]) {
        match moved {
            Moved::Nothing => {}
            Moved::Deadline => {
                let due = guards.iter().map(|watched| watched.hearing.due);
                self.hearing.due = due.fold(Timestamp::MAX, Timestamp::min);
            }
            Moved::Kinds => *self = Self::of(guards),
        }
    }
}

/// The bit of a guard.
#[inline]
fn bit(index: usize) -> u64 {
    1 << index.min(63)
}

/// The guards of these bits, of so many, in order.
#[inline]
pub(super) fn indices(bits: u64, count: usize) -> impl Iterator<Item = usize> {
    let mut left = if count < 64 { bits & (bit(count) - 1) } else { bits };
    let mut beyond = if left >> 63 == 1 { 64..count } else { 0..0 };
    core::iter::from_fn(move || {
        if left == 0 {
            return beyond.next();
        }
        let index = left.trailing_zeros() as usize;
        left &= left - 1;
        Some(index)
    })
}

impl Default for Hearing {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl Watched {
    /// Finds out what the guard wants to be told next; the answer is what it wanted before.
    #[inline]
    pub(super) fn listen(&mut self) -> Hearing {
        let kinds = self.guard.wants();
        let calm_move = match kinds.contains(FactKinds::MARKET) {
            // What is not a number is no promise.
            true => Some(self.guard.calm_move()).filter(|most| *most >= 0.0).unwrap_or(-1.0),
            false => f64::INFINITY,
        };
        let hearing = Hearing { kinds, due: self.due(), calm_move };
        core::mem::replace(&mut self.hearing, hearing)
    }

    #[inline]
    pub(super) fn due(&self) -> Timestamp {
        let due = if self.is_timed { self.guard.deadline() } else { None };
        due.unwrap_or(Timestamp::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_name_guards_in_order_and_the_last_bit_all_beyond() {
        let of = |bits, count| indices(bits, count).collect::<Vec<_>>();
        assert_eq!(of(0b1010, 4), [1, 3]);
        assert_eq!(of(u64::MAX, 3), [0, 1, 2]);
        assert_eq!(of(u64::MAX, 0), [0; 0]);
        assert_eq!(of(1, 70), [0]);
        assert_eq!(of(bit(65) | 1, 66), [0, 63, 64, 65]);
        assert_eq!(of(u64::MAX, 64), (0..64).collect::<Vec<_>>());
    }
}
