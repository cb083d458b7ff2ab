//! The state that an audit log folds to, entry by entry, and the report over a period.

use tradewright::metrics::MetricsSink;
use tradewright::order::audit::{
    Actor, AuditEntry, AuditEvent, AuditFault, AuditLog, AuditReport, AuditState, AuditValue,
    LifetimeBounds, PositionState, Violation,
};
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, AssetId, Decimal, FactBookBuilder, Facts, Fill,
    FillReport, Halt, HaltCause, HaltLevel, HaltScope, HaltStep, Instrument, InstrumentId,
    Instruments, Intent, Label, Leg, LimitChange, LimitKey, Liquidity, Money, Order, OrderId,
    OrderKind, OrderReport, OrderStatus, Price, Purpose, Qty, Reason, ReasonCode, Record, Side,
    SlotId, Timestamp, Trade, TradeId,
};

const OWNER: SlotId = SlotId(1);
const STOCK: InstrumentId = InstrumentId(0);

fn price(number: i64) -> Price {
    Price::new(Decimal::from(number)).unwrap()
}

fn order(number: u64, side: Side, purpose: Purpose) -> Order {
    let intent = Intent { purpose, ..Intent::market(OWNER, STOCK, side, Qty::from(10)) };
    Order { id: OrderId::new(1, OWNER, number), created_at: Timestamp::EPOCH, intent }
}

fn fill(number: u64, side: Side, quantity: i64) -> AuditEvent {
    let purpose = if side == Side::Buy { Purpose::Entry } else { Purpose::Exit };
    let execution = FillReport {
        trade: TradeId(number.into()),
        price: price(100),
        quantity: Qty::from(quantity),
        fee: Money::zero(AssetId(0)),
        liquidity: Liquidity::Taker,
        before_slippage: price(100),
    };
    let fill = Fill {
        at: Timestamp::EPOCH,
        order: OrderId::new(1, OWNER, number),
        slot: OWNER,
        instrument: STOCK,
        side,
        leg: Leg::Net,
        execution,
        arrival: f64::NAN,
        purpose,
        tag: Label::default(),
    };
    AuditEvent::Filled(fill, Money::zero(AssetId(0)))
}

fn closed(side: Side, quantity: i64) -> AuditEvent {
    AuditEvent::Closed(Trade {
        slot: OWNER,
        instrument: STOCK,
        leg: Leg::Net,
        side,
        quantity: Qty::from(quantity),
        opened_at: Timestamp::EPOCH,
        closed_at: Timestamp::EPOCH,
        entry: Decimal::ONE_HUNDRED,
        exit: Decimal::ONE_HUNDRED,
        gross: Money::zero(AssetId(0)),
        fees: Decimal::ZERO,
        funding: Decimal::ZERO,
        tag: Label::default(),
    })
}

fn step(number: u64, from: OrderStatus, to: OrderStatus) -> AuditEvent {
    let order = OrderId::new(1, OWNER, number);
    AuditEvent::Transition { order, from, to, report: OrderReport::Accepted }
}

fn entries(events: impl IntoIterator<Item = AuditEvent>) -> Vec<AuditEntry> {
    let numbered = (1..).zip(events);
    numbered
        .map(|(sequence, event)| AuditEntry {
            sequence,
            at: Timestamp::from_secs(sequence as i64).unwrap(),
            actor: Actor::Venue,
            event,
            before: None,
            after: None,
            reason: None,
            faults: Vec::new(),
        })
        .collect()
}

/// Quantity and state of the position after these events, which break nothing.
fn position(events: impl IntoIterator<Item = AuditEvent>) -> (Decimal, PositionState) {
    let (state, faults) = AuditState::fold(&entries(events));
    assert_eq!(faults, []);
    let position = state.position(OWNER, STOCK);
    (position.quantity, position.state)
}

fn placed(number: u64, side: Side, purpose: Purpose) -> AuditEvent {
    AuditEvent::Placed(order(number, side, purpose))
}

fn entry(number: u64) -> AuditEvent {
    placed(number, Side::Buy, Purpose::Entry)
}

use OrderStatus::{Cancelled, Filled, Open, PartiallyFilled, Pending};

/// Bought in full: the last fill ends the entry.
fn bought(number: u64, quantity: i64) -> Vec<AuditEvent> {
    vec![
        entry(number),
        step(number, Pending, Open),
        step(number, Open, Filled),
        fill(number, Side::Buy, quantity),
    ]
}

