//! Orders, a venue and a network that repeats, reorders, delays and loses: every interleaving,
//! explored by stateright over the crate's own order book and account.
//!
//! One intent to buy three units is placed, filled in up to three pieces, cancelled, expired or
//! refused; its submission may time out with an unknown outcome and be placed once more. A second
//! run leaves out the one line that asks the account whether a fill is known, and has to be caught.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use stateright::{Checker, HasDiscoveries, Model, Property};
use tradewright::account::{Account, AdjustmentEffects, Ledger, LedgerConfig};
use tradewright::order::{InFlight, OrderBook, OrderLifecycle};
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, AssetId, Decimal, Fill, FillReport, Instrument,
    InstrumentId, Instruments, Intent, Label, Leg, Liquidity, Money, Order, OrderId, OrderReport,
    OrderStatus, Price, Purpose, Qty, RejectReason, Side, SlotId, State, Timestamp, TradeId,
};

const SHARE: InstrumentId = InstrumentId(0);
const USD: AssetId = AssetId(1);
const SLOT: SlotId = SlotId(1);
const AT: Timestamp = Timestamp::EPOCH;
/// Units of the intent, each filled alone.
const UNITS: u8 = 3;
const CAPITAL: i64 = 1_000;

/// Which attempt to carry the intent out.
type Attempt = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Request {
    Place(Attempt),
    Cancel(Attempt),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Word {
    Accepted,
    Rejected,
    /// The n-th unit.
    Fill(u8),
    Cancelled,
    Expired,
    CancelRefused,
}

/// An order at the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct AtVenue {
    status: OrderStatus,
    filled: u8,
}

/// What we think of an order, read off the real book.
#[expect(clippy::struct_excessive_bools, reason = "four facts that properties ask for")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ours {
    status: OrderStatus,
    filled: u8,
    is_unknown: bool,
    /// The outcome of the submission was unknown once.
    was_unknown: bool,
    /// The venue has said something that proves the order's fate.
    evidence: bool,
    /// The first terminal status.
    ended: Option<OrderStatus>,
    cancel_sent: bool,
}

#[derive(Clone)]
struct World {
    book: OrderBook,
    /// The same as bytes.
    written: Arc<Vec<u8>>,
    /// The real account, saved: it is restored for each booking.
    account: Arc<Vec<u8>>,
    ours: [Option<Ours>; 2],
    position: u8,
    cash: Decimal,
    venue: [Option<AtVenue>; 2],
    requests: Vec<Request>,
    /// Reports on their way, sorted: the network knows no order.
    reports: Vec<(Attempt, Word)>,
    repeats_left: u8,
    losses_left: u8,
    /// Something was lost that no query has made good.
    owes: bool,
}

impl World {
    /// The book has changed.
    fn write(&mut self) {
        self.written = Arc::new(self.book.save().unwrap());
    }

    /// All of the state but book and account.
    fn rest(&self) -> impl Hash + PartialEq + '_ {
        (
            (self.ours, self.position, self.cash, self.venue),
            (&self.requests, &self.reports, self.repeats_left, self.losses_left, self.owes),
        )
    }

    fn is_at_rest(&self) -> bool {
        let doubtful = |ours: &Ours| ours.is_unknown || ours.status == OrderStatus::Pending;
        self.requests.is_empty()
            && self.reports.is_empty()
            && !self.owes
            && !self.ours.iter().flatten().any(doubtful)
    }

    fn executed(&self) -> u8 {
        self.venue.iter().flatten().map(|order| order.filled).sum()
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, into: &mut H) {
        self.written.hash(into);
        self.account.hash(into);
        self.rest().hash(into);
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
            && self.account == other.account
            && self.rest() == other.rest()
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("World")
            .field("ours", &self.ours)
            .field("position", &self.position)
            .field("venue", &self.venue)
            .field("reports", &self.reports)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// We place the intent, for the second time only when the first never arrived.
    Place(Attempt),
    /// We ask for a cancel.
    Cancel(Attempt),
    /// Nobody has answered: the outcome is unknown.
    TimeOut(Attempt),
    /// We ask the venue what became of an order, once its request cannot arrive any more.
    Query(Attempt),
    /// We take over everything that the venue knows.
    Reconcile,
    VenueAccepts(Attempt),
    VenueRefuses(Attempt),
    VenueFills(Attempt),
    VenueExpires(Attempt),
    CancelArrives(Attempt),
    RequestIsLost(Request),
    Deliver(Attempt, Word),
    Repeat(Attempt, Word),
    Lose(Attempt, Word),
}

