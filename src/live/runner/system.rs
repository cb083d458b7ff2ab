use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{BotStatus, BotView};
use crate::live::{TaskState, TaskStatus};
use crate::types::{Label, Timestamp};
use crate::venue::{ConnectionCounts, MarketDataStream, SessionState};

/// A whole system at one moment, as one value that can be written and shown. It holds no secret
/// and no address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemStatus {
    /// When it was looked at, by the wall clock.
    pub at: Timestamp,
    /// The version of this library.
    pub version: String,
    /// Every bot runs and is reconciled, every connection is live, and no task has failed.
    pub is_healthy: bool,
    /// Where each bot stands, with the time of its last reconciliation.
    pub bots: Vec<BotView>,
    /// The services that the runner was told of.
    pub connections: Vec<ConnectionStatus>,
    /// The tasks beside the bots.
    #[serde(default)]
    pub tasks: Vec<TaskStatus>,
}

/// Where the connections of one service stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// The name that the host gave it.
    pub name: Label,
    /// The state of whichever of its connections is worst off.
    pub state: SessionState,
    /// What they have seen so far.
    pub counts: ConnectionCounts,
}

/// A service under its name.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) name: Label,
    pub(super) service: Arc<dyn MarketDataStream>,
}

impl SystemStatus {
    pub(super) fn of(
        at: Timestamp,
        bots: Vec<BotView>,
        services: &[Connection],
        tasks: Vec<TaskStatus>,
    ) -> Self {
        let connections: Vec<ConnectionStatus> = services.iter().map(Connection::status).collect();
        let runs = |bot: &BotView| bot.status == BotStatus::Running && bot.is_reconciled;
        let is_healthy = bots.iter().all(runs)
            && connections.iter().all(|connection| connection.state == SessionState::Live)
            && tasks.iter().all(|task| task.state != TaskState::Failed);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { at, version, is_healthy, bots, connections, tasks }
    }
}

impl Connection {
    fn status(&self) -> ConnectionStatus {
        let (state, counts) = (self.service.status(), self.service.counts());
        ConnectionStatus { name: self.name, state, counts }
    }
}
