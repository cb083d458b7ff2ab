use core::time::Duration;
use std::io::Read;
use std::path::Path;

use crate::backtest::{DataIssue, IssueKind, SourceError, Tape, Timed};
use crate::types::{
    Bar, DataError, Instrument, InstrumentBuilder, InstrumentId, Instruments, MarketEvent, Period,
    Timestamp,
};

use super::digits::{Rounding, Sorting, on_grid};
use super::rows::{Row, Rows};
use super::table::{Input, Table};
use super::{CsvEvents, TimeFormat, gaps};

/// Bars from a comma-separated file with a header.
///
/// **Columns** are found by name whatever their case: `timestamp_ms`, `timestamp`, `time` or
/// `date`, and `open`, `high`, `low`, `close`, `volume`; other names are set with
/// [`CsvBars::column`], other columns are ignored.
///
/// **Time**: the unit is told by the column's name or the first cell ([`CsvBars::time`] sets
/// it). A row's time is the bar's open unless [`CsvBars::stamped`] says otherwise, and the bar
/// becomes an event at its close, one period later. The period is the smallest distance of two
/// rows, where 22 to 26 hours are a day (clocks change); [`CsvBars::period`] sets it.
///
/// **Grid**: what strategies decide is exact on the decimal grid of the series. Where the
/// instrument's digits are not set, they are those of the file's text: prices at least as fine
/// as the tick, volumes as they are. Where they are set, a finer cell is an error unless
/// [`CsvBars::snap`] rounds.
///
/// **Faults**: a row that is out of order or of the same time as another is an error with file
/// and line; a [`CsvBars::lenient`] reader repairs and reports. Holes are always reported, see
/// [`CsvBars::tolerating`]. The rows of the file are held in memory.
///
/// ```
/// use tradewright::backtest::CsvBars;
/// use tradewright::types::Instrument;
///
/// let text = "time,open,high,low,close,volume\n\
///     2026-01-05,10.0,11.5,9.5,11.25,1000\n\
///     2026-01-06,11.25,12.0,11.0,11.5,800\n";
/// let share = Instrument::stock("X", "USD");
/// let tape = CsvBars::from_reader(text.as_bytes(), "text").load(share)?;
/// assert_eq!(tape.len(), 2);
/// assert_eq!(tape.events()[0].at.to_string(), "2026-01-06T00:00:00Z");    // the close
/// # Ok::<(), tradewright::backtest::SourceError>(())
/// ```
#[must_use = "nothing is read before load or read"]
pub struct CsvBars<'a> {
    input: Input<'a>,
    names: [Option<String>; 6],
    adjusted_close: Option<String>,
    delimiter: u8,
    format: Option<TimeFormat>,
    volume: Volume,
    rules: Rules,
}

/// A column of a bar file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarColumn {
    /// The row's time.
    Time,
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    Close,
    /// Quantity traded.
    Volume,
}

/// What a row's time says about its bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamp {
    /// When the bar opened (the default): it closes one period later.
    #[default]
    Open,
    /// When the bar closed.
    Close,
    /// So long before the bar closed: a day for month-end dates, 16 hours for dates of a
    /// session that ends at 16:00 UTC.
    Before(Duration),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Volume {
    Column,
    Zero,
}

#[derive(Clone, Copy)]
struct Rules {
    stamp: Stamp,
    period: Option<Period>,
    sorting: Sorting,
    rounding: Rounding,
    tolerated: Option<Duration>,
}

const NAMES: [&[&str]; 6] = [
    &["timestamp_ms", "timestamp_us", "timestamp_ns", "timestamp", "time", "date", "datetime"],
    &["open"],
    &["high"],
    &["low"],
    &["close"],
    &["volume"],
];

/// An adjusted series has at least so many decimals: the price of a share that later split
/// 100 for 1 keeps its precision.
const ADJUSTED_DIGITS: u8 = 6;

impl CsvBars<'static> {
    /// Bars from a file; it is opened when it is loaded.
    pub fn open(path: impl AsRef<Path>) -> Self {
        Self::from_input(Input::path(path.as_ref()))
    }
}

impl<'a> CsvBars<'a> {
    /// Bars from any reader; errors call it `name`.
    pub fn from_reader(reader: impl Read + 'a, name: &str) -> Self {
        Self::from_input(Input::reader(reader, name))
    }

    fn from_input(input: Input<'a>) -> Self {
        let rules = Rules {
            stamp: Stamp::Open,
            period: None,
            sorting: Sorting::Strict,
            rounding: Rounding::Refuse,
            tolerated: None,
        };
        Self {
            input,
            names: [const { None }; 6],
            adjusted_close: None,
            delimiter: b',',
            format: None,
            volume: Volume::Column,
            rules,
        }
    }

