//! Events at random, and what they amount to, computed from all of them at once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::Value;
use tradewright::account::{TradeResult, TradeStatistics};
use tradewright::monitor::{ClosedTrade, GroupPerformance, PerformanceMonitor, PeriodPerformance};
use tradewright::types::{InstrumentId, Label, Side, SlotId, Timestamp};

/// What a host may tell.
#[derive(Clone, Debug)]
pub enum Event {
    Mark { at: Timestamp, equity: f64, gross: f64 },
    Trade(ClosedTrade),
    Signal { at: Timestamp, slot: u16, instrument: u32, tag: u8 },
    Traded { at: Timestamp, slot: u16, instrument: u32, value: f64 },
}

impl Event {
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Mark { at, .. } | Self::Signal { at, .. } | Self::Traded { at, .. } => *at,
            Self::Trade(trade) => trade.closed_at,
        }
    }

    pub fn trade(&self) -> Option<&ClosedTrade> {
        match self {
            Self::Trade(trade) => Some(trade),
            _ => None,
        }
    }

    pub fn signal(&self) -> Option<(u16, u32, u8)> {
        match self {
            Self::Signal { slot, instrument, tag, .. } => Some((*slot, *instrument, *tag)),
            _ => None,
        }
    }
}

pub fn tag(number: u8) -> Label {
    Label::new(["", "early", "late"][usize::from(number) % 3])
}

/// Up to so many events in order of time, some of them at one instant.
pub fn events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let raw = (0_u8..8, prop_oneof![Just(0_i64), 1_i64..200_000], -0.2_f64..0.25, any::<u32>());
    prop::collection::vec(raw, 0..most).prop_map(|rows| {
        let (mut now, mut equity) = (1_000_000_000_i64, 100.0_f64);
        let event = |(kind, step, change, number): (u8, i64, f64, u32)| {
            now += step;
            let at = Timestamp::from_secs(now).unwrap();
            let (slot, instrument) = ((number % 3) as u16, number / 3 % 3);
            match kind {
                0..4 => {
                    // Some marks stand still.
                    equity *= if number % 5 == 0 { 1.0 } else { 1.0 + change };
                    Event::Mark { at, equity, gross: f64::from(number % 2) * 10.0 }
                }
                4 | 5 => {
                    let opened = Timestamp::from_secs(now - i64::from(number % 90_000)).unwrap();
                    let net = if number % 7 == 0 { 0.0 } else { change * 100.0 };
                    let (slot, instrument) = (SlotId(slot), InstrumentId(instrument));
                    let trade = ClosedTrade::new(slot, instrument, Side::Buy, [opened, at], net);
                    Event::Trade(ClosedTrade { tag: tag((number % 3) as u8), ..trade })
                }
                6 => Event::Signal { at, slot, instrument, tag: (number % 3) as u8 },
                _ => Event::Traded { at, slot, instrument, value: change.abs() * 1_000.0 },
            }
        };
        rows.into_iter().map(event).collect()
    })
}

pub fn feed(monitor: &mut PerformanceMonitor, event: &Event) {
    match *event {
        Event::Mark { at, equity, gross } => monitor.on_equity(at, equity, gross),
        Event::Trade(ref trade) => monitor.on_trade(trade),
        Event::Signal { at, slot, instrument, tag: number } => {
            monitor.on_signal(at, SlotId(slot), InstrumentId(instrument), tag(number));
        }
        Event::Traded { at, slot, instrument, value } => {
            monitor.on_traded(at, SlotId(slot), InstrumentId(instrument), value);
        }
    }
}

/// Each instant is a period of its own.
pub fn instants(at: Timestamp) -> String {
    format!("{:020}", at.nanos())
}

