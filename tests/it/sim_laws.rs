//! Laws that hold for every sequence of orders and market data.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use tradewright::engine::Command;
use tradewright::sim::{
    FeeSchedule, Latency, LimitFill, MarketFill, PathModel, SimConfig, SimVenue, Slippage,
};
use tradewright::types::{
    Amount, Bar, Book, BookLevel, Decimal, InstrumentId, Leg, Linkage, MarketEvent, Money, Offset,
    Order, OrderKind, OrderReport, OrderStatus, OrderUpdate, Period, Price, Print, Purpose, Qty,
    Quote, Side, State, TimeInForce, Timestamp,
};

use crate::sim_world::{World, dec, order_id};

#[derive(Clone, Debug)]
enum Step {
    Place(Box<Order>),
    Cancel(u64),
    Amend(u64, i64, i64),
    Market(MarketEvent),
}

fn price(ticks: i64) -> Price {
    Price::new(Decimal::new(ticks.max(1), 2)).unwrap()
}

fn kinds() -> impl Strategy<Value = OrderKind> {
    let near = || 9_500_i64..10_500;
    prop_oneof![
        3 => Just(OrderKind::Market),
        4 => near().prop_map(|p| OrderKind::Limit { price: price(p) }),
        2 => near().prop_map(|p| OrderKind::StopMarket { trigger: price(p) }),
        2 => (near(), near())
            .prop_map(|(t, p)| OrderKind::StopLimit { trigger: price(t), price: price(p) }),
        1 => near().prop_map(|p| OrderKind::TakeProfit { trigger: price(p) }),
        1 => (1_i64..300)
            .prop_map(|p| OrderKind::TrailingStop { offset: Offset::Price(price(p)) }),
        1 => (0_u16..11_000)
            .prop_map(|p| OrderKind::TrailingStop { offset: Offset::BasisPoints(p) }),
    ]
}

fn lives() -> impl Strategy<Value = TimeInForce> {
    prop_oneof![
        4 => Just(TimeInForce::Gtc),
        1 => Just(TimeInForce::Ioc),
        1 => Just(TimeInForce::Fok),
        1 => Just(TimeInForce::Day),
        1 => (0_i64..4_000).prop_map(|s| TimeInForce::Gtd(Timestamp::from_secs(s).unwrap())),
    ]
}

fn orders() -> impl Strategy<Value = Order> {
    let amount = prop_oneof![
        5 => (-1_i64..9_000).prop_map(|n| Amount::Quantity(Qty::new(Decimal::new(n, 3)))),
        1 => (0_i64..90_000).prop_map(|n| {
            let usd = World::plain().table.find_asset("USD").unwrap();
            Amount::Cash(Money::new(Decimal::new(n, 2), usd))
        }),
    ];
    let flags = (any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.3));
    let group = prop_oneof![3 => Just(None), 2 => (0_u64..4).prop_map(Some)];
    let leg = prop_oneof![6 => Just(Leg::Net), 1 => Just(Leg::Long), 1 => Just(Leg::Short)];
    (1_u64..60, kinds(), lives(), amount, flags, group, leg).prop_map(
        |(id, kind, life, amount, (buys, post_only, reduce_only), group, leg)| {
            let world = World::plain();
            let side = if buys { Side::Buy } else { Side::Sell };
            let mut intent = world.intent(side, "1", kind);
            intent.amount = amount;
            intent.time_in_force = life;
            intent.flags.post_only = post_only;
            intent.flags.reduce_only = reduce_only;
            intent.leg = leg;
            intent.purpose = if reduce_only { Purpose::Exit } else { Purpose::Entry };
            intent.linkage = group.map_or(Linkage::None, Linkage::OneCancelsOther);
            Order { id: order_id(id), created_at: Timestamp::EPOCH, intent }
        },
    )
}

fn cents(ticks: i64) -> f64 {
    ticks as f64 / 100.0
}

fn bars() -> impl Strategy<Value = MarketEvent> {
    let part = || 9_500_i64..10_500;
    ((part(), part(), part(), part()), 0_u32..40).prop_map(|((a, b, c, d), volume)| {
        let high = a.max(b).max(c).max(d);
        let low = a.min(b).min(c).min(d);
        let ohlc = [a, high, low, b].map(cents);
        let bar = Bar::new(InstrumentId(0), Period::MINUTE, ohlc, f64::from(volume));
        MarketEvent::Bar(bar.unwrap())
    })
}

