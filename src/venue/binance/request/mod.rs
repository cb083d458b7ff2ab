//! What is asked of the venue: requests, and how they become signed text.

mod account;
mod market;
mod order;
mod params;
mod requests;
mod signing;
mod terms;

use core::fmt;

use rust_decimal::Decimal;

use super::BinanceMarket;
use crate::types::{Classification, Classify, InstrumentId, OrderId, RejectReason};
use crate::venue::{Cost, Urgency};
use params::Params;

pub use account::{MarginType, TradesFrom};
pub use market::candle_interval;
pub use order::OrderRoute;
pub use requests::{AnswerKind, Requests};
pub use signing::Signing;

/// The verb of an HTTP request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// A question.
    #[default]
    Get,
    /// Something new.
    Post,
    /// A change.
    Put,
    /// An end.
    Delete,
}

impl Method {
    /// The verb in capitals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What a request has to bring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    #[default]
    Public,
    /// The API key, in the header `X-MBX-APIKEY`.
    Key,
    /// The API key, the venue's time and a signature.
    Signed,
}

/// One request to the venue, without time and signature: those are added when it leaves, by
/// [`Signing`]. It is filled in by [`Requests`], again and again, and may wait in a
/// [`RequestQueue`](crate::venue::RequestQueue).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Request {
    endpoint: Endpoint,
    cost: Cost,
    params: Params,
}

/// Where a request goes and what that means; the same for all requests of its kind.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Endpoint {
    method: Method,
    /// Empty where there is none over HTTP.
    path: &'static str,
    /// Empty where there is none in the WebSocket API.
    call: &'static str,
    access: Access,
    urgency: Urgency,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            method: Method::Get,
            path: "",
            call: "",
            access: Access::Public,
            urgency: Urgency::Query,
        }
    }
}

impl Endpoint {
    const fn new(method: Method, path: &'static str, call: &'static str) -> Self {
        Self { method, path, call, access: Access::Signed, urgency: Urgency::Query }
    }

    const fn of(mut self, access: Access, urgency: Urgency) -> Self {
        self.access = access;
        self.urgency = urgency;
        self
    }
}

impl Request {
    /// An empty request, to be filled in.
    pub fn new() -> Self {
        Self::default()
    }

    /// The verb.
    pub const fn method(&self) -> Method {
        self.endpoint.method
    }

    /// The path, such as `/api/v3/order`; none for what only the WebSocket API can do.
    pub const fn path(&self) -> Option<&'static str> {
        if self.endpoint.path.is_empty() { None } else { Some(self.endpoint.path) }
    }

    /// The method of the WebSocket API, such as `order.place`; none where it has none.
    pub const fn call(&self) -> Option<&'static str> {
        if self.endpoint.call.is_empty() { None } else { Some(self.endpoint.call) }
    }

    /// What it has to bring.
    pub const fn access(&self) -> Access {
        self.endpoint.access
    }

    /// How much it may wait.
    pub const fn urgency(&self) -> Urgency {
        self.endpoint.urgency
    }

    /// What it takes of the venue's limits.
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// A parameter as it is sent, before it is percent-encoded.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|param| param.name == name).map(|param| param.value)
    }

    /// Appends the parameters as a query, percent-encoded and without a signature: all that a
    /// public request needs. No body is ever sent: the venue reads the query of every verb.
    pub fn write_query(&self, out: &mut String) {
        self.params.write_query(out);
    }

    fn fill(&mut self, endpoint: Endpoint, weight: u32, orders: u32) -> &mut Params {
        self.endpoint = endpoint;
        self.cost = Cost { weight, orders };
        self.params.clear();
        &mut self.params
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, call) = (self.endpoint.path, self.endpoint.call);
        write!(formatter, "Request({} {path}, {call}, ", self.endpoint.method.as_str())?;
        let mut query = String::new();
        self.write_query(&mut query);
        write!(formatter, "{query})")
    }
}

/// Why a request cannot be made. Nothing was written: an order that the venue cannot take as it
/// was meant is never sent as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The instrument is not in the table, or the venue has no name for it.
    #[error("instrument {} is not known to the venue", instrument.0)]
    UnknownInstrument {
        /// Which.
        instrument: InstrumentId,
    },
    /// A price off the tick or a quantity off the step, or not above zero.
    #[error("{what} {value} is not a positive multiple of {step}")]
    OffGrid {
        /// Which number.
        what: &'static str,
        /// The refused value.
        value: Decimal,
        /// The grid.
        step: Decimal,
    },
    /// The venue has no such order or question.
    #[error("{what} is not possible on {market:?}")]
    Unsupported {
        /// Where.
        market: BinanceMarket,
        /// What.
        what: &'static str,
    },
    /// A number is outside of what the venue takes.
    #[error("{what} is {value}, which is not from {least} to {most}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// The refused value.
        value: i64,
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// The text of the id is longer than the 36 characters that the venue takes.
    #[error("the client id {order} is longer than 36 characters")]
    LongId {
        /// Which.
        order: OrderId,
    },
}

impl RequestError {
    /// The same in the engine's words, for an order that was never sent.
    pub const fn reject_reason(&self) -> RejectReason {
        match self {
            Self::UnknownInstrument { .. } => RejectReason::NotTrading,
            Self::OffGrid { .. }
            | Self::Unsupported { .. }
            | Self::OutOfRange { .. }
            | Self::LongId { .. } => RejectReason::InvalidOrder,
        }
    }
}

impl Classify for RequestError {
    fn classification(&self) -> Classification {
        Classification::INPUT
    }
}
