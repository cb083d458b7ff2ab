use core::time::Duration;

use chrono::DateTime;

use crate::types::{Classification, ErrorCategory, RetryAdvice, Severity, Timestamp};

/// What an answer shows of itself, to tell whether there were too many requests.
///
/// ```
/// use std::time::Duration;
/// use tradewright::resilience::RateLimitSigns;
/// use tradewright::types::Timestamp;
///
/// let at = Timestamp::from_secs(1_700_000_000)?;
/// let headers = [("Retry-After", "120")];
/// let answer = RateLimitSigns { status: Some(429), headers: &headers, ..Default::default() };
/// let limited = answer.read(at).unwrap();
/// assert_eq!(limited.wait(at), Some(Duration::from_secs(120)));
/// assert!(!limited.is_ban);
///
/// let answer = RateLimitSigns { status: Some(200), ..answer };
/// assert_eq!(answer.read(at), None);
/// # Ok::<(), tradewright::types::TimestampError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct RateLimitSigns<'a> {
    /// The HTTP status, or the number that a WebSocket was closed with.
    pub status: Option<u16>,
    /// Names and values of the headers, in any case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The number of the other side's own error.
    pub code: Option<i64>,
    /// The numbers with which the other side says that there were too many requests: -1003 and
    /// -1015 at Binance.
    pub limit_codes: &'a [i64],
    /// The text of its error.
    pub message: &'a str,
}

/// There were too many requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimited {
    /// True when all requests are refused for a time, whoever sends them.
    pub is_ban: bool,
    /// Until when nothing may be sent, where the answer says so.
    pub until: Option<Timestamp>,
}

impl RateLimited {
    /// How long to wait from `at` on, where the answer said so.
    pub fn wait(&self, at: Timestamp) -> Option<Duration> {
        self.until.map(|until| until.since(at))
    }

    /// What this means for a request that was refused at `at`.
    pub fn classification(&self, at: Timestamp) -> Classification {
        let advice = self.wait(at).map_or(RetryAdvice::Backoff, RetryAdvice::After);
        let severity = if self.is_ban { Severity::High } else { Severity::Medium };
        Classification::new(ErrorCategory::RateLimit, severity).retry(advice)
    }
}

impl RateLimitSigns<'_> {
    /// Whether there were too many requests. Of several times that the answer names, the last
    /// counts: waiting too long costs time, waiting too short a ban.
    pub fn read(&self, at: Timestamp) -> Option<RateLimited> {
        let by_status = matches!(self.status, Some(418 | 429));
        let by_code = self.code.is_some_and(|code| self.limit_codes.contains(&code));
        let closed = self.status == Some(1008) && is_about_rates(self.message);
        let banned_until = banned_until(self.message);
        if !(by_status || by_code || closed || banned_until.is_some()) {
            return None;
        }
        let named = self.headers.iter().filter_map(|(name, value)| header(at, name, value));
        let until = named.chain(banned_until).max();
        let is_ban = self.status == Some(418) || banned_until.is_some();
        Some(RateLimited { is_ban, until })
    }

    /// What the whole answer means: too many requests, or what its HTTP status says; none for
    /// success. A server's error leaves it open whether the request was carried out.
    pub fn classify(&self, at: Timestamp) -> Option<Classification> {
        if let Some(limited) = self.read(at) {
            return Some(limited.classification(at));
        }
        let api = |severity| Classification::new(ErrorCategory::Api, severity);
        match self.status? {
            408 => Some(
                Classification::new(ErrorCategory::Network, Severity::Medium)
                    .retry(RetryAdvice::LookUp),
            ),
            401 | 403 => Some(api(Severity::Critical).fatal()),
            400..=499 => Some(api(Severity::Low)),
            500..=599 => Some(api(Severity::High).retry(RetryAdvice::LookUp)),
            _ => None,
        }
    }
}

/// The time that one header names: `Retry-After` as seconds or date (RFC 9110), the draft
/// `RateLimit-Reset` as seconds, `X-RateLimit-Reset` as seconds or seconds since 1970.
fn header(at: Timestamp, name: &str, value: &str) -> Option<Timestamp> {
    let value = value.trim();
    if name.eq_ignore_ascii_case("retry-after") {
        return seconds(at, value).or_else(|| date(value));
    }
    let is_reset = ["ratelimit-reset", "x-ratelimit-reset"];
    let is_reset = is_reset.iter().any(|reset| name.eq_ignore_ascii_case(reset));
    is_reset.then(|| seconds(at, value)).flatten()
}

/// Seconds from now on; numbers of ten digits are seconds since 1970.
fn seconds(at: Timestamp, text: &str) -> Option<Timestamp> {
    const FIRST_INSTANT: u64 = 1_000_000_000;
    let number: u64 = text.parse().ok()?;
    if number < FIRST_INSTANT {
        return Some(at.after(Duration::from_secs(number)));
    }
    Timestamp::from_secs(i64::try_from(number).ok()?).ok()
}

fn date(text: &str) -> Option<Timestamp> {
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Timestamp::from_secs(date.timestamp()).ok()
}

/// `banned until 1659146400000`, in milliseconds since 1970.
fn banned_until(message: &str) -> Option<Timestamp> {
    let (_, rest) = message.split_once("banned until ")?;
    let digits = rest.split(|char: char| !char.is_ascii_digit()).next()?;
    Timestamp::from_millis(digits.parse().ok()?).ok()
}

fn is_about_rates(message: &str) -> bool {
    let text = message.to_ascii_lowercase();
    ["rate limit", "ratelimit", "too many requests"].iter().any(|words| text.contains(words))
}
