//! Addresses, encryption, and requests that may or may not have arrived.

use std::sync::Arc;

use futures::StreamExt;
use hyper::Method;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tradewright::live::{
    BinanceMarketData, Endpoint, EndpointError, HttpClient, HttpError, HttpRequest, Tls,
};
use tradewright::venue::binance::BinanceMarket;
use tradewright::venue::{Channel, MarketDataStream, SessionState, Subscription};

use super::market::{BTC, bid, market_event, subscribed};
use super::server::{LONG, Reply, Server, config, connection, quote};

/// A certificate for this machine, in DER, and what a server needs to show it.
fn certificate() -> (Vec<u8>, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let der = made.cert.der().to_vec();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(der.clone())], key)
        .unwrap();
    (der, TlsAcceptor::from(Arc::new(config)))
}

fn secure(port: u16, scheme: &str) -> Endpoint {
    Endpoint::parse(&format!("{scheme}://localhost:{port}")).unwrap()
}

#[tokio::test]
async fn streams_and_requests_are_encrypted_and_only_the_given_root_is_trusted() {
    let (root, acceptor) = certificate();
    let book = r#"{"lastUpdateId":10,"bids":[["99.0","1.0"]],"asks":[["101.0","1.0"]]}"#;
    let answers = move |asked: &super::server::Asked| match asked.path.starts_with("/ws") {
        true => Reply::upgrade(),
        false => Reply::ok(book),
    };
    let mut server = Server::with_tls(answers, Some(acceptor)).await;
    let mut trusted = config(BinanceMarket::Spot, server.port);
    trusted.urls.rest = secure(server.port, "https");
    trusted.urls.market = secure(server.port, "wss");
    let mut web = trusted.clone();
    trusted.tls = Tls::with_roots([root.as_slice()]).unwrap();
    let service = BinanceMarketData::new(&connection(trusted));
    let channels = [Channel::Quotes, Channel::Book { levels: 1 }];
    let (mut stream, mut peer) = subscribed(&mut server, &service, &channels).await;
    assert_eq!(bid(&market_event(&mut stream).await), 99.0, "the snapshot came by HTTP");
    peer.say(&quote(1, "100.0", "100.5")).await;
    assert_eq!(bid(&market_event(&mut stream).await), 100.0);

    web.session.failures_to_poll = 3;
    let stranger = BinanceMarketData::new(&connection(web));
    let _stream = stranger.subscribe(&[Subscription::new(BTC, Channel::Quotes)]).await.unwrap();
    let mut states = stranger.watch_status();
    let polls = async { while states.next().await != Some(SessionState::Polling) {} };
    tokio::time::timeout(LONG, polls).await.expect("no connection comes about");
    assert!(server.ready_peer().is_none());
}

#[test]
fn nothing_leaves_this_machine_in_the_clear() {
    for text in ["ws://127.0.0.1:1", "http://[::1]:1/api", "ws://localhost", "wss://example.com"] {
        let read = Endpoint::parse(text).unwrap();
        assert_eq!(Endpoint::parse(&read.to_string()), Ok(read));
    }
    for text in ["ws://example.com", "http://10.0.0.1", "http://127.0.0.1.example.com"] {
        let refused = Endpoint::parse(text).unwrap_err();
        assert!(matches!(refused, EndpointError::Insecure { .. }), "{text}");
    }
    for text in [
        "",
        "example.com",
        "ftp://example.com",
        "wss://",
        "https://a:b@example.com",
        "https://example.com/?key=1",
        "wss://\u{e4}.example",
    ] {
        assert!(Endpoint::parse(text).is_err(), "{text}");
    }
    let wrong = Endpoint::socket("https://example.com");
    assert!(matches!(wrong, Err(EndpointError::Scheme { .. })));
}

#[tokio::test]
async fn a_request_that_arrived_is_never_taken_for_one_that_did_not() {
    let server = Server::new(|_| Reply::status(0, "", "")).await;
    let tls = Tls::web().unwrap();
    let client = HttpClient::new(&tls, std::time::Duration::from_secs(2));
    let request = |port: u16| HttpRequest {
        method: Method::POST,
        endpoint: Endpoint::parse(&format!("http://127.0.0.1:{port}")).unwrap(),
        path_and_query: "/order?signature=secret".to_owned(),
        headers: Vec::new(),
        body: Default::default(),
    };
    // It was read, and the connection closed without an answer.
    let lost = client.send(request(server.port)).await.unwrap_err();
    assert!(matches!(lost, HttpError::NoAnswer { .. }), "{lost}");
    let asked = server.asked();
    assert_eq!(asked.len(), 1, "and it was not sent again");
    assert_eq!(asked[0].method, "POST");
    assert!(asked[0].head.to_lowercase().contains("\r\nhost: 127.0.0.1"), "{}", asked[0].head);
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let unsent = client.send(request(port)).await.unwrap_err();
    assert!(matches!(unsent, HttpError::NotSent { .. }), "{unsent}");
    assert!(!format!("{:?}{lost}{unsent}", request(1)).contains("secret"));
}
