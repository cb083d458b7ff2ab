//! The edge: where time passes and the network is. Connections to venues over real sockets, and
//! what carries orders out.
//!
//! - `Tls`, [`Endpoint`] and [`HttpClient`] are the network: encrypted, and in the clear to this
//!   machine alone.
//! - [`SystemClock`] is time.
//! - With the feature `binance`, `BinanceMarketData` and `BinanceClient` are a venue.
//! - [`Callbacks`] calls a function for everything that a stream says.
//!
//! Everything here runs in a runtime of tokio, which the host owns.

mod callbacks;
mod clock;
mod error;
mod net;

#[cfg(feature = "binance")]
mod binance;
#[cfg(feature = "binance")]
mod chance;
#[cfg(feature = "binance")]
mod mailbox;

#[cfg(feature = "binance")]
pub use binance::{
    BinanceConfig, BinanceConnection, BinanceMarketData, BinanceNetwork, BinanceUrls,
};
pub use callbacks::Callbacks;
pub use clock::SystemClock;
pub use error::SetupError;
pub use net::{
    Endpoint, EndpointError, HttpClient, HttpError, HttpReply, HttpRequest, Scheme, Tls, TlsError,
};
