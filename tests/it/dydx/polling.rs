//! The indexer by HTTP: in place of streams, for what was missed, and for the past.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tradewright::live::{DydxConfig, DydxMarketData, SystemClock};
use tradewright::types::{MarketEvent, Period, Timestamp};
use tradewright::venue::{
    BarQuery, Channel, Clock, ExchangeError, MarketDataStream, MarketNews, MarketStream,
    SessionState, VenueEvent,
};

use super::live::{
    BITCOIN, BOOK, Indexer, book, config, event, lost, next, quote, service, started, subscribe,
};
use crate::live::server::{Asked, LONG, Reply, Server};

/// A clock of the test's hour, which stands until it is set.
#[derive(Debug)]
pub struct Hour(Mutex<Timestamp>);

impl Hour {
    /// So many seconds after 04:00.
    pub fn at(second: i64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(seconds(second))))
    }

    pub fn set(&self, second: i64) {
        *self.0.lock().unwrap() = seconds(second);
    }
}

#[async_trait]
impl Clock for Hour {
    fn wall(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Timestamp {
        SystemClock.monotonic()
    }

    async fn sleep_until(&self, at: Timestamp) {
        SystemClock.sleep_until(at).await;
    }
}

/// So many seconds after 04:00.
pub fn seconds(second: i64) -> Timestamp {
    let four: Timestamp = "2025-08-05T04:00:00Z".parse().unwrap();
    Timestamp::from_nanos(four.nanos() + second * 1_000_000_000)
}

/// The candle of a minute after 04:00.
pub fn candle(minute: i64, close: &str) -> String {
    let began = seconds(minute * 60);
    format!(
        r#"{{"startedAt":"{began}","ticker":"BTC-USD","resolution":"1MIN","low":"1",
        "high":"900000","open":"{close}","close":"{close}","baseTokenVolume":"1"}}"#
    )
}

fn trade(second: i64) -> String {
    let time = seconds(second);
    format!(
        r#"{{"id":"{second}","side":"BUY","size":"1","price":"{}","type":"LIMIT",
        "createdAt":"{time}"}}"#,
        1_000 + second
    )
}

