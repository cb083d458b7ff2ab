use super::opening::quantity;
use crate::types::{Facts, InstrumentId, Intent, Reach, to_f64};

/// What an instrument's position can become, with intents as further working orders.
/// [`Standing`](super::Standing) is the same in exact decimals.
#[inline]
pub(super) fn reach_after(id: InstrumentId, legs: &[Intent], facts: &Facts<'_>) -> Reach {
    let mut reach = *facts.book.reach(id);
    for leg in legs.iter().filter(|leg| leg.instrument == id) {
        reach.add(leg.side, quantity(leg, facts).map_or(0.0, to_f64));
    }
    reach
}

/// Looks at what every instrument's position can become, by place, with intents as further working
/// orders; mostly there are none.
#[inline]
pub(super) fn each_reach(legs: &[Intent], facts: &Facts<'_>, mut take: impl FnMut(usize, &Reach)) {
    let alone = facts.book.reaches().iter().enumerate();
    if legs.is_empty() {
        return alone.for_each(|(place, reach)| take(place, reach));
    }
    for (place, _) in alone {
        take(place, &reach_after(InstrumentId(place as u32), legs, facts));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::Standing;
    use crate::types::{
        FactBookBuilder, Instrument, Instruments, Price, Qty, Side, SlotId, Timestamp,
    };
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
            let reach = reach_after(id, &legs, &facts);
            let next = Intent::market(SlotId(1), id, side, Qty::from(1));
            let exact = Standing::after(&next, &legs, &facts);
            prop_assert_eq!(reach.worst(), to_f64(exact.worst()));
            prop_assert_eq!(reach.worst_value(), 10.0 * reach.worst());
            let [buys, sales] = [Side::Buy, Side::Sell].map(|side| reach.opened(side));
            prop_assert_eq!(reach.opened_value(), 10.0 * buys.max(sales));
            prop_assert_eq!(reach.opened_value_in_all(), 10.0 * (buys + sales));
            for side in [Side::Buy, Side::Sell] {
                prop_assert_eq!(reach.held(side), to_f64(exact.held(side)));
                let now = side.signed(exact.net).max(Decimal::ZERO);
                let opened = exact.held(side).saturating_sub(now);
                prop_assert_eq!(reach.opened(side), to_f64(opened));
            }
        }
    }
}
