use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::strategy::{Advice, Advised, BuildError, Event, Strategy, StrategyContext};
use crate::types::{Facts, InstrumentId, State, StateError};

/// A strategy inside of another one, by name: `{"name": "BREAKOUT", "parameters": {...}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberSpec {
    /// Its name in the registry.
    pub name: String,
    /// Its parameters; what is missing has its default.
    #[serde(default = "empty")]
    pub parameters: Value,
}

impl MemberSpec {
    /// A strategy with its defaults.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), parameters: empty() }
    }

    /// Builds it from the registry that is building the strategy around it.
    ///
    /// # Errors
    /// As [`StrategyContext::build`].
    pub fn build(&self, context: &StrategyContext<'_>) -> Result<Box<dyn Strategy>, BuildError> {
        context.build(&self.name, &self.parameters)
    }
}

/// A member of a vote: a strategy and its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoterSpec {
    /// Its name in the registry.
    pub name: String,
    /// How much its signals count, above zero.
    #[serde(default = "one")]
    pub weight: f64,
    /// Its parameters; what is missing has its default.
    #[serde(default = "empty")]
    pub parameters: Value,
}

impl VoterSpec {
    /// A strategy with its defaults and a weight.
    pub fn new(name: &str, weight: f64) -> Self {
        Self { name: name.to_owned(), weight, parameters: empty() }
    }
}

fn empty() -> Value {
    Value::Object(Map::new())
}

fn one() -> f64 {
    1.0
}

/// A strategy that is listened to: what it says goes into a buffer of its own.
pub(super) struct Member {
    pub(super) strategy: Box<dyn Strategy>,
    advice: Advice,
}

impl Member {
    pub(super) fn new(strategy: Box<dyn Strategy>) -> Self {
        Self { strategy, advice: Advice::new() }
    }

    /// Hands the event on and answers what was said; `None` when the member failed, which is then
    /// the failure of the strategy around it.
    pub(super) fn listen(
        &mut self,
        event: &Event<'_>,
        facts: &Facts<'_>,
        advice: &mut Advice,
    ) -> Option<&[Advised]> {
        self.advice.begin(advice.instrument());
        self.strategy.on_event(event, facts, &mut self.advice);
        if let Some(error) = self.advice.error() {
            advice.fail(format!("{}: {error}", self.strategy.name()));
            return None;
        }
        Some(self.advice.items())
    }
}

impl State for Member {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.strategy.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.strategy.restore(state)
    }
}

/// A value per instrument in the order in which they were first seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen<T> {
    values: Vec<(InstrumentId, T)>,
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<T> Seen<T> {
    pub(super) fn find(&self, instrument: InstrumentId) -> Option<&T> {
        self.values.iter().find(|(id, _)| *id == instrument).map(|(_, value)| value)
    }

    pub(super) fn entry(
        &mut self,
        instrument: InstrumentId,
        new: impl FnOnce() -> T,
    ) -> Option<&mut T> {
        let place = self.values.iter().position(|(id, _)| *id == instrument);
        let place = place.unwrap_or_else(|| {
            self.values.push((instrument, new()));
            self.values.len() - 1
        });
        self.values.get_mut(place).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(InstrumentId, T)> {
        self.values.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut (InstrumentId, T)> {
        self.values.iter_mut()
    }
}
