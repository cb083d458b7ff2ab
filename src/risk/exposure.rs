use rust_decimal::Decimal;

use super::opening::{linked, quantity};
use crate::types::{Facts, Instrument, InstrumentId, Intent, Side, small};

/// The position at the venue in one instrument and what could still fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Signed position.
    pub net: Decimal,
    /// Unfilled quantity of working buy orders.
    pub buying: Decimal,
    /// Unfilled quantity of working sell orders.
    pub selling: Decimal,
}

impl Standing {
    /// What stands in an instrument, over all strategies.
    pub fn of(instrument: InstrumentId, facts: &Facts<'_>) -> Self {
        let working = facts.book.working(instrument);
        let net = facts.net(instrument).quantity;
        Self { net, buying: working.buy, selling: working.sell }
    }

    /// What stands for an intent after the earlier legs of its group.
    pub fn after(intent: &Intent, earlier: &[Intent], facts: &Facts<'_>) -> Self {
        let mut standing = Self::of(intent.instrument, facts);
        let own = |leg: &&Intent| leg.instrument == intent.instrument && !linked(leg, intent);
        for leg in earlier.iter().filter(own) {
            standing.add(leg.side, quantity(leg, facts).unwrap_or_default());
        }
        standing
    }

    /// One more working order.
    pub fn add(&mut self, side: Side, quantity: Decimal) {
        let sum = match side {
            Side::Buy => &mut self.buying,
            Side::Sell => &mut self.selling,
        };
        *sum = sum.saturating_add(quantity);
    }

    /// How much of the position an order of this side would close.
    pub fn against(&self, side: Side) -> Decimal {
        match Side::of(self.net) {
            Some(held) if held != side => self.net.abs(),
            Some(_) | None => Decimal::ZERO,
        }
    }

    /// How much an order of this side can reduce, with all working orders of the side filled.
    pub fn reducible(&self, side: Side) -> Decimal {
        let (against, working) = (self.against(side), self.working(side));
        if against.is_zero() || working.is_zero() {
            return against;
        }
        against.saturating_sub(working).max(Decimal::ZERO)
    }

    /// What is held on this side once its working orders have filled; never negative.
    pub fn held(&self, side: Side) -> Decimal {
        let held = sum(side.signed(self.net), self.working(side));
        if small::is_above_zero(held) { held } else { Decimal::ZERO }
    }

    /// The largest position that working orders can bring about, on either side.
    pub fn worst(&self) -> Decimal {
        if self.buying.is_zero() && self.selling.is_zero() {
            return self.net.abs();
        }
        let up = sum(self.net, self.buying).abs();
        up.max(sum(self.net, -self.selling).abs())
    }

    /// Working quantity of a side.
    pub const fn working(&self, side: Side) -> Decimal {
        match side {
            Side::Buy => self.buying,
            Side::Sell => self.selling,
        }
    }
}

/// The sum; what does not fit is as much as does.
#[inline]
fn sum(a: Decimal, b: Decimal) -> Decimal {
    small::plus(a, b).unwrap_or_else(|| a.saturating_add(b))
}

/// Sums over all instruments at mark in the reporting currency, working orders counted as
/// filled at worst; NaN while a mark or rate is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exposure {
    /// Σ of the larger absolute value that each instrument can reach.
    pub gross: f64,
    /// Σ of signed values with every working buy filled and no sale.
    pub up: f64,
    /// Σ of signed values with every working sale filled and no buy.
    pub down: f64,
}

impl Exposure {
    /// The sums over all instruments, in the order of their ids.
    #[inline(never)]
    pub fn of(facts: &Facts<'_>) -> Self {
        let (mut gross, mut up, mut down) = (0.0, 0.0, 0.0);
        // Nothing held needs no mark; what is not a number must stay.
        for reach in facts.book.reaches().iter().filter(|reach| reach.can_be_held()) {
            let unit = reach.unit_value();
            gross += unit * reach.worst();
            up += unit * reach.up();
            down += unit * reach.down();
        }
        Self { gross, up, down }
    }

    /// One more opening of this value on a side; `gross` is what it adds there.
    pub(super) fn open(&mut self, side: Side, value: f64, gross: f64) {
        self.gross += gross;
        match side {
            Side::Buy => self.up += value,
            Side::Sell => self.down -= value,
        }
    }
}

/// Reporting currency per unit of the instrument's settlement currency; NaN while unknown.
pub(super) fn settlement_rate(instrument: &Instrument, facts: &Facts<'_>) -> f64 {
    if instrument.settlement == facts.book.reporting() {
        return 1.0;
    }
    facts.book.mark(instrument.id).map_or(f64::NAN, |mark| mark.rate)
}