#[test]
fn an_entry_that_ends_says_where_the_position_stands() {
    let zero = Decimal::ZERO;
    assert_eq!(position([entry(1)]), (zero, PositionState::Opening));
    let void = [entry(1), step(1, Pending, Open), step(1, Open, Cancelled)];
    assert_eq!(position(void.clone()), (zero, PositionState::Flat));
    let mut second = void.to_vec();
    second.insert(0, entry(2));
    assert_eq!(position(second), (zero, PositionState::Opening), "another one still works");
    let part = [
        entry(1),
        step(1, Pending, Open),
        step(1, Open, PartiallyFilled),
        fill(1, Side::Buy, 4),
        step(1, PartiallyFilled, Cancelled),
    ];
    assert_eq!(position(part), (4.into(), PositionState::Open));
    assert_eq!(position(bought(1, 10)), (10.into(), PositionState::Open));
    let filling =
        [entry(1), step(1, Pending, Open), step(1, Open, PartiallyFilled), fill(1, Side::Buy, 4)];
    assert_eq!(position(filling), (4.into(), PositionState::Opening));
}

#[test]
fn a_position_is_reduced_closed_and_turned() {
    let sold = |quantity| {
        let mut events = bought(1, 10);
        events.extend([
            placed(2, Side::Sell, Purpose::Exit),
            step(2, Pending, Open),
            step(2, Open, PartiallyFilled),
        ]);
        events.push(fill(2, Side::Sell, quantity));
        events
    };
    assert_eq!(position(sold(4)), (6.into(), PositionState::Reducing));
    assert_eq!(position(sold(10)), (0.into(), PositionState::Closed));
    let mut turned = bought(1, 4);
    turned.extend([
        placed(2, Side::Sell, Purpose::Exit),
        step(2, Pending, Open),
        step(2, Open, PartiallyFilled),
    ]);
    turned.push(fill(2, Side::Sell, 10));
    assert_eq!(position(turned), (Decimal::from(-6), PositionState::Opening));
}

#[test]
fn a_trade_without_a_fill_moves_the_position_and_one_with_it_does_not() {
    let mut events = bought(1, 10);
    events.extend([
        placed(2, Side::Sell, Purpose::Exit),
        step(2, Pending, Open),
        step(2, Open, PartiallyFilled),
    ]);
    events.extend([fill(2, Side::Sell, 4), closed(Side::Buy, 4)]);
    assert_eq!(position(events.clone()).0, 6.into(), "told twice, counted once");
    events.push(closed(Side::Buy, 1));
    assert_eq!(position(events).0, 5.into(), "crossed inside");
    // What a fill has not told yet is forgotten with a settlement: its trades move.
    let mut settled = bought(1, 10);
    settled.extend([
        placed(2, Side::Sell, Purpose::Exit),
        step(2, Pending, Open),
        step(2, Open, PartiallyFilled),
    ]);
    settled.push(fill(2, Side::Sell, 4));
    let kind = AdjustmentKind::Settlement { instrument: STOCK, price: Decimal::ONE_HUNDRED };
    let adjustment = Adjustment { kind, cause: AdjustmentCause::Expiry };
    settled.extend([AuditEvent::Adjusted(adjustment), closed(Side::Buy, 4)]);
    assert_eq!(position(settled).0, 2.into());
}

#[test]
fn fills_add_up() {
    let mut events = vec![entry(1), step(1, Pending, Open), step(1, Open, PartiallyFilled)];
    events.extend([fill(1, Side::Buy, 4), fill(1, Side::Buy, 5)]);
    let (state, faults) = AuditState::fold(&entries(events.clone()));
    assert_eq!(faults, []);
    let found = state.order(OrderId::new(1, OWNER, 1)).unwrap();
    assert_eq!((found.filled, found.notional), (9.into(), 900.into()));
    events.push(fill(1, Side::Buy, 2));
    let (_, faults) = AuditState::fold(&entries(events));
    assert_eq!(faults, [AuditFault::Overfill(OrderId::new(1, OWNER, 1))]);
}

#[test]
fn numbers_and_times_only_rise() {
    let mut log = entries([AuditEvent::Other, AuditEvent::Other, AuditEvent::Other]);
    assert_eq!(AuditState::fold(&log).1, []);
    for (entry, second) in log.iter_mut().zip([10, 5, 7]) {
        entry.at = Timestamp::from_secs(second).unwrap();
    }
    let back = AuditFault::TimeGoesBack;
    assert_eq!(AuditState::fold(&log).1, [back, back], "7 is still before 10");
    log.remove(1);
    let (state, faults) = AuditState::fold(&log);
    assert_eq!(faults, [AuditFault::Gap(3), back]);
    assert_eq!(state.sequence(), 3);
}

