//! The failures of the field, by their numbers, over real sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio_tungstenite::tungstenite::Message;
use tradewright::live::BinanceMarketData;
use tradewright::types::{InstrumentId, MarketEvent, Timestamp};
use tradewright::venue::binance::BinanceMarket;
use tradewright::venue::{
    Channel, ExchangeError, MarketDataStream, MarketNews, Subscription, VenueEvent,
};

use super::market::{BTC, bid, market_event, next, subscribed};
use super::server::{LONG, Reply, Server, config, connection, depth, quote, trade};

const BOOK: &str = r#"{"lastUpdateId":10,"bids":[["99.0","1.0"]],"asks":[["101.0","1.0"]]}"#;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// 1: the peer is silent, pings included, and its socket stays open: a new connection is made,
/// and the reader is told.
#[tokio::test]
async fn failure_01_half_open() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let mut config = config(BinanceMarket::Spot, server.port);
    (config.session.ping_every, config.session.dead_after) = (millis(50), millis(200));
    let service = BinanceMarketData::new(&connection(config));
    let (mut stream, silent) = subscribed(&mut server, &service, &[Channel::Quotes]).await;
    assert!(matches!(next(&mut stream).await, VenueEvent::Started { .. }));
    assert!(matches!(next(&mut stream).await, VenueEvent::Lost { .. }));
    let mut peer = server.peer().await;
    peer.subscribed().await;
    assert!(matches!(next(&mut stream).await, VenueEvent::Started { .. }));
    drop(silent);
}

/// 2: pings are answered and nothing else is said: the stream is lost, subscribed anew on the
/// same connection, and only when that does not help the connection is given up.
#[tokio::test]
async fn failure_02_mute() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let mut config = config(BinanceMarket::Spot, server.port);
    config.session.most_silent = millis(50);
    config.mute_after = millis(200);
    let service = BinanceMarketData::new(&connection(config));
    let (mut stream, mut peer) = subscribed(&mut server, &service, &[Channel::Quotes]).await;
    assert!(matches!(next(&mut stream).await, VenueEvent::Started { .. }));
    assert!(matches!(next(&mut stream).await, VenueEvent::Lost { .. }));
    assert_eq!(peer.subscribed().await, ["btcusdt@bookTicker"]);
    let mute = tokio::spawn(peer.until_closed());
    let mut second = server.peer().await;
    second.subscribed().await;
    mute.await.unwrap();
    assert_eq!(service.counts().attempts, 2);
}

/// 3: a pong with the same payload leaves at once, while nothing else is going on.
#[tokio::test]
async fn failure_03_pongs_leave() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let service = BinanceMarketData::new(&connection(config(BinanceMarket::Spot, server.port)));
    let (_stream, mut peer) = subscribed(&mut server, &service, &[Channel::Quotes]).await;
    for payload in [&b"1700000000123"[..], b"x"] {
        peer.ping(payload).await;
        let Some(Message::Pong(answer)) = peer.frame().await else { panic!("no pong") };
        assert_eq!(answer, payload);
    }
}

