use std::sync::Arc;

use crate::live::mailbox::{Mailbox, Posted};
use crate::live::quality::Seen;
use crate::types::Timestamp;
use crate::venue::{BookFault, MarketNews, Subscription, VenueEvent};

/// Under what a reader's newest value waits: quotes, or a mark beside its funding.
type Latest = (Subscription, u8);
pub(super) type Post = Mailbox<Latest, VenueEvent>;

/// One subscription of one reader.
#[derive(Debug)]
pub(in crate::live) struct Member {
    pub(in crate::live) subscription: Subscription,
    pub(super) mailbox: Arc<Post>,
    is_started: bool,
}

impl Member {
    pub(super) const fn new(subscription: Subscription, mailbox: Arc<Post>) -> Self {
        Self { subscription, mailbox, is_started: false }
    }
}

/// All who read one stream. What is told bears the time of the wall clock, and what becomes of it
/// is counted.
#[derive(Debug, Default)]
pub(in crate::live) struct Audience {
    pub(super) members: Vec<Member>,
}

impl Audience {
    /// A reader joins; the answer is its place.
    pub(in crate::live) fn join(&mut self, member: Member) -> usize {
        self.members.push(member);
        self.members.len() - 1
    }

    /// Readers that are gone are forgotten; true when some were.
    pub(in crate::live) fn sweep(&mut self) -> bool {
        let before = self.members.len();
        self.members.retain(|member| !member.mailbox.is_gone());
        self.members.len() != before
    }

    pub(in crate::live) const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// What they have asked for, each at its place.
    pub(in crate::live) fn subscriptions(&self) -> impl Iterator<Item = Subscription> {
        self.members.iter().map(|member| member.subscription)
    }

    /// Those that are meant are told that their data are current, unless they know.
    pub(in crate::live) fn started<K>(
        &mut self,
        at: Timestamp,
        seen: &mut Seen<K>,
        is_meant: impl Fn(usize, Subscription) -> bool,
    ) {
        for (place, member) in self.members.iter_mut().enumerate() {
            if !member.is_started && is_meant(place, member.subscription) {
                member.is_started = true;
                let event = VenueEvent::Started { at, subscription: member.subscription };
                count(member.mailbox.post(event), seen);
            }
        }
    }

    /// Those that are meant are told that nothing is to be trusted any more, unless they know.
    pub(in crate::live) fn lost<K>(
        &mut self,
        at: Timestamp,
        seen: &mut Seen<K>,
        fault: Option<BookFault>,
        is_meant: impl Fn(Subscription) -> bool,
    ) {
        for member in &mut self.members {
            if member.is_started && is_meant(member.subscription) {
                member.is_started = false;
                let subscription = member.subscription;
                // What waits of it is not true any more.
                member.mailbox.withdraw((subscription, 0));
                member.mailbox.withdraw((subscription, 1));
                let event = VenueEvent::Lost { at, subscription, fault };
                count(member.mailbox.post(event), seen);
            }
        }
    }

    /// Those that are meant get a piece of news.
    pub(in crate::live) fn tell<K>(
        &self,
        at: Timestamp,
        seen: &mut Seen<K>,
        is_meant: impl Fn(usize, Subscription) -> bool,
        news: &MarketNews,
    ) {
        let kind = u8::from(matches!(news, MarketNews::Funding(_)));
        for (place, member) in self.members.iter().enumerate() {
            let subscription = member.subscription;
            if !is_meant(place, subscription) {
                continue;
            }
            let event = VenueEvent::News { at, news: news.clone() };
            let posted = match subscription.channel.keeps_latest() {
                true => member.mailbox.post_latest((subscription, kind), event),
                false => member.mailbox.post(event),
            };
            count(posted, seen);
        }
    }

    /// The streams of all readers end.
    pub(in crate::live) fn end(&self) {
        for member in &self.members {
            member.mailbox.end();
        }
    }
}

pub(super) fn count<K>(posted: Posted, seen: &mut Seen<K>) {
    match posted {
        Posted::Replaced => seen.counts.replaced += 1,
        Posted::Dropped => seen.counts.dropped += 1,
        Posted::Queued | Posted::Gone => {}
    }
}
