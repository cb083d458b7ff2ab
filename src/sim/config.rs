use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{DayEnd, FeeSchedule, Latency, Slippage};
use crate::account::{MarginError, MarginTerms};
use crate::types::{Classification, Classify};
use crate::types::{Label, exact};

/// How the simulated venue behaves.
///
/// ```
/// use tradewright::sim::{FeeSchedule, SimConfig, Slippage};
/// use tradewright::types::Decimal;
///
/// let config = SimConfig::default()
///     .with_seed(7)
///     .with_fees(FeeSchedule::flat(Decimal::new(2, 4), Decimal::new(5, 4)))
///     .with_slippage(Slippage::BasisPoints(1.0));
/// assert_eq!(config.seed, 7);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SimConfig {
    /// Starts the generator of random latencies; equal seeds give equal runs.
    pub seed: u64,
    /// What trading costs; nothing by default, so that no venue's prices are assumed.
    pub fees: FeeSchedule,
    /// How much worse than the market takers are filled; not at all by default.
    pub slippage: Slippage,
    /// How long requests travel; no time by default.
    pub latency: Latency,
    /// When a resting limit order is filled.
    pub limit_fill: LimitFill,
    /// What happens first inside a bar.
    pub path: PathModel,
    /// The part of a bar's (or print's) volume that orders may take together, above 0 and at
    /// most 1; `None` for no cap, the default.
    pub volume_share: Option<f64>,
    /// Where market orders fill on bars.
    pub market_fill: MarketFill,
    /// How much a quote without levels behind it can fill.
    pub quote_depth: QuoteDepth,
    /// When day orders end.
    pub day_end: DayEnd,
    /// The cash that the account starts with. An asset that is not listed is on unlimited
    /// credit: orders are refused for want of listed assets only.
    pub balances: Vec<Balance>,
    /// Instruments that are held on margin; the others are on credit, and so are all by
    /// default. Their settlement currencies must be among the balances.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub margin: Vec<MarginSetting>,
}

impl SimConfig {
    /// Sets the seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets what trading costs.
    #[must_use]
    pub fn with_fees(mut self, fees: FeeSchedule) -> Self {
        self.fees = fees;
        self
    }

    /// Sets how much worse than the market takers are filled.
    #[must_use]
    pub fn with_slippage(mut self, slippage: Slippage) -> Self {
        self.slippage = slippage;
        self
    }

    /// Sets how long requests travel.
    #[must_use]
    pub fn with_latency(mut self, latency: Latency) -> Self {
        self.latency = latency;
        self
    }

    /// Sets when a resting limit order is filled.
    #[must_use]
    pub fn with_limit_fill(mut self, limit_fill: LimitFill) -> Self {
        self.limit_fill = limit_fill;
        self
    }

    /// Sets what happens first inside a bar.
    #[must_use]
    pub fn with_path(mut self, path: PathModel) -> Self {
        self.path = path;
        self
    }

    /// Sets the part of the volume that orders may take, above 0 and at most 1.
    #[must_use]
    pub fn with_volume_share(mut self, share: f64) -> Self {
        self.volume_share = Some(share);
        self
    }

    /// Sets where market orders fill on bars.
    #[must_use]
    pub fn with_market_fill(mut self, market_fill: MarketFill) -> Self {
        self.market_fill = market_fill;
        self
    }

    /// Sets how much a quote can fill.
    #[must_use]
    pub fn with_quote_depth(mut self, quote_depth: QuoteDepth) -> Self {
        self.quote_depth = quote_depth;
        self
    }

    /// Sets when day orders end.
    #[must_use]
    pub fn with_day_end(mut self, day_end: DayEnd) -> Self {
        self.day_end = day_end;
        self
    }

    /// Adds starting cash of an asset, which limits what can be bought with it.
    #[must_use]
    pub fn with_balance(mut self, asset: &str, amount: Decimal) -> Self {
        self.balances.push(Balance { asset: Label::new(asset), amount });
        self
    }

    /// Holds an instrument on margin: orders need initial margin, and the venue closes what
    /// falls to its maintenance margin.
    #[must_use]
    pub fn with_margin(mut self, symbol: &str, terms: MarginTerms) -> Self {
        self.margin.push(MarginSetting { symbol: Label::new(symbol), terms });
        self
    }

