use serde::{Deserialize, Serialize};

use crate::types::{AlertAction, AlertLevel, Facts, HaltScope, Label, to_f64};
use crate::types::{Classification, Classify};

/// A number that is watched, with the value that raises an alert and the value that clears it.
///
/// ```
/// use tradewright::alert::{Condition, Measure};
/// use tradewright::types::{AlertAction, AlertLevel};
///
/// let drawdown = Condition::above("drawdown", Measure::Drawdown, 0.10, 0.08)?
///     .level(AlertLevel::Error)
///     .action(AlertAction::ReducePosition);
/// # let _ = drawdown;
/// # Ok::<(), tradewright::alert::AlertConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub(super) code: Label,
    pub(super) measure: Measure,
    pub(super) raise: f64,
    pub(super) clear: f64,
    pub(super) level: AlertLevel,
    pub(super) action: AlertAction,
    pub(super) scope: HaltScope,
}

/// What can be watched on every mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Equity in the reporting currency.
    Equity,
    /// How far equity is below its peak since the board was made, a fraction of the peak.
    Drawdown,
    /// The value of all positions without signs, in the reporting currency.
    Gross,
    /// Gross value over equity.
    Leverage,
    /// Number of working orders.
    WorkingOrders,
    /// Cash of the reporting currency.
    Cash,
}

impl Condition {
    /// Raised above one value (strictly), cleared at another one that is no higher.
    ///
    /// # Errors
    /// [`AlertConfigError`] for a code that is empty, a value that is not finite, and values in
    /// the wrong order.
    pub fn above(
        code: &str,
        measure: Measure,
        raise: f64,
        clear: f64,
    ) -> Result<Self, AlertConfigError> {
        Self::checked(code, measure, raise, clear, clear <= raise)
    }

    /// Raised below one value (strictly), cleared at another one that is no lower.
    ///
    /// # Errors
    /// As [`Condition::above`].
    pub fn below(
        code: &str,
        measure: Measure,
        raise: f64,
        clear: f64,
    ) -> Result<Self, AlertConfigError> {
        Self::checked(code, measure, raise, clear, clear > raise)
    }

    fn checked(
        code: &str,
        measure: Measure,
        raise: f64,
        clear: f64,
        is_ordered: bool,
    ) -> Result<Self, AlertConfigError> {
        if code.is_empty() {
            return Err(AlertConfigError::NoCode);
        }
        if !(raise.is_finite() && clear.is_finite() && is_ordered) {
            return Err(AlertConfigError::BadValues { raise, clear });
        }
        Ok(Self {
            code: Label::new(code),
            measure,
            raise,
            clear,
            level: AlertLevel::Warning,
            action: AlertAction::Notify,
            scope: HaltScope::Account,
        })
    }

    /// How bad it is; a warning unless said.
    #[must_use]
    pub const fn level(mut self, level: AlertLevel) -> Self {
        self.level = level;
        self
    }

    /// What it asks for; NOTIFY unless said.
    #[must_use]
    pub const fn action(mut self, action: AlertAction) -> Self {
        self.action = action;
        self
    }

    /// Where its action applies; the account unless said.
    #[must_use]
    pub const fn scope(mut self, scope: HaltScope) -> Self {
        self.scope = scope;
        self
    }

    /// True when the value raises the alert; an unknown value does.
    pub(super) fn is_raised_by(&self, value: f64) -> bool {
        if self.is_above() { !(value <= self.raise) } else { !(value >= self.raise) }
    }

    /// True when the value clears the alert; an unknown value does not.
    pub(super) fn is_cleared_by(&self, value: f64) -> bool {
        if self.is_above() { value <= self.clear } else { value >= self.clear }
    }

    /// True when the value is worse than the worst so far; an unknown one is, once.
    pub(super) fn is_worse(&self, value: f64, worst: f64) -> bool {
        if value.is_nan() || worst.is_nan() {
            return value.is_nan() && !worst.is_nan();
        }
        if self.is_above() { value > worst } else { value < worst }
    }

    fn is_above(&self) -> bool {
        self.clear <= self.raise
    }
}

impl Measure {
    /// The value now; `peak` is the highest equity so far. NaN where it is not defined.
    pub(super) fn of(self, facts: &Facts<'_>, peak: f64) -> f64 {
        let (equity, gross) = (facts.equity(), facts.book.gross());
        match self {
            Self::Equity => equity,
            Self::Drawdown if peak > 0.0 => (peak - equity) / peak,
            // Nothing was ever there to lose.
            Self::Drawdown => 0.0,
            Self::Gross => gross,
            Self::Leverage if gross == 0.0 => 0.0,
            Self::Leverage if equity > 0.0 => gross / equity,
            Self::Leverage => f64::NAN,
            Self::WorkingOrders => {
                let all = facts.instruments.iter();
                all.map(|entry| f64::from(facts.book.working(entry.id).orders)).sum()
            }
            Self::Cash => to_f64(facts.book.cash(facts.book.reporting())),
        }
    }
}

/// Why a condition was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AlertConfigError {
    /// An alert needs a code.
    #[error("an alert needs a code")]
    NoCode,
    /// The values must be finite, and the clearing one on the good side of the raising one.
    #[error("an alert cannot be raised at {raise} and cleared at {clear}")]
    BadValues {
        /// Where it would be raised.
        raise: f64,
        /// Where it would be cleared.
        clear: f64,
    },
    /// Two conditions share a code.
    #[error("two alerts have the code `{code}`")]
    Repeated {
        /// The code.
        code: Label,
    },
}

impl Classify for AlertConfigError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}
