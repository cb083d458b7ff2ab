//! The first program: real daily bars, a registered strategy, the whole engine, a tear sheet.

use tradewright::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("SPX", "USD").step("0.001"))?;
    let report = Backtest::new(&tape)
        .cash("100000")
        .fees(FeeSchedule::flat("0.001".parse()?, "0.001".parse()?))
        .sizer(EquityFraction::new("0.5".parse()?)?)
        .strategy("MEAN_REVERSION")
        .run()?;
    println!("{report}");
    Ok(())
}
