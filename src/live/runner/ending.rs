//! A runner ends when its process is asked to, and says how in one number.

use std::process::ExitCode;

use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};

use super::run::{BotExit, RunError, Runner};
use super::{BotStatus, StopPolicy};
use crate::metrics::MetricsSink;
use crate::strategy::Strategy;

/// How a [`Runner`] has ended, for whoever started the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitStatus {
    /// Every bot has ended in good order: code 0.
    Done,
    /// A bot could not run, or has failed: code 1.
    Failed,
    /// Nothing was started, because network, hosts or keys do not fit together: code 2.
    Refused,
    /// Every bot has ended, but of some orders nobody knows what became of them: code 3. The next
    /// start asks for them.
    Unresolved,
    /// The bots were ended where they were, by a second word: code 4. The next start goes on from
    /// snapshot and recording.
    Forced,
}

impl ExitStatus {
    /// The exit code of the process.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Refused => 2,
            Self::Unresolved => 3,
            Self::Forced => 4,
        }
    }

    /// The worst of what these bots have come to.
    fn of(exits: &[BotExit]) -> Self {
        let one = |exit: &BotExit| match &exit.outcome {
            Err(RunError::Network(_)) => Self::Refused,
            Err(_) => Self::Failed,
            Ok(report) if report.status == BotStatus::Error => Self::Failed,
            Ok(report) if !report.unresolved.is_empty() => Self::Unresolved,
            Ok(_) => Self::Done,
        };
        let all: Vec<Self> = exits.iter().map(one).collect();
        let worst = [Self::Refused, Self::Failed, Self::Unresolved];
        worst.into_iter().find(|status| all.contains(status)).unwrap_or(Self::Done)
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

/// What is left of a [`Runner`].
#[derive(Debug)]
pub struct RunnerExit {
    /// How its bots have ended; those that were ended by force are not among them.
    pub bots: Vec<BotExit>,
    /// The whole of it.
    pub status: ExitStatus,
}

impl<S: Strategy + 'static, M: MetricsSink + Send + 'static> Runner<S, M> {
    /// As [`Runner::run`], until it is asked to end: at the first word of `asks` all bots stop as
    /// the policy says, at the second one they end where they are, as if the process had been
    /// killed. Hand it the process's signals: `stop_signals` of the feature `runtime`, or the
    /// host's own.
    pub async fn run_until(
        self,
        asks: impl Stream<Item = ()> + Unpin,
        policy: StopPolicy,
    ) -> RunnerExit {
        let handle = self.handle();
        let mut asks = asks.fuse();
        let mut run = Box::pin(self.run());
        let mut is_asked = false;
        loop {
            tokio::select! {
                bots = &mut run => {
                    let status = ExitStatus::of(&bots);
                    tracing::info!(?status, "all bots have ended");
                    return RunnerExit { bots, status };
                }
                Some(()) = asks.next() => {
                    if is_asked {
                        tracing::warn!("the bots are ended where they are");
                        return RunnerExit { bots: Vec::new(), status: ExitStatus::Forced };
                    }
                    is_asked = true;
                    tracing::info!(?policy, "the bots are asked to stop");
                    handle.stop(policy).await;
                }
            }
        }
    }
}
