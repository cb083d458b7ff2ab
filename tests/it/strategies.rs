//! The three named strategies through the `Strategy` trait: reference answers of independent
//! engines, and the laws that every strategy has to keep.

use std::io::Read;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::strategy::Strategy as Arbitrary;
use serde_json::json;
use tradewright::strategy::{Advice, Advised, Event, Strategy, StrategyContext, StrategyRegistry};
use tradewright::types::{
    Bar, FactBook, Facts, Instrument, InstrumentId, Instruments, MarketEvent, Period, Side, SlotId,
    State, Timestamp,
};

/// One bar's answer: a side with its confidence, or HOLD.
type Answer = Option<(Side, f64)>;

struct Set {
    name: &'static str,
    period: Period,
    price_digits: u8,
    volume_digits: u8,
}

const SETS: [Set; 6] = [
    Set { name: "aapl_1d", period: Period::DAY, price_digits: 4, volume_digits: 0 },
    Set { name: "sp500_1d", period: Period::DAY, price_digits: 6, volume_digits: 0 },
    Set { name: "eurusd_1h", period: Period::HOUR, price_digits: 5, volume_digits: 0 },
    Set { name: "kraken_xbtusdt_1m", period: Period::MINUTE, price_digits: 1, volume_digits: 8 },
    Set { name: "btc_perp_1m_202201", period: Period::MINUTE, price_digits: 3, volume_digits: 7 },
    Set {
        name: "ethbtc_5m_201801",
        period: Period::seconds(300),
        price_digits: 8,
        volume_digits: 8,
    },
];

#[test]
fn signals_and_confidences_equal_the_reference() {
    let mut sets = 0;
    for set in &SETS {
        let (Some(bars), Some(reference)) = (bars_of(set), signals_of(set)) else { continue };
        sets += 1;
        assert_eq!(bars.len(), reference.len(), "{}", set.name);
        check_set(set, &bars, &reference);
    }
    assert!(sets >= 2, "the two sets of the project were read");
}

fn check_set(set: &Set, bars: &[(Timestamp, Bar)], reference: &[Vec<String>]) {
    let session = json!({"anchor": {"session": {"zone": "UTC", "reset": "00:00"}}});
    let cases = [
        ("MEAN_REVERSION", json!({}), 1, 2),
        ("BREAKOUT", json!({}), 3, 4),
        ("VWAP", json!({}), 5, 6),
        ("VWAP", session, 7, 8),
    ];
    for (name, parameters, side, figure) in cases {
        let mut strategy = build(name, &parameters, set.price_digits, set.volume_digits);
        let mut signals = 0;
        for (row, ((at, bar), expected)) in bars.iter().zip(reference).enumerate() {
            let answer = ask(&mut *strategy, *at, bar);
            let place = || format!("{} {name} {parameters} row {row}", set.name);
            let word = answer.map_or("HOLD".to_owned(), |(side, _)| side.to_string());
            assert_eq!(word, expected[side], "{}", place());
            let Some((_, confidence)) = answer else { continue };
            signals += 1;
            let figure: f64 = expected[figure].parse().unwrap();
            let expected = match name {
                "VWAP" => (figure.abs() / 0.04).min(1.0),
                _ => figure,
            };
            let off = (confidence - expected).abs();
            assert!(off <= 1e-9 * expected.max(1e-3), "{}: {confidence} {expected}", place());
        }
        let least = if name == "VWAP" { 0 } else { 5 };
        assert!(signals >= least, "{} {name} {signals}", set.name);
    }
}

#[test]
fn floating_point_answers_the_same_where_no_tie_is_near() {
    let set = &SETS[0];
    let (Some(bars), Some(reference)) = (bars_of(set), signals_of(set)) else { panic!("bundled") };
    let float = json!({"arithmetic": "float"});
    for (name, column, most) in [("MEAN_REVERSION", 1, 0), ("BREAKOUT", 3, 0), ("VWAP", 5, 0)] {
        let mut strategy = build(name, &float, 4, 0);
        let differences = bars
            .iter()
            .zip(&reference)
            .filter(|((at, bar), expected)| {
                let word = ask(&mut *strategy, *at, bar).map(|(side, _)| side.to_string());
                word.as_deref().unwrap_or("HOLD") != expected[column]
            })
            .count();
        assert!(differences <= most, "{name}: {differences}");
    }
}

