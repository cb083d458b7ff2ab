//! Is the close more than 2 % (rolling: 0.2 %) away from the volume-weighted average price?

use tradewright::math::exact::{Anchor, Crossing, VwapDeviation, ticks_on};
use tradewright::math::{CumulativeVwap, Indicator as _, Ohlcv, Ratio, RollingVwap};
use yata::core::Method as _;

use crate::bands::quantedge_bar;
use crate::{Answerer, Bar, Count, ROLLING_THRESHOLD, THRESHOLD, WINDOW};

/// Since the first bar. `ta` has none.
pub const CUMULATIVE: &[Answerer] = &[
    ("tradewright VwapDeviation, exact", tradewright_exact),
    ("tradewright CumulativeVwap, f64", tradewright_f64),
    ("quantedge-ta Vwap", quantedge),
    ("kand vwap_inc", kand),
];

/// Over the last 20 bars. `ta`, `quantedge-ta` and `kand` have none.
pub const ROLLING: &[Answerer] = &[
    ("tradewright VwapDeviation, exact", tradewright_rolling_exact),
    ("tradewright RollingVwap, f64", tradewright_rolling_f64),
    ("yata VWMA", yata),
];

#[inline]
fn judge(count: &mut Count, close: f64, average: f64, threshold: f64) {
    let deviation = (close - average) / average;
    count.add(deviation < -threshold, deviation > threshold);
}

#[inline(always)]
fn answer(vwap: &mut VwapDeviation, bar: &Bar) -> Option<Crossing> {
    let values = [bar.high, bar.low, bar.close, bar.volume];
    let [high, low, close, volume] = ticks_on(values, [100.0, 100.0, 100.0, 1_000.0])?;
    Some(vwap.update(high, low, close, volume))
}

/// The rolling kernel answers from the first bar on, the others from bar 20: `silent` bars are fed
/// without being counted.
fn exact(bars: &[Bar], threshold: f64, anchor: Anchor, silent: usize) -> Count {
    let threshold = Ratio::from_decimal_text_of(threshold).unwrap();
    let mut vwap = VwapDeviation::new(threshold, anchor).unwrap();
    let (first, rest) = bars.split_at(silent);
    for bar in first {
        answer(&mut vwap, bar);
    }
    let mut count = Count::default();
    for bar in rest {
        let Some(crossing) = answer(&mut vwap, bar) else { return count };
        count.add(crossing == Crossing::Below, crossing == Crossing::Above);
    }
    count
}

pub fn tradewright_exact(bars: &[Bar]) -> Count {
    exact(bars, THRESHOLD, Anchor::Cumulative, 0)
}

pub fn tradewright_rolling_exact(bars: &[Bar]) -> Count {
    exact(bars, ROLLING_THRESHOLD, Anchor::Rolling(WINDOW), WINDOW - 1)
}

#[inline]
fn ohlcv(bar: &Bar) -> Ohlcv {
    let Bar { open, high, low, close, volume } = *bar;
    Ohlcv { open, high, low, close, volume }
}

pub fn tradewright_f64(bars: &[Bar]) -> Count {
    let mut vwap = CumulativeVwap::new();
    let mut count = Count::default();
    for bar in bars {
        if let Ok(Some(average)) = vwap.update(ohlcv(bar)) {
            judge(&mut count, bar.close, average, THRESHOLD);
        }
    }
    count
}

pub fn tradewright_rolling_f64(bars: &[Bar]) -> Count {
    let mut vwap = RollingVwap::new(WINDOW).unwrap();
    let mut count = Count::default();
    for bar in bars {
        if let Ok(Some(average)) = vwap.update(ohlcv(bar)) {
            judge(&mut count, bar.close, average, ROLLING_THRESHOLD);
        }
    }
    count
}

pub fn quantedge(bars: &[Bar]) -> Count {
    let config = quantedge_ta::VwapConfig::builder().anchor(quantedge_ta::VwapAnchor::User).build();
    let mut vwap = quantedge_ta::Vwap::new(config);
    let mut count = Count::default();
    for (at, bar) in bars.iter().enumerate() {
        if let Some(value) = vwap.compute(&quantedge_bar(bar, at)) {
            judge(&mut count, bar.close, value.vwap, THRESHOLD);
        }
    }
    count
}

pub fn kand(bars: &[Bar]) -> Count {
    let (mut money, mut volume) = (0.0, 0.0);
    let mut count = Count::default();
    for bar in bars {
        let answer =
            kand::ohlcv::vwap::vwap_inc(bar.high, bar.low, bar.close, bar.volume, money, volume);
        let Ok((next_money, next_volume, average)) = answer else { return count };
        (money, volume) = (next_money, next_volume);
        judge(&mut count, bar.close, average, THRESHOLD);
    }
    count
}

/// Weighs what it is given; the typical price is computed here.
pub fn yata(bars: &[Bar]) -> Count {
    let weighted = |bar: &Bar| ((bar.high + bar.low + bar.close) / 3.0, bar.volume);
    let mut vwap = yata::methods::VWMA::new(WINDOW as u8, &weighted(&bars[0])).unwrap();
    let mut count = Count::default();
    for (at, bar) in bars.iter().enumerate() {
        let average = vwap.next(&weighted(bar));
        if at + 1 >= WINDOW {
            judge(&mut count, bar.close, average, ROLLING_THRESHOLD);
        }
    }
    count
}
