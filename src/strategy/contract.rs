use crate::types::{
    Adjustment, Bar, Facts, Fill, GroupId, Intent, MarketEvent, Reason, State, StateError,
};

use super::Advice;

/// What a strategy is told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The market has moved.
    Market(&'a MarketEvent),
    /// One of its orders was executed, in part or whole.
    Fill(&'a Fill),
    /// Risk or the venue refused what it wanted.
    Refused {
        /// What was refused.
        intent: &'a Intent,
        /// The group that fell with it.
        group: Option<GroupId>,
        /// Why.
        reason: &'a Reason,
    },
    /// The time that it asked for with [`Advice::wake_at`] has come.
    Wake,
    /// An instrument that it trades was split, paid a dividend, expired or the like; positions
    /// are those after it. What remembers prices or quantities has to follow a split.
    Adjusted(&'a Adjustment),
}

impl<'a> Event<'a> {
    /// The bar, where the event is one.
    #[inline]
    pub const fn bar(&self) -> Option<&'a Bar> {
        match self {
            Self::Market(MarketEvent::Bar(bar)) => Some(bar),
            Self::Market(_)
            | Self::Fill(_)
            | Self::Refused { .. }
            | Self::Wake
            | Self::Adjusted(_) => None,
        }
    }
}

/// An object that turns events into advice: the same in backtest, on paper, live and in replay.
///
/// It reads no clock, network or randomness: the time is `facts.at`. State is saved through
/// serde: derive `Serialize` and `Deserialize`.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tradewright::strategy::{Advice, Event, Strategy};
/// use tradewright::types::{Confidence, Facts};
///
/// /// Buys after three rising closes in a row, sells after a falling one.
/// #[derive(Default, Serialize, Deserialize)]
/// struct ThreeUp { last: f64, rising: u32 }
///
/// impl Strategy for ThreeUp {
///     fn name(&self) -> &str { "THREE_UP" }
///
///     fn on_event(&mut self, event: &Event<'_>, _: &Facts<'_>, advice: &mut Advice) {
///         let Some(bar) = event.bar() else { return };
///         self.rising = if bar.close > self.last { self.rising + 1 } else { 0 };
///         self.last = bar.close;
///         match self.rising {
///             0 => advice.sell(Confidence::FULL),
///             3 => advice.buy(Confidence::FULL),
///             _ => {}
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no strategy",
    label = "`Strategy` is not implemented for this type",
    note = "implement `Strategy` (`name` and `on_event`) and derive serde's `Serialize` and \
            `Deserialize`, or make a strategy of a closure with `strategy::from_fn`"
)]
pub trait Strategy: State + Send {
    /// Its name in records and reports.
    fn name(&self) -> &str;

    /// Events of its main feed that it needs before it can say anything.
    fn warmup(&self) -> usize {
        0
    }

    /// Looks at one event and says what to do by writing to `advice`; nothing said, nothing
    /// changes. It fails by [`Advice::fail`]: its slot stops, the others go on.
    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice);
}

impl State for Box<dyn Strategy> {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        (**self).save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        (**self).restore(state)
    }
}

impl Strategy for Box<dyn Strategy> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn warmup(&self) -> usize {
        (**self).warmup()
    }

    #[inline]
    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        (**self).on_event(event, facts, advice);
    }
}
