use serde::Deserialize;

use super::algo::{Triggered, WireAlgo};
use super::report::{self, WireOrder};
use crate::types::{Leg, OrderReport, Timestamp};
use crate::venue::read::{self, decimal, instant};
use crate::venue::{DecodeCounts, DecodeError, Symbols, UserNews};

/// Reads the user data of Binance, spot and USD-margined futures: bare, in the wrapper of a
/// combined stream (`data`) or of the WebSocket API (`event`).
///
/// Read: `executionReport`, `ORDER_TRADE_UPDATE`, `outboundAccountPosition`, `balanceUpdate`,
/// `ACCOUNT_UPDATE`, `ALGO_UPDATE`, and what ends a stream. A conditional order that was triggered
/// becomes an order with another number; its fills are told under the first one's id, for the
/// last 1,024 that were seen to be triggered. `TRADE_LITE` is passed over, since the same fill
/// comes again. Amounts stay decimals from text on.
///
/// ```
/// use tradewright::types::{Instrument, Instruments, OrderId, OrderReport, SlotId};
/// use tradewright::venue::binance::UserDecoder;
/// use tradewright::venue::{Symbols, UserNews};
///
/// let mut table = Instruments::new();
/// table.add(Instrument::spot("ETHUSDT", "ETH", "USDT"))?;
/// let mut decoder = UserDecoder::new(Symbols::of(&table));
/// let frame = br#"{"e":"executionReport","E":1759347763167,"s":"ETHUSDT","c":"tw-1-2-3",
///     "S":"BUY","f":"GTC","q":"1.00000000","p":"2500.00000000","C":"","x":"NEW","X":"NEW",
///     "r":"NONE","i":1234567890,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0",
///     "N":null,"T":1759347763167,"t":-1,"m":false}"#;
/// let mut news = Vec::new();
/// decoder.decode(frame, &mut news)?;
/// let [UserNews::Order(order)] = &news[..] else { panic!("{news:?}") };
/// assert_eq!(order.update.order, OrderId::new(1, SlotId(2), 3));
/// assert_eq!(order.update.report, OrderReport::Accepted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct UserDecoder {
    symbols: Symbols,
    counts: DecodeCounts,
    triggered: Triggered,
}

impl UserDecoder {
    /// A decoder for these instruments and assets.
    pub fn new(symbols: Symbols) -> Self {
        let triggered = Triggered::default();
        Self { symbols, counts: DecodeCounts::default(), triggered }
    }

    /// What was passed over so far.
    pub const fn counts(&self) -> DecodeCounts {
        self.counts
    }

    /// Reads one frame and appends what it says to `out`.
    ///
    /// # Errors
    /// [`DecodeError`], and nothing was appended.
    pub fn decode(&mut self, bytes: &[u8], out: &mut Vec<UserNews>) -> Result<(), DecodeError> {
        let before = out.len();
        let read = self.read(bytes, out);
        if read.is_err() {
            out.truncate(before);
        }
        read
    }

    fn read(&mut self, bytes: &[u8], out: &mut Vec<UserNews>) -> Result<(), DecodeError> {
        let head: Head<'_> = parse("user data", bytes)?;
        let (wrapper, kind) = match (&head.data, &head.event) {
            (Some(inner), _) => (Wrapper::Data, inner.e),
            (None, Some(inner)) => (Wrapper::Event, inner.e),
            (None, None) => (Wrapper::None, head.e),
        };
        match kind.unwrap_or_default() {
            "executionReport" => {
                let order: WireOrder<'_> = wrapper.open("executionReport", bytes)?;
                self.order("executionReport", &order, out)
            }
            "ORDER_TRADE_UPDATE" => {
                let update: OrderUpdate<'_> = wrapper.open("ORDER_TRADE_UPDATE", bytes)?;
                self.order("ORDER_TRADE_UPDATE", &update.o, out)
            }
            "ALGO_UPDATE" => self.conditional(&wrapper.open("ALGO_UPDATE", bytes)?, out),
            "outboundAccountPosition" => {
                self.balances(&wrapper.open("outboundAccountPosition", bytes)?, out)
            }
            "balanceUpdate" => self.transfer(&wrapper.open("balanceUpdate", bytes)?, out),
            "ACCOUNT_UPDATE" => self.account(&wrapper.open("ACCOUNT_UPDATE", bytes)?, out),
            "eventStreamTerminated" | "listenKeyExpired" => {
                out.push(UserNews::Ended);
                Ok(())
            }
            "serverShutdown" => {
                out.push(UserNews::Shutdown);
                Ok(())
            }
            "TRADE_LITE" | "listStatus" | "externalLockUpdate" => {
                self.counts.ignored += 1;
                Ok(())
            }
            _ => {
                self.counts.unknown += 1;
                Ok(())
            }
        }
    }

    fn order(
        &mut self,
        what: &'static str,
        order: &WireOrder<'_>,
        out: &mut Vec<UserNews>,
    ) -> Result<(), DecodeError> {
        let Some(instrument) = self.symbols.instrument(order.s) else {
            self.counts.foreign += 1;
            return Ok(());
        };
        let Some(mut news) = report::read(what, instrument, order, &self.symbols)? else {
            self.counts.ignored += 1;
            return Ok(());
        };
        if let Some(conditional) = self.triggered.find(news.venue_order) {
            // It was taken when it was placed, with its trigger.
            if news.update.report == OrderReport::Accepted {
                self.counts.ignored += 1;
                return Ok(());
            }
            news.update.order = conditional;
        }
        out.push(UserNews::Order(news));
        Ok(())
    }

