//! What one bar does to one order: pure functions of the bar and the order.

use serde::{Deserialize, Serialize};

use super::order::{OpenOrder, Start, Way};
use super::{LimitFill, PathModel, SimConfig};
use crate::types::{Bar, InstrumentId, Side, Timestamp};

/// One bar while it is matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Session {
    /// From 1.
    pub(super) number: u64,
    pub(super) open_at: Timestamp,
    pub(super) close_at: Timestamp,
    pub(super) bar: Bar,
    pub(super) stage: Stage,
    /// The price path, `None` for worst first.
    path: Option<[f64; 4]>,
    limit_fill: LimitFill,
    /// The leg of the path that is being walked.
    leg: u8,
    /// The price that the walk has come to.
    pub(super) cursor: f64,
    /// Orders that were placed and may match within this session.
    pub(super) admitted: u32,
}

/// How far the matching of a bar has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    Open,
    Between,
    Inside,
    Close,
}

/// What happens to an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Act {
    /// Its trigger is touched while the market is at this price.
    Trigger(f64),
    /// It fills at its own limit.
    FillAtLimit,
    /// It fills at the market's price.
    FillAt(f64),
    /// Its one chance has passed.
    Kill,
    /// No order: the venue closes positions whose margin is used up.
    Liquidate,
}

/// Something that happens to an order, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hit {
    pub(super) sequence: u64,
    pub(super) act: Act,
    rank: u8,
    distance: f64,
    /// The market's price at that moment.
    price: f64,
}

/// What an order sees of a bar.
#[derive(Clone, Copy)]
enum Sight {
    /// Nothing: it came too late.
    None,
    /// All of it.
    Whole,
    /// What follows a moment at which the market was at this price.
    From(f64),
    /// What follows an unknown moment.
    Unknown,
}

impl Session {
    pub(super) fn new(
        number: u64,
        [open_at, close_at]: [Timestamp; 2],
        bar: &Bar,
        config: &SimConfig,
    ) -> Self {
        let Bar { open, high, low, close, .. } = *bar;
        Self {
            number,
            open_at,
            close_at,
            bar: *bar,
            stage: Stage::Open,
            path: match config.path {
                PathModel::WorstFirst => None,
                PathModel::OpenHighLowClose => Some([open, high, low, close]),
                PathModel::NearestFirst if high - open < open - low => {
                    Some([open, high, low, close])
                }
                PathModel::OpenLowHighClose | PathModel::NearestFirst => {
                    Some([open, low, high, close])
                }
            },
            limit_fill: config.limit_fill,
            leg: 0,
            cursor: open,
            admitted: 0,
        }
    }

    pub(super) fn instrument(&self) -> InstrumentId {
        self.bar.instrument
    }

    /// The walk has come to this hit; trailing stops have seen the prices on the way.
    pub(super) fn arrive(&mut self, hit: &Hit, orders: &mut [OpenOrder]) {
        if self.stage != Stage::Inside {
            return;
        }
        self.cursor = hit.price;
        let Some(path) = self.path else { return };
        // A hit at an unknown moment lets only the way to the close follow.
        let leg = hit.rank.min(2);
        let passed = usize::from(self.leg) + 1..usize::from(leg) + 1;
        for order in orders.iter_mut().filter(|order| order.is_trailing() && !order.triggered) {
            if matches!(self.sight(order), Sight::Whole | Sight::From(_)) {
                let prices = path.get(passed.clone()).unwrap_or_default();
                prices.iter().for_each(|&price| order.trail(price));
            }
        }
        self.leg = leg;
    }

    fn sight(&self, order: &OpenOrder) -> Sight {
        if order.session == self.number {
            return match order.start {
                Start::Open => Sight::Whole,
                Start::Price(price) => Sight::From(price),
                Start::Next => Sight::None,
            };
        }
        if order.accepted_at <= self.open_at {
            Sight::Whole
        } else if order.accepted_at < self.close_at {
            Sight::Unknown
        } else {
            Sight::None
        }
    }

