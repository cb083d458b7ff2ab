//! Bytes over the network: addresses, TLS, HTTP, WebSocket. Nothing here knows a venue.

mod endpoint;
mod http;
mod links;
mod pace;
mod socket;
mod tls;

pub use endpoint::{Endpoint, EndpointError, Scheme};
pub use http::{HttpClient, HttpError, HttpReply, HttpRequest};
pub use tls::{Tls, TlsError};

pub(super) use links::{LinkEvent, Links};
pub(super) use socket::SocketConfig;
