//! What stands around a running bot: clock, files, people.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;

use core::time::Duration;

use futures::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::log;
use super::notify::Postman;
use super::teller::Teller;
use super::{Bot, BotAction, BotStatus, ExitReport, Notice, NoticeKind, RunnerConfig, StopPolicy};
use crate::engine::Control;
use crate::live::{Gateway, GatewayEvent, Request, SessionFiles, SessionRecorder};
use crate::metrics::{EdgeSink, MetricsExporter, MetricsSink};
use crate::strategy::Strategy;
use crate::types::{AlertLevel, Halt, HaltCause, HaltScope, InstrumentId, Label, Timestamp};
use crate::venue::{Clock, MarketNews, Subscription, VenueEvent};

/// A recorder over files.
pub(super) type FileRecorder = SessionRecorder<File>;

/// What a bot may be asked for while it runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    Control(Control),
    Accept,
    Stop(StopPolicy),
}

/// Where a bot stands, for whoever watches it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BotView {
    /// Its name.
    pub bot: Label,
    /// Its run's number.
    pub epoch: u32,
    /// Its status.
    pub status: BotStatus,
    /// Inputs of this run.
    pub inputs: u64,
    /// Its equity in the reporting currency.
    pub equity: f64,
    /// Orders that work.
    pub working: usize,
    /// Orders of which nobody knows what became of them.
    pub doubts: usize,
    /// Books and venue agreed at the last picture, and the news are there.
    pub is_reconciled: bool,
    /// When they were last compared in this run with nothing left open.
    pub reconciled_at: Option<Timestamp>,
}

impl BotView {
    pub(super) const fn starting(bot: Label) -> Self {
        Self {
            bot,
            epoch: 0,
            status: BotStatus::Starting,
            inputs: 0,
            equity: 0.0,
            working: 0,
            doubts: 0,
            is_reconciled: false,
            reconciled_at: None,
        }
    }
}

/// The surroundings of one running bot.
pub(super) struct Desk {
    clock: Arc<dyn Clock>,
    config: RunnerConfig,
    postman: Postman,
    exporter: Option<MetricsExporter>,
    teller: Option<Teller>,
    show: Option<watch::Sender<BotView>>,
    files: Option<SessionFiles>,
    recorder: Option<FileRecorder>,
    /// The last time, by both clocks.
    last: (Timestamp, Timestamp),
    snapshot_at: Timestamp,
}

/// Without a deadline a bot is looked at so often.
const IDLE: Duration = Duration::from_secs(60);

/// What is due at once is done after so long, so that a mistake cannot keep the machine busy.
const SHORTEST: Duration = Duration::from_millis(1);

impl Desk {
    pub(super) fn new(clock: Arc<dyn Clock>, config: RunnerConfig, postman: Postman) -> Self {
        let last = (clock.wall(), clock.monotonic());
        let snapshot_at = last.0.after(config.snapshot_every);
        Self {
            clock,
            config,
            postman,
            exporter: None,
            teller: None,
            show: None,
            files: None,
            recorder: None,
            last,
            snapshot_at,
        }
    }

    pub(super) fn with(
        mut self,
        (exporter, edge): (Option<MetricsExporter>, Option<Arc<dyn EdgeSink>>),
        show: watch::Sender<BotView>,
    ) -> Self {
        self.exporter = exporter;
        self.teller = edge.map(Teller::new);
        self.show = Some(show);
        self
    }

