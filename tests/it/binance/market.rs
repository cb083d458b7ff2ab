use proptest::prelude::*;
use serde_json::Value;
use tradewright::types::{
    BookLevel, Instrument, InstrumentId, Instruments, MarketEvent, Period, Side, Timestamp,
};
use tradewright::venue::binance::{MarketDecoder, StreamFrame, decode_depth};
use tradewright::venue::{DecodeError, MarketNews, MarketSighting, Symbols};

use super::{Frame, frames, number, table};

fn is_market(frame: &Frame) -> bool {
    frame.transport.starts_with("ws-") && frame.transport != "ws-api"
}

/// The events of a frame, unwrapped, each with the news that it should give.
fn events(raw: &str) -> Vec<Value> {
    let mut value: Value = serde_json::from_str(raw).unwrap();
    if value.get("data").is_some() {
        value = value["data"].take();
    }
    match value {
        Value::Array(events) => events,
        event => vec![event],
    }
}

#[test]
fn frames_of_all_markets_have_the_values_that_stand_in_them() {
    for (file, expected) in
        [("binance-spot.jsonl", 15), ("binance-usdm.jsonl", 18), ("binance-coinm.jsonl", 4)]
    {
        let frames = frames(file);
        let table = table(&frames);
        let mut decoder = MarketDecoder::new(Symbols::of(&table));
        let (mut read, mut refused) = (0, 0);
        for frame in frames.iter().filter(|frame| is_market(frame)) {
            let mut news = Vec::new();
            match decoder.decode(frame.raw.as_bytes(), &mut news) {
                Ok(StreamFrame::Events) => {}
                Ok(_) => continue,
                Err(error) => {
                    // Examples of the documentation that no market can send: levels without
                    // quantities, and a candle that opens below its low.
                    let event = &events(&frame.raw)[0];
                    let is_candle = frame.kind == "kline"
                        && number(&event["k"]["o"]) < number(&event["k"]["l"]);
                    let is_level = frame.raw.contains(r#"["0.0024"]"#);
                    match &error {
                        DecodeError::Unsound { .. } => assert!(is_candle, "{}", frame.id),
                        DecodeError::Malformed { .. } => assert!(is_level, "{}", frame.id),
                        _ => panic!("{}: {error}", frame.id),
                    }
                    refused += 1;
                    continue;
                }
            }
            let events = events(&frame.raw);
            let mut rest = &news[..];
            for event in &events {
                rest = same(event, rest, &table);
            }
            assert!(rest.is_empty(), "{}: {rest:?}", frame.id);
            read += usize::from(!news.is_empty());
        }
        println!("{file}: {read} read, {refused} refused, {:?}", decoder.counts());
        if !frames.is_empty() {
            assert!(read >= expected, "{file}: {read}");
            assert_eq!(decoder.counts().foreign, 0);
        }
    }
}

/// Compares one event with the first of the news and gives the others back.
fn same<'a>(event: &Value, news: &'a [MarketNews], table: &Instruments) -> &'a [MarketNews] {
    let is_quote = event.get("e").is_none() && event.get("B").is_some();
    let kind = if is_quote { "bookTicker" } else { event["e"].as_str().unwrap_or("") };
    let id = event["s"].as_str().and_then(|symbol| table.find(symbol)).map(|found| found.id);
    let millis = |field: &Value| Timestamp::from_millis(field.as_i64().unwrap()).unwrap();
    match kind {
        "bookTicker" | "trade" | "aggTrade" => {
            let MarketNews::Event(sighting) = &news[0] else { panic!("{news:?}") };
            let time = event.get("T").map(millis);
            assert_eq!(sighting.at, time);
            same_event(event, sighting, kind, id.unwrap());
            &news[1..]
        }
        "kline" => {
            let candle = &event["k"];
            let bar = match &news[0] {
                MarketNews::Event(MarketSighting { event: MarketEvent::Bar(bar), at, .. }) => {
                    assert!(candle["x"].as_bool().unwrap());
                    assert_eq!(at.unwrap().millis(), candle["T"].as_i64().unwrap() + 1);
                    bar
                }
                MarketNews::Forming(bar) => {
                    assert!(!candle["x"].as_bool().unwrap());
                    bar
                }
                other => panic!("{other:?}"),
            };
            let values = ["o", "h", "l", "c", "v"].map(|key| number(&candle[key]));
            assert_eq!([bar.open, bar.high, bar.low, bar.close, bar.volume], values);
            assert_eq!((bar.period, Some(bar.instrument)), (Period::MINUTE, id));
            &news[1..]
        }
        "depthUpdate" => {
            let MarketNews::Depth(depth) = &news[0] else { panic!("{news:?}") };
            assert_eq!(Some(depth.first), event["U"].as_u64());
            assert_eq!(Some(depth.last), event["u"].as_u64());
            assert_eq!(depth.previous, event["pu"].as_u64());
            assert_eq!(Some(depth.instrument), id);
            same_levels(&depth.bids, &event["b"]);
            same_levels(&depth.asks, &event["a"]);
            &news[1..]
        }
        "markPriceUpdate" => {
            let MarketNews::Funding(funding) = &news[0] else { panic!("{news:?}") };
            assert_eq!(funding.rate, number(&event["r"]));
            assert_eq!(funding.due, Some(millis(&event["T"])));
            let MarketNews::Event(sighting) = &news[1] else { panic!("{news:?}") };
            assert_eq!(sighting.at, Some(millis(&event["E"])));
            let MarketEvent::Mark(mark) = sighting.event else { panic!("{sighting:?}") };
            assert_eq!((mark.price, Some(mark.instrument)), (number(&event["p"]), id));
            &news[2..]
        }
        "24hrTicker" | "24hrMiniTicker" => {
            let MarketNews::Ticker(ticker) = &news[0] else { panic!("{news:?}") };
            let read = [ticker.last, ticker.open, ticker.high, ticker.low, ticker.volume];
            assert_eq!(read, ["c", "o", "h", "l", "v"].map(|key| Some(number(&event[key]))));
            assert_eq!(ticker.value, Some(number(&event["q"])));
            assert_eq!(ticker.bid, event.get("b").map(number));
            assert_eq!(ticker.ask, event.get("a").map(number));
            &news[1..]
        }
        _ => news,
    }
}

