//! [`AsyncStd`]: the async-std runtime.

use std::{future::Future, time::Instant};

use async_std::task;

use super::AsyncIoSleep;
use crate::{BlockOn, Result, Spawner, Timer, runtime::IN_A_ROW};

/// The global runtime of async-std.
///
/// async-std has been discontinued, which is what the advisory RUSTSEC-2025-0052 says; its authors
/// recommend [`Smol`](super::Smol), which stands on the same parts. This adapter is for programs
/// that still use it.
///
/// Its threads start on first use and never stop, so no task is ever dropped unfinished. It has no
/// [`LocalSpawner`](crate::LocalSpawner): its own `spawn_local` is behind a feature it calls
/// unstable. [`SmolLocal`](super::SmolLocal) works beside it.
///
/// # Examples
///
/// ```
/// use windlass::{BlockOn, Spawner, adapters::AsyncStd};
///
/// let (send, receive) = futures::channel::oneshot::channel();
/// AsyncStd.spawn(async { send.send("on a thread of async-std").unwrap() });
/// assert_eq!(AsyncStd.block_on(receive).unwrap(), Ok("on a thread of async-std"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStd;

impl Spawner for AsyncStd {
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(task::spawn(future));
    }

    // Each thread takes what is spawned or woken by any.
    fn in_a_row(&self) -> usize {
        IN_A_ROW
    }

    fn spawn_blocking<W>(&self, work: W)
    where
        W: FnOnce() + Send + 'static,
    {
        drop(task::spawn_blocking(work));
    }
}

impl Timer for AsyncStd {
    type Sleep = AsyncIoSleep;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> AsyncIoSleep {
        AsyncIoSleep::until(deadline)
    }
}

impl BlockOn for AsyncStd {
    /// Runs `future` to its end; never refuses. Inside a task of async-std, another of its threads
    /// must be free to run what is waited for.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        Ok(task::block_on(future))
    }
}
