use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::{GateEvent, OrderGate, Refusal, RiskConfigError, gate::seconds, limits, split};
use crate::types::{
    Facts, Grid, InstrumentId, Intent, LimitKey, MarketEvent, Order, OrderKind, ReasonCode, Side,
    State, StateError, Timestamp, to_f64,
};

/// Limit prices stay within a fraction of a reference price, above and below it.
///
/// A price exactly at the fraction passes. A reference that is missing or too old refuses,
/// because nothing can be said. A stop-limit order is held against its own trigger; orders
/// without a limit price pass.
///
/// It is a validity control and applies to reducing orders too, on the side on which they give
/// money away: an exit that rests far away from the market costs nothing.
///
/// ```
/// use core::time::Duration;
/// use tradewright::risk::{PriceCollar, Reference};
///
/// let collar = PriceCollar::new(0.05, Duration::from_secs(10))?.against(Reference::Mid);
/// # let _ = collar;
/// # Ok::<(), tradewright::risk::RiskConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PriceCollar {
    fraction: f64,
    passive: f64,
    most_age: Duration,
    reference: Reference,
    seen: Vec<Option<Seen>>,
}

/// Which price a collar holds orders against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The account's mark, whatever it was made of.
    #[default]
    Account,
    /// The last trade: a print, or the close of a bar.
    Last,
    /// The middle between bid and offer, of a quote or a book.
    Mid,
    /// The venue's mark price.
    Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    price: f64,
    at: Timestamp,
}

impl PriceCollar {
    /// The name of its limit for changes at run time: the fraction on the giving side.
    pub const LIMIT: &'static str = "price_collar";
    /// The name of the limit on the passive side.
    pub const PASSIVE: &'static str = "price_collar_passive";

    /// A fraction of the reference (0.05 is five percent) on both sides, and the oldest
    /// reference that is good enough.
    ///
    /// # Errors
    /// [`RiskConfigError`] for a fraction that is negative or not finite, and for no span.
    pub fn new(fraction: f64, most_age: Duration) -> Result<Self, RiskConfigError> {
        let fraction = checked(Self::LIMIT, fraction)?;
        let most_age = limits::span(Self::LIMIT, most_age)?;
        let reference = Reference::Account;
        Ok(Self { fraction, passive: fraction, most_age, reference, seen: Vec::new() })
    }

    /// Another fraction for prices that rest away from the market.
    ///
    /// # Errors
    /// [`RiskConfigError`] for a fraction that is negative or not finite.
    pub fn passive(mut self, fraction: f64) -> Result<Self, RiskConfigError> {
        self.passive = checked(Self::PASSIVE, fraction)?;
        Ok(self)
    }

    /// Which price is the reference; the account's mark unless said.
    #[must_use]
    pub const fn against(mut self, reference: Reference) -> Self {
        self.reference = reference;
        self
    }

    fn reference(&self, intent: &Intent, facts: &Facts<'_>) -> Option<Seen> {
        if let OrderKind::StopLimit { trigger, .. } = intent.kind {
            return Some(Seen { price: trigger.to_f64(), at: facts.at });
        }
        match self.reference {
            Reference::Account => {
                let mark = facts.book.mark(intent.instrument)?;
                Some(Seen { price: mark.price, at: mark.at })
            }
            Reference::Last | Reference::Mid | Reference::Mark => {
                self.seen.get(intent.instrument.index()).copied().flatten()
            }
        }
    }

    /// The price that this collar takes from an event.
    fn price_of(&self, event: &MarketEvent) -> Option<f64> {
        match (self.reference, event) {
            (Reference::Last, MarketEvent::Bar(_) | MarketEvent::Print(_))
            | (Reference::Mid, MarketEvent::Quote(_) | MarketEvent::Book(_))
            | (Reference::Mark, MarketEvent::Mark(_) | MarketEvent::Funding(_)) => event.mark(),
            (_, _) => None,
        }
    }

    fn note(&mut self, instrument: InstrumentId, seen: Seen, instruments: usize) {
        if self.seen.len() < instruments {
            self.seen.resize(instruments, None);
        }
        if let Some(place) = self.seen.get_mut(instrument.index()) {
            *place = Some(seen);
        }
    }
}

impl OrderGate for PriceCollar {
    fn name(&self) -> &'static str {
        "price_collar"
    }

    fn check(&self, order: &Order, facts: &Facts<'_>) -> Result<(), Refusal> {
        let intent = &order.intent;
        let Some(limit) = intent.kind.limit() else { return Ok(()) };
        let stale = |age| Refusal::new(ReasonCode::StaleReference, seconds(self.most_age), age);
        let seen = self.reference(intent, facts).ok_or(stale(f64::NAN))?;
        let age = facts.at.since(seen.at);
        if age > self.most_age {
            return Err(stale(seconds(age)));
        }
        let above = (limit.to_f64() - seen.price) / seen.price;
        let giving = match intent.side {
            Side::Buy => above,
            Side::Sell => -above,
        };
        let is_free = giving <= 0.0 && split(intent, facts).opening.is_zero();
        let most = if giving > 0.0 { self.fraction } else { self.passive };
        let distance = giving.abs();
        if is_free || distance <= most + most * ROUNDING {
            return Ok(());
        }
        Err(Refusal::new(ReasonCode::PriceCollar, most, distance))
    }

    fn observe(&mut self, event: &GateEvent<'_>, facts: &Facts<'_>) {
        if let GateEvent::Market(event) = event
            && let Some(price) = self.price_of(event)
        {
            let seen = Seen { price, at: facts.at };
            self.note(event.instrument(), seen, facts.instruments.len());
        }
    }

    fn watches_market(&self) -> bool {
        self.reference != Reference::Account
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        let (what, limit) = if key.is_all(Self::LIMIT) {
            (Self::LIMIT, &mut self.fraction)
        } else if key.is_all(Self::PASSIVE) {
            (Self::PASSIVE, &mut self.passive)
        } else {
            return Ok(None);
        };
        let before = core::mem::replace(limit, checked(what, to_f64(value))?);
        Ok(Some(Grid::recover(before).unwrap_or(Decimal::MAX)))
    }
}

/// A price at its limit is within it even when `f64` has rounded the distance upwards.
const ROUNDING: f64 = 1e-12;

fn checked(what: &'static str, value: f64) -> Result<f64, RiskConfigError> {
    if value >= 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(RiskConfigError::LimitOutOfRange { what, value })
    }
}

/// The references are its state; fractions and age are configuration.
impl State for PriceCollar {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        State::save(&self.seen)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut seen: Vec<Option<Seen>> = Vec::new();
        State::restore(&mut seen, state)?;
        let is_sound = |seen: &Seen| seen.price > 0.0 && seen.price.is_finite();
        if !seen.iter().flatten().all(is_sound) {
            return Err(StateError::Unreadable("a reference price is not above zero".to_owned()));
        }
        self.seen = seen;
        Ok(())
    }
}
