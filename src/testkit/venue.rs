use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use rust_decimal::Decimal;

use crate::engine::Command;
use crate::types::{
    Amount, FillReport, Grid, InstrumentId, Instruments, Liquidity, Money, Order, OrderId,
    OrderReport, OrderStatus, OrderUpdate, Price, Qty, RejectReason, Side, Timestamp, TradeId,
};

/// What a venue does with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// It works from now on.
    Accept,
    /// It is refused; one that works already is cancelled by it.
    Reject(RejectReason),
    /// So much of it is executed, at most what is left.
    Fill(Qty),
    /// All that is left of it is executed.
    FillRest,
    /// More is executed than was ordered, by so much: a venue's fault.
    Overfill(Qty),
    /// It is cancelled.
    Cancel,
    /// Its time has run out.
    Expire,
}

impl Answer {
    /// Done, and reported once, at once.
    pub const fn once(self) -> Step {
        Step { answer: self, delivery: Delivery::Once }
    }

    /// Done, and reported twice.
    pub const fn twice(self) -> Step {
        Step { answer: self, delivery: Delivery::Twice }
    }

    /// Done, and reported after this time: what comes later overtakes it.
    pub const fn late(self, by: Duration) -> Step {
        Step { answer: self, delivery: Delivery::Late(by) }
    }

    /// Done, and the report is lost until [`ScriptedVenue::recover`].
    pub const fn lost(self) -> Step {
        Step { answer: self, delivery: Delivery::Lost }
    }
}

/// How a report travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Once, at once.
    Once,
    /// Two times.
    Twice,
    /// After this time.
    Late(Duration),
    /// Not at all, until [`ScriptedVenue::recover`].
    Lost,
}

/// One line of a script: what happens, and how its report travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What happens.
    pub answer: Answer,
    /// How its report travels.
    pub delivery: Delivery,
}

/// A venue that answers by a script, over a network that repeats, delays and loses: for tests of
/// whatever has to survive that.
///
/// It matches nothing. Each order that is placed takes the next script; without one it is
/// accepted and filled. What the venue has done is the truth, whatever of it arrives:
/// [`ScriptedVenue::position`] and [`ScriptedVenue::order`] tell it.
///
/// ```
/// use std::time::Duration;
/// use tradewright::engine::Command;
/// use tradewright::testkit::{Answer, ScriptedVenue, inputs};
/// use tradewright::types::{
///     InstrumentId, Intent, Order, OrderId, OrderReport, Qty, Side, SlotId, Timestamp,
/// };
///
/// let mut venue = ScriptedVenue::new(&inputs::table());
/// venue.script([
///     Answer::Accept.lost(),
///     Answer::Fill(2.into()).twice(),
///     Answer::FillRest.late(Duration::from_secs(5)),
/// ]);
/// let (share, at) = (InstrumentId(0), Timestamp::EPOCH);
/// let mut intent = Intent::market(SlotId(1), share, Side::Buy, 3.into());
/// intent.reference = 100.0;
/// let id = OrderId::new(1, SlotId(1), 1);
/// venue.submit(at, &Command::Place(Order { id, created_at: at, intent }));
///
/// assert_eq!(venue.position(share), Qty::from(3));
/// let arrived = std::iter::from_fn(|| venue.poll(at)).count();
/// assert_eq!(arrived, 2, "one fill, twice");
/// assert!(venue.poll(at.after(Duration::from_secs(5))).is_some());
/// venue.recover(at);
/// assert!(venue.poll(at).is_some_and(|(_, update)| update.report == OrderReport::Accepted));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ScriptedVenue {
    instruments: Instruments,
    scripts: VecDeque<Vec<Step>>,
    orders: BTreeMap<OrderId, VenueOrder>,
    positions: BTreeMap<InstrumentId, Decimal>,
    /// By time of arrival, then in the order in which they were sent.
    network: BTreeMap<(Timestamp, u64), OrderUpdate>,
    lost: Vec<OrderUpdate>,
    sent: u64,
    trades: u128,
}

/// An order as the venue has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VenueOrder {
    /// What arrived.
    pub order: Order,
    /// Where it stands at the venue.
    pub status: OrderStatus,
    /// What is asked for, amendments included.
    pub quantity: Decimal,
    /// What was executed.
    pub filled: Decimal,
}

