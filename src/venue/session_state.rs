use serde::{Deserialize, Serialize};

/// Where a [`Session`](super::Session) stands, for whoever looks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SessionState {
    /// Not opened.
    Idle,
    /// The first connection is being made.
    Connecting,
    /// Connected; not every stream is acknowledged.
    Subscribing,
    /// Every stream is acknowledged, and none is silent for too long.
    Live,
    /// Connected, but a stream is silent for too long.
    Stale,
    /// The connection was lost; another is being made or waited for.
    Reconnecting,
    /// As before, and HTTP is asked meanwhile.
    Polling,
    /// Closed by the host.
    Closed,
}

/// What a [`Session`](super::Session) has seen since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCounts {
    /// Connections that were asked for.
    pub attempts: u64,
    /// Connections that were lost or never came about.
    pub failures: u64,
    /// Planned moves to a new connection.
    pub rotations: u64,
    /// Times a stream was silent for too long.
    pub silences: u64,
}