fn ticks() -> impl Strategy<Value = MarketEvent> {
    let instrument = InstrumentId(0);
    let quote = (9_500_i64..10_500, 0_i64..50, 0_u8..9, 0_u8..9).prop_map(
        move |(bid, spread, bid_quantity, ask_quantity)| {
            MarketEvent::Quote(Quote {
                instrument,
                bid: cents(bid),
                bid_quantity: f64::from(bid_quantity),
                ask: cents(bid + spread),
                ask_quantity: f64::from(ask_quantity),
            })
        },
    );
    let print = (9_500_i64..10_500, 1_u8..9, any::<Option<bool>>()).prop_map(
        move |(ticks, quantity, buys)| {
            let taker = buys.map(|buys| if buys { Side::Buy } else { Side::Sell });
            let (price, quantity) = (cents(ticks), f64::from(quantity));
            MarketEvent::Print(Print { instrument, price, quantity, taker })
        },
    );
    let side = || prop::collection::vec((1_i64..40, 0_u8..9), 0..4);
    let book = (9_800_i64..10_200, side(), side()).prop_map(move |(middle, below, above)| {
        let ladder = |steps: Vec<(i64, u8)>, sign: i64| {
            let mut at = middle;
            let mut level = |(step, quantity): (i64, u8)| {
                at += sign * step;
                BookLevel { price: cents(at), quantity: f64::from(quantity) }
            };
            steps.into_iter().map(&mut level).collect::<Vec<_>>()
        };
        let (bids, asks) = (ladder(below, -1), ladder(above, 1));
        MarketEvent::Book(Box::new(Book { instrument, bids, asks }))
    });
    prop_oneof![quote, print, book]
}

fn steps(market: impl Strategy<Value = MarketEvent> + 'static) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => orders().prop_map(|order| Step::Place(Box::new(order))),
        1 => (1_u64..60).prop_map(Step::Cancel),
        1 => (1_u64..60, -1_i64..9_000, 9_500_i64..10_500)
            .prop_map(|(id, units, ticks)| Step::Amend(id, units, ticks)),
        4 => market.prop_map(Step::Market),
    ];
    prop::collection::vec(step, 1..120)
}

fn configs() -> impl Strategy<Value = SimConfig> {
    let path = prop_oneof![
        Just(PathModel::WorstFirst),
        Just(PathModel::OpenHighLowClose),
        Just(PathModel::OpenLowHighClose),
        Just(PathModel::NearestFirst)
    ];
    let slippage = prop_oneof![
        Just(Slippage::None),
        Just(Slippage::BasisPoints(3.0)),
        Just(Slippage::SquareRoot { coefficient: 0.7 })
    ];
    let seconds = Duration::from_secs;
    let latency = prop_oneof![
        2 => Just(Latency::None),
        1 => Just(Latency::Uniform { shortest: seconds(0), longest: seconds(200) })
    ];
    let share = prop::option::of(0.05..1.0);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<u64>());
    (path, slippage, latency, share, flags).prop_map(
        |(path, slippage, latency, share, (touch, same_close, poor, seed))| {
            let mut config = SimConfig::default()
                .with_seed(seed)
                .with_path(path)
                .with_slippage(slippage)
                .with_latency(latency)
                .with_fees(FeeSchedule::flat(dec("-0.0001"), dec("0.0005")));
            config.volume_share = share;
            if touch {
                config = config.with_limit_fill(LimitFill::Touch);
            }
            if same_close {
                config = config.with_market_fill(MarketFill::SameClose);
            }
            if poor {
                config = config.with_balance("USD", dec("700"));
            }
            config
        },
    )
}

type Reports = Vec<(Timestamp, OrderUpdate)>;

/// How a driver polls.
#[derive(Clone, Copy, PartialEq)]
enum Polls {
    /// Until nothing is left, as the contract says.
    All,
    /// Now and then once, so that bars are left in the middle.
    Some,
}

