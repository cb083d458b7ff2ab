//! Margin at the venue: what is there, what is needed, and where positions are closed.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::desk::{Desk, Feed};
use super::ledger::{Booking, LEGS, Ledger, Paid, leg_index};
use super::path::{Reach, Session};
use super::{SimConfig, SimError};
use crate::account::{
    LiquidationPrices, MarginBook, MarginError, MarginMode, MarginPosition, MarginSummary,
};
use crate::types::{
    AssetId, Instrument, InstrumentId, Instruments, Leg, RejectReason, Side, exact, to_f64,
};

/// Terms and what the venue keeps because of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Margin {
    pub(super) book: MarginBook,
    /// The venue's mark prices by instrument, NaN before the first.
    marks: Vec<f64>,
    /// What isolated positions hold beside the initial margin of their cost, by instrument
    /// and leg.
    #[serde(with = "exact::vec")]
    extra: Vec<Decimal>,
    /// The insurance fund, by asset.
    #[serde(with = "exact::vec")]
    pub(super) fund: Vec<Decimal>,
}

/// What marks are read from.
#[derive(Clone, Copy)]
pub(super) struct Market<'a> {
    pub(super) instruments: &'a Instruments,
    pub(super) desks: &'a [Desk],
    pub(super) session: Option<&'a Session>,
    /// A price that stands for an instrument's mark at this moment.
    pub(super) now: Option<(InstrumentId, Decimal)>,
}

/// A position that an order would lead to.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    pub(super) instrument: InstrumentId,
    pub(super) leg: Leg,
    /// Without sign, working orders included.
    pub(super) exposure: Decimal,
    pub(super) price: Decimal,
}

/// Which working orders count as positions.
#[derive(Clone, Copy)]
pub(super) enum Orders {
    /// None: a fill is judged.
    Left,
    /// All, and one that wants to join them.
    Counted(Wish),
}

impl Margin {
    /// The margin of a configuration; `None` without terms.
    pub(super) fn new(
        instruments: &Instruments,
        config: &SimConfig,
        ledger: &Ledger,
    ) -> Result<Option<Box<Self>>, SimError> {
        let mut book = MarginBook::new();
        for setting in &config.margin {
            let symbol = setting.symbol;
            let known = instruments.find(symbol.as_str());
            let instrument = known.ok_or(SimError::UnknownInstrument { symbol })?;
            book.set(instruments, instrument.id, setting.terms.clone())
                .map_err(|error| SimError::Margin { symbol, error })?;
            if ledger.balance(instrument.settlement).is_none() {
                let asset = instruments.code(instrument.settlement).into();
                return Err(SimError::UnknownAsset { asset });
            }
        }
        Ok((!book.is_empty()).then(|| {
            Box::new(Self {
                book,
                marks: vec![f64::NAN; instruments.len()],
                extra: vec![Decimal::ZERO; instruments.len() * LEGS.len()],
                fund: vec![Decimal::ZERO; instruments.assets().len()],
            })
        }))
    }

    pub(super) fn set_mark(&mut self, id: InstrumentId, price: f64) {
        if let Some(mark) = self.marks.get_mut(id.index()) {
            *mark = price;
        }
    }

    /// True once the venue has named a mark price of its own.
    pub(super) fn has_mark(&self, id: InstrumentId) -> bool {
        self.marks.get(id.index()).is_some_and(|mark| mark.is_finite())
    }

    /// True when a position in the instrument can be closed by the venue.
    pub(super) fn is_at_risk(&self, ledger: &Ledger, id: InstrumentId) -> bool {
        self.book.terms(id).is_some() && LEGS.iter().any(|leg| !ledger.position(id, *leg).is_zero())
    }

    /// The price that values an instrument; `None` before the first.
    fn mark(&self, market: &Market<'_>, instrument: &Instrument) -> Option<Decimal> {
        let id = instrument.id;
        if let Some((_, price)) = market.now.filter(|(now, _)| *now == id) {
            return Some(price);
        }
        let explicit = self.marks.get(id.index()).copied().filter(|mark| mark.is_finite());
        let price = match (explicit, market.session) {
            (Some(mark), _) => mark,
            (None, Some(session)) if session.instrument() == id => session.cursor,
            (None, _) => {
                let desk = market.desks.get(id.index())?;
                match desk.feed {
                    Feed::Bars | Feed::Prints => desk.last,
                    Feed::Quotes | Feed::Book => f64::midpoint(desk.bid, desk.ask),
                }
            }
        };
        instrument.price_grid.nearest(price).filter(|price| *price > Decimal::ZERO)
    }

