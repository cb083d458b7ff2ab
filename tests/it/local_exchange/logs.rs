//! What the live parts tell the log of a day at work, and what they leave out.

use core::time::Duration;
use std::io::Write;

use futures::StreamExt;
use serde_json::Value;
use tradewright::config::{LogFormat, LogLevel, LogSettings};
use tradewright::live::BinanceMarketData;
use tradewright::local_exchange::{ExchangeConfig, Strike};
use tradewright::logging::{Logging, LoggingHandle};
use tradewright::venue::binance::BinanceMarket;
use tradewright::venue::{Channel, MarketDataStream, Subscription};

use super::bot::{Day, Log};
use super::live::{self, BTC, within};
use crate::logging::ask_all_subscribers;

/// Listens on this thread, which is all that a test runs on.
struct Listener {
    console: Log,
    handle: LoggingHandle,
    _listens: tracing::subscriber::DefaultGuard,
}

impl Listener {
    fn new(level: LogLevel) -> Self {
        ask_all_subscribers();
        let mut settings = LogSettings::default();
        settings.level = level;
        settings.format = LogFormat::Json;
        let console = Log::default();
        let logging = Logging::from_settings(&settings).unwrap().console(console.clone());
        let (subscriber, handle) = logging.subscriber().unwrap();
        let _listens = tracing::subscriber::set_default(subscriber);
        Self { console, handle, _listens }
    }

    fn lines(&mut self) -> Vec<Value> {
        self.handle.flush(Duration::from_secs(20)).unwrap();
        self.console.flush().unwrap();
        self.console.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn says(line: &Value, message: &str) -> bool {
    line["fields"]["message"] == message
}

/// The spans of a line, the outermost first.
fn spans(line: &Value) -> Vec<&str> {
    let spans = line["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
    spans.iter().map(|span| span["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_order_can_be_followed_from_the_bot_to_the_wire() {
    let mut listener = Listener::new(LogLevel::Debug);
    let mut day = Day::start("logs", ("key", "secret")).await;
    day.until_fills(3).await;
    day.exchange.strike(Strike::Cut);
    let fills = day.fills().await;
    day.until_fills(fills + 1).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    day.stop().await;

    let lines = listener.lines();
    let find = |message: &str| {
        let found = lines.iter().find(|line| says(line, message));
        found.unwrap_or_else(|| panic!("nothing says `{message}`"))
    };
    let sent = find("order sent");
    assert_eq!(sent["fields"]["symbol"], "BTCUSDT");
    assert_eq!(sent["spans"][0]["bot"], "maker");
    assert_eq!(sent["spans"][0]["run"], 1);
    let order = &sent["fields"]["order"];
    assert!(order.as_str().unwrap().starts_with("tw-1-"), "{sent}");

    let is_of = |line: &&Value| {
        line["spans"]
            .as_array()
            .is_some_and(|spans| spans.iter().any(|span| span["order"] == *order))
    };
    let answered = lines.iter().filter(is_of).find(|line| says(line, "answered"));
    let answered = answered.expect("an answer by HTTP");
    assert_eq!(answered["target"], "tradewright::live::requests");
    assert_eq!(spans(answered), ["bot", "request", "http"]);
    let (request, http) = (&answered["spans"][1], &answered["spans"][2]);
    assert_eq!((&request["request"], &request["symbol"]), (&"place".into(), &"BTCUSDT".into()));
    assert_eq!(
        (&http["venue"], &http["endpoint"]),
        (&"binance_futures".into(), &"place_order".into())
    );
    assert_eq!(http["attempt"], 1);
    assert!(answered["fields"]["latency_ms"].as_f64().unwrap() > 0.0, "{answered}");

    let lost = find("connection lost");
    assert_eq!((&lost["level"], spans(lost).last()), (&"WARN".into(), Some(&"connection")));
    let is_stream = |line: &&Value| spans(line) == ["market_data", "connection"];
    let connected: Vec<&Value> =
        lines.iter().filter(|line| says(line, "connected")).filter(is_stream).collect();
    assert!(connected.iter().any(|line| line["fields"]["is_again"] == true), "{connected:?}");
    for message in [
        "bot begins",
        "subscribing",
        "market data",
        "the account's news are current",
        "news may be missing",
        "order accepted",
        "order filled",
        "picture of the account",
        "notice",
        "snapshot kept",
        "stopping",
        "cancel sent",
        "bot ended",
        "connection closed",
    ] {
        find(message);
    }
    let of_a_bot = lines.iter().filter(|line| line["target"] == "tradewright::live::runner::log");
    for line in of_a_bot {
        assert_eq!(spans(line).first(), Some(&"bot"), "{line}");
    }
}

/// A market tells more than anybody reads: the log has its connections and not its messages, on
/// the lowest level too.
#[tokio::test]
async fn messages_of_the_market_are_not_told_one_by_one() {
    let mut listener = Listener::new(LogLevel::Trace);
    let exchange = live::exchange(ExchangeConfig::sample(7), 2).await;
    let connection = live::connection(live::config(&exchange, BinanceMarket::Spot));
    let market = BinanceMarketData::new(&connection);
    let channels = [Channel::Trades, Channel::Quotes, Channel::Book { levels: 20 }];
    let asked = channels.map(|channel| Subscription::new(BTC, channel));
    let mut stream = market.subscribe(&asked).await.unwrap();
    within("events", async {
        for _ in 0..500 {
            stream.next().await.expect("an open stream");
        }
    })
    .await;
    let frames = market.counts().frames;
    let lines = listener.lines();
    assert!(frames > 150, "{frames}");
    let ours = lines.iter().filter(|line| {
        line["target"].as_str().is_some_and(|target| target.starts_with("tradewright"))
    });
    let count = ours.count();
    assert!((5..60).contains(&count), "{count} lines of {frames} messages:\n{lines:#?}");
    market.close().await;
}
