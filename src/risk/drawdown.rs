use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::RiskConfigError;
use crate::types::{Timestamp, exact};

/// Follows equity's peak and stops trading when the loss from it exceeds a threshold.
///
/// drawdown = (peak − equity) / peak, unrealised profit included. It halts when the drawdown is
/// above the threshold (strictly) and stays halted until [`reset`](Self::reset). The comparison
/// is `peak − equity > threshold * peak` in decimals, without a division; what does not fit 28
/// digits counts as a breach.
///
/// While no drawdown is defined (no positive peak yet, or equity unknown) entries are refused
/// and the state is kept.
///
/// ```
/// use tradewright::risk::{DrawdownState, MaxDrawdownTracker, PeakReset};
/// use tradewright::types::{Decimal, Timestamp};
///
/// let at = Timestamp::EPOCH;
/// let mut tracker = MaxDrawdownTracker::default();
/// assert_eq!(tracker.update(at, Decimal::from(1_000)), DrawdownState::Within);
/// assert_eq!(tracker.update(at, Decimal::from(750)), DrawdownState::Within);
/// assert_eq!(tracker.update(at, Decimal::from(749)), DrawdownState::Halted);
/// assert_eq!(tracker.update(at, Decimal::from(990)), DrawdownState::Halted);
/// let record = tracker.reset(at, PeakReset::Keep);
/// assert!(record.was_halted && tracker.allows_entries());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct MaxDrawdownTracker {
    threshold: Decimal,
    peak: Option<Decimal>,
    equity: Option<Decimal>,
    is_known: bool,
    halted_at: Option<Timestamp>,
    deepest: Decimal,
}

/// What the tracker thinks of trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DrawdownState {
    /// The drawdown is at or below its threshold.
    Within,
    /// No drawdown is defined: entries are refused until it is.
    Undefined,
    /// The threshold was exceeded and no reset has come since.
    Halted,
}

/// What a reset does with the peak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeakReset {
    /// The peak stays: a loss that is still too large halts again at the next update.
    Keep,
    /// The peak starts again at the current equity.
    #[default]
    Restart,
}

/// The audit record of a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawdownReset {
    /// When.
    pub at: Timestamp,
    /// What was done with the peak.
    pub reset: PeakReset,
    /// Whether it ended a halt.
    pub was_halted: bool,
    /// The drawdown before, as a fraction.
    #[serde(with = "exact::option")]
    pub drawdown: Option<Decimal>,
    /// The peak before.
    #[serde(with = "exact::option")]
    pub peak_before: Option<Decimal>,
    /// The peak after.
    #[serde(with = "exact::option")]
    pub peak_after: Option<Decimal>,
}

/// A quarter: losses beyond it take more than a third to earn back.
const DEFAULT_THRESHOLD: Decimal = Decimal::from_parts(25, 0, 0, false, 2);

impl Default for MaxDrawdownTracker {
    /// A tracker with the threshold 0.25.
    fn default() -> Self {
        Self {
            threshold: DEFAULT_THRESHOLD,
            peak: None,
            equity: None,
            is_known: false,
            halted_at: None,
            deepest: Decimal::ZERO,
        }
    }
}

impl MaxDrawdownTracker {
    /// A tracker with this threshold, a fraction above 0 and at most 1.
    ///
    /// # Errors
    /// [`RiskConfigError::ThresholdOutOfRange`] outside of that.
    pub fn new(threshold: Decimal) -> Result<Self, RiskConfigError> {
        Ok(Self { threshold: checked(threshold)?, ..Self::default() })
    }

    /// Changes the threshold; the answer is the one before. A halt that has latched stays, and
    /// whether the drawdown of now exceeds the new threshold is decided by the next update.
    ///
    /// # Errors
    /// [`RiskConfigError::ThresholdOutOfRange`]; the old threshold stays.
    pub fn set_threshold(&mut self, threshold: Decimal) -> Result<Decimal, RiskConfigError> {
        Ok(core::mem::replace(&mut self.threshold, checked(threshold)?))
    }

    /// Takes note of the equity. The first positive one is the first peak; before it, nothing
    /// is defined and nothing is kept.
    pub fn update(&mut self, at: Timestamp, equity: Decimal) -> DrawdownState {
        let peak = match self.peak {
            Some(peak) => peak.max(equity),
            None if equity > Decimal::ZERO => equity,
            None => return self.update_unknown(),
        };
        self.is_known = true;
        self.peak = Some(peak);
        self.equity = Some(equity);
        if self.exceeds(peak, equity) && self.halted_at.is_none() {
            self.halted_at = Some(at);
        }
        self.deepest = self.deepest.max(self.drawdown().unwrap_or_default());
        self.state()
    }

    /// The equity cannot be known at this moment: entries are refused until the next update,
    /// peak and equity are kept.
    pub const fn update_unknown(&mut self) -> DrawdownState {
        self.is_known = false;
        self.state()
    }

