//! The gateway between a bot and a local exchange: what it makes of lost answers, unknown
//! outcomes and limits, and that cancels still go when the budget for questions is used up.

use core::time::Duration;
use std::sync::Arc;

use tradewright::live::{
    BinanceClient, BinanceConnection, ExchangeGateway, Gateway, GatewayEvent, Request, SystemClock,
};
use tradewright::local_exchange::{Chaos, ExchangeConfig, LocalExchange, Refusal, RequestLimits};
use tradewright::types::{Order, OrderStatus, RejectReason, Side, Timestamp};
use tradewright::venue::binance::BinanceMarket;
use tradewright::venue::{Answer, ExchangeClient, ExchangeError, Found};

use super::client::{client, decimal, limit, market};
use super::live::{BTC, connection, exchange, table, within};

struct Desk {
    exchange: LocalExchange,
    gateway: ExchangeGateway,
}

impl Desk {
    async fn new() -> Self {
        let exchange = exchange(ExchangeConfig::sample(7), 50).await;
        let client = client(&exchange, BinanceMarket::UsdFutures, "local-secret");
        // Before its first order a client asks what time it is: what fails then was never sent.
        client.server_time().await.unwrap();
        let table = table(BinanceMarket::UsdFutures);
        let gateway = ExchangeGateway::connect(Arc::new(client), Arc::new(SystemClock), &table);
        let gateway = gateway.await.unwrap();
        let mut desk = Self { exchange, gateway };
        assert_eq!(desk.news().await, GatewayEvent::Started);
        desk
    }

    async fn news(&mut self) -> GatewayEvent {
        within("an event", self.gateway.next()).await
    }

    /// The answer to a request, past what the news tell meanwhile.
    async fn ask(&mut self, request: Request) -> GatewayEvent {
        self.gateway.start(Timestamp::EPOCH, request);
        assert!(!self.gateway.is_idle());
        loop {
            match self.news().await {
                GatewayEvent::News(_) | GatewayEvent::Started | GatewayEvent::Lost { .. } => {}
                answer => return answer,
            }
        }
    }

    async fn place(&mut self, order: Order) -> Answer {
        match self.ask(Request::Place(order)).await {
            GatewayEvent::Placed { order: id, answer, .. } if id == order.id => answer,
            other => panic!("{other:?}"),
        }
    }

    async fn find(&mut self, order: Order) -> Found {
        let request = Request::Find { order: order.id, instrument: BTC };
        match self.ask(request).await {
            GatewayEvent::Found { order: id, found } if id == order.id => found,
            other => panic!("{other:?}"),
        }
    }

