//! A manager of many guards is told few of the bars, and decides as one that is told all of them:
//! halts, refusals, orders and fills are the same.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use tradewright::backtest::{RunHash, Tape, Timed};
use tradewright::engine::{Command, Control, Engine, EngineError, Input, SlotConfig};
use tradewright::math::{TailEstimator, TailModel};
use tradewright::metrics::MetricsSink;
use tradewright::prelude::{FixedQuantity, Period};
use tradewright::risk::*;
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, Amount, DayBoundary, Decimal, FillReport,
    InstrumentId, Liquidity, MarketEvent, Money, Order, OrderReport, OrderUpdate, Price, Qty,
    Record, SlotId, Timestamp, TradeId,
};

use crate::calm::{Count, Spy};
use crate::risk::hearing::Told;
use crate::support;
use crate::workload_c_support::{BandTrader, simulation_under};

const ASSET: InstrumentId = InstrumentId(0);

/// Limits that a day of the tape reaches now and then.
#[derive(Clone, Debug)]
struct Limits {
    jump: f64,
    silence: u64,
    daily_loss: u32,
    var: f64,
    row_seconds: u64,
    losses: u32,
    heartbeat_seconds: u64,
    /// Of so many bars in a row the last ones are missing.
    gap: (usize, usize),
}

fn limits() -> impl Strategy<Value = Limits> {
    let row = prop::sample::select(vec![0_u64, 300, 3_600]);
    let gap = (20..90_usize, 1..15_usize);
    (5e-4..3e-3_f64, 90..900_u64, 1..30_u32, 1.0..40.0_f64, row, 3..50_u32, gap).prop_map(
        |(jump, silence, daily_loss, var, row_seconds, losses, gap)| Limits {
            losses,
            heartbeat_seconds: 50_000,
            jump,
            silence,
            daily_loss,
            var,
            row_seconds,
            gap,
        },
    )
}

impl Limits {
    fn manager(&self, is_open: bool, count: &Arc<Count>) -> Spy<RealtimeRiskManager> {
        let sound = "sound limits";
        let silence = Some(Duration::from_secs(self.silence));
        let data = DataLimits { silence, jump: Some(self.jump), sound_events: 3 };
        let data = DataQualityGuard::new(ASSET, data).expect(sound);
        let model = TailModel::new(TailEstimator::Gaussian, 0.99, 1.0).expect(sound);
        let figures = PortfolioRiskSettings {
            model,
            window: 12,
            minimum_rows: 2,
            row_spacing: Duration::from_secs(self.row_seconds),
            ..PortfolioRiskSettings::default()
        };
        let portfolio = PortfolioRisk::new(figures, [ASSET]).expect(sound);
        let portfolio = PortfolioGuard::new(portfolio).var_limit(Ceiling::Amount(self.var));
        let portfolio = portfolio.expect(sound);
        let dead = DeadManGuard::new(Duration::from_secs(self.heartbeat_seconds)).expect(sound);
        let loss = DailyLimit::Amount(self.daily_loss.into());
        let builder = RealtimeRiskManager::builder()
            .max_drawdown("0.9".parse().expect("a number"))
            .max_position_fraction(1.0)
            .breaker(BreakerLimits {
                max_consecutive_losses: self.losses,
                max_trades_per_hour: 100,
                ..BreakerLimits::default()
            })
            .daily_loss(loss, DayBoundary::UTC);
        let builder = if is_open {
            let builder = builder.with_guard(Box::new(data)).with_guard(Box::new(dead));
            builder.with_guard(Box::new(portfolio))
        } else {
            let builder = builder.with_guard(Box::new(Told(data))).with_guard(Box::new(Told(dead)));
            builder.with_guard(Box::new(Told(portfolio)))
        };
        Spy { manager: builder.build().expect(sound), is_open, count: Arc::clone(count) }
    }

