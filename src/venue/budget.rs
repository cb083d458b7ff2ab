use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::Timestamp;

/// What a venue allows in a fixed span of time, and what was used of it.
///
/// Fixed windows begin at multiples of their span, as Binance counts them. What the venue says in
/// its headers counts when it is more than what was counted here. A part is kept back for
/// cancels. A refusal for too many requests stops everything until the time the venue names.
///
/// ```
/// use core::time::Duration;
/// use tradewright::types::Timestamp;
/// use tradewright::venue::{Cost, Limited, RateBudget, Urgency};
///
/// let minute = Duration::from_secs(60);
/// let at = Timestamp::from_secs(1_700_000_000)?;
/// let mut budget = RateBudget::new(20);
/// budget.limit(Limited::Weight, minute, 100);
///
/// let query = Cost { weight: 50, orders: 0 };
/// assert_eq!(budget.take(at, Urgency::Query, query), Ok(()));
/// // 20 per cent are kept for cancels.
/// let later = budget.take(at, Urgency::Query, query).unwrap_err();
/// assert_eq!(later, Timestamp::from_secs(1_700_000_040)?);
/// assert_eq!(budget.take(at, Urgency::Cancel, query), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateBudget {
    windows: Vec<Window>,
    reserve_percent: u8,
    blocked_until: Option<Timestamp>,
    /// Refusals in a row that named no time.
    strikes: u8,
}

/// What a window counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limited {
    /// Weight of requests.
    Weight,
    /// Orders placed.
    Orders,
}

/// How much a request may wait. Earlier ones go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Urgency {
    /// It takes risk away: cancels. It may use what is kept back.
    Cancel,
    /// The outcome of an order is to be learnt. It may use what is kept back.
    Resolve,
    /// A new order or an amendment.
    Order,
    /// Balances, positions, other questions.
    Query,
    /// Snapshots of books and back-fills, of which many may come at once.
    Bulk,
}

/// What one request costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Its weight.
    pub weight: u32,
    /// How many orders it places.
    pub orders: u32,
}

/// How a venue says that there were too many requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttled {
    /// True for a ban (HTTP 418), false for a warning (HTTP 429).
    pub is_ban: bool,
    /// The header `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The end of the ban, where its text names one ("banned until").
    pub until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    limited: Limited,
    span: Duration,
    most: u32,
    /// Which span since 1970 `used` belongs to.
    number: i64,
    used: u32,
}

/// The shortest ban at Binance; without a time it is doubled at each refusal, up to 2^10 of it.
const SHORTEST_BAN: Duration = Duration::from_secs(120);
const MOST_STRIKES: u8 = 10;

impl RateBudget {
    /// A budget without limits, which keeps back `reserve_percent` (at most 90) of each limit
    /// that is added for cancels and for the resolution of unknown orders.
    pub fn new(reserve_percent: u8) -> Self {
        let reserve_percent = reserve_percent.min(90);
        Self { windows: Vec::new(), reserve_percent, blocked_until: None, strikes: 0 }
    }

    /// Adds a limit, or changes the one with this span. A span below a millisecond counts as
    /// one.
    pub fn limit(&mut self, limited: Limited, span: Duration, most: u32) {
        let span = span.max(Duration::from_millis(1));
        let same = |window: &&mut Window| window.limited == limited && window.span == span;
        match self.windows.iter_mut().find(same) {
            Some(window) => window.most = most,
            None => self.windows.push(Window { limited, span, most, number: 0, used: 0 }),
        }
    }

    /// Takes the cost of a request that is sent now.
    ///
    /// # Errors
    /// The time at which to try again, when it does not fit; nothing was taken. A request that
    /// can never fit is told [`Timestamp::MAX`].
    pub fn take(&mut self, at: Timestamp, urgency: Urgency, cost: Cost) -> Result<(), Timestamp> {
        if let Some(until) = self.blocked_until.filter(|until| *until > at) {
            return Err(until);
        }
        let percent = match urgency {
            Urgency::Cancel | Urgency::Resolve => 100,
            Urgency::Order | Urgency::Query | Urgency::Bulk => {
                100_u8.saturating_sub(self.reserve_percent)
            }
        };
        let waits = self.windows.iter().filter_map(|window| window.wait(at, cost, percent));
        if let Some(later) = waits.max() {
            return Err(later);
        }
        for window in &mut self.windows {
            window.turn(at);
            window.used = window.used.saturating_add(window.share(cost));
        }
        Ok(())
    }