/// The host's side, in front of the crate's own parts.
struct Host {
    table: Instruments,
    /// It asks the account whether it knows a fill. Without that the checker must object.
    asks_for_repetition: bool,
}

impl Host {
    fn new(asks_for_repetition: bool) -> Self {
        let mut table = Instruments::new();
        table.add(Instrument::stock("SHARE", "USD")).unwrap();
        Self { table, asks_for_repetition }
    }

    fn account(&self) -> Account {
        let ledger = Ledger::new(&self.table, 2, LedgerConfig::default());
        Account::new(&self.table, 2, USD, Box::new(ledger)).unwrap()
    }

    fn order(attempt: Attempt) -> Order {
        let id = OrderId::new(1, SLOT, attempt as u64 + 1);
        let intent = Intent::market(SLOT, SHARE, Side::Buy, Qty::from(i64::from(UNITS)));
        Order { id, created_at: AT, intent }
    }

    /// What the engine does with a report: fills through the account, then the order's table.
    fn hear(&self, world: &mut World, attempt: Attempt, word: Word) {
        let order = Self::order(attempt);
        let report = match word {
            Word::Accepted => OrderReport::Accepted,
            Word::Rejected => OrderReport::Rejected(RejectReason::NotTrading),
            Word::Cancelled => OrderReport::Cancelled,
            Word::Expired => OrderReport::Expired,
            Word::CancelRefused => OrderReport::ChangeRefused(RejectReason::NotFound),
            Word::Fill(unit) => OrderReport::Fill(execution(attempt, unit)),
        };
        if let OrderReport::Fill(execution) = report {
            let mut account = self.account();
            account.restore(&world.account).unwrap();
            if self.asks_for_repetition && account.is_repeated(SHARE, execution.trade) {
                return;
            }
            let fill = fill_of(&order, execution);
            account.on_fill(&self.table, &fill, &mut Vec::new()).unwrap();
            world.position = whole(account.book().position(SLOT, SHARE).quantity);
            world.cash = account.sums(USD).cash;
            world.account = Arc::new(account.save().unwrap());
        }
        world.book.apply(AT, order.id, &report).unwrap();
        if let Some(ours) = &mut world.ours[attempt] {
            ours.evidence |= word != Word::CancelRefused;
        }
        Self::read(world, attempt);
    }

    /// Reads off the real book where an order stands.
    fn read(world: &mut World, attempt: Attempt) {
        world.write();
        let state = *world.book.find(Self::order(attempt).id).unwrap();
        let ours = world.ours[attempt].as_mut().unwrap();
        ours.status = state.status;
        ours.filled = whole(state.filled);
        ours.is_unknown = state.in_flight == InFlight::Unknown;
        ours.was_unknown |= ours.is_unknown;
        if ours.ended.is_none() && state.status.is_terminal() {
            ours.ended = Some(state.status);
        }
    }

    fn place(world: &mut World, attempt: Attempt) {
        world.book.open(AT, &Self::order(attempt)).unwrap();
        world.write();
        world.ours[attempt] = Some(Ours {
            status: OrderStatus::Pending,
            filled: 0,
            is_unknown: false,
            was_unknown: false,
            evidence: false,
            ended: None,
            cancel_sent: false,
        });
        world.requests.push(Request::Place(attempt));
        world.requests.sort();
    }

