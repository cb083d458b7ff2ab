use serde::{Deserialize, Serialize};

use super::{Classification, Classify, Severity};
use super::{InstrumentId, Label, Period, Side, Timestamp};

/// One OHLCV candle; it becomes an event at its close, which is the input's time.
///
/// Prices are in the quote currency, the volume is in the instrument's units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bar {
    /// Whose candle.
    pub instrument: InstrumentId,
    /// What it spans.
    pub period: Period,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Quantity traded, zero or more.
    pub volume: f64,
}

impl Bar {
    /// A candle from `[open, high, low, close]` and the volume.
    ///
    /// # Errors
    /// [`DataError`] with the refused value: not finite, a price not above zero, high below
    /// low, open or close outside of high and low, negative volume.
    ///
    /// ```
    /// use tradewright::types::{Bar, DataError, InstrumentId, Period};
    ///
    /// let id = InstrumentId(0);
    /// let bar = Bar::new(id, Period::DAY, [10.0, 11.0, 9.5, 10.5], 1000.0).unwrap();
    /// assert_eq!(bar.close, 10.5);
    /// let refused = Bar::new(id, Period::DAY, [10.0, 9.0, 9.5, 9.2], 1000.0);
    /// assert_eq!(refused, Err(DataError::HighBelowLow { high: 9.0, low: 9.5 }));
    /// ```
    #[inline]
    pub fn new(
        instrument: InstrumentId,
        period: Period,
        ohlc: [f64; 4],
        volume: f64,
    ) -> Result<Self, DataError> {
        let [open, high, low, close] = ohlc;
        let bar = Self { instrument, period, open, high, low, close, volume };
        bar.check()?;
        Ok(bar)
    }

    /// The checks of [`Bar::new`], for bars that were read or changed since.
    ///
    /// # Errors
    /// As [`Bar::new`].
    #[inline]
    pub fn check(&self) -> Result<(), DataError> {
        if self.is_sound() { Ok(()) } else { self.check_closely() }
    }

    /// True when [`Bar::check`] has nothing to say, but for a volume of -0.
    #[inline]
    pub(crate) fn is_sound(&self) -> bool {
        // Bits of numbers above zero are in the order of the numbers, those of infinity, NaN and
        // everything below zero come after them. Comparing whole numbers is cheaper, and a
        // distance without a sign asks for both ends of a range at once.
        let (most, low, high) = (f64::MAX.to_bits(), self.low.to_bits(), self.high.to_bits());
        let span = high.wrapping_sub(low);
        (high <= most)
            & (low.wrapping_sub(1) < high)
            & (self.open.to_bits().wrapping_sub(low) <= span)
            & (self.close.to_bits().wrapping_sub(low) <= span)
            & (self.volume.to_bits() <= most)
    }

    #[cold]
    fn check_closely(&self) -> Result<(), DataError> {
        if self.volume == 0.0 && self.volume.is_sign_negative() {
            return Self { volume: 0.0, ..*self }.check();
        }
        Err(self.fault())
    }

    fn fault(&self) -> DataError {
        for (what, value) in
            [("open", self.open), ("high", self.high), ("low", self.low), ("close", self.close)]
        {
            if let Err(error) = positive(what, value) {
                return error;
            }
        }
        if !self.volume.is_finite() {
            return DataError::NotFinite { what: "volume", value: self.volume };
        }
        if self.volume < 0.0 {
            return DataError::NegativeVolume { value: self.volume };
        }
        if self.high < self.low {
            return DataError::HighBelowLow { high: self.high, low: self.low };
        }
        let (what, value) = if self.open < self.low || self.open > self.high {
            ("open", self.open)
        } else {
            ("close", self.close)
        };
        DataError::OutsideRange { what, value, low: self.low, high: self.high }
    }

    /// (high + low + close) / 3.
    #[inline]
    pub fn typical(&self) -> f64 {
        (self.high + self.low + self.close) / 3.0
    }
}

/// One trade on the market.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Print {
    /// Of what.
    pub instrument: InstrumentId,
    /// At what price.
    pub price: f64,
    /// How much, above zero.
    pub quantity: f64,
    /// The side of the order that took liquidity, when the venue says it.
    pub taker: Option<Side>,
}

