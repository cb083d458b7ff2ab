use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Ceiling, capped, sound_equity};
use crate::risk::{Limit, Opening, RiskConfigError, RiskRule, split_after, valuation_price};
use crate::types::{
    Facts, InstrumentId, Intent, LimitKey, PositionFacts, Reach, Reason, ReasonCode, Side, SlotId,
    StopFact, to_f64,
};

/// Portfolio heat: what all positions together would lose from their entries down to their
/// stops, as a fraction of equity, stays below a limit.
///
/// - A position risks `quantity * (value at entry - value at stop)` in its direction, and
///   nothing once its stop is past the entry. Slots are added up, opposite ones too.
/// - What no working stop covers counts as [`UnstoppedRisk`] says.
/// - An opening counts down to the stop of its bracket, else to where the slot's stop plan
///   would put one, else as unstopped. The same holds for working orders, whose brackets are
///   not known here.
///
/// ```
/// use tradewright::risk::{PortfolioHeat, UnstoppedRisk};
///
/// let heat = PortfolioHeat::new(0.06)?.unstopped(UnstoppedRisk::Fraction(0.5))?;
/// # Ok::<(), tradewright::risk::RiskConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortfolioHeat {
    most: f64,
    unstopped: f64,
}

/// What a position counts with that has no stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum UnstoppedRisk {
    /// Its whole value at mark: all of it can be lost.
    #[default]
    Value,
    /// This fraction of its value at mark, above 0.
    Fraction(f64),
}

impl PortfolioHeat {
    /// The largest heat, a fraction of equity of zero or above (0.06 is six percent).
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a negative or non-finite limit.
    pub fn new(most: f64) -> Result<Self, RiskConfigError> {
        Ceiling::OfEquity(most).checked("portfolio heat")?;
        Ok(Self { most, unstopped: 1.0 })
    }

    /// Measures alone, without a limit.
    pub(in crate::risk) const fn unlimited() -> Self {
        Self { most: f64::MAX, unstopped: 1.0 }
    }

    /// What positions without a stop count with (their whole value).
    ///
    /// # Errors
    /// [`RiskConfigError::LimitOutOfRange`] for a fraction that is not finite and above zero.
    pub fn unstopped(self, risk: UnstoppedRisk) -> Result<Self, RiskConfigError> {
        let unstopped = match risk {
            UnstoppedRisk::Value => 1.0,
            UnstoppedRisk::Fraction(fraction) => fraction,
        };
        if unstopped > 0.0 && unstopped.is_finite() {
            Ok(Self { unstopped, ..self })
        } else {
            let what = "unstopped risk";
            Err(RiskConfigError::LimitOutOfRange { what, value: unstopped })
        }
    }

    /// The open risk of everything that is held or working, in the reporting currency, never
    /// negative; NaN while a mark or rate is missing.
    pub fn open_risk(&self, facts: &Facts<'_>) -> f64 {
        let slots = (0..=u16::MAX).map(SlotId).zip(&facts.book.slots);
        slots.fold(0.0, |sum, (slot, positions)| match facts.book.stops_of(slot) {
            [] => self.add_slot(sum, positions, core::iter::repeat(&NO_STOP), facts),
            stops => self.add_slot(sum, positions, stops.iter(), facts),
        })
    }

    /// One slot's open risk more.
    #[inline(always)]
    fn add_slot<'a>(
        &self,
        mut sum: f64,
        positions: &[PositionFacts],
        stops: impl Iterator<Item = &'a StopFact>,
        facts: &Facts<'_>,
    ) -> f64 {
        for ((position, reach), stop) in positions.iter().zip(facts.book.reaches()).zip(stops) {
            // Mostly it is another slot that trades there.
            if !position.is_idle() {
                sum += Scale { reach, unstopped: self.unstopped }.risk(position, stop);
            }
        }
        sum
    }

    /// The open risk of one slot's position and working orders in one instrument.
    pub fn risk_of(&self, slot: SlotId, instrument: InstrumentId, facts: &Facts<'_>) -> f64 {
        let position = facts.book.position(slot, instrument);
        if position.is_idle() {
            return 0.0;
        }
        self.scale(instrument, facts).risk(position, &facts.book.stop(slot, instrument))
    }

    /// The open risk over equity; NaN while it is not defined.
    pub fn heat(&self, facts: &Facts<'_>) -> f64 {
        self.open_risk(facts) / sound_equity(facts)
    }

    fn scale<'a>(&self, instrument: InstrumentId, facts: &Facts<'a>) -> Scale<'a> {
        Scale { reach: facts.book.reach(instrument), unstopped: self.unstopped }
    }

    /// The risk of one unit that an intent opens at a price.
    fn unit(&self, intent: &Intent, price: f64, facts: &Facts<'_>) -> f64 {
        let scale = self.scale(intent.instrument, facts);
        let stop = intent.bracket.and_then(|bracket| bracket.stop_loss);
        let level = stop.map_or(f64::NAN, |stop| stop.to_f64());
        let loss = scale.loss(intent.side, price, level);
        if loss > 0.0 {
            return loss;
        }
        let distance = facts.book.stop(intent.slot, intent.instrument).distance;
        scale.planned(intent.side, price, distance)
    }

    /// What the group's earlier legs open.
    fn earlier(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> f64 {
        let legs = opening.earlier.iter().enumerate();
        let risk = |(index, leg): (usize, &Intent)| {
            let opened = split_after(leg, &opening.earlier[..index], facts).opening;
            if opened.is_zero() {
                return 0.0;
            }
            let Some(instrument) = facts.instruments.get(leg.instrument) else { return f64::NAN };
            let price = valuation_price(leg, instrument, facts);
            to_f64(opened) * self.unit(leg, price, facts)
        };
        legs.map(risk).sum()
    }
}

