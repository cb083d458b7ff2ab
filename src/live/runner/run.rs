use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::notify::Postman;
use super::seat::{Ask, BotView, Desk, FileRecorder};
use super::system::{Connection, SystemStatus};
use super::{
    Bot, BotAction, BotPlan, ExitReport, Notifier, ResumeError, StopPolicy, snapshot_head,
};
use crate::engine::Control;
use crate::live::{Gateway, SessionFiles, SupervisorHandle, process};
use crate::metrics::{EdgeMetrics, EdgeSink, MetricsExporter, MetricsSink};
use crate::strategy::Strategy;
use crate::types::{Bar, Classification, Classify, Label, Timestamp};
use crate::venue::network::{NetworkReport, UnsafeNetworkError};
use crate::venue::{Clock, MarketDataStream, MarketStream};

/// What a bot needs to run.
///
/// Bots do not share accounts: what the venue holds is compared with one engine's books. Several
/// strategies on one account are slots of one engine.
pub struct BotSeat<S, M> {
    /// How it is built.
    pub plan: BotPlan<S, M>,
    /// What carries out its orders.
    pub gateway: Box<dyn Gateway>,
    /// The market data of its instruments.
    pub feed: MarketStream,
    /// Closed bars for its strategies to warm up on, the oldest first, each with its close.
    pub history: Vec<(Timestamp, Bar)>,
    /// Where snapshots and recordings go, and where it goes on from; `None` for neither.
    pub files: Option<SessionFiles>,
}

/// How a [`Runner`] works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunnerConfig {
    /// The time between two snapshots. What comes after a snapshot is in the recording.
    pub snapshot_every: Duration,
}

impl Default for RunnerConfig {
    /// A minute: so much of a recording is replayed in some milliseconds.
    fn default() -> Self {
        Self { snapshot_every: Duration::from_secs(60) }
    }
}

/// Runs bots over real time: each in a task of its own, so that one that fails leaves the others
/// alone.
///
/// It needs a runtime of tokio with time. It reads no environment and catches no signals: hand
/// Ctrl-C on by [`RunnerHandle::stop`].
pub struct Runner<S, M> {
    config: RunnerConfig,
    clock: Arc<dyn Clock>,
    notifiers: Vec<Arc<dyn Notifier>>,
    exporter: Option<MetricsExporter>,
    edge: Option<Arc<dyn EdgeSink>>,
    seats: Vec<BotSeat<S, M>>,
    asks: Vec<(Label, mpsc::Sender<Ask>, watch::Receiver<BotView>)>,
    ends: Vec<(mpsc::Receiver<Ask>, watch::Sender<BotView>)>,
    connections: Vec<Connection>,
    tasks: SupervisorHandle,
    network: Option<NetworkReport>,
}

/// How a bot of a [`Runner`] has ended.
#[derive(Debug)]
pub struct BotExit {
    /// Its name.
    pub bot: Label,
    /// Its report, or why there is none.
    pub outcome: Result<ExitReport, RunError>,
}

/// Why a bot could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It could not be built, or not go on where it was.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// Its files cannot be read or written.
    #[error("files of the bot: {0}")]
    Files(String),
    /// Something was found about networks, hosts or keys: nothing was started.
    #[error("not started: {0}")]
    Network(#[from] UnsafeNetworkError),
    /// Its task panicked outside the engine.
    #[error("the bot's task panicked: {0}")]
    Panicked(String),
}

/// Asks that wait for a bot.
const MOST_ASKS: usize = 64;

impl Classify for RunError {
    fn classification(&self) -> Classification {
        match self {
            Self::Resume(error) => error.classification(),
            Self::Files(_) => Classification::MACHINE,
            Self::Network(error) => error.classification(),
            Self::Panicked(_) => Classification::FAILURE,
        }
    }
}

