#![allow(clippy::arithmetic_side_effects, reason = "a naive model; see the module above")]

use rust_decimal::Decimal;

use super::NaiveLots;
use crate::account::LotMethod;
use crate::testkit::inputs::MoneyEvent;

/// Slots of the model, the house included.
const SLOTS: usize = 3;

/// What raw [`MoneyEvent`]s add up to, without costs, averages or lots: values, units and sums.
///
/// Arrays by asset are of BTC, USD, BNB and one that is never used.
#[derive(Clone, Debug, Default)]
pub struct NaiveLedger {
    /// Capital that came in, and what fees in BNB were sold for.
    pub capital: [Decimal; 4],
    /// Value of positions that were taken over or left.
    pub taken: [Decimal; 4],
    /// Income, dividends and fees for borrowed units.
    pub income: [Decimal; 4],
    /// Fees.
    pub fees: [Decimal; 4],
    /// Funding received.
    pub funding: [Decimal; 4],
    /// What was spent on positions, less what they brought in.
    pub spent: [Decimal; 4],
    /// Net quantity, by slot and instrument.
    pub held: [[Decimal; 4]; SLOTS],
    /// Open units, by slot and instrument.
    pub lots: [[NaiveLots; 4]; SLOTS],
    /// Profit of matched units by instrument; of no meaning for the inverse one.
    pub matched: [Decimal; 4],
}

/// The multiplier of each instrument, and the asset that its profits are paid in.
const TERMS: [(Decimal, usize); 4] = [
    (Decimal::ONE, 1),
    (Decimal::from_parts(1, 0, 0, false, 2), 1),
    (Decimal::ONE_HUNDRED, 0),
    (Decimal::TEN, 1),
];

/// The signed value of a quantity in the settlement currency, rounded as the ledger rounds.
///
/// # Panics
/// For an instrument that is not one of the four.
pub fn naive_value(instrument: usize, quantity: Decimal, price: Decimal) -> Decimal {
    let units = quantity * TERMS[instrument].0;
    if instrument == 2 { (-units / price).round_dp(12) } else { units * price }
}

impl NaiveLedger {
    /// Asset that an instrument's profits are paid in.
    ///
    /// # Panics
    /// For an instrument that is not one of the four.
    pub const fn settlement(instrument: usize) -> usize {
        TERMS[instrument].1
    }

    /// What the open units of a slot cost, with sign and multiplier; not for the inverse one.
    ///
    /// # Panics
    /// For a slot or an instrument that the model does not have.
    pub fn cost(&self, slot: usize, instrument: usize) -> Decimal {
        self.lots[slot][instrument].cost() * TERMS[instrument].0
    }

    /// Takes an event of [`money_events`](crate::testkit::inputs::money_events).
    ///
    /// # Panics
    /// For a slot, asset or instrument that the model does not have.
    pub fn take(&mut self, event: &MoneyEvent, lots: LotMethod) {
        match *event {
            MoneyEvent::Fill { slot, instrument, quantity, price, fee: (asset, fee) } => {
                self.fees[asset] += Decimal::new(fee, 2);
                self.moved((usize::from(slot), instrument), (quantity, price), lots);
            }
            MoneyEvent::Charged { instrument, quantity, price, fee } => {
                let (asset, fee) = (TERMS[instrument].1, Decimal::new(fee, 2));
                self.capital[2] -= fee;
                self.capital[asset] += fee * Decimal::from(3);
                self.fees[asset] += fee * Decimal::from(3);
                self.moved((1, instrument), (quantity, price), lots);
            }
            MoneyEvent::Funding { instrument, rate, mark } => {
                let (asset, rate) = (TERMS[instrument].1, Decimal::new(rate, 4));
                for slot in 0..SLOTS {
                    let notional = unsigned_value(instrument, self.held[slot][instrument], mark);
                    self.funding[asset] -= (notional * rate).round_dp(12);
                }
            }
            MoneyEvent::Capital(amount) => self.capital[1] += Decimal::from(amount),
            MoneyEvent::Income(amount) => self.income[1] += Decimal::from(amount),
            MoneyEvent::Position { slot, instrument, change, price } => {
                let asset = TERMS[instrument].1;
                let before = self.spent[asset];
                self.moved((usize::from(slot), instrument), (change, price), lots);
                self.taken[asset] += self.spent[asset] - before;
            }
            MoneyEvent::Settlement { instrument, price } => {
                for slot in 0..SLOTS {
                    let held = i64::try_from(self.held[slot][instrument]).unwrap_or_default();
                    self.moved((slot, instrument), (-held, price), lots);
                }
            }
            MoneyEvent::Dividend { instrument, cents } => {
                for slot in 0..SLOTS {
                    let units = self.held[slot][instrument] * TERMS[instrument].0;
                    self.income[TERMS[instrument].1] += units * Decimal::new(cents, 2);
                }
            }
            MoneyEvent::BorrowFee { instrument, price, rate } => {
                for slot in 0..SLOTS {
                    let owed = self.held[slot][instrument].min(Decimal::ZERO);
                    let value = unsigned_value(instrument, owed, price).abs();
                    let fee = (value * Decimal::new(rate, 4)).round_dp(12);
                    self.income[TERMS[instrument].1] -= fee;
                }
            }
            MoneyEvent::Split { instrument } => {
                for slot in 0..SLOTS {
                    self.held[slot][instrument] *= Decimal::TWO;
                    self.lots[slot][instrument].split_in_two();
                }
            }
        }
    }

    fn moved(
        &mut self,
        (slot, instrument): (usize, usize),
        (units, price): (i64, i64),
        lots: LotMethod,
    ) {
        let (multiplier, asset) = TERMS[instrument];
        let (quantity, price) = (Decimal::from(units), Decimal::from(price));
        let before = self.held[slot][instrument];
        let is_flip = before.is_sign_negative() != quantity.is_sign_negative()
            && quantity.abs() > before.abs()
            && !before.is_zero();
        // A flip is two bookings, each rounded for itself.
        self.spent[asset] += if is_flip {
            naive_value(instrument, -before, price)
                + naive_value(instrument, quantity + before, price)
        } else {
            naive_value(instrument, quantity, price)
        };
        self.held[slot][instrument] += quantity;
        let profit = self.lots[slot][instrument].trade(units, price, lots);
        self.matched[instrument] += profit * multiplier;
    }
}

/// Value at a price without the sign that an inverse contract turns round.
fn unsigned_value(instrument: usize, quantity: Decimal, price: i64) -> Decimal {
    let units = quantity * TERMS[instrument].0;
    let price = Decimal::from(price);
    if instrument == 2 { units / price } else { units * price }
}
