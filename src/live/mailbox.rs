use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::Stream;

/// A bounded queue from a service to one reader. Of values that replace one another only the
/// newest waits, at the place of the first; of all others none is dropped before the queue is
/// full, and then the reader is told how many.
#[derive(Debug)]
pub(super) struct Mailbox<K, T> {
    inner: Mutex<Inner<K, T>>,
    most: usize,
    /// Makes the value that tells how many were dropped.
    lagged: fn(u64) -> T,
}

/// The reader's end.
#[derive(Debug)]
pub(super) struct Reader<K: Ord + Copy, T> {
    mailbox: Arc<Mailbox<K, T>>,
}

#[derive(Debug)]
struct Inner<K, T> {
    queue: VecDeque<Entry<K, T>>,
    latest: BTreeMap<K, T>,
    /// Dropped since the entry that tells it was queued; that entry is the last of the queue.
    dropped: u64,
    waker: Option<Waker>,
    is_ended: bool,
    is_gone: bool,
}

#[derive(Debug)]
enum Entry<K, T> {
    Each(T),
    Latest(K),
    Lagged,
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Posted {
    Queued,
    /// An older value was replaced.
    Replaced,
    /// The queue is full.
    Dropped,
    /// The reader is gone.
    Gone,
}

impl<K: Ord + Copy, T> Mailbox<K, T> {
    /// A queue for at most `most` values.
    pub(super) fn new(most: usize, lagged: fn(u64) -> T) -> (Arc<Self>, Reader<K, T>) {
        let inner = Inner {
            queue: VecDeque::new(),
            latest: BTreeMap::new(),
            dropped: 0,
            waker: None,
            is_ended: false,
            is_gone: false,
        };
        let mailbox = Arc::new(Self { inner: Mutex::new(inner), most, lagged });
        (Arc::clone(&mailbox), Reader { mailbox })
    }

    /// Queues a value that must not be dropped.
    pub(super) fn post(&self, value: T) -> Posted {
        let mut inner = self.lock();
        if inner.is_gone {
            return Posted::Gone;
        }
        if inner.queue.len() >= self.most.max(1) {
            if inner.dropped == 0 {
                inner.queue.push_back(Entry::Lagged);
            }
            inner.dropped += 1;
            return Posted::Dropped;
        }
        inner.queue.push_back(Entry::Each(value));
        inner.wake();
        Posted::Queued
    }

    /// Queues a value that makes the one before it under the same key worthless. It takes no
    /// place from the others: there are as many as keys.
    pub(super) fn post_latest(&self, key: K, value: T) -> Posted {
        let mut inner = self.lock();
        if inner.is_gone {
            return Posted::Gone;
        }
        if inner.latest.insert(key, value).is_some() {
            return Posted::Replaced;
        }
        inner.queue.push_back(Entry::Latest(key));
        inner.wake();
        Posted::Queued
    }

    /// Forgets what waits under a key: it is not true any more.
    pub(super) fn withdraw(&self, key: K) {
        let mut inner = self.lock();
        if inner.latest.remove(&key).is_some() {
            inner.queue.retain(|entry| !matches!(entry, Entry::Latest(other) if *other == key));
        }
    }

    /// Nothing more will come; the reader's stream ends after what waits.
    pub(super) fn end(&self) {
        let mut inner = self.lock();
        inner.is_ended = true;
        inner.wake();
    }

    pub(super) fn is_gone(&self) -> bool {
        self.lock().is_gone
    }

    fn take(&self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut inner = self.lock();
        while let Some(entry) = inner.queue.pop_front() {
            match entry {
                Entry::Each(value) => return Poll::Ready(Some(value)),
                Entry::Latest(key) => {
                    if let Some(value) = inner.latest.remove(&key) {
                        return Poll::Ready(Some(value));
                    }
                }
                Entry::Lagged => {
                    let dropped = core::mem::take(&mut inner.dropped);
                    return Poll::Ready(Some((self.lagged)(dropped)));
                }
            }
        }
        if inner.is_ended {
            return Poll::Ready(None);
        }
        inner.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Nothing that holds the lock can panic half-way, so what it guards is sound.
    fn lock(&self) -> MutexGuard<'_, Inner<K, T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, T> Inner<K, T> {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl<K: Ord + Copy, T> Stream for Reader<K, T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.mailbox.take(context)
    }
}

impl<K: Ord + Copy, T> Drop for Reader<K, T> {
    fn drop(&mut self) {
        let mut inner = self.mailbox.lock();
        inner.is_gone = true;
        inner.queue.clear();
        inner.latest.clear();
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt};

    use super::*;

    #[derive(Debug, PartialEq)]
    enum Said {
        Each(u32),
        Quote(u32),
        Lagged(u64),
    }

    fn read_all(reader: &mut Reader<u8, Said>) -> Vec<Said> {
        std::iter::from_fn(|| reader.next().now_or_never().flatten()).collect()
    }

    #[test]
    fn quotes_give_way_and_trades_do_not() {
        let (mailbox, mut reader) = Mailbox::new(3, Said::Lagged);
        mailbox.post(Said::Each(1));
        assert_eq!(mailbox.post_latest(7, Said::Quote(1)), Posted::Queued);
        assert_eq!(mailbox.post_latest(7, Said::Quote(2)), Posted::Replaced);
        mailbox.post(Said::Each(2));
        assert_eq!(read_all(&mut reader), [Said::Each(1), Said::Quote(2), Said::Each(2)]);
        assert_eq!(mailbox.post_latest(7, Said::Quote(3)), Posted::Queued);
        assert_eq!(read_all(&mut reader), [Said::Quote(3)]);
    }

    #[test]
    fn a_full_queue_tells_how_much_it_lost_at_the_place_of_the_loss() {
        let (mailbox, mut reader) = Mailbox::new(2, Said::Lagged);
        for number in 1..=5 {
            mailbox.post(Said::Each(number));
        }
        assert_eq!(read_all(&mut reader), [Said::Each(1), Said::Each(2), Said::Lagged(3)]);
        assert_eq!(mailbox.post(Said::Each(6)), Posted::Queued);
        assert_eq!(read_all(&mut reader), [Said::Each(6)]);
    }

    #[test]
    fn what_is_withdrawn_is_not_read_and_what_was_received_is() {
        let (mailbox, mut reader) = Mailbox::new(9, Said::Lagged);
        mailbox.post_latest(7, Said::Quote(1));
        mailbox.withdraw(7);
        mailbox.post(Said::Each(1));
        mailbox.end();
        assert_eq!(reader.next().now_or_never().flatten(), Some(Said::Each(1)));
        assert_eq!(reader.next().now_or_never(), Some(None));
        drop(reader);
        assert_eq!(mailbox.post(Said::Each(2)), Posted::Gone);
    }
}