#[test]
fn the_normal_tail_ranks_what_the_band_does_not() {
    let set = &SETS[0];
    let bars = bars_of(set).unwrap();
    let tail = json!({"confidence": "normal_tail"});
    let of = |parameters| answers(&mut *build("MEAN_REVERSION", parameters, 4, 0), &bars);
    let (band, tail) = (of(&json!({})), of(&tail));
    let mut least: f64 = 1.0;
    for (band, tail) in band.iter().zip(&tail) {
        assert_eq!(band.map(|b| b.0), tail.map(|t| t.0));
        let (Some((_, band)), Some((_, tail))) = (band, tail) else { continue };
        assert_eq!(*band, 1.0);
        // Beyond two deviations: 2 * Phi(2) - 1 = 0.9545.
        assert!((0.954_499..1.0).contains(tail), "{tail}");
        least = least.min(*tail);
    }
    assert!(least < 0.97);
}

#[test]
fn sample_deviation_and_level_form_are_what_they_say() {
    let set = &SETS[0];
    let bars = bars_of(set).unwrap();
    let of = |parameters| answers(&mut *build("MEAN_REVERSION", &parameters, 4, 0), &bars);
    let count = |answers: &[Answer]| answers.iter().flatten().count();
    let (cross, level) = (of(json!({})), of(json!({"form": "level"})));
    let sample = of(json!({"form": "level", "deviation": "sample"}));
    // Every cross is a level, and wider bands are left less often. The level form answers one bar
    // earlier.
    assert!(cross.iter().zip(&level).all(|(c, l)| c.is_none() || c == l));
    assert!(level.iter().zip(&sample).all(|(l, s)| s.is_none() || l.is_some()));
    assert!(count(&cross) < count(&level) && count(&sample) < count(&level));
}

#[test]
fn the_session_follows_the_clocks_of_its_zone() {
    // New York leaves winter time on 2026-03-08: 09:30 is 14:30 UTC before and 13:30 UTC after.
    let parameters = json!({"anchor": {"session": {"zone": "America/New_York", "reset": "09:30"}}});
    for (open, is_reset) in [
        ("2026-03-06T14:29:00Z", false),
        ("2026-03-06T14:30:00Z", true),
        ("2026-03-09T13:29:00Z", false),
        ("2026-03-09T13:30:00Z", true),
    ] {
        let mut strategy = build("VWAP", &parameters, 2, 0);
        let open: Timestamp = open.parse().unwrap();
        let minute = std::time::Duration::from_secs(60);
        let before = minute_bar([100.0; 4], 1000.0);
        assert_eq!(ask(&mut *strategy, open, &before), None);
        // Alone in a new session this bar is its own average; in the old one it is far below.
        let far = minute_bar([90.0; 4], 10.0);
        let answer = ask(&mut *strategy, open.after(minute), &far);
        assert_eq!(answer.is_none(), is_reset, "{open}");
    }
}

#[test]
fn rolling_vwap_forgets_and_waits_for_its_window() {
    let parameters = json!({"anchor": {"rolling": {"bars": 3}}});
    for arithmetic in ["ticks", "float"] {
        let mut parameters = parameters.clone();
        parameters["arithmetic"] = json!(arithmetic);
        let mut strategy = build("VWAP", &parameters, 2, 0);
        let closes = [100.0, 90.0, 95.0, 95.0, 95.0, 95.0, 90.0];
        let bars: Vec<_> =
            closes.iter().enumerate().map(|(i, &c)| (day(i), flat(c, 10.0))).collect();
        let sides: Vec<_> =
            answers(&mut *strategy, &bars).iter().map(|a| a.map(|(side, _)| side)).collect();
        let buy = Some(Side::Buy);
        assert_eq!(sides, [None, None, None, None, None, None, buy], "{arithmetic}");
    }
}

#[test]
fn a_number_off_the_grid_is_an_error_with_the_number() {
    for (name, bar, value) in [
        ("MEAN_REVERSION", bar([100.0, 101.0, 99.0, 100.005], 1.0), "close 100.005"),
        ("VWAP", bar([100.0, 101.001, 99.0, 100.0], 1.0), "high 101.001"),
        ("VWAP", bar([100.0, 101.0, 99.0, 100.0], 0.5), "volume 0.5"),
        ("BREAKOUT", bar([100.0, 101.0, 99.0, 100.0], 0.25), "volume 0.25"),
    ] {
        let mut strategy = build(name, &json!({}), 2, 0);
        let error = fault(&mut *strategy, &bar);
        assert!(error.contains(value) && error.contains("float"), "{name}: {error}");
        let mut float = build(name, &json!({"arithmetic": "float"}), 2, 0);
        assert_eq!(ask(&mut *float, day(0), &bar), None, "{name}");
    }
}

