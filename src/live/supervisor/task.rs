use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::metrics::panic_text;
use crate::types::{Label, Timestamp};
use crate::venue::Clock;

/// Why a task has failed, as the task itself says it. Its text is shown in the task's status, so
/// it must hold no secret.
pub type TaskError = Box<dyn std::error::Error + Send + Sync>;

/// When a task that has ended by itself is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartPolicy {
    /// Never.
    Never,
    /// When it has failed or panicked.
    #[default]
    OnFailure,
    /// Whenever it has ended.
    Always,
}

/// How a task is supervised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskConfig {
    /// When it is started again.
    pub restart: RestartPolicy,
    /// So many restarts within the span below; one more gives it up.
    pub most_restarts: u32,
    /// The span that restarts are counted in.
    pub within: Duration,
    /// The pause before the first restart; it doubles with each further one in the span.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// The others are stopped when this one is given up.
    pub is_vital: bool,
}

impl Default for TaskConfig {
    /// Restarted on failure, five times in ten minutes, after a second at first and at most a
    /// minute; not vital.
    fn default() -> Self {
        Self {
            restart: RestartPolicy::OnFailure,
            most_restarts: 5,
            within: Duration::from_secs(600),
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            is_vital: false,
        }
    }
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It was not started yet.
    Waiting,
    /// It is at work.
    Running,
    /// It will be started again.
    Pausing,
    /// It has come to its end.
    Ended,
    /// It has failed, and is not started again.
    Failed,
    /// It has ended because it was asked to.
    Stopped,
    /// It did not end in time when it was asked to, and was cut off.
    Aborted,
}

/// A task at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskStatus {
    /// Its name.
    pub name: Label,
    /// Where it stands.
    pub state: TaskState,
    /// How often it was started again.
    pub restarts: u32,
    /// Since when it stands there, by the wall clock.
    pub since: Timestamp,
    /// Why it has failed the last time.
    pub last_error: Option<String>,
}

/// Tells a task that it is to end.
#[derive(Clone, Debug)]
pub struct StopSignal(pub(super) watch::Receiver<bool>);

impl StopSignal {
    /// True once it is to end.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Comes back once it is to end.
    pub async fn asked(&mut self) {
        // Without a supervisor there is nobody to work for.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}

/// Begins a task, each time anew.
pub(super) type Begin =
    Box<dyn FnMut(StopSignal) -> BoxFuture<'static, Result<(), TaskError>> + Send>;

/// A task under supervision.
pub(super) struct Supervised {
    pub(super) config: TaskConfig,
    pub(super) begin: Begin,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) show: Arc<watch::Sender<TaskStatus>>,
    pub(super) stop: StopSignal,
}

impl Supervised {
    /// Keeps the task at work until it is over; true when it was given up.
    pub(super) async fn keep(mut self) -> bool {
        let mut restarts: VecDeque<Timestamp> = VecDeque::new();
        loop {
            self.turn(TaskState::Running, None);
            let failure = self.once().await;
            if self.stop.is_asked() {
                self.turn(TaskState::Stopped, failure);
                return false;
            }
            let is_failure = failure.is_some();
            let is_again = match self.config.restart {
                RestartPolicy::Never => false,
                RestartPolicy::OnFailure => is_failure,
                RestartPolicy::Always => true,
            };
            let now = self.clock.monotonic();
            while restarts.front().is_some_and(|first| now.since(*first) > self.config.within) {
                restarts.pop_front();
            }
            if !is_again || restarts.len() >= self.config.most_restarts as usize {
                let is_given_up = is_failure || is_again;
                let state = if is_given_up { TaskState::Failed } else { TaskState::Ended };
                self.turn(state, failure);
                return is_given_up;
            }
            self.turn(TaskState::Pausing, failure);
            let pause = self.pause(restarts.len());
            restarts.push_back(now);
            let clock = Arc::clone(&self.clock);
            tokio::select! {
                () = clock.sleep_until(now.after(pause)) => {}
                () = self.stop.asked() => {
                    self.turn(TaskState::Stopped, None);
                    return false;
                }
            }
            self.show.send_modify(|status| status.restarts = status.restarts.saturating_add(1));
        }
    }

    /// Runs the task once; the answer is why it has failed. It is a task of the runtime's own, so
    /// that a panic ends it alone, and is cut off with this future.
    async fn once(&mut self) -> Option<String> {
        let mut alone = JoinSet::new();
        alone.spawn((self.begin)(self.stop.clone()));
        match alone.join_next().await? {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(match error.try_into_panic() {
                Ok(panic) => format!("it panicked: {}", panic_text(&*panic)),
                Err(error) => error.to_string(),
            }),
        }
    }

    fn pause(&self, restarts: usize) -> Duration {
        let doubled = 1_u32.checked_shl(restarts as u32).unwrap_or(u32::MAX);
        self.config.pause.saturating_mul(doubled).min(self.config.longest_pause)
    }

    fn turn(&self, state: TaskState, failure: Option<String>) {
        turn(&self.show, state, self.clock.wall(), failure);
    }
}

/// Shows a new state; a failure before it is kept unless there is a newer one.
pub(super) fn turn(
    show: &watch::Sender<TaskStatus>,
    state: TaskState,
    since: Timestamp,
    failure: Option<String>,
) {
    show.send_modify(|status| {
        let task = status.name.as_str();
        match &failure {
            Some(reason) => tracing::warn!(task, ?state, reason, "a task has failed"),
            None => tracing::info!(task, ?state, "a task has changed its state"),
        }
        status.state = state;
        status.since = since;
        if failure.is_some() {
            status.last_error = failure;
        }
    });
}
