use prefetch_index::prefetch_index;

use crate::engine::{Command, Engine, EngineError, Input};
use crate::metrics::{MetricsSink, Tee};
use crate::sim::SimVenue;
use crate::strategy::Strategy;
use crate::types::{MarketEvent, State, StateError, Timestamp};

use super::{Decisions, Digest, Recording, RunHash, Timed};

/// An engine and a simulated venue, driven event by event. [`Backtest`](super::Backtest) is
/// built on it; a host that wants to hold the loop in its own hands takes it directly.
///
/// The loop, for all events of one instant:
///
/// 1. timers that were due before it: [`Input::Time`];
/// 2. the venue sees each event; each of its reports goes to the engine, and what the engine
///    answers goes back to the venue at once;
/// 3. the engine sees each event; its commands go to the venue.
///
/// A funding payment is booked by both before either goes on.
pub struct Simulation<S, M = ()> {
    engine: Engine<S, Tee<Digest, M>>,
    venue: SimVenue,
    commands: Vec<Command>,
    last: Timestamp,
    journal: Option<Box<Journal>>,
}

/// How many events ahead of the one at hand memory is asked: it answers in one or two hundred
/// nanoseconds, and the shortest event takes seven.
const AHEAD: usize = 32;

/// Who has seen an event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Venue,
    Both,
}

const fn is_funding(timed: &Timed) -> bool {
    matches!(timed.event, MarketEvent::Funding(_))
}

/// What a run was told and what it decided, kept when it is asked for.
#[derive(Debug, Default)]
struct Journal {
    recording: Recording,
    decisions: Decisions,
}

impl<S: Strategy, M: MetricsSink> Simulation<S, M> {
    /// Puts an engine in front of a venue.
    pub const fn new(engine: Engine<S, Tee<Digest, M>>, venue: SimVenue) -> Self {
        let last = Timestamp::from_nanos(i64::MIN);
        Self { engine, venue, commands: Vec::new(), last, journal: None }
    }

    /// Gives the engine an input that is no market event: a deposit, a control, a split. What
    /// adjusts positions or income is carried out at the venue too; capital is the
    /// account's alone, see [`SimVenue::deposit`].
    ///
    /// # Errors
    /// [`EngineError`] of the engine.
    pub fn input(&mut self, at: Timestamp, input: &Input) -> Result<(), EngineError> {
        self.engine.handle(at, input, &mut self.commands)?;
        self.note(at, || input.clone());
        self.last = at;
        if let Input::Adjustment(adjustment) = input {
            self.venue.adjust(at, adjustment);
        }
        self.submit(at);
        self.pump()
    }

    /// Keeps every input and decision from now on, for [`Simulation::recording`] and
    /// [`Simulation::decisions`].
    #[must_use]
    pub fn recorded(mut self) -> Self {
        self.journal.get_or_insert_default();
        self
    }

    /// The inputs so far, where they are kept.
    pub fn recording(&self) -> Option<&Recording> {
        self.journal.as_ref().map(|journal| &journal.recording)
    }

    /// The commands so far, where they are kept.
    pub fn decisions(&self) -> Option<&Decisions> {
        self.journal.as_ref().map(|journal| &journal.decisions)
    }

    #[inline]
    fn note(&mut self, at: Timestamp, input: impl FnOnce() -> Input) {
        if let Some(journal) = &mut self.journal {
            journal.recording.push(at, input());
        }
    }

    /// Runs over events in order of time. Events of one instant must be in one call for the
    /// venue to fill all of them before any strategy sees the first.
    ///
    /// # Errors
    /// [`EngineError`] of the engine.
    #[inline(never)]
    pub fn run(&mut self, events: &[Timed]) -> Result<(), EngineError> {
        let mut rest = events;
        while let [first, later @ ..] = rest {
            prefetch_index(rest, AHEAD);
            // Mostly an event is alone at its instant, and a plain bar.
            if later.first().is_none_or(|next| next.at != first.at) {
                if !self.pass(first)? {
                    self.show_one(first)?;
                }
                rest = later;
                continue;
            }
            let others = later.iter().take_while(|timed| timed.at == first.at).count();
            let (instant, later) = rest.split_at(1 + others);
            self.step(first.at, instant)?;
            rest = later;
        }
        Ok(())
    }

    /// The short way of a bar at which no timer is due and nobody keeps a journal. False when the
    /// event is no such bar; then nothing has happened.
    #[inline(always)]
    fn pass(&mut self, timed: &Timed) -> Result<bool, EngineError> {
        let (at, event) = (timed.at, &timed.event);
        let MarketEvent::Bar(bar) = event else { return Ok(false) };
        if !self.engine.is_plain(at, bar) || self.journal.is_some() || !self.venue.is_at_rest() {
            return Ok(false);
        }
        if !self.venue.pass(at, bar) {
            self.show_venue(timed)?;
            // What happened to orders may have asked for more.
            if !self.engine.is_plain(at, bar) {
                self.show_engine(timed)?;
                return Ok(true);
            }
        }
        self.engine.plain_bar(at, (event, bar), &mut self.commands);
        self.last = at;
        if !self.commands.is_empty() {
            self.answer(at)?;
        }
        Ok(true)
    }

