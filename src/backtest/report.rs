use core::fmt;

use serde::Serialize;

use crate::metrics::{MetricsSink, Tee};
use crate::strategy::Strategy;
use crate::types::{Fill, Money, Trade};

use super::{
    Collector, EquityPoint, OrderRow, Plan, RefusalRow, RunHash, SignalRow, Simulation, Tape,
};

/// What a run has brought.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The fingerprint of the run.
    pub hash: RunHash,
    /// The equity curve.
    pub equity: Vec<EquityPoint>,
    /// Closed trades.
    pub trades: Vec<Trade>,
    /// Executions and what they realised.
    pub fills: Vec<(Fill, Money)>,
    /// Orders.
    pub orders: Vec<OrderRow>,
    /// Opinions.
    pub signals: Vec<SignalRow>,
    /// Refused or shrunk intents.
    pub refusals: Vec<RefusalRow>,
    /// Share of instants that ended with an open position.
    pub exposure: Option<f64>,
}

impl Report {
    pub(super) fn new<S: Strategy, M: MetricsSink>(
        tape: &Tape,
        plan: &Plan,
        simulation: Simulation<S, Tee<Collector, M>>,
    ) -> (Self, M) {
        let mut digest = super::Digest::new();
        digest.text(&tape.hash().to_string());
        digest.text(&serde_json::to_string(plan).unwrap_or_default());
        digest.text(&simulation.hash().to_string());
        let Tee(collector, sink) = simulation.into_sink();
        let report = Self {
            hash: digest.value(),
            exposure: collector.exposure(),
            equity: collector.equity,
            trades: collector.trades,
            fills: collector.fills,
            orders: collector.orders,
            signals: collector.signals,
            refusals: collector.refusals,
        };
        (report, sink)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "run hash {}", self.hash)
    }
}