/// Best bid and offer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// Of what.
    pub instrument: InstrumentId,
    /// Best bid price.
    pub bid: f64,
    /// Quantity at the bid.
    pub bid_quantity: f64,
    /// Best offer price, at or above the bid.
    pub ask: f64,
    /// Quantity at the offer.
    pub ask_quantity: f64,
}

impl Quote {
    /// (bid + ask) / 2: it may lie between two ticks.
    #[inline]
    pub fn mid(&self) -> f64 {
        f64::midpoint(self.bid, self.ask)
    }
}

/// One price level of an order book.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BookLevel {
    /// The price.
    pub price: f64,
    /// The total quantity resting there, zero or more.
    pub quantity: f64,
}

/// The visible order book: best levels first on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Book {
    /// Of what.
    pub instrument: InstrumentId,
    /// Buyers, best (highest) first.
    pub bids: Vec<BookLevel>,
    /// Sellers, best (lowest) first.
    pub asks: Vec<BookLevel>,
}

/// A funding rate that a perpetual pays at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Funding {
    /// Of what.
    pub instrument: InstrumentId,
    /// Fraction of the position's value; longs pay when it is positive.
    pub rate: f64,
    /// The mark price that values the position.
    pub mark: f64,
}

/// The venue's mark price, which values positions ahead of last prices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Of what.
    pub instrument: InstrumentId,
    /// The price.
    pub price: f64,
}

/// A host's own number in the stream of events: an index level, a sentiment score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Custom {
    /// The instrument that it belongs to.
    pub instrument: InstrumentId,
    /// Which number.
    pub key: Label,
    /// Its value, finite.
    pub value: f64,
}

/// Everything that a market says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum MarketEvent {
    /// A candle has closed.
    Bar(Bar),
    /// A trade was printed.
    Print(Print),
    /// The best bid or offer changed.
    Quote(Quote),
    /// The book changed.
    Book(Box<Book>),
    /// A funding payment is due.
    Funding(Funding),
    /// The mark price changed.
    Mark(Mark),
    /// A number of the host's.
    Custom(Custom),
}

impl MarketEvent {
    /// The instrument that the event is about.
    #[inline]
    pub const fn instrument(&self) -> InstrumentId {
        match self {
            Self::Bar(bar) => bar.instrument,
            Self::Print(print) => print.instrument,
            Self::Quote(quote) => quote.instrument,
            Self::Book(book) => book.instrument,
            Self::Funding(funding) => funding.instrument,
            Self::Mark(mark) => mark.instrument,
            Self::Custom(custom) => custom.instrument,
        }
    }

    /// Moves the event to another instrument, for tables that are merged.
    pub(crate) const fn set_instrument(&mut self, id: InstrumentId) {
        let instrument = match self {
            Self::Bar(bar) => &mut bar.instrument,
            Self::Print(print) => &mut print.instrument,
            Self::Quote(quote) => &mut quote.instrument,
            Self::Book(book) => &mut book.instrument,
            Self::Funding(funding) => &mut funding.instrument,
            Self::Mark(mark) => &mut mark.instrument,
            Self::Custom(custom) => &mut custom.instrument,
        };
        *instrument = id;
    }

    /// The price that marks positions, when the event carries one.
    #[inline]
    pub fn mark(&self) -> Option<f64> {
        match self {
            Self::Bar(bar) => Some(bar.close),
            Self::Print(print) => Some(print.price),
            Self::Quote(quote) => Some(quote.mid()),
            Self::Book(book) => match (book.bids.first(), book.asks.first()) {
                (Some(bid), Some(ask)) => Some(f64::midpoint(bid.price, ask.price)),
                (_, _) => None,
            },
            Self::Funding(funding) => Some(funding.mark),
            Self::Mark(mark) => Some(mark.price),
            Self::Custom(_) => None,
        }
    }

