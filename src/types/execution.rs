//! How a parent order is split into children over time, and what is told of parents.

use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Classification, Classify};
use super::{InstrumentId, Label, ParentId, Price, Qty, Side, SlotId, exact};

/// Most slices of a schedule.
const MOST_SLICES: usize = 10_000;

/// How the way to a target is split into child orders.
///
/// A plan is a wish without a quantity: a strategy says it with
/// [`Advice::execute`](crate::strategy::Advice::execute), a host for all targets of a slot with
/// [`SlotConfig::execution`](crate::engine::SlotConfig::execution). Children are market orders
/// unless the plan has a limit; together they never are for more than the parent.
///
/// ```
/// use core::time::Duration;
/// use tradewright::types::{ExecutionPlan, Remainder};
///
/// let half_an_hour = Duration::from_secs(1_800);
/// let plan = ExecutionPlan::twap(half_an_hour, 6)?.jittered(42, 0.5)?;
/// assert_eq!(plan.left_over(), Remainder::Market);
/// assert!(ExecutionPlan::participation(half_an_hour, 1.5).is_err());
/// # Ok::<(), tradewright::types::PlanError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct ExecutionPlan {
    method: ExecutionMethod,
    span: Option<Duration>,
    limit: Option<Price>,
    remainder: Remainder,
}

/// By what the children are measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExecutionMethod {
    /// Equal slices at equal distances (time-weighted average price).
    Twap {
        /// How many.
        slices: u32,
        /// How far each may come late.
        jitter: Option<Jitter>,
    },
    /// Slices at equal distances in the proportions of a volume profile (volume-weighted
    /// average price).
    Vwap {
        /// The volume that is expected between one slice and the next, in any unit.
        profile: Vec<f64>,
    },
    /// A fraction of the volume that the market trades.
    Participation {
        /// The fraction, above 0 and at most 1.
        rate: f64,
    },
    /// One limit order at a time, of a part of the quantity.
    Iceberg {
        /// The part that the market may see.
        visible: Qty,
    },
}

/// Slices that come late by a part of their distance, the same for the same seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Jitter {
    /// Where the sequence begins.
    pub seed: u64,
    /// The most, as a fraction of the distance between slices, 0 to 1.
    pub fraction: f64,
}

/// What becomes of a quantity that is not filled when the time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remainder {
    /// It is sent at the market, whatever the limit or the participation was.
    Market,
    /// It is given up.
    Abandon,
}

impl ExecutionPlan {
    /// All of it now, at the market.
    pub const fn at_once() -> Self {
        let method = ExecutionMethod::Twap { slices: 1, jitter: None };
        let span = Some(Duration::ZERO);
        Self { method, span, limit: None, remainder: Remainder::Market }
    }

    /// Equal slices over a span of time, the first at once; what is left goes at the market
    /// when the span is over.
    ///
    /// # Errors
    /// [`PlanError::Slices`] unless there are 1 to 10,000, [`PlanError::Span`] for none.
    pub fn twap(span: Duration, slices: u32) -> Result<Self, PlanError> {
        let method = ExecutionMethod::Twap { slices, jitter: None };
        Self { method, span: Some(span), limit: None, remainder: Remainder::Market }.checked()
    }

    /// Slices over a span of time in the proportions of a volume profile, the first at once;
    /// what is left goes at the market when the span is over.
    ///
    /// # Errors
    /// [`PlanError::Slices`] unless there are 1 to 10,000, [`PlanError::Profile`] for a number
    /// below zero or not finite, and for a profile of zeros.
    pub fn vwap(span: Duration, profile: impl Into<Vec<f64>>) -> Result<Self, PlanError> {
        let method = ExecutionMethod::Vwap { profile: profile.into() };
        Self { method, span: Some(span), limit: None, remainder: Remainder::Market }.checked()
    }

