//! The runner over tokio's paused time: paper accounts, files, restarts, several bots.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tradewright::backtest::Digest;
use tradewright::engine::{Engine, SlotConfig};
use tradewright::live::{
    BotApiNotifier, BotPlan, BotSeat, BotStatus, Endpoint, HttpClient, Notice, NoticeKind,
    Notifier, NotifyError, PaperGateway, RunError, Runner, RunnerConfig, SessionFiles, StopOrders,
    StopPolicy, Stopwatch, SystemStatus, Tls, WebhookNotifier,
};
use tradewright::metrics::{MetricsExporter, Registry, Tee};
use tradewright::prelude::*;
use tradewright::types::{AlertLevel, Label, MarketEvent, Quote};
use tradewright::venue::network::{NetworkAccess, NetworkValidator, NetworkVenue};
use tradewright::venue::{
    Channel, Clock, ConnectionCounts, DataQuality, ExchangeError, MarketDataStream, MarketNews,
    MarketSighting, MarketStream, SessionState, Subscription, VenueEvent,
};

const ID: InstrumentId = InstrumentId(0);

#[derive(Debug)]
pub(super) struct Paused(pub(super) tokio::time::Instant);

#[async_trait]
impl Clock for Paused {
    fn wall(&self) -> Timestamp {
        self.monotonic()
    }

    fn monotonic(&self) -> Timestamp {
        Timestamp::from_secs(1_700_000_000).unwrap().after(self.0.elapsed())
    }

    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(at.since(self.monotonic())).await;
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<Notice>>);

#[async_trait]
impl Notifier for Heard {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError> {
        self.0.lock().unwrap().push(notice.clone());
        Ok(())
    }
}

impl Heard {
    fn kinds(&self, bot: &str) -> Vec<NoticeKind> {
        let heard = self.0.lock().unwrap();
        heard.iter().filter(|it| it.bot.as_str() == bot).map(|it| it.kind).collect()
    }
}

/// Buys and sells in turn, each some quotes apart.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Turns {
    seen: u32,
    panics_at: u32,
}

impl Strategy for Turns {
    fn name(&self) -> &str {
        "TURNS"
    }

    fn on_event(&mut self, event: &Event<'_>, _: &Facts<'_>, advice: &mut Advice) {
        if matches!(event, Event::Market(_)) {
            self.seen += 1;
            assert!(self.seen != self.panics_at, "a planted panic");
            match self.seen % 8 {
                3 => advice.target(ID, Qty::from(2)),
                7 => advice.target(ID, Qty::from(0)),
                _ => {}
            }
        }
    }
}

pub(super) type Watched = Stopwatch<Turns>;

fn table() -> Instruments {
    let mut table = Instruments::new();
    table.add(Instrument::spot("BTCUSDT", "BTC", "USDT").tick("0.01").step("0.01")).unwrap();
    table
}

fn plan(name: &str, panics_at: u32, registry: &Registry) -> BotPlan<Watched, ()> {
    let exporter = MetricsExporter::new(registry.clone());
    let clock: Arc<dyn Clock> = Arc::new(Still);
    BotPlan::new(name, move |epoch| {
        let turns = Turns { seen: 0, panics_at };
        let strategy = Stopwatch::new(turns, Arc::clone(&clock), exporter.clone());
        let usdt = table().find_asset("USDT").unwrap();
        let builder = Engine::builder(table(), usdt).epoch(epoch).slot(SlotConfig::new(strategy));
        builder.sink(Tee(Digest::new(), ())).build()
    })
}

/// Measures nothing: the engines of a replay are built without a runtime.
#[derive(Debug)]
struct Still;

#[async_trait]
impl Clock for Still {
    fn wall(&self) -> Timestamp {
        Timestamp::EPOCH
    }

    fn monotonic(&self) -> Timestamp {
        Timestamp::EPOCH
    }

    async fn sleep_until(&self, _: Timestamp) {}
}

