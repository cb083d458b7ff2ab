//! A market maker trades on a venue that goes on without it: its process is killed in the middle,
//! another one goes on from snapshot and recording, finds out what happened meanwhile, and in the
//! end both recorded runs decide the same again. No network: the venue is simulated in this
//! program, behind the same door as an exchange.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tradewright::backtest::Digest;
use tradewright::engine::{Command, Engine, SlotConfig};
use tradewright::live::{
    BotPlan, BotSeat, BotStatus, ExchangeGateway, Gateway, LogNotifier, Runner, RunnerConfig,
    SessionFiles, StopOrders, StopPolicy, SystemClock,
};
use tradewright::metrics::Tee;
use tradewright::prelude::*;
use tradewright::sim::{OpenOrder, SimVenue};
use tradewright::strategy::StrategyContext;
use tradewright::types::{
    AssetId, Order, OrderId, OrderReport, OrderStatus, OrderUpdate, Quote, RejectReason,
};
use tradewright::venue::{
    Balance, BarQuery, Channel, Clock, ExchangeClient, ExchangeError, FillsFrom, MarketNews,
    MarketSighting, MarketStream, OrderChange, OrderNews, OrderState, PositionState, Submitted,
    Subscription, UserEvent, UserNews, UserStream, VenueEvent, VenueFill, VenueListings,
};

type Failure = Box<dyn std::error::Error>;

const BTC: InstrumentId = InstrumentId(0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let folder = std::env::temp_dir().join(format!("tradewright-live-{}", std::process::id()));
    let files = SessionFiles::new(&folder, "maker")?;
    let venue = LocalVenue::open()?;
    let market = tokio::spawn(Arc::clone(&venue).trade());

    // The first process dies without a word.
    let (handle, running) = start(&venue, &files).await?;
    handle.wait_for("maker", |view| view.status == BotStatus::Running).await.ok_or("no start")?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    running.abort();
    let (working, fills) = venue.counts();
    println!("killed: {working} orders work on at the venue, {fills} fills so far");
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("meanwhile the venue has filled {} times", venue.counts().1 - fills);

    // The second one goes on where it was.
    let (handle, running) = start(&venue, &files).await?;
    handle.wait_for("maker", |view| view.status == BotStatus::Running).await.ok_or("no restart")?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let orders = StopOrders::CancelAll;
    handle.stop(StopPolicy { orders, within: Duration::from_secs(10) }).await;
    let exit = running.await?.pop().ok_or("an exit")?;
    let report = exit.outcome?;
    market.abort();

    println!("{report}");
    report.explained.iter().for_each(|explained| println!("  {} {explained}", explained.at));
    let ours = report.positions.first().map_or(Decimal::ZERO, |position| position.quantity);
    let theirs = venue.lock().sim.position(BTC).value();
    println!("position: ours {ours}, the venue's {theirs}");
    let runs = files.replay(&plan())?;
    for run in &runs {
        let (epoch, inputs, decisions) = (run.epoch, run.inputs, run.decisions);
        let differences = run.differences.len();
        println!("run {epoch}: {inputs} inputs, {decisions} decisions, {differences} differ");
    }
    std::fs::remove_dir_all(&folder)?;
    let is_same = runs.iter().all(|run| run.differences.is_empty());
    if ours != theirs || !is_same || runs.len() != 2 {
        return Err("books and venue, or a run and its replay, differ".into());
    }
    Ok(())
}

type Exits = tokio::task::JoinHandle<Vec<tradewright::live::BotExit>>;

/// One process: a runner with one bot on the venue's account.
async fn start(
    venue: &Arc<LocalVenue>,
    files: &SessionFiles,
) -> Result<(tradewright::live::RunnerHandle, Exits), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let client: Arc<dyn ExchangeClient> = Arc::<LocalVenue>::clone(venue);
    let table = instruments()?;
    let gateway = ExchangeGateway::connect(client, Arc::clone(&clock), &table).await?;
    let gateway: Box<dyn Gateway> = Box::new(gateway);
    let (feed, history, files) = (venue.feed(), Vec::new(), Some(files.clone()));
    let seat = BotSeat { plan: plan(), gateway, feed, history, files };
    let config = RunnerConfig { snapshot_every: Duration::from_secs(1) };
    let log = Arc::new(LogNotifier::new(std::io::stdout()));
    let runner = Runner::new(clock, config).notifier(log).bot(seat);
    let handle = runner.handle();
    Ok((handle, tokio::spawn(runner.run())))
}

