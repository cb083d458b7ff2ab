//! A program from settings: it is checked, built, watched, and ended in good order.
//!
//! - [`System`] builds everything that [`Settings`](crate::config::Settings) name: client, market
//!   data, gateway, strategies, risk, files, logs.
//! - [`RunningSystem`] shows how it is ([`SystemStatus`](crate::live::SystemStatus)), and waits for
//!   the process's signals.
//! - [`SystemExit`] is how it went, and the number that the process ends with.
//!
//! It is only glue: whoever wants another venue, wiring or way to end takes the parts of
//! [`live`](crate::live) by hand. Venues other than Binance are not wired here.
//!
//! ```no_run
//! use std::path::Path;
//! use std::process::ExitCode;
//!
//! use tradewright::config::Settings;
//! use tradewright::runtime::System;
//!
//! #[tokio::main]
//! async fn main() -> ExitCode {
//!     let file = Path::new("/etc/tradewright.toml");
//!     match Settings::load_file(file, std::env::vars()) {
//!         Ok(settings) => System::from_settings(settings).run().await,
//!         Err(error) => {
//!             eprintln!("{error}");
//!             ExitCode::from(2)
//!         }
//!     }
//! }
//! ```

mod build;
mod error;
mod exit;
mod health;
mod running;
mod system;
mod venue;

pub use error::SystemError;
pub use exit::SystemExit;
pub use running::RunningSystem;
pub use system::System;
