use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::chain::{Words, used_of};
use super::saved_guard::SavedGuard;
use super::watched::{release, tell};
use super::{
    Assessment, BreakerGuard, BreakerRecord, BreakerStatus, CalmRange, DrawdownGuard,
    EnhancedRiskBuilder, Fact, FactKinds, Guard, HaltChange, LimitUse, PositionSize, RiskChain,
    RiskConfigError, RiskManager, RiskSummary, set_in_all,
};
use crate::types::{Facts, Halt, HaltCause, Intent, LimitKey, State, StateError, Timestamp};

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
    /// A mark changes nothing as long as equity keeps clear of peak and limit; found out anew
    /// whenever its guards are asked.
    is_calm: bool,
}

impl EnhancedRiskManager {
    /// Starts from the defaults.
    pub fn builder() -> EnhancedRiskBuilder {
        EnhancedRiskBuilder::default()
    }

    pub(super) const fn of(
        drawdown: DrawdownGuard,
        breaker: BreakerGuard,
        chain: RiskChain,
    ) -> Self {
        Self { drawdown, breaker, wanted: [None; 2], chain, is_calm: false }
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
        self.is_calm = false;
        self.breaker.breaker_mut().trip(at)
    }

    /// Resets the breaker by hand; the halt ends with the next fact.
    pub fn reset(&mut self, at: Timestamp) -> BreakerRecord {
        self.is_calm = false;
        self.breaker.breaker_mut().reset(at)
    }

    /// Allows entries for a stated time in spite of the breaker.
    pub fn override_for(&mut self, at: Timestamp, span: Duration) -> BreakerRecord {
        self.is_calm = false;
        self.breaker.breaker_mut().override_for(at, span)
    }

    /// The names of its rules and guards.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.own_names().chain(self.chain.names())
    }
}

impl Default for EnhancedRiskManager {
    fn default() -> Self {
        let chain = RiskChain::new().with_rule(Box::new(PositionSize::default()));
        Self::of(DrawdownGuard::default(), BreakerGuard::default(), chain)
    }
}

/// What a manager that is built on this one needs of it.
impl EnhancedRiskManager {
    /// The names of its own guards.
    pub(super) fn own_names(&self) -> impl Iterator<Item = &'static str> + use<> {
        [self.drawdown.name(), self.breaker.name()].into_iter()
    }

    /// The chain of all other rules and guards.
    pub(super) const fn chain(&self) -> &RiskChain {
        &self.chain
    }

    /// True when a mark at these facts changes nothing for its own guards: by far the commonest
    /// case.
    #[inline]
    pub(super) fn is_quiet(&self, facts: &Facts<'_>) -> bool {
        self.is_calm && self.drawdown.is_quiet(facts)
    }

    /// Where a mark changes nothing. Guards of the chain may look at more than equity.
    pub(super) const fn calm_range(&self) -> CalmRange {
        if self.is_calm && !self.chain.wants_marks() {
            self.drawdown.calm()
        } else {
            CalmRange::NONE
        }
    }

    /// Asks its own guards.
    #[inline(never)]
    pub(super) fn consider(
        &mut self,
        fact: &Fact<'_>,
        facts: &Facts<'_>,
        changes: &mut Vec<HaltChange>,
    ) {
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
        self.is_calm = self.wanted.iter().all(Option::is_none)
            && !self.drawdown.is_halted()
            && self.breaker.is_quiet();
    }

    /// Asks those guards of the chain that want to be told.
    #[inline]
    pub(super) fn consider_chain(
        &mut self,
        fact: &Fact<'_>,
        facts: &Facts<'_>,
        changes: &mut Vec<HaltChange>,
    ) {
        if self.chain.hears(FactKinds::of(fact), facts.at) {
            self.chain.observe(fact, facts, changes);
        }
    }

    /// Its own guards.
    pub(super) fn guards(&self) -> [&dyn Guard; 2] {
        [&self.drawdown, &self.breaker]
    }
}

impl RiskManager for EnhancedRiskManager {
    #[inline]
    fn observe(&mut self, fact: &Fact<'_>, facts: &Facts<'_>, changes: &mut Vec<HaltChange>) {
        let passes = fact.is_market() || (matches!(fact, Fact::Mark) && self.is_quiet(facts));
        if !passes {
            self.consider(fact, facts, changes);
        }
        self.consider_chain(fact, facts, changes);
    }

    fn calm(&self) -> CalmRange {
        self.calm_range()
    }

    fn calm_move(&self) -> f64 {
        self.chain.calm_move()
    }

    fn review(&self, group: &[Intent], facts: &Facts<'_>, out: &mut Assessment) {
        let guards = self.guards().map(Some);
        self.chain.judge(&Words { guards: &guards, rule: None }, group, facts, out);
    }

    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>) {
        self.is_calm = false;
        let [drawdown, breaker] = &mut self.wanted;
        release(&mut self.drawdown, drawdown, cause, facts);
        release(&mut self.breaker, breaker, cause, facts);
        self.chain.release(cause, facts);
    }

    fn drawdown(&self, facts: &Facts<'_>) -> f64 {
        self.drawdown.drawdown(facts)
    }

    fn usage(&self, facts: &Facts<'_>, out: &mut Vec<LimitUse>) {
        out.extend(self.guards().into_iter().filter_map(|guard| used_of(guard, facts)));
        self.chain.usage(facts, out);
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

    fn deadline_by(&self, facts: &Facts<'_>) -> Option<Timestamp> {
        self.chain.deadline_by(facts)
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        self.is_calm = false;
        set_in_all(3, value, |part, value| match part {
            0 => self.drawdown.set_limit(key, value),
            1 => self.breaker.set_limit(key, value),
            _ => self.chain.set_limit(key, value),
        })
    }

    fn tell_names(&self, tell: &mut dyn FnMut(&'static str)) {
        self.own_names().for_each(&mut *tell);
        self.chain.tell_names(tell);
    }

    fn summary(&self, facts: &Facts<'_>) -> RiskSummary {
        let mut limits = Vec::new();
        self.usage(facts, &mut limits);
        RiskSummary {
            drawdown: self.drawdown.drawdown(facts),
            breaker: Some(self.breaker.status(facts.at)),
            ..RiskSummary::of(facts).with_limits(limits)
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
        self.is_calm = false;
        Ok(())
    }
}
