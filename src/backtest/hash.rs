//! The run hash: XXH3 (128 bits, Yann Collet) over the tape, the configuration, and every
//! command and record, in a byte form that this file alone defines.

use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twox_hash::xxhash3_128::Hasher as Xxh3;

use crate::engine::Command;
use crate::types::{Label, MarketEvent, Money, OrderId, Timestamp};

use super::Timed;
use super::hash_fields::Fields;

/// The fingerprint of a run: equal for equal data, configuration, commands and records, on
/// every machine, in debug and release, with any number of threads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunHash(pub u128);

impl fmt::Display for RunHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl fmt::Debug for RunHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RunHash({self})")
    }
}

impl Serialize for RunHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Bytes that are gathered before they are folded into the state.
const BLOCK: usize = 4_096;

/// Bytes behind an unfinished block, so that the records of an order's life always fit.
const ROOM: usize = 1_024;

/// A chained hash: its state is 16 bytes and the bytes of an unfinished block, so that it can
/// be saved in the middle of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "SavedDigest", into = "SavedDigest")]
pub struct Digest {
    /// The hash of the blocks before, then the bytes of the unfinished block, then room.
    block: Vec<u8>,
    /// Where the room begins.
    used: usize,
}

/// The written form of a digest.
#[derive(Serialize, Deserialize)]
struct SavedDigest {
    block: Vec<u8>,
}

impl From<Digest> for SavedDigest {
    fn from(digest: Digest) -> Self {
        Self { block: digest.written().to_vec() }
    }
}

impl From<SavedDigest> for Digest {
    fn from(saved: SavedDigest) -> Self {
        let mut digest = Self { used: saved.block.len(), block: saved.block };
        digest.make_room(ROOM);
        digest
    }
}

/// Digests are equal when the same was written; the room does not count.
impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.written() == other.written()
    }
}

impl Eq for Digest {}

/// Bytes of the hash that heads a block.
const HEAD: usize = size_of::<u128>();

impl Default for Digest {
    fn default() -> Self {
        Self { block: vec![0; HEAD + BLOCK + ROOM], used: HEAD }
    }
}

impl Digest {
    /// An empty digest.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds raw bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.block.len() - self.used < bytes.len() {
            self.make_room(bytes.len());
        }
        if let Some(place) = self.block.get_mut(self.used..self.used + bytes.len()) {
            place.copy_from_slice(bytes);
            self.used += bytes.len();
        }
    }

    /// Adds what is put into the fields, at most so many bytes.
    #[inline(always)]
    pub(super) fn fields<const MOST: usize>(&mut self, fill: impl FnOnce(&mut Fields<'_>)) {
        if self.block.len() - self.used < MOST {
            self.make_room(MOST);
        }
        let room = self.block.get_mut(self.used..).and_then(|room| room.first_chunk_mut::<MOST>());
        if let Some(room) = room {
            let mut fields = Fields::new(room);
            fill(&mut fields);
            self.used += MOST - fields.left();
        }
    }

    /// Adds a record that consists of these fields.
    #[inline(always)]
    pub(super) fn whole<const MOST: usize>(&mut self, fill: impl FnOnce(&mut Fields<'_>)) {
        self.fields::<MOST>(fill);
        self.end();
    }

    #[cold]
    fn make_room(&mut self, bytes: usize) {
        self.block.resize(self.used + bytes + ROOM, 0);
    }

    fn written(&self) -> &[u8] {
        self.block.get(..self.used).unwrap_or_default()
    }

    /// Adds a text with its length.
    pub fn text(&mut self, text: &str) {
        self.u64(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// The hash of everything so far.
    pub fn value(&self) -> RunHash {
        RunHash(Xxh3::oneshot(self.written()))
    }

    /// Closes a record. Blocks have one length, so that the value does not depend on how the
    /// bytes were cut into records.
    #[inline]
    pub(super) fn end(&mut self) {
        while self.used >= HEAD + BLOCK {
            self.fold_block();
        }
    }

    #[cold]
    fn fold_block(&mut self) {
        let full = self.block.get(..HEAD + BLOCK).unwrap_or_default();
        let hash = Xxh3::oneshot(full).to_le_bytes();
        self.block.copy_within(HEAD + BLOCK..self.used, HEAD);
        self.used -= BLOCK;
        if let Some(head) = self.block.get_mut(..HEAD) {
            head.copy_from_slice(&hash);
        }
    }

    #[inline]
    pub(super) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    #[inline]
    pub(super) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    #[inline]
    pub(super) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    #[inline]
    pub(super) fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    #[inline]
    pub(super) fn decimal(&mut self, value: Decimal) {
        self.bytes(&value.serialize());
    }

    #[inline]
    pub(super) fn at(&mut self, at: Timestamp) {
        self.bytes(&at.nanos().to_le_bytes());
    }

    pub(super) fn label(&mut self, label: &Label) {
        let text = label.as_bytes();
        self.u8(text.len() as u8);
        self.bytes(text);
    }

    pub(super) fn money(&mut self, money: &Money) {
        self.decimal(money.amount);
        self.u32(u32::from(money.asset.0));
    }

    pub(super) fn id(&mut self, id: OrderId) {
        self.u32(id.epoch());
        self.u32(u32::from(id.slot().0));
        self.u64(id.sequence());
    }

    /// Adds a market event and its time.
    pub fn event(&mut self, timed: &Timed) {
        self.at(timed.at);
        let event = &timed.event;
        self.u32(event.instrument().0);
        match event {
            MarketEvent::Bar(bar) => {
                self.u8(0);
                self.text(&bar.period.to_string());
                for value in [bar.open, bar.high, bar.low, bar.close, bar.volume] {
                    self.f64(value);
                }
            }
            MarketEvent::Print(print) => {
                self.u8(1);
                self.f64(print.price);
                self.f64(print.quantity);
                self.u8(print.taker.map_or(2, |side| side as u8));
            }
            MarketEvent::Quote(quote) => {
                self.u8(2);
                for value in [quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity] {
                    self.f64(value);
                }
            }
            MarketEvent::Book(book) => {
                self.u8(3);
                for side in [&book.bids, &book.asks] {
                    self.u64(side.len() as u64);
                    for level in side {
                        self.f64(level.price);
                        self.f64(level.quantity);
                    }
                }
            }
            MarketEvent::Funding(funding) => {
                self.u8(4);
                self.f64(funding.rate);
                self.f64(funding.mark);
            }
            MarketEvent::Mark(mark) => {
                self.u8(5);
                self.f64(mark.price);
            }
            MarketEvent::Custom(custom) => {
                self.u8(6);
                self.label(&custom.key);
                self.f64(custom.value);
            }
        }
        self.end();
    }

    /// Adds a command. What a placed order says is in its record already.
    pub fn command(&mut self, at: Timestamp, command: &Command) {
        if let Command::Place(order) = command {
            return self.whole::<26>(|fields| {
                fields.u8(100).at(at).u8(0).id(order.id);
            });
        }
        self.u8(100);
        self.at(at);
        match command {
            Command::Place(_) => {}
            Command::Cancel { order, instrument } => {
                self.u8(1);
                self.id(*order);
                self.u32(instrument.0);
            }
            Command::Amend { order, instrument, quantity, price } => {
                self.u8(2);
                self.id(*order);
                self.u32(instrument.0);
                self.decimal(quantity.value());
                self.decimal(price.value());
            }
            Command::Alert(alert) => {
                self.u8(3);
                self.u8(alert.level as u8);
                self.label(&alert.code);
                self.label(&alert.subject);
            }
        }
        self.end();
    }
}