/// Gives the steps to a venue; halfway it is saved and restored where `break_at` says so.
fn run(
    config: &SimConfig,
    steps: &[Step],
    break_at: Option<usize>,
    polls: Polls,
) -> (Reports, SimVenue) {
    let world = World::plain();
    let mut venue = SimVenue::new(&world.table, config.clone()).unwrap();
    let mut reports = Reports::new();
    let mut now = Timestamp::EPOCH;
    for (index, step) in steps.iter().enumerate() {
        if break_at == Some(index) {
            let saved = venue.save().unwrap();
            venue = SimVenue::new(&world.table, SimConfig::default()).unwrap();
            venue.restore(&saved).unwrap();
        }
        match step {
            Step::Place(order) => venue.submit(now, &Command::Place(**order)),
            Step::Cancel(id) => {
                let command = Command::Cancel { order: order_id(*id), instrument: world.id };
                venue.submit(now, &command);
            }
            Step::Amend(id, units, ticks) => {
                let quantity = Qty::new(Decimal::new(*units, 3));
                let (order, instrument) = (order_id(*id), world.id);
                let command = Command::Amend { order, instrument, quantity, price: price(*ticks) };
                venue.submit(now, &command);
            }
            Step::Market(event) => {
                now = now.after(Duration::from_secs(60));
                venue.on_market(now, event);
            }
        }
        let most = if polls == Polls::Some && index % 3 == 0 { 1 } else { usize::MAX };
        reports.extend(std::iter::from_fn(|| venue.poll()).take(most));
    }
    reports.extend(std::iter::from_fn(|| venue.poll()));
    (reports, venue)
}

/// The orders' lives as the reports tell them.
#[derive(Clone, Copy, Debug)]
struct Life {
    order: Order,
    status: OrderStatus,
    total: Option<Decimal>,
    filled: Decimal,
    limit: Option<Price>,
}

/// Every report is a legal step and no order is filled beyond its quantity or limit.
fn check(steps: &[Step], reports: &Reports, latency: Latency) -> Result<Decimal, TestCaseError> {
    let mut lives: BTreeMap<u64, Vec<Life>> = BTreeMap::new();
    let mut waiting: BTreeMap<u64, Vec<Order>> = BTreeMap::new();
    for step in steps {
        if let Step::Place(order) = step {
            waiting.entry(order.id.sequence()).or_default().push(**order);
        }
    }
    let mut position = Decimal::ZERO;
    let mut trade = 0;
    for (_, update) in reports {
        let id = update.order.sequence();
        let known = lives.entry(id).or_default();
        let live = known.iter_mut().find(|life| !life.status.is_terminal());
        let to = |life: &mut Life, status: OrderStatus| {
            prop_assert!(life.status.may_become(status), "{:?} to {status:?}", life.status);
            life.status = status;
            Ok(())
        };
        match (update.report, live) {
            (OrderReport::Accepted, None) => {
                let order = waiting.get_mut(&id).unwrap().remove(0);
                let total = match order.intent.amount {
                    Amount::Quantity(quantity) => Some(quantity.value()),
                    Amount::Cash(_) => None,
                };
                let limit = order.intent.kind.limit();
                let status = OrderStatus::Open;
                known.push(Life { order, status, total, filled: Decimal::ZERO, limit });
            }
            (OrderReport::Rejected(reason), live) => {
                let again = reason == tradewright::types::RejectReason::DuplicateId;
                match live {
                    Some(life) if !again => to(life, OrderStatus::Cancelled)?,
                    Some(_) | None => drop(waiting.get_mut(&id).unwrap().remove(0)),
                }
            }
            (OrderReport::Fill(fill), Some(life)) => {
                trade += 1;
                prop_assert_eq!(fill.trade.0, trade);
                prop_assert!(fill.quantity.value() > Decimal::ZERO);
                life.filled += fill.quantity.value();
                position += update.side.signed(fill.quantity.value());
                let total = life.total.expect("resolved before its fill");
                prop_assert!(life.filled <= total, "{} of {total}", life.filled);
                let adverse = match update.side {
                    Side::Buy => fill.price >= fill.before_slippage,
                    Side::Sell => fill.price <= fill.before_slippage,
                };
                prop_assert!(adverse);
                if let Some(limit) = life.limit {
                    let kept = match update.side {
                        Side::Buy => fill.price <= limit,
                        Side::Sell => fill.price >= limit,
                    };
                    prop_assert!(kept, "{:?} beyond {limit}", fill);
                }
                if life.filled == total {
                    to(life, OrderStatus::Filled)?;
                } else if life.status == OrderStatus::Open {
                    to(life, OrderStatus::PartiallyFilled)?;
                }
            }
            (OrderReport::Cancelled, Some(life)) => to(life, OrderStatus::Cancelled)?,
            (OrderReport::Expired, Some(life)) => {
                let life_time = life.order.intent.time_in_force;
                prop_assert!(matches!(life_time, TimeInForce::Gtd(_) | TimeInForce::Day));
                to(life, OrderStatus::Expired)?;
            }
            (OrderReport::Amended { quantity, price }, Some(life)) => {
                prop_assert!(quantity.value() > life.filled);
                life.total = Some(quantity.value());
                life.limit = life.limit.and(price);
            }
            (OrderReport::Resolved { quantity }, Some(life)) => {
                prop_assert_eq!(life.total, None);
                life.total = Some(quantity.value());
            }
            (OrderReport::Triggered, Some(_)) | (OrderReport::ChangeRefused(_), _) => {}
            (report, life) => prop_assert!(false, "{report:?} for {life:?} with {latency:?}"),
        }
    }
    Ok(position)
}

