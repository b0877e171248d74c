//! Time in a context: the clock, deadlines, sleeps, and contexts for cleaning up.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use pin_project::pin_project;

use super::{Ctx, futures::EndWatch};
use crate::{Error, Result, Runtime, Sleep, Timer, sync::Arc};

impl<R> Ctx<R> {
    /// Returns the earliest deadline from here upwards, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     assert_eq!(sim.ctx.deadline(), None);
    ///     let outer = sim.ctx.build("outer").timeout(Duration::from_secs(1)).start();
    ///     let inner = outer.build("inner").timeout(Duration::from_secs(9)).start();
    ///     assert_eq!(inner.deadline(), outer.deadline(), "the earlier one counts");
    /// });
    /// ```
    pub fn deadline(&self) -> Option<Instant> {
        self.node()
            .path_up()
            .filter_map(|node| Some(node.extras()?.deadline.as_ref()?.at))
            .min()
    }
}

impl<R: Timer> Ctx<R> {
    /// Returns the present instant on the runtime's clock.
    pub fn now(&self) -> Instant {
        self.runtime().now()
    }

    /// Says what is left until [`deadline`](Self::deadline): zero if it is past, `None` without
    /// one.
    pub fn remaining(&self) -> Option<Duration> {
        Some(self.deadline()?.saturating_duration_since(self.now()))
    }

    /// Sleeps for `d` from now, or until the context ends.
    ///
    /// Durations beyond thirty years count as thirty years. The future holds the context.
    ///
    /// # Errors
    ///
    /// The error that the context ended with; a cancellation if the runtime's clock has shut down.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no trace.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     sim.ctx.sleep(Duration::from_secs(3600)).await.unwrap();
    ///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(3600));
    ///
    ///     let app = sim.ctx.child("app");
    ///     app.cancel();
    ///     assert!(app.sleep(Duration::from_secs(1)).await.unwrap_err().is_cancelled());
    /// });
    /// ```
    pub fn sleep(&self, d: Duration) -> CtxSleep<R::Sleep> {
        CtxSleep {
            sleep: self.runtime().sleep(d),
            watch: EndWatch::new(self.node()),
        }
    }
}

impl<R: Runtime> Ctx<R> {
    /// Returns the same context with the runtime's type erased.
    pub fn erase(&self) -> Ctx {
        self.on(crate::AnyRuntime::new(self.runtime().clone()))
    }

    /// Makes a live context for cleaning up after this one, bounded by `d`.
    ///
    /// It is a child of the nearest ancestor that has not ended, so that a shutdown of that one
    /// waits for it; where all have ended, it is a root. In a holder with a limit, what runs there
    /// is counted, and neither waits for room nor takes any.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let conn = sim.ctx.child("conn");
    ///     conn.cancel();
    ///     let cleanup = conn.cleanup(Duration::from_secs(5));
    ///     assert!(!cleanup.is_done(), "there is time to say goodbye");
    ///     cleanup.sleep(Duration::from_secs(1)).await.unwrap();
    ///     assert!(cleanup.sleep(Duration::from_secs(9)).await.is_err(), "five seconds in all");
    /// });
    /// ```
    #[doc(alias = "shield")]
    #[track_caller]
    pub fn cleanup(&self, d: Duration) -> Ctx<R> {
        let live = self.node().path_up().skip(1).find(|node| !node.is_done());
        let name = format!("cleanup of {}", self.name());
        let above = live.and_then(|live| {
            self.node()
                .path_up()
                .filter_map(|node| node.parent())
                .find(|p| std::ptr::eq(&***p, live))
        });
        match above {
            Some(above) => Ctx::from_node(Arc::clone(above), self.runtime().clone()),
            None => Ctx::root_on(self.name().to_owned(), self.runtime().clone()),
        }
        .build(name)
        .for_cleanup()
        .timeout(d)
        .start()
    }
}

/// The future of [`Ctx::sleep`].
///
/// # Cancel safety
///
/// Dropping it leaves no trace.
#[must_use = "futures do nothing unless they are awaited"]
#[pin_project]
pub struct CtxSleep<S> {
    #[pin]
    sleep: S,
    watch: EndWatch,
}

impl<S: Sleep> Future for CtxSleep<S> {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut this = self.project();
        if !ready!(this.watch.poll_start(cx)) {
            return Poll::Ready(Err(this.watch.error()));
        }
        if this.sleep.as_mut().poll(cx).is_ready() {
            let is_orphaned = this.sleep.is_orphaned();
            return Poll::Ready(if is_orphaned {
                Err(orphaned(this.watch))
            } else {
                Ok(())
            });
        }
        ready!(this.watch.poll_end(cx));
        Poll::Ready(Err(this.watch.error()))
    }
}

/// What a wait gives whose clock has shut down.
#[track_caller]
pub(crate) fn orphaned(watch: &EndWatch) -> Error {
    let location = std::panic::Location::caller();
    watch
        .node()
        .cancelled(Some("executor shut down".into()), location, None)
}

impl<S> fmt::Debug for CtxSleep<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CtxSleep").finish_non_exhaustive()
    }
}
