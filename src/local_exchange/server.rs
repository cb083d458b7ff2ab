use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::chaos::{Chaos, Strike};
use super::clock::ExchangeClock;
use super::config::{ExchangeConfig, ExchangeError};
use super::connection::{ConnectionId, Frame};
use super::http::{HttpReply, HttpRequest};
use super::socket;
use super::state::ExchangeState;
use crate::types::Timestamp;

/// Longest body of a request.
const BODY_BYTES: usize = 64 * 1024;

/// Frames that wait for a slow client; beyond them its connection is cut.
const QUEUE: usize = 10_000;

/// The exchange's longest sleep: chaos may have been changed meanwhile.
const NAP: Duration = Duration::from_millis(100);

/// A local exchange that listens on loopback, driven by the clock.
///
/// It has to be made within a tokio runtime. When it is dropped it closes all its connections.
///
/// ```
/// use tradewright::local_exchange::{ExchangeConfig, LocalExchange};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let exchange = LocalExchange::start(ExchangeConfig::sample(7)).await?;
/// assert!(exchange.address().ip().is_loopback());
/// println!("{}/api/v3/time", exchange.rest_url());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LocalExchange {
    address: SocketAddr,
    shared: Arc<Shared>,
    // Ends all tasks when it is dropped.
    _stop: watch::Sender<()>,
}

impl LocalExchange {
    /// Starts an exchange on a free port of 127.0.0.1, with the clock of this machine.
    ///
    /// # Errors
    /// As [`LocalExchange::start_at`].
    pub async fn start(config: ExchangeConfig) -> Result<Self, ExchangeError> {
        let free = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Self::start_at(free, config, ExchangeClock::system()).await
    }

    /// Starts an exchange at an address of loopback; port 0 is any free one.
    ///
    /// # Errors
    /// [`ExchangeError::NotLoopback`] for every other address, [`ExchangeError::Listen`] when
    /// the port is taken, and whatever the configuration was refused for.
    pub async fn start_at(
        address: SocketAddr,
        config: ExchangeConfig,
        clock: ExchangeClock,
    ) -> Result<Self, ExchangeError> {
        if !address.ip().is_loopback() {
            return Err(ExchangeError::NotLoopback { address });
        }
        let state = ExchangeState::new(clock.now(), config)?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "the local exchange listens");
        let inner = Inner { state, queues: BTreeMap::new(), next_connection: 0 };
        let shared = Arc::new(Shared { clock, inner: Mutex::new(inner) });
        let (stop, stopped) = watch::channel(());
        tokio::spawn(drive(Arc::clone(&shared), stopped.clone()));
        tokio::spawn(accept(listener, Arc::clone(&shared), stopped));
        Ok(Self { address, shared, _stop: stop })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of all requests over HTTP, spot (`/api/v3/..`) and futures (`/fapi/v1/..`).
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base of all WebSocket connections: `/ws` and `/stream` for spot streams, `/ws-api/v3`
    /// for its API; `/public`, `/market` and `/private` before `/ws` and `/stream` for futures,
    /// `/ws-fapi/v1` for theirs.
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Changes what goes wrong from now on.
    pub fn set_chaos(&self, chaos: Chaos) {
        tracing::info!(?chaos, "what goes wrong has changed");
        self.shared.lock().state.set_chaos(chaos);
    }

    /// Lets something go wrong now.
    pub fn strike(&self, strike: Strike) {
        tracing::info!(?strike, "something goes wrong");
        self.shared.with(|state, at| state.strike(at, strike));
    }

    /// Reads the state of the exchange, or changes it, at the time of its clock; what comes of
    /// it is sent.
    pub fn with<T>(&self, action: impl FnOnce(&mut ExchangeState, Timestamp) -> T) -> T {
        self.shared.with(action)
    }
}

/// What all tasks of an exchange share.
#[derive(Debug)]
pub(super) struct Shared {
    clock: ExchangeClock,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: ExchangeState,
    queues: BTreeMap<ConnectionId, mpsc::Sender<Frame>>,
    next_connection: u64,
}

