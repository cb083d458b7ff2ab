//! Tells what happens to one bot.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::{Bot, BotCounts};
use crate::live::{GatewayEvent, Picture};
use crate::metrics::{EdgeNews, EdgeSink, MetricsSink};
use crate::strategy::Strategy;
use crate::types::{
    AssetId, HaltCause, HaltLevel, InstrumentId, Label, OperatingMode, Timestamp, to_f64,
};

/// Compares what a bot has counted with what was told of it, and tells the difference.
#[derive(Debug)]
pub(super) struct Teller {
    sink: Arc<dyn EdgeSink>,
    told: BotCounts,
    mode: OperatingMode,
    /// When the frame came that the bot is looking at.
    frame_at: Option<Timestamp>,
}

impl Teller {
    pub(super) fn new(sink: Arc<dyn EdgeSink>) -> Self {
        Self { sink, told: BotCounts::default(), mode: OperatingMode::Normal, frame_at: None }
    }

    /// A bot begins, or goes on where an earlier run has ended.
    pub(super) fn begin<S: Strategy, M: MetricsSink>(&mut self, bot: &Bot<S, M>) {
        let halts = bot.engine().halts().halts().iter();
        let degraded = halts.filter(|active| active.halt.cause == HaltCause::Degradation);
        // Emergency and Offline hold an engine alike: of the two the milder is told.
        self.mode = match degraded.map(|active| active.halt.level).max() {
            None | Some(HaltLevel::Active) => OperatingMode::Normal,
            Some(HaltLevel::ReduceOnly) => OperatingMode::Degraded,
            Some(_) => OperatingMode::Emergency,
        };
        self.sink.tell(&EdgeNews::ModeMoved { from: None, to: Some(self.mode) });
        for instrument in bot.engine().instruments().iter() {
            let symbol = Label::new(instrument.symbol.as_str());
            self.sink.tell(&EdgeNews::MarketRefused { symbol, count: 0 });
        }
        if bot.epoch() > 1 {
            self.sink.tell(&EdgeNews::Restarted { component: Label::new("bot") });
        }
    }

    pub(super) fn end(&self) {
        self.sink.tell(&EdgeNews::ModeMoved { from: Some(self.mode), to: None });
    }

    pub(super) fn mode(&mut self, mode: OperatingMode) {
        let from = Some(core::mem::replace(&mut self.mode, mode));
        self.sink.tell(&EdgeNews::ModeMoved { from, to: Some(mode) });
    }

    /// The bot looks at a frame that came then.
    pub(super) const fn frame(&mut self, at: Timestamp) {
        self.frame_at = Some(at);
    }

    /// All that followed from the frame has left.
    pub(super) const fn frame_done(&mut self) {
        self.frame_at = None;
    }

    /// An order leaves.
    pub(super) fn order(&self, at: Timestamp) {
        if let Some(frame_at) = self.frame_at {
            self.sink.tell(&EdgeNews::FrameToOrder { elapsed: at.since(frame_at) });
        }
    }

    pub(super) fn counts<S: Strategy, M: MetricsSink>(&mut self, bot: &Bot<S, M>) {
        let now = bot.counts();
        if *now == self.told {
            return;
        }
        let since = |told: u64, now: u64| (now > told).then(|| now - told);
        if let Some(count) = since(self.told.reconciled, now.reconciled) {
            self.sink.tell(&EdgeNews::Reconciled { count });
        }
        if let Some(count) = since(self.told.unreconciled, now.unreconciled) {
            self.sink.tell(&EdgeNews::NotReconciled { count });
        }
        for (instrument, now) in &now.refused_by_instrument {
            let told = self.told.refused_by_instrument.get(instrument).copied().unwrap_or(0);
            if let Some(count) = since(told, *now) {
                let symbol = symbol(bot, *instrument);
                self.sink.tell(&EdgeNews::MarketRefused { symbol, count });
            }
        }
        self.told.clone_from(now);
    }

    /// Looks at what the gateway tells, before the bot does: a picture of an account with
    /// derivatives says what is held back as margin.
    pub(super) fn gateway(&self, event: &GatewayEvent, reporting: AssetId) {
        let GatewayEvent::Picture { picture: Ok(picture), .. } = event else { return };
        if let Some([used, available]) = margin(picture, reporting) {
            self.sink.tell(&EdgeNews::Margin { used: to_f64(used), available: to_f64(available) });
        }
    }
}

/// What is locked of an asset, and what is free.
fn margin(picture: &Picture, asset: AssetId) -> Option<[Decimal; 2]> {
    if picture.instruments.is_empty() {
        return None;
    }
    let balance = picture.balances.iter().find(|balance| balance.asset == asset)?;
    Some([balance.locked, balance.total.checked_sub(balance.locked)?])
}

/// The instrument's name; empty for one that the engine does not have.
fn symbol<S: Strategy, M: MetricsSink>(bot: &Bot<S, M>, instrument: InstrumentId) -> Label {
    let found = bot.engine().instruments().iter().find(|found| found.id == instrument);
    found.map(|found| Label::new(found.symbol.as_str())).unwrap_or_default()
}
