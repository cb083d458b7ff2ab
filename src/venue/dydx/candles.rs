use core::time::Duration;

use super::subscription::RESOLUTIONS;
use super::wire::{WireCandle, time};
use crate::types::{Bar, InstrumentId, MarketEvent, Period, Timestamp};
use crate::venue::read::{float, word};
use crate::venue::{DecodeError, MarketNews, MarketSighting};

/// Candles of the stream. The venue never says that a candle is closed: it is, when a later one
/// has begun.
#[derive(Clone, Debug, Default)]
pub(super) struct Candles(Vec<Forming>);

#[derive(Clone, Copy, Debug)]
struct Forming {
    instrument: InstrumentId,
    seconds: u32,
    started: Timestamp,
    bar: Bar,
}

const WHAT: &str = "candle";

/// The seconds of `1MIN`.
pub(super) fn seconds(text: &str) -> Result<u32, DecodeError> {
    let known = RESOLUTIONS.iter().find(|(word, _)| *word == text);
    known.map(|(_, seconds)| *seconds).ok_or_else(|| word(WHAT, "resolution", text))
}

/// When a candle began, and its values.
pub(super) fn bar(
    instrument: InstrumentId,
    seconds: u32,
    candle: &WireCandle<'_>,
) -> Result<(Timestamp, Bar), DecodeError> {
    let started = time(WHAT, "startedAt", candle.started_at)?;
    let values = [
        ("open", candle.open),
        ("high", candle.high),
        ("low", candle.low),
        ("close", candle.close),
    ];
    let mut ohlc = [0.0; 4];
    for (value, (field, text)) in ohlc.iter_mut().zip(values) {
        *value = float(WHAT, field, text)?;
    }
    let volume = float(WHAT, "baseTokenVolume", candle.base_token_volume)?;
    let bar = Bar::new(instrument, Period::seconds(seconds), ohlc, volume)
        .map_err(|source| DecodeError::Unsound { what: WHAT, source })?;
    Ok((started, bar))
}

/// A closed bar, at its close.
pub(super) fn closed(started: Timestamp, seconds: u32, bar: Bar) -> MarketNews {
    let at = Some(started.after(Duration::from_secs(seconds.into())));
    MarketNews::Event(MarketSighting { event: MarketEvent::Bar(bar), at, number: None })
}

impl Candles {
    /// Takes a candle; earlier ones than the one that forms were told before. False when it says
    /// nothing new.
    pub(super) fn take(
        &mut self,
        instrument: InstrumentId,
        seconds: u32,
        (started, bar): (Timestamp, Bar),
        out: &mut Vec<MarketNews>,
    ) -> bool {
        let is_same = |it: &&mut Forming| (it.instrument, it.seconds) == (instrument, seconds);
        let next = Forming { instrument, seconds, started, bar };
        match self.0.iter_mut().find(is_same) {
            None => self.0.push(next),
            Some(known) if started < known.started => return false,
            Some(known) => {
                if started > known.started {
                    out.push(closed(known.started, seconds, known.bar));
                }
                *known = next;
            }
        }
        out.push(MarketNews::Forming(bar));
        true
    }
}
