use core::time::Duration;
use std::sync::Arc;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::{Endpoint, Tls};
use crate::live::watch::ExchangeWatch;

/// An open WebSocket.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How WebSockets are opened and written to.
#[derive(Clone, Debug)]
pub(crate) struct SocketConfig {
    pub(crate) tls: Tls,
    /// The time between two messages that are sent on one connection.
    pub(crate) apart: Duration,
    /// A connection that does not stand after so long is given up.
    pub(crate) within: Duration,
    /// Who is told of them.
    pub(crate) watch: ExchangeWatch,
}

/// A frame that is larger is an attack or an error; the largest book of Binance has under 1 MB.
const MOST_BYTES: usize = 16 << 20;
/// Enough for some hundred quotes; the default of 128 KiB is for few connections.
const READ_BUFFER: usize = 32 << 10;

/// Connects to an address whose path and query may be secret: errors do not carry them.
pub(super) async fn connect(
    config: &SocketConfig,
    endpoint: &Endpoint,
    path_and_query: &str,
) -> Result<Socket, String> {
    let opening = open(config, endpoint, path_and_query);
    match tokio::time::timeout(config.within, opening).await {
        Ok(opened) => opened,
        Err(_) => Err(format!("{}: no connection within {:?}", endpoint.host(), config.within)),
    }
}

async fn open(
    config: &SocketConfig,
    endpoint: &Endpoint,
    path_and_query: &str,
) -> Result<Socket, String> {
    let stream = tcp(endpoint).await?;
    let url = endpoint.with(path_and_query);
    let request = url.into_client_request().map_err(|_| "the address is none".to_owned())?;
    let connector = match endpoint.scheme().is_secure() {
        true => Connector::Rustls(Arc::clone(&config.tls.config())),
        false => Connector::Plain,
    };
    let limits = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(MOST_BYTES))
        .max_frame_size(Some(MOST_BYTES));
    let opened = client_async_tls_with_config(request, stream, Some(limits), Some(connector));
    match opened.await {
        Ok((socket, _)) => Ok(socket),
        Err(error) => Err(format!("{}: {error}", endpoint.host())),
    }
}

/// A TCP connection with keepalive and without delay; plain ones to loopback only.
async fn tcp(endpoint: &Endpoint) -> Result<TcpStream, String> {
    let host = endpoint.host();
    let found = lookup_host((host, endpoint.port())).await;
    let addresses = found.map_err(|error| format!("{host}: {error}"))?;
    let is_secure = endpoint.scheme().is_secure();
    let mut last = format!("{host}: no address");
    for address in addresses.filter(|address| is_secure || address.ip().is_loopback()) {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let opened = match socket.and_then(|socket| socket.set_keepalive(true).map(|()| socket)) {
            Ok(socket) => socket.connect(address).await,
            Err(error) => Err(error),
        };
        match opened.and_then(|stream| stream.set_nodelay(true).map(|()| stream)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = format!("{host}: {error}"),
        }
    }
    Err(last)
}