fn same_event(event: &Value, sighting: &MarketSighting, kind: &str, id: InstrumentId) {
    match (&sighting.event, kind) {
        (MarketEvent::Quote(quote), "bookTicker") => {
            let read = [quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity];
            assert_eq!(read, ["b", "B", "a", "A"].map(|key| number(&event[key])));
            assert_eq!(sighting.number, event["u"].as_u64());
            assert_eq!(quote.instrument, id);
        }
        (MarketEvent::Print(print), "trade" | "aggTrade") => {
            assert_eq!([print.price, print.quantity], ["p", "q"].map(|key| number(&event[key])));
            let key = if kind == "trade" { "t" } else { "a" };
            assert_eq!(sighting.number, event[key].as_u64());
            let taker = if event["m"].as_bool().unwrap() { Side::Sell } else { Side::Buy };
            assert_eq!((print.taker, print.instrument), (Some(taker), id));
        }
        (other, _) => panic!("{kind}: {other:?}"),
    }
}

fn same_levels(levels: &[BookLevel], wire: &Value) {
    let wire = wire.as_array().unwrap();
    assert_eq!(levels.len(), wire.len());
    for (level, wire) in levels.iter().zip(wire) {
        assert_eq!((level.price, level.quantity), (number(&wire[0]), number(&wire[1])));
    }
}

#[test]
fn snapshots_have_the_levels_that_stand_in_them() {
    for file in ["binance-spot.jsonl", "binance-usdm.jsonl"] {
        for frame in frames(file).iter().filter(|frame| frame.kind == "depth.snapshot") {
            let value = &events(&frame.raw)[0];
            let depth = decode_depth(InstrumentId(3), value.to_string().as_bytes()).unwrap();
            assert_eq!((Some(depth.last), depth.instrument.0), (value["lastUpdateId"].as_u64(), 3));
            same_levels(&depth.bids, &value["bids"]);
            same_levels(&depth.asks, &value["asks"]);
        }
    }
}

fn decoder() -> MarketDecoder {
    let mut table = Instruments::new();
    table.add(Instrument::spot("BTCUSDT", "BTC", "USDT")).unwrap();
    MarketDecoder::new(Symbols::of(&table))
}

