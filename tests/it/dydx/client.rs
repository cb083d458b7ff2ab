//! An account on the chain over real sockets: orders placed, doubted, replaced and taken back, and
//! the stream of its news; against a scripted chain and indexer.

use std::time::Duration;

use futures::StreamExt;
use rust_decimal::Decimal;
use tradewright::live::{DydxClient, Endpoint};
use tradewright::types::{
    InstrumentId, Intent, Order, OrderId, OrderKind, OrderReport, OrderStatus, Price, Qty,
    RejectReason, Side, SlotId, TimeInForce, Timestamp, TradeId,
};
use tradewright::venue::dydx::{Resting, client_id};
use tradewright::venue::{
    Answer, ExchangeClient, ExchangeError, FillsFrom, OrderChange, UserEvent, UserNews, UserStream,
};

use super::world::{Fate, KEY, World, number};
use crate::live::server::LONG;

const BTC: InstrumentId = InstrumentId(0);

fn order(sequence: u64, kind: OrderKind, time_in_force: TimeInForce) -> Order {
    let id = OrderId::new(1_027, SlotId(3), sequence);
    let quantity = Qty::new("0.5".parse().unwrap());
    let mut intent = Intent::market(SlotId(3), BTC, Side::Buy, quantity);
    (intent.kind, intent.time_in_force, intent.reference) = (kind, time_in_force, 100.0);
    Order { id, intent, created_at: Timestamp::EPOCH }
}

fn limit(sequence: u64) -> Order {
    order(sequence, OrderKind::Limit { price: price(90) }, TimeInForce::Gtc)
}

fn ioc(sequence: u64) -> Order {
    order(sequence, OrderKind::Limit { price: price(90) }, TimeInForce::Ioc)
}

fn price(dollars: i64) -> Price {
    Price::new(Decimal::from(dollars)).unwrap()
}

fn client_of(order: &Order) -> u32 {
    client_id(order.id).unwrap()
}

/// A client whose limit orders rest for some blocks alone.
fn quoting(world: &World) -> DydxClient {
    let mut account = world.account();
    account.resting = Resting::ShortTerm;
    DydxClient::new(&world.market(), account)
}

/// An order's whole life, and a client after a restart that finds it again by what the chain and
/// the indexer keep of it alone.
#[tokio::test]
async fn an_order_is_placed_found_filled_and_taken_back() {
    let world = World::new().await;
    let client = world.client();
    let taken = client.submit(&limit(1)).await.unwrap();
    let place = world.places().remove(0);
    assert_eq!((place.flags, place.sequence), (64, 5), "in the chain's state");
    assert_eq!((place.quantity, place.price), ("0.5".parse().unwrap(), Decimal::from(90)));
    world.fill(client_of(&limit(1)), "0.2");

    let again = world.client();
    let open = again.open_orders(None).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].order, open[0].venue_order), (limit(1).id, taken.venue_order));
    let state = again.order(limit(1).id, BTC).await.unwrap().unwrap();
    assert_eq!(state, open[0]);
    assert_eq!((state.status, state.price), (OrderStatus::PartiallyFilled, Some(price(90))));
    assert_eq!(state.filled, "0.2".parse().unwrap());

    let third = world.client();
    let fills = third.fills(BTC, FillsFrom::Time(Timestamp::EPOCH)).await.unwrap();
    assert_eq!(fills.iter().map(|fill| fill.order).collect::<Vec<_>>(), [limit(1).id]);
    let after = third.fills(BTC, FillsFrom::After(fills[0].fill.trade)).await.unwrap();
    assert_eq!(after, []);
    // 10,000 less a fee: what 0.2 bitcoin have cost is still there.
    let balance = again.balances().await.unwrap()[0];
    assert_eq!((balance.total, balance.locked), ("9999.99".parse().unwrap(), 7.into()));
    let position = again.positions().await.unwrap()[0];
    assert_eq!((position.quantity, position.entry), ("0.2".parse().unwrap(), 90.into()));

    again.cancel(limit(1).id, BTC).await.unwrap();
    let last = world.state().txs.last().unwrap().clone();
    assert_eq!((last.kind.as_str(), last.flags, last.client), ("Cancel", 64, place.client));
    assert_eq!(again.open_orders(Some(BTC)).await.unwrap(), []);
    assert_eq!(client.order(limit(9).id, BTC).await, Ok(None));
    let unknown = client.cancel(limit(9).id, BTC).await.unwrap_err();
    assert!(unknown.is_not_found(), "{unknown}");
    assert_eq!(client.server_time().await.unwrap(), super::world::NOW.parse().unwrap());
    assert_eq!(client.instruments().await.unwrap().listings[0].name, "BTC-USD");
}