    /// The tape with holes, in which the data are silent.
    fn events(&self, tape: &Tape) -> Vec<Timed> {
        let (every, missing) = self.gap;
        let is_there = |index: &usize| index % every < every - missing.min(every - 1);
        let events = tape.events().iter().enumerate();
        events.filter(|(index, _)| is_there(index)).map(|(_, timed)| timed.clone()).collect()
    }
}

/// In the simulation, which serves deadlines.
fn simulated(limits: &Limits, tape: &Tape, is_open: bool) -> (RunHash, Arc<Count>) {
    let count = Arc::default();
    let mut simulation = simulation_under(tape, limits.manager(is_open, &count));
    simulation.run(&limits.events(tape)).expect("a sound run");
    (simulation.hash(), count)
}

/// All records with their times.
#[derive(Default)]
struct Records(Vec<(Timestamp, String)>);

impl MetricsSink for Records {
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        self.0.push((at, format!("{record:?}")));
    }
}

impl Records {
    /// In order of time; within an instant in any. A guard that was left out keeps an earlier
    /// deadline than it would, and whom it makes the engine tell of the time (a breaker whose
    /// cooldown is over) speaks before what came at that instant and not after it.
    fn by_time(&self) -> Vec<(Timestamp, String)> {
        let mut sorted = self.0.clone();
        sorted.sort();
        sorted
    }
}

/// An engine whose host has no timer: deadlines are met by what comes next, which is a fill of an
/// order of the bar before, a change of the position, a heartbeat, or the next bar.
struct Host {
    engine: Engine<BandTrader, Records>,
    commands: Vec<Command>,
    fills: u128,
}

impl Host {
    fn new(tape: &Tape, risk: Spy<RealtimeRiskManager>) -> Self {
        let instruments = tape.instruments().clone();
        let cash = instruments.find_asset("CASH").expect("the quote currency");
        let sizer = FixedQuantity::new(Decimal::ONE).expect("a sound size");
        let slot = SlotConfig::new(BandTrader::new()).on_bars(Period::MINUTE).sizer(sizer);
        let engine = Engine::builder(instruments, cash).slot(slot).risk(risk);
        let engine = engine.sink(Records::default());
        let engine = engine.build().expect("a sound engine");
        Self { engine, commands: Vec::new(), fills: 0 }
    }

    fn tell(&mut self, at: Timestamp, input: &Input) -> Result<(), EngineError> {
        self.engine.handle(at, input, &mut self.commands)
    }

    fn run(&mut self, events: &[Timed]) -> Result<(), EngineError> {
        let cash = self.engine.instruments().find_asset("CASH").expect("the quote currency");
        let adjust = |cause, kind| Input::Adjustment(Adjustment { cause, kind });
        let capital = AdjustmentKind::Capital(Money::new(Decimal::from(100_000), cash));
        let mut price = Decimal::ONE_THOUSAND;
        for (index, timed) in events.iter().enumerate() {
            let at = timed.at;
            for command in std::mem::take(&mut self.commands) {
                if let Command::Place(order) = command {
                    self.fill(at, &order, price, cash)?;
                }
            }
            if index % 331 == 0 {
                self.tell(at, &adjust(AdjustmentCause::Deposit, capital))?;
                self.tell(at, &Input::Control(Control::Heartbeat))?;
            }
            if index % 47 == 3 {
                let change = Decimal::from(if index % 2 == 0 { 3 } else { -2 });
                let (slot, price) = (SlotId(1), Price::new(price).expect("above zero"));
                let change = Qty::new(change);
                let kind = AdjustmentKind::Position { slot, instrument: ASSET, change, price };
                self.tell(at, &adjust(AdjustmentCause::Reconciliation, kind))?;
            }
            self.tell(at, &Input::Market(timed.event.clone()))?;
            if let MarketEvent::Bar(bar) = &timed.event {
                price = Decimal::from_f64_retain(bar.close).expect("a number").round_dp(2);
            }
        }
        Ok(())
    }

