mod builder;

pub use builder::{RealtimeLimits, RealtimeRiskBuilder};

use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::chain::{Words, used_of};
use super::saved_guard::SavedGuard;
use super::watched::{release, tell};
use super::{
    Assessment, BreakerRecord, BreakerStatus, CalmRange, DailyLossGuard, DrawdownGuard,
    DrawdownScaling, EnhancedRiskManager, Fact, Guard, HaltChange, LimitUse, Opening,
    PortfolioHeat, RiskConfigError, RiskManager, RiskSummary, set_in_all,
};
use crate::types::{Facts, Halt, HaltCause, Intent, LimitKey, State, StateError, Timestamp};

/// Everything that watches an account while it trades, in one: drawdown, circuit breaker, daily
/// loss, position limits, exposure, concentration, portfolio heat, sizes that shrink with the
/// drawdown; open for rules and guards of the host. The same type works alone and inside the
/// engine, and it tells how much of every limit is used.
///
/// Defaults as for [`EnhancedRiskManager`](super::EnhancedRiskManager): drawdown 0.25, position
/// 0.1 of equity, 5 losses, 60 minutes, 20 entries an hour. Everything else is off until set.
/// It must see one [`Fact::Mark`] before it lets anything be opened.
///
/// ```
/// use tradewright::risk::{
///     Assessment, Ceiling, DailyLimit, Fact, RealtimeRiskManager, RiskManager,
/// };
/// use tradewright::types::{
///     DayBoundary, Decimal, FactBookBuilder, Facts, Instrument, Instruments, Intent, Side,
///     SlotId, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let spy = table.add(Instrument::stock("SPY", "USD"))?;
/// let usd = table.find_asset("USD").unwrap();
/// let book = FactBookBuilder::new(&table, usd)
///     .cash(usd, Decimal::from(100_000))
///     .mark(spy, Timestamp::EPOCH, 400.0)
///     .build();
/// let facts = Facts::new(Timestamp::EPOCH, SlotId(1), &table, &book);
///
/// let mut manager = RealtimeRiskManager::builder()
///     .daily_loss(DailyLimit::Fraction(Decimal::new(3, 2)), DayBoundary::UTC)
///     .position_count(8)
///     .gross_exposure(Ceiling::OfEquity(1.0))
///     .portfolio_heat(0.06)
///     .build()?;
/// manager.observe(&Fact::Mark, &facts, &mut Vec::new());
///
/// // Without a stop the whole value is at risk: 15 shares are 6 % of the equity.
/// let buy = Intent::market(SlotId(1), spy, Side::Buy, 20.into());
/// let mut verdict = Assessment::default();
/// manager.review(&[buy], &facts, &mut verdict);
/// assert_eq!(verdict.largest, Some(15.into()));
/// assert_eq!(verdict.findings[0].rule, "portfolio_heat");
///
/// let summary = manager.summary(&facts);
/// assert_eq!((summary.risk_score, summary.limits.len()), (0.0, 7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RealtimeRiskManager {
    base: EnhancedRiskManager,
    daily: Option<DailyLossGuard>,
    /// What the daily loss guard wants.
    wanted: Option<Halt>,
    scaling: Option<DrawdownScaling>,
    heat: PortfolioHeat,
}

impl RealtimeRiskManager {
    /// Starts from the defaults.
    pub fn builder() -> RealtimeRiskBuilder {
        RealtimeRiskBuilder::default()
    }

    /// The drawdown guard.
    pub const fn drawdown_guard(&self) -> &DrawdownGuard {
        self.base.drawdown()
    }

    /// The daily loss guard, where a limit was set.
    pub const fn daily_loss(&self) -> Option<&DailyLossGuard> {
        self.daily.as_ref()
    }

    /// As [`EnhancedRiskManager::breaker`].
    pub fn breaker(&self, at: Timestamp) -> BreakerStatus {
        self.base.breaker(at)
    }

    /// As [`EnhancedRiskManager::trip`].
    pub fn trip(&mut self, at: Timestamp) -> BreakerRecord {
        self.base.trip(at)
    }

    /// As [`EnhancedRiskManager::reset`].
    pub fn reset(&mut self, at: Timestamp) -> BreakerRecord {
        self.base.reset(at)
    }

    /// As [`EnhancedRiskManager::override_for`].
    pub fn override_for(&mut self, at: Timestamp, span: Duration) -> BreakerRecord {
        self.base.override_for(at, span)
    }

    /// The sum of open risk to the stops over equity; NaN while it is not defined.
    pub fn heat(&self, facts: &Facts<'_>) -> f64 {
        self.heat.heat(facts)
    }

    /// The names of its rules and guards.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let daily = self.daily.iter().map(Guard::name);
        let scaling = self.scaling.iter().map(|_| DrawdownScaling::LIMIT);
        self.base.own_names().chain(daily).chain(scaling).chain(self.base.chain().names())
    }

    /// How much of every limit is used while nothing is being opened, the most used first.
    /// Limits that cannot say it are left out.
    pub fn utilisation(&self, facts: &Facts<'_>) -> Vec<LimitUse> {
        let mut limits = Vec::new();
        self.usage(facts, &mut limits);
        limits.sort_by(LimitUse::most_used_first);
        limits
    }

    /// The account's risk in one serialisable value.
    pub fn summary(&self, facts: &Facts<'_>) -> RiskSummary {
        RiskManager::summary(self, facts)
    }

    /// Asks its own guards.
    #[inline(never)]
    fn consider(&mut self, fact: &Fact<'_>, facts: &Facts<'_>, changes: &mut Vec<HaltChange>) {
        self.base.consider(fact, facts, changes);
        let now = self.daily.as_mut().and_then(|daily| daily.watch(fact, facts));
        if now != self.wanted {
            tell(self.wanted, now, |_| false, changes);
            self.wanted = now;
        }
    }
}