/// A transaction whose answer is lost was taken or was not: it is sent once, found where it is,
/// and not given up while a block may still take it.
#[tokio::test]
async fn an_unknown_outcome_is_asked_for_and_never_sent_again() {
    let world = World::new().await;
    let client = world.client();
    for (number, fate) in [(1, Fate::AnswerLost), (2, Fate::Lost)] {
        world.state().fates.push_back(fate);
        let lost = client.submit(&ioc(number)).await.unwrap_err();
        assert_eq!(lost.answer(), Answer::Unknown, "{lost}");
    }
    let state = client.order(ioc(1).id, BTC).await.unwrap().unwrap();
    assert_eq!((state.order, state.status), (ioc(1).id, OrderStatus::Open));
    let until = world.places()[1].until;
    assert_eq!(until, 1_020);
    while world.state().height <= until {
        let error = client.order(ioc(2).id, BTC).await.unwrap_err();
        assert!(matches!(error, ExchangeError::Unavailable { .. }), "{error}");
        world.blocks(7);
    }
    assert_eq!(client.order(ioc(2).id, BTC).await, Ok(None), "no block can take it any more");
    let state = client.order(ioc(1).id, BTC).await.unwrap().unwrap();
    assert_eq!(state.status, OrderStatus::Expired, "whatever the list still says");
    assert_eq!(world.places().len(), 2);

    // In the chain's state there is no last block: it counts as lost after some.
    world.state().fates.push_back(Fate::Lost);
    assert!(client.submit(&limit(3)).await.unwrap_err().is_outcome_unknown());
    assert!(client.order(limit(3).id, BTC).await.is_err());
    world.blocks(41);
    assert_eq!(client.order(limit(3).id, BTC).await, Ok(None));
    assert_eq!(world.places().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_one_and_what_the_chain_cannot_have_is_not_sent() {
    let world = World::new().await;
    let client = world.client();
    world.state().fates.push_back(Fate::Refused(2003));
    let refused = client.submit(&limit(1)).await.unwrap_err();
    assert_eq!(refused.answer(), Answer::Refused(RejectReason::WouldTake));
    assert_eq!(client.order(limit(1).id, BTC).await, Ok(None), "it cannot come any more");

    let mut fine = limit(2);
    fine.intent.kind = OrderKind::Limit { price: Price::new("90.5".parse().unwrap()).unwrap() };
    let error = client.submit(&fine).await.unwrap_err();
    assert_eq!(error.answer(), Answer::Refused(RejectReason::InvalidOrder));
    let fok = order(3, OrderKind::Limit { price: price(90) }, TimeInForce::Fok);
    let error = client.submit(&fok).await.unwrap_err();
    assert!(matches!(error, ExchangeError::Unsupported { .. }), "{error}");
    assert_eq!(world.places().len(), 1);
}

/// Another program has used the account's sequence number: the transaction that was refused for
/// it goes once more with the right one, and not a third time.
#[tokio::test]
async fn a_wrong_sequence_number_is_learnt_and_used() {
    let world = World::new().await;
    let client = world.client();
    client.submit(&limit(1)).await.unwrap();
    client.submit(&limit(2)).await.unwrap();
    world.state().sequence = 12;
    client.submit(&limit(3)).await.unwrap();
    let sequences =
        |world: &World| -> Vec<u64> { world.places().iter().map(|tx| tx.sequence).collect() };
    assert_eq!(sequences(&world), [5, 6, 7, 12]);

    // A lost answer leaves the number in doubt: it is asked for.
    world.state().fates.push_back(Fate::AnswerLost);
    assert!(client.submit(&limit(4)).await.unwrap_err().is_outcome_unknown());
    client.submit(&limit(5)).await.unwrap();
    assert_eq!(sequences(&world)[4..], [13, 14]);

    // Orders of the short term have no number and go side by side.
    let (first, second, third) = (ioc(6), ioc(7), ioc(8));
    let all = tokio::join!(client.submit(&first), client.submit(&second), client.submit(&third));
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok(), "{all:?}");
    assert_eq!(world.places()[6].flags, 0);
    assert_eq!(world.state().sequence, 15);
}

#[tokio::test]
async fn an_order_of_the_short_term_is_replaced_in_a_later_block() {
    let world = World::new().await;
    let client = quoting(&world);
    client.submit(&limit(1)).await.unwrap();
    let quantity = Qty::new("0.7".parse().unwrap());
    let change = OrderChange {
        order: limit(1),
        quantity,
        price: price(91),
        price_now: Some(price(90)),
        quantity_now: Qty::new("0.5".parse().unwrap()),
    };
    let early = client.amend(&change).await.unwrap_err();
    assert!(matches!(early, ExchangeError::Unavailable { .. }), "{early}");
    assert_eq!(world.places().len(), 1, "nothing was sent");
    world.blocks(1);
    let changed = client.amend(&change).await.unwrap();
    let known = client.order(limit(1).id, BTC).await.unwrap().unwrap();
    assert_eq!((changed.quantity, changed.price), (quantity, Some(price(91))));
    assert_eq!((known.quantity, known.price), (quantity, Some(price(91))));
    assert_eq!(known.venue_order, changed.venue_order, "it is the same order");
    assert_eq!(world.places()[1].until, 1_021);
    // The cancel lasts as long as the later end.
    client.cancel(limit(1).id, BTC).await.unwrap();
    assert_eq!(world.state().txs.last().unwrap().until, 1_021);

    let resting = world.client();
    resting.submit(&limit(2)).await.unwrap();
    let error = resting.amend(&OrderChange { order: limit(2), ..change }).await.unwrap_err();
    assert!(matches!(error, ExchangeError::Unsupported { .. }), "{error}");
}

/// What the indexer lists and what it does not know yet is taken back: the short term in one
/// transaction, the rest one by one.
#[tokio::test]
async fn all_orders_are_taken_back() {
    let world = World::new().await;
    let (client, quoting) = (world.client(), quoting(&world));
    client.submit(&limit(1)).await.unwrap();
    client.submit(&limit(2)).await.unwrap();
    quoting.submit(&limit(3)).await.unwrap();
    quoting.submit(&limit(4)).await.unwrap();
    let unknown = client_of(&limit(4)).to_string();
    world.state().orders.retain(|order| order["clientId"] != unknown.as_str());
    quoting.cancel_all(BTC).await.unwrap();
    let state = world.state();
    let cancels: Vec<_> = state.txs.iter().filter(|tx| tx.kind != "Place").collect();
    let own = |number| u64::from(client_of(&limit(number)));
    assert_eq!(cancels[0].clients, [own(3), own(4)]);
    let rest: Vec<u64> = cancels[1..].iter().map(|tx| tx.client.into()).collect();
    assert_eq!(rest, [own(1), own(2)]);
}

/// More fills than an answer holds are read back to where they were asked from.
#[tokio::test]
async fn fills_are_read_over_many_pages() {
    let world = World::new().await;
    let client = world.client();
    client.submit(&limit(1)).await.unwrap();
    for _ in 0..250 {
        let news = world.state().execute(0, "0.0001".parse().unwrap(), Decimal::from(90));
        assert!(news["fills"].is_array());
    }
    let all = client.fills(BTC, FillsFrom::Time(Timestamp::EPOCH)).await.unwrap();
    assert_eq!(all.len(), 250);
    assert!(all.is_sorted_by_key(|fill| fill.at));
    let trades: Vec<TradeId> = all.iter().map(|fill| fill.fill.trade).collect();
    let own = client.fills(BTC, FillsFrom::Order(limit(1).id)).await.unwrap();
    assert_eq!(own.len(), 250);
    let later = client.fills(BTC, FillsFrom::After(trades[20])).await.unwrap();
    assert!(later.len() >= 229 && later.len() < 249, "{}", later.len());
    assert!(!later.iter().any(|fill| fill.fill.trade == trades[20]));
}

async fn next(stream: &mut UserStream) -> UserEvent {
    tokio::time::timeout(LONG, stream.next()).await.expect("an event").expect("an open stream")
}

async fn started(stream: &mut UserStream) {
    loop {
        match next(stream).await {
            UserEvent::Started { .. } => return,
            // What the snapshot of a subscription says.
            UserEvent::News { news: UserNews::Position { .. }, .. } => {}
            UserEvent::News { news: UserNews::Order(news), .. }
                if news.update.report == OrderReport::Accepted => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The next word on an order: which, and what.
async fn report(stream: &mut UserStream) -> (OrderId, OrderReport) {
    match next(stream).await {
        UserEvent::News { news: UserNews::Order(news), .. } => {
            (news.update.order, news.update.report)
        }
        other => panic!("{other:?}"),
    }
}

fn quantity(report: &OrderReport) -> Decimal {
    match report {
        OrderReport::Fill(fill) => fill.quantity.value(),
        other => panic!("{other:?}"),
    }
}

/// The socket is lost, and an order fills meanwhile: the fill is told before the stream starts
/// again, and once, although the venue tells it twice more.
#[tokio::test]
async fn a_fill_while_the_socket_is_lost_is_told_once() {
    let world = World::new().await;
    let client = world.client();
    let mut stream = client.user_stream().await.unwrap();
    started(&mut stream).await;
    client.submit(&limit(1)).await.unwrap();
    assert_eq!(report(&mut stream).await, (limit(1).id, OrderReport::Accepted));
    world.fill(client_of(&limit(1)), "0.1");
    assert_eq!(report(&mut stream).await.1, OrderReport::Accepted);
    assert_eq!(quantity(&report(&mut stream).await.1), "0.1".parse().unwrap());

    // Meanwhile the list of fills cannot be had, either.
    world.state().fills_fail = 2;
    world.cut();
    let lost = next(&mut stream).await;
    assert!(matches!(lost, UserEvent::Lost { .. }), "{lost:?}");
    let missed = world.state().execute(0, "0.4".parse().unwrap(), Decimal::from(90));
    let (id, fill) = report(&mut stream).await;
    assert_eq!((id, quantity(&fill)), (limit(1).id, "0.4".parse().unwrap()));
    started(&mut stream).await;
    assert_eq!(world.state().fills_fail, 0);

    // The venue tells it all again; what follows is the next thing that is told.
    world.say("v4_subaccounts", &missed.to_string());
    client.submit(&limit(2)).await.unwrap();
    assert_eq!(report(&mut stream).await, (limit(2).id, OrderReport::Accepted));
    let all = client.fills(BTC, FillsFrom::Time(Timestamp::EPOCH)).await.unwrap();
    assert_eq!(all.len(), 2);
}

/// A message that is missing among those of a connection may have been a fill.
#[tokio::test]
async fn an_unreadable_message_ends_the_connection() {
    let world = World::new().await;
    let client = world.client();
    let mut stream = client.user_stream().await.unwrap();
    started(&mut stream).await;
    world.say("v4_subaccounts", r#"{"fills":[{"id":7}]}"#);
    assert!(matches!(next(&mut stream).await, UserEvent::Lost { .. }));
    started(&mut stream).await;
}

/// Nobody tells the end of an order of the short term: it is asked for when its last block has
/// passed. One that filled meanwhile is told with its fills, one that was replaced lives on.
#[tokio::test]
async fn an_order_of_the_short_term_ends_with_its_last_block() {
    let world = World::new().await;
    let client = quoting(&world);
    let mut stream = client.user_stream().await.unwrap();
    started(&mut stream).await;
    world.state().is_mute = true;
    for number in 1..=3 {
        client.submit(&limit(number)).await.unwrap();
    }
    // The indexer forgets the first, and the second fills in silence.
    world.state().orders.remove(0);
    let news = world.state().execute(0, "0.3".parse().unwrap(), Decimal::from(90));
    assert_eq!(number(&news["orders"][0]["totalFilled"]), "0.3".parse().unwrap());
    world.blocks(1);
    let change = OrderChange {
        order: limit(3),
        quantity: Qty::new("0.5".parse().unwrap()),
        price: price(91),
        price_now: None,
        quantity_now: Qty::new("0.5".parse().unwrap()),
    };
    client.amend(&change).await.unwrap();
    world.blocks(20);
    assert!(futures::FutureExt::now_or_never(stream.next()).is_none(), "1,021 is not over yet");
    world.blocks(1);
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(report(&mut stream).await);
    }
    told.sort_by_key(|(id, _)| *id);
    assert_eq!(told[0], (limit(1).id, OrderReport::Expired));
    assert_eq!((told[1].0, quantity(&told[1].1)), (limit(2).id, "0.3".parse().unwrap()));
    assert_eq!(told[2], (limit(2).id, OrderReport::Expired));
    world.blocks(1);
    assert_eq!(report(&mut stream).await, (limit(3).id, OrderReport::Expired));
}

/// The private key stands in nothing that can be written to a log.
#[tokio::test]
async fn no_key_is_ever_shown() {
    let world = World::new().await;
    let mut shown = Vec::new();
    for port in [world.port, 1] {
        let mut account = world.account();
        account.node = Endpoint::http(&format!("http://127.0.0.1:{port}")).unwrap();
        account.node_timeout = Duration::from_millis(300);
        shown.push(format!("{account:?} {account:#?}"));
        let client = DydxClient::new(&world.market(), account);
        shown.push(format!("{client:?} {client:#?} {:?}", client.account()));
        world.state().fates.extend([Fate::Refused(4), Fate::Lost, Fate::Refused(9)]);
        let mut errors = vec![client.submit(&limit(1)).await.unwrap_err()];
        errors.push(client.submit(&limit(2)).await.unwrap_err());
        errors.push(client.submit(&ioc(3)).await.unwrap_err());
        errors.push(client.cancel(limit(4).id, BTC).await.unwrap_err());
        world.state().fates.clear();
        shown.extend(errors.iter().flat_map(|error| [format!("{error}"), format!("{error:?}")]));
        let mut stream = client.user_stream().await.unwrap();
        shown.push(format!("{:?}", next(&mut stream).await));
    }
    let bytes: Vec<u8> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(&KEY[at..at + 2], 16).unwrap()).collect();
    let listed = format!("{bytes:?}");
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &bytes);
    let secrets =
        [KEY.to_owned(), KEY.to_uppercase(), listed.trim_matches(['[', ']']).to_owned(), base64];
    assert!(world.places().len() >= 3, "the key has signed");
    for text in &shown {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} stands in {text}");
        }
    }
}
