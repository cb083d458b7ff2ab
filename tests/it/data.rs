//! Data sets: files, their faults, merging and resampling.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use flate2::read::GzDecoder;
use proptest::prelude::*;
use tradewright::backtest::{
    BarColumn, CsvBars, CsvPrints, IssueKind, Resampler, SourceError, Stamp, Tape, TimeFormat,
    Timed, merge,
};
use tradewright::types::{
    Bar, Instrument, InstrumentBuilder, InstrumentId, Instruments, MarketEvent, Period, Print,
    Timestamp,
};

const FIRST: InstrumentId = InstrumentId(0);

fn example(name: &str) -> String {
    format!("{}/examples/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A file of the optional folder of shared data, `None` (with a note) where it is absent.
fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TRADEWRIGHT_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")),
        PathBuf::from,
    );
    let path = folder.join(name);
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn unzipped(path: &PathBuf) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

fn bars(tape: &Tape, period: Period) -> Vec<(Timestamp, Bar)> {
    tape.bars(FIRST, period).map(|(at, bar)| (at, *bar)).collect()
}

fn stock() -> InstrumentBuilder {
    Instrument::stock("X", "USD")
}

fn text(rows: &str) -> CsvBars<'_> {
    CsvBars::from_reader(rows.as_bytes(), "x.csv")
}

fn refusal(rows: &str) -> String {
    text(rows).load(stock()).unwrap_err().to_string()
}

#[test]
fn the_bundled_share_loads_with_its_own_digits() {
    let tape = CsvBars::open(example("aapl_1d.csv")).load(Instrument::stock("AAPL", "USD"));
    let tape = tape.unwrap();
    assert_eq!(tape.len(), 3_270);
    let instrument = &tape.instruments()[FIRST];
    assert_eq!(instrument.price_grid.digits(), 4, "as in 14.2675");
    assert_eq!(instrument.volume_grid.digits(), 0);
    let bars = bars(&tape, Period::DAY);
    let (at, first) = bars[0];
    assert_eq!(at.to_string(), "2000-03-02T00:00:00Z", "a bar is an event at its close");
    assert_eq!((first.open, first.close, first.volume), (118.56, 130.31, 9_616_100.0));
    let gaps: Vec<_> =
        tape.issues().iter().map(|issue| (issue.at.to_string(), issue.kind)).collect();
    // After the eleventh of September, New Year with a day of mourning, and the hurricane.
    let closed = [("2001-09-18", 4), ("2007-01-04", 2), ("2012-11-01", 2)];
    let closed =
        closed.map(|(day, missing)| (format!("{day}T00:00:00Z"), IssueKind::Gap { missing }));
    assert_eq!(gaps, closed);
}

#[test]
fn adjusted_prices_have_no_split_and_keep_the_traded_value() {
    let share = Instrument::stock("AAPL", "USD");
    let raw = CsvBars::open(example("aapl_1d.csv")).load(share.clone()).unwrap();
    let adjusted = CsvBars::open(example("aapl_1d.csv")).adjusted_by("adj_close").load(share);
    let adjusted = adjusted.unwrap();
    assert_eq!(adjusted.instruments()[FIRST].price_grid.digits(), 6);
    let worst = |tape: &Tape| {
        let closes: Vec<f64> = bars(tape, Period::DAY).iter().map(|(_, bar)| bar.close).collect();
        let falls = closes.windows(2).map(|pair| pair[1] / pair[0] - 1.0);
        falls.enumerate().filter(|(_, fall)| *fall < -0.4).count()
    };
    assert_eq!((worst(&raw), worst(&adjusted)), (3, 1), "two splits, and one real fall");
    for ((_, raw), (_, bar)) in bars(&raw, Period::DAY).iter().zip(bars(&adjusted, Period::DAY)) {
        let value = raw.close * raw.volume;
        assert!((bar.close * bar.volume / value - 1.0).abs() < 1e-5, "{raw:?} {bar:?}");
        assert!(bar.check().is_ok());
    }
    let (_, first) = bars(&adjusted, Period::DAY)[0];
    assert_eq!(first.close, 4.186663, "the file's 4.186662803811");
}

const HEAD: &str = "time,open,high,low,close,volume\n";

