use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::metrics::panic_text;
use crate::strategy::{Advice, Event, Strategy};
use crate::types::{Facts, State, StateError};

/// Turns a panic of a strategy into a failure of its slot: the strategy stops, its resting entries
/// are taken back, and engine and other strategies go on as if it had called
/// [`Advice::fail`](crate::strategy::Advice::fail).
///
/// What it said in the call that panicked is not carried out. Its own state may be half changed,
/// so that it fails again at every later call, also after a restart, until it is built anew.
///
/// It needs a build that unwinds: with `panic = "abort"` nothing can be caught. The panic hook is
/// the host's and still runs. Without this wrapper a panic passes through the engine to the
/// caller of [`Engine::handle`](crate::engine::Engine::handle), and the engine must not be used
/// any more.
///
/// ```
/// use tradewright::strategy::{Contained, Strategy, from_fn};
///
/// let risky = Contained::new(from_fn("RISKY", |_, _, _| panic!("index out of bounds")));
/// assert_eq!((risky.name(), risky.panic()), ("RISKY", None));
/// ```
#[derive(Clone, Debug)]
pub struct Contained<S> {
    strategy: S,
    panic: Option<String>,
}

impl<S: Strategy> Contained<S> {
    /// Contains a strategy.
    pub const fn new(strategy: S) -> Self {
        Self { strategy, panic: None }
    }

    /// What the strategy said when it panicked; `None` while it has not.
    pub fn panic(&self) -> Option<&str> {
        self.panic.as_deref()
    }

    /// The strategy.
    pub const fn strategy(&self) -> &S {
        &self.strategy
    }
}

impl<S: Strategy> Strategy for Contained<S> {
    fn name(&self) -> &str {
        self.strategy.name()
    }

    fn warmup(&self) -> usize {
        self.strategy.warmup()
    }

    #[inline]
    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        if self.panic.is_none() {
            let strategy = &mut self.strategy;
            // What a panic leaves half changed is the strategy, which is not asked again, and the
            // advice, which is not carried out.
            let call = AssertUnwindSafe(|| strategy.on_event(event, facts, advice));
            self.panic = catch_unwind(call).err().map(|payload| panic_text(&*payload));
        }
        if let Some(panic) = &self.panic {
            advice.fail(format!("panicked: {panic}"));
        }
    }
}

impl<S: Strategy> State for Contained<S> {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        State::save(&(self.panic.clone(), self.strategy.save()?))
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved: (Option<String>, Vec<u8>) = (None, Vec::new());
        State::restore(&mut saved, state)?;
        let (panic, strategy) = saved;
        self.strategy.restore(&strategy)?;
        self.panic = panic;
        Ok(())
    }
}
