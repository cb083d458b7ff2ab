use std::collections::BTreeMap;

use proptest::sample::Index;
use rust_decimal::Decimal;

use crate::order::{Applied, InFlight, OrderLifecycle, OrderState, Step};
use crate::testkit::inputs::{OrderLife, order_lives};
use crate::testkit::reference::{NaiveOrders, ORDER_TABLE, execution, table_reports};
use crate::testkit::{BrokenLaw, Fault, Suite};
use crate::types::{
    Amount, InstrumentId, Intent, Order, OrderId, OrderReport, OrderStatus, Qty, RejectReason,
    Side, SlotId, Timestamp,
};

const TABLE: &str = "each report does in each status what the table says";
const STEPS: &str = "steps are told as they are taken, and only allowed ones are";
const MODEL: &str = "orders are where a plain map of them is";
const LIVE: &str = "the live orders are those that are not over, by id";
const RESERVED: &str = "what is reserved is what the live orders have left";
const REFUSED: &str = "what is refused changes nothing";
const RESTORED: &str = "a restored book goes on as the saved one";
const UNKNOWN: &str = "an unknown submission is left on the venue's word alone";
const TIMES: &str = "the time of an order's last change never falls";
const TAKEN: &str = "what a venue may say is taken";

const SLOT: SlotId = SlotId(1);
const HERE: InstrumentId = InstrumentId(0);

impl Suite {
    /// The laws of [`OrderLifecycle`]: the exact table of every report in every status, tried on
    /// all of its cells, and drawn reports on several orders, repeated, late and out of order,
    /// against a plain map of them.
    ///
    /// ```
    /// use tradewright::order::OrderBook;
    /// use tradewright::testkit::Suite;
    ///
    /// Suite::new().cases(32).lifecycle(OrderBook::new)?;
    /// # Ok::<(), tradewright::testkit::BrokenLaw>(())
    /// ```
    ///
    /// # Errors
    /// [`BrokenLaw`].
    pub fn lifecycle<L: OrderLifecycle>(&self, build: impl Fn() -> L) -> Result<(), BrokenLaw> {
        let cells = ORDER_TABLE.len().saturating_mul(table_reports().len());
        let every_cell = Self::new().seed(0).cases(1);
        for cell in 0..cells {
            let cell = proptest::strategy::Just(cell);
            every_cell.check("order table", &cell, |cell| table(&build, *cell))?;
        }
        let one = (0_usize..4, proptest::arbitrary::any::<Index>(), 0_u8..8);
        let words = proptest::collection::vec(one, 0..60);
        let lives = proptest::collection::vec(order_lives(), 1..4);
        self.check("orders", &(lives, words), |(lives, words)| stream(&build, lives, words))
    }
}

fn order(sequence: u64) -> Order {
    let id = OrderId::new(1, SLOT, sequence);
    // A reference, because a state with NaN in it equals nothing.
    let intent = Intent { reference: 50.0, ..Intent::market(SLOT, HERE, Side::Buy, Qty::from(10)) };
    Order { id, created_at: Timestamp::EPOCH, intent }
}

/// The reports that lead an order of 10 units to a status.
fn way_to(status: OrderStatus) -> Vec<OrderReport> {
    let accepted = OrderReport::Accepted;
    match status {
        OrderStatus::Pending => vec![],
        OrderStatus::Open => vec![accepted],
        OrderStatus::PartiallyFilled => vec![accepted, OrderReport::Fill(execution(1, 4))],
        OrderStatus::Filled => vec![accepted, OrderReport::Fill(execution(1, 10))],
        OrderStatus::Cancelled => vec![accepted, OrderReport::Cancelled],
        OrderStatus::Rejected => vec![OrderReport::Rejected(RejectReason::NotTrading)],
        OrderStatus::Expired => vec![accepted, OrderReport::Expired],
    }
}

