//! Does the close cross mean -+ 2 population deviations of the last 20 closes?

use std::num::NonZero;

use ta::Next as _;
use tradewright::math::exact::{BandCross, BandForm, Crossing, Deviation, ticks};
use tradewright::math::{Bollinger, DeviationKind, Indicator as _, Ratio};
use yata::core::Method as _;

use crate::{Answerer, BAND_FACTOR, Bar, Count, Crosses, WINDOW};

pub const ANSWERERS: &[Answerer] = &[
    ("tradewright BandCross, exact", tradewright_exact),
    ("tradewright Bollinger, f64", tradewright_f64),
    ("quantedge-ta Bb", quantedge),
    ("ta BollingerBands", ta),
    ("yata SMA + StDev (sample form)", yata),
    ("kand bbands_inc", kand),
];

pub fn tradewright_exact(bars: &[Bar]) -> Count {
    let factor = Ratio::from_decimal_text_of(BAND_FACTOR).unwrap();
    let mut band = BandCross::new(WINDOW, factor, Deviation::Population, BandForm::Cross).unwrap();
    let mut count = Count::default();
    for bar in bars {
        let Some(close) = ticks(bar.close, 100.0) else { return count };
        let crossing = band.update(close);
        count.add(crossing == Crossing::Below, crossing == Crossing::Above);
    }
    count
}

pub fn tradewright_f64(bars: &[Bar]) -> Count {
    let mut band = Bollinger::new(WINDOW, BAND_FACTOR, DeviationKind::Population).unwrap();
    let mut crosses = Crosses::default();
    for bar in bars {
        if let Ok(Some(bands)) = band.update(bar.close) {
            crosses.add(bar.close, bands.lower, bands.upper);
        }
    }
    crosses.count
}

pub fn quantedge(bars: &[Bar]) -> Count {
    let config = quantedge_ta::BbConfig::builder().length(NonZero::new(WINDOW).unwrap()).build();
    let mut band = quantedge_ta::Bb::new(config);
    let mut crosses = Crosses::default();
    for (at, bar) in bars.iter().enumerate() {
        if let Some(bands) = band.compute(&quantedge_bar(bar, at)) {
            crosses.add(bar.close, bands.lower, bands.upper);
        }
    }
    crosses.count
}

#[inline]
pub(crate) fn quantedge_bar(bar: &Bar, at: usize) -> quantedge_ta::Ohlcv {
    let Bar { open, high, low, close, volume } = *bar;
    // It takes a repeated time for a correction of the same bar.
    quantedge_ta::Ohlcv { open, high, low, close, volume, open_time: at as u64 + 1 }
}

pub fn ta(bars: &[Bar]) -> Count {
    let mut band = ta::indicators::BollingerBands::new(WINDOW, BAND_FACTOR).unwrap();
    let mut crosses = Crosses::default();
    for (at, bar) in bars.iter().enumerate() {
        let bands = band.next(bar.close);
        // It answers before its window is full.
        if at + 1 >= WINDOW {
            crosses.add(bar.close, bands.lower, bands.upper);
        }
    }
    crosses.count
}

/// Has the sample deviation only, so its counts differ.
pub fn yata(bars: &[Bar]) -> Count {
    let length = WINDOW as u8;
    let mut mean = yata::methods::SMA::new(length, &bars[0].close).unwrap();
    let mut deviation = yata::methods::StDev::new(length, &bars[0].close).unwrap();
    let mut crosses = Crosses::default();
    for (at, bar) in bars.iter().enumerate() {
        let (mean, width) = (mean.next(&bar.close), deviation.next(&bar.close) * BAND_FACTOR);
        // It starts with a window full of the first value.
        if at + 1 >= WINDOW {
            crosses.add(bar.close, mean - width, mean + width);
        }
    }
    crosses.count
}

/// Keeps no state of its own: the caller holds the sums and the window.
pub fn kand(bars: &[Bar]) -> Count {
    let first: f64 = bars[..WINDOW].iter().map(|bar| bar.close).sum();
    let squares: f64 = bars[..WINDOW].iter().map(|bar| bar.close * bar.close).sum();
    let (mut mean, mut sum, mut sum_of_squares) = (first / WINDOW as f64, first, squares);
    let mut crosses = Crosses::default();
    let width = BAND_FACTOR * (squares / WINDOW as f64 - mean * mean).max(0.0).sqrt();
    crosses.add(bars[WINDOW - 1].close, mean - width, mean + width);
    for (oldest, bar) in bars.iter().zip(&bars[WINDOW..]) {
        let answer = kand::ohlcv::bbands::bbands_inc(
            bar.close,
            mean,
            sum,
            sum_of_squares,
            oldest.close,
            WINDOW,
            BAND_FACTOR,
            BAND_FACTOR,
        );
        let Ok((upper, _, lower, next_mean, next_sum, next_squares)) = answer else {
            return crosses.count;
        };
        (mean, sum, sum_of_squares) = (next_mean, next_sum, next_squares);
        crosses.add(bar.close, lower, upper);
    }
    crosses.count
}
