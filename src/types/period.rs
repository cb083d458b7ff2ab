use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// What one bar spans: time, a number of prints, a volume or a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Period(u32);

impl Period {
    const KIND: u32 = 30;
    const MOST: u32 = (1 << Self::KIND) - 1;
    /// One minute.
    pub const MINUTE: Self = Self(60);
    /// One hour.
    pub const HOUR: Self = Self(3_600);
    /// One calendar day.
    pub const DAY: Self = Self(86_400);

    /// Bars of `seconds` (1 to 2^30 - 1; other values are cut to that range).
    pub const fn seconds(seconds: u32) -> Self {
        Self::of(0, seconds)
    }

    /// Bars of `minutes`.
    pub const fn minutes(minutes: u32) -> Self {
        Self::of(0, minutes.saturating_mul(60))
    }

    /// Bars of `count` prints each.
    pub const fn prints(count: u32) -> Self {
        Self::of(1, count)
    }

    /// Bars of `units` of traded quantity each.
    pub const fn volume(units: u32) -> Self {
        Self::of(2, units)
    }

    /// Bars of `units` of traded value (price times quantity) each.
    pub const fn value(units: u32) -> Self {
        Self::of(3, units)
    }

    const fn of(kind: u32, count: u32) -> Self {
        let count = if count == 0 { 1 } else { count };
        let count = if count > Self::MOST { Self::MOST } else { count };
        Self((kind << Self::KIND) | count)
    }

    /// What closes such a bar.
    pub const fn rule(self) -> PeriodRule {
        let count = self.0 & Self::MOST;
        match self.0 >> Self::KIND {
            0 => PeriodRule::Time(Duration::from_secs(count as u64)),
            1 => PeriodRule::Prints(count),
            2 => PeriodRule::Volume(count),
            _ => PeriodRule::Value(count),
        }
    }

    /// The span of time bars, `None` for the others.
    pub const fn span(self) -> Option<Duration> {
        match self.rule() {
            PeriodRule::Time(span) => Some(span),
            PeriodRule::Prints(_) | PeriodRule::Volume(_) | PeriodRule::Value(_) => None,
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule() {
            PeriodRule::Time(span) => {
                let seconds = span.as_secs();
                match seconds {
                    s if s % 86_400 == 0 => write!(formatter, "{}d", s / 86_400),
                    s if s % 3_600 == 0 => write!(formatter, "{}h", s / 3_600),
                    s if s % 60 == 0 => write!(formatter, "{}m", s / 60),
                    s => write!(formatter, "{s}s"),
                }
            }
            PeriodRule::Prints(count) => write!(formatter, "{count}prints"),
            PeriodRule::Volume(units) => write!(formatter, "{units}volume"),
            PeriodRule::Value(units) => write!(formatter, "{units}value"),
        }
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Period({self})")
    }
}

/// What closes a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodRule {
    /// The span is over.
    Time(Duration),
    /// So many prints were seen.
    Prints(u32),
    /// So much quantity was traded.
    Volume(u32),
    /// So much value was traded.
    Value(u32),
}
