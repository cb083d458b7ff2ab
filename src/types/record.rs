use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    ActionRequest, Fill, Halt, HaltLevel, InstrumentId, Intent, Label, Leg, LimitChange, Money,
    Order, OrderId, OrderReport, OrderStatus, ParentOrder, ParentStep, Price, Qty, Reason, Side,
    Signal, SlotId, SlotStatus, Timestamp, exact,
};

/// One change of the engine's state. Metrics, reports, audit and hash are readers of records;
/// none of them can change the engine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Record<'a> {
    /// A strategy gave an opinion.
    Signal {
        /// Which strategy.
        slot: SlotId,
        /// Its opinion.
        signal: &'a Signal,
    },
    /// A signal or target led to no intent, for this reason.
    Passed {
        /// Which strategy.
        slot: SlotId,
        /// In what.
        instrument: InstrumentId,
        /// Why nothing was done.
        reason: &'a Reason,
    },
    /// Risk refused an intent or granted less than was asked.
    Refused {
        /// What was asked.
        intent: &'a Intent,
        /// What was granted of it.
        granted: Qty,
        /// The limit that bound.
        reason: &'a Reason,
    },
    /// An order was created and is on its way to the venue.
    Placed {
        /// The order.
        order: &'a Order,
    },
    /// An order changed its status, or stays in it after a further partial fill.
    Transition {
        /// Which order.
        order: OrderId,
        /// Status before.
        from: OrderStatus,
        /// Status after.
        to: OrderStatus,
        /// What the venue said.
        report: &'a OrderReport,
    },
    /// The venue said something of an order that changed it or its request, and left its status
    /// as it was: amended, triggered, resolved, a change refused.
    Reported {
        /// Which order.
        order: OrderId,
        /// What the venue said.
        report: &'a OrderReport,
    },
    /// The host has lost track of an order's submission, and the venue has not answered yet:
    /// the order is in doubt until it does.
    Doubted {
        /// Which order.
        order: OrderId,
    },
    /// A fill was booked.
    Filled {
        /// The fill.
        fill: &'a Fill,
        /// What it realised, without fees.
        realised: Money,
    },
    /// A piece of position was closed.
    Closed {
        /// The closed trade.
        trade: &'a Trade,
    },
    /// Cash or position changed without a fill.
    Adjusted {
        /// The change.
        adjustment: &'a Adjustment,
    },
    /// An exercise or assignment changed the position in the underlying; told after the
    /// adjustment and before the trades that it closed.
    Delivered {
        /// Whose.
        slot: SlotId,
        /// What was delivered.
        instrument: InstrumentId,
        /// The signed change of the position.
        change: Qty,
    },
    /// Funding was paid (negative) or received.
    Funded {
        /// On what.
        instrument: InstrumentId,
        /// Whose position.
        slot: SlotId,
        /// The payment.
        payment: Money,
    },
    /// A position received (positive) or paid money that is no funding: a dividend, a fee for
    /// borrowed shares.
    Paid {
        /// On what.
        instrument: InstrumentId,
        /// Whose position.
        slot: SlotId,
        /// The payment.
        payment: Money,
        /// Why.
        cause: AdjustmentCause,
    },
    /// A halt began, was raised, or ended (level Active).
    Halted {
        /// Cause and scope.
        halt: &'a Halt,
        /// The level that holds from now on in the halt's scope.
        level: HaltLevel,
        /// What happened to the halt.
        step: HaltStep,
    },
    /// Something that must not happen did, and was survived.
    Anomaly {
        /// What.
        anomaly: Anomaly,
        /// With which order, where known.
        order: OrderId,
        /// In what.
        instrument: InstrumentId,
    },
    /// The stop that the engine keeps for a slot's position was placed or moved.
    StopMoved {
        /// Whose position.
        slot: SlotId,
        /// In what.
        instrument: InstrumentId,
        /// The stop order.
        order: OrderId,
        /// The trigger before; `None` for the first of a position.
        from: Option<Price>,
        /// The trigger that was asked for.
        to: Price,
    },
    /// A strategy failed and was stopped.
    Failed {
        /// Which strategy.
        slot: SlotId,
        /// Its error.
        error: &'a str,
    },
    /// A strategy was paused or goes on.
    Status {
        /// Which strategy.
        slot: SlotId,
        /// Whether it is called from now on.
        status: SlotStatus,
    },
    /// A limit was changed while the engine runs, or a temporary change of it has ended.
    LimitChanged {
        /// Which limit, by whom, until when.
        change: &'a LimitChange,
        /// The value before.
        #[serde(with = "exact")]
        before: Decimal,
        /// The value from now on.
        #[serde(with = "exact")]
        after: Decimal,
    },
    /// A parent order began, or is over.
    Parent {
        /// The parent, as it is now.
        order: &'a ParentOrder,
        /// What happened.
        step: ParentStep,
    },
    /// An alert asked for an action.
    Acted {
        /// What was asked.
        request: &'a ActionRequest,
        /// What became of it.
        outcome: ActionOutcome,
    },
}

/// What happened to a halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HaltStep {
    /// It began or was raised.
    Began,
    /// The venue has confirmed that nothing is open.
    Flat,
    /// It ended.
    Ended,
}

/// What became of an alert's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionOutcome {
    /// It was carried out, or handed on to whom it concerns.
    Done,
    /// The engine's policy does not allow it.
    NotAllowed,
}