#[test]
fn impossible_bars_are_refused_and_leave_no_trace() {
    let good = [100.0, 101.0, 99.0, 100.0];
    for name in ["MEAN_REVERSION", "BREAKOUT", "VWAP"] {
        for arithmetic in ["ticks", "float"] {
            let mut strategy = build(name, &json!({"arithmetic": arithmetic}), 2, 0);
            ask(&mut *strategy, day(0), &bar(good, 1.0));
            let before = strategy.save().unwrap();
            for value in [f64::NAN, f64::INFINITY, 0.0, -5.0] {
                let mut bad = bar(good, 1.0);
                bad.close = value;
                let error = fault(&mut *strategy, &bad);
                assert!(error.contains("close"), "{name} {arithmetic} {value}: {error}");
            }
            assert_eq!(strategy.save().unwrap(), before, "{name} {arithmetic}");
        }
    }
}

#[test]
fn each_instrument_has_a_window_of_its_own() {
    let bars = bars_of(&SETS[0]).unwrap();
    let mut table = Instruments::new();
    let ids = ["A", "B", "C"].map(|symbol| {
        table.add(Instrument::stock(symbol, "USD").price_digits(4).volume_digits(0)).unwrap()
    });
    let registry = StrategyRegistry::new();
    // B is not part of the universe: its bars are passed over.
    let universe = [ids[2], ids[0]];
    let context = StrategyContext::new(&table, &universe);
    for name in ["MEAN_REVERSION", "BREAKOUT", "VWAP"] {
        let alone = answers(&mut *build(name, &json!({}), 4, 0), &bars);
        let mut pack = registry.build_default(name, &context).unwrap().strategy;
        for ((at, bar), alone) in bars.iter().zip(&alone).take(1000) {
            for id in ids {
                let bar =
                    Bar::new(id, bar.period, [bar.open, bar.high, bar.low, bar.close], bar.volume);
                let expected = alone.filter(|_| id != ids[1]);
                assert_eq!(ask(&mut *pack, *at, &bar.unwrap()), expected, "{name}");
            }
        }
    }
}

#[test]
fn a_saved_state_goes_on_where_it_was_and_fits_only_its_own_strategy() {
    let bars = bars_of(&SETS[0]).unwrap();
    for (name, parameters) in variants() {
        let whole = answers(&mut *build(name, &parameters, 4, 0), &bars);
        for cut in [0, 7, 20, 21, 333] {
            let mut first = build(name, &parameters, 4, 0);
            answers(&mut *first, &bars[..cut]);
            let state = first.save().unwrap();
            let mut second = build(name, &parameters, 4, 0);
            answers(&mut *second, &bars[500..600]);
            second.restore(&state).unwrap();
            let rest = answers(&mut *second, &bars[cut..cut + 700]);
            assert_eq!(rest, whole[cut..cut + 700], "{name} {parameters} {cut}");
        }
    }
    let state = build("BREAKOUT", &json!({}), 4, 0).save().unwrap();
    let mut other = build("BREAKOUT", &json!({"lookback": 21}), 4, 0);
    let before = other.save().unwrap();
    let error = other.restore(&state).unwrap_err().to_string();
    assert!(error.contains("BREAKOUT") && error.contains("expected"), "{error}");
    assert!(build("VWAP", &json!({}), 4, 0).restore(&state).is_err());
    for length in 0..state.len() {
        assert!(build("BREAKOUT", &json!({}), 4, 0).restore(&state[..length]).is_err());
    }
    assert_eq!(other.save().unwrap(), before);
}

