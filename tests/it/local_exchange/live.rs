//! The clients that talk to Binance, on a local exchange that listens on loopback.

use core::time::Duration;

use futures::StreamExt;
use tradewright::live::{BinanceConfig, BinanceConnection, BinanceNetwork};
use tradewright::local_exchange::{ExchangeConfig, HttpRequest, LocalExchange, RequestLimits};
use tradewright::types::{Instrument, InstrumentId, Instruments};
use tradewright::venue::binance::{BinanceMarket, decode_depth};
use tradewright::venue::{DepthSnapshot, MarketStream, SessionConfig, Symbols, VenueEvent};

pub const BTC: InstrumentId = InstrumentId(0);
pub const ETH: InstrumentId = InstrumentId(1);
/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// The sample exchange with prints so far apart, and limits that no test meets by chance.
pub async fn exchange(config: ExchangeConfig, millis: u64) -> LocalExchange {
    let limits = RequestLimits {
        weight_per_minute: 1_000_000,
        orders_per_10_s: 100_000,
        messages_per_second: 10_000,
        ..RequestLimits::default()
    };
    let config = config.with_interval(Duration::from_millis(millis)).with_limits(limits);
    LocalExchange::start(config).await.unwrap()
}

/// Bitcoin and ether, as the sample exchange lists them.
pub fn table(market: BinanceMarket) -> Instruments {
    let mut table = Instruments::new();
    let rows = match market {
        BinanceMarket::Spot => [("BTC", "0.01", "0.00001"), ("ETH", "0.01", "0.0001")],
        BinanceMarket::UsdFutures => [("BTC", "0.1", "0.001"), ("ETH", "0.01", "0.001")],
    };
    for (base, tick, step) in rows {
        let symbol = format!("{base}USDT");
        let instrument = match market {
            BinanceMarket::Spot => Instrument::spot(&symbol, base, "USDT"),
            BinanceMarket::UsdFutures => Instrument::linear_perpetual(&symbol, base, "USDT"),
        };
        table.add(instrument.tick(tick).step(step)).unwrap();
    }
    table
}

/// How the exchange is talked to: as Binance, with shorter waits.
pub fn config(exchange: &LocalExchange, market: BinanceMarket) -> BinanceConfig {
    let network = BinanceNetwork::Local { port: exchange.address().port() };
    let mut config = BinanceConfig::new(market, network).unwrap();
    config.session = SessionConfig {
        pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(100),
        acknowledge_within: Duration::from_millis(300),
        most_attempts: 10_000,
        failures_to_poll: 1_000,
        ..SessionConfig::default()
    };
    config.messages_apart = Duration::from_millis(5);
    config.rotate_jitter = Duration::ZERO;
    config.snapshot_levels = 100;
    config
}

pub fn connection(config: BinanceConfig) -> BinanceConnection {
    let symbols = Symbols::of(&table(config.market));
    BinanceConnection::new(config, symbols).unwrap()
}

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(LONG, future).await;
    done.unwrap_or_else(|_| panic!("{what}: not within {LONG:?}"))
}

pub async fn next(stream: &mut MarketStream) -> VenueEvent {
    within("an event", stream.next()).await.expect("an open stream")
}

/// The exchange's own book of bitcoin at this moment.
pub fn truth(exchange: &LocalExchange, market: BinanceMarket) -> DepthSnapshot {
    let prefix = if market == BinanceMarket::Spot { "/api/v3" } else { "/fapi/v1" };
    let request = HttpRequest::get(&format!("{prefix}/depth?symbol=BTCUSDT&limit=100"));
    let body = exchange.with(|state, at| {
        // What is asked here is not for chaos.
        let chaos = state.chaos().clone();
        state.set_chaos(tradewright::local_exchange::Chaos::default());
        let reply = state.http(at, &request);
        state.set_chaos(chaos);
        reply.body
    });
    decode_depth(BTC, body.as_bytes()).unwrap()
}
