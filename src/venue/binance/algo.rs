use std::collections::VecDeque;

use serde::Deserialize;

use super::user::{leg, time};
use crate::types::{
    InstrumentId, Label, OrderId, OrderReport, OrderUpdate, RejectReason, Side, SlotId,
};
use crate::venue::read::{self, decimal};
use crate::venue::{DecodeError, OrderNews};

/// A conditional order in an `ALGO_UPDATE`.
#[derive(Debug, Deserialize)]
pub(super) struct WireAlgo<'a> {
    pub(super) s: &'a str,
    #[serde(rename = "caid")]
    client: &'a str,
    #[serde(rename = "aid")]
    id: u64,
    #[serde(rename = "S")]
    side: &'a str,
    #[serde(borrow)]
    ps: Option<&'a str>,
    #[serde(borrow)]
    f: Option<&'a str>,
    #[serde(rename = "X")]
    status: &'a str,
    /// The number of the order that it has become.
    #[serde(borrow)]
    ai: Option<&'a str>,
    /// How much of that one was executed.
    #[serde(borrow)]
    aq: Option<&'a str>,
    /// Why it was refused.
    #[serde(borrow)]
    rm: Option<&'a str>,
}

const WHAT: &str = "ALGO_UPDATE";

impl WireAlgo<'_> {
    pub(super) fn order_id(&self) -> OrderId {
        OrderId::parse(self.client).unwrap_or(OrderId::new(0, SlotId::HOUSE, self.id))
    }

    /// The number of the order that it has become.
    pub(super) fn became(&self) -> Option<u64> {
        self.ai.filter(|text| !text.is_empty()).and_then(|text| text.parse().ok())
    }

    /// What the event tells an engine; none where the order that it has become tells it.
    pub(super) fn news(
        &self,
        instrument: InstrumentId,
        at_millis: u64,
    ) -> Result<Option<OrderNews>, DecodeError> {
        let report = match self.status {
            "NEW" => OrderReport::Accepted,
            "CANCELED" => OrderReport::Cancelled,
            "TRIGGERED" => OrderReport::Triggered,
            "REJECTED" => {
                let reason = Label::new(self.rm.unwrap_or("rejected"));
                OrderReport::Rejected(RejectReason::Other(reason))
            }
            "EXPIRED" if self.f == Some("GTD") => OrderReport::Expired,
            "EXPIRED" => OrderReport::Cancelled,
            "TRIGGERING" | "FINISHED" => return Ok(None),
            other => return Err(read::word(WHAT, "X", other)),
        };
        let side = match self.side {
            "BUY" => Side::Buy,
            "SELL" => Side::Sell,
            other => return Err(read::word(WHAT, "S", other)),
        };
        let (order, leg) = (self.order_id(), leg(WHAT, self.ps)?);
        Ok(Some(OrderNews {
            at: time(WHAT, at_millis)?,
            update: OrderUpdate { order, instrument, side, leg, report },
            venue_order: self.id,
            filled: decimal(WHAT, "aq", self.aq.filter(|text| !text.is_empty()).unwrap_or("0"))?,
        }))
    }
}

/// Which conditional order an order of the book was, by the venue's numbers: the venue does not
/// promise that the one keeps the other's client id.
#[derive(Clone, Debug, Default)]
pub(super) struct Triggered(VecDeque<(u64, OrderId)>);

/// Triggered orders that are remembered.
const MOST: usize = 1_024;

impl Triggered {
    pub(super) fn remember(&mut self, became: u64, order: OrderId) {
        if self.find(became).is_none() {
            if self.0.len() >= MOST {
                self.0.pop_front();
            }
            self.0.push_back((became, order));
        }
    }

    pub(super) fn find(&self, became: u64) -> Option<OrderId> {
        self.0.iter().rev().find(|(number, _)| *number == became).map(|(_, order)| *order)
    }
}
