use core::time::Duration;
use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::RiskConfigError;
use crate::types::Timestamp;

/// Stops entries after a streak of losses or too many entries within an hour.
///
/// - A losing trade lengthens the streak, a win ends it, break-even does neither. Reaching
///   [`BreakerLimits::max_consecutive_losses`] trips.
/// - Filled entry orders are counted over the hour `(t − 1 h, t]`: one that is exactly an hour
///   old is out. Reaching [`BreakerLimits::max_trades_per_hour`] trips with
///   [`TripReason::TradeRate`], and while so many are in the window nothing is allowed.
/// - The cooldown runs from the last trip; at its end exactly the breaker resets by itself: the
///   streak starts at zero, the window stays. One that would end beyond the end of time never
///   ends.
/// - Time that goes backwards counts as the latest time seen, so it never ends a trip earlier.
///
/// It remembers as many times as an hour may have entries.
///
/// ```
/// use core::time::Duration;
/// use tradewright::risk::{CircuitBreaker, TripReason};
/// use tradewright::types::{Decimal, Timestamp};
///
/// let at = Timestamp::EPOCH;
/// let mut breaker = CircuitBreaker::default();
/// for _ in 0..5 {
///     assert!(breaker.allowed(at));
///     breaker.on_trade(at, Decimal::from(-20));
/// }
/// let status = breaker.status(at);
/// assert_eq!(status.reason, Some(TripReason::Losses));
/// assert_eq!(status.cooldown_remaining_s, 3_600);
/// assert!(breaker.allowed(at.after(Duration::from_secs(3_600))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct CircuitBreaker {
    limits: BreakerLimits,
    losses: u32,
    entries: VecDeque<Timestamp>,
    trip: Option<Trip>,
    override_until: Option<Timestamp>,
    latest: Timestamp,
    triggers: Triggers,
}

/// The breaker's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerLimits {
    /// So many losing trades in a row trip; at least 1.
    pub max_consecutive_losses: u32,
    /// How long a trip lasts.
    pub cooldown: Duration,
    /// So many filled entry orders within an hour trip; 0 never allows any.
    pub max_trades_per_hour: u32,
}

impl Default for BreakerLimits {
    /// 5 losses, 60 minutes, 20 entries per hour.
    fn default() -> Self {
        Self { max_consecutive_losses: 5, cooldown: HOUR, max_trades_per_hour: 20 }
    }
}

impl BreakerLimits {
    const fn checked(self) -> Result<Self, RiskConfigError> {
        if self.max_consecutive_losses == 0 {
            return Err(RiskConfigError::NoLosses { value: 0 });
        }
        Ok(self)
    }
}

/// Why the breaker has tripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TripReason {
    /// Too many losing trades in a row.
    Losses,
    /// Too many entries within the hour.
    TradeRate,
    /// By hand.
    Manual,
}

impl TripReason {
    /// The stable word: `losses`, `trade_rate`, `manual`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Losses => "losses",
            Self::TradeRate => "trade_rate",
            Self::Manual => "manual",
        }
    }
}

/// The breaker at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerStatus {
    /// True while a trip or a full hour stops entries; an override does not change it.
    pub tripped: bool,
    /// Why; the last reason of several.
    pub reason: Option<TripReason>,
    /// Losing trades since the last win or cooldown.
    pub consecutive_losses: u32,
    /// Filled entry orders within the last hour, counted up to the limit.
    pub trades_last_hour: u32,
    /// Trips since midnight UTC.
    pub triggers_today: u32,
    /// Whole seconds, rounded up, until entries are allowed again if nothing else happens;
    /// `u64::MAX` for never.
    pub cooldown_remaining_s: u64,
    /// When an override ends that holds now.
    pub override_until: Option<Timestamp>,
}

/// What the breaker counts, and why it stops entries while it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BreakerCount {
    pub(super) reason: Option<TripReason>,
    /// Losing trades in a row.
    pub(super) losses: u32,
    /// Filled entry orders within the last hour.
    pub(super) entries: u32,
}

/// The audit record of something done by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerRecord {
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: BreakerAction,
    /// The status before.
    pub before: BreakerStatus,
}

