//! Words with units: the vocabulary that every floor above shares.
//!
//! Market data are `f64` on a decimal [`Grid`], money is [`Decimal`], ids are dense integers
//! that index vectors, time is nanoseconds since 1970 in UTC and is always an argument.

mod alert;
mod classify;
mod day;
pub mod exact;
mod execution;
mod facts;
mod facts_builder;
pub(crate) mod figures;
mod grid;
mod halt;
mod id;
mod instrument;
mod instruments;
mod label;
mod limit;
mod market;
mod mode;
mod number;
mod order;
mod period;
mod reach;
mod reason;
mod record;
mod signal;
pub(crate) mod small;
mod state;
mod stop;
mod time;

pub use alert::{ActionRequest, ActiveAlert, AlertAction, AlertLevel};
pub use classify::{Classification, Classify, ErrorCategory, RetryAdvice, Severity};
pub use day::{DayBoundary, DayError, TradingDay};
pub use execution::{
    ExecutionEnd, ExecutionMethod, ExecutionPlan, Jitter, ParentOrder, ParentStep, PlanError,
    Remainder,
};
pub use facts::{FactBook, Facts, MarkFact, PositionFacts, QuotedPrice, WorkingFacts};
pub use facts_builder::FactBookBuilder;
pub use grid::{Grid, GridError, to_f64};
pub use halt::{Acknowledgement, Halt, HaltCause, HaltEnd, HaltLevel, HaltScope};
pub use id::{AssetId, GroupId, InstrumentId, OrderId, ParentId, SlotId, SlotStatus, TradeId};
pub use instrument::{Instrument, InstrumentBuilder, InstrumentError, InstrumentKind, OptionRight};
pub use instruments::{Asset, Instruments};
pub use label::Label;
pub use limit::{LimitChange, LimitKey, LimitSubject, LimitUse};
pub use market::{
    Bar, Book, BookLevel, Custom, DataError, Funding, Mark, MarketEvent, Print, Quote,
};
pub use mode::OperatingMode;
pub use number::{Confidence, Money, NumberError, Price, Qty};
pub use order::{
    Amount, Bracket, Fill, FillReport, Intent, Leg, Linkage, Liquidity, Offset, Order, OrderFlags,
    OrderKind, OrderReport, OrderStatus, OrderUpdate, Purpose, RejectReason, Side, TimeInForce,
};
pub use period::{Period, PeriodRule};
pub use reach::Reach;
pub use reason::{Reason, ReasonCode};
pub use record::{
    ActionOutcome, Adjustment, AdjustmentCause, AdjustmentKind, Anomaly, HaltStep, Record, Trade,
};
pub use rust_decimal::Decimal;
pub use signal::Signal;
pub use state::{State, StateError};
pub use stop::StopFact;
pub use time::{Timestamp, TimestampError};
