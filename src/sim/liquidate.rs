//! The venue enforces margin: it refuses orders, and closes what is not covered any more.

use rust_decimal::{Decimal, RoundingStrategy};

use super::SimVenue;
use super::accept::valuation;
use super::desk::{Desk, Feed};
use super::ledger::{Booking, LEGS, Paid};
use super::margin::{Market, Orders, Wish, exposure};
use super::order::OpenOrder;
use super::path::{Hit, Session, Stage};
use crate::account::{MarginError, MarginMode, MarginPosition};
use crate::types::{
    AssetId, FillReport, Funding, Instrument, InstrumentId, Leg, Liquidity, MarketEvent, Money,
    OrderId, OrderReport, OrderUpdate, Price, Qty, RejectReason, Side, Timestamp, TradeId,
};

/// A position that is closed by force.
#[derive(Clone, Copy)]
struct Victim {
    instrument: InstrumentId,
    leg: Leg,
    /// What stands behind it beside its own profit.
    behind: Decimal,
    /// The market's price.
    market: Decimal,
}

/// How a forced close went.
struct Forced {
    side: Side,
    exit: Price,
    quantity: Decimal,
    fee: Money,
}

impl SimVenue {
    /// The venue's insurance fund of an asset: liquidation fees, less what positions cost that
    /// were taken over from accounts with nothing left. Zero where nothing is on margin.
    pub fn insurance_fund(&self, asset: AssetId) -> Decimal {
        let funds = self.margin.as_ref().map(|margin| &margin.fund);
        funds.and_then(|funds| funds.get(asset.index())).copied().unwrap_or_default()
    }

    /// What is left of an asset for new positions; `None` where it is on unlimited credit,
    /// nothing is on margin, or a mark is missing.
    pub fn free_margin(&self, asset: AssetId) -> Option<Decimal> {
        let margin = self.margin.as_ref()?;
        self.ledger.balance(asset)?;
        margin.free(&self.ledger, &self.market(None), asset, Orders::Left).ok()
    }

    /// Moves margin into an isolated position (above zero) or out of it; false when nothing
    /// was moved: no such position, too little cash, or less than the initial margin left.
    pub fn move_margin(&mut self, instrument: InstrumentId, leg: Leg, amount: Decimal) -> bool {
        let market = Market {
            instruments: &self.instruments,
            desks: &self.desks,
            session: self.session.as_ref(),
            now: None,
        };
        let margin = self.margin.as_deref_mut();
        let moved = margin.and_then(|margin| {
            margin.move_margin(&self.ledger, &market, (instrument, leg), amount)
        });
        moved.is_some()
    }

