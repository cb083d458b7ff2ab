use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::{
    Bar, DataError, Grid, Instrument, InstrumentId, MarketEvent, Period, PeriodRule, Timestamp,
};
use crate::types::{Classification, Classify};

use super::{SourceError, Tape, Timed};

/// Makes bars of one instrument from its prints or from finer bars, event by event: for data
/// sets and live alike.
///
/// **Time bars** span `[start, end)` of a raster that begins at 1970-01-01 in UTC (whole weeks
/// on Mondays); [`Resampler::offset`] moves it. A print at `end` belongs to the next bar, a
/// finer bar that closes at `end` to this one. The bar's time is its `end`. It is put out with
/// the last finer bar that closes there, else before the first event that shows that `end` is
/// over, or by [`Resampler::on_time`]. A period without prints or bars makes no bar: prices are
/// not invented.
///
/// **Print, volume and value bars** close with the print (or finer bar) that reaches their
/// count, quantity or value, at its time. A print is never split: what it has too much stays in
/// the bar that it closes, so no single print makes more than one bar. The value of a print is
/// price times quantity, that of a finer bar (high + low + close) / 3 times volume.
///
/// Sums are whole numbers of the instrument's data grid: exact, however many are added.
///
/// ```
/// use tradewright::backtest::Resampler;
/// use tradewright::types::{
///     Instrument, Instruments, MarketEvent, Period, Print, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let id = table.add(Instrument::spot("BTCUSDT", "BTC", "USDT").step("0.001"))?;
/// let mut minutes = Resampler::from_prints(&table[id], Period::MINUTE);
/// let mut bars = Vec::new();
/// for (second, price) in [(1, 10.0), (59, 12.0), (60, 11.0)] {
///     let print = Print { instrument: id, price, quantity: 0.1, taker: None };
///     minutes.on_event(Timestamp::from_secs(second)?, &MarketEvent::Print(print), &mut bars)?;
/// }
/// assert_eq!(bars.len(), 1, "the print at 60 seconds shows that the first minute is over");
/// assert_eq!(bars[0].at, Timestamp::from_secs(60)?);
/// assert_eq!(bars[0].event.mark(), Some(12.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resampler {
    instrument: InstrumentId,
    price_grid: Grid,
    volume_grid: Grid,
    input: Input,
    period: Period,
    /// Start of the raster in nanoseconds since 1970.
    offset: i64,
    forming: Option<Forming>,
    /// The first place of the raster whose bar was not put out.
    next: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Input {
    Prints,
    Bars(Period),
}

/// What one input adds to a bar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Part {
    ohlc: [f64; 4],
    /// In ticks of the volume grid.
    volume: i128,
    /// Three times the value, in ticks of price times ticks of volume.
    value: i128,
}

/// The bar in the making.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Forming {
    /// Its place in the raster; zero when it is no time bar.
    place: i64,
    prints: u32,
    sum: Part,
}

const WEEK: u64 = 7 * 86_400;

/// 1970-01-01 was a Thursday; the first Monday came four days later.
const MONDAY: Duration = Duration::from_secs(4 * 86_400);

impl Resampler {
    /// Bars of `period` from the instrument's prints.
    pub fn from_prints(instrument: &Instrument, period: Period) -> Self {
        Self::new(instrument, Input::Prints, period)
    }

    /// Bars of `period` from the instrument's time bars of the period `inner`.
    ///
    /// # Errors
    /// [`ResampleError`]: `inner` is no time, `period` is not a multiple of it, or counts
    /// prints, which bars do not tell.
    pub fn from_bars(
        instrument: &Instrument,
        inner: Period,
        period: Period,
    ) -> Result<Self, ResampleError> {
        let refused = ResampleError::NotFiner { inner, period };
        let Some(span) = inner.span() else {
            return Err(refused);
        };
        let fits = match period.rule() {
            PeriodRule::Time(whole) => {
                whole > span && whole.as_nanos().is_multiple_of(span.as_nanos())
            }
            PeriodRule::Volume(_) | PeriodRule::Value(_) => true,
            PeriodRule::Prints(_) => false,
        };
        if fits { Ok(Self::new(instrument, Input::Bars(inner), period)) } else { Err(refused) }
    }

    fn new(instrument: &Instrument, input: Input, period: Period) -> Self {
        let is_weeks = period.span().is_some_and(|span| span.as_secs().is_multiple_of(WEEK));
        let resampler = Self {
            instrument: instrument.id,
            price_grid: instrument.price_grid,
            volume_grid: instrument.volume_grid,
            input,
            period,
            offset: 0,
            forming: None,
            next: None,
        };
        if is_weeks { resampler.offset(MONDAY) } else { resampler }
    }

    /// Moves the raster of time bars: bars start `offset` after 1970-01-01 UTC and every
    /// period from there. To be set before the first event.
    #[must_use]
    pub fn offset(mut self, offset: Duration) -> Self {
        self.offset = i64::try_from(offset.as_nanos()).unwrap_or(0);
        self
    }

