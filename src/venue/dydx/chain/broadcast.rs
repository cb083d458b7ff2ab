use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use serde::Deserialize;

use super::ChainAddress;
use super::messages::{AccountAnswer, BaseAccount, QueryAccount};
use crate::types::{
    Classification, Classify, ErrorCategory, Label, RejectReason, RetryAdvice, Severity,
};
use crate::venue::DecodeError;
use crate::venue::dydx::wire::parse;
use crate::venue::read::number;

/// Why a validator has not taken a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused by the chain: {codespace} {code}: {log}")]
pub struct ChainRefusal {
    /// The module whose number it is: `sdk` of the chain itself, `clob` of order books, `rpc` of
    /// the validator's door.
    pub codespace: String,
    /// The module's number of the error.
    pub code: i64,
    /// The chain's text, its first 200 characters.
    pub log: String,
}

const RPC: &str = "rpc";
const SDK: &str = "sdk";
const CLOB: &str = "clob";

impl ChainRefusal {
    /// True when the account's sequence number was another one: learn it by [`account_request`],
    /// sign again and send again; nothing was carried out.
    pub fn is_sequence_mismatch(&self) -> bool {
        self.codespace == SDK && self.code == 32
    }

    /// The sequence number that the validator waits for, where its text names one: what waits for
    /// a block already counts with it, which [`account_request`] does not see.
    ///
    /// ```
    /// use tradewright::venue::dydx::decode_broadcast;
    ///
    /// let answer = br#"{"result":{"code":32,"codespace":"sdk","hash":"AB","log":
    ///     "account sequence mismatch, expected 8, got 7: incorrect account sequence"}}"#;
    /// let refusal = decode_broadcast(answer)?.unwrap_err();
    /// assert_eq!(refusal.expected_sequence(), Some(8));
    /// # Ok::<(), tradewright::venue::DecodeError>(())
    /// ```
    pub fn expected_sequence(&self) -> Option<u64> {
        if !self.is_sequence_mismatch() {
            return None;
        }
        let (_, rest) = self.log.split_once("expected ")?;
        rest.split(|char: char| !char.is_ascii_digit()).next()?.parse().ok()
    }

    /// True when it may have been carried out all the same: the validator has the same
    /// transaction already, or has failed on its own account.
    pub fn is_outcome_unknown(&self) -> bool {
        self.codespace == RPC || self.codespace == SDK && self.code == 19
    }

    /// The refusal in the engine's words. Numbers are those of the chain's module of order books
    /// and of Cosmos SDK 0.50.
    pub fn reason(&self) -> RejectReason {
        match (self.codespace.as_str(), self.code) {
            (CLOB, 2 | 3006 | 3010) => RejectReason::NotFound,
            (CLOB, 3..=6 | 10..=12 | 42 | 3000..=3004 | 6000 | 6001) => RejectReason::InvalidOrder,
            (CLOB, 8 | 34 | 36) => RejectReason::NotTrading,
            (CLOB, 20 | 30 | 3005) => RejectReason::DuplicateId,
            (CLOB, 2000) => RejectReason::NoLiquidity,
            (CLOB, 2001 | 2002) => RejectReason::NothingToReduce,
            (CLOB, 2003) => RejectReason::WouldTake,
            (CLOB, 3007) | (SDK, 5) => RejectReason::InsufficientFunds,
            (CLOB, 5001) => RejectReason::Other(Label::new("block_rate_limit")),
            (CLOB, 10001) => RejectReason::Other(Label::new("equity_tier_limit")),
            (SDK, 4) => RejectReason::Other(Label::new("not_authorised")),
            (SDK, 20) => RejectReason::Other(Label::new("mempool_full")),
            (SDK, 32) => RejectReason::Other(Label::new("sequence")),
            (_, _) => RejectReason::Other(Label::new("chain")),
        }
    }
}

impl Classify for ChainRefusal {
    fn classification(&self) -> Classification {
        let api = |severity| Classification::new(ErrorCategory::Api, severity);
        if self.is_outcome_unknown() {
            return api(Severity::High).retry(RetryAdvice::LookUp);
        }
        match (self.codespace.as_str(), self.code) {
            (SDK, 4) => api(Severity::Critical).fatal(),
            (SDK, 20) => api(Severity::Medium).retry(RetryAdvice::Backoff),
            (SDK, 32) => api(Severity::Medium).retry(RetryAdvice::Resynchronise),
            (CLOB, 5001) => Classification::new(ErrorCategory::RateLimit, Severity::Medium)
                .retry(RetryAdvice::Backoff),
            (_, _) => api(Severity::Low),
        }
    }
}

/// What the chain keeps about an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainAccount {
    /// The chain's number of it, which never changes.
    pub number: u64,
    /// The sequence number of its next stateful transaction.
    pub sequence: u64,
}

