//! The results of three runs as HTML pages: a tear sheet of one, a comparison of all.

use std::fs;
use std::path::Path;

use tradewright::backtest::tear_sheet::{Comparison, TearSheet};
use tradewright::prelude::*;
use tradewright::sim::Slippage;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    let tape = CsvBars::open(file).load(Instrument::stock("SPX", "USD").step("0.001"))?;
    let mut reports = Vec::new();
    for name in ["MEAN_REVERSION", "BREAKOUT", "EMA_CROSS"] {
        let mut venue = SimConfig::default();
        venue.fees = FeeSchedule::flat("0.001".parse()?, "0.001".parse()?);
        venue.slippage = Slippage::BasisPoints(2.0);
        let report = Backtest::new(&tape)
            .venue(venue)
            .sizer(EquityFraction::new("0.9".parse()?)?)
            .risk(EnhancedRiskManager::builder().max_position_fraction(0.8).build()?)
            .strategy(name)
            .run()?;
        reports.push((name, report));
    }
    let target = Path::new("target");
    fs::create_dir_all(target)?;
    for (name, report) in &reports {
        let path = target.join(format!("tear_sheet_{}.html", name.to_lowercase()));
        fs::write(&path, TearSheet::new(report, &tape).to_string())?;
        println!("{name}: {} (run hash {})", path.display(), report.hash);
    }
    let path = target.join("comparison.html");
    let runs = reports.iter().map(|(name, report)| (*name, report));
    fs::write(&path, Comparison::new(runs).to_string())?;
    println!("all three: {}", path.display());
    Ok(())
}
