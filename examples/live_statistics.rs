//! Live statistics: a backtest is streamed through the monitor as a live account would be, with
//! a few lines every quarter and the whole snapshot at the end, as text and as JSON.

use std::time::Duration;

use tradewright::account::{Conventions, Statistics};
use tradewright::backtest::Timed;
use tradewright::monitor::{
    HealthStatus, MetricsAggregator, MonitorConfig, PerformanceMonitor, PerformanceSummary,
    SystemHealth,
};
use tradewright::prelude::*;
use tradewright::sim::Slippage;
use tradewright::types::{DayBoundary, SlotId};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("SPX", "USD").step("0.001"))?;
    let monitor = PerformanceMonitor::new(MonitorConfig {
        conventions: Conventions::daily(),
        days: DayBoundary::UTC,
        // Medians and tails look back four years, the breakdown by month three.
        samples: 1_008,
        months_kept: 36,
        ..MonitorConfig::default()
    })?;
    let mut aggregator =
        MetricsAggregator::new(monitor).with_strategies(["MEAN_REVERSION", "BREAKOUT"]);
    aggregator.health = SystemHealth::new(Duration::from_secs(5 * 86_400));

    let mut venue = SimConfig::default();
    venue.fees = FeeSchedule::flat("0.0005".parse()?, "0.0005".parse()?);
    venue.slippage = Slippage::BasisPoints(2.0);
    let backtest = Backtest::new(&tape)
        .venue(venue)
        .sizer(EquityFraction::new("0.4".parse()?)?)
        .strategy("MEAN_REVERSION")
        .strategy("BREAKOUT");
    let (_, mut run) = backtest.prepare(aggregator)?;

    println!("quarter         equity    return    Sharpe  drawdown  trades     won  streak");
    let mut rest = tape.events();
    while let Some(first) = rest.first() {
        let quarter = quarter_of(first);
        let count = rest.iter().take_while(|timed| quarter_of(timed) == quarter).count();
        let (events, later) = rest.split_at(count);
        run.run(events)?;
        rest = later;
        // Reading costs the run nothing: the next event finds all as it was.
        println!("{quarter} {}", line(&run.sink().1.performance.summary()));
    }

    let facts = run.engine().facts(SlotId::HOUSE);
    let mut aggregator = run.sink().1.clone();
    // What only the host can know.
    aggregator.health.report(facts.at, "data", HealthStatus::Healthy, "all bars on time");
    aggregator.health.gauge(facts.at, "events", tape.len() as f64);
    let snapshot = aggregator.snapshot(&facts);
    println!("\n{snapshot}");

    println!("The last trades, three to a page:");
    let mut page = aggregator.performance.trades().newest(3);
    for _ in 0..2 {
        for trade in page.entries.iter().rev() {
            println!("  {} {:>10.2}", trade.closed_at.to_utc().date_naive(), trade.net);
        }
        println!("  --");
        let Some(older) = page.older else { break };
        page = aggregator.performance.trades().before(older, 3);
    }

    println!("\n{}", serde_json::to_string(&snapshot)?);
    Ok(())
}

/// Year and quarter in which a bar was traded: a daily bar is stamped at its close, midnight.
fn quarter_of(timed: &Timed) -> String {
    let day = timed.at.before(Duration::from_nanos(1)).to_utc();
    let month: u32 = day.format("%m").to_string().parse().unwrap_or(1);
    format!("{} Q{}", day.format("%Y"), (month - 1) / 3 + 1)
}

fn line(summary: &PerformanceSummary) -> String {
    let percent =
        |value: Option<f64>| value.map_or("-".to_owned(), |it| format!("{:.1} %", it * 100.0));
    let Statistics { returns, trades, .. } = &summary.statistics;
    let sharpe = returns.sharpe.map_or("-".to_owned(), |it| format!("{it:.2}"));
    format!(
        "{:>13.2} {:>9} {:>9} {:>9} {:>7} {:>7} {:>+7}",
        summary.equity,
        percent(returns.total_return),
        sharpe,
        percent(Some(summary.drawdown_now.map_or(0.0, |now| now.depth))),
        trades.closed,
        percent(trades.win_rate),
        summary.streak,
    )
}
