use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tracing::Instrument as _;

use super::Endpoint;
use super::pace::Pace;
use super::socket::{self, Socket, SocketConfig};
use crate::live::watch::ExchangeWatch;
use crate::metrics::MessageKind;
use crate::types::{ErrorCategory, Timestamp};
use crate::venue::{Clock, LinkId};

/// The sockets of one session, each served by a task of its own under the name that the session
/// gave it.
#[derive(Debug)]
pub(crate) struct Links {
    config: SocketConfig,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    senders: BTreeMap<LinkId, mpsc::Sender<Outgoing>>,
    events: mpsc::Sender<(LinkId, LinkEvent)>,
    /// One of them has stood.
    has_stood: Arc<AtomicBool>,
}

/// What a connection tells.
#[derive(Clone, Debug)]
pub(crate) enum LinkEvent {
    /// It stands.
    Connected,
    /// A message.
    Text(Bytes),
    /// A ping or pong: it is alive. A ping is answered already.
    Heard,
    /// It is over.
    Closed(String),
}

#[derive(Debug)]
enum Outgoing {
    Text(String),
    Ping,
    Close,
}

/// Frames that wait for the driver; then the socket is not read, and TCP slows the venue down.
const MOST_WAITING: usize = 8_192;
/// Subscriptions that wait for their turn.
const MOST_OUTGOING: usize = 1_024;
/// Messages that one turn takes from the socket's buffer; then what is to be sent has its turn.
const MOST_AT_ONCE: usize = 256;
/// How long the venue has to answer a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

impl Links {
    /// No connections yet, and where their events come out.
    pub(crate) fn new(
        config: SocketConfig,
        clock: Arc<dyn Clock>,
        runtime: Handle,
    ) -> (Self, mpsc::Receiver<(LinkId, LinkEvent)>) {
        let (events, receiver) = mpsc::channel(MOST_WAITING);
        let (senders, has_stood) = (BTreeMap::new(), Arc::default());
        (Self { config, clock, runtime, senders, events, has_stood }, receiver)
    }

    /// Opens a connection under this name.
    pub(crate) fn open(&mut self, id: LinkId, endpoint: Endpoint, path_and_query: String) {
        let (sender, outgoing) = mpsc::channel(MOST_OUTGOING);
        self.senders.insert(id, sender);
        let link = Link {
            id,
            clock: Arc::clone(&self.clock),
            pace: Pace::new(self.config.apart),
            events: self.events.clone(),
            watch: self.config.watch.clone(),
        };
        let has_stood = Arc::clone(&self.has_stood);
        let config = self.config.clone();
        // The path may be secret, the host is not.
        let (venue, host) = (link.watch.exchange.as_str(), endpoint.host());
        let span = tracing::error_span!("connection", venue, host, link = id.0);
        let work = async move {
            tracing::debug!("connecting");
            match socket::connect(&config, &endpoint, &path_and_query).await {
                Ok(socket) => {
                    let is_again = has_stood.swap(true, Relaxed);
                    tracing::info!(is_again, "connected");
                    let _standing = link.watch.opened(is_again);
                    link.serve(socket, outgoing).await;
                }
                Err(reason) => {
                    tracing::warn!(reason, "not connected");
                    link.watch.failed(ErrorCategory::Network);
                    link.tell(LinkEvent::Closed(reason)).await;
                }
            }
        };
        self.runtime.spawn(work.instrument(span));
    }

    /// Tells of a connection that was not even tried.
    pub(crate) fn refuse(&self, id: LinkId, reason: &str) {
        let (events, reason) = (self.events.clone(), reason.to_owned());
        self.runtime.spawn(async move {
            let _gone = events.send((id, LinkEvent::Closed(reason))).await;
        });
    }

    /// Sends a text when its turn has come. A connection that takes no more is as good as lost,
    /// which its deadline will tell.
    pub(crate) fn send(&self, id: LinkId, text: String) -> bool {
        self.pass(id, Outgoing::Text(text))
    }

    pub(crate) fn ping(&self, id: LinkId) -> bool {
        self.pass(id, Outgoing::Ping)
    }

    /// Closes a connection; what it still receives comes out before it is over.
    pub(crate) fn close(&mut self, id: LinkId) {
        if let Some(sender) = self.senders.remove(&id) {
            let _gone = sender.try_send(Outgoing::Close);
        }
    }

    /// Closes all of them.
    pub(crate) fn close_all(&mut self) {
        for id in self.senders.keys().copied().collect::<Vec<_>>() {
            self.close(id);
        }
    }

