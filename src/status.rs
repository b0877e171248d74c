//! [`FutureStatus`]: the read-only view of anything that ends once; and the list of its waiters.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    Error,
    registry::{Key, Registry},
};

/// Where something that ends once stands.
///
/// # Examples
///
/// ```
/// use windlass::{Ctx, FutureStatus, State};
///
/// let ctx = Ctx::root_on("app", ());
/// assert_eq!(ctx.state(), State::Pending);
/// ctx.stop();
/// assert_eq!(ctx.state(), State::Stopping);
/// ctx.cancel();
/// assert_eq!(ctx.state(), State::Done);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It goes on.
    Pending,
    /// It was asked to stop and goes on.
    Stopping,
    /// It has ended.
    Done,
}

/// The read-only, value-free view of anything that ends once.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::task::{Context, Poll};
///     use windlass::{Error, FutureStatus, Promise, State, WaitSlot, wait_for_all};
///
///     /// A type of one's own hands everything on to the part that ends.
///     struct Upload {
///         file: &'static str,
///         end: Promise<()>,
///     }
///
///     impl FutureStatus for Upload {
///         fn state(&self) -> State {
///             self.end.state()
///         }
///         fn error(&self) -> Option<Error> {
///             self.end.error()
///         }
///         fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
///             self.end.poll_done(slot, cx)
///         }
///     }
///
///     let upload = Upload { file: "a.txt", end: Promise::new() };
///     let end = upload.end.clone();
///     sim.ctx.call_soon(move || drop(end.set(())));
///     wait_for_all([&upload]).await;
///     assert!(upload.is_done() && !upload.is_failed(), "{}", upload.file);
/// });
/// ```
pub trait FutureStatus {
    /// Says where it stands.
    fn state(&self) -> State;

    /// Says why it gave no value; `None` while it is pending and after success.
    fn error(&self) -> Option<Error>;

    /// Gets ready once it has ended; else registers the waker of `cx` in `slot`.
    ///
    /// Once `slot` is registered it stays fired: an end that is taken back meanwhile (an
    /// [`Event`](crate::Event) that was set and cleared) still counts.
    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()>;

    /// Asks it to stop; true if this call was the first to do so.
    fn cancel(&self) -> bool {
        false
    }

    /// Says what it is called, if it has a name; for texts about it.
    fn label(&self) -> Option<&str> {
        None
    }

    /// Says whether its end is never taken back, as that of a task, and unlike that of an
    /// [`Event`](crate::Event). A wait for all of many then registers with one at a time.
    fn stays_done(&self) -> bool {
        false
    }

    /// Says whether it has ended.
    fn is_done(&self) -> bool {
        self.state() == State::Done
    }

    /// Says whether it ended by cancellation.
    fn is_cancelled(&self) -> bool {
        self.error().is_some_and(|error| error.is_cancelled())
    }

    /// Says whether it ended without a value for another reason than cancellation.
    fn is_failed(&self) -> bool {
        self.error().is_some_and(|error| !error.is_cancelled())
    }
}

impl<S: FutureStatus + ?Sized> FutureStatus for &S {
    fn state(&self) -> State {
        (**self).state()
    }
    fn error(&self) -> Option<Error> {
        (**self).error()
    }
    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
        (**self).poll_done(slot, cx)
    }
    #[track_caller]
    fn cancel(&self) -> bool {
        (**self).cancel()
    }
    fn label(&self) -> Option<&str> {
        (**self).label()
    }
    fn stays_done(&self) -> bool {
        (**self).stays_done()
    }
}

/// A waiter's place in a list of waiters; leaves it when dropped.
///
/// Opaque. Types that implement [`FutureStatus`] hand it on to the part they wait for.
#[derive(Default)]
pub struct WaitSlot(Option<Place>);

struct Place {
    list: SharedList,
    key: Option<Key>,
}

/// The wakers of those who wait for one thing.
pub(crate) type Waiters = Registry<Waker>;

