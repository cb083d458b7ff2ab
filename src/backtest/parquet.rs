use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::{ColumnDescriptor, Type, TypePtr};
use rust_decimal::Decimal;

use super::{CsvBars, CsvPrints, SourceError};

/// A Parquet file as rows of text, to be read by the rules of [`CsvBars`] or [`CsvPrints`]:
/// the same names of columns, checks, repairs and errors, where line 2 is the first row.
///
/// Numbers keep every digit: doubles and floats are written with the fewest digits that give
/// them back, decimals as they are. Columns of timestamps (milli-, micro- or nanoseconds) and
/// dates are understood whatever their name; whole numbers go by the rules of
/// [`TimeFormat`](super::TimeFormat). Nested columns, and columns of a type that no market
/// data has (times of day, intervals), are left out. Missing values are empty cells, which the
/// readers refuse. The whole file is held in memory.
///
/// ```no_run
/// use tradewright::backtest::ParquetFile;
/// use tradewright::types::Instrument;
///
/// let tape = ParquetFile::open("btcusdt_1h.parquet")?
///     .bars()
///     .load(Instrument::spot("BTCUSDT", "BTC", "USDT").tick("0.01"))?;
/// println!("{} bars", tape.len());
/// # Ok::<(), tradewright::backtest::SourceError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ParquetFile {
    name: String,
    text: Vec<u8>,
}

impl ParquetFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`SourceError::File`] when it cannot be opened or read, [`SourceError::BadText`] when it
    /// is no sound Parquet file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SourceError> {
        let path = path.as_ref();
        let fail = |error| SourceError::File { path: path.to_owned(), error };
        let file = File::open(path).map_err(fail)?;
        Self::from_reader(file, &path.display().to_string())
    }

    /// Reads from any reader; errors call it `name`.
    ///
    /// # Errors
    /// As [`ParquetFile::open`].
    pub fn from_reader(mut reader: impl Read, name: &str) -> Result<Self, SourceError> {
        let mut bytes = Vec::new();
        reader
            .read_to_end(&mut bytes)
            .map_err(|error| SourceError::File { path: PathBuf::from(name), error })?;
        // The library has left panics for damaged files; they end here as an error.
        let read = std::panic::catch_unwind(|| rows_of(bytes));
        let message = match read {
            Ok(Ok(text)) => return Ok(Self { name: name.to_owned(), text }),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the file is damaged".to_owned(),
        };
        Err(SourceError::BadText { file: name.to_owned(), line: 0, message })
    }

    /// Its rows as bars.
    pub fn bars(self) -> CsvBars<'static> {
        CsvBars::from_reader(Cursor::new(self.text), &self.name)
    }

    /// Its rows as prints.
    pub fn prints(self) -> CsvPrints<'static> {
        CsvPrints::from_reader(Cursor::new(self.text), &self.name)
    }
}

impl core::fmt::Debug for ParquetFile {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("ParquetFile").field("file", &self.name).finish_non_exhaustive()
    }
}

/// How the values of a column become text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Whole numbers that are nanoseconds since 1970.
    Nanos,
}

struct Column {
    name: String,
    kind: Kind,
}

fn rows_of(bytes: Vec<u8>) -> Result<Vec<u8>, ParquetError> {
    let file = SerializedFileReader::new(Bytes::from(bytes))?;
    let schema = file.metadata().file_metadata().schema_descr();
    let mut columns = Vec::new();
    for column in schema.columns() {
        if let Some(kind) = kind_of(column) {
            columns.push(Column { name: column.name().to_owned(), kind });
        }
    }
    let is_kept = |field: &&TypePtr| {
        field.is_primitive() && columns.iter().any(|column| column.name == field.name())
    };
    let fields: Vec<TypePtr> =
        schema.root_schema().get_fields().iter().filter(is_kept).cloned().collect();
    let shape = Type::group_type_builder(schema.root_schema().name()).with_fields(fields);
    let mut text = csv::Writer::from_writer(Vec::new());
    let lost = |error: csv::Error| ParquetError::External(Box::new(error));
    text.write_record(columns.iter().map(|column| &column.name)).map_err(lost)?;
    for row in file.get_row_iter(Some(shape.build()?))? {
        let row = row?;
        let cells = row.get_column_iter().zip(&columns);
        text.write_record(cells.map(|((_, field), column)| cell(field, column))).map_err(lost)?;
    }
    text.into_inner().map_err(|error| ParquetError::External(Box::new(error.into_error())))
}

/// `None` for columns that are left out.
fn kind_of(column: &ColumnDescriptor) -> Option<Kind> {
    if column.path().parts().len() != 1 || column.max_rep_level() != 0 {
        return None;
    }
    if let Some(LogicalType::Timestamp(stamp)) = column.logical_type_ref()
        && stamp.unit == TimeUnit::NANOS
    {
        return Some(Kind::Nanos);
    }
    // Of the types that the file may name, those that the library turns into a value.
    let is_plain = matches!(
        (column.physical_type(), column.converted_type()),
        (
            Physical::DOUBLE
                | Physical::FLOAT
                | Physical::INT96
                | Physical::INT32
                | Physical::INT64,
            ConvertedType::NONE
        ) | (
            Physical::INT32,
            ConvertedType::INT_8
                | ConvertedType::INT_16
                | ConvertedType::INT_32
                | ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::DATE
                | ConvertedType::DECIMAL
        ) | (
            Physical::INT64,
            ConvertedType::INT_64
                | ConvertedType::UINT_64
                | ConvertedType::TIMESTAMP_MILLIS
                | ConvertedType::TIMESTAMP_MICROS
                | ConvertedType::DECIMAL
        ) | (Physical::BYTE_ARRAY, ConvertedType::UTF8 | ConvertedType::DECIMAL)
            | (Physical::FIXED_LEN_BYTE_ARRAY, ConvertedType::DECIMAL)
    );
    is_plain.then_some(Kind::Plain)
}

fn cell(field: &Field, column: &Column) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Double(value) => value.to_string(),
        Field::Float(value) => value.to_string(),
        Field::Long(nanos) if column.kind == Kind::Nanos => stamp(Some(*nanos), &column.name),
        Field::TimestampMillis(millis) => stamp(millis.checked_mul(1_000_000), &column.name),
        Field::TimestampMicros(micros) => stamp(micros.checked_mul(1_000), &column.name),
        Field::Date(days) => DateTime::from_timestamp(i64::from(*days) * 86_400, 0)
            .map_or_else(String::new, |day| day.date_naive().to_string()),
        other => other.to_string(),
    }
}

/// A time as text. Where the column's name states a unit, the readers go by it, so that it is
/// written in that unit.
fn stamp(nanos: Option<i64>, name: &str) -> String {
    let Some(nanos) = nanos else { return "out of range".to_owned() };
    let name = name.to_ascii_lowercase();
    let units = [("_ns", 0), ("_us", 3), ("_ms", 6)];
    let Some((_, digits)) = units.into_iter().find(|(ending, _)| name.ends_with(ending)) else {
        return DateTime::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::AutoSi, true);
    };
    Decimal::from_i128_with_scale(i128::from(nanos), digits).normalize().to_string()
}
