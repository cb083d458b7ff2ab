use core::time::Duration;

use rust_decimal::Decimal;

use crate::risk::window::{SlidingWindow, Totals};
use crate::risk::{Fact, FactKinds, Guard, Limit, RiskConfigError, limits};
use crate::types::{
    Facts, Fill, Grid, Halt, HaltCause, HaltScope, LimitKey, LimitSubject, Qty, Reason, ReasonCode,
    State, StateError, small, to_f64,
};

/// How much may be executed within a sliding window `(t − span, t]`: fills, quantity, value.
///
/// While a limit is reached nothing is opened in its scope; it wants no halt and lets go by
/// itself when fills leave the window. A limit on quantity also caps an opening at what is left
/// of it, with working orders counted as filled. Reducing orders are free, but their fills
/// count. Values are in the reporting currency at the fill's price.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutionRate {
    limits: ExecutionLimits,
    scope: HaltScope,
    window: SlidingWindow,
    /// A fill that could not be valued: the value of the window is unknown until it leaves.
    missing: SlidingWindow,
}

/// What may be executed within the window; `None` sets no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecutionLimits {
    /// Number of fills.
    pub fills: Option<u32>,
    /// Quantity in the instrument's units; for one instrument only.
    pub quantity: Option<Decimal>,
    /// Value in the reporting currency.
    pub value: Option<Decimal>,
}

impl ExecutionRate {
    /// The name of the limit on fills for changes at run time.
    pub const FILLS: &'static str = "execution_rate";
    /// The name of the limit on quantity.
    pub const QUANTITY: &'static str = "volume_rate";
    /// The name of the limit on value.
    pub const VALUE: &'static str = "notional_rate";

    /// Limits over a span, for the account, one strategy or one instrument.
    ///
    /// # Errors
    /// [`RiskConfigError`]: no span, a negative limit, a quantity without its instrument.
    pub fn new(
        limits: ExecutionLimits,
        span: Duration,
        scope: HaltScope,
    ) -> Result<Self, RiskConfigError> {
        for (what, limit) in [(Self::QUANTITY, limits.quantity), (Self::VALUE, limits.value)] {
            limits::not_negative(what, limit.unwrap_or_default())?;
        }
        if limits.quantity.is_some() && !matches!(scope, HaltScope::Symbol(_)) {
            return Err(RiskConfigError::NoInstrument);
        }
        let window = SlidingWindow::new(Self::FILLS, span)?;
        Ok(Self { limits, scope, missing: window.clone(), window })
    }

    fn on_fill(&mut self, fill: &Fill, facts: &Facts<'_>) {
        if !self.scope.covers(fill.slot, fill.instrument) {
            return;
        }
        let quantity = fill.execution.quantity.value();
        let value = value_of(fill, facts);
        if value.is_none() {
            self.missing.push(facts.at, Totals::ONE);
        }
        let totals = Totals { count: 1, quantity, value: value.unwrap_or_default() };
        self.window.push(facts.at, totals);
    }

    fn quantity_verdict(&self, totals: &Totals, facts: &Facts<'_>) -> Limit {
        let (Some(most), HaltScope::Symbol(instrument)) = (self.limits.quantity, self.scope) else {
            return Limit::Allow(None);
        };
        let working = facts.book.working(instrument);
        let sum = |a: Decimal, b: Decimal| small::plus(a, b).unwrap_or(Decimal::MAX);
        let used = sum(sum(totals.quantity, working.buy), working.sell);
        let left = sum(most, -used);
        let reason =
            |used: Decimal| Reason::new(ReasonCode::VolumeRate, to_f64(most), to_f64(used));
        if small::is_above_zero(left) {
            Limit::Cap(Qty::new(left), reason(used))
        } else {
            Limit::Deny(reason(most))
        }
    }

    /// How much of the limit on the number of fills is used, and whether it is reached.
    fn fills_used(&self, totals: &Totals) -> Option<(Reason, bool)> {
        let most = self.limits.fills?;
        let reason = Reason::new(ReasonCode::ExecutionRate, f64::from(most), totals.count as f64);
        Some((reason, totals.count >= u64::from(most)))
    }

