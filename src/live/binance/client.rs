use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;

use super::memory::Memory;
use super::refusal;
use super::rest::{BinanceConnection, Kind};
use super::user;
use crate::live::net::HttpRequest;
use crate::types::{
    Bar, InstrumentId, Instruments, MarketEvent, Order, OrderId, SlotId, Timestamp,
};
use crate::venue::binance::{
    self, Access, AnswerKind, BinanceMarket, ConditionalState, Credentials, ExchangeInfo,
    OrderRoute, ReplyDecoder, Request, RequestError, Requests, Signing, TradesFrom, decode_klines,
};
use crate::venue::{
    Balance, BarQuery, DecodeError, ExchangeClient, ExchangeError, FillsFrom, MarketNews,
    OrderChange, OrderState, PositionState, Submitted, UserStream, VenueFill, VenueListings,
};

/// An account at Binance, spot or USD-margined futures.
///
/// Orders go by HTTP, signed with the venue's time, as far as our clock's distance from it is
/// known; it is measured before the first of them, every ten minutes, and when the venue refuses
/// our time. Questions are asked a second time then; what changes anything never is.
///
/// Neither the key nor the secret stands in any `Debug`, error or address that is shown.
#[derive(Clone)]
pub struct BinanceClient {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) connection: BinanceConnection,
    pub(super) requests: Requests,
    pub(super) signing: Signing,
    decoder: Mutex<ReplyDecoder>,
    memory: Mutex<Memory>,
}

/// The most rows of one list.
const PAGE: usize = 1_000;

impl BinanceClient {
    /// A client for the account of these credentials and the instruments of this table, which has
    /// to be the one that the connection's symbols are of.
    pub fn new(
        connection: &BinanceConnection,
        table: &Instruments,
        credentials: Credentials,
    ) -> Self {
        let config = connection.config();
        let symbols = connection.symbols().clone();
        let requests = Requests::new(config.market, table, symbols.clone());
        Self {
            inner: Arc::new(Inner {
                connection: connection.clone(),
                requests: requests.answers(AnswerKind::Result),
                signing: Signing::new(credentials).recv_window(config.recv_window),
                decoder: Mutex::new(ReplyDecoder::new(symbols)),
                memory: Mutex::default(),
            }),
        }
    }

    /// What is shared with market data.
    pub fn connection(&self) -> &BinanceConnection {
        &self.inner.connection
    }
}

impl Inner {
    pub(super) fn market(&self) -> BinanceMarket {
        self.connection.config().market
    }

    /// Makes a request, waits for its turn, sends it and gives the body of a success.
    pub(super) async fn call(
        &self,
        kind: Kind,
        fill: impl Fn(&Requests, &mut Request) -> Result<(), RequestError> + Send,
    ) -> Result<Bytes, ExchangeError> {
        let mut request = Request::new();
        fill(&self.requests, &mut request).map_err(not_sent)?;
        if request.access() == Access::Signed {
            self.connection.know_the_clock().await?;
        }
        match self.send(&request, (kind, 1)).await {
            Err(ExchangeError::Unavailable { code: CLOCK, message }) => {
                let measured = self.connection.measure_clock_anew().await;
                match (kind, measured) {
                    (Kind::Question, Ok(())) => self.send(&request, (kind, 2)).await,
                    (Kind::Question, Err(error)) => Err(error),
                    (Kind::Change, _) => Err(ExchangeError::Unavailable { code: CLOCK, message }),
                }
            }
            answer => answer,
        }
    }

    async fn send(&self, request: &Request, attempt: (Kind, u32)) -> Result<Bytes, ExchangeError> {
        self.connection.turn(request.urgency(), request.cost()).await?;
        let request = self.signed(request)?;
        self.connection.exchange(request, attempt).await.map(|reply| reply.body)
    }

    /// The request as it leaves now.
    fn signed(&self, request: &Request) -> Result<HttpRequest, ExchangeError> {
        let unsupported = |what: &str| ExchangeError::Unsupported { what: what.to_owned() };
        let path = request.path().ok_or_else(|| unsupported("this request by HTTP"))?;
        let mut query = String::new();
        let signed = self.signing.write_query(self.connection.venue_now(), request, &mut query);
        signed.map_err(|error| unsupported(&error.to_string()))?;
        let method = match request.method() {
            binance::Method::Get => Method::GET,
            binance::Method::Post => Method::POST,
            binance::Method::Put => Method::PUT,
            binance::Method::Delete => Method::DELETE,
        };
        let question = if query.is_empty() { "" } else { "?" };
        let mut http = self.connection.request(method, format!("{path}{question}{query}"));
        if request.access() != Access::Public {
            let key = self.signing.api_key().expose_secret();
            let mut key = HeaderValue::from_str(key).map_err(|_| unsupported("this API key"))?;
            key.set_sensitive(true);
            http.headers.push((HeaderName::from_static("x-mbx-apikey"), key));
        }
        Ok(http)
    }