/// A list, the newest first.
pub fn list(name: &str, mut rows: Vec<String>) -> String {
    rows.reverse();
    format!(r#"{{"{name}":[{}]}}"#, rows.join(","))
}

/// The query of a request; its times in seconds after 04:00.
pub fn query(asked: &Asked) -> BTreeMap<String, String> {
    let query = asked.path.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let read = pairs.map(|(name, value)| match value.parse::<Timestamp>() {
        Ok(time) => {
            let nanos = time.nanos() - seconds(0).nanos();
            (name.to_owned(), (nanos / 1_000_000_000).to_string())
        }
        Err(_) => (name.to_owned(), value.to_owned()),
    });
    read.collect()
}

fn number(query: &BTreeMap<String, String>, name: &str) -> Option<i64> {
    query.get(name).map(|text| text.parse().unwrap())
}

/// Candles of the minutes before `now`, and the one that forms, as far as they are asked for.
fn candles(asked: &Asked, now: i64) -> Reply {
    let query = query(asked);
    assert_eq!(query["resolution"], "1MIN");
    let (from, to) = (number(&query, "fromISO").unwrap(), number(&query, "toISO").unwrap());
    let most = number(&query, "limit").unwrap();
    let minutes = (from.div_euclid(60)..=now.div_euclid(60))
        .filter(|minute| (from..to).contains(&(minute * 60)));
    let rows: Vec<String> = minutes.map(|minute| candle(minute, "100")).collect();
    let skipped = rows.len().saturating_sub(usize::try_from(most).unwrap());
    Reply::ok(list("candles", rows[skipped..].to_vec()))
}

/// Trades of each second up to `now`, at most `page` at once.
fn trades(asked: &Asked, now: i64, page: i64) -> Reply {
    let query = query(asked);
    let to = number(&query, "createdBeforeOrAt").unwrap_or(now).min(now);
    let page = page.min(number(&query, "limit").unwrap());
    Reply::ok(list("trades", (to - page + 1..=to).map(trade).collect()))
}

fn polling(port: u16) -> DydxConfig {
    let mut config = config(port);
    config.session.failures_to_poll = 2;
    config.poll_every = Duration::from_millis(20);
    config.requests_per_second = 1_000;
    config
}

pub async fn until(service: &DydxMarketData, state: SessionState) {
    use futures::StreamExt;
    let mut states = service.watch_status();
    let reached = async { while states.next().await != Some(state) {} };
    tokio::time::timeout(LONG, reached).await.expect("the state");
}

/// The times of what is told, up to this second, and how often the stream was lost between.
async fn times(stream: &mut MarketStream, last: i64) -> (Vec<i64>, u32) {
    let (mut told, mut losses) = (Vec::new(), 0);
    while told.last() != Some(&last) {
        match next(stream).await {
            VenueEvent::News { news: MarketNews::Event(sighting), .. } => {
                let nanos = sighting.at.unwrap().nanos() - seconds(0).nanos();
                told.push(nanos / 1_000_000_000);
            }
            VenueEvent::Lost { .. } => losses += 1,
            _ => {}
        }
    }
    (told, losses)
}

/// No connection can be had: books, quotes and figures come by HTTP, uncrossed; changes of books
/// cannot. When a connection can be had again, streams take over by themselves.
#[tokio::test]
async fn http_stands_in_for_streams_until_they_are_back() {
    static IS_UP: AtomicBool = AtomicBool::new(false);
    let mut server = Server::new(move |asked| match asked.path.as_str() {
        "/v4/ws" if IS_UP.load(Ordering::SeqCst) => Reply::upgrade(),
        "/v4/ws" => Reply::status(503, "", ""),
        "/v4/orderbooks/perpetualMarket/BTC-USD" => Reply::ok(
            r#"{"bids":[{"price":"101","size":"1"},{"price":"99","size":"2"}],
            "asks":[{"price":"100","size":"3"},{"price":"102","size":"4"}]}"#,
        ),
        "/v4/perpetualMarkets" => Reply::ok(
            r#"{"markets":{"BTC-USD":{"oraclePrice":"99.5","nextFundingRate":"0.0001"},
            "DOGE-USD":{"oraclePrice":"1"}}}"#,
        ),
        other => panic!("{other}"),
    })
    .await;
    let service = service(polling(server.port));
    let mut quotes = subscribe(&service, &[Channel::Quotes]).await;
    let mut books = subscribe(&service, &[Channel::Book { levels: 5 }]).await;
    let mut marks = subscribe(&service, &[Channel::Marks]).await;
    let mut changes = subscribe(&service, &[Channel::Depth]).await;
    for stream in [&mut quotes, &mut books, &mut marks] {
        started(stream).await;
    }
    let top = quote(&mut quotes).await;
    assert!(top.bid < top.ask, "crossed levels are taken out: {top:?}");
    let whole = book(&mut books).await;
    assert_eq!((whole.bids[0].price, whole.asks[0].price), (top.bid, top.ask));
    let mark = event(&mut marks).await;
    assert!(matches!(mark, MarketEvent::Mark(mark) if mark.price == 99.5), "{mark:?}");
    until(&service, SessionState::Polling).await;
    assert!(service.counts().polls > 0);
    let quality = service.quality();
    let fresh = quality.iter().filter(|one| !one.is_stale()).count();
    assert_eq!(fresh, 4, "what was polled is as good as what was heard: {quality:?}");

    IS_UP.store(true, Ordering::SeqCst);
    let mut indexer = Indexer::new(&mut server).await;
    for _ in 0..2 {
        indexer.asked().await;
    }
    indexer.tell_subscribed("v4_orderbook", "BTC-USD", BOOK).await;
    indexer.tell_subscribed("v4_markets", "", r#"{"markets":{}}"#).await;
    until(&service, SessionState::Live).await;
    let back = async { while quote(&mut quotes).await.bid != 114_623.0 {} };
    tokio::time::timeout(LONG, back).await.expect("the stream speaks again");
    started(&mut changes).await;
    let snapshot = next(&mut changes).await;
    assert!(
        matches!(&snapshot, VenueEvent::News { news: MarketNews::Snapshot(book), .. }
            if book.bids[0].price == 114_623.0),
        "the first that a reader of changes is told is the stream's: {snapshot:?}"
    );
    let polls = service.counts().polls;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(service.counts().polls, polls, "nobody polls any more");
}

/// HTTP fails, too: what was told by it is taken back.
#[tokio::test]
async fn polls_that_fail_again_and_again_are_told() {
    static IS_DOWN: AtomicBool = AtomicBool::new(false);
    let server = Server::new(move |asked| match asked.path.as_str() {
        "/v4/ws" => Reply::status(503, "", ""),
        _ if IS_DOWN.load(Ordering::SeqCst) => Reply::status(500, "", ""),
        path if path.starts_with("/v4/candles") => candles(asked, 200),
        _ => Reply::ok(BOOK),
    })
    .await;
    let mut config = polling(server.port);
    config.clock = Hour::at(200);
    let service = service(config);
    let mut quotes = subscribe(&service, &[Channel::Quotes]).await;
    let mut bars = subscribe(&service, &[Channel::Bars(Period::MINUTE)]).await;
    started(&mut quotes).await;
    quote(&mut quotes).await;
    started(&mut bars).await;
    IS_DOWN.store(true, Ordering::SeqCst);
    lost(&mut quotes).await;
    lost(&mut bars).await;
    IS_DOWN.store(false, Ordering::SeqCst);
    started(&mut quotes).await;
    started(&mut bars).await;
}

