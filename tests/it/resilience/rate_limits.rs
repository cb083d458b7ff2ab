use core::time::Duration;

use tradewright::resilience::{RateLimitSigns, RateLimited};
use tradewright::types::{ErrorCategory, RetryAdvice, Severity, Timestamp};

use super::at;

fn headers<'a>(status: u16, headers: &'a [(&'a str, &'a str)]) -> Option<(bool, Option<Duration>)> {
    let signs = RateLimitSigns { status: Some(status), headers, ..Default::default() };
    let now = Timestamp::from_secs(1_700_000_000).unwrap();
    signs.read(now).map(|limited| (limited.is_ban, limited.wait(now)))
}

#[test]
fn every_way_to_name_a_time_is_read() {
    let secs = |number| Some(Duration::from_secs(number));
    assert_eq!(headers(429, &[("retry-after", "7")]), Some((false, secs(7))));
    // 2023-11-14 22:13:20 is the present of these tests.
    let date = [("Retry-After", "Tue, 14 Nov 2023 22:14:50 GMT")];
    assert_eq!(headers(418, &date), Some((true, secs(90))));
    assert_eq!(headers(429, &[("X-RateLimit-Reset", "1700000033")]), Some((false, secs(33))));
    assert_eq!(headers(429, &[("RateLimit-Reset", "12")]), Some((false, secs(12))));
    let two = [("retry-after", "3"), ("ratelimit-reset", "40")];
    assert_eq!(headers(429, &two), Some((false, secs(40))), "the later one counts");
    for unreadable in ["", "soon", "-1", "99999999999999999999999"] {
        assert_eq!(headers(429, &[("retry-after", unreadable)]), Some((false, None)));
    }
    assert_eq!(headers(200, &[("retry-after", "7")]), None);
}

#[test]
fn codes_texts_and_closed_connections_are_read() {
    let binance =
        RateLimitSigns { code: Some(-1003), limit_codes: &[-1003, -1015], ..Default::default() };
    assert_eq!(binance.read(at(0)), Some(RateLimited { is_ban: false, until: None }));
    assert_eq!(RateLimitSigns { code: Some(-1013), ..binance }.read(at(0)), None);
    let message = "Way too much request weight used; IP banned until 1700000060000. Please use";
    let banned = RateLimitSigns { message, ..binance }.read(at(0)).unwrap();
    assert_eq!((banned.is_ban, banned.wait(at(0))), (true, Some(Duration::from_secs(60))));
    let classified = banned.classification(at(0));
    assert_eq!(classified.severity, Severity::High);
    assert_eq!(classified.retry, RetryAdvice::After(Duration::from_secs(60)));
    let closed =
        RateLimitSigns { status: Some(1008), message: "Rate limited", ..Default::default() };
    assert!(closed.read(at(0)).is_some());
    assert!(RateLimitSigns { message: "policy", ..closed }.read(at(0)).is_none());
}

#[test]
fn an_answers_status_says_whether_it_was_carried_out() {
    let classify = |status| {
        let signs = RateLimitSigns { status: Some(status), ..Default::default() };
        signs.classify(at(0)).map(|it| (it.category, it.retry, it.is_recoverable))
    };
    let (api, never) = (ErrorCategory::Api, RetryAdvice::Never);
    assert_eq!(classify(200), None);
    assert_eq!(classify(400), Some((api, never, true)));
    assert_eq!(classify(401), Some((api, never, false)));
    assert_eq!(classify(408), Some((ErrorCategory::Network, RetryAdvice::LookUp, true)));
    assert_eq!(classify(429), Some((ErrorCategory::RateLimit, RetryAdvice::Backoff, true)));
    assert_eq!(classify(503), Some((api, RetryAdvice::LookUp, true)));
}
