//! The edge: where time passes and the network is. Connections to venues over real sockets, and
//! what carries orders out.
//!
//! - `Tls`, [`Endpoint`] and [`HttpClient`] are the network: encrypted, and in the clear to this
//!   machine alone.
//! - [`SystemClock`] is time.
//! - With the feature `binance`, `BinanceMarketData` and `BinanceClient` are a venue; with `dydx`,
//!   `DydxMarketData` is one's market data, and with `dydx-orders` `DydxClient` an account there.
//! - [`Callbacks`] calls a function for everything that a stream says.
//! - A [`Bot`] is an engine and its account as a state machine, a [`Gateway`] carries out what it
//!   asks for, and a [`Runner`] drives bots over real time. A [`Supervisor`] keeps at work what a
//!   program has beside them.
//!
//! Everything here runs in a runtime of tokio, which the host owns, and tells what it does through
//! `tracing`, to whatever subscriber the host has installed; see the guide to logging.

mod callbacks;
mod clock;
mod error;
mod gateway;
mod gateway_exchange;
mod gateway_paper;
mod net;
mod process;
mod recording;
mod runner;
mod supervisor;

#[cfg(feature = "binance")]
mod binance;
#[cfg(any(feature = "binance", feature = "dydx"))]
mod calls;
#[cfg(any(feature = "binance", feature = "dydx"))]
mod chance;
#[cfg(feature = "dydx")]
mod dydx;
#[cfg(any(feature = "binance", feature = "dydx"))]
mod mailbox;
#[cfg(any(feature = "binance", feature = "dydx-orders"))]
mod news;
#[cfg(any(feature = "binance", feature = "dydx"))]
mod quality;
#[cfg(any(feature = "binance", feature = "dydx-orders"))]
mod remembered;
#[cfg(any(feature = "binance", feature = "dydx"))]
mod requests;
#[cfg(any(feature = "binance", feature = "dydx"))]
mod stream;
#[cfg(any(feature = "binance", feature = "dydx"))]
mod turns;
#[cfg(any(feature = "binance", feature = "dydx"))]
mod watch;

#[cfg(feature = "runtime")]
mod signals;

#[cfg(feature = "binance")]
pub use binance::{
    BinanceClient, BinanceConfig, BinanceConnection, BinanceMarketData, BinanceNetwork, BinanceUrls,
};
pub use callbacks::Callbacks;
pub use clock::SystemClock;
#[cfg(feature = "dydx-orders")]
pub use dydx::{DydxAccount, DydxClient, DydxNode};
#[cfg(feature = "dydx")]
pub use dydx::{DydxConfig, DydxMarketData, DydxNetwork, DydxUrls};
pub use error::SetupError;
pub use gateway::{Gateway, GatewayEvent, Picture, Request};
pub use gateway_exchange::ExchangeGateway;
pub use gateway_paper::PaperGateway;
pub use net::{
    Endpoint, EndpointError, HttpClient, HttpError, HttpReply, HttpRequest, Scheme, Tls, TlsError,
};
pub use recording::{ReplayError, Replayed, SessionFiles, SessionRecorder};
pub use runner::{
    Bot, BotAction, BotApiNotifier, BotConfig, BotCounts, BotExit, BotPlan, BotSeat, BotStatus,
    BotView, BuildEngine, BuiltEngine, ConnectionStatus, Difference, ExitPosition, ExitReport,
    ExitStatus, Explained, LogNotifier, Notice, NoticeKind, Notifier, NotifyError, ReconcileConfig,
    Resolution, ResumeError, RunError, Runner, RunnerConfig, RunnerExit, RunnerHandle,
    SnapshotHead, StopOrders, StopPolicy, Stopwatch, SystemStatus, UnknownOrders, WebhookNotifier,
    engine_state, snapshot_head,
};
#[cfg(feature = "runtime")]
pub use signals::stop_signals;
pub use supervisor::{
    RestartPolicy, StopSignal, Supervisor, SupervisorCause, SupervisorExit, SupervisorHandle,
    TaskConfig, TaskError, TaskState, TaskStatus,
};
