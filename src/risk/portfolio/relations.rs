use super::CorrelationMatrix;
use crate::types::InstrumentId;

/// What rules read of pairs of instruments, kept ready so that a review only looks it up.
#[derive(Clone, Debug, Default)]
pub(super) struct Relations {
    /// The place of each instrument among the rows, by id.
    columns: Vec<Option<u32>>,
    /// All correlations as of the last row, row after row; empty where nobody reads them.
    correlations: Vec<f64>,
}

impl Relations {
    /// The places of these instruments, which are in rising order.
    pub(super) fn of(instruments: &[InstrumentId]) -> Self {
        let length = instruments.last().map_or(0, |last| last.index() + 1);
        let mut columns = vec![None; length];
        for (column, instrument) in instruments.iter().enumerate() {
            columns[instrument.index()] = u32::try_from(column).ok();
        }
        Self { columns, correlations: Vec::new() }
    }

    #[inline]
    pub(super) fn column(&self, instrument: InstrumentId) -> Option<usize> {
        self.columns.get(instrument.index()).copied().flatten().map(|column| column as usize)
    }

    /// Takes over the correlations of the last row.
    pub(super) fn keep(&mut self, matrix: &CorrelationMatrix) {
        matrix.write(&mut self.correlations);
    }

    pub(super) const fn is_kept(&self) -> bool {
        !self.correlations.is_empty()
    }

    /// Correlations of a column with all `count` columns; empty where they are not kept.
    #[inline]
    pub(super) fn row(&self, column: usize, count: usize) -> &[f64] {
        self.correlations.get(column * count..(column + 1) * count).unwrap_or_default()
    }
}
