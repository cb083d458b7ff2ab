use std::io;

use futures::Stream;
use futures::stream::BoxStream;

/// The process is asked to end: one word for each SIGTERM and SIGINT (Ctrl-C alone where there is
/// no Unix), for [`Runner::run_until`](super::Runner::run_until).
///
/// From the first call on these signals no longer end the process by themselves, so whoever calls
/// this has to listen. It needs a runtime of tokio with I/O.
///
/// # Errors
/// What the system says when it refuses to tell of signals.
pub fn stop_signals() -> io::Result<impl Stream<Item = ()> + Unpin + Send> {
    system::signals()
}

#[cfg(unix)]
mod system {
    use futures::{StreamExt, stream};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::{BoxStream, io};

    pub(super) fn signals() -> io::Result<BoxStream<'static, ()>> {
        let each = |kind| {
            let listener = signal(kind)?;
            let next = |mut listener: Signal| async move {
                listener.recv().await.map(|()| ((), listener))
            };
            io::Result::Ok(stream::unfold(listener, next))
        };
        let (ends, interrupts) = (each(SignalKind::terminate())?, each(SignalKind::interrupt())?);
        Ok(stream::select(ends, interrupts).boxed())
    }
}

#[cfg(not(unix))]
mod system {
    use futures::{StreamExt, stream};

    use super::{BoxStream, io};

    pub(super) fn signals() -> io::Result<BoxStream<'static, ()>> {
        let next = |()| async { tokio::signal::ctrl_c().await.ok().map(|()| ((), ())) };
        Ok(stream::unfold((), next).boxed())
    }
}
