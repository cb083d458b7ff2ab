//! A bot begins: anew, or where an earlier run has ended.

use serde::{Deserialize, Serialize};

use crate::backtest::Digest;
use crate::engine::{Command, Control, Engine, EngineError, Input};
use crate::metrics::{MetricsSink, Tee};
use crate::strategy::Strategy;
use crate::types::{
    Bar, Classification, Classify, Halt, HaltLevel, HaltScope, Label, MarketEvent, SlotId, State,
    StateError, Timestamp,
};

use super::bot::STARTING;
use super::orders::Sent;
use super::reconcile::{Memory, Reconciler};
use super::{Bot, BotAction, BotConfig};

/// How a bot is built, at each of its starts alike.
///
/// The engine is built by the host's closure, which gets the number of the run to hand it to
/// [`EngineBuilder::epoch`](crate::engine::EngineBuilder::epoch), and puts a [`Digest`] before
/// its own sink. It has to build the same engine each time: a snapshot of other strategies,
/// parameters or instruments is refused.
pub struct BotPlan<S, M> {
    /// The bot's name; its files are called by it.
    pub name: Label,
    /// How it deals with its venue.
    pub config: BotConfig,
    /// Builds its engine for the run of this number.
    pub build: BuildEngine<S, M>,
}

/// Builds an engine for the run of this number.
pub type BuildEngine<S, M> = Box<dyn Fn(u32) -> BuiltEngine<S, M> + Send + Sync>;

/// An engine that was built, or why not.
pub type BuiltEngine<S, M> = Result<Engine<S, Tee<Digest, M>>, EngineError>;

/// Why a bot could not go on where it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The engine cannot be built, or refuses an input that it took before.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The snapshot belongs to something else, or cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Classify for ResumeError {
    fn classification(&self) -> Classification {
        match self {
            Self::Engine(error) => error.classification(),
            Self::State(error) => error.classification(),
        }
    }
}

/// The written form of a bot.
#[derive(Serialize, Deserialize)]
struct SavedBot {
    version: u32,
    name: Label,
    epoch: u32,
    inputs: u64,
    engine: Vec<u8>,
    memory: Memory,
    gateway: Option<Vec<u8>>,
}

/// The version of the form above.
const VERSION: u32 = 1;

/// What a snapshot says of itself, before the bot is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotHead {
    /// The run that it was taken of.
    pub epoch: u32,
    /// How many inputs of that run it includes.
    pub inputs: u64,
    /// What the gateway wants to have back.
    pub gateway: Option<Vec<u8>>,
}

/// Reads what a snapshot says of itself.
///
/// # Errors
/// [`StateError::Unreadable`], and [`StateError::Mismatch`] for another version.
pub fn snapshot_head(saved: &[u8]) -> Result<SnapshotHead, StateError> {
    let SavedBot { epoch, inputs, gateway, .. } = read(saved)?;
    Ok(SnapshotHead { epoch, inputs, gateway })
}

/// The engine's part of a snapshot, for [`Engine::restore`].
///
/// # Errors
/// As [`snapshot_head`].
pub fn engine_state(saved: &[u8]) -> Result<Vec<u8>, StateError> {
    read(saved).map(|saved| saved.engine)
}

fn read(saved: &[u8]) -> Result<SavedBot, StateError> {
    let bot: SavedBot =
        rmp_serde::from_slice(saved).map_err(|error| StateError::Unreadable(error.to_string()))?;
    if bot.version != VERSION {
        return Err(StateError::Mismatch {
            expected: format!("snapshot version {VERSION}"),
            found: format!("snapshot version {}", bot.version),
        });
    }
    Ok(bot)
}

impl<S: Strategy, M: MetricsSink> BotPlan<S, M> {
    /// A bot with a name and an engine, with the usual settings.
    pub fn new(
        name: &str,
        build: impl Fn(u32) -> BuiltEngine<S, M> + Send + Sync + 'static,
    ) -> Self {
        Self { name: Label::new(name), config: BotConfig::default(), build: Box::new(build) }
    }

