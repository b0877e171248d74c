//! [`Event`]: a flag that can be set, cleared and waited for.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use crate::{
    Error, FutureStatus, State, WaitSlot,
    ctx::firing::wake_all,
    report::isolate,
    status::{WaitList, Waiters},
    sync::{Arc, AtomicBool, Mutex, Ordering, lock},
};

/// A flag that can be set, cleared and waited for. Clones share it.
///
/// Setting it releases everybody who waits at that moment, also if it is cleared right after.
///
/// # Comparison with `asyncio.Event` and `Notify`
///
/// It is asyncio's event: level-triggered, with `set`, `clear` and `wait`. A `tokio::sync::Notify`
/// hands one permit to one waiter; an event releases all, and stays set. For a value use a
/// [`Promise`](crate::Promise), and for the end of something its own status.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::Event;
///
///     let ready = Event::new();
///     let set = ready.clone();
///     sim.ctx.call_soon(move || set.set());
///     ready.wait().await;
///     assert!(ready.is_set());
///     ready.clear();
///     assert!(!ready.is_set());
/// });
/// ```
#[derive(Clone, Default)]
pub struct Event(Arc<Flag>);

#[derive(Default)]
struct Flag {
    /// Written under the lock; read without it.
    is_set: AtomicBool,
    waiters: Mutex<Waiters>,
    /// Woken whenever it is set.
    watcher: Option<Waker>,
}

/// The future of [`Event::wait`].
///
/// # Cancel safety
///
/// Dropping it leaves no trace.
#[must_use = "futures do nothing unless they are awaited"]
pub struct EventWait {
    event: Event,
    slot: WaitSlot,
}

impl Event {
    /// Makes an event that is not set.
    pub fn new() -> Self {
        Event::default()
    }

    /// An event that wakes `watcher` whenever it is set.
    pub(crate) fn watched(watcher: Waker) -> Self {
        Event(Arc::new(Flag {
            watcher: Some(watcher),
            ..Flag::default()
        }))
    }

    /// Clears the event; says whether it was set.
    pub(crate) fn take(&self) -> bool {
        if !self.is_set() {
            return false; // without the lock
        }
        let _waiters = lock(&self.0.waiters);
        self.0.is_set.swap(false, Ordering::AcqRel)
    }

    /// Sets the event and wakes everybody who waits for it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use windlass::Event;
    ///
    ///     let go = Event::new();
    ///     let waits = go.clone();
    ///     let task = sim.ctx.spawn(async move { waits.wait().await });
    ///     sim.rt.settle().await;
    ///     go.set();
    ///     go.clear(); // whoever was waiting has been released
    ///     task.await.unwrap();
    ///     assert!(!go.is_set());
    /// });
    /// ```
    pub fn set(&self) {
        let mut waiters = lock(&self.0.waiters);
        // Release: partner of the Acquire in `is_set`.
        self.0.is_set.store(true, Ordering::Release);
        let woken = waiters.take();
        drop(waiters);
        wake_all(woken);
        if let Some(watcher) = &self.0.watcher {
            isolate("a waker", || watcher.wake_by_ref());
        }
    }

    /// Clears the event. Those who were waiting when it was set are released all the same.
    pub fn clear(&self) {
        let _waiters = lock(&self.0.waiters);
        self.0.is_set.store(false, Ordering::Release);
    }

    /// Says whether the event is set now.
    pub fn is_set(&self) -> bool {
        self.0.is_set.load(Ordering::Acquire)
    }

    /// Waits until the event is set; ready at once if it is.
    ///
    /// If nobody is left who can set it, it waits for ever;
    /// [`Ctx::run_until_done`](crate::Ctx::run_until_done) ends the wait with a context.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no trace.
    pub fn wait(&self) -> EventWait {
        EventWait {
            event: self.clone(),
            slot: WaitSlot::default(),
        }
    }
}

impl WaitList for Flag {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let mut waiters = lock(&self.waiters);
        visit(&mut waiters, self.is_set.load(Ordering::Relaxed));
    }
}

impl FutureStatus for Event {
    fn state(&self) -> State {
        if self.is_set() {
            State::Done
        } else {
            State::Pending
        }
    }

    fn error(&self) -> Option<Error> {
        None
    }

    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
        slot.poll_in(|| Arc::<Flag>::clone(&self.0), cx)
    }
}

impl Future for EventWait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.event.poll_done(&mut this.slot, cx) // pending: `set` will wake us
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("is_set", &self.is_set())
            .finish()
    }
}

impl fmt::Debug for EventWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventWait").field(&self.event).finish()
    }
}
