//! Determinism: golden hashes, threads, replay, save and restore in the middle, look-ahead.

use tradewright::backtest::{
    Backtest, CsvBars, Decisions, Digest, Recording, RecordingError, Tape, look_ahead, replay,
    run_variants,
};
use tradewright::engine::{Engine, SlotConfig};
use tradewright::metrics::Tee;
use tradewright::prelude::*;

use crate::engine_world::{
    A, USD, flat, instruments, minute, position, scripted, tape, ten, world,
};

fn sp500() -> Tape {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/sp500_1d.csv");
    CsvBars::open(file).load(Instrument::stock("SPX", "USD").step("0.001")).unwrap()
}

fn pack(tape: &Tape) -> Backtest<'_> {
    let fee: Decimal = "0.001".parse().unwrap();
    Backtest::new(tape)
        .fees(FeeSchedule::flat(fee, fee))
        .risk(EnhancedRiskManager::default())
        .strategy("MEAN_REVERSION")
        .strategy("BREAKOUT")
        .strategy("VWAP")
}

/// The hash of a run is the same today, tomorrow, in debug and in release.
#[test]
fn golden_hash() {
    let tape = sp500();
    assert_eq!(tape.hash().to_string(), GOLDEN_TAPE);
    assert_eq!(pack(&tape).run().unwrap().hash.to_string(), GOLDEN_RUN);
}

const GOLDEN_TAPE: &str = "be3bbf3973204faffb560fe7c80439cf";
const GOLDEN_RUN: &str = "96d7d3ac54789ac161acd632cdc755a1";