/// The body of the request to a validator's RPC, by POST to `/`, that takes a transaction in and
/// waits for its check alone. `id` comes back with the answer.
pub fn broadcast_request(id: u64, transaction: &[u8]) -> String {
    let text = STANDARD.encode(transaction);
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"broadcast_tx_sync","params":{{"tx":"{text}"}}}}"#
    )
}

/// Reads the answer to [`broadcast_request`]: the transaction's hash, in hexadecimal digits, or
/// why it was not taken. That it was taken is not yet that its order works: the indexer tells it.
///
/// # Errors
/// [`DecodeError`]; then nothing is known about the transaction.
pub fn decode_broadcast(bytes: &[u8]) -> Result<Result<String, ChainRefusal>, DecodeError> {
    const WHAT: &str = "broadcast_tx_sync";
    let result = match parse::<Rpc<'_, WireBroadcast<'_>>>(WHAT, bytes)? {
        Rpc { error: Some(error), .. } => return Ok(Err(error.refusal())),
        Rpc { result: Some(result), .. } => result,
        Rpc { .. } => return Err(DecodeError::Missing { what: WHAT, field: "result" }),
    };
    if result.code == 0 {
        return Ok(Ok(result.hash.into_owned()));
    }
    let codespace = result.codespace.unwrap_or_default().chars().take(40).collect();
    Ok(Err(ChainRefusal { codespace, code: result.code, log: short(&result.log) }))
}

/// The body of the request to a validator's RPC that asks for an account's numbers.
pub fn account_request(id: u64, address: &ChainAddress) -> String {
    let query = QueryAccount { address: address.as_str().to_owned() }.encode_to_vec();
    let data: String = query.iter().map(|byte| format!("{byte:02x}")).collect();
    let params = format!(r#"{{"path":"{PATH}","data":"{data}","prove":false}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"abci_query","params":{params}}}"#)
}

const PATH: &str = "/cosmos.auth.v1beta1.Query/Account";
const BASE_ACCOUNT: &str = "/cosmos.auth.v1beta1.BaseAccount";

/// Reads the answer to [`account_request`]. An account that nobody has ever sent anything to is
/// refused by the chain.
///
/// # Errors
/// [`DecodeError`].
pub fn decode_account(bytes: &[u8]) -> Result<Result<ChainAccount, ChainRefusal>, DecodeError> {
    const WHAT: &str = "abci_query";
    let response = match parse::<Rpc<'_, WireQuery<'_>>>(WHAT, bytes)? {
        Rpc { error: Some(error), .. } => return Ok(Err(error.refusal())),
        Rpc { result: Some(result), .. } => result.response,
        Rpc { .. } => return Err(DecodeError::Missing { what: WHAT, field: "result" }),
    };
    if response.code != 0 {
        let codespace = response.codespace.unwrap_or_default().chars().take(40).collect();
        let log = short(&response.log);
        return Ok(Err(ChainRefusal { codespace, code: response.code, log }));
    }
    let malformed = |message: String| DecodeError::Malformed { what: WHAT, message };
    let value = response.value.ok_or(DecodeError::Missing { what: WHAT, field: "value" })?;
    let value = STANDARD.decode(value.as_bytes()).map_err(|_| number(WHAT, "value", &value))?;
    let answer = AccountAnswer::decode(&value[..]).map_err(|error| malformed(error.to_string()))?;
    let account = answer.account.ok_or(DecodeError::Missing { what: WHAT, field: "account" })?;
    if account.type_url != BASE_ACCOUNT {
        return Err(crate::venue::read::word(WHAT, "type_url", &account.type_url));
    }
    let read = BaseAccount::decode(&account.value[..]);
    let BaseAccount { number, sequence, .. } =
        read.map_err(|error| malformed(error.to_string()))?;
    Ok(Ok(ChainAccount { number, sequence }))
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

#[derive(Deserialize)]
struct Rpc<'a, T> {
    result: Option<T>,
    #[serde(borrow)]
    error: Option<WireError<'a>>,
}

#[derive(Deserialize)]
struct WireError<'a> {
    code: i64,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
}

impl WireError<'_> {
    fn refusal(&self) -> ChainRefusal {
        let text = self.data.as_deref().unwrap_or(&self.message);
        ChainRefusal { codespace: RPC.to_owned(), code: self.code, log: short(text) }
    }
}

#[derive(Deserialize)]
struct WireBroadcast<'a> {
    code: i64,
    #[serde(borrow, default)]
    codespace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    hash: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WireQuery<'a> {
    #[serde(borrow)]
    response: WireResponse<'a>,
}

#[derive(Deserialize)]
struct WireResponse<'a> {
    code: i64,
    #[serde(borrow, default)]
    codespace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    log: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Option<Cow<'a, str>>,
}