#[test]
fn limits_are_as_they_were_changed_last() {
    let key = LimitKey::all("max_order_quantity");
    let change = |value: i64| {
        let value = Decimal::from(value);
        AuditEvent::LimitChanged(LimitChange { key, value, until: None, actor: Label::new("desk") })
    };
    let (state, _) = AuditState::fold(&entries([change(5), change(7)]));
    assert_eq!(state.limit(&key), Some(7.into()));
    assert_eq!(state.limit(&LimitKey::all("leverage")), None);
    let whole = (Timestamp::EPOCH, Timestamp::MAX);
    let log = entries([change(5), change(7)]);
    assert_eq!(AuditReport::over(&log, whole, LifetimeBounds::default()).limit_changes, 2);
}

/// The last 1,024 orders that ended are remembered, and no more.
#[test]
fn what_ended_long_ago_is_forgotten() {
    let ended = |count: u64| {
        let events = (1..=count).flat_map(|number| {
            [entry(number), step(number, Pending, Open), step(number, Open, Cancelled)]
        });
        let (state, _) = AuditState::fold(&entries(events));
        state.order(OrderId::new(1, OWNER, 1)).is_some()
    };
    assert!(ended(1_024));
    assert!(!ended(1_025));
}

#[test]
fn a_report_counts_by_kind_within_its_period() {
    let refused = || AuditEvent::Refused {
        intent: order(9, Side::Buy, Purpose::Entry).intent,
        granted: Qty::ZERO,
    };
    let mut events = bought(1, 10);
    events.extend([entry(2), refused(), refused(), refused()]);
    let mut log = entries(events);
    for (index, code) in [(5, ReasonCode::Leverage), (6, ReasonCode::Leverage)] {
        log[index].reason = Some(Reason::new(code, 1.0, 2.0));
    }
    let second = |second| Timestamp::from_secs(second).unwrap();
    let whole = (second(0), second(100));
    let report = AuditReport::over(&log, whole, LifetimeBounds::default());
    assert_eq!((report.entries, report.placed, report.fills), (8, 2, 1));
    assert_eq!(report.outcomes.get(&Filled), Some(&1));
    let codes: Vec<_> = report.refusals.iter().map(|(code, count)| (&**code, *count)).collect();
    assert_eq!(codes, [("", 1), (ReasonCode::Leverage.as_str(), 2)]);
    // The second order has waited 95 seconds for a word.
    assert_eq!(report.unusual.len(), 1);
    assert_eq!(report.unusual[0].order, OrderId::new(1, OWNER, 2));
    let part = AuditReport::over(&log, (second(2), second(4)), LifetimeBounds::default());
    assert_eq!((part.entries, part.placed), (2, 0), "the end is not in it");
}

/// The log judges an order by the mark of the moment: a stop that has been passed is no stop.
#[test]
fn orders_are_checked_against_the_mark() {
    let mut table = Instruments::new();
    table.add(Instrument::stock("S", "USD")).unwrap();
    let usd = table.find_asset("USD").unwrap();
    let mut sent = order(1, Side::Sell, Purpose::Entry);
    sent.intent.kind = OrderKind::StopMarket { trigger: price(100) };
    let faults = |marks: &[f64]| {
        let mut log = AuditLog::new(Vec::new(), table.clone());
        for mark in marks {
            let book = FactBookBuilder::new(&table, usd).mark(STOCK, Timestamp::EPOCH, *mark);
            let book = book.build();
            log.on_mark(&Facts::new(Timestamp::EPOCH, SlotId::HOUSE, &table, &book));
        }
        log.record(Timestamp::EPOCH, &Record::Placed { order: &sent });
        let text = String::from_utf8(log.into_writer()).unwrap();
        serde_json::from_str::<AuditEntry>(&text).unwrap().faults
    };
    let crossed = [AuditFault::InvalidOrder(sent.id, Violation::CrossedWithMarket)];
    assert_eq!(faults(&[]), [], "without a mark nothing can be said");
    assert_eq!(faults(&[110.0]), []);
    assert_eq!(faults(&[110.0, 90.0]), crossed);
}

