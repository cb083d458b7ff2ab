use serde::{Deserialize, Serialize};

use crate::types::{
    Bar, DataError, InstrumentBuilder, InstrumentError, InstrumentId, Instruments, MarketEvent,
    Period, Timestamp,
};

use super::{DataIssue, DataSource, Digest, RunHash, SourceError};

/// A market event and its time; a bar's time is its close.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// When it became known.
    pub at: Timestamp,
    /// What happened.
    pub event: MarketEvent,
}

/// A data set in memory: instruments and their events in order of time.
///
/// Many runs share one tape; it is checked and hashed once.
///
/// ```
/// use tradewright::backtest::Tape;
/// use tradewright::types::{Bar, Instrument, Instruments, MarketEvent, Period, Timestamp};
///
/// let mut instruments = Instruments::new();
/// let spy = instruments.add(Instrument::stock("SPY", "USD"))?;
/// let mut tape = Tape::new(instruments);
/// let bar = Bar::new(spy, Period::DAY, [100.0, 101.0, 99.0, 100.5], 1e6)?;
/// tape.push(Timestamp::from_secs(86_400)?, MarketEvent::Bar(bar))?;
/// assert_eq!(tape.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tape {
    pub(super) instruments: Instruments,
    pub(super) events: Vec<Timed>,
    pub(super) issues: Vec<DataIssue>,
}

impl Tape {
    /// An empty tape over a table of instruments.
    pub const fn new(instruments: Instruments) -> Self {
        Self { instruments, events: Vec::new(), issues: Vec::new() }
    }

    /// Reads a source to its end.
    ///
    /// # Errors
    /// The source's own [`SourceError`], or an event that is not sound or out of order.
    pub fn collect(instruments: Instruments, source: impl DataSource) -> Result<Self, SourceError> {
        let mut tape = Self::new(instruments);
        for timed in source {
            let Timed { at, event } = timed?;
            tape.push(at, event)?;
        }
        Ok(tape)
    }

    /// Adds an instrument to the table.
    ///
    /// # Errors
    /// [`InstrumentError`]: a bad number, a symbol used twice.
    pub fn add(&mut self, builder: InstrumentBuilder) -> Result<InstrumentId, InstrumentError> {
        self.instruments.add(builder)
    }

    /// Appends an event.
    ///
    /// # Errors
    /// [`DataError`]: not sound, of an unknown instrument, or older than the last one; the
    /// tape is unchanged.
    pub fn push(&mut self, at: Timestamp, event: MarketEvent) -> Result<(), DataError> {
        event.check()?;
        let instrument = event.instrument();
        if self.instruments.get(instrument).is_none() {
            return Err(DataError::UnknownInstrument { instrument });
        }
        if let Some(last) = self.events.last()
            && at < last.at
        {
            return Err(DataError::TimeGoesBack { previous: last.at, at });
        }
        self.events.push(Timed { at, event });
        Ok(())
    }

    /// Notes something about the data that a person should know.
    pub fn note(&mut self, issue: DataIssue) {
        self.issues.push(issue);
    }

    /// The instruments.
    pub const fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// The events in order of time.
    pub fn events(&self) -> &[Timed] {
        &self.events
    }

    /// What is unusual about the data.
    pub fn issues(&self) -> &[DataIssue] {
        &self.issues
    }

    /// The bars of one series with their times (the close).
    pub fn bars(
        &self,
        instrument: InstrumentId,
        period: Period,
    ) -> impl Iterator<Item = (Timestamp, &Bar)> {
        self.events.iter().filter_map(move |timed| match &timed.event {
            MarketEvent::Bar(bar) if bar.instrument == instrument && bar.period == period => {
                Some((timed.at, bar))
            }
            _ => None,
        })
    }

    /// The events in blocks of about this size that never cut an instant in two.
    pub fn blocks(&self, size: usize) -> impl Iterator<Item = &[Timed]> {
        let mut rest = self.events.as_slice();
        core::iter::from_fn(move || {
            let mut cut = size.max(1).min(rest.len());
            while let (Some(last), Some(next)) = (rest.get(cut.checked_sub(1)?), rest.get(cut))
                && last.at == next.at
            {
                cut += 1;
            }
            let (block, later) = rest.split_at_checked(cut)?;
            rest = later;
            (!block.is_empty()).then_some(block)
        })
    }

    /// The same instruments with the first events only.
    #[must_use]
    pub fn truncated(&self, length: usize) -> Self {
        let events = self.events.get(..length).unwrap_or(&self.events).to_vec();
        Self { instruments: self.instruments.clone(), events, issues: Vec::new() }
    }

    /// The hash of instruments and events. It reads the whole tape: keep it when many runs
    /// share the tape.
    pub fn hash(&self) -> RunHash {
        let mut digest = Digest::new();
        for instrument in self.instruments.iter() {
            digest.text(instrument.symbol.as_str());
            digest.text(&serde_json::to_string(instrument).unwrap_or_default());
        }
        for timed in &self.events {
            digest.event(timed);
        }
        digest.value()
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// True without events.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}
