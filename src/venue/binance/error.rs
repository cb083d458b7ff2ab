use serde::Deserialize;

use crate::types::{Label, RejectReason};
use crate::venue::read;
use crate::venue::{Answer, DecodeError};

/// Which of Binance's markets: the same error number means different things on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinanceMarket {
    /// Spot.
    Spot,
    /// USD-margined futures.
    UsdFutures,
}

/// What a refused request means for whoever has sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The request may have been carried out: ask for the order by its client id, never send it
    /// again before that.
    UnknownOutcome,
    /// It was not carried out; the same request may succeed later.
    Retryable,
    /// Too many requests or orders: stop all of them until the venue's hour.
    RateLimited,
    /// Our time is wrong: measure the clock's offset anew, then send again.
    Clock,
    /// Key, signature or permission is wrong: a person has to act.
    Unauthorized,
    /// What was asked about is not there, or is over.
    NotFound,
    /// Refused for good: the same request will be refused again.
    Rejected,
}

/// The words of a refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueError {
    /// The venue's number.
    pub code: i64,
    /// The venue's text.
    pub message: String,
}

impl VenueError {
    /// Reads `{"code":-2011,"msg":"Unknown order sent."}`, also from inside of `error`, as the
    /// WebSocket API wraps it.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not of this form.
    ///
    /// ```
    /// use tradewright::venue::binance::{BinanceMarket, ErrorClass, VenueError};
    ///
    /// let body = br#"{"code":-1007,"msg":"Timeout waiting for response from backend server."}"#;
    /// let error = VenueError::decode(body)?;
    /// assert_eq!(error.code, -1007);
    /// assert_eq!(error.class(BinanceMarket::Spot), ErrorClass::UnknownOutcome);
    /// # Ok::<(), tradewright::venue::DecodeError>(())
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "error";
        let body: Body = serde_json::from_slice(bytes).map_err(|e| read::malformed(WHAT, &e))?;
        let (code, message) = match body.error {
            Some(inner) => (Some(inner.code), Some(inner.msg)),
            None => (body.code, body.msg),
        };
        let missing = |field| DecodeError::Missing { what: WHAT, field };
        let code = code.ok_or_else(|| missing("code"))?;
        Ok(Self { code, message: message.ok_or_else(|| missing("msg"))? })
    }

    /// What it means. Numbers that are not listed count as refused for good.
    pub const fn class(&self, market: BinanceMarket) -> ErrorClass {
        match (self.code, market) {
            (-1006 | -1007, _) => ErrorClass::UnknownOutcome,
            (-1003 | -1015, _) => ErrorClass::RateLimited,
            (-1000 | -1001 | -1008 | -1016, _) => ErrorClass::Retryable,
            (-1021, _) => ErrorClass::Clock,
            (-1002 | -1022 | -2014 | -2015, _) => ErrorClass::Unauthorized,
            (-2011 | -2013, _) => ErrorClass::NotFound,
            // A replacement that failed by half: the old order may be gone, the new one there.
            (-2021, BinanceMarket::Spot) => ErrorClass::UnknownOutcome,
            (_, _) => ErrorClass::Rejected,
        }
    }

    /// Why an order, a cancel or a change was refused, in the engine's words. Where the number
    /// stands for many reasons (-2010), the text decides.
    ///
    /// ```
    /// use tradewright::types::RejectReason;
    /// use tradewright::venue::binance::{BinanceMarket, VenueError};
    ///
    /// let message = "Account has insufficient balance for requested action.".to_owned();
    /// let error = VenueError { code: -2010, message };
    /// let reason = error.reject_reason(BinanceMarket::Spot);
    /// assert_eq!(reason, RejectReason::InsufficientFunds);
    /// ```
    pub fn reject_reason(&self, market: BinanceMarket) -> RejectReason {
        match (self.code, market) {
            (-2011 | -2013, _) => RejectReason::NotFound,
            (-1121, _) => RejectReason::NotTrading,
            (-1199..=-1100, _) | (-1013, _) => RejectReason::InvalidOrder,
            (-2010 | -2021 | -2022, BinanceMarket::Spot) => self.by_text(),
            (-2018 | -2019, BinanceMarket::UsdFutures) => RejectReason::InsufficientFunds,
            (-2022, BinanceMarket::UsdFutures) => RejectReason::NothingToReduce,
            (-5022, BinanceMarket::UsdFutures) => RejectReason::WouldTake,
            (-5021, BinanceMarket::UsdFutures) => RejectReason::NoLiquidity,
            (-4116, BinanceMarket::UsdFutures) => RejectReason::DuplicateId,
            (-4120 | -4164, BinanceMarket::UsdFutures) => RejectReason::InvalidOrder,
            (_, _) => self.by_text(),
        }
    }

    fn by_text(&self) -> RejectReason {
        let says = |words: &str| self.message.contains(words);
        if says("insufficient balance") {
            RejectReason::InsufficientFunds
        } else if says("immediately match and take") {
            RejectReason::WouldTake
        } else if says("Duplicate order") {
            RejectReason::DuplicateId
        } else if says("Market is closed") || says("not available for trading") {
            RejectReason::NotTrading
        } else {
            RejectReason::Other(Label::new(&self.message))
        }
    }

    /// What the error means for an order that was sent. "An unknown error" (-1000) and a broken
    /// inner connection (-1001) leave it open whether the order works.
    ///
    /// ```
    /// use tradewright::venue::Answer;
    /// use tradewright::venue::binance::{BinanceMarket, VenueError};
    ///
    /// let error = VenueError { code: -1007, message: "Timeout".to_owned() };
    /// assert_eq!(error.answer(BinanceMarket::Spot), Answer::Unknown);
    /// ```
    pub fn answer(&self, market: BinanceMarket) -> Answer {
        match self.class(market) {
            ErrorClass::UnknownOutcome => Answer::Unknown,
            ErrorClass::Retryable if matches!(self.code, -1000 | -1001) => Answer::Unknown,
            ErrorClass::Retryable
            | ErrorClass::RateLimited
            | ErrorClass::Clock
            | ErrorClass::Unauthorized
            | ErrorClass::NotFound
            | ErrorClass::Rejected => Answer::Refused(self.reject_reason(market)),
        }
    }

    /// Until when all requests of this address are banned, in milliseconds since 1970, where
    /// the text says so (`IP banned until 1659146400000`).
    pub fn banned_until_millis(&self) -> Option<i64> {
        let (_, rest) = self.message.split_once("banned until ")?;
        let digits = rest.split(|char: char| !char.is_ascii_digit()).next()?;
        digits.parse().ok()
    }
}

/// What an answer's HTTP status means before its body was read; none for success, and where the
/// body has to say it.
///
/// ```
/// use tradewright::venue::binance::{ErrorClass, classify_status};
///
/// assert_eq!(classify_status(503), Some(ErrorClass::UnknownOutcome));
/// assert_eq!(classify_status(418), Some(ErrorClass::RateLimited));
/// assert_eq!(classify_status(400), None);
/// ```
pub const fn classify_status(status: u16) -> Option<ErrorClass> {
    match status {
        500..=599 => Some(ErrorClass::UnknownOutcome),
        418 | 429 => Some(ErrorClass::RateLimited),
        401 | 403 => Some(ErrorClass::Unauthorized),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Body {
    code: Option<i64>,
    msg: Option<String>,
    error: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    code: i64,
    msg: String,
}
