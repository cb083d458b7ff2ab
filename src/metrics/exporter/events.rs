use core::time::Duration;

use crate::types::{OrderStatus, Side, Timestamp};

/// Profit of an account, in the reporting currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PnlFigures {
    /// Since the start of the day.
    pub daily: f64,
    /// The same as a fraction of equity at the start of the day.
    pub daily_ratio: f64,
    /// Of open positions at their marks.
    pub unrealized: f64,
    /// Realised.
    pub realized: f64,
}

/// Capital of an account, in the reporting currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CapitalFigures {
    /// All of it.
    pub total: f64,
    /// What stands behind open positions.
    pub used: f64,
    /// Margin behind open positions.
    pub margin_used: f64,
    /// Margin that is free.
    pub margin_available: f64,
}

/// Equity and what is said of its course.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EquityFigures {
    /// Cash and positions at their marks, in the reporting currency.
    pub equity: f64,
    /// Fraction below the peak now.
    pub drawdown: f64,
    /// The largest since the start.
    pub max_drawdown: f64,
    /// Losing trades in a row.
    pub consecutive_losses: u32,
}

/// The state of the market.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MarketFigures<'a> {
    /// The volatility index, where there is one.
    pub vix: Option<f64>,
    /// The condition's word; empty for none.
    pub condition: &'a str,
    /// Symbols whose data are too old.
    pub stale_symbols: u32,
}

/// An order that has come to something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TradeEvent<'a> {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub strategy: &'a str,
    /// In what.
    pub symbol: &'a str,
    /// Which way.
    pub side: Side,
    /// What became of the order.
    pub status: OrderStatus,
    /// Value of what was executed, in the reporting currency.
    pub value: f64,
    /// Net profit of the trade that was closed by it, where one was.
    pub pnl: Option<f64>,
}

/// A step in the life of an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderEvent<'a> {
    /// Whose.
    pub strategy: &'a str,
    /// Which way.
    pub side: Side,
    /// What happened.
    pub step: OrderStep<'a>,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OrderStep<'a> {
    /// It was sent.
    Submitted {
        /// `market`, `limit`, `stop_market`, `stop_limit`, `take_profit` or `trailing_stop`.
        order_type: &'a str,
    },
    /// It was filled whole.
    Filled {
        /// So long after it was sent.
        after: Duration,
    },
    /// The venue refused it.
    Rejected {
        /// A stable word, not the venue's sentence.
        reason: &'a str,
    },
    /// It was cancelled.
    Cancelled,
}

/// What risk said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckResult<'a> {
    /// Go on.
    Approved,
    /// No.
    Rejected {
        /// The stable word of the limit that bound.
        limit: &'a str,
    },
}

/// What a bot does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BotState {
    /// It does not run.
    Stopped,
    /// It trades.
    Running,
    /// A person has paused it.
    Paused,
    /// It failed.
    Failed,
    /// It is on its way.
    Starting,
}

impl BotState {
    /// Every state, in the order of its code.
    pub const ALL: [Self; 5] =
        [Self::Stopped, Self::Running, Self::Paused, Self::Failed, Self::Starting];

    /// The number that `bot_status` shows.
    pub const fn code(self) -> u8 {
        match self {
            Self::Stopped => 0,
            Self::Running => 1,
            Self::Paused => 2,
            Self::Failed => 3,
            Self::Starting => 4,
        }
    }

    /// The word that `bot_state` shows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Starting => "starting",
        }
    }
}

/// How a strategy does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StrategyFigures {
    /// Winning trades as a fraction of all closed ones.
    pub win_rate: f64,
    /// Mean net profit of a closed trade.
    pub average_pnl: f64,
    /// Mean over deviation of the net profit of closed trades.
    pub sharpe_ratio: f64,
    /// Trades closed since the start of the day.
    pub trades_today: u32,
}

/// One call of an exchange's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeCall<'a> {
    /// Which exchange.
    pub exchange: &'a str,
    /// Which endpoint, by a stable word.
    pub endpoint: &'a str,
    /// How long the answer took.
    pub latency: Duration,
    /// The kind of error, by a stable word; `None` when it went well.
    pub error: Option<&'a str>,
}