    /// A bot that begins anew, in its first run. Its strategies are shown the history first and
    /// are held by a halt until it is reconciled.
    ///
    /// # Errors
    /// [`EngineError`]: the engine cannot be built, or refuses a bar.
    pub fn begin(
        &self,
        at: Timestamp,
        history: &[(Timestamp, Bar)],
        out: &mut Vec<BotAction>,
    ) -> Result<Bot<S, M>, EngineError> {
        let engine = (self.build)(FIRST)?;
        let reconciler = Reconciler::new(at);
        let mut bot = Bot::with(at, (self.name, FIRST), engine, (self.config, reconciler));
        let earliest = history.first().map_or(at, |(close, _)| at.min(*close));
        for slot in bot.slots() {
            let scope = HaltScope::Strategy(slot);
            let halt = Halt { cause: STARTING, level: HaltLevel::Halted, scope };
            bot.feed(earliest, Input::Control(Control::Halt(halt)), out)?;
        }
        bot.warm_up(at, history, out)?;
        bot.settle(at, out);
        Ok(bot)
    }

    /// A bot that goes on where a run before it has ended, by its snapshot and the inputs that
    /// were recorded after it. What was decided on those inputs was sent then or not: it is not
    /// sent now, but asked for. Then its strategies are shown the history that they have missed;
    /// what they want on it is refused.
    ///
    /// # Errors
    /// [`ResumeError`].
    pub fn resume(
        &self,
        at: Timestamp,
        (saved, tail): (&[u8], &[(Timestamp, Input)]),
        history: &[(Timestamp, Bar)],
        out: &mut Vec<BotAction>,
    ) -> Result<Bot<S, M>, ResumeError> {
        let saved = read(saved)?;
        if saved.name != self.name {
            let (expected, found) = (self.name.to_string(), saved.name.to_string());
            return Err(StateError::Mismatch { expected, found }.into());
        }
        let mut before = (self.build)(saved.epoch)?;
        before.restore(&saved.engine)?;
        let mut commands: Vec<Command> = Vec::new();
        let mut last = Timestamp::from_nanos(i64::MIN);
        for (at, input) in tail {
            before.handle(*at, input, &mut commands)?;
            commands.clear();
            last = *at;
        }
        let epoch = saved.epoch.saturating_add(1);
        let mut engine = (self.build)(epoch)?;
        engine.restore(&before.save()?)?;
        let mut memory = saved.memory;
        if tail.iter().any(|(_, input)| is_at_work(input)) {
            memory.note_begun();
        }
        let reconciler = Reconciler::with(memory);
        let mut bot = Bot::with(at, (self.name, epoch), engine, (self.config, reconciler));
        bot.last = last.max(bot.engine.facts(SlotId::HOUSE).at);
        bot.recall(at, out);
        bot.warm_up(at, history, out)?;
        bot.settle(at, out);
        Ok(bot)
    }
}

/// True for an input that comes after the first reconciliation alone: the strategies were let go,
/// or an order was sent. A snapshot from before it must not take over the account once more.
const fn is_at_work(input: &Input) -> bool {
    matches!(input, Input::Order(_) | Input::Control(Control::Resume { .. }))
}

/// The first run's number.
const FIRST: u32 = 1;

impl<S: Strategy, M: MetricsSink> Bot<S, M> {
    /// Asks for every order that an earlier run has left.
    fn recall(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        for state in self.engine.orders().live() {
            self.sent.insert(state.order.id, Sent::of(&state.order));
            self.talk.recall(at, &state.order, &mut self.todo);
        }
        self.run_talk(at, out);
    }

    /// Shows the strategies closed bars from before the live feed. Those that it has lived
    /// through already are left out.
    fn warm_up(
        &mut self,
        at: Timestamp,
        history: &[(Timestamp, Bar)],
        out: &mut Vec<BotAction>,
    ) -> Result<(), EngineError> {
        for (close, bar) in history.iter().filter(|(close, _)| *close <= at) {
            if *close >= self.last {
                self.feed(*close, Input::Market(MarketEvent::Bar(*bar)), out)?;
                self.settle(*close, out);
            }
        }
        Ok(())
    }

    /// The whole bot as bytes, for [`BotPlan::resume`], with what its gateway wants to have back.
    ///
    /// # Errors
    /// [`StateError`] of a part, such as of a strategy made of a closure.
    pub fn save(&self, gateway: Option<Vec<u8>>) -> Result<Vec<u8>, StateError> {
        let saved = SavedBot {
            version: VERSION,
            name: self.name,
            epoch: self.epoch,
            inputs: self.inputs,
            engine: self.engine.save()?,
            memory: self.reconciler.memory().clone(),
            gateway,
        };
        State::save(&saved)
    }
}
