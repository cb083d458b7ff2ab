use core::fmt;

use serde::{Deserialize, Serialize};

use crate::math::{Adx, Indicator, InputError, Ohlcv, RealisedVolatility, VolatilityEstimator};
use crate::types::{Bar, InstrumentId, MarketEvent};

use super::parameter::parameters;
use super::{BadParameter, BuildError, ParameterKind, Parameters};

/// What kind of market it is.
///
/// Names and codes are fixed: metrics, dashboards and configuration files rely on them.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum MarketCondition {
    /// Not enough history.
    #[default]
    Unknown,
    /// A trend upwards.
    TrendingUp,
    /// A trend downwards.
    TrendingDown,
    /// No trend, ordinary volatility.
    Ranging,
    /// Far more volatile than usual, whatever the trend.
    Volatile,
    /// No trend, far less volatile than usual.
    Calm,
}

impl MarketCondition {
    /// Every condition, in order of the codes.
    pub const ALL: [Self; 6] = [
        Self::Unknown,
        Self::TrendingUp,
        Self::TrendingDown,
        Self::Ranging,
        Self::Volatile,
        Self::Calm,
    ];

    pub(super) const WORDS: &'static [&'static str] =
        &["unknown", "trending_up", "trending_down", "ranging", "volatile", "calm"];

    /// The number of the condition in metrics, 0 to 5.
    pub const fn code(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::TrendingUp => 1,
            Self::TrendingDown => 2,
            Self::Ranging => 3,
            Self::Volatile => 4,
            Self::Calm => 5,
        }
    }

    /// Its name in configuration files and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::TrendingUp => "trending_up",
            Self::TrendingDown => "trending_down",
            Self::Ranging => "ranging",
            Self::Volatile => "volatile",
            Self::Calm => "calm",
        }
    }
}

impl fmt::Display for MarketCondition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

parameters! {
    /// Thresholds of [`MarketConditionClassifier`].
    pub struct MarketConditionParameters {
        /// Bars of the volatility that is compared with the usual one; below `usual_bars`.
        pub recent_bars: usize = 20, ParameterKind::Count { minimum: 2, maximum: 100_000 };
        /// Bars of the usual volatility.
        pub usual_bars: usize = 100, ParameterKind::Count { minimum: 3, maximum: 100_000 };
        /// From this multiple of the usual volatility on the market is volatile.
        pub volatile_ratio: f64 = 1.5, ParameterKind::Positive { maximum: 1000.0 };
        /// Up to this multiple of the usual volatility the market is calm, if it has no trend.
        pub calm_ratio: f64 = 0.6, ParameterKind::Positive { maximum: 1000.0 };
        /// Period of the average directional index.
        pub trend_period: usize = 14, ParameterKind::Count { minimum: 2, maximum: 100_000 };
        /// From this average directional index on there is a trend; Wilder's own number.
        pub trend_strength: f64 = 25.0, ParameterKind::Positive { maximum: 100.0 };
        /// From this level of a volatility index on the market is volatile (VIX: 30).
        pub volatile_index: f64 = 30.0, ParameterKind::Positive { maximum: 1e6 };
        /// Up to this level of a volatility index the market is calm, if it has no trend.
        pub calm_index: f64 = 15.0, ParameterKind::Positive { maximum: 1e6 };
    }
}

/// Tells what kind of market it is, from the volatility and the trend of its bars or from a
/// volatility index.
///
/// In this order: volatile when the deviation of the log returns over the last 20 bars is at least
/// 1.5 times that over the last 100; trending when the average directional index (14) is at least
/// 25, up or down by the larger directional line; calm when the ratio of volatilities is at most
/// 0.6; else ranging; unknown before all of these have their history. Ratios, not levels, so the
/// thresholds hold for every instrument and period. With an index instrument its last level
/// (30 and above, 15 and below) takes the place of the ratio; before its first level it is
/// unknown. All thresholds are parameters.
///
/// ```
/// use tradewright::strategy::{MarketCondition, MarketConditionClassifier};
/// use tradewright::types::{Bar, InstrumentId, Period};
///
/// let mut classifier = MarketConditionClassifier::new(Default::default())?;
/// for day in 0..150 {
///     let close = 100.0 + f64::from(day) + f64::from(day % 3);
///     let ohlc = [close, close + 1.0, close - 1.0, close];
///     classifier.update(&Bar::new(InstrumentId(0), Period::DAY, ohlc, 1.0)?)?;
/// }
/// assert_eq!(classifier.condition(), MarketCondition::TrendingUp);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MarketConditionClassifier {
    parameters: MarketConditionParameters,
    recent: RealisedVolatility,
    usual: RealisedVolatility,
    trend: Adx,
    index: Option<InstrumentId>,
    level: Option<f64>,
    condition: MarketCondition,
}