fn instruments() -> Result<Instruments, Failure> {
    let mut table = Instruments::new();
    table.add(Instrument::linear_perpetual("BTC-PERP", "BTC", "USDT").tick("0.1").step("0.001"))?;
    Ok(table)
}

/// How the bot is built, at each start and for each replay.
fn plan() -> BotPlan<Box<dyn Strategy>, ()> {
    const PARAMETERS: &str =
        r#"{"quantity": "0.01", "warmup_samples": 1, "horizon_seconds": 0.01}"#;
    let mut plan = BotPlan::new("maker", |epoch| {
        let table = instruments().expect("a table that was tried before");
        let usdt = table.find_asset("USDT").expect("the table's quote currency");
        let universe = [BTC];
        let context = StrategyContext::new(&table, &universe);
        let built = StrategyRegistry::new().build_json("MARKET_MAKER", PARAMETERS, &context);
        let built = built.expect("parameters that were tried before");
        let print = built.fingerprint.value();
        let slot = SlotConfig::new(built.strategy).trades(universe).fingerprint(print);
        let sink = Tee(Digest::new(), ());
        Engine::builder(table, usdt).epoch(epoch).slot(slot).sink(sink).build()
    });
    plan.config.reconcile.every = Duration::from_secs(2);
    plan.config.reconcile.settle = Duration::from_millis(200);
    plan
}

/// A simulated venue behind the door of an exchange. It knows nothing of bots and goes on when
/// they die.
struct LocalVenue {
    inner: Mutex<Inner>,
}

struct Inner {
    sim: SimVenue,
    assets: usize,
    users: Vec<mpsc::UnboundedSender<UserEvent>>,
    readers: Vec<mpsc::UnboundedSender<VenueEvent>>,
    fills: Vec<VenueFill>,
    filled: BTreeMap<OrderId, Decimal>,
    /// How orders ended.
    ended: BTreeMap<OrderId, (Order, OrderStatus)>,
    orders: BTreeMap<OrderId, Order>,
}

impl std::fmt::Debug for LocalVenue {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("LocalVenue")
    }
}

