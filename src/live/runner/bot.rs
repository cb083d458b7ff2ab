use core::mem;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::backtest::{Digest, RunHash};
use crate::engine::{Command, Control, Engine, EngineError, Input};
use crate::metrics::{MetricsSink, Tee, panic_text};
use crate::strategy::Strategy;
use crate::types::{
    AlertLevel, Halt, HaltCause, InstrumentId, Label, MarketEvent, OrderId, OrderUpdate, SlotId,
    Timestamp,
};
use crate::venue::{Conversation, TalkAction};

use super::orders::Sent;
use super::reconcile::Reconciler;
use super::stop::Stopping;
use super::{BotConfig, BotCounts, BotStatus, Explained, Notice, NoticeKind};
use crate::live::Request;

/// One engine with its strategies and its venue account, as a state machine: what comes in from
/// market, venue, clock and operator becomes inputs of the engine, and what the engine decides
/// becomes requests to a [`Gateway`](crate::live::Gateway).
///
/// It knows no network and reads no clock. Whoever drives it hands in what happens with its time,
/// and carries out the [`BotAction`]s that were appended to the buffer; [`Runner`] does so over
/// real sockets and time, tests do so in virtual time.
///
/// # What holds
///
/// - Nothing is sent before the account was reconciled once, and nothing that opens a position
///   while the market data of its instrument or the news of the account are away.
/// - An order leaves once. One whose outcome is unknown is asked for by its id until the venue
///   has said what became of it; it is never sent again.
/// - Each fill is booked once, however often and late it is told; what the news have lost is
///   found in the venue's list of fills.
/// - A difference of cash or position is an adjustment with the cause Reconciliation, or a halt:
///   the books are never overwritten in silence.
/// - A panic inside the engine ends this bot in [`BotStatus::Error`], takes its resting entries
///   back, and passes no further.
///
/// [`Runner`]: crate::live::Runner
pub struct Bot<S = Box<dyn Strategy>, M = ()> {
    pub(super) name: Label,
    pub(super) config: BotConfig,
    pub(super) epoch: u32,
    pub(super) engine: Engine<S, Tee<Digest, M>>,
    pub(super) phase: Phase,
    /// The time of the last input.
    pub(super) last: Timestamp,
    /// Inputs of this session.
    pub(super) inputs: u64,
    pub(super) talk: Conversation,
    pub(super) todo: Vec<TalkAction>,
    commands: Vec<Command>,
    /// Words that the bot says in the venue's place: what it does not send.
    pub(super) answers: VecDeque<OrderUpdate>,
    /// Orders that were sent and are not over, as far as the engine knows.
    pub(super) sent: BTreeMap<OrderId, Sent>,
    /// When a cancel or change of an order was last asked for.
    pub(super) changes: BTreeMap<OrderId, Timestamp>,
    /// By instrument.
    pub(super) markets: Vec<Away>,
    /// By instrument: its feed was told to be lost, and not to be back.
    pub(super) is_lost: Vec<bool>,
    pub(super) news: Away,
    pub(super) reconciler: Reconciler,
    pub(super) heartbeat_at: Timestamp,
    halts: Vec<Halt>,
    status: BotStatus,
    pub(super) journal: Journal,
    pub(super) explained: VecDeque<Explained>,
    pub(super) counts: BotCounts,
}

/// What a [`Bot`] asks of its driver.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are requests")]
pub enum BotAction {
    /// Hand this to the gateway.
    Request(Request),
    /// Tell a person.
    Notify(Notice),
    /// The status has changed to this.
    Status(BotStatus),
}

/// Where a bot is in its life.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    Starting,
    Running,
    Stopping(Stopping),
    Stopped,
    Failed,
}

/// Whether something that is watched is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Away {
    /// It is there.
    No,
    /// It was never there, or is lost since; told to a person or not.
    Since(Timestamp, bool),
}

impl Away {
    pub(super) const fn is_there(self) -> bool {
        matches!(self, Self::No)
    }

    /// When a person has to be told.
    pub(super) fn due(self, after: Duration) -> Option<Timestamp> {
        match self {
            Self::Since(since, false) => Some(since.after(after)),
            Self::Since(_, true) | Self::No => None,
        }
    }
}

/// What was told and decided since somebody last asked.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) inputs: Vec<(Timestamp, Input)>,
    pub(crate) decisions: Vec<(Timestamp, Command)>,
}

/// The cause of the halts that hold a new bot's strategies while they warm up.
pub(super) const STARTING: HaltCause = HaltCause::Custom(Label::new("starting"));

/// Words in the venue's place that are handed in at one go; a strategy that answers each refusal
/// by another order gets the rest later.
const MOST_ANSWERS: usize = 64;

/// The pause before the rest.
pub(super) const ANSWER_PAUSE: Duration = Duration::from_secs(1);

