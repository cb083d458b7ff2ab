use serde::{Deserialize, Serialize};

use super::{MOST_COUNT, ratio};
use crate::math::{CompensatedSum, quantile};

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
        let mut running = RunningTrades::default();
        trades.iter().for_each(|trade| running.push(*trade));
        running.statistics(trades)
    }
}

/// Statistics of trades while they are closed: a fixed size, a few operations per trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunningTrades {
    closed: u64,
    wins: u64,
    losses: u64,
    net: CompensatedSum,
    profit: CompensatedSum,
    loss: CompensatedSum,
    best: Option<f64>,
    worst: Option<f64>,
    /// Above zero: wins in a row now; below zero: losses.
    streak: i64,
    longest_win_streak: u64,
    longest_loss_streak: u64,
    held: CompensatedSum,
    wins_held: CompensatedSum,
    losses_held: CompensatedSum,
}

impl RunningTrades {
    /// Takes a trade; one whose profit is not finite is left out.
    #[inline]
    pub(crate) fn push(&mut self, trade: TradeResult) {
        let TradeResult { net, held_secs } = trade;
        if !net.is_finite() {
            return;
        }
        self.closed += 1;
        self.net.add(net);
        self.held.add(held_secs);
        self.best = Some(self.best.map_or(net, |best| best.max(net)));
        self.worst = Some(self.worst.map_or(net, |worst| worst.min(net)));
        if net > 0.0 {
            self.wins += 1;
            self.profit.add(net);
            self.wins_held.add(held_secs);
            self.streak = self.streak.max(0) + 1;
            self.longest_win_streak = self.longest_win_streak.max(self.streak.unsigned_abs());
        } else if net < 0.0 {
            self.losses += 1;
            self.loss.add(-net);
            self.losses_held.add(held_secs);
            self.streak = self.streak.min(0) - 1;
            self.longest_loss_streak = self.longest_loss_streak.max(self.streak.unsigned_abs());
        } else {
            self.streak = 0;
        }
    }

    /// Trades that were taken.
    pub(crate) const fn closed(&self) -> u64 {
        self.closed
    }

    /// Trades that earned money.
    pub(crate) const fn wins(&self) -> u64 {
        self.wins
    }

    /// Above zero: wins in a row now; below zero: losses.
    pub(crate) const fn streak(&self) -> i64 {
        self.streak
    }

    /// The statistics so far. The medians are those of `recent`, because a median needs the
    /// trades themselves.
    pub(crate) fn statistics(&self, recent: &[TradeResult]) -> TradeStatistics {
        let mean = |sum: CompensatedSum, count: u64| ratio(sum.total(), count as f64);
        let average_win = mean(self.profit, self.wins);
        let average_loss = mean(self.loss, self.losses);
        let (gross_profit, gross_loss) = (self.profit.total(), self.loss.total());
        let median = |keep: fn(f64) -> bool| {
            let known = recent.iter().filter(|trade| trade.net.is_finite() && keep(trade.net));
            quantile(&known.map(|trade| trade.held_secs).collect::<Vec<f64>>(), 0.5)
        };
        TradeStatistics {
            closed: self.closed as usize,
            wins: self.wins as usize,
            losses: self.losses as usize,
            win_rate: ratio(self.wins as f64, self.closed as f64),
            gross_profit,
            gross_loss,
            net: self.net.total(),
            average_win,
            average_loss,
            payoff: average_win.zip(average_loss).and_then(|(win, loss)| ratio(win, loss)),
            profit_factor: ratio(gross_profit, gross_loss),
            expectancy: mean(self.net, self.closed),
            best: self.best,
            worst: self.worst,
            longest_win_streak: self.longest_win_streak as usize,
            longest_loss_streak: self.longest_loss_streak as usize,
            held: HoldingTimes {
                mean_secs: mean(self.held, self.closed),
                median_secs: median(|_| true),
                wins_mean_secs: mean(self.wins_held, self.wins),
                wins_median_secs: median(|net| net > 0.0),
                losses_mean_secs: mean(self.losses_held, self.losses),
                losses_median_secs: median(|net| net < 0.0),
            },
        }
    }

    /// Why it cannot have come from trades.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let decided = self.wins.checked_add(self.losses);
        if self.closed > MOST_COUNT || decided.is_none_or(|decided| decided > self.closed) {
            return Some("more trades were won or lost than closed");
        }
        if self.best.is_some() != (self.closed > 0) || self.worst.is_some() != (self.closed > 0) {
            return Some("the best and the worst trade do not belong to the closed ones");
        }
        if self.longest_win_streak > self.wins || self.longest_loss_streak > self.losses {
            return Some("a streak of trades is longer than there are");
        }
        let longest =
            if self.streak > 0 { self.longest_win_streak } else { self.longest_loss_streak };
        (self.streak.unsigned_abs() > longest)
            .then_some("the streak now is longer than the longest")
    }
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
