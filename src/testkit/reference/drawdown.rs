#![allow(clippy::arithmetic_side_effects, reason = "a naive model; see the module above")]

use rust_decimal::Decimal;

/// A drawdown tracker that keeps every equity and compares all pairs of them.
#[derive(Clone, Debug, Default)]
pub struct NaiveDrawdown {
    /// Every equity so far, all of them above zero.
    pub equities: Vec<Decimal>,
}

impl NaiveDrawdown {
    /// Takes an equity.
    pub fn update(&mut self, equity: Decimal) {
        self.equities.push(equity);
    }

    /// The largest equity; zero before the first.
    pub fn peak(&self) -> Decimal {
        self.equities.iter().copied().max().unwrap_or_default()
    }

    /// How far the last equity lies below the largest, as a fraction of it.
    pub fn drawdown(&self) -> Decimal {
        match self.equities.last() {
            Some(last) => (self.peak() - last) / self.peak(),
            None => Decimal::ZERO,
        }
    }

    /// The largest fraction by which a later equity lies below an earlier one.
    pub fn deepest(&self) -> Decimal {
        let mut deepest = Decimal::ZERO;
        for (later, low) in self.equities.iter().enumerate() {
            for high in &self.equities[..later] {
                deepest = deepest.max((high - low) / high);
            }
        }
        deepest
    }

    /// Whether any equity lay further below an earlier one than this many hundredths of it, by
    /// integers alone.
    pub fn was_breached(&self, hundredths: i64) -> bool {
        let hundred = Decimal::ONE_HUNDRED;
        let breaches = |later: usize, low: &Decimal| {
            let fell = |high: &Decimal| (high - low) * hundred > high * Decimal::from(hundredths);
            self.equities[..later].iter().any(fell)
        };
        self.equities.iter().enumerate().any(|(later, low)| breaches(later, low))
    }
}
