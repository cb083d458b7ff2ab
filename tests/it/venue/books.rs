//! A book is served while it is sound, and at no other time.

use core::time::Duration;

use proptest::prelude::*;
use tradewright::types::{BookLevel, InstrumentId, Side, Timestamp};
use tradewright::venue::{
    BookAction, BookFault, BookSync, BookSyncConfig, DepthSnapshot, DepthUpdate, SyncRule,
};

const ID: InstrumentId = InstrumentId(0);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds).unwrap()
}

fn level(price: f64, quantity: f64) -> BookLevel {
    BookLevel { price, quantity }
}

fn snapshot(last: u64, bids: &[(f64, f64)], asks: &[(f64, f64)]) -> DepthSnapshot {
    let levels = |side: &[(f64, f64)]| side.iter().map(|(p, q)| level(*p, *q)).collect();
    let (bids, asks) = (levels(bids), levels(asks));
    DepthSnapshot { instrument: ID, last, is_complete: false, bids, asks }
}

fn update(first: u64, last: u64, bids: &[(f64, f64)], asks: &[(f64, f64)]) -> DepthUpdate {
    let levels = |side: &[(f64, f64)]| side.iter().map(|(p, q)| level(*p, *q)).collect();
    let (bids, asks) = (levels(bids), levels(asks));
    DepthUpdate { bids, asks, ..DepthUpdate::new(ID, first, last) }
}

fn live(rule: SyncRule) -> (BookSync, Vec<BookAction>) {
    let (mut book, mut actions) = (BookSync::new(ID, rule), Vec::new());
    book.start(at(0), &mut actions);
    let levels = snapshot(10, &[(99.0, 1.0), (98.0, 2.0)], &[(100.0, 1.0), (101.0, 2.0)]);
    book.on_snapshot(at(0), &levels, &mut actions);
    assert_eq!(actions, [BookAction::RequestSnapshot, BookAction::Trusted]);
    actions.clear();
    (book, actions)
}

/// Failure 6: the old book is not served after a gap, and a new snapshot brings it back.
#[test]
fn failure_06_sequence_gap() {
    let (mut book, mut actions) = live(SyncRule::Spot);
    book.on_update(at(60), &update(12, 12, &[(99.5, 1.0)], &[]), &mut actions);
    let distrusted = BookAction::Distrusted(BookFault::Gap);
    assert_eq!(actions, [distrusted, BookAction::RequestSnapshot]);
    assert_eq!((book.top(), book.last()), (None, None));
    assert_eq!(book.levels(Side::Buy).count(), 0);
    assert_eq!(book.quantity_to(Side::Buy, 99.0), None);
    let fresh = snapshot(11, &[(99.0, 1.0)], &[(100.0, 1.0)]);
    book.on_snapshot(at(61), &fresh, &mut actions);
    assert_eq!(book.top().unwrap().bid, 99.5, "what came after the gap was kept");
}

/// Failure 7: what comes between subscription and snapshot is applied on the snapshot.
#[test]
fn failure_07_events_before_the_snapshot() {
    let (mut book, mut actions) = (BookSync::new(ID, SyncRule::Spot), Vec::new());
    book.start(at(0), &mut actions);
    for number in 5..9 {
        let bid = 90.0 + number as f64;
        book.on_update(at(0), &update(number, number, &[(bid, 1.0)], &[]), &mut actions);
    }
    // Too old: number 4 is missing.
    book.on_snapshot(at(1), &snapshot(3, &[(90.0, 1.0)], &[(100.0, 1.0)]), &mut actions);
    assert!(!book.is_live());
    assert_eq!(book.deadline(), Some(at(5)));
    book.on_time(at(5), &mut actions);
    book.on_snapshot(at(6), &snapshot(6, &[(90.0, 1.0)], &[(100.0, 1.0)]), &mut actions);
    let bids: Vec<f64> = book.levels(Side::Buy).map(|level| level.price).collect();
    assert_eq!(bids, [98.0, 97.0, 90.0]);
}

