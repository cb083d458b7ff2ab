//! What answers of the venue that are no success mean.

use super::rest::Kind;
use crate::live::net::HttpReply;
use crate::types::{Label, RejectReason};
use crate::venue::binance::{BinanceMarket, ErrorClass, VenueError, classify_status};
use crate::venue::{DecodeError, ExchangeError};

/// Reads an answer by HTTP.
pub(super) fn read(market: BinanceMarket, reply: &HttpReply, kind: Kind) -> ExchangeError {
    let status = reply.status;
    let error = VenueError::decode(&reply.body);
    let by_status = classify_status(status);
    match (by_status, error) {
        (by_status, Ok(error)) => {
            let class = by_status.unwrap_or_else(|| error.class(market));
            of(class, market, error.code, error.message, kind)
        }
        (Some(class), Err(_)) => {
            of(class, market, i64::from(status), format!("HTTP {status}"), kind)
        }
        (None, Err(_)) if kind == Kind::Change => {
            ExchangeError::Unknown { message: format!("HTTP {status} without a reason") }
        }
        (None, Err(error)) => ExchangeError::Decode(error),
    }
}

fn of(
    class: ErrorClass,
    market: BinanceMarket,
    code: i64,
    message: String,
    kind: Kind,
) -> ExchangeError {
    match class {
        ErrorClass::UnknownOutcome if kind == Kind::Change => {
            ExchangeError::Unknown { message: format!("{message} ({code})") }
        }
        ErrorClass::UnknownOutcome
        | ErrorClass::Retryable
        | ErrorClass::RateLimited
        | ErrorClass::Clock => ExchangeError::Unavailable { code, message },
        ErrorClass::Unauthorized => ExchangeError::Authentication { code, message },
        ErrorClass::NotFound => {
            ExchangeError::Refused { reason: RejectReason::NotFound, code, message }
        }
        ErrorClass::Rejected => {
            let reason = reason(market, code, &message);
            ExchangeError::Refused { reason, code, message }
        }
    }
}

/// Why an order was refused, in the engine's words. Numbers with several meanings are told apart
/// by the venue's text.
fn reason(market: BinanceMarket, code: i64, message: &str) -> RejectReason {
    let says = |words: &str| message.contains(words);
    match (code, market) {
        (-2010, _) if says("insufficient balance") => RejectReason::InsufficientFunds,
        (-2010, _) if says("would immediately match") => RejectReason::WouldTake,
        (-2010, _) if says("Duplicate order") => RejectReason::DuplicateId,
        (-2018 | -2019, BinanceMarket::UsdFutures) => RejectReason::InsufficientFunds,
        (-2022, BinanceMarket::UsdFutures) => RejectReason::NothingToReduce,
        (-5022, BinanceMarket::UsdFutures) => RejectReason::WouldTake,
        (-4111 | -4116, BinanceMarket::UsdFutures) => RejectReason::DuplicateId,
        (-1013, _) if says("Market is closed") => RejectReason::NotTrading,
        (-1013 | -1199..=-1100, _) | (-4199..=-4000, BinanceMarket::UsdFutures) => {
            RejectReason::InvalidOrder
        }
        (_, _) => RejectReason::Other(Label::new(&format!("venue_{code}"))),
    }
}

/// An answer to a change that cannot be read proves that it arrived, and not what became of it.
pub(super) fn unreadable(error: DecodeError, kind: Kind) -> ExchangeError {
    match kind {
        Kind::Change => ExchangeError::Unknown { message: error.to_string() },
        Kind::Question => ExchangeError::Decode(error),
    }
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str, kind: Kind) -> ExchangeError {
        let reply = HttpReply { status, headers: HeaderMap::new(), body: body.to_owned().into() };
        read(BinanceMarket::Spot, &reply, kind)
    }

    #[test]
    fn doubt_is_never_taken_for_a_refusal() {
        let timeout = r#"{"code":-1007,"msg":"Timeout waiting for response."}"#;
        for (status, body) in
            [(503, ""), (500, "<html>"), (400, timeout), (504, timeout), (400, "")]
        {
            let error = answer(status, body, Kind::Change);
            assert!(error.is_outcome_unknown(), "{status} {body}: {error}");
            assert!(!answer(status, body, Kind::Question).is_outcome_unknown());
        }
    }

    #[test]
    fn refusals_carry_the_engines_reason() {
        let refused = |text: &str| match answer(400, text, Kind::Change) {
            ExchangeError::Refused { reason, .. } => reason,
            other => panic!("{other}"),
        };
        let text = |code: i64, words: &str| format!(r#"{{"code":{code},"msg":"{words}"}}"#);
        let funds = text(-2010, "Account has insufficient balance for requested action.");
        assert_eq!(refused(&funds), RejectReason::InsufficientFunds);
        let takes = text(-2010, "Order would immediately match and take.");
        assert_eq!(refused(&takes), RejectReason::WouldTake);
        assert_eq!(refused(&text(-2011, "Unknown order sent.")), RejectReason::NotFound);
        let filter = text(-1013, "Filter failure: LOT_SIZE");
        assert_eq!(refused(&filter), RejectReason::InvalidOrder);
        let key = answer(401, &text(-2014, "API-key format invalid."), Kind::Change);
        assert!(matches!(key, ExchangeError::Authentication { code: -2014, .. }));
    }
}
