//! [`Timeout`]: a future that is given only so much time.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use pin_project::pin_project;

use super::{Ctx, futures::EndWatch, timing::orphaned};
use crate::{BoxError, Error, Event, Result, Sleep, Timer, error::TimedOut};

impl<R: Timer> Ctx<R> {
    /// Runs `f` for at most `d`, or until the context ends.
    ///
    /// The output passes through: a fallible `f` is awaited with `.await??`. Nothing is spawned,
    /// and the timer is touched only if `f` is pending in its first poll; `d` counts from then. A
    /// value that is ready in the same poll as the deadline wins. `f` is dropped before an error is
    /// returned. With a `d` of zero `f` is polled once. The future holds the context.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] when the time is over, or the error given to
    /// [`error`](Timeout::error); the error that the context ended with.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `f` and leaves no trace.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::{future::pending, io, time::Duration};
    ///
    ///     let limit = Duration::from_secs(2);
    ///     let read = async { Ok::<_, io::Error>(3) };
    ///     assert_eq!(sim.ctx.timeout(limit, read).await.unwrap().unwrap(), 3);
    ///
    ///     let error = sim.ctx.timeout(limit, pending::<()>()).await.unwrap_err();
    ///     assert!(error.is_timed_out());
    ///     assert_eq!(sim.clock.elapsed(), limit);
    /// });
    /// ```
    #[doc(alias = "move_on_after")]
    #[doc(alias = "fail_after")]
    #[doc(alias = "wait_for")]
    pub fn timeout<F: Future>(&self, d: Duration, f: F) -> Timeout<R, F>
    where
        R: Clone,
    {
        let rt = Some(self.runtime().clone());
        let watch = EndWatch::new(self.node());
        Timeout {
            f: Some(f),
            sleep: None,
            watch,
            rt,
            d,
            deadline: None,
            error: None,
            event: None,
        }
    }
}

/// The future of [`Ctx::timeout`].
///
/// # Cancel safety
///
/// Dropping it drops the future inside and leaves no trace.
#[must_use = "futures do nothing unless they are awaited"]
#[pin_project(project = TimeoutProjection)]
pub struct Timeout<R: Timer, F> {
    #[pin]
    f: Option<F>,
    #[pin]
    sleep: Option<R::Sleep>,
    watch: EndWatch,
    /// Until it has made the sleep.
    rt: Option<R>,
    d: Duration,
    deadline: Option<Instant>,
    error: Option<BoxError>,
    event: Option<Event>,
}

impl<R: Timer, F: Future> Timeout<R, F> {
    /// Has the timeout fail with `e` instead of [`Error::TimedOut`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::{future::pending, io, time::Duration};
    ///
    ///     let slow = sim.ctx.timeout(Duration::from_secs(2), pending::<()>());
    ///     let error = slow.error(io::Error::other("too slow")).await.unwrap_err();
    ///     assert!(error.is::<io::Error>() && !error.is_timed_out());
    /// });
    /// ```
    pub fn error(mut self, e: impl Into<BoxError>) -> Self {
        self.error = Some(e.into());
        self
    }

    /// Sets `e` if the time runs out first, and only then.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::{future::pending, time::Duration};
    ///     use windlass::Event;
    ///
    ///     let late = Event::new();
    ///     let limit = Duration::from_secs(2);
    ///     sim.ctx.timeout(limit, async {}).notify(&late).await.unwrap();
    ///     assert!(!late.is_set());
    ///     sim.ctx.timeout(limit, pending::<()>()).notify(&late).await.unwrap_err();
    ///     assert!(late.is_set());
    /// });
    /// ```
    pub fn notify(mut self, e: &Event) -> Self {
        self.event = Some(e.clone());
        self
    }
}

impl<R: Timer, F: Future> Future for Timeout<R, F> {
    type Output = Result<F::Output>;

    /// The way of a future that is ready in its first poll, without a call.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output>> {
        let mut this = self.as_mut().project();
        if !ready!(this.watch.poll_start(cx)) {
            this.f.set(None); // before anybody hears of it
            return Poll::Ready(Err(this.watch.error()));
        }
        let Some(f) = this.f.as_mut().as_pin_mut() else {
            return Poll::Pending; // polled again after its end: nobody will wake us
        };
        if let Poll::Ready(value) = f.poll(cx) {
            this.f.set(None);
            return Poll::Ready(Ok(value));
        }
        self.poll_limits(cx).map(Err)
    }
}

impl<R: Timer, F: Future> Timeout<R, F> {
    /// What may end it before `f` is ready: the time, and the context.
    #[inline(never)]
    fn poll_limits(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Error> {
        let mut this = self.project();
        if let Some(rt) = this.rt.take() {
            rt.put_sleep(*this.d, this.deadline, this.sleep.as_mut());
        }
        if let (Some(mut sleep), Some(at)) = (this.sleep.as_mut().as_pin_mut(), *this.deadline) {
            if sleep.as_mut().poll(cx).is_ready() {
                let is_orphaned = sleep.is_orphaned();
                this.f.set(None);
                return Poll::Ready(over(is_orphaned, at, this));
            }
        }
        ready!(this.watch.poll_end(cx));
        this.f.set(None);
        Poll::Ready(this.watch.error())
    }
}

/// The error of a wait whose time is over.
fn over<R: Timer, F>(is_orphaned: bool, at: Instant, this: TimeoutProjection<'_, R, F>) -> Error {
    if is_orphaned {
        return orphaned(this.watch);
    }
    if let Some(event) = this.event {
        event.set();
    }
    match this.error.take() {
        Some(error) => Error::failed(error),
        None => Error::TimedOut(TimedOut::new(this.watch.node().error_path(), *this.d, at)),
    }
}

impl<R: Timer, F> fmt::Debug for Timeout<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("after", &self.d)
            .finish_non_exhaustive()
    }
}
