#![allow(clippy::arithmetic_side_effects, reason = "a naive model; see the module above")]

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::testkit::inputs::asked;
use crate::types::{
    AssetId, FillReport, Liquidity, Money, Order, OrderId, OrderReport, OrderStatus, Price, Qty,
    RejectReason, TradeId,
};

/// Orders as a plain map, and what a set of reports means together, written from its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NaiveOrders {
    /// Every order that was ever opened.
    pub orders: BTreeMap<OrderId, NaiveOrder>,
}

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NaiveOrder {
    /// What was asked for, amendments included.
    pub quantity: Decimal,
    /// Where it stands.
    pub status: OrderStatus,
    /// Sum of all fills, late ones too.
    pub filled: Decimal,
    /// Sum of price times quantity of all fills.
    pub notional: Decimal,
}

impl NaiveOrders {
    /// Takes in an order for a quantity.
    pub fn open(&mut self, order: &Order) {
        let quantity = asked(&order.intent);
        let (status, zero) = (OrderStatus::Pending, Decimal::ZERO);
        let order = (order.id, NaiveOrder { quantity, status, filled: zero, notional: zero });
        self.orders.extend([order]);
    }

    /// Applies a report; an unknown order is passed over.
    pub fn apply(&mut self, id: OrderId, report: &OrderReport) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.apply(report);
        }
    }
}

impl NaiveOrder {
    fn apply(&mut self, report: &OrderReport) {
        use OrderStatus::{Cancelled, Expired, Filled, Open, PartiallyFilled, Pending, Rejected};
        if let OrderReport::Fill(fill) = report {
            self.filled += fill.quantity.value();
            self.notional += fill.quantity.value() * fill.price.value();
        }
        if self.status.is_terminal() {
            return;
        }
        let was_pending = self.status == Pending;
        self.status = match report {
            OrderReport::Accepted | OrderReport::Triggered if was_pending => Open,
            OrderReport::Rejected(_) if was_pending => Rejected,
            OrderReport::Rejected(_) | OrderReport::Cancelled => Cancelled,
            OrderReport::Expired => Expired,
            OrderReport::Fill(_) if self.filled == self.quantity => Filled,
            OrderReport::Fill(_) if self.filled < self.quantity => PartiallyFilled,
            OrderReport::Fill(_) if was_pending => Open,
            OrderReport::Amended { quantity, .. }
                if quantity.value() > Decimal::ZERO && quantity.value() >= self.filled =>
            {
                self.quantity = quantity.value();
                match self.status {
                    _ if self.filled == self.quantity => Filled,
                    Pending | Open if self.filled.is_zero() => Open,
                    Pending | Open => PartiallyFilled,
                    other => other,
                }
            }
            _ => self.status,
        };
    }
}

/// A status of [`ORDER_TABLE`], and what each of [`table_reports`] does in it.
pub type OrderRow = (OrderStatus, &'static str);

/// The whole life of an order of 10 units, of which 4 are filled when in part: what each report
/// does in each status. `=` nothing, `+` an implied acceptance, `!` an anomaly, a name the status
/// after it.
pub const ORDER_TABLE: [OrderRow; 7] = [
    (
        OrderStatus::Pending,
        "Open Rejected +PartiallyFilled +PartiallyFilled +Filled +!Overfill +Cancelled +Expired \
         + + !ImpossibleReport + Open = !ImpossibleReport",
    ),
    (
        OrderStatus::Open,
        "= Cancelled PartiallyFilled PartiallyFilled Filled !Overfill Cancelled Expired \
         = = !ImpossibleReport = = = !ImpossibleReport",
    ),
    (
        OrderStatus::PartiallyFilled,
        "= Cancelled PartiallyFilled Filled !Overfill !Overfill Cancelled Expired \
         = Filled !ImpossibleReport = = = !ImpossibleReport",
    ),
    (
        OrderStatus::Filled,
        "= !ImpossibleReport !Overfill !Overfill !Overfill !Overfill !ImpossibleReport \
         !ImpossibleReport = = = = = = !ImpossibleReport",
    ),
    (
        OrderStatus::Cancelled,
        "= = !FillAfterEnd !FillAfterEnd !FillAfterEnd !FillAfterEnd = = = = = = = = \
         !ImpossibleReport",
    ),
    (
        OrderStatus::Rejected,
        "!ImpossibleReport = !FillAfterEnd !FillAfterEnd !FillAfterEnd !FillAfterEnd \
         !ImpossibleReport !ImpossibleReport !ImpossibleReport !ImpossibleReport \
         !ImpossibleReport !ImpossibleReport !ImpossibleReport = !ImpossibleReport",
    ),
    (
        OrderStatus::Expired,
        "= !ImpossibleReport !FillAfterEnd !FillAfterEnd !FillAfterEnd !FillAfterEnd = = = = = \
         = = = !ImpossibleReport",
    ),
];

/// The reports of [`ORDER_TABLE`], in the order of its columns.
pub fn table_reports() -> [(&'static str, OrderReport); 15] {
    let units = |count: i64| Qty::from(count);
    let amended = |count| OrderReport::Amended { quantity: units(count), price: None };
    [
        ("accepted", OrderReport::Accepted),
        ("rejected", OrderReport::Rejected(RejectReason::NotTrading)),
        ("fill 1", OrderReport::Fill(execution(9, 1))),
        ("fill 6", OrderReport::Fill(execution(9, 6))),
        ("fill 10", OrderReport::Fill(execution(9, 10))),
        ("fill 11", OrderReport::Fill(execution(9, 11))),
        ("cancelled", OrderReport::Cancelled),
        ("expired", OrderReport::Expired),
        ("amended 20", amended(20)),
        ("amended 4", amended(4)),
        ("amended 0", amended(0)),
        ("resolved 10", OrderReport::Resolved { quantity: units(10) }),
        ("triggered", OrderReport::Triggered),
        ("change refused", OrderReport::ChangeRefused(RejectReason::NotFound)),
        ("liquidated", OrderReport::Liquidated(execution(9, 1))),
    ]
}

/// An execution of whole units at 50 without a fee.
pub(in crate::testkit) fn execution(trade: u128, units: i64) -> FillReport {
    // invariant: fifty is above zero.
    let price = Price::new(Decimal::from(50)).expect("a price above zero");
    FillReport {
        trade: TradeId(trade),
        price,
        quantity: Qty::from(units),
        fee: Money::zero(AssetId(1)),
        liquidity: Liquidity::Taker,
        before_slippage: price,
    }
}