    /// Takes a part of the bar from the column of this name. One column may serve several
    /// parts: a file of closes alone is read by naming it for open, high, low and close.
    pub fn column(mut self, part: BarColumn, name: &str) -> Self {
        if let Some(slot) = self.names.get_mut(part as usize) {
            *slot = Some(name.to_owned());
        }
        self
    }

    /// The character between cells, a comma unless set.
    pub const fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// How time is written.
    pub fn time(mut self, format: TimeFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// What a row's time says about its bar; the open unless set.
    pub const fn stamped(mut self, stamp: Stamp) -> Self {
        self.rules.stamp = stamp;
        self
    }

    /// What a bar spans.
    pub const fn period(mut self, period: Period) -> Self {
        self.rules.period = Some(period);
        self
    }

    /// The file has no (useful) volumes: they are zero.
    pub const fn without_volume(mut self) -> Self {
        self.volume = Volume::Zero;
        self
    }

    /// Adjusts each bar for splits and dividends by the column of adjusted closes.
    ///
    /// Open, high, low and close are multiplied by `adjusted / close` and the volume is divided
    /// by it, so that a bar's traded value stays. The results are rounded to the series' grid,
    /// which has the decimals of the file's prices and at least six, unless set. Adjusted
    /// prices are what a holder who reinvests has earned; nobody traded at them on the day.
    pub fn adjusted_by(mut self, column: &str) -> Self {
        self.adjusted_close = Some(column.to_owned());
        self
    }

    /// Repairs and reports instead of refusing: rows out of order are put in their place
    /// ([`IssueKind::Unsorted`]), of several rows of one time the first is kept
    /// ([`IssueKind::Duplicate`]), a high or low inside of open and close is widened
    /// ([`IssueKind::Widened`]). Cells that are no numbers stay errors.
    pub const fn lenient(mut self) -> Self {
        self.rules.sorting = Sorting::Lenient;
        self
    }

    /// Rounds prices and volumes that are finer than the instrument's data grid to its nearest
    /// point. Digits that the instrument leaves open are then those of its tick and step.
    pub const fn snap(mut self) -> Self {
        self.rules.rounding = Rounding::Snap;
        self
    }

    /// Reports holes only where two bars are further apart than this.
    ///
    /// Unless set, every missing bar of less than a day is reported (nights and weekends are
    /// holes). Bars of one day or longer: a file without bars on Saturdays and Sundays may
    /// pause for four days (a weekend and a holiday) beside the period, another one not.
    pub const fn tolerating(mut self, distance: Duration) -> Self {
        self.rules.tolerated = Some(distance);
        self
    }

    /// Reads the file as the one series of a new tape.
    ///
    /// # Errors
    /// [`SourceError`] with file, line and column.
    pub fn load(self, instrument: InstrumentBuilder) -> Result<Tape, SourceError> {
        let mut tape = Tape::default();
        self.load_into(&mut tape, instrument)?;
        Ok(tape)
    }

    /// Reads the file as the series of a new instrument of a tape that may hold others; its
    /// events are put in order of time, behind those of the same time.
    ///
    /// # Errors
    /// As [`CsvBars::load`]; the tape is unchanged.
    pub fn load_into(
        self,
        tape: &mut Tape,
        mut instrument: InstrumentBuilder,
    ) -> Result<InstrumentId, SourceError> {
        let (mut rows, rules) = self.rows()?;
        rules.infer(&mut rows, &mut instrument)?;
        let mut instruments = tape.instruments.clone();
        let id = instruments.add(instrument)?;
        let events = rules.bars(rows, &instruments[id])?;
        tape.take(instruments, events);
        Ok(id)
    }

    /// Reads the file as bars of an instrument that exists: its grid is given.
    ///
    /// # Errors
    /// As [`CsvBars::load`], and for an id that the table does not know.
    pub fn read(
        self,
        instrument: InstrumentId,
        instruments: &Instruments,
    ) -> Result<CsvEvents, SourceError> {
        let unknown = DataError::UnknownInstrument { instrument };
        let instrument = instruments.get(instrument).ok_or(unknown)?;
        let (rows, rules) = self.rows()?;
        rules.bars(rows, instrument)
    }

    fn rows(self) -> Result<(Rows, Rules), SourceError> {
        let mut table = Table::open(self.input, self.delimiter)?;
        let [time, prices @ .., volume] = &self.names;
        let [times, usual @ .., volumes] = NAMES;
        let time = table.named_or(time.as_deref(), times)?;
        let prices = prices.iter().zip(usual);
        let prices = prices.map(|(name, usual)| table.named_or(name.as_deref(), usual));
        let prices: Vec<usize> = prices.collect::<Result<_, _>>()?;
        let volume = match self.volume {
            Volume::Column => Some(table.named_or(volume.as_deref(), volumes)?),
            Volume::Zero => None,
        };
        let adjusted = self.adjusted_close.map(|name| table.column(&[&name])).transpose()?;
        let mut rows = Rows::new(&table, &prices, volume, adjusted);
        rows.read(&mut table, time, self.format)?;
        Ok((rows, self.rules))
    }
}

impl Rules {
    fn infer(self, rows: &mut Rows, instrument: &mut InstrumentBuilder) -> Result<(), SourceError> {
        if self.rounding == Rounding::Snap {
            return Ok(());
        }
        let [price_set, volume_set] = instrument.digits_set();
        let price = rows.price.digits(price_set)?;
        let volume = rows.volume.digits(volume_set)?;
        let least = if rows.adjusted_column.is_some() { ADJUSTED_DIGITS } else { 0 };
        instrument.infer_digits(price.max(least), volume);
        Ok(())
    }

