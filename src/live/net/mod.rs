//! Bytes over the network: addresses, TLS, HTTP, WebSocket. Nothing here knows a venue.

mod endpoint;
mod http;
mod tls;

#[cfg(any(feature = "binance", feature = "dydx"))]
mod links;
#[cfg(any(feature = "binance", feature = "dydx"))]
mod pace;
#[cfg(any(feature = "binance", feature = "dydx"))]
mod socket;

pub use endpoint::{Endpoint, EndpointError, Scheme};
pub use http::{HttpClient, HttpError, HttpReply, HttpRequest};
pub use tls::{Tls, TlsError};

#[cfg(any(feature = "binance", feature = "dydx"))]
pub(super) use links::{LinkEvent, Links};
#[cfg(any(feature = "binance", feature = "dydx"))]
pub(super) use socket::SocketConfig;
