use std::collections::BTreeSet;

use crate::metrics::RunStart;
use crate::types::{AssetId, Facts, InstrumentId, InstrumentKind, Money, to_f64};

/// What assets are worth in the reporting currency, as of the last look at the facts.
#[derive(Clone, Debug, Default)]
pub(super) struct Rates {
    reporting: AssetId,
    settlements: Vec<AssetId>,
    /// By instrument: its price is the rate of what it is.
    is_rate: Vec<bool>,
    assets: Vec<f64>,
}

impl Rates {
    pub(super) fn of(run: &RunStart<'_>) -> Self {
        let settlements: Vec<AssetId> =
            run.instruments.iter().map(|found| found.settlement).collect();
        let is_settlement: BTreeSet<AssetId> = settlements.iter().copied().collect();
        let is_rate = run.instruments.iter().map(|found| {
            found.kind == InstrumentKind::Spot && !is_settlement.contains(&found.base)
        });
        let is_rate = is_rate.collect();
        Self { reporting: run.reporting, settlements, is_rate, assets: Vec::new() }
    }

    /// Looks at the marks: the rate of what an instrument settles in, else the price of what it
    /// is.
    pub(super) fn refresh(&mut self, facts: &Facts<'_>) {
        for (instrument, is_rate) in facts.instruments.iter().zip(&self.is_rate) {
            let Some(mark) = facts.book.mark(instrument.id) else { continue };
            if instrument.settlement != self.reporting {
                set(&mut self.assets, instrument.settlement, mark.rate);
            }
            if *is_rate {
                set(&mut self.assets, instrument.base, mark.price * mark.rate);
            }
        }
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

fn set(assets: &mut Vec<f64>, asset: AssetId, rate: f64) {
    if asset.index() >= assets.len() {
        assets.resize(asset.index() + 1, f64::NAN);
    }
    if let Some(place) = assets.get_mut(asset.index()) {
        *place = rate;
    }
}
