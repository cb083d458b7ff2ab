use core::time::Duration;

use crate::types::Timestamp;

/// How many measurements are remembered: the fastest of them speaks.
const REMEMBERED: usize = 8;

/// How far a venue's clock is from ours, as learnt from requests for its time.
///
/// The venue's answer is taken to be from the middle of the round trip; of the last eight round
/// trips the shortest one counts, since the error is at most half of it (the minimum filter of
/// D. Mills, NTP clock filter algorithm, 1985).
///
/// ```
/// use std::time::Duration;
/// use tradewright::types::Timestamp;
/// use tradewright::venue::ClockOffset;
///
/// let second = |seconds| Timestamp::from_secs(seconds).unwrap();
/// let mut offset = ClockOffset::default();
/// assert_eq!(offset.nanos(), None);
/// // Asked at 100 s, answered "105 s", received at 102 s.
/// offset.measured(second(102), second(100), second(105));
/// assert_eq!(offset.nanos(), Some(4_000_000_000));
/// assert_eq!(offset.error(), Some(Duration::from_secs(1)));
/// assert_eq!(offset.venue_time(second(200)), second(204));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockOffset {
    /// Round trips with their offsets, both in nanoseconds.
    measured: [Option<(u64, i64)>; REMEMBERED],
    next: usize,
}

impl ClockOffset {
    /// Takes in one round trip: asked at `sent`, answered with the venue's time, received `at`,
    /// both by our clock. A round trip that ends before it began is passed over.
    pub fn measured(&mut self, at: Timestamp, sent: Timestamp, venue: Timestamp) {
        let round_trip = i128::from(at.nanos()) - i128::from(sent.nanos());
        let middle = i128::midpoint(sent.nanos().into(), at.nanos().into());
        let offset = i64::try_from(i128::from(venue.nanos()) - middle);
        if let (Ok(round_trip), Ok(offset)) = (u64::try_from(round_trip), offset)
            && let Some(place) = self.measured.get_mut(self.next)
        {
            *place = Some((round_trip, offset));
            self.next = (self.next + 1) % REMEMBERED;
        }
    }

    /// Forgets everything, as after the venue has refused a time or our clock was set.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// What has to be added to our time, in nanoseconds; none before the first measurement.
    pub fn nanos(&self) -> Option<i64> {
        self.best().map(|(_, offset)| offset)
    }

    /// How wrong the offset can be at most: half of the shortest round trip.
    pub fn error(&self) -> Option<Duration> {
        self.best().map(|(round_trip, _)| Duration::from_nanos(round_trip / 2))
    }

    /// Our time by the venue's clock; unchanged before the first measurement.
    #[must_use]
    pub fn venue_time(&self, at: Timestamp) -> Timestamp {
        Timestamp::from_nanos(at.nanos().saturating_add(self.nanos().unwrap_or(0)))
    }

    fn best(&self) -> Option<(u64, i64)> {
        self.measured.iter().copied().flatten().min_by_key(|(round_trip, _)| *round_trip)
    }
}