/// Failure 8: a book that fails again and again asks for a snapshot once in the pause.
#[test]
fn failure_08_snapshot_storm() {
    let (mut book, mut actions) = live(SyncRule::Spot);
    let mut requests = 0;
    for second in 0..60 {
        for number in 0..20 {
            let number = 1_000 + 100 * second + 2 * number;
            book.on_update(at(second as i64), &update(number, number, &[], &[]), &mut actions);
        }
        book.on_time(at(second as i64), &mut actions);
        requests += actions.iter().filter(|a| **a == BookAction::RequestSnapshot).count();
        if actions.contains(&BookAction::RequestSnapshot) {
            let old = snapshot(1, &[(99.0, 1.0)], &[(100.0, 1.0)]);
            book.on_snapshot(at(second as i64), &old, &mut actions);
        }
        actions.clear();
    }
    assert_eq!(requests, 11);
}

/// Failure 17: a crossed book is an error at Binance, and normal at dYdX.
#[test]
fn failure_17_crossed_book() {
    let (mut book, mut actions) = live(SyncRule::Spot);
    book.on_update(at(9), &update(11, 11, &[(100.0, 3.0)], &[]), &mut actions);
    assert_eq!(actions.first(), Some(&BookAction::Distrusted(BookFault::Crossed)));
    assert_eq!(book.top(), None);

    let (mut book, mut actions) = live(SyncRule::Stamped);
    // The newer bid removes the older ask.
    book.on_update(at(9), &update(15, 15, &[(100.5, 3.0)], &[]), &mut actions);
    assert!(actions.is_empty());
    let top = book.top().unwrap();
    assert_eq!((top.bid, top.bid_quantity, top.ask), (100.5, 3.0, 101.0));
    // Of one message, the smaller quantity is traded away.
    book.on_update(at(9), &update(16, 16, &[(100.5, 3.0)], &[(100.5, 1.0)]), &mut actions);
    let top = book.top().unwrap();
    assert_eq!((top.bid, top.bid_quantity, top.ask), (100.5, 2.0, 101.0));
    assert_eq!(book.counts().uncrossed, 2);
}

/// Failure 18: nothing is said beyond what the snapshot reached, and a market that leaves it asks
/// for another.
#[test]
fn failure_18_too_shallow_a_book() {
    let (mut book, mut actions) = live(SyncRule::Spot);
    book.on_update(at(9), &update(11, 11, &[(90.0, 7.0)], &[]), &mut actions);
    assert_eq!(book.quantity_to(Side::Buy, 98.0), Some(3.0));
    assert_eq!(book.quantity_to(Side::Buy, 97.0), None);
    assert_eq!(book.levels(Side::Buy).count(), 2, "the level at 90 lies beyond");
    book.on_update(at(9), &update(12, 12, &[(99.0, 0.0), (98.0, 0.0)], &[]), &mut actions);
    assert_eq!(actions.first(), Some(&BookAction::Distrusted(BookFault::OutOfReach)));
}

/// Failure 20: an error instead of a snapshot is asked for again, and nothing is dropped.
#[test]
fn failure_20_error_instead_of_a_snapshot() {
    let (mut book, mut actions) = (BookSync::new(ID, SyncRule::Stamped), Vec::new());
    book.start(at(0), &mut actions);
    book.on_update(at(0), &update(12, 12, &[(99.5, 1.0)], &[]), &mut actions);
    book.on_snapshot_failed(at(1));
    book.on_time(at(5), &mut actions);
    assert_eq!(actions, [BookAction::RequestSnapshot], "not before the pause is over");
    book.on_time(at(6), &mut actions);
    book.on_snapshot(at(7), &snapshot(11, &[(99.0, 1.0)], &[(100.0, 1.0)]), &mut actions);
    assert_eq!(book.top().unwrap().bid, 99.5);
}

#[test]
fn the_chain_of_previous_numbers_is_watched() {
    let linked = |previous, first, last| {
        let previous = Some(previous);
        DepthUpdate { previous, ..update(first, last, &[], &[]) }
    };
    let (mut book, mut actions) = live(SyncRule::Chained);
    book.on_update(at(9), &linked(5, 6, 9), &mut actions);
    book.on_update(at(9), &linked(9, 10, 14), &mut actions);
    book.on_update(at(9), &linked(14, 20, 24), &mut actions);
    book.on_update(at(9), &linked(14, 20, 24), &mut actions);
    assert_eq!((book.last(), actions.len()), (Some(24), 0));
    assert_eq!((book.counts().applied, book.counts().ignored), (2, 2));
    book.on_update(at(9), &linked(25, 26, 27), &mut actions);
    assert_eq!(actions.first(), Some(&BookAction::Distrusted(BookFault::Gap)));
}

