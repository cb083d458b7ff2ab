use super::opening::quantity;
use crate::types::{FactBook, Facts, InstrumentId, Intent, Side, to_f64};

/// Where the position in one instrument can end up, as `f64`: what rules on values compute with.
/// [`Standing`](super::Standing) is the same in exact decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reach {
    /// Signed size at the venue.
    pub(super) size: f64,
    /// The same with every working buy filled and no sale.
    pub(super) up: f64,
    /// The same with every working sale filled and no buy.
    pub(super) down: f64,
}

impl Reach {
    /// What stands in an instrument, over all strategies.
    #[inline]
    pub(super) fn of(id: InstrumentId, book: &FactBook) -> Self {
        let size = book.net(id).size;
        let working = book.working(id);
        // Only a working order has a quantity.
        if working.orders == 0 {
            return Self { size, up: size, down: size };
        }
        Self { size, up: size + to_f64(working.buy), down: size - to_f64(working.sell) }
    }

    /// The same with intents in this instrument as further working orders.
    #[inline]
    pub(super) fn after(id: InstrumentId, legs: &[Intent], facts: &Facts<'_>) -> Self {
        let mut reach = Self::of(id, facts.book);
        for leg in legs.iter().filter(|leg| leg.instrument == id) {
            let units = quantity(leg, facts).map_or(0.0, to_f64);
            match leg.side {
                Side::Buy => reach.up += units,
                Side::Sell => reach.down -= units,
            }
        }
        reach
    }

    /// Units held on a side once its working orders have filled; never negative.
    #[inline]
    pub(super) fn held(&self, side: Side) -> f64 {
        let held = match side {
            Side::Buy => self.up,
            Side::Sell => -self.down,
        };
        if held > 0.0 { held } else { 0.0 }
    }

    /// Units of the largest position that working orders can bring about, on either side.
    #[inline]
    pub(super) fn worst(&self) -> f64 {
        let (up, down) = (self.up.abs(), self.down.abs());
        if up > down { up } else { down }
    }

    /// Units that the working orders of a side would open beyond closing what is held.
    #[inline]
    pub(super) fn opened(&self, side: Side) -> f64 {
        let now = match side {
            Side::Buy => self.size,
            Side::Sell => -self.size,
        };
        self.held(side) - if now > 0.0 { now } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::Standing;
    use crate::types::{FactBookBuilder, Instrument, Instruments, Price, Qty, SlotId, Timestamp};
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        /// It is what the exact standing says, with positions, orders and legs of any side.
        #[test]
        fn equals_the_exact_standing(
            held in -20_i64..20, buying in 0_i64..9, selling in 0_i64..9, leg in -9_i64..9,
        ) {
            let mut table = Instruments::new();
            let id = table.add(Instrument::stock("S", "USD")).unwrap();
            let usd = table.find_asset("USD").unwrap();
            let mut book = FactBookBuilder::new(&table, usd).mark(id, Timestamp::EPOCH, 10.0);
            let entry = Price::new(Decimal::TEN).unwrap();
            book = book.position(SlotId(1), id, Decimal::from(held), entry);
            for (side, units) in [(Side::Buy, buying), (Side::Sell, selling)] {
                if units > 0 {
                    book = book.working(SlotId(1), id, side, Decimal::from(units));
                }
            }
            let book = book.build();
            let facts = Facts::new(Timestamp::EPOCH, SlotId(1), &table, &book);
            let side = if leg > 0 { Side::Buy } else { Side::Sell };
            let legs = [Intent::market(SlotId(1), id, side, Qty::from(leg.abs()))];
            let reach = Reach::after(id, &legs, &facts);
            let next = Intent::market(SlotId(1), id, side, Qty::from(1));
            let exact = Standing::after(&next, &legs, &facts);
            prop_assert_eq!(reach.worst(), to_f64(exact.worst()));
            for side in [Side::Buy, Side::Sell] {
                prop_assert_eq!(reach.held(side), to_f64(exact.held(side)));
                let now = side.signed(exact.net).max(Decimal::ZERO);
                let opened = exact.held(side).saturating_sub(now);
                prop_assert_eq!(reach.opened(side), to_f64(opened));
            }
        }
    }
}
