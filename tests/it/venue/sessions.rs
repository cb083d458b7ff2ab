//! Connections come and go; what depends on them knows it.

use core::time::Duration;

use proptest::prelude::*;
use tradewright::types::Timestamp;
use tradewright::venue::{
    Cost, Limited, LinkId, RateBudget, RequestQueue, Session, SessionAction, SessionConfig,
    SessionState, StreamId, Throttled, TradeAction, TradeStream, Urgency,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + seconds).unwrap()
}

const FIRST: LinkId = LinkId(1);
const BOOK: StreamId = StreamId(0);
const ORDERS: StreamId = StreamId(1);

/// A session with a book and a stream of own orders, live at second 0.
fn live() -> (Session, Vec<SessionAction>) {
    let (mut session, mut out) = (Session::new(SessionConfig::default()), Vec::new());
    assert_eq!((session.add_stream(), session.add_quiet_stream()), (BOOK, ORDERS));
    session.open(at(0), &mut out);
    session.on_connected(at(0), FIRST, &mut out);
    assert_eq!(out[1], SessionAction::Subscribe(FIRST, vec![BOOK, ORDERS]));
    session.on_acknowledged(at(0), FIRST, BOOK, &mut out);
    assert_eq!(session.state(), SessionState::Subscribing);
    session.on_acknowledged(at(0), FIRST, ORDERS, &mut out);
    assert_eq!(session.state(), SessionState::Live);
    assert_eq!(out[2..], [SessionAction::Started(BOOK), SessionAction::Started(ORDERS)]);
    out.clear();
    (session, out)
}

/// Failure 1: a connection that gives no byte is dead after a minute, without an error.
#[test]
fn failure_01_half_open_connection() {
    let (mut session, mut out) = live();
    session.on_time(at(20), 0, &mut out);
    assert_eq!(out, [SessionAction::Ping(FIRST)]);
    session.on_time(at(60), 0, &mut out);
    assert!(out.contains(&SessionAction::Close(FIRST)));
    assert!(out.contains(&SessionAction::Lost(BOOK)) && out.contains(&SessionAction::Lost(ORDERS)));
    assert_eq!(session.state(), SessionState::Reconnecting);
}

/// Failure 2: pongs come and data do not: the stream is lost and subscribed anew, and the
/// connection stays; a stream that may be quiet stays, too.
#[test]
fn failure_02_connected_but_mute() {
    let (mut session, mut out) = live();
    for second in 1..30 {
        session.on_bytes(at(second), FIRST);
    }
    session.on_time(at(30), 0, &mut out);
    assert!(out.contains(&SessionAction::Lost(BOOK)));
    assert!(out.contains(&SessionAction::Subscribe(FIRST, vec![BOOK])));
    assert!(!out.contains(&SessionAction::Lost(ORDERS)));
    assert_eq!((session.state(), session.counts().attempts), (SessionState::Stale, 1));
    out.clear();
    assert!(session.on_data(at(31), FIRST, BOOK, &mut out));
    assert_eq!(out, [SessionAction::Started(BOOK)]);
    assert_eq!(session.state(), SessionState::Live);
}

/// Failures 4 and 5: before the cut of 24 h, and at the venue's notice, another connection is
/// made, and the old one serves until it delivers.
#[test]
fn failure_04_and_05_planned_rotation() {
    for is_notice in [false, true] {
        let (mut session, mut out) = live();
        let day = 23 * 3_600;
        session.on_data(at(day - 1), FIRST, BOOK, &mut out);
        out.clear();
        if is_notice {
            session.on_shutdown_notice(at(day - 1), &mut out);
        } else {
            session.on_time(at(day), 0, &mut out);
        }
        let second = LinkId(2);
        assert!(out.contains(&SessionAction::Connect(second)));
        assert_eq!(session.state(), SessionState::Live);
        session.on_connected(at(day), second, &mut out);
        assert!(session.on_data(at(day), FIRST, BOOK, &mut out), "the old one serves");
        assert!(!session.on_data(at(day), second, BOOK, &mut out), "the new one does not yet");
        out.clear();
        session.on_acknowledged(at(day), second, BOOK, &mut out);
        session.on_acknowledged(at(day), second, ORDERS, &mut out);
        assert!(out.contains(&SessionAction::Close(FIRST)));
        assert!(!session.on_data(at(day), FIRST, BOOK, &mut out));
        assert!(session.on_data(at(day), second, BOOK, &mut out));
        assert_eq!(session.counts().rotations, 1);
    }
}

