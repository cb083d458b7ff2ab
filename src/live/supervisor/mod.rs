//! Tasks beside the bots: named, kept running, and ended in order.

mod run;
mod task;

pub use run::{Supervisor, SupervisorCause, SupervisorExit, SupervisorHandle};
pub use task::{RestartPolicy, StopSignal, TaskConfig, TaskError, TaskState, TaskStatus};
