//! An account's client on a local exchange: every call, spot and futures, both kinds of keys.

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{EncodePrivateKey, EncodePublicKey};
use rust_decimal::Decimal;
use tradewright::live::BinanceClient;
use tradewright::local_exchange::{Account, Chaos, ExchangeConfig, LocalExchange};
use tradewright::types::{
    Intent, Order, OrderFlags, OrderId, OrderKind, OrderStatus, Price, Qty, RejectReason, Side,
    SlotId, Timestamp, TradeId,
};
use tradewright::venue::binance::{BinanceMarket, Credentials, SecretString};
use tradewright::venue::{Answer, ExchangeClient, ExchangeError, FillsFrom, OrderChange};

use super::live::{BTC, config, connection, exchange, table};

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    Price::new(decimal(text)).unwrap()
}

pub fn market(number: u64, side: Side, quantity: &str) -> Order {
    let intent = Intent::market(SlotId(1), BTC, side, Qty::new(decimal(quantity)));
    Order { id: OrderId::new(7, SlotId(1), number), intent, created_at: Timestamp::EPOCH }
}

pub fn limit(number: u64, side: Side, quantity: &str, at: &str) -> Order {
    let mut order = market(number, side, quantity);
    order.intent.kind = OrderKind::Limit { price: price(at) };
    order
}

/// A client of the sample account.
pub fn client(exchange: &LocalExchange, market: BinanceMarket, secret: &str) -> BinanceClient {
    let credentials = Credentials::hmac("local-key", &SecretString::from(secret)).unwrap();
    BinanceClient::new(&connection(config(exchange, market)), &table(market), credentials)
}

fn refused(error: &ExchangeError) -> RejectReason {
    match error.answer() {
        Answer::Refused(reason) => reason,
        other => panic!("{other:?}: {error}"),
    }
}

/// Limit and market orders, questions, trades and balances, as any market has them.
async fn trades_on(client: &BinanceClient) {
    assert!(client.server_time().await.unwrap() > Timestamp::EPOCH);
    let listed = client.instruments().await.unwrap();
    assert!(listed.listings.iter().any(|one| one.name == "BTCUSDT" && one.is_trading));

    let resting = limit(1, Side::Buy, "0.01", "50000");
    let taken = client.submit(&resting).await.unwrap();
    assert_eq!((taken.status, taken.fills.len()), (OrderStatus::Open, 0));
    let state = client.order(resting.id, BTC).await.unwrap().unwrap();
    assert_eq!(state.order, resting.id);
    assert_eq!(state.venue_order, taken.venue_order);
    assert_eq!((state.quantity.value(), state.filled), (decimal("0.01"), Decimal::ZERO));
    assert_eq!((state.price, state.side), (Some(price("50000")), Side::Buy));
    let again = client.submit(&resting).await.unwrap_err();
    assert_eq!(refused(&again), RejectReason::DuplicateId, "{again}");

    let taker = market(2, Side::Buy, "0.02");
    client.submit(&taker).await.unwrap();
    let state = client.order(taker.id, BTC).await.unwrap().unwrap();
    assert_eq!((state.status, state.filled), (OrderStatus::Filled, decimal("0.02")));
    let fills = client.fills(BTC, FillsFrom::Order(taker.id)).await.unwrap();
    let sum: Decimal = fills.iter().map(|fill| fill.fill.quantity.value()).sum();
    assert_eq!(sum, decimal("0.02"));
    assert!(
        fills.iter().all(|fill| fill.order == taker.id && fill.fill.fee.amount > Decimal::ZERO)
    );
    let last = fills.last().unwrap().fill.trade;
    assert_eq!(client.fills(BTC, FillsFrom::After(last)).await, Ok(Vec::new()));
    assert_eq!(client.fills(BTC, FillsFrom::After(TradeId(0))).await.unwrap(), fills);
    assert_eq!(client.fills(BTC, FillsFrom::Time(Timestamp::EPOCH)).await.unwrap(), fills);

    let open = client.open_orders(Some(BTC)).await.unwrap();
    assert_eq!(open.iter().map(|one| one.order).collect::<Vec<_>>(), [resting.id]);
    client.cancel(resting.id, BTC).await.unwrap();
    assert!(client.cancel(resting.id, BTC).await.unwrap_err().is_not_found());
    let state = client.order(resting.id, BTC).await.unwrap().unwrap();
    assert_eq!(state.status, OrderStatus::Cancelled);
    assert_eq!(client.order(market(77, Side::Buy, "1").id, BTC).await, Ok(None));

    for number in 10..13 {
        client.submit(&limit(number, Side::Buy, "0.01", "50000")).await.unwrap();
    }
    assert_eq!(client.open_orders(None).await.unwrap().len(), 3);
    client.cancel_all(BTC).await.unwrap();
    client.cancel_all(BTC).await.expect("that there is none is no error");
    assert_eq!(client.open_orders(None).await, Ok(Vec::new()));
}

