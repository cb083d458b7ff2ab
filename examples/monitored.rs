//! A simulated bot that a Prometheus server can scrape: real daily bars, replayed fast and again
//! and again, through strategies with stops, limits, a breaker, refusals and liquidations.
//!
//! Without arguments one pass runs as fast as it can and the metrics are printed. With
//! `--address 127.0.0.1:9464` they are served at `/metrics` until Ctrl-C, or for `--seconds 60`,
//! and a market maker trades on a local exchange beside it, so that connections, requests and the
//! process are seen as well. Counters go on rising from pass to pass.

#![allow(clippy::disallowed_methods, reason = "a host at the edge reads clocks and waits")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tradewright::account::{MarginTerms, MarginTiers};
use tradewright::alert::{AlertBoard, MeteredBoard};
use tradewright::backtest::Digest;
use tradewright::engine::{Control, Engine};
use tradewright::live::{
    BinanceClient, BinanceConfig, BinanceConnection, BinanceMarketData, BinanceNetwork, BotExit,
    BotPlan, BotSeat, ExchangeGateway, Runner, RunnerConfig, RunnerHandle, StopPolicy, Stopwatch,
    SystemClock,
};
use tradewright::local_exchange::{Account, ExchangeConfig, LocalExchange, Prices};
use tradewright::math::TailMeasure;
use tradewright::metrics::prometheus::{
    ExpositionFormat, PrometheusMetrics, exposition, metrics_route,
};
use tradewright::metrics::{EdgeMetrics, EngineMetrics, MetricsExporter, Registry, Tee};
use tradewright::prelude::*;
use tradewright::risk::{
    BreakerGuard, BreakerLimits, Ceiling, DailyLimit, DrawdownSchedule, PortfolioGuard,
    PortfolioRisk, PortfolioRiskSettings, RealtimeRiskManager, StopPlan, StopVolatility, StopWidth,
};
use tradewright::sim::{Latency, Slippage};
use tradewright::strategy::StrategyContext;
use tradewright::types::{
    ActionRequest, Adjustment, AdjustmentCause, AdjustmentKind, AlertAction, AlertLevel, Bracket,
    DayBoundary, Funding, HaltScope, InstrumentBuilder, Label, Leg, LimitChange, LimitKey, Mark,
    OrderId, OrderKind, OrderReport, OrderUpdate, Signal, SlotId,
};
use tradewright::venue::binance::{BinanceMarket, Credentials, SecretString};
use tradewright::venue::{Channel, MarketDataStream, Subscription, Symbols};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long a pass over the data takes while it is served.
const PASS: Duration = Duration::from_secs(15);
/// How often the bot goes on while it is served.
const TICK: Duration = Duration::from_millis(25);
const CASH: &str = "100000";
/// Bars that the realised volatility looks at.
const WINDOW: usize = 20;
/// Trading days of a year.
const YEAR: f64 = 252.0;

fn main() -> Result<(), Failure> {
    let options = Options::of(std::env::args().skip(1))?;
    let bot = Bot::new(Registry::new())?;
    match options.address {
        Some(address) => serve(&bot, address, options.seconds)?,
        None => {
            let began = Instant::now();
            let seconds = options.seconds.unwrap_or_default();
            loop {
                bot.pass(None, &AtomicBool::new(false))?;
                if began.elapsed() >= seconds {
                    break;
                }
            }
        }
    }
    print_summary(&bot.registry);
    Ok(())
}

/// What was asked for.
#[derive(Default)]
struct Options {
    address: Option<SocketAddr>,
    seconds: Option<Duration>,
}

impl Options {
    fn of(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            match word.as_str() {
                "--address" => options.address = Some(value.parse()?),
                "--seconds" => options.seconds = Some(Duration::from_secs(value.parse()?)),
                _ => return Err(format!("{word} is neither --address nor --seconds").into()),
            }
        }
        if options.address.is_some_and(|address| !address.ip().is_loopback()) {
            return Err("the address must be of this machine, such as 127.0.0.1:9464".into());
        }
        Ok(options)
    }
}

