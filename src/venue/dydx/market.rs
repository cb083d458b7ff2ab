//! Books, prints and figures of markets.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use twox_hash::XxHash3_128;

use super::wire::{WireBook, WireMarket, WireMarkets, WireTrade, levels, time};
use crate::types::{InstrumentId, Mark, MarketEvent, Print, Side, Timestamp};
use crate::venue::read::{float, word};
use crate::venue::{
    DecodeCounts, DecodeError, DepthSnapshot, DepthUpdate, FundingForecast, MarketNews,
    MarketSighting, Symbols, Ticker,
};

/// A whole book. The number of the message is its logical time.
pub(super) fn snapshot(instrument: InstrumentId, number: u64, book: WireBook) -> MarketNews {
    MarketNews::Snapshot(DepthSnapshot {
        instrument,
        last: number,
        is_complete: true,
        bids: levels(book.bids).collect(),
        asks: levels(book.asks).collect(),
    })
}

/// All changes of one message are one update: they have one number, and the last word on a price
/// counts.
pub(super) fn update(instrument: InstrumentId, number: u64, books: Vec<WireBook>) -> MarketNews {
    let mut update = DepthUpdate::new(instrument, number, number);
    for book in books {
        update.bids.extend(levels(book.bids));
        update.asks.extend(levels(book.asks));
    }
    MarketNews::Depth(update)
}

/// A print and the hash of its id, which has had several forms; none for what was not traded on
/// the market.
pub(super) fn print(
    instrument: InstrumentId,
    trade: &WireTrade<'_>,
) -> Result<Option<(u128, MarketSighting)>, DecodeError> {
    const WHAT: &str = "trade";
    if trade.kind == Some("DELEVERAGED") {
        return Ok(None);
    }
    let print = Print {
        instrument,
        price: float(WHAT, "price", trade.price)?,
        quantity: float(WHAT, "size", trade.size)?,
        taker: Some(side(WHAT, trade.side)?),
    };
    let event = MarketEvent::Print(print);
    event.check().map_err(|source| DecodeError::Unsound { what: WHAT, source })?;
    let at = Some(time(WHAT, "createdAt", trade.created_at)?);
    let id = XxHash3_128::oneshot(trade.id.as_bytes());
    Ok(Some((id, MarketSighting { event, at, number: None })))
}

pub(super) fn side(what: &'static str, text: &str) -> Result<Side, DecodeError> {
    match text {
        "BUY" => Ok(Side::Buy),
        "SELL" => Ok(Side::Sell),
        other => Err(word(what, "side", other)),
    }
}

/// The ids of the last prints of each market: new subscriptions and answers by HTTP tell them
/// once more.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(BTreeMap<InstrumentId, Ids>);

#[derive(Clone, Debug, Default)]
struct Ids {
    known: BTreeSet<u128>,
    /// The oldest first.
    order: VecDeque<u128>,
}

impl Seen {
    /// More than a snapshot of the channel and a few answers by HTTP hold.
    const MOST: usize = 8_192;

    /// True for the first time.
    pub(super) fn is_new(&mut self, instrument: InstrumentId, id: u128) -> bool {
        let ids = self.0.entry(instrument).or_default();
        if !ids.known.insert(id) {
            return false;
        }
        ids.order.push_back(id);
        if ids.order.len() > Self::MOST
            && let Some(oldest) = ids.order.pop_front()
        {
            ids.known.remove(&oldest);
        }
        true
    }
}

/// What is told of all markets: oracle price, next funding, volume. An oracle price of zero is
/// none.
pub(super) fn markets(
    markets: &WireMarkets<'_>,
    symbols: &Symbols,
    counts: &mut DecodeCounts,
    out: &mut Vec<MarketNews>,
) -> Result<(), DecodeError> {
    let all = markets.markets.iter().chain(&markets.trading).chain(&markets.oracle_prices);
    for (ticker, market) in all {
        let Some(instrument) = symbols.instrument(ticker) else {
            counts.foreign += 1;
            continue;
        };
        let before = out.len();
        figures(instrument, market, out)?;
        if out.len() == before {
            counts.ignored += 1;
        }
    }
    Ok(())
}

fn figures(
    instrument: InstrumentId,
    market: &WireMarket<'_>,
    out: &mut Vec<MarketNews>,
) -> Result<(), DecodeError> {
    const WHAT: &str = "v4_markets";
    let at: Option<Timestamp> =
        market.effective_at.map(|text| time(WHAT, "effectiveAt", text)).transpose()?;
    if let Some(text) = market.oracle_price {
        let price = float(WHAT, "oraclePrice", text)?;
        if price != 0.0 {
            let event = MarketEvent::Mark(Mark { instrument, price });
            event.check().map_err(|source| DecodeError::Unsound { what: WHAT, source })?;
            out.push(MarketNews::Event(MarketSighting { event, at, number: None }));
        }
    }
    if let Some(text) = market.next_funding_rate {
        let rate = float(WHAT, "nextFundingRate", text)?;
        out.push(MarketNews::Funding(FundingForecast { instrument, rate, due: None }));
    }
    if let Some(text) = market.volume {
        let value = Some(float(WHAT, "volume24H", text)?);
        let (last, open, high, low, volume, bid, ask) = (None, None, None, None, None, None, None);
        out.push(MarketNews::Ticker(Ticker {
            instrument,
            at,
            last,
            open,
            high,
            low,
            volume,
            value,
            bid,
            ask,
        }));
    }
    Ok(())
}
