use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::Method;
use tokio::runtime::Handle;
use tracing::Instrument as _;

use super::attempts::Attempts;
use super::{BinanceConfig, BinanceUrls, endpoint, refusal};
use crate::live::SetupError;
use crate::live::net::{HttpClient, HttpError, HttpReply, HttpRequest};
use crate::live::requests::log_answer;
use crate::live::turns::Turns;
use crate::live::watch::ExchangeWatch;
use crate::metrics::ApiEndpoint;
use crate::types::{Classify, Timestamp};
use crate::venue::binance::{BinanceMarket, LimitHeader, VenueError, decode_server_time};
use crate::venue::{
    ClockOffset, Cost, ExchangeError, Limited, RateBudget, Symbols, Throttled, Urgency,
};

/// What all traffic to one market of Binance shares: the pool of connections, the one queue of
/// requests with its budget, the clock's offset, and the word of a ban, which stops everything.
///
/// Market data and clients of several accounts are made from clones of one of these.
#[derive(Clone)]
pub struct BinanceConnection {
    core: Arc<Core>,
}

struct Core {
    config: BinanceConfig,
    symbols: Symbols,
    http: HttpClient,
    runtime: Handle,
    turns: Arc<Turns>,
    state: Mutex<State>,
    watch: ExchangeWatch,
}

#[derive(Default)]
struct State {
    attempts: Attempts,
    /// How many were sent.
    requests: u64,
    /// When the clock is to be measured again.
    measure_at: Option<Timestamp>,
}

/// Whether a request changes anything: what its failure means depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Question,
    Change,
}

/// Clocks drift by some milliseconds in this time.
const MEASURE_EVERY: Duration = Duration::from_secs(600);

impl BinanceConnection {
    /// What is shared for these instruments. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SetupError::NoRuntime`] outside of a runtime of tokio.
    pub fn new(config: BinanceConfig, symbols: Symbols) -> Result<Self, SetupError> {
        let runtime = Handle::try_current().map_err(|_| SetupError::NoRuntime)?;
        let budget = first_budget(config.market, config.reserve_percent);
        let watch = config.watch();
        let core = Arc::new(Core {
            http: HttpClient::new(&config.tls, config.request_timeout),
            turns: Turns::start(&runtime, &config.clock, &watch, budget),
            watch,
            config,
            symbols,
            runtime,
            state: Mutex::default(),
        });
        Ok(Self { core })
    }

    /// How it was set up.
    pub fn config(&self) -> &BinanceConfig {
        &self.core.config
    }

    /// The venue's names.
    pub fn symbols(&self) -> &Symbols {
        &self.core.symbols
    }

    /// How far the venue's clock is from ours, as far as it was measured.
    pub fn clock_offset(&self) -> ClockOffset {
        self.core.turns.offset()
    }

    /// Until when nothing may be sent, by our wall clock, where the venue has said so.
    pub fn blocked_until(&self) -> Option<Timestamp> {
        self.core.turns.blocked_until()
    }

