//! The server itself, over real sockets on loopback.

use core::time::Duration;

use futures::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tradewright::local_exchange::{
    Chaos, ExchangeClock, ExchangeConfig, ExchangeError, LocalExchange, Strike,
};

const PATIENCE: Duration = Duration::from_secs(20);

async fn text(url: String) -> Result<String, hyper_util::client::legacy::Error> {
    let client: Client<_, Empty<bytes::Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let response = client.get(url.parse().unwrap()).await?;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn requests_are_answered_and_streams_run() {
    let exchange = LocalExchange::start(ExchangeConfig::sample(7)).await.unwrap();
    let time = text(format!("{}/api/v3/time", exchange.rest_url())).await.unwrap();
    assert!(time.starts_with(r#"{"serverTime":"#), "{time}");
    let url = format!("{}/ws/btcusdt@trade", exchange.ws_url());
    let (mut socket, _) = connect_async(url).await.unwrap();
    let trade = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    assert!(trade.into_text().unwrap().contains(r#""e":"trade""#));
    let request = r#"{"method":"LIST_SUBSCRIPTIONS","id":9}"#;
    socket.send(Message::text(request)).await.unwrap();
    loop {
        let message = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        if message.into_text().unwrap().contains("btcusdt@trade\"],\"id\":9") {
            break;
        }
    }
    exchange.strike(Strike::Cut);
    let end = timeout(PATIENCE, async { while let Some(Ok(_)) = socket.next().await {} });
    end.await.unwrap();
    exchange.set_chaos(Chaos { lost_answer: 1.0, ..Chaos::default() });
    assert!(text(format!("{}/api/v3/time", exchange.rest_url())).await.is_err());
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let anywhere = "0.0.0.0:0".parse().unwrap();
    let clock = ExchangeClock::system();
    let refused = LocalExchange::start_at(anywhere, ExchangeConfig::sample(7), clock).await;
    assert!(matches!(refused, Err(ExchangeError::NotLoopback { .. })), "{refused:?}");
}

#[tokio::test]
async fn the_connections_end_with_the_exchange() {
    let exchange = LocalExchange::start(ExchangeConfig::sample(7)).await.unwrap();
    let url = format!("{}/ws/btcusdt@trade", exchange.ws_url());
    let (mut socket, _) = connect_async(url).await.unwrap();
    drop(exchange);
    let end = timeout(PATIENCE, async { while let Some(Ok(_)) = socket.next().await {} });
    end.await.unwrap();
}