/// 4 and 5: at the venue's notice, and by age, the service moves to a new connection while the
/// old one goes on: no quote or trade is lost or told twice, and the book needs no new snapshot.
#[tokio::test]
async fn failure_04_and_05_moves_lose_nothing() {
    for by_age in [false, true] {
        let mut server = Server::new(|asked| match asked.path.starts_with("/ws") {
            true => Reply::upgrade(),
            false => Reply::ok(BOOK),
        })
        .await;
        let mut config = config(BinanceMarket::Spot, server.port);
        if by_age {
            config.session.rotate_after = millis(300);
        }
        let service = BinanceMarketData::new(&connection(config));
        let channels = [Channel::Trades, Channel::Book { levels: 3 }];
        let (mut stream, mut old) = subscribed(&mut server, &service, &channels).await;
        assert_eq!(bid(&market_event(&mut stream).await), 99.0);
        if !by_age {
            old.say(r#"{"e":"serverShutdown","E":1700000000000}"#).await;
        }
        let mut new = server.peer().await;
        // Both speak: first the old one alone, then both, then the new one alone.
        old.say(&trade(1)).await;
        old.say(&depth("BTCUSDT", 11, 11, "99.1")).await;
        let mut names = 0;
        while names < 2 {
            names += new.subscribed().await.len();
        }
        for peer in [&mut old, &mut new] {
            peer.say(&trade(2)).await;
            peer.say(&depth("BTCUSDT", 12, 12, "99.2")).await;
        }
        old.until_closed().await;
        new.say(&trade(3)).await;
        new.say(&depth("BTCUSDT", 13, 13, "99.3")).await;
        let (mut trades, mut best) = (Vec::new(), 0.0);
        while trades.len() < 3 || best < 99.3 {
            match next(&mut stream).await {
                VenueEvent::News { news: MarketNews::Event(sighting), .. } => {
                    match &sighting.event {
                        MarketEvent::Print(_) => trades.push(sighting.number.unwrap()),
                        event => best = bid(event),
                    }
                }
                VenueEvent::Started { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(trades, [1, 2, 3]);
        let snapshots = server.asked().iter().filter(|asked| asked.path.contains("depth")).count();
        assert_eq!((snapshots, service.counts().rotations), (1, 1));
    }
}

/// 8: forty books want snapshots together and the venue says 429: nothing is asked until its
/// hour, and all books come.
#[tokio::test]
async fn failure_08_snapshot_storm() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let mut server = Server::new(move |request| {
        if request.path.starts_with("/ws") {
            return Reply::upgrade();
        }
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::status(429, "Retry-After: 1\r\n", r#"{"code":-1003,"msg":"Too many."}"#),
            _ => Reply::ok(BOOK),
        }
    })
    .await;
    let config = config(BinanceMarket::Spot, server.port);
    let service = BinanceMarketData::new(&connection(config));
    let books: Vec<_> = (0..40)
        .map(|index| Subscription::new(InstrumentId(index), Channel::Book { levels: 1 }))
        .collect();
    let mut stream = service.subscribe(&books).await.unwrap();
    let mut peer = server.peer().await;
    let mut names = 0;
    while names < 40 {
        names += peer.subscribed().await.len();
    }
    let mut live = std::collections::BTreeSet::new();
    while live.len() < 40 {
        if let VenueEvent::Started { subscription, .. } = next(&mut stream).await {
            live.insert(subscription);
        }
    }
    let requests: Vec<_> =
        server.asked().into_iter().filter(|asked| asked.path.contains("depth")).collect();
    let first = requests[0].at;
    let early = |at: Instant| at.duration_since(first);
    // Those that were on their way already may arrive; then there is silence for a second.
    let mut times: Vec<Duration> = requests.iter().map(|request| early(request.at)).collect();
    times.sort();
    let after = times.iter().filter(|time| **time > millis(500)).min().unwrap();
    assert!(*after >= millis(950), "{after:?}");
}

/// 9: all connections together stay within the budget of attempts.
#[tokio::test]
async fn failure_09_reconnect_storm() {
    let mut server = Server::new(|_| Reply::status(503, "", "")).await;
    let mut config = config(BinanceMarket::UsdFutures, server.port);
    config.session.most_attempts = 6;
    config.session.pause = millis(1);
    config.session.longest_pause = millis(2);
    let service = BinanceMarketData::new(&connection(config));
    // Two addresses, and so two sessions.
    let asked = [Channel::Quotes, Channel::Ticker].map(|channel| Subscription::new(BTC, channel));
    let _stream = service.subscribe(&asked).await.unwrap();
    let failed = async {
        while service.counts().failures < 10 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, failed).await.expect("attempts that are not made fail, too");
    let attempts = server.asked().iter().filter(|asked| asked.path.contains("/ws")).count();
    assert!(attempts <= 6, "{attempts}");
    assert!(server.ready_peer().is_none());
}

/// 10: many subscriptions leave in few messages, and those apart in time.
#[tokio::test]
async fn failure_10_subscribe_flood() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let mut config = config(BinanceMarket::Spot, server.port);
    config.messages_apart = millis(200);
    let service = BinanceMarketData::new(&connection(config));
    let channels = [Channel::Quotes, Channel::Trades, Channel::Ticker];
    let asked =
        (0..50).flat_map(|id| channels.map(|channel| Subscription::new(InstrumentId(id), channel)));
    let _stream = service.subscribe(&asked.collect::<Vec<_>>()).await.unwrap();
    let mut peer = server.peer().await;
    let (mut names, mut times) = (Vec::new(), Vec::new());
    while names.len() < 150 {
        names.extend(peer.subscribed().await);
        times.push(Instant::now());
    }
    assert!(times.len() <= 5, "{} messages", times.len());
    assert!(times.windows(2).all(|pair| pair[1].duration_since(pair[0]) >= millis(150)));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 150);
}

/// 21: kinds that nobody knows are counted, frames that are none, too, and the stream goes on.
#[tokio::test]
async fn failure_21_unknown_events() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let service = BinanceMarketData::new(&connection(config(BinanceMarket::Spot, server.port)));
    let (mut stream, mut peer) = subscribed(&mut server, &service, &[Channel::Quotes]).await;
    peer.say(r#"{"e":"newKindOf2027","s":"BTCUSDT"}"#).await;
    peer.say("no JSON").await;
    peer.say(&quote(1, "100.0", "100.5")).await;
    assert_eq!(bid(&market_event(&mut stream).await), 100.0);
    let counts = service.counts();
    assert_eq!((counts.unknown, counts.unreadable, counts.failures), (1, 1, 0));
}

/// 22: a reader that does not read has the newest quote and the first trades, knows how many it
/// has lost, and holds nobody up.
#[tokio::test]
async fn failure_22_slow_consumer() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let mut config = config(BinanceMarket::Spot, server.port);
    config.reader_queue = 10;
    let service = BinanceMarketData::new(&connection(config));
    let channels = [Channel::Quotes, Channel::Trades];
    let (mut slow, mut peer) = subscribed(&mut server, &service, &channels).await;
    let mut quick = service.subscribe(&[Subscription::new(BTC, Channel::Quotes)]).await.unwrap();
    for number in 1..=100 {
        peer.say(&trade(number)).await;
        peer.say(&quote(number, &format!("{number}.0"), "200.0")).await;
    }
    while bid(&market_event(&mut quick).await) != 100.0 {}
    let (mut quotes, mut trades, mut lagged) = (Vec::new(), 0, 0);
    while lagged == 0 || quotes.is_empty() {
        match next(&mut slow).await {
            VenueEvent::News { news: MarketNews::Event(sighting), .. } => match sighting.event {
                MarketEvent::Quote(quote) => quotes.push(quote.bid),
                _ => trades += 1,
            },
            VenueEvent::Lagged { events } => lagged = events,
            _ => {}
        }
    }
    assert_eq!(quotes, [100.0]);
    assert_eq!(trades + lagged, 100);
    assert!(trades > 0 && trades <= 10);
    assert_eq!(service.counts().dropped, lagged);
}

/// 23: a ban whose end stands in the text alone stops requests and connections until then.
#[tokio::test]
async fn failure_23_ban_text() {
    let until = 4_000_000_000_000_i64;
    let text = format!(
        r#"{{"code":-1003,"msg":"Way too much request weight used; IP banned until {until}. x"}}"#
    );
    let server = Server::new(move |_| Reply::status(418, "", &text)).await;
    let connection = connection(config(BinanceMarket::Spot, server.port));
    let banned = Timestamp::from_millis(until).unwrap();
    let refused = ExchangeError::Throttled { until: banned };
    assert_eq!(connection.measure_clock().await, Err(refused.clone()));
    assert_eq!(connection.blocked_until(), Some(banned));
    assert_eq!(connection.measure_clock().await, Err(refused));
    let service = BinanceMarketData::new(&connection);
    let mut stream = service.subscribe(&[Subscription::new(BTC, Channel::Quotes)]).await.unwrap();
    let quiet = async {
        while service.counts().failures == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, quiet).await.expect("an attempt that is not made");
    assert_eq!(server.asked().len(), 1, "one request has learnt it, and nothing else was sent");
    assert!(futures::FutureExt::now_or_never(stream.next()).is_none());
}