/// A delivery of nothing changes nothing, whatever state the position is in.
#[test]
fn a_delivery_of_nothing_changes_nothing() {
    let delivered = |change: i64| AuditEvent::Delivered(OWNER, STOCK, Qty::from(change));
    let mut events = bought(1, 10);
    let is_open = position(events.clone());
    events.push(delivered(0));
    assert_eq!(position(events.clone()), is_open);
    events.push(delivered(-4));
    let is_reducing = position(events.clone());
    assert_eq!(is_reducing, (Decimal::from(6), PositionState::Reducing));
    events.push(delivered(0));
    assert_eq!(position(events), is_reducing);
}

/// A log counts the faults that its entries tell.
#[test]
fn a_log_counts_its_faults() {
    let mut table = Instruments::new();
    table.add(Instrument::stock("S", "USD")).unwrap();
    let mut log = AuditLog::new(Vec::new(), table);
    for number in 1..=3 {
        let mut nothing = order(number, Side::Buy, Purpose::Entry);
        nothing.intent = Intent::market(OWNER, STOCK, Side::Buy, Qty::from(0));
        log.record(Timestamp::EPOCH, &Record::Placed { order: &nothing });
    }
    let counted = log.faults();
    let lines = String::from_utf8(log.into_writer()).unwrap();
    let told = lines
        .lines()
        .map(|line| serde_json::from_str::<AuditEntry>(line).unwrap().faults.len() as u64);
    assert_eq!(counted, told.sum::<u64>());
    assert!(counted >= 3, "{counted}");
}

/// An entry of another strategy does not keep this one's position waiting.
#[test]
fn entries_of_others_do_not_count() {
    let other = SlotId(2);
    let intent = Intent { slot: other, ..order(2, Side::Buy, Purpose::Entry).intent };
    let theirs = Order { id: OrderId::new(1, other, 2), created_at: Timestamp::EPOCH, intent };
    let mine = vec![entry(1), step(1, Pending, Open), step(1, Open, Cancelled)];
    let mut both = mine.clone();
    both.insert(1, AuditEvent::Placed(theirs));
    assert_eq!(position(both), position(mine));
}

/// A step that the table of orders does not have is a fault, and a further partial fill is none.
#[test]
fn a_step_that_cannot_be_is_a_fault() {
    let faults = |steps: &[(OrderStatus, OrderStatus)]| {
        let steps = steps.iter().map(|(from, to)| step(1, *from, *to));
        let events = [entry(1)].into_iter().chain(steps);
        AuditState::fold(&entries(events)).1
    };
    let opened = (Pending, Open);
    assert_eq!(faults(&[opened, (Open, PartiallyFilled), (PartiallyFilled, PartiallyFilled)]), []);
    let id = OrderId::new(1, OWNER, 1);
    let again = faults(&[opened, (Open, Open)]);
    assert_eq!(again, [AuditFault::IllegalStep(id, Open, Open)]);
    let skipped = faults(&[(Open, Cancelled)]);
    assert_eq!(skipped, [AuditFault::WrongStatus(id, Open)], "it was never open");
    let late = faults(&[opened, (Open, Cancelled), (Cancelled, Open)]);
    assert!(late.contains(&AuditFault::IllegalStep(id, Cancelled, Open)), "{late:?}");
}

/// A split of three for two makes six of four, in its own instrument alone.
#[test]
fn a_split_multiplies_positions() {
    let split = |instrument| {
        let kind = AdjustmentKind::Split { instrument, numerator: 3, denominator: 2 };
        let adjustment = Adjustment { cause: AdjustmentCause::Split, kind };
        let events = bought(1, 4).into_iter().chain([AuditEvent::Adjusted(adjustment)]);
        position(events).0
    };
    assert_eq!(split(STOCK), Decimal::from(6));
    assert_eq!(split(InstrumentId(7)), Decimal::from(4));
}

/// A lifetime of exactly the bound is usual, and an unusual one says where the order stood last.
#[test]
fn a_lifetime_beyond_its_bound_is_unusual() {
    // Placed at the first second, open at the second, filled at the third.
    let log = entries([entry(1), step(1, Pending, Open), step(1, Open, Filled)]);
    let second = |second| Timestamp::from_secs(second).unwrap();
    let unusual = |unanswered: u64, lived: u64| {
        let [unanswered, lived] = [unanswered, lived].map(core::time::Duration::from_secs);
        let bounds = LifetimeBounds { unanswered, lived };
        AuditReport::over(&log, (second(0), second(100)), bounds).unusual
    };
    assert_eq!(unusual(1, 2), []);
    for found in [unusual(0, 2), unusual(1, 1)] {
        assert_eq!((found.len(), found[0].status), (1, Filled));
    }
}

