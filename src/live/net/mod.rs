//! Bytes over the network: addresses, TLS, HTTP, WebSocket. Nothing here knows a venue.

mod endpoint;
mod http;
mod tls;

#[cfg(feature = "binance")]
mod links;
#[cfg(feature = "binance")]
mod pace;
#[cfg(feature = "binance")]
mod socket;

pub use endpoint::{Endpoint, EndpointError, Scheme};
pub use http::{HttpClient, HttpError, HttpReply, HttpRequest};
pub use tls::{Tls, TlsError};

#[cfg(feature = "binance")]
pub(super) use links::{LinkEvent, Links};
#[cfg(feature = "binance")]
pub(super) use socket::SocketConfig;
