use std::sync::Arc;

use crate::metrics::MetricsExporter;
use crate::strategy::{Advice, Event, Strategy};
use crate::types::{Facts, State, StateError};
use crate::venue::Clock;

/// Measures how long a strategy takes for each event, by the clock of the edge: the metric
/// `strategy_execution_seconds`. What the strategy says is passed on as it is, so that neither
/// the engine nor a run's hash knows of it.
#[derive(Debug)]
pub struct Stopwatch<S> {
    strategy: S,
    clock: Arc<dyn Clock>,
    exporter: MetricsExporter,
}

impl<S: Strategy> Stopwatch<S> {
    /// Measures a strategy.
    pub const fn new(strategy: S, clock: Arc<dyn Clock>, exporter: MetricsExporter) -> Self {
        Self { strategy, clock, exporter }
    }

    /// The strategy.
    pub const fn strategy(&self) -> &S {
        &self.strategy
    }
}

impl<S: Strategy> Strategy for Stopwatch<S> {
    fn name(&self) -> &str {
        self.strategy.name()
    }

    fn warmup(&self) -> usize {
        self.strategy.warmup()
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        let begin = self.clock.monotonic();
        self.strategy.on_event(event, facts, advice);
        let elapsed = self.clock.monotonic().since(begin);
        self.exporter.strategy_execution(self.strategy.name(), elapsed);
    }
}

impl<S: Strategy> State for Stopwatch<S> {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.strategy.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.strategy.restore(state)
    }
}