impl RiskRule for PortfolioHeat {
    fn name(&self) -> &'static str {
        "portfolio_heat"
    }

    fn limit(&self, opening: &Opening<'_>, facts: &Facts<'_>) -> Limit {
        let equity = sound_equity(facts);
        if !(equity > 0.0) {
            return Limit::Deny(Reason::new(ReasonCode::InvalidInput, 0.0, facts.equity()));
        }
        let before = self.open_risk(facts) + self.earlier(opening, facts);
        let unit = self.unit(opening.intent, opening.price, facts);
        capped(opening, facts, ReasonCode::PortfolioHeat, self.most, |quantity| {
            (before + quantity * unit) / equity
        })
    }

    fn usage(&self, facts: &Facts<'_>) -> Option<Reason> {
        Some(Reason::new(ReasonCode::PortfolioHeat, self.most, self.heat(facts)))
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        if !key.is_all("portfolio_heat") {
            return Ok(None);
        }
        let mut ceiling = Ceiling::OfEquity(self.most);
        let before = ceiling.set("portfolio heat", value)?;
        self.most = to_f64(value);
        Ok(Some(before))
    }
}

const NO_STOP: StopFact = StopFact { level: 0.0, covered: 0.0, distance: 0.0 };

/// How prices of one instrument become money.
struct Scale<'a> {
    reach: &'a Reach,
    unstopped: f64,
}

impl Scale<'_> {
    /// What one unit loses from a price down to a level; zero or less when the level is not on
    /// the losing side, NaN for levels that no price can have.
    fn loss(&self, side: Side, price: f64, level: f64) -> f64 {
        if !(level > 0.0) {
            return f64::NAN;
        }
        match side {
            Side::Buy => self.reach.signed_value_at(price) - self.reach.signed_value_at(level),
            Side::Sell => self.reach.signed_value_at(level) - self.reach.signed_value_at(price),
        }
    }

    /// One unit at the mark that a plan would stop at a distance.
    fn planned_at_mark(&self, side: Side, distance: f64) -> f64 {
        if distance > 0.0 {
            self.planned(side, self.reach.price(), distance)
        } else {
            self.reach.unit_value() * self.unstopped
        }
    }

    /// One unit at a price that a plan would stop at a distance.
    fn planned(&self, side: Side, price: f64, distance: f64) -> f64 {
        let level = match side {
            Side::Buy => price - distance,
            Side::Sell => price + distance,
        };
        let loss = if distance > 0.0 { self.loss(side, price, level) } else { 0.0 };
        if loss > 0.0 { loss } else { self.reach.unit_value_at(price) * self.unstopped }
    }

    /// What a position and its working orders risk.
    #[inline(always)]
    fn risk(&self, position: &PositionFacts, stop: &StopFact) -> f64 {
        let size = position.size.abs();
        let held = if size == 0.0 {
            0.0
        } else if stop.level > 0.0 {
            self.stopped(position, size, stop)
        } else {
            size * self.reach.unit_value() * self.unstopped
        };
        if position.has_orders() { held + self.working(position, stop) } else { held }
    }

    /// What a position risks beside a working stop.
    #[inline(never)]
    fn stopped(&self, position: &PositionFacts, size: f64, stop: &StopFact) -> f64 {
        let covered = stop.covered.clamp(0.0, size);
        let mut risk = 0.0;
        if covered > 0.0 {
            let side = if position.is_long() { Side::Buy } else { Side::Sell };
            let loss = self.loss(side, position.average, stop.level);
            // Past the entry nothing is at risk any more; NaN must stay.
            risk += covered * if loss <= 0.0 { 0.0 } else { loss };
        }
        if size > covered {
            risk += (size - covered) * self.reach.unit_value() * self.unstopped;
        }
        risk
    }

    /// The worse of what working buys and working sales would open.
    #[inline]
    fn working(&self, position: &PositionFacts, stop: &StopFact) -> f64 {
        let one = |side: Side, working: f64, against: f64| {
            let opens = working - if against > 0.0 { against } else { 0.0 };
            if opens > 0.0 { opens * self.planned_at_mark(side, stop.distance) } else { 0.0 }
        };
        let PositionFacts { size, buying, selling, .. } = *position;
        // Mostly only one side works.
        if selling == 0.0 {
            return one(Side::Buy, buying, -size);
        }
        let down = one(Side::Sell, selling, size);
        if buying == 0.0 {
            return down;
        }
        let up = one(Side::Buy, buying, -size);
        if up >= down || up.is_nan() { up } else { down }
    }
}