impl<S: Strategy + 'static, M: MetricsSink + Send + 'static> Runner<S, M> {
    /// A runner without bots.
    pub fn new(clock: Arc<dyn Clock>, config: RunnerConfig) -> Self {
        Self {
            config,
            clock,
            notifiers: Vec::new(),
            exporter: None,
            edge: None,
            seats: Vec::new(),
            asks: Vec::new(),
            ends: Vec::new(),
            connections: Vec::new(),
            tasks: SupervisorHandle::default(),
            network: None,
        }
    }

    /// Adds a bot.
    #[must_use]
    pub fn bot(mut self, seat: BotSeat<S, M>) -> Self {
        let (ask, asked) = mpsc::channel(MOST_ASKS);
        let (show, view) = watch::channel(BotView::starting(seat.plan.name));
        self.asks.push((seat.plan.name, ask, view));
        self.ends.push((asked, show));
        self.seats.push(seat);
        self
    }

    /// Adds a way to tell a person.
    #[must_use]
    pub fn notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifiers.push(notifier);
        self
    }

    /// Shows the status of each bot in the metrics `bot_status` and `bot_state`, and tells what
    /// happens to bots and process to an [`EdgeMetrics`] on the exporter's registry.
    #[must_use]
    pub fn metrics(mut self, exporter: MetricsExporter) -> Self {
        self.edge = Some(Arc::new(EdgeMetrics::from(&exporter)));
        self.exporter = Some(exporter);
        self
    }

    /// Tells somebody else what happens to bots and process, in the place of what
    /// [`Runner::metrics`] has set before.
    #[must_use]
    pub fn edge(mut self, sink: Arc<dyn EdgeSink>) -> Self {
        self.edge = Some(sink);
        self
    }

    /// Takes what was found about networks, hosts and keys before the first connection. When
    /// that is anything at all, [`Runner::run`] starts no bot.
    #[must_use]
    pub fn validated(mut self, report: NetworkReport) -> Self {
        self.network = Some(report);
        self
    }

    /// Shows this service in [`RunnerHandle::system`].
    #[must_use]
    pub fn connection(mut self, name: &str, service: Arc<dyn MarketDataStream>) -> Self {
        self.connections.push(Connection { name: Label::new(name), service });
        self
    }

    /// Shows the tasks of a [`Supervisor`](crate::live::Supervisor) in [`RunnerHandle::system`].
    #[must_use]
    pub fn tasks(mut self, tasks: SupervisorHandle) -> Self {
        self.tasks = tasks;
        self
    }

    /// What to ask and stop its bots by, while it runs. Once the last handle is gone, nobody can
    /// stop the bots any more, and they stop by themselves as [`StopPolicy::default`] says.
    pub fn handle(&self) -> RunnerHandle {
        let (clock, connections) = (Arc::clone(&self.clock), self.connections.clone());
        RunnerHandle { bots: self.asks.clone(), clock, connections, tasks: self.tasks.clone() }
    }

    /// Runs until every bot has ended; keep a [`Runner::handle`] for as long as they shall run.
    /// Dropping the future ends all of them where they are, as if the process had been killed.
    pub async fn run(self) -> Vec<BotExit> {
        if let Some(Err(error)) = self.network.map(NetworkReport::require_safe) {
            tracing::error!(reason = error.to_string(), "no bot is started");
            let refused = |seat: BotSeat<S, M>| BotExit {
                bot: seat.plan.name,
                outcome: Err(error.clone().into()),
            };
            return self.seats.into_iter().map(refused).collect();
        }
        let (postman, work) = Postman::new(self.notifiers);
        let post = tokio::spawn(work);
        // It ends with this future.
        let mut house = JoinSet::new();
        if let Some(edge) = self.edge.clone() {
            house.spawn(process::watch(edge, Arc::clone(&self.clock)));
        }
        let mut tasks = JoinSet::new();
        let mut names = Vec::new();
        for (seat, (asked, show)) in self.seats.into_iter().zip(self.ends) {
            let bot = seat.plan.name;
            let desk = Desk::new(Arc::clone(&self.clock), self.config, postman.clone());
            let desk = desk.with((self.exporter.clone(), self.edge.clone()), show);
            let run = tracing::field::Empty;
            let span = tracing::error_span!("bot", bot = bot.as_str(), run);
            let work = async move { (bot, run_one(seat, desk, asked).await) };
            let task = tasks.spawn(work.instrument(span));
            names.push((task.id(), bot));
        }
        drop((postman, self.asks));
        let mut exits = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            exits.push(match ended {
                Ok((bot, outcome)) => BotExit { bot, outcome },
                Err(error) => {
                    let bot = names.iter().find(|(id, _)| *id == error.id());
                    let bot = bot.map(|(_, bot)| *bot).unwrap_or_default();
                    BotExit { bot, outcome: Err(RunError::Panicked(error.to_string())) }
                }
            });
            if let Some(BotExit { bot, outcome: Err(error) }) = exits.last() {
                let (bot, reason) = (bot.as_str(), error.to_string());
                tracing::error!(bot, reason, "the bot could not run");
            }
        }
        // What was posted is told, unless nobody can be reached.
        let _ = tokio::time::timeout(LAST_WORDS, post).await;
        exits
    }
}

