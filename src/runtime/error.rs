use std::io;

use crate::config::SecretError;
use crate::engine::EngineError;
use crate::live::{EndpointError, ExitStatus, SetupError};
use crate::logging::LoggingError;
use crate::risk::RiskConfigError;
use crate::sim::SimError;
use crate::strategy::BuildError;
use crate::types::{Classification, Classify, InstrumentError};
use crate::venue::ExchangeError;
use crate::venue::binance::KeyError;
use crate::venue::network::UnsafeNetworkError;

/// Why a system was not started; no order was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// Something was found about networks, hosts or keys; every finding is told.
    #[error("not started: {0}")]
    Network(#[from] UnsafeNetworkError),
    /// The settings name no strategy.
    #[error("the settings name no strategy")]
    NoStrategy,
    /// A key is missing for orders at the venue.
    #[error("`{key}` is missing, without which there are no orders at the venue")]
    NoKey {
        /// Which.
        key: &'static str,
    },
    /// A local server without its address.
    #[error("`{key}` has to name the local server")]
    NoAddress {
        /// The key that is missing.
        key: &'static str,
    },
    /// A symbol that the venue does not list.
    #[error("`{symbol}` is not listed")]
    NotListed {
        /// Which.
        symbol: String,
    },
    /// A strategy or its parameters were refused.
    #[error(transparent)]
    Strategy(#[from] BuildError),
    /// A limit of risk was refused.
    #[error(transparent)]
    Risk(#[from] RiskConfigError),
    /// An instrument or the currency was refused.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// The engine cannot be built.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The simulated account was refused.
    #[error(transparent)]
    Simulation(#[from] SimError),
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A key cannot sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An address was refused.
    #[error(transparent)]
    Address(#[from] EndpointError),
    /// TLS or the runtime is not there.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Logs cannot be written.
    #[error(transparent)]
    Logging(#[from] LoggingError),
    /// Files or signals of the machine.
    #[error("files or signals: {0}")]
    Machine(#[from] io::Error),
    /// The venue cannot be asked.
    #[error("the venue: {0}")]
    Venue(#[from] ExchangeError),
}

impl SystemError {
    /// What a process ends with: [`ExitStatus::Failed`] when the venue or the machine has failed,
    /// so that a later start may succeed, and [`ExitStatus::Refused`] for what a person has to put
    /// right.
    pub const fn status(&self) -> ExitStatus {
        match self {
            Self::Venue(_) | Self::Machine(_) => ExitStatus::Failed,
            _ => ExitStatus::Refused,
        }
    }
}

impl Classify for SystemError {
    fn classification(&self) -> Classification {
        match self {
            Self::Venue(error) => error.classification(),
            Self::Network(error) => error.classification(),
            Self::Machine(_) => Classification::MACHINE,
            _ => Classification::SETTINGS,
        }
    }
}
