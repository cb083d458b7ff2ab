use core::time::Duration;

use crate::types::{DataError, Funding, InstrumentId, MarketEvent, Timestamp};

use super::Timed;

/// Funding events from a venue's two series: rates, and the mark prices of the same moments.
///
/// Venues stamp both a few milliseconds off the full slot, each series in its own way, so that
/// they are matched by slot and not by stamp.
///
/// ```
/// use std::time::Duration;
/// use tradewright::backtest::FundingSeries;
/// use tradewright::types::{InstrumentId, Timestamp};
///
/// let ms = |value| Timestamp::from_millis(value).unwrap();
/// let eight_hours = Duration::from_secs(8 * 3_600);
/// let rates = [(ms(1_637_193_600_017), 0.0001), (ms(1_637_222_400_007), 0.0001)];
/// let marks = [(ms(1_637_193_600_000), 1.0959), (ms(1_637_222_399_998), 1.1075)];
/// let series = FundingSeries::pair(InstrumentId(0), eight_hours, &rates, &marks)?;
/// assert_eq!(series.events.len(), 2);
/// assert!(series.unmatched.is_empty() && series.repeated.is_empty());
/// # Ok::<(), tradewright::types::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FundingSeries {
    /// One event a slot, at the stamp of its rate.
    pub events: Vec<Timed>,
    /// Stamps of rates whose slot has no mark; nothing is paid for them.
    pub unmatched: Vec<Timestamp>,
    /// Stamps of rates whose slot had one already: paid once.
    pub repeated: Vec<Timestamp>,
}

/// How much too early a stamp may be and still belong to the slot that follows.
const JITTER: Duration = Duration::from_secs(60);

impl FundingSeries {
    /// Matches rates with marks; both in order of time. The slot of a stamp is the last full
    /// multiple of `interval` since 1970 that is at most a minute ahead of it.
    ///
    /// # Errors
    /// [`DataError`] for a rate that is not finite, a mark that is no price, and a series that
    /// goes back in time.
    pub fn pair(
        instrument: InstrumentId,
        interval: Duration,
        rates: &[(Timestamp, f64)],
        marks: &[(Timestamp, f64)],
    ) -> Result<Self, DataError> {
        for series in [rates, marks] {
            in_order(series)?;
        }
        let slot = |at: Timestamp| {
            let interval = i64::try_from(interval.as_nanos()).unwrap_or(i64::MAX).max(1);
            at.after(JITTER).nanos().div_euclid(interval)
        };
        let mut found = Self::default();
        let mut last = None;
        for (at, rate) in rates.iter().copied() {
            if last == Some(slot(at)) {
                found.repeated.push(at);
                continue;
            }
            last = Some(slot(at));
            let first = marks.partition_point(|(stamp, _)| slot(*stamp) < slot(at));
            let mark = marks.get(first).filter(|(stamp, _)| slot(*stamp) == slot(at));
            let Some((_, mark)) = mark.copied() else {
                found.unmatched.push(at);
                continue;
            };
            let event = MarketEvent::Funding(Funding { instrument, rate, mark });
            event.check()?;
            found.events.push(Timed { at, event });
        }
        Ok(found)
    }
}

fn in_order(series: &[(Timestamp, f64)]) -> Result<(), DataError> {
    for pair in series.windows(2) {
        if let [(previous, _), (at, _)] = pair
            && at < previous
        {
            return Err(DataError::TimeGoesBack { previous: *previous, at: *at });
        }
    }
    Ok(())
}
