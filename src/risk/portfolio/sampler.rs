use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::{Facts, InstrumentId, MarkFact, Timestamp};

/// Turns marks that come one by one into synchronous rows of returns.
///
/// A row holds the last price of every instrument at or before the row's time. It is closed by the
/// first fact after that time, so that the order of marks within one instant makes no difference.
/// An instrument that was not marked since the row before **carries** its price: its return is
/// zero, and the returns of a row belong to the same span of time for all. (The price of that is
/// known: correlations of series that trade rarely are drawn towards zero; space the rows wider
/// than the marks.) Before its first mark an instrument's return is NaN. A span without any mark
/// makes no row.
///
/// Returns are simple: new over old, less one, in the reporting currency for what is paid in full
/// and in the contract's own price for what is settled by profit. Splits and dividends are
/// returns like any other; feed adjusted prices where that matters. A price that moves by more
/// than a factor of a million is taken as a first price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct MarkSampler {
    spacing_nanos: i64,
    instruments: Vec<InstrumentId>,
    /// The time of the open row; `None` while nothing was marked since the last.
    open: Option<Timestamp>,
    prices: Vec<f64>,
    seen: Vec<Option<Timestamp>>,
    closed: Vec<f64>,
    row: Vec<f64>,
    /// The instrument that is likely to be marked next.
    next: usize,
}

/// A larger move is no return.
const LARGEST_MOVE: f64 = 1e6;

impl MarkSampler {
    /// Samples these instruments; a spacing of zero makes a row of each instant.
    pub(super) fn new(instruments: Vec<InstrumentId>, spacing: Duration) -> Self {
        let count = instruments.len();
        Self {
            spacing_nanos: i64::try_from(spacing.as_nanos()).unwrap_or(i64::MAX),
            instruments,
            open: None,
            prices: vec![f64::NAN; count],
            seen: vec![None; count],
            closed: vec![f64::NAN; count],
            row: vec![f64::NAN; count],
            next: 0,
        }
    }

    /// The instruments, in the order of the row.
    pub(super) fn instruments(&self) -> &[InstrumentId] {
        &self.instruments
    }

    /// The returns of the last closed row, one per instrument.
    pub(super) fn row(&self) -> &[f64] {
        &self.row
    }

    /// The first time after the open row, where rows have spans.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let end = self.open.filter(|_| self.spacing_nanos > 0)?;
        Some(end.after(Duration::from_nanos(1)))
    }

    /// Looks at the facts, after each mark or before what comes after the row; true when a row was
    /// closed.
    #[inline]
    pub(super) fn observe(&mut self, facts: &Facts<'_>) -> bool {
        let is_due = self.open.is_some_and(|end| facts.at > end);
        let closed = is_due && self.close(facts);
        self.note(facts);
        closed
    }

    /// Finds the instrument that was marked. Marks of an instant usually come in the same order
    /// as in the one before, so that the first look finds it; at the start of a row all are looked
    /// at, whatever was marked without a word.
    #[inline]
    fn note(&mut self, facts: &Facts<'_>) {
        let count = self.instruments.len();
        let is_first = self.open.is_none();
        for step in 0..count {
            let mut index = self.next + step;
            if index >= count {
                index -= count;
            }
            if self.take(index, facts, Timestamp::MAX) {
                if is_first {
                    self.open.get_or_insert_with(|| end_of(facts.at, self.spacing_nanos));
                } else {
                    self.next = if index + 1 == count { 0 } else { index + 1 };
                    return;
                }
            }
        }
    }

    /// Takes over a mark that is not later than `until`; true when it is new.
    #[inline]
    fn take(&mut self, index: usize, facts: &Facts<'_>, until: Timestamp) -> bool {
        let id = self.instruments[index];
        let Some(mark) = facts.book.mark(id) else { return false };
        let price = value_price(id, mark, facts);
        let is_new = self.seen[index] != Some(mark.at) || self.prices[index] != price;
        if !is_new || mark.at > until || price.is_nan() {
            return false;
        }
        self.prices[index] = price;
        self.seen[index] = Some(mark.at);
        true
    }

    fn close(&mut self, facts: &Facts<'_>) -> bool {
        let Some(end) = self.open.take() else { return false };
        for index in 0..self.instruments.len() {
            self.take(index, facts, end);
            let change = self.prices[index] / self.closed[index] - 1.0;
            self.row[index] = if change.abs() <= LARGEST_MOVE { change } else { f64::NAN };
            self.closed[index] = self.prices[index];
        }
        self.row.iter().any(|change| !change.is_nan())
    }

    pub(super) fn is_sound(&self) -> bool {
        let count = self.instruments.len();
        let lengths = [self.prices.len(), self.closed.len(), self.row.len()];
        self.spacing_nanos >= 0
            && lengths.iter().all(|length| *length == count)
            && self.seen.len() == count
            && self.next < count.max(1)
    }
}

/// The price whose quotient is the position's return; NaN while it is not known.
#[inline]
fn value_price(id: InstrumentId, mark: &MarkFact, facts: &Facts<'_>) -> f64 {
    // At a rate of one both prices are the same.
    if mark.rate == 1.0 {
        return mark.price;
    }
    let Some(instrument) = facts.instruments.get(id) else { return f64::NAN };
    if !instrument.kind.is_paid_in_full() || instrument.settlement == facts.book.reporting() {
        return mark.price;
    }
    let value = mark.price * mark.rate;
    if value > 0.0 { value } else { f64::NAN }
}

/// The end of the span that holds this time: the next multiple of the spacing.
fn end_of(at: Timestamp, spacing_nanos: i64) -> Timestamp {
    if spacing_nanos == 0 {
        return at;
    }
    let rest = at.nanos().rem_euclid(spacing_nanos);
    let missing = if rest == 0 { 0 } else { spacing_nanos - rest };
    Timestamp::from_nanos(at.nanos().saturating_add(missing))
}
