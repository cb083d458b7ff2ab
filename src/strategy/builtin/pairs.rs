use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::math::linear_regression;
use crate::strategy::parameter::parameters;
use crate::strategy::saved::Identity;
use crate::strategy::{
    Advice, BadParameter, BuildError, Event, ParameterKind, Parameters, Strategy, StrategyContext,
};
use crate::types::{
    Bar, Facts, Grid, Instrument, InstrumentId, Intent, Qty, State, StateError, Timestamp, exact,
};

parameters! {
    /// Parameters of [`Pairs`].
    pub struct PairsParameters {
        /// Pairs of closes that the hedge ratio and the spread's deviation are taken from.
        pub window: usize = 60, ParameterKind::Count { minimum: 3, maximum: 10_000 };
        /// Deviations of the spread at which a position is opened.
        pub entry_z: f64 = 2.0, ParameterKind::Positive { maximum: 100.0 };
        /// Deviations within which it is closed, below `entry_z`.
        pub exit_z: f64 = 0.5, ParameterKind::Number { minimum: 0.0, maximum: 100.0 };
        /// Deviations at which it is given up, above `entry_z`.
        pub stop_z: f64 = 4.0, ParameterKind::Positive { maximum: 1000.0 };
        /// Position in the first instrument; the second one follows by the hedge ratio.
        #[serde(with = "exact")]
        pub quantity: Decimal = Decimal::ONE, ParameterKind::Quantity;
    }
}

/// `PAIRS`: trades the spread between two instruments back to its mean.
///
/// Over the last `window` pairs of closes, y = a + b * x is fitted by least squares; the spread of
/// the last pair is its residual, and z is the spread over the residuals' deviation. Above
/// `entry_z` it goes short y and long b * x, below -`entry_z` the other way, by targets that stand
/// or fall together; within `exit_z` and beyond `stop_z` both go to zero, as soon as one leg is
/// refused too. After a stop or a refusal it waits until z has been within `exit_z`. A hedge ratio
/// that is not above zero hedges nothing and opens nothing.
///
/// y is the first and x the second instrument of the universe. A pair of closes is complete when
/// both bars of one time have come; a bar without its partner is left out. The fit looks at the
/// whole window on every pair: 60 pairs cost less than a microsecond. Source: Engle and Granger
/// (1987); Gatev, Goetzmann and Rouwenhorst (2006).
#[derive(Clone, Debug)]
pub struct Pairs {
    identity: Identity,
    parameters: PairsParameters,
    legs: [Leg; 2],
    memory: Memory,
}

impl Pairs {
    /// Its name in the registry.
    pub const NAME: &'static str = "PAIRS";

    /// A strategy for a universe of two instruments, neither of them inverse.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed;
    /// [`BuildError::Universe`] unless there are exactly two instruments.
    pub fn new(
        parameters: PairsParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        let PairsParameters { entry_z, exit_z, stop_z, window, .. } = parameters;
        if !(exit_z < entry_z) {
            let allowed = format!("numbers below `entry_z`, which is {entry_z}");
            return Err(BadParameter::new("exit_z", exit_z, allowed).into());
        }
        if !(stop_z > entry_z) {
            let allowed = format!("numbers above `entry_z`, which is {entry_z}");
            return Err(BadParameter::new("stop_z", stop_z, allowed).into());
        }
        let traded = context.traded()?;
        let (y, x) = match traded.as_slice() {
            [y, x] if y.id != x.id => (y, x),
            other => {
                let needed = "exactly two different instruments";
                return Err(BuildError::Universe { needed, found: other.len() });
            }
        };
        if let Some(inverse) = traded.iter().find(|instrument| instrument.kind.is_inverse()) {
            let symbol = inverse.symbol;
            return Err(BuildError::Refused(format!("{symbol} is inverse: no linear hedge")));
        }
        let identity = Identity::of(Self::NAME, &parameters);
        let legs = [Leg::of(y), Leg::of(x)];
        Ok(Self { identity, parameters, legs, memory: Memory::new(window) })
    }
}

