//! Portfolio, performance and health in one value.

use std::time::Duration;

use tradewright::backtest::Backtest;
use tradewright::monitor::{
    HealthStatus, MetricsAggregator, MetricsSnapshot, MonitorConfig, SystemHealth,
};
use tradewright::prelude::*;
use tradewright::types::{FactBookBuilder, SlotId, to_f64};

use super::{index, monitor, secs};

/// The snapshot of a run says what the account says, and comes back from JSON as it was.
#[test]
fn a_snapshot_of_a_run_says_what_the_account_says() {
    let tape = index();
    let aggregator = MetricsAggregator::new(monitor(MonitorConfig::default()))
        .with_strategies(["MEAN_REVERSION", "BREAKOUT"]);
    let backtest = Backtest::new(&tape)
        .sizer(EquityFraction::new("0.4".parse().unwrap()).unwrap())
        .strategy("MEAN_REVERSION")
        .strategy("BREAKOUT");
    let (_, mut run) = backtest.prepare(aggregator).unwrap();
    let mut with_positions = 0;
    for block in tape.events().chunks(250) {
        run.run(block).unwrap();
        let facts = run.engine().facts(SlotId::HOUSE);
        let snapshot = run.sink().1.snapshot(&facts);
        let portfolio = &snapshot.portfolio;
        assert_eq!(portfolio.equity, facts.equity());
        assert_eq!(snapshot.performance.equity, facts.equity());
        assert_eq!(portfolio.gross, facts.book.gross());
        let cash: f64 = portfolio.balances.iter().map(|it| to_f64(it.amount)).sum();
        let values: f64 = portfolio.positions.iter().map(|it| it.value.unwrap()).sum();
        assert!((cash + values - portfolio.equity).abs() < 1e-6);
        assert!((values - portfolio.net).abs() < 1e-9);
        with_positions += usize::from(!portfolio.positions.is_empty());
        assert_eq!(snapshot.symbols[0].as_str(), "SPX");
        let text = serde_json::to_string(&snapshot).unwrap();
        let read: MetricsSnapshot = serde_json::from_str(&text).unwrap();
        assert_eq!(read, snapshot);
        assert!(snapshot.to_string().contains("MEAN_REVERSION"));
    }
    assert!(with_positions > 5);
}

/// A long inverse contract counts as long, and an account without money has no leverage.
#[test]
fn values_have_the_signs_of_their_positions() {
    let mut table = Instruments::new();
    let inverse = Instrument::inverse_perpetual("BTCUSD", "BTC", "USD").multiplier("100");
    let inverse = table.add(inverse).unwrap();
    let pair = table.add(Instrument::spot("BTCUSDT", "BTC", "USD")).unwrap();
    let usd = table.find_asset("USD").unwrap();
    let entry = Price::new(Decimal::from(20_000)).unwrap();
    let book = FactBookBuilder::new(&table, usd)
        .mark(inverse, secs(0), 20_000.0)
        .mark(pair, secs(0), 20_000.0)
        .position(SlotId(1), inverse, Decimal::from(-3), entry)
        .build();
    let facts = Facts::new(secs(0), SlotId::HOUSE, &table, &book);
    let snapshot = MetricsAggregator::new(monitor(MonitorConfig::default())).snapshot(&facts);
    let value = snapshot.portfolio.positions[0].value.unwrap();
    assert!(value < 0.0, "{value}");
    assert_eq!(snapshot.portfolio.leverage, None);
    assert_eq!(snapshot.performance.since, None);
}

#[test]
fn silence_is_no_health() {
    let mut health = SystemHealth::new(Duration::from_secs(10));
    assert_eq!(health.snapshot(secs(0)).status, HealthStatus::Healthy);
    health.report(secs(0), "feed", HealthStatus::Healthy, "");
    health.report(secs(5), "journal", HealthStatus::Degraded, &"slow ".repeat(100));
    let seen = health.snapshot(secs(10));
    assert_eq!(seen.status, HealthStatus::Degraded);
    assert_eq!(seen.components[1].detail.chars().count(), 200);
    let seen = health.snapshot(secs(11));
    assert_eq!((seen.status, seen.components[0].is_stale), (HealthStatus::Unhealthy, true));
    health.report(secs(11), "feed", HealthStatus::Healthy, "again");
    assert_eq!(health.snapshot(secs(11)).status, HealthStatus::Degraded);
    assert!(health.forget("journal") && !health.forget("journal"));
    assert_eq!(health.snapshot(secs(11)).status, HealthStatus::Healthy);
    for number in 0..300 {
        health.gauge(secs(0), &format!("gauge_{number}"), f64::NAN);
    }
    let seen = health.snapshot(secs(11));
    assert_eq!((seen.gauges.len(), seen.refused), (256, 44));
    let text = serde_json::to_string(&health).unwrap();
    let read: SystemHealth = serde_json::from_str(&text).unwrap();
    assert_eq!(read.snapshot(secs(11)).components, seen.components);
    assert!(serde_json::from_str::<SystemHealth>(&text.replace("gauge_1\"", "gauge_2\"")).is_err());
}