impl VenueOrder {
    /// What could still be executed.
    pub fn remaining(&self) -> Decimal {
        if self.status.is_terminal() {
            return Decimal::ZERO;
        }
        self.quantity.saturating_sub(self.filled).max(Decimal::ZERO)
    }
}

impl ScriptedVenue {
    /// A venue for these instruments without a script.
    pub fn new(instruments: &Instruments) -> Self {
        Self { instruments: instruments.clone(), ..Self::default() }
    }

    /// Appends the script of one order: the first one is for the next order without one.
    pub fn script(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.scripts.push_back(steps.into_iter().collect());
    }

    /// Takes a command in. Cancels and amendments of working orders are carried out, others are
    /// refused; alerts are none of the venue's business.
    pub fn submit(&mut self, at: Timestamp, command: &Command) {
        match *command {
            Command::Place(order) => self.place(at, order),
            Command::Cancel { order, instrument } => {
                if self.remaining(order).is_zero() {
                    self.refuse(at, order, instrument);
                } else {
                    self.act(at, order, Answer::Cancel.once());
                }
            }
            Command::Amend { order, instrument, quantity, price } => {
                let found = self
                    .orders
                    .get_mut(&order)
                    .filter(|found| !found.status.is_terminal() && quantity.value() > found.filled);
                match found {
                    None => self.refuse(at, order, instrument),
                    Some(found) => {
                        found.quantity = quantity.value();
                        let report = OrderReport::Amended { quantity, price: Some(price) };
                        self.report(at, order, report, Delivery::Once);
                    }
                }
            }
            Command::Alert(_) => {}
        }
    }

    /// Something happens to an order now, whatever its script said. What is over stays over.
    pub fn act(&mut self, at: Timestamp, order: OrderId, step: Step) {
        let Some(found) = self.orders.get_mut(&order) else { return };
        if let Answer::Overfill(excess) = step.answer {
            let quantity = found.remaining().saturating_add(excess.value());
            return self.execute(at, order, quantity, step.delivery);
        }
        if found.status.is_terminal() {
            return;
        }
        let report = match step.answer {
            Answer::Accept if found.status == OrderStatus::Pending => {
                found.status = OrderStatus::Open;
                OrderReport::Accepted
            }
            Answer::Accept | Answer::Overfill(_) => return,
            Answer::Reject(reason) => {
                found.status = OrderStatus::Rejected;
                OrderReport::Rejected(reason)
            }
            Answer::Cancel => {
                found.status = OrderStatus::Cancelled;
                OrderReport::Cancelled
            }
            Answer::Expire => {
                found.status = OrderStatus::Expired;
                OrderReport::Expired
            }
            Answer::Fill(quantity) => {
                let quantity = quantity.value().min(found.remaining());
                return self.execute(at, order, quantity, step.delivery);
            }
            Answer::FillRest => {
                let quantity = found.remaining();
                return self.execute(at, order, quantity, step.delivery);
            }
        };
        self.report(at, order, report, step.delivery);
    }

    /// The next report that has arrived by this time.
    pub fn poll(&mut self, at: Timestamp) -> Option<(Timestamp, OrderUpdate)> {
        let entry = self.network.first_entry().filter(|entry| entry.key().0 <= at)?;
        let ((arrived, _), update) = entry.remove_entry();
        Some((arrived, update))
    }

    /// Sends everything again that was lost, as a host learns it when it asks for the truth.
    pub fn recover(&mut self, at: Timestamp) {
        for update in core::mem::take(&mut self.lost) {
            self.send(at, update);
        }
    }

    /// True while a report is on its way or lost.
    pub fn owes_reports(&self) -> bool {
        !self.network.is_empty() || !self.lost.is_empty()
    }

    /// The position that the venue's executions add up to.
    pub fn position(&self, instrument: InstrumentId) -> Qty {
        Qty::new(self.positions.get(&instrument).copied().unwrap_or_default())
    }

    /// An order as the venue has it; `None` where it never arrived.
    pub fn order(&self, id: OrderId) -> Option<&VenueOrder> {
        self.orders.get(&id)
    }

    /// Every order that arrived, by id.
    pub fn orders(&self) -> impl Iterator<Item = &VenueOrder> {
        self.orders.values()
    }

    fn remaining(&self, order: OrderId) -> Decimal {
        self.order(order).map_or(Decimal::ZERO, VenueOrder::remaining)
    }

