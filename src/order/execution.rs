use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{Classification, Classify};
use crate::types::{
    ExecutionEnd, ExecutionMethod, ExecutionPlan, Grid, Instrument, Jitter, OrderKind, Price,
    Remainder, Timestamp, exact, to_f64,
};

/// Refused children in a row after which a parent is given up.
const MOST_REFUSALS: u32 = 8;

/// The pause after a refused child; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What quotients of exact numbers may lack, as a part of a step.
const ROUNDING: f64 = 1e-9;

/// A parent order at work: says when which child is due. It sends nothing itself and keeps no
/// account of its children; whoever drives it tells what they have filled and what they may
/// still fill, and does what it says.
///
/// Whatever it is told, a child never is for more than the parent less what is filled and what
/// is working. The engine drives one for every
/// [`Advice::execute`](crate::strategy::Advice::execute).
///
/// ```
/// use core::time::Duration;
/// use tradewright::order::{Execution, ExecutionStep, Progress};
/// use tradewright::types::{
///     Decimal, ExecutionPlan, Instrument, Instruments, OrderKind, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let id = table.add(Instrument::stock("ACME", "USD"))?;
/// let (start, minute) = (Timestamp::EPOCH, Duration::from_secs(60));
/// let plan = ExecutionPlan::twap(2 * minute, 2)?;
/// let mut parent = Execution::new(start, plan, Decimal::from(7), &table[id])?;
///
/// let mut progress = Progress::default();
/// let first = parent.next(start, progress, Decimal::ONE);
/// let half = ExecutionStep::Send { quantity: Decimal::from(3), kind: OrderKind::Market };
/// assert_eq!(first, half);
///
/// progress.filled = Decimal::from(3);
/// assert_eq!(parent.next(start, progress, Decimal::ONE), ExecutionStep::Wait);
/// assert_eq!(parent.deadline(start), Some(start.after(minute)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    plan: ExecutionPlan,
    #[serde(with = "exact")]
    quantity: Decimal,
    #[serde(with = "exact")]
    step: Decimal,
    ends_at: Option<Timestamp>,
    /// When how much is to be out at most, both rising; empty for plans without a schedule.
    schedule: Vec<Due>,
    /// What the market has traded since the beginning.
    volume: f64,
    stage: Stage,
    refusals: u32,
    pause_until: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Due {
    at: Timestamp,
    #[serde(with = "exact")]
    quantity: Decimal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// Children leave as they come due.
    Slicing,
    /// The time is over: what rests is taken back, then the remainder leaves.
    Clearing,
    /// The remainder has left.
    Last,
    /// Nothing more leaves; it is over once no child works.
    Ending(ExecutionEnd),
}

/// How far the children are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What all children have filled.
    pub filled: Decimal,
    /// What those that are not over may still fill.
    pub working: Decimal,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionStep {
    /// Nothing.
    Wait,
    /// A child is due.
    Send {
        /// How much, above zero and on the step.
        quantity: Decimal,
        /// A market or a limit order.
        kind: OrderKind,
    },
    /// The children that work are to be taken back.
    Withdraw,
    /// It is over, and no child works any more.
    Over(ExecutionEnd),
}

/// Why a parent order cannot be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutionError {
    /// The quantity is not above zero or not a whole number of steps.
    #[error("a parent quantity of {quantity} is not above zero and on the step of {step}")]
    Quantity {
        /// The refused quantity.
        quantity: Decimal,
        /// The instrument's step.
        step: Decimal,
    },
    /// The schedule's sums have more than 28 digits.
    #[error("the schedule of a quantity of {quantity} overflows")]
    Overflow {
        /// The refused quantity.
        quantity: Decimal,
    },
}

impl Classify for ExecutionError {
    fn classification(&self) -> Classification {
        Classification::INPUT
    }
}

