use serde::{Deserialize, Serialize};

use super::{StopPlan, StopWidth};
use crate::types::{Bar, Side, Timestamp};

/// The stop of one position: fed with bars and marks, it says where the stop belongs.
///
/// Laws: the first level is on the losing side of the entry; from then on the level never
/// moves away from the price; the same inputs give the same levels.
///
/// ```
/// use tradewright::risk::{StopAction, StopPlan, StopReading, StopTracker, StopWidth};
/// use tradewright::types::{Side, Timestamp};
///
/// let plan = StopPlan::new(StopWidth::Fraction(0.05))?.trailing(StopWidth::Fraction(0.1))?;
/// let (at, calm) = (Timestamp::EPOCH, StopReading::default());
/// let mut stop = StopTracker::new(plan, Side::Buy, 100.0, at);
/// assert_eq!(stop.on_mark(at, 100.0, calm), Some(StopAction::Move(95.0)));
/// assert_eq!(stop.on_mark(at, 104.0, calm), None, "ten percent below 104 is further away");
/// assert_eq!(stop.on_mark(at, 120.0, calm), Some(StopAction::Move(108.0)));
/// assert!(matches!(stop.on_mark(at, 107.0, calm), Some(StopAction::Exit(_))));
/// # Ok::<(), tradewright::risk::StopPlanError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedTracker")]
pub struct StopTracker {
    plan: StopPlan,
    side: Side,
    entry: f64,
    opened_at: Timestamp,
    /// The initial width without any narrowing; 0 until it is known.
    initial: f64,
    level: Option<f64>,
    /// Best mark or close since the entry.
    best: f64,
    /// Highest high (lowest low) since the entry.
    extreme: f64,
}

/// What the surroundings of a position look like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StopReading {
    /// The usual move in the quote currency; `None` while it is not known.
    pub volatility: Option<f64>,
    /// The account's drawdown, a fraction; NaN while it is not known.
    pub drawdown: f64,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StopAction {
    /// The stop belongs here now.
    Move(f64),
    /// The position is to be closed at the market.
    Exit(StopExit),
}

/// Why a position is to be closed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopExit {
    /// The price has reached the stop, or stands behind where it belongs.
    Crossed,
    /// The position has been open for as long as the plan lets it.
    Time,
}

impl StopTracker {
    /// The stop of a position that was opened on this side at this price.
    pub const fn new(plan: StopPlan, side: Side, entry: f64, at: Timestamp) -> Self {
        Self {
            plan,
            side,
            entry,
            opened_at: at,
            initial: 0.0,
            level: None,
            best: entry,
            extreme: entry,
        }
    }

    /// The plan.
    pub const fn plan(&self) -> &StopPlan {
        &self.plan
    }

    /// The side of the entry.
    pub const fn side(&self) -> Side {
        self.side
    }

    /// Where the stop is; `None` while its first width is not known.
    pub const fn level(&self) -> Option<f64> {
        self.level
    }

