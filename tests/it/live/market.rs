//! Market data through real sockets: quotes, books, trades, bars; polling; an orderly end.

use futures::StreamExt;
use tradewright::live::BinanceMarketData;
use tradewright::types::{InstrumentId, MarketEvent, Period};
use tradewright::venue::binance::BinanceMarket;
use tradewright::venue::{
    Channel, ExchangeError, MarketDataStream, MarketNews, MarketStream, SessionState, Subscription,
    VenueEvent,
};

use super::server::{LONG, Peer, Reply, Server, config, connection, depth, quote, trade};

pub const BTC: InstrumentId = InstrumentId(0);

pub async fn next(stream: &mut MarketStream) -> VenueEvent {
    tokio::time::timeout(LONG, stream.next()).await.expect("an event").expect("an open stream")
}

/// The next market event, past what tells of starts and losses.
pub async fn market_event(stream: &mut MarketStream) -> MarketEvent {
    loop {
        if let VenueEvent::News { news: MarketNews::Event(sighting), .. } = next(stream).await {
            return sighting.event;
        }
    }
}

pub fn bid(event: &MarketEvent) -> f64 {
    match event {
        MarketEvent::Quote(quote) => quote.bid,
        MarketEvent::Book(book) => book.bids[0].price,
        other => panic!("{other:?}"),
    }
}

/// Waits for a state, from the present one on.
pub async fn until(service: &BinanceMarketData, state: SessionState) {
    let mut states = service.watch_status();
    let reached = async { while states.next().await != Some(state) {} };
    let reached = tokio::time::timeout(LONG, reached).await;
    assert!(reached.is_ok(), "{state:?} is not reached: {:?}", service.status());
}

/// A service that has subscribed these on one connection, which is acknowledged.
pub async fn subscribed(
    server: &mut Server,
    service: &BinanceMarketData,
    channels: &[Channel],
) -> (MarketStream, Peer) {
    let asked: Vec<_> = channels.iter().map(|channel| Subscription::new(BTC, *channel)).collect();
    let stream = service.subscribe(&asked).await.unwrap();
    let mut peer = server.peer().await;
    let mut names = 0;
    while names < channels.len() {
        names += peer.subscribed().await.len();
    }
    (stream, peer)
}

fn upgrade_or(body: &'static str) -> impl Fn(&super::server::Asked) -> Reply + Send + Sync {
    move |asked| if asked.path.starts_with("/ws") { Reply::upgrade() } else { Reply::ok(body) }
}

const BOOK: &str = r#"{"lastUpdateId":10,"bids":[["99.0","1.0"]],"asks":[["101.0","1.0"]]}"#;

#[tokio::test]
async fn quotes_come_through_and_two_readers_share_one_subscription() {
    let mut server = Server::new(upgrade_or("{}")).await;
    let service = BinanceMarketData::new(&connection(config(BinanceMarket::Spot, server.port)));
    assert_eq!(service.status(), SessionState::Idle);
    let (mut first, mut peer) = subscribed(&mut server, &service, &[Channel::Quotes]).await;
    assert_eq!(peer.path, "/ws");
    assert!(matches!(next(&mut first).await, VenueEvent::Started { .. }));
    peer.say(&quote(1, "100.0", "100.5")).await;
    assert_eq!(bid(&market_event(&mut first).await), 100.0);
    until(&service, SessionState::Live).await;

    let asked = [Subscription::new(BTC, Channel::Quotes)];
    let mut second = service.subscribe(&asked).await.unwrap();
    assert!(matches!(next(&mut second).await, VenueEvent::Started { .. }));
    peer.say(&quote(2, "101.0", "101.5")).await;
    assert_eq!(bid(&market_event(&mut first).await), 101.0);
    assert_eq!(bid(&market_event(&mut second).await), 101.0);
    assert!(server.ready_peer().is_none(), "one connection serves both");
    let quality = service.quality();
    assert_eq!(quality.len(), 2);
    assert!(quality.iter().all(|one| one.messages == 2 && !one.is_stale() && one.rate > 0.0));
    assert_eq!(service.counts().frames, 3);
}

