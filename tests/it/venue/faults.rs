//! Conversation, queue and book against a venue that loses, delays and repeats, in virtual time:
//! no order is live that the client takes for refused, none is sent twice, no fill is lost, and
//! no order is placed on a book that differs from the venue's.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use tradewright::types::{
    AssetId, BookLevel, FillReport, InstrumentId, Intent, Liquidity, Money, Order, OrderId,
    OrderReport, OrderStatus, Price, Qty, Side, SlotId, Timestamp, TradeId,
};
use tradewright::venue::{
    Answer, BookAction, BookSync, Conversation, ConversationConfig, Cost, DepthSnapshot,
    DepthUpdate, Found, Limited, RateBudget, RequestQueue, SyncRule, TalkAction, Urgency,
};

const ID: InstrumentId = InstrumentId(0);
const STEP: Duration = Duration::from_millis(250);
/// Steps in which orders are placed; afterwards the world runs on until all is known.
const BUSY: u32 = 240;
const MOST: u32 = 4_000;

struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: u32) -> u32 {
        (self.next() % u64::from(most)) as u32
    }

    fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }
}

/// What is under way, in one direction or the other.
enum Message {
    Order(Order),
    Answer(OrderId, Answer),
    Found(OrderId, Found),
    Fills(OrderId, Vec<FillReport>),
    Fill(OrderId, FillReport),
    Snapshot(Option<DepthSnapshot>),
}

#[derive(Clone, Copy)]
enum Request {
    Order(OrderId),
    Query(OrderId),
    Fills(OrderId),
    Snapshot,
}

#[derive(Default, Debug, PartialEq)]
struct Verdict {
    twice: u32,
    ghosts: u32,
    missing: u32,
    lost_fills: u32,
    stale: u32,
    unresolved: u32,
    placed: u32,
    doubted: u32,
}

impl Verdict {
    fn is_clean(&self) -> bool {
        self.twice + self.ghosts + self.missing + self.lost_fills + self.stale + self.unresolved
            == 0
    }
}

struct World {
    chance: Chance,
    now: Timestamp,
    step: u32,
    under_way: Vec<(u32, Message)>,
    // The venue.
    orders: BTreeMap<OrderId, Vec<FillReport>>,
    number: u64,
    bid: f64,
    bids: BTreeMap<u64, f64>,
    is_down_until: u32,
    trades: u128,
    // The client.
    talk: Conversation,
    queue: RequestQueue<Request>,
    book: BookSync,
    sent: u64,
    accepted: BTreeSet<OrderId>,
    refused: BTreeSet<OrderId>,
    booked: BTreeMap<(OrderId, TradeId), Decimal>,
    verdict: Verdict,
}

impl World {
    fn new(seed: u64, window: Duration) -> Self {
        let mut budget = RateBudget::new(20);
        budget.limit(Limited::Weight, Duration::from_secs(60), 600);
        budget.limit(Limited::Orders, Duration::from_secs(10), 20);
        let config = ConversationConfig { window, ..ConversationConfig::default() };
        Self {
            chance: Chance(seed),
            now: Timestamp::from_secs(1_700_000_000).unwrap(),
            step: 0,
            under_way: Vec::new(),
            orders: BTreeMap::new(),
            number: 1,
            bid: 99.0,
            bids: BTreeMap::from([(1, 99.0)]),
            is_down_until: 0,
            trades: 0,
            talk: Conversation::new(config),
            queue: RequestQueue::new(budget, 1_000),
            book: BookSync::new(ID, SyncRule::Spot),
            sent: 0,
            accepted: BTreeSet::new(),
            refused: BTreeSet::new(),
            booked: BTreeMap::new(),
            verdict: Verdict::default(),
        }
    }

    fn run(mut self) -> Verdict {
        let mut actions = Vec::new();
        self.book.start(self.now, &mut actions);
        self.on_book(&actions);
        while self.step < BUSY || self.step < MOST && !self.talk.is_empty() {
            self.one_step();
        }
        // What is still under way arrives, and the last account of fills is taken.
        self.step += 1_000;
        self.arrive();
        self.catch_up();
        self.judge()
    }

    fn one_step(&mut self) {
        self.step += 1;
        self.now = self.now.after(STEP);
        if self.step < BUSY && self.chance.percent(2) && !self.is_down() {
            self.is_down_until = self.step + 1 + self.chance.below(12);
            let (mut talk, mut book) = (Vec::new(), Vec::new());
            self.talk.on_disconnected(self.now, &mut talk);
            self.book.stop(self.now, &mut book);
            self.on_talk(&talk);
        }
        if self.step == self.is_down_until {
            let mut actions = Vec::new();
            self.book.start(self.now, &mut actions);
            self.on_book(&actions);
            self.catch_up();
        }
        self.arrive();
        self.trade();
        self.decide();
        let (mut talk, mut book) = (Vec::new(), Vec::new());
        self.talk.on_time(self.now, &mut talk);
        self.book.on_time(self.now, &mut book);
        self.on_talk(&talk);
        self.on_book(&book);
        while let Some(request) = self.queue.next(self.now) {
            self.carry_out(request);
        }
    }

