//! Frame in to command out: the bytes of a `bookTicker` or of a closed `kline` to the text of a
//! signed order, in one thread.
//!
//! Included: decoding, the engine with a strategy that bids on every event, sizing, the review by
//! the risk manager (seven limits and guards, or every built-in one), order life, the request and
//! its signature. Figures of the portfolio are made once a day. Not included: sockets and a
//! journal. The venue's answers come between the frames and are not counted.
//!
//! Each frame is timed by itself; what reading the clock costs is printed and not subtracted.

#![allow(missing_docs, clippy::disallowed_methods, reason = "a benchmark, which reads clocks")]

#[path = "support/every_rule.rs"]
mod every_rule;
#[path = "support/wire_path.rs"]
mod wire_path;
#[path = "support/workload_c.rs"]
mod workload_c;

use std::hint::black_box;
use std::time::{Duration, Instant};

use tradewright::risk::{PortfolioRiskSettings, RiskManager};
use tradewright::types::InstrumentId;
use tradewright::venue::binance::Credentials;
use wire_path::{KLINES, QUOTES, WirePath, ed25519, hmac};

const WARM_UP: usize = 20_000;
const FRAMES: usize = 200_000;

fn main() {
    // `cargo test --benches` runs this for its exit code alone.
    let frames = if std::env::args().any(|arg| arg == "--bench") { FRAMES } else { 100 };
    let mut clock = nanos_of(frames, |_| {});
    show("reading the clock", &mut clock);
    for (limits, is_every) in [("seven limits", false), ("every rule", true)] {
        for (kind, pair) in [("bookTicker", QUOTES), ("kline", KLINES)] {
            for (name, credentials) in [("HMAC", hmac()), ("Ed25519", ed25519())] {
                let title = format!("{kind}, {limits}, {name}");
                let mut nanos = match is_every {
                    true => measure(every_rule(), credentials, pair, frames),
                    false => measure(workload_c::wide_limits(), credentials, pair, frames),
                };
                show(&title, &mut nanos);
            }
        }
    }
}

fn every_rule() -> impl RiskManager {
    let row_spacing = Duration::from_secs(86_400);
    let figures = PortfolioRiskSettings { row_spacing, ..PortfolioRiskSettings::default() };
    every_rule::every_rule(&[InstrumentId(0)], figures)
}

fn measure(
    risk: impl RiskManager + 'static,
    credentials: Credentials,
    pair: [&str; 2],
    frames: usize,
) -> Vec<u64> {
    let mut path = WirePath::new(risk, credentials).after_days(300);
    let mut nanos = Vec::with_capacity(frames);
    for index in 0..WARM_UP.min(frames) + frames {
        let bytes = pair[index % 2].as_bytes();
        let begin = Instant::now();
        let written = black_box(path.frame(black_box(bytes))).len();
        let taken = begin.elapsed();
        assert!(written > 0 && path.answer() == 1, "an order on every frame");
        if index >= WARM_UP.min(frames) {
            nanos.push(u64::try_from(taken.as_nanos()).expect("a short time"));
        }
    }
    nanos
}

fn nanos_of(count: usize, mut work: impl FnMut(usize)) -> Vec<u64> {
    let mut nanos = Vec::with_capacity(count);
    for index in 0..count {
        let begin = Instant::now();
        work(index);
        nanos.push(u64::try_from(begin.elapsed().as_nanos()).expect("a short time"));
    }
    nanos
}

fn show(title: &str, nanos: &mut [u64]) {
    nanos.sort_unstable();
    let at = |share: usize| nanos[(nanos.len() * share / 1_000).min(nanos.len() - 1)];
    let (median, high, highest) = (at(500), at(990), at(999));
    println!("{title:<40} median {median:>6} ns   99 % {high:>6} ns   99.9 % {highest:>7} ns");
}
