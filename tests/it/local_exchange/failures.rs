//! What goes wrong with streams, from the exchange's side: trades and bars that are missed,
//! fills that come twice, subscriptions that have to be made again or are refused.

use core::time::Duration;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use tradewright::live::{BinanceConfig, BinanceMarketData};
use tradewright::local_exchange::{Chaos, ExchangeConfig, LocalExchange, Prices, Refusal, Strike};
use tradewright::types::{Bar, Instrument, MarketEvent, Period, Quote, Timestamp};
use tradewright::venue::binance::BinanceMarket;
use tradewright::venue::{
    Channel, MarketDataStream, MarketNews, MarketSighting, MarketStream, Subscription, VenueEvent,
};

use super::bot::Day;
use super::live::{BTC, ETH, config, connection, exchange, next, within};

fn refusal(exchange: &LocalExchange, status: u16, wait: Duration) {
    let until = exchange.with(|_, at| at.after(wait));
    let refusal = Some(Refusal { status, until });
    exchange.set_chaos(Chaos { refusal, ..Chaos::default() });
}

async fn sighting(stream: &mut MarketStream) -> MarketSighting {
    loop {
        match next(stream).await {
            VenueEvent::News { news: MarketNews::Event(sighting), .. } => return sighting,
            VenueEvent::Missed { from, to, .. } => panic!("missed {from} to {to}"),
            _ => {}
        }
    }
}

/// 11: connections are cut, and events come twice and out of order: each trade is told once, in
/// order, and none is missing.
#[tokio::test]
async fn failure_11_trades_missed_at_a_local_exchange() {
    let exchange = exchange(ExchangeConfig::sample(7), 50).await;
    exchange.set_chaos(Chaos { duplicate: 0.3, reorder: 0.05, ..Chaos::default() });
    let service = BinanceMarketData::new(&connection(config(&exchange, BinanceMarket::Spot)));
    let asked = [Subscription::new(BTC, Channel::Trades)];
    let mut stream = service.subscribe(&asked).await.unwrap();
    let mut expected = sighting(&mut stream).await.number.unwrap();
    for _ in 0..3 {
        for _ in 0..30 {
            expected += 1;
            assert_eq!(sighting(&mut stream).await.number, Some(expected));
        }
        let attempts = service.counts().attempts;
        exchange.strike(Strike::Cut);
        attempted(&service, attempts).await;
    }
    let counts = service.counts();
    assert!(counts.repeated_trades > 10, "{counts:?}");
    assert_eq!(counts.missed_trades, 0);
}