/// The last marks of all periods, and all trades.
pub fn reference(
    events: &[Event],
    period: impl Fn(Timestamp) -> String,
) -> (Vec<(Timestamp, f64)>, Vec<TradeResult>) {
    let mut points: Vec<(String, Timestamp, f64)> = Vec::new();
    for event in events {
        let Event::Mark { at, equity, .. } = *event else { continue };
        if points.last().is_some_and(|(name, ..)| *name == period(at)) {
            points.pop();
        }
        points.push((period(at), at, equity));
    }
    let results = events.iter().filter_map(Event::trade).map(ClosedTrade::result).collect();
    (points.into_iter().map(|(_, at, equity)| (at, equity)).collect(), results)
}

/// Rows equal a table made of all events.
pub fn breakdown(events: &[Event], name: impl Fn(Timestamp) -> String, rows: &[PeriodPerformance]) {
    let mut table: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for event in events {
        table.entry(name(event.at())).or_default().push(event);
    }
    let mut before = 100.0;
    let kept = table.len().saturating_sub(rows.len());
    for (index, (period, events)) in table.iter().enumerate() {
        let mark = |event: &&Event| match event {
            Event::Mark { equity, .. } => Some(*equity),
            _ => None,
        };
        let last = events.iter().filter_map(mark).next_back().unwrap_or(before);
        let base = std::mem::replace(&mut before, last);
        let Some(row) = index.checked_sub(kept).and_then(|index| rows.get(index)) else { continue };
        assert_eq!(row.period.to_string(), *period);
        let nets: Vec<f64> = events.iter().filter_map(|it| it.trade()).map(|it| it.net).collect();
        let wins = nets.iter().filter(|net| **net > 0.0).count();
        assert_eq!((row.closed, row.wins), (nets.len() as u64, wins as u64));
        assert_eq!(row.losses, nets.iter().filter(|net| **net < 0.0).count() as u64);
        let rate = (!nets.is_empty()).then(|| wins as f64 / nets.len() as f64);
        assert_eq!(row.win_rate, rate);
        assert!((row.net - nets.iter().sum::<f64>()).abs() < 1e-9);
        assert!((row.returned.unwrap() - (last / base - 1.0)).abs() < 1e-9);
        let signals = events.iter().filter(|it| it.signal().is_some()).count();
        assert_eq!(row.signals, signals as u64);
        let traded = |event: &&Event| match event {
            Event::Traded { value, .. } => *value,
            _ => 0.0,
        };
        assert!((row.traded - events.iter().map(traded).sum::<f64>()).abs() < 1e-9);
    }
}

/// A group equals the batch over its trades.
pub fn group<'e, K>(found: &GroupPerformance<K>, trades: impl Iterator<Item = &'e ClosedTrade>) {
    let results: Vec<TradeResult> = trades.map(ClosedTrade::result).collect();
    let expected = TradeStatistics::new(&results);
    alike(&found.trades, &expected);
    let effective = (found.signals > 0).then(|| expected.wins as f64 / found.signals as f64);
    assert_eq!(found.signal_effectiveness, effective);
}

/// Every number of one is that of the other within 1e-9 relative, and what is not defined in
/// one is not defined in the other. Skewness and kurtosis are differences of numbers around
/// one, so theirs is 1e-9 of one.
#[track_caller]
pub fn alike(found: &impl Serialize, expected: &impl Serialize) {
    let found = serde_json::to_value(found).unwrap();
    compare("", &found, &serde_json::to_value(expected).unwrap());
}

#[track_caller]
fn compare(name: &str, found: &Value, expected: &Value) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            assert_eq!(found.len(), expected.len());
            for (name, value) in found {
                compare(name, value, &expected[name]);
            }
        }
        (Value::Number(left), Value::Number(right)) if left.is_f64() || right.is_f64() => {
            let (left, right) = (left.as_f64().unwrap(), right.as_f64().unwrap());
            let around_one = matches!(name, "skewness" | "kurtosis");
            let scale = if around_one { right.abs().max(1.0) } else { right.abs() };
            assert!((left - right).abs() <= 1e-9 * scale, "{name}: {left}, expected {right}");
        }
        _ => assert_eq!(found, expected, "{name}"),
    }
}
