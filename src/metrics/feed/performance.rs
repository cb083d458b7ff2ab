use super::Names;
use super::lazy::Dense;
use crate::metrics::catalogue::{risk, strategy, trading};
use crate::metrics::{CounterHandle, GaugeHandle, HistogramHandle, Meter};
use crate::types::{Side, Signal, SlotId, SlotStatus, Trade};

/// Strategies and bots: signals, closed trades, status.
pub(super) struct PerformanceFeed<M: Meter> {
    streak: f64,
    streak_gauge: M::Gauge,
    pnl: M::Histogram,
    profit: M::Counter,
    loss: M::Counter,
    bots: String,
    slots: Dense<SlotPerformance<M>>,
}

struct SlotPerformance<M: Meter> {
    signals: [M::Counter; 2],
    pnl: M::Histogram,
    duration: M::Histogram,
    outcomes: [M::Counter; 3],
    win_rate: M::Gauge,
    average: M::Gauge,
    sharpe: M::Gauge,
    today_gauge: M::Gauge,
    failures: M::Counter,
    bot: Option<Bot<M>>,
    trades: f64,
    wins: f64,
    mean: f64,
    squares: f64,
    today: f64,
}

struct Bot<M: Meter> {
    status: M::Gauge,
    states: [M::Gauge; 5],
    realized_gauge: M::Gauge,
    streak_gauge: M::Gauge,
    drawdown: M::Gauge,
    max_drawdown: M::Gauge,
    streak: f64,
    realized: f64,
    peak: f64,
    deepest: f64,
}

/// The states of a bot; the index is its code.
const STATES: [&str; 5] = ["stopped", "running", "paused", "failed", "starting"];

impl<M: Meter> SlotPerformance<M> {
    fn new(meter: &M, names: &Names, place: usize, bots: &str) -> Self {
        let name = names.strategy(place);
        let counter = |spec| meter.counter(spec, &[name]);
        let gauge = |spec| meter.gauge(spec, &[name]);
        let signal = |signal| meter.counter(&strategy::SIGNALS, &[name, signal]);
        let outcome = |outcome| meter.counter(&trading::CLOSED_TRADES, &[name, outcome]);
        // HOLD is there from the start, for boards that ask for it.
        let _ = signal("HOLD");
        let today_gauge = gauge(&strategy::TRADES_TODAY);
        today_gauge.set(0.0);
        let is_bot = place > 0 && place + 1 < names.slots();
        Self {
            signals: ["BUY", "SELL"].map(signal),
            pnl: meter.histogram(&trading::TRADES_PNL, &[name]),
            duration: meter.histogram(&trading::TRADE_DURATION, &[name]),
            outcomes: ["win", "loss", "even"].map(outcome),
            win_rate: gauge(&strategy::WIN_RATE),
            average: gauge(&strategy::AVERAGE_PNL),
            sharpe: gauge(&strategy::SHARPE),
            today_gauge,
            failures: counter(&strategy::FAILURES),
            bot: is_bot.then(|| Bot::new(meter, &format!("{bots}{place}"), name)),
            trades: 0.0,
            wins: 0.0,
            mean: 0.0,
            squares: 0.0,
            today: 0.0,
        }
    }

    /// Running mean and sum of squared deviations (Welford, 1962).
    fn count(&mut self, net: f64) {
        self.trades += 1.0;
        self.wins += if net > 0.0 { 1.0 } else { 0.0 };
        self.today += 1.0;
        let off = net - self.mean;
        self.mean += off / self.trades;
        self.squares += off * (net - self.mean);
        self.win_rate.set(self.wins / self.trades);
        self.average.set(self.mean);
        self.today_gauge.set(self.today);
        let variance = self.squares / (self.trades - 1.0);
        if variance > 0.0 {
            self.sharpe.set(self.mean / variance.sqrt());
        }
    }
}

impl<M: Meter> Bot<M> {
    fn new(meter: &M, id: &str, strategy: &str) -> Self {
        let gauge = |spec| meter.gauge(spec, &[id, strategy]);
        let state = |state| meter.gauge(&strategy::BOT_STATE, &[id, strategy, state]);
        let bot = Self {
            status: gauge(&strategy::BOT_STATUS),
            states: STATES.map(state),
            realized_gauge: gauge(&strategy::BOT_REALIZED),
            streak_gauge: gauge(&strategy::BOT_LOSS_STREAK),
            drawdown: gauge(&strategy::BOT_DRAWDOWN),
            max_drawdown: gauge(&strategy::BOT_MAX_DRAWDOWN),
            streak: 0.0,
            realized: 0.0,
            peak: 0.0,
            deepest: 0.0,
        };
        for gauge in [&bot.realized_gauge, &bot.streak_gauge, &bot.drawdown, &bot.max_drawdown] {
            gauge.set(0.0);
        }
        bot.show(SlotStatus::Running);
        bot
    }

