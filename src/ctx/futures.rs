//! The futures of waiting for a context: [`Done`], [`Stopping`], [`RunUntilDone`].

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project::pin_project;

use super::{
    Ctx,
    live::{Live, StopList},
    tree::Node,
};
use crate::{
    Error, Result,
    registry::Key,
    status::{leave, poll_in},
    sync::Arc,
};

impl<R> Ctx<R> {
    /// Waits until the context has ended, and gives its error.
    ///
    /// The future observes: it does not keep the context from ending with its last handle. On a
    /// context that has ended it yields to the executor once.
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
    ///     let app = sim.ctx.child("app");
    ///     let stop = app.clone();
    ///     sim.ctx.call_soon(move || drop(stop.cancel_with("enough")));
    ///     let why = app.done().await;
    ///     assert_eq!(why.to_string(), "cancelled at sim-->app by enough");
    /// });
    /// ```
    pub fn done(&self) -> Done {
        let end = match self.node().link() {
            Ok(live) => End::Linked(Arc::clone(live)),
            Err(error) => End::Ended(error.clone()),
        };
        Done {
            end,
            key: None,
            has_yielded: false,
        }
    }

    /// Waits until the context is asked to stop, or has ended.
    ///
    /// This is what a task waits for that wants to finish in good order: once its context has
    /// *ended* it is dropped. The future observes, like that of [`done`](Self::done).
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
    ///     let app = sim.ctx.child("app");
    ///     let inner = app.clone();
    ///     let task = app.spawn(async move {
    ///         inner.stopping().await; // instead of being dropped at an end
    ///         "finished in good order"
    ///     });
    ///     app.stop();
    ///     assert_eq!(task.await.unwrap(), "finished in good order");
    /// });
    /// ```
    pub fn stopping(&self) -> Stopping {
        Stopping {
            live: self.node().link().ok().cloned(),
            key: None,
            has_yielded: false,
        }
    }

    /// Runs `f` until it is ready or the context ends.
    ///
    /// On a context that has ended `f` is not polled. From the second poll on `f` comes first, and
    /// a value that is ready in the same poll wins. The future holds the context.
    ///
    /// # Errors
    ///
    /// The error that the context ended with.
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
    ///     let app = sim.ctx.child("app");
    ///     assert_eq!(app.run_until_done(async { 1 }).await.unwrap(), 1);
    ///
    ///     let stop = app.clone();
    ///     sim.ctx.call_soon(move || drop(stop.cancel()));
    ///     let endless = app.run_until_done(std::future::pending::<()>());
    ///     assert!(endless.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    #[doc(alias = "run_until_cancelled")]
    pub fn run_until_done<F: Future>(&self, f: F) -> RunUntilDone<F> {
        RunUntilDone {
            f,
            watch: EndWatch::new(self.node()),
        }
    }
}

/// Pending once, and woken at once.
pub(crate) fn yield_once(has_yielded: &mut bool, cx: &mut Context<'_>) -> Poll<()> {
    if std::mem::replace(has_yielded, true) {
        return Poll::Ready(());
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Waits in the list of `live` for its end. Pending: the ending call will wake us.
fn poll_live(live: &Live, key: &mut Option<Key>, cx: &mut Context<'_>) -> Poll<()> {
    if live.verdict().is_done() {
        *key = None; // the end took the waiters out before it could be seen
        return Poll::Ready(());
    }
    if key.is_some() {
        return poll_in(live, key, cx); // the waker may be another one
    }
    match live.register(cx.waker().clone()) {
        Ok(registered) => {
            *key = Some(registered);
            Poll::Pending
        }
        Err(_ended) => Poll::Ready(()),
    }
}

fn leave_live(live: &Live, key: &mut Option<Key>) {
    if let Some(key) = key.take() {
        drop(live.unregister(key));
    }
}

// ===== Done =====

/// The future of [`Ctx::done`].
///
/// # Cancel safety
///
/// Dropping it leaves no trace.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Done {
    end: End,
    key: Option<Key>,
    has_yielded: bool,
}

enum End {
    Linked(Arc<Live>),
    Ended(Error),
}

impl Future for Done {
    type Output = Error;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Error> {
        let this = &mut *self;
        if let End::Linked(live) = &this.end {
            // Pending: the ending call will wake us.
            let poll = poll_live(live, &mut this.key, cx);
            this.has_yielded |= poll.is_pending();
            ready!(poll);
        }
        ready!(yield_once(&mut this.has_yielded, cx));
        let error = match &this.end {
            End::Ended(error) => Some(error),
            End::Linked(live) => live.outcome(),
        };
        match error {
            Some(error) => Poll::Ready(error.clone()),
            None => unreachable!("a node is woken after its outcome is there"),
        }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if let End::Linked(live) = &self.end {
            leave_live(live, &mut self.key);
        }
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Done").finish_non_exhaustive()
    }
}

// ===== Stopping =====

/// The future of [`Ctx::stopping`].
///
/// # Cancel safety
///
/// Dropping it leaves no trace.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Stopping {
    /// `None`: the context had ended.
    live: Option<Arc<Live>>,
    key: Option<Key>,
    has_yielded: bool,
}