    fn bars(self, mut rows: Rows, instrument: &Instrument) -> Result<CsvEvents, SourceError> {
        let mut issues = rows.sort(self.sorting, instrument.id)?;
        let period = match self.period {
            Some(period) => period,
            None => rows.period()?,
        };
        let wait = match self.stamp {
            Stamp::Open => period.span().unwrap_or_default(),
            Stamp::Close => Duration::ZERO,
            Stamp::Before(wait) => wait,
        };
        let mut events = Vec::with_capacity(rows.rows.len());
        for row in &rows.rows {
            let (bar, is_widened) = self.bar(&rows, row, period, instrument)?;
            let at = row.at.after(wait);
            if is_widened {
                issues.push(DataIssue {
                    instrument: instrument.id,
                    at,
                    line: row.line,
                    kind: IssueKind::Widened,
                });
            }
            events.push(Timed { at, event: MarketEvent::Bar(bar) });
        }
        if let Some(span) = period.span() {
            let holes = gaps::find(&rows.rows, span, self.tolerated);
            issues.extend(holes.into_iter().map(|(row, missing)| DataIssue {
                instrument: instrument.id,
                at: row.at.after(wait),
                line: row.line,
                kind: IssueKind::Gap { missing },
            }));
        }
        issues.sort_by_key(|issue| (issue.at, issue.line));
        Ok(CsvEvents::new(events, issues))
    }

    fn bar(
        self,
        rows: &Rows,
        row: &Row,
        period: Period,
        instrument: &Instrument,
    ) -> Result<(Bar, bool), SourceError> {
        let mut prices = row.prices;
        let mut volume = row.volume;
        let mut rounding = self.rounding;
        if let Some(column) = &rows.adjusted_column {
            let [_, _, _, close] = prices;
            let ratio = row.adjusted / close;
            if !(ratio > 0.0 && ratio.is_finite()) {
                return Err(rows.bad_cell(row, column, row.adjusted, "adjusted close above zero"));
            }
            prices = prices.map(|price| price * ratio);
            volume /= ratio;
            rounding = Rounding::Snap;
        }
        for (price, name) in prices.iter_mut().zip(&rows.price_columns) {
            *price = on_grid(instrument.price_grid, *price, rounding).ok_or_else(|| {
                rows.bad_cell(row, name, *price, "price on the instrument's data grid")
            })?;
        }
        volume = on_grid(instrument.volume_grid, volume, rounding).ok_or_else(|| {
            rows.bad_cell(row, &rows.volume_column, volume, "volume on the instrument's data grid")
        })?;
        let [open, high, low, close] = prices;
        let holds = (high.max(open).max(close), low.min(open).min(close));
        let is_widened = self.sorting == Sorting::Lenient && holds != (high, low);
        let (high, low) = if is_widened { holds } else { (high, low) };
        let bar = Bar::new(instrument.id, period, [open, high, low, close], volume);
        let bar = bar.map_err(|error| rows.bad_row(row, error))?;
        Ok((bar, is_widened))
    }
}

impl core::fmt::Debug for CsvBars<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("CsvBars").field("file", &self.input.name).finish_non_exhaustive()
    }
}

/// The period of sorted times: their smallest distance.
pub(super) fn smallest_distance(times: impl Iterator<Item = Timestamp> + Clone) -> Option<Period> {
    const DAYISH: core::ops::RangeInclusive<u64> = 22 * 3_600..=26 * 3_600;
    let distances = times.clone().zip(times.skip(1)).map(|(first, second)| second.since(first));
    let smallest = distances.filter(|distance| !distance.is_zero()).min()?;
    let seconds = smallest.as_secs();
    if DAYISH.contains(&seconds) {
        return Some(Period::DAY);
    }
    let is_whole = smallest.subsec_nanos() == 0 && seconds < 1 << 30;
    u32::try_from(seconds).ok().filter(|_| is_whole).map(Period::seconds)
}