#[test]
fn strict_readers_name_file_line_and_column() {
    let cases = [
        ("2026-01-05,1,1,1,x,1\n", "x.csv:2:close: `x` is no finite number"),
        ("2026-01-05,1,1,1,NaN,1\n", "x.csv:2:close: `NaN` is no finite number"),
        ("2026-01-05,1,1,1,,1\n", "x.csv:2:close: `` is no finite number"),
        ("5/1/26,1,1,1,1,1\n", "x.csv:2:time: `5/1/26` is no RFC 3339 time or date"),
        ("2026-01-05,1,1,1\n", "x.csv:2: 4 cells, the header has 6"),
        ("2026-01-05,1,1,1,0,1\n", "x.csv:2: close 0 is not above zero"),
        ("2026-01-05,1,1,1,1,-1\n", "x.csv:2: volume -1 is negative"),
        ("2026-01-05,2,1,1,1,1\n", "x.csv:2: open 2 lies outside of 1 to 1"),
        (
            "2026-01-06,1,1,1,1,1\n\n2026-01-05,1,1,1,1,1\n",
            "x.csv:4: time goes back from 2026-01-06T00:00:00Z to 2026-01-05T00:00:00Z",
        ),
        (
            "2026-01-06,1,1,1,1,1\r\n\r\n2026-01-06,1,1,1,1,1\r\n",
            "x.csv:4: a second bar of 2026-01-06T00:00:00Z, the first is in line 2",
        ),
        ("", "x.csv: no data"),
        (
            "2026-01-05,1,1,1,1.0000000000000001,1\n",
            "x.csv:2:close: `1.0000000000000001` is no number on a grid that holds the largest \
             of its kind (2^51 ticks at most; snap rounds to digits that are set)",
        ),
        (
            "2026-01-05,9e20,9e20,9e20,9e20,1\n",
            "x.csv:2:open: `900000000000000000000` is no price on the instrument's data grid",
        ),
    ];
    for (rows, expected) in cases {
        assert_eq!(refusal(&format!("{HEAD}{rows}")), expected);
    }
    assert_eq!(refusal(""), "x.csv: no data");
    let found = "x.csv: no column `high`, found time,open";
    assert_eq!(refusal("time,open\n2026-01-05,1\n"), found);
    let period = "x.csv: the period cannot be told from 1 rows, set it";
    assert_eq!(refusal(&format!("{HEAD}2026-01-05T10:00:00Z,1,1,1,1,1\n")), period);
    let absent = CsvBars::open("absent.csv").load(stock());
    assert!(matches!(absent, Err(SourceError::File { .. })));
}

#[test]
fn lenient_readers_repair_and_report() {
    let rows = format!(
        "{HEAD}2026-01-07,1,1,1,1,7\n2026-01-05,1,1,1,1,5\n2026-01-07,9,9,9,9,9\n\
         2026-01-06,2,1,1,1,6\n"
    );
    let tape = text(&rows).lenient().load(stock()).unwrap();
    let volumes: Vec<f64> = bars(&tape, Period::DAY).iter().map(|(_, bar)| bar.volume).collect();
    assert_eq!(volumes, [5.0, 6.0, 7.0], "in order, the first of two kept");
    let mut issues: Vec<_> = tape.issues().iter().map(|i| (i.line, i.kind)).collect();
    issues.sort_by_key(|issue| issue.0);
    assert_eq!(
        issues,
        [
            (3, IssueKind::Unsorted),
            (4, IssueKind::Duplicate),
            (5, IssueKind::Unsorted),
            (5, IssueKind::Widened),
        ]
    );
    let refused = text(&format!("{HEAD}2026-01-05,1,1,1,.,1\n")).lenient().load(stock());
    assert!(matches!(refused, Err(SourceError::BadCell { line: 2, .. })), "no number stays wrong");
}

