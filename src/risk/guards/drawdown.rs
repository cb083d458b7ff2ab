use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::equity::known_equity;
use crate::risk::{CalmRange, Fact, Guard, Limit, MaxDrawdownTracker, PeakReset, RiskConfigError};
use crate::types::{
    Facts, Halt, HaltCause, HaltScope, LimitKey, Reason, ReasonCode, State, StateError, exact,
    to_f64,
};

/// The drawdown tracker on every mark of the account.
///
/// Equity that is clearly below the peak and clearly above the limit is passed in `f64`; near
/// either of them the exact equity decides. It wants [`HaltCause::Drawdown`] for the account
/// from the breach until an operator resumes it. While equity is unknown (a mark of an open
/// position is missing, NaN) entries are refused and nothing latches.
#[derive(Clone, Debug)]
pub struct DrawdownGuard {
    tracker: MaxDrawdownTracker,
    /// The threshold that it was built with.
    built: Decimal,
    on_resume: PeakReset,
    /// Where nothing can happen, whatever the rounding; nowhere while nothing is known.
    calm: CalmRange,
}

impl DrawdownGuard {
    /// The name of the threshold for changes at run time.
    pub const LIMIT: &'static str = "max_drawdown";

    /// Watches with this tracker; an operator's resume does this with its peak.
    pub const fn new(tracker: MaxDrawdownTracker, on_resume: PeakReset) -> Self {
        let built = tracker.threshold();
        Self { tracker, built, on_resume, calm: CalmRange::NONE }
    }

    /// The peak of the equity, exact.
    pub const fn peak(&self) -> Option<Decimal> {
        self.tracker.peak()
    }

    /// The threshold, a fraction.
    pub const fn threshold(&self) -> Decimal {
        self.tracker.threshold()
    }

    /// True from a breach to the next resume.
    pub const fn is_halted(&self) -> bool {
        self.tracker.is_halted()
    }

    /// The drawdown at the facts' equity, a fraction; NaN while it is not defined.
    pub fn drawdown(&self, facts: &Facts<'_>) -> f64 {
        let peak = self.tracker.peak().map_or(f64::NAN, to_f64);
        let drawdown = (peak - facts.equity()) / peak;
        // Above the peak only by rounding; NaN must stay.
        if drawdown < 0.0 { 0.0 } else { drawdown }
    }

    /// Where a mark changes nothing.
    pub(in crate::risk) const fn calm(&self) -> CalmRange {
        self.calm
    }

    /// True when a mark at these facts changes nothing.
    #[inline]
    pub(in crate::risk) fn is_quiet(&self, facts: &Facts<'_>) -> bool {
        self.calm.holds(facts.equity(), facts.book.gross())
    }

    fn wanted(&self) -> Option<Halt> {
        let halt = Halt::new(HaltCause::Drawdown, HaltScope::Account);
        self.tracker.is_halted().then_some(halt)
    }

    /// Decides by the exact equity.
    #[cold]
    #[inline(never)]
    fn look(&mut self, facts: &Facts<'_>) {
        match known_equity(facts) {
            Some(equity) => {
                self.tracker.update(facts.at, equity);
                self.calm = self.aim().seen(facts.equity(), facts.book.gross());
            }
            None => {
                self.tracker.update_unknown();
                self.calm = self.aim();
            }
        }
    }

    /// Where nothing can happen.
    fn aim(&self) -> CalmRange {
        let peak = self.tracker.peak().map_or(f64::NAN, to_f64);
        if self.tracker.is_halted() {
            CalmRange::new(f64::NEG_INFINITY, peak)
        } else if self.tracker.allows_entries() {
            CalmRange::new(peak - to_f64(self.tracker.threshold()) * peak, peak)
        } else {
            CalmRange::NONE
        }
    }

    fn forget(&mut self) {
        self.calm = CalmRange::NONE;
    }
}

impl Default for DrawdownGuard {
    /// The threshold 0.25; a resume restarts the peak.
    fn default() -> Self {
        Self::new(MaxDrawdownTracker::default(), PeakReset::Restart)
    }
}

impl Guard for DrawdownGuard {
    fn name(&self) -> &'static str {
        "drawdown"
    }

    #[inline]
    fn watch(&mut self, fact: &Fact<'_>, facts: &Facts<'_>) -> Option<Halt> {
        match fact {
            Fact::Capital(capital) => {
                self.tracker.shift(*capital);
                self.forget();
            }
            // A booking may move the exact equity by less than a sum of `f64` can show.
            Fact::Fill(_) | Fact::Trade(_) => self.calm = self.calm.unseen(),
            _ => {}
        }
        if !self.is_quiet(facts) {
            self.look(facts);
        }
        self.wanted()
    }

    fn verdict(&self, facts: &Facts<'_>) -> Limit {
        let threshold = to_f64(self.tracker.threshold());
        let drawdown = self.drawdown(facts);
        let reason = Reason::new(ReasonCode::MaxDrawdown, threshold, drawdown);
        if self.tracker.allows_entries() && drawdown.is_finite() {
            Limit::Allow(Some(reason))
        } else {
            Limit::Deny(reason)
        }
    }

    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>) {
        if cause == HaltCause::Drawdown {
            self.look(facts);
            self.tracker.reset(facts.at, self.on_resume);
            self.forget();
        }
    }

    /// What has latched stays latched; the new threshold is judged by with the next mark.
    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all(Self::LIMIT) {
            return Ok(None);
        }
        let before = self.tracker.set_threshold(value)?;
        self.forget();
        Ok(Some(before))
    }
}

#[derive(Serialize, Deserialize)]
struct Saved {
    tracker: MaxDrawdownTracker,
    #[serde(with = "exact")]
    built: Decimal,
}

/// A threshold that was changed since is part of the state, the one that it was built with tells
/// whose state it is.
impl State for DrawdownGuard {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        Saved { tracker: self.tracker.clone(), built: self.built }.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut saved = Saved { tracker: MaxDrawdownTracker::default(), built: self.built };
        saved.restore(state)?;
        if saved.built != self.built {
            let text = |threshold| format!("drawdown threshold {threshold}");
            let (expected, found) = (text(self.built), text(saved.built));
            return Err(StateError::Mismatch { expected, found });
        }
        self.tracker = saved.tracker;
        self.forget();
        Ok(())
    }
}
