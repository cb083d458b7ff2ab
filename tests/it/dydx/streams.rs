use proptest::prelude::*;
use tradewright::types::{
    BookLevel, InstrumentId, MarketEvent, OrderId, OrderReport, OrderStatus, SlotId, Timestamp,
};
use tradewright::venue::dydx::{DydxOrderState, IndexerDecoder, IndexerFrame, Subscription};
use tradewright::venue::{
    BookAction, BookSync, DepthUpdate, MarketNews, OrderNews, SyncRule, UserNews,
};

use super::{NOW, decoder};

fn market(decoder: &mut IndexerDecoder, frame: &str) -> Vec<MarketNews> {
    let (mut market, mut user) = (Vec::new(), Vec::new());
    decoder.decode(NOW, frame.as_bytes(), &mut market, &mut user).unwrap();
    assert!(user.is_empty());
    market
}

fn own(decoder: &mut IndexerDecoder, contents: &str) -> Vec<UserNews> {
    let frame = format!(
        r#"{{"type":"channel_data","message_id":1,"id":"dydx1/0","channel":"v4_subaccounts",
        "contents":{contents}}}"#
    );
    let (mut market, mut user) = (Vec::new(), Vec::new());
    decoder.decode(NOW, frame.as_bytes(), &mut market, &mut user).unwrap();
    assert!(market.is_empty());
    user
}

fn orders(news: &[UserNews]) -> Vec<OrderNews> {
    let order = |news: &UserNews| match news {
        UserNews::Order(order) => *order,
        other => panic!("{other:?}"),
    };
    news.iter().map(order).collect()
}

const SNAPSHOT: &str = r#"{"type":"subscribed","connection_id":"1","message_id":10,
    "channel":"v4_orderbook","id":"BTC-USD","contents":{
    "bids":[{"price":"100","size":"5"},{"price":"99","size":"1"}],
    "asks":[{"price":"101","size":"2"},{"price":"102","size":"7"}]}}"#;

fn batch(number: u64, contents: &str) -> String {
    format!(
        r#"{{"type":"channel_batch_data","message_id":{number},"id":"BTC-USD",
        "channel":"v4_orderbook","version":"1.0.0","contents":[{contents}]}}"#
    )
}

