use prost::{Message, Name};

use super::messages::{
    Any, AuthInfo, BatchCancel, Fee, ModeInfo, OrderBatch, PublicKey, SignDoc, SignerInfo, Single,
    TxBody, TxRaw,
};
use super::order::subaccount;
use super::{ChainCancel, ChainKey, ChainOrder, Subaccount};

/// Makes signed transactions for one subaccount on one chain.
///
/// A transaction holds one message. Messages about orders cost no gas; the limit that is written
/// is the one that the venue's own client writes.
///
/// ```
/// use tradewright::types::Side;
/// use tradewright::venue::dydx::{
///     ChainExecution, ChainKey, ChainLife, ChainOrder, ChainSigner, SHORT_TERM_SEQUENCE,
///     SecretString, broadcast_request,
/// };
///
/// let key = ChainKey::from_hex(&SecretString::from("01".repeat(32)))?;
/// let signer = ChainSigner::new(key, 0, "dydx-testnet-4", 42);
/// let order = ChainOrder {
///     client: 7,
///     clob_pair: 0,
///     side: Side::Buy,
///     quantums: 1_000_000,
///     subticks: 11_881_000_000,
///     life: ChainLife::ShortTerm { last_block: 1_020 },
///     execution: ChainExecution::ImmediateOrCancel,
///     reduce_only: false,
///     client_metadata: 0,
/// };
/// let transaction = signer.place(&order, SHORT_TERM_SEQUENCE);
/// let body = broadcast_request(1, &transaction);
/// assert!(body.contains(r#""method":"broadcast_tx_sync""#));
/// # Ok::<(), tradewright::venue::dydx::ChainKeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ChainSigner {
    key: ChainKey,
    owner: Subaccount,
    chain_id: String,
    account_number: u64,
}

/// A sequence number for orders of the short term, of which the chain does not check it.
pub const SHORT_TERM_SEQUENCE: u64 = 0;
/// What the venue's Python client (1.1) writes for messages about orders.
const GAS_LIMIT: u64 = 1_000_000;
/// `SIGN_MODE_DIRECT`.
const DIRECT: i32 = 1;

impl ChainSigner {
    /// A signer for the subaccount of this number. `account_number` is the chain's number of the
    /// account, [`ChainAccount::number`](super::ChainAccount).
    pub fn new(key: ChainKey, subaccount: u32, chain_id: &str, account_number: u64) -> Self {
        let owner = Subaccount { address: key.address().clone(), number: subaccount };
        Self { key, owner, chain_id: chain_id.to_owned(), account_number }
    }

    /// The subaccount whose orders are signed.
    pub fn subaccount(&self) -> &Subaccount {
        &self.owner
    }

    /// The signed transaction that places an order. `sequence` is the account's next number where
    /// the order is stateful, and [`SHORT_TERM_SEQUENCE`] where it is not.
    pub fn place(&self, order: &ChainOrder, sequence: u64) -> Vec<u8> {
        self.sign(&order.message(&self.owner), sequence)
    }

    /// The signed transaction that takes an order back, with a sequence as of its placing.
    pub fn cancel(&self, cancel: &ChainCancel, sequence: u64) -> Vec<u8> {
        self.sign(&cancel.message(&self.owner), sequence)
    }

    /// The signed transaction that takes many orders of the short term back: for each pair their
    /// client ids. The cancels hold until `last_block`.
    pub fn cancel_batch(&self, pairs: &[(u32, Vec<u32>)], last_block: u32) -> Vec<u8> {
        let batch = |(clob_pair, clients): &(u32, Vec<u32>)| OrderBatch {
            clob_pair: *clob_pair,
            clients: clients.clone(),
        };
        let message = BatchCancel {
            subaccount: Some(subaccount(&self.owner.address, self.owner.number)),
            batches: pairs.iter().map(batch).collect(),
            last_block,
        };
        self.sign(&message, SHORT_TERM_SEQUENCE)
    }

    fn sign<M: Message + Name>(&self, message: &M, sequence: u64) -> Vec<u8> {
        let body = TxBody { messages: vec![Any::of(message)], memo: String::new() };
        let public_key = PublicKey { key: self.key.public_key().to_vec() };
        let signer = SignerInfo {
            public_key: Some(Any::of(&public_key)),
            mode: Some(ModeInfo { single: Some(Single { mode: DIRECT }) }),
            sequence,
        };
        let auth_info = AuthInfo { signers: vec![signer], fee: Some(Fee { gas_limit: GAS_LIMIT }) };
        let document = SignDoc {
            body: body.encode_to_vec(),
            auth_info: auth_info.encode_to_vec(),
            chain_id: self.chain_id.clone(),
            account_number: self.account_number,
        };
        let signature = self.key.sign(&document.encode_to_vec());
        let SignDoc { body, auth_info, .. } = document;
        TxRaw { body, auth_info, signatures: vec![signature.to_vec()] }.encode_to_vec()
    }
}