    async fn cancel(&mut self, order: Order) -> Answer {
        let request = Request::Cancel { order: order.id, instrument: BTC };
        match self.ask(request).await {
            GatewayEvent::Changed { order: id, answer } if id == order.id => answer,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn doubt_is_told_and_ends_by_a_question() {
    let mut desk = Desk::new().await;
    let cases = [
        (Chaos { lost_answer: 1.0, ..Chaos::default() }, true),
        (Chaos { lost_request: 1.0, ..Chaos::default() }, false),
        (Chaos { unknown_outcome: 1.0, ..Chaos::default() }, true),
        (Chaos { unknown_and_lost: 1.0, ..Chaos::default() }, false),
    ];
    for (number, (chaos, is_accepted)) in (1..).zip(cases) {
        let order = limit(number, Side::Buy, "0.01", "50000");
        desk.exchange.set_chaos(chaos.clone());
        assert_eq!(desk.place(order).await, Answer::Unknown, "{chaos:?}");
        assert_eq!(desk.cancel(order).await, Answer::Unknown, "{chaos:?}");
        desk.exchange.set_chaos(Chaos { lost_answer: 1.0, ..Chaos::default() });
        assert_eq!(desk.find(order).await, Found::Failed);
        desk.exchange.set_chaos(Chaos::default());
        let found = desk.find(order).await;
        assert_eq!(matches!(found, Found::Order { .. }), is_accepted, "{chaos:?}: {found:?}");
    }
}

#[tokio::test]
async fn orders_and_pictures_of_a_calm_exchange() {
    let mut desk = Desk::new().await;
    let (resting, taker) = (limit(1, Side::Buy, "0.01", "50000"), market(2, Side::Buy, "0.02"));
    assert_eq!(desk.place(resting).await, Answer::Accepted);
    assert_eq!(desk.place(taker).await, Answer::Accepted);
    let filled = Found::Order { status: OrderStatus::Filled, filled: decimal("0.02") };
    assert_eq!(desk.find(taker).await, filled);
    let request = Request::Fills { order: taker.id, instrument: BTC };
    let GatewayEvent::Fills { fills, .. } = desk.ask(request).await else { panic!("no fills") };
    assert!(!fills.is_empty());
    let GatewayEvent::Picture { number: 5, picture } =
        desk.ask(Request::Picture { number: 5, fills: Vec::new() }).await
    else {
        panic!("no picture")
    };
    let picture = picture.unwrap();
    assert_eq!(picture.orders.iter().map(|one| one.order).collect::<Vec<_>>(), [resting.id]);
    assert_eq!(picture.positions[0].quantity, decimal("0.02"));
    assert_eq!(desk.cancel(resting).await, Answer::Accepted);
    let gone = desk.cancel(resting).await;
    assert_eq!(gone, Answer::Refused(RejectReason::NotFound));
}

/// A ban: nothing is in doubt, since nothing leaves; pictures fail as a whole.
#[tokio::test]
async fn a_ban_is_no_doubt() {
    let mut desk = Desk::new().await;
    for status in [429, 418] {
        let until = desk.exchange.with(|_, at| at.after(Duration::from_secs(1)));
        let refusal = Some(Refusal { status, until });
        desk.exchange.set_chaos(Chaos { refusal, ..Chaos::default() });
        let order = limit(u64::from(status), Side::Buy, "0.01", "50000");
        for _ in 0..2 {
            let answer = desk.place(order).await;
            let Answer::Refused(RejectReason::Other(word)) = answer else { panic!("{answer:?}") };
            assert_eq!(word.as_str(), "throttled");
        }
        assert_eq!(desk.find(order).await, Found::Failed);
        let picture = desk.ask(Request::Picture { number: 1, fills: Vec::new() }).await;
        assert!(matches!(picture, GatewayEvent::Picture { picture: Err(_), .. }), "{picture:?}");
        desk.exchange.set_chaos(Chaos::default());
        within("the end of the ban", async {
            while desk.place(order).await != Answer::Accepted {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await;
    }
}

/// Questions use up their part of the weight; cancels have a reserve, and the exchange never says
/// that it was too much.
#[tokio::test]
async fn cancels_go_when_questions_have_to_wait() {
    let limits = RequestLimits { weight_per_minute: 300, ..RequestLimits::default() };
    let config = ExchangeConfig::sample(7).with_limits(limits);
    let exchange = LocalExchange::start(config).await.unwrap();
    let mut config = super::live::config(&exchange, BinanceMarket::Spot);
    config.question_wait = Duration::from_millis(100);
    let credentials = tradewright::venue::binance::Credentials::hmac(
        "local-key",
        &tradewright::venue::binance::SecretString::from("local-secret"),
    );
    let shared: BinanceConnection = connection(config);
    let table = table(BinanceMarket::Spot);
    let client = BinanceClient::new(&shared, &table, credentials.unwrap());
    client.instruments().await.unwrap();
    let order = limit(1, Side::Buy, "0.01", "50000");
    client.submit(&order).await.unwrap();
    let mut asked = 0;
    let refused = loop {
        match client.balances().await {
            Ok(_) => asked += 1,
            Err(error) => break error,
        }
        assert!(asked < 60, "300 of weight are used up by now");
    };
    assert!(matches!(refused, ExchangeError::Throttled { .. }), "{refused}");
    assert_eq!(shared.blocked_until(), None, "it is our budget, not the exchange's word");
    client.cancel(order.id, BTC).await.expect("cancels have a reserve");
}
