use core::time::Duration;
use std::sync::Arc;

use futures::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::task::{Begin, Supervised, turn};
use super::{StopSignal, TaskConfig, TaskError, TaskState, TaskStatus};
use crate::types::Label;
use crate::venue::Clock;

/// Keeps tasks at work beside the bots (a server of metrics, a watch over files) and ends them in
/// order: the last one that was added is asked to end first.
///
/// A task is a closure that begins it anew, and gets a [`StopSignal`] to end by. One that fails or
/// panics is started again as its [`TaskConfig`] says. Drop the future of [`Supervisor::run`], and
/// all of them are cut off.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::sync::Arc;
/// use std::time::Duration;
/// use tradewright::live::{Supervisor, SystemClock, TaskConfig, TaskState};
///
/// let mut supervisor = Supervisor::new(Arc::new(SystemClock));
/// supervisor.task("metrics", TaskConfig::default(), |mut stop| async move {
///     stop.asked().await;
///     Ok(())
/// });
/// let handle = supervisor.handle();
/// let exit = supervisor.run(async {}, Duration::from_secs(5)).await;
/// assert_eq!(exit.tasks[0].state, TaskState::Stopped);
/// assert_eq!(handle.tasks(), exit.tasks);
/// # }
/// ```
pub struct Supervisor {
    clock: Arc<dyn Clock>,
    tasks: Vec<Planned>,
}

struct Planned {
    config: TaskConfig,
    begin: Begin,
    show: Arc<watch::Sender<TaskStatus>>,
}

/// Reads the states of a [`Supervisor`]'s tasks, while it runs and afterwards.
#[derive(Clone, Debug, Default)]
pub struct SupervisorHandle {
    tasks: Vec<watch::Receiver<TaskStatus>>,
}

impl SupervisorHandle {
    /// Where each task stands, in the order in which they were added.
    pub fn tasks(&self) -> Vec<TaskStatus> {
        self.tasks.iter().map(|task| task.borrow().clone()).collect()
    }
}

/// Why a [`Supervisor`] has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupervisorCause {
    /// It was asked to.
    Asked,
    /// A vital task was given up.
    GivenUp(Label),
    /// All tasks had ended.
    NothingLeft,
}

/// How a [`Supervisor`] has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisorExit {
    /// Why.
    pub cause: SupervisorCause,
    /// Where its tasks have ended.
    pub tasks: Vec<TaskStatus>,
}

impl SupervisorExit {
    /// True when no task has failed or had to be cut off.
    pub fn is_clean(&self) -> bool {
        let failed =
            |task: &TaskStatus| matches!(task.state, TaskState::Failed | TaskState::Aborted);
        !self.tasks.iter().any(failed)
    }
}

/// A task at work, and what ends it.
struct Working {
    ask: watch::Sender<bool>,
    keeper: JoinHandle<bool>,
    show: Arc<watch::Sender<TaskStatus>>,
}

impl Supervisor {
    /// A supervisor without tasks.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, tasks: Vec::new() }
    }

    /// Adds a task, which begins with [`Supervisor::run`], after those that were added before.
    pub fn task<F>(
        &mut self,
        name: &str,
        config: TaskConfig,
        mut begin: impl FnMut(StopSignal) -> F + Send + 'static,
    ) where
        F: Future<Output = Result<(), TaskError>> + Send + 'static,
    {
        let (name, since) = (Label::new(name), self.clock.wall());
        let state = TaskState::Waiting;
        let status = TaskStatus { name, state, restarts: 0, since, last_error: None };
        let show = Arc::new(watch::Sender::new(status));
        let begin: Begin = Box::new(move |stop| begin(stop).boxed());
        self.tasks.push(Planned { config, begin, show });
    }

    /// What to read the tasks' states by.
    pub fn handle(&self) -> SupervisorHandle {
        SupervisorHandle { tasks: self.tasks.iter().map(|task| task.show.subscribe()).collect() }
    }

    /// Keeps the tasks at work until `stop` comes back, a vital one is given up, or none is left.
    /// Then those that are left are asked to end, one after the other; what has not ended `within`
    /// a span is cut off.
    pub async fn run(self, stop: impl Future<Output = ()>, within: Duration) -> SupervisorExit {
        let clock = self.clock;
        let (over, mut ended) = mpsc::channel(self.tasks.len().max(1));
        let mut working = Vec::new();
        for Planned { config, begin, show } in self.tasks {
            let (ask, asked) = watch::channel(false);
            let (stop, shown) = (StopSignal(asked), Arc::clone(&show));
            let task = Supervised { config, begin, clock: Arc::clone(&clock), show: shown, stop };
            let (over, name) = (over.clone(), show.borrow().name);
            let keeper = tokio::spawn(async move {
                let is_given_up = task.keep().await;
                // Nobody listens any more once all are asked to end.
                let _ = over.try_send((name, is_given_up && config.is_vital));
                is_given_up
            });
            working.push(Working { ask, keeper, show });
        }
        drop(over);
        let ends = Ends(working);
        let vital = async {
            while let Some((name, is_vital)) = ended.recv().await {
                if is_vital {
                    return SupervisorCause::GivenUp(name);
                }
            }
            SupervisorCause::NothingLeft
        };
        let cause = tokio::select! {
            () = stop => SupervisorCause::Asked,
            cause = vital => cause,
        };
        let tasks = ends.end(&*clock, within).await;
        SupervisorExit { cause, tasks }
    }
}

/// The tasks at work; what is left of them is cut off with it.
struct Ends(Vec<Working>);

impl Ends {
    /// Ends all tasks, the last one first.
    async fn end(mut self, clock: &dyn Clock, within: Duration) -> Vec<TaskStatus> {
        let until = clock.monotonic().after(within);
        for task in self.0.iter_mut().rev() {
            // One that has ended needs no word.
            let _ = task.ask.send(true);
            tokio::select! {
                biased;
                _ = &mut task.keeper => {}
                () = clock.sleep_until(until) => {
                    task.keeper.abort();
                    turn(&task.show, TaskState::Aborted, clock.wall(), None);
                }
            }
        }
        self.0.iter().map(|task| task.show.borrow().clone()).collect()
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.iter().for_each(|task| task.keeper.abort());
    }
}
