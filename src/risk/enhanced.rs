use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::chain::{Word, Words, release, tell};
use super::saved_guard::SavedGuard;
use super::{
    Assessment, BreakerGuard, BreakerLimits, BreakerRecord, BreakerStatus, Ceiling, CircuitBreaker,
    DrawdownGuard, Fact, GrossExposure, GroupExposure, Guard, HaltChange, Leverage,
    MaxDrawdownTracker, NetExposure, PeakReset, PositionSize, RiskChain, RiskConfigError,
    RiskManager, RiskRule, SymbolExposure,
};
use crate::types::{
    Facts, Halt, HaltCause, InstrumentId, Intent, LimitKey, State, StateError, Timestamp,
};

/// Drawdown, circuit breaker, position size and exposure limits in one, open for rules and
/// guards of the host. The same type works alone and inside the engine.
///
/// Defaults: drawdown 0.25, position 0.1 of equity, the breaker's 5 losses, 60 minutes and 20
/// entries an hour. Exposure limits are off until set. It must see one [`Fact::Mark`] before
/// it lets anything be opened, because drawdown is not defined before.
///
/// ```
/// use tradewright::risk::{Assessment, EnhancedRiskManager, Fact, RiskManager};
/// use tradewright::types::{
///     Decimal, FactBookBuilder, Facts, Instrument, Instruments, Intent, Side, SlotId, Timestamp,
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
/// let mut manager = EnhancedRiskManager::default();
/// manager.observe(&Fact::Mark, &facts, &mut Vec::new());
/// let buy = Intent::market(SlotId(1), spy, Side::Buy, 30.into());
/// let mut verdict = Assessment::default();
/// manager.review(&[buy], &facts, &mut verdict);
/// assert!(!verdict.approved);
/// assert_eq!(verdict.findings[0].reason.code.to_string(), "Position too large");
/// assert_eq!(verdict.largest, Some(25.into()));
/// # Ok::<(), tradewright::types::InstrumentError>(())
/// ```
pub struct EnhancedRiskManager {
    drawdown: DrawdownGuard,
    breaker: BreakerGuard,
    wanted: [Option<Halt>; 2],
    chain: RiskChain,
}

impl EnhancedRiskManager {
    /// Starts from the defaults.
    pub fn builder() -> EnhancedRiskBuilder {
        EnhancedRiskBuilder::default()
    }

    /// The drawdown guard.
    pub const fn drawdown(&self) -> &DrawdownGuard {
        &self.drawdown
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

    /// The names of its rules and guards.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        [self.drawdown.name(), self.breaker.name()].into_iter().chain(self.chain.names())
    }
}

impl Default for EnhancedRiskManager {
    fn default() -> Self {
        Self {
            drawdown: DrawdownGuard::default(),
            breaker: BreakerGuard::default(),
            wanted: [None; 2],
            chain: RiskChain::new().with_rule(Box::new(PositionSize::default())),
        }
    }
}

impl RiskManager for EnhancedRiskManager {
    #[inline]
    fn observe(&mut self, fact: &Fact<'_>, facts: &Facts<'_>, changes: &mut Vec<HaltChange>) {
        let [drawdown, breaker] = &self.wanted;
        // A mark that changes nothing is by far the commonest case.
        if matches!(fact, Fact::Mark)
            && self.drawdown.is_quiet(facts)
            && self.breaker.is_quiet()
            && drawdown.is_none()
            && breaker.is_none()
            && !self.chain.has_guards()
        {
            return;
        }
        self.consider(fact, facts, changes);
    }

