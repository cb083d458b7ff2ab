//! A venue that exists in memory: it takes orders, matches them against market data and
//! reports as real venues do, the same way each time.
//!
//! # The driver's loop
//! 1. [`SimVenue::on_market`] with the next event of the tape.
//! 2. [`SimVenue::poll`] until it returns `None`; each report goes to the engine and each
//!    command of the engine to [`SimVenue::submit`] at the report's time. An exit that is
//!    placed on a fill inside a bar is matched within the same bar.
//! 3. The market event goes to the engine, its commands to [`SimVenue::submit`], and once more
//!    [`SimVenue::poll`] until `None`.
//!
//! A funding payment goes to the engine before the reports of step 2: what it brings about at
//! the venue, a liquidation, comes after the payment.
//!
//! # What is assumed
//! On **bars** a market order fills at the next open; a stop fills at its trigger, or at the
//! open when the market jumped over it; a limit order fills at its price once the market has
//! traded through it, or at the open where that is better. What happens first inside a bar is
//! the choice of [`PathModel`]; the default lets the stop happen before the target.
//! On **quotes and books** takers get what is displayed, and not more of it; on **prints** they
//! get the next print's price. Limit orders that rest wait behind the quantity displayed at
//! their price. The finest kind of data that an instrument has had decides: once quotes were
//! seen, its bars match nothing any more.
//!
//! # Margin
//! Instruments with [`MarginTerms`](crate::account::MarginTerms) need margin. An order that
//! would leave less than nothing free is refused with `InsufficientFunds`, when it arrives and
//! again when it fills; what only reduces passes. When a price brings the balance down to the
//! maintenance margin, the venue cancels the orders that stand on it and closes positions
//! whole, the one with the largest maintenance margin first, until the rest is covered. Inside
//! a bar this happens where the bar's path comes to the liquidation price, before anything
//! else at that price. The liquidation fee goes to an insurance fund. Where the market is
//! beyond the price at which nothing is left, the fund takes the position over at that very
//! price and bears the rest, so that no account owes anything. Positions are valued at the
//! venue's mark prices once there was one, before that at the last price or mid.
//!
//! No fill uses data older than the order. A taker never pays worse than its limit.

mod accept;
mod bar;
mod config;
mod day;
mod desk;
mod execute;
mod fees;
mod latency;
mod ledger;
mod life_cycle;
mod liquidate;
mod margin;
mod order;
mod path;
mod slippage;
mod tick;
mod venue;

pub use config::{
    Balance, LimitFill, MarginSetting, MarketFill, PathModel, QuoteDepth, SimConfig, SimError,
};
pub use day::{DayEnd, TradingDays};
pub use fees::{FeeAsset, FeeSchedule, FeeTier};
pub use latency::{Latency, SplitMix64};
pub use order::OpenOrder;
pub use slippage::Slippage;
pub use venue::SimVenue;
