//! Live statistics: equal to the batch over the same data, bounded, saved and restored.

mod aggregate;
mod naive;
mod quality;
mod saved;

use proptest::prelude::{
    Strategy as Drawn, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use tradewright::account::{Conventions, EquitySeries, RiskFree, Statistics, TradeResult};
use tradewright::backtest::{Analysis, Backtest, CsvBars, MonthReturn, Report, Tape};
use tradewright::monitor::{
    ClosedTrade, History, MonitorConfig, MonitorError, PerformanceMonitor, SampleEvery,
};
use tradewright::prelude::*;
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, DayBoundary, FactBookBuilder, Label, Money,
    Record, SlotId, Trade,
};

use naive::{Event, alike, events, feed, instants, reference};

pub fn index() -> Tape {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    CsvBars::open(file).load(Instrument::stock("SPX", "USD").step("0.001")).unwrap()
}

pub fn every_instant(conventions: Conventions) -> MonitorConfig {
    MonitorConfig {
        conventions,
        sample: SampleEvery::Instant,
        samples: 8_192,
        trades: 4_096,
        ..MonitorConfig::default()
    }
}

fn monitor(config: MonitorConfig) -> PerformanceMonitor {
    PerformanceMonitor::new(config).unwrap()
}

fn secs(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds).unwrap()
}

#[track_caller]
fn near(found: Option<f64>, expected: f64, tolerance: f64) {
    let found = found.expect("a figure");
    assert!((found - expected).abs() <= tolerance, "{found}, expected {expected}");
}

/// The figures that empyrical and quantstats print for the index, 252 days a year.
#[test]
fn the_index_has_the_published_figures() {
    let tape = index();
    let of = |risk_free, tail| {
        let conventions = Conventions { risk_free, tail, ..Conventions::daily() };
        let mut monitor = monitor(every_instant(conventions));
        for timed in tape.events() {
            monitor.on_equity(timed.at, timed.event.mark().unwrap(), 0.0);
        }
        monitor.statistics()
    };
    let plain = of(RiskFree::PerPeriod(0.0), 0.05);
    near(plain.returns.sharpe, 0.28274, 5e-6);
    near(plain.returns.sortino, 0.39861, 5e-6);
    near(plain.returns.value_at_risk, 0.018643, 5e-7);
    near(plain.returns.expected_shortfall, 0.028609, 5e-7);
    near(plain.drawdown.depth, 0.567_753_8, 1e-6);
    near(of(RiskFree::AnnualGeometric(0.03), 0.05).returns.sharpe, 0.12796, 5e-6);
    near(of(RiskFree::PerPeriod(0.03 / 252.0), 0.05).returns.sharpe, 0.12566, 5e-6);
    near(of(RiskFree::PerPeriod(0.0), 0.01).returns.value_at_risk, 0.03306, 5e-6);
}