    pub(super) fn market(&self, now: Option<(InstrumentId, Decimal)>) -> Market<'_> {
        Market {
            instruments: &self.instruments,
            desks: &self.desks,
            session: self.session.as_ref(),
            now,
        }
    }

    /// True where positions in the instrument need margin.
    #[inline]
    pub(super) fn is_on_margin(&self, id: InstrumentId) -> bool {
        self.margin.as_ref().is_some_and(|margin| margin.book.terms(id).is_some())
    }

    /// Refuses an order that would leave less than nothing free.
    #[inline(never)]
    pub(super) fn check_margin(
        &self,
        instrument: &Instrument,
        order: &OpenOrder,
        price: f64,
    ) -> Result<(), RejectReason> {
        let poor = RejectReason::InsufficientFunds;
        let margin = self.margin.as_ref();
        let Some((margin, terms)) =
            margin.and_then(|margin| Some((margin, margin.book.terms(instrument.id)?)))
        else {
            return Ok(());
        };
        // An order without quantity or price is judged when it fills.
        let Some(price) = valuation(instrument, order, price) else { return Ok(()) };
        let held = self.ledger.position(instrument.id, order.leg);
        let desk = self.desks.get(instrument.id.index()).ok_or(poor)?;
        let opening = desk.opening(order.leg);
        let mut wanted = desk.opening_beside(order);
        let place = usize::from(order.side == Side::Sell);
        if let Some(units) = wanted.get_mut(place) {
            *units = units.checked_add(order.remaining()).ok_or(poor)?;
        }
        let [before, after] = [opening, wanted].map(|orders| exposure(held, orders));
        let (before, after) = (before.ok_or(poor)?, after.ok_or(poor)?);
        if after <= before {
            return Ok(());
        }
        let notional = instrument.value(after, price.value()).ok_or(poor)?.abs();
        if terms.max_notional.is_some_and(|most| notional > most) {
            return Err(poor);
        }
        let wish = Wish {
            instrument: instrument.id,
            leg: order.leg,
            exposure: after,
            price: price.value(),
        };
        let asset = instrument.settlement;
        let free = margin.free(&self.ledger, &self.market(None), asset, Orders::Counted(wish));
        let rate = self.config.fees.rate(self.traded, Liquidity::Taker).max(Decimal::ZERO);
        let value = instrument.value(order.remaining(), price.value()).ok_or(poor)?.abs();
        let fee = value.checked_mul(rate).ok_or(poor)?;
        if free.is_ok_and(|free| free >= fee) { Ok(()) } else { Err(poor) }
    }

    /// The next forced close on the way of a bar.
    #[inline(never)]
    pub(super) fn next_liquidation(&self, session: &Session) -> Option<Hit> {
        let margin = self.margin.as_ref()?;
        let id = session.instrument();
        if !self.desks.get(id.index())?.at_risk || margin.has_mark(id) {
            return None;
        }
        let instrument = self.instruments.get(id)?;
        let reach = margin.reach(&self.ledger, &self.market(None), instrument).ok()?;
        match session.stage {
            Stage::Open => session.liquidation_at_open(reach),
            Stage::Inside => session.liquidation_inside(reach),
            Stage::Between | Stage::Close => None,
        }
    }

    /// The bar has come to a price at which positions in its instrument are closed.
    #[inline(never)]
    pub(super) fn liquidate_at(&mut self, at: Timestamp, price: f64) {
        let Some(id) = self.session.as_ref().map(Session::instrument) else { return };
        let before = self.trades;
        self.judge(at, id, price, [price; 2]);
        if self.trades == before
            && let Some(desk) = self.desks.get_mut(id.index())
        {
            // Nothing could be booked; asking again would ask for ever.
            desk.at_risk = false;
        }
    }

    /// A price of the market values positions, before it matches orders.
    #[inline(never)]
    pub(super) fn mark_to_market(&mut self, at: Timestamp, event: &MarketEvent) {
        let id = event.instrument();
        let (Some(mark), Some(desk)) = (event.mark(), self.desks.get(id.index())) else { return };
        if event.check().is_err() || at < desk.seen_at {
            return;
        }
        let has_mark = self.margin.as_ref().is_some_and(|margin| margin.has_mark(id));
        let (feed, sides) = match event {
            MarketEvent::Mark(_) => {
                if let Some(margin) = &mut self.margin {
                    margin.set_mark(id, mark);
                }
                let sides = [Side::Sell, Side::Buy].map(|side| desk.exit_price(side, mark));
                (None, sides)
            }
            MarketEvent::Print(print) => (Some(Feed::Prints), [print.price; 2]),
            MarketEvent::Quote(quote) => (Some(Feed::Quotes), [quote.bid, quote.ask]),
            MarketEvent::Book(book) => {
                let best = [&book.bids, &book.asks].map(|levels| levels.first());
                (Some(Feed::Book), best.map(|level| level.map_or(mark, |level| level.price)))
            }
            // Bars have a way of their own, and funding is paid first.
            MarketEvent::Bar(_) | MarketEvent::Funding(_) | MarketEvent::Custom(_) => return,
        };
        if !desk.at_risk || feed.is_some_and(|feed| has_mark || feed < desk.feed) {
            return;
        }
        self.judge(at, id, mark, sides);
    }

    /// Funding was paid: isolated positions paid it from their own margin.
    #[inline(never)]
    pub(super) fn funded(&mut self, at: Timestamp, funding: &Funding, paid: Paid) {
        let id = funding.instrument;
        let Some(margin) = &mut self.margin else { return };
        margin.fund_isolated(id, paid);
        let Some(desk) = self.desks.get(id.index()).filter(|desk| desk.at_risk) else { return };
        let sides = [Side::Sell, Side::Buy].map(|side| desk.exit_price(side, funding.mark));
        self.judge(at, id, funding.mark, sides);
    }

    /// Closes what is not covered while an instrument is valued at `mark`; `sides` are the
    /// prices at which a long and a short position can be left.
    fn judge(&mut self, at: Timestamp, id: InstrumentId, mark: f64, sides: [f64; 2]) {
        let Some(instrument) = self.instruments.get(id) else { return };
        let exact = |price| instrument.price_grid.nearest(price);
        let (Some(mark), [Some(bid), Some(ask)]) = (exact(mark), sides.map(exact)) else { return };
        let asset = instrument.settlement;
        for leg in LEGS {
            if let Ok(Some(victim)) = self.isolated_victim((id, leg), mark, [bid, ask]) {
                self.cancel_all(at, |order| order.instrument == id && order.leg == leg);
                self.close(at, &victim);
            }
        }
        let mut is_first = true;
        while let Ok(Some(victim)) = self.cross_victim((id, mark, is_first), asset, [bid, ask]) {
            if is_first {
                self.cancel_cross(at, asset);
            }
            is_first = false;
            if !self.close(at, &victim) {
                return;
            }
        }
    }

    fn isolated_victim(
        &self,
        (id, leg): (InstrumentId, Leg),
        mark: Decimal,
        sides: [Decimal; 2],
    ) -> Result<Option<Victim>, MarginError> {
        let Some(margin) = &self.margin else { return Ok(None) };
        let market = self.market(Some((id, mark)));
        let Some(position) = margin.position(&self.ledger, &market, (id, leg))? else {
            return Ok(None);
        };
        let is_isolated = position.terms.mode == MarginMode::Isolated;
        if !is_isolated || !margin.isolated_prices(leg, &position)?.reached(mark) {
            return Ok(None);
        }
        let behind = margin.collateral(leg, &position)?;
        Ok(Some(Victim { instrument: id, leg, behind, market: side_of(&position, sides) }))
    }

    /// The cross position with the largest maintenance margin, where they are not covered.
    fn cross_victim(
        &self,
        (id, mark, is_first): (InstrumentId, Decimal, bool),
        asset: AssetId,
        sides: [Decimal; 2],
    ) -> Result<Option<Victim>, MarginError> {
        let Some(margin) = &self.margin else { return Ok(None) };
        let market = self.market(Some((id, mark)));
        let summary = margin.cross_summary(&self.ledger, &market, asset)?;
        // Where the price was found on the grid, the grid decides.
        let is_reached = is_first
            && match self.instruments.get(id) {
                Some(it) => margin.cross_prices(&self.ledger, &market, it)?.reached(mark),
                None => false,
            };
        if !is_reached && !summary.is_breached() {
            return Ok(None);
        }
        let (_, positions) = margin.cross(&self.ledger, &market, asset)?;
        let mut largest: Option<(Decimal, Leg, MarginPosition<'_>)> = None;
        for (leg, position) in positions {
            let maintenance = position.maintenance()?;
            if largest.is_none_or(|(most, ..)| maintenance > most) {
                largest = Some((maintenance, leg, position));
            }
        }
        let Some((_, leg, position)) = largest else { return Ok(None) };
        let behind = summary.balance.checked_sub(position.unrealised()?);
        let behind = behind.ok_or(MarginError::Overflow)?;
        let instrument = position.instrument.id;
        let market = if instrument == id { side_of(&position, sides) } else { position.mark };
        Ok(Some(Victim { instrument, leg, behind, market }))
    }

    /// Ends the orders of all cross instruments that settle in an asset.
    fn cancel_cross(&mut self, at: Timestamp, asset: AssetId) {
        let ids: Vec<InstrumentId> = self
            .instruments
            .iter()
            .filter(|instrument| instrument.settlement == asset)
            .filter(|instrument| {
                let terms = self.margin.as_ref().and_then(|it| it.book.terms(instrument.id));
                terms.is_some_and(|terms| terms.mode == MarginMode::Cross)
            })
            .map(|instrument| instrument.id)
            .collect();
        self.cancel_all(at, |order| ids.contains(&order.instrument));
    }

    pub(super) fn cancel_all(&mut self, at: Timestamp, which: impl Fn(&OpenOrder) -> bool) {
        loop {
            let order = self.open_orders().find(|order| which(order)).copied();
            let Some(order) = order else { return };
            self.end(at, &order, OrderReport::Cancelled);
        }
    }

    /// Closes a position whole and reports it; false when it could not be booked.
    fn close(&mut self, at: Timestamp, victim: &Victim) -> bool {
        let Some(forced) = self.book_forced(victim) else { return false };
        self.trades = self.trades.wrapping_add(1);
        let execution = FillReport {
            trade: TradeId(u128::from(self.trades)),
            price: forced.exit,
            quantity: Qty::new(forced.quantity),
            fee: forced.fee,
            liquidity: Liquidity::Taker,
            before_slippage: forced.exit,
        };
        let update = OrderUpdate {
            order: OrderId::default(),
            instrument: victim.instrument,
            side: forced.side,
            leg: victim.leg,
            report: OrderReport::Liquidated(execution),
        };
        self.reports.push_back((at, update));
        true
    }

    fn book_forced(&mut self, victim: &Victim) -> Option<Forced> {
        let (id, leg) = (victim.instrument, victim.leg);
        let instrument = self.instruments.get(id)?;
        let asset = instrument.settlement;
        let held = self.ledger.holding(id, leg);
        let side = Side::of(held.quantity)?.opposite();
        let value = |price| instrument.value(held.quantity, price);
        let exit = exit_price(instrument, victim, [held.quantity, held.cost])?;
        let quantity = held.quantity.abs();
        let (price, fee) = (exit.value(), Money::zero(asset));
        let booking = Booking { instrument, leg, side, quantity, price, fee };
        let cash = self.ledger.balance(asset)?;
        self.ledger.book(&booking)?;
        // What is left pays the fee, and no more than that.
        let realised = self.ledger.balance(asset)?.checked_sub(cash)?;
        let left = victim.behind.checked_add(realised)?.max(Decimal::ZERO);
        let digits = self.ledger.digits_of(asset);
        let margin = self.margin.as_deref_mut()?;
        let rate = margin.book.terms(id)?.liquidation_fee;
        let fee = value(price)?.abs().checked_mul(rate)?.min(left);
        let fee = fee.round_dp_with_strategy(digits, RoundingStrategy::ToZero);
        self.ledger.pay(asset, -fee)?;
        let taken = value(victim.market)?.checked_sub(value(price)?)?.round_dp(digits);
        if let Some(fund) = margin.fund.get_mut(asset.index()) {
            *fund = fund.checked_add(fee)?.checked_add(taken)?;
        }
        margin.release(&self.ledger, (id, leg), held.quantity);
        let at_risk = margin.is_at_risk(&self.ledger, id);
        if let Some(desk) = self.desks.get_mut(id.index()) {
            desk.at_risk = at_risk;
        }
        Some(Forced { side, exit, quantity, fee: Money::new(fee, asset) })
    }
}

