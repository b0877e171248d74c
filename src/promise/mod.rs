//! Values that are given later: [`Promise`], [`ResettablePromise`], [`ChildPromise`], and
//! [`recipes`] on them.

mod cell;
mod child;
mod listened;
#[cfg(all(test, any(windlass_loom, windlass_shuttle)))]
mod models;
pub mod recipes;
mod resettable;

use std::{
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, ready},
};

use self::{
    cell::Cell,
    listened::{Listened, call},
};
pub use self::{child::ChildPromise, resettable::ResettablePromise};
use crate::{
    BoxError, CallbackId, Error, FutureStatus, Name, Result, State, WaitSlot,
    registry::Key,
    status::{leave, poll_in},
    status_text,
    sync::Arc,
};

/// A value that is given once, later, to any number of those who wait for it.
///
/// Any handle gives the outcome: a value ([`set`](Self::set)), an error ([`fail`](Self::fail)) or
/// a cancellation ([`cancel`](Self::cancel)). The first one wins and never changes. Awaiting a
/// handle gives a clone of the value; [`outcome`](Self::outcome) lends it, which also serves types
/// that cannot be cloned.
///
/// # Handles
///
/// Clones share the promise and may all *set* it. What [`wait`](Self::wait) returns only *waits*:
/// it does not count as somebody who may still set the promise. When the last one that counts is
/// dropped while the promise is pending, the promise is cancelled, so nobody waits in vain.
///
/// Awaiting a clone makes it one that only waits, from its first poll on. So `promise.await` ends
/// also when all the others were dropped; and a handle that is to set the promise later must not
/// be polled itself: poll its [`wait`](Self::wait). [`FutureStatus`] only looks: waiting for
/// `&promise` does not change what `promise` counts as.
///
/// # Comparison with other one-shot channels
///
/// `tokio::sync::oneshot` moves one value to one receiver and needs no `Clone`; it is the thing to
/// use for that. A promise has any number of waiters and callbacks, can be asked where it stands,
/// and takes part in [`wait_for_all`](crate::wait_for_all) and its kin.
///
/// # Cancel safety
///
/// Dropping a waiting handle leaves no trace: nobody else notices, and the promise stays as it is.
///
/// # Examples
///
/// ```
/// use futures::executor::block_on;
/// use windlass::{Error, Promise};
///
/// let answer = Promise::new();
/// let (a, b) = (answer.wait(), answer.wait());
/// assert!(answer.outcome().is_none());
///
/// assert!(answer.set(42));
/// assert!(!answer.set(43));
/// assert_eq!(block_on(a).unwrap(), 42);
/// assert_eq!(block_on(b).unwrap(), 42);
///
/// let never = Promise::<u32>::named("never");
/// let waits = never.wait();
/// drop(never);
/// let error: Error = block_on(waits).unwrap_err();
/// assert_eq!(error.to_string(), "cancelled at never by nobody being left to set it");
/// ```
#[must_use = "dropping the last handle that can set a promise cancels it"]
pub struct Promise<T> {
    cell: Arc<Cell<T>>,
    /// Where the promise was made, not the handle.
    made_at: &'static Location<'static>,
    /// The place among those who wait, while this is awaited.
    key: Option<Key>,
    /// Whether it counts as one who may still set the promise.
    is_setter: bool,
}

// ===== impl Promise =====

impl<T> Promise<T> {
    /// Makes a pending promise.
    #[track_caller]
    pub fn new() -> Self {
        Promise::setter(Cell::new(None), Location::caller())
    }

    /// Makes a pending promise with a name, which its cancellations and texts show.
    #[track_caller]
    pub fn named(name: impl Into<Name>) -> Self {
        Promise::setter(Cell::new(Some(name.into())), Location::caller())
    }

    /// A handle that may set; the cell counts it already.
    fn setter(cell: Arc<Cell<T>>, made_at: &'static Location<'static>) -> Self {
        Promise {
            cell,
            made_at,
            key: None,
            is_setter: true,
        }
    }

    /// A further handle that may set, also of one that only waits.
    fn another_setter(&self) -> Self {
        self.cell.retain();
        Promise::setter(Arc::clone(&self.cell), self.made_at)
    }

    /// Gives the value. True if this call did it.
    ///
    /// If there is an outcome already, nothing changes and `value` is dropped. When it returns,
    /// the callbacks were called and those who wait were woken; only inside another ending's
    /// callback they wait for their turn, until the outermost ending returns.
    #[inline]
    pub fn set(&self, value: T) -> bool {
        self.try_set(value).is_ok()
    }

    /// Gives the value, or hands it back.
    ///
    /// # Errors
    ///
    /// The value, if there is an outcome already.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Promise;
    ///
    /// let promise = Promise::new();
    /// assert_eq!(promise.try_set(1), Ok(()));
    /// assert_eq!(promise.try_set(2), Err(2), "handed back");
    /// ```
    #[inline]
    pub fn try_set(&self, value: T) -> Result<(), T> {
        let mut offered = Some(value);
        self.cell.offer(&mut offered, Ok);
        offered.map_or(Ok(()), Err)
    }

    /// Gives an error of the user's instead of a value. True if this call did it.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Promise;
    ///
    /// let promise = Promise::<u32>::new();
    /// assert!(promise.fail("disk full"));
    /// assert!(!promise.set(1), "the first one wins");
    /// assert!(promise.outcome().unwrap().unwrap_err().is_failed());
    /// ```
    pub fn fail(&self, e: impl Into<BoxError>) -> bool {
        !self.is_done() && self.end(Error::failed(e))
    }