    /// At most a fraction of the volume that the market trades from now on, for a span of time
    /// at most; what is left is then given up. The market's volume counts our own fills, too.
    /// It is taken from prints or, where there are none, from the bars of the slot's first
    /// timeframe, when they close.
    ///
    /// # Errors
    /// [`PlanError::Rate`] unless it is above 0 and at most 1, [`PlanError::Span`] for none.
    pub fn participation(span: Duration, rate: f64) -> Result<Self, PlanError> {
        let method = ExecutionMethod::Participation { rate };
        Self { method, span: Some(span), limit: None, remainder: Remainder::Abandon }.checked()
    }

    /// One limit order of at most `visible` after the other, until all is filled; see
    /// [`ExecutionPlan::within`] for an end.
    ///
    /// # Errors
    /// [`PlanError::Visible`] unless it is above zero.
    pub fn iceberg(visible: Qty, limit: Price) -> Result<Self, PlanError> {
        let method = ExecutionMethod::Iceberg { visible };
        Self { method, span: None, limit: Some(limit), remainder: Remainder::Abandon }.checked()
    }

    /// Lets the slices of a TWAP come late by up to a fraction of their distance, so that they
    /// are not to be foreseen. The seed is an input: the same one gives the same times.
    ///
    /// # Errors
    /// [`PlanError::Jitter`] unless the fraction is 0 to 1 and the plan a TWAP.
    pub fn jittered(mut self, seed: u64, fraction: f64) -> Result<Self, PlanError> {
        match &mut self.method {
            ExecutionMethod::Twap { jitter, .. } => *jitter = Some(Jitter { seed, fraction }),
            ExecutionMethod::Vwap { .. }
            | ExecutionMethod::Participation { .. }
            | ExecutionMethod::Iceberg { .. } => return Err(PlanError::Jitter { fraction }),
        }
        self.checked()
    }

    /// Children are limit orders at this price, and what is left at the end is given up unless
    /// [`ExecutionPlan::finishing`] says otherwise.
    #[must_use]
    pub const fn limited(mut self, limit: Price) -> Self {
        self.limit = Some(limit);
        self.remainder = Remainder::Abandon;
        self
    }

    /// The execution is over after this span of time.
    ///
    /// # Errors
    /// [`PlanError::Span`] for none.
    pub fn within(mut self, span: Duration) -> Result<Self, PlanError> {
        self.span = Some(span);
        self.checked()
    }

    /// What becomes of the quantity that is left at the end.
    #[must_use]
    pub const fn finishing(mut self, remainder: Remainder) -> Self {
        self.remainder = remainder;
        self
    }

    /// By what children are measured.
    pub const fn method(&self) -> &ExecutionMethod {
        &self.method
    }

    /// How long it lasts at most; `None` without an end.
    pub const fn span(&self) -> Option<Duration> {
        self.span
    }

    /// The worst price of the children.
    pub const fn limit(&self) -> Option<Price> {
        self.limit
    }

    /// What becomes of the quantity that is left at the end.
    pub const fn left_over(&self) -> Remainder {
        self.remainder
    }

    /// True for a plan that is measured by the market's volume.
    pub const fn follows_volume(&self) -> bool {
        matches!(self.method, ExecutionMethod::Participation { .. })
    }

