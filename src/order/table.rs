use rust_decimal::Decimal;

use super::{Applied, InFlight, OrderError, OrderState, Step};
use crate::types::{
    Amount, Anomaly, FillReport, OrderKind, OrderReport, OrderReport as Report, OrderStatus, Price,
    Qty, Timestamp, small,
};

/// What a report asks of an order in some status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect<'a> {
    /// It is late, repeated, or has nothing to change.
    Nothing,
    /// The order's status changes.
    Become(OrderStatus),
    /// A quantity was executed while the order works.
    Fill(&'a FillReport),
    /// A quantity was executed although nothing was left to execute.
    StrayFill(&'a FillReport, Anomaly),
    /// Quantity and price change.
    Amend(Qty, Option<Price>),
    /// The quantity of a cash order is known now.
    Resolve(Qty),
    /// It contradicts what the venue said before.
    Impossible,
}

/// The whole table: what each report means in each status.
///
/// After the end of an order, a late word about its working life is normal and changes
/// nothing; a word that contradicts the end (a refusal of what was filled, work on what was
/// refused) is impossible, and so is a liquidation, which is of no order. Venues call the end
/// of a rest now cancelled and now expired, so
/// those two never contradict each other.
const fn effect(status: OrderStatus, report: &OrderReport) -> Effect<'_> {
    match status {
        OrderStatus::Pending => match report {
            Report::Accepted | Report::Triggered => Effect::Become(OrderStatus::Open),
            Report::Rejected(_) => Effect::Become(OrderStatus::Rejected),
            Report::Fill(fill) => Effect::Fill(fill),
            Report::Cancelled => Effect::Become(OrderStatus::Cancelled),
            Report::Expired => Effect::Become(OrderStatus::Expired),
            Report::Amended { quantity, price } => Effect::Amend(*quantity, *price),
            Report::Resolved { quantity } => Effect::Resolve(*quantity),
            Report::ChangeRefused(_) => Effect::Nothing,
            Report::Liquidated(_) => Effect::Impossible,
        },
        OrderStatus::Open | OrderStatus::PartiallyFilled => match report {
            Report::Accepted | Report::Triggered | Report::ChangeRefused(_) => Effect::Nothing,
            // A triggered stop that the venue refuses.
            Report::Rejected(_) | Report::Cancelled => Effect::Become(OrderStatus::Cancelled),
            Report::Fill(fill) => Effect::Fill(fill),
            Report::Expired => Effect::Become(OrderStatus::Expired),
            Report::Amended { quantity, price } => Effect::Amend(*quantity, *price),
            Report::Resolved { quantity } => Effect::Resolve(*quantity),
            Report::Liquidated(_) => Effect::Impossible,
        },
        OrderStatus::Filled => match report {
            Report::Fill(fill) => Effect::StrayFill(fill, Anomaly::Overfill),
            Report::Rejected(_) | Report::Cancelled | Report::Expired | Report::Liquidated(_) => {
                Effect::Impossible
            }
            Report::Accepted
            | Report::Amended { .. }
            | Report::Resolved { .. }
            | Report::Triggered
            | Report::ChangeRefused(_) => Effect::Nothing,
        },
        OrderStatus::Cancelled => match report {
            Report::Fill(fill) => Effect::StrayFill(fill, Anomaly::FillAfterEnd),
            Report::Accepted
            | Report::Rejected(_)
            | Report::Cancelled
            | Report::Expired
            | Report::Amended { .. }
            | Report::Resolved { .. }
            | Report::Triggered
            | Report::ChangeRefused(_) => Effect::Nothing,
            Report::Liquidated(_) => Effect::Impossible,
        },
        OrderStatus::Expired => match report {
            Report::Fill(fill) => Effect::StrayFill(fill, Anomaly::FillAfterEnd),
            Report::Rejected(_) | Report::Liquidated(_) => Effect::Impossible,
            Report::Accepted
            | Report::Cancelled
            | Report::Expired
            | Report::Amended { .. }
            | Report::Resolved { .. }
            | Report::Triggered
            | Report::ChangeRefused(_) => Effect::Nothing,
        },
        OrderStatus::Rejected => match report {
            Report::Fill(fill) => Effect::StrayFill(fill, Anomaly::FillAfterEnd),
            Report::Rejected(_) | Report::ChangeRefused(_) => Effect::Nothing,
            Report::Accepted
            | Report::Cancelled
            | Report::Expired
            | Report::Amended { .. }
            | Report::Resolved { .. }
            | Report::Triggered
            | Report::Liquidated(_) => Effect::Impossible,
        },
    }
}

/// Applies a report to an order; on an error the order is as it was.
pub(super) fn advance(
    state: &mut OrderState,
    at: Timestamp,
    report: &OrderReport,
) -> Result<Applied, OrderError> {
    let mut applied = Applied::default();
    let answered = answered(state.in_flight, report);
    match effect(state.status, report) {
        Effect::Nothing => {
            if state.in_flight == answered {
                return Ok(applied);
            }
        }
        Effect::Impossible => return Ok(impossible()),
        Effect::Become(next) => step_to(state, next, &mut applied),
        Effect::Fill(fill) => {
            count(state, fill)?;
            accept(state, &mut applied);
            settle(state, &mut applied);
        }
        Effect::StrayFill(fill, anomaly) => {
            count(state, fill)?;
            applied.anomaly = Some(anomaly);
        }
        Effect::Amend(quantity, price) => {
            if !is_amended(state, quantity, price, &mut applied) {
                return Ok(impossible());
            }
        }
        Effect::Resolve(quantity) => {
            if !may_resolve(state, quantity) {
                return Ok(impossible());
            }
            let is_news = state.quantity != Some(quantity) || answered != state.in_flight;
            state.quantity = Some(quantity);
            accept(state, &mut applied);
            meet(state, &mut applied);
            if !is_news && applied == Applied::default() {
                return Ok(applied);
            }
        }
    }
    state.in_flight = if state.status.is_terminal() { InFlight::None } else { answered };
    state.changed_at = state.changed_at.max(at);
    Ok(applied)
}

