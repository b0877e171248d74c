//! Waits for threads: the end of a context, the outcome of a task.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use crate::{Ctx, Error, NestedRun, Result, Task, error::TimedOut, task::current};

impl<R> Ctx<R> {
    /// Blocks the thread until the context ends, for at most `limit`, and says why it did.
    ///
    /// The time is that of the system's clock.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if it goes on after `limit`; [`NestedRun`] in a task of ours, which has
    /// [`done`](Self::done) for that.
    ///
    /// # Blocking
    ///
    /// For at most `limit`. A thread that runs tasks of others is not recognised: blocking the only
    /// one on work that needs it takes the whole `limit`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{thread, time::Duration};
    /// use windlass::Ctx;
    ///
    /// let ctx = Ctx::root_on("app", ());
    /// let ends = ctx.clone();
    /// thread::spawn(move || ends.cancel());
    /// let why = ctx.blocking_done(Duration::from_secs(60)).unwrap();
    /// assert!(why.is_cancelled());
    /// ```
    pub fn blocking_done(&self, limit: Duration) -> Result<Error> {
        wait(self.done(), limit, || self.node().error_path())
    }
}

impl<T> Task<T> {
    /// Blocks the thread until the task has ended, for at most `limit`, and gives its outcome.
    ///
    /// The time is that of the system's clock. If the time runs out, the task goes on, and can be
    /// asked again.
    ///
    /// # Errors
    ///
    /// Outside: [`Error::TimedOut`] if it goes on after `limit`; [`NestedRun`] in a task of ours,
    /// which awaits it instead. Inside: those of awaiting the task.
    ///
    /// # Blocking
    ///
    /// As for [`Ctx::blocking_done`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "embedded")] {
    /// use std::time::Duration;
    /// use windlass::{Ctx, adapters::Embedded};
    ///
    /// let ctx = Ctx::root("app", Embedded::global());
    /// let mut task = ctx.spawn(async { 42 });
    /// let outcome = task.blocking_join(Duration::from_secs(60)).unwrap();
    /// assert_eq!(outcome.unwrap(), 42);
    /// # }
    /// ```
    pub fn blocking_join(&mut self, limit: Duration) -> Result<Result<T>> {
        let path = self.path();
        wait(self, limit, || path)
    }
}

fn wait<F: Future>(future: F, limit: Duration, path: impl FnOnce() -> String) -> Result<F::Output> {
    if current::get().is_some() {
        let why = "it is polling a task: `.await` there, or wait on a thread of `spawn_blocking`";
        return Err(NestedRun::new(why).into());
    }
    let start = Instant::now();
    let deadline = start.checked_add(limit);
    block_until(future, deadline).ok_or_else(|| {
        let at = deadline.unwrap_or(start);
        Error::TimedOut(TimedOut::new(path(), limit, at))
    })
}

/// Polls `future` on this thread until it is ready, or `deadline` is over; then once more, since what
/// has ended may give others a turn first.
fn block_until<F: Future>(future: F, deadline: Option<Instant>) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = unpark(thread::current());
    let mut is_over = false;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        if is_over {
            return None;
        }
        is_over = !park_until(deadline);
    }
}

/// Parks this thread until it is unparked, or perhaps earlier; false if `deadline` is over.
pub(crate) fn park_until(deadline: Option<Instant>) -> bool {
    let Some(deadline) = deadline else {
        thread::park();
        return true;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return false;
    }
    thread::park_timeout(left);
    true
}

/// A waker that unparks `thread`.
pub(crate) fn unpark(thread: Thread) -> Waker {
    Arc::new(Unpark(thread)).into()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}
