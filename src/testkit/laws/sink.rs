use crate::backtest::{Backtest, RunHash, synthetic};
use crate::metrics::MetricsSink;
use crate::risk::{DrawdownGuard, MaxDrawdownTracker, PeakReset};
use crate::testkit::inputs::{Scene, fills, intents, scenes, table};
use crate::testkit::{BrokenLaw, Fault, Suite};
use crate::types::{
    Anomaly, Confidence, Decimal, Fill, Halt, HaltCause, HaltLevel, HaltScope, HaltStep,
    Instrument, InstrumentId, Intent, Label, Money, Order, OrderId, OrderReport, OrderStatus, Qty,
    Reason, ReasonCode, Record, Side, Signal, SlotId, Timestamp, Trade,
};

const HASH: &str = "a reader of records does not change the run";
const RUNS: &str = "a run goes through with a reader of records";

/// Bars of the run that a sink listens to.
const BARS: usize = 600;

impl Suite {
    /// The laws of [`MetricsSink`]: it panics on no record, however extreme its numbers and
    /// however out of place it comes, and a run that it listens to has the hash of a run without
    /// it.
    ///
    /// ```
    /// use tradewright::metrics::MetricsSink;
    /// use tradewright::testkit::Suite;
    /// use tradewright::types::{Record, Timestamp};
    ///
    /// #[derive(Default)]
    /// struct Fills(u64);
    ///
    /// impl MetricsSink for Fills {
    ///     fn record(&mut self, _at: Timestamp, record: &Record<'_>) {
    ///         self.0 += u64::from(matches!(record, Record::Filled { .. }));
    ///     }
    /// }
    ///
    /// Suite::new().cases(16).sink("fills", Fills::default)?;
    /// # Ok::<(), tradewright::testkit::BrokenLaw>(())
    /// ```
    ///
    /// # Errors
    /// [`BrokenLaw`].
    pub fn sink<M: MetricsSink>(&self, name: &str, build: impl Fn() -> M) -> Result<(), BrokenLaw> {
        let runs = Self::new().cases(2).seed(0);
        runs.check(name, &(0_u64..1_000), |seed| {
            let (with, without) = (run(*seed, build())?, run(*seed, ())?);
            Fault::unless(with == without, HASH, || format!("{with}, not {without}"))
        })?;
        let share = share();
        let one = (fills(&share), intents(&share), scenes(), proptest::num::i64::ANY);
        let days = proptest::collection::vec(one, 1..20);
        self.check(name, &days, |days| {
            let mut sink = build();
            for (fill, intent, scene, at) in days {
                tell(&mut sink, Timestamp::from_nanos(*at), fill, intent);
                look(&mut sink, scene);
            }
            Ok(())
        })
    }
}

fn share() -> Instrument {
    // invariant: the testkit's own table starts with a share.
    table().iter().next().cloned().expect("a table with a share")
}

/// A run that trades, is refused and is halted.
fn run<M: MetricsSink>(seed: u64, sink: M) -> Result<RunHash, Fault> {
    let tape = synthetic(BARS, seed);
    let tracker = MaxDrawdownTracker::new(Decimal::new(1, 3));
    let tracker = tracker.map_err(|error| Fault::new(RUNS, error.to_string()))?;
    let guard = DrawdownGuard::new(tracker, PeakReset::Keep);
    let backtest = Backtest::new(&tape).strategy("MEAN_REVERSION").guard(guard);
    let (report, _) =
        backtest.run_with(sink).map_err(|error| Fault::new(RUNS, error.to_string()))?;
    Ok(report.hash)
}

/// The account's facts, unknown equity and missing marks among them.
fn look<M: MetricsSink>(sink: &mut M, scene: &Scene) {
    let blind = Scene { equity: f64::NAN, unmarked: Some(0), ..scene.clone() };
    for scene in [scene, &blind] {
        scene.with_facts(|facts| sink.on_mark(facts));
    }
}

/// Records of each kind, in an order that no engine has.
fn tell<M: MetricsSink>(sink: &mut M, at: Timestamp, fill: &Fill, intent: &Intent) {
    let (slot, instrument, order) = (fill.slot, fill.instrument, fill.order);
    let nan = Reason::new(ReasonCode::Custom(Label::new("odd")), f64::NAN, f64::INFINITY);
    let huge = Money::new(Decimal::MAX, fill.execution.fee.asset);
    let (side, confidence) = (Side::Sell, Confidence::FULL);
    let (tag, reason) = (Label::default(), Label::default());
    let signal = Signal { instrument, side, confidence, tag, reason };
    let placed = Order { id: order, created_at: at, intent: *intent };
    let halt = Halt::new(HaltCause::Drawdown, HaltScope::Account);
    let (unknown_slot, unknown) = (SlotId(u16::MAX), InstrumentId(u32::MAX));
    let (price, report) = (fill.execution.price, OrderReport::Fill(fill.execution));
    let (from, to) = (OrderStatus::Filled, OrderStatus::Pending);
    let trade = Trade {
        slot,
        instrument,
        leg: fill.leg,
        side: fill.side,
        quantity: Qty::new(Decimal::MAX),
        opened_at: at,
        closed_at: Timestamp::EPOCH,
        entry: Decimal::ZERO,
        exit: Decimal::MAX,
        gross: huge,
        fees: Decimal::MIN,
        funding: Decimal::MAX,
        tag,
    };
    let began = Record::Halted { halt: &halt, level: HaltLevel::Halted, step: HaltStep::Began };
    let ended = Record::Halted { halt: &halt, level: HaltLevel::Active, step: HaltStep::Ended };
    let anomaly = Anomaly::UnknownOrder;
    let records = [
        Record::Transition { order, from, to, report: &report },
        Record::Closed { trade: &trade },
        Record::Signal { slot, signal: &signal },
        Record::Passed { slot: unknown_slot, instrument: unknown, reason: &nan },
        Record::Refused { intent, granted: Qty::new(Decimal::MIN), reason: &nan },
        Record::Filled { fill, realised: huge },
        Record::Placed { order: &placed },
        Record::Funded { instrument: unknown, slot: unknown_slot, payment: huge },
        ended,
        began,
        Record::Anomaly { anomaly, order: OrderId::default(), instrument: unknown },
        Record::Doubted { order: OrderId::default() },
        Record::StopMoved { slot, instrument, order, from: None, to: price },
        Record::Failed { slot: unknown_slot, error: "a \"quoted\"\nerror\u{0}" },
    ];
    for record in &records {
        sink.record(at, record);
    }
}
