use rust_decimal::Decimal;

use super::params::Params;
use super::{Endpoint, Request, RequestError, terms};
use crate::types::{Instrument, InstrumentId, Instruments, OrderId, SlotId};
use crate::venue::Symbols;
use crate::venue::binance::BinanceMarket;

/// Makes the requests of one market of Binance out of what an engine's commands hold.
///
/// Every method fills in a [`Request`] that the caller has and uses again; [`Signing`] makes it
/// text when it leaves. What the venue cannot do as it was meant is a [`RequestError`].
///
/// ```
/// use tradewright::types::{
///     Decimal, Instrument, Instruments, Intent, Order, OrderId, OrderKind, Price, Qty, Side,
///     SlotId, Timestamp,
/// };
/// use tradewright::venue::binance::{BinanceMarket, Request, Requests};
/// use tradewright::venue::Symbols;
///
/// let mut table = Instruments::new();
/// let spot = Instrument::spot("BTCUSDT", "BTC", "USDT").tick("0.01").step("0.00001");
/// let bitcoin = table.add(spot)?;
/// let requests = Requests::new(BinanceMarket::Spot, &table, Symbols::of(&table));
///
/// let quantity = Qty::new(Decimal::new(2, 3));
/// let mut intent = Intent::market(SlotId(1), bitcoin, Side::Buy, quantity);
/// intent.kind = OrderKind::Limit { price: Price::new(Decimal::new(6_100_050, 2))? };
/// let id = OrderId::new(7, SlotId(1), 12);
/// let order = Order { id, intent, created_at: Timestamp::EPOCH };
///
/// let (mut request, mut query) = (Request::new(), String::new());
/// requests.place(&order, &mut request)?;
/// request.write_query(&mut query);
/// assert_eq!(request.path(), Some("/api/v3/order"));
/// assert_eq!(
///     query,
///     "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.002&price=61000.5\
///      &newClientOrderId=tw-7-1-12&newOrderRespType=ACK"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Signing`]: super::Signing
#[derive(Clone, Debug)]
pub struct Requests {
    pub(super) market: BinanceMarket,
    instruments: Vec<Instrument>,
    symbols: Symbols,
    pub(super) answer: AnswerKind,
}

/// How much the answer to a new order says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerKind {
    /// That it was taken: the fastest; the user stream tells the rest.
    #[default]
    Ack,
    /// Where it stands.
    Result,
    /// Its fills, too. Futures have no such answer, and give [`AnswerKind::Result`].
    Full,
}

impl AnswerKind {
    pub(super) const fn word(self, market: BinanceMarket) -> &'static str {
        match (self, market) {
            (Self::Ack, _) => "ACK",
            (Self::Full, BinanceMarket::Spot) => "FULL",
            (Self::Result, _) | (Self::Full, BinanceMarket::UsdFutures) => "RESULT",
        }
    }
}

/// The longest client id that the venue takes.
const LONGEST_ID: usize = 36;

impl Requests {
    /// Requests about the instruments of a table, by the venue's names.
    pub fn new(market: BinanceMarket, table: &Instruments, symbols: Symbols) -> Self {
        let instruments = table.iter().cloned().collect();
        Self { market, instruments, symbols, answer: AnswerKind::default() }
    }

    /// How much answers to new orders say, from now on.
    #[must_use]
    pub const fn answers(mut self, answer: AnswerKind) -> Self {
        self.answer = answer;
        self
    }

    /// Of which market.
    pub const fn market(&self) -> BinanceMarket {
        self.market
    }

    /// The venue's name and the rules of an instrument.
    pub(super) fn known(&self, id: InstrumentId) -> Result<(&str, &Instrument), RequestError> {
        let name = self.symbols.name(id);
        let instrument = self.instruments.get(id.index());
        name.zip(instrument).ok_or(RequestError::UnknownInstrument { instrument: id })
    }

    pub(super) fn name(&self, id: InstrumentId) -> Result<&str, RequestError> {
        self.known(id).map(|(name, _)| name)
    }

    /// The one of two endpoints that this market has.
    pub(super) const fn either(&self, spot: Endpoint, futures: Endpoint) -> Endpoint {
        match self.market {
            BinanceMarket::Spot => spot,
            BinanceMarket::UsdFutures => futures,
        }
    }

    /// What one of two costs here.
    pub(super) const fn weight(&self, spot: u32, futures: u32) -> u32 {
        match self.market {
            BinanceMarket::Spot => spot,
            BinanceMarket::UsdFutures => futures,
        }
    }

    pub(super) const fn only(
        &self,
        market: BinanceMarket,
        what: &'static str,
    ) -> Result<(), RequestError> {
        match (self.market, market) {
            (BinanceMarket::Spot, BinanceMarket::Spot)
            | (BinanceMarket::UsdFutures, BinanceMarket::UsdFutures) => Ok(()),
            (_, _) => Err(terms::unsupported(self.market, what)),
        }
    }
}

/// Checks that a client id can be sent.
pub(super) fn short_id(order: OrderId) -> Result<(), RequestError> {
    let digits = |number: u64| number.checked_ilog10().unwrap_or(0) as usize + 1;
    let numbers = [u64::from(order.epoch()), u64::from(order.slot().0), order.sequence()];
    let length = "tw---".len() + numbers.into_iter().map(digits).sum::<usize>();
    if length > LONGEST_ID { Err(RequestError::LongId { order }) } else { Ok(()) }
}

/// Names an order: by its client id, or by the venue's number where it is not the engine's own.
pub(super) fn identify(order: OrderId, [client, number]: [&'static str; 2], params: &mut Params) {
    match order.epoch() == 0 && order.slot() == SlotId::HOUSE {
        true => params.number(number, order.sequence()),
        false => params.display(client, &order),
    };
}

/// A number that is sent as it is, within a range.
pub(super) fn within(
    what: &'static str,
    value: i64,
    [least, most]: [i64; 2],
) -> Result<(), RequestError> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(RequestError::OutOfRange { what, value, least, most }),
    }
}

/// The decimal of a change, on its grid.
pub(super) fn changed(
    what: &'static str,
    value: Decimal,
    step: Decimal,
) -> Result<Decimal, RequestError> {
    terms::on_grid(what, value, step).map(|()| value)
}

/// Fills in a request about one symbol.
pub(super) fn about<'a>(
    request: &'a mut Request,
    endpoint: Endpoint,
    [weight, orders]: [u32; 2],
    symbol: &str,
) -> &'a mut Params {
    request.fill(endpoint, weight, orders).text("symbol", symbol)
}
