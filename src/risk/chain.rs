use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::saved_guard::SavedGuard;
use super::scene::Scene;
use super::watched::{Audience, Hearing, Moved, Watched, indices, is_same, release, tell};
use super::{
    Assessment, CalmRange, Fact, FactKinds, Finding, Guard, HaltChange, Limit, LimitUse, Opening,
    Parts, RiskConfigError, RiskManager, RiskRule, RiskSummary, Standing, halt_reason, opening,
    opening::split_standing, set_in_all, split_after,
};
use crate::types::{
    Amount, Facts, Halt, HaltCause, HaltLevel, HaltScope, Intent, LimitKey, Qty, Reason,
    ReasonCode, State, StateError, Timestamp, small, to_f64,
};

/// Rules and guards in a row: the answer is the least over all of them, so that their order
/// never changes it.
///
/// - Only the opening part of an intent is judged; the reducing part is always granted.
/// - Every rule is asked, and every objection is listed.
/// - A group of several intents is granted in full or not at all; of a group that falls, each
///   leg keeps its reducing part, because nothing may block closing.
/// - A cash amount is granted whole or not at all.
/// - While a guard wants a halt, or the account is halted, nothing is opened.
///
/// ```
/// use tradewright::risk::{Assessment, RiskChain, RiskManager};
/// use tradewright::types::{
///     FactBookBuilder, Facts, Instrument, Instruments, Intent, Side, SlotId, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let spy = table.add(Instrument::stock("SPY", "USD"))?;
/// let book = FactBookBuilder::new(&table, table.find_asset("USD").unwrap()).build();
/// let facts = Facts::new(Timestamp::EPOCH, SlotId(1), &table, &book);
/// let buy = Intent::market(SlotId(1), spy, Side::Buy, 10.into());
/// let mut verdict = Assessment::default();
/// RiskChain::new().review(&[buy], &facts, &mut verdict);
/// assert!(verdict.approved, "an empty chain has no objection");
/// # Ok::<(), tradewright::types::InstrumentError>(())
/// ```
#[derive(Default)]
pub struct RiskChain {
    rules: Vec<Box<dyn RiskRule>>,
    guards: Vec<Watched>,
    audience: Audience,
}

/// A rule that borrows what its manager knows.
pub(super) type Judge<'a> = &'a dyn Fn(&Opening<'_>) -> Limit;

/// What a manager says beside its chain.
#[derive(Clone, Copy, Default)]
pub(super) struct Words<'a> {
    /// Its own guards. Operators act between facts, so that their verdicts decide and not what
    /// they wanted last.
    pub(super) guards: &'a [Option<&'a dyn Guard>],
    /// A rule that needs what the manager knows.
    pub(super) rule: Option<(&'static str, Judge<'a>)>,
}

/// The chain itself, where it objects without asking a rule.
const CHAIN: &str = "chain";

impl RiskChain {
    /// A chain without rules: it approves everything.
    pub const fn new() -> Self {
        Self { rules: Vec::new(), guards: Vec::new(), audience: Audience::NOBODY }
    }

    /// Adds a rule.
    #[must_use]
    pub fn with_rule(mut self, rule: Box<dyn RiskRule>) -> Self {
        self.rules.push(rule);
        self
    }

    /// Adds a guard. Guards of one chain should differ in cause or scope, because the halt
    /// machine keeps one entry for each.
    #[must_use]
    pub fn with_guard(mut self, guard: Box<dyn Guard>) -> Self {
        let is_timed = guard.is_timed();
        self.guards.push(Watched { guard, wanted: None, hearing: Hearing::NOTHING, is_timed });
        self.alert();
        self
    }

