//! Your own strategy: a type, one method, ten lines. It runs wherever the built-ins run.

use serde::{Deserialize, Serialize};
use tradewright::math::{Indicator, Sma};
use tradewright::prelude::*;

/// In while the close is above its average, out while it is below.
#[derive(Serialize, Deserialize)]
struct AboveAverage {
    average: Sma,
}

impl Strategy for AboveAverage {
    fn name(&self) -> &str {
        "ABOVE_AVERAGE"
    }

    fn on_event(&mut self, event: &Event<'_>, _facts: &Facts<'_>, advice: &mut Advice) {
        let Some(bar) = event.bar() else { return };
        match self.average.update(bar.close) {
            Ok(Some(average)) if bar.close > average => advice.buy(Confidence::FULL),
            Ok(Some(_)) => advice.sell(Confidence::FULL),
            Ok(None) => {}
            Err(error) => advice.fail(error.to_string()),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("SPX", "USD").step("0.001"))?;
    for days in [50, 100, 200] {
        let report = Backtest::new(&tape)
            .sizer(EquityFraction::new("0.95".parse()?)?)
            .with(AboveAverage { average: Sma::new(days)? })
            .run()?;
        let (first, last) = (report.equity.first(), report.equity.last());
        let (Some(first), Some(last)) = (first, last) else { continue };
        let growth = 100.0 * (last.equity / first.equity - 1.0);
        println!(
            "average of {days:>3} days: {:>3} trades, {growth:>6.1} %, run hash {}",
            report.trades.len(),
            report.hash
        );
    }
    Ok(())
}