/// The server runs here and the bot on a thread of its own; both hold the registry.
fn serve(bot: &Bot, address: SocketAddr, seconds: Option<Duration>) -> Result<(), Failure> {
    let stop = AtomicBool::new(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::scope(|scope| {
        let trading = scope.spawn(|| -> Result<(), Failure> {
            while !stop.load(Ordering::Relaxed) {
                bot.pass(Some(TICK), &stop)?;
            }
            Ok(())
        });
        let served: Result<(), Failure> = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(address).await?;
            let maker = Maker::start(&bot.registry).await?;
            println!("serving http://{}/metrics", listener.local_addr()?);
            let app: axum::Router = metrics_route(bot.registry.clone());
            let end = async move {
                let interrupt = tokio::signal::ctrl_c();
                let _ = tokio::time::timeout(seconds.unwrap_or(Duration::MAX), interrupt).await;
            };
            axum::serve(listener, app).with_graceful_shutdown(end).await?;
            maker.stop().await
        });
        stop.store(true, Ordering::Relaxed);
        trading.join().map_err(|_| "the bot panicked")??;
        served
    })
}

/// The data, and where their metrics go.
struct Bot {
    tape: Tape,
    share: InstrumentId,
    index: InstrumentId,
    perpetual: InstrumentId,
    registry: Registry,
    exporter: MetricsExporter,
}

