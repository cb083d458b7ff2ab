//! Record the inputs of a run, replay them to the same hash, and diff two runs' decisions.

use tradewright::backtest::{Recording, replay};
use tradewright::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("SPX", "USD").step("0.001"))?;
    let backtest = |parameters: &str| {
        Backtest::new(&tape).strategy_with("MEAN_REVERSION", parameters).prepare(())
    };
    let (_, simulation) = backtest("{}")?;
    let mut simulation = simulation.recorded();
    simulation.run(tape.events())?;

    let mut bytes = Vec::new();
    simulation.recording().ok_or("a recording")?.write(&mut bytes)?;
    let recording = Recording::read(&bytes[..])?;
    println!("recorded {} inputs in {} bytes", recording.inputs().len(), bytes.len());

    let mut engine = backtest("{}")?.1.into_engine();
    let decisions = replay(&mut engine, &recording)?;
    println!("original {}", simulation.hash());
    println!("replayed {}", engine.sink().0.value());

    // The same day with another parameter: what would have been decided differently?
    let mut other = backtest(r#"{"std_dev_factor": 2.1}"#)?.1.recorded();
    other.run(&recording.market())?;
    let differences = decisions.diff(other.decisions().ok_or("decisions")?);
    println!("with wider bands {} decisions differ, such as:", differences.len());
    for difference in differences.iter().take(3) {
        println!("  {difference}");
    }
    Ok(())
}
