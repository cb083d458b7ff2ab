use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::equity::{known_equity, rounded};
use crate::risk::{Fact, Guard, Limit, RiskConfigError};
use crate::types::{
    DayBoundary, Facts, Halt, HaltCause, HaltScope, LimitKey, Reason, ReasonCode, State,
    StateError, Timestamp, TradingDay, exact, to_f64,
};

/// Stops openings for the rest of a trading day whose loss exceeds a limit.
///
/// - The loss is the equity at which the day began less the equity now, unrealised results
///   included. A day begins with the last equity of the day before, so that a gap overnight
///   belongs to the new day.
/// - It wants [`HaltCause::DailyLoss`] from the first mark at which the loss exceeds the limit
///   (strictly) until the next trading day, whatever equity does in between. No resume ends it.
/// - Capital that comes or goes moves the day's beginning along, so that it is no result; a
///   limit that is a fraction is taken of the beginning as moved.
/// - While equity is unknown, or the day's beginning is not above zero, openings are refused
///   and nothing latches.
///
/// ```
/// use tradewright::risk::{DailyLimit, DailyLossGuard, Fact, Guard};
/// use tradewright::types::{
///     DayBoundary, Decimal, FactBookBuilder, Facts, Instruments, SlotId, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let usd = table.asset("USD")?;
/// let limit = DailyLimit::Fraction(Decimal::new(3, 2));
/// let mut guard = DailyLossGuard::new(limit, DayBoundary::UTC)?;
/// let mut watch = |second: i64, equity: i64| {
///     let book = FactBookBuilder::new(&table, usd).cash(usd, Decimal::from(equity)).build();
///     let at = Timestamp::from_secs(second).unwrap();
///     guard.watch(&Fact::Mark, &Facts::new(at, SlotId::HOUSE, &table, &book)).is_some()
/// };
/// assert!(!watch(0, 100_000));
/// assert!(!watch(60, 97_000));
/// assert!(watch(120, 96_999));
/// assert!(watch(180, 100_000), "what was lost was lost");
/// assert!(!watch(86_400, 100_000), "the next day");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DailyLossGuard {
    limit: DailyLimit,
    /// The limit that it was built with.
    built: DailyLimit,
    boundary: DayBoundary,
    today: Option<Today>,
    /// Equity as it was last known.
    last: f64,
    /// Above this nothing can happen before `until`; infinite while nothing is known.
    clear_above: f64,
    /// The end of the trading day.
    until: Timestamp,
}

