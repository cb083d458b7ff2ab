//! Bots: engines at work, as state machines and over real time.

mod bot;
mod config;
mod counts;
mod difference;
mod ending;
mod log;
mod news;
mod notice;
mod notify;
mod orders;
mod pictures;
mod plan;
mod reconcile;
mod run;
mod seat;
mod state;
mod status;
mod stop;
mod stopwatch;
mod system;
mod teller;
mod webhook;

pub use bot::{Bot, BotAction};
pub use config::{BotConfig, ReconcileConfig, UnknownOrders};
pub use counts::BotCounts;
pub use difference::{Difference, Explained, Resolution};
pub use ending::{ExitStatus, RunnerExit};
pub use notice::{Notice, NoticeKind};
pub use notify::{LogNotifier, Notifier, NotifyError};
pub use plan::{
    BotPlan, BuildEngine, BuiltEngine, ResumeError, SnapshotHead, engine_state, snapshot_head,
};
pub use run::{BotExit, BotSeat, RunError, Runner, RunnerConfig, RunnerHandle};
pub use seat::BotView;
pub use status::BotStatus;
pub use stop::{ExitPosition, ExitReport, StopOrders, StopPolicy};
pub use stopwatch::Stopwatch;
pub use system::{ConnectionStatus, SystemStatus};
pub use webhook::{BotApiNotifier, WebhookNotifier};