proptest! {
    /// Failure 9: whatever chance says, attempts stay within the budget, and polling starts.
    #[test]
    fn failure_09_reconnect_storm(chances in prop::collection::vec(any::<u64>(), 400)) {
        let config = SessionConfig {
            most_attempts: 20,
            pause: Duration::from_millis(10),
            longest_pause: Duration::from_secs(1),
            ..SessionConfig::default()
        };
        let (mut session, mut out) = (Session::new(config), Vec::new());
        session.add_stream();
        session.open(at(0), &mut out);
        let (mut now, mut times, mut polls) = (at(0), Vec::new(), 0);
        for chance in chances {
            for action in std::mem::take(&mut out) {
                match action {
                    SessionAction::Connect(link) => {
                        times.push(now);
                        session.on_closed(now, link, chance, &mut out);
                    }
                    SessionAction::StartPolling => polls += 1,
                    _ => {}
                }
            }
            let due = session.deadline().unwrap();
            prop_assert!(due > now || out.is_empty());
            now = due.max(now);
            session.on_time(now, chance, &mut out);
        }
        prop_assert_eq!((polls, session.state()), (1, SessionState::Polling));
        let span = Duration::from_secs(300);
        for pair in times.windows(21) {
            prop_assert!(pair[20].since(pair[0]) >= span);
        }
    }

    /// Failures 11 and 12: each trade is told once and in order, whatever is lost or repeated.
    #[test]
    fn failure_11_and_12_trades(numbers in prop::collection::vec(1_u64..60, 1..200)) {
        let (mut stream, mut out) = (TradeStream::new(1_000), Vec::new());
        stream.on_trade(0, 0, &mut out);
        for number in &numbers {
            stream.on_trade(*number, *number, &mut out);
        }
        // What is fetched may show the next hole.
        let mut place = 0;
        while let Some(action) = out.get(place).cloned() {
            place += 1;
            if let TradeAction::Fetch { from, to } = action {
                (from..=to).for_each(|number| stream.on_trade(number, number, &mut out));
            }
        }
        let told = out.iter().filter_map(|action| match action {
            TradeAction::Trade(number) => Some(*number),
            _ => None,
        });
        let last = numbers.iter().max().copied().unwrap();
        prop_assert_eq!(told.collect::<Vec<u64>>(), (0..=last).collect::<Vec<u64>>());
        prop_assert_eq!(stream.missed(), 0);
    }
}

#[test]
fn a_hole_that_cannot_be_filled_is_told() {
    let (mut stream, mut out) = (TradeStream::new(2), Vec::new());
    for number in [1, 5, 6, 7] {
        stream.on_trade(number, number, &mut out);
    }
    assert!(out.contains(&TradeAction::Missed { from: 2, to: 4 }));
    assert_eq!(out.last(), Some(&TradeAction::Trade(7)));
    assert_eq!((stream.missed(), stream.next_number()), (3, Some(8)));
}

/// Failure 19: every stream must be acknowledged on the new connection, by its own name.
#[test]
fn failure_19_resubscription() {
    let (mut session, mut out) = live();
    session.on_closed(at(5), FIRST, u64::MAX, &mut out);
    session.on_time(at(6), 0, &mut out);
    let second = LinkId(2);
    session.on_connected(at(7), second, &mut out);
    assert_eq!(out.last(), Some(&SessionAction::Subscribe(second, vec![BOOK, ORDERS])));
    session.on_acknowledged(at(7), FIRST, ORDERS, &mut out);
    session.on_acknowledged(at(7), second, BOOK, &mut out);
    assert_eq!(session.state(), SessionState::Subscribing, "the other was of the old connection");
    session.on_subscription_refused(at(7), second, ORDERS);
    out.clear();
    session.on_time(at(17), 0, &mut out);
    assert!(out.contains(&SessionAction::Subscribe(second, vec![ORDERS])), "that stream alone");
    session.on_acknowledged(at(18), second, ORDERS, &mut out);
    assert_eq!(session.state(), SessionState::Live);
}

/// Failure 23: of two times that a ban names the later counts, and all requests stop.
#[test]
fn failure_23_ban_with_an_absolute_time() {
    let mut queue = RequestQueue::new(RateBudget::new(0), 10);
    let retry_after = Some(Duration::from_secs(10));
    let throttled = Throttled { is_ban: true, retry_after, until: Some(at(600)) };
    queue.budget_mut().on_throttled(at(0), throttled);
    queue.push(Urgency::Cancel, Cost { weight: 1, orders: 0 }, ()).unwrap();
    assert_eq!(queue.next(at(599)), None);
    assert_eq!(queue.deadline(), Some(at(600)));
    assert_eq!(queue.next(at(600)), Some(()));
}