#[test]
fn names_units_and_stamps_can_be_set() {
    let rows = "Zeit;o;High;LOW;Close;Menge;ts\n31.01.2026 16:00;1;2;0,5;1;7;x\n";
    let rows = rows.replace("0,5", "0.5");
    let tape = text(&rows)
        .delimiter(b';')
        .column(BarColumn::Time, "zeit")
        .column(BarColumn::Open, "o")
        .column(BarColumn::Volume, "menge")
        .time(TimeFormat::local("%d.%m.%Y %H:%M", chrono_tz::Europe::Berlin))
        .stamped(Stamp::Close)
        .period(Period::HOUR)
        .load(stock())
        .unwrap();
    assert_eq!(tape.events()[0].at.to_string(), "2026-01-31T15:00:00Z");
    assert_eq!(tape.instruments()[FIRST].price_grid.digits(), 2, "not coarser than the tick");

    let close_at = |time: &str| {
        let rows = format!("time,open,high,low,close,volume\n{time},1,1,1,1,1\n");
        text(&rows).period(Period::MINUTE).load(stock()).unwrap().events()[0].at.nanos()
    };
    let minute = 60_000_000_000;
    assert_eq!(close_at("1700000000"), 1_700_000_000_000_000_000 + minute);
    assert_eq!(close_at("1700000000123"), 1_700_000_000_123_000_000 + minute);
    assert_eq!(close_at("1700000000123456"), 1_700_000_000_123_456_000 + minute);
    assert_eq!(close_at("1700000000123456789"), 1_700_000_000_123_456_789 + minute);
    assert_eq!(close_at("1970-01-01T00:00:00Z"), minute);
}

#[test]
fn a_finer_cell_is_refused_unless_it_may_be_snapped() {
    let rows = format!("{HEAD}2026-01-05,1.001,1.001,1.001,1.001,5.4\n");
    let refused = text(&rows).load(stock().price_digits(2)).unwrap_err().to_string();
    assert_eq!(refused, "x.csv:2:open: `1.001` is no price on the instrument's data grid");
    let refused = text(&rows).load(stock().volume_digits(0)).unwrap_err().to_string();
    assert_eq!(refused, "x.csv:2:volume: `5.4` is no volume on the instrument's data grid");
    let tape = text(&rows).snap().load(stock()).unwrap();
    let (_, bar) = bars(&tape, Period::DAY)[0];
    assert_eq!((bar.open, bar.volume), (1.0, 5.0), "tick and step of the share");
    assert!(text(&rows).load(stock()).is_ok(), "digits of the file");
    let mut table = Instruments::new();
    let id = table.add(stock()).unwrap();
    assert!(text(&rows).read(id, &table).is_err(), "the table's grid is given");
    assert!(text(&rows).read(InstrumentId(7), &table).is_err());
}