/// What can be done by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BreakerAction {
    /// Entries were stopped.
    Trip,
    /// The trip and the streak were ended.
    Reset,
    /// Entries are allowed until this time in spite of a trip.
    Override(Timestamp),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Trip {
    reason: TripReason,
    until: Timestamp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Triggers {
    day: i64,
    count: u32,
}

/// The window of the trade rate.
const HOUR: Duration = Duration::from_secs(3_600);

impl Default for CircuitBreaker {
    /// A breaker with the default limits.
    fn default() -> Self {
        Self::with_limits(BreakerLimits::default())
    }
}

impl CircuitBreaker {
    /// A breaker with these limits.
    ///
    /// # Errors
    /// [`RiskConfigError::NoLosses`] for a limit of zero losses.
    pub fn new(limits: BreakerLimits) -> Result<Self, RiskConfigError> {
        Ok(Self::with_limits(limits.checked()?))
    }

    /// Changes the limits; the answer is those before. A running trip keeps its end.
    ///
    /// A streak that is longer than its new limit trips as if the last event had reached it. Of
    /// a wider window only the entries are known that fitted the old one.
    ///
    /// # Errors
    /// [`RiskConfigError::NoLosses`]; the old limits stay.
    pub fn set_limits(&mut self, limits: BreakerLimits) -> Result<BreakerLimits, RiskConfigError> {
        let before = core::mem::replace(&mut self.limits, limits.checked()?);
        while self.entries.len() > self.capacity() {
            self.entries.pop_front();
        }
        if self.losses >= limits.max_consecutive_losses && self.trip.is_none() {
            self.begin(self.latest, TripReason::Losses);
        }
        Ok(before)
    }

    fn with_limits(limits: BreakerLimits) -> Self {
        Self {
            limits,
            losses: 0,
            entries: VecDeque::new(),
            trip: None,
            override_until: None,
            latest: Timestamp::from_nanos(i64::MIN),
            triggers: Triggers::default(),
        }
    }

    /// A trade was closed with this result, net of fees and funding.
    pub fn on_trade(&mut self, at: Timestamp, net: Decimal) {
        let now = self.advance(at);
        if net > Decimal::ZERO {
            self.losses = 0;
        } else if net < Decimal::ZERO {
            self.losses = self.losses.saturating_add(1);
            // Beyond its limit a streak is counted on under an override.
            if self.losses == self.limits.max_consecutive_losses {
                self.begin(now, TripReason::Losses);
            }
        }
    }

    /// An entry order was filled; several fills of one order are one entry.
    pub fn on_entry_fill(&mut self, at: Timestamp) {
        let now = self.advance(at);
        let was_full = self.is_full(now);
        self.entries.push_back(now);
        if self.entries.len() > self.capacity() {
            self.entries.pop_front();
        }
        if !was_full && self.is_full(now) {
            self.begin(now, TripReason::TradeRate);
        }
    }

    /// True when an entry may be made now; asking changes nothing.
    #[inline]
    pub fn allowed(&self, at: Timestamp) -> bool {
        let now = at.max(self.latest);
        let is_free = self.running_trip(now).is_none() && !self.is_full(now);
        is_free || self.override_until.is_some_and(|until| now < until)
    }

    /// True when entries are allowed at any time: no trip, and room in the hour.
    #[inline]
    pub(super) fn is_free(&self) -> bool {
        self.trip.is_none() && self.entries.len() < self.capacity()
    }

    /// Everything about it at this moment; asking changes nothing.
    pub fn status(&self, at: Timestamp) -> BreakerStatus {
        let now = at.max(self.latest);
        let count = self.count(at);
        let day_matches = self.triggers.day == now.utc_day();
        BreakerStatus {
            tripped: count.reason.is_some(),
            reason: count.reason,
            consecutive_losses: count.losses,
            trades_last_hour: count.entries,
            triggers_today: if day_matches { self.triggers.count } else { 0 },
            cooldown_remaining_s: self.remaining(now),
            override_until: self.override_until.filter(|until| now < *until),
        }
    }

    /// What its limits are held against at this moment.
    pub(super) fn count(&self, at: Timestamp) -> BreakerCount {
        let now = at.max(self.latest);
        let trip = self.running_trip(now);
        let is_over = trip.is_none() && self.trip.is_some();
        let full = || self.is_full(now).then_some(TripReason::TradeRate);
        // What is over an hour old mostly went with the last fill.
        let over = match self.entries.front() {
            Some(oldest) if !is_within(*oldest, now) => {
                self.entries.partition_point(|entry| !is_within(*entry, now))
            }
            Some(_) | None => 0,
        };
        BreakerCount {
            reason: trip.map(|trip| trip.reason).or_else(full),
            losses: if is_over { 0 } else { self.losses },
            entries: u32::try_from(self.entries.len() - over).unwrap_or(u32::MAX),
        }
    }

    /// Stops entries by hand, for one cooldown.
    pub fn trip(&mut self, at: Timestamp) -> BreakerRecord {
        let before = self.status(at);
        let now = self.advance(at);
        self.begin(now, TripReason::Manual);
        BreakerRecord { at: now, action: BreakerAction::Trip, before }
    }

    /// Ends a trip, the streak and an override by hand. The window stays: while an hour is
    /// full, only an override lets entries through.
    pub fn reset(&mut self, at: Timestamp) -> BreakerRecord {
        let before = self.status(at);
        let now = self.advance(at);
        self.trip = None;
        self.losses = 0;
        self.override_until = None;
        BreakerRecord { at: now, action: BreakerAction::Reset, before }
    }

    /// Allows entries for a stated time in spite of a trip, past or to come.
    pub fn override_for(&mut self, at: Timestamp, span: Duration) -> BreakerRecord {
        let before = self.status(at);
        let now = self.advance(at);
        let until = now.after(span);
        self.override_until = Some(until);
        BreakerRecord { at: now, action: BreakerAction::Override(until), before }
    }

    /// The limits.
    pub const fn limits(&self) -> BreakerLimits {
        self.limits
    }

    /// Number of times that are remembered; never above the hour's limit.
    pub fn remembered(&self) -> usize {
        self.entries.len()
    }

    /// Moves to the time of an event and ends what is over.
    fn advance(&mut self, at: Timestamp) -> Timestamp {
        let now = at.max(self.latest);
        self.latest = now;
        if self.trip.is_some() && self.running_trip(now).is_none() {
            self.trip = None;
            self.losses = 0;
        }
        while self.entries.front().is_some_and(|entry| !is_within(*entry, now)) {
            self.entries.pop_front();
        }
        now
    }

    fn begin(&mut self, now: Timestamp, reason: TripReason) {
        let end = now.after(self.limits.cooldown);
        let until = self.trip.map_or(end, |trip| trip.until.max(end));
        self.trip = Some(Trip { reason, until });
        let day = now.utc_day();
        let count = if self.triggers.day == day { self.triggers.count } else { 0 };
        self.triggers = Triggers { day, count: count.saturating_add(1) };
    }

    #[inline]
    fn running_trip(&self, now: Timestamp) -> Option<Trip> {
        self.trip.filter(|trip| now < trip.until || trip.until == Timestamp::MAX)
    }

    /// At most `capacity` times are kept, in order: the hour is full when there are as many and
    /// the oldest is still in.
    #[inline]
    fn is_full(&self, now: Timestamp) -> bool {
        self.entries.len() >= self.capacity()
            && self.entries.front().is_none_or(|oldest| is_within(*oldest, now))
    }

    const fn capacity(&self) -> usize {
        self.limits.max_trades_per_hour as usize
    }

    fn remaining(&self, now: Timestamp) -> u64 {
        let trip = self.running_trip(now).map_or(now, |trip| trip.until);
        let window = match self.entries.front() {
            _ if !self.is_full(now) => now,
            Some(oldest) => oldest.after(HOUR),
            None => Timestamp::MAX,
        };
        let until = trip.max(window);
        if until == Timestamp::MAX {
            return u64::MAX;
        }
        let span = until.since(now);
        span.as_secs() + u64::from(span.subsec_nanos() > 0)
    }
}

fn is_within(entry: Timestamp, now: Timestamp) -> bool {
    now.since(entry) < HOUR
}

#[derive(Serialize, Deserialize)]
struct Saved {
    limits: BreakerLimits,
    losses: u32,
    entries: VecDeque<Timestamp>,
    trip: Option<Trip>,
    override_until: Option<Timestamp>,
    latest: Timestamp,
    triggers: Triggers,
}

impl TryFrom<Saved> for CircuitBreaker {
    type Error = RiskConfigError;

    fn try_from(saved: Saved) -> Result<Self, RiskConfigError> {
        let refuse = |what, value: u64| {
            Err(RiskConfigError::InvalidState { what, value: Decimal::from(value) })
        };
        let mut breaker = Self::new(saved.limits)?;
        let (entries, losses) = (&saved.entries, saved.losses);
        if entries.len() > breaker.capacity() {
            return refuse("number of entries", entries.len() as u64);
        }
        let ordered = entries.iter().zip(entries.iter().skip(1)).all(|(one, next)| one <= next);
        if !ordered || entries.back().is_some_and(|last| *last > saved.latest) {
            return refuse("order of entries", entries.len() as u64);
        }
        if losses >= saved.limits.max_consecutive_losses && saved.trip.is_none() {
            return refuse("losses without a trip", u64::from(losses));
        }
        breaker.losses = losses;
        breaker.trip = saved.trip;
        breaker.override_until = saved.override_until;
        breaker.latest = saved.latest;
        breaker.triggers = saved.triggers;
        breaker.entries = saved.entries;
        Ok(breaker)
    }
}

impl From<CircuitBreaker> for Saved {
    fn from(breaker: CircuitBreaker) -> Self {
        Self {
            limits: breaker.limits,
            losses: breaker.losses,
            entries: breaker.entries,
            trip: breaker.trip,
            override_until: breaker.override_until,
            latest: breaker.latest,
            triggers: breaker.triggers,
        }
    }
}
