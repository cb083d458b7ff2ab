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
    values: Vec<f64>,
    /// True when there was a row since.
    is_due: bool,
}

impl Relations {
    pub(super) const fn new() -> Self {
        Self { values: Vec::new(), is_due: true }
    }

    pub(super) const fn fall_due(&mut self) {
        self.is_due = true;
    }

    /// Correlations of a column with all `count` columns as of the last row.
    #[inline]
    pub(super) fn row(
        &mut self,
        matrix: &CorrelationMatrix,
        column: usize,
        count: usize,
    ) -> &[f64] {
        if self.is_due {
            matrix.write(&mut self.values);
            self.is_due = false;
        }
        self.values.get(column * count..(column + 1) * count).unwrap_or_default()
    }
}
