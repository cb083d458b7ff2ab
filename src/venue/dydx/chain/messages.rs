//! The messages of protocol buffers that an order needs, with the numbers of the chain's own
//! definitions (dYdX v4 of 2026, Cosmos SDK 0.50). Others of their fields are never written.

use prost::{Message, Name, Oneof};

#[derive(Clone, PartialEq, Message)]
pub(super) struct Subaccount {
    #[prost(string, tag = "1")]
    pub owner: String,
    #[prost(uint32, tag = "2")]
    pub number: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OrderId {
    #[prost(message, optional, tag = "1")]
    pub subaccount: Option<Subaccount>,
    #[prost(fixed32, tag = "2")]
    pub client: u32,
    #[prost(uint32, tag = "3")]
    pub flags: u32,
    #[prost(uint32, tag = "4")]
    pub clob_pair: u32,
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(super) enum OrderUntil {
    #[prost(uint32, tag = "5")]
    Block(u32),
    #[prost(fixed32, tag = "6")]
    Time(u32),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Order {
    #[prost(message, optional, tag = "1")]
    pub id: Option<OrderId>,
    #[prost(int32, tag = "2")]
    pub side: i32,
    #[prost(uint64, tag = "3")]
    pub quantums: u64,
    #[prost(uint64, tag = "4")]
    pub subticks: u64,
    #[prost(oneof = "OrderUntil", tags = "5, 6")]
    pub until: Option<OrderUntil>,
    #[prost(int32, tag = "7")]
    pub time_in_force: i32,
    #[prost(bool, tag = "8")]
    pub reduce_only: bool,
    #[prost(uint32, tag = "9")]
    pub client_metadata: u32,
    #[prost(int32, tag = "10")]
    pub condition: i32,
    #[prost(uint64, tag = "11")]
    pub trigger_subticks: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PlaceOrder {
    #[prost(message, optional, tag = "1")]
    pub order: Option<Order>,
}

impl Name for PlaceOrder {
    const NAME: &'static str = "MsgPlaceOrder";
    const PACKAGE: &'static str = "dydxprotocol.clob";
}

#[derive(Clone, Copy, PartialEq, Oneof)]
pub(super) enum CancelUntil {
    #[prost(uint32, tag = "2")]
    Block(u32),
    #[prost(fixed32, tag = "3")]
    Time(u32),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CancelOrder {
    #[prost(message, optional, tag = "1")]
    pub id: Option<OrderId>,
    #[prost(oneof = "CancelUntil", tags = "2, 3")]
    pub until: Option<CancelUntil>,
}

impl Name for CancelOrder {
    const NAME: &'static str = "MsgCancelOrder";
    const PACKAGE: &'static str = "dydxprotocol.clob";
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OrderBatch {
    #[prost(uint32, tag = "1")]
    pub clob_pair: u32,
    #[prost(uint32, repeated, tag = "2")]
    pub clients: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchCancel {
    #[prost(message, optional, tag = "1")]
    pub subaccount: Option<Subaccount>,
    #[prost(message, repeated, tag = "2")]
    pub batches: Vec<OrderBatch>,
    #[prost(uint32, tag = "3")]
    pub last_block: u32,
}

impl Name for BatchCancel {
    const NAME: &'static str = "MsgBatchCancel";
    const PACKAGE: &'static str = "dydxprotocol.clob";
}

/// A message with its name.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

impl Any {
    pub(super) fn of<M: Message + Name>(message: &M) -> Self {
        let type_url = format!("/{}.{}", M::PACKAGE, M::NAME);
        Self { type_url, value: message.encode_to_vec() }
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PublicKey {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
}

impl Name for PublicKey {
    const NAME: &'static str = "PubKey";
    const PACKAGE: &'static str = "cosmos.crypto.secp256k1";
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TxBody {
    #[prost(message, repeated, tag = "1")]
    pub messages: Vec<Any>,
    #[prost(string, tag = "2")]
    pub memo: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Single {
    #[prost(int32, tag = "1")]
    pub mode: i32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct ModeInfo {
    #[prost(message, optional, tag = "1")]
    pub single: Option<Single>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SignerInfo {
    #[prost(message, optional, tag = "1")]
    pub public_key: Option<Any>,
    #[prost(message, optional, tag = "2")]
    pub mode: Option<ModeInfo>,
    #[prost(uint64, tag = "3")]
    pub sequence: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Fee {
    #[prost(uint64, tag = "2")]
    pub gas_limit: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AuthInfo {
    #[prost(message, repeated, tag = "1")]
    pub signers: Vec<SignerInfo>,
    #[prost(message, optional, tag = "2")]
    pub fee: Option<Fee>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SignDoc {
    #[prost(bytes = "vec", tag = "1")]
    pub body: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub auth_info: Vec<u8>,
    #[prost(string, tag = "3")]
    pub chain_id: String,
    #[prost(uint64, tag = "4")]
    pub account_number: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TxRaw {
    #[prost(bytes = "vec", tag = "1")]
    pub body: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub auth_info: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub signatures: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct QueryAccount {
    #[prost(string, tag = "1")]
    pub address: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AccountAnswer {
    #[prost(message, optional, tag = "1")]
    pub account: Option<Any>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BaseAccount {
    #[prost(string, tag = "1")]
    pub address: String,
    #[prost(uint64, tag = "3")]
    pub number: u64,
    #[prost(uint64, tag = "4")]
    pub sequence: u64,
}
