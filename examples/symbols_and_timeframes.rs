//! Two shares and two timeframes at once: weekly bars give the trend, daily bars the entry.

use serde::{Deserialize, Serialize};
use tradewright::math::{Ema, Indicator};
use tradewright::prelude::*;

const WEEK: Period = Period::seconds(7 * 86_400);

/// Buys a day that closes below its fast average while the week is above its slow one.
#[derive(Serialize, Deserialize)]
struct BuyTheDip {
    instrument: InstrumentId,
    week: Ema,
    day: Ema,
    is_rising: bool,
}

impl Strategy for BuyTheDip {
    fn name(&self) -> &str {
        "BUY_THE_DIP"
    }

    fn on_event(&mut self, event: &Event<'_>, _facts: &Facts<'_>, advice: &mut Advice) {
        let Some(bar) = event.bar().filter(|bar| bar.instrument == self.instrument) else { return };
        let average = if bar.period == WEEK { &mut self.week } else { &mut self.day };
        let Ok(Some(average)) = average.update(bar.close) else { return };
        if bar.period == WEEK {
            self.is_rising = bar.close > average;
        } else if self.is_rising && bar.close < average {
            advice.buy(Confidence::FULL);
        } else if !self.is_rising {
            advice.sell(Confidence::FULL);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let mut tape = Tape::default();
    let mut shares = Vec::new();
    for (symbol, file) in [("AAPL", "aapl_1d.csv"), ("SPX", "sp500_1d.csv")] {
        let bars = CsvBars::open(format!("{folder}/{file}")).period(Period::DAY);
        let bars = if symbol == "AAPL" { bars.adjusted_by("adj_close") } else { bars };
        shares.push(bars.load_into(&mut tape, Instrument::stock(symbol, "USD").step("0.001"))?);
    }
    for share in &shares {
        tape = tape.with_resampled(*share, WEEK)?;
    }
    println!("{} events of {} symbols", tape.len(), shares.len());
    let mut backtest = Backtest::new(&tape).sizer(EquityFraction::new("0.45".parse()?)?);
    for instrument in shares {
        let (week, day, is_rising) = (Ema::new(10)?, Ema::new(5)?, false);
        backtest = backtest.with(BuyTheDip { instrument, week, day, is_rising });
    }
    println!("{}", backtest.run()?);
    Ok(())
}
