use serde::{Deserialize, Serialize};

use crate::math::exact::{Anchor, Crossing, VwapDeviation};
use crate::math::{CumulativeVwap, Indicator, RollingVwap, SessionAnchor};
use crate::strategy::parameter::parameters;
use crate::strategy::saved::Identity;
use crate::strategy::{
    Advice, BadParameter, BuildError, ParameterKind, Parameters, StrategyContext,
};
use crate::types::{Bar, Confidence, Grid, Instrument, Timestamp};

use super::arithmetic::{Arithmetic, bar_ticks, ohlcv, ratio};
use super::per_instrument::{BarError, BarKernel, PerInstrument, bar_strategy, dispatch};
use super::{refused, revert};

parameters! {
    /// Parameters of [`Vwap`].
    pub struct VwapParameters {
        /// Distance from the average that is a signal, as a fraction of the average.
        pub threshold: f64 = 0.02, ParameterKind::Positive { maximum: 1e3 };
        /// Bars of the average: cumulative, {"session": {"zone", "reset"}}, {"rolling": {"bars"}}.
        pub anchor: VwapAnchor = VwapAnchor::Cumulative,
            ParameterKind::Choice { choices: &["cumulative", "session", "rolling"] };
        /// Exact whole ticks, or floating point for series without a grid.
        pub arithmetic: Arithmetic = Arithmetic::Ticks,
            ParameterKind::Choice { choices: Arithmetic::WORDS };
    }
}

/// Which bars the volume-weighted average price is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VwapAnchor {
    /// All bars since the start. On a long series the average hardly moves any more, and the close
    /// is beyond the threshold for months: use another anchor there.
    #[default]
    Cumulative,
    /// The bars of the current session, which starts at a local time of a time zone:
    /// `{"session": {"zone": "America/New_York", "reset": "09:30"}}`. A bar belongs to the session
    /// in which its middle lies, so a venue's last milliseconds do not move it.
    Session(SessionAnchor),
    /// The last bars, the current one included: `{"rolling": {"bars": 390}}`.
    Rolling {
        /// How many, 1 to 65,536.
        bars: usize,
    },
}

/// `VWAP`: buys when the close lies further below the volume-weighted average price than the
/// threshold, sells when it lies further above.
///
/// The average weighs each bar's typical price (high + low + close) / 3 by its volume, the current
/// bar included; deviation = (close - average) / average. It is a state and not a cross. Without
/// volume it holds. Confidence is min(|deviation| / (2 * threshold), 1): 0.5 at the threshold.
#[derive(Clone, Debug)]
pub struct Vwap {
    identity: Identity,
    warmup: usize,
    lanes: PerInstrument<Lane>,
}

impl Vwap {
    /// Its name in the registry.
    pub const NAME: &'static str = "VWAP";

    /// A strategy for the instruments of the context's universe.
    ///
    /// # Errors
    /// [`BuildError::Parameter`] names the parameter and what is allowed;
    /// [`BuildError::Universe`] without an instrument.
    pub fn new(
        parameters: VwapParameters,
        context: &StrategyContext<'_>,
    ) -> Result<Self, BuildError> {
        parameters.check()?;
        let warmup = match parameters.anchor {
            VwapAnchor::Rolling { bars } if !(1..=65_536).contains(&bars) => {
                let allowed = "whole numbers from 1 to 65536";
                return Err(BadParameter::new("anchor.rolling.bars", bars, allowed).into());
            }
            VwapAnchor::Rolling { bars } => bars,
            VwapAnchor::Cumulative | VwapAnchor::Session(_) => 1,
        };
        let identity = Identity::of(Self::NAME, &parameters);
        let lanes =
            PerInstrument::new(context, |instrument| Lane::new(&parameters, warmup, instrument))?;
        Ok(Self { identity, warmup, lanes })
    }
}