    /// A connection has told its end.
    pub(crate) fn forget(&mut self, id: LinkId) {
        self.senders.remove(&id);
    }

    fn pass(&self, id: LinkId, what: Outgoing) -> bool {
        self.senders.get(&id).is_some_and(|sender| sender.try_send(what).is_ok())
    }
}

/// One connection's task.
struct Link {
    id: LinkId,
    clock: Arc<dyn Clock>,
    pace: Pace,
    events: mpsc::Sender<(LinkId, LinkEvent)>,
    watch: ExchangeWatch,
}

/// What happened next on a connection.
enum Step {
    Came(Option<Result<Message, tokio_tungstenite::tungstenite::Error>>),
    Goes(Option<Outgoing>),
    Free,
    Overdue,
}

impl Link {
    async fn tell(&self, event: LinkEvent) {
        // A driver that is gone wants to hear nothing.
        let _gone = self.events.send((self.id, event)).await;
    }

    async fn serve(mut self, mut socket: Socket, mut outgoing: mpsc::Receiver<Outgoing>) {
        self.tell(LinkEvent::Connected).await;
        let mut closing: Option<Timestamp> = None;
        loop {
            let may_send = closing.is_none() && self.pace.free_at() <= self.clock.monotonic();
            let waits = closing.is_none() && !may_send;
            let step = tokio::select! {
                came = socket.next() => Step::Came(came),
                goes = outgoing.recv(), if may_send => Step::Goes(goes),
                () = self.clock.sleep_until(self.pace.free_at()), if waits => Step::Free,
                () = self.clock.sleep_until(closing.unwrap_or(Timestamp::MAX)),
                    if closing.is_some() => Step::Overdue,
            };
            let over = match step {
                Step::Came(came) => self.came_all(&mut socket, came).await,
                Step::Goes(Some(Outgoing::Close) | None) => {
                    closing = Some(self.clock.monotonic().after(CLOSE_WITHIN));
                    let sent = socket.close(None).await;
                    sent.err().map(|error| error.to_string())
                }
                Step::Goes(Some(Outgoing::Text(text))) => {
                    self.goes(&mut socket, Message::text(text)).await
                }
                Step::Goes(Some(Outgoing::Ping)) => {
                    self.goes(&mut socket, Message::Ping(Bytes::new())).await
                }
                Step::Free => None,
                Step::Overdue => Some("closed".to_owned()),
            };
            if let Some(reason) = over {
                if closing.is_none() {
                    tracing::warn!(reason, "connection lost");
                    self.watch.failed(ErrorCategory::Network);
                } else {
                    tracing::info!("connection closed");
                }
                return self.tell(LinkEvent::Closed(reason)).await;
            }
        }
    }

    async fn heard(&self) {
        self.watch.message(MessageKind::Heartbeat);
        self.tell(LinkEvent::Heard).await;
    }

    /// Returns the reason when the connection is over.
    async fn goes(&mut self, socket: &mut Socket, message: Message) -> Option<String> {
        self.pace.sent(self.clock.monotonic());
        socket.send(message).await.err().map(|error| error.to_string())
    }

    /// Tells what came and all that is in the buffer behind it: to wait for each message anew
    /// costs more than to tell it.
    async fn came_all(
        &mut self,
        socket: &mut Socket,
        mut came: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Option<String> {
        for _ in 1..MOST_AT_ONCE {
            let over = self.came(socket, came).await;
            if over.is_some() {
                return over;
            }
            // What is not there yet is waited for by the caller, who is woken by it.
            came = socket.next().now_or_never()?;
        }
        self.came(socket, came).await
    }

    async fn came(
        &mut self,
        socket: &mut Socket,
        came: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Option<String> {
        match came {
            Some(Ok(Message::Text(text))) => self.tell(LinkEvent::Text(text.into())).await,
            Some(Ok(Message::Binary(bytes))) => self.tell(LinkEvent::Text(bytes)).await,
            Some(Ok(Message::Ping(_))) => {
                // The pong with the same payload is queued; it leaves now, whoever else waits.
                self.pace.sent(self.clock.monotonic());
                if let Err(error) = socket.flush().await {
                    return Some(error.to_string());
                }
                self.heard().await;
            }
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => self.heard().await,
            Some(Ok(Message::Close(frame))) => {
                let _gone = socket.flush().await;
                let reason = frame.map(|frame| format!("{}: {}", frame.code, frame.reason));
                return Some(reason.unwrap_or_else(|| "closed by the venue".to_owned()));
            }
            Some(Err(error)) => return Some(error.to_string()),
            None => return Some("closed".to_owned()),
        }
        None
    }
}