impl<S: Strategy, M: MetricsSink> Bot<S, M> {
    pub(super) fn with(
        at: Timestamp,
        (name, epoch): (Label, u32),
        engine: Engine<S, Tee<Digest, M>>,
        (config, reconciler): (BotConfig, Reconciler),
    ) -> Self {
        let away = Away::Since(at, false);
        let instruments = engine.instruments().len();
        let halts = engine.halts().halts().iter().map(|active| active.halt).collect();
        Self {
            name,
            config,
            epoch,
            engine,
            phase: Phase::Starting,
            last: Timestamp::from_nanos(i64::MIN),
            inputs: 0,
            talk: Conversation::new(config.orders),
            todo: Vec::new(),
            commands: Vec::new(),
            answers: VecDeque::new(),
            sent: BTreeMap::new(),
            changes: BTreeMap::new(),
            markets: vec![away; instruments],
            is_lost: vec![false; instruments],
            news: away,
            reconciler,
            heartbeat_at: Timestamp::MAX,
            halts,
            status: BotStatus::Starting,
            journal: Journal::default(),
            explained: VecDeque::new(),
            counts: BotCounts::default(),
        }
    }

    /// Takes a market event of the instrument's live feed, at the time that it was received.
    /// `seen_at` is when the venue says that it happened: a bar counts from its close on, so that
    /// a paper account on bars is the backtest of those bars.
    pub fn market(
        &mut self,
        at: Timestamp,
        event: &MarketEvent,
        seen_at: Option<Timestamp>,
        out: &mut Vec<BotAction>,
    ) {
        if self.is_over() {
            return;
        }
        let instrument = event.instrument();
        self.market_back(at, instrument, out);
        let at = match (event, seen_at) {
            (MarketEvent::Bar(_), Some(seen_at)) if seen_at >= self.last => seen_at.min(at),
            _ => at,
        };
        match self.feed(at, Input::Market(event.clone()), out) {
            Ok(()) => {}
            Err(EngineError::Data(_)) => {
                self.counts.refuse(instrument);
                // Known instruments alone can be distrusted; of others there is nothing to say.
                let _ = self.feed(at, Input::Control(Control::Distrust(instrument)), out);
            }
            Err(error) => self.tell(at, NoticeKind::BotError, AlertLevel::Error, &error, out),
        }
        self.settle(at, out);
    }

    /// The data of an instrument are not to be trusted until [`Bot::market_started`] says so and
    /// [`Bot::market`] brings new ones: nothing is opened in it.
    pub fn market_lost(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        out: &mut Vec<BotAction>,
    ) {
        let index = instrument.index();
        let (Some(market), Some(is_lost)) =
            (self.markets.get_mut(index), self.is_lost.get_mut(index))
        else {
            return;
        };
        if matches!(self.phase, Phase::Failed | Phase::Stopped) {
            return;
        }
        *is_lost = true;
        if market.is_there() {
            *market = Away::Since(at, false);
            let _ = self.feed(at, Input::Control(Control::Distrust(instrument)), out);
        }
        self.settle(at, out);
    }

    /// The feed of an instrument is whole again; its next event says where the market is.
    pub fn market_started(&mut self, instrument: InstrumentId) {
        if let Some(is_lost) = self.is_lost.get_mut(instrument.index()) {
            *is_lost = false;
        }
    }

    fn market_back(&mut self, at: Timestamp, instrument: InstrumentId, out: &mut Vec<BotAction>) {
        if self.is_lost.get(instrument.index()).is_none_or(|is_lost| *is_lost) {
            return;
        }
        let Some(market) = self.markets.get_mut(instrument.index()) else { return };
        let before = mem::replace(market, Away::No);
        if matches!(before, Away::Since(_, true)) {
            let text = format!("the data of instrument {} are back", instrument.0);
            self.tell(at, NoticeKind::Reconnected, AlertLevel::Info, &text, out);
        }
    }

    /// Takes what a person or a supervising program says.
    ///
    /// # Errors
    /// [`EngineError`]; nothing changed.
    pub fn control(
        &mut self,
        at: Timestamp,
        control: Control,
        out: &mut Vec<BotAction>,
    ) -> Result<(), EngineError> {
        if self.is_over() {
            return Ok(());
        }
        self.feed(at, Input::Control(control), out)?;
        self.settle(at, out);
        Ok(())
    }

