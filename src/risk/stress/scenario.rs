use serde::{Deserialize, Serialize};

use super::StressError;
use crate::types::{AssetId, Facts, InstrumentId, InstrumentKind, Instruments, Label};

/// A named jump of prices and volatilities. Everything moves at once and no time passes.
///
/// Shocks are fractions: -0.3 is a fall of 30 %. Of several shocks for one symbol the last counts.
/// A symbol without its own shock moves as the [`OtherPrices`] say (not at all unless set). An
/// asset (currency, coin) moves with the symbol whose price is its rate to the reporting currency,
/// unless it has its own shock: a fall of BTC-USD also hits the coins that margin an inverse
/// contract.
///
/// An option moves with its underlying: the first marked symbol of the same base and quote, spot
/// before perpetuals before futures. See [`Repricing`](super::Repricing) for what happens without.
///
/// ```
/// use tradewright::risk::StressScenario;
/// use tradewright::types::{
///     Decimal, FactBookBuilder, Facts, Instrument, Instruments, Price, SlotId, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let spy = table.add(Instrument::stock("SPY", "USD"))?;
/// let usd = table.find_asset("USD").unwrap();
/// let book = FactBookBuilder::new(&table, usd)
///     .cash(usd, Decimal::from(6_000))
///     .mark(spy, Timestamp::EPOCH, 400.0)
///     .position(SlotId(1), spy, Decimal::from(10), Price::new(Decimal::from(390)).unwrap())
///     .build();
/// let facts = Facts::new(Timestamp::EPOCH, SlotId::HOUSE, &table, &book);
/// let crash = StressScenario::builder("crash").price(spy, -0.25).build()?;
/// let result = crash.apply(&facts)?;
/// assert_eq!((result.equity, result.drawdown), (9_000.0, 0.1));
/// assert_eq!(result.leverage, Some(3_000.0 / 9_000.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StressScenarioBuilder", into = "StressScenarioBuilder")]
pub struct StressScenario {
    terms: StressScenarioBuilder,
}

/// How symbols without a shock of their own move.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherPrices {
    /// Not at all.
    #[default]
    Unmoved,
    /// All by the same fraction.
    Same(f64),
    /// Each by its beta times the move of the market; see
    /// [`PortfolioRisk::beta`](crate::risk::PortfolioRisk::beta) for one way to find betas.
    ByBeta {
        /// The move of the market, a fraction.
        market: f64,
        /// Symbols and their betas; a position in any other is an error.
        betas: Vec<(InstrumentId, f64)>,
    },
}

/// A [`StressScenario`] in the making, and its written form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[must_use = "the scenario exists once it was built"]
#[serde(default)]
pub struct StressScenarioBuilder {
    name: Label,
    prices: Vec<(InstrumentId, f64)>,
    others: OtherPrices,
    volatilities: Vec<(InstrumentId, f64)>,
    other_volatility: f64,
    assets: Vec<(AssetId, f64)>,
}

impl StressScenario {
    /// Starts a scenario in which nothing moves.
    pub fn builder(name: &str) -> StressScenarioBuilder {
        StressScenarioBuilder { name: Label::new(name), ..StressScenarioBuilder::default() }
    }

    /// Its name.
    pub const fn name(&self) -> Label {
        self.terms.name
    }

    /// The move of a symbol's price, a fraction; `None` where it goes by beta and has none.
    pub fn price_shock(&self, instrument: InstrumentId) -> Option<f64> {
        if let Some(shock) = last(&self.terms.prices, instrument) {
            return Some(shock);
        }
        match &self.terms.others {
            OtherPrices::Unmoved => Some(0.0),
            OtherPrices::Same(shock) => Some(*shock),
            OtherPrices::ByBeta { market, betas } => {
                last(betas, instrument).map(|beta| beta * market)
            }
        }
    }

    /// The move of an option's implied volatility, a fraction: 0.5 turns 20 % a
    /// year into 30 %. Looked up by the option, then by its underlying.
    pub fn volatility_shock(&self, option: InstrumentId, underlying: InstrumentId) -> f64 {
        let own = last(&self.terms.volatilities, option);
        let own = own.or_else(|| last(&self.terms.volatilities, underlying));
        own.unwrap_or(self.terms.other_volatility)
    }

