use super::CorrelationMatrix;
use crate::types::InstrumentId;

/// The place of each instrument among the rows, by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns(Vec<u32>);

/// The place of what is not watched: past the end of every row.
const NOWHERE: u32 = u32::MAX;

impl Columns {
    /// The places of these instruments, which are in rising order.
    pub(super) fn of(instruments: &[InstrumentId]) -> Self {
        let length = instruments.last().map_or(0, |last| last.index() + 1);
        let mut columns = vec![NOWHERE; length];
        for (column, instrument) in (0..NOWHERE).zip(instruments) {
            columns[instrument.index()] = column;
        }
        Self(columns)
    }

    /// Rows of one value per column, laid out by instrument; NaN where one is not watched.
    fn spread(&self, rows: &[f64], count: usize, out: &mut Vec<f64>) {
        out.clear();
        for row in rows.chunks_exact(count) {
            let value = |column: &u32| row.get(*column as usize).copied().unwrap_or(f64::NAN);
            out.extend(self.0.iter().map(value));
        }
    }

    /// The place of the instrument with this index; past the end of every row where it is not
    /// watched.
    #[inline]
    pub(super) fn at(&self, index: usize) -> usize {
        self.0.get(index).map_or(NOWHERE as usize, |column| *column as usize)
    }

    /// The same, or none.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<usize> {
        Some(self.at(index)).filter(|column| *column < NOWHERE as usize)
    }
}

/// Correlations of all pairs, so that a review only looks them up.
#[derive(Clone, Debug)]
pub(super) struct Relations {
    /// By column and column.
    pairs: Vec<f64>,
    /// By column and instrument.
    values: Vec<f64>,
    /// True when there was a row since.
    is_due: bool,
}

impl Relations {
    pub(super) const fn new() -> Self {
        Self { pairs: Vec::new(), values: Vec::new(), is_due: true }
    }

    pub(super) const fn fall_due(&mut self) {
        self.is_due = true;
    }

    /// Correlations of a column with every instrument as of the last row, by id.
    #[inline]
    pub(super) fn row(
        &mut self,
        matrix: &CorrelationMatrix,
        columns: &Columns,
        column: usize,
    ) -> &[f64] {
        if self.is_due {
            matrix.write(&mut self.pairs);
            columns.spread(&self.pairs, matrix.series(), &mut self.values);
            self.is_due = false;
        }
        let width = columns.0.len();
        self.values.get(column * width..(column + 1) * width).unwrap_or_default()
    }
}
