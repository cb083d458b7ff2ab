//! The engine of a system: one account, one bot, a slot for each strategy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::backtest::Digest;
use crate::config::{RiskSettings, Settings, StrategySettings};
use crate::engine::{Engine, SlotConfig};
use crate::live::{BotPlan, BuiltEngine};
use crate::metrics::Tee;
use crate::risk::{DailyLimit, DailyLossGuard, EnhancedRiskManager, RiskConfigError};
use crate::strategy::{BuildError, Built, Contained, Strategy, StrategyContext, StrategyRegistry};
use crate::types::{
    AssetId, Bar, DayBoundary, InstrumentId, Instruments, Period, PeriodRule, StateError,
    Timestamp, to_f64,
};
use crate::venue::{BarQuery, Channel, ExchangeClient, Subscription, VenueListings};

use super::SystemError;

/// The bot's name.
pub(super) const BOT: &str = "main";

/// What the engine is built of, at each start alike.
pub(super) struct Blueprint {
    pub(super) table: Instruments,
    currency: AssetId,
    registry: Arc<StrategyRegistry>,
    risk: RiskSettings,
    strategies: Vec<(StrategySettings, Vec<InstrumentId>)>,
}

impl Blueprint {
    /// Takes the rules of the instruments from the venue, and tries strategies and limits once.
    pub(super) fn new(
        settings: &Settings,
        registry: Arc<StrategyRegistry>,
        listed: &VenueListings,
    ) -> Result<Self, SystemError> {
        let mut table = Instruments::new();
        let mut strategies = Vec::new();
        for strategy in &settings.strategies {
            let ids = strategy.symbols.iter().map(|symbol| instrument(&mut table, listed, symbol));
            strategies.push((strategy.clone(), ids.collect::<Result<Vec<_>, _>>()?));
        }
        if strategies.is_empty() {
            return Err(SystemError::NoStrategy);
        }
        let currency = table.asset(settings.account.currency.as_str())?;
        let risk = settings.risk.clone();
        let blueprint = Self { table, currency, registry, risk, strategies };
        for (strategy, ids) in &blueprint.strategies {
            blueprint.strategy(strategy, ids)?;
        }
        manager(&blueprint.risk)?;
        Ok(blueprint)
    }

    /// Quotes and bars of everything that is traded.
    pub(super) fn subscriptions(&self) -> Vec<Subscription> {
        let mut wanted = BTreeSet::new();
        for (strategy, ids) in &self.strategies {
            for id in ids {
                wanted.insert(Subscription::new(*id, Channel::Quotes));
                wanted.insert(Subscription::new(*id, Channel::Bars(strategy.period)));
            }
        }
        wanted.into_iter().collect()
    }

    /// The closed bars that the strategies want to see first, the oldest first.
    pub(super) async fn history(
        &self,
        client: &dyn ExchangeClient,
        now: Timestamp,
    ) -> Result<Vec<(Timestamp, Bar)>, SystemError> {
        let mut bars = Vec::new();
        for ((instrument, period), count) in self.warmups()? {
            let PeriodRule::Time(span) = period.rule() else { continue };
            // One more, since the last one may not be closed yet.
            let count = u32::try_from(count.saturating_add(1)).unwrap_or(u32::MAX);
            let from = now.before(span.saturating_mul(count));
            let query = BarQuery { instrument, period, from, to: now };
            bars.extend(client.bars(&query).await?);
        }
        bars.sort_by_key(|(at, bar)| (*at, bar.instrument));
        Ok(bars)
    }

    fn warmups(&self) -> Result<BTreeMap<(InstrumentId, Period), usize>, SystemError> {
        let mut most = BTreeMap::new();
        for (strategy, ids) in &self.strategies {
            let count = self.strategy(strategy, ids)?.strategy.warmup();
            for id in ids.iter().filter(|_| count > 0) {
                let known: &mut usize = most.entry((*id, strategy.period)).or_default();
                *known = count.max(*known);
            }
        }
        Ok(most)
    }

    fn strategy(
        &self,
        strategy: &StrategySettings,
        ids: &[InstrumentId],
    ) -> Result<Built, BuildError> {
        let context = StrategyContext::new(&self.table, ids);
        self.registry.build(&strategy.name, strategy.parameters.clone(), &context)
    }

    fn engine(&self, epoch: u32) -> BuiltEngine<Box<dyn Strategy>, ()> {
        let mut builder = Engine::builder(self.table.clone(), self.currency)
            .epoch(epoch)
            .risk(manager(&self.risk)?);
        for (strategy, ids) in &self.strategies {
            // They were tried before; a host's own factory may refuse all the same.
            let built = self.strategy(strategy, ids).map_err(|error| StateError::Mismatch {
                expected: format!("strategy `{}`", strategy.name),
                found: error.to_string(),
            })?;
            let print = built.fingerprint.value();
            let contained: Box<dyn Strategy> = Box::new(Contained::new(built.strategy));
            let slot = SlotConfig::new(contained).trades(ids.iter().copied());
            builder = builder.slot(slot.on_bars(strategy.period).fingerprint(print));
        }
        builder.sink(Tee(Digest::new(), ())).build()
    }
}

/// How the bot is built, after it was tried once.
pub(super) fn plan(
    blueprint: Arc<Blueprint>,
) -> Result<BotPlan<Box<dyn Strategy>, ()>, SystemError> {
    blueprint.engine(1)?;
    Ok(BotPlan::new(BOT, move |epoch| blueprint.engine(epoch)))
}

fn instrument(
    table: &mut Instruments,
    listed: &VenueListings,
    symbol: &str,
) -> Result<InstrumentId, SystemError> {
    if let Some(known) = table.find(symbol) {
        return Ok(known.id);
    }
    let listing = listed.listings.iter().find(|listing| listing.name == symbol);
    let unknown = || SystemError::NotListed { symbol: symbol.to_owned() };
    Ok(table.add(listing.ok_or_else(unknown)?.instrument.clone())?)
}

fn manager(risk: &RiskSettings) -> Result<EnhancedRiskManager, RiskConfigError> {
    let mut builder = EnhancedRiskManager::builder()
        .max_drawdown(risk.max_drawdown)
        .max_position_fraction(to_f64(risk.max_position))
        .breaker(risk.breaker);
    if let Some(share) = risk.max_daily_loss {
        let guard = DailyLossGuard::new(DailyLimit::Fraction(share), DayBoundary::UTC)?;
        builder = builder.with_guard(Box::new(guard));
    }
    builder.build()
}
