//! How many instructions the engine takes, per bar and per order.
//!
//! Time depends on the machine and its mood, the number of instructions does not. `.ci/run
//! instructions` runs this under callgrind, which counts inside of [`measured`] alone, and
//! fails above the bounds of `.ci/instructions`. By itself it only runs the workloads.
//!
//! The workloads: `bare` is the engine without a strategy, `watched` computes workload C's
//! signal and never trades, `traded` is workload C itself, and `metered` is that with all metrics
//! of the catalogue. What an order costs from the signal to the closed trade is the difference of
//! `traded` and `watched`, over the number of orders; what metrics cost is that of `metered` and
//! `traded`.

#![allow(missing_docs, reason = "a benchmark")]

#[path = "support/mod.rs"]
mod support;
#[path = "support/workload_c.rs"]
mod workload_c;

use tradewright::backtest::{Simulation, Tape};
use tradewright::engine::EngineError;
use tradewright::metrics::{MemoryMetrics, MetricsSink, Tee};
use tradewright::strategy::Strategy;
use workload_c::{
    BandTrader, BandWatcher, TradeCount, simulation_of, simulation_with, wide_limits,
};

/// Enough for some thousand orders, little enough for callgrind.
const BARS: usize = 100_000;

fn main() {
    let asked = std::env::args().nth(1).unwrap_or_default();
    let all = ["bare", "watched", "traded", "metered"];
    let tape = support::workload(BARS);
    // Without a name, or with an option of cargo's, all of them.
    for name in all.into_iter().filter(|name| *name == asked || !all.contains(&&*asked)) {
        let orders = match name {
            "bare" => orders_of(&tape, None::<BandWatcher>),
            "watched" => orders_of(&tape, Some(BandWatcher::new())),
            "traded" => orders_of(&tape, Some(BandTrader::new())),
            _ => orders_metered(&tape),
        };
        println!("{name} bars {BARS} orders {orders}");
    }
}

fn orders_of<S: Strategy>(tape: &Tape, strategy: Option<S>) -> usize {
    let mut simulation = simulation_of(tape, strategy);
    measured(&mut simulation, tape).expect("a sound run");
    // Each trade is one order in and one out.
    2 * simulation.sink().0
}

fn orders_metered(tape: &Tape) -> usize {
    let sink = Tee(TradeCount::default(), MemoryMetrics::default());
    let mut simulation = simulation_with(tape, wide_limits(), sink);
    measured(&mut simulation, tape).expect("a sound run");
    2 * simulation.sink().0.0
}

/// What callgrind counts.
#[inline(never)]
fn measured<S: Strategy, M: MetricsSink>(
    simulation: &mut Simulation<S, M>,
    tape: &Tape,
) -> Result<(), EngineError> {
    simulation.run(tape.events())
}