    /// The names of its rules and guards.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let guards = self.guards.iter().map(|watched| watched.guard.name());
        self.rules.iter().map(|rule| rule.name()).chain(guards)
    }

    /// True when each mark has to be told to one of its guards.
    #[inline]
    pub(super) const fn wants_marks(&self) -> bool {
        self.audience.wants(FactKinds::MARK)
    }

    /// True when one of its guards has to be told a fact of this kind.
    #[inline]
    pub(super) fn hears(&self, kind: FactKinds, at: Timestamp) -> bool {
        self.audience.takes(kind, at)
    }

    /// Every guard is told the next fact, whatever its kind.
    fn alert(&mut self) {
        for watched in &mut self.guards {
            watched.hearing = Hearing::everything(watched.due());
        }
        self.audience = Audience::of(&self.guards);
    }

    /// Takes over what a guard wants now.
    #[inline(never)]
    fn answer(&mut self, index: usize, now: Option<Halt>, changes: &mut Vec<HaltChange>) {
        let before = core::mem::replace(&mut self.guards[index].wanted, now);
        if before != now {
            tell(before, now, |halt| self.is_wanted(halt), changes);
        }
    }

    pub(super) fn judge(
        &self,
        words: &Words<'_>,
        group: &[Intent],
        facts: &Facts<'_>,
        out: &mut Assessment,
    ) {
        out.clear();
        let mut scene = Scene::default();
        for index in 0..group.len() {
            let granted = self.leg(words, group, index, &mut scene, facts, out);
            out.granted.push(granted);
        }
        if !out.approved && group.len() > 1 {
            fall(group, facts, out);
        }
        if out.findings.len() > 1 {
            out.findings.sort_by(severest_first);
        }
    }

    /// Judges one leg; the answer is what is granted of it.
    fn leg(
        &self,
        words: &Words<'_>,
        group: &[Intent],
        index: usize,
        scene: &mut Scene,
        facts: &Facts<'_>,
        out: &mut Assessment,
    ) -> Qty {
        let (earlier, intent) = (&group[..index], &group[index]);
        let Some(asked) = opening::quantity(intent, facts) else {
            let reason = Reason::new(ReasonCode::InvalidInput, 0.0, asked_f64(intent));
            object(out, Finding { intent: index, rule: CHAIN, granted: Qty::ZERO, reason });
            return Qty::ZERO;
        };
        let standing = Standing::after(intent, earlier, facts);
        let parts = split_standing(intent, asked, &standing);
        let mut bench = Bench { index, intent, parts, allowed: parts.opening, out };
        if !parts.opening.is_zero() {
            let opening = scene.opening((intent, parts.opening), &standing, earlier, facts);
            self.ask(words, &opening, facts, &mut bench);
            scene.open(&opening);
        }
        let allowed = bench.allowed;
        let granted = grant(intent, parts, allowed, facts);
        let whole = whole(intent, asked);
        if granted != whole && granted < whole {
            out.approved = false;
            if group.len() == 1 && matches!(intent.amount, Amount::Quantity(_)) {
                let largest = granted.value().saturating_sub(parts.reducing);
                out.largest = Some(Qty::new(largest.max(Decimal::ZERO)));
            }
        }
        granted
    }

    fn ask(
        &self,
        words: &Words<'_>,
        opening: &Opening<'_>,
        facts: &Facts<'_>,
        bench: &mut Bench<'_>,
    ) {
        if facts.book.halt() >= HaltLevel::ReduceOnly {
            let level = f64::from(facts.book.halt() as u8);
            bench.take("halt", &Limit::Deny(Reason::new(ReasonCode::Halted, 0.0, level)));
        }
        for guard in words.guards.iter().flatten() {
            bench.hear(*guard, None, facts);
        }
        if let Some((name, limit)) = words.rule {
            bench.take(name, &limit(opening));
        }
        for watched in &self.guards {
            bench.hear(&*watched.guard, watched.wanted.as_ref(), facts);
            let mut ask =
                |rule: &dyn RiskRule| bench.take(rule.name(), &rule.limit(opening, facts));
            watched.guard.rules(&mut ask);
        }
        for rule in &self.rules {
            bench.take(rule.name(), &rule.limit(opening, facts));
        }
    }
}

impl RiskManager for RiskChain {
    fn observe(&mut self, fact: &Fact<'_>, facts: &Facts<'_>, changes: &mut Vec<HaltChange>) {
        let kind = FactKinds::of(fact);
        if !self.hears(kind, facts.at) {
            return;
        }
        let mut moved = Moved::Nothing;
        for index in indices(self.audience.listeners(kind, facts.at), self.guards.len()) {
            let watched = &mut self.guards[index];
            if !watched.hearing.takes(kind, facts.at) {
                continue;
            }
            let now = watched.guard.watch(fact, facts);
            let before = watched.listen();
            moved = moved.max(self.audience.moved(before, watched.hearing));
            // Nothing wanted, before and now, is by far the commonest case.
            if now.is_some() | watched.wanted.is_some() {
                self.answer(index, now, changes);
            }
        }
        self.audience.follow(moved, &self.guards);
    }

    fn calm(&self) -> CalmRange {
        if self.wants_marks() { CalmRange::NONE } else { CalmRange::ALL }
    }

