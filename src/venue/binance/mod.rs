//! Binance, spot and USD-margined futures: bytes to values, and requests to signed text.
//!
//! Nothing here opens a connection or reads a clock. Protocol of July 2026.

mod algo;
mod bar;
mod classify;
mod error;
mod field;
mod limits;
mod market;
mod quick;
mod reply;
mod report;
mod request;
mod scan;
mod sign;
mod text;
mod user;
mod wire;

pub use error::{BinanceMarket, ErrorClass, VenueError, classify_status};
pub use limits::LimitHeader;
pub use market::{MarketDecoder, StreamFrame, decode_aggregate_trades, decode_depth};
pub use reply::{
    ConditionalState, ExchangeInfo, LotRule, NotionalRule, Outcome, PercentRule, PriceRule,
    Replaced, ReplyDecoder, SymbolRules, SymbolStatus, TrailingRule, WsReply, decode_klines,
    decode_listen_key, decode_server_time,
};
pub use request::{
    Access, AnswerKind, MarginType, Method, OrderRoute, Request, RequestError, Requests, Signing,
    TradesFrom, candle_interval,
};
pub use secrecy::SecretString;
pub use sign::{
    Credentials, Ed25519Key, Ed25519PublicKey, HmacKey, KeyError, RequestSigner, Signature,
    SignatureError, VerifyingKey, WsParams,
};
pub use user::UserDecoder;
