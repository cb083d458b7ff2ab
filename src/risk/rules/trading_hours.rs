use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Timelike, Weekday};
use chrono_tz::Tz;

use crate::risk::{Limit, Opening, RiskConfigError, RiskRule};
use crate::types::{Facts, InstrumentId, Label, Reason, ReasonCode, Timestamp};

/// Nothing is opened outside of the trading sessions of a time zone.
///
/// The opening minute belongs to the session, the closing minute does not. A session that
/// closes at or before its opening time runs over midnight and belongs to the day on which it
/// opens. Times are those of the wall clock, so that daylight saving moves the session with the
/// market. Reducing orders are free: the venue knows whether it can take them.
///
/// ```
/// use chrono::Weekday;
/// use tradewright::risk::{Session, TradingHours};
/// use tradewright::types::Timestamp;
///
/// let week = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];
/// let hours = TradingHours::new(chrono_tz::America::New_York)
///     .session(Session::new(week, "09:30", "16:00")?);
/// let opening = "2026-01-02T14:30:00Z".parse::<Timestamp>()?;
/// assert!(hours.is_open(opening));
/// assert!(!hours.is_open("2026-01-02T21:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradingHours {
    zone: Tz,
    sessions: Vec<Session>,
    holidays: Vec<NaiveDate>,
    instruments: Vec<InstrumentId>,
}

/// One session of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// One bit per weekday, Monday first.
    days: u8,
    open: NaiveTime,
    close: NaiveTime,
}

impl Session {
    /// A session on these days from one wall-clock time (`HH:MM`) to another.
    ///
    /// # Errors
    /// [`RiskConfigError::BadTime`] for text that is no such time.
    pub fn new(
        days: impl IntoIterator<Item = Weekday>,
        open: &str,
        close: &str,
    ) -> Result<Self, RiskConfigError> {
        let bits = days.into_iter().fold(0, |bits, day| bits | bit(day));
        Ok(Self { days: bits, open: time(open)?, close: time(close)? })
    }

    fn covers(&self, day: NaiveDate, time: NaiveTime, works: impl Fn(NaiveDate) -> bool) -> bool {
        let starts = |day: NaiveDate| self.days & bit(day.weekday()) != 0 && works(day);
        if self.open < self.close {
            return starts(day) && self.open <= time && time < self.close;
        }
        let began_yesterday = || day.checked_sub_days(Days::new(1)).is_some_and(starts);
        (starts(day) && self.open <= time) || (time < self.close && began_yesterday())
    }
}

impl TradingHours {
    /// A calendar without sessions: nothing is open until one is added.
    pub const fn new(zone: Tz) -> Self {
        Self { zone, sessions: Vec::new(), holidays: Vec::new(), instruments: Vec::new() }
    }

    /// Adds a session.
    #[must_use]
    pub fn session(mut self, session: Session) -> Self {
        self.sessions.push(session);
        self
    }

    /// Adds a day on which no session opens.
    #[must_use]
    pub fn holiday(mut self, day: NaiveDate) -> Self {
        self.holidays.push(day);
        self.holidays.sort_unstable();
        self
    }

    /// The instruments that it is about; all of them unless said.
    #[must_use]
    pub fn only(mut self, instruments: impl IntoIterator<Item = InstrumentId>) -> Self {
        self.instruments.extend(instruments);
        self
    }

    /// True within a session.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let local = self.local(at);
        let works = |day: NaiveDate| self.holidays.binary_search(&day).is_err();
        let (day, time) = (local.date_naive(), local.time());
        self.sessions.iter().any(|session| session.covers(day, time, works))
    }

    fn local(&self, at: Timestamp) -> DateTime<Tz> {
        at.to_utc().with_timezone(&self.zone)
    }
}

impl RiskRule for TradingHours {
    fn name(&self) -> &'static str {
        "trading_hours"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let is_mine =
            self.instruments.is_empty() || self.instruments.contains(&opening.intent.instrument);
        if !is_mine || self.is_open(facts.at) {
            return Limit::Allow(None);
        }
        // The wall clock as a number to read: 16.5 is half past four.
        let minutes = self.local(facts.at).num_seconds_from_midnight() / 60;
        let reason = Reason::new(ReasonCode::TradingHours, f64::NAN, f64::from(minutes) / 60.0);
        Limit::Deny(reason)
    }
}

const fn bit(day: Weekday) -> u8 {
    1 << day as u8
}

fn time(text: &str) -> Result<NaiveTime, RiskConfigError> {
    NaiveTime::parse_from_str(text, "%H:%M")
        .map_err(|_| RiskConfigError::BadTime { text: Label::new(text) })
}
