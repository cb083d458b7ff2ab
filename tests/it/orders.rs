//! The life of orders in single cases. The exact table, and sequences of reports against a plain
//! map of orders, are in the testkit: see conformance.rs.

use proptest::prelude::*;
use tradewright::order::{InFlight, OrderBook, OrderError, OrderLifecycle, OrderState, Step};
use tradewright::types::{
    Amount, Anomaly, AssetId, Decimal, FillReport, InstrumentId, Intent, Linkage, Liquidity, Money,
    Order, OrderId, OrderKind, OrderReport, OrderStatus, Price, Qty, RejectReason, Side, SlotId,
    State, Timestamp, TradeId,
};

const SLOT: SlotId = SlotId(1);
const HERE: InstrumentId = InstrumentId(0);
const USD: AssetId = AssetId(0);

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn qty(text: &str) -> Qty {
    Qty::new(dec(text))
}

fn price(text: &str) -> Price {
    Price::new(dec(text)).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds).unwrap()
}

fn id(sequence: u64) -> OrderId {
    OrderId::new(1, SLOT, sequence)
}

fn order(sequence: u64, side: Side, quantity: &str) -> Order {
    let mut intent = Intent::market(SLOT, HERE, side, qty(quantity));
    intent.reference = 100.0;
    Order { id: id(sequence), created_at: at(1), intent }
}

fn fill_of(trade: u128, quantity: &str, at_price: &str) -> OrderReport {
    OrderReport::Fill(FillReport {
        trade: TradeId(trade),
        price: price(at_price),
        quantity: qty(quantity),
        fee: Money::zero(USD),
        liquidity: Liquidity::Taker,
        before_slippage: price(at_price),
    })
}

fn book_with(order: Order, reports: &[OrderReport]) -> OrderBook {
    let mut book = OrderBook::new();
    book.open(at(1), &order).unwrap();
    for report in reports {
        book.apply(at(2), order.id, report).unwrap();
    }
    book
}

fn state(book: &OrderBook, sequence: u64) -> OrderState {
    *book.find(id(sequence)).unwrap()
}