    fn is_down(&self) -> bool {
        self.step < self.is_down_until
    }

    fn later(&mut self, most: u32, message: Message) {
        let due = self.step + 1 + self.chance.below(most);
        self.under_way.push((due, message));
    }

    /// The market moves; its update may be lost or come twice.
    fn trade(&mut self) {
        let old = self.bid;
        self.number += 1;
        self.bid = 90.0 + f64::from(self.chance.below(10));
        self.bids.insert(self.number, self.bid);
        let level = |price, quantity| BookLevel { price, quantity };
        let mut update = DepthUpdate::new(ID, self.number, self.number);
        update.bids = vec![level(old, 0.0), level(self.bid, 1.0)];
        let copies = match self.chance.below(40) {
            _ if self.is_down() => 0,
            0 => 0,
            1 => 2,
            _ => 1,
        };
        let mut actions = Vec::new();
        for _ in 0..copies {
            self.book.on_update(self.now, &update, &mut actions);
        }
        self.on_book(&actions);
    }

    /// Places an order now and then, on a live book alone.
    fn decide(&mut self) {
        if self.step >= BUSY || !self.chance.percent(20) {
            return;
        }
        let (Some(top), Some(last)) = (self.book.top(), self.book.last()) else { return };
        self.verdict.stale += u32::from(self.bids.get(&last) != Some(&top.bid));
        self.sent += 1;
        let id = OrderId::new(1, SlotId(1), self.sent);
        let intent = Intent::market(SlotId(1), ID, Side::Buy, Qty::new(Decimal::TEN));
        let order = Order { id, intent, created_at: self.now };
        self.verdict.placed += 1;
        let mut actions = Vec::new();
        self.talk.place(self.now, &order, &mut actions);
        // Handed in twice by a driver that was not sure: it must leave once.
        if self.chance.percent(10) {
            self.talk.place(self.now, &order, &mut actions);
            let _ =
                self.queue.push(Urgency::Order, Cost { weight: 1, orders: 1 }, Request::Order(id));
        }
        self.on_talk(&actions);
    }

    fn on_book(&mut self, actions: &[BookAction]) {
        for action in actions {
            if *action == BookAction::RequestSnapshot {
                let cost = Cost { weight: 5, orders: 0 };
                assert!(self.queue.push(Urgency::Bulk, cost, Request::Snapshot).is_ok());
            }
        }
    }

    fn on_talk(&mut self, actions: &[TalkAction]) {
        let one = Cost { weight: 1, orders: 0 };
        for action in actions {
            let pushed = match *action {
                TalkAction::Send(id) => {
                    let cost = Cost { weight: 1, orders: 1 };
                    self.queue.push(Urgency::Order, cost, Request::Order(id))
                }
                TalkAction::Query(id) => self.queue.push(Urgency::Resolve, one, Request::Query(id)),
                TalkAction::FetchFills(id) => {
                    self.queue.push(Urgency::Resolve, one, Request::Fills(id))
                }
                TalkAction::Report(update) => {
                    self.believe(update.order, &update.report);
                    Ok(())
                }
                TalkAction::Uncertain(_) => {
                    self.verdict.doubted += 1;
                    Ok(())
                }
                _ => Ok(()),
            };
            assert!(pushed.is_ok(), "the queue has room");
        }
    }

    fn believe(&mut self, id: OrderId, report: &OrderReport) {
        match report {
            OrderReport::Rejected(_) => {
                self.refused.insert(id);
            }
            OrderReport::Fill(fill) => {
                self.accepted.insert(id);
                self.booked.insert((id, fill.trade), fill.quantity.value());
            }
            _ => {
                self.accepted.insert(id);
            }
        }
    }

    /// A request leaves; the network and the venue do with it what they like.
    fn carry_out(&mut self, request: Request) {
        match request {
            Request::Order(id) => {
                let Some(order) = self.talk.send(self.now, id) else { return };
                match self.chance.below(10) {
                    // Lost on the way: nobody answers.
                    0 => {}
                    // A server error, and the order arrives much later, in the venue's window.
                    1 => {
                        self.later(78, Message::Order(order));
                        self.later(4, Message::Answer(id, Answer::Unknown));
                    }
                    // A server error, and the order never arrives.
                    2 => self.later(4, Message::Answer(id, Answer::Unknown)),
                    // It arrives, and its answer is lost.
                    3 => self.later(2, Message::Order(order)),
                    4 => {
                        let refused =
                            Answer::Refused(tradewright::types::RejectReason::InvalidOrder);
                        self.later(4, Message::Answer(id, refused));
                    }
                    _ => {
                        self.under_way.push((self.step + 1, Message::Order(order)));
                        let wait = 2 + self.chance.below(50);
                        let answer = Message::Answer(id, Answer::Accepted);
                        self.under_way.push((self.step + wait, answer));
                    }
                }
            }
            Request::Query(id) => {
                let found = match self.orders.get(&id) {
                    _ if self.chance.percent(20) => Found::Failed,
                    None => Found::Nothing { asked: self.now },
                    Some(fills) => {
                        let filled = fills.iter().map(|fill| fill.quantity.value());
                        let filled = filled.fold(Decimal::ZERO, |sum, more| sum + more);
                        Found::Order { status: OrderStatus::Open, filled }
                    }
                };
                // An old answer may come after a newer question.
                self.later(30, Message::Found(id, found));
            }
            Request::Fills(id) => {
                if !self.chance.percent(20) {
                    let fills = self.orders.get(&id).cloned().unwrap_or_default();
                    self.later(6, Message::Fills(id, fills));
                }
            }
            Request::Snapshot => {
                let levels = |price| vec![BookLevel { price, quantity: 1.0 }];
                let (bids, asks) = (levels(self.bid), levels(100.0));
                let snapshot = DepthSnapshot {
                    instrument: ID,
                    last: self.number,
                    is_complete: true,
                    bids,
                    asks,
                };
                let snapshot = (!self.chance.percent(20)).then_some(snapshot);
                self.later(8, Message::Snapshot(snapshot));
            }
        }
    }

