//! Every metric of the edge is moved by the parts that it is about: a bot that trades on the local
//! exchange, is cut off, is not answered, and starts again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tradewright::backtest::Digest;
use tradewright::engine::{Control, Engine, SlotConfig};
use tradewright::live::{
    BinanceClient, BinanceConfig, BinanceConnection, BinanceMarketData, BinanceNetwork, BotExit,
    BotPlan, BotSeat, BotStatus, ExchangeGateway, Runner, RunnerConfig, RunnerHandle, SessionFiles,
    StopPolicy, Stopwatch, SystemClock,
};
use tradewright::local_exchange::{Account, Chaos, ExchangeConfig, LocalExchange, Prices, Strike};
use tradewright::metrics::{
    EdgeMetrics, EdgeNews, EdgeSink, Feed, MetricsExporter, Registry, Snapshot, Tee, catalogue,
};
use tradewright::prelude::*;
use tradewright::types::{InstrumentBuilder, MarketEvent, OperatingMode, Quote};
use tradewright::venue::binance::{BinanceMarket, Credentials, SecretString};
use tradewright::venue::{
    Channel, Clock, MarketDataStream, MarketNews, MarketSighting, Subscription, Symbols, VenueEvent,
};

const BTC: InstrumentId = InstrumentId(0);
const BOT: &str = "turner";
/// Whatever is waited for comes within this, or the test fails.
const LONG: Duration = Duration::from_secs(60);

/// Is long and flat in turn.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Turns(u32);

impl Strategy for Turns {
    fn name(&self) -> &str {
        "TURNS"
    }

    fn on_event(&mut self, event: &Event<'_>, _: &Facts<'_>, advice: &mut Advice) {
        if matches!(event, Event::Market(_)) {
            self.0 += 1;
            match self.0 % 8 {
                2 => advice.target(BTC, Qty::new("0.01".parse().unwrap())),
                6 => advice.target(BTC, Qty::ZERO),
                _ => {}
            }
        }
    }
}

/// Notes whether anything ever waited in a queue; gauges fall back to zero at once.
#[derive(Debug)]
struct Watched {
    metrics: EdgeMetrics,
    has_waited: AtomicBool,
}

impl EdgeSink for Watched {
    fn tell(&self, news: &EdgeNews) {
        self.metrics.tell(news);
        let waits = || self.metrics.registry().snapshot().total("trading_queue_depth") > 0.0;
        if matches!(news, EdgeNews::QueueMoved { to, .. } if *to > 0) && waits() {
            self.has_waited.store(true, Ordering::Relaxed);
        }
    }
}

fn perpetual() -> InstrumentBuilder {
    Instrument::linear_perpetual("BTCUSDT", "BTC", "USDT").tick("0.1").step("0.001")
}

fn table() -> Instruments {
    let mut table = Instruments::new();
    table.add(perpetual()).unwrap();
    table
}

fn plan(registry: &Registry) -> BotPlan<Stopwatch<Turns>, ()> {
    let exporter = MetricsExporter::new(registry.clone());
    let mut plan = BotPlan::new(BOT, move |epoch| {
        let strategy = Stopwatch::new(Turns::default(), Arc::new(SystemClock), exporter.clone());
        let usdt = table().find_asset("USDT").unwrap();
        let builder = Engine::builder(table(), usdt).epoch(epoch).slot(SlotConfig::new(strategy));
        builder.sink(Tee(Digest::new(), ())).build()
    });
    plan.config.reconcile.every = Duration::from_millis(500);
    plan.config.reconcile.settle = Duration::from_millis(100);
    plan
}

struct Process {
    market: BinanceMarketData,
    handle: RunnerHandle,
    running: tokio::task::JoinHandle<Vec<BotExit>>,
}

async fn start(exchange: &LocalExchange, files: &SessionFiles, edge: &Arc<Watched>) -> Process {
    let registry = edge.metrics.registry();
    let network = BinanceNetwork::Local { port: exchange.address().port() };
    let mut config = BinanceConfig::new(BinanceMarket::UsdFutures, network).unwrap();
    config.edge = Arc::<Watched>::clone(edge);
    let connection = BinanceConnection::new(config, Symbols::of(&table())).unwrap();
    let credentials = Credentials::hmac("key", &SecretString::from("secret")).unwrap();
    let client = Arc::new(BinanceClient::new(&connection, &table(), credentials));
    let market = BinanceMarketData::new(&connection);
    let channels = [Channel::Quotes, Channel::Book { levels: 5 }];
    let asked = channels.map(|channel| Subscription::new(BTC, channel));
    let feed = market.subscribe(&asked).await.unwrap();
    // Bid above ask: no engine takes it.
    let (bid, ask, bid_quantity, ask_quantity) = (2.0, 1.0, 1.0, 1.0);
    let quote = Quote { instrument: BTC, bid, ask, bid_quantity, ask_quantity };
    let sighting = MarketSighting { event: MarketEvent::Quote(quote), at: None, number: None };
    let unsound = VenueEvent::News { at: SystemClock.wall(), news: MarketNews::Event(sighting) };
    let feed = futures::stream::iter([unsound]).chain(feed).boxed();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let gateway = ExchangeGateway::connect(client, Arc::clone(&clock), &table()).await.unwrap();
    let (plan, gateway, history) = (plan(registry), Box::new(gateway), Vec::new());
    let seat = BotSeat { plan, gateway, feed, history, files: Some(files.clone()) };
    let runner = Runner::new(clock, RunnerConfig::default()).bot(seat);
    let runner = runner.metrics(MetricsExporter::new(registry.clone()));
    let handle = runner.handle();
    Process { market, handle, running: tokio::spawn(runner.run()) }
}