    fn review(&self, group: &[Intent], facts: &Facts<'_>, out: &mut Assessment) {
        // Operators act between facts, so that the guards' own verdicts decide.
        let drawdown = Word::of(&self.drawdown, None, facts);
        let guards = [Some(drawdown), Some(Word::of(&self.breaker, None, facts))];
        self.chain.judge(&Words { guards: &guards, rule: None }, group, facts, out);
    }

    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>) {
        let [drawdown, breaker] = &mut self.wanted;
        release(&mut self.drawdown, drawdown, cause, facts);
        release(&mut self.breaker, breaker, cause, facts);
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

impl EnhancedRiskManager {
    /// Asks every guard.
    #[inline(never)]
    fn consider(&mut self, fact: &Fact<'_>, facts: &Facts<'_>, changes: &mut Vec<HaltChange>) {
        let now = [self.drawdown.watch(fact, facts), self.breaker.watch(fact, facts)];
        let [drawdown, breaker] = &self.wanted;
        // Nothing wanted, before and now, is by far the commonest case.
        let is_quiet = now.iter().all(Option::is_none) & drawdown.is_none() & breaker.is_none();
        if !is_quiet && now != self.wanted {
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

#[derive(Serialize, Deserialize)]
struct Saved {
    guards: Vec<SavedGuard>,
    chain: Vec<u8>,
}

impl State for EnhancedRiskManager {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let [drawdown, breaker] = self.wanted;
        let guards = vec![
            SavedGuard::of(&self.drawdown, drawdown)?,
            SavedGuard::of(&self.breaker, breaker)?,
        ];
        Saved { guards, chain: self.chain.save()? }.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved = Saved { guards: Vec::new(), chain: Vec::new() };
        saved.restore(state)?;
        let mut own = saved.guards.into_iter();
        let mut next = || own.next().ok_or_else(|| StateError::Unreadable("no guard".to_owned()));
        let (mut drawdown, mut breaker) = (self.drawdown.clone(), self.breaker.clone());
        let wanted = [next()?.load(&mut drawdown)?, next()?.load(&mut breaker)?];
        // The last step that can fail; it leaves the chain as it was when it does.
        self.chain.restore(&saved.chain)?;
        self.drawdown = drawdown;
        self.breaker = breaker;
        self.wanted = wanted;
        Ok(())
    }
}

/// An [`EnhancedRiskManager`] in the making.
#[must_use = "the manager exists once it was built"]
pub struct EnhancedRiskBuilder {
    threshold: Decimal,
    on_resume: PeakReset,
    position: f64,
    limits: BreakerLimits,
    chain: RiskChain,
    fault: Option<RiskConfigError>,
}

impl Default for EnhancedRiskBuilder {
    fn default() -> Self {
        Self {
            threshold: MaxDrawdownTracker::default().threshold(),
            on_resume: PeakReset::default(),
            position: 0.1,
            limits: BreakerLimits::default(),
            chain: RiskChain::new(),
            fault: None,
        }
    }
}

impl EnhancedRiskBuilder {
    /// The drawdown above which trading halts, a fraction (0.25).
    pub const fn max_drawdown(mut self, threshold: Decimal) -> Self {
        self.threshold = threshold;
        self
    }

    /// What an operator's resume does with the peak (it restarts).
    pub const fn on_resume(mut self, reset: PeakReset) -> Self {
        self.on_resume = reset;
        self
    }

    /// The largest value of one position as a fraction of equity (0.1).
    pub const fn max_position_fraction(mut self, fraction: f64) -> Self {
        self.position = fraction;
        self
    }

    /// The breaker's limits.
    pub const fn breaker(mut self, limits: BreakerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// A ceiling for the sum of all positions without signs.
    pub fn gross_exposure(self, ceiling: Ceiling) -> Self {
        self.rule(GrossExposure::new(ceiling))
    }

    /// A ceiling for the signed sum of all positions.
    pub fn net_exposure(self, ceiling: Ceiling) -> Self {
        self.rule(NetExposure::new(ceiling))
    }

    /// A ceiling for each symbol.
    pub fn symbol_exposure(self, ceiling: Ceiling) -> Self {
        self.rule(SymbolExposure::each(ceiling))
    }

    /// A ceiling for some symbols together.
    pub fn group_exposure(
        self,
        name: &'static str,
        members: impl IntoIterator<Item = InstrumentId>,
        ceiling: Ceiling,
    ) -> Self {
        self.rule(GroupExposure::new(name, members, ceiling))
    }

    /// The highest multiple of equity.
    pub fn leverage(self, most: f64) -> Self {
        self.rule(Leverage::new(most))
    }

    /// A rule of the host's own.
    pub fn with_rule(mut self, rule: Box<dyn RiskRule>) -> Self {
        self.chain = self.chain.with_rule(rule);
        self
    }

    /// A guard of the host's own; its halts should differ from drawdown and breaker.
    pub fn with_guard(mut self, guard: Box<dyn Guard>) -> Self {
        self.chain = self.chain.with_guard(guard);
        self
    }

    /// The manager.
    ///
    /// # Errors
    /// [`RiskConfigError`] for the first limit that cannot be.
    pub fn build(self) -> Result<EnhancedRiskManager, RiskConfigError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let tracker = MaxDrawdownTracker::new(self.threshold)?;
        let breaker = CircuitBreaker::new(self.limits)?;
        let position = PositionSize::new(self.position)?;
        Ok(EnhancedRiskManager {
            drawdown: DrawdownGuard::new(tracker, self.on_resume),
            breaker: BreakerGuard::new(breaker),
            wanted: [None; 2],
            chain: self.chain.with_rule(Box::new(position)),
        })
    }

    fn rule<R: RiskRule + 'static>(mut self, rule: Result<R, RiskConfigError>) -> Self {
        match rule {
            Ok(rule) => self.with_rule(Box::new(rule)),
            Err(fault) => {
                self.fault.get_or_insert(fault);
                self
            }
        }
    }
}
