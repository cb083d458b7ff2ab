//! Matching against prints, quotes and books.

use rust_decimal::Decimal;

use super::bar::floor;
use super::desk::{Desk, Feed};
use super::execute::{Deal, Pricing};
use super::order::OpenOrder;
use super::{LimitFill, QuoteDepth, SimVenue};
use crate::types::{
    Book, BookLevel, InstrumentId, Liquidity, MarketEvent, OrderReport, Price, Print, Qty, Quote,
    Side, TimeInForce, Timestamp,
};

/// What can be traded against: the levels of both sides, best first.
#[derive(Clone, Copy)]
struct Ladder<'a> {
    bids: &'a [BookLevel],
    asks: &'a [BookLevel],
    depth: QuoteDepth,
}

impl<'a> Ladder<'a> {
    /// The levels that an order of this side takes from.
    fn against(&self, side: Side) -> &'a [BookLevel] {
        match side {
            Side::Buy => self.asks,
            Side::Sell => self.bids,
        }
    }

    /// Quantity displayed at an order's own price; `None` beyond what is visible.
    fn displayed(&self, order: &OpenOrder) -> Option<f64> {
        let own = match order.side {
            Side::Buy => self.bids,
            Side::Sell => self.asks,
        };
        let worst = own.last()?;
        if order.prefers(worst.price) {
            // The order lies within the visible prices: a level that is not there is empty.
            let level = own.iter().find(|level| level.price == order.limit);
            return Some(level.map_or(0.0, |level| level.quantity));
        }
        (worst.price == order.limit).then_some(worst.quantity)
    }
}

impl SimVenue {
    #[inline(never)]
    pub(super) fn on_quote(&mut self, at: Timestamp, quote: &Quote) {
        if MarketEvent::Quote(*quote).check().is_err() {
            return;
        }
        let bids = [BookLevel { price: quote.bid, quantity: quote.bid_quantity }];
        let asks = [BookLevel { price: quote.ask, quantity: quote.ask_quantity }];
        let ladder = Ladder { bids: &bids, asks: &asks, depth: self.config.quote_depth };
        self.on_ladder(at, quote.instrument, Feed::Quotes, ladder);
    }

    #[inline(never)]
    pub(super) fn on_book(&mut self, at: Timestamp, book: &Book) {
        let ladder = Ladder { bids: &book.bids, asks: &book.asks, depth: QuoteDepth::Displayed };
        if !is_sound(&ladder) {
            return;
        }
        self.on_ladder(at, book.instrument, Feed::Book, ladder);
    }

    fn on_ladder(&mut self, at: Timestamp, id: InstrumentId, feed: Feed, ladder: Ladder<'_>) {
        let Some(desk) = self.desks.get(id.index()) else { return };
        if at < desk.seen_at || feed < desk.feed {
            return;
        }
        let triggers = !desk.prints;
        // What arrives now was sent without knowing this event.
        self.run_requests(at);
        let Some(desk) = self.desks.get_mut(id.index()) else { return };
        desk.see_ladder(at, feed, &ladder);
        if desk.orders.is_empty() {
            return;
        }
        self.expire(at);
        let mut sequence = 0;
        while let Some(order) = self.next_order(id, sequence) {
            sequence = order.sequence;
            let market = ladder.against(order.side).first().map_or(f64::NAN, |best| best.price);
            let order = if triggers { self.touch(at, order, market) } else { order };
            self.take(at, order, &ladder);
            self.queue_up(sequence, id, &ladder);
        }
    }

    /// Lets a price touch the order's trigger.
    fn touch(&mut self, at: Timestamp, mut order: OpenOrder, price: f64) -> OpenOrder {
        if order.triggered || price.is_nan() {
            return order;
        }
        let trigger = order.trigger_after(price);
        if order.trigger_way().reached(price, trigger) {
            order.triggered = true;
            self.reports.push_back((at, order.update(OrderReport::Triggered)));
        } else {
            order.trail(price);
        }
        self.store(&order);
        order
    }

