use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    InstrumentId, Label, Money, OrderId, ParentId, Price, Qty, SlotId, Timestamp, TradeId, exact,
};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Towards a longer position.
    Buy,
    /// Towards a shorter position.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// The quantity with the side's sign.
    #[must_use]
    #[inline]
    pub fn signed(self, quantity: Decimal) -> Decimal {
        match self {
            Self::Buy => quantity,
            Self::Sell => -quantity,
        }
    }

    /// The side that leads to a position of this sign; `None` for zero.
    #[inline]
    pub fn of(signed: Decimal) -> Option<Self> {
        if signed.is_zero() {
            None
        } else if signed.is_sign_negative() {
            Some(Self::Sell)
        } else {
            Some(Self::Buy)
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        })
    }
}

/// How much an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Amount {
    /// Units of the instrument, above zero.
    Quantity(Qty),
    /// So much cash, fees included, which the venue turns into a quantity at the fill.
    Cash(Money),
}

/// What makes an order executable and at which price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderKind {
    /// At once, at the market.
    Market,
    /// At the price or better.
    Limit {
        /// The worst price accepted.
        price: Price,
    },
    /// A market order once the market touches the trigger from the good side.
    StopMarket {
        /// The trigger.
        trigger: Price,
    },
    /// A limit order once the market touches the trigger from the good side.
    StopLimit {
        /// The trigger.
        trigger: Price,
        /// The worst price accepted.
        price: Price,
    },
    /// A market order once the market touches the trigger from the bad side.
    TakeProfit {
        /// The trigger.
        trigger: Price,
    },
    /// A stop whose trigger follows the market at a distance.
    TrailingStop {
        /// The distance.
        offset: Offset,
    },
}

impl OrderKind {
    /// The limit price, where there is one.
    pub const fn limit(self) -> Option<Price> {
        match self {
            Self::Limit { price } | Self::StopLimit { price, .. } => Some(price),
            Self::Market
            | Self::StopMarket { .. }
            | Self::TakeProfit { .. }
            | Self::TrailingStop { .. } => None,
        }
    }

    /// The trigger price, where there is a fixed one.
    pub const fn trigger(self) -> Option<Price> {
        match self {
            Self::StopMarket { trigger }
            | Self::StopLimit { trigger, .. }
            | Self::TakeProfit { trigger } => Some(trigger),
            Self::Market | Self::Limit { .. } | Self::TrailingStop { .. } => None,
        }
    }
}

/// The distance of a trailing stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Offset {
    /// In the quote currency.
    Price(Price),
    /// As a fraction of the price, in basis points (1 to 9,999).
    BasisPoints(u16),
}

/// How long an order lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeInForce {
    /// Until it is cancelled.
    #[default]
    Gtc,
    /// What cannot be filled at once is cancelled.
    Ioc,
    /// All at once or nothing.
    Fok,
    /// Until a time.
    Gtd(Timestamp),
    /// Until the end of the trading day (UTC unless the venue has a calendar).
    Day,
}

/// Flags of an order; the default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFlags {
    /// Refused rather than taking liquidity.
    pub post_only: bool,
    /// Never opens or enlarges a position.
    pub reduce_only: bool,
}

/// Which position an order or fill is for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Leg {
    /// The one position of netting mode.
    #[default]
    Net,
    /// The long position of hedge mode.
    Long,
    /// The short position of hedge mode.
    Short,
}

/// What an intent is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Opens or enlarges.
    #[default]
    Entry,
    /// Reduces or closes.
    Exit,
    /// Protects: the stop-loss of a bracket, a risk rule's stop.
    StopLoss,
    /// The target of a bracket.
    TakeProfit,
    /// Closes what a halt wants closed.
    Flatten,
    /// A quote of a market maker.
    Quote,
    /// The venue closed the position by force; no order of ours is behind it.
    Liquidation,
}

/// Exit prices that are placed as soon as the entry has filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bracket {
    /// Limit price that takes the profit.
    pub take_profit: Option<Price>,
    /// Trigger that stops the loss.
    pub stop_loss: Option<Price>,
}

/// How an order hangs together with others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Linkage {
    /// It stands alone.
    #[default]
    None,
    /// A fill of one reduces the others by as much; an end of one ends all (OCO). The number
    /// is the sequence of the group's first order.
    OneCancelsOther(u64),
    /// A child of a parent order. Children add up: none of them stands for another.
    Child(ParentId),
}

impl Linkage {
    /// The parent, for a child.
    pub const fn parent(self) -> Option<ParentId> {
        match self {
            Self::Child(parent) => Some(parent),
            Self::None | Self::OneCancelsOther(_) => None,
        }
    }
}

/// What the engine wants to do before risk has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Who wants it.
    pub slot: SlotId,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much.
    pub amount: Amount,
    /// At what price.
    pub kind: OrderKind,
    /// For how long.
    pub time_in_force: TimeInForce,
    /// Flags.
    pub flags: OrderFlags,
    /// For which position.
    pub leg: Leg,
    /// What for.
    pub purpose: Purpose,
    /// Exits that follow the entry.
    pub bracket: Option<Bracket>,
    /// Bonds with other orders.
    pub linkage: Linkage,
    /// The mark when it was decided: arrival price, and the price that values market orders.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub reference: f64,
    /// The strategy's word.
    pub tag: Label,
    /// The strategy's reason.
    pub reason: Label,
}

impl Intent {
    /// A market intent of a quantity; the other fields start at their defaults.
    pub fn market(slot: SlotId, instrument: InstrumentId, side: Side, quantity: Qty) -> Self {
        Self {
            slot,
            instrument,
            side,
            amount: Amount::Quantity(quantity),
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Gtc,
            flags: OrderFlags::default(),
            leg: Leg::Net,
            purpose: Purpose::Entry,
            bracket: None,
            linkage: Linkage::None,
            reference: f64::NAN,
            tag: Label::default(),
            reason: Label::default(),
        }
    }

