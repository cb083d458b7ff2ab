use super::bar::{Values, interval};
use super::scan::{PU, Scan};
use crate::types::{InstrumentId, MarketEvent, Print, Quote, Side};
use crate::venue::read::instant;
use crate::venue::{DepthUpdate, MarketNews, MarketSighting, Symbols};

/// Reads the events that come most often (`bookTicker`, `trade`, `aggTrade`, `kline`,
/// `depthUpdate`), bare or from a combined connection, as the venue writes them.
///
/// What is not written so, not of a known instrument or not sound gives nothing: then the reader
/// that knows all of JSON has to say what it is, and why it is refused. Where this one gives
/// something, that one gives the same.
#[inline]
pub(super) fn read(bytes: &[u8], symbols: &Symbols) -> Option<MarketNews> {
    let mut scan = Scan::new(bytes);
    let is_combined = scan.eat(br#"{"stream":"#).is_some();
    if is_combined {
        scan.text()?;
        scan.eat(br#","data":"#)?;
    }
    let news = event(&mut scan, symbols)?;
    if is_combined {
        scan.eat(b"}")?;
    }
    scan.is_at_end().then_some(news)
}

#[inline]
fn event(scan: &mut Scan<'_>, symbols: &Symbols) -> Option<MarketNews> {
    // The quotes of spot do not say what they are.
    if scan.is_before(br#"{"u":"#) || scan.is_before(br#"{"e":"bookTicker""#) {
        quote(scan, symbols)
    } else if scan.is_before(br#"{"e":"aggTrade""#) {
        print(scan, symbols, "aggTrade", b'a')
    } else if scan.is_before(br#"{"e":"trade""#) {
        print(scan, symbols, "trade", b't')
    } else if scan.is_before(br#"{"e":"kline""#) {
        candle(scan, symbols)
    } else if scan.is_before(br#"{"e":"depthUpdate""#) {
        depth(scan, symbols)
    } else {
        None
    }
}

/// What stands beside the values of every event: its kind, its instrument, and candles, which are
/// the only ones whose form is looked at wherever they are.
#[inline]
fn common(
    scan: &mut Scan<'_>,
    name: u8,
    kind: &str,
    (symbols, instrument): (&Symbols, &mut Option<InstrumentId>),
) -> Option<()> {
    match name {
        b'e' => (scan.text()? == kind.as_bytes()).then_some(()),
        b's' => {
            *instrument = Some(symbols.instrument_of(scan.text()?)?);
            Some(())
        }
        b'k' => None,
        _ => scan.skip(),
    }
}

#[inline]
fn quote(scan: &mut Scan<'_>, symbols: &Symbols) -> Option<MarketNews> {
    const WHAT: &str = "bookTicker";
    let (mut instrument, mut number, mut time) = (None, None, None);
    let (mut bid, mut bid_quantity, mut ask, mut ask_quantity) = (None, None, None, None);
    scan.object(|scan, name| {
        match name {
            b'u' => number = Some(scan.number()?),
            b'b' => bid = Some(scan.decimal()?),
            b'B' => bid_quantity = Some(scan.decimal()?),
            b'a' => ask = Some(scan.decimal()?),
            b'A' => ask_quantity = Some(scan.decimal()?),
            b'T' => time = Some(instant(WHAT, "T", scan.number()?).ok()?),
            _ => common(scan, name, WHAT, (symbols, &mut instrument))?,
        }
        Some(())
    })?;
    let quote = Quote {
        instrument: instrument?,
        bid: bid?,
        bid_quantity: bid_quantity?,
        ask: ask?,
        ask_quantity: ask_quantity?,
    };
    sound(MarketSighting { event: MarketEvent::Quote(quote), at: time, number: Some(number?) })
}

/// Trades of futures that were not made on the market are left.
#[inline]
fn print(
    scan: &mut Scan<'_>,
    symbols: &Symbols,
    kind: &'static str,
    numbered: u8,
) -> Option<MarketNews> {
    let (mut instrument, mut number, mut time) = (None, None, None);
    let (mut price, mut quantity, mut is_buyer_maker) = (None, None, None);
    scan.object(|scan, name| {
        match name {
            _ if name == numbered => number = Some(scan.number()?),
            b'p' => price = Some(scan.decimal()?),
            b'q' => quantity = Some(scan.decimal()?),
            b'm' => is_buyer_maker = Some(scan.flag()?),
            b'T' => time = Some(instant(kind, "T", scan.number()?).ok()?),
            b'X' => return (scan.text()? == b"MARKET").then_some(()),
            _ => common(scan, name, kind, (symbols, &mut instrument))?,
        }
        Some(())
    })?;
    let taker = Some(if is_buyer_maker? { Side::Sell } else { Side::Buy });
    let print = Print { instrument: instrument?, price: price?, quantity: quantity?, taker };
    sound(MarketSighting { event: MarketEvent::Print(print), at: time, number: Some(number?) })
}

#[inline]
fn sound(sighting: MarketSighting) -> Option<MarketNews> {
    sighting.event.check().ok()?;
    Some(MarketNews::Event(sighting))
}

#[inline]
fn candle(scan: &mut Scan<'_>, symbols: &Symbols) -> Option<MarketNews> {
    let (mut instrument, mut values) = (None, None);
    scan.object(|scan, name| {
        match name {
            b'k' => values = Some(inside(scan)?),
            _ => common(scan, name, "kline", (symbols, &mut instrument))?,
        }
        Some(())
    })?;
    values?.news(instrument?).ok()
}

#[inline]
fn inside(scan: &mut Scan<'_>) -> Option<Values> {
    let (mut opened, mut seconds, mut is_closed) = (None, None, None);
    let (mut open, mut high, mut low, mut close, mut volume) = (None, None, None, None, None);
    scan.object(|scan, name| {
        match name {
            b't' => opened = Some(scan.number()?),
            b'i' => seconds = interval(core::str::from_utf8(scan.text()?).ok()?).ok()?,
            b'o' => open = Some(scan.decimal()?),
            b'h' => high = Some(scan.decimal()?),
            b'l' => low = Some(scan.decimal()?),
            b'c' => close = Some(scan.decimal()?),
            b'v' => volume = Some(scan.decimal()?),
            b'x' => is_closed = Some(scan.flag()?),
            _ => scan.skip()?,
        }
        Some(())
    })?;
    Some(Values {
        seconds: seconds?,
        ohlc: [open?, high?, low?, close?],
        volume: volume?,
        opened: opened?,
        is_closed: is_closed?,
    })
}

fn depth(scan: &mut Scan<'_>, symbols: &Symbols) -> Option<MarketNews> {
    let (mut instrument, mut first, mut last, mut previous) = (None, None, None, None);
    let (mut bids, mut asks) = (None, None);
    scan.object(|scan, name| {
        match name {
            b'U' => first = Some(scan.number()?),
            b'u' => last = Some(scan.number()?),
            PU => previous = Some(scan.number()?),
            b'b' => bids = Some(scan.levels()?),
            b'a' => asks = Some(scan.levels()?),
            _ => common(scan, name, "depthUpdate", (symbols, &mut instrument))?,
        }
        Some(())
    })?;
    let (instrument, first, last) = (instrument?, first?, last?);
    let (bids, asks) = (bids?, asks?);
    Some(MarketNews::Depth(DepthUpdate { instrument, first, last, previous, bids, asks }))
}
