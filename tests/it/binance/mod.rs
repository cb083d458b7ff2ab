//! Frames of Binance are read to the values that stand in them, or refused by type.

mod conditional;
mod info;
mod market;
mod replies;
mod requests;
mod sign;
mod user;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tradewright::types::{Instrument, Instruments};

/// One payload of the collection beside the project.
struct Frame {
    id: String,
    kind: String,
    transport: String,
    raw: String,
}

/// The payloads of one file, none where the collection is absent.
fn frames(file: &str) -> Vec<Frame> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/exchange-frames");
    let Ok(text) = fs::read_to_string(folder.join(file)) else {
        println!("skipped: {file} is not beside the project");
        return Vec::new();
    };
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| line[name].as_str().unwrap().to_owned();
            Frame {
                id: field("id"),
                kind: field("kind"),
                transport: field("transport"),
                raw: field("raw"),
            }
        })
        .collect()
}

/// Every symbol that a payload names, as an instrument.
fn table(frames: &[Frame]) -> Instruments {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for key in ["s", "symbol"] {
                    found.extend(map.get(key).and_then(Value::as_str).map(str::to_owned));
                }
                map.values().for_each(|value| collect(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let mut symbols = Vec::new();
    for frame in frames {
        if let Ok(value) = serde_json::from_str(&frame.raw) {
            collect(&value, &mut symbols);
        }
    }
    symbols.sort();
    symbols.dedup();
    let mut table = Instruments::new();
    for symbol in symbols.iter().filter(|symbol| !symbol.is_empty()) {
        table.add(Instrument::spot(symbol, symbol, "USDT")).unwrap();
    }
    for code in ["BTC", "ETH", "BNB", "USD", "NEO"] {
        table.asset(code).unwrap();
    }
    table
}

/// The number that a text field holds.
fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}
