use std::process::ExitCode;

use crate::live::{BotExit, ExitStatus, SupervisorExit};

/// How a system has ended.
#[derive(Debug)]
pub struct SystemExit {
    /// How each bot has ended; none of those that were ended by force.
    pub bots: Vec<BotExit>,
    /// The whole of the bots.
    pub status: ExitStatus,
    /// How the tasks have ended; `None` when that is not known.
    pub tasks: Option<SupervisorExit>,
}

impl SystemExit {
    /// What the process ends with: the code of [`ExitStatus`] unless that is 0, then 5 when a task
    /// was given up or had to be cut off, otherwise 0.
    pub fn code(&self) -> u8 {
        let is_clean = self.tasks.as_ref().is_some_and(SupervisorExit::is_clean);
        match self.status {
            ExitStatus::Done if !is_clean => 5,
            status => status.code(),
        }
    }

    /// [`SystemExit::code`], to be returned by `main`.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