/// A quote each second, for ever.
fn feed() -> MarketStream {
    let subscription = Subscription::new(ID, Channel::Quotes);
    let started = VenueEvent::Started { at: Timestamp::EPOCH, subscription };
    let quotes = futures::stream::unfold(0_u32, |number| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let bid = 100.0 + f64::from(number % 10);
        let (ask, bid_quantity, ask_quantity) = (bid + 0.5, 5.0, 5.0);
        let quote = Quote { instrument: ID, bid, ask, bid_quantity, ask_quantity };
        let sighting = MarketSighting { event: MarketEvent::Quote(quote), at: None, number: None };
        let news = MarketNews::Event(sighting);
        Some((VenueEvent::News { at: Timestamp::EPOCH, news }, number + 1))
    });
    futures::stream::iter([started]).chain(quotes).boxed()
}

pub(super) fn seat(
    name: &str,
    panics_at: u32,
    registry: &Registry,
    folder: &PathBuf,
) -> BotSeat<Watched, ()> {
    let config = SimConfig::default().with_balance("USDT", 10_000.into());
    BotSeat {
        plan: plan(name, panics_at, registry),
        gateway: Box::new(PaperGateway::new(&table(), config).unwrap()),
        feed: feed(),
        history: Vec::new(),
        files: Some(SessionFiles::new(folder, name).unwrap()),
    }
}

pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let name = format!("tradewright-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A runner of these bots in paused time.
pub(super) fn runner_of(seats: Vec<BotSeat<Watched, ()>>) -> Runner<Watched, ()> {
    let clock = Arc::new(Paused(tokio::time::Instant::now()));
    seats.into_iter().fold(Runner::new(clock, RunnerConfig::default()), Runner::bot)
}

/// The same in real time.
#[cfg(all(unix, feature = "runtime"))]
pub(super) fn runner_in_real_time(seats: Vec<BotSeat<Watched, ()>>) -> Runner<Watched, ()> {
    let clock = Arc::new(tradewright::live::SystemClock);
    seats.into_iter().fold(Runner::new(clock, RunnerConfig::default()), Runner::bot)
}

/// Runs bots for some seconds and stops them in order, or kills them.
async fn run_for(
    seconds: u64,
    seats: Vec<BotSeat<Watched, ()>>,
    heard: &Arc<Heard>,
    is_killed: bool,
) -> Vec<tradewright::live::BotExit> {
    let clock = Arc::new(Paused(tokio::time::Instant::now()));
    let config = RunnerConfig { snapshot_every: Duration::from_secs(30) };
    let mut runner = Runner::new(clock, config).notifier(Arc::<Heard>::clone(heard));
    for seat in seats {
        runner = runner.bot(seat);
    }
    let handle = runner.handle();
    let running = tokio::spawn(runner.run());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    if is_killed {
        running.abort();
        let _ = running.await;
        return Vec::new();
    }
    let orders = StopOrders::CancelAll;
    handle.stop(StopPolicy { orders, within: Duration::from_secs(15) }).await;
    running.await.unwrap()
}

/// A paper account is killed in the middle and goes on at its snapshot; each run repeats without
/// a difference.
#[tokio::test(start_paused = true)]
async fn a_paper_account_survives_its_process() {
    let (folder, registry) = (Folder::new("paper"), Registry::new());
    let heard = Arc::new(Heard::default());
    run_for(100, vec![seat("paper", 0, &registry, &folder.0)], &heard, true).await;
    let exits = run_for(100, vec![seat("paper", 0, &registry, &folder.0)], &heard, false).await;

    let report = exits[0].outcome.as_ref().unwrap();
    assert_eq!((report.status, report.epoch), (BotStatus::Stopped, 2));
    assert!(report.is_reconciled, "{report}");
    assert_eq!(report.explained, [], "nothing differed after the restart");
    assert_eq!(heard.kinds("paper").iter().filter(|it| **it == NoticeKind::Started).count(), 2);
    assert_eq!(heard.kinds("paper").last(), Some(&NoticeKind::Stopped));

    let files = SessionFiles::new(&folder.0, "paper").unwrap();
    let runs = files.replay(&plan("paper", 0, &registry)).unwrap();
    assert_eq!(runs.len(), 2);
    for run in &runs {
        assert_eq!(run.differences, [], "run {}", run.epoch);
        assert!(run.decisions > 10, "{run:?}");
    }
    assert_eq!(runs[1].hash, report.hash);
    let measured = registry.snapshot().total("strategy_execution_seconds");
    assert!(measured > 150.0, "{measured} executions were measured");
}

/// One bot panics: it ends in ERROR, the other one goes on and stops in order.
#[tokio::test(start_paused = true)]
async fn one_bot_fails_and_the_other_goes_on() {
    let (folder, registry) = (Folder::new("two"), Registry::new());
    let heard = Arc::new(Heard::default());
    let seats =
        vec![seat("frail", 20, &registry, &folder.0), seat("sound", 0, &registry, &folder.0)];
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let exits = run_for(60, seats, &heard, false).await;
    std::panic::set_hook(hook);
    let status = |name: &str| {
        let exit = exits.iter().find(|exit| exit.bot.as_str() == name).unwrap();
        exit.outcome.as_ref().unwrap().status
    };
    assert_eq!(status("frail"), BotStatus::Error);
    assert_eq!(status("sound"), BotStatus::Stopped);
    assert!(heard.kinds("frail").contains(&NoticeKind::BotError));
    assert!(!heard.kinds("sound").contains(&NoticeKind::BotError));
}

/// A service that does nothing and is in the state that it was given.
#[derive(Debug)]
struct Service(SessionState);

#[async_trait]
impl MarketDataStream for Service {
    async fn subscribe(&self, _: &[Subscription]) -> Result<MarketStream, ExchangeError> {
        Err(ExchangeError::Closed)
    }

    fn status(&self) -> SessionState {
        self.0
    }

    fn watch_status(&self) -> BoxStream<'static, SessionState> {
        futures::stream::pending().boxed()
    }

    fn quality(&self) -> Vec<DataQuality> {
        Vec::new()
    }

    fn counts(&self) -> ConnectionCounts {
        ConnectionCounts { frames: 7, ..ConnectionCounts::default() }
    }

    async fn close(&self) {}
}

