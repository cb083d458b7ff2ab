//! A venue behind a network that loses, delays and repeats, in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use rust_decimal::Decimal;
use tradewright::live::{GatewayEvent, Picture, Request};
use tradewright::types::{
    Amount, AssetId, FillReport, InstrumentId, Leg, Liquidity, Money, Order, OrderId, OrderReport,
    OrderStatus, OrderUpdate, Price, Qty, RejectReason, Timestamp, TradeId,
};
use tradewright::venue::{
    Answer, Balance, FillsFrom, Found, OrderNews, OrderState, PositionState, UserNews, VenueFill,
};

pub const SPOT: InstrumentId = InstrumentId(0);
pub const PERP: InstrumentId = InstrumentId(1);
pub const BTC: AssetId = AssetId(0);
pub const USDT: AssetId = AssetId(1);

/// Splitmix64 (Steele, Lea and Flood, 2014).
#[derive(Clone)]
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.below(most))
    }
}

pub struct Working {
    pub order: Order,
    pub status: OrderStatus,
    pub quantity: Decimal,
    pub price: Option<Price>,
    pub filled: Decimal,
}

/// What is on its way, in one direction or the other.
enum Message {
    Request(Request),
    Event(GatewayEvent),
}

pub struct Venue {
    pub chance: Chance,
    pub orders: BTreeMap<OrderId, Working>,
    pub fills: Vec<VenueFill>,
    pub cash: Decimal,
    pub coins: Decimal,
    pub position: Decimal,
    /// Ids that arrived more than once.
    pub twice: u32,
    pub is_faulty: bool,
    /// The news are down until then.
    pub down_until: Option<Timestamp>,
    network: BTreeMap<(Timestamp, u64), Message>,
    sent: u64,
    trades: u128,
    pub prices: [i64; 2],
    /// News before this time are not overtaken by later ones.
    news_at: Timestamp,
}

impl Venue {
    pub fn new(seed: u64) -> Self {
        Self {
            chance: Chance(seed),
            orders: BTreeMap::new(),
            fills: Vec::new(),
            cash: Decimal::from(1_000_000),
            coins: Decimal::from(3),
            position: Decimal::ZERO,
            twice: 0,
            is_faulty: true,
            down_until: None,
            network: BTreeMap::new(),
            sent: 0,
            trades: 0,
            prices: [1_000, 500],
            news_at: Timestamp::from_nanos(i64::MIN),
        }
    }

    fn fault(&mut self, percent: u64) -> bool {
        self.chance.percent(percent) && self.is_faulty
    }

    fn put(&mut self, at: Timestamp, message: Message) {
        self.sent += 1;
        self.network.insert((at, self.sent), message);
    }

    /// A way of one direction: mostly some milliseconds, at times seconds.
    fn way(&mut self) -> Duration {
        let most = if self.fault(5) { 6_000 } else { 80 };
        self.chance.millis(most)
    }

    pub fn next_at(&self) -> Option<Timestamp> {
        self.network.first_key_value().map(|((at, _), _)| *at)
    }

    /// A request leaves the bot.
    pub fn request(&mut self, at: Timestamp, request: Request) {
        if self.fault(8) {
            return;
        }
        let arrives = at.after(self.way());
        self.put(arrives, Message::Request(request));
    }

    /// The process on the bot's side is gone: what is on its way to it is lost.
    pub fn crash(&mut self) {
        self.network.retain(|_, message| matches!(message, Message::Request(_)));
    }

    /// Moves on to this time; what arrives at the bot is handed out.
    pub fn run(&mut self, until: Timestamp, out: &mut Vec<(Timestamp, GatewayEvent)>) {
        while let Some(entry) = self.network.first_entry().filter(|it| it.key().0 <= until) {
            let ((at, _), message) = entry.remove_entry();
            match message {
                Message::Request(request) => self.receive(at, request),
                Message::Event(event) => out.push((at, event)),
            }
        }
    }

    fn answer(&mut self, at: Timestamp, event: GatewayEvent) {
        if self.fault(8) {
            return;
        }
        let arrives = at.after(self.way());
        self.put(arrives, Message::Event(event));
    }