    /// Reads an answer with the one decoder.
    fn read<T>(
        &self,
        kind: Kind,
        read: impl FnOnce(&mut ReplyDecoder) -> Result<T, DecodeError>,
    ) -> Result<T, ExchangeError> {
        read(&mut lock(&self.decoder)).map_err(|error| refusal::unreadable(error, kind))
    }

    /// Where an order is: with the others, or among the conditional ones of futures. One that is
    /// not remembered is looked for in both places.
    fn routes(&self, order: OrderId) -> &'static [OrderRoute] {
        let is_conditional = lock(&self.memory).is_conditional(order);
        match (self.market(), is_conditional) {
            (BinanceMarket::Spot, _) | (_, Some(false)) => &[OrderRoute::Book],
            (_, Some(true)) => &[OrderRoute::Conditional, OrderRoute::Book],
            (_, None) => &[OrderRoute::Book, OrderRoute::Conditional],
        }
    }

    async fn state(
        &self,
        route: OrderRoute,
        order: OrderId,
        instrument: InstrumentId,
    ) -> Result<Option<OrderState>, ExchangeError> {
        let ask = |id: OrderId, route| {
            self.call(Kind::Question, move |requests, out| {
                requests.status(route, instrument, id, out)
            })
        };
        let body = ask(order, route).await?;
        if route == OrderRoute::Book {
            return self.read(Kind::Question, |decoder| decoder.order(&body));
        }
        let found = self.read(Kind::Question, |decoder| decoder.conditional(&body))?;
        let Some(ConditionalState { state, became }) = found else { return Ok(None) };
        let Some(number) = became else { return Ok(Some(state)) };
        let body = ask(OrderId::new(0, SlotId::HOUSE, number), OrderRoute::Book).await?;
        let became = self.read(Kind::Question, |decoder| decoder.order(&body))?;
        Ok(became.map(|state| OrderState { order, ..state }))
    }

    async fn find(
        &self,
        order: OrderId,
        instrument: InstrumentId,
    ) -> Result<Option<OrderState>, ExchangeError> {
        for route in self.routes(order) {
            match self.state(*route, order, instrument).await {
                Ok(Some(state)) => {
                    lock(&self.memory).owns(state.venue_order, state.order);
                    return Ok(Some(state));
                }
                Err(error) if !error.is_not_found() => return Err(error),
                Ok(None) | Err(_) => {}
            }
        }
        Ok(None)
    }

    /// Lists of fills name orders by the venue's number alone: the owners of those that are not
    /// remembered are asked for.
    async fn name_owners(&self, fills: &mut [VenueFill]) -> Result<(), ExchangeError> {
        for fill in fills {
            let is_named = fill.order != OrderId::new(0, SlotId::HOUSE, fill.venue_order);
            if is_named {
                continue;
            }
            let known = lock(&self.memory).owner(fill.venue_order);
            let owner = match known {
                Some(owner) => owner,
                None => {
                    let state = self.state(OrderRoute::Book, fill.order, fill.instrument).await;
                    let owner = match state {
                        Ok(state) => state.map_or(fill.order, |state| state.order),
                        Err(error) if error.is_not_found() => fill.order,
                        Err(error) => return Err(error),
                    };
                    lock(&self.memory).owns(fill.venue_order, owner);
                    owner
                }
            };
            fill.order = owner;
        }
        Ok(())
    }

    async fn fills(
        &self,
        instrument: InstrumentId,
        from: FillsFrom,
    ) -> Result<Vec<VenueFill>, ExchangeError> {
        let number = |trade: u128| u64::try_from(trade).unwrap_or(u64::MAX);
        let (mut next, of) = match from {
            FillsFrom::After(trade) => (TradesFrom::Trade(number(trade.0).saturating_add(1)), None),
            FillsFrom::Time(at) => (TradesFrom::Time(at), None),
            FillsFrom::Order(order) => match self.find(order, instrument).await? {
                Some(state) => (TradesFrom::Order(state.venue_order), Some(state)),
                None => return Ok(Vec::new()),
            },
        };
        let mut fills: Vec<VenueFill> = Vec::new();
        loop {
            let body = self
                .call(Kind::Question, move |requests, out| requests.trades(instrument, next, out))
                .await?;
            let before = fills.len();
            let owner = |order| lock(&self.memory).owner(order);
            self.read(Kind::Question, |decoder| decoder.trades(&body, owner, &mut fills))?;
            let last = fills.last().filter(|_| fills.len() - before >= PAGE);
            let last = last.map(|last| number(last.fill.trade.0));
            if let Some(state) = &of {
                // Behind the first page stand those of other orders, too.
                fills.retain(|fill| fill.venue_order == state.venue_order);
            }
            match last {
                Some(last) => next = TradesFrom::Trade(last.saturating_add(1)),
                None => break,
            }
        }
        if let (Some(state), TradesFrom::Trade(_)) = (&of, next) {
            check_whole(state, &fills)?;
        }
        self.name_owners(&mut fills).await?;
        Ok(fills)
    }

    async fn bars(&self, query: &BarQuery) -> Result<Vec<(Timestamp, Bar)>, ExchangeError> {
        let of = (query.instrument, query.period);
        let most = u16::try_from(PAGE).unwrap_or(u16::MAX);
        let span = query.period.span().unwrap_or_default();
        let (mut from, to) = (query.from, query.to);
        let mut bars: Vec<(Timestamp, Bar)> = Vec::new();
        while from.after(span) <= to {
            let body = self
                .call(Kind::Question, move |requests, out| {
                    requests.klines(of, [from, to], most, out)
                })
                .await?;
            let mut news = Vec::new();
            decode_klines(to, of, &body, &mut news)?;
            let before = bars.len();
            for item in news {
                if let MarketNews::Event(sighting) = item
                    && let (MarketEvent::Bar(bar), Some(at)) = (sighting.event, sighting.at)
                {
                    bars.push((at, bar));
                }
            }
            // The next one opens when this one closes.
            match bars.last() {
                Some((closed, _)) if bars.len() > before && *closed > from => from = *closed,
                _ => break,
            }
        }
        Ok(bars)
    }
}

