use super::{AlertBoard, AlertChange};
use crate::metrics::{MetricsExporter, MetricsSink};
use crate::types::{AlertLevel, Facts, Record, Timestamp};

/// An [`AlertBoard`] that tells the metrics how many alerts are active and how many were raised, by
/// level: `trading_alerts_active` and `trading_alerts_total`.
///
/// ```
/// use tradewright::alert::{AlertBoard, MeteredBoard};
/// use tradewright::metrics::{MetricsExporter, MetricsSink, Registry};
/// use tradewright::types::{Record, SlotId, Timestamp};
///
/// let registry = Registry::new();
/// let exporter = MetricsExporter::new(registry.clone());
/// let mut board = MeteredBoard::new(AlertBoard::new(), exporter);
/// board.record(Timestamp::EPOCH, &Record::Failed { slot: SlotId(1), error: "no model" });
/// let active = || registry.snapshot().value("trading_alerts_active", &[("level", "error")]);
/// assert_eq!(active(), Some(1.0));
///
/// let alert = board.board().active()[0];
/// board.change(|board| board.clear(Timestamp::EPOCH, alert.code, alert.scope));
/// assert_eq!(active(), Some(0.0));
/// assert_eq!(registry.snapshot().total("trading_alerts_total"), 1.0);
/// ```
#[derive(Clone, Debug)]
pub struct MeteredBoard {
    board: AlertBoard,
    exporter: MetricsExporter,
    /// Raised alerts that the metrics know of.
    told: u64,
}

const LEVELS: [AlertLevel; 4] =
    [AlertLevel::Info, AlertLevel::Warning, AlertLevel::Error, AlertLevel::Critical];

impl MeteredBoard {
    /// A board that tells of itself through this exporter. What it had raised before is not
    /// counted again; what is active is shown at once.
    pub fn new(board: AlertBoard, exporter: MetricsExporter) -> Self {
        let told = board.raised();
        let mut metered = Self { board, exporter, told };
        metered.tell();
        metered
    }

    /// The board, to look at.
    pub const fn board(&self) -> &AlertBoard {
        &self.board
    }

    /// Lets the host change the board: take requests, acknowledge, raise alerts of its own.
    pub fn change<T>(&mut self, change: impl FnOnce(&mut AlertBoard) -> T) -> T {
        let answer = change(&mut self.board);
        self.tell();
        answer
    }

    fn tell(&mut self) {
        let fresh = self.board.raised().saturating_sub(self.told);
        self.told = self.board.raised();
        for level in LEVELS {
            let active = self.board.active().iter().filter(|alert| alert.level == level);
            let raised = self.board.history().rev();
            let raised = raised.filter(|event| event.change == AlertChange::Raised);
            let raised = raised.take(usize::try_from(fresh).unwrap_or(usize::MAX));
            let raised = raised.filter(|event| event.alert.level == level);
            self.exporter.alerts(level, count(active), count(raised));
        }
    }

    /// Tells of what has happened at this time, if anything has.
    fn tell_of(&mut self, at: Timestamp) {
        if self.board.history().next_back().is_some_and(|event| event.at == at) {
            self.tell();
        }
    }
}

fn count(found: impl Iterator) -> u32 {
    u32::try_from(found.count()).unwrap_or(u32::MAX)
}

impl MetricsSink for MeteredBoard {
    fn record(&mut self, at: Timestamp, record: &Record<'_>) {
        self.board.record(at, record);
        self.tell_of(at);
    }

    fn on_mark(&mut self, facts: &Facts<'_>) {
        self.board.on_mark(facts);
        self.tell_of(facts.at);
    }
}
