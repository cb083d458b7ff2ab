//! What the built-in strategies share: one kernel per instrument of the universe.

use serde::{Deserialize, Serialize};

use crate::strategy::{Advice, BuildError, Event, StrategyContext, StrategyError};
use crate::types::{Bar, Facts, Instrument, InstrumentId, StateError, Timestamp};

/// A value per instrument of the universe, found by binary search; one instrument is the rule.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PerInstrument<K> {
    lanes: Vec<(InstrumentId, K)>,
}

impl<K> PerInstrument<K> {
    pub(super) fn new(
        context: &StrategyContext<'_>,
        kernel: impl Fn(&Instrument) -> Result<K, BuildError>,
    ) -> Result<Self, BuildError> {
        let mut lanes = Vec::with_capacity(context.universe().len());
        for instrument in context.traded()? {
            lanes.push((instrument.id, kernel(instrument)?));
        }
        lanes.sort_by_key(|(id, _)| *id);
        lanes.dedup_by_key(|(id, _)| *id);
        Ok(Self { lanes })
    }

    #[inline]
    pub(super) fn find(&mut self, instrument: InstrumentId) -> Option<&mut K> {
        let index = match self.lanes.len() {
            1 => 0,
            _ => self.lanes.binary_search_by_key(&instrument, |(id, _)| *id).ok()?,
        };
        let (found, kernel) = self.lanes.get_mut(index)?;
        (*found == instrument).then_some(kernel)
    }

    /// Replaces the kernels by saved ones of the same instruments.
    pub(super) fn take_over(&mut self, saved: Self) -> Result<(), StateError> {
        if self.ids().ne(saved.ids()) {
            let text = |ids: Vec<u32>| format!("state of instruments {ids:?}");
            let (expected, found) = (text(self.ids().collect()), text(saved.ids().collect()));
            return Err(StateError::Mismatch { expected, found });
        }
        *self = saved;
        Ok(())
    }

    fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.lanes.iter().map(|(id, _)| id.0)
    }
}

/// What looks at the bars of one instrument.
pub(super) trait BarKernel {
    fn on_bar(&mut self, at: Timestamp, bar: &Bar, advice: &mut Advice) -> Result<(), BarError>;
}

/// Hands a bar to the kernel of its instrument; other events and instruments are passed over.
#[inline]
pub(super) fn dispatch<K: BarKernel>(
    lanes: &mut PerInstrument<K>,
    event: &Event<'_>,
    facts: &Facts<'_>,
    advice: &mut Advice,
) {
    let Some(bar) = event.bar() else { return };
    let Some(kernel) = lanes.find(bar.instrument) else { return };
    if let Err(error) = kernel.on_bar(facts.at, bar, advice) {
        advice.fail(error.explain(facts, bar.instrument));
    }
}

/// Why a kernel cannot take a bar.
#[derive(Debug)]
pub(super) enum BarError {
    /// A number that is not on the instrument's grid, or no number that a market has.
    OffGrid { what: &'static str, value: f64, digits: u8 },
    /// An indicator's refusal.
    Refused(String),
}

impl From<crate::math::InputError> for BarError {
    #[cold]
    fn from(error: crate::math::InputError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<crate::types::DataError> for BarError {
    #[cold]
    fn from(error: crate::types::DataError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl BarError {
    #[cold]
    pub(super) fn explain(&self, facts: &Facts<'_>, instrument: InstrumentId) -> StrategyError {
        let symbol = facts.instruments.get(instrument).map_or("?", |i| i.symbol.as_str());
        StrategyError::new(match self {
            Self::OffGrid { what, value, digits } => format!(
                "{symbol}: {what} {value} is not on the instrument's grid of {digits} decimals; \
                 give the instrument finer digits or the strategy \"arithmetic\": \"float\""
            ),
            Self::Refused(message) => format!("{symbol}: {message}"),
        })
    }
}

/// `State` and `Strategy` of a type with the fields `identity` and `lanes`.
macro_rules! bar_strategy {
    ($type:ident, $name:expr, |$self:ident| $warmup:expr) => {
        impl $crate::types::State for $type {
            fn save(&self) -> Result<Vec<u8>, $crate::types::StateError> {
                self.identity.save(&self.lanes)
            }

            fn restore(&mut self, state: &[u8]) -> Result<(), $crate::types::StateError> {
                self.lanes.take_over(self.identity.read(state)?)
            }
        }

        impl $crate::strategy::Strategy for $type {
            fn name(&self) -> &str {
                $name
            }

            fn warmup(&$self) -> usize {
                $warmup
            }

            #[inline]
            fn on_event(
                &mut self,
                event: &$crate::strategy::Event<'_>,
                facts: &$crate::types::Facts<'_>,
                advice: &mut $crate::strategy::Advice,
            ) {
                dispatch(&mut self.lanes, event, facts, advice);
            }
        }
    };
}
pub(super) use bar_strategy;