/// Prints and candles by HTTP alone: each once, in order, without a hole, however many there are
/// between two questions.
#[tokio::test]
async fn prints_and_candles_are_polled_once_each() {
    static NOW: AtomicUsize = AtomicUsize::new(200);
    let hour = Hour::at(200);
    let server = Server::new(move |asked| {
        let now = i64::try_from(NOW.load(Ordering::SeqCst)).unwrap();
        match asked.path.as_str() {
            "/v4/ws" => Reply::status(503, "", ""),
            path if path.starts_with("/v4/candles") => candles(asked, now),
            _ => trades(asked, now, 30),
        }
    })
    .await;
    let mut config = polling(server.port);
    config.clock = Arc::<Hour>::clone(&hour);
    let service = service(config);
    let mut prints = subscribe(&service, &[Channel::Trades]).await;
    let mut bars = subscribe(&service, &[Channel::Bars(Period::MINUTE)]).await;
    // The last few to begin with, and no bars of the past.
    assert_eq!(times(&mut prints, 200).await, ((171..=200).collect(), 0));
    started(&mut bars).await;
    for now in [201_i64, 290] {
        NOW.store(now.try_into().unwrap(), Ordering::SeqCst);
        hour.set(now);
        let (told, losses) = times(&mut prints, now).await;
        let first = if now == 201 { 201 } else { 202 };
        assert_eq!((told, losses), ((first..=now).collect(), 0), "89 of them, in pages of 30");
    }
    assert_eq!(times(&mut bars, 240).await, (vec![240], 0));
    hour.set(430);
    NOW.store(430, Ordering::SeqCst);
    assert_eq!(times(&mut bars, 420).await, (vec![300, 360, 420], 0));
}

/// What a server does with questions for the past: it fails so often, and then answers as at
/// this second.
fn past(failures: usize, now: i64) -> impl Fn(&Asked) -> Reply + Send + Sync {
    let left = AtomicUsize::new(failures);
    move |asked| {
        if asked.path == "/v4/ws" {
            return Reply::upgrade();
        }
        let fails = |left: usize| left.checked_sub(1);
        if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Reply::status(500, "", "");
        }
        match asked.path.starts_with("/v4/candles") {
            true => candles(asked, now),
            false => trades(asked, now, 5),
        }
    }
}

/// A connection is lost from second 200 to second 215; the snapshot of the next one holds the
/// last two trades. Which ones are told after the loss, and how many losses.
async fn prints_after_failures(failures: usize) -> (Vec<i64>, u32) {
    let mut server = Server::new(past(failures, 215)).await;
    let service = service(config(server.port));
    let mut prints = subscribe(&service, &[Channel::Trades]).await;
    let mut indexer = Indexer::new(&mut server).await;
    let snapshot =
        |range: std::ops::RangeInclusive<i64>| list("trades", range.map(trade).collect());
    indexer.subscribed("v4_trades", "BTC-USD", &snapshot(199..=200)).await;
    assert_eq!(times(&mut prints, 200).await, (vec![199, 200], 0));
    drop(indexer);
    let mut indexer = Indexer::new(&mut server).await;
    indexer.subscribed("v4_trades", "BTC-USD", &snapshot(214..=215)).await;
    indexer.update("v4_trades", "BTC-USD", &snapshot(215..=216)).await;
    times(&mut prints, 216).await
}

/// 11: prints of an outage are fetched by pages back to the last one, and told in order before
/// newer ones, each once, also when the questions fail at first. Where they cannot be had the
/// reader is told that something is missing.
#[tokio::test]
async fn failure_11_prints_missed_while_there_was_no_connection() {
    // The loss is that of the connection.
    assert_eq!(prints_after_failures(0).await, ((201..=216).collect(), 1));
    assert_eq!(prints_after_failures(2).await, ((201..=216).collect(), 1));
    assert_eq!(prints_after_failures(usize::MAX).await, (vec![214, 215, 216], 2));
}

