use rust_decimal::Decimal;

use super::RequestError;
use super::params::Params;
use crate::types::{
    Amount, Instrument, Leg, Offset, Order, OrderKind, Side, TimeInForce, Timestamp,
};
use crate::venue::binance::BinanceMarket;

/// An order in the venue's words, after every check: writing it cannot fail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    kind: &'static str,
    pub(super) is_conditional: bool,
    side: Side,
    time_in_force: Option<&'static str>,
    good_till: Option<Timestamp>,
    quantity: Option<Decimal>,
    cash: Option<Decimal>,
    price: Option<Decimal>,
    trigger: Option<Decimal>,
    /// Basis points.
    trailing: Option<u16>,
    leg: Leg,
    is_reduce_only: bool,
}

impl Terms {
    pub(super) fn of(
        market: BinanceMarket,
        order: &Order,
        instrument: &Instrument,
    ) -> Result<Self, RequestError> {
        let intent = &order.intent;
        let (quantity, cash) = amount(market, order, instrument)?;
        let mut terms = Self {
            kind: kind(market, intent.kind),
            is_conditional: is_conditional(intent.kind),
            side: intent.side,
            time_in_force: None,
            good_till: None,
            quantity,
            cash,
            price: intent.kind.limit().map(crate::types::Price::value),
            trigger: intent.kind.trigger().map(crate::types::Price::value),
            trailing: trailing(market, intent.kind)?,
            leg: intent.leg,
            is_reduce_only: is_reduce_only(market, order)?,
        };
        for (what, price) in [("price", terms.price), ("trigger", terms.trigger)] {
            price.map_or(Ok(()), |value| on_grid(what, value, instrument.tick))?;
        }
        match market {
            BinanceMarket::Spot => terms.spot_time(intent.time_in_force, intent.flags.post_only)?,
            BinanceMarket::UsdFutures => {
                terms.futures_time(intent.time_in_force, intent.flags.post_only)?;
            }
        }
        Ok(terms)
    }

    fn spot_time(&mut self, time: TimeInForce, post_only: bool) -> Result<(), RequestError> {
        let unsupported = |what| Err(unsupported(BinanceMarket::Spot, what));
        if self.price.is_none() {
            return self.market_time(BinanceMarket::Spot, time, post_only);
        }
        if post_only {
            if self.is_conditional || time != TimeInForce::Gtc {
                return unsupported("a post-only order with a trigger or an end");
            }
            // It rests until it is cancelled, and has no time in force.
            self.kind = "LIMIT_MAKER";
            return Ok(());
        }
        self.time_in_force = Some(match time {
            TimeInForce::Gtc => "GTC",
            TimeInForce::Ioc => "IOC",
            TimeInForce::Fok => "FOK",
            TimeInForce::Gtd(_) => return unsupported("an order until a time"),
            TimeInForce::Day => return unsupported("an order until the end of the day"),
        });
        Ok(())
    }

    fn futures_time(&mut self, time: TimeInForce, post_only: bool) -> Result<(), RequestError> {
        let unsupported = |what| Err(unsupported(BinanceMarket::UsdFutures, what));
        if self.price.is_none() {
            return self.market_time(BinanceMarket::UsdFutures, time, post_only);
        }
        self.time_in_force = Some(match (time, post_only) {
            (TimeInForce::Gtc, true) => "GTX",
            (_, true) => return unsupported("a post-only order with an end"),
            (TimeInForce::Gtc, false) => "GTC",
            (TimeInForce::Ioc, false) => "IOC",
            (TimeInForce::Fok, false) => "FOK",
            (TimeInForce::Gtd(end), false) => {
                self.good_till = Some(end);
                "GTD"
            }
            (TimeInForce::Day, false) => return unsupported("an order until the end of the day"),
        });
        Ok(())
    }

    /// What is executed at once needs no end; all or nothing is a promise, though.
    fn market_time(
        &self,
        market: BinanceMarket,
        time: TimeInForce,
        post_only: bool,
    ) -> Result<(), RequestError> {
        if post_only {
            return Err(unsupported(market, "a post-only order without a limit"));
        }
        match time {
            TimeInForce::Gtc | TimeInForce::Ioc => Ok(()),
            TimeInForce::Fok => Err(unsupported(market, "all or nothing without a limit")),
            // A stop would outlive its end.
            TimeInForce::Gtd(_) | TimeInForce::Day if self.is_conditional => {
                Err(unsupported(market, "a stop with an end"))
            }
            TimeInForce::Gtd(_) | TimeInForce::Day => Ok(()),
        }
    }

    /// The parameters that are the same everywhere, after the symbol.
    pub(super) fn write(&self, market: BinanceMarket, params: &mut Params) {
        params.text("side", side(self.side));
        if let Some(leg) = position_side(self.leg) {
            params.text("positionSide", leg);
        }
        params.text("type", self.kind);
        if let Some(word) = self.time_in_force {
            params.text("timeInForce", word);
        }
        params.decimal("quantity", self.quantity);
        params.decimal("quoteOrderQty", self.cash);
        params.decimal("price", self.price);
        let is_algo = self.is_conditional && market == BinanceMarket::UsdFutures;
        params.decimal(if is_algo { "triggerPrice" } else { "stopPrice" }, self.trigger);
        match self.trailing {
            Some(points) if is_algo => {
                params.decimal("callbackRate", Some(Decimal::new(points.into(), 2)));
            }
            Some(points) => {
                params.number("trailingDelta", points);
            }
            None => {}
        }
        if self.is_reduce_only {
            params.text("reduceOnly", "true");
        }
        if let Some(end) = self.good_till {
            params.time("goodTillDate", end);
        }
    }
}