fn traded(tape: &Tape) -> (Report, PerformanceMonitor) {
    let conventions = Conventions::daily();
    Backtest::new(tape)
        .fees(FeeSchedule::flat("0.001".parse().unwrap(), "0.001".parse().unwrap()))
        .sizer(EquityFraction::new("0.5".parse().unwrap()).unwrap())
        .periods_per_year(252.0)
        .strategy_with("MEAN_REVERSION", r#"{"window":10,"std_dev_factor":1.0}"#)
        .strategy("BREAKOUT")
        .run_with(monitor(every_instant(conventions)))
        .unwrap()
}

/// A monitor that reads the records of a run says at its end what the report of the run says.
#[test]
fn the_monitor_of_a_run_agrees_with_its_report() {
    let (report, monitor) = traded(&index());
    let analysis: &Analysis = report.analysis();
    let summary = monitor.summary();
    assert!(report.trades.len() > 100, "the run trades");
    alike(&summary.statistics, &analysis.statistics);
    alike(&summary.recent, &analysis.statistics);
    assert_eq!(summary.drawdown_of_marks, analysis.statistics.drawdown);
    assert_eq!(summary.exposure, report.exposure);
    assert_eq!(summary.signals, report.signals.len() as u64);
    assert_eq!(summary.signal_effectiveness, analysis.signal_effectiveness);
    near(summary.turnover, analysis.turnover.unwrap(), 1e-9);
    near(summary.turnover_per_year, analysis.turnover_per_year.unwrap(), 1e-9);
    assert_eq!(summary.initial, report.run.initial_equity);
    assert_eq!(summary.since, Some(report.run.from));
    assert_eq!((summary.ignored, summary.unvalued), (0, 0));
    for group in &summary.by_strategy {
        let other = analysis.by_strategy.iter().find(|other| other.slot == group.key).unwrap();
        alike(&group.trades, &other.trades);
        let signals = report.signals.iter().filter(|row| row.slot == group.key).count();
        assert_eq!(group.signals, signals as u64);
    }
    assert_eq!(summary.by_strategy.len(), 2);
    alike(&summary.by_symbol[0].trades, &analysis.statistics.trades);
    let months: Vec<MonthReturn> = analysis.months[analysis.months.len() - 120..].to_vec();
    assert_eq!(summary.months.len(), 120);
    for (row, month) in summary.months.iter().zip(&months) {
        assert_eq!((row.period.year, row.period.month), (month.year, month.month));
        near(row.returned, month.value, 1e-12);
    }
    let closed: u64 = summary.days.iter().map(|row| row.closed).sum();
    let first = summary.days[0].period.to_string();
    let kept = report.trades.iter().filter(|trade| {
        let day = trade.closed_at.before(std::time::Duration::from_nanos(1));
        day.to_utc().format("%Y-%m-%d").to_string() >= first
    });
    assert_eq!(closed, kept.count() as u64);
    assert!(summary.to_string().contains("Sharpe"));
}

/// Kept trades are those of the report, in the same order.
#[test]
fn the_history_of_trades_is_that_of_the_report() {
    let (report, monitor) = traded(&index());
    let mut found = Vec::new();
    let mut number = 0;
    loop {
        let page = monitor.trades().since(number, 7);
        if page.entries.is_empty() {
            break;
        }
        found.extend(page.entries);
        number = page.newer;
    }
    assert_eq!(found.len(), report.trades.len());
    for (trade, (other, result)) in
        found.iter().zip(report.trades.iter().zip(report.trade_results()))
    {
        assert_eq!((trade.closed_at, trade.side), (other.closed_at, other.side));
        assert_eq!(trade.result(), result);
    }
}

fn conventions() -> impl Drawn<Value = Conventions> {
    (-0.01_f64..0.01, 0.0_f64..=1.0, 2.0_f64..400.0, 0_usize..3).prop_map(
        |(rate, tail, periods, ddof)| Conventions {
            risk_free: RiskFree::PerPeriod(rate),
            tail,
            ddof,
            ..Conventions::per_year(periods)
        },
    )
}

proptest! {
    /// Incremental equals batch: every figure since the start, and those of any window.
    #[test]
    fn incremental_equals_batch(
        events in events(60),
        conventions in conventions(),
        (samples, trades) in (1_usize..30, 0_usize..30),
    ) {
        let config = MonitorConfig { samples: 8_192, ..every_instant(conventions) };
        let mut monitor = monitor(config).starting(secs(0), 100.0).unwrap();
        events.iter().for_each(|event| feed(&mut monitor, event));
        let (points, results) = reference(&events, instants);
        let batch = |points: &[(Timestamp, f64)], results: &[TradeResult], base: (Timestamp, f64)| {
            let series = EquitySeries { start: base.0, initial: base.1, points };
            Statistics::new(&series, results, &conventions)
        };
        alike(&monitor.statistics(), &batch(&points, &results, (secs(0), 100.0)));

        let (points, base) = tail(&points, samples);
        let results = &results[results.len().saturating_sub(trades)..];
        prop_assert_eq!(monitor.window(samples, trades), batch(points, results, base));
    }

    /// With little room, what needs the values is exact for what is kept, and the rest since the
    /// start.
    #[test]
    fn little_room_changes_medians_and_tails_only(
        events in events(60),
        (samples, trades) in (2_usize..9, 1_usize..9),
    ) {
        let conventions = Conventions { tail: 0.3, ..Conventions::per_year(12.0) };
        let config = MonitorConfig { samples, trades, ..every_instant(conventions) };
        let mut monitor = monitor(config).starting(secs(0), 100.0).unwrap();
        events.iter().for_each(|event| feed(&mut monitor, event));
        let (points, results) = reference(&events, instants);
        let whole = EquitySeries { start: secs(0), initial: 100.0, points: &points };
        let mut expected = Statistics::new(&whole, &results, &conventions);
        // The point of the running period is beside those that are kept.
        let (kept, base) = tail(&points, samples + 1);
        let series = EquitySeries { start: base.0, initial: base.1, points: kept };
        let results = &results[results.len().saturating_sub(trades)..];
        let recent = Statistics::new(&series, results, &conventions);
        prop_assert_eq!(monitor.window(samples + 1, trades), recent.clone());
        expected.returns.value_at_risk = recent.returns.value_at_risk;
        expected.returns.expected_shortfall = recent.returns.expected_shortfall;
        expected.trades.held.median_secs = recent.trades.held.median_secs;
        expected.trades.held.wins_median_secs = recent.trades.held.wins_median_secs;
        expected.trades.held.losses_median_secs = recent.trades.held.losses_median_secs;
        alike(&monitor.statistics(), &expected);
        prop_assert!(monitor.samples().len() <= samples && monitor.trades().len() <= trades);
    }

    /// A sample is the last mark of its day (hour), and days end where the boundary says.
    #[test]
    fn samples_are_the_last_marks_of_their_periods(events in events(60), which in 0_usize..3) {
        let days = DayBoundary::new("America/New_York", 17 * 3_600).unwrap();
        let moment = |at: Timestamp| at.before(std::time::Duration::from_nanos(1));
        let by_day = move |at: Timestamp| days.day(moment(at)).to_string();
        let hour = 3_600_000_000_000;
        let by_hour = move |at: Timestamp| moment(at).nanos().div_euclid(hour).to_string();
        let (points, config) = match which {
            0 => (
                reference(&events, by_day).0,
                MonitorConfig { days, ..MonitorConfig::default() },
            ),
            1 => (
                reference(&events, by_hour).0,
                MonitorConfig { sample: SampleEvery::Hour, ..MonitorConfig::default() },
            ),
            _ => (
                reference(&events, by_hour).0,
                MonitorConfig { sample: SampleEvery::Hour, days, ..MonitorConfig::default() },
            ),
        };
        let mut monitor = monitor(config).starting(secs(0), 100.0).unwrap();
        events.iter().for_each(|event| feed(&mut monitor, event));
        let series = EquitySeries { start: secs(0), initial: 100.0, points: &points };
        let expected = Statistics::new(&series, &[], &config.conventions);
        alike(&monitor.statistics().returns, &expected.returns);
        alike(&monitor.statistics().drawdown, &expected.drawdown);
    }

    /// The breakdown by hour, day and month equals a table made of all events.
    #[test]
    fn breakdowns_equal_a_table_of_all_events(events in events(80)) {
        let config = MonitorConfig {
            days: DayBoundary::new("Asia/Kolkata", 9 * 3_600 + 900).unwrap(),
            ..MonitorConfig::default()
        };
        let mut monitor = monitor(config).starting(secs(0), 100.0).unwrap();
        events.iter().for_each(|event| feed(&mut monitor, event));
        let summary = monitor.summary();
        // India knows no other time: days begin at 09:15 local, which is 03:45 UTC.
        let shift = 3 * 3_600 + 45 * 60;
        for (rows, format) in [
            (&summary.hours, "%Y-%m-%d %Hh"),
            (&summary.days, "%Y-%m-%d"),
            (&summary.months, "%Y-%m"),
        ] {
            let name = |at: Timestamp| {
                let moment = at.before(std::time::Duration::from_nanos(shift * 1_000_000_000 + 1));
                moment.to_utc().format(format).to_string()
            };
            naive::breakdown(&events, name, rows);
        }
    }

    /// Groups equal the batch over their own trades.
    #[test]
    fn groups_equal_the_batch_over_their_trades(events in events(80)) {
        let mut monitor = monitor(MonitorConfig::default());
        events.iter().for_each(|event| feed(&mut monitor, event));
        let summary = monitor.summary();
        let trades = || events.iter().filter_map(Event::trade);
        let signals = |keep: &dyn Fn(&(u16, u32, u8)) -> bool| {
            let known = events.iter().filter_map(Event::signal);
            known.filter(|signal| keep(signal)).count() as u64
        };
        for group in &summary.by_strategy {
            naive::group(group, trades().filter(|trade| trade.slot == group.key));
            prop_assert_eq!(group.signals, signals(&|it| SlotId(it.0) == group.key));
        }
        for group in &summary.by_symbol {
            naive::group(group, trades().filter(|trade| trade.instrument == group.key));
            prop_assert_eq!(group.signals, signals(&|it| InstrumentId(it.1) == group.key));
        }
        for group in &summary.by_tag {
            naive::group(group, trades().filter(|trade| trade.tag == group.key));
            prop_assert_eq!(group.signals, signals(&|it| naive::tag(it.2) == group.key));
        }
        let closed = |rows: &mut dyn Iterator<Item = usize>| rows.sum::<usize>();
        let all = trades().count();
        prop_assert_eq!(closed(&mut summary.by_strategy.iter().map(|it| it.trades.closed)), all);
        prop_assert_eq!(closed(&mut summary.by_symbol.iter().map(|it| it.trades.closed)), all);
        prop_assert_eq!(closed(&mut summary.by_tag.iter().map(|it| it.trades.closed)), all);
    }

    /// Whatever is fed, nothing panics, no figure is NaN, and memory keeps its bounds.
    #[test]
    fn nothing_from_outside_panics(
        raw in prop::collection::vec((any::<i64>(), any::<f64>(), 0_u8..5, any::<u16>()), 0..60),
        sample in 0_usize..3,
    ) {
        let sample = [SampleEvery::Instant, SampleEvery::Hour, SampleEvery::Day][sample];
        let config = MonitorConfig {
            sample, samples: 3, trades: 2, hours_kept: 3, days_kept: 2, months_kept: 1, groups: 2,
            ..MonitorConfig::default()
        };
        let mut monitor = monitor(config);
        for (nanos, value, kind, id) in raw {
            let at = Timestamp::from_nanos(nanos);
            let (slot, instrument) = (SlotId(id), InstrumentId(u32::from(id) * 7));
            match kind {
                0 => monitor.on_equity(at, value, value),
                1 => {
                    let times = [Timestamp::from_nanos(nanos / 3), at];
                    monitor.on_trade(&ClosedTrade::new(slot, instrument, Side::Buy, times, value));
                }
                2 => monitor.on_signal(at, slot, instrument, Label::default()),
                3 => monitor.on_traded(at, slot, instrument, value),
                _ => monitor.on_flow(at, value),
            }
        }
        let summary = monitor.summary();
        for value in [summary.statistics.returns.sharpe, summary.statistics.drawdown.depth] {
            prop_assert!(value.is_none_or(f64::is_finite));
        }
        prop_assert!(summary.hours.len() <= 3 && summary.days.len() <= 2);
        prop_assert!(summary.months.len() <= 1);
        prop_assert!(summary.by_strategy.len() <= 2 && summary.by_tag.len() <= 2);
        let _ = summary.to_string();
    }

    /// Pages equal those of an endless list, whatever is asked for.
    #[test]
    fn pages_equal_those_of_an_endless_list(
        capacity in 1_usize..20,
        count in 0_u64..60,
        number in prop_oneof![0_u64..70, any::<u64>()],
        limit in prop_oneof![0_usize..30, any::<usize>()],
    ) {
        let mut history = History::new(capacity);
        (0..count).for_each(|value| history.push(value));
        let oldest = count.saturating_sub(capacity as u64);
        let older: Vec<u64> = (oldest..count.min(number)).rev().take(limit).collect();
        let page = history.before(number, limit);
        prop_assert_eq!(page.entries.iter().rev().copied().collect::<Vec<_>>(), older);
        let newer: Vec<u64> = (oldest.max(number)..count).take(limit).collect();
        let page = history.since(number, limit);
        prop_assert_eq!(&page.entries, &newer);
        prop_assert_eq!(page.missed, oldest.saturating_sub(number));
    }

    /// Whoever turns pages while entries come in sees each entry that is kept once.
    #[test]
    fn turning_pages_while_entries_come_in_misses_and_repeats_nothing(
        limit in 1_usize..6,
        arrivals in prop::collection::vec(0_u64..3, 40),
    ) {
        let mut history = History::new(200);
        (0..20).for_each(|value| history.push(value));
        let (mut next, mut seen, mut page) = (20, Vec::new(), history.newest(limit));
        for arrived in arrivals {
            seen.extend(page.entries.iter().rev().copied());
            (0..arrived).for_each(|_| { history.push(next); next += 1; });
            let Some(number) = page.older else { break };
            page = history.before(number, limit);
        }
        prop_assert_eq!(seen, (0..20).rev().collect::<Vec<u64>>());
    }
}

fn tail(points: &[(Timestamp, f64)], count: usize) -> (&[(Timestamp, f64)], (Timestamp, f64)) {
    let skipped = points.len().saturating_sub(count);
    let base = if skipped == 0 { (secs(0), 100.0) } else { points[skipped - 1] };
    (&points[skipped..], base)
}

#[test]
fn empty_and_single_inputs_give_none() {
    let empty = monitor(MonitorConfig::default());
    let statistics = empty.statistics();
    assert_eq!(statistics.returns.periods, 0);
    assert_eq!(statistics.returns.total_return, None);
    assert_eq!(statistics.drawdown.depth, None);
    assert_eq!(statistics.trades.win_rate, None);
    let summary = empty.summary();
    assert_eq!((summary.since, summary.at, summary.exposure), (None, None, None));
    assert_eq!((summary.turnover, summary.signal_effectiveness), (None, None));

    let mut one = monitor(every_instant(Conventions::daily()));
    one.on_equity(secs(60), 100.0, 0.0);
    let trade = ClosedTrade::new(SlotId(1), InstrumentId(0), Side::Sell, [secs(0), secs(60)], 4.0);
    one.on_trade(&trade);
    let statistics = one.statistics();
    assert_eq!((statistics.returns.sharpe, statistics.returns.total_return), (None, Some(0.0)));
    assert_eq!((statistics.trades.profit_factor, statistics.trades.payoff), (None, None));
    assert_eq!(statistics.trades.win_rate, Some(1.0));
    assert_eq!(one.summary().streak, 1);
}

#[test]
fn a_bad_configuration_is_refused_with_its_value() {
    let refused = |config| PerformanceMonitor::new(config).unwrap_err();
    let zero = MonitorConfig { trades: 0, ..MonitorConfig::default() };
    let range = MonitorError::OutOfRange { what: "trades", value: 0, least: 1, most: 1 << 20 };
    assert_eq!(refused(zero), range);
    refused(MonitorConfig { samples: 1, ..MonitorConfig::default() });
    refused(MonitorConfig { groups: usize::MAX, ..MonitorConfig::default() });
    for money in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(monitor(MonitorConfig::default()).starting(secs(0), money).is_err());
    }
}

