use core::fmt;
use core::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::order::parse;
use crate::types::{Bar, InstrumentId, MarketEvent, Period, Timestamp};
use crate::venue::read::{self, float, instant};
use crate::venue::{DecodeError, MarketNews, MarketSighting};

/// Reads the candles of `klines`, which do not say whose they are, and appends them to `out`.
/// What has not closed `at` this time of the venue is told as still forming.
///
/// # Errors
/// [`DecodeError`], and nothing was appended; also for a period that is no span of time.
///
/// ```
/// use tradewright::types::{InstrumentId, Period, Timestamp};
/// use tradewright::venue::MarketNews;
/// use tradewright::venue::binance::decode_klines;
///
/// let body = br#"[[1499040000000,"0.016","0.80","0.0157","0.0158","148976.1",1499043599999,
///     "2434.1",308,"1756.8","28.4","0"]]"#;
/// let (of, mut news) = ((InstrumentId(0), Period::HOUR), Vec::new());
/// decode_klines(Timestamp::from_secs(1_499_043_600)?, of, body, &mut news)?;
/// let [MarketNews::Event(bar)] = &news[..] else { panic!("{news:?}") };
/// assert_eq!(bar.at, Some(Timestamp::from_secs(1_499_043_600)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decode_klines(
    at: Timestamp,
    (instrument, period): (InstrumentId, Period),
    bytes: &[u8],
    out: &mut Vec<MarketNews>,
) -> Result<(), DecodeError> {
    const WHAT: &str = "klines";
    let span = period.span().ok_or_else(|| read::word(WHAT, "period", &period.to_string()))?;
    let before = out.len();
    let rows: Vec<Row<'_>> = parse(WHAT, bytes)?;
    for row in &rows {
        match candle(WHAT, (instrument, period, span), row) {
            Ok((closes, bar)) if closes <= at => {
                let (event, at) = (MarketEvent::Bar(bar), Some(closes));
                out.push(MarketNews::Event(MarketSighting { event, at, number: None }));
            }
            Ok((_, bar)) => out.push(MarketNews::Forming(bar)),
            Err(error) => {
                out.truncate(before);
                return Err(error);
            }
        }
    }
    Ok(())
}

fn candle(
    what: &'static str,
    (instrument, period, span): (InstrumentId, Period, Duration),
    row: &Row<'_>,
) -> Result<(Timestamp, Bar), DecodeError> {
    let [open, high, low, close, volume] = row.values;
    let mut prices = [0.0; 4];
    for (price, text) in prices.iter_mut().zip([open, high, low, close]) {
        *price = float(what, "price", text)?;
    }
    let volume = float(what, "volume", volume)?;
    let bar = Bar::new(instrument, period, prices, volume);
    let bar = bar.map_err(|source| DecodeError::Unsound { what, source })?;
    Ok((instant(what, "open time", row.opens)?.after(span), bar))
}

/// Reads the venue's time, for [`ClockOffset::measured`](crate::venue::ClockOffset::measured).
///
/// # Errors
/// [`DecodeError`].
///
/// ```
/// use tradewright::venue::binance::decode_server_time;
///
/// let time = decode_server_time(br#"{"serverTime":1499827319559}"#)?;
/// assert_eq!(time.millis(), 1_499_827_319_559);
/// # Ok::<(), tradewright::venue::DecodeError>(())
/// ```
pub fn decode_server_time(bytes: &[u8]) -> Result<Timestamp, DecodeError> {
    let time: Time = parse("server time", bytes)?;
    instant("server time", "serverTime", time.server_time)
}

/// Reads the key of a user stream. Whoever has it sees the account: it is a secret.
///
/// # Errors
/// [`DecodeError`]; the key is not part of it.
pub fn decode_listen_key(bytes: &[u8]) -> Result<SecretString, DecodeError> {
    const WHAT: &str = "listenKey";
    let missing = || DecodeError::Missing { what: WHAT, field: WHAT };
    let key: ListenKey<'_> = serde_json::from_slice(bytes).map_err(|_| missing())?;
    let is_plain = key.listen_key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match is_plain && !key.listen_key.is_empty() {
        true => Ok(SecretString::from(key.listen_key)),
        false => Err(missing()),
    }
}

#[derive(Deserialize)]
struct Time {
    #[serde(rename = "serverTime")]
    server_time: u64,
}

#[derive(Deserialize)]
struct ListenKey<'a> {
    #[serde(rename = "listenKey")]
    listen_key: &'a str,
}

/// `[open time, open, high, low, close, volume, ...]`; what follows is left aside.
struct Row<'a> {
    opens: u64,
    values: [&'a str; 5],
}

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a time, four prices and a volume")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<Self::Value, A::Error> {
        let short = || A::Error::custom("a candle with too few values");
        let opens = row.next_element()?.ok_or_else(short)?;
        let mut values = [""; 5];
        for value in &mut values {
            *value = row.next_element()?.ok_or_else(short)?;
        }
        while row.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Row { opens, values })
    }
}
