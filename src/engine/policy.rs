use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{PositionFacts, Side};

/// What a signal means in the position that the strategy has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// BUY while flat opens, SELL while long closes, others are ignored.
    #[default]
    LongFlat,
    /// BUY while flat opens long, SELL while flat opens short; the opposite signal closes.
    LongShort,
    /// As [`Policy::LongShort`], but the opposite signal closes and opens the other way.
    Reverse,
    /// As [`Policy::LongShort`], and repeated signals add, up to so many entries.
    Pyramid(u32),
}

/// What a policy makes of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing to do.
    Pass,
    /// Open or add in the signal's direction.
    Open,
    /// Close this quantity (above zero).
    Close(Decimal),
    /// Close this quantity and open in the signal's direction.
    Reverse(Decimal),
}

impl Policy {
    /// The action on a signal, given the own position, its working orders and the entries made
    /// since it was flat.
    pub(super) fn decide(self, side: Side, position: &PositionFacts, entries: u32) -> Action {
        let held = position.quantity;
        let waiting = !position.working(side).is_zero();
        match Side::of(held) {
            None if waiting => Action::Pass,
            None => self.while_flat(side),
            Some(own) if own == side => match self {
                Self::Pyramid(most) if entries < most && !waiting => Action::Open,
                Self::Pyramid(_) | Self::LongFlat | Self::LongShort | Self::Reverse => Action::Pass,
            },
            Some(_) => match self {
                Self::Reverse => Action::Reverse(held.abs()),
                Self::LongFlat | Self::LongShort | Self::Pyramid(_) => Action::Close(held.abs()),
            },
        }
    }

    const fn while_flat(self, side: Side) -> Action {
        match (self, side) {
            (Self::LongFlat, Side::Sell) | (Self::Pyramid(0), _) => Action::Pass,
            (Self::LongFlat, Side::Buy)
            | (Self::LongShort | Self::Reverse | Self::Pyramid(_), _) => Action::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(quantity: i64) -> PositionFacts {
        PositionFacts { quantity: Decimal::from(quantity), ..PositionFacts::FLAT }
    }

    /// The whole table of policies, positions and sides.
    #[test]
    fn every_policy_in_every_position() {
        use Action::{Close, Open, Pass, Reverse};
        let ten = Decimal::TEN;
        let table = [
            (Policy::LongFlat, 0, Side::Buy, Open),
            (Policy::LongFlat, 0, Side::Sell, Pass),
            (Policy::LongFlat, 10, Side::Buy, Pass),
            (Policy::LongFlat, 10, Side::Sell, Close(ten)),
            (Policy::LongFlat, -10, Side::Buy, Close(ten)),
            (Policy::LongShort, 0, Side::Sell, Open),
            (Policy::LongShort, 10, Side::Sell, Close(ten)),
            (Policy::LongShort, -10, Side::Sell, Pass),
            (Policy::Reverse, 10, Side::Sell, Reverse(ten)),
            (Policy::Reverse, -10, Side::Buy, Reverse(ten)),
            (Policy::Pyramid(0), 0, Side::Buy, Pass),
            (Policy::Pyramid(2), 10, Side::Buy, Open),
            (Policy::Pyramid(1), 10, Side::Buy, Pass),
            (Policy::Pyramid(3), 10, Side::Sell, Close(ten)),
        ];
        for (policy, position, side, action) in table {
            let found = policy.decide(side, &held(position), 1);
            assert_eq!(found, action, "{policy:?} {position} {side}");
        }
    }

    /// A signal that repeats while its order is on its way opens nothing more.
    #[test]
    fn an_order_on_its_way_counts() {
        let waiting = PositionFacts { working_buy: Decimal::ONE, ..PositionFacts::FLAT };
        for policy in [Policy::LongFlat, Policy::LongShort, Policy::Reverse, Policy::Pyramid(5)] {
            assert_eq!(policy.decide(Side::Buy, &waiting, 0), Action::Pass, "{policy:?}");
        }
    }
}
