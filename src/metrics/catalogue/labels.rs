//! Labels that several metrics share.

use crate::metrics::LabelSpec;

pub(super) const STRATEGY: LabelSpec = LabelSpec::first("strategy", 64);
pub(super) const SYMBOL: LabelSpec = LabelSpec::first("symbol", 256);
pub(super) const REASON: LabelSpec = LabelSpec::first("reason", 64);
pub(super) const BOT: LabelSpec = LabelSpec::first("bot_id", 64);
pub(super) const LIMIT: LabelSpec = LabelSpec::first("limit", 64);
pub(super) const CAUSE: LabelSpec = LabelSpec::first("cause", 32);
pub(super) const EXCHANGE: LabelSpec = LabelSpec::first("exchange", 16);
pub(super) const ERROR_TYPE: LabelSpec = LabelSpec::first("error_type", 32);
pub(super) const ENDPOINT: LabelSpec = LabelSpec::first("endpoint", 64);
pub(super) const MODEL: LabelSpec = LabelSpec::first("model", 16);
pub(super) const ASSET: LabelSpec = LabelSpec::first("asset", 64);

pub(super) const SIDE: LabelSpec = LabelSpec::fixed("side", &["BUY", "SELL"]);
pub(super) const SIGNAL: LabelSpec = LabelSpec::fixed("signal", &["BUY", "SELL", "HOLD"]);
pub(super) const RESULT: LabelSpec = LabelSpec::fixed("result", &["approved", "rejected"]);
pub(super) const STATUS: LabelSpec =
    LabelSpec::fixed("status", &["filled", "partially_filled", "cancelled", "rejected", "expired"]);
pub(super) const ORDER_TYPE: LabelSpec = LabelSpec::fixed(
    "order_type",
    &["market", "limit", "stop_market", "stop_limit", "take_profit", "trailing_stop"],
);
pub(super) const LIQUIDITY: LabelSpec = LabelSpec::fixed("liquidity", &["maker", "taker"]);
pub(super) const SCOPE: LabelSpec =
    LabelSpec::fixed("scope", &["strategy", "symbol", "account", "everything"]);
pub(super) const LEVEL: LabelSpec =
    LabelSpec::fixed("level", &["info", "warning", "error", "critical"]);
pub(super) const SEVERITY: LabelSpec =
    LabelSpec::fixed("severity", &["info", "warning", "error", "critical"]);