    /// The price that values the intent: its limit, its trigger, or the reference.
    #[inline]
    pub fn valuation_price(&self) -> f64 {
        match self.kind.limit().or(self.kind.trigger()) {
            Some(price) => price.to_f64(),
            None => self.reference,
        }
    }
}

/// What was sent to a venue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Its client id.
    pub id: OrderId,
    /// When it was created.
    pub created_at: Timestamp,
    /// What was wanted.
    pub intent: Intent,
}

/// The state of an order. The table of [`OrderStatus::may_become`] is the whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OrderStatus {
    /// Sent, not yet confirmed.
    Pending,
    /// Working at the venue.
    Open,
    /// Working, filled in part.
    PartiallyFilled,
    /// Filled whole: terminal.
    Filled,
    /// Cancelled, by us or the venue: terminal.
    Cancelled,
    /// Refused before it worked: terminal.
    Rejected,
    /// Its time ran out: terminal.
    Expired,
}

impl OrderStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Open,
        Self::PartiallyFilled,
        Self::Filled,
        Self::Cancelled,
        Self::Rejected,
        Self::Expired,
    ];

    /// The exact transition table. A further partial fill keeps the status and is no transition.
    ///
    /// ```
    /// use tradewright::types::OrderStatus::{Cancelled, Filled, Open, Pending};
    ///
    /// assert!(Pending.may_become(Open));
    /// assert!(!Pending.may_become(Filled));
    /// assert!(!Cancelled.may_become(Filled));
    /// ```
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Open | Self::Rejected),
            Self::Open => matches!(
                next,
                Self::Filled | Self::PartiallyFilled | Self::Cancelled | Self::Expired
            ),
            Self::PartiallyFilled => {
                matches!(next, Self::Filled | Self::Cancelled | Self::Expired)
            }
            Self::Filled | Self::Cancelled | Self::Rejected | Self::Expired => false,
        }
    }

    /// True for the four states without a way out.
    #[inline]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Filled | Self::Cancelled | Self::Rejected | Self::Expired => true,
            Self::Pending | Self::Open | Self::PartiallyFilled => false,
        }
    }
}

/// Whether a fill gave or took liquidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Liquidity {
    /// It rested in the book.
    Maker,
    /// It crossed the spread.
    Taker,
}

/// One execution, as the venue reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillReport {
    /// The venue's id, unique per instrument.
    pub trade: TradeId,
    /// At what price.
    pub price: Price,
    /// How much, above zero.
    pub quantity: Qty,
    /// What the venue charged; negative for a rebate.
    pub fee: Money,
    /// Gave or took.
    pub liquidity: Liquidity,
    /// The price before the simulator's slippage; equal to `price` on real venues.
    pub before_slippage: Price,
}

/// What a venue says about one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OrderReport {
    /// It is working.
    Accepted,
    /// It was refused; after acceptance (a triggered stop) it counts as cancelled.
    Rejected(RejectReason),
    /// A part or all of it was executed.
    Fill(FillReport),
    /// It was cancelled: on request, by a link, by its time in force.
    Cancelled,
    /// Its time ran out.
    Expired,
    /// Its open quantity or price was changed.
    Amended {
        /// The new total quantity, what is filled included.
        quantity: Qty,
        /// The new limit price, or the new trigger where it has no limit.
        price: Option<Price>,
    },
    /// The cash amount of a market order was turned into this quantity.
    Resolved {
        /// The order's quantity from now on.
        quantity: Qty,
    },
    /// The trigger was touched; the order works now.
    Triggered,
    /// A cancel or amendment was refused; the order stays as it is.
    ChangeRefused(RejectReason),
    /// The venue closed a position, or a part of it, by force, because its margin was used up.
    /// It names no order of ours; the fee goes to the venue's insurance fund.
    Liquidated(FillReport),
}

/// Why a venue refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RejectReason {
    /// Price, quantity or combination breaks the instrument's rules.
    InvalidOrder,
    /// Cash or margin does not suffice.
    InsufficientFunds,
    /// A post-only order would have taken liquidity.
    WouldTake,
    /// A reduce-only order had nothing to reduce.
    NothingToReduce,
    /// No liquidity for an order that must fill at once.
    NoLiquidity,
    /// The id is in use.
    DuplicateId,
    /// The order is unknown or over.
    NotFound,
    /// The market is closed or the instrument is unknown.
    NotTrading,
    /// A rule of the venue's own.
    Other(Label),
}

/// A report on one of our orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderUpdate {
    /// Our id.
    pub order: OrderId,
    /// The instrument, so that fills of unknown orders can be booked.
    pub instrument: InstrumentId,
    /// Which way, for the same purpose.
    pub side: Side,
    /// For which position.
    pub leg: Leg,
    /// What happened.
    pub report: OrderReport,
}

/// One execution of our own, as it is booked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    /// When.
    pub at: Timestamp,
    /// Of which order.
    pub order: OrderId,
    /// Whose position.
    pub slot: SlotId,
    /// In what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// For which position.
    pub leg: Leg,
    /// The execution.
    pub execution: FillReport,
    /// The mark when the order was decided, for shortfall; NaN when unknown.
    #[serde(deserialize_with = "exact::f64_or_nan")]
    pub arrival: f64,
    /// What the order was for.
    pub purpose: Purpose,
    /// The strategy's word.
    pub tag: Label,
}

impl Fill {
    /// The quantity with the side's sign.
    #[inline]
    pub fn signed_quantity(&self) -> Decimal {
        self.side.signed(self.execution.quantity.value())
    }
}
