//! Two legs that stand or fall together: PAIRS trades the spread of a share and an index.

use tradewright::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let mut tape = Tape::default();
    let share = Instrument::stock("AAPL", "USD").step("0.001");
    let index = Instrument::stock("SPX", "USD").step("0.001");
    CsvBars::open(format!("{folder}/aapl_1d.csv"))
        .adjusted_by("adj_close")
        .load_into(&mut tape, share)?;
    CsvBars::open(format!("{folder}/sp500_1d.csv")).load_into(&mut tape, index)?;
    let report = Backtest::new(&tape)
        .fees(FeeSchedule::flat("0.0002".parse()?, "0.0002".parse()?))
        .strategy("PAIRS")
        .run()?;
    let legs = |name: &str| {
        let of = |id| tape.instruments().get(id).is_some_and(|found| found.symbol.as_str() == name);
        report.fills.iter().filter(|(fill, _)| of(fill.instrument)).count()
    };
    println!("fills: {} of AAPL, {} of SPX", legs("AAPL"), legs("SPX"));
    println!("{report}");
    Ok(())
}
