//! The user stream: spot by the WebSocket API, futures by a listen key that is renewed.

use core::time::Duration;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::client::Inner;
use super::rest::Kind;
use crate::live::chance;
use crate::live::mailbox::Posted;
use crate::live::net::{LinkEvent, Links, SocketConfig};
use crate::live::news::{self, Item, Post};
use crate::live::watch::ExchangeWatch;
use crate::metrics::MessageKind;
use crate::types::Timestamp;
use crate::venue::binance::{BinanceMarket, Request, UserDecoder, WsReply, decode_listen_key};
use crate::venue::{
    Clock, ExchangeError, LinkId, Session, SessionAction, StreamId, Throttled, UserEvent, UserNews,
    UserStream,
};

/// A reader that is gone is noticed after so long.
const SWEEP: Duration = Duration::from_secs(1);

/// Opens a stream; it ends its connection when it is dropped.
pub(super) fn open(inner: &Arc<Inner>) -> UserStream {
    let (mailbox, stream) = news::queue(&inner.connection.config().clock);
    let feed = Feed::new(inner, mailbox);
    let span = tracing::error_span!("user_data", venue = inner.connection.venue());
    inner.connection.runtime().spawn(feed.run().instrument(span));
    stream
}

/// The driver of one user stream.
struct Feed {
    inner: Arc<Inner>,
    watch: ExchangeWatch,
    clock: Arc<dyn Clock>,
    session: Session,
    stream: StreamId,
    links: Links,
    events: mpsc::Receiver<(LinkId, LinkEvent)>,
    keys: (mpsc::Sender<Key>, mpsc::Receiver<Key>),
    decoder: UserDecoder,
    mailbox: Arc<Post>,
    actions: Vec<SessionAction>,
    news: Vec<UserNews>,
    /// The connection that has stood last.
    standing: Option<LinkId>,
    renew_at: Option<Timestamp>,
    is_started: bool,
    reason: String,
}

/// What became of a listen key.
enum Key {
    /// For a connection that is to be made.
    Made(LinkId, Result<SecretString, ExchangeError>),
    /// Another hour, or not.
    Renewed(LinkId, Result<(), ExchangeError>),
}

impl Feed {
    fn new(inner: &Arc<Inner>, mailbox: Arc<Post>) -> Self {
        let config = inner.connection.config();
        let clock = Arc::clone(&config.clock);
        let socket = SocketConfig {
            tls: config.tls.clone(),
            apart: config.messages_apart,
            within: config.session.connect_within,
            watch: config.watch(),
        };
        let runtime = inner.connection.runtime().clone();
        let (links, events) = Links::new(socket, Arc::clone(&clock), runtime);
        let mut session = Session::new(config.session);
        let stream = session.add_quiet_stream();
        Self {
            decoder: UserDecoder::new(inner.connection.symbols().clone()),
            inner: Arc::clone(inner),
            watch: config.watch(),
            clock,
            session,
            stream,
            links,
            events,
            keys: mpsc::channel(16),
            mailbox,
            actions: Vec::new(),
            news: Vec::new(),
            standing: None,
            renew_at: None,
            is_started: false,
            reason: String::new(),
        }
    }

    async fn run(mut self) {
        self.session.open(self.clock.monotonic(), &mut self.actions);
        self.act();
        while !self.mailbox.is_gone() {
            let sweep = self.clock.monotonic().after(SWEEP);
            let dues = [self.session.deadline(), self.renew_at];
            let due = dues.into_iter().flatten().fold(sweep, Ord::min);
            tokio::select! {
                Some((link, event)) = self.events.recv() => self.on_event(link, event),
                Some(key) = self.keys.1.recv() => self.on_key(key),
                () = self.clock.sleep_until(due) => {}
            }
            let at = self.clock.monotonic();
            if self.session.deadline().is_some_and(|due| due <= at) {
                self.session.on_time(at, chance::draw(), &mut self.actions);
            }
            if self.renew_at.is_some_and(|due| due <= at) {
                self.renew(at);
            }
            self.act();
        }
        self.links.close_all();
    }

