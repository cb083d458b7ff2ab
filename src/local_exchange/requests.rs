//! Requests over HTTP: limits, keys, signatures, time, and what chaos makes of them.

use core::time::Duration;

use serde_json::Value;

use super::calls::{self, Call, Route, Security};
use super::error::{ApiError, ApiResult};
use super::http::{HttpReply, HttpRequest};
use super::limits::banned;
use super::params::Params;
use super::state::ExchangeState;
use crate::types::{Decimal, Timestamp};
use crate::venue::binance::BinanceMarket;

/// A request may be so much ahead of the exchange's clock, in milliseconds.
const AHEAD: i64 = 1_000;

impl ExchangeState {
    /// Answers a request.
    pub fn http(&mut self, at: Timestamp, request: &HttpRequest) -> HttpReply {
        self.advance(at);
        if let Some(reply) = self.refused() {
            return reply;
        }
        let lost_request = self.chaos.lost_request;
        if self.chance(lost_request) {
            return self.lost();
        }
        let (path, query) = request.target.split_once('?').unwrap_or((request.target.as_str(), ""));
        let Some(route) = calls::of_http(&request.method, path) else { return not_found() };
        let params = Params::of_http(query, &request.body);
        let (limits, clock) = (self.config.limits, self.now);
        let counted = self.usage.of_mut(route.market).request(clock, &limits, route.weight);
        if let Err((error, wait)) = counted {
            return self.reply(route.market, None, Err(error), Some(wait));
        }
        let account = match self.authorise(route.call, request.key.as_deref(), &params) {
            Ok(account) => account,
            Err(error) => return self.reply(route.market, None, Err(error), None),
        };
        let (result, wait) = self.execute(route, account, &params);
        let lost_answer = self.chaos.lost_answer;
        if self.chance(lost_answer) {
            return self.lost();
        }
        self.reply(route.market, account, result, wait)
    }

    /// Carries out a request, unless its account has sent too many orders or chaos has other
    /// plans; with the seconds to wait, where there are any.
    pub(super) fn execute(
        &mut self,
        route: Route,
        account: Option<usize>,
        params: &Params,
    ) -> (ApiResult, Option<i64>) {
        if let Some(account) = account.filter(|_| route.call.is_order()) {
            let (limits, clock) = (self.config.limits, self.now);
            let counted = self.usage.of_mut(route.market).order(clock, &limits, account);
            if let Err((error, wait)) = counted {
                return (Err(error), Some(wait));
            }
        }
        if !route.call.changes_orders() {
            return (self.carry_out(route, account, params), None);
        }
        let (lost, unknown) = (self.chaos.unknown_and_lost, self.chaos.unknown_outcome);
        if self.chance(lost) {
            return (Err(ApiError::timeout()), None);
        }
        let result = self.carry_out(route, account, params);
        if self.chance(unknown) {
            return (Err(ApiError::timeout()), None);
        }
        (result, None)
    }

    /// Whose request it is, checked by what its call needs; none for public requests.
    fn authorise(
        &self,
        call: Call,
        key: Option<&str>,
        params: &Params,
    ) -> Result<Option<usize>, ApiError> {
        if call.security() == Security::Open {
            return Ok(None);
        }
        let Some(key) = key.filter(|key| !key.is_empty()) else {
            return Err(ApiError::new(-2014, "API-key format invalid.").with_status(401));
        };
        let account = self.find_account(key)?;
        if call.security() == Security::Signed {
            self.check_signature(account, params)?;
        }
        Ok(Some(account))
    }

    pub(super) fn find_account(&self, key: &str) -> Result<usize, ApiError> {
        let found = self.traders.iter().position(|trader| trader.key == key);
        found.ok_or_else(ApiError::key)
    }

    /// Signature, then time, as Binance checks them.
    pub(super) fn check_signature(&self, account: usize, params: &Params) -> Result<(), ApiError> {
        let signature = params.signature.as_deref().unwrap_or_default();
        if signature.is_empty() {
            return Err(ApiError::missing("signature"));
        }
        self.check_time(params)?;
        let trader = self.traders.get(account).ok_or_else(ApiError::key)?;
        let verified = trader.verifying.verify(params.signed.as_bytes(), signature);
        verified.map_err(|_| ApiError::signature())
    }

    /// `timestamp` may be a second ahead and `recvWindow` behind; both have up to three decimals.
    pub(super) fn check_time(&self, params: &Params) -> Result<(), ApiError> {
        let millis = |text: &str| Decimal::from_str_exact(text).ok();
        let sent = millis(params.need("timestamp")?);
        let mut sent = sent.ok_or_else(|| ApiError::illegal("timestamp"))?;
        // Microseconds are legal, too.
        if sent >= Decimal::from(100_000_000_000_000_i64) {
            sent = super::number::over(sent, Decimal::ONE_THOUSAND);
        }
        let window = match params.get("recvWindow") {
            Some(text) => millis(text).ok_or_else(|| ApiError::illegal("recvWindow"))?,
            None => Decimal::from(5_000),
        };
        if window > Decimal::from(60_000) || window <= Decimal::ZERO {
            return Err(ApiError::new(-1131, "recvWindow must be less than 60000."));
        }
        let clock = Decimal::from(self.clock().millis());
        let late = super::number::minus(clock, sent);
        if late <= Decimal::from(-AHEAD) {
            let message = "Timestamp for this request was 1000ms ahead of the server's time.";
            return Err(ApiError::new(-1021, message));
        }
        if late > window {
            let message = "Timestamp for this request is outside of the recvWindow.";
            return Err(ApiError::new(-1021, message));
        }
        Ok(())
    }

    /// The answer of chaos to all requests, while there is one.
    pub(super) fn refused(&self) -> Option<HttpReply> {
        let refusal = self.chaos.refusal.filter(|refusal| self.now < refusal.until)?;
        let (now, until) = (self.now.millis(), refusal.until.millis());
        let wait = (until - now).div_euclid(1_000) + 1;
        let error = match refusal.status {
            418 => banned(now, until).0,
            429 => ApiError::new(-1003, "Too many requests.").with_status(429),
            status => ApiError::new(-1000, "An unknown error occurred.").with_status(status),
        };
        Some(HttpReply {
            status: refusal.status,
            headers: vec![("retry-after".to_owned(), wait.to_string())],
            body: error.body().to_string(),
            delay: self.chaos.slow,
            is_lost: false,
        })
    }

    fn lost(&self) -> HttpReply {
        HttpReply {
            status: 0,
            headers: Vec::new(),
            body: String::new(),
            delay: self.chaos.slow,
            is_lost: true,
        }
    }

    fn reply(
        &self,
        market: BinanceMarket,
        account: Option<usize>,
        result: ApiResult,
        wait: Option<i64>,
    ) -> HttpReply {
        let mut headers = self.usage.of(market).headers(self.now, market, account);
        if let Some(wait) = wait {
            headers.push(("retry-after".to_owned(), wait.to_string()));
        }
        let (status, body): (u16, Value) = match result {
            Ok(body) => (200, body),
            Err(error) => (error.status, error.body()),
        };
        HttpReply {
            status,
            headers,
            body: body.to_string(),
            delay: self.chaos.slow,
            is_lost: false,
        }
    }
}

/// Nothing is there.
pub(super) fn not_found() -> HttpReply {
    HttpReply {
        status: 404,
        headers: Vec::new(),
        body: ApiError::new(-1000, "Path not found.").body().to_string(),
        delay: Duration::ZERO,
        is_lost: false,
    }
}