#[async_trait]
impl ExchangeClient for BinanceClient {
    async fn submit(&self, order: &Order) -> Result<Submitted, ExchangeError> {
        let inner = &self.inner;
        let route = OrderRoute::of(inner.market(), order.intent.kind);
        lock(&inner.memory).placed(order.id, route == OrderRoute::Conditional);
        let body = inner.call(Kind::Change, |requests, out| requests.place(order, out)).await?;
        let taken = inner.read(Kind::Change, |decoder| decoder.submitted(order, &body))?;
        lock(&inner.memory).owns(taken.venue_order, order.id);
        Ok(taken)
    }

    async fn amend(&self, change: &OrderChange) -> Result<OrderState, ExchangeError> {
        let inner = &self.inner;
        let body = inner.call(Kind::Change, |requests, out| requests.amend(change, out)).await?;
        let state = inner.read(Kind::Change, |decoder| decoder.order(&body))?;
        let message = "the answer is about another instrument".to_owned();
        state.ok_or(ExchangeError::Unknown { message })
    }

    async fn cancel(&self, order: OrderId, instrument: InstrumentId) -> Result<(), ExchangeError> {
        let inner = &self.inner;
        let mut last = Ok(());
        for route in inner.routes(order) {
            let cancelled = inner.call(Kind::Change, |requests, out| {
                requests.cancel(*route, instrument, order, out)
            });
            last = cancelled.await.map(|_| ());
            if !last.as_ref().is_err_and(ExchangeError::is_not_found) {
                return last;
            }
        }
        last
    }

