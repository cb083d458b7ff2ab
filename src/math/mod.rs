//! f64 and tick kernels that know no domain type.
//!
//! Indicators stream: see [`Indicator`]. They take plain numbers or plain bars ([`Ohlcv`]), refuse
//! what cannot be a price, allocate only when they are built, and stay exact over any number of
//! updates (no running sum ever subtracts). Where TA-Lib defines an indicator, the values equal
//! TA-Lib's with unstable period 0, seeds and first defined bar included; the few differences are
//! in the indicators' own documentation.
//!
//! | What | Indicators |
//! |---|---|
//! | averages | [`Sma`], [`Ema`], [`Wma`] |
//! | spread | [`RollingVariance`], [`RollingStandardDeviation`], [`ZScore`], [`Bollinger`] |
//! | range | [`RollingMaximum`], [`RollingMinimum`], [`Donchian`], [`Atr`], [`Natr`] |
//! | volume | [`CumulativeVwap`], [`SessionVwap`], [`RollingVwap`], [`Obv`], [`Mfi`] |
//! | momentum | [`Rsi`], [`Macd`], [`Roc`], [`Stochastic`], [`StochasticFast`], [`WilliamsR`], [`Cci`] |
//! | trend | [`Adx`], [`DirectionalMovement`], [`Keltner`], [`Supertrend`], [`LinearRegressionSlope`] |
//! | statistics | [`RealisedVolatility`], [`RollingCorrelation`], [`TypicalPrice`] |
//!
//! Many series at once: [`RollingCovariance`] and [`ExponentialCovariance`]. Tails of a series of
//! results: [`TailModel`] (value at risk, expected shortfall).

pub mod exact;
mod indicator;
mod rational;

mod compensated;
mod window;

mod bollinger;
mod cci;
mod directional;
mod extrema;
mod keltner;
mod macd;
mod moments;
mod moving_average;
mod regression;
mod roc;
mod rsi;
mod session_vwap;
mod stochastic;
mod true_range;
mod typical_price;
mod volatility;
mod volume_flow;
mod vwap;

mod black;
mod matrix;
mod normal;
mod risk_parity;
mod statistics;
mod tail;

pub(crate) use black::{black_implied_deviation, black_value};
pub use bollinger::{Bollinger, BollingerBands};
pub use cci::Cci;
pub use compensated::CompensatedSum;
pub use directional::{Adx, AdxLines, DirectionalLines, DirectionalMovement};
pub use extrema::{Donchian, DonchianChannel, RollingMaximum, RollingMinimum};
pub use indicator::{
    Indicator, InputError, LARGEST_INPUT, LONGEST_WINDOW, Ohlcv, ParameterError, SMALLEST_PRICE,
};
pub use keltner::{Keltner, KeltnerChannel, Supertrend, SupertrendLine, TrendDirection};
pub use macd::{Macd, MacdLines};
pub use matrix::{
    ExponentialCovariance, LARGEST_RETURN, LONGEST_ROLLING, MOST_SERIES, ReturnWindow,
    RollingCovariance, RowError,
};
pub use moments::{DeviationKind, RollingStandardDeviation, RollingVariance, ZScore};
pub use moving_average::{Ema, RollingMean, Sma, Wma};
pub use normal::{erfc, norm_cdf, norm_inverse_cdf, norm_pdf};
pub use rational::Ratio;
pub use regression::{LinearRegressionSlope, RollingCorrelation};
pub use risk_parity::{RiskParityError, risk_contributions, risk_parity};
pub use roc::Roc;
pub use rsi::Rsi;
pub use session_vwap::{SessionAnchor, SessionVwap, TimedOhlcv};
pub use statistics::{
    LinearFit, correlation, covariance, kurtosis, linear_regression, mean, quantile,
    quantile_of_sorted, skewness, standard_deviation, variance,
};
pub use stochastic::{Stochastic, StochasticFast, StochasticLines, WilliamsR};
pub(crate) use tail::decaying_weights;
pub use tail::{
    ShortfallRule, Tail, TailError, TailEstimator, TailMeasure, TailModel, TailWork,
    cornish_fisher_is_monotone, cornish_fisher_quantile, cornish_fisher_tail_mean,
    historical_shortfall,
};
pub use true_range::{Atr, Natr};
pub use typical_price::TypicalPrice;
pub use volatility::{RealisedVolatility, VolatilityEstimator};
pub use volume_flow::{Mfi, Obv};
pub use vwap::{CumulativeVwap, RollingVwap};
