use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::{InstrumentId, SlotId, Timestamp};

/// Positions whose closing order was refused: the next one waits a little, longer each time,
/// so that engine and venue do not turn in circles at one instant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pauses {
    entries: Vec<Pause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Pause {
    slot: SlotId,
    instrument: InstrumentId,
    refusals: u32,
    until: Timestamp,
}

/// The first pause; it doubles with each refusal.
const FIRST: Duration = Duration::from_secs(1);

/// Doublings at most: what has to be closed is tried once a minute at least.
const DOUBLINGS: u32 = 6;

impl Pauses {
    /// One more refusal.
    pub(super) fn refused(&mut self, at: Timestamp, slot: SlotId, instrument: InstrumentId) {
        let is_same = |pause: &Pause| pause.slot == slot && pause.instrument == instrument;
        let refusals = self.entries.iter().find(|pause| is_same(pause)).map_or(0, |it| it.refusals);
        let until = at.after(FIRST.saturating_mul(1 << refusals.min(DOUBLINGS)));
        self.entries.retain(|pause| !is_same(pause));
        self.entries.push(Pause { slot, instrument, refusals: refusals.saturating_add(1), until });
    }

    /// True while nothing may be tried.
    pub(super) fn holds(&self, at: Timestamp, slot: SlotId, instrument: InstrumentId) -> bool {
        let is_same = |pause: &&Pause| pause.slot == slot && pause.instrument == instrument;
        self.entries.iter().find(is_same).is_some_and(|pause| at < pause.until)
    }

    /// When the next pause ends that has not ended by `at`.
    pub(super) fn next_end_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.entries.iter().map(|pause| pause.until).filter(|until| *until > at).min()
    }

    /// True when nothing waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Nothing is being closed any more; true when something was waiting.
    pub(super) fn clear(&mut self) -> bool {
        let waited = !self.entries.is_empty();
        self.entries.clear();
        waited
    }
}