    /// Takes one event that is alone at its instant.
    #[inline(never)]
    fn show_one(&mut self, timed: &Timed) -> Result<(), EngineError> {
        self.wake_before(timed.at)?;
        match self.show_venue(timed)? {
            Shown::Venue => self.show_engine(timed),
            Shown::Both => Ok(()),
        }
    }

    /// Takes several events of one instant.
    #[inline(never)]
    fn step(&mut self, at: Timestamp, instant: &[Timed]) -> Result<(), EngineError> {
        self.wake_before(at)?;
        for (place, timed) in instant.iter().enumerate() {
            // Behind the instant lies the next one; behind the last there is nothing to fetch.
            prefetch_index(instant, place + AHEAD);
            if is_funding(timed) {
                self.show_both(timed)?;
            } else {
                self.show_venue(timed)?;
            }
        }
        for timed in instant.iter().filter(|timed| !is_funding(timed)) {
            self.show_engine(timed)?;
        }
        Ok(())
    }

    #[inline]
    fn wake_before(&mut self, at: Timestamp) -> Result<(), EngineError> {
        while let Some(due) = self.engine.deadline().filter(|due| *due < at) {
            let due = due.max(self.last);
            self.input(due, &Input::Time)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn show_venue(&mut self, timed: &Timed) -> Result<Shown, EngineError> {
        self.venue.on_market(timed.at, &timed.event);
        if !self.venue.has_news() {
            return Ok(Shown::Venue);
        }
        if is_funding(timed) {
            self.show_engine(timed)?;
            return self.pump().map(|()| Shown::Both);
        }
        self.pump().map(|()| Shown::Venue)
    }

    /// Shows an event that both book: the engine does it before it hears what followed from it
    /// at the venue, so that both pay funding on the same positions.
    fn show_both(&mut self, timed: &Timed) -> Result<(), EngineError> {
        self.venue.on_market(timed.at, &timed.event);
        self.show_engine(timed)?;
        self.pump()
    }

    #[inline(never)]
    fn show_engine(&mut self, timed: &Timed) -> Result<(), EngineError> {
        let at = timed.at;
        self.engine.any_event(at, &timed.event, &mut self.commands)?;
        self.note(at, || Input::Market(timed.event.clone()));
        self.last = at;
        if self.commands.is_empty() { Ok(()) } else { self.answer(at) }
    }

    /// Hands the venue what the engine has decided.
    #[inline(never)]
    fn answer(&mut self, at: Timestamp) -> Result<(), EngineError> {
        self.submit(at);
        self.pump()
    }

    /// Hands the venue's reports to the engine and its answers back, until both are quiet.
    #[inline(never)]
    fn pump(&mut self) -> Result<(), EngineError> {
        while let Some((at, update)) = self.venue.first_report() {
            // A report from within a bar can be older than what the engine has seen of a
            // finer series; the engine's time never goes back.
            let at = (*at).max(self.last);
            let told = self.engine.order(at, update, &mut self.commands);
            if let (Ok(()), Some(journal)) = (&told, &mut self.journal) {
                journal.recording.push(at, Input::Order(*update));
            }
            self.venue.forget_first_report();
            told?;
            self.last = at;
            self.submit(at);
        }
        Ok(())
    }

    fn submit(&mut self, at: Timestamp) {
        for command in &self.commands {
            self.engine.sink_mut().0.command(at, command);
            self.venue.submit(at, command);
            if let Some(journal) = &mut self.journal {
                journal.decisions.push(at, *command);
            }
        }
        self.commands.clear();
    }

    /// The engine, to read.
    pub const fn engine(&self) -> &Engine<S, Tee<Digest, M>> {
        &self.engine
    }

    /// The venue, to read.
    pub const fn venue(&self) -> &SimVenue {
        &self.venue
    }

    /// The venue, to deposit cash or to move margin.
    pub const fn venue_mut(&mut self) -> &mut SimVenue {
        &mut self.venue
    }

    /// Ends the run and hands the engine over, such as for a replay of recorded inputs.
    pub fn into_engine(self) -> Engine<S, Tee<Digest, M>> {
        self.engine
    }

    /// The hash of every command and record so far.
    pub fn hash(&self) -> RunHash {
        self.engine.sink().0.value()
    }

    /// The reader of records.
    pub const fn sink(&self) -> &M {
        &self.engine.sink().1
    }

    /// Ends the run and hands the reader of records back.
    pub fn into_sink(self) -> M {
        self.engine.into_sink().1
    }

    /// Engine, venue and hash as bytes: restored, the run goes on as if it had never stopped.
    ///
    /// # Errors
    /// [`StateError`] of a part.
    pub fn save(&self) -> Result<Vec<u8>, StateError> {
        let parts = (self.engine.save()?, self.venue.save()?, &self.engine.sink().0, self.last);
        rmp_serde::to_vec(&parts).map_err(|error| StateError::Unwritable(error.to_string()))
    }

    /// Takes over a saved run; engine and venue must have been built alike.
    ///
    /// # Errors
    /// [`StateError`] of a part; build the simulation anew then.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let (engine, venue, digest, last): (Vec<u8>, Vec<u8>, Digest, Timestamp) =
            rmp_serde::from_slice(state)
                .map_err(|error| StateError::Unreadable(error.to_string()))?;
        self.engine.restore(&engine)?;
        self.venue.restore(&venue)?;
        self.engine.sink_mut().0 = digest;
        self.last = last;
        Ok(())
    }
}