/// Deposits and withdrawals are neither profit nor loss, and returns go on through them.
#[test]
fn deposits_are_no_profit() {
    let mut with = monitor(every_instant(Conventions::daily()));
    let mut without = with.clone();
    let levels = [100.0, 110.0, 99.0, 104.5, 94.05];
    let mut scale = 1.0;
    for (day, level) in levels.into_iter().enumerate() {
        let at = secs(86_400 * (day as i64 + 1));
        without.on_equity(at, level, 0.0);
        with.on_equity(at, level * scale, 0.0);
        // 100 comes in after the second day, half goes out after the fourth.
        let flow = [0.0, 110.0, 0.0, -104.5, 0.0][day];
        with.on_flow(at, flow);
        scale += flow / level;
    }
    assert_eq!(scale, 1.0);
    let (with, without) = (with.summary(), without.summary());
    alike(&with.statistics, &without.statistics);
    near(with.statistics.drawdown.depth, 1.0 - 94.05 / 110.0, 1e-12);
    near(with.statistics.returns.total_return, -0.0595, 1e-12);
    assert_eq!(with.equity, 94.05);
}

/// What comes in before the first mark is the money at the start, unless that was set.
#[test]
fn money_before_the_first_mark_is_where_it_starts() {
    let mut table = Instruments::new();
    table.add(Instrument::stock("A", "USD")).unwrap();
    let usd = table.find_asset("USD").unwrap();
    let book = FactBookBuilder::new(&table, usd).cash(usd, Decimal::from(150)).build();
    let deposit = |amount: i64| Adjustment {
        cause: AdjustmentCause::Deposit,
        kind: AdjustmentKind::Capital(Money::new(Decimal::from(amount), usd)),
    };
    let set = monitor(MonitorConfig::default()).starting(secs(5), 120.0).unwrap();
    for (mut monitor, initial, since) in
        [(monitor(MonitorConfig::default()), 100.0, 10), (set, 120.0, 5)]
    {
        monitor.record(secs(10), &Record::Adjusted { adjustment: &deposit(70) });
        monitor.record(secs(20), &Record::Adjusted { adjustment: &deposit(30) });
        monitor.on_mark(&Facts::new(secs(30), SlotId::HOUSE, &table, &book));
        let summary = monitor.summary();
        assert_eq!((summary.initial, summary.since), (initial, Some(secs(since))));
        near(summary.statistics.returns.total_return, 150.0 / initial - 1.0, 1e-12);
    }
}

