use crate::strategy::{Advice, Event, Strategy};
use crate::types::{
    Bar, FactBook, Facts, Instrument, Instruments, MarketEvent, Period, SlotId, Timestamp,
};

use super::Tape;

/// A tape of minute bars of one instrument (`SYNTHETIC` in `USD`) that looks like a market: a
/// random walk on a grid of 0.01 around 1,000 with volumes. Equal seeds give equal tapes.
///
/// The numbers come from `SplitMix64` (Steele, Lea and Flood, 2014).
///
/// ```
/// use tradewright::backtest::synthetic;
///
/// assert_eq!(synthetic(100, 7).hash(), synthetic(100, 7).hash());
/// assert_ne!(synthetic(100, 7).hash(), synthetic(100, 8).hash());
/// ```
pub fn synthetic(bars: usize, seed: u64) -> Tape {
    let mut instruments = Instruments::new();
    let Ok(id) = instruments.add(Instrument::stock("SYNTHETIC", "USD")) else {
        return Tape::default();
    };
    let mut tape = Tape::new(instruments);
    let mut random = SplitMix64(seed);
    let mut close = 100_000_i64;
    for index in 0..bars {
        let open = close;
        close = (open + random.up_to(141) + random.up_to(141) - 140).max(1_000);
        let high = open.max(close) + random.up_to(40);
        let low = (open.min(close) - random.up_to(40)).max(1);
        let ohlc = [open, high, low, close].map(|cents| cents as f64 / 100.0);
        let volume = (1 + random.up_to(1_000)) as f64;
        let minutes = core::time::Duration::from_secs(60 * (index as u64 + 1));
        let at = Timestamp::EPOCH.after(minutes);
        if let Ok(bar) = Bar::new(id, Period::MINUTE, ohlc, volume) {
            // Bars are made sound and in order.
            let _ = tape.push(at, MarketEvent::Bar(bar));
        }
    }
    tape
}

/// Shows a strategy every event of a tape, without an engine around it, and counts what it
/// says: the body of a benchmark of your own strategy.
///
/// ```
/// use std::hint::black_box;
/// use tradewright::backtest::{drive, synthetic};
/// use tradewright::prelude::*;
///
/// let tape = synthetic(10_000, 1);
/// let mut strategy = from_fn("MINE", |_event, _facts, _advice| {});
/// // In a criterion benchmark this line stands inside of `bencher.iter(|| ...)`:
/// black_box(drive(&mut strategy, &tape));
/// ```
pub fn drive<S: Strategy + ?Sized>(strategy: &mut S, tape: &Tape) -> usize {
    let (book, mut advice, mut said) = (FactBook::default(), Advice::new(), 0);
    for timed in tape.events() {
        let facts = Facts::new(timed.at, SlotId(1), tape.instruments(), &book);
        advice.begin(timed.event.instrument());
        strategy.on_event(&Event::Market(&timed.event), &facts, &mut advice);
        said += advice.items().len();
    }
    said
}

struct SplitMix64(u64);

impl SplitMix64 {
    /// A number from 0 to `most - 1`; `most` is small, so that the bias does not show.
    fn up_to(&mut self, most: u64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^= word >> 31;
        (word % most).cast_signed()
    }
}
