use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Label, exact};

/// Why something was refused or not done: a stable code, the limit, the observed value.
///
/// ```
/// use tradewright::types::{Reason, ReasonCode};
///
/// let reason = Reason::new(ReasonCode::MaxDrawdown, 0.25, 0.2731);
/// assert_eq!(reason.to_string(), "Max drawdown exceeded: 0.2731, limit 0.25");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The stable code.
    pub code: ReasonCode,
    /// The limit.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub limit: f64,
    /// The observed value.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub observed: f64,
}

impl Reason {
    /// A reason.
    #[inline]
    pub const fn new(code: ReasonCode, limit: f64, observed: f64) -> Self {
        Self { code, limit, observed }
    }

    /// observed / limit cut to 0..=1; 1 where it is not defined, so that it fails closed.
    #[inline]
    pub fn utilisation(&self) -> f64 {
        let ratio = self.observed / self.limit;
        if (0.0..1.0).contains(&ratio) { ratio } else { 1.0 }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}, limit {}", self.code, self.observed, self.limit)
    }
}

macro_rules! reason_codes {
    ($($(#[$meta:meta])* $name:ident => $code:literal, $sentence:literal;)*) => {
        /// The stable code of a refusal, and its sentence. Codes never change; more are added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum ReasonCode {
            $($(#[$meta])* $name,)*
            /// A rule of the host's own, named by it.
            Custom(Label),
        }

        impl ReasonCode {
            /// The code for machines: lower case with underscores.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $code,)*
                    Self::Custom(name) => name.as_str(),
                }
            }
        }

        impl fmt::Display for ReasonCode {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self {
                    $(Self::$name => $sentence,)*
                    Self::Custom(name) => name.as_str(),
                })
            }
        }
    };
}

reason_codes! {
    /// Drawdown above its threshold, or not defined.
    MaxDrawdown => "max_drawdown", "Max drawdown exceeded";
    /// The breaker is tripped.
    CircuitBreaker => "circuit_breaker", "Circuit breaker active";
    /// The resulting position is larger than its fraction of equity.
    PositionSize => "position_size", "Position too large";
    /// Too many entries within the hour.
    TradeRate => "trade_rate", "Trade rate limit reached";
    /// Gross exposure.
    GrossExposure => "gross_exposure", "Gross exposure limit exceeded";
    /// Net exposure.
    NetExposure => "net_exposure", "Net exposure limit exceeded";
    /// Exposure in one symbol.
    SymbolExposure => "symbol_exposure", "Symbol exposure limit exceeded";
    /// Exposure in a group of symbols.
    GroupExposure => "group_exposure", "Group exposure limit exceeded";
    /// Gross exposure over equity.
    Leverage => "leverage", "Leverage limit exceeded";
    /// Exposure in symbols that move together.
    CorrelatedExposure => "correlated_exposure", "Correlated exposure limit exceeded";
    /// Value at risk or expected shortfall of the portfolio.
    ValueAtRisk => "value_at_risk", "Value at risk limit exceeded";
    /// Trading is halted.
    Halted => "halted", "Trading is halted";
    /// Equity, price or another input is missing, not finite or not positive.
    InvalidInput => "invalid_input", "Input is missing or invalid";
    /// The size was rounded down to nothing.
    SizeZero => "size_zero", "Size rounds down to zero";
    /// The order's value is below the instrument's minimum.
    MinNotional => "min_notional", "Order value below the minimum";
    /// The position policy has nothing to do on this signal.
    Policy => "policy", "Nothing to do in this position";
    /// The price is off the tick, the quantity off the step, or the combination is illegal.
    InvalidOrder => "invalid_order", "Order breaks the instrument's rules";
    /// The other legs of the group were refused.
    Group => "group", "Another leg of the group was refused";
    /// A quote or target was rejected too often and pauses.
    Backoff => "backoff", "Rejected too often, pausing";
    /// Cash does not suffice.
    BuyingPower => "buying_power", "Buying power exceeded";
    /// The time of day or the calendar says no.
    TradingHours => "trading_hours", "Outside of trading hours";
    /// Too many open positions.
    PositionCount => "position_count", "Too many open positions";
    /// The resulting quantity in one symbol.
    SymbolQuantity => "symbol_quantity", "Quantity limit of the symbol exceeded";
    /// One symbol's share of the gross exposure.
    Concentration => "concentration", "Too much of the exposure in one symbol";
    /// The sum of open risk down to the stops.
    PortfolioHeat => "portfolio_heat", "Portfolio heat limit exceeded";
    /// The day's loss.
    DailyLoss => "daily_loss", "Daily loss limit exceeded";
    /// The largest size at this drawdown.
    DrawdownScale => "drawdown_scale", "Position too large for the drawdown";
    /// The distance to the stop is not known or zero.
    StopDistance => "stop_distance", "Distance to the stop is not known";
    /// The volatility is not known or zero.
    Volatility => "volatility", "Volatility is not known";
    /// The bets so far promise no gain.
    NoEdge => "no_edge", "No edge to bet on";
    /// One order's quantity.
    MaxOrderQuantity => "max_order_quantity", "Order quantity too large";
    /// One order's value.
    MaxOrderNotional => "max_order_notional", "Order value too large";
    /// The limit price is too far from the reference price.
    PriceCollar => "price_collar", "Price too far from the reference";
    /// The reference price is missing or too old.
    StaleReference => "stale_reference", "Reference price is missing or too old";
    /// The same order was sent a moment ago.
    DuplicateOrder => "duplicate_order", "Same order was sent a moment ago";
    /// Orders, amendments and cancels per window.
    MessageRate => "message_rate", "Message rate limit reached";
    /// Orders that work at the same time.
    OpenOrders => "open_orders", "Too many working orders";
    /// Executions since a person last allowed them.
    RepeatedExecution => "repeated_execution", "Too many executions since the last release";
    /// Executions per period.
    ExecutionRate => "execution_rate", "Execution rate limit reached";
    /// Executed quantity per period.
    VolumeRate => "volume_rate", "Executed quantity limit reached";
    /// Executed value per period.
    NotionalRate => "notional_rate", "Executed value limit reached";
    /// Children would be larger than their parent.
    ParentQuantity => "parent_quantity", "Children larger than their parent order";
    /// The order would trade with one of our own.
    SelfMatch => "self_match", "Order would match one of our own";
    /// The instrument is on a deny list, or not on the allow list.
    NotAllowed => "not_allowed", "Instrument is not allowed";
    /// The instrument is not in the table.
    UnknownInstrument => "unknown_instrument", "Instrument is unknown";
    /// Market data are missing or too old.
    StaleData => "stale_data", "Market data are missing or too old";
    /// Market data are not to be trusted: a jump, a crossed book, a gap.
    DataQuality => "data_quality", "Market data are not to be trusted";
    /// The host has not been heard for too long.
    Disconnected => "disconnected", "Host was not heard for too long";
}