#[test]
fn levels_that_no_market_has_end_the_book() {
    for bad in [(f64::NAN, 1.0), (0.0, 1.0), (-1.0, 1.0), (98.0, -1.0), (98.0, f64::INFINITY)] {
        let (mut book, mut actions) = live(SyncRule::Spot);
        book.on_update(at(9), &update(11, 11, &[bad], &[]), &mut actions);
        assert_eq!(actions.first(), Some(&BookAction::Distrusted(BookFault::BadLevel)));
        book.on_snapshot(at(10), &snapshot(20, &[bad], &[(100.0, 1.0)]), &mut actions);
        assert!(!book.is_live());
    }
}

#[test]
fn a_connection_that_is_lost_takes_the_book_with_it() {
    let (mut book, mut actions) = live(SyncRule::Spot);
    book.stop(at(9), &mut actions);
    assert_eq!(actions, [BookAction::Distrusted(BookFault::Disconnected)]);
    assert_eq!((book.top(), book.deadline()), (None, None));
    book.on_update(at(9), &update(11, 11, &[], &[]), &mut actions);
    book.start(at(10), &mut actions);
    assert_eq!(actions.last(), Some(&BookAction::RequestSnapshot));
}

/// A market that changes one level at a time, and the model book after each number.
fn market(changes: &[(bool, u8, u8)]) -> Vec<(DepthUpdate, Vec<f64>, Vec<f64>)> {
    let (mut bids, mut asks) = (vec![0.0; 20], vec![0.0; 20]);
    bids[19] = 1.0;
    asks[0] = 1.0;
    let mut steps = Vec::new();
    for (number, (is_bid, place, quantity)) in changes.iter().enumerate() {
        let number = 11 + number as u64;
        let (place, quantity) = (usize::from(*place) % 20, f64::from(*quantity % 4));
        let mut change = DepthUpdate::new(ID, number, number);
        if *is_bid {
            bids[place] = quantity;
            change.bids.push(level(80.0 + place as f64, quantity));
        } else {
            asks[place] = quantity;
            change.asks.push(level(100.0 + place as f64, quantity));
        }
        steps.push((change, bids.clone(), asks.clone()));
    }
    steps
}

proptest! {
    /// Lost, repeated and swapped updates: whatever is served equals the model at its number.
    #[test]
    fn what_is_served_equals_the_model(
        changes in prop::collection::vec((any::<bool>(), any::<u8>(), any::<u8>()), 1..60),
        faults in prop::collection::vec(0_u8..8, 60),
    ) {
        let steps = market(&changes);
        let config = BookSyncConfig { pause: Duration::ZERO, ..BookSyncConfig::default() };
        let (mut book, mut actions) = (BookSync::with_config(ID, SyncRule::Spot, config), vec![]);
        book.start(at(0), &mut actions);
        let mut sent: Vec<&DepthUpdate> = Vec::new();
        for ((change, ..), fault) in steps.iter().zip(&faults) {
            match fault {
                0 => {}
                1 => sent.extend([change, change]),
                2 if !sent.is_empty() => sent.insert(sent.len() - 1, change),
                _ => sent.push(change),
            }
        }
        for (index, change) in sent.iter().enumerate() {
            book.on_update(at(0), change, &mut actions);
            book.on_time(at(0), &mut actions);
            let is_asked = actions.contains(&BookAction::RequestSnapshot);
            actions.clear();
            if is_asked && let Some((known, bids, asks)) = steps.get(index.saturating_sub(1)) {
                let mut whole = snapshot(known.last, &[], &[]);
                whole.is_complete = true;
                whole.bids = (0..20).map(|i| level(80.0 + i as f64, bids[i])).collect();
                whole.asks = (0..20).map(|i| level(100.0 + i as f64, asks[i])).collect();
                book.on_snapshot(at(0), &whole, &mut actions);
            }
            let Some(last) = book.last() else { continue };
            let (_, bids, asks) = &steps[(last - 11) as usize];
            let served: Vec<f64> = book.levels(Side::Buy).map(|level| level.price).collect();
            let model = (0..20).rev().filter(|i| bids[*i] > 0.0).map(|i| 80.0 + i as f64);
            prop_assert_eq!(served, model.collect::<Vec<f64>>());
            let served: Vec<f64> = book.levels(Side::Sell).map(|level| level.quantity).collect();
            let model = asks.iter().copied().filter(|quantity| *quantity > 0.0);
            prop_assert_eq!(served, model.collect::<Vec<f64>>());
        }
    }
}
