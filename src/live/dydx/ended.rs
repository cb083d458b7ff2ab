//! The end of orders of the short term, of which nobody may tell.

use super::client::Inner;
use super::memory::Placed;
use crate::types::{OrderId, OrderStatus};
use crate::venue::{ExchangeError, FillsFrom, VenueFill};

/// An order that is over, with all its fills.
pub(super) struct Ended {
    pub(super) status: OrderStatus,
    pub(super) venue_order: u64,
    pub(super) fills: Vec<VenueFill>,
}

impl Inner {
    /// What became of an order of the short term whose last block has passed; none while it may
    /// still work, as after it was replaced.
    pub(super) async fn ended(
        &self,
        order: OrderId,
        placed: &Placed,
    ) -> Result<Option<Ended>, ExchangeError> {
        let Placed { instrument, client, clob_pair, life, .. } = *placed;
        let Some(stands) = self.order(order, instrument).await? else {
            // The indexer forgets those that were never filled.
            let (status, fills) = (OrderStatus::Expired, Vec::new());
            let venue_order = self.number(client, clob_pair, life);
            return Ok(Some(Ended { status, venue_order, fills }));
        };
        if !stands.status.is_terminal() {
            return Ok(None);
        }
        let fills = match stands.filled.is_zero() {
            true => Vec::new(),
            false => self.fills(instrument, FillsFrom::Order(order)).await?,
        };
        Ok(Some(Ended { status: stands.status, venue_order: stands.venue_order, fills }))
    }
}