impl State for Pairs {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.identity.save(&self.memory)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let memory: Memory = self.identity.read(state)?;
        if !memory.is_sound(self.parameters.window) {
            let found = format!("{} and {} closes", memory.y.len(), memory.x.len());
            return Err(StateError::Unreadable(found));
        }
        self.memory = memory;
        Ok(())
    }
}

impl Strategy for Pairs {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn warmup(&self) -> usize {
        self.parameters.window
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        match event {
            Event::Refused { intent, .. } => self.on_refused(intent, facts, advice),
            Event::Market(_) | Event::Fill(_) | Event::Wake | Event::Adjusted(_) => {
                let Some(bar) = event.bar() else { return };
                if let Err(error) = bar.check() {
                    advice.fail(error.to_string());
                } else if self.complete(facts.at, bar) {
                    self.on_pair(facts, advice);
                }
            }
        }
    }
}

impl Pairs {
    /// Takes a bar; true when it completes the pair of its time.
    fn complete(&mut self, at: Timestamp, bar: &Bar) -> bool {
        let Some(leg) = self.legs.iter().position(|leg| leg.instrument == bar.instrument) else {
            return false;
        };
        let pending = &mut self.memory.pending;
        if let Some(slot) = pending.get_mut(leg) {
            *slot = Some((at, bar.close));
        }
        let [Some((y_at, y)), Some((x_at, x))] = *pending else { return false };
        if y_at != x_at {
            return false;
        }
        *pending = [None, None];
        self.memory.push(y, x);
        true
    }

    fn on_pair(&mut self, facts: &Facts<'_>, advice: &mut Advice) {
        if self.memory.stance == Stance::Flat || self.memory.stance == Stance::Waiting {
            // A leg that stayed behind (a partial fill, a refused exit) is closed again.
            if self.legs.iter().any(|leg| !facts.position(leg.instrument).is_flat()) {
                self.flatten(advice);
                return;
            }
        }
        let Some(fit) = self.memory.fit() else { return };
        let PairsParameters { entry_z, exit_z, stop_z, .. } = self.parameters;
        let distance = fit.z.abs();
        match self.memory.stance {
            Stance::Flat if entry_z <= distance && distance < stop_z => {
                self.enter(&fit, advice);
            }
            Stance::Waiting if distance <= exit_z => self.memory.stance = Stance::Flat,
            Stance::Flat | Stance::Waiting => {}
            Stance::Long | Stance::Short if distance >= stop_z => {
                self.memory.stance = Stance::Waiting;
                self.flatten(advice);
            }
            Stance::Long if fit.z >= -exit_z => self.leave(advice),
            Stance::Short if fit.z <= exit_z => self.leave(advice),
            Stance::Long | Stance::Short => {}
        }
    }

    fn enter(&mut self, fit: &Fit, advice: &mut Advice) {
        let Some([y, x]) = self.quantities(fit.hedge) else { return };
        let (stance, [y, x]) =
            if fit.z > 0.0 { (Stance::Short, [-y, x]) } else { (Stance::Long, [y, -x]) };
        let [first, second] = self.legs.each_ref().map(|leg| leg.instrument);
        self.memory.stance = stance;
        advice.tag("pairs-entry").together(|legs| {
            legs.target(first, Qty::new(y));
            legs.target(second, Qty::new(x));
        });
    }

    fn leave(&mut self, advice: &mut Advice) {
        self.memory.stance = Stance::Flat;
        self.flatten(advice);
    }

    fn flatten(&self, advice: &mut Advice) {
        advice.tag("pairs-exit").together(|legs| {
            for leg in &self.legs {
                legs.target(leg.instrument, Qty::ZERO);
            }
        });
    }

