//! Waiting for several things: for the first, for all, with a timeout.

mod set;
mod watch;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project::pin_project;

pub use self::set::WaitSet;
use self::watch::Watch;
use crate::{
    Ctx, Error, Result, Sleep, Timer,
    ctx::{EndWatch, orphaned},
};

/// When a wait is over.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///     use windlass::Until;
///
///     let quick = sim.ctx.child("quick");
///     let slow = sim.ctx.build("slow").timeout(Duration::from_secs(9)).start();
///     quick.cancel();
///     for (until, done) in [(Until::First, 1), (Until::FirstError, 2), (Until::All, 2)] {
///         let waited = sim.ctx.wait((&quick, &slow), until).await.unwrap();
///         assert_eq!(waited.done.len(), done, "{until:?}");
///     }
/// });
/// ```
#[doc(alias = "return_when")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Until {
    /// When all are done.
    All,
    /// When one is done.
    First,
    /// When one has failed, or all are done. A cancellation is not a failure.
    FirstError,
}

/// What a wait found, by place in the set.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::{future::pending, time::Duration};
///     use windlass::{Event, Until};
///
///     let (set, unset) = (Event::new(), Event::new());
///     set.set();
///     let wait = sim.ctx.wait((&unset, &set), Until::All).timeout(Duration::from_secs(1));
///     let waited = wait.await.unwrap();
///     assert_eq!((waited.done, waited.pending), (vec![1], vec![0]));
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waited {
    /// The places of those that are done.
    pub done: Vec<usize>,
    /// The places of those that are not.
    pub pending: Vec<usize>,
}

// ===== waits without a context =====

/// A wait without a context.
struct Waiting<W, F> {
    set: W,
    watch: Watch,
    poll: F,
}

impl<W, F> Unpin for Waiting<W, F> {}

impl<W: WaitSet, T, F> Future for Waiting<W, F>
where
    F: FnMut(&mut Watch, &W, &mut Context<'_>) -> Poll<T>,
{
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        (this.poll)(&mut this.watch, &this.set, cx)
    }
}

/// Waits until one of `set` is done, and says which; `None` for an empty set.
///
/// Of several the one with the lowest place is named. Values and errors are left where they are.
/// Even if one is done already, it yields to the executor once.
///
/// # Cancel safety
///
/// Dropping the future leaves no trace; nothing is cancelled.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::{Event, wait_for_first};
///
///     let (slow, quick) = (sim.ctx.spawn(std::future::pending::<()>()), Event::new());
///     quick.set();
///     assert_eq!(wait_for_first((&slow, &quick)).await, Some(1));
///     assert!(!slow.is_done());
///     let nothing: [Event; 0] = [];
///     assert_eq!(wait_for_first(nothing).await, None);
///     slow.cancel();
/// });
/// ```
#[doc(alias = "select")]
pub async fn wait_for_first<W: WaitSet>(set: W) -> Option<usize> {
    Waiting {
        set,
        watch: Watch::new(),
        poll: |w: &mut Watch, s: &W, cx: &mut Context<'_>| w.poll_first(s, cx),
    }
    .await
}

/// Waits until all of `set` are done.
///
/// Values and errors are left where they are. Even if all are done already, it yields to the
/// executor once.
///
/// # Cancel safety
///
/// Dropping the future leaves no trace; nothing is cancelled.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::wait_for_all;
///
///     let tasks: Vec<_> = (0..3).map(|n| sim.ctx.spawn(async move { n })).collect();
///     wait_for_all(&tasks).await;
///     assert!(tasks.iter().all(|task| task.is_done()), "their values are still theirs");
/// });
/// ```
pub async fn wait_for_all<W: WaitSet>(set: W) {
    Waiting {
        set,
        watch: Watch::new(),
        poll: |w: &mut Watch, s: &W, cx: &mut Context<'_>| w.poll_all(s, cx),
    }
    .await;
}

