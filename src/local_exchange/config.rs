use core::fmt;
use core::time::Duration;

use rust_decimal::Decimal;

use super::chaos::Chaos;
use super::source::Prices;
use crate::sim::SimError;
use crate::types::{InstrumentBuilder, InstrumentError, Label};
use crate::venue::binance::{
    BinanceMarket, Ed25519PublicKey, HmacKey, KeyError, SecretString, VerifyingKey,
};

/// What a local exchange trades, with whom, and under which rules.
///
/// ```
/// use tradewright::local_exchange::{Account, ExchangeConfig, Prices};
/// use tradewright::types::{Decimal, Instrument};
///
/// let config = ExchangeConfig::new(7)
///     .with_spot(
///         Instrument::spot("BTCUSDT", "BTC", "USDT").tick("0.01").step("0.00001"),
///         Prices::Generated { start: Decimal::from(60_000), step_bp: 0.5 },
///     )
///     .with_account(Account::hmac("key", "secret").with_spot("USDT", Decimal::from(10_000)));
/// assert_eq!(config.seed, 7);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExchangeConfig {
    /// Decides prices, quantities, ids and faults.
    pub seed: u64,
    /// What is traded, spot and futures.
    pub symbols: Vec<Symbol>,
    /// Who trades.
    pub accounts: Vec<Account>,
    /// Fraction of the value that makers pay, in the quote currency; 0.001 by default.
    pub maker_fee: Decimal,
    /// Fraction of the value that takers pay, in the quote currency; 0.001 by default.
    pub taker_fee: Decimal,
    /// Time between two generated prints of a symbol; 250 ms by default.
    pub interval: Duration,
    /// Minutes of generated past that `klines` can be asked for; 600 by default.
    pub history_minutes: u32,
    /// How many requests are allowed.
    pub limits: RequestLimits,
    /// The faults that the exchange begins with.
    pub chaos: Chaos,
}

impl ExchangeConfig {
    /// An exchange without symbols and accounts.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            symbols: Vec::new(),
            accounts: Vec::new(),
            maker_fee: Decimal::new(1, 3),
            taker_fee: Decimal::new(1, 3),
            interval: Duration::from_millis(250),
            history_minutes: 600,
            limits: RequestLimits::default(),
            chaos: Chaos::default(),
        }
    }

    /// BTCUSDT and ETHUSDT, spot and futures, with generated prices, and one account with the
    /// key `local-key` and the secret `local-secret`: 10 BTC, 100 ETH and 1,000,000 USDT on
    /// spot, 1,000,000 USDT on futures.
    pub fn sample(seed: u64) -> Self {
        use crate::types::Instrument;
        let million = Decimal::from(1_000_000);
        let [btc, eth] = [60_000, 2_500]
            .map(|start| Prices::Generated { start: Decimal::from(start), step_bp: 0.3 });
        let spot = |symbol, base| {
            let spot = Instrument::spot(symbol, base, "USDT").tick("0.01").min_notional("5");
            if base == "BTC" { spot.step("0.00001") } else { spot.step("0.0001") }
        };
        let perpetual = |symbol, base, tick| {
            Instrument::linear_perpetual(symbol, base, "USDT").tick(tick).step("0.001")
        };
        Self::new(seed)
            .with_spot(spot("BTCUSDT", "BTC"), btc.clone())
            .with_spot(spot("ETHUSDT", "ETH"), eth.clone())
            .with_futures(perpetual("BTCUSDT", "BTC", "0.1").min_notional("100"), btc)
            .with_futures(perpetual("ETHUSDT", "ETH", "0.01").min_notional("20"), eth)
            .with_account(
                Account::hmac("local-key", "local-secret")
                    .with_spot("BTC", Decimal::from(10))
                    .with_spot("ETH", Decimal::from(100))
                    .with_spot("USDT", million)
                    .with_futures("USDT", million),
            )
    }

    /// Adds a symbol to the spot market.
    #[must_use]
    pub fn with_spot(mut self, instrument: InstrumentBuilder, prices: Prices) -> Self {
        self.symbols.push(Symbol { market: BinanceMarket::Spot, instrument, prices });
        self
    }

    /// Adds a perpetual to the market of USD-margined futures.
    #[must_use]
    pub fn with_futures(mut self, instrument: InstrumentBuilder, prices: Prices) -> Self {
        self.symbols.push(Symbol { market: BinanceMarket::UsdFutures, instrument, prices });
        self
    }

    /// Adds an account.
    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// Sets the fees of makers and takers.
    #[must_use]
    pub fn with_fees(mut self, maker: Decimal, taker: Decimal) -> Self {
        (self.maker_fee, self.taker_fee) = (maker, taker);
        self
    }

    /// Sets the time between two generated prints of a symbol; at least a millisecond.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets how many requests are allowed.
    #[must_use]
    pub fn with_limits(mut self, limits: RequestLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the faults that the exchange begins with.
    #[must_use]
    pub fn with_chaos(mut self, chaos: Chaos) -> Self {
        self.chaos = chaos;
        self
    }
}