impl Shared {
    /// Nothing here panics while it holds the lock; should it, the state is still whole enough
    /// for a test's exchange.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn with<T>(&self, action: impl FnOnce(&mut ExchangeState, Timestamp) -> T) -> T {
        let mut inner = self.lock();
        let result = action(&mut inner.state, self.clock.now());
        inner.deliver();
        result
    }

    /// Opens a connection; gives its number and the frames to send on it.
    fn connect(&self, target: &str) -> Result<(ConnectionId, mpsc::Receiver<Frame>), HttpReply> {
        let mut inner = self.lock();
        inner.next_connection += 1;
        let id = ConnectionId(inner.next_connection);
        inner.state.connect(self.clock.now(), id, target)?;
        tracing::debug!(connection = id.0, path = path(target), "a client connects");
        let (sender, receiver) = mpsc::channel(QUEUE);
        inner.queues.insert(id, sender);
        inner.deliver();
        Ok((id, receiver))
    }

    pub(super) fn disconnect(&self, id: ConnectionId) {
        tracing::debug!(connection = id.0, "a connection ends");
        let mut inner = self.lock();
        inner.state.disconnect(id);
        inner.queues.remove(&id);
    }
}

impl Inner {
    /// Hands the frames over to the tasks of their connections.
    fn deliver(&mut self) {
        while let Some(outgoing) = self.state.poll() {
            let id = outgoing.connection;
            let Some(queue) = self.queues.get(&id) else { continue };
            // Full: the client does not read. Closed: it has gone.
            if queue.try_send(outgoing.frame).is_err() {
                self.queues.remove(&id);
                self.state.disconnect(id);
            }
        }
    }
}

/// Lets time pass.
async fn drive(shared: Arc<Shared>, mut stopped: watch::Receiver<()>) {
    loop {
        let deadline = shared.with(|state, at| {
            state.advance(at);
            state.deadline()
        });
        let nap = shared.clock.until(deadline).min(NAP).max(Duration::from_millis(1));
        tokio::select! {
            () = tokio::time::sleep(nap) => {}
            _ = stopped.changed() => return,
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<()>) {
    let mut tasks = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        let Ok((stream, _)) = stream else { continue };
        tasks.spawn(serve(stream, Arc::clone(&shared), stopped.clone()));
        while tasks.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, mut stopped: watch::Receiver<()>) {
    // Latency matters more than packets; a socket that refuses works all the same.
    let _ = stream.set_nodelay(true);
    let ended = stopped.clone();
    let service = service_fn(move |request| answer(request, Arc::clone(&shared), ended.clone()));
    let served =
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::select! {
        // A client that ends a connection in the middle is no news.
        _ = served => {}
        _ = stopped.changed() => {}
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    stopped: watch::Receiver<()>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let accept = request
        .headers()
        .get(header::SEC_WEBSOCKET_KEY)
        .map(|key| derive_accept_key(key.as_bytes()));
    if let Some(accept) = accept {
        return Ok(match shared.connect(&target) {
            Ok((id, frames)) => {
                let upgrade = hyper::upgrade::on(request);
                tokio::spawn(socket::run(upgrade, id, frames, shared, stopped));
                switching(&accept)
            }
            Err(reply) => response(reply),
        });
    }
    let method = request.method().as_str().to_owned();
    let key = request.headers().get("x-mbx-apikey");
    let key = key.and_then(|key| key.to_str().ok()).map(str::to_owned);
    let body = Limited::new(request.into_body(), BODY_BYTES).collect().await;
    let body = body.map_err(io::Error::other)?.to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    let request = HttpRequest { method, target, key, body };
    let reply = shared.with(|state, at| state.http(at, &request));
    let (method, path) = (request.method.as_str(), path(&request.target));
    tracing::debug!(method, path, status = reply.status, "a request");
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    if reply.is_lost {
        return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
    }
    Ok(response(reply))
}

/// What is before the query, in which signatures and keys stand.
fn path(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

fn switching(accept: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

fn response(reply: HttpReply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json;charset=UTF-8");
    headers.insert(header::CONTENT_TYPE, json);
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    response
}