/// One cell of the table.
fn table<L: OrderLifecycle>(build: &impl Fn() -> L, cell: usize) -> Result<(), Fault> {
    let reports = table_reports();
    let (status, row) = ORDER_TABLE[cell / reports.len()];
    let (name, report) = reports[cell % reports.len()];
    let expected = row.split_whitespace().nth(cell % reports.len()).unwrap_or_default();
    let place = || format!("{status:?} x {name}");
    let (at, order) = (Timestamp::EPOCH, order(1));
    let mut book = build();
    book.open(at, &order).map_err(|error| Fault::new(TAKEN, error.to_string()))?;
    for report in way_to(status) {
        apply(&mut book, order.id, &report)?;
    }
    let before = find(&book, order.id)?;
    Fault::unless(before.status == status, TABLE, || format!("{}: {before:?}", place()))?;
    let later = Timestamp::MAX;
    let applied = book.apply(later, order.id, &report);
    let applied = applied.map_err(|error| Fault::new(TAKEN, error.to_string()))?;
    let after = find(&book, order.id)?;
    let told = told(&applied);
    Fault::unless(told == expected, TABLE, || format!("{}: {told}, not {expected}", place()))?;
    steps(before.status, after.status, &applied)?;
    let nothing =
        expected == "!ImpossibleReport" || (expected == "=" && before.quantity == after.quantity);
    Fault::unless(!nothing || before == after, TABLE, || format!("{}: {after:?}", place()))?;
    let is_dated = nothing || expected == "=" || after.changed_at == later;
    Fault::unless(is_dated, TABLE, || format!("{}: changed at {}", place(), after.changed_at))
}

/// What an answer says, in the words of the table.
fn told(applied: &Applied) -> String {
    let mut told = String::new();
    if applied.implied.is_some() {
        told.push('+');
    }
    if let Some(step) = applied.step {
        told.push_str(&format!("{:?}", step.to));
    }
    if let Some(anomaly) = applied.anomaly {
        told.push_str(&format!("!{anomaly:?}"));
    }
    if told.is_empty() { "=".to_owned() } else { told }
}

/// Follows the steps that were told from one status to the other.
fn steps(before: OrderStatus, after: OrderStatus, applied: &Applied) -> Result<(), Fault> {
    let mut reached = before;
    for Step { from, to } in [applied.implied, applied.step].into_iter().flatten() {
        let stays = [from, to] == [OrderStatus::PartiallyFilled; 2];
        let holds = from == reached && (stays || from.may_become(to));
        Fault::unless(holds, STEPS, || format!("{applied:?} in {before:?}"))?;
        reached = to;
    }
    Fault::unless(reached == after, STEPS, || format!("{applied:?} from {before:?} to {after:?}"))
}

fn apply<L: OrderLifecycle>(
    book: &mut L,
    id: OrderId,
    report: &OrderReport,
) -> Result<Applied, Fault> {
    let applied = book.apply(Timestamp::EPOCH, id, report);
    applied.map_err(|error| Fault::new(TAKEN, format!("{report:?}: {error}")))
}

fn find<L: OrderLifecycle>(book: &L, id: OrderId) -> Result<OrderState, Fault> {
    book.find(id).copied().ok_or_else(|| Fault::new(TAKEN, format!("{id} is forgotten")))
}

fn bytes<L: OrderLifecycle>(book: &L) -> Result<Vec<u8>, Fault> {
    book.save().map_err(|error| Fault::new(RESTORED, error.to_string()))
}

/// Words of several orders, interleaved as drawn; requests go out between them.
fn stream<L: OrderLifecycle>(
    build: &impl Fn() -> L,
    lives: &[OrderLife],
    words: &[(usize, Index, u8)],
) -> Result<(), Fault> {
    // Ids as they were created: one above the other.
    let orders: BTreeMap<OrderId, &OrderLife> = (1_u64..)
        .zip(lives)
        .map(|(sequence, life)| (OrderId::new(1, SLOT, sequence), life))
        .collect();
    let (mut book, mut naive) = (build(), NaiveOrders::default());
    for (id, life) in &orders {
        let order = Order { id: *id, ..life.order };
        book.open(Timestamp::EPOCH, &order)
            .map_err(|error| Fault::new(TAKEN, error.to_string()))?;
        naive.open(&order);
    }
    let ids: Vec<OrderId> = orders.keys().copied().collect();
    for (index, (which, word, request)) in words.iter().enumerate() {
        let id = ids[which % ids.len()];
        let life = orders[&id];
        send(&mut book, id, *request)?;
        let report = life.delivered[word.index(life.delivered.len())];
        let before = find(&book, id)?;
        // Reports come with times that go back, too.
        let at = Timestamp::from_nanos(i64::from(*request));
        let applied = book.apply(at, id, &report);
        let applied = applied.map_err(|error| Fault::new(TAKEN, format!("{report:?}: {error}")))?;
        naive.apply(id, &report);
        let after = find(&book, id)?;
        let is_later = after.changed_at >= before.changed_at;
        Fault::unless(is_later, TIMES, || {
            format!("{} after {}", after.changed_at, before.changed_at)
        })?;
        steps(before.status, after.status, &applied)?;
        left_unknown(&before, &after, &report)?;
        compare(&book, &naive)?;
        if index == words.len() / 2 {
            let saved = bytes(&book)?;
            book = build();
            book.restore(&saved).map_err(|error| Fault::new(RESTORED, error.to_string()))?;
            Fault::unless(bytes(&book)? == saved, RESTORED, || "another state".to_owned())?;
        }
    }
    refuses(&mut book, &ids)
}

