//! A market maker on a local exchange, by the client and the streams that talk to Binance.

use core::time::Duration;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rust_decimal::Decimal;
use tokio::task::JoinHandle;
use tradewright::backtest::Digest;
use tradewright::engine::{Engine, SlotConfig};
use tradewright::live::{
    BinanceClient, BinanceConfig, BinanceConnection, BinanceMarketData, BotExit, BotPlan, BotSeat,
    BotStatus, ExchangeGateway, LogNotifier, Notice, Notifier, NotifyError, Runner, RunnerConfig,
    RunnerHandle, SessionFiles, StopOrders, StopPolicy, SystemClock,
};
use tradewright::local_exchange::{Account, ExchangeConfig, LocalExchange, Prices};
use tradewright::metrics::{EngineMetrics, MetricsExporter, Registry, Tee};
use tradewright::prelude::*;
use tradewright::strategy::StrategyContext;
use tradewright::types::InstrumentBuilder;
use tradewright::venue::binance::{BinanceMarket, Credentials, SecretString};
use tradewright::venue::{
    Channel, Clock, ExchangeClient, FillsFrom, MarketDataStream, Subscription, Symbols,
};

use super::live::{self, BTC, within};

/// A log that can be read while it is written.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Notices as they are shown, in both ways.
#[derive(Default)]
struct Told {
    log: Log,
}

#[async_trait]
impl Notifier for Told {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        writeln!(self.log.clone(), "{notice:?}").unwrap();
        LogNotifier::new(self.log.clone()).notify(notice).await
    }
}

/// A bot at work.
pub struct Day {
    pub exchange: LocalExchange,
    pub connection: BinanceConnection,
    pub client: Arc<BinanceClient>,
    pub market: BinanceMarketData,
    pub handle: RunnerHandle,
    pub registry: Registry,
    pub log: Log,
    pub folder: PathBuf,
    /// What was found to differ, when it has stopped.
    pub explained: Vec<String>,
    /// All of the exit, when it has stopped.
    pub exit: String,
    running: Option<JoinHandle<Vec<BotExit>>>,
}

fn perpetual() -> InstrumentBuilder {
    Instrument::linear_perpetual("BTCUSDT", "BTC", "USDT").tick("0.1").step("0.001")
}

fn plan(registry: &Registry) -> BotPlan<Box<dyn Strategy>, EngineMetrics<Registry>> {
    const PARAMETERS: &str =
        r#"{"quantity": "0.01", "warmup_samples": 1, "horizon_seconds": 0.01}"#;
    let registry = registry.clone();
    let mut plan = BotPlan::new("maker", move |epoch| {
        let mut table = Instruments::new();
        table.add(perpetual()).unwrap();
        let usdt = table.find_asset("USDT").unwrap();
        let universe = [BTC];
        let context = StrategyContext::new(&table, &universe);
        let built = StrategyRegistry::new().build_json("MARKET_MAKER", PARAMETERS, &context);
        let built = built.unwrap();
        let slot = SlotConfig::new(built.strategy).trades(universe);
        let sink = Tee(Digest::new(), EngineMetrics::new(registry.clone()));
        Engine::builder(table, usdt).epoch(epoch).slot(slot).sink(sink).build()
    });
    plan.config.reconcile.every = Duration::from_secs(1);
    plan.config.reconcile.settle = Duration::from_millis(200);
    plan
}

impl Day {
    pub async fn start(name: &str, account: (&str, &str)) -> Self {
        Self::start_with(name, account, |_| {}).await
    }

    pub async fn start_with(
        name: &str,
        (key, secret): (&str, &str),
        change: impl FnOnce(&mut BinanceConfig),
    ) -> Self {
        let prices = Prices::Generated { start: Decimal::from(50_000), step_bp: 2.0 };
        let account = Account::hmac(key, secret).with_futures("USDT", Decimal::from(10_000));
        let config = ExchangeConfig::new(42).with_futures(perpetual(), prices);
        let exchange = live::exchange(config.with_account(account), 100).await;
        let mut table = Instruments::new();
        table.add(perpetual()).unwrap();
        let mut config = live::config(&exchange, BinanceMarket::UsdFutures);
        change(&mut config);
        let connection = BinanceConnection::new(config, Symbols::of(&table)).unwrap();
        let credentials = Credentials::hmac(key, &SecretString::from(secret)).unwrap();
        let client = Arc::new(BinanceClient::new(&connection, &table, credentials));
        client.instruments().await.unwrap();
        let market = BinanceMarketData::new(&connection);
        let feed = market.subscribe(&[Subscription::new(BTC, Channel::Quotes)]).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let door: Arc<dyn ExchangeClient> = Arc::<BinanceClient>::clone(&client);
        let gateway = ExchangeGateway::connect(door, Arc::clone(&clock), &table).await.unwrap();
        let folder = format!("tradewright-day-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let registry = Registry::new();
        let seat = BotSeat {
            plan: plan(&registry),
            gateway: Box::new(gateway),
            feed,
            history: Vec::new(),
            files: Some(SessionFiles::new(&folder, "maker").unwrap()),
        };
        let config = RunnerConfig { snapshot_every: Duration::from_secs(1) };
        let told = Told::default();
        let log = told.log.clone();
        let runner = Runner::new(clock, config)
            .notifier(Arc::new(told))
            .metrics(MetricsExporter::new(registry.clone()))
            .bot(seat);
        let handle = runner.handle();
        let running = Some(tokio::spawn(runner.run()));
        let (explained, exit) = (Vec::new(), String::new());
        let day = Self {
            exchange,
            connection,
            client,
            market,
            handle,
            registry,
            log,
            folder,
            explained,
            exit,
            running,
        };
        let started = day.handle.wait_for("maker", |view| view.status == BotStatus::Running);
        within("a start", started).await.expect("the bot runs");
        day
    }

    pub async fn fills(&self) -> usize {
        self.client.fills(BTC, FillsFrom::Time(Timestamp::EPOCH)).await.unwrap().len()
    }

    pub async fn until_fills(&self, most: usize) {
        within("fills", async {
            while self.fills().await < most {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        })
        .await;
    }

    /// Stops in order; the position by our books, by the exchange's, and the number of fills.
    pub async fn stop(&mut self) -> (Decimal, Decimal, usize) {
        let orders = StopOrders::CancelAll;
        let policy = StopPolicy { orders, within: Duration::from_secs(20) };
        within("a stop", self.handle.stop(policy)).await;
        let exits = within("an end", self.running.take().unwrap()).await.unwrap();
        self.exit = format!("{exits:?} {exits:#?}");
        let report = exits.into_iter().next().unwrap().outcome.unwrap();
        self.exit.push_str(&report.to_string());
        self.explained = report.explained.iter().map(|one| format!("{one:?} {one}")).collect();
        let ours = report.positions.iter().find(|position| position.instrument == BTC);
        let ours = ours.map_or(Decimal::ZERO, |position| position.quantity);
        let positions = self.client.positions().await.unwrap();
        let theirs = positions.iter().find(|position| position.instrument == BTC);
        let theirs = theirs.map_or(Decimal::ZERO, |position| position.quantity);
        let fills = self.fills().await;
        self.market.close().await;
        (ours, theirs, fills)
    }
}

impl Drop for Day {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
