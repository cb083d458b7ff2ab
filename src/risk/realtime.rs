mod builder;

pub use builder::RealtimeRiskBuilder;

use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::chain::{Word, Words, release, tell};
use super::exposure::mark_value;
use super::saved_guard::SavedGuard;
use super::{
    Assessment, BreakerGuard, BreakerRecord, BreakerStatus, DailyLossGuard, DrawdownGuard,
    DrawdownScaling, Fact, Guard, HaltChange, LimitUse, Opening, PortfolioHeat, PositionHeat,
    RiskChain, RiskConfigError, RiskManager, RiskSummary,
};
use crate::types::{
    Facts, Halt, HaltCause, InstrumentId, Intent, LimitKey, SlotId, State, StateError, Timestamp,
};

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
    drawdown: DrawdownGuard,
    breaker: BreakerGuard,
    daily: Option<DailyLossGuard>,
    wanted: [Option<Halt>; 3],
    scaling: Option<DrawdownScaling>,
    heat: PortfolioHeat,
    chain: RiskChain,
}

impl RealtimeRiskManager {
    /// Starts from the defaults.
    pub fn builder() -> RealtimeRiskBuilder {
        RealtimeRiskBuilder::default()
    }

    /// The drawdown guard.
    pub const fn drawdown_guard(&self) -> &DrawdownGuard {
        &self.drawdown
    }

    /// The daily loss guard, where a limit was set.
    pub const fn daily_loss(&self) -> Option<&DailyLossGuard> {
        self.daily.as_ref()
    }

    /// The breaker's status.
    pub fn breaker(&self, at: Timestamp) -> BreakerStatus {
        self.breaker.status(at)
    }

    /// Trips the breaker by hand; the halt follows with the next fact.
    pub fn trip(&mut self, at: Timestamp) -> BreakerRecord {
        self.breaker.breaker_mut().trip(at)
    }

    /// Resets the breaker by hand; the halt ends with the next fact.
    pub fn reset(&mut self, at: Timestamp) -> BreakerRecord {
        self.breaker.breaker_mut().reset(at)
    }

    /// Allows entries for a stated time in spite of the breaker.
    pub fn override_for(&mut self, at: Timestamp, span: Duration) -> BreakerRecord {
        self.breaker.breaker_mut().override_for(at, span)
    }

    /// The sum of open risk to the stops over equity; NaN while it is not defined.
    pub fn heat(&self, facts: &Facts<'_>) -> f64 {
        self.heat.heat(facts)
    }

    /// The names of its rules and guards.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let own = [self.drawdown.name(), self.breaker.name()].into_iter();
        let daily = self.daily.iter().map(Guard::name);
        let scaling = self.scaling.iter().map(|_| SCALING);
        own.chain(daily).chain(scaling).chain(self.chain.names())
    }

    /// How much of every limit is used while nothing is being opened, the most used first.
    /// Limits that cannot say it are left out.
    pub fn utilisation(&self, facts: &Facts<'_>) -> Vec<LimitUse> {
        let mut limits: Vec<LimitUse> = self.words(facts).filter_map(|word| word.usage()).collect();
        if let Some(scaling) = &self.scaling {
            limits.push(LimitUse::new(SCALING, &scaling.usage_at(self.drawdown(facts), facts)));
        }
        self.chain.usage(facts, &mut limits);
        limits.sort_by(|one, other| {
            let by_use = other.utilisation.total_cmp(&one.utilisation);
            by_use.then_with(|| one.name.cmp(&other.name))
        });
        limits
    }

    /// The account's risk in one serialisable value.
    pub fn summary(&self, facts: &Facts<'_>) -> RiskSummary {
        let limits = self.utilisation(facts);
        RiskSummary {
            at: facts.at,
            equity: facts.equity(),
            gross: facts.book.gross(),
            drawdown: self.drawdown.drawdown(facts),
            halt: facts.book.halt(),
            heat: self.heat(facts),
            breaker: self.breaker.status(facts.at),
            day: self.daily.as_ref().map(|daily| daily.status(facts)),
            risk_score: limits.first().map_or(0.0, |limit| limit.utilisation),
            limits,
            positions: self.positions(facts),
        }
    }

    fn positions(&self, facts: &Facts<'_>) -> Vec<PositionHeat> {
        let mut positions = Vec::new();
        let slots = (0..facts.book.slots()).filter_map(|slot| u16::try_from(slot).ok());
        for slot in slots.map(SlotId) {
            for instrument in facts.instruments.iter() {
                let position = facts.book.position(slot, instrument.id);
                if position.is_flat() {
                    continue;
                }
                positions.push(PositionHeat {
                    slot,
                    instrument: instrument.id,
                    quantity: position.size,
                    value: position.size.abs() * mark_value(instrument, facts),
                    stop: facts.book.stop(slot, instrument.id).level,
                    risk: self.risk_of(slot, instrument.id, facts),
                });
            }
        }
        positions
    }

    fn risk_of(&self, slot: SlotId, instrument: InstrumentId, facts: &Facts<'_>) -> f64 {
        self.heat.risk_of(slot, instrument, facts)
    }

    fn words(&self, facts: &Facts<'_>) -> impl Iterator<Item = Word> {
        // Operators act between facts, so that the guards' own verdicts decide.
        let own = [Word::of(&self.drawdown, None, facts), Word::of(&self.breaker, None, facts)];
        let daily = self.daily.as_ref().map(|daily| Word::of(daily, None, facts));
        own.into_iter().chain(daily)
    }

    /// Asks every guard.
    #[inline(never)]
    fn consider(&mut self, fact: &Fact<'_>, facts: &Facts<'_>, changes: &mut Vec<HaltChange>) {
        let now = [
            self.drawdown.watch(fact, facts),
            self.breaker.watch(fact, facts),
            self.daily.as_mut().and_then(|daily| daily.watch(fact, facts)),
        ];
        if now != self.wanted {
            for (before, now) in self.wanted.into_iter().zip(now) {
                tell(before, now, |_| false, changes);
            }
            self.wanted = now;
        }
        if self.chain.has_guards() {
            self.chain.observe(fact, facts, changes);
        }
    }
}

