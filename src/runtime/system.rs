use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::config::{LogConsole, OrdersAtStop, Settings, TradingMode};
use crate::live::{
    BinanceClient, BinanceConnection, BinanceMarketData, BotSeat, ExchangeGateway, Gateway,
    Notifier, PaperGateway, Runner, RunnerConfig, RunnerHandle, SessionFiles, StopOrders,
    StopPolicy, StopSignal, Supervisor, SupervisorCause, SupervisorExit, SystemClock, TaskConfig,
    TaskError, stop_signals,
};
use crate::logging::{Logging, LoggingError, LoggingHandle};
use crate::sim::SimConfig;
use crate::strategy::StrategyRegistry;
use crate::types::Instruments;
use crate::venue::network::{NetworkAccess, NetworkReport, NetworkValidator, NetworkVenue};
use crate::venue::{Clock, ExchangeClient, MarketDataStream, Symbols};

use super::build::{self, BOT, Blueprint};
use super::health::HealthWatch;
use super::{RunningSystem, SystemError, venue};

/// A program from settings, before its start.
///
/// All strategies of the settings trade one account, as slots of one bot's engine, which is called
/// `main`: what the venue holds is compared with one set of books.
pub struct System {
    settings: Settings,
    registry: StrategyRegistry,
    notifiers: Vec<Arc<dyn Notifier>>,
    tasks: Vec<AddTask>,
}

/// Adds a task of the host's to the supervisor.
type AddTask = Box<dyn FnOnce(&mut Supervisor, TaskConfig) + Send>;

impl System {
    /// A system with the strategies of this library, which tells nobody.
    pub fn from_settings(settings: Settings) -> Self {
        let (registry, notifiers, tasks) = (StrategyRegistry::new(), Vec::new(), Vec::new());
        Self { settings, registry, notifiers, tasks }
    }

    /// Takes strategies from this registry instead.
    #[must_use]
    pub fn strategies(mut self, registry: StrategyRegistry) -> Self {
        self.registry = registry;
        self
    }

    /// Adds a way to tell a person.
    #[must_use]
    pub fn notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifiers.push(notifier);
        self
    }

    /// Adds a task of the host's own, which is begun after the system's and ended before them. It
    /// is started again within the budget of the settings; when it is given up, the system ends.
    #[must_use]
    pub fn task<F>(
        mut self,
        name: &str,
        begin: impl FnMut(StopSignal) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), TaskError>> + Send + 'static,
    {
        let name = name.to_owned();
        self.tasks.push(Box::new(move |supervisor, config| supervisor.task(&name, config, begin)));
        self
    }

    /// Starts, waits for the end, and gives what `main` returns; the codes are those of
    /// [`SystemExit::code`](super::SystemExit::code). Why it was not started is told to the log.
    pub async fn run(self) -> ExitCode {
        match self.start().await {
            Ok(running) => running.wait().await.exit_code(),
            Err(error) => error.status().into(),
        }
    }

    /// Checks the network, asks the venue for instruments and history, connects, and lets the bot
    /// run. From here on SIGTERM and SIGINT belong to the system.
    ///
    /// Logs are set up when the settings name a console or a folder for them; a subscriber that
    /// the host has installed stays.
    ///
    /// # Errors
    /// [`SystemError`], which is told to the log too; no order was sent.
    pub async fn start(self) -> Result<RunningSystem, SystemError> {
        // What is told after its handle is gone is lost.
        let log = logs(&self.settings)?;
        let begun = self.launch().await;
        if let Err(error) = &begun {
            tracing::error!(reason = error.to_string(), "the system was not started");
        }
        begun.map(|running| RunningSystem { log, ..running })
    }

    async fn launch(self) -> Result<RunningSystem, SystemError> {
        let Self { settings, registry, notifiers, tasks } = self;
        let report = check(&settings)?;
        let signals = stop_signals()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let credentials = venue::credentials(&settings)?;
        let config = venue::config(&settings)?;

        // Names and rules come from the venue, and the lasting connection is made for them.
        let stranger = BinanceConnection::new(config.clone(), Symbols::default())?;
        let stranger = BinanceClient::new(&stranger, &Instruments::new(), credentials.clone());
        let listed = stranger.instruments().await?;
        let blueprint = Arc::new(Blueprint::new(&settings, Arc::new(registry), &listed)?);
        let table = &blueprint.table;

        let connection = BinanceConnection::new(config, Symbols::of(table))?;
        let client: Arc<dyn ExchangeClient> =
            Arc::new(BinanceClient::new(&connection, table, credentials));
        let market: Arc<dyn MarketDataStream> = Arc::new(BinanceMarketData::new(&connection));
        let history = blueprint.history(&*client, clock.wall()).await?;
        let gateway = gateway(&settings, &client, &clock, table).await?;
        let folder = settings.runtime.folder.as_ref();
        let files = folder.map(|folder| SessionFiles::new(folder, BOT)).transpose()?;
        let feed = market.subscribe(&blueprint.subscriptions()).await?;
        let plan = build::plan(Arc::clone(&blueprint))?;

        let seat = BotSeat { plan, gateway, feed, history, files };
        let mut runner = Runner::new(Arc::clone(&clock), RunnerConfig::default())
            .validated(report)
            .connection("binance", Arc::clone(&market))
            .bot(seat);
        for notifier in notifiers {
            runner = runner.notifier(notifier);
        }
        let doors = (client, Arc::clone(&market));
        let health = HealthWatch::new(settings.health, Arc::clone(&clock), doors, runner.handle());
        let mut supervisor = Supervisor::new(clock);
        let (config, watch) = (task_config(&settings), health.clone());
        supervisor.task("health", config, move |stop| watch.clone().run(stop));
        tasks.into_iter().for_each(|add| add(&mut supervisor, config));

        let (runner, stop) = (runner.tasks(supervisor.handle()), stop_policy(&settings));
        let (handle, (end_tasks, end)) = (runner.handle(), oneshot::channel());
        let tasks = tokio::spawn(supervise(supervisor, end, handle.clone(), stop));
        let bots = tokio::spawn(runner.run_until(signals, stop));
        Ok(RunningSystem { handle, health, market, bots, tasks, end_tasks, stop, log: None })
    }
}