    /// A leg as the calculator sees it; `None` when it is flat or has no terms.
    pub(super) fn position<'a>(
        &'a self,
        ledger: &Ledger,
        market: &Market<'a>,
        (id, leg): (InstrumentId, Leg),
    ) -> Result<Option<MarginPosition<'a>>, MarginError> {
        let (Some(terms), Some(instrument)) = (self.book.terms(id), market.instruments.get(id))
        else {
            return Ok(None);
        };
        let held = ledger.holding(id, leg);
        if held.quantity.is_zero() {
            return Ok(None);
        }
        let mark = self.mark(market, instrument);
        let mark = mark.ok_or(MarginError::MissingMark { instrument: id })?;
        let (quantity, cost) = (held.quantity, held.cost);
        Ok(Some(MarginPosition { instrument, terms, quantity, cost, mark }))
    }

    /// All open positions that settle in an asset.
    fn positions<'a>(
        &'a self,
        ledger: &Ledger,
        market: &Market<'a>,
        asset: AssetId,
    ) -> Result<Vec<(Leg, MarginPosition<'a>)>, MarginError> {
        let mut positions = Vec::new();
        let settles = |instrument: &&Instrument| instrument.settlement == asset;
        for instrument in market.instruments.iter().filter(settles) {
            for leg in LEGS {
                if let Some(position) = self.position(ledger, market, (instrument.id, leg))? {
                    positions.push((leg, position));
                }
            }
        }
        Ok(positions)
    }

    /// What stands behind an isolated position.
    pub(super) fn collateral(
        &self,
        leg: Leg,
        position: &MarginPosition<'_>,
    ) -> Result<Decimal, MarginError> {
        let extra = self.extra_of(position.instrument.id, leg);
        position.collateral()?.checked_add(extra).ok_or(MarginError::Overflow)
    }

    /// Cash that stands behind the cross positions of an asset, and those positions.
    pub(super) fn cross<'a>(
        &'a self,
        ledger: &Ledger,
        market: &Market<'a>,
        asset: AssetId,
    ) -> Result<(Decimal, Vec<(Leg, MarginPosition<'a>)>), MarginError> {
        let mut cash = ledger.balance(asset).unwrap_or(Decimal::MAX);
        let mut cross = Vec::new();
        for (leg, position) in self.positions(ledger, market, asset)? {
            if position.terms.mode == MarginMode::Isolated {
                let own = self.collateral(leg, &position)?;
                cash = cash.checked_sub(own).ok_or(MarginError::Overflow)?;
            } else {
                cross.push((leg, position));
            }
        }
        Ok((cash, cross))
    }

    /// The cross positions of an asset together.
    pub(super) fn cross_summary(
        &self,
        ledger: &Ledger,
        market: &Market<'_>,
        asset: AssetId,
    ) -> Result<MarginSummary, MarginError> {
        let (cash, cross) = self.cross(ledger, market, asset)?;
        let positions: Vec<_> = cross.into_iter().map(|(_, position)| position).collect();
        MarginSummary::of(cash, &positions)
    }

    /// What is left of an asset after all that needs margin has it.
    pub(super) fn free(
        &self,
        ledger: &Ledger,
        market: &Market<'_>,
        asset: AssetId,
        orders: Orders,
    ) -> Result<Decimal, MarginError> {
        let overflow = MarginError::Overflow;
        let mut free = ledger.balance(asset).unwrap_or(Decimal::MAX);
        for instrument in market.instruments.iter().filter(|known| known.settlement == asset) {
            let Some(terms) = self.book.terms(instrument.id) else { continue };
            for leg in LEGS {
                let position = self.position(ledger, market, (instrument.id, leg))?;
                let notional = match orders {
                    Orders::Left => position.map_or(Ok(Decimal::ZERO), |held| held.notional())?,
                    Orders::Counted(wish) => {
                        self.exposed(ledger, market, instrument, (leg, wish))?
                    }
                };
                let mut need = terms.initial(notional).ok_or(overflow)?;
                match (position, terms.mode) {
                    (Some(held), MarginMode::Cross) => {
                        free = free.checked_add(held.unrealised()?).ok_or(overflow)?;
                    }
                    (Some(held), MarginMode::Isolated) => {
                        let own = self.collateral(leg, &held)?;
                        need = if matches!(orders, Orders::Left) { own } else { need.max(own) };
                    }
                    (None, _) => {}
                }
                free = free.checked_sub(need).ok_or(overflow)?;
            }
        }
        Ok(free)
    }

    /// Notional of a leg with its working orders, and with the one that wants to join them.
    fn exposed(
        &self,
        ledger: &Ledger,
        market: &Market<'_>,
        instrument: &Instrument,
        (leg, wish): (Leg, Wish),
    ) -> Result<Decimal, MarginError> {
        let id = instrument.id;
        let is_wished = (wish.instrument, wish.leg) == (id, leg);
        let exposure = if is_wished {
            wish.exposure
        } else {
            let desk = market.desks.get(id.index());
            let [buy, sell] = desk.map_or([Decimal::ZERO; 2], |desk| desk.opening(leg));
            exposure(ledger.position(id, leg), [buy, sell]).ok_or(MarginError::Overflow)?
        };
        if exposure.is_zero() {
            return Ok(Decimal::ZERO);
        }
        let value = |price| {
            let value = instrument.value(exposure, price).ok_or(MarginError::Overflow)?;
            Ok(value.abs())
        };
        match (self.mark(market, instrument), is_wished) {
            (Some(mark), true) => Ok(value(mark)?.max(value(wish.price)?)),
            (Some(mark), false) => value(mark),
            (None, true) => value(wish.price),
            (None, false) => Err(MarginError::MissingMark { instrument: id }),
        }
    }

    /// Books a trade that leaves nothing below zero free, or refuses it. What reduces a
    /// position on margin is always booked.
    pub(super) fn book_trade(
        &mut self,
        ledger: &mut Ledger,
        market: &Market<'_>,
        booking: &Booking<'_>,
    ) -> Result<(), RejectReason> {
        let overflow = RejectReason::InvalidOrder;
        let poor = RejectReason::InsufficientFunds;
        let (id, leg) = (booking.instrument.id, booking.leg);
        let held = ledger.position(id, leg);
        let is_margined = self.book.terms(id).is_some();
        let reduces = if is_margined {
            Side::of(held) == Some(booking.side.opposite()) && booking.quantity <= held.abs()
        } else {
            booking.side == Side::Sell
        };
        if !is_margined && !ledger.affords(booking).ok_or(overflow)? {
            return Err(poor);
        }
        let before = ledger.before(booking);
        ledger.book(booking).ok_or(overflow)?;
        if !reduces {
            let asset = booking.instrument.settlement;
            let free = self.free(ledger, market, asset, Orders::Left);
            if !free.is_ok_and(|free| free >= Decimal::ZERO) {
                ledger.undo(booking, before);
                return Err(poor);
            }
        }
        self.release(ledger, (id, leg), held);
        Ok(())
    }

    /// After a trade: what was held beside the initial margin goes with what was closed.
    pub(super) fn release(
        &mut self,
        ledger: &Ledger,
        (id, leg): (InstrumentId, Leg),
        before: Decimal,
    ) {
        let after = ledger.position(id, leg);
        let place = id.index() * LEGS.len() + leg_index(leg);
        let Some(extra) = self.extra.get_mut(place).filter(|extra| !extra.is_zero()) else {
            return;
        };
        let keeps_side = Side::of(before) == Side::of(after);
        if !keeps_side {
            *extra = Decimal::ZERO;
        } else if after.abs() < before.abs() {
            let part = extra.checked_mul(after).and_then(|part| part.checked_div(before));
            *extra = part.map_or(Decimal::ZERO, |part| part.round_dp(12));
        }
    }

    /// Isolated positions pay and receive funding themselves.
    pub(super) fn fund_isolated(&mut self, id: InstrumentId, paid: Paid) {
        let mode = self.book.terms(id).map(|terms| terms.mode);
        if mode != Some(MarginMode::Isolated) {
            return;
        }
        let places = self.extra.iter_mut().skip(id.index() * LEGS.len());
        for (extra, paid) in places.zip(paid) {
            *extra = extra.checked_add(paid).unwrap_or(*extra);
        }
    }

    /// Moves margin into an isolated position (above zero) or out of it. `None` when it is
    /// flat or not isolated, and where less than the initial margin or less cash than none
    /// would be left.
    pub(super) fn move_margin(
        &mut self,
        ledger: &Ledger,
        market: &Market<'_>,
        (id, leg): (InstrumentId, Leg),
        amount: Decimal,
    ) -> Option<()> {
        let position = self.position(ledger, market, (id, leg)).ok()??;
        let asset = position.instrument.settlement;
        let next = self.extra_of(id, leg).checked_add(amount)?;
        let own = position.collateral().ok()?.checked_add(next)?;
        let summary = MarginSummary::of(own, &[position]).ok()?;
        let is_isolated = position.terms.mode == MarginMode::Isolated;
        let free = self.free(ledger, market, asset, Orders::Left).ok()?;
        let is_covered =
            if amount > Decimal::ZERO { amount <= free } else { summary.free() >= Decimal::ZERO };
        if !is_isolated || !is_covered {
            return None;
        }
        *self.extra.get_mut(id.index() * LEGS.len() + leg_index(leg))? = next;
        Some(())
    }

    fn extra_of(&self, id: InstrumentId, leg: Leg) -> Decimal {
        let place = id.index() * LEGS.len() + leg_index(leg);
        self.extra.get(place).copied().unwrap_or_default()
    }

    /// Where the cross positions of an instrument are closed.
    pub(super) fn cross_prices(
        &self,
        ledger: &Ledger,
        market: &Market<'_>,
        instrument: &Instrument,
    ) -> Result<LiquidationPrices, MarginError> {
        let (cash, cross) = self.cross(ledger, market, instrument.settlement)?;
        let positions = cross.into_iter().map(|(_, position)| position);
        let (legs, others): (Vec<_>, Vec<_>) =
            positions.partition(|position| position.instrument.id == instrument.id);
        let behind = MarginSummary::of(cash, &others)?;
        let behind = behind.balance.checked_sub(behind.maintenance);
        let behind = behind.ok_or(MarginError::Overflow)?;
        let digits = u32::from(instrument.price_grid.digits());
        LiquidationPrices::of(behind, &legs).map(|prices| prices.on_grid(digits))
    }

    /// Where one isolated position is closed.
    pub(super) fn isolated_prices(
        &self,
        leg: Leg,
        position: &MarginPosition<'_>,
    ) -> Result<LiquidationPrices, MarginError> {
        let collateral = self.collateral(leg, position)?;
        let digits = u32::from(position.instrument.price_grid.digits());
        LiquidationPrices::of(collateral, &[*position]).map(|prices| prices.on_grid(digits))
    }

    /// Where anything in the instrument is closed.
    pub(super) fn reach(
        &self,
        ledger: &Ledger,
        market: &Market<'_>,
        instrument: &Instrument,
    ) -> Result<Reach, MarginError> {
        let mut all = Vec::with_capacity(LEGS.len() + 1);
        all.push(self.cross_prices(ledger, market, instrument)?);
        for leg in LEGS {
            let position = self.position(ledger, market, (instrument.id, leg))?;
            let isolated = position.filter(|held| held.terms.mode == MarginMode::Isolated);
            if let Some(position) = isolated {
                all.push(self.isolated_prices(leg, &position)?);
            }
        }
        // `max` and `min` pass over the NaN of a side that has no price.
        Ok(all.iter().fold(Reach { below: f64::NAN, above: f64::NAN }, |reach, prices| Reach {
            below: reach.below.max(prices.below.map_or(f64::NAN, to_f64)),
            above: reach.above.min(prices.above.map_or(f64::NAN, to_f64)),
        }))
    }
}

/// The larger of what a position and its working orders can become on either side.
pub(super) fn exposure(held: Decimal, [buy, sell]: [Decimal; 2]) -> Option<Decimal> {
    Some(held.checked_add(buy)?.abs().max(held.checked_sub(sell)?.abs()))
}
