//! The way of an account's transactions to the chain: its numbers, and the chain's height.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::indexer::Indexer;
use super::node::told;
use super::{DydxAccount, DydxConfig, DydxNode};
use crate::live::watch::ExchangeWatch;
use crate::metrics::ApiEndpoint;
use crate::types::{Classify, Timestamp};
use crate::venue::dydx::{ChainRefusal, ChainSigner, SHORT_TERM_SEQUENCE, decode_height};
use crate::venue::{Clock, ExchangeError, Urgency};

/// What signs and sends the transactions of one account.
///
/// Stateful ones go one at a time, each with the account's next sequence number; those of the
/// short term need none, and go side by side.
pub(super) struct Chain {
    pub(super) account: DydxAccount,
    node: DydxNode,
    clock: Arc<dyn Clock>,
    watch: ExchangeWatch,
    indexer: Indexer,
    signer: OnceCell<ChainSigner>,
    /// The next sequence number, where it is known.
    next: tokio::sync::Mutex<Option<u64>>,
    /// The chain's height, and when it was heard of.
    height: Mutex<Option<(u64, Timestamp)>>,
}

/// Makes the signed transaction with a sequence number.
pub(super) type Sign<'a> = &'a (dyn Fn(&ChainSigner, u64) -> Vec<u8> + Send + Sync);

impl Chain {
    pub(super) fn new(config: &DydxConfig, indexer: &Indexer, account: DydxAccount) -> Self {
        let node = DydxNode::new(account.node.clone(), &config.tls, account.node_timeout);
        Self {
            account,
            node,
            clock: Arc::clone(&config.clock),
            watch: config.watch(),
            indexer: indexer.clone(),
            signer: OnceCell::new(),
            next: tokio::sync::Mutex::new(None),
            height: Mutex::new(None),
        }
    }

    /// Sends a transaction that needs no sequence number.
    pub(super) async fn send_short(
        &self,
        endpoint: ApiEndpoint,
        sign: Sign<'_>,
    ) -> Result<(), ExchangeError> {
        let transaction = sign(self.signer().await?, SHORT_TERM_SEQUENCE);
        let answer = self.broadcast(endpoint, &transaction).await?;
        answer.map_err(|refusal| told(&refusal))
    }

    /// Sends a transaction with the account's next sequence number. One that was refused for its
    /// number, and so was not carried out, is sent once more with the right one.
    pub(super) async fn send_stateful(
        &self,
        endpoint: ApiEndpoint,
        sign: Sign<'_>,
    ) -> Result<(), ExchangeError> {
        let signer = self.signer().await?;
        let mut next = self.next.lock().await;
        let refused = match self.attempt((signer, sign), endpoint, &mut next).await? {
            Ok(()) => return Ok(()),
            Err(refusal) if refusal.is_sequence_mismatch() => {
                match self.attempt((signer, sign), endpoint, &mut next).await? {
                    Ok(()) => return Ok(()),
                    Err(refusal) => refusal,
                }
            }
            Err(refusal) => refusal,
        };
        Err(told(&refused))
    }

    /// One attempt. The number is known afterwards where what became of the transaction is.
    async fn attempt(
        &self,
        (signer, sign): (&ChainSigner, Sign<'_>),
        endpoint: ApiEndpoint,
        next: &mut Option<u64>,
    ) -> Result<Result<(), ChainRefusal>, ExchangeError> {
        // Whoever stops waiting for the answer leaves no number behind.
        let sequence = match next.take() {
            Some(sequence) => sequence,
            None => self.numbers().await?.1,
        };
        let answer = self.broadcast(endpoint, &sign(signer, sequence)).await;
        *next = match &answer {
            Ok(Ok(())) => sequence.checked_add(1),
            Ok(Err(refusal)) if refusal.is_sequence_mismatch() => refusal.expected_sequence(),
            Ok(Err(refusal)) if refusal.is_outcome_unknown() => None,
            Err(error) if error.is_outcome_unknown() => None,
            Ok(Err(_)) | Err(_) => Some(sequence),
        };
        answer
    }

    async fn broadcast(
        &self,
        endpoint: ApiEndpoint,
        transaction: &[u8],
    ) -> Result<Result<(), ChainRefusal>, ExchangeError> {
        let began = self.clock.monotonic();
        let answer = self.node.send(transaction).await;
        let error = match &answer {
            Ok(Ok(_)) => None,
            Ok(Err(refusal)) => Some(refusal.classification().category),
            Err(error) => Some(error.classification().category),
        };
        self.watch.call(endpoint, self.clock.monotonic().since(began), error);
        answer.map(|taken| taken.map(|_hash| ()))
    }

    /// The number of the account never changes: it is asked for once.
    async fn signer(&self) -> Result<&ChainSigner, ExchangeError> {
        let make = async || {
            let (number, _) = self.numbers().await?;
            let DydxAccount { key, subaccount, chain_id, .. } = &self.account;
            Ok(ChainSigner::new(key.clone(), *subaccount, chain_id, number))
        };
        self.signer.get_or_try_init(make).await
    }

    /// The account's number and its next sequence number.
    async fn numbers(&self) -> Result<(u64, u64), ExchangeError> {
        let account = self.node.account(self.account.key.address()).await;
        account.map(|account| (account.number, account.sequence)).map_err(unsent)
    }

    /// The indexer has read the chain up to this height.
    pub(super) fn note_height(&self, height: u64) {
        let now = self.clock.monotonic();
        let mut known = self.height.lock().unwrap_or_else(PoisonError::into_inner);
        let height = known.map_or(height, |(before, _)| before.max(height));
        *known = Some((height, now));
    }

    /// The height up to which the indexer has read the chain, not older than the account's bound.
    pub(super) async fn height(&self) -> Result<u64, ExchangeError> {
        let oldest = self.clock.monotonic().before(self.account.height_age);
        let known = *self.height.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((height, at)) = known
            && at >= oldest
        {
            return Ok(height);
        }
        let body = self.indexer.ask("/height".to_owned(), Urgency::Resolve).await?;
        let height = decode_height(&body)?;
        self.note_height(height);
        Ok(height)
    }
}

/// A question before a change has failed: the change was not sent, whatever the answer was.
pub(super) fn unsent(error: ExchangeError) -> ExchangeError {
    match error {
        ExchangeError::Decode(error) => {
            ExchangeError::Unavailable { code: 0, message: format!("not sent: {error}") }
        }
        other => other,
    }
}
