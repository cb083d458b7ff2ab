use core::time::Duration;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use tracing::Instrument as _;

use crate::live::SystemClock;
use crate::live::net::{Endpoint, HttpClient, HttpError, HttpRequest, Tls};
use crate::live::requests::log_answer;
use crate::venue::dydx::{
    ChainAccount, ChainAddress, ChainRefusal, account_request, broadcast_request, decode_account,
    decode_broadcast,
};
use crate::venue::{Clock, ExchangeError};

/// A validator's door for transactions: JSON-RPC over HTTP, as CometBFT has it.
///
/// What it takes is checked and passed on, and not yet in a block: the indexer tells what became
/// of an order. It keeps no sequence numbers, sends nothing twice and does not wait for its turn.
#[derive(Debug)]
pub struct DydxNode {
    endpoint: Endpoint,
    http: HttpClient,
    last: AtomicU64,
}

impl DydxNode {
    /// A validator at this address of HTTP, whose answers may take so long.
    pub fn new(endpoint: Endpoint, tls: &Tls, timeout: Duration) -> Self {
        Self { endpoint, http: HttpClient::new(tls, timeout), last: AtomicU64::new(0) }
    }

    /// Sends a signed transaction, once, and gives its hash.
    ///
    /// # Errors
    /// [`ExchangeError::Refused`] with the chain's number; [`ExchangeError::Unavailable`] where
    /// the sequence number was another one or the validator is full, and nothing was carried
    /// out; [`ExchangeError::Unknown`] where it may have been taken.
    pub async fn broadcast(&self, transaction: &[u8]) -> Result<String, ExchangeError> {
        self.send(transaction).await?.map_err(|refusal| told(&refusal))
    }

    /// As [`DydxNode::broadcast`], with the chain's own word for a refusal.
    pub(super) async fn send(
        &self,
        transaction: &[u8],
    ) -> Result<Result<String, ChainRefusal>, ExchangeError> {
        let mut refused = None;
        let answer = async {
            self.send_one(transaction).await?.map_err(|refusal| {
                let error = told(&refusal);
                refused = Some(refusal);
                error
            })
        };
        let answer = logged("broadcast", answer).await;
        match refused {
            Some(refusal) => Ok(Err(refusal)),
            None => answer.map(Ok),
        }
    }

    async fn send_one(
        &self,
        transaction: &[u8],
    ) -> Result<Result<String, ChainRefusal>, ExchangeError> {
        let body = broadcast_request(self.next_id(), transaction);
        let answer = self.post(body).await.map_err(|error| match error {
            HttpError::NotSent { message } => ExchangeError::Transport { message },
            HttpError::NoAnswer { message } => ExchangeError::Unknown { message },
        })?;
        decode_broadcast(&answer)
            .map_err(|error| ExchangeError::Unknown { message: error.to_string() })
    }

    /// Asks for an account's number and its next sequence number.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub async fn account(&self, address: &ChainAddress) -> Result<ChainAccount, ExchangeError> {
        logged("account", self.account_one(address)).await
    }

    async fn account_one(&self, address: &ChainAddress) -> Result<ChainAccount, ExchangeError> {
        let body = account_request(self.next_id(), address);
        let answer = self.post(body).await.map_err(|error| match error {
            HttpError::NotSent { message } | HttpError::NoAnswer { message } => {
                ExchangeError::Transport { message }
            }
        })?;
        decode_account(&answer)?.map_err(|refusal| match told(&refusal) {
            // A question does nothing.
            ExchangeError::Unknown { message } => {
                ExchangeError::Unavailable { code: refusal.code, message }
            }
            other => other,
        })
    }

    fn next_id(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed)
    }

    /// The body of the answer, whatever its status: errors of JSON-RPC come with 500.
    async fn post(&self, body: String) -> Result<Bytes, HttpError> {
        let request = HttpRequest {
            method: Method::POST,
            endpoint: self.endpoint.clone(),
            path_and_query: "/".to_owned(),
            headers: vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
            body: body.into(),
        };
        self.http.send(request).await.map(|reply| reply.body)
    }
}

/// Waits for the outcome of a request and tells the log of it.
async fn logged<T>(
    endpoint: &str,
    request: impl Future<Output = Result<T, ExchangeError>>,
) -> Result<T, ExchangeError> {
    let span = tracing::error_span!("http", venue = "dydx", endpoint);
    let timed = async {
        let began = SystemClock.monotonic();
        let answer = request.await;
        log_answer(SystemClock.monotonic().since(began), answer.as_ref().err());
        answer
    };
    timed.instrument(span).await
}

/// A refusal in the words of all venues.
pub(super) fn told(refusal: &ChainRefusal) -> ExchangeError {
    let (code, message) = (refusal.code, refusal.to_string());
    match (refusal.codespace.as_str(), code) {
        _ if refusal.is_outcome_unknown() => ExchangeError::Unknown { message },
        ("sdk", 4) => ExchangeError::Authentication { code, message },
        ("sdk", 20 | 32) | ("clob", 5001) => ExchangeError::Unavailable { code, message },
        (_, _) => ExchangeError::Refused { reason: refusal.reason(), code, message },
    }
}
