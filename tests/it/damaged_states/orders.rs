//! The book of orders and parent orders at work.

use core::time::Duration;

use tradewright::order::{Execution, InFlight, OrderBook, OrderLifecycle, Progress};
use tradewright::types::{
    Decimal, ExecutionPlan, FillReport, Liquidity, Money, Order, OrderId, OrderReport, Qty, Side,
    State, StateError, TradeId,
};

use super::{Subject, hold, subject};
use crate::risk::{SHARE, SLOT, World, dec, market, price, secs};

/// Opens an order with each step; every second one is filled in part, every third one cancelled.
fn tell_book(book: &mut OrderBook, step: usize) {
    let at = secs(step as i64);
    let id = |step: usize| OrderId::new(1, SLOT, step as u64);
    let intent = market(SHARE, [Side::Buy, Side::Sell][step % 2], "4");
    let _ = book.open(at, &Order { id: id(step), created_at: at, intent });
    let fill = FillReport {
        trade: TradeId(step as u128),
        price: price("100"),
        quantity: Qty::from(1),
        fee: Money::zero(World::new().usd),
        liquidity: Liquidity::Taker,
        before_slippage: price("100"),
    };
    let _ = match step % 3 {
        0 => book.apply(at, id(step), &OrderReport::Accepted),
        1 => book.apply(at, id(step), &OrderReport::Fill(fill)),
        _ => book.apply(at, id(step - 1), &OrderReport::Cancelled),
    };
    let _ = book.request(at, id(step), InFlight::Cancel);
    let _ = book.reserved(SLOT, SHARE);
    let _ = book.find(id(step / 2));
}

/// A parent order; an engine takes its state only where it [is sound](Execution::is_sound).
struct Parent(Execution);

impl State for Parent {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.0.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut restored = self.0.clone();
        restored.restore(state)?;
        if !restored.is_sound() {
            return Err(StateError::Unreadable("unsound".to_owned()));
        }
        self.0 = restored;
        Ok(())
    }
}

fn parent(name: &'static str, plan: ExecutionPlan, points: &[usize]) -> Subject {
    let make = move || {
        let world = World::new();
        Parent(Execution::new(secs(0), plan.clone(), dec("10"), &world.table[SHARE]).unwrap())
    };
    let tell = |parent: &mut Parent, step: usize| {
        let at = secs(30 * step as i64);
        let progress = Progress { filled: Decimal::from(step.min(3)), working: Decimal::ONE };
        parent.0.on_volume(20.0);
        let _ = parent.0.next(at, progress, Decimal::ONE);
        if step % 3 == 1 {
            parent.0.refused(at);
        }
        let _ = (parent.0.deadline(at), parent.0.due(at));
    };
    subject(name, make, tell, points)
}

#[test]
fn books_of_orders() {
    let subjects = [subject("order book", || OrderBook::with_memory(2), tell_book, &[0, 9])];
    hold("orders", include_str!("orders.txt"), &subjects);
}

#[test]
fn parent_orders() {
    let span = Duration::from_secs(300);
    let twap = ExecutionPlan::twap(span, 3).unwrap();
    let subjects = [
        parent("twap", twap.clone().jittered(7, 0.5).unwrap(), &[0, 3]),
        parent("vwap", ExecutionPlan::vwap(span, [1.0, 0.0, 2.0]).unwrap(), &[2]),
        parent("participation", ExecutionPlan::participation(span, 0.25).unwrap(), &[2, 12]),
        parent("iceberg", ExecutionPlan::iceberg(Qty::from(2), price("99")).unwrap(), &[1]),
    ];
    hold("parents", include_str!("parents.txt"), &subjects);
}
