//! What the venue answers: orders, fills, accounts and rules.

mod account;
mod conditional;
mod envelope;
mod filter;
mod history;
mod info;
mod order;
mod replaced;

pub use conditional::ConditionalState;
pub use envelope::WsReply;
pub use filter::{LotRule, NotionalRule, PercentRule, PriceRule, TrailingRule};
pub use history::{decode_klines, decode_listen_key, decode_server_time};
pub use info::{ExchangeInfo, SymbolRules, SymbolStatus};
pub use order::ReplyDecoder;
pub use replaced::{Outcome, Replaced};
