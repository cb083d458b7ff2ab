use proptest::prelude::*;
use tradewright::types::{
    Decimal, InstrumentId, InstrumentKind, Instruments, MarketEvent, OrderReport,
};
use tradewright::venue::dydx::{
    DydxMarket, DydxMarketStatus, DydxOrderState, DydxUnitError, decode_candles, decode_funding,
    decode_height, decode_markets, decode_orderbook, decode_orders, decode_trades,
};
use tradewright::venue::{MarketNews, UserNews};

use super::{NOW, decoder, exact, frames, number, time, unwrapped};

/// The answer of one kind, if the collection is there.
fn answer(kind: &str) -> Option<(serde_json::Value, Vec<u8>)> {
    let frame = frames().into_iter().find(|frame| frame.kind == kind)?;
    let value = unwrapped(&frame.raw);
    let bytes = serde_json::to_vec(&value).unwrap();
    Some((value, bytes))
}

const ID: InstrumentId = InstrumentId(0);

#[test]
fn market_data_are_read() {
    if let Some((value, bytes)) = answer("rest.orderbook") {
        let book = decode_orderbook(ID, 5, &bytes).unwrap();
        assert_eq!((book.last, book.is_complete), (5, true));
        assert_eq!(book.bids[0].price, number(&value["bids"][0]["price"]));
        assert_eq!(book.asks.len(), value["asks"].as_array().unwrap().len());
    }
    if let Some((value, bytes)) = answer("rest.trades") {
        let prints = decode_trades(ID, &bytes).unwrap();
        assert_eq!(prints.len(), 3);
        assert!(prints.is_sorted_by_key(|print| print.at));
        assert_eq!(prints[2].at, Some(time(&value["trades"][0]["createdAt"])), "the newest last");
    }
    if let Some((value, bytes)) = answer("rest.candles") {
        let started = time(&value["candles"][0]["startedAt"]);
        let second = |seconds| started.after(core::time::Duration::from_secs(seconds));
        let [MarketNews::Forming(bar)] = decode_candles(second(59), ID, &bytes).unwrap()[..] else {
            panic!("it still forms")
        };
        assert_eq!(bar.close, 118_810.0);
        let closed = decode_candles(second(60), ID, &bytes).unwrap();
        let [MarketNews::Event(sighting)] = &closed[..] else { panic!("{closed:?}") };
        assert_eq!(sighting.at, Some(second(60)));
    }
    if let Some((value, bytes)) = answer("rest.historical_funding") {
        let payments = decode_funding(ID, &bytes).unwrap();
        assert_eq!(payments.len(), 3);
        let newest = &value["historicalFunding"][0];
        let MarketEvent::Funding(funding) = payments[2].event else { panic!() };
        assert_eq!(
            (funding.rate, funding.mark),
            (number(&newest["rate"]), number(&newest["price"]))
        );
    }
    if let Some((_, bytes)) = answer("rest.block_height") {
        assert_eq!(decode_height(&bytes), Ok(66_624_132));
    }
}

#[test]
fn orders_fills_and_positions_are_read() {
    if let Some((value, bytes)) = answer("rest.orders") {
        let [order] = &decode_orders(&bytes).unwrap()[..] else { panic!("one") };
        assert_eq!(order.state, DydxOrderState::Filled);
        assert_eq!((order.quantity, order.filled), (exact(&value[0]["size"]), order.quantity));
        assert_eq!(order.client, 522_832_734);
    }
    if let Some((_, bytes)) = answer("rest.order") {
        let [order] = &decode_orders(&bytes).unwrap()[..] else { panic!("one") };
        assert_eq!((order.state, order.ticker.as_str()), (DydxOrderState::Canceled, "ETH-USD"));
    }
    if let Some((value, bytes)) = answer("rest.fills") {
        let mut news = Vec::new();
        decoder(&["BTC-USD"]).fills(NOW, &bytes, &mut news).unwrap();
        let fills = value["fills"].as_array().unwrap();
        assert_eq!(news.len(), fills.len());
        for (news, fill) in news.iter().zip(fills.iter().rev()) {
            let UserNews::Order(news) = news else { panic!("{news:?}") };
            let OrderReport::Fill(report) = news.update.report else { panic!("{news:?}") };
            assert_eq!(report.price.value(), exact(&fill["price"]));
            assert_eq!(news.at, time(&fill["createdAt"]));
        }
    }
    if let Some((_, bytes)) = answer("rest.subaccount") {
        let mut news = Vec::new();
        decoder(&["BTC-USD"]).subaccount(NOW, &bytes, &mut news).unwrap();
        let [UserNews::Balance { total, .. }] = news[..] else { panic!("{news:?}") };
        assert_eq!(total.to_string(), "45.201296");
    }
    let body = br#"{"positions":[{"market":"BTC-USD","status":"OPEN","side":"SHORT",
        "size":"-0.5","maxSize":"-1","entryPrice":"100000.5"}]}"#;
    let mut news = Vec::new();
    decoder(&["BTC-USD"]).positions(NOW, body, &mut news).unwrap();
    let [UserNews::Position { quantity, entry, .. }] = news[..] else { panic!("{news:?}") };
    assert_eq!((quantity.to_string(), entry.to_string()), ("-0.5".into(), "100000.5".into()));
}

