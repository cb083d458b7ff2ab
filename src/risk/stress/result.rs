use serde::Serialize;

use crate::types::{InstrumentId, Label};

/// A scenario's result on the portfolio, in the reporting currency.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StressResult {
    /// The scenario.
    pub scenario: Label,
    /// Equity before.
    pub equity_before: f64,
    /// Equity after: before, plus the profits of positions and cash.
    pub equity: f64,
    /// What is gained (negative: lost) in total.
    pub profit: f64,
    /// What cash in other currencies gains, a part of the profit.
    pub cash_profit: f64,
    /// The fall from the equity before, a fraction of it; 0 where nothing is lost, above 1 where
    /// more is lost than there was.
    pub drawdown: f64,
    /// Value of all positions without signs after the shock.
    pub gross: f64,
    /// Gross value over equity after the shock; `None` where no equity is left.
    pub leverage: Option<f64>,
    /// Each open position, in the order of instruments.
    pub positions: Vec<StressedPosition>,
}

impl StressResult {
    /// The drawdown from an earlier peak of equity, a fraction of it; NaN where the peak is not
    /// above zero.
    pub fn drawdown_from(&self, peak: f64) -> f64 {
        if !(peak > 0.0) {
            return f64::NAN;
        }
        let drawdown = (peak - self.equity) / peak;
        if drawdown < 0.0 { 0.0 } else { drawdown }
    }
}

/// One position in a scenario. Values are in the reporting currency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StressedPosition {
    /// In which instrument.
    pub instrument: InstrumentId,
    /// Signed quantity.
    pub size: f64,
    /// Mark before.
    pub price: f64,
    /// Mark after.
    pub stressed_price: f64,
    /// Value of the position at mark before, with the sign of its direction.
    pub value: f64,
    /// The same after.
    pub stressed_value: f64,
    /// What it gains (negative: loses), its currency's move included.
    pub profit: f64,
    /// How it was priced.
    pub repricing: Repricing,
}

/// How a position's stressed price was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Repricing {
    /// Its own price moved by the shock, and its value with the price.
    Linear,
    /// Its own price moved by the shock, and its value in coin with one over the price.
    Inverse,
    /// Black-Scholes at the shocked price of the underlying and the shocked volatility, without
    /// interest and dividends.
    BlackScholes {
        /// The underlying that was found.
        underlying: InstrumentId,
        /// Volatility per year (of 365 days) that the option's mark implies.
        implied_volatility: f64,
        /// The same after the shock.
        stressed_volatility: f64,
    },
    /// An option whose mark implies no volatility (no time value left, or none that can be): the
    /// change of what exercise would bring. Volatility does not count.
    Intrinsic {
        /// The underlying that was found.
        underlying: InstrumentId,
    },
    /// An option without a marked underlying: its own price moved by its own shock. Neither
    /// convexity nor volatility counts.
    OwnPrice,
}
