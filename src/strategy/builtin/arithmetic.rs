use serde::{Deserialize, Serialize};

use crate::math::{Ohlcv, Ratio, exact};
use crate::strategy::BadParameter;
use crate::types::{Bar, Grid};

use super::per_instrument::BarError;

/// How a strategy computes.
///
/// On a price grid a close is often exactly on its mean or band, and floating point decides such
/// ties at random. In ticks they are decided as exact arithmetic decides them. A series that lies
/// on no grid (adjusted prices, an index computed by the host) says `float`; nothing ever switches
/// silently: in ticks, a number off the grid is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arithmetic {
    /// Whole numbers of the instrument's data grid, exact.
    #[default]
    Ticks,
    /// `f64`.
    Float,
}

impl Arithmetic {
    pub(super) const WORDS: &'static [&'static str] = &["ticks", "float"];
}

/// A parameter as an exact ratio.
pub(super) fn ratio(name: &str, value: f64) -> Result<Ratio, BadParameter> {
    Ratio::from_decimal_text_of(value).map_err(|_| {
        let allowed =
            "decimal texts that are fractions with terms up to 2^32 (or arithmetic float)";
        BadParameter::new(name, value, allowed)
    })
}

/// A price in ticks: above zero and on the grid.
#[inline]
pub(super) fn price_ticks(what: &'static str, value: f64, grid: Grid) -> Result<i64, BarError> {
    match exact::ticks(value, grid.scale()) {
        Some(ticks) if ticks > 0 => Ok(ticks),
        _ => Err(off_grid(what, value, grid)),
    }
}

/// A volume in ticks: not negative and on the grid.
#[inline]
pub(super) fn volume_ticks(value: f64, grid: Grid) -> Result<i64, BarError> {
    match exact::ticks(value, grid.scale()) {
        Some(ticks) if ticks >= 0 => Ok(ticks),
        _ => Err(off_grid("volume", value, grid)),
    }
}

/// High, low, close and volume of a bar in ticks, at once.
#[inline]
pub(super) fn bar_ticks(bar: &Bar, prices: Grid, volumes: Grid) -> Result<[i64; 4], BarError> {
    let price = prices.scale();
    let values = [bar.high, bar.low, bar.close, bar.volume];
    match exact::ticks_on(values, [price, price, price, volumes.scale()]) {
        Some(ticks @ [high, low, close, volume]) if high.min(low).min(close) > 0 && volume >= 0 => {
            Ok(ticks)
        }
        _ => one_by_one(bar, prices, volumes),
    }
}

/// The same, to name the number that is off the grid.
#[cold]
fn one_by_one(bar: &Bar, prices: Grid, volumes: Grid) -> Result<[i64; 4], BarError> {
    Ok([
        price_ticks("high", bar.high, prices)?,
        price_ticks("low", bar.low, prices)?,
        price_ticks("close", bar.close, prices)?,
        volume_ticks(bar.volume, volumes)?,
    ])
}

#[cold]
fn off_grid(what: &'static str, value: f64, grid: Grid) -> BarError {
    let digits = grid.digits();
    if !(value.is_finite() && value >= 0.0) || value == 0.0 {
        BarError::Refused(format!("{what} {value} is not above zero and finite"))
    } else if !(value * grid.scale() < exact::TICK_LIMIT as f64) {
        BarError::Refused(format!(
            "{what} {value} has too many digits on a grid of {digits} decimals"
        ))
    } else {
        BarError::OffGrid { what, value, digits }
    }
}

/// The bar as the plain numbers that indicators take.
#[inline]
pub(super) fn ohlcv(bar: &Bar) -> Ohlcv {
    let Bar { open, high, low, close, volume, .. } = *bar;
    Ohlcv { open, high, low, close, volume }
}
