use core::fmt::Debug;
use core::time::Duration;
use std::sync::Arc;

use super::{ApiEndpoint, EdgeQueue, MessageKind};
use crate::types::{ErrorCategory, Label, OperatingMode, Timestamp};

/// Hears what happens at the edge: connections, requests, bots, the process.
///
/// It is told in the middle of the work, by several threads: it must be quick, and must neither
/// wait nor panic. `()` hears nothing.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use tradewright::metrics::{EdgeNews, EdgeSink};
///
/// #[derive(Debug, Default)]
/// struct Reconnects(AtomicU64);
///
/// impl EdgeSink for Reconnects {
///     fn tell(&self, news: &EdgeNews) {
///         if matches!(news, EdgeNews::SocketOpened { is_again: true, .. }) {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait EdgeSink: Send + Sync + Debug {
    /// Something has happened.
    fn tell(&self, news: &EdgeNews);
}

impl EdgeSink for () {
    fn tell(&self, _news: &EdgeNews) {}
}

impl<T: EdgeSink + ?Sized> EdgeSink for Arc<T> {
    fn tell(&self, news: &EdgeNews) {
        (**self).tell(news);
    }
}

/// Something that has happened at the edge.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum EdgeNews {
    /// A connection to an exchange stands.
    SocketOpened {
        /// The exchange.
        exchange: Label,
        /// True when the same session had one before: it was lost, or moved as planned.
        is_again: bool,
    },
    /// A connection that stood is over, whatever the reason.
    SocketClosed {
        /// The exchange.
        exchange: Label,
    },
    /// A connection was not made or was lost, or what came over it could not be used.
    SocketFailed {
        /// The exchange.
        exchange: Label,
        /// Network for the connection itself, Api for what was said.
        error: ErrorCategory,
    },
    /// A message came in.
    Message {
        /// The exchange.
        exchange: Label,
        /// What it is about.
        kind: MessageKind,
    },
    /// A request to an exchange was answered, or failed.
    Call {
        /// The exchange.
        exchange: Label,
        /// What was asked for.
        endpoint: ApiEndpoint,
        /// From the first byte that left to the last that came.
        latency: Duration,
        /// Of what kind its failure is; `None` for a success.
        error: Option<ErrorCategory>,
    },
    /// So much of an exchange's budget of requests is used: the fullest of its windows, 1 for all
    /// of it.
    BudgetUsed {
        /// The exchange.
        exchange: Label,
        /// The used part.
        ratio: f64,
    },
    /// Another number of entries waits in one of the queues of this kind.
    QueueMoved {
        /// The kind.
        queue: EdgeQueue,
        /// How many waited when it was told last.
        from: usize,
        /// How many wait now.
        to: usize,
    },
    /// Numbers of a feed did not follow on the ones before; zero times when it begins.
    Gaps {
        /// The exchange's name of the instrument.
        symbol: Label,
        /// How often.
        count: u64,
    },
    /// Unsound market events were refused by an engine; zero of them when it begins.
    MarketRefused {
        /// The instrument.
        symbol: Label,
        /// How many.
        count: u64,
    },
    /// An order left, so long after the frame had come from which it followed.
    FrameToOrder {
        /// The time in between.
        elapsed: Duration,
    },
    /// Our books were compared with the venue's and agree, so many times.
    Reconciled {
        /// How many times.
        count: u64,
    },
    /// A difference to the venue's books waits for a person, or they could not be asked for
    /// repeatedly, so many times.
    NotReconciled {
        /// How many times.
        count: u64,
    },
    /// A supervised part of the program has started again.
    Restarted {
        /// The part.
        component: Label,
    },
    /// A bot works in another mode; it comes from none when it starts, and goes to none when it
    /// ends.
    ModeMoved {
        /// The mode before.
        from: Option<OperatingMode>,
        /// The mode from now on.
        to: Option<OperatingMode>,
    },
    /// What the venue holds back as margin of the reporting currency, and what is free.
    Margin {
        /// Held back.
        used: f64,
        /// Free.
        available: f64,
    },
    /// The program has run for so long.
    Uptime {
        /// How long.
        elapsed: Duration,
    },
    /// What the process uses.
    Process(ProcessFigures),
}

/// What the operating system tells of the process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessFigures {
    /// Time of processors, of all threads together.
    pub cpu: Duration,
    /// Memory that is in use, in bytes.
    pub resident_bytes: u64,
    /// Memory that is addressed, in bytes.
    pub virtual_bytes: u64,
    /// When it was started.
    pub started_at: Timestamp,
    /// Open file descriptors.
    pub open_files: u64,
}
