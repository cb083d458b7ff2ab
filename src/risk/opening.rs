use rust_decimal::Decimal;

use super::Standing;
use crate::types::{Amount, Facts, Instrument, Intent, Leg, Linkage, Side, small};

/// An intent's quantity, parted: what brings the venue's position nearer to zero without
/// crossing it, and the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Never blocked by a halt or an exposure limit.
    pub reducing: Decimal,
    /// What rules are asked about.
    pub opening: Decimal,
}

impl Parts {
    /// Both together.
    pub(super) fn whole(&self) -> Decimal {
        if self.reducing.is_zero() {
            self.opening
        } else {
            self.reducing.saturating_add(self.opening)
        }
    }
}

/// Parts an intent by the position at the venue, with all working orders of its side counted
/// as filled.
///
/// Cash amounts are turned into a quantity at the price that values the intent; one that
/// cannot be valued counts as opening [`Decimal::MAX`] units.
///
/// ```
/// use tradewright::risk::{Parts, split};
/// use tradewright::types::{
///     Decimal, FactBookBuilder, Facts, Instrument, Instruments, Intent, Price, Side, SlotId,
///     Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let spy = table.add(Instrument::stock("SPY", "USD"))?;
/// let usd = table.find_asset("USD").unwrap();
/// let price = Price::new(Decimal::from(100)).unwrap();
/// let book = FactBookBuilder::new(&table, usd)
///     .mark(spy, Timestamp::EPOCH, 100.0)
///     .position(SlotId(1), spy, Decimal::from(10), price)
///     .working(SlotId(1), spy, Side::Sell, Decimal::from(4))
///     .build();
/// let facts = Facts::new(Timestamp::EPOCH, SlotId(1), &table, &book);
/// let sale = Intent::market(SlotId(1), spy, Side::Sell, 9.into());
/// let parts = split(&sale, &facts);
/// assert_eq!(parts, Parts { reducing: Decimal::from(6), opening: Decimal::from(3) });
/// # Ok::<(), tradewright::types::InstrumentError>(())
/// ```
pub fn split(intent: &Intent, facts: &Facts<'_>) -> Parts {
    split_after(intent, &[], facts)
}

/// The same after earlier legs of the group, which count as working orders. Legs that are
/// linked with the intent (one cancels the other) do not add up with it.
pub fn split_after(intent: &Intent, earlier: &[Intent], facts: &Facts<'_>) -> Parts {
    let Some(quantity) = quantity(intent, facts) else {
        return Parts { reducing: Decimal::ZERO, opening: Decimal::MAX };
    };
    split_standing(intent, quantity, &Standing::after(intent, earlier, facts))
}

/// The same for an intent whose quantity and standing are known.
#[inline(always)]
pub(super) fn split_standing(intent: &Intent, quantity: Decimal, standing: &Standing) -> Parts {
    let reducing = match closes(intent.leg, intent.side) {
        Some(true) => quantity,
        Some(false) => Decimal::ZERO,
        None if intent.flags.reduce_only => {
            // The venue cuts it to the position, whatever else is working.
            return Parts {
                reducing: quantity.min(standing.against(intent.side)),
                opening: Decimal::ZERO,
            };
        }
        None => standing.reducible(intent.side),
    };
    if reducing.is_zero() {
        return Parts { reducing: Decimal::ZERO, opening: quantity };
    }
    if small::is_same(quantity, reducing) || quantity <= reducing {
        return Parts { reducing: quantity, opening: Decimal::ZERO };
    }
    Parts { reducing, opening: quantity.saturating_sub(reducing) }
}

/// The price that values an intent's opening part.
///
/// A buy is valued at its limit, its trigger or its reference. A sale opens at the market or
/// better, so it is valued at the mark at least. Inverse contracts are worth a fixed amount of
/// their quote currency at the mark, which is what values them. NaN when nothing is known.
pub fn valuation_price(intent: &Intent, instrument: &Instrument, facts: &Facts<'_>) -> f64 {
    let mark = facts.mark(intent.instrument);
    let own = intent.valuation_price();
    let own = if own > 0.0 { own } else { mark.unwrap_or(f64::NAN) };
    match (mark, intent.side) {
        (Some(mark), _) if instrument.kind.is_inverse() => mark,
        (Some(mark), Side::Sell) if own < mark => mark,
        (_, _) => own,
    }
}

/// The intent's quantity; cash amounts are estimated. `None` when it is not above zero or
/// cannot be known.
pub(super) fn quantity(intent: &Intent, facts: &Facts<'_>) -> Option<Decimal> {
    let quantity = match intent.amount {
        Amount::Quantity(quantity) => quantity.value(),
        Amount::Cash(money) => {
            let instrument = facts.instruments.get(intent.instrument)?;
            let price = valuation_price(intent, instrument, facts);
            let price = instrument.price_grid.nearest(price)?;
            let unit = instrument.value(Decimal::ONE, price)?.abs();
            money.amount.checked_div(unit)?
        }
    };
    small::is_above_zero(quantity).then_some(quantity)
}

/// True when two intents are linked: at most one of them fills in full.
pub(super) fn linked(one: &Intent, other: &Intent) -> bool {
    match (one.linkage, other.linkage) {
        (Linkage::OneCancelsOther(left), Linkage::OneCancelsOther(right)) => left == right,
        (Linkage::None | Linkage::Child(_), _) | (_, Linkage::None | Linkage::Child(_)) => false,
    }
}

/// In hedge mode the leg says whether an order closes; in netting mode the position does.
const fn closes(leg: Leg, side: Side) -> Option<bool> {
    match (leg, side) {
        (Leg::Net, _) => None,
        (Leg::Long, Side::Sell) | (Leg::Short, Side::Buy) => Some(true),
        (Leg::Long, Side::Buy) | (Leg::Short, Side::Sell) => Some(false),
    }
}
