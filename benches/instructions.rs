//! How many instructions the engine takes, per bar, per order and per review.
//!
//! Time depends on the machine and its mood, the number of instructions does not. `.ci/run
//! instructions` runs this under callgrind, which counts inside of [`measured`] alone, and
//! fails above the bounds of `.ci/instructions`. By itself it only runs the workloads.
//!
//! The workloads: `bare` is the engine without a strategy, `watched` computes workload C's
//! signal and never trades, `traded` is workload C itself, and `metered` is that with all metrics
//! of the catalogue. What an order costs from the signal to the closed trade is the difference of
//! `traded` and `watched`, over the number of orders; what metrics cost is that of `metered` and
//! `traded`. `daily` and `ruled` are workload C under every built-in rule, with portfolio figures
//! per day and per bar; `review` is the review of one order under all of them, with 50 positions
//! and 20 open orders, of which a mark has moved before each review and an order before each tenth
//! (moving them is counted too), and `still` is the same while nothing moves.

#![allow(missing_docs, reason = "a benchmark")]

#[path = "support/every_rule.rs"]
mod every_rule;
#[path = "support/mod.rs"]
mod support;
#[path = "support/workload_c.rs"]
mod workload_c;

use std::hint::black_box;
use std::time::Duration;

use every_rule::Crowd;
use tradewright::backtest::{Simulation, Tape};
use tradewright::engine::EngineError;
use tradewright::math::{TailEstimator, TailModel};
use tradewright::metrics::{MemoryMetrics, MetricsSink, Tee};
use tradewright::risk::{Assessment, PortfolioRiskSettings, RiskManager};
use tradewright::strategy::Strategy;
use tradewright::types::InstrumentId;
use workload_c::{
    BandTrader, BandWatcher, TradeCount, simulation_of, simulation_under, simulation_with,
    wide_limits,
};

/// Enough for some thousand orders, little enough for callgrind.
const BARS: usize = 100_000;

const REVIEWS: usize = 1_000;

const DAY: Duration = Duration::from_secs(86_400);

fn main() {
    let asked = std::env::args().nth(1).unwrap_or_default();
    let all = ["bare", "watched", "traded", "metered", "daily", "ruled", "review", "still"];
    let tape = support::workload(BARS);
    // Without a name, or with an option of cargo's, all of them.
    for name in all.into_iter().filter(|name| *name == asked || !all.contains(&&*asked)) {
        let (units, orders) = match name {
            "bare" => (BARS, orders_of(simulation_of(&tape, None::<BandWatcher>), &tape)),
            "watched" => (BARS, orders_of(simulation_of(&tape, Some(BandWatcher::new())), &tape)),
            "traded" => (BARS, orders_of(simulation_of(&tape, Some(BandTrader::new())), &tape)),
            "metered" => (BARS, orders_metered(&tape)),
            "daily" => (BARS, orders_of(simulation_under(&tape, every_rule(DAY)), &tape)),
            "ruled" => {
                (BARS, orders_of(simulation_under(&tape, every_rule(Duration::ZERO)), &tape))
            }
            _ => (REVIEWS, reviews(name == "review")),
        };
        println!("{name} units {units} orders {orders}");
    }
}

fn every_rule(row_spacing: Duration) -> impl RiskManager {
    let model = TailModel::new(TailEstimator::Gaussian, 0.99, 1.0).expect("sound parameters");
    let figures = PortfolioRiskSettings { model, minimum_rows: 2, ..Default::default() };
    let figures = PortfolioRiskSettings { row_spacing, ..figures };
    every_rule::every_rule(&[InstrumentId(0)], figures)
}

fn orders_of<S: Strategy>(mut simulation: Simulation<S, TradeCount>, tape: &Tape) -> usize {
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

fn reviews(moves: bool) -> usize {
    let mut crowd = Crowd::new();
    let mut out = Assessment::default();
    crowd.manager.review(&[Crowd::buy()], &crowd.facts(), &mut out);
    assert!(out.approved, "{:?}", out.findings);
    measured_reviews(&mut crowd, moves, &mut out)
}

/// What callgrind counts.
#[inline(never)]
fn measured<S: Strategy, M: MetricsSink>(
    simulation: &mut Simulation<S, M>,
    tape: &Tape,
) -> Result<(), EngineError> {
    simulation.run(tape.events())
}

#[inline(never)]
fn measured_reviews(crowd: &mut Crowd, moves: bool, out: &mut Assessment) -> usize {
    let intent = Crowd::buy();
    for _ in 0..REVIEWS {
        if moves {
            crowd.step();
        }
        let facts = crowd.facts();
        crowd.manager.review(black_box(&[intent]), black_box(&facts), out);
    }
    REVIEWS
}
