//! The async edge under load: a server on loopback sends quotes, trades and the events of an
//! account at a steady rate over three WebSockets; `BinanceMarketData` and `BinanceClient` read
//! them, and one task hands all of it to an engine.
//!
//! `cargo bench --all-features --bench edge -- [messages per second] [seconds]`, by default
//! 100,000 for ten seconds, four fifths of them quotes. Server and clients share the machine. The
//! run fails when a trade, an order or a fill is missing or comes twice, or when the newest quote
//! of a symbol does not arrive.

#![allow(missing_docs, clippy::disallowed_methods, reason = "a benchmark, which reads clocks")]

#[path = "support/flood.rs"]
mod flood;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use flood::{Rates, SYMBOLS, Sent, symbol};
use futures::StreamExt;
use tradewright::engine::{Command, Engine, Input};
use tradewright::live::{
    BinanceClient, BinanceConfig, BinanceConnection, BinanceMarketData, BinanceNetwork,
};
use tradewright::prelude::*;
use tradewright::risk::Ceiling;
use tradewright::types::OrderReport;
use tradewright::venue::binance::{BinanceMarket, Credentials, SecretString};
use tradewright::venue::{
    Channel, ConnectionCounts, ExchangeClient, MarketDataStream, MarketNews, MarketStream,
    Subscription, Symbols, UserEvent, UserNews, UserStream, VenueEvent,
};

/// What comes out is waited for so long after the last was sent.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() {
    let numbers = std::env::args().filter_map(|arg| arg.parse::<u64>().ok());
    let numbers: Vec<u64> = numbers.collect();
    // `cargo test --benches` runs this for its exit code alone.
    let is_bench = std::env::args().any(|arg| arg == "--bench");
    let (rate, seconds) = if is_bench { (100_000, 10) } else { (2_000, 1) };
    let rate = numbers.first().copied().unwrap_or(rate);
    let seconds = numbers.get(1).copied().unwrap_or(seconds);
    let orders = (rate / 500).max(2);
    let quotes = rate * 4 / 5;
    let rates = Rates { quotes, trades: rate - quotes - orders, orders, seconds };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("edge")
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async { tokio::spawn(run(rates)).await.expect("a whole run") });
}

/// What the reader has seen.
#[derive(Default)]
struct Seen {
    quotes: u64,
    /// The number of the newest quote, by instrument.
    newest: BTreeMap<InstrumentId, u64>,
    trades: u64,
    orders: u64,
    fills: u64,
    lost: u64,
    /// From the connection's task to the reader, in microseconds.
    waits: Vec<u32>,
    /// Quotes and trades, for whoever watches.
    told: Arc<AtomicU64>,
}

async fn run(rates: Rates) {
    let (port, sent) = flood::serve(rates);
    let mut table = Instruments::new();
    for index in 0..SYMBOLS {
        let (symbol, base) = (symbol(index), format!("C{index}"));
        let perpetual = Instrument::linear_perpetual(&symbol, &base, "USDT");
        table.add(perpetual.tick("0.01").step("0.001")).expect("a sound instrument");
    }
    let market = BinanceMarket::UsdFutures;
    let config = BinanceConfig::new(market, BinanceNetwork::Local { port }).expect("TLS");
    let connection = BinanceConnection::new(config, Symbols::of(&table)).expect("a runtime");
    let credentials = Credentials::hmac("key", &SecretString::from("secret")).expect("a key");
    let client = BinanceClient::new(&connection, &table, credentials);
    let service = BinanceMarketData::new(&connection);
    let channels = [Channel::Quotes, Channel::Trades];
    let asked: Vec<Subscription> = table
        .iter()
        .flat_map(|one| channels.map(|channel| Subscription::new(one.id, channel)))
        .collect();
    let mut stream = service.subscribe(&asked).await.expect("a subscription");
    let mut account = client.user_stream().await.expect("a stream");
    started(&mut stream, &mut account, asked.len()).await;
    let engine = engine(table);

    println!("{}", load());
    let before = memory_kib();
    sent.go.store(true, Ordering::Release);
    let told = Arc::new(AtomicU64::new(0));
    let watch = tokio::spawn(watch(service.clone(), Arc::clone(&sent), Arc::clone(&told)));
    let begin = Instant::now();
    let seen = Seen { told, ..Seen::default() };
    let seen = read(seen, (stream, account), engine, rates).await;
    let took = begin.elapsed();
    let most = watch.await.expect("a whole watch");
    let (counts, used) = (service.counts(), threads());
    service.close().await;
    report(rates, &sent, &seen, &counts);
    println!("read within {took:.2?}; {used}");
    println!(
        "resident memory: {} MiB at the start, {} MiB at most, {} MiB at the end",
        before / 1_024,
        most.memory / 1_024,
        memory_kib() / 1_024
    );
    let Most { unread, queued, .. } = most;
    println!("at most {unread} frames were sent and not decoded, {queued} waited for the reader");
    check(rates, &seen, &counts);
}