/// Trades in another currency are valued at the next mark; one that nobody can value is counted.
#[test]
fn foreign_trades_are_valued_at_the_next_mark() {
    let mut table = Instruments::new();
    let share = table.add(Instrument::stock("SAP", "EUR")).unwrap();
    let pair = table.add(Instrument::spot("EURUSD", "EUR", "USD")).unwrap();
    let (eur, usd) = (table.find_asset("EUR").unwrap(), table.find_asset("USD").unwrap());
    let trade = Trade {
        slot: SlotId(1),
        instrument: share,
        leg: Default::default(),
        side: Side::Buy,
        quantity: Qty::from(1),
        opened_at: secs(0),
        closed_at: secs(60),
        entry: Decimal::from(10),
        exit: Decimal::from(21),
        gross: Money::new(Decimal::from(11), eur),
        fees: Decimal::ONE,
        funding: Decimal::ZERO,
        tag: Label::default(),
    };
    let mut monitor = monitor(MonitorConfig::default());
    let unmarked = FactBookBuilder::new(&table, usd).build();
    let marked = FactBookBuilder::new(&table, usd).mark(pair, secs(90), 1.5).build();
    monitor.record(secs(60), &Record::Closed { trade: &trade });
    assert_eq!(monitor.statistics().trades.closed, 0);
    monitor.on_mark(&Facts::new(secs(90), SlotId::HOUSE, &table, &marked));
    assert_eq!(monitor.statistics().trades.net, 15.0);
    monitor.record(secs(100), &Record::Closed { trade: &trade });
    monitor.on_mark(&Facts::new(secs(110), SlotId::HOUSE, &table, &unmarked));
    assert_eq!((monitor.statistics().trades.closed, monitor.summary().unvalued), (1, 1));
}