impl Default for RealtimeRiskManager {
    fn default() -> Self {
        let (base, heat) = (EnhancedRiskManager::default(), PortfolioHeat::unlimited());
        Self { base, daily: None, wanted: None, scaling: None, heat }
    }
}

impl RiskManager for RealtimeRiskManager {
    #[inline]
    fn observe(&mut self, fact: &Fact<'_>, facts: &Facts<'_>, changes: &mut Vec<HaltChange>) {
        // Prices that change nothing are by far the commonest case.
        let passes = fact.is_market()
            || (matches!(fact, Fact::Mark)
                && self.wanted.is_none()
                && self.base.is_quiet(facts)
                && self.daily.as_mut().is_none_or(|daily| daily.pass_quietly(facts)));
        if !passes {
            self.consider(fact, facts, changes);
        }
        self.base.consider_chain(fact, facts, changes);
    }

    fn calm(&self) -> CalmRange {
        match &self.daily {
            _ if self.wanted.is_some() => CalmRange::NONE,
            None => self.base.calm_range(),
            Some(daily) => self.base.calm_range().above(daily.clear_above()),
        }
    }

    fn calm_move(&self) -> f64 {
        self.base.calm_move()
    }

    fn review(&self, group: &[Intent], facts: &Facts<'_>, out: &mut Assessment) {
        let [drawdown, breaker] = self.base.guards().map(Some);
        let daily = self.daily.as_ref().map(|daily| daily as &dyn Guard);
        let guards = [drawdown, breaker, daily];
        let drawdown = self.drawdown(facts);
        let judge = |scaling: &DrawdownScaling, opening: &Opening<'_>| {
            scaling.limit_at(drawdown, opening, facts)
        };
        let scaled = self.scaling.as_ref();
        let rule = scaled.map(|scaling| move |opening: &Opening<'_>| judge(scaling, opening));
        let rule = rule.as_ref().map(|rule| rule as &dyn Fn(&Opening<'_>) -> _);
        let rule = rule.map(|rule| (DrawdownScaling::LIMIT, rule));
        self.base.chain().judge(&Words { guards: &guards, rule }, group, facts, out);
    }

    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>) {
        if let Some(guard) = &mut self.daily {
            release(guard, &mut self.wanted, cause, facts);
        }
        self.base.release(cause, facts);
    }

    fn drawdown(&self, facts: &Facts<'_>) -> f64 {
        RiskManager::drawdown(&self.base, facts)
    }

    fn usage(&self, facts: &Facts<'_>, out: &mut Vec<LimitUse>) {
        if let Some(daily) = &self.daily {
            out.extend(used_of(daily, facts));
        }
        if let Some(scaling) = &self.scaling {
            let used = scaling.usage_at(self.drawdown(facts), facts);
            out.push(LimitUse::new(DrawdownScaling::LIMIT, &used));
        }
        self.base.usage(facts, out);
    }

    fn watches_market(&self) -> bool {
        self.base.watches_market()
    }

    fn is_timed(&self) -> bool {
        self.daily.is_some() || self.base.is_timed()
    }

    fn deadline(&self) -> Option<Timestamp> {
        let day = self.daily.as_ref().and_then(Guard::deadline);
        day.into_iter().chain(self.base.deadline()).min()
    }

    fn deadline_by(&self, facts: &Facts<'_>) -> Option<Timestamp> {
        let day = self.daily.as_ref().and_then(|daily| daily.deadline_by(facts));
        day.into_iter().chain(self.base.deadline_by(facts)).min()
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        set_in_all(3, value, |part, value| match part {
            0 => self.base.set_limit(key, value),
            1 => self.daily.as_mut().map_or(Ok(None), |daily| daily.set_limit(key, value)),
            _ => self.scaling.as_mut().map_or(Ok(None), |it| it.set_limit(key, value)),
        })
    }

    fn tell_names(&self, tell: &mut dyn FnMut(&'static str)) {
        self.daily.iter().map(Guard::name).for_each(&mut *tell);
        self.scaling.iter().map(|_| DrawdownScaling::LIMIT).for_each(&mut *tell);
        self.base.tell_names(tell);
    }

    fn summary(&self, facts: &Facts<'_>) -> RiskSummary {
        RiskSummary {
            drawdown: self.drawdown(facts),
            breaker: Some(self.base.breaker(facts.at)),
            day: self.daily.as_ref().map(|daily| daily.status(facts)),
            ..RiskSummary::measured(&self.heat, facts).with_limits(self.utilisation(facts))
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    base: Vec<u8>,
    daily: Option<SavedGuard>,
}

/// The guards' states, and limits that were changed at run time, are saved and restored with
/// validation.
impl State for RealtimeRiskManager {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let daily = self.daily.as_ref().map(|daily| SavedGuard::of(daily, self.wanted));
        Saved { base: self.base.save()?, daily: daily.transpose()? }.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved = Saved { base: Vec::new(), daily: None };
        saved.restore(state)?;
        let mut daily = self.daily.clone();
        let wanted = match (&mut daily, saved.daily) {
            (Some(daily), Some(saved)) => saved.load(daily)?,
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                let text = |is_there| match is_there {
                    true => "a manager with a daily loss limit".to_owned(),
                    false => "a manager without a daily loss limit".to_owned(),
                };
                let (expected, found) = (text(daily.is_some()), text(daily.is_none()));
                return Err(StateError::Mismatch { expected, found });
            }
        };
        // The last step that can fail; it leaves the base as it was when it does.
        self.base.restore(&saved.base)?;
        self.daily = daily;
        self.wanted = wanted;
        Ok(())
    }
}
