//! The million synthetic bars, to the cent, through the whole engine.

use tradewright::types::to_f64;

use crate::support;
use crate::workload_c_support::{ANSWER, simulation};

#[test]
fn a_million_bars_to_the_cent() {
    let tape = support::workload(1_000_000);
    let mut simulation = simulation(&tape);
    simulation.run(tape.events()).unwrap();
    let cash = tape.instruments().find_asset("CASH").unwrap();
    let sums = simulation.engine().account().sums(cash);
    let equity = simulation.engine().facts(tradewright::types::SlotId::HOUSE).equity_exact();
    let (trades, exact, fees) = ANSWER;
    assert_eq!(simulation.sink().0, trades);
    assert_eq!(equity.unwrap().round_dp(2).to_string(), exact);
    assert_eq!(sums.fees.round_dp(2).to_string(), fees);
    assert!((to_f64(equity.unwrap()) - simulation.engine().account().book().equity()).abs() < 1e-6);
}
