//! The way from a frame of Binance to a signed order: bytes, decoder, engine with a strategy under
//! a risk manager, request, signature. All in memory and in one thread; no journal, no socket.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "shared by benches and tests, each uses a part"
)]

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tradewright::engine::{Command, Control, Engine, Input, SlotConfig};
use tradewright::prelude::*;
use tradewright::risk::RiskManager;
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, Money, Order, OrderReport, OrderUpdate,
};
use tradewright::venue::binance::{
    BinanceMarket, Credentials, MarketDecoder, Request, Requests, SecretString, Signing,
};
use tradewright::venue::{MarketNews, Symbols};

/// The key of Binance's documentation, and one of Ed25519 that nobody uses.
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n\
    -----END PRIVATE KEY-----\n";

pub fn hmac() -> Credentials {
    Credentials::hmac("key", &SecretString::from(SECRET)).expect("a sound key")
}

pub fn ed25519() -> Credentials {
    Credentials::ed25519("key", &SecretString::from(PEM)).expect("a sound key")
}

/// Two frames of each kind, so that no price stands still.
pub const QUOTES: [&str; 2] = [
    concat!(
        r#"{"stream":"btcusdt@bookTicker","data":{"u":50093240419,"s":"BTCUSDT","#,
        r#""b":"61826.01000000","B":"0.00009000","a":"61826.02000000","A":"1.41956000"}}"#
    ),
    concat!(
        r#"{"stream":"btcusdt@bookTicker","data":{"u":50093240420,"s":"BTCUSDT","#,
        r#""b":"61826.03000000","B":"0.20409000","a":"61826.04000000","A":"0.41956000"}}"#
    ),
];
pub const KLINES: [&str; 2] = [
    concat!(
        r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1700000040610,"s":"BTCUSDT","#,
        r#""k":{"t":1699999980000,"T":1700000039999,"s":"BTCUSDT","i":"1m","f":439572,"#,
        r#""L":439579,"o":"61820.12000000","c":"61838.04000000","h":"61838.07000000","#,
        r#""l":"61820.12000000","v":"319.42000000","n":8,"x":true,"q":"4396.50655900","#,
        r#""V":"231.60000000","Q":"3187.75743000","B":"0"}}}"#
    ),
    concat!(
        r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1700000100610,"s":"BTCUSDT","#,
        r#""k":{"t":1700000040000,"T":1700000099999,"s":"BTCUSDT","i":"1m","f":439580,"#,
        r#""L":439589,"o":"61838.05000000","c":"61830.00000000","h":"61840.00000000","#,
        r#""l":"61825.17000000","v":"181.02000000","n":9,"x":true,"q":"1396.50655900","#,
        r#""V":"131.60000000","Q":"2187.75743000","B":"0"}}}"#
    ),
];

/// Bids where the market bids, on every quote and at every closed bar: one order each, through
/// the whole review, because the position never opens.
#[derive(Clone, Serialize, Deserialize)]
pub struct Bidder;

impl Strategy for Bidder {
    fn name(&self) -> &str {
        "BIDDER"
    }

    fn on_event(&mut self, event: &Event<'_>, _facts: &Facts<'_>, advice: &mut Advice) {
        if let Event::Market(MarketEvent::Quote(_) | MarketEvent::Bar(_)) = event {
            advice.buy(Confidence::FULL);
        }
    }
}

/// Everything on the way, with its buffers.
pub struct WirePath {
    at: Timestamp,
    decoder: MarketDecoder,
    news: Vec<MarketNews>,
    engine: Engine<Bidder>,
    commands: Vec<Command>,
    requests: Requests,
    request: Request,
    signing: Signing,
    text: String,
}

impl WirePath {
    pub fn new(risk: impl RiskManager + 'static, credentials: Credentials) -> Self {
        let at = Timestamp::from_secs(1_700_000_000).expect("a sound time");
        let mut table = Instruments::new();
        let spot = Instrument::spot("BTCUSDT", "BTC", "USDT").tick("0.01").step("0.00001");
        table.add(spot).expect("a sound instrument");
        let usdt = table.find_asset("USDT").expect("the quote currency");
        let symbols = Symbols::of(&table);
        let decoder = MarketDecoder::new(symbols.clone());
        let requests = Requests::new(BinanceMarket::Spot, &table, symbols);
        let size = FixedQuantity::new(Decimal::new(2_500, 5)).expect("a sound size");
        let slot = SlotConfig::new(Bidder).sizer(size);
        let engine = Engine::builder(table, usdt).slot(slot).risk(risk).build();
        let mut path = Self {
            at,
            decoder,
            news: Vec::with_capacity(4),
            engine: engine.expect("a sound engine"),
            commands: Vec::with_capacity(4),
            requests,
            request: Request::new(),
            signing: Signing::new(credentials),
            text: String::new(),
        };
        let deposit = AdjustmentKind::Capital(Money::new(Decimal::from(1_000_000), usdt));
        let deposit = Adjustment { cause: AdjustmentCause::Deposit, kind: deposit };
        path.input(&Input::Adjustment(deposit));
        path.input(&Input::Control(Control::Heartbeat));
        path.commands.clear();
        path
    }

    /// After so many days of quotes that portfolio figures are known: before that, rules that
    /// need them let nothing pass.
    pub fn after_days(mut self, days: usize) -> Self {
        for day in 0..days {
            self.frame(QUOTES[day % 2].as_bytes());
            self.answer();
            self.at = self.at.after(Duration::from_secs(86_400));
        }
        self
    }

    fn input(&mut self, input: &Input) {
        self.engine.handle(self.at, input, &mut self.commands).expect("a sound input");
    }

    /// A frame in, the bytes of a signed order out; empty when there was none.
    #[inline(never)]
    pub fn frame(&mut self, bytes: &[u8]) -> &str {
        self.news.clear();
        self.text.clear();
        self.decoder.decode(bytes, &mut self.news).expect("a sound frame");
        for item in self.news.drain(..) {
            let MarketNews::Event(sighting) = item else { continue };
            let input = Input::Market(sighting.event);
            self.engine.handle(self.at, &input, &mut self.commands).expect("a sound event");
        }
        for command in &self.commands {
            if let Command::Place(order) = command {
                self.requests.place(order, &mut self.request).expect("a sound order");
                let signed = self.signing.write_query(self.at, &self.request, &mut self.text);
                signed.expect("a signature");
            }
        }
        &self.text
    }

    /// The venue takes the order and cancels it; a minute passes, so that entries stay below what
    /// the breaker lets pass in an hour. Returns how many orders there were.
    pub fn answer(&mut self) -> usize {
        let commands = std::mem::take(&mut self.commands);
        let places = commands.iter().filter_map(|command| match command {
            Command::Place(order) => Some(order),
            _ => None,
        });
        let mut count = 0;
        for order in places {
            count += 1;
            for report in [OrderReport::Accepted, OrderReport::Cancelled] {
                self.input(&Input::Order(update(order, report)));
            }
        }
        self.commands = commands;
        self.commands.clear();
        self.at = self.at.after(Duration::from_secs(60));
        count
    }
}

fn update(order: &Order, report: OrderReport) -> OrderUpdate {
    let Order { id, intent, .. } = order;
    let (instrument, side, leg) = (intent.instrument, intent.side, intent.leg);
    OrderUpdate { order: *id, instrument, side, leg, report }
}