#[test]
fn several_files_share_one_tape() {
    let mut tape =
        CsvBars::open(example("aapl_1d.csv")).load(Instrument::stock("AAPL", "USD")).unwrap();
    let index = CsvBars::open(example("sp500_1d.csv"));
    let index = index.load_into(&mut tape, Instrument::stock("SPX", "USD")).unwrap();
    assert_eq!((index, tape.len()), (InstrumentId(1), 3_270 + 5_031));
    assert!(tape.events().is_sorted_by_key(|timed| timed.at));
    let again = CsvBars::open(example("fb_1d.csv")).load_into(&mut tape, stock());
    assert_eq!(again.unwrap(), InstrumentId(2));
    let twice = CsvBars::open(example("fb_1d.csv")).load_into(&mut tape, stock());
    assert!(matches!(twice, Err(SourceError::Instrument(_))));
    assert_eq!(tape.instruments().len(), 3, "a refused file leaves no trace");

    let one = CsvBars::open(example("fb_1d.csv")).load(Instrument::stock("FB", "USD")).unwrap();
    let merged = Tape::merge([tape.clone(), one.clone()]).unwrap();
    assert_eq!(merged.len(), tape.len() + one.len());
    assert_eq!(merged.instruments().iter().map(|i| i.id.0).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(merged.instruments()[InstrumentId(3)].symbol.as_str(), "FB");
    assert_eq!(merged.bars(InstrumentId(3), Period::DAY).count(), one.len());
    assert!(Tape::merge([one.clone(), one]).is_err(), "a symbol twice");
}

#[test]
fn cells_that_hold_a_dot_are_refused_with_their_place() {
    let Some(path) = shared("market-data/packages/wti_1d_close.csv") else { return };
    let mut reader = CsvBars::open(path).without_volume();
    for part in [BarColumn::Open, BarColumn::High, BarColumn::Low] {
        reader = reader.column(part, "close");
    }
    let error = reader.load(Instrument::stock("WTI", "USD")).unwrap_err();
    let SourceError::BadCell { line, column, text, .. } = error else { panic!("{error}") };
    assert_eq!((line, column.as_str(), text.as_str()), (34, "close", "."));
}

#[test]
fn month_end_labels_close_when_the_month_does() {
    let Some(path) = shared("market-data/packages/btcusd_1mo.csv") else { return };
    let day = Duration::from_secs(86_400);
    let coin = || Instrument::spot("BTCUSD", "BTC", "USD");
    let error = CsvBars::open(&path).load(coin()).unwrap_err();
    let SourceError::BadCell { line, column, .. } = error else { panic!("{error}") };
    assert_eq!((line, column.as_str()), (44, "volume"), "397787.41249925003 is no exact sum");
    let reader = CsvBars::open(path).stamped(Stamp::Before(day)).snap();
    let tape = reader.load(coin().volume_digits(8)).unwrap();
    assert_eq!(tape.len(), 156);
    assert_eq!(tape.events()[0].at.to_string(), "2012-02-01T00:00:00Z");
    assert_eq!(tape.events()[155].at.to_string(), "2025-01-01T00:00:00Z");
    assert_eq!(tape.issues(), [], "months differ in length, none is missing");
}

#[test]
fn holes_in_hourly_bars_are_reported() {
    let Some(path) = shared("market-data/packages/eurusd_1h.csv") else { return };
    let euro = Instrument::spot("EURUSD", "EUR", "USD").tick("0.00001");
    let tape = CsvBars::open(&path).load(euro.clone()).unwrap();
    assert_eq!(tape.len(), 5_000);
    let gaps = tape.issues().iter().map(|issue| match issue.kind {
        IssueKind::Gap { missing } => missing,
        other => panic!("{other:?}"),
    });
    let gaps: Vec<u64> = gaps.collect();
    let bars = bars(&tape, Period::HOUR);
    let hours = bars[4_999].0.since(bars[0].0).as_secs() / 3_600;
    assert_eq!(gaps.iter().sum::<u64>() + 4_999, hours, "bars and holes fill the span");
    assert_eq!(gaps.iter().max(), Some(&72), "the longest holiday");
    let weekends = CsvBars::open(path).tolerating(Duration::from_secs(49 * 3_600)).load(euro);
    let holidays = weekends.unwrap().issues().len();
    assert!(0 < holidays && holidays < gaps.len() / 4, "{holidays} of {}", gaps.len());
}

#[test]
fn files_of_other_makers_can_be_read() {
    let Some(path) = shared("market-data/fetched/raw_mplfinance_SP500_NOV2019_IDay.csv.gz") else {
        return;
    };
    let rows = unzipped(&path);
    let new_york = chrono_tz::America::New_York;
    let tape = text(&rows).time(TimeFormat::local("%m/%d/%Y %H:%M", new_york)).load(stock());
    let tape = tape.unwrap();
    let (at, first) = bars(&tape, Period::MINUTE)[0];
    assert_eq!(at.to_string(), "2019-11-05T14:31:00Z");
    assert_eq!(
        (first.open, first.high, first.low, first.close),
        (3080.8, 3081.47, 3080.3, 3080.49)
    );

    let Some(path) = shared("market-data/fetched/xrp_usdt_perp_1h_mark.csv.gz") else { return };
    let rows = unzipped(&path);
    let refused = text(&rows).load(stock()).unwrap_err().to_string();
    assert_eq!(refused, "x.csv:2:volume: `nan` is no finite number");
    let marks = text(&rows).without_volume().snap().load(stock().price_digits(5)).unwrap();
    assert!(marks.events().iter().all(|timed| timed.event.check().is_ok()));

    let Some(path) = shared("market-data/fetched/adabtc_5m_201801.csv.gz") else { return };
    let rows = unzipped(&path);
    assert!(matches!(text(&rows).load(stock()), Err(SourceError::BadCell { .. })));
    let ada = Instrument::spot("ADABTC", "ADA", "BTC").price_digits(8).volume_digits(8);
    let tape = text(&rows).snap().load(ada).unwrap();
    let missing = tape.issues().iter().map(|issue| match issue.kind {
        IssueKind::Gap { missing } => missing,
        other => panic!("{other:?}"),
    });
    assert_eq!((tape.issues().len(), missing.sum::<u64>()), (5, 40), "40 bars in 5 holes");
    assert_eq!(bars(&tape, Period::minutes(5))[0].1.open, 0.0000533);
}

#[test]
fn prints_make_the_minutes_that_the_venue_makes() {
    let Some(path) = shared("market-data/packages/kraken_xbtusdt_trades.csv") else { return };
    let Some(minutes) = shared("market-data/packages/kraken_xbtusdt_1m.csv") else { return };
    let coin = Instrument::spot("XBTUSDT", "XBT", "USDT").tick("0.1").volume_digits(8);
    let tape = CsvPrints::open(path).load(coin.clone()).unwrap();
    assert_eq!(tape.len(), 1_000);
    assert_eq!(tape.events()[0].at.nanos(), 1_762_795_433_971_744_500);
    let tape = tape.with_resampled(FIRST, Period::MINUTE).unwrap();
    let made = bars(&tape, Period::MINUTE);
    let theirs = CsvBars::open(minutes).load(coin).unwrap();
    let theirs = bars(&theirs, Period::MINUTE);
    // The first minute of the prints is cut off by the start of the file.
    let mut compared = 0;
    for (at, bar) in &made[1..] {
        let (_, their) = theirs.iter().find(|(close, _)| close == at).unwrap();
        assert_eq!(bar, their, "{at}");
        compared += 1;
    }
    let traded = theirs.iter().filter(|(at, bar)| *at >= made[1].0 && bar.volume > 0.0).count();
    assert!(compared > 100 && traded - compared <= 1, "{compared} of {traded}");
}

#[test]
fn streamed_trades_make_the_reference_seconds() {
    let stream = "market-data/fetched/binance_spot_btcusdt_20240808.stream.gz";
    let Some(stream) = shared(stream) else { return };
    let reference = "reference/ticks_binance_spot_btcusdt_20240808/trades_1s.csv.gz";
    let Some(reference) = shared(reference) else { return };
    let coin = || Instrument::spot("BTCUSDT", "BTC", "USDT").step("0.00001");
    let mut table = Instruments::new();
    let id = table.add(coin()).unwrap();
    let mut seconds = Resampler::from_prints(&table[id], Period::seconds(1));
    let mut made = Vec::new();
    let mut count = 0;
    for line in unzipped(&stream).lines().filter(|line| line.contains("btcusdt@trade")) {
        let (_, json) = line.split_once(' ').unwrap();
        let message: serde_json::Value = serde_json::from_str(json).unwrap();
        let number = |key: &str| message["data"][key].as_str().unwrap().parse::<f64>().unwrap();
        let print =
            Print { instrument: id, price: number("p"), quantity: number("q"), taker: None };
        let at = Timestamp::from_millis(message["data"]["T"].as_i64().unwrap()).unwrap();
        seconds.on_event(at, &MarketEvent::Print(print), &mut made).unwrap();
        count += 1;
    }
    seconds.flush(seconds.closes_at().unwrap(), &mut made);
    assert_eq!(count, 9_757);
    let rows = unzipped(&reference);
    let reader = text(&rows).period(Period::seconds(1)).column(BarColumn::Time, "timestamp_ms");
    let expected: Vec<Timed> = reader.read(id, &table).unwrap().map(Result::unwrap).collect();
    assert_eq!(made, expected, "open, high, low, close, volume and time of {} bars", made.len());
    assert!(expected.len() > 300);
}

#[test]
fn coarser_bars_follow_the_finer_ones_of_their_time() {
    let tape = CsvBars::open(example("sp500_1d.csv")).load(stock()).unwrap();
    let (week, day) = (Period::minutes(7 * 24 * 60), Period::DAY);
    let days = bars(&tape, day);
    let tape = tape.with_resampled(FIRST, week).unwrap();
    assert!(tape.events().is_sorted_by_key(|timed| timed.at));
    let weeks = bars(&tape, week);
    assert_eq!(weeks[0].0.to_string(), "1999-01-11T00:00:00Z", "weeks begin on Mondays");
    let (_, first) = weeks[0];
    let five: Vec<&Bar> = days[..5].iter().map(|(_, bar)| bar).collect();
    assert_eq!((first.open, first.close), (five[0].open, five[4].close));
    assert_eq!(first.high, five.iter().map(|bar| bar.high).fold(0.0, f64::max));
    assert_eq!(first.volume, five.iter().map(|bar| bar.volume).sum::<f64>());
    let twice = tape.clone().with_resampled(FIRST, week).unwrap_err().to_string();
    assert_eq!(twice, "instrument number 0 has bars of 7d already");
    let finer = tape.clone().with_resampled(FIRST, Period::HOUR).unwrap_err().to_string();
    assert_eq!(finer, "bars of 1h cannot be made from bars of 1d");
    assert!(tape.with_resampled(InstrumentId(9), week).is_err());

    let minute = |close: i64| (close, Period::MINUTE);
    let rows: String = (0..12).map(|n| format!("{},1,1,1,1,1\n", 1_700_000_100 + 60 * n)).collect();
    let tape = text(&format!("{HEAD}{rows}")).load(stock()).unwrap();
    let tape = tape.with_resampled(FIRST, Period::minutes(5)).unwrap();
    let order = tape.events().iter().map(|timed| match &timed.event {
        MarketEvent::Bar(bar) => (timed.at.millis() / 1_000 - 1_700_000_100, bar.period),
        other => panic!("{other:?}"),
    });
    let order: Vec<(i64, Period)> = order.collect();
    let five = |close: i64| (close, Period::minutes(5));
    let expected: Vec<(i64, Period)> = (1..=12)
        .flat_map(|n| match n % 5 {
            0 => vec![minute(60 * n), five(60 * n)],
            _ => vec![minute(60 * n)],
        })
        .collect();
    assert_eq!(order, expected, "the third five minutes are not complete");
}

#[test]
fn prints_volume_and_value_close_bars_without_splitting_a_print() {
    let made = |period: Period, trades: &[(f64, f64)]| {
        let mut table = Instruments::new();
        let id = table.add(Instrument::spot("X", "X", "USD").step("0.1")).unwrap();
        let mut resampler = Resampler::from_prints(&table[id], period);
        let mut out = Vec::new();
        for (second, &(price, quantity)) in (0..).zip(trades) {
            let print = Print { instrument: id, price, quantity, taker: None };
            let at = Timestamp::from_secs(second).unwrap();
            resampler.on_event(at, &MarketEvent::Print(print), &mut out).unwrap();
        }
        let bars = out.into_iter().map(|timed| match timed.event {
            MarketEvent::Bar(bar) => (timed.at.millis() / 1_000, bar.close, bar.volume),
            other => panic!("{other:?}"),
        });
        bars.collect::<Vec<_>>()
    };
    let trades = [(10.0, 0.1), (11.0, 0.2), (12.0, 5.0), (9.0, 0.7), (8.0, 0.3)];
    assert_eq!(made(Period::prints(2), &trades), [(1, 11.0, 0.3), (3, 9.0, 5.7)]);
    assert_eq!(made(Period::volume(1), &trades), [(2, 12.0, 5.3), (4, 8.0, 1.0)]);
    let worth = [(10.0, 0.1), (9.0, 0.1), (10.0, 0.2), (100.0, 0.3)];
    assert_eq!(made(Period::value(3), &worth), [(2, 10.0, 0.4), (3, 100.0, 0.3)]);
}

fn prints() -> impl Strategy<Value = Vec<(u64, i64, i64)>> {
    // Milliseconds since the print before, cents, thousandths.
    prop::collection::vec((0..90_000_u64, 1..100_000_i64, 1..1_000_000_i64), 1..120)
}

fn tape_of(trades: &[(u64, i64, i64)]) -> Tape {
    let mut table = Instruments::new();
    let id = table.add(Instrument::spot("X", "X", "USD").step("0.001")).unwrap();
    let mut tape = Tape::new(table);
    let mut at = Timestamp::from_secs(1_700_000_000).unwrap();
    for &(wait, cents, thousandths) in trades {
        at = at.after(Duration::from_millis(wait));
        let (price, quantity) = (cents as f64 / 100.0, thousandths as f64 / 1_000.0);
        let print = Print { instrument: id, price, quantity, taker: None };
        tape.push(at, MarketEvent::Print(print)).unwrap();
    }
    tape
}

fn resampled(tape: &Tape, mut resampler: Resampler) -> Vec<(Timestamp, Bar)> {
    let mut out = Vec::new();
    for timed in tape.events() {
        resampler.on_event(timed.at, &timed.event, &mut out).unwrap();
    }
    let end = tape.events().last().unwrap().at;
    resampler.flush(resampler.closes_at().unwrap_or(end), &mut out);
    let bars = out.into_iter().map(|timed| match timed.event {
        MarketEvent::Bar(bar) => (timed.at, bar),
        other => panic!("{other:?}"),
    });
    bars.collect()
}

proptest! {
    #[test]
    fn resampling_conserves_volume_extremes_and_count(
        trades in prints(),
        seconds in 1..400_u32,
        count in 1..20_u32,
        units in 1..4_000_u32,
    ) {
        let tape = tape_of(&trades);
        let instrument = &tape.instruments()[FIRST];
        let volume: i64 = trades.iter().map(|trade| trade.2).sum();
        let high = trades.iter().map(|trade| trade.1).max().unwrap() as f64 / 100.0;
        let low = trades.iter().map(|trade| trade.1).min().unwrap() as f64 / 100.0;
        let periods = [
            Period::seconds(seconds),
            Period::prints(count),
            Period::volume(units),
            Period::value(units),
        ];
        for period in periods {
            let made = resampled(&tape, Resampler::from_prints(instrument, period));
            let ticks = made.iter().map(|(_, bar)| instrument.volume_grid.ticks(bar.volume));
            prop_assert_eq!(ticks.map(Option::unwrap).sum::<i64>(), volume);
            prop_assert_eq!(made.iter().map(|(_, bar)| bar.high).fold(0.0, f64::max), high);
            prop_assert_eq!(made.iter().map(|(_, bar)| bar.low).fold(1e9, f64::min), low);
            prop_assert!(made.iter().all(|(_, bar)| bar.check().is_ok()));
            prop_assert!(made.is_sorted_by_key(|(at, _)| *at));
        }
        let made = resampled(&tape, Resampler::from_prints(instrument, Period::prints(count)));
        prop_assert_eq!(made.len(), trades.len().div_ceil(count as usize));
        let made = resampled(&tape, Resampler::from_prints(instrument, Period::seconds(seconds)));
        let span = 1_000_000_000 * i64::from(seconds);
        let places = tape.events().iter().map(|t| t.at.nanos() / span);
        let mut places: Vec<i64> = places.collect();
        places.dedup();
        prop_assert_eq!(made.len(), places.len(), "one bar per period with a print");
        let before = tape.events().iter().all(|timed| {
            made.iter().any(|(at, _)| {
                *at > timed.at && at.since(timed.at).as_secs() <= u64::from(seconds)
            })
        });
        prop_assert!(before, "a bar closes after the last of its prints");
    }

    /// Bars of bars are the bars of the prints.
    #[test]
    fn resampling_in_two_steps_equals_one(trades in prints(), factor in 2..30_u32) {
        let tape = tape_of(&trades);
        let coarse = Period::seconds(30 * factor);
        let instrument = &tape.instruments()[FIRST];
        let direct = resampled(&tape, Resampler::from_prints(instrument, coarse));
        let fine = resampled(&tape, Resampler::from_prints(instrument, Period::seconds(30)));
        let mut second = Tape::new(tape.instruments().clone());
        for (at, bar) in fine {
            second.push(at, MarketEvent::Bar(bar)).unwrap();
        }
        let twice = Resampler::from_bars(instrument, Period::seconds(30), coarse).unwrap();
        prop_assert_eq!(resampled(&second, twice), direct);
    }

    /// A resampler that was saved in the middle of a stream goes on as if it had not been.
    #[test]
    fn a_saved_resampler_goes_on(trades in prints(), cut in 0..120_usize) {
        let tape = tape_of(&trades);
        let whole = Resampler::from_prints(&tape.instruments()[FIRST], Period::MINUTE);
        let (mut saved, mut out) = (whole.clone(), Vec::new());
        for (index, timed) in tape.events().iter().enumerate() {
            if index == cut {
                saved = serde_json::from_str(&serde_json::to_string(&saved).unwrap()).unwrap();
            }
            saved.on_event(timed.at, &timed.event, &mut out).unwrap();
        }
        let expected = tape.with_resampled(FIRST, Period::MINUTE).unwrap();
        let made = expected.bars(FIRST, Period::MINUTE);
        let timed = |(at, &bar): (Timestamp, _)| Timed { at, event: MarketEvent::Bar(bar) };
        let made: Vec<_> = made.map(timed).collect();
        prop_assert_eq!(out, made);
    }

    #[test]
    fn merging_is_sorted_and_stable(
        sources in prop::collection::vec(prop::collection::vec(0..20_u64, 0..20), 0..6),
    ) {
        let streams: Vec<Vec<Timed>> = (0..)
            .zip(&sources)
            .map(|(index, waits): (u32, _)| {
                let mut at = Timestamp::EPOCH;
                let timed = |(number, wait): (u32, &u64)| {
                    at = at.after(Duration::from_secs(wait / 10));
                    let (price, quantity) = (1.0, f64::from(number + 1));
                    let instrument = InstrumentId(index);
                    let print = Print { instrument, price, quantity, taker: None };
                    Timed { at, event: MarketEvent::Print(print) }
                };
                (0..).zip(waits).map(timed).collect()
            })
            .collect();
        let mut expected: Vec<Timed> = streams.concat();
        expected.sort_by_key(|timed| timed.at);
        let sources = streams.into_iter().map(|stream| stream.into_iter().map(Ok));
        let merged: Result<Vec<Timed>, SourceError> = merge(sources).collect();
        prop_assert_eq!(merged.unwrap(), expected);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = CsvBars::from_reader(&bytes[..], "bytes").lenient().load(stock());
        let _ = CsvPrints::from_reader(&bytes[..], "bytes").lenient().load(stock());
    }

    /// Soup of the letters that a file of numbers is made of reaches the code behind the header.
    #[test]
    fn arbitrary_cells_never_panic(cells in "([-0-9.eE+:TZ,\n\" ]|,|\n|1e308|2026-01-05){0,120}") {
        let rows = format!("time,open,high,low,close,volume\n{cells}");
        let _ = text(&rows).lenient().snap().load(stock());
        let _ = text(&rows).adjusted_by("volume").lenient().load(stock());
        let rows = format!("timestamp,price,size\n{cells}");
        let _ = CsvPrints::from_reader(rows.as_bytes(), "x.csv").lenient().load(stock());
    }

    #[test]
    fn bars_that_were_written_are_read_back(
        rows in prop::collection::vec(
            (1..500_u64, 1..1_000_000_i64, 0..10_000_i64, 0..9_i64), 1..50,
        ),
    ) {
        let mut written = HEAD.to_owned();
        let mut expected = Vec::new();
        let mut open = Timestamp::from_secs(1_600_000_000).unwrap();
        for &(minutes, low, range, volume) in &rows {
            open = open.after(Duration::from_secs(60 * minutes));
            let (low, high) = (low as f64 / 1e4, (low + range) as f64 / 1e4);
            let volume = volume as f64 / 8.0;
            written += &format!("{},{low},{high},{low},{high},{volume}\n", open.millis());
            let bar = Bar::new(FIRST, Period::MINUTE, [low, high, low, high], volume).unwrap();
            expected.push((open.after(Duration::from_secs(60)), bar));
        }
        let tape = text(&written).period(Period::MINUTE).load(stock()).unwrap();
        prop_assert_eq!(bars(&tape, Period::MINUTE), expected);
        let missing: u64 = tape.issues().iter().map(|issue| match issue.kind {
            IssueKind::Gap { missing } => missing,
            other => panic!("{other:?}"),
        }).sum();
        let spread: u64 = rows[1..].iter().map(|row| row.0 - 1).sum();
        prop_assert_eq!(missing, spread, "every missing bar is counted");
    }
}

#[test]
fn a_source_that_fails_ends_the_merger_with_its_error() {
    let print = |second: i64| {
        let print = Print { instrument: FIRST, price: 1.0, quantity: 1.0, taker: None };
        Timed { at: Timestamp::from_secs(second).unwrap(), event: MarketEvent::Print(print) }
    };
    let good = vec![Ok(print(1)), Ok(print(5))];
    let back = vec![Ok(print(2)), Ok(print(1)), Ok(print(9))];
    let merged: Vec<_> = merge([good.into_iter(), back.into_iter()]).collect();
    let times: Vec<_> = merged.iter().map(|item| item.as_ref().map(|t| t.at.millis())).collect();
    assert!(matches!(times[..], [Ok(1_000), Ok(2_000), Err(_)]), "{times:?}");
}
