//! Recorded streams lead to the books that the venue showed at the same numbers.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use serde_json::Value;
use tradewright::types::{BookLevel, InstrumentId, Timestamp};
use tradewright::venue::{BookSync, DepthSnapshot, DepthUpdate, SyncRule};

const ID: InstrumentId = InstrumentId(0);

/// A file beside the project, or a word that it is not there.
fn beside(path: &str) -> Option<PathBuf> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if !file.exists() {
        println!("skipped: {} is not there", file.display());
        return None;
    }
    Some(file)
}

fn number(text: &Value) -> f64 {
    text.as_str().unwrap().parse().unwrap()
}

fn levels(side: &Value) -> Vec<BookLevel> {
    let pairs = side.as_array().unwrap().iter();
    pairs.map(|pair| BookLevel { price: number(&pair[0]), quantity: number(&pair[1]) }).collect()
}

/// What one frame is to a book.
enum Frame {
    Depth(DepthUpdate),
    Snapshot(DepthSnapshot),
    Ticker(u64, [f64; 4]),
    Other,
}

fn read(text: &str) -> Frame {
    let frame: Value = serde_json::from_str(text).unwrap();
    if let Some(last) = frame["lastUpdateId"].as_u64() {
        let (bids, asks) = (levels(&frame["bids"]), levels(&frame["asks"]));
        let is_complete = false;
        return Frame::Snapshot(DepthSnapshot { instrument: ID, last, is_complete, bids, asks });
    }
    let (stream, data) = (frame["stream"].as_str().unwrap_or_default(), &frame["data"]);
    if stream.contains("@depth") {
        let mut update =
            DepthUpdate::new(ID, data["U"].as_u64().unwrap(), data["u"].as_u64().unwrap());
        update.previous = data["pu"].as_u64();
        (update.bids, update.asks) = (levels(&data["b"]), levels(&data["a"]));
        return Frame::Depth(update);
    }
    if stream.contains("@bookTicker") {
        let top = ["b", "B", "a", "A"].map(|key| number(&data[key]));
        return Frame::Ticker(data["u"].as_u64().unwrap(), top);
    }
    Frame::Other
}

/// Replays frames; a snapshot is handed in where the recording has it. Tells after each update.
fn replay(frames: &[Frame], rule: SyncRule, mut told: impl FnMut(&BookSync)) -> BookSync {
    let (at, mut actions) = (Timestamp::EPOCH, Vec::new());
    let mut book = BookSync::new(ID, rule);
    book.start(at, &mut actions);
    for frame in frames {
        match frame {
            Frame::Depth(update) => {
                book.on_update(at, update, &mut actions);
                told(&book);
            }
            Frame::Snapshot(snapshot) => book.on_snapshot(at, snapshot, &mut actions),
            Frame::Ticker(..) | Frame::Other => {}
        }
    }
    book
}

#[test]
fn sequences_end_in_their_known_states() {
    let Some(expected) = beside("exchange-frames/sequences.json") else { return };
    let expected: Value = serde_json::from_str(&fs::read_to_string(expected).unwrap()).unwrap();
    for set in expected.as_array().unwrap() {
        let name = set["file"].as_str().unwrap();
        let Some(file) = beside(&format!("exchange-frames/{name}")) else { continue };
        let text = fs::read_to_string(file).unwrap();
        let line = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            read(line["raw"].as_str().unwrap())
        };
        let frames: Vec<Frame> = text.lines().map(line).collect();
        let rule = if name.contains("usdm") { SyncRule::Chained } else { SyncRule::Spot };
        let book = replay(&frames, rule, |_| {});
        let (end, counts, top) = (&set["expect"], book.counts(), book.top().unwrap());
        assert_eq!(Some(counts.applied), end["applied"].as_u64(), "{name}");
        assert_eq!(Some(counts.ignored), end["dropped"].as_u64(), "{name}");
        assert_eq!((counts.gaps, counts.snapshots), (0, 1), "{name}");
        assert_eq!(book.last(), end["last"].as_u64(), "{name}");
        assert_eq!((top.bid, top.bid_quantity), pair(&end["bid"]), "{name}");
        assert_eq!((top.ask, top.ask_quantity), pair(&end["ask"]), "{name}");
    }
}

fn pair(values: &Value) -> (f64, f64) {
    (number(&values[0]), number(&values[1]))
}

/// Replays the recorded spot day: counts of compared and different tops, and the book.
fn recorded_day(is_complete: bool) -> Option<(usize, usize, BookSync)> {
    let file = beside("market-data/fetched/binance_spot_btcusdt_20240808.stream.gz")?;
    let mut text = String::new();
    GzDecoder::new(fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    let mut frames: Vec<Frame> =
        text.lines().map(|line| read(line.split_once(' ').unwrap().1)).collect();
    let mut tickers: Vec<(u64, [f64; 4])> = Vec::new();
    for frame in &mut frames {
        match frame {
            Frame::Ticker(number, top) => tickers.push((*number, *top)),
            Frame::Snapshot(snapshot) => snapshot.is_complete = is_complete,
            Frame::Depth(_) | Frame::Other => {}
        }
    }
    tickers.sort_by_key(|(number, _)| *number);
    let (mut compared, mut different) = (0, 0);
    let book = replay(&frames, SyncRule::Spot, |book| {
        let Some(last) = book.last() else { return };
        let after = tickers.partition_point(|(number, _)| *number <= last);
        let Some((_, shown)) = after.checked_sub(1).map(|index| tickers[index]) else { return };
        let top = book.top().unwrap();
        compared += 1;
        let served = [top.bid, top.bid_quantity, top.ask, top.ask_quantity];
        different += usize::from(served != shown);
    });
    Some((compared, different, book))
}

/// The top of the book after each update is the last ticker at or before its number.
#[test]
fn a_recorded_day_shows_the_tickers_of_the_venue() {
    let Some((compared, different, book)) = recorded_day(true) else { return };
    // One of them was applied with the snapshot, before there was a top to compare.
    assert_eq!((compared, different, book.counts().applied), (3_448, 0, 3_449));
    assert_eq!((book.counts().gaps, book.counts().snapshots), (0, 1));
}

/// The same day with a snapshot that was cut off: when the market has left what it reached, the
/// book is not served any more, and until then it is right.
#[test]
fn a_recorded_day_leaves_what_its_snapshot_reached() {
    let Some((compared, different, book)) = recorded_day(false) else { return };
    assert_eq!(different, 0);
    assert!(compared > 2_000 && compared < 3_449, "{compared}");
    assert!(!book.is_live() && book.top().is_none());
    assert_eq!(book.counts().gaps, 0);
}
