//! [`EventLoop`]: several runs with tasks that go on in between.

use std::fmt;

use super::futures::{Futures, TryFutures};
use crate::{BlockOn, Ctx, Finished, Result, Runtime};

/// Several runs on one runtime, and a context for the tasks that go on between them.
///
/// Tasks that are spawned in [`ctx`](Self::ctx) run while a run lasts, and in between if the
/// runtime has threads of its own. When the loop is dropped, what is left of them is cancelled and
/// waited for. It ends when its context ends: by an error, a deadline, or whoever cancels it.
///
/// # Blocking
///
/// The runs block the thread, and so does the drop, until what is left has ended. Where the thread
/// must not block, the drop only cancels.
///
/// # Comparison with asyncio's loop and a tokio `Runtime`
///
/// It is the loop of asyncio's `run_until_complete` and `run_forever`, and of miniasync: tasks go
/// on between runs, and what is left when it closes is cancelled and waited for. A tokio `Runtime`
/// drops what is left instead. For a single run [`run`](crate::run()) does.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "embedded")] {
/// use windlass::{EventLoop, adapters::Embedded};
///
/// let l = EventLoop::new(Embedded::global());
/// let task = l.ctx().spawn(async { 20 });
/// let (a, b) = l.run((task, async { 22 })).unwrap();
/// assert_eq!(a.unwrap() + b, 42);
///
/// let ctx = l.ctx().clone();
/// l.ctx().call_soon(move || assert!(ctx.stop()));
/// l.run_forever().unwrap();
/// # }
/// ```
#[must_use = "dropping the loop cancels its tasks"]
pub struct EventLoop<R, B = R> {
    ctx: Ctx<R>,
    driver: B,
    /// Waits for the tasks; known where `B: BlockOn` was, so that the type asks nothing of `B`.
    wait: fn(&Ctx<R>, &B) -> Result<Finished>,
}

impl<R: BlockOn + Runtime> EventLoop<R> {
    /// Makes a loop on `rt`, with a tree of contexts of its own.
    #[track_caller]
    pub fn new(rt: R) -> Self {
        EventLoop::from_parts(Ctx::root_on("event loop", rt.clone()), rt)
    }
}

impl<R, B: BlockOn> EventLoop<R, B> {
    /// Makes a loop of a context and what drives it, where these are two values.
    ///
    /// The context is the loop's from now on: it ends with it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")] {
    /// use std::time::Duration;
    /// use windlass::{Ctx, EventLoop, testing::SimRuntime};
    ///
    /// let rt = SimRuntime::new();
    /// let ctx = Ctx::root("app", rt.clone()).build("day").timeout(Duration::from_secs(5)).start();
    /// let l = EventLoop::from_parts(ctx, rt);
    /// assert!(l.run(std::future::pending::<()>()).unwrap_err().is_timed_out());
    /// # }
    /// ```
    pub fn from_parts(ctx: Ctx<R>, driver: B) -> Self {
        let wait = |ctx: &Ctx<R>, driver: &B| driver.block_on(ctx.finish());
        EventLoop { ctx, driver, wait }
    }

    /// Returns the context to spawn in.
    pub fn ctx(&self) -> &Ctx<R> {
        &self.ctx
    }

    /// Runs futures like [`run`](crate::run()), as long as the context goes on.
    ///
    /// # Errors
    ///
    /// The error that the context ended with; [`NestedRun`](crate::NestedRun) where the thread must
    /// not block.
    ///
    /// # Panics
    ///
    /// A panic in one of the futures drops the others and goes on to the caller.
    ///
    /// # Blocking
    ///
    /// For as long as the futures take.
    pub fn run<M, S: Futures<M>>(&self, set: S) -> Result<S::Output> {
        self.driver.block_on(self.ctx.run_until_done(set.all()))?
    }

    /// Runs futures of `Result`s like [`try_run`](crate::try_run), as long as the context goes on.
    ///
    /// # Errors
    ///
    /// The first error; the others are dropped then. Those of [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As for [`run`](Self::run).
    ///
    /// # Blocking
    ///
    /// For as long as the futures take, or the first error.
    pub fn try_run<M, S: TryFutures<M>>(&self, set: S) -> Result<S::Output> {
        self.driver.block_on(self.ctx.run_until_done(set.all()))??
    }

    /// Runs until `ctx().stop()`, or until the context ends.
    ///
    /// What is ready then still has its turn. The tasks go on: [`close`](Self::close), the drop, or
    /// another run decides about them.
    ///
    /// # Errors
    ///
    /// The error that the context ended with, unless that is a cancellation;
    /// [`NestedRun`](crate::NestedRun) where the thread must not block.
    ///
    /// # Blocking
    ///
    /// Until somebody asks the context to stop, or ends it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")] {
    /// use std::time::Duration;
    /// use windlass::{EventLoop, testing::SimRuntime};
    ///
    /// let l = EventLoop::new(SimRuntime::new());
    /// let ctx = l.ctx().clone();
    /// l.ctx().call_later(Duration::from_secs(60), move || drop(ctx.stop()));
    /// l.run_forever().unwrap();
    /// assert!(!l.ctx().is_done(), "asked, not ended");
    /// # }
    /// ```
    pub fn run_forever(&self) -> Result<()> {
        self.driver.block_on(self.ctx.stopping())?;
        match self.ctx.error() {
            Some(error) if !error.is_cancelled() => Err(error),
            _ => Ok(()),
        }
    }

    /// Cancels what is left, waits for it, and tells how all tasks ended.
    ///
    /// # Errors
    ///
    /// [`NestedRun`](crate::NestedRun) where the thread must not block; what is left is cancelled all
    /// the same.
    ///
    /// # Blocking
    ///
    /// Until everything below has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")] {
    /// use windlass::{EventLoop, testing::SimRuntime};
    ///
    /// let l = EventLoop::new(SimRuntime::new());
    /// drop(l.ctx().spawn(std::future::pending::<()>()));
    /// l.run(async {}).unwrap();
    /// let finished = l.close().unwrap();
    /// assert_eq!(finished.cancelled, 1);
    /// # }
    /// ```
    #[track_caller]
    pub fn close(self) -> Result<Finished> {
        self.ctx.cancel();
        (self.wait)(&self.ctx, &self.driver)
    }
}

impl<R, B> Drop for EventLoop<R, B> {
    fn drop(&mut self) {
        self.ctx.cancel();
        // Refused: then the tasks end without being waited for.
        let _ = (self.wait)(&self.ctx, &self.driver);
    }
}

impl<R, B> fmt::Debug for EventLoop<R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("ctx", &self.ctx)
            .finish_non_exhaustive()
    }
}