    /// How many requests were sent.
    pub fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// Asks the venue for its time, and remembers how far our clock is from it.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub async fn measure_clock(&self) -> Result<Timestamp, ExchangeError> {
        let path = format!("{}/time", self.prefix());
        let clock = &self.core.config.clock;
        self.turn(Urgency::Query, Cost { weight: 1, orders: 0 }).await?;
        let (sent, began) = (clock.wall(), clock.monotonic());
        let request = self.request(Method::GET, path);
        let reply = self.exchange(request, (Kind::Question, 1)).await?;
        // Our wall clock may be set in between: the round trip is counted by the other one.
        let at = sent.after(clock.monotonic().since(began));
        let venue = decode_server_time(&reply.body)?;
        self.core.turns.with_offset(|offset| offset.measured(at, sent, venue));
        let offset_ms = self.clock_offset().nanos().map(|nanos| nanos / 1_000_000);
        tracing::debug!(venue = self.venue(), offset_ms, "the venue's clock was measured");
        Ok(venue)
    }

    /// Measures the clock when it was never measured, and sees to a fresh measurement when the
    /// last one is old.
    pub(super) async fn know_the_clock(&self) -> Result<(), ExchangeError> {
        let now = self.core.config.clock.monotonic();
        let (is_known, is_old) = {
            let mut state = self.lock();
            let is_old = state.measure_at.is_none_or(|due| due <= now);
            if is_old {
                state.measure_at = Some(now.after(MEASURE_EVERY));
            }
            (self.clock_offset().nanos().is_some(), is_old)
        };
        match (is_known, is_old) {
            (false, _) => self.measure_clock().await.map(|_| ()),
            (true, false) => Ok(()),
            (true, true) => {
                let connection = self.clone();
                self.core.runtime.spawn(async move {
                    // The old measurement stands until there is a newer one.
                    let _failed = connection.measure_clock().await;
                });
                Ok(())
            }
        }
    }

    /// Forgets what was measured, as after the venue has refused our time, and measures anew.
    pub(super) async fn measure_clock_anew(&self) -> Result<(), ExchangeError> {
        self.core.turns.with_offset(ClockOffset::forget);
        self.measure_clock().await.map(|_| ())
    }

    /// A public question: waits for its turn, asks, and gives the body of a success.
    pub(super) async fn ask(
        &self,
        path_and_query: String,
        urgency: Urgency,
        weight: u32,
    ) -> Result<Bytes, ExchangeError> {
        self.turn(urgency, Cost { weight, orders: 0 }).await?;
        let request = self.request(Method::GET, path_and_query);
        self.exchange(request, (Kind::Question, 1)).await.map(|reply| reply.body)
    }

    /// A request without headers and body.
    pub(super) fn request(&self, method: Method, path_and_query: String) -> HttpRequest {
        let endpoint = self.core.config.urls.rest.clone();
        HttpRequest { method, endpoint, path_and_query, headers: Vec::new(), body: Bytes::new() }
    }

    /// `/api/v3` or `/fapi/v1`.
    pub(super) fn prefix(&self) -> &'static str {
        match self.core.config.market {
            BinanceMarket::Spot => "/api/v3",
            BinanceMarket::UsdFutures => "/fapi/v1",
        }
    }

    /// Waits until the budget lets a request leave, and pays for it.
    pub(super) async fn turn(&self, urgency: Urgency, cost: Cost) -> Result<(), ExchangeError> {
        let config = &self.core.config;
        let patience = match urgency {
            Urgency::Cancel | Urgency::Resolve | Urgency::Query | Urgency::Bulk => {
                config.question_wait
            }
            Urgency::Order => config.order_wait,
        };
        self.core.turns.turn(urgency, cost, patience).await
    }

    /// Sends a request whose turn has come, for so many times with this one, and takes in what the
    /// answer says of the budget. Gives the answer of a success.
    pub(super) async fn exchange(
        &self,
        request: HttpRequest,
        (kind, attempt): (Kind, u32),
    ) -> Result<HttpReply, ExchangeError> {
        // Path and query may be signed; the kind of the request is a word of ours.
        let endpoint = endpoint::of(&request.method, &request.path_and_query);
        let (venue, asks) = (self.venue(), endpoint.as_str());
        let span = tracing::error_span!("http", venue, endpoint = asks, attempt);
        self.exchange_one(endpoint, request, kind).instrument(span).await
    }

    async fn exchange_one(
        &self,
        endpoint: ApiEndpoint,
        request: HttpRequest,
        kind: Kind,
    ) -> Result<HttpReply, ExchangeError> {
        self.core.turns.check()?;
        self.lock().requests += 1;
        let core = &self.core;
        let began = core.config.clock.monotonic();
        let answer = match self.answer(request, kind).await {
            Ok(reply) if !(200..300).contains(&reply.status) => Err(self.refusal(&reply, kind)),
            answer => answer,
        };
        let (latency, error) = (core.config.clock.monotonic().since(began), answer.as_ref().err());
        log_answer(latency, error);
        let category = error.map(|error| error.classification().category);
        core.watch.call(endpoint, latency, category);
        core.turns.tell_used();
        answer
    }

    async fn answer(&self, request: HttpRequest, kind: Kind) -> Result<HttpReply, ExchangeError> {
        let reply = match self.core.http.send(request).await {
            Ok(reply) => reply,
            Err(HttpError::NoAnswer { message }) if kind == Kind::Change => {
                return Err(ExchangeError::Unknown { message });
            }
            Err(HttpError::NoAnswer { message } | HttpError::NotSent { message }) => {
                return Err(ExchangeError::Transport { message });
            }
        };
        match self.note(&reply) {
            Some(until) => Err(ExchangeError::Throttled { until }),
            None => Ok(reply),
        }
    }

    /// What an answer that is no success means.
    pub(super) fn refusal(&self, reply: &HttpReply, kind: Kind) -> ExchangeError {
        refusal::read(self.core.config.market, reply, kind)
    }

    /// The venue has said by a stream that there were too many requests.
    pub(super) fn on_throttled(&self, throttled: Throttled) -> Timestamp {
        self.core.turns.on_throttled(throttled)
    }

    /// Takes in what the headers say; the end of a ban, where there is one.
    fn note(&self, reply: &HttpReply) -> Option<Timestamp> {
        let at = self.venue_now();
        let mut retry_after = None;
        self.with_budget(|budget| {
            let count = |used: u64| u32::try_from(used).unwrap_or(u32::MAX);
            for (name, value) in &reply.headers {
                let value = value.to_str().ok();
                match value.and_then(|value| LimitHeader::read(name.as_str(), value)) {
                    Some(LimitHeader::Weight { interval, used }) => {
                        budget.on_used(at, Limited::Weight, interval, count(used));
                    }
                    Some(LimitHeader::Orders { interval, used }) => {
                        budget.on_used(at, Limited::Orders, interval, count(used));
                    }
                    Some(LimitHeader::RetryAfter(span)) => retry_after = Some(span),
                    None => {}
                }
            }
        });
        let error = VenueError::decode(&reply.body).ok();
        let is_throttled = matches!(reply.status, 418 | 429)
            || error.as_ref().is_some_and(|error| reply.status >= 400 && error.code == -1003);
        if !is_throttled {
            return None;
        }
        let until = error.and_then(|error| error.banned_until_millis());
        let until = until.and_then(|millis| Timestamp::from_millis(millis).ok());
        let is_ban = reply.status == 418;
        Some(self.on_throttled(Throttled { is_ban, retry_after, until }))
    }

    /// Takes a further attempt to connect out of the budget of all connections, unless a ban
    /// forbids it.
    pub(super) fn may_connect(&self) -> Result<(), String> {
        if let Some(until) = self.blocked_until() {
            return Err(format!("banned until {until}"));
        }
        let session = &self.core.config.session;
        let at = self.core.config.clock.monotonic();
        let (most, span) = (session.most_attempts, session.attempts_span);
        let is_free = self.lock().attempts.take(at, most, span);
        if is_free { Ok(()) } else { Err(format!("{most} attempts in {span:?}")) }
    }

    /// Lets the budget be told something, such as the venue's own limits.
    pub(super) fn with_budget(&self, tell: impl FnOnce(&mut RateBudget)) {
        self.core.turns.with_budget(tell);
    }

    /// The time at the venue, as far as we know.
    pub(super) fn venue_now(&self) -> Timestamp {
        self.core.turns.venue_now()
    }

    /// The word for the venue and its market.
    pub(super) fn venue(&self) -> &str {
        self.core.watch.exchange.as_str()
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.core.runtime
    }

    pub(super) fn urls(&self) -> &BinanceUrls {
        &self.core.config.urls
    }

    /// Nothing that holds the lock can panic half-way, so what it guards is sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.core.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the documents say, until the venue's own list is read: 6,000 of weight a minute on spot,
/// 2,400 on futures; 50 orders in 10 s on spot, 300 on futures.
fn first_budget(market: BinanceMarket, reserve_percent: u8) -> RateBudget {
    let mut budget = RateBudget::new(reserve_percent);
    let secs = Duration::from_secs;
    let (weight, orders) = match market {
        BinanceMarket::Spot => (6_000, [(secs(10), 50), (secs(86_400), 160_000)]),
        BinanceMarket::UsdFutures => (2_400, [(secs(10), 300), (secs(60), 1_200)]),
    };
    budget.limit(Limited::Weight, secs(60), weight);
    for (span, most) in orders {
        budget.limit(Limited::Orders, span, most);
    }
    budget
}

impl fmt::Debug for BinanceConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.core.config;
        formatter
            .debug_struct("BinanceConnection")
            .field("market", &config.market)
            .field("rest", &config.urls.rest)
            .finish_non_exhaustive()
    }
}
