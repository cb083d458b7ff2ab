use std::collections::{BTreeSet, VecDeque};

use crate::types::{InstrumentId, TradeId};

/// The trades that were told, so that none is told twice.
#[derive(Default)]
pub(super) struct Told {
    trades: BTreeSet<(InstrumentId, TradeId)>,
    order: VecDeque<(InstrumentId, TradeId)>,
}

const MOST: usize = 16_384;

impl Told {
    /// True for the first time.
    pub(super) fn is_new(&mut self, trade: (InstrumentId, TradeId)) -> bool {
        let is_new = self.trades.insert(trade);
        if is_new {
            self.order.push_back(trade);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.trades.remove(&oldest);
        }
        is_new
    }

    pub(super) fn has(&self, trade: (InstrumentId, TradeId)) -> bool {
        self.trades.contains(&trade)
    }
}