    /// The bot is made.
    pub(super) fn begin<S: Strategy, M: MetricsSink>(
        &mut self,
        bot: &Bot<S, M>,
        (files, recorder): (Option<SessionFiles>, Option<FileRecorder>),
    ) {
        self.files = files;
        self.recorder = recorder;
        if let Some(teller) = &mut self.teller {
            teller.begin(bot);
        }
        log::begun(bot, self.recorder.is_some());
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The time of day, which never goes back or stands still: a wall clock that is set back is
    /// followed by the monotonic one.
    pub(super) fn now(&mut self) -> Timestamp {
        let (wall, monotonic) = (self.clock.wall(), self.clock.monotonic());
        let at = wall.max(self.last.0.after(monotonic.since(self.last.1)));
        self.last = (at, monotonic);
        at
    }

    /// When to wake up, by the monotonic clock.
    pub(super) fn sleep_until(&mut self, deadline: Option<Timestamp>) -> Timestamp {
        let now = self.now();
        let due = deadline.unwrap_or(Timestamp::MAX).min(self.snapshot_at);
        self.last.1.after(due.since(now).clamp(SHORTEST, IDLE))
    }

    /// Writes what was told and decided, then hands requests and notices on.
    pub(super) fn perform<S: Strategy, M: MetricsSink>(
        &mut self,
        bot: &mut Bot<S, M>,
        gateway: &mut dyn Gateway,
        actions: &mut Vec<BotAction>,
    ) {
        self.write(bot, actions);
        let at = self.now();
        let has_news = !actions.is_empty();
        for action in actions.drain(..) {
            match action {
                BotAction::Request(request) => {
                    if let (Some(teller), Request::Place(_)) = (&self.teller, &request) {
                        teller.order(at);
                    }
                    log::request(bot, &request);
                    gateway.start(at, request);
                }
                BotAction::Notify(notice) => self.postman.post(notice),
                BotAction::Status(status) => {
                    tracing::info!(%status, "status");
                    self.show_status(bot, status);
                }
            }
        }
        if let Some(teller) = &mut self.teller {
            teller.frame_done();
            teller.counts(bot);
        }
        if let Some(show) = &self.show
            && (has_news || show.borrow().inputs != bot.inputs())
        {
            show.send_replace(view(bot));
        }
    }

    fn write<S: Strategy, M: MetricsSink>(
        &mut self,
        bot: &mut Bot<S, M>,
        actions: &mut Vec<BotAction>,
    ) {
        let Some(recorder) = &mut self.recorder else { return };
        let Err(error) = bot.record(recorder) else { return };
        // What cannot be recorded cannot be taken up again: nothing new is opened.
        self.recorder = None;
        bot.end_recording();
        let at = self.now();
        self.post(bot.name(), format!("the recording ends: {error}"));
        let cause = HaltCause::Custom(Label::new("recording"));
        let halt = Control::Halt(Halt::new(cause, HaltScope::Account));
        if let Err(error) = bot.control(at, halt, actions) {
            self.post(bot.name(), error.to_string());
        }
    }

    fn post(&mut self, bot: Label, text: String) {
        let (at, kind, level) = (self.now(), NoticeKind::Storage, AlertLevel::Critical);
        self.postman.post(Notice { at, bot, kind, level, text });
    }

    fn show_status<S: Strategy, M: MetricsSink>(&self, bot: &Bot<S, M>, status: BotStatus) {
        let Some(exporter) = &self.exporter else { return };
        for slot in bot.slots() {
            if let Some((strategy, _)) = bot.engine().slot(slot) {
                exporter.bot_status(bot.name().as_str(), strategy.name(), status.state());
            }
        }
    }

    /// Takes what the market stream says: the venue first, then the bot.
    pub(super) fn take_market<S: Strategy, M: MetricsSink>(
        &mut self,
        event: VenueEvent,
        (bot, gateway): (&mut Bot<S, M>, &mut dyn Gateway),
        lost: &mut BTreeSet<Subscription>,
        actions: &mut Vec<BotAction>,
    ) {
        let at = self.now();
        match event {
            VenueEvent::News { at: received, news: MarketNews::Event(sighting) } => {
                gateway.on_market(at, &sighting.event);
                while let Some(told) = gateway.next().now_or_never() {
                    log::told(&told);
                    bot.gateway(at, told, actions);
                    self.perform(bot, gateway, actions);
                }
                if let Some(teller) = &mut self.teller {
                    teller.frame(received);
                }
                bot.market(at, &sighting.event, sighting.at, actions);
            }
            VenueEvent::Lost { subscription, .. } => {
                tracing::debug!(?subscription, "the bot's data are lost");
                lost.insert(subscription);
                bot.market_lost(at, subscription.instrument, actions);
            }
            VenueEvent::Started { subscription, .. } => {
                tracing::debug!(?subscription, "the bot's data are current");
                lost.remove(&subscription);
                let instrument = subscription.instrument;
                if !lost.iter().any(|other| other.instrument == instrument) {
                    bot.market_started(instrument);
                }
            }
            VenueEvent::Missed { instrument, .. } => self.distrust(bot, instrument, actions),
            VenueEvent::Lagged { events } => {
                tracing::warn!(events, "the bot was too slow for its data");
                for instrument in instruments_of(bot) {
                    self.distrust(bot, instrument, actions);
                }
            }
            // What no engine takes, and what later versions add.
            _ => {}
        }
    }

    /// Takes what the gateway tells.
    pub(super) fn take_gateway<S: Strategy, M: MetricsSink>(
        &mut self,
        event: GatewayEvent,
        bot: &mut Bot<S, M>,
        actions: &mut Vec<BotAction>,
    ) {
        log::told(&event);
        if let Some(teller) = &self.teller {
            teller.gateway(&event, bot.engine().account().book().reporting());
        }
        bot.gateway(self.now(), event, actions);
    }

    fn distrust<S: Strategy, M: MetricsSink>(
        &mut self,
        bot: &mut Bot<S, M>,
        instrument: InstrumentId,
        actions: &mut Vec<BotAction>,
    ) {
        // Refused for instruments that the bot does not have, which concern it not.
        let _ = bot.control(self.now(), Control::Distrust(instrument), actions);
    }

    /// The market stream has ended.
    pub(super) fn lose_all<S: Strategy, M: MetricsSink>(
        &mut self,
        bot: &mut Bot<S, M>,
        actions: &mut Vec<BotAction>,
    ) {
        let at = self.now();
        for instrument in instruments_of(bot) {
            bot.market_lost(at, instrument, actions);
        }
    }

    /// Does what somebody asks for; when nobody can ask any more, the bot stops.
    pub(super) fn answer<S: Strategy, M: MetricsSink>(
        &mut self,
        ask: Option<Ask>,
        bot: &mut Bot<S, M>,
        actions: &mut Vec<BotAction>,
    ) {
        let at = self.now();
        log::asked(ask.as_ref());
        match ask {
            Some(Ask::Control(control)) => match bot.control(at, control, actions) {
                Ok(()) => {
                    if let (Some(teller), Control::Mode(mode)) = (&mut self.teller, control) {
                        teller.mode(mode);
                    }
                }
                Err(error) => {
                    let (bot, kind, level) = (bot.name(), NoticeKind::Alert, AlertLevel::Warning);
                    let text = format!("{control:?} was refused: {error}");
                    self.postman.post(Notice { at, bot, kind, level, text });
                }
            },
            Some(Ask::Accept) => bot.accept_differences(at, actions),
            Some(Ask::Stop(policy)) => bot.stop(at, policy, actions),
            None => bot.stop(at, StopPolicy::default(), actions),
        }
    }

    /// Keeps a snapshot when it is time for one.
    pub(super) fn snapshot<S: Strategy, M: MetricsSink>(
        &mut self,
        bot: &mut Bot<S, M>,
        gateway: &dyn Gateway,
    ) {
        let at = self.now();
        if at >= self.snapshot_at {
            self.snapshot_at = at.after(self.config.snapshot_every);
            self.save(bot, gateway);
        }
    }

    fn save<S: Strategy, M: MetricsSink>(&mut self, bot: &Bot<S, M>, gateway: &dyn Gateway) {
        // After a panic the engine may be half changed: the last snapshot and the recording are
        // the truth.
        let Some(files) = self.files.as_ref().filter(|_| !bot.has_panicked()) else {
            return;
        };
        let saved = gateway.save().and_then(|gateway| bot.save(gateway));
        let kept = match saved {
            Ok(saved) => {
                files.keep(&saved).map(|()| saved.len()).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match kept {
            Ok(bytes) => tracing::debug!(bytes, inputs = bot.inputs(), "snapshot kept"),
            Err(error) => self.post(bot.name(), format!("no snapshot was kept: {error}")),
        }
    }

    /// The bot has ended.
    pub(super) fn finish<S: Strategy, M: MetricsSink>(
        &mut self,
        bot: &mut Bot<S, M>,
        gateway: &dyn Gateway,
    ) -> ExitReport {
        self.write(bot, &mut Vec::new());
        self.save(bot, gateway);
        if let Some(teller) = &mut self.teller {
            teller.counts(bot);
            teller.end();
        }
        let report = bot.report_exit(self.now());
        log::ended(&report);
        report
    }
}

fn instruments_of<S: Strategy, M: MetricsSink>(bot: &Bot<S, M>) -> Vec<InstrumentId> {
    bot.engine().instruments().iter().map(|instrument| instrument.id).collect()
}

fn view<S: Strategy, M: MetricsSink>(bot: &Bot<S, M>) -> BotView {
    BotView {
        bot: bot.name(),
        epoch: bot.epoch(),
        status: bot.status(),
        inputs: bot.inputs(),
        equity: bot.engine().account().book().equity(),
        working: bot.engine().orders().live().len(),
        doubts: bot.doubts(),
        is_reconciled: bot.is_reconciled(),
        reconciled_at: bot.reconciled_at(),
    }
}