    /// The same of the limit on their value.
    fn value_used(&self, totals: &Totals, facts: &Facts<'_>) -> Option<(Reason, bool)> {
        let most = self.limits.value?;
        let is_known = self.missing.totals(facts.at).count == 0;
        let observed = if is_known { to_f64(totals.value) } else { f64::NAN };
        let reason = Reason::new(ReasonCode::NotionalRate, to_f64(most), observed);
        Some((reason, !is_known || totals.value >= most))
    }

    fn limit_named(&mut self, key: &LimitKey) -> Option<&mut Option<Decimal>> {
        if key.subject != subject(self.scope) {
            return None;
        }
        match key.name.as_str() {
            Self::QUANTITY if self.limits.quantity.is_some() => Some(&mut self.limits.quantity),
            Self::VALUE if self.limits.value.is_some() => Some(&mut self.limits.value),
            _ => None,
        }
    }
}

const fn subject(scope: HaltScope) -> LimitSubject {
    match scope {
        HaltScope::Strategy(slot) => LimitSubject::Strategy(slot),
        HaltScope::Symbol(instrument) => LimitSubject::Instrument(instrument),
        HaltScope::Account | HaltScope::Everything => LimitSubject::All,
    }
}

/// What a fill was worth in the reporting currency; `None` while a rate is missing.
fn value_of(fill: &Fill, facts: &Facts<'_>) -> Option<Decimal> {
    let instrument = facts.instruments.get(fill.instrument)?;
    let execution = &fill.execution;
    let value = instrument.value(execution.quantity.value(), execution.price.value())?.abs();
    if instrument.settlement == facts.book.reporting() {
        return Some(value);
    }
    let rate = facts.book.mark(fill.instrument).map(|mark| mark.rate)?;
    value.checked_mul(Grid::recover(rate).filter(|rate| *rate > Decimal::ZERO)?)
}

impl Guard for ExecutionRate {
    fn name(&self) -> &'static str {
        "execution_rate"
    }

    fn watch(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) -> Option<Halt> {
        if let Fact::Fill(fill) = fact {
            self.on_fill(fill, facts);
        }
        None
    }

    fn wants(&self) -> FactKinds {
        FactKinds::FILL
    }

    fn scope(&self) -> HaltScope {
        self.scope
    }

    fn verdict(&self, facts: &Facts<'_>) -> Limit {
        let totals = self.window.totals(facts.at);
        let mut verdict = self.quantity_verdict(&totals, facts);
        let used = [self.fills_used(&totals), self.value_used(&totals, facts)];
        for (reason, is_reached) in used.into_iter().flatten() {
            if is_reached {
                verdict = verdict.least(Limit::Deny(reason));
            } else if let Limit::Allow(None) = verdict {
                verdict = Limit::Allow(Some(reason));
            }
        }
        verdict
    }

    fn release(&mut self, _cause: HaltCause, _facts: &Facts<'_>) {}

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if key.name.as_str() == Self::FILLS && key.subject == subject(self.scope) {
            let Some(fills) = &mut self.limits.fills else { return Ok(None) };
            return limits::set_count(Self::FILLS, fills, value).map(Some);
        }
        let Some(limit) = self.limit_named(key) else { return Ok(None) };
        let new = limits::not_negative("execution limit", value)?;
        Ok(limit.replace(new))
    }
}

/// The windows are its state; limits and scope are configuration.
impl State for ExecutionRate {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        State::save(&(self.window.clone(), self.missing.clone()))
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut windows = (self.window.clone(), self.missing.clone());
        State::restore(&mut windows, state)?;
        let (window, missing) = windows;
        if window.span() != self.window.span() || missing.span() != self.window.span() {
            let text = |span: Duration| format!("an execution window of {} s", span.as_secs_f64());
            let (expected, found) = (text(self.window.span()), text(window.span()));
            return Err(StateError::Mismatch { expected, found });
        }
        self.window = window;
        self.missing = missing;
        Ok(())
    }
}