    /// Takes what is displayed, level by level, up to the order's limit.
    fn take(&mut self, at: Timestamp, mut order: OpenOrder, ladder: &Ladder<'_>) {
        if !order.triggered {
            return;
        }
        if order.quantity.is_none() {
            self.resolve_by_levels(at, &mut order, ladder);
        }
        let within = |level: &&BookLevel| order.is_market() || order.accepts(level.price);
        let levels = ladder.against(order.side).iter().filter(within);
        let fok = order.time_in_force == TimeInForce::Fok && order.quantity.is_some();
        if fok && self.depth(&order, ladder).is_some_and(|depth| depth < order.remaining()) {
            self.end(at, &order, OrderReport::Cancelled);
            return;
        }
        let makes = (order.rested || order.flags.post_only) && !order.is_market();
        let mut current = Some(order);
        for level in levels {
            let Some(order) = current else { return };
            if let Some(deal) = self.deal_with(at, &order, level, (makes, ladder.depth)) {
                self.fill_level(order, &deal);
                current = self.lookup(&order);
            }
        }
        if let Some(order) = current.filter(OpenOrder::is_immediate) {
            self.end(at, &order, OrderReport::Cancelled);
        } else if let Some(mut order) = current {
            order.rested |= !order.is_market();
            self.store(&order);
        }
    }

    /// The chance that one level is for an order; `None` when the level is empty.
    fn deal_with(
        &self,
        at: Timestamp,
        order: &OpenOrder,
        level: &BookLevel,
        (makes, depth): (bool, QuoteDepth),
    ) -> Option<Deal> {
        let instrument = self.instruments.get(order.instrument)?;
        let available = match depth {
            QuoteDepth::Unlimited => None,
            QuoteDepth::Displayed => Some(floor(instrument, level.quantity)?),
        };
        if available.is_some_and(|units| units.is_zero()) {
            return None;
        }
        // A resting order is met at its own price by whoever came.
        let own = order.kind.limit().filter(|_| makes);
        let raw = match own {
            Some(limit) => limit,
            None => Price::new(instrument.price_grid.nearest(level.price)?).ok()?,
        };
        let mut scene = self.desks.get(order.instrument.index())?.scene();
        scene.volume = level.quantity;
        let liquidity = if makes { Liquidity::Maker } else { Liquidity::Taker };
        Some(Deal { at, raw, liquidity, available, scene })
    }

    /// What is displayed within the order's reach; `None` for no bound.
    fn depth(&self, order: &OpenOrder, ladder: &Ladder<'_>) -> Option<Decimal> {
        let instrument = self.instruments.get(order.instrument)?;
        match ladder.depth {
            QuoteDepth::Unlimited => None,
            QuoteDepth::Displayed => ladder
                .against(order.side)
                .iter()
                .filter(|level| order.is_market() || order.accepts(level.price))
                .try_fold(Decimal::ZERO, |sum, level| {
                    sum.checked_add(floor(instrument, level.quantity)?)
                }),
        }
    }

    /// Turns a cash amount into what it buys at the levels' several prices. What they cannot
    /// give is counted at the last one's price; without levels it stays unresolved.
    fn resolve_by_levels(&mut self, at: Timestamp, order: &mut OpenOrder, ladder: &Ladder<'_>) {
        let Some(quantity) = self.units_for_cash(order, ladder) else { return };
        if quantity.is_zero() {
            return;
        }
        let quantity = Qty::new(quantity);
        order.quantity = Some(quantity);
        self.store(order);
        self.reports.push_back((at, order.update(OrderReport::Resolved { quantity })));
    }

