//! The same strategy with and without the risk layer, side by side: what stops, sizing and
//! limits cost, and what they save.

use core::time::Duration;

use tradewright::backtest::Report;
use tradewright::prelude::*;
use tradewright::risk::{
    BreakEven, DailyLimit, DrawdownSchedule, Fact, FixedFractional, RealtimeRiskManager,
    RiskManager, Smallest, StopDistance, StopPlan, StopVolatility, StopWidth,
};
use tradewright::strategy::StrategyContext;
use tradewright::types::{DayBoundary, OrderStatus, Purpose, SlotId};

type Failure = Box<dyn std::error::Error>;

/// Two and a half usual days away, following the highest high, to the entry after a good gain.
fn plan() -> Result<StopPlan, Failure> {
    let even = BreakEven { after: StopWidth::Multiple(3.0), lock: 0.001 };
    Ok(StopPlan::new(StopWidth::Multiple(2.5))?
        .measured_by(StopVolatility::Atr { period: 20 })?
        .chandelier(StopWidth::Multiple(4.0))?
        .break_even(even)?
        .time(Duration::from_secs(90 * 86_400))?
        .tightened(DrawdownSchedule::default())?)
}

fn manager() -> Result<RealtimeRiskManager, Failure> {
    let close = DayBoundary::new("America/New_York", 17 * 3_600)?;
    Ok(RealtimeRiskManager::builder()
        .max_drawdown("0.30".parse()?)
        .max_position_fraction(0.6)
        .scaled_by_drawdown(DrawdownSchedule::default())
        .daily_loss(DailyLimit::Fraction("0.02".parse()?), close)
        .portfolio_heat(0.025)
        .build()?)
}

/// The largest fall from a peak, and the worst day, as fractions.
fn falls(report: &Report) -> (f64, f64) {
    let (mut peak, mut last, mut drawdown, mut day) = (f64::MIN, f64::NAN, 0.0_f64, 0.0_f64);
    for point in &report.equity {
        peak = peak.max(point.equity);
        drawdown = drawdown.max(1.0 - point.equity / peak);
        day = day.max(1.0 - point.equity / last);
        last = point.equity;
    }
    (drawdown, day)
}

fn row(name: &str, left: &str, right: &str) {
    println!("{name:<26} {left:>14} {right:>14}");
}

fn main() -> Result<(), Failure> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let mut tape = Tape::default();
    for (symbol, file) in [("AAPL", "aapl_1d.csv"), ("SPX", "sp500_1d.csv")] {
        let bars = CsvBars::open(format!("{folder}/{file}"));
        let bars = if symbol == "AAPL" { bars.adjusted_by("adj_close") } else { bars };
        bars.load_into(&mut tape, Instrument::stock(symbol, "USD").step("0.001"))?;
    }
    let fees = || -> Result<FeeSchedule, Failure> {
        Ok(FeeSchedule::flat("0.0005".parse()?, "0.0005".parse()?))
    };
    let half = || -> Result<EquityFraction, Failure> { Ok(EquityFraction::new("0.5".parse()?)?) };
    let free =
        Backtest::new(&tape).fees(fees()?).sizer(half()?).strategy("MEAN_REVERSION").run()?;

    // One percent of equity a trade down to the stop, but never more than half of it.
    let slot = |id: u32| -> Result<_, Failure> {
        let risk = FixedFractional::new("0.01".parse()?, StopDistance::Plan)?;
        let universe = [InstrumentId(id)];
        let context = StrategyContext::new(tape.instruments(), &universe);
        let built = StrategyRegistry::new().build_json("MEAN_REVERSION", "{}", &context)?;
        let slot = SlotConfig::new(built.strategy).trades(universe);
        Ok(slot.sizer(Smallest::new(risk).and(half()?)).stop(plan()?))
    };
    let backtest = || -> Result<Backtest<'_>, Failure> {
        let backtest = Backtest::new(&tape).fees(fees()?).risk(manager()?);
        Ok(backtest.slot(slot(0)?).slot(slot(1)?))
    };
    let ruled = backtest()?.run()?;
    // A dashboard reads the risk of a run that is under way.
    let (_, mut run) = backtest()?.prepare(())?;
    let (before, after) = tape.events().split_at(tape.len() * 2 / 3);
    run.run(before)?;
    for event in after.chunks(1) {
        run.run(event)?;
        if run.engine().account().book().gross() > 0.0 {
            break;
        }
    }
    let (facts, mut watcher) = (run.engine().facts(SlotId::HOUSE), manager()?);
    watcher.observe(&Fact::Mark, &facts, &mut Vec::new());
    let summary = watcher.summary(&facts);
    print_rows(&free, &ruled);
    println!("\nrisk under way, {}:", summary.at);
    for limit in &summary.limits {
        let (observed, most) = (limit.observed, limit.limit);
        println!("  {:<18} {:>12.4} of {:>12.4}", limit.name, observed, most);
    }
    Ok(())
}

fn print_rows(free: &Report, ruled: &Report) {
    row("", "bare", "with risk");
    let both = |name: &str, text: &dyn Fn(&Report) -> String| {
        row(name, &text(free), &text(ruled));
    };
    let percent = |fraction: f64| format!("{:.2} %", 100.0 * fraction);
    both("final equity", &|report| {
        format!("{:.2}", report.equity.last().map_or(f64::NAN, |point| point.equity))
    });
    both("largest drawdown", &|report| percent(falls(report).0));
    both("worst day", &|report| percent(falls(report).1));
    both("trades", &|report| report.trades.len().to_string());
    both("stops placed or moved", &|report| report.stops.len().to_string());
    both("stops hit", &|report| {
        let stops = report.orders.iter().filter(|row| {
            row.status == OrderStatus::Filled && row.order.intent.purpose == Purpose::StopLoss
        });
        stops.count().to_string()
    });
    both("refused or cut", &|report| report.refusals.len().to_string());
    for (rule, count) in ruled.refusals_by_rule() {
        row(&format!("  by {rule}"), "", &count.to_string());
    }
    both("halts begun or ended", &|report| report.halts.len().to_string());
}
