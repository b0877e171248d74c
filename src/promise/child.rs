//! [`ChildPromise`]: a promise of its own that ends with another one.

use std::{
    fmt,
    future::Future,
    ops::Deref,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
};

use super::{Promise, cell::Cell};
use crate::{Error, FutureStatus, Name, Result, State, WaitSlot, status_text, sync::Arc};

/// A promise that ends when its parent does, and never the other way round.
///
/// It has an outcome of its own, given through the [`Promise`] that it derefs to. If the parent
/// gets an outcome first, the child ends with the parent's very error, or is cancelled if the
/// parent has a value; that shows at once. What it has by then, it keeps.
///
/// Dropping it cancels it if it is pending, also for others who hold it, and its parent forgets
/// it.
///
/// # Cancel safety
///
/// Dropping a child cancels it, also while it is awaited; await its [`wait`](Promise::wait) where
/// the child is to outlive the waiting.
///
/// # Examples
///
/// ```
/// use windlass::Promise;
///
/// let parent = Promise::<u32>::new();
/// let (one, other) = (parent.child(), parent.child());
/// assert!(one.set(1));
/// assert!(parent.outcome().is_none(), "never upwards");
/// parent.fail("over");
/// assert_eq!(one.outcome().unwrap().unwrap(), &1, "what it has, it keeps");
/// assert_eq!(other.outcome().unwrap().unwrap_err().to_string(), "over");
/// ```
#[must_use = "dropping a child promise cancels it; keep it as long as somebody may set it"]
pub struct ChildPromise<T> {
    promise: Promise<T>,
    /// The parent's callback; `None` if the parent had ended.
    link: Option<u64>,
}

// ===== impl ChildPromise =====

impl<T> Promise<T> {
    /// Makes a promise that ends when this one does; ending it leaves this one alone.
    #[track_caller]
    pub fn child(&self) -> ChildPromise<T>
    where
        T: Send + Sync + 'static,
    {
        ChildPromise::new(self, None, Location::caller())
    }

    /// Makes a [`child`](Self::child) with a name.
    #[track_caller]
    pub fn child_named(&self, name: impl Into<Name>) -> ChildPromise<T>
    where
        T: Send + Sync + 'static,
    {
        ChildPromise::new(self, Some(name.into()), Location::caller())
    }
}

impl<T> ChildPromise<T> {
    fn new(parent: &Promise<T>, name: Option<Name>, made_at: &'static Location<'static>) -> Self
    where
        T: Send + Sync + 'static,
    {
        let cell = Cell::child(name, &parent.cell, made_at);
        let weak = Arc::downgrade(&cell);
        let follow = move |outcome: Result<&T, &Error>| {
            if let Some(cell) = weak.upgrade() {
                cell.follow(outcome.err());
            }
        };
        let link = parent.cell.on_done(Box::new(follow)).ok();
        if link.is_none() && cell.is_done() {
            cell.tell(); // the parent's outcome was there, and the child has taken it over
        }
        ChildPromise {
            promise: Promise::setter(cell, made_at),
            link,
        }
    }

    /// Cancels the outermost promise above this one. True if this call did it.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Promise;
    ///
    /// let parent = Promise::<u32>::new();
    /// let child = parent.child();
    /// assert!(child.cancel_parent());
    /// assert!(parent.is_done() && child.is_done());
    /// ```
    #[track_caller]
    pub fn cancel_parent(&self) -> bool {
        let caller = Location::caller();
        let mut top = &self.promise.cell;
        while let Some(parent) = top.parent() {
            top = parent;
        }
        !top.is_done() && top.set(Err(top.cancelled(None, caller)))
    }
}

impl<T> Deref for ChildPromise<T> {
    type Target = Promise<T>;

    fn deref(&self) -> &Promise<T> {
        &self.promise
    }
}

impl<T: Clone> Future for ChildPromise<T> {
    type Output = Result<T>;

    /// # Cancel safety
    ///
    /// Dropping a child while it is awaited cancels it, as at any time; await its
    /// [`wait`](Promise::wait) where the child is to outlive the waiting.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        Pin::new(&mut self.promise).poll(cx) // pending: whoever gives the outcome will wake us
    }
}

impl<T> FutureStatus for ChildPromise<T> {
    fn stays_done(&self) -> bool {
        true
    }

    fn state(&self) -> State {
        self.promise.state()
    }

    fn error(&self) -> Option<Error> {
        self.promise.error()
    }

    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
        self.promise.poll_done(slot, cx)
    }

    #[track_caller]
    fn cancel(&self) -> bool {
        self.promise.cancel()
    }

    fn label(&self) -> Option<&str> {
        self.promise.label()
    }
}

impl<T> Drop for ChildPromise<T> {
    fn drop(&mut self) {
        let cell = &self.promise.cell;
        if let (Some(link), Some(parent)) = (self.link, cell.parent()) {
            drop(parent.remove_on_done(link)); // outside the lock
        }
        cell.give_up("its owner having dropped it", self.promise.made_at);
        // A query may have fixed it, on behalf of the callback that is gone now.
        cell.tell();
    }
}

impl<T> fmt::Debug for ChildPromise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChildPromise({})", status_text(&self.promise))
    }
}

#[cfg(test)]
mod tests {
    use super::Promise;

    /// FUT-47, FUT-69: what was not finished by its owner stayed registered at its parent.
    #[test]
    fn a_parent_knows_a_child_until_that_is_dropped_and_no_longer() {
        let parent = Promise::<u32>::new();
        let children = [parent.child(), parent.child()];
        assert_eq!(parent.cell.callbacks(), 2);
        assert!(children[0].set(1), "an outcome of its own");
        drop(children);
        assert_eq!(parent.cell.callbacks(), 0);
        for _ in 0..1_000 {
            drop(parent.child());
        }
        assert_eq!(parent.cell.callbacks(), 0);
        let child = parent.child();
        assert!(parent.set(1) && child.is_done());
        assert_eq!((parent.cell.callbacks(), child.cell.callbacks()), (0, 0));
    }
}
