//! The protocol of the indexer's streams, as one connection speaks it.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use tokio::runtime::Handle;

use super::DydxConfig;
use super::feed::{DydxFeed, Job};
use super::indexer::Indexer;
use super::polled;
use super::topic::{Key, message_kind};
use crate::live::net::{Endpoint, LinkEvent, SocketConfig};
use crate::live::stream::{Drive, Driver, DriverConfig, Heard, Line, Question, Wire};
use crate::metrics::MessageKind;
use crate::types::Timestamp;
use crate::venue::dydx::{self, IndexerDecoder, IndexerFrame, MessageNumbers};
use crate::venue::{
    Clock, DecodeCounts, LinkId, MarketNews, SessionConfig, StreamId, Symbols, Urgency, UserNews,
};

/// What one session knows of what it has said and heard. It has one connection at a time.
pub(super) struct DydxWire {
    config: Arc<DydxConfig>,
    symbols: Symbols,
    indexer: Indexer,
    decoder: IndexerDecoder,
    numbers: MessageNumbers,
    /// The connection that stands.
    link: Option<LinkId>,
    /// What was asked for, of which stream, and on which connection last.
    asked: BTreeMap<dydx::Subscription, (StreamId, LinkId)>,
    /// News of accounts, of which there are none here.
    own: Vec<UserNews>,
}

/// Numbers begin anew on each connection, so that two cannot serve side by side.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The driver of one session.
pub(super) fn driver(
    (config, indexer): (&Arc<DydxConfig>, &Indexer),
    symbols: &Symbols,
    runtime: &Handle,
    drive: Drive<Key, dydx::Subscription>,
) -> Driver<DydxWire> {
    let session = SessionConfig { rotate_after: NEVER, ..config.session };
    let socket = SocketConfig {
        tls: config.tls.clone(),
        apart: config.messages_apart,
        within: config.session.connect_within,
        watch: config.watch(),
    };
    let wire = DydxWire {
        symbols: symbols.clone(),
        indexer: indexer.clone(),
        decoder: IndexerDecoder::new(symbols.clone()),
        numbers: MessageNumbers::new(config.missing_after),
        config: Arc::clone(config),
        link: None,
        asked: BTreeMap::new(),
        own: Vec::new(),
    };
    let (clock, shown) = (Arc::clone(&config.clock), (drive.view, drive.on_state));
    let line = Line::new((session, Duration::ZERO), socket, (clock, runtime.clone()), shown);
    let waits = DriverConfig { mute_after: config.mute_after, poll_every: config.poll_every };
    Driver::new(wire, line, waits, runtime, drive.orders)
}

impl DydxWire {
    /// What knows which prints were told.
    pub(super) const fn decoder_mut(&mut self) -> &mut IndexerDecoder {
        &mut self.decoder
    }
}

impl Wire for DydxWire {
    type Key = Key;
    type Ask = dydx::Subscription;
    type Job = Job;
    type Feed = DydxFeed;

    fn feed(&self, key: Key) -> DydxFeed {
        DydxFeed::new(key, self.config.resubscribe_after)
    }

    fn is_quiet(key: Key) -> bool {
        key.is_quiet()
    }

    fn key_of(news: &MarketNews) -> Option<Key> {
        Key::of_news(news)
    }

    fn symbol(&self, key: Key) -> Option<&str> {
        key.instrument().and_then(|instrument| self.symbols.name(instrument))
    }

    fn address(&mut self) -> Result<(Endpoint, String), String> {
        Ok((self.config.urls.socket.clone(), String::new()))
    }

    fn on_link(&mut self, link: LinkId, event: &LinkEvent) {
        match event {
            LinkEvent::Connected => {
                self.link = Some(link);
                self.numbers = MessageNumbers::new(self.config.missing_after);
            }
            LinkEvent::Closed(_) if self.link == Some(link) => self.link = None,
            LinkEvent::Closed(_) | LinkEvent::Heard | LinkEvent::Text(_) => {}
        }
    }

    fn on_given_up(&mut self) {
        self.link = None;
    }

    fn read(
        &mut self,
        clock: &dyn Clock,
        link: LinkId,
        bytes: &[u8],
        out: &mut Heard,
    ) -> Option<MessageKind> {
        if self.link != Some(link) {
            // What a connection still brings that was given up.
            return None;
        }
        self.own.clear();
        let read = self.decoder.decode(clock.wall(), bytes, &mut out.news, &mut self.own);
        if let Some(number) = self.decoder.message() {
            self.numbers.on_message(clock.monotonic(), number);
        }
        if let Ok(IndexerFrame::Subscribed { channel, id }) = &read {
            let ask = dydx::Subscription::of(*channel, id.clone());
            let asked = self.asked.get(&ask).map(|(stream, _)| *stream);
            out.acknowledged.extend(asked);
        }
        Some(message_kind(&read, &out.news))
    }

    /// The indexer takes no second subscription beside a first one.
    fn subscribe(
        &mut self,
        link: LinkId,
        streams: &[(StreamId, &dydx::Subscription)],
        out: &mut Vec<String>,
    ) {
        for (stream, ask) in streams.iter().copied() {
            let before = self.asked.insert(ask.clone(), (stream, link));
            if before.is_some_and(|(_, other)| other == link) {
                out.push(ask.unsubscribe());
            }
            out.push(ask.subscribe());
        }
    }

    fn unsubscribe(&mut self, ask: &dydx::Subscription) -> String {
        self.asked.remove(ask);
        ask.unsubscribe()
    }

    fn is_subscription(job: Job) -> bool {
        job == Job::Subscribe
    }

    fn question(&self, key: Key, job: Job) -> Option<Question> {
        let (path, indexer) = (polled::question(&self.symbols, key, job)?, self.indexer.clone());
        Some(async move { indexer.ask(path, Urgency::Bulk).await }.boxed())
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.link.and_then(|_| self.numbers.deadline())
    }

    fn is_broken(&self, at: Timestamp) -> bool {
        self.link.is_some() && self.numbers.is_broken(at)
    }

    fn passed(&self) -> DecodeCounts {
        self.decoder.counts()
    }
}