/// One symbol of one market.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// Spot or futures.
    pub market: BinanceMarket,
    /// Its rules.
    pub instrument: InstrumentBuilder,
    /// Its prices.
    pub prices: Prices,
}

/// Who trades: a key, what signatures are checked by, and what it owns at the start. An asset
/// that is not listed starts at zero. Its `Debug` shows no key.
#[derive(Clone)]
pub struct Account {
    pub(super) key: String,
    pub(super) verifying: Result<VerifyingKey, KeyError>,
    pub(super) spot: Vec<(Label, Decimal)>,
    pub(super) futures: Vec<(Label, Decimal)>,
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Account");
        shown.field("spot", &self.spot).field("futures", &self.futures).finish_non_exhaustive()
    }
}

impl Account {
    /// An account that signs by HMAC-SHA256. An empty secret is refused by
    /// [`ExchangeState::new`](super::ExchangeState::new).
    pub fn hmac(key: &str, secret: &str) -> Self {
        Self::with(key, HmacKey::new(&SecretString::from(secret)).map(VerifyingKey::Hmac))
    }

    /// An account that signs by Ed25519; its public key is PEM text of an X.509 key
    /// (`-----BEGIN PUBLIC KEY-----`). A key that cannot be read is refused by
    /// [`ExchangeState::new`](super::ExchangeState::new).
    pub fn ed25519(key: &str, public_key_pem: &str) -> Self {
        Self::with(key, Ed25519PublicKey::from_pem(public_key_pem).map(VerifyingKey::Ed25519))
    }

    fn with(key: &str, verifying: Result<VerifyingKey, KeyError>) -> Self {
        Self { key: key.to_owned(), verifying, spot: Vec::new(), futures: Vec::new() }
    }

    /// Adds cash or coins of the spot account.
    #[must_use]
    pub fn with_spot(mut self, asset: &str, amount: Decimal) -> Self {
        self.spot.push((Label::new(asset), amount));
        self
    }

    /// Adds collateral of the futures account.
    #[must_use]
    pub fn with_futures(mut self, asset: &str, amount: Decimal) -> Self {
        self.futures.push((Label::new(asset), amount));
        self
    }
}

/// How many requests each market allows; beyond them it answers 429, and 418 to whoever goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Weight per minute and address; 6,000 by default.
    pub weight_per_minute: u32,
    /// Orders per ten seconds and account; 50 by default.
    pub orders_per_10_s: u32,
    /// Orders per day and account; 160,000 by default.
    pub orders_per_day: u32,
    /// Messages per second that a client may send on a connection of market streams, pings and
    /// pongs counted; 5 by default.
    pub messages_per_second: u32,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            weight_per_minute: 6_000,
            orders_per_10_s: 50,
            orders_per_day: 160_000,
            messages_per_second: 5,
        }
    }
}

/// Why a local exchange cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// A symbol was refused.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// An account's venue was refused.
    #[error(transparent)]
    Venue(#[from] SimError),
    /// The key of an account cannot be read.
    #[error("account `{key}`: {source}")]
    Key {
        /// The account's API key.
        key: String,
        /// What is wrong with its secret or public key.
        source: KeyError,
    },
    /// Two accounts have the same API key.
    #[error("two accounts have the key `{key}`")]
    Duplicate {
        /// The API key.
        key: String,
    },
    /// The instrument is of a kind that its market does not trade.
    #[error("`{symbol}` is not of the kind that its market trades")]
    Kind {
        /// The instrument's symbol.
        symbol: Label,
    },
    /// Only this machine may speak with the exchange.
    #[error("{address} is not on loopback")]
    NotLoopback {
        /// The refused address.
        address: std::net::SocketAddr,
    },
    /// The port cannot be listened on.
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}