    fn units_for_cash(&self, order: &OpenOrder, ladder: &Ladder<'_>) -> Option<Decimal> {
        let instrument = self.instruments.get(order.instrument)?;
        let rate = self.config.fees.rate(self.traded, Liquidity::Taker);
        let mut cash = order.cash?.amount;
        let mut units = Decimal::ZERO;
        let levels = ladder.against(order.side);
        for (index, level) in levels.iter().enumerate() {
            let price = Price::new(instrument.price_grid.nearest(level.price)?).ok()?;
            let pricing = Pricing { instruments: &self.instruments, instrument, price, rate };
            let wanted = pricing.affordable(&self.config.fees, cash)?;
            let is_last = index + 1 == levels.len() || ladder.depth == QuoteDepth::Unlimited;
            let there = floor(instrument, level.quantity)?;
            let taken = if is_last { wanted } else { wanted.min(there) };
            units = units.checked_add(taken)?;
            cash = cash.checked_sub(pricing.cost(&self.config.fees, taken)?)?;
            if taken == wanted {
                break;
            }
        }
        (units >= instrument.min_quantity).then_some(units)
    }

    /// One level's fill of an order that may go on to the next level: what is immediate must
    /// not be cancelled in between.
    fn fill_level(&mut self, order: OpenOrder, deal: &Deal) {
        let mut patient = OpenOrder { time_in_force: TimeInForce::Gtc, ..order };
        self.fill(&mut patient, deal);
        if let Some(mut rest) = self.lookup(&order) {
            rest.time_in_force = order.time_in_force;
            self.store(&rest);
        }
    }

    fn lookup(&self, order: &OpenOrder) -> Option<OpenOrder> {
        let desk = self.desks.get(order.instrument.index())?;
        desk.orders.get(desk.index_of(order.sequence)?).copied()
    }

    /// Keeps the order's place in the queue in step with what is displayed.
    fn queue_up(&mut self, sequence: u64, id: InstrumentId, ladder: &Ladder<'_>) {
        let Some(desk) = self.desks.get_mut(id.index()) else { return };
        let Some(index) = desk.index_of(sequence) else { return };
        if let Some(order) = desk.orders.get_mut(index)
            && order.triggered
            && !order.is_market()
            && let Some(displayed) = ladder.displayed(order)
        {
            order.queue.observe(displayed);
        }
    }

    #[inline(never)]
    pub(super) fn on_print(&mut self, at: Timestamp, print: &Print) {
        if MarketEvent::Print(*print).check().is_err() {
            return;
        }
        let id = print.instrument;
        let Some(desk) = self.desks.get(id.index()) else { return };
        if at < desk.seen_at {
            return;
        }
        self.run_requests(at);
        let Some(desk) = self.desks.get_mut(id.index()) else { return };
        desk.see_print(at, print);
        let feed = desk.feed;
        if desk.orders.is_empty() {
            return;
        }
        self.expire(at);
        let mut left = self.share_of(print);
        let mut sequence = 0;
        while let Some(order) = self.next_order(id, sequence) {
            sequence = order.sequence;
            let order = self.touch(at, order, print.price);
            if !order.triggered {
                continue;
            }
            let filled = if order.is_market() {
                // Where quotes exist, takers wait for the next one.
                if feed > Feed::Prints {
                    continue;
                }
                self.meet(at, order, print, left)
            } else {
                self.meet_limit(at, order, print, left)
            };
            if let Some(left) = &mut left {
                *left = left.checked_sub(filled).unwrap_or_default().max(Decimal::ZERO);
            }
            self.settle_immediate(at, sequence, id, feed);
        }
    }

    fn share_of(&self, print: &Print) -> Option<Decimal> {
        let instrument = self.instruments.get(print.instrument)?;
        let share = self.config.volume_share?;
        Some(floor(instrument, print.quantity * share).unwrap_or_default())
    }

    /// A market order meets a print.
    fn meet(
        &mut self,
        at: Timestamp,
        mut order: OpenOrder,
        print: &Print,
        available: Option<Decimal>,
    ) -> Decimal {
        let raw = self
            .instruments
            .get(order.instrument)
            .and_then(|instrument| Price::new(instrument.price_grid.nearest(print.price)?).ok());
        let (Some(raw), Some(desk)) = (raw, self.desks.get(order.instrument.index())) else {
            return Decimal::ZERO;
        };
        let scene = desk.scene();
        self.fill(&mut order, &Deal { at, raw, liquidity: Liquidity::Taker, available, scene })
    }

