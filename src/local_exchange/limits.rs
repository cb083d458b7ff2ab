use std::collections::BTreeMap;

use serde_json::Value;

use super::config::RequestLimits;
use super::error::ApiError;
use super::exchange_info::rate_limits;
use super::market_view::add;
use crate::types::Timestamp;
use crate::venue::binance::BinanceMarket;

const MINUTE: i64 = 60_000;
const TEN_SECONDS: i64 = 10_000;
const DAY: i64 = 86_400_000;

/// A client that goes on is banned for so long, in milliseconds.
const BAN: i64 = 120_000;

/// Requests beyond the limit that are answered 429 before a ban.
const PATIENCE: u32 = 10;

/// What was used of the limits of one market. All clients come from one address.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    weight: Window,
    orders: BTreeMap<usize, [Window; 2]>,
    excess: u32,
    banned_until: i64,
}

/// A count within a fixed window of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Window {
    number: i64,
    used: u32,
}

impl Window {
    fn add(&mut self, millis: i64, span: i64, amount: u32) -> u32 {
        let number = millis.div_euclid(span);
        if self.number != number {
            *self = Self { number, used: 0 };
        }
        self.used = self.used.saturating_add(amount);
        self.used
    }

    fn used(&self, millis: i64, span: i64) -> u32 {
        if self.number == millis.div_euclid(span) { self.used } else { 0 }
    }
}

impl Usage {
    /// Counts a request; refused beyond the limit, and banned when the client goes on.
    pub(super) fn request(
        &mut self,
        at: Timestamp,
        limits: &RequestLimits,
        weight: u32,
    ) -> Result<(), (ApiError, i64)> {
        let millis = at.millis();
        if millis < self.banned_until {
            return Err(banned(millis, self.banned_until));
        }
        if self.weight.add(millis, MINUTE, weight) <= limits.weight_per_minute {
            self.excess = 0;
            return Ok(());
        }
        self.excess += 1;
        if self.excess > PATIENCE {
            self.excess = 0;
            self.banned_until = millis + BAN;
            return Err(banned(millis, self.banned_until));
        }
        let limit = limits.weight_per_minute;
        let message = format!(
            "Too much request weight used; current limit is {limit} request weight per 1 MINUTE. \
             Please use WebSocket Streams for live updates to avoid polling the API."
        );
        let wait = (MINUTE - millis.rem_euclid(MINUTE)).div_euclid(1_000) + 1;
        Err((ApiError::new(-1003, message).with_status(429), wait))
    }

    /// Counts an order of an account.
    pub(super) fn order(
        &mut self,
        at: Timestamp,
        limits: &RequestLimits,
        account: usize,
    ) -> Result<(), (ApiError, i64)> {
        let millis = at.millis();
        let [short, long] = self.orders.entry(account).or_default();
        let over = short.add(millis, TEN_SECONDS, 1) > limits.orders_per_10_s;
        let over_day = long.add(millis, DAY, 1) > limits.orders_per_day;
        if !over && !over_day {
            return Ok(());
        }
        let (limit, span, words) = if over {
            (limits.orders_per_10_s, TEN_SECONDS, "10 SECOND")
        } else {
            (limits.orders_per_day, DAY, "1 DAY")
        };
        let message = format!("Too many new orders; current limit is {limit} orders per {words}.");
        let wait = (span - millis.rem_euclid(span)).div_euclid(1_000) + 1;
        Err((ApiError::new(-1015, message).with_status(429), wait))
    }

    /// The headers of an answer.
    pub(super) fn headers(
        &self,
        at: Timestamp,
        market: BinanceMarket,
        account: Option<usize>,
    ) -> Vec<(String, String)> {
        let [weight, short, long] = self.counts(at, account).map(|count| count.to_string());
        let mut headers = vec![("x-mbx-used-weight-1m".to_owned(), weight.clone())];
        if market == BinanceMarket::Spot {
            headers.push(("x-mbx-used-weight".to_owned(), weight));
        }
        if account.is_some() {
            headers.push(("x-mbx-order-count-10s".to_owned(), short));
            headers.push(("x-mbx-order-count-1d".to_owned(), long));
        }
        headers
    }

    /// The limits and their use, as the WebSocket API tells them.
    pub(super) fn rows(
        &self,
        at: Timestamp,
        limits: &RequestLimits,
        account: Option<usize>,
    ) -> Vec<Value> {
        let counts = self.counts(at, account);
        let rows = rate_limits(limits).into_iter().zip(counts).map(|(mut row, count)| {
            add(&mut row, serde_json::json!({ "count": count }));
            row
        });
        let shown = if account.is_some() { 3 } else { 1 };
        rows.take(shown).collect()
    }

    fn counts(&self, at: Timestamp, account: Option<usize>) -> [u32; 3] {
        let millis = at.millis();
        let orders = account.and_then(|account| self.orders.get(&account));
        let [short, long] = orders.copied().unwrap_or_default();
        let weight = self.weight.used(millis, MINUTE);
        [weight, short.used(millis, TEN_SECONDS), long.used(millis, DAY)]
    }
}

/// The answer to whoever is banned, with the seconds to wait.
pub(super) fn banned(millis: i64, until: i64) -> (ApiError, i64) {
    let message = format!(
        "Way too much request weight used; IP banned until {until}. Please use WebSocket Streams \
         for live updates to avoid bans."
    );
    let wait = (until - millis).div_euclid(1_000) + 1;
    (ApiError::new(-1003, message).with_status(418), wait)
}
