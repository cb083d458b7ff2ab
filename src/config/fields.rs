//! Each key once: its name, its default, how it is read.

use toml::{Table, Value};

use super::read;
use super::source::Source;
use super::{
    AccountSettings, Address, BinanceSettings, DydxSettings, LogFormat, LogSettings, MarketKind,
    MetricsSettings, OrdersAtStop, Profile, RiskSettings, RuntimeSettings, Settings,
    StrategySettings, TradingMode,
};
use crate::resilience::{DependencyBreakerConfig, HealthBoardConfig, RetryPolicy, Trip};
use crate::risk::BreakerLimits;
use crate::types::{Label, Period};
use crate::venue::SessionConfig;
use crate::venue::network::{EndpointRole, NetworkEnvironment, NetworkVenue};

pub(super) fn read(source: &mut Source) -> Settings {
    let profile = source.profile;
    let network = network(source);
    Settings {
        profile,
        network,
        allow_mainnet: source.optional("allow_mainnet", read::text),
        account: AccountSettings {
            currency: source.or("account.currency", "USDT", read::asset, Label::new("USDT")),
            cash: source.or("account.cash", "10000", read::positive, 10_000.into()),
        },
        runtime: runtime(source),
        risk: risk(source),
        strategies: strategies(source),
        binance: BinanceSettings {
            api_key: source.secret("binance.api_key"),
            api_secret: source.secret("binance.api_secret"),
            private_key_file: source.optional("binance.private_key_file", read::path),
            key_network: source.optional("binance.key_network", read::network),
            urls: urls(source, "binance", NetworkVenue::Binance),
        },
        dydx: DydxSettings {
            private_key_file: source.optional("dydx.private_key_file", read::path),
            key_network: source.optional("dydx.key_network", read::network),
            address: source.optional("dydx.address", read::text),
            chain_id: source.optional("dydx.chain_id", read::text),
            urls: urls(source, "dydx", NetworkVenue::Dydx),
        },
        session: session(source),
        retry: retry(source),
        breaker: breaker(source),
        health: health(source),
        metrics: MetricsSettings {
            listen: source.or(
                "metrics.listen",
                "127.0.0.1:9464",
                read::socket,
                ([127, 0, 0, 1], 9_464).into(),
            ),
            namespace: source.or("metrics.namespace", "", read::namespace, String::new()),
        },
        log: log(source),
    }
}

/// Real money is never a default.
fn network(source: &mut Source) -> NetworkEnvironment {
    let usual = match source.profile {
        Profile::Development | Profile::Production => NetworkEnvironment::Local,
        Profile::Staging => NetworkEnvironment::Testnet,
    };
    let given = source.optional("network", read::network);
    if given.is_none() && source.profile == Profile::Production {
        source.fail("network", "production has to say which network it means".to_owned());
    }
    given.unwrap_or(usual)
}

fn runtime(source: &mut Source) -> RuntimeSettings {
    let usual = RuntimeSettings::default();
    RuntimeSettings {
        mode: source.or("runtime.mode", "paper", TradingMode::read, usual.mode),
        market: source.or("runtime.market", "futures", MarketKind::read, usual.market),
        folder: source.optional("runtime.folder", read::path),
        stop_orders: source.or(
            "runtime.stop_orders",
            "cancel_entries",
            OrdersAtStop::read,
            usual.stop_orders,
        ),
        stop_within: source.or("runtime.stop_within", "15s", read::span, usual.stop_within),
        restarts: source.or("runtime.restarts", "5", read::count_or_zero, usual.restarts),
        restart_window: source.or(
            "runtime.restart_window",
            "10m",
            read::span,
            usual.restart_window,
        ),
    }
}

fn risk(source: &mut Source) -> RiskSettings {
    let usual = BreakerLimits::default();
    let tenth = rust_decimal::Decimal::new(1, 1);
    let quarter = rust_decimal::Decimal::new(25, 2);
    RiskSettings {
        max_drawdown: source.or("risk.max_drawdown", "0.25", read::share, quarter),
        max_position: source.or("risk.max_position", "0.1", read::share, tenth),
        max_daily_loss: source.optional("risk.max_daily_loss", read::share),
        breaker: BreakerLimits {
            max_consecutive_losses: source.or(
                "risk.max_consecutive_losses",
                "5",
                read::count,
                usual.max_consecutive_losses,
            ),
            cooldown: source.or("risk.cooldown", "1h", read::span, usual.cooldown),
            max_trades_per_hour: source.or(
                "risk.max_trades_per_hour",
                "20",
                read::count_or_zero,
                usual.max_trades_per_hour,
            ),
        },
    }
}

fn urls(source: &mut Source, section: &str, venue: NetworkVenue) -> Vec<(EndpointRole, Address)> {
    let mut urls = Vec::new();
    for role in venue.roles() {
        let key = format!("{section}.{}", role.suffix().to_ascii_lowercase());
        urls.extend(source.optional(&key, read::url).map(|url| (*role, url)));
    }
    urls
}

