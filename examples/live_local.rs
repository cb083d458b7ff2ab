//! A market maker trades on the local exchange, by the client that talks to Binance: its process is
//! killed in the middle, the exchange goes on without it, another process goes on from snapshot and
//! recording and finds out what happened meanwhile. In the end books and exchange agree, every
//! difference on the way has its explanation, and both recorded runs decide the same again.
//!
//! Nothing but the addresses differs from a run against the testnet.

use std::sync::Arc;
use std::time::Duration;

use tradewright::backtest::Digest;
use tradewright::config::{LogConsole, LogSettings};
use tradewright::engine::{Engine, SlotConfig};
use tradewright::live::{
    BinanceClient, BinanceConfig, BinanceConnection, BinanceMarketData, BinanceNetwork, BotExit,
    BotPlan, BotSeat, BotStatus, ExchangeGateway, LogNotifier, Runner, RunnerConfig, RunnerHandle,
    SessionFiles, StopOrders, StopPolicy, SystemClock,
};
use tradewright::local_exchange::{Account, ExchangeConfig, LocalExchange, Prices};
use tradewright::logging::Logging;
use tradewright::metrics::Tee;
use tradewright::prelude::*;
use tradewright::strategy::StrategyContext;
use tradewright::types::InstrumentBuilder;
use tradewright::venue::binance::{BinanceMarket, Credentials, SecretString};
use tradewright::venue::{
    Channel, Clock, ExchangeClient, FillsFrom, MarketDataStream, Subscription, Symbols,
};

type Failure = Box<dyn std::error::Error>;

const BTC: InstrumentId = InstrumentId(0);
const BOT: &str = "maker";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let folder = std::env::temp_dir().join(format!("tradewright-live-{}", std::process::id()));
    let files = SessionFiles::new(&folder, BOT)?;
    let mut settings = LogSettings::default();
    (settings.console, settings.directory) = (LogConsole::Off, Some(folder.join("log")));
    let log = Logging::from_settings(&settings)?.install()?;
    let exchange = LocalExchange::start(exchange()).await?;
    println!("the exchange listens on {}", exchange.rest_url());

    // The first process dies without a word.
    let (process, handle, running) = start(&exchange, &files).await?;
    handle.wait_for(BOT, |view| view.status == BotStatus::Running).await.ok_or("no start")?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    running.abort();
    process.market.close().await;
    let working = process.client.open_orders(Some(BTC)).await?.len();
    println!("killed: {working} orders work on at the exchange");
    tokio::time::sleep(Duration::from_secs(2)).await;

    // The second one goes on where it was.
    let (process, handle, running) = start(&exchange, &files).await?;
    handle.wait_for(BOT, |view| view.status == BotStatus::Running).await.ok_or("no restart")?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let orders = StopOrders::CancelAll;
    handle.stop(StopPolicy { orders, within: Duration::from_secs(10) }).await;
    let exit = running.await?.pop().ok_or("an exit")?;
    let report = exit.outcome?;
    process.market.close().await;

    println!("{report}");
    report.explained.iter().for_each(|explained| println!("  {} {explained}", explained.at));
    let ours = report.positions.iter().find(|position| position.instrument == BTC);
    let ours = ours.map_or(Decimal::ZERO, |position| position.quantity);
    let positions = process.client.positions().await?;
    let theirs = positions.iter().find(|position| position.instrument == BTC);
    let theirs = theirs.map_or(Decimal::ZERO, |position| position.quantity);
    let fills = process.client.fills(BTC, FillsFrom::Time(Timestamp::EPOCH)).await?.len();
    println!("position after {fills} fills: ours {ours}, the exchange's {theirs}");
    let runs = files.replay(&plan())?;
    for run in &runs {
        let (epoch, inputs, decisions) = (run.epoch, run.inputs, run.decisions);
        let differences = run.differences.len();
        println!("run {epoch}: {inputs} inputs, {decisions} decisions, {differences} differ");
    }
    log.flush(Duration::from_secs(1))?;
    println!("the log has {} lines, the last of them:", log.status().written);
    let text = std::fs::read_to_string(folder.join("log/tradewright.log"))?;
    text.lines().rev().take(3).for_each(|line| println!("  {line}"));
    std::fs::remove_dir_all(&folder)?;
    let is_same = runs.iter().all(|run| run.differences.is_empty());
    if fills == 0 || ours != theirs || !is_same || runs.len() != 2 {
        return Err("books and exchange, or a run and its replay, differ".into());
    }
    Ok(())
}