    /// When the position has been open for as long as the plan lets it; `None` without a time
    /// stop.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.plan.longest.map(|longest| self.opened_at.after(longest))
    }

    /// The position was enlarged: from now on this is its average entry. The level stays.
    pub const fn set_entry(&mut self, entry: f64) {
        self.entry = entry;
    }

    /// One share became `factor` shares: prices shrink as much.
    pub fn split(&mut self, factor: f64) {
        self.entry /= factor;
        self.initial /= factor;
        self.best /= factor;
        self.extreme /= factor;
        self.level = self.level.map(|level| level / factor);
    }

    /// Moves the stop half the way to a price, for whoever wants less risk than the plan does;
    /// true when it moved. A stop that the price has reached stays.
    pub fn tighten(&mut self, price: f64) -> bool {
        let Some(level) = self.level.filter(|_| !self.is_behind(price)) else { return false };
        self.advance(price + (level - price) / 2.0)
    }

    /// Takes a bar that has closed at `at`. The level that stood during the bar is judged by
    /// its low (high), the new one by its close. Of the bar in which the position was opened
    /// the close alone counts: its extremes may have come before.
    pub fn on_bar(&mut self, at: Timestamp, bar: &Bar, now: StopReading) -> Option<StopAction> {
        let began = bar.period.span().map_or(at, |span| at.before(span));
        if self.opened_at > began {
            return self.on_mark(at, bar.close, now);
        }
        let (worst, best) = match self.side {
            Side::Buy => (bar.low, bar.high),
            Side::Sell => (bar.high, bar.low),
        };
        if self.is_behind(worst) {
            return Some(StopAction::Exit(StopExit::Crossed));
        }
        if self.is_better(best, self.extreme) {
            self.extreme = best;
        }
        self.on_mark(at, bar.close, now)
    }

    /// Takes a price.
    pub fn on_mark(&mut self, at: Timestamp, price: f64, now: StopReading) -> Option<StopAction> {
        if !(price > 0.0 && price.is_finite()) {
            return None;
        }
        if self.is_better(price, self.best) {
            self.best = price;
        }
        if self.is_better(price, self.extreme) {
            self.extreme = price;
        }
        if self.plan.longest.is_some_and(|longest| at.since(self.opened_at) >= longest) {
            return Some(StopAction::Exit(StopExit::Time));
        }
        let moved = self.follow(now);
        if self.is_behind(price) {
            return Some(StopAction::Exit(StopExit::Crossed));
        }
        self.level.filter(|_| moved).map(StopAction::Move)
    }

    /// Moves the level to the nearest that the plan asks for; true when it moved.
    fn follow(&mut self, now: StopReading) -> bool {
        let scale = self.plan.scale(now.drawdown);
        if self.initial == 0.0 {
            let Some(width) = self.plan.width(self.entry, now.volatility) else { return false };
            self.initial = width;
            // The first level of a position is its initial one, whatever the rest asks for.
            return self.advance(self.beyond(self.entry, width * scale));
        }
        let beyond = |from: f64, width: Option<StopWidth>| {
            let width = width.and_then(|width| width.of(from, now.volatility))?;
            Some(self.beyond(from, width * scale))
        };
        let wishes = [
            Some(self.beyond(self.entry, self.initial * scale)),
            beyond(self.best, self.plan.trailing),
            beyond(self.extreme, self.plan.chandelier),
            self.broken_even(now, scale),
        ];
        let mut moved = false;
        for wish in wishes.into_iter().flatten() {
            moved |= self.advance(wish);
        }
        moved
    }

    /// The entry (and a little more) once the best price is far enough from it.
    fn broken_even(&self, now: StopReading, scale: f64) -> Option<f64> {
        let rule = self.plan.break_even?;
        let after = rule.after.of(self.entry, now.volatility)? * scale;
        let reached = match self.side {
            Side::Buy => self.best >= self.entry + after,
            Side::Sell => self.best <= self.entry - after,
        };
        let locked = match self.side {
            Side::Buy => self.entry * (1.0 + rule.lock),
            Side::Sell => self.entry * (1.0 - rule.lock),
        };
        reached.then_some(locked)
    }

    /// The level at a width on the losing side of a price.
    fn beyond(&self, from: f64, width: f64) -> f64 {
        match self.side {
            Side::Buy => from - width,
            Side::Sell => from + width,
        }
    }

    /// Takes a wish when it is nearer than the level; true when it was.
    fn advance(&mut self, wish: f64) -> bool {
        let is_price = wish > 0.0 && wish.is_finite();
        let is_nearer = self.level.is_none_or(|level| self.is_better(wish, level));
        if is_price && is_nearer {
            self.level = Some(wish);
        }
        is_price && is_nearer
    }

    /// True when the first price is better for the position than the second.
    fn is_better(&self, price: f64, than: f64) -> bool {
        match self.side {
            Side::Buy => price > than,
            Side::Sell => price < than,
        }
    }

    /// True when the price has reached the level.
    fn is_behind(&self, price: f64) -> bool {
        self.level.is_some_and(|level| match self.side {
            Side::Buy => price <= level,
            Side::Sell => price >= level,
        })
    }
}

/// The written form, before it is checked.
#[derive(Deserialize)]
struct SavedTracker {
    plan: StopPlan,
    side: Side,
    entry: f64,
    opened_at: Timestamp,
    initial: f64,
    level: Option<f64>,
    best: f64,
    extreme: f64,
}

impl TryFrom<SavedTracker> for StopTracker {
    type Error = String;

    fn try_from(saved: SavedTracker) -> Result<Self, Self::Error> {
        let SavedTracker { plan, side, entry, opened_at, initial, level, best, extreme } = saved;
        // The entry of a position without cost is infinite, and so is its best price until the
        // first mark; but no price is better than every other.
        let can_be_better = |price: f64| match side {
            Side::Buy => price < f64::INFINITY,
            Side::Sell => price > f64::NEG_INFINITY,
        };
        if entry.is_nan() || !can_be_better(best) || !can_be_better(extreme) {
            return Err(format!("a stop's entry {entry} or best price {best}, {extreme} is none"));
        }
        if !(initial >= 0.0 && initial.is_finite()) {
            return Err(format!("a stop cannot be {initial} wide"));
        }
        if let Some(level) = level.filter(|level| !(*level > 0.0 && level.is_finite())) {
            return Err(format!("a stop's level {level} is no price"));
        }
        Ok(Self { plan, side, entry, opened_at, initial, level, best, extreme })
    }
}