    /// Hands the engine an input and carries out what it answers.
    pub(super) fn feed(
        &mut self,
        at: Timestamp,
        input: Input,
        out: &mut Vec<BotAction>,
    ) -> Result<(), EngineError> {
        if self.is_over() {
            return Ok(());
        }
        let at = at.max(self.last);
        let mut commands = mem::take(&mut self.commands);
        let engine = &mut self.engine;
        // An engine that has panicked is not asked again.
        let call = AssertUnwindSafe(|| engine.handle(at, &input, &mut commands));
        let outcome = match catch_unwind(call) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                self.commands = commands;
                return Err(error);
            }
            Err(payload) => {
                self.fail(at, &panic_text(&*payload), out);
                return Ok(());
            }
        };
        self.last = at;
        self.inputs += 1;
        let order = match &input {
            Input::Order(update) => Some(update.order),
            _ => None,
        };
        if self.config.is_recorded {
            self.journal.inputs.push((at, input));
        }
        for command in &commands {
            self.engine.sink_mut().0.command(at, command);
            if self.config.is_recorded {
                self.journal.decisions.push((at, *command));
            }
        }
        // What is answered at once comes after all that was decided before it.
        for command in commands.drain(..) {
            self.carry_out(at, command, out);
        }
        self.commands = commands;
        if let Some(order) = order {
            self.forget_ended(order);
        }
        outcome
    }

    /// The engine has panicked: it is not asked again, and what would open goes.
    #[cold]
    fn fail(&mut self, at: Timestamp, panic: &str, out: &mut Vec<BotAction>) {
        self.phase = Phase::Failed;
        for (order, sent) in mem::take(&mut self.sent) {
            if sent.opens {
                let instrument = sent.instrument;
                out.push(BotAction::Request(Request::Cancel { order, instrument }));
            }
        }
        let text = format!("the engine panicked and is not asked again: {panic}");
        self.tell(at, NoticeKind::BotError, AlertLevel::Critical, &text, out);
    }

    /// What follows everything that came in: words in the venue's place, halts, status.
    pub(super) fn settle(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        for _ in 0..MOST_ANSWERS {
            let Some(update) = self.answers.pop_front() else { break };
            self.report(at, update, out);
        }
        self.watch_halts(at, out);
        self.watch_stop(at, out);
        let status = self.status();
        if status != self.status {
            self.status = status;
            out.push(BotAction::Status(status));
        }
    }

    fn watch_halts(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        let active = self.engine.halts().halts();
        if active.is_empty() && self.halts.is_empty() {
            return;
        }
        let now: Vec<Halt> = active.iter().map(|active| active.halt).collect();
        let before = mem::replace(&mut self.halts, now.clone());
        let is_told = |halt: &&Halt| halt.cause != STARTING;
        for halt in now.iter().filter(|halt| !before.contains(halt)).filter(is_told) {
            let (kind, level) = match halt.cause {
                HaltCause::CircuitBreaker => (NoticeKind::BreakerTripped, AlertLevel::Error),
                HaltCause::StrategyFailure => (NoticeKind::BotError, AlertLevel::Error),
                _ => (NoticeKind::Halted, AlertLevel::Critical),
            };
            self.tell(at, kind, level, &describe(halt), out);
        }
        let same =
            |halt: &Halt, other: &Halt| halt.cause == other.cause && halt.scope == other.scope;
        let ended = |halt: &&Halt| !now.iter().any(|other| same(halt, other));
        for halt in before.iter().filter(ended).filter(is_told) {
            self.tell(at, NoticeKind::HaltEnded, AlertLevel::Info, &describe(halt), out);
        }
    }

    pub(super) fn tell(
        &self,
        at: Timestamp,
        kind: NoticeKind,
        level: AlertLevel,
        text: &dyn core::fmt::Display,
        out: &mut Vec<BotAction>,
    ) {
        let notice = Notice { at, bot: self.name, kind, level, text: text.to_string() };
        out.push(BotAction::Notify(notice));
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Stopped | Phase::Failed)
    }

    /// True after a panic in the engine, whose state may be half changed since.
    pub(super) const fn has_panicked(&self) -> bool {
        matches!(self.phase, Phase::Failed)
    }

    /// The slots that hold strategies.
    pub(super) fn slots(&self) -> impl Iterator<Item = SlotId> + use<S, M> {
        let slots = u16::try_from(self.engine.account().book().slots()).unwrap_or(u16::MAX);
        (1..slots).map(SlotId)
    }

    /// Its name.
    pub const fn name(&self) -> Label {
        self.name
    }

    /// Its run's number, part of every order id: one more at each start.
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Its engine, to read.
    pub const fn engine(&self) -> &Engine<S, Tee<Digest, M>> {
        &self.engine
    }

    /// The reader of records.
    pub const fn sink_mut(&mut self) -> &mut M {
        &mut self.engine.sink_mut().1
    }

    /// The hash of every command and record of this session.
    pub fn hash(&self) -> RunHash {
        self.engine.sink().0.value()
    }

    /// How many inputs the engine has taken in this session.
    pub const fn inputs(&self) -> u64 {
        self.inputs
    }

    /// The latest differences between books and venue and what became of them, the oldest first.
    pub fn explained(&self) -> impl ExactSizeIterator<Item = &Explained> {
        self.explained.iter()
    }

    /// What happened to it so often since it was made.
    pub const fn counts(&self) -> &BotCounts {
        &self.counts
    }

    /// How many orders have no known outcome.
    pub const fn doubts(&self) -> usize {
        self.talk.len()
    }

    /// True when books and venue agreed at the last comparison and no news were lost since.
    pub fn is_reconciled(&self) -> bool {
        self.news.is_there() && self.reconciler.is_current()
    }

    /// When books and venue were last compared in this run with nothing left open.
    pub const fn reconciled_at(&self) -> Option<Timestamp> {
        self.reconciler.succeeded_at()
    }
}

fn describe(halt: &Halt) -> String {
    format!("{} at level {:?} in {:?}", halt.cause.as_str(), halt.level, halt.scope)
}
