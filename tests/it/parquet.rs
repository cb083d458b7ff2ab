//! Parquet files: the same series as the CSV file, whoever wrote it and however it is packed.
//! The files under tests/data/parquet were written by pyarrow 26 from examples/data/fb_1d.csv.

use tradewright::backtest::{CsvBars, ParquetFile, SourceError, Tape};
use tradewright::types::{Instrument, InstrumentBuilder};

fn path(name: &str) -> String {
    format!("{}/tests/data/parquet/{name}.parquet", env!("CARGO_MANIFEST_DIR"))
}

fn share() -> InstrumentBuilder {
    Instrument::stock("FB", "USD")
}

fn from_csv() -> Tape {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fb_1d.csv");
    CsvBars::open(file).load(share()).unwrap()
}

/// Doubles, decimals, floats and integers; millis, micros, nanos, dates and plain numbers;
/// five ways of packing; several row groups, nested and text columns beside.
#[test]
fn every_way_of_writing_gives_the_same_bars() {
    let expected = from_csv();
    for name in [
        "double_millis_snappy",
        "decimal_nanos_zstd",
        "float_date_gzip",
        "double_micros_lz4",
        "integer_millis",
    ] {
        let tape = ParquetFile::open(path(name)).unwrap().bars().load(share());
        let tape = tape.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(tape.events(), expected.events(), "{name}");
        let [digits, others] = [&tape, &expected].map(|tape| {
            let instrument = tape.instruments().iter().next().unwrap();
            (instrument.price_grid, instrument.volume_grid)
        });
        assert_eq!(digits, others, "{name}: the data grid");
    }
}

/// A missing column and a file that is none are errors with their names.
#[test]
fn faults_are_told() {
    let bars = ParquetFile::open(path("integer_millis")).unwrap();
    let error = bars.bars().adjusted_by("adj_close").load(share()).unwrap_err();
    assert!(matches!(error, SourceError::NoColumn { .. }), "{error}");
    let error = ParquetFile::from_reader(&b"time,open"[..], "text").unwrap_err();
    assert!(matches!(error, SourceError::BadText { .. }), "{error}");
    let error = ParquetFile::open("no/such.parquet").unwrap_err();
    assert!(matches!(error, SourceError::File { .. }), "{error}");
}

/// Any byte may be damaged and any end be missing: an answer or an error, never a panic.
#[test]
fn damaged_files_do_not_panic() {
    for name in ["decimal_nanos_zstd", "double_micros_lz4"] {
        let bytes = std::fs::read(path(name)).unwrap();
        let mut refused = 0;
        for place in (0..bytes.len()).step_by(29).chain(bytes.len() - 600..bytes.len()) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x55;
            refused += usize::from(ParquetFile::from_reader(&damaged[..], name).is_err());
            let cut = ParquetFile::from_reader(&bytes[..place], name);
            assert!(cut.is_err(), "{name} cut at {place}");
        }
        assert!(refused > 0, "{name}: no damage was noticed");
    }
}
