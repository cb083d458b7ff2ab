//! Does the close leave the range of the 20 bars before it on 1.5 times their mean volume?

use std::num::NonZero;

use ta::Next as _;
use tradewright::math::exact::{Crossing, VolumeBreakout, ticks};
use tradewright::math::{Indicator as _, Ratio, RollingMaximum, RollingMinimum, Sma};
use yata::core::Method as _;

use crate::bands::quantedge_bar;
use crate::{Answerer, Bar, Count, VOLUME_FACTOR, WINDOW};

pub const ANSWERERS: &[Answerer] = &[
    ("tradewright VolumeBreakout, exact", tradewright_exact),
    ("tradewright maximum, minimum, Sma, f64", tradewright_f64),
    ("quantedge-ta Dc, ta SMA of volume", quantedge),
    ("ta Maximum, Minimum, SMA", ta),
    ("yata Highest, Lowest, SMA", yata),
    ("kand max, min, sma, whole columns", kand),
];

/// The range and the mean volume of the bars before, from figures that include the current bar.
#[derive(Default)]
struct Breakouts {
    count: Count,
    previous: Option<(f64, f64, f64)>,
}

impl Breakouts {
    #[inline]
    fn add(&mut self, bar: &Bar, next: Option<(f64, f64, f64)>) {
        if let Some((high, low, volume)) = std::mem::replace(&mut self.previous, next) {
            let is_loud = bar.volume > VOLUME_FACTOR * volume;
            self.count.add((bar.close < low) & is_loud, (bar.close > high) & is_loud);
        }
    }
}

pub fn tradewright_exact(bars: &[Bar]) -> Count {
    let factor = Ratio::from_decimal_text_of(VOLUME_FACTOR).unwrap();
    let mut breakout = VolumeBreakout::new(WINDOW, factor).unwrap();
    let mut count = Count::default();
    for bar in bars {
        let Some(volume) = ticks(bar.volume, 1_000.0) else { return count };
        let crossing = breakout.update(bar.high, bar.low, bar.close, volume);
        count.add(crossing == Crossing::Below, crossing == Crossing::Above);
    }
    count
}

pub fn tradewright_f64(bars: &[Bar]) -> Count {
    let mut highest = RollingMaximum::new(WINDOW).unwrap();
    let mut lowest = RollingMinimum::new(WINDOW).unwrap();
    let mut mean = Sma::new(WINDOW).unwrap();
    let mut breakouts = Breakouts::default();
    for bar in bars {
        let (high, low) = (highest.update(bar.high), lowest.update(bar.low));
        let figures = match (high, low, mean.update(bar.volume)) {
            (Ok(Some(high)), Ok(Some(low)), Ok(Some(mean))) => Some((high, low, mean)),
            _ => None,
        };
        breakouts.add(bar, figures);
    }
    breakouts.count
}

/// Its own mean is one of prices, so the volume's comes from `ta`.
pub fn quantedge(bars: &[Bar]) -> Count {
    let config = quantedge_ta::DcConfig::builder().length(NonZero::new(WINDOW).unwrap()).build();
    let mut channel = quantedge_ta::Dc::new(config);
    let mut mean = ta::indicators::SimpleMovingAverage::new(WINDOW).unwrap();
    let mut breakouts = Breakouts::default();
    for (at, bar) in bars.iter().enumerate() {
        let mean = mean.next(bar.volume);
        let figures = channel
            .compute(&quantedge_bar(bar, at))
            .map(|channel| (channel.upper, channel.lower, mean));
        breakouts.add(bar, figures);
    }
    breakouts.count
}

pub fn ta(bars: &[Bar]) -> Count {
    let mut highest = ta::indicators::Maximum::new(WINDOW).unwrap();
    let mut lowest = ta::indicators::Minimum::new(WINDOW).unwrap();
    let mut mean = ta::indicators::SimpleMovingAverage::new(WINDOW).unwrap();
    let mut breakouts = Breakouts::default();
    for (at, bar) in bars.iter().enumerate() {
        let figures = (highest.next(bar.high), lowest.next(bar.low), mean.next(bar.volume));
        breakouts.add(bar, (at + 1 >= WINDOW).then_some(figures));
    }
    breakouts.count
}

pub fn yata(bars: &[Bar]) -> Count {
    let (length, first) = (WINDOW as u8, &bars[0]);
    let mut highest = yata::methods::Highest::new(length, &first.high).unwrap();
    let mut lowest = yata::methods::Lowest::new(length, &first.low).unwrap();
    let mut mean = yata::methods::SMA::new(length, &first.volume).unwrap();
    let mut breakouts = Breakouts::default();
    for (at, bar) in bars.iter().enumerate() {
        let figures = (highest.next(&bar.high), lowest.next(&bar.low), mean.next(&bar.volume));
        breakouts.add(bar, (at + 1 >= WINDOW).then_some(figures));
    }
    breakouts.count
}

/// Its incremental maximum needs the window from the caller, so this is its batch form; splitting
/// the bars into columns is part of the figure.
pub fn kand(bars: &[Bar]) -> Count {
    let column = |of: fn(&Bar) -> f64| -> Vec<f64> { bars.iter().map(of).collect() };
    let (highs, lows) = (column(|bar| bar.high), column(|bar| bar.low));
    let volumes = column(|bar| bar.volume);
    let nothing = || vec![0.0; bars.len()];
    let (mut highest, mut lowest, mut means) = (nothing(), nothing(), nothing());
    kand::stats::max::max(&highs, WINDOW, &mut highest).unwrap();
    kand::stats::min::min(&lows, WINDOW, &mut lowest).unwrap();
    kand::ohlcv::sma::sma(&volumes, WINDOW, &mut means).unwrap();
    let mut breakouts = Breakouts::default();
    for (at, bar) in bars.iter().enumerate() {
        let figures = (highest[at], lowest[at], means[at]);
        breakouts.add(bar, (at + 1 >= WINDOW).then_some(figures));
    }
    breakouts.count
}