/// One thread, two threads, more threads than variants: equal reports.
#[test]
fn threads_change_nothing() {
    let tape = sp500();
    let windows = [10, 15, 20, 25, 30];
    let hashes = |threads| {
        let reports = run_variants(&tape, &windows, threads, |tape, window| {
            let parameters = format!(r#"{{"window": {window}}}"#);
            Backtest::new(tape).strategy_with("MEAN_REVERSION", &parameters)
        });
        reports.unwrap().into_iter().map(|report| report.hash).collect::<Vec<_>>()
    };
    let one = hashes(1);
    assert_eq!(one, hashes(2));
    assert_eq!(one, hashes(9));
    let alone = Backtest::new(&tape).strategy_with("MEAN_REVERSION", r#"{"window": 15}"#);
    assert_eq!(one[1], alone.run().unwrap().hash, "in a block of variants and alone");
}

/// A run's recorded inputs, written, read and replayed, give the same commands and records.
#[test]
fn a_recording_replays_to_the_same_hash() {
    let tape = sp500();
    let (_, simulation) = pack(&tape).prepare(()).unwrap();
    let mut simulation = simulation.recorded();
    // The deposit came before recording began: a second one is recorded, so both are.
    simulation.run(tape.events()).unwrap();
    let mut file = Vec::new();
    simulation.recording().unwrap().write(&mut file).unwrap();
    let recording = Recording::read(&file[..]).unwrap();
    assert_eq!(&recording, simulation.recording().unwrap());

    let (_, fresh) = pack(&tape).prepare(()).unwrap();
    let mut engine = fresh.into_engine();
    let decisions = replay(&mut engine, &recording).unwrap();
    assert_eq!(decisions.diff(simulation.decisions().unwrap()), []);
    assert_eq!(engine.sink().0.value(), simulation.hash());

    let mut cut = file.clone();
    cut.truncate(file.len() - 3);
    assert!(matches!(Recording::read(&cut[..]), Err(RecordingError::Damaged { .. })));
    let middle = file.len() / 2;
    file[middle] ^= 1;
    assert!(matches!(Recording::read(&file[..]), Err(RecordingError::Damaged { .. })));
    assert!(matches!(Recording::read(&b"nothing"[..]), Err(RecordingError::NoRecording)));
}

/// Two parameters decide differently: the diff names the first place.
#[test]
fn a_diff_finds_the_first_difference() {
    let tape = sp500();
    let decisions = |parameters: &str| -> Decisions {
        let backtest = Backtest::new(&tape).strategy_with("MEAN_REVERSION", parameters);
        let (_, simulation) = backtest.prepare(()).unwrap();
        let mut simulation = simulation.recorded();
        simulation.run(tape.events()).unwrap();
        simulation.decisions().unwrap().clone()
    };
    let (one, other) = (decisions("{}"), decisions(r#"{"window": 21}"#));
    assert_eq!(one.diff(&one), []);
    let differences = one.diff(&other);
    assert!(!differences.is_empty());
    let first = &differences[0];
    assert!(first.left.is_none() || first.right.is_none(), "{first}");
}

/// Saved in the middle and restored into a fresh engine and venue, a run goes on as if it had
/// never stopped.
#[test]
fn save_and_restore_in_the_middle() {
    let tape = sp500();
    let (_, mut whole) = pack(&tape).prepare(()).unwrap();
    whole.run(tape.events()).unwrap();
    for cut in [1, 777, 2_500, 5_030] {
        let (first, second) = tape.events().split_at(cut);
        let (_, mut before) = pack(&tape).prepare(()).unwrap();
        before.run(first).unwrap();
        let saved = before.save().unwrap();
        let (_, mut after) = pack(&tape).prepare(()).unwrap();
        after.restore(&saved).unwrap();
        assert_eq!(after.save().unwrap(), saved, "cut {cut}: saved again is the same");
        after.run(second).unwrap();
        assert_eq!(after.hash(), whole.hash(), "cut {cut}");
        assert_eq!(after.engine().account().book(), whole.engine().account().book());
    }
    let (_, mut other) = Backtest::new(&tape).strategy("BREAKOUT").prepare(()).unwrap();
    let (_, before) = pack(&tape).prepare(()).unwrap();
    assert!(other.restore(&before.save().unwrap()).is_err(), "another set of strategies");
}

/// Honest strategies pass; one that was made from the whole history is found.
#[test]
fn look_ahead_is_found() {
    let tape = sp500();
    for name in ["MEAN_REVERSION", "BREAKOUT", "VWAP"] {
        let found = look_ahead(&tape, 7, |tape| Backtest::new(tape).strategy(name)).unwrap();
        assert_eq!(found, None, "{name}");
    }
    let found = look_ahead(&tape, 7, |tape| {
        let highest = tape.bars(A, Period::DAY).map(|(_, bar)| bar.close).fold(0.0, f64::max);
        Backtest::new(tape).with(from_fn("CHEAT", move |event, _, advice| {
            if event.bar().is_some_and(|bar| bar.close < 0.5 * highest) {
                advice.buy(Confidence::FULL);
            }
        }))
    });
    let found = found.unwrap().expect("the cheat knows the highest close of all times");
    assert!(found.at <= found.cut);
    assert_ne!(found.full, found.cut_off);
}

/// The same bars through a simulation by hand and through a backtest: the same decisions.
#[test]
fn several_symbols_of_one_instant_fill_before_any_strategy_sees_them() {
    let strategy = || {
        scripted("BOTH", |bar, _, advice| {
            if bar == 1 {
                advice.buy(Confidence::FULL);
            }
        })
    };
    let events = [flat(A, 1, 10.0), flat(A, 2, 11.0), flat(A, 3, 12.0)];
    let mut by_hand = world(|engine| engine.slot(ten(strategy())));
    by_hand.run(&events).unwrap();
    assert_eq!(position(&by_hand, tradewright::types::SlotId(1), A), Decimal::TEN);
    let tape = tape(&events);
    let report = Backtest::new(&tape).slot(ten(strategy())).run().unwrap();
    assert_eq!(report.fills.len(), 1);
    assert_eq!(report.fills[0].0.at, minute(1));
    let mut engine = Engine::builder(instruments(), USD)
        .slot(SlotConfig::new(strategy()))
        .sink(Tee(Digest::new(), ()))
        .build()
        .unwrap();
    let commands = &mut Vec::new();
    for timed in &events {
        engine.market(timed.at, &timed.event, commands).unwrap();
    }
    assert!(commands.is_empty(), "without money the sizer opens nothing");
}
