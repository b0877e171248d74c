//! [`Bell`]: those who wait at a queue, apart from what is in it.
//!
//! # Invariants
//!
//! 1. Who is to wait registers first and looks then; who changes something does that first and
//!    looks for those who wait then. Between its two steps each passes through the same lock (that of
//!    the back of the queue, or in `wake_all` that of the row): so either the one who waits finds the
//!    change, or the other finds the one who waits.
//! 2. While there is something to take and somebody waits, somebody who was woken is on the way.
//!    Who was woken and leaves without taking anything wakes the next.

use std::task::{Wake, Waker};

use crate::{
    ctx::firing::wake_all,
    registry::Key,
    report::isolate,
    status::{WaitList, Waiters},
    sync::{Arc, AtomicUsize, Mutex, Ordering, lock},
};

/// Two rows. Woken itself, it wakes everybody: the context has ended, or the breaker was set.
#[derive(Default)]
pub(super) struct Bell {
    pub(super) consumers: Row,
    pub(super) senders: Row,
}

/// Those who wait for one thing, in order.
#[derive(Default)]
pub(super) struct Row {
    /// How many, for those who need not lock for nobody. Written under the lock.
    len: AtomicUsize,
    waiters: Mutex<Waiters>,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.consumers.wake_all();
        self.senders.wake_all();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

impl Row {
    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        // Relaxed: invariant 1 orders it by the lock of the queue.
        self.len.load(Ordering::Relaxed) == 0
    }

    /// Wakes the one who has waited longest; false if there is none.
    pub(super) fn wake_one(&self) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut first = None;
        self.visit(&mut |waiters, _| first = waiters.take_first());
        let is_one = first.is_some();
        if let Some(waker) = first {
            wake(waker);
        }
        is_one
    }

    /// Wakes everybody, for a reason that the lock of the queue has nothing to do with.
    ///
    /// It always locks: who registers after that sees what was done before.
    pub(super) fn wake_all(&self) {
        let mut all = None;
        self.visit(&mut |waiters, _| all = Some(waiters.take()));
        if let Some(all) = all {
            wake_all(all);
        }
    }

    /// Takes `key` out of the row; false if it was woken before.
    pub(super) fn leave(&self, key: &mut Option<Key>) -> bool {
        let Some(key) = key.take() else {
            return false;
        };
        let mut waker = None;
        self.visit(&mut |waiters, _| waker = waiters.remove(key));
        waker.is_some() // and dropped here, outside the lock
    }
}

fn wake(waker: Waker) {
    isolate("a waker", || waker.wake());
}

impl WaitList for Row {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let mut waiters = lock(&self.waiters);
        visit(&mut waiters, false);
        self.len.store(waiters.len(), Ordering::Relaxed);
    }
}
