use std::borrow::Cow;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Position, Reader, ReaderBuilder, Trim};

use crate::backtest::SourceError;
use crate::types::Timestamp;

use super::TimeFormat;

/// Where the text comes from.
pub(super) struct Input<'a> {
    pub(super) name: String,
    from: From<'a>,
}

enum From<'a> {
    Path(PathBuf),
    Reader(Box<dyn Read + 'a>),
}

impl<'a> Input<'a> {
    pub(super) fn path(path: &Path) -> Self {
        Self { name: path.display().to_string(), from: From::Path(path.to_owned()) }
    }

    pub(super) fn reader(reader: impl Read + 'a, name: &str) -> Self {
        Self { name: name.to_owned(), from: From::Reader(Box::new(reader)) }
    }
}

/// A file with a header, read row by row.
pub(super) struct Table {
    pub(super) file: String,
    reader: Reader<Cursor<Vec<u8>>>,
    header: Vec<String>,
    row: ByteRecord,
    line: u64,
}

impl Table {
    pub(super) fn open(input: Input<'_>, delimiter: u8) -> Result<Self, SourceError> {
        let file = input.name;
        let mut text = Vec::new();
        let read = match input.from {
            From::Reader(mut reader) => reader.read_to_end(&mut text),
            From::Path(path) => File::open(path).and_then(|mut file| file.read_to_end(&mut text)),
        };
        read.map_err(|error| SourceError::File { path: PathBuf::from(&file), error })?;
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter)
            .trim(Trim::All)
            .from_reader(Cursor::new(text));
        let mut table = Self { file, reader, header: Vec::new(), row: ByteRecord::new(), line: 0 };
        if !table.advance()? {
            return Err(SourceError::Empty { file: table.file });
        }
        table.header = table.row.iter().map(|name| text_of(name).into_owned()).collect();
        Ok(table)
    }

    /// Reads the next row; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, SourceError> {
        let start = self.reader.position().clone();
        let read = self.reader.read_byte_record(&mut self.row);
        self.line = self.line_of(&start);
        read.map_err(|error| self.broken(error))
    }

    /// The line of the row that is read from here: the reader's own count stands before the
    /// empty lines that it skips.
    fn line_of(&self, start: &Position) -> u64 {
        let from = usize::try_from(start.byte()).unwrap_or(usize::MAX);
        let rest = self.reader.get_ref().get_ref().get(from..).unwrap_or_default();
        let skipped = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        start.line() + skipped.fold(0, |lines, &byte| lines + u64::from(byte == b'\n'))
    }

    /// The line of the current row, 1 is the header.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The place of the first of these columns that is there; case does not matter.
    pub(super) fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.header.iter().position(|h| h.eq_ignore_ascii_case(name)))
    }

    pub(super) fn column(&self, names: &[&str]) -> Result<usize, SourceError> {
        self.find(names).ok_or_else(|| SourceError::NoColumn {
            file: self.file.clone(),
            column: names.join("|"),
            found: self.header.iter().map(|name| cut(name)).collect::<Vec<_>>().join(","),
        })
    }

    /// The column that was asked for, else the first usual one.
    pub(super) fn named_or(
        &self,
        name: Option<&str>,
        usual: &[&str],
    ) -> Result<usize, SourceError> {
        match name {
            Some(name) => self.column(&[name]),
            None => self.column(usual),
        }
    }

    pub(super) fn name(&self, column: usize) -> &str {
        self.header.get(column).map_or("", String::as_str)
    }

    pub(super) fn cell(&self, column: usize) -> Cow<'_, str> {
        text_of(self.row.get(column).unwrap_or_default())
    }

    /// The time in a cell; the first cell decides the format when there is none.
    pub(super) fn time(
        &self,
        column: usize,
        format: &mut Option<TimeFormat>,
    ) -> Result<Timestamp, SourceError> {
        let cell = self.cell(column);
        let format = format.get_or_insert_with(|| TimeFormat::inferred(self.name(column), &cell));
        format.read(&cell).ok_or_else(|| self.bad_cell(column, format.wanted()))
    }

    /// A finite number and the decimals that it needs.
    pub(super) fn number(&self, column: usize) -> Result<(f64, u32), SourceError> {
        let cell = self.cell(column);
        match cell.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok((value, decimals(&cell))),
            Ok(_) | Err(_) => Err(self.bad_cell(column, "finite number")),
        }
    }

    pub(super) fn bad_cell(&self, column: usize, wanted: &'static str) -> SourceError {
        SourceError::BadCell {
            file: self.file.clone(),
            line: self.line,
            column: cut(self.name(column)),
            text: cut(&self.cell(column)),
            wanted,
        }
    }

    fn broken(&self, error: csv::Error) -> SourceError {
        let message = match error.into_kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{len} cells, the header has {expected_len}")
            }
            kind => format!("{kind:?}"),
        };
        SourceError::BadText { file: self.file.clone(), line: self.line, message }
    }
}

fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Decimals that a number's text needs, without trailing zeros: 1 for `105433.60000`, 8 for
/// `1e-8`.
fn decimals(text: &str) -> u32 {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let significant = fraction.trim_end_matches('0');
    let needed = if significant.is_empty() {
        let whole = whole.trim_start_matches(['+', '-']);
        let digits = whole.trim_end_matches('0');
        if digits.is_empty() {
            return 0;
        }
        -(whole.len().saturating_sub(digits.len()) as i64)
    } else {
        significant.len() as i64
    };
    let exponent: i64 = exponent.parse().unwrap_or(0);
    u32::try_from(needed.saturating_sub(exponent).max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_those_that_matter() {
        let cases = [
            ("118.5", 1),
            ("105433.60000", 1),
            ("100", 0),
            ("0.00", 0),
            ("1e-8", 8),
            ("10e-1", 0),
            ("5.330000000000001e-05", 20),
            ("1.5e3", 0),
            ("-0.25", 2),
            (".5", 1),
            ("5.", 0),
            ("12e-1", 1),
            ("1e-99999999999999999999", 0),
        ];
        for (text, needed) in cases {
            assert_eq!(decimals(text), needed, "{text}");
        }
    }
}
