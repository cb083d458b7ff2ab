use core::fmt;

use crate::backtest::Report;
use crate::backtest::report::figures::{date, number, percent};

use super::axis::{Scale, Unit};
use super::charts::seconds;
use super::page;
use super::plot::{Axis, Plot};

/// Colours of lines; more runs begin anew.
const COLOURS: [&str; 8] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"];

/// Lines of one plot; the table holds all runs.
const MOST_LINES: usize = 16;

/// A self-contained page that sets several runs side by side: growth of one unit of money, and
/// the figures of each.
///
/// ```
/// use tradewright::backtest::tear_sheet::Comparison;
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
/// let reversion = Backtest::new(&tape).strategy("MEAN_REVERSION").run()?;
/// let breakout = Backtest::new(&tape).strategy("BREAKOUT").run()?;
/// let page = Comparison::new([("reversion", &reversion), ("breakout", &breakout)]).to_string();
/// assert!(page.contains("breakout"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a comparison is text once it is displayed"]
pub struct Comparison<'a> {
    runs: Vec<(&'a str, &'a Report)>,
}

impl<'a> Comparison<'a> {
    /// A page about these runs, each under its name.
    pub fn new(runs: impl IntoIterator<Item = (&'a str, &'a Report)>) -> Self {
        Self { runs: runs.into_iter().collect() }
    }

    fn growth(&self) -> String {
        let lines: Vec<(&str, Vec<(f64, f64)>)> = self
            .runs
            .iter()
            .take(MOST_LINES)
            .map(|(name, report)| (*name, growth(report)))
            .collect();
        let points = || lines.iter().flat_map(|(_, line)| line.iter());
        let x = Scale::range(points().map(|(x, _)| *x));
        let y = Scale::range(points().map(|(_, y)| *y));
        let Some((x, y)) = x.zip(y) else { return String::new() };
        let (x, y) = ((x, Axis::Time), (y, Unit::Plain));
        let mut plot = Plot::new("Growth of one unit of money", 380.0, x, y);
        let mut legend = Vec::new();
        for ((name, line), colour) in lines.iter().zip(COLOURS.iter().cycle()) {
            plot.line(line, colour);
            legend.push((*colour, *name));
        }
        plot.finish(&legend)
    }

    fn table(&self) -> String {
        let heads = [
            "Run",
            "From",
            "To",
            "Return",
            "Growth a year",
            "Volatility",
            "Sharpe",
            "Sortino",
            "Max drawdown",
            "Trades",
            "Won",
            "Profit factor",
            "Exposure",
        ];
        let rows: Vec<Vec<String>> =
            self.runs.iter().map(|(name, report)| row(name, report)).collect();
        page::table(&heads, 3, &rows)
    }
}

fn growth(report: &Report) -> Vec<(f64, f64)> {
    let initial = report.run.initial_equity;
    report.equity.iter().map(|point| (seconds(point.at), point.equity / initial)).collect()
}

fn row(name: &str, report: &Report) -> Vec<String> {
    let statistics = report.statistics();
    let (returns, trades) = (&statistics.returns, &statistics.trades);
    vec![
        name.to_owned(),
        date(report.run.from),
        date(report.run.to),
        percent(returns.total_return),
        percent(returns.cagr),
        percent(returns.volatility),
        number(returns.sharpe, 2),
        number(returns.sortino, 2),
        percent(statistics.drawdown.depth),
        number(trades.closed as f64, 0),
        percent(trades.win_rate),
        number(trades.profit_factor, 2),
        percent(report.exposure),
    ]
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = format!("Comparison of {} runs", self.runs.len());
        page::open(&title, out)?;
        writeln!(out, "<header>\n<h1>{title}</h1>\n</header>")?;
        page::section("Growth of one unit of money", &self.growth(), out)?;
        page::section("Figures", &self.table(), out)?;
        let hash = |(name, report): &(&str, &Report)| {
            vec![(*name).to_owned(), report.hash.to_string(), report.tape_hash.to_string()]
        };
        let hashes: Vec<Vec<String>> = self.runs.iter().map(hash).collect();
        let table = page::table(&["Run", "Run hash", "Data"], 3, &hashes);
        page::section("Fingerprints", &table, out)?;
        page::close(out)
    }
}
