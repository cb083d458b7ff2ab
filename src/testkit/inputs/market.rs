use core::ops::Range;

use proptest::prelude::*;

use crate::backtest::Timed;
use crate::types::{
    Bar, Book, BookLevel, Funding, Grid, InstrumentId, Mark, MarketEvent, Period, Print, Quote,
    Side, Timestamp,
};

/// How a series of bars moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarShape {
    /// A random walk, one bar a minute.
    Walk,
    /// A walk with minutes, hours and days missing, and prices that jump over them.
    Gappy,
    /// One price without volume, for ever: windows without deviation.
    Flat,
    /// A walk in which single bars are ten times too high or too low.
    Outlier,
    /// Stretches of all of them.
    Mixed,
}

/// Ticks in which a series starts, far enough from zero for any walk drawn here.
const FIRST: Range<i64> = 1_000..1_000_000;

/// One bar as it is drawn: its shape and six raw numbers.
type Raw = (BarShape, i64, i64, i64, u64, u32);

/// Minute bars of one instrument on a grid, with the time of their close.
///
/// All of them are sound; prices are at least one tick.
///
/// ```
/// use proptest::prelude::*;
/// use tradewright::testkit::inputs::{BarShape, bars};
/// use tradewright::types::{Grid, InstrumentId};
///
/// proptest!(|(bars in bars(InstrumentId(0), Grid::CENTS, BarShape::Gappy, 1..20))| {
///     prop_assert!(bars.iter().all(|(_, bar)| bar.check().is_ok()));
/// });
/// ```
pub fn bars(
    instrument: InstrumentId,
    grid: Grid,
    shape: BarShape,
    length: Range<usize>,
) -> impl Strategy<Value = Vec<(Timestamp, Bar)>> + Clone {
    let raw = (shapes(shape), -50_i64..=50, 0_i64..30, 0_i64..30, 0_u64..10_000, 0_u32..100);
    (FIRST, prop::collection::vec(raw, length)).prop_map(move |(first, rows)| {
        let mut series = Series { instrument, grid, ticks: first, at: Timestamp::EPOCH };
        rows.iter().map(|raw| series.next(raw)).collect()
    })
}

fn shapes(shape: BarShape) -> impl Strategy<Value = BarShape> + Clone {
    prop::sample::select(match shape {
        BarShape::Mixed => {
            vec![BarShape::Walk, BarShape::Gappy, BarShape::Flat, BarShape::Outlier]
        }
        BarShape::Walk | BarShape::Gappy | BarShape::Flat | BarShape::Outlier => vec![shape],
    })
}

/// A series in the making.
struct Series {
    instrument: InstrumentId,
    grid: Grid,
    ticks: i64,
    at: Timestamp,
}

impl Series {
    fn next(&mut self, &(shape, change, above, below, volume, luck): &Raw) -> (Timestamp, Bar) {
        let is_rare = luck < 10;
        let minutes = match shape {
            BarShape::Gappy if is_rare => 1 + 37 * u64::from(luck) * u64::from(luck),
            _ => 1,
        };
        self.at = self.at.after(core::time::Duration::from_secs(60 * minutes));
        let is_flat = shape == BarShape::Flat;
        let jump = if shape == BarShape::Gappy && is_rare { change * 40 } else { 0 };
        let open = (self.ticks + jump).max(1);
        let close = if is_flat { open } else { (open + change).max(1) };
        let wicks = if is_flat { [0, 0] } else { [above, below] };
        let high = open.max(close) + wicks[0];
        let low = (open.min(close) - wicks[1]).max(1);
        self.ticks = close;
        let far = |ticks: i64| match (shape, luck) {
            (BarShape::Outlier, 0..5) => ticks * 10,
            (BarShape::Outlier, 5..10) => (ticks / 10).max(1),
            _ => ticks,
        };
        let [open, high, low, close] = [open, high, low, close].map(|t| self.grid.value(far(t)));
        let volume = if is_flat { 0.0 } else { volume as f64 };
        let (instrument, period) = (self.instrument, Period::MINUTE);
        (self.at, Bar { instrument, period, open, high, low, close, volume })
    }
}