/// How much a day may lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DailyLimit {
    /// A fraction of the equity at the beginning of the day, above 0 and at most 1.
    Fraction(#[serde(with = "exact")] Decimal),
    /// An amount of the reporting currency, above 0.
    Amount(#[serde(with = "exact")] Decimal),
}

/// The state of the day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DailyLoss {
    /// Which day; `None` before the first fact.
    pub day: Option<TradingDay>,
    /// Equity at its beginning, moved by capital since; NaN before the first fact.
    pub beginning: f64,
    /// The loss so far, negative for a gain; NaN while equity is unknown.
    pub loss: f64,
    /// The loss that must not be exceeded.
    pub limit: f64,
    /// True from a breach to the end of the day.
    pub is_halted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Today {
    day: TradingDay,
    #[serde(with = "exact")]
    beginning: Decimal,
    is_breached: bool,
}

/// How far `f64` sums are trusted, as a fraction of the values that were added.
const TRUST: f64 = 1e-9;

impl DailyLimit {
    fn checked(self) -> Result<Self, RiskConfigError> {
        let (value, most) = match self {
            Self::Fraction(fraction) => (fraction, Decimal::ONE),
            Self::Amount(amount) => (amount, Decimal::MAX),
        };
        if value > Decimal::ZERO && value <= most {
            return Ok(self);
        }
        let value = to_f64(value);
        Err(RiskConfigError::LimitOutOfRange { what: "daily loss", value })
    }

    const fn number(self) -> Decimal {
        let (Self::Fraction(value) | Self::Amount(value)) = self;
        value
    }
}

impl DailyLossGuard {
    /// The name of the limit for changes at run time; its kind stays.
    pub const LIMIT: &'static str = "daily_loss";

    /// Watches the account's days, which end at the boundary.
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a limit out of its range.
    pub fn new(limit: DailyLimit, boundary: DayBoundary) -> Result<Self, RiskConfigError> {
        let limit = limit.checked()?;
        Ok(Self {
            limit,
            built: limit,
            boundary,
            today: None,
            last: f64::NAN,
            clear_above: f64::INFINITY,
            until: Timestamp::from_nanos(i64::MIN),
        })
    }

    /// The limit.
    pub const fn limit(&self) -> DailyLimit {
        self.limit
    }

    /// When days end.
    pub const fn boundary(&self) -> DayBoundary {
        self.boundary
    }

    /// True from a breach to the end of the day.
    pub fn is_halted(&self) -> bool {
        self.today.is_some_and(|today| today.is_breached)
    }

    /// The state of the day at the facts' equity.
    pub fn status(&self, facts: &Facts<'_>) -> DailyLoss {
        let beginning = self.today.map_or(f64::NAN, |today| to_f64(today.beginning));
        let allowed = self.today.and_then(|today| self.allowed(&today));
        DailyLoss {
            day: self.today.map(|today| today.day),
            beginning,
            loss: beginning - facts.equity(),
            limit: allowed.map_or(f64::NAN, to_f64),
            is_halted: self.is_halted(),
        }
    }

    /// Above this equity a mark before the [deadline](Guard::deadline) changes nothing; infinite
    /// where every mark counts. A mark that was not told leaves its equity in the facts, where
    /// [`Fact::Time`] finds it at the deadline.
    pub(in crate::risk) const fn clear_above(&self) -> f64 {
        self.clear_above
    }

    /// True when a mark at these facts changes nothing but the last equity.
    #[inline]
    pub(in crate::risk) fn pass_quietly(&mut self, facts: &Facts<'_>) -> bool {
        let (equity, gross) = (facts.equity(), facts.book.gross());
        let margin = TRUST * (gross + gross + equity.abs());
        let is_quiet = facts.at < self.until && equity > self.clear_above + margin;
        if is_quiet {
            self.last = equity;
        }
        is_quiet
    }

    /// The loss that this day may have; `None` while that is not defined.
    fn allowed(&self, today: &Today) -> Option<Decimal> {
        match self.limit {
            _ if today.beginning <= Decimal::ZERO => None,
            DailyLimit::Fraction(fraction) => today.beginning.checked_mul(fraction),
            DailyLimit::Amount(amount) => Some(amount),
        }
    }

    /// A new day begins where the last equity of the old one was.
    fn turn(&mut self, facts: &Facts<'_>) {
        if facts.at < self.until {
            return;
        }
        let day = self.boundary.day(facts.at);
        self.until = self.boundary.next(facts.at);
        // After a time that went backwards the day is still the later one.
        if self.today.is_some_and(|today| today.day >= day) {
            return;
        }
        let beginning = rounded(self.last).or_else(|| known_equity(facts));
        self.today = beginning.map(|beginning| Today { day, beginning, is_breached: false });
        if self.today.is_none() {
            // Without an equity there is no day yet: look again with the next fact.
            self.until = Timestamp::from_nanos(i64::MIN);
        }
    }

    fn on_capital(&mut self, capital: Decimal) {
        if let Some(today) = &mut self.today {
            today.beginning = today.beginning.saturating_add(capital);
        }
        self.last += to_f64(capital);
    }

    fn look(&mut self, facts: &Facts<'_>) {
        self.clear_above = f64::INFINITY;
        let Some(equity) = known_equity(facts) else { return };
        self.last = facts.equity();
        let Some(mut today) = self.today else { return };
        let Some(floor) =
            self.allowed(&today).and_then(|allowed| today.beginning.checked_sub(allowed))
        else {
            return;
        };
        today.is_breached |= equity < floor;
        self.today = Some(today);
        self.clear_above = if today.is_breached { f64::INFINITY } else { to_f64(floor) };
    }
}

/// False for facts that leave equity as it was before them.
const fn moves_equity(fact: &Fact<'_>) -> bool {
    match fact {
        Fact::Mark | Fact::Market(_) | Fact::Fill(_) | Fact::Trade(_) | Fact::Capital(_) => true,
        Fact::Time | Fact::Heartbeat | Fact::Distrusted(_) | Fact::TightenStops(_) => false,
    }
}

impl Guard for DailyLossGuard {
    fn name(&self) -> &'static str {
        "daily_loss"
    }

    fn watch(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) -> Option<Halt> {
        if !matches!(fact, Fact::Capital(_)) && self.pass_quietly(facts) {
            return None;
        }
        let was_known = self.today.is_some();
        if was_known && !moves_equity(fact) && known_equity(facts).is_some() {
            // Marks that were not told may have moved it.
            self.last = facts.equity();
        }
        self.turn(facts);
        if let Fact::Capital(capital) = fact
            && was_known
        {
            self.on_capital(*capital);
        }
        self.look(facts);
        let halt = Halt::new(HaltCause::DailyLoss, HaltScope::Account);
        self.is_halted().then_some(halt)
    }

    fn verdict(&self, facts: &Facts<'_>) -> Limit {
        let status = self.status(facts);
        let reason = Reason::new(ReasonCode::DailyLoss, status.limit, status.loss);
        let is_defined = status.loss.is_finite() && status.limit.is_finite();
        if !is_defined || status.is_halted {
            return Limit::Deny(reason);
        }
        // A gain uses nothing of the limit.
        Limit::Allow(Some(Reason { observed: status.loss.max(0.0), ..reason }))
    }

    fn release(&mut self, _cause: HaltCause, _facts: &Facts<'_>) {}

    fn is_timed(&self) -> bool {
        true
    }

    /// The end of the trading day, which ends a halt.
    fn deadline(&self) -> Option<Timestamp> {
        self.today.map(|_| self.until).filter(|until| until.nanos() > i64::MIN)
    }

    /// A day that has lost too much stays halted; the new limit is judged by with the next mark.
    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all(Self::LIMIT) {
            return Ok(None);
        }
        let new = match self.limit {
            DailyLimit::Fraction(_) => DailyLimit::Fraction(value),
            DailyLimit::Amount(_) => DailyLimit::Amount(value),
        };
        let before = core::mem::replace(&mut self.limit, new.checked()?);
        self.clear_above = f64::INFINITY;
        Ok(Some(before.number()))
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    built: DailyLimit,
    limit: DailyLimit,
    boundary: DayBoundary,
    today: Option<Today>,
    last: f64,
    until: Timestamp,
}

/// A limit that was changed since is part of the state, the one that it was built with tells whose
/// state it is.
impl State for DailyLossGuard {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let Self { limit, built, boundary, today, last, until, .. } = *self;
        Saved { built, limit, boundary, today, last, until }.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let Self { limit, built, boundary, .. } = *self;
        let until = Timestamp::from_nanos(i64::MIN);
        let mut saved = Saved { built, limit, boundary, today: None, last: f64::NAN, until };
        saved.restore(state)?;
        if (built, boundary) != (saved.built, saved.boundary) {
            let text = |built, boundary| format!("daily loss {built:?} with {boundary:?}");
            return Err(StateError::Mismatch {
                expected: text(built, boundary),
                found: text(saved.built, saved.boundary),
            });
        }
        let refused = |error: RiskConfigError| StateError::Unreadable(error.to_string());
        let limit = saved.limit.checked().map_err(refused)?;
        if saved.last.is_infinite() {
            let text = format!("equity {} of a daily loss guard", saved.last);
            return Err(StateError::Unreadable(text));
        }
        self.limit = limit;
        self.today = saved.today;
        self.last = saved.last;
        // The next fact looks at the equity anew, and at the day where its end is not that day's.
        self.clear_above = f64::INFINITY;
        let before = saved.until.before(core::time::Duration::from_nanos(1));
        let is_end = saved.today.is_some_and(|today| today.day == boundary.day(before))
            && boundary.next(before) == saved.until;
        self.until = if is_end { saved.until } else { until };
        Ok(())
    }
}