    /// Lists starting cash of an asset where none is listed.
    pub(crate) fn balances_or(&mut self, asset: &str, amount: Decimal) {
        let asset = Label::new(asset);
        if self.balances.iter().all(|balance| balance.asset != asset) {
            self.balances.push(Balance { asset, amount });
        }
    }

    pub(super) fn check(&self) -> Result<(), SimError> {
        self.fees.check()?;
        self.slippage.check()?;
        self.latency.check()?;
        self.day_end.check()?;
        match self.volume_share {
            Some(share) if !(share > 0.0 && share <= 1.0) => {
                Err(SimError::BadNumber { what: "volume share", value: share })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Starting cash of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// The asset's code.
    pub asset: Label,
    /// How much, zero or more.
    #[serde(with = "exact")]
    pub amount: Decimal,
}

/// The margin terms of one instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarginSetting {
    /// The instrument's symbol.
    pub symbol: Label,
    /// Its terms.
    pub terms: MarginTerms,
}

/// When a limit order that rests is filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum LimitFill {
    /// When the market trades beyond its price: then it was certainly its turn.
    #[default]
    Through,
    /// When the market trades at its price: as if it stood first in the queue.
    Touch,
}

/// What happens first inside a bar, whose own path is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum PathModel {
    /// Stops happen before targets. An exit that follows an entry inside the bar can be
    /// stopped by the whole range, and reaches its target only if the close lies beyond it.
    #[default]
    WorstFirst,
    /// Open, high, low, close.
    OpenHighLowClose,
    /// Open, low, high, close.
    OpenLowHighClose,
    /// The extreme that is nearer to the open comes first; the low when both are as near.
    NearestFirst,
}

/// Where market orders fill on bars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum MarketFill {
    /// At the open of the next bar: nothing is known before it is decided.
    #[default]
    NextOpen,
    /// At the close that decided: only for markets with a closing auction, and for comparison
    /// with systems that assume it.
    SameClose,
}

/// How much a quote can fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum QuoteDepth {
    /// What is displayed.
    #[default]
    Displayed,
    /// Any quantity: for quotes that come without sizes.
    Unlimited,
}

/// Why a simulated venue cannot be made or changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// A parameter lies outside of its range.
    #[error("{what} {value} is outside of its range")]
    BadNumber {
        /// Which parameter.
        what: &'static str,
        /// The refused value.
        value: f64,
    },
    /// A fee rate is not between -1 and 1.
    #[error("fee rate {rate} is not between -1 and 1")]
    BadFeeRate {
        /// The refused rate.
        rate: Decimal,
    },
    /// The fee tiers do not start at zero or do not rise.
    #[error("fee tiers must start at 0 and rise: {from} does not")]
    BadFeeTiers {
        /// The threshold that is out of order.
        from: Decimal,
    },
    /// The time zone is unknown; use a name of the IANA database.
    #[error("time zone `{name}` is unknown")]
    UnknownZone {
        /// The refused name.
        name: String,
    },
    /// The asset is not in the table of instruments.
    #[error("asset `{asset}` is unknown")]
    UnknownAsset {
        /// The refused code.
        asset: Label,
    },
    /// The margin terms name an instrument that is not in the table.
    #[error("instrument `{symbol}` is unknown")]
    UnknownInstrument {
        /// The refused symbol.
        symbol: Label,
    },
    /// Margin terms that cannot be.
    #[error("margin of `{symbol}`: {error}")]
    Margin {
        /// The instrument.
        symbol: Label,
        /// What is wrong.
        error: MarginError,
    },
    /// Starting cash is below zero, or a sum has more than 28 digits.
    #[error("cash {amount} of asset `{asset}` cannot be")]
    BadBalance {
        /// The asset.
        asset: Label,
        /// The refused amount.
        amount: Decimal,
    },
}

impl Classify for SimError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_survives_text_and_refuses_unknown_names() {
        let config = SimConfig::default()
            .with_fees(FeeSchedule::flat(Decimal::new(-1, 4), Decimal::new(5, 4)))
            .with_balance("USD", Decimal::new(10_005, 1))
            .with_slippage(Slippage::BasisPoints(1.5));
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<SimConfig>(&text).unwrap(), config);
        assert_eq!(serde_json::from_str::<SimConfig>("{}").unwrap(), SimConfig::default());
        assert!(serde_json::from_str::<SimConfig>(r#"{"seeed": 1}"#).is_err());
    }
}
