//! f64 and tick kernels that know no domain type

pub mod exact;
mod indicator;
mod rational;

pub use indicator::{
    Indicator, InputError, LARGEST_INPUT, LONGEST_WINDOW, Ohlcv, ParameterError, SMALLEST_PRICE,
};
pub use rational::Ratio;
