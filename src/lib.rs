//! tradewright
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod math;
pub mod types;