#[test]
fn nothing_is_said_before_warm_up() {
    // The wildest market there is: it would signal at once if it could.
    let wild = |i: usize| {
        let price =
            if i.is_multiple_of(2) { 100.0 + i as f64 * 7.0 } else { 50.0 / (1.0 + i as f64) };
        let price = (price * 100.0).round() / 100.0;
        (day(i), flat(price, 10.0 + (i * i * i) as f64))
    };
    let bars: Vec<_> = (0..60).map(wild).collect();
    for (name, parameters) in variants() {
        let mut strategy = build(name, &parameters, 2, 0);
        let warmup = strategy.warmup();
        let first = answers(&mut *strategy, &bars).iter().position(Option::is_some);
        assert!(first.is_none_or(|first| first + 1 >= warmup), "{name} {parameters} {first:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_future_does_not_change_the_past(bars in walk(120), cut in 1usize..120) {
        for (name, parameters) in variants() {
            let whole = answers(&mut *build(name, &parameters, 2, 0), &bars);
            let part = answers(&mut *build(name, &parameters, 2, 0), &bars[..cut]);
            prop_assert_eq!(&whole[..cut], &part[..], "{}", name);
        }
    }

    #[test]
    fn confidence_is_a_fraction(bars in walk(120)) {
        for (name, parameters) in variants() {
            let answers = answers(&mut *build(name, &parameters, 2, 0), &bars);
            for (_, confidence) in answers.into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&confidence), "{} {}", name, confidence);
            }
        }
    }

    #[test]
    fn a_flat_window_never_signals(
        price in 1u32..10_000_000,
        before in walk(30),
        flat_bars in 21usize..40,
    ) {
        let price = f64::from(price) / 100.0;
        for form in ["cross", "level"] {
            for arithmetic in ["ticks", "float"] {
                let parameters = json!({"form": form, "arithmetic": arithmetic});
                let mut strategy = build("MEAN_REVERSION", &parameters, 2, 0);
                answers(&mut *strategy, &before);
                for i in 0..flat_bars {
                    let answer = ask(&mut *strategy, day(200 + i), &flat(price, 1.0));
                    prop_assert!(i < 19 || answer.is_none());
                }
            }
        }
        let mut breakout = build("BREAKOUT", &json!({}), 2, 0);
        for i in 0..flat_bars {
            let volume = 1.0 + (i * i * i) as f64;
            prop_assert_eq!(ask(&mut *breakout, day(i), &flat(price, volume)), None);
        }
    }

    #[test]
    fn the_unit_of_prices_does_not_matter(bars in walk(150), digits in 0u8..6) {
        // 123.45 in cents, and the same digits with the point elsewhere.
        let scale = 10f64.powi(i32::from(digits));
        for (name, parameters) in variants() {
            if parameters["arithmetic"] == "float" {
                continue;
            }
            let plain = answers(&mut *build(name, &parameters, 2, 0), &bars);
            let moved: Vec<_> = bars.iter().map(|(at, b)| {
                let divide = |price: f64| (price * 100.0).round() / (100.0 * scale);
                let prices = [b.open, b.high, b.low, b.close].map(divide);
                (*at, bar(prices, b.volume))
            }).collect();
            let scaled = answers(&mut *build(name, &parameters, 2 + digits, 0), &moved);
            let sides = |answers: Vec<Answer>| -> Vec<_> {
                answers.iter().map(|a| a.map(|(s, _)| s)).collect()
            };
            prop_assert_eq!(sides(plain), sides(scaled), "{} {}", name, parameters);
        }
    }
}

/// The parameter sets under which the laws are tried.
fn variants() -> Vec<(&'static str, serde_json::Value)> {
    vec![
        ("MEAN_REVERSION", json!({})),
        ("MEAN_REVERSION", json!({"window": 5, "std_dev_factor": 1.25, "form": "level"})),
        ("MEAN_REVERSION", json!({"arithmetic": "float", "confidence": "normal_tail"})),
        ("BREAKOUT", json!({})),
        ("BREAKOUT", json!({"lookback": 3, "volume_factor": 0.5})),
        ("BREAKOUT", json!({"lookback": 3, "arithmetic": "float"})),
        ("VWAP", json!({})),
        ("VWAP", json!({"anchor": {"session": {"zone": "Asia/Tokyo", "reset": "09:00"}}})),
        ("VWAP", json!({"anchor": {"rolling": {"bars": 7}}, "threshold": 0.01})),
        ("VWAP", json!({"anchor": {"rolling": {"bars": 7}}, "arithmetic": "float"})),
    ]
}

fn build(
    name: &str,
    parameters: &serde_json::Value,
    price_digits: u8,
    volume_digits: u8,
) -> Box<dyn Strategy> {
    let mut table = Instruments::new();
    let instrument = Instrument::stock("TEST", "USD");
    let id = table.add(instrument.price_digits(price_digits).volume_digits(volume_digits)).unwrap();
    let universe = [id];
    let context = StrategyContext::new(&table, &universe);
    StrategyRegistry::new().build(name, parameters, &context).unwrap().strategy
}