/// Changes quantity and price; false, and nothing changed, when the quantity cannot be.
#[inline(never)]
fn is_amended(
    state: &mut OrderState,
    quantity: Qty,
    price: Option<Price>,
    applied: &mut Applied,
) -> bool {
    if quantity.value() <= Decimal::ZERO || quantity.value() < state.filled {
        return false;
    }
    state.quantity = Some(quantity);
    if let Some(price) = price {
        reprice(&mut state.order.intent.kind, price);
    }
    accept(state, applied);
    meet(state, applied);
    true
}

/// What is still in flight once the venue has said this.
///
/// Every report but one is evidence that a submission arrived. A refused change is none: a
/// venue that does not know the order refuses to cancel it too.
const fn answered(in_flight: InFlight, report: &OrderReport) -> InFlight {
    match (in_flight, report) {
        (InFlight::None, _) => InFlight::None,
        (InFlight::Unknown, OrderReport::ChangeRefused(_)) => InFlight::Unknown,
        (InFlight::Unknown, _) => InFlight::None,
        (InFlight::Cancel | InFlight::Amend, OrderReport::ChangeRefused(_))
        | (InFlight::Amend, OrderReport::Amended { .. }) => InFlight::None,
        (InFlight::Cancel, _) => InFlight::Cancel,
        (InFlight::Amend, _) => InFlight::Amend,
    }
}

/// Adds a fill to the order's sums.
fn count(state: &mut OrderState, fill: &FillReport) -> Result<(), OrderError> {
    let id = state.order.id;
    let quantity = fill.quantity.value();
    if !small::is_above_zero(quantity) {
        return Err(OrderError::BadQuantity { id, quantity });
    }
    let overflow = OrderError::Overflow { id };
    let value = small::product(quantity, fill.price.value()).ok_or(overflow)?;
    if state.filled.is_zero() && state.notional.is_zero() {
        (state.filled, state.notional) = (quantity, value);
        return Ok(());
    }
    let sums = || Some((state.filled.checked_add(quantity)?, state.notional.checked_add(value)?));
    (state.filled, state.notional) = sums().ok_or(overflow)?;
    Ok(())
}

/// The status after a fill was counted: filled exactly, filled in part, or too much.
fn settle(state: &mut OrderState, applied: &mut Applied) {
    match state.quantity {
        // Equal numbers are known without the order of decimals.
        Some(quantity)
            if small::is_same(state.filled, quantity.value())
                || state.filled == quantity.value() =>
        {
            step_to(state, OrderStatus::Filled, applied);
        }
        Some(quantity) if state.filled > quantity.value() => {
            applied.anomaly = Some(Anomaly::Overfill);
        }
        Some(_) | None => step_to(state, OrderStatus::PartiallyFilled, applied),
    }
}

/// The status after the quantity was changed to what is filled already, or above it.
#[inline(never)]
fn meet(state: &mut OrderState, applied: &mut Applied) {
    let is_whole = state.quantity.is_some_and(|quantity| quantity.value() == state.filled);
    if is_whole {
        step_to(state, OrderStatus::Filled, applied);
    } else if state.status == OrderStatus::Open && state.filled > Decimal::ZERO {
        // The fill that looked too large came before the amendment that made room for it.
        step_to(state, OrderStatus::PartiallyFilled, applied);
    }
}

/// Makes up the acknowledgement that a report implies.
fn accept(state: &mut OrderState, applied: &mut Applied) {
    if state.status == OrderStatus::Pending {
        applied.implied = Some(Step { from: state.status, to: OrderStatus::Open });
        state.status = OrderStatus::Open;
    }
}

/// Takes one step; where the table has none from PENDING, it leads through OPEN.
fn step_to(state: &mut OrderState, next: OrderStatus, applied: &mut Applied) {
    if !state.status.may_become(next) {
        accept(state, applied);
    }
    applied.step = Some(Step { from: state.status, to: next });
    state.status = next;
}

/// A cash order is resolved once, to no less than what is filled; repetitions must agree.
#[inline(never)]
fn may_resolve(state: &OrderState, quantity: Qty) -> bool {
    let is_open = match (state.order.intent.amount, state.quantity) {
        (Amount::Cash(_), None) => true,
        (Amount::Cash(_) | Amount::Quantity(_), known) => known == Some(quantity),
    };
    is_open && quantity.value() > Decimal::ZERO && quantity.value() >= state.filled
}

/// Puts the new price: the limit, or the trigger where there is no limit.
fn reprice(kind: &mut OrderKind, new: Price) {
    match kind {
        OrderKind::Limit { price } | OrderKind::StopLimit { price, .. } => *price = new,
        OrderKind::StopMarket { trigger } | OrderKind::TakeProfit { trigger } => *trigger = new,
        OrderKind::Market | OrderKind::TrailingStop { .. } => {}
    }
}

const fn impossible() -> Applied {
    Applied { implied: None, step: None, anomaly: Some(Anomaly::ImpossibleReport) }
}