    fn fill(
        &mut self,
        at: Timestamp,
        order: &Order,
        price: Decimal,
        cash: tradewright::types::AssetId,
    ) -> Result<(), EngineError> {
        let intent = &order.intent;
        let Amount::Quantity(quantity) = intent.amount else { return Ok(()) };
        let price = Price::new(price).expect("above zero");
        self.fills += 1;
        let report = OrderReport::Fill(FillReport {
            trade: TradeId(self.fills),
            price,
            quantity,
            fee: Money::new(Decimal::ONE, cash),
            liquidity: Liquidity::Taker,
            before_slippage: price,
        });
        let (order, instrument, side, leg) = (order.id, intent.instrument, intent.side, intent.leg);
        self.tell(at, &Input::Order(OrderUpdate { order, instrument, side, leg, report }))
    }
}

type Outcome = (Vec<(Timestamp, String)>, u128, Arc<Count>);

fn alone(limits: &Limits, tape: &Tape, is_open: bool) -> Outcome {
    let count = Arc::default();
    let mut host = Host::new(tape, limits.manager(is_open, &count));
    host.run(&limits.events(tape)).expect("a sound run");
    (host.engine.sink().by_time(), host.fills, count)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn guards_that_are_told_little_decide_the_same_in_a_simulation(limits in limits()) {
        let tape = support::workload(4_000);
        let (calm, told) = (simulated(&limits, &tape, true), simulated(&limits, &tape, false));
        prop_assert_eq!(calm.0, told.0);
        let changes = |count: &Count| count.changes.load(Ordering::Relaxed);
        prop_assert_eq!(changes(&calm.1), changes(&told.1));
        prop_assert!(changes(&calm.1) > 0, "halts come and go");
    }

    #[test]
    fn guards_that_are_told_little_decide_the_same_without_timers(limits in limits()) {
        let tape = support::workload(4_000);
        let (calm, told) = (alone(&limits, &tape, true), alone(&limits, &tape, false));
        let differs = calm.0.iter().zip(&told.0).find(|(calm, told)| calm != told);
        prop_assert_eq!(differs, None);
        prop_assert_eq!((calm.0.len(), calm.1), (told.0.len(), told.1));
        let changes = |count: &Count| count.changes.load(Ordering::Relaxed);
        prop_assert_eq!(changes(&calm.2), changes(&told.2));
    }
}

/// A breaker's cooldown ends at the instant of a change that comes from outside.
#[test]
fn a_cooldown_that_ends_with_a_change_ends_at_the_same_time() {
    let limits = Limits {
        jump: 0.001_358_307_134_742_464_6,
        silence: 301,
        daily_loss: 1,
        var: 1.0,
        row_seconds: 0,
        losses: 10,
        heartbeat_seconds: 50_000,
        gap: (85, 13),
    };
    let tape = support::workload(4_000);
    let (calm, told) = (alone(&limits, &tape, true), alone(&limits, &tape, false));
    assert_eq!((calm.0, calm.1), (told.0, told.1));
}

/// Wide limits, as in a quiet market: hardly anything is told.
#[test]
fn bars_of_a_quiet_market_are_not_told() {
    let limits = Limits {
        jump: 0.5,
        silence: 86_400,
        daily_loss: 100_000,
        var: 1e9,
        row_seconds: 86_400,
        losses: 1_000_000,
        heartbeat_seconds: 1_000_000,
        gap: (4_001, 1),
    };
    let tape = support::workload(4_000);
    let (calm, told) = (simulated(&limits, &tape, true), simulated(&limits, &tape, false));
    assert_eq!(calm.0, told.0);
    let facts = [&calm.1, &told.1].map(|count| count.facts.load(Ordering::Relaxed));
    assert!(facts[1] > 8_000 && facts[0] < 1_000, "{facts:?}");
}
