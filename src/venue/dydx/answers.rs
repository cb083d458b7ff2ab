//! Answers of the indexer's HTTP interface.

use core::time::Duration;

use serde::Deserialize;

use super::account::{Piece, Pieces};
use super::market::print;
use super::wire::{
    WireBook, WireCandles, WireFill, WireHeight, WirePosition, WireSubaccount, WireTrades, levels,
    parse, time,
};
use super::{IndexerDecoder, candles};
use crate::types::{Funding, InstrumentId, MarketEvent, Timestamp};
use crate::venue::read::{float, number};
use crate::venue::{
    DecodeError, DepthSnapshot, MarketNews, MarketSighting, Symbols, UserNews, VenueFill,
};

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

/// Reads the answer to `GET /v4/time`.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_time(bytes: &[u8]) -> Result<Timestamp, DecodeError> {
    let body: TimeBody<'_> = parse("time", bytes)?;
    time("time", "iso", body.iso)
}

/// A fill as the indexer lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DydxFill {
    /// The venue's whole id of its order; none where the venue closed a position by force.
    pub order: Option<u128>,
    /// The fill. Its order belongs to the house: the list names no client ids.
    pub fill: VenueFill,
}

/// An answer to `GET /v4/fills`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DydxFills {
    /// How many the answer has.
    pub count: usize,
    /// When the oldest of them was.
    pub oldest: Option<Timestamp>,
    /// Those of instruments in the table, the oldest first.
    pub fills: Vec<DydxFill>,
}

/// Reads the answer to `GET /v4/fills`. Trade ids are those of the stream.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_fills(symbols: &Symbols, bytes: &[u8]) -> Result<DydxFills, DecodeError> {
    let body: FillsBody<'_> = parse("fills", bytes)?;
    let times = body.fills.iter().map(|fill| time("fill", "createdAt", fill.created_at));
    let oldest = times.collect::<Result<Vec<_>, _>>()?.into_iter().min();
    let mut pieces = Pieces::new(Timestamp::EPOCH, symbols);
    body.fills.iter().rev().try_for_each(|fill| pieces.fill(fill))?;
    let fills = pieces.done().into_iter().filter_map(|piece| match piece {
        Piece::Fill(piece) => piece.listed(),
        Piece::Order(_) | Piece::News(_) | Piece::Foreign => None,
    });
    let mut fills: Vec<DydxFill> = fills.collect();
    fills.sort_by_key(|fill| fill.fill.at);
    Ok(DydxFills { count: body.fills.len(), oldest, fills })
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
struct TimeBody<'a> {
    iso: &'a str,
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