/// What an entry has changed is told with the value before it and after it.
#[test]
fn an_entry_tells_what_it_has_changed() {
    let mut table = Instruments::new();
    table.add(Instrument::stock("S", "USD")).unwrap();
    let mut log = AuditLog::new(Vec::new(), table);
    let sent = order(1, Side::Buy, Purpose::Entry);
    log.record(Timestamp::EPOCH, &Record::Placed { order: &sent });
    let report = OrderReport::Accepted;
    let step = Record::Transition { order: sent.id, from: Pending, to: Open, report: &report };
    log.record(Timestamp::EPOCH, &step);
    let lines = String::from_utf8(log.into_writer()).unwrap();
    let told: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<AuditEntry>(line).unwrap())
        .map(|entry| (entry.before, entry.after))
        .collect();
    let status = |status| Some(AuditValue::Status(status));
    assert_eq!(told, [(None, status(Pending)), (status(Pending), status(Open))]);
}

/// A report lists every fault with the number of its entry.
#[test]
fn a_report_lists_faults_by_entry() {
    let mut log = entries([entry(1), step(1, Pending, Open)]);
    log[1].faults = vec![AuditFault::Overflow];
    let whole = (Timestamp::EPOCH, Timestamp::from_secs(100).unwrap());
    let report = AuditReport::over(&log, whole, LifetimeBounds::default());
    assert_eq!(report.violations, [(log[1].sequence, AuditFault::Overflow)]);
}

/// An order has changed when its last step was taken.
#[test]
fn an_order_tells_when_it_changed() {
    let id = OrderId::new(1, OWNER, 1);
    let changed = |steps: usize| {
        let events = [entry(1), step(1, Pending, Open), step(1, Open, PartiallyFilled)];
        let (state, faults) = AuditState::fold(&entries(events)[..=steps]);
        assert_eq!(faults, []);
        state.order(id).unwrap().changed_at
    };
    let secs = [1, 2, 3].map(|seconds| Timestamp::from_secs(seconds).unwrap());
    assert_eq!([0, 1, 2].map(changed), secs);
}

/// A halt is one by its cause and its scope: the end of one lifts no other.
#[test]
fn a_halt_is_ended_by_its_own_end() {
    let of = |slot| Halt::new(HaltCause::Operator, HaltScope::Strategy(SlotId(slot)));
    let step = |halt, step| AuditEvent::Halted(halt, HaltLevel::Active, step);
    let causes = Halt::new(HaltCause::Drawdown, HaltScope::Strategy(SlotId(1)));
    let began = [of(1), of(2), causes].map(|halt| step(halt, HaltStep::Began));
    let (state, _) = AuditState::fold(&entries(began.clone()));
    assert_eq!(state.halts().len(), 3);
    let ended = began.into_iter().chain([step(of(1), HaltStep::Ended)]);
    let (state, _) = AuditState::fold(&entries(ended));
    let left: Vec<_> = state.halts().iter().map(|halt| (halt.cause, halt.scope)).collect();
    assert_eq!(left, [(of(2).cause, of(2).scope), (causes.cause, causes.scope)]);
}

/// A fill needs a quantity and, but for a liquidation, an order.
#[test]
fn a_fill_needs_an_order() {
    let id = OrderId::new(1, OWNER, 1);
    let faults = |events: Vec<AuditEvent>, purpose, quantity: i64| {
        let AuditEvent::Filled(filled, money) = fill(1, Side::Buy, quantity) else { panic!() };
        let filled = AuditEvent::Filled(Fill { purpose, ..filled }, money);
        AuditState::fold(&entries(events.into_iter().chain([filled]))).1
    };
    let ours = || vec![entry(1), step(1, Pending, Open)];
    assert_eq!(faults(ours(), Purpose::Entry, 5), []);
    assert_eq!(faults(vec![], Purpose::Liquidation, 5), []);
    assert_eq!(faults(vec![], Purpose::Entry, 5), [AuditFault::UnknownOrder(id)]);
    assert!(faults(ours(), Purpose::Entry, 0).contains(&AuditFault::EmptyFill(id)));
}