    /// The venue's whole knowledge of an order, in order; an order that it does not know can
    /// not exist any more, because its request is not on its way.
    fn truth(&self, world: &mut World, attempt: Attempt) {
        let Some(at_venue) = world.venue[attempt] else {
            return self.hear(world, attempt, Word::Rejected);
        };
        if at_venue.status != OrderStatus::Rejected {
            self.hear(world, attempt, Word::Accepted);
        }
        for unit in 0..at_venue.filled {
            self.hear(world, attempt, Word::Fill(unit));
        }
        match at_venue.status {
            OrderStatus::Cancelled => self.hear(world, attempt, Word::Cancelled),
            OrderStatus::Expired => self.hear(world, attempt, Word::Expired),
            OrderStatus::Rejected => self.hear(world, attempt, Word::Rejected),
            OrderStatus::Pending
            | OrderStatus::Open
            | OrderStatus::PartiallyFilled
            | OrderStatus::Filled => {}
        }
    }
}

fn whole(quantity: Decimal) -> u8 {
    u8::try_from(quantity).unwrap()
}

fn execution(attempt: Attempt, unit: u8) -> FillReport {
    // Each unit at a price of its own, so that sums tell which of them were counted.
    let price = Price::new(Decimal::from(10 + unit)).unwrap();
    FillReport {
        trade: TradeId(attempt as u128 * 10 + u128::from(unit) + 1),
        price,
        quantity: Qty::from(1),
        fee: Money::zero(USD),
        liquidity: Liquidity::Taker,
        before_slippage: price,
    }
}

fn fill_of(order: &Order, execution: FillReport) -> Fill {
    Fill {
        at: AT,
        order: order.id,
        slot: SLOT,
        instrument: SHARE,
        side: Side::Buy,
        leg: Leg::Net,
        execution,
        arrival: f64::NAN,
        purpose: Purpose::Entry,
        tag: Label::default(),
    }
}