async fn started(stream: &mut MarketStream, account: &mut UserStream, count: usize) {
    let mut waiting = count;
    while waiting > 0 {
        let event = tokio::time::timeout(PATIENCE, stream.next()).await.expect("a start in time");
        waiting -= usize::from(matches!(event, Some(VenueEvent::Started { .. })));
    }
    let event = tokio::time::timeout(PATIENCE, account.next()).await.expect("a start in time");
    assert!(matches!(event, Some(UserEvent::Started { .. })), "{event:?}");
}

/// No strategy: what is counted is the edge, with the books and limits behind it.
fn engine(table: Instruments) -> Engine<Box<dyn Strategy>> {
    let usdt = table.find_asset("USDT").expect("the quote currency");
    let limits = EnhancedRiskManager::builder()
        .max_drawdown("0.5".parse().expect("a number"))
        .gross_exposure(Ceiling::OfEquity(2.0))
        .leverage(2.0)
        .build();
    Engine::builder(table, usdt).risk(limits.expect("sound limits")).build().expect("an engine")
}

async fn read(
    mut seen: Seen,
    (mut stream, mut account): (MarketStream, UserStream),
    mut engine: Engine<Box<dyn Strategy>>,
    rates: Rates,
) -> Seen {
    let mut commands: Vec<Command> = Vec::new();
    let mut last = Timestamp::EPOCH;
    let overdue = Instant::now() + Duration::from_secs(rates.seconds) + PATIENCE;
    while !seen.is_whole(rates) && Instant::now() < overdue {
        let input = tokio::select! {
            biased;
            Some(event) = account.next() => seen.on_user(event),
            Some(event) = stream.next() => seen.on_market(event),
            () = tokio::time::sleep(Duration::from_millis(100)) => None,
        };
        let Some((at, input)) = input else { continue };
        // Two streams have two clocks' readings; an engine's time never goes back.
        last = last.max(at);
        engine.handle(last, &input, &mut commands).expect("a sound input");
        commands.clear();
    }
    seen
}

impl Seen {
    fn is_whole(&self, rates: Rates) -> bool {
        let (trades, orders) = (rates.trades * rates.seconds, rates.orders * rates.seconds);
        let newest = rates.quotes * rates.seconds;
        let oldest = newest.saturating_sub(SYMBOLS);
        self.trades >= trades
            && self.orders + self.fills >= orders
            && self.newest.len() as u64 == SYMBOLS
            && self.newest.values().all(|number| *number > oldest)
    }

    fn on_market(&mut self, event: VenueEvent) -> Option<(Timestamp, Input)> {
        let (at, news) = match event {
            VenueEvent::News { at, news } => (at, news),
            VenueEvent::Started { .. } => return None,
            other => {
                println!("{other:?}");
                self.lost += 1;
                return None;
            }
        };
        let MarketNews::Event(sighting) = news else { return None };
        let number = sighting.number.expect("numbered events");
        match &sighting.event {
            MarketEvent::Quote(quote) => {
                self.quotes += 1;
                let before = self.newest.insert(quote.instrument, number);
                assert!(before.is_none_or(|before| before < number), "quotes go on");
            }
            _ => self.trades += 1,
        }
        self.told.fetch_add(1, Ordering::Release);
        let wait = wall_micros().saturating_sub(at.nanos() / 1_000);
        self.waits.push(u32::try_from(wait.max(0)).unwrap_or(u32::MAX));
        Some((at, Input::Market(sighting.event)))
    }

