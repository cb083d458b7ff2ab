use core::time::Duration;

/// What a response's header says about the use of the venue's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitHeader {
    /// Weight used by this address within the interval.
    Weight {
        /// The length of the interval.
        interval: Duration,
        /// How much.
        used: u64,
    },
    /// Orders sent by this account within the interval.
    Orders {
        /// The length of the interval.
        interval: Duration,
        /// How many.
        used: u64,
    },
    /// Send nothing for so long.
    RetryAfter(Duration),
}

impl LimitHeader {
    /// Reads one header; none when it is about something else, or unreadable.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tradewright::venue::binance::LimitHeader;
    ///
    /// let interval = Duration::from_secs(60);
    /// let read = LimitHeader::read("x-mbx-used-weight-1m", "322");
    /// assert_eq!(read, Some(LimitHeader::Weight { interval, used: 322 }));
    /// let read = LimitHeader::read("Retry-After", "120");
    /// assert_eq!(read, Some(LimitHeader::RetryAfter(Duration::from_secs(120))));
    /// assert_eq!(LimitHeader::read("content-type", "application/json"), None);
    /// ```
    pub fn read(name: &str, value: &str) -> Option<Self> {
        let number: u64 = value.trim().parse().ok()?;
        if name.eq_ignore_ascii_case("retry-after") {
            return Some(Self::RetryAfter(Duration::from_secs(number)));
        }
        if let Some(interval) = after(name, "x-mbx-used-weight-") {
            return Some(Self::Weight { interval: span(interval)?, used: number });
        }
        let interval = after(name, "x-mbx-order-count-")?;
        Some(Self::Orders { interval: span(interval)?, used: number })
    }
}

fn after<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = name.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// `10s`, `1m`, `1h`, `1d`, in either case.
fn span(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds: u64 = match unit {
        "s" | "S" => 1,
        "m" | "M" => 60,
        "h" | "H" => 3_600,
        "d" | "D" => 86_400,
        _ => return None,
    };
    let count: u64 = digits.parse().ok()?;
    count.checked_mul(seconds).map(Duration::from_secs)
}
