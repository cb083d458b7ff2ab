//! Your own risk rule: ten lines, and the engine shows it every opening, in backtest and live.

use tradewright::prelude::*;
use tradewright::types::{Label, Reason, ReasonCode};

/// Nothing is opened while the account is more than five percent below its start.
struct StopDigging;

impl RiskRule for StopDigging {
    fn name(&self) -> &'static str {
        "stop_digging"
    }

    fn limit(&self, _opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let floor = 95_000.0;
        // Written so that an unknown equity (NaN) refuses, too.
        if facts.equity() >= floor {
            return Limit::Allow(None);
        }
        let code = ReasonCode::Custom(Label::new("stop_digging"));
        Limit::Deny(Reason::new(code, floor, facts.equity()))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("SPX", "USD").step("0.001"))?;
    let backtest = || -> Result<Backtest<'_>, Box<dyn std::error::Error>> {
        let sizer = EquityFraction::new("0.95".parse()?)?;
        Ok(Backtest::new(&tape).sizer(sizer).strategy("MEAN_REVERSION"))
    };
    let (free, ruled) = (backtest()?.run()?, backtest()?.rule(StopDigging).run()?);
    let lowest = |report: &Report| report.equity.iter().map(|p| p.equity).fold(f64::MAX, f64::min);
    println!("without the rule: {:>3} trades, lowest {:>9.2}", free.trades.len(), lowest(&free));
    println!("with the rule:    {:>3} trades, lowest {:>9.2}", ruled.trades.len(), lowest(&ruled));
    if let Some(refusal) = ruled.refusals.first() {
        println!(
            "first of {} refusals, at {}: {}",
            ruled.refusals.len(),
            refusal.at,
            refusal.reason
        );
    }
    Ok(())
}
