use crate::types::{Bar, InstrumentId, MarketEvent, Timestamp};

use super::{DepthSnapshot, DepthUpdate};

/// One piece of news from a venue's market streams, in a form that is common to all venues.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MarketNews {
    /// What an engine takes as an input.
    Event(MarketSighting),
    /// A candle that is still forming.
    Forming(Bar),
    /// A change of an order book.
    Depth(DepthUpdate),
    /// A whole order book.
    Snapshot(DepthSnapshot),
    /// What has happened in the last 24 hours.
    Ticker(Ticker),
    /// The funding that will be paid, as it stands now.
    Funding(FundingForecast),
}

/// A market event as a venue has seen it.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketSighting {
    /// The event.
    pub event: MarketEvent,
    /// When it happened by the venue's clock, where it says so; for candles, their close.
    pub at: Option<Timestamp>,
    /// The venue's number of it: the id of a print, the update id of a quote.
    pub number: Option<u64>,
}

/// A market's last 24 hours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ticker {
    /// Of what.
    pub instrument: InstrumentId,
    /// When, by the venue's clock, where it says so.
    pub at: Option<Timestamp>,
    /// Last price.
    pub last: Option<f64>,
    /// First price of the span.
    pub open: Option<f64>,
    /// Highest price of the span.
    pub high: Option<f64>,
    /// Lowest price of the span.
    pub low: Option<f64>,
    /// Traded quantity, in the instrument's units.
    pub volume: Option<f64>,
    /// Traded value, in the quote currency.
    pub value: Option<f64>,
    /// Best bid.
    pub bid: Option<f64>,
    /// Best offer.
    pub ask: Option<f64>,
}

/// What a perpetual will pay next, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FundingForecast {
    /// Of what.
    pub instrument: InstrumentId,
    /// Fraction of the position's value; longs pay when it is positive.
    pub rate: f64,
    /// When it is due, where the venue says so.
    pub due: Option<Timestamp>,
}
