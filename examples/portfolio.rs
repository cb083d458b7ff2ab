//! Three ways to divide the same money between two shares and an index, and two ways to get
//! there: each renewal at the next open, or in five slices over a week.
//!
//! The account is large, so that what it trades moves the prices: by the square root of its part
//! of the day's volume. Slices pay less for that and hold the old weights a little longer.

use std::time::Duration;

use tradewright::backtest::Timed;
use tradewright::prelude::*;
use tradewright::sim::Slippage;
use tradewright::types::{ExecutionPlan, InstrumentId, ParentOrder, ParentStep, Record, to_f64};

const CASH: &str = "2000000000";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tape = bundled()?;
    println!("                        CAGR  volat.  Sharpe  drawdown  orders  impact  shortfall");
    for allocator in ["equal_weight", "inverse_volatility", "risk_parity"] {
        row(allocator, &backtest(&tape, allocator, None).run()?);
    }
    let plan = ExecutionPlan::twap(Duration::from_secs(5 * 86_400), 5)?;
    let (report, parents) =
        backtest(&tape, "risk_parity", Some(plan)).run_with(Parents::default())?;
    row("risk_parity in slices", &report);

    println!("\nthe largest parent orders of the sliced run, and the sum of their children");
    println!("ended       what       quantity    children  shares  arrival   average   cost");
    for (at, parent) in parents.largest(6) {
        print_parent(at, &parent, &report);
    }
    println!("\nrun hash {}", report.hash);
    Ok(())
}

fn bundled() -> Result<Tape, Box<dyn std::error::Error>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let mut tape = Tape::default();
    let mut last = InstrumentId::default();
    for (symbol, file) in [("AAPL", "aapl_1d.csv"), ("FB", "fb_1d.csv"), ("SPX", "sp500_1d.csv")] {
        let bars = CsvBars::open(format!("{folder}/{file}"));
        // An index has no dividends and splits to adjust for.
        let bars = if symbol == "SPX" { bars } else { bars.adjusted_by("adj_close") };
        last = bars.load_into(&mut tape, Instrument::stock(symbol, "USD").step("1"))?;
    }
    // The index goes on for five years after the shares, which would stand still there.
    let is_share = |timed: &Timed| timed.event.instrument() != last;
    let end = tape.events().iter().rposition(is_share).map_or(0, |share| share + 1);
    Ok(tape.truncated(end))
}

/// Renewed on the first bar of each month; Facebook joins when its covariances are known.
fn backtest<'a>(tape: &'a Tape, allocator: &str, plan: Option<ExecutionPlan>) -> Backtest<'a> {
    let parameters = format!(
        r#"{{"allocator": "{allocator}", "schedule": "monthly", "zone": "America/New_York",
            "band": 0.005, "cash_buffer": 0.02, "covariance": {{"rolling": {{"window": 120}}}},
            "patience": 8}}"#
    );
    let venue = SimConfig::default().with_slippage(Slippage::SquareRoot { coefficient: 1.0 });
    let mut backtest = Backtest::new(tape).cash(CASH).venue(venue);
    if let Some(plan) = plan {
        backtest = backtest.execution(plan);
    }
    backtest.strategy_with("REBALANCE", &parameters)
}

fn row(name: &str, report: &Report) {
    let (returns, drawdown) = (&report.statistics().returns, &report.statistics().drawdown);
    let percent = |value: Option<f64>| value.map_or(f64::NAN, |value| value * 100.0);
    println!(
        "{name:22} {:5.2} %  {:4.1} %  {:6.2}  {:6.1} %  {:6}  {:3.0} bp  {:6.0} bp",
        percent(returns.cagr),
        percent(returns.volatility),
        returns.sharpe.unwrap_or(f64::NAN),
        percent(drawdown.depth),
        report.orders.len(),
        report.costs.slippage_bps.unwrap_or(f64::NAN),
        report.costs.shortfall_bps.unwrap_or(f64::NAN),
    );
}

/// Keeps the parent orders that are over.
#[derive(Default)]
struct Parents(Vec<(Timestamp, ParentOrder)>);

impl MetricsSink for Parents {
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        if let Record::Parent { order, step: ParentStep::Ended(_) } = record {
            self.0.push((at, **order));
        }
    }
}

impl Parents {
    fn largest(mut self, count: usize) -> Vec<(Timestamp, ParentOrder)> {
        let value = |order: &ParentOrder| order.arrival * order.quantity.to_f64();
        self.0.sort_by(|(_, one), (_, other)| value(other).total_cmp(&value(one)));
        self.0.truncate(count);
        self.0.sort_by_key(|(at, _)| *at);
        self.0
    }
}

fn print_parent(at: Timestamp, parent: &ParentOrder, report: &Report) {
    let is_child = |row: &&tradewright::backtest::OrderRow| {
        row.order.intent.linkage.parent() == Some(parent.id)
    };
    let children: Vec<_> = report.orders.iter().filter(is_child).map(|row| row.order.id).collect();
    let fills = report.fills.iter().map(|(fill, _)| fill);
    let fills = fills.filter(|fill| children.contains(&fill.order));
    let (mut quantity, mut paid) = (Decimal::ZERO, 0.0);
    for fill in fills {
        quantity += fill.execution.quantity.value();
        paid += fill.execution.quantity.to_f64() * fill.execution.price.to_f64();
    }
    let average = paid / to_f64(quantity);
    let sign = if parent.side == Side::Buy { 1.0 } else { -1.0 };
    let cost = sign * (average / parent.arrival - 1.0) * 10_000.0;
    let symbol = symbol(report, parent.instrument);
    println!(
        "{}  {:4} {symbol:4} {:>9}  {:>10}  {:>6}  {:7.2}  {average:8.2}  {cost:4.0} bp",
        &at.to_string()[..10],
        parent.side,
        parent.quantity,
        quantity,
        children.len(),
        parent.arrival,
    );
}

fn symbol(report: &Report, id: InstrumentId) -> &str {
    report.instruments.get(id).map_or("?", |found| found.symbol.as_str())
}
