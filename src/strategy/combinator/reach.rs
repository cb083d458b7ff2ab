//! Whether a wish would open something: combinators hold back entries, never exits.

use rust_decimal::Decimal;

use crate::strategy::Advised;
use crate::types::{Facts, InstrumentId, Side};

/// The sides on which a wish would open or enlarge a position; empty when it only reduces.
pub(super) fn openings<'a>(
    advised: &'a Advised,
    facts: &'a Facts<'_>,
) -> impl Iterator<Item = Opening> + 'a {
    let single = match advised {
        Advised::Signal(signal) | Advised::Entry { signal, .. } => {
            by_side(signal.instrument, signal.side, facts)
        }
        Advised::Quote { instrument, side, .. } => by_side(*instrument, *side, facts),
        Advised::Target { instrument, quantity, .. }
        | Advised::Execute { instrument, quantity, .. } => {
            by_target(*instrument, quantity.value(), facts)
        }
        Advised::Together(..) | Advised::Pull(_) | Advised::CancelAll | Advised::WakeAt(_) => None,
    };
    let legs = match advised {
        Advised::Together(legs, _) => legs.as_slice(),
        _ => &[],
    };
    let grouped = legs.iter().filter_map(|(id, quantity)| by_target(*id, quantity.value(), facts));
    single.into_iter().chain(grouped)
}

/// A position that would be opened or enlarged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Opening {
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
}

fn by_side(instrument: InstrumentId, side: Side, facts: &Facts<'_>) -> Option<Opening> {
    let reduces = Side::of(facts.position(instrument).quantity) == Some(side.opposite());
    (!reduces).then_some(Opening { instrument, side })
}

fn by_target(instrument: InstrumentId, target: Decimal, facts: &Facts<'_>) -> Option<Opening> {
    let side = Side::of(target)?;
    let position = facts.position(instrument).quantity;
    let reduces = Side::of(position) == Some(side) && target.abs() <= position.abs();
    (!reduces).then_some(Opening { instrument, side })
}
