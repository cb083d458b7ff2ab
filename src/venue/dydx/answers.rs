//! Answers of the indexer's HTTP interface.

use core::time::Duration;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::market::{print, side};
use super::orders::folded;
use super::wire::{
    WireBook, WireCandles, WireFill, WireHeight, WireOrder, WirePosition, WireSubaccount,
    WireTrades, levels, parse, time, uuid,
};
use super::{DydxOrderState, IndexerDecoder, candles};
use crate::types::{Funding, InstrumentId, MarketEvent, Side, Timestamp};
use crate::venue::read::{decimal, float, number, word};
use crate::venue::{DecodeError, DepthSnapshot, MarketNews, MarketSighting, UserNews};

/// Reads the answer to `GET /v4/orderbooks/perpetualMarket/..`, which has no number of its own:
/// `number` is its place among the messages of the connection, or the caller's own count.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_orderbook(
    instrument: InstrumentId,
    number: u64,
    bytes: &[u8],
) -> Result<DepthSnapshot, DecodeError> {
    let book: WireBook = parse("orderbook", bytes)?;
    let (bids, asks) = (levels(book.bids).collect(), levels(book.asks).collect());
    Ok(DepthSnapshot { instrument, last: number, is_complete: true, bids, asks })
}

/// Reads the answer to `GET /v4/trades/perpetualMarket/..`: prints, the oldest first.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_trades(
    instrument: InstrumentId,
    bytes: &[u8],
) -> Result<Vec<MarketSighting>, DecodeError> {
    let body: WireTrades<'_> = parse("trades", bytes)?;
    let read = body.trades.iter().map(|trade| print(instrument, trade));
    let prints: Vec<_> = read.collect::<Result<_, _>>()?;
    let mut prints: Vec<MarketSighting> =
        prints.into_iter().flatten().map(|(_, sighting)| sighting).collect();
    prints.sort_by_key(|sighting| sighting.at);
    Ok(prints)
}

/// Reads the answer to `GET /v4/candles/perpetualMarkets/..`, the oldest first: bars of what is
/// closed at `at`, and what still forms then.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_candles(
    at: Timestamp,
    instrument: InstrumentId,
    bytes: &[u8],
) -> Result<Vec<MarketNews>, DecodeError> {
    const WHAT: &str = "candle";
    let body: WireCandles<'_> = parse("candles", bytes)?;
    let mut bars = Vec::with_capacity(body.candles.len());
    for candle in &body.candles {
        let missing = DecodeError::Missing { what: WHAT, field: "resolution" };
        let seconds = candles::seconds(candle.resolution.ok_or(missing)?)?;
        bars.push((seconds, candles::bar(instrument, seconds, candle)?));
    }
    bars.sort_by_key(|(_, (started, _))| *started);
    let news = bars.into_iter().map(|(seconds, (started, bar))| {
        let ends = started.after(Duration::from_secs(seconds.into()));
        match ends <= at {
            true => candles::closed(started, seconds, bar),
            false => MarketNews::Forming(bar),
        }
    });
    Ok(news.collect())
}

/// Reads the answer to `GET /v4/historicalFunding/..`, the oldest first. Rates are for one hour.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_funding(
    instrument: InstrumentId,
    bytes: &[u8],
) -> Result<Vec<MarketSighting>, DecodeError> {
    const WHAT: &str = "historicalFunding";
    let body: FundingBody<'_> = parse(WHAT, bytes)?;
    let mut all = Vec::with_capacity(body.historical_funding.len());
    for wire in &body.historical_funding {
        let rate = float(WHAT, "rate", wire.rate)?;
        let mark = float(WHAT, "price", wire.price)?;
        let event = MarketEvent::Funding(Funding { instrument, rate, mark });
        event.check().map_err(|source| DecodeError::Unsound { what: WHAT, source })?;
        let at = Some(time(WHAT, "effectiveAt", wire.effective_at)?);
        all.push(MarketSighting { event, at, number: None });
    }
    all.sort_by_key(|sighting| sighting.at);
    Ok(all)
}

/// Reads the answer to `GET /v4/height`.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_height(bytes: &[u8]) -> Result<u64, DecodeError> {
    let body: WireHeight<'_> = parse("height", bytes)?;
    body.height.parse().map_err(|_| number("height", "height", &body.height))
}

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
    /// Of what.
    pub ticker: String,
    /// Buys or sells.
    pub side: Side,
    /// The whole quantity.
    pub quantity: Decimal,
    /// The limit.
    pub price: Decimal,
    /// What is filled.
    pub filled: Decimal,
    /// Where it stands.
    pub state: DydxOrderState,
    /// The last block in which a short order may fill.
    pub good_til_block: Option<u64>,
}