async fn until(registry: &Registry, what: &str, mut is_so: impl FnMut(&Snapshot) -> bool) {
    let reached = async {
        while !is_so(&registry.snapshot()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reached = tokio::time::timeout(LONG, reached).await;
    assert!(reached.is_ok(), "{what}:\n{}", registry.snapshot());
}

fn moved_at(snapshot: &Snapshot, name: &str, labels: &[(&str, &str)]) -> bool {
    snapshot.value(name, labels).is_some_and(|value| value > 0.0)
}

#[tokio::test]
async fn every_metric_of_the_edge_is_moved() {
    let edge_metrics = EdgeMetrics::new(Registry::new());
    let registry = edge_metrics.registry().clone();
    let edge = Arc::new(Watched { metrics: edge_metrics, has_waited: AtomicBool::new(false) });
    let first = values(&registry);
    let folder = std::env::temp_dir().join(format!("tradewright-edge-{}", std::process::id()));
    let files = SessionFiles::new(&folder, BOT).unwrap();
    let prices = Prices::Generated { start: Decimal::from(50_000), step_bp: 2.0 };
    let account = Account::hmac("key", "secret").with_futures("USDT", Decimal::from(10_000));
    let config = ExchangeConfig::new(42).with_futures(perpetual(), prices).with_account(account);
    let exchange = LocalExchange::start(config).await.unwrap();

    let process = start(&exchange, &files, &edge).await;
    let running = process.handle.wait_for(BOT, |view| view.status == BotStatus::Running);
    assert!(running.await.is_some(), "the bot has ended");
    let placed = [("exchange", "binance_futures"), ("endpoint", "place_order")];
    until(&registry, "no order", |now| {
        moved_at(now, "exchange_api_calls_total", &placed)
            && now.total("trading_frame_to_order_seconds") > 0.0
            && moved_at(now, "trading_margin_available", &[])
    })
    .await;
    let normal = [("mode", "normal")];
    assert!(moved_at(&registry.snapshot(), "trading_degradation_mode", &normal));
    process.handle.control(BOT, Control::Mode(OperatingMode::Degraded)).await;
    let degraded = [("mode", "degraded")];
    until(&registry, "no mode", |now| {
        moved_at(now, "trading_degradation_mode", &degraded)
            && now.value("trading_degradation_mode", &normal) == Some(0.0)
    })
    .await;

    exchange.set_chaos(Chaos { gap: 0.5, ..Chaos::default() });
    until(&registry, "no gap", |now| now.total("trading_market_data_gaps_total") > 0.0).await;
    exchange.set_chaos(Chaos { lost_request: 1.0, ..Chaos::default() });
    let failed = [("result", "failed")];
    until(&registry, "no failure", |now| {
        now.total("exchange_api_errors_total") > 0.0
            && moved_at(now, "trading_reconciliations_total", &failed)
    })
    .await;
    exchange.set_chaos(Chaos::default());
    exchange.strike(Strike::Cut);
    until(&registry, "no reconnection", |now| {
        now.total("websocket_reconnects_total") > 0.0 && now.total("websocket_errors_total") > 0.0
    })
    .await;
    end(process).await;

    let process = start(&exchange, &files, &edge).await;
    until(&registry, "no restart", |now| {
        now.total("trading_restarts_total") == 1.0
            && now.total("trading_websocket_connections") > 0.0
            && now.total("websocket_connections_active") > 0.0
    })
    .await;
    let last = values(&registry);
    end(process).await;
    until(&registry, "a connection is left", |now| {
        now.total("trading_websocket_connections") == 0.0
            && now.total("websocket_connections_active") == 0.0
    })
    .await;
    // Whoever still asks the venue something holds its queue until the answer.
    until(&registry, "a queue is left", |now| now.total("trading_queue_depth") == 0.0).await;
    assert_eq!(registry.snapshot().total("trading_degradation_mode"), 0.0);
    std::fs::remove_dir_all(&folder).unwrap();

    let is_moved = |name: &str| match name {
        "trading_queue_depth" => edge.has_waited.load(Ordering::Relaxed),
        name => last.get(name).is_some_and(|value| first.get(name) != Some(value)),
    };
    let edges = catalogue().filter(|spec| matches!(spec.feed, Feed::Edge(_)));
    let still: Vec<&str> = edges.map(|spec| spec.name).filter(|name| !is_moved(name)).collect();
    assert!(still.is_empty(), "nothing has moved {still:?}");
}

async fn end(process: Process) {
    process.handle.stop(StopPolicy::default()).await;
    let exits = tokio::time::timeout(LONG, process.running).await.unwrap().unwrap();
    assert!(exits.iter().all(|exit| exit.outcome.is_ok()), "{exits:?}");
    process.market.close().await;
}

/// The sum of each metric's series.
fn values(registry: &Registry) -> BTreeMap<&'static str, f64> {
    let snapshot = registry.snapshot();
    let is_there = |name: &&str| snapshot.metric(name).is_some();
    let names = catalogue().map(|spec| spec.name).filter(is_there);
    names.map(|name| (name, snapshot.total(name))).collect()
}
