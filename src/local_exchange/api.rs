//! The WebSocket API: the same requests as messages, sessions, and user data.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::calls;
use super::calls::Security;
use super::connection::{ConnectionId, Frame, Link, Outgoing, Session};
use super::error::{ApiError, ApiResult};
use super::params::Params;
use super::state::ExchangeState;
use crate::venue::binance::{BinanceMarket, VerifyingKey, WsParams};

#[derive(serde::Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: String,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

impl ExchangeState {
    pub(super) fn api_request(&mut self, id: ConnectionId, text: &str) {
        let Some(market) = self.connections.get(&id).map(|connection| connection.market) else {
            return;
        };
        let Ok(request) = serde_json::from_str::<Request<'_>>(text) else {
            let error = ApiError::new(-1000, "Invalid JSON request.");
            self.answer(id, market, "null", (None, true), Err(error));
            return;
        };
        let params = request.params.map_or("{}", RawValue::get);
        let Ok(params) = WsParams::read(params.as_bytes()).map(|params| Params::of_ws(&params))
        else {
            let error = ApiError::new(-1000, "Invalid params.");
            self.answer(id, market, "null", (None, true), Err(error));
            return;
        };
        let reply_id = request.id.map_or("null", RawValue::get).to_owned();
        let with_limits = params.get("returnRateLimits") != Some("false");
        if let Some(reply) = self.refused() {
            let error = ApiError::new(-1003, "Too many requests.").with_status(reply.status);
            self.answer(id, market, &reply_id, (None, with_limits), Err(error));
            return;
        }
        let session = self.session_request(id, &request.method, &params);
        let (account, result) = match session {
            Some(result) => (self.account_of(id), result),
            None => self.call_request(id, market, &request.method, &params),
        };
        self.answer(id, market, &reply_id, (account, with_limits), result);
    }

    /// A request that is the same over HTTP.
    fn call_request(
        &mut self,
        id: ConnectionId,
        market: BinanceMarket,
        method: &str,
        params: &Params,
    ) -> (Option<usize>, ApiResult) {
        let Some(route) = calls::of_method(market, method) else {
            let error = ApiError::new(-1020, "This operation is not supported.");
            return (None, Err(error));
        };
        let (limits, now) = (self.config.limits, self.now);
        let counted = self.usage.of_mut(market).request(now, &limits, route.weight);
        if let Err((error, _)) = counted {
            return (None, Err(error));
        }
        let account = match route.call.security() {
            Security::Open => Ok(None),
            Security::Key | Security::Signed => self.api_account(id, params).map(Some),
        };
        match account {
            Ok(account) => (account, self.execute(route, account, params).0),
            Err(error) => (None, Err(error)),
        }
    }

    /// Whose request it is: by key and signature, or by the session's log-on and a timestamp.
    fn api_account(&self, id: ConnectionId, params: &Params) -> Result<usize, ApiError> {
        match (params.get("apiKey"), self.account_of(id)) {
            (Some(key), _) => {
                let account = self.find_account(key)?;
                self.check_signature(account, params)?;
                Ok(account)
            }
            (None, Some(account)) => {
                self.check_time(params)?;
                Ok(account)
            }
            (None, None) => Err(ApiError::missing("apiKey")),
        }
    }

    fn account_of(&self, id: ConnectionId) -> Option<usize> {
        match &self.connections.get(&id)?.link {
            Link::Api(session) => session.account,
            Link::Streams(_) => None,
        }
    }

    /// Sessions and subscriptions; none for all other methods.
    fn session_request(
        &mut self,
        id: ConnectionId,
        method: &str,
        params: &Params,
    ) -> Option<ApiResult> {
        let result = match method {
            "session.logon" => self.log_on(id, params),
            "session.status" => Ok(self.session_status(id)),
            "session.logout" => {
                self.with_session(id, |session| session.account = None);
                Ok(self.session_status(id))
            }
            "userDataStream.subscribe" => match self.account_of(id) {
                Some(account) => self.subscribe(id, account),
                None => Err(ApiError::key()),
            },
            "userDataStream.subscribe.signature" => {
                let key = params.need("apiKey");
                let account = key.and_then(|key| self.find_account(key));
                account
                    .and_then(|account| self.check_signature(account, params).map(|()| account))
                    .and_then(|account| self.subscribe(id, account))
            }
            "userDataStream.unsubscribe" => self.unsubscribe(id, params),
            "session.subscriptions" => {
                let own = self.with_session(id, |session| {
                    let numbers = session.subscriptions.keys();
                    numbers.map(|number| json!({ "subscriptionId": number })).collect()
                });
                Ok(own.unwrap_or(Value::Null))
            }
            _ => return None,
        };
        Some(result)
    }

    fn with_session<T>(
        &mut self,
        id: ConnectionId,
        change: impl FnOnce(&mut Session) -> T,
    ) -> Option<T> {
        match &mut self.connections.get_mut(&id)?.link {
            Link::Api(session) => Some(change(session)),
            Link::Streams(_) => None,
        }
    }

    /// Binance lets only Ed25519 keys log on.
    fn log_on(&mut self, id: ConnectionId, params: &Params) -> ApiResult {
        let account = self.find_account(params.need("apiKey")?)?;
        self.check_signature(account, params)?;
        let trader = self.traders.get(account).ok_or_else(ApiError::key)?;
        if !matches!(trader.verifying, VerifyingKey::Ed25519(_)) {
            let message = "Only Ed25519 keys are supported for session authentication.";
            return Err(ApiError::new(-4056, message));
        }
        self.with_session(id, |session| session.account = Some(account));
        Ok(self.session_status(id))
    }

    fn session_status(&self, id: ConnectionId) -> Value {
        let trader = self.account_of(id).and_then(|account| self.traders.get(account));
        let opened = self.connections.get(&id).map_or(0, |known| known.opened_at.millis());
        json!({
            "apiKey": trader.map(|trader| trader.key.as_str()),
            "authorizedSince": trader.map(|_| opened),
            "connectedSince": opened,
            "returnRateLimits": true,
            "serverTime": self.clock().millis(),
            "userDataStream": false,
        })
    }

    fn subscribe(&mut self, id: ConnectionId, account: usize) -> ApiResult {
        let number = self.with_session(id, |session| {
            if session.subscriptions.values().any(|owner| *owner == account) {
                return None;
            }
            let number = session.next_subscription;
            session.next_subscription += 1;
            session.subscriptions.insert(number, account);
            Some(number)
        });
        match number.flatten() {
            Some(number) => Ok(json!({ "subscriptionId": number })),
            None => Err(ApiError::new(-2035, "User data stream subscription is already active.")),
        }
    }

    fn unsubscribe(&mut self, id: ConnectionId, params: &Params) -> ApiResult {
        let number: Option<u64> = params.read("subscriptionId")?;
        let is_gone = self.with_session(id, |session| match number {
            Some(number) => session.subscriptions.remove(&number).is_some(),
            None => {
                session.subscriptions.clear();
                true
            }
        });
        match is_gone {
            Some(true) => Ok(json!({})),
            _ => Err(ApiError::new(-2036, "User data stream subscription not found.")),
        }
    }

    /// Ends all subscriptions to spot user data.
    pub(super) fn end_user_streams(&mut self) {
        let at = self.clock().millis();
        let mut frames = Vec::new();
        for (id, connection) in &mut self.connections {
            if let Link::Api(session) = &mut connection.link {
                for number in core::mem::take(&mut session.subscriptions).into_keys() {
                    let event = json!({
                        "subscriptionId": number,
                        "event": { "e": "eventStreamTerminated", "E": at },
                    });
                    frames.push((*id, event.to_string()));
                }
            }
        }
        for (id, text) in frames {
            self.send(id, text);
        }
    }

    fn answer(
        &mut self,
        id: ConnectionId,
        market: BinanceMarket,
        reply_id: &str,
        (account, with_limits): (Option<usize>, bool),
        result: ApiResult,
    ) {
        let (status, name, body) = match result {
            Ok(result) => (200, "result", result),
            Err(error) => (error.status, "error", error.body()),
        };
        let mut text = format!(r#"{{"id":{reply_id},"status":{status},"{name}":{body}"#);
        if with_limits {
            let usage = self.usage.of(market);
            let rows = usage.rows(self.now, &self.config.limits, account);
            text.push_str(&format!(r#","rateLimits":{}"#, Value::Array(rows)));
        }
        text.push('}');
        if self.chaos.slow.is_zero() {
            self.send(id, text);
            return;
        }
        let due = self.now.after(self.chaos.slow);
        let place = self.delayed.partition_point(|(other, _)| *other <= due);
        let frame = Frame::Text(text);
        self.delayed.insert(place, (due, Outgoing { connection: id, frame }));
    }
}