    /// Gives up: there will be no value. True if this call did it.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Promise;
    ///
    /// let promise = Promise::<u32>::named("answer");
    /// assert!(promise.cancel());
    /// assert!(promise.outcome().unwrap().unwrap_err().is_cancelled());
    /// ```
    #[track_caller]
    pub fn cancel(&self) -> bool {
        let caller = Location::caller();
        !self.is_done() && self.end(self.cell.cancelled(None, caller))
    }

    /// Gives the very error.
    fn end(&self, error: Error) -> bool {
        self.cell.set(Err(error))
    }

    /// Makes a further handle, to be awaited: it does not count as one who may set the promise.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves no trace.
    pub fn wait(&self) -> Promise<T> {
        Promise {
            cell: Arc::clone(&self.cell),
            made_at: self.made_at,
            key: None,
            is_setter: false,
        }
    }

    /// Lends the outcome; `None` while the promise is pending. Takes no lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use windlass::Promise;
    ///
    /// let promise = Promise::new();
    /// assert!(promise.outcome().is_none());
    /// promise.set(Mutex::new(1)); // need not be `Clone`
    /// *promise.outcome().unwrap().unwrap().lock().unwrap() += 1;
    /// ```
    pub fn outcome(&self) -> Option<Result<&T, &Error>> {
        self.cell.outcome().map(Result::as_ref)
    }

    /// Says whether there is an outcome. Takes no lock.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.cell.is_done()
    }

    /// Whether somebody waits, or did before there was an outcome.
    #[cfg(feature = "test-util")]
    pub(crate) fn is_listened(&self) -> bool {
        self.cell.is_listened()
    }

    /// Returns the name, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.cell.name()
    }

    /// Calls `f` on the outcome, once.
    ///
    /// It is called on the thread that gives the outcome, outside all locks, in order of
    /// registration, before those who wait are woken. If there is an outcome already, it is called
    /// now. A panic in it is reported and goes no further. A promise that is set in a callback has
    /// its outcome at once; its own callbacks are called before the outermost call returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use windlass::Promise;
    ///
    /// let (tell, told) = mpsc::channel();
    /// let promise = Promise::new();
    /// promise.on_done(move |outcome| tell.send(*outcome.unwrap()).unwrap());
    /// promise.set(42);
    /// assert_eq!(told.try_recv(), Ok(42), "called before `set` returned");
    /// ```
    pub fn on_done<F>(&self, f: F) -> CallbackId
    where
        F: FnOnce(Result<&T, &Error>) + Send + 'static,
        T: 'static,
    {
        match self.cell.on_done(Box::new(f)) {
            Ok(id) => CallbackId::new(id),
            Err(late) => {
                call(late, &self.cell);
                CallbackId::new(crate::ids::next())
            }
        }
    }

    /// Takes a callback back; false if it was called, is being called, or is not of this promise.
    pub fn remove_on_done(&self, id: CallbackId) -> bool {
        self.cell.remove_on_done(id.get()).is_some() // dropped here, outside the lock
    }

    /// Says whether a callback waits to be called.
    pub fn has_on_done(&self, id: CallbackId) -> bool {
        self.cell.has_on_done(id.get())
    }

    /// From now on this handle only waits.
    fn only_wait(&mut self) {
        if std::mem::take(&mut self.is_setter) {
            self.cell.release_to_wait(self.made_at);
        }
    }

    /// Ready once there is an outcome; pending: whoever gives it will wake us.
    #[inline(never)]
    fn poll_listening(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.only_wait();
        match self.cell.listen() {
            Some(listened) => poll_in(listened, &mut self.key, cx),
            None => Poll::Ready(()),
        }
    }
}

impl<T: Clone> Future for Promise<T> {
    type Output = Result<T>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = &mut *self;
        let outcome = match this.cell.outcome() {
            Some(outcome) => outcome,
            None => {
                ready!(this.poll_listening(cx));
                this.cell.told()
            }
        };
        // Not taken out of the list: whoever gave the outcome takes them all.
        this.key = None;
        Poll::Ready(outcome.clone())
    }
}

impl<T> FutureStatus for Promise<T> {
    fn stays_done(&self) -> bool {
        true
    }

    fn state(&self) -> State {
        if self.is_done() {
            State::Done
        } else {
            State::Pending
        }
    }

    fn error(&self) -> Option<Error> {
        self.outcome()?.err().cloned()
    }

    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_done() {
            return Poll::Ready(());
        }
        if let Some(poll) = slot.poll_again(cx) {
            return poll; // pending: whoever gives the outcome will wake us
        }
        match self.cell.listen().and_then(Listened::shared) {
            Some(waits) => slot.poll_in(|| waits, cx),
            None => Poll::Ready(()),
        }
    }

    #[track_caller]
    fn cancel(&self) -> bool {
        Promise::cancel(self)
    }

    fn label(&self) -> Option<&str> {
        self.name()
    }
}

impl<T> Default for Promise<T> {
    #[track_caller]
    fn default() -> Self {
        Promise::new()
    }
}

impl<T> Clone for Promise<T> {
    /// A further handle of the same kind: one that may set, or one that only waits.
    fn clone(&self) -> Self {
        if self.is_setter {
            self.another_setter()
        } else {
            self.wait()
        }
    }
}

impl<T> Drop for Promise<T> {
    #[inline]
    fn drop(&mut self) {
        if let (true, Some(listened)) = (self.key.is_some(), self.cell.listeners()) {
            leave(listened, &mut self.key);
        }
        if self.is_setter && !self.is_done() {
            self.cell.release(self.made_at);
        }
    }
}

impl<T> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Promise({})", status_text(self))
    }
}
