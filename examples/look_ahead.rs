//! Does a strategy know the future? Its decisions on a shorter history tell.

use tradewright::backtest::look_ahead;
use tradewright::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("SPX", "USD").step("0.001"))?;

    for name in ["MEAN_REVERSION", "BREAKOUT", "VWAP", "EMA_CROSS"] {
        let found = look_ahead(&tape, 10, |tape| Backtest::new(tape).strategy(name))?;
        println!("{name:<15} {}", found.map_or("clean".to_owned(), |proof| proof.to_string()));
    }

    // A classic mistake: scaling by the whole history before the first trade.
    let found = look_ahead(&tape, 10, |tape| {
        let id = InstrumentId(0);
        let highest = tape.bars(id, Period::DAY).map(|(_, bar)| bar.close).fold(0.0, f64::max);
        Backtest::new(tape).with(from_fn("SCALED", move |event, _facts, advice| {
            let Some(bar) = event.bar() else { return };
            if bar.close / highest < 0.4 {
                advice.buy(Confidence::FULL);
            } else {
                advice.sell(Confidence::FULL);
            }
        }))
    })?;
    println!("SCALED          {}", found.map_or("clean".to_owned(), |proof| proof.to_string()));
    Ok(())
}
