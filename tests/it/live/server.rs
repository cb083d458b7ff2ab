//! A server on loopback that does what a test says: HTTP by a function, WebSockets by hand.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tradewright::live::{BinanceConfig, BinanceConnection, BinanceNetwork};
use tradewright::types::{Instrument, Instruments};
use tradewright::venue::binance::BinanceMarket;
use tradewright::venue::{Session, SessionConfig, Symbols};

/// Whatever is waited for comes within this, or the test fails.
pub const LONG: Duration = Duration::from_secs(20);

pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A request by HTTP as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Instant,
    pub method: String,
    pub path: String,
    pub head: String,
    pub body: String,
}

/// An answer by HTTP; status 0 closes the connection without one, status 101 takes an upgrade.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Reply {
    pub fn ok(body: impl Into<String>) -> Self {
        Self { status: 200, headers: String::new(), body: body.into() }
    }

    pub fn status(status: u16, headers: &str, body: &str) -> Self {
        Self { status, headers: headers.to_owned(), body: body.to_owned() }
    }

    pub fn upgrade() -> Self {
        Self::status(101, "", "")
    }
}

type Answers = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

pub struct Server {
    pub port: u16,
    sockets: mpsc::UnboundedReceiver<Peer>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The server's end of a WebSocket.
pub struct Peer {
    pub path: String,
    pub socket: WebSocketStream<Box<dyn Io>>,
}

impl Server {
    /// Answers HTTP with the function, and takes every WebSocket.
    pub async fn new(answers: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_tls(answers, None).await
    }

    pub async fn with_tls(
        answers: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
        tls: Option<tokio_rustls::TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, sockets) = mpsc::unbounded_channel();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (seen, answers): (_, Answers) = (Arc::clone(&asked), Arc::new(answers));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, seen, sender) =
                    (Arc::clone(&answers), Arc::clone(&seen), sender.clone());
                let tls = tls.clone();
                tokio::spawn(async move {
                    let stream: Box<dyn Io> = match tls {
                        None => Box::new(stream),
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => return,
                        },
                    };
                    serve(stream, &answers, &seen, &sender).await;
                });
            }
        });
        Self { port, sockets, asked }
    }

    /// The next WebSocket that a client opens.
    pub async fn peer(&mut self) -> Peer {
        tokio::time::timeout(LONG, self.sockets.recv()).await.expect("a connection").unwrap()
    }

    /// The next WebSocket, whenever a client opens one; none when the server is over.
    pub async fn any_peer(&mut self) -> Option<Peer> {
        self.sockets.recv().await
    }

    /// A WebSocket that is there already, if any.
    pub fn ready_peer(&mut self) -> Option<Peer> {
        self.sockets.try_recv().ok()
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: Box<dyn Io>,
    answers: &Answers,
    seen: &Mutex<Vec<Asked>>,
    sender: &mpsc::UnboundedSender<Peer>,
) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let head = String::from_utf8(head).unwrap();
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let (method, path) = (method.to_owned(), path.to_owned());
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.to_owned())
        });
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let body = String::from_utf8(body).unwrap();
        let asked = Asked { at: Instant::now(), method, path: path.clone(), head, body };
        let reply = answers(&asked);
        seen.lock().unwrap().push(asked);
        if let (Some(key), 101) = (key, reply.status) {
            let accept = derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                 Upgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
            let _ended = sender.send(Peer { path, socket });
            return;
        }
        if reply.status == 0 {
            return;
        }
        let (status, headers, body) = (reply.status, reply.headers, reply.body);
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status} Status\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

impl Peer {
    /// The next frame of any kind.
    pub async fn frame(&mut self) -> Option<Message> {
        tokio::time::timeout(LONG, self.socket.next()).await.expect("a frame")?.ok()
    }

    /// The next text; pings are answered on the way.
    pub async fn text(&mut self) -> String {
        loop {
            match self.frame().await.expect("an open connection") {
                Message::Text(text) => return text.to_string(),
                Message::Close(_) => panic!("closed"),
                _ => {}
            }
        }
    }

    /// Waits for a request to subscribe, acknowledges it, and gives the names.
    pub async fn subscribed(&mut self) -> Vec<String> {
        let text = self.text().await;
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["method"], "SUBSCRIBE", "{text}");
        self.say(&format!(r#"{{"result":null,"id":{}}}"#, read["id"])).await;
        let names = read["params"].as_array().unwrap().iter();
        names.map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    pub async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text.to_owned())).await.unwrap();
    }

    pub async fn ping(&mut self, payload: &'static [u8]) {
        self.socket.send(Message::Ping(Bytes::from_static(payload))).await.unwrap();
    }

    /// Serves pings until the client closes or the connection is lost.
    pub async fn until_closed(mut self) {
        while let Some(Ok(frame)) = self.socket.next().await {
            if matches!(frame, Message::Close(_)) {
                let _ended = self.socket.flush().await;
                return;
            }
        }
    }
}

/// Bitcoin and ether against USDT, and 60 others.
pub fn table() -> Instruments {
    let mut table = Instruments::new();
    let spot = |symbol: &str, base: &str| Instrument::spot(symbol, base, "USDT");
    table.add(spot("BTCUSDT", "BTC").tick("0.01").step("0.00001")).unwrap();
    table.add(spot("ETHUSDT", "ETH").tick("0.01").step("0.0001")).unwrap();
    for index in 0..60 {
        let (symbol, base) = (format!("C{index}USDT"), format!("C{index}"));
        table.add(spot(&symbol, &base).tick("0.01").step("0.001")).unwrap();
    }
    table
}

/// A configuration for this server whose waits are short.
pub fn config(market: BinanceMarket, port: u16) -> BinanceConfig {
    let mut config = BinanceConfig::new(market, BinanceNetwork::Local { port }).unwrap();
    config.session = SessionConfig {
        pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(100),
        ..SessionConfig::default()
    };
    config.messages_apart = Duration::from_millis(5);
    config.rotate_jitter = Duration::ZERO;
    config
}

pub fn connection(config: BinanceConfig) -> BinanceConnection {
    // A session of this configuration can be made at all.
    let _made = Session::new(config.session);
    BinanceConnection::new(config, Symbols::of(&table())).unwrap()
}

pub fn quote(number: u64, bid: &str, ask: &str) -> String {
    format!(r#"{{"u":{number},"s":"BTCUSDT","b":"{bid}","B":"1.0","a":"{ask}","A":"2.0"}}"#)
}

pub fn trade(number: u64) -> String {
    format!(
        r#"{{"e":"aggTrade","E":1700000000001,"s":"BTCUSDT","a":{number},"p":"100.0",
        "q":"0.5","f":1,"l":1,"T":1700000000000,"m":false}}"#
    )
}

pub fn depth(symbol: &str, first: u64, last: u64, bid: &str) -> String {
    format!(
        r#"{{"e":"depthUpdate","E":1700000000001,"s":"{symbol}","U":{first},"u":{last},
        "b":[["{bid}","3.0"]],"a":[]}}"#
    )
}