/// How long the last notices may take.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// Asks bots of a running [`Runner`] for something. Copies ask the same runner.
#[derive(Clone, Debug)]
pub struct RunnerHandle {
    bots: Vec<(Label, mpsc::Sender<Ask>, watch::Receiver<BotView>)>,
    clock: Arc<dyn Clock>,
    connections: Vec<Connection>,
    tasks: SupervisorHandle,
}

impl RunnerHandle {
    /// The whole system as it is now, with what the runner had been given before
    /// [`Runner::handle`].
    pub fn system(&self) -> SystemStatus {
        SystemStatus::of(self.clock.wall(), self.views(), &self.connections, self.tasks.tasks())
    }

    /// Where each bot stands.
    pub fn views(&self) -> Vec<BotView> {
        self.bots.iter().map(|(_, _, view)| view.borrow().clone()).collect()
    }

    /// Waits until a bot is as wished; `None` when it ends before that, or is not there.
    pub async fn wait_for(
        &self,
        bot: &str,
        mut wish: impl FnMut(&BotView) -> bool,
    ) -> Option<BotView> {
        let (_, _, view) = self.bots.iter().find(|(name, ..)| name.as_str() == bot)?;
        let mut view = view.clone();
        let found = view.wait_for(|view| wish(view)).await.ok()?;
        Some(found.clone())
    }

    /// Hands a bot's engine a word of the operator's. False when there is no such bot (any more).
    pub async fn control(&self, bot: &str, control: Control) -> bool {
        self.ask(bot, Ask::Control(control)).await
    }

    /// Takes the venue's word for a bot's differences, see
    /// [`Bot::accept_differences`](super::Bot::accept_differences). False when there is no such
    /// bot (any more).
    pub async fn accept_differences(&self, bot: &str) -> bool {
        self.ask(bot, Ask::Accept).await
    }

    /// Stops all bots.
    pub async fn stop(&self, policy: StopPolicy) {
        for (_, ask, _) in &self.bots {
            // One that has ended needs no word.
            let _ = ask.send(Ask::Stop(policy)).await;
        }
    }

    async fn ask(&self, bot: &str, what: Ask) -> bool {
        match self.bots.iter().find(|(name, ..)| name.as_str() == bot) {
            Some((_, ask, _)) => ask.send(what).await.is_ok(),
            None => false,
        }
    }
}

