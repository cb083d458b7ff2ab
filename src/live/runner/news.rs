//! What the gateway tells.

use rust_decimal::Decimal;

use crate::metrics::MetricsSink;
use crate::strategy::Strategy;
use crate::types::{AdjustmentCause, AlertLevel, OrderReport, SlotId, Timestamp};
use crate::venue::{OrderNews, UserNews};

use super::bot::Away;
use super::reconcile::Holding;
use super::{Bot, BotAction, Difference, NoticeKind, Resolution};
use crate::live::GatewayEvent;

impl<S: Strategy, M: MetricsSink> Bot<S, M> {
    /// Takes what the gateway tells.
    pub fn gateway(&mut self, at: Timestamp, event: GatewayEvent, out: &mut Vec<BotAction>) {
        if self.is_over() {
            return;
        }
        match event {
            GatewayEvent::Started => self.news_back(at, out),
            GatewayEvent::Lost { reason } => self.news_lost(at, &reason, out),
            GatewayEvent::News(news) => self.on_news(at, &news, out),
            GatewayEvent::Placed { order, answer, fills } => {
                self.on_placed(at, (order, answer), &fills, out);
            }
            GatewayEvent::Changed { order, answer } => self.on_changed(at, (order, answer), out),
            GatewayEvent::Found { order, found } => {
                self.talk.on_found(at, order, found, &mut self.todo);
                self.run_talk(at, out);
            }
            GatewayEvent::Fills { order, fills } => {
                self.talk.on_fills(at, order, &fills, &mut self.todo);
                self.run_talk(at, out);
            }
            GatewayEvent::Picture { number, picture } => {
                self.on_picture(at, (number, picture), out);
            }
        }
        self.settle(at, out);
    }

    /// The news are current again; what happened meanwhile is not known yet.
    fn news_back(&mut self, at: Timestamp, out: &mut Vec<BotAction>) {
        if matches!(self.news, Away::Since(_, true)) {
            let text = "the news of the account are back";
            self.tell(at, NoticeKind::Reconnected, AlertLevel::Info, &text, out);
        }
        self.news = Away::No;
        self.reconciler.doubt();
        self.take_picture(at, out);
    }

    /// News may be missing: every order without an answer is in doubt, and so are the books.
    fn news_lost(&mut self, at: Timestamp, reason: &str, out: &mut Vec<BotAction>) {
        if self.news.is_there() {
            self.news = Away::Since(at, false);
            let text = format!("the news of the account were lost: {reason}");
            self.tell(at, NoticeKind::Disconnected, AlertLevel::Warning, &text, out);
        }
        self.reconciler.doubt();
        self.talk.on_disconnected(at, &mut self.todo);
        self.run_talk(at, out);
    }

    fn on_news(&mut self, at: Timestamp, news: &UserNews, out: &mut Vec<BotAction>) {
        match news {
            UserNews::Order(news) => self.on_order_news(at, news, out),
            UserNews::Balance { asset, total } => {
                if self.ours(Holding::Asset(*asset)) != Some(*total) {
                    self.look_soon(at);
                }
            }
            UserNews::Position { instrument, quantity, .. } => {
                if self.ours(Holding::Instrument(*instrument)) != Some(*quantity) {
                    self.look_soon(at);
                }
            }
            UserNews::Transfer { asset, change } => {
                // What was there before the first picture is taken over with it.
                if !self.reconciler.is_fresh() {
                    let cause = match change.cmp(&Decimal::ZERO) {
                        core::cmp::Ordering::Less => AdjustmentCause::Withdrawal,
                        core::cmp::Ordering::Equal | core::cmp::Ordering::Greater => {
                            AdjustmentCause::Deposit
                        }
                    };
                    self.adjust(at, Holding::Asset(*asset), (*change, cause), out);
                    self.reconciler.booked(at.max(self.last));
                    self.look_soon(at);
                }
            }
            UserNews::Ended => self.news_lost(at, "the venue has ended the stream", out),
            UserNews::Shutdown => {}
        }
    }

    fn on_order_news(&mut self, at: Timestamp, news: &OrderNews, out: &mut Vec<BotAction>) {
        let update = news.update;
        self.talk.on_report(update.order, &update.report);
        let is_fill = matches!(update.report, OrderReport::Fill(_) | OrderReport::Liquidated(_));
        if update.order.slot() == SlotId::HOUSE && !is_fill {
            let (venue_order, instrument) = (news.venue_order, update.instrument);
            if self.reconciler.is_new_stranger(venue_order) {
                let difference = Difference::Foreign { venue_order, instrument };
                self.explain(at, difference, Resolution::Left, out);
            }
            return;
        }
        self.report(at, update, out);
    }

    /// Books and news differ: a picture is taken as soon as both may have settled.
    fn look_soon(&mut self, at: Timestamp) {
        self.reconciler.soon(at.after(self.config.reconcile.settle));
    }
}