    fn receive(&mut self, at: Timestamp, request: Request) {
        match request {
            Request::Place(order) => self.place(at, order),
            Request::Cancel { order, .. } => {
                let is_open = self.end(at, order, OrderStatus::Cancelled);
                let refused = Answer::Refused(RejectReason::NotFound);
                let answer = if is_open { Answer::Accepted } else { refused };
                self.answer(at, GatewayEvent::Changed { order, answer });
            }
            Request::Amend(change) => {
                self.amend(at, change.order.id, change.quantity, change.price)
            }
            Request::Find { order, .. } => {
                let fails = self.fault(10);
                let found = match self.orders.get(&order) {
                    _ if fails => Found::Failed,
                    Some(own) => Found::Order { status: own.status, filled: own.filled },
                    None => Found::Nothing { asked: at },
                };
                self.answer(at, GatewayEvent::Found { order, found });
            }
            Request::Fills { order, .. } => {
                let own = self.fills.iter().filter(|fill| fill.order == order);
                let fills = own.map(|fill| fill.fill).collect();
                self.answer(at, GatewayEvent::Fills { order, fills });
            }
            Request::Picture { number, fills } => {
                let picture = match self.fault(10) {
                    true => Err("HTTP 503".to_owned()),
                    false => Ok(Box::new(self.picture(at, &fills))),
                };
                self.answer(at, GatewayEvent::Picture { number, picture });
            }
            other => panic!("a request without a meaning: {other:?}"),
        }
    }

    fn place(&mut self, at: Timestamp, order: Order) {
        let id = order.id;
        if self.orders.contains_key(&id) {
            self.twice += 1;
            return;
        }
        let answered = |answer| GatewayEvent::Placed { order: id, answer, fills: Vec::new() };
        if self.fault(5) {
            let refused = Answer::Refused(RejectReason::InsufficientFunds);
            return self.answer(at, answered(refused));
        }
        let Amount::Quantity(quantity) = order.intent.amount else { panic!("a quantity") };
        let (quantity, price) = (quantity.value(), order.intent.kind.limit());
        let (status, filled) = (OrderStatus::Open, Decimal::ZERO);
        self.orders.insert(id, Working { order, status, quantity, price, filled });
        self.tell(at, id, OrderReport::Accepted);
        let is_doubted = self.fault(10);
        let answer = if is_doubted { Answer::Unknown } else { Answer::Accepted };
        self.answer(at, answered(answer));
        if price.is_none() {
            self.fill(at, id, quantity);
        }
    }

    fn amend(&mut self, at: Timestamp, order: OrderId, quantity: Qty, price: Price) {
        let own = self.orders.get_mut(&order);
        let own = own.filter(|own| !own.status.is_terminal() && quantity.value() > own.filled);
        let Some(own) = own else {
            let answer = Answer::Refused(RejectReason::NotFound);
            return self.answer(at, GatewayEvent::Changed { order, answer });
        };
        (own.quantity, own.price) = (quantity.value(), Some(price));
        self.tell(at, order, OrderReport::Amended { quantity, price: Some(price) });
        self.answer(at, GatewayEvent::Changed { order, answer: Answer::Accepted });
    }

    /// Ends an order; false when it was over or unknown.
    pub fn end(&mut self, at: Timestamp, id: OrderId, status: OrderStatus) -> bool {
        let Some(own) = self.orders.get_mut(&id).filter(|own| !own.status.is_terminal()) else {
            return false;
        };
        own.status = status;
        self.tell(at, id, OrderReport::Cancelled);
        true
    }

    /// Executes a part of an order.
    pub fn fill(&mut self, at: Timestamp, id: OrderId, quantity: Decimal) {
        let Some(own) = self.orders.get_mut(&id).filter(|own| !own.status.is_terminal()) else {
            return;
        };
        let quantity = quantity.min(own.quantity - own.filled);
        own.filled += quantity;
        own.status = match own.filled == own.quantity {
            true => OrderStatus::Filled,
            false => OrderStatus::PartiallyFilled,
        };
        let intent = own.order.intent;
        let mark = Decimal::from(self.prices[intent.instrument.index()]);
        let price = own.price.map_or(mark, Price::value);
        let signed = intent.side.signed(quantity);
        let fee = Decimal::new(5, 2);
        self.cash -= fee;
        if intent.instrument == SPOT {
            self.cash -= signed * price;
            self.coins += signed;
        } else {
            self.position += signed;
            // Its profit is zero, so that cash moves by fees alone.
            assert_eq!(price, Decimal::from(500), "the perpetual trades at one price");
        }
        self.trades += 1;
        let price = Price::new(price).unwrap();
        let fill = FillReport {
            trade: TradeId(self.trades),
            price,
            quantity: Qty::new(quantity),
            fee: Money::new(fee, USDT),
            liquidity: Liquidity::Maker,
            before_slippage: price,
        };
        let (instrument, side, leg) = (intent.instrument, intent.side, Leg::Net);
        let venue_order = id.sequence();
        self.fills.push(VenueFill { at, order: id, venue_order, instrument, side, leg, fill });
        self.tell(at, id, OrderReport::Fill(fill));
    }