/// A closed piece of position: each reduction closes a trade for the quantity it reduces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trade {
    /// Whose.
    pub slot: SlotId,
    /// In what.
    pub instrument: InstrumentId,
    /// Which position.
    pub leg: Leg,
    /// The side of the entry: BUY for a long trade.
    pub side: Side,
    /// How much was closed, above zero.
    pub quantity: Qty,
    /// When the position (the lot, by FIFO and LIFO) was opened.
    pub opened_at: Timestamp,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// Average entry price of the quantity.
    #[serde(with = "exact")]
    pub entry: Decimal,
    /// Exit price; zero for an option that expired worthless.
    #[serde(with = "exact")]
    pub exit: Decimal,
    /// Gross profit in the settlement currency.
    pub gross: Money,
    /// Fees of entry (its share) and exit in the settlement currency.
    #[serde(with = "exact")]
    pub fees: Decimal,
    /// Funding that the quantity received (its share) in the settlement currency.
    #[serde(with = "exact")]
    pub funding: Decimal,
    /// The entry's tag.
    pub tag: Label,
}

impl Trade {
    /// Profit net of fees and funding, in the settlement currency; it decides win or loss.
    /// `None` on overflow.
    pub fn net(&self) -> Option<Decimal> {
        self.gross.amount.checked_sub(self.fees)?.checked_add(self.funding)
    }
}

/// A change of cash or position that is no fill, with its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Why.
    pub cause: AdjustmentCause,
    /// What.
    pub kind: AdjustmentKind,
}

/// Why cash or position changed without a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AdjustmentCause {
    /// Money came in.
    Deposit,
    /// Money went out.
    Withdrawal,
    /// Between accounts.
    Transfer,
    /// The venue's books were taken over.
    Reconciliation,
    /// The venue closed the position.
    Liquidation,
    /// A share split.
    Split,
    /// A dividend.
    Dividend,
    /// An expiry.
    Expiry,
    /// An exercise or assignment.
    Assignment,
    /// Interest on borrowed money or shares.
    Interest,
    /// The instrument is not traded any more.
    Delisting,
}

/// What an adjustment changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdjustmentKind {
    /// Cash comes in (positive) or goes out; it counts as deposit and shifts the drawdown's peak.
    Capital(Money),
    /// Cash that was earned or lost (dividend, interest): it counts as realised.
    Income(Money),
    /// The position changes by a signed quantity, valued at a price; cash does not move, the
    /// value counts as deposit.
    Position {
        /// Whose.
        slot: SlotId,
        /// In what.
        instrument: InstrumentId,
        /// The signed change.
        change: Qty,
        /// What one unit is worth.
        price: Price,
    },
    /// Every unit becomes `numerator / denominator` units at the same total cost.
    Split {
        /// Of what.
        instrument: InstrumentId,
        /// New units …
        numerator: u32,
        /// … for so many old ones.
        denominator: u32,
    },
    /// Every position is closed at a price, and cash moves as it does at a fill: a future or
    /// option that expires and is settled in cash, a share that is delisted.
    Settlement {
        /// Of what.
        instrument: InstrumentId,
        /// What one unit is settled at; zero for a worthless option.
        #[serde(with = "exact")]
        price: Decimal,
    },
    /// Long positions receive an amount per unit of the base, short ones pay it; it counts as
    /// realised.
    Dividend {
        /// Of what.
        instrument: InstrumentId,
        /// The amount per unit in the settlement currency, zero or more.
        #[serde(with = "exact")]
        amount: Decimal,
    },
    /// Short positions pay a fraction of their value for what they borrowed; it counts as
    /// realised.
    BorrowFee {
        /// Of what.
        instrument: InstrumentId,
        /// The price that values the position.
        price: Price,
        /// The fraction for the time since the last payment, zero or more.
        #[serde(with = "exact")]
        rate: Decimal,
    },
    /// Option contracts of one owner are exercised (long) or assigned (short) by delivery: they
    /// are closed at what they are worth, and the underlying changes hands, so that cash moves
    /// by the strike.
    Exercise {
        /// Whose.
        slot: SlotId,
        /// Which option.
        option: InstrumentId,
        /// The spot instrument that is delivered.
        underlying: InstrumentId,
        /// How many contracts, above zero and no more than are held.
        contracts: Qty,
        /// The price of the underlying.
        price: Price,
    },
}

impl AdjustmentKind {
    /// The instruments that it changes, at most two.
    pub const fn instruments(&self) -> [Option<InstrumentId>; 2] {
        match *self {
            Self::Capital(_) | Self::Income(_) => [None, None],
            Self::Position { instrument, .. }
            | Self::Split { instrument, .. }
            | Self::Settlement { instrument, .. }
            | Self::Dividend { instrument, .. }
            | Self::BorrowFee { instrument, .. } => [Some(instrument), None],
            Self::Exercise { option, underlying, .. } => [Some(option), Some(underlying)],
        }
    }
}

/// Something that must not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Anomaly {
    /// More was filled than ordered.
    Overfill,
    /// A fill came after the order was over.
    FillAfterEnd,
    /// A report names an order that we do not know.
    UnknownOrder,
    /// A report cannot follow the order's state.
    ImpossibleReport,
    /// A fill was reported twice; it was booked once.
    RepeatedFill,
}
