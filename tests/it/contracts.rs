//! What types promise to threads and to `?`: held by the compiler, so that a new field that
//! breaks a promise breaks the build.

use std::error::Error;

use tradewright::prelude::*;
use tradewright::{
    account, alert, backtest, engine, math, metrics, order, risk, sim, strategy, types,
};

const fn shared<T: Send + Sync + 'static>() {}
const fn moved<T: Send + 'static>() {}
const fn good_error<T: Error + Send + Sync + 'static>() {}

/// Errors travel through `Box<dyn Error + Send + Sync>`, threads and `anyhow`.
#[test]
fn errors_can_go_anywhere() {
    good_error::<account::LedgerError>();
    good_error::<account::MarginError>();
    good_error::<alert::AlertConfigError>();
    good_error::<backtest::BacktestError>();
    good_error::<backtest::RecordingError>();
    good_error::<backtest::ResampleError>();
    good_error::<backtest::SourceError>();
    good_error::<engine::EngineError>();
    good_error::<math::InputError>();
    good_error::<math::ParameterError>();
    good_error::<math::TailError>();
    good_error::<order::OrderError>();
    good_error::<risk::HaltStateError>();
    good_error::<risk::RiskConfigError>();
    good_error::<risk::RiskFigureError>();
    good_error::<risk::SizerError>();
    good_error::<risk::StopPlanError>();
    good_error::<risk::StressError>();
    good_error::<sim::SimError>();
    good_error::<strategy::BadParameter>();
    good_error::<strategy::BuildError>();
    good_error::<strategy::FingerprintError>();
    good_error::<strategy::RegisterError>();
    good_error::<strategy::StrategyError>();
    good_error::<types::DataError>();
    good_error::<types::GridError>();
    good_error::<types::InstrumentError>();
    good_error::<types::NumberError>();
    good_error::<types::StateError>();
    good_error::<types::TimestampError>();
}

/// Data, kernels, configurations and results may be read by many threads at once.
#[test]
fn values_are_shared_between_threads() {
    shared::<Bar>();
    shared::<Decimal>();
    shared::<Instruments>();
    shared::<MarketEvent>();
    shared::<types::FactBook>();
    shared::<types::Order>();
    shared::<Tape>();
    shared::<Report>();
    shared::<backtest::Recording>();
    shared::<backtest::Collector>();
    shared::<Command>();
    shared::<Input>();
    shared::<engine::Netting>();
    shared::<account::Ledger>();
    shared::<order::OrderBook>();
    shared::<math::Bollinger>();
    shared::<math::SessionVwap>();
    shared::<math::exact::BandCross>();
    shared::<math::exact::VolumeBreakout>();
    shared::<math::exact::VwapDeviation>();
    shared::<risk::HaltMachine>();
    shared::<SimConfig>();
    shared::<strategy::MeanReversion>();
    shared::<StrategyRegistry>();
}

/// What holds strategies, rules or gates of the host moves to the thread that runs it.
#[test]
fn engines_move_to_their_threads() {
    moved::<Box<dyn Strategy>>();
    moved::<Box<dyn RiskRule>>();
    moved::<Engine>();
    moved::<Engine<strategy::MeanReversion, metrics::Tee<(), ()>>>();
    moved::<EnhancedRiskManager>();
    moved::<engine::EngineBuilder<Box<dyn Strategy>, ()>>();
    moved::<backtest::Simulation<Box<dyn Strategy>, ()>>();
    moved::<sim::SimVenue>();
    moved::<SlotConfig<Box<dyn Strategy>>>();
}