    /// The period of the bars that come out.
    pub const fn period(&self) -> Period {
        self.period
    }

    /// When the forming time bar ends: the time for a timer that calls
    /// [`Resampler::on_time`]. `None` without one.
    pub fn closes_at(&self) -> Option<Timestamp> {
        let span = self.span()?;
        self.forming.map(|forming| self.end(forming.place, span))
    }

    /// Takes any event of the run: others than the wanted ones tell the time. Bars that are
    /// complete are pushed to `out`.
    ///
    /// A print that is older than the forming bar, which only a live venue's delay can cause,
    /// counts into the forming bar, so that no volume is lost.
    ///
    /// # Errors
    /// [`DataError`] for an event that is not sound; nothing has changed then.
    pub fn on_event(
        &mut self,
        at: Timestamp,
        event: &MarketEvent,
        out: &mut Vec<Timed>,
    ) -> Result<(), DataError> {
        event.check()?;
        self.on_time(at, out);
        if let Some(part) = self.part(event) {
            self.add(at, part, out);
        }
        Ok(())
    }

    /// Puts out the forming time bar when its end is over at `at`: reached for prints; passed
    /// for finer bars, the last of which comes at the end itself.
    ///
    /// A live driver calls it with the time of each input before it hands the input on, so
    /// that a bar is never behind what came after its close.
    pub fn on_time(&mut self, at: Timestamp, out: &mut Vec<Timed>) {
        let Some(end) = self.closes_at() else { return };
        let is_over = match self.input {
            Input::Prints => end <= at,
            Input::Bars(_) => end < at,
        };
        if is_over {
            self.close(end, out);
        }
    }

    /// Puts out the forming bar, complete or not, as closing at `at`: for the end of a data
    /// set or session.
    pub fn flush(&mut self, at: Timestamp, out: &mut Vec<Timed>) {
        self.close(at, out);
    }

    fn part(&self, event: &MarketEvent) -> Option<Part> {
        if event.instrument() != self.instrument {
            return None;
        }
        match (self.input, event) {
            (Input::Prints, MarketEvent::Print(print)) => {
                let ohlc = [print.price; 4];
                Some(self.measured(ohlc, [print.price; 3], print.quantity))
            }
            (Input::Bars(inner), MarketEvent::Bar(bar)) if bar.period == inner => {
                let ohlc = [bar.open, bar.high, bar.low, bar.close];
                Some(self.measured(ohlc, [bar.high, bar.low, bar.close], bar.volume))
            }
            (_, _) => None,
        }
    }

    fn measured(&self, ohlc: [f64; 4], typical: [f64; 3], volume: f64) -> Part {
        let volume = whole(self.volume_grid, volume);
        let prices = typical.iter().map(|&price| whole(self.price_grid, price));
        let value = prices.fold(0_i128, i128::saturating_add).saturating_mul(volume);
        Part { ohlc, volume, value }
    }

    fn add(&mut self, at: Timestamp, part: Part, out: &mut Vec<Timed>) {
        let place = self.span().map_or(0, |span| self.place(at, span));
        let forming = match self.forming {
            Some(forming) => forming.with(part),
            None => Forming { place: place.max(self.next.unwrap_or(place)), prints: 1, sum: part },
        };
        self.forming = Some(forming);
        let is_complete = match self.period.rule() {
            PeriodRule::Time(_) => match self.input {
                Input::Prints => false,
                Input::Bars(_) => self.closes_at().is_some_and(|end| end <= at),
            },
            PeriodRule::Prints(count) => forming.prints >= count,
            PeriodRule::Volume(units) => forming.sum.volume >= self.ticks_of_volume(units),
            PeriodRule::Value(units) => {
                let scale = whole(self.price_grid, 1.0).saturating_mul(3);
                forming.sum.value >= self.ticks_of_volume(units).saturating_mul(scale)
            }
        };
        if is_complete {
            let end = self.closes_at().unwrap_or(at);
            self.close(end, out);
        }
    }

    fn close(&mut self, at: Timestamp, out: &mut Vec<Timed>) {
        let Some(forming) = self.forming.take() else { return };
        self.next = self.span().map(|_| forming.place.saturating_add(1));
        let [open, high, low, close] = forming.sum.ohlc;
        let volume = match i64::try_from(forming.sum.volume) {
            Ok(ticks) => self.volume_grid.value(ticks),
            Err(_) => forming.sum.volume as f64 / self.volume_grid.scale(),
        };
        let (instrument, period) = (self.instrument, self.period);
        let bar = Bar { instrument, period, open, high, low, close, volume };
        out.push(Timed { at, event: MarketEvent::Bar(bar) });
    }

    fn ticks_of_volume(&self, units: u32) -> i128 {
        whole(self.volume_grid, 1.0).saturating_mul(i128::from(units))
    }

    /// The span of time bars in nanoseconds, above zero.
    fn span(&self) -> Option<i64> {
        self.period.span().and_then(|span| i64::try_from(span.as_nanos()).ok())
    }

