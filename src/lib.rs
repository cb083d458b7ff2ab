//! tradewright
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod types;

pub mod math;
pub mod metrics;

pub mod account;
pub mod order;
pub mod risk;
pub mod strategy;

pub mod engine;

pub mod sim;