impl LocalVenue {
    fn open() -> Result<Arc<Self>, Failure> {
        let table = instruments()?;
        let fee: Decimal = "0.0002".parse()?;
        let config = SimConfig::default().with_fees(FeeSchedule::flat(fee, fee));
        let inner = Inner {
            sim: SimVenue::new(&table, config.with_balance("USDT", 10_000.into()))?,
            assets: table.assets().len(),
            users: Vec::new(),
            readers: Vec::new(),
            fills: Vec::new(),
            filled: BTreeMap::new(),
            ended: BTreeMap::new(),
            orders: BTreeMap::new(),
        };
        Ok(Arc::new(Self { inner: Mutex::new(inner) }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.sim.open_orders().count(), inner.fills.len())
    }

    /// The market: a walk of prices from one seed, a quote each 20 ms.
    async fn trade(self: Arc<Self>) {
        let mut seed = 42_u64;
        let mut price = 50_000.0;
        loop {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            price += ((seed >> 33) % 401) as f64 * 0.1 - 20.0;
            let (bid, ask) = (price - 0.5, price + 0.5);
            let quote = Quote { instrument: BTC, bid, ask, bid_quantity: 1.0, ask_quantity: 1.0 };
            self.lock().show(MarketEvent::Quote(quote));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn feed(&self) -> MarketStream {
        let (reader, events) = mpsc::unbounded_channel();
        let subscription = Subscription::new(BTC, Channel::Quotes);
        let _ = reader.send(VenueEvent::Started { at: SystemClock.wall(), subscription });
        self.lock().readers.push(reader);
        read(events).boxed()
    }
}

fn read<T: Send + 'static>(events: mpsc::UnboundedReceiver<T>) -> impl stream::Stream<Item = T> {
    stream::unfold(events, |mut events| async move { Some((events.recv().await?, events)) })
}

impl Inner {
    fn show(&mut self, event: MarketEvent) {
        let at = SystemClock.wall();
        self.sim.on_market(at, &event);
        self.pump();
        let sighting = MarketSighting { event, at: Some(at), number: None };
        let news = VenueEvent::News { at, news: MarketNews::Event(sighting) };
        self.readers.retain(|reader| reader.send(news.clone()).is_ok());
    }

    fn submit(&mut self, command: &Command) -> Vec<OrderUpdate> {
        self.sim.submit(SystemClock.wall(), command);
        self.pump()
    }

    /// Tells everybody what the venue reports.
    fn pump(&mut self) -> Vec<OrderUpdate> {
        let mut told = Vec::new();
        while let Some((at, update)) = self.sim.poll() {
            let filled = self.filled.entry(update.order).or_default();
            let end = match update.report {
                OrderReport::Fill(fill) => {
                    *filled += fill.quantity.value();
                    let (order, venue_order) = (update.order, update.order.sequence());
                    let (instrument, side, leg) = (update.instrument, update.side, update.leg);
                    let row = VenueFill { at, order, venue_order, instrument, side, leg, fill };
                    self.fills.push(row);
                    let is_open = self.sim.open_orders().any(|open| open.id == update.order);
                    (!is_open).then_some(OrderStatus::Filled)
                }
                OrderReport::Cancelled => Some(OrderStatus::Cancelled),
                OrderReport::Expired => Some(OrderStatus::Expired),
                OrderReport::Rejected(_) => Some(OrderStatus::Rejected),
                _ => None,
            };
            if let (Some(end), Some(order)) = (end, self.orders.get(&update.order)) {
                self.ended.insert(update.order, (*order, end));
            }
            let (filled, venue_order) = (*filled, update.order.sequence());
            let news = UserNews::Order(OrderNews { at, update, venue_order, filled });
            let event = UserEvent::News { at, news };
            self.users.retain(|user| user.send(event.clone()).is_ok());
            told.push(update);
        }
        told
    }

    fn ended(&self, id: OrderId) -> Option<OrderState> {
        let (order, status) = self.ended.get(&id)?;
        let intent = &order.intent;
        let filled = self.filled.get(&id).copied().unwrap_or_default();
        Some(OrderState {
            order: id,
            venue_order: id.sequence(),
            instrument: intent.instrument,
            side: intent.side,
            leg: intent.leg,
            status: *status,
            quantity: Qty::new(filled),
            filled,
            price: intent.kind.limit(),
            trigger: intent.kind.trigger(),
            at: order.created_at,
        })
    }
}

fn state_of(open: &OpenOrder) -> OrderState {
    let status = match open.filled.is_zero() {
        true => OrderStatus::Open,
        false => OrderStatus::PartiallyFilled,
    };
    OrderState {
        order: open.id,
        venue_order: open.id.sequence(),
        instrument: open.instrument,
        side: open.side,
        leg: open.leg,
        status,
        quantity: open.quantity.unwrap_or_default(),
        filled: open.filled,
        price: open.kind.limit(),
        trigger: open.kind.trigger(),
        at: open.accepted_at,
    }
}

fn refused(update: Option<&OrderUpdate>) -> Result<(), ExchangeError> {
    match update.map(|update| update.report) {
        Some(OrderReport::Rejected(reason) | OrderReport::ChangeRefused(reason)) => {
            let (code, message) = (-1, format!("{reason:?}"));
            Err(ExchangeError::Refused { reason, code, message })
        }
        _ => Ok(()),
    }
}

fn unsupported<T>(what: &str) -> Result<T, ExchangeError> {
    Err(ExchangeError::Unsupported { what: what.to_owned() })
}

#[async_trait]
impl ExchangeClient for LocalVenue {
    async fn submit(&self, order: &Order) -> Result<Submitted, ExchangeError> {
        let mut inner = self.lock();
        if inner.orders.insert(order.id, *order).is_some() {
            let (reason, message) = (RejectReason::DuplicateId, "sent twice".to_owned());
            return Err(ExchangeError::Refused { reason, code: -2, message });
        }
        let told = inner.submit(&Command::Place(*order));
        refused(told.first())?;
        let (venue_order, at) = (order.id.sequence(), SystemClock.wall());
        Ok(Submitted { venue_order, at, status: OrderStatus::Open, fills: Vec::new() })
    }

    async fn amend(&self, change: &OrderChange) -> Result<OrderState, ExchangeError> {
        let mut inner = self.lock();
        let (order, instrument) = (change.order.id, change.order.intent.instrument);
        let (quantity, price) = (change.quantity, change.price);
        let told = inner.submit(&Command::Amend { order, instrument, quantity, price });
        refused(told.first())?;
        let open = inner.sim.open_orders().find(|open| open.id == order);
        let state = open.map(state_of).or_else(|| inner.ended(order));
        state.ok_or(ExchangeError::Unknown { message: "the order is gone".to_owned() })
    }

    async fn cancel(&self, order: OrderId, instrument: InstrumentId) -> Result<(), ExchangeError> {
        let told = self.lock().submit(&Command::Cancel { order, instrument });
        refused(told.first())
    }

    async fn cancel_all(&self, instrument: InstrumentId) -> Result<(), ExchangeError> {
        let mut inner = self.lock();
        let open: Vec<OrderId> = inner.sim.open_orders().map(|open| open.id).collect();
        for order in open {
            inner.submit(&Command::Cancel { order, instrument });
        }
        Ok(())
    }

    async fn order(
        &self,
        order: OrderId,
        _: InstrumentId,
    ) -> Result<Option<OrderState>, ExchangeError> {
        let inner = self.lock();
        let open = inner.sim.open_orders().find(|open| open.id == order);
        Ok(open.map(state_of).or_else(|| inner.ended(order)))
    }

    async fn open_orders(&self, _: Option<InstrumentId>) -> Result<Vec<OrderState>, ExchangeError> {
        let inner = self.lock();
        Ok(inner.sim.open_orders().map(state_of).collect())
    }

    async fn fills(
        &self,
        _: InstrumentId,
        from: FillsFrom,
    ) -> Result<Vec<VenueFill>, ExchangeError> {
        let is_in = |fill: &&VenueFill| match from {
            FillsFrom::After(trade) => fill.fill.trade > trade,
            FillsFrom::Time(at) => fill.at >= at,
            FillsFrom::Order(order) => fill.order == order,
        };
        Ok(self.lock().fills.iter().filter(is_in).copied().collect())
    }

    async fn balances(&self) -> Result<Vec<Balance>, ExchangeError> {
        let inner = self.lock();
        let assets = (0..inner.assets).map(|index| AssetId(index as u16));
        let held = assets.filter_map(|asset| Some((asset, inner.sim.balance(asset)?)));
        let locked = Decimal::ZERO;
        Ok(held.map(|(asset, total)| Balance { asset, total, locked }).collect())
    }

    async fn positions(&self) -> Result<Vec<PositionState>, ExchangeError> {
        let quantity = self.lock().sim.position(BTC).value();
        let (leg, entry) = (Default::default(), Decimal::ZERO);
        Ok(vec![PositionState { instrument: BTC, leg, quantity, entry }])
    }

    async fn instruments(&self) -> Result<VenueListings, ExchangeError> {
        unsupported("a list of instruments")
    }

    async fn bars(&self, _: &BarQuery) -> Result<Vec<(Timestamp, Bar)>, ExchangeError> {
        unsupported("bars")
    }

    async fn server_time(&self) -> Result<Timestamp, ExchangeError> {
        Ok(SystemClock.wall())
    }

    async fn user_stream(&self) -> Result<UserStream, ExchangeError> {
        let (user, events) = mpsc::unbounded_channel();
        let _ = user.send(UserEvent::Started { at: SystemClock.wall() });
        self.lock().users.push(user);
        Ok(read(events).boxed())
    }
}
