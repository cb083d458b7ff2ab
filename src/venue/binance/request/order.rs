use super::requests::{about, changed, identify, short_id};
use super::terms::{self, Terms, unsupported};
use super::{Access, Endpoint, Method, Request, RequestError, Requests};
use crate::types::{InstrumentId, Order, OrderId, OrderKind};
use crate::venue::binance::BinanceMarket;
use crate::venue::{OrderChange, Urgency};

/// Where the venue keeps an order. Futures keep those that wait for a trigger apart, and know
/// them by other requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRoute {
    /// Among the orders of the book; on spot those with a trigger, too.
    Book,
    /// Among the conditional orders of futures.
    Conditional,
}

impl OrderRoute {
    /// Where an order of this kind is kept until its trigger is touched.
    ///
    /// ```
    /// use tradewright::types::OrderKind;
    /// use tradewright::venue::binance::{BinanceMarket, OrderRoute};
    ///
    /// let route = OrderRoute::of(BinanceMarket::UsdFutures, OrderKind::Market);
    /// assert_eq!(route, OrderRoute::Book);
    /// ```
    pub const fn of(market: BinanceMarket, kind: OrderKind) -> Self {
        match market {
            BinanceMarket::UsdFutures if terms::is_conditional(kind) => Self::Conditional,
            BinanceMarket::UsdFutures | BinanceMarket::Spot => Self::Book,
        }
    }
}

const SPOT_PLACE: Endpoint = order(Method::Post, "/api/v3/order", "order.place", Urgency::Order);
const PLACE: Endpoint = order(Method::Post, "/fapi/v1/order", "order.place", Urgency::Order);
const PLACE_ALGO: Endpoint =
    order(Method::Post, "/fapi/v1/algoOrder", "algoOrder.place", Urgency::Order);
const SPOT_CANCEL: Endpoint =
    order(Method::Delete, "/api/v3/order", "order.cancel", Urgency::Cancel);
const CANCEL: Endpoint = order(Method::Delete, "/fapi/v1/order", "order.cancel", Urgency::Cancel);
const CANCEL_ALGO: Endpoint =
    order(Method::Delete, "/fapi/v1/algoOrder", "algoOrder.cancel", Urgency::Cancel);
const SPOT_CANCEL_ALL: Endpoint =
    order(Method::Delete, "/api/v3/openOrders", "openOrders.cancelAll", Urgency::Cancel);
const CANCEL_ALL: Endpoint = order(Method::Delete, "/fapi/v1/allOpenOrders", "", Urgency::Cancel);
const CANCEL_ALL_ALGO: Endpoint =
    order(Method::Delete, "/fapi/v1/algoOpenOrders", "", Urgency::Cancel);
const REPLACE: Endpoint =
    order(Method::Post, "/api/v3/order/cancelReplace", "order.cancelReplace", Urgency::Order);
const REDUCE: Endpoint = order(
    Method::Put,
    "/api/v3/order/amend/keepPriority",
    "order.amend.keepPriority",
    Urgency::Order,
);
const MODIFY: Endpoint = order(Method::Put, "/fapi/v1/order", "order.modify", Urgency::Order);
const SPOT_STATUS: Endpoint = order(Method::Get, "/api/v3/order", "order.status", Urgency::Resolve);
const STATUS: Endpoint = order(Method::Get, "/fapi/v1/order", "order.status", Urgency::Resolve);
const STATUS_ALGO: Endpoint = order(Method::Get, "/fapi/v1/algoOrder", "", Urgency::Resolve);

const fn order(
    method: Method,
    path: &'static str,
    call: &'static str,
    urgency: Urgency,
) -> Endpoint {
    Endpoint::new(method, path, call).of(Access::Signed, urgency)
}

const CLIENT: [&str; 2] = ["origClientOrderId", "orderId"];
const CLIENT_ALGO: [&str; 2] = ["clientAlgoId", "algoId"];

impl Requests {
    /// A new order. Futures take those with a trigger as conditional orders
    /// (`/fapi/v1/algoOrder`); `/fapi/v1/order` would refuse them.
    ///
    /// A reduce-only sale on spot is sent as a sale, since spot has no flag for it and sells no
    /// more than there is. A trailing stop of spot follows the market from the start.
    ///
    /// # Errors
    /// [`RequestError`]: off the grid, not known, or not possible here as it is meant.
    pub fn place(&self, order: &Order, out: &mut Request) -> Result<(), RequestError> {
        let (name, instrument) = self.known(order.intent.instrument)?;
        let terms = Terms::of(self.market, order, instrument)?;
        short_id(order.id)?;
        let is_algo = terms.is_conditional && self.market == BinanceMarket::UsdFutures;
        let endpoint = if is_algo { PLACE_ALGO } else { self.either(SPOT_PLACE, PLACE) };
        let params = about(out, endpoint, [self.weight(1, 0), 1], name);
        if is_algo {
            params.text("algoType", "CONDITIONAL");
        }
        terms.write(self.market, params);
        params.display(if is_algo { "clientAlgoId" } else { "newClientOrderId" }, &order.id);
        params.text("newOrderRespType", self.answer.word(self.market));
        Ok(())
    }

