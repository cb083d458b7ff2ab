use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{
    Amount, Instrument, Instruments, Intent, Leg, Offset, Order, OrderKind, Price, Purpose, Side,
    TimeInForce, to_f64,
};

/// What an order breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Violation {
    /// The instrument is not in the table.
    UnknownSymbol,
    /// A reduce-only order on the side that opens its leg.
    WrongSide,
    /// The quantity or cash amount is not above zero.
    QuantityNotPositive,
    /// The quantity is off the step.
    QuantityOffStep,
    /// The quantity is below the minimum.
    BelowMinQuantity,
    /// A price or trigger is off the tick.
    PriceOffTick,
    /// The order's value is below the minimum.
    BelowMinNotional,
    /// The time in force does not go with the kind of order, or is over.
    WrongTimeInForce,
    /// Post-only on an order that does not rest.
    CannotRest,
    /// Take-profit on the losing side of the entry, or at it.
    TakeProfitSide,
    /// Stop-loss on the winning side of the entry, or at it.
    StopLossSide,
    /// A trigger or exit that the market has passed already.
    CrossedWithMarket,
}

impl Violation {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownSymbol => "unknown_symbol",
            Self::WrongSide => "wrong_side",
            Self::QuantityNotPositive => "quantity_not_positive",
            Self::QuantityOffStep => "quantity_off_step",
            Self::BelowMinQuantity => "below_min_quantity",
            Self::PriceOffTick => "price_off_tick",
            Self::BelowMinNotional => "below_min_notional",
            Self::WrongTimeInForce => "wrong_time_in_force",
            Self::CannotRest => "cannot_rest",
            Self::TakeProfitSide => "take_profit_side",
            Self::StopLossSide => "stop_loss_side",
            Self::CrossedWithMarket => "crossed_with_market",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// Everything that an order breaks, before it is sent. `mark` is the market's price, where it is
/// known: what would trade at once is held against it.
///
/// A long entry has its stop below and its target above the entry's price; a short one the
/// other way round. The entry's price is its limit, its trigger, its reference or the mark.
///
/// ```
/// use tradewright::order::audit::{Violation, violations};
/// use tradewright::types::{
///     Bracket, Decimal, Instrument, Instruments, Intent, Order, OrderId, Price, Side, SlotId,
///     Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let spy = table.add(Instrument::stock("SPY", "USD"))?;
/// let mut intent = Intent::market(SlotId(1), spy, Side::Buy, 10.into());
/// let price = |number: i64| Price::new(Decimal::from(number)).ok();
/// intent.bracket = Some(Bracket { take_profit: price(90), stop_loss: price(95) });
/// let order = Order { id: OrderId::new(1, SlotId(1), 1), created_at: Timestamp::EPOCH, intent };
/// let found = violations(&order, &table, Some(100.0));
/// assert_eq!(found, [Violation::TakeProfitSide, Violation::CrossedWithMarket]);
/// # Ok::<(), tradewright::types::InstrumentError>(())
/// ```
pub fn violations(order: &Order, instruments: &Instruments, mark: Option<f64>) -> Vec<Violation> {
    let intent = &order.intent;
    let Some(instrument) = instruments.get(intent.instrument) else {
        return vec![Violation::UnknownSymbol];
    };
    let mut found = Vec::new();
    let mut check = |is_broken: bool, violation: Violation| {
        if is_broken {
            found.push(violation);
        }
    };
    check(opens_its_leg(intent), Violation::WrongSide);
    let quantity = match intent.amount {
        Amount::Quantity(quantity) => quantity.value(),
        Amount::Cash(money) => money.amount,
    };
    check(quantity <= Decimal::ZERO, Violation::QuantityNotPositive);
    if let Amount::Quantity(quantity) = intent.amount {
        let quantity = quantity.value();
        check(!instrument.is_on_step(quantity), Violation::QuantityOffStep);
        check(quantity < instrument.min_quantity, Violation::BelowMinQuantity);
    }
    check(!prices_are_on_tick(intent, instrument), Violation::PriceOffTick);
    check(is_too_small(intent, instrument, mark), Violation::BelowMinNotional);
    check(!time_in_force_fits(order), Violation::WrongTimeInForce);
    check(!may_rest(intent), Violation::CannotRest);
    let entry = entry_price(intent, mark);
    let exits =
        intent.bracket.unwrap_or(crate::types::Bracket { take_profit: None, stop_loss: None });
    let wins = |price: Price, than: f64| match intent.side {
        Side::Buy => price.to_f64() > than,
        Side::Sell => price.to_f64() < than,
    };
    let loses = |price: Price, than: f64| match intent.side {
        Side::Buy => price.to_f64() < than,
        Side::Sell => price.to_f64() > than,
    };
    check(exits.take_profit.is_some_and(|price| !wins(price, entry)), Violation::TakeProfitSide);
    check(exits.stop_loss.is_some_and(|price| !loses(price, entry)), Violation::StopLossSide);
    let is_crossed = mark.is_some_and(|mark| {
        let exits_cross = intent.kind == OrderKind::Market
            && (exits.take_profit.is_some_and(|price| !wins(price, mark))
                || exits.stop_loss.is_some_and(|price| !loses(price, mark)));
        exits_cross || trigger_is_crossed(intent, mark)
    });
    check(is_crossed, Violation::CrossedWithMarket);
    found
}

/// In hedge mode the leg and the side say whether an order opens.
const fn opens_its_leg(intent: &Intent) -> bool {
    let opens =
        matches!((intent.leg, intent.side), (Leg::Long, Side::Buy) | (Leg::Short, Side::Sell));
    opens && intent.flags.reduce_only
}

fn prices_are_on_tick(intent: &Intent, instrument: &Instrument) -> bool {
    let fits = |price: Price| instrument.is_on_tick(price.value());
    let exits = intent.bracket.map(|bracket| [bracket.take_profit, bracket.stop_loss]);
    let offset = match intent.kind {
        OrderKind::TrailingStop { offset: Offset::Price(distance) } => Some(distance),
        OrderKind::TrailingStop { offset: Offset::BasisPoints(_) }
        | OrderKind::Market
        | OrderKind::Limit { .. }
        | OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfit { .. } => None,
    };
    let own = [intent.kind.limit(), intent.kind.trigger(), offset];
    own.into_iter().chain(exits.into_iter().flatten()).flatten().all(fits)
}

fn is_too_small(intent: &Intent, instrument: &Instrument, mark: Option<f64>) -> bool {
    if instrument.min_notional.is_zero() || intent.flags.reduce_only {
        return false;
    }
    let quantity = match intent.amount {
        Amount::Quantity(quantity) => quantity.to_f64(),
        Amount::Cash(money) => return money.amount < instrument.min_notional,
    };
    let units = quantity * to_f64(instrument.multiplier);
    let price = entry_price(intent, mark);
    let value = if instrument.kind.is_inverse() { units } else { units * price };
    // A value that is not known is too small.
    !(value >= to_f64(instrument.min_notional) * (1.0 - 1e-12))
}

/// What waits for a trigger cannot have to fill at once, and no order lives in the past.
fn time_in_force_fits(order: &Order) -> bool {
    let waits = match order.intent.kind {
        OrderKind::Market | OrderKind::Limit { .. } => false,
        OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfit { .. }
        | OrderKind::TrailingStop { .. } => true,
    };
    match order.intent.time_in_force {
        TimeInForce::Gtc | TimeInForce::Day => true,
        TimeInForce::Ioc | TimeInForce::Fok => !waits,
        TimeInForce::Gtd(until) => until > order.created_at,
    }
}

fn may_rest(intent: &Intent) -> bool {
    let fills_at_once = matches!(intent.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
    let rests = matches!(intent.kind, OrderKind::Limit { .. }) && !fills_at_once;
    !intent.flags.post_only || rests
}

fn entry_price(intent: &Intent, mark: Option<f64>) -> f64 {
    let own = intent.valuation_price();
    if own > 0.0 { own } else { mark.unwrap_or(f64::NAN) }
}

/// An entry that waits for a trigger which the market has passed: it would trade at once. Exits
/// are free of this: a stop that is late has to trade at once.
fn trigger_is_crossed(intent: &Intent, mark: f64) -> bool {
    if intent.purpose != Purpose::Entry {
        return false;
    }
    let above = |trigger: Price| trigger.to_f64() > mark;
    let below = |trigger: Price| trigger.to_f64() < mark;
    match (intent.kind, intent.side) {
        (OrderKind::StopMarket { trigger } | OrderKind::StopLimit { trigger, .. }, Side::Buy)
        | (OrderKind::TakeProfit { trigger }, Side::Sell) => !above(trigger),
        (OrderKind::StopMarket { trigger } | OrderKind::StopLimit { trigger, .. }, Side::Sell)
        | (OrderKind::TakeProfit { trigger }, Side::Buy) => !below(trigger),
        (OrderKind::Market | OrderKind::Limit { .. } | OrderKind::TrailingStop { .. }, _) => false,
    }
}