impl Desk {
    /// Working orders of a leg that may open, buys and sells.
    pub(super) fn opening(&self, leg: Leg) -> [Decimal; 2] {
        self.opening_where(|order| order.leg == leg)
    }

    /// The same of an order's leg without those that it is linked with.
    fn opening_beside(&self, order: &OpenOrder) -> [Decimal; 2] {
        self.opening_where(|other| other.leg == order.leg && !other.is_linked_with(order))
    }

    fn opening_where(&self, counts: impl Fn(&OpenOrder) -> bool) -> [Decimal; 2] {
        let mut sums = [Decimal::ZERO; 2];
        let opens = |order: &&OpenOrder| !order.is_reduce_only() && counts(order);
        for order in self.orders.iter().filter(opens) {
            let [buy, sell] = &mut sums;
            let sum = if order.side == Side::Buy { buy } else { sell };
            *sum = sum.checked_add(order.remaining()).unwrap_or(Decimal::MAX);
        }
        sums
    }

    /// Where an execution of this side can leave a position; `mark` where nothing is known.
    fn exit_price(&self, side: Side, mark: f64) -> f64 {
        let price = match (self.feed, side) {
            (Feed::Bars | Feed::Prints, _) => self.last,
            (Feed::Quotes | Feed::Book, Side::Buy) => self.ask,
            (Feed::Quotes | Feed::Book, Side::Sell) => self.bid,
        };
        if price.is_finite() { price } else { mark }
    }
}

