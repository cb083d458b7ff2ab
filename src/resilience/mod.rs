//! Going on when something around the engine fails: what an error means, when to ask again, when
//! to stop asking, and how much of the work is still done.
//!
//! Nothing here opens a connection, reads a clock or draws a random number: time comes in as
//! `at`, chance as a number. Errors come in as a
//! [`Classification`](crate::types::Classification), which every error of the crate gives and a
//! host's own give through [`Classify`](crate::types::Classify). Each part can be used alone:
//!
//! - [`RateLimitSigns`] tells from an answer whether there were too many requests, and until when.
//! - [`DependencyBreaker`] stops asking what does not answer. It has nothing to do with the
//!   circuit breaker of trading, [`risk::CircuitBreaker`](crate::risk::CircuitBreaker).
//! - [`RetryPolicy`] says when to ask again. An order can be sent again only after the venue has
//!   said that it does not know it: the types leave no other way.
//! - [`ErrorHistory`] counts, and names who fails most.
//! - [`NoticeBoard`] tells people, and waits until they have seen it.
//! - [`Degradation`] decides the [`OperatingMode`](crate::types::OperatingMode), which an engine
//!   takes as [`Control::Mode`](crate::engine::Control::Mode).
//! - [`HealthBoard`] watches the components, and says whether the system is ready and alive.
//!
//! [`guide::resilience`](crate::guide::resilience) puts them together.

mod breaker;
mod degradation;
mod health;
mod history;
mod notice;
mod offenders;
mod order_retry;
mod rate_limit;
mod retry;

pub use breaker::{
    BreakerConfigError, BreakerPhase, CallOutcome, DependencyBreaker, DependencyBreakerConfig,
    Ticket, Trip,
};
pub use degradation::{Degradation, Measure, ModeChange, ModeRule, ModeRuleError, ModeSigns};
pub use health::{ComponentRole, ComponentState, HealthBoard, HealthBoardConfig, SystemVerdict};
pub use history::{ErrorEntry, ErrorHistory, ErrorRates};
pub use notice::{Notice, NoticeBoard, NoticeId};
pub use offenders::{Offender, Offenders};
pub use order_retry::{OrderRetry, OrderStep, UnknownOrder};
pub use rate_limit::{RateLimitSigns, RateLimited};
pub use retry::{GaveUp, Retry, RetryBudget, RetryPolicy};
