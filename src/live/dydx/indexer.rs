//! The indexer by HTTP.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use hyper::Method;
use hyper::header::RETRY_AFTER;
use tokio::runtime::Handle;
use tracing::Instrument as _;

use super::DydxConfig;
use crate::live::net::{HttpClient, HttpError, HttpReply, HttpRequest};
use crate::live::requests::log_answer;
use crate::live::turns::Turns;
use crate::live::watch::ExchangeWatch;
use crate::metrics::ApiEndpoint;
use crate::types::{Classify, Label, RejectReason};
use crate::venue::{Cost, ExchangeError, Limited, RateBudget, Throttled, Urgency};

/// The way of all questions to the indexer by HTTP: one pool of connections, one queue with its
/// budget, and the word of a refusal for too many requests, which stops everything.
#[derive(Clone)]
pub(super) struct Indexer {
    core: Arc<Core>,
}

struct Core {
    config: Arc<DydxConfig>,
    http: HttpClient,
    turns: Arc<Turns>,
    watch: ExchangeWatch,
}

impl Indexer {
    pub(super) fn new(config: &Arc<DydxConfig>, runtime: &Handle) -> Self {
        let mut budget = RateBudget::new(0);
        budget.limit(Limited::Weight, Duration::from_secs(1), config.requests_per_second);
        let watch = config.watch();
        let core = Core {
            config: Arc::clone(config),
            http: HttpClient::new(&config.tls, config.request_timeout),
            turns: Turns::start(runtime, &config.clock, &watch, budget),
            watch,
        };
        Self { core: Arc::new(core) }
    }

    /// Waits for its turn, asks for what stands behind `/v4`, and gives the body of a success.
    ///
    /// # Errors
    /// [`ExchangeError`], none of which says that anything was changed.
    pub(super) async fn ask(
        &self,
        path_and_query: String,
        urgency: Urgency,
    ) -> Result<Bytes, ExchangeError> {
        let core = &self.core;
        let cost = Cost { weight: 1, orders: 0 };
        core.turns.turn(urgency, cost, core.config.question_wait).await?;
        core.turns.check()?;
        let (endpoint, began) = (endpoint(&path_and_query), core.config.clock.monotonic());
        let request = HttpRequest {
            method: Method::GET,
            endpoint: core.config.urls.rest.clone(),
            path_and_query,
            headers: Vec::new(),
            body: Bytes::new(),
        };
        // The query is public; the kind of the request is a word of ours.
        let span = tracing::error_span!("http", venue = "dydx", endpoint = endpoint.as_str());
        let answer = self.answer(request).instrument(span.clone()).await;
        let (latency, error) = (core.config.clock.monotonic().since(began), answer.as_ref().err());
        span.in_scope(|| log_answer(latency, error));
        let category = error.map(|error| error.classification().category);
        core.watch.call(endpoint, latency, category);
        core.turns.tell_used();
        answer
    }

    async fn answer(&self, request: HttpRequest) -> Result<Bytes, ExchangeError> {
        let reply = self.core.http.send(request).await.map_err(|error| match error {
            HttpError::NoAnswer { message } | HttpError::NotSent { message } => {
                ExchangeError::Transport { message }
            }
        })?;
        let code = i64::from(reply.status);
        let message = format!("HTTP {code}");
        match reply.status {
            200..=299 => Ok(reply.body),
            429 => {
                let retry_after = retry_after(&reply);
                let throttled = Throttled { is_ban: false, retry_after, until: None };
                Err(ExchangeError::Throttled { until: self.core.turns.on_throttled(throttled) })
            }
            404 => Err(ExchangeError::Refused { reason: RejectReason::NotFound, code, message }),
            // Some regions are not served, and others not for a while.
            403 | 451 => Err(ExchangeError::Authentication { code, message }),
            400..=499 => {
                let reason = RejectReason::Other(Label::new("bad_request"));
                Err(ExchangeError::Refused { reason, code, message })
            }
            _ => Err(ExchangeError::Unavailable { code, message }),
        }
    }
}

/// How long the venue wants to be left alone, in whole seconds.
fn retry_after(reply: &HttpReply) -> Option<Duration> {
    let seconds = reply.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The kind of a question, whatever stands behind its first word.
fn endpoint(path: &str) -> ApiEndpoint {
    let word = path.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
    match word {
        "perpetualMarkets" => ApiEndpoint::Prices,
        "orderbooks" => ApiEndpoint::Depth,
        "trades" => ApiEndpoint::Trades,
        "candles" => ApiEndpoint::Bars,
        "orders" if path.contains('?') => ApiEndpoint::ListOrders,
        "orders" => ApiEndpoint::OrderStatus,
        "fills" => ApiEndpoint::ListFills,
        "addresses" => ApiEndpoint::Balances,
        "time" => ApiEndpoint::Time,
        _ => ApiEndpoint::Other,
    }
}

impl fmt::Debug for Indexer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Indexer")
            .field("rest", &self.core.config.urls.rest)
            .finish_non_exhaustive()
    }
}
