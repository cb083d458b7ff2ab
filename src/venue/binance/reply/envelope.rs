use core::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::order::parse;
use crate::types::Timestamp;
use crate::venue::DecodeError;
use crate::venue::binance::{LimitHeader, VenueError};
use crate::venue::read::instant;

/// An answer of the WebSocket API.
///
/// ```
/// use tradewright::venue::binance::{LimitHeader, WsReply};
///
/// let frame = br#"{"id":7,"status":200,"result":{"serverTime":1499827319559},"rateLimits":[
///     {"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000,
///     "count":70}]}"#;
/// let reply = WsReply::read(frame)?.unwrap();
/// assert_eq!((reply.id, reply.status), (Some(7), 200));
/// assert_eq!(reply.result, Ok(r#"{"serverTime":1499827319559}"#));
/// assert!(matches!(reply.limits[..], [LimitHeader::Weight { used: 70, .. }]));
/// # Ok::<(), tradewright::venue::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct WsReply<'a> {
    /// The number of the request; none when the venue could not read it, or it was no number.
    pub id: Option<u64>,
    /// As an HTTP status: 200, 4XX, 5XX; [`classify_status`](super::super::classify_status) says
    /// what it means.
    pub status: u16,
    /// The result, as JSON; or why there is none.
    pub result: Result<&'a str, VenueError>,
    /// What stands under `error`, as JSON: a replacement tells its halves there.
    pub error: Option<&'a str>,
    /// When the next request may be sent, for status 429 and 418.
    pub retry_at: Option<Timestamp>,
    /// What was used of the venue's limits.
    pub limits: Vec<LimitHeader>,
}

impl<'a> WsReply<'a> {
    /// Reads a frame; `None` when it is an event and no answer.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn read(bytes: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        const WHAT: &str = "answer";
        let frame: Frame<'a> = parse(WHAT, bytes)?;
        let Some(status) = frame.status else { return Ok(None) };
        let error = frame.error.map(RawValue::get);
        let (result, retry_at) = match (error, frame.result) {
            (Some(raw), _) => {
                let details: Option<Details> = parse(WHAT, raw.as_bytes()).ok();
                let retry = details.and_then(|details| details.data?.retry_after);
                let retry = retry.map(|millis| instant(WHAT, "retryAfter", millis)).transpose()?;
                (Err(VenueError::decode(raw.as_bytes())?), retry)
            }
            (None, Some(result)) => (Ok(result.get()), None),
            // `"result":null` reads as none.
            (None, None) if status == 200 => (Ok("null"), None),
            (None, None) => return Err(DecodeError::Missing { what: WHAT, field: "error" }),
        };
        let limits = frame.limits.iter().filter_map(Used::header).collect();
        let id = frame.id.and_then(|id| id.get().parse().ok());
        Ok(Some(Self { id, status, result, error, retry_at, limits }))
    }
}

/// The span of `intervalNum` times `interval`.
pub(super) fn span(interval: &str, count: u32) -> Option<Duration> {
    let seconds: u64 = match interval {
        "SECOND" => 1,
        "MINUTE" => 60,
        "HOUR" => 3_600,
        "DAY" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(seconds.checked_mul(count.into())?)).filter(|span| !span.is_zero())
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    status: Option<u16>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "rateLimits")]
    limits: Vec<Used<'a>>,
}

#[derive(Deserialize)]
struct Details {
    data: Option<Retry>,
}

#[derive(Deserialize)]
struct Retry {
    #[serde(rename = "retryAfter")]
    retry_after: Option<u64>,
}

#[derive(Deserialize)]
struct Used<'a> {
    #[serde(rename = "rateLimitType")]
    kind: &'a str,
    interval: &'a str,
    #[serde(rename = "intervalNum")]
    number: u32,
    count: Option<u64>,
}

impl Used<'_> {
    fn header(&self) -> Option<LimitHeader> {
        let (interval, used) = (span(self.interval, self.number)?, self.count?);
        match self.kind {
            "REQUEST_WEIGHT" => Some(LimitHeader::Weight { interval, used }),
            "ORDERS" => Some(LimitHeader::Orders { interval, used }),
            _ => None,
        }
    }
}