/// Failure 8: a hundred snapshots wait in one queue, and a cancel passes them.
#[test]
fn failure_08_one_weighted_queue() {
    let minute = Duration::from_secs(60);
    let mut budget = RateBudget::new(20);
    budget.limit(Limited::Weight, minute, 1_000);
    let mut queue = RequestQueue::new(budget, 125);
    for symbol in 0..125 {
        queue.push(Urgency::Bulk, Cost { weight: 50, orders: 0 }, symbol).unwrap();
    }
    assert_eq!(queue.push(Urgency::Bulk, Cost::default(), 999), Err(999), "bounded");
    let start = at(40);
    let sent = std::iter::from_fn(|| queue.next(start)).count();
    assert_eq!(sent, 16, "800 of 1,000");
    queue.push(Urgency::Cancel, Cost { weight: 1, orders: 0 }, 777).unwrap();
    assert_eq!(queue.next(start), Some(777));
    queue.budget_mut().on_used(start, Limited::Weight, minute, 1_000);
    queue.push(Urgency::Cancel, Cost { weight: 1, orders: 0 }, 778).unwrap();
    assert_eq!(queue.next(start), None, "the venue has counted more than we have");
    assert_eq!(queue.next(queue.deadline().unwrap()), Some(778));
}

/// A budget and a stream of trades restored from damaged bytes are wrong, and do not panic.
#[test]
fn damaged_states_do_not_panic() {
    let mut budget = RateBudget::new(10);
    budget.limit(Limited::Weight, Duration::from_secs(60), 100);
    let mut saved = serde_json::to_value(&budget).unwrap();
    saved["reserve_percent"] = 255.into();
    saved["windows"][0]["span"] = serde_json::json!({"secs": 0, "nanos": 0});
    let mut damaged: RateBudget = serde_json::from_value(saved).unwrap();
    let cost = Cost { weight: 1, orders: 0 };
    assert_eq!(damaged.take(at(0), Urgency::Cancel, cost), Ok(()));
    assert_eq!(damaged.take(at(0), Urgency::Order, cost), Err(Timestamp::MAX));

    let mut trades = TradeStream::new(10);
    let mut out = Vec::new();
    trades.on_trade(5, 'a', &mut out);
    trades.on_trade(8, 'b', &mut out);
    let mut saved = serde_json::to_value(&trades).unwrap();
    saved["waiting"][0][0] = 0.into();
    let mut damaged: TradeStream<char> = serde_json::from_value(saved).unwrap();
    damaged.on_trade(9, 'c', &mut out);
    damaged.give_up(&mut out);
}

/// A stream that is added to a session at work starts with its own acknowledgement, and the
/// others go on; one that is removed is neither subscribed nor lost any more.
#[test]
fn streams_come_and_go_while_connected() {
    let (mut session, mut out) = live();
    let late = session.add_stream();
    assert!(session.deadline().unwrap() <= at(1));
    session.on_time(at(1), 0, &mut out);
    assert_eq!(out, [SessionAction::Subscribe(FIRST, vec![late])]);
    out.clear();
    assert!(!session.on_data(at(1), FIRST, late, &mut out), "not acknowledged yet");
    session.on_subscription_refused(at(1), FIRST, late);
    session.on_time(at(11), 0, &mut out);
    assert_eq!(out, [SessionAction::Subscribe(FIRST, vec![late])]);
    out.clear();
    session.on_acknowledged(at(11), FIRST, late, &mut out);
    assert_eq!(out, [SessionAction::Started(late)]);
    assert!(session.on_data(at(11), FIRST, late, &mut out));

    session.remove_stream(BOOK);
    out.clear();
    assert!(!session.on_data(at(12), FIRST, BOOK, &mut out));
    session.on_closed(at(12), FIRST, 0, &mut out);
    assert_eq!(out, [SessionAction::Lost(ORDERS), SessionAction::Lost(late)]);
    session.on_time(at(13), 0, &mut out);
    session.on_connected(at(13), LinkId(2), &mut out);
    assert_eq!(out.last(), Some(&SessionAction::Subscribe(LinkId(2), vec![ORDERS, late])));
}
