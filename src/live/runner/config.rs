use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::venue::ConversationConfig;

/// How a [`Bot`](super::Bot) deals with its venue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BotConfig {
    /// How long it waits for answers on orders.
    pub orders: ConversationConfig,
    /// How books and venue are compared.
    pub reconcile: ReconcileConfig,
    /// How often the engine is told that the host is alive and connected, for its dead-man
    /// guard; `None` for never.
    pub heartbeat: Option<Duration>,
    /// News or data that are away for so long are told to a person.
    pub disconnect_after: Duration,
    /// True when inputs and decisions are kept for [`Bot::record`](super::Bot::record). Whoever
    /// sets it has to take them, or memory grows.
    pub is_recorded: bool,
}

impl Default for BotConfig {
    /// No heartbeat, since without a dead-man guard nobody listens; a disconnect is told after a
    /// minute, in which most venues are back; nothing is recorded.
    fn default() -> Self {
        Self {
            orders: ConversationConfig::default(),
            reconcile: ReconcileConfig::default(),
            heartbeat: None,
            disconnect_after: Duration::from_secs(60),
            is_recorded: false,
        }
    }
}

/// How a bot's books are compared with its venue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReconcileConfig {
    /// The time between two pictures of the account.
    pub every: Duration,
    /// The time after which an unclear picture is taken again.
    pub settle: Duration,
    /// A picture that is not there after so long is given up.
    pub timeout: Duration,
    /// What a difference of cash or position may be worth, in the reporting currency, to be
    /// adjusted without a person. NaN, a missing mark and a missing rate are above it.
    pub tolerance: f64,
    /// What becomes of orders that bear this engine's ids and that it does not know.
    pub unknown_orders: UnknownOrders,
}

impl Default for ReconcileConfig {
    /// A picture each 30 s, which costs some 50 of the 6,000 weights that Binance gives a minute;
    /// unclear ones again after 2 s, in which a venue's stream and its answers agree; given up
    /// after 30 s. A tolerance of 1 unit of the reporting currency: fees and funding are rounded
    /// by less. Unknown orders are cancelled.
    fn default() -> Self {
        Self {
            every: Duration::from_secs(30),
            settle: Duration::from_secs(2),
            timeout: Duration::from_secs(30),
            tolerance: 1.0,
            unknown_orders: UnknownOrders::Cancel,
        }
    }
}

/// What becomes of a working order that bears an id of this engine's and that it does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownOrders {
    /// It is taken back.
    #[default]
    Cancel,
    /// It is told, and left as it is.
    Leave,
}