/// A book whose updates come in batches, crosses and is uncrossed: the older level gives way, and
/// all changes of one batch count.
#[test]
fn books_of_batches_are_uncrossed_by_the_number_of_the_message() {
    let mut decoder = decoder(&["BTC-USD"]);
    let mut book = BookSync::new(InstrumentId(0), SyncRule::Stamped);
    let mut actions = Vec::new();
    book.start(NOW, &mut actions);
    assert_eq!(actions, [BookAction::RequestSnapshot], "which means: subscribe");
    let feed = |book: &mut BookSync, decoder: &mut IndexerDecoder, frame: &str| {
        let mut actions = Vec::new();
        for news in market(decoder, frame) {
            match news {
                MarketNews::Snapshot(snapshot) => book.on_snapshot(NOW, &snapshot, &mut actions),
                MarketNews::Depth(update) => book.on_update(NOW, &update, &mut actions),
                other => panic!("{other:?}"),
            }
        }
        let quote = book.top().unwrap();
        [quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity]
    };
    assert_eq!(feed(&mut book, &mut decoder, SNAPSHOT), [100.0, 5.0, 101.0, 2.0]);
    // Two changes of one message, the second of which takes the first back.
    let changes = r#"{"bids":[["100.5","3"]]},{"bids":[["100.5","0"],["100.2","4"]]}"#;
    assert_eq!(feed(&mut book, &mut decoder, &batch(11, changes)), [100.2, 4.0, 101.0, 2.0]);
    // A bid above the ask: the ask is the older one, and was traded away unseen.
    let crossing = batch(12, r#"{"bids":[["101","1"]]}"#);
    assert_eq!(feed(&mut book, &mut decoder, &crossing), [101.0, 1.0, 102.0, 7.0]);
    assert_eq!(book.counts().uncrossed, 1);
    // Both sides of one message: the smaller quantity is traded on both.
    let both = batch(13, r#"{"bids":[["103","2"]]},{"asks":[["103","5"]]}"#);
    assert_eq!(feed(&mut book, &mut decoder, &both), [101.0, 1.0, 103.0, 3.0]);
    let old = batch(12, r#"{"bids":[["50","1"]]}"#);
    feed(&mut book, &mut decoder, &old);
    assert_eq!(book.counts().applied, 3, "what is older than the book is dropped");
}

/// Prints of a new subscription are told once, the oldest first.
#[test]
fn prints_are_told_once_across_subscriptions() {
    let trade = |id: u32, second: u32| {
        format!(
            r#"{{"id":"{id:032x}","size":"{id}","price":"10","side":"BUY",
            "createdAt":"2023-04-04T00:00:{second:02}.000Z","type":"LIMIT"}}"#
        )
    };
    let snapshot = |trades: &[String]| {
        format!(
            r#"{{"type":"subscribed","message_id":1,"channel":"v4_trades","id":"BTC-USD",
            "contents":{{"trades":[{}]}}}}"#,
            trades.join(",")
        )
    };
    let mut decoder = decoder(&["BTC-USD"]);
    let mut quantities = |frame: &str| -> Vec<f64> {
        let news = market(&mut decoder, frame);
        let quantity = |news: &MarketNews| match news {
            MarketNews::Event(sighting) => match sighting.event {
                MarketEvent::Print(print) => print.quantity,
                ref other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        news.iter().map(quantity).collect()
    };
    assert_eq!(quantities(&snapshot(&[trade(2, 2), trade(1, 1)])), [1.0, 2.0]);
    let again = [trade(4, 4), trade(3, 3), trade(2, 2), trade(1, 1)];
    assert_eq!(quantities(&snapshot(&again)), [3.0, 4.0]);
    let forced = trade(5, 5).replace("LIMIT", "DELEVERAGED");
    assert!(quantities(&snapshot(&[forced])).is_empty(), "no trade of the market");
    assert_eq!(decoder.counts().ignored, 3);
}

/// A candle is a bar once a later one has begun, and is told once.
#[test]
fn candles_close_when_the_next_one_begins() {
    let candle = |minute: u32, close: u32| {
        format!(
            r#"{{"startedAt":"2025-08-05T03:{minute:02}:00.000Z","ticker":"BTC-USD",
            "resolution":"1MIN","low":"1","high":"99","open":"50","close":"{close}",
            "baseTokenVolume":"{close}","usdVolume":"1","trades":7}}"#
        )
    };
    let frame = |kind: &str, contents: &str| {
        format!(
            r#"{{"type":"{kind}","message_id":1,"channel":"v4_candles","id":"BTC-USD/1MIN",
            "contents":{contents}}}"#
        )
    };
    let mut decoder = decoder(&["BTC-USD"]);
    let mut told = |frame: &str| -> Vec<(Option<String>, f64)> {
        let news = market(&mut decoder, frame);
        let tell = |news: &MarketNews| match news {
            MarketNews::Forming(bar) => (None, bar.close),
            MarketNews::Event(sighting) => match &sighting.event {
                MarketEvent::Bar(bar) => {
                    (sighting.at.map(|at| at.to_string()[14..16].to_owned()), bar.close)
                }
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        news.iter().map(tell).collect()
    };
    let closed = |minute: &str, close: f64| (Some(minute.to_owned()), close);
    // The newest first, as the venue sends it.
    let list = format!(r#"{{"candles":[{},{}]}}"#, candle(41, 11), candle(40, 10));
    let expected = [(None, 10.0), closed("41", 10.0), (None, 11.0)];
    assert_eq!(told(&frame("subscribed", &list)), expected);
    assert_eq!(told(&frame("channel_data", &candle(41, 12))), [(None, 12.0)]);
    let batch = format!("[{},{}]", candle(41, 13), candle(42, 20));
    let expected = [(None, 13.0), closed("42", 13.0), (None, 20.0)];
    assert_eq!(told(&frame("channel_batch_data", &batch)), expected);
    // A new subscription tells nothing twice.
    let list = format!(r#"{{"candles":[{},{}]}}"#, candle(42, 21), candle(41, 13));
    assert_eq!(told(&frame("subscribed", &list)), [(None, 21.0)]);
}

const ID: &str = "64fe30a2-006d-5108-a156-cb0c8443546c";

fn order(status: &str, filled: &str) -> String {
    format!(
        r#"{{"id":"{ID}","clientId":"77","clobPairId":"0","side":"BUY","size":"2",
        "totalFilled":"{filled}","price":"100","type":"LIMIT","status":"{status}",
        "timeInForce":"GTT","postOnly":false,"reduceOnly":false,"orderFlags":"0",
        "goodTilBlock":"500","ticker":"BTC-USD"}}"#
    )
}

fn fill(id: &str, size: &str) -> String {
    format!(
        r#"{{"id":"{id}","orderId":"{ID}","side":"BUY","liquidity":"MAKER","type":"LIMIT",
        "market":"BTC-USD","price":"100","size":"{size}","fee":"-0.011",
        "createdAt":"2025-11-12T11:19:52.470Z"}}"#
    )
}

