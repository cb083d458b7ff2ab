use core::fmt::Debug;

use bytes::Bytes;
use futures::future::BoxFuture;

use super::audience::{Audience, Member};
use crate::live::net::{Endpoint, LinkEvent};
use crate::live::quality::Seen;
use crate::metrics::MessageKind;
use crate::types::Timestamp;
use crate::venue::{Clock, DecodeCounts, ExchangeError, LinkId, MarketNews, StreamId};

/// The protocol of a venue, as one session speaks it: texts in and out, no sockets and no waiting.
pub(in crate::live) trait Wire: Send + Sized + 'static {
    /// Names a stream.
    type Key: Copy + Ord + Send + 'static;
    /// What a stream is asked for by.
    type Ask: Debug + Send + Sync + 'static;
    /// What a stream needs now and then.
    type Job: Copy + Debug + Send + 'static;
    /// What makes sound data of a stream.
    type Feed: Feed<Self>;

    /// A stream that nobody has asked for before.
    fn feed(&self, key: Self::Key) -> Self::Feed;

    /// True for a stream that may be silent for ever: nobody need trade.
    fn is_quiet(key: Self::Key) -> bool;

    /// The stream that a piece of news came by.
    fn key_of(news: &MarketNews) -> Option<Self::Key>;

    /// The venue's name of what a stream is of, where it is of one instrument.
    fn symbol(&self, key: Self::Key) -> Option<&str>;

    /// Where a new connection goes to, or why none may be tried.
    fn address(&mut self) -> Result<(Endpoint, String), String>;

    /// Hears of a connection what is no message.
    fn on_link(&mut self, link: LinkId, event: &LinkEvent);

    /// The driver has given a connection up: nothing that it still brings is worth anything.
    fn on_given_up(&mut self) {}

    /// Reads a message; none where it is of no use whatever it says.
    fn read(
        &mut self,
        clock: &dyn Clock,
        link: LinkId,
        bytes: &[u8],
        out: &mut Heard,
    ) -> Option<MessageKind>;

    /// Writes the texts that ask for these streams on a connection.
    fn subscribe(
        &mut self,
        link: LinkId,
        streams: &[(StreamId, &Self::Ask)],
        out: &mut Vec<String>,
    );

    /// Writes the text that gives a stream up.
    fn unsubscribe(&mut self, ask: &Self::Ask) -> String;

    /// True for a job that is another subscription of the stream.
    fn is_subscription(_job: Self::Job) -> bool {
        false
    }

    /// The question by HTTP that a job is; none where there is nothing to ask.
    fn question(&self, key: Self::Key, job: Self::Job) -> Option<Question>;

    /// When [`Wire::is_broken`] may become true by itself.
    fn deadline(&self) -> Option<Timestamp> {
        None
    }

    /// True when a message of the connection was lost: nothing of it can be vouched for.
    fn is_broken(&self, _at: Timestamp) -> bool {
        false
    }

    /// True once when it is time to move to another connection, which is made first.
    fn moves(&mut self, _clock: &dyn Clock) -> bool {
        false
    }

    /// What the decoder has passed over.
    fn passed(&self) -> DecodeCounts;
}

/// One stream of a venue: what it says becomes what its readers are told.
pub(in crate::live) trait Feed<W: Wire>: Send {
    /// All who read it.
    fn audience(&self) -> &Audience;

    fn audience_mut(&mut self) -> &mut Audience;

    /// The venue's stream is current.
    fn is_started(&self) -> bool;

    /// When [`Feed::on_time`] has something to do.
    fn deadline(&self) -> Option<Timestamp>;

    fn on_time(&mut self, moment: &mut Moment<'_, W>);

    /// A reader joins.
    fn join(&mut self, reader: Member, moment: &mut Moment<'_, W>);

    /// A connection stands on which nothing was said yet.
    fn on_connected(&mut self) {}

    /// The venue's stream is current from now on.
    fn start(&mut self, moment: &mut Moment<'_, W>);

    /// Nothing is to be trusted until it is started again.
    fn lose(&mut self, moment: &mut Moment<'_, W>);

    /// Asks by HTTP for what the stream would say, unless that is on its way.
    fn poll(&mut self, moment: &mut Moment<'_, W>);

    /// Takes what the stream says, of the connection that serves, or of another one.
    fn on_news(&mut self, news: MarketNews, serves: bool, moment: &mut Moment<'_, W>);

    /// Takes the answer to what was asked by HTTP; none when it failed.
    fn on_answer(
        &mut self,
        errand: Errand<W::Job>,
        body: Option<Bytes>,
        moment: &mut Moment<'_, W>,
    );
}

/// The moment, by both clocks, where to count, and whom to ask.
pub(in crate::live) struct Moment<'a, W: Wire> {
    /// By the monotonic clock.
    pub(in crate::live) at: Timestamp,
    /// By the wall clock.
    pub(in crate::live) wall: Timestamp,
    pub(in crate::live) seen: &'a mut Seen<W::Key>,
    pub(in crate::live) wire: &'a mut W,
    /// What the stream needs.
    pub(in crate::live) errands: &'a mut Vec<Errand<W::Job>>,
}

impl<W: Wire> Moment<'_, W> {
    /// Asks for something now.
    pub(in crate::live) fn ask(&mut self, job: W::Job) {
        self.ask_after(job, 0);
    }

    /// Asks for something that has failed so often in a row: after a pause, which grows.
    pub(in crate::live) fn ask_after(&mut self, job: W::Job, failures: u32) {
        self.errands.push(Errand { job, failures });
    }
}

/// A job with how often it has failed in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::live) struct Errand<J> {
    pub(in crate::live) job: J,
    pub(in crate::live) failures: u32,
}

/// A question by HTTP, whose answer goes to the feed.
pub(in crate::live) type Question = BoxFuture<'static, Result<Bytes, ExchangeError>>;

/// What a message has said, of its connection and of markets.
#[derive(Debug, Default)]
pub(in crate::live) struct Heard {
    /// These subscriptions were taken.
    pub(in crate::live) acknowledged: Vec<StreamId>,
    /// These were not.
    pub(in crate::live) refused: Vec<StreamId>,
    /// The venue will go away.
    pub(in crate::live) is_leaving: bool,
    pub(in crate::live) news: Vec<MarketNews>,
}
