use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::sizing::notional;
use crate::risk::{OrderGate, Refusal};
use crate::types::{
    Amount, Facts, Instrument, Intent, Offset, Order, OrderKind, Price, ReasonCode, TimeInForce,
    small,
};

/// Refuses what every venue would refuse: prices off the tick, quantities off the step or below
/// the minima, impossible combinations. It is a validity control and applies to reducing
/// orders too; only orders marked reduce-only are free of the minimum value, as on the venues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridGate;

impl OrderGate for GridGate {
    fn name(&self) -> &'static str {
        "grid"
    }

    fn check(&self, order: &Order, facts: &Facts<'_>) -> Result<(), Refusal> {
        let intent = &order.intent;
        let refused = |code| Refusal::new(code, f64::NAN, f64::NAN);
        let instrument = facts.instruments.get(intent.instrument);
        let instrument = instrument.ok_or(refused(ReasonCode::UnknownInstrument))?;
        let is_valid = has_legal_flags(intent)
            && prices_fit(intent, instrument)
            && amount_fits(intent, instrument, facts);
        if is_valid { Ok(()) } else { Err(refused(ReasonCode::InvalidOrder)) }
    }
}

/// Only a limit order can promise not to take liquidity, and not one that must fill at once.
fn has_legal_flags(intent: &Intent) -> bool {
    let fills_at_once = matches!(intent.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
    let rests = matches!(intent.kind, OrderKind::Limit { .. }) && !fills_at_once;
    !intent.flags.post_only || rests
}

fn prices_fit(intent: &Intent, instrument: &Instrument) -> bool {
    let fits = |price: Price| instrument.is_on_tick(price.value());
    let own = match intent.kind {
        OrderKind::Market => true,
        OrderKind::Limit { price } => fits(price),
        OrderKind::StopMarket { trigger } | OrderKind::TakeProfit { trigger } => fits(trigger),
        OrderKind::StopLimit { trigger, price } => fits(trigger) && fits(price),
        OrderKind::TrailingStop { offset: Offset::Price(distance) } => fits(distance),
        OrderKind::TrailingStop { offset: Offset::BasisPoints(points) } => {
            (1..=9_999).contains(&points)
        }
    };
    let exits = intent.bracket.map(|bracket| [bracket.take_profit, bracket.stop_loss]);
    own && exits.into_iter().flatten().flatten().all(fits)
}

fn amount_fits(intent: &Intent, instrument: &Instrument, facts: &Facts<'_>) -> bool {
    match intent.amount {
        Amount::Cash(money) => {
            intent.kind == OrderKind::Market
                && money.asset == instrument.quote
                && money.amount > Decimal::ZERO
                && money.amount >= instrument.min_notional
        }
        Amount::Quantity(quantity) => {
            let quantity = quantity.value();
            small::is_above_zero(quantity)
                && (instrument.min_quantity.is_zero() || quantity >= instrument.min_quantity)
                && instrument.is_on_step(quantity)
                && value_fits(intent, quantity, instrument, facts)
        }
    }
}

fn value_fits(
    intent: &Intent,
    quantity: Decimal,
    instrument: &Instrument,
    facts: &Facts<'_>,
) -> bool {
    if instrument.min_notional.is_zero() || intent.flags.reduce_only {
        return true;
    }
    let own = intent.kind.limit().or(intent.kind.trigger()).map(Price::value);
    let reference =
        if intent.reference > 0.0 { Some(intent.reference) } else { facts.mark(intent.instrument) };
    let price = own.or_else(|| instrument.price_grid.nearest(reference?));
    let value = price.and_then(|price| notional(instrument, quantity, price));
    value.is_some_and(|value| value >= instrument.min_notional)
}
