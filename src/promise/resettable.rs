//! [`ResettablePromise`]: a promise that can be made anew.

use std::{
    fmt,
    panic::Location,
    task::{Context, Poll},
};

use super::Promise;
use crate::{
    BoxError, CallbackId, Error, FutureStatus, Name, Result, State, WaitSlot, status_text,
    sync::{Arc, Mutex, lock, try_lock},
};

/// A line of promises, one after the other. Clones share it.
///
/// It stands for the latest of them: that is set, waited for, and listened to.
/// [`reset`](Self::reset) begins the next one once the latest has an outcome. Who waits for an
/// earlier one, or has set it, keeps what it got: a reset takes nothing back.
///
/// When the last clone is dropped while the latest is pending, that is cancelled.
///
/// # Examples
///
/// ```
/// use futures::executor::block_on;
/// use windlass::ResettablePromise;
///
/// let ready = ResettablePromise::new();
/// let first = ready.wait();
/// assert!(ready.set(1));
/// assert!(!ready.set(2));
/// assert!(ready.reset());
/// assert!(!ready.reset());
///
/// assert!(ready.set(3));
/// assert_eq!(block_on(first).unwrap(), 1);
/// assert_eq!(block_on(ready.wait()).unwrap(), 3);
/// ```
pub struct ResettablePromise<T> {
    line: Arc<Line<T>>,
}

struct Line<T> {
    /// Held to copy or to exchange the handle, and for nothing else.
    latest: Mutex<Promise<T>>,
    name: Option<Name>,
}

// ===== impl ResettablePromise =====

impl<T> ResettablePromise<T> {
    /// Makes a pending one.
    #[track_caller]
    pub fn new() -> Self {
        ResettablePromise::with_name(None)
    }

    /// Makes a pending one with a name, which all promises of the line have.
    #[track_caller]
    pub fn named(name: impl Into<Name>) -> Self {
        ResettablePromise::with_name(Some(name.into()))
    }

    #[track_caller]
    fn with_name(name: Option<Name>) -> Self {
        let latest = Mutex::new(fresh(&name, Location::caller()));
        let line = Arc::new(Line { latest, name });
        ResettablePromise { line }
    }

    fn latest(&self) -> Promise<T> {
        lock(&self.line.latest).clone()
    }

    /// Gives the latest promise its value. True if this call did it.
    pub fn set(&self, value: T) -> bool {
        self.latest().set(value)
    }

    /// Gives the latest promise an error of the user's. True if this call did it.
    pub fn fail(&self, e: impl Into<BoxError>) -> bool {
        self.latest().fail(e)
    }

    /// Cancels the latest promise. True if this call did it.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.latest().cancel()
    }

    /// Makes a handle on the latest promise, to be awaited; resets do not touch what it gives.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves no trace: nobody else notices.
    pub fn wait(&self) -> Promise<T> {
        self.latest().wait()
    }

    /// Begins the next promise. True if this call did it.
    ///
    /// While the latest is pending, nothing happens: who waits goes on waiting, and callbacks stay
    /// registered.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::ResettablePromise;
    ///
    /// let ready = ResettablePromise::new();
    /// assert!(!ready.reset(), "it is pending");
    /// ready.set(1);
    /// let first = ready.wait();
    /// assert!(ready.reset());
    /// assert!(!ready.is_done());
    /// assert_eq!(first.outcome().unwrap().unwrap(), &1, "a reset takes nothing back");
    /// ```
    #[track_caller]
    pub fn reset(&self) -> bool {
        let next = fresh(&self.line.name, Location::caller());
        let mut latest = lock(&self.line.latest);
        // The other one is dropped outside the lock.
        let (is_reset, _other) = if latest.is_done() {
            (true, std::mem::replace(&mut *latest, next))
        } else {
            (false, next)
        };
        drop(latest);
        is_reset
    }

    /// Begins the next promise, whatever the latest stands at.
    ///
    /// If that is pending, it is cancelled, with the reason `reset`: those who wait for it are
    /// released, and its callbacks are called. They find the next promise begun.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::ResettablePromise;
    ///
    /// let ready = ResettablePromise::<u32>::new();
    /// let waits = ready.wait();
    /// assert!(!ready.reset(), "it is pending");
    /// ready.force_reset();
    /// assert!(waits.outcome().unwrap().unwrap_err().is_cancelled());
    /// assert!(!ready.is_done(), "the next one");
    /// ```
    #[track_caller]
    pub fn force_reset(&self) {
        let next = fresh(&self.line.name, Location::caller());
        let last = std::mem::replace(&mut *lock(&self.line.latest), next);
        last.cell.give_up("reset", last.made_at);
    }

    /// Returns the name, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.line.name.as_deref()
    }

    /// Says whether the latest promise has an outcome.
    pub fn is_done(&self) -> bool {
        lock(&self.line.latest).is_done()
    }

    /// Calls `f` once, on the outcome of the latest promise; see [`Promise::on_done`].
    pub fn on_done<F>(&self, f: F) -> CallbackId
    where
        F: FnOnce(Result<&T, &Error>) + Send + 'static,
        T: 'static,
    {
        self.latest().on_done(f)
    }

    /// Takes a callback back; false if it was called, is being called, or is not registered here.
    ///
    /// Ids are given once in a program: one from before a reset never means a callback of now.
    pub fn remove_on_done(&self, id: CallbackId) -> bool {
        self.latest().remove_on_done(id)
    }

    /// Says whether a callback waits for the latest promise.
    pub fn has_on_done(&self, id: CallbackId) -> bool {
        self.latest().has_on_done(id)
    }
}

fn fresh<T>(name: &Option<Name>, made_at: &'static Location<'static>) -> Promise<T> {
    Promise::setter(super::Cell::new(name.clone()), made_at)
}

/// It stands where its latest promise stands; but who has begun to wait waits for that promise,
/// whose end counts also if the line is reset right after.
impl<T> FutureStatus for ResettablePromise<T> {
    fn state(&self) -> State {
        self.latest().state()
    }

    fn error(&self) -> Option<Error> {
        self.latest().error()
    }

    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
        match slot.poll_again(cx) {
            Some(poll) => poll, // pending: the end of that promise will wake us
            None => self.latest().poll_done(slot, cx),
        }
    }

    #[track_caller]
    fn cancel(&self) -> bool {
        ResettablePromise::cancel(self)
    }

    fn label(&self) -> Option<&str> {
        self.name()
    }
}

impl<T> Default for ResettablePromise<T> {
    #[track_caller]
    fn default() -> Self {
        ResettablePromise::new()
    }
}

impl<T> Clone for ResettablePromise<T> {
    fn clone(&self) -> Self {
        let line = Arc::clone(&self.line);
        ResettablePromise { line }
    }
}

impl<T> fmt::Debug for ResettablePromise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text of an error is user code: it stays outside the lock.
        let latest = try_lock(&self.line.latest).map(|latest| latest.wait());
        match latest {
            Some(latest) => write!(f, "ResettablePromise({})", status_text(&latest)),
            None => f.write_str("ResettablePromise(<locked>)"),
        }
    }
}