#[tokio::test]
async fn a_book_is_made_of_its_snapshot_and_its_updates() {
    let mut server = Server::new(upgrade_or(BOOK)).await;
    let service = BinanceMarketData::new(&connection(config(BinanceMarket::Spot, server.port)));
    let book = Channel::Book { levels: 5 };
    let (mut stream, mut peer) = subscribed(&mut server, &service, &[book]).await;
    assert!(matches!(next(&mut stream).await, VenueEvent::Started { .. }));
    assert_eq!(bid(&market_event(&mut stream).await), 99.0);
    peer.say(&depth("BTCUSDT", 11, 12, "99.5")).await;
    assert_eq!(bid(&market_event(&mut stream).await), 99.5);
    let asked = server.asked().into_iter().filter(|asked| asked.path.contains("/depth")).count();
    assert_eq!(asked, 1);

    // One number is missing: the book is taken back before anything else is said.
    peer.say(&depth("BTCUSDT", 14, 15, "99.7")).await;
    assert!(matches!(next(&mut stream).await, VenueEvent::Lost { fault: Some(_), .. }));
    assert_eq!(service.counts().book_gaps, 1);
}

#[tokio::test]
async fn trades_that_were_missed_are_fetched_and_told_in_order() {
    let fetched = r#"[{"a":8,"p":"100.0","q":"0.5","f":1,"l":1,"T":1700000000000,"m":true},
        {"a":9,"p":"100.0","q":"0.5","f":1,"l":1,"T":1700000000000,"m":true}]"#;
    let mut server = Server::new(upgrade_or(fetched)).await;
    let service = BinanceMarketData::new(&connection(config(BinanceMarket::Spot, server.port)));
    let (mut stream, mut peer) = subscribed(&mut server, &service, &[Channel::Trades]).await;
    peer.say(&trade(7)).await;
    peer.say(&trade(7)).await;
    drop(peer);
    let mut peer = server.peer().await;
    peer.subscribed().await;
    peer.say(&trade(10)).await;
    let mut numbers = Vec::new();
    while numbers.len() < 4 {
        if let VenueEvent::News { news: MarketNews::Event(sighting), .. } = next(&mut stream).await
        {
            numbers.push(sighting.number.unwrap());
        }
    }
    assert_eq!(numbers, [7, 8, 9, 10]);
    let counts = service.counts();
    assert_eq!((counts.repeated_trades, counts.missed_trades), (1, 0));
    let path = server.asked().into_iter().find(|asked| asked.path.contains("aggTrades"));
    assert!(path.unwrap().path.contains("fromId=8"));
}

#[tokio::test]
async fn trades_that_cannot_be_had_are_told_as_missed() {
    let mut server = Server::new(upgrade_or("[]")).await;
    let service = BinanceMarketData::new(&connection(config(BinanceMarket::Spot, server.port)));
    let (mut stream, mut peer) = subscribed(&mut server, &service, &[Channel::Trades]).await;
    for number in [7, 10] {
        peer.say(&trade(number)).await;
    }
    loop {
        match next(&mut stream).await {
            VenueEvent::Missed { from, to, .. } => break assert_eq!((from, to), (8, 9)),
            VenueEvent::News { news: MarketNews::Event(sighting), .. } => {
                assert_eq!(sighting.number, Some(7), "before the hole is told");
            }
            _ => {}
        }
    }
    assert_eq!(service.counts().missed_trades, 2);
}

/// A closed minute: a kline's frame.
fn minute(number: i64) -> String {
    let (open, close) = (number * 60_000, number * 60_000 + 59_999);
    format!(
        r#"{{"e":"kline","E":{close},"s":"BTCUSDT","k":{{"t":{open},"T":{close},"s":"BTCUSDT",
        "i":"1m","f":1,"L":2,"o":"100.0","c":"100.0","h":"100.0","l":"100.0","v":"1.0","n":2,
        "x":true,"q":"100.0","V":"0.5","Q":"50.0","B":"0"}}}}"#
    )
}

