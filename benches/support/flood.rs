//! A server on loopback that speaks as much of Binance's futures as streams need, and then sends
//! what it is told at a steady rate. One thread for each connection, with blocking sockets.

#![allow(missing_docs, unreachable_pub, reason = "a part of a benchmark")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What is sent by whom, in messages a second, and for how long.
#[derive(Clone, Copy)]
pub struct Rates {
    pub quotes: u64,
    pub trades: u64,
    pub orders: u64,
    pub seconds: u64,
}

/// What was sent so far.
#[derive(Default)]
pub struct Sent {
    pub go: AtomicBool,
    pub quotes: AtomicU64,
    pub trades: AtomicU64,
    pub orders: AtomicU64,
    /// Milliseconds that the slowest sender took.
    pub took_ms: AtomicU64,
}

/// Symbols that quotes and trades come in.
pub const SYMBOLS: u64 = 20;

pub fn symbol(index: u64) -> String {
    format!("C{index}USDT")
}

/// Listens on a port of its own.
pub fn serve(rates: Rates) -> (u16, Arc<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let sent = Arc::new(Sent::default());
    let shared = Arc::clone(&sent);
    spawn("flood-accept", move || {
        for stream in listener.incoming().flatten() {
            let sent = Arc::clone(&shared);
            spawn("flood", move || {
                // A client that is gone ends its connection.
                let _gone = connection(stream, rates, &sent);
            });
        }
    });
    (port, sent)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).expect("a thread");
}

fn connection(mut stream: TcpStream, rates: Rates, sent: &Sent) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let head = head(&mut stream)?;
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("sec-websocket-key").then_some(value)
        });
        let Some(key) = key else {
            answer(&mut stream, &path)?;
            continue;
        };
        let accept = derive_accept_key(key.as_bytes());
        write!(
            stream,
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        )?;
        return stream_of(stream, &path, rates, sent);
    }
}

fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn answer(stream: &mut TcpStream, path: &str) -> std::io::Result<()> {
    let body = match path.contains("listenKey") {
        true => r#"{"listenKey":"flood"}"#.to_owned(),
        false => format!(r#"{{"serverTime":{}}}"#, now_ms()),
    };
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn stream_of(mut stream: TcpStream, path: &str, rates: Rates, sent: &Sent) -> std::io::Result<()> {
    let (rate, counter, text): (u64, &AtomicU64, fn(u64) -> String) = match path {
        path if path.starts_with("/public") => (rates.quotes, &sent.quotes, quote),
        path if path.starts_with("/market") => (rates.trades, &sent.trades, trade),
        _ => (rates.orders, &sent.orders, order),
    };
    if !path.starts_with("/private") {
        acknowledge(&mut stream)?;
    }
    while !sent.go.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(1));
    }
    pour(&mut stream, (rate, rates.seconds), counter, text)
        .map(|took| sent.took_ms.fetch_max(took, Ordering::AcqRel))?;
    // It stays open until the client closes.
    while stream.read(&mut [0; 1_024])? > 0 {}
    Ok(())
}

/// Reads subscriptions, one message of 50 names at most, and grants them.
fn acknowledge(stream: &mut TcpStream) -> std::io::Result<()> {
    let text = client_text(stream)?;
    let (_, id) = text.rsplit_once("\"id\":").unwrap_or(("", "0}"));
    let reply = format!(r#"{{"result":null,"id":{}}}"#, id.trim_end_matches('}'));
    let mut out = Vec::new();
    frame(&reply, &mut out);
    stream.write_all(&out)
}

fn client_text(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut two = [0; 2];
    stream.read_exact(&mut two)?;
    let mut length = usize::from(two[1] & 127);
    if length == 126 {
        let mut long = [0; 2];
        stream.read_exact(&mut long)?;
        length = usize::from(u16::from_be_bytes(long));
    }
    let (mut mask, mut text) = ([0; 4], vec![0; length]);
    stream.read_exact(&mut mask)?;
    stream.read_exact(&mut text)?;
    text.iter_mut().enumerate().for_each(|(index, byte)| *byte ^= mask[index % 4]);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Sends at this rate, what is due in each millisecond at once; returns the milliseconds taken.
fn pour(
    stream: &mut TcpStream,
    (rate, seconds): (u64, u64),
    counter: &AtomicU64,
    text: fn(u64) -> String,
) -> std::io::Result<u64> {
    let (begin, total) = (Instant::now(), rate * seconds);
    let (mut number, mut out) = (0, Vec::with_capacity(1 << 16));
    while number < total {
        let elapsed = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        let due = total.min(elapsed.saturating_mul(rate) / 1_000_000);
        out.clear();
        // A sender that was held up makes up for it in pieces.
        let end = due.min(number + 2_000);
        for next in number..end {
            frame(&text(next), &mut out);
        }
        number = end;
        stream.write_all(&out)?;
        counter.store(number, Ordering::Release);
        if due <= number {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// One unmasked text frame.
fn frame(text: &str, out: &mut Vec<u8>) {
    out.push(0x81);
    match u8::try_from(text.len()) {
        Ok(length) if length < 126 => out.push(length),
        _ => {
            out.push(126);
            out.extend(u16::try_from(text.len()).expect("a short text").to_be_bytes());
        }
    }
    out.extend(text.as_bytes());
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis()
}

fn quote(number: u64) -> String {
    let (symbol, update, now) = (symbol(number % SYMBOLS), number + 1, now_ms());
    let cents = 100 + number % 800;
    format!(r#"{{"e":"bookTicker","u":{update},"s":"{symbol}","b":"61826.{cents}","B":"31.210","#)
        + &format!(r#""a":"61827.{cents}","A":"40.660","T":{now},"E":{now}}}"#)
}

fn trade(number: u64) -> String {
    let (symbol, id, now) = (symbol(number % SYMBOLS), 1 + number / SYMBOLS, now_ms());
    let cents = 100 + number % 800;
    format!(
        r#"{{"e":"aggTrade","E":{now},"s":"{symbol}","a":{id},"p":"61826.{cents}","q":"0.250","#
    ) + &format!(r#""f":{id},"l":{id},"T":{now},"m":false}}"#)
}

/// Every even one is an order that works now, every odd one its fill; buys and sells in turn.
fn order(number: u64) -> String {
    let (order, now) = (number / 2 + 1, now_ms());
    let side = if order % 2 == 1 { "BUY" } else { "SELL" };
    let (kind, status, filled, price, trade) = match number % 2 {
        0 => ("NEW", "NEW", "0", "0", 0),
        _ => ("TRADE", "FILLED", "0.100", "61826.50", order),
    };
    format!(
        r#"{{"e":"ORDER_TRADE_UPDATE","E":{now},"T":{now},"o":{{"s":"C0USDT","c":"tw-7-1-{order}","#
    ) + &format!(
        r#""S":"{side}","o":"LIMIT","f":"GTC","q":"0.100","p":"61826.50","ap":"0","sp":"0","#
    ) + &format!(
        r#""x":"{kind}","X":"{status}","i":{order},"l":"{filled}","z":"{filled}","L":"{price}","#
    ) + &format!(r#""N":"USDT","n":"0","T":{now},"t":{trade},"b":"0","a":"0","m":false,"R":false,"#)
        + r#""wt":"CONTRACT_PRICE","ot":"LIMIT","ps":"BOTH","cp":false,"rp":"0"}}"#
}