    /// The place in the raster that a print at `at` or a finer bar that closes then falls in.
    fn place(&self, at: Timestamp, span: i64) -> i64 {
        let since = at.nanos().saturating_sub(self.offset);
        let since = match self.input {
            Input::Prints => since,
            Input::Bars(_) => since.saturating_sub(1),
        };
        since.div_euclid(span)
    }

    fn end(&self, place: i64, span: i64) -> Timestamp {
        let end = place.saturating_add(1).saturating_mul(span).saturating_add(self.offset);
        Timestamp::from_nanos(end)
    }
}

impl Forming {
    fn with(mut self, part: Part) -> Self {
        let [open, high, low, _] = self.sum.ohlc;
        let [_, part_high, part_low, close] = part.ohlc;
        self.prints = self.prints.saturating_add(1);
        self.sum = Part {
            ohlc: [open, high.max(part_high), low.min(part_low), close],
            volume: self.sum.volume.saturating_add(part.volume),
            value: self.sum.value.saturating_add(part.value),
        };
        self
    }
}

/// Ticks on the grid; a value that is too large for ticks is cut to a whole number.
fn whole(grid: Grid, value: f64) -> i128 {
    grid.ticks(value).map_or((value * grid.scale()) as i128, i128::from)
}

impl Tape {
    /// The tape with bars of `period` added, made from the instrument's prints or, without
    /// them, from its finest time bars. A bar stands behind what else happened at its time, so
    /// that the finer bar comes first. A bar that the tape's last events have not completed is
    /// left out.
    ///
    /// # Errors
    /// [`SourceError::Resample`]: nothing to make such bars from, or they are there already.
    ///
    /// ```
    /// use tradewright::backtest::CsvBars;
    /// use tradewright::types::{Instrument, InstrumentId, Period};
    ///
    /// let text = "time,open,high,low,close,volume\n\
    ///     2026-01-05,10,11,9,10,5\n\
    ///     2026-01-06,10,12,10,11,5\n\
    ///     2026-01-12,11,12,10,12,5\n";
    /// let share = Instrument::stock("X", "USD");
    /// let tape = CsvBars::from_reader(text.as_bytes(), "text").load(share)?;
    /// let id = InstrumentId(0);
    /// let week = Period::minutes(7 * 24 * 60);
    /// let tape = tape.with_resampled(id, week)?;
    /// let (at, bar) = tape.bars(id, week).next().expect("a week");
    /// assert_eq!(at.to_string(), "2026-01-12T00:00:00Z");
    /// assert_eq!((bar.high, bar.volume), (12.0, 10.0));
    /// # Ok::<(), tradewright::backtest::SourceError>(())
    /// ```
    pub fn with_resampled(
        mut self,
        instrument: InstrumentId,
        period: Period,
    ) -> Result<Self, SourceError> {
        let Some(entry) = self.instruments.get(instrument) else {
            return Err(DataError::UnknownInstrument { instrument }.into());
        };
        let mut resampler = match self.finest(instrument, period)? {
            Input::Prints => Resampler::from_prints(entry, period),
            Input::Bars(inner) => Resampler::from_bars(entry, inner, period)?,
        };
        let mut bars = Vec::new();
        for timed in &self.events {
            resampler.on_event(timed.at, &timed.event, &mut bars)?;
        }
        self.insert(bars);
        Ok(self)
    }

    fn finest(&self, instrument: InstrumentId, period: Period) -> Result<Input, ResampleError> {
        let mut has_prints = false;
        let mut inner: Option<Period> = None;
        for timed in self.events.iter().filter(|timed| timed.event.instrument() == instrument) {
            match &timed.event {
                MarketEvent::Print(_) => has_prints = true,
                MarketEvent::Bar(bar) if bar.period == period => {
                    return Err(ResampleError::Present { instrument, period });
                }
                MarketEvent::Bar(bar) if bar.period.span().is_some() => {
                    inner = Some(inner.map_or(bar.period, |inner| inner.min(bar.period)));
                }
                _ => {}
            }
        }
        match inner {
            _ if has_prints => Ok(Input::Prints),
            Some(inner) => Ok(Input::Bars(inner)),
            None => Err(ResampleError::Nothing { instrument, period }),
        }
    }
}

/// Why bars cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResampleError {
    /// Bars of the one period are no parts of bars of the other.
    #[error("bars of {period} cannot be made from bars of {inner}")]
    NotFiner {
        /// The period of the finer bars.
        inner: Period,
        /// The wanted period.
        period: Period,
    },
    /// The instrument has neither prints nor finer bars.
    #[error("instrument number {} has nothing to make bars of {period} from", .instrument.0)]
    Nothing {
        /// The instrument.
        instrument: InstrumentId,
        /// The wanted period.
        period: Period,
    },
    /// The instrument has such bars already.
    #[error("instrument number {} has bars of {period} already", .instrument.0)]
    Present {
        /// The instrument.
        instrument: InstrumentId,
        /// The wanted period.
        period: Period,
    },
}

impl Classify for ResampleError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}