impl MarketConditionClassifier {
    /// A classifier that judges volatility by the bars themselves.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed.
    pub fn new(parameters: MarketConditionParameters) -> Result<Self, BuildError> {
        parameters.check()?;
        let MarketConditionParameters { recent_bars, usual_bars, trend_period, .. } = parameters;
        if recent_bars >= usual_bars {
            let allowed = format!("whole numbers below `usual_bars`, which is {usual_bars}");
            return Err(BadParameter::new("recent_bars", recent_bars, allowed).into());
        }
        let pairs = [
            ("calm_ratio", parameters.calm_ratio, "volatile_ratio", parameters.volatile_ratio),
            ("calm_index", parameters.calm_index, "volatile_index", parameters.volatile_index),
        ];
        for (smaller, value, larger, limit) in pairs {
            if !(value < limit) {
                let allowed = format!("numbers below `{larger}`, which is {limit}");
                return Err(BadParameter::new(smaller, value, allowed).into());
            }
        }
        let refused = |error: crate::math::ParameterError| BuildError::Refused(error.to_string());
        // Only the ratio of the two counts, so any number of bars may make a year.
        let volatility = |bars| {
            RealisedVolatility::new(VolatilityEstimator::CloseToClose, bars, 1.0).map_err(refused)
        };
        Ok(Self {
            recent: volatility(recent_bars)?,
            usual: volatility(usual_bars)?,
            trend: Adx::new(trend_period).map_err(refused)?,
            index: None,
            level: None,
            condition: MarketCondition::Unknown,
            parameters,
        })
    }

    /// A classifier that judges volatility by the level of an index instrument, which the host
    /// feeds as any instrument is fed.
    ///
    /// # Errors
    /// As [`MarketConditionClassifier::new`].
    pub fn with_index(
        parameters: MarketConditionParameters,
        index: InstrumentId,
    ) -> Result<Self, BuildError> {
        Ok(Self { index: Some(index), ..Self::new(parameters)? })
    }

    /// Takes an event: bars move the classification, any price of the index instrument its level.
    ///
    /// # Errors
    /// [`InputError`] for a bar that no market has; the state stays.
    pub fn on_event(&mut self, event: &MarketEvent) -> Result<MarketCondition, InputError> {
        if self.index == Some(event.instrument()) {
            let level = match event {
                MarketEvent::Custom(custom) => Some(custom.value),
                other => other.mark(),
            };
            if let Some(level) = level.filter(|level| level.is_finite()) {
                self.level = Some(level);
                self.classify();
            }
        } else if let MarketEvent::Bar(bar) = event {
            self.update(bar)?;
        }
        Ok(self.condition)
    }

    /// Takes a bar of the classified instrument.
    ///
    /// # Errors
    /// [`InputError`] for a bar that no market has; the state stays.
    pub fn update(&mut self, bar: &Bar) -> Result<MarketCondition, InputError> {
        let Bar { open, high, low, close, volume, .. } = *bar;
        let bar = Ohlcv { open, high, low, close, volume };
        self.trend.update(bar)?;
        self.recent.update(bar)?;
        self.usual.update(bar)?;
        self.classify();
        Ok(self.condition)
    }

    /// Its thresholds.
    pub const fn parameters(&self) -> &MarketConditionParameters {
        &self.parameters
    }

    /// The condition after the last event.
    pub const fn condition(&self) -> MarketCondition {
        self.condition
    }

    /// True for the instrument of the index.
    pub(super) fn is_index(&self, instrument: InstrumentId) -> bool {
        self.index == Some(instrument)
    }

    fn classify(&mut self) {
        self.condition = self.judge().unwrap_or_default();
    }

    fn judge(&self) -> Option<MarketCondition> {
        let parameters = &self.parameters;
        let (figure, volatile, calm) = match self.index {
            Some(_) => (self.level?, parameters.volatile_index, parameters.calm_index),
            None => {
                let (recent, usual) = (self.recent.value()?, self.usual.value()?);
                // A market that has not moved at all for so long is as calm as can be.
                let ratio = if usual > 0.0 { recent / usual } else { 0.0 };
                (ratio, parameters.volatile_ratio, parameters.calm_ratio)
            }
        };
        let trend = self.trend.value()?;
        Some(if figure >= volatile {
            MarketCondition::Volatile
        } else if trend.adx >= parameters.trend_strength && trend.plus > trend.minus {
            MarketCondition::TrendingUp
        } else if trend.adx >= parameters.trend_strength && trend.minus > trend.plus {
            MarketCondition::TrendingDown
        } else if figure <= calm {
            MarketCondition::Calm
        } else {
            MarketCondition::Ranging
        })
    }
}
