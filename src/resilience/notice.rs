use serde::{Deserialize, Serialize};

use crate::types::{AlertLevel, Classification, Label, Severity, Timestamp};

/// What people are told, and whether they have seen it.
///
/// What is told again under the same topic before it was acknowledged is one notice with a
/// count. The board is bounded: for a new notice an acknowledged one gives way first, then the
/// mildest and oldest; a notice that is milder than all that are kept is only counted.
///
/// ```
/// use tradewright::resilience::NoticeBoard;
/// use tradewright::types::{AlertLevel, Label, Timestamp};
///
/// let at = Timestamp::from_secs(1_700_000_000)?;
/// let mut board = NoticeBoard::new(100);
/// let id = board.post(at, AlertLevel::Error, Label::new("binance.orders"), "no answer").unwrap();
/// let again = board.post(at, AlertLevel::Critical, Label::new("binance.orders"), "still none");
/// assert_eq!(again, Some(id));
/// assert_eq!(board.open().next().unwrap().count, 2);
/// assert!(board.acknowledge(at, id, Label::new("anna")));
/// assert_eq!(board.open().count(), 0);
/// # Ok::<(), tradewright::types::TimestampError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeBoard {
    most: usize,
    next: u64,
    notices: Vec<Notice>,
    dropped: u64,
}

/// The number of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoticeId(pub u64);

/// Something that people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its number.
    pub id: NoticeId,
    /// How bad it is, the worst so far.
    pub level: AlertLevel,
    /// What it is about.
    pub topic: Label,
    /// The last words, up to 500 characters.
    pub text: String,
    /// When it was first told.
    pub since: Timestamp,
    /// When it was last told.
    pub updated_at: Timestamp,
    /// How often it was told.
    pub count: u64,
    /// Who has seen it, and when.
    pub acknowledged: Option<(Timestamp, Label)>,
}

const LONGEST_TEXT: usize = 500;

impl NoticeBoard {
    /// An empty board of at most `most` notices, from 1 to 10,000.
    pub fn new(most: usize) -> Self {
        Self { most: most.clamp(1, 10_000), next: 1, notices: Vec::new(), dropped: 0 }
    }

    /// The level at which people are told of an error.
    pub const fn level(error: &Classification) -> AlertLevel {
        match (error.severity, error.is_recoverable) {
            (Severity::Critical, _) => AlertLevel::Critical,
            (Severity::High, _) | (_, false) => AlertLevel::Error,
            (Severity::Medium, true) => AlertLevel::Warning,
            (Severity::Low, true) => AlertLevel::Info,
        }
    }

    /// Tells something; none when the board is full of worse.
    pub fn post(
        &mut self,
        at: Timestamp,
        level: AlertLevel,
        topic: Label,
        text: &str,
    ) -> Option<NoticeId> {
        let text: String = text.chars().take(LONGEST_TEXT).collect();
        let is_same = |it: &&mut Notice| it.topic == topic && it.acknowledged.is_none();
        if let Some(known) = self.notices.iter_mut().find(is_same) {
            known.level = known.level.max(level);
            known.text = text;
            known.updated_at = at;
            known.count = known.count.saturating_add(1);
            return Some(known.id);
        }
        if self.notices.len() >= self.most && !self.make_room(level) {
            self.dropped = self.dropped.saturating_add(1);
            return None;
        }
        let id = NoticeId(self.next);
        self.next = self.next.saturating_add(1);
        let (since, updated_at, count, acknowledged) = (at, at, 1, None);
        self.notices.push(Notice {
            id,
            level,
            topic,
            text,
            since,
            updated_at,
            count,
            acknowledged,
        });
        Some(id)
    }

    /// Drops the one that is missed least; false when all are worse than `level`.
    fn make_room(&mut self, level: AlertLevel) -> bool {
        let weight = |it: &Notice| (it.acknowledged.is_none(), it.level, it.id);
        let least = self.notices.iter().enumerate().min_by_key(|(_, it)| weight(it));
        let Some((index, notice)) = least else { return true };
        if notice.acknowledged.is_none() {
            if notice.level > level {
                return false;
            }
            self.dropped = self.dropped.saturating_add(1);
        }
        self.notices.remove(index);
        true
    }

    /// A person has seen it; false when it is not there or was seen before.
    pub fn acknowledge(&mut self, at: Timestamp, id: NoticeId, by: Label) -> bool {
        let open = self.notices.iter_mut().find(|it| it.id == id && it.acknowledged.is_none());
        open.map(|notice| notice.acknowledged = Some((at, by))).is_some()
    }

    /// What nobody has seen yet, the oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Notice> {
        self.notices.iter().filter(|notice| notice.acknowledged.is_none())
    }

    /// All that is kept, the oldest first.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The worst level that nobody has seen yet.
    pub fn worst_open(&self) -> Option<AlertLevel> {
        self.open().map(|notice| notice.level).max()
    }

    /// Unseen notices that found no room or had to give way.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}
