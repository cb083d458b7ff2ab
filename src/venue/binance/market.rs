use super::field::Field;
use super::wire::{Combined, Depth, Event, Events};
use super::{bar, quick};
use crate::types::{InstrumentId, Mark, MarketEvent, Print, Quote, Side};
use crate::venue::read::{self, float};
use crate::venue::{
    DecodeCounts, DecodeError, DepthSnapshot, DepthUpdate, FundingForecast, MarketNews,
    MarketSighting, Symbols, Ticker,
};

/// What a frame of a market stream was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFrame {
    /// Events; what they say was appended to the caller's buffer.
    Events,
    /// The answer to a request on this connection, by the request's number where it had one.
    Reply(Option<u64>),
    /// The server will close: open a new connection now.
    Shutdown,
}

/// Reads the market streams of Binance, spot and USD-margined futures: bare and combined, single
/// events and arrays.
///
/// Read: `bookTicker`, `trade`, `aggTrade`, `kline`, `depthUpdate`, `markPriceUpdate`,
/// `24hrTicker`, `24hrMiniTicker`. Kinds, fields and instruments that it does not know are
/// passed over and counted.
///
/// ```
/// use tradewright::types::{Instrument, Instruments, MarketEvent};
/// use tradewright::venue::binance::MarketDecoder;
/// use tradewright::venue::{MarketNews, Symbols};
///
/// let mut table = Instruments::new();
/// table.add(Instrument::spot("BTCUSDT", "BTC", "USDT"))?;
/// let mut decoder = MarketDecoder::new(Symbols::of(&table));
/// let frame = br#"{"u":400900217,"s":"BTCUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}"#;
/// let mut news = Vec::new();
/// decoder.decode(frame, &mut news)?;
/// let [MarketNews::Event(sighting)] = &news[..] else { panic!("{news:?}") };
/// assert_eq!(sighting.number, Some(400900217));
/// assert!(matches!(sighting.event, MarketEvent::Quote(quote) if quote.bid == 25.35));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MarketDecoder {
    symbols: Symbols,
    counts: DecodeCounts,
}

impl MarketDecoder {
    /// A decoder for these instruments.
    pub fn new(symbols: Symbols) -> Self {
        Self { symbols, counts: DecodeCounts::default() }
    }

    /// What was passed over so far.
    pub const fn counts(&self) -> DecodeCounts {
        self.counts
    }

    /// Reads one frame and appends what it says to `out`.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    pub fn decode(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<MarketNews>,
    ) -> Result<StreamFrame, DecodeError> {
        if let Some(news) = quick::read(bytes, &self.symbols) {
            out.push(news);
            return Ok(StreamFrame::Events);
        }
        let before = out.len();
        let read = self.read(bytes, out);
        if read.is_err() {
            out.truncate(before);
        }
        read
    }

    fn read(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<MarketNews>,
    ) -> Result<StreamFrame, DecodeError> {
        let malformed = |error| read::malformed("market stream", &error);
        let is_combined = bytes.starts_with(br#"{"stream""#) || bytes.starts_with(br#"{"data""#);
        let events = if is_combined {
            let frame: Combined<'_> = serde_json::from_slice(bytes).map_err(malformed)?;
            let field = "data";
            frame.data.ok_or(DecodeError::Missing { what: "combined stream", field })?
        } else {
            serde_json::from_slice(bytes).map_err(malformed)?
        };
        match events {
            Events::One(event) => self.frame(event, out),
            Events::Many(events) => {
                for event in events {
                    self.event(event, out)?;
                }
                Ok(StreamFrame::Events)
            }
        }
    }

    fn frame(
        &mut self,
        event: Event<'_>,
        out: &mut Vec<MarketNews>,
    ) -> Result<StreamFrame, DecodeError> {
        let kind = event.event.as_ref().map_or(event.e, |inner| inner.e);
        if kind == Some("serverShutdown") {
            return Ok(StreamFrame::Shutdown);
        }
        match (event.e, &event.id) {
            (None, Field::Number(id)) => Ok(StreamFrame::Reply(Some(*id))),
            (None, Field::Text(_)) => Ok(StreamFrame::Reply(None)),
            (_, _) => self.event(event, out).map(|()| StreamFrame::Events),
        }
    }

    fn event(&mut self, event: Event<'_>, out: &mut Vec<MarketNews>) -> Result<(), DecodeError> {
        let is_quote = event.e.is_none() && matches!(event.upper_b, Field::Text(_));
        let kind = if is_quote { "bookTicker" } else { event.e.unwrap_or_default() };
        let read = match kind {
            "bookTicker" => quote,
            "trade" => print,
            "aggTrade" => aggregate,
            "kline" => candle,
            "depthUpdate" => depth,
            "markPriceUpdate" => mark,
            "24hrTicker" | "24hrMiniTicker" => ticker,
            "forceOrder" => return self.pass(|counts| &mut counts.ignored),
            _ => return self.pass(|counts| &mut counts.unknown),
        };
        let Field::Text(symbol) = event.s else {
            return Err(DecodeError::Missing { what: "market stream", field: "s" });
        };
        let Some(instrument) = self.symbols.instrument(symbol) else {
            return self.pass(|counts| &mut counts.foreign);
        };
        if !read(instrument, event, out)? {
            self.counts.ignored += 1;
        }
        Ok(())
    }

    fn pass(&mut self, counter: fn(&mut DecodeCounts) -> &mut u64) -> Result<(), DecodeError> {
        *counter(&mut self.counts) += 1;
        Ok(())
    }
}