    /// The move of an asset's rate to the reporting currency, a fraction.
    pub(super) fn asset_shock(
        &self,
        asset: AssetId,
        facts: &Facts<'_>,
    ) -> Result<f64, StressError> {
        let reporting = facts.book.reporting();
        if asset == reporting {
            return Ok(0.0);
        }
        if let Some(own) = last(&self.terms.assets, asset) {
            return Ok(own);
        }
        let Some((instrument, quotes)) = rate_source(asset, reporting, facts.instruments) else {
            return Ok(0.0);
        };
        let shock = self.price_shock(instrument).ok_or(StressError::NoBeta { instrument })?;
        Ok(match quotes {
            Quotes::Asset => shock,
            Quotes::Reporting => 1.0 / (1.0 + shock) - 1.0,
        })
    }
}

/// Which of two currencies an instrument's price is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// The asset's price in the reporting currency.
    Asset,
    /// The reporting currency's price in the asset.
    Reporting,
}

/// The instrument whose price is an asset's rate: spot if there is one, else the first of another
/// kind, as in the account.
pub(super) fn rate_source(
    asset: AssetId,
    reporting: AssetId,
    instruments: &Instruments,
) -> Option<(InstrumentId, Quotes)> {
    let sources = || {
        instruments.iter().filter(|entry| !is_option(entry.kind)).filter_map(move |entry| {
            let quotes = match (entry.base, entry.quote) {
                pair if pair == (asset, reporting) => Quotes::Asset,
                pair if pair == (reporting, asset) => Quotes::Reporting,
                _ => return None,
            };
            Some((entry, quotes))
        })
    };
    let spot = sources().find(|(entry, _)| entry.kind == InstrumentKind::Spot);
    spot.or_else(|| sources().next()).map(|(entry, quotes)| (entry.id, quotes))
}

pub(super) const fn is_option(kind: InstrumentKind) -> bool {
    matches!(kind, InstrumentKind::Option { .. })
}

impl StressScenarioBuilder {
    /// A symbol's price moves by a fraction of -1 or above.
    pub fn price(self, instrument: InstrumentId, shock: f64) -> Self {
        self.prices([instrument], shock)
    }

    /// The prices of a group of symbols move by a fraction.
    pub fn prices(mut self, group: impl IntoIterator<Item = InstrumentId>, shock: f64) -> Self {
        self.prices.extend(group.into_iter().map(|instrument| (instrument, shock)));
        self
    }

    /// How all symbols without a shock of their own move.
    pub fn others(mut self, others: OtherPrices) -> Self {
        self.others = others;
        self
    }

    /// The implied volatility of an option, or of all options on an underlying, moves by a
    /// fraction of -1 or above.
    pub fn volatility(mut self, instrument: InstrumentId, shock: f64) -> Self {
        self.volatilities.push((instrument, shock));
        self
    }

    /// All other implied volatilities move by a fraction.
    pub const fn other_volatilities(mut self, shock: f64) -> Self {
        self.other_volatility = shock;
        self
    }

    /// An asset's rate to the reporting currency moves by a fraction.
    pub fn asset(mut self, asset: AssetId, shock: f64) -> Self {
        self.assets.push((asset, shock));
        self
    }

    /// The scenario.
    ///
    /// # Errors
    /// [`StressError::ShockOutOfRange`] for a shock below -1 or one that is not finite,
    /// [`StressError::BetaNotFinite`] for such a beta.
    pub fn build(self) -> Result<StressScenario, StressError> {
        let (market, betas): (f64, &[(InstrumentId, f64)]) = match &self.others {
            OtherPrices::Unmoved => (0.0, &[]),
            OtherPrices::Same(shock) => (*shock, &[]),
            OtherPrices::ByBeta { market, betas } => (*market, betas),
        };
        let shocks = self.prices.iter().chain(&self.volatilities).map(|(_, shock)| *shock);
        let assets = self.assets.iter().map(|(_, shock)| *shock);
        for value in shocks.chain(assets).chain([market, self.other_volatility]) {
            if !(value >= -1.0 && value.is_finite()) {
                return Err(StressError::ShockOutOfRange { value });
            }
        }
        match betas.iter().find(|(_, beta)| !beta.is_finite()) {
            Some((_, value)) => Err(StressError::BetaNotFinite { value: *value }),
            None => Ok(StressScenario { terms: self }),
        }
    }
}

impl TryFrom<StressScenarioBuilder> for StressScenario {
    type Error = StressError;

    fn try_from(terms: StressScenarioBuilder) -> Result<Self, StressError> {
        terms.build()
    }
}

impl From<StressScenario> for StressScenarioBuilder {
    fn from(scenario: StressScenario) -> Self {
        scenario.terms
    }
}

fn last<K: PartialEq>(list: &[(K, f64)], key: K) -> Option<f64> {
    list.iter().rev().find(|(own, _)| *own == key).map(|(_, value)| *value)
}
