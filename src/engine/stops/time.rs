//! Time stops: positions end when their time is over, whether the market moves or not.

use core::mem;

use super::{Desk, Seat, Stops};
use crate::engine::Command;
use crate::metrics::MetricsSink;
use crate::risk::{StopAction, StopExit, StopTracker};
use crate::types::{InstrumentId, Timestamp};

impl Stops {
    /// When the next position has been open for as long as its plan lets it, later than `at`.
    pub(in crate::engine) fn next_end_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.seats.iter().flatten().filter_map(Seat::end).filter(|end| *end > at).min()
    }
}

impl Seat {
    fn end(&self) -> Option<Timestamp> {
        self.tracker.as_ref().and_then(StopTracker::deadline)
    }
}

impl<M: MetricsSink> Desk<M> {
    /// A timer has run out: positions whose time is over are closed at the market.
    pub(in crate::engine) fn end_overdue(&mut self, at: Timestamp, out: &mut Vec<Command>) {
        for id in (0..self.stops.seats.len()).map_while(|index| u32::try_from(index).ok()) {
            let id = InstrumentId(id);
            let Some(mut seats) = self.stops.seats.get_mut(id.index()).map(mem::take) else {
                return;
            };
            for seat in seats.iter_mut().filter(|seat| seat.end().is_some_and(|end| end <= at)) {
                let exit = Some(StopAction::Exit(StopExit::Time));
                self.carry_out_stop(at, id, seat, exit, out);
            }
            self.seat_again(id, seats);
        }
    }
}