    /// A limit order meets a print: beyond its price all of it is filled, at its price what
    /// comes behind the queue.
    fn meet_limit(
        &mut self,
        at: Timestamp,
        mut order: OpenOrder,
        print: &Print,
        left: Option<Decimal>,
    ) -> Decimal {
        let Some(instrument) = self.instruments.get(order.instrument) else {
            return Decimal::ZERO;
        };
        if order.prefers(print.price) {
            if order.rested || order.flags.post_only {
                return self.meet_at_limit(at, order, left);
            }
            let quoted = self.desks.get(order.instrument.index());
            if quoted.is_some_and(|desk| desk.feed > Feed::Prints) {
                return Decimal::ZERO;
            }
            return self.meet(at, order, print, left);
        }
        order.rested = true;
        let own_side = print.taker.is_none_or(|taker| taker != order.side);
        if print.price != order.limit || !own_side {
            self.store(&order);
            return Decimal::ZERO;
        }
        let reached = if order.queue.ahead.is_nan() {
            match self.config.limit_fill {
                LimitFill::Through => Some(Decimal::ZERO),
                LimitFill::Touch => None,
            }
        } else {
            let reached = order.queue.trade(print.quantity);
            Some(floor(instrument, reached).unwrap_or_default())
        };
        self.store(&order);
        let available = match (reached, left) {
            (Some(reached), Some(left)) => Some(reached.min(left)),
            (Some(reached), None) => Some(reached),
            (None, left) => left,
        };
        if available.is_some_and(|units| units.is_zero()) {
            return Decimal::ZERO;
        }
        self.meet_at_limit(at, order, available)
    }

    fn meet_at_limit(
        &mut self,
        at: Timestamp,
        mut order: OpenOrder,
        available: Option<Decimal>,
    ) -> Decimal {
        let desk = self.desks.get(order.instrument.index());
        let (Some(raw), Some(desk)) = (order.kind.limit(), desk) else { return Decimal::ZERO };
        let scene = desk.scene();
        self.fill(&mut order, &Deal { at, raw, liquidity: Liquidity::Maker, available, scene })
    }

    /// Ends an immediate order that had its chance on prints.
    fn settle_immediate(&mut self, at: Timestamp, sequence: u64, id: InstrumentId, feed: Feed) {
        let Some(desk) = self.desks.get(id.index()) else { return };
        let order = desk.index_of(sequence).and_then(|index| desk.orders.get(index)).copied();
        if let Some(order) = order.filter(OpenOrder::is_immediate)
            && feed == Feed::Prints
        {
            self.end(at, &order, OrderReport::Cancelled);
        }
    }
}

impl Desk {
    fn see_ladder(&mut self, at: Timestamp, feed: Feed, ladder: &Ladder<'_>) {
        self.seen_at = at;
        self.feed = self.feed.max(feed);
        self.bid = ladder.bids.first().map_or(f64::NAN, |level| level.price);
        self.ask = ladder.asks.first().map_or(f64::NAN, |level| level.price);
    }

    fn see_print(&mut self, at: Timestamp, print: &Print) {
        self.seen_at = at;
        self.feed = self.feed.max(Feed::Prints);
        self.prints = true;
        self.last = print.price;
        self.volume = print.quantity;
    }
}

/// True when the levels are what a book can have.
fn is_sound(ladder: &Ladder<'_>) -> bool {
    let levels = ladder.bids.iter().chain(ladder.asks);
    let numbers = levels.into_iter().all(|level| {
        level.price > 0.0
            && level.price.is_finite()
            && level.quantity >= 0.0
            && level.quantity.is_finite()
    });
    let falling = ladder.bids.windows(2).all(|pair| matches!(pair, [a, b] if a.price > b.price));
    let rising = ladder.asks.windows(2).all(|pair| matches!(pair, [a, b] if a.price < b.price));
    let apart = match (ladder.bids.first(), ladder.asks.first()) {
        (Some(bid), Some(ask)) => bid.price < ask.price,
        (_, _) => true,
    };
    numbers && falling && rising && apart
}
