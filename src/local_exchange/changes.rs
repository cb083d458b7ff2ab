//! Changes of orders that work: replaced or amended.

use rust_decimal::Decimal;
use serde_json::json;

use super::calls::Who;
use super::error::{ApiError, ApiResult};
use super::number::text;
use super::order::side_word;
use super::orders::{refused, sim_id};
use super::params::Params;
use super::state::ExchangeState;
use super::wish;
use crate::engine::Command;
use crate::types::{Linkage, Price, Qty};

impl ExchangeState {
    /// `POST order/cancelReplace`.
    pub(super) fn cancel_replace(&mut self, who: Who, params: &Params) -> ApiResult {
        let mode = params.need("cancelReplaceMode")?.to_owned();
        if !matches!(mode.as_str(), "STOP_ON_FAILURE" | "ALLOW_FAILURE") {
            return Err(ApiError::missing("cancelReplaceMode"));
        }
        let number = self.named(who, params, ["cancelOrderId", "cancelOrigClientOrderId"])?;
        let request = wish::client(params.get("cancelNewClientOrderId"))?;
        let wish = wish::read(self.markets.of(who.market), params)?;
        let kind = params.get("newOrderRespType").unwrap_or("FULL").to_owned();
        let cancelled = match number {
            Some(number) => {
                self.cancel_order(who, number, request).map(|()| self.cancelled(who, number))
            }
            None => Err(ApiError::unknown_order()),
        };
        if cancelled.is_err() && mode == "STOP_ON_FAILURE" {
            return Err(half_done(&cancelled, None));
        }
        let placed = self.submit(who, wish, Linkage::None, None);
        let placed = placed.map(|number| self.placed(who, number, &kind));
        match (&cancelled, &placed) {
            (Ok(cancel), Ok(order)) => Ok(json!({
                "cancelResult": "SUCCESS",
                "newOrderResult": "SUCCESS",
                "cancelResponse": cancel,
                "newOrderResponse": order,
            })),
            (_, _) => Err(half_done(&cancelled, Some(&placed))),
        }
    }

    /// `PUT order/amend/keepPriority` of spot: a smaller quantity.
    pub(super) fn amend_keep_priority(&mut self, who: Who, params: &Params) -> ApiResult {
        let number = self.named(who, params, ["orderId", "origClientOrderId"])?;
        let quantity = params.need_decimal("newQty")?;
        let request = wish::client(params.get("newClientOrderId"))?;
        let number = number.ok_or_else(ApiError::no_such_order)?;
        let order = self.order(who.account, who.market, number);
        let order = order.filter(|order| order.status.is_open());
        let order = order.ok_or_else(ApiError::no_such_order)?;
        let client = order.client.clone();
        if quantity >= order.quantity || quantity <= order.executed {
            let message = "Order amend (quantity increase) is not supported.";
            return Err(ApiError::new(-2038, message));
        }
        let price = order.price;
        let request = match request {
            Some(request) => request,
            None => self.draw_name(22),
        };
        self.amend(who, number, (quantity, price), Some(request.clone()))?;
        let order = self.order(who.account, who.market, number);
        let order = order.ok_or_else(ApiError::no_such_order)?;
        let symbol = self.markets.of(who.market).name(order.wish.instrument);
        Ok(json!({
            "transactTime": self.now.millis(),
            "executionId": self.executions,
            "amendedOrder": {
                "symbol": symbol,
                "orderId": order.number,
                "orderListId": order.list_id(),
                "origClientOrderId": client,
                "clientOrderId": request,
                "price": text(order.price),
                "qty": text(order.quantity),
                "executedQty": text(order.executed),
                "preventedQty": "0.00000000",
                "quoteOrderQty": text(order.wish.quote),
                "cumulativeQuoteQty": text(order.value),
                "status": order.status.word(),
                "timeInForce": order.wish.lifetime.word(),
                "type": order.wish.kind.word(),
                "side": side_word(order.wish.side),
                "workingTime": order.created.millis(),
                "selfTradePreventionMode": "NONE",
            },
        }))
    }

    /// Changes quantity and price of an open order.
    pub(super) fn amend(
        &mut self,
        who: Who,
        number: u64,
        (quantity, price): (Decimal, Decimal),
        request: Option<String>,
    ) -> Result<(), ApiError> {
        let now = self.now;
        let trader = self.traders.get_mut(who.account).ok_or_else(ApiError::key)?;
        let desk = trader.desks.of_mut(who.market);
        let order = desk.get_mut(number).ok_or_else(ApiError::no_such_order)?;
        order.request = request.clone();
        order.refusal = None;
        let instrument = order.wish.instrument;
        let price = Price::new(if price.is_zero() { order.wish.trigger } else { price })
            .map_err(|_| ApiError::missing("price"))?;
        desk.venue.submit(
            now,
            &Command::Amend {
                order: sim_id(number),
                instrument,
                quantity: Qty::new(quantity),
                price,
            },
        );
        self.collect(who.account, who.market);
        if let Some(trader) = self.traders.get_mut(who.account)
            && let Some(order) = trader.desks.of_mut(who.market).get_mut(number)
        {
            order.request = None;
            if let Some(reason) = order.refusal.take() {
                return Err(refused(who.market, reason));
            }
            if let Some(request) = request {
                order.client = request;
            }
        }
        self.match_book(who.account, who.market, instrument);
        Ok(())
    }
}

/// A replacement of which a half has failed, or both.
fn half_done(cancelled: &ApiResult, placed: Option<&ApiResult>) -> ApiError {
    let word = |result: &ApiResult| if result.is_ok() { "SUCCESS" } else { "FAILURE" };
    let body = |result: &ApiResult| match result {
        Ok(value) => value.clone(),
        Err(error) => error.body(),
    };
    let is_partial = cancelled.is_ok() || placed.is_some_and(Result::is_ok);
    let data = json!({
        "cancelResult": word(cancelled),
        "newOrderResult": placed.map_or("NOT_ATTEMPTED", word),
        "cancelResponse": body(cancelled),
        "newOrderResponse": placed.map(body),
    });
    let (status, code, message) = match is_partial {
        true => (409, -2021, "Order cancel-replace partially failed."),
        false => (400, -2022, "Order cancel-replace failed."),
    };
    let mut error = ApiError::new(code, message).with_status(status);
    error.data = Some(data);
    error
}