/// The minutes that a reader is told of, up to this one, and whether it lost the stream between.
async fn minutes(stream: &mut MarketStream, last: i64) -> (Vec<i64>, u32) {
    let (mut told, mut losses) = (Vec::new(), 0);
    while told.last() != Some(&last) {
        match next(stream).await {
            VenueEvent::News { news: MarketNews::Event(sighting), .. } => {
                told.push(sighting.at.unwrap().millis() / 60_000 - 1);
            }
            VenueEvent::Lost { .. } => losses += 1,
            _ => {}
        }
    }
    (told, losses)
}

/// Minutes 101 and 102 are missed; the questions for them fail so often.
async fn bars_after_failures(failures: usize) -> (Vec<i64>, u32) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let left = AtomicUsize::new(failures);
    let rows = [100_i64, 101, 102].map(|number| {
        let (open, close) = (number * 60_000, number * 60_000 + 59_999);
        format!(r#"[{open},"100.0","100.0","100.0","100.0","1.0",{close},"100.0",2,"0","0","0"]"#)
    });
    let body = format!("[{}]", rows.join(","));
    let mut server = Server::new(move |asked| {
        if asked.path.starts_with("/ws") {
            return Reply::upgrade();
        }
        let is_failing = left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        if is_failing { Reply::status(500, "", "") } else { Reply::ok(body.clone()) }
    })
    .await;
    let service = BinanceMarketData::new(&connection(config(BinanceMarket::Spot, server.port)));
    let bars = Channel::Bars(Period::MINUTE);
    let (mut stream, mut peer) = subscribed(&mut server, &service, &[bars]).await;
    peer.say(&minute(100)).await;
    let before = minutes(&mut stream, 100).await;
    assert_eq!(before, (vec![100], 0));
    drop(peer);
    let mut peer = server.peer().await;
    peer.subscribed().await;
    peer.say(&minute(103)).await;
    minutes(&mut stream, 103).await
}

/// 11: bars that were missed are asked for again when the question fails. Where they cannot be
/// had, the reader is told that something is missing, and goes on with the next one.
#[tokio::test]
async fn failure_11_bars_that_are_fetched_late_or_never() {
    // The loss is that of the connection.
    assert_eq!(bars_after_failures(0).await, (vec![101, 102, 103], 1));
    assert_eq!(bars_after_failures(2).await, (vec![101, 102, 103], 1));
    assert_eq!(bars_after_failures(usize::MAX).await, (vec![103], 2));
}

/// 11: a question for what was missed that fails is not asked again at once, and each pause is
/// longer at most: no storm of questions at a venue that is in trouble.
#[tokio::test]
async fn failed_back_fills_are_asked_again_after_a_pause() {
    let mut server = Server::new(|asked| match asked.path.starts_with("/ws") {
        true => Reply::upgrade(),
        false => Reply::status(500, "", ""),
    })
    .await;
    let mut config = config(BinanceMarket::Spot, server.port);
    let second = std::time::Duration::from_secs(1);
    (config.session.pause, config.session.longest_pause) = (second, second);
    let service = BinanceMarketData::new(&connection(config));
    let (mut stream, mut peer) = subscribed(&mut server, &service, &[Channel::Trades]).await;
    for number in [7, 10] {
        peer.say(&trade(number)).await;
    }
    let missed = async { while !matches!(next(&mut stream).await, VenueEvent::Missed { .. }) {} };
    tokio::time::timeout(LONG, missed).await.expect("the hole is given up");
    let asked: Vec<_> = server.asked().into_iter().filter(|it| it.path.contains("/api")).collect();
    assert_eq!(asked.len(), 4, "once, and three times more");
    // The shortest pause that chance can draw is a hundredth of the longest.
    let apart = asked.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at));
    assert!(apart.min().unwrap() >= second / 100);
}

