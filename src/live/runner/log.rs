//! What the log is told of a bot. Whose it is, is told by the span around it.

use super::seat::Ask;
use super::{Bot, ExitReport, Notice};
use crate::live::{GatewayEvent, Request};
use crate::metrics::MetricsSink;
use crate::strategy::Strategy;
use crate::types::{AlertLevel, InstrumentId, OrderReport};
use crate::venue::{Answer, Found, UserNews};

/// The bot is made; nothing was sent yet.
pub(super) fn begun<S: Strategy, M: MetricsSink>(bot: &Bot<S, M>, is_recorded: bool) {
    let run = bot.epoch();
    tracing::Span::current().record("run", run);
    tracing::info!(strategies = bot.slots().count(), is_recorded, "bot begins");
}

/// What the bot is asked for by the host.
pub(super) fn asked(ask: Option<&Ask>) {
    match ask {
        Some(Ask::Control(control)) => tracing::info!(?control, "the operator's word"),
        Some(Ask::Accept) => tracing::info!("the venue's word is taken for the differences"),
        Some(Ask::Stop(policy)) => tracing::info!(?policy, "stopping"),
        None => tracing::warn!("stopping, since nobody is left who could ask for it"),
    }
}

/// The bot has ended in good order.
pub(super) fn ended(report: &ExitReport) {
    let (inputs, is_reconciled) = (report.inputs, report.is_reconciled);
    let (working, unresolved) = (report.working.len(), report.unresolved.len());
    let (status, hash) = (report.status, report.hash);
    tracing::info!(%status, inputs, %hash, working, unresolved, is_reconciled, "bot ended");
}

/// What leaves for the gateway.
pub(super) fn request<S: Strategy, M: MetricsSink>(bot: &Bot<S, M>, request: &Request) {
    match request {
        Request::Place(order) => {
            let intent = &order.intent;
            let symbol = symbol(bot, intent.instrument);
            let (side, amount, kind) = (intent.side, intent.amount, intent.kind);
            tracing::info!(order = %order.id, symbol, %side, ?amount, ?kind, "order sent");
        }
        Request::Cancel { order, instrument } => {
            tracing::info!(%order, symbol = symbol(bot, *instrument), "cancel sent");
        }
        Request::Amend(change) => {
            let order = &change.order;
            let symbol = symbol(bot, order.intent.instrument);
            let (quantity, price) = (change.quantity, change.price);
            tracing::info!(order = %order.id, symbol, %quantity, %price, "change sent");
        }
        Request::Find { order, instrument } => {
            tracing::info!(%order, symbol = symbol(bot, *instrument), "order looked for");
        }
        Request::Fills { order, instrument } => {
            tracing::debug!(%order, symbol = symbol(bot, *instrument), "fills asked for");
        }
        Request::Picture { number, .. } => tracing::debug!(number, "picture asked for"),
    }
}

/// What the gateway tells, before the bot hears of it.
pub(super) fn told(event: &GatewayEvent) {
    match event {
        GatewayEvent::Started => tracing::debug!("the account's news have begun"),
        GatewayEvent::Lost { reason } => tracing::debug!(reason, "the account's news are lost"),
        GatewayEvent::News(news) => log_news(news),
        GatewayEvent::Placed { order, answer, fills } => match answer {
            Answer::Accepted => {
                tracing::info!(%order, fills = fills.len(), "order accepted");
            }
            Answer::Refused(reason) => tracing::warn!(%order, ?reason, "order refused"),
            Answer::Unknown => tracing::warn!(%order, "order in doubt"),
        },
        GatewayEvent::Changed { order, answer } => match answer {
            Answer::Accepted => tracing::info!(%order, "cancel or change accepted"),
            // As often as not the order was filled meanwhile.
            Answer::Refused(reason) => {
                tracing::info!(%order, ?reason, "cancel or change refused");
            }
            Answer::Unknown => tracing::warn!(%order, "cancel or change in doubt"),
        },
        GatewayEvent::Found { order, found } => match found {
            Found::Order { status, filled } => {
                tracing::info!(%order, ?status, %filled, "order found");
            }
            Found::Nothing { .. } => tracing::info!(%order, "the venue does not know the order"),
            Found::Failed => tracing::warn!(%order, "the order could not be looked for"),
        },
        GatewayEvent::Fills { order, fills } => {
            tracing::debug!(%order, fills = fills.len(), "fills of the order");
        }
        GatewayEvent::Picture { number, picture } => match picture {
            Ok(picture) => {
                let (orders, fills) = (picture.orders.len(), picture.fills.len());
                tracing::debug!(number, orders, fills, "picture of the account");
            }
            Err(reason) => tracing::warn!(number, reason, "no picture of the account"),
        },
    }
}

fn log_news(news: &UserNews) {
    let UserNews::Order(news) = news else {
        tracing::debug!(?news, "news of the account");
        return;
    };
    let (order, report) = (news.update.order, &news.update.report);
    match report {
        OrderReport::Fill(fill) => {
            let (quantity, price) = (fill.quantity, fill.price);
            tracing::info!(%order, %quantity, %price, filled = %news.filled, "order filled");
        }
        OrderReport::Liquidated(fill) => {
            let (quantity, price) = (fill.quantity, fill.price);
            tracing::error!(%quantity, %price, "position liquidated");
        }
        report => tracing::debug!(%order, ?report, "news of an order"),
    }
}

/// What a person is told: halts, differences between books and venue, storage.
pub(super) fn notice(notice: &Notice) {
    let (kind, text) = (notice.kind.as_str(), notice.text.as_str());
    match notice.level {
        AlertLevel::Info => tracing::info!(kind, text, "notice"),
        AlertLevel::Warning => tracing::warn!(kind, text, "notice"),
        AlertLevel::Error => tracing::error!(kind, text, "notice"),
        AlertLevel::Critical => tracing::error!(kind, text, is_critical = true, "notice"),
    }
}

/// The instrument's name; empty for one that the engine does not have.
fn symbol<S: Strategy, M: MetricsSink>(bot: &Bot<S, M>, instrument: InstrumentId) -> &str {
    let found = bot.engine().instruments().get(instrument);
    found.map(|found| found.symbol.as_str()).unwrap_or_default()
}