    /// What the order may do at the open.
    #[inline(always)]
    pub(super) fn at_open(&self, order: &OpenOrder, full: bool) -> Option<Hit> {
        if !matches!(self.sight(order), Sight::Whole) {
            return None;
        }
        let open = self.bar.open;
        let act = if !order.triggered {
            let trigger = order.trigger_after(open);
            order.trigger_way().reached(open, trigger).then_some(Act::Trigger(open))
        } else if full {
            order.is_immediate().then_some(Act::Kill)
        } else if order.is_market() {
            Some(Act::FillAt(open))
        } else if self.passes(order, open) {
            // Who must not take gets no better price than its own.
            Some(if order.flags.post_only { Act::FillAtLimit } else { Act::FillAt(open) })
        } else {
            order.is_immediate().then_some(Act::Kill)
        };
        act.map(|act| Hit { sequence: order.sequence, act, rank: 0, distance: 0.0, price: open })
    }

    /// What the order does next inside the bar.
    #[inline(never)]
    pub(super) fn inside(&self, order: &OpenOrder, full: bool) -> Option<Hit> {
        if order.expires_at < self.close_at || order.is_market() || (full && order.triggered) {
            return None;
        }
        let sight = self.sight(order);
        match (self.path, sight) {
            (_, Sight::None) => None,
            (Some(path), Sight::Whole | Sight::From(_)) => self.on_path(order, path),
            (Some(_) | None, Sight::Unknown) | (None, Sight::Whole | Sight::From(_)) => {
                self.worst_first(order, sight)
            }
        }
    }

    /// True when a market at this price fills the resting limit order.
    fn passes(&self, order: &OpenOrder, price: f64) -> bool {
        match self.limit_fill {
            LimitFill::Through => order.prefers(price),
            LimitFill::Touch => order.accepts(price),
        }
    }

    /// Stops by the whole range first; then targets, those that start inside the bar by the
    /// close alone; last what the close makes certain for trailing stops.
    fn worst_first(&self, order: &OpenOrder, sight: Sight) -> Option<Hit> {
        let Bar { open, close, .. } = self.bar;
        let (from, whole) = match sight {
            Sight::Whole => (open, true),
            Sight::From(price) => (price, false),
            // What it saw first is not known: nothing older than the order may fill it.
            Sight::Unknown | Sight::None => (f64::NAN, false),
        };
        // Certain events inside an unknown path come last.
        let last = if self.path.is_some() { 3 } else { 2 };
        let hit = |rank: u8, act: Act, price: f64| {
            let distance = (price - open).abs();
            Some(Hit { sequence: order.sequence, act, rank, distance, price })
        };
        if !order.triggered {
            let way = order.trigger_way();
            let with_order =
                matches!((order.side, way), (Side::Buy, Way::Up) | (Side::Sell, Way::Down));
            let trigger = order.trigger_after(from);
            let reach = if with_order || whole { self.extreme(way) } else { close };
            if way.reached(reach, trigger) || way.reached(from, trigger) {
                let price = if way.reached(from, trigger) {
                    from
                } else if from.is_nan() && with_order && way.reached(open, trigger) {
                    reach
                } else {
                    trigger
                };
                let rank = if self.path.is_some() { 3 } else { u8::from(!with_order) };
                return hit(rank, Act::Trigger(price), price);
            }
            if order.is_trailing() {
                let best = match way {
                    Way::Up => self.bar.low,
                    Way::Down => self.bar.high,
                };
                // The close follows both extremes: from the best price it came back this far.
                let best = if whole { best } else { from };
                let trigger = order.trigger_after(best);
                if way.reached(close, trigger) {
                    return hit(last, Act::Trigger(trigger), trigger);
                }
            }
            return None;
        }
        if let Sight::From(price) = sight
            && order.prefers(price)
            && !order.flags.post_only
        {
            return hit(0, Act::FillAt(price), price);
        }
        let reach = match (whole, order.side) {
            (true, Side::Buy) => self.bar.low,
            (true, Side::Sell) => self.bar.high,
            (false, _) => close,
        };
        let rank = if self.path.is_some() { 3 } else { 1 };
        if self.passes(order, reach) { hit(rank, Act::FillAtLimit, order.limit) } else { None }
    }

