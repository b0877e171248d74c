//! [`AsyncIoSleep`]: the timer that smol and async-std share.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use async_io::Timer as Inner;

use crate::{Sleep, runtime::deadline_within_reach};

/// The sleep of [`Smol`](super::Smol) and [`AsyncStd`](super::AsyncStd): a timer of the `async-io`
/// reactor, on the system's monotonic clock.
///
/// # Cancel safety
///
/// Dropping it disarms it and loses nothing.
#[derive(Debug)]
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct AsyncIoSleep {
    inner: Inner,
    fired: bool,
}

impl AsyncIoSleep {
    pub(super) fn until(deadline: Instant) -> Self {
        AsyncIoSleep {
            inner: Inner::at(deadline_within_reach(Instant::now(), deadline)),
            fired: false,
        }
    }
}

impl Future for AsyncIoSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Pending: the reactor wakes us. Once it has fired, the inner timer would never again.
        if self.fired || Pin::new(&mut self.inner).poll(cx).is_ready() {
            self.fired = true;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Sleep for AsyncIoSleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.fired = false;
        let deadline = deadline_within_reach(Instant::now(), deadline);
        self.inner.set_at(deadline);
    }
}
