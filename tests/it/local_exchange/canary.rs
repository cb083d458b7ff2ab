//! Key and secret of a bot's account stand in nothing that it writes or shows in a day on which
//! much goes wrong: errors, logs, notices, metrics, snapshots, recordings, whatever is printed.

use core::fmt::{Debug, Display};
use core::time::Duration;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;
use tradewright::config::{LogConsole, LogFormat, LogLevel, LogSettings};
use tradewright::local_exchange::{Chaos, ExchangeConfig, Refusal, Strike};
use tradewright::logging::{Logging, LoggingHandle};
use tradewright::metrics::prometheus::{ExpositionFormat, exposition};
use tradewright::types::{Intent, Order, OrderId, Qty, Side, SlotId, Timestamp};
use tradewright::venue::ExchangeClient;
use tradewright::venue::binance::{Credentials, SecretString};

use super::bot::Day;
use super::live::{BTC, within};
use crate::logging::ask_all_subscribers;

const KEY: &str = "canaryKey7Q";
/// With letters that have to be percent-encoded.
const SECRET: &str = "canary/Secret+9Z=";

/// The forms in which a text may be written.
fn forms(text: &str) -> Vec<String> {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let bytes: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
    let encoded: String = text
        .bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    let escaped = text.escape_default().to_string();
    vec![
        text.to_owned(),
        hex.to_uppercase(),
        hex,
        bytes.join(", "),
        encoded,
        escaped,
        STANDARD.encode(text).trim_end_matches('=').to_owned(),
        URL_SAFE_NO_PAD.encode(text),
    ]
}

/// Everything that was written or shown, with where.
#[derive(Default)]
struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    fn bytes(&mut self, place: &str, bytes: Vec<u8>) {
        self.0.push((place.to_owned(), bytes));
    }

    fn debug(&mut self, place: &str, value: &impl Debug) {
        self.bytes(place, format!("{value:?} {value:#?}").into_bytes());
    }

    fn error(&mut self, place: &str, error: &(impl Debug + Display)) {
        self.debug(place, error);
        self.bytes(place, error.to_string().into_bytes());
    }

    fn folder(&mut self, folder: &Path) -> usize {
        let mut files = 0;
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.path().is_dir() {
                true => files += self.folder(&entry.path()),
                false => {
                    self.bytes(
                        &entry.path().display().to_string(),
                        fs::read(entry.path()).unwrap(),
                    );
                    files += 1;
                }
            }
        }
        files
    }

    /// Where one of these stands.
    fn places(&self, words: &[String]) -> Vec<String> {
        let stands = |bytes: &[u8], word: &str| {
            bytes.windows(word.len()).any(|window| window == word.as_bytes())
        };
        let found = self.0.iter().flat_map(|(place, bytes)| {
            let words = words.iter().filter(|word| stands(bytes, word));
            words.map(move |word| format!("{word} in {place}"))
        });
        found.collect()
    }
}

fn order(number: u64, quantity: &str) -> Order {
    let quantity = Qty::new(quantity.parse().unwrap());
    let intent = Intent::market(SlotId(9), BTC, Side::Buy, quantity);
    Order { id: OrderId::new(99, SlotId(9), number), intent, created_at: Timestamp::EPOCH }
}

/// What a client says of all its calls.
async fn ask_all(seen: &mut Seen, place: &str, client: &dyn ExchangeClient) -> usize {
    let mut errors = 0;
    let mut note = |seen: &mut Seen, error: Option<tradewright::venue::ExchangeError>| {
        if let Some(error) = error {
            seen.error(place, &error);
            errors += 1;
        }
    };
    note(seen, client.submit(&order(1, "900")).await.err());
    note(seen, client.cancel(order(2, "1").id, BTC).await.err());
    note(seen, client.cancel_all_after(BTC, 0).await.err());
    note(seen, client.open_orders(None).await.err());
    note(seen, client.balances().await.err());
    note(seen, client.positions().await.err());
    note(seen, client.server_time().await.err());
    seen.debug(place, &client);
    errors
}

async fn provoke(seen: &mut Seen, day: &Day) {
    let client = day.client.as_ref();
    assert!(ask_all(seen, "refused", client).await >= 2, "an order without money, one unknown");

    // The same key with another secret, and the same secret with another key.
    for (key, secret) in [(KEY, "canary/Secret+9Z=!"), ("canaryKey7Qx", SECRET)] {
        let credentials = Credentials::hmac(key, &SecretString::from(secret)).unwrap();
        seen.debug("credentials", &credentials);
        let table = super::live::table(tradewright::venue::binance::BinanceMarket::UsdFutures);
        let wrong = tradewright::live::BinanceClient::new(&day.connection, &table, credentials);
        assert!(ask_all(seen, "bad signature", &wrong).await >= 5);
        let mut stream = wrong.user_stream().await.unwrap();
        let told =
            tokio::time::timeout(Duration::from_millis(300), futures::StreamExt::next(&mut stream));
        seen.debug("user stream", &told.await.ok());
    }
    for chaos in [
        Chaos { lost_answer: 1.0, ..Chaos::default() },
        Chaos { unknown_outcome: 1.0, ..Chaos::default() },
    ] {
        day.exchange.set_chaos(chaos);
        ask_all(seen, "lost", client).await;
    }
    day.exchange.set_chaos(Chaos::default());
    day.exchange.strike(Strike::Cut);
    tokio::time::sleep(Duration::from_millis(500)).await;
    day.exchange.strike(Strike::ExpireListenKeys);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let until = day.exchange.with(|_, at| at.after(Duration::from_secs(1)));
    let refusal = Some(Refusal { status: 418, until });
    day.exchange.set_chaos(Chaos { refusal, ..Chaos::default() });
    assert!(ask_all(seen, "banned", client).await >= 6);
    seen.debug("banned", &day.connection);
    tokio::time::sleep(Duration::from_secs(2)).await;
    day.exchange.set_chaos(Chaos::default());
}

