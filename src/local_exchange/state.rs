use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use super::chaos::{Chaos, Strike};
use super::config::{ExchangeConfig, ExchangeError};
use super::connection::{Connection, ConnectionId, Frame, Outgoing};
use super::desk::Trader;
use super::limits::Usage;
use super::market::Market;
use super::pair::{MARKETS, Pair};
use crate::sim::SplitMix64;
use crate::types::{InstrumentId, Timestamp};
use crate::venue::binance::BinanceMarket;

/// The whole exchange without sockets and clock: requests and the passing of time go in,
/// answers and frames come out.
///
/// # The driver's loop
/// 1. A request over HTTP goes to [`ExchangeState::http`], which answers it. A connection that
///    was upgraded goes to [`ExchangeState::connect`], its messages to
///    [`ExchangeState::message`], its end to [`ExchangeState::disconnect`].
/// 2. After each of these, [`ExchangeState::poll`] until it returns `None`: every frame is sent
///    on its connection.
/// 3. At [`ExchangeState::deadline`], [`ExchangeState::advance`], and step 2 again.
///
/// Times that lie before an earlier one count as that one.
///
/// ```
/// use tradewright::local_exchange::{ExchangeConfig, ExchangeState, HttpRequest};
/// use tradewright::types::Timestamp;
///
/// let at = Timestamp::from_secs(1_700_000_000)?;
/// let mut exchange = ExchangeState::new(at, ExchangeConfig::sample(7))?;
/// let reply = exchange.http(at, &HttpRequest::get("/api/v3/time"));
/// assert_eq!((reply.status, &*reply.body), (200, r#"{"serverTime":1700000000000}"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExchangeState {
    pub(super) config: ExchangeConfig,
    pub(super) now: Timestamp,
    pub(super) random: SplitMix64,
    pub(super) markets: Pair<Market>,
    pub(super) traders: Vec<Trader>,
    pub(super) usage: Pair<Usage>,
    pub(super) connections: BTreeMap<ConnectionId, Connection>,
    pub(super) chaos: Chaos,
    pub(super) out: VecDeque<Outgoing>,
    /// Frames that are sent later, by their hour.
    pub(super) delayed: VecDeque<(Timestamp, Outgoing)>,
    /// When the depth streams tell of changes next.
    pub(super) next_beat: Timestamp,
    /// When all connections are closed after `serverShutdown`.
    pub(super) closes_at: Option<Timestamp>,
    /// Number of the last order, list or conditional order.
    pub(super) numbers: u64,
    /// Number of the last event of an order.
    pub(super) executions: u64,
}

/// Time between two looks at what is due.
pub(super) const BEAT: Duration = Duration::from_millis(100);

/// Time between `serverShutdown` and the end of all connections.
const FAREWELL: Duration = Duration::from_secs(10);

impl ExchangeState {
    /// An exchange that opens at `at`.
    ///
    /// # Errors
    /// [`ExchangeError`] with the symbol or account that was refused.
    pub fn new(at: Timestamp, config: ExchangeConfig) -> Result<Self, ExchangeError> {
        let spot = Market::new(at, BinanceMarket::Spot, &config)?;
        let futures = Market::new(at, BinanceMarket::UsdFutures, &config)?;
        let markets = Pair::new(spot, futures);
        let mut traders: Vec<Trader> = Vec::new();
        for account in &config.accounts {
            if traders.iter().any(|trader| trader.key == account.key) {
                return Err(ExchangeError::Duplicate { key: account.key.clone() });
            }
            traders.push(Trader::new(account, &config, &markets)?);
        }
        Ok(Self {
            now: at,
            random: SplitMix64::new(config.seed ^ 0x00C4_A055),
            markets,
            traders,
            usage: Pair::new(Usage::default(), Usage::default()),
            connections: BTreeMap::new(),
            chaos: config.chaos.clone(),
            out: VecDeque::new(),
            delayed: VecDeque::new(),
            next_beat: next_beat(at),
            closes_at: None,
            numbers: 0,
            executions: 0,
            config,
        })
    }

    /// Lets time pass: the markets trade, orders fill, streams tell of it.
    pub fn advance(&mut self, at: Timestamp) {
        while let Some((due, source)) = self.next_due().filter(|(due, _)| *due <= at) {
            self.now = self.now.max(due);
            match source {
                Some((market, id)) => self.trade_next(market, id),
                None => self.beat(),
            }
            self.release();
        }
        self.now = self.now.max(at);
        self.release();
    }

    /// When [`ExchangeState::advance`] has something to do next.
    pub fn deadline(&self) -> Timestamp {
        let due = self.next_due().map_or(Timestamp::MAX, |(due, _)| due);
        self.delayed.front().map_or(due, |(delayed, _)| due.min(*delayed))
    }

    /// The next frame to be sent; in order within each connection.
    pub fn poll(&mut self) -> Option<Outgoing> {
        self.out.pop_front()
    }

    /// What goes wrong at present.
    pub const fn chaos(&self) -> &Chaos {
        &self.chaos
    }

    /// Changes what goes wrong from now on.
    pub fn set_chaos(&mut self, chaos: Chaos) {
        self.chaos = chaos;
    }

    /// Lets something go wrong now.
    pub fn strike(&mut self, at: Timestamp, strike: Strike) {
        self.advance(at);
        match strike {
            Strike::Cut => {
                for id in self.connections.keys().copied().collect::<Vec<_>>() {
                    self.out.push_back(Outgoing { connection: id, frame: Frame::Cut });
                    self.connections.remove(&id);
                }
            }
            Strike::Shutdown => {
                self.tell_shutdown();
                self.closes_at = Some(self.now.after(FAREWELL));
            }
            Strike::ExpireListenKeys => self.expire_listen_keys(Timestamp::MAX),
            Strike::EndUserStreams => self.end_user_streams(),
        }
    }

    /// The time that the exchange tells and checks timestamps by.
    pub(super) fn clock(&self) -> Timestamp {
        let skew = self.chaos.clock_skew_millis.saturating_mul(1_000_000);
        Timestamp::from_nanos(self.now.nanos().saturating_add(skew))
    }

    /// True with a probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.random.fraction() < probability
    }

    pub(super) const fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// A text of 22 letters and digits that nobody has used.
    pub(super) fn draw_name(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let draw = |_| {
            let index = self.random.next() % 62;
            let index = usize::try_from(index).unwrap_or_default();
            LETTERS.get(index).copied().map_or('A', char::from)
        };
        (0..length).map(draw).collect()
    }

    /// What is due next: the print of a symbol, or a beat.
    fn next_due(&self) -> Option<(Timestamp, Option<(BinanceMarket, InstrumentId)>)> {
        let beat = (self.next_beat, None);
        let symbols = MARKETS.into_iter().flat_map(|market| {
            let symbols = self.markets.of(market).symbols.iter();
            symbols.filter_map(move |symbol| {
                let at = symbol.source.next_at()?;
                Some((at, Some((market, symbol.instrument.id))))
            })
        });
        symbols.chain([beat]).min_by_key(|(at, _)| *at)
    }

    /// Sends what has been held back long enough.
    fn release(&mut self) {
        while let Some((due, _)) = self.delayed.front()
            && *due <= self.now
            && let Some((_, outgoing)) = self.delayed.pop_front()
        {
            self.out.push_back(outgoing);
        }
    }
}

/// The next moment that is a whole number of beats.
pub(super) fn next_beat(at: Timestamp) -> Timestamp {
    let beat = i64::try_from(BEAT.as_nanos()).unwrap_or(1);
    Timestamp::from_nanos((at.nanos().div_euclid(beat) + 1) * beat)
}
