use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::{StopGauge, StopVolatility};
use crate::math::ParameterError;
use crate::risk::DrawdownSchedule;
use crate::types::{Classification, Classify};

/// Where a position's stop begins and how it follows.
///
/// The stop begins at the initial width from the entry, on the losing side. From then on it is
/// the nearest of all that the plan's parts ask for, and it never moves away from the price:
/// what it has reached it keeps for the life of the position.
///
/// ```
/// use core::time::Duration;
/// use tradewright::risk::{BreakEven, DrawdownSchedule, StopPlan, StopVolatility, StopWidth};
///
/// let plan = StopPlan::new(StopWidth::Multiple(2.5))?
///     .measured_by(StopVolatility::Atr { period: 20 })?
///     .chandelier(StopWidth::Multiple(3.0))?
///     .break_even(BreakEven { after: StopWidth::Multiple(2.0), lock: 0.001 })?
///     .time(Duration::from_secs(40 * 86_400))?
///     .tightened(DrawdownSchedule::default())?;
/// assert_eq!(plan.width(100.0, Some(2.0)), Some(5.0));
/// # Ok::<(), tradewright::risk::StopPlanError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopPlan {
    pub(super) initial: StopWidth,
    pub(super) volatility: StopVolatility,
    pub(super) trailing: Option<StopWidth>,
    pub(super) chandelier: Option<StopWidth>,
    pub(super) break_even: Option<BreakEven>,
    pub(super) longest: Option<Duration>,
    pub(super) schedule: Option<DrawdownSchedule>,
}

/// A distance from a price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum StopWidth {
    /// A fraction of the price, above 0 and below 1.
    Fraction(f64),
    /// A multiple of the usual move that the plan measures, above 0 and at most 1,000.
    Multiple(f64),
}

/// The stop comes to the entry once the position has gained enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakEven {
    /// The gain from the entry, seen on a mark or close.
    pub after: StopWidth,
    /// How far past the entry, as a fraction of it, 0 or above and below 1: room for costs.
    pub lock: f64,
}

impl StopPlan {
    /// A stop at this width from the entry, with a 14-bar average true range as usual move.
    ///
    /// # Errors
    /// [`StopPlanError::BadWidth`].
    pub fn new(initial: StopWidth) -> Result<Self, StopPlanError> {
        Ok(Self {
            initial: initial.checked()?,
            volatility: StopVolatility::default(),
            trailing: None,
            chandelier: None,
            break_even: None,
            longest: None,
            schedule: None,
        })
    }

    /// What widths are multiples of.
    ///
    /// # Errors
    /// [`StopPlanError::BadWindow`].
    pub fn measured_by(self, volatility: StopVolatility) -> Result<Self, StopPlanError> {
        StopGauge::new(volatility)?;
        Ok(Self { volatility, ..self })
    }

    /// Follows the best mark or close since the entry at this width.
    ///
    /// # Errors
    /// [`StopPlanError::BadWidth`].
    pub fn trailing(self, width: StopWidth) -> Result<Self, StopPlanError> {
        Ok(Self { trailing: Some(width.checked()?), ..self })
    }

    /// Follows the highest high since the entry (the lowest low of a short position) at this
    /// width (Le Beau's chandelier).
    ///
    /// # Errors
    /// [`StopPlanError::BadWidth`].
    pub fn chandelier(self, width: StopWidth) -> Result<Self, StopPlanError> {
        Ok(Self { chandelier: Some(width.checked()?), ..self })
    }

    /// Comes to the entry once the position has gained enough.
    ///
    /// # Errors
    /// [`StopPlanError::BadWidth`] for the gain or the lock.
    pub fn break_even(self, rule: BreakEven) -> Result<Self, StopPlanError> {
        rule.after.checked()?;
        if !(0.0..1.0).contains(&rule.lock) {
            return Err(StopPlanError::BadWidth { value: rule.lock });
        }
        Ok(Self { break_even: Some(rule), ..self })
    }

    /// Ends a position that has been open for so long, at the market.
    ///
    /// # Errors
    /// [`StopPlanError::NoTime`] for no time at all.
    pub fn time(self, longest: Duration) -> Result<Self, StopPlanError> {
        if longest.is_zero() {
            return Err(StopPlanError::NoTime);
        }
        Ok(Self { longest: Some(longest), ..self })
    }

    /// Narrows every width as the account's drawdown grows.
    ///
    /// # Errors
    /// [`StopPlanError::BadWidth`] for a schedule that ends at zero: a stop needs a distance.
    pub fn tightened(self, schedule: DrawdownSchedule) -> Result<Self, StopPlanError> {
        let last = schedule.scale(f64::NAN);
        if !(last > 0.0) {
            return Err(StopPlanError::BadWidth { value: last });
        }
        Ok(Self { schedule: Some(schedule), ..self })
    }

    /// What widths are multiples of.
    pub const fn volatility(&self) -> StopVolatility {
        self.volatility
    }

    /// The initial distance from a price without a drawdown, in the quote currency; `None`
    /// while the usual move is needed and not known.
    pub fn width(&self, price: f64, volatility: Option<f64>) -> Option<f64> {
        self.initial.of(price, volatility)
    }

    /// What is left of every width at a drawdown; one that is not known narrows nothing.
    pub fn scale(&self, drawdown: f64) -> f64 {
        match &self.schedule {
            Some(schedule) if !drawdown.is_nan() => schedule.scale(drawdown),
            Some(_) | None => 1.0,
        }
    }
}

impl StopWidth {
    /// The distance from a price, above zero and finite; `None` while it is not known.
    pub fn of(self, price: f64, volatility: Option<f64>) -> Option<f64> {
        let width = match self {
            Self::Fraction(fraction) => price * fraction,
            Self::Multiple(multiple) => volatility? * multiple,
        };
        (width > 0.0 && width.is_finite()).then_some(width)
    }

    fn checked(self) -> Result<Self, StopPlanError> {
        let (value, is_sound) = match self {
            Self::Fraction(value) => (value, value > 0.0 && value < 1.0),
            Self::Multiple(value) => (value, value > 0.0 && value <= 1_000.0),
        };
        if is_sound { Ok(self) } else { Err(StopPlanError::BadWidth { value }) }
    }
}

/// Why a stop plan was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StopPlanError {
    /// A fraction must be above 0 and below 1, a multiple above 0 and at most 1,000.
    #[error("width {value} is out of its range")]
    BadWidth {
        /// The refused value.
        value: f64,
    },
    /// The window of the usual move is too short or too long.
    #[error(transparent)]
    BadWindow(#[from] ParameterError),
    /// A position needs some time.
    #[error("a time stop of no time would never let a position live")]
    NoTime,
}

impl Classify for StopPlanError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}
