//! Workload C: in below mean - 2 deviations, out above the mean, one unit, next open, fee 0.1 %.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "shared by benches and tests, each uses a part"
)]

use std::cmp::Ordering;
use std::hint::black_box;

use serde::{Deserialize, Serialize};
use tradewright::backtest::{Digest, Simulation, Tape};
use tradewright::engine::{Control, Engine, Input, SlotConfig};
use tradewright::math::Ratio;
use tradewright::math::exact::{BandPlace, Deviation, MeanBand};
use tradewright::metrics::Tee;
use tradewright::prelude::*;
use tradewright::risk::{BreakerLimits, Ceiling, RiskManager};
use tradewright::sim::SimVenue;
use tradewright::types::{Adjustment, AdjustmentCause, AdjustmentKind, Grid, Money, Record};

/// The exact answer, by integer arithmetic: round trips, final equity, fees.
pub const ANSWER: (usize, &str, &str) = (18_566, "983158.35", "16634.57");

/// The strategy of workload C.
#[derive(Clone, Serialize, Deserialize)]
pub struct BandTrader {
    band: MeanBand,
    grid: Grid,
}

impl BandTrader {
    pub fn new() -> Self {
        let two = Ratio { numerator: 2, denominator: 1 };
        let band = MeanBand::new(20, two, Deviation::Population).expect("sound parameters");
        Self { band, grid: Grid::CENTS }
    }
}

impl BandTrader {
    // What the caller doesn't ask of the answer is not computed.
    #[inline(always)]
    fn look(&mut self, bar: &Bar) -> Option<BandPlace> {
        self.band.update(self.grid.ticks(bar.close)?)
    }
}

impl Strategy for BandTrader {
    fn name(&self) -> &str {
        "WORKLOAD_C"
    }

    #[inline]
    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        let Some(bar) = event.bar() else { return };
        let Some(place) = self.look(bar) else { return };
        if facts.position(bar.instrument).is_flat() {
            if place.to_lower == Ordering::Less {
                advice.buy(Confidence::FULL);
            }
        } else if place.to_mean == Ordering::Greater {
            advice.sell(Confidence::FULL);
        }
    }
}

/// Computes the same signal and never trades.
#[derive(Clone, Serialize, Deserialize)]
pub struct BandWatcher(BandTrader);

impl BandWatcher {
    pub fn new() -> Self {
        Self(BandTrader::new())
    }
}

impl Strategy for BandWatcher {
    fn name(&self) -> &str {
        "WATCHER"
    }

    #[inline]
    fn on_event(&mut self, event: &Event<'_>, _facts: &Facts<'_>, _advice: &mut Advice) {
        if let Some(bar) = event.bar() {
            black_box(self.0.look(bar));
        }
    }
}

/// In at one bar and out at the next, so that every bar has a fill.
#[derive(Clone, Serialize, Deserialize)]
pub struct Churner;

impl Strategy for Churner {
    fn name(&self) -> &str {
        "CHURNER"
    }

    #[inline]
    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        let Some(bar) = event.bar() else { return };
        if facts.position(bar.instrument).is_flat() {
            advice.buy(Confidence::FULL);
        } else {
            advice.sell(Confidence::FULL);
        }
    }
}

/// Counts closed trades and keeps nothing, so that memory stays flat.
#[derive(Clone, Copy, Debug, Default)]
pub struct TradeCount(pub usize);

impl MetricsSink for TradeCount {
    #[inline]
    fn record(&mut self, _at: Timestamp, record: &Record<'_>) {
        if let Record::Closed { .. } = record {
            self.0 += 1;
        }
    }
}

/// The limits, all on and so wide that every trade occurs.
pub fn wide_limits() -> EnhancedRiskManager {
    EnhancedRiskManager::builder()
        .max_drawdown("0.9".parse().expect("a number"))
        .max_position_fraction(0.5)
        .breaker(BreakerLimits {
            max_consecutive_losses: 1_000_000,
            max_trades_per_hour: 100,
            ..BreakerLimits::default()
        })
        .gross_exposure(Ceiling::OfEquity(0.9))
        .net_exposure(Ceiling::OfEquity(0.9))
        .symbol_exposure(Ceiling::Amount(500_000.0))
        .leverage(1.0)
        .build()
        .expect("sound limits")
}

/// Engine, venue and ledger with fees, limits and run hash, ready for the first bar.
pub fn simulation(tape: &Tape) -> Simulation<BandTrader, TradeCount> {
    simulation_under(tape, wide_limits())
}

/// The same under another risk manager.
pub fn simulation_under(
    tape: &Tape,
    risk: impl RiskManager + 'static,
) -> Simulation<BandTrader, TradeCount> {
    simulation_with(tape, risk, TradeCount::default())
}

/// The same with another reader of records.
pub fn simulation_with<M: MetricsSink>(
    tape: &Tape,
    risk: impl RiskManager + 'static,
    sink: M,
) -> Simulation<BandTrader, M> {
    assembled(tape, Some(BandTrader::new()), risk, sink)
}

/// The same around another strategy, or around none.
pub fn simulation_of<S: Strategy>(tape: &Tape, strategy: Option<S>) -> Simulation<S, TradeCount> {
    assembled(tape, strategy, wide_limits(), TradeCount::default())
}

fn assembled<S: Strategy, M: MetricsSink>(
    tape: &Tape,
    strategy: Option<S>,
    risk: impl RiskManager + 'static,
    sink: M,
) -> Simulation<S, M> {
    let instruments = tape.instruments().clone();
    let cash = instruments.find_asset("CASH").expect("the quote currency");
    let rate: Decimal = "0.001".parse().expect("a number");
    let config = SimConfig::default().with_fees(FeeSchedule::flat(rate, rate));
    let venue = SimVenue::new(&instruments, config).expect("a sound venue");
    let mut engine = Engine::builder(instruments, cash);
    if let Some(strategy) = strategy {
        let sizer = FixedQuantity::new(Decimal::ONE).expect("a sound size");
        engine = engine.slot(SlotConfig::new(strategy).on_bars(Period::MINUTE).sizer(sizer));
    }
    let engine = engine.risk(risk).sink(Tee(Digest::new(), sink)).build().expect("a sound engine");
    let mut simulation = Simulation::new(engine, venue);
    let deposit = AdjustmentKind::Capital(Money::new(Decimal::from(1_000_000), cash));
    let deposit = Adjustment { cause: AdjustmentCause::Deposit, kind: deposit };
    let first = tape.events().first().expect("a bar").at.before(std::time::Duration::from_secs(60));
    simulation.input(first, &Input::Adjustment(deposit)).expect("a sound deposit");
    simulation.input(first, &Input::Control(Control::Heartbeat)).expect("a sound control");
    simulation
}
