//! Frames of dYdX's indexer are read to the values that stand in them, or refused by type.

mod answers;
#[cfg(all(feature = "binance", feature = "live", feature = "dydx-orders"))]
mod client;
mod frames;
#[cfg(feature = "dydx-orders")]
mod ids;
#[cfg(all(feature = "binance", feature = "live", feature = "dydx-orders"))]
mod live;
#[cfg(feature = "dydx-orders")]
mod orders;
#[cfg(all(feature = "binance", feature = "live", feature = "dydx-orders"))]
mod paper;
#[cfg(all(feature = "binance", feature = "live", feature = "dydx-orders"))]
mod polling;
mod streams;
#[cfg(all(feature = "binance", feature = "live", feature = "dydx-orders"))]
mod trading;
#[cfg(all(feature = "binance", feature = "live", feature = "dydx-orders"))]
mod world;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tradewright::types::{Decimal, Instrument, Instruments, Timestamp};
use tradewright::venue::Symbols;
use tradewright::venue::dydx::IndexerDecoder;

/// One payload of the collection beside the project.
struct Frame {
    id: String,
    kind: String,
    raw: String,
}

/// The payloads, none where the collection is absent.
fn frames() -> Vec<Frame> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/exchange-frames");
    let Ok(text) = fs::read_to_string(folder.join("dydx-v4.jsonl")) else {
        println!("skipped: dydx-v4.jsonl is not beside the project");
        return Vec::new();
    };
    let frames = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| line[name].as_str().unwrap().to_owned();
        let kind = field("kind").trim_start_matches("dydx.").to_owned();
        Frame { id: field("id"), kind, raw: field("raw") }
    });
    frames.collect()
}

/// The answer itself: other projects keep theirs within `result`.
fn unwrapped(raw: &str) -> Value {
    let mut value: Value = serde_json::from_str(raw).unwrap();
    match value.get_mut("result") {
        Some(result) => result.take(),
        None => value,
    }
}

fn table(tickers: &[&str]) -> Instruments {
    let mut table = Instruments::new();
    for ticker in tickers {
        let base = ticker.split('-').next().unwrap();
        table.add(Instrument::linear_perpetual(ticker, base, "USDC")).unwrap();
    }
    table
}

fn decoder(tickers: &[&str]) -> IndexerDecoder {
    IndexerDecoder::new(Symbols::of(&table(tickers)))
}

const NOW: Timestamp = Timestamp::from_nanos(1_800_000_000_000_000_000);

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

fn exact(value: &Value) -> Decimal {
    Decimal::from_str_exact(value.as_str().unwrap()).unwrap()
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}
