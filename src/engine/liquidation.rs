//! What happens to positions without an order of ours: liquidations and adjustments.

use core::mem;

use rust_decimal::Decimal;

use crate::account::AdjustmentEffects;
use crate::metrics::MetricsSink;
use crate::risk::Fact;
use crate::types::{
    Adjustment, AdjustmentKind, Anomaly, Fill, FillReport, InstrumentId, Leg, Money, OrderUpdate,
    Purpose, Qty, Record, Side, SlotId, Timestamp,
};

use super::desk::{Desk, Notice, alert};
use super::{AlertLevel, Command, EngineError};

impl<M: MetricsSink> Desk<M> {
    /// The venue closed a position by force: every owner whose position is on that side gives
    /// its part, in the order of slots; what nobody holds is the house's.
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
        let mut left = (execution.quantity.value(), execution.fee.amount);
        for slot in 0..self.account.book().slots() {
            let slot = SlotId(u16::try_from(slot).unwrap_or(u16::MAX));
            let held = self.liquidable(slot, update.instrument, (update.leg, update.side));
            let part = held.min(left.0);
            if part > Decimal::ZERO {
                self.liquidate_part(at, (update, execution), (slot, part), &mut left, out)?;
            }
        }
        if left.0 > Decimal::ZERO {
            let rest = (SlotId::HOUSE, left.0);
            self.liquidate_part(at, (update, execution), rest, &mut left, out)?;
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

    fn liquidate_part(
        &mut self,
        at: Timestamp,
        (update, execution): (&OrderUpdate, &FillReport),
        (slot, part): (SlotId, Decimal),
        left: &mut (Decimal, Decimal),
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        let fee = self.fee_part(execution.fee, part, *left);
        let mut fill = self.fill_of(at, update, execution, None);
        fill.slot = slot;
        fill.purpose = Purpose::Liquidation;
        fill.execution.quantity = Qty::new(part);
        fill.execution.fee = Money::new(fee, execution.fee.asset);
        self.book_forced(at, &fill, out)?;
        left.0 = left.0.checked_sub(part).unwrap_or_default();
        left.1 = left.1.checked_sub(fee).unwrap_or_default();
        Ok(())
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

    fn book_forced(
        &mut self,
        at: Timestamp,
        fill: &Fill,
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        let mut closed = mem::take(&mut self.closed);
        closed.clear();
        let booked = self.book(at, fill, &mut closed);
        if let Ok(realised) = booked {
            self.tell_booked(at, (fill, realised), &closed, out);
            if fill.slot != SlotId::HOUSE {
                self.notices.push(Notice::Fill(*fill));
            }
        }
        self.closed = closed;
        booked.map(|_| ())
    }

    /// Books a change of cash or position that is no fill.
    pub(super) fn adjust(
        &mut self,
        at: Timestamp,
        adjustment: &Adjustment,
        out: &mut Vec<Command>,
    ) -> Result<(), EngineError> {
        let mut effects = AdjustmentEffects::default();
        self.account.adjust(at, &self.instruments, adjustment, &mut effects)?;
        self.sink.record(at, &Record::Adjusted { adjustment });
        self.tell_closed(at, &effects.closed, out);
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
}