impl Execution {
    /// Begins a parent order of a quantity above zero on the instrument's step.
    ///
    /// # Errors
    /// [`ExecutionError`].
    pub fn new(
        at: Timestamp,
        plan: ExecutionPlan,
        quantity: Decimal,
        instrument: &Instrument,
    ) -> Result<Self, ExecutionError> {
        let step = instrument.step;
        if quantity <= Decimal::ZERO || !instrument.is_on_step(quantity) {
            return Err(ExecutionError::Quantity { quantity, step });
        }
        let ends_at = plan.span().map(|span| at.after(span));
        let schedule = schedule(at, &plan, quantity, instrument)
            .ok_or(ExecutionError::Overflow { quantity })?;
        Ok(Self {
            plan,
            quantity,
            step,
            ends_at,
            schedule,
            volume: 0.0,
            stage: Stage::Slicing,
            refusals: 0,
            pause_until: Timestamp::from_nanos(i64::MIN),
        })
    }

    /// How it is split.
    pub const fn plan(&self) -> &ExecutionPlan {
        &self.plan
    }

    /// How much it is for.
    pub const fn quantity(&self) -> Decimal {
        self.quantity
    }

    /// True once nothing more will be sent.
    pub const fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::Ending(_))
    }

    /// The market has traded so much; only a participation looks at it. What is not above zero
    /// counts as nothing, and so does what no finite sum takes.
    pub fn on_volume(&mut self, quantity: f64) {
        let volume = self.volume + quantity;
        if quantity > 0.0 && volume.is_finite() {
            self.volume = volume;
        }
    }

    /// Nothing more is to be sent, and what works is to be taken back.
    pub const fn end(&mut self, why: ExecutionEnd) {
        if !self.is_ending() {
            self.stage = Stage::Ending(why);
        }
    }

    /// The parent is for no more than this from now on; it never grows.
    pub fn cut(&mut self, quantity: Decimal) {
        self.quantity = self.quantity.min(quantity.max(Decimal::ZERO));
        for due in &mut self.schedule {
            due.quantity = due.quantity.min(self.quantity);
        }
    }

    /// A child was refused, granted in part, or ended by the venue before it was filled: the
    /// next one waits, and after several in a row none comes.
    pub fn refused(&mut self, at: Timestamp) {
        // What was taken back on purpose is no refusal.
        if self.is_withdrawing() {
            return;
        }
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals >= MOST_REFUSALS {
            return self.end(ExecutionEnd::Refused);
        }
        self.pause_until = at.after(FIRST_PAUSE.saturating_mul(1 << (self.refusals - 1)));
        if self.stage == Stage::Last {
            self.stage = Stage::Clearing;
        }
    }

    /// A child was filled, in part or whole.
    pub const fn advanced(&mut self) {
        self.refusals = 0;
    }

    /// True while children are taken back on purpose.
    const fn is_withdrawing(&self) -> bool {
        match self.stage {
            Stage::Clearing => self.plan.limit().is_some(),
            Stage::Ending(_) => true,
            Stage::Slicing | Stage::Last => false,
        }
    }

    /// What is to be done at this time. `minimum` is the smallest quantity that the venue takes
    /// now. When a child is to be sent, it counts as sent: tell of a refusal with
    /// [`Execution::refused`].
    pub fn next(&mut self, at: Timestamp, progress: Progress, minimum: Decimal) -> ExecutionStep {
        let Progress { filled, working } = progress;
        let Some(committed) = filled.checked_add(working) else { return ExecutionStep::Withdraw };
        if filled >= self.quantity {
            // Nothing is left to be done; what still works would be too much.
            self.end(ExecutionEnd::Filled);
        }
        let is_over_time = self.ends_at.is_some_and(|end| at >= end);
        if self.stage == Stage::Slicing && is_over_time && !self.is_immediate() {
            match self.plan.left_over() {
                Remainder::Abandon => self.end(ExecutionEnd::GivenUp),
                Remainder::Market => self.stage = Stage::Clearing,
            }
        }
        let rest = self.quantity.checked_sub(committed).unwrap_or_default();
        match self.stage {
            Stage::Ending(why) if working.is_zero() => ExecutionStep::Over(why),
            Stage::Ending(_) => ExecutionStep::Withdraw,
            _ if rest < Decimal::ZERO => ExecutionStep::Withdraw,
            Stage::Clearing if self.plan.limit().is_some() && !working.is_zero() => {
                ExecutionStep::Withdraw
            }
            Stage::Clearing => self.send_last(at, (rest, working), minimum),
            Stage::Last if working.is_zero() => {
                self.end(ExecutionEnd::GivenUp);
                ExecutionStep::Over(ExecutionEnd::GivenUp)
            }
            Stage::Last => ExecutionStep::Wait,
            Stage::Slicing => self.slice(at, (committed, working), rest, minimum),
        }
    }

    /// When it has to be looked at again, later than `after`; `None` when only news of the
    /// market or of its children can move it.
    pub fn deadline(&self, after: Timestamp) -> Option<Timestamp> {
        if self.is_ending() {
            return None;
        }
        let next = self.schedule.partition_point(|due| due.at <= after);
        let due = self.schedule.get(next).map(|due| due.at);
        let times = [due, self.ends_at, Some(self.pause_until)];
        times.into_iter().flatten().filter(|time| *time > after).min()
    }

    /// How much is to be out at most at this time.
    pub fn due(&self, at: Timestamp) -> Decimal {
        match self.plan.method() {
            ExecutionMethod::Twap { .. } | ExecutionMethod::Vwap { .. } => {
                let passed = self.schedule.partition_point(|due| due.at <= at);
                let last = passed.checked_sub(1).and_then(|last| self.schedule.get(last));
                last.map_or(Decimal::ZERO, |due| due.quantity)
            }
            ExecutionMethod::Participation { rate } => {
                let steps = (rate * self.volume / to_f64(self.step) + ROUNDING).floor();
                let steps = Grid::UNITS.nearest(steps);
                let due = steps.and_then(|steps| steps.checked_mul(self.step));
                due.map_or(self.quantity, |due| due.min(self.quantity))
            }
            ExecutionMethod::Iceberg { .. } => self.quantity,
        }
    }

    /// True when nothing of a saved state contradicts itself.
    pub fn is_sound(&self) -> bool {
        let rises = |pair: &[Due]| match pair {
            [one, two] => one.at <= two.at && one.quantity <= two.quantity,
            _ => true,
        };
        self.step > Decimal::ZERO
            && self.quantity >= Decimal::ZERO
            && self.volume >= 0.0
            && self.volume.is_finite()
            && self.schedule.windows(2).all(rises)
            && self.schedule.iter().all(|due| due.quantity <= self.quantity)
    }

    /// All at once: the only slice is the remainder, and there is no time to be over.
    fn is_immediate(&self) -> bool {
        self.plan.span().is_some_and(|span| span.is_zero())
    }

    fn slice(
        &mut self,
        at: Timestamp,
        (committed, working): (Decimal, Decimal),
        rest: Decimal,
        minimum: Decimal,
    ) -> ExecutionStep {
        let visible = match self.plan.method() {
            ExecutionMethod::Iceberg { visible } => Some(visible.value()),
            _ => None,
        };
        if at < self.pause_until || (visible.is_some() && !working.is_zero()) {
            return ExecutionStep::Wait;
        }
        let open = self.due(at).checked_sub(committed).unwrap_or_default();
        let child = floor(open.min(rest).min(visible.unwrap_or(Decimal::MAX)), self.step);
        let child = leave_enough(child, rest, minimum, self.step);
        if child > Decimal::ZERO && child >= minimum {
            let kind = kind_of(self.plan.limit());
            return ExecutionStep::Send { quantity: child, kind };
        }
        let is_all_due = visible.is_some() || open >= rest;
        if working.is_zero() && is_all_due {
            // An iceberg's part is smaller than the venue takes, or the whole rest is.
            self.end(ExecutionEnd::GivenUp);
            return ExecutionStep::Over(ExecutionEnd::GivenUp);
        }
        ExecutionStep::Wait
    }

    fn send_last(
        &mut self,
        at: Timestamp,
        (rest, working): (Decimal, Decimal),
        minimum: Decimal,
    ) -> ExecutionStep {
        if at < self.pause_until {
            return ExecutionStep::Wait;
        }
        self.stage = Stage::Last;
        let quantity = floor(rest, self.step);
        if quantity > Decimal::ZERO && quantity >= minimum {
            return ExecutionStep::Send { quantity, kind: OrderKind::Market };
        }
        if working.is_zero() {
            self.end(ExecutionEnd::GivenUp);
            return ExecutionStep::Over(ExecutionEnd::GivenUp);
        }
        ExecutionStep::Wait
    }
}