/// A perpetual with a seeded walk of prices, and one account.
fn exchange() -> ExchangeConfig {
    let prices = Prices::Generated { start: Decimal::from(50_000), step_bp: 2.0 };
    ExchangeConfig::new(42)
        .with_futures(perpetual(), prices)
        .with_account(Account::hmac("key", "secret").with_futures("USDT", Decimal::from(10_000)))
}

fn perpetual() -> InstrumentBuilder {
    Instrument::linear_perpetual("BTCUSDT", "BTC", "USDT").tick("0.1").step("0.001")
}

/// One process: the exchange's client and streams, and a runner with one bot.
struct Process {
    client: Arc<BinanceClient>,
    market: BinanceMarketData,
}

type Running = tokio::task::JoinHandle<Vec<BotExit>>;

async fn start(
    exchange: &LocalExchange,
    files: &SessionFiles,
) -> Result<(Process, RunnerHandle, Running), Failure> {
    let mut table = Instruments::new();
    table.add(perpetual())?;
    let network = BinanceNetwork::Local { port: exchange.address().port() };
    let config = BinanceConfig::new(BinanceMarket::UsdFutures, network)?;
    let connection = BinanceConnection::new(config, Symbols::of(&table))?;
    let credentials = Credentials::hmac("key", &SecretString::from("secret"))?;
    let client = Arc::new(BinanceClient::new(&connection, &table, credentials));
    // The exchange says how many requests it takes; what would be too many waits for its turn.
    let listed = client.instruments().await?;
    println!("the exchange lists {} instruments", listed.listings.len());
    let market = BinanceMarketData::new(&connection);
    let feed = market.subscribe(&[Subscription::new(BTC, Channel::Quotes)]).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let door: Arc<dyn ExchangeClient> = Arc::<BinanceClient>::clone(&client);
    let gateway = ExchangeGateway::connect(door, Arc::clone(&clock), &table).await?;
    let (gateway, history, files) = (Box::new(gateway), Vec::new(), Some(files.clone()));
    let seat = BotSeat { plan: plan(), gateway, feed, history, files };
    let config = RunnerConfig { snapshot_every: Duration::from_secs(1) };
    let log = Arc::new(LogNotifier::new(std::io::stdout()));
    let runner = Runner::new(clock, config).notifier(log).bot(seat);
    let handle = runner.handle();
    Ok((Process { client, market }, handle, tokio::spawn(runner.run())))
}

/// How the bot is built, at each start and for each replay.
fn plan() -> BotPlan<Box<dyn Strategy>, ()> {
    const PARAMETERS: &str =
        r#"{"quantity": "0.01", "warmup_samples": 1, "horizon_seconds": 0.01}"#;
    let mut plan = BotPlan::new(BOT, |epoch| {
        let mut table = Instruments::new();
        table.add(perpetual()).expect("a sound instrument");
        let usdt = table.find_asset("USDT").expect("the table's quote currency");
        let universe = [BTC];
        let context = StrategyContext::new(&table, &universe);
        let built = StrategyRegistry::new().build_json("MARKET_MAKER", PARAMETERS, &context);
        let built = built.expect("parameters that were tried before");
        let print = built.fingerprint.value();
        let slot = SlotConfig::new(built.strategy).trades(universe).fingerprint(print);
        let sink = Tee(Digest::new(), ());
        Engine::builder(table, usdt).epoch(epoch).slot(slot).sink(sink).build()
    });
    plan.config.reconcile.every = Duration::from_secs(2);
    plan.config.reconcile.settle = Duration::from_millis(200);
    plan
}
