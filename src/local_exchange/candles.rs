use std::collections::VecDeque;

use super::source::Tick;
use crate::types::{Side, Timestamp};

/// The intervals that are kept, with their seconds.
pub(super) const INTERVALS: [(&str, i64); 14] = [
    ("1s", 1),
    ("1m", 60),
    ("3m", 180),
    ("5m", 300),
    ("15m", 900),
    ("30m", 1_800),
    ("1h", 3_600),
    ("2h", 7_200),
    ("4h", 14_400),
    ("6h", 21_600),
    ("8h", 28_800),
    ("12h", 43_200),
    ("1d", 86_400),
    ("1w", 604_800),
];

/// The place of one minute in [`INTERVALS`].
pub(super) const MINUTE: usize = 1;

/// Candles kept of each interval.
const KEPT: usize = 1_500;

/// The first Monday of 1970, where weeks begin.
const MONDAY: i64 = 4 * 86_400;

/// A candle in ticks and steps; it may still be forming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candle {
    /// Seconds since 1970 at which it opens.
    pub(super) open_at: i64,
    pub(super) open: i64,
    pub(super) high: i64,
    pub(super) low: i64,
    pub(super) close: i64,
    pub(super) steps: i64,
    /// Ticks times steps.
    pub(super) value: i128,
    pub(super) taker_steps: i64,
    pub(super) taker_value: i128,
    pub(super) first_trade: u64,
    pub(super) trades: u64,
}

/// The candles of one symbol in all intervals; the last of each is forming.
#[derive(Clone, Debug)]
pub(super) struct Candles {
    series: [VecDeque<Candle>; INTERVALS.len()],
}

impl Candles {
    pub(super) fn new() -> Self {
        Self { series: core::array::from_fn(|_| VecDeque::new()) }
    }

    pub(super) fn series(&self, interval: usize) -> Option<&VecDeque<Candle>> {
        self.series.get(interval)
    }

    /// A trade belongs to the forming candle of each interval.
    pub(super) fn trade(&mut self, tick: &Tick, number: u64) {
        self.roll(tick.at);
        let value = i128::from(tick.price) * i128::from(tick.steps);
        for (series, (_, seconds)) in self.series.iter_mut().zip(INTERVALS) {
            let open_at = opening(tick.at, seconds);
            match series.back_mut().filter(|candle| candle.open_at == open_at) {
                Some(candle) => {
                    if candle.trades == 0 {
                        (candle.open, candle.high, candle.low) =
                            (tick.price, tick.price, tick.price);
                        candle.first_trade = number;
                    }
                    candle.high = candle.high.max(tick.price);
                    candle.low = candle.low.min(tick.price);
                    candle.close = tick.price;
                }
                None => series.push_back(Candle::flat(open_at, tick.price, number)),
            }
            if let Some(candle) = series.back_mut() {
                candle.trades += 1;
                candle.steps = candle.steps.saturating_add(tick.steps);
                candle.value = candle.value.saturating_add(value);
                if tick.taker == Side::Buy {
                    candle.taker_steps = candle.taker_steps.saturating_add(tick.steps);
                    candle.taker_value = candle.taker_value.saturating_add(value);
                }
            }
            if series.len() > KEPT {
                series.pop_front();
            }
        }
    }

    /// Opens the candles that begin up to a time; gives those that have closed, by interval.
    pub(super) fn roll(&mut self, at: Timestamp) -> Vec<(usize, Candle)> {
        let mut closed = Vec::new();
        for (index, (series, (_, seconds))) in self.series.iter_mut().zip(INTERVALS).enumerate() {
            let open_at = opening(at, seconds);
            while let Some(last) = series.back().copied().filter(|last| last.open_at < open_at) {
                closed.push((index, last));
                let number = last.first_trade + last.trades;
                let skipped = (open_at - last.open_at) / seconds - i64::try_from(KEPT).unwrap_or(1);
                let next = last.open_at + seconds * skipped.max(1);
                series.push_back(Candle::flat(next, last.close, number));
                if series.len() > KEPT {
                    series.pop_front();
                }
            }
        }
        closed
    }
}

impl Candle {
    /// A candle without a trade.
    const fn flat(open_at: i64, price: i64, first_trade: u64) -> Self {
        Self {
            open_at,
            open: price,
            high: price,
            low: price,
            close: price,
            steps: 0,
            value: 0,
            taker_steps: 0,
            taker_value: 0,
            first_trade,
            trades: 0,
        }
    }
}

/// When the candle opens that holds a moment, in seconds.
fn opening(at: Timestamp, seconds: i64) -> i64 {
    let origin = if seconds == 604_800 { MONDAY } else { 0 };
    let second = at.nanos().div_euclid(1_000_000_000);
    (second - origin).div_euclid(seconds) * seconds + origin
}