/// A connection is lost from 04:01:30 to 04:04:10: minutes 1, 2 and 3 close meanwhile. The bars
/// that are told after the loss, by the second of their close, and how many losses.
async fn bars_after_failures(failures: usize) -> (Vec<i64>, u32) {
    let mut server = Server::new(past(failures, 250)).await;
    let hour = Hour::at(50);
    let mut config = config(server.port);
    config.clock = Arc::<Hour>::clone(&hour);
    let service = service(config);
    let mut bars = subscribe(&service, &[Channel::Bars(Period::MINUTE)]).await;
    let mut indexer = Indexer::new(&mut server).await;
    let channel = ("v4_candles", "BTC-USD/1MIN");
    let snapshot = |minutes: std::ops::RangeInclusive<i64>| {
        list("candles", minutes.map(|minute| candle(minute, "100")).collect())
    };
    indexer.subscribed(channel.0, channel.1, &snapshot(-3..=0)).await;
    started(&mut bars).await;
    hour.set(90);
    indexer.update(channel.0, channel.1, &candle(1, "100")).await;
    assert_eq!(times(&mut bars, 60).await, (vec![60], 0), "those before the start are the past");
    drop(indexer);
    hour.set(250);
    let mut indexer = Indexer::new(&mut server).await;
    indexer.subscribed(channel.0, channel.1, &snapshot(4..=4)).await;
    hour.set(310);
    indexer.update(channel.0, channel.1, &candle(5, "100")).await;
    times(&mut bars, 300).await
}

/// 11: candles of an outage are fetched and told in order, each once, also when the questions
/// fail at first; the one that was cut short is told whole or not at all.
#[tokio::test]
async fn failure_11_candles_missed_while_there_was_no_connection() {
    assert_eq!(bars_after_failures(0).await, (vec![120, 180, 240, 300], 1));
    assert_eq!(bars_after_failures(3).await, (vec![120, 180, 240, 300], 1));
    assert_eq!(bars_after_failures(usize::MAX).await, (vec![300], 2));
}

/// No more questions leave in a second than are allowed, and after 429 none until the venue's
/// hour.
#[tokio::test]
async fn questions_keep_to_the_limit_and_stop_when_told() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let server = Server::new(move |asked| match asked.path.as_str() {
        "/v4/ws" => Reply::status(503, "", ""),
        _ if counted.fetch_add(1, Ordering::SeqCst) == 9 => {
            Reply::status(429, "Retry-After: 2\r\n", "{}")
        }
        _ => Reply::ok(BOOK),
    })
    .await;
    let mut config = polling(server.port);
    config.requests_per_second = 5;
    config.poll_every = Duration::from_millis(1);
    let service = service(config);
    let mut books = subscribe(&service, &[Channel::Book { levels: 1 }]).await;
    started(&mut books).await;
    let enough = async {
        while count.load(Ordering::SeqCst) < 14 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, enough).await.expect("questions go on");
    let asked = server.asked();
    let times: Vec<Instant> =
        asked.iter().filter(|it| it.path.contains("orderbooks")).map(|it| it.at).collect();
    // Five fit into the end of one second and five into the beginning of the next one.
    let spans = times.windows(11).map(|window| window[10].duration_since(window[0]));
    assert!(spans.min().unwrap() >= Duration::from_millis(700));
    let silence = times[10].duration_since(times[9]);
    assert!(silence >= Duration::from_millis(1_900), "{silence:?}");
}

/// Bars of the past, however many answers they take; the one that forms is not among them.
#[tokio::test]
async fn bars_of_the_past_come_page_by_page() {
    let server = Server::new(|asked| candles(asked, 60_000 * 3 + 5)).await;
    let mut config = config(server.port);
    config.clock = Hour::at(60_000 * 3 + 5);
    let service = service(config);
    let query = BarQuery {
        instrument: BITCOIN,
        period: Period::MINUTE,
        from: seconds(0),
        to: seconds(60_000 * 3 + 5),
    };
    let bars = service.bars(&query).await.unwrap();
    let closes: Vec<Timestamp> = bars.iter().map(|(close, _)| *close).collect();
    // That of the last minute has ended five seconds ago, and a later one is listed.
    assert_eq!(closes, (1..=3_000).map(|minute| seconds(minute * 60)).collect::<Vec<_>>());
    assert_eq!(server.asked().len(), 4);
    let odd = BarQuery { period: Period::seconds(7), ..query };
    let refused = service.bars(&odd).await;
    assert!(matches!(refused, Err(ExchangeError::Unsupported { .. })), "{refused:?}");
    let whole = BarQuery { to: seconds(300), from: seconds(60), ..query };
    let bars = service.bars(&whole).await.unwrap();
    assert_eq!(bars.len(), 4, "closed bars of the span alone");
}
