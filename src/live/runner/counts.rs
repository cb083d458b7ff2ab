use std::collections::BTreeMap;

use crate::types::InstrumentId;

/// What happened to a [`Bot`](super::Bot) so often since it was made. Nothing of it is saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BotCounts {
    /// Pictures of the account after which books and venue agreed.
    pub reconciled: u64,
    /// Pictures in which a difference waits for a person, and times that three pictures in a row
    /// did not come.
    pub unreconciled: u64,
    /// Market events that the engine refused as unsound, all of them.
    pub refused: u64,
    /// The same by instrument.
    pub refused_by_instrument: BTreeMap<InstrumentId, u64>,
}

/// Instruments that are counted apart; an engine has fewer, a stranger's feed may name any.
const MOST: usize = 4_096;

impl BotCounts {
    pub(super) fn refuse(&mut self, instrument: InstrumentId) {
        self.refused += 1;
        let is_known = self.refused_by_instrument.contains_key(&instrument);
        if is_known || self.refused_by_instrument.len() < MOST {
            *self.refused_by_instrument.entry(instrument).or_default() += 1;
        }
    }
}
