//! What happens to positions without an order of ours: liquidations and adjustments.

use rust_decimal::Decimal;

use crate::account::AdjustmentEffects;
use crate::metrics::MetricsSink;
use crate::risk::Fact;
use crate::types::{
    Adjustment, AdjustmentKind, Anomaly, Fill, FillReport, InstrumentId, Leg, Money, OrderUpdate,
    Purpose, Qty, Record, Side, SlotId, Timestamp, Trade,
};

use super::desk::{Desk, Notice, alert};
use super::{AlertLevel, Command, EngineError};

impl<M: MetricsSink> Desk<M> {
    /// The venue closed a position by force: every owner whose position is on that side gives
    /// its part, in the order of slots; what nobody holds is the house's.
    #[cold]
    pub(super) fn liquidated(
        &mut self,
        at: Timestamp,
        update: &OrderUpdate,
        execution: &FillReport,
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        if self.account.is_repeated(update.instrument, execution.trade) {
            self.anomaly(at, Anomaly::RepeatedFill, update);
            return Ok(());
        }
        let before = self.due_before(at);
        let booked = self.book_together(at, self.parts_of(at, update, execution))?;
        self.tell_due(at, before, out);
        for (fill, realised, closed) in booked {
            self.tell_booked(at, (&fill, &realised), &closed, out);
            if fill.slot != SlotId::HOUSE {
                self.notices.push(Notice::Fill(fill));
            }
            self.closed.extend(closed);
        }
        let symbol = self.instruments.get(update.instrument).map(|found| found.symbol);
        let subject = symbol.unwrap_or_default();
        out.push(alert(AlertLevel::Critical, "liquidation", subject.as_str()));
        Ok(())
    }

    /// What of a slot's position an execution of this side closes.
    fn liquidable(&self, slot: SlotId, id: InstrumentId, (leg, side): (Leg, Side)) -> Decimal {
        let held = match leg {
            Leg::Net => self.account.book().position(slot, id).quantity,
            Leg::Long | Leg::Short => self.account.pnl().holding(slot, id, leg).quantity,
        };
        if Side::of(held) == Some(side.opposite()) { held.abs() } else { Decimal::ZERO }
    }

    /// The parts of a forced execution, as fills of their owners.
    fn parts_of(&self, at: Timestamp, update: &OrderUpdate, execution: &FillReport) -> Vec<Fill> {
        let mut left = (execution.quantity.value(), execution.fee.amount);
        let mut parts = Vec::new();
        let mut take = |slot: SlotId, part: Decimal, left: &mut (Decimal, Decimal)| {
            let fee = self.fee_part(execution.fee, part, *left);
            let mut fill = self.fill_of(at, update, execution, None);
            fill.slot = slot;
            fill.purpose = Purpose::Liquidation;
            fill.execution.quantity = Qty::new(part);
            fill.execution.fee = Money::new(fee, execution.fee.asset);
            parts.push(fill);
            left.0 = left.0.checked_sub(part).unwrap_or_default();
            left.1 = left.1.checked_sub(fee).unwrap_or_default();
        };
        for slot in (0..self.account.book().slots()).filter_map(|slot| u16::try_from(slot).ok()) {
            let slot = SlotId(slot);
            let held = self.liquidable(slot, update.instrument, (update.leg, update.side));
            let part = held.min(left.0);
            if part > Decimal::ZERO {
                take(slot, part, &mut left);
            }
        }
        if left.0 > Decimal::ZERO {
            let rest = left.0;
            take(SlotId::HOUSE, rest, &mut left);
        }
        parts
    }

    /// Books fills that belong together: when one cannot be booked, none is, and the account is
    /// as it was.
    fn book_together(
        &mut self,
        at: Timestamp,
        fills: Vec<Fill>,
    ) -> Result<Vec<Booked>, EngineError> {
        // One booking changes nothing by itself when it fails.
        let before = if fills.len() > 1 { Some(self.account.checkpoint()?) } else { None };
        let mut booked = Vec::with_capacity(fills.len());
        for fill in fills {
            let mut closed = Vec::new();
            match self.book(at, &fill, &mut closed) {
                Ok(realised) => booked.push((fill, realised, closed)),
                Err(error) => {
                    if let Some(before) = before {
                        self.account.roll_back(before)?;
                    }
                    return Err(error.into());
                }
            }
        }
        Ok(booked)
    }

    /// A part's share of the fee; the last part takes the rest.
    fn fee_part(&self, fee: Money, part: Decimal, left: (Decimal, Decimal)) -> Decimal {
        let (units, amount) = left;
        if part == units {
            return amount;
        }
        let digits = self.instruments.asset_of(fee.asset).map_or(0, |asset| asset.ledger_digits);
        let share = amount.checked_mul(part).and_then(|product| product.checked_div(units));
        share.map_or(Decimal::ZERO, |share| share.round_dp(digits))
    }

    /// Books a change of cash or position that is no fill.
    pub(super) fn adjust(
        &mut self,
        at: Timestamp,
        adjustment: &Adjustment,
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        let mut effects = AdjustmentEffects::default();
        let before = self.underlying_of(adjustment);
        let due = self.due_before(at);
        self.account.adjust(at, &self.instruments, adjustment, &mut effects)?;
        self.tell_due(at, due, out);
        self.sink.record(at, &Record::Adjusted { adjustment });
        if let (Some((slot, instrument, before)), Some((.., after))) =
            (before, self.underlying_of(adjustment))
        {
            // Both fit, and so does what lies between them.
            let change = Qty::new(after.saturating_sub(before));
            self.sink.record(at, &Record::Delivered { slot, instrument, change });
        }
        self.tell_closed(at, &effects.closed, out);
        // Whoever looks at them after this adjustment finds what it closed, and nothing older.
        self.closed.clear();
        self.closed.extend_from_slice(&effects.closed);
        if let AdjustmentKind::Dividend { instrument, .. }
        | AdjustmentKind::BorrowFee { instrument, .. } = adjustment.kind
        {
            let cause = adjustment.cause;
            for (slot, payment) in effects.paid {
                self.sink.record(at, &Record::Paid { instrument, slot, payment, cause });
            }
        }
        if let AdjustmentKind::Capital(money) = &adjustment.kind
            && money.asset == self.account.book().reporting()
        {
            self.observe(at, &Fact::Capital(money.amount), out);
        }
        self.observe(at, &Fact::Mark, out);
        Ok(())
    }

    /// What an exercise delivers into, and how much of it is held.
    fn underlying_of(&self, adjustment: &Adjustment) -> Option<(SlotId, InstrumentId, Decimal)> {
        let AdjustmentKind::Exercise { slot, underlying, .. } = adjustment.kind else {
            return None;
        };
        Some((slot, underlying, self.account.book().position(slot, underlying).quantity))
    }
}

/// A booked fill, what it realised and what it closed.
type Booked = (Fill, Money, Vec<Trade>);
