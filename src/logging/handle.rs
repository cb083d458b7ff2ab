use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::Targets;

use super::LoggingError;
use super::levels::Levels;
use super::queue::Queue;
use crate::config::{LogLevel, LogModule};

/// Steers logs that are at work. Copies steer the same; when the last one is dropped, what waits
/// is written, as far as that takes no longer than three seconds.
#[derive(Clone)]
pub struct LoggingHandle {
    inner: Arc<Inner>,
}

/// What became of the lines so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggingStatus {
    /// Lines that were written wherever they belong.
    pub written: u64,
    /// Lines that some place has not taken: a full disk, a closed terminal.
    pub failed: u64,
    /// Lines that nobody has written, since too many waited.
    pub dropped: u64,
    /// How often a full file could not be put aside; it is written on then.
    pub failed_rolls: u64,
    /// What the last place that failed has said.
    pub last_error: Option<String>,
}

struct Inner {
    levels: Mutex<Levels>,
    apply: Apply,
    queue: Arc<Queue>,
}

/// Hands levels to the subscriber; false when it is no more.
pub(super) type Apply = Box<dyn Fn(Targets) -> bool + Send + Sync>;

/// How long the last handle waits.
const LAST_LINES: Duration = Duration::from_secs(3);

impl LoggingHandle {
    pub(super) fn new(levels: Levels, apply: Apply, queue: Arc<Queue>) -> Self {
        Self { inner: Arc::new(Inner { levels: Mutex::new(levels), apply, queue }) }
    }

    /// Gives a module a level of its own, from the next event on.
    ///
    /// # Errors
    /// [`LoggingError::Module`] for a path that is none and for a module of this crate that does
    /// not log, [`LoggingError::Gone`]; nothing has changed then.
    pub fn set_level(&self, module: &str, level: LogLevel) -> Result<(), LoggingError> {
        let module = LogModule::new(module)?;
        self.change(|levels| {
            levels.modules.insert(module, level);
        })
    }

    /// Lets a module have the level of the one above it again.
    ///
    /// # Errors
    /// As [`LoggingHandle::set_level`].
    pub fn reset_level(&self, module: &str) -> Result<(), LoggingError> {
        let module = LogModule::new(module)?;
        self.change(|levels| {
            levels.modules.remove(&module);
        })
    }

    /// Sets the level of all modules that have none of their own.
    ///
    /// # Errors
    /// [`LoggingError::Gone`].
    pub fn set_usual_level(&self, level: LogLevel) -> Result<(), LoggingError> {
        self.change(|levels| levels.usual = level)
    }

    /// The level of modules without one of their own.
    pub fn usual_level(&self) -> LogLevel {
        self.inner.lock().usual
    }

    /// The modules with a level of their own, in order.
    pub fn levels(&self) -> Vec<(LogModule, LogLevel)> {
        let levels = self.inner.lock();
        levels.modules.iter().map(|(module, level)| (module.clone(), *level)).collect()
    }

    /// Waits until everything that was logged before is written, and no longer than this. It
    /// blocks its thread meanwhile.
    ///
    /// # Errors
    /// [`LoggingError::NotWritten`]; it is still written when there is time.
    pub fn flush(&self, within: Duration) -> Result<(), LoggingError> {
        self.inner.queue.flush(within)
    }

    /// What became of the lines so far.
    pub fn status(&self) -> LoggingStatus {
        self.inner.queue.status()
    }

    fn change(&self, change: impl FnOnce(&mut Levels)) -> Result<(), LoggingError> {
        let mut levels = self.inner.lock();
        let mut changed = levels.clone();
        change(&mut changed);
        if !(self.inner.apply)(changed.targets()) {
            return Err(LoggingError::Gone);
        }
        *levels = changed;
        Ok(())
    }
}

impl Inner {
    /// Nothing that holds the lock can panic half-way, so what it guards is sound.
    fn lock(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What cannot be written in this time is counted by nobody any more.
        let _ = self.queue.flush(LAST_LINES);
    }
}

impl fmt::Debug for LoggingHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let levels = self.inner.lock();
        formatter.debug_struct("LoggingHandle").field("levels", &*levels).finish_non_exhaustive()
    }
}
