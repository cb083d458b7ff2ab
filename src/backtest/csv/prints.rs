use std::io::Read;
use std::path::Path;

use crate::backtest::{DataIssue, IssueKind, SourceError, Tape, Timed};
use crate::types::{
    DataError, Instrument, InstrumentBuilder, InstrumentId, Instruments, MarketEvent, Print, Side,
    Timestamp,
};

use super::digits::{Finest, Rounding, Sorting, on_grid};
use super::table::{Input, Table, cut};
use super::{CsvEvents, TimeFormat};

/// Trade prints from a comma-separated file with a header.
///
/// Columns are found by name whatever their case: `timestamp_ns`, `timestamp_us`,
/// `timestamp_ms`, `timestamp`, `time` or `date`; `price`; `quantity`, `qty`, `size`, `amount` or
/// `volume`; and, if it is there, `side`: `buy`, `b`, `sell`, `s` or empty, the side that took
/// liquidity. Other names are set with [`CsvPrints::column`].
///
/// Time and grid are as in [`CsvBars`](super::CsvBars). Several prints of one time are usual
/// and keep the file's order; a print older than its predecessor is an error unless the reader
/// is [`CsvPrints::lenient`].
///
/// ```
/// use tradewright::backtest::CsvPrints;
/// use tradewright::types::Instrument;
///
/// let text = "timestamp_ns,price,quantity,side\n\
///     1762795433971744500,105433.6,0.00027625,buy\n\
///     1762795457846737400,105410.1,0.00005,sell\n";
/// let coin = Instrument::spot("XBTUSDT", "XBT", "USDT").tick("0.1");
/// let tape = CsvPrints::from_reader(text.as_bytes(), "text").load(coin)?;
/// assert_eq!(tape.len(), 2);
/// # Ok::<(), tradewright::backtest::SourceError>(())
/// ```
#[must_use = "nothing is read before load or read"]
pub struct CsvPrints<'a> {
    input: Input<'a>,
    names: [Option<String>; 4],
    delimiter: u8,
    format: Option<TimeFormat>,
    sorting: Sorting,
    rounding: Rounding,
}

/// A column of a file of prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintColumn {
    /// The row's time.
    Time,
    /// The price.
    Price,
    /// How much was traded.
    Quantity,
    /// The side that took liquidity.
    Side,
}

const NAMES: [&[&str]; 4] = [
    &["timestamp_ns", "timestamp_us", "timestamp_ms", "timestamp", "time", "date", "datetime"],
    &["price"],
    &["quantity", "qty", "size", "amount", "volume"],
    &["side"],
];

struct Row {
    line: u64,
    at: Timestamp,
    price: f64,
    quantity: f64,
    taker: Option<Side>,
}

struct Rows {
    file: String,
    rows: Vec<Row>,
    price: Finest,
    quantity: Finest,
    price_column: String,
    quantity_column: String,
}

impl CsvPrints<'static> {
    /// Prints from a file; it is opened when it is loaded.
    pub fn open(path: impl AsRef<Path>) -> Self {
        Self::from_input(Input::path(path.as_ref()))
    }
}

impl<'a> CsvPrints<'a> {
    /// Prints from any reader; errors call it `name`.
    pub fn from_reader(reader: impl Read + 'a, name: &str) -> Self {
        Self::from_input(Input::reader(reader, name))
    }

    fn from_input(input: Input<'a>) -> Self {
        Self {
            input,
            names: [const { None }; 4],
            delimiter: b',',
            format: None,
            sorting: Sorting::Strict,
            rounding: Rounding::Refuse,
        }
    }

