use crate::metrics::{OTHER, RunStart};
use crate::types::{Instrument, InstrumentId, SlotId, to_f64};

/// Slots and instruments as label values, and as places in dense vectors.
///
/// Whatever the run did not name has the last place, so that no id from outside can make a vector
/// grow.
#[derive(Clone, Debug)]
pub(super) struct Names {
    strategies: Vec<String>,
    symbols: Vec<String>,
    units: Vec<UnitValue>,
}

/// What one unit of an instrument is worth at a price.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnitValue {
    multiplier: f64,
    is_inverse: bool,
}

impl UnitValue {
    const UNKNOWN: Self = Self { multiplier: f64::NAN, is_inverse: false };

    fn of(instrument: &Instrument) -> Self {
        let multiplier = to_f64(instrument.multiplier);
        Self { multiplier, is_inverse: instrument.kind.is_inverse() }
    }

    /// The signed value of so many units, in the settlement currency.
    #[inline]
    pub(super) fn at(self, units: f64, price: f64) -> f64 {
        let units = units * self.multiplier;
        if self.is_inverse { -units / price } else { units * price }
    }
}

impl Default for Names {
    fn default() -> Self {
        Self {
            strategies: vec![OTHER.to_owned()],
            symbols: vec![OTHER.to_owned()],
            units: Vec::new(),
        }
    }
}

impl Names {
    pub(super) fn of(run: &RunStart<'_>) -> Self {
        let mut strategies = vec!["house".to_owned()];
        for (index, name) in run.strategies.iter().enumerate() {
            let is_taken = strategies.iter().any(|taken| taken == name);
            // Two slots of one strategy must not write over each other's gauges.
            let unique =
                if is_taken { format!("{name}#{}", index + 1) } else { (*name).to_owned() };
            strategies.push(unique);
        }
        strategies.push(OTHER.to_owned());
        let symbols = run.instruments.iter().map(|found| found.symbol.as_str().to_owned());
        let symbols = symbols.chain([OTHER.to_owned()]).collect();
        Self { strategies, symbols, units: run.instruments.iter().map(UnitValue::of).collect() }
    }

    /// Number of places for slots, the house and the unknown included.
    pub(super) fn slots(&self) -> usize {
        self.strategies.len()
    }

    /// The places of the run's strategies.
    pub(super) fn bots(&self) -> core::ops::Range<usize> {
        1..self.strategies.len().saturating_sub(1).max(1)
    }

    /// Number of places for instruments, the unknown included.
    pub(super) fn instruments(&self) -> usize {
        self.symbols.len()
    }

    #[inline]
    pub(super) fn slot(&self, id: SlotId) -> usize {
        id.index().min(self.strategies.len().saturating_sub(1))
    }

    #[inline]
    pub(super) fn instrument(&self, id: InstrumentId) -> usize {
        id.index().min(self.symbols.len().saturating_sub(1))
    }

    pub(super) fn strategy(&self, place: usize) -> &str {
        self.strategies.get(place).map_or(OTHER, String::as_str)
    }

    pub(super) fn symbol(&self, place: usize) -> &str {
        self.symbols.get(place).map_or(OTHER, String::as_str)
    }

    #[inline]
    pub(super) fn unit_value(&self, place: usize) -> UnitValue {
        self.units.get(place).copied().unwrap_or(UnitValue::UNKNOWN)
    }

    /// True when one of the instruments is an inverse contract.
    pub(super) fn has_inverse(&self) -> bool {
        self.units.iter().any(|unit| unit.is_inverse)
    }
}