fn session(source: &mut Source) -> SessionConfig {
    let usual = SessionConfig::default();
    let mut span = |key, default, or| source.or(key, default, read::span, or);
    SessionConfig {
        connect_within: span("session.connect_within", "10s", usual.connect_within),
        dead_after: span("session.dead_after", "60s", usual.dead_after),
        most_silent: span("session.most_silent", "30s", usual.most_silent),
        rotate_after: span("session.rotate_after", "23h", usual.rotate_after),
        pause: span("session.pause", "1s", usual.pause),
        longest_pause: span("session.longest_pause", "60s", usual.longest_pause),
        ..usual
    }
}

fn retry(source: &mut Source) -> RetryPolicy {
    let usual = RetryPolicy::default();
    RetryPolicy {
        first_pause: source.or("retry.first_pause", "500ms", read::span, usual.first_pause),
        longest_pause: source.or("retry.longest_pause", "30s", read::span, usual.longest_pause),
        attempts: source.or("retry.attempts", "5", read::count, usual.attempts),
        within: source.or("retry.within", "120s", read::span, usual.within),
        ..usual
    }
}

fn breaker(source: &mut Source) -> DependencyBreakerConfig {
    let usual = DependencyBreakerConfig::default();
    let failures = source.or("breaker.failures", "5", read::count, 5);
    DependencyBreakerConfig {
        trip: Trip::Consecutive(failures),
        open_for: source.or("breaker.open_for", "10s", read::span, usual.open_for),
        longest_open: source.or("breaker.longest_open", "300s", read::span, usual.longest_open),
        probes: source.or("breaker.probes", "1", read::count, usual.probes),
        ..usual
    }
}

fn health(source: &mut Source) -> HealthBoardConfig {
    let usual = HealthBoardConfig::default();
    HealthBoardConfig {
        check_every: source.or("health.check_every", "30s", read::span, usual.check_every),
        silent_after: source.or("health.silent_after", "60s", read::span, usual.silent_after),
        slow_after: source.or("health.slow_after", "1s", read::span, usual.slow_after),
        ..usual
    }
}

fn log(source: &mut Source) -> LogSettings {
    let (words, format) = match source.profile {
        Profile::Development => ("human", LogFormat::Human),
        Profile::Staging | Profile::Production => ("json", LogFormat::Json),
    };
    let usual = LogSettings::default();
    LogSettings {
        level: source.or("log.level", "info", read::level, usual.level),
        modules: source.optional("log.modules", read::modules).unwrap_or_default(),
        format: source.or("log.format", words, read::format, format),
        console: source.or("log.console", "stderr", read::console, usual.console),
        directory: source.optional("log.directory", read::path),
        file_bytes: source.or("log.file_size", "10MB", read::file_size, usual.file_bytes),
        files_kept: source.or("log.files_kept", "5", read::files, usual.files_kept),
    }
}

fn strategies(source: &mut Source) -> Vec<StrategySettings> {
    let mut strategies = Vec::new();
    for (index, table) in source.tables("strategy").into_iter().enumerate() {
        let key = format!("strategy[{index}]");
        strategies.extend(strategy(source, &key, table));
    }
    strategies
}

fn strategy(source: &mut Source, key: &str, mut table: Table) -> Option<StrategySettings> {
    let name = match table.remove("name") {
        Some(Value::String(name)) if !name.is_empty() => Some(name),
        _ => None,
    };
    if name.is_none() {
        source.fail(&format!("{key}.name"), "it has to be a text".to_owned());
    }
    let symbols = match table.remove("symbols") {
        Some(Value::Array(values)) => {
            let text = |value: Value| value.as_str().filter(|it| !it.is_empty()).map(str::to_owned);
            values.into_iter().map(text).collect::<Option<Vec<String>>>()
        }
        _ => None,
    };
    let symbols = symbols.filter(|symbols| !symbols.is_empty());
    if symbols.is_none() {
        let reason = "it has to be a list of texts, and not an empty one".to_owned();
        source.fail(&format!("{key}.symbols"), reason);
    }
    let period = match table.remove("period") {
        None => Ok(Period::MINUTE),
        Some(value) => read::period(value.as_str().unwrap_or_default()),
    };
    if let Err(reason) = &period {
        source.fail(&format!("{key}.period"), reason.clone());
    }
    let parameters = match table.remove("parameters") {
        None => Some(serde_json::Value::Object(serde_json::Map::new())),
        Some(Value::Table(parameters)) => serde_json::to_value(parameters).ok(),
        Some(_) => None,
    };
    if parameters.is_none() {
        source.fail(&format!("{key}.parameters"), "it has to be a table".to_owned());
    }
    for name in table.keys() {
        source.fail(&format!("{key}.{name}"), "there is no such key".to_owned());
    }
    let (period, parameters) = (period.ok()?, parameters?);
    Some(StrategySettings { name: name?, symbols: symbols?, period, parameters })
}