    /// Takes a part of the print from the column of this name.
    pub fn column(mut self, part: PrintColumn, name: &str) -> Self {
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

    /// Puts rows out of order in their place and reports them ([`IssueKind::Unsorted`]) instead
    /// of refusing the file.
    pub const fn lenient(mut self) -> Self {
        self.sorting = Sorting::Lenient;
        self
    }

    /// Rounds prices and quantities that are finer than the instrument's data grid to its
    /// nearest point. Digits that the instrument leaves open are then its tick's and step's.
    pub const fn snap(mut self) -> Self {
        self.rounding = Rounding::Snap;
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
    /// As [`CsvPrints::load`]; the tape is unchanged.
    pub fn load_into(
        self,
        tape: &mut Tape,
        mut instrument: InstrumentBuilder,
    ) -> Result<InstrumentId, SourceError> {
        let (sorting, rounding) = (self.sorting, self.rounding);
        let mut rows = self.rows()?;
        if rounding == Rounding::Refuse {
            let [price_set, volume_set] = instrument.digits_set();
            let price = rows.price.digits(price_set)?;
            instrument.infer_digits(price, rows.quantity.digits(volume_set)?);
        }
        let mut instruments = tape.instruments().clone();
        let id = instruments.add(instrument)?;
        let events = rows.events(sorting, rounding, &instruments[id])?;
        tape.take(instruments, events);
        Ok(id)
    }

    /// Reads the file as prints of an instrument that exists: its grid is given.
    ///
    /// # Errors
    /// As [`CsvPrints::load`], and for an id that the table does not know.
    pub fn read(
        self,
        instrument: InstrumentId,
        instruments: &Instruments,
    ) -> Result<CsvEvents, SourceError> {
        let unknown = DataError::UnknownInstrument { instrument };
        let instrument = instruments.get(instrument).ok_or(unknown)?;
        let (sorting, rounding) = (self.sorting, self.rounding);
        self.rows()?.events(sorting, rounding, instrument)
    }

    fn rows(self) -> Result<Rows, SourceError> {
        let mut table = Table::open(self.input, self.delimiter)?;
        let [time, price, quantity, side] = &self.names;
        let [times, prices, quantities, sides] = NAMES;
        let time = table.named_or(time.as_deref(), times)?;
        let price = table.named_or(price.as_deref(), prices)?;
        let quantity = table.named_or(quantity.as_deref(), quantities)?;
        let side = match side {
            Some(name) => Some(table.column(&[name])?),
            None => table.find(sides),
        };
        let mut rows = Rows {
            file: table.file.clone(),
            rows: Vec::new(),
            price: Finest::default(),
            quantity: Finest::default(),
            price_column: table.name(price).to_owned(),
            quantity_column: table.name(quantity).to_owned(),
        };
        let mut format = self.format;
        while table.advance()? {
            let at = table.time(time, &mut format)?;
            let price = rows.price.number(&table, price)?;
            let quantity = rows.quantity.number(&table, quantity)?;
            let taker = side.map_or(Ok(None), |place| taker(&table, place))?;
            rows.rows.push(Row { line: table.line(), at, price, quantity, taker });
        }
        if rows.rows.is_empty() {
            return Err(SourceError::Empty { file: rows.file });
        }
        Ok(rows)
    }
}

impl Rows {
    fn events(
        mut self,
        sorting: Sorting,
        rounding: Rounding,
        instrument: &Instrument,
    ) -> Result<CsvEvents, SourceError> {
        let mut issues = Vec::new();
        let mut newest = None;
        for row in &self.rows {
            if let Some(previous) = newest.filter(|&newest| row.at < newest) {
                if sorting == Sorting::Strict {
                    let (file, line, at) = (self.file, row.line, row.at);
                    return Err(SourceError::Unsorted { file, line, previous, at });
                }
                let (instrument, kind) = (instrument.id, IssueKind::Unsorted);
                issues.push(DataIssue { instrument, at: row.at, line: row.line, kind });
            }
            newest = newest.max(Some(row.at));
        }
        self.rows.sort_by_key(|row| row.at);
        let events = self.rows.iter().map(|row| self.event(row, rounding, instrument));
        Ok(CsvEvents::new(events.collect::<Result<_, _>>()?, issues))
    }

    fn event(
        &self,
        row: &Row,
        rounding: Rounding,
        instrument: &Instrument,
    ) -> Result<Timed, SourceError> {
        let bad_cell = |column: &str, value: f64, wanted| SourceError::BadCell {
            file: self.file.clone(),
            line: row.line,
            column: cut(column),
            text: cut(&value.to_string()),
            wanted,
        };
        let price = on_grid(instrument.price_grid, row.price, rounding).ok_or_else(|| {
            bad_cell(&self.price_column, row.price, "price on the instrument's data grid")
        })?;
        let quantity =
            on_grid(instrument.volume_grid, row.quantity, rounding).ok_or_else(|| {
                bad_cell(
                    &self.quantity_column,
                    row.quantity,
                    "quantity on the instrument's data grid",
                )
            })?;
        let print = Print { instrument: instrument.id, price, quantity, taker: row.taker };
        let event = MarketEvent::Print(print);
        match event.check() {
            Ok(()) => Ok(Timed { at: row.at, event }),
            Err(error) => {
                Err(SourceError::BadRow { file: self.file.clone(), line: row.line, error })
            }
        }
    }
}

fn taker(table: &Table, column: usize) -> Result<Option<Side>, SourceError> {
    match table.cell(column).to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "buy" | "b" => Ok(Some(Side::Buy)),
        "sell" | "s" => Ok(Some(Side::Sell)),
        _ => Err(table.bad_cell(column, "side (buy, sell or empty)")),
    }
}

impl core::fmt::Debug for CsvPrints<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("CsvPrints").field("file", &self.input.name).finish_non_exhaustive()
    }
}