/// The name under which sizes that shrink with the drawdown object.
const SCALING: &str = "drawdown_scaling";

impl Default for RealtimeRiskManager {
    fn default() -> Self {
        let heat = PortfolioHeat::unlimited();
        let position = Box::new(super::PositionSize::default());
        Self {
            drawdown: DrawdownGuard::default(),
            breaker: BreakerGuard::default(),
            daily: None,
            wanted: [None; 3],
            scaling: None,
            heat,
            chain: RiskChain::new().with_rule(position),
        }
    }
}

impl RiskManager for RealtimeRiskManager {
    #[inline]
    fn observe(&mut self, fact: &Fact<'_>, facts: &Facts<'_>, changes: &mut Vec<HaltChange>) {
        // A mark that changes nothing is by far the commonest case.
        if matches!(fact, Fact::Mark)
            && self.wanted.iter().all(Option::is_none)
            && self.drawdown.is_quiet(facts)
            && self.breaker.is_quiet()
            && !self.chain.has_guards()
            && self.daily.as_mut().is_none_or(|daily| daily.pass_quietly(facts))
        {
            return;
        }
        self.consider(fact, facts, changes);
    }

    fn review(&self, group: &[Intent], facts: &Facts<'_>, out: &mut Assessment) {
        let mut guards = [None; 3];
        for (place, word) in guards.iter_mut().zip(self.words(facts)) {
            *place = Some(word);
        }
        let drawdown = self.drawdown.drawdown(facts);
        let judge = |scaling: &DrawdownScaling, opening: &Opening<'_>| {
            scaling.limit_at(drawdown, opening, facts)
        };
        let scaled = self.scaling.as_ref();
        let rule = scaled.map(|scaling| move |opening: &Opening<'_>| judge(scaling, opening));
        let rule = rule.as_ref().map(|rule| (SCALING, rule as &dyn Fn(&Opening<'_>) -> _));
        self.chain.judge(&Words { guards: &guards, rule }, group, facts, out);
    }

    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>) {
        let [drawdown, breaker, daily] = &mut self.wanted;
        release(&mut self.drawdown, drawdown, cause, facts);
        release(&mut self.breaker, breaker, cause, facts);
        if let Some(guard) = &mut self.daily {
            release(guard, daily, cause, facts);
        }
        self.chain.release(cause, facts);
    }

    fn drawdown(&self, facts: &Facts<'_>) -> f64 {
        self.drawdown.drawdown(facts)
    }

    fn watches_market(&self) -> bool {
        self.chain.watches_market()
    }

    fn is_timed(&self) -> bool {
        self.chain.is_timed()
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.chain.deadline()
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        self.chain.set_limit(key, value)
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    guards: Vec<SavedGuard>,
    chain: Vec<u8>,
}

/// Limits are configuration; the guards' states are saved and restored with validation.
impl State for RealtimeRiskManager {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let [drawdown, breaker, wanted] = self.wanted;
        let mut guards = vec![
            SavedGuard::of(&self.drawdown, drawdown)?,
            SavedGuard::of(&self.breaker, breaker)?,
        ];
        if let Some(daily) = &self.daily {
            guards.push(SavedGuard::of(daily, wanted)?);
        }
        Saved { guards, chain: self.chain.save()? }.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved = Saved { guards: Vec::new(), chain: Vec::new() };
        saved.restore(state)?;
        let own = 2 + usize::from(self.daily.is_some());
        if saved.guards.len() != own {
            let text = |count: usize| format!("a manager of {count} guards");
            let (expected, found) = (text(own), text(saved.guards.len()));
            return Err(StateError::Mismatch { expected, found });
        }
        let mut guards = saved.guards.into_iter();
        let mut load = |into: &mut dyn Guard| {
            let missing = || StateError::Unreadable("no guard".to_owned());
            guards.next().ok_or_else(missing)?.load(into)
        };
        let (mut drawdown, mut breaker) = (self.drawdown.clone(), self.breaker.clone());
        let mut daily = self.daily.clone();
        let mut wanted = [load(&mut drawdown)?, load(&mut breaker)?, None];
        if let Some(daily) = &mut daily {
            wanted[2] = load(daily)?;
        }
        // The last step that can fail; it leaves the chain as it was when it does.
        self.chain.restore(&saved.chain)?;
        self.drawdown = drawdown;
        self.breaker = breaker;
        self.daily = daily;
        self.wanted = wanted;
        Ok(())
    }
}