impl Bot {
    fn new(registry: Registry) -> Result<Self, Failure> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
        let mut bars = Tape::default();
        let share = CsvBars::open(format!("{folder}/aapl_1d.csv"))
            .adjusted_by("adj_close")
            .load_into(&mut bars, Instrument::stock("AAPL", "USD").step("0.001"))?;
        let index = CsvBars::open(format!("{folder}/sp500_1d.csv"))
            .load_into(&mut bars, Instrument::stock("SPX", "USD").step("0.001"))?;
        let (tape, perpetual) = with_derived(&bars, index)?;
        let exporter = MetricsExporter::new(registry.clone());
        Ok(Self { tape, share, index, perpetual, registry, exporter })
    }

    /// Once over the data. The engine is new each time; the registry, and with it every
    /// counter, is the same.
    fn pass(&self, tick: Option<Duration>, stop: &AtomicBool) -> Result<(), Failure> {
        let metrics =
            EngineMetrics::new(self.registry.clone()).day(close()?).volatility_index("RV20");
        let alerts = MeteredBoard::new(AlertBoard::new(), self.exporter.clone());
        let sink = Tee(PrometheusMetrics::from(metrics), alerts);
        let (_, mut run) = self.backtest()?.prepare(sink)?;
        let ticks = tick.map_or(100, |tick| PASS.as_millis() / tick.as_millis());
        let size = self.tape.len() / usize::try_from(ticks)? + 1;
        for block in self.tape.blocks(size) {
            run.run(block)?;
            if let Some(last) = block.last() {
                for input in self.incidents() {
                    run.input(last.at, &input)?;
                }
            }
            if stop.load(Ordering::Relaxed) {
                break;
            }
            if let Some(tick) = tick {
                std::thread::sleep(tick);
            }
        }
        Ok(())
    }

    /// What happens to an account beside trading, after each block: both shares pay a dividend, a
    /// person changes a limit, an alert wants to act, a message names an order that is not known.
    fn incidents(&self) -> [Input; 6] {
        let dividend = |instrument| {
            let kind = AdjustmentKind::Dividend { instrument, amount: Decimal::new(1, 4) };
            Input::Adjustment(Adjustment { cause: AdjustmentCause::Dividend, kind })
        };
        let limit = LimitChange {
            key: LimitKey::all(BreakerGuard::LOSSES),
            value: Decimal::from(3),
            until: None,
            actor: Label::new("desk"),
        };
        let act = |action| {
            let (alert, level) = (Label::new("example"), AlertLevel::Warning);
            let scope = HaltScope::Account;
            Input::Control(Control::Act(ActionRequest { action, scope, alert, level }))
        };
        let stray = OrderUpdate {
            order: OrderId::new(9, SlotId(1), 1),
            instrument: self.share,
            side: Side::Buy,
            leg: Leg::Net,
            report: OrderReport::Accepted,
        };
        [
            dividend(self.share),
            dividend(self.index),
            Input::Control(Control::Limit(limit)),
            act(AlertAction::Notify),
            act(AlertAction::TightenStops),
            Input::Order(stray),
        ]
    }

    fn backtest(&self) -> Result<Backtest<'_>, Failure> {
        let fee = "0.0005".parse()?;
        let tiers = MarginTiers::flat("0.05".parse()?, "0.03".parse()?)?;
        let terms = MarginTerms::new(tiers).isolated();
        // Less cash than the account believes to have, so that the venue refuses purchases, and
        // requests that travel so long that some come too late.
        let venue = SimConfig::default()
            .with_fees(FeeSchedule::flat(fee, fee))
            .with_slippage(Slippage::BasisPoints(2.0))
            .with_latency(Latency::Uniform {
                shortest: Duration::from_millis(20),
                longest: Duration::from_secs(36 * 3_600),
            })
            .with_balance("USD", Decimal::from(40_000))
            .with_margin("SPX-PERP", terms);
        let tenth = EquityFraction::new("0.1".parse()?)?;
        Ok(Backtest::new(&self.tape)
            .cash(CASH)
            .venue(venue)
            .risk(self.manager()?)
            .slot(self.built_in("MEAN_REVERSION", self.share)?.stop(plan()?))
            .slot(self.built_in("EMA_CROSS", self.index)?.policy(Policy::Reverse).stop(plan()?))
            .slot(self.slot(Box::new(from_fn("DIPS", buy_dips)), self.share)?)
            .slot(
                self.slot(Box::new(from_fn("LEVERED", always_long)), self.perpetual)?.sizer(tenth),
            )
            .slot(self.slot(fragile(), self.index)?))
    }

    /// Limits that are tight enough to bind: a breaker after three losses for two weeks, a day's
    /// loss of one percent, positions of a third that shrink in a drawdown.
    fn manager(&self) -> Result<RealtimeRiskManager, Failure> {
        let breaker = BreakerLimits {
            max_consecutive_losses: 3,
            cooldown: Duration::from_secs(14 * 86_400),
            ..BreakerLimits::default()
        };
        let tail = |measure| -> Result<_, Failure> {
            let settings = PortfolioRiskSettings { measure, ..Default::default() };
            let all = [self.share, self.index, self.perpetual];
            let portfolio = PortfolioRisk::new(settings, all)?;
            Ok(Box::new(PortfolioGuard::new(portfolio).var_limit(Ceiling::OfEquity(0.05))?))
        };
        Ok(RealtimeRiskManager::builder()
            .max_drawdown("0.60".parse()?)
            .max_position_fraction(0.35)
            .breaker(breaker)
            .with_guard(tail(TailMeasure::ValueAtRisk)?)
            .with_guard(tail(TailMeasure::ExpectedShortfall)?)
            .scaled_by_drawdown(DrawdownSchedule::default())
            .daily_loss(DailyLimit::Fraction("0.01".parse()?), close()?)
            .portfolio_heat(0.5)
            .build()?)
    }

    fn built_in(&self, name: &str, on: InstrumentId) -> Result<Slot, Failure> {
        let universe = [on];
        let context = StrategyContext::new(self.tape.instruments(), &universe);
        let built = StrategyRegistry::new().build_json(name, "{}", &context)?;
        self.slot(built.strategy, on)
    }

    fn slot(&self, strategy: Box<dyn Strategy>, on: InstrumentId) -> Result<Slot, Failure> {
        let exporter = self.exporter.clone();
        let timed: Box<dyn Strategy> =
            Box::new(Stopwatch::new(strategy, Arc::new(SystemClock), exporter));
        Ok(SlotConfig::new(timed).trades([on]).sizer(EquityFraction::new("0.5".parse()?)?))
    }
}

