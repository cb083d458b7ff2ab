//! A bot that trades on the chain, from the indexer's market data to its books.

use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tradewright::backtest::Digest;
use tradewright::engine::{Engine, SlotConfig};
use tradewright::live::{
    BotPlan, BotSeat, BotStatus, DydxClient, ExchangeGateway, Runner, RunnerConfig, StopOrders,
    StopPolicy, SystemClock,
};
use tradewright::metrics::Tee;
use tradewright::prelude::*;
use tradewright::venue::{
    Channel, Clock, ExchangeClient, FillsFrom, MarketDataStream, Subscription,
};

use super::world::{World, table};
use crate::live::server::LONG;

const BTC: InstrumentId = InstrumentId(0);

/// Buys and sells in turn, each some quotes apart.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Turns(u32);

impl Strategy for Turns {
    fn name(&self) -> &str {
        "TURNS"
    }

    fn on_event(&mut self, event: &Event<'_>, _: &Facts<'_>, advice: &mut Advice) {
        if matches!(event, Event::Market(_)) {
            self.0 += 1;
            match self.0 % 12 {
                3 => advice.target(BTC, Qty::from(2)),
                9 => advice.target(BTC, Qty::ZERO),
                _ => {}
            }
        }
    }
}

fn plan() -> BotPlan<Turns, ()> {
    let mut plan = BotPlan::new("chain", move |epoch| {
        let usdc = table().find_asset("USDC").unwrap();
        let slot = SlotConfig::new(Turns::default()).trades([BTC]);
        let builder = Engine::builder(table(), usdc).epoch(epoch).slot(slot);
        builder.sink(Tee(Digest::new(), ())).build()
    });
    plan.config.reconcile.every = Duration::from_millis(300);
    plan.config.reconcile.settle = Duration::from_millis(100);
    plan
}

/// Orders go to the chain, fills come back, the sockets are cut in between with an order's fill
/// untold, and at the end the books are the venue's: position, fills, and money to the cent.
#[tokio::test]
async fn a_bot_trades_on_the_chain() {
    let world = World::new().await;
    world.state().market = Some(Decimal::from(100));
    let market = world.market();
    let client = Arc::new(DydxClient::new(&market, world.account()));
    let feed = market.subscribe(&[Subscription::new(BTC, Channel::Quotes)]).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let door: Arc<dyn ExchangeClient> = Arc::<DydxClient>::clone(&client);
    let gateway = ExchangeGateway::connect(door, Arc::clone(&clock), &table()).await.unwrap();
    let (gateway, history) = (Box::new(gateway), Vec::new());
    let seat = BotSeat { plan: plan(), gateway, feed, history, files: None };
    let runner = Runner::new(clock, RunnerConfig::default()).bot(seat);
    let handle = runner.handle();
    let running = tokio::spawn(runner.run());
    let runs = handle.wait_for("chain", |view| view.status == BotStatus::Running);
    tokio::time::timeout(LONG, runs).await.unwrap().expect("the bot runs");

    // A quote every 20 ms and a block every 100 ms.
    let venue = world.clone();
    let goes_on = tokio::spawn(async move {
        for size in 1_u32.. {
            let bid = format!(r#"{{"bids":[["100","{}"]]}}"#, 50 + size % 7);
            venue.say("v4_orderbook", &bid);
            if size % 5 == 0 {
                venue.blocks(1);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let until = async |fills: usize| {
        let reached = async {
            while world.state().fills.len() < fills {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LONG, reached).await.expect("fills");
    };
    until(4).await;
    world.state().is_mute = true;
    until(5).await;
    world.cut();
    world.state().is_mute = false;
    until(9).await;

    let orders = StopOrders::CancelAll;
    let within = Duration::from_secs(10);
    tokio::time::timeout(LONG, handle.stop(StopPolicy { orders, within })).await.unwrap();
    let exits = tokio::time::timeout(LONG, running).await.unwrap().unwrap();
    goes_on.abort();
    let report = exits.into_iter().next().unwrap().outcome.unwrap();
    assert_eq!(report.status, BotStatus::Stopped, "{report}");
    assert!(report.is_reconciled, "{report}");
    let ours: Decimal = report.positions.iter().map(|position| position.quantity).sum();
    assert_eq!(ours, world.state().position, "{report}");
    let places = world.places();
    let fills = client.fills(BTC, FillsFrom::Time(Timestamp::EPOCH)).await.unwrap();
    assert_eq!(fills.len(), places.len(), "each order was sent once and filled once");
    assert!(places.iter().all(|tx| tx.flags == 0 && tx.until > 1_000), "{places:?}");
    // Money was taken over at the start, and never had to be adjusted afterwards.
    let adjusted: Vec<String> = report.explained.iter().map(|one| one.to_string()).collect();
    let money = adjusted.iter().filter(|text| text.contains("asset ")).count();
    assert!(money == 1 && adjusted[0].contains("ours 0, theirs 10000"), "{adjusted:?}");
}