/// One bot from its start to its end.
async fn run_one<S: Strategy, M: MetricsSink>(
    seat: BotSeat<S, M>,
    mut desk: Desk,
    mut asked: mpsc::Receiver<Ask>,
) -> Result<ExitReport, RunError> {
    let BotSeat { mut plan, mut gateway, mut feed, history, files } = seat;
    plan.config.is_recorded = files.is_some();
    let mut actions = Vec::new();
    let (mut bot, recorder) =
        open(&plan, (&mut *gateway, files.as_ref()), (desk.now(), &history), &mut actions)?;
    drop(history);
    desk.begin(&bot, (files, recorder));
    desk.perform(&mut bot, &mut *gateway, &mut actions);
    let mut lost = BTreeSet::new();
    let (mut has_feed, mut has_handle) = (true, true);
    while !bot.is_over() {
        let until = desk.sleep_until(bot.deadline());
        let clock = desk.clock();
        tokio::select! {
            event = gateway.next() => desk.take_gateway(event, &mut bot, &mut actions),
            event = feed.next(), if has_feed => match event {
                Some(event) => {
                    desk.take_market(event, (&mut bot, &mut *gateway), &mut lost, &mut actions);
                }
                None => {
                    has_feed = false;
                    desk.lose_all(&mut bot, &mut actions);
                }
            },
            ask = asked.recv(), if has_handle => {
                has_handle = ask.is_some();
                desk.answer(ask, &mut bot, &mut actions);
            }
            () = clock.sleep_until(until) => {}
        }
        let at = desk.now();
        if bot.deadline().is_some_and(|due| due <= at) {
            bot.on_time(at, &mut actions);
        }
        desk.perform(&mut bot, &mut *gateway, &mut actions);
        desk.snapshot(&mut bot, &*gateway);
    }
    if bot.has_panicked() {
        // The cancels of a bot that has failed still leave.
        let rest = async {
            while !gateway.is_idle() {
                gateway.next().await;
            }
        };
        let _ = tokio::time::timeout(LAST_REQUESTS, rest).await;
    }
    Ok(desk.finish(&mut bot, &*gateway))
}

/// Begins anew or goes on, and opens the files of this run before anything is sent.
fn open<S: Strategy, M: MetricsSink>(
    plan: &BotPlan<S, M>,
    (gateway, files): (&mut dyn Gateway, Option<&SessionFiles>),
    (at, history): (Timestamp, &[(Timestamp, Bar)]),
    actions: &mut Vec<BotAction>,
) -> Result<(Bot<S, M>, Option<FileRecorder>), RunError> {
    let failed = |error: &dyn core::fmt::Display| RunError::Files(error.to_string());
    let Some(files) = files else {
        let bot = plan.begin(at, history, actions).map_err(ResumeError::from)?;
        return Ok((bot, None));
    };
    let saved = files.snapshot().map_err(|error| failed(&error))?;
    let bot = match &saved {
        None => plan.begin(at, history, actions).map_err(ResumeError::from)?,
        Some(saved) => {
            let head = snapshot_head(saved).map_err(ResumeError::from)?;
            let tail = match &head.gateway {
                // The venue ends with the process: both go on at the snapshot.
                Some(gateways) => {
                    gateway.restore(gateways).map_err(ResumeError::from)?;
                    Vec::new()
                }
                None => files.tail(head.epoch, head.inputs).map_err(|error| failed(&error))?,
            };
            plan.resume(at, (saved, &tail), history, actions)?
        }
    };
    let gateways = gateway.save().map_err(ResumeError::from)?;
    let start = bot.save(gateways).map_err(ResumeError::from)?;
    let is_first = saved.is_none();
    let recorder = files.begin(bot.epoch(), (!is_first).then_some(&start[..]));
    let recorder = recorder.map_err(|error| failed(&error))?;
    // From now on this run's number is taken.
    files.keep(&start).map_err(|error| failed(&error))?;
    Ok((bot, Some(recorder)))
}

/// How long requests of a bot that has ended may take to leave.
const LAST_REQUESTS: Duration = Duration::from_secs(5);
