//! New orders and cancels.

use serde_json::{Value, json};

use super::calls::Who;
use super::error::{ApiError, ApiResult};
use super::exchange_info::MOST_ORDERS;
use super::market_view::add;
use super::number::times;
use super::order::{Kind, Lifetime, Record, Status, Wish};
use super::params::Params;
use super::state::ExchangeState;
use super::wish::{self, cost_of, quantity_for};
use crate::engine::Command;
use crate::types::{
    Intent, Linkage, Order, OrderFlags, OrderId, OrderKind, Qty, RejectReason, Side, SlotId,
    TimeInForce, Timestamp,
};
use crate::venue::binance::BinanceMarket;

impl ExchangeState {
    /// `POST order`.
    pub(super) fn place(&mut self, who: Who, params: &Params) -> ApiResult {
        let wish = wish::read(self.markets.of(who.market), params)?;
        if who.market == BinanceMarket::UsdFutures {
            one_way(params)?;
            if wish.kind.has_trigger() {
                return Err(ApiError::new(
                    -4120,
                    "Order type not supported for this endpoint. Please use the Algo Order API \
                     endpoints instead.",
                ));
            }
        }
        let usual = match wish.kind {
            Kind::Market | Kind::Limit if who.market == BinanceMarket::Spot => "FULL",
            _ => "ACK",
        };
        let kind = params.get("newOrderRespType").unwrap_or(usual).to_owned();
        let number = self.submit(who, wish, Linkage::None, None)?;
        Ok(self.placed(who, number, &kind))
    }

    /// `POST order/test`: judged and forgotten.
    pub(super) fn test_order(&self, who: Who, params: &Params) -> ApiResult {
        wish::read(self.markets.of(who.market), params)?;
        Ok(json!({}))
    }

    /// Sends an order to the account's venue and lets it meet the book; gives its number.
    pub(super) fn submit(
        &mut self,
        who: Who,
        wish: Wish,
        linkage: Linkage,
        marks: Option<Marks>,
    ) -> Result<u64, ApiError> {
        let mut wish = wish;
        let order_kind = wish.order_kind()?;
        self.check(who, &mut wish, marks)?;
        let number = self.next_number();
        let client = match wish.client.clone() {
            Some(client) => client,
            None => self.draw_name(22),
        };
        let id = wish.instrument;
        let now = self.now;
        let order = command(number, now, &wish, order_kind, linkage);
        let mut record = Record::new(number, client, wish, now);
        record.list = marks.and_then(|marks| marks.list);
        record.algo = marks.and_then(|marks| marks.algo);
        if let Some(trader) = self.traders.get_mut(who.account) {
            let desk = trader.desks.of_mut(who.market);
            desk.orders.push(record);
            desk.venue.submit(now, &Command::Place(order));
        }
        self.collect(who.account, who.market);
        let refusal = self
            .order(who.account, who.market, number)
            .and_then(|order| order.refusal.filter(|_| order.status == Status::Rejected));
        if let Some(reason) = refusal {
            if let Some(trader) = self.traders.get_mut(who.account) {
                trader.desks.of_mut(who.market).orders.retain(|order| order.number != number);
            }
            return Err(refused(who.market, reason));
        }
        self.match_book(who.account, who.market, id);
        Ok(number)
    }

    /// What depends on the account and on the market.
    fn check(&self, who: Who, wish: &mut Wish, marks: Option<Marks>) -> Result<(), ApiError> {
        let Some(trader) = self.traders.get(who.account) else { return Err(ApiError::key()) };
        let desk = trader.desks.of(who.market);
        let market = self.markets.of(who.market);
        let symbol = market.get(wish.instrument).ok_or_else(ApiError::symbol)?;
        let is_taken =
            |client: &String| desk.open(Some(wish.instrument)).any(|order| order.client == *client);
        if wish.client.as_ref().is_some_and(is_taken) {
            return Err(duplicate(who.market));
        }
        if desk.open(Some(wish.instrument)).count() >= MOST_ORDERS {
            return Err(ApiError::filter("MAX_NUM_ORDERS"));
        }
        if wish.is_past_trigger(symbol.last_price()) {
            return Err(match who.market {
                BinanceMarket::Spot => {
                    ApiError::new(-2010, "Stop price would trigger immediately.")
                }
                BinanceMarket::UsdFutures => {
                    ApiError::new(-2021, "Order would immediately trigger.")
                }
            });
        }
        if !wish.quote.is_zero() {
            wish.quantity = quantity_for(symbol, wish.side, wish.quote);
            if wish.quantity.is_zero() {
                return Err(ApiError::filter("LOT_SIZE"));
            }
        }
        // The second leg of a list stands on what the first has reserved.
        if who.market == BinanceMarket::UsdFutures || marks.is_some_and(|m| m.is_covered) {
            return Ok(());
        }
        let (asset, need) = match wish.side {
            Side::Sell => (symbol.instrument.base, wish.quantity),
            Side::Buy => {
                let price = if wish.price.is_zero() { wish.trigger } else { wish.price };
                let cost = match wish.kind {
                    Kind::Market => cost_of(symbol, wish.quantity),
                    _ => times(wish.quantity, price),
                };
                (symbol.instrument.quote, cost)
            }
        };
        if need > desk.free(market, asset) {
            return Err(refused(who.market, RejectReason::InsufficientFunds));
        }
        Ok(())
    }