#[tokio::test]
async fn http_stands_in_for_streams_until_they_are_back() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static IS_UP: AtomicBool = AtomicBool::new(false);
    let polled = r#"{"symbol":"BTCUSDT","bidPrice":"98.0","bidQty":"1","askPrice":"99.0",
        "askQty":"1"}"#;
    let mut server = Server::new(move |asked| match asked.path.starts_with("/ws") {
        true if IS_UP.load(Ordering::SeqCst) => Reply::upgrade(),
        true => Reply::status(503, "", ""),
        false => Reply::ok(polled),
    })
    .await;
    let mut config = config(BinanceMarket::Spot, server.port);
    config.session.failures_to_poll = 2;
    config.poll_every = std::time::Duration::from_millis(20);
    let service = BinanceMarketData::new(&connection(config));
    let asked = [Subscription::new(BTC, Channel::Quotes)];
    let mut stream = service.subscribe(&asked).await.unwrap();
    assert_eq!(bid(&market_event(&mut stream).await), 98.0);
    until(&service, SessionState::Polling).await;
    assert!(service.counts().polls > 0);

    IS_UP.store(true, Ordering::SeqCst);
    let mut peer = server.peer().await;
    peer.subscribed().await;
    until(&service, SessionState::Live).await;
    peer.say(&quote(5, "97.0", "97.5")).await;
    let back = async { while bid(&market_event(&mut stream).await) != 97.0 {} };
    tokio::time::timeout(LONG, back).await.expect("the stream speaks again");
}

#[tokio::test]
async fn closing_loses_nothing_that_was_received() {
    let mut server = Server::new(upgrade_or("{}")).await;
    let service = BinanceMarketData::new(&connection(config(BinanceMarket::Spot, server.port)));
    let (mut stream, mut peer) = subscribed(&mut server, &service, &[Channel::Trades]).await;
    for number in 1..=500 {
        peer.say(&trade(number)).await;
    }
    // A pong proves that the frames before its ping were read.
    peer.ping(b"read").await;
    while !matches!(peer.frame().await, Some(tokio_tungstenite::tungstenite::Message::Pong(_))) {}
    let closing = tokio::spawn(peer.until_closed());
    service.close().await;
    closing.await.unwrap();
    assert_eq!(service.status(), SessionState::Closed);
    let mut told = 0;
    while let Some(event) = stream.next().await {
        told += u32::from(matches!(event, VenueEvent::News { .. }));
    }
    assert_eq!(told, 500);
    let asked = [Subscription::new(BTC, Channel::Quotes)];
    assert_eq!(service.subscribe(&asked).await.err(), Some(ExchangeError::Closed));
}

#[tokio::test]
async fn futures_have_two_addresses_and_spot_has_no_marks() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let futures =
        BinanceMarketData::new(&connection(config(BinanceMarket::UsdFutures, server.port)));
    let asked = [Channel::Quotes, Channel::Marks, Channel::Bars(Period::MINUTE)];
    let asked = asked.map(|channel| Subscription::new(BTC, channel));
    let _stream = futures.subscribe(&asked).await.unwrap();
    for _ in 0..2 {
        let mut peer = server.peer().await;
        let is_public = peer.path == "/public/ws";
        let (mut names, wanted) = (Vec::new(), if is_public { 1 } else { 2 });
        while names.len() < wanted {
            names.extend(peer.subscribed().await);
        }
        assert_eq!(peer.path, if is_public { "/public/ws" } else { "/market/ws" });
        assert_eq!(names.contains(&"btcusdt@bookTicker".to_owned()), is_public, "{names:?}");
    }
    let spot = BinanceMarketData::new(&connection(config(BinanceMarket::Spot, server.port)));
    let refused = spot.subscribe(&[Subscription::new(BTC, Channel::Marks)]).await;
    assert!(matches!(refused.err(), Some(ExchangeError::Unsupported { .. })));
}
