use crate::types::Timestamp;
use crate::venue::MarketSighting;

/// Closed bars of one stream, each once and in order: while those that were missed are being
/// fetched, later ones wait.
#[derive(Debug, Default)]
pub(in crate::live) struct ClosedBars {
    /// The close of the last one that was told, or was there before anything was.
    pub(super) last: Option<Timestamp>,
    /// The number of the last fetch.
    fetches: u32,
    pub(super) is_fetching: bool,
    /// Bars of the stream behind those that are fetched.
    held: Vec<MarketSighting>,
}

/// Which bars are to be fetched: those that open at this time or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::live) struct Fetch {
    /// Tells its answer from that of an earlier one.
    pub(in crate::live) number: u32,
    pub(in crate::live) from: Timestamp,
}

impl ClosedBars {
    /// The stream begins, or begins again: what has to be fetched, where a bar was told before.
    pub(in crate::live) fn start(&mut self) -> Option<Fetch> {
        self.held.clear();
        let from = self.last?;
        self.fetches = self.fetches.wrapping_add(1);
        self.is_fetching = true;
        Some(Fetch { number: self.fetches, from })
    }

    /// The stream is lost: what was held will be fetched.
    pub(in crate::live) fn stop(&mut self) {
        self.is_fetching = false;
        self.held.clear();
    }

    /// A closed bar of the stream; it comes back where it is to be told now.
    pub(in crate::live) fn take(
        &mut self,
        wall: Timestamp,
        bar: MarketSighting,
    ) -> Option<MarketSighting> {
        if self.is_fetching {
            self.held.push(bar);
            return None;
        }
        let close = bar.at.unwrap_or(wall);
        let is_new = self.last.is_none_or(|last| close > last);
        is_new.then(|| {
            self.last = Some(close);
            bar
        })
    }

    /// True for the answer to the fetch that is under way.
    pub(in crate::live) const fn awaits(&self, fetch: Fetch) -> bool {
        self.is_fetching && self.fetches == fetch.number
    }

    /// Bars that were fetched, in order, with none missing between them and the last that was
    /// told; the answer is what is to be told. The fetch goes on, where more is to come, from
    /// where it is said.
    pub(in crate::live) fn fetched(
        &mut self,
        wall: Timestamp,
        bars: Vec<MarketSighting>,
        more: Option<Timestamp>,
    ) -> (Vec<MarketSighting>, Option<Fetch>) {
        self.is_fetching = false;
        let held = if more.is_none() { core::mem::take(&mut self.held) } else { Vec::new() };
        let told = bars.into_iter().chain(held).filter_map(|bar| self.take(wall, bar)).collect();
        self.is_fetching = more.is_some();
        (told, more.map(|from| Fetch { number: self.fetches, from }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Bar, InstrumentId, MarketEvent, Period};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_secs(minute * 60).unwrap()
    }

    fn bar(minute: i64) -> MarketSighting {
        let bar = Bar::new(InstrumentId(0), Period::MINUTE, [1.0; 4], 1.0).unwrap();
        MarketSighting { event: MarketEvent::Bar(bar), at: Some(at(minute)), number: None }
    }

    fn minutes(bars: &[MarketSighting]) -> Vec<i64> {
        bars.iter().map(|bar| bar.at.unwrap().millis() / 60_000).collect()
    }

    #[test]
    fn later_bars_wait_for_the_missing_ones_and_each_is_told_once() {
        let mut bars = ClosedBars::default();
        assert_eq!(bars.start(), None, "nothing can be missing yet");
        assert!(bars.take(at(9), bar(1)).is_some() && bars.take(at(9), bar(1)).is_none());
        let old = bars.start().unwrap();
        bars.stop();
        let fetch = bars.start().unwrap();
        assert_eq!(fetch.from, at(1));
        assert!(bars.awaits(fetch) && !bars.awaits(old), "of another connection");
        assert!(bars.take(at(9), bar(4)).is_none(), "it waits");
        let (told, next) = bars.fetched(at(9), vec![bar(1), bar(2)], Some(at(2)));
        assert_eq!((minutes(&told), next.map(|next| next.from)), (vec![2], Some(at(2))));
        assert!(bars.take(at(9), bar(5)).is_none(), "it waits, too");
        let (told, next) = bars.fetched(at(9), vec![bar(3), bar(4)], None);
        assert_eq!((minutes(&told), next), (vec![3, 4, 5], None));
        assert!(bars.take(at(9), bar(6)).is_some());
    }
}
