use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    LiquidationPrices, MarginError, MarginMode, MarginPosition, MarginSummary, MarginTerms,
};
use crate::account::{Account, Holding};
use crate::types::{AssetId, Instrument, InstrumentId, Instruments, Leg};

/// Which instruments may be held on margin, and under which terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarginBook {
    /// By instrument.
    terms: Vec<Option<MarginTerms>>,
}

impl MarginBook {
    /// No terms for any instrument.
    pub const fn new() -> Self {
        Self { terms: Vec::new() }
    }

    /// Sets the terms of an instrument.
    ///
    /// # Errors
    /// [`MarginError::NoMargin`] for an unknown instrument and for kinds that are paid in full
    /// (spot, options); [`MarginError::BadNumber`] for terms that cannot be.
    pub fn set(
        &mut self,
        instruments: &Instruments,
        instrument: InstrumentId,
        terms: MarginTerms,
    ) -> Result<(), MarginError> {
        let known = instruments.get(instrument);
        if known.is_none_or(|known| known.kind.is_paid_in_full()) {
            return Err(MarginError::NoMargin { instrument });
        }
        terms.check()?;
        if self.terms.len() <= instrument.index() {
            self.terms.resize(instruments.len(), None);
        }
        if let Some(place) = self.terms.get_mut(instrument.index()) {
            *place = Some(terms);
        }
        Ok(())
    }

    /// The terms of an instrument; `None` where it has none.
    pub fn terms(&self, instrument: InstrumentId) -> Option<&MarginTerms> {
        self.terms.get(instrument.index())?.as_ref()
    }

    /// True without terms for any instrument.
    pub fn is_empty(&self) -> bool {
        self.terms.iter().all(Option::is_none)
    }
}

/// Margin of an account in one settlement currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountMargin {
    /// The cross positions together; its balance is free of what isolated positions hold.
    pub cross: MarginSummary,
    /// Each position, by instrument and leg.
    pub positions: Vec<InstrumentMargin>,
}

/// Margin of one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentMargin {
    /// In what.
    pub instrument: InstrumentId,
    /// Which position.
    pub leg: Leg,
    /// What stands behind it.
    pub mode: MarginMode,
    /// An isolated position's own margin; of a cross position its share, with the whole
    /// account's balance.
    pub margin: MarginSummary,
    /// Where the venue closes it, the other positions staying at their marks.
    pub liquidation: LiquidationPrices,
}

impl Account {
    /// Margin of all positions that settle in `asset` and have terms, at their marks.
    ///
    /// An isolated position is taken to hold the initial margin of its cost.
    ///
    /// # Errors
    /// [`MarginError::MissingMark`] for a position without a mark, [`MarginError::Overflow`].
    pub fn margin(
        &self,
        instruments: &Instruments,
        book: &MarginBook,
        asset: AssetId,
    ) -> Result<AccountMargin, MarginError> {
        let mut held = Vec::new();
        for instrument in instruments.iter().filter(|known| known.settlement == asset) {
            let Some(terms) = book.terms(instrument.id) else { continue };
            for leg in [Leg::Net, Leg::Long, Leg::Short] {
                let holding = self.venue_holding(instrument, leg)?;
                if !holding.quantity.is_zero() {
                    held.push((leg, self.position_at_mark(instrument, terms, holding)?));
                }
            }
        }
        let mut cash = self.sums(asset).cash;
        for (_, position) in held.iter().filter(|(_, held)| is_isolated(held)) {
            cash = cash.checked_sub(position.collateral()?).ok_or(MarginError::Overflow)?;
        }
        let cross: Vec<_> =
            held.iter().filter(|(_, held)| !is_isolated(held)).map(|(_, held)| *held).collect();
        let cross = Cross { cash, summary: MarginSummary::of(cash, &cross)?, positions: &cross };
        let positions = held.iter().map(|(leg, position)| cross.look_at(*leg, position));
        Ok(AccountMargin { cross: cross.summary, positions: positions.collect::<Result<_, _>>()? })
    }

    fn venue_holding(&self, instrument: &Instrument, leg: Leg) -> Result<Holding, MarginError> {
        let mut sum = Holding::default();
        let overflow = MarginError::Overflow;
        for slot in self.slot_ids() {
            let held = self.pnl().holding(slot, instrument.id, leg);
            sum.quantity = sum.quantity.checked_add(held.quantity).ok_or(overflow)?;
            sum.cost = sum.cost.checked_add(held.cost).ok_or(overflow)?;
        }
        Ok(sum)
    }

    fn position_at_mark<'a>(
        &self,
        instrument: &'a Instrument,
        terms: &'a MarginTerms,
        Holding { quantity, cost, .. }: Holding,
    ) -> Result<MarginPosition<'a>, MarginError> {
        let mark = self.book().mark(instrument.id);
        let mark = mark.and_then(|mark| instrument.price_grid.nearest(mark.price));
        let mark = mark.ok_or(MarginError::MissingMark { instrument: instrument.id })?;
        Ok(MarginPosition { instrument, terms, quantity, cost, mark })
    }
}

fn is_isolated(position: &MarginPosition<'_>) -> bool {
    position.terms.mode == MarginMode::Isolated
}

/// The cross positions and what stands behind them.
struct Cross<'a> {
    cash: Decimal,
    summary: MarginSummary,
    positions: &'a [MarginPosition<'a>],
}

impl Cross<'_> {
    fn look_at(
        &self,
        leg: Leg,
        position: &MarginPosition<'_>,
    ) -> Result<InstrumentMargin, MarginError> {
        let instrument = position.instrument.id;
        let one = |margin, liquidation| InstrumentMargin {
            instrument,
            leg,
            mode: position.terms.mode,
            margin,
            liquidation,
        };
        if is_isolated(position) {
            let collateral = position.collateral()?;
            let own = [*position];
            let margin = MarginSummary::of(collateral, &own)?;
            return Ok(one(margin, LiquidationPrices::of(collateral, &own)?));
        }
        let (legs, others): (Vec<MarginPosition<'_>>, Vec<_>) =
            self.positions.iter().copied().partition(|other| other.instrument.id == instrument);
        let behind = MarginSummary::of(self.cash, &others)?;
        let behind = behind.balance.checked_sub(behind.maintenance).ok_or(MarginError::Overflow)?;
        let margin = MarginSummary {
            balance: self.summary.balance,
            ..MarginSummary::of(self.cash, &[*position])?
        };
        Ok(one(margin, LiquidationPrices::of(behind, &legs)?))
    }
}