    /// Capital came in (positive) or went out: peak and equity move by it, because it is no
    /// result. A withdrawal of the whole peak or more makes the drawdown undefined until the
    /// next positive equity.
    pub fn shift(&mut self, capital: Decimal) {
        self.peak = self.peak.and_then(|peak| moved(peak, capital));
        self.peak = self.peak.filter(|peak| *peak > Decimal::ZERO);
        self.equity = self.equity.and_then(|equity| moved(equity, capital));
        if self.peak.is_none() || self.equity.is_none() {
            self.equity = None;
            self.is_known = false;
        }
    }

    /// Ends the halt, by hand. The record of it is for the audit.
    pub fn reset(&mut self, at: Timestamp, reset: PeakReset) -> DrawdownReset {
        let (drawdown, peak_before) = (self.drawdown(), self.peak);
        let was_halted = self.halted_at.take().is_some();
        match reset {
            PeakReset::Keep => {}
            PeakReset::Restart => {
                self.peak = self.equity.filter(|equity| *equity > Decimal::ZERO);
                if self.peak.is_none() {
                    self.equity = None;
                    self.is_known = false;
                }
            }
        }
        DrawdownReset { at, reset, was_halted, drawdown, peak_before, peak_after: self.peak }
    }

    /// What it thinks of trading now.
    pub const fn state(&self) -> DrawdownState {
        if self.halted_at.is_some() {
            DrawdownState::Halted
        } else if self.is_known {
            DrawdownState::Within
        } else {
            DrawdownState::Undefined
        }
    }

    /// True while neither halted nor undefined.
    pub const fn allows_entries(&self) -> bool {
        matches!(self.state(), DrawdownState::Within)
    }

    /// True from a breach to the next reset.
    pub const fn is_halted(&self) -> bool {
        self.halted_at.is_some()
    }

    /// When it halted.
    pub const fn halted_at(&self) -> Option<Timestamp> {
        self.halted_at
    }

    /// (peak − equity) / peak of the last known equity, a fraction rounded to 28 digits; above
    /// 1 when equity is negative.
    pub fn drawdown(&self) -> Option<Decimal> {
        let (peak, equity) = (self.peak?, self.equity?);
        peak.checked_sub(equity)?.checked_div(peak)
    }

    /// The deepest drawdown of all updates, a fraction.
    pub const fn deepest(&self) -> Decimal {
        self.deepest
    }

    /// The highest equity, moved by capital.
    pub const fn peak(&self) -> Option<Decimal> {
        self.peak
    }

    /// The last known equity, moved by capital.
    pub const fn equity(&self) -> Option<Decimal> {
        self.equity
    }

    /// The threshold, a fraction.
    pub const fn threshold(&self) -> Decimal {
        self.threshold
    }

    fn exceeds(&self, peak: Decimal, equity: Decimal) -> bool {
        let sides = peak.checked_sub(equity).zip(self.threshold.checked_mul(peak));
        sides.is_none_or(|(loss, limit)| loss > limit)
    }
}

fn checked(threshold: Decimal) -> Result<Decimal, RiskConfigError> {
    if threshold > Decimal::ZERO && threshold <= Decimal::ONE {
        Ok(threshold)
    } else {
        Err(RiskConfigError::ThresholdOutOfRange { value: threshold })
    }
}

fn moved(value: Decimal, by: Decimal) -> Option<Decimal> {
    value.checked_add(by)
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(with = "exact")]
    threshold: Decimal,
    #[serde(with = "exact::option")]
    peak: Option<Decimal>,
    #[serde(with = "exact::option")]
    equity: Option<Decimal>,
    is_known: bool,
    halted_at: Option<Timestamp>,
    #[serde(with = "exact")]
    deepest: Decimal,
}

impl TryFrom<Saved> for MaxDrawdownTracker {
    type Error = RiskConfigError;

    fn try_from(saved: Saved) -> Result<Self, RiskConfigError> {
        let refuse = |what, value| Err(RiskConfigError::InvalidState { what, value });
        let mut tracker = Self::new(saved.threshold)?;
        match (saved.peak, saved.equity) {
            (Some(peak), _) if peak <= Decimal::ZERO => return refuse("peak", peak),
            (Some(peak), Some(equity)) if equity > peak => return refuse("equity", equity),
            (None, Some(equity)) => return refuse("equity without a peak", equity),
            (Some(_), None) | (None, None) if saved.is_known => {
                return refuse("equity", Decimal::ZERO);
            }
            (Some(_), Some(_) | None) | (None, None) => {}
        }
        if saved.deepest < Decimal::ZERO {
            return refuse("deepest drawdown", saved.deepest);
        }
        tracker.peak = saved.peak;
        tracker.equity = saved.equity;
        tracker.is_known = saved.is_known;
        tracker.halted_at = saved.halted_at;
        tracker.deepest = saved.deepest;
        Ok(tracker)
    }
}

impl From<MaxDrawdownTracker> for Saved {
    fn from(tracker: MaxDrawdownTracker) -> Self {
        Self {
            threshold: tracker.threshold,
            peak: tracker.peak,
            equity: tracker.equity,
            is_known: tracker.is_known,
            halted_at: tracker.halted_at,
            deepest: tracker.deepest,
        }
    }
}