fn bitcoin() -> DydxMarket {
    let body = br#"{"markets":{"BTC-USD":{"clobPairId":"0","ticker":"BTC-USD","status":"ACTIVE",
        "tickSize":"1","stepSize":"0.0001","atomicResolution":-10,"stepBaseQuantums":1000000,
        "quantumConversionExponent":-9,"subticksPerTick":100000,"initialMarginFraction":"0.02",
        "maintenanceMarginFraction":"0.012"}}}"#;
    decode_markets(body).unwrap().remove(0)
}

/// Of each listed market a tick and a step are whole numbers of subticks and quantums.
#[test]
fn markets_become_instruments_with_the_chains_units() {
    let market = bitcoin();
    assert_eq!((market.clob_pair, market.status), (0, DydxMarketStatus::Active));
    let mut table = Instruments::new();
    let id = table.add(market.instrument()).unwrap();
    let instrument = table.get(id).unwrap();
    assert_eq!(instrument.kind, InstrumentKind::LinearPerpetual);
    assert_eq!((instrument.tick, instrument.step), (Decimal::ONE, Decimal::new(1, 4)));
    assert_eq!(table.find_asset("USDC"), Some(instrument.quote));

    let Some((value, bytes)) = answer("rest.perpetual_markets") else { return };
    let markets = decode_markets(&bytes).unwrap();
    assert_eq!(markets.len(), value["markets"].as_object().unwrap().len());
    for market in markets {
        assert_eq!(market.quantums(market.step), Ok(market.step_base_quantums), "{market:?}");
        assert_eq!(market.subticks(market.tick), Ok(market.subticks_per_tick), "{market:?}");
        assert!(Instruments::new().add(market.instrument()).is_ok());
    }
}

#[test]
fn what_lies_between_steps_is_refused_and_never_rounded() {
    let market = bitcoin();
    let (value, step) = (Decimal::new(15, 5), market.step);
    assert_eq!(market.quantums(value), Err(DydxUnitError::BetweenSteps { value, step }));
    let small = Decimal::new(1, 12);
    assert!(matches!(market.quantums(small), Err(DydxUnitError::BetweenSteps { .. })));
    assert!(market.subticks(Decimal::new(5, 1)).is_err());
    for value in [Decimal::ZERO, Decimal::NEGATIVE_ONE, Decimal::MAX] {
        assert_eq!(market.quantums(value), Err(DydxUnitError::OutOfRange { value }));
    }
    let mut odd = market.clone();
    odd.atomic_resolution = i32::MIN;
    assert!(odd.quantums(Decimal::ONE).is_err() && odd.quantity(1).is_none());
    let mut odd = market;
    odd.step_base_quantums = 0;
    assert!(odd.quantums(Decimal::ONE).is_err());
}

proptest! {
    /// What is on the grid comes back as it was.
    #[test]
    fn units_come_back_as_they_were(steps in 1_u64..1_000_000_000, ticks in 1_u64..10_000_000) {
        let market = bitcoin();
        let quantity = Decimal::from(steps) * market.step;
        let quantums = market.quantums(quantity).unwrap();
        prop_assert_eq!(quantums, steps * 1_000_000);
        prop_assert_eq!(market.quantity(quantums), Some(quantity));
        let price = Decimal::from(ticks) * market.tick;
        let subticks = market.subticks(price).unwrap();
        prop_assert_eq!(subticks, ticks * 100_000);
        prop_assert_eq!(market.price(subticks), Some(price));
    }
}
