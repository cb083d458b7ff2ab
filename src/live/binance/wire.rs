//! The protocol of the venue's streams, as one connection speaks it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;

use super::feed::{BinanceFeed, Job};
use super::polled;
use super::rest::BinanceConnection;
use super::topic::{Key, Route, encoded, message_kind};
use crate::live::net::{Endpoint, LinkEvent, SocketConfig};
use crate::live::stream::{Drive, Driver, DriverConfig, Heard, Line, Question, Wire};
use crate::metrics::MessageKind;
use crate::venue::binance::{MarketDecoder, StreamFrame, VenueError};
use crate::venue::{Clock, DecodeCounts, LinkId, MarketNews, StreamId, Urgency};

/// What one session knows of what it has said and heard.
pub(super) struct BinanceWire {
    connection: BinanceConnection,
    route: Route,
    decoder: MarketDecoder,
    /// Requests on a connection that are not answered yet.
    pending: BTreeMap<u64, (LinkId, Vec<StreamId>)>,
    last_request: u64,
    /// The hour of the last planned move.
    moved: i64,
}

/// Streams in one message.
const BATCH: usize = 50;
const HOUR: i64 = 3_600_000_000_000;

/// The driver of one session.
pub(super) fn driver(
    connection: &BinanceConnection,
    route: Route,
    drive: Drive<Key, String>,
) -> Driver<BinanceWire> {
    let config = connection.config();
    let session = (config.session, config.rotate_jitter);
    let socket = SocketConfig {
        tls: config.tls.clone(),
        apart: config.messages_apart,
        within: config.session.connect_within,
        watch: config.watch(),
    };
    let (clock, runtime) = (Arc::clone(&config.clock), connection.runtime());
    let wire = BinanceWire {
        connection: connection.clone(),
        route,
        decoder: MarketDecoder::new(connection.symbols().clone()),
        pending: BTreeMap::new(),
        last_request: 0,
        moved: hour(&*clock),
    };
    let shown = (drive.view, drive.on_state);
    let line = Line::new(session, socket, (clock, runtime.clone()), shown);
    let waits = DriverConfig { mute_after: config.mute_after, poll_every: config.poll_every };
    Driver::new(wire, line, waits, runtime, drive.orders)
}

fn hour(clock: &dyn Clock) -> i64 {
    clock.wall().nanos().div_euclid(HOUR)
}

impl BinanceWire {
    fn request(&mut self, method: &str, names: &[&String]) -> String {
        self.last_request += 1;
        let names = names.iter().map(|name| name.as_str());
        let (params, id) = (serde_json::Value::from_iter(names), self.last_request);
        format!(r#"{{"method":"{method}","params":{params},"id":{id}}}"#)
    }

    fn on_reply(&mut self, link: LinkId, id: u64, bytes: &[u8], out: &mut Heard) {
        let Some((_, streams)) = self.pending.remove(&id).filter(|(asked, _)| *asked == link)
        else {
            return;
        };
        match VenueError::decode(bytes).is_ok() {
            true => out.refused.extend(streams),
            false => out.acknowledged.extend(streams),
        }
    }
}

impl Wire for BinanceWire {
    type Key = Key;
    type Ask = String;
    type Job = Job;
    type Feed = BinanceFeed;

    fn feed(&self, key: Key) -> BinanceFeed {
        BinanceFeed::new(self.connection.config().market, key)
    }

    fn is_quiet(key: Key) -> bool {
        key.is_quiet()
    }

    fn key_of(news: &MarketNews) -> Option<Key> {
        Key::of_news(news)
    }

    fn symbol(&self, key: Key) -> Option<&str> {
        self.connection.symbols().name(key.instrument)
    }

    fn address(&mut self) -> Result<(Endpoint, String), String> {
        let urls = self.connection.urls();
        let endpoint = match self.route {
            Route::Public => &urls.public,
            Route::Market => &urls.market,
        };
        self.connection.may_connect().map(|()| (endpoint.clone(), "/ws".to_owned()))
    }

    fn on_link(&mut self, link: LinkId, event: &LinkEvent) {
        if matches!(event, LinkEvent::Closed(_)) {
            self.pending.retain(|_, (other, _)| *other != link);
        }
    }

    fn read(
        &mut self,
        _clock: &dyn Clock,
        link: LinkId,
        bytes: &[u8],
        out: &mut Heard,
    ) -> Option<MessageKind> {
        let read = self.decoder.decode(bytes, &mut out.news);
        match read {
            Ok(StreamFrame::Reply(Some(id))) => self.on_reply(link, id, bytes, out),
            Ok(StreamFrame::Shutdown) => out.is_leaving = true,
            Ok(_) | Err(_) => {}
        }
        Some(message_kind(&read, &out.news))
    }

    fn subscribe(&mut self, link: LinkId, streams: &[(StreamId, &String)], out: &mut Vec<String>) {
        for batch in streams.chunks(BATCH) {
            let (ids, names): (Vec<StreamId>, Vec<&String>) = batch.iter().copied().unzip();
            out.push(self.request("SUBSCRIBE", &names));
            self.pending.insert(self.last_request, (link, ids));
        }
    }

    fn unsubscribe(&mut self, name: &String) -> String {
        self.request("UNSUBSCRIBE", &[name])
    }

    fn question(&self, key: Key, job: Job) -> Option<Question> {
        let config = self.connection.config();
        let symbol = encoded(self.connection.symbols().name(key.instrument)?);
        let place = (config.market, self.connection.prefix(), &*symbol);
        let ask = polled::question(place, key, job, config.snapshot_levels)?;
        let connection = self.connection.clone();
        let asking = async move { connection.ask(ask.path, Urgency::Bulk, ask.weight).await };
        Some(asking.boxed())
    }

    /// In the hour that was chosen.
    fn moves(&mut self, clock: &dyn Clock) -> bool {
        let Some(chosen) = self.connection.config().rotate_hour else { return false };
        let hour = hour(clock);
        let is_time = hour > self.moved && hour.rem_euclid(24) == i64::from(chosen);
        if is_time {
            self.moved = hour;
        }
        is_time
    }

    fn passed(&self) -> DecodeCounts {
        self.decoder.counts()
    }
}
