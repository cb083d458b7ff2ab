//! What a request asks for, by its path.

use hyper::Method;

use crate::metrics::ApiEndpoint;

/// The kind of a request, whatever stands in its query.
pub(super) fn of(method: &Method, path_and_query: &str) -> ApiEndpoint {
    let path = path_and_query.split('?').next().unwrap_or_default();
    // Behind `/api/v3/` and `/fapi/v1/`.
    let name = path.splitn(4, '/').nth(3).unwrap_or_default();
    match name {
        "order" | "algoOrder" => match method.as_str() {
            "POST" => ApiEndpoint::PlaceOrder,
            "PUT" => ApiEndpoint::AmendOrder,
            "DELETE" => ApiEndpoint::CancelOrder,
            _ => ApiEndpoint::OrderStatus,
        },
        "order/cancelReplace" | "order/amend/keepPriority" => ApiEndpoint::AmendOrder,
        "openOrders" if *method == Method::DELETE => ApiEndpoint::CancelAll,
        "allOpenOrders" | "algoOpenOrders" => ApiEndpoint::CancelAll,
        "openOrders" | "openAlgoOrders" | "allOrders" => ApiEndpoint::ListOrders,
        "myTrades" | "userTrades" => ApiEndpoint::ListFills,
        "account" | "balance" => ApiEndpoint::Balances,
        "positionRisk" => ApiEndpoint::Positions,
        "listenKey" => ApiEndpoint::ListenKey,
        "time" => ApiEndpoint::Time,
        "exchangeInfo" => ApiEndpoint::Instruments,
        "klines" => ApiEndpoint::Bars,
        "depth" => ApiEndpoint::Depth,
        "aggTrades" => ApiEndpoint::Trades,
        "ticker/bookTicker" | "ticker/24hr" | "premiumIndex" => ApiEndpoint::Prices,
        _ => ApiEndpoint::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_and_queries_do_not_matter() {
        let cases = [
            (Method::POST, "/api/v3/order?symbol=X", ApiEndpoint::PlaceOrder),
            (Method::DELETE, "/fapi/v1/algoOrder?a=/b/c/time", ApiEndpoint::CancelOrder),
            (Method::PUT, "/api/v3/order/amend/keepPriority", ApiEndpoint::AmendOrder),
            (Method::DELETE, "/api/v3/openOrders", ApiEndpoint::CancelAll),
            (Method::GET, "/api/v3/openOrders", ApiEndpoint::ListOrders),
            (Method::GET, "/fapi/v3/balance", ApiEndpoint::Balances),
            (Method::GET, "/fapi/v1/ticker/24hr?symbol=X", ApiEndpoint::Prices),
            (Method::GET, "/api/v3/exchangeInfo", ApiEndpoint::Instruments),
            (Method::GET, "", ApiEndpoint::Other),
            (Method::GET, "/sapi/v1/order\"\n/x", ApiEndpoint::Other),
        ];
        for (method, path, endpoint) in cases {
            assert_eq!(of(&method, path), endpoint, "{method} {path}");
        }
    }
}
