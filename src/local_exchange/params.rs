use core::str::FromStr;

use rust_decimal::Decimal;

use super::error::ApiError;
use crate::venue::binance::WsParams;

/// The parameters of a request, and the text that its signature is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Params {
    pairs: Vec<(String, String)>,
    /// What was signed, as it was sent.
    pub(super) signed: String,
    pub(super) signature: Option<String>,
}

impl Params {
    /// From the raw text of query and body; the signature is over both as they were sent.
    pub(super) fn of_http(query: &str, body: &str) -> Self {
        let mut params = Self::default();
        for part in [query, body] {
            let mut kept = Vec::new();
            for pair in part.split('&').filter(|pair| !pair.is_empty()) {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                if name == "signature" {
                    params.signature = Some(decode(value));
                } else {
                    kept.push(pair);
                    params.pairs.push((decode(name), decode(value)));
                }
            }
            params.signed.push_str(&kept.join("&"));
        }
        params
    }

    /// From the parameters of the WebSocket API, sorted by name, each as its raw token.
    pub(super) fn of_ws(params: &WsParams<'_>) -> Self {
        let pairs = params.iter().filter(|(name, _)| *name != "signature");
        Self {
            pairs: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            signed: params.payload(),
            signature: params.get("signature").map(str::to_owned),
        }
    }

    /// From names and values, unsigned.
    pub(super) fn of_pairs(pairs: Vec<(String, String)>) -> Self {
        Self { pairs, ..Self::default() }
    }

    /// A parameter that was sent and is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::missing(name))
    }

    pub(super) fn read<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        match self.get(name) {
            Some(text) => text.parse().map(Some).map_err(|_| ApiError::illegal(name)),
            None => Ok(None),
        }
    }

    /// A decimal above zero.
    pub(super) fn decimal(&self, name: &str) -> Result<Option<Decimal>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let value = Decimal::from_str_exact(text).map_err(|_| ApiError::illegal(name))?;
        if value.normalize().scale() > 8 {
            let message = format!("Parameter '{name}' has too much precision.");
            return Err(ApiError::new(-1111, message));
        }
        if value < Decimal::ZERO || value > Decimal::from(9_000_000_000_i64) {
            return Err(ApiError::illegal(name));
        }
        Ok(Some(value.normalize()).filter(|value| !value.is_zero()))
    }

    pub(super) fn need_decimal(&self, name: &str) -> Result<Decimal, ApiError> {
        self.decimal(name)?.ok_or_else(|| ApiError::missing(name))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// Symbols that were asked for: `symbol`, or the array `symbols`; none for all.
    pub(super) fn symbols(&self) -> Result<Option<Vec<String>>, ApiError> {
        if let Some(symbol) = self.get("symbol") {
            return Ok(Some(vec![symbol.to_owned()]));
        }
        let Some(text) = self.get("symbols") else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|_| ApiError::illegal("symbols"))
    }

    /// How many rows, within 1 and the most.
    pub(super) fn limit(&self, usual: usize, most: usize) -> Result<usize, ApiError> {
        let limit: Option<usize> = self.read("limit")?;
        Ok(limit.unwrap_or(usual).clamp(1, most))
    }
}

/// Percent-encoded text, with `+` for a space.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| {
                    digit.and_then(|digit| char::from(digit).to_digit(16)).unwrap_or_default()
                });
                // Two digits of 16 fit into a byte.
                bytes.push(u8::try_from(digits[0] * 16 + digits[1]).unwrap_or_default());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
