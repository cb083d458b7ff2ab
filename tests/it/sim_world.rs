//! A small world for tests of the simulated venue: one instrument, minute bars, short orders.

use std::time::Duration;

use tradewright::engine::Command;
use tradewright::sim::{SimConfig, SimVenue};
use tradewright::types::{
    Amount, Bar, Book, BookLevel, Decimal, FillReport, Instrument, InstrumentId, Instruments,
    Intent, Linkage, MarketEvent, Money, Order, OrderId, OrderKind, OrderReport, OrderUpdate,
    Period, Price, Print, Purpose, Qty, Quote, Side, SlotId, TimeInForce, Timestamp,
};

pub struct World {
    pub venue: SimVenue,
    pub id: InstrumentId,
    pub table: Instruments,
    next: u64,
    /// Number of bars seen.
    pub minute: i64,
}

pub fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

pub fn price(text: &str) -> Price {
    Price::new(dec(text)).unwrap()
}

pub fn qty(text: &str) -> Qty {
    Qty::new(dec(text))
}

pub fn at(minute: i64) -> Timestamp {
    Timestamp::EPOCH
        .after(Duration::from_secs(60))
        .after(Duration::from_secs(u64::try_from(minute * 60).unwrap()))
}

pub fn limit(text: &str) -> OrderKind {
    OrderKind::Limit { price: price(text) }
}

pub fn stop(text: &str) -> OrderKind {
    OrderKind::StopMarket { trigger: price(text) }
}

pub fn stop_limit(trigger: &str, limit: &str) -> OrderKind {
    OrderKind::StopLimit { trigger: price(trigger), price: price(limit) }
}

/// What is said of a report in one word, so that tests read as stories.
pub fn word(report: &OrderReport) -> String {
    match report {
        OrderReport::Accepted => "accepted".into(),
        OrderReport::Rejected(reason) => format!("rejected {reason:?}"),
        OrderReport::Fill(fill) => {
            format!("fill {}@{}", fill.quantity.value().normalize(), fill.price.value().normalize())
        }
        OrderReport::Cancelled => "cancelled".into(),
        OrderReport::Expired => "expired".into(),
        OrderReport::Amended { quantity, .. } => {
            format!("amended {}", quantity.value().normalize())
        }
        OrderReport::Resolved { quantity } => format!("resolved {}", quantity.value().normalize()),
        OrderReport::Triggered => "triggered".into(),
        OrderReport::ChangeRefused(reason) => format!("refused {reason:?}"),
        other => format!("{other:?}"),
    }
}

impl World {
    pub fn new(config: SimConfig) -> Self {
        let mut table = Instruments::new();
        let builder = Instrument::spot("ACMEUSD", "ACME", "USD").tick("0.01").step("0.001");
        let id = table.add(builder).unwrap();
        let venue = SimVenue::new(&table, config).unwrap();
        Self { venue, id, table, next: 1, minute: 0 }
    }

    pub fn plain() -> Self {
        Self::new(SimConfig::default())
    }

    pub fn now(&self) -> Timestamp {
        at(self.minute)
    }

    pub fn intent(&self, side: Side, units: &str, kind: OrderKind) -> Intent {
        Intent { kind, ..Intent::market(SlotId(1), self.id, side, qty(units)) }
    }

    pub fn cash(&self, side: Side, amount: &str) -> Intent {
        let asset = self.table.find_asset("USD").unwrap();
        let amount = Amount::Cash(Money::new(dec(amount), asset));
        Intent { amount, ..self.intent(side, "1", OrderKind::Market) }
    }

    /// Places an order now and returns its number; the answers stay in the queue.
    pub fn send(&mut self, intent: Intent) -> u64 {
        let now = self.now();
        self.send_at(now, intent)
    }

    pub fn send_at(&mut self, at: Timestamp, intent: Intent) -> u64 {
        let sequence = self.next;
        self.next += 1;
        let order = Order { id: order_id(sequence), created_at: at, intent };
        self.venue.submit(at, &Command::Place(order));
        sequence
    }

    /// Places an order that must be accepted.
    pub fn place(&mut self, intent: Intent) -> u64 {
        let sequence = self.send(intent);
        let words = self.words();
        assert!(words.first().is_some_and(|word| word.ends_with("accepted")), "{words:?}");
        sequence
    }

    pub fn buy(&mut self, units: &str, kind: OrderKind) -> u64 {
        self.place(self.intent(Side::Buy, units, kind))
    }

    pub fn sell(&mut self, units: &str, kind: OrderKind) -> u64 {
        self.place(self.intent(Side::Sell, units, kind))
    }

