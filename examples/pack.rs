//! A pack of strategies on one account: each keeps its own virtual position, risk sees the sum.

use tradewright::prelude::*;
use tradewright::types::SlotId;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/aapl_1d.csv");
    // The file holds raw prices with splits; they are adjusted by its column of adjusted closes.
    let share = Instrument::stock("AAPL", "USD").step("0.001");
    let tape = CsvBars::open(file).adjusted_by("adj_close").load(share)?;
    let names = ["MEAN_REVERSION", "BREAKOUT", "EMA_CROSS", "RSI_REVERSION"];
    let fees = FeeSchedule::flat("0.0005".parse()?, "0.0005".parse()?);
    let mut backtest = Backtest::new(&tape)
        .fees(fees)
        .sizer(EquityFraction::new("0.2".parse()?)?)
        .risk(EnhancedRiskManager::builder().max_position_fraction(0.5).build()?);
    for name in names {
        backtest = backtest.strategy(name);
    }
    let report = backtest.run()?;
    println!("{:<16} {:>6} {:>6} {:>12}", "strategy", "trades", "won", "net");
    for (index, name) in names.iter().enumerate() {
        let slot = SlotId(index as u16 + 1);
        let nets = || report.trades.iter().filter(move |t| t.slot == slot).filter_map(|t| t.net());
        let won = nets().filter(|net| *net > Decimal::ZERO).count();
        let sum = nets().try_fold(Decimal::ZERO, Decimal::checked_add).unwrap_or_default();
        println!("{name:<16} {:>6} {won:>6} {:>12}", nets().count(), sum.round_dp(2));
    }
    println!("\n{report}");
    Ok(())
}