/// Keeps the tasks until the bots have ended; one that is given up stops the bots.
async fn supervise(
    supervisor: Supervisor,
    end: oneshot::Receiver<()>,
    bots: RunnerHandle,
    stop: StopPolicy,
) -> SupervisorExit {
    let asked = async {
        // A system that is gone asks by that.
        let _ = end.await;
    };
    let exit = supervisor.run(asked, stop.within).await;
    if matches!(exit.cause, SupervisorCause::GivenUp(_)) {
        bots.stop(stop).await;
    }
    exit
}

fn logs(settings: &Settings) -> Result<Option<LoggingHandle>, LoggingError> {
    if settings.log.console == LogConsole::Off && settings.log.directory.is_none() {
        return Ok(None);
    }
    match Logging::from_settings(&settings.log)?.install() {
        Ok(handle) => Ok(Some(handle)),
        Err(LoggingError::Installed) => Ok(None),
        Err(error) => Err(error),
    }
}

fn check(settings: &Settings) -> Result<NetworkReport, SystemError> {
    let access = match settings.runtime.mode {
        TradingMode::Paper => NetworkAccess::MarketData,
        TradingMode::Live => NetworkAccess::Trading,
    };
    let validator = NetworkValidator::new().venue(NetworkVenue::Binance, access);
    Ok(settings.validate_network(&validator).require_safe()?)
}

async fn gateway(
    settings: &Settings,
    client: &Arc<dyn ExchangeClient>,
    clock: &Arc<dyn Clock>,
    table: &Instruments,
) -> Result<Box<dyn Gateway>, SystemError> {
    let (client, clock) = (Arc::clone(client), Arc::clone(clock));
    Ok(match settings.runtime.mode {
        TradingMode::Live => Box::new(ExchangeGateway::connect(client, clock, table).await?),
        TradingMode::Paper => {
            let (currency, cash) = (settings.account.currency, settings.account.cash);
            let config = SimConfig::default().with_balance(currency.as_str(), cash);
            Box::new(PaperGateway::new(table, config)?)
        }
    })
}

fn task_config(settings: &Settings) -> TaskConfig {
    let (most_restarts, within) = (settings.runtime.restarts, settings.runtime.restart_window);
    TaskConfig { most_restarts, within, is_vital: true, ..TaskConfig::default() }
}

fn stop_policy(settings: &Settings) -> StopPolicy {
    let orders = match settings.runtime.stop_orders {
        OrdersAtStop::Keep => StopOrders::Keep,
        OrdersAtStop::CancelEntries => StopOrders::CancelEntries,
        OrdersAtStop::CancelAll => StopOrders::CancelAll,
    };
    StopPolicy { orders, within: settings.runtime.stop_within }
}