/// One value tells where bots and connections stand, and comes back whole from its text.
#[tokio::test(start_paused = true)]
async fn the_status_of_the_system_is_one_value() {
    let (folder, registry) = (Folder::new("system"), Registry::new());
    for (state, is_healthy) in [(SessionState::Live, true), (SessionState::Polling, false)] {
        let clock = Arc::new(Paused(tokio::time::Instant::now()));
        let runner = Runner::new(clock, RunnerConfig::default())
            .connection("spot", Arc::new(Service(state)))
            .bot(seat("alpha", 0, &registry, &folder.0));
        let handle = runner.handle();
        let before = handle.system();
        assert_eq!((before.is_healthy, before.bots[0].reconciled_at), (false, None));
        let running = tokio::spawn(runner.run());
        let view = handle.wait_for("alpha", |view| view.is_reconciled).await.unwrap();
        handle.wait_for("alpha", |view| view.status == BotStatus::Running).await.unwrap();
        let status = handle.system();
        assert_eq!(status.is_healthy, is_healthy, "{status:?}");
        assert!(view.reconciled_at.is_some_and(|at| at <= status.at), "{view:?}");
        let connection = status.connections[0];
        assert_eq!((connection.name.as_str(), connection.state), ("spot", state));
        assert_eq!((connection.counts.frames, &*status.version), (7, env!("CARGO_PKG_VERSION")));
        let text = serde_json::to_string(&status).unwrap();
        assert_eq!(serde_json::from_str::<SystemStatus>(&text).unwrap(), status);
        handle.stop(StopPolicy::default()).await;
        running.await.unwrap();
        assert!(!handle.system().is_healthy, "a bot that was stopped does not run");
    }
}