    /// Takes the venue's count of what was used, from a header
    /// (`X-MBX-USED-WEIGHT-1M`, `X-MBX-ORDER-COUNT-10S`). An unknown window is ignored.
    pub fn on_used(&mut self, at: Timestamp, limited: Limited, span: Duration, used: u32) {
        for window in &mut self.windows {
            if window.limited == limited && window.span == span {
                window.turn(at);
                window.used = window.used.max(used);
            }
        }
        self.strikes = 0;
    }

    /// The venue refused for too many requests: nothing is sent until the time it names, the
    /// later of two. Without one a warning lasts to the end of the longest window of weight, and
    /// a ban two minutes, doubled at each repetition.
    pub fn on_throttled(&mut self, at: Timestamp, throttled: Throttled) {
        let named = throttled.retry_after.map(|span| at.after(span)).max(throttled.until);
        let until = named.unwrap_or_else(|| {
            let factor = 1_u32 << self.strikes.min(MOST_STRIKES);
            self.strikes = self.strikes.saturating_add(1);
            if throttled.is_ban {
                return at.after(SHORTEST_BAN.saturating_mul(factor));
            }
            let weights = self.windows.iter().filter(|w| w.limited == Limited::Weight);
            let ends = weights.map(|window| window.end(at)).max();
            ends.unwrap_or_else(|| at.after(Duration::from_secs(60)))
        });
        self.blocked_until = self.blocked_until.max(Some(until));
    }

    /// Until when nothing at all may be sent, where the venue has said so.
    pub fn blocked_until(&self, at: Timestamp) -> Option<Timestamp> {
        self.blocked_until.filter(|until| *until > at)
    }

    /// The used part of the fullest window, 1 for all of it; what the venue counts may be more.
    /// While nothing may be sent it is 1, and without limits 0.
    pub fn used_ratio(&self, at: Timestamp) -> f64 {
        if self.blocked_until(at).is_some() {
            return 1.0;
        }
        self.windows.iter().map(|window| window.used_ratio(at)).fold(0.0, f64::max)
    }

    /// What was used in the current window of this span; `None` for an unknown window.
    pub fn used(&self, at: Timestamp, limited: Limited, span: Duration) -> Option<u32> {
        let same = |window: &&Window| window.limited == limited && window.span == span;
        let mut window = *self.windows.iter().find(same)?;
        window.turn(at);
        Some(window.used)
    }
}

impl Window {
    fn used_ratio(mut self, at: Timestamp) -> f64 {
        self.turn(at);
        if self.most == 0 { 1.0 } else { f64::from(self.used) / f64::from(self.most) }
    }

    /// Above zero, in a restored budget too.
    fn nanos(&self) -> i64 {
        i64::try_from(self.span.as_nanos()).unwrap_or(i64::MAX).max(1)
    }

    /// Begins anew when a later span has begun; a clock that was set back changes nothing.
    fn turn(&mut self, at: Timestamp) {
        let number = at.nanos().div_euclid(self.nanos());
        if number > self.number {
            (self.number, self.used) = (number, 0);
        }
    }

    /// The end of the span that `at` lies in, or of the one that is counted, if later.
    fn end(&self, at: Timestamp) -> Timestamp {
        let number = at.nanos().div_euclid(self.nanos()).max(self.number);
        Timestamp::from_nanos(number.saturating_add(1).saturating_mul(self.nanos()))
    }

    const fn share(&self, cost: Cost) -> u32 {
        match self.limited {
            Limited::Weight => cost.weight,
            Limited::Orders => cost.orders,
        }
    }

    /// When a cost that does not fit now may be tried again.
    fn wait(&self, at: Timestamp, cost: Cost, percent: u8) -> Option<Timestamp> {
        let share = self.share(cost);
        let most = u64::from(self.most) * u64::from(percent) / 100;
        let mut turned = *self;
        turned.turn(at);
        if share == 0 || u64::from(turned.used) + u64::from(share) <= most {
            return None;
        }
        Some(if u64::from(share) > most { Timestamp::MAX } else { turned.end(at) })
    }
}