type Slot = SlotConfig<Box<dyn Strategy>>;

/// The bars, and after each of the index its realised volatility in percent a year, which stands
/// in for a volatility index, and the same bar of a perpetual with a made-up funding.
fn with_derived(bars: &Tape, index: InstrumentId) -> Result<(Tape, InstrumentId), Failure> {
    let mut tape = Tape::new(bars.instruments().clone());
    let volatility = tape.add(Instrument::stock("RV20", "USD"))?;
    let perpetual = Instrument::linear_perpetual("SPX-PERP", "SPX", "USD");
    let perpetual = tape.add(perpetual.step("0.001"))?;
    let (mut returns, mut last) = (Vec::new(), f64::NAN);
    for timed in bars.events() {
        tape.push(timed.at, timed.event.clone())?;
        let MarketEvent::Bar(mut bar) = timed.event else { continue };
        if bar.instrument != index {
            continue;
        }
        let change = (bar.close / last).ln();
        last = bar.close;
        bar.instrument = perpetual;
        tape.push(timed.at, MarketEvent::Bar(bar))?;
        if change.is_finite() {
            returns.push(change);
            // Longs pay after a rise and receive after a fall.
            let funding = Funding { instrument: perpetual, rate: change / 100.0, mark: last };
            tape.push(timed.at, MarketEvent::Funding(funding))?;
        }
        if let Some(window) = returns.last_chunk::<WINDOW>() {
            let variance = window.iter().map(|one| one * one).sum::<f64>() / WINDOW as f64;
            let price = 100.0 * (variance * YEAR).sqrt();
            tape.push(timed.at, MarketEvent::Mark(Mark { instrument: volatility, price }))?;
        }
    }
    Ok((tape, perpetual))
}

fn close() -> Result<DayBoundary, Failure> {
    Ok(DayBoundary::new("America/New_York", 17 * 3_600)?)
}

fn plan() -> Result<StopPlan, Failure> {
    Ok(StopPlan::new(StopWidth::Multiple(2.5))?
        .measured_by(StopVolatility::Atr { period: 20 })?
        .chandelier(StopWidth::Multiple(4.0))?)
}

/// A limit one percent below the close while nothing is held, with a target and a stop.
fn buy_dips(event: &Event<'_>, _facts: &Facts<'_>, advice: &mut Advice) {
    let Some(bar) = event.bar() else { return };
    let at = |factor: f64| {
        let cents = (bar.close * factor * 100.0).round() as i64;
        Price::new(Decimal::new(cents, 2)).ok()
    };
    let (Some(price), Some(target), Some(stop)) = (at(0.99), at(1.02), at(0.97)) else { return };
    let signal = Signal {
        instrument: bar.instrument,
        side: Side::Buy,
        confidence: Confidence::FULL,
        tag: Label::default(),
        reason: Label::new("dip"),
    };
    let bracket = Bracket { take_profit: Some(target), stop_loss: Some(stop) };
    advice.enter(signal, OrderKind::Limit { price }, Some(bracket));
}

/// Wants to be long whenever it is not.
fn always_long(event: &Event<'_>, _facts: &Facts<'_>, advice: &mut Advice) {
    if event.bar().is_some() {
        advice.buy(Confidence::FULL);
    }
}

/// Fails after five hundred bars, so that a failed bot is seen.
fn fragile() -> Box<dyn Strategy> {
    let mut bars = 0;
    Box::new(from_fn("FRAGILE", move |event, _, advice| {
        bars += usize::from(event.bar().is_some());
        if bars > 500 {
            advice.fail("it was made to fail");
        }
    }))
}

/// A market maker on a local exchange, by the client that talks to Binance: everything that
/// happens at the edge is told to the same registry.
struct Maker {
    _exchange: LocalExchange,
    market: BinanceMarketData,
    handle: RunnerHandle,
    running: tokio::task::JoinHandle<Vec<BotExit>>,
}

