//! Where a stop's level lies on the venue's ticks.

use crate::types::{Instrument, PositionFacts, Price, Side, to_f64};

/// The level on the instrument's tick, rounded away from the price so that it never lies
/// nearer than the plan says, but never further away than what was asked for before.
pub(super) fn trigger_at(
    instrument: &Instrument,
    level: f64,
    before: Option<Price>,
    position: PositionFacts,
) -> Option<Price> {
    let (tick, is_long) = (instrument.tick, position.is_long());
    let exact = instrument.price_grid.nearest(level)?;
    let rest = exact.checked_rem(tick)?;
    let floor = exact.checked_sub(rest)?;
    let mut trigger = if is_long || rest.is_zero() { floor } else { floor.checked_add(tick)? };
    let Some(before) = before else {
        // The first stop is on the losing side of the entry, however near.
        let entry = position.average;
        if is_long && to_f64(trigger) >= entry {
            trigger = trigger.checked_sub(tick)?;
        } else if !is_long && to_f64(trigger) <= entry {
            trigger = trigger.checked_add(tick)?;
        }
        return Price::new(trigger.normalize()).ok();
    };
    let wanted = Price::new(trigger.normalize()).ok()?;
    Some(if is_long { wanted.max(before) } else { wanted.min(before) })
}

/// True when the price has reached the trigger of a position on this side.
pub(super) fn is_behind(price: f64, trigger: Price, side: Side) -> bool {
    match side {
        Side::Buy => price <= trigger.to_f64(),
        Side::Sell => price >= trigger.to_f64(),
    }
}
