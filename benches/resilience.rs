//! What the order path pays for resilience: the classification of an error, and the check of a
//! dependency's breaker around a call.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use tradewright::engine::EngineError;
use tradewright::resilience::{
    CallOutcome, DependencyBreaker, DependencyBreakerConfig, ErrorHistory, RateLimitSigns, Trip,
};
use tradewright::types::{Classify, DataError, Label, Timestamp};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis).unwrap()
}

fn classification(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("classify");
    let plain = DataError::Crossed { bid: 2.0, ask: 1.0 };
    group.bench_function("data_error", |bencher| {
        bencher.iter(|| black_box(&plain).classification());
    });
    let nested = EngineError::from(plain);
    group.bench_function("nested_engine_error", |bencher| {
        bencher.iter(|| black_box(&nested).classification());
    });
    let headers = [("content-type", "application/json"), ("retry-after", "7")];
    let answer = RateLimitSigns { status: Some(429), headers: &headers, ..Default::default() };
    group.bench_function("http_429_with_retry_after", |bencher| {
        bencher.iter(|| black_box(&answer).classify(at(0)));
    });
    let good = RateLimitSigns { status: Some(200), headers: &headers, ..Default::default() };
    group.bench_function("http_200", |bencher| {
        bencher.iter(|| black_box(&good).classify(at(0)));
    });
    group.finish();
}

fn breaker(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dependency_breaker");
    for (name, trip) in [
        ("consecutive", Trip::Consecutive(5)),
        ("failure_rate", Trip::Rate { percent: 50, calls: 32 }),
    ] {
        let config = DependencyBreakerConfig { trip, ..Default::default() };
        let mut breaker = DependencyBreaker::new(config).unwrap();
        group.bench_function(format!("enter_and_leave_{name}"), |bencher| {
            bencher.iter(|| {
                let ticket = breaker.enter(black_box(at(0))).unwrap();
                breaker.leave(at(0), ticket, black_box(CallOutcome::Success));
            });
        });
    }
    let config = DependencyBreakerConfig { trip: Trip::Consecutive(1), ..Default::default() };
    let mut open = DependencyBreaker::new(config).unwrap();
    let ticket = open.enter(at(0)).unwrap();
    open.leave(at(0), ticket, CallOutcome::Failure);
    group.bench_function("enter_while_open", |bencher| {
        bencher.iter(|| open.enter(black_box(at(1))).unwrap_err());
    });
    group.finish();
}

fn history(criterion: &mut Criterion) {
    let mut history = ErrorHistory::new(1_000);
    let source = Label::new("binance.market");
    let error = DataError::Crossed { bid: 2.0, ask: 1.0 };
    let mut now = 0;
    criterion.bench_function("error_history_record", |bencher| {
        bencher.iter(|| {
            now += 1;
            history.record(at(now), source, black_box(&error));
        });
    });
}

fn quick() -> Criterion {
    Criterion::default().measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = benches;
    config = quick();
    targets = classification, breaker, history
}
criterion_main!(benches);