impl Model for Host {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let mut account = self.account();
        let kind = AdjustmentKind::Capital(Money::new(Decimal::from(CAPITAL), USD));
        let capital = Adjustment { cause: AdjustmentCause::Deposit, kind };
        let mut effects = AdjustmentEffects::default();
        account.adjust(AT, &self.table, &capital, &mut effects).unwrap();
        let book = OrderBook::with_memory(4);
        vec![World {
            written: Arc::new(book.save().unwrap()),
            book,
            account: Arc::new(account.save().unwrap()),
            ours: [None; 2],
            position: 0,
            cash: Decimal::from(CAPITAL),
            venue: [None; 2],
            requests: Vec::new(),
            reports: Vec::new(),
            repeats_left: 1,
            losses_left: 1,
            owes: false,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        match world.ours {
            [None, _] => actions.push(Action::Place(0)),
            // Only evidence that the first attempt never arrived allows a second one.
            [Some(first), None]
                if first.was_unknown
                    && first.status == OrderStatus::Rejected
                    && world.venue[0].is_none() =>
            {
                actions.push(Action::Place(1));
            }
            _ => {}
        }
        for (attempt, ours) in world.ours.iter().enumerate() {
            let Some(ours) = ours else { continue };
            let on_its_way = world.requests.contains(&Request::Place(attempt));
            if ours.status == OrderStatus::Pending && !ours.is_unknown {
                actions.push(Action::TimeOut(attempt));
            }
            if ours.is_unknown && !on_its_way {
                actions.push(Action::Query(attempt));
            }
            if !ours.status.is_terminal() && !ours.cancel_sent && !ours.is_unknown {
                actions.push(Action::Cancel(attempt));
            }
        }
        if world.requests.is_empty() && world.reports.is_empty() && world.owes {
            actions.push(Action::Reconcile);
        }
        for request in &world.requests {
            match *request {
                Request::Place(attempt) => {
                    actions.push(Action::VenueAccepts(attempt));
                    actions.push(Action::VenueRefuses(attempt));
                }
                Request::Cancel(attempt) => actions.push(Action::CancelArrives(attempt)),
            }
            if world.losses_left > 0 {
                actions.push(Action::RequestIsLost(*request));
            }
        }
        for (attempt, order) in world.venue.iter().enumerate() {
            if order.is_some_and(|order| !order.status.is_terminal()) {
                actions.push(Action::VenueFills(attempt));
                actions.push(Action::VenueExpires(attempt));
            }
        }
        let mut reports = world.reports.clone();
        reports.dedup();
        for (attempt, word) in reports {
            actions.push(Action::Deliver(attempt, word));
            if world.repeats_left > 0 {
                actions.push(Action::Repeat(attempt, word));
            }
            if world.losses_left > 0 {
                actions.push(Action::Lose(attempt, word));
            }
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut next = last.clone();
        let world = &mut next;
        match action {
            Action::Place(attempt) => Self::place(world, attempt),
            Action::Cancel(attempt) => {
                world.book.request(AT, Self::order(attempt).id, InFlight::Cancel).unwrap();
                world.write();
                world.ours[attempt].as_mut().unwrap().cancel_sent = true;
                world.requests.push(Request::Cancel(attempt));
                world.requests.sort();
            }
            Action::TimeOut(attempt) => {
                world.book.request(AT, Self::order(attempt).id, InFlight::Unknown).unwrap();
                Self::read(world, attempt);
            }
            Action::Query(attempt) => self.truth(world, attempt),
            Action::Reconcile => {
                for attempt in 0..2 {
                    if world.ours[attempt].is_some() {
                        self.truth(world, attempt);
                    }
                }
                world.owes = false;
            }
            Action::Deliver(attempt, word) => {
                take(&mut world.reports, (attempt, word));
                self.hear(world, attempt, word);
            }
            Action::Repeat(attempt, word) => {
                world.repeats_left -= 1;
                self.hear(world, attempt, word);
            }
            Action::Lose(attempt, word) => {
                world.losses_left -= 1;
                world.owes = true;
                take(&mut world.reports, (attempt, word));
            }
            Action::RequestIsLost(request) => {
                world.losses_left -= 1;
                world.owes = true;
                take(&mut world.requests, request);
            }
            other => venue(world, other),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no fill is booked twice", |_, world: &World| {
                world.position <= world.executed()
            }),
            Property::always("no fill is lost", |_, world: &World| {
                !world.is_at_rest() || world.position == world.executed()
            }),
            Property::always("order and account agree on every fill", |_, world: &World| {
                let filled: u8 = ours(world).map(|ours| ours.filled).sum();
                filled == world.position
            }),
            Property::always("cash pays for what is held", |_, world: &World| {
                let spent = Decimal::from(CAPITAL) - world.cash;
                let held = Decimal::from(world.position);
                spent >= held * Decimal::TEN && spent <= held * Decimal::from(12)
            }),
            Property::always("at rest both sides know the same", |_, world: &World| {
                let pairs = world.ours.iter().zip(&world.venue);
                !world.is_at_rest()
                    || pairs.into_iter().all(|(ours, venue)| match (ours, venue) {
                        (Some(ours), Some(venue)) => {
                            (ours.status, ours.filled) == (venue.status, venue.filled)
                        }
                        (Some(ours), None) => ours.status == OrderStatus::Rejected,
                        (None, venue) => venue.is_none(),
                    })
            }),
            Property::always("what is over stays over", |_, world: &World| {
                ours(world).all(|ours| ours.ended.is_none_or(|ended| ended == ours.status))
            }),
            Property::always("at most one order of an intent works", |_, world: &World| {
                let live = |order: &&AtVenue| !order.status.is_terminal();
                world.venue.iter().flatten().filter(live).count() <= 1 && world.executed() <= UNITS
            }),
            Property::always("doubt ends on evidence alone", |_, world: &World| {
                ours(world).all(|ours| !ours.was_unknown || ours.is_unknown || ours.evidence)
            }),
            Property::sometimes("an order is filled", |_, world: &World| {
                ours(world).any(|ours| ours.status == OrderStatus::Filled)
            }),
            Property::sometimes("a fill overtakes its cancel", |_, world: &World| {
                ours(world).any(|ours| ours.status == OrderStatus::Cancelled && ours.filled > 0)
            }),
            Property::sometimes("a doubtful order was there", |_, world: &World| {
                ours(world).any(|ours| ours.was_unknown && ours.filled == UNITS)
            }),
            Property::sometimes("the second attempt is filled", |_, world: &World| {
                world.ours[1].is_some_and(|ours| ours.status == OrderStatus::Filled)
            }),
        ]
    }
}

