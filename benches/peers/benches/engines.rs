//! Workload C through whole engines, in one run: what each says, and its time per bar.
//!
//! In below the lower band of 20 closes, out above their mean, one unit, at the next open, fee
//! 0.1 %. Both ask the same exact kernel, so that they differ only in what they do with its answer.
//!
//! Included for tradewright: events, strategy, drawdown, breaker and five limits, orders, venue,
//! exact ledger, records, run hash. Included for hftbacktest: book, orders with latency, positions
//! and fees in `f64`; it has no rules, records or hash. Its events are built beforehand, two
//! quotes of the book per bar (open and close) with a spread of one tick, because it has no bars:
//! it pays that spread, so its equity is lower by a cent per round trip.

#[path = "../../support/mod.rs"]
mod support;
#[path = "../../support/workload_c.rs"]
mod workload_c;

use std::hint::black_box;
use std::time::Instant;

use hftbacktest::backtest::assettype::LinearAsset;
use hftbacktest::backtest::data::{Data, DataSource};
use hftbacktest::backtest::models::{
    CommonFees, ConstantLatency, RiskAdverseQueueModel, TradingValueFeeModel,
};
use hftbacktest::backtest::{Backtest, ExchangeKind, L2AssetBuilder};
use hftbacktest::depth::{HashMapMarketDepth, MarketDepth as _};
use hftbacktest::types::{
    BUY_EVENT, Bot as _, DEPTH_CLEAR_EVENT, DEPTH_EVENT, EXCH_EVENT, ElapseResult, Event,
    LOCAL_EVENT, OrdType, SELL_EVENT, TimeInForce,
};
use tradewright::backtest::Tape;
use tradewright::math::Ratio;
use tradewright::math::exact::{Deviation, MeanBand, ticks};
use tradewright::types::{Bar, MarketEvent, SlotId, to_f64};

/// Bars that the answers are for.
const BARS: usize = 200_000;
/// Bars of one timed pass: short, so that some passes meet no other work on the machine.
const SHORT: usize = 10_000;
const PASSES: usize = 100;
const CAPITAL: f64 = 1_000_000.0;
const SECOND: i64 = 1_000_000_000;

#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    trades: usize,
    equity: f64,
}

fn main() {
    let (long, short) = (Workload::new(BARS), Workload::new(SHORT));
    let engines: [(&str, fn(&Workload) -> Answer); 2] =
        [("tradewright, whole path", tradewright), ("hftbacktest 0.9.4", hftbacktest)];
    let mut fastest = [f64::INFINITY; 2];
    for _ in 0..PASSES {
        // One after the other, so that other work meets both.
        for ((_, run), fastest) in engines.iter().zip(&mut fastest) {
            let start = Instant::now();
            black_box(run(&short));
            *fastest = fastest.min(start.elapsed().as_nanos() as f64 / SHORT as f64);
        }
    }
    for ((name, run), fastest) in engines.iter().zip(fastest) {
        let Answer { trades, equity } = run(&long);
        println!(
            "{name:24} {trades:6} round trips  equity {equity:12.2}  {fastest:8.1} ns per bar"
        );
    }
    println!("hftbacktest takes {:.1} times as long", fastest[1] / fastest[0]);
}

/// The same bars in the form that each engine takes.
struct Workload {
    tape: Tape,
    events: Data<Event>,
}

impl Workload {
    fn new(bars: usize) -> Self {
        let tape = support::workload(bars);
        let events = Data::from_data(&book_events(&tape));
        Self { tape, events }
    }
}

fn tradewright(workload: &Workload) -> Answer {
    let mut simulation = workload_c::simulation(&workload.tape);
    simulation.run(workload.tape.events()).expect("sound events");
    let equity = simulation.engine().facts(SlotId::HOUSE).equity_exact();
    Answer { trades: simulation.sink().0, equity: to_f64(equity.expect("one currency")) }
}

fn bars(tape: &Tape) -> impl Iterator<Item = &Bar> {
    tape.events().iter().filter_map(|timed| match &timed.event {
        MarketEvent::Bar(bar) => Some(bar),
        _ => None,
    })
}

/// The open ten seconds into a minute, the close at its end: an order that is given then and takes
/// twenty seconds arrives after the next open and before the next close.
fn book_events(tape: &Tape) -> Vec<Event> {
    let mut events = Vec::new();
    let mut quote = |at: i64, price: f64| {
        let both = LOCAL_EVENT | EXCH_EVENT;
        for (kind, px, qty) in [
            (DEPTH_CLEAR_EVENT, 0.0, 0.0),
            (DEPTH_EVENT | BUY_EVENT, price, 1e6),
            (DEPTH_EVENT | SELL_EVENT, price + 0.01, 1e6),
        ] {
            let ev = kind | both;
            let (exch_ts, local_ts) = (at, at);
            events.push(Event { ev, exch_ts, local_ts, px, qty, order_id: 0, ival: 0, fval: 0.0 });
        }
    };
    for (minute, bar) in (1_i64..).zip(bars(tape)) {
        quote((60 * minute + 10) * SECOND, bar.open);
        quote((60 * minute + 59) * SECOND, bar.close);
    }
    events
}

fn hftbacktest(workload: &Workload) -> Answer {
    let asset = L2AssetBuilder::new()
        .data(vec![DataSource::Data(workload.events.clone())])
        .latency_model(ConstantLatency::new(20 * SECOND, 0))
        .asset_type(LinearAsset::new(1.0))
        .fee_model(TradingValueFeeModel::new(CommonFees::new(0.001, 0.001)))
        .exchange(ExchangeKind::NoPartialFillExchange)
        .queue_model(RiskAdverseQueueModel::new())
        .depth(|| HashMapMarketDepth::new(0.01, 1.0))
        .build()
        .expect("a sound asset");
    let mut backtest = Backtest::builder().add_asset(asset).build().expect("a sound backtest");
    let two = Ratio { numerator: 2, denominator: 1 };
    let mut band = MeanBand::new(20, two, Deviation::Population).expect("sound parameters");
    let (mut orders, mut price) = (0, 0.0);
    // The first event is an open; every minute later stands a close.
    backtest.elapse(0).expect("events");
    let mut wait = 49 * SECOND;
    while backtest.elapse(wait).is_ok_and(|result| result != ElapseResult::EndOfData) {
        wait = 60 * SECOND;
        price = backtest.depth(0).best_bid();
        let Some(place) = ticks(price, 100.0).and_then(|close| band.update(close)) else {
            continue;
        };
        backtest.clear_inactive_orders(None);
        let (kind, life) = (OrdType::Market, TimeInForce::GTC);
        let is_flat = backtest.position(0) == 0.0;
        let sent = if is_flat && place.to_lower.is_lt() {
            backtest.submit_buy_order(0, orders, price, 1.0, life, kind, false)
        } else if !is_flat && place.to_mean.is_gt() {
            backtest.submit_sell_order(0, orders, price, 1.0, life, kind, false)
        } else {
            continue;
        };
        sent.expect("an order that is taken");
        orders += 1;
    }
    price = if backtest.depth(0).best_bid() > 0.0 { backtest.depth(0).best_bid() } else { price };
    let state = backtest.state_values(0);
    let equity = CAPITAL + state.balance + state.position * price - state.fee;
    Answer { trades: state.num_trades as usize / 2, equity }
}