/// True for orders that wait for a trigger.
pub(super) const fn is_conditional(kind: OrderKind) -> bool {
    match kind {
        OrderKind::Market | OrderKind::Limit { .. } => false,
        OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfit { .. }
        | OrderKind::TrailingStop { .. } => true,
    }
}

pub(super) const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// The position of hedge mode; one-way mode sends none.
pub(super) const fn position_side(leg: Leg) -> Option<&'static str> {
    match leg {
        Leg::Net => None,
        Leg::Long => Some("LONG"),
        Leg::Short => Some("SHORT"),
    }
}

pub(super) fn on_grid(
    what: &'static str,
    value: Decimal,
    step: Decimal,
) -> Result<(), RequestError> {
    let rest = value.checked_rem(step);
    match rest {
        Some(rest) if rest.is_zero() && value > Decimal::ZERO => Ok(()),
        Some(_) | None => Err(RequestError::OffGrid { what, value, step }),
    }
}

pub(super) const fn unsupported(market: BinanceMarket, what: &'static str) -> RequestError {
    RequestError::Unsupported { market, what }
}

const fn kind(market: BinanceMarket, kind: OrderKind) -> &'static str {
    match (market, kind) {
        (_, OrderKind::Market) => "MARKET",
        (_, OrderKind::Limit { .. }) => "LIMIT",
        // A trailing stop of spot is a stop with a distance.
        (BinanceMarket::Spot, OrderKind::StopMarket { .. } | OrderKind::TrailingStop { .. }) => {
            "STOP_LOSS"
        }
        (BinanceMarket::Spot, OrderKind::StopLimit { .. }) => "STOP_LOSS_LIMIT",
        (BinanceMarket::Spot, OrderKind::TakeProfit { .. }) => "TAKE_PROFIT",
        (BinanceMarket::UsdFutures, OrderKind::StopMarket { .. }) => "STOP_MARKET",
        (BinanceMarket::UsdFutures, OrderKind::StopLimit { .. }) => "STOP",
        (BinanceMarket::UsdFutures, OrderKind::TakeProfit { .. }) => "TAKE_PROFIT_MARKET",
        (BinanceMarket::UsdFutures, OrderKind::TrailingStop { .. }) => "TRAILING_STOP_MARKET",
    }
}

/// Units or cash; cash buys and sells at the market of spot alone.
fn amount(
    market: BinanceMarket,
    order: &Order,
    instrument: &Instrument,
) -> Result<(Option<Decimal>, Option<Decimal>), RequestError> {
    match order.intent.amount {
        Amount::Quantity(quantity) => {
            on_grid("quantity", quantity.value(), instrument.step)?;
            Ok((Some(quantity.value()), None))
        }
        Amount::Cash(money) => {
            let is_market = market == BinanceMarket::Spot && order.intent.kind == OrderKind::Market;
            if !is_market || money.asset != instrument.quote || money.amount <= Decimal::ZERO {
                return Err(unsupported(market, "this order for an amount of cash"));
            }
            Ok((None, Some(money.amount)))
        }
    }
}

/// A distance in basis points: the venue has no other. Spot takes the range of a symbol's filter
/// `TRAILING_DELTA`, futures 0.1 to 10 per cent.
fn trailing(market: BinanceMarket, kind: OrderKind) -> Result<Option<u16>, RequestError> {
    match (kind, market) {
        (OrderKind::TrailingStop { offset: Offset::Price(_) }, _) => {
            Err(unsupported(market, "a trailing stop at a distance in the quote currency"))
        }
        (
            OrderKind::TrailingStop { offset: Offset::BasisPoints(points) },
            BinanceMarket::UsdFutures,
        ) => {
            if !(10..=1_000).contains(&points) {
                let (what, value) = ("the distance of a trailing stop", i64::from(points));
                return Err(RequestError::OutOfRange { what, value, least: 10, most: 1_000 });
            }
            Ok(Some(points))
        }
        (OrderKind::TrailingStop { offset: Offset::BasisPoints(points) }, BinanceMarket::Spot) => {
            Ok(Some(points))
        }
        (
            OrderKind::Market
            | OrderKind::Limit { .. }
            | OrderKind::StopMarket { .. }
            | OrderKind::StopLimit { .. }
            | OrderKind::TakeProfit { .. },
            _,
        ) => Ok(None),
    }
}

/// Whether the flag is sent. A sale on spot cannot sell what is not there, and an order for one
/// leg that is against it can only reduce it: both need no flag, and may not have one.
fn is_reduce_only(market: BinanceMarket, order: &Order) -> Result<bool, RequestError> {
    let intent = &order.intent;
    if market == BinanceMarket::Spot && intent.leg != Leg::Net {
        return Err(unsupported(market, "a position of hedge mode"));
    }
    if !intent.flags.reduce_only {
        return Ok(false);
    }
    match (market, intent.leg, intent.side) {
        (BinanceMarket::Spot, _, Side::Sell)
        | (BinanceMarket::UsdFutures, Leg::Long, Side::Sell)
        | (BinanceMarket::UsdFutures, Leg::Short, Side::Buy) => Ok(false),
        (BinanceMarket::UsdFutures, Leg::Net, _) => Ok(true),
        (BinanceMarket::Spot, _, Side::Buy)
        | (BinanceMarket::UsdFutures, Leg::Long, Side::Buy)
        | (BinanceMarket::UsdFutures, Leg::Short, Side::Sell) => {
            Err(unsupported(market, "a reduce-only order that would enlarge"))
        }
    }
}