fn ours(world: &World) -> impl Iterator<Item = Ours> {
    world.ours.into_iter().flatten()
}

/// What happens at the venue.
fn venue(world: &mut World, action: Action) {
    let mut say = |attempt: Attempt, word: Word| {
        world.reports.push((attempt, word));
        world.reports.sort();
    };
    match action {
        Action::VenueAccepts(attempt) => {
            say(attempt, Word::Accepted);
            world.venue[attempt] = Some(AtVenue { status: OrderStatus::Open, filled: 0 });
            take(&mut world.requests, Request::Place(attempt));
        }
        Action::VenueRefuses(attempt) => {
            say(attempt, Word::Rejected);
            world.venue[attempt] = Some(AtVenue { status: OrderStatus::Rejected, filled: 0 });
            take(&mut world.requests, Request::Place(attempt));
        }
        Action::VenueFills(attempt) => {
            let order = world.venue[attempt].as_mut().unwrap();
            say(attempt, Word::Fill(order.filled));
            order.filled += 1;
            let is_whole = order.filled == UNITS;
            order.status =
                if is_whole { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        }
        Action::VenueExpires(attempt) => {
            say(attempt, Word::Expired);
            world.venue[attempt].as_mut().unwrap().status = OrderStatus::Expired;
        }
        Action::CancelArrives(attempt) => {
            let order = world.venue[attempt].as_mut();
            match order.filter(|order| !order.status.is_terminal()) {
                Some(order) => {
                    order.status = OrderStatus::Cancelled;
                    say(attempt, Word::Cancelled);
                }
                None => say(attempt, Word::CancelRefused),
            }
            take(&mut world.requests, Request::Cancel(attempt));
        }
        other => unreachable!("{other:?} is not the venue's"),
    }
}

fn take<T: PartialEq>(from: &mut Vec<T>, what: T) {
    let place = from.iter().position(|one| *one == what).expect("it is on its way");
    from.remove(place);
}

/// Every reachable state keeps every property; the figures say that there was something to see.
#[test]
fn every_interleaving_of_orders_venue_and_network_keeps_the_books() {
    let checker = Host::new(true).checker().threads(2).spawn_bfs().join();
    println!(
        "{} states, {} of them different, depth {}",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth()
    );
    checker.assert_properties();
    assert!(checker.is_done() && checker.unique_state_count() > 5_000);
}

/// Without the one question that finds a repeated fill, the checker shows how it is booked twice.
#[test]
fn a_fill_that_is_booked_twice_is_found() {
    let wanted = HasDiscoveries::AnyOf(["no fill is booked twice"].into());
    let checker = Host::new(false)
        .checker()
        .finish_when(wanted)
        .timeout(Duration::from_secs(120))
        .spawn_bfs()
        .join();
    let path = checker.assert_any_discovery("no fill is booked twice");
    let actions = path.into_actions();
    let repeats = actions.iter().any(|action| matches!(action, Action::Repeat(_, Word::Fill(_))));
    assert!(repeats, "{actions:?}");
}