bar_strategy!(Vwap, Self::NAME, |self| self.warmup);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lane {
    threshold: f64,
    /// Bars that are still missing to a full rolling window.
    missing: usize,
    session: Option<Session>,
    kernel: Kernel,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Session {
    anchor: SessionAnchor,
    /// The calendar is asked once per session, not once per bar.
    end_ns: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Kernel {
    Ticks { vwap: VwapDeviation, prices: Grid, volumes: Grid },
    Float { vwap: CumulativeVwap },
    RollingFloat { vwap: RollingVwap },
}

impl Lane {
    fn new(
        parameters: &VwapParameters,
        warmup: usize,
        instrument: &Instrument,
    ) -> Result<Self, BuildError> {
        let &VwapParameters { threshold, anchor, arithmetic } = parameters;
        let kernel = match (arithmetic, anchor) {
            (Arithmetic::Ticks, anchor) => {
                let anchor = match anchor {
                    VwapAnchor::Rolling { bars } => Anchor::Rolling(bars),
                    VwapAnchor::Cumulative | VwapAnchor::Session(_) => Anchor::Cumulative,
                };
                let ratio = ratio("threshold", threshold)?;
                let vwap = VwapDeviation::new(ratio, anchor).map_err(refused)?;
                let (prices, volumes) = (instrument.price_grid, instrument.volume_grid);
                Kernel::Ticks { vwap, prices, volumes }
            }
            (Arithmetic::Float, VwapAnchor::Rolling { bars }) => {
                Kernel::RollingFloat { vwap: RollingVwap::new(bars).map_err(refused)? }
            }
            (Arithmetic::Float, VwapAnchor::Cumulative | VwapAnchor::Session(_)) => {
                Kernel::Float { vwap: CumulativeVwap::new() }
            }
        };
        let session = match anchor {
            VwapAnchor::Session(anchor) => Some(Session { anchor, end_ns: i64::MIN }),
            VwapAnchor::Cumulative | VwapAnchor::Rolling { .. } => None,
        };
        Ok(Self { threshold, missing: warmup, session, kernel })
    }
}

impl BarKernel for Lane {
    #[inline]
    fn on_bar(&mut self, at: Timestamp, bar: &Bar, advice: &mut Advice) -> Result<(), BarError> {
        if let Some(session) = &mut self.session
            && session.is_over(at, bar)
        {
            self.kernel.reset();
        }
        let (crossing, deviation) = self.kernel.update(bar, self.threshold)?;
        self.missing = self.missing.saturating_sub(1);
        if crossing != Crossing::None && self.missing == 0 {
            let sureness = Confidence::clamped(deviation.abs() / (2.0 * self.threshold));
            revert(crossing, sureness, advice);
        }
        Ok(())
    }
}

impl Session {
    /// True on the first bar of a session.
    fn is_over(&mut self, at: Timestamp, bar: &Bar) -> bool {
        let half = bar.period.span().unwrap_or_default() / 2;
        let middle_ns = at.before(half).nanos();
        if middle_ns < self.end_ns {
            return false;
        }
        self.end_ns = self.anchor.next_reset_ns(middle_ns);
        true
    }
}

impl Kernel {
    /// Where the close lies, and its deviation where it lies outside.
    #[inline]
    fn update(&mut self, bar: &Bar, threshold: f64) -> Result<(Crossing, f64), BarError> {
        let vwap = match self {
            Self::Ticks { vwap, prices, volumes } => {
                let [high, low, close, volume] = bar_ticks(bar, *prices, *volumes)?;
                let crossing = vwap.update(high, low, close, volume);
                if crossing == Crossing::None {
                    return Ok((Crossing::None, 0.0));
                }
                // Only the confidence is rounded; the decision has been made.
                let average = vwap.vwap_ticks().unwrap_or(close as f64);
                return Ok((crossing, (close as f64 - average) / average));
            }
            Self::Float { vwap } => vwap.update(ohlcv(bar))?,
            Self::RollingFloat { vwap } => vwap.update(ohlcv(bar))?,
        };
        let Some(vwap) = vwap else { return Ok((Crossing::None, 0.0)) };
        let deviation = (bar.close - vwap) / vwap;
        let crossing = if deviation > threshold {
            Crossing::Above
        } else if deviation < -threshold {
            Crossing::Below
        } else {
            Crossing::None
        };
        Ok((crossing, deviation))
    }

    fn reset(&mut self) {
        match self {
            Self::Ticks { vwap, .. } => vwap.reset(),
            Self::Float { vwap } => vwap.reset(),
            Self::RollingFloat { vwap } => vwap.reset(),
        }
    }
}