/// A list that a [`WaitSlot`] may stay in.
pub(crate) type SharedList = Arc<dyn WaitList + Send + Sync>;

/// Something that keeps [`Waiters`] behind a lock.
pub(crate) trait WaitList {
    /// Runs `visit` under the lock, on the waiters and on whether what they wait for is there.
    ///
    /// Taking the waiters out and making that true are one step under that lock.
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool));
}

// ===== impl WaitSlot =====

impl WaitSlot {
    /// Waits in `list`; `list` is only asked for while the slot is empty.
    pub(crate) fn poll_in<L>(&mut self, list: L, cx: &mut Context<'_>) -> Poll<()>
    where
        L: FnOnce() -> SharedList,
    {
        let place = self.0.get_or_insert_with(|| Place {
            list: list(),
            key: None,
        });
        let poll = poll_in(&*place.list, &mut place.key, cx);
        if poll.is_ready() {
            self.0 = None;
        }
        poll
    }

    /// Goes on waiting in the list that was polled before; `None` if there is none.
    pub(crate) fn poll_again(&mut self, cx: &mut Context<'_>) -> Option<Poll<()>> {
        let list = Arc::clone(&self.0.as_ref()?.list);
        Some(self.poll_in(|| list, cx))
    }

    /// Whether the slot is registered somewhere, or was until its list was woken.
    pub(crate) fn is_used(&self) -> bool {
        self.0.is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        leave(&*self.list, &mut self.key);
    }
}

impl fmt::Debug for WaitSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitSlot")
            .field("registered", &self.is_used())
            .finish()
    }
}

/// Ready once the list was woken since `key` was registered; registers it if it is not.
///
/// Pending: whoever takes the waiters out of `list` will wake us.
pub(crate) fn poll_in<L: WaitList + ?Sized>(
    list: &L,
    key: &mut Option<Key>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    // Cloning and dropping wakers is user code: it stays outside the lock. Comparing them calls
    // nothing.
    let mut fresh = if key.is_none() {
        Some(cx.waker().clone())
    } else {
        None
    };
    loop {
        let mut poll = Poll::Pending;
        let mut stale = false;
        list.visit(&mut |waiters, is_there| match *key {
            None if is_there => poll = Poll::Ready(()),
            None => *key = fresh.take().map(|waker| waiters.insert(waker)),
            Some(registered) => match waiters.get_mut(registered) {
                None => {
                    *key = None;
                    poll = Poll::Ready(());
                }
                Some(waker) => match fresh.as_mut() {
                    Some(fresh) => std::mem::swap(waker, fresh),
                    None => stale = !is_same(waker, cx.waker()),
                },
            },
        });
        // At most one more round: with a fresh waker in hand nothing is stale.
        if !stale {
            return poll;
        }
        fresh = Some(cx.waker().clone());
    }
}

/// Whether the two wake the same.
///
/// `Waker::will_wake` compares where their tables are. A table may be there more than once: a clone
/// of the waker that tokio's `block_on` polls with has another than the waker itself, and would be
/// cloned and registered again at every poll. What is in the tables tells more.
#[inline]
pub(crate) fn is_same(one: &Waker, other: &Waker) -> bool {
    one.data() == other.data() && one.vtable() == other.vtable()
}

/// Takes `key` out of `list`.
pub(crate) fn leave<L: WaitList + ?Sized>(list: &L, key: &mut Option<Key>) {
    if let Some(key) = key.take() {
        let mut waker = None;
        list.visit(&mut |waiters, _| waker = waiters.remove(key));
        drop(waker); // outside the lock
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Wake, Waker};

    use super::is_same;
    use crate::sync::Arc;

    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_waker_is_the_same_as_its_clone_and_no_other() {
        let waker = Waker::from(Arc::new(Nobody));
        assert!(is_same(&waker, &waker.clone()));
        assert!(!is_same(&waker, &Waker::from(Arc::new(Nobody))));
        assert!(!is_same(&waker, Waker::noop()));
    }
}