    fn on_user(&mut self, event: UserEvent) -> Option<(Timestamp, Input)> {
        let (at, order) = match event {
            UserEvent::News { at, news: UserNews::Order(order) } => (at, order),
            other => {
                println!("{other:?}");
                self.lost += 1;
                return None;
            }
        };
        // Each order once, in turn, and then its fill.
        let expected = match order.update.report {
            OrderReport::Accepted => {
                self.orders += 1;
                self.orders
            }
            OrderReport::Fill(_) => {
                self.fills += 1;
                self.fills
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(order.venue_order, expected, "orders and fills in turn");
        Some((at, Input::Order(order.update)))
    }
}

/// The most that was seen at once.
#[derive(Clone, Copy, Default)]
struct Most {
    /// Frames on their way: in sockets, and in front of the decoder.
    unread: u64,
    /// Decoded events that were neither told nor replaced.
    queued: u64,
    memory: u64,
}

/// Looks on until all was sent.
async fn watch(service: BinanceMarketData, sent: Arc<Sent>, told: Arc<AtomicU64>) -> Most {
    let mut most = Most::default();
    while sent.took_ms.load(Ordering::Acquire) == 0 {
        let out = sent.quotes.load(Ordering::Acquire) + sent.trades.load(Ordering::Acquire);
        let told = told.load(Ordering::Acquire);
        let counts = service.counts();
        most.unread = most.unread.max(out.saturating_sub(counts.frames));
        most.queued = most.queued.max(counts.frames.saturating_sub(counts.replaced + told));
        most.memory = most.memory.max(memory_kib());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    most
}

fn report(rates: Rates, sent: &Sent, seen: &Seen, counts: &ConnectionCounts) {
    let all = [&sent.quotes, &sent.trades, &sent.orders].map(|count| count.load(Ordering::Acquire));
    let [quotes, trades, orders] = all;
    let took = sent.took_ms.load(Ordering::Acquire).max(1);
    let rate = all.iter().sum::<u64>() * 1_000 / took;
    println!("sent {quotes} quotes, {trades} trades, {orders} orders and fills in {took} ms");
    println!("that is {rate} a second of {} asked for", rates.quotes + rates.trades + rates.orders);
    println!(
        "read {} quotes ({} replaced by newer ones), {} trades, {} orders, {} fills",
        seen.quotes, counts.replaced, seen.trades, seen.orders, seen.fills
    );
    let mut waits = seen.waits.clone();
    waits.sort_unstable();
    let at = |share: usize| waits.get(waits.len() * share / 1_000).copied().unwrap_or_default();
    let most = waits.last().copied().unwrap_or_default();
    let (median, high, highest) = (at(500), at(990), at(999));
    println!(
        "from its decoding to the engine: median {median} us, 99 % {high} us, 99.9 % {highest} us, \
         at most {most} us"
    );
}

fn check(rates: Rates, seen: &Seen, counts: &ConnectionCounts) {
    let (trades, orders) = (rates.trades * rates.seconds, rates.orders * rates.seconds);
    assert!(seen.is_whole(rates), "something has not arrived");
    assert_eq!((seen.trades, seen.orders, seen.fills), (trades, orders / 2, orders / 2));
    assert_eq!(seen.quotes + counts.replaced, rates.quotes * rates.seconds, "every quote");
    let ConnectionCounts { unreadable, foreign, dropped, missed_trades, .. } = *counts;
    assert_eq!((seen.lost, unreadable, foreign, dropped, missed_trades), (0, 0, 0, 0, 0));
    println!("no trade, order or fill was lost; every quote was read or replaced by a newer one");
}

fn wall_micros() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_micros()).expect("a time of this age")
}

/// The load of the machine before the run; empty where Linux does not tell it.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("load of the machine before: {}", load.trim())
}

fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// Seconds of processor time of the server's threads and of all others.
fn threads() -> String {
    let mut hundredths = [0_u64; 2];
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let Some((name, rest)) = stat.rsplit_once(") ") else { continue };
        let used: u64 =
            rest.split(' ').skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        hundredths[usize::from(!name.contains("(flood"))] += used;
    }
    let [server, others] = hundredths.map(|used| used as f64 / 100.0);
    format!("processor time: server {server:.1} s, clients and engine {others:.1} s")
}
