use proptest::prelude::*;

use crate::types::{Grid, Instrument, InstrumentBuilder, InstrumentError, Instruments};

/// Price grids of 0 to 8 decimals.
pub fn grids() -> impl Strategy<Value = Grid> {
    (0_u8..9).prop_filter_map("a grid", |digits| Grid::new(digits).ok())
}

/// Tables with a share, a coin, a linear and an inverse perpetual, whose ticks, steps, minima
/// and multipliers are drawn.
pub fn instruments() -> impl Strategy<Value = Instruments> {
    let tick = prop::sample::select(vec!["0.01", "0.05", "0.1", "0.25", "0.5", "1"]);
    let step = prop::sample::select(vec!["0.001", "0.01", "0.1", "0.25", "1", "5"]);
    let multiplier = prop::sample::select(vec!["0.01", "1", "10", "100"]);
    let minimum = prop::sample::select(vec!["0", "0.5", "2"]);
    (tick, step, multiplier, minimum).prop_filter_map(
        "a table of instruments",
        |(tick, step, multiplier, minimum)| {
            let coin = Instrument::spot("COIN", "COIN", "USD").tick(tick).step(step);
            table_of([
                Instrument::stock("SHARE", "USD").tick(tick),
                coin.min_quantity(minimum).min_notional("10"),
                Instrument::linear_perpetual("LINEAR", "ETH", "USD").multiplier(multiplier),
                Instrument::inverse_perpetual("INVERSE", "BTC", "USD").multiplier("100"),
            ])
            .ok()
        },
    )
}

/// The table that scenes and suites use, all of it in USD but the last, which settles in BTC:
///
/// | id | symbol | what | tick, step | multiplier |
/// |---|---|---|---|---|
/// | 0 | SHARE | stock | 0.01, 1 | 1 |
/// | 1 | COIN | spot, at least 0.3 units and 10 USD | 0.5, 0.1 | 1 |
/// | 2 | LINEAR | perpetual on ETH | 0.01, 1 | 10 |
/// | 3 | INVERSE | inverse perpetual on BTC | 0.01, 1 | 100 |
pub fn table() -> Instruments {
    let coin = Instrument::spot("COIN", "COIN", "USD").step("0.1").tick("0.5");
    let entries = [
        Instrument::stock("SHARE", "USD"),
        coin.min_quantity("0.3").min_notional("10"),
        Instrument::linear_perpetual("LINEAR", "ETH", "USD").multiplier("10"),
        Instrument::inverse_perpetual("INVERSE", "BTC", "USD").multiplier("100"),
    ];
    // Sound as they are written; the tests build it.
    table_of(entries).unwrap_or_default()
}

pub(super) fn table_of(
    entries: impl IntoIterator<Item = InstrumentBuilder>,
) -> Result<Instruments, InstrumentError> {
    let mut table = Instruments::new();
    for entry in entries {
        table.add(entry)?;
    }
    Ok(table)
}