    fn arrive(&mut self) {
        while let Some(index) = self.under_way.iter().position(|(due, _)| *due <= self.step) {
            let (_, message) = self.under_way.remove(index);
            let (mut talk, mut book) = (Vec::new(), Vec::new());
            match message {
                Message::Order(order) => self.at_venue(&order),
                Message::Answer(id, answer) => self.talk.on_answer(self.now, id, answer, &mut talk),
                Message::Found(id, found) => self.talk.on_found(self.now, id, found, &mut talk),
                Message::Fills(id, fills) => self.talk.on_fills(self.now, id, &fills, &mut talk),
                // What the stream says while it is down is lost.
                Message::Fill(..) if self.is_down() => {}
                Message::Fill(id, fill) => {
                    let report = OrderReport::Fill(fill);
                    self.talk.on_report(id, &report);
                    self.believe(id, &report);
                }
                Message::Snapshot(None) => self.book.on_snapshot_failed(self.now),
                Message::Snapshot(Some(levels)) => {
                    self.book.on_snapshot(self.now, &levels, &mut book);
                }
            }
            self.on_talk(&talk);
            self.on_book(&book);
        }
    }

    /// The venue takes an order, and perhaps fills it.
    fn at_venue(&mut self, order: &Order) {
        self.verdict.twice += u32::from(self.orders.contains_key(&order.id));
        let mut fills = Vec::new();
        for _ in 0..self.chance.below(3) {
            self.trades += 1;
            let price = Price::new(Decimal::ONE_HUNDRED).unwrap();
            let fill = FillReport {
                trade: TradeId(self.trades),
                price,
                quantity: Qty::new(Decimal::ONE),
                fee: Money::zero(AssetId(0)),
                liquidity: Liquidity::Taker,
                before_slippage: price,
            };
            fills.push(fill);
            for _ in 0..1 + self.chance.below(2) {
                self.later(5, Message::Fill(order.id, fill));
            }
        }
        self.orders.insert(order.id, fills);
    }

    /// After a reconnection the recent fills are fetched, as the guide says.
    fn catch_up(&mut self) {
        for (id, fills) in self.orders.clone() {
            for fill in fills {
                let report = OrderReport::Fill(fill);
                self.talk.on_report(id, &report);
                self.believe(id, &report);
            }
        }
    }

    fn judge(mut self) -> Verdict {
        let count = |ids: usize| u32::try_from(ids).unwrap();
        self.verdict.unresolved = count(self.talk.len());
        let ghosts = self.refused.iter().filter(|id| self.orders.contains_key(id));
        self.verdict.ghosts = count(ghosts.count());
        let missing = self.accepted.iter().filter(|id| !self.orders.contains_key(id));
        self.verdict.missing = count(missing.count());
        let done: u128 =
            self.booked.values().filter(|quantity| **quantity == Decimal::ONE).count() as u128;
        self.verdict.lost_fills = u32::try_from(self.trades - done).unwrap();
        self.verdict
    }
}

/// How many schedules: `TRADEWRIGHT_VENUE_SCHEDULES`, or 10,000 in release and 300 in debug.
fn schedules() -> u64 {
    let given = std::env::var("TRADEWRIGHT_VENUE_SCHEDULES").ok().and_then(|n| n.parse().ok());
    given.unwrap_or(if cfg!(debug_assertions) { 300 } else { 10_000 })
}

#[test]
fn failure_15_unknown_outcomes_end_in_the_truth() {
    let (mut placed, mut doubted) = (0, 0);
    for seed in 0..schedules() {
        let verdict = World::new(seed, ConversationConfig::default().window).run();
        assert!(verdict.is_clean(), "seed {seed}: {verdict:?}");
        placed += verdict.placed;
        doubted += verdict.doubted;
    }
    println!("{} schedules, {placed} orders, {doubted} in doubt", schedules());
    assert!(doubted > placed / 20);
}

/// The world can tell: who takes the first "not found" for an answer has ghosts.
#[test]
fn the_world_finds_a_client_that_gives_up_too_early() {
    let ghosts = (0..50).map(|seed| World::new(seed, Duration::ZERO).run().ghosts).sum::<u32>();
    assert!(ghosts > 0);
}