    /// Refuses values that no market can have.
    ///
    /// # Errors
    /// [`DataError`] with the refused value.
    #[inline]
    pub fn check(&self) -> Result<(), DataError> {
        match self {
            Self::Bar(bar) => bar.check(),
            Self::Print(print) => {
                positive("price", print.price)?;
                positive("quantity", print.quantity)
            }
            Self::Quote(quote) => check_quote(quote),
            Self::Book(book) => check_book(book),
            Self::Funding(funding) => {
                positive("mark", funding.mark)?;
                finite("rate", funding.rate)
            }
            Self::Mark(mark) => positive("mark", mark.price),
            Self::Custom(custom) => finite("value", custom.value),
        }
    }
}

fn check_quote(quote: &Quote) -> Result<(), DataError> {
    positive("bid", quote.bid)?;
    positive("ask", quote.ask)?;
    if quote.bid > quote.ask {
        return Err(DataError::Crossed { bid: quote.bid, ask: quote.ask });
    }
    not_negative(quote.bid_quantity)?;
    not_negative(quote.ask_quantity)
}

fn check_book(book: &Book) -> Result<(), DataError> {
    for level in book.bids.iter().chain(&book.asks) {
        positive("price", level.price)?;
        not_negative(level.quantity)?;
    }
    let falling = book.bids.windows(2).all(|pair| matches!(pair, [a, b] if a.price > b.price));
    let rising = book.asks.windows(2).all(|pair| matches!(pair, [a, b] if a.price < b.price));
    if !falling || !rising {
        return Err(DataError::UnsortedBook);
    }
    match (book.bids.first(), book.asks.first()) {
        (Some(bid), Some(ask)) if bid.price >= ask.price => {
            Err(DataError::Crossed { bid: bid.price, ask: ask.price })
        }
        (_, _) => Ok(()),
    }
}

fn finite(what: &'static str, value: f64) -> Result<(), DataError> {
    if value.is_finite() { Ok(()) } else { Err(DataError::NotFinite { what, value }) }
}

fn positive(what: &'static str, value: f64) -> Result<(), DataError> {
    finite(what, value)?;
    if value > 0.0 { Ok(()) } else { Err(DataError::NotPositive { what, value }) }
}

fn not_negative(value: f64) -> Result<(), DataError> {
    finite("volume", value)?;
    if value >= 0.0 { Ok(()) } else { Err(DataError::NegativeVolume { value }) }
}

/// Why a piece of market data was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// NaN or infinite.
    #[error("{what} {value} is not finite")]
    NotFinite {
        /// Which field.
        what: &'static str,
        /// The refused value.
        value: f64,
    },
    /// Zero or negative where a price or quantity must be above zero.
    #[error("{what} {value} is not above zero")]
    NotPositive {
        /// Which field.
        what: &'static str,
        /// The refused value.
        value: f64,
    },
    /// A volume below zero.
    #[error("volume {value} is negative")]
    NegativeVolume {
        /// The refused value.
        value: f64,
    },
    /// The high is below the low.
    #[error("high {high} is below low {low}")]
    HighBelowLow {
        /// The bar's high.
        high: f64,
        /// The bar's low.
        low: f64,
    },
    /// Open or close lies outside of the bar's range.
    #[error("{what} {value} lies outside of {low} to {high}")]
    OutsideRange {
        /// Which field.
        what: &'static str,
        /// The refused value.
        value: f64,
        /// The bar's low.
        low: f64,
        /// The bar's high.
        high: f64,
    },
    /// The bid is above the offer (in a book: not below it).
    #[error("bid {bid} and ask {ask} are crossed")]
    Crossed {
        /// Best bid.
        bid: f64,
        /// Best offer.
        ask: f64,
    },
    /// Book levels are not in order of price, best first.
    #[error("book levels are not sorted with the best first")]
    UnsortedBook,
    /// An event is older than its predecessor.
    #[error("time goes back from {previous} to {at}")]
    TimeGoesBack {
        /// Time of the last accepted event.
        previous: Timestamp,
        /// The refused time.
        at: Timestamp,
    },
    /// The event names an instrument that the run does not know.
    #[error("instrument number {} is unknown", .instrument.0)]
    UnknownInstrument {
        /// The refused id.
        instrument: InstrumentId,
    },
}

impl Classify for DataError {
    /// The datum is lost; the series has a gap.
    fn classification(&self) -> Classification {
        Classification { severity: Severity::Medium, ..Classification::INPUT }
    }
}
