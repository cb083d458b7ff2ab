//! When pictures of the account are taken, and what they are compared with.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{
    AssetId, FactBook, Instrument, InstrumentId, InstrumentKind, Instruments, Timestamp, TradeId,
};
use crate::venue::FillsFrom;

use super::{Difference, ReconcileConfig};
use crate::live::Picture;

/// Something that is held: cash of an asset, or a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Holding {
    Asset(AssetId),
    Instrument(InstrumentId),
}

/// When pictures are taken, and what earlier ones have shown.
#[derive(Clone, Debug)]
pub(super) struct Reconciler {
    memory: Memory,
    number: u64,
    /// The picture that is on its way was asked for then.
    asked: Option<Timestamp>,
    due: Timestamp,
    /// Books and venue agreed at the last picture.
    is_current: bool,
    /// When the last picture was looked at that left nothing open.
    succeeded_at: Option<Timestamp>,
    /// When the books last moved.
    booked_at: Timestamp,
    failures: u32,
    /// What the last picture showed, and in how many in a row it was the same.
    seen: BTreeMap<Holding, (Decimal, u32)>,
    /// Differences that wait for a person.
    halted: BTreeSet<Holding>,
    /// A person takes the venue's word for every difference, until the next success.
    is_accepting: bool,
    strangers: BTreeSet<u64>,
}

/// What outlives the process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Memory {
    /// True until the first reconciliation: whatever is there is taken over.
    is_fresh: bool,
    /// When the bot first began.
    begun: Timestamp,
    /// By instrument, the last trade of a list of fills: everything up to it was handed in.
    trades: BTreeMap<InstrumentId, TradeId>,
}

impl Memory {
    /// The account was reconciled once: it is not taken over again.
    pub(super) const fn note_begun(&mut self) {
        self.is_fresh = false;
    }
}

/// Failures in a row after which a person is told, and then again at each further so many.
pub(super) const TOLD_FAILURES: u32 = 3;

/// Lists of fills begin so long before the bot: clocks differ.
const BEFORE: core::time::Duration = core::time::Duration::from_secs(60);

impl Reconciler {
    pub(super) fn new(at: Timestamp) -> Self {
        Self::with(Memory { is_fresh: true, begun: at, trades: BTreeMap::new() })
    }

    pub(super) fn with(memory: Memory) -> Self {
        Self {
            memory,
            number: 0,
            asked: None,
            due: Timestamp::MAX,
            is_current: false,
            succeeded_at: None,
            booked_at: Timestamp::from_nanos(i64::MIN),
            failures: 0,
            seen: BTreeMap::new(),
            halted: BTreeSet::new(),
            is_accepting: false,
            strangers: BTreeSet::new(),
        }
    }

    pub(super) const fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(super) const fn is_fresh(&self) -> bool {
        self.memory.is_fresh
    }

    pub(super) const fn is_current(&self) -> bool {
        self.is_current
    }

    pub(super) const fn succeeded_at(&self) -> Option<Timestamp> {
        self.succeeded_at
    }

    /// Something may have happened that nobody told.
    pub(super) fn doubt(&mut self) {
        self.is_current = false;
        self.seen.clear();
    }

    /// The books have moved: pictures that were asked for before say nothing of holdings.
    pub(super) fn booked(&mut self, at: Timestamp) {
        self.booked_at = self.booked_at.max(at);
    }

    /// True when the books have not moved since a picture was asked for.
    pub(super) fn is_quiet(&self, asked: Timestamp) -> bool {
        self.booked_at < asked
    }

    pub(super) fn soon(&mut self, at: Timestamp) {
        self.due = self.due.min(at);
    }

    /// The number of a picture that is to be taken now; `None` while one is on its way.
    pub(super) fn ask(&mut self, at: Timestamp) -> Option<u64> {
        if self.asked.is_some() {
            self.soon(at);
            return None;
        }
        self.number += 1;
        self.asked = Some(at);
        self.due = Timestamp::MAX;
        Some(self.number)
    }

    /// When the picture of this number was asked for, if it is the one that is waited for.
    pub(super) fn answered(&mut self, number: u64) -> Option<Timestamp> {
        if number != self.number { None } else { self.asked.take() }
    }

    /// No picture came; how often in a row.
    pub(super) fn failed(&mut self, next: Timestamp) -> u32 {
        self.asked = None;
        self.failures = self.failures.saturating_add(1);
        self.soon(next);
        self.failures
    }

    /// A picture was looked at, and nothing is open.
    pub(super) fn succeeded(&mut self, at: Timestamp, next: Timestamp) {
        self.is_current = true;
        self.succeeded_at = Some(at);
        self.memory.is_fresh = false;
        self.is_accepting = false;
        self.failures = 0;
        self.soon(next);
    }

    pub(super) fn deadline(&self, config: &ReconcileConfig) -> Option<Timestamp> {
        let given_up = self.asked.map(|asked| asked.after(config.timeout));
        let due = given_up.unwrap_or(self.due);
        (due < Timestamp::MAX).then_some(due)
    }

    /// True when the picture that is on its way has been for too long.
    pub(super) fn is_overdue(&self, at: Timestamp, config: &ReconcileConfig) -> bool {
        self.asked.is_some_and(|asked| asked.after(config.timeout) <= at)
    }

