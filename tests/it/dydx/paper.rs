//! Paper trading on dYdX's market data: the indexer's history and streams, the runner, and
//! strategies of the registry; orders fill at the prices of the feed.

use std::sync::{Arc, Mutex};

use rust_decimal::Decimal;
use tradewright::backtest::Digest;
use tradewright::engine::{Engine, SlotConfig};
use tradewright::live::{
    BotPlan, BotSeat, BotStatus, DydxMarketData, ExitReport, PaperGateway, Runner, RunnerConfig,
    RunnerHandle, StopPolicy,
};
use tradewright::metrics::{MetricsSink, Tee};
use tradewright::prelude::*;
use tradewright::risk::FixedQuantity;
use tradewright::strategy::StrategyContext;
use tradewright::types::{Period, Record};
use tradewright::venue::{BarQuery, Channel, Clock, MarketStream, SessionState};

use super::live::{BITCOIN, Indexer, config, service, subscribe};
use super::polling::{Hour, candle, list, seconds, until};
use crate::live::server::{LONG, Reply, Server};

/// Every fill: side, quantity and price.
#[derive(Clone, Default)]
struct Fills(Arc<Mutex<Vec<(Side, Decimal, Decimal)>>>);

impl MetricsSink for Fills {
    fn record(&mut self, _: Timestamp, record: &Record<'_>) {
        if let Record::Filled { fill, .. } = record {
            let (execution, side) = (&fill.execution, fill.side);
            let fill = (side, execution.quantity.value(), execution.price.value());
            self.0.lock().unwrap().push(fill);
        }
    }
}