/// Reads the answers to `GET /v4/orders` and, as a list of one, `GET /v4/orders/..`.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_orders(bytes: &[u8]) -> Result<Vec<DydxOrder>, DecodeError> {
    let is_list = bytes.trim_ascii_start().starts_with(b"[");
    let wire: Vec<WireOrder<'_>> = match is_list {
        true => parse(ORDER, bytes)?,
        false => vec![parse(ORDER, bytes)?],
    };
    wire.iter().map(order).collect()
}

const ORDER: &str = "order";

fn order(wire: &WireOrder<'_>) -> Result<DydxOrder, DecodeError> {
    let missing = |field| DecodeError::Missing { what: ORDER, field };
    let id = uuid(ORDER, "id", wire.id)?;
    let client = wire.client_id.ok_or_else(|| missing("clientId"))?;
    let price = wire.price.ok_or_else(|| missing("price"))?;
    let filled = wire.total_filled.unwrap_or("0");
    let block = wire
        .good_til_block
        .map(|text| text.parse().map_err(|_| number(ORDER, "goodTilBlock", text)));
    Ok(DydxOrder {
        id,
        venue_order: folded(id),
        client: client.parse().map_err(|_| number(ORDER, "clientId", client))?,
        ticker: wire.ticker.ok_or_else(|| missing("ticker"))?.to_owned(),
        side: side(ORDER, wire.side)?,
        quantity: decimal(ORDER, "size", wire.size)?,
        price: decimal(ORDER, "price", price)?,
        filled: decimal(ORDER, "totalFilled", filled)?,
        state: DydxOrderState::parse(wire.status)
            .ok_or_else(|| word(ORDER, "status", wire.status))?,
        good_til_block: block.transpose()?,
    })
}

impl IndexerDecoder {
    /// Reads the answer to `GET /v4/fills`, which lists the newest first; the oldest is told
    /// first. Fills carry the ids of the stream, so that none is booked twice.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    pub fn fills(
        &mut self,
        at: Timestamp,
        bytes: &[u8],
        out: &mut Vec<UserNews>,
    ) -> Result<(), DecodeError> {
        let body: FillsBody<'_> = parse("fills", bytes)?;
        let mut pieces = self.pieces(at);
        body.fills.iter().rev().try_for_each(|fill| pieces.fill(fill))?;
        let pieces = pieces.done();
        self.tell(pieces, out);
        Ok(())
    }

    /// Reads the answer to `GET /v4/perpetualPositions`.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    pub fn positions(
        &mut self,
        at: Timestamp,
        bytes: &[u8],
        out: &mut Vec<UserNews>,
    ) -> Result<(), DecodeError> {
        let body: PositionsBody<'_> = parse("perpetualPositions", bytes)?;
        let mut pieces = self.pieces(at);
        body.positions.iter().try_for_each(|position| pieces.position(position))?;
        let pieces = pieces.done();
        self.tell(pieces, out);
        Ok(())
    }

    /// Reads positions and balances of the answer to
    /// `GET /v4/addresses/../subaccountNumber/..`.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    pub fn subaccount(
        &mut self,
        at: Timestamp,
        bytes: &[u8],
        out: &mut Vec<UserNews>,
    ) -> Result<(), DecodeError> {
        let body: SubaccountBody<'_> = parse("subaccount", bytes)?;
        let mut pieces = self.pieces(at);
        let mut positions = body.subaccount.open_perpetual_positions.values();
        positions.try_for_each(|position| pieces.position(position))?;
        body.subaccount.asset_positions.values().try_for_each(|asset| pieces.asset(asset))?;
        let pieces = pieces.done();
        self.tell(pieces, out);
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FundingBody<'a> {
    #[serde(borrow)]
    historical_funding: Vec<WireFunding<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFunding<'a> {
    rate: &'a str,
    price: &'a str,
    effective_at: &'a str,
}

#[derive(Deserialize)]
struct FillsBody<'a> {
    #[serde(borrow)]
    fills: Vec<WireFill<'a>>,
}

#[derive(Deserialize)]
struct PositionsBody<'a> {
    #[serde(borrow)]
    positions: Vec<WirePosition<'a>>,
}

#[derive(Deserialize)]
struct SubaccountBody<'a> {
    #[serde(borrow)]
    subaccount: WireSubaccount<'a>,
}