fn tell(strategy: &mut dyn Strategy, at: Timestamp, bar: &Bar) -> Advice {
    let (table, book, mut advice) = (Instruments::new(), FactBook::default(), Advice::new());
    let facts = Facts::new(at, SlotId(1), &table, &book);
    advice.begin(bar.instrument);
    strategy.on_event(&Event::Market(&MarketEvent::Bar(*bar)), &facts, &mut advice);
    advice
}

fn ask(strategy: &mut dyn Strategy, at: Timestamp, bar: &Bar) -> Answer {
    let advice = tell(strategy, at, bar);
    assert_eq!(advice.error(), None);
    match advice.items() {
        [] => None,
        [Advised::Signal(signal)] => {
            assert_eq!(signal.instrument, bar.instrument);
            Some((signal.side, signal.confidence.value()))
        }
        other => panic!("{other:?}"),
    }
}

fn fault(strategy: &mut dyn Strategy, bar: &Bar) -> String {
    tell(strategy, day(1), bar).error().expect("a refusal").to_string()
}

fn answers(strategy: &mut dyn Strategy, bars: &[(Timestamp, Bar)]) -> Vec<Answer> {
    bars.iter().map(|(at, bar)| ask(strategy, *at, bar)).collect()
}

fn bar(ohlc: [f64; 4], volume: f64) -> Bar {
    Bar::new(InstrumentId(0), Period::DAY, ohlc, volume).unwrap()
}

fn flat(price: f64, volume: f64) -> Bar {
    bar([price; 4], volume)
}

fn minute_bar(ohlc: [f64; 4], volume: f64) -> Bar {
    Bar::new(InstrumentId(0), Period::MINUTE, ohlc, volume).unwrap()
}

fn day(index: usize) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + 86_400 * index as i64).unwrap()
}

/// A random walk in cents with volumes in units; now and then a bar stands still or jumps.
fn walk(length: usize) -> impl Arbitrary<Value = Vec<(Timestamp, Bar)>> {
    let step = (-30i64..=30, 0i64..20, 0i64..20, 0u32..5, 0u32..60);
    (10_000i64..20_000, prop::collection::vec(step, length)).prop_map(|(start, steps)| {
        let mut close = start;
        let mut bars = Vec::new();
        for (index, (change, up, down, calm, volume)) in steps.into_iter().enumerate() {
            let open = close;
            let factor = if volume == 59 { 40 } else { 1 };
            close = (close + if calm == 0 { 0 } else { change * factor }).max(100);
            let cents = |cents: i64| cents as f64 / 100.0;
            let (high, low) = (open.max(close) + up, (open.min(close) - down).max(1));
            let prices = [open, high, low, close].map(cents);
            bars.push((day(index), bar(prices, f64::from(volume))));
        }
        bars
    })
}

/// The bars of a set with their closing times; `None` when the set is not on this machine.
fn bars_of(set: &Set) -> Option<Vec<(Timestamp, Bar)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = shared().join("market-data");
    let text = read(&root.join(format!("examples/data/{}.csv", set.name)))
        .or_else(|| read(&shared.join(format!("packages/{}.csv", set.name))))
        .or_else(|| read(&shared.join(format!("fetched/{}.csv.gz", set.name))))?;
    let rows = rows(&text).into_iter().map(|cells| {
        let number = |index: usize| cells[index].parse::<f64>().unwrap();
        let open = Timestamp::from_millis(cells[0].parse().unwrap()).unwrap();
        let ohlc = [number(1), number(2), number(3), number(4)];
        let bar = Bar::new(InstrumentId(0), set.period, ohlc, number(5)).unwrap();
        (open.after(set.period.span().unwrap()), bar)
    });
    Some(rows.collect())
}

fn signals_of(set: &Set) -> Option<Vec<Vec<String>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join(format!("tests/data/reference/{}/signals.csv.gz", set.name));
    let shared = shared().join(format!("reference/{}/signals.csv.gz", set.name));
    Some(rows(&read(&own).or_else(|| read(&shared))?))
}

fn shared() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("TRADEWRIGHT_SHARED").map_or_else(beside, PathBuf::from)
}

fn read(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    Some(text)
}

fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}