/// Bars that no market can have: numbers that are none, prices at or below zero, the high below
/// the low, a body outside of the range, a negative volume.
pub fn unsound_bars(instrument: InstrumentId) -> impl Strategy<Value = Bar> + Clone {
    let bad = prop::sample::select(vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        -1.0,
        -5e-324,
    ]);
    let good = Bar {
        instrument,
        period: Period::MINUTE,
        open: 2.0,
        high: 3.0,
        low: 1.0,
        close: 2.0,
        volume: 1.0,
    };
    (0_usize..8, bad).prop_map(move |(place, bad)| match place {
        0 => Bar { open: bad, ..good },
        1 => Bar { high: bad, ..good },
        2 => Bar { low: bad, ..good },
        3 => Bar { close: bad, ..good },
        4 => Bar { volume: if bad == 0.0 { -1.0 } else { bad }, ..good },
        5 => Bar { high: 1.0, low: 3.0, ..good },
        6 => Bar { open: 3.5, ..good },
        _ => Bar { close: 0.5, ..good },
    })
}

/// Trades on a grid, some of them with the taker's side.
pub fn prints(instrument: InstrumentId, grid: Grid) -> impl Strategy<Value = Print> + Clone {
    let taker = prop::option::of(prop::sample::select(vec![Side::Buy, Side::Sell]));
    (FIRST, 1_u32..10_000, taker).prop_map(move |(ticks, quantity, taker)| {
        let (price, quantity) = (grid.value(ticks), f64::from(quantity) / 10.0);
        Print { instrument, price, quantity, taker }
    })
}

/// Best bid and ask on a grid; the ask lies above the bid, and a side may be empty.
pub fn quotes(instrument: InstrumentId, grid: Grid) -> impl Strategy<Value = Quote> + Clone {
    (FIRST, 1_i64..50, 0_u32..500, 0_u32..500).prop_map(move |(bid, spread, bids, asks)| Quote {
        instrument,
        bid: grid.value(bid),
        bid_quantity: f64::from(bids),
        ask: grid.value(bid + spread),
        ask_quantity: f64::from(asks),
    })
}

/// Order books of up to eight levels a side, the best first, never crossed.
pub fn books(instrument: InstrumentId, grid: Grid) -> impl Strategy<Value = Book> + Clone {
    let side = prop::collection::vec((1_i64..20, 1_u32..500), 1..8);
    (FIRST, side.clone(), side).prop_map(move |(middle, bids, asks)| {
        let levels = |direction: i64, steps: &[(i64, u32)]| {
            let mut ticks = middle;
            let level = |&(step, quantity): &(i64, u32)| {
                ticks = (ticks + direction * step).max(1);
                BookLevel { price: grid.value(ticks), quantity: f64::from(quantity) }
            };
            steps.iter().map(level).collect()
        };
        Book { instrument, bids: levels(-1, &bids), asks: levels(1, &asks) }
    })
}

/// A stream of bars, prints, quotes, books, marks and funding of one instrument in order of time.
pub fn events(
    instrument: InstrumentId,
    grid: Grid,
    length: Range<usize>,
) -> impl Strategy<Value = Vec<Timed>> + Clone {
    let first = |bars: Vec<(Timestamp, Bar)>| bars.first().map(|(_, bar)| MarketEvent::Bar(*bar));
    let bar = bars(instrument, grid, BarShape::Mixed, 1..2).prop_filter_map("a bar", first);
    let event = prop_oneof![
        6 => bar,
        2 => prints(instrument, grid).prop_map(MarketEvent::Print),
        2 => quotes(instrument, grid).prop_map(MarketEvent::Quote),
        1 => books(instrument, grid).prop_map(|book| MarketEvent::Book(Box::new(book))),
        1 => FIRST.prop_map(move |ticks| {
            MarketEvent::Mark(Mark { instrument, price: grid.value(ticks) })
        }),
        1 => (-50_i32..50, FIRST).prop_map(move |(rate, ticks)| {
            let (rate, mark) = (f64::from(rate) / 10_000.0, grid.value(ticks));
            MarketEvent::Funding(Funding { instrument, rate, mark })
        }),
    ];
    prop::collection::vec((0_u64..90, event), length).prop_map(|rows| {
        let mut at = Timestamp::EPOCH;
        let timed = |(seconds, event)| {
            at = at.after(core::time::Duration::from_secs(seconds));
            Timed { at, event }
        };
        rows.into_iter().map(timed).collect()
    })
}