/// Sends what a host sends between two words; an order that is over takes no request.
fn send<L: OrderLifecycle>(book: &mut L, id: OrderId, request: u8) -> Result<(), Fault> {
    let request = match request {
        0 => InFlight::Cancel,
        1 => InFlight::Amend,
        2 => InFlight::Unknown,
        _ => return Ok(()),
    };
    let before = find(book, id)?;
    let taken = book.request(Timestamp::EPOCH, id, request);
    let is_over = before.status.is_terminal();
    Fault::unless(taken.is_err() == is_over, REFUSED, || format!("{request:?} in {before:?}"))?;
    let after = find(book, id)?;
    let stays = before.in_flight != InFlight::Unknown || after.in_flight == InFlight::Unknown;
    Fault::unless(stays, UNKNOWN, || format!("{request:?} led to {after:?}"))
}

/// A refused change is no word on the submission; everything else is.
fn left_unknown(
    before: &OrderState,
    after: &OrderState,
    report: &OrderReport,
) -> Result<(), Fault> {
    let was = before.in_flight == InFlight::Unknown;
    let is = after.in_flight == InFlight::Unknown;
    let is_word = !matches!(report, OrderReport::ChangeRefused(_));
    Fault::unless(is == (was && !is_word), UNKNOWN, || format!("{report:?} led to {after:?}"))
}

fn compare<L: OrderLifecycle>(book: &L, naive: &NaiveOrders) -> Result<(), Fault> {
    let (mut live, mut buy, mut sell) = (Vec::new(), Decimal::ZERO, Decimal::ZERO);
    for (id, expected) in &naive.orders {
        let state = find(book, *id)?;
        let quantity = state.quantity.map(Qty::value);
        let same = (state.status, state.filled, state.notional)
            == (expected.status, expected.filled, expected.notional)
            && quantity == Some(expected.quantity);
        Fault::unless(same, MODEL, || format!("{state:?}, not {expected:?}"))?;
        if expected.status.is_terminal() {
            continue;
        }
        live.push(*id);
        let left = expected.quantity.saturating_sub(expected.filled).max(Decimal::ZERO);
        let sum = if state.order.intent.side == Side::Buy { &mut buy } else { &mut sell };
        *sum = sum.saturating_add(left);
    }
    let told: Vec<OrderId> = book.live().iter().map(|state| state.order.id).collect();
    Fault::unless(told == live, LIVE, || format!("{told:?}, not {live:?}"))?;
    let reserved = book.reserved(SLOT, HERE);
    let same = (reserved.buy, reserved.sell, reserved.orders as usize) == (buy, sell, live.len());
    Fault::unless(same, RESERVED, || format!("{reserved:?}, not {buy} and {sell}"))
}

/// Ids in use, unknown ids, and fills of nothing.
fn refuses<L: OrderLifecycle>(book: &mut L, ids: &[OrderId]) -> Result<(), Fault> {
    let (before, at) = (bytes(book)?, Timestamp::EPOCH);
    let nobody = OrderId::new(9, SLOT, 9);
    let nothing = OrderReport::Fill(execution(7, 0));
    let mut outcomes = vec![
        ("an unknown id", book.apply(at, nobody, &OrderReport::Accepted).is_err()),
        ("a request for an unknown id", book.request(at, nobody, InFlight::Cancel).is_err()),
    ];
    for id in ids {
        let again = Order { id: *id, ..order(1) };
        outcomes.push(("an id in use", book.open(at, &again).is_err()));
        outcomes.push(("a fill of nothing", book.apply(at, *id, &nothing).is_err()));
    }
    let mut nothing = order(77);
    nothing.intent.amount = Amount::Quantity(Qty::ZERO);
    outcomes.push(("an order for nothing", book.open(at, &nothing).is_err()));
    for (what, is_refused) in outcomes {
        Fault::unless(is_refused, REFUSED, || format!("{what} was taken"))?;
    }
    Fault::unless(bytes(book)? == before, REFUSED, || "another state".to_owned())
}
