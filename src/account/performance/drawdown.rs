use serde::{Deserialize, Serialize};

use super::{EquitySeries, MOST_COUNT, finite};
use crate::types::Timestamp;

/// One stretch below an earlier peak.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawdown {
    /// Positive fraction of the peak that was lost at the trough.
    pub depth: f64,
    /// When equity last stood at the peak.
    pub peak_at: Timestamp,
    /// When it stood lowest.
    pub trough_at: Timestamp,
    /// When the peak was reached again; `None` where it was not.
    pub recovered_at: Option<Timestamp>,
    /// The last point of the stretch: the recovery, or the end of the series.
    pub end_at: Timestamp,
}

impl Drawdown {
    /// Seconds from the peak to the recovery, or to the end of the series.
    pub fn duration_secs(&self) -> f64 {
        self.end_at.since(self.peak_at).as_secs_f64()
    }

    /// Seconds from the trough to the recovery; `None` where there was none.
    pub fn recovery_secs(&self) -> Option<f64> {
        Some(self.recovered_at?.since(self.trough_at).as_secs_f64())
    }
}

/// The deepest drawdown and the longest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DrawdownStatistics {
    /// Depth of the deepest, a positive fraction; 0 for a curve that never falls, `None` for
    /// an empty one.
    pub depth: Option<f64>,
    /// The deepest (the first of equals).
    pub deepest: Option<Drawdown>,
    /// Seconds from peak to recovery (or end) of the deepest.
    pub duration_secs: Option<f64>,
    /// Seconds from trough to recovery of the deepest; `None` while it lasts.
    pub recovery_secs: Option<f64>,
    /// Seconds of the longest drawdown.
    pub longest_secs: Option<f64>,
    /// Mean depth below the peak over all points.
    pub average_depth: Option<f64>,
    /// Root of the mean squared depth over all points (ulcer index, Martin, 1987).
    pub ulcer: Option<f64>,
}

impl DrawdownStatistics {
    /// Computes the statistics; the initial money counts as a peak.
    pub fn new(series: &EquitySeries<'_>) -> Self {
        if series.points.iter().any(|(_, value)| !value.is_finite()) {
            return Self::default();
        }
        let mut running = RunningDrawdown::new(series.start, series.initial);
        for (at, equity) in series.points {
            running.push(*at, *equity);
        }
        running.statistics()
    }
}

/// All drawdowns in order of time. Points that are not finite are passed over.
pub fn drawdowns(series: &EquitySeries<'_>) -> Vec<Drawdown> {
    let mut running = RunningDrawdown::new(series.start, series.initial);
    let points = series.points.iter().filter(|(_, equity)| equity.is_finite());
    let mut found: Vec<Drawdown> =
        points.filter_map(|(at, equity)| running.push(*at, *equity)).collect();
    found.extend(running.current());
    found
}

/// Drawdowns while the points come in: a fixed size, a few operations per point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunningDrawdown {
    peak: f64,
    peak_at: Timestamp,
    current: Option<Drawdown>,
    deepest: Option<Drawdown>,
    longest_secs: Option<f64>,
    count: u64,
    below: f64,
    squares: f64,
}

impl RunningDrawdown {
    /// The initial money counts as a peak.
    pub(crate) const fn new(start: Timestamp, initial: f64) -> Self {
        Self {
            peak: initial,
            peak_at: start,
            current: None,
            deepest: None,
            longest_secs: None,
            count: 0,
            below: 0.0,
            squares: 0.0,
        }
    }

    /// Takes a finite point; the drawdown that it ends, if it ends one.
    #[inline]
    pub(crate) fn push(&mut self, at: Timestamp, equity: f64) -> Option<Drawdown> {
        self.count += 1;
        if equity >= self.peak {
            (self.peak, self.peak_at) = (equity, at);
            let over = self.current.take()?;
            let over = Drawdown { recovered_at: Some(at), end_at: at, ..over };
            self.keep(over);
            return Some(over);
        }
        // Of nothing there is no fraction to lose.
        if !(self.peak > 0.0) {
            return None;
        }
        let depth = (1.0 - equity / self.peak).min(f64::MAX);
        self.below += depth;
        self.squares += depth * depth;
        let peak_at = self.peak_at;
        let fresh = Drawdown { depth, peak_at, trough_at: at, recovered_at: None, end_at: at };
        let running = self.current.get_or_insert(fresh);
        running.end_at = at;
        if depth > running.depth {
            (running.depth, running.trough_at) = (depth, at);
        }
        None
    }

    #[cold]
    fn keep(&mut self, over: Drawdown) {
        self.deepest = deeper(self.deepest, over);
        self.longest_secs = longer(self.longest_secs, over);
    }