/// Reads the answer to `GET /api/v3/depth` or `GET /fapi/v1/depth`, which does not say whose
/// book it is. It is cut off at the number of levels that was asked for.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_depth(instrument: InstrumentId, bytes: &[u8]) -> Result<DepthSnapshot, DecodeError> {
    let read: Depth =
        serde_json::from_slice(bytes).map_err(|error| read::malformed("depth", &error))?;
    let Depth { last, bids, asks } = read;
    Ok(DepthSnapshot { instrument, last, is_complete: false, bids, asks })
}

/// Reads the prints of `aggTrades`, which do not say whose they are, and appends them to `out`,
/// each with its number.
///
/// # Errors
/// [`DecodeError`], and nothing was appended.
pub fn decode_aggregate_trades(
    instrument: InstrumentId,
    bytes: &[u8],
    out: &mut Vec<MarketNews>,
) -> Result<(), DecodeError> {
    let before = out.len();
    let list: Vec<Event<'_>> =
        serde_json::from_slice(bytes).map_err(|error| read::malformed("aggTrades", &error))?;
    for event in list {
        if let Err(error) = aggregate(instrument, event, out) {
            out.truncate(before);
            return Err(error);
        }
    }
    Ok(())
}

/// True when something was said.
type Reading = Result<bool, DecodeError>;

fn say(what: &'static str, sighting: MarketSighting, out: &mut Vec<MarketNews>) -> Reading {
    sighting.event.check().map_err(|source| DecodeError::Unsound { what, source })?;
    out.push(MarketNews::Event(sighting));
    Ok(true)
}

#[inline]
fn quote(instrument: InstrumentId, event: Event<'_>, out: &mut Vec<MarketNews>) -> Reading {
    const WHAT: &str = "bookTicker";
    let quote = Quote {
        instrument,
        bid: event.b.float(WHAT, "b")?,
        bid_quantity: event.upper_b.float(WHAT, "B")?,
        ask: event.a.float(WHAT, "a")?,
        ask_quantity: event.upper_a.float(WHAT, "A")?,
    };
    let number = Some(event.u.number(WHAT, "u")?);
    let at = event.time.instant(WHAT, "T")?;
    say(WHAT, MarketSighting { event: MarketEvent::Quote(quote), at, number }, out)
}

fn print(instrument: InstrumentId, event: Event<'_>, out: &mut Vec<MarketNews>) -> Reading {
    let number = event.t.number("trade", "t")?;
    executed("trade", number, instrument, event, out)
}

fn aggregate(instrument: InstrumentId, event: Event<'_>, out: &mut Vec<MarketNews>) -> Reading {
    let number = event.a.number("aggTrade", "a")?;
    executed("aggTrade", number, instrument, event, out)
}

