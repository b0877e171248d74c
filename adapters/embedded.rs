//! [`Embedded`]: the built-in runtime.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::{OnceLock, Weak},
    task::{Context, Poll, Waker},
    thread,
    time::Instant,
};

use futures_lite::future::block_on;

use self::{busy::poll_while_busy, engine::Engine};
use super::{FuturesSleep, FuturesTimer};
use crate::{BlockOn, Result, Spawner, Timer, runtime::IN_A_ROW};

mod busy;
mod engine;
mod pool;

pub use self::pool::EmbeddedPool;

/// A handle on an [`EmbeddedPool`]; a runtime for programs that bring none.
///
/// It keeps no task alive: when the pool is dropped, so are its tasks, and what is spawned later is
/// dropped inside the call. Its clock is [`FuturesTimer`].
///
/// # Examples
///
/// ```
/// use windlass::{BlockOn, Spawner, adapters::Embedded};
///
/// let rt = Embedded::global();
/// let (send, receive) = futures::channel::oneshot::channel();
/// rt.spawn(async { send.send("on a thread of the pool").unwrap() });
/// assert_eq!(rt.block_on(receive).unwrap(), Ok("on a thread of the pool"));
/// ```
#[derive(Clone)]
pub struct Embedded(Weak<Engine>);

// ===== impl Embedded =====

impl Embedded {
    /// Returns the pool of the whole program: a thread per core, started on first use, never
    /// dropped.
    ///
    /// # Panics
    ///
    /// As [`EmbeddedPool::new`], on first use.
    pub fn global() -> Self {
        static GLOBAL: OnceLock<EmbeddedPool> = OnceLock::new();
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        GLOBAL.get_or_init(|| EmbeddedPool::new(cores())).handle()
    }

    /// Runs what was not ready at once.
    fn wait<F: Future>(&self, mut future: Pin<&mut F>) -> F::Output {
        if let Some(output) = poll_while_busy(future.as_mut()) {
            return output;
        }
        let output = self
            .0
            .upgrade()
            .and_then(|engine| engine.drive(&mut future));
        output.unwrap_or_else(|| block_on(future))
    }
}

impl Spawner for Embedded {
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(engine) = self.0.upgrade() {
            engine.executor.spawn(future).detach();
        }
    }

    // Each thread takes what is spawned or woken by any.
    fn in_a_row(&self) -> usize {
        IN_A_ROW
    }
}

impl Timer for Embedded {
    type Sleep = FuturesSleep;

    fn now(&self) -> Instant {
        FuturesTimer.now()
    }

    fn sleep_until(&self, deadline: Instant) -> FuturesSleep {
        FuturesTimer.sleep_until(deadline)
    }
}

impl BlockOn for Embedded {
    /// Runs `future` to its end, and tasks of the pool while it waits; never refuses.
    ///
    /// If the pool is dropped meanwhile, or has been before, only `future` is run.
    #[inline]
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        let mut future = pin!(future);
        // What is ready at once needs no waker. A wake that goes nowhere is not missed: whatever it
        // tells is seen by the next poll, which follows in any case.
        let mut nowhere = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut nowhere) {
            return Ok(output);
        }
        Ok(self.wait(future))
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").finish_non_exhaustive()
    }
}