    /// The drawdown that lasts; `None` at a peak.
    pub(crate) const fn current(&self) -> Option<Drawdown> {
        self.current
    }

    /// The statistics so far; the drawdown that lasts counts.
    pub(crate) fn statistics(&self) -> DrawdownStatistics {
        if self.count == 0 {
            return DrawdownStatistics::default();
        }
        let (mut deepest, mut longest_secs) = (self.deepest, self.longest_secs);
        if let Some(current) = self.current {
            deepest = deeper(deepest, current);
            longest_secs = longer(longest_secs, current);
        }
        let count = self.count as f64;
        DrawdownStatistics {
            depth: Some(deepest.map_or(0.0, |found| found.depth)),
            deepest,
            duration_secs: deepest.map(|found| found.duration_secs()),
            recovery_secs: deepest.and_then(|found| found.recovery_secs()),
            longest_secs,
            average_depth: finite(self.below / count),
            ulcer: finite((self.squares / count).sqrt()),
        }
    }

    /// Why it cannot have come from points.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let deepest = self.deepest.map_or(0.0, |found| found.depth);
        if !(self.peak.is_finite() && self.below >= 0.0 && self.squares >= 0.0) {
            return Some("a drawdown is not a number");
        }
        if self.count > MOST_COUNT {
            return Some("more points of equity than can be");
        }
        if self.deepest.is_some() != self.longest_secs.is_some() || !(deepest >= 0.0) {
            return Some("the deepest and the longest drawdown do not belong together");
        }
        let is_wrong = |it: Drawdown| !(it.depth > 0.0) || it.peak_at != self.peak_at;
        self.current.is_some_and(is_wrong).then_some("a drawdown hangs below another peak")
    }
}

/// The deeper of the two, the first of equals.
fn deeper(best: Option<Drawdown>, next: Drawdown) -> Option<Drawdown> {
    best.filter(|best| best.depth >= next.depth).or(Some(next))
}

fn longer(longest_secs: Option<f64>, next: Drawdown) -> Option<f64> {
    let secs = next.duration_secs();
    Some(longest_secs.map_or(secs, |longest| longest.max(secs)))
}

/// Equity over its running peak, less one, at each point: 0 at a peak, negative below it. The
/// initial money counts as a peak.
pub fn underwater(series: &EquitySeries<'_>) -> Vec<f64> {
    let mut peak = series.initial;
    let depth = |&(_, equity): &(Timestamp, f64)| {
        peak = peak.max(equity);
        if peak > 0.0 { equity / peak - 1.0 } else { 0.0 }
    };
    series.points.iter().map(depth).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_secs(86_400 * number).unwrap()
    }

    fn of(equity: &[f64]) -> (Vec<Drawdown>, DrawdownStatistics) {
        let points: Vec<_> = (1..).map(day).zip(equity.iter().copied()).collect();
        let series = EquitySeries { start: day(0), initial: 100.0, points: &points };
        (drawdowns(&series), DrawdownStatistics::new(&series))
    }

    #[test]
    fn the_initial_money_is_a_peak() {
        let (all, statistics) = of(&[80.0, 90.0]);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].peak_at, all[0].trough_at), (day(0), day(1)));
        assert!((statistics.depth.unwrap() - 0.2).abs() < 1e-15);
        assert_eq!(statistics.recovery_secs, None);
        assert_eq!(statistics.duration_secs, Some(2.0 * 86_400.0));
    }

    #[test]
    fn each_stretch_is_one_drawdown() {
        let (all, statistics) = of(&[110.0, 99.0, 110.0, 120.0, 60.0, 90.0, 130.0, 129.0]);
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].recovered_at, Some(day(3)));
        let deepest = statistics.deepest.unwrap();
        assert_eq!(deepest.depth, 0.5);
        assert_eq!((deepest.peak_at, deepest.trough_at), (day(4), day(5)));
        assert_eq!(deepest.recovered_at, Some(day(7)));
        assert_eq!(statistics.recovery_secs, Some(2.0 * 86_400.0));
        assert_eq!(statistics.longest_secs, Some(3.0 * 86_400.0));
    }

    #[test]
    fn rising_and_empty_curves() {
        let (all, statistics) = of(&[100.0, 101.0, 102.0]);
        assert!(all.is_empty());
        assert_eq!((statistics.depth, statistics.deepest), (Some(0.0), None));
        assert_eq!(of(&[]).1, DrawdownStatistics::default());
        assert_eq!(of(&[90.0, f64::NAN]).1, DrawdownStatistics::default());
    }
}
