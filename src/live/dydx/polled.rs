//! Market data by HTTP: back-fills, and what stands in for streams while there are none.

use core::time::Duration;

use super::feed::Job;
use super::prints::Page;
use super::topic::Key;
use crate::types::{InstrumentId, MarketEvent, Period, Timestamp};
use crate::venue::dydx::{Subscription, decode_candles};
use crate::venue::{DecodeError, MarketNews, MarketSighting, Symbols};

/// Candles in one answer, beside the one that follows on them: it shows that they are closed.
const MOST_CANDLES: u16 = 999;
/// The indexer writes the last blocks of a candle down some seconds after its end.
const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// What a job on a stream asks of the indexer, as path and query behind `/v4`; none where there
/// is nothing to ask.
pub(super) fn question(symbols: &Symbols, key: Key, job: Job) -> Option<String> {
    match (key, job) {
        (_, Job::Subscribe) => None,
        (Key::Book(of), Job::Poll) => {
            Some(format!("/orderbooks/perpetualMarket/{}", symbols.name(of)?))
        }
        (Key::Markets, Job::Poll) => Some("/perpetualMarkets".to_owned()),
        (Key::Trades(of), Job::Trades(page)) => Some(trades(symbols.name(of)?, page)),
        (Key::Candles(of, period), Job::Bars(fetch)) => {
            candles(symbols.name(of)?, period, fetch.from, None)
        }
        (_, Job::Poll | Job::Trades(_) | Job::Bars(_)) => None,
    }
}

fn trades(ticker: &str, page: Page) -> String {
    let Page { most, before, .. } = page;
    let mut path = format!("/trades/perpetualMarket/{ticker}?limit={most}");
    if let Some(before) = before {
        path.push_str(&format!("&createdBeforeOrAt={before}"));
    }
    path
}

/// Candles that open at a time or later and before `to`, as many as one answer holds, and the one
/// that follows on them. None for a period that the indexer does not have.
pub(super) fn candles(
    ticker: &str,
    period: Period,
    from: Timestamp,
    to: Option<Timestamp>,
) -> Option<String> {
    let span = period.span()?;
    let seconds = u32::try_from(span.as_secs()).ok()?;
    let subscription = Subscription::candles(ticker, seconds)?;
    let (_, resolution) = subscription.id()?.rsplit_once('/')?;
    let end = window_end(period, from);
    let to = to.map_or(end, |to| end.min(to)).after(span);
    let most = MOST_CANDLES + 1;
    Some(format!(
        "/candles/perpetualMarkets/{ticker}?resolution={resolution}&fromISO={from}&toISO={to}\
         &limit={most}"
    ))
}

/// Where the candles of one answer end, without the one that follows on them.
pub(super) fn window_end(period: Period, from: Timestamp) -> Timestamp {
    from.after(period.span().unwrap_or_default().saturating_mul(MOST_CANDLES.into()))
}

/// Reads the closed bars of an answer, the oldest first. The indexer does not say which candle is
/// closed: all are that a later one follows, and the last one some seconds after its end.
pub(super) fn read_bars(
    wall: Timestamp,
    instrument: InstrumentId,
    bytes: &[u8],
) -> Result<Vec<MarketSighting>, DecodeError> {
    let read = decode_candles(Timestamp::MAX, instrument, bytes)?;
    let mut bars: Vec<MarketSighting> = read.into_iter().filter_map(bar).collect();
    let settled = wall.before(SETTLED_AFTER);
    bars.pop_if(|last| last.at.is_none_or(|close| close > settled));
    Ok(bars)
}

fn bar(news: MarketNews) -> Option<MarketSighting> {
    match news {
        MarketNews::Event(sighting) if matches!(sighting.event, MarketEvent::Bar(_)) => {
            Some(sighting)
        }
        _ => None,
    }
}
