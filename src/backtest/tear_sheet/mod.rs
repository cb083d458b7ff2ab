//! The report as one HTML page: plots, tables, nothing loaded from anywhere (feature `report`).

mod charts;
mod comparison;
mod sections;

mod axis;
mod page;
mod plot;
mod sample;

use core::fmt;

pub use comparison::Comparison;

use super::{Report, Tape};

/// A self-contained page about one run: equity and drawdown, months, prices with fills, trades,
/// costs, refusals. It has no script and loads nothing, follows the light or dark scheme of the
/// reader's system, and prints as it is shown.
///
/// Curves are thinned to 2,000 points that keep each high and low, so that a page of a year of
/// minutes stays small.
///
/// ```
/// use tradewright::backtest::tear_sheet::TearSheet;
/// use tradewright::backtest::{Backtest, Tape};
/// # use tradewright::types::{Bar, Instrument, Instruments, MarketEvent, Period, Timestamp};
/// # let mut instruments = Instruments::new();
/// # let spy = instruments.add(Instrument::stock("SPY", "USD"))?;
/// # let mut tape = Tape::new(instruments);
/// # for day in 1..=90 {
/// #     let price = 100.0 + f64::from(day * day % 17);
/// #     let bar = Bar::new(spy, Period::DAY, [price, price, price, price], 1e6)?;
/// #     tape.push(Timestamp::from_secs(86_400 * i64::from(day))?, MarketEvent::Bar(bar))?;
/// # }
/// let report = Backtest::new(&tape).strategy("MEAN_REVERSION").run()?;
/// let html = TearSheet::new(&report, &tape).to_string();
/// assert!(html.starts_with("<!DOCTYPE html>"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a tear sheet is text once it is displayed"]
pub struct TearSheet<'a> {
    report: &'a Report,
    tape: &'a Tape,
}

impl<'a> TearSheet<'a> {
    /// A page about a run and the data that it ran over.
    pub const fn new(report: &'a Report, tape: &'a Tape) -> Self {
        Self { report, tape }
    }
}

impl fmt::Display for TearSheet<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (report, analysis) = (self.report, self.report.analysis());
        page::open(&report.title(), out)?;
        sections::head(report, out)?;
        sections::figures(report, analysis, out)?;
        page::section("Equity", &charts::equity(report), out)?;
        page::section("Drawdown", &charts::underwater(report), out)?;
        page::section("Returns by month, %", &charts::months(analysis), out)?;
        page::section("Rolling Sharpe ratio", &charts::rolling_sharpe(report), out)?;
        page::section("Profit and loss per trade", &charts::trades(report), out)?;
        for (symbol, chart) in charts::prices(report, self.tape) {
            page::section(&format!("Price and fills: {symbol}"), &chart, out)?;
        }
        page::section("Worst drawdowns", &sections::drawdowns(analysis), out)?;
        page::section("Trades by tag", &sections::by_tag(analysis), out)?;
        page::section("Trades by strategy", &sections::by_strategy(analysis), out)?;
        page::section("Costs", &sections::costs(report), out)?;
        page::section("Refused intents by rule", &sections::refusals(report), out)?;
        page::section("Signals without an order", &sections::passed(report), out)?;
        page::section("Open at the end", &sections::open(report), out)?;
        page::section("Halts, failures, data", &sections::events(report), out)?;
        page::close(out)
    }
}
