use serde::Deserialize;
use serde_json::value::RawValue;

use super::order::{ReplyDecoder, parse};
use crate::types::Order;
use crate::venue::binance::VenueError;
use crate::venue::read;
use crate::venue::{DecodeError, Submitted};

/// What became of the two halves of a replacement
/// ([`Requests::replace`](crate::venue::binance::Requests::replace)).
#[derive(Clone, Debug, PartialEq)]
pub struct Replaced {
    /// The end of the one order.
    pub cancel: Outcome<()>,
    /// The beginning of the other one.
    pub place: Outcome<Submitted>,
}

/// What became of one half.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// It was done.
    Done(T),
    /// The venue has refused it.
    Refused(VenueError),
    /// It was not tried, because the other half was refused.
    NotTried,
}

impl ReplyDecoder {
    /// Reads the answer to a replacement: the body of a success, and as well that of the HTTP
    /// statuses 400 and 409, or `result` and `error` of the WebSocket API, where one half may
    /// have been done.
    ///
    /// # Errors
    /// [`DecodeError`], also for an error that says nothing of the halves: then nothing was done,
    /// and [`VenueError::decode`] reads it.
    pub fn replaced(&self, order: &Order, bytes: &[u8]) -> Result<Replaced, DecodeError> {
        const WHAT: &str = "replacement";
        let body: Body<'_> = parse(WHAT, bytes)?;
        let halves = match body.data {
            Some(inner) => inner,
            None => parse(WHAT, bytes)?,
        };
        let missing = |field| DecodeError::Missing { what: WHAT, field };
        let word = halves.cancel.ok_or_else(|| missing("cancelResult"))?;
        let cancel = outcome(WHAT, word, halves.cancel_response, |_| Ok(()))?;
        let word = halves.place.ok_or_else(|| missing("newOrderResult"))?;
        let place = outcome(WHAT, word, halves.place_response, |raw| self.submitted(order, raw))?;
        Ok(Replaced { cancel, place })
    }
}

fn outcome<T>(
    what: &'static str,
    word: &str,
    response: Option<&RawValue>,
    done: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
) -> Result<Outcome<T>, DecodeError> {
    let raw = response.map_or("null", RawValue::get).as_bytes();
    match word {
        "SUCCESS" => done(raw).map(Outcome::Done),
        "FAILURE" => VenueError::decode(raw).map(Outcome::Refused),
        "NOT_ATTEMPTED" => Ok(Outcome::NotTried),
        other => Err(read::word(what, "result", other)),
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    data: Option<Halves<'a>>,
}

#[derive(Deserialize)]
struct Halves<'a> {
    #[serde(borrow, rename = "cancelResult")]
    cancel: Option<&'a str>,
    #[serde(borrow, rename = "newOrderResult")]
    place: Option<&'a str>,
    #[serde(borrow, rename = "cancelResponse")]
    cancel_response: Option<&'a RawValue>,
    #[serde(borrow, rename = "newOrderResponse")]
    place_response: Option<&'a RawValue>,
}