fn holds(config: &SimConfig, steps: &[Step], half: usize) -> Result<(), TestCaseError> {
    let cut = half % steps.len();
    for polls in [Polls::All, Polls::Some] {
        let (reports, venue) = run(config, steps, None, polls);
        let position = check(steps, &reports, config.latency)?;
        prop_assert_eq!(venue.position(InstrumentId(0)).value(), position);
        let (again, _) = run(config, steps, None, polls);
        prop_assert!(again == reports, "equal seeds give equal reports");
        let (restored, restored_venue) = run(config, steps, Some(cut), polls);
        prop_assert!(restored == reports, "saved and restored");
        prop_assert_eq!(restored_venue.save().unwrap(), venue.save().unwrap());
    }
    // What a venue has said does not depend on what comes later.
    let (reports, _) = run(config, steps, None, Polls::All);
    let (early, _) = run(config, &steps[..cut], None, Polls::All);
    prop_assert!(reports.starts_with(&early), "{early:?}");
    let bars = steps[..cut].iter().filter(|step| matches!(step, Step::Market(_))).count();
    let end = Timestamp::EPOCH.after(Duration::from_secs(60 * bars as u64));
    prop_assert!(early.iter().all(|report| report.0 <= end));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn laws_hold_on_bars(
        config in configs(),
        steps in steps(bars()),
        half in any::<usize>(),
    ) {
        holds(&config, &steps, half)?;
    }

    #[test]
    fn laws_hold_on_prints_quotes_and_books(
        config in configs(),
        steps in steps(ticks()),
        half in any::<usize>(),
    ) {
        holds(&config, &steps, half)?;
    }

    #[test]
    fn takers_of_a_book_get_what_it_displays(
        config in configs(),
        orders in prop::collection::vec(orders(), 1..6),
        events in prop::collection::vec(ticks(), 1..20),
    ) {
        let events = events.into_iter().filter(|event| matches!(event, MarketEvent::Book(_)));
        for event in events {
            let MarketEvent::Book(book) = &event else { continue };
            let world = World::plain();
            let mut venue = SimVenue::new(&world.table, config.clone()).unwrap();
            for order in &orders {
                venue.submit(Timestamp::EPOCH, &Command::Place(*order));
            }
            while venue.poll().is_some() {}
            let largest = orders.len();
            venue.on_market(Timestamp::from_secs(300).unwrap(), &event);
            let mut taken: BTreeMap<u64, Decimal> = BTreeMap::new();
            while let Some((_, update)) = venue.poll() {
                if let OrderReport::Fill(fill) = update.report {
                    let side = match update.side {
                        Side::Buy => &book.asks,
                        Side::Sell => &book.bids,
                    };
                    let shown: f64 = side.iter().map(|level| level.quantity).sum();
                    let sum = taken.entry(update.order.sequence()).or_default();
                    *sum += fill.quantity.value();
                    prop_assert!(tradewright::types::to_f64(*sum) <= shown + 1e-9);
                }
            }
            prop_assert!(taken.len() <= largest);
        }
    }

    #[test]
    fn money_is_conserved(config in configs(), steps in steps(bars())) {
        let config = config.with_balance("USD", dec("100000")).with_balance("ACME", dec("1000"));
        let (reports, venue) = run(&config, &steps, None, Polls::All);
        let table = World::plain().table;
        let mut usd = venue.balance(table.find_asset("USD").unwrap()).unwrap();
        let mut acme = venue.balance(table.find_asset("ACME").unwrap()).unwrap();
        for (_, update) in &reports {
            if let OrderReport::Fill(fill) = update.report {
                let units = update.side.signed(fill.quantity.value());
                usd += units * fill.price.value() + fill.fee.amount;
                acme -= units;
            }
        }
        let started: Decimal = config.balances.iter()
            .filter(|balance| balance.asset.as_str() == "USD")
            .map(|balance| balance.amount)
            .sum();
        prop_assert_eq!(usd, started);
        prop_assert_eq!(acme, dec("1000"));
    }
}