/// Nothing starts, and no file is made, on a network of which something is wrong.
#[tokio::test(start_paused = true)]
async fn no_bot_starts_on_a_doubtful_network() {
    let (folder, registry) = (Folder::new("network"), Registry::new());
    let validator = NetworkValidator::new();
    let validator = validator.venue(NetworkVenue::Binance, NetworkAccess::MarketData);
    let report = |rest: &str| {
        let variables =
            [("TRADEWRIGHT_NETWORK", "testnet"), ("TRADEWRIGHT_BINANCE_REST_URL", rest)];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        validator.validate(&variables.into())
    };
    let hosts = [("https://api.binance.com", false), ("https://testnet.binance.vision", true)];
    for (report, starts) in hosts.map(|(rest, starts)| (report(rest), starts)) {
        assert_eq!(report.is_safe(), starts, "{report}");
        let clock = Arc::new(Paused(tokio::time::Instant::now()));
        let seats = seat("alpha", 0, &registry, &folder.0);
        let runner = Runner::new(clock, RunnerConfig::default()).validated(report).bot(seats);
        let handle = runner.handle();
        let running = tokio::spawn(runner.run());
        handle.stop(StopPolicy::default()).await;
        let exits = running.await.unwrap();
        let was_refused = matches!(exits[0].outcome, Err(RunError::Network(_)));
        assert_eq!((exits.len(), was_refused), (1, !starts), "{exits:?}");
        let files = SessionFiles::new(&folder.0, "alpha").unwrap();
        assert_eq!(files.snapshot().unwrap().is_some(), starts);
    }
}

/// A damaged snapshot is refused: a bot never begins anew beside orders that may work.
#[tokio::test(start_paused = true)]
async fn a_damaged_snapshot_is_refused() {
    let (folder, registry) = (Folder::new("damaged"), Registry::new());
    let heard = Arc::new(Heard::default());
    run_for(40, vec![seat("hurt", 0, &registry, &folder.0)], &heard, true).await;
    let state = folder.0.join("hurt.state");
    let mut bytes = fs::read(&state).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&state, bytes).unwrap();
    let exits = run_for(1, vec![seat("hurt", 0, &registry, &folder.0)], &heard, false).await;
    let error = exits[0].outcome.as_ref().unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
    assert!(SessionFiles::new(&folder.0, "../hurt").is_err());
}

/// Answers one request on loopback with this status, and gives what was asked.
async fn one_request(status: &str) -> (String, tokio::task::JoinHandle<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let reply = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    let served = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"}") {
            let mut part = [0; 1_024];
            let read = socket.read(&mut part).await.unwrap();
            bytes.extend_from_slice(&part[..read]);
        }
        socket.write_all(reply.as_bytes()).await.unwrap();
        String::from_utf8(bytes).unwrap()
    });
    (address, served)
}

/// Notices leave as JSON and as messages; secrets of addresses are in no error and no `Debug`.
#[tokio::test]
async fn notices_leave_over_http() {
    let http = HttpClient::new(&Tls::web().unwrap(), Duration::from_secs(5));
    let (at, bot, kind) = (Timestamp::EPOCH, Label::new("alpha"), NoticeKind::Halted);
    let text = "drawdown".to_owned();
    let notice = Notice { at, bot, kind, level: AlertLevel::Critical, text };

    let (address, served) = one_request("200 OK").await;
    let endpoint = Endpoint::http(&address).unwrap();
    let webhook = WebhookNotifier::new(http.clone(), endpoint, "/hook?key=CANARY".to_owned());
    webhook.notify(&notice).await.unwrap();
    let request = served.await.unwrap();
    assert!(request.starts_with("POST /hook?key=CANARY HTTP/1.1"), "{request}");
    for part in [r#""kind":"halted""#, r#""bot":"alpha""#, r#""message":"1970-01-01T"#] {
        assert!(request.contains(part), "{part} in {request}");
    }

    let (address, served) = one_request("403 Forbidden").await;
    let endpoint = Endpoint::http(&address).unwrap();
    let (token, chat) = ("CANARY".to_owned(), "42".to_owned());
    let messenger = BotApiNotifier::new(http, endpoint, token, chat);
    let error = messenger.notify(&notice).await.unwrap_err();
    assert_eq!(error.to_string(), "not told: HTTP status 403");
    let request = served.await.unwrap();
    assert!(request.starts_with("POST /botCANARY/sendMessage"), "{request}");
    assert!(request.contains(r#""chat_id":"42""#), "{request}");
    assert!(!format!("{messenger:?} {webhook:?} {error:?}").contains("CANARY"));
}
