use serde::{Deserialize, Serialize};

use crate::risk::{EquityFraction, Sizer, StopPlan};
use crate::strategy::{QuoteKey, Strategy};
use crate::types::{ExecutionPlan, InstrumentId, OrderId, Period, SlotId, SlotStatus, Timestamp};

use super::Policy;

/// A strategy's place in the engine: its universe, feeds, policy and sizer.
///
/// ```
/// use tradewright::engine::{Policy, SlotConfig};
/// use tradewright::strategy::from_fn;
/// use tradewright::types::{Confidence, InstrumentId, Period};
///
/// let strategy = from_fn("ALWAYS_LONG", |event, _, advice| {
///     if event.bar().is_some() {
///         advice.buy(Confidence::FULL);
///     }
/// });
/// let slot = SlotConfig::new(strategy)
///     .trades([InstrumentId(0)])
///     .on_bars(Period::DAY)
///     .policy(Policy::LongFlat);
/// # let _ = slot;
/// ```
pub struct SlotConfig<S> {
    pub(super) strategy: S,
    pub(super) universe: Vec<InstrumentId>,
    pub(super) periods: Vec<Period>,
    pub(super) policy: Policy,
    pub(super) sizer: Box<dyn Sizer>,
    pub(super) stop: Option<StopPlan>,
    pub(super) execution: Option<ExecutionPlan>,
    pub(super) fingerprint: u64,
}

impl<S> SlotConfig<S> {
    /// A slot that trades every instrument on every event, long or flat, a tenth of equity
    /// at a time.
    pub fn new(strategy: S) -> Self {
        Self {
            strategy,
            universe: Vec::new(),
            periods: Vec::new(),
            policy: Policy::default(),
            sizer: Box::new(EquityFraction::default()),
            stop: None,
            execution: None,
            fingerprint: 0,
        }
    }

    /// The strategy's name.
    pub fn name(&self) -> &str
    where
        S: Strategy,
    {
        self.strategy.name()
    }

    /// The hash of name and parameters that was set; 0 for none.
    pub const fn print(&self) -> u64 {
        self.fingerprint
    }

    /// Which instruments; all of the run unless said.
    #[must_use]
    pub fn trades(mut self, universe: impl IntoIterator<Item = InstrumentId>) -> Self {
        self.universe.extend(universe);
        self
    }

    /// Bars of this period are shown to the strategy; say it once per timeframe. All bars are
    /// shown unless said. Prints, quotes, books and the rest are always shown.
    #[must_use]
    pub fn on_bars(mut self, period: Period) -> Self {
        self.periods.push(period);
        self
    }

    /// What signals mean in a position.
    #[must_use]
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How much a signal opens.
    #[must_use]
    pub fn sizer(mut self, sizer: impl Sizer + 'static) -> Self {
        self.sizer = Box::new(sizer);
        self
    }

    /// The engine keeps a protective order for every position of this slot, where the plan
    /// says, in a backtest and live. With several timeframes the plan follows the bars of the
    /// one that was named first.
    ///
    /// The orders are reduce-only. A slot whose position is netted by an opposite one of
    /// another slot has nothing to reduce at the venue: its stop is then cut or refused.
    #[must_use]
    pub fn stop(mut self, plan: StopPlan) -> Self {
        self.stop = Some(plan);
        self
    }

    /// Every target of this slot is reached by child orders as the plan says, whatever the
    /// strategy knows of it. Signals, quotes and targets that stand or fall together go as they
    /// did.
    #[must_use]
    pub fn execution(mut self, plan: ExecutionPlan) -> Self {
        self.execution = Some(plan);
        self
    }

    /// The hash of name and parameters that a snapshot must match.
    #[must_use]
    pub const fn fingerprint(mut self, fingerprint: u64) -> Self {
        self.fingerprint = fingerprint;
        self
    }
}

/// A slot at work.
pub(super) struct Slot<S> {
    pub(super) id: SlotId,
    pub(super) strategy: S,
    pub(super) universe: Vec<InstrumentId>,
    pub(super) periods: Vec<Period>,
    pub(super) policy: Policy,
    pub(super) sizer: Box<dyn Sizer>,
    pub(super) stop: Option<StopPlan>,
    pub(super) execution: Option<ExecutionPlan>,
    pub(super) fingerprint: u64,
    pub(super) memory: SlotMemory,
}

/// What a slot remembers beside its strategy's own state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct SlotMemory {
    pub(super) status: SlotStatus,
    pub(super) wake_at: Option<Timestamp>,
    /// Entries made since the position was flat, by instrument.
    pub(super) entries: Vec<(InstrumentId, u32)>,
    pub(super) quotes: Vec<QuoteState>,
}

/// One of a strategy's quotes and the order that carries it out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct QuoteState {
    pub(super) key: QuoteKey,
    pub(super) order: OrderId,
    /// Rejections in a row.
    pub(super) refusals: u32,
    /// Not tried again before.
    pub(super) pause_until: Timestamp,
}

/// A slot that trades an instrument, with all that an event needs to find its way there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follower {
    /// Index of the slot.
    pub(super) slot: usize,
    pub(super) bars: Bars,
}

/// Which bars a slot is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bars {
    All,
    Of(Period),
    Several,
}

impl Bars {
    pub(super) const fn of(periods: &[Period]) -> Self {
        match periods {
            [] => Self::All,
            [period] => Self::Of(*period),
            [..] => Self::Several,
        }
    }
}

impl<S: Strategy> Slot<S> {
    /// True when this bar period is one of the slot's timeframes.
    #[inline]
    pub(super) fn wants(&self, period: Period) -> bool {
        self.periods.is_empty() || self.periods.contains(&period)
    }

    pub(super) fn entries(&self, instrument: InstrumentId) -> u32 {
        let entry = self.memory.entries.iter().find(|(own, _)| *own == instrument);
        entry.map_or(0, |(_, count)| *count)
    }

    pub(super) fn count_entry(&mut self, instrument: InstrumentId, from_flat: bool) {
        let entries = &mut self.memory.entries;
        match entries.iter_mut().find(|(own, _)| *own == instrument) {
            Some((_, count)) if from_flat => *count = 1,
            Some((_, count)) => *count = count.saturating_add(1),
            None => entries.push((instrument, 1)),
        }
    }
}