    /// A refused entry unwinds what has been filled of the other leg; a refused exit is tried
    /// again with the next pair, not at once and for ever.
    fn on_refused(&mut self, intent: &Intent, facts: &Facts<'_>, advice: &mut Advice) {
        let is_ours = self.legs.iter().any(|leg| leg.instrument == intent.instrument);
        let is_holding = matches!(self.memory.stance, Stance::Long | Stance::Short);
        if is_ours && is_holding && intent.slot == facts.slot {
            self.memory.stance = Stance::Waiting;
            self.flatten(advice);
        }
    }

    /// Quantities of both legs on their steps; `None` when one of them would be zero.
    fn quantities(&self, hedge: f64) -> Option<[Decimal; 2]> {
        let [y, x] = &self.legs;
        if !(hedge > 0.0) {
            return None;
        }
        let first = y.floor(self.parameters.quantity)?;
        let units = first.checked_mul(y.multiplier)?;
        let hedge = Grid::new(9).ok()?.nearest(hedge)?;
        let second = x.floor(units.checked_mul(hedge)?.checked_div(x.multiplier)?)?;
        (first > Decimal::ZERO && second > Decimal::ZERO).then_some([first, second])
    }
}

/// What the strategy has to know of an instrument.
#[derive(Clone, Debug)]
struct Leg {
    instrument: InstrumentId,
    step: Decimal,
    multiplier: Decimal,
}

impl Leg {
    fn of(instrument: &Instrument) -> Self {
        let Instrument { id, step, multiplier, .. } = *instrument;
        Self { instrument: id, step, multiplier }
    }

    fn floor(&self, quantity: Decimal) -> Option<Decimal> {
        quantity.checked_sub(quantity.checked_rem(self.step)?)
    }
}

/// The position that was asked for, in the spread y - b * x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stance {
    Flat,
    Long,
    Short,
    /// Flat after a stop or a refusal, until the spread has come back.
    Waiting,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Memory {
    /// Rings of the last closes; their order does not matter to the fit.
    y: Vec<f64>,
    x: Vec<f64>,
    window: usize,
    next: usize,
    last: Option<(f64, f64)>,
    pending: [Option<(Timestamp, f64)>; 2],
    stance: Stance,
}

struct Fit {
    hedge: f64,
    z: f64,
}

impl Memory {
    fn new(window: usize) -> Self {
        Self {
            y: Vec::with_capacity(window),
            x: Vec::with_capacity(window),
            window,
            next: 0,
            last: None,
            pending: [None, None],
            stance: Stance::Flat,
        }
    }

    fn is_sound(&self, window: usize) -> bool {
        let finite = |closes: &[f64]| closes.iter().all(|close| close.is_finite());
        self.window == window
            && self.y.len() == self.x.len()
            && self.y.len() <= window
            && self.next < window
            && finite(&self.y)
            && finite(&self.x)
    }

    fn push(&mut self, y: f64, x: f64) {
        self.last = Some((y, x));
        if self.y.len() < self.window {
            self.y.push(y);
            self.x.push(x);
            return;
        }
        if let (Some(old_y), Some(old_x)) = (self.y.get_mut(self.next), self.x.get_mut(self.next)) {
            (*old_y, *old_x) = (y, x);
        }
        self.next = if self.next + 1 == self.window { 0 } else { self.next + 1 };
    }

    /// `None` before the window is full and when x does not vary or y follows it without a rest.
    fn fit(&self) -> Option<Fit> {
        let (y, x) = self.last.filter(|_| self.y.len() == self.window)?;
        let line = linear_regression(&self.x, &self.y)?;
        let residual = |y: f64, x: f64| y - line.intercept - line.slope * x;
        let squares: f64 =
            self.y.iter().zip(&self.x).map(|(&y, &x)| residual(y, x) * residual(y, x)).sum();
        // Two degrees of freedom went into the line.
        let deviation = (squares / (self.window - 2) as f64).sqrt();
        // What is left of rounding alone is no spread.
        let z = (deviation > y.abs() * 1e-12).then(|| residual(y, x) / deviation)?;
        z.is_finite().then_some(Fit { hedge: line.slope, z })
    }
}