    fn on_event(&mut self, link: LinkId, event: LinkEvent) {
        let at = self.clock.monotonic();
        match event {
            LinkEvent::Connected => {
                self.standing = Some(link);
                self.session.on_connected(at, link, &mut self.actions);
            }
            LinkEvent::Heard => self.session.on_bytes(at, link),
            LinkEvent::Text(bytes) => self.on_text(link, &bytes),
            LinkEvent::Closed(reason) => {
                self.links.forget(link);
                self.give_up(link, reason);
            }
        }
        self.act();
    }

    /// A connection is of no use any more.
    fn give_up(&mut self, link: LinkId, reason: String) {
        tracing::debug!(link = link.0, reason, "the connection is of no use any more");
        self.reason = reason;
        self.links.close(link);
        if self.standing == Some(link) {
            self.standing = None;
        }
        let at = self.clock.monotonic();
        self.session.on_closed(at, link, chance::draw(), &mut self.actions);
    }

    fn on_text(&mut self, link: LinkId, bytes: &[u8]) {
        let at = self.clock.monotonic();
        self.session.on_bytes(at, link);
        if self.inner.market() == BinanceMarket::Spot
            && let Ok(Some(reply)) = WsReply::read(bytes)
        {
            self.watch.message(MessageKind::Reply);
            return self.on_reply(link, &reply);
        }
        let mut news = core::mem::take(&mut self.news);
        news.clear();
        match self.decoder.decode(bytes, &mut news) {
            Ok(()) => self.watch.message(MessageKind::Account),
            // It may have been a fill: what came so far has to be compared.
            Err(error) => {
                self.watch.message(MessageKind::Unreadable);
                let reason = error.to_string();
                self.tell(|at| UserEvent::Lost { at, reason });
                self.tell(|at| UserEvent::Started { at });
            }
        }
        for item in news.drain(..) {
            // Two connections may tell the same at a move: fills are booked by their ids once.
            self.session.on_data(at, link, self.stream, &mut self.actions);
            self.act();
            match item {
                UserNews::Shutdown => self.session.on_shutdown_notice(at, &mut self.actions),
                UserNews::Ended => {
                    self.tell_news(UserNews::Ended);
                    self.give_up(link, "the venue has ended the stream".to_owned());
                }
                other => self.tell_news(other),
            }
        }
        self.news = news;
    }

    fn on_reply(&mut self, link: LinkId, reply: &WsReply<'_>) {
        let at = self.clock.monotonic();
        match &reply.result {
            Ok(_) => self.session.on_acknowledged(at, link, self.stream, &mut self.actions),
            Err(error) => {
                if matches!(reply.status, 418 | 429) {
                    let until = reply.retry_at;
                    let throttled =
                        Throttled { is_ban: reply.status == 418, retry_after: None, until };
                    self.inner.connection.on_throttled(throttled);
                }
                if error.code == -1021 {
                    let connection = self.inner.connection.clone();
                    self.inner.connection.runtime().spawn(async move {
                        // Its failure is told by whoever needs the clock next.
                        let _measured = connection.measure_clock_anew().await;
                    });
                }
                let reason = format!("{} ({})", error.message, error.code);
                self.tell(|at| UserEvent::Lost { at, reason });
                self.session.on_subscription_refused(at, link, self.stream);
            }
        }
    }

    fn act(&mut self) {
        while !self.actions.is_empty() {
            for action in core::mem::take(&mut self.actions) {
                self.carry_out(action);
            }
        }
    }

    fn carry_out(&mut self, action: SessionAction) {
        match action {
            SessionAction::Connect(link) => self.connect(link),
            SessionAction::Subscribe(link, _) => self.subscribe(link),
            SessionAction::Ping(link) => {
                self.links.ping(link);
            }
            SessionAction::Close(link) => self.links.close(link),
            SessionAction::Started(_) => {
                self.is_started = true;
                self.tell(|at| UserEvent::Started { at });
            }
            SessionAction::Lost(_) => {
                if core::mem::take(&mut self.is_started) {
                    let mut reason = core::mem::take(&mut self.reason);
                    if reason.is_empty() {
                        reason.push_str("no sign of life, or a planned move");
                    }
                    self.tell(|at| UserEvent::Lost { at, reason });
                }
            }
            // Own orders are not polled: whoever is told that the stream is lost reconciles.
            SessionAction::StartPolling | SessionAction::StopPolling => {}
        }
    }