const QUOTE: &str = concat!(
    r#"{"stream":"btcusdt@bookTicker","data":{"u":400900217,"s":"BTCUSDT","b":"25.35190000","#,
    r#""B":"31.21000000","a":"25.36520000","A":"40.66000000"}}"#
);
const KLINE: &str = concat!(
    r#"{"e":"kline","E":1672515782136,"s":"BTCUSDT","k":{"t":1672515780000,"T":1672515839999,"#,
    r#""s":"BTCUSDT","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","#,
    r#""l":"0.0010","v":"1000","n":100,"x":true,"q":"1.0000","V":"500","Q":"0.500","B":"1"}}"#
);
const DEPTH: &str = concat!(
    r#"{"e":"depthUpdate","E":1672515782136,"s":"BTCUSDT","U":157,"u":160,"#,
    r#""b":[["0.0024","10"]],"a":[["0.0026","100"]]}"#
);

#[test]
fn what_is_unsound_is_refused_and_what_is_unknown_is_counted() {
    let mut decoder = decoder();
    let mut news = Vec::new();
    let mut refused = |frame: &str| decoder.decode(frame.as_bytes(), &mut news).unwrap_err();
    assert!(matches!(refused(&QUOTE.replace("25.3519", "26.3519")), DecodeError::Unsound { .. }));
    let error = refused(&QUOTE.replace("25.35190000", "25.3x"));
    assert_eq!(error.to_string(), "bookTicker: field `b` is `25.3x`, which is no number in range");
    assert!(matches!(refused(&QUOTE.replace("25.35190000", "NaN")), DecodeError::Number { .. }));
    let error = refused(&QUOTE.replace(r#""a":"#, r#""z":"#));
    assert_eq!(error.to_string(), "bookTicker: field `a` is missing or of the wrong kind");
    assert!(matches!(refused(&QUOTE[..80]), DecodeError::Malformed { .. }));
    assert!(matches!(refused(&DEPTH.replace("100", "-100")), DecodeError::Malformed { .. }));
    let error = refused(&KLINE.replace(r#""1m""#, r#""1q""#));
    assert_eq!(error.to_string(), "kline: field `i` has the unknown word `1q`");
    // The first of two events is sound; nothing is said all the same.
    refused(&format!("[{DEPTH},{}]", KLINE.replace(r#""l":"0.0010""#, r#""l":"9""#)));
    assert!(news.is_empty());

    for frame in [QUOTE.replace("BTCUSDT", "ETHUSDT"), KLINE.replace("kline", "novelty")] {
        assert_eq!(decoder.decode(frame.as_bytes(), &mut news), Ok(StreamFrame::Events));
    }
    let counts = decoder.counts();
    assert_eq!((counts.foreign, counts.unknown, news.len()), (1, 1, 0));
    let reply = decoder.decode(br#"{"result":null,"id":312}"#, &mut news);
    assert_eq!(reply, Ok(StreamFrame::Reply(Some(312))));
    for frame in [
        r#"{"e":"serverShutdown","E":1770123456789}"#,
        r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#,
    ] {
        assert_eq!(decoder.decode(frame.as_bytes(), &mut news), Ok(StreamFrame::Shutdown));
    }
}

const PRINT: &str = concat!(
    r#"{"e":"aggTrade","E":1672515782136,"s":"BTCUSDT","a":12345,"p":"0.00100000","#,
    r#""q":"100.25000000","f":100,"l":105,"T":1672515782134,"m":true,"M":true}"#
);
const TRADE: &str = concat!(
    r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1672515782136,"s":"BTCUSDT","t":12345,"#,
    r#""p":"0.001","q":"100","T":1672515782134136,"m":false,"X":"MARKET"}}"#
);
const FUTURES_QUOTE: &str = concat!(
    r#"{"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"s":"BTCUSDT","#,
    r#""b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000","st":1}"#
);
const FUTURES_DEPTH: &str = concat!(
    r#"{"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":1672515782136,"T":1672515782134,"#,
    r#""s":"BTCUSDT","U":157,"u":160,"pu":149,"b":[["0.0024","10"],["0.0022","0.000"]],"a":[]}}"#
);
const COMMON: [&str; 7] = [QUOTE, FUTURES_QUOTE, PRINT, TRADE, KLINE, DEPTH, FUTURES_DEPTH];

/// Words that stand in frames, and some that make other frames of them.
const WORDS: [&str; 22] = [
    r#""e""#,
    r#""u""#,
    r#""s""#,
    r#""b""#,
    r#""a""#,
    r#""T""#,
    r#""k""#,
    r#""pu""#,
    r#""id""#,
    r#""event""#,
    r#""data""#,
    r#""stream""#,
    "null",
    "true",
    "-1",
    "1e3",
    "007",
    "[]",
    "{}",
    r#""25.3""#,
    r#""trade""#,
    r#""""#,
];

/// The quick reader takes frames as the venue writes them, the other one takes all of JSON. White
/// space behind a frame means nothing and turns the quick one away: what both say must be equal.
fn read_twice(frame: &[u8]) {
    let spaced = [frame, b" "].concat();
    let [mut quick, mut whole] = [decoder(), decoder()];
    let (mut news, mut same) = (Vec::new(), Vec::new());
    let read = quick.decode(frame, &mut news);
    let again = whole.decode(&spaced, &mut same);
    let text = String::from_utf8_lossy(frame);
    match (read, again) {
        // Line and column of what is cut off differ by the space.
        (Err(DecodeError::Malformed { .. }), Err(DecodeError::Malformed { .. })) => {}
        (read, again) => assert_eq!(read, again, "{text}"),
    }
    assert_eq!((news, quick.counts()), (same, whole.counts()), "{text}");
}

#[test]
fn common_frames_are_read_alike_by_both_readers() {
    for frame in COMMON {
        read_twice(frame.as_bytes());
        let mut news = Vec::new();
        decoder().decode(frame.as_bytes(), &mut news).unwrap();
        assert_eq!(news.len(), 1, "{frame}");
    }
    for file in ["binance-spot.jsonl", "binance-usdm.jsonl", "binance-coinm.jsonl"] {
        for frame in frames(file).iter().filter(|frame| is_market(frame)) {
            read_twice(frame.raw.as_bytes());
        }
    }
    // What would make one event of the other, or come twice, or mean nothing.
    for frame in [
        r#"{"data":"x","u":1,"s":"BTCUSDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0"}"#,
        r#"{"u":1,"e":"kline","s":"BTCUSDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0"}"#,
        r#"{"u":1,"s":"BTCUSDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0","k":1}"#,
        r#"{"u":1,"s":"BTCUSDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0","id":7}"#,
        r#"{"u":1,"s":"BTCUSDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0","u":2}"#,
        r#"{"u":1,"s":"BTCUSDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0"}}"#,
        r#"{"u":1,"s":"BTCUSDT","b":"1.0","B":"-1.0","a":"2.0","A":"1.0"}"#,
        r#"{"u":1,"s":"BTC\u0055SDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0"}"#,
        r#"{"u":01,"s":"BTCUSDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0"}"#,
        r#"{"u":18446744073709551616,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}"#,
    ] {
        read_twice(frame.as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_frames_are_read_alike_by_both_readers(
        frame in prop::sample::select(COMMON.to_vec()),
        places in prop::collection::vec((any::<prop::sample::Index>(), b' '..=b'~'), 0..3),
        words in prop::collection::vec((any::<prop::sample::Index>(), 0..WORDS.len()), 0..3),
    ) {
        // A token of the frame gives way to a word.
        let mut frame = frame.to_owned();
        for (place, word) in words {
            let marks = frame.match_indices([':', ',', '{', '}']);
            let ends: Vec<usize> = marks.map(|(place, _)| place).collect();
            let index = place.index(ends.len().saturating_sub(1).max(1));
            if let [begin, end, ..] = ends[index..] {
                frame.replace_range(begin + 1..end, WORDS[word]);
            }
        }
        let mut bytes = frame.into_bytes();
        for (place, byte) in places {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        read_twice(&bytes);
    }
}

proptest! {
    #[test]
    fn damaged_frames_are_read_or_refused(
        frame in prop::sample::select(vec![QUOTE, KLINE, DEPTH]),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = frame.as_bytes().to_vec();
        for (place, byte) in places {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(cut.index(bytes.len() * 2).max(1));
        let mut news = Vec::new();
        if decoder().decode(&bytes, &mut news).is_ok() {
            for item in &news {
                if let MarketNews::Event(sighting) = item {
                    prop_assert_eq!(sighting.event.check(), Ok(()));
                }
            }
        } else {
            prop_assert!(news.is_empty());
        }
    }
}
