use std::collections::BTreeSet;

use crate::metrics::RunStart;
use crate::types::{AssetId, Facts, InstrumentId, InstrumentKind, Money, Timestamp, to_f64};

/// What assets are worth in the reporting currency, as of the last look at the facts.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    reporting: AssetId,
    settlements: Vec<AssetId>,
    sources: Vec<Source>,
    assets: Vec<f64>,
}

/// An instrument whose mark tells what an asset is worth.
#[derive(Clone, Copy, Debug)]
struct Source {
    instrument: InstrumentId,
    asset: AssetId,
    /// Its price is the rate of what it is; else it has the rate of what it settles in.
    is_price: bool,
}

/// How often, in the engine's time, rates are read from the marks, in nanoseconds.
const SAMPLE: i64 = 1_000_000_000;

impl Rates {
    pub(super) fn of(run: &RunStart<'_>) -> Self {
        let settlements: Vec<AssetId> =
            run.instruments.iter().map(|found| found.settlement).collect();
        let is_settlement: BTreeSet<AssetId> = settlements.iter().copied().collect();
        let mut sources = Vec::new();
        for found in run.instruments.iter() {
            let (instrument, settlement) = (found.id, found.settlement);
            if settlement != run.reporting {
                sources.push(Source { instrument, asset: settlement, is_price: false });
            }
            if found.kind == InstrumentKind::Spot && !is_settlement.contains(&found.base) {
                sources.push(Source { instrument, asset: found.base, is_price: true });
            }
        }
        let assets = vec![f64::NAN; run.instruments.assets().len()];
        Self { reporting: run.reporting, settlements, sources, assets }
    }

    /// Looks at the marks. Gives the time of the next look: never where all is in the reporting
    /// currency.
    pub(super) fn refresh(&mut self, facts: &Facts<'_>) -> Timestamp {
        if self.sources.is_empty() {
            return Timestamp::from_nanos(i64::MAX);
        }
        for source in &self.sources {
            if let Some(mark) = facts.book.mark(source.instrument)
                && let Some(rate) = self.assets.get_mut(source.asset.index())
            {
                *rate = if source.is_price { mark.price * mark.rate } else { mark.rate };
            }
        }
        Timestamp::from_nanos(facts.at.nanos().saturating_add(SAMPLE))
    }

    /// Reporting currency per unit; NaN while it is not known.
    #[inline]
    fn rate(&self, asset: AssetId) -> f64 {
        if asset == self.reporting {
            return 1.0;
        }
        self.assets.get(asset.index()).copied().unwrap_or(f64::NAN)
    }

    /// An amount in the reporting currency; NaN while the rate is not known.
    #[inline]
    pub(super) fn value(&self, money: Money) -> f64 {
        to_f64(money.amount) * self.rate(money.asset)
    }

    /// An amount of an instrument's settlement currency in the reporting currency.
    #[inline]
    pub(super) fn settled(&self, instrument: InstrumentId, amount: f64) -> f64 {
        let asset = self.settlements.get(instrument.index()).copied();
        amount * asset.map_or(f64::NAN, |asset| self.rate(asset))
    }
}
