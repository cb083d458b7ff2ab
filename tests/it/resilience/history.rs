use std::collections::BTreeMap;
use std::io;

use proptest::prelude::*;
use tradewright::resilience::{ErrorHistory, NoticeBoard, Offenders};
use tradewright::types::{
    AlertLevel, Classification, Classify, ErrorCategory, Label, RetryAdvice, Severity,
};

use super::at;

#[derive(Debug)]
struct Planted(Classification);

impl std::fmt::Display for Planted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "planted {:?}{}", self.0.category, "é".repeat(300))
    }
}

impl Classify for Planted {
    fn classification(&self) -> Classification {
        self.0
    }
}

proptest! {
    /// Counts and rates are those of a list of all errors.
    #[test]
    fn counts_and_rates_are_those_of_the_whole_list(
        errors in prop::collection::vec((0_i64..200_000, 0_usize..8, 0_usize..4, 0_u8..4), 1..300),
        minutes in 1_u32..70,
    ) {
        let mut history = ErrorHistory::new(10);
        let mut all = Vec::new();
        let mut now = 0;
        for (pause, category, severity, source) in errors {
            now += pause;
            let (category, severity) = (ErrorCategory::ALL[category], Severity::ALL[severity]);
            let error = Planted(Classification::new(category, severity));
            history.record(at(now), Label::new(&source.to_string()), &error);
            all.push((now, category, severity, source));
        }
        prop_assert_eq!(history.total(), all.len() as u64);
        prop_assert_eq!(history.entries().len(), all.len().min(10));
        for entry in history.entries() {
            prop_assert_eq!(entry.text.chars().count(), 200);
        }
        let minute = |millis: i64| at(millis).millis().div_euclid(60_000);
        let first = minute(now) - i64::from(minutes.min(60)) + 1;
        let recent = |entry: &&(i64, ErrorCategory, Severity, u8)| minute(entry.0) >= first;
        let rates = history.rates(at(now), minutes.min(60));
        for category in ErrorCategory::ALL {
            for severity in Severity::ALL {
                let is_one = |it: &&(i64, ErrorCategory, Severity, u8)| {
                    it.1 == category && it.2 == severity
                };
                let expected = all.iter().filter(is_one).count() as u64;
                prop_assert_eq!(history.count(category, severity), expected);
            }
            let expected = all.iter().filter(recent).filter(|it| it.1 == category).count();
            prop_assert_eq!(rates.by_category(category) as usize, expected);
        }
        let expected = all.iter().filter(recent).filter(|it| it.2 >= Severity::High).count();
        prop_assert_eq!(rates.at_least(Severity::High) as usize, expected);
        let mut counts = BTreeMap::new();
        all.iter().for_each(|it| *counts.entry(it.3).or_insert(0_u64) += 1);
        let worst = counts.values().max().copied().unwrap();
        prop_assert_eq!(history.top_offenders(1)[0].count, worst);
    }

    /// In few places, counts are upper bounds within their error, and whoever fails more often
    /// than its share is listed.
    #[test]
    fn the_worst_are_found_in_few_places(
        sources in prop::collection::vec(0_u8..40, 1..500),
        places in 1_usize..12,
    ) {
        let mut offenders = Offenders::new(places);
        let mut counts = BTreeMap::new();
        for source in &sources {
            offenders.count(Label::new(&source.to_string()));
            *counts.entry(source.to_string()).or_insert(0_u64) += 1;
        }
        let top = offenders.top(places);
        for offender in &top {
            let truth = counts[offender.source.as_str()];
            prop_assert!(truth <= offender.count && offender.count - offender.error <= truth);
        }
        let share = sources.len() as u64 / places as u64;
        for (source, count) in counts {
            let is_listed = top.iter().any(|it| it.source.as_str() == source);
            prop_assert!(count <= share || is_listed, "{source} failed {count} times");
        }
    }

    /// No unseen notice gives way to a milder one.
    #[test]
    fn a_full_board_keeps_the_worst(levels in prop::collection::vec(0_usize..4, 1..60)) {
        let mut board = NoticeBoard::new(5);
        for (number, level) in levels.iter().enumerate() {
            let topic = Label::new(&number.to_string());
            board.post(at(number as i64), AlertLevel::ALL[*level], topic, "text");
        }
        let mut kept: Vec<AlertLevel> = board.open().map(|notice| notice.level).collect();
        let mut worst: Vec<AlertLevel> = levels.iter().map(|it| AlertLevel::ALL[*it]).collect();
        worst.sort_unstable_by(|one, other| other.cmp(one));
        worst.truncate(5);
        kept.sort_unstable_by(|one, other| other.cmp(one));
        prop_assert_eq!(kept, worst);
        prop_assert_eq!(board.dropped(), levels.len().saturating_sub(5) as u64);
    }
}

#[test]
fn seen_notices_give_way_first() {
    let mut board = NoticeBoard::new(2);
    let post = |board: &mut NoticeBoard, topic: &str, level| {
        board.post(at(0), level, Label::new(topic), topic)
    };
    let first = post(&mut board, "bad", AlertLevel::Critical).unwrap();
    post(&mut board, "mild", AlertLevel::Info).unwrap();
    let anna = Label::new("anna");
    assert!(board.acknowledge(at(1), first, anna));
    assert!(!board.acknowledge(at(2), first, anna), "once");
    assert!(post(&mut board, "new", AlertLevel::Info).is_some());
    let topics: Vec<&str> = board.notices().iter().map(|it| it.topic.as_str()).collect();
    assert_eq!((topics, board.dropped()), (vec!["mild", "new"], 0));
    assert_eq!(board.worst_open(), Some(AlertLevel::Info));
    // What comes back after it was seen is news.
    let again = post(&mut board, "bad", AlertLevel::Error);
    assert!(again.is_some_and(|id| id != first));
}

#[test]
fn errors_of_the_standard_library_are_classified_by_their_kind() {
    let of = |kind: io::ErrorKind| io::Error::from(kind).classification();
    assert_eq!(of(io::ErrorKind::ConnectionRefused).retry, RetryAdvice::Backoff);
    assert_eq!(of(io::ErrorKind::ConnectionReset).retry, RetryAdvice::LookUp);
    assert_eq!(of(io::ErrorKind::TimedOut).category, ErrorCategory::Network);
    assert_eq!(of(io::ErrorKind::PermissionDenied), Classification::MACHINE);
    assert_eq!(NoticeBoard::level(&Classification::MACHINE), AlertLevel::Error);
}