    fn calm_move(&self) -> f64 {
        self.audience.calm_move()
    }

    fn review(&self, group: &[Intent], facts: &Facts<'_>, out: &mut Assessment) {
        self.judge(&Words::default(), group, facts, out);
    }

    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>) {
        for watched in &mut self.guards {
            release(&mut *watched.guard, &mut watched.wanted, cause, facts);
        }
        self.alert();
    }

    fn usage(&self, facts: &Facts<'_>, out: &mut Vec<LimitUse>) {
        for rule in &self.rules {
            let used = rule.usage(facts).map(|reason| LimitUse::new(rule.name(), &reason));
            out.extend(used);
        }
        for watched in &self.guards {
            out.extend(used_of(&*watched.guard, facts));
            watched.guard.usage(facts, out);
        }
    }

    fn watches_market(&self) -> bool {
        self.guards.iter().any(|watched| watched.guard.watches_market())
    }

    fn is_timed(&self) -> bool {
        self.guards.iter().any(|watched| watched.is_timed)
    }

    fn deadline(&self) -> Option<Timestamp> {
        Some(self.audience.due()).filter(|due| *due < Timestamp::MAX)
    }

    fn deadline_by(&self, facts: &Facts<'_>) -> Option<Timestamp> {
        let timed = self.guards.iter().filter(|watched| watched.is_timed);
        timed.filter_map(|watched| watched.guard.deadline_by(facts)).min()
    }

    fn tell_names(&self, tell: &mut dyn FnMut(&'static str)) {
        self.names().for_each(&mut *tell);
        for watched in &self.guards {
            watched.guard.rules(&mut |rule| tell(rule.name()));
        }
    }

    fn summary(&self, facts: &Facts<'_>) -> RiskSummary {
        let mut limits = Vec::new();
        self.usage(facts, &mut limits);
        RiskSummary::of(facts).with_limits(limits)
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        let rules = self.rules.len();
        let parts = rules + self.guards.len();
        let before = set_in_all(parts, value, |part, value| match part.checked_sub(rules) {
            None => self.rules[part].set_limit(key, value),
            Some(guard) => self.guards[guard].guard.set_limit(key, value),
        });
        self.alert();
        before
    }
}

impl RiskChain {
    fn is_wanted(&self, halt: &Halt) -> bool {
        self.guards.iter().filter_map(|watched| watched.wanted).any(|wanted| is_same(&wanted, halt))
    }
}

/// How much of a guard's limit is used, where it says it.
pub(super) fn used_of<G: Guard + ?Sized>(guard: &G, facts: &Facts<'_>) -> Option<LimitUse> {
    match guard.verdict(facts) {
        Limit::Allow(reason) => reason.map(|reason| LimitUse::new(guard.name(), &reason)),
        Limit::Deny(reason) | Limit::Cap(_, reason) => Some(LimitUse::new(guard.name(), &reason)),
    }
}

/// Where the answers on one intent come together.
struct Bench<'a> {
    index: usize,
    intent: &'a Intent,
    parts: Parts,
    allowed: Decimal,
    out: &'a mut Assessment,
}

impl Bench<'_> {
    /// What a guard says: a halt that it wants denies even where its verdict has no objection.
    fn hear<G: Guard + ?Sized>(&mut self, guard: &G, wanted: Option<&Halt>, facts: &Facts<'_>) {
        let intent = self.intent;
        let covers = |scope: HaltScope| scope.covers(intent.slot, intent.instrument);
        let halt = wanted.filter(|halt| covers(halt.scope));
        if !covers(guard.scope()) {
            if let Some(halt) = halt {
                self.take(guard.name(), &Limit::Deny(halt_reason(halt)));
            }
            return;
        }
        let verdict = guard.verdict(facts);
        match (halt, &verdict) {
            (None, verdict) | (Some(_), verdict @ Limit::Deny(_)) => {
                self.take(guard.name(), verdict);
            }
            (Some(halt), Limit::Cap(..) | Limit::Allow(_)) => {
                self.take(guard.name(), &Limit::Deny(halt_reason(halt)));
            }
        }
    }

    /// By reference: a fresh answer is read where it was written.
    fn take(&mut self, rule: &'static str, limit: &Limit) {
        let Limit::Allow(reason) = limit else { return self.object(rule, limit) };
        let used = reason.as_ref().map_or(0.0, Reason::utilisation);
        if used > self.out.risk_score {
            self.out.risk_score = used;
        }
    }

    #[inline(never)]
    fn object(&mut self, rule: &'static str, limit: &Limit) {
        let left = limit.allowed(self.parts.opening);
        let reason = match *limit {
            Limit::Allow(_) => return,
            Limit::Cap(_, reason) if left >= self.parts.opening => {
                self.out.risk_score = self.out.risk_score.max(reason.utilisation());
                return;
            }
            Limit::Cap(_, reason) | Limit::Deny(reason) => reason,
        };
        self.allowed = self.allowed.min(left);
        let granted = Qty::new(self.parts.reducing.saturating_add(left));
        object(self.out, Finding { intent: self.index, rule, granted, reason });
    }
}