/// Refusals by their reasons.
async fn refuses(client: &BinanceClient) {
    let mut maker = limit(20, Side::Buy, "0.01", "65000");
    maker.intent.flags = OrderFlags { post_only: true, reduce_only: false };
    let error = client.submit(&maker).await.unwrap_err();
    assert_eq!(refused(&error), RejectReason::WouldTake, "{error}");
    let error = client.submit(&market(21, Side::Buy, "900")).await.unwrap_err();
    assert_eq!(refused(&error), RejectReason::InsufficientFunds, "{error}");
    let sent = client.connection().requests();
    let error = client.submit(&limit(22, Side::Buy, "0.01", "50000.001")).await.unwrap_err();
    assert_eq!(refused(&error), RejectReason::InvalidOrder, "{error}");
    assert_eq!(client.connection().requests(), sent, "off the tick: not sent");
    assert_eq!(client.open_orders(None).await, Ok(Vec::new()));
}

/// Outcomes that are not known, with the order accepted or not: sent once, and learnt by asking.
async fn doubts(exchange: &LocalExchange, client: &BinanceClient) {
    let cases = [
        (Chaos { unknown_outcome: 1.0, ..Chaos::default() }, true),
        (Chaos { unknown_and_lost: 1.0, ..Chaos::default() }, false),
        (Chaos { lost_answer: 1.0, ..Chaos::default() }, true),
        (Chaos { lost_request: 1.0, ..Chaos::default() }, false),
    ];
    for (number, (chaos, is_accepted)) in (30..).zip(cases) {
        exchange.set_chaos(chaos.clone());
        let order = limit(number, Side::Buy, "0.01", "50000");
        let error = client.submit(&order).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{chaos:?}: {error}");
        exchange.set_chaos(Chaos::default());
        let found = client.order(order.id, BTC).await.unwrap();
        assert_eq!(found.is_some(), is_accepted, "{chaos:?}");
        exchange.set_chaos(chaos.clone());
        let error = client.cancel(order.id, BTC).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{chaos:?}: {error}");
        exchange.set_chaos(Chaos::default());
    }
    client.cancel_all(BTC).await.unwrap();
    assert_eq!(client.open_orders(None).await, Ok(Vec::new()));
}

#[tokio::test]
async fn spot_by_hmac() {
    let exchange = exchange(ExchangeConfig::sample(7), 50).await;
    let client = client(&exchange, BinanceMarket::Spot, "local-secret");
    let total = async |code: &str| {
        let asset = table(BinanceMarket::Spot).find_asset(code).unwrap();
        let balances = client.balances().await.unwrap();
        balances.iter().find(|balance| balance.asset == asset).unwrap().total
    };
    let before = total("USDT").await;
    trades_on(&client).await;
    assert_eq!(total("BTC").await, decimal("10.02"));
    let fills = client.fills(BTC, FillsFrom::After(TradeId(0))).await.unwrap();
    let paid = fills
        .iter()
        .map(|fill| fill.fill.price.value() * fill.fill.quantity.value() + fill.fill.fee.amount);
    assert_eq!(total("USDT").await, before - paid.sum::<Decimal>());
    refuses(&client).await;
    doubts(&exchange, &client).await;

    // A stop waits for its price with the other orders.
    let mut stop = market(40, Side::Sell, "0.01");
    stop.intent.kind = OrderKind::StopMarket { trigger: price("50000") };
    client.submit(&stop).await.unwrap();
    let open = client.open_orders(Some(BTC)).await.unwrap();
    assert_eq!(open[0].order, stop.id);
    assert_eq!(open[0].trigger, Some(price("50000")));
    client.cancel(stop.id, BTC).await.unwrap();

    // Less of an order keeps its place; everything else would lose it for a moment.
    let order = limit(41, Side::Buy, "0.05", "50000");
    client.submit(&order).await.unwrap();
    let change = OrderChange {
        order,
        quantity: Qty::new(decimal("0.03")),
        price: price("50000"),
        price_now: Some(price("50000")),
        quantity_now: Qty::new(decimal("0.05")),
    };
    client.amend(&change).await.unwrap();
    let state = client.order(order.id, BTC).await.unwrap().unwrap();
    assert_eq!((state.status, state.quantity.value()), (OrderStatus::Open, decimal("0.03")));
    let more =
        OrderChange { quantity_now: change.quantity, quantity: change.quantity_now, ..change };
    let error = client.amend(&more).await.unwrap_err();
    assert!(matches!(error, ExchangeError::Unsupported { .. } | ExchangeError::Refused { .. }));
    assert_eq!(client.positions().await, Ok(Vec::new()));
    let error = client.cancel_all_after(BTC, 5).await.unwrap_err();
    assert!(matches!(error, ExchangeError::Unsupported { .. }), "{error}");
}

#[tokio::test]
async fn spot_by_ed25519() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let private = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    let public = key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
    let account = Account::ed25519("ed-key", &public)
        .with_spot("BTC", decimal("10"))
        .with_spot("USDT", decimal("1000000"));
    let exchange = exchange(ExchangeConfig::sample(7).with_account(account), 50).await;
    let spot = BinanceMarket::Spot;
    let private = SecretString::from(private.to_string());
    let credentials = Credentials::ed25519("ed-key", &private).unwrap();
    let client =
        BinanceClient::new(&connection(config(&exchange, spot)), &table(spot), credentials);
    trades_on(&client).await;
    refuses(&client).await;
}

