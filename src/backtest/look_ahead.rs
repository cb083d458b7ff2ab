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
        let short = tape.truncated(whole_instants(tape, length));
        let Some(last) = short.events().last() else { continue };
        let end = last.at;
        let run = build(&short).run()?;
        if let Some(found) = first_difference(&full, &run, end) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The length at which no instant is cut in two: who waits for the bars of all its instruments
/// would else say nothing in the shorter history.
fn whole_instants(tape: &Tape, length: usize) -> usize {
    let mut length = length;
    while let [.., last] = tape.events().get(..length).unwrap_or_default()
        && tape.events().get(length).is_some_and(|next| next.at == last.at)
    {
        length += 1;
    }
    length
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
    let goes_on = goes_on_at(full, cut, end);
    for index in 0..ours.len().max(theirs.len()) {
        let (left, right) = (ours.get(index), theirs.get(index));
        let is_answer = goes_on && right.is_none() && left.is_some_and(|(at, _)| *at == end);
        if left == right || is_answer {
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

/// True when an order that both runs have was filled at the time of the cut, but after it: the
/// open of the next bar has the time of the last close. What a strategy answers to that fill it
/// could not have said before.
fn goes_on_at(full: &Report, cut: &Report, end: Timestamp) -> bool {
    let ordered = |id| cut.orders.iter().any(|row| row.order.id == id);
    let filled = |trade| cut.fills.iter().any(|(fill, _)| fill.execution.trade == trade);
    let mut fills = full.fills.iter().map(|(fill, _)| fill).filter(|fill| fill.at == end);
    fills.any(|fill| ordered(fill.order) && !filled(fill.execution.trade))
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
