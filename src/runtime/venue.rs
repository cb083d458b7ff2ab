//! Binance, as the settings name it.

use crate::config::{
    Address, BinanceSettings, ExposeSecret, MarketKind, SecretSource, SecretString, Settings,
    TradingMode,
};
use crate::live::{BinanceConfig, BinanceNetwork, BinanceUrls, Endpoint, EndpointError};
use crate::venue::binance::{BinanceMarket, Credentials};
use crate::venue::network::{EndpointRole, NetworkEnvironment};

use super::SystemError;

pub(super) fn config(settings: &Settings) -> Result<BinanceConfig, SystemError> {
    let market = match settings.runtime.market {
        MarketKind::Futures => BinanceMarket::UsdFutures,
        MarketKind::Spot => BinanceMarket::Spot,
    };
    let network = network(settings, market)?;
    let mut config = BinanceConfig::new(market, network)?;
    change(&mut config.urls, market, &settings.binance.urls)?;
    config.session = settings.session;
    Ok(config)
}

fn network(settings: &Settings, market: BinanceMarket) -> Result<BinanceNetwork, SystemError> {
    let (role, key) = match market {
        BinanceMarket::UsdFutures => (EndpointRole::FuturesRest, "binance.futures_rest_url"),
        BinanceMarket::Spot => (EndpointRole::Rest, "binance.rest_url"),
    };
    Ok(match settings.network {
        NetworkEnvironment::Mainnet => BinanceNetwork::Mainnet,
        NetworkEnvironment::Testnet => BinanceNetwork::Testnet,
        NetworkEnvironment::Demo => BinanceNetwork::Demo,
        NetworkEnvironment::Local => {
            let url = settings.binance.urls.iter().find(|(given, _)| *given == role);
            let (_, url) = url.ok_or(SystemError::NoAddress { key })?;
            BinanceNetwork::Local { port: Endpoint::http(url.as_str())?.port() }
        }
    })
}

/// Puts given addresses in the place of the network's own. Streams of futures are split by path:
/// `/public`, `/market` and `/private` follow what is given.
fn change(
    urls: &mut BinanceUrls,
    market: BinanceMarket,
    given: &[(EndpointRole, Address)],
) -> Result<(), EndpointError> {
    let is_spot = market == BinanceMarket::Spot;
    for (role, url) in given {
        let url = url.as_str().trim_end_matches('/');
        let base = url.strip_suffix("/stream").unwrap_or(url);
        match (role, is_spot) {
            (EndpointRole::Rest, true) | (EndpointRole::FuturesRest, false) => {
                urls.rest = Endpoint::http(url)?;
            }
            (EndpointRole::WsApi, true) | (EndpointRole::FuturesWsApi, false) => {
                urls.api = Endpoint::socket(url)?;
            }
            (EndpointRole::Stream, true) => {
                let streams = Endpoint::socket(base)?;
                (urls.public, urls.market) = (streams.clone(), streams);
            }
            (EndpointRole::FuturesStream, false) => {
                urls.public = Endpoint::socket(&format!("{base}/public"))?;
                urls.market = Endpoint::socket(&format!("{base}/market"))?;
                urls.private = Endpoint::socket(&format!("{base}/private"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The keys of the account. On paper nothing is signed, and whatever is given stays unread.
pub(super) fn credentials(settings: &Settings) -> Result<Credentials, SystemError> {
    if settings.runtime.mode == TradingMode::Paper {
        return Ok(Credentials::hmac("unsigned", &SecretString::from("unsigned"))?);
    }
    let BinanceSettings { api_key, api_secret, private_key_file, .. } = &settings.binance;
    let api_key = api_key.as_ref().ok_or(SystemError::NoKey { key: "binance.api_key" })?;
    let api_key = api_key.read()?.expose_secret().to_owned();
    if let Some(path) = private_key_file {
        let pem = SecretSource::File(path.clone()).read()?;
        return Ok(Credentials::ed25519(api_key, &pem)?);
    }
    let secret = api_secret.as_ref().ok_or(SystemError::NoKey { key: "binance.api_secret" })?;
    Ok(Credentials::hmac(api_key, &secret.read()?)?)
}