    /// A bar without polling.
    pub fn start_bar(&mut self, ohlc: [f64; 4], volume: f64) {
        self.minute += 1;
        let bar = Bar::new(self.id, Period::MINUTE, ohlc, volume).unwrap();
        self.venue.on_market(self.now(), &MarketEvent::Bar(bar));
    }

    /// A bar and all that it brings about, without answers in between.
    pub fn bar(&mut self, ohlc: [f64; 4]) -> Vec<String> {
        self.bar_of(ohlc, 1_000.0)
    }

    pub fn bar_of(&mut self, ohlc: [f64; 4], volume: f64) -> Vec<String> {
        self.start_bar(ohlc, volume);
        self.words()
    }

    pub fn quote(&mut self, bid: (f64, f64), ask: (f64, f64)) -> Vec<String> {
        self.minute += 1;
        let quote = Quote {
            instrument: self.id,
            bid: bid.0,
            bid_quantity: bid.1,
            ask: ask.0,
            ask_quantity: ask.1,
        };
        self.venue.on_market(self.now(), &MarketEvent::Quote(quote));
        self.words()
    }

    pub fn print(&mut self, price: f64, quantity: f64, taker: Option<Side>) -> Vec<String> {
        self.minute += 1;
        let print = Print { instrument: self.id, price, quantity, taker };
        self.venue.on_market(self.now(), &MarketEvent::Print(print));
        self.words()
    }

    pub fn book(&mut self, bids: &[(f64, f64)], asks: &[(f64, f64)]) -> Vec<String> {
        self.minute += 1;
        let levels = |side: &[(f64, f64)]| {
            side.iter().map(|&(price, quantity)| BookLevel { price, quantity }).collect()
        };
        let book = Book { instrument: self.id, bids: levels(bids), asks: levels(asks) };
        self.venue.on_market(self.now(), &MarketEvent::Book(Box::new(book)));
        self.words()
    }

    pub fn poll_all(&mut self) -> Vec<(Timestamp, OrderUpdate)> {
        std::iter::from_fn(|| self.venue.poll()).collect()
    }

    /// All reports that wait, as `number word`, the number left out for the first order.
    pub fn words(&mut self) -> Vec<String> {
        self.poll_all().iter().map(|(_, update)| named(update)).collect()
    }

    pub fn fills(&mut self) -> Vec<FillReport> {
        let fill = |(_, update): (Timestamp, OrderUpdate)| match update.report {
            OrderReport::Fill(fill) => Some(fill),
            _ => None,
        };
        self.poll_all().into_iter().filter_map(fill).collect()
    }

    pub fn cancel(&mut self, sequence: u64) -> Vec<String> {
        let command = Command::Cancel { order: order_id(sequence), instrument: self.id };
        self.venue.submit(self.now(), &command);
        self.words()
    }

    pub fn amend(&mut self, sequence: u64, units: &str, to: &str) -> Vec<String> {
        let command = Command::Amend {
            order: order_id(sequence),
            instrument: self.id,
            quantity: qty(units),
            price: price(to),
        };
        self.venue.submit(self.now(), &command);
        self.words()
    }

    /// Stop and target of a position, linked with each other.
    pub fn exits(&self, side: Side, units: &str, [stopped, target]: [&str; 2]) -> [Intent; 2] {
        let linkage = Linkage::OneCancelsOther(self.next);
        let exit = |purpose, kind| {
            let mut intent = self.intent(side, units, kind);
            intent.purpose = purpose;
            intent.linkage = linkage;
            intent.flags.reduce_only = true;
            intent
        };
        [exit(Purpose::StopLoss, stop(stopped)), exit(Purpose::TakeProfit, limit(target))]
    }

    /// Polls a bar to its end and places the exits as soon as the entry has filled.
    pub fn bracket_bar(&mut self, ohlc: [f64; 4], exits: [Intent; 2]) -> Vec<String> {
        self.start_bar(ohlc, 1_000.0);
        let mut words = Vec::new();
        let mut exits = Some(exits);
        while let Some((at, update)) = self.venue.poll() {
            words.push(named(&update));
            if matches!(update.report, OrderReport::Fill(_))
                && let Some(exits) = exits.take()
            {
                for intent in exits {
                    self.send_at(at, intent);
                }
            }
        }
        words
    }
}

pub fn order_id(sequence: u64) -> OrderId {
    OrderId::new(1, SlotId(1), sequence)
}

fn named(update: &OrderUpdate) -> String {
    match update.order.sequence() {
        1 => word(&update.report),
        number => format!("{number} {}", word(&update.report)),
    }
}

pub fn with_life(mut intent: Intent, time_in_force: TimeInForce) -> Intent {
    intent.time_in_force = time_in_force;
    intent
}