/// Every report kind; fills are of an order of 10, of which 4 are filled when in part.
fn all_reports() -> [(&'static str, OrderReport); 14] {
    [
        ("accepted", OrderReport::Accepted),
        ("rejected", OrderReport::Rejected(RejectReason::NotTrading)),
        ("fill 1", fill_of(9, "1", "50")),
        ("fill 6", fill_of(9, "6", "50")),
        ("fill 10", fill_of(9, "10", "50")),
        ("fill 11", fill_of(9, "11", "50")),
        ("cancelled", OrderReport::Cancelled),
        ("expired", OrderReport::Expired),
        ("amended 20", OrderReport::Amended { quantity: qty("20"), price: None }),
        ("amended 4", OrderReport::Amended { quantity: qty("4"), price: None }),
        ("amended 0", OrderReport::Amended { quantity: qty("0"), price: None }),
        ("resolved 10", OrderReport::Resolved { quantity: qty("10") }),
        ("triggered", OrderReport::Triggered),
        ("change refused", OrderReport::ChangeRefused(RejectReason::NotFound)),
    ]
}

fn led_to(status: &str) -> OrderBook {
    let first = order(1, Side::Buy, "10");
    let accepted = OrderReport::Accepted;
    let reports: Vec<OrderReport> = match status {
        "Pending" => vec![],
        "Open" => vec![accepted],
        "PartiallyFilled" => vec![accepted, fill_of(1, "4", "100")],
        "Filled" => vec![accepted, fill_of(1, "10", "100")],
        "Cancelled" => vec![accepted, OrderReport::Cancelled],
        "Rejected" => vec![OrderReport::Rejected(RejectReason::NotTrading)],
        "Expired" => vec![accepted, OrderReport::Expired],
        other => panic!("no way to {other}"),
    };
    book_with(first, &reports)
}

#[test]
fn the_table_itself_has_exactly_the_steps_of_the_specification() {
    use OrderStatus::{Cancelled, Expired, Filled, Open, PartiallyFilled, Pending, Rejected};
    let allowed = [
        (Pending, Open),
        (Pending, Rejected),
        (Open, Filled),
        (Open, PartiallyFilled),
        (Open, Cancelled),
        (Open, Expired),
        (PartiallyFilled, Filled),
        (PartiallyFilled, Cancelled),
        (PartiallyFilled, Expired),
    ];
    for from in OrderStatus::ALL {
        for to in OrderStatus::ALL {
            assert_eq!(from.may_become(to), allowed.contains(&(from, to)), "{from:?} {to:?}");
        }
    }
}

#[test]
fn fills_are_summed_and_the_average_is_their_quotient() {
    let book = book_with(order(1, Side::Buy, "3"), &[fill_of(1, "1", "10"), fill_of(2, "2", "13")]);
    let state = state(&book, 1);
    assert_eq!(state.status, OrderStatus::Filled);
    assert_eq!((state.filled, state.notional), (dec("3"), dec("36")));
    assert_eq!(state.average_price(), Some(dec("12")));
    assert_eq!(state.remaining(), Decimal::ZERO);
}

#[test]
fn late_fills_are_counted_and_keep_the_status() {
    let mut book = led_to("Cancelled");
    let applied = book.apply(at(3), id(1), &fill_of(7, "2", "50")).unwrap();
    assert_eq!(applied.anomaly, Some(Anomaly::FillAfterEnd));
    let state = state(&book, 1);
    assert_eq!((state.filled, state.notional), (dec("2"), dec("100")));
    assert_eq!(state.status, OrderStatus::Cancelled);
    assert_eq!(state.remaining(), Decimal::ZERO);
}

#[test]
fn an_amendment_that_was_overtaken_by_its_fill_heals_the_order() {
    let mut book = led_to("Open");
    let over = book.apply(at(3), id(1), &fill_of(7, "12", "50")).unwrap();
    assert_eq!(over.anomaly, Some(Anomaly::Overfill));
    assert_eq!(state(&book, 1).status, OrderStatus::Open);
    assert_eq!(state(&book, 1).remaining(), Decimal::ZERO);
    let amended = OrderReport::Amended { quantity: qty("20"), price: None };
    let applied = book.apply(at(4), id(1), &amended).unwrap();
    let step = Step { from: OrderStatus::Open, to: OrderStatus::PartiallyFilled };
    assert_eq!(applied.step, Some(step));
    assert_eq!(state(&book, 1).remaining(), dec("8"));
    // Less than what is filled cannot be.
    let less = OrderReport::Amended { quantity: qty("11"), price: None };
    let applied = book.apply(at(5), id(1), &less).unwrap();
    assert_eq!(applied.anomaly, Some(Anomaly::ImpossibleReport));
    assert_eq!(state(&book, 1).quantity, Some(qty("20")));
}

#[test]
fn amendments_change_quantity_and_price() {
    let stop_limit = OrderKind::StopLimit { trigger: price("9"), price: price("10") };
    for (kind, expected) in [
        (OrderKind::Limit { price: price("10") }, OrderKind::Limit { price: price("11") }),
        (stop_limit, OrderKind::StopLimit { trigger: price("9"), price: price("11") }),
        (OrderKind::Market, OrderKind::Market),
        (
            OrderKind::StopMarket { trigger: price("9") },
            OrderKind::StopMarket { trigger: price("11") },
        ),
    ] {
        let mut order = order(1, Side::Buy, "10");
        order.intent.kind = kind;
        let amended = OrderReport::Amended { quantity: qty("5"), price: Some(price("11")) };
        let book = book_with(order, &[OrderReport::Accepted, amended]);
        assert_eq!(state(&book, 1).quantity, Some(qty("5")));
        assert_eq!(state(&book, 1).order.intent.kind, expected);
        assert_eq!(state(&book, 1).changed_at, at(2));
    }
}

fn cash_order(sequence: u64, cash: &str, reference: f64) -> Order {
    let mut order = order(sequence, Side::Buy, "1");
    order.intent.amount = Amount::Cash(Money::new(dec(cash), USD));
    order.intent.reference = reference;
    order
}

#[test]
fn cash_orders_learn_their_quantity_once() {
    let mut book = book_with(cash_order(1, "1000", 40.0), &[OrderReport::Accepted]);
    assert_eq!(state(&book, 1).quantity, None);
    assert_eq!(book.reserved(SLOT, HERE).buy, dec("25"));
    book.apply(at(3), id(1), &fill_of(1, "5", "40")).unwrap();
    assert_eq!(state(&book, 1).status, OrderStatus::PartiallyFilled);
    assert_eq!(book.reserved(SLOT, HERE).buy, dec("20"));

    let mut resolve = |quantity: &str| {
        let report = OrderReport::Resolved { quantity: qty(quantity) };
        book.apply(at(3), id(1), &report).unwrap()
    };
    assert_eq!(resolve("4").anomaly, Some(Anomaly::ImpossibleReport));
    assert_eq!(resolve("0").anomaly, Some(Anomaly::ImpossibleReport));
    assert_eq!(resolve("24"), Default::default());
    assert_eq!(resolve("24"), Default::default());
    assert_eq!(resolve("23").anomaly, Some(Anomaly::ImpossibleReport));
    assert_eq!(state(&book, 1).quantity, Some(qty("24")));
    assert_eq!(book.reserved(SLOT, HERE).buy, dec("19"));
}

#[test]
fn a_cash_order_that_was_filled_before_it_was_resolved_is_filled_by_it() {
    let report = OrderReport::Resolved { quantity: qty("5") };
    let book = book_with(cash_order(1, "1000", 40.0), &[fill_of(1, "5", "40"), report]);
    assert_eq!(state(&book, 1).status, OrderStatus::Filled);
    // An order for a quantity has nothing to resolve.
    let mut book = led_to("Open");
    let report = OrderReport::Resolved { quantity: qty("9") };
    let applied = book.apply(at(3), id(1), &report).unwrap();
    assert_eq!(applied.anomaly, Some(Anomaly::ImpossibleReport));
}

#[test]
fn cash_is_valued_by_limit_then_trigger_then_reference() {
    let mut book = OrderBook::new();
    let mut first = cash_order(1, "100", f64::NAN);
    assert_eq!(book.open(at(1), &first), Err(OrderError::NoPrice { id: id(1) }));
    first.intent.reference = 0.0;
    assert_eq!(book.open(at(1), &first), Err(OrderError::NoPrice { id: id(1) }));
    assert!(book.live().is_empty());
    first.intent.kind = OrderKind::StopMarket { trigger: price("3") };
    book.open(at(1), &first).unwrap();
    assert_eq!(book.reserved(SLOT, HERE).buy, dec("33.333333333333"));
    // What was filled beyond the estimate does not count below zero.
    book.apply(at(2), id(1), &fill_of(1, "40", "2.5")).unwrap();
    assert_eq!(book.reserved(SLOT, HERE).buy, Decimal::ZERO);
}

#[test]
fn bad_orders_and_reports_are_refused_and_change_nothing() {
    let mut book = led_to("PartiallyFilled");
    let before = state(&book, 1);
    let bad = |quantity: &str| OrderError::BadQuantity { id: id(2), quantity: dec(quantity) };
    assert_eq!(book.open(at(3), &order(2, Side::Buy, "0")), Err(bad("0")));
    assert_eq!(book.open(at(3), &order(2, Side::Buy, "-1")), Err(bad("-1")));
    assert_eq!(book.open(at(3), &cash_order(2, "0", 1.0)), Err(bad("0")));
    let duplicate = Err(OrderError::DuplicateId { id: id(1) });
    assert_eq!(book.open(at(3), &order(1, Side::Buy, "1")), duplicate);
    let unknown = Err(OrderError::Unknown { id: id(2) });
    assert_eq!(book.apply(at(3), id(2), &OrderReport::Accepted), unknown);
    assert_eq!(
        book.request(at(3), id(2), InFlight::Cancel),
        Err(OrderError::Unknown { id: id(2) })
    );
    for quantity in ["0", "-1"] {
        let refused = OrderError::BadQuantity { id: id(1), quantity: dec(quantity) };
        assert_eq!(book.apply(at(3), id(1), &fill_of(2, quantity, "1")), Err(refused));
    }
    let huge = fill_of(2, "79228162514264337593543950335", "1");
    let overflow = Err(OrderError::Overflow { id: id(1) });
    assert_eq!(book.apply(at(3), id(1), &huge), overflow);
    assert_eq!(state(&book, 1), before);
    assert_eq!(book.live().len(), 1);
    // An ended order's id stays taken while it is remembered.
    let mut book = led_to("Cancelled");
    assert_eq!(book.open(at(3), &order(1, Side::Buy, "1")), duplicate);
}

#[test]
fn requests_stay_beside_the_state_until_they_are_answered() {
    let answers = |in_flight: InFlight, report: OrderReport| {
        let mut book = led_to("Open");
        book.request(at(5), id(1), in_flight).unwrap();
        assert_eq!(state(&book, 1).in_flight, in_flight);
        let noted = if in_flight == InFlight::None { at(2) } else { at(5) };
        assert_eq!(state(&book, 1).changed_at, noted);
        book.apply(at(4), id(1), &report).unwrap();
        assert_eq!(state(&book, 1).changed_at, noted, "times never fall");
        state(&book, 1).in_flight
    };
    let refused = OrderReport::ChangeRefused(RejectReason::NotFound);
    let amended = OrderReport::Amended { quantity: qty("8"), price: None };
    assert_eq!(answers(InFlight::Cancel, refused), InFlight::None);
    assert_eq!(answers(InFlight::Amend, refused), InFlight::None);
    assert_eq!(answers(InFlight::Amend, amended), InFlight::None);
    assert_eq!(answers(InFlight::Cancel, amended), InFlight::Cancel);
    assert_eq!(answers(InFlight::Cancel, fill_of(1, "1", "5")), InFlight::Cancel);
    assert_eq!(answers(InFlight::Amend, fill_of(1, "1", "5")), InFlight::Amend);
    assert_eq!(answers(InFlight::Cancel, OrderReport::Accepted), InFlight::Cancel);
    assert_eq!(answers(InFlight::Cancel, OrderReport::Cancelled), InFlight::None);
    assert_eq!(answers(InFlight::Cancel, fill_of(1, "10", "5")), InFlight::None);
    assert_eq!(answers(InFlight::None, OrderReport::Accepted), InFlight::None);

    let mut over = led_to("Filled");
    let not_live = OrderError::NotLive { id: id(1), status: OrderStatus::Filled };
    assert_eq!(over.request(at(3), id(1), InFlight::Cancel), Err(not_live));
}

#[test]
fn an_unknown_submission_is_left_on_the_venues_word_alone() {
    let unknown = || {
        let mut book = led_to("Pending");
        book.request(at(3), id(1), InFlight::Unknown).unwrap();
        book
    };
    let mut book = unknown();
    for request in [InFlight::Cancel, InFlight::Amend, InFlight::None] {
        book.request(at(4), id(1), request).unwrap();
        assert_eq!(state(&book, 1).in_flight, InFlight::Unknown);
    }
    // A venue that does not know the order refuses to cancel it: no evidence.
    let refused = OrderReport::ChangeRefused(RejectReason::NotFound);
    book.apply(at(4), id(1), &refused).unwrap();
    assert_eq!(state(&book, 1).in_flight, InFlight::Unknown);
    for (name, report) in all_reports() {
        if ["change refused", "amended 0"].contains(&name) {
            continue;
        }
        let mut book = unknown();
        book.apply(at(4), id(1), &report).unwrap();
        assert_eq!(state(&book, 1).in_flight, InFlight::None, "{name}");
    }
    // What the venue has told already cannot become unknown.
    let mut book = led_to("Open");
    book.request(at(3), id(1), InFlight::Cancel).unwrap();
    book.request(at(4), id(1), InFlight::Unknown).unwrap();
    assert_eq!(state(&book, 1).in_flight, InFlight::Cancel);
    assert_eq!(state(&book, 1).changed_at, at(3));
}

#[test]
fn linked_orders_reserve_once_per_side_by_the_largest() {
    let mut book = OrderBook::new();
    let mut put = |sequence: u64, side: Side, quantity: &str, group: Option<u64>, epoch: u32| {
        let mut order = order(sequence, side, quantity);
        order.id = OrderId::new(epoch, SLOT, sequence);
        order.intent.linkage = group.map_or(Linkage::None, Linkage::OneCancelsOther);
        book.open(at(1), &order).unwrap();
    };
    put(1, Side::Sell, "5", Some(1), 1);
    put(2, Side::Sell, "7", Some(1), 1);
    put(3, Side::Sell, "7", Some(1), 1);
    put(4, Side::Buy, "2", Some(1), 1);
    put(5, Side::Sell, "1", Some(5), 1);
    put(6, Side::Sell, "1", None, 1);
    put(7, Side::Sell, "3", Some(1), 2);
    let reserved = book.reserved(SLOT, HERE);
    assert_eq!((reserved.buy, reserved.sell, reserved.orders), (dec("2"), dec("12"), 7));
    assert_eq!(book.reserved(SlotId(2), HERE), Default::default());
    assert_eq!(book.reserved(SLOT, InstrumentId(1)), Default::default());
    // The largest ends: the next one counts.
    book.apply(at(2), id(2), &OrderReport::Cancelled).unwrap();
    book.apply(at(2), id(3), &fill_of(1, "4", "10")).unwrap();
    let reserved = book.reserved(SLOT, HERE);
    assert_eq!((reserved.buy, reserved.sell, reserved.orders), (dec("2"), dec("10"), 6));
}

#[test]
fn reservations_that_do_not_fit_are_the_largest_number() {
    let mut book = OrderBook::new();
    for sequence in 1..=2 {
        let order = order(sequence, Side::Buy, "79228162514264337593543950335");
        book.open(at(1), &order).unwrap();
    }
    assert_eq!(book.reserved(SLOT, HERE).buy, Decimal::MAX);
}

#[test]
fn the_memory_of_ended_orders_is_bounded_and_survives_a_snapshot() {
    let mut book = OrderBook::with_memory(3);
    for sequence in [4, 2, 7, 1, 9] {
        book.open(at(1), &order(sequence, Side::Buy, "1")).unwrap();
    }
    let live: Vec<u64> = book.live().iter().map(|state| state.order.id.sequence()).collect();
    assert_eq!(live, [1, 2, 4, 7, 9]);
    for sequence in [7, 1, 4, 2] {
        book.apply(at(2), id(sequence), &OrderReport::Cancelled).unwrap();
    }
    let known = |book: &OrderBook| [7, 1, 4, 2].map(|sequence| book.find(id(sequence)).is_some());
    assert_eq!(known(&book), [false, true, true, true]);

    let mut restored = OrderBook::new();
    restored.restore(&book.save().unwrap()).unwrap();
    assert_eq!(restored, book);
    assert_eq!(known(&restored), [false, true, true, true]);
    for book in [&mut book, &mut restored] {
        book.apply(at(3), id(9), &OrderReport::Cancelled).unwrap();
        assert_eq!(known(book), [false, false, true, true]);
    }
    assert_eq!(restored, book);
    let late = book.apply(at(4), id(2), &fill_of(3, "1", "5")).unwrap();
    assert_eq!(late.anomaly, Some(Anomaly::FillAfterEnd));
    assert_ne!(restored, book);
    // The forgotten id counts as unknown, a remembered one stays taken.
    let unknown = Err(OrderError::Unknown { id: id(7) });
    assert_eq!(book.apply(at(4), id(7), &OrderReport::Accepted), unknown);
    assert!(book.open(at(4), &order(2, Side::Buy, "1")).is_err());
    assert!(book.open(at(4), &order(9, Side::Buy, "1")).is_err());
    assert!(book.open(at(4), &order(8, Side::Buy, "1")).is_ok());
}

#[test]
fn the_memory_of_a_new_book_is_a_thousand_and_twenty_four() {
    let mut book = OrderBook::default();
    for sequence in 1..=1_025 {
        book.open(at(1), &order(sequence, Side::Buy, "1")).unwrap();
        book.apply(at(1), id(sequence), &OrderReport::Expired).unwrap();
    }
    assert!(book.find(id(1)).is_none());
    assert!(book.find(id(2)).is_some());
    assert!(book.find(id(1_025)).is_some());
}

#[test]
fn damaged_snapshots_are_refused() {
    #[derive(serde::Serialize)]
    struct Saved {
        live: Vec<OrderState>,
        ended: Vec<OrderState>,
        memory: usize,
        highest: Option<OrderId>,
    }
    let live = state(&led_to("Open"), 1);
    let over = state(&led_to("Filled"), 1);
    let mut second = live;
    second.order.id = id(2);
    let attempt = |live: Vec<OrderState>, ended: Vec<OrderState>, memory: usize| {
        let highest = live.iter().chain(&ended).map(|state| state.order.id).max();
        let bytes = rmp_serde::to_vec_named(&Saved { live, ended, memory, highest }).unwrap();
        let mut book = led_to("Pending");
        let before = book.clone();
        let outcome = book.restore(&bytes);
        assert_eq!(outcome.is_err(), book == before);
        outcome.is_ok()
    };
    assert!(attempt(vec![live, second], vec![over], 1));
    assert!(attempt(vec![], vec![], 1 << 20));
    assert!(!attempt(vec![second, live], vec![over], 1), "unsorted");
    assert!(!attempt(vec![live, live], vec![over], 1), "twice");
    assert!(!attempt(vec![over], vec![], 1), "an ended order among the live");
    assert!(!attempt(vec![], vec![live], 1), "a live order among the ended");
    assert!(!attempt(vec![], vec![over], 0), "more than the memory");
    assert!(!attempt(vec![], vec![], (1 << 20) + 1), "too large a memory");
}

/// An order that is over has nothing left to fill, whether a part of it was filled or not.
#[test]
fn what_is_over_has_nothing_remaining() {
    for status in ["Cancelled", "Rejected", "Expired", "Filled"] {
        assert_eq!(state(&led_to(status), 1).remaining(), Decimal::ZERO, "{status}");
    }
    assert_eq!(state(&led_to("Open"), 1).remaining(), dec("10"));
    assert_eq!(state(&led_to("PartiallyFilled"), 1).remaining(), dec("6"));
}

/// A resolution is news when it tells the quantity or answers a doubtful submission, and to
/// nothing it is no resolution.
#[test]
fn a_resolution_is_news_once() {
    let resolved = |quantity: &str| OrderReport::Resolved { quantity: qty(quantity) };
    let mut book = book_with(cash_order(1, "1000", 40.0), &[OrderReport::Accepted]);
    let nothing = book.apply(at(3), id(1), &resolved("0")).unwrap();
    assert_eq!(nothing.anomaly, Some(Anomaly::ImpossibleReport));
    assert_eq!(state(&book, 1).quantity, None);
    book.apply(at(4), id(1), &resolved("25")).unwrap();
    assert_eq!(state(&book, 1).changed_at, at(4));
    book.apply(at(5), id(1), &resolved("25")).unwrap();
    assert_eq!(state(&book, 1).changed_at, at(4), "a repetition changes nothing");

    let mut doubtful = book_with(cash_order(1, "1000", 40.0), &[]);
    doubtful.request(at(2), id(1), InFlight::Unknown).unwrap();
    doubtful.apply(at(3), id(1), &resolved("25")).unwrap();
    assert_eq!(state(&doubtful, 1).in_flight, InFlight::None);
    assert_eq!(state(&doubtful, 1).status, OrderStatus::Open);
}

proptest! {
    /// Any order of the same fills ends in the same sums, and the average lies between them.
    #[test]
    fn fills_commute(
        fills in prop::collection::vec((1i64..4, 90i64..110), 1..8).prop_shuffle(),
        seed in any::<prop::sample::Index>(),
    ) {
        let total: i64 = fills.iter().map(|(units, _)| units).sum();
        let mut turned = fills.clone();
        turned.rotate_left(seed.index(fills.len()));
        turned.reverse();
        let run = |fills: &[(i64, i64)]| {
            let first = order(1, Side::Buy, &total.to_string());
            let reports: Vec<_> = fills.iter().enumerate().map(|(index, (units, price))| {
                fill_of(index as u128, &units.to_string(), &price.to_string())
            }).collect();
            state(&book_with(first, &reports), 1)
        };
        let (one, other) = (run(&fills), run(&turned));
        prop_assert_eq!(one, other);
        prop_assert_eq!(one.status, OrderStatus::Filled);
        let notional: i64 = fills.iter().map(|(units, price)| units * price).sum();
        prop_assert_eq!(one.notional, Decimal::from(notional));
        let average = one.average_price().unwrap();
        let prices = || fills.iter().map(|(_, price)| Decimal::from(*price));
        prop_assert!(prices().min().unwrap() <= average && average <= prices().max().unwrap());
    }
}

/// A full memory forgets its oldest with each order that ends, round after round.
#[test]
fn a_full_memory_forgets_the_oldest() {
    let mut book = OrderBook::with_memory(2);
    for sequence in 1..9 {
        book.open(at(1), &order(sequence, Side::Buy, "1")).unwrap();
        book.apply(at(2), id(sequence), &OrderReport::Cancelled).unwrap();
        let known = (1..=sequence).filter(|sequence| book.find(id(*sequence)).is_some());
        let newest: Vec<u64> = (sequence.saturating_sub(1).max(1)..=sequence).collect();
        assert_eq!(known.collect::<Vec<_>>(), newest);
    }
}