    async fn cancel_all(&self, instrument: InstrumentId) -> Result<(), ExchangeError> {
        let routes: &[OrderRoute] = match self.inner.market() {
            BinanceMarket::Spot => &[OrderRoute::Book],
            BinanceMarket::UsdFutures => &[OrderRoute::Book, OrderRoute::Conditional],
        };
        for route in routes {
            let cancelled = self
                .inner
                .call(Kind::Change, |requests, out| requests.cancel_all(*route, instrument, out));
            match cancelled.await {
                // Spot says so when there is no order.
                Err(error) if !error.is_not_found() => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    async fn order(
        &self,
        order: OrderId,
        instrument: InstrumentId,
    ) -> Result<Option<OrderState>, ExchangeError> {
        self.inner.find(order, instrument).await
    }

    async fn open_orders(
        &self,
        instrument: Option<InstrumentId>,
    ) -> Result<Vec<OrderState>, ExchangeError> {
        let inner = &self.inner;
        let mut orders = Vec::new();
        let body = inner
            .call(Kind::Question, |requests, out| requests.open_orders(instrument, out))
            .await?;
        inner.read(Kind::Question, |decoder| decoder.orders(&body, &mut orders))?;
        if inner.market() == BinanceMarket::UsdFutures {
            let body = inner
                .call(Kind::Question, |requests, out| {
                    requests.open_conditional_orders(instrument, out)
                })
                .await?;
            inner.read(Kind::Question, |decoder| decoder.orders(&body, &mut orders))?;
        }
        let mut memory = lock(&inner.memory);
        for state in &orders {
            memory.owns(state.venue_order, state.order);
        }
        Ok(orders)
    }

    async fn fills(
        &self,
        instrument: InstrumentId,
        from: FillsFrom,
    ) -> Result<Vec<VenueFill>, ExchangeError> {
        self.inner.fills(instrument, from).await
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        let fill = |requests: &Requests, out: &mut Request| {
            requests.balances(out);
            Ok(())
        };
        let body = self.inner.call(Kind::Question, fill).await?;
        let mut balances = Vec::new();
        self.inner.read(Kind::Question, |decoder| decoder.balances(&body, &mut balances))?;
        Ok(balances)
    }

    async fn positions(&self) -> Result<Vec<PositionState>, ExchangeError> {
        if self.inner.market() == BinanceMarket::Spot {
            return Ok(Vec::new());
        }
        let body = self.inner.call(Kind::Question, |requests, out| requests.positions(out)).await?;
        let mut positions = Vec::new();
        self.inner.read(Kind::Question, |decoder| decoder.positions(&body, &mut positions))?;
        Ok(positions)
    }

    async fn instruments(&self) -> Result<VenueListings, ExchangeError> {
        let fill = |requests: &Requests, out: &mut Request| {
            requests.exchange_info(out);
            Ok(())
        };
        let body = self.inner.call(Kind::Question, fill).await?;
        let info = ExchangeInfo::decode(&body)?;
        let connection = &self.inner.connection;
        connection.with_budget(|budget| info.limit(budget));
        Ok(info.listings(connection.config().reserve_percent))
    }

    async fn bars(&self, query: &BarQuery) -> Result<Vec<(Timestamp, Bar)>, ExchangeError> {
        self.inner.bars(query).await
    }

    async fn server_time(&self) -> Result<Timestamp, ExchangeError> {
        self.inner.connection.measure_clock().await
    }

    async fn user_stream(&self) -> Result<UserStream, ExchangeError> {
        Ok(user::open(&self.inner))
    }

    async fn cancel_all_after(
        &self,
        instrument: InstrumentId,
        seconds: u32,
    ) -> Result<(), ExchangeError> {
        let after = Duration::from_secs(seconds.into());
        let set = self
            .inner
            .call(Kind::Change, |requests, out| requests.cancel_all_after(instrument, after, out));
        set.await.map(|_| ())
    }
}

/// Of an order with more fills than a page holds, the venue does not say which ones it lists first.
fn check_whole(state: &OrderState, fills: &[VenueFill]) -> Result<(), ExchangeError> {
    let quantity = |fill: &VenueFill| fill.fill.quantity.value();
    let listed = fills.iter().map(quantity).fold(Decimal::ZERO, Decimal::saturating_add);
    if listed < state.filled {
        let message = format!("fills of {listed} are listed, of {} filled", state.filled);
        return Err(ExchangeError::Unavailable { code: 0, message });
    }
    Ok(())
}

/// The venue's number for a time that it does not take.
const CLOCK: i64 = -1021;

/// A request that cannot be made was never sent.
fn not_sent(error: RequestError) -> ExchangeError {
    match error {
        RequestError::Unsupported { .. } => ExchangeError::Unsupported { what: error.to_string() },
        _ => ExchangeError::Refused {
            reason: error.reject_reason(),
            code: 0,
            message: format!("not sent: {error}"),
        },
    }
}

/// Nothing that holds these locks can panic half-way, so what they guard is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for BinanceClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = &self.inner.connection;
        formatter
            .debug_struct("BinanceClient")
            .field("connection", connection)
            .finish_non_exhaustive()
    }
}