/// The engine's own order from its client id to its last fill, which comes after a validator has
/// dropped it; it ends when its last block has passed.
#[test]
fn a_best_effort_cancel_is_not_the_end() {
    let mut decoder = decoder(&["BTC-USD"]);
    let ours = OrderId::new(3, SlotId(1), 9);
    decoder.own(77, ours);
    let list = |order: String| format!(r#"{{"orders":[{order}]}}"#);
    let accepted = orders(&own(&mut decoder, &list(order("BEST_EFFORT_OPENED", "0"))));
    assert_eq!(
        (accepted[0].update.order, accepted[0].update.report),
        (ours, OrderReport::Accepted)
    );
    assert_eq!(accepted[0].at, NOW, "the message has no time of its own");
    assert_eq!(own(&mut decoder, &list(order("BEST_EFFORT_CANCELED", "0"))), []);

    let both = format!(
        r#"{{"fills":[{}],"orders":[{}]}}"#,
        fill("c5030bd3-cd85-5046-8f2a-518bbba6ec45", "0.5"),
        order("BEST_EFFORT_CANCELED", "0.5")
    );
    let filled = orders(&own(&mut decoder, &both));
    let [news] = &filled[..] else { panic!("{filled:?}") };
    let OrderReport::Fill(report) = news.update.report else { panic!("{news:?}") };
    assert_eq!((news.update.order, news.filled.to_string()), (ours, "0.5".to_owned()));
    assert_eq!(report.fee.amount.to_string(), "-0.011");
    assert!(!report.trade.is_crossed(), "ids of venues leave the upper half alone");

    let mut ended = Vec::new();
    decoder.on_height(NOW, 500, &mut ended);
    assert_eq!(ended, [], "the last block can still fill it");
    let height = r#"{"type":"channel_data","message_id":7,"id":"v4_block_height",
        "channel":"v4_block_height","contents":
        {"blockHeight":"501","time":"2024-01-01T00:00:01Z"}}"#;
    let read = decoder.decode(NOW, height.as_bytes(), &mut Vec::new(), &mut ended);
    assert_eq!(read, Ok(IndexerFrame::Height(501)));
    let ended = orders(&ended);
    assert_eq!(ended[0].update.report, OrderReport::Cancelled);
    assert_eq!((ended[0].update.order, ended[0].filled.to_string()), (ours, "0.5".to_owned()));
    let mut again = Vec::new();
    decoder.on_height(NOW, 502, &mut again);
    assert_eq!(again, [], "once");
}