/// Asks all of `set` to stop and waits until they are done.
///
/// What is done already is left alone.
///
/// # Cancel safety
///
/// The requests are made in the first poll and stand. Dropping the future stops the waiting.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::cancel_and_wait;
///
///     let tasks = [1, 2].map(|_| sim.ctx.spawn(std::future::pending::<()>()));
///     cancel_and_wait(&tasks).await;
///     assert!(tasks.iter().all(|task| task.is_cancelled()));
/// });
/// ```
pub async fn cancel_and_wait<W: WaitSet>(set: W) {
    for index in 0..set.size() {
        if !set.member(index).is_done() {
            set.member(index).cancel();
        }
    }
    wait_for_all(set).await;
}

// ===== waits of a context =====

impl<R: Timer + Clone> Ctx<R> {
    /// Waits for `set`, as long as the context goes on.
    ///
    /// Awaiting it gives what is done and what is pending; with [`timeout`](Wait::timeout) also
    /// when the time is over. Nothing is cancelled. The future holds the context.
    ///
    /// # Errors
    ///
    /// The error that the context ended with.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no trace; nothing is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use windlass::Until;
    ///
    ///     let (good, bad) = (sim.ctx.child("good"), sim.ctx.child("bad"));
    ///     bad.fail("broken");
    ///     let waited = sim.ctx.wait((&good, &bad), Until::FirstError).await.unwrap();
    ///     assert_eq!((waited.done, waited.pending), (vec![1], vec![0]));
    /// });
    /// ```
    pub fn wait<W: WaitSet>(&self, set: W, until: Until) -> Wait<R, W> {
        let (rt, end) = (self.runtime().clone(), EndWatch::new(self.node()));
        Wait {
            set,
            until,
            watch: Watch::new(),
            end,
            rt,
            limit: None,
            sleep: None,
        }
    }
}

/// The future of [`Ctx::wait`].
///
/// # Cancel safety
///
/// Dropping it leaves no trace.
#[must_use = "futures do nothing unless they are awaited"]
#[pin_project]
pub struct Wait<R: Timer, W> {
    set: W,
    until: Until,
    watch: Watch,
    end: EndWatch,
    rt: R,
    limit: Option<Duration>,
    #[pin]
    sleep: Option<R::Sleep>,
}

impl<R: Timer, W: WaitSet> Wait<R, W> {
    /// Gives up after `d`, counted from the first poll, with what is done by then.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///     use windlass::{Event, Until};
    ///
    ///     let never = Event::new();
    ///     let limit = Duration::from_secs(3);
    ///     let waited = sim.ctx.wait((&never,), Until::All).timeout(limit).await.unwrap();
    ///     assert_eq!(waited.pending, [0], "no error: it says what is still pending");
    ///     assert_eq!(sim.clock.elapsed(), limit);
    /// });
    /// ```
    pub fn timeout(mut self, d: Duration) -> Self {
        self.limit = Some(d);
        self
    }
}

impl<R: Timer, W: WaitSet> Future for Wait<R, W> {
    type Output = Result<Waited>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Waited>> {
        let mut this = self.project();
        if !ready!(this.end.poll_start(cx)) {
            return Poll::Ready(Err(this.end.error()));
        }
        if this.watch.poll_until(*this.until, this.set, cx).is_ready() {
            return Poll::Ready(Ok(this.watch.waited(this.set)));
        }
        if let (true, Some(limit)) = (this.sleep.is_none(), *this.limit) {
            this.sleep.set(Some(this.rt.sleep(limit)));
        }
        if let Some(mut sleep) = this.sleep.as_mut().as_pin_mut() {
            if sleep.as_mut().poll(cx).is_ready() {
                let error: Option<Error> = sleep.is_orphaned().then(|| orphaned(this.end));
                return Poll::Ready(error.map_or_else(|| Ok(this.watch.waited(this.set)), Err));
            }
        }
        ready!(this.end.poll_end(cx));
        Poll::Ready(Err(this.end.error()))
    }
}

impl<R: Timer, W> fmt::Debug for Wait<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}
