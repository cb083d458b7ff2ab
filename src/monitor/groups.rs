use serde::{Deserialize, Serialize};

use crate::account::{RunningTrades, TradeResult, TradeStatistics, signal_effectiveness};
use crate::math::CompensatedSum;

/// The figures of one strategy, symbol or tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupPerformance<K> {
    /// Which.
    pub key: K,
    /// Its closed trades: since the start, but for the medians, which are those of the kept
    /// trades.
    pub trades: TradeStatistics,
    /// Its signals.
    pub signals: u64,
    /// Winning trades over signals.
    pub signal_effectiveness: Option<f64>,
    /// Value that it traded.
    pub traded: f64,
}

/// Sums by key, of as many keys as there is room for, in the order of the keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Groups<K, V> {
    rows: Vec<(K, V)>,
    most: usize,
}

/// Sums of one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct GroupSums {
    pub(super) trades: RunningTrades,
    pub(super) signals: u64,
    pub(super) traded: CompensatedSum,
}

impl<K: Copy + Ord, V: Default> Groups<K, V> {
    pub(super) const fn new(most: usize) -> Self {
        Self { rows: Vec::new(), most }
    }

    /// The group's sums; `None` for a new group where there is no room.
    #[inline]
    pub(super) fn of(&mut self, key: K) -> Option<&mut V> {
        let place = match self.rows.binary_search_by_key(&key, |(known, _)| *known) {
            Ok(place) => place,
            Err(_) if self.rows.len() >= self.most => return None,
            Err(place) => {
                self.rows.insert(place, (key, V::default()));
                place
            }
        };
        self.rows.get_mut(place).map(|(_, sums)| sums)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.rows.iter()
    }

    /// Why it cannot have come from events; each group's own sums are asked too.
    pub(super) fn fault(
        &self,
        most: usize,
        of: impl Fn(&V) -> Option<&'static str>,
    ) -> Option<&'static str> {
        if self.most != most || self.rows.len() > most {
            return Some("more groups than there is room for");
        }
        let pairs = self.rows.iter().zip(self.rows.iter().skip(1));
        if pairs.into_iter().any(|((one, _), (next, _))| one >= next) {
            return Some("groups are not in order");
        }
        self.rows.iter().find_map(|(_, sums)| of(sums))
    }
}

impl<K: Copy + Ord> Groups<K, GroupSums> {
    /// The figures; `recent` gives the kept trades of a group.
    pub(super) fn view(&self, recent: impl Fn(K) -> Vec<TradeResult>) -> Vec<GroupPerformance<K>> {
        let view = |(key, sums): &(K, GroupSums)| GroupPerformance {
            key: *key,
            trades: sums.trades.statistics(&recent(*key)),
            signals: sums.signals,
            signal_effectiveness: signal_effectiveness(sums.trades.wins(), sums.signals),
            traded: sums.traded.total(),
        };
        self.rows.iter().map(view).collect()
    }
}

impl GroupSums {
    pub(super) fn fault(&self) -> Option<&'static str> {
        let is_wrong = self.signals > crate::account::MOST_COUNT;
        self.trades.fault().or(is_wrong.then_some("a group has more signals than can be"))
    }
}
