use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::strategy::Advice;
use crate::types::{Facts, Grid, Instrument, InstrumentId, Intent, Qty, Side, exact, to_f64};

/// The tag of the portfolio's orders.
const TAG: &str = "rebalance";

/// What quotients of exact numbers may lack, as a part of a step.
const ROUNDING: f64 = 1e-9;

/// An instrument and the share of equity that it is to have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WeightedInstrument {
    pub(super) id: InstrumentId,
    pub(super) weight: f64,
}

impl WeightedInstrument {
    /// The share that is held now; `None` while the instrument or equity has no value.
    pub(super) fn weight_held(&self, facts: &Facts<'_>) -> Option<f64> {
        let held = facts.position(self.id);
        if held.is_flat() {
            return Some(0.0);
        }
        let (_, value) = self.unit(facts)?;
        let equity = facts.equity();
        (equity > 0.0).then(|| held.size * value / equity)
    }

    /// The quantity that is to be held: never worth more than the weight.
    fn quantity(&self, facts: &Facts<'_>) -> Option<Decimal> {
        if !(self.weight > 0.0) {
            return Some(Decimal::ZERO);
        }
        let (instrument, value) = self.unit(facts)?;
        let units = self.weight * facts.equity().max(0.0) / value;
        let steps = (units / to_f64(instrument.step) + ROUNDING).floor();
        let steps = Grid::UNITS.nearest(steps)?;
        steps.checked_mul(instrument.step).map(|quantity| quantity.normalize())
    }

    /// The instrument, and what one unit is worth in the reporting currency.
    fn unit<'a>(&self, facts: &Facts<'a>) -> Option<(&'a Instrument, f64)> {
        let instrument = facts.instruments.get(self.id)?;
        let mark = facts.book.mark(self.id)?;
        let value = instrument.value_f64(1.0, mark.price).abs() * mark.rate;
        (value > 0.0 && value.is_finite()).then_some((instrument, value))
    }

    /// True for a change that the venue would refuse as too small.
    fn is_too_small(&self, change: Decimal, facts: &Facts<'_>) -> bool {
        let Some(instrument) = facts.instruments.get(self.id) else { return true };
        let price = if instrument.kind.is_inverse() {
            1.0
        } else {
            facts.mark(self.id).unwrap_or(f64::NAN)
        };
        let notional = to_f64(change.abs()) * to_f64(instrument.multiplier) * price;
        let enough = change.abs() >= instrument.min_quantity
            && (instrument.min_notional.is_zero() || notional >= to_f64(instrument.min_notional));
        !enough
    }
}

/// What is still to be traded: sales first, then purchases.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Trades {
    sales: Vec<Sale>,
    purchases: Vec<WeightedInstrument>,
    /// Rows that the purchases have waited.
    rows: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Sale {
    id: InstrumentId,
    /// The position that is to be left.
    #[serde(with = "exact")]
    target: Decimal,
}

impl Trades {
    /// Sells what is too much and notes what is to be bought.
    pub(super) fn begin(
        &mut self,
        instruments: &[WeightedInstrument],
        band: f64,
        facts: &Facts<'_>,
        advice: &mut Advice,
    ) {
        *self = Self::default();
        for instrument in instruments {
            let held = facts.position(instrument.id).quantity;
            let near = instrument
                .weight_held(facts)
                .is_some_and(|weight| (weight - instrument.weight).abs() <= band);
            // What is to come or to go does so, however little it is.
            let stays = (instrument.weight > 0.0) != held.is_zero();
            let Some(target) = instrument.quantity(facts).filter(|_| !(near && stays)) else {
                continue;
            };
            let Some(change) = target.checked_sub(held) else { continue };
            if change.is_zero() || instrument.is_too_small(change, facts) {
                continue;
            }
            if change > Decimal::ZERO {
                self.purchases.push(*instrument);
            } else {
                self.sales.push(Sale { id: instrument.id, target });
                advice.tag(TAG).target(instrument.id, Qty::new(target));
            }
        }
    }

    /// Says the purchases once no sale is open any more.
    pub(super) fn follow_up(&mut self, facts: &Facts<'_>, advice: &mut Advice) {
        self.sales.retain(|sale| facts.position(sale.id).quantity > sale.target);
        if !self.sales.is_empty() {
            return;
        }
        for instrument in self.purchases.drain(..) {
            let held = facts.position(instrument.id).quantity;
            if let Some(target) = instrument.quantity(facts).filter(|target| *target > held) {
                advice.tag(TAG).target(instrument.id, Qty::new(target));
            }
        }
    }

    /// A sale that was refused is not waited for.
    pub(super) fn refused(&mut self, intent: &Intent) {
        if intent.side == Side::Sell {
            self.sales.retain(|sale| sale.id != intent.instrument);
        }
    }

    /// A row has passed; after so many the purchases wait no longer.
    pub(super) fn wait_a_row(&mut self, patience: u32) {
        self.rows = self.rows.saturating_add(1);
        if self.rows >= patience {
            self.stop_waiting();
        }
    }

    /// The purchases wait for nothing.
    pub(super) fn stop_waiting(&mut self) {
        self.sales.clear();
    }

    /// True when nothing is left to say.
    pub(super) fn is_done(&self) -> bool {
        self.sales.is_empty() && self.purchases.is_empty()
    }

    /// True when it speaks of this universe alone.
    pub(super) fn is_sound(&self, universe: &[InstrumentId]) -> bool {
        self.sales.iter().all(|sale| universe.contains(&sale.id))
            && self.purchases.iter().all(|one| universe.contains(&one.id) && one.weight >= 0.0)
    }
}