    fn show(&self, status: SlotStatus) {
        let code = match status {
            SlotStatus::Running => 1,
            SlotStatus::Paused => 2,
            SlotStatus::Failed => 3,
        };
        self.status.set(f64::from(code));
        for (state, gauge) in (0..).zip(&self.states) {
            gauge.set(if state == code { 1.0 } else { 0.0 });
        }
    }

    fn count(&mut self, net: f64, equity: f64) {
        self.realized += net;
        self.peak = self.peak.max(self.realized);
        self.streak = longer(self.streak, net);
        let fall = (self.peak - self.realized) / equity;
        let drawdown = if fall > 0.0 { fall } else { 0.0 };
        self.deepest = self.deepest.max(drawdown);
        self.realized_gauge.set(self.realized);
        self.streak_gauge.set(self.streak);
        self.drawdown.set(drawdown);
        self.max_drawdown.set(self.deepest);
    }
}

/// The streak of losses after a trade.
fn longer(streak: f64, net: f64) -> f64 {
    if net > 0.0 {
        0.0
    } else if net < 0.0 {
        streak + 1.0
    } else {
        streak
    }
}

impl<M: Meter> PerformanceFeed<M> {
    pub(super) fn new(meter: &M, names: &Names, bots: &str) -> Self {
        let mut slots = Dense::default();
        for place in names.bots() {
            slots.get(place, || SlotPerformance::new(meter, names, place, bots));
        }
        let streak_gauge = meter.gauge(&risk::LOSS_STREAK, &[]);
        streak_gauge.set(0.0);
        Self {
            streak: 0.0,
            streak_gauge,
            pnl: meter.histogram(&trading::TRADE_PNL, &[]),
            profit: meter.counter(&trading::PROFIT, &[]),
            loss: meter.counter(&trading::LOSS, &[]),
            bots: bots.to_owned(),
            slots,
        }
    }

    fn slot(
        &mut self,
        id: SlotId,
        (names, meter): (&Names, &M),
    ) -> Option<&mut SlotPerformance<M>> {
        let place = names.slot(id);
        self.slots.get(place, || SlotPerformance::new(meter, names, place, &self.bots))
    }

    pub(super) fn signal(&mut self, slot: SlotId, signal: &Signal, context: (&Names, &M)) {
        if let Some(slot) = self.slot(slot, context) {
            let [buy, sell] = &slot.signals;
            if signal.side == Side::Buy { buy } else { sell }.increment();
        }
    }

    /// A trade was closed with this net profit, in the reporting currency.
    pub(super) fn closed(&mut self, trade: &Trade, [net, equity]: [f64; 2], context: (&Names, &M)) {
        if !net.is_finite() {
            return;
        }
        self.pnl.observe(net);
        self.profit.add(net);
        self.loss.add(-net);
        self.streak = longer(self.streak, net);
        self.streak_gauge.set(self.streak);
        let Some(slot) = self.slot(trade.slot, context) else { return };
        slot.pnl.observe(net);
        slot.duration.observe(trade.closed_at.since(trade.opened_at).as_secs_f64());
        let [win, loss, even] = &slot.outcomes;
        if net > 0.0 {
            win
        } else if net < 0.0 {
            loss
        } else {
            even
        }
        .increment();
        slot.count(net);
        if let Some(bot) = &mut slot.bot {
            bot.count(net, equity);
        }
    }

    pub(super) fn failed(&mut self, slot: SlotId, context: (&Names, &M)) {
        if let Some(slot) = self.slot(slot, context) {
            slot.failures.increment();
        }
    }

    pub(super) fn status(&mut self, slot: SlotId, status: SlotStatus, context: (&Names, &M)) {
        if let Some(bot) = self.slot(slot, context).and_then(|slot| slot.bot.as_ref()) {
            bot.show(status);
        }
    }

    pub(super) fn new_day(&mut self) {
        for slot in self.slots.seen() {
            slot.today = 0.0;
            slot.today_gauge.set(0.0);
        }
    }
}
