use crate::backtest::{DataIssue, IssueKind, SourceError};
use crate::types::{DataError, InstrumentId, Period, Timestamp};

use super::TimeFormat;
use super::bars::smallest_distance;
use super::digits::{Finest, Sorting};
use super::table::{Table, cut};

/// One row of a bar file, as read.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) at: Timestamp,
    pub(super) prices: [f64; 4],
    pub(super) volume: f64,
    pub(super) adjusted: f64,
}

/// The rows of a bar file with what was seen of their columns.
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    pub(super) price: Finest,
    pub(super) volume: Finest,
    pub(super) price_columns: Vec<String>,
    pub(super) volume_column: String,
    pub(super) adjusted_column: Option<String>,
    file: String,
    price_places: Vec<usize>,
    volume_place: Option<usize>,
    adjusted_place: Option<usize>,
}

impl Rows {
    pub(super) fn new(
        table: &Table,
        prices: &[usize],
        volume: Option<usize>,
        adjusted: Option<usize>,
    ) -> Self {
        let name = |place: usize| table.name(place).to_owned();
        Self {
            rows: Vec::new(),
            price: Finest::default(),
            volume: Finest::default(),
            price_columns: prices.iter().copied().map(name).collect(),
            volume_column: volume.map(name).unwrap_or_default(),
            adjusted_column: adjusted.map(name),
            file: table.file.clone(),
            price_places: prices.to_vec(),
            volume_place: volume,
            adjusted_place: adjusted,
        }
    }

    /// Reads the table to its end.
    pub(super) fn read(
        &mut self,
        table: &mut Table,
        time: usize,
        mut format: Option<TimeFormat>,
    ) -> Result<(), SourceError> {
        while table.advance()? {
            let at = table.time(time, &mut format)?;
            let mut prices = [0.0; 4];
            for (price, &place) in prices.iter_mut().zip(&self.price_places) {
                *price = self.price.number(table, place)?;
            }
            let volume = match self.volume_place {
                Some(place) => self.volume.number(table, place)?,
                None => 0.0,
            };
            let adjusted = match self.adjusted_place {
                Some(place) => table.number(place)?.0,
                None => 0.0,
            };
            self.rows.push(Row { line: table.line(), at, prices, volume, adjusted });
        }
        if self.rows.is_empty() {
            return Err(SourceError::Empty { file: self.file.clone() });
        }
        Ok(())
    }

    /// Puts the rows in order of time, one per time, or refuses what is not.
    pub(super) fn sort(
        &mut self,
        sorting: Sorting,
        instrument: InstrumentId,
    ) -> Result<Vec<DataIssue>, SourceError> {
        let mut issues = Vec::new();
        let mut newest = None;
        for row in &self.rows {
            if let Some(previous) = newest.filter(|&newest| row.at < newest) {
                if sorting == Sorting::Strict {
                    let (file, line, at) = (self.file.clone(), row.line, row.at);
                    return Err(SourceError::Unsorted { file, line, previous, at });
                }
                let kind = IssueKind::Unsorted;
                issues.push(DataIssue { instrument, at: row.at, line: row.line, kind });
            }
            newest = newest.max(Some(row.at));
        }
        self.rows.sort_by_key(|row| row.at);
        let mut repeated = Vec::new();
        self.rows.dedup_by(|later, first| {
            let is_repeated = later.at == first.at;
            if is_repeated {
                repeated.push((first.line, *later));
            }
            is_repeated
        });
        if let (Sorting::Strict, Some(&(first, row))) = (sorting, repeated.first()) {
            let (file, line, at) = (self.file.clone(), row.line, row.at);
            return Err(SourceError::Repeated { file, line, first, at });
        }
        issues.extend(repeated.into_iter().map(|(_, row)| DataIssue {
            instrument,
            at: row.at,
            line: row.line,
            kind: IssueKind::Duplicate,
        }));
        Ok(issues)
    }

    /// The period of sorted rows.
    pub(super) fn period(&self) -> Result<Period, SourceError> {
        let times = self.rows.iter().map(|row| row.at);
        match (smallest_distance(times), self.rows.as_slice()) {
            (Some(period), _) => Ok(period),
            // The only row at midnight is taken for the bar of a day.
            (None, [row]) if row.at.nanos() % 86_400_000_000_000 == 0 => Ok(Period::DAY),
            (None, rows) => {
                Err(SourceError::NoPeriod { file: self.file.clone(), rows: rows.len() })
            }
        }
    }

    pub(super) fn bad_cell(
        &self,
        row: &Row,
        column: &str,
        value: f64,
        wanted: &'static str,
    ) -> SourceError {
        SourceError::BadCell {
            file: self.file.clone(),
            line: row.line,
            column: cut(column),
            text: cut(&value.to_string()),
            wanted,
        }
    }

    pub(super) fn bad_row(&self, row: &Row, error: DataError) -> SourceError {
        SourceError::BadRow { file: self.file.clone(), line: row.line, error }
    }
}