    /// The answer to a new order.
    pub(super) fn placed(&self, who: Who, number: u64, kind: &str) -> Value {
        let Some(order) = self.order(who.account, who.market, number) else { return json!({}) };
        let symbol = self.markets.of(who.market).name(order.wish.instrument);
        if who.market == BinanceMarket::UsdFutures {
            return Value::Object(order.futures(symbol));
        }
        let transacted = json!({ "transactTime": order.created.millis() });
        let mut body = match kind {
            "ACK" => json!({
                "symbol": symbol,
                "orderId": order.number,
                "orderListId": order.list_id(),
                "clientOrderId": order.client,
            }),
            _ => Value::Object(order.spot(symbol)),
        };
        add(&mut body, transacted);
        if kind == "FULL" {
            let desk = self.traders.get(who.account).map(|trader| trader.desks.of(who.market));
            let trade = |index: &usize| Some(desk?.trades.get(*index)?.of_answer());
            let fills: Vec<Value> = order.trades.iter().filter_map(trade).collect();
            add(&mut body, json!({ "fills": fills }));
        }
        body
    }

    /// The order that a request names by number or client id.
    pub(super) fn named(
        &self,
        who: Who,
        params: &Params,
        names: [&str; 2],
    ) -> Result<Option<u64>, ApiError> {
        let market = self.markets.of(who.market);
        let symbol = market.find(params.need("symbol")?).ok_or_else(ApiError::symbol)?;
        let id = symbol.instrument.id;
        let Some(trader) = self.traders.get(who.account) else { return Ok(None) };
        let desk = trader.desks.of(who.market);
        if let Some(number) = params.read::<u64>(names[0])? {
            let own = |order: &&Record| order.wish.instrument == id;
            return Ok(desk.get(number).filter(own).map(|order| order.number));
        }
        match params.get(names[1]) {
            Some(client) => Ok(desk.find_client(id, client)),
            None => Err(ApiError::new(
                -1102,
                format!(
                    "Param '{}' or '{}' must be sent, but both were empty/null!",
                    names[1], names[0]
                ),
            )),
        }
    }

    /// `DELETE order`.
    pub(super) fn cancel(&mut self, who: Who, params: &Params) -> ApiResult {
        let number = self.named(who, params, ["orderId", "origClientOrderId"])?;
        let request = wish::client(params.get("newClientOrderId"))?;
        let number = number.ok_or_else(ApiError::unknown_order)?;
        self.cancel_order(who, number, request)?;
        Ok(self.cancelled(who, number))
    }

    /// Cancels an open order.
    pub(super) fn cancel_order(
        &mut self,
        who: Who,
        number: u64,
        request: Option<String>,
    ) -> Result<(), ApiError> {
        let request = match request {
            Some(request) => request,
            None => self.draw_name(22),
        };
        let now = self.now;
        let trader = self.traders.get_mut(who.account).ok_or_else(ApiError::key)?;
        let desk = trader.desks.of_mut(who.market);
        let order = desk.get_mut(number).filter(|order| order.status.is_open());
        let order = order.ok_or_else(ApiError::unknown_order)?;
        order.request = Some(request);
        order.is_cancelling = true;
        let (order, instrument) = (sim_id(number), order.wish.instrument);
        desk.venue.submit(now, &Command::Cancel { order, instrument });
        self.collect(who.account, who.market);
        let order = self.order(who.account, who.market, number);
        match order.is_some_and(|order| order.status.is_open()) {
            true => Err(ApiError::unknown_order()),
            false => Ok(()),
        }
    }

    /// The answer to a cancel.
    pub(super) fn cancelled(&self, who: Who, number: u64) -> Value {
        let Some(order) = self.order(who.account, who.market, number) else { return json!({}) };
        let symbol = self.markets.of(who.market).name(order.wish.instrument);
        if who.market == BinanceMarket::UsdFutures {
            return Value::Object(order.futures(symbol));
        }
        let mut body = Value::Object(order.spot(symbol));
        add(
            &mut body,
            json!({
                "origClientOrderId": order.client,
                "clientOrderId": order.request,
                "transactTime": self.now.millis(),
            }),
        );
        body
    }

