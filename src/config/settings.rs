use core::fmt;
use core::net::SocketAddr;
use std::path::Path;

use rust_decimal::Decimal;

use super::{BinanceSettings, DydxSettings, LogSettings, RuntimeSettings, SettingsError, load};
use crate::resilience::{DependencyBreakerConfig, HealthBoardConfig, RetryPolicy};
use crate::risk::BreakerLimits;
use crate::types::{Label, Period};
use crate::venue::SessionConfig;
use crate::venue::network::{NetworkEnvironment, NetworkReport, NetworkValidator};

/// Everything that a program can be told before it starts.
///
/// ```
/// use tradewright::config::{Profile, Settings};
///
/// let file = r#"
/// network = "testnet"
///
/// [risk]
/// max_drawdown = "0.2"
///
/// [profile.production.risk]
/// max_drawdown = "0.1"
/// "#;
/// let variables = [("TRADEWRIGHT_PROFILE".to_owned(), "production".to_owned())];
/// let settings = Settings::load(file, variables)?;
/// assert_eq!(settings.profile, Profile::Production);
/// assert_eq!(settings.risk.max_drawdown.to_string(), "0.1");
///
/// let wrong = Settings::load("[risk]\nmax_drawdwn = 1\nmax_position = 7", []).unwrap_err();
/// assert_eq!(wrong.errors.len(), 2);
/// println!("{wrong}");
/// # Ok::<(), tradewright::config::SettingsError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Which kind of installation.
    pub profile: Profile,
    /// Which network of the venues. Development has `local`, staging `testnet`; production has to
    /// say it.
    pub network: NetworkEnvironment,
    /// The word that allows orders with real money.
    pub allow_mainnet: Option<String>,
    /// The account.
    pub account: AccountSettings,
    /// How the program runs and ends.
    pub runtime: RuntimeSettings,
    /// The limits of risk.
    pub risk: RiskSettings,
    /// The strategies, each with its instruments and parameters.
    pub strategies: Vec<StrategySettings>,
    /// Binance.
    pub binance: BinanceSettings,
    /// dYdX.
    pub dydx: DydxSettings,
    /// Connections.
    pub session: SessionConfig,
    /// Repetitions of requests.
    pub retry: RetryPolicy,
    /// Breakers of dependencies.
    pub breaker: DependencyBreakerConfig,
    /// The watch over components.
    pub health: HealthBoardConfig,
    /// Metrics.
    pub metrics: MetricsSettings,
    /// Logs.
    pub log: LogSettings,
}

/// Which kind of installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// On a developer's machine.
    #[default]
    Development,
    /// As production, against a test network.
    Staging,
    /// With real money.
    Production,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Development, Self::Staging, Self::Production];

    /// The word that names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// The account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountSettings {
    /// What is reported in.
    pub currency: Label,
    /// What a simulated account begins with.
    pub cash: Decimal,
}

/// The limits of risk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RiskSettings {
    /// Share of the peak that may be lost before trading halts.
    pub max_drawdown: Decimal,
    /// Largest position, as a share of equity.
    pub max_position: Decimal,
    /// Largest loss of a day, as a share of equity at its beginning; none without a limit.
    pub max_daily_loss: Option<Decimal>,
    /// The breaker of trading.
    pub breaker: BreakerLimits,
}

/// One strategy.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StrategySettings {
    /// Its name in the registry.
    pub name: String,
    /// The instruments that it trades, at least one.
    pub symbols: Vec<String>,
    /// The bars that it is shown.
    pub period: Period,
    /// Its parameters, for
    /// [`StrategyRegistry::build`](crate::strategy::StrategyRegistry::build).
    pub parameters: serde_json::Value,
}

/// Metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSettings {
    /// Where they are served; this machine alone unless it is said otherwise.
    pub listen: SocketAddr,
    /// What stands before their names; empty for nothing.
    pub namespace: String,
}

impl Settings {
    /// Reads the text of a settings file, which may be empty, and variables, of which those that
    /// begin with `TRADEWRIGHT_` count.
    ///
    /// # Errors
    /// [`SettingsError`] with every mistake: unknown keys and variables, values that cannot be
    /// what they should be, secrets in the file.
    pub fn load(
        file: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        load::settings(file, variables)
    }

    /// As [`Settings::load`], with the text of this file.
    ///
    /// # Errors
    /// As [`Settings::load`], and when the file cannot be read.
    pub fn load_file(
        path: &Path,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::load(&text, variables),
            Err(error) => Err(load::unreadable(path, error.kind())),
        }
    }

    /// Compares network, hosts and keys with this validator. Secrets that stand in files of
    /// their own count as a private key there; their text is not looked at.
    pub fn validate_network(&self, validator: &NetworkValidator) -> NetworkReport {
        let mut variables = std::collections::BTreeMap::new();
        let mut put = |name: &str, value: &str| {
            variables.insert(format!("TRADEWRIGHT_{name}"), value.to_owned());
        };
        put("NETWORK", self.network.as_str());
        if let Some(word) = &self.allow_mainnet {
            put("ALLOW_MAINNET", word);
        }
        self.binance.variables(&mut put);
        self.dydx.variables(&mut put);
        validator.validate(&variables)
    }
}