    /// The end of an order.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn cancel(
        &self,
        route: OrderRoute,
        instrument: InstrumentId,
        order: OrderId,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        let endpoints = [self.either(SPOT_CANCEL, CANCEL), CANCEL_ALGO];
        self.ask_for(route, (instrument, order), (endpoints, 1), out)
    }

    /// Where an order stands. Sent again and again until the venue has answered, it is how an
    /// unknown outcome becomes known.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn status(
        &self,
        route: OrderRoute,
        instrument: InstrumentId,
        order: OrderId,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        let endpoints = [self.either(SPOT_STATUS, STATUS), STATUS_ALGO];
        self.ask_for(route, (instrument, order), (endpoints, self.weight(4, 1)), out)
    }

    fn ask_for(
        &self,
        route: OrderRoute,
        (instrument, order): (InstrumentId, OrderId),
        ([book, algo], weight): ([Endpoint; 2], u32),
        out: &mut Request,
    ) -> Result<(), RequestError> {
        let name = self.name(instrument)?;
        short_id(order)?;
        match route {
            OrderRoute::Book => identify(order, CLIENT, about(out, book, [weight, 0], name)),
            OrderRoute::Conditional => {
                self.only(BinanceMarket::UsdFutures, "a conditional order kept apart")?;
                // The id alone names it: the venue takes no symbol here.
                identify(order, CLIENT_ALGO, out.fill(algo, weight, 0));
            }
        }
        Ok(())
    }

    /// The end of all orders of an instrument, those of other programs included.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn cancel_all(
        &self,
        route: OrderRoute,
        instrument: InstrumentId,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        let name = self.name(instrument)?;
        let endpoint = match route {
            OrderRoute::Book => self.either(SPOT_CANCEL_ALL, CANCEL_ALL),
            OrderRoute::Conditional => {
                self.only(BinanceMarket::UsdFutures, "a conditional order kept apart")?;
                CANCEL_ALL_ALGO
            }
        };
        about(out, endpoint, [1, 0], name);
        Ok(())
    }

    /// A change of a working order that keeps its id.
    ///
    /// Futures change limit orders, which go to the end of the queue at their price. Spot only
    /// makes an order smaller at the price that it has, and it keeps its place; everything else
    /// is refused here, since the venue would end the order and place another one:
    /// [`Requests::replace`] does that, under the other one's id.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn amend(&self, change: &OrderChange, out: &mut Request) -> Result<(), RequestError> {
        let (id, intent) = (change.order.id, &change.order.intent);
        let (name, instrument) = self.known(intent.instrument)?;
        let quantity = changed("quantity", change.quantity.value(), instrument.step)?;
        let price = changed("price", change.price.value(), instrument.tick)?;
        short_id(id)?;
        match self.market {
            BinanceMarket::Spot => {
                let is_smaller = change.quantity.value() < change.quantity_now.value();
                if !is_smaller || change.price_now != Some(change.price) {
                    let what = "a change other than to a smaller quantity";
                    return Err(unsupported(self.market, what));
                }
                let params = about(out, REDUCE, [4, 0], name);
                identify(id, CLIENT, params);
                // Without it the venue would make up a new one.
                if !is_house(id) {
                    params.display("newClientOrderId", &id);
                }
                params.decimal("newQty", Some(quantity));
            }
            BinanceMarket::UsdFutures => {
                if !matches!(intent.kind, OrderKind::Limit { .. }) {
                    let what = "a change of an order that is no limit order";
                    return Err(unsupported(self.market, what));
                }
                let params = about(out, MODIFY, [1, 1], name);
                identify(id, CLIENT, params);
                params.text("side", terms::side(intent.side));
                if let Some(leg) = terms::position_side(intent.leg) {
                    params.text("positionSide", leg);
                }
                params.decimal("quantity", Some(quantity)).decimal("price", Some(price));
            }
        }
        Ok(())
    }

    /// The end of one order of spot and the beginning of another one, in one request. Nothing is
    /// placed when the first cannot be ended.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn replace(
        &self,
        ended: OrderId,
        order: &Order,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        self.only(BinanceMarket::Spot, "an order instead of another one")?;
        let (name, instrument) = self.known(order.intent.instrument)?;
        let terms = Terms::of(self.market, order, instrument)?;
        short_id(order.id)?;
        short_id(ended)?;
        let params = about(out, REPLACE, [1, 1], name);
        terms.write(self.market, params);
        params.text("cancelReplaceMode", "STOP_ON_FAILURE");
        identify(ended, ["cancelOrigClientOrderId", "cancelOrderId"], params);
        params.display("newClientOrderId", &order.id);
        params.text("newOrderRespType", self.answer.word(self.market));
        Ok(())
    }
}

const fn is_house(order: OrderId) -> bool {
    order.epoch() == 0 && order.slot().0 == 0
}