    fn extreme(&self, way: Way) -> f64 {
        match way {
            Way::Up => self.bar.high,
            Way::Down => self.bar.low,
        }
    }

    /// Walks the rest of the path.
    fn on_path(&self, order: &OpenOrder, path: [f64; 4]) -> Option<Hit> {
        let mut anchored = *order;
        let mut start = self.cursor;
        for (rank, &end) in (0_u8..).zip(path.get(1..)?).skip(usize::from(self.leg)) {
            anchored.trail(start);
            if let Some((act, price)) = self.on_leg(&anchored, start, end) {
                let distance = (price - start).abs();
                return Some(Hit { sequence: order.sequence, act, rank, distance, price });
            }
            anchored.trail(end);
            start = end;
        }
        None
    }

    fn on_leg(&self, order: &OpenOrder, start: f64, end: f64) -> Option<(Act, f64)> {
        if !order.triggered {
            let way = order.trigger_way();
            let trigger = order.trigger_after(start);
            if way.reached(start, trigger) {
                return Some((Act::Trigger(start), start));
            }
            return way.reached(end, trigger).then_some((Act::Trigger(trigger), trigger));
        }
        if order.prefers(start) {
            let at_limit = order.flags.post_only;
            let act = if at_limit { Act::FillAtLimit } else { Act::FillAt(start) };
            return Some((act, start));
        }
        self.passes(order, end).then_some((Act::FillAtLimit, order.limit))
    }

    /// The bar is over: what the order has seen of it.
    pub(super) fn outlast(&self, order: &mut OpenOrder) {
        let seen = match self.sight(order) {
            Sight::None => return,
            Sight::Whole => true,
            Sight::From(_) | Sight::Unknown => false,
        };
        order.rested |= order.triggered;
        if order.is_trailing() {
            order.trail(self.bar.close);
            if seen {
                order.trail(self.bar.high);
                order.trail(self.bar.low);
            }
        }
    }
}

/// Liquidations: they see the whole bar, and come before orders at the same price.
impl Session {
    /// The bar opens where positions are closed.
    pub(super) fn liquidation_at_open(&self, reach: Reach) -> Option<Hit> {
        let open = self.bar.open;
        let is_hit = open <= reach.below || open >= reach.above;
        is_hit.then_some(Hit {
            sequence: 0,
            act: Act::Liquidate,
            rank: 0,
            distance: 0.0,
            price: open,
        })
    }

    /// Where inside the bar positions are closed. Without a path the whole range may follow
    /// any moment.
    pub(super) fn liquidation_inside(&self, reach: Reach) -> Option<Hit> {
        let from = self.cursor;
        let hit = |rank: u8, price: f64, start: f64| {
            let distance = (price - start).abs();
            Some(Hit { sequence: 0, act: Act::Liquidate, rank, distance, price })
        };
        let touched = |start: f64, end: f64| {
            if start <= reach.below || start >= reach.above {
                Some(start)
            } else if end <= reach.below {
                Some(reach.below)
            } else if end >= reach.above {
                Some(reach.above)
            } else {
                None
            }
        };
        let Some(path) = self.path else {
            let ends = [self.bar.low, self.bar.high];
            let hits = ends.map(|end| touched(from, end));
            let open = self.bar.open;
            let nearest = |price: &f64| (price - open).abs();
            let first = hits.into_iter().flatten().min_by(|a, b| nearest(a).total_cmp(&nearest(b)));
            return first.and_then(|price| hit(0, price, open));
        };
        let mut start = from;
        for (rank, &end) in (0_u8..).zip(path.get(1..)?).skip(usize::from(self.leg)) {
            if let Some(price) = touched(start, end) {
                return hit(rank, price, start);
            }
            start = end;
        }
        None
    }
}

/// Prices at which positions are closed: at `below` and below, at `above` and above; NaN for
/// none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    pub(super) below: f64,
    pub(super) above: f64,
}

impl Hit {
    /// The market's price at this moment.
    pub(super) const fn market(&self) -> f64 {
        self.price
    }

    /// True when this happens before the other.
    pub(super) fn is_before(&self, other: &Self) -> bool {
        (self.rank, self.distance, self.sequence) < (other.rank, other.distance, other.sequence)
    }
}
