use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::account::OpenPosition;
use crate::types::{Facts, HaltLevel, Label, SlotId, Timestamp, exact};

/// What the account holds at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortfolioSnapshot {
    /// The reporting currency, in which all values are but balances and prices.
    pub currency: Label,
    /// Cash and positions at mark.
    pub equity: f64,
    /// Value of all positions without signs.
    pub gross: f64,
    /// Value of all positions with their signs.
    pub net: f64,
    /// Gross value over equity; `None` unless equity is above zero.
    pub leverage: Option<f64>,
    /// Profit of all open positions at their marks; `None` while one has none.
    pub unrealised: Option<f64>,
    /// Cash by asset, where there is any.
    pub balances: Vec<AssetBalance>,
    /// Open positions of every strategy and of the house, by slot.
    pub positions: Vec<PositionSnapshot>,
    /// Orders that work.
    pub working_orders: u64,
    /// The severest halt that covers the whole account.
    pub halt: HaltLevel,
}

/// Cash of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetBalance {
    /// Its code.
    pub asset: Label,
    /// How much, in units of the asset.
    #[serde(with = "exact")]
    pub amount: Decimal,
}

/// One open position.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionSnapshot {
    /// Whose.
    pub slot: SlotId,
    /// In what.
    pub symbol: Label,
    /// Signed quantity.
    #[serde(with = "exact")]
    pub quantity: Decimal,
    /// Since when.
    pub opened_at: Timestamp,
    /// Average entry price.
    pub entry: f64,
    /// The last mark; `None` when there was none.
    pub mark: Option<f64>,
    /// Signed value at the mark.
    pub value: Option<f64>,
    /// Value without sign over equity.
    pub weight: Option<f64>,
    /// Profit at the mark before the exit's costs.
    pub unrealised: Option<f64>,
}

impl PortfolioSnapshot {
    /// What the facts say.
    pub fn new(facts: &Facts<'_>) -> Self {
        let (equity, gross) = (facts.equity(), facts.book.gross());
        let over_equity = |value: f64| {
            let share = (equity > 0.0).then(|| value / equity);
            share.filter(|share| share.is_finite())
        };
        let positions: Vec<PositionSnapshot> = OpenPosition::all(facts)
            .iter()
            .map(|open| PositionSnapshot::new(facts, open, over_equity))
            .collect();
        let assets = facts.instruments.assets().iter().zip(0..).map(|(asset, index)| {
            let amount = facts.book.cash(crate::types::AssetId(index));
            AssetBalance { asset: asset.code, amount }
        });
        let working = |id| u64::from(facts.book.working(id).orders);
        Self {
            currency: Label::new(facts.instruments.code(facts.book.reporting())),
            equity,
            gross,
            net: positions.iter().filter_map(|position| position.value).sum(),
            leverage: over_equity(gross),
            unrealised: positions.iter().map(|position| position.unrealised).sum(),
            balances: assets.filter(|balance| !balance.amount.is_zero()).collect(),
            positions,
            working_orders: facts.instruments.iter().map(|found| working(found.id)).sum(),
            halt: facts.book.halt(),
        }
    }
}

impl PositionSnapshot {
    fn new(
        facts: &Facts<'_>,
        open: &OpenPosition,
        over_equity: impl Fn(f64) -> Option<f64>,
    ) -> Self {
        let instrument = facts.instruments.get(open.instrument);
        let mark = facts.book.mark(open.instrument);
        let value = instrument.zip(mark).map(|(instrument, mark)| {
            let value = instrument.value_f64(crate::types::to_f64(open.quantity), mark.price);
            // The value of an inverse contract is negative while its owner is long.
            let signed = if instrument.kind.is_inverse() { -value } else { value };
            signed * mark.rate
        });
        let value = value.filter(|value| value.is_finite());
        Self {
            slot: open.slot,
            symbol: instrument.map_or(Label::new("?"), |found| found.symbol),
            quantity: open.quantity,
            opened_at: open.opened_at,
            entry: open.entry,
            mark: open.mark,
            value,
            weight: value.and_then(|value| over_equity(value.abs())),
            unrealised: open.unrealised,
        }
    }
}