    fn checked(self) -> Result<Self, PlanError> {
        let slices = |count: usize| {
            if (1..=MOST_SLICES).contains(&count) {
                Ok(())
            } else {
                Err(PlanError::Slices { count })
            }
        };
        let mut may_be_now = false;
        match &self.method {
            ExecutionMethod::Twap { slices: count, jitter } => {
                slices(usize::try_from(*count).unwrap_or(usize::MAX))?;
                may_be_now = *count == 1;
                if let Some(Jitter { fraction, .. }) = *jitter
                    && !(0.0..=1.0).contains(&fraction)
                {
                    return Err(PlanError::Jitter { fraction });
                }
            }
            ExecutionMethod::Vwap { profile } => {
                slices(profile.len())?;
                let sum: f64 = profile.iter().sum();
                let bad = profile.iter().copied().find(|part| !(*part >= 0.0 && part.is_finite()));
                if let Some(value) = bad.or((!(sum > 0.0 && sum.is_finite())).then_some(sum)) {
                    return Err(PlanError::Profile { value });
                }
            }
            ExecutionMethod::Participation { rate } => {
                if !(*rate > 0.0 && *rate <= 1.0) {
                    return Err(PlanError::Rate { rate: *rate });
                }
            }
            ExecutionMethod::Iceberg { visible } => {
                if visible.value() <= Decimal::ZERO || self.limit.is_none() {
                    return Err(PlanError::Visible { quantity: visible.value() });
                }
            }
        }
        if self.span.is_some_and(|span| span.is_zero()) && !may_be_now {
            return Err(PlanError::Span);
        }
        Ok(self)
    }
}

/// Why a plan was refused; the configuration has to be corrected.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A schedule has 1 to 10,000 slices.
    #[error("{count} slices are not 1 to 10,000")]
    Slices {
        /// The refused number.
        count: usize,
    },
    /// Several slices need time.
    #[error("a span of time above zero is needed")]
    Span,
    /// A volume profile holds numbers of at least zero, not all of them zero.
    #[error("a volume profile with {value} is none")]
    Profile {
        /// The refused number, or the sum.
        value: f64,
    },
    /// The part of the market's volume is no fraction.
    #[error("a participation of {rate} is not above 0 and at most 1")]
    Rate {
        /// The refused rate.
        rate: f64,
    },
    /// Slices of a TWAP alone come late, and by no more than their distance.
    #[error("a jitter of {fraction} is not 0 to 1 of the distance of a TWAP's slices")]
    Jitter {
        /// The refused fraction.
        fraction: f64,
    },
    /// The visible part is not above zero, or there is no limit price to show it at.
    #[error("an iceberg needs a limit price and a visible quantity above zero, not {quantity}")]
    Visible {
        /// The refused quantity.
        quantity: Decimal,
    },
}

impl Classify for PlanError {
    fn classification(&self) -> Classification {
        Classification::INPUT
    }
}

/// A parent order, as records tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParentOrder {
    /// Its number; its children are linked to it.
    pub id: ParentId,
    /// Whose.
    pub slot: SlotId,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much in all.
    pub quantity: Qty,
    /// What its children have filled.
    pub filled: Qty,
    /// The mark when it began; NaN when unknown.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub arrival: f64,
    /// The strategy's word.
    pub tag: Label,
}

/// What happened to a parent order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParentStep {
    /// It began.
    Began,
    /// It is over.
    Ended(ExecutionEnd),
}

/// Why a parent order is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionEnd {
    /// All of it was filled.
    Filled,
    /// Its time was over, or what was left is too small to be sent.
    GivenUp,
    /// It was taken back or replaced by another wish, or its position was closed.
    Cancelled,
    /// A halt has ended what would have opened exposure.
    Halted,
    /// Its children were refused too often in a row.
    Refused,
    /// The instrument was split, settled or exercised: its quantity means something else now.
    Adjusted,
}

#[derive(Serialize, Deserialize)]
struct Unchecked {
    method: ExecutionMethod,
    span: Option<Duration>,
    limit: Option<Price>,
    remainder: Remainder,
}

impl TryFrom<Unchecked> for ExecutionPlan {
    type Error = PlanError;

    fn try_from(plan: Unchecked) -> Result<Self, PlanError> {
        let Unchecked { method, span, limit, remainder } = plan;
        Self { method, span, limit, remainder }.checked()
    }
}

impl From<ExecutionPlan> for Unchecked {
    fn from(plan: ExecutionPlan) -> Self {
        let ExecutionPlan { method, span, limit, remainder } = plan;
        Self { method, span, limit, remainder }
    }
}