fn object(out: &mut Assessment, finding: Finding) {
    out.approved = false;
    out.risk_score = 1.0;
    out.findings.push(finding);
}

/// reducing + min(opening, caps) on the instrument's step.
fn grant(intent: &Intent, parts: Parts, allowed: Decimal, facts: &Facts<'_>) -> Qty {
    let is_whole = small::is_same(allowed, parts.opening) || allowed >= parts.opening;
    match intent.amount {
        Amount::Cash(_) => Qty::from(i64::from(is_whole)),
        Amount::Quantity(_) if is_whole => Qty::new(parts.whole()),
        Amount::Quantity(_) => {
            let sum = parts.reducing.saturating_add(allowed);
            let instrument = facts.instruments.get(intent.instrument);
            let floored = instrument.and_then(|instrument| instrument.floor_to_step(sum));
            // A position off the step must still be closable.
            Qty::new(floored.unwrap_or_default().max(parts.reducing))
        }
    }
}

/// What a grant in full is: cash amounts are granted as one whole.
fn whole(intent: &Intent, asked: Decimal) -> Qty {
    match intent.amount {
        Amount::Cash(_) => Qty::from(1),
        Amount::Quantity(_) => Qty::new(asked),
    }
}

/// A group that is not granted in full falls: every leg keeps its reducing part alone.
fn fall(group: &[Intent], facts: &Facts<'_>, out: &mut Assessment) {
    for (index, intent) in group.iter().enumerate() {
        let parts = split_after(intent, &group[..index], facts);
        let kept = grant(intent, parts, Decimal::ZERO, facts);
        let had = out.granted[index];
        if kept < had && !out.findings.iter().any(|finding| finding.intent == index) {
            let reason = Reason::new(ReasonCode::Group, kept.to_f64(), had.to_f64());
            object(out, Finding { intent: index, rule: CHAIN, granted: kept, reason });
        }
        out.granted[index] = kept.min(had);
    }
}

fn severest_first(one: &Finding, other: &Finding) -> core::cmp::Ordering {
    // What fell with its group comes after what made it fall.
    let fell = |finding: &Finding| finding.reason.code == ReasonCode::Group;
    let key = |it: &Finding| (fell(it), it.granted, it.intent, it.rule);
    key(one)
        .cmp(&key(other))
        .then_with(|| one.reason.code.cmp(&other.reason.code))
        .then_with(|| one.reason.limit.total_cmp(&other.reason.limit))
}

fn asked_f64(intent: &Intent) -> f64 {
    match intent.amount {
        Amount::Quantity(quantity) => quantity.to_f64(),
        Amount::Cash(money) => to_f64(money.amount),
    }
}

/// The saved form: guards by name.
#[derive(Serialize, Deserialize)]
struct Saved(Vec<SavedGuard>);

/// Rules have no state; the guards must be the same, in the same order.
impl State for RiskChain {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        let one = |watched: &Watched| SavedGuard::of(&*watched.guard, watched.wanted);
        Saved(self.guards.iter().map(one).collect::<Result<_, _>>()?).save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved = Saved(Vec::new());
        saved.restore(state)?;
        if saved.0.len() != self.guards.len() {
            let count = |guards: usize| format!("a chain of {guards} guards");
            let (expected, found) = (count(self.guards.len()), count(saved.0.len()));
            return Err(StateError::Mismatch { expected, found });
        }
        let before = self.save()?;
        let mut result = Ok(());
        for (watched, guard) in self.guards.iter_mut().zip(saved.0) {
            match guard.load(&mut *watched.guard) {
                Ok(wanted) => watched.wanted = wanted,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        if result.is_err() {
            // What was restored already goes back; our own state is always readable.
            self.restore(&before)?;
        }
        self.alert();
        result
    }
}