    fn conditional(
        &mut self,
        update: &AlgoUpdate<'_>,
        out: &mut Vec<UserNews>,
    ) -> Result<(), DecodeError> {
        let Some(instrument) = self.symbols.instrument(update.o.s) else {
            self.counts.foreign += 1;
            return Ok(());
        };
        let news = update.o.news(instrument, update.time)?;
        if let Some(number) = update.o.became() {
            self.triggered.remember(number, update.o.order_id());
        }
        match news {
            Some(news) => out.push(UserNews::Order(news)),
            None => self.counts.ignored += 1,
        }
        Ok(())
    }

    fn balances(
        &mut self,
        position: &Balances<'_>,
        out: &mut Vec<UserNews>,
    ) -> Result<(), DecodeError> {
        const WHAT: &str = "outboundAccountPosition";
        for balance in &position.balances {
            let (free, locked) = (decimal(WHAT, "f", balance.f)?, decimal(WHAT, "l", balance.l)?);
            let sum = free.checked_add(locked);
            let total = sum.ok_or_else(|| read::number(WHAT, "f", balance.f))?;
            match self.symbols.asset(balance.a) {
                Some(asset) => out.push(UserNews::Balance { asset, total }),
                None => self.counts.foreign += 1,
            }
        }
        Ok(())
    }

    fn transfer(
        &mut self,
        update: &Transfer<'_>,
        out: &mut Vec<UserNews>,
    ) -> Result<(), DecodeError> {
        let change = decimal("balanceUpdate", "d", update.d)?;
        match self.symbols.asset(update.a) {
            Some(asset) => out.push(UserNews::Transfer { asset, change }),
            None => self.counts.foreign += 1,
        }
        Ok(())
    }

    fn account(
        &mut self,
        update: &AccountUpdate<'_>,
        out: &mut Vec<UserNews>,
    ) -> Result<(), DecodeError> {
        const WHAT: &str = "ACCOUNT_UPDATE";
        for balance in &update.a.balances {
            let total = decimal(WHAT, "wb", balance.wb)?;
            match self.symbols.asset(balance.a) {
                Some(asset) => out.push(UserNews::Balance { asset, total }),
                None => self.counts.foreign += 1,
            }
        }
        for position in &update.a.positions {
            let quantity = decimal(WHAT, "pa", position.pa)?;
            let entry = decimal(WHAT, "ep", position.ep)?;
            let leg = leg(WHAT, Some(position.ps))?;
            match self.symbols.instrument(position.s) {
                Some(instrument) => {
                    out.push(UserNews::Position { instrument, leg, quantity, entry });
                }
                None => self.counts.foreign += 1,
            }
        }
        Ok(())
    }
}

pub(super) fn leg(what: &'static str, word: Option<&str>) -> Result<Leg, DecodeError> {
    match word {
        None | Some("BOTH") => Ok(Leg::Net),
        Some("LONG") => Ok(Leg::Long),
        Some("SHORT") => Ok(Leg::Short),
        Some(other) => Err(read::word(what, "ps", other)),
    }
}

pub(super) fn time(what: &'static str, value: u64) -> Result<Timestamp, DecodeError> {
    instant(what, "T", value)
}

fn parse<'a, T: Deserialize<'a>>(what: &'static str, bytes: &'a [u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(bytes).map_err(|error| read::malformed(what, &error))
}

/// What stands around an event.
#[derive(Clone, Copy)]
enum Wrapper {
    None,
    Data,
    Event,
}

impl Wrapper {
    fn open<'a, T: Deserialize<'a>>(
        self,
        what: &'static str,
        bytes: &'a [u8],
    ) -> Result<T, DecodeError> {
        match self {
            Self::None => parse(what, bytes),
            Self::Data => parse::<InData<T>>(what, bytes).map(|wrapped| wrapped.data),
            Self::Event => parse::<InEvent<T>>(what, bytes).map(|wrapped| wrapped.event),
        }
    }
}

#[derive(Deserialize)]
struct InData<T> {
    data: T,
}

#[derive(Deserialize)]
struct InEvent<T> {
    event: T,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    e: Option<&'a str>,
    #[serde(borrow)]
    data: Option<Kind<'a>>,
    #[serde(borrow)]
    event: Option<Kind<'a>>,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    e: Option<&'a str>,
}

#[derive(Deserialize)]
struct OrderUpdate<'a> {
    #[serde(borrow)]
    o: WireOrder<'a>,
}

#[derive(Deserialize)]
struct AlgoUpdate<'a> {
    #[serde(rename = "T")]
    time: u64,
    #[serde(borrow)]
    o: WireAlgo<'a>,
}

#[derive(Deserialize)]
struct Balances<'a> {
    #[serde(borrow, rename = "B")]
    balances: Vec<SpotBalance<'a>>,
}

#[derive(Deserialize)]
struct SpotBalance<'a> {
    a: &'a str,
    f: &'a str,
    l: &'a str,
}

#[derive(Deserialize)]
struct Transfer<'a> {
    a: &'a str,
    d: &'a str,
}

#[derive(Deserialize)]
struct AccountUpdate<'a> {
    #[serde(borrow)]
    a: Account<'a>,
}

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow, rename = "B", default)]
    balances: Vec<WalletBalance<'a>>,
    #[serde(borrow, rename = "P", default)]
    positions: Vec<WirePosition<'a>>,
}

#[derive(Deserialize)]
struct WalletBalance<'a> {
    a: &'a str,
    wb: &'a str,
}

#[derive(Deserialize)]
struct WirePosition<'a> {
    s: &'a str,
    pa: &'a str,
    ep: &'a str,
    ps: &'a str,
}
