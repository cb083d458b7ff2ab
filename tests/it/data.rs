//! Data sets: files, their faults, merging and resampling.

use tradewright::backtest::{BarColumn, CsvBars, IssueKind, SourceError, Stamp, Tape, TimeFormat};
use tradewright::types::{Instrument, InstrumentId, MarketEvent, Period, Timestamp};

const FIRST: InstrumentId = InstrumentId(0);

fn example(name: &str) -> String {
    format!("{}/examples/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn bars(tape: &Tape, period: Period) -> Vec<(Timestamp, tradewright::types::Bar)> {
    tape.bars(FIRST, period).map(|(at, bar)| (at, *bar)).collect()
}

#[test]
fn the_bundled_share_loads_with_its_own_digits() {
    let tape = CsvBars::open(example("aapl_1d.csv")).load(Instrument::stock("AAPL", "USD"));
    let tape = tape.unwrap();
    assert_eq!(tape.len(), 3_270);
    let instrument = &tape.instruments()[FIRST];
    assert_eq!(instrument.price_grid.digits(), 4, "as in 14.2675");
    assert_eq!(instrument.volume_grid.digits(), 0);
    let bars = bars(&tape, Period::DAY);
    let (at, first) = bars[0];
    assert_eq!(at.to_string(), "2000-03-02T00:00:00Z", "a bar is an event at its close");
    assert_eq!((first.open, first.close, first.volume), (118.56, 130.31, 9_616_100.0));
    let gaps: Vec<_> =
        tape.issues().iter().map(|issue| (issue.at.to_string(), issue.kind)).collect();
    // After the eleventh of September, New Year with a day of mourning, and the hurricane.
    let closed = [("2001-09-18", 4), ("2007-01-04", 2), ("2012-11-01", 2)];
    let closed =
        closed.map(|(day, missing)| (format!("{day}T00:00:00Z"), IssueKind::Gap { missing }));
    assert_eq!(gaps, closed);
}

#[test]
fn adjusted_prices_have_no_split_and_keep_the_traded_value() {
    let share = Instrument::stock("AAPL", "USD");
    let raw = CsvBars::open(example("aapl_1d.csv")).load(share.clone()).unwrap();
    let adjusted = CsvBars::open(example("aapl_1d.csv")).adjusted_by("adj_close").load(share);
    let adjusted = adjusted.unwrap();
    assert_eq!(adjusted.instruments()[FIRST].price_grid.digits(), 6);
    let worst = |tape: &Tape| {
        let closes: Vec<f64> = bars(tape, Period::DAY).iter().map(|(_, bar)| bar.close).collect();
        let falls = closes.windows(2).map(|pair| pair[1] / pair[0] - 1.0);
        falls.enumerate().filter(|(_, fall)| *fall < -0.4).count()
    };
    assert_eq!((worst(&raw), worst(&adjusted)), (3, 1), "two splits, and one real fall");
    for ((_, raw), (_, bar)) in bars(&raw, Period::DAY).iter().zip(bars(&adjusted, Period::DAY)) {
        let value = raw.close * raw.volume;
        assert!((bar.close * bar.volume / value - 1.0).abs() < 1e-5, "{raw:?} {bar:?}");
        assert!(bar.check().is_ok());
    }
    let (_, first) = bars(&adjusted, Period::DAY)[0];
    assert_eq!(first.close, 4.186663, "the file's 4.186662803811");
}
