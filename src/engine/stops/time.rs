//! What time alone brings: positions end when their time is over, and a refused stop or exit is
//! tried again after its pause, whether the market moves or not.

use core::mem;

use super::{Desk, Seat, Stops};
use crate::engine::Command;
use crate::metrics::MetricsSink;
use crate::risk::{StopAction, StopExit, StopTracker};
use crate::types::{InstrumentId, Timestamp};

impl Stops {
    /// When the next position has been open for as long as its plan lets it, or the next pause
    /// is over: later than `at`.
    pub(in crate::engine) fn next_end_after(&self, at: Timestamp) -> Option<Timestamp> {
        let ends = self.seats.iter().flatten().flat_map(|seat| [seat.end(), seat.pause_end()]);
        ends.flatten().filter(|end| *end > at).min()
    }
}

impl Seat {
    fn end(&self) -> Option<Timestamp> {
        self.tracker.as_ref().and_then(StopTracker::deadline)
    }

    fn pause_end(&self) -> Option<Timestamp> {
        (self.refusals > 0).then_some(self.pause_until)
    }
}

impl<M: MetricsSink> Desk<M> {
    /// A timer has run out: positions whose time is over are closed at the market, and what was
    /// refused is asked for again.
    pub(in crate::engine) fn end_overdue(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        for id in (0..self.stops.seats.len()).map_while(|index| u32::try_from(index).ok()) {
            let id = InstrumentId(id);
            let Some(mut seats) = self.stops.seats.get_mut(id.index()).map(mem::take) else {
                return;
            };
            for seat in &mut seats {
                let is_past = |end: Option<Timestamp>| end.is_some_and(|end| end <= at);
                let is_over = is_past(seat.end());
                if is_over || is_past(seat.pause_end()) {
                    let exit = is_over.then_some(StopAction::Exit(StopExit::Time));
                    self.carry_out_stop(at, id, seat, exit, out);
                }
            }
            self.seat_again(id, seats);
        }
    }
}
