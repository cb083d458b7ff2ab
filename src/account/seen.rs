use serde::{Deserialize, Serialize};

use crate::types::{InstrumentId, TradeId};

/// Executions that are remembered.
const MEMORY: usize = 4_096;

/// The trade ids that were booked last, so that a repeated fill is known.
///
/// Venues that number their trades are answered at once: an id above every id seen of its
/// instrument is new. Others are searched by a short fingerprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SeenTrades {
    /// By instrument.
    highest: Vec<Option<TradeId>>,
    trades: Vec<(InstrumentId, TradeId)>,
    fingerprints: Vec<u64>,
    /// The place of the oldest once the memory is full.
    next: usize,
}

impl SeenTrades {
    pub(super) fn new(instruments: usize) -> Self {
        Self {
            highest: vec![None; instruments],
            trades: Vec::with_capacity(MEMORY),
            fingerprints: Vec::with_capacity(MEMORY),
            next: 0,
        }
    }

    pub(super) fn contains(&self, instrument: InstrumentId, trade: TradeId) -> bool {
        let highest = self.highest.get(instrument.index()).copied().flatten();
        if highest.is_none_or(|highest| trade > highest) {
            return false;
        }
        let wanted = fingerprint(instrument, trade);
        let candidates = self.fingerprints.iter().zip(&self.trades);
        candidates.rev().any(|(print, known)| *print == wanted && *known == (instrument, trade))
    }

    pub(super) fn remember(&mut self, instrument: InstrumentId, trade: TradeId) {
        if let Some(highest) = self.highest.get_mut(instrument.index()) {
            *highest = (*highest).max(Some(trade));
        }
        let print = fingerprint(instrument, trade);
        if self.trades.len() < MEMORY {
            self.trades.push((instrument, trade));
            self.fingerprints.push(print);
        } else if let (Some(known), Some(old)) =
            (self.trades.get_mut(self.next), self.fingerprints.get_mut(self.next))
        {
            *known = (instrument, trade);
            *old = print;
            self.next = (self.next + 1) % MEMORY;
        }
    }

    /// True when a restored memory is one of this many instruments, and each trade can be found.
    pub(super) fn fits(&self, instruments: usize) -> bool {
        let prints = self.trades.iter().map(|(instrument, trade)| fingerprint(*instrument, *trade));
        let highest = |instrument: InstrumentId| self.highest.get(instrument.index()).copied();
        self.highest.len() == instruments
            && self.fingerprints.iter().copied().eq(prints)
            && self
                .trades
                .iter()
                .all(|(id, trade)| highest(*id).is_none_or(|it| it >= Some(*trade)))
            && self.trades.len() <= MEMORY
            && self.next < MEMORY
    }

    /// Takes over a restored memory, keeping the room that was reserved.
    pub(super) fn replace(&mut self, other: Self) {
        self.highest = other.highest;
        self.trades.clear();
        self.trades.extend(other.trades);
        self.fingerprints.clear();
        self.fingerprints.extend(other.fingerprints);
        self.next = other.next;
    }
}

/// 64 bits of an execution's identity.
fn fingerprint(instrument: InstrumentId, trade: TradeId) -> u64 {
    let folded = (trade.0 as u64) ^ ((trade.0 >> 64) as u64);
    folded ^ (u64::from(instrument.0) << 40)
}
