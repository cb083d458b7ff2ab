//! Orders as the indexer's HTTP interface lists them.

use rust_decimal::Decimal;

use super::DydxOrderState;
use super::identity::own_order;
use super::market::side;
use super::orders::{house, venue_order};
use super::wire::{WireOrder, parse, time, uuid};
use crate::types::{Leg, OrderId, OrderStatus, Price, Qty, Side, Timestamp};
use crate::venue::read::{decimal, number, word};
use crate::venue::{DecodeError, OrderState, Symbols};

/// An order as the indexer lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DydxOrder {
    /// The venue's id.
    pub id: u128,
    /// The id in 64 bits, as [`OrderNews::venue_order`](crate::venue::OrderNews) has it.
    pub venue_order: u64,
    /// The client's id.
    pub client: u32,
    /// The number that the chain ignores, [`client_metadata`](super::client_metadata) of orders of
    /// the engine.
    pub metadata: u32,
    /// The kind of its life: 0 of the short term, 32 conditional, 64 of the long term.
    pub flags: u32,
    /// Of what.
    pub ticker: String,
    /// Buys or sells.
    pub side: Side,
    /// The whole quantity.
    pub quantity: Decimal,
    /// The limit; the worst price of what fills at once.
    pub price: Decimal,
    /// The trigger of a conditional one.
    pub trigger: Option<Decimal>,
    /// It fills at once or not at all, so that its price is no limit in the engine's sense.
    pub is_immediate: bool,
    /// What is filled.
    pub filled: Decimal,
    /// Where it stands.
    pub state: DydxOrderState,
    /// The last block in which a short order may fill.
    pub good_til_block: Option<u64>,
    /// The last second of an order in the chain's state.
    pub good_til_time: Option<Timestamp>,
    /// Its last change, where the list has it.
    pub at: Option<Timestamp>,
}

impl DydxOrder {
    /// The engine's order that it is; none for one of another program.
    pub fn own(&self) -> Option<OrderId> {
        own_order(self.client, self.metadata)
    }

    /// Where it stands when the indexer has read the chain up to this height: what could fill in
    /// earlier blocks alone is over, whatever the list still says.
    pub fn status(&self, height: u64) -> OrderStatus {
        let has_passed = self.good_til_block.is_some_and(|last| last < height);
        match (self.state, has_passed) {
            (DydxOrderState::BestEffortCanceled, true) => OrderStatus::Cancelled,
            (DydxOrderState::BestEffortOpened | DydxOrderState::Open, true) => OrderStatus::Expired,
            (state, _) => state.status(!self.filled.is_zero()),
        }
    }

    /// The order in the words of all venues, for the engine's order of this id where it is one;
    /// none for an instrument that is not in the table.
    pub fn stands(
        &self,
        symbols: &Symbols,
        own: Option<OrderId>,
        height: u64,
    ) -> Option<OrderState> {
        let price = |value| Price::new(value).ok();
        Some(OrderState {
            order: own.or(self.own()).unwrap_or_else(|| house(self.id)),
            venue_order: self.venue_order,
            instrument: symbols.instrument(&self.ticker)?,
            side: self.side,
            leg: Leg::Net,
            status: self.status(height),
            quantity: Qty::new(self.quantity),
            filled: self.filled,
            price: price(self.price).filter(|_| !self.is_immediate),
            trigger: self.trigger.and_then(price),
            at: self.at.unwrap_or(Timestamp::EPOCH),
        })
    }
}

/// Reads the answers to `GET /v4/orders` and, as a list of one, `GET /v4/orders/..`.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_orders(bytes: &[u8]) -> Result<Vec<DydxOrder>, DecodeError> {
    let is_list = bytes.trim_ascii_start().starts_with(b"[");
    let wire: Vec<WireOrder<'_>> = match is_list {
        true => parse(WHAT, bytes)?,
        false => vec![parse(WHAT, bytes)?],
    };
    wire.iter().map(order).collect()
}

const WHAT: &str = "order";

fn order(wire: &WireOrder<'_>) -> Result<DydxOrder, DecodeError> {
    let missing = |field| DecodeError::Missing { what: WHAT, field };
    let id = uuid(WHAT, "id", wire.id)?;
    let client = wire.client_id.ok_or_else(|| missing("clientId"))?;
    let price = wire.price.ok_or_else(|| missing("price"))?;
    let filled = wire.total_filled.unwrap_or("0");
    let block = wire.good_til_block.map(|text| whole(text, "goodTilBlock")).transpose()?;
    let trigger = wire.trigger_price.map(|text| decimal(WHAT, "triggerPrice", text)).transpose()?;
    let until = wire.good_til_block_time.map(|text| time(WHAT, "goodTilBlockTime", text));
    Ok(DydxOrder {
        id,
        venue_order: venue_order(id),
        client: whole(client, "clientId")?,
        metadata: wire.client_metadata.map_or(Ok(0), |text| whole(text, "clientMetadata"))?,
        flags: wire.order_flags.map_or(Ok(0), |text| whole(text, "orderFlags"))?,
        ticker: wire.ticker.ok_or_else(|| missing("ticker"))?.to_owned(),
        side: side(WHAT, wire.side)?,
        quantity: decimal(WHAT, "size", wire.size)?,
        price: decimal(WHAT, "price", price)?,
        trigger,
        is_immediate: matches!(wire.time_in_force, Some("IOC" | "FOK")),
        filled: decimal(WHAT, "totalFilled", filled)?,
        state: DydxOrderState::parse(wire.status)
            .ok_or_else(|| word(WHAT, "status", wire.status))?,
        good_til_block: block,
        good_til_time: until.transpose()?,
        at: wire.updated_at.map(|text| time(WHAT, "updatedAt", text)).transpose()?,
    })
}

fn whole<T: core::str::FromStr>(text: &str, field: &'static str) -> Result<T, DecodeError> {
    text.parse().map_err(|_| number(WHAT, field, text))
}
