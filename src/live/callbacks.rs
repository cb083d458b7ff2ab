use futures::{Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Calls a function for everything that a stream says: the callback form of market and user
/// streams. It ends with the stream, or when this handle is dropped.
///
/// The function runs on a worker of the runtime: it should come back soon. While it runs, the
/// stream's queue keeps what comes.
///
/// ```
/// use futures::stream;
/// use tradewright::live::Callbacks;
///
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let (sender, receiver) = std::sync::mpsc::channel();
/// let callbacks = Callbacks::spawn(runtime.handle(), stream::iter([1, 2]), move |number| {
///     sender.send(number).unwrap_or_default();
/// });
/// runtime.block_on(callbacks.ended());
/// assert_eq!(receiver.try_iter().collect::<Vec<i32>>(), [1, 2]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the calls end when this is dropped"]
pub struct Callbacks {
    task: Option<JoinHandle<()>>,
}

impl Callbacks {
    /// Begins to call.
    pub fn spawn<S>(
        runtime: &Handle,
        stream: S,
        mut callback: impl FnMut(S::Item) + Send + 'static,
    ) -> Self
    where
        S: Stream + Send + 'static,
        S::Item: Send,
    {
        let task = runtime.spawn(async move {
            let mut stream = core::pin::pin!(stream);
            while let Some(item) = stream.next().await {
                callback(item);
            }
        });
        Self { task: Some(task) }
    }

    /// Waits for the end of the stream; everything in it has been told by then.
    pub async fn ended(mut self) {
        if let Some(task) = self.task.take() {
            // A callback that panicked has ended its own task alone.
            let _panicked = task.await;
        }
    }
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
