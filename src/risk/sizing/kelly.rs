use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::budget::{affordable, fraction_down, positive_equity, unit_value};
use super::{Sizer, SizerError, mark, on_grid};
use crate::types::{
    Amount, Facts, Instrument, Reason, ReasonCode, Signal, State, StateError, Trade, to_f64,
};

/// A fraction of equity by Kelly's criterion: `f = p - (1 - p) / b` at win rate `p` and payoff
/// `b` (average win over average loss), times a fraction of caution, at most a cap.
///
/// Full Kelly halves the equity at some time with a probability of one half, and an estimated
/// edge is mostly overestimated: half of it or less is usual. Without an edge nothing is
/// opened.
///
/// Source: Kelly, "A New Interpretation of Information Rate" (1956); Thorp (2006).
///
/// ```
/// use tradewright::risk::{Kelly, KellyEdge};
/// use tradewright::types::Decimal;
///
/// let edge = KellyEdge { win_rate: 0.55, payoff: 1.2 };
/// let kelly = Kelly::given(edge, 0.5, Decimal::new(2, 1))?;
/// assert!((kelly.fraction() - 0.0875).abs() < 1e-12);
/// # Ok::<(), tradewright::risk::SizerError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Kelly {
    caution: f64,
    cap: Decimal,
    source: Source,
}

/// What is known of the bets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KellyEdge {
    /// Share of bets that win, 0 to 1.
    pub win_rate: f64,
    /// Average win over average loss, above 0; infinite without losses.
    pub payoff: f64,
}

impl KellyEdge {
    /// Kelly's fraction; negative without an edge.
    pub fn fraction(&self) -> f64 {
        self.win_rate - (1.0 - self.win_rate) / self.payoff
    }
}

/// Which trades the edge is estimated from, and what is done before there are enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KellyWindow {
    /// The last so many closed trades of the slot count; 2 to 100,000.
    pub trades: usize,
    /// Fewer than so many are no evidence; 2 to `trades`.
    pub least: usize,
    /// Kelly's fraction until then, 0 to 1, before caution and cap.
    pub until_then: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Source {
    Given(KellyEdge),
    Observed { window: KellyWindow, results: VecDeque<f64> },
}

/// The longest memory of trades.
const MOST_TRADES: usize = 100_000;

impl Kelly {
    /// By a given edge. `caution` is the part of Kelly's fraction that is used (above 0, at
    /// most 1), `cap` the largest fraction of equity (above 0, at most 1).
    ///
    /// # Errors
    /// [`SizerError`] for a number out of its range.
    pub fn given(edge: KellyEdge, caution: f64, cap: Decimal) -> Result<Self, SizerError> {
        if !(0.0..=1.0).contains(&edge.win_rate) {
            return Err(SizerError::BadNumber { what: "win rate", value: edge.win_rate });
        }
        if !(edge.payoff > 0.0) {
            return Err(SizerError::BadNumber { what: "payoff", value: edge.payoff });
        }
        Self::new(caution, cap, Source::Given(edge))
    }

    /// By the slot's own closed trades, net of costs; break-even trades do not count.
    ///
    /// Once the window shows no edge nothing is opened any more, and so no new trade can show
    /// one: that is for a person to decide.
    ///
    /// # Errors
    /// [`SizerError`] for a number out of its range.
    pub fn observed(window: KellyWindow, caution: f64, cap: Decimal) -> Result<Self, SizerError> {
        let KellyWindow { trades, least, until_then } = window;
        if !(2..=MOST_TRADES).contains(&trades) || !(2..=trades).contains(&least) {
            return Err(SizerError::BadWindow);
        }
        if !(0.0..=1.0).contains(&until_then) {
            return Err(SizerError::BadNumber { what: "starting fraction", value: until_then });
        }
        Self::new(caution, cap, Source::Observed { window, results: VecDeque::new() })
    }

    fn new(caution: f64, cap: Decimal, source: Source) -> Result<Self, SizerError> {
        if !(caution > 0.0 && caution <= 1.0) {
            return Err(SizerError::BadNumber { what: "caution", value: caution });
        }
        if cap <= Decimal::ZERO || cap > Decimal::ONE {
            return Err(SizerError::BadFraction { value: cap });
        }
        Ok(Self { caution, cap, source })
    }

    /// What is known of the bets now; `None` before there are enough.
    pub fn edge(&self) -> Option<KellyEdge> {
        match &self.source {
            Source::Given(edge) => Some(*edge),
            Source::Observed { window, results } if results.len() < window.least => None,
            Source::Observed { results, .. } => Some(edge_of(results)),
        }
    }

    /// The fraction of equity that is used now, caution and cap included; 0 without an edge.
    pub fn fraction(&self) -> f64 {
        let full = match (&self.source, self.edge()) {
            (_, Some(edge)) => edge.fraction(),
            (Source::Observed { window, .. }, None) => window.until_then,
            (Source::Given(_), None) => 0.0,
        };
        let fraction = full * self.caution;
        if fraction > 0.0 { fraction.min(to_f64(self.cap)) } else { 0.0 }
    }
}

impl Sizer for Kelly {
    fn size(
        &self,
        _signal: &Signal,
        instrument: &Instrument,
        facts: &Facts<'_>,
    ) -> Result<Amount, Reason> {
        let equity = positive_equity(facts)?;
        let price = mark(instrument, facts)?;
        let fraction = self.fraction();
        let none = Reason::new(ReasonCode::NoEdge, 0.0, fraction);
        if !(fraction > 0.0) {
            return Err(none);
        }
        let share = fraction_down(fraction).ok_or(none)?.min(self.cap);
        let unit = unit_value(instrument, price, facts)?;
        let budget = equity.checked_mul(share).ok_or(none)?;
        let wanted = affordable(budget, unit, instrument).ok_or(none)?;
        on_grid(instrument, wanted, price).map(Amount::Quantity)
    }

    fn on_trade(&mut self, trade: &Trade) {
        let Source::Observed { window, results } = &mut self.source else { return };
        let Some(net) = trade.net().map(to_f64).filter(|net| *net != 0.0) else { return };
        if results.len() == window.trades {
            results.pop_front();
        }
        results.push_back(net);
    }

    fn save_memory(&self) -> Result<Vec<u8>, StateError> {
        match &self.source {
            Source::Given(_) => Ok(Vec::new()),
            Source::Observed { results, .. } => results.save(),
        }
    }

    fn restore_memory(&mut self, memory: &[u8]) -> Result<(), StateError> {
        let Source::Observed { window, results } = &mut self.source else { return Ok(()) };
        let mut saved: VecDeque<f64> = VecDeque::new();
        saved.restore(memory)?;
        if saved.len() > window.trades || saved.iter().any(|net| !net.is_finite()) {
            let text = "results of trades that no window holds".to_owned();
            return Err(StateError::Unreadable(text));
        }
        *results = saved;
        Ok(())
    }
}

fn edge_of(results: &VecDeque<f64>) -> KellyEdge {
    let (mut wins, mut won, mut lost) = (0_u32, 0.0, 0.0);
    for result in results {
        if *result > 0.0 {
            wins += 1;
            won += result;
        } else {
            lost -= result;
        }
    }
    let losses = results.len() as f64 - f64::from(wins);
    let win_rate = f64::from(wins) / results.len() as f64;
    let average = |sum: f64, count: f64| if count > 0.0 { sum / count } else { 0.0 };
    let (win, loss) = (average(won, f64::from(wins)), average(lost, losses));
    let payoff = if loss > 0.0 { win / loss } else { f64::INFINITY };
    KellyEdge { win_rate, payoff }
}