/// A child that leaves either nothing or a quantity that can be sent.
fn leave_enough(child: Decimal, rest: Decimal, minimum: Decimal, step: Decimal) -> Decimal {
    let left = rest.checked_sub(child).unwrap_or_default();
    if left <= Decimal::ZERO || left >= minimum {
        return child;
    }
    let smaller = floor(rest.checked_sub(minimum).unwrap_or_default(), step);
    // Where both cannot be, the child leaves and what is left is given up in the end.
    if smaller >= minimum { smaller.min(child) } else { child }
}

fn floor(quantity: Decimal, step: Decimal) -> Decimal {
    let rest = quantity.checked_rem(step).unwrap_or_default();
    quantity.checked_sub(rest).unwrap_or_default().normalize()
}

const fn kind_of(limit: Option<Price>) -> OrderKind {
    match limit {
        Some(price) => OrderKind::Limit { price },
        None => OrderKind::Market,
    }
}

/// Times and cumulative quantities; `None` on overflow.
fn schedule(
    at: Timestamp,
    plan: &ExecutionPlan,
    quantity: Decimal,
    instrument: &Instrument,
) -> Option<Vec<Due>> {
    let span = plan.span().unwrap_or_default();
    match plan.method() {
        ExecutionMethod::Twap { slices, jitter } => {
            let count = Decimal::from(*slices);
            (0..*slices)
                .map(|slice| {
                    let part =
                        quantity.checked_mul(Decimal::from(slice + 1))?.checked_div(count)?;
                    let late = jitter.map_or(0.0, |jitter| lateness(jitter, slice));
                    let begins = moment(at, span, (u64::from(slice), late), u64::from(*slices));
                    Some(Due { at: begins, quantity: instrument.floor_to_step(part)? })
                })
                .collect()
        }
        ExecutionMethod::Vwap { profile } => {
            let total: f64 = profile.iter().sum();
            let digits = Grid::new(12).ok()?;
            let count = profile.len() as u64;
            let mut sum = 0.0;
            let mut dues = Vec::with_capacity(profile.len());
            for (slice, part) in (0u64..).zip(profile) {
                sum += part;
                let is_last = slice + 1 == count;
                let share = digits.nearest((sum / total).min(1.0))?;
                let part = if is_last { quantity } else { quantity.checked_mul(share)? };
                let begins = moment(at, span, (slice, 0.0), count);
                dues.push(Due { at: begins, quantity: instrument.floor_to_step(part)? });
            }
            Some(dues)
        }
        ExecutionMethod::Participation { .. } | ExecutionMethod::Iceberg { .. } => Some(Vec::new()),
    }
}

/// When a slice begins, which may come late by a part of the distance.
fn moment(at: Timestamp, span: Duration, (slice, late): (u64, f64), slices: u64) -> Timestamp {
    let (span, slices) = (span.as_nanos(), u128::from(slices.max(1)));
    let early = span.saturating_mul(u128::from(slice)) / slices;
    let late = (late * (span / slices) as f64) as u128;
    at.after(Duration::from_nanos(u64::try_from(early.saturating_add(late)).unwrap_or(u64::MAX)))
}

/// The part of the distance by which a slice comes late: the mix of `SplitMix64` (Steele, Lea and
/// Flood, 2014) over seed and slice.
fn lateness(jitter: Jitter, slice: u32) -> f64 {
    let mut word =
        jitter.seed.wrapping_add(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(u64::from(slice) + 1));
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^= word >> 31;
    // 53 bits make a fraction below 1.
    jitter.fraction * ((word >> 11) as f64 / 9_007_199_254_740_992.0)
}
