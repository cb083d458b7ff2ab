use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::equity::known_equity;
use crate::risk::{Fact, Guard, Limit, MaxDrawdownTracker, PeakReset, RiskConfigError};
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
    /// Strictly between these nothing can happen, whatever the rounding; they cross while
    /// nothing is known.
    low: f64,
    high: f64,
    /// Equity and gross value of the last exact look.
    seen: [u64; 2],
}

/// How far `f64` sums are trusted, as a fraction of the values that were added.
const TRUST: f64 = 1e-9;

/// No sum has these bits: NaN with every payload bit set.
const UNSEEN: [u64; 2] = [u64::MAX; 2];

impl DrawdownGuard {
    /// The name of the threshold for changes at run time.
    pub const LIMIT: &'static str = "max_drawdown";

    /// Watches with this tracker; an operator's resume does this with its peak.
    pub const fn new(tracker: MaxDrawdownTracker, on_resume: PeakReset) -> Self {
        let built = tracker.threshold();
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        Self { tracker, built, on_resume, low, high, seen: UNSEEN }
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

    /// True when a mark at these facts changes nothing.
    #[inline]
    pub(in crate::risk) fn is_quiet(&self, facts: &Facts<'_>) -> bool {
        self.is_clear(facts) || self.is_seen(facts)
    }

    /// True when equity is so far from peak and limit that rounding does not matter.
    #[inline]
    fn is_clear(&self, facts: &Facts<'_>) -> bool {
        let (equity, gross) = (facts.equity(), facts.book.gross());
        let margin = TRUST * (gross + gross + equity.abs());
        equity > self.low + margin && equity < self.high - margin
    }

    /// True when nothing has moved since the last exact look.
    #[inline]
    fn is_seen(&self, facts: &Facts<'_>) -> bool {
        self.seen == [facts.equity().to_bits(), facts.book.gross().to_bits()]
    }

    fn wanted(&self) -> Option<Halt> {
        let halt = Halt::new(HaltCause::Drawdown, HaltScope::Account);
        self.tracker.is_halted().then_some(halt)
    }

    /// Decides by the exact equity.
    #[cold]
    #[inline(never)]
    fn look(&mut self, facts: &Facts<'_>) {
        if let Some(equity) = known_equity(facts) {
            self.tracker.update(facts.at, equity);
            self.seen = [facts.equity().to_bits(), facts.book.gross().to_bits()];
        } else {
            self.tracker.update_unknown();
            self.seen = UNSEEN;
        }
        self.aim();
    }

    /// Sets the bounds between which nothing can happen.
    fn aim(&mut self) {
        let peak = self.tracker.peak().map_or(f64::NAN, to_f64);
        (self.low, self.high) = if self.tracker.is_halted() {
            (f64::NEG_INFINITY, peak)
        } else if self.tracker.allows_entries() {
            (peak - to_f64(self.tracker.threshold()) * peak, peak)
        } else {
            (f64::INFINITY, f64::NEG_INFINITY)
        };
    }

    fn forget(&mut self) {
        self.seen = UNSEEN;
        self.low = f64::INFINITY;
        self.high = f64::NEG_INFINITY;
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
            Fact::Fill(_) | Fact::Trade(_) => self.seen = UNSEEN,
            _ => {}
        }
        if !self.is_clear(facts) && !self.is_seen(facts) {
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
