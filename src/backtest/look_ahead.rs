use core::fmt;

use crate::types::Timestamp;

use super::{Backtest, BacktestError, Report, Tape};

/// Checks any strategy for look-ahead: runs it on histories that end earlier, and compares
/// what it said and ordered with the run on the full history up to the same moment. A strategy
/// that knows the future says something else when the future is cut off.
///
/// `build` makes the backtest for a given tape, so that a strategy that prepares itself from
/// the data is given the cut data, too. `cuts` histories of evenly growing length are tried.
///
/// ```
/// use tradewright::backtest::{Backtest, Tape, look_ahead};
/// # use tradewright::types::{Bar, Instrument, Instruments, MarketEvent, Period, Timestamp};
/// # let mut instruments = Instruments::new();
/// # let spy = instruments.add(Instrument::stock("SPY", "USD"))?;
/// # let mut tape = Tape::new(instruments);
/// # for day in 1..=60 {
/// #     let price = 100.0 + f64::from(day % 7);
/// #     let bar = Bar::new(spy, Period::DAY, [price, price, price, price], 1e6)?;
/// #     tape.push(Timestamp::from_secs(86_400 * i64::from(day))?, MarketEvent::Bar(bar))?;
/// # }
/// let found = look_ahead(&tape, 10, |tape| Backtest::new(tape).strategy("MEAN_REVERSION"))?;
/// assert_eq!(found, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`BacktestError`] of a run.
pub fn look_ahead(
    tape: &Tape,
    cuts: usize,
    build: impl for<'a> Fn(&'a Tape) -> Backtest<'a>,
) -> Result<Option<LookAhead>, BacktestError> {
    let full = build(tape).run()?;
    for cut in 1..=cuts {
        let length = (tape.len() as u128 * cut as u128 / (cuts as u128 + 1)) as usize;
        let short = tape.truncated(length);
        let Some(last) = short.events().last() else { continue };
        let end = last.at;
        let run = build(&short).run()?;
        if let Some(found) = first_difference(&full, &run, end) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Proof of look-ahead: what was said with the future known, and without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookAhead {
    /// Where the history was cut.
    pub cut: Timestamp,
    /// When both first differ.
    pub at: Timestamp,
    /// What was said or ordered with the full history.
    pub full: String,
    /// What was said or ordered with the history cut.
    pub cut_off: String,
}

impl fmt::Display for LookAhead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cut, at, full, cut_off } = self;
        write!(formatter, "at {at}: {full} with the full history, {cut_off} when cut at {cut}")
    }
}

fn first_difference(full: &Report, cut: &Report, end: Timestamp) -> Option<LookAhead> {
    let (ours, theirs) = (said(full, end), said(cut, end));
    for index in 0..ours.len().max(theirs.len()) {
        let (left, right) = (ours.get(index), theirs.get(index));
        if left == right {
            continue;
        }
        let at = left.or(right).map_or(end, |(at, _)| *at);
        let text = |row: Option<&(Timestamp, String)>| {
            row.map_or("nothing".to_owned(), |(_, text)| text.clone())
        };
        return Some(LookAhead { cut: end, at, full: text(left), cut_off: text(right) });
    }
    None
}

/// Signals with confidence and orders with sizes, up to a moment.
fn said(report: &Report, end: Timestamp) -> Vec<(Timestamp, String)> {
    let signals = report.signals.iter().map(|row| {
        let signal = &row.signal;
        (row.at, format!("{} with confidence {}", signal.side, signal.confidence.value()))
    });
    let orders = report.orders.iter().map(|row| {
        let intent = &row.order.intent;
        (row.order.created_at, format!("order {} {:?}", intent.side, intent.amount))
    });
    let mut all: Vec<_> = signals.chain(orders).filter(|(at, _)| *at <= end).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}
