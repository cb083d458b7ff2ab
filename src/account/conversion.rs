use core::time::Duration;

use serde::Serialize;

use super::Account;
use super::rates::RateSource;
use crate::types::{AssetId, Facts, Instruments, Timestamp, to_f64};

/// How much of one asset another is worth, and since when that is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ConversionRate {
    /// Units of the target per unit of the source, finite and above zero.
    pub value: f64,
    /// When the price was seen; of several prices the oldest.
    pub at: Timestamp,
}

/// Where conversion rates come from: the account's marks, or a host's own table.
pub trait PriceSource {
    /// The rate from one asset into another; `None` when it is not known or too old.
    fn rate(&self, from: AssetId, to: AssetId) -> Option<ConversionRate>;
}

/// Rates by the marks of the account's instruments: directly, by the reciprocal, or through
/// one asset in between (the first in the table that has both).
#[derive(Clone, Copy, Debug)]
pub struct MarkPrices<'a> {
    facts: Facts<'a>,
    max_age: Option<Duration>,
}

impl<'a> MarkPrices<'a> {
    /// Rates as of the facts, however old their marks are.
    pub const fn new(facts: Facts<'a>) -> Self {
        Self { facts, max_age: None }
    }

    /// Leaves marks out that are older than this.
    #[must_use]
    pub const fn no_older_than(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    fn direct(&self, from: AssetId, to: AssetId) -> Option<ConversionRate> {
        let source = RateSource::of(self.facts.instruments, from, to);
        if source == RateSource::One {
            return Some(ConversionRate { value: 1.0, at: self.facts.at });
        }
        let mark = self.facts.book.mark(source.instrument()?)?;
        let is_old = self.max_age.is_some_and(|most| self.facts.at.since(mark.at) > most);
        let value = source.rate(Some(mark.price));
        let is_sound = value > 0.0 && value.is_finite() && !is_old;
        is_sound.then_some(ConversionRate { value, at: mark.at })
    }
}

impl PriceSource for MarkPrices<'_> {
    fn rate(&self, from: AssetId, to: AssetId) -> Option<ConversionRate> {
        if let Some(rate) = self.direct(from, to) {
            return Some(rate);
        }
        let assets = 0..self.facts.instruments.assets().len();
        let between = assets.map_while(|asset| u16::try_from(asset).ok()).map(AssetId);
        between.filter(|asset| ![from, to].contains(asset)).find_map(|asset| {
            let (first, second) = (self.direct(from, asset)?, self.direct(asset, to)?);
            let value = first.value * second.value;
            let at = first.at.min(second.at);
            (value > 0.0 && value.is_finite()).then_some(ConversionRate { value, at })
        })
    }
}

/// An account's books in one currency: a view for people, no entry of any ledger.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AccountView {
    /// The currency of all numbers.
    pub currency: AssetId,
    /// Cash and positions at mark.
    pub equity: f64,
    /// Cash of all assets.
    pub cash: f64,
    /// Capital that came in, minus what went out, at the rates of now.
    pub deposits: f64,
    /// Realised profit and income, fees not included.
    pub realised: f64,
    /// Profit of open positions at mark.
    pub unrealised: f64,
    /// Fees paid.
    pub fees: f64,
    /// Funding received minus paid.
    pub funding: f64,
    /// When the oldest rate that was used was seen.
    pub rates_at: Timestamp,
}

impl Account {
    /// The whole account in one currency, at the rates of a price source. Fails closed: `None`
    /// as long as a rate or mark is missing that something but zero has to be multiplied with.
    pub fn view(
        &self,
        instruments: &Instruments,
        currency: AssetId,
        prices: &dyn PriceSource,
    ) -> Option<AccountView> {
        let mut view = AccountView {
            currency,
            equity: 0.0,
            cash: 0.0,
            deposits: 0.0,
            realised: 0.0,
            unrealised: 0.0,
            fees: 0.0,
            funding: 0.0,
            rates_at: Timestamp::MAX,
        };
        let assets = 0..instruments.assets().len();
        for asset in assets.map_while(|asset| u16::try_from(asset).ok()).map(AssetId) {
            let sums = self.sums(asset);
            let amounts =
                [sums.cash, sums.deposits, sums.realised, sums.fees, sums.funding].map(to_f64);
            if amounts.iter().all(|amount| *amount == 0.0) {
                continue;
            }
            let rate = prices.rate(asset, currency)?;
            view.rates_at = view.rates_at.min(rate.at);
            let [cash, deposits, realised, fees, funding] = amounts.map(|x| x * rate.value);
            view.cash += cash;
            view.deposits += deposits;
            view.realised += realised;
            view.fees += fees;
            view.funding += funding;
        }
        view.equity = view.cash;
        for (instrument, position) in instruments.iter().zip(self.book().nets()) {
            if position.is_flat() && position.cost.is_zero() {
                continue;
            }
            let mark = self.book().mark(instrument.id)?;
            let rate = prices.rate(instrument.settlement, currency)?;
            view.rates_at = view.rates_at.min(rate.at).min(mark.at);
            let value = instrument.value_f64(position.size, mark.price) * rate.value;
            let profit = value - to_f64(position.cost) * rate.value;
            view.unrealised += profit;
            view.equity += if instrument.kind.is_paid_in_full() { value } else { profit };
        }
        view.equity.is_finite().then_some(view)
    }
}