    /// Tells the bot by its news, in order, unless they are down.
    fn tell(&mut self, at: Timestamp, id: OrderId, report: OrderReport) {
        if self.down_until.is_some() || self.fault(2) {
            return;
        }
        let own = &self.orders[&id];
        let intent = own.order.intent;
        let (instrument, side, leg) = (intent.instrument, intent.side, Leg::Net);
        let update = OrderUpdate { order: id, instrument, side, leg, report };
        let (venue_order, filled) = (id.sequence(), own.filled);
        let news = OrderNews { at, update, venue_order, filled };
        let event = GatewayEvent::News(UserNews::Order(news));
        let arrives = at.after(self.way()).max(self.news_at);
        self.news_at = arrives;
        self.put(arrives, Message::Event(event.clone()));
        if self.fault(10) {
            let again = arrives.after(self.way());
            self.put(again, Message::Event(event));
        }
    }

    /// The news go down; the bot is told at once, or when its deadline has found out.
    pub fn go_down(&mut self, at: Timestamp) {
        if self.down_until.is_some() {
            return;
        }
        self.down_until = Some(at.after(self.chance.millis(20_000)));
        self.network.retain(|_, message| !matches!(message, Message::Event(GatewayEvent::News(_))));
        let reason = "reset by peer".to_owned();
        let told = at.after(self.chance.millis(3_000));
        self.put(told, Message::Event(GatewayEvent::Lost { reason }));
    }

    pub fn come_back(&mut self, at: Timestamp) {
        if self.down_until.is_some_and(|until| until <= at) {
            self.down_until = None;
            // Never before the word that they were lost.
            let back = at.after(Duration::from_secs(3));
            self.news_at = self.news_at.max(back);
            self.put(back, Message::Event(GatewayEvent::Started));
        }
    }

    fn picture(&self, at: Timestamp, from: &[(InstrumentId, FillsFrom)]) -> Picture {
        let is_asked = |fill: &&VenueFill| {
            from.iter().any(|(instrument, from)| {
                *instrument == fill.instrument
                    && match from {
                        FillsFrom::After(trade) => fill.fill.trade > *trade,
                        FillsFrom::Time(begin) => fill.at >= *begin,
                        FillsFrom::Order(order) => fill.order == *order,
                    }
            })
        };
        let balance = |asset, total| Balance { asset, total, locked: Decimal::ZERO };
        let (instrument, leg, entry) = (PERP, Leg::Net, Decimal::from(500));
        Picture {
            orders: self.open().map(|own| state_of(at, own)).collect(),
            fills: self.fills.iter().filter(is_asked).copied().collect(),
            balances: vec![balance(USDT, self.cash), balance(BTC, self.coins)],
            positions: vec![PositionState { instrument, leg, quantity: self.position, entry }],
            assets: vec![BTC, USDT],
            instruments: vec![PERP],
        }
    }

    pub fn open(&self) -> impl Iterator<Item = &Working> {
        self.orders.values().filter(|own| !own.status.is_terminal())
    }
}

fn state_of(at: Timestamp, own: &Working) -> OrderState {
    let intent = own.order.intent;
    OrderState {
        order: own.order.id,
        venue_order: own.order.id.sequence(),
        instrument: intent.instrument,
        side: intent.side,
        leg: Leg::Net,
        status: own.status,
        quantity: Qty::new(own.quantity),
        filled: own.filled,
        price: own.price,
        trigger: None,
        at,
    }
}