/// The price at which a position is left: longs at the bid, shorts at the offer.
fn side_of(position: &MarginPosition<'_>, [bid, ask]: [Decimal; 2]) -> Decimal {
    if position.quantity.is_sign_negative() { ask } else { bid }
}

/// The market's price, or the one at which nothing is left where the market is beyond it.
fn exit_price(
    instrument: &Instrument,
    victim: &Victim,
    [held, cost]: [Decimal; 2],
) -> Option<Price> {
    let market = Price::new(victim.market).ok();
    let value = instrument.value(held, victim.market)?;
    let left = victim.behind.checked_add(value)?.checked_sub(cost)?;
    if left >= Decimal::ZERO {
        return market;
    }
    let units = held.checked_mul(instrument.multiplier)?;
    let owed = cost.checked_sub(victim.behind)?;
    let bankrupt = if instrument.kind.is_inverse() {
        (-units).checked_div(owed)
    } else {
        owed.checked_div(units)
    };
    // In the account's favour: it must not owe the rest of a tick.
    let strategy = if units.is_sign_negative() {
        RoundingStrategy::ToNegativeInfinity
    } else {
        RoundingStrategy::ToPositiveInfinity
    };
    let digits = u32::from(instrument.price_grid.digits());
    let on_grid = bankrupt.map(|price| price.round_dp_with_strategy(digits, strategy));
    on_grid.and_then(|price| Price::new(price).ok()).or(market)
}
