//! A bot ends in good order.

use core::fmt;
use core::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::backtest::RunHash;
use crate::metrics::MetricsSink;
use crate::strategy::Strategy;
use crate::types::{AlertLevel, InstrumentId, Label, OrderId, Timestamp, exact};

use super::bot::Phase;
use super::{Bot, BotAction, BotStatus, Explained, NoticeKind};
use crate::live::Request;

/// How a bot is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopPolicy {
    /// What becomes of its working orders.
    pub orders: StopOrders,
    /// It has stopped after so long, whatever is still open then.
    pub within: Duration,
}

impl Default for StopPolicy {
    /// Entries are cancelled and what protects positions stays; 15 s, which is longer than a
    /// request takes until its outcome counts as unknown.
    fn default() -> Self {
        Self { orders: StopOrders::CancelEntries, within: Duration::from_secs(15) }
    }
}

/// What becomes of working orders when a bot is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopOrders {
    /// All of them work on.
    Keep,
    /// What opens or enlarges a position is taken back; stops and targets work on.
    #[default]
    CancelEntries,
    /// All of them are taken back, those that protect positions too.
    CancelAll,
}

/// A bot that is about to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopping {
    orders: StopOrders,
    until: Timestamp,
}

impl Stopping {
    fn takes(self, opens: bool) -> bool {
        match self.orders {
            StopOrders::Keep => false,
            StopOrders::CancelEntries => opens,
            StopOrders::CancelAll => true,
        }
    }
}

/// How a bot has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExitReport {
    /// Its name.
    pub bot: Label,
    /// Its run's number.
    pub epoch: u32,
    /// When.
    pub at: Timestamp,
    /// Its last status.
    pub status: BotStatus,
    /// Inputs of this run.
    pub inputs: u64,
    /// The hash of this run's commands and records.
    pub hash: RunHash,
    /// Orders that work on.
    pub working: Vec<OrderId>,
    /// Orders of which nobody knows what became of them; the next start asks for them.
    pub unresolved: Vec<OrderId>,
    /// What is held at the venue, without what is flat.
    pub positions: Vec<ExitPosition>,
    /// The latest differences between books and venue, and what became of them.
    pub explained: Vec<Explained>,
    /// True when books and venue agreed at the last picture.
    pub is_reconciled: bool,
}

/// A position that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitPosition {
    /// In what.
    pub instrument: InstrumentId,
    /// How much; negative when short.
    #[serde(with = "exact")]
    pub quantity: Decimal,
}

impl fmt::Display for ExitReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bot, epoch, status, inputs, hash, .. } = self;
        write!(formatter, "{bot} run {epoch} {status}: {inputs} inputs, hash {hash}")?;
        let (working, unresolved) = (self.working.len(), self.unresolved.len());
        let (positions, explained) = (self.positions.len(), self.explained.len());
        write!(formatter, ", {working} orders work on, {unresolved} are unresolved")?;
        write!(formatter, ", {positions} positions, {explained} differences explained")
    }
}

impl<S: Strategy, M: MetricsSink> Bot<S, M> {
    /// Stops: nothing is opened any more, orders are taken back as the policy says, and the bot
    /// has stopped once the venue has answered everything, or the time is over. Positions stay;
    /// to close them, halt with the level Flattening first.
    pub fn stop(&mut self, at: Timestamp, policy: StopPolicy, out: &mut Vec<BotAction>) {
        let has_traded = match self.phase {
            Phase::Stopped | Phase::Failed | Phase::Stopping(_) => return,
            Phase::Starting => false,
            Phase::Running => true,
        };
        let until = if has_traded { at.after(policy.within) } else { at };
        let stopping = Stopping { orders: policy.orders, until };
        self.phase = Phase::Stopping(stopping);
        if has_traded {
            for (order, sent) in self.sent.iter().filter(|(_, sent)| stopping.takes(sent.opens)) {
                let (order, instrument) = (*order, sent.instrument);
                self.changes.insert(order, at);
                out.push(BotAction::Request(Request::Cancel { order, instrument }));
            }
        }
        self.settle(at, out);
    }

    /// Ends the stopping when nothing is waited for.
    pub(super) fn watch_stop(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        let Phase::Stopping(stopping) = self.phase else { return };
        let is_waited_for = self.sent.values().any(|sent| stopping.takes(sent.opens));
        let is_open = is_waited_for || !self.talk.is_empty() || !self.answers.is_empty();
        if is_open && at < stopping.until {
            return;
        }
        self.phase = Phase::Stopped;
        let report = self.report_exit(at);
        let level = if is_open { AlertLevel::Error } else { AlertLevel::Info };
        self.tell(at, NoticeKind::Stopped, level, &report, out);
    }

    pub(super) const fn stop_deadline(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Stopping(stopping) => Some(stopping.until),
            Phase::Starting | Phase::Running | Phase::Stopped | Phase::Failed => None,
        }
    }

    /// How it has ended, or where it stands.
    pub fn report_exit(&self, at: Timestamp) -> ExitReport {
        let is_unresolved = |id: &OrderId| self.talk.order(*id).is_some();
        let (unresolved, working) = self.sent.keys().copied().partition(is_unresolved);
        let book = self.engine.account().book();
        let positions = self.engine.instruments().iter().map(|instrument| {
            let quantity = book.net(instrument.id).quantity;
            ExitPosition { instrument: instrument.id, quantity }
        });
        ExitReport {
            bot: self.name,
            epoch: self.epoch,
            at,
            status: self.status(),
            inputs: self.inputs,
            hash: self.hash(),
            working,
            unresolved,
            positions: positions.filter(|position| !position.quantity.is_zero()).collect(),
            explained: self.explained.iter().copied().collect(),
            is_reconciled: self.is_reconciled(),
        }
    }
}