impl Future for Stopping {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Some(live) = &this.live {
            // Pending: the call that stops or ends the context will wake us.
            let poll = poll_in(&StopList(live), &mut this.key, cx);
            this.has_yielded |= poll.is_pending();
            ready!(poll);
        }
        yield_once(&mut this.has_yielded, cx)
    }
}

impl Drop for Stopping {
    fn drop(&mut self) {
        if let Some(live) = &self.live {
            leave(&StopList(live), &mut self.key);
        }
    }
}

impl fmt::Debug for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopping").finish_non_exhaustive()
    }
}

// ===== EndWatch =====

/// A wait's eye on its context, which it holds. Registered from the first pending poll on.
pub(crate) struct EndWatch {
    node: Arc<Node>,
    key: Option<Key>,
    stage: Stage,
}

/// As wide as what it lies between: with padding behind it, the futures that hold it are moved in
/// pieces across their fields, and the first look at each field waits for that.
#[repr(u64)]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    /// The context had ended before the first poll; we have yielded once.
    Yielded,
    Running,
}

impl EndWatch {
    pub(crate) fn new(node: &Arc<Node>) -> Self {
        EndWatch {
            node: Arc::clone(node),
            key: None,
            stage: Stage::New,
        }
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Before anything is polled: whether it may be; if not, the context had ended with
    /// [`error`](Self::error).
    #[inline]
    pub(crate) fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        match self.stage {
            Stage::Running => Poll::Ready(true),
            Stage::New if !self.node.is_done() => {
                self.stage = Stage::Running;
                Poll::Ready(true)
            }
            Stage::New => {
                self.stage = Stage::Yielded;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Stage::Yielded => Poll::Ready(false),
        }
    }

    /// Ready once the context has ended; pending: the ending call will wake us.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.node.link() {
            Err(_) => Poll::Ready(()),
            Ok(live) => poll_live(live, &mut self.key, cx),
        }
    }

    /// What the context has ended with. Not handed out by the polls: a result that may hold an
    /// error is costly to move, and there seldom is one.
    #[cold]
    pub(crate) fn error(&self) -> Error {
        match self.node.outcome() {
            Some(error) => error,
            None => unreachable!("a wait is told of an end when its outcome is there"),
        }
    }
}

impl Drop for EndWatch {
    fn drop(&mut self) {
        if self.key.is_some() {
            if let Some(live) = self.node.live() {
                leave_live(live, &mut self.key);
            }
        }
    }
}

// ===== RunUntilDone =====

/// The future of [`Ctx::run_until_done`].
///
/// # Cancel safety
///
/// Dropping it drops the future inside and leaves no trace.
#[must_use = "futures do nothing unless they are awaited"]
#[pin_project]
pub struct RunUntilDone<F> {
    #[pin]
    f: F,
    watch: EndWatch,
}

impl<F: Future> Future for RunUntilDone<F> {
    type Output = Result<F::Output>;

    /// In line: the way of a future that is ready in its first poll, without a call.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output>> {
        let this = self.project();
        if ready!(this.watch.poll_start(cx)) {
            if let Poll::Ready(value) = this.f.poll(cx) {
                return Poll::Ready(Ok(value));
            }
            ready!(this.watch.poll_end(cx));
        }
        Poll::Ready(Err(this.watch.error()))
    }
}

impl<F> fmt::Debug for RunUntilDone<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntilDone").finish_non_exhaustive()
    }
}
