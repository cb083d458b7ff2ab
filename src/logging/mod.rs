//! Logs on the console and in files, for a host that asks for them.
//!
//! The live parts speak through [`tracing`](https://docs.rs/tracing), and who listens is the
//! host's choice: its own subscriber, none, or this one. It is made of
//! [`LogSettings`](crate::config::LogSettings), and nothing here becomes the subscriber of the
//! process unless the host calls [`Logging::install`].
//!
//! ```
//! use core::time::Duration;
//! use tradewright::config::{LogLevel, Settings};
//! use tradewright::logging::Logging;
//!
//! let settings = Settings::load("[log]\nmodules = \"tradewright::live::net=warn\"", [])?;
//! let log = Logging::from_settings(&settings.log)?.install()?;
//! // Later, by whoever looks for a fault:
//! log.set_level("tradewright::live::net", LogLevel::Debug)?;
//! // In the end:
//! log.flush(Duration::from_secs(1))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Logging`] is console, files and levels before they are at work.
//! - [`LoggingHandle`] changes levels, writes what waits, and tells what could not be written.
//! - [`RollingFile`] is a file of lines that is put aside when it is full.
//!
//! Whoever logs waits for no disk and no terminal: a line is handed to a thread that writes it.
//! Where that one cannot keep up, lines are dropped and counted. Times are UTC.

mod error;
mod handle;
mod levels;
mod queue;
mod rolling;
mod setup;

pub use error::LoggingError;
pub use handle::{LoggingHandle, LoggingStatus};
pub use rolling::RollingFile;
pub use setup::{LogLayer, Logging};