/// Trades of futures that `X` says were not made on the market (insurance fund, deleveraging)
/// are none of a market's prints.
#[inline]
fn executed(
    what: &'static str,
    number: u64,
    instrument: InstrumentId,
    event: Event<'_>,
    out: &mut Vec<MarketNews>,
) -> Reading {
    if matches!(event.upper_x, Field::Text(word) if word != "MARKET") {
        return Ok(false);
    }
    let Field::Flag(is_buyer_maker) = event.m else {
        return Err(DecodeError::Missing { what, field: "m" });
    };
    let print = Print {
        instrument,
        price: event.p.float(what, "p")?,
        quantity: event.q.float(what, "q")?,
        taker: Some(if is_buyer_maker { Side::Sell } else { Side::Buy }),
    };
    let at = event.time.instant(what, "T")?;
    say(what, MarketSighting { event: MarketEvent::Print(print), at, number: Some(number) }, out)
}

fn candle(instrument: InstrumentId, event: Event<'_>, out: &mut Vec<MarketNews>) -> Reading {
    const WHAT: &str = "kline";
    let Some(wire) = event.k else {
        return Err(DecodeError::Missing { what: WHAT, field: "k" });
    };
    let Some(seconds) = bar::interval(wire.i)? else {
        return Ok(false);
    };
    let values = [("o", wire.o), ("h", wire.h), ("l", wire.l), ("c", wire.c)];
    let mut ohlc = [0.0; 4];
    for (value, (field, text)) in ohlc.iter_mut().zip(values) {
        *value = float(WHAT, field, text)?;
    }
    let volume = float(WHAT, "v", wire.v)?;
    let values = bar::Values { seconds, ohlc, volume, opened: wire.t, is_closed: wire.x };
    out.push(values.news(instrument)?);
    Ok(true)
}

fn depth(instrument: InstrumentId, event: Event<'_>, out: &mut Vec<MarketNews>) -> Reading {
    const WHAT: &str = "depthUpdate";
    let first = event.upper_u.number(WHAT, "U")?;
    let last = event.u.number(WHAT, "u")?;
    let previous = match event.pu {
        Field::Number(previous) => Some(previous),
        _ => None,
    };
    let Field::Levels(bids) = event.b else {
        return Err(DecodeError::Missing { what: WHAT, field: "b" });
    };
    let Field::Levels(asks) = event.a else {
        return Err(DecodeError::Missing { what: WHAT, field: "a" });
    };
    out.push(MarketNews::Depth(DepthUpdate { instrument, first, last, previous, bids, asks }));
    Ok(true)
}

fn mark(instrument: InstrumentId, event: Event<'_>, out: &mut Vec<MarketNews>) -> Reading {
    const WHAT: &str = "markPriceUpdate";
    let mark = Mark { instrument, price: event.p.float(WHAT, "p")? };
    let at = event.event_time.instant(WHAT, "E")?;
    // Dated futures pay no funding: their rate is empty text.
    if matches!(event.r, Field::Text(rate) if !rate.is_empty()) {
        let rate = event.r.float(WHAT, "r")?;
        let due = event.time.instant(WHAT, "T")?;
        out.push(MarketNews::Funding(FundingForecast { instrument, rate, due }));
    }
    say(WHAT, MarketSighting { event: MarketEvent::Mark(mark), at, number: None }, out)
}

fn ticker(instrument: InstrumentId, event: Event<'_>, out: &mut Vec<MarketNews>) -> Reading {
    const WHAT: &str = "24hrTicker";
    out.push(MarketNews::Ticker(Ticker {
        instrument,
        at: event.event_time.instant(WHAT, "E")?,
        last: Some(event.c.float(WHAT, "c")?),
        open: event.o.optional_float(WHAT, "o")?,
        high: event.h.optional_float(WHAT, "h")?,
        low: event.l.optional_float(WHAT, "l")?,
        volume: event.v.optional_float(WHAT, "v")?,
        value: event.q.optional_float(WHAT, "q")?,
        bid: event.b.optional_float(WHAT, "b")?,
        ask: event.a.optional_float(WHAT, "a")?,
    }));
    Ok(true)
}
