use rust_decimal::Decimal;

use super::{InFlight, OrderState, Reserved};
use crate::types::{Amount, Grid, InstrumentId, Intent, Linkage, Side, SlotId};

/// Decimals of an estimated quantity.
const ESTIMATE_DIGITS: u32 = 12;

/// What the live orders of one slot in one instrument would add if they filled.
///
/// A sum beyond 28 digits becomes the largest number there is, which no limit lets pass.
pub(super) fn reserved(live: &[OrderState], slot: SlotId, instrument: InstrumentId) -> Reserved {
    let own = |state: &&OrderState| {
        state.order.intent.slot == slot && state.order.intent.instrument == instrument
    };
    let mut sum = Reserved::default();
    for state in live.iter().filter(own) {
        sum.orders = sum.orders.saturating_add(1);
        // What replaces an exit that is being cancelled takes its place.
        if state.in_flight == InFlight::Cancel && state.order.intent.flags.reduce_only {
            continue;
        }
        let unfilled = unfilled(state);
        if is_covered(state, unfilled, live.iter().filter(own)) {
            continue;
        }
        let side = match state.order.intent.side {
            Side::Buy => &mut sum.buy,
            Side::Sell => &mut sum.sell,
        };
        *side = if side.is_zero() {
            unfilled
        } else {
            side.checked_add(unfilled).unwrap_or(Decimal::MAX)
        };
    }
    sum
}

/// True when another order of the same group and side stands for this one: the largest, and
/// of equal ones the first.
fn is_covered<'a>(
    state: &OrderState,
    unfilled: Decimal,
    own: impl Iterator<Item = &'a OrderState>,
) -> bool {
    let Linkage::OneCancelsOther(group) = state.order.intent.linkage else {
        return false;
    };
    // A group is numbered within its run.
    let is_sibling = |other: &&OrderState| {
        other.order.intent.linkage == Linkage::OneCancelsOther(group)
            && other.order.id.epoch() == state.order.id.epoch()
            && other.order.intent.side == state.order.intent.side
            && other.order.id != state.order.id
    };
    own.filter(is_sibling).any(|other| {
        let theirs = self::unfilled(other);
        theirs > unfilled || (theirs == unfilled && other.order.id < state.order.id)
    })
}

/// What is still to be filled. A cash amount that is not resolved is estimated as cash over
/// the price that values the intent, for a contract of one unit, to 12 decimals: the step and
/// the multiplier are not known here.
fn unfilled(state: &OrderState) -> Decimal {
    match (state.quantity, state.order.intent.amount) {
        (Some(_), _) | (None, Amount::Quantity(_)) => state.remaining(),
        (None, Amount::Cash(money)) => estimated(state, money.amount),
    }
}

#[inline(never)]
fn estimated(state: &OrderState, cash: Decimal) -> Decimal {
    valuation(&state.order.intent)
        .and_then(|price| cash.checked_div(price))
        .and_then(|estimate| estimate.round_dp(ESTIMATE_DIGITS).checked_sub(state.filled))
        .map_or(Decimal::MAX, |rest| rest.max(Decimal::ZERO))
}

/// The price that values an intent, as a decimal above zero.
pub(super) fn valuation(intent: &Intent) -> Option<Decimal> {
    let price = match intent.kind.limit().or(intent.kind.trigger()) {
        Some(price) => price.value(),
        None => Grid::recover(intent.reference)?,
    };
    (price > Decimal::ZERO).then_some(price)
}
