#![allow(clippy::arithmetic_side_effects, reason = "a naive model; see the module above")]

use rust_decimal::Decimal;

use crate::account::LotMethod;

/// A position as a list of single units, each with the price at which it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NaiveLots {
    /// Prices of the open units, the oldest first.
    pub units: Vec<Decimal>,
    /// The side of all of them; of no meaning while there are none.
    pub is_long: bool,
}

impl NaiveLots {
    /// Buys or sells whole units at a price; the answer is the profit of the units it closed.
    /// Lots of the average are closed oldest first: only their sums are defined.
    pub fn trade(&mut self, quantity: i64, price: Decimal, lots: LotMethod) -> Decimal {
        let mut profit = Decimal::ZERO;
        for _ in 0..quantity.unsigned_abs() {
            if self.units.is_empty() || self.is_long == (quantity > 0) {
                self.is_long = quantity > 0;
                self.units.push(price);
                continue;
            }
            let newest = self.units.len() - 1;
            let entry = self.units.remove(if lots == LotMethod::Lifo { newest } else { 0 });
            profit += if self.is_long { price - entry } else { entry - price };
        }
        profit
    }

    /// What the open units cost, with the sign of the position.
    pub fn cost(&self) -> Decimal {
        let sum: Decimal = self.units.iter().fold(Decimal::ZERO, |sum, price| sum + price);
        if self.is_long { sum } else { -sum }
    }

    /// Every unit becomes two at half the price.
    pub fn split_in_two(&mut self) {
        let halves = self.units.iter().flat_map(|price| [price / Decimal::TWO; 2]);
        self.units = halves.collect();
    }
}
