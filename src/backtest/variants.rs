use std::thread;

use super::{Backtest, BacktestError, Report, Tape};

/// Events that one variant handles before the next has its turn: a block stays in the cache
/// while all variants of a thread run over it.
const BLOCK: usize = 1_024;

/// Runs many variants over one pass of the data, on so many threads. The answers come in the
/// order of the variants and do not depend on the number of threads.
///
/// ```
/// use tradewright::backtest::{Backtest, Tape, run_variants};
/// # use tradewright::types::{Bar, Instrument, Instruments, MarketEvent, Period, Timestamp};
/// # let mut instruments = Instruments::new();
/// # let spy = instruments.add(Instrument::stock("SPY", "USD"))?;
/// # let mut tape = Tape::new(instruments);
/// # for day in 1..=60 {
/// #     let price = 100.0 + f64::from(day % 7);
/// #     let bar = Bar::new(spy, Period::DAY, [price, price, price, price], 1e6)?;
/// #     tape.push(Timestamp::from_secs(86_400 * i64::from(day))?, MarketEvent::Bar(bar))?;
/// # }
/// let windows = [10, 20, 30];
/// let reports = run_variants(&tape, &windows, 2, |tape, window| {
///     let parameters = format!(r#"{{"window": {window}}}"#);
///     Backtest::new(tape).strategy_with("MEAN_REVERSION", &parameters)
/// })?;
/// assert_eq!(reports.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The [`BacktestError`] of the first variant that fails.
///
/// # Panics
/// When `build` or a strategy panics.
pub fn run_variants<P: Sync>(
    tape: &Tape,
    variants: &[P],
    threads: usize,
    build: impl for<'a> Fn(&'a Tape, &P) -> Backtest<'a> + Sync,
) -> Result<Vec<Report>, BacktestError> {
    let share = variants.len().div_ceil(threads.max(1)).max(1);
    let build = &build;
    let parts: Vec<Result<Vec<Report>, BacktestError>> = thread::scope(|scope| {
        let workers: Vec<_> = variants
            .chunks(share)
            .map(|chunk| scope.spawn(move || run_chunk(tape, chunk, build)))
            .collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect()
    });
    let mut reports = Vec::with_capacity(variants.len());
    for part in parts {
        reports.extend(part?);
    }
    Ok(reports)
}

fn run_chunk<P>(
    tape: &Tape,
    variants: &[P],
    build: &impl for<'a> Fn(&'a Tape, &P) -> Backtest<'a>,
) -> Result<Vec<Report>, BacktestError> {
    let prepared = variants.iter().map(|variant| build(tape, variant).prepare(()));
    let mut runs = prepared.collect::<Result<Vec<_>, _>>()?;
    for block in tape.blocks(BLOCK) {
        for (_, simulation) in &mut runs {
            simulation.run(block)?;
        }
    }
    let report = |(plan, simulation)| Report::new(tape, &plan, simulation).0;
    Ok(runs.into_iter().map(report).collect())
}
