//! Market data by HTTP: back-fills, and what stands in for streams while there are none.

use serde::Deserialize;

use super::feed::Job;
use super::topic::{Key, Topic};
use crate::types::{InstrumentId, Mark, MarketEvent, Period, Quote, Timestamp};
use crate::venue::binance::{
    BinanceMarket, candle_interval, decode_aggregate_trades, decode_klines,
};
use crate::venue::{DecodeError, FundingForecast, MarketNews, MarketSighting, Ticker};

/// A question for market data: path, query and weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) path: String,
    pub(super) weight: u32,
}

/// What a job on a stream asks of the venue, a symbol's market and the prefix of its paths given;
/// `None` where there is nothing to ask. Snapshots have so many levels.
pub(super) fn question(
    (market, prefix, symbol): (BinanceMarket, &str, &str),
    key: Key,
    job: Job,
    levels: u16,
) -> Option<Ask> {
    match (job, key.topic) {
        (Job::Snapshot, _) => Some(depth(market, prefix, symbol, levels)),
        (Job::Trades { from, .. }, _) => Some(trades(market, prefix, symbol, from)),
        (Job::Bars(fetch), Topic::Bars(period)) => bars(market, prefix, symbol, period, fetch.from),
        (Job::Bars(_), _) => None,
        (Job::Poll, _) => poll(market, prefix, symbol, key),
    }
}

/// What stands in for one message of a stream.
fn poll(market: BinanceMarket, prefix: &str, symbol: &str, key: Key) -> Option<Ask> {
    let (path, weight) = match key.topic {
        Topic::Quotes => (format!("{prefix}/ticker/bookTicker?symbol={symbol}"), 2),
        Topic::Trades => {
            (format!("{prefix}/aggTrades?symbol={symbol}&limit=100"), trades_weight(market))
        }
        Topic::Bars(period) => {
            let interval = candle_interval(market, period)?;
            (format!("{prefix}/klines?symbol={symbol}&interval={interval}&limit=3"), 2)
        }
        Topic::Depth => (format!("{prefix}/depth?symbol={symbol}&limit=100"), 5),
        Topic::Ticker => (format!("{prefix}/ticker/24hr?symbol={symbol}"), 2),
        Topic::Marks => (format!("{prefix}/premiumIndex?symbol={symbol}"), 1),
    };
    Some(Ask { path, weight })
}

/// Trades from this number on, at most 1,000.
fn trades(market: BinanceMarket, prefix: &str, symbol: &str, from: u64) -> Ask {
    let path = format!("{prefix}/aggTrades?symbol={symbol}&fromId={from}&limit=1000");
    Ask { path, weight: trades_weight(market) }
}

const fn trades_weight(market: BinanceMarket) -> u32 {
    match market {
        BinanceMarket::Spot => 4,
        BinanceMarket::UsdFutures => 20,
    }
}

/// With so many closed bars in one answer, there may be more.
pub(super) const MOST_BARS: usize = 999;

/// Bars that opened at this time or later, at most 1,000, the forming one among them.
fn bars(
    market: BinanceMarket,
    prefix: &str,
    symbol: &str,
    period: Period,
    from: Timestamp,
) -> Option<Ask> {
    let (interval, from) = (candle_interval(market, period)?, from.millis());
    let query = format!("symbol={symbol}&interval={interval}&startTime={from}&limit=1000");
    Some(Ask { path: format!("{prefix}/klines?{query}"), weight: 10 })
}

/// A book of so many levels.
fn depth(market: BinanceMarket, prefix: &str, symbol: &str, levels: u16) -> Ask {
    let weight = match (market, levels) {
        (BinanceMarket::Spot, ..=100) => 5,
        (BinanceMarket::Spot, ..=500) => 25,
        (BinanceMarket::Spot, ..=1_000) => 50,
        (BinanceMarket::Spot, _) => 250,
        (BinanceMarket::UsdFutures, ..=50) => 2,
        (BinanceMarket::UsdFutures, ..=100) => 5,
        (BinanceMarket::UsdFutures, ..=500) => 10,
        (BinanceMarket::UsdFutures, _) => 20,
    };
    Ask { path: format!("{prefix}/depth?symbol={symbol}&limit={levels}"), weight }
}

/// Reads the answer to [`poll`], but for books.
pub(super) fn read(now: Timestamp, key: Key, bytes: &[u8]) -> Result<Vec<MarketNews>, DecodeError> {
    let instrument = key.instrument;
    match key.topic {
        Topic::Quotes => read_quote(instrument, bytes),
        Topic::Trades => {
            let read = read_trades(instrument, bytes)?;
            Ok(read.into_iter().map(MarketNews::Event).collect())
        }
        Topic::Bars(period) => {
            let read = read_bars(now, instrument, period, bytes)?;
            Ok(read.into_iter().map(MarketNews::Event).collect())
        }
        Topic::Ticker => read_ticker(instrument, bytes),
        Topic::Marks => read_mark(instrument, bytes),
        Topic::Depth => Ok(Vec::new()),
    }
}

/// Reads the answer to [`trades`].
pub(super) fn read_trades(
    instrument: InstrumentId,
    bytes: &[u8],
) -> Result<Vec<MarketSighting>, DecodeError> {
    let mut news = Vec::new();
    decode_aggregate_trades(instrument, bytes, &mut news)?;
    Ok(sightings(news))
}

