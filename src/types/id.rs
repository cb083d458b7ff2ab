use core::fmt;

use serde::{Deserialize, Serialize};

/// Position of an instrument in the run's [`Instruments`](super::Instruments) table.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct InstrumentId(pub u32);

impl InstrumentId {
    /// The index into per-instrument vectors.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Position of an asset (currency, coin, share) in the run's table.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct AssetId(pub u16);

impl AssetId {
    /// The index into per-asset vectors.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A strategy's place in the engine; [`SlotId::HOUSE`] books what no strategy owns.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct SlotId(pub u16);

impl SlotId {
    /// The slot that books fills of unknown orders and adjustments without an owner, so that
    /// the slots' sum always equals the venue's position.
    pub const HOUSE: Self = Self(0);

    /// The index into per-slot vectors.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Whether a strategy is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SlotStatus {
    /// It is called on every event of its feeds.
    #[default]
    Running,
    /// A person has paused it; its orders and exits go on.
    Paused,
    /// It failed and is called no more until it is resumed.
    Failed,
}

/// A client order id: the run's epoch, the owning slot and a sequence number, so that a late
/// fill finds its owner even when the order has long been forgotten.
///
/// Its text (`tw-1-2-3`) uses letters, digits and dashes only and stays below 36 characters,
/// which is legal on the venues that this crate knows.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct OrderId {
    epoch: u32,
    sequence: u64,
    slot: SlotId,
}

impl OrderId {
    /// Composes an id. Ids are ordered by epoch, then by sequence: as they were created.
    #[inline]
    pub const fn new(epoch: u32, slot: SlotId, sequence: u64) -> Self {
        Self { epoch, sequence, slot }
    }

    /// The run that created the order: an input of the engine, raised at each restart.
    #[inline]
    pub const fn epoch(self) -> u32 {
        self.epoch
    }

    /// The slot that owns the order.
    #[inline]
    pub const fn slot(self) -> SlotId {
        self.slot
    }

    /// The number of the order in its run, from 1.
    #[inline]
    pub const fn sequence(self) -> u64 {
        self.sequence
    }

    /// Reads the text form back.
    ///
    /// ```
    /// use tradewright::types::{OrderId, SlotId};
    ///
    /// let id = OrderId::new(7, SlotId(2), 40);
    /// assert_eq!(id.to_string(), "tw-7-2-40");
    /// assert_eq!(OrderId::parse("tw-7-2-40"), Some(id));
    /// assert_eq!(OrderId::parse("web_123"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("tw-")?.split('-');
        let epoch = parts.next()?.parse().ok()?;
        let slot = SlotId(parts.next()?.parse().ok()?);
        let sequence = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self { epoch, slot, sequence })
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "tw-{}-{}-{}", self.epoch, self.slot.0, self.sequence)
    }
}

/// The venue's id of one execution, unique per instrument; textual ids (UUIDs) fit too.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct TradeId(pub u128);

impl TradeId {
    /// Set in the ids of trades between two strategies of one engine.
    const CROSSED: u128 = 1 << 127;

    /// The id of a trade between two orders of one engine, which no venue has seen: unique in
    /// its run, and apart from the ids of venues, which stay below 2^127.
    pub const fn crossed(buy: OrderId, sale: OrderId) -> Self {
        // Both sequences count orders: they do not reach 2^63.
        Self(Self::CROSSED | (buy.sequence as u128) << 63 | sale.sequence as u128)
    }

    /// True for a trade between two strategies of one engine.
    ///
    /// ```
    /// use tradewright::types::{OrderId, SlotId, TradeId};
    ///
    /// let (buy, sale) = (OrderId::new(1, SlotId(1), 7), OrderId::new(1, SlotId(2), 8));
    /// assert!(TradeId::crossed(buy, sale).is_crossed());
    /// assert!(!TradeId(12).is_crossed());
    /// ```
    pub const fn is_crossed(self) -> bool {
        self.0 & Self::CROSSED != 0
    }
}

/// A set of intents that stands or falls together (the legs of a pair).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct GroupId(pub u64);

/// A parent order, which is split into child orders; unique within an engine and its restarts.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ParentId(pub u64);