    fn connect(&mut self, link: LinkId) {
        let connection = &self.inner.connection;
        if let Err(reason) = connection.may_connect() {
            tracing::warn!(link = link.0, reason, "no connection may be tried");
            return self.links.refuse(link, &reason);
        }
        match self.inner.market() {
            BinanceMarket::Spot => {
                // What is signed on it needs the venue's time.
                let (inner, keys) = (Arc::clone(&self.inner), self.keys.0.clone());
                connection.runtime().spawn(async move {
                    let known = inner.connection.know_the_clock().await;
                    let known = known.map(|()| SecretString::from(String::new()));
                    let _gone = keys.send(Key::Made(link, known)).await;
                });
            }
            BinanceMarket::UsdFutures => {
                let (inner, keys) = (Arc::clone(&self.inner), self.keys.0.clone());
                connection.runtime().spawn(async move {
                    let made = inner
                        .call(Kind::Question, |requests, out| requests.create_listen_key(out))
                        .await;
                    let key = made.and_then(|body| Ok(decode_listen_key(&body)?));
                    let _gone = keys.send(Key::Made(link, key)).await;
                });
            }
        }
    }

    fn on_key(&mut self, key: Key) {
        let config = self.inner.connection.config();
        match key {
            Key::Made(link, Ok(key)) => {
                let (endpoint, path) = match self.inner.market() {
                    BinanceMarket::Spot => (config.urls.api.clone(), String::new()),
                    BinanceMarket::UsdFutures => {
                        self.renew_at = Some(self.clock.monotonic().after(config.renew_key_every));
                        let (key, events) = (key.expose_secret(), &config.user_events);
                        let path = format!("/ws?listenKey={key}&events={events}");
                        (config.urls.private.clone(), path)
                    }
                };
                self.links.open(link, endpoint, path);
            }
            Key::Renewed(_, Ok(())) => {}
            // Without a key the venue goes silent within the hour, and says nothing of it.
            Key::Renewed(link, Err(error)) if Some(link) == self.standing => {
                self.give_up(link, format!("the listen key was not renewed: {error}"));
            }
            Key::Renewed(_, Err(_)) => {}
            Key::Made(link, Err(error)) => self.give_up(link, error.to_string()),
        }
        self.act();
    }

    /// Extends the key; when that fails, a new one is made with a new connection.
    fn renew(&mut self, at: Timestamp) {
        self.renew_at = Some(at.after(self.inner.connection.config().renew_key_every));
        let Some(link) = self.standing else { return };
        let (inner, keys) = (Arc::clone(&self.inner), self.keys.0.clone());
        self.inner.connection.runtime().spawn(async move {
            let renewed = inner
                .call(Kind::Question, |requests, out| requests.extend_listen_key(out))
                .await
                .map(|_| ());
            let _gone = keys.send(Key::Renewed(link, renewed)).await;
        });
    }

    fn subscribe(&mut self, link: LinkId) {
        let at = self.clock.monotonic();
        if self.inner.market() == BinanceMarket::UsdFutures {
            // The key in the address is the subscription.
            return self.session.on_acknowledged(at, link, self.stream, &mut self.actions);
        }
        let (mut request, mut text) = (Request::new(), String::new());
        let made = self.inner.requests.subscribe_user_data(&mut request);
        let now = self.inner.connection.venue_now();
        let signed = self.inner.signing.write_message(now, link.0, &request, &mut text);
        match (made, signed) {
            (Ok(()), Ok(())) => {
                self.links.send(link, text);
            }
            (Err(error), _) => self.give_up(link, error.to_string()),
            (_, Err(error)) => self.give_up(link, error.to_string()),
        }
    }

    fn tell_news(&mut self, news: UserNews) {
        self.tell(|at| UserEvent::News { at, news });
    }

    fn tell(&self, event: impl FnOnce(Timestamp) -> UserEvent) {
        let event = event(self.clock.wall());
        match &event {
            UserEvent::Started { .. } => tracing::info!("the account's news are current"),
            UserEvent::Lost { reason, .. } => tracing::warn!(reason, "news may be missing"),
            UserEvent::News { .. } => {}
        }
        let posted: Posted = self.mailbox.post(Item::Event(event));
        // A reader that is gone ends the loop; one that is too slow is told by its queue.
        let _: Posted = posted;
    }
}
