use std::collections::BTreeSet;

use crate::metrics::RunStart;
use crate::types::{AssetId, Facts, InstrumentId, InstrumentKind, Money, Timestamp, to_f64};

/// What assets are worth in the reporting currency, as of the last look at the facts.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    reporting: AssetId,
    settlements: Vec<AssetId>,
    /// Instruments that settle in another currency, whose marks have its rate.
    sources: Vec<(AssetId, InstrumentId)>,
    /// Instruments whose price is the rate of what they are, in what they settle in.
    prices: Vec<(AssetId, InstrumentId)>,
    /// Last marks by instrument.
    marks: Vec<f64>,
    /// Rates of settlement currencies.
    assets: Vec<f64>,
}

/// How often, in the engine's time, rates are read from the marks, in nanoseconds.
const SAMPLE: i64 = 1_000_000_000;

impl Rates {
    pub(super) fn of(run: &RunStart<'_>) -> Self {
        let settlements: Vec<AssetId> =
            run.instruments.iter().map(|found| found.settlement).collect();
        let is_settlement: BTreeSet<AssetId> = settlements.iter().copied().collect();
        let (mut sources, mut prices) = (Vec::new(), Vec::new());
        for found in run.instruments.iter() {
            if found.settlement != run.reporting {
                sources.push((found.settlement, found.id));
            }
            if found.kind == InstrumentKind::Spot && !is_settlement.contains(&found.base) {
                prices.push((found.base, found.id));
            }
        }
        let marks = vec![f64::NAN; settlements.len()];
        let assets = vec![f64::NAN; run.instruments.assets().len()];
        Self { reporting: run.reporting, settlements, sources, prices, marks, assets }
    }

    /// An instrument has a new mark.
    #[inline]
    pub(super) fn mark(&mut self, instrument: InstrumentId, price: f64) {
        if let Some(mark) = self.marks.get_mut(instrument.index()) {
            *mark = price;
        }
    }

    /// Looks at the rates of settlement currencies. Gives the time of the next look: never where
    /// all is in the reporting
    /// currency.
    pub(super) fn refresh(&mut self, facts: &Facts<'_>) -> Timestamp {
        if self.sources.is_empty() {
            return Timestamp::from_nanos(i64::MAX);
        }
        for (asset, instrument) in &self.sources {
            if let Some(mark) = facts.book.mark(*instrument)
                && let Some(rate) = self.assets.get_mut(asset.index())
            {
                *rate = mark.rate;
            }
        }
        Timestamp::from_nanos(facts.at.nanos().saturating_add(SAMPLE))
    }

    /// Reporting currency per unit; NaN while it is not known.
    #[inline]
    fn rate(&self, asset: AssetId) -> f64 {
        if asset == self.reporting { 1.0 } else { self.other_rate(asset) }
    }

    fn other_rate(&self, asset: AssetId) -> f64 {
        let settled = |asset: AssetId| match asset == self.reporting {
            true => 1.0,
            false => self.assets.get(asset.index()).copied().unwrap_or(f64::NAN),
        };
        let priced = |instrument: InstrumentId| {
            let settlement = self.settlements.get(instrument.index())?;
            Some(self.marks.get(instrument.index())? * settled(*settlement))
        };
        let own = self.prices.iter().rev().filter(|(own, _)| *own == asset);
        let price =
            own.filter_map(|(_, instrument)| priced(*instrument)).find(|rate| !rate.is_nan());
        price.unwrap_or_else(|| settled(asset))
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
