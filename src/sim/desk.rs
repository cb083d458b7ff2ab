use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::order::OpenOrder;
use super::slippage::Scene;
use crate::types::{OrderId, Period, Timestamp, exact};

/// What the venue keeps for one instrument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Desk {
    /// Working orders by time priority.
    pub(super) orders: Vec<OpenOrder>,
    /// Time of the last data that matching saw.
    pub(super) seen_at: Timestamp,
    /// Last price, NaN before the first.
    pub(super) last: f64,
    /// Best bid, NaN before the first quote.
    pub(super) bid: f64,
    /// Best offer, NaN before the first quote.
    pub(super) ask: f64,
    /// High less low of the last bar.
    pub(super) range: f64,
    /// Volume of the last bar.
    pub(super) volume: f64,
    /// The finest kind of data seen.
    pub(super) feed: Feed,
    /// True once prints were seen: they, not quotes, touch triggers.
    pub(super) prints: bool,
    /// The bars that match orders.
    pub(super) period: Option<Period>,
    /// The period was chosen by the driver.
    pub(super) chosen: bool,
    /// What orders may still take of the last bar; `None` for no cap.
    #[serde(with = "exact::option")]
    pub(super) capacity: Option<Decimal>,
    /// A position on margin is open: every bar can end it.
    pub(super) at_risk: bool,
}

/// Kinds of data, the coarsest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Feed {
    Bars,
    Prints,
    Quotes,
    Book,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self {
            orders: Vec::with_capacity(16),
            seen_at: Timestamp::from_nanos(i64::MIN),
            last: f64::NAN,
            bid: f64::NAN,
            ask: f64::NAN,
            range: 0.0,
            volume: 0.0,
            feed: Feed::Bars,
            prints: false,
            period: None,
            chosen: false,
            capacity: None,
            at_risk: false,
        }
    }

    /// True when market data match nothing here.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.orders.is_empty() & !self.at_risk
    }

    pub(super) fn position(&self, id: OrderId) -> Option<usize> {
        self.orders.iter().position(|order| order.id == id)
    }

    pub(super) fn index_of(&self, sequence: u64) -> Option<usize> {
        self.orders.binary_search_by_key(&sequence, |order| order.sequence).ok()
    }

    /// The first order behind this one in time priority.
    pub(super) fn next_after(&self, sequence: u64) -> Option<OpenOrder> {
        let index = self.orders.partition_point(|order| order.sequence <= sequence);
        self.orders.get(index).copied()
    }

    /// Writes an order back after a change.
    pub(super) fn put(&mut self, order: &OpenOrder) {
        if let Some(slot) =
            self.index_of(order.sequence).and_then(|index| self.orders.get_mut(index))
        {
            *slot = *order;
        }
    }

    pub(super) fn remove(&mut self, sequence: u64) {
        match self.index_of(sequence) {
            // Taking one out moves those behind it; the last can be cut off.
            Some(index) if index + 1 == self.orders.len() => self.orders.truncate(index),
            Some(index) => {
                self.orders.remove(index);
            }
            None => {}
        }
    }

    pub(super) fn scene(&self) -> Scene {
        let spread = self.ask - self.bid;
        let spread = if spread > 0.0 { spread } else { 0.0 };
        let range = if self.feed == Feed::Bars { self.range } else { spread };
        Scene { volume: self.volume, range, spread }
    }
}
