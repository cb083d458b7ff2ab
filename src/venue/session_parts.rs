//! What a session remembers of its connections and streams.

use core::time::Duration;

use super::session::LinkId;
use super::session_config::SessionConfig;
use crate::types::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) asked: Timestamp,
    pub(super) connected: Option<Timestamp>,
    pub(super) heard: Timestamp,
    pub(super) pinged: Timestamp,
    pub(super) rotate_at: Timestamp,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stream {
    /// Longest silence; `None` for a stream that may be quiet for ever.
    pub(super) most_silent: Option<Duration>,
    pub(super) heard: Timestamp,
    /// Acknowledged on the link with this number.
    pub(super) acknowledged: Option<LinkId>,
    pub(super) is_started: bool,
    pub(super) is_silent: bool,
    /// Nobody wants it any more.
    pub(super) is_removed: bool,
    pub(super) asked: Timestamp,
}

impl Link {
    /// When the connection counts as dead: never connected, or silent for too long.
    pub(super) fn dead_at(&self, config: &SessionConfig) -> Timestamp {
        match self.connected {
            Some(_) => self.heard.after(config.dead_after),
            None => self.asked.after(config.connect_within),
        }
    }
}