impl Fills {
    async fn first(&self) -> (Side, Decimal, Decimal) {
        let filled = async {
            loop {
                if let Some(fill) = self.0.lock().unwrap().first() {
                    return *fill;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LONG, filled).await.expect("a fill")
    }
}

fn table() -> Instruments {
    let mut table = Instruments::new();
    let bitcoin = Instrument::linear_perpetual("BTC-USD", "BTC", "USDC").tick("1").step("0.0001");
    table.add(bitcoin).unwrap();
    table
}

fn plan(
    strategy: &'static str,
    parameters: &'static str,
    fills: &Fills,
) -> BotPlan<Box<dyn Strategy>, Fills> {
    let fills = fills.clone();
    BotPlan::new("paper", move |epoch| {
        let (table, universe) = (table(), [BITCOIN]);
        let usdc = table.find_asset("USDC").unwrap();
        let context = StrategyContext::new(&table, &universe);
        let built = StrategyRegistry::new().build_json(strategy, parameters, &context).unwrap();
        let sizer = FixedQuantity::new(Decimal::new(5, 1)).unwrap();
        let slot = SlotConfig::new(built.strategy).trades(universe).sizer(sizer);
        let sink = Tee(Digest::new(), fills.clone());
        Engine::builder(table, usdc).epoch(epoch).slot(slot).sink(sink).build()
    })
}

/// A bot on paper that runs.
async fn run(
    clock: Arc<dyn Clock>,
    plan: BotPlan<Box<dyn Strategy>, Fills>,
    feed: MarketStream,
    history: Vec<(Timestamp, Bar)>,
) -> (RunnerHandle, tokio::task::JoinHandle<ExitReport>) {
    let config = SimConfig::default().with_balance("USDC", Decimal::from(1_000_000));
    let gateway = Box::new(PaperGateway::new(&table(), config).unwrap());
    let seat = BotSeat { plan, gateway, feed, history, files: None };
    let runner = Runner::new(clock, RunnerConfig::default()).bot(seat);
    let handle = runner.handle();
    let running = tokio::spawn(async move {
        let exit = runner.run().await.into_iter().next().unwrap();
        exit.outcome.unwrap()
    });
    let is_running = handle.wait_for("paper", |view| view.status == BotStatus::Running);
    tokio::time::timeout(LONG, is_running).await.unwrap().expect("the bot runs");
    (handle, running)
}

async fn connected(
    server: &mut Server,
    service: &DydxMarketData,
    channels: &[Channel],
    contents: &[(&str, &str, &str)],
) -> (MarketStream, Indexer) {
    let feed = subscribe(service, channels).await;
    let mut indexer = Indexer::new(server).await;
    for (channel, id, contents) in contents {
        indexer.subscribed(channel, id, contents).await;
    }
    until(service, SessionState::Live).await;
    (feed, indexer)
}

const BOOK: &str = r#"{"bids":[{"price":"100","size":"1"}],"asks":[{"price":"101","size":"2"}]}"#;

/// Closes fall for half an hour, and the strategy has seen them before it begins: the first bar
/// of the stream that closes higher is a cross, and what is bought is bought at the book's ask.
#[tokio::test]
async fn a_strategy_warms_up_on_candles_and_buys_at_the_books_ask() {
    let hour = Hour::at(5);
    let mut server = Server::new(|asked| match asked.path.as_str() {
        "/v4/ws" => Reply::upgrade(),
        path => {
            assert!(path.starts_with("/v4/candles/perpetualMarkets/BTC-USD?"), "{path}");
            let fall = (-30..=0).map(|minute| candle(minute, &format!("{}", 100 - minute)));
            Reply::ok(list("candles", fall.collect()))
        }
    })
    .await;
    let mut config = config(server.port);
    config.clock = Arc::<Hour>::clone(&hour);
    let service = service(config);
    let (instrument, period) = (BITCOIN, Period::MINUTE);
    let query = BarQuery { instrument, period, from: seconds(-1_800), to: seconds(5) };
    let history = service.bars(&query).await.unwrap();
    assert_eq!(history.len(), 30);

    let forming = list("candles", (-2..=0).map(|minute| candle(minute, "100")).collect());
    let channels = [Channel::Quotes, Channel::Bars(period)];
    let contents =
        [("v4_orderbook", "BTC-USD", BOOK), ("v4_candles", "BTC-USD/1MIN", forming.as_str())];
    let (feed, mut indexer) = connected(&mut server, &service, &channels, &contents).await;
    let fills = Fills::default();
    let plan = plan("EMA_CROSS", r#"{"fast": 2, "slow": 20}"#, &fills);
    let (handle, running) = run(Arc::<Hour>::clone(&hour), plan, feed, history).await;

    hour.set(61);
    let both = format!("{},{}", candle(0, "200"), candle(1, "200"));
    indexer.update("v4_candles", "BTC-USD/1MIN", &both).await;
    indexer.update("v4_orderbook", "BTC-USD", r#"{"asks":[["101","3"]]}"#).await;
    let half = Decimal::new(5, 1);
    assert_eq!(fills.first().await, (Side::Buy, half, Decimal::from(101)));
    handle.stop(StopPolicy::default()).await;
    let report = running.await.unwrap();
    assert_eq!(report.positions.len(), 1);
    assert_eq!((report.positions[0].quantity, report.is_reconciled), (half, true));
}

/// A market maker's resting bid is filled when the market trades through it, at its own price.
#[tokio::test]
async fn resting_orders_fill_when_the_market_trades_through_them() {
    let mut server = Server::new(|_| Reply::upgrade()).await;
    let service = service(config(server.port));
    let channels = [Channel::Quotes, Channel::Trades];
    let contents =
        [("v4_orderbook", "BTC-USD", BOOK), ("v4_trades", "BTC-USD", r#"{"trades":[]}"#)];
    let (feed, mut indexer) = connected(&mut server, &service, &channels, &contents).await;
    let fills = Fills::default();
    let parameters = r#"{"quantity": "0.01", "warmup_samples": 1, "horizon_seconds": 0.01}"#;
    let plan = plan("MARKET_MAKER", parameters, &fills);
    let clock: Arc<dyn Clock> = Arc::new(tradewright::live::SystemClock);
    let (handle, running) = run(clock, plan, feed, Vec::new()).await;
    let mut size = 2;
    let works = async {
        while !handle.views().iter().any(|view| view.working > 0) {
            size += 1;
            let change = format!(r#"{{"bids":[["100","{size}"]]}}"#);
            indexer.update("v4_orderbook", "BTC-USD", &change).await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, works).await.expect("a quote works");
    assert!(fills.0.lock().unwrap().is_empty());
    let print = r#"{"trades":[{"id":"a","side":"SELL","size":"5","price":"1","type":"LIMIT",
        "createdAt":"2025-08-05T04:00:00.000Z"}]}"#;
    indexer.update("v4_trades", "BTC-USD", print).await;
    let (side, quantity, price) = fills.first().await;
    assert_eq!((side, quantity), (Side::Buy, Decimal::new(1, 2)));
    assert!(price > Decimal::from(50), "at the order's price and not at the print's: {price}");
    handle.stop(StopPolicy::default()).await;
    assert!(running.await.unwrap().is_reconciled);
}
