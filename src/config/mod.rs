//! Settings of a program in one typed value: documented defaults, then a TOML file, then variables
//! of the environment.
//!
//! Unknown keys are refused, every mistake is told at once with its key and reason, and secrets
//! come from variables or files of their own, never from the settings file. Nothing here reads the
//! environment: the host hands its variables in.
//!
//! Later wins: defaults, the file, the file's section of the profile (`[profile.production]`), the
//! environment. A key `risk.max_drawdown` is the variable `TRADEWRIGHT_RISK_MAX_DRAWDOWN`;
//! strategies are left to the file. The profile itself is `TRADEWRIGHT_PROFILE`, then the file's
//! `profile = ".."` (`name = ".."` in `[profile]` where there are sections), then `development`.
//!
//! All keys with their meaning and defaults:
//!
//! ```toml
#![doc = include_str!("../../docs/tradewright.example.toml")]
//! ```

mod error;
mod fields;
mod load;
mod log;
mod read;
mod runtime;
mod secret;
mod settings;
mod source;
mod venues;

pub use error::{SettingError, SettingsError};
pub use load::{KeyInfo, keys};
pub use log::{
    LogConsole, LogFormat, LogLevel, LogLevelError, LogModule, LogModuleError, LogSettings,
};
pub use runtime::{MarketKind, OrdersAtStop, RuntimeSettings, TradingMode};
pub use secrecy::{ExposeSecret, SecretString};
pub use secret::{SecretError, SecretSource};
pub use settings::{
    AccountSettings, MetricsSettings, Profile, RiskSettings, Settings, StrategySettings,
};
pub use venues::{Address, BinanceSettings, DydxSettings};
