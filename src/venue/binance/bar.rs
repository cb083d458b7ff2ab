use core::time::Duration;

use crate::types::{Bar, InstrumentId, MarketEvent, Period};
use crate::venue::read::{self, instant};
use crate::venue::{DecodeError, MarketNews, MarketSighting};

const WHAT: &str = "kline";

/// The values of a candle, of whichever reader.
pub(super) struct Values {
    /// The length of its period.
    pub(super) seconds: u32,
    pub(super) ohlc: [f64; 4],
    pub(super) volume: f64,
    /// When it began, as the venue writes it.
    pub(super) opened: u64,
    pub(super) is_closed: bool,
}

impl Values {
    /// A bar that is closed, at its close, or one that is forming.
    #[inline]
    pub(super) fn news(&self, instrument: InstrumentId) -> Result<MarketNews, DecodeError> {
        let period = Period::seconds(self.seconds);
        let bar = Bar::new(instrument, period, self.ohlc, self.volume)
            .map_err(|source| DecodeError::Unsound { what: WHAT, source })?;
        if !self.is_closed {
            return Ok(MarketNews::Forming(bar));
        }
        let opened = instant(WHAT, "t", self.opened)?;
        let at = Some(opened.after(Duration::from_secs(self.seconds.into())));
        let event = MarketEvent::Bar(bar);
        Ok(MarketNews::Event(MarketSighting { event, at, number: None }))
    }
}

/// The seconds of `1m`; none for months, which are no span of time.
pub(super) fn interval(text: &str) -> Result<Option<u32>, DecodeError> {
    let unknown = || read::word(WHAT, "i", text);
    let (digits, unit) = text.split_at_checked(text.len().wrapping_sub(1)).ok_or_else(unknown)?;
    let seconds: u32 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        "M" => return Ok(None),
        _ => return Err(unknown()),
    };
    let count: u32 = digits.parse().map_err(|_| unknown())?;
    let span = count.checked_mul(seconds).filter(|span| (1..1 << 30).contains(span));
    span.map(Some).ok_or_else(unknown)
}
