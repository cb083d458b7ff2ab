use serde::{Deserialize, Serialize};

use crate::account::TradeResult;
use crate::types::{InstrumentId, Label, Side, SlotId, Timestamp, Trade, exact, to_f64};

/// One point of the equity curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EquitySample {
    /// When.
    pub at: Timestamp,
    /// Cash and positions at mark, in the reporting currency.
    pub equity: f64,
    /// Value of all positions without signs.
    pub gross: f64,
    /// Equity without later deposits and withdrawals, from which returns are taken; the same
    /// as equity until the first.
    pub level: f64,
}

/// A closed trade as the monitor keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClosedTrade {
    /// Whose.
    pub slot: SlotId,
    /// In what.
    pub instrument: InstrumentId,
    /// The side of the entry: BUY for a long trade.
    pub side: Side,
    /// The entry's tag; empty for none.
    pub tag: Label,
    /// When the position was opened.
    pub opened_at: Timestamp,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// How much was closed; zero where it is not told.
    pub quantity: f64,
    /// Average entry price; zero where it is not told.
    pub entry: f64,
    /// Exit price; zero where it is not told.
    pub exit: f64,
    /// Profit net of fees and funding, in the reporting currency.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub net: f64,
}

impl ClosedTrade {
    /// A trade from its times, opened and closed, and its net profit.
    pub fn new(
        slot: SlotId,
        instrument: InstrumentId,
        side: Side,
        [opened_at, closed_at]: [Timestamp; 2],
        net: f64,
    ) -> Self {
        let tag = Label::default();
        let (quantity, entry, exit) = (0.0, 0.0, 0.0);
        Self { slot, instrument, side, tag, opened_at, closed_at, quantity, entry, exit, net }
    }

    pub(super) fn unvalued(trade: &Trade) -> Self {
        Self {
            slot: trade.slot,
            instrument: trade.instrument,
            side: trade.side,
            tag: trade.tag,
            opened_at: trade.opened_at,
            closed_at: trade.closed_at,
            quantity: trade.quantity.to_f64(),
            entry: to_f64(trade.entry),
            exit: to_f64(trade.exit),
            net: f64::NAN,
        }
    }

    /// The trade as statistics see it.
    pub fn result(&self) -> TradeResult {
        let held_secs = self.closed_at.since(self.opened_at).as_secs_f64();
        TradeResult { net: self.net, held_secs }
    }
}
