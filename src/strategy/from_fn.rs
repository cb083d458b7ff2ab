use crate::types::{Facts, State, StateError};

use super::{Advice, Event, Strategy};

/// A strategy from a name and a closure, for first steps and tests.
///
/// What the closure keeps in its captured variables cannot be saved; a strategy that is to
/// survive restarts is a type with serde.
///
/// ```
/// use tradewright::strategy::from_fn;
/// use tradewright::types::Confidence;
///
/// let strategy = from_fn("ALWAYS_LONG", |event, _facts, advice| {
///     if event.bar().is_some() {
///         advice.buy(Confidence::FULL);
///     }
/// });
/// # use tradewright::strategy::Strategy;
/// assert_eq!(strategy.name(), "ALWAYS_LONG");
/// ```
pub fn from_fn<F>(name: &'static str, on_event: F) -> FnStrategy<F>
where
    F: FnMut(&Event<'_>, &Facts<'_>, &mut Advice) + Send,
{
    FnStrategy { name, on_event }
}

/// The strategy that [`from_fn`] makes.
#[derive(Clone)]
pub struct FnStrategy<F> {
    name: &'static str,
    on_event: F,
}

impl<F> State for FnStrategy<F> {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        Err(StateError::Unwritable(format!("`{}` is a closure", self.name)))
    }

    fn restore(&mut self, _state: &[u8]) -> Result<(), StateError> {
        Err(StateError::Unreadable(format!("`{}` is a closure", self.name)))
    }
}

impl<F> Strategy for FnStrategy<F>
where
    F: FnMut(&Event<'_>, &Facts<'_>, &mut Advice) + Send,
{
    fn name(&self) -> &str {
        self.name
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        (self.on_event)(event, facts, advice);
    }
}
