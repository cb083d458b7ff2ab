use serde::{Deserialize, Serialize};

use super::ratio;
use crate::math::{CompensatedSum, mean, quantile};

/// One closed trade as statistics see it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TradeResult {
    /// Profit net of fees and funding, in the reporting currency; above zero is a win, below
    /// zero a loss.
    pub net: f64,
    /// Seconds from opening to closing.
    pub held_secs: f64,
}

/// Statistics of closed trades, in the reporting currency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TradeStatistics {
    /// Closed trades.
    pub closed: usize,
    /// Trades that earned money after costs.
    pub wins: usize,
    /// Trades that lost money after costs.
    pub losses: usize,
    /// Wins over closed trades; break-even trades count as no win.
    pub win_rate: Option<f64>,
    /// Sum of the wins.
    pub gross_profit: f64,
    /// Sum of the losses, positive.
    pub gross_loss: f64,
    /// Sum of all.
    pub net: f64,
    /// Mean win.
    pub average_win: Option<f64>,
    /// Mean loss, positive.
    pub average_loss: Option<f64>,
    /// Mean win over mean loss.
    pub payoff: Option<f64>,
    /// Sum of wins over sum of losses.
    pub profit_factor: Option<f64>,
    /// Mean of all trades.
    pub expectancy: Option<f64>,
    /// The best trade.
    pub best: Option<f64>,
    /// The worst trade.
    pub worst: Option<f64>,
    /// Wins in a row, at most.
    pub longest_win_streak: usize,
    /// Losses in a row, at most.
    pub longest_loss_streak: usize,
    /// How long trades lasted.
    pub held: HoldingTimes,
}

/// How long trades lasted, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HoldingTimes {
    /// Mean of all.
    pub mean_secs: Option<f64>,
    /// Median of all.
    pub median_secs: Option<f64>,
    /// Mean of the wins.
    pub wins_mean_secs: Option<f64>,
    /// Median of the wins.
    pub wins_median_secs: Option<f64>,
    /// Mean of the losses.
    pub losses_mean_secs: Option<f64>,
    /// Median of the losses.
    pub losses_median_secs: Option<f64>,
}

impl TradeStatistics {
    /// Computes the statistics of trades in the order of their closing. A trade whose profit
    /// is not finite (no rate of its currency was known) is left out.
    pub fn new(trades: &[TradeResult]) -> Self {
        let known = || trades.iter().filter(|trade| trade.net.is_finite());
        let nets: Vec<f64> = known().map(|trade| trade.net).collect();
        let wins: Vec<f64> = nets.iter().copied().filter(|net| *net > 0.0).collect();
        let losses: Vec<f64> = nets.iter().map(|net| -net).filter(|loss| *loss > 0.0).collect();
        let (average_win, average_loss) = (mean(&wins), mean(&losses));
        let (gross_profit, gross_loss) = (sum(&wins), sum(&losses));
        let times = |keep: fn(f64) -> bool| -> Vec<f64> {
            known().filter(|trade| keep(trade.net)).map(|trade| trade.held_secs).collect()
        };
        Self {
            closed: nets.len(),
            wins: wins.len(),
            losses: losses.len(),
            win_rate: ratio(wins.len() as f64, nets.len() as f64),
            gross_profit,
            gross_loss,
            net: sum(&nets),
            average_win,
            average_loss,
            payoff: average_win.zip(average_loss).and_then(|(win, loss)| ratio(win, loss)),
            profit_factor: ratio(gross_profit, gross_loss),
            expectancy: mean(&nets),
            best: nets.iter().copied().max_by(f64::total_cmp),
            worst: nets.iter().copied().min_by(f64::total_cmp),
            longest_win_streak: streak(&nets, |net| net > 0.0),
            longest_loss_streak: streak(&nets, |net| net < 0.0),
            held: HoldingTimes::new(&times(|_| true), &times(|n| n > 0.0), &times(|n| n < 0.0)),
        }
    }
}

impl HoldingTimes {
    fn new(all: &[f64], wins: &[f64], losses: &[f64]) -> Self {
        let median = |times: &[f64]| quantile(times, 0.5);
        Self {
            mean_secs: mean(all),
            median_secs: median(all),
            wins_mean_secs: mean(wins),
            wins_median_secs: median(wins),
            losses_mean_secs: mean(losses),
            losses_median_secs: median(losses),
        }
    }
}

/// The compensated sum; zero for nothing.
fn sum(values: &[f64]) -> f64 {
    let mut sum = CompensatedSum::default();
    values.iter().for_each(|value| sum.add(*value));
    sum.total()
}

fn streak(nets: &[f64], counts: impl Fn(f64) -> bool) -> usize {
    let runs = nets.split(|net| !counts(*net));
    runs.map(<[f64]>::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(nets: &[f64]) -> TradeStatistics {
        let result = |(index, net): (usize, &f64)| TradeResult {
            net: *net,
            held_secs: (index + 1) as f64 * 60.0,
        };
        TradeStatistics::new(&nets.iter().enumerate().map(result).collect::<Vec<_>>())
    }

    #[test]
    fn a_worked_example() {
        let found = of(&[10.0, 20.0, -5.0, 0.0, -10.0, -15.0, 30.0]);
        assert_eq!((found.closed, found.wins, found.losses), (7, 3, 3));
        assert_eq!(found.win_rate, Some(3.0 / 7.0));
        assert_eq!((found.average_win, found.average_loss), (Some(20.0), Some(10.0)));
        assert_eq!((found.payoff, found.profit_factor), (Some(2.0), Some(2.0)));
        assert!((found.expectancy.unwrap() - 30.0 / 7.0).abs() < 1e-15);
        assert_eq!((found.best, found.worst), (Some(30.0), Some(-15.0)));
        assert_eq!((found.longest_win_streak, found.longest_loss_streak), (2, 2));
        assert_eq!(found.held.median_secs, Some(240.0));
        assert_eq!(found.held.wins_mean_secs, Some(200.0));
        assert_eq!(found.held.losses_median_secs, Some(300.0));
    }

    #[test]
    fn what_is_undefined_is_none() {
        assert_eq!(of(&[]), TradeStatistics::default());
        let one = of(&[4.0]);
        assert_eq!((one.win_rate, one.profit_factor, one.payoff), (Some(1.0), None, None));
        assert_eq!((one.average_loss, one.expectancy), (None, Some(4.0)));
        assert_eq!(of(&[f64::NAN, 1.0]).closed, 1);
        assert_eq!(of(&[0.0]).win_rate, Some(0.0));
    }
}