    /// `DELETE openOrders`.
    pub(super) fn cancel_all(&mut self, who: Who, params: &Params) -> ApiResult {
        let market = self.markets.of(who.market);
        let symbol = market.find(params.need("symbol")?).ok_or_else(ApiError::symbol)?;
        let id = symbol.instrument.id;
        let trader = self.traders.get(who.account).ok_or_else(ApiError::key)?;
        let open = trader.desks.of(who.market).open(Some(id));
        let is_regular = |order: &&Record| order.algo.is_none() || order.is_working;
        let numbers: Vec<u64> = open.filter(is_regular).map(|order| order.number).collect();
        if who.market == BinanceMarket::UsdFutures {
            for number in numbers {
                self.cancel_order(who, number, None)?;
            }
            let message = "The operation of cancel all open order is done.";
            return Ok(json!({ "code": 200, "msg": message }));
        }
        if numbers.is_empty() {
            return Err(ApiError::unknown_order());
        }
        let mut rows = Vec::new();
        for number in numbers {
            // The other leg of a list has gone with the first.
            if self.cancel_order(who, number, None).is_ok() {
                rows.push(self.cancelled(who, number));
            }
        }
        Ok(Value::Array(rows))
    }
}

/// What an order is besides what was wished.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    /// The list that it belongs to.
    pub(super) list: Option<u64>,
    /// Its number among conditional orders of futures.
    pub(super) algo: Option<u64>,
    /// What it may cost has been reserved by another order.
    pub(super) is_covered: bool,
}

/// Netting mode alone is traded.
pub(super) fn one_way(params: &Params) -> Result<(), ApiError> {
    match params.get("positionSide") {
        None | Some("BOTH") => Ok(()),
        Some(_) => {
            let message = "Order's position side does not match user's setting.";
            Err(ApiError::new(-4061, message))
        }
    }
}

/// The number of an order as the simulated venue knows it.
pub(super) const fn sim_id(number: u64) -> OrderId {
    OrderId::new(0, SlotId::HOUSE, number)
}

fn command(number: u64, at: Timestamp, wish: &Wish, kind: OrderKind, linkage: Linkage) -> Order {
    let time_in_force = match (wish.kind, wish.lifetime) {
        // What the book does not give at once is not waited for.
        (Kind::Market, _) | (_, Lifetime::Ioc) => TimeInForce::Ioc,
        (_, Lifetime::Fok) => TimeInForce::Fok,
        (_, Lifetime::Gtc | Lifetime::Gtx) => TimeInForce::Gtc,
    };
    let post_only = wish.kind == Kind::LimitMaker || wish.lifetime == Lifetime::Gtx;
    let mut intent =
        Intent::market(SlotId::HOUSE, wish.instrument, wish.side, Qty::new(wish.quantity));
    intent.kind = kind;
    intent.time_in_force = time_in_force;
    intent.flags = OrderFlags { post_only, reduce_only: wish.reduce_only };
    intent.linkage = linkage;
    Order { id: sim_id(number), created_at: at, intent }
}

/// A refusal of the simulated venue in Binance's words.
pub(super) fn refused(market: BinanceMarket, reason: RejectReason) -> ApiError {
    let is_spot = market == BinanceMarket::Spot;
    match reason {
        RejectReason::InsufficientFunds if is_spot => {
            ApiError::new(-2010, "Account has insufficient balance for requested action.")
        }
        RejectReason::InsufficientFunds => ApiError::new(-2019, "Margin is insufficient."),
        RejectReason::WouldTake if is_spot => {
            ApiError::new(-2010, "Order would immediately match and take.")
        }
        RejectReason::WouldTake => ApiError::new(
            -5022,
            "Due to the order could not be executed as maker, the Post Only order will be \
             rejected.",
        ),
        RejectReason::NothingToReduce => ApiError::new(-2022, "ReduceOnly Order is rejected."),
        RejectReason::DuplicateId => duplicate(market),
        RejectReason::NotFound => ApiError::unknown_order(),
        RejectReason::NotTrading => ApiError::new(-1013, "Market is closed."),
        _ => ApiError::new(-2010, "New order rejected."),
    }
}

fn duplicate(market: BinanceMarket) -> ApiError {
    match market {
        BinanceMarket::Spot => ApiError::new(-2010, "Duplicate order sent."),
        BinanceMarket::UsdFutures => ApiError::new(-4116, "ClientOrderId is duplicated."),
    }
}