    pub(super) fn is_due(&self, at: Timestamp) -> bool {
        self.asked.is_none() && self.due <= at
    }

    /// Where each instrument's list of fills begins.
    pub(super) fn cursors(&self, instruments: &Instruments) -> Vec<(InstrumentId, FillsFrom)> {
        let begun = FillsFrom::Time(self.memory.begun.before(BEFORE));
        let from = |instrument: &Instrument| {
            let last = self.memory.trades.get(&instrument.id);
            (instrument.id, last.map_or(begun, |trade| FillsFrom::After(*trade)))
        };
        instruments.iter().map(from).collect()
    }

    /// A list of fills has told everything up to this trade.
    pub(super) fn told(&mut self, instrument: InstrumentId, trade: TradeId) {
        let last = self.memory.trades.entry(instrument).or_default();
        *last = (*last).max(trade);
    }

    /// True the first time that this order of somebody else is seen.
    pub(super) fn is_new_stranger(&mut self, venue_order: u64) -> bool {
        /// Strangers that are remembered.
        const MOST: usize = 10_000;
        if self.strangers.len() >= MOST {
            self.strangers.clear();
        }
        self.strangers.insert(venue_order)
    }

    /// How many pictures in a row have shown this very difference, this one included.
    pub(super) fn see(&mut self, holding: Holding, difference: Decimal) -> u32 {
        let seen = self.seen.entry(holding).or_insert((difference, 0));
        *seen = if seen.0 == difference { (difference, seen.1 + 1) } else { (difference, 1) };
        seen.1
    }

    /// Only these differ now; what waited for a person and differs no more is forgotten.
    pub(super) fn keep(&mut self, holdings: &[Holding]) {
        self.seen.retain(|holding, _| holdings.contains(holding));
        self.halted.retain(|holding| holdings.contains(holding));
    }

    /// True the first time that this difference waits for a person.
    pub(super) fn halt(&mut self, holding: Holding) -> bool {
        self.halted.insert(holding)
    }

    /// True while something waits for a person.
    pub(super) fn is_halted(&self) -> bool {
        !self.halted.is_empty()
    }

    /// A person takes the venue's word: the next pictures adjust whatever differs.
    pub(super) fn accept(&mut self) {
        self.is_accepting = true;
    }

    /// True when differences are adjusted whatever they are worth.
    pub(super) const fn takes_over(&self) -> bool {
        self.memory.is_fresh || self.is_accepting
    }

    pub(super) const fn is_asking(&self) -> bool {
        self.asked.is_some()
    }
}

/// What the engine holds of something, as the venue would count it; `None` on overflow.
pub(super) fn ours(
    holding: Holding,
    (book, instruments): (&FactBook, &Instruments),
    positions: &[InstrumentId],
) -> Option<Decimal> {
    match holding {
        Holding::Instrument(instrument) => Some(book.net(instrument).quantity),
        Holding::Asset(asset) => {
            let is_spot = |own: &&Instrument| {
                own.kind == InstrumentKind::Spot
                    && own.base == asset
                    && !positions.contains(&own.id)
            };
            let mut sum = book.cash(asset);
            for instrument in instruments.iter().filter(is_spot) {
                let units = book.net(instrument.id).quantity.checked_mul(instrument.multiplier)?;
                sum = sum.checked_add(units)?;
            }
            Some(sum)
        }
    }
}

/// Where a picture and the books differ in what is held, by asset, then by instrument.
///
/// Of an asset the venue knows one number, whether it is cash or was bought: spot positions in it
/// count with its cash. A sum that overflows differs from everything.
pub(super) fn holdings(
    picture: &Picture,
    book: &FactBook,
    instruments: &Instruments,
) -> Vec<(Holding, Decimal, Decimal)> {
    let mut found = Vec::new();
    for asset in &picture.assets {
        let listed = picture.balances.iter().filter(|balance| balance.asset == *asset);
        let theirs = listed.map(|balance| balance.total).next().unwrap_or_default();
        found.push((Holding::Asset(*asset), theirs));
    }
    for instrument in &picture.instruments {
        let listed = picture.positions.iter().filter(|one| one.instrument == *instrument);
        let mut legs = listed.map(|position| position.quantity);
        let sum = legs.try_fold(Decimal::ZERO, Decimal::checked_add);
        found.push((Holding::Instrument(*instrument), sum.unwrap_or(Decimal::MAX)));
    }
    let facts = (book, instruments);
    let compared = found.into_iter().map(|(holding, theirs)| {
        let ours = ours(holding, facts, &picture.instruments).unwrap_or(Decimal::MIN);
        (holding, ours, theirs)
    });
    compared.filter(|(_, ours, theirs)| ours != theirs).collect()
}

impl Holding {
    /// The difference in the words of a report.
    pub(super) const fn difference(self, ours: Decimal, theirs: Decimal) -> Difference {
        match self {
            Self::Asset(asset) => Difference::Balance { asset, ours, theirs },
            Self::Instrument(instrument) => Difference::Position { instrument, ours, theirs },
        }
    }
}
