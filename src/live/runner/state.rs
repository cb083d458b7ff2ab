//! What a bot is: its status, and when it wants to be asked.

use core::mem;

use crate::engine::{Control, Input};
use crate::metrics::MetricsSink;
use crate::strategy::Strategy;
use crate::types::{AlertLevel, HaltLevel, InstrumentId, SlotStatus, Timestamp};

use super::bot::{ANSWER_PAUSE, Away, Journal, Phase, STARTING};
use super::{Bot, BotAction, BotStatus, NoticeKind};

impl<S: Strategy, M: MetricsSink> Bot<S, M> {
    /// What it does now.
    pub fn status(&self) -> BotStatus {
        match self.phase {
            Phase::Failed => return BotStatus::Error,
            Phase::Stopped => return BotStatus::Stopped,
            Phase::Stopping(_) => return BotStatus::Stopping,
            Phase::Starting | Phase::Running => {}
        }
        let of = |status| {
            let mut slots = self.slots().peekable();
            slots.peek().is_some()
                && slots.all(|slot| self.engine.slot(slot).is_some_and(|(_, own)| own == status))
        };
        if of(SlotStatus::Failed) {
            return BotStatus::Error;
        }
        match self.halted() {
            Some(status) => status,
            None if self.phase == Phase::Starting => BotStatus::Starting,
            None if of(SlotStatus::Paused) => BotStatus::Paused,
            None => BotStatus::Running,
        }
    }

    /// The status of a halt that covers every strategy in every instrument.
    fn halted(&self) -> Option<BotStatus> {
        let halts = self.engine.halts();
        if halts.is_clear() {
            return None;
        }
        let mut severest = None;
        for slot in self.slots() {
            for instrument in self.engine.instruments().iter() {
                let halt = halts.severest(slot, instrument.id)?;
                if halt.level < HaltLevel::ReduceOnly || halt.cause == STARTING {
                    return None;
                }
                severest.get_or_insert(*halt);
            }
        }
        severest.map(|halt| BotStatus::halted(halt.cause))
    }

    /// When [`Bot::on_time`] has something to do.
    pub fn deadline(&self) -> Option<Timestamp> {
        if self.is_over() {
            return None;
        }
        let after = self.config.disconnect_after;
        let mut next = [
            self.engine.deadline(),
            self.talk.deadline(),
            self.reconciler.deadline(&self.config.reconcile),
            self.change_deadline(),
            (!self.answers.is_empty()).then(|| self.last.after(ANSWER_PAUSE)),
            self.news.due(after),
            self.stop_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(Timestamp::MAX);
        for market in &self.markets {
            next = market.due(after).map_or(next, |due| due.min(next));
        }
        let next = next.min(self.heartbeat_at);
        (next < Timestamp::MAX).then_some(next)
    }

    /// Does what is due: timers of the engine, questions to the venue, words to a person.
    pub fn on_time(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        if self.is_over() {
            return;
        }
        if self.engine.deadline().is_some_and(|due| due <= at) {
            // Time alone is refused when it goes back, and it never does.
            let _ = self.feed(at, Input::Time, out);
        }
        self.talk.on_time(at, &mut self.todo);
        self.run_talk(at, out);
        if self.heartbeat_at <= at {
            self.beat(at, out);
        }
        self.watch_pictures(at, out);
        self.tell_away(at, out);
        self.settle(at, out);
    }

    /// The host is alive, and connected: while it is not, nobody says so.
    pub(super) fn beat(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        let Some(every) = self.config.heartbeat else { return };
        self.heartbeat_at = at.after(every);
        if self.is_reconciled() {
            let _ = self.feed(at, Input::Control(Control::Heartbeat), out);
        }
    }

    fn tell_away(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        let after = self.config.disconnect_after;
        let is_due = |away: Away| away.due(after).is_some_and(|due| due <= at);
        let told = |away: Away| match away {
            Away::Since(since, _) => Away::Since(since, true),
            Away::No => Away::No,
        };
        let (kind, level) = (NoticeKind::Disconnected, AlertLevel::Error);
        if is_due(self.news) {
            self.news = told(self.news);
            self.tell(at, kind, level, &"the news of the account are away", out);
        }
        for index in 0..self.markets.len() {
            let Some(market) = self.markets.get_mut(index) else { return };
            if is_due(*market) {
                *market = told(*market);
                let text = format!("the data of instrument {index} are away");
                self.tell(at, kind, level, &text, out);
            }
        }
    }

    /// True when the feed of an instrument is there.
    pub(super) fn has_market(&self, instrument: InstrumentId) -> bool {
        self.markets.get(instrument.index()).is_some_and(|market| market.is_there())
    }

    /// What was told and decided since the last call.
    pub(crate) fn take_journal(&mut self) -> Journal {
        mem::take(&mut self.journal)
    }

    /// Nothing is kept for [`Bot::record`] any more.
    pub(super) fn end_recording(&mut self) {
        self.config.is_recorded = false;
        self.journal = Journal::default();
    }
}
