use super::requests::{about, within};
use super::terms::unsupported;
use super::{Access, Endpoint, Method, Request, RequestError, Requests};
use crate::types::{InstrumentId, Period, Timestamp};
use crate::venue::Urgency;
use crate::venue::binance::BinanceMarket;

const SPOT_TIME: Endpoint = public("/api/v3/time", "time", Urgency::Resolve);
const TIME: Endpoint = public("/fapi/v1/time", "", Urgency::Resolve);
const SPOT_INFO: Endpoint = public("/api/v3/exchangeInfo", "exchangeInfo", Urgency::Query);
const INFO: Endpoint = public("/fapi/v1/exchangeInfo", "", Urgency::Query);
const SPOT_DEPTH: Endpoint = public("/api/v3/depth", "depth", Urgency::Bulk);
const DEPTH: Endpoint = public("/fapi/v1/depth", "depth", Urgency::Bulk);
const SPOT_TRADES: Endpoint = public("/api/v3/aggTrades", "trades.aggregate", Urgency::Bulk);
const TRADES: Endpoint = public("/fapi/v1/aggTrades", "", Urgency::Bulk);
const SPOT_KLINES: Endpoint = public("/api/v3/klines", "klines", Urgency::Bulk);
const KLINES: Endpoint = public("/fapi/v1/klines", "", Urgency::Bulk);

const fn public(path: &'static str, call: &'static str, urgency: Urgency) -> Endpoint {
    Endpoint::new(Method::Get, path, call).of(Access::Public, urgency)
}

/// The candles of both markets; those of one second are spot's alone.
const INTERVALS: [(u64, &str); 15] = [
    (1, "1s"),
    (60, "1m"),
    (180, "3m"),
    (300, "5m"),
    (900, "15m"),
    (1_800, "30m"),
    (3_600, "1h"),
    (7_200, "2h"),
    (14_400, "4h"),
    (21_600, "6h"),
    (28_800, "8h"),
    (43_200, "12h"),
    (86_400, "1d"),
    (259_200, "3d"),
    (604_800, "1w"),
];

/// The venue's word for a candle of this length; none where it has no such candles.
///
/// ```
/// use tradewright::types::Period;
/// use tradewright::venue::binance::{BinanceMarket, candle_interval};
///
/// assert_eq!(candle_interval(BinanceMarket::Spot, Period::MINUTE), Some("1m"));
/// ```
pub fn candle_interval(market: BinanceMarket, period: Period) -> Option<&'static str> {
    let seconds = period.span()?.as_secs();
    let (_, word) = INTERVALS.iter().find(|(known, _)| *known == seconds)?;
    (seconds > 1 || market == BinanceMarket::Spot).then_some(*word)
}

impl Requests {
    /// The venue's time.
    pub fn server_time(&self, out: &mut Request) {
        out.fill(self.either(SPOT_TIME, TIME), 1, 0);
    }

    /// What can be traded and by which rules, of everything.
    pub fn exchange_info(&self, out: &mut Request) {
        out.fill(self.either(SPOT_INFO, INFO), self.weight(20, 1), 0);
    }

    /// The order book to a depth of 5 to 5,000 (futures: 1,000) levels a side.
    ///
    /// # Errors
    /// [`RequestError`]; futures take 5, 10, 20, 50, 100, 500 and 1,000 levels alone.
    pub fn depth(
        &self,
        instrument: InstrumentId,
        levels: u16,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        let weight = match (self.market, levels) {
            (BinanceMarket::Spot, 1..=100) => 5,
            (BinanceMarket::Spot, 101..=500) => 25,
            (BinanceMarket::Spot, 501..=1_000) => 50,
            (BinanceMarket::Spot, 1_001..=5_000) => 250,
            (BinanceMarket::UsdFutures, 5 | 10 | 20 | 50) => 2,
            (BinanceMarket::UsdFutures, 100) => 5,
            (BinanceMarket::UsdFutures, 500) => 10,
            (BinanceMarket::UsdFutures, 1_000) => 20,
            (market, _) => return Err(unsupported(market, "a book of this depth")),
        };
        let endpoint = self.either(SPOT_DEPTH, DEPTH);
        about(out, endpoint, [weight, 0], self.name(instrument)?).number("limit", levels);
        Ok(())
    }

    /// The prints of a market from this number on, at most 1,000: what a
    /// [`TradeStream`](crate::venue::TradeStream) misses.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn aggregate_trades(
        &self,
        instrument: InstrumentId,
        from: u64,
        most: u16,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        within("the number of trades", most.into(), [1, 1_000])?;
        let (endpoint, weight) = (self.either(SPOT_TRADES, TRADES), self.weight(4, 20));
        let params = about(out, endpoint, [weight, 0], self.name(instrument)?);
        params.number("fromId", from).number("limit", most);
        Ok(())
    }

    /// Candles that open from one time to another, at most 1,000. The last one may still be
    /// forming.
    ///
    /// # Errors
    /// [`RequestError::Unsupported`] for a period that the venue has no candles of.
    pub fn klines(
        &self,
        (instrument, period): (InstrumentId, Period),
        [from, to]: [Timestamp; 2],
        most: u16,
        out: &mut Request,
    ) -> Result<(), RequestError> {
        within("the number of candles", most.into(), [1, 1_000])?;
        let word = candle_interval(self.market, period)
            .ok_or_else(|| unsupported(self.market, "a candle of this period"))?;
        let futures = match most {
            1..100 => 1,
            100..500 => 2,
            _ => 5,
        };
        let (endpoint, weight) = (self.either(SPOT_KLINES, KLINES), self.weight(2, futures));
        let params = about(out, endpoint, [weight, 0], self.name(instrument)?);
        params.text("interval", word).time("startTime", from).time("endTime", to);
        params.number("limit", most);
        Ok(())
    }
}
