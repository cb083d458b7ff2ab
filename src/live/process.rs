//! What Linux tells of the process; elsewhere nothing is told.

use core::time::Duration;
use std::fs;
use std::sync::Arc;

use crate::metrics::{EdgeNews, EdgeSink, ProcessFigures};
use crate::types::Timestamp;
use crate::venue::Clock;

/// How often it is looked at: as often as engines are scraped.
const EVERY: Duration = Duration::from_secs(5);

/// Ticks a second of the times in `/proc`: 100 on every architecture that Rust's standard library
/// supports on Linux, whatever the kernel's own frequency (`USER_HZ`, see proc(5)).
const TICKS: u64 = 100;

/// Tells time and use of the process until the future is dropped.
pub(super) async fn watch(sink: Arc<dyn EdgeSink>, clock: Arc<dyn Clock>) {
    let began = clock.monotonic();
    let mut due = began;
    loop {
        sink.tell(&EdgeNews::Uptime { elapsed: due.since(began) });
        if let Some(figures) = figures() {
            sink.tell(&EdgeNews::Process(figures));
        }
        due = due.after(EVERY);
        clock.sleep_until(due).await;
    }
}

fn figures() -> Option<ProcessFigures> {
    let read = |name: &str| fs::read_to_string(format!("/proc/{name}")).ok();
    let open_files = u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?;
    figures_of(&read("self/stat")?, &read("self/status")?, &read("stat")?, open_files)
}

fn figures_of(own: &str, status: &str, machine: &str, open_files: u64) -> Option<ProcessFigures> {
    // The name of the program stands in parentheses and may itself have some, and spaces.
    let (_, own) = own.rsplit_once(')')?;
    let field = |number: usize| own.split_whitespace().nth(number)?.parse::<u64>().ok();
    // Fields 14, 15 and 22 of proc(5), counted from the third on.
    let (user, system, start) = (field(11)?, field(12)?, field(19)?);
    let ticks = |ticks: u64| Duration::from_millis(ticks.saturating_mul(1_000 / TICKS));
    let line = |text: &str, key: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    };
    let booted_at = Timestamp::from_secs(i64::try_from(line(machine, "btime ")?).ok()?).ok()?;
    Some(ProcessFigures {
        cpu: ticks(user.saturating_add(system)),
        resident_bytes: line(status, "VmRSS:")?.saturating_mul(1_024),
        virtual_bytes: line(status, "VmSize:")?.saturating_mul(1_024),
        started_at: booted_at.after(ticks(start)),
        open_files,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_behind_any_name() {
        let own = "7 (a) b (c) S 1 7 7 0 -1 4194304 500 0 0 0 150 50 0 0 20 0 3 0 12345 1 1 1";
        let status = "Name:\ta) b (c\nVmSize:\t    2048 kB\nVmRSS:\t     512 kB\n";
        let read = figures_of(own, status, "cpu 1 2 3\nbtime 1700000000\n", 9).unwrap();
        assert_eq!(read.cpu, Duration::from_secs(2));
        assert_eq!((read.resident_bytes, read.virtual_bytes), (512 << 10, 2_048 << 10));
        let started_at = Timestamp::from_secs(1_700_000_123).unwrap();
        assert_eq!(read.started_at, started_at.after(Duration::from_millis(450)));
        assert_eq!(read.open_files, 9);
        for broken in ["", "7 (a", "7 (a) S 1", "7 (a) S x x x x x x x x x x x x x x x x x x x x"] {
            assert_eq!(figures_of(broken, status, "btime 1\n", 9), None, "{broken}");
        }
        assert_eq!(figures_of(own, "", "btime 1\n", 9), None);
        assert_eq!(figures_of(own, status, "btime 99999999999999999999\n", 9), None);
    }
}
