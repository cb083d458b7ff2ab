//! Executions in front of the simulated venue: a portfolio through slices, participation in the
//! volume of real steps, stops beside slices, and the history that must not be known.

use std::time::Duration;

use tradewright::backtest::{Backtest, Report, Tape, look_ahead};
use tradewright::engine::SlotConfig;
use tradewright::metrics::MetricsSink;
use tradewright::risk::{StopPlan, StopWidth};
use tradewright::strategy::{Strategy, from_fn};
use tradewright::types::{
    Bar, Decimal, ExecutionEnd, ExecutionPlan, Instrument, InstrumentId, Instruments, Linkage,
    MarketEvent, ParentOrder, ParentStep, Period, Purpose, Qty, Record, Side, Timestamp, to_f64,
};

use super::floor::{MINUTE, twap};

/// Minute bars of walks with volumes of 100 to 300.
fn walks(count: usize, minutes: u64) -> Tape {
    let mut table = Instruments::new();
    for index in 0..count {
        table.add(Instrument::stock(&format!("S{index}"), "USD")).unwrap();
    }
    let mut tape = Tape::new(table);
    let mut state = 9_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (state >> 33) % below
    };
    let mut cents = vec![10_000_i64; count];
    for number in 1..=minutes {
        let at = Timestamp::from_secs(1_700_000_000).unwrap().after(number as u32 * MINUTE);
        for (index, cents) in cents.iter_mut().enumerate() {
            let open = *cents;
            *cents = (open + random(41) as i64 - 20).max(1_000);
            let (high, low) = (open.max(*cents) + 5, open.min(*cents) - 5);
            let ohlc = [open, high, low, *cents].map(|cents| cents as f64 / 100.0);
            let (id, volume) = (InstrumentId(index as u32), (100 + random(201)) as f64);
            let bar = Bar::new(id, Period::MINUTE, ohlc, volume).unwrap();
            tape.push(at, MarketEvent::Bar(bar)).unwrap();
        }
    }
    tape
}

/// What was told of parents, with the time.
#[derive(Default)]
struct Parents(Vec<(Timestamp, ParentOrder, ParentStep)>);

impl MetricsSink for Parents {
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        if let Record::Parent { order, step } = record {
            self.0.push((at, **order, *step));
        }
    }
}

fn held(report: &Report, id: u32) -> Decimal {
    let own = report.fills.iter().filter(|(fill, _)| fill.instrument == InstrumentId(id));
    own.map(|(fill, _)| fill.signed_quantity()).sum()
}

#[test]
fn a_portfolio_is_renewed_in_slices() {
    let tape = walks(3, 400);
    let portfolio = r#"{"schedule": {"bars": 100}, "patience": 60, "cash_buffer": 0.05}"#;
    let run = |plan: Option<ExecutionPlan>| {
        let backtest = Backtest::new(&tape);
        let backtest = match plan {
            Some(plan) => backtest.execution(plan),
            None => backtest,
        };
        backtest.strategy_with("REBALANCE", portfolio).run_with(Parents::default()).unwrap()
    };
    let (whole, none) = run(None);
    let (sliced, parents) = run(Some(twap(20, 10)));
    assert!(none.0.is_empty());
    assert!(sliced.orders.len() > 3 * whole.orders.len());
    // Both hold nearly the same: the decisions are the portfolio's, the way is the plan's.
    for id in 0..3 {
        let [left, right] = [&whole, &sliced].map(|report| to_f64(held(report, id)));
        assert!((left / right - 1.0).abs() < 0.02, "{left} and {right}");
    }
    let ended = |(_, order, step): &&(Timestamp, ParentOrder, ParentStep)| {
        *step != ParentStep::Began && order.quantity == order.filled
    };
    assert_eq!(parents.0.iter().filter(ended).count() * 2, parents.0.len(), "all were filled");
    for (_, parent, step) in &parents.0 {
        if *step != ParentStep::Began {
            let own = sliced
                .orders
                .iter()
                .filter(|row| row.order.intent.linkage == Linkage::Child(parent.id));
            let ids: Vec<_> = own.map(|row| row.order.id).collect();
            let fills = sliced.fills.iter().filter(|(fill, _)| ids.contains(&fill.order));
            let sum: Decimal = fills.map(|(fill, _)| fill.execution.quantity.value()).sum();
            assert_eq!(sum, parent.quantity.value(), "children are their parent");
        }
    }
    // Purchases begin only when the last sale is over.
    let sales_end = |from: Timestamp| {
        let later = parents.0.iter().filter(|(at, ..)| *at > from);
        let sold = later.filter(|(_, order, step)| {
            order.side == Side::Sell && *step == ParentStep::Ended(ExecutionEnd::Filled)
        });
        sold.map(|(at, ..)| *at).next()
    };
    let first_sale = parents.0.iter().find(|(_, order, _)| order.side == Side::Sell).unwrap();
    let next_purchase = parents.0.iter().find(|(at, order, step)| {
        *at >= first_sale.0 && order.side == Side::Buy && *step == ParentStep::Began
    });
    assert!(next_purchase.unwrap().0 >= sales_end(first_sale.0).unwrap());
    let found = look_ahead(&tape, 5, |tape| {
        Backtest::new(tape).execution(twap(20, 10)).strategy_with("REBALANCE", portfolio)
    });
    assert_eq!(found.unwrap(), None);
}

