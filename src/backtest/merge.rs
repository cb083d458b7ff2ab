use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::types::{DataError, InstrumentId, Instruments, Timestamp};

use super::{DataSource, SourceError, Tape, Timed};

/// Merges sources that are each in order of time; events of one time come in the order of the
/// sources.
///
/// The merger ends with the first error, which comes right after its source's last event. A
/// source that goes back in time is such an error. Sources of different types are boxed:
/// `Vec<Box<dyn DataSource>>`.
///
/// ```
/// use tradewright::backtest::{CsvBars, Tape, merge};
/// use tradewright::types::{Instrument, Instruments};
///
/// let mut instruments = Instruments::new();
/// let one = instruments.add(Instrument::stock("ONE", "USD"))?;
/// let two = instruments.add(Instrument::stock("TWO", "USD"))?;
/// let text = "time,open,high,low,close,volume\n\
///     2026-01-05,10,11,9,10,1\n\
///     2026-01-06,10,12,10,11,1\n";
/// let read = |id| CsvBars::from_reader(text.as_bytes(), "text").read(id, &instruments);
/// let merged = merge([read(one)?, read(two)?]);
/// let tape = Tape::collect(instruments, merged)?;
/// let order: Vec<u32> = tape.events().iter().map(|timed| timed.event.instrument().0).collect();
/// assert_eq!(order, [0, 1, 0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn merge<S: DataSource>(sources: impl IntoIterator<Item = S>) -> Merge<S> {
    let sources: Vec<S> = sources.into_iter().collect();
    let heads = sources.iter().map(|_| None).collect();
    let mut merged = Merge { sources, heads, order: BinaryHeap::new(), error: None };
    for index in 0..merged.sources.len() {
        merged.pull(index, None);
    }
    merged
}

/// Several sources as one; made by [`merge`].
#[derive(Debug)]
pub struct Merge<S> {
    sources: Vec<S>,
    heads: Vec<Option<Timed>>,
    order: BinaryHeap<Reverse<(Timestamp, usize)>>,
    error: Option<SourceError>,
}

impl<S: DataSource> Merge<S> {
    /// Takes the next event of a source as its head.
    fn pull(&mut self, index: usize, previous: Option<Timestamp>) {
        match self.sources.get_mut(index).and_then(Iterator::next) {
            None => {}
            Some(Ok(timed)) => match previous {
                Some(previous) if timed.at < previous => {
                    let error = DataError::TimeGoesBack { previous, at: timed.at };
                    self.error.get_or_insert(error.into());
                }
                Some(_) | None => {
                    self.order.push(Reverse((timed.at, index)));
                    if let Some(head) = self.heads.get_mut(index) {
                        *head = Some(timed);
                    }
                }
            },
            Some(Err(error)) => {
                self.error.get_or_insert(error);
            }
        }
    }
}

impl<S: DataSource> Iterator for Merge<S> {
    type Item = Result<Timed, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            self.order.clear();
            return Some(Err(error));
        }
        let Reverse((at, index)) = self.order.pop()?;
        let timed = self.heads.get_mut(index)?.take()?;
        self.pull(index, Some(at));
        Some(Ok(timed))
    }
}

impl Tape {
    /// One tape of several: their instruments in one table in the order of the tapes, their
    /// events in order of time; events of one time come in the order of the tapes.
    ///
    /// An asset that several tapes name keeps the ledger digits of the first.
    ///
    /// # Errors
    /// [`SourceError::Instrument`] for a symbol that two tapes have.
    ///
    /// ```
    /// use tradewright::backtest::{CsvBars, Tape};
    /// use tradewright::types::Instrument;
    ///
    /// let text = "time,open,high,low,close,volume\n2026-01-05,10,11,9,10,1\n";
    /// let load = |symbol| {
    ///     CsvBars::from_reader(text.as_bytes(), "text").load(Instrument::stock(symbol, "USD"))
    /// };
    /// let pair = Tape::merge([load("ONE")?, load("TWO")?])?;
    /// assert_eq!((pair.instruments().len(), pair.len()), (2, 2));
    /// # Ok::<(), tradewright::backtest::SourceError>(())
    /// ```
    pub fn merge(tapes: impl IntoIterator<Item = Self>) -> Result<Self, SourceError> {
        let mut whole = Self::default();
        for tape in tapes {
            let ids = adopt(&mut whole.instruments, &tape.instruments)?;
            let moved = |id: InstrumentId| ids.get(id.index()).copied().unwrap_or(id);
            whole.issues.extend(tape.issues.into_iter().map(|mut issue| {
                issue.instrument = moved(issue.instrument);
                issue
            }));
            whole.events.extend(tape.events.into_iter().map(|mut timed| {
                timed.event.set_instrument(moved(timed.event.instrument()));
                timed
            }));
        }
        // Stable, and made for runs that are sorted already.
        whole.events.sort_by_key(|timed| timed.at);
        Ok(whole)
    }

    /// Adds the events of a source, each behind those of the same time: a second timeframe, or
    /// funding beside bars.
    ///
    /// # Errors
    /// The source's own [`SourceError`], or an event that is not sound, of an unknown
    /// instrument or out of order; the tape is unchanged.
    pub fn weave(&mut self, source: impl DataSource) -> Result<(), SourceError> {
        let mut woven = Self::new(core::mem::take(&mut self.instruments));
        let read = source.into_iter().try_for_each(|timed| {
            let Timed { at, event } = timed?;
            woven.push(at, event).map_err(SourceError::from)
        });
        self.instruments = woven.instruments;
        read?;
        self.insert(woven.events);
        Ok(())
    }

    /// Puts events that are sound and in order of time in their places, behind those that are
    /// there already at the same time.
    pub(super) fn insert(&mut self, events: Vec<Timed>) {
        let in_order = match (self.events.last(), events.first()) {
            (Some(last), Some(first)) => last.at <= first.at,
            (_, _) => true,
        };
        self.events.extend(events);
        if !in_order {
            // Stable, and made for runs that are sorted already.
            self.events.sort_by_key(|timed| timed.at);
        }
    }
}

fn adopt(into: &mut Instruments, from: &Instruments) -> Result<Vec<InstrumentId>, SourceError> {
    from.iter().map(|instrument| Ok(into.adopt(instrument, from)?)).collect()
}