#[test]
fn the_venues_own_end_comes_before_the_blocks() {
    let mut decoder = decoder(&["BTC-USD"]);
    let list = |order: String| format!(r#"{{"orders":[{order}]}}"#);
    own(&mut decoder, &list(order("BEST_EFFORT_CANCELED", "0")));
    let ended = orders(&own(&mut decoder, &list(order("CANCELED", "0"))));
    assert_eq!(ended[0].update.report, OrderReport::Cancelled);
    assert_eq!(ended[0].update.order.slot(), SlotId::HOUSE, "nobody has named it");
    let mut again = Vec::new();
    decoder.on_height(NOW, 900, &mut again);
    assert_eq!(again, []);

    let state = |word| DydxOrderState::parse(word).unwrap();
    assert!(!state("BEST_EFFORT_CANCELED").is_final());
    assert_eq!(state("BEST_EFFORT_CANCELED").status(true), OrderStatus::PartiallyFilled);
    assert!(state("CANCELED").is_final() && state("FILLED").is_final());
}

/// One bad fill at the end of a message: nothing of it is told, and nothing is remembered.
#[test]
fn a_message_is_told_whole_or_not_at_all() {
    let mut decoder = decoder(&["BTC-USD"]);
    decoder.own(77, OrderId::new(3, SlotId(1), 9));
    let bad = fill("c5030bd3-cd85-5046-8f2a-518bbba6ec45", "0.5").replace("MAKER", "NEITHER");
    let frame = format!(
        r#"{{"type":"channel_data","message_id":1,"id":"dydx1/0","channel":"v4_subaccounts",
        "contents":{{"orders":[{}],"fills":[{bad}]}}}}"#,
        order("OPEN", "1.5")
    );
    let (mut market, mut user) = (Vec::new(), Vec::new());
    assert!(decoder.decode(NOW, frame.as_bytes(), &mut market, &mut user).is_err());
    assert!(user.is_empty());
    let sound = fill("c5030bd3-cd85-5046-8f2a-518bbba6ec45", "0.5");
    let news = orders(&own(&mut decoder, &format!(r#"{{"fills":[{sound}]}}"#)));
    assert_eq!(
        (news[0].update.order.slot(), news[0].filled.to_string()),
        (SlotId::HOUSE, "0.5".into())
    );
}

#[test]
fn subscriptions_are_valid_json() {
    for subscription in [
        Subscription::orderbook("BTC-USD"),
        Subscription::trades("a\"b"),
        Subscription::candles("BTC-USD", 3_600).unwrap(),
        Subscription::markets(),
        Subscription::subaccount("dydx1", 128),
        Subscription::block_height(),
    ] {
        for (kind, text) in
            [("subscribe", subscription.subscribe()), ("unsubscribe", subscription.unsubscribe())]
        {
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["type"], kind);
            assert_eq!(value["channel"], subscription.channel().as_str());
            assert_eq!(value["id"].as_str(), subscription.id());
        }
    }
    assert_eq!(Subscription::candles("BTC-USD", 7), None);
    assert_eq!(Subscription::candles("X", 60).unwrap().id(), Some("X/1MIN"));
}

proptest! {
    /// Whatever comes is read or refused; what an engine takes is sound, and a refused frame says
    /// nothing.
    #[test]
    fn damaged_frames_are_read_or_refused(
        which in 0_usize..4,
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let frame = match which {
            0 => SNAPSHOT.to_owned(),
            1 => batch(11, r#"{"bids":[["100.5","3"]]},{"bids":[["100.5","0"],["100.2","4"]]}"#),
            _ => format!(
                r#"{{"type":"channel_data","id":"d/0","channel":"v4_subaccounts","contents":
                {{"orders":[{}],"fills":[{}]}}}}"#,
                order("OPEN", "1"), fill("a1", "0.5")
            ),
        };
        let mut bytes = frame.into_bytes();
        for (place, byte) in places {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let (mut market, mut user) = (Vec::new(), Vec::new());
        let read = decoder(&["BTC-USD"]).decode(Timestamp::EPOCH, &bytes, &mut market, &mut user);
        prop_assert!(read.is_ok() || market.is_empty() && user.is_empty());
        for news in &market {
            if let MarketNews::Depth(DepthUpdate { bids, asks, .. }) = news {
                let is_sound = |it: &BookLevel| it.price > 0.0 && it.quantity >= 0.0;
                prop_assert!(bids.iter().chain(asks).all(is_sound));
            }
        }
    }
}