/// Everything that can be told is told to files, in both forms, by this thread, which is all that
/// a test runs on.
struct Listeners {
    handles: Vec<LoggingHandle>,
    _listen: DefaultGuard,
}

impl Listeners {
    fn new(folder: &Path) -> Self {
        ask_all_subscribers();
        let mut handles = Vec::new();
        let mut layer = |name: &str, format| {
            let mut settings = LogSettings::default();
            settings.level = LogLevel::Trace;
            settings.format = format;
            settings.console = LogConsole::Off;
            settings.directory = Some(folder.join(name));
            settings.file_bytes = 1_000_000_000;
            let (layer, handle) = Logging::from_settings(&settings).unwrap().layer().unwrap();
            handles.push(handle);
            layer
        };
        let layers = vec![layer("human", LogFormat::Human), layer("json", LogFormat::Json)];
        let subscriber = tracing_subscriber::registry().with(layers);
        Self { handles, _listen: tracing::subscriber::set_default(subscriber) }
    }

    fn flush(&self) {
        for handle in &self.handles {
            handle.flush(Duration::from_secs(20)).unwrap();
            let status = handle.status();
            assert_eq!((status.failed, status.dropped), (0, 0), "{status:?}");
        }
    }
}

/// What has to be in the log of such a day, or its silence would mean nothing.
const TOLD: [&str; 15] = [
    "answered",
    "bot ended",
    "connected",
    "connection lost",
    "failed",
    "market data",
    "news may be missing",
    "nobody knows whether it was carried out",
    "not authorised",
    "notice",
    "order sent",
    "refused",
    "snapshot kept",
    "the venue's clock was measured",
    "too many requests: nothing is sent until then",
];

#[tokio::test]
async fn a_canary_is_silent_for_a_whole_day() {
    let logs = std::env::temp_dir().join(format!("tradewright-canary-logs-{}", std::process::id()));
    let listeners = Listeners::new(&logs);
    let mut seen = Seen::default();
    let account = tradewright::local_exchange::Account::hmac(KEY, SECRET);
    seen.debug("exchange's settings", &ExchangeConfig::sample(7).with_account(account));
    let mut day = Day::start("canary", (KEY, SECRET)).await;
    seen.debug("client", &day.client);
    seen.debug("connection", &day.connection);
    seen.debug("settings", day.connection.config());
    seen.debug("market data", &day.market);
    day.until_fills(5).await;
    provoke(&mut seen, &day).await;
    within("calm", async {
        while day.connection.blocked_until().is_some() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let fills = day.fills().await;
    day.until_fills(fills + 3).await;
    seen.debug("views", &day.handle.views());
    day.stop().await;
    seen.debug("exchange", &day.exchange);
    seen.bytes("exit", day.exit.clone().into_bytes());
    seen.bytes("explained", day.explained.join("\n").into_bytes());
    let metrics = exposition(&day.registry, ExpositionFormat::OpenMetrics);
    assert!(metrics.lines().count() > 50, "{metrics}");
    seen.bytes("metrics", metrics.into_bytes());
    let log = day.log.text();
    assert!(log.lines().count() > 5, "{log}");
    seen.bytes("notices", log.into_bytes());
    assert!(seen.folder(&day.folder) >= 3, "a snapshot, inputs and decisions");
    listeners.flush();
    let human = fs::read_to_string(logs.join("human/tradewright.log")).unwrap();
    let silent = TOLD.iter().filter(|&&words| !human.contains(&format!(": {words}")));
    assert_eq!(silent.collect::<Vec<_>>(), Vec::<&&str>::new());
    assert_eq!(seen.folder(&logs), 4, "all and errors, in both forms");
    fs::remove_dir_all(&logs).unwrap();

    let words: Vec<String> = [KEY, SECRET].into_iter().flat_map(forms).collect();
    assert_eq!(seen.places(&words), Vec::<String>::new());
    let queries = ["signature=", "listenKey="].map(str::to_owned);
    assert_eq!(seen.places(&queries), Vec::<String>::new());

    // The search finds what is there, in each form.
    for form in &words {
        let mut planted = Seen::default();
        planted.bytes("here", format!("an error about {form}, and more").into_bytes());
        assert!(!planted.places(&words).is_empty(), "{form}");
    }
}
