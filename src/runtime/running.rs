use core::time::Duration;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::live::{ExitStatus, RunnerExit, RunnerHandle, StopPolicy, SupervisorExit, SystemStatus};
use crate::logging::LoggingHandle;
use crate::resilience::SystemVerdict;
use crate::venue::MarketDataStream;

use super::SystemExit;
use super::health::HealthWatch;

/// A [`System`](super::System) at work.
pub struct RunningSystem {
    pub(super) handle: RunnerHandle,
    pub(super) health: HealthWatch,
    pub(super) market: Arc<dyn MarketDataStream>,
    pub(super) bots: JoinHandle<RunnerExit>,
    pub(super) tasks: JoinHandle<SupervisorExit>,
    pub(super) end_tasks: oneshot::Sender<()>,
    pub(super) stop: StopPolicy,
    pub(super) log: Option<LoggingHandle>,
}

/// What is still to be logged may take so long.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Closing connections may take so long.
const CLOSING: Duration = Duration::from_secs(5);

impl RunningSystem {
    /// The whole system as it is now: bots, connections and tasks.
    pub fn status(&self) -> SystemStatus {
        self.handle.system()
    }

    /// The health of its components as it is now.
    pub fn health(&self) -> SystemVerdict {
        self.health.verdict()
    }

    /// What to ask and stop the bot by. Once it has stopped, [`RunningSystem::wait`] ends.
    pub const fn handle(&self) -> &RunnerHandle {
        &self.handle
    }

    /// How the settings want the end.
    pub const fn stop_policy(&self) -> StopPolicy {
        self.stop
    }

    /// Waits until the bot has ended: asked by SIGTERM or SIGINT (a second one ends it where it
    /// is), by its handle, because a task was given up, or by itself. Then tasks are ended in
    /// reverse order of their start, at most as long as the settings say, and then connections.
    pub async fn wait(self) -> SystemExit {
        let Self { market, bots, tasks, end_tasks, log, .. } = self;
        // Whoever panicked here has said so; the bots are gone with it.
        let failed = |_| RunnerExit { bots: Vec::new(), status: ExitStatus::Failed };
        let RunnerExit { bots, status } = bots.await.unwrap_or_else(failed);
        // Tasks that have ended before need no word.
        let _ = end_tasks.send(());
        let tasks = tasks.await.ok();
        // Connections that do not close in time are closed by the machine.
        let _ = tokio::time::timeout(CLOSING, market.close()).await;
        let exit = SystemExit { bots, status, tasks };
        tracing::info!(status = ?exit.status, code = exit.code(), "the system has ended");
        if let Some(log) = &log {
            // What cannot be written by now is lost with the process.
            let _ = log.flush(LAST_WORDS);
        }
        exit
    }
}