/// Waits for another attempt to connect.
async fn attempted(service: &BinanceMarketData, before: u64) {
    within("another attempt", async {
        while service.counts().attempts == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// 11: a hole that the exchange's own list does not reach back to is told.
#[tokio::test]
async fn failure_11_trades_that_a_local_exchange_has_forgotten() {
    let bitcoin = Instrument::spot("BTCUSDT", "BTC", "USDT").tick("0.01").step("0.00001");
    let prices = Prices::Generated { start: Decimal::from(60_000), step_bp: 0.3 };
    let exchange = exchange(ExchangeConfig::new(7).with_spot(bitcoin, prices), 5).await;
    let service = BinanceMarketData::new(&connection(config(&exchange, BinanceMarket::Spot)));
    let asked = [Subscription::new(BTC, Channel::Trades)];
    let mut stream = service.subscribe(&asked).await.unwrap();
    let before = sighting(&mut stream).await.number.unwrap();
    exchange.set_chaos(Chaos { muted: vec!["aggTrade".to_owned()], ..Chaos::default() });
    // The list holds a thousand trades: five seconds of them.
    tokio::time::sleep(Duration::from_secs(7)).await;
    exchange.set_chaos(Chaos::default());
    let mut told = before;
    within("a hole that is told", async {
        loop {
            match next(&mut stream).await {
                VenueEvent::Missed { from, to, .. } => {
                    assert_eq!(from, told + 1);
                    assert!(to >= from);
                    return;
                }
                VenueEvent::News { news: MarketNews::Event(sighting), .. } => {
                    let number = sighting.number.unwrap();
                    assert_eq!(number, told + 1, "a hole that is not told");
                    told = number;
                }
                _ => {}
            }
        }
    })
    .await;
    assert!(service.counts().missed_trades > 0);
}

fn bar(sighting: &MarketSighting) -> Bar {
    match &sighting.event {
        MarketEvent::Bar(bar) => *bar,
        other => panic!("{other:?}"),
    }
}

/// 11: bars that have closed while there was no connection are fetched and told in order.
#[tokio::test]
async fn failure_11_bars_missed_at_a_local_exchange() {
    let exchange = exchange(ExchangeConfig::sample(7), 100).await;
    let service = BinanceMarketData::new(&connection(config(&exchange, BinanceMarket::Spot)));
    let second = Period::seconds(1);
    let asked = [Subscription::new(BTC, Channel::Bars(second))];
    let mut stream = service.subscribe(&asked).await.unwrap();
    let first = sighting(&mut stream).await;
    let (mut at, mut close) = (first.at.unwrap(), bar(&first).close);
    refusal(&exchange, 503, Duration::from_millis(3_500));
    exchange.strike(Strike::Cut);
    for _ in 0..6 {
        let told = sighting(&mut stream).await;
        assert_eq!(told.at.unwrap().since(at), Duration::from_secs(1), "a bar is missing");
        // The walk is slow: neighbours are close.
        assert!((bar(&told).open / close - 1.0).abs() < 0.01);
        (at, close) = (told.at.unwrap(), bar(&told).close);
    }
    assert!(service.counts().failures > 0, "it was away");
}

/// 12: every event of user data comes twice: each fill is booked once, and in the end the bot has
/// what the exchange says.
#[tokio::test]
async fn failure_12_fills_that_come_twice() {
    let mut day = Day::start("twice", ("local-key", "local-secret")).await;
    day.exchange.set_chaos(Chaos { duplicate: 1.0, ..Chaos::default() });
    day.until_fills(10).await;
    let (ours, theirs, fills) = day.stop().await;
    assert!(fills >= 10);
    assert_eq!(ours, theirs);
    let positions = day.explained.iter().filter(|text| text.contains("Position")).count();
    assert_eq!(positions, 0, "{:?}", day.explained);
}

/// 14: for two seconds nothing can be asked and nothing is heard, while orders go on to be filled:
/// the bot compares before it goes on, and in the end has what the exchange says.
#[tokio::test]
async fn failure_14_fills_while_nobody_listens() {
    let mut day = Day::start("deaf", ("local-key", "local-secret")).await;
    day.until_fills(5).await;
    for _ in 0..2 {
        refusal(&day.exchange, 503, Duration::from_secs(2));
        day.exchange.strike(Strike::Cut);
        tokio::time::sleep(Duration::from_millis(2_200)).await;
        day.exchange.set_chaos(Chaos::default());
        let fills = day.fills().await;
        day.until_fills(fills + 5).await;
    }
    let (ours, theirs, _) = day.stop().await;
    assert_eq!(ours, theirs);
    assert!(day.market.counts().failures > 0, "it was away");
}

/// Quotes by instrument.
fn quote(event: &VenueEvent) -> Option<Quote> {
    match event {
        VenueEvent::News { news: MarketNews::Event(sighting), .. } => match sighting.event {
            MarketEvent::Quote(quote) => Some(quote),
            _ => None,
        },
        _ => None,
    }
}

/// 19: what was subscribed is the client's to know: after each cut every stream speaks again, for
/// the instrument that it is of, also one that was asked for while there was no connection.
#[tokio::test]
async fn failure_19_resubscription_at_a_local_exchange() {
    let exchange = exchange(ExchangeConfig::sample(7), 20).await;
    let service = BinanceMarketData::new(&connection(config(&exchange, BinanceMarket::Spot)));
    let channels = [Channel::Trades, Channel::Book { levels: 5 }, Channel::Quotes];
    let asked = channels.map(|channel| Subscription::new(BTC, channel));
    let mut first = service.subscribe(&asked).await.unwrap();
    refusal(&exchange, 503, Duration::from_millis(300));
    exchange.strike(Strike::Cut);
    let asked = [Subscription::new(ETH, Channel::Quotes)];
    let mut second = service.subscribe(&asked).await.unwrap();
    for round in 0..3 {
        let mut heard = BTreeMap::new();
        within("all streams", async {
            while heard.len() < channels.len() {
                if let VenueEvent::News { news: MarketNews::Event(sighting), .. } =
                    next(&mut first).await
                {
                    let (kind, price) = match sighting.event {
                        MarketEvent::Quote(quote) => ("quote", quote.bid),
                        MarketEvent::Print(print) => ("print", print.price),
                        MarketEvent::Book(book) => ("book", book.bids[0].price),
                        other => panic!("{other:?}"),
                    };
                    assert!((40_000.0..80_000.0).contains(&price), "{kind} {price}");
                    heard.insert(kind, price);
                }
            }
            loop {
                if let Some(quote) = quote(&next(&mut second).await) {
                    assert_eq!(quote.instrument, ETH);
                    assert!((1_500.0..4_000.0).contains(&quote.bid), "{quote:?}");
                    break;
                }
            }
        })
        .await;
        if round < 2 {
            let attempts = service.counts().attempts;
            exchange.strike(Strike::Cut);
            // What is heard from now on is the next connection's.
            attempted(&service, attempts).await;
            while futures::FutureExt::now_or_never(futures::StreamExt::next(&mut first)).is_some() {
            }
        }
    }
}

/// 20: a subscription is answered by an error: it alone is asked for again, and the others go on.
#[tokio::test]
async fn failure_20_subscriptions_refused_by_a_local_exchange() {
    let exchange = exchange(ExchangeConfig::sample(7), 20).await;
    let service = BinanceMarketData::new(&connection(config(&exchange, BinanceMarket::Spot)));
    let asked = [Subscription::new(BTC, Channel::Quotes)];
    let mut bitcoin = service.subscribe(&asked).await.unwrap();
    while quote(&next(&mut bitcoin).await).is_none() {}
    exchange.set_chaos(Chaos { refused_subscription: 1.0, ..Chaos::default() });
    let asked = [Subscription::new(ETH, Channel::Quotes)];
    let mut ether = service.subscribe(&asked).await.unwrap();
    let early = tokio::time::timeout(Duration::from_secs(1), futures::StreamExt::next(&mut ether));
    assert!(early.await.is_err(), "nothing is told before it is subscribed");
    exchange.set_chaos(Chaos::default());
    assert!(matches!(next(&mut ether).await, VenueEvent::Started { .. }));
    while quote(&next(&mut ether).await).is_none() {}
    assert!(quote(&next(&mut bitcoin).await).is_some(), "neither lost nor started anew");
    assert_eq!(service.counts().attempts, 1);
}

/// 20: a snapshot is answered by an error: it is asked for again, on the connection that stands.
#[tokio::test]
async fn failure_20_snapshots_refused_by_a_local_exchange() {
    let exchange = exchange(ExchangeConfig::sample(7), 20).await;
    let service = BinanceMarketData::new(&connection(config(&exchange, BinanceMarket::Spot)));
    let asked = [Subscription::new(BTC, Channel::Quotes)];
    let mut quotes = service.subscribe(&asked).await.unwrap();
    while quote(&next(&mut quotes).await).is_none() {}
    refusal(&exchange, 500, Duration::from_secs(2));
    let asked_at = std::time::Instant::now();
    let asked = [Subscription::new(BTC, Channel::Book { levels: 5 })];
    let mut books = service.subscribe(&asked).await.unwrap();
    assert!(matches!(next(&mut books).await, VenueEvent::Started { .. }));
    assert!(asked_at.elapsed() >= Duration::from_millis(1_500), "it was refused at first");
    assert!(matches!(sighting(&mut books).await.event, MarketEvent::Book(_)));
    assert_eq!(service.counts().attempts, 1);
}

/// 4: a user stream is moved before the venue ends it: the reader is told what to do, orders that
/// are filled meanwhile are told, and the position agrees.
#[tokio::test]
async fn failure_04_user_streams_move() {
    let shorter = |config: &mut BinanceConfig| {
        config.session.rotate_after = Duration::from_millis(800);
    };
    let mut day = Day::start_with("moves", ("local-key", "local-secret"), shorter).await;
    day.until_fills(30).await;
    let (ours, theirs, fills) = day.stop().await;
    assert!(fills >= 30);
    assert_eq!(ours, theirs);
    assert!(ours.abs() < Decimal::from(10));
    assert!(day.exchange.with(|_, at| at) > Timestamp::EPOCH);
}