impl Maker {
    async fn start(registry: &Registry) -> Result<Self, Failure> {
        let prices = Prices::Generated { start: Decimal::from(50_000), step_bp: 2.0 };
        let account = Account::hmac("key", "secret").with_futures("USDT", Decimal::from(10_000));
        let config = ExchangeConfig::new(42).with_futures(btc(), prices).with_account(account);
        let exchange = LocalExchange::start(config).await?;
        let network = BinanceNetwork::Local { port: exchange.address().port() };
        let mut config = BinanceConfig::new(BinanceMarket::UsdFutures, network)?;
        config.edge = Arc::new(EdgeMetrics::new(registry.clone()));
        let mut table = Instruments::new();
        let id = table.add(btc())?;
        let connection = BinanceConnection::new(config, Symbols::of(&table))?;
        let credentials = Credentials::hmac("key", &SecretString::from("secret"))?;
        let client = Arc::new(BinanceClient::new(&connection, &table, credentials));
        let market = BinanceMarketData::new(&connection);
        let channels = [Channel::Quotes, Channel::Book { levels: 5 }];
        let feed = market.subscribe(&channels.map(|one| Subscription::new(id, one))).await?;
        let clock = Arc::new(SystemClock);
        let gateway = Box::new(ExchangeGateway::connect(client, clock.clone(), &table).await?);
        let plan = maker_plan(MetricsExporter::new(registry.clone()));
        let seat = BotSeat { plan, gateway, feed, history: Vec::new(), files: None };
        let runner = Runner::new(clock, RunnerConfig::default()).bot(seat);
        let runner = runner.metrics(MetricsExporter::new(registry.clone()));
        let handle = runner.handle();
        Ok(Self { _exchange: exchange, market, handle, running: tokio::spawn(runner.run()) })
    }

    async fn stop(self) -> Result<(), Failure> {
        self.handle.stop(StopPolicy::default()).await;
        for exit in self.running.await? {
            exit.outcome?;
        }
        self.market.close().await;
        Ok(())
    }
}

fn btc() -> InstrumentBuilder {
    Instrument::linear_perpetual("BTCUSDT", "BTC", "USDT").tick("0.1").step("0.001")
}

fn maker_plan(exporter: MetricsExporter) -> BotPlan<Stopwatch<Box<dyn Strategy>>, ()> {
    const PARAMETERS: &str =
        r#"{"quantity": "0.01", "warmup_samples": 1, "horizon_seconds": 0.01}"#;
    let mut plan = BotPlan::new("maker", move |epoch| {
        let mut table = Instruments::new();
        let universe = [table.add(btc()).expect("a sound instrument")];
        let usdt = table.find_asset("USDT").expect("the table's quote currency");
        let context = StrategyContext::new(&table, &universe);
        let built = StrategyRegistry::new().build_json("MARKET_MAKER", PARAMETERS, &context);
        let strategy = built.expect("parameters that were tried before").strategy;
        let timed = Stopwatch::new(strategy, Arc::new(SystemClock), exporter.clone());
        let slot = SlotConfig::new(timed).trades(universe);
        Engine::builder(table, usdt).epoch(epoch).slot(slot).sink(Tee(Digest::new(), ())).build()
    });
    plan.config.reconcile.every = Duration::from_secs(2);
    plan
}

fn print_summary(registry: &Registry) {
    let text = exposition(registry, ExpositionFormat::Text);
    for line in text.lines().take(24) {
        println!("{line}");
    }
    println!("...\n\n{} lines; in all:", text.lines().count());
    let snapshot = registry.snapshot();
    for name in [
        "trading_market_events_total",
        "trading_strategy_signals_total",
        "trading_orders_submitted_total",
        "trading_orders_filled_total",
        "trading_orders_rejected_total",
        "trading_risk_refusals_total",
        "trading_stops_moved_total",
        "trading_closed_trades_total",
        "risk_circuit_breaker_trips_total",
        "trading_halts_total",
        "trading_liquidations_total",
    ] {
        println!("{name:<36} {:>10}", snapshot.total(name));
    }
}