#[tokio::test]
async fn futures_by_hmac() {
    let exchange = exchange(ExchangeConfig::sample(7), 50).await;
    let client = client(&exchange, BinanceMarket::UsdFutures, "local-secret");
    trades_on(&client).await;
    refuses(&client).await;
    doubts(&exchange, &client).await;

    let positions = client.positions().await.unwrap();
    assert_eq!(positions.len(), 1);
    assert_eq!((positions[0].instrument, positions[0].quantity), (BTC, decimal("0.02")));
    let usdt = table(BinanceMarket::UsdFutures).find_asset("USDT").unwrap();
    let balances = client.balances().await.unwrap();
    let usdt = balances.iter().find(|balance| balance.asset == usdt).unwrap();
    assert!(usdt.total < decimal("1000000"), "fees are paid");

    // A stop is another kind of order there, and is found and cancelled all the same.
    let mut stop = market(40, Side::Sell, "0.01");
    stop.intent.kind = OrderKind::StopMarket { trigger: price("50000") };
    client.submit(&stop).await.unwrap();
    let state = client.order(stop.id, BTC).await.unwrap().unwrap();
    assert_eq!(state.trigger, Some(price("50000")));
    assert_eq!(client.open_orders(None).await.unwrap()[0].order, stop.id);
    client.cancel(stop.id, BTC).await.unwrap();
    assert_eq!(client.open_orders(None).await, Ok(Vec::new()));
    stop.id = OrderId::new(7, SlotId(1), 41);
    client.submit(&stop).await.unwrap();
    client.cancel_all(BTC).await.unwrap();
    assert_eq!(client.open_orders(None).await, Ok(Vec::new()));

    // Another price and quantity, by one request.
    let order = limit(42, Side::Buy, "0.05", "50000");
    client.submit(&order).await.unwrap();
    let change = OrderChange {
        order,
        quantity: Qty::new(decimal("0.06")),
        price: price("50100"),
        price_now: Some(price("50000")),
        quantity_now: Qty::new(decimal("0.05")),
    };
    let state = client.amend(&change).await.unwrap();
    assert_eq!((state.quantity.value(), state.price), (decimal("0.06"), Some(price("50100"))));
    client.cancel(order.id, BTC).await.unwrap();

    // What only reduces cannot open.
    let mut reduce = market(43, Side::Sell, "0.02");
    reduce.intent.flags = OrderFlags { post_only: false, reduce_only: true };
    client.submit(&reduce).await.unwrap();
    assert_eq!(client.positions().await, Ok(Vec::new()));
    reduce.id = OrderId::new(7, SlotId(1), 44);
    let error = client.submit(&reduce).await.unwrap_err();
    assert_eq!(refused(&error), RejectReason::NothingToReduce, "{error}");

    // Without a word within two seconds the exchange takes back all orders.
    client.submit(&limit(45, Side::Buy, "0.05", "50000")).await.unwrap();
    client.cancel_all_after(BTC, 2).await.unwrap();
    super::live::within("the exchange's own cancel", async {
        while !client.open_orders(None).await.unwrap().is_empty() {
            tokio::time::sleep(core::time::Duration::from_millis(200)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_wrong_secret_is_told_as_such() {
    let exchange = exchange(ExchangeConfig::sample(7), 50).await;
    for market in [BinanceMarket::Spot, BinanceMarket::UsdFutures] {
        let client = client(&exchange, market, "another-secret");
        let errors = [
            client.submit(&limit(1, Side::Buy, "0.01", "50000")).await.unwrap_err(),
            client.open_orders(None).await.unwrap_err(),
            client.balances().await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, ExchangeError::Authentication { code: -1022, .. }), "{error}");
            assert!(!error.is_outcome_unknown());
        }
    }
}

/// The exchange lists a thousand trades at a time: all of them are had, each once.
#[tokio::test]
async fn trades_of_more_than_one_page() {
    let exchange = exchange(ExchangeConfig::sample(7), 50).await;
    let client = client(&exchange, BinanceMarket::Spot, "local-secret");
    // Whose the trades are is asked one by one: the exchange's own limit is wide enough.
    client.instruments().await.unwrap();
    // Sent from the exchange's side, so that it does not take minutes.
    let signer = super::Signer::new("local-secret");
    for number in 0..1_150 {
        let side = if number % 2 == 0 { "BUY" } else { "SELL" };
        let query = format!("symbol=BTCUSDT&side={side}&type=MARKET&quantity=0.001");
        exchange.with(|state, at| signer.place(state, at, &query));
    }
    let fills = client.fills(BTC, FillsFrom::After(TradeId(0))).await.unwrap();
    assert!(fills.len() >= 1_150, "{}", fills.len());
    let numbers: Vec<u128> = fills.iter().map(|fill| fill.fill.trade.0).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    let by_time = client.fills(BTC, FillsFrom::Time(Timestamp::EPOCH)).await.unwrap();
    assert_eq!(by_time.len(), fills.len());
}