    fn place(&mut self, at: Timestamp, order: Order) {
        let id = order.id;
        if self.orders.contains_key(&id) {
            let report = OrderReport::Rejected(RejectReason::DuplicateId);
            return self.report(at, id, report, Delivery::Once);
        }
        let usual = || vec![Answer::Accept.once(), Answer::FillRest.once()];
        let steps = self.scripts.pop_front().unwrap_or_else(usual);
        let (status, filled) = (OrderStatus::Pending, Decimal::ZERO);
        let (quantity, cash) = match order.intent.amount {
            Amount::Quantity(quantity) => (quantity.value(), false),
            Amount::Cash(money) => (self.units(&order, money).unwrap_or_default(), true),
        };
        self.orders.insert(id, VenueOrder { order, status, quantity, filled });
        if cash {
            let report = match quantity.is_zero() {
                true => OrderReport::Rejected(RejectReason::InvalidOrder),
                false => OrderReport::Resolved { quantity: Qty::new(quantity) },
            };
            self.report(at, id, report, Delivery::Once);
        }
        for step in steps {
            self.act(at, id, step);
        }
    }

    /// What a cash amount buys, on the instrument's step.
    fn units(&self, order: &Order, money: Money) -> Option<Decimal> {
        let instrument = self.instruments.get(order.intent.instrument)?;
        let units = money.amount.checked_div(price_of(order)?.value())?;
        instrument.floor_to_step(units)
    }

    /// Executes a quantity. A reduce-only order executes no more than there is to reduce; without
    /// anything it is cancelled.
    fn execute(&mut self, at: Timestamp, id: OrderId, quantity: Decimal, delivery: Delivery) {
        let Some(found) = self.orders.get_mut(&id) else { return };
        let intent = found.order.intent;
        let held = self.positions.entry(intent.instrument).or_default();
        let against = intent.side.opposite().signed(*held);
        let quantity = match intent.flags.reduce_only {
            true => quantity.min(against),
            false => quantity,
        };
        let Some(price) = price_of(&found.order).filter(|_| quantity > Decimal::ZERO) else {
            if !found.status.is_terminal() {
                found.status = OrderStatus::Cancelled;
                self.report(at, id, OrderReport::Cancelled, delivery);
            }
            return;
        };
        found.filled = found.filled.saturating_add(quantity);
        if !found.status.is_terminal() {
            let is_whole = found.filled >= found.quantity;
            found.status =
                if is_whole { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        }
        *held = held.saturating_add(intent.side.signed(quantity));
        self.trades = self.trades.saturating_add(1);
        let instrument = self.instruments.get(intent.instrument);
        let settlement = instrument.map(|found| found.settlement).unwrap_or_default();
        let fill = FillReport {
            trade: TradeId(self.trades),
            price,
            quantity: Qty::new(quantity),
            fee: Money::new(Decimal::new(1, 2), settlement),
            liquidity: Liquidity::Taker,
            before_slippage: price,
        };
        self.report(at, id, OrderReport::Fill(fill), delivery);
    }

    fn refuse(&mut self, at: Timestamp, order: OrderId, instrument: InstrumentId) {
        let report = OrderReport::ChangeRefused(RejectReason::NotFound);
        let (side, leg) = (Side::Buy, Default::default());
        self.send(at, OrderUpdate { order, instrument, side, leg, report });
    }

    fn report(&mut self, at: Timestamp, order: OrderId, report: OrderReport, delivery: Delivery) {
        let Some(found) = self.orders.get(&order) else { return };
        let intent = &found.order.intent;
        let (instrument, side, leg) = (intent.instrument, intent.side, intent.leg);
        let update = OrderUpdate { order, instrument, side, leg, report };
        match delivery {
            Delivery::Once => self.send(at, update),
            Delivery::Twice => {
                self.send(at, update);
                self.send(at, update);
            }
            Delivery::Late(by) => self.send(at.after(by), update),
            Delivery::Lost => self.lost.push(update),
        }
    }

    fn send(&mut self, at: Timestamp, update: OrderUpdate) {
        self.sent = self.sent.saturating_add(1);
        self.network.insert((at, self.sent), update);
    }
}

/// The limit, the trigger, or the mark when the order was decided.
fn price_of(order: &Order) -> Option<Price> {
    let kind = order.intent.kind;
    let named = kind.limit().or(kind.trigger());
    named.or_else(|| Price::new(Grid::recover(order.intent.reference)?).ok())
}