/// Buys at the first bar by a plan.
fn buyer(quantity: i64, plan: ExecutionPlan) -> Box<dyn Strategy> {
    let mut begun = false;
    Box::new(from_fn("BUYER", move |event, _, advice| {
        if event.bar().is_some() && !std::mem::replace(&mut begun, true) {
            advice.execute(InstrumentId(0), Qty::from(quantity), plan.clone());
        }
    }))
}

#[test]
fn a_participation_stays_below_its_part_of_every_volume() {
    let tape = walks(1, 120);
    let plan = ExecutionPlan::participation(100 * MINUTE, 0.07).unwrap();
    let report = Backtest::new(&tape).cash("10000000").with(buyer(900, plan)).run().unwrap();
    let mut traded = 0.0;
    let mut fills = report.fills.iter().peekable();
    let mut filled = 0.0;
    for timed in tape.events() {
        let MarketEvent::Bar(bar) = &timed.event else { continue };
        // What is filled by the end of this bar was decided on the volume before it.
        while let Some((fill, _)) = fills.next_if(|(fill, _)| fill.at < timed.at) {
            filled += fill.execution.quantity.to_f64();
        }
        assert!(filled <= 0.07 * traded + 1.0, "{filled} of {traded}");
        if timed.at > tape.events()[0].at {
            traded += bar.volume;
        }
    }
    assert_eq!(held(&report, 0), Decimal::from(900));
}

/// A stop that has closed the position ends what would have opened it again.
#[test]
fn a_stop_ends_the_slices_of_its_position() {
    let mut tape = Tape::new(walks(1, 1).instruments().clone());
    for number in 1..60_u32 {
        let price = if number < 10 { 100.0 } else { 80.0 };
        let at = Timestamp::from_secs(1_700_000_000).unwrap().after(number * MINUTE);
        let bar = Bar::new(InstrumentId(0), Period::MINUTE, [price; 4], 500.0).unwrap();
        tape.push(at, MarketEvent::Bar(bar)).unwrap();
    }
    let slot = SlotConfig::new(buyer(300, twap(30, 30)))
        .stop(StopPlan::new(StopWidth::Fraction(0.1)).unwrap());
    let (report, parents) = Backtest::new(&tape).slot(slot).run_with(Parents::default()).unwrap();
    let stopped = report.fills.iter().any(|(fill, _)| fill.purpose == Purpose::StopLoss);
    assert!(stopped && held(&report, 0).is_zero(), "{:?}", held(&report, 0));
    let (_, order, step) = parents.0[1];
    assert_eq!((parents.0.len(), step), (2, ParentStep::Ended(ExecutionEnd::Cancelled)));
    assert!(order.filled < order.quantity);
    assert!(report.refusals.is_empty());
}

/// Daily bars and slices between them: what is due while the market says nothing is sent then,
/// and equal runs have equal hashes.
#[test]
fn slices_between_bars_are_sent_on_time() {
    let tape = walks(1, 30);
    let plan = ExecutionPlan::twap(Duration::from_secs(100), 10).unwrap();
    let run = || Backtest::new(&tape).with(buyer(100, plan.clone())).run().unwrap();
    let report = run();
    let times: Vec<u64> = report
        .orders
        .iter()
        .map(|row| row.order.created_at.since(tape.events()[0].at).as_secs())
        .collect();
    assert_eq!(times, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    assert_eq!(held(&report, 0), Decimal::from(100));
    assert_eq!(report.hash, run().hash);
}