/// Between two samples equity fell and rose again: only the drawdown of the marks saw it.
#[test]
fn drawdowns_within_a_sample_are_seen_by_the_marks() {
    let mut monitor = monitor(MonitorConfig::default()).starting(secs(0), 100.0).unwrap();
    for (hour, equity) in [(1, 100.0), (2, 60.0), (3, 100.0), (30, 110.0), (31, 88.0)] {
        monitor.on_equity(secs(3_600 * hour), equity, 0.0);
    }
    let summary = monitor.summary();
    near(summary.drawdown_of_marks.depth, 0.4, 1e-12);
    near(summary.statistics.drawdown.depth, 0.12, 1e-12);
    near(summary.drawdown_now.map(|now| now.depth), 0.2, 1e-12);
}

/// Exposure is the share of instants at which something was held.
#[test]
fn exposure_is_a_share_of_instants() {
    let mut monitor = monitor(MonitorConfig::default()).starting(secs(0), 100.0).unwrap();
    for (instant, gross) in [(1, 50.0), (2, 0.0), (3, 50.0), (4, 50.0)] {
        monitor.on_equity(secs(instant), 100.0, gross);
    }
    assert_eq!(monitor.summary().exposure, Some(0.75));
}

/// A return that is not defined leaves the figures of all returns out, as in the batch.
#[test]
fn a_return_that_is_not_defined_leaves_no_figures() {
    let of = |curve: [f64; 4]| {
        let mut monitor = monitor(every_instant(Conventions::daily()));
        (0..)
            .zip(curve)
            .for_each(|(day, equity)| monitor.on_equity(secs(86_400 * day), equity, 0.0));
        let returns = monitor.statistics().returns;
        [returns.mean_per_period, returns.volatility_per_period, returns.best]
    };
    assert!(of([100.0, 90.0, 80.0, 85.0]).iter().all(Option::is_some));
    assert_eq!(of([100.0, 90.0, 0.0, 80.0]), [None; 3]);
}