/// Reads the bars that have closed by now.
pub(super) fn read_bars(
    now: Timestamp,
    instrument: InstrumentId,
    period: Period,
    bytes: &[u8],
) -> Result<Vec<MarketSighting>, DecodeError> {
    let mut news = Vec::new();
    decode_klines(now, (instrument, period), bytes, &mut news)?;
    Ok(sightings(news))
}

fn sightings(news: Vec<MarketNews>) -> Vec<MarketSighting> {
    let sighting = |item| match item {
        MarketNews::Event(sighting) => Some(sighting),
        _ => None,
    };
    news.into_iter().filter_map(sighting).collect()
}

fn read_quote(instrument: InstrumentId, bytes: &[u8]) -> Result<Vec<MarketNews>, DecodeError> {
    const WHAT: &str = "bookTicker";
    let read: WireQuote<'_> = parse(WHAT, bytes)?;
    let quote = Quote {
        instrument,
        bid: float(WHAT, "bidPrice", read.bid_price)?,
        bid_quantity: float(WHAT, "bidQty", read.bid_qty)?,
        ask: float(WHAT, "askPrice", read.ask_price)?,
        ask_quantity: float(WHAT, "askQty", read.ask_qty)?,
    };
    let sighting = MarketSighting { event: MarketEvent::Quote(quote), at: None, number: None };
    Ok(vec![MarketNews::Event(sound(WHAT, sighting)?)])
}

fn read_ticker(instrument: InstrumentId, bytes: &[u8]) -> Result<Vec<MarketNews>, DecodeError> {
    const WHAT: &str = "ticker";
    let read: WireTicker<'_> = parse(WHAT, bytes)?;
    let optional =
        |field, text: Option<&str>| text.map(|text| float(WHAT, field, text)).transpose();
    Ok(vec![MarketNews::Ticker(Ticker {
        instrument,
        at: Some(instant(WHAT, "closeTime", read.close_time)?),
        last: optional("lastPrice", Some(read.last_price))?,
        open: optional("openPrice", Some(read.open_price))?,
        high: optional("highPrice", Some(read.high_price))?,
        low: optional("lowPrice", Some(read.low_price))?,
        volume: optional("volume", Some(read.volume))?,
        value: optional("quoteVolume", Some(read.quote_volume))?,
        bid: optional("bidPrice", read.bid_price)?,
        ask: optional("askPrice", read.ask_price)?,
    })])
}

fn read_mark(instrument: InstrumentId, bytes: &[u8]) -> Result<Vec<MarketNews>, DecodeError> {
    const WHAT: &str = "premiumIndex";
    let read: WireMark<'_> = parse(WHAT, bytes)?;
    let mark = Mark { instrument, price: float(WHAT, "markPrice", read.mark_price)? };
    let at = Some(instant(WHAT, "time", read.time)?);
    let sighting = MarketSighting { event: MarketEvent::Mark(mark), at, number: None };
    let mut news = vec![MarketNews::Event(sound(WHAT, sighting)?)];
    if !read.rate.is_empty() {
        let rate = float(WHAT, "lastFundingRate", read.rate)?;
        let due =
            (read.next > 0).then(|| instant(WHAT, "nextFundingTime", read.next)).transpose()?;
        news.push(MarketNews::Funding(FundingForecast { instrument, rate, due }));
    }
    Ok(news)
}

fn parse<'a, T: Deserialize<'a>>(what: &'static str, bytes: &'a [u8]) -> Result<T, DecodeError> {
    let malformed = |error: serde_json::Error| error.to_string();
    serde_json::from_slice(bytes)
        .map_err(|error| DecodeError::Malformed { what, message: malformed(error) })
}

fn sound(what: &'static str, sighting: MarketSighting) -> Result<MarketSighting, DecodeError> {
    let checked = sighting.event.check();
    checked.map(|()| sighting).map_err(|source| DecodeError::Unsound { what, source })
}

fn float(what: &'static str, field: &'static str, text: &str) -> Result<f64, DecodeError> {
    let value: Option<f64> = text.parse().ok().filter(|value: &f64| value.is_finite());
    let text = || text.chars().take(40).collect();
    value.ok_or_else(|| DecodeError::Number { what, field, text: text() })
}

fn instant(what: &'static str, field: &'static str, millis: i64) -> Result<Timestamp, DecodeError> {
    let text = || millis.to_string();
    Timestamp::from_millis(millis).map_err(|_| DecodeError::Number { what, field, text: text() })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireQuote<'a> {
    bid_price: &'a str,
    bid_qty: &'a str,
    ask_price: &'a str,
    ask_qty: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTicker<'a> {
    last_price: &'a str,
    open_price: &'a str,
    high_price: &'a str,
    low_price: &'a str,
    volume: &'a str,
    quote_volume: &'a str,
    #[serde(borrow)]
    bid_price: Option<&'a str>,
    #[serde(borrow)]
    ask_price: Option<&'a str>,
    close_time: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMark<'a> {
    mark_price: &'a str,
    #[serde(rename = "lastFundingRate", borrow)]
    rate: &'a str,
    #[serde(rename = "nextFundingTime", default)]
    next: i64,
    time: i64,
}
